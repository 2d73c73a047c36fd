"""Where values are defined and how often they are read."""

from __future__ import annotations

from collections import Counter

from s2sad.ir.core import AnyOp, Block, Function, Op, Value, all_operands, blocks, walk


def use_counts(fn: Function) -> Counter[Value]:
    return Counter(o for o in all_operands(fn.body) if isinstance(o, Value))


def free_values(fn: Function) -> list[Value]:
    """Values a function reads that neither it nor its caller's call defines."""
    made: set[Value] = set(fn.params)
    for op in walk(fn.body):
        made.update(op.results)
        for inner in blocks(op):
            made.update(inner.params)
    return list(dict.fromkeys(o for o in all_operands(fn.body) if isinstance(o, Value) and o not in made))


def homes(fn: Function) -> dict[Value, Block]:
    """The block that defines each value."""
    found: dict[Value, Block] = dict.fromkeys(fn.params, fn.body)
    stack = [fn.body]
    while stack:
        block = stack.pop()
        for p in block.params:
            found[p] = block
        for op in block.ops:
            for r in op.results:
                found[r] = block
            stack.extend(blocks(op))
    return found


def definitions(fn: Function) -> dict[Value, AnyOp]:
    """The operation that defines each value (parameters of functions and blocks have none)."""
    return {r: op for op in walk(fn.body) for r in op.results}


def is_op(op: AnyOp | None, prim: str) -> bool:
    return isinstance(op, Op) and op.prim == prim
