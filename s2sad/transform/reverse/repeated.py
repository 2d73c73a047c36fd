"""Reverse sweeps that run more than once after one forward sweep: every run leaves shadows zero, as it found them,
and sweeps for several results share what the forward sweep keeps for them.
"""

from __future__ import annotations

from s2sad.ir.core import Op
from s2sad.ir.types import is_float
from s2sad.transform.reverse.core import Reverse
from s2sad.transform.reverse.scopes import Scope
from s2sad.transform.reverse.shadows import empty_cell, shadow, zero_shadow


def share(r: Reverse, other: Reverse) -> None:
    """Reverse the same function for another result: both reverse sweeps follow one forward sweep."""
    r.extras, r.home, r.sites, r.op_homes = other.extras, other.home, other.sites, other.op_homes
    r.tapes, r.snapshots, r.records = other.tapes, other.snapshots, other.records


def restore(r: Reverse, op: Op, scope: Scope) -> None:
    """Where the shadow of what an operation makes is spent, it is zeroed for the next run."""
    for v in op.results:
        if v in r.beside and v not in r.input_set:
            zero_shadow(r.builder, shadow(r, v, scope))
    if op.prim == "tape_write" and op.operands[0] in r.shadows and is_float(op.operands[2].type):
        target, at = shadow(r, op.operands[0], scope), r.primal(op.operands[1], scope)
        r.builder.effect("tape_write", target, at, empty_cell(target.type))
