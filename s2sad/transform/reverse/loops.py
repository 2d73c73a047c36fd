"""The reverse of loops: the iterations backward, carrying the adjoints of what the loop carried.

The adjoint of a value from outside that the body reads is an accumulator the reverse loop carries too.
"""

from __future__ import annotations

from s2sad.errors import Loc
from s2sad.ir.core import AnyOp, Block, Const, For, If, Op, Operand, Value, While, body_breaks
from s2sad.ir.types import BOOL, INT, Array, is_float
from s2sad.rules.builder import const
from s2sad.transform.reverse.arrays import by_value, handed_on, sizes, zeros
from s2sad.transform.reverse.branches import complete
from s2sad.transform.reverse.core import HANDLERS, Reverse
from s2sad.transform.reverse.extras import Carry
from s2sad.transform.reverse.scopes import Scope, adjoint_hint, adjoint_type, zero
from s2sad.transform.reverse.storage import head


def reverse_for(r: Reverse, op: For, scope: Scope) -> None:
    active = [j for j, p in enumerate(op.body.params[1:]) if carries_adjoint(r, (p, op.results[j]))]
    cotangents = take(r, op.results, scope)
    if not r.is_live(op.body) and not active and not cotangents:
        return
    loc = r.builder.loc
    loop = Scope("loop", scope, None, op)
    part = Scope("part", loop, op.body, op)
    start, stop, step, index, first = reverse_range(r, op, scope, part)
    params = [
        Value(adjoint_hint(op.body.params[1 + j]), adjoint_type(op.body.params[1 + j].type)) for j in active
    ]
    with r.builder.region() as ops:
        for j, param in zip(active, params, strict=True):
            r.builder.loc = loc
            r.add(op.body.yields[j], param, part)
        r.block(op.body, part)
        yields = [read(r, op.body.params[1 + j], part) for j in active]
    init = [seed(r, cotangents, op.results[j], scope) for j in active]
    results = finish(
        r, loop, scope, params, init, yields, [*first, *head(r, part), *ops], (start, stop, step, index), loc
    )
    r.builder.loc = loc
    for j, result in zip(active, results, strict=True):
        r.add(op.init[j], result, scope)


def carries_adjoint(r: Reverse, column: tuple[Value, ...]) -> bool:
    """Whether a carried value's adjoint is carried back: if an iteration or what follows the loop reads it."""
    if isinstance(column[0].type, Array):
        return by_value(r, column[0]) and any(map(r.is_active, column))
    return is_float(column[0].type) and any(map(r.is_active, column))


def seed(r: Reverse, cotangents: dict[Value, Operand], v: Value, scope: Scope) -> Operand:
    """The cotangent of a loop's result, complete."""
    found = cotangents.get(v)
    if found is None or is_zero(found):
        return nought(r, v, scope)
    return handed_on(r.builder, found, v.type, lambda: sizes(r, v, scope))


def nought(r: Reverse, v: Value, scope: Scope) -> Operand:
    """The adjoint of a value that nothing has read yet."""
    return zeros(r, v, scope) if isinstance(v.type, Array) else zero(v.type)


def read(r: Reverse, v: Value, scope: Scope) -> Operand:
    """The adjoint of a carried value at the start of an iteration."""
    return scope.adj.get(v) or nought(r, v, scope)


def take(r: Reverse, results: tuple[Value, ...], scope: Scope) -> dict[Value, Operand]:
    return {v: scope.adj.pop(v) for v in results if v in scope.adj}


def finish(
    r: Reverse,
    loop: Scope,
    scope: Scope,
    params: list[Value],
    init: list[Operand],
    yields: list[Operand],
    ops: list[AnyOp],
    bounds: tuple[Operand, Operand, Operand, Value],
    loc: Loc,
) -> list[Value]:
    """Build the reverse loop with its accumulators; returns the results for the carried adjoints."""
    outer = list(loop.accumulators)
    all_params = [*params, *(loop.accumulators[v][1] for v in outer)]
    starts = [seed(r, {v: loop.accumulators[v][0]}, v, scope) for v in outer]
    all_init = [*init, *starts]
    all_yields = [*yields, *(loop.adj[v] for v in outer)]
    results = [Value(p.hint, p.type) for p in all_params]
    start, stop, step, index = bounds
    body = Block((index, *all_params), tuple(ops), tuple(all_yields))
    r.builder.ops.append(For(start, stop, step, tuple(all_init), body, tuple(results), loc))
    for v, result in zip(outer, results[len(params) :], strict=True):
        r.owner(v, scope).adj[v] = result
    return results[: len(params)]


