"""Memory that a function is given: the arrays and lists among its arguments, in them, and among what it captures.

The derivative keeps an adjoint for each of them, apart from the others'. That is right as long as what is written
is no other one's memory, which only the call shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from s2sad.analysis.aliases import Aliases, seen_through_views
from s2sad.analysis.uses import definitions, free_values
from s2sad.errors import Loc, SignatureError
from s2sad.ir.core import AnyOp, Function, Op, Operand, Value
from s2sad.ir.types import Type, is_memory
from s2sad.rules.effects import Made, is_fresh, is_view, made
from s2sad.typing.thread import thread_captures


@dataclass(frozen=True, slots=True)
class Given:
    """One array or list: the number of the parameter that is or holds it, the way to it, and whether it may be written."""

    parameter: int
    path: tuple[tuple[str, Any], ...]
    type: Type
    written: bool


def memory_given(fn: Function) -> tuple[Given, ...]:
    """The memory that a typed function is called with, in the order of its parameters."""
    fn = thread_captures(fn)
    aliases = Aliases(fn, written_by_callees(fn))
    written = seen_through_views(fn, aliases, aliases.written)
    number = {p: i for i, p in enumerate(fn.params)}
    held = [
        (number[op.operands[0]], op.attr("path"), op.result)
        for op in fn.body.ops
        if isinstance(op, Op) and op.prim == "extract" and op.operands[0] in number
    ]
    found = [*((i, (), p) for p, i in number.items()), *held]
    return tuple(
        Given(i, path, v.type, not written.isdisjoint(aliases.reachable((v,))))
        for i, path, v in sorted(found, key=lambda f: f[0])
        if is_memory(v.type)
    )


def written_by_callees(fn: Function) -> dict[str, frozenset[int]]:
    """Which parameters the functions that this one calls, and that call one another, may write."""
    found: dict[str, frozenset[int]] = dict.fromkeys(fn.callees, frozenset())
    while True:
        before = dict(found)
        for name, callee in fn.callees.items():
            aliases = Aliases(callee, before)
            written = seen_through_views(callee, aliases, aliases.written)
            found[name] = frozenset(
                i for i, p in enumerate(callee.params) if not written.isdisjoint(aliases.reachable((p,)))
            )
        if found == before:
            return found


@dataclass(frozen=True, eq=False, slots=True)
class Apart:
    """Memory that a derivative, called inside another function, was given under two names, and writes."""

    a: Value
    b: Value
    name: str
    loc: Loc


def kept_apart(fn: Function, operands: list[Operand], loc: Loc) -> list[Apart]:
    """What must not be the same memory where a function that was differentiated is called with these operands."""
    fn = thread_captures(fn)
    aliases = Aliases(fn, written_by_callees(fn))
    written = seen_through_views(fn, aliases, aliases.written)
    given = [*zip(fn.params, operands, strict=True), *((v, v) for v in free_values(fn))]
    memory = [
        (o, not written.isdisjoint(aliases.reachable((p,))))
        for p, o in given
        if is_memory(p.type) and isinstance(o, Value)
    ]
    return [
        Apart(a, b, fn.name, loc)
        for i, (a, a_written) in enumerate(memory)
        for b, b_written in memory[i + 1 :]
        if a_written or b_written
    ]


def refuse_joined(fn: Function, pairs: list[Apart]) -> None:
    """Refuse derivatives called inside a function with arguments that may share memory which they write."""
    if not pairs:
        return
    for f in (fn, *fn.callees.values()):
        aliases, defs = Aliases(f), definitions(f)
        for p in pairs:
            if are_apart(f, defs, p):
                continue
            a, b = ({aliases.find(v)} for v in (p.a, p.b))
            if not seen_through_views(f, aliases, a).isdisjoint(seen_through_views(f, aliases, b)):
                raise SignatureError(
                    f"two arguments of the derivative of {p.name}() may share memory, and some is written",
                    p.loc, "pass a copy of one of them",
                )  # fmt: skip


def are_apart(fn: Function, defs: dict[Value, AnyOp], pair: Apart) -> bool:
    """Whether two names are known to be of different memory: made here, or given, which the call tells apart."""
    roots = [made_or_given(fn, defs, v) for v in (pair.a, pair.b)]
    return None not in roots and roots[0] is not roots[1]


def made_or_given(fn: Function, defs: dict[Value, AnyOp], v: Operand) -> Operand | None:
    """The array or list that a name is of, through views; None where several may be."""
    while is_view(op := defs.get(v)) or (isinstance(op, Op) and made(op) is Made.SAME):  # type: ignore[arg-type]
        v = op.operands[0]  # type: ignore[union-attr]
    given = not fn.called and (v in fn.params or v in free_values(fn) or is_taken_out(op))
    return v if given or is_fresh(op) else None


def is_taken_out(op: AnyOp | None) -> bool:
    """Whether an operation takes a value out of an argument."""
    return isinstance(op, Op) and op.prim == "extract"
