"""Tests of sizes that an operation makes itself: where it is still there NumPy raises, and its test goes.

What is left is printed: the tests of operations that nothing reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from s2sad.analysis.uses import definitions
from s2sad.analysis.visible import visible
from s2sad.ir.core import AnyOp, Block, Const, For, Function, If, Op, Operand, Value, walk, with_blocks
from s2sad.optimize.dce import eliminate_dead_code
from s2sad.rules.meetings import meetings, says_what_meets, sizes_of
from s2sad.rules.registry import PRIMS

Guards = tuple[Operand, ...]  # the conditions that loops run, around a test that was made before them


def without_covered_tests(fn: Function) -> Function:
    """The function, for Python, without tests that an operation makes itself."""
    if not any(isinstance(op, Op) and op.prim == "fits" for op in walk(fn.body)):
        return fn
    return eliminate_dead_code(replace(fn, body=_Covered(fn).block(fn.body)))


class _Covered:
    def __init__(self, fn: Function) -> None:
        self.effects = visible(fn)
        self.defs = definitions(fn)

    def block(self, block: Block) -> Block:
        ops: list[AnyOp] = []
        for i, op in enumerate(block.ops):
            kept = self.kept(op, block.ops[i + 1 :], ())
            if kept is not None:
                ops.append(kept)
        return replace(block, ops=tuple(ops))

    def kept(self, op: AnyOp, after: Sequence[AnyOp], guards: Guards) -> AnyOp | None:
        """What is left of an operation."""
        if isinstance(op, Op):
            return None if op.prim == "fits" and self.is_covered(op, after, guards) else op
        if isinstance(op, If) and not op.results and not op.orelse.ops and self.runs(op.cond) is not None:
            inner = (self.kept(o, after, (*guards, op.cond)) for o in op.then.ops)
            return replace(op, then=replace(op.then, ops=tuple(o for o in inner if o is not None)))
        return with_blocks(op, self.block)

    def runs(self, cond: Operand) -> tuple[Operand, Operand] | None:
        """The end and the start of a loop, of the condition that it runs."""
        made = self.defs.get(cond) if isinstance(cond, Value) else None
        if isinstance(made, Op) and made.prim in ("gt", "lt"):
            return made.operands[0], made.operands[1]
        return None

    def is_covered(self, test: Op, after: Sequence[AnyOp], guards: Guards) -> bool:
        """Whether an operation that follows raises in the place of a test, before anything is seen outside."""
        for op in after:
            if isinstance(op, For):
                inner = self.entered(op, guards)
                if inner is not None and self.is_covered(test, op.body.ops, inner):
                    return True
            elif isinstance(op, Op) and op.loc == test.loc and op.prim != "fits":
                if not guards and self.makes(op, test):
                    return True
                if PRIMS[op.prim].effect == "raises" and not says_what_meets(op):
                    return False  # part of the derivative of what was called there, which raises otherwise
            if op in self.effects:
                return False
        return False

    def entered(self, op: For, guards: Guards) -> Guards | None:
        """The guards that are left in the body of a loop, if it runs where the first of them holds."""
        start, stop, step = op.start, op.stop, op.step
        if isinstance(start, Const) and isinstance(stop, Const) and isinstance(step, Const):
            return guards if range(start.value, stop.value, step.value) else None
        bounds = self.runs(guards[0]) if guards else None
        if bounds is None:
            return None
        return guards[1:] if same(bounds[0], stop) and same(bounds[1], start) else None

    def makes(self, op: Op, test: Op) -> bool:
        """Whether an operation makes this test itself."""
        found = meetings(op.prim, dict(op.attrs), op.operands)
        text, sizes = test.attr("text"), test.attr("sizes")
        return any(m.text == text and sizes_of(m) == sizes for m in found)


def same(a: Operand, b: Operand) -> bool:
    return a is b or (isinstance(a, Const) and isinstance(b, Const) and a.value == b.value)
