"""Jacobians: a sweep for every row (reverse) or for every column (forward), in one function.

`rows` runs the forward sweep once and its reverse sweep for every element of each result. `columns` runs the
function once and then its tangents for every element of each input; of the function itself only what cannot
be kept is done again there: branches and loops that tangents go through, and what they write.
"""

from __future__ import annotations

from dataclasses import replace

from s2sad.analysis.activity import active_values
from s2sad.analysis.aliases import WRITES, Aliases
from s2sad.analysis.layout import as_it_lies, lies_by_rows
from s2sad.errors import NOWHERE, Loc, UnsupportedSyntaxError
from s2sad.ir.core import AnyOp, Block, Function, If, Op, Operand, Value, While, walk
from s2sad.ir.types import Array, List, Scalar, Type, carries_derivative, is_float, is_memory
from s2sad.rules.builder import Builder, const, is_zero
from s2sad.rules.registry import PRIMS
from s2sad.transform.forward.core import Callees as ForwardCallees
from s2sad.transform.forward.core import Forward, has_tangent
from s2sad.transform.gradient import finished
from s2sad.transform.repeat import Copier, each, indices_of, put, sizes, table, unit
from s2sad.transform.reverse import Callees, Reverse, ready
from s2sad.transform.reverse.arrays import by_value, is_unshared, made_as, sources
from s2sad.transform.reverse.borrowed import returned
from s2sad.transform.reverse.calls import new_tapes, with_tapes
from s2sad.transform.reverse.repeated import share
from s2sad.transform.reverse.shadows import shadow, zero_shadow
from s2sad.transform.views import settled

REVERSE = replace(NOWHERE, reverse=True)


def dtype_of(t: Type) -> str:
    """The dtype of derivatives with respect to a value of this type: its own."""
    item = t.item if isinstance(t, (Array, List)) else t
    return (item.dtype if isinstance(item, Scalar) else None) or "float64"


def name_of(output: Operand, fn: Function) -> str:
    """What a result is called: by the user's name for it, else as the function."""
    hint = getattr(output, "hint", "")
    return hint if hint.isidentifier() and hint != "$result" else fn.name


def hint_of(output: Operand, v: Value, fn: Function) -> str:
    """What a Jacobian is called in generated code."""
    name = name_of(output, fn)
    return f"d{name}_d{v.hint}" if v.hint.isidentifier() else f"d{name}"


def varies(output: Operand) -> bool:
    return isinstance(output, Value) and carries_derivative(output.type)


def builder_for(fn: Function, loc: Loc) -> Builder:
    b = Builder(loc)
    taken = (op.result for op in fn.body.ops if isinstance(op, Op) and op.prim == "extract")
    for p in (*fn.params, *taken):
        b.named_sizes(p)
    return b


# -- rows ---------------------------------------------------------------------------------------------


def rows(
    fn: Function, inputs: tuple[Value, ...], count: int, name: str, reserved: tuple[str, ...] = ()
) -> Function:
    """The function that returns fn's results from number `count` on, then for each of the first `count` results
    its Jacobian with respect to each of `inputs`: the cotangent of one element after another is pulled back."""
    fn = ready(fn, inputs)
    outputs = fn.body.yields[:count]
    callees = Callees(fn.callees, reserved=(name, *reserved), repeated=True)
    varying = [o for o in outputs if varies(o)]
    calls = any(isinstance(op, Op) and op.prim == "invoke" for op in walk(fn.body))
    b = builder_for(fn, REVERSE)
    found: list[Operand] = []
    first: Reverse | None = None
    forward = returned(fn, fn.body.ops)
    for output in outputs:
        if not varies(output):
            outer = sizes(b, output)
            found += [table(b, hint_of(output, v, fn), dtype_of(v.type), outer, sizes(b, v)) for v in inputs]
            continue
        r = Reverse(fn, inputs, (output,), callees)
        if first is None:
            first = r
        else:
            share(r, first)
        if calls:  # one forward version of what is called serves all results
            r.active = active_values(fn, inputs, varying, r.aliases, r.gates)
        found += rows_of(b, r, output, fn)  # type: ignore[arg-type]
    if first is not None:
        forward = returned(fn, first.extras.ops(fn.body))
    body = Block((), (*forward, *b.ops), (*fn.body.yields[count:], *found))
    made = Function(name, fn.params, body, fn.loc, callees.reachable(body), layouts=fn.layouts)
    return new_tapes(*with_tapes(made, callees))


