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

from s2sad.ir.core import Const, Function, Op, Operand, Value
from s2sad.ir.types import Array, Scalar, Type
from s2sad.rules.arrays.core import INFER, Attrs, array_rule, dims_of, dtype_of, emit
from s2sad.rules.arrays.linalg import LINALG
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import ZERO, source

FIRST = 4  # of the operands that are grouped


@dataclass(frozen=True, eq=False)
class Piece:
    """What makes factors d of eigenvalues: `fn` takes the eigenvalues that are multiplied, all (`part` is None) or those
    that the entry `part` of a subscript picks, and `params` numbers or arrays. `type` is that of these eigenvalues.
    `mark` tells apart what equal eigenvalues do not share: two of them have one function only where the sums of the
    marks of their pieces are the same. -1: each has a function of its own."""

    fn: Function
    type: Type
    part: tuple[Any, ...] | None = None
    bounds: int = 0
    params: int = 0
    mark: int = 0


@dataclass(frozen=True, eq=False)
class Elementwise:
    """What makes the factors d of all eigenvalues: the sum of the pieces, 0 for those that none picks. `parity`: of
    singular values, whether their negatives have the same factors (1) or these negated (-1)."""

    pieces: tuple[Piece, ...]
    parity: int = 0
    side: str = ""  # of products of one side's singular vectors

    def __repr__(self) -> str:
        return "g"

    def piece(self, param: int) -> tuple[int, int]:
        """The piece that has a parameter, and the number that it has there."""
        for k, piece in enumerate(self.pieces):
            if param < piece.params:
                return k, param
            param -= piece.params
        raise IndexError(param)


@dataclass(frozen=True)
class Groups:
    """How the operands after a, w, v and u are grouped. For singular values v and u are the right and left vectors where
    a is the matrix itself; else u is v."""

    bounds: int
    params: int
    along: tuple[int, ...] = ()  # the parameters by which g itself is differentiated, along a direction each
    squares: tuple[bool, ...] = ()  # of each matrix: is it as large as the product, not as a
    square: bool = True  # whether the result is

    @property
    def first_direction(self) -> int:
        return FIRST + self.bounds + self.params

    @property
    def first_matrix(self) -> int:
        return self.first_direction + len(self.along)


def _spectral_type(attrs: Attrs, a: Operand, *rest: Operand) -> Type:
    *stack, m, n = dims_of(a)
    k = {"u": m, "v": n}.get(attrs["g"].side)
    return Array(dtype_of(a), len(stack) + 2, (*stack, k, k)) if k and attrs["groups"].square else a.type


def _higher(b: Builder, op: Op, operands: list[Operand], d: Operand, back: bool) -> Operand:
    """The derivative by the matrix: along d, or `back` from the cotangent d, which is as large as the result was."""
    groups: Groups = op.attr("groups")
    squares = (*groups.squares, groups.square if back else False)
    groups = replace(groups, squares=squares, square=groups.square and not back)
    return emit(b, op.prim, *operands, d, **{**dict(op.attrs), "groups": groups})


def _spectral_vjp(b: Builder, env: Any) -> Operand | None:
    return _back(b, env["op"], list(env["operands"]), 0, env["dy"])


def _of_rest_vjp(b: Builder, env: Any) -> Operand | None:
    return _back(b, env["op"], list(env["operands"]), env["index"], env["dy"])


def _back(b: Builder, op: Op, operands: list[Operand], index: int, dy: Operand) -> Operand | None:
    """What the cotangent of `spectral` hands on to an operand."""
    groups: Groups = op.attr("groups")
    if index == 0:
        return _higher(b, op, operands, dy, True)
    if index >= groups.first_matrix:  # the cotangent takes its place
        k = index - groups.first_matrix
        squares = (*groups.squares[:k], groups.square, *groups.squares[k + 1 :])
        attrs = {**dict(op.attrs), "groups": replace(groups, squares=squares, square=groups.squares[k])}
        return emit(b, "spectral", *operands[:index], dy, *operands[index + 1 :], **attrs)
    which = index - FIRST - groups.bounds
    if which < 0:
        return None
    like, along = op.operands[index], groups.along
    if which < groups.params:
        param, along = which, (*along, which)
        operands = [*operands[: groups.first_matrix], const(1.0), *operands[groups.first_matrix :]]
        index = groups.first_matrix
    else:  # a direction, in which it is linear
        param = along[which - groups.params]
    attrs = {**dict(op.attrs), "groups": replace(groups, along=along)}
    piece = op.attr("g").pieces[op.attr("g").piece(param)[0]]
    if dims_of(like)[-1:] in ((), (1,)):  # one number for all eigenvalues of a matrix
        operands[index] = _ones(b, like)
        return _summed(b, emit(b, "spectral", *operands, **attrs), dy, like)
    operands[index] = _ones(b, Value("", piece.type))
    which = index - groups.first_direction
    return _gathered(b, emit(b, "weights_of_spectral", dy, *operands, **attrs, which=which), like)


