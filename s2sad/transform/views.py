"""What NumPy gives as a view or as a copy: decided by how arrays lie in memory, where anything is written.

Reshaped arrays become views or copies. Diagonals and what is spread out are views that nobody can write: they are taken anew
wherever they are read. What is left, which only the call shows, is sound where no one can tell the two apart, and refused elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from s2sad.analysis.aliases import (
    SIZES,
    WRITES,
    Aliases,
    last_writes,
    refuse_written_conversions,
    refuse_written_numbers,
)
from s2sad.analysis.layout import Layouts, of_twins
from s2sad.analysis.uses import use_counts
from s2sad.errors import UndecidedViewError
from s2sad.ir.core import AnyOp, Block, Function, Op, Operand, Value, blocks, operands, walk, with_blocks
from s2sad.ir.types import Array, is_memory
from s2sad.optimize.dce import eliminate_dead_code
from s2sad.rules.builder import Builder, const
from s2sad.rules.complexes import is_complex
from s2sad.rules.effects import Made, is_fresh, is_view, keeps, made, maybe_view

READ_ONLY = frozenset({"numpy.broadcast_to", "numpy.diagonal"})
PARTS = frozenset({"numpy.real", "numpy.imag"})  # views of complex arrays


def settled(fn: Function, inputs: tuple[Value, ...]) -> Function:
    """The function with views and copies for what is reshaped; raises where the two can be told apart and nothing shows
    which of them the call gives."""
    fn = decided(fn)
    if undecided(fn):
        fn = read_anew(fn)
        refuse_written_views(eliminate_dead_code(fn, inputs))
    aliases = Aliases(fn)
    refuse_written_conversions(fn, aliases)
    refuse_written_numbers(fn, aliases)
    return fn


def asks_for_layouts(fn: Function) -> bool:
    """Whether the layouts of a function's arguments decide what it does."""

    def kinds(f: Function) -> list[str]:
        return [op.prim for op in walk(decided(f).body) if isinstance(op, Op)]

    if not fn.layouts or not undecided(fn):
        return False
    return kinds(fn) != kinds(replace(fn, layouts={}))


# -- by the layout ----------------------------------------------------------------------------------------


def decided(fn: Function) -> Function:
    """The function with views and copies where memory is written and the layout shows which of them NumPy gives."""
    left = undecided(fn)
    while left:
        twins = [Layouts(fn, given) for given in of_twins(fn)]
        fn = replace(fn, body=_decided(fn.body, Aliases(fn), Layouts(fn, fn.layouts), twins))
        before, left = left, undecided(fn)
        if left == before:
            break  # else what became a view may have views of its own
    return fn


def undecided(fn: Function) -> int:
    return sum(maybe_view(op) for op in walk(fn.body))


def _decided(block: Block, aliases: Aliases, layouts: Layouts, twins: list[Layouts]) -> Block:
    ops: list[AnyOp] = []
    for op in block.ops:
        if not isinstance(op, Op):
            op = with_blocks(op, lambda b: _decided(b, aliases, layouts, twins))
        elif maybe_view(op):
            if aliases.is_written(op.operands[0]) or aliases.is_written(op.result):  # type: ignore[arg-type]
                op = by_layout(op, layouts, twins)
            elif is_flat(op):
                op = same(op)
        ops.append(op)
    return replace(block, ops=tuple(ops))


def by_layout(op: Op, layouts: Layouts, twins: list[Layouts]) -> Op:
    """An operation as a view or a copy. `twins`: how shadows and tangents lie where that is not as arguments do: what is a
    view of an argument must be one of them, and what is a copy is made as one."""
    if op.prim == "numpy.ascontiguousarray":
        a = op.operands[0]
        found = layouts.of(a)
        if found is None or not (found.by_rows or found.otherwise(a.type.dims)):  # type: ignore[attr-defined]
            return op
        return same(op) if found.by_rows else replace(op, prim="copy", attrs=(("order", "C"),))
    if op.prim != "numpy.reshape":
        return op
    view = layouts.reshapes_to_view(op)
    if view is None or (op.attr("flat") and not view):
        return op
    if is_flat(op):
        return same(op) if view else replace(op, prim="copy", operands=op.operands[:1], attrs=())
    if view and not all(twin.reshapes_to_view(op) for twin in twins):
        return op
    return (
        replace(op, prim="reshaped", attrs=())
        if view
        else replace(op, prim="reshape_copy", attrs=(("apart", True),) if twins else op.attrs)
    )


