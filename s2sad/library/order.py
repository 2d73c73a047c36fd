"""Sorting, and the statistics of order: what varies is which element is taken, decided by an argsort."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from s2sad.library.names import Default, found
from s2sad.library.operation import written_within


def sort(a: Any, axis: Any = -1, kind: Any = None, order: Default = None, stable: Any = None) -> Any:
    x = np.asarray(a)
    if axis is None or x.ndim == 1:
        x = np.ravel(x)
        return x[np.argsort(x, kind="stable")]
    return take_along_axis(x, np.argsort(x, axis=axis, kind="stable"), axis)


def partition(a: Any, kth: Any, axis: Any = -1, kind: Any = None) -> Any:
    x = np.asarray(a)
    if axis is None or x.ndim == 1:
        x = np.ravel(x)
        return x[np.argpartition(x, kth)]
    return take_along_axis(x, np.argpartition(x, kth, axis), axis)


def first_of_equal(x: Any) -> Any:
    """Which elements of a sorted array differ from the one before."""
    new = (x[1:] != x[:-1]) & ~(np.isnan(x[1:]) & np.isnan(x[:-1]))
    return np.concatenate([np.ones(min(1, len(x)), dtype=bool), new])


def unique(
    ar: Any, return_index: Any = False, return_inverse: Any = False, return_counts: Any = False, axis: Default = None,
    equal_nan: Default = True, *, sorted: Default = True,
) -> Any:  # fmt: skip
    if not (return_index or return_inverse or return_counts):
        x = sort(np.ravel(ar))
        return x[first_of_equal(x)]
    a = np.ravel(ar)
    at = np.argsort(a, kind="mergesort")
    x = a[at]
    first = first_of_equal(x)
    found: tuple[Any, ...] = (x[first],)
    if return_index:
        found = (*found, at[first])
    if return_inverse:
        inverse = np.empty(len(x), dtype=np.int64)
        inverse[at] = np.cumsum(first) - 1
        found = (*found, np.reshape(inverse, np.shape(ar)))
    if return_counts:
        found = (*found, np.diff(np.append(np.flatnonzero(first), len(x))))
    return found


def index_along(shape: Any, indices: Any, axis: Any) -> Any:
    """A subscript that takes `indices` along one axis and each position along the others."""
    n = len(shape)
    at = axis % n
    return tuple(
        indices if i == at else np.expand_dims(np.arange(shape[i]), tuple(j for j in range(n) if j != i))
        for i in range(n)
    )


def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        return np.ravel(arr)[indices]
    return arr[index_along(arr.shape, indices, axis)]


def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> Any:
    arr[index_along(arr.shape, indices, axis)] = values


def ordered(a: Any, axis: Any) -> Any:
    """The elements reduced over, sorted along the first axis."""
    if axis is None:
        return sort(np.ravel(a))
    if isinstance(axis, tuple):
        if len(axis) == a.ndim:
            return sort(np.ravel(a))
        kept = [i for i in range(a.ndim) if i not in [k % a.ndim for k in axis]]
        moved = np.moveaxis(a, kept, [i - len(kept) for i in range(len(kept))])
        return sort(np.reshape(moved, (-1, *[a.shape[i] for i in kept])), axis=0)
    return sort(np.moveaxis(a, axis, 0), axis=0)


def read_at(s: Any, i: Any) -> Any:
    """Where to read sorted numbers: a nan sorts last, and is the result if there is one."""
    return -1 if s.ndim == 1 and np.isnan(s[-1]) else i


def finished(y: Any, s: Any, a: Any, axis: Any, keepdims: Any, lead: Any = 0) -> Any:
    """What order statistics give: nan where an element is, which sorts last; with the axes kept."""
    if np.ndim(y) > 0:
        y = np.where(np.isnan(s[-1]), np.nan, y)
    if not keepdims:
        return y
    axes = tuple(range(a.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return np.expand_dims(y, tuple(lead + k % a.ndim for k in axes))


def median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: Default = False, keepdims: Any = False
) -> Any:
    x = np.asarray(a)
    s = ordered(x, axis)
    n = s.shape[0]
    low, high = read_at(s, (n - 1) // 2), read_at(s, n // 2)
    return finished(0.5 * (s[low] + s[high]), s, x, axis, keepdims)


def place(n: Any, q: Any, method: Any) -> Any:
    """Where in n sorted numbers a quantile lies, counted from 0 (Hyndman and Fan, 1996, as in NumPy)."""
    if method == "linear":
        return (n - 1) * q
    if method == "lower":
        return np.floor((n - 1) * q)
    if method == "higher":
        return np.ceil((n - 1) * q)
    if method == "nearest":
        return np.round((n - 1) * q)
    if method == "midpoint":
        return 0.5 * (np.floor((n - 1) * q) + np.ceil((n - 1) * q))
    if method == "inverted_cdf":
        return np.ceil(n * q - 1)
    if method == "averaged_inverted_cdf":
        return 0.5 * (np.ceil(n * q - 1) + np.floor(n * q))
    if method == "closest_observation":
        return np.round(n * q) - 1
    if method == "interpolated_inverted_cdf":
        return n * q - 1
    if method == "hazen":
        return n * q - 0.5
    if method == "weibull":
        return (n + 1) * q - 1
    if method == "median_unbiased":
        return (n + 1 / 3) * q - 2 / 3
    if method == "normal_unbiased":
        return (n + 1 / 4) * q - 5 / 8
    raise ValueError("not a method of np.quantile")


def check(q: Any, most: Any) -> None:
    """ValueError for quantiles that there are not."""
    if not written_within(q, 0, most) and not np.all((np.asarray(q) >= 0) & (np.asarray(q) <= most)):
        raise ValueError("quantiles must be in the range [0, 1], percentiles in [0, 100]")


def quantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: Default = False, method: Any = "linear",
    keepdims: Any = False,
) -> Any:  # fmt: skip
    check(q, 1)
    return quantiles(a, q, axis, method, keepdims)


def quantiles(a: Any, q: Any, axis: Any, method: Any, keepdims: Any) -> Any:
    x = np.asarray(a)
    s = ordered(x, axis)
    n = s.shape[0]
    if np.ndim(q) == 0:
        h = min(max(float(place(n, q, method)), 0.0), n - 1.0)
        j = math.floor(h)
        low, high = read_at(s, j), read_at(s, min(j + 1, n - 1))
        y = s[low] + (s[high] - s[low]) * (h - j)
        return finished(y, s, x, axis, keepdims)
    hs = np.clip(place(n, np.asarray(q), method), 0, n - 1)
    low = np.floor(hs).astype(np.int64)
    g = hs - low
    if s.ndim > 1:
        g = np.expand_dims(g, tuple(range(np.ndim(q), np.ndim(q) + s.ndim - 1)))
    y = s[low] + (s[np.minimum(low + 1, n - 1)] - s[low]) * g
    return finished(y, s, x, axis, keepdims, np.ndim(q))


def percentile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: Default = False, method: Any = "linear",
    keepdims: Any = False,
) -> Any:  # fmt: skip
    check(q, 100)
    if np.ndim(q) == 0:
        return quantiles(a, q / 100, axis, method, keepdims)
    return quantiles(a, np.asarray(q) / 100, axis, method, keepdims)


def nanquantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: Default = False, method: Any = "linear",
    keepdims: Any = False,
) -> Any:  # fmt: skip
    check(q, 1)
    return nanquantiles(a, q, axis, method, keepdims)


def nanquantiles(a: Any, q: Any, axis: Any, method: Any, keepdims: Any) -> Any:
    x = np.asarray(a)
    if np.ndim(q) > 0:
        return np.stack([nanquantiles(x, q[i], axis, method, keepdims) for i in range(q.shape[0])])
    s = ordered(x, axis)
    n = np.sum(~np.isnan(s), axis=0)
    h = np.clip(place(n, q, method), 0, np.maximum(n - 1, 0))
    if s.ndim == 1:
        j = int(np.floor(h))
        y = s[j] + (s[min(j + 1, max(int(n) - 1, 0))] - s[j]) * (h - j)
    else:
        low = np.floor(h).astype(np.int64)
        high = np.minimum(low + 1, np.maximum(n - 1, 0))
        first, second = take_along_axis(s, low[None], 0)[0], take_along_axis(s, high[None], 0)[0]
        y = first + (second - first) * (h - low)
    if not keepdims:
        return y
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return np.expand_dims(y, tuple(k % x.ndim for k in axes))


def nanpercentile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: Default = False, method: Any = "linear",
    keepdims: Any = False,
) -> Any:  # fmt: skip
    check(q, 100)
    return nanquantiles(a, np.asarray(q) / 100, axis, method, keepdims)


def nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: Default = False, keepdims: Any = False
) -> Any:
    return nanquantiles(a, 0.5, axis, "linear", keepdims)


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (sort, (np.sort,), ""),
    (partition, (np.partition,), ""),
    (unique, found("unique", "unique_values"), ""),
    (take_along_axis, (np.take_along_axis,), ""),
    (put_along_axis, (np.put_along_axis,), ""),
    (median, (np.median,), ""),
    (quantile, (np.quantile,), ""),
    (percentile, (np.percentile,), ""),
    (nanquantile, (np.nanquantile,), ""),
    (nanpercentile, (np.nanpercentile,), ""),
    (nanmedian, (np.nanmedian,), ""),
]
