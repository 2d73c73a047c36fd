"""Loops that add something up in each turn: what they add, as sums over the index of the loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from s2sad.analysis.aliases import SIZES, WRITES, Aliases
from s2sad.analysis.networks import Axis, Factor, Network
from s2sad.analysis.uses import definitions
from s2sad.ir.core import AnyOp, Block, Const, For, Function, Op, Operand, Value, blocks, operands, walk
from s2sad.ir.types import INT, Array, is_many, is_memory
from s2sad.rules.arrays.core import dims_of
from s2sad.rules.builder import Builder, const, is_one

ZEROS = ("numpy.zeros", "zeros_like")


@dataclass(frozen=True, eq=False)
class Accumulated:
    """What a loop adds to the value that it carries in a column: operands, each with whether it is subtracted. `alone`: the
    loop is the only one that writes the value, which lies in memory; `hidden` is what the loop defines."""

    column: int
    added: tuple[tuple[Operand, bool], ...]
    hidden: frozenset[Value]
    is_zero: bool  # before the loop
    results: frozenset[Value] = frozenset()  # the sums on the way, where it is no memory
    write: Op | None = None
    alone: bool = True

    @property
    def in_place(self) -> bool:
        return self.write is not None


@dataclass(frozen=True, eq=False)
class Turn:
    """The index of a loop of which something is the sum, numbered by a label; `hidden` is what the loop defines."""

    index: Value
    label: int
    hidden: frozenset[Value]


def accumulated(op: For, fn: Function, aliases: Aliases) -> Iterator[Accumulated]:
    """The sums of a loop that nothing in the loop reads."""
    defs = {r: inner for inner in op.body.ops if isinstance(inner, Op) for r in inner.results}
    hidden = frozenset(defined(op.body))
    reads = list(read_by(op.body))
    outside = definitions(fn)
    for k, (init, param, last) in enumerate(zip(op.init, op.body.params[1:], op.body.yields, strict=True)):
        made = outside.get(init) if isinstance(init, Value) else None
        zero = (isinstance(init, Const) and init.value == 0) or (isinstance(made, Op) and made.prim in ZEROS)
        if last is param and is_memory(param.type):
            write = only_write(op, param, aliases)
            if write is not None:
                others = [w for w in writes_of(fn.body, param, aliases) if w is not write]
                added = ((write.operands[1], False),)
                yield Accumulated(k, added, hidden, zero and not others, write=write, alone=not others)
        elif not is_memory(param.type) or not aliases.is_written(param):
            found = chain(last, param, defs, reads)
            if found:
                yield Accumulated(k, found[0], hidden, zero, found[1])


def read_by(block: Block) -> Iterator[Operand]:
    """What is read in a block, not only for its size."""
    yield from block.yields
    for op in block.ops:
        if not (isinstance(op, Op) and op.prim in SIZES):
            yield from operands(op)
        for inner in blocks(op):
            yield from read_by(inner)


def defined(block: Block) -> Iterator[Value]:
    """What a block and those in it define."""
    yield from block.params
    for op in walk(block):
        yield from op.results
        for inner in blocks(op):
            yield from inner.params


def writes_of(block: Block, v: Value, aliases: Aliases) -> list[AnyOp]:
    """The operations that write the memory of a value, calls too."""
    root = aliases.find(v)

    def writes(op: AnyOp) -> bool:
        if not isinstance(op, Op):
            return False
        if op.prim == "invoke":
            return root in aliases.reachable(op.operands)
        return (
            op.prim in WRITES and isinstance(op.operands[0], Value) and aliases.find(op.operands[0]) is root
        )

    return [op for op in walk(block) if writes(op)]


def only_write(op: For, param: Value, aliases: Aliases) -> Op | None:
    """The addition to the whole of an array, once in each turn, where the loop does nothing else with its memory."""
    root = aliases.find(param)
    ours = [
        inner
        for inner in walk(op.body)
        if isinstance(inner, Op)
        and inner.prim not in SIZES
        and any(
            isinstance(o, Value) and is_memory(o.type) and aliases.find(o) is root
            for o in (*inner.operands, *inner.results)
        )
    ]
    if len(ours) != 1 or ours[0] not in op.body.ops:
        return None
    (write,) = ours
    fits = write.prim == "add_into" and write.operands[0] is param
    return write if fits and is_as_large(write.operands[1], param) else None


def chain(
    last: Operand, param: Value, defs: dict[Value, Op], reads: list[Operand]
) -> tuple[tuple[tuple[Operand, bool], ...], frozenset[Value]] | None:  # fmt: skip
    """What is added to a parameter until it is the last value, if nothing else reads what comes between; and that."""
    added: list[tuple[Operand, bool]] = []
    sums: set[Value] = set()
    while last is not param:
        op = defs.get(last) if isinstance(last, Value) else None
        if op is None or op.prim not in ("add", "sub") or sum(o is last for o in reads) != 1:
            return None
        sums.add(op.result)
        left, right = op.operands
        towards = leads_to(param, left, defs)
        if not towards and (op.prim == "sub" or not leads_to(param, right, defs)):
            return None
        last, other = (left, right) if towards else (right, left)
        added.append((other, op.prim == "sub"))
        if not is_as_large(other, op.result):
            return None
    alone = added and sum(o is param for o in reads) == 1
    return (tuple(reversed(added)), frozenset(sums)) if alone else None


def is_as_large(a: Operand, b: Operand) -> bool:
    """Whether nothing is spread where one is added to the other."""
    if len(dims_of(a)) != len(dims_of(b)):
        return False
    return all(x == y or (is_many(x) and is_many(y)) for x, y in zip(dims_of(a), dims_of(b), strict=True))


def leads_to(param: Value, o: Operand, defs: dict[Value, Op]) -> bool:
    while o is not param:
        op = defs.get(o) if isinstance(o, Value) else None
        if op is None or op.prim not in ("add", "sub"):
            return False
        o = op.operands[0] if op.prim == "sub" or leads_to(param, op.operands[0], defs) else op.operands[1]
    return True


def over_all_turns(
    network: Network, index: Value, bounds: tuple[Any, Any], found: Accumulated, label: int
) -> Network | None:  # fmt: skip
    """A product with an axis for the index of the loop, of which it is the sum; None where it reads anything else that
    belongs to a turn."""
    factors: list[Factor] = []
    for f in network.factors:
        if f.value in found.hidden:
            if f.axes:
                return None
            factors.append(f)  # what stands between eigenvectors is looked at later
            continue
        axes: list[Axis] = []
        for a in f.axes:
            if a.part == ("at", index):
                axes.append(Axis(label, ("slice", *bounds, None)))
            elif a.part is not None and any(x in found.hidden for x in a.part):
                return None
            else:
                axes.append(a)
        factors.append(replace(f, axes=tuple(axes)))
    return Network(tuple(factors), network.axes)


def turns(op: For, b: Builder, defs: dict[Value, AnyOp]) -> tuple[Any, Any] | None:
    """The indices of the turns as the bounds of a slice, where none is negative."""
    if not isinstance(op.step, Const) or op.step.value not in (1, -1):
        return None
    start, stop = op.start, op.stop
    if op.step.value == -1:
        start, stop = (one_more(b, o, defs) for o in (stop, start))
    if not isinstance(start, Const) or start.value < 0:
        return None
    if isinstance(stop, Const):
        return start.value or None, max(stop.value, 0)
    made = defs.get(stop) if isinstance(stop, Value) else None
    if not (isinstance(made, Op) and made.prim in SIZES):
        stop = b.emit("builtins.max", stop, const(0), type=INT)
    return start.value or None, stop


def one_more(b: Builder, o: Operand, defs: dict[Value, AnyOp]) -> Operand:
    made = defs.get(o) if isinstance(o, Value) else None
    if isinstance(made, Op) and made.prim == "sub" and is_one(made.operands[1]):
        return made.operands[0]
    return const(o.value + 1) if isinstance(o, Const) else b.emit("add", o, const(1), type=INT)


def without_derivative(op: For, found: Accumulated) -> For:
    """The loop with what it adds as numbers that nothing is differentiated by."""
    added = {o for o, _ in found.added}
    ops: list[AnyOp] = []
    for inner in op.body.ops:
        if isinstance(inner, Op) and (inner is found.write or not found.results.isdisjoint(inner.results)):
            given = list(inner.operands)
            for k, o in enumerate(given):
                if isinstance(o, Value) and o in added:
                    given[k] = Value("", o.type)
                    ops.append(Op("derived_as", (o, const(0.0)), (given[k],), inner.loc))  # type: ignore[arg-type]
            inner = replace(inner, operands=tuple(given))
        ops.append(inner)
    return replace(op, body=replace(op.body, ops=tuple(ops)))


@dataclass(frozen=True, eq=False)
class Filled:
    """A vector of which a loop writes element after element, `value` in the turn `index`; `hidden` is what the loop defines."""

    value: Operand
    index: Value
    hidden: frozenset[Value]


def filled(fn: Function, aliases: Aliases) -> dict[Value, Filled]:
    """Vectors that one loop fills from the first element to the last, and arrays of lists that one loop makes."""
    defs, found = definitions(fn), {}
    for op in walk(fn.body):
        if not isinstance(op, For) or not (isinstance(op.start, Const) and op.start.value == 0):
            continue
        if not (isinstance(op.step, Const) and op.step.value == 1):
            continue
        hidden = frozenset(defined(op.body))
        for inner in op.body.ops:
            if not (isinstance(inner, Op) and inner.prim in ("store", "append")):
                continue
            target, value = inner.operands[0], inner.operands[-1]
            if (
                not isinstance(target, Value)
                or target in hidden
                or len(writes_of(fn.body, target, aliases)) != 1
            ):
                continue
            if inner.prim == "store" and inner.operands[1:-1] == op.body.params[:1]:
                if is_size_of(op.stop, target, defs):
                    found[target] = Filled(value, op.body.params[0], hidden)
            made = defs.get(target)
            if inner.prim == "append" and isinstance(made, Op) and made.prim == "alloc_list":
                found[target] = Filled(value, op.body.params[0], hidden)
    for op in walk(fn.body):
        if isinstance(op, Op) and op.prim == "array_of" and op.operands[0] in found:
            found[op.result] = found[op.operands[0]]  # type: ignore[index]
    return {v: f for v, f in found.items() if isinstance(v.type, Array)}


def is_size_of(stop: Operand, v: Value, defs: dict[Value, AnyOp]) -> bool:
    (size,) = dims_of(v) if len(dims_of(v)) == 1 else (None,)
    if isinstance(stop, Const):
        return bool(stop.value == size)
    made = defs.get(stop) if isinstance(stop, Value) else None
    if not (isinstance(made, Op) and made.prim in ("len", "shape")) or size is None:
        return False
    return dims_of(made.operands[0])[made.attr("axis", 0)] == size
