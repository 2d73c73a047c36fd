"""The first turn of a loop, written out ahead of it: what a variable holds is of another kind after it than before
(`total = 0.0`, then an array; `previous = None`, then a row)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakSet

from s2sad.errors import S2sadError
from s2sad.frontend.lower import lower
from s2sad.frontend.source import FunctionSource
from s2sad.ir.core import (
    AnyOp,
    Block,
    Const,
    For,
    ForEach,
    Function,
    If,
    Op,
    Operand,
    Undef,
    Value,
    While,
    breaks,
    operands,
    walk,
)  # fmt: skip
from s2sad.ir.types import BOOL, Array, List, Scalar
from s2sad.rules.arrays import dtype_of
from s2sad.rules.arrays import emit as emit_array
from s2sad.rules.builder import const
from s2sad.typing import calls
from s2sad.typing.abstract import AV, CannotMerge, children, describe, is_operand, merge, rebuild
from s2sad.typing.instances import Instances, KindsMeet

MOST_FIRST_TURNS = 3  # of one loop: `before, previous = previous, row` is settled after two

ARITHMETIC = frozenset({"add", "sub", "mul", "div", "pow", "neg", "pos"})


@dataclass(frozen=True)
class Named:
    """The values of a user's function that what a loop carries becomes."""

    source: FunctionSource
    values: tuple[Value, ...]
    depth: int = 0  # how many generators the loop is in: each carries what is carried around it, as one tuple

    def column(self, k: int, *carried: AV) -> Iterator[tuple[Value, tuple[AV, ...]]]:
        """The values that column k becomes, each with what is there."""
        if not self.depth:
            yield self.values[k], carried
            return
        for _ in range(self.depth - 1):
            carried = tuple(children(av)[0] for av in carried)
        yield from zip(self.values, zip(*map(children, carried), strict=True), strict=True)

    def reads(self, k: int, *carried: AV) -> list[Op | None]:
        """The operations that read what differs in column k, and None where the function returns it or branches by it."""
        changed = {v for v, avs in self.column(k, *carried) if not can_merge(*avs)}
        return list(reads_of(lower(self.source), changed))


class Changes(Exception):
    """What a loop carries is of another kind after a turn than before it; `error` says so to the user."""

    def __init__(self, error: S2sadError) -> None:
        self.error = error


@contextmanager
def changing() -> Iterator[None]:
    """A turn of a loop, in which what is carried may meet what it will be after it."""
    try:
        yield
    except KindsMeet as error:
        raise Changes(error) from None


class FirstTurns(Instances):
    """The part of the specialiser that writes out first turns."""

    builder: Any
    of_loops: WeakSet[Operand]  # the numbers of turns, and what loops carry
    at: Any
    met: Any

    def ahead(
        self,
        runs: Operand,
        turn: Callable[[], tuple[str, list[AV] | None]],
        others: Callable[[list[AV]], list[AV]],
        init: list[AV],
        hints: list[str],
        named: Named | None,
    ) -> list[AV]:
        """Where a loop runs: one turn of it, and unless that leaves the loop, the others."""
        if isinstance(runs, Const) and not runs.value:
            return init
        loc = self.builder.loc
        with self.builder.region() as ops:
            with self.builder.region() as turn_ops:
                exit, after = turn()
            turn_ops, left = leaving(turn_ops, exit)
            self.builder.ops += turn_ops
            self.at(loc)
            if after is not None and left is None:
                after = others(after)
            elif after is not None and not isinstance(left, Const):
                with self.builder.region() as other_ops:
                    later = others(after)
                after = self.met(left, ([], after), (other_ops, later), hints, loc)
        self.at(loc)
        if isinstance(runs, Const):
            self.builder.ops += ops
            return [Undef(h) for h in hints] if after is None else after
        with self.builder.region() as none_ops:
            spread = self.varies(runs)
            unchanged = init if after is None else self.unchanged(init, after, hints, named, spread)
        return self.met(runs, (ops, after), (none_ops, unchanged), hints, loc)  # type: ignore[no-any-return]

    def varies(self, v: Operand, seen: int = 0) -> bool:
        """Whether a number depends on a loop around, or on the length of a list: then a loop may well not run."""
        made = self.builder.defs.get(v) if isinstance(v, Value) else None
        if made is None or seen > 8:
            return v in self.of_loops
        if made.prim == "len" and isinstance(made.operands[0].type, List):
            return True
        return any(self.varies(o, seen + 1) for o in made.operands)

    def unchanged(
        self, init: list[AV], after: list[AV], hints: list[str], named: Named | None, spread: bool
    ) -> list[AV] | None:
        """What a loop that does not run leaves of what it carries: nothing where it is of another kind than after a
        turn, and then reading it is refused when it happens. With `spread`, a number in place of an array is an array
        of one element, which is the same to arithmetic and to sums."""
        found = list(init)
        for k, (a, b, name) in enumerate(zip(init, after, hints, strict=True)):
            if can_merge(a, b):
                continue
            alike = None
            reads = [None] if named is None else named.reads(k, a, b)
            if spread and all(map(is_arithmetic, reads)):
                alike = self.spread_out(a, b)
            found[k] = Undef(name) if alike is None else alike
            if alike is None and reads:
                if named is not None:
                    v, (a, b) = next(c for c in named.column(k, a, b) if not can_merge(*c[1]))
                    name = v.hint or name
                subject = repr(name) if name else "what the loop gives"
                reason = f"{subject} is {describe(a)} where this loop does not run, and {describe(b)} where it does"
                raised = calls.static_call(
                    self, ValueError, [const(f"line {self.builder.loc.line}: {reason}")], {}, ""
                )
                self.builder.effect("raise", raised)
                return None
        return found

    def spread_out(self, a: AV, b: AV) -> AV | None:
        """A value with arrays of one element where another has arrays and it has numbers; None if that is not all in
        which they differ."""
        if can_merge(a, b):
            return a
        if is_operand(a):
            return self.of_one_element(a, b) if is_number_for(a, b) else None  # type: ignore[arg-type]
        if type(a) is not type(b) or len(children(a)) != len(children(b)):
            return None
        parts = [self.spread_out(x, y) for x, y in zip(children(a), children(b), strict=True)]
        return None if None in parts else rebuild(a, tuple(parts))  # type: ignore[arg-type]

    def of_one_element(self, number: Operand, like: Value) -> Operand:
        assert isinstance(like.type, Array)
        sizes = [const(1)] * like.type.ndim
        spread = emit_array(self.builder, "numpy.broadcast_to", number, *sizes)
        if dtype_of(spread) != like.type.dtype:
            t = replace(spread.type, dtype=like.type.dtype)  # type: ignore[type-var]
            return self.builder.emit("astype", spread, type=t, dtype=like.type.dtype)  # type: ignore[no-any-return]
        return self.builder.emit("copy", spread, type=spread.type)  # type: ignore[no-any-return]


