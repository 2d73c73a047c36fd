"""What lists hold: a list of ints in which a float is stored is typed anew, as a list of floats from the start.

Invariant: no list whose element type carries no derivative is ever given an element that does.
"""

from __future__ import annotations

from typing import Any

from s2sad.ir.core import Const, Operand, Value
from s2sad.ir.types import FLOAT, List, Scalar, Type, is_float, join
from s2sad.rules.builder import const

_MADE_HERE = frozenset({"alloc_list", "list_repeat"})


class Widen(Exception):
    """Restart typing with the lists made at this place holding floats."""

    def __init__(self, site: Any) -> None:
        self.site = site


def element_type(s: Any, item: Type) -> Type:
    """The element type of a list made here whose elements are known to be `item` so far."""
    return join(item, FLOAT) or item if s.loc in s.context.widened else item


def element(s: Any, value: Any, item: Type) -> Any:
    """A number as a list of `item` holds it: an int becomes a float in a list made to hold floats."""
    if not is_float(item) or not isinstance(value.type, Scalar) or value.type.kind not in ("int", "bool"):
        return value
    return const(float(value.value)) if isinstance(value, Const) else s.builder.emit("builtins.float", value)


def stored(s: Any, container: Value, value: Operand) -> Operand:
    """A number that is stored in a container. Raises Widen, or an error for a list that is not made here."""
    held = container.type
    if not isinstance(held, List) or is_float(held.item) or not is_float(value.type):
        return value
    made = s.builder.defs.get(container)
    if made is not None and made.prim in _MADE_HERE and made.loc not in s.context.widened:
        raise Widen(made.loc)
    raise s.error("a float is stored in a list of ints", "make it a list of floats: start it with 0.0")
