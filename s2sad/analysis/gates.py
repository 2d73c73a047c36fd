"""Gates: groups of operations with one derivative better than the product of their parts.

The logistic function written out, 1/(1 + exp(-x)), is differentiated from its own result, (1-y)*y, which
neither overflows nor keeps the exponential. A gate is found by what values are made of (`dataflow`), whatever they are
called; what else reads the intermediate results is differentiated as ever.
"""

from __future__ import annotations

from s2sad.analysis.aliases import Aliases
from s2sad.analysis.dataflow import Dataflow, Gate
from s2sad.analysis.exponentials import exponential_gate
from s2sad.analysis.roots import root_gate
from s2sad.ir.core import Function, Op


def find_gates(fn: Function, aliases: Aliases) -> dict[Op, Gate]:
    """The gates of a function by their root operation."""
    flow = Dataflow(fn, aliases)
    found: dict[Op, Gate] = {}
    for op in dict.fromkeys(flow.defs.values()):
        if isinstance(op, Op):
            gate = exponential_gate(op, flow) or root_gate(op, flow)
            if gate is not None:
                found[op] = gate
    return found
