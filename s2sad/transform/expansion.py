"""`spectral` operations written out, once nothing differentiates any more.

The derivatives of g that its divided differences take are made by forward mode of g, and stand in the code; what is done
with them are helpers (`rules/arrays/divided.py`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from s2sad.errors import Loc
from s2sad.ir.core import AnyOp, Block, Function, Op, Operand, Value, walk, with_blocks
from s2sad.ir.types import INT, Array
from s2sad.rules import arrays as a_
from s2sad.rules.arrays.core import dims_of, dtype_of, emit
from s2sad.rules.arrays.indexing import view
from s2sad.rules.arrays.linalg import LINALG
from s2sad.rules.arrays.products import transposed
from s2sad.rules.arrays.spectral import Elementwise, Groups
from s2sad.rules.builder import Builder, const
from s2sad.transform.forward.core import Callees, Forward
from s2sad.transform.repeat import Copier

HELPERS = {1: ("frechet", "frechets"), 2: ("frechet_twice", "frechets_twice")}
OF_SINGULAR = {
    1: ("frechet_of_singular", "frechets_of_singular"), 2: ("svd_twice", "svds_twice"),
}  # fmt: skip
UNITS = 64.0  # of the last place: what quotients of rounded numbers may be off, relative to their numerators


def expand_spectral(fn: Function) -> Function:
    """The function with `spectral` written out, and the values of products as they are computed."""
    if not any(isinstance(op, Op) and op.prim in ("spectral", "derived_as") for op in walk(fn.body)):
        return fn

    def block(b: Block) -> Block:
        return replace(b, ops=tuple(new for op in b.ops for new in one(op)))

    def one(op: AnyOp) -> tuple[AnyOp, ...]:
        if not isinstance(op, Op):
            return (with_blocks(op, block),)
        if op.prim == "derived_as":
            return (Op("identity", op.operands[:1], op.results, op.loc),)
        return written_out(op) if op.prim == "spectral" else (op,)

    return replace(fn, body=block(fn.body))


def written_out(op: Op) -> tuple[AnyOp, ...]:
    g: Elementwise = op.attr("g")
    groups: Groups = op.attr("groups")
    _, w, v, u, picked, *rest = op.operands
    bounds, given, matrices = (
        rest[: groups.bounds], rest[groups.bounds : groups.first_matrix], rest[groups.first_matrix :]
    )  # fmt: skip
    order = len(matrices)
    b = Builder(op.loc)
    made = derivatives(g.fn, groups, 0 if order == 0 else order + 1)
    copier = Copier(dict(zip(made.params, (picked, *given), strict=True)))
    b.ops += [at(op.loc, copier.op(o)) for o in made.body.ops]
    jets = [of_all(b, j, g, w, picked, tuple(bounds)) for j in copier.all(made.body.yields)]
    if order == 0:
        text = {
            "": "(v * j[..., None, :]) @ v.T",
            "u": "(u * j[..., None, :]) @ u.T",
            "v": "(v.T * j[..., None, :]) @ v",
        }
        one = "(u * j[..., None, :]) @ v" if g.parity < 0 else text[g.side]
        last = b.expand(one, {"v": v, "u": u, "j": jets[0]}, LINALG)
    else:
        matrices = [of_dtype(b, m, v) for m in matrices]
        jets = [of_dtype(b, j, v) for j in jets]
        jets.append(const(UNITS * float(np.finfo(dtype_of(v)).eps)))
        if g.side:
            last = of_one_side(b, op, g.side == "v", w, (u, v), matrices, jets)
        elif g.parity:
            last = emit(b, OF_SINGULAR[order][len(dims_of(w)) > 1], u, w, v, *matrices, *jets)
        else:
            last = emit(b, HELPERS[order][len(dims_of(w)) > 1], w, v, *matrices, *jets)
    b.ops.append(Op("identity", (last,), op.results, op.loc))
    return tuple(b.ops)


def at(loc: Loc, op: AnyOp) -> AnyOp:
    """An operation of g where its product stands."""
    return replace(with_blocks(op, lambda b: replace(b, ops=tuple(at(loc, o) for o in b.ops))), loc=loc)


def of_one_side(
    b: Builder, op: Op, right: bool, s: Operand, vectors: tuple[Operand, Operand], matrices: list[Operand], jets: list[Operand]
) -> Operand:  # fmt: skip
    """The derivatives of products of one side's singular vectors. The second ones are of functions of [[0, A], [Aᵀ, 0]]."""
    (u, vh), groups, many = vectors, op.attr("groups"), len(dims_of(s)) > 1
    if len(matrices) == 1:
        (d,) = matrices
        back = groups.squares[0]
        if not right:  # those of the other side of the transposed matrix
            u, vh, d = transposed(b, vh), transposed(b, u), d if back else transposed(b, d)
        y = emit(b, f"gram{'s' * many}_{'back' if back else 'along'}", u, s, vh, d, *jets)
        return y if right or not back else transposed(b, y)
    v = emit(b, "both_vectors_of_stack" if many else "both_vectors", u, vh)
    *jets, tolerance = jets
    w = mirrored(b, s, s, v, -1, False)
    jets = [mirrored(b, j, s, v, (-1) ** k, k > 0 and k % 2 == 0) for k, j in enumerate(jets)]
    both = [
        emit(b, "square_embedding", d, u, vh, const(right)) if square else emit(b, "symmetric_embedding", d)
        for d, square in zip(matrices, groups.squares, strict=True)
    ]
    y = emit(b, HELPERS[2][many], w, v, *both, *jets, tolerance)
    if not groups.square:
        return b.emit("embedded_part", y, u, type=op.result.type)
    whole = (("slice", None, None, None),) * (len(dims_of(s)) - 1)
    n = b.emit("shape", u, type=INT, axis=len(dims_of(u)) - 2)
    spans = [("slice", k, None, None) if right else ("slice", None, k, None) for k in (0, 1)]
    return view(b, y, (*whole, *spans), (n, n), op.result.type)


def derivatives(g: Function, groups: Groups, count: int) -> Function:
    """The function that yields g's value, differentiated along its parameters as asked, and that one's derivatives."""
    directions: list[Value] = []
    for k in groups.along:
        param = g.params[1 + k]
        direction = Value(param.hint, param.type)
        g = replace(one_more(g, param, direction), params=(*g.params, direction))
        g = replace(g, body=replace(g.body, yields=g.body.yields[1:]))
        directions.append(direction)
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


def of_all(
    b: Builder, j: Operand, g: Elementwise, w: Operand, picked: Operand, bounds: tuple[Operand, ...]
) -> Operand:
    """What belongs to the eigenvalues that are picked, among zeros for the others."""
    if g.part is None:
        return j if dims_of(j) == dims_of(picked) else emit(b, "numpy.broadcast_to", j, *a_.shape(b, picked))
    y = b.emit("zeros_like", w, type=w.type)
    whole = (("slice", None, None, None),) * (len(dims_of(w)) - 1)
    if g.part[0] == "at" and not whole:
        b.effect("store", y, *bounds, j)
    else:
        b.effect("assign", view(b, y, (*whole, g.part), bounds), j)
    return y


def mirrored(b: Builder, j: Operand, s: Operand, v: Operand, sign: int, filled: bool) -> Operand:
    return emit(b, "mirrored", j, s, v, const(float(sign)), const(filled))
