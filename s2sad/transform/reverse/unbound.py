"""Sizes of arrays that some path leaves unbound, or None.

What a branch or loop gives may be unbound where the reverse sweep asks for zeros of its size: all that reads it stands in
branches and loops that did not run either. So the forward sweep hands its sizes on, 0 where there is no array.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import TYPE_CHECKING

from s2sad.errors import NOWHERE
from s2sad.ir.core import AnyOp, Const, For, If, Op, Operand, Undef, Value, While
from s2sad.ir.types import INT, Array
from s2sad.rules.builder import const
from s2sad.rules.effects import Made, made
from s2sad.transform.reverse.extras import Carry, leaf_operands

if TYPE_CHECKING:
    from s2sad.transform.reverse.core import Reverse


def may_be_unbound(r: Reverse, v: Operand) -> bool:
    """Whether an array may be unbound, or None, where the reverse of its block begins."""
    if r.unbound is None:
        r.unbound = unbound_arrays(r)
    return v in r.unbound


def unbound_arrays(r: Reverse) -> set[Operand]:
    """The arrays that some path leaves unbound, but for those that an operation of their own block reads."""
    sources: dict[Value, list[Operand]] = {}
    read: set[Operand] = set()
    for op, block in r.op_homes.items():
        for v, *given in joined(op):
            if isinstance(v.type, Array):
                sources.setdefault(v, []).extend(given)
        if isinstance(op, Op) and not is_name(op) and op.prim not in ("is", "is_not"):
            read |= {o for o in op.operands if isinstance(o, Value) and r.home.get(o) is block}
    # of what is None or not as the call shows, as what a function hands back, no path tells the sizes
    opaque = reached(sources, lambda o: o not in sources and getattr(o.type, "optional", False))
    return reached(sources, is_missing, read) - opaque


def reached(
    sources: dict[Value, list[Operand]],
    starts: Callable[[Operand], bool],
    left_out: Set[Operand] = frozenset(),
) -> set[Operand]:
    """The values that may be one of those that it starts with, or of the values found."""
    found: set[Operand] = set()
    while True:
        more = {v for v, given in sources.items() if any(starts(o) or o in found for o in given)} - left_out
        if more <= found:
            return found
        found |= more


def is_missing(o: Operand) -> bool:
    return isinstance(o, Undef) or (isinstance(o, Const) and o.value is None)


def joined(op: AnyOp) -> list[tuple[Value, Operand, Operand]]:
    """The values that a branch, a loop or another name makes, each with the two that it may be."""
    if is_name(op):
        return [(op.results[0], op.operands[0], op.operands[0])]  # type: ignore[union-attr]
    if isinstance(op, If):
        return list(zip(op.results, op.then.yields, op.orelse.yields, strict=True))
    if isinstance(op, For):
        columns = list(zip(op.init, op.body.params[1:], op.body.yields, op.results, strict=True))
        return [row for i, p, y, v in columns for row in ((p, i, y), (v, i, y))]
    if isinstance(op, While):
        tests = zip(op.test.params, op.init, op.body.yields, strict=True)
        tested = op.test.yields[1:]
        return [
            *tests,
            *zip(op.body.params, tested, tested, strict=True),
            *zip(op.results, tested, tested, strict=True),
        ]
    return []


def is_name(op: AnyOp | None) -> bool:
    """Whether an operation gives an array one more name, which reads nothing of it."""
    return isinstance(op, Op) and (op.prim == "borrow" or made(op) is Made.SAME)


def handed_sizes(r: Reverse, v: Operand, ndim: int) -> tuple[Operand, ...]:
    """The sizes of an array, as values of the forward sweep; 0 where it is unbound."""
    if not isinstance(v, Value):
        return (const(0),) * ndim
    if v not in r.sizes:
        op = r.defs.get(v)
        if not may_be_unbound(r, v):
            read_sizes(r, op, v, ndim)
        elif isinstance(op, Op):
            r.sizes[v] = handed_sizes(r, op.operands[0], ndim)
        elif isinstance(op, If):
            hand_on_through_branches(r, op, v, ndim)
        else:
            hand_on_through_loop(r, *column_of(r, v), ndim)
    return r.sizes[v]


def read_sizes(r: Reverse, op: AnyOp | None, v: Value, ndim: int) -> None:
    """The sizes of an array that is there."""
    at = r.extras.start[r.home[v]] if op is None else r.extras.after[op]
    sizes = r.sizes[v] = new_sizes(r, v, ndim, at)
    loc = NOWHERE if op is None else op.loc
    at += [Op("shape", (v,), (size,), loc, (("axis", k),)) for k, size in enumerate(sizes)]


def hand_on_through_branches(r: Reverse, op: If, v: Value, ndim: int) -> None:
    j = op.results.index(v)
    sides = [handed_sizes(r, side.yields[j], ndim) for side in (op.then, op.orelse)]
    joint = r.sizes[v] = new_sizes(r, v, ndim, r.extras.after[op])
    r.extras.results[op] += zip(*sides, joint, strict=True)
    r.extras.joins |= dict.fromkeys(joint, op)


def hand_on_through_loop(r: Reverse, op: For | While, j: int, ndim: int) -> None:
    """A loop carries the sizes as it carries the array."""
    for name in columns(op)[j]:
        site = r.extras.after[op] if name is op.results[j] else r.extras.start[r.home[name]]
        r.sizes[name] = new_sizes(r, name, ndim, site)
    inits = handed_sizes(r, op.init[j], ndim)
    leaves = {leaf: handed_sizes(r, o, ndim) for leaf, o in leaf_operands(op.body, op.body.yields[j]).items()}
    tested = handed_sizes(r, op.test.yields[1 + j], ndim) if isinstance(op, While) else inits
    for k, sizes in enumerate(zip(*(r.sizes[name] for name in columns(op)[j]), strict=True)):
        result, param, *test = sizes
        carry = Carry(inits[k], param, lambda leaf, k=k: leaves[leaf][k], result)  # type: ignore[misc]
        if test:
            carry.test_param, carry.tested = test[0], tested[k]
        r.extras.carries[op].append(carry)


def column_of(r: Reverse, v: Value) -> tuple[For | While, int]:
    """The loop that carries a value, which is a result or parameter of it, and the place among what it carries."""
    for op in r.op_homes:
        if isinstance(op, (For, While)):
            for j, column in enumerate(columns(op)):
                if v in column:
                    return op, j
    raise AssertionError("a value that no loop carries")


def columns(op: For | While) -> list[tuple[Value, ...]]:
    """Of each value that a loop carries its names: the result, the parameter of the body, and that of the test."""
    if isinstance(op, For):
        return list(zip(op.results, op.body.params[1:], strict=True))
    return list(zip(op.results, op.body.params, op.test.params, strict=True))


def new_sizes(r: Reverse, v: Value, ndim: int, site: list[AnyOp]) -> tuple[Value, ...]:
    sizes = tuple(Value("size", INT) for _ in range(ndim))
    r.home |= dict.fromkeys(sizes, r.home[v])
    r.sites |= dict.fromkeys(sizes, site)
    return sizes