def rows_of(b: Builder, r: Reverse, output: Value, fn: Function) -> list[Operand]:
    """The Jacobians of one result."""
    if is_float(output.type):
        sweep = r.run((const(1.0),))
        finals, ops = finished(r.inputs, sweep.adjoints, (*sweep.forward, *sweep.reverse))
        b.ops += [*sweep.reverse, *ops]
        return [as_array(b, d) for d in finals]
    shape = sizes(b, output)
    tables = [table(b, hint_of(output, v, fn), dtype_of(v.type), shape, sizes(b, v)) for v in r.inputs]
    at = indices_of(len(shape), fn)
    with b.region() as ops:
        hint = f"d·{name_of(output, fn)}"
        if by_value(r, output):
            sweep = r.run((unit(b, output, hint, shape, at),))
        else:
            sweep = r.run((lambda: one_in_shadow(r, output, at),))
        ops += sweep.reverse
        for v, target, adjoint in zip(r.inputs, tables, sweep.adjoints, strict=True):
            rank = 1 if isinstance(v.type, List) else getattr(v.type, "ndim", 0)
            put(b, target, (*at, *(None,) * rank), adjoint)
        for v in (*r.inputs, *fn.params):
            if v in r.beside and v in r.shadows:
                zero_shadow(b, r.shadows[v])
    each(b, shape, at, ops)
    return tables


def one_in_shadow(r: Reverse, output: Value, at: tuple[Value, ...]) -> None:
    """The cotangent of one element of a result whose adjoint is a shadow buffer."""
    target = shadow(r, output, r.root)
    if isinstance(target, Value):
        r.builder.effect("accumulate", target, *at, const(1.0))


def as_array(b: Builder, d: Operand) -> Operand:
    """A derivative with respect to a list of numbers is an array."""
    if not isinstance(d.type, List):
        return d
    return b.emit("array_of", d, type=Array("float64"), dtype="float64")


# -- columns ------------------------------------------------------------------------------------------


def columns(
    fn: Function, inputs: tuple[Value, ...], count: int, name: str, reserved: tuple[str, ...] = ()
) -> Function:
    """As `rows`, by tangents along one element of the inputs after another."""
    fn = settled(fn, inputs)  # so that what is kept is of the operations that are done
    outputs = fn.body.yields[:count]
    callees = ForwardCallees(fn.callees, {name, *reserved, *fn.callees})
    aliases = Aliases(fn)
    fn, kept, originals = kept_values(fn, aliases)
    results = tuple(i < count and has_tangent(o.type) for i, o in enumerate(fn.body.yields))
    b = builder_for(fn, fn.loc)
    found: dict[tuple[int, Value], Operand] = {}
    for v in inputs:
        made = Forward(fn, (v,), results, callees, fresh=True).run(name)
        tangents = dict(
            zip([i for i, w in enumerate(results) if w], made.body.yields[len(results) :], strict=True)
        )
        shape = sizes(b, v)
        hints = [hint_of(o, v, fn) for o in outputs]
        tables = {
            i: table(b, hints[i], dtype_of(v.type), sizes(b, o), shape)
            for i, o in enumerate(outputs)
            if shape or is_zero(tangents.get(i, const(0.0)))
        }
        at = indices_of(len(shape), fn)
        with b.region() as ops:
            seed = unit(b, v, f"{v.hint}·dot" if v.hint else "", shape, at, lies_by_rows(fn, v))
            copier = Copier({made.params[-1]: seed}, kept)
            for original, copy in originals.items():
                attrs = dict(as_it_lies(fn, original))
                copier.map[original] = b.emit("copy", copy, type=copy.type, hint=original.hint, **attrs)
            once = repeated(b, made, copier, set(fn.body.ops), kept, originals)
            for i, output in enumerate(outputs):
                d = copier.get(tangents.get(i, const(0.0)))
                if not shape and not is_zero(d):
                    found[i, v] = d
                elif not is_zero(d):
                    rank = 1 if isinstance(output.type, List) else getattr(output.type, "ndim", 0)
                    put(b, tables[i], (*(None,) * rank, *at), d)
        b.ops += once
        each(b, shape, at, ops)
        complete(b, found, tables, outputs, v)
    yields = (*fn.body.yields[count:], *(found[i, v] for i in range(count) for v in inputs))
    body = Block((), (*fn.body.ops, *b.ops), yields)
    return Function(name, fn.params, body, fn.loc, callees.reachable(body), layouts=fn.layouts)


