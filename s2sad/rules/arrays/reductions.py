"""Sums, cumulative sums, extremes, positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.core import Op, Operand
from s2sad.ir.types import Array, Size, Type, shaped
from s2sad.rules.arrays.core import (
    Attrs,
    array_rule,
    axes_of,
    dims_of,
    dtype_of,
    emit,
)
from s2sad.rules.arrays.indexing import view
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import ZERO


def reduced(attrs: Attrs, a: Operand) -> tuple[Size, ...]:
    dims = dims_of(a)
    axes = axes_of(attrs.get("axis"), len(dims))
    if attrs.get("keepdims"):
        return tuple(1 if i in axes else d for i, d in enumerate(dims))
    return tuple(d for i, d in enumerate(dims) if i not in axes)


def _sum_type(attrs: Attrs, a: Operand) -> Type:
    dtype = str(np.sum(np.ones(1, dtype_of(a))).dtype)
    return shaped(dtype, reduced(attrs, a))


def spread(b: Builder, d: Operand, op: Op) -> Operand:
    """A reduction's cotangent with the axes back that it reduced, as axes of size 1."""
    a = op.operands[0]
    axis = op.attr("axis")
    if op.attr("keepdims") or axis is None or not isinstance(d.type, Array):
        return d
    return emit(b, "newaxis", d, axes=axes_of(axis, len(dims_of(a))))


def _sum_vjp(b: Builder, env: Any) -> Operand:
    return spread(b, env["dy"], env["op"])  # broadcasting does the rest


array_rule("numpy.sum", "y = sum(a)", np.sum, _sum_type, "linear", da=_sum_vjp)


def _cumsum_type(attrs: Attrs, a: Operand) -> Type:
    dtype = str(np.cumsum(np.ones(1, dtype_of(a))).dtype)
    return Array(dtype, len(dims_of(a)), dims_of(a))


def reversed_axis(b: Builder, a: Operand, axis: int) -> Operand:
    full = (("slice", None, None, None),) * (axis % len(dims_of(a)))
    return view(b, a, (*full, ("slice", None, None, 0)), (const(-1),))


def _cumsum_vjp(b: Builder, env: Any) -> Operand:
    axis = env["op"].attr("axis")
    return reversed_axis(b, emit(b, "numpy.cumsum", reversed_axis(b, env["dy"], axis), axis=axis), axis)


array_rule("numpy.cumsum", "y = cumsum(a)", np.cumsum, _cumsum_type, "linear", da=_cumsum_vjp)


def _extreme_type(attrs: Attrs, a: Operand) -> Type:
    return shaped(dtype_of(a), reduced(attrs, a))


def _chosen(b: Builder, env: Any) -> Operand:
    """1/k for each of the k elements that are the extreme, else 0: ties share equally, as in JAX."""
    op = env["op"]
    y = spread(b, env["y"], op)
    equal = b.emit("eq", env["a"], y)
    ties = emit(b, "numpy.sum", equal, axis=op.attr("axis"), keepdims=isinstance(y.type, Array))
    return b.emit("div", equal, ties)


def _extreme_vjp(b: Builder, env: Any) -> Operand:
    return b.emit("mul", _chosen(b, env), spread(b, env["dy"], env["op"]))


def _extreme_jvp(b: Builder, env: Any) -> Operand:
    """The mean tangent of the extremes; those of others may be infinite."""
    op = env["op"]
    along = {"axis": op.attr("axis"), "keepdims": op.attr("keepdims")}
    equal = b.emit("eq", env["a"], spread(b, env["y"], op))
    total = emit(b, "numpy.sum", b.emit("numpy.where", equal, env["dy"], const(0.0)), **along)
    return b.emit("div", total, emit(b, "numpy.sum", equal, **along))


_fn: Any
for _fn in (np.max, np.min):
    array_rule(
        f"numpy.{_fn.__name__.removeprefix('a')}", "y = extreme(a)", _fn, _extreme_type, _extreme_jvp, effect="raises",
        da=_extreme_vjp,
    )  # fmt: skip


def _index_type(attrs: Attrs, a: Operand) -> Type:
    return shaped("int64", reduced(attrs, a))


for _fn in (np.argmax, np.argmin):
    array_rule(f"numpy.{_fn.__name__}", "y = index(a)", _fn, _index_type, effect="raises", da=ZERO)
array_rule(
    "numpy.argsort",
    "y = argsort(a)",
    np.argsort,
    lambda attrs, a: Array("int64", len(dims_of(a)), dims_of(a)),
    da=ZERO,
)
for _fn in (np.any, np.all):
    array_rule(
        f"numpy.{_fn.__name__}",
        "y = test(a)",
        _fn,
        lambda attrs, a: shaped("bool", reduced(attrs, a)),
        da=ZERO,
    )
