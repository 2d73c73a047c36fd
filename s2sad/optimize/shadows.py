"""Shadows that the reverse sweep makes only to add them to something are that something.

    dz = np.zeros(2)          dy[0] += t            dz = np.zeros(2)        dz = 0.1 * dy
    dz[0] += t          is    dy = …          and   dz += 0.1 * dy    is    dz[0] += t
    dy = dy + dz                                    dz[0] += t

where nobody else knows the memory that is written instead, and nothing reads it between the first write and the sum.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from s2sad.analysis.uses import definitions, use_counts
from s2sad.ir.core import (
    AnyOp,
    Block,
    For,
    Function,
    Op,
    Operand,
    Value,
    While,
    blocks,
    operands,
    walk,
    with_blocks,
)
from s2sad.ir.types import Array, Type, is_many
from s2sad.optimize.buffers import NEW
from s2sad.rules.effects import is_fresh, is_view
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import is_elementwise

ADDS = frozenset({"accumulate", "add_into", "scatter_add"})
READS = frozenset({"load", "numpy.sum", "matmul", "copy", "zeros_like", "shape"})  # besides arithmetic


def share_shadows(fn: Function) -> Function:
    """Replace shadows of the reverse sweep by what they are added to, or by the first that is added to them."""
    if not any(isinstance(op, Op) and op.prim in NEW and op.loc.reverse for op in walk(fn.body)):
        return fn
    fn = replace(fn, body=_Shared(fn).block(fn.body))
    return replace(fn, body=_Started(fn).block(fn.body))


def same_sizes(a: Type, b: Type) -> bool:
    """Whether two arrays have one shape and dtype, if the program is valid."""
    if not (isinstance(a, Array) and isinstance(b, Array)) or (a.dtype, a.ndim) != (b.dtype, b.ndim):
        return False
    return all(x == y is not None or (is_many(x) and is_many(y)) for x, y in zip(a.dims, b.dims, strict=True))


def reads(op: AnyOp, v: Value) -> bool:
    """Whether an operation, or one that it holds, reads a value."""
    if v in operands(op):
        return True
    return any(v in b.yields or any(reads(o, v) for o in b.ops) for b in blocks(op))


class _Shared:
    """A shadow that one array is added to, when all has been added to it, is that array."""

    def __init__(self, fn: Function) -> None:
        self.uses: Counter[Value] = use_counts(fn)
        self.defs = definitions(fn)
        self.names: dict[Value, Value] = {}
        self.carried: dict[Value, tuple[Operand, Operand, Block]] = {}
        self.places: dict[Value, Block] = {}
        self.index(fn.body)

    def index(self, block: Block) -> None:
        for op in block.ops:
            self.places.update(dict.fromkeys(op.results, block))
            if isinstance(op, For):
                columns = zip(op.body.params[1:], op.init, op.body.yields, strict=True)
                self.carried.update({p: (i, y, block) for p, i, y in columns})
                self.places.update(dict.fromkeys(op.body.params, op.body))
            for inner in blocks(op):
                self.index(inner)

    def block(self, block: Block) -> Block:
        ops = list(block.ops)
        for k, op in enumerate(ops):
            if isinstance(op, Op) and op.prim == "add" and op.loc.reverse:
                self.sum(block, ops, k, op)
        found: list[AnyOp] = []
        for op in ops:
            if isinstance(op, Op):
                if op.results and op.results[0] in self.names and op.prim in (*NEW, "add"):
                    continue
                found.append(replace(op, operands=tuple(map(self.get, op.operands))))
                continue
            op = with_blocks(op, self.block)
            if isinstance(op, (For, While)):
                op = replace(op, init=tuple(map(self.get, op.init)))
            found.append(op)
        return replace(block, ops=tuple(found), yields=tuple(map(self.get, block.yields)))

    def get(self, o: Operand) -> Operand:
        while isinstance(o, Value) and o in self.names:
            o = self.names[o]
        return o

    def sum(self, block: Block, ops: list[AnyOp], k: int, op: Op) -> None:
        for shadow, into in (op.operands, op.operands[::-1]):
            if not (isinstance(shadow, Value) and isinstance(into, Value) and shadow is not into):
                continue
            made = self.defs.get(shadow)
            if not (isinstance(made, Op) and made.prim in ("zeros_like", "numpy.zeros") and made in ops[:k]):
                continue
            start = ops.index(made)
            touching = [j for j in range(start + 1, len(ops)) if reads(ops[j], shadow)]
            if not touching or touching[-1] != k or shadow in block.yields:
                continue
            before = [ops[j] for j in touching[:-1]]
            if not all(isinstance(o, Op) and o.prim in ADDS and o.operands[0] is shadow for o in before):
                continue
            if not (same_sizes(op.result.type, into.type) and same_sizes(shadow.type, into.type)):
                continue
            first = touching[0]
            if any(
                into in o.results for o in ops[first:]
            ):  # it does not exist yet when the shadow is written
                continue
            if any(reads(ops[j], into) for j in range(first, len(ops)) if j != k) or into in block.yields:
                continue
            if into in self.names.values() or not self.owned(into, block, set()):
                continue
            self.names[shadow] = into
            self.names[op.result] = into
            return

    def owned(self, v: Operand, block: Block, seen: set[Value]) -> bool:
        """Whether what a block has under this name is memory that nothing else has, and nothing reads later."""
        if not isinstance(v, Value) or self.places.get(v) is not block:
            return False
        if v in seen:
            return True
        seen.add(v)
        if not self.only_read(v):
            return False
        made = self.defs.get(v)
        if isinstance(made, Op):
            return is_new(made)
        if v not in self.carried:
            return False
        init, out, around = self.carried[v]
        if not (isinstance(init, Value) and self.uses[init] == 1):
            return False
        return self.owned(init, around, seen) and (
            out is v or (self.owned(out, block, seen) and block.yields.count(out) == 1)
        )

    def only_read(self, v: Value) -> bool:
        """Whether no reader keeps an array, or gives another name to its memory."""
        for op in self.readers(v):
            if isinstance(op, Op):
                known = is_elementwise(PRIMS[op.prim]) and is_fresh(op)
                if not (known or op.prim in READS or op.prim in ADDS):
                    return False
            elif not isinstance(op, For):
                return False
        return True

    def readers(self, v: Value) -> list[AnyOp]:
        found: list[AnyOp] = []

        def look(block: Block) -> None:
            for op in block.ops:
                if v in operands(op):
                    found.append(op)
                for b in blocks(op):
                    look(b)

        look(self.places[v])
        return found


class _Started:
    """A shadow starts as the first that is added to it, where that is all of it."""

    def __init__(self, fn: Function) -> None:
        self.uses: Counter[Value] = use_counts(fn)
        # those that have to lie in memory row by row, and those with views that have to: they lie as their arrays do
        self.reshaped: set[Operand] = set()
        self.turned: set[Operand] = set()
        defs = definitions(fn)
        for op in walk(fn.body):
            if isinstance(op, Op) and op.prim == "reshaped":
                of = op.operands[0]
                self.reshaped.add(of)
                while is_view(made := defs.get(of)):  # type: ignore[arg-type]
                    of = made.operands[0]  # type: ignore[union-attr]
                    self.turned.add(of)

    def block(self, block: Block) -> Block:
        ops: list[AnyOp] = [with_blocks(op, self.block) for op in block.ops]
        for made in [op for op in ops if isinstance(op, Op) and op.prim in ("zeros_like", "numpy.zeros")]:
            if made.loc.reverse:
                self.start(block, ops, made)
        return replace(block, ops=tuple(ops))

    def start(self, block: Block, ops: list[AnyOp], made: Op) -> None:
        shadow, at = made.result, ops.index(made)
        first = next((j for j in range(at + 1, len(ops)) if reads(ops[j], shadow)), None)
        if first is None or shadow in self.turned:
            return
        op = ops[first]
        if not (isinstance(op, Op) and op.prim == "add_into" and op.operands[0] is shadow):
            return
        term = op.operands[1]
        if term is shadow or not (isinstance(term, Value) and same_sizes(term.type, shadow.type)):
            return
        source = next((o for o in ops[at + 1 : first] if isinstance(o, Op) and term in o.results), None)
        by_rows = shadow.type.ndim == 1 or shadow not in self.reshaped  # type: ignore[attr-defined]
        if source is not None and self.uses[term] == 1 and is_new(source) and by_rows:
            ops[ops.index(source)] = replace(source, results=(shadow,))
            del ops[first]
        else:
            ops[first] = Op("copy", (term,), (shadow,), op.loc)
        del ops[at]


def is_new(op: Op) -> bool:
    """Whether an operation gives memory of its own."""
    return op.prim in NEW or (is_elementwise(PRIMS[op.prim]) and is_fresh(op))
