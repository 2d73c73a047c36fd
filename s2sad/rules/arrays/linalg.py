"""Linear algebra on matrices and stacks of them.

Rule texts are formulas on the last two axes: `@` and `.T` mean those. Sources: Giles (2008), "Collected matrix derivative
results for forward and reverse mode AD"; others are named where they are used.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.errors import UnsupportedSyntaxError
from s2sad.ir.core import Operand
from s2sad.ir.types import Array, Dim, Size, Type, is_many, shaped
from s2sad.rules.arrays.core import Attrs, array_rule, dims_of, dtype_of, emit, emit_several
from s2sad.rules.arrays.products import transposed
from s2sad.rules.arrays.reductions import reduced, spread
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import ZERO, source
from s2sad.rules.shapes import broadcast

LINALG = "numpy.linalg"


def formula(text: str) -> Any:
    """A vjp or jvp that is a formula over the operands, results and cotangent."""

    def partial(b: Builder, env: Any) -> Any:
        return b.expand(text, env, LINALG)

    return partial


def _float_dtype(*operands: Operand) -> str:
    """The dtype of a result; the rules here are those of real matrices."""
    dtype = np.result_type(*(np.dtype(dtype_of(o)) for o in operands), np.float32)
    if dtype.kind == "c":
        raise TypeError("complex matrices are not supported yet")
    return str(dtype)


def _square_type(attrs: Attrs, a: Operand) -> Type:
    return Array(_float_dtype(a), len(dims_of(a)), dims_of(a))


# -- solve ------------------------------------------------------------------------------------------------


def _solve_type(attrs: Attrs, a: Operand, c: Operand) -> Type:
    x, y = dims_of(a), dims_of(c)
    tail = (y[-1],) if len(y) == 1 else y[-2:]
    return shaped(_float_dtype(a, c), (*broadcast(x[:-2], y[:-2]), *tail))


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
    "numpy.linalg.inv", "y = inv(a)", np.linalg.inv, _square_type, formula("-y @ dy @ y"), effect="raises", cost=200,
    da=formula("-y.T @ dy @ y.T"),
)  # fmt: skip


def _det_type(attrs: Attrs, a: Operand) -> Type:
    return shaped(_float_dtype(a), dims_of(a)[:-2])


array_rule(
    "numpy.linalg.det", "y = det(a)", np.linalg.det, _det_type, formula("y * sum(inv(a).T * dy, axis=(-2, -1))"),
    effect="raises", cost=200, da=formula("(dy * y)[..., None, None] * inv(a).T"),
)  # fmt: skip


def _slogdet_vjp(b: Builder, env: Any) -> Operand | None:
    if env["dlogabsdet"] is None:
        return None
    return b.expand("dlogabsdet[..., None, None] * inv(a).T", env, LINALG)  # type: ignore[no-any-return]


def _slogdet_jvp(b: Builder, env: Any) -> Any:
    return None, b.expand("sum(inv(a).T * dy, axis=(-2, -1))", env, LINALG)


array_rule(
    "numpy.linalg.slogdet", "sign, logabsdet = slogdet(a)", np.linalg.slogdet,
    lambda attrs, a: (_det_type(attrs, a), _det_type(attrs, a)), _slogdet_jvp, effect="raises", cost=200, da=_slogdet_vjp,
)  # fmt: skip


def _pinv_type(attrs: Attrs, a: Operand) -> Type:
    *stack, m, n = dims_of(a)
    return Array(_float_dtype(a), len(stack) + 2, (*stack, n, m))


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
    return shaped(_float_dtype(a, c), (dims_of(a)[1], *dims_of(c)[1:]))


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

# -- triangles, Cholesky and QR ---------------------------------------------------------------------------


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
    "numpy.linalg.cholesky", "y = cholesky(a)", np.linalg.cholesky, _square_type, _cholesky_jvp, effect="raises",
    cost=200, da=_cholesky_vjp,
)  # fmt: skip


def _least(m: Size, n: Size) -> Size:
    """The smaller of two sizes; of unknown ones, by a name of its own."""
    if m == n:
        return m
    if isinstance(m, int) and isinstance(n, int):
        return min(m, n)
    if m is None or n is None:
        return None
    return 1 if 1 in (m, n) else Dim(f"min({m},{n})", 0, is_many(m) and is_many(n))


def _qr_type(attrs: Attrs, a: Operand) -> Any:
    *stack, m, n = dims_of(a)
    dtype, k = _float_dtype(a), _least(m, n)
    return Array(dtype, len(stack) + 2, (*stack, m, k)), Array(dtype, len(stack) + 2, (*stack, k, n))


def _qr_vjp(b: Builder, env: Any) -> Operand:
    """Walter & Lehmann (2013), "Algorithmic differentiation of linear algebra functions with application in optimum
    experimental design", eq. 60; of a matrix with no fewer rows than columns (else R has no inverse, which raises)."""
    q, r, dq, dr = (env[n] for n in ("q", "r", "dq", "dr"))
    env = {"q": q, "r": r, "dq": dq, "dr": dr}
    parts = [text for text, d in (("r @ dr.T", dr), ("- dq.T @ q", dq)) if d is not None]
    env["m"] = b.expand(" ".join(parts), env, LINALG)
    env["copied"] = b.expand("tril(m, k=0) + tril(m, k=-1).T", env, LINALG)
    text = "q @ copied" if dq is None else "dq + q @ copied"
    return b.expand(f"solve(r, ({text}).T).T", env, LINALG)  # type: ignore[no-any-return]


