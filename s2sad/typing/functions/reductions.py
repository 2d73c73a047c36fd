"""NumPy reductions on abstract values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from s2sad.ir.core import Operand
from s2sad.ir.types import Array
from s2sad.rules import arrays as a_
from s2sad.rules.builder import const
from s2sad.typing.abstract import AV
from s2sad.typing.arrays import arguments, array, reshaped, static
from s2sad.typing.functions.core import (
    Handler,
    axis_of,
    cast,
    dtype_name,
    is_none,
    numpy_function,
    refuse,
    takes_out,
)

# the neutral element, where there is one, and how an initial value meets the result
NEUTRAL = {"sum": 0.0, "prod": 1.0, "any": False, "all": True}
JOINS = {"sum": "add", "prod": "mul", "max": "numpy.maximum", "min": "numpy.minimum"}
SUMS, EXTREMES = "a axis dtype out keepdims initial where", "a axis out keepdims initial where"
TESTS = "a axis out keepdims where"


def reduction(name: str, params: str, axis: int | None = None) -> Handler:
    """np.<name>, or a ufunc's reduce(), whose axis is 0 unless given."""

    def reduce(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.{name}", params, args, kwargs)
        found.pop("out", None)
        a = array(s, found.pop("a"))
        if "dtype" in found:
            a = cast(s, a, dtype_name(s, found, a_.dtype_of(a)))
        if is_none(found.get("axis")) and axis is not None and "axis" not in found:
            found["axis"] = const(axis)
        if not isinstance(a.type, Array):
            found.pop("axis", None)
            if name in JOINS and a.type.kind != "bool" and "initial" not in found and "where" not in found:  # type: ignore[attr-defined]
                return a
            a = a_.emit(s.builder, "numpy.broadcast_to", a, const(1))
            found["axis"] = const(None)
        over = axis_of(s, found, a.type.ndim)  # type: ignore[attr-defined]
        keepdims = bool(static(s, found, "keepdims", False))
        initial = found.pop("initial", None)
        where = found.pop("where", None)
        if where is not None and s.static(where) is not True:
            a = masked(s, name, a, array(s, where), initial)
        start = None if is_none(initial) else array(s, initial)  # type: ignore[arg-type]
        least = start_of_nothing(name, a_.dtype_of(a)) if start is not None else None
        total = a_.emit(
            s.builder,
            f"numpy.{name}",
            a,
            hint="" if start is not None else hint,
            axis=over,
            keepdims=keepdims,
            **({} if least is None else {"initial": least}),
        )
        if start is None:
            return total
        return s.builder.emit(JOINS[name], start, total, hint=hint)  # type: ignore[no-any-return]

    return takes_out(f"numpy.{name}", params)(reduce)


def start_of_nothing(name: str, dtype: str) -> Any:
    """What an extreme of no elements starts from, so that only the `initial=` given decides it; None for others."""
    if name not in ("max", "min") or not dtype.startswith("float"):
        return None
    return -math.inf if name == "max" else math.inf


def masked(s: Any, name: str, a: Operand, where: Operand, initial: AV | None) -> Operand:
    """An array whose elements that are not asked for are neutral."""
    if name in NEUTRAL:
        neutral: Operand = const(NEUTRAL[name])
        if a_.dtype_of(a).startswith(("int", "uint")):
            neutral = const(int(NEUTRAL[name]))
    elif initial is None:
        raise s.error(f"numpy.{name}() with where= needs initial=", "give it the value to start from")
    else:
        neutral = s.builder.emit("stop_gradient", array(s, initial), type=array(s, initial).type)
    return s.builder.emit("numpy.where", where, a, neutral)  # type: ignore[no-any-return]


for _name, _params in (
    ("sum", SUMS),
    ("prod", SUMS),
    ("max", EXTREMES),
    ("min", EXTREMES),
    ("any", TESTS),
    ("all", TESTS),
):
    numpy_function(getattr(np, _name), method=_name)(reduction(_name, _params))
numpy_function(np.amax)(reduction("max", EXTREMES))
numpy_function(np.amin)(reduction("min", EXTREMES))
for _ufunc, _name in (
    (np.add, "sum"), (np.multiply, "prod"), (np.maximum, "max"), (np.minimum, "min"), (np.logical_or, "any"), (np.logical_and, "all")
):  # fmt: skip
    numpy_function(_ufunc.reduce)(reduction(_name, SUMS, 0))


def positions(name: str, params: str) -> Handler:
    def find(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.{name}", params, args, kwargs)
        found.pop("out", None)
        a = array(s, found.pop("a"))
        ndim = a.type.ndim if isinstance(a.type, Array) else 0
        axis = axis_of(s, found, ndim)
        keepdims = bool(static(s, found, "keepdims", False))
        at = a_.emit(s.builder, f"numpy.{name}", a, hint="" if keepdims else hint, axis=axis)
        if not keepdims:
            return at
        if axis is not None:
            return a_.emit(s.builder, "newaxis", at, hint=hint, axes=(axis,))
        return a_.emit(s.builder, "numpy.broadcast_to", at, *[const(1)] * ndim, hint=hint)

    return takes_out(f"numpy.{name}", params)(find)


_fn: Any
for _fn in (np.argmax, np.argmin):
    numpy_function(_fn, method=_fn.__name__)(positions(_fn.__name__, "a axis out keepdims"))


@numpy_function(np.argsort, method="argsort")
def _argsort(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.argsort", "a axis kind order stable", args, kwargs)
    a = array(s, found.pop("a"))
    refuse(s, "numpy.argsort", found, order=None)
    kind, stable = static(s, found, "kind"), static(s, found, "stable")
    ndim = a.type.ndim if isinstance(a.type, Array) else 0
    if "axis" in found and is_none(found["axis"]) and ndim > 1:
        a, ndim = reshaped(s, a, [const(-1)]), 1
        del found["axis"]
    axis = axis_of(s, found, ndim) if not is_none(found.get("axis")) else max(ndim - 1, 0)
    attrs = {"kind": "stable" if stable else kind} if stable or kind is not None else {}
    return a_.emit(s.builder, "numpy.argsort", a, hint=hint, axis=-1 if axis == ndim - 1 else axis, **attrs)


def cumulative(name: str, axis: int | None = None) -> Handler:
    params = "a axis dtype out"

    def scan(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.{name}", params, args, kwargs)
        found.pop("out", None)
        a = array(s, found.pop("a"))
        if "dtype" in found:
            a = cast(s, a, dtype_name(s, found, a_.dtype_of(a)))
        if "axis" not in found and axis is not None:
            found["axis"] = const(axis)
        ndim = a.type.ndim if isinstance(a.type, Array) else 0
        over = axis_of(s, found, ndim)
        if over is None:
            a, over = (a if ndim == 1 else reshaped(s, a, [const(-1)])), 0
        return a_.emit(s.builder, f"numpy.{name}", a, hint=hint, axis=over)

    return takes_out(f"numpy.{name}", params)(scan)


for _fn in (np.cumsum, np.cumprod):
    numpy_function(_fn, method=_fn.__name__)(cumulative(_fn.__name__))
numpy_function(np.add.accumulate)(cumulative("cumsum", 0))
numpy_function(np.multiply.accumulate)(cumulative("cumprod", 0))
