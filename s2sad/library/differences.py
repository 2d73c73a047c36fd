"""Differences, integrals and running extremes along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.library.names import Default, found
from s2sad.library.operation import Operation, same_shape
from s2sad.library.statistics import nanmax, nanmin
from s2sad.rules.arrays.scans import records

log_sum_exp = Operation("numpy.logaddexp.reduce")


def along(a: Any, axis: Any, start: Any, stop: Any) -> Any:
    """a[start:stop] along an axis counted from the front."""
    return a[(slice(None),) * axis + (slice(start, stop),)]


def edge(value: Any, a: Any, axis: Any) -> Any:
    """What is put before or behind an array: a number stands for a layer of it."""
    if np.ndim(value) == 0:
        return np.broadcast_to(value, tuple(1 if i == axis else a.shape[i] for i in range(a.ndim)))
    return value


def diff(a: Any, n: Any = 1, axis: Any = -1, prepend: Any = None, append: Any = None) -> Any:
    x = np.asarray(a)
    at = axis % x.ndim
    if prepend is not None:
        x = np.concatenate([edge(prepend, x, at), x], axis=at)
    if append is not None:
        x = np.concatenate([x, edge(append, x, at)], axis=at)
    if n < 0:
        raise ValueError("order must be non-negative")
    for _ in range(n):
        x = along(x, at, 1, None) - along(x, at, None, -1)
    return x


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    x = np.ravel(ary)
    d = x[1:] - x[:-1]
    if to_begin is not None:
        d = np.concatenate([np.asarray(np.ravel(to_begin), dtype=d.dtype), d])
    if to_end is not None:
        d = np.concatenate([d, np.asarray(np.ravel(to_end), dtype=d.dtype)])
    return d


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    f = np.asarray(y)
    at = axis % f.ndim
    pairs = along(f, at, 1, None) + along(f, at, None, -1)
    if x is None:
        return np.sum(0.5 * dx * pairs, axis=at)
    if x.ndim == 1 and f.ndim > 1:
        d = np.expand_dims(x[1:] - x[:-1], tuple(i for i in range(f.ndim) if i != at))
    else:
        d = along(x, at, 1, None) - along(x, at, None, -1)
    return np.sum(0.5 * d * pairs, axis=at)


def layer(a: Any, axis: Any, i: Any) -> Any:
    """a[i] along an axis counted from the front."""
    return a[(slice(None),) * axis + (i,)]


def slope(f: Any, h: Any, axis: Any, edge_order: Any) -> Any:
    """Central differences of second order inside; `h` is a step, coordinates, or None for a step of 1."""
    if f.shape[axis] <= edge_order:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient: it takes edge_order + 1 elements"
        )
    low, high = along(f, axis, None, -2), along(f, axis, 2, None)
    first, second = layer(f, axis, 0), layer(f, axis, 1)
    last, before = layer(f, axis, -1), layer(f, axis, -2)
    if h is None:
        inside, left, right = (high - low) / 2.0, second - first, last - before
        if edge_order == 2:
            left = -1.5 * first + 2.0 * second - 0.5 * layer(f, axis, 2)
            right = 0.5 * layer(f, axis, -3) - 2.0 * before + 1.5 * last
    elif np.ndim(h) == 0:
        inside, left, right = (high - low) / (2.0 * h), (second - first) / h, (last - before) / h
        if edge_order == 2:
            left = (-1.5 * first + 2.0 * second - 0.5 * layer(f, axis, 2)) / h
            right = (0.5 * layer(f, axis, -3) - 2.0 * before + 1.5 * last) / h
    else:
        text = "when 1d, distances must match the length of the corresponding dimension"
        same_shape(np.swapaxes(f, axis, 0), h, ValueError, text)
        d = h[1:] - h[:-1]
        if f.ndim > 1:
            d = np.expand_dims(d, tuple(i for i in range(f.ndim) if i != axis))
        u, v, mid = along(d, axis, None, -1), along(d, axis, 1, None), along(f, axis, 1, -1)
        inside = -v / (u * (u + v)) * low + (v - u) / (u * v) * mid + u / (v * (u + v)) * high
        u, v, p, q = layer(d, axis, 0), layer(d, axis, 1), layer(d, axis, -2), layer(d, axis, -1)
        left, right = (second - first) / u, (last - before) / q
        if edge_order == 2:
            left = -(2.0 * u + v) / (u * (u + v)) * first + (u + v) / (u * v) * second
            left = left - u / (v * (u + v)) * layer(f, axis, 2)
            right = q / (p * (p + q)) * layer(f, axis, -3) - (q + p) / (p * q) * before
            right = right + (2.0 * q + p) / (q * (p + q)) * last
    return np.concatenate([np.expand_dims(left, axis), inside, np.expand_dims(right, axis)], axis=axis)


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    x = np.asarray(f)
    if axis is None:
        axes = tuple(range(x.ndim))
    elif isinstance(axis, tuple):
        axes = tuple(k % x.ndim for k in axis)
    else:
        axes = (axis % x.ndim,)
    if len(varargs) == 0:
        steps = (None,) * len(axes)
    elif len(varargs) == 1:
        steps = tuple(varargs) * len(axes)
    else:
        steps = tuple(varargs)
    found = tuple(slope(x, h, k, edge_order) for k, h in zip(axes, steps, strict=True))
    return found[0] if len(axes) == 1 else found


def maximum_accumulate(array: Any, axis: Any = 0, dtype: Default = None, out: Any = None) -> Any:
    return np.take_along_axis(array, records(array, axis % array.ndim, 1), axis=axis)


def minimum_accumulate(array: Any, axis: Any = 0, dtype: Default = None, out: Any = None) -> Any:
    return np.take_along_axis(array, records(array, axis % array.ndim, -1), axis=axis)


def logaddexp_reduce(
    array: Any, axis: Any = 0, dtype: Default = None, out: Any = None, keepdims: Any = False
) -> Any:
    x = np.asarray(array)
    return log_sum_exp(x, axis=tuple(range(x.ndim)) if axis is None else axis, keepdims=keepdims)


def logaddexp_accumulate(array: Any, axis: Any = 0, dtype: Default = None, out: Any = None) -> Any:
    y = np.moveaxis(np.asarray(array) + 0.0, axis, 0)
    for i in range(1, len(y)):
        y[i] = np.logaddexp(y[i - 1], y[i])
    return np.moveaxis(y, 0, axis)


def fmax_reduce(
    array: Any, axis: Any = 0, dtype: Default = None, out: Any = None, keepdims: Any = False
) -> Any:
    return nanmax(np.asarray(array), axis=axis, keepdims=keepdims)


def fmin_reduce(
    array: Any, axis: Any = 0, dtype: Default = None, out: Any = None, keepdims: Any = False
) -> Any:
    return nanmin(np.asarray(array), axis=axis, keepdims=keepdims)


def cumulative_sum(
    x: Any, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: Any = False
) -> Any:
    y = np.cumsum(x, axis=axis, dtype=dtype)
    at = 0 if axis is None else axis % y.ndim
    return np.concatenate([edge(0.0, y, at).astype(y.dtype), y], axis=at) if include_initial else y


def cumulative_prod(
    x: Any, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: Any = False
) -> Any:
    y = np.cumprod(x, axis=axis, dtype=dtype)
    at = 0 if axis is None else axis % y.ndim
    return np.concatenate([edge(1.0, y, at).astype(y.dtype), y], axis=at) if include_initial else y


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (diff, (np.diff,), ""),
    (ediff1d, (np.ediff1d,), ""),
    (trapezoid, found("trapezoid", "trapz"), ""),
    (gradient, (np.gradient,), ""),
    (maximum_accumulate, (np.maximum.accumulate,), ""),
    (minimum_accumulate, (np.minimum.accumulate,), ""),
    (logaddexp_reduce, (np.logaddexp.reduce,), ""),
    (logaddexp_accumulate, (np.logaddexp.accumulate,), ""),
    (fmax_reduce, (np.fmax.reduce,), ""),
    (fmin_reduce, (np.fmin.reduce,), ""),
    (cumulative_sum, found("cumulative_sum"), ""),
    (cumulative_prod, found("cumulative_prod"), ""),
]
