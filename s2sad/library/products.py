"""Products of vectors and matrices, convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.library.operation import Operation, is_constant, known, refuse, square

full_convolution, eye_matrix = Operation("numpy.convolve"), Operation("eye_matrix")


def outer(a: Any, b: Any, out: Any = None) -> Any:
    return np.ravel(a)[:, None] * np.ravel(b)[None, :]


def vdot(a: Any, b: Any) -> Any:
    return np.conj(np.ravel(a)) @ np.ravel(b)


def cross(a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None) -> Any:
    if axis is not None:
        return cross(a, b, axis, axis, axis)
    x = np.moveaxis(np.asarray(a), axisa, -1)
    y = np.moveaxis(np.asarray(b), axisb, -1)
    if known(x.shape[-1], 2) and known(y.shape[-1], 2):
        return x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ValueError(
            "np.cross() is differentiated for vectors of three components; write out that of two"
        )
    c0 = x[..., 1] * y[..., 2] - x[..., 2] * y[..., 1]
    c1 = x[..., 2] * y[..., 0] - x[..., 0] * y[..., 2]
    c2 = x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]
    if x.ndim == 1 and y.ndim == 1:
        return np.array([c0, c1, c2])
    return np.moveaxis(np.concatenate([c0[..., None], c1[..., None], c2[..., None]], axis=-1), -1, axisc)


def convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    full = full_convolution(a, v)
    if mode == "full":
        return full
    low, high = min(len(a), len(v)), max(len(a), len(v))
    if mode == "same":
        start = (low - 1) // 2
        return full[start : start + high].copy()
    if mode == "valid":
        return full[low - 1 : high].copy()
    raise ValueError("mode must be one of 'valid', 'same', or 'full'")


def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    full = full_convolution(a, np.conj(v)[::-1])
    if mode == "full":
        return full
    low, high = min(len(a), len(v)), max(len(a), len(v))
    if mode == "same":
        start = (low - 1) // 2 if len(a) >= len(v) else low - 1 - (low - 1) // 2
        return full[start : start + high].copy()
    if mode == "valid":
        return full[low - 1 : high].copy()
    raise ValueError("mode must be one of 'valid', 'same', or 'full'")


def matrix_power(a: Any, n: Any) -> Any:
    """By repeated squaring, as NumPy does; n is a constant."""
    if not is_constant(n):
        refuse("np.linalg.matrix_power() with a computed exponent is not supported", "multiply in a loop")
    if not isinstance(n, int):
        raise TypeError("exponent must be an integer")
    square(a)
    if n < 0:
        return matrix_power(np.linalg.inv(a), -n)
    if n == 1:
        return a
    if n == 0:
        return np.broadcast_to(eye_matrix(a.shape[-1], k=0, dtype=a.dtype), a.shape).copy()
    half = matrix_power(a, n // 2)
    if n % 2 == 1:
        return half @ half @ a
    return half @ half


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (outer, (np.outer, *(getattr(np.linalg, n) for n in ("outer",) if hasattr(np.linalg, n))), ""),
    (vdot, (np.vdot,), ""),
    (cross, (np.cross, np.linalg.cross), ""),
    (convolve, (np.convolve,), ""),
    (correlate, (np.correlate,), ""),
    (matrix_power, (np.linalg.matrix_power,), ""),
]
