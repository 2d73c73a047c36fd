"""For Numba: what integers a loop computes anew are computed before it, and tapes of tapes become one array.

A tape made in every iteration of a loop, with as many records each time at most, is a row of one rectangular array
that is made before the loops and indexed by all their counters: a list of small arrays in an inner loop costs more
than what it stores.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from s2sad.ir.core import (
    AnyOp,
    Block,
    Const,
    For,
    Function,
    Op,
    Operand,
    Undef,
    Value,
    While,
    blocks,
    operands,
    walk,
    with_blocks,
)
from s2sad.ir.types import INT, Array, Scalar, Tape
from s2sad.optimize.extents import extent
from s2sad.rules.builder import Builder

Around = tuple[AnyOp, ...]  # the structures around something, outermost first
HOISTED = frozenset({"add", "sub", "mul", "neg", "trip_count"})


# -- integers -----------------------------------------------------------------------------------------


def hoist_integers(fn: Function) -> Function:
    """Integers that no iteration changes move in front of their loop, and sizes of arrays in front of branches."""
    return replace(fn, body=_Hoisting(fn).block(fn.body))


class _Hoisting:
    def __init__(self, fn: Function) -> None:
        made = (r for op in walk(fn.body) if isinstance(op, Op) for r in op.results)
        self.bound = {*fn.params, *made}  # what joins something else may be unbound

    def block(self, block: Block) -> Block:
        ops: list[AnyOp] = []
        for op in block.ops:
            op = with_blocks(op, self.block)
            moved = [] if isinstance(op, Op) else self.moved(op)
            ops += moved
            ops.append(without(op, set(moved)) if moved else op)
        return replace(block, ops=tuple(ops))

    def moved(self, op: AnyOp) -> list[AnyOp]:
        """What moves in front of a structure."""
        inside = defined(op)
        moved: list[AnyOp] = []
        for block in (op.body,) if isinstance(op, (For, While)) else blocks(op):
            for inner in block.ops:
                if self.is_size(inner, inside) or (
                    isinstance(op, (For, While)) and self.is_same(inner, inside)
                ):
                    moved.append(inner)
                    inside -= set(inner.results)
        return moved

    def is_same(self, op: AnyOp, inside: set[Value]) -> bool:
        """Whether an operation gives the same integer in every turn."""
        if not isinstance(op, Op) or op.prim not in HOISTED or not isinstance(op.result.type, Scalar):
            return False
        known = not any(isinstance(o, Undef) or o in inside for o in op.operands)
        return op.result.type.kind == "int" and known

    def is_size(self, op: AnyOp, inside: set[Value]) -> bool:
        """Whether an operation asks for a size of an array that there is: to know it harms nobody."""
        if not isinstance(op, Op) or op.prim not in ("len", "shape") or len(op.operands) != 1:
            return False
        a = op.operands[0]
        return isinstance(a.type, Array) and not a.type.optional and a in self.bound and a not in inside


def without(op: AnyOp, gone: set[AnyOp]) -> AnyOp:
    return with_blocks(op, lambda b: replace(b, ops=tuple(o for o in b.ops if o not in gone)))


def defined(op: AnyOp) -> set[Value]:
    """What an operation's blocks define."""
    found: set[Value] = set()
    for block in blocks(op):
        found.update(block.params)
        for inner in walk(block):
            found.update(inner.results)
            for deeper in blocks(inner):
                found.update(deeper.params)
    return found


# -- tapes --------------------------------------------------------------------------------------------


def rectangular_tapes(fn: Function) -> Function:
    """Rows that are all equally long become one array, from the inside out."""
    while True:
        found = _Rows(fn).find()
        if found is None:
            return fn
        fn = found


