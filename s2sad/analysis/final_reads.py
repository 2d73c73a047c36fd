"""Which cells of arrays are not written any more after a load or store of them.

In `for t in range(1, n): h[t] = a * h[t - 1]` every h[t - 1] that is read was written an iteration earlier and is not
written again: the reverse sweep finds it where it is. Shown by the distance between the cells that a load and a store
name, dimension by dimension, as in the dependence tests of loop transformations (R. Allen and K. Kennedy, Optimizing
Compilers for Modern Architectures, chapter 3, strong single-index-variable test): indices are a loop's variable, or a
value that all iterations share, plus a constant, and known not to be negative, which would count from the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from s2sad.analysis.aliases import WRITES, Aliases
from s2sad.analysis.cells import Cell, Cells, Index
from s2sad.analysis.unbound import unbound_values
from s2sad.ir.core import AnyOp, Block, Const, For, Function, If, Op, Operand, Value, While, blocks
from s2sad.ir.types import Array, is_memory
from s2sad.rules.effects import is_fresh

CELLS, SLICES = (
    ("store", "accumulate"),
    ("assign", "add_into"),
)  # what writes one cell, and what writes a view
MANY = 50  # writes to one array that each load is compared to, at most
Loops = tuple[AnyOp, ...]


class FinalReads:
    """The loads of a function whose cells keep their values to its end."""

    def __init__(self, fn: Function, aliases: Aliases) -> None:
        self.aliases = aliases
        self.cells = Cells(fn)
        self.defs, self.variables = self.cells.defs, self.cells.variables
        self.unbound = unbound_values(fn)
        self.around: dict[AnyOp, Loops] = {}  # the loops that an operation stands in
        self.order: dict[AnyOp, int] = {}
        self.sides: dict[AnyOp, tuple[tuple[If, bool], ...]] = {}  # the branches it stands in
        self.made_in: dict[Value, Loops] = dict.fromkeys(fn.params, ())
        self.writes: dict[Value, list[Op]] = {}
        self.visit(fn.body, ())
        self.known: dict[Any, bool] = {}

    def visit(self, block: Block, loops: Loops, sides: tuple[tuple[If, bool], ...] = ()) -> None:
        for op in block.ops:
            self.around[op], self.order[op], self.sides[op] = loops, len(self.order), sides
            self.made_in.update(dict.fromkeys(op.results, loops))
            inside = (*loops, op) if isinstance(op, (For, While)) else loops
            for inner in blocks(op):
                self.made_in.update(dict.fromkeys(inner.params, inside))
                self.visit(inner, inside, (*sides, (op, inner is op.then)) if isinstance(op, If) else sides)
            if isinstance(op, Op) and op.prim == "invoke":
                for root in self.aliases.reachable(op.operands):
                    self.writes.setdefault(root, []).append(op)
            elif isinstance(op, Op) and op.prim in WRITES and isinstance(op.operands[0], Value):
                self.writes.setdefault(self.aliases.find(op.operands[0]), []).append(op)

    def is_final(self, op: Op) -> bool:
        """Whether the cell that a load reads, or a store writes, is not written after it; False where that cannot
        be shown."""
        found = self.known.get(op)
        if found is None:
            a = op.operands[0]
            at = op.operands[1:] if op.prim == "load" else op.operands[1:-1]
            cell = self.cell(op, at) if isinstance(a, Value) else None
            found = self.known[op] = cell is not None and self.keeps(a, op, cell)  # type: ignore[arg-type]
        return found

    def is_final_slice(self, a: Value, op: AnyOp) -> bool:
        """Whether the cells of a view that an operation reads are not written after it; False where that cannot be shown."""
        found = self.known.get((a, op))
        if found is None:
            cell = self.cells.region(a)
            found = self.known[a, op] = cell is not None and self.keeps(a, op, cell)
        return found

    def keeps(self, a: Value, op: AnyOp, cell: Cell) -> bool:
        """Whether no write to an array changes what an operation reads of it, after that."""
        writes = self.writes.get(self.aliases.find(a), ())
        return len(writes) <= MANY and all(self.is_earlier(w, op, a, cell) for w in writes)

    def nest_that_reads(self, op: Op) -> AnyOp | None:
        """The outermost loop around a load that does not write its array, if the loops in it run through the array."""
        a = op.operands[0]
        if not isinstance(a, Value) or not isinstance(a.type, Array) or len(op.operands) - 1 != a.type.ndim:
            return None
        if a in self.unbound:  # where the loops do not run there may be nothing to copy
            return None
        loops = self.around[op]
        writes = self.writes.get(self.aliases.find(a), ())
        for k in range(len(self.made_in[a]), len(loops)):
            if not any(loops[k] in self.around[w] for w in writes):
                break
        else:
            return None
        indices = [i.base for i in map(self.cells.index, op.operands[1:]) if i.base is not None]
        through = [self.variables.get(base) for base in indices]
        whole = all(loop in loops[k:] and self.runs_through(loop) for loop in through if loop is not None)
        return (
            loops[k]
            if through and None not in through and len(set(through)) == len(through) and whole
            else None
        )

    def runs_through(self, loop: For) -> bool:
        """Whether a loop runs as often each time, from a constant to a size that is known outside all loops, or back."""
        ends = [self.cells.index(o) for o in (loop.start, loop.stop)]
        sizes = [e.base for e in ends if e.base is not None]
        unit = isinstance(loop.step, Const) and abs(loop.step.value) == 1
        return unit and len(sizes) == 1 and not self.made_in[sizes[0]]

    def cell(self, op: Op, at: tuple[Operand, ...]) -> Cell | None:
        """The cell of one number in the array or list that it is read of or written to, whatever the views between."""
        a = op.operands[0]
        if not isinstance(a, Value) or is_memory(a.type.item):  # type: ignore[attr-defined]
            return None
        return self.cells.cell(a, at)

    def is_earlier(self, write: Op, load: AnyOp, array: Value, cell: Cell) -> bool:
        """Whether a write to the array of which an operation reads a cell, or a range of them, never writes it after that."""
        a, w = self.cells.root(array), self.cells.root(write.operands[0])  # type: ignore[arg-type]
        if w is not a and self.is_new(w) and self.is_bound_before(a, w):
            return True
        own = (
            len(self.made_in[a]) if self.is_new(a) and w is a else 0
        )  # loops further out have another array each turn
        shared = 0
        pairs = zip(self.around[write], self.around[load], strict=False)
        while (pair := next(pairs, None)) is not None and pair[0] is pair[1]:
            shared += 1
        loops = self.around[load][own:shared]
        if not loops:
            return self.is_before(write, load)
        if write.prim not in (*CELLS, *SLICES) or w is not a or self.varies(a, loops):
            return False
        if write.prim in SLICES:
            other = self.cells.region(write.operands[0])  # type: ignore[arg-type]
        else:
            other = self.cell(write, write.operands[1:-1])
        if other is None:
            return False
        latest: dict[
            AnyOp | None, float
        ] = {}  # the last turn of each loop, from the load's on, that names its cell
        for mine, its in known(cell, other):
            gap = mine.offset - its.offset
            loop = self.variables.get(its.base) if its.base is not None else None
            if loop is None or loop not in loops:
                if mine.base is its.base and gap and (mine.base is None or not self.varies(mine.base, loops)):
                    return True  # never the same cell
                continue
            step = loop.step.value if isinstance(loop.step, Const) else 0
            if not step:
                return False
            if mine.base is its.base and gap % step:
                return True
            forwards = step > 0
            ahead = gap + self.most(mine.base, its.base) if forwards else self.most(its.base, mine.base) - gap
            latest[loop] = min(latest.get(loop, math.inf), ahead)
        for outer in loops:
            turns = latest.get(outer, math.inf)
            if turns > 0:
                return False
            if turns < 0:
                return True
        if self.is_before(write, load):
            return True
        return self.never_together(write, load, cell, other)

    def is_before(self, write: Op, load: AnyOp) -> bool:
        """Whether a write is done before a load in a turn that does both; a store reads what it has written."""
        return (write is load and write.prim in CELLS) or self.order[write] < self.order[load]

    def is_new(self, a: Value) -> bool:
        """Whether an array is made where it is defined, rather than one that was there before."""
        op = self.defs.get(a)
        return is_fresh(op)

    def is_bound_before(self, a: Value, w: Value) -> bool:
        """Whether each time an array is made as w, what is known as a was there before, and so is another one."""
        outer, inner = self.made_in[a], self.made_in[w]
        if inner[: len(outer)] != outer:
            return False
        bound = self.defs.get(a)
        return bound is None or self.order[bound] < self.order[self.defs[w]]

    def most(self, a: Value | None, b: Value | None, depth: int = 4) -> float:
        """An upper bound of a - b in one iteration; no value stands for 0."""
        if a is b:
            return 0
        if depth == 0:
            return math.inf
        bound = -self.cells.least(Index(b, 0)) if a is None else math.inf
        loop = self.variables.get(a) if a is not None else None
        if loop is not None and isinstance(loop.step, Const):
            end = self.cells.index(loop.stop if loop.step.value > 0 else loop.start)
            last = end.offset - 1 if loop.step.value > 0 else end.offset
            bound = min(bound, self.most(end.base, b, depth - 1) + last)
        loop = self.variables.get(b) if b is not None else None
        if loop is not None and isinstance(loop.step, Const):
            end = self.cells.index(loop.start if loop.step.value > 0 else loop.stop)
            first = end.offset if loop.step.value > 0 else end.offset + 1
            bound = min(bound, self.most(a, end.base, depth - 1) - first)
        return bound

    def never_together(self, write: Op, load: AnyOp, cell: Cell, other: Cell) -> bool:
        """Whether one iteration has not both: they are in two branches, or in one where the cells are not the same."""
        for (branch, side), (too, its) in zip(self.sides[load], self.sides[write], strict=False):
            if branch is too and side != its:
                return True
        for mine, its_ in known(cell, other):
            gap = mine.offset - its_.offset
            if gap > self.most(its_.base, mine.base) or -gap > self.most(mine.base, its_.base):
                return True
        for branch, taken in self.sides[load]:
            test = self.defs.get(branch.cond) if isinstance(branch.cond, Value) else None
            if not (isinstance(test, Op) and test.prim == ("ne" if taken else "eq")):
                continue
            a, b = map(self.cells.index, test.operands)
            for mine, its_ in known(cell, other):
                for x, y in ((mine, its_), (its_, mine)):
                    if (x.base, y.base) == (a.base, b.base) and x.offset - y.offset == a.offset - b.offset:
                        return True  # the same cell only where the branch is not taken
        return False

    def varies(self, v: Value, loops: Loops) -> bool:
        """Whether a value may differ from one iteration of these loops to the next."""
        return any(loop in self.made_in[v] for loop in loops)


def known(a: Cell, b: Cell) -> Iterator[tuple[Index, Index]]:
    """The indices of two cells, axis by axis, where both are known."""
    return ((i, j) for i, j in zip(a, b, strict=True) if i is not None and j is not None)
