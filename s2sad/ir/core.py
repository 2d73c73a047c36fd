"""The IR: structured SSA three-address code as plain frozen data.

A `Function` has parameters and one `Block`; a block is a list of operations and the operands it yields.
Control flow is structured (`If`, `For`, `While` hold blocks), so block parameters and yields replace phi
nodes and map back to Python one to one. Functions that check, print, run and transform stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Union

from s2sad.errors import NOWHERE, Loc
from s2sad.ir.types import UNKNOWN, Lying, Type


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Value:
    """One definition. `hint` is the user's name for it, '' for an intermediate result."""

    hint: str = ""
    type: Type = UNKNOWN


@dataclass(frozen=True, slots=True, eq=False)
class Const:
    """A literal operand."""

    value: Any
    type: Type = UNKNOWN


@dataclass(frozen=True, slots=True, eq=False)
class Undef:
    """A variable that is unbound on this path; reading it raises UnboundLocalError, as in Python. `unread`: one that we
    added, which nothing reads on this path."""

    hint: str = ""
    type: Type = UNKNOWN
    unread: bool = False


Operand = Union[Value, Const, Undef]


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One operation: `results = prim(*operands, **attrs)`. `early`: it was moved to where it always runs."""

    prim: str
    operands: tuple[Operand, ...]
    results: tuple[Value, ...]
    loc: Loc = NOWHERE
    attrs: tuple[tuple[str, Any], ...] = ()
    early: bool = False

    def attr(self, name: str, default: Any = None) -> Any:
        for key, value in self.attrs:
            if key == name:
                return value
        return default

    @property
    def result(self) -> Value:
        return self.results[0]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Straight-line operations; `exit` is 'next', or 'break' at the end of a leaf in tail position of a loop."""

    params: tuple[Value, ...]
    ops: tuple[AnyOp, ...]
    yields: tuple[Operand, ...]
    exit: str = "next"


@dataclass(frozen=True, slots=True, eq=False)
class If:
    cond: Operand
    then: Block
    orelse: Block
    results: tuple[Value, ...]
    loc: Loc = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class ForEach:
    """A loop over any iterable; only before typing. Body parameters: the element, then the carried values."""

    iterable: Operand
    init: tuple[Operand, ...]
    body: Block
    results: tuple[Value, ...]
    loc: Loc = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class For:
    """A loop over range(start, stop, step). Body parameters: the index, then the carried values."""

    start: Operand
    stop: Operand
    step: Operand
    init: tuple[Operand, ...]
    body: Block
    results: tuple[Value, ...]
    loc: Loc = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class While:
    """The test block (parameters: the carried values) yields the condition and the carried values anew; it
    runs once more than the body. Results: what the last test, or the break, yielded."""

    init: tuple[Operand, ...]
    test: Block
    body: Block
    results: tuple[Value, ...]
    loc: Loc = NOWHERE


AnyOp = Union[Op, If, ForEach, For, While]


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """`params` are values named as in Python; `defaults` and the like live with whoever calls it. `called`: by
    another function here, so that its parameters may be the same memory. `compiled`: its derivative will be, and then
    arithmetic on arrays costs less than to keep them. `derived`: it has derivatives in it. `kept`: how many of the last results are there for another
    function of ours, which reads them only where they are bound. `layouts`: how arrays that it is given lie in memory, where
    that is known."""

    name: str
    params: tuple[Value, ...]
    body: Block
    loc: Loc = NOWHERE
    callees: dict[str, Function] = field(default_factory=dict)
    called: bool = False
    compiled: bool = False
    kept: int = 0
    derived: bool = False
    layouts: dict[Value, Lying] = field(default_factory=dict)


def blocks(op: AnyOp) -> tuple[Block, ...]:
    """The blocks an operation holds."""
    if isinstance(op, Op):
        return ()
    if isinstance(op, If):
        return (op.then, op.orelse)
    if isinstance(op, (For, ForEach)):
        return (op.body,)
    if isinstance(op, While):
        return (op.test, op.body)
    return ()


def operands(op: AnyOp) -> tuple[Operand, ...]:
    """The operands an operation itself reads (not those read inside its blocks)."""
    if isinstance(op, Op):
        return op.operands
    if isinstance(op, If):
        return (op.cond,)
    if isinstance(op, For):
        return (op.start, op.stop, op.step, *op.init)
    if isinstance(op, ForEach):
        return (op.iterable, *op.init)
    return op.init


def body_breaks(body: Block) -> bool:
    """Whether a leaf of a block's tail leaves the loop around it."""
    last = body.ops[-1] if body.ops else None
    return body.exit == "break" or (isinstance(last, If) and breaks(last))


def breaks(op: If) -> bool:
    """Whether a leaf of a branch leaves the loop around it."""
    return body_breaks(op.then) or body_breaks(op.orelse)


def walk(block: Block) -> Any:
    """Every operation in a block and in the blocks it holds, outer before inner, in order."""
    for op in block.ops:
        yield op
        if not isinstance(op, Op):
            for inner in blocks(op):
                yield from walk(inner)


def all_operands(block: Block) -> Iterator[Operand]:
    """Every operand read in a block and the blocks it holds, yields included."""
    yield from block.yields
    for op in walk(block):
        yield from operands(op)
        for inner in blocks(op):
            yield from inner.yields


def with_blocks(op: AnyOp, change: Callable[[Block], Block]) -> AnyOp:
    """An operation with each of its blocks changed."""
    if isinstance(op, If):
        return replace(op, then=change(op.then), orelse=change(op.orelse))
    if isinstance(op, While):
        return replace(op, test=change(op.test), body=change(op.body))
    return replace(op, body=change(op.body)) if isinstance(op, For) else op


def count_ops(block: Block) -> int:
    return sum(1 for _ in walk(block))