def _qr_jvp(b: Builder, env: Any) -> Any:
    env = {**env}
    env["g"] = b.expand("solve(r.T, dy.T).T", env, LINALG)
    env["c"] = b.expand("q.T @ g", env, LINALG)
    env["turn"] = b.expand("tril(c, k=-1) - tril(c, k=-1).T", env, LINALG)
    return b.expand("q @ (turn - c) + g", env, LINALG), b.expand("(c - turn) @ r", env, LINALG)


array_rule(
    "numpy.linalg.qr", "q, r = qr(a)", np.linalg.qr, _qr_type, _qr_jvp, effect="raises", cost=400, da=_qr_vjp
)

# -- eigenvalues and singular values ----------------------------------------------------------------------


def gaps(b: Builder, w: Operand) -> Operand:
    """w[j] - w[i], infinite where it is 0: what is divided by it is 0 for i = j, and for equal eigenvalues, whose
    vectors have no derivative (a result that does not depend on their choice has none through them)."""
    d = b.expand("w[..., None, :] - w[..., None]", {"w": w}, LINALG)
    return b.emit("numpy.where", b.emit("eq", d, const(0.0)), b.expand("inf", {}), d)


def _eigh_type(attrs: Attrs, a: Operand) -> Any:
    return Array(_float_dtype(a), len(dims_of(a)) - 1, dims_of(a)[:-1]), _square_type(attrs, a)


def _eigh_vjp(b: Builder, env: Any) -> Operand:
    """Giles (2008), section 3.1, symmetrised: V (diag(dw) + (Vᵀ dV) / gaps) Vᵀ."""
    dw, dv = env["dw"], env["dv"]
    env = {"v": env["v"], "dw": dw, "dv": dv, "gaps": gaps(b, env["w"]) if dv is not None else None}
    parts = [
        text for text, d in (("v * dw[..., None, :]", dw), ("v @ ((v.T @ dv) / gaps)", dv)) if d is not None
    ]
    s = b.expand(f"({' + '.join(parts)}) @ v.T", env, LINALG)
    return s if dv is None else b.expand("0.5 * (s + s.T)", {"s": s}, LINALG)  # type: ignore[no-any-return]


def _eigh_jvp(b: Builder, env: Any) -> Any:
    env = {**env}
    env["d"] = b.expand("(0.5 * (dy + dy.T)) @ v", env, LINALG)
    env["gaps"] = gaps(b, env["w"])
    return b.expand("sum(v * d, axis=-2)", env, LINALG), b.expand("v @ ((v.T @ d) / gaps)", env, LINALG)


array_rule(
    "numpy.linalg.eigh",
    "w, v = eigh(a)",
    np.linalg.eigh,
    _eigh_type,
    _eigh_jvp,
    effect="raises",
    cost=600,
    da=_eigh_vjp,
)


def real_eig(a: Any) -> Any:
    """np.linalg.eig() of a matrix whose eigenvalues are real."""
    w, v = np.linalg.eig(a)
    if np.iscomplexobj(w):
        raise ValueError("np.linalg.eig() gave complex eigenvalues, which cannot be differentiated here")
    return w, v


def _eig_vjp(b: Builder, env: Any) -> Operand:
    """Giles (2008), section 3.1; eigenvectors of norm 1: Boeddeker et al. (2017), "On the computation of complex-valued
    gradients with application to statistically optimum beamforming", eq. 4.77."""
    dw, dv = env["dw"], env["dv"]
    env = {"v": env["v"], "dw": dw, "dv": dv, "w": env["w"]}
    if dv is not None:
        env["gaps"] = gaps(b, env["w"])
        env["d"] = b.expand("dv - v * sum(v * dv, axis=-2, keepdims=True)", env, LINALG)
        inner = "(v.T @ d) / gaps"
        total = b.expand(f"({inner}) @ v.T", env, LINALG)
        if dw is not None:
            total = b.emit("add", total, b.expand("dw[..., None] * v.T", env, LINALG))
    else:
        total = b.expand("dw[..., None] * v.T", env, LINALG)
    return b.expand("solve(v.T, total)", {"v": env["v"], "total": total}, LINALG)  # type: ignore[no-any-return]


