"""For Numba: copies of vectors that nested loops keep become records of their numbers.

    for i in …:                         for i in …:
        tape_q = []                         for j in …:
        for j in …:                             for a in range(len(q)):
            tape_q.append(q.copy())                 tape_q[i, j, a] = q[a]

A list of small arrays in an inner loop costs more than what it holds; all the numbers are one array, which the tapes of
numbers are gathered in afterwards. Vectors that one loop keeps stay a list: one fresh array as large as all of them is
new memory at every call.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from s2sad.analysis.uses import definitions
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
from s2sad.ir.types import INT, Array, Tape, Type
from s2sad.rules.builder import const
from s2sad.typing.thread import substituted


def records_of_numbers(fn: Function) -> Function:
    """Keep the vectors of inner loops number by number."""
    if not any(isinstance(op, Op) and op.prim == "tape_new" and is_vector(item(op)) for op in walk(fn.body)):
        return fn
    return _Records(fn).run()


def item(op: Op) -> Type:
    return op.result.type.item  # type: ignore[attr-defined,no-any-return]


def is_vector(t: Type) -> bool:
    return isinstance(t, Array) and t.ndim == 1 and not t.optional


@dataclass(eq=False)
class _Tape:
    """A tape of vectors: its names, what is read of it, the copy that is kept, and the vector that is copied."""

    names: list[Value]
    copy: Op
    source: Value
    reads: set[Value] = field(default_factory=set)


class _Records:
    def __init__(self, fn: Function) -> None:
        self.fn = fn
        self.makers = definitions(fn)
        self.users: dict[Operand, list[AnyOp]] = {}
        self.depth: dict[Value, int] = dict.fromkeys(fn.params, 0)
        self.visit(fn.body, 0)

    def visit(self, block: Block, depth: int) -> None:
        for op in block.ops:
            for o in operands(op):
                self.users.setdefault(o, []).append(op)
            for inner in blocks(op):
                self.visit(inner, depth + isinstance(op, (For, While)))
            self.depth.update(dict.fromkeys(op.results, depth))
        for o in block.yields:
            self.users.setdefault(o, []).append(Op("yield", (o,), ()))

    def run(self) -> Function:
        made = [op for op in walk(self.fn.body) if isinstance(op, Op) and op.prim == "tape_new"]
        tapes = [found for op in made if is_vector(item(op)) and (found := self.tape(op)) is not None]
        if not tapes:
            return self.fn
        return replace(self.fn, body=_Rewriting(tapes).body(self.fn.body))

    def tape(self, made: Op) -> _Tape | None:
        """A tape whose vectors may be kept by their numbers; None where something reads them as a whole."""
        if self.depth[made.result] == 0 or made.operands:
            return None
        writes = [op for op in self.users.get(made.result, []) if is_use(op, "tape_write", made.result)]
        if len(writes) != 1:
            return None
        kept = writes[0].operands[-1]  # type: ignore[union-attr]
        copy = self.makers.get(kept) if isinstance(kept, Value) else None
        if not (isinstance(copy, Op) and copy.prim == "copy" and len(self.users[copy.result]) == 1):
            return None
        source = copy.operands[0]
        if not isinstance(source, Value) or self.depth.get(source) != 0 or copy.result.type != item(made):
            return None
        found = _Tape([], copy, source)
        return found if self.follow(made.result, found) else None

    def follow(self, tape: Value, found: _Tape) -> bool:
        """Collect what a tape is called and what is read of it; false where it goes elsewhere."""
        found.names.append(tape)
        for op in self.users.get(tape, []):
            if is_use(op, "tape_read", tape):
                result = op.results[0]
                if isinstance(result.type, Tape):
                    if not self.follow(result, found):
                        return False
                elif all(self.is_element(o, result) for o in self.users.get(result, [])):
                    found.reads.add(result)
                else:
                    return False
            elif is_use(op, "tape_write", tape):
                continue
            elif isinstance(op, Op) and op.prim == "tape_write" and op.operands[-1] is tape:
                holder = op.operands[0]
                if not isinstance(holder, Value) or self.is_passed(holder):
                    return False
                if holder not in found.names and not self.follow(holder, found):
                    return False
            else:
                return False
        return True

    def is_passed(self, tape: Value) -> bool:
        made = self.makers.get(tape)
        return not (isinstance(made, Op) and made.prim == "tape_new" and not made.operands)

    def is_element(self, op: AnyOp, vector: Value) -> bool:
        """Whether an operation reads one number of a vector, or how many it has."""
        if not isinstance(op, Op) or op.operands[0] is not vector or vector in op.operands[1:]:
            return False
        return op.prim in ("load", "len", "shape")


class _Rewriting:
    def __init__(self, tapes: list[_Tape]) -> None:
        self.copies = {t.copy: t for t in tapes}
        self.reads = {v: t for t in tapes for v in t.reads}
        self.names = {v: Value(v.hint, deeper(v.type)) for t in tapes for v in (*t.names, *t.reads)}
        self.rows: dict[Value, Value] = {}

    def body(self, body: Block) -> Block:
        return substituted(self.block(body), {**self.names, **self.rows})

    def block(self, block: Block) -> Block:
        ops: list[AnyOp] = []
        for op in block.ops:
            op = with_blocks(op, self.block)
            tape = self.copies.get(op) if isinstance(op, Op) else None
            if tape is not None:
                ops += self.recorded(op, tape)  # type: ignore[arg-type]
            elif isinstance(op, Op) and op.operands and op.operands[0] in self.reads:
                ops.append(self.element(op))
            else:
                ops.append(self.renamed(op))
        return replace(block, ops=tuple(ops))

    def renamed(self, op: AnyOp) -> AnyOp:
        """Results with other types are other values."""
        if any(r in self.names for r in op.results):
            return replace(op, results=tuple(self.names.get(r, r) for r in op.results))
        return op

    def recorded(self, copy: Op, tape: _Tape) -> list[AnyOp]:
        """A vector's numbers in a tape of their own."""
        number: Type = tape.source.type.item  # type: ignore[attr-defined]
        row = self.rows[copy.result] = Value(tape.names[0].hint, Tape(number))
        size, k, v = Value("", INT), Value("k", INT), Value("", number)
        body = (
            Op("load", (tape.source, k), (v,), copy.loc),
            Op("tape_write", (row, k, v), (), copy.loc),
        )
        return [
            Op("len", (tape.source,), (size,), copy.loc),
            Op("tape_new", (), (row,), copy.loc),
            For(const(0), size, const(1), (), Block((k,), body, ()), (), copy.loc),
        ]

    def element(self, op: Op) -> Op:
        vector = op.operands[0]
        if op.prim == "load":
            return replace(op, prim="tape_read")
        return replace(op, prim="len", operands=(self.reads[vector].source,), attrs=())  # type: ignore[index]


def deeper(t: Type) -> Type:
    """A tape of vectors, or a vector, by its numbers."""
    return Tape(deeper(t.item)) if isinstance(t, Tape) else Tape(t.item)  # type: ignore[attr-defined]


def is_use(op: AnyOp, prim: str, tape: Value) -> bool:
    return isinstance(op, Op) and op.prim == prim and op.operands[0] is tape
