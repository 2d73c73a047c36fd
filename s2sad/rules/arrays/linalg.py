"""Linear algebra on square matrices and stacks of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.core import Operand
from s2sad.ir.types import Array, Type, shaped
from s2sad.rules.arrays.core import (
    Attrs,
    array_rule,
    dims_of,
    dtype_of,
    emit,
)
from s2sad.rules.arrays.products import lifted, transposed
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import ZERO


def _float_dtype(*operands: Operand) -> str:
    return str(np.result_type(*(np.dtype(dtype_of(o)) for o in operands), np.float32))


def _square_type(attrs: Attrs, a: Operand) -> Type:
    return Array(_float_dtype(a), len(dims_of(a)), dims_of(a))


def _solve_type(attrs: Attrs, a: Operand, c: Operand) -> Type:
    return Array(_float_dtype(a, c), len(dims_of(c)), dims_of(c))


def _solve_right(b: Builder, env: Any) -> Operand:
    return emit(b, "numpy.linalg.solve", transposed(b, env["a"]), env["dy"])


def _outer(b: Builder, x: Operand, y: Operand) -> Operand:
    """x yᵀ for columns or matrices of columns."""
    if len(dims_of(y)) == 1:
        return b.emit("mul", lifted(b, x, 1), y)
    return emit(b, "matmul", x, transposed(b, y))


def _solve_left(b: Builder, env: Any) -> Operand:
    return b.emit("neg", _outer(b, _solve_right(b, env), env["y"]))


def _solve_jvp(b: Builder, env: Any) -> Operand:
    op = env["op"]
    if env["which"] == 1:
        return emit(b, "numpy.linalg.solve", env["a"], env["dy"])
    return b.emit("neg", emit(b, "numpy.linalg.solve", env["a"], emit(b, "matmul", env["dy"], op.result)))


array_rule(
    "numpy.linalg.solve", "y = solve(a, b)", np.linalg.solve, _solve_type, _solve_jvp, effect="raises", cost=200,
    da=_solve_left, db=_solve_right,
)  # fmt: skip


def _inv_vjp(b: Builder, env: Any) -> Operand:
    t = transposed(b, env["y"])
    return b.emit("neg", emit(b, "matmul", emit(b, "matmul", t, env["dy"]), t))


def _inv_jvp(b: Builder, env: Any) -> Operand:
    return b.emit("neg", emit(b, "matmul", emit(b, "matmul", env["y"], env["dy"]), env["y"]))


array_rule(
    "numpy.linalg.inv",
    "y = inv(a)",
    np.linalg.inv,
    _square_type,
    _inv_jvp,
    effect="raises",
    cost=200,
    da=_inv_vjp,
)


def _det_type(attrs: Attrs, a: Operand) -> Type:
    return shaped(_float_dtype(a), dims_of(a)[:-2])


def _det_vjp(b: Builder, env: Any) -> Operand:
    scale = b.emit("mul", env["dy"], env["y"])
    t = transposed(b, emit(b, "numpy.linalg.inv", env["a"]))
    if isinstance(scale.type, Array):
        n = len(dims_of(scale))
        scale = emit(b, "newaxis", scale, axes=(n, n + 1))
    return b.emit("mul", scale, t)


def _det_jvp(b: Builder, env: Any) -> Operand:
    product = b.emit("mul", transposed(b, emit(b, "numpy.linalg.inv", env["a"])), env["dy"])
    return b.emit("mul", env["y"], emit(b, "numpy.sum", product, axis=(-2, -1)))


array_rule(
    "numpy.linalg.det",
    "y = det(a)",
    np.linalg.det,
    _det_type,
    _det_jvp,
    effect="raises",
    cost=200,
    da=_det_vjp,
)


def _log_det_vjp(b: Builder, env: Any) -> Operand:
    t = transposed(b, emit(b, "numpy.linalg.inv", env["a"]))
    dy = env["dy"]
    if isinstance(dy.type, Array):
        n = len(dims_of(dy))
        dy = emit(b, "newaxis", dy, axes=(n, n + 1))
    return b.emit("mul", dy, t)


def _log_det_jvp(b: Builder, env: Any) -> Operand:
    product = b.emit("mul", transposed(b, emit(b, "numpy.linalg.inv", env["a"])), env["dy"])
    return emit(b, "numpy.sum", product, axis=(-2, -1))


array_rule(
    "log_abs_det", "y = log_abs_det(a)", lambda a: np.linalg.slogdet(a)[1], _det_type, _log_det_jvp, effect="raises",
    cost=200, da=_log_det_vjp,
)  # fmt: skip
array_rule(
    "sign_det",
    "y = sign_det(a)",
    lambda a: np.linalg.slogdet(a)[0],
    _det_type,
    effect="raises",
    cost=200,
    da=ZERO,
)


def _phi(b: Builder, a: Operand) -> Operand:
    """The lower triangle with half the diagonal."""
    return b.emit("sub", emit(b, "numpy.tril", a, k=0), b.emit("mul", const(0.5), diagonal_matrix(b, a)))


def diagonal_matrix(b: Builder, a: Operand) -> Operand:
    return b.emit("sub", emit(b, "numpy.tril", a, k=0), emit(b, "numpy.tril", a, k=-1))


def _triangle_vjp(name: str) -> Any:
    def vjp(b: Builder, env: Any) -> Operand:
        return emit(b, f"numpy.{name}", env["dy"], k=env["op"].attr("k"))

    return vjp


_fn: Any
for _fn in (np.tril, np.triu):
    array_rule(
        f"numpy.{_fn.__name__}",
        "y = triangle(a)",
        _fn,
        lambda attrs, a: a.type,
        "linear",
        da=_triangle_vjp(_fn.__name__),
    )


def _cholesky_vjp(b: Builder, env: Any) -> Operand:
    """Murray (2016), "Differentiation of the Cholesky decomposition", eq. 10, symmetrised."""
    low, dy = env["y"], env["dy"]
    upper = transposed(b, low)
    inner = _phi(b, emit(b, "matmul", upper, dy))
    s = emit(
        b,
        "numpy.linalg.solve",
        upper,
        transposed(b, emit(b, "numpy.linalg.solve", upper, transposed(b, inner))),
    )
    return b.emit("mul", const(0.5), b.emit("add", s, transposed(b, s)))


def _cholesky_jvp(b: Builder, env: Any) -> Operand:
    low = env["y"]
    d = env["dy"]
    symmetric = b.emit("mul", const(0.5), b.emit("add", d, transposed(b, d)))
    half = emit(b, "numpy.linalg.solve", low, transposed(b, emit(b, "numpy.linalg.solve", low, symmetric)))
    return emit(b, "matmul", low, _phi(b, transposed(b, half)))


array_rule(
    "numpy.linalg.cholesky", "y = cholesky(a)", np.linalg.cholesky, _square_type, _cholesky_jvp, effect="raises",
    cost=200, da=_cholesky_vjp,
)  # fmt: skip
