"""What values are made of, for gates: through names, and only where the memory that was read is still the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from s2sad.analysis.aliases import WRITES, Aliases
from s2sad.analysis.uses import definitions, use_counts
from s2sad.ir.core import AnyOp, Block, Const, Function, Op, Operand, Value, blocks, walk
from s2sad.ir.types import is_memory
from s2sad.rules.registry import PRIMS

Partial = str | Callable[[Any, Any], Any]
MUL, DIV = ("mul", "numpy.multiply"), ("div", "numpy.divide")
COMMUTING = frozenset({"add", "mul", "numpy.add", "numpy.multiply", "math.hypot", "numpy.hypot"})
# what hands a number or array on as it is
PASSED_ON = frozenset({"identity", "builtins.float", "numpy.float64", "pos", "numpy.positive", "copy"})


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """The partial of a gate's result with respect to an operand; `tangent` where forward mode has another text."""

    operand: Operand
    partial: Partial
    tangent: Partial | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """`terms` are the partials of the root's result, over `y`, `dy` and `names`; `interior` is absorbed; `family` says
    whose functions the texts mean."""

    terms: tuple[Term, ...]
    names: dict[str, Operand] = field(default_factory=dict)
    interior: tuple[Op, ...] = ()
    family: str = "math"


class Dataflow:
    """What the values of a function are made of, where the memory that is read is still the same."""

    def __init__(self, fn: Function, aliases: Aliases) -> None:
        self.aliases = aliases
        self.defs: dict[Value, AnyOp] = definitions(fn)
        self.uses = use_counts(fn)
        self.places: dict[Op, tuple[Block, int]] = {}
        self.outer: dict[Block, tuple[Block, int]] = {}
        self.body = fn.body

    def made(self, o: Operand, *prims: str) -> Op | None:
        """The operation that makes an operand, if it is one of these primitives."""
        op = self.maker(o)
        return op if op is not None and op.prim in prims else None

    def maker(self, o: Operand, reader: Op | None = None) -> Op | None:
        """The operation that makes an operand; of memory, if it is what it was made as, where `reader` stands or always."""
        o = self.source(o)
        op = self.defs.get(o) if isinstance(o, Value) else None
        if not isinstance(op, Op) or len(op.results) != 1:
            return None
        if not is_memory(op.result.type) or not self.aliases.is_written(op.result):
            return op
        return op if reader is not None and self.unchanged(o, op, reader) else None

    def source(self, o: Operand) -> Operand:
        """An operand before it was handed on under other names."""
        while isinstance(o, Value):
            op = self.defs.get(o)
            if not (isinstance(op, Op) and op.prim in PASSED_ON and self.kept(o, op)):
                break
            o = op.operands[0]
        return o

    def kept(self, o: Value, op: Op) -> bool:
        """Whether what hands a value on makes no other of it: of memory, none that is written."""
        return not is_memory(o.type) or not (
            self.aliases.is_written(o) or self.aliases.is_written(op.operands[0])  # type: ignore[arg-type]
        )

    def private(self, o: Operand, *prims: str) -> Op | None:
        """The operation that makes an unnamed operand nobody else reads."""
        op = self.defs.get(o) if isinstance(o, Value) and not o.hint and self.uses[o] == 1 else None
        return op if isinstance(op, Op) and op.prim in prims else None

    def constant(self, o: Operand) -> float | None:
        """The number that an operand is."""
        o = self.source(o)
        plain = isinstance(o, Const) and type(o.value) in (int, float)
        return o.value if plain else None  # type: ignore[union-attr]

    def multiple(self, o: Operand, reader: Op) -> tuple[float, Operand]:
        """A number and an operand whose product an operand is, as `reader` finds it."""
        c = 1.0
        while (op := self.made(o, *MUL, *DIV, "neg", "numpy.negative")) is not None:
            if not all(self.unchanged(x, op, reader) for x in op.operands):
                break
            constants = [self.constant(x) for x in op.operands]
            if len(constants) == 1:
                c, o = -c, op.operands[0]
            elif constants[1]:
                c, o = (c / constants[1] if op.prim in DIV else c * constants[1]), op.operands[0]
            elif constants[0] and op.prim in MUL:
                c, o = c * constants[0], op.operands[1]
            else:
                break
        return c, o

    def unchanged(self, v: Operand, since: Op, until: Op) -> bool:
        """Whether an operand is, where `until` stands, what it was where `since` read it."""
        if not isinstance(v, Value) or not is_memory(v.type) or not self.aliases.is_written(v):
            return True
        (block, start), stop = self.place(since), self.place_in(self.place(since)[0], until)
        if stop is None:
            return False
        between = walk(Block((), block.ops[start:stop], ()))
        return not any(
            isinstance(op, Op)
            and (op.prim == "invoke" or (op.prim in WRITES and self.shares(op.operands[0], v)))
            for op in between
        )

    def shares(self, a: Operand, v: Value) -> bool:
        return isinstance(a, Value) and self.aliases.find(v) in self.aliases.reachable((a,))

    def place(self, op: Op) -> tuple[Block, int]:
        if not self.places:
            stack = [self.body]
            while stack:
                block = stack.pop()
                for i, o in enumerate(block.ops):
                    if isinstance(o, Op):
                        self.places[o] = (block, i)
                    self.outer.update((inner, (block, i)) for inner in blocks(o))
                    stack.extend(blocks(o))
        return self.places[op]

    def place_in(self, block: Block, op: Op) -> int | None:
        """Behind which of a block's operations an operation has surely what it reads: its own place, or where what it stands in
        ends."""
        within, k = self.place(op)
        while within is not block:
            if within not in self.outer:
                return None
            within, k = self.outer[within]
            k += 1
        return k

    def alike(self, a: Operand, b: Operand, depth: int = 0) -> bool:
        """Whether two operands have the same value: the same operations on the same."""
        a, b = self.source(a), self.source(b)
        if a is b or (isinstance(a, Const) and isinstance(b, Const) and repr(a.value) == repr(b.value)):
            return True
        one, other = self.maker(a), self.maker(b)
        if one is None or other is None or depth > 4 or one.prim != other.prim or one.attrs != other.attrs:
            return False
        if not repeatable(one) or len(one.operands) != len(other.operands):
            return False
        first, last = sorted((one, other), key=lambda op: self.place(op)[1])
        orders = (other.operands, other.operands[::-1]) if one.prim in COMMUTING else (other.operands,)
        return any(
            all(
                self.alike(x, y, depth + 1) and self.unchanged(x, first, last)
                for x, y in zip(one.operands, others, strict=True)
            )
            for others in orders
        )


def repeatable(op: Op) -> bool:
    """Whether an operation gives the same of the same each time."""
    return op.prim == "load" or (PRIMS[op.prim].effect in ("none", "raises") and op.prim != "custom")
