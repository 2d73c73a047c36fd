"""For Numba: the order in which a turn of a reverse loop adds to one array, and assignments in place of first additions.

    dx = np.zeros_like(x)               dx = np.empty_like(x)
    for i in range(n - 1):              dx[:1] = 0.0
        dx[i] += u                      for i in range(n - 1):
        dx[i + 1] += t                      dx[i + 1] = t
                                            dx[i] += u

The cell farthest ahead comes first: then no turn waits for what the one before it wrote last. Where nothing has written or read
the array since it was made, that cell is assigned; the cells that the loop does not assign are zeroed before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from s2sad.analysis.aliases import SIZES, Aliases
from s2sad.analysis.uses import definitions
from s2sad.ir.core import (
    AnyOp,
    Block,
    Const,
    For,
    Function,
    Op,
    Operand,
    Value,
    all_operands,
    blocks,
    operands,
    walk,
    with_blocks,
)
from s2sad.ir.types import INT, Array, Scalar, is_memory
from s2sad.optimize.rectangular import defined
from s2sad.rules.builder import const

Place = tuple[Value, int]  # the counter of a loop, and how far from it a subscript is
EMPTY = {"zeros_like": "empty_like", "numpy.zeros": "numpy.empty"}


def place(o: Operand, makers: dict[Value, AnyOp]) -> Place | None:
    """What a subscript is made of, where it is a value and perhaps a constant."""
    if not isinstance(o, Value):
        return None
    op = makers.get(o)
    if isinstance(op, Op) and op.prim in ("add", "sub"):
        a, by = op.operands
        if op.prim == "add" and isinstance(a, Const):
            a, by = by, a
        if isinstance(a, Value) and isinstance(by, Const) and type(by.value) is int:
            return a, by.value if op.prim == "add" else -by.value
    return o, 0


def forward(loop: For) -> int:
    """1 or -1: the way in which a loop counts; 0: not in steps of one."""
    return loop.step.value if isinstance(loop.step, Const) and loop.step.value in (1, -1) else 0


# -- order --------------------------------------------------------------------------------------------


def farthest_first(fn: Function) -> Function:
    """In each reverse loop that adds to one array at several offsets, the additions in the order of these."""
    found = _Order(fn)
    return replace(fn, body=found.block(fn.body))


class _Order:
    def __init__(self, fn: Function) -> None:
        self.aliases = Aliases(fn)
        self.makers = definitions(fn)

    def block(self, block: Block) -> Block:
        ops = []
        for op in block.ops:
            op = with_blocks(op, self.block)
            if isinstance(op, For) and op.loc.reverse and forward(op):
                op = self.loop(op)
            ops.append(op)
        return replace(block, ops=tuple(ops))

    def loop(self, loop: For) -> For:
        ops = list(loop.body.ops)
        arrays = dict.fromkeys(op.operands[0] for op in ops if isinstance(op, Op) and op.prim == "accumulate")
        for a in arrays:
            ops = self.ordered(loop, ops, a) or ops
        return replace(loop, body=replace(loop.body, ops=tuple(ops)))

    def ordered(self, loop: For, ops: list[AnyOp], a: Operand) -> list[AnyOp] | None:
        """The operations with the additions to an array together where the last of them stood; None where they may stay."""
        adds = [op for op in ops if isinstance(op, Op) and op.prim == "accumulate" and op.operands[0] is a]
        offsets = {op: self.offset(op, loop) for op in adds}
        ahead = sorted(adds, key=lambda op: -forward(loop) * (offsets[op] or 0))
        if ahead == adds or None in offsets.values() or not isinstance(a, Value):
            return None
        root = self.aliases.find(a)
        between = ops[ops.index(adds[0]) : ops.index(adds[-1])]
        others = [op for op in between if op not in offsets]
        if any(self.touches(op, root) for op in others):
            return None
        last = ops.index(adds[-1]) + 1
        return [op for op in ops[:last] if op not in offsets] + ahead + ops[last:]

    def offset(self, op: Op, loop: For) -> int | None:
        """How far from the loop's counter the cell is in the one axis that changes with it."""
        places = [place(o, self.makers) for o in op.operands[1:-1]]
        found = [p[1] for p in places if p is not None and p[0] is loop.body.params[0]]
        inside = {r for inner in loop.body.ops for r in inner.results}
        others = [p[0] for p in places if p is not None and p[0] is not loop.body.params[0]]
        return found[0] if len(found) == 1 and inside.isdisjoint(others) else None

    def touches(self, op: AnyOp, root: Value) -> bool:
        """Whether an operation may read or write memory of a class."""
        for inner in walk(Block((), (op,), ())):
            if isinstance(inner, Op) and inner.prim == "invoke":
                return True
            read = (*operands(inner), *(o for b in blocks(inner) for o in b.yields))
            if isinstance(inner, Op) and inner.prim in SIZES:
                continue
            if any(isinstance(o, Value) and is_memory(o.type) and self.aliases.find(o) is root for o in read):
                return True
        return False


