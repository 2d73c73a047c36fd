"""Arithmetic that gives the same in every iteration of a loop is done once before it, ahead of differentiation: its
adjoint is then summed in the loop and handed on once after it.

Only what cannot fail moves, since a loop may not run at all. Compiled code does not raise: there all of it moves, and
what may be infinite then is marked `early`, for its adjoint to be 0 where the loop did not run.
"""

from __future__ import annotations

from dataclasses import replace

from s2sad.analysis.unbound import unbound_values
from s2sad.ir.core import AnyOp, Block, For, Function, If, Op, Value, While
from s2sad.ir.types import Scalar, is_float
from s2sad.rules.registry import PRIMS


def hoist_invariants(fn: Function) -> Function:
    """Move what cannot fail."""
    return replace(fn, body=_Hoist(unbound_values(fn), raises=False).block(fn.body))


def hoist_all_invariants(fn: Function) -> Function:
    """Move what may fail in Python, too, for code that does not raise."""
    return replace(fn, body=_Hoist(unbound_values(fn), raises=True).block(fn.body))


class _Hoist:
    def __init__(self, unbound: set[Value], raises: bool) -> None:
        self.unbound = unbound  # reading one raises, where its loop may not run
        self.early: set[Value] = set()
        self.effects = ("none", "raises") if raises else ("none",)

    def block(self, block: Block) -> Block:
        """A block with what is the same in all iterations of its loops before them."""
        ops: list[AnyOp] = []
        for op in block.ops:
            if isinstance(op, If):
                op = replace(op, then=self.block(op.then), orelse=self.block(op.orelse))
            elif isinstance(op, For):
                moved, body = self.loop(self.block(op.body), set(op.body.params))
                ops += moved
                op = replace(op, body=body)
            elif isinstance(op, While):
                moved, body = self.loop(self.block(op.body), set(op.body.params))
                ops += moved
                op = replace(op, test=self.block(op.test), body=body)
            ops.append(op)
        return replace(block, ops=tuple(ops))

    def loop(self, body: Block, changing: set[Value]) -> tuple[list[AnyOp], Block]:
        """The operations of a loop's body that are the same each time, and the body without them."""
        moved: list[AnyOp] = []
        kept: list[AnyOp] = []
        for op in body.ops:
            if isinstance(op, Op) and self.moves(op) and changing.isdisjoint(op.operands):  # type: ignore[arg-type]
                if PRIMS[op.prim].effect != "none" or not self.early.isdisjoint(op.operands):  # type: ignore[arg-type]
                    op = replace(op, early=True)
                    self.early.add(op.result)
                moved.append(op)
            else:
                kept.append(op)
                changing.update(op.results)
        return moved, replace(body, ops=tuple(kept))

    def moves(self, op: Op) -> bool:
        rule = PRIMS.get(op.prim)
        if rule is None or len(op.results) != 1 or op.attrs or rule.effect not in self.effects:
            return False
        if op.prim in ("identity", "constant", "stop_gradient") or not is_float(op.result.type):
            return False
        return all(isinstance(o.type, Scalar) and o not in self.unbound for o in op.operands)
