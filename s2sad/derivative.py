"""`Derivative`: a callable made from a function, with code generated for each signature it is called with.

Calling it runs a small generated entry: it checks that the arguments have the types the code was made for
and calls the generated function; anything else goes through `_dispatch`, which finds or makes the code.
"""

from __future__ import annotations

import functools
import inspect
import operator
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from s2sad import pipeline
from s2sad.assumed import assumed_keys, assuming
from s2sad.bound import BoundDerivative, apart, holds_as_class_method
from s2sad.codegen import tree as t
from s2sad.codegen.load import generate
from s2sad.custom import differentiable
from s2sad.entry import (
    MOST_SIGNATURES,
    Made,
    Where,
    binder,
    definition,
    entry,
    entry_of_integers,
    slow_entry,
    unchanged,
)
from s2sad.errors import S2sadError, SignatureError, public
from s2sad.frontend.sent import Sent, received, sources
from s2sad.frontend.source import FunctionSource
from s2sad.ir.core import Const, Function, Operand, Undef, Value
from s2sad.ir.types import INT, Scalar
from s2sad.lowered import Lowered
from s2sad.machine_code import is_dispatcher
from s2sad.nested import inline_bound, inline_derivative, structured
from s2sad.pickling import at_place, place_of
from s2sad.presented import presented
from s2sad.refused import not_a_function
from s2sad.signature import Argument, Parameters, gradient_tree, typed_call
from s2sad.transform.gradient import floats_at_last, gradient
from s2sad.transform.views import asks_for_layouts
from s2sad.typing.abstract import AV, FunctionAV, TupleAV, describe, is_operand, leaves
from s2sad.typing.calls import bind
from s2sad.typing.given import memory_given
from s2sad.typing.specialise import Specialiser, Typed
from s2sad.typing.structure import (
    Node,
    Path,
    decided,
    keys_of,
    leaf_types,
    source_for,
    user_function,
    with_sizes,
    without_layout,
)


@dataclass(frozen=True, eq=False)
class Options:
    """What `grad` and its kin were asked for."""

    wrt: Any = 0
    value: bool = False
    has_aux: bool = False
    jit: bool = False
    optimize: int = 2
    fastmath: bool = False
    cache: bool = True
    debug: bool = False
    bound: bool = False  # of an object's method: the object is not among the arguments that wrt counts


