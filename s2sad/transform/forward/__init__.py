"""Forward mode: functions that compute tangents beside values."""

from __future__ import annotations

from dataclasses import replace

from s2sad.ir.core import Function, Value
from s2sad.transform.forward import memory  # noqa: F401
from s2sad.transform.forward.core import Callees, Forward, has_tangent, tangent_type

__all__ = ["forward", "has_tangent", "tangent_type"]


def forward(fn: Function, inputs: tuple[Value, ...], name: str) -> Function:
    """The function that also takes a tangent for each of `inputs`, and also returns its results' tangents.

    Parameters: those of `fn`, then the tangents of `inputs` (parameters of `fn`, or values taken out of them).
    Results: those of `fn`, then the tangents of those that are floats or memory; 0.0 where one does not vary.
    The tangents passed in are not written to, and no two tangents returned are the same memory.
    """
    callees = Callees(fn.callees, {name, *fn.callees})
    results = tuple(has_tangent(o.type) for o in fn.body.yields)
    made = Forward(fn, inputs, results, callees, fresh=True).run(name)
    return replace(made, callees=callees.reachable(made.body))
