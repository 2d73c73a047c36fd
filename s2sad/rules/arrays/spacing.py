"""Numbers evenly spaced between two, which the result varies with."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.core import Operand
from s2sad.ir.types import Array, Type
from s2sad.rules.arrays.core import Attrs, array_rule, dims_of, dtype_of, emit, size_of
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import ZERO
from s2sad.rules.shapes import broadcast


def _linspace_type(attrs: Attrs, start: Operand, stop: Operand, num: Operand) -> Type:
    dims = (size_of(num), *broadcast(dims_of(start), dims_of(stop)))
    first, last = (np.ones((1,) * len(dims_of(o)), dtype_of(o)) for o in (start, stop))
    return Array(str(np.linspace(first, last, 2).dtype), len(dims), dims)


def _ends(which: int, d: Any) -> tuple[Any, Any]:
    return (d, const(0.0)) if which == 0 else (const(0.0), d)


def _linspace_vjp(which: int) -> Any:
    def vjp(b: Builder, env: Any) -> Operand:
        op, d = env["op"], env["dy"]
        weight = emit(
            b, "numpy.linspace", *_ends(which, const(1.0)), env["num"], endpoint=op.attr("endpoint")
        )
        if len(dims_of(d)) > 1:
            weight = emit(b, "newaxis", weight, axes=tuple(range(1, len(dims_of(d)))))
        return emit(b, "numpy.sum", b.emit("mul", weight, d), axis=0)

    return vjp


def _linspace_jvp(b: Builder, env: Any) -> Operand:
    op = env["op"]
    other = op.operands[1 - env["which"]]
    ends = _ends(env["which"], env["dy"])
    if len(dims_of(other)) > len(dims_of(env["dy"])):  # the other end decides the sizes
        zero = b.emit("zeros_like", other, type=other.type)
        ends = (ends[0], zero) if env["which"] == 0 else (zero, ends[1])
    return emit(b, "numpy.linspace", *ends, op.operands[2], endpoint=op.attr("endpoint"))


array_rule(
    "numpy.linspace", "y = linspace(start, stop, num)", np.linspace, _linspace_type, _linspace_jvp, effect="raises",
    dstart=_linspace_vjp(0), dstop=_linspace_vjp(1), dnum=ZERO,
)  # fmt: skip
