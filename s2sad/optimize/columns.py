"""Lists of one part of each element of an argument: `[data[i][0] for i in range(40)]` in place of forty subscripts.

The last thing before printing: nothing else knows this operation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from s2sad.ir.core import AnyOp, Block, Function, Op, Value, with_blocks
from s2sad.optimize.dce import eliminate_dead_code

FEWEST = 8  # elements


def gather_columns(fn: Function) -> Function:
    """The function with its lists of such parts made in one expression each."""
    extracts = {op.result: op for op in fn.body.ops if isinstance(op, Op) and op.prim == "extract"}
    if len(extracts) < FEWEST:
        return fn

    def block(b: Block) -> Block:
        return replace(b, ops=tuple(with_blocks(gathered(op, extracts), block) for op in b.ops))

    return eliminate_dead_code(replace(fn, body=block(fn.body)))


def gathered(op: AnyOp, extracts: dict[Value, Op]) -> AnyOp:
    if not (isinstance(op, Op) and op.prim == "alloc_list" and len(op.operands) >= FEWEST):
        return op
    made = [extracts.get(o) if isinstance(o, Value) else None for o in op.operands]
    if any(m is None or m.operands != made[0].operands for m in made):  # type: ignore[union-attr]
        return op
    at = running([m.attr("path") for m in made])  # type: ignore[union-attr]
    if at is None:
        return op
    path = made[0].attr("path")  # type: ignore[union-attr]
    attrs = (("path", path[:at]), ("rest", path[at + 1 :]), ("first", path[at][1]), ("count", len(made)))
    return replace(op, prim="extract_list", operands=made[0].operands, attrs=attrs)  # type: ignore[union-attr]


def running(paths: list[Any]) -> int | None:
    """The only place in which paths differ, where they are subscripts that count up."""
    first = paths[0]
    differing = [k for k, step in enumerate(first) if any(p[k : k + 1] != (step,) for p in paths)]
    if len(differing) != 1 or any(len(p) != len(first) for p in paths):
        return None
    (at,) = differing
    keys = [p[at] for p in paths]
    start = keys[0][1]
    counts = type(start) is int and keys == [("item", start + k) for k in range(len(keys))]
    return at if counts else None
