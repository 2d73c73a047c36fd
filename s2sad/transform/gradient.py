"""Derivative functions assembled from the reverse sweep: gradients, and forward/reverse pairs."""

from __future__ import annotations

from dataclasses import dataclass

from s2sad.errors import NotDifferentiableError
from s2sad.ir.core import Block, Function, Op, Operand, Value
from s2sad.ir.types import FLOAT, Array, List, Scalar, is_float, is_memory
from s2sad.rules.builder import const
from s2sad.transform.reverse import Callees, Reverse
from s2sad.transform.reverse.calls import residuals
from s2sad.transform.reverse.memory import shadow_type


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
    finals, ops = finished(inputs, sweeps.adjoints, joined(reverse))
    yields = (*primal, *finals)
    body = Block((), (*sweeps.forward, *sweeps.reverse, *ops), yields)
    return Function(name, fn.params, body, fn.loc, callees.reachable(body))


def joined(reverse: Reverse) -> set[Value]:
    """Primal values that may be ints at run time though their type is float: merged from both."""
    return {v for v, op in reverse.defs.items() if not isinstance(op, Op) and is_float(v.type)}


def finished(inputs: tuple[Value, ...], adjoints: tuple[Operand, ...], maybe_int: set[Value]) -> tuple[list[Operand], list[Op]]:
    """Adjoints in the dtype of their inputs."""
    out: list[Operand] = []
    ops: list[Op] = []
    for v, a in zip(inputs, adjoints, strict=True):
        if isinstance(v.type, Scalar) and v.type.dtype == "float32":
            cast = Value(getattr(a, "hint", ""), v.type)
            ops.append(Op("numpy.float32", (a,), (cast,)))
            a = cast
        elif a in maybe_int or isinstance(a.type, Scalar) and a.type.kind == "int":
            cast = Value(f"d·{v.hint}", FLOAT)
            ops.append(Op("builtins.float", (a,), (cast,)))
            a = cast
        out.append(a)
    return out, ops


@dataclass(frozen=True, eq=False)
class Pullback:
    """A reversed function in two halves. `forward` yields the outputs, then `kept`; `reverse` takes `kept`, then
    a cotangent for each output of `cotangents`, and yields the inputs' adjoints. `shadows` says which of `kept`
    are written by the reverse half, `memory` which are memory that the caller may write."""

    forward: Function
    reverse: Function
    kept: tuple[Value, ...]
    shadows: tuple[bool, ...]
    memory: tuple[bool, ...]
    cotangents: tuple[int, ...]


def pullback(fn: Function, inputs: tuple[Value, ...], name: str) -> Pullback:
    """Split mode: the reverse half may run as often as asked."""
    callees = Callees(fn.callees)
    outputs = fn.body.yields
    reverse = Reverse(fn, inputs, outputs, callees)
    wanted = tuple(i for i, o in enumerate(outputs) if isinstance(o, Value) and (is_float(o.type) or is_memory(o.type)))
    seeds = tuple(Value(f"d·{fn.name}", shadow_type(o.type)) if i in wanted else None for i, o in enumerate(outputs))
    sweeps = reverse.run(seeds)
    kept = tuple(residuals(sweeps.reverse, sweeps.adjoints, seeds))
    written = set(reverse.shadows.values()) | {reverse.tapes[s] for s in reverse.shadows.values() if s in reverse.tapes}
    forward = Function(f"{name}_fwd", fn.params, Block((), sweeps.forward, (*outputs, *kept)), fn.loc, callees.reachable(Block((), sweeps.forward, ())))
    finals, ops = finished(inputs, sweeps.adjoints, joined(reverse))
    given = tuple(s for s in seeds if s is not None)
    back = Block((), (*sweeps.reverse, *ops), tuple(finals))
    shadows = tuple(k in written for k in kept)
    return Pullback(
        forward,
        Function(f"{name}_rev", (*kept, *given), back, fn.loc, callees.reachable(back)),
        kept,
        shadows,
        tuple(isinstance(k.type, (Array, List)) and not s for k, s in zip(kept, shadows, strict=True)),
        wanted,
    )