def _eig_jvp(b: Builder, env: Any) -> Any:
    env = {**env}
    env["p"] = b.expand("solve(v, dy @ v)", env, LINALG)
    env["gaps"] = gaps(b, env["w"])
    n = len(dims_of(env["p"]))
    letters = "abcdefghij"[: n - 2]
    dw = emit(b, "numpy.einsum", env["p"], subscripts=f"{letters}zz->{letters}z")
    env["d"] = b.expand("v @ (p / gaps)", env, LINALG)
    return dw, b.expand("d - v * sum(v * d, axis=-2, keepdims=True)", env, LINALG)


array_rule(
    "real_eig", "w, v = real_eig(a)", real_eig, _eigh_type, _eig_jvp, effect="raises", cost=600, helper=source(real_eig),
    da=_eig_vjp,
)  # fmt: skip


def _svd_type(attrs: Attrs, a: Operand) -> Any:
    *stack, m, n = dims_of(a)
    dtype, k, r = _float_dtype(a), _least(m, n), len(stack)
    left, right = (m, n) if attrs["full_matrices"] else (k, k)
    u, vh = Array(dtype, r + 2, (*stack, m, left)), Array(dtype, r + 2, (*stack, right, n))
    return u, Array(dtype, r + 1, (*stack, k)), vh


def _reduced_svd(b: Builder, env: Any, du: Any, dvh: Any) -> tuple[Operand, ...]:
    op = env["op"]
    square = len(set(dims_of(op.operands[0])[-2:])) == 1 and dims_of(op.operands[0])[-1] is not None
    if not op.attr("full_matrices") or square:
        return env["u"], env["s"], env["vh"]
    if du is not None or dvh is not None:
        raise UnsupportedSyntaxError(
            "np.linalg.svd() with full_matrices=True has no derivative by its vectors",
            op.loc,
            "pass full_matrices=False",
        )
    return emit_several(b, "numpy.linalg.svd", env["a"], full_matrices=False)


def _svd_vjp(b: Builder, env: Any) -> Operand:
    """Townsend (2016), "Differentiating the singular value decomposition", eq. 38 ff."""
    du, ds, dvh = env["du"], env["ds"], env["dvh"]
    u, s, vh = _reduced_svd(b, env, du, dvh)
    env = {"u": u, "s": s, "vh": vh, "du": du, "ds": ds, "dvh": dvh}
    if du is not None or dvh is not None:
        env["gaps"] = gaps(b, b.emit("mul", s, s))
        zero = b.emit("eq", s, const(0.0))
        env["over"] = b.emit("numpy.where", zero, b.expand("inf", {}), s)
    parts = []
    if ds is not None:
        parts.append("(u * ds[..., None, :]) @ vh")
    if du is not None:
        env["p"] = b.expand("u.T @ du", env, LINALG)
        env["k"] = b.expand("((p - p.T) / gaps) * s[..., None, :]", env, LINALG)
        parts.append("(u @ k + (du - u @ p) / over[..., None, :]) @ vh")
    if dvh is not None:
        env["q"] = b.expand("vh @ dvh.T", env, LINALG)
        env["l"] = b.expand("((q - q.T) / gaps) * s[..., None]", env, LINALG)
        parts.append("u @ (l @ vh + (dvh - q.T @ vh) / over[..., None])")
    return b.expand(" + ".join(parts), env, LINALG)  # type: ignore[no-any-return]


def _svd_jvp(b: Builder, env: Any) -> Any:
    u, s, vh = _reduced_svd(b, env, *([None] * 2))
    if u is not env["u"]:
        return (
            None,
            b.expand("sum((u.T @ dy) * vh, axis=-1)", {"u": u, "vh": vh, "dy": env["dy"]}, LINALG),
            None,
        )
    env = {"u": u, "s": s, "vh": vh, "dy": env["dy"], "gaps": gaps(b, b.emit("mul", s, s))}
    zero = b.emit("eq", s, const(0.0))
    env["over"] = b.emit("numpy.where", zero, b.expand("inf", {}), s)
    env["left"] = b.expand("dy @ vh.T", env, LINALG)
    env["right"] = b.expand("u.T @ dy", env, LINALG)
    env["p"] = b.expand("u.T @ left", env, LINALG)
    ds = b.expand("sum(u * left, axis=-2)", env, LINALG)
    env["turn"] = b.expand("(p * s[..., None, :] + s[..., None] * p.T) / gaps", env, LINALG)
    env["roll"] = b.expand("(s[..., None] * p + p.T * s[..., None, :]) / gaps", env, LINALG)
    du = b.expand("u @ turn + (left - u @ p) / over[..., None, :]", env, LINALG)
    return du, ds, b.expand("roll.T @ vh + (right - p @ vh) / over[..., None]", env, LINALG)


array_rule(
    "numpy.linalg.svd",
    "u, s, vh = svd(a)",
    np.linalg.svd,
    _svd_type,
    _svd_jvp,
    effect="raises",
    cost=800,
    da=_svd_vjp,
)

# -- norms ------------------------------------------------------------------------------------------------


def _norm_type(attrs: Attrs, a: Operand) -> Type:
    return shaped(_float_dtype(a), reduced(attrs, a))


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
