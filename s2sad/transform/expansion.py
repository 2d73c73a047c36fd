"""`spectral` operations written out, once nothing differentiates any more.

The derivatives of g that its divided differences take are made by forward mode of g, and stand in the code; what is done
with them are helpers (`rules/arrays/divided.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from s2sad.errors import Loc
from s2sad.ir.core import AnyOp, Block, For, Function, Op, Operand, Value, walk, with_blocks
from s2sad.ir.types import INT, Array
from s2sad.rules import arrays as a_
from s2sad.rules.arrays.core import INFER, dims_of, dtype_of, emit
from s2sad.rules.arrays.indexing import view
from s2sad.rules.arrays.linalg import LINALG
from s2sad.rules.arrays.products import transposed
from s2sad.rules.arrays.scipy import written_shares
from s2sad.rules.arrays.spectral import FIRST, Elementwise, Groups, Piece
from s2sad.rules.builder import Builder, const
from s2sad.transform.forward.core import Callees, Forward
from s2sad.transform.repeat import Copier

EXPANDED = ("spectral", "derived_as", "weights_of_spectral", "shares_of_sum")
UNITS = 64.0  # of the last place: what quotients of rounded numbers may be off, relative to their numerators


def expand_spectral(fn: Function) -> Function:
    """The function with `spectral` written out, and the values of products as they are computed."""
    if not any(isinstance(op, Op) and op.prim in EXPANDED for op in walk(fn.body)):
        return fn

    def block(b: Block) -> Block:
        return replace(b, ops=tuple(new for op in b.ops for new in one(op)))

    own: dict[Operand, Operand] = {}

    def one(op: AnyOp) -> tuple[AnyOp, ...]:
        if not isinstance(op, Op):
            return (with_blocks(op, block),)
        if op.prim == "assign" and own.get(op.operands[1]) is op.operands[0]:
            return ()  # it is there
        if op.prim == "derived_as":
            own[op.result] = op.operands[0]
            return (Op("identity", op.operands[:1], op.results, op.loc),)
        if op.prim == "spectral":
            return written_out(op)
        if op.prim == "shares_of_sum":
            return written_shares(op)
        return weighed(op) if op.prim == "weights_of_spectral" else (op,)

    return replace(fn, body=block(fn.body))


@dataclass(frozen=True, eq=False)
class Spectral:
    """The parts of an operation `spectral`."""

    op: Op
    g: Elementwise
    groups: Groups
    w: Operand
    v: Operand
    u: Operand
    bounds: tuple[Operand, ...]
    params: tuple[Operand, ...]
    directions: tuple[Operand, ...]
    matrices: tuple[Operand, ...]

    @property
    def many(self) -> bool:
        return len(dims_of(self.w)) > 1


def parts(op: Op, operands: tuple[Operand, ...]) -> Spectral:
    groups: Groups = op.attr("groups")
    _, w, v, u = operands[:FIRST]
    params, directions = FIRST + groups.bounds, groups.first_direction
    return Spectral(
        op, op.attr("g"), groups, w, v, u, operands[FIRST:params], operands[params:directions],
        operands[directions : groups.first_matrix], operands[groups.first_matrix :],
    )  # fmt: skip


def written_out(op: Op) -> tuple[AnyOp, ...]:
    s, b = parts(op, op.operands), Builder(op.loc)
    order = len(s.matrices)
    jets = [of_dtype(b, j, s.v) for j in jets_of(b, s, 0 if order == 0 else order + 1)]
    if order == 0:
        last = b.expand(product_of(s.g), {"v": s.v, "u": s.u, "j": jets[0]}, LINALG)
    else:
        last = along(b, s, jets, kinds(b, s))
    b.ops.append(Op("identity", (last,), op.results, op.loc))
    return tuple(b.ops)


def product_of(g: Elementwise) -> str:
    if g.parity < 0:
        return "(u * j[..., None, :]) @ v"
    return {
        "": "(v * j[..., None, :]) @ v.T", "u": "(u * j[..., None, :]) @ u.T", "v": "(v.T * j[..., None, :]) @ v",
    }[g.side]  # fmt: skip


def along(b: Builder, s: Spectral, jets: list[Operand], kind: Operand) -> Operand:
    """The derivative along the matrices of the function of the jets."""
    order = len(s.matrices)
    matrices = [of_dtype(b, m, s.v) for m in s.matrices]
    more = (const(UNITS * float(np.finfo(dtype_of(s.v)).eps)), of_dtype(b, kind, s.v))
    if s.g.side and order == 1:
        return of_one_side(b, s, matrices[0], (*jets, *more))
    if s.g.side or (s.g.parity and order > 2):
        return embedded(b, s, matrices, jets, more)
    if s.g.parity:
        name = ("frechet_of_singular", "svd_twice", "frechets_of_singular", "svds_twice")[
            order - 1 + 2 * s.many
        ]
        return emit(b, name, s.u, s.w, s.v, *matrices, *jets, *more)
    return of_eigenvalues(b, s.w, s.v, matrices, jets, more)


def of_eigenvalues(
    b: Builder, w: Operand, v: Operand, matrices: list[Operand], jets: list[Operand], more: tuple[Operand, ...]
) -> Operand:  # fmt: skip
    many, order = len(dims_of(w)) > 1, len(matrices)
    if order <= 2:
        name = ("frechet", "frechet_twice", "frechets", "frechets_twice")[order - 1 + 2 * many]
        return emit(b, name, w, v, *matrices, *jets, *more)
    found = [stacked(b, of, len(dims_of(w)) - 1) for of in (matrices, jets)]
    return emit(b, "frechets_again" if many else "frechet_again", w, v, *found, *more)


def stacked(b: Builder, arrays: list[Operand], axis: int) -> Operand:
    """Arrays one after another along a new axis."""
    return emit(b, "numpy.concatenate", *(emit(b, "newaxis", x, axes=(axis,)) for x in arrays), axis=axis)


def weighed(op: Op) -> tuple[AnyOp, ...]:
    """What each eigenvalue's factor contributes to the sum of dy * spectral(...): by one factor after another."""
    b, which = Builder(op.loc), op.attr("which")
    dy, s = op.operands[0], parts(op, op.operands[1:])
    order = len(s.matrices)
    jets = [of_dtype(b, j, s.v) for j in jets_of(b, s, 0 if order == 0 else order + 1)]
    if order == 0:
        text = {"": "v * (dy @ v)", "u": "u * (dy @ u)", "v": "v.T * (dy @ v.T)"}[s.g.side]
        text = "u * (dy @ v.T)" if s.g.parity < 0 else text
        env = {"v": s.v, "u": s.u, "j": jets[0], "dy": dy}
        found = b.expand(f"j * sum({text}, axis=-2)", env, LINALG)
    else:
        found = one_by_one(b, s, dy, jets)
    first = 0
    at = s.g.piece(s.groups.along[which])[0]
    for piece in s.g.pieces[:at]:
        first += piece.bounds
    found = part_of(b, found, s.g.pieces[at], s.bounds[first:])
    b.ops.append(Op("identity", (found,), op.results, op.loc))
    return tuple(b.ops)