class _Rows:
    """Where values are defined and used, and which tape of tapes can be one array."""

    def __init__(self, fn: Function) -> None:
        self.fn = fn
        self.home: dict[Value, Around] = dict.fromkeys(fn.params, ())
        self.makers: dict[Value, Op] = {}
        self.position: dict[Value | Op, int] = dict.fromkeys(fn.params, -1)
        self.uses: dict[Value, list[tuple[Any, Around]]] = {}
        self.visit(fn.body, ())

    def visit(self, block: Block, around: Around) -> None:
        for p in block.params:
            self.define(p, around)
        for op in block.ops:
            if isinstance(op, Op):
                self.position[op] = len(self.position)
                self.makers.update(dict.fromkeys(op.results, op))
            for o in operands(op):
                self.use(o, op, around)
            for inner in blocks(op):
                self.visit(inner, (*around, op))
            for r in op.results:
                self.define(r, around)
        for o in block.yields:
            self.use(o, None, around)

    def define(self, v: Value, around: Around) -> None:
        self.home[v] = around
        self.position[v] = len(self.position)

    def use(self, o: Operand, op: AnyOp | None, around: Around) -> None:
        if isinstance(o, Value):
            self.uses.setdefault(o, []).append((op, around))

    def find(self) -> Function | None:
        """The function with one tape of tapes flattened, or None where there is none left."""
        for outer in list(self.makers.values()):
            if is_nested(outer):
                found = self.flattened(outer)
                while found is not None and is_nested(found[1]):
                    found = _Rows(found[0]).flattened(found[1])
                if found is not None:
                    return found[0]
        return None

    def flattened(self, outer: Op) -> tuple[Function, Op] | None:
        """The function with the rows of this tape in the tape itself, if they are made once an iteration and are all
        alike; and the operation that makes it."""
        users: Any = self.uses.get(outer.result, [])
        writes = [(op, around) for op, around in users if is_use(op, "tape_write", outer.result)]
        reads = [op for op, _ in users if is_use(op, "tape_read", outer.result)]
        if len(writes) != 1 or len(reads) + 1 != len(users):
            return None
        (write, around), site = writes[0], self.home[outer.result]
        loop, number, made = innermost(around), write.operands[1:-1], self.makers.get(write.operands[-1])
        if not isinstance(loop, For) or made is None or made.prim != "tape_new":
            return None
        row = made.result
        between = [op for op in around[len(site) :] if isinstance(op, (For, While))]
        if innermost(self.home[row]) is not loop or len(between) != max(1, len(outer.operands)):
            return None
        records = [(op, a) for op, a in self.uses[row] if op is not write]
        if not all(is_use(op, "tape_write", row) and self.before(number, op) for op, _ in records):
            return None
        if not all(is_use(op, "tape_read", r.result) for r in reads for op, _ in self.uses.get(r.result, [])):
            return None
        inner = {innermost(a) for _, a in records}
        filled = next(iter(inner), None)
        if len(inner) != 1 or not isinstance(filled, For) or filled is loop:
            return None
        b = Builder(outer.loc)
        counts = list(outer.operands) or [self.count(loop, site, around, b)]
        counts.append(self.count(filled, site, around, b))
        if None in counts:
            return None
        rows = {r.result: r.operands[1:] for r in reads} | {row: number}
        return self.rewritten(outer, made, {write, *reads}, rows, around[len(site)], b, counts)

    def count(self, loop: For, site: Around, around: Around, b: Builder) -> Any:
        """How often a loop runs at most, as is known at `site`; None where it is not."""
        if all(self.visible(o, site) for o in (loop.start, loop.stop, loop.step)):
            count = Value("", INT)
            b.ops.append(Op("trip_count", (loop.start, loop.stop, loop.step), (count,), b.loc))
            return count
        enclosing = [op for op in around[len(site) :] if isinstance(op, For) and isinstance(op.step, Const)]
        counters = {op.body.params[0]: op for op in enclosing}
        return extent(loop, lambda o: self.visible(o, site), self.makers, counters, b)

    def before(self, number: tuple[Operand, ...], op: Any) -> bool:
        return all(not isinstance(o, Value) or self.position[o] < self.position[op] for o in number)

    def visible(self, o: Operand, site: Around) -> bool:
        """Whether a value is known where a loop at `site` starts."""
        if not isinstance(o, Value):
            return isinstance(o, Const)
        home = self.home[o]
        return home == site[: len(home)]

    def rewritten(
        self,
        outer: Op,
        made: Op,
        gone: set[Op],
        rows: dict[Any, Any],
        place: AnyOp,
        b: Builder,
        counts: list[Operand],
    ) -> tuple[Function, Op]:
        """One array made before `place`; `rows` are the tapes that were its rows, and their numbers."""
        tape = Value(made.result.hint, made.result.type)
        new = Op("tape_new", tuple(counts), (tape,), outer.loc)
        head: list[AnyOp] = [*b.ops, new]
        gone |= {outer, made}

        def one(op: AnyOp) -> AnyOp:
            if isinstance(op, Op) and op.operands and op.operands[0] in rows:
                return replace(op, operands=(tape, *rows[op.operands[0]], *op.operands[1:]))
            return with_blocks(op, block)

        def block(b: Block) -> Block:
            ops: list[AnyOp] = []
            for op in b.ops:
                if op is place:
                    ops += head
                if op not in gone:
                    ops.append(one(op))
            return replace(b, ops=tuple(ops))

        return replace(self.fn, body=block(self.fn.body)), new


def is_nested(op: Op) -> bool:
    """Whether an operation makes a tape of tapes that hold numbers: references do not fit an array."""
    if op.prim != "tape_new" or not isinstance(op.result.type.item, Tape):  # type: ignore[attr-defined]
        return False
    item: Any = op.result.type.item  # type: ignore[attr-defined]
    while isinstance(item, Tape):
        item = item.item
    return isinstance(item, Scalar) and not item.optional


def innermost(around: Around) -> AnyOp | None:
    """The innermost loop among the structures around something."""
    return next((op for op in reversed(around) if isinstance(op, (For, While))), None)


def is_use(op: Any, prim: str, tape: Value) -> bool:
    return isinstance(op, Op) and op.prim == prim and op.operands[0] is tape
