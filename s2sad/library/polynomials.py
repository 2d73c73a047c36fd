"""Polynomials by their coefficients, the highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.library.names import Default
from s2sad.library.operation import same_shape


def polyval(p: Any, x: Any) -> Any:
    """Horner's rule."""
    y = np.zeros_like(x)
    for c in p:
        y = y * x + c
    return y


def polyfit(
    x: Any,
    y: Any,
    deg: Any,
    rcond: Default = None,
    full: Default = False,
    w: Any = None,
    cov: Default = False,
) -> Any:
    """Least squares by columns of powers of unit length."""
    same_shape(x, y, TypeError, "expected x and y to have same length")
    columns = np.vander(np.asarray(x) + 0.0, deg + 1)
    values = np.asarray(y) + 0.0
    if w is not None:
        columns = columns * np.expand_dims(w, 1)
        values = values * (w if values.ndim == 1 else np.expand_dims(w, 1))
    lengths = np.sqrt(np.sum(columns * columns, axis=0))
    found = np.linalg.lstsq(columns / lengths, values)[0]
    return found / lengths if values.ndim == 1 else found / np.expand_dims(lengths, 1)


def polyder(p: Any, m: Any = 1) -> Any:
    q = np.asarray(p)
    for _ in range(m):
        q = q[:-1] * np.arange(q.shape[0] - 1, 0, -1)
    return q


def polyint(p: Any, m: Any = 1, k: Default = None) -> Any:
    q = np.asarray(p)
    for _ in range(m):
        q = np.concatenate([q / np.arange(q.shape[0], 0, -1), np.zeros(1)])
    return q


def polymul(a1: Any, a2: Any) -> Any:
    return np.convolve(a1, a2)


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (polyval, (np.polyval,), ""),
    (polyfit, (np.polyfit,), ""),
    (polyder, (np.polyder,), ""),
    (polyint, (np.polyint,), ""),
    (polymul, (np.polymul,), ""),
]
