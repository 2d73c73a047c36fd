"""Derivative functions assembled from the reverse sweep: gradients, and forward/reverse pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from s2sad.analysis.aliases import Aliases
from s2sad.errors import NOWHERE, NotDifferentiableError
from s2sad.ir.core import AnyOp, Block, Function, Op, Operand, Undef, Value
from s2sad.ir.types import FLOAT, NONE, Array, Bottom, Scalar, is_float, is_memory
from s2sad.rules.builder import Builder, const
from s2sad.transform.reverse import Callees, Reverse, ready
from s2sad.transform.reverse.arrays import finished_array, sources
from s2sad.transform.reverse.calls import new_tapes, residuals, with_tapes
from s2sad.transform.reverse.restoring import Restoring, worth_restoring
from s2sad.transform.reverse.shadows import shadow_type


def gradient(
    fn: Function,
    inputs: tuple[Value, ...],
    name: str,
    value: bool,
    aux: int = 0,
    reserved: tuple[str, ...] = (),
) -> Function:
    """The function that returns (the value and the auxiliary results, if `value`, and) the adjoints of `inputs`.

    The first result of `fn` must be a real scalar; `aux` further results are returned as they are.
    """
    always_raises = any(isinstance(op, Op) and op.prim == "raise" for op in fn.body.ops)
    if isinstance(fn.body.yields[0].type, Bottom) or (
        isinstance(fn.body.yields[0], Undef) and always_raises
    ):  # it raises whatever happens, and yields nothing
        fn = replace(fn, body=replace(fn.body, yields=(const(0.0), *fn.body.yields[1:])))
    fn = number_returned(fn)
    output = fn.body.yields[0]
    if not (isinstance(output.type, Scalar) and output.type.kind in ("float", "int", "bool")):
        raise NotDifferentiableError(
            f"{fn.name}() returns {output.type}, and a gradient needs one real number",
            fn.loc,
            "end it with a return of one number"
            if output.type == NONE
            else "return a scalar, or use vjp() or jacobian()",
        )
    made_ready, seeds = ready(fn, inputs), (const(1.0) if is_float(output.type) else None,)
    restoring = Restoring()
    for _ in range(2):  # with copies of what is overwritten, and again where it is better put back
        callees = Callees(fn.callees, reserved=(name, *reserved))
        reverse = Reverse(made_ready, inputs, (output,), callees, restoring=restoring)
        sweeps = reverse.run(seeds)
        if restoring.writes or not (restoring := worth_restoring(reverse)).writes:
            break
    primal = fn.body.yields[: 1 + aux] if value else fn.body.yields[1 : 1 + aux]
    finals, ops = finished(inputs, sweeps.adjoints, (*sweeps.forward, *sweeps.reverse))
    yields = (*primal, *finals)
    body = Block((), (*sweeps.forward, *sweeps.reverse, *ops), yields)
    made = Function(name, fn.params, body, fn.loc, callees.reachable(body), layouts=fn.layouts)
    return new_tapes(*with_tapes(made, callees))


def number_returned(fn: Function) -> Function:
    """A function that returns an array without axes returns the number in it."""
    first, *others = fn.body.yields
    if not (isinstance(first.type, Array) and first.type.ndim == 0):
        return fn
    number = Value(getattr(first, "hint", ""), first.type.item)
    taken = Op("load", (first,), (number,), fn.loc)
    return replace(fn, body=replace(fn.body, ops=(*fn.body.ops, taken), yields=(number, *others)))


def floats_at_last(fn: Function, first: int) -> Function:
    """Gradients (results from number `first` on) that are a variable of the user's merged from ints and floats
    are made floats: after optimisation, which may leave such a variable as a gradient."""
    merged = {
        r for op in fn.body.ops if not isinstance(op, Op) for r in op.results if r.hint and "·" not in r.hint
    }
    copies = {op.result: op.operands[0] for op in fn.body.ops if isinstance(op, Op) and op.prim == "identity"}
    yields, ops = list(fn.body.yields), list(fn.body.ops)
    for i in range(first, len(yields)):
        o = yields[i]
        while isinstance(o, Value) and o in copies:
            o = copies[o]
        if (isinstance(o, Value) and o in merged and is_float(o.type)) or (
            isinstance(o.type, Scalar) and o.type.kind == "int"
        ):
            cast = Value("", FLOAT)
            ops.append(Op("builtins.float", (o,), (cast,), replace(NOWHERE, reverse=True)))
            yields[i] = cast
    return replace(fn, body=replace(fn.body, ops=tuple(ops), yields=tuple(yields)))


def finished(
    inputs: tuple[Value, ...], adjoints: tuple[Operand, ...], sweep: tuple[AnyOp, ...]
) -> tuple[list[Operand], list[Any]]:
    """Adjoints in the dtype of their inputs; arrays complete, and memory of their own."""
    out: list[Operand] = []
    ops: list[Any] = []
    made = sources(sweep) if any(isinstance(v.type, Array) for v in inputs) else {}
    given: set[Operand] = set()
    for v, a in zip(inputs, adjoints, strict=True):
        if isinstance(v.type, Array):
            builder = Builder(replace(NOWHERE, reverse=True))
            a = finished_array(builder, a, v, given, made)
            ops += builder.ops
            out.append(a)
            continue
        if isinstance(v.type, Scalar) and v.type.dtype == "float32":
            cast = Value(getattr(a, "hint", ""), v.type)
            ops.append(Op("numpy.float32", (a,), (cast,), replace(NOWHERE, reverse=True)))
            a = cast
        elif isinstance(a.type, Scalar) and a.type.dtype == "float32":  # it met arrays of single precision
            cast = Value(getattr(a, "hint", ""), FLOAT)
            ops.append(Op("builtins.float", (a,), (cast,), replace(NOWHERE, reverse=True)))
            a = cast
        out.append(a)
    return out, ops


@dataclass(frozen=True, eq=False)
class Pullback:
    """A reversed function in two halves. `forward` yields the outputs, then `kept`; `reverse` takes `kept`, then
    a cotangent for each output of `cotangents`, and yields the inputs' adjoints. `writes` says whether it writes memory
    that is kept, or that is held by what is."""

    forward: Function
    reverse: Function
    kept: tuple[Value, ...]
    writes: bool
    cotangents: tuple[int, ...]


def pullback(fn: Function, inputs: tuple[Value, ...], name: str) -> Pullback:
    """Split mode: the reverse half may run as often as asked."""
    callees = Callees(fn.callees, reserved=(f"{name}_fwd", f"{name}_rev"))
    outputs = fn.body.yields
    reverse = Reverse(ready(fn, inputs), inputs, outputs, callees)
    wanted = tuple(
        i for i, o in enumerate(outputs) if isinstance(o, Value) and (is_float(o.type) or is_memory(o.type))
    )
    seeds = tuple(
        Value(f"d·{fn.name}", shadow_type(o.type)) if i in wanted else None for i, o in enumerate(outputs)
    )
    sweeps = reverse.run(seeds)
    finals, ops = finished(inputs, sweeps.adjoints, sweeps.reverse)
    # what completes the gradients reads too: the shape of an argument over which a number is spread
    kept = tuple(residuals((*sweeps.reverse, *ops), tuple(finals), seeds))
    given = tuple(s for s in seeds if s is not None)
    back = Block((), (*sweeps.reverse, *ops), tuple(finals))
    reverse_half, read = with_tapes(
        Function(f"{name}_rev", (), back, fn.loc, callees.reachable(back)), callees
    )
    kept = (*kept, *(tape for tape in read if tape not in kept))
    ahead = Block((), sweeps.forward, (*outputs, *kept))
    forward, used = with_tapes(
        Function(f"{name}_fwd", fn.params, ahead, fn.loc, callees.reachable(ahead)), callees
    )
    forward = replace(new_tapes(forward, used), kept=len(kept))
    reverse_half = replace(reverse_half, params=(*kept, *given))
    aliases = Aliases(replace(reverse_half, called=True))
    written = any(is_memory(k.type) and aliases.is_written(k) for k in kept)
    return Pullback(forward, reverse_half, kept, written or bool(reverse.records), wanted)