def can_merge(a: AV, b: AV) -> bool:
    try:
        merge((b, a), lambda operands, type: Value("", type))
    except CannotMerge:
        return False
    return True


def is_number_for(a: AV, b: AV) -> bool:
    """Whether there is a number where there would be an array."""
    return is_operand(a) and isinstance(a.type, Scalar) and isinstance(b, Value) and isinstance(b.type, Array)


def reads_of(fn: Function, values: set[Value]) -> Iterator[Op | None]:
    """The operations that read some values, under the names too that loops and branches hand them on by; None stands
    for the function's return, and for what decides a branch or a loop."""
    named: dict[Operand, list[Value]] = {}
    for op in walk(fn.body):
        sources: tuple[tuple[Operand, ...], ...] = ()
        targets: tuple[tuple[Value, ...], ...] = ()
        if isinstance(op, If):
            sources, targets = (op.then.yields, op.orelse.yields), (op.results,)
        elif isinstance(op, (For, ForEach)):
            sources, targets = (op.init, op.body.yields), (op.body.params[1:], op.results)
        elif isinstance(op, While):
            sources = op.init, op.test.yields[1:], op.body.yields
            targets = op.test.params, op.body.params, op.results
        for source in sources:
            for target in targets:
                for o, v in zip(source, target, strict=True):
                    named.setdefault(o, []).append(v)
    found, new = set(values), list(values)
    while new:
        following = [v for v in named.get(new.pop(), ()) if v not in found]
        found.update(following)
        new += following
    for op in walk(fn.body):
        if isinstance(op, Op):
            if not found.isdisjoint(op.operands):  # type: ignore[arg-type]
                yield op
            continue
        by = operands(op)[: -len(op.init) or None] if isinstance(op, (For, ForEach)) else operands(op)
        if isinstance(op, While):
            by = op.test.yields[:1]
        if not found.isdisjoint(by):  # type: ignore[arg-type]
            yield None
    if not found.isdisjoint(fn.body.yields):  # type: ignore[arg-type]
        yield None


def is_arithmetic(op: Op | None) -> bool:
    """Whether an operation gives the same for an array of one element as for a number, but for its result's axes."""
    return op is not None and op.prim in ARITHMETIC and not op.attr("inplace")


# -- how a turn leaves its loop ---------------------------------------------------------------------------


def leaving(ops: list[AnyOp], exit: str) -> tuple[list[AnyOp], Operand | None]:
    """A turn of a loop outside of it: its operations, and whether it leaves the loop (None: it never does)."""
    if exit == "break":
        return ops, const(True)
    if ops and isinstance(ops[-1], If) and breaks(ops[-1]):
        made, left = _flagged(ops[-1])
        return [*ops[:-1], made], left
    return ops, None


def _flagged(op: If) -> tuple[If, Value]:
    """A branch some of whose leaves end a loop, with a result more that says whether one did."""

    def side(block: Block) -> Block:
        last = block.ops[-1] if block.ops else None
        if block.exit == "break":
            return replace(block, yields=(*block.yields, const(True)), exit="next")
        if isinstance(last, If) and breaks(last):
            made, left = _flagged(last)
            return replace(block, ops=(*block.ops[:-1], made), yields=(*block.yields, left))
        return replace(block, yields=(*block.yields, const(False)))

    left = Value("", BOOL)
    return replace(op, then=side(op.then), orelse=side(op.orelse), results=(*op.results, left)), left
