"""Calls with rules of the user's, in both modes: the body of the vjp or jvp takes the place of the rule.

Where only one of the two is given the other one is the transposed map, which can be had where one side of it is
numbers: a jvp from a vjp whose result is one number, a vjp from a jvp along each of the numbers that vary.
"""

from __future__ import annotations

from dataclasses import replace

from s2sad.errors import Loc, MissingRuleError, S2sadError
from s2sad.ir.core import AnyOp, Block, Const, Function, If, Op, Operand, Value, While
from s2sad.ir.types import INT, STR, Array, Object, is_many
from s2sad.rules import arrays as a_
from s2sad.rules.builder import Builder, const, is_zero
from s2sad.rules.custom import Call, moves
from s2sad.transform.forward.core import HANDLERS as FORWARD
from s2sad.transform.forward.core import Forward, complete
from s2sad.transform.repeat import Copier
from s2sad.transform.reverse.arrays import by_value, full, sizes
from s2sad.transform.reverse.core import HANDLERS, Reverse
from s2sad.transform.reverse.scopes import Scope
from s2sad.transform.reverse.shadows import shadow


def rule_of(call: Call, which: str, hint: str) -> Function:
    """The user's vjp or jvp, or the reason why there is none."""
    found = getattr(call, which)
    if isinstance(found, Function):
        return found
    if isinstance(found, S2sadError):
        raise found
    raise MissingRuleError(f"{call.name}() has no {which}", call.loc, hint)


def movable(call: Call) -> list[int]:
    """The arguments that have derivatives."""
    return [i for i in range(call.count) if moves(call.operands[i])]


def placed(b: Builder, fn: Function, operands: tuple[Operand, ...]) -> tuple[Operand, ...]:
    """Put a function's body where the builder stands; what it does belongs to the line of the call."""
    copier = Copier(dict(zip(fn.params, operands, strict=True)))
    for op in fn.body.ops:
        b.ops.append(at(copier.op(op), b.loc))
    return copier.all(fn.body.yields)


def at(op: AnyOp, loc: Loc) -> AnyOp:
    """An operation, with all it holds, at another place."""

    def block(inner: Block) -> Block:
        return replace(inner, ops=tuple(at(o, loc) for o in inner.ops))

    if isinstance(op, Op):
        return replace(op, loc=loc)
    if isinstance(op, If):
        return replace(op, then=block(op.then), orelse=block(op.orelse), loc=loc)
    if isinstance(op, While):
        return replace(op, test=block(op.test), body=block(op.body), loc=loc)
    return replace(op, body=block(op.body), loc=loc)


def same_shape(b: Builder, d: Operand, like: Operand, what: str) -> Operand:
    """A derivative given by the user; where types do not show that it has the right shape, the code looks."""
    if not isinstance(d.type, Array) or not isinstance(like.type, Array):
        return d
    for axis, (x, y) in enumerate(zip(d.type.dims, like.type.dims, strict=True)):
        if (
            x == y
            and x is not None
            and (isinstance(x, int) or not is_many(x) or getattr(x, "name", "") != "~")
        ):
            continue
        mine, other = (b.emit("shape", o, type=INT, axis=axis) for o in (d, like))
        differ = b.emit("ne", mine, other)
        with b.region() as ops:
            message = Const(f"{what} has the wrong shape", STR)
            error = b.emit("exception", message, type=Object("exception"), cls=ValueError)
            b.effect("raise", error)
        b.ops.append(If(differ, Block((), tuple(ops), ()), Block((), (), ()), (), b.loc))
    return d


def product(b: Builder, x: Operand, y: Operand) -> Operand:
    """The sum of the products of all elements."""
    found = b.emit("mul", x, y)
    return a_.emit(b, "numpy.sum", found) if isinstance(found.type, Array) else found


def of_dtype(b: Builder, d: Operand, v: Value) -> Operand:
    """A cotangent of the dtype that the rule was typed for."""
    if not (isinstance(d.type, Array) and isinstance(v.type, Array)) or d.type.dtype == v.type.dtype:
        return d
    return b.emit("astype", d, type=replace(d.type, dtype=v.type.dtype), dtype=v.type.dtype)


def zeros(b: Builder, v: Operand) -> Operand:
    return b.emit("zeros_like", v, type=v.type) if isinstance(v.type, Array) else const(0.0)


# -- reverse mode -------------------------------------------------------------------------------------


