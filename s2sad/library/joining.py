"""Joining arrays, and taking them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from s2sad.library.names import found


def vstack(tup: Sequence[Any]) -> Any:
    if isinstance(tup, np.ndarray):
        return tup[:, None].copy() if tup.ndim == 1 else np.concatenate(tup) if tup.ndim > 2 else tup.copy()
    return np.concatenate([np.atleast_2d(a) for a in tup], axis=0)


def hstack(tup: Sequence[Any]) -> Any:
    if isinstance(tup, np.ndarray):
        return np.ravel(tup).copy() if tup.ndim <= 2 else np.concatenate(tup, axis=1)
    if np.ndim(tup[0]) <= 1:  # NumPy looks at the first
        return np.concatenate([np.atleast_1d(a) for a in tup], axis=0)
    return np.concatenate(tup, axis=1)


def dstack(tup: Sequence[Any]) -> Any:
    return np.concatenate([np.atleast_3d(a) for a in tup], axis=2)


def column_stack(tup: Sequence[Any]) -> Any:
    return np.concatenate([a[:, None] if np.ndim(a) == 1 else a for a in tup], axis=1)


def of_list(arrays: Sequence[Any], axis: Any, dtype: Any) -> Any:
    """np.concatenate of a list that a loop filled."""
    if len(arrays) == 0:
        raise ValueError("need at least one array to concatenate")
    size = 0
    for a in arrays:
        size += a.shape[axis]
    first = arrays[0]
    out = np.empty((*first.shape[:axis], size, *first.shape[axis + 1 :]), dtype)
    rows = np.swapaxes(out, axis, 0)
    at = 0
    for a in arrays:
        n = a.shape[axis]
        rows[at : at + n] = np.swapaxes(a, axis, 0)
        at += n
    return out


def append(arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.concatenate([np.ravel(arr), np.ravel(values)])
    return np.concatenate([arr, values], axis=axis)


def equal_size(n: Any, parts: Any) -> Any:
    """The size of equal parts."""
    if n % parts != 0:
        raise ValueError("array split does not result in an equal division")
    return n // parts


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (vstack, found("vstack", "row_stack"), ""),
    (hstack, (np.hstack,), ""),
    (dstack, (np.dstack,), ""),
    (column_stack, (np.column_stack,), ""),
    (append, (np.append,), ""),
]
