"""Contributions of one line to one cell are added up before the cell is written: half the memory traffic.

Only in the reverse sweep: what the user's code adds, it adds in its own order, to the last digit.
"""

from __future__ import annotations

from dataclasses import replace

from s2sad.analysis.aliases import Aliases
from s2sad.ir.core import (
    AnyOp,
    Block,
    For,
    Function,
    If,
    Op,
    Value,
    While,
    all_operands,
    blocks,
    operands,
    walk,
)
from s2sad.ir.types import is_memory
from s2sad.rules.registry import PRIMS


def merge_accumulates(fn: Function) -> Function:
    """`d[i] += a; d[i] += b` of a line as `d[i] += a + b`, where nothing but additions to d stands between."""
    if not any(isinstance(op, Op) and op.prim == "accumulate" for op in walk(fn.body)):
        return fn
    return replace(fn, body=_block(fn.body, Aliases(fn)))


def _block(block: Block, aliases: Aliases) -> Block:
    out: list[AnyOp | None] = []
    open_: dict[
        tuple[object, ...], int
    ] = {}  # where each cell was added to, with nothing since that reads or writes it
    for op in block.ops:
        if isinstance(op, Op) and op.prim == "accumulate" and op.loc.reverse:
            key = (*op.operands[:-1], op.loc.line)
            before = open_.pop(key, None)
            earlier = out[before] if before is not None else None
            if earlier is not None:
                assert isinstance(earlier, Op) and before is not None
                total = Value("", op.operands[-1].type)
                out[before] = None
                out.append(Op("add", (earlier.operands[-1], op.operands[-1]), (total,), op.loc))
                op = replace(op, operands=(*op.operands[:-1], total))
            open_[key] = len(out)
            out.append(op)
            continue
        touched = {aliases.find(o) for o in _memory(op)}
        if touched or not isinstance(op, Op) or PRIMS[op.prim].effect in ("world", "writes"):
            open_ = {
                key: at
                for key, at in open_.items()
                if aliases.find(key[0]) not in touched and isinstance(op, Op)  # type: ignore[arg-type]
            }
        out.append(_inside(op, aliases))
    return replace(block, ops=tuple(op for op in out if op is not None))


def _memory(op: AnyOp) -> list[Value]:
    read = [*operands(op)]
    for b in blocks(op):
        read += all_operands(b)
    return [o for o in read if isinstance(o, Value) and is_memory(o.type)]


def _inside(op: AnyOp, aliases: Aliases) -> AnyOp:
    if isinstance(op, If):
        return replace(op, then=_block(op.then, aliases), orelse=_block(op.orelse, aliases))
    if isinstance(op, For):
        return replace(op, body=_block(op.body, aliases))
    if isinstance(op, While):
        return replace(op, test=_block(op.test, aliases), body=_block(op.body, aliases))
    return op
