"""Products of vectors, matrices and stacks of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.core import Operand
from s2sad.ir.types import Type, shaped
from s2sad.rules.arrays.core import (
    Attrs,
    array_rule,
    dims_of,
    dtype_of,
    emit,
)
from s2sad.rules.builder import Builder


def _matmul_type(attrs: Attrs, a: Operand, c: Operand) -> Type:
    from s2sad.rules.shapes import broadcast

    x, y = dims_of(a), dims_of(c)
    dtype = str(np.result_type(np.dtype(dtype_of(a)), np.dtype(dtype_of(c))))
    rows = (x[-2],) if len(x) > 1 else ()
    columns = (y[-1],) if len(y) > 1 else ()
    return shaped(dtype, (*broadcast(x[:-2], y[:-2]), *rows, *columns))


def transposed(b: Builder, a: Operand) -> Operand:
    """The last two axes exchanged."""
    n = len(dims_of(a))
    if n < 2:
        return a
    return emit(b, "numpy.transpose", a, axes=(*range(n - 2), n - 1, n - 2))


def lifted(b: Builder, a: Operand, axis: int) -> Operand:
    return emit(b, "newaxis", a, axes=(axis,))


def _matmul_left(b: Builder, env: Any) -> Operand:
    """dA = dY Bᵀ, with the vector cases as products of a column and a row."""
    op, dy = env["op"], env["dy"]
    nx, ny = (len(dims_of(o)) for o in op.operands)
    if nx == 1 and ny == 1:
        return b.emit("mul", dy, env["b"])
    if ny == 1:
        return b.emit("mul", lifted(b, dy, len(dims_of(dy))), env["b"])
    if nx == 1 and ny == 2:
        return emit(b, "matmul", env["b"], dy)
    if nx == 1:
        n = len(dims_of(dy))
        return emit(b, "numpy.sum", b.emit("mul", env["b"], lifted(b, dy, n - 1)), axis=-1)
    return emit(b, "matmul", dy, transposed(b, env["b"]))


def _matmul_right(b: Builder, env: Any) -> Operand:
    """dB = Aᵀ dY."""
    op, dy = env["op"], env["dy"]
    nx, ny = (len(dims_of(o)) for o in op.operands)
    if nx == 1 and ny == 1:
        return b.emit("mul", env["a"], dy)
    if nx == 1:
        n = len(dims_of(dy))
        return b.emit("mul", lifted(b, env["a"], 1), lifted(b, dy, n - 1))
    if ny == 1 and nx == 2:
        return emit(b, "matmul", dy, env["a"])
    if ny == 1:
        n = len(dims_of(dy))
        product = b.emit("mul", env["a"], lifted(b, dy, n))
        return emit(b, "numpy.sum", product, axis=-2)
    return emit(b, "matmul", transposed(b, env["a"]), dy)


array_rule(
    "matmul", "y = matmul(a, b)", np.matmul, _matmul_type, "multilinear", cost=50, effect="raises", da=_matmul_left,
    db=_matmul_right,
)  # fmt: skip
