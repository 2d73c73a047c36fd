"""Products, and operations that run along an axis: cumulative products, linear recurrences, records.

No rule divides by an element, so that derivatives of products are exact where elements are 0: the product of all
others is that of those before times that of those behind. A linear recurrence is its own derivative's kind, so
cumulative products have derivatives of every order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.core import Operand
from s2sad.ir.types import Array, Type, shaped
from s2sad.rules.arrays.core import Attrs, array_rule, axes_of, dims_of, dtype_of, emit
from s2sad.rules.arrays.indexing import view
from s2sad.rules.arrays.reductions import reduced, reversed_axis, spread
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import ZERO, source

WHOLE = ("slice", None, None, None)


def shifted(b: Builder, a: Operand, axis: int, fill: str, shape: Any) -> Operand:
    """The elements of `a` one further along an axis, behind zeros or ones; the last is dropped."""
    index = (WHOLE,) * axis
    sizes = [const(1) if i == axis else size for i, size in enumerate(shape)]
    dims = tuple(1 if i == axis else d for i, d in enumerate(dims_of(a)))
    first = b.emit(fill, *sizes, type=Array(dtype_of(a), len(dims), dims), dtype=dtype_of(a))
    longer = emit(b, "numpy.concatenate", first, a, axis=axis)
    return view(b, longer, (*index, ("slice", None, 0, None)), (const(-1),), a.type)


def others(b: Builder, a: Operand, axes: tuple[int, ...], shape: Any) -> Operand:
    """For each element the product of all others that it is multiplied with."""
    n = len(dims_of(a))
    if len(axes) == 1:
        axis = axes[0]
        before = emit(b, "numpy.cumprod", shifted(b, a, axis, "numpy.ones", shape), axis=axis)
        back = shifted(b, reversed_axis(b, a, axis), axis, "numpy.ones", shape)
        behind = reversed_axis(b, emit(b, "numpy.cumprod", back, axis=axis), axis)
        return b.emit("mul", before, behind)
    kept = tuple(i for i in range(n) if i not in axes)
    order = (*kept, *axes)
    moved = a if order == tuple(range(n)) else emit(b, "numpy.transpose", a, axes=order)
    total: Operand = const(1)
    for i in axes:
        total = (
            shape[i]
            if total is not None and getattr(total, "value", None) == 1
            else b.emit("mul", total, shape[i])
        )
    flat_shape = (*(shape[i] for i in kept), total)
    flat = emit(b, "numpy.reshape", moved, *flat_shape)
    found = emit(b, "numpy.reshape", others(b, flat, (len(kept),), flat_shape), *(shape[i] for i in order))
    if order != tuple(range(n)):
        inverse = tuple(sorted(range(n), key=lambda i: order[i]))
        found = emit(b, "numpy.transpose", found, axes=inverse)
    return found


def _prod_type(attrs: Attrs, a: Operand) -> Type:
    dtype = str(np.prod(np.ones(1, dtype_of(a))).dtype)
    return shaped(dtype, reduced(attrs, a))


def _prod_partial(b: Builder, env: Any) -> Operand:
    axes = axes_of(env["op"].attr("axis"), len(dims_of(env["op"].operands[0])))
    return others(b, env["a"], axes, env["shape"](0))


def _prod_vjp(b: Builder, env: Any) -> Operand:
    return b.emit("mul", _prod_partial(b, env), spread(b, env["dy"], env["op"]))


def _prod_jvp(b: Builder, env: Any) -> Operand:
    op = env["op"]
    product = b.emit("mul", _prod_partial(b, env), env["dy"])
    return emit(b, "numpy.sum", product, axis=op.attr("axis"), keepdims=op.attr("keepdims"))


array_rule("numpy.prod", "y = prod(a)", np.prod, _prod_type, _prod_jvp, da=_prod_vjp)


def recurrence(a: Any, b: Any, axis: Any) -> Any:
    """y[0] = b[0], then y[i] = a[i] * y[i - 1] + b[i], along an axis."""
    y = b.copy()
    rows, factors = np.moveaxis(y, axis, 0), np.moveaxis(a, axis, 0)
    for i in range(1, len(rows)):
        rows[i] += factors[i] * rows[i - 1]
    return y


def _recurrence_type(attrs: Attrs, a: Operand, b: Operand) -> Type:
    return b.type


def _backward(b: Builder, a: Operand, dy: Operand, axis: int, shape: Any) -> Operand:
    """The cotangents of a recurrence's terms: s[i] = dy[i] + a[i + 1] * s[i + 1]."""
    factors = shifted(b, reversed_axis(b, a, axis), axis, "numpy.zeros", shape)
    return reversed_axis(b, emit(b, "recurrence", factors, reversed_axis(b, dy, axis), axis=axis), axis)


def _recurrence_vjp(which: str) -> Any:
    def vjp(b: Builder, env: Any) -> Operand:
        axis, shape = env["op"].attr("axis"), env["shape"](1)
        terms = _backward(b, env["a"], env["dy"], axis, shape)
        if which == "b":
            return terms
        return b.emit("mul", shifted(b, env["y"], axis, "numpy.zeros", shape), terms)

    return vjp


def _recurrence_jvp(b: Builder, env: Any) -> Operand:
    axis, d = env["op"].attr("axis"), env["dy"]
    if env["which"] == 0:
        d = b.emit("mul", shifted(b, env["y"], axis, "numpy.zeros", env["shape"](1)), d)
    return emit(b, "recurrence", env["op"].operands[0], d, axis=axis)


array_rule(
    "recurrence", "y = recurrence(a, b)", recurrence, _recurrence_type, _recurrence_jvp, cost=60, helper=source(recurrence),
    da=_recurrence_vjp("a"), db=_recurrence_vjp("b"),
)  # fmt: skip


def _cumprod_type(attrs: Attrs, a: Operand) -> Type:
    dtype = str(np.cumprod(np.ones(1, dtype_of(a))).dtype)
    return Array(dtype, len(dims_of(a)), dims_of(a))


def _cumprod_vjp(b: Builder, env: Any) -> Operand:
    axis, shape = env["op"].attr("axis"), env["shape"](0)
    before = shifted(b, env["y"], axis, "numpy.ones", shape)
    return b.emit("mul", before, _backward(b, env["a"], env["dy"], axis, shape))


def _cumprod_jvp(b: Builder, env: Any) -> Operand:
    axis, a = env["op"].attr("axis"), env["op"].operands[0]
    before = shifted(b, env["y"], axis, "numpy.ones", env["shape"](0))
    return emit(b, "recurrence", a, b.emit("mul", before, env["dy"]), axis=axis)


array_rule("numpy.cumprod", "y = cumprod(a)", np.cumprod, _cumprod_type, _cumprod_jvp, da=_cumprod_vjp)


def records(a: Any, axis: Any, sign: Any) -> Any:
    """For each position that of the greatest element so far (sign 1; -1: the least), the first among equals."""
    rows = np.moveaxis(a, axis, 0)
    best, at = np.array(rows), np.zeros(rows.shape, np.int64)
    for i in range(1, len(rows)):
        better = (sign * rows[i] > sign * best[i - 1]) | (np.isnan(rows[i]) & ~np.isnan(best[i - 1]))
        best[i] = np.where(better, rows[i], best[i - 1])
        at[i] = np.where(better, i, at[i - 1])
    return np.moveaxis(at, 0, axis)


array_rule(
    "records", "y = records(a)", records, lambda attrs, a: Array("int64", len(dims_of(a)), dims_of(a)),
    helper=source(records), da=ZERO,
)  # fmt: skip