class Derivative:
    """The derivative of a function, callable as the function is.

    Attributes:
        primal: the function itself.
        source: the generated code of the last call; before any call, for parameters as annotated, else floats.
    """

    primal: Any
    _function: Any  # a function; a class attribute of that type would be read as a method
    _name: str
    _suffix: str
    _fsource: FunctionSource
    _params: Parameters
    _options: Options
    _bind: Callable[..., tuple[Any, ...]]
    _cache: dict[Any, list[Lowered]]
    _last: Lowered | None

    def __new__(cls, fn: Any, options: Options) -> Derivative:
        own = type(cls.__name__, (cls,), {"__module__": cls.__module__})
        return object.__new__(own)

    def __init__(self, fn: Any, options: Options) -> None:
        self._inner = fn if isinstance(fn, Derivative) else None
        function = fn._function if isinstance(fn, Derivative) else user_function(fn)
        if function is None:
            raise not_a_function(fn)
        self.primal = self._given = fn
        self._function = function
        self._name = f"{fn._name}_{fn._suffix}" if isinstance(fn, Derivative) else source_for(function).name
        self._suffix = "value_and_grad" if options.value else "grad"
        self._options = options
        self._describe()
        self._cache = {}
        self._entered: list[tuple[Lowered, Made]] = []
        self._last = None
        self._unbound: Derivative | None = None  # of which this is `_of_object`

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self._dispatch(args, kwargs)

    def _describe(self) -> None:
        """What is known of the function before any call: its source, its parameters and their defaults."""
        self._fsource = source_for(self._function)
        self._params = Parameters.of(self._fsource, self._options.wrt, self._options.bound)
        self._signature = inspect.signature(self._function, follow_wrapped=False)
        self._bind = binder(self._signature, self._fsource.qualname)
        self._described = definition(self._function)

    def _follow(self) -> None:
        """Describe the function anew where its code or its defaults are others now."""
        if not unchanged(self._function, self._described):
            self._describe()
            self._entered = []
            type(self).__call__ = slow_entry(self._where())  # type: ignore[method-assign]

    # -- calling ------------------------------------------------------------------------------------

    def __get__(self, obj: Any, objtype: Any = None) -> Any:
        return self if obj is None else BoundDerivative(self._of_object, obj)

    @functools.cached_property
    def _of_object(self) -> Derivative:
        """This derivative as that of an object's method: positions of wrt count what stands after the object."""
        wrt = self._options.wrt
        named = all(isinstance(w, str) for w in (wrt if isinstance(wrt, tuple) else (wrt,)))
        if self._options.bound or named:
            return self
        inner = self._given._of_object if isinstance(self._given, Derivative) else self._given
        found = made(type(self).__bases__[0], inner, replace(self._options, bound=True))
        found._unbound = self
        return found

    @property
    def _innermost(self) -> Any:
        """The function at the bottom of derivatives of derivatives, as it was given."""
        return self._given._innermost if isinstance(self._given, Derivative) else self._given

    def __reduce__(self) -> tuple[Any, ...]:
        """By the name of the function it stands in the place of (`@grad`), else the function and the options."""
        if self._unbound is not None:
            return operator.attrgetter("_of_object"), (self._unbound,)
        place = place_of(self, self._innermost)
        if place is not None:
            return at_place, place
        values = tuple(getattr(self._options, f.name) for f in fields(Options))
        return made_again, (type(self).__bases__[0], self._given, values, sources(self._function))

    def __copy__(self) -> Derivative:
        return self

    def __deepcopy__(self, memo: Any) -> Derivative:
        return self  # as a function is

    def __repr__(self) -> str:
        kind = "value_and_grad" if self._options.value else "grad"
        return f"<{kind} of {self._fsource.qualname} with respect to {', '.join(map(str, self._params.wrt))}>"

    def _dispatch(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args and holds_as_class_method(args[0], self) and self._of_object is not self:
            return self._of_object(*args, **kwargs)
        self._follow()
        bound = self._arguments(args, kwargs)
        lowered = self._lowered(keys_of(self._fsource, self._params.names, bound))
        self._last = lowered
        code, hidden = lowered.compile(), lowered.hidden()
        memory = (*bound, *(c.get() for c in lowered.captured))
        if (sharing := self._sharing(lowered)) is not None:
            sharing.refuse(memory)
            if lowered.target == "numba" and sharing.read_only(memory):
                return self._interpreted._dispatch(args, kwargs)
        if lowered.target == "numba":
            memory = self._native_arguments(lowered, memory)
        result = code(*memory[: len(bound)], **dict(zip(hidden, memory[len(bound) :], strict=True)))
        self._enter(lowered, code)
        return self._as_float32(result, lowered) if self._is_single(lowered) else result

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        try:
            return self._bind(*args, **kwargs)
        except S2sadError:
            raise
        except TypeError as error:
            hint = f"call it as {self._fsource.name}{self._signature}"
            raise SignatureError(str(error), self._fsource.loc, hint) from None

    def _sharing(self, lowered: Lowered) -> Any:
        """What must be kept apart of the memory that this code is called with; None if nothing is written."""
        if not any(g.written for g in lowered.given):
            return None
        from s2sad.sharing import Sharing  # numpy is imported by who has arrays

        return Sharing(lowered.given, self._fsource.name, self._fsource.loc)

    def _native_arguments(self, lowered: Lowered, values: tuple[Any, ...]) -> tuple[Any, ...]:
        from s2sad.native import Native

        keys = lowered.keys | {n: c.key for n, c in zip(lowered.hidden(), lowered.captured, strict=True)}
        return Native(keys, lowered.given, self._fsource.name, self._fsource.loc).arguments(values)

    @functools.cached_property
    def _interpreted(self) -> Derivative:
        """The same without Numba, which cannot compile writes to read-only arrays: Python raises, where one is reached."""
        return made(type(self).__bases__[0], self._given, replace(self._options, jit=False))

    def _is_single(self, lowered: Lowered) -> bool:
        """Whether Numba, which returns Python floats, must have float32 gradients made of them again."""
        keys = [a.key(lowered.keys) for a in self._params.wrt]
        single = any(leaf == Scalar("float", "float32") for key in keys for _, leaf in leaf_types(key))
        return lowered.target == "numba" and single

    def _as_float32(self, result: Any, lowered: Lowered) -> Any:
        import numpy as np

        def cast(key: Any, value: Any) -> Any:
            if isinstance(key, Node):
                return tuple(cast(k, v) for k, v in zip(key.parts, value, strict=True))
            return np.float32(value) if key == Scalar("float", "float32") else value

        value, gradient = result if self._options.value else (None, result)
        keys = [a.key(lowered.keys) for a in self._params.wrt]
        if self._params.bare:
            gradient = cast(keys[0], gradient)
        else:
            gradient = tuple(cast(k, g) for k, g in zip(keys, gradient, strict=True))
        return (value, gradient) if self._options.value else gradient

    def _lowered(self, keys: dict[str, Any]) -> Lowered:
        said = tuple(keys.values())
        for known in (said, tuple(map(without_layout, said)), tuple(map(with_sizes, said))):
            for lowered in self._cache.get(known, ()):
                if lowered.takes(keys) and lowered.valid():
                    return lowered
        made = self._made(keys)
        found = self._cache.setdefault(tuple(made.keys.values()), [])
        found.append(made)
        found.sort(key=lambda lowered: -len(lowered.sizes))  # what takes more for granted is faster
        return made

    def _made(self, keys: dict[str, Any], optimize: int | None = None) -> Lowered:
        """New code for a signature."""
        level = self._options.optimize if optimize is None else optimize
        return decided(lambda keys, sized: self._make(keys, level, sized), keys)

    def _enter(self, lowered: Lowered, code: Any) -> None:
        """Let calls that this code was made for go straight to it, the latest signature first."""
        if any(known is lowered for known, _ in self._entered):
            return
        sharing = self._sharing(lowered)
        made = Made(
            lowered.keys,
            tuple(zip(lowered.hidden(), lowered.captured, strict=True)),
            lowered.guards,
            code,
            lowered.given if sharing is not None else (),
            sharing.refuse_among if sharing is not None else None,
            (lambda result: self._as_float32(result, lowered)) if self._is_single(lowered) else None,
            lowered.target == "numba",
            lowered.sizes,
        )
        entered = [(lowered, made), *(e for e in self._entered if e[0].valid())][:MOST_SIGNATURES]
        self._entered = sorted(entered, key=lambda e: -len(e[0].sizes))
        found = self._native(code) or entry(
            self._where(), self._signature, [made for _, made in self._entered], self._function
        )
        type(self).__call__ = slow_entry(self._where()) if found is None else found  # type: ignore[method-assign]

    def _where(self) -> Where:
        return Where(f"{self._name}_{self._suffix}", self._fsource.qualname, self._fsource.loc)

    def _native(self, code: Any) -> Any:
        """The dispatcher as the entry, where all code so far is compiled for types that say all there is to say."""
        positional = all(
            p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
            for p in self._signature.parameters.values()
        )
        if not (self._options.jit and positional and is_dispatcher(code)):
            return None
        if not all(self._called.enter(lowered, made.code) for lowered, made in self._entered):
            return None
        if any(INT in made.keys.values() for _, made in self._entered):
            return entry_of_integers(self._where(), self._signature, self._called)
        return staticmethod(self._called)

    @functools.cached_property
    def _called(self) -> Any:
        """The dispatcher that is called from Python; it has none of what is frozen into compiled callers."""
        from s2sad.compiled import DerivativeDispatcher

        return DerivativeDispatcher(self)

    @functools.cached_property
    def _dispatcher(self) -> Any:
        """The dispatcher that the user's compiled functions call."""
        from s2sad.compiled import DerivativeDispatcher

        return DerivativeDispatcher(self)

    @property
    def _numba_type_(self) -> Any:
        """What Numba takes a compiled derivative for, in functions of the user's that call it or are given it."""
        if not self._options.jit:
            raise AttributeError(
                f"{self!r} is not compiled: give grad() jit=True to call it from compiled functions"
            )
        return self._dispatcher._numba_type_

    # -- making code --------------------------------------------------------------------------------

    def _typed(
        self, keys: dict[str, Any], sized: bool = False
    ) -> tuple[Typed, tuple[Value, ...], list[Value]]:
        typed, _, hidden, inputs = typed_call(self._params, keys, self._options.jit, sized, self._call)
        return typed, hidden, inputs

    def _call(self, walker: Specialiser, args: list[AV]) -> AV:
        """The function itself on abstract values: its body, or for a derivative of a derivative the inner one's."""
        if self._inner is None:
            return walker.enter(self._fsource, args)
        return inline_bound(self._inner, walker, args)

    def __s2sad_inline__(self, walker: Specialiser, args: list[AV], kwargs: dict[str, AV]) -> AV:
        self._follow()
        return inline_derivative(self, walker, args, kwargs)

    @pipeline.collector_paused()
    def _make(self, keys: dict[str, Any], optimize: int, sized: bool = False) -> Lowered:
        typed, hidden, inputs = self._typed(keys, sized)
        captured = tuple(typed.captures.variables.values())
        # else the code is for arrays that lie in memory in any way
        if not (sized or typed.asks_for_layouts or asks_for_layouts(typed.function)):
            typed.function = replace(typed.function, layouts={})
            keys = {n: without_layout(k) for n, k in keys.items()}
            captured = tuple(replace(c, key=without_layout(c.key)) for c in captured)
        options, name = self._options, self._name
        aux = self._aux(typed.result)
        target = "numba" if options.jit else "python"
        primal = pipeline.prepared(typed.function, optimize, target)
        function = self._derive(primal, tuple(inputs), f"{name}_{self._suffix}", typed.result)
        pipeline.check(function)
        function = pipeline.run(function, pipeline.OPTIMIZE[optimize])
        function = self._finished(function, len(inputs))
        returns = self._returns(keys, aux, typed.result)
        generated = generate(function, optimize, target, returns, hidden, options=_jit_options(options))
        return Lowered(
            generated,
            typed.function,
            function,
            captured,
            tuple(typed.captures.guards.values()),
            name,
            keys,
            target,
            memory_given(typed.function),
            options.cache,
            typed.sizes,
        )

    def _derive(
        self, fn: Function, inputs: tuple[Value, ...], name: str, result: AV, reserved: tuple[str, ...] = ()
    ) -> Function:
        """The derivative of a typed function that returns `result`, whose leaves are what `fn` yields."""
        count = len(fn.body.yields) - 1
        return gradient(fn, inputs, name, self._options.value, count, reserved)

    def _finished(self, function: Function, count: int) -> Function:
        """What optimisation left, with results of the types they are returned in; there are `count` inputs."""
        return floats_at_last(function, len(function.body.yields) - count)

    def _aux(self, result: AV) -> AV | None:
        if not self._options.has_aux:
            if isinstance(result, TupleAV):
                raise SignatureError(
                    f"{self._fsource.name}() returns {len(result.items)} values, and a gradient needs one",
                    self._fsource.loc,
                    "return one number, or say has_aux=True for (value, auxiliary)",
                )
            if not is_operand(result):
                raise SignatureError(
                    f"{self._fsource.name}() returns {describe(result)}, and a gradient needs one real number",
                    self._fsource.loc,
                    "return one number",
                )
            return None
        if not (isinstance(result, TupleAV) and len(result.items) == 2):
            raise SignatureError(
                f"has_aux=True, but {self._fsource.name}() does not return a pair",
                self._fsource.loc,
                "return (value, auxiliary)",
            )
        return result.items[1]

    def _returns(self, keys: dict[str, Any], aux: AV | None, result: AV) -> Callable[[list[Any]], Any]:
        params, value = self._params, self._options.value
        n_aux = len(list(leaves(aux))) if aux is not None else 0

        def build(exprs: list[Any]) -> Any:
            stream = iter(exprs)
            out = next(stream) if value else None
            extra = value_tree(aux, [next(stream) for _ in range(n_aux)]) if aux is not None else None
            grads = [gradient_tree(a.key(keys), a.expression(), stream) for a in params.wrt]
            grad = grads[0] if params.bare else t.tuple_(grads)
            if aux is not None:
                return t.tuple_([t.tuple_([out, extra]), grad]) if value else t.tuple_([grad, extra])
            return t.tuple_([out, grad]) if value else grad

        return build

    def _structured(self, result: AV, by: dict[Argument, AV], values: Iterator[Operand]) -> AV:
        """As `_returns`, where this derivative is called in a differentiated function."""
        return structured(self._options, self._params, result, by, values)

    def _bind_values(self, s: Specialiser, args: list[AV], kwargs: dict[str, AV]) -> list[AV]:
        """The arguments of such a call in the order of the parameters."""
        return bind(s, FunctionAV(self._fsource), args, kwargs)

    # -- looking ------------------------------------------------------------------------------------

    @public
    def lower(self, *args: Any, optimize: int | None = None, **kwargs: Any) -> Lowered:
        """The code for these arguments, without running it."""
        self._follow()
        bound = self._arguments(args, kwargs)
        keys = keys_of(self._fsource, self._params.names, bound)
        if optimize is None or optimize == self._options.optimize:
            return self._lowered(keys)
        return self._made(keys, optimize)

    def typed_for(self, args: tuple[Any, ...]) -> tuple[Typed, tuple[Value, ...], list[Value]]:
        """The function typed for these arguments, its hidden parameters, and what it is differentiated by."""
        return self._typed(keys_of(self._fsource, self._params.names, self._bind(*args)))

    def check(self, *args: Any, **kwargs: Any) -> None:
        """Compare this derivative at a point with forward mode and with differences, as `check_grad` does.

        Raises:
            CheckError: where they disagree, and where the point lies on a kink or at equal eigenvalues.
        """
        from s2sad.testing import check_grad  # which asks this module for derivatives

        given, f = self._bind(*args, **kwargs) if kwargs else args, self.primal
        if self._options.bound:  # positions of wrt count what stands after the object
            f, given = types.MethodType(self._function, given[0]), given[1:]
        check_grad(f, given, self._options.wrt, jit=self._options.jit)

    @property
    @public
    def source(self) -> str:
        if self._last is not None:
            return self._last.source
        self._follow()
        keys = self._assumed()
        with assuming(keys, "call it once, or say .lower(...) with arguments like yours"):
            return self._lowered(keys).source

    def _assumed(self) -> dict[str, Any]:
        """The signature assumed where no call has shown one."""
        return assumed_keys(self._fsource, self._params)

    @property
    def source_map(self) -> dict[int, int]:
        """The user's line for each line of `source` that comes from one."""
        return source_map(self.source)

    @public
    def save(self, path: Any) -> None:
        """Write the generated module to a file that runs where s2sad is not installed."""
        from s2sad.codegen.standalone import standalone

        if self._last is None:
            _ = self.source
        lowered = self._last or next(c for found in self._cache.values() for c in found)
        with open(path, "w", encoding="utf-8") as file:
            file.write(standalone(lowered, self._fsource, self._alike()))

    def _alike(self) -> tuple[tuple[Argument, str, Path], ...]:
        """Arguments, and where in another parameter is what must have their shapes."""
        return ()

    def show(self) -> None:
        """Print the generated source."""
        print(self.source)


def value_tree(av: AV, exprs: list[Any]) -> Any:
    """The expression that builds a result in the structure the function returned it in."""
    stream = iter(exprs)

    def build(a: AV) -> Any:
        if isinstance(a, TupleAV):
            items = [build(i) for i in a.items]
            return t.list_(items) if a.cls is list else t.tuple_(items)
        from s2sad.typing.abstract import DictAV

        if isinstance(a, DictAV):
            import gast

            return gast.Dict([t.constant(k) for k in a.items], [build(v) for v in a.items.values()])
        if isinstance(a, (Value, Const, Undef)):
            return next(stream)
        raise S2sadError(
            "this kind of auxiliary result is not supported", hint="return numbers, arrays, tuples or dicts"
        )

    return build(av)


def source_map(source: str) -> dict[int, int]:
    """Lines of generated text to lines of the user's, by the comments that quote them."""
    import re

    found: dict[int, int] = {}
    current = 0
    for number, line in enumerate(source.splitlines(), 1):
        quoted = re.search(r"^\s*# .*\(line (\d+)\)$", line)
        if quoted:
            current = int(quoted.group(1))
        elif current and line.strip() and not line.strip().startswith("#"):
            found[number] = current
    return found


def _jit_options(options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {"error_model": "numpy"}
    if options.fastmath:
        found["fastmath"] = True
    if options.debug:
        found["boundscheck"] = True
    return found


# -- making them ---------------------------------------------------------------------------------------


def make(kind: type[Derivative], f: Any, options: Options) -> Any:
    """The derivative of a function, as the public functions return it; that of an object's method is bound to it."""
    function, receiver = apart(f)
    if (
        not isinstance(differentiable(function), Derivative)
        and user_function(differentiable(function)) is None
    ):
        raise not_a_function(f)
    if isinstance(function, Derivative) and receiver:
        function = function._of_object
    found = made(kind, function, replace(options, bound=bool(receiver)))
    return BoundDerivative(found, *receiver) if receiver else found


def made(kind: type[Derivative], given: Any, options: Options) -> Derivative:
    found = kind(differentiable(given), options)
    found._given = given
    type(found).__call__ = slow_entry(found._where())  # type: ignore[method-assign]
    return presented(found, given)


@functools.lru_cache(maxsize=64)
def made_again(kind: type[Derivative], given: Any, options: tuple[Any, ...], sent: Sent) -> Derivative:
    """A pickled derivative, made once in a process: a pool sends it with each task."""
    received(sent)
    return made(kind, given, Options(*options))
