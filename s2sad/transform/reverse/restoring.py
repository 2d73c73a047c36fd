"""Overwritten values that the reverse sweep puts back, in place of copies of what it reads.

In `for i in range(n): x[i] = (b[i] - A[i] @ x) / d[i]` every turn reads all of x and writes one element of it. The
reverse sweep needs x as each turn found it: where each write keeps what it overwrites, and the reverse of the write
puts it back, x is that again. What stores fewer numbers is taken: a function is reversed with copies first, and once
more where those hold more than its writes overwrite.

Only arrays that a function makes itself, once, and hands to nobody are written by the reverse sweep.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s2sad.ir.core import AnyOp, Block, Const, For, If, Op, Operand, Value, walk
from s2sad.ir.types import Array
from s2sad.rules.effects import is_fresh, is_view, keeps, maybe_view
from s2sad.transform.reverse.scopes import Scope

if TYPE_CHECKING:
    from s2sad.transform.reverse.core import Reverse

CELLS = frozenset({"store", "accumulate"})  # writes of one element
UNDONE = CELLS | {"assign", "add_into"}  # what is undone by writing what was there
USUAL = 50.0  # turns of a loop, or elements along an axis, where nobody knows how many
MANY = 40  # writes to one array that are undone, at most


@dataclass(frozen=True, eq=False)
class Restoring:
    """The writes that the reverse sweep undoes, and the arrays that they are of, each under the name it is made by."""

    arrays: frozenset[Value] = frozenset()
    writes: frozenset[Op] = frozenset()


# -- which writes -------------------------------------------------------------------------------------------------


def worth_restoring(r: Reverse) -> Restoring:
    """The writes that cost less to undo than a function, which has been reversed, stores of the arrays they write."""
    stored: dict[Value, list[tuple[AnyOp, float]]] = defaultdict(list)

    def note(a: Operand, at: AnyOp, size: float) -> None:
        stored[r.aliases.find(a)].append((at, turns(r, at) * size))  # type: ignore[arg-type]

    for a, op in r.snapshots:
        note(a, op, elements(a))
    for (a, nest), copy in r.copies.items():
        if copy not in r.waiting:
            note(a, nest, elements(a))
    for v in r.tapes:
        op = r.defs.get(v)
        if isinstance(op, Op) and op.prim == "load" and isinstance(op.operands[0].type, Array):
            if stays_for_its_block(r, op):
                note(op.operands[0], op, 1.0)
    arrays: list[Value] = []
    writes: list[Op] = []
    made = own_arrays(r) if stored else {}
    for root, reads in stored.items():
        found = [
            w for w in r.final_reads.writes.get(root, ()) if any(may_follow(r, w, at) for at, _ in reads)
        ]
        if root not in made or len(found) > MANY or not all(w.prim in UNDONE for w in found):
            continue
        overwritten = sum(turns(r, w) * (1.0 if w.prim in CELLS else elements(w.operands[0])) for w in found)
        if overwritten < sum(cost for _, cost in reads):
            arrays.append(made[root])
            writes += found
    return Restoring(frozenset(arrays), frozenset(writes))


def own_arrays(r: Reverse) -> dict[Value, Value]:
    """The arrays that a function makes outside loops and branches and hands to nobody, by their alias classes."""
    handed = set(r.aliases.reachable(r.fn.body.yields)) | r.shared | r.handed_back
    made: dict[Value, Value] = {}
    for op in walk(r.fn.body):
        if not isinstance(op, Op):
            continue
        for o in op.operands:
            if isinstance(o, Value) and isinstance(o.type, Array) and (keeps(op, o) or maybe_view(op)):
                handed.add(r.aliases.find(o))
        for v in op.results:
            if isinstance(v.type, Array) and not is_view(op):
                root = r.aliases.find(v)
                own = r.home[v] is r.fn.body and r.final_reads.is_new(v) and not r.aliases.is_joined(v)
                if root in made or not own:
                    handed.add(root)
                made[root] = v
    given = {r.aliases.find(v) for v in r.home if isinstance(v.type, Array) and v not in r.defs}
    return {root: v for root, v in made.items() if root not in handed and root not in given}


def elements(a: Operand) -> float:
    """How many elements an array has, about."""
    assert isinstance(a.type, Array)
    return math.prod(float(d) if isinstance(d, int) else USUAL for d in a.type.dims or (None,) * a.type.ndim)


def turns(r: Reverse, op: AnyOp) -> float:
    """How often an operation is done, about."""
    return math.prod(map(trips, r.final_reads.around[op]))


def trips(loop: AnyOp) -> float:
    if isinstance(loop, For) and all(isinstance(o, Const) for o in (loop.start, loop.stop, loop.step)):
        return float(len(range(loop.start.value, loop.stop.value, loop.step.value)))  # type: ignore[union-attr]
    return USUAL


def may_follow(r: Reverse, write: AnyOp, read: AnyOp) -> bool:
    """Whether an operation may be done after another: it stands further down, or a loop around both comes back to it."""
    reads = r.final_reads
    around = reads.around[read]
    return reads.order[write] > reads.order[read] or any(loop in around for loop in reads.around[write])


# -- what may be read then ----------------------------------------------------------------------------------------


def is_restored(r: Reverse, a: Operand, op: AnyOp) -> bool:
    """Whether the reverse sweep, where it has come to an operation, finds an array as the operation found it, all that
    was written to it since being undone."""
    if not r.restoring.writes or not isinstance(a, Value):
        return False
    root = r.aliases.find(a)
    return root in r.restored and all(
        w in r.restoring.writes for w in r.final_reads.writes[root] if may_follow(r, w, op)
    )


def stays_for_its_block(r: Reverse, load: Op) -> bool:
    """Whether an element that is read is not written any more until its block ends, where the reverse of it begins."""
    block = r.home_of(load)
    inside = r.inside.get(block)
    if inside is None:
        inside = r.inside[block] = frozenset(walk(block))
    order = r.final_reads.order
    writes = r.final_reads.writes.get(r.aliases.find(load.operands[0]), ())  # type: ignore[arg-type]
    return not any(w in inside and order[w] > order[load] for w in writes)


def is_read_again(r: Reverse, load: Op) -> bool:
    """Whether the reverse of an element's block may read it at its head."""
    return is_restored(r, load.operands[0], load) and stays_for_its_block(r, load)


