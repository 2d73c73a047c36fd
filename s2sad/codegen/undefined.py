"""Which values a path leaves unbound, and of those, which generated code must give a placeholder.

A variable of the user's that is unbound on a path stays unbound in generated code, and reading it raises as
in Python. What the transforms read without using it (to store it, to copy it) must be bound on every path.
"""

from __future__ import annotations

from collections.abc import Callable

from s2sad.analysis.unbound import joins, unbound
from s2sad.ir.core import Function, Op, Operand, Value, walk

STORES = frozenset({"pack", "tape_write"})


def placeholders(fn: Function, copied: Callable[[Value, Operand], bool]) -> set[Value]:
    """Results whose unbound branch must assign a placeholder; `copied(result, source)` says whether the
    emitter will print an assignment from one to the other."""
    flows = joins(fn)
    maybe = unbound(flows)
    if not maybe:
        return maybe
    stored = [o for op in walk(fn.body) if isinstance(op, Op) and op.prim in STORES for o in op.operands]
    stored += fn.body.yields[len(fn.body.yields) - fn.kept :]
    need = {o for o in stored if isinstance(o, Value) and o in maybe}
    need |= {s for r, s in flows if isinstance(s, Value) and s in maybe and copied(r, s)}
    while True:
        more = {s for r, s in flows if r in need and isinstance(s, Value) and s in maybe and s not in need}
        if not more:
            return need
        need |= more
