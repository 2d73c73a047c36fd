"""Windows of signal processing; n points from -1 to 1, of which a window of one point is the middle."""

from __future__ import annotations

from typing import Any

import numpy as np


def points(M: Any) -> Any:
    return np.arange(1 - M, M, 2) / max(M - 1, 1)


def hanning(M: Any) -> Any:
    return 0.5 + 0.5 * np.cos(np.pi * points(M))


def hamming(M: Any) -> Any:
    return 0.54 + 0.46 * np.cos(np.pi * points(M))


def blackman(M: Any) -> Any:
    n = points(M)
    return 0.42 + 0.5 * np.cos(np.pi * n) + 0.08 * np.cos(2.0 * np.pi * n)


def bartlett(M: Any) -> Any:
    return 1.0 - np.abs(points(M))


def kaiser(M: Any, beta: Any) -> Any:
    return np.i0(beta * np.sqrt(1.0 - points(M) ** 2)) / np.i0(beta)


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (hanning, (np.hanning,), ""),
    (hamming, (np.hamming,), ""),
    (blackman, (np.blackman,), ""),
    (bartlett, (np.bartlett,), ""),
    (kaiser, (np.kaiser,), ""),
]
