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


def only_tests(op: If) -> bool:
    """Whether a check holds tests of sizes and nothing else."""
    return all(
        only_tests(o) if isinstance(o, If) else isinstance(o, Op) and o.prim == "fits" for o in op.then.ops
    )


def guarded(emitter: Any, op: If, guards: list[Any], out: list[Any]) -> bool:
    """Tests that are made before a loop, if it runs, in one condition with that; False where there is more."""
    if not only_tests(op):
        return False
    guards = [*guards, emitter.expr(op.cond)]
    for o in op.then.ops:
        if isinstance(o, If):
            guarded(emitter, o, guards, out)
            continue
        quote = emitter.quote(o)
        out += [quote] if quote is not None else []
        statement(emitter, o, out)  # type: ignore[arg-type]
        out[-1].test = gast.BoolOp(gast.And(), [*guards, out[-1].test])
    return True