# -- first touch --------------------------------------------------------------------------------------


def assign_first(fn: Function) -> Function:
    """Zeros that a loop adds to first are not made where it can assign."""
    if not any(isinstance(op, Op) and op.prim in EMPTY for op in walk(fn.body)):
        return fn
    return replace(fn, body=_Assigned(fn).block(fn.body))


@dataclass
class _Nest:
    """Loops, outermost first, in the innermost of which an array is touched first, and the names of it and its rows with the
    subscripts that these have."""

    array: Value
    loops: list[For] = field(default_factory=list)
    rows: dict[Operand, tuple[Operand, ...]] = field(default_factory=dict)
    first: Op | None = None


class _Assigned:
    def __init__(self, fn: Function) -> None:
        self.makers = definitions(fn)

    def block(self, block: Block) -> Block:
        ops = [with_blocks(op, self.block) for op in block.ops]
        for made in list(ops):
            if isinstance(made, Op) and made.prim in EMPTY and isinstance(made.result.type, Array):
                ops = self.without_zeros(ops, made) or ops
        return replace(block, ops=tuple(ops))

    def without_zeros(self, ops: list[AnyOp], made: Op) -> list[AnyOp] | None:
        a, at = made.result, ops.index(made)
        later = (j for j in range(at + 1, len(ops)) if reads(ops[j], a) and not is_size(ops[j]))
        k = next(later, None)
        loop = ops[k] if k is not None else None
        if k is None or not isinstance(loop, For) or not loop.loc.reverse or a.type.optional:  # type: ignore[attr-defined]
            return None
        nest = self.nest(a, loop)
        if nest is None or nest.first is None:
            return None
        box = self.box(nest, made)
        if box is None:
            return None
        first = nest.first
        stored = Op("store", (a, *self.subscripts(first, nest), first.operands[-1]), (), first.loc)
        if first.operands[0] is not a:
            stored = replace(first, prim="store")
        new = replace(made, prim=EMPTY[made.prim])
        return [
            *ops[:at], new, *ops[at + 1 : k], *self.zeroed(nest, box, loop), changed(loop, first, stored),
            *ops[k + 1 :],
        ]  # fmt: skip

    # -- what the loops touch -------------------------------------------------------------------------

    def nest(self, a: Value, outer: For) -> _Nest | None:
        """The loops around the first addition to an array, if all that they do to it is adding, none of it before that."""
        nest = _Nest(a, rows={a: ()})
        loop: AnyOp | None = outer
        while isinstance(loop, For):
            if not forward(loop) or not nest.rows.keys().isdisjoint(loop.init):
                return None
            nest.loops.append(loop)
            loop = self.first(loop.body, nest)
        if not isinstance(loop, Op) or loop.prim != "accumulate":
            return None
        nest.first = loop
        return nest if self.only_adds(outer, nest) and self.is_first(nest) else None

    def first(self, block: Block, nest: _Nest) -> AnyOp | None:
        """What touches an element first in a block; rows that are taken on the way are names of the array, too."""
        for op in block.ops:
            if not any(reads(op, v) for v in nest.rows if isinstance(v, Value)) or is_size(op):
                continue
            if not is_row(op):
                return op
            assert isinstance(op, Op)
            nest.rows[op.result] = (*nest.rows[op.operands[0]], *op.operands[1:])
        return None

    def only_adds(self, outer: For, nest: _Nest) -> bool:
        """Whether the loops have no way out but their ends, and only add to the array."""
        for op in walk(outer.body):
            if any(b.exit != "next" for b in blocks(op)):
                return False
            if is_size(op):
                continue
            if isinstance(op, Op) and op.prim == "accumulate" and op.operands[0] in nest.rows:
                if not nest.rows.keys().isdisjoint(op.operands[1:]):
                    return False
                continue
            if is_row(op) and op.operands[0] in nest.rows:  # type: ignore[union-attr]
                if op.results[0] not in nest.rows:
                    return False
                continue
            if not nest.rows.keys().isdisjoint(operands(op)):
                return False
        yields = [o for op in walk(outer.body) for b in blocks(op) for o in b.yields]
        return outer.body.exit == "next" and nest.rows.keys().isdisjoint([*yields, *outer.body.yields])

    def subscripts(self, op: Op, nest: _Nest) -> tuple[Operand, ...]:
        return (*nest.rows[op.operands[0]], *op.operands[1:-1])

    def places(self, op: Op, nest: _Nest) -> list[int] | None:
        """How far an addition is from the counters of the loops, by loop; None where its cell is another one."""
        found: dict[Value, tuple[int, int]] = {}
        for axis, o in enumerate(self.subscripts(op, nest)):
            at = place(o, self.makers)
            if at is None or at[0] in found:
                return None
            found[at[0]] = (axis, at[1])
        counters = [loop.body.params[0] for loop in nest.loops]
        if set(found) != set(counters) or len(counters) != nest.array.type.ndim:  # type: ignore[attr-defined]
            return None
        if [found[c][0] for c in counters] != self.axes(nest):
            return None
        return [found[c][1] for c in counters]

    def axes(self, nest: _Nest) -> list[int]:
        """The axis that each loop runs along."""
        assert nest.first is not None
        places = [place(o, self.makers) for o in self.subscripts(nest.first, nest)]
        axis = {p[0]: k for k, p in enumerate(places) if p is not None}
        return [axis.get(loop.body.params[0], -1) for loop in nest.loops]

    def is_first(self, nest: _Nest) -> bool:
        """Whether no other addition comes to a cell before the one that is to assign it, and none wraps around."""
        assert nest.first is not None
        ahead = self.places(nest.first, nest)
        if ahead is None:
            return False
        ways = [forward(loop) for loop in nest.loops]
        for op in walk(nest.loops[0].body):
            if not (isinstance(op, Op) and op.prim == "accumulate" and op.operands[0] in nest.rows):
                continue
            at = self.places(op, nest)
            if at is None:
                return False
            if [w * k for w, k in zip(ways, at, strict=True)] > [
                w * k for w, k in zip(ways, ahead, strict=True)
            ]:
                return False
            if not all(self.never_negative(loop, k) for loop, k in zip(nest.loops, at, strict=True)):
                return False
        return True

    def never_negative(self, loop: For, offset: int) -> bool:
        """Whether a counter and a constant are no subscript from the end."""
        if forward(loop) < 0:
            return isinstance(loop.stop, Const) and loop.stop.value + 1 + offset >= 0
        if isinstance(loop.start, Const):
            return bool(loop.start.value + offset >= 0)
        base, more = self.affine(loop.start)
        return isinstance(base, tuple) and more + offset >= 0

    # -- where it assigns -----------------------------------------------------------------------------

    def box(self, nest: _Nest, made: Op) -> list[tuple[int, Operand, Operand | None, int]] | None:
        """For each loop its axis, the first cell and the one behind the last (None: the end of the axis) without the offset,
        and the offset."""
        assert nest.first is not None
        inside = defined(nest.loops[0])
        found: list[tuple[int, Operand, Operand | None, int]] = []
        ahead = self.places(nest.first, nest)
        assert ahead is not None
        for loop, axis, offset in zip(nest.loops, self.axes(nest), ahead, strict=True):
            low, high = (loop.start, loop.stop) if forward(loop) > 0 else (loop.stop, loop.start)
            if forward(loop) < 0:
                offset += 1
            base, more = self.affine(high)
            end = None if (base, more + offset) == self.size(made.result, axis) else high
            if any(o in inside for o in (low, end)):
                return None
            found.append((axis, low, end, offset))
        return found

    def zeroed(
        self, nest: _Nest, box: list[tuple[int, Operand, Operand | None, int]], loop: For
    ) -> Iterator[AnyOp]:
        """What sets the cells outside of a box to zero."""
        for axis, low, end, offset in box:
            ops, start = self.sum(low, offset, loop)
            if not (isinstance(start, Const) and start.value == 0):
                yield from ops
                yield from self.slab(nest.array, axis, None, start, loop)
            if end is None:
                continue
            ops, stop = self.sum(end, offset, loop)
            yield from ops
            base, more = self.affine(stop)
            if not (isinstance(base, tuple) and more >= 0) and not isinstance(stop, Const):
                clipped = Value("", INT)
                yield Op("builtins.max", (stop, const(0)), (clipped,), loop.loc)
                stop = clipped
            elif isinstance(stop, Const):
                stop = const(max(stop.value, 0))
            yield from self.slab(nest.array, axis, stop, None, loop)

    def sum(self, o: Operand, offset: int, loop: For) -> tuple[list[AnyOp], Operand]:
        """An integer and a constant: what makes it, and it."""
        if isinstance(o, Const):
            return [], const(o.value + offset)
        op = self.makers.get(o)  # type: ignore[arg-type]
        if isinstance(op, Op) and op.prim in ("add", "sub") and isinstance(op.operands[1], Const):
            by = op.operands[1].value if op.prim == "add" else -op.operands[1].value
            o, offset = op.operands[0], offset + by
        if offset == 0:
            return [], o
        made = Value("", INT)
        prim = "add" if offset > 0 else "sub"
        new = Op(prim, (o, const(abs(offset))), (made,), loop.loc)
        self.makers[made] = new
        return [new], made

    def slab(
        self, a: Value, axis: int, start: Operand | None, stop: Operand | None, loop: For
    ) -> Iterator[AnyOp]:
        """`a[..., start:stop, ...] = 0.0`."""
        bounds = [o for o in (start, stop) if o is not None]
        at = {id(o): n for n, o in enumerate(bounds)}
        entry = ("slice", *(None if o is None else at[id(o)] for o in (start, stop)), None)
        index = (*[("slice", None, None, None)] * axis, entry)
        view = Value("", Array(a.type.dtype, a.type.ndim))  # type: ignore[attr-defined]
        yield Op("view", (a, *bounds), (view,), loop.loc, (("index", index),))
        yield Op("assign", (view, const(0.0)), (), loop.loc)

    # -- sizes ----------------------------------------------------------------------------------------

    def size(self, a: Operand, axis: int) -> tuple[object, int]:
        """The size of an axis: an array that has it with the number of its axis, or another integer; and what is added."""
        op = self.makers.get(a) if isinstance(a, Value) else None
        if isinstance(op, Op) and op.prim in ("zeros_like", "empty_like", "copy"):
            return self.size(op.operands[0], axis)
        if isinstance(op, Op) and op.prim in ("numpy.zeros", "numpy.empty") and axis < len(op.operands):
            return self.affine(op.operands[axis])
        if isinstance(op, Op) and is_row(op):
            return self.size(op.operands[0], axis + len(op.operands) - 1)
        return (a, axis), 0

    def affine(self, o: Operand) -> tuple[object, int]:
        """An integer as something, a size where it is one, and a constant."""
        if isinstance(o, Const):
            return None, o.value
        op = self.makers.get(o)  # type: ignore[arg-type]
        if isinstance(op, Op) and op.prim in ("len", "shape"):
            return self.size(op.operands[0], op.attr("axis") or 0)
        if isinstance(op, Op) and op.prim == "s2sad.same_size":
            return self.affine(op.operands[0])
        if isinstance(op, Op) and op.prim in ("add", "sub") and isinstance(op.operands[1], Const):
            base, more = self.affine(op.operands[0])
            by = op.operands[1].value
            return base, more + (by if op.prim == "add" else -by)
        return o, 0


def is_size(op: AnyOp) -> bool:
    return isinstance(op, Op) and op.prim in SIZES


def is_row(op: AnyOp) -> bool:
    """Whether an operation takes a row, or a part of one, by integers in front."""
    if not (isinstance(op, Op) and op.prim == "view" and isinstance(op.result.type, Array)):
        return False
    index = op.attr("index")
    numbers = all(isinstance(o.type, Scalar) for o in op.operands[1:])
    return numbers and all(e == ("at", n) for n, e in enumerate(index)) and len(index) == len(op.operands) - 1


def reads(op: AnyOp, v: Value) -> bool:
    """Whether an operation, or one that it holds, reads a value."""
    return v in operands(op) or any(v in all_operands(b) for b in blocks(op))


def changed(loop: AnyOp, old: Op, new: Op) -> AnyOp:
    """A loop with one operation replaced."""

    def block(b: Block) -> Block:
        return replace(b, ops=tuple(new if op is old else with_blocks(op, block) for op in b.ops))

    return with_blocks(loop, block)
