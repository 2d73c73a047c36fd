"""Where Python's integers may leave what 64 bits hold, in compiled code.

Sizes, loop variables and small numbers do not, nor what counts by them; and where an integer is only an index, one that is too large
is no index anyway. Of others sums and products are tested.
"""

from __future__ import annotations

from functools import cached_property

from s2sad.analysis.uses import definitions
from s2sad.ir.core import AnyOp, Const, For, Function, Op, Operand, Value, blocks, operands, walk
from s2sad.ir.types import Scalar, is_memory

ARITHMETIC = frozenset({"add", "sub", "mul"})
PASSED_ON = ARITHMETIC | {"neg", "pos", "floordiv", "mod", "identity"}
COUNTED = 30  # the bits of what counts turns or elements: products of differences of two stay below 63
SMALL = 40  # of what may be added as often as anything is counted


class Integers:
    """The integers of one function."""

    def __init__(self, fn: Function) -> None:
        self.fn = fn
        self.defs = definitions(fn)

    def may_overflow(self, op: Op) -> bool:
        """Whether a sum or product of Python's integers needs a test."""
        if op.prim not in ARITHMETIC or not all(map(is_integer, (*op.operands, op.result))):
            return False
        a, b = map(self.bits, op.operands)
        enough = a + b < 63 if op.prim == "mul" else min(a, b) <= SMALL
        return not enough and op.result in self.measured

    @cached_property
    def counters(self) -> set[Value]:
        return {op.body.params[0] for op in walk(self.fn.body) if isinstance(op, For)}

    @cached_property
    def measured(self) -> set[Operand]:
        """The integers that are more than indices, and what they are made of."""
        found: set[Operand] = set(self.fn.body.yields)
        ops: list[AnyOp] = list(walk(self.fn.body))
        for op in ops:
            for block in blocks(op):
                found.update(block.yields)
            if isinstance(op, Op) and op.prim not in PASSED_ON:
                indexed = bool(op.operands) and is_memory(op.operands[0].type)
                inside = op.operands[1:-1] if op.prim in ("store", "accumulate") else op.operands[1:]
                found.update(set(op.operands) - set(inside) if indexed else op.operands)
                found.update(
                    op.operands[-1:] if op.prim in ("store", "accumulate", "append", "tape_write") else ()
                )
            elif not isinstance(op, (Op, For)):
                found.update(operands(op))
            elif isinstance(op, For):
                found.update(op.init)
        for op in reversed(ops):
            if isinstance(op, Op) and op.prim in PASSED_ON and (set(op.results) & found):
                found.update(op.operands)
        return found

    def bits(self, o: Operand, depth: int = 0) -> int:
        """How many bits an integer has at most; 63 if nobody knows."""
        if isinstance(o, Const):
            return int(o.value).bit_length()
        if not isinstance(o, Value) or depth > 8:
            return 63
        if o in self.counters:
            return COUNTED
        op = self.defs.get(o)
        if not isinstance(op, Op):
            return 63
        if op.prim in ("len", "shape"):
            return COUNTED
        if op.prim in ("neg", "pos", "identity"):
            return self.bits(op.operands[0], depth + 1)
        if op.prim == "mod":
            return self.bits(op.operands[1], depth + 1)
        if op.prim in ARITHMETIC:
            a, b = (self.bits(x, depth + 1) for x in op.operands)
            return min(63, a + b if op.prim == "mul" else max(a, b) + 1)
        return 63


def is_integer(o: Operand) -> bool:
    return isinstance(o.type, Scalar) and o.type.kind == "int" and o.type.dtype is None
