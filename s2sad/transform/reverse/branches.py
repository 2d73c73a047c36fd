"""The reverse of an `if`: the same condition chooses the reverse of the branch that ran."""

from __future__ import annotations

from typing import Any

from s2sad.ir.core import Block, If, Value
from s2sad.ir.types import Array
from s2sad.transform.reverse.arrays import zeros
from s2sad.transform.reverse.core import HANDLERS, Reverse
from s2sad.transform.reverse.scopes import Scope, adjoint_hint, adjoint_type, zero
from s2sad.transform.reverse.storage import head


def reverse_if(r: Reverse, op: If, scope: Scope) -> None:
    """Each branch overlays the adjoints around it; what either changed becomes a result."""
    cotangents = {v: scope.adj.pop(v) for v in op.results if v in scope.adj}
    if not cotangents and not r.is_live(op.then) and not r.is_live(op.orelse):
        return
    loc = r.builder.loc
    cond = r.primal(op.cond, scope)
    sides = []
    for block in (op.then, op.orelse):
        child = Scope("branch", scope, block, op)
        with r.builder.region() as ops:
            for result, operand in zip(op.results, block.yields, strict=True):
                if result in cotangents:
                    r.builder.loc = loc
                    r.add(operand, cotangents[result], child)
            r.block(block, child)
        sides.append((child, [*head(r, child), *ops]))
    r.builder.loc = loc
    changed: dict[Value, None] = {}
    for child, _ in sides:
        changed.update(dict.fromkeys(v for v in child.adj if r.home.get(v) is not child.block))
    results: list[Value] = []
    columns: list[Any] = []
    for v in changed:
        before = r.lookup(v, r.owner(v, scope))
        if before is None and any(v not in child.adj for child, _ in sides):
            before = zero(v.type) if not isinstance(v.type, Array) else zeros(r, v, scope)
        columns.append(tuple(child.adj.get(v) or before for child, _ in sides))
        results.append(Value(adjoint_hint(v), adjoint_type(v.type)))
    (_, then_ops), (_, else_ops) = sides
    if not then_ops and not else_ops and not results:
        return
    then = Block((), tuple(then_ops), tuple(c[0] for c in columns))
    orelse = Block((), tuple(else_ops), tuple(c[1] for c in columns))
    r.builder.ops.append(If(cond, then, orelse, tuple(results), loc))
    for v, result in zip(changed, results, strict=True):
        r.owner(v, scope).adj[v] = result


HANDLERS[If] = reverse_if
