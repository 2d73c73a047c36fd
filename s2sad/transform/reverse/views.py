"""What NumPy gives as a view or as a copy, as the call decides: reshaped, spread out, diagonals.

The transform takes them for copies. Where the memory is written later and nothing reads the result after that, a
copy is what it is taken for; where something does, what it reads would depend on the call, and that is refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from s2sad.analysis.aliases import WRITES, Aliases, last_writes
from s2sad.analysis.contiguous import contiguous_views
from s2sad.ir.core import AnyOp, Block, For, Function, If, Op, Operand, Value, While, blocks, operands, walk
from s2sad.ir.types import is_memory
from s2sad.rules.effects import Made, keeps, made, maybe_view


def settled(fn: Function) -> Function:
    """The function with views for what is reshaped of contiguous arrays, and copies made of what is reshaped now and
    written later."""
    fn = contiguous_views(fn)
    if not any(maybe_view(op) for op in walk(fn.body)):
        return fn
    aliases = Aliases(fn)
    last = last_writes(fn, aliases)
    ops: list[AnyOp] = []
    for number, outer in enumerate(fn.body.ops):
        written = {root for root, at in last.items() if at >= number}
        ops.append(outer if not written else inside(outer, written, aliases))
    body = replace(fn.body, ops=tuple(ops))
    return replace(fn, body=copied(body, {root for root, at in last.items()}, aliases))


def inside(op: AnyOp, written: set[Value], aliases: Aliases) -> AnyOp:
    """The same operation with its blocks settled."""

    def settle(block: Block) -> Block:
        return copied(
            replace(block, ops=tuple(inside(o, written, aliases) for o in block.ops)), written, aliases
        )

    if isinstance(op, If):
        return replace(op, then=settle(op.then), orelse=settle(op.orelse))
    if isinstance(op, For):
        return replace(op, body=settle(op.body))
    if isinstance(op, While):
        return replace(op, test=settle(op.test), body=settle(op.body))
    return op


def copied(block: Block, written: set[Value], aliases: Aliases) -> Block:
    ops: list[AnyOp] = []
    for k, op in enumerate(block.ops):
        a = op.operands[0] if isinstance(op, Op) and maybe_view(op) else None
        if isinstance(op, Op) and isinstance(a, Value) and is_memory(a.type) and aliases.find(a) in written:
            if not aliases.is_written(op.result) and read_at_once(
                block, k, op.result, aliases.find(a), aliases
            ):
                own = Value(a.hint, a.type)
                ops.append(Op("copy", (a,), (own,), op.loc))
                op = replace(op, operands=(own, *op.operands[1:]))
        ops.append(op)
    return replace(block, ops=tuple(ops))


def read_at_once(block: Block, k: int, result: Value, root: Value, aliases: Aliases) -> bool:
    """Whether all that reads a result stands behind it in its block and before the next write to its memory."""
    names: set[Operand] = {result}
    dirty = False
    for outer in block.ops[k + 1 :]:
        within = list(walk(Block((), (outer,), ())))
        written = any(writes(op, root, aliases) for op in within)
        # which of the two comes first in a branch or a turn of a loop is not looked at
        dirty = dirty or (written and not isinstance(outer, Op))
        for op in within:
            read = names.intersection(operands(op))
            if read and (dirty or not isinstance(op, Op) or any(keeps(op, v) for v in read)):
                return False
            if read and isinstance(op, Op) and made(op) in (Made.VIEW, Made.MAYBE_VIEW, Made.SAME):
                names.update(op.results)
            if any(names.intersection(b.yields) for b in blocks(op)):
                return False
        dirty = dirty or written
    return not names.intersection(block.yields)


def writes(op: Any, root: Value, aliases: Aliases) -> bool:
    """Whether an operation writes the memory of a class."""
    if not isinstance(op, Op) or op.prim not in (*WRITES, "invoke"):
        return False
    return root in (
        aliases.reachable(op.operands) if op.prim == "invoke" else {aliases.find(op.operands[0])}  # type: ignore[arg-type]
    )
