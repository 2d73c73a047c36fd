"""Functions that stay functions: typed once for each signature they are called with, and called by `invoke`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from s2sad.errors import Loc, S2sadError, SignatureError
from s2sad.frontend.lower import lower
from s2sad.frontend.source import FunctionSource
from s2sad.ir.core import Block, Const, Function, Op, Operand, Undef, Value
from s2sad.ir.types import Scalar, anonymous
from s2sad.typing import iterators
from s2sad.typing.abstract import AV, DictAV, FunctionAV, StaticAV, children, leaves, map_leaves

MOST_NESTED = 8
"""How deep derivatives may call derivatives in each other."""


@dataclass(eq=False)
class Instance:
    """A function typed for one signature, called by `invoke`."""

    name: str
    result: AV | None = None
    function: Function | None = None
    rounds: int = 0


class Unreachable(Exception):
    """What follows on this path is not known to run: a recursive call before it has given no result so far."""


class KindsMeet(SignatureError):
    """What a variable may be on the paths that meet here has no common type; `lists` are those of different lengths,
    which could meet in memory."""

    def __init__(self, reason: str, loc: Loc, hint: str = "", lists: tuple[Any, ...] = ()) -> None:
        super().__init__(reason, loc, hint)
        self.lists = lists


def parameter(recursive: bool, o: Operand) -> AV:
    """What an instance knows of an argument: its type, or the constant that it is."""
    return Value("", anonymous(o.type, recursive)) if isinstance(o, Value) else o


class Instances:
    """The part of the specialiser that types functions apart from where they are called."""

    context: Any
    builder: Any
    error: Any
    enter: Any
    identity: Any
    stack: list[Any]
    caller: Any

    def __init__(self, context: Any) -> None:
        self.context = context

    def deriving(self, obj: Any, args: list[AV], kwargs: dict[str, AV], inline: Callable[[], AV]) -> AV:
        """What calling a derivative gives; in itself only for other constants, which come to an end."""
        call = (
            id(obj),
            tuple(map(self.signature, args)),
            tuple((n, self.signature(a)) for n, a in kwargs.items()),
        )
        nested = self.context.deriving
        if any(call == other for other, _ in nested) or len(nested) >= MOST_NESTED:
            raise self.own_derivative(obj)
        nested.append((call, len(self.context.open)))
        try:
            return inline()
        finally:
            nested.pop()

    def own_derivative(self, fn: Any) -> S2sadError:
        name = getattr(fn, "__name__", getattr(fn, "name", "a function"))
        error: S2sadError = self.error(
            f"the derivative of {name}() needs the derivative of {name}() again: the function calls its own derivative",
            "write the derivative that it calls out, or call that of another function",
        )
        return error

    def invoke(self, fn: FunctionAV, args: list[AV]) -> AV:
        iterators.use_up(self, *args)
        before = self.context.deriving[-1][1] if self.context.deriving else 0
        if self.identity(fn.source) in self.context.open[:before]:  # whose body is not known yet
            raise self.own_derivative(fn.source)
        args = [self.materialise(a) for a in args]
        recursive = self.identity(fn.source) in self.context.open
        instance = self.instance(fn.source, [map_leaves(a, partial(parameter, recursive)) for a in args])
        operands = tuple(o for a in args for o in leaves(a) if isinstance(o, Value))
        if instance.result is None:
            raise Unreachable
        results: list[Value] = []

        def fresh(o: Operand) -> AV:
            if isinstance(o, Value):
                results.append(Value("", anonymous(o.type)))
                return results[-1]
            return o

        out = map_leaves(instance.result, fresh)
        loc, attrs = self.builder.loc, (("callee", instance.name),)
        self.builder.ops.append(Op("invoke", operands, tuple(results), loc, attrs))
        return out

    def materialise(self, av: AV) -> AV:
        """Number constants become operands of the call, so that one instance serves them all."""

        def leaf(o: Operand) -> AV:
            if isinstance(o, Const) and isinstance(o.type, Scalar) and not isinstance(o.value, bool):
                return self.builder.emit("constant", type=o.type, value=o.value)
            return o

        return map_leaves(av, leaf)

    def instance(self, source: FunctionSource, args: list[AV]) -> Instance:
        key = (self.identity(source), tuple(self.signature(a) for a in args))
        found = self.context.instances.get(key)
        if found is not None:
            return found
        taken = {i.name for i in self.context.instances.values()}
        name = next(
            n for k in range(len(taken) + 1) if (n := f"{source.name}_{k}" if k else source.name) not in taken
        )
        instance = self.context.instances[key] = Instance(name)
        while True:  # the result's type is the least that its own recursive calls agree with
            instance.rounds += 1
            before, known = instance.result, set(self.context.instances)
            self.context.open.append(key[0])
            try:
                instance.function, result = self.body_of(source, args, name)
            except Unreachable:
                raise self.error(
                    f"every path through {source.name}() calls it again",
                    "return something without a call on one of them",
                ) from None
            finally:
                self.context.open.pop()
            instance.result = result
            if before is not None and self.signature(before) == self.signature(result):
                return instance
            for other in set(self.context.instances) - known:  # made from a result that was not final
                del self.context.instances[other]
            if instance.rounds > 8:
                raise self.error(
                    f"the type of the result of {source.name}() does not settle",
                    "return one type",
                    SignatureError,
                )

    def body_of(self, source: FunctionSource, args: list[AV], name: str) -> tuple[Function, AV]:
        inner = type(self)(self.context)
        inner.builder.loc = source.loc
        inner.stack, inner.caller = [], self.builder.loc
        function = lower(source)
        params: list[Value] = []

        def fresh(hint: str) -> Callable[[Operand], AV]:
            def make(o: Operand) -> AV:
                if isinstance(o, Value):
                    params.append(Value(hint, o.type))
                    return params[-1]
                return o

            return make

        inner_args = [map_leaves(a, fresh(p.hint)) for p, a in zip(function.params, args, strict=True)]
        result = inner.enter(source, inner_args)
        result = map_leaves(
            result,
            lambda o: (
                o
                if not isinstance(o, Const) or not isinstance(o.type, Scalar)
                else inner.builder.emit("constant", type=o.type, value=o.value)
            ),
        )
        yields = tuple(o for o in leaves(result) if isinstance(o, Value))
        body = Block((), tuple(inner.builder.ops), yields)
        return Function(name, tuple(params), body, source.loc, called=True), result

    def signature(self, av: AV) -> Any:
        """Hashable description of an abstract value: its structure, leaf types, constants."""
        if isinstance(av, Value):
            return av.type
        if isinstance(av, Const):
            return ("const", type(av.value).__name__, repr(av.value))
        if isinstance(av, Undef):
            return "undef"
        if isinstance(av, StaticAV):
            return ("static", id(av.obj))
        parts = tuple(self.signature(c) for c in children(av))
        extra: Any = self.identity(av.source) if isinstance(av, FunctionAV) else None
        return (type(av).__name__, extra, tuple(av.items) if isinstance(av, DictAV) else None, parts)
