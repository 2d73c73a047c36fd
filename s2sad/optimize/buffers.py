"""Sums of arrays that a loop carries are made in one buffer: `dW = dW + term` in every iteration becomes `dW += term`.

A sum is one that starts as memory nobody else knows, such as zeros, is handed from one addition to the next through
loops and branches, and is read by nothing else on the way. Its buffer is what it starts as.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from s2sad.analysis.uses import definitions, use_counts
from s2sad.ir.core import AnyOp, Block, For, Function, If, Op, Operand, Value, While, blocks
from s2sad.ir.types import Array
from s2sad.rules.effects import is_fresh

NEW = frozenset({"zeros_like", "numpy.zeros", "copy"})


def sum_in_place(fn: Function) -> Function:
    """Replace additions to sums that loops of the reverse sweep carry."""
    found = _Sums(fn)
    return replace(fn, body=found.rebuilt(fn.body)) if found.buffers else fn


class _Sums:
    """`buffers`: the values that a sum has on its way, each with what it starts as."""

    def __init__(self, fn: Function) -> None:
        self.uses: Counter[Value] = use_counts(fn)
        self.defs = definitions(fn)
        self.readers: dict[Value, list[tuple[AnyOp, int]]] = {}
        self.buffers: dict[Value, Value] = {}
        self.first: set[Value] = set()  # what sums start as
        self.index(fn.body)
        for op in list(self.loops(fn.body)):
            for k, start in enumerate(op.init):
                if op.loc.reverse and isinstance(start, Value) and self.starts(start):
                    self.consider(op, k, start)

    def index(self, block: Block) -> None:
        for op in block.ops:
            if isinstance(op, Op):
                for i, o in enumerate(op.operands):
                    if isinstance(o, Value):
                        self.readers.setdefault(o, []).append((op, i))
            elif isinstance(op, For):
                for i, o in enumerate(op.init):
                    if isinstance(o, Value):
                        self.readers.setdefault(o, []).append((op, i))
            for inner in blocks(op):
                self.index(inner)

    def loops(self, block: Block) -> list[For]:
        """The loops that are in no other, the first first; those in others are looked at with them."""
        found: list[For] = []
        for op in block.ops:
            if isinstance(op, For):
                found.append(op)
            elif isinstance(op, If):
                found += [*self.loops(op.then), *self.loops(op.orelse)]
        return found

    def starts(self, v: Value) -> bool:
        op = self.defs.get(v)
        new = is_fresh(op)
        return (
            new
            and isinstance(v.type, Array)
            and v.type.ndim > 0
            and self.uses[v] == 1
            and v not in self.buffers
        )

    def consider(self, loop: For, k: int, start: Value) -> None:
        values: list[Value] = []
        if self.handed(loop, k, start.type, values):
            buffer = start if start.hint else Value(values[0].hint, start.type)
            self.buffers.update(dict.fromkeys((start, *values), buffer))
            self.first.add(start)

    def handed(self, loop: For, k: int, t: object, values: list[Value]) -> bool:
        """Whether what a loop carries at a place is such a sum."""
        result = loop.results[k]
        values.append(result)
        return self.same(result, t) and self.chain(
            loop.body.params[1 + k], loop.body, loop.body.yields[k], t, values
        )

    def chain(self, v: Value, block: Block, end: Operand, t: object, values: list[Value]) -> bool:
        """Whether one addition after another leads from a value at a block's start to one that it yields."""
        if not self.same(v, t) or self.uses[v] != 1:
            return False
        values.append(v)
        if v is end:
            return True
        readers = self.readers.get(v, [])
        if len(readers) != 1:
            return False
        op, i = readers[0]
        if op not in block.ops:
            return False
        if isinstance(op, For):
            inner: list[Value] = []
            if not self.handed(op, i, t, inner):
                return False
            values += inner
            return self.chain(op.results[i], block, end, t, values)
        sums = isinstance(op, Op) and (op.prim == "add" or (op.prim == "sub" and i == 0))
        return sums and self.chain(op.results[0], block, end, t, values)

    def same(self, v: Value, t: object) -> bool:
        """Whether a value has the dtype and axes that the buffer has."""
        return (
            isinstance(v.type, Array)
            and isinstance(t, Array)
            and (v.type.dtype, v.type.ndim) == (t.dtype, t.ndim)
        )

    def rebuilt(self, block: Block) -> Block:
        ops: list[AnyOp] = []
        for op in block.ops:
            summed = isinstance(op, Op) and op.prim in ("add", "sub") and op.result not in self.first
            if isinstance(op, Op) and summed and op.result in self.buffers:
                a, b = op.operands
                term = self.get(b if a in self.buffers else a)
                if op.prim == "sub":
                    minus = Value("", term.type)
                    ops.append(Op("neg", (term,), (minus,), op.loc))
                    term = minus
                ops.append(Op("add_into", (self.buffers[op.result], term), (), op.loc))
                continue
            if isinstance(op, Op):
                results = tuple(map(self.get, op.results))
                ops.append(replace(op, operands=tuple(map(self.get, op.operands)), results=results))  # type: ignore[arg-type]
                continue
            if isinstance(op, If):
                op = replace(op, then=self.rebuilt(op.then), orelse=self.rebuilt(op.orelse))
            elif isinstance(op, For):
                op = self.loop(op)
            elif isinstance(op, While):
                op = replace(
                    op,
                    init=tuple(map(self.get, op.init)),
                    test=self.rebuilt(op.test),
                    body=self.rebuilt(op.body),
                )
            ops.append(op)
        return replace(block, ops=tuple(ops), yields=tuple(map(self.get, block.yields)))

    def loop(self, op: For) -> For:
        kept = [k for k, r in enumerate(op.results) if r not in self.buffers]
        body = self.rebuilt(op.body)
        body = replace(
            body,
            params=(body.params[0], *(body.params[1 + k] for k in kept)),
            yields=tuple(body.yields[k] for k in kept),
        )
        init = tuple(self.get(op.init[k]) for k in kept)
        return replace(op, init=init, body=body, results=tuple(op.results[k] for k in kept))

    def get(self, o: Operand) -> Operand:
        return self.buffers.get(o, o) if isinstance(o, Value) else o
