"""Derivatives inside functions: a `Derivative` that is called in a differentiated function, or differentiated
itself, is an ordinary function in the same IR. Its body is made for the types at hand and spliced in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from s2sad.errors import Loc, SignatureError
from s2sad.ir.core import AnyOp, Block, Const, For, Function, If, Op, Operand, Undef, Value, While
from s2sad.ir.types import FLOAT, Array, Scalar
from s2sad.optimize.checks import hoist_checks
from s2sad.optimize.copies import _Propagation, propagate_copies
from s2sad.optimize.dce import eliminate_dead_code
from s2sad.rules.builder import Builder, const
from s2sad.signature import Parameters, not_differentiable
from s2sad.transform.views import asks_for_layouts
from s2sad.typing.abstract import (
    AV,
    DictAV,
    RecordAV,
    TupleAV,
    children,
    describe,
    leaves,
    map_leaves,
)
from s2sad.typing.given import kept_apart
from s2sad.typing.sizes import settled
from s2sad.typing.specialise import Specialiser
from s2sad.typing.thread import thread_captures


def inline_derivative(derivative: Any, s: Specialiser, args: list[AV], kwargs: dict[str, AV]) -> AV:
    """The result of calling a derivative on abstract values."""
    return inline_bound(derivative, s, derivative._bind_values(s, args, kwargs))


def inline_bound(derivative: Any, s: Specialiser, bound: list[AV]) -> AV:
    """The result of a derivative, its arguments in the order of its parameters."""
    source, params = derivative._fsource, derivative._params
    operands: list[Operand] = []
    inputs: list[Value] = []
    inner = Specialiser(s.context)
    inner.builder.loc, inner.stack = s.builder.loc, list(s.stack)
    inner_args: list[AV] = []
    given = dict(zip(params.names, bound, strict=True))
    params.check(lambda name: len(given[name].items))  # type: ignore[union-attr]
    for a in params.wrt:
        part = map_leaves(a.part(given[a.parameter]), lambda o: floating(s, o))
        refuse_held(s, part, a.parameter, params)
        given[a.parameter] = a.with_part(given[a.parameter], part)
    for name, av in given.items():

        def leaf(o: Operand, name: str = name) -> AV:
            if not isinstance(o, Value):
                return o
            operands.append(o)
            found = Value(o.hint or name, o.type)
            if o in s.builder.layouts:
                inner.builder.layouts[found] = s.builder.layouts[o]
            return found

        inner_args.append(map_leaves(av, leaf))
    all_params = [o for a in inner_args for o in leaves(a) if isinstance(o, Value)]
    made_for = dict(zip(params.names, inner_args, strict=True))
    by = {a: a.part(made_for[a.parameter]) for a in params.wrt}
    inputs.extend(o for av in by.values() for o in leaves(av) if isinstance(o, Value))
    result = derivative._call(inner, inner_args)
    derivative._aux(result)
    primal = tuple(leaves(result))
    callees = {i.name: i.function for i in s.context.instances.values() if i.function is not None}
    callees.update(s.context.extra)
    fn = Function(
        source.name, tuple(all_params), Block((), tuple(inner.builder.ops), primal), source.loc, callees,
        derived=True, layouts=inner.builder.layouts,
    )  # fmt: skip
    s.context.asks_for_layouts = s.context.asks_for_layouts or asks_for_layouts(fn)
    s.context.apart += kept_apart(fn, operands, s.builder.loc)
    fn = hoist_checks(settled(closed(fn)))
    callees = fn.callees
    name = f"{source.name}_{derivative._suffix}"
    made = derivative._derive(fn, tuple(inputs), name, result, tuple(callees))
    made = eliminate_dead_code(propagate_copies(made))
    s.context.derived = True
    s.context.extra.update((n, replace(f, derived=True)) for n, f in made.callees.items())
    values = iter(splice(s, made, operands))
    made_of: AV = derivative._structured(result, by, values)
    return made_of


def refuse_held(s: Specialiser, av: AV, name: str, params: Parameters) -> None:
    """What is no number in an argument to differentiate by has no gradient."""
    if isinstance(av, Value):
        return
    if not isinstance(av, (TupleAV, DictAV, RecordAV)):
        obj = av.value if isinstance(av, Const) else getattr(av, "obj", av)
        error = not_differentiable(obj, name, params, describe(av) if obj is av else "")
        raise s.error(error.reason, error.hint, SignatureError)
    for part in children(av):
        refuse_held(s, part, name, params)


def closed(fn: Function) -> Function:
    """The function with what those it calls capture made parameters of theirs, under names of their own: derivatives
    go through what is captured, and functions of the old names may be called elsewhere."""
    made = thread_captures(fn)
    changed = [n for n, f in made.callees.items() if len(f.params) != len(fn.callees[n].params)]
    taken = set(fn.callees)
    names: dict[str, str] = {}
    for n in changed:
        names[n] = next(m for k in range(1, len(taken) + 2) if (m := f"{n}_{k}") not in taken)
        taken.add(names[n])
    if not names:
        return fn

    def block(b: Block) -> Block:
        return replace(b, ops=tuple(map(one, b.ops)))

    def one(op: AnyOp) -> AnyOp:
        if isinstance(op, If):
            return replace(op, then=block(op.then), orelse=block(op.orelse))
        if isinstance(op, While):
            return replace(op, test=block(op.test), body=block(op.body))
        if isinstance(op, For):
            return replace(op, body=block(op.body))
        if isinstance(op, Op) and op.prim == "invoke":
            return replace(op, attrs=(("callee", names.get(op.attr("callee"), op.attr("callee"))),))
        return op

    callees = {
        names[n]: replace(made.callees[n], name=names[n], body=block(made.callees[n].body)) for n in changed
    }
    return replace(made, body=block(made.body), callees=fn.callees | callees)


def floating(s: Specialiser, o: Operand) -> Operand:
    """A leaf of a wrt argument as a float variable."""
    if isinstance(o, Const) and isinstance(o.value, (int, float)) and not isinstance(o.value, bool):
        return s.builder.emit("constant", type=FLOAT, value=float(o.value))
    if isinstance(o, Value) and isinstance(o.type, Scalar) and o.type.kind == "int":
        return s.builder.emit("builtins.float", o)
    return o


def splice(s: Specialiser, fn: Function, operands: list[Operand]) -> tuple[Operand, ...]:
    """Put a function's body where the builder stands, on these operands."""
    substitution = _Propagation(False)
    substitution.map.update(zip(fn.params, operands, strict=True))
    body = substitution.block(fn.body)
    s.builder.ops.extend(as_forward(body.ops))
    return body.yields


