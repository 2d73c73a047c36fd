"""Transforms along several axes, of real or symmetric arrays, as transforms along one axis after another."""

from __future__ import annotations

from typing import Any

import numpy as np


def transformed_axes(a: Any, s: Any, axes: Any) -> Any:
    """The axes of a transform, where `s` may say how many of the last there are."""
    if axes is not None:
        return axes
    n = a.ndim if s is None else len(s)
    return tuple(range(a.ndim - n, a.ndim))


def fft_of_sizes(a: Any, s: Any, axes: Any, norm: Any) -> Any:
    y, along = a, transformed_axes(a, s, axes)
    for k in range(len(along)):
        y = np.fft.fft(y, s[k], axis=along[k], norm=norm)
    return y


def ifft_of_sizes(a: Any, s: Any, axes: Any, norm: Any) -> Any:
    y, along = a, transformed_axes(a, s, axes)
    for k in range(len(along)):
        y = np.fft.ifft(y, s[k], axis=along[k], norm=norm)
    return y


def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    along = transformed_axes(a, s, axes)
    y = np.fft.rfft(a, None if s is None else s[-1], axis=along[-1], norm=norm)
    for k in range(len(along) - 1):
        y = np.fft.fft(y, None if s is None else s[k], axis=along[k], norm=norm)
    return y


def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    y, along = a, transformed_axes(a, s, axes)
    for k in range(len(along) - 1):
        y = np.fft.ifft(y, None if s is None else s[k], axis=along[k], norm=norm)
    return np.fft.irfft(y, None if s is None else s[-1], axis=along[-1], norm=norm)


def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    return rfftn(a, s, axes, norm)


def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    return irfftn(a, s, axes, norm)


def opposite(norm: Any) -> Any:
    """Which direction is scaled, for a transform that is another's inverse."""
    if norm is None or norm == "backward":
        return "forward"
    return "backward" if norm == "forward" else norm


def hfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    return np.fft.irfft(np.conj(a), n, axis=axis, norm=opposite(norm))


def ihfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    return np.conj(np.fft.rfft(a, n, axis=axis, norm=opposite(norm)))


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (rfftn, (np.fft.rfftn,), ""),
    (irfftn, (np.fft.irfftn,), ""),
    (rfft2, (np.fft.rfft2,), ""),
    (irfft2, (np.fft.irfft2,), ""),
    (hfft, (np.fft.hfft,), ""),
    (ihfft, (np.fft.ihfft,), ""),
]
