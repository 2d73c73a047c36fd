"""Checks that give the same in every turn of a loop (the width of the rows that `for a, b in rows` unpacks) are made
once, before it, if it runs at all."""

from __future__ import annotations

from dataclasses import replace

from s2sad.analysis.aliases import SIZES
from s2sad.ir.core import AnyOp, Block, Const, For, Function, If, Op, Value, with_blocks
from s2sad.ir.types import BOOL, Array, is_memory
from s2sad.rules.builder import Builder
from s2sad.rules.effects import is_view
from s2sad.rules.registry import PRIMS


def hoist_checks(fn: Function) -> Function:
    return replace(fn, body=_hoisted(fn.body))


def _hoisted(block: Block) -> Block:
    ops: list[AnyOp] = []
    for op in block.ops:
        op = with_blocks(op, _hoisted)
        if isinstance(op, For) and isinstance(op.step, Const):
            before, checks, body = _split(op.body)
            if checks:
                b = Builder()
                b.loc = op.loc
                runs = b.emit("gt" if op.step.value > 0 else "lt", op.stop, op.start, type=BOOL)
                ops += [
                    *before,
                    *b.ops,
                    If(runs, Block((), tuple(checks), ()), Block((), (), ()), (), op.loc),
                ]
                op = replace(op, body=body)
        ops.append(op)
    return replace(block, ops=tuple(ops))


def _split(body: Block) -> tuple[list[AnyOp], list[AnyOp], Block]:
    """What the checks at the start of a loop's body read if it does not change, these checks, and the body without
    both."""
    made: dict[Value, Op] = {}  # by operations that can be done before the loop
    changing = set(body.params)
    before: list[AnyOp] = []
    checks: list[AnyOp] = []
    for op in body.ops:
        if isinstance(op, If) and is_check(op):
            if not changing.isdisjoint(_reads(op)):
                break  # the first error stays the first
            for v in _reads(op):
                _take(v, made, before)
            checks.append(op)
        elif not (isinstance(op, Op) and PRIMS[op.prim].effect in ("none", "reads", "raises")):
            break
        elif is_lasting(op) and changing.isdisjoint(op.operands):  # type: ignore[arg-type]
            made.update(dict.fromkeys(op.results, op))
        else:
            changing.update(op.results)
    kept = tuple(op for op in body.ops if op not in before and op not in checks)
    return before, checks, replace(body, ops=kept)


def is_lasting(op: Op) -> bool:
    """Whether an operation gives the same whenever it is done: it reads no elements of memory."""
    sizes = op.prim in SIZES and all(isinstance(o.type, Array) for o in op.operands)
    elements = any(is_memory(o.type) for o in op.operands) and not (sizes or is_view(op))
    return PRIMS[op.prim].effect == "none" and not elements


def _take(v: Value, made: dict[Value, Op], before: list[AnyOp]) -> None:
    op = made.pop(v, None)
    if op is not None:
        for o in op.operands:
            if isinstance(o, Value):
                _take(o, made, before)
        before.append(op)


def is_check(op: If) -> bool:
    """Whether an operation does nothing but raise, if it must."""
    if op.results or op.orelse.ops or not op.then.ops:
        return False
    *others, last = op.then.ops
    if not all(isinstance(o, Op) and PRIMS[o.prim].effect in ("none", "raises") for o in others):
        return False
    return is_check(last) if isinstance(last, If) else isinstance(last, Op) and last.prim == "raise"


def _reads(op: If) -> set[Value]:
    """What a check reads of what is made outside of it."""
    own = {r for o in op.then.ops for r in o.results}
    found = {op.cond} if isinstance(op.cond, Value) else set()
    for o in op.then.ops:
        found |= _reads(o) if isinstance(o, If) else {v for v in o.operands if isinstance(v, Value)}  # type: ignore[union-attr]
    return found - own
