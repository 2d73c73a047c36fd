"""Integers that loops count, for the reverse sweep: what a turn adds, times the number of turns, instead of a tape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s2sad.analysis.counters import Growth, counted, grown
from s2sad.ir.core import AnyOp, Const, For, Op, Operand, Value, While, body_breaks
from s2sad.ir.types import INT
from s2sad.rules.builder import const
from s2sad.switches import EXACT, Change
from s2sad.transform.reverse.scopes import Scope

if TYPE_CHECKING:
    from s2sad.transform.reverse.core import Reverse

COUNTED = Change("counted_integers", EXACT)


def counted_at_start(r: Reverse, scope: Scope) -> list[Op]:
    """What makes the integers that the loop around a block carries, as they are where a turn begins."""
    loop, block = scope.owner, scope.block
    if not COUNTED or scope.index is None or block is None or not isinstance(loop, (For, While)):
        return []
    made = _Made(r, scope)
    carried = block.params[1:] if isinstance(loop, For) else block.params
    for j, step in counted(loop).items():
        made.count(carried[j], loop.init[j], step, made.turn())
    if isinstance(loop, For):
        for j, growth in grown(loop).items():
            made.count(carried[j], loop.init[j], const(growth.step), made.sum(loop, growth))
    return made.ops


def counted_at_end(r: Reverse, scope: Scope, loop: AnyOp) -> list[Op]:
    """The same of a loop in the block, where it has ended."""
    if not COUNTED or not isinstance(loop, For) or body_breaks(loop.body):
        return []
    made = _Made(r, scope)
    steps = counted(loop)
    if steps:
        trips = made.new("trip_count", loop.start, loop.stop, loop.step)
        for j, step in steps.items():
            made.count(loop.results[j], loop.init[j], step, trips)
    return made.ops


class _Made:
    """Operations on integers, which the head of a block makes anew."""

    def __init__(self, r: Reverse, scope: Scope) -> None:
        self.r, self.scope = r, scope
        self.ops: list[Op] = []

    def count(self, v: Value, first: Operand, step: Operand, turns: Operand) -> None:
        by = abs(step.value) if isinstance(step, Const) else None
        added = turns if by == 1 else self.new("mul", step if by is None else const(by), turns)
        prim = "add" if by is None or step.value >= 0 else "sub"  # type: ignore[union-attr]
        operands: tuple[Operand, ...] = (first, added)
        if prim == "add" and isinstance(first, Const) and first.value == 0:
            prim, operands = "identity", (added,)
        self.ops.append(Op(prim, operands, (v,), self.r.head_loc(self.scope)))

    def new(self, prim: str, *operands: Operand) -> Value:
        made = self.named()
        self.ops.append(Op(prim, operands, (made,), self.r.head_loc(self.scope)))
        return made

    def named(self) -> Value:
        made = Value("", INT)
        assert self.scope.block is not None
        self.r.home[made] = self.scope.block
        return made

    def turn(self) -> Value:
        """The number of the turn."""
        made = self.named()
        assert self.scope.index is not None
        self.scope.cache[made] = self.scope.index
        return made

    def sum(self, loop: For, growth: Growth) -> Operand:
        """What the turns so far have made of an integer to which each adds one more, or one less."""
        turn = self.turn()
        least: Operand = const(growth.least)
        if growth.trips:
            trips = self.new("trip_count", loop.start, loop.stop, loop.step)
            least = trips if growth.least == 0 else self.new("add", trips, least)
        pairs = self.new("floordiv", self.new("mul", turn, self.new("sub", turn, const(1))), const(2))
        if growth.least == 0 and not growth.trips:
            return pairs
        prim = "add" if growth.slope > 0 else "sub"
        return self.new(prim, self.new("mul", least, turn), pairs)
