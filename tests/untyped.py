"""A reference interpreter of the untyped IR: what the frontend lowers, run with Python's own operations.

It shares nothing with the compiler but the IR; the verifier checks each function it is given.
"""

from __future__ import annotations

import copy
import importlib
import operator
from collections.abc import Callable, Iterator
from typing import Any

from s2sad.frontend.finding import source_of
from s2sad.frontend.lower import lower, parameter_names
from s2sad.frontend.source import FunctionSource
from s2sad.ir.core import AnyOp, Block, Const, ForEach, If, Op, Operand, Undef, Value, While
from s2sad.ir.verify import verify

OPERATORS: dict[str, Callable[..., Any]] = {
    "div": operator.truediv, "bitand": operator.and_, "bitor": operator.or_, "bitxor": operator.xor,
    "not": operator.not_, "is": operator.is_, "in": lambda a, b: a in b, "not_in": lambda a, b: a not in b,
    "slice": slice, "getitem": operator.getitem, "setitem": operator.setitem,
}  # fmt: skip
INPLACE = {"div": operator.itruediv, "bitand": operator.iand, "bitor": operator.ior, "bitxor": operator.ixor}


def inplace(prim: str) -> Callable[..., Any]:
    return INPLACE.get(prim) or getattr(operator, "i" + prim)


