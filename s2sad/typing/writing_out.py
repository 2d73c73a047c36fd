"""Loops over things whose elements are known one by one: each turn written out, or a loop over lists of their parts.

Written out, a loop is plain code without tapes; but there is as much of it as there are turns. So the size of the code
decides, over the whole function, and not the number of turns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from s2sad.errors import Loc, S2sadError, SignatureError
from s2sad.ir.core import AnyOp, Block, Const, walk
from s2sad.ir.types import STR
from s2sad.typing.abstract import AV, children
from s2sad.typing.elements import Widen

MOST_OPERATIONS = 256  # of all loops that are written out in a function
MOST_TURNS = 64  # of a loop that is written out while a loop could be made
AT_ALL = 5_000  # operations where no loop can be made, of more turns

Body = Callable[[AV, list[AV]], list[AV]]


class TooMuch(SignatureError):
    """Elements of a list, written out one by one, make too many operations."""


class WritingOut:
    """The part of the specialiser that writes loops out."""

    builder: Any
    context: Any
    at: Any
    used_up: frozenset[AV]
    frozen: bool
    unrolls: bool
    bounded: bool  # whether the size of the code decides

    def each(self, items: list[AV], init: list[AV], body: Body, loop: Callable[[], list[AV]]) -> list[AV]:
        """The carried values after a turn for each item; `loop` types the turns as a loop."""
        few = len(items) <= MOST_TURNS
        if self.frozen:  # the library's own are short
            return turns(items, init, body) if few else loop()
        before = self.builder.loc, self.used_up, self.context.written, self.context.size
        found: list[AV] | None = None
        ops: list[AnyOp] = []
        if few:
            found, ops = self.within(MOST_OPERATIONS, items, init, body)
        if found is None and self.unrolls and self.bounded and self.context.bounded:
            raise TooMuch("a list of so much code", self.builder.loc, "fill it in a loop")
        if found is None:
            self.go_back(*before)
            found, ops = self.as_loop(items, loop)
        if found is None:
            self.go_back(*before)
            found, ops = self.within(None if few else AT_ALL, items, init, body)
        if found is None:  # the loop says why there is none
            self.go_back(*before)
            return loop()
        self.builder.ops += ops
        return found

    def go_back(self, loc: Loc, used_up: frozenset[AV], written: int, size: int) -> None:
        """What was typed so far was only tried."""
        self.at(loc)
        self.used_up, self.context.written, self.context.size = used_up, written, size

    def within(
        self, most: int | None, items: list[AV], init: list[AV], body: Body
    ) -> tuple[list[AV] | None, list[AnyOp]]:
        """The turns written out; None where they would make more operations than there may be."""
        before, carried = self.context.written, init
        bounded = most is not None and self.bounded and self.context.bounded
        with self.builder.region() as ops:
            for done, item in enumerate(items, 1):
                carried = body(item, carried)
                if bounded and before + size(ops) * len(items) // done > most:  # type: ignore[operator]
                    return None, ops
        self.context.written = before + size(ops)
        return carried, ops

    def as_loop(self, items: list[AV], loop: Callable[[], list[AV]]) -> tuple[list[AV] | None, list[AnyOp]]:
        """The turns as a loop; None where what differs from turn to turn cannot be in a list."""
        if differ_in_text(items):
            return None, []
        try:
            with self.builder.region() as ops:
                return loop(), ops
        except (S2sadError, Widen):
            return None, []


def turns(items: list[AV], init: list[AV], body: Body) -> list[AV]:
    for item in items:
        init = body(item, init)
    return init


def size(ops: list[AnyOp]) -> int:
    return sum(1 for _ in walk(Block((), tuple(ops), ())))


def differ_in_text(items: list[AV]) -> bool:
    """Whether elements have different texts in one place: conditions on them are decided while typing."""
    first = items[0] if items else None
    if isinstance(first, Const) and first.type == STR:
        return any(not isinstance(o, Const) or o.value != first.value for o in items)
    parts = [children(av) for av in items]
    return any(differ_in_text(list(column)) for column in zip(*parts, strict=False))