def one_by_one(b: Builder, s: Spectral, dy: Operand, jets: list[Operand]) -> Operand:
    found = b.emit("zeros_like", s.w, type=s.w.type)
    n, m = a_.shape(b, s.w)[-1], Value("m", INT)
    whole = (("slice", None, None, None),) * (len(dims_of(s.w)) - 1)

    def of_one(x: Operand) -> Operand:
        y = b.emit("zeros_like", x, type=x.type)
        return put(b, y, picked_at(b, x, whole, m), whole, m)

    with b.region() as ops:
        y = along(b, s, [of_one(j) for j in jets], s.w)
        put(b, found, b.expand("sum(y * dy, axis=(-2, -1))", {"y": y, "dy": dy}, LINALG), whole, m)
    b.ops.append(For(const(0), n, const(1), (), Block((m,), tuple(ops), ()), (), b.loc))
    return found


def picked_at(b: Builder, x: Operand, whole: tuple[Any, ...], m: Operand) -> Operand:
    """What an array has for one eigenvalue."""
    if whole:
        return view(b, x, (*whole, ("at", 0)), (m,))
    return b.emit("load", x, m, type=x.type.item)  # type: ignore[attr-defined]


def put(b: Builder, y: Operand, x: Operand, whole: tuple[Any, ...], m: Operand) -> Operand:
    """The array y with what it has for one eigenvalue."""
    if whole:
        b.effect("assign", view(b, y, (*whole, ("at", 0)), (m,)), x)
    else:
        b.effect("store", y, m, x)
    return y