class Machine:
    """Runs one call of the function of a source."""

    def __init__(self, source: FunctionSource) -> None:
        self.source, self.env = source, dict[Value, Any]()

    def run(self, args: list[Any]) -> Any:
        fn = lower(self.source)
        verify(fn, locations=True)
        self.env.update(zip(fn.params, args, strict=True))
        self.block(fn.body)
        return self.read(fn.body.yields[0], fn.body.ops[-1] if fn.body.ops else None)

    def block(self, block: Block) -> tuple[list[Any], bool]:
        broke = False
        for op in block.ops:
            if isinstance(op, Op):
                result = self.op(op, [self.read(o, op) for o in op.operands])
                values = result if op.prim == "unpack" else [result] if op.results else []
            else:
                values, broke = self.structured(op)
            self.env.update(zip(op.results, values, strict=True))
        return [self.read(o) for o in block.yields], broke or block.exit == "break"

    def structured(self, op: AnyOp) -> tuple[list[Any], bool]:
        if isinstance(op, If):
            return self.block(op.then if self.read(op.cond, op) else op.orelse)
        if isinstance(op, ForEach):
            carried = [self.read(o) for o in op.init]
            for element in self.read(op.iterable, op):
                self.env.update(zip(op.body.params, [element, *carried], strict=True))
                carried, broke = self.block(op.body)
                if broke:
                    break
            return carried, False
        assert isinstance(op, While)
        carried, broke = [self.read(o) for o in op.init], False
        while not broke:
            self.env.update(zip(op.test.params, carried, strict=True))
            (cond, *carried), _ = self.block(op.test)
            if not cond:
                break
            self.env.update(zip(op.body.params, carried, strict=True))
            carried, broke = self.block(op.body)
        return carried, False

    def read(self, operand: Operand, user: AnyOp | None = None) -> Any:
        value = self.env[operand] if isinstance(operand, Value) else operand
        if isinstance(value, Const):
            return value.value
        if isinstance(value, Undef) and user is not None and getattr(user, "prim", "") != "function":
            raise UnboundLocalError(value.hint)
        return value

    def op(self, op: Op, xs: list[Any]) -> Any:
        method = getattr(self, "op_" + op.prim, None)
        if method is not None:
            return method(op, *xs)
        if op.attr("inplace"):
            return inplace(op.prim)(*xs)
        return (OPERATORS.get(op.prim) or getattr(operator, op.prim))(*xs)

    def op_global(self, op: Op) -> Any:
        try:
            return self.source.namespace.lookup(op.attr("name"))
        except KeyError:
            raise NameError(op.attr("name")) from None

    def op_unbound(self, op: Op) -> Any:
        raise UnboundLocalError(op.attr("name"))

    def op_import(self, op: Op) -> Any:
        module, name = op.attr("module"), op.attr("name")
        found = importlib.import_module(module)
        return found if name is None else getattr(found, name)

    def op_attr(self, op: Op, x: Any) -> Any:
        return getattr(x, op.attr("name"))

    def op_tuple(self, op: Op, *xs: Any) -> Any:
        items: list[Any] = []
        for x, star in zip(xs, op.attr("stars"), strict=True):
            items += list(x) if star else [x]
        return tuple(items)

    def op_list(self, op: Op, *xs: Any) -> Any:
        return list(self.op_tuple(op, *xs))

    def op_dict(self, op: Op, *xs: Any) -> Any:
        return dict(zip(xs[: len(xs) // 2], xs[len(xs) // 2 :], strict=True))

    def op_unpack(self, op: Op, x: Any) -> list[Any]:
        items, count, star = list(x), op.attr("count"), op.attr("star")
        if len(items) < count - (star is not None) or (star is None and len(items) > count):
            raise ValueError("values to unpack")
        if star is None:
            return items
        after = len(items) - (count - star - 1)
        return [*items[:star], items[star:after], *items[after:]]

    def op_augitem(self, op: Op, base: Any, index: Any, value: Any) -> None:
        base[index] = inplace(op.attr("op"))(base[index], value)

    def op_assert(self, op: Op, cond: Any, *message: Any) -> None:
        if not cond:
            raise AssertionError(*message)

    def op_raise(self, op: Op, *exc: Any) -> None:
        raise exc[0]

    def op_format(self, op: Op, *xs: Any) -> str:
        values = iter(xs)
        convert: dict[int, Callable[[Any], Any]] = {-1: lambda v: v, 115: str, 114: repr, 97: ascii}
        parts = op.attr("parts")
        return "".join(
            p if isinstance(p, str) else format(convert[p[0]](next(values)), p[1] or "") for p in parts
        )  # fmt: skip

    def op_call(self, op: Op, function: Any, *xs: Any) -> Any:
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for spec, x in zip(op.attr("spec"), xs, strict=True):
            if spec == "**":
                kwargs.update(x)
            elif spec not in ("", "*"):
                kwargs[spec] = x
            else:
                args += list(x) if spec else [x]
        return function(*args, **kwargs)

    def op_function(self, op: Op, *xs: Any) -> Callable[..., Any]:
        source, captured = op.attr("source"), list(xs[: len(op.attr("captured"))])
        node_args, rest = source.node.args, iter(xs[len(captured) :])
        names = [a.id for a in (*node_args.posonlyargs, *node_args.args)]
        defaults = dict(zip(names[len(names) - len(node_args.defaults) :], rest, strict=False))
        for a, d in zip(node_args.kwonlyargs, node_args.kw_defaults, strict=True):
            if d is not None:
                defaults[a.id] = next(rest)

        def function(*args: Any, **kwargs: Any) -> Any:
            bound = {**defaults, **dict(zip(names, args, strict=False)), **kwargs}
            if node_args.vararg:
                bound[node_args.vararg.id] = args[len(names) :]
            if node_args.kwarg:
                bound[node_args.kwarg.id] = {k: v for k, v in kwargs.items() if k not in (*names, *defaults)}
            own = [function if isinstance(c, Undef) and c.hint == source.name else c for c in captured]
            return Machine(source).run([*own, *(bound[n] for n in parameter_names(source.node))])

        return function

    def op_listcomp(self, op: Op, function: Callable[..., Any]) -> list[Any]:
        return function([])  # type: ignore[no-any-return]

    def op_generator(self, op: Op, function: Callable[..., Any]) -> Iterator[Any]:
        return iter(function([]))

    def op_yield_(self, op: Op, value: Any, state: list[Any]) -> list[Any]:
        state.append(value)
        return state


def outcome(call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    args = copy.deepcopy(args)
    try:
        result = call(*args)
    except Exception as error:
        return type(error), args
    return (repr(result) if callable(result) else result), args


def interpret(f: Any, *args: Any) -> Any:
    return Machine(source_of(f)).run(list(args))
