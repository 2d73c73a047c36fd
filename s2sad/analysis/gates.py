"""Gates: groups of operations with one derivative better than the product of their parts.

The logistic function written out, 1/(1 + exp(-x)), is differentiated from its own result, (1-y)*y, which
neither overflows nor keeps the exponential. Only intermediate results nobody else reads are absorbed.
"""

from __future__ import annotations

from dataclasses import dataclass

from s2sad.analysis.uses import definitions, use_counts
from s2sad.ir.core import AnyOp, Function, Op, Operand, Value
from s2sad.rules.builder import is_one


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """`text` is the partial of the root's result with respect to `operand`; `interior` is absorbed."""

    operand: Operand
    text: str
    interior: tuple[Op, ...]


def find_gates(fn: Function) -> dict[Op, Gate]:
    """The gates of a function by their root operation."""
    defs, uses = definitions(fn), use_counts(fn)
    found: dict[Op, Gate] = {}
    for op in list(defs.values()):
        if isinstance(op, Op) and op.prim == "div" and is_one(op.operands[0]):
            gate = _logistic(op, defs, uses)
            if gate is not None:
                found[op] = gate
        if isinstance(op, Op) and op.prim == "mul":
            gate = _one_minus_square(op, defs, uses)
            if gate is not None:
                found[op] = gate
    return found


def _one_minus_square(op: Op, defs: dict[Value, AnyOp], uses: dict[Value, int]) -> Gate | None:
    """(1 - x) * (1 + x): the parts of its derivative, -(1 + x) and 1 - x, would cancel near 0."""
    sides = [
        defs.get(o) if isinstance(o, Value) and not o.hint and uses[o] == 1 else None for o in op.operands
    ]
    for minus, plus in (sides, sides[::-1]):
        if isinstance(minus, Op) and isinstance(plus, Op) and (minus.prim, plus.prim) == ("sub", "add"):
            x = minus.operands[1]
            if is_one(minus.operands[0]) and is_one(plus.operands[0]) and plus.operands[1] is x:
                return Gate(x, "-2.0 * x * dy", (minus, plus))
    return None


def _logistic(op: Op, defs: dict[Value, AnyOp], uses: dict[Value, int]) -> Gate | None:
    def private(operand: Operand, prims: tuple[str, ...]) -> Op | None:
        d = (
            defs.get(operand)
            if isinstance(operand, Value) and not operand.hint and uses[operand] == 1
            else None
        )
        return d if isinstance(d, Op) and d.prim in prims else None

    total = private(op.operands[1], ("add", "numpy.add"))
    if total is None:
        return None
    for one, other in (total.operands, total.operands[::-1]):
        exp = private(other, ("math.exp", "numpy.exp"))
        if exp is None or not is_one(one):
            continue
        minus = private(exp.operands[0], ("neg",))
        if minus is not None:
            return Gate(minus.operands[0], "(1.0 - y) * y * dy", (total, exp, minus))
        return Gate(exp.operands[0], "(y - 1.0) * y * dy", (total, exp))
    return None
