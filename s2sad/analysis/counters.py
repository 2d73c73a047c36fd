"""Integers that every turn of a loop adds the same to: where a turn began, each is what it was at first and so many times that.

p = 0                               p = 0 + 2 * (i - start)
for i in range(start, stop):        … at the beginning of a turn, whatever is below
    …
    p += 2
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from s2sad.ir.core import AnyOp, Block, Const, For, If, Op, Operand, Value, While, body_breaks, walk
from s2sad.ir.types import INT

Steps = dict[int, Operand]  # of each such integer that a loop carries, what a turn adds


def counted(loop: For | While) -> Steps:
    """The positions of these integers among the values that a loop carries."""
    params = loop.body.params[1:] if isinstance(loop, For) else loop.body.params
    ints = [j for j, p in enumerate(params) if p.type == INT and is_integer(loop.init[j])]
    if isinstance(loop, While):
        ints = [j for j in ints if loop.test.yields[1 + j] is loop.test.params[j]]
    if not ints:
        return {}
    makers = {r: op for op in walk(loop.body) for r in op.results}
    own = {*loop.body.params, *makers}
    if isinstance(loop, While):
        own |= {*loop.test.params, *(r for op in walk(loop.test) for r in op.results)}
    found: Steps = {}
    for j in ints:
        steps = [step(o, params[j], makers, own) for o in kept(loop.body, loop.body.yields[j])]
        if steps and steps[0] is not None and all(same(s, steps[0]) for s in steps):
            found[j] = steps[0]
    return found


def is_integer(o: Operand) -> bool:
    return type(o.value) is int if isinstance(o, Const) else isinstance(o, Value) and o.type == INT


def kept(body: Block, operand: Operand) -> Iterator[Operand]:
    """What a value that a body yields is at each end of the body after which there may be another turn."""
    last = body.ops[-1] if body.ops else None
    if isinstance(last, If) and (body_breaks(last.then) or body_breaks(last.orelse)):
        for branch in (last.then, last.orelse):
            inner = branch.yields[last.results.index(operand)] if operand in last.results else operand  # type: ignore[arg-type]
            yield from kept(branch, inner)
    elif body.exit != "break":
        yield operand


def step(o: Operand, param: Value, makers: dict[Value, AnyOp], own: set[Value]) -> Operand | None:
    """What is added to a parameter to give a value: one constant, or one value that the loop does not change."""
    total, other = 0, None
    while o is not param:
        op = makers.get(o) if isinstance(o, Value) else None
        if isinstance(op, If):
            k = op.results.index(o)  # type: ignore[arg-type]
            both = [step(b.yields[k], param, makers, own) for b in (op.then, op.orelse)]
            if not isinstance(both[0], Const) or not same(both[1], both[0]) or other is not None:
                return None
            return Const(total + both[0].value, INT)
        if not isinstance(op, Op) or op.prim not in ("add", "sub"):
            return None
        o, by = op.operands
        if op.prim == "add" and (isinstance(o, Const) or (o not in own and by in own)):
            o, by = by, o
        if isinstance(by, Const) and type(by.value) is int:
            total += by.value if op.prim == "add" else -by.value
        elif (
            other is None and op.prim == "add" and isinstance(by, Value) and by not in own and by.type == INT
        ):
            other = by
        else:
            return None
    if other is None:
        return Const(total, INT)
    return other if total == 0 else None


def same(a: Operand | None, b: Operand) -> bool:
    return a is b or (isinstance(a, Const) and isinstance(b, Const) and a.value == b.value)


# -- sums of what an inner loop adds --------------------------------------------------------------------------


@dataclass(frozen=True)
class Growth:
    """Turn t of a loop, counted from 0, adds `step` times (`least` + t `slope`), where `least` is an integer or a loop's trips
    and an integer."""

    step: int
    least: int
    trips: bool
    slope: int


def grown(loop: For) -> dict[int, Growth]:
    """The integers to which an inner loop adds, whose number of turns grows or shrinks with the counter of the outer one:
    `for i in range(n): for k in range(i): p += 1`, or `for k in range(i + 1, n)`."""
    if body_breaks(loop.body) or not (isinstance(loop.step, Const) and loop.step.value == 1):
        return {}
    inner = {r: (op, q) for op in loop.body.ops if isinstance(op, For) for q, r in enumerate(op.results)}
    makers = {r: op for op in loop.body.ops for r in op.results}
    found = {}
    for j, (param, last) in enumerate(zip(loop.body.params[1:], loop.body.yields, strict=True)):
        if param.type != INT or not is_integer(loop.init[j]) or last not in inner:
            continue
        op, q = inner[last]  # type: ignore[index]
        step = counted(op).get(q) if op.init[q] is param and not body_breaks(op.body) else None
        if not (isinstance(step, Const) and isinstance(op.step, Const) and op.step.value == 1):
            continue
        growth = turns(loop, op, makers)
        if growth is not None:
            found[j] = Growth(step.value, *growth)
    return found


def turns(outer: For, inner: For, makers: dict[Value, AnyOp]) -> tuple[int, bool, int] | None:
    """How many turns an inner loop makes: never less than none, so that its ends say it."""
    counter = outer.body.params[0]
    start, stop = (from_counter(o, counter, makers) for o in (inner.start, inner.stop))
    first = outer.start.value if isinstance(outer.start, Const) else None
    if first is not None and isinstance(inner.start, Const) and stop is not None:
        least = first + stop - inner.start.value
        return (least, False, 1) if least >= 0 else None
    if start is not None and start <= 1 and same(inner.stop, outer.stop):
        return -start, True, -1
    return None


def from_counter(o: Operand, counter: Value, makers: dict[Value, AnyOp]) -> int | None:
    """How far an integer is from a loop's counter."""
    by = step(o, counter, makers, {counter, *makers}) if isinstance(o, Value) else None
    return by.value if isinstance(by, Const) else None
