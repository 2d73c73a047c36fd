"""Linear algebra on matrices and stacks of them.

Rule texts are formulas on the last two axes: `@` and `.T` mean those. Sources: Giles (2008), "Collected matrix derivative
results for forward and reverse mode AD"; others are named where they are used.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.core import Operand
from s2sad.ir.types import Array, Type, shaped
from s2sad.rules.arrays.core import Attrs, array_rule, dims_of, dtype_of, emit
from s2sad.rules.arrays.products import transposed
from s2sad.rules.arrays.reductions import reduced, spread
from s2sad.rules.builder import Builder
from s2sad.rules.registry import ZERO, source
from s2sad.rules.shapes import broadcast

LINALG = "numpy.linalg"


def formula(text: str) -> Any:
    """A vjp or jvp that is a formula over the operands, results and cotangent."""

    def partial(b: Builder, env: Any) -> Any:
        return b.expand(text, env, LINALG)

    return partial


def float_dtype(*operands: Operand) -> str:
    """The dtype of a result; the rules here are those of real matrices."""
    dtype = np.result_type(*(np.dtype(dtype_of(o)) for o in operands), np.float32)
    if dtype.kind == "c":
        raise TypeError("complex matrices are not supported yet")
    return str(dtype)


def square_type(attrs: Attrs, a: Operand) -> Type:
    return Array(float_dtype(a), len(dims_of(a)), dims_of(a))


# -- solve ------------------------------------------------------------------------------------------------


def _solve_type(attrs: Attrs, a: Operand, c: Operand) -> Type:
    x, y = dims_of(a), dims_of(c)
    tail = (y[-1],) if len(y) == 1 else y[-2:]
    return shaped(float_dtype(a, c), (*broadcast(x[:-2], y[:-2]), *tail))


def solved(b: Builder, a: Operand, y: Operand, vectors: bool) -> Operand:
    """solve(a, y) where y holds vectors (NumPy 2 takes only a right side of one axis for a vector) or matrices."""
    if not vectors or len(dims_of(y)) == 1:
        return emit(b, "numpy.linalg.solve", a, y)
    n = len(dims_of(y))
    return emit(b, "squeeze", emit(b, "numpy.linalg.solve", a, emit(b, "newaxis", y, axes=(n,))), axes=(n,))


def _vectors(env: Any) -> bool:
    return len(dims_of(env["op"].operands[1])) == 1


def _solve_right(b: Builder, env: Any) -> Operand:
    return solved(b, transposed(b, env["a"]), env["dy"], _vectors(env))


def _solve_left(b: Builder, env: Any) -> Operand:
    d = _solve_right(b, env)
    text = "-d[..., None] * y[..., None, :]" if _vectors(env) else "-d @ y.T"
    return b.expand(text, {"d": d, "y": env["y"]}, LINALG)


def _solve_jvp(b: Builder, env: Any) -> Operand:
    if env["which"] == 1:
        return emit(b, "numpy.linalg.solve", env["a"], env["dy"])
    if _vectors(env) and len(dims_of(env["y"])) > 1:
        moved = b.expand("sum(dy * y[..., None, :], axis=-1)", env, LINALG)
    else:
        moved = emit(b, "matmul", env["dy"], env["y"])
    return b.emit("neg", solved(b, env["a"], moved, _vectors(env)))


array_rule(
    "numpy.linalg.solve", "y = solve(a, b)", np.linalg.solve, _solve_type, _solve_jvp, effect="raises", cost=200,
    da=_solve_left, db=_solve_right,
)  # fmt: skip

# -- inverses and determinants ----------------------------------------------------------------------------

array_rule(
    "numpy.linalg.inv", "y = inv(a)", np.linalg.inv, square_type, formula("-y @ dy @ y"), effect="raises", cost=200,
    da=formula("-y.T @ dy @ y.T"),
)  # fmt: skip


def _det_type(attrs: Attrs, a: Operand) -> Type:
    return shaped(float_dtype(a), dims_of(a)[:-2])


def cofactors(a: Any) -> Any:
    """The derivatives of the determinant by the elements, from the singular values: a may be singular."""
    u, s, vh = np.linalg.svd(a)
    sign = np.asarray(np.linalg.det(u) * np.linalg.det(vh)).reshape(s.shape[:-1] + (1, 1))
    scaled = sign * u
    for i in range(s.shape[-1]):
        for j in range(s.shape[-1]):
            if j != i:
                scaled[..., :, i] *= s[..., j : j + 1]
    return scaled @ vh


def cofactors_along(a: Any, e: Any) -> Any:
    """The derivative of cofactors(a) along e, from the singular values: a may be singular."""
    u, s, vh = np.linalg.svd(a)
    x = np.swapaxes(u, -1, -2) @ e @ np.swapaxes(vh, -1, -2)
    sign = np.asarray(np.linalg.det(u) * np.linalg.det(vh))
    y = np.zeros_like(x)
    for i in range(s.shape[-1]):
        for j in range(s.shape[-1]):
            if i != j:
                rest = sign * np.prod(np.delete(s, (i, j), axis=-1), axis=-1)
                y[..., i, i] += x[..., j, j] * rest
                y[..., i, j] -= x[..., j, i] * rest
    return u @ y @ vh


def _third_derivative(b: Builder, env: Any) -> Operand:
    """Of the determinant, along two matrices, by the elements: where it is not 0."""
    env = {"a": env["a"], "e": env["e"], "dy": env["dy"]}
    env["p"] = b.expand("ratio(cofactors(a), det(a)[..., None, None])", env, LINALG)
    for name, text in (("s", "p * e"), ("t", "p * dy"), ("c", "(p.T @ e) * (p.T @ dy).T")):
        env[name] = b.expand(f"sum({text}, axis=(-2, -1))[..., None, None]", env, LINALG)
    env["q"] = b.expand("p @ e.T @ p", env, LINALG)
    env["r"] = b.expand("p @ dy.T @ p", env, LINALG)
    text = "(s * t - c) * p - t * q - s * r + q @ dy.T @ p + r @ e.T @ p"
    return b.expand(f"det(a)[..., None, None] * ({text})", env, LINALG)  # type: ignore[no-any-return]


def _along_jvp(b: Builder, env: Any) -> Operand:
    if env["which"] == 1:
        return emit(b, "cofactors_along", env["a"], env["dy"])
    return _third_derivative(b, {"a": env["a"], "e": env["e"], "dy": env["dy"]})


array_rule(
    "cofactors_along", "y = cofactors_along(a, e)", cofactors_along, lambda attrs, a, e: a.type, _along_jvp, effect="raises",
    cost=800, helper=source(cofactors_along), da=_third_derivative, de=formula("cofactors_along(a, dy)"),
)  # fmt: skip
array_rule(
    "cofactors", "y = cofactors(a)", cofactors, square_type, formula("cofactors_along(a, dy)"), effect="raises", cost=800,
    helper=source(cofactors), da=formula("cofactors_along(a, dy)"),
)  # fmt: skip
array_rule(
    "numpy.linalg.det", "y = det(a)", np.linalg.det, _det_type, formula("sum(cofactors(a) * dy, axis=(-2, -1))"),
    effect="raises", cost=200, da=formula("dy[..., None, None] * cofactors(a)"),
)  # fmt: skip


def inverse_or_nan(a: Any) -> Any:
    """The inverse; nan for a singular matrix."""
    regular = (np.linalg.slogdet(a)[0] != 0.0)[..., None, None]
    return np.where(regular, np.linalg.inv(np.where(regular, a, np.eye(a.shape[-1], dtype=a.dtype))), np.nan)


array_rule(
    "inverse_or_nan", "y = inverse_or_nan(a)", inverse_or_nan, square_type, formula("-y @ dy @ y"), effect="raises", cost=200,
    helper=source(inverse_or_nan), da=formula("-y.T @ dy @ y.T"),
)  # fmt: skip


def _slogdet_vjp(b: Builder, env: Any) -> Operand | None:
    if env["dlogabsdet"] is None:
        return None
    return b.expand("dlogabsdet[..., None, None] * inverse_or_nan(a).T", env, LINALG)  # type: ignore[no-any-return]


def _slogdet_jvp(b: Builder, env: Any) -> Any:
    return None, b.expand("sum(inverse_or_nan(a).T * dy, axis=(-2, -1))", env, LINALG)


array_rule(
    "numpy.linalg.slogdet", "sign, logabsdet = slogdet(a)", np.linalg.slogdet,
    lambda attrs, a: (_det_type(attrs, a), _det_type(attrs, a)), _slogdet_jvp, effect="raises", cost=200, da=_slogdet_vjp,
)  # fmt: skip


def _pinv_type(attrs: Attrs, a: Operand) -> Type:
    *stack, m, n = dims_of(a)
    return Array(float_dtype(a), len(stack) + 2, (*stack, n, m))


def _pinv_vjp(b: Builder, env: Any) -> Operand:
    """Golub & Pereyra (1973), "The differentiation of pseudo-inverses", eq. 4.12, transposed; the rank is constant."""
    return b.expand(
        "(dy.T - a @ (y @ dy.T)) @ y @ y.T + y.T @ (y @ (dy.T - (dy.T @ y) @ a)) - y.T @ dy @ y.T",
        env,
        LINALG,
    )  # type: ignore[no-any-return]


def _pinv_jvp(b: Builder, env: Any) -> Operand:
    return b.expand(
        "y @ (y.T @ (dy.T - (dy.T @ a) @ y)) + (dy.T - y @ (a @ dy.T)) @ y.T @ y - y @ dy @ y", env, LINALG
    )  # type: ignore[no-any-return]


array_rule(
    "numpy.linalg.pinv",
    "y = pinv(a)",
    np.linalg.pinv,
    _pinv_type,
    _pinv_jvp,
    effect="raises",
    cost=400,
    da=_pinv_vjp,
)


# -- least squares ----------------------------------------------------------------------------------------


def lstsq(a: Any, b: Any) -> Any:
    """The solution of least squares alone."""
    return np.linalg.lstsq(a, b)[0]


def _lstsq_type(attrs: Attrs, a: Operand, c: Operand) -> Type:
    return shaped(float_dtype(a, c), (dims_of(a)[1], *dims_of(c)[1:]))


def _lstsq_right(b: Builder, env: Any) -> Operand:
    return b.expand("pinv(a).T @ dy", env, LINALG)  # type: ignore[no-any-return]


def _lstsq_left(b: Builder, env: Any) -> Operand:
    """From that of the pseudo-inverse times b: -d xᵀ + r (P d)ᵀ + Pᵀx (dx - Aᵀd)ᵀ with d = Pᵀdx, r = b - A x."""
    p = emit(b, "numpy.linalg.pinv", env["a"])
    env = {"a": env["a"], "b": env["b"], "x": env["y"], "dx": env["dy"], "p": p}
    env["d"] = b.expand("p.T @ dx", env, LINALG)
    env["r"] = b.expand("b - a @ x", env, LINALG)
    pairs = (("r", "p @ d"), ("p.T @ x", "dx - a.T @ d"), ("-d", "x"))
    if len(dims_of(env["b"])) == 1:
        text = " + ".join(f"({u})[..., None] * ({v})[..., None, :]" for u, v in pairs)
    else:
        text = " + ".join(f"({u}) @ ({v}).T" for u, v in pairs)
    return b.expand(text, env, LINALG)  # type: ignore[no-any-return]


def _lstsq_jvp(b: Builder, env: Any) -> Operand:
    p = emit(b, "numpy.linalg.pinv", env["a"])
    env = {**env, "p": p, "x": env["op"].result}
    if env["which"] == 1:
        return b.expand("p @ dy", env, LINALG)  # type: ignore[no-any-return]
    return b.expand(
        "p @ (p.T @ (dy.T @ (b - a @ x)) - dy @ x) + dy.T @ (p.T @ x) - p @ (a @ (dy.T @ (p.T @ x)))",
        env,
        LINALG,
    )  # type: ignore[no-any-return]


array_rule(
    "numpy.linalg.lstsq", "y = lstsq(a, b)", lstsq, _lstsq_type, _lstsq_jvp, effect="raises", cost=400, da=_lstsq_left,
    db=_lstsq_right,
)  # fmt: skip

# -- triangles and Cholesky ---------------------------------------------------------------------------


def _triangle_vjp(name: str) -> Any:
    def vjp(b: Builder, env: Any) -> Operand:
        return emit(b, f"numpy.{name}", env["dy"], k=env["op"].attr("k"))

    return vjp


_fn: Any
for _fn in (np.tril, np.triu):
    array_rule(
        f"numpy.{_fn.__name__}", "y = triangle(a)", _fn, lambda attrs, a: a.type, "linear", da=_triangle_vjp(_fn.__name__)
    )  # fmt: skip

LOWER_HALF = "0.5 * (tril(m, k=0) + tril(m, k=-1))"  # the lower triangle with half the diagonal


def _cholesky_vjp(b: Builder, env: Any) -> Operand:
    """Murray (2016), "Differentiation of the Cholesky decomposition", eq. 10, symmetrised."""
    m = b.expand("y.T @ dy", env, LINALG)
    half = b.expand(LOWER_HALF, {"m": m}, LINALG)
    s = b.expand("solve(y.T, solve(y.T, half.T).T)", {"y": env["y"], "half": half}, LINALG)
    return b.expand("0.5 * (s + s.T)", {"s": s}, LINALG)  # type: ignore[no-any-return]


def _cholesky_jvp(b: Builder, env: Any) -> Operand:
    m = b.expand("solve(y, solve(y, 0.5 * (dy + dy.T)).T)", env, LINALG)
    half = b.expand(LOWER_HALF, {"m": m}, LINALG)
    return b.expand("y @ half", {"y": env["y"], "half": half}, LINALG)  # type: ignore[no-any-return]


array_rule(
    "numpy.linalg.cholesky", "y = cholesky(a)", np.linalg.cholesky, square_type, _cholesky_jvp, effect="raises",
    cost=200, da=_cholesky_vjp,
)  # fmt: skip

# -- norms ------------------------------------------------------------------------------------------------


def _norm_type(attrs: Attrs, a: Operand) -> Type:
    return shaped(float_dtype(a), reduced(attrs, a))


def _slope(b: Builder, env: Any) -> Operand:
    """The partials of a norm by the elements: 0 at 0, where all of them are."""
    op = env["op"]
    names = {"a": env["a"], "n": spread(b, env["y"], op)}
    p = op.attr("ord")
    if p == 2:
        return b.expand("ratio(a, n)", names, LINALG)  # type: ignore[no-any-return]
    return b.expand(f"sign(a) * power(ratio(absolute(a), n), {p - 1!r})", names, LINALG)  # type: ignore[no-any-return]


def _norm_vjp(b: Builder, env: Any) -> Operand:
    return b.emit("mul", _slope(b, env), spread(b, env["dy"], env["op"]))


def _norm_jvp(b: Builder, env: Any) -> Operand:
    op = env["op"]
    product = b.emit("mul", _slope(b, env), env["dy"])
    return emit(b, "numpy.sum", product, axis=op.attr("axis"), keepdims=op.attr("keepdims"))


def norm_of_elements(a: Any, ord: Any, axis: Any, keepdims: Any) -> Any:
    """The p-norm of the elements along the axes, which may be all."""
    if ord == 2:
        return np.sqrt(np.sum(np.abs(a) ** 2, axis=axis, keepdims=keepdims))
    return np.sum(np.abs(a) ** ord, axis=axis, keepdims=keepdims) ** (1.0 / ord)


array_rule(
    "norm_of_elements",
    "y = norm(a)",
    norm_of_elements,
    _norm_type,
    _norm_jvp,
    effect="raises",
    cost=20,
    da=_norm_vjp,
)
array_rule(
    "numpy.linalg.matrix_rank", "y = matrix_rank(a)", np.linalg.matrix_rank,
    lambda attrs, a: shaped("int64", dims_of(a)[:-2]), effect="raises", cost=200, da=ZERO,
)  # fmt: skip
