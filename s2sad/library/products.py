"""Products of vectors and matrices, convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.library.operation import Operation

full_convolution = Operation("numpy.convolve")


def outer(a: Any, b: Any) -> Any:
    return np.ravel(a)[:, None] * np.ravel(b)[None, :]


def vdot(a: Any, b: Any) -> Any:
    return np.ravel(a) @ np.ravel(b)


def kron(a: Any, b: Any) -> Any:
    x, y = np.asarray(a), np.asarray(b)
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    if x.ndim > y.ndim:
        return kron(x, y[None])
    if y.ndim > x.ndim:
        return kron(x[None], y)
    for k in range(x.ndim):
        x = np.expand_dims(x, 2 * k + 1)
        y = np.expand_dims(y, 2 * k)
    z = x * y
    return np.reshape(z, [z.shape[2 * k] * z.shape[2 * k + 1] for k in range(z.ndim // 2)])


def cross(a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None) -> Any:
    if axis is not None:
        return cross(a, b, axis, axis, axis)
    x = np.moveaxis(np.asarray(a), axisa, -1)
    y = np.moveaxis(np.asarray(b), axisb, -1)
    if x.shape[-1] == 2 and y.shape[-1] == 2:
        return x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]
    parts = [
        x[..., 1] * y[..., 2] - x[..., 2] * y[..., 1],
        x[..., 2] * y[..., 0] - x[..., 0] * y[..., 2],
        x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0],
    ]
    return np.stack(parts, axis=axisc)


def convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    full = full_convolution(a, v)
    if mode == "full":
        return full
    low, high = min(len(a), len(v)), max(len(a), len(v))
    if mode == "same":
        start = (low - 1) // 2
        return full[start : start + high].copy()
    return full[low - 1 : high].copy()


def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    full = full_convolution(a, v[::-1])
    if mode == "full":
        return full
    low, high = min(len(a), len(v)), max(len(a), len(v))
    if mode == "same":
        start = (low - 1) // 2 if len(a) >= len(v) else low - 1 - (low - 1) // 2
        return full[start : start + high].copy()
    return full[low - 1 : high].copy()


def matrix_power(a: Any, n: Any) -> Any:
    """By repeated squaring, as NumPy does; n is a constant."""
    if n < 0:
        return matrix_power(np.linalg.inv(a), -n)
    if n == 1:
        return a.copy()
    if n == 0:
        return 0.0 * a + np.eye(a.shape[-1])
    half = matrix_power(a, n // 2)
    if n % 2 == 1:
        return half @ half @ a
    return half @ half


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (outer, (np.outer,), ""),
    (vdot, (np.vdot,), ""),
    (kron, (np.kron,), ""),
    (cross, (np.cross, np.linalg.cross), ""),
    (convolve, (np.convolve,), ""),
    (correlate, (np.correlate,), ""),
    (matrix_power, (np.linalg.matrix_power,), ""),
]