def reverse_range(
    r: Reverse, op: For, scope: Scope, part: Scope
) -> tuple[Operand, Operand, Operand, Value, list[Op]]:
    """The range that runs a loop's iterations backward; sets the index of the part and of its tape."""
    b = r.builder
    start, step = r.primal(op.start, scope), r.primal(op.step, scope)
    breaks = body_breaks(op.body)
    unit = step.value if isinstance(step, Const) and step.value in (1, -1) else 0
    index = Value(op.body.params[0].hint, INT)
    head: list[Op] = []
    if unit and not (breaks and not is_zero(start)):
        if breaks:
            last = r.primal(counter_of(r, op)[1], scope)
            stop_at = last if unit == 1 else b.emit("neg", last)
        else:
            stop_at = r.primal(op.stop, scope)
        first = b.emit("sub" if unit == 1 else "add", stop_at, const(1))
        end = b.emit("sub" if unit == 1 else "add", start, const(1))
        part.cache[op.body.params[0]] = index
        if is_zero(start) and unit == 1:
            part.index = index
        else:
            k = Value("", INT)
            operands = (index, start) if unit == 1 else (start, index)
            head.append(Op("sub", operands, (k,), b.loc))
            part.index = k
        return first, end, const(-unit), index, head
    if breaks:
        trips = r.primal(counter_of(r, op)[1], scope)
    else:
        trips = b.emit("trip_count", start, r.primal(op.stop, scope), step)
    k = Value("k", INT)
    offset, at = Value("", INT), Value(op.body.params[0].hint, INT)
    head.append(Op("mul", (k, step), (offset,), b.loc))
    head.append(Op("add", (start, offset), (at,), b.loc))
    part.cache[op.body.params[0]] = at
    part.index = k
    return b.emit("sub", trips, const(1)), const(-1), const(-1), k, head


def is_zero(operand: Operand) -> bool:
    return isinstance(operand, Const) and operand.value == 0


def forward_counter(r: Reverse, op: For | While, part: Scope) -> Operand:
    """The number of the iteration in the forward sweep, counted from 0."""
    if isinstance(op, For) and is_zero(op.start) and isinstance(op.step, Const) and op.step.value == 1:
        return op.body.params[0]
    if (
        isinstance(op, For)
        and not body_breaks(op.body)
        and isinstance(op.step, Const)
        and op.step.value in (1, -1)
    ):
        key = ("dense", op)
        found = r.counters.get(key)  # type: ignore[call-overload]
        if found is None:
            found = r.counters[key] = Value("", INT)  # type: ignore[index]
            operands = (op.body.params[0], op.start) if op.step.value == 1 else (op.start, op.body.params[0])
            r.extras.start[op.body].insert(0, Op("sub", operands, (found,), op.loc))
            r.home[found] = op.body
            r.sites[found] = r.extras.start[op.body]
        return found
    params, _ = counter_of(r, op)
    if isinstance(op, While) and part.block is op.test:
        return params[0]
    return params[-1]


def counter_of(r: Reverse, op: For | While) -> tuple[tuple[Value, ...], Value]:
    """A counter the forward loop carries: its parameters (test, body) and its result, the trip count."""
    found = r.counters.get(op)
    if found is not None:
        return found
    param, after, result = Value("k", INT), Value("k", INT), Value("trips", INT)
    test_param = Value("k", INT) if isinstance(op, While) else None
    step = Op("add", (param, const(1)), (after,), op.loc)
    r.extras.start[op.body].insert(0, step)
    carry = Carry(const(0), param, lambda leaf: after, result, test_param)
    r.extras.carries[op].append(carry)
    params = (test_param, param) if test_param is not None else (param,)
    found = r.counters[op] = (params, result)
    r.home[result] = r.home_of(op)
    r.sites[result] = r.extras.after[op]
    for p in (param, after):
        r.home[p] = op.body
    if test_param is not None:
        assert isinstance(op, While)
        r.home[test_param] = op.test
    return found