def jets_of(b: Builder, s: Spectral, count: int) -> list[Operand]:
    """The factors of all eigenvalues, and as many of their derivatives by these."""
    total: list[Operand] = []
    bounds, params = s.bounds, s.params
    for k, piece in enumerate(s.g.pieces):
        own, given = bounds[: piece.bounds], params[: piece.params]
        bounds, params = bounds[piece.bounds :], params[piece.params :]
        places = [(*s.g.piece(p), d) for p, d in zip(s.groups.along, s.directions, strict=True)]
        if any(at != k for at, _, _ in places):
            continue  # it does not depend on that parameter
        directions = [(p, d) for _, p, d in places]
        made = derivatives(piece.fn, directions, count)
        picked = part_of(b, s.w, piece, own)
        copier = Copier(dict(zip(made.params, (picked, *given, *(d for _, d in directions)), strict=True)))
        b.ops += [at(s.op.loc, copier.op(o)) for o in made.body.ops]
        for n, j in enumerate(copier.all(made.body.yields)):
            before = total[n] if n < len(total) else None
            found = of_all(b, j, piece, s.w, own, before)
            total[n:] = [found, *total[n + 1 :]]
    return total


def kinds(b: Builder, s: Spectral) -> Operand:
    """What is the same for equal eigenvalues whose factors are one function of them: the eigenvalues, or the sums of
    the marks."""
    marks = {piece.mark for piece in s.g.pieces}
    if -1 in marks:
        n = a_.shape(b, s.w)[-1]
        every = b.emit("numpy.arange", n, type=Array("int64", 1, (dims_of(s.w)[-1],)))
        count = b.emit("add", every, const(1.0))
        return count if not s.many else emit(b, "numpy.broadcast_to", count, *a_.shape(b, s.w))
    if marks == {0}:
        return s.w
    total: Operand | None = None
    bounds = s.bounds
    for piece in s.g.pieces:
        total = of_all(b, const(float(piece.mark)), piece, s.w, bounds[: piece.bounds], total)
        bounds = bounds[piece.bounds :]
    assert total is not None
    return total


def at(loc: Loc, op: AnyOp) -> AnyOp:
    """An operation of g where its product stands."""
    return replace(with_blocks(op, lambda b: replace(b, ops=tuple(at(loc, o) for o in b.ops))), loc=loc)


def of_one_side(b: Builder, s: Spectral, d: Operand, more: tuple[Operand, ...]) -> Operand:
    """The first derivative of products of one side's singular vectors."""
    u, vh, back, right = s.u, s.v, s.groups.squares[0], s.g.side == "v"
    if not right:  # those of the other side of the transposed matrix
        u, vh, d = transposed(b, vh), transposed(b, u), d if back else transposed(b, d)
    y = emit(b, f"gram{'s' * s.many}_{'back' if back else 'along'}", u, s.w, vh, d, *more)
    return y if right or not back else transposed(b, y)


