"""For Numba: the reverse of a stencil as one loop for each of its offsets, which its compiler can vectorize.

    for i in …:                         for i in …:
        du[i + 1] += k * dv[i]              du[i + 1] += k * dv[i]
        du[i - 1] += k * dv[i]          for i in …:
        dv[i] = 0.0                         du[i - 1] += k * dv[i]
                                            dv[i] = 0.0

In one loop each iteration adds to what the one before has just written. The loops stand in the order in which the one
loop comes to an element, so that each sum is made of the same terms in the same order. What several of them need is
computed in each, which pays where it is cheap.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from s2sad.analysis.aliases import Aliases
from s2sad.analysis.uses import definitions
from s2sad.ir.core import AnyOp, Block, Const, For, Function, Op, Operand, Value, blocks, walk, with_blocks
from s2sad.ir.types import Array, Scalar
from s2sad.optimize.buffers import NEW
from s2sad.rules.registry import PRIMS

CHEAP = 16  # the cost of an operation that may be done again
MOST_DONE_AGAIN = 3  # times what the one loop does


def split_stencils(fn: Function) -> Function:
    """Split loops of the reverse sweep that add to one array at several offsets."""
    if not any(isinstance(op, For) and op.loc.reverse for op in walk(fn.body)):
        return fn
    found = _Stencils(fn)
    return replace(fn, body=found.block(fn.body))


class _Stencils:
    def __init__(self, fn: Function) -> None:
        self.aliases = Aliases(fn)
        self.defs = definitions(fn)
        self.writes: dict[Value, list[tuple[Op, Block]]] = defaultdict(list)
        self.homes: dict[Value, Block] = {}
        self.carried: dict[Value, tuple[For, int]] = {}
        self.index(fn.body)

    def index(self, block: Block) -> None:
        for op in block.ops:
            self.homes.update(dict.fromkeys(op.results, block))
            if isinstance(op, Op) and op.prim == "tape_write" and isinstance(op.operands[0], Value):
                self.writes[op.operands[0]].append((op, block))
            elif isinstance(op, For):
                self.carried.update({p: (op, j) for j, p in enumerate(op.body.params[1:])})
            for inner in blocks(op):
                self.index(inner)

    def block(self, block: Block) -> Block:
        ops: list[AnyOp] = []
        for op in block.ops:
            op = with_blocks(op, self.block)
            ops += (self.split(op) or [op]) if isinstance(op, For) and op.loc.reverse else [op]
        return replace(block, ops=tuple(ops))

    # -- loops ----------------------------------------------------------------------------------------

    def split(self, loop: For) -> list[AnyOp] | None:
        """The loops that stand for one, or None where it is none of these."""
        if loop.body.exit != "next" or not isinstance(loop.step, Const):
            return None
        ops = [op for op in loop.body.ops if isinstance(op, Op)]
        if len(ops) < len(loop.body.ops):
            return None
        makers = {r: op for op in ops for r in op.results}
        adds = [op for op in ops if op.prim == "accumulate"]
        stores = [op for op in ops if op.prim == "store"]
        others = [op for op in ops if op.prim not in ("accumulate", "store")]
        if not all(map(self.is_cheap, others)) or not self.are_apart(ops):
            return None
        groups: dict[int, list[Op]] = defaultdict(list)
        fixed: list[Op] = []
        for op in adds:
            offsets = self.offsets(op, loop, makers)
            if offsets is None or len(offsets) > 1:
                return None
            (groups[offsets[0]] if offsets else fixed).append(op)
        if len(groups) < 2 or not self.adds_to_one(groups):
            return None
        for op in stores:
            if not isinstance(op.operands[-1], Const) or not self.offsets(op, loop, makers):
                return None
        chosen = [groups[k] for k in sorted(groups, reverse=loop.step.value > 0)]
        chosen[-1] = chosen[-1] + stores  # by then everything has been read that is replaced
        parts = [self.needed(group, (), ops, makers) for group in chosen]
        carried = set(loop.body.params[1:])
        if any(not carried.isdisjoint(op.operands) for part in parts for op in part):  # type: ignore[arg-type]
            return None
        made: list[AnyOp] = [self.part(loop, part) for part in parts]
        if fixed or carried:  # what is summed in one place or variable is summed in a loop of its own
            first = self.needed(fixed, loop.body.yields, ops, makers)
            parts.append(first)
            made.insert(0, self.part(loop, first, sums=True))
        return made if sum(map(len, parts)) <= MOST_DONE_AGAIN * len(ops) else None

    def is_cheap(self, op: Op) -> bool:
        if op.prim in ("load", "tape_read"):
            return isinstance(op.result.type, Scalar)
        rule = PRIMS[op.prim]
        scalars = all(isinstance(o.type, Scalar) for o in (*op.operands, *op.results))
        return scalars and len(op.results) == 1 and rule.effect in ("none", "raises") and rule.cost < CHEAP

    def adds_to_one(self, groups: dict[int, list[Op]]) -> bool:
        """Whether there is an array that is added to at several offsets."""
        found: dict[Operand, set[int]] = defaultdict(set)
        for offset, ops in groups.items():
            for op in ops:
                found[op.operands[0]].add(offset)
        return any(len(offsets) > 1 for offsets in found.values())

    def offsets(self, op: Op, loop: For, makers: dict[Value, Op]) -> list[int] | None:
        """How far from the loop's index an element is in the axes that change in the loop; None: not by constants."""
        index, found = loop.body.params[0], []
        for o in op.operands[1:-1]:
            made = makers.get(o) if isinstance(o, Value) else None
            if o is index:
                found.append(0)
            elif made is not None:
                by = made.operands[-1]
                if (
                    made.prim not in ("add", "sub")
                    or made.operands[0] is not index
                    or not isinstance(by, Const)
                ):
                    return None
                found.append(by.value if made.prim == "add" else -by.value)
        return found

    def are_apart(self, ops: list[Op]) -> bool:
        """Whether each array is only added to, only read, or read and then replaced at one and the same place."""
        arrays: dict[Value, set[str]] = defaultdict(set)
        places: dict[Value, set[tuple[Operand, ...]]] = defaultdict(set)
        replaced: set[Value] = set()
        for op in ops:
            if op.prim in ("load", "store", "accumulate"):
                a = op.operands[0]
                if not (isinstance(a, Value) and isinstance(a.type, Array)) or a.type.ndim < len(
                    op.operands[1:]
                ) - (op.prim != "load"):
                    return False
                if a in replaced:
                    return False
                arrays[a].add(op.prim)
                places[a].add(op.operands[1:] if op.prim == "load" else op.operands[1:-1])
                if op.prim == "store":
                    replaced.add(a)
        for a, kinds in arrays.items():
            if len(kinds) > 1 and ("accumulate" in kinds or len(places[a]) > 1):
                return False
        names = list(arrays)
        return all(
            arrays[a] == arrays[b] == {"load"} or self.distinct(a, b)
            for k, a in enumerate(names)
            for b in names[:k]
        )

    def needed(
        self, group: list[Op], values: tuple[Operand, ...], ops: list[Op], makers: dict[Value, Op]
    ) -> list[Op]:
        """The operations of a loop that some of its effects and values need, in their order, and these effects."""
        chosen: set[Op] = set(group)
        todo: list[Operand] = [*values, *(o for op in group for o in op.operands)]
        while todo:
            o = todo.pop()
            made = makers.get(o) if isinstance(o, Value) else None
            if made is not None and made not in chosen:
                chosen.add(made)
                todo += made.operands
        return [op for op in ops if op in chosen]

    def part(self, loop: For, ops: list[Op], sums: bool = False) -> For:
        """A loop of some of the operations, under names of their own; with `sums`, what the loop carries too."""
        names: dict[Operand, Operand] = {p: Value(p.hint, p.type) for p in loop.body.params}
        made: list[AnyOp] = []
        for op in ops:
            names.update({r: Value(r.hint, r.type) for r in op.results})
            results = tuple(names[r] for r in op.results)
            made.append(replace(op, operands=tuple(names.get(o, o) for o in op.operands), results=results))  # type: ignore[arg-type]
        params = tuple(names[p] for p in loop.body.params)
        if sums:
            yields = tuple(names.get(o, o) for o in loop.body.yields)
            return replace(loop, body=Block(params, tuple(made), yields))  # type: ignore[arg-type]
        return replace(loop, init=(), body=Block(params[:1], tuple(made), ()), results=())  # type: ignore[arg-type]

    # -- memory ---------------------------------------------------------------------------------------

    def distinct(self, a: Value, b: Value) -> bool:
        """Whether two names are of different memory: of classes apart, made apart, or buffers that a loop exchanges."""
        if self.aliases.find(a) is not self.aliases.find(b):
            return True
        a, b = self.held(a), self.held(b)
        if a is b:
            return False
        makers = self.defs.get(a), self.defs.get(b)
        if all(isinstance(op, Op) and op.prim in NEW for op in makers):
            return True
        if a in self.carried and b in self.carried:
            (loop, i), (other, j) = self.carried[a], self.carried[b]
            return loop is other and self.exchanged(loop, i, j)
        return False

    def held(self, v: Value) -> Value:
        """What a tape holds at the place that is read, where that is known."""
        made = self.defs.get(v)
        if not (isinstance(made, Op) and made.prim == "tape_read"):
            return v
        writes = self.writes.get(made.operands[0], [])  # type: ignore[arg-type]
        if len(writes) != 1 or not isinstance(writes[0][0].operands[2], Value):
            return v
        return writes[0][0].operands[2]

    def exchanged(self, loop: For, i: int, j: int) -> bool:
        """Whether a loop carries two arrays that are different before it, and only ever exchanges what it carries."""
        params = loop.body.params[1:]
        columns = {i, j}
        todo = [i, j]
        while todo:
            out = loop.body.yields[todo.pop()]
            if out not in params:
                return False
            k = params.index(out)  # type: ignore[arg-type]
            if k not in columns:
                columns.add(k)
                todo.append(k)
        starts = [loop.init[k] for k in columns]
        outs = {loop.body.yields[k] for k in columns}
        makers = [self.defs.get(s) if isinstance(s, Value) else None for s in starts]
        new = all(isinstance(op, Op) and op.prim in NEW for op in makers)
        return new and len(set(starts)) == len(columns) and len(outs) == len(columns)
