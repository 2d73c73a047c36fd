"""Joining and taking apart."""

from __future__ import annotations

from typing import Any

import numpy as np


def stack(arrays: Any, axis: Any = 0) -> Any:
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis=axis)


def flip(m: Any, axis: Any = None) -> Any:
    if m.ndim == 1:
        return m[::-1]
    if axis is None:
        return flip(flip(m, 0), 1)
    if axis == 0:
        return m[::-1]
    return np.swapaxes(np.swapaxes(m, 0, axis)[::-1], 0, axis)


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (stack, (np.stack,), ""),
    (flip, (np.flip,), ""),
]