def reverse_while(r: Reverse, op: While, scope: Scope) -> None:
    columns = zip(op.test.params, op.body.params, op.results, strict=True)
    active = [j for j, column in enumerate(columns) if carries_adjoint(r, column)]
    cotangents = take(r, op.results, scope)
    if not r.is_live(op.body) and not r.is_live(op.test) and not active and not cotangents:
        return
    loc = r.builder.loc
    trips = r.primal(counter_of(r, op)[1], scope)
    seeds: list[Operand] = [seed(r, cotangents, op.results[j], scope) for j in active]
    if tests_do_something(r, op, active):
        seeds = last_test(r, op, scope, active, seeds, trips)
    r.builder.loc = loc
    loop = Scope("loop", scope, None, op)
    body, test = Scope("part", loop, op.body, op), Scope("part", loop, op.test, op)
    index = Value("k", INT)
    body.index = test.index = index
    params = [Value(adjoint_hint(op.test.params[j]), adjoint_type(op.test.params[j].type)) for j in active]
    with r.builder.region() as ops:
        for j, param in zip(active, params, strict=True):
            r.builder.loc = loc
            r.add(op.body.yields[j], param, body)
        r.block(op.body, body)
        r.builder.loc = loc
        between = [read(r, op.body.params[j], body) for j in active]
        yields = reverse_test(r, op, test, active, between)
    first = r.builder.emit("sub", trips, const(1))
    all_ops = [*head(r, body), *head(r, test), *ops]
    results = finish(
        r, loop, scope, params, seeds, yields, all_ops, (first, const(-1), const(-1), index), loc
    )
    r.builder.loc = loc
    for j, result in zip(active, results, strict=True):
        r.add(op.init[j], result, scope)


def tests_do_something(r: Reverse, op: While, active: list[int]) -> bool:
    """Whether the test is more than a look at the carried values."""
    return r.is_live(op.test) or any(op.test.yields[1 + j] is not op.test.params[j] for j in active)


def reverse_test(
    r: Reverse, op: While, test: Scope, active: list[int], seeds: list[Operand]
) -> list[Operand]:
    for j, seed in zip(active, seeds, strict=True):
        r.add(op.test.yields[1 + j], seed, test)
    r.block(op.test, test)
    return [read(r, op.test.params[j], test) for j in active]


def last_test(
    r: Reverse, op: While, scope: Scope, active: list[int], seeds: list[Operand], trips: Operand
) -> list[Operand]:
    """The reverse of the test that ended the loop; skipped where a break did."""
    ended: Operand = const(True)
    if body_breaks(op.body):
        ended = r.primal(ended_flag(r, op), scope)
    child = Scope("branch", scope, None, None)
    part = Scope("part", child, op.test, op)
    part.index = trips
    with r.builder.region() as ops:
        yields = reverse_test(r, op, part, active, seeds)
    changed = list(child.adj)
    then_yields = [*yields, *(child.adj[v] for v in changed)]
    if isinstance(ended, Const):
        r.builder.ops.extend([*head(r, part), *ops])
        for v in changed:
            r.owner(v, scope).adj[v] = child.adj[v]
        return yields
    before = [*seeds, *(complete(r, r.lookup(v, r.owner(v, scope)), v, scope) for v in changed)]
    hints = [op.test.params[j] for j in active] + changed
    results = [Value(adjoint_hint(v), adjoint_type(v.type)) for v in hints]
    then = Block((), (*head(r, part), *ops), tuple(then_yields))
    r.builder.ops.append(If(ended, then, Block((), (), tuple(before)), tuple(results), r.builder.loc))
    for v, result in zip(changed, results[len(active) :], strict=True):
        r.owner(v, scope).adj[v] = result
    return list(results[: len(active)])


def ended_flag(r: Reverse, op: While) -> Value:
    """Whether the loop ended by its test: a value the forward loop carries."""
    key = ("ended", op)
    found = r.counters.get(key)  # type: ignore[call-overload]
    if found is None:
        found = Value("ended", BOOL)
        carry = Carry(
            const(True),
            Value("ended", BOOL),
            lambda leaf: const(leaf.exit != "break"),
            found,
            Value("ended", BOOL),
        )
        r.extras.carries[op].append(carry)
        r.counters[key] = found  # type: ignore[index]
        r.sites[found] = r.extras.after[op]
        r.home[found] = r.home_of(op)
    return found


HANDLERS[For] = reverse_for
HANDLERS[While] = reverse_while
