"""Means and spreads, with and without missing values; covariances."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.library.operation import same_shape
from s2sad.rules.array_helpers import root
from s2sad.rules.arrays.positions import histogram_counts


def count(a: Any, axis: Any) -> Any:
    """How many elements are reduced over."""
    if axis is None:
        return np.size(a)
    if isinstance(axis, tuple):
        n = 1
        for i in axis:
            n = n * a.shape[i]
        return n
    return a.shape[axis]


def chosen(a: Any, axis: Any, keepdims: Any, where: Any) -> Any:
    """How many of the elements reduced over are chosen, as numbers of the array's dtype."""
    return np.sum(np.broadcast_to(np.asarray(where, dtype=a.dtype), a.shape), axis=axis, keepdims=keepdims)


def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, where: Any = True
) -> Any:
    x = np.asarray(a) if dtype is None else np.asarray(a, dtype=dtype)
    if where is True:
        return np.sum(x, axis=axis, keepdims=keepdims) / count(x, axis)
    return np.sum(x, axis=axis, keepdims=keepdims, where=where) / chosen(x, axis, keepdims, where)


def squares(d: Any) -> Any:
    """The square of the modulus."""
    return d**2 if np.isrealobj(d) else np.real(d) ** 2 + np.imag(d) ** 2


def var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
    where: Any = True, correction: Any = None,
) -> Any:  # fmt: skip
    less = ddof if correction is None else correction
    x = np.asarray(a) if dtype is None else np.asarray(a, dtype=dtype)
    if where is True:
        n = count(x, axis)
        d = x - np.sum(x, axis=axis, keepdims=True) / n
        total = np.sum(squares(d), axis=axis, keepdims=keepdims)
        if less == 0:
            return total / n
        return total / (n - less if less == 1 else max(n - less, 0))
    d = x - mean(x, axis=axis, keepdims=True, where=where)
    m = np.maximum(chosen(x, axis, keepdims, where) - less, 0)
    return np.sum(squares(d), axis=axis, keepdims=keepdims, where=where) / m


def std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
    where: Any = True, correction: Any = None,
) -> Any:  # fmt: skip
    return root(
        var(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=where, correction=correction)
    )


def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


def average(
    a: Any, axis: Any = None, weights: Any = None, returned: Any = False, keepdims: Any = False
) -> Any:
    x = np.asarray(a)
    if weights is None:
        m = mean(x, axis=axis, keepdims=keepdims)
        return (m, np.zeros_like(m) + count(x, axis)) if returned else m
    w = np.asarray(weights)
    if w.ndim != x.ndim:
        along = tuple(k % x.ndim for k in (axis if isinstance(axis, tuple) else (axis,)))
        w = np.expand_dims(w, tuple(range(w.ndim, x.ndim)))
        w = np.moveaxis(w, tuple(range(len(along))), along)
    elif axis is None:
        same_shape(x, w, TypeError, "Axis must be specified when shapes of a and weights differ.")
    else:
        same_shape(
            x, w, ValueError, "Shape of weights must be consistent with shape of a along specified axis."
        )
    w = np.broadcast_to(w, x.shape)
    total = np.sum(w, axis=axis, keepdims=keepdims)
    m = np.sum(x * w, axis=axis, keepdims=keepdims) / total
    return (m, total) if returned else m


# -- missing values -------------------------------------------------------------------------------------


def nansum(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None,
    where: Any = True,
) -> Any:  # fmt: skip
    x = np.where(np.isnan(a), 0.0, a)
    return np.sum(x, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)


def nanprod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None,
    where: Any = True,
) -> Any:  # fmt: skip
    x = np.where(np.isnan(a), 1.0, a)
    return np.prod(x, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)


def nanmean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return mean(a, axis=axis, dtype=dtype, keepdims=keepdims, where=~np.isnan(a))


def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
    correction: Any = None,
) -> Any:  # fmt: skip
    less = ddof if correction is None else correction
    present = ~np.isnan(a)
    x = np.where(present, a, 0.0)
    v = var(x, axis=axis, dtype=dtype, ddof=less, keepdims=keepdims, where=present)
    if less == 0:
        return v
    return np.where(np.sum(present, axis=axis, keepdims=keepdims) > less, v, np.nan)


def nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
    correction: Any = None,
) -> Any:  # fmt: skip
    return root(nanvar(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, correction=correction))


def nanmax(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    missing = np.isnan(a)
    m = np.max(np.where(missing, -np.inf, a), axis=axis, keepdims=keepdims)
    if np.ndim(m) == 0:
        return np.nan if np.all(missing) else m
    return np.where(np.all(missing, axis=axis, keepdims=keepdims), np.nan, m)


def nanmin(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return -nanmax(-a, axis=axis, keepdims=keepdims)


def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return np.cumsum(np.where(np.isnan(a), 0.0, a), axis=axis, dtype=dtype)


def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return np.cumprod(np.where(np.isnan(a), 1.0, a), axis=axis, dtype=dtype)


# -- covariances ----------------------------------------------------------------------------------------


def cov(
    m: Any, y: Any = None, rowvar: Any = True, bias: Any = False, ddof: Any = None, fweights: Any = None,
    aweights: Any = None,
) -> Any:  # fmt: skip
    x = observations(m, rowvar)
    if y is not None:
        x = np.concatenate([x, observations(y, rowvar)], axis=0)
    if ddof is None:
        less = 0 if bias else 1
    else:
        less = ddof
    if fweights is None and aweights is None:
        d = x - np.mean(x, axis=1, keepdims=True)
        return single(d @ d.T / (x.shape[1] - less), m, y)
    w = np.asarray(aweights) if fweights is None else np.asarray(fweights)
    if fweights is not None and aweights is not None:
        w = w * aweights
    total = np.sum(w)
    d = x - np.sum(x * w, axis=1, keepdims=True) / total
    if less == 0:
        n = total
    elif aweights is None:
        n = total - less
    else:
        n = total - less * np.sum(w * aweights) / total
    return single(d @ (d * w).T / n, m, y)


def single(c: Any, m: Any, y: Any) -> Any:
    """The variance of one variable is a number."""
    if y is not None:
        return c
    return c[0, 0] if m.ndim == 1 else np.squeeze(c)


def observations(m: Any, rowvar: Any) -> Any:
    """Variables in rows, observations in columns; in double precision, as NumPy computes."""
    x = m.astype(np.float64) if m.dtype == np.float32 else m
    if x.ndim == 1:
        return x[None, :]
    return x if rowvar else x.T


def corrcoef(x: Any, y: Any = None, rowvar: Any = True) -> Any:
    c = cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    s = np.sqrt(np.diag(c))
    return c / s[:, None] / s[None, :]


def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None) -> Any:
    x = np.ravel(a)
    edges = np.asarray(bins) if np.ndim(bins) == 1 else spaced_edges(x, bins, range)
    counts = histogram_counts(x, edges)
    if density:
        return counts / np.diff(edges) / np.sum(counts), edges
    return counts, edges


def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None) -> Any:
    return np.asarray(bins) if np.ndim(bins) == 1 else spaced_edges(np.ravel(a), bins, range)


def spaced_edges(x: Any, bins: Any, range: Any) -> Any:
    if range is not None:
        low, high = range
    else:
        low, high = np.min(x), np.max(x)
    if low == high:
        low, high = low - 0.5, high + 0.5
    if bins < 1:
        raise ValueError("`bins` must be positive, when an integer")
    return np.linspace(low, high, bins + 1)


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (mean, (np.mean,), "mean"),
    (var, (np.var,), "var"),
    (std, (np.std,), "std"),
    (ptp, (np.ptp,), ""),
    (average, (np.average,), ""),
    (nansum, (np.nansum,), ""),
    (nanprod, (np.nanprod,), ""),
    (nanmean, (np.nanmean,), ""),
    (nanvar, (np.nanvar,), ""),
    (nanstd, (np.nanstd,), ""),
    (nanmax, (np.nanmax,), ""),
    (nanmin, (np.nanmin,), ""),
    (nancumsum, (np.nancumsum,), ""),
    (nancumprod, (np.nancumprod,), ""),
    (cov, (np.cov,), ""),
    (corrcoef, (np.corrcoef,), ""),
    (histogram, (np.histogram,), ""),
    (histogram_bin_edges, (np.histogram_bin_edges,), ""),
]
