"""Products of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np


def outer(a: Any, b: Any) -> Any:
    return np.ravel(a)[:, None] * np.ravel(b)[None, :]


def inner(a: Any, b: Any) -> Any:
    if a.ndim == 1 and b.ndim == 1:
        return a @ b
    return a @ b.T


def vdot(a: Any, b: Any) -> Any:
    return np.ravel(a) @ np.ravel(b)


def trace(a: Any) -> Any:
    return np.sum(a * np.eye(a.shape[0]))


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (outer, (np.outer,), ""),
    (inner, (np.inner,), ""),
    (vdot, (np.vdot,), ""),
]
