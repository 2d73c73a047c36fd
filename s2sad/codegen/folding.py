"""Which operations print inside the expression that reads them instead of on a line of their own.

A result that one operation of the same block reads folds back into it, unless it has a name that readers
want to see, the expression would grow too deep, or a write in between would change what a load reads.
"""

from __future__ import annotations

from collections import Counter

from s2sad.analysis.unbound import joins, unbound
from s2sad.analysis.uses import use_counts
from s2sad.ir.core import AnyOp, Block, Const, For, Function, If, Op, Operand, Value, While, operands, walk
from s2sad.ir.types import Array, is_memory
from s2sad.optimize.cse import reads_memory
from s2sad.rules.registry import PRIMS

MAX_DEPTH = 12
MAX_SIZE = 70
_STATEMENTS = frozenset(
    {"store", "accumulate", "append", "add_into", "assign", "assign_at", "scatter_add", "tape_write", "tape_new", "print", "assert", "raise", "unbound",
     "invoke", "identity"}
)  # fmt: skip
_WRITES = frozenset(
    {
        "store",
        "accumulate",
        "append",
        "assign",
        "assign_at",
        "scatter_add",
        "add_into",
        "tape_write",
        "print",
        "invoke",
        "assert",
        "raise",
        "unbound",
    }
)


class Folding:
    """`folded` values print inside their reader; `ternary` branches print as conditional expressions."""

    def __init__(self, fn: Function, fold_named: bool, fold_bounds: bool = True) -> None:
        self.uses: Counter[Value] = use_counts(fn)
        self.fold_named = fold_named
        self.fold_bounds = fold_bounds  # the bounds of a loop print twice where a tape is as long as the loop
        self.folded: set[Value] = set()
        self.ternary: set[If] = set()
        self.depth: dict[Value, int] = {}
        self.size: dict[Value, int] = {}
        self.writes: dict[AnyOp, bool] = {}
        self.unbound = unbound(joins(fn))
        self.block(fn.body)

    def block(self, block: Block) -> None:
        pending: dict[Value, int] = {}  # foldable values by the number of writes before their load
        loads: dict[Value, int] = {}
        writes = 0
        for op in block.ops:
            if not isinstance(op, Op):
                for inner in _inner(op):
                    self.block(inner)
                    if isinstance(op, While) and inner is op.test:
                        self.fold_condition(inner)
            ternary = isinstance(op, If) and self.expressible(op)
            if ternary:
                assert isinstance(op, If)
                self.ternary.add(op)
            reads = self.read_by(op, ternary)
            moved = None
            for o in reads:
                if isinstance(o, Value) and o in pending:
                    epoch = pending.pop(o)
                    if (epoch < 0 or epoch == writes) and self.fits(op, o):
                        self.folded.add(o)
                        if epoch >= 0:
                            moved = epoch
            self.measure(op)
            if self.depends_on_memory(op):
                moved = writes
            if self.is_write(op):
                writes += 1
            if self.foldable(op, ternary):
                result = op.results[0]
                pending[result] = -1 if moved is None else moved
                loads[result] = writes
        for (
            o
        ) in block.yields:  # a yield reads at the end of the block; only ternaries fold it, in `expressible`
            if isinstance(o, Value) and o in pending:
                pass
        self.tail = pending

    def fold_condition(self, test: Block) -> None:
        """The condition of a while loop prints in its header."""
        cond = test.yields[0]
        if isinstance(cond, Value) and cond in self.tail and test.ops and cond in test.ops[-1].results:
            self.folded.add(cond)

    def read_by(self, op: AnyOp, ternary: bool) -> list[Operand]:
        if isinstance(op, (For, While)):
            return [op.start, op.stop, op.step] if isinstance(op, For) and self.fold_bounds else []
        if ternary:
            assert isinstance(op, If)
            return [
                op.cond,
                *(
                    o
                    for b in (op.then, op.orelse)
                    for o in (*b.yields, *(x for p in b.ops for x in operands(p)))
                ),
            ]
        return list(operands(op))

    def fits(self, op: AnyOp, o: Value) -> bool:
        if isinstance(op, Op) and op.prim == "identity":
            return False
        total = self.size.get(o, 1) + sum(
            self.size.get(x, 1) for x in self.read_by(op, False) if x is not o and x in self.folded
        )  # type: ignore[arg-type]
        return self.depth.get(o, 1) < MAX_DEPTH and total < MAX_SIZE

    def measure(self, op: AnyOp) -> None:
        if len(op.results) != 1:
            return
        inner = [x for x in self.read_by(op, op in self.ternary) if isinstance(x, Value) and x in self.folded]
        self.depth[op.results[0]] = 1 + max((self.depth.get(x, 1) for x in inner), default=0)
        self.size[op.results[0]] = 1 + len(operands(op)) + sum(self.size.get(x, 1) for x in inner)

    def foldable(self, op: AnyOp, ternary: bool) -> bool:
        if len(op.results) != 1 or (not isinstance(op, Op) and not ternary):
            return False
        result = op.results[0]
        held = is_memory(result.type) and not isinstance(result.type, Array)
        if self.uses[result] != 1 or held or (result.hint and not self.fold_named):
            return False
        if isinstance(op, Op):
            return op.prim not in _STATEMENTS and PRIMS[op.prim].effect not in ("world", "writes", "alloc")
        return True

    def expressible(self, op: If) -> bool:
        """Both branches are one unnamed expression each."""
        if len(op.results) != 1 or op.then.exit == "break" or op.orelse.exit == "break":
            return False
        for b in (op.then, op.orelse):
            y = b.yields[0]
            if not isinstance(y, (Value, Const)) or is_memory(y.type):
                return False
            if y in self.unbound:
                return False  # handed on, which a statement does without reading it
            if not b.ops:
                continue
            last = b.ops[-1]
            if not last.results or last.results[0] is not y or (y.hint and y.hint == op.results[0].hint):  # type: ignore[union-attr]
                return False
            for p in b.ops:
                if not (isinstance(p, Op) or p in self.ternary) or not self.foldable(p, p in self.ternary):
                    return False
                if p is not last and p.results[0] not in self.folded:
                    return False
                if p is last and self.size.get(p.results[0], 1) > MAX_SIZE // 2:
                    return False
        if not op.then.ops and not op.orelse.ops and op.results[0].hint:
            return not _same_name(op)
        for b in (op.then, op.orelse):
            if b.ops:
                self.folded.add(b.yields[0])  # type: ignore[arg-type]
        return True

    def depends_on_memory(self, op: AnyOp) -> bool:
        """Whether a write may change what the operation, or a branch of a ternary, computes."""
        if isinstance(op, Op):
            return reads_memory(op)
        return any(reads_memory(o) for b in _inner(op) for o in walk(b) if isinstance(o, Op))

    def is_write(self, op: AnyOp) -> bool:
        if isinstance(op, Op):
            return op.prim in _WRITES
        return any(isinstance(o, Op) and o.prim in _WRITES for b in _inner(op) for o in walk(b))


def _same_name(op: If) -> bool:
    hint = op.results[0].hint
    return any(getattr(b.yields[0], "hint", None) == hint for b in (op.then, op.orelse))


def _inner(op: AnyOp) -> tuple[Block, ...]:
    if isinstance(op, If):
        return (op.then, op.orelse)
    if isinstance(op, For):
        return (op.body,)
    return (op.test, op.body)  # type: ignore[union-attr]
