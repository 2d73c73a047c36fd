"""Functions of symmetric matrices by their eigenvalues, V diag(g(w)) Vᵀ, as one operation with exact derivatives.

`spectral` of order k is the k-th derivative of that function along k matrices. It is linear and symmetric in them and in
its cotangent, so that each derivative is the same operation of order k or k + 1 (Daleckii & Krein 1951; Higham (2008),
"Functions of Matrices", sections 3.2 and 3.6). Its factors are divided differences of g, which stand for what equal
eigenvalues leave undefined in the derivatives of V. Singular values are eigenvalues of [[0, A], [Aᵀ, 0]], with their
negatives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from s2sad.errors import UnsupportedSyntaxError
from s2sad.ir.core import Const, Function, Operand
from s2sad.ir.types import Array, Type
from s2sad.rules.arrays.core import Attrs, array_rule, dims_of, dtype_of, emit
from s2sad.rules.arrays.linalg import LINALG
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import ZERO, source

MOST_DERIVATIVES = 2
FIRST = 5  # of the operands that are grouped


@dataclass(frozen=True, eq=False)
class Elementwise:
    """What makes the factors d of the eigenvalues: `fn` takes the eigenvalues (those that are multiplied) and what else
    it reads; `part` is the entry of the subscript that picks them out of all of them, or None. `parity`: of singular
    values, whether their negatives have the same factors (1) or these negated (-1)."""

    fn: Function
    part: tuple[Any, ...] | None = None
    parity: int = 0
    side: str = ""  # of products of one side's singular vectors

    def __repr__(self) -> str:
        return "g"


@dataclass(frozen=True)
class Groups:
    """How the operands after a, w, v, u and the eigenvalues that are multiplied are grouped. For singular values v and u
    are the right and left vectors where a is the matrix itself; else u is v."""

    bounds: int
    params: int
    along: tuple[int, ...]  # the parameters by which g itself is differentiated, along a direction each
    squares: tuple[bool, ...] = ()  # of each matrix: is it as large as the product, not as a
    square: bool = True  # whether the result is

    @property
    def first_matrix(self) -> int:
        return self.bounds + self.params + len(self.along)


def _spectral_type(attrs: Attrs, a: Operand, *rest: Operand) -> Type:
    *stack, m, n = dims_of(a)
    k = {"u": m, "v": n}.get(attrs["g"].side)
    return Array(dtype_of(a), len(stack) + 2, (*stack, k, k)) if k and attrs["groups"].square else a.type


def _order(op: Any) -> int:
    return len(op.operands) - FIRST - op.attr("groups").first_matrix


def _higher(b: Builder, env: Any, operands: list[Operand], d: Operand, back: bool) -> Operand:
    """The derivative by the matrix: along d, or `back` from the cotangent d, which is as large as the result was."""
    op = env["op"]
    groups: Groups = op.attr("groups")
    if _order(op) == MOST_DERIVATIVES:
        raise UnsupportedSyntaxError(
            "products of eigenvectors or singular vectors have derivatives up to the second", op.loc,
            "differentiate less often",
        )  # fmt: skip
    squares = (*groups.squares, groups.square if back else False)
    groups = replace(groups, squares=squares, square=groups.square and not back)
    return emit(b, "spectral", *operands, d, **{**dict(op.attrs), "groups": groups})


def _along_parameter(b: Builder, env: Any, operands: list[Operand], index: int, dy: Operand) -> Operand:
    """The same of the derivative of g by a parameter, along a direction."""
    op = env["op"]
    groups: Groups = op.attr("groups")
    at = FIRST + groups.first_matrix
    attrs = {**dict(op.attrs), "groups": replace(groups, along=(*groups.along, index))}
    return emit(b, "spectral", *operands[:at], dy, *operands[at:], **attrs)


def _of_matrix_vjp(b: Builder, env: Any) -> Operand:
    return _higher(b, env, list(env["operands"]), env["dy"], True)


def _of_rest_vjp(b: Builder, env: Any) -> Operand | None:
    """By a matrix: the cotangent takes its place. By a parameter of g that is a number: the product with the cotangent."""
    op, index, dy = env["op"], env["index"], env["dy"]
    groups: Groups = op.attr("groups")
    operands = list(env["operands"])
    if index - FIRST >= groups.first_matrix:
        k = index - FIRST - groups.first_matrix
        squares = (*groups.squares[:k], groups.square, *groups.squares[k + 1 :])
        attrs = {**dict(op.attrs), "groups": replace(groups, squares=squares, square=groups.squares[k])}
        return emit(b, "spectral", *operands[:index], dy, *operands[index + 1 :], **attrs)
    which = index - FIRST - groups.bounds
    if which < 0:
        return None
    if which >= groups.params:  # a direction: the same without it, linear in it
        k = which - groups.params
        return _summed(b, _with_direction(b, env, operands, k, op.operands[index]), dy, op.operands[index])
    along = _along_parameter(b, env, operands, which, _ones(b, op.operands[index], operands[index]))
    return _summed(b, along, dy, op.operands[index])


def _with_direction(b: Builder, env: Any, operands: list[Operand], k: int, like: Operand) -> Operand:
    groups: Groups = env["op"].attr("groups")
    at = FIRST + groups.bounds + groups.params + k
    operands[at] = _ones(b, like, operands[at])
    return emit(b, "spectral", *operands, **dict(env["op"].attrs))


def _ones(b: Builder, like: Operand, value: Operand) -> Operand:
    if isinstance(like.type, Array):
        return b.emit("add", b.emit("zeros_like", value, type=value.type), const(1.0))
    return Const(1.0, like.type)


def _summed(b: Builder, y: Operand, dy: Operand, like: Operand) -> Operand:
    """The cotangent of what is the same for all eigenvalues of a matrix."""
    if dims_of(like)[-1:] not in ((), (1,)):
        raise UnsupportedSyntaxError(
            "the second derivative by numbers that multiply eigenvectors each by its own", b.loc,
            "use forward mode (jvp, jacfwd, hvp)",
        )  # fmt: skip
    total = b.expand("sum(y * dy, axis=(-2, -1))", {"y": y, "dy": dy}, LINALG)
    if not isinstance(like.type, Array):
        return emit(b, "numpy.sum", total, axis=None) if isinstance(total.type, Array) else total
    return emit(b, "newaxis", total, axes=(len(dims_of(total)),)) if isinstance(total.type, Array) else total


def _spectral_jvp(b: Builder, env: Any) -> Operand | None:
    op, dy, index = env["op"], env["dy"], env["which"]
    groups: Groups = op.attr("groups")
    operands = list(op.operands)
    if index == 0:
        return _higher(b, env, operands, dy, False)
    which = index - FIRST - groups.bounds
    if 0 <= which < groups.params:
        return _along_parameter(b, env, operands, which, dy)
    operands[index] = dy
    return emit(b, "spectral", *operands, **dict(op.attrs))


def _expanded_first(*operands: Any, **attrs: Any) -> Any:
    raise NotImplementedError("spectral is expanded before it runs")


array_rule(
    "spectral", "y = spectral(a, w, v, u, d, *rest)", _expanded_first, _spectral_type, _spectral_jvp, effect="raises",
    cost=100, da=_of_matrix_vjp, dw=ZERO, dv=ZERO, du=ZERO, dd=ZERO, drest=_of_rest_vjp,
)  # fmt: skip


def _model_jvp(b: Builder, env: Any) -> Operand:
    return env["dy"]  # type: ignore[no-any-return]


array_rule(  # the value of the first, the derivative of the second
    "derived_as", "y = derived_as(x, model)", lambda x, model: np.copy(x)[()], lambda attrs, x, model: x.type, _model_jvp, cost=0,
    dx=ZERO, dmodel="dy",
)  # fmt: skip


# -- singular values as eigenvalues -----------------------------------------------------------------------


def symmetric_embedding(a: Any) -> Any:
    """[[0, a], [a.T, 0]]"""
    m, n = a.shape[-2], a.shape[-1]
    y = np.zeros(a.shape[:-2] + (m + n, m + n), a.dtype)
    y[..., :m, m:] = a
    y[..., m:, :m] = np.swapaxes(a, -1, -2)
    return y


def embedded_part(y: Any, a: Any) -> Any:
    """The matrix that symmetric_embedding() puts into y, its two places added; it is as large as a."""
    m = a.shape[-2]
    return y[..., :m, m:] + np.swapaxes(y[..., m:, :m], -1, -2)


def _embedded_type(attrs: Attrs, a: Operand) -> Type:
    *stack, m, n = dims_of(a)
    both = m + n if isinstance(m, int) and isinstance(n, int) else None
    return Array(dtype_of(a), len(stack) + 2, (*stack, both, both))


def _embedding_vjp(b: Builder, env: Any) -> Operand:
    return emit(b, "embedded_part", env["dy"], env["a"])


array_rule(
    "symmetric_embedding", "y = symmetric_embedding(a)", symmetric_embedding, _embedded_type, "linear",
    helper=source(symmetric_embedding), da=_embedding_vjp,
)  # fmt: skip


def _part_vjp(b: Builder, env: Any) -> Operand:
    return emit(b, "symmetric_embedding", env["dy"])


array_rule(
    "embedded_part", "y = embedded_part(y, a)", embedded_part, lambda attrs, y, a: a.type, "first",
    helper=source(embedded_part), dy=_part_vjp, da=ZERO,
)  # fmt: skip


def square_embedding(d: Any, u: Any, vh: Any, right: Any) -> Any:
    """[[0, 0], [0, d]] if `right`, else [[d, 0], [0, 0]]."""
    m, n = u.shape[-2], vh.shape[-1]
    y = np.zeros(d.shape[:-2] + (m + n, m + n), d.dtype)
    if right:
        y[..., m:, m:] = d
    else:
        y[..., :m, :m] = d
    return y


array_rule(
    "square_embedding", "y = square_embedding(d, u, vh, right)", square_embedding,
    lambda attrs, d, u, vh, right: _both_type(attrs, u, vh), helper=source(square_embedding),
    dd=ZERO, du=ZERO, dvh=ZERO, dright=ZERO,
)  # fmt: skip


def both_vectors(u: Any, vh: Any) -> Any:
    """The eigenvectors of [[0, a], [a.T, 0]] for the singular values, their negatives, and zeros."""
    m, n, r = u.shape[0], vh.shape[1], u.shape[1]
    y = np.zeros((m + n, m + n), u.dtype)
    y[:m, :r] = np.sqrt(0.5) * u
    y[:m, r : 2 * r] = np.sqrt(0.5) * u
    y[m:, :r] = np.sqrt(0.5) * vh.T
    y[m:, r : 2 * r] = -np.sqrt(0.5) * vh.T
    if m > r:
        y[:m, 2 * r :] = np.linalg.svd(u)[0][:, r:]
    if n > r:
        y[m:, 2 * r :] = np.linalg.svd(vh)[2][r:].T
    return y


def both_vectors_of_stack(u: Any, vh: Any) -> Any:
    n = u.shape[-2] + vh.shape[-1]
    y = np.zeros(u.shape[:-2] + (n, n), u.dtype)
    for i in np.ndindex(u.shape[:-2]):
        y[i] = both_vectors(u[i], vh[i])
    return y


def _both_type(attrs: Attrs, u: Operand, vh: Operand) -> Type:
    *stack, m, _ = dims_of(u)
    n = dims_of(vh)[-1]
    both = m + n if isinstance(m, int) and isinstance(n, int) else None
    return Array(dtype_of(u), len(stack) + 2, (*stack, both, both))


for _fn in (both_vectors, both_vectors_of_stack):
    array_rule(
        _fn.__name__, f"y = {_fn.__name__}(u, vh)", _fn, _both_type, effect="raises", cost=400, helper=source(_fn),
        needs=("both_vectors",) if _fn is both_vectors_of_stack else (), du=ZERO, dvh=ZERO,
    )  # fmt: skip


def mirrored(j: Any, s: Any, v: Any, sign: Any, filled: Any) -> Any:
    """What belongs to the singular values, to their negatives, and to the zeros beside them: as to a singular value 0."""
    n, r = v.shape[-1], s.shape[-1]
    y = np.zeros(s.shape[:-1] + (n,), s.dtype)
    y[..., :r] = j
    y[..., r : 2 * r] = sign * j
    if filled and r:
        y[..., 2 * r :] = np.where(s[..., -1:] == 0.0, j[..., -1:], 0.0)
    return y


def _mirrored_type(attrs: Attrs, j: Operand, s: Operand, v: Operand, sign: Operand, filled: Operand) -> Type:
    return Array(dtype_of(s), len(dims_of(s)), (*dims_of(s)[:-1], dims_of(v)[-1]))


array_rule(
    "mirrored", "y = mirrored(j, s, v, sign, filled)", mirrored, _mirrored_type, helper=source(mirrored),
    dj=ZERO, ds=ZERO, dv=ZERO, dsign=ZERO, dfilled=ZERO,
)  # fmt: skip
