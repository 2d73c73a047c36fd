"""Arrays that loops carry and nothing writes: their adjoints are values, though elements of them are read.

The adjoint of an array that is read by elements is memory, to which each reading adds. Where a loop carries one from
iteration to iteration, the forward sweep would have to make and keep that memory for every array it carries. As nothing
writes these arrays, what reads elements may as well read a *borrowed* array of each: the same array under a name of its
own, whose adjoint is memory that the reverse of the iteration makes, and adds to the adjoint of what the loop carries.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from s2sad.analysis.aliases import Aliases
from s2sad.analysis.uses import definitions
from s2sad.ir.core import AnyOp, Block, For, Function, If, Op, Operand, Value, While, walk, with_blocks
from s2sad.ir.types import Array
from s2sad.rules.effects import is_own, is_view, keeps
from s2sad.typing.thread import substituted


def borrowed(fn: Function) -> Function:
    """The function with borrowed arrays where loops carry arrays that nothing writes and elements of which are read."""
    if fn.called or not any(isinstance(op, (For, While)) for op in walk(fn.body)):
        return fn
    chosen = carried_classes(fn)
    if not chosen:
        return fn
    return replace(fn, body=_Borrow(chosen).block(fn.body, fn.params))


def carried_classes(fn: Function) -> set[Value]:
    """The values of the classes of such arrays."""
    aliases, defs = Aliases(fn), definitions(fn)
    members: dict[Value, set[Value]] = defaultdict(set)
    carried: set[Value] = set()
    read: set[Value] = set()
    kept: set[Value] = set()

    def note(*values: Operand) -> None:
        for v in values:
            if isinstance(v, Value) and isinstance(v.type, Array):
                members[aliases.find(v)].add(v)

    note(*fn.params)
    handed_on: list[Operand] = []
    for op in walk(fn.body):
        note(*op.results)
        if isinstance(op, If):
            handed_on += (*op.then.yields, *op.orelse.yields)
        elif isinstance(op, (For, While)):
            params = op.body.params[1:] if isinstance(op, For) else op.body.params
            tests = op.test if isinstance(op, While) else Block((), (), ())
            note(*params, *tests.params)
            handed_on += (*op.init, *op.body.yields, *tests.yields)
            carried |= {aliases.find(p) for p in params if isinstance(p.type, Array)}
        elif isinstance(op, Op):
            arrays = [o for o in op.operands if isinstance(o, Value) and isinstance(o.type, Array)]
            # an array's name may stand in what reads it as a whole, and gives no other name to its memory
            kept |= {
                aliases.find(o) for o in arrays if keeps(op, o) or op.prim in ("array_of", "stop_gradient")
            }
            if reads_parts(op) and arrays:
                read.add(aliases.find(arrays[0]))
    for o in handed_on:  # one that a loop has by reference only
        made = defs.get(o) if isinstance(o, Value) and isinstance(o.type, Array) else None
        if isinstance(made, Op) and not is_own(made):
            kept.add(aliases.find(o))  # type: ignore[arg-type]
    found: set[Value] = set()
    for root in (carried & read) - kept:
        if not aliases.is_written(root):
            found |= {v for v in members[root] if not is_view(defs.get(v))}
    return found


def reads_parts(op: Op) -> bool:
    """Whether an operation reads parts of its first operand, an array."""
    return is_view(op) or op.prim in ("load", "gather")


class _Borrow:
    def __init__(self, chosen: set[Value]) -> None:
        self.chosen = chosen
        self.names: dict[Value, Value] = {}
        self.asked: set[Value] = set()

    def block(self, block: Block, params: tuple[Value, ...] = ()) -> Block:
        """A block in which elements are read of borrowed arrays, each borrowed where the array comes to be."""
        ops: list[AnyOp] = list(block.ops)
        found: list[AnyOp] = []
        for v in (*params, *block.params):
            self.name(v)
        for op in ops:
            for r in op.results:
                self.name(r)
            found.append(self.op(op))
        placed: list[AnyOp] = self.borrows((*params, *block.params))
        for op in found:
            placed.append(op)
            placed += self.borrows(op.results)
        return replace(block, ops=tuple(placed))

    def name(self, v: Value) -> None:
        if v in self.chosen:
            self.names[v] = Value(v.hint, v.type)

    def borrows(self, values: tuple[Value, ...]) -> list[AnyOp]:
        return [Op("borrow", (v,), (self.names[v],)) for v in values if v in self.asked]

    def op(self, op: AnyOp) -> AnyOp:
        if not isinstance(op, Op):
            return with_blocks(op, self.block)
        if not reads_parts(op):
            return op
        first = op.operands[0]
        if not (isinstance(first, Value) and first in self.names):
            return op
        self.asked.add(first)
        return replace(op, operands=(self.names[first], *op.operands[1:]))


def returned(fn: Function, ops: tuple[AnyOp, ...]) -> tuple[AnyOp, ...]:
    """Operations of a differentiated function, which read what was borrowed and not its other name."""
    of = {op.result: op.operands[0] for op in walk(fn.body) if isinstance(op, Op) and op.prim == "borrow"}
    if not of:
        return ops

    def without(block: Block) -> Block:
        kept = (op for op in block.ops if not (isinstance(op, Op) and op.prim == "borrow"))
        return replace(block, ops=tuple(with_blocks(op, without) for op in kept))

    return without(substituted(Block((), ops, ()), of)).ops  # type: ignore[arg-type]
