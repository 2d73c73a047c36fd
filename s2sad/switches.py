"""Changes that make compiled derivatives faster, by name: each can be left out, to measure it and to test it.

`exact` changes give the same numbers, with and without them: equal by ==, or both nan. `reordering` ones add in another
order: the difference is at most 1e-12 (float32: 1e-5) times the sum of the absolute contributions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

EXACT, REORDERING = "exact", "reordering"
CHANGES: dict[str, str] = {}  # name -> kind
_OFF: ContextVar[frozenset[str]] = ContextVar("left out", default=frozenset())


class Change:
    """One of them; true unless it is left out by `without`, or by the environment variable S2SAD_WITHOUT (names with
    commas between them)."""

    def __init__(self, name: str, kind: str) -> None:
        CHANGES[name] = kind
        self.name = name

    def __bool__(self) -> bool:
        return self.name not in _OFF.get() and self.name not in _named()


def _named() -> list[str]:
    return os.environ.get("S2SAD_WITHOUT", "").split(",")


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Leave changes out of all code that is generated in here; a derivative keeps what was generated for it."""
    unknown = [n for n in names if n not in CHANGES]
    if unknown:
        raise KeyError(f"no change is called {', '.join(unknown)}; there are {', '.join(CHANGES)}")
    token = _OFF.set(_OFF.get() | set(names))
    try:
        yield
    finally:
        _OFF.reset(token)
