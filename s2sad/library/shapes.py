"""Axes and elements in another order: flips, rotations, arrays of at least so many axes, grids."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.library.names import found
from s2sad.library.operation import from_front


def flip(m: Any, axis: Any = None) -> Any:
    axes = tuple(range(m.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    turned = [from_front(k, m.ndim) for k in axes]
    if not turned:
        return m[...]
    last = max(turned)
    return m[tuple(slice(None, None, -1) if i in turned else slice(None) for i in range(last + 1))]


def fliplr(m: Any) -> Any:
    return m[:, ::-1]


def flipud(m: Any) -> Any:
    return m[::-1]


def rot90(m: Any, k: Any = 1, axes: Any = (0, 1)) -> Any:
    turns, first, second = k % 4, from_front(axes[0], m.ndim), from_front(axes[1], m.ndim)
    if first == second:
        raise ValueError("Axes must be different.")
    if turns == 0:
        return m[:]
    if turns == 2:
        return flip(m, axes)
    if turns == 1:
        return np.swapaxes(flip(m, second), first, second)
    return flip(np.swapaxes(m, first, second), second)


def rollaxis(a: Any, axis: Any, start: Any = 0) -> Any:
    at, to = axis % a.ndim, start + a.ndim if start < 0 else start
    return np.moveaxis(a, at, to - 1 if at < to else to)


def matrix_transpose(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def atleast_1d(*arys: Any) -> Any:
    made = tuple(np.broadcast_to(a, (1,)) if np.ndim(a) == 0 else np.asarray(a) for a in arys)
    return made[0] if len(made) == 1 else made


def atleast_2d(*arys: Any) -> Any:
    made = tuple(
        np.broadcast_to(a, (1, 1)) if np.ndim(a) == 0 else a[None, :] if np.ndim(a) == 1 else np.asarray(a)
        for a in arys
    )
    return made[0] if len(made) == 1 else made


def atleast_3d(*arys: Any) -> Any:
    made = tuple(deep(a) for a in arys)
    return made[0] if len(made) == 1 else made


def deep(a: Any) -> Any:
    """An array of at least three axes."""
    if np.ndim(a) == 0:
        return np.broadcast_to(a, (1, 1, 1))
    if np.ndim(a) == 1:
        return a[None, :, None]
    return a[:, :, None] if np.ndim(a) == 2 else np.asarray(a)


def meshgrid(*xi: Any, copy: Any = True, sparse: Any = False, indexing: Any = "xy") -> Any:
    n = len(xi)
    order = (1, 0, *range(2, n)) if indexing == "xy" and n > 1 else tuple(range(n))
    lines = tuple(np.ravel(x) for x in xi)
    grids = tuple(
        np.expand_dims(x, tuple(j for j in range(n) if j != k)) if n > 1 else x
        for k, x in zip(order, lines, strict=True)
    )
    if sparse:
        return tuple(g.copy() for g in grids) if copy else grids
    sizes = tuple(lines[k].shape[0] for k in order)
    return tuple(np.broadcast_to(g, sizes).copy() if copy else np.broadcast_to(g, sizes) for g in grids)


def vander(x: Any, N: Any = None, increasing: Any = False) -> Any:
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    powers = np.arange(x.shape[0] if N is None else N)
    return x[:, None] ** (powers if increasing else powers[::-1])


def indices(dimensions: Any, dtype: Any = int, sparse: Any = False) -> Any:
    n = len(dimensions)
    lines = tuple(
        np.expand_dims(np.arange(dimensions[k], dtype=dtype), tuple(j for j in range(n) if j != k))
        for k in range(n)
    )
    return lines if sparse else np.stack([np.broadcast_to(x, dimensions) for x in lines])


def triu_indices(n: Any, k: Any = 0, m: Any = None) -> Any:
    return np.nonzero(~np.tri(n, n if m is None else m, k=k - 1, dtype=bool))


def tril_indices(n: Any, k: Any = 0, m: Any = None) -> Any:
    return np.nonzero(np.tri(n, n if m is None else m, k=k, dtype=bool))


def triu_indices_from(arr: Any, k: Any = 0) -> Any:
    return triu_indices(arr.shape[0], k, arr.shape[1])


def tril_indices_from(arr: Any, k: Any = 0) -> Any:
    return tril_indices(arr.shape[0], k, arr.shape[1])


def diag_indices(n: Any, ndim: Any = 2) -> Any:
    i = np.arange(n)
    return (i,) * ndim


def diag_indices_from(arr: Any) -> Any:
    return diag_indices(arr.shape[0], arr.ndim)


def resize(a: Any, new_shape: Any) -> Any:
    x = np.ravel(a)
    total = 1
    for size in new_shape if isinstance(new_shape, tuple) else (new_shape,):
        total = total * size
    return np.reshape(x[np.arange(total) % x.shape[0]], new_shape)


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (flip, (np.flip,), ""),
    (fliplr, (np.fliplr,), ""),
    (flipud, (np.flipud,), ""),
    (rot90, (np.rot90,), ""),
    (rollaxis, (np.rollaxis,), ""),
    (matrix_transpose, found("matrix_transpose"), ""),
    (atleast_1d, (np.atleast_1d,), ""),
    (atleast_2d, (np.atleast_2d,), ""),
    (atleast_3d, (np.atleast_3d,), ""),
    (meshgrid, (np.meshgrid,), ""),
    (vander, (np.vander,), ""),
    (indices, (np.indices,), ""),
    (triu_indices, (np.triu_indices,), ""),
    (tril_indices, (np.tril_indices,), ""),
    (triu_indices_from, (np.triu_indices_from,), ""),
    (tril_indices_from, (np.tril_indices_from,), ""),
    (diag_indices, (np.diag_indices,), ""),
    (diag_indices_from, (np.diag_indices_from,), ""),
    (resize, (np.resize,), ""),
]
