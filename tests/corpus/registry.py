"""The registry of the shared corpus: `@program(args, …)` files a plain function once per argument set.

Invariant: the decorated function is returned unchanged, so every corpus function stays an ordinary
module-level function whose source `inspect` finds; arguments stay away from kinks of the function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Program:
    """One function of the corpus with one set of arguments."""

    name: str
    fn: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: tuple[int | str, ...]
    tags: frozenset[str]

    def __repr__(self) -> str:
        """The name is enough for a test report."""
        return f"Program({self.name})"


PROGRAMS: list[Program] = []


def arr(*values: float, dtype: Any = float) -> np.ndarray:
    """A fresh 1-D array of the values."""
    return np.array(values, dtype=dtype)


def is_differentiable(arg: Any) -> bool:
    """Whether an argument is taken as `wrt` by default: floats and float arrays are."""
    if isinstance(arg, np.ndarray):
        return bool(np.issubdtype(arg.dtype, np.floating))
    return isinstance(arg, (float, np.floating))


def program(
    *arg_sets: tuple[Any, ...], wrt: tuple[int | str, ...] | None = None, tags: str = ""
) -> Callable[[F], F]:
    """File the decorated function in PROGRAMS, once per argument set, with blank-separated tags.

    Without `wrt` the derivative is taken with respect to every float and float array argument.
    The tag `nojit` says that Numba may fail to type it (recursion, nested lists, dicts, formatted strings).
    """

    def register(fn: F) -> F:
        topic = fn.__module__.rsplit(".", 1)[-1]
        for number, args in enumerate(arg_sets):
            chosen = (
                wrt if wrt is not None else tuple(i for i, arg in enumerate(args) if is_differentiable(arg))
            )
            name = fn.__name__ if len(arg_sets) == 1 else f"{fn.__name__}-{number}"
            PROGRAMS.append(Program(name, fn, args, chosen, frozenset({topic, *tags.split()})))
        return fn

    return register
