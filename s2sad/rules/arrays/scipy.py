"""Functions of scipy on whole arrays, by name (see `rules.special`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.core import Op, Operand
from s2sad.ir.types import Type, shaped
from s2sad.rules.arrays.core import Attrs, array_rule, dims_of, emit
from s2sad.rules.arrays.linalg import float_dtype, formula
from s2sad.rules.arrays.products import transposed
from s2sad.rules.arrays.reductions import reduced, spread
from s2sad.rules.builder import Builder
from s2sad.rules.special import Named

SPECIAL = "scipy.special"

# -- sums of exponentials -----------------------------------------------------------------------------------


def _weights(b: Builder, env: Any) -> Operand:
    return b.expand("exp_minus(a, n)", {"a": env["a"], "n": spread(b, env["y"], env["op"])}, SPECIAL)  # type: ignore[no-any-return]


def _logsumexp_vjp(b: Builder, env: Any) -> Operand:
    return b.emit("mul", _weights(b, env), spread(b, env["dy"], env["op"]))


def _logsumexp_jvp(b: Builder, env: Any) -> Operand:
    return _summed_along(b, b.emit("mul", _weights(b, env), env["dy"]), env["op"])


def _summed_along(b: Builder, term: Operand, op: Op) -> Operand:
    return emit(b, "numpy.sum", term, axis=op.attr("axis"), keepdims=op.attr("keepdims"))


def _of_weights(b: Builder, env: Any) -> Operand:
    """What a cotangent or tangent of the part is multiplied with: a weight of 0 leaves its part out, however large."""
    names = {"a": env["a"], "b": env["b"], "n": spread(b, env["y"], env["op"])}
    return b.expand("b * exp_minus(where(b != 0.0, a, n), n)", names, SPECIAL)  # type: ignore[no-any-return]


def _weighted_jvp(b: Builder, env: Any) -> Operand:
    weights = _of_weights(b, env) if env["which"] == 0 else _weights(b, env)
    return _summed_along(b, b.emit("mul", weights, env["dy"]), env["op"])


def _weighted_sum(a: Any, b: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return Named("scipy.special.logsumexp")(a, axis=axis, b=b, keepdims=keepdims)


def _reduced_type(attrs: Attrs, a: Operand, *weights: Operand) -> Type:
    return shaped(float_dtype(a), reduced(attrs, a))


def _same_type(attrs: Attrs, a: Operand) -> Type:
    return shaped(float_dtype(a), dims_of(a))


def _summed(text: str) -> Any:
    """A formula in which `S(...)` is the sum along the function's axes, kept."""

    def partial(b: Builder, env: Any) -> Operand:
        op = env["op"]
        inner, outer = text.split(" -> ")
        total = emit(b, "numpy.sum", b.expand(inner, env, SPECIAL), axis=op.attr("axis"), keepdims=True)
        return b.expand(outer, {"y": env["y"], "dy": env["dy"], "total": total}, SPECIAL)  # type: ignore[no-any-return]

    return partial


_fn: Any
for _name, _fn in (
    ("scipy.special.logsumexp", Named("scipy.special.logsumexp")),
    ("numpy.logaddexp.reduce", np.logaddexp.reduce),
):
    array_rule(_name, "y = logsumexp(a)", _fn, _reduced_type, _logsumexp_jvp, cost=40, da=_logsumexp_vjp)
array_rule(
    "weighted_logsumexp", "y = weighted_logsumexp(a, b)", _weighted_sum, _reduced_type, _weighted_jvp, cost=40,
    da=lambda b, env: b.emit("mul", _of_weights(b, env), spread(b, env["dy"], env["op"])), db=_logsumexp_vjp,
)  # fmt: skip
array_rule(
    "scipy.special.softmax", "y = softmax(a)", Named("scipy.special.softmax"), _same_type,
    _summed("y * dy -> y * (dy - total)"), cost=40, da=_summed("y * dy -> y * (dy - total)"),
)  # fmt: skip
array_rule(
    "scipy.special.log_softmax", "y = log_softmax(a)", Named("scipy.special.log_softmax"), _same_type,
    _summed("exp(y) * dy -> dy - total"), cost=40, da=_summed("1.0 * dy -> dy - exp(y) * total"),
)  # fmt: skip

# -- scipy.linalg -------------------------------------------------------------------------------------------


def _triangular_type(attrs: Attrs, a: Operand, c: Operand) -> Type:
    return shaped(float_dtype(a, c), dims_of(c))


def _transposed_solve(b: Builder, env: Any) -> Operand:
    attrs = dict(env["op"].attrs)
    return emit(
        b, "scipy.linalg.solve_triangular", env["a"], env["dy"], **{**attrs, "trans": 1 - attrs["trans"]}
    )


def _triangular_left(b: Builder, env: Any) -> Operand:
    """As of solve, in the triangle that is read."""
    op = env["op"]
    names = {"d": _transposed_solve(b, env), "y": env["y"]}
    text = "-d[..., None] * y[..., None, :]" if len(dims_of(op.operands[1])) == 1 else "-d @ y.T"
    whole = b.expand(text, names, "numpy.linalg")
    if op.attr("trans"):
        whole = transposed(b, whole)
    k = 1 if op.attr("unit_diagonal") else 0
    return emit(b, "numpy.tril", whole, k=-k) if op.attr("lower") else emit(b, "numpy.triu", whole, k=k)


def _triangular_jvp(b: Builder, env: Any) -> Operand:
    op = env["op"]
    attrs = dict(op.attrs)
    if env["which"] == 1:
        return emit(b, "scipy.linalg.solve_triangular", env["a"], env["dy"], **attrs)
    k = 1 if attrs["unit_diagonal"] else 0
    d = emit(b, "numpy.tril", env["dy"], k=-k) if attrs["lower"] else emit(b, "numpy.triu", env["dy"], k=k)
    if attrs["trans"]:
        d = transposed(b, d)
    moved = emit(b, "matmul", d, env["y"])
    return b.emit("neg", emit(b, "scipy.linalg.solve_triangular", env["a"], moved, **attrs))


array_rule(
    "scipy.linalg.solve_triangular", "y = solve_triangular(a, b)", Named("scipy.linalg.solve_triangular"), _triangular_type,
    _triangular_jvp, effect="raises", cost=150, da=_triangular_left, db=_transposed_solve,
)  # fmt: skip


def _frechet(a: Any, e: Any) -> Any:
    return Named("scipy.linalg.expm_frechet")(a, e, compute_expm=False)


array_rule(
    "scipy.linalg.expm_frechet", "y = expm_frechet(a, e)", _frechet, lambda attrs, a, e: _same_type(attrs, a),
    effect="raises", cost=600,
)  # fmt: skip
# Al-Mohy & Higham (2009), "Computing the Fréchet derivative of the matrix exponential": the adjoint is that at the transpose
array_rule(
    "scipy.linalg.expm", "y = expm(a)", Named("scipy.linalg.expm"), _same_type, formula("expm_frechet(a, dy)"),
    effect="raises", cost=400, da=formula("expm_frechet(a.T, dy)"),
)  # fmt: skip