def embedded(
    b: Builder, s: Spectral, matrices: list[Operand], jets: list[Operand], more: tuple[Operand, ...]
) -> Operand:  # fmt: skip
    """Derivatives of products of singular vectors as those of functions of [[0, A], [Aᵀ, 0]]."""
    u, vh, right = s.u, s.v, s.g.side == "v"
    tolerance, kind = more
    v = emit(b, "both_vectors_of_stack" if s.many else "both_vectors", u, vh)
    w, even = mirrored(b, s.w, s.w, v, -1, False), s.g.parity > 0
    own = kind is not s.w
    kind = mirrored(b, kind, s.w, v, 1 if own else -1, False)
    jets = [
        mirrored(b, j, s.w, v, s.g.parity * (-1) ** k, k % 2 == 0 and k > 0 if even else k % 2 == 1)
        for k, j in enumerate(jets)
    ]
    both = [
        emit(b, "square_embedding", d, u, vh, const(right))
        if square and even
        else emit(b, "symmetric_embedding", d)
        for d, square in zip(matrices, s.groups.squares, strict=True)
    ]
    y = of_eigenvalues(b, w, v, both, jets, (tolerance, kind))
    t = (
        s.op.result.type
        if s.op.prim == "spectral"
        else INFER["spectral"](dict(s.op.attrs), *s.op.operands[1:])
    )
    if even and not s.groups.square:
        return b.emit("embedded_part", y, u, type=t)
    whole = (("slice", None, None, None),) * (len(dims_of(s.w)) - 1)
    n = b.emit("shape", u, type=INT, axis=len(dims_of(u)) - 2)
    halves = (right, right) if even else (False, True)
    spans = (("slice", k, None, None) if last else ("slice", None, k, None) for k, last in enumerate(halves))
    return view(b, y, (*whole, *spans), (n, n), t)


def derivatives(g: Function, along: list[tuple[int, Operand]], count: int) -> Function:
    """The function that yields g's value, differentiated along its parameters as asked, and that one's derivatives."""
    directions: list[Value] = []
    for k, direction in along:
        param = g.params[1 + k]
        given = Value(param.hint, direction.type)
        g = replace(one_more(g, param, given), params=(*g.params, given))
        g = replace(g, body=replace(g.body, yields=g.body.yields[1:]))
        directions.append(given)
    for _ in range(count):
        g = one_more(g, g.params[0], const(1.0))
    return g


def one_more(g: Function, v: Value, along: Operand) -> Function:
    """The function that yields the derivative of its last result, too."""
    n = len(g.body.yields)
    if not isinstance(g.body.yields[-1], Value):
        return replace(g, body=replace(g.body, yields=(*g.body.yields, const(0.0))))
    forward = Forward(g, (v,), (*(False,) * (n - 1), True), Callees({}, set()), fresh=False)
    forward.given = {v: along}  # type: ignore[dict-item]
    return replace(forward.run("g"), params=g.params)


def of_dtype(b: Builder, a: Operand, like: Operand) -> Operand:
    if dtype_of(a) == dtype_of(like) or not isinstance(a.type, Array):
        return a
    return b.emit("astype", a, type=replace(a.type, dtype=dtype_of(like)), dtype=dtype_of(like))


def part_of(b: Builder, x: Operand, piece: Piece, bounds: tuple[Operand, ...]) -> Operand:
    """What an array has for the eigenvalues of a piece."""
    if piece.part is None:
        return x
    whole = (("slice", None, None, None),) * (len(dims_of(x)) - 1)
    if piece.part[0] == "at" and not whole:
        return b.emit("load", x, *bounds[: piece.bounds], type=x.type.item)  # type: ignore[attr-defined]
    return view(b, x, (*whole, piece.part), bounds[: piece.bounds])


def of_all(
    b: Builder, j: Operand, piece: Piece, w: Operand, bounds: tuple[Operand, ...], before: Operand | None
) -> Operand:  # fmt: skip
    """What belongs to the eigenvalues of a piece added to that of others; among zeros, where there are none."""
    if piece.part is None:
        if before is not None:
            return b.emit("add", before, j)
        return j if dims_of(j) == dims_of(w) else emit(b, "numpy.broadcast_to", j, *a_.shape(b, w))
    y = b.emit("zeros_like", w, type=w.type) if before is None else before
    if piece.part[0] == "at" and len(dims_of(w)) == 1:
        b.effect("accumulate", y, *bounds, j)
        return y
    whole = (("slice", None, None, None),) * (len(dims_of(w)) - 1)
    b.effect("add_into", view(b, y, (*whole, piece.part), bounds), j)
    return y


def mirrored(b: Builder, j: Operand, s: Operand, v: Operand, sign: int, filled: bool) -> Operand:
    return emit(b, "mirrored", j, s, v, const(float(sign)), const(filled))