def _ones(b: Builder, like: Operand) -> Operand:
    """Ones to be spread over the directions of a parameter."""
    return Const(1.0, like.type) if isinstance(like.type, Scalar) else Const(1.0, like.type.item)  # type: ignore[attr-defined]


def _summed(b: Builder, y: Operand, dy: Operand, like: Operand) -> Operand:
    """The cotangent of what is the same for all eigenvalues of a matrix."""
    total = b.expand("sum(y * dy, axis=(-2, -1))", {"y": y, "dy": dy}, LINALG)
    if not isinstance(like.type, Array):
        return emit(b, "numpy.sum", total, axis=None) if isinstance(total.type, Array) else total
    total = emit(b, "newaxis", total, axes=(len(dims_of(total)),)) if isinstance(total.type, Array) else total
    return _gathered(b, total, like)


def _gathered(b: Builder, d: Operand, like: Operand) -> Operand:
    """A cotangent summed over the axes that an operand lacks or has size 1 along."""
    more = len(dims_of(d)) - len(dims_of(like))
    if more > 0:
        d = emit(b, "numpy.sum", d, axis=tuple(range(more)), keepdims=False)
    pairs = enumerate(zip(dims_of(d), dims_of(like), strict=False))
    single = tuple(k for k, (x, y) in pairs if y == 1 and x != 1)
    return emit(b, "numpy.sum", d, axis=single, keepdims=True) if single else d


def _spectral_jvp(b: Builder, env: Any) -> Operand | None:
    return _forward(b, env["op"], list(env["op"].operands), env["which"], env["dy"])


def _forward(
    b: Builder, op: Op, operands: list[Operand], index: int, dy: Operand, first: int = 0
) -> Operand | None:
    """The tangent for that of an operand. Those of `spectral` begin with number `first`."""
    groups: Groups = op.attr("groups")
    if index == first:
        return _higher(b, op, operands, dy, False)
    which = index - first - FIRST - groups.bounds
    if 0 <= which < groups.params:
        at = first + groups.first_matrix
        attrs = {**dict(op.attrs), "groups": replace(groups, along=(*groups.along, which))}
        return emit(b, op.prim, *operands[:at], dy, *operands[at:], **attrs)
    operands[index] = dy
    return emit(b, op.prim, *operands, **dict(op.attrs))


def _expanded_first(*operands: Any, **attrs: Any) -> Any:
    raise NotImplementedError("spectral is expanded before it runs")


array_rule(
    "spectral", "y = spectral(a, w, v, u, *rest)", _expanded_first, _spectral_type, _spectral_jvp, effect="raises",
    cost=100, da=_spectral_vjp, dw=ZERO, dv=ZERO, du=ZERO, drest=_of_rest_vjp,
)  # fmt: skip

# -- what each eigenvalue's factor has to do with a product -------------------------------------------------


def _weights_type(attrs: Attrs, dy: Operand, *rest: Operand) -> Type:
    groups, g = attrs["groups"], attrs["g"]
    return g.pieces[g.piece(groups.along[attrs["which"]])[0]].type  # type: ignore[no-any-return]


def _weights_jvp(b: Builder, env: Any) -> Operand | None:
    op: Op = env["op"]
    if env["which"] == 0:
        return emit(b, op.prim, env["dy"], *op.operands[1:], **dict(op.attrs))
    return _forward(b, op, list(op.operands), env["which"], env["dy"], 1)


def _unweighted(b: Builder, env: Any) -> tuple[Op, list[Operand]]:
    """`spectral` along the cotangent, of which the weights are the adjoint."""
    op: Op = env["op"]
    groups: Groups = op.attr("groups")
    attrs = tuple((k, x) for k, x in op.attrs if k != "which")

    def given(operands: Any) -> list[Operand]:
        rest = list(operands[1:])
        rest[groups.first_direction + op.attr("which")] = env["dy"]
        return rest

    made = given(env["operands"])
    type = INFER["spectral"](dict(attrs), *made)
    return Op("spectral", tuple(given(op.operands)), (Value("", type),), op.loc, attrs), made


def _of_cotangent_vjp(b: Builder, env: Any) -> Operand:
    op, operands = _unweighted(b, env)
    return emit(b, "spectral", *operands, **dict(op.attrs))


def _of_weights_vjp(b: Builder, env: Any) -> Operand | None:
    op, operands = _unweighted(b, env)
    return _back(b, op, operands, env["index"] - 1, env["operands"][0])


def _weights_of_matrix_vjp(b: Builder, env: Any) -> Operand | None:
    op, operands = _unweighted(b, env)
    return _back(b, op, operands, 0, env["operands"][0])


array_rule(  # of eigenvalue m: the sum of c * spectral(...) with all other factors 0
    "weights_of_spectral", "y = weights_of_spectral(c, a, w, v, u, *rest)", _expanded_first, _weights_type, _weights_jvp,
    effect="raises", cost=200, dc=_of_cotangent_vjp, da=_weights_of_matrix_vjp, dw=ZERO, dv=ZERO, du=ZERO,
    drest=_of_weights_vjp,
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
