"""What Python does only once, and what it does step by step: iterators are structures here, which know neither.

Invariant: an iterator that something has run through, or started on, is not read again (Python would find it
empty); what a generator computes is computed before a loop's body runs only where the body cannot tell.
"""

from __future__ import annotations

from typing import Any

from s2sad.analysis.aliases import WRITES
from s2sad.ir.core import AnyOp, Block, Op, Operand, Value, walk
from s2sad.ir.types import List, is_memory
from s2sad.rules.effects import Made
from s2sad.rules.effects import made as made_of
from s2sad.rules.registry import PRIMS
from s2sad.typing.abstract import AV, GeneratorAV, LazyAV, children, leaves


def is_iterator(av: AV) -> bool:
    """Whether Python can run through this once only."""
    return isinstance(av, (LazyAV, GeneratorAV))


def use_up(s: Any, *avs: AV) -> None:
    """Something runs through these."""
    for av in avs:
        if not is_iterator(av):
            continue
        if av in s.used_up:
            raise s.error(
                "an iterator is used again after something has run through it, and Python finds it empty then",
                "make a list of it first, as in list(zip(a, b))",
            )
        s.used_up |= {av}


def keep(s: Any, found: AV, *sources: AV) -> AV:
    """An iterator that may be one of `sources` is used up where one of them is."""
    if is_iterator(found) and any(o in s.used_up for o in sources):
        s.used_up |= {found}
    return found


def refuse_growth(s: Any, iterable: AV, ops: list[AnyOp]) -> None:
    """A list that its loop's body appends to: Python would go on through the new elements."""
    run = {v for v in leaves(iterable) if isinstance(v, Value) and isinstance(v.type, List)}
    if run and not run.isdisjoint(changed(s, ops, frozenset({"append"}))):
        raise s.error(
            "a list grows while a loop runs over it",
            "loop over a copy, as in list(a), or by index with while i < len(a)",
        )


def holds_generator(av: AV) -> bool:
    return isinstance(av, GeneratorAV) or any(map(holds_generator, children(av)))


def refuse_interference(s: Any, made: list[AnyOp], body: list[AnyOp]) -> None:
    """`made` computes all elements of a generator before `body` runs for the first; Python takes turns."""
    inner = {r for op in walk(Block((), tuple(made), ())) for r in op.results}
    reads = {base(s, o) for op in walk(Block((), tuple(made), ())) if isinstance(op, Op) for o in op.operands}
    written = {base(s, v) for v in changed(s, made, WRITES)}
    later = {base(s, v) for v in changed(s, body, WRITES)}
    if (written - inner) or (reads & later - inner):
        raise s.error(
            "a generator and the loop that runs over it take turns to write and read the same memory",
            "make a list of it first if that is meant, or write the loop out",
        )


def refuse_effects(s: Any, made: list[AnyOp], name: str) -> None:
    """`any()` and `all()` compute no element after the one that decides; what is computed for all must not be seen."""
    inner = {r for op in walk(Block((), tuple(made), ())) for r in op.results}
    seen = any(PRIMS[prim].effect == "world" for prim in primitives(s, Block((), tuple(made), ()), set()))
    if seen or {base(s, v) for v in changed(s, made, WRITES)} - inner:
        raise s.error(
            f"{name}() of a generator that does more than compute: Python stops at the element that decides",
            "write the loop out, with a break",
        )


def changed(s: Any, ops: list[AnyOp], by: frozenset[str]) -> set[Operand]:
    """The memory that operations may change by these primitives, also in functions that they call."""
    found: set[Operand] = set()
    for op in walk(Block((), tuple(ops), ())):
        if isinstance(op, Op) and op.prim in by and is_memory(op.operands[0].type):
            found.add(op.operands[0])
        elif isinstance(op, Op) and op.prim == "invoke" and by & primitives(s, Block((), (op,), ()), set()):
            found.update(o for o in op.operands if is_memory(o.type))
    return found


def primitives(s: Any, block: Block, seen: set[str]) -> set[str]:
    """The primitives in a block, and in the functions that it calls."""
    found: set[str] = set()
    for op in (op for op in walk(block) if isinstance(op, Op)):
        if op.prim != "invoke":
            found.add(op.prim)
        elif op.attr("callee") not in seen:
            seen.add(op.attr("callee"))
            made = (i for i in s.context.instances.values() if i.name == op.attr("callee"))
            for instance in made:
                if instance.function is not None:
                    found |= primitives(s, instance.function.body, seen)
    return found


def base(s: Any, v: Operand) -> Operand:
    """The array that a chain of views is of."""
    while isinstance(v, Value) and (made := s.builder.defs.get(v)) is not None:
        if made_of(made) not in (Made.VIEW, Made.SAME, Made.ELEMENT) or not is_memory(v.type):
            break
        v = made.operands[0]
    return v
