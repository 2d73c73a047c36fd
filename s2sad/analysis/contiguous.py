"""Arrays that lie in memory row by row, of which `reshape` and `ravel` give views.

Of other arrays only the call shows whether they give a view or a copy; where memory is written, that is refused
(`analysis.aliases.refuse_written_reshapes`). An array that the function has made is known to lie so by what made it.
"""

from __future__ import annotations

from dataclasses import replace

from s2sad.analysis.aliases import Aliases
from s2sad.analysis.uses import definitions
from s2sad.ir.core import AnyOp, Block, Function, Op, Operand, Value, walk, with_blocks
from s2sad.ir.types import Array
from s2sad.rules.effects import is_fresh
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import is_elementwise

BY_ROWS = frozenset(
    {"numpy.zeros", "numpy.ones", "numpy.empty", "numpy.arange", "numpy.linspace", "eye_matrix", "array_of_numbers", "array_of"}
)  # fmt: skip


def contiguous_views(fn: Function) -> Function:
    """The function with views for what is reshaped of such arrays and written under either name."""
    if not any(isinstance(op, Op) and op.prim == "numpy.reshape" for op in walk(fn.body)):
        return fn
    aliases, defs = Aliases(fn), definitions(fn)
    known: set[Value] = set()

    def lies_by_rows(a: Operand) -> bool:
        op = defs.get(a) if isinstance(a, Value) else None
        if not isinstance(op, Op):
            return False
        if op.attr("order") is not None:
            return bool(op.attr("order") == "C")
        if op.prim in BY_ROWS or a in known:
            return True
        if not (isinstance(a.type, Array) and is_fresh(op)):
            return False
        elementwise = op.prim in PRIMS and is_elementwise(PRIMS[op.prim])
        return a.type.ndim == 1 or (elementwise and all(map(rises_by_rows, op.operands)))

    def rises_by_rows(o: Operand) -> bool:
        """Whether an array that meets others does not ask for another order of the result."""
        op = defs.get(o) if isinstance(o, Value) else None
        if isinstance(op, Op) and op.prim == "newaxis":
            o = op.operands[0]
        return not isinstance(o.type, Array) or o.type.ndim < 2 or lies_by_rows(o)

    def visit(op: AnyOp) -> AnyOp:
        if not isinstance(op, Op):
            return with_blocks(op, block)
        if op.prim != "numpy.reshape" or not lies_by_rows(op.operands[0]):
            return op
        known.add(op.result)
        written = aliases.is_written(op.result) or aliases.is_written(op.operands[0])  # type: ignore[arg-type]
        return replace(op, prim="reshaped") if written else op

    def block(b: Block) -> Block:
        return replace(b, ops=tuple(map(visit, b.ops)))

    return replace(fn, body=block(fn.body))
