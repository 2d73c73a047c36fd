"""Parts of rows that nobody named: `a[i][j]` is read and written as `a[i, j]`, without a view of the row.

Only a row with few uses, all of them in one block: many elements of one row are faster through a view of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, TypeGuard

from s2sad.analysis.uses import use_counts
from s2sad.ir.core import AnyOp, Block, Function, Op, with_blocks
from s2sad.ir.types import Array

MOST_USES = 4  # CPython: a view takes as long as it saves on four elements
PARTS = frozenset({"load", "store", "accumulate", "view"})


def merge_rows(fn: Function) -> Function:
    counts: Any = use_counts(fn)

    def block(b: Block) -> Block:
        rows: dict[Any, Any] = {
            op.results[0]: op for op in b.ops if is_row(op) and counts[op.results[0]] <= MOST_USES
        }
        used = Counter(op.operands[0] for op in b.ops if is_part(op, rows))
        ops: list[AnyOp] = []
        op: Any
        for op in b.ops:
            if is_part(op, rows) and used[op.operands[0]] == counts[op.operands[0]]:
                op = part(op, rows[op.operands[0]])
                if is_row(op) and op.results[0] in rows:
                    rows[op.results[0]] = op
            ops.append(with_blocks(op, block))
        return replace(b, ops=tuple(ops))

    return replace(fn, body=block(fn.body))


def is_row(op: Any) -> bool:
    """Whether this is a row without a name: a view that integers pick."""
    if not (isinstance(op, Op) and op.prim == "view" and isinstance(op.operands[0].type, Array)):
        return False
    picked = tuple(("at", k) for k in range(len(op.operands) - 1))
    return not op.result.hint and tuple(op.attr("index")) == picked


def is_part(op: AnyOp, rows: dict[Any, Any]) -> TypeGuard[Op]:
    """Whether an operation reads or writes a part of one of these rows, and does nothing else with it."""
    if not (isinstance(op, Op) and op.prim in PARTS and op.operands[0] in rows):
        return False
    return op.operands[0] not in op.operands[1:]


def part(op: Op, row: Op) -> Op:
    """The same part, of the array that the row is of."""
    array, *at = row.operands
    attrs = dict(op.attrs)
    if op.prim == "view":
        first = tuple(("at", k) for k in range(len(at)))
        attrs["index"] = first + tuple(shifted(entry, len(at)) for entry in op.attr("index"))
    return replace(op, operands=(array, *at, *op.operands[1:]), attrs=tuple(attrs.items()))


def shifted(entry: tuple[Any, ...], by: int) -> tuple[Any, ...]:
    """An entry of a subscript whose operands come after so many others."""
    kind, *numbers = entry
    return (kind, *(None if n is None else n + by for n in numbers))
