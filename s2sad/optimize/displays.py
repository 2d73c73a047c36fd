"""Tuples and lists of a few numbers that are only read, one by one: each reader picks its own, from no memory.

`(1, -1, 0, 0)[d]` in a loop would make a list in every iteration, and what is read of it would have to be stored.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from s2sad.analysis.uses import use_counts
from s2sad.ir.core import AnyOp, Block, Const, Function, Op, Operand, Value, walk, with_blocks
from s2sad.ir.types import List, Scalar

MOST_NUMBERS, MOST_CONSTANTS = 6, 16


def pick_elements(fn: Function) -> Function:
    """The function with `element` in place of loads of lists that nothing else uses."""
    ops = [op for op in walk(fn.body) if isinstance(op, Op)]
    uses, read = use_counts(fn), Counter(op.operands[0] for op in ops if op.prim == "load")
    displays: dict[Operand, tuple[Operand, ...]] = {
        op.result: op.operands
        for op in ops
        if op.prim == "alloc_list" and is_display(op) and uses[op.result] == read[op.result]
    }
    if not displays:
        return fn

    def one(op: AnyOp) -> AnyOp:
        if isinstance(op, Op) and op.prim == "load" and op.operands[0] in displays:
            return replace(op, prim="element", operands=(op.operands[1], *displays[op.operands[0]]), attrs=())
        return with_blocks(op, block)

    def block(b: Block) -> Block:
        kept = (op for op in b.ops if not (op.results and op.results[0] in displays))
        return replace(b, ops=tuple(map(one, kept)))

    return replace(fn, body=block(fn.body))


def is_display(op: Op) -> bool:
    """Whether a list holds a few numbers of one type, and has no name of the user's."""
    t = op.result.type
    if op.result.hint or not (isinstance(t, List) and isinstance(t.item, Scalar) and op.operands):
        return False
    constant = all(isinstance(o, Const) for o in op.operands)
    few = len(op.operands) <= (MOST_CONSTANTS if constant else MOST_NUMBERS)
    return few and all(isinstance(o, (Value, Const)) and o.type == t.item for o in op.operands)
