"""What the forward sweep stores for the reverse sweep, loop by loop: read off the tapes of a typed function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s2sad.analysis.uses import definitions
from s2sad.ir.core import AnyOp, Block, For, Function, Op, Value, While, blocks
from s2sad.ir.types import Array, Scalar, Tape, Tuple, Type, is_memory
from s2sad.rules.effects import is_fresh


@dataclass(frozen=True, slots=True)
class Stored:
    """A tape, the line of the loop that writes it (0: calls of the function do), and what each record holds;
    `refers`: a reference to memory that is there anyway."""

    tape: Value
    line: int
    item: Type
    refers: bool = False

    @property
    def bytes(self) -> int:
        """The size of the numbers in one record; arrays are not counted."""
        return sum(np.dtype(n).itemsize for n in _numbers(self.item))

    @property
    def arrays(self) -> tuple[str, ...]:
        """The types of the arrays in one record."""
        return tuple(_arrays(self.item))


def stored(fn: Function) -> tuple[Stored, ...]:
    """The tapes that a function writes, in the order of its loops."""
    found: dict[Value, Stored] = {}
    made = definitions(fn)

    def visit(block: Block, loop: AnyOp | None) -> None:
        for op in block.ops:
            if isinstance(op, Op) and op.prim == "tape_write" and isinstance(op.operands[0], Value):
                tape = op.operands[0]
                assert isinstance(tape.type, Tape)
                line = loop.loc.line if loop is not None else 0
                held = op.operands[2]
                source = made.get(held) if isinstance(held, Value) else None
                refers = is_memory(tape.type.item) and not is_fresh(source)
                found.setdefault(tape, Stored(tape, line, tape.type.item, refers))
            for inner in blocks(op):
                visit(inner, op if isinstance(op, (For, While)) else loop)

    visit(fn.body, None)
    return tuple(found.values())


def described(records: tuple[Stored, ...], names: dict[Value, str]) -> list[str]:
    """A line for each loop: `each iteration of line 6 stores tape_x, tape_t (16 bytes)`."""
    lines = []
    for line in dict.fromkeys(r.line for r in records):
        mine = [r for r in records if r.line == line]
        sizes = [f"{n} bytes"] if (n := sum(r.bytes for r in mine)) else []
        arrays = [a for r in mine if not r.refers for a in r.arrays]
        sizes += [f"{arrays.count(a)} {a}" for a in dict.fromkeys(arrays)]
        if references := sum(r.refers for r in mine):
            sizes.append(f"{references} reference{'s' if references > 1 else ''}")
        of = f"each iteration of line {line}" if line else "each call"
        lines.append(f"{of} stores {', '.join(names[r.tape] for r in mine)} ({', '.join(sizes) or 'tapes'})")
    return lines


def _numbers(t: Type) -> list[str]:
    if isinstance(t, Tuple):
        return [n for item in t.items for n in _numbers(item)]
    if isinstance(t, Scalar):
        return [
            t.dtype or {"float": "float64", "int": "int64", "bool": "bool", "complex": "complex128"}[t.kind]
        ]
    return []


def _arrays(t: Type) -> list[str]:
    if isinstance(t, Tuple):
        return [a for item in t.items for a in _arrays(item)]
    return [str(t)] if isinstance(t, Array) else []
