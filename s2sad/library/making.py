"""Sequences of numbers between two."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from s2sad.library.names import Default


def logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: Any = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: Any = 0,
) -> Any:
    y = base ** np.linspace(start, stop, num, endpoint=endpoint, axis=axis)
    return y if dtype is None else y.astype(dtype)


def geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, dtype: Any = None, axis: Default = 0
) -> Any:
    y = start * (stop / start) ** np.linspace(0.0, 1.0, num, endpoint=endpoint)
    return y if dtype is None else y.astype(dtype)


def arange(start: Any, stop: Any, step: Any) -> Any:
    """np.arange of numbers that may vary: how many there are does not vary."""
    n = max(0, math.ceil((stop - start) / step))
    return start + step * np.arange(n)


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (logspace, (np.logspace,), ""),
    (geomspace, (np.geomspace,), ""),
]


def accumulated(a: Any, f: Any) -> Any:
    out = []
    if len(a) > 0:
        total = a[0]
        out.append(total)
        for i in range(1, len(a)):
            total = f(total, a[i])
            out.append(total)
    return out
