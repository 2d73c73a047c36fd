"""Which values a path leaves unbound, and of those, which generated code must give a placeholder.

A variable of the user's that is unbound on a path stays unbound in generated code, and reading it raises as
in Python. What the transforms read without using it (to store it, to copy it) must be bound on every path.
"""

from __future__ import annotations

from collections.abc import Callable

from s2sad.ir.core import For, Function, If, Op, Operand, Undef, Value, While, walk

STORES = frozenset({"pack", "tape_write"})


def placeholders(fn: Function, copied: Callable[[Value, Operand], bool]) -> set[Value]:
    """Results whose unbound branch must assign a placeholder; `copied(result, source)` says whether the
    emitter will print an assignment from one to the other."""
    flows = joins(fn)
    maybe = unbound(flows)
    if not maybe:
        return maybe
    stored = [o for op in walk(fn.body) if isinstance(op, Op) and op.prim in STORES for o in op.operands]
    need = {o for o in stored if isinstance(o, Value) and o in maybe}
    need |= {s for r, s in flows if isinstance(s, Value) and s in maybe and copied(r, s)}
    while True:
        more = {s for r, s in flows if r in need and isinstance(s, Value) and s in maybe and s not in need}
        if not more:
            return need
        need |= more


def joins(fn: Function) -> list[tuple[Value, Operand]]:
    """What each result of a branch or loop, and each carried value, may be: pairs of it and a source."""
    flows: list[tuple[Value, Operand]] = []
    for op in walk(fn.body):
        if isinstance(op, If):
            for r, a, b in zip(op.results, op.then.yields, op.orelse.yields, strict=True):
                flows += [(r, a), (r, b)]
        elif isinstance(op, For):
            for r, p, i, y in zip(op.results, op.body.params[1:], op.init, op.body.yields, strict=True):
                flows += [(r, i), (r, y), (p, i), (p, y)]
        elif isinstance(op, While):
            columns = zip(
                op.results,
                op.test.params,
                op.body.params,
                op.init,
                op.test.yields[1:],
                op.body.yields,
                strict=True,
            )
            for r, p, q, i, t, y in columns:
                flows += [(r, i), (r, t), (r, y), (p, i), (p, y), (q, t)]
    return flows


def unbound(flows: list[tuple[Value, Operand]]) -> set[Value]:
    """The values that are unbound on some path."""
    maybe: set[Value] = set()
    while True:
        more = {r for r, s in flows if r not in maybe and (isinstance(s, Undef) or s in maybe)}
        if not more:
            return maybe
        maybe |= more
