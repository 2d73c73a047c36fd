"""What the handlers of NumPy functions share: registering them, and reading axes, dtypes and sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from s2sad.errors import SignatureError
from s2sad.ir.core import Const, Operand, Value
from s2sad.ir.types import Array
from s2sad.rules import arrays as a_
from s2sad.rules.builder import const
from s2sad.typing import items, iteration
from s2sad.typing.abstract import AV, describe
from s2sad.typing.arrays import array, refuse_in_place, static
from s2sad.typing.calls import HANDLERS, METHODS
from s2sad.typing.overlaps import unaliased

Handler = Callable[[Any, list[AV], dict[str, AV], str], AV]


def numpy_function(*objects: Any, method: str = "") -> Callable[[Handler], Handler]:
    def register(f: Handler) -> Handler:
        for obj in objects:
            HANDLERS[obj] = f
        if method:
            METHODS["array", method] = f
        return f

    return register


def found(*names: str) -> tuple[Any, ...]:
    """The functions of these names that this NumPy has."""
    return tuple(getattr(np, name) for name in names if hasattr(np, name))


def from_front(s: Any, axis: Any, ndim: int) -> int:
    """An axis counted from the front; one that is not there raises in NumPy."""
    if not isinstance(axis, int) or not -ndim <= axis < ndim:
        raise s.error(f"axis {axis} of an array of {ndim} axes", "match the number of axes", SignatureError)
    return axis % ndim


def all_from_front(s: Any, axes: tuple[Any, ...], ndim: int) -> tuple[int, ...]:
    """Axes counted from the front; NumPy raises where one is said twice."""
    found = tuple(from_front(s, a, ndim) for a in axes)
    if len({*found}) < len(found):
        raise s.error(f"the axes {axes} name one of them twice", "name each axis once", SignatureError)
    return found


def axis_of(s: Any, found: dict[str, AV], ndim: int, name: str = "axis") -> Any:
    """A constant axis argument, counted from the front; None for all axes."""
    axis = static(s, found, name)
    if axis is None:
        return None
    axes = all_from_front(s, axis if isinstance(axis, tuple) else (axis,), ndim)
    return axes[0] if len(axes) == 1 else axes


def elements(s: Any, av: AV) -> list[AV]:
    """The parts of a sequence of arrays."""
    found = iteration.static_elements(s, av)
    if (
        found is None
        and isinstance(av, Value)
        and isinstance(av.type, Array)
        and isinstance(av.type.dims[0], int)
    ):
        found = [items.getitem(s, av, const(i)) for i in range(av.type.dims[0])]
    if found is None:
        raise s.error(
            f"{describe(av)} where a sequence of arrays of known length is needed",
            "write the arrays out in a list",
        )
    return found


def dtype_name(s: Any, found: dict[str, AV], default: str) -> str:
    value = static(s, found, "dtype")
    return default if value is None else number_dtype(s, value)


def number_dtype(s: Any, value: Any) -> str:
    """The name of a dtype that the program asks for; only numbers have derivatives."""
    if isinstance(value, tuple):
        raise s.error("an array of several fields", "arrays of numbers have derivatives", SignatureError)
    try:
        found = np.dtype(value)
    except (TypeError, ValueError) as error:
        raise s.error(f"no dtype: {error}", "use one of numbers", SignatureError) from None
    if found.kind not in "biufc":
        raise s.error(f"an array of dtype {found}", "arrays of numbers have derivatives", SignatureError)
    return found.name


def is_none(av: AV | None) -> bool:
    """Whether an argument was not given, or given as None."""
    return av is None or (isinstance(av, Const) and av.value is None)


def refuse(s: Any, name: str, found: dict[str, AV], **defaults: Any) -> None:
    """Arguments that are not supported may be given at their defaults."""
    for key in list(found):
        if key not in defaults:
            continue
        value = found.pop(key)
        if s.static(value) not in (defaults[key] if isinstance(defaults[key], tuple) else (defaults[key],)):
            raise s.error(f"{name}() with {key}= is not supported yet", "leave it out")


def into(s: Any, value: AV, out: AV, name: str) -> AV:
    """`out=`: what the function gives is written into an array, which is its result."""
    refuse_in_place(s, out)
    if isinstance(out, Const) or not (isinstance(out, Value) and isinstance(out.type, Array)):
        items_ = iteration.static_elements(s, out)
        if items_ is None or len(items_) != 1:
            raise s.error(f"{name}() with {describe(out)} as out=", "pass an array", SignatureError)
        return into(s, value, items_[0], name)
    result = array(s, value)
    if not np.can_cast(a_.dtype_of(result), out.type.dtype, "same_kind"):
        raise s.error(
            f"{name}() gives {a_.dtype_of(result)}, which out= of {out.type.dtype} cannot hold",
            "pass an array of that dtype",
            SignatureError,
        )
    s.builder.effect("assign", out, unaliased(s, result, out))
    return out


def takes_out(name: str, params: str) -> Callable[[Handler], Handler]:
    """Let a handler's function take `out=`, at its place in `params` or by name."""
    position = params.split().index("out")

    def wrap(f: Handler) -> Handler:
        def handler(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
            kwargs = dict(kwargs)
            out = kwargs.pop("out", None)
            if len(args) > position:
                out, args = args[position], [*args[:position], const(None), *args[position + 1 :]]
            if is_none(out):
                return f(s, args, kwargs, hint)
            assert out is not None
            return into(s, f(s, args, kwargs, ""), out, name)

        return handler

    return wrap


def cast(s: Any, a: Operand, dtype: str, hint: str = "") -> Any:
    """An array as another dtype; what becomes an integer varies no more."""
    if dtype == a_.dtype_of(a):
        return a
    if not isinstance(a.type, Array):
        return number(s, a, dtype)
    t = Array(dtype, len(a_.dims_of(a)), a_.dims_of(a))
    return s.builder.emit("astype", a, type=t, hint=hint, dtype=dtype)


def number(s: Any, a: Operand, dtype: str) -> Any:
    """A number as a NumPy number of a dtype."""
    prim = f"numpy.{dtype if dtype != 'bool' else 'bool_'}"
    return s.builder.emit(prim, a)