def lent(r: Reverse, term: Operand) -> bool:
    """Whether a contribution to an adjoint is memory that the reverse sweep writes later, or may be a view of it."""
    todo, seen = [term], set()
    while todo:
        o = todo.pop()
        if not isinstance(o, Value) or not isinstance(o.type, Array) or o in seen:
            continue
        if o in r.lent:
            return True
        seen.add(o)
        op = r.builder.defs.get(o)
        if op is None:
            for made in r.builder.ops[r.mark :]:
                if isinstance(made, If) and o in made.results:
                    return True
        elif not is_fresh(op):
            todo += op.operands
    return False


# -- undoing ------------------------------------------------------------------------------------------------------


def undo(r: Reverse, write: Op, scope: Scope) -> None:
    """Write what was there before a write."""
    a = write.operands[0]
    old = r.primal(overwritten(r, write), scope)
    if write.prim in CELLS:
        at = tuple(r.primal(o, scope) for o in write.operands[1:-1])
        r.builder.effect("store", r.primal(a, scope), *at, old)
    else:
        r.builder.effect("assign", r.primal(a, scope), old)


def overwritten(r: Reverse, write: Op) -> Value:
    """What a write overwrites, as the forward sweep reads it right before."""
    a, *at, _ = write.operands
    assert isinstance(a, Value) and isinstance(a.type, Array)
    name = f"{next(v.hint for v in r.restoring.arrays if r.aliases.find(v) is r.aliases.find(a))}_old"
    if write.prim in CELLS:
        found = read_before(r, write)
        if found is not None:
            return found
        old = Value(name, a.type.item)
        op = Op("load", (a, *at), (old,), write.loc)
    else:
        old = Value(name, a.type)
        op = Op("copy", (a,), (old,), write.loc)
    r.extras.before[write].append(op)
    r.home[old] = r.home_of(write)
    r.sites[old] = r.extras.before[write]
    return old


def read_before(r: Reverse, write: Op) -> Value | None:
    """The element as the block of a write has read it already."""
    block: Block = r.home_of(write)
    root = r.aliases.find(write.operands[0])  # type: ignore[arg-type]
    writes = set(r.final_reads.writes[root])
    found: Value | None = None
    for op in block.ops:
        if op is write:
            break
        if op in writes or (not isinstance(op, Op) and not writes.isdisjoint(walk(Block((), (op,), ())))):
            found = None
        elif isinstance(op, Op) and op.prim == "load" and op.operands == write.operands[:-1]:
            found = op.result
    return found
