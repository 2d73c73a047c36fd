"""What lists hold: a list in which something else is stored than it was taken for is typed anew, from the start.

A list display of what are not all numbers is a structure of known length until something needs it in memory: an
`append`, a computed index. Invariant: no list whose element type carries no derivative is ever given an element
that does.
"""

from __future__ import annotations

from typing import Any

from s2sad.errors import SignatureError
from s2sad.ir.core import Const, Operand, Value
from s2sad.ir.types import BOTTOM, FLOAT, KIND_ORDER, List, Scalar, Type, is_float, is_memory, join
from s2sad.rules.builder import const
from s2sad.typing.abstract import AV, TupleAV, describe, is_operand

_MADE_HERE = frozenset({"alloc_list", "list_repeat"})


class Widen(Exception):
    """Restart typing with the lists made at this place holding elements of this type; `for_size`: only because there
    are many."""

    def __init__(self, site: Any, item: Type, for_size: bool = False) -> None:
        self.site = site
        self.item = item
        self.for_size = for_size


def element_type(s: Any, item: Type) -> Type:
    """The element type of a list made here whose elements are known to be `item` (BOTTOM: it has none) so far. What
    is put into an empty list is mostly floats: only where that leads nowhere it is left open."""
    wide = s.context.widened.get(s.loc)
    if wide is None and item is BOTTOM:
        s.context.empty.add(s.loc)
        return BOTTOM if s.context.unknown else FLOAT
    if wide is None:
        return item
    joined = join(wide, item)
    if joined is None:
        raise mixed(s, item, wide)
    return joined


def mixed(s: Any, a: Type, b: Type) -> Exception:
    error: Exception = s.error(
        f"a list of a {a} and a {b}", "let a list hold elements of one type", SignatureError
    )
    return error


def element(s: Any, value: Any, item: Type) -> Any:
    """A number as a list of `item` holds it: an int becomes a float in a list made to hold floats, and a float a complex
    number in one of those."""
    if isinstance(item, Scalar) and item.kind == "complex":
        if not isinstance(value.type, Scalar) or value.type.kind == "complex":
            return value
        return (
            const(complex(value.value))
            if isinstance(value, Const)
            else s.builder.emit("add", value, const(0j))
        )
    if not is_float(item) or not isinstance(value.type, Scalar) or value.type.kind not in ("int", "bool"):
        return value
    return const(float(value.value)) if isinstance(value, Const) else s.builder.emit("builtins.float", value)


def in_memory(s: Any, av: AV) -> Operand:
    """A number, array or list as an operand. Raises Widen for a list that has been a structure so far."""
    if is_operand(av) and (isinstance(av.type, Scalar) or is_memory(av.type) or av.type is BOTTOM):
        return av
    if isinstance(av, TupleAV) and av.cls is list and av.site is not None:
        raise Widen(av.site, common_type(s, list(av.items)))
    raise s.error(
        f"a list of {describe(av)} is not supported yet",
        "let lists hold numbers, arrays or lists; loop over one of other things by itself or with enumerate(), and"
        " index what goes beside it",
    )


def common_type(s: Any, elements: list[AV]) -> Type:
    """The type of the elements of a list in memory."""
    item: Type = BOTTOM
    for e in elements:
        t = in_memory(s, e).type
        joined = join(item, t)
        if joined is None:
            raise mixed(s, item, t)
        item = joined
    return item


def fits(t: Type, item: Type) -> bool:
    """Whether a number can be held among numbers of this type: as one of theirs."""
    numbers = isinstance(t, Scalar) and isinstance(item, Scalar)
    return numbers and KIND_ORDER[t.kind] <= KIND_ORDER[item.kind]  # type: ignore[attr-defined]


def stored(s: Any, container: Value, value: Operand) -> Operand:
    """What is stored in a container. Raises Widen, or an error for a list that is not made here."""
    held = container.type
    if not isinstance(held, List) or value.type is BOTTOM:
        return value
    made = s.builder.defs.get(container)
    while made is not None and made.prim == "list_of":  # a copy holds what the list it is of was made to hold
        made = s.builder.defs.get(made.operands[0])
    here = made is not None and made.prim in _MADE_HERE
    empty = here and not made.operands and made.loc not in s.context.widened
    item: Type | None = BOTTOM if empty else held.item
    item = join(item, value.type)  # type: ignore[arg-type]
    counts = empty and isinstance(item, Scalar) and not is_float(item)  # a list of integers or truths
    if item == held.item or (is_float(held.item) and not counts and fits(value.type, held.item)):
        return value
    if held.item is BOTTOM and not here:  # one that a loop carries
        open_ = s.context.empty - set(s.context.widened)
        if len(open_) == 1:
            raise Widen(open_.pop(), value.type)
    if item is None and isinstance(held.item, Scalar) and is_float(value.type):
        item = FLOAT
    if item is None:
        raise mixed(s, value.type, held.item)
    if here:
        raise Widen(made.loc, item)
    if is_float(value.type):
        raise s.error("a float is stored in a list of ints", "make it a list of floats: start it with 0.0")
    raise mixed(s, value.type, held.item)
