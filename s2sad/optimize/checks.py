"""Checks that give the same in every turn of a loop (the width of the rows that `for a, b in rows` unpacks, the sizes of
arrays that meet in it) are made once, before it, if it runs at all.

The first error stays the first: nothing moves past what is seen outside, a write to memory that others know, a `print`, or
past another check that stays.
"""

from __future__ import annotations

from dataclasses import replace

from s2sad.analysis.aliases import SIZES
from s2sad.analysis.visible import visible
from s2sad.ir.core import (
    AnyOp,
    Block,
    Const,
    For,
    Function,
    If,
    Op,
    Value,
    breaks,
    operands,
    walk,
    with_blocks,
)
from s2sad.ir.types import BOOL, Array, is_memory
from s2sad.rules.builder import Builder
from s2sad.rules.effects import is_view
from s2sad.rules.registry import PRIMS
from s2sad.typing.thread import substituted


def hoist_checks(fn: Function) -> Function:
    if not any(is_check(op) for op in walk(fn.body)):
        return fn
    return replace(fn, body=_Hoist(fn).block(fn.body))


def is_check(op: AnyOp) -> bool:
    """Whether an operation does nothing but raise, if it must."""
    if isinstance(op, Op):
        return op.prim == "fits"
    if not isinstance(op, If) or op.results or op.orelse.ops or not op.then.ops or breaks(op):
        return False
    *others, last = op.then.ops
    quiet = all(
        is_check(o) or (isinstance(o, Op) and PRIMS[o.prim].effect in ("none", "raises")) for o in others
    )
    return quiet and (is_check(last) or (isinstance(last, Op) and last.prim == "raise"))


class _Hoist:
    def __init__(self, fn: Function) -> None:
        self.effects = visible(fn)

    def block(self, block: Block) -> Block:
        ops: list[AnyOp] = []
        for op in block.ops:
            op = with_blocks(op, self.block)
            if isinstance(op, For) and isinstance(op.step, Const):
                before, op = self.before(op)
                ops += before
            ops.append(op)
        return replace(block, ops=tuple(ops))

    def before(self, op: For) -> tuple[list[AnyOp], For]:
        """What is checked before a loop, if it runs, and the loop without."""
        b = Builder(op.loc)
        made, checks, body = self.split(op.body)
        if not checks:
            return [], op
        runs = b.emit("gt" if op.step.value > 0 else "lt", op.stop, op.start, type=BOOL)  # type: ignore[union-attr]
        if isinstance(runs, Const):
            return ([*made, *checks], replace(op, body=body)) if runs.value else ([], op)
        guarded = If(runs, Block((), tuple(checks), ()), Block((), (), ()), (), op.loc)
        return [*made, *b.ops, guarded], replace(op, body=body)

    def split(self, body: Block) -> tuple[list[AnyOp], list[AnyOp], Block]:
        """What the checks at the start of a loop's body read if it does not change, these checks, and the body without
        both."""
        taken = _Taken()
        moved: set[AnyOp] = set()
        changing = set(body.params)
        checks: list[AnyOp] = []
        for op in body.ops:
            if is_check(op):
                if not changing.isdisjoint(_reads(op)):
                    break
                found = {v: taken.take(v) for v in _reads(op)}
                moved.add(op)
                checks += substituted(Block((), (op,), ()), found).ops
            elif op in self.effects:
                break
            elif isinstance(op, Op) and is_lasting(op) and changing.isdisjoint(op.operands):  # type: ignore[arg-type]
                taken.made[op.result] = op
            else:
                changing.update(op.results)
        moved |= taken.moved
        return taken.before, checks, replace(body, ops=tuple(op for op in body.ops if op not in moved))


def is_lasting(op: Op) -> bool:
    """Whether an operation gives the same whenever it is done, or a view of the same sizes: it reads no elements of memory."""
    sizes = op.prim in SIZES and all(isinstance(o.type, Array) for o in op.operands)
    elements = any(is_memory(o.type) for o in (*op.operands, *op.results)) and not (sizes or is_view(op))
    return PRIMS[op.prim].effect == "none" and len(op.results) == 1 and not elements


class _Taken:
    """What can be done before a loop, and what is: numbers move, of views there is another."""

    def __init__(self) -> None:
        self.made: dict[Value, Op] = {}
        self.before: list[AnyOp] = []
        self.moved: set[AnyOp] = set()
        self.values: dict[Value, Value] = {}

    def take(self, o: Value) -> Value:
        op = self.made.get(o)
        if op is None:
            return o
        if o not in self.values:
            own = o if not is_memory(o.type) else Value("", o.type)
            self.values[o] = own
            if own is o:
                self.moved.add(op)
            given = tuple(self.take(x) if isinstance(x, Value) else x for x in op.operands)
            self.before.append(replace(op, operands=given, results=(own,)))
        return self.values[o]


def _reads(op: AnyOp) -> list[Value]:
    """What a check reads of what is made outside of it."""
    if isinstance(op, Op):
        return [v for v in op.operands if isinstance(v, Value)]
    own = {r for o in walk(Block((), (op,), ())) for r in o.results}
    read = (v for o in walk(Block((), (op,), ())) for v in operands(o) if isinstance(v, Value))
    return list(dict.fromkeys(v for v in read if v not in own))
