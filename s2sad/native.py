"""Arguments as Numba takes them: arrays of this machine's byte order, lists of one type, integers of 64 bits.

What is not written is converted; the rest is refused by name, since what Numba says of it names nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.errors import JitError, Loc
from s2sad.ir.types import COMPLEX, FLOAT, INT, Array, List, Scalar
from s2sad.typing.given import Given
from s2sad.typing.structure import Fixed, Node, Path, known

PLAIN: dict[Any, type] = {FLOAT: float, INT: int, COMPLEX: complex}
TAKEN_APART = {"dict", "record", "partial", "range"}


class Native:
    """The arguments of one compiled function, whose keys these are, in order; what it captures comes after them."""

    def __init__(self, keys: dict[str, Any], given: tuple[Given, ...], name: str, loc: Loc) -> None:
        self.keys, self.name, self.loc = keys, name, loc
        self.written = {(g.parameter, g.path) for g in given if g.written}

    def arguments(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        pairs = zip(self.keys.items(), values, strict=True)
        return tuple(
            None if known(key) else self.taken(name, key, value, i, ())
            for i, ((name, key), value) in enumerate(pairs)
        )

    def taken(self, name: str, key: Any, value: Any, i: int, path: Path) -> Any:
        if isinstance(key, Node):
            return self.container(name, key, value, i, path)
        found = value
        if isinstance(key, Array):
            if not value.dtype.isnative:
                found = value.astype(value.dtype.newbyteorder("="))
        elif isinstance(key, List):
            found = self.list(name, key, value)
        elif key == INT and not -(2**63) <= value < 2**63:
            raise self.refused(name, "is or holds an integer of more than 64 bits", "pass a float")
        elif key in PLAIN:
            found = plain(key, value)
        if found is not value and (i, path) in self.written:
            raise self.refused(name, f"holds {described(value)}, and is written", "pass an array of float64")
        return found

    def list(self, name: str, key: List, value: list[Any]) -> list[Any]:
        if not value:
            raise self.empty(name)
        if len({*map(type, value)}) == 1:
            return value if plain(key.item, value[0]) is value[0] else [PLAIN[key.item](v) for v in value]
        if key.item not in (FLOAT, Scalar("float", "float64")):
            raise self.refused(name, f"holds {described(value)}", "pass an array of them")
        return [float(v) for v in value]

    def container(self, name: str, key: Node, value: Any, i: int, path: Path) -> Any:
        if key.kind in TAKEN_APART:
            raise self.refused(
                name, "is or holds a dict, a range or an object", "pass its parts, or a named tuple of them"
            )
        if key.kind == "list" and any(
            isinstance(k, List) or getattr(k, "kind", "") == "list" for k in key.parts
        ):
            raise self.refused(name, "is or holds a list of lists", "pass arrays in place of lists of lists")
        if key.kind == "list" and not value:
            raise self.empty(name)
        parts = [
            unread(k, part) if known(k) else self.taken(name, k, part, i, (*path, key.step(j)))
            for j, (k, part) in enumerate(zip(key.parts, value, strict=True))
        ]
        if key.kind == "list" and alike(parts) > 1:
            raise self.refused(
                name,
                "holds a list whose items are of several types or memory layouts",
                "pass a tuple of them",
            )
        if all(a is b for a, b in zip(parts, value, strict=True)):
            return value
        return key.tag(*parts) if key.kind == "namedtuple" else key.tag(parts)

    def empty(self, name: str) -> JitError:
        return self.refused(name, "is or holds an empty list, of which it knows no type", "pass an array")

    def refused(self, name: str, why: str, way_out: str) -> JitError:
        return JitError(
            f"Numba cannot take the argument {name!r} of {self.name}(): it {why}",
            self.loc, f"{way_out}, or use jit=False",
        )  # fmt: skip


def plain(key: Any, value: Any) -> Any:
    """A number of Python's as such, of a member of an enumeration and the like: Numba would take it for what it is."""
    made = PLAIN.get(key)
    return value if made is None or type(value) is made else made(value)


def unread(key: Any, value: Any) -> Any:
    """A constant in a container: compiled code reads none, and Numba takes only texts, truth values and None."""
    return value if isinstance(key, Fixed) and isinstance(value, (str, bool, type(None))) else None


def alike(values: list[Any]) -> int:
    """How many types Numba finds in a list."""
    from numba import typeof

    return len({typeof(v) for v in values})  # type: ignore[no-untyped-call]


def described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"numbers of another byte order ({value.dtype.str})"
    return "numbers of several types"
