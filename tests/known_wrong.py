"""Programs that the frontend once read wrongly without a word: each is refused or right."""
# mypy: ignore-errors
# ruff: noqa: E731, F841, B023

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

REFUSED: list[Any] = []


def mended(*args: Any) -> Callable[[Any], Any]:
    """Programs that were wrong in silence and are refused or right now."""

    def keep(f: Any) -> Any:
        REFUSED.append(pytest.param(f, args, id=f.__name__))
        return f

    return keep


@mended(3)
def generator_reads_late(x):
    k = 2
    g = (i * k for i in range(3))
    k = x
    return sum(g)


@mended(3.0)
def alias_of_a_closure(x):
    def g(q):
        return q * x

    h = g
    x = 100.0
    return h(1.0)


@mended(0)
def closure_defined_in_a_branch(n):
    if n == 0:

        def f(x):
            return x + n
    else:
        f = lambda x: x * n
    n = n + 10
    return f(3)


@mended(4)
def walrus_leaves_a_comprehension(n):
    t = 0
    [t := t + i for i in range(n)]
    return t
