"""Derivative functions assembled from the reverse sweep: gradients, and forward/reverse pairs."""

from __future__ import annotations

from s2sad.errors import NotDifferentiableError
from s2sad.ir.core import Block, Function, Op, Operand, Value
from s2sad.ir.types import Scalar, is_float, is_memory
from s2sad.rules.builder import const
from s2sad.transform.reverse import Callees, Reverse


def gradient(fn: Function, inputs: tuple[Value, ...], name: str, value: bool, aux: int = 0) -> Function:
    """The function that returns (the value and the auxiliary results, if `value`, and) the adjoints of `inputs`.

    The first result of `fn` must be a real scalar; `aux` further results are returned as they are.
    """
    output = fn.body.yields[0]
    if not (isinstance(output.type, Scalar) and output.type.kind in ("float", "int", "bool")):
        raise NotDifferentiableError(
            f"{fn.name}() returns {output.type}, and a gradient needs one real number",
            fn.loc,
            "return a scalar, or use vjp() or jacobian()",
        )
    callees = Callees(fn.callees)
    reverse = Reverse(fn, inputs, (output,), callees)
    sweeps = reverse.run((const(1.0),) if is_float(output.type) else (None,))
    primal = fn.body.yields[: 1 + aux] if value else fn.body.yields[1 : 1 + aux]
    finals, ops = finished(inputs, sweeps.adjoints)
    yields = (*primal, *finals)
    body = Block((), (*sweeps.forward, *sweeps.reverse, *ops), yields)
    return Function(name, fn.params, body, fn.loc, callees.reachable(body))


def finished(inputs: tuple[Value, ...], adjoints: tuple[Operand, ...]) -> tuple[list[Operand], list[Op]]:
    """Adjoints in the dtype of their inputs, no two of them the same memory."""
    out: list[Operand] = []
    ops: list[Op] = []
    for v, a in zip(inputs, adjoints, strict=True):
        if isinstance(v.type, Scalar) and v.type.dtype == "float32":
            cast = Value(getattr(a, "hint", ""), v.type)
            ops.append(Op("numpy.float32", (a,), (cast,)))
            a = cast
        out.append(a)
    return out, ops


_ = is_memory
