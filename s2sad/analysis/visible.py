"""What the caller can see of a function that raises: what it printed, drew or called, what it wrote into memory that others
know, and its own errors. Nothing that raises may move past such an operation."""

from __future__ import annotations

from s2sad.analysis.aliases import WRITES, Aliases
from s2sad.analysis.uses import free_values
from s2sad.ir.core import AnyOp, Function, Op, Value, blocks, walk
from s2sad.ir.types import is_memory
from s2sad.rules.registry import PRIMS


def visible(fn: Function) -> set[AnyOp]:
    """The operations whose effects can be seen, and the structures that hold one."""
    aliases = Aliases(fn)
    handed = (r for op in walk(fn.body) if isinstance(op, Op) and op.prim in HANDED for r in op.results)
    known = aliases.reachable([v for v in (*fn.params, *free_values(fn), *handed) if is_memory(v.type)])
    found: set[AnyOp] = set()

    def is_visible(op: AnyOp) -> bool:
        if not isinstance(op, Op):
            inside = [is_visible(inner) for b in blocks(op) for inner in b.ops]
            seen = any(inside)
        elif op.prim in WRITES:
            target = op.operands[0]
            seen = not isinstance(target, Value) or aliases.find(target) in known
        else:
            seen = op.prim == "invoke" or PRIMS[op.prim].effect == "world"
        if seen:
            found.add(op)
        return seen

    for op in fn.body.ops:
        is_visible(op)
    return found


HANDED = frozenset({"extract", "unpack", "invoke"})  # what gives memory that others know
