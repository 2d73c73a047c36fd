"""`spectral` operations written out, once nothing differentiates any more.

The derivatives of g that its divided differences take are made by forward mode of g, and stand in the code; what is done
with them are helpers (`rules/arrays/divided.py`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from s2sad.errors import Loc
from s2sad.ir.core import AnyOp, Block, Function, Op, Operand, Value, walk, with_blocks
from s2sad.ir.types import Array
from s2sad.rules import arrays as a_
from s2sad.rules.arrays.core import dims_of, dtype_of, emit
from s2sad.rules.arrays.indexing import view
from s2sad.rules.arrays.linalg import LINALG
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
    if g.parity > 0:
        jets = [mirrored(b, j, w, v, (-1) ** k, k > 0 and k % 2 == 0) for k, j in enumerate(jets)]
        w = mirrored(b, w, w, v, -1, False)
    if order == 0:
        text = "(u * j[..., None, :]) @ v" if g.parity < 0 else "(v * j[..., None, :]) @ v.T"
        last = b.expand(text, {"v": v, "u": u, "j": jets[0]}, LINALG)
    else:
        matrices = [of_dtype(b, m, v) for m in matrices]
        jets = [of_dtype(b, j, v) for j in jets]
        tolerance = const(UNITS * float(np.finfo(dtype_of(v)).eps))
        vectors = (u, w, v) if g.parity < 0 else (w, v)
        name = (HELPERS if g.parity >= 0 else OF_SINGULAR)[order][len(dims_of(w)) > 1]
        last = emit(b, name, *vectors, *matrices, *jets, tolerance)
    b.ops.append(Op("identity", (last,), op.results, op.loc))
    return tuple(b.ops)


def at(loc: Loc, op: AnyOp) -> AnyOp:
    """An operation of g where its product stands."""
    return replace(with_blocks(op, lambda b: replace(b, ops=tuple(at(loc, o) for o in b.ops))), loc=loc)


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
