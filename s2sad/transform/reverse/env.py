"""What the text of a rule reads by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


class Env(dict[str, Any]):
    """The operands of a rule by name, fetched when the rule reads them."""

    def __init__(self, fetch: dict[str, Callable[[], Any]]) -> None:
        super().__init__()
        self.fetch = fetch

    def __missing__(self, name: str) -> Any:
        value = self[name] = self.fetch[name]()
        return value

    def __contains__(self, name: object) -> bool:
        return name in self.fetch

    def __iter__(self) -> Iterator[str]:
        return iter(self.fetch)

    def keys(self) -> Any:
        return self.fetch.keys()
