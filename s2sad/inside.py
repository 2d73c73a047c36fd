"""`grad(f)` and `@grad` inside a differentiated function: the derivative of a function that exists only there.

Such a derivative is called with the function, whose captured values are values of the surrounding program, and the
arguments; there is no code of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from s2sad.derivative import Derivative, Options
from s2sad.errors import SignatureError
from s2sad.frontend.source import MISSING
from s2sad.nested import inline_derivative
from s2sad.signature import Parameters
from s2sad.typing.abstract import AV, DictAV, FunctionAV, PartialAV, StaticAV, TupleAV, describe
from s2sad.typing.calls import bind, captured_now
from s2sad.typing.specialise import Specialiser
from s2sad.typing.structure import constant

_MADE: dict[Any, InnerDerivative] = {}


class InnerDerivative(Derivative):
    """The derivative of a function of abstract values, which is its first argument."""

    def __init__(self, inner: Any, options: Options) -> None:
        self._inner = inner if isinstance(inner, InnerDerivative) else None
        self._fsource = inner._fsource if isinstance(inner, InnerDerivative) else inner
        self._name = f"{inner._name}_{inner._suffix}" if self._inner is not None else inner.name
        self._suffix = "value_and_grad" if options.value else "grad"
        params = Parameters.of(self._fsource, options.wrt)
        self._params = replace(params, names=["$function", *params.names])
        self._options = options
        self._cache = {}
        self._last = None

    def _follow(self) -> None:
        """It is made anew where the surrounding program is."""

    def _bind_values(self, s: Specialiser, args: list[AV], kwargs: dict[str, AV]) -> list[AV]:
        function, *given = args
        assert isinstance(function, FunctionAV)
        return [function, *bind(s, function, given, kwargs)[len(function.captured) :]]

    def _call(self, walker: Specialiser, args: list[AV]) -> AV:
        if self._inner is not None:
            return inline_derivative(self._inner, walker, args, {})
        function, *given = args
        assert isinstance(function, FunctionAV)
        return walker.enter(function.source, [*captured_now(function), *given])


def derivative_inside(made: Any, value: bool, s: Specialiser, args: list[AV], kwargs: dict[str, AV]) -> AV:
    """What a call of `grad` (`made`) or its kin gives in a differentiated function."""
    if not args:
        return PartialAV(StaticAV(made), TupleAV(()), DictAV(kwargs))
    names = ("wrt",) if len(args) > 1 else ()
    given = {n: s.static(a) for n, a in (*zip(names, args[1:], strict=False), *kwargs.items())}
    unknown = [n for n, v in given.items() if v is MISSING or n not in Options.__dataclass_fields__]
    if unknown or len(args) > 2:
        what = f"{unknown[0]}=" if unknown else "so many arguments"
        raise s.error(
            f"{made.__name__}() with {what} inside a differentiated function", "use constants", SignatureError
        )
    options = Options(**{**given, "value": value, "jit": False})
    function = args[0]
    if isinstance(function, StaticAV) and isinstance(function.obj, Derivative):
        return constant(type(function.obj)(function.obj, options))
    inner: Any = None
    if isinstance(function, FunctionAV):
        inner = function.source
    elif isinstance(function, PartialAV) and isinstance(function.function, StaticAV):
        inner, function = function.function.obj, function.args.items[0] if function.args.items else function
    if not isinstance(function, FunctionAV) or not (
        inner is function.source or isinstance(inner, InnerDerivative)
    ):
        raise s.error(f"{made.__name__}() of {describe(args[0])} is not supported here", "give it a function")
    key = (inner, made, tuple(sorted(given.items())))
    if key not in _MADE:
        _MADE[key] = InnerDerivative(inner, options)
    return PartialAV(StaticAV(_MADE[key]), TupleAV((function,)), DictAV({}))
