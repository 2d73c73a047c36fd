"""Functions of scipy on whole arrays, by name (see `rules.special`)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from s2sad.ir.core import AnyOp, Op, Operand
from s2sad.ir.types import Type, shaped
from s2sad.rules.arrays.core import Attrs, array_rule, dims_of, emit
from s2sad.rules.arrays.linalg import float_dtype, formula
from s2sad.rules.arrays.products import transposed
from s2sad.rules.arrays.reductions import reduced, spread
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import PRIMS, ZERO
from s2sad.rules.special import Named

SPECIAL = "scipy.special"

# -- sums of exponentials -----------------------------------------------------------------------------------


def _weights(b: Builder, env: Any) -> Operand:
    return b.expand("exp_minus(a, n)", {"a": env["a"], "n": spread(b, env["y"], env["op"])}, SPECIAL)  # type: ignore[no-any-return]


def _shares(b: Builder, env: Any) -> Operand:
    return emit(b, "shares_of_sum", env["a"], env["y"], **dict(env["op"].attrs))


def shares_of_sum(a: Any, n: Any, axis: Any = None, keepdims: Any = False) -> Any:
    if axis is not None and not keepdims:
        n = np.expand_dims(n, axis)
    return PRIMS["s2sad.exps_minus"].fn(a, n)


def written_shares(op: Op) -> tuple[AnyOp, ...]:
    """The operation `shares_of_sum` as operations on elements."""
    b = Builder(op.loc)
    a, n = op.operands
    found = b.expand("exp_minus(a, n)", {"a": a, "n": spread(b, n, op)}, SPECIAL)
    b.ops.append(Op("identity", (found,), op.results, op.loc))
    return tuple(b.ops)


def _logsumexp_vjp(b: Builder, env: Any) -> Operand:
    return b.emit("mul", _shares(b, env), spread(b, env["dy"], env["op"]))


def _logsumexp_jvp(b: Builder, env: Any) -> Operand:
    return _summed_along(b, b.emit("mul", _shares(b, env), env["dy"]), env["op"])


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


class Along:
    """Formulas over the names of a rule, in which sums go along the function's axes. A share above `half` would cancel with the
    sum of all: it gets what the others lose."""

    def __init__(self, b: Builder, env: Any, half: float) -> None:
        self.b, self.axis = b, env["op"].attr("axis")
        self.names = {"y": env["y"], "dy": env["dy"]}
        self.names["large"] = b.emit("gt", env["y"], const(half))

    def of(self, text: str) -> Operand:
        return self.b.expand(text, self.names, "numpy")  # type: ignore[no-any-return]

    def total(self, text: str) -> Operand:
        return emit(self.b, "numpy.sum", self.of(text), axis=self.axis, keepdims=True)

    def balanced(self, text: str) -> Operand:
        """What sums to 0."""
        self.names["t"] = self.of(text)
        self.names["others"] = self.total("where(large, 0.0, t)")
        return self.of("where(large, -others, t)")


def _of_shares(b: Builder, env: Any) -> Operand:
    """Shares y of a sum: diag(y) - y yᵀ, on either side."""
    along = Along(b, env, 0.5)
    along.names["total"] = along.total("y * dy")
    return along.balanced("y * (dy - total)")


def _log_softmax_vjp(b: Builder, env: Any) -> Operand:
    along = Along(b, env, -math.log(2.0))
    along.names["total"] = along.total("dy")
    return along.balanced("dy - exp(y) * total")


def _log_softmax_jvp(b: Builder, env: Any) -> Operand:
    along = Along(b, env, -math.log(2.0))
    along.names["first"] = along.total("where(large, dy, 0.0)")
    along.names["d"] = along.of("dy - first")
    along.names["total"] = along.total("exp(y) * d")
    return along.of("d - total")


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
    _of_shares, cost=40, da=_of_shares,
)  # fmt: skip
array_rule(
    "scipy.special.log_softmax", "y = log_softmax(a)", Named("scipy.special.log_softmax"), _same_type,
    _log_softmax_jvp, cost=40, da=_log_softmax_vjp,
)  # fmt: skip
array_rule(  # n, the logarithm of the sum, varies with a alone
    "shares_of_sum", "y = shares_of_sum(a, n)", shares_of_sum, lambda attrs, a, n: _same_type(attrs, a), _of_shares, cost=20,
    da=_of_shares, dn=ZERO,
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
