"""Decompositions of matrices and stacks of them: QR, eigenvalues, singular values. Each is one operation with several results."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.core import Op, Operand
from s2sad.ir.types import INT, Array, Dim, Scalar, Size, is_many
from s2sad.rules.arrays.core import Attrs, array_rule, dims_of, dtype_of, emit
from s2sad.rules.arrays.indexing import view
from s2sad.rules.arrays.linalg import LINALG, float_dtype, square_type
from s2sad.rules.arrays.products import transposed
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import ZERO, source


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
    dtype, k = float_dtype(a), _least(m, n)
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


def between(b: Builder, w: Operand, d: Operand) -> Operand:
    """w[j] - w[i], to divide by: infinite for i = j. The vectors of equal eigenvalues have no derivative: infinite where
    both columns of d are 0, else nan. Products of vectors that do not depend on their choice are none of these
    (`spectral`)."""
    return emit(b, "gaps", w, d)


def _eigh_type(attrs: Attrs, a: Operand) -> Any:
    *stack, _, n = dims_of(a)  # the vectors are columns: their number is that of the last axis
    return Array(float_dtype(a), len(stack) + 1, (*stack, n)), square_type(attrs, a)


def _eigh_vjp(b: Builder, env: Any) -> Operand:
    """Giles (2008), section 3.1, symmetrised: V (diag(dw) + (Vᵀ dV) / gaps) Vᵀ."""
    dw, dv = env["dw"], env["dv"]
    env = {"v": env["v"], "dw": dw, "dv": dv, "gaps": between(b, env["w"], dv) if dv is not None else None}
    parts = [
        text for text, d in (("v * dw[..., None, :]", dw), ("v @ ((v.T @ dv) / gaps)", dv)) if d is not None
    ]
    s = b.expand(f"({' + '.join(parts)}) @ v.T", env, LINALG)
    return s if dv is None else b.expand("0.5 * (s + s.T)", {"s": s}, LINALG)  # type: ignore[no-any-return]


def _eigh_jvp(b: Builder, env: Any) -> Any:
    env = {**env}
    env["d"] = b.expand("(0.5 * (dy + dy.T)) @ v", env, LINALG)
    env["gaps"] = between(b, env["w"], env["d"])
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
        env["gaps"] = between(b, env["w"], dv)
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
    env["moved"] = b.expand("dy @ v", env, LINALG)
    env["p"] = b.expand("solve(v, moved)", env, LINALG)
    env["gaps"] = between(b, env["w"], env["moved"])
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
    dtype, k, r = float_dtype(a), _least(m, n), len(stack)
    left, right = (m, n) if attrs["full_matrices"] else (k, k)
    u, vh = Array(dtype, r + 2, (*stack, m, left)), Array(dtype, r + 2, (*stack, right, n))
    return u, Array(dtype, r + 1, (*stack, k)), vh


def _may_have_more(op: Op) -> bool:
    """Whether there may be more singular vectors than singular values: full_matrices of what may be not square."""
    rows, columns = dims_of(op.operands[0])[-2:]
    return bool(op.attr("full_matrices")) and (rows is None or rows != columns)


def _leading(b: Builder, x: Operand, s: Operand, rows: bool) -> Operand:
    """The vectors that belong to singular values, among the columns or the rows."""
    k = b.emit("shape", s, type=INT, axis=len(dims_of(s)) - 1)
    whole = (("slice", None, None, None),) * (len(dims_of(x)) - 1 - rows)
    entry = ("slice", None, 0, None)
    index = (*whole, entry, ("slice", None, None, None)) if rows else (*whole, entry)
    return view(b, x, index, (k,))


def _leading_cotangent(b: Builder, d: Operand | None, s: Operand, rows: bool) -> Operand | None:
    """That of these vectors. The others have no derivative: nan where anything depends on them."""
    if d is None:
        return None
    return b.emit("add", _leading(b, d, s, rows), emit(b, "lost", d, s, const(rows)))


def lost(d: Any, s: Any, rows: Any) -> Any:
    """0; nan if the cotangent d of singular vectors is not 0 for those that belong to no singular value in s."""
    k = s.shape[-1]
    rest = d[..., k:, :] if rows else d[..., k:]
    return np.where(np.sum(np.abs(rest)) == 0.0, 0.0, np.nan)[()]


array_rule(
    "lost", "y = lost(d, s, rows)", lost, lambda attrs, d, s, rows: Scalar("float", dtype_of(s)), helper=source(lost),
    dd=ZERO, ds=ZERO, drows=ZERO,
)  # fmt: skip


def _svd_vjp(b: Builder, env: Any) -> Operand:
    """Townsend (2016), "Differentiating the singular value decomposition", eq. 38 ff."""
    du, ds, dvh, u, s, vh = (env[n] for n in ("du", "ds", "dvh", "u", "s", "vh"))
    if _may_have_more(env["op"]):
        u, vh = _leading(b, u, s, False), _leading(b, vh, s, True)
        du, dvh = _leading_cotangent(b, du, s, False), _leading_cotangent(b, dvh, s, True)
    env = {"u": u, "s": s, "vh": vh, "du": du, "ds": ds, "dvh": dvh}
    squares = b.emit("mul", s, s)
    parts = []
    if ds is not None:
        parts.append("(u * ds[..., None, :]) @ vh")
    if du is not None:
        env["gaps"], env["over"] = between(b, squares, du), emit(b, "divisors", s, u, du)
        env["p"] = b.expand("u.T @ du", env, LINALG)
        env["k"] = b.expand("((p - p.T) / gaps) * s[..., None, :]", env, LINALG)
        parts.append("(u @ k + (du - u @ p) / over[..., None, :]) @ vh")
    if dvh is not None:
        v, dv = transposed(b, vh), transposed(b, dvh)
        env["gaps"], env["over"] = between(b, squares, dv), emit(b, "divisors", s, v, dv)
        env["q"] = b.expand("vh @ dvh.T", env, LINALG)
        env["l"] = b.expand("((q - q.T) / gaps) * s[..., None]", env, LINALG)
        parts.append("u @ (l @ vh + (dvh - q.T @ vh) / over[..., None])")
    return b.expand(" + ".join(parts), env, LINALG)  # type: ignore[no-any-return]


def _svd_jvp(b: Builder, env: Any) -> Any:
    op: Op = env["op"]
    u, s, vh = (env[n] for n in ("u", "s", "vh"))
    more = _may_have_more(env["op"])
    if more:
        u, vh = _leading(b, u, s, False), _leading(b, vh, s, True)
    env = {"u": u, "s": s, "vh": vh, "dy": env["dy"]}
    env["left"] = b.expand("dy @ vh.T", env, LINALG)
    env["right"] = b.expand("u.T @ dy", env, LINALG)
    squares, back = b.emit("mul", s, s), transposed(b, env["right"])
    env["gaps"] = between(b, squares, env["left"])
    env["over"] = emit(b, "divisors", s, u, env["left"])
    env["under"] = emit(b, "divisors", s, transposed(b, vh), back)
    env["p"] = b.expand("u.T @ left", env, LINALG)
    ds = b.expand("sum(u * left, axis=-2)", env, LINALG)
    env["turn"] = b.expand("(p * s[..., None, :] + s[..., None] * p.T) / gaps", env, LINALG)
    env["roll"] = b.expand("(s[..., None] * p + p.T * s[..., None, :]) / gaps", env, LINALG)
    du = b.expand("u @ turn + (left - u @ p) / over[..., None, :]", env, LINALG)
    dvh = b.expand("roll.T @ vh + (right - p @ vh) / under[..., None]", env, LINALG)
    if more:
        k = b.emit("shape", s, type=INT, axis=len(dims_of(s)) - 1)
        du, dvh = (
            _with_undefined(b, du, op.results[0], k, False),
            _with_undefined(b, dvh, op.results[2], k, True),
        )
    return du, ds, dvh


def _with_undefined(b: Builder, d: Operand, x: Operand, k: Operand, rows: bool) -> Operand:
    """A tangent with those of the vectors that belong to no singular value, which is nan."""
    whole = (("slice", None, None, None),) * (len(dims_of(x)) - 1 - rows)
    entry = ("slice", 0, None, None)
    index = (*whole, entry, ("slice", None, None, None)) if rows else (*whole, entry)
    rest = b.emit("mul", view(b, x, index, (k,)), const(float("nan")))
    return emit(b, "numpy.concatenate", d, rest, axis=len(dims_of(x)) - 1 - rows)


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
