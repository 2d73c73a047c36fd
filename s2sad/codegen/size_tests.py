"""Tests that sizes fit, as statements: `if x.shape[0] != y.shape[0]: raise ValueError(…)` under the user's line.

The message names the line, and the sizes, except where Numba compiles: constant messages compile faster.
"""

from __future__ import annotations

from typing import Any

import gast

from s2sad.codegen import raising
from s2sad.codegen import tree as t
from s2sad.ir.core import If, Op


def statement(emitter: Any, op: Op, out: list[Any]) -> None:
    """One test."""
    sizes = [emitter.expressions.size(o, k) for o, k in zip(op.operands, op.attr("axes"), strict=True)]
    left = op.attr("left")
    a, b = t.product(sizes[:left]), t.product(sizes[left:])
    message = t.constant(f"line {op.loc.line}: {op.attr('text')}")
    if emitter.target == "python":
        message = t.formatted(message, t.constant(": "), a, t.constant(" and "), b)
    ones = op.attr("ones")
    chain = [*([t.constant(1)] if ones == "both" else []), a, b]
    comparisons = [gast.NotEq() for _ in chain[1:]]
    if ones == "open":
        chain, comparisons = [*chain, t.constant(0)], [*comparisons, gast.GtE()]
    elif ones:
        chain, comparisons = [*chain, t.constant(1)], [*comparisons, gast.NotEq()]
    differ = gast.Compare(chain[0], comparisons, chain[1:])
    error = t.call(raising.class_name(emitter.expressions, op.attr("error")), message)
    out.append(gast.If(differ, [gast.Raise(error, None)], []))


def guarded(emitter: Any, op: If, guards: list[Any], out: list[Any]) -> bool:
    """Tests that are made before a loop, if it runs, in one condition with that; False where there is more."""
    if not all(isinstance(o, If) or (isinstance(o, Op) and o.prim == "fits") for o in op.then.ops):
        return False
    guards = [*guards, emitter.expr(op.cond)]
    made: list[Any] = []
    for o in op.then.ops:
        if isinstance(o, If):
            if not guarded(emitter, o, guards, made):
                return False
            continue
        quote = emitter.quote(o)
        made += [quote] if quote is not None else []
        statement(emitter, o, made)  # type: ignore[arg-type]
        made[-1].test = gast.BoolOp(gast.And(), [*guards, made[-1].test])
    out += made
    return True