def is_flat(op: Op) -> bool:
    """Whether an operation is `ravel` of an array of one axis."""
    return bool(op.attr("ravel")) and op.operands[0].type.ndim == 1  # type: ignore[attr-defined]


def same(op: Op) -> Op:
    """An operation that gives its operand."""
    return replace(op, prim="identity", operands=op.operands[:1], attrs=())


# -- views that nobody can write, and parts of complex arrays ---------------------------------------------------


def read_anew(fn: Function) -> Function:
    """The function with diagonals, what is spread out, and real and imaginary parts, of written memory taken anew by each
    operation that reads them: as views do, they show what is there by then. What is written to a part is written to the complex array."""
    aliases = Aliases(fn)
    chains: dict[Value, Op] = {}  # such views, and views of them

    def collect(block: Block) -> None:
        for k, op in enumerate(block.ops):
            for inner in blocks(op):
                collect(inner)
            first = op.operands[0] if isinstance(op, Op) and op.operands else None
            if not isinstance(op, Op) or not isinstance(first, Value) or not is_memory(first.type):
                continue
            late = op.prim in READ_ONLY or (op.prim in PARTS and is_complex(first.type))
            late = late and aliases.is_written(first) and not read_at_once(block, k, aliases)
            views = op.prim in READ_ONLY | PARTS or made(op) in (Made.VIEW, Made.SAME)
            if late or (first in chains and views):
                chains[op.result] = op

    collect(fn.body)
    if not chains:
        return fn
    fn = replace(fn, body=_anew(fn.body, chains))
    while dead := {v for v in chains if not use_counts(fn)[v]}:
        fn = replace(fn, body=_without(fn.body, {chains.pop(v) for v in dead}))
    return fn


def _anew(block: Block, chains: dict[Value, Op]) -> Block:
    ops: list[AnyOp] = []

    def again(o: Operand) -> Operand:
        if o not in chains:
            return o
        op = chains[o]  # type: ignore[index]
        own = Value(op.result.hint, op.result.type)
        ops.append(replace(op, operands=(again(op.operands[0]), *op.operands[1:]), results=(own,)))
        return own

    for op in block.ops:
        if not isinstance(op, Op):
            op = with_blocks(op, lambda b: _anew(b, chains))
        elif op.prim not in SIZES and not any(r in chains for r in op.results):
            if op.prim in WRITES and op.operands[0] in chains and part_of(op.operands[0], chains) is not None:
                ops += written_part(op, chains, again)
                continue
            read = [o for o in op.operands if o in chains]
            if read and not any(keeps(op, o) for o in read):  # type: ignore[arg-type]
                op = replace(op, operands=tuple(map(again, op.operands)))
        ops.append(op)
    return replace(block, ops=tuple(ops))


def part_of(v: Operand, chains: dict[Value, Op]) -> Op | None:
    """The operation that takes the part of a complex array that a chain of views leads to."""
    while v in chains and chains[v].prim not in PARTS:  # type: ignore[index]
        v = chains[v].operands[0]  # type: ignore[index]
    return chains.get(v)  # type: ignore[arg-type]


def written_part(op: Op, chains: dict[Value, Op], again: Callable[[Operand], Operand]) -> list[AnyOp]:
    """A write to a part of a complex array: to a copy of the part, and that with the other part to the array."""
    target = op.operands[0]
    taken = part_of(target, chains)
    assert taken is not None and isinstance(target, Value) and isinstance(target.type, Array)
    b = Builder(op.loc)
    rest = tuple(map(again, op.operands[1:]))  # before the views that are made here

    def whole(v: Operand) -> Operand:
        """The same elements of the complex array."""
        made_ = chains[v]  # type: ignore[index]
        if made_ is taken:
            return again(made_.operands[0])
        t: Any = made_.result.type
        t = replace(t, dtype=taken.operands[0].type.dtype)  # type: ignore[attr-defined]
        return b.emit(made_.prim, whole(made_.operands[0]), *made_.operands[1:], type=t, **dict(made_.attrs))

    a = whole(target)
    real, imag = (b.emit(name, a) for name in ("numpy.real", "numpy.imag"))
    own = b.emit("copy", real if taken.prim == "numpy.real" else imag, type=target.type)
    b.ops.append(replace(op, operands=(own, *rest)))
    parts = (own, imag) if taken.prim == "numpy.real" else (real, own)
    b.effect("assign", a, b.emit("add", parts[0], b.emit("mul", const(1j), parts[1])))
    return b.ops


