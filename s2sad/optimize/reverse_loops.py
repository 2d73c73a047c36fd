"""For Numba: loops of the reverse sweep in the form that its compiler makes fast.

A contribution that every iteration adds to one element is summed in a variable and added once. A loop whose
iterations do not depend on each other runs upwards: then its indices are known not to be negative. Both change
the order of additions to adjoints and nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from s2sad.analysis.aliases import SIZES, WRITES, Aliases
from s2sad.analysis.uses import definitions, use_counts
from s2sad.ir.core import (
    AnyOp,
    Block,
    Const,
    For,
    Function,
    If,
    Op,
    Operand,
    Undef,
    Value,
    While,
    walk,
    with_blocks,
)
from s2sad.ir.types import BOOL, INT, Scalar, is_memory
from s2sad.optimize.rectangular import defined
from s2sad.rules.builder import const
from s2sad.rules.registry import PRIMS


def faster_reverse_loops(fn: Function) -> Function:
    """Sums in variables, then upward loops."""
    fn = replace(fn, body=_Sums(fn).block(fn.body))
    return replace(fn, body=_Upwards(fn).block(fn.body))


class _Sums:
    def __init__(self, fn: Function) -> None:
        self.aliases = Aliases(fn)

    def block(self, block: Block) -> Block:
        ops: list[AnyOp] = []
        for op in block.ops:
            op = with_blocks(op, self.block)
            after: list[AnyOp] = []
            if isinstance(op, For) and op.loc.reverse and op.body.exit == "next":
                op, after = self.loop(op)
            ops += [op, *after]
        return replace(block, ops=tuple(ops))

    def loop(self, op: For) -> tuple[For, list[AnyOp]]:
        """The loop with sums in variables, and what adds them to their elements."""
        inside = defined(op)
        after: list[AnyOp] = []
        ops = list(op.body.ops)
        for k, inner in enumerate(ops):
            if not (isinstance(inner, Op) and inner.prim == "accumulate" and inner.loc.reverse):
                continue
            a, *index, v = inner.operands
            t = v.type
            fixed = not any(isinstance(o, Undef) or o in inside for o in (a, *index))
            if not (fixed and isinstance(t, Scalar) and t.kind == "float" and self.alone(a, op, inner)):
                continue
            zero = const(0.0)
            item = replace(t, dtype=None) if t.dtype == "float32" else t
            total, more, result = Value("", item), Value("", item), Value("", item)
            ops[k] = Op("add", (total, v), (more,), inner.loc)
            body = replace(op.body, params=(*op.body.params, total), yields=(*op.body.yields, more))
            op = replace(op, init=(*op.init, zero), body=body, results=(*op.results, result))
            after += self.added(op, replace(inner, operands=(a, *index, result)))
        return replace(op, body=replace(op.body, ops=tuple(ops))), after

    def alone(self, a: Operand, loop: For, accumulate: Op) -> bool:
        """Whether the loop touches this array only here."""
        if any(isinstance(op, Op) and op.prim == "invoke" for op in walk(loop.body)):
            return False
        root = self.aliases.find(a)  # type: ignore[arg-type]
        return not any(
            op is not accumulate and not (isinstance(op, Op) and op.prim in SIZES)
            and any(isinstance(o, Value) and is_memory(o.type) and self.aliases.find(o) is root for o in touched(op))
            for op in walk(loop.body)
        )  # fmt: skip

    def added(self, loop: For, op: Op) -> list[AnyOp]:
        """The sum goes to its element if the loop ran: else there may be no such element."""
        ran = Value("", BOOL)
        if all(isinstance(o, Const) for o in (loop.start, loop.stop, loop.step)):
            return [op] if range(loop.start.value, loop.stop.value, loop.step.value) else []  # type: ignore[union-attr]
        up = isinstance(loop.step, Const) and loop.step.value > 0
        test = Op("lt" if up else "gt", (loop.start, loop.stop), (ran,), loop.loc)
        return [test, If(ran, Block((), (op,), ()), Block((), (), ()), (), loop.loc)]


def touched(op: AnyOp) -> tuple[Any, ...]:
    found: tuple[Any, ...] = tuple(op.results)
    if isinstance(op, Op):
        return (*found, *op.operands)
    if isinstance(op, (For, While)):
        return (*found, *op.init)
    return (*found, *op.then.yields, *op.orelse.yields) if isinstance(op, If) else found


class _Upwards:
    def __init__(self, fn: Function) -> None:
        self.aliases = Aliases(fn)
        self.uses = use_counts(fn)
        self.makers = definitions(fn)

    def block(self, block: Block) -> Block:
        ops: list[AnyOp] = []
        for op in block.ops:
            up: list[AnyOp] = []
            if isinstance(op, For) and op.loc.reverse and self.independent(op):
                op, up = self.upward(op)
            ops += [*up, with_blocks(op, self.block)]
        return replace(block, ops=tuple(ops))

    def upward(self, op: For) -> tuple[For, list[AnyOp]]:
        """range(a, b, -1) as range(b + 1, a + 1)."""
        made: list[AnyOp] = []

        def plus_one(o: Operand) -> Operand:
            if isinstance(o, Const):
                return const(o.value + 1)
            maker = self.makers.get(o) if isinstance(o, Value) else None
            if isinstance(maker, Op) and maker.prim == "sub" and is_one(maker.operands[1]):
                return maker.operands[0]
            result = Value("", INT)
            made.append(Op("add", (o, const(1)), (result,), op.loc))
            return result

        return replace(op, start=plus_one(op.stop), stop=plus_one(op.start), step=const(1)), made

    def independent(self, op: For) -> bool:
        """Whether the iterations may run in any order: they carry only sums, add to elements, or keep to their own."""
        if not (isinstance(op.step, Const) and op.step.value == -1 and op.body.exit == "next"):
            return False
        columns = zip(op.body.params[1:], op.body.yields, strict=True)
        if not all(self.is_sum(p, op.body, y) for p, y in columns):
            return False
        accesses: dict[Value, set[tuple[Operand, ...] | None]] = {}
        written: set[Value] = set()
        for inner in walk(op.body):
            if isinstance(inner, While):
                return False
            if not isinstance(inner, Op):
                if any(is_memory(r.type) for r in inner.results) or any(
                    b.exit == "break" for b in sides(inner)
                ):
                    return False
                continue
            if inner.prim == "tape_read" and is_memory(inner.result.type):
                return False  # such a tape may be a stack, which is read in the order of its making
            if inner.prim not in WRITES and PRIMS[inner.prim].effect in ("world", "writes", "alloc"):
                return False
            memory = [
                o for o in (*inner.operands, *inner.results) if isinstance(o, Value) and is_memory(o.type)
            ]
            for o in memory:
                root = self.aliases.find(o)
                if inner.prim in WRITES and o is inner.operands[0]:
                    written.add(root)
                if inner.prim == "accumulate":
                    accesses.setdefault(root, set()).add(("add", *inner.operands[1:-1]))  # type: ignore[arg-type]
                elif inner.prim in ("load", "store"):
                    end = -1 if inner.prim == "store" else None
                    accesses.setdefault(root, set()).add(("at", *inner.operands[1:end]))  # type: ignore[arg-type]
                elif inner.prim not in SIZES:
                    accesses.setdefault(root, set()).add(None)
        index = op.body.params[0] if isinstance(op.stop, Const) and op.stop.value >= -1 else None
        return all(self.harmless(accesses[root], index) for root in written)

    def harmless(self, found: set[Any], index: Value | None) -> bool:
        """Whether the order of accesses to an array does not matter; `index` is that of the loop, if it is never
        negative (a[-1] is a[n - 1])."""
        if None in found:
            return False
        if all(kind[0] == "add" for kind in found):
            return True
        places = {kind[1:] for kind in found}
        return len(places) == 1 and index in next(iter(places))

    def is_sum(self, param: Value, block: Block, result: Operand) -> bool:
        """Whether a carried value is only added to."""
        now = param
        for op in block.ops:
            if (
                isinstance(op, Op)
                and op.prim in ("add", "sub")
                and op.operands[0] is now
                and op.operands[1] is not now
            ) or (
                isinstance(op, Op)
                and op.prim == "add"
                and op.operands[1] is now
                and op.operands[0] is not now
            ):
                pass
            elif isinstance(op, For) and now in op.init:
                k = op.init.index(now)
                if self.uses[now] != 1 or not self.is_sum(op.body.params[k + 1], op.body, op.body.yields[k]):
                    return False
                now = op.results[k]
                continue
            else:
                continue
            if self.uses[now] != 1 or is_memory(now.type):
                return False
            now = op.results[0]
        return now is result and self.uses[now] == 1


def sides(op: AnyOp) -> tuple[Block, ...]:
    return (op.then, op.orelse) if isinstance(op, If) else ()


def is_one(o: Operand) -> bool:
    return isinstance(o, Const) and o.value == 1
