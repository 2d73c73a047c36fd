"""What the forward sweep gains when a function is reversed, and the rebuilding that puts it in place.

Nothing is renamed: the forward sweep is the primal with tape writes, counters, shadow twins and extra
results or carried values inserted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

from s2sad.ir.core import AnyOp, Block, Const, For, If, Op, Operand, Value, While, breaks
from s2sad.ir.types import Type, join

Leaf = Callable[[Block], Operand]


@dataclass(eq=False, slots=True)
class Carry:
    """A value a loop carries in addition. `at_exit(leaf)` is what a leaf of the body yields; `tested` what the
    test of a while loop yields (its parameter when None)."""

    init: Operand
    param: Value
    at_exit: Leaf
    result: Value
    test_param: Value | None = None
    tested: Operand | None = None


class Extras:
    """Insertions into the forward sweep."""

    def __init__(self) -> None:
        self.before: dict[AnyOp, list[AnyOp]] = defaultdict(list)
        self.after: dict[AnyOp, list[AnyOp]] = defaultdict(list)
        self.start: dict[Block, list[AnyOp]] = defaultdict(list)
        self.results: dict[If, list[tuple[Operand, Operand, Value]]] = defaultdict(list)
        self.joins: dict[Value, If] = {}  # the branches that make the results among them
        self.carries: dict[AnyOp, list[Carry]] = defaultdict(list)
        self.replaced: dict[Op, AnyOp] = {}

    def rebuild(self, block: Block) -> Block:
        """The block with everything inserted."""
        return Block(block.params, self.ops(block), block.yields, block.exit)

    def ops(self, block: Block) -> tuple[AnyOp, ...]:
        out: list[AnyOp] = list(self.start.get(block, ()))
        for op in block.ops:
            out += self.before.get(op, ())
            out.append(self.op(op))
            out += self.after.get(op, ())
        return tuple(out)

    def op(self, op: AnyOp) -> AnyOp:
        if isinstance(op, If):
            return self.branch(op)
        if isinstance(op, For):
            carries = self.carries.get(op, [])
            body = self.threaded(self.rebuild(op.body), op.body, [c.at_exit for c in carries])
            body = replace(body, params=(*op.body.params, *(c.param for c in carries)))
            init = (*op.init, *(c.init for c in carries))
            return replace(op, init=init, body=body, results=(*op.results, *(c.result for c in carries)))
        if isinstance(op, While):
            return self.while_(op)
        return self.replaced.get(op, op)  # type: ignore[arg-type]

    def branch(self, op: If) -> If:
        extra = self.results.get(op, [])
        then, orelse = self.rebuild(op.then), self.rebuild(op.orelse)
        then = replace(then, yields=(*then.yields, *(a for a, _, _ in extra)))
        orelse = replace(orelse, yields=(*orelse.yields, *(b for _, b, _ in extra)))
        return If(op.cond, then, orelse, (*op.results, *(r for _, _, r in extra)), op.loc)

    def while_(self, op: While) -> While:
        carries = self.carries.get(op, [])
        test, body = self.rebuild(op.test), self.rebuild(op.body)
        tested = tuple(c.tested if c.tested is not None else c.test_param for c in carries)
        test = replace(
            test,
            params=(*test.params, *(c.test_param for c in carries if c.test_param is not None)),
            yields=(*test.yields, *(t for t in tested if t is not None)),
        )
        body = self.threaded(body, op.body, [c.at_exit for c in carries])
        body = replace(body, params=(*body.params, *(c.param for c in carries)))
        init = (*op.init, *(c.init for c in carries))
        return While(init, test, body, (*op.results, *(c.result for c in carries)), op.loc)

    def threaded(self, block: Block, original: Block, leaves: list[Leaf]) -> Block:
        """Extra operands yielded by a loop body: through its tail branches where those may break."""
        if not leaves:
            return block
        last = block.ops[-1] if block.ops else None
        if not (isinstance(last, If) and breaks(last)):
            return replace(block, yields=(*block.yields, *(leaf(original) for leaf in leaves)))
        source = original.ops[-1]
        assert isinstance(source, If)
        then = self.threaded(last.then, source.then, leaves)
        orelse = self.threaded(last.orelse, source.orelse, leaves)
        n = len(leaves)
        results = tuple(
            Value("", handed_on(a, b)) for a, b in zip(then.yields[-n:], orelse.yields[-n:], strict=True)
        )
        tail = If(last.cond, then, orelse, (*last.results, *results), last.loc)
        return replace(block, ops=(*block.ops[:-1], tail), yields=(*block.yields, *results))


def handed_on(a: Operand, b: Operand) -> Type:
    """The type of what one of two leaves yields; a constant stands where the leaf has nothing to yield."""
    if isinstance(b, Const):
        return a.type
    return b.type if isinstance(a, Const) else join(a.type, b.type) or b.type


def leaf_operands(block: Block, operand: Operand) -> dict[Block, Operand]:
    """What each leaf of a loop body's tail branches yields for an operand that the body yields."""
    last = block.ops[-1] if block.ops else None
    if not (isinstance(last, If) and breaks(last)):
        return {block: operand}
    found: dict[Block, Operand] = {}
    for branch in (last.then, last.orelse):
        inner = branch.yields[last.results.index(operand)] if operand in last.results else operand  # type: ignore[arg-type]
        found.update(leaf_operands(branch, inner))
    return found