def as_forward(ops: tuple[AnyOp, ...]) -> Iterator[AnyOp]:
    """The operations of a finished derivative are ordinary operations of the function around it."""
    locs: dict[tuple[Loc, Loc | None], Loc] = {}

    def forward(loc: Loc) -> Loc:
        if not loc.reverse:
            return loc
        key = loc, loc.caller
        found = locs.get(key)
        if found is None:
            found = locs[key] = replace(loc, reverse=False)
        return found

    def block(b: Block) -> Block:
        return replace(b, ops=tuple(map(one, b.ops)))

    def side(b: Block, loc: Loc) -> Block:
        """A branch that leaves none of our arrays unbound: an adjoint of theirs is made beside them."""
        builder = Builder(loc)
        yields = tuple(
            builder.emit("numpy.zeros", *[const(0)] * o.type.ndim, type=o.type, dtype=o.type.dtype)
            if isinstance(o, Undef) and o.unread and isinstance(o.type, Array)
            else o
            for o in b.yields
        )
        b = block(b)
        return replace(b, ops=(*b.ops, *builder.ops), yields=yields)

    def one(op: AnyOp) -> AnyOp:
        if isinstance(op, If):
            loc = forward(op.loc)
            return replace(op, then=side(op.then, loc), orelse=side(op.orelse, loc), loc=loc)
        if isinstance(op, While):
            return replace(op, test=block(op.test), body=block(op.body), loc=forward(op.loc))
        if isinstance(op, For):
            return replace(op, body=block(op.body), loc=forward(op.loc))
        return replace(op, loc=forward(op.loc))

    return map(one, ops)


def structured(options: Any, params: Any, result: AV, by: dict[Any, AV], values: Iterator[Operand]) -> AV:
    """Values and gradients in the structure that the derivative returns."""
    outer = result.items[0] if options.has_aux and isinstance(result, TupleAV) else result
    value = map_leaves(outer, lambda _: next(values)) if options.value else None
    aux = (
        map_leaves(result.items[1], lambda _: next(values))
        if options.has_aux and isinstance(result, TupleAV)
        else None
    )
    grads = [map_leaves(by[a], lambda _: next(values)) for a in params.wrt]
    grad: AV = grads[0] if params.bare else TupleAV(tuple(grads))
    if aux is not None:
        return TupleAV((TupleAV((value, aux)), grad)) if value is not None else TupleAV((grad, aux))
    return TupleAV((value, grad)) if value is not None else grad


Call = Callable[[Specialiser, list[AV]], AV]