def _without(block: Block, dead: set[Op]) -> Block:
    ops = (op if isinstance(op, Op) else with_blocks(op, lambda b: _without(b, dead)) for op in block.ops)
    return replace(block, ops=tuple(op for op in ops if op not in dead))


# -- what is left -----------------------------------------------------------------------------------------------


def refuse_written_views(fn: Function) -> None:
    """A view or a copy, which only the call shows, of memory that is written later: it must be read before that, or be all
    that leads to the memory."""
    aliases = Aliases(fn)
    last = last_writes(fn, aliases)
    owner = Owners(fn, aliases)

    def visit(block: Block, number: int | None) -> None:
        for k, op in enumerate(block.ops):
            at = k if number is None else number
            for inner in blocks(op):
                visit(inner, at)
            a = op.operands[0] if isinstance(op, Op) and maybe_view(op) else None
            if not isinstance(op, Op) or not isinstance(a, Value) or last.get(aliases.find(a), -1) < at:
                continue
            if not (read_at_once(block, k, aliases) or owner.alone(a)):
                name = "flat, taken as reshape()," if op.attr("flat") else f"{op.prim}()"
                raise UndecidedViewError(
                    f"{name} may give a view of its argument or a copy, and one of them is written: whether they share memory"
                    " depends on the call",
                    op.loc, "copy the argument first, as in x.copy().reshape(...), or take it before the array is used elsewhere",
                )  # fmt: skip

    visit(fn.body, None)


class Owners:
    """Which arrays one chain of names alone leads to."""

    def __init__(self, fn: Function, aliases: Aliases) -> None:
        self.fn, self.aliases = fn, aliases
        self.uses = use_counts(fn)
        self.defs = {r: op for op in walk(fn.body) if isinstance(op, Op) for r in op.results}
        sized = (op.operands[0] for op in walk(fn.body) if isinstance(op, Op) and op.prim in SIZES)
        self.uses.subtract(a for a in sized if isinstance(a, Value))

    def alone(self, v: Operand) -> bool:
        """Whether nothing but a chain of views, and of what may be one, leads to the memory."""
        while isinstance(v, Value) and is_memory(v.type):
            op = self.defs.get(v)
            if self.uses[v] != 1 or op is None or self.aliases.is_joined(v):
                return False
            if not (is_view(op) or maybe_view(op)):
                return is_fresh(op)
            v = op.operands[0]
        return True  # a number, spread out


def read_at_once(block: Block, k: int, aliases: Aliases) -> bool:
    """Whether all that reads the result of an operation stands behind it in its block and before the next write to its memory."""
    op = block.ops[k]
    assert isinstance(op, Op)
    names: set[Operand] = {op.result}
    root = aliases.find(op.operands[0])  # type: ignore[arg-type]
    dirty = False
    for outer in block.ops[k + 1 :]:
        within = list(walk(Block((), (outer,), ())))
        written = any(writes(op, root, aliases) for op in within)
        # which of the two comes first in a branch or a turn of a loop is not looked at
        dirty = dirty or (written and not isinstance(outer, Op))
        for op in within:
            read = names.intersection(operands(op))
            if not read or (isinstance(op, Op) and op.prim in SIZES):
                continue
            if dirty or not isinstance(op, Op) or any(keeps(op, v) for v in read):  # type: ignore[arg-type]
                return False
            if writes(op, root, aliases) and op.operands[0] in names:
                return False
            if made(op) in (Made.VIEW, Made.MAYBE_VIEW, Made.SAME):
                names.update(op.results)
        if any(names.intersection(b.yields) for op in within for b in blocks(op)):
            return False
        dirty = dirty or written
    return not names.intersection(block.yields)


def writes(op: Any, root: Value, aliases: Aliases) -> bool:
    """Whether an operation writes the memory of a class."""
    if not isinstance(op, Op) or op.prim not in (*WRITES, "invoke"):
        return False
    return root in (
        aliases.reachable(op.operands) if op.prim == "invoke" else {aliases.find(op.operands[0])}  # type: ignore[arg-type]
    )