def complete(
    b: Builder,
    found: dict[tuple[int, Value], Operand],
    tables: dict[int, Operand],
    outputs: tuple[Operand, ...],
    v: Value,
) -> None:
    """Derivatives with respect to one input as they are returned: memory of their own, of the input's dtype."""
    defs = sources(tuple(b.ops))
    given: set[Operand] = set()
    for i in range(len(outputs)):
        if i in tables:
            found[i, v] = tables[i]
            continue
        d = as_array(b, found[i, v])
        if isinstance(d.type, Array):
            defs |= sources(tuple(b.ops[-1:]))
            if d.type.dtype != dtype_of(v.type):
                d = b.emit("astype", d, type=replace(d.type, dtype=dtype_of(v.type)), dtype=dtype_of(v.type))
            elif not given.isdisjoint(made_as(d, defs, set())) or not is_unshared(d, defs, set()):
                d = b.emit("copy", d, type=d.type)
            given |= made_as(d, defs, set())
        elif dtype_of(v.type) == "float32" and isinstance(v.type, Scalar):
            d = b.emit("numpy.float32", d, type=v.type)
        found[i, v] = d


def kept_values(fn: Function, aliases: Aliases) -> tuple[Function, set[Value], dict[Value, Value]]:
    """Which values of the function the columns read where they are: numbers, and memory that nobody writes.
    Of arguments that are written, copies are made before the function runs; it is returned with them."""
    originals: dict[Value, Value] = {}
    taken = [op.result for op in fn.body.ops if isinstance(op, Op) and op.prim == "extract"]
    for v in (*fn.params, *taken):
        if is_memory(v.type) and aliases.is_written(v):
            if isinstance(v.type, List) and is_memory(v.type.item):
                raise UnsupportedSyntaxError(
                    f"jacfwd() of a function that writes its argument {v.hint!r}, a {v.type}",
                    fn.loc, "use jacrev(), or pass one array",
                )  # fmt: skip
            originals[v] = Value(f"{v.hint}_0" if v.hint else "", v.type)
    values = (*fn.params, *(r for op in fn.body.ops for r in op.results))
    kept = {v for v in values if not is_memory(v.type) or not aliases.is_written(v)}
    ops: list[AnyOp] = []
    for p in fn.params:
        if p in originals:
            ops.append(Op("copy", (p,), (originals[p],), fn.loc, as_it_lies(fn, p)))
    for op in fn.body.ops:
        ops.append(op)
        if isinstance(op, Op) and op.results and op.result in originals:
            ops.append(Op("copy", (op.result,), (originals[op.result],), op.loc, as_it_lies(fn, op.result)))
    kept.update(originals.values())
    return replace(fn, body=replace(fn.body, ops=tuple(ops))), kept, originals


def repeated(
    b: Builder,
    fn: Function,
    copier: Copier,
    primal: set[AnyOp],
    kept: set[Value],
    originals: dict[Value, Value],
) -> list[AnyOp]:
    """Append what of a function with its tangents has to be done again for every column; returns what is done once."""
    aliases = Aliases(fn)
    inside = {r for op in b.ops for r in op.results}  # what differs from column to column
    once: list[AnyOp] = []
    for op in fn.body.ops:
        if op in primal and isinstance(op, Op):
            again = op.prim in WRITES or (op.prim == "invoke" and any(is_memory(o.type) for o in op.operands))
            if not again and (
                PRIMS[op.prim].effect in ("world", "tests") or all(r in kept for r in op.results)
            ):
                continue
            if op.results and op.result in originals:
                continue
        made = silent(copier.op(op))
        if op not in primal and isinstance(made, Op) and not inside.intersection(made.operands):  # type: ignore[arg-type]
            own = any(
                is_memory(r.type) and aliases.is_written(r) for r in op.results
            )  # each column has its own
            if PRIMS[made.prim].effect in ("none", "raises") and made.prim not in WRITES and not own:
                once.append(made)
                continue
        inside.update(made.results)
        b.ops.append(made)
    return once


def silent(op: AnyOp) -> AnyOp:
    """An operation done again prints nothing."""

    def block(inner: Block) -> Block:
        ops = (silent(o) for o in inner.ops if not (isinstance(o, Op) and o.prim == "print"))
        return replace(inner, ops=tuple(ops))

    if isinstance(op, Op):
        return op
    if isinstance(op, If):
        return replace(op, then=block(op.then), orelse=block(op.orelse))
    if isinstance(op, While):
        return replace(op, test=block(op.test), body=block(op.body))
    return replace(op, body=block(op.body))
