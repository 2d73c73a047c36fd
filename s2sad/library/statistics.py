"""Means, spreads and norms."""

from __future__ import annotations

from typing import Any

import numpy as np


def count(a: Any, axis: Any) -> Any:
    """How many elements are reduced over."""
    if axis is None:
        return a.size
    if isinstance(axis, tuple):
        n = 1
        for i in axis:
            n = n * a.shape[i]
        return n
    return a.shape[axis]


def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    x = np.asarray(a)
    return np.sum(x, axis=axis, keepdims=keepdims) / count(x, axis)


def var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False
) -> Any:
    x = np.asarray(a)
    d = x - mean(x, axis=axis, keepdims=True)
    n = count(x, axis) if ddof == 0 else count(x, axis) - ddof
    return np.sum(d * d, axis=axis, keepdims=keepdims) / n


def std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False
) -> Any:
    return np.sqrt(var(a, axis=axis, ddof=ddof, keepdims=keepdims))


def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


def average(a: Any, axis: Any = None, weights: Any = None) -> Any:
    if weights is None:
        return mean(a, axis=axis)
    w = np.asarray(weights)
    return np.sum(a * w, axis=axis) / np.sum(w, axis=axis)


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (mean, (np.mean,), "mean"),
    (var, (np.var,), "var"),
    (std, (np.std,), "std"),
    (ptp, (np.ptp,), ""),
    (average, (np.average,), ""),
]
