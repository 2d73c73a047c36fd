"""Gates: groups of operations with one derivative better than the product of their parts.

The logistic function written out, 1/(1 + exp(-x)), is differentiated from its own result, (1-y)*y, which
neither overflows nor keeps the exponential. A gate is found by what values are made of (`dataflow`), whatever they are
called; what else reads the intermediate results is differentiated as ever.
"""

from __future__ import annotations

from s2sad.analysis.aliases import Aliases
from s2sad.analysis.dataflow import Dataflow, Gate, Term
from s2sad.analysis.exponentials import exponential_gate
from s2sad.analysis.higher import higher_gate
from s2sad.analysis.roots import root_gate
from s2sad.ir.core import Function, Op
from s2sad.rules.builder import is_one


def find_gates(fn: Function, aliases: Aliases) -> dict[Op, Gate]:
    """The gates of a function by their root operation."""
    flow = Dataflow(fn, aliases)
    found: dict[Op, Gate] = {}
    for op in dict.fromkeys(flow.defs.values()):
        if isinstance(op, Op):
            gate = exponential_gate(op, flow, fn.derived) or root_gate(op, flow)
            if gate is None and op.prim == "mul":
                gate = _one_minus_square(op, flow)
            if gate is None and fn.derived:
                gate = higher_gate(op)
            if gate is not None:
                found[op] = gate
    return found


def _one_minus_square(op: Op, flow: Dataflow) -> Gate | None:
    """(1 - x) * (1 + x): the parts of its derivative, -(1 + x) and 1 - x, would cancel near 0."""
    sides = [flow.private(o, "sub", "add") for o in op.operands]
    for minus, plus in (sides, sides[::-1]):
        if minus is not None and plus is not None and (minus.prim, plus.prim) == ("sub", "add"):
            x = minus.operands[1]
            if is_one(minus.operands[0]) and is_one(plus.operands[0]) and plus.operands[1] is x:
                return Gate((Term(x, "-2.0 * x * dy"),), {"x": x}, (minus, plus))
    return None
