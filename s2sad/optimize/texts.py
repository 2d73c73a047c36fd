"""Texts where they are raised: what makes a message moves to the operation that raises it.

Numba formats almost nothing; there the message is made by Python, from values that are handed over where it is raised.
"""

from __future__ import annotations

from dataclasses import replace

from s2sad.analysis.uses import definitions
from s2sad.ir.core import AnyOp, Block, Function, Op, Operand, Value, with_blocks
from s2sad.ir.types import is_memory

MADE = frozenset({"format", "text", "exception", "pack"})


def texts_where_raised(fn: Function) -> Function:
    makers = definitions(fn)

    def block(b: Block) -> Block:
        ops: list[AnyOp] = []
        for op in b.ops:
            op = with_blocks(op, block)
            if isinstance(op, Op) and op.prim in ("raise", "assert"):
                op = replace(op, operands=tuple(made_here(o, ops) for o in op.operands))
            ops.append(op)
        return replace(b, ops=tuple(ops))

    def made_here(o: Operand, ops: list[AnyOp]) -> Operand:
        maker = makers.get(o) if isinstance(o, Value) else None
        if not isinstance(maker, Op) or maker.prim not in MADE or holds_memory(maker):
            return o
        operands = tuple(made_here(x, ops) for x in maker.operands)
        result = Value("", maker.result.type)
        ops.append(replace(maker, operands=operands, results=(result,)))
        return result

    return replace(fn, body=block(fn.body))


def holds_memory(op: Op) -> bool:
    """Whether it reads what may be written before it is raised."""
    return any(is_memory(o.type) for o in op.operands)
