"""Axes put in, taken out and permuted; reshaping, broadcasting, joining."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.core import Const, Operand
from s2sad.ir.types import Array, Size, Type, shaped
from s2sad.rules.arrays.core import (
    Attrs,
    array_rule,
    dims_of,
    dtype_of,
    emit,
    size_of,
)
from s2sad.rules.arrays.indexing import view
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import ZERO


def _newaxis_type(attrs: Attrs, a: Operand) -> Type:
    dims = list(dims_of(a))
    for axis in sorted(attrs["axes"]):
        dims.insert(axis, 1)
    return Array(dtype_of(a), len(dims), tuple(dims))


def _newaxis_vjp(b: Builder, env: Any) -> Operand:
    return emit(b, "squeeze", env["dy"], axes=env["op"].attr("axes"))


array_rule(
    "newaxis", "y = newaxis(a)", lambda a, axes: np.expand_dims(a, axes), _newaxis_type, "linear", cost=1, da=_newaxis_vjp
)  # fmt: skip


def _squeeze_type(attrs: Attrs, a: Operand) -> Type:
    return shaped(dtype_of(a), tuple(d for i, d in enumerate(dims_of(a)) if i not in attrs["axes"]))


def _squeeze_vjp(b: Builder, env: Any) -> Operand:
    if not isinstance(env["dy"].type, Array):
        return env["dy"]
    return emit(b, "newaxis", env["dy"], axes=env["op"].attr("axes"))


array_rule(
    "squeeze", "y = squeeze(a)", lambda a, axes: np.squeeze(a, axes), _squeeze_type, "linear", cost=1, da=_squeeze_vjp
)  # fmt: skip


def _shape_type(attrs: Attrs, a: Operand, *sizes: Operand) -> Type:
    return shaped(dtype_of(a), tuple(map(size_of, sizes)))


def _broadcast_vjp(b: Builder, env: Any) -> Operand:
    return env["dy"]  # what meets a smaller operand is summed there


def _reshape_vjp(b: Builder, env: Any) -> Operand:
    return emit(b, "numpy.reshape", env["dy"], *env["shape"](0))


array_rule(
    "numpy.broadcast_to", "y = broadcast_to(a, *sizes)", lambda a, *s: np.broadcast_to(a, s), _shape_type, "first",
    da=_broadcast_vjp, dsizes=ZERO,
)  # fmt: skip
array_rule(  # of what lies in memory row by row, and is written
    "reshaped", "y = reshaped(a, *sizes)", lambda a, *s: np.reshape(a, s), _shape_type, "first", cost=1, da=_reshape_vjp,
    dsizes=ZERO,
)  # fmt: skip
array_rule(
    "numpy.reshape", "y = reshape(a, *sizes)", lambda a, *s, ravel=False, flat=False: np.ravel(a) if ravel else np.reshape(a, s),
    _shape_type, "first", da=_reshape_vjp, dsizes=ZERO,
)  # fmt: skip
array_rule(  # of what lies otherwise, and is written
    "reshape_copy", "y = reshape_copy(a, *sizes)", lambda a, *s: np.reshape(a, s), _shape_type, "first", da=_reshape_vjp,
    dsizes=ZERO,
)  # fmt: skip


def _transpose_type(attrs: Attrs, a: Operand) -> Type:
    dims = dims_of(a)
    return Array(dtype_of(a), len(dims), tuple(dims[i] for i in attrs["axes"]))


def _transpose_vjp(b: Builder, env: Any) -> Operand:
    axes = env["op"].attr("axes")
    inverse = tuple(sorted(range(len(axes)), key=lambda i: axes[i]))
    return emit(b, "numpy.transpose", env["dy"], axes=inverse)


array_rule(
    "numpy.transpose", "y = transpose(a)", lambda a, axes: np.transpose(a, axes), _transpose_type, "linear", cost=1,
    da=_transpose_vjp,
)  # fmt: skip


def _concatenate_type(attrs: Attrs, *arrays: Operand) -> Type:
    axis = attrs["axis"]
    dims = list(zip(*map(dims_of, arrays), strict=True))
    sizes: list[Size] = []
    for i, column in enumerate(dims):
        if i == axis:
            whole = all(isinstance(d, int) for d in column)
            sizes.append(sum(column) if whole else column[0] if len(column) == 1 else None)
        else:
            sizes.append(next((d for d in column if d is not None), None))
    dtype = str(np.result_type(*(np.dtype(dtype_of(a)) for a in arrays)))
    return Array(dtype, len(sizes), tuple(sizes))


def _concatenate_vjp(b: Builder, env: Any) -> Operand:
    op, index = env["op"], env["index"]
    axis = op.attr("axis")
    start: Operand = const(0)
    for before in range(index):
        start = _plus(b, start, env["shape"](before)[axis])
    stop = _plus(b, start, env["shape"](index)[axis])
    full = (("slice", None, None, None),) * axis
    return view(
        b, env["dy"], (*full, ("slice", 0, 1, None)), (start, stop), _like(env["dy"], op.operands[index])
    )


def _like(d: Operand, part: Operand) -> Array:
    """The type of the part of a cotangent that is of one operand: of its sizes, not of its dtype."""
    return Array(dtype_of(d), len(dims_of(part)), dims_of(part))


def _plus(b: Builder, x: Operand, y: Operand) -> Operand:
    if isinstance(x, Const) and isinstance(y, Const):
        return const(x.value + y.value)
    return y if isinstance(x, Const) and x.value == 0 else b.emit("add", x, y)


array_rule(
    "numpy.concatenate", "y = concatenate(*arrays)", lambda *arrays, axis: np.concatenate(arrays, axis), _concatenate_type,
    "linear", darrays=_concatenate_vjp,
)  # fmt: skip


def _stack_type(attrs: Attrs, *arrays: Operand) -> Type:
    columns = list(zip(*map(dims_of, arrays), strict=True))
    sizes: list[Size] = [next((d for d in column if d is not None), None) for column in columns]
    sizes.insert(attrs["axis"], len(arrays))
    dtype = str(np.result_type(*(np.dtype(dtype_of(a)) for a in arrays)))
    return Array(dtype, len(sizes), tuple(sizes))


def _stack_vjp(b: Builder, env: Any) -> Operand:
    index, full = const(env["index"]), (("slice", None, None, None),) * env["op"].attr("axis")
    part = env["op"].operands[env["index"]]
    if not isinstance(part.type, Array):
        return b.emit("load", env["dy"], index, type=env["dy"].type.item)
    return view(b, env["dy"], (*full, ("at", 0)), (index,), _like(env["dy"], part))


array_rule(
    "numpy.stack", "y = stack(*arrays)", lambda *arrays, axis: np.stack(arrays, axis), _stack_type, "linear",
    darrays=_stack_vjp,
)  # fmt: skip


def _numbers_vjp(b: Builder, env: Any) -> Operand:
    at = np.unravel_index(env["index"], env["op"].attr("shape"))
    return b.emit("load", env["dy"], *(const(int(i)) for i in at), type=env["dy"].type.item)


array_rule(
    "array_of_numbers", "y = array(*numbers)", lambda *numbers, shape, dtype: np.array(numbers, dtype).reshape(shape),
    lambda attrs, *numbers: Array(attrs["dtype"], len(attrs["shape"]), attrs["shape"]), "linear", dnumbers=_numbers_vjp,
)  # fmt: skip

# The same array under a name of its own, only in a function that is being reversed
array_rule(
    "borrow", "y = borrow(a)", lambda a: a, lambda attrs, a: a.type, "linear", da=lambda b, env: env["dy"]
)