def reverse_custom(r: Reverse, op: Op, scope: Scope) -> None:
    call: Call = op.attr("call")
    cotangents = [cotangent(r, v, scope) if moves(v.type) else None for v in op.results]
    active = [i for i in movable(call) if r.is_active(op.operands[i])]
    if not active or all(c is None for c in cotangents):
        return
    arguments = op.operands[: call.count]
    given = tuple(r.as_read(o, op, scope) for o in (*op.results, *arguments)) + tuple(
        r.primal(o, scope) for o in op.operands[call.count :]
    )
    seeds = [
        zeros(r.builder, y) if c is None else of_dtype(r.builder, c, v)
        for c, y, v in zip(cotangents, given, op.results, strict=False)
        if moves(v.type)
    ]
    if (
        call.vjp is None
        and call.jvp is not None
        and not any(isinstance(arguments[i].type, Array) for i in active)
    ):
        transposed(r, op, active, seeds, given, scope)
        return
    fn = rule_of(
        call, "vjp", f"give it one: custom_rule({call.name}, vjp=...); or use forward mode (jvp, jacfwd)"
    )
    terms = placed(r.builder, fn, (*seeds, *given))
    for i, term in zip(movable(call), terms, strict=True):
        if i in active and not is_zero(term):
            like = given[len(op.results) + i]
            r.broadcasts = False
            r.add(arguments[i], same_shape(r.builder, term, like, f"the cotangent of {call.name}()"), scope)
            r.broadcasts = True


def cotangent(r: Reverse, v: Value, scope: Scope) -> Operand | None:
    """The cotangent of a result, complete."""
    if not isinstance(v.type, Array):
        return scope.adj.pop(v, None)
    if not r.is_active(v):
        return None
    if not by_value(r, v):
        found: Operand = shadow(r, v, scope)
        return r.builder.emit("copy", found, type=found.type)
    held = scope.adj.pop(v, None)
    return None if held is None else full(r.builder, held, v.type, lambda: sizes(r, v, scope))


def transposed(
    r: Reverse, op: Op, active: list[int], seeds: list[Operand], given: tuple[Operand, ...], scope: Scope
) -> None:
    """Cotangents of numbers from the jvp: its result along each of them times the cotangent."""
    call: Call = op.attr("call")
    fn = rule_of(call, "jvp", "")
    for i in active:
        along = [
            const(1.0) if k == i else zeros(r.builder, given[len(op.results) + k]) for k in movable(call)
        ]
        moved = placed(r.builder, fn, (*along, *given))
        total: Operand = const(0.0)
        ys = [y for y, v in zip(given, op.results, strict=False) if moves(v.type)]
        for seed, d, y in zip(seeds, moved, ys, strict=True):
            if not is_zero(d):
                d = same_shape(r.builder, d, y, f"the tangent of {call.name}()")
                total = r.builder.add(total, product(r.builder, d, seed), len(r.builder.ops))
        if not is_zero(total):
            r.add(op.operands[i], total, scope)


# -- forward mode -------------------------------------------------------------------------------------


def forward_custom(f: Forward, op: Op) -> None:
    call: Call = op.attr("call")
    results = [v for v in op.results if moves(v.type)]
    if not any(map(f.is_active, results)):
        return
    arguments = [op.operands[i] for i in movable(call)]
    tangents = [f.tangent(o) for o in arguments]
    if all(d is None for d in tangents):
        for v in results:
            if isinstance(v.type, Array):
                f.twin(v, "zeros_like", v)
        return
    given = (*op.results, *op.operands)
    start = len(f.builder.ops)
    if (
        call.jvp is None
        and call.vjp is not None
        and len(results) == 1
        and not isinstance(results[0].type, Array)
    ):
        fn = rule_of(call, "vjp", "")
        terms = placed(f.builder, fn, (const(1.0), *given))
        total: Operand = const(0.0)
        for term, d, o in zip(terms, tangents, arguments, strict=True):
            if d is not None and not is_zero(term):
                term = same_shape(f.builder, term, o, f"the cotangent of {call.name}()")
                total = f.builder.add(total, product(f.builder, term, d), len(f.builder.ops))
        f.define(results[0], total, start)
        return
    fn = rule_of(
        call,
        "jvp",
        f"give it one: custom_rule({call.name}, jvp=...); or use reverse mode (grad, vjp, jacrev)",
    )
    along = [zeros(f.builder, o) if d is None else d for d, o in zip(tangents, arguments, strict=True)]
    along = [of_dtype(f.builder, d, o) for d, o in zip(along, arguments, strict=True)]  # type: ignore[arg-type]
    for v, d in zip(results, placed(f.builder, fn, (*along, *given)), strict=True):
        d = same_shape(f.builder, d, v, f"the tangent of {call.name}()")
        if isinstance(v.type, Array):
            d = zeros(f.builder, v) if is_zero(d) else complete(f, v, d)
        f.define(v, d, start)


HANDLERS["custom"] = reverse_custom
FORWARD["custom"] = forward_custom
