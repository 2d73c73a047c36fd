"""NumPy functions that roll, repeat, tile, pad and take diagonals, on abstract values."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.errors import SignatureError
from s2sad.ir.core import Const, Operand
from s2sad.ir.types import Array
from s2sad.rules import arrays as a_
from s2sad.rules.builder import const
from s2sad.typing.abstract import AV, TupleAV
from s2sad.typing.arrays import arguments, array, listed, reshaped, static, transposed
from s2sad.typing.functions.core import all_from_front, axis_of, from_front, numpy_function
from s2sad.typing.functions.picking import taken


@numpy_function(np.roll)
def _roll(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.roll", "a shift axis", args, kwargs)
    a = array(s, found.pop("a"))
    axis = static(s, found, "axis")
    shift = listed(s, found["shift"])
    n = len(a_.dims_of(a))
    if axis is None or not (isinstance(axis, tuple) or isinstance(shift, TupleAV)):
        at = None if axis is None else from_front(s, axis, n)
        along = at if n > 1 else None
        return a_.emit(s.builder, "numpy.roll", a, s.integer(shift, "a shift"), hint=hint, axis=along)
    axes = axis if isinstance(axis, tuple) else (axis,)
    shifts = list(shift.items) if isinstance(shift, TupleAV) else [shift]
    count = max(len(axes), len(shifts))
    axes, shifts = axes * (count // len(axes)), shifts * (count // len(shifts))
    for k, by in zip(axes, shifts, strict=True):
        a = a_.emit(s.builder, "numpy.roll", a, s.integer(by, "a shift"), axis=from_front(s, k, n))
    return a


@numpy_function(np.repeat, method="repeat")
def _repeat(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.repeat", "a repeats axis", args, kwargs)
    a, counts = array(s, found.pop("a")), array(s, found.pop("repeats"))
    if not isinstance(a.type, Array):
        a = a_.emit(s.builder, "numpy.broadcast_to", a, const(1))
    axis = axis_of(s, found, a.type.ndim)  # type: ignore[attr-defined]
    if axis is None:
        a, axis = flat(s, a), 0
    if not isinstance(counts.type, Array):
        return a_.emit(s.builder, "numpy.repeat", a, s.integer(counts, "a count"), hint=hint, axis=axis)
    size = a_.shape(s.builder, a)[axis]
    every = s.builder.emit("numpy.arange", size, type=Array("int64", 1, (a_.dims_of(a)[axis],)))
    t = Array("int64", 1, (None,))
    at = s.builder.emit("numpy.repeat", every, counts, type=t, axis=0)
    return taken(s, a, at, axis, hint)


def flat(s: Any, a: Operand) -> Operand:
    """All elements along one axis."""
    return a if len(a_.dims_of(a)) == 1 else reshaped(s, a, [const(-1)])


@numpy_function(np.tile)
def _tile(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.tile", "a reps", args, kwargs)
    a, reps = array(s, found["a"]), listed(s, found["reps"])
    counts = [s.integer(i, "a count") for i in (reps.items if isinstance(reps, TupleAV) else (reps,))]
    n = len(a_.dims_of(a))
    counts = [const(1)] * (n - len(counts)) + counts
    if n == 0:
        a, n = a_.emit(s.builder, "numpy.broadcast_to", a, const(1)), 1
    if n < len(counts):
        a = a_.emit(s.builder, "newaxis", a, axes=tuple(range(len(counts) - n)))
    return a_.emit(s.builder, "numpy.tile", a, *counts, hint=hint)


INDEXED = ("edge", "reflect", "symmetric", "wrap")


@numpy_function(np.pad)
def _pad(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.pad", "a pad_width mode constant_values reflect_type", args, kwargs)
    a = array(s, found.pop("a"))
    mode = static(s, found, "mode", "constant")
    n = len(a_.dims_of(a))
    widths = pairs(s, found["pad_width"], n, "a width")
    if static(s, found, "reflect_type", "even") != "even":
        raise s.error("numpy.pad() with reflect_type='odd' is not supported yet", "write it with slices")
    if mode == "constant":
        fill = found.get("constant_values", const(0))
        if s.static(fill) in (0, 0.0):
            return a_.emit(s.builder, "numpy.pad", a, *(w for p in widths for w in p), hint=hint)
        for axis, (pair, values) in enumerate(zip(widths, pairs(s, fill, n, ""), strict=True)):
            a = bordered(s, a, axis, pair, values)
        return a
    if mode not in INDEXED:
        raise s.error(
            f"numpy.pad() with mode={mode!r} is not supported yet",
            f"use one of constant, {', '.join(INDEXED)}",
        )
    before = a
    for axis, (low, high) in enumerate(widths):
        if all(isinstance(w, Const) and w.value == 0 for w in (low, high)):
            continue
        size = a_.shape(s.builder, a)[axis]
        every = s.builder.emit("numpy.arange", size, type=Array("int64", 1, (a_.dims_of(a)[axis],)))
        a = taken(s, a, a_.emit(s.builder, "numpy.pad", every, low, high, mode=mode), axis, "")
    if a is before:
        return s.builder.emit("copy", a, type=a.type, hint=hint)  # type: ignore[no-any-return]
    return a


def pairs(s: Any, av: AV, n: int, what: str) -> list[tuple[Operand, Operand]]:
    """A number, a pair, or pairs, one an axis, as pairs."""
    read = (lambda o: s.integer(o, what)) if what else (lambda o: array(s, o))
    if not isinstance(av, TupleAV):
        av = listed(s, av)
    if not isinstance(av, TupleAV):
        return [(read(av), read(av))] * n
    rows = [r if isinstance(r, TupleAV) else listed(s, r) for r in av.items]
    if not any(isinstance(r, TupleAV) for r in rows):
        one = [read(r) for r in rows]
        if len(one) > 2:
            raise s.error(
                f"{len(one)} numbers where one or a pair is needed", "pass (before, after)", SignatureError
            )
        return [(one[0], one[-1])] * n
    found = [tuple(read(i) for i in r.items) if isinstance(r, TupleAV) else (read(r),) for r in rows]
    found = found * n if len(found) == 1 else found
    if len(found) != n or any(len(f) > 2 for f in found):
        raise s.error(f"{len(found)} pairs for an array of {n} axes", "pass one pair an axis", SignatureError)
    return [(f[0], f[-1]) for f in found]


def bordered(
    s: Any, a: Operand, axis: int, widths: tuple[Operand, Operand], values: tuple[Operand, Operand]
) -> Operand:
    """An array between two borders of a constant along an axis."""
    shape = a_.shape(s.builder, a)
    parts = []
    for width, value in zip(widths, values, strict=True):
        value = (
            value
            if a_.dtype_of(value) == a_.dtype_of(a)
            else s.builder.emit("numpy." + a_.dtype_of(a), value)
        )
        sizes = (*shape[:axis], width, *shape[axis + 1 :])
        parts.append(a_.emit(s.builder, "numpy.broadcast_to", value, *sizes))
    return a_.emit(s.builder, "numpy.concatenate", parts[0], a, parts[1], axis=axis)


# -- diagonals ------------------------------------------------------------------------------------------


@numpy_function(np.diag)
def _diag(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.diag", "v k", args, kwargs)
    v = array(s, found.pop("v"))
    k = static(s, found, "k", 0)
    if len(a_.dims_of(v)) == 1:
        return a_.emit(s.builder, "numpy.diag", v, hint=hint, k=k)
    if len(a_.dims_of(v)) != 2:
        raise s.error(
            f"np.diag() of an array of {len(a_.dims_of(v))} axes", "pass one of 1 or 2 axes", SignatureError
        )
    return a_.emit(s.builder, "numpy.diagonal", v, hint=hint, k=k)


@numpy_function(np.diagflat)
def _diagflat(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.diagflat", "v k", args, kwargs)
    v = flat(s, array(s, found.pop("v")))
    return a_.emit(s.builder, "numpy.diag", v, hint=hint, k=static(s, found, "k", 0))


@numpy_function(np.diagonal, method="diagonal")
def _diagonal(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.diagonal", "a offset axis1 axis2", args, kwargs)
    a = array(s, found.pop("a"))
    n = len(a_.dims_of(a))
    k = static(s, found, "offset", 0)
    axes = all_from_front(s, tuple(static(s, found, f"axis{i + 1}", i) for i in range(2)), n)
    moved = transposed(s, a, (*(i for i in range(n) if i not in axes), *axes))
    return a_.emit(s.builder, "numpy.diagonal", moved, hint=hint, k=k)


@numpy_function(np.linalg.diagonal)
def _last_diagonal(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.linalg.diagonal", "x offset", args, kwargs)
    a = array(s, found.pop("x"))
    return a_.emit(s.builder, "numpy.diagonal", a, hint=hint, k=static(s, found, "offset", 0))
