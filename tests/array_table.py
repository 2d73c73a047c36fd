"""The table of NumPy's functions on arrays: a text of code and its arguments, one line a form.

A text is statements separated by `; `, the last an expression of the parameters a, b, c (an array or a number); what
is differentiated is the sum of its sine, so that no element can stand for another.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.array_checks import function_of

rng = np.random.default_rng(3)


def normal(*shape: int) -> Any:
    return rng.normal(size=shape)


V, W, X, Y, Z = normal(4), normal(5), normal(3, 4), normal(3, 4), normal(2, 3, 2)
POSITIVE, UNIT = np.abs(normal(4)) + 0.2, rng.uniform(-0.9, 0.9, 4)
ABOVE = POSITIVE + 1.0
ONE, ROW, COLUMN = normal(1), normal(1, 4), normal(3, 1)
SINGLE, SINGLES = normal(4).astype(np.float32), normal(3, 4).astype(np.float32)
ZEROS = np.array([[0.0, 2.0, -1.5], [0.0, 0.0, 3.0], [1.2, 0.7, -2.0]])
HOLES = np.array([[1.0, np.nan, 2.0], [np.nan, 0.5, -1.0]])
INTS, BOOLS, ORDER = np.array([2, 0, 1, 1]), np.array([True, False, True, True]), np.array([2, 0, 1])
MASK = np.array([[True, False, True, False], [False, True, True, False], [True, True, False, False]])
GRID = np.array([0.0, 0.5, 1.7, 2.1, 3.0])
SYMMETRIC = 0.1 * normal(3, 3) + 3.0 * np.eye(3)

UFUNCS = [
    *((f"np.{f}(a)", V) for f in "negative positive square sin cos tanh sinh cosh arcsinh arctan exp exp2 expm1 cbrt".split()),
    *((f"np.{f}(a)", V) for f in "absolute fabs abs degrees radians deg2rad rad2deg sinc i0 real imag conj conjugate".split()),
    *((f"np.{f}(a)", POSITIVE) for f in "sqrt log log2 log10 log1p reciprocal nan_to_num tan".split()),
    *((f"np.{f}(a)", UNIT) for f in "arcsin arccos arctanh asin acos atanh".split()),
    *((f"np.{f}(a)", ABOVE) for f in "arccosh acosh".split()),
    *((f"np.{f}(a)", V) for f in "asinh atan real_if_close".split()),
    *((f"np.{f}(a, b)", X, V) for f in "add subtract multiply maximum minimum fmax fmin hypot logaddexp logaddexp2".split()),
    *((f"np.{f}(a, b)", X, POSITIVE) for f in "divide true_divide arctan2 atan2 mod remainder fmod copysign".split()),
    *((f"np.{f}(a, b)", POSITIVE, V) for f in "power float_power pow".split()),
    *((f"a * np.{f}(a)", V) for f in "floor ceil rint trunc fix sign isnan isfinite isinf signbit spacing".split()),
    *((f"a * np.{f}(a > 0, b > 0)", V, V[::-1].copy()) for f in "logical_and logical_or logical_xor".split()),
    *((f"a * np.{f}(a, b)", V, V[::-1].copy()) for f in "greater less_equal equal not_equal floor_divide".split()),
    ("np.heaviside(a, 0.5) * a", V), ("np.heaviside(c, b) * a", normal(3), normal(3), np.array([1, 0, -1])),
    ("np.ldexp(a, 2)", V), ("np.nextafter(a, 3.0)", V), ("a + np.round(a, 1)", V), ("np.logical_not(a > 0) * a", V),
    ("p, q = np.divmod(a, b); p * a + q", V, POSITIVE), ("p, q = np.modf(a); p * q", V),
    ("np.sqrt(np.abs(a))", SINGLES), ("np.exp(a) * 2", SINGLE), ("np.power(a, 3)", X), ("np.power(a, -2.0)", POSITIVE),
    ("a * np.float32(2.0)", SINGLE), ("np.angle(a) + a", V),
    ("np.sqrt(a, out=b); b * a", POSITIVE, V), ("np.add(a, b, out=b); b * a", V, V.copy()),
    ("np.multiply(a, b, out=a); a + b", V, ROW[0]), ("np.exp(a, out=a); a * a", V),
    ("y = np.zeros(4); np.sqrt(a, out=y, where=a > 0); y", V), ("y = np.add(a, b, where=b > 0, out=np.ones(4)); y", V, V[::-1].copy()),
    ("y = np.zeros(4); np.add(a, 1.0, y); y * a", V),
    ("np.add.reduce(a)", X), ("np.add.reduce(a, axis=1)", X), ("np.add.reduce(a, axis=None)", X), ("np.add.accumulate(a)", X),
    ("np.add.accumulate(a, axis=1)", X), ("np.add.outer(a, b)", V, W), ("np.subtract.outer(a, b)", X, W),
    ("np.multiply.reduce(a)", X), ("np.multiply.accumulate(a, axis=-1)", X), ("np.multiply.outer(a, b)", V, W),
    ("np.maximum.reduce(a, axis=1)", X), ("np.minimum.reduce(a)", X), ("np.maximum.accumulate(a)", W), ("np.minimum.accumulate(a, axis=1)", X),
    ("np.logaddexp.reduce(a)", W), ("np.logaddexp.accumulate(a)", W), ("np.logaddexp.accumulate(a, axis=1)", X), ("np.fmax.reduce(a)", W), ("np.fmin.reduce(a, axis=1, keepdims=True)", X), ("np.logaddexp.reduce(a, axis=1)", X), ("np.add.reduceat(a, [0, 2, 3])", V),
    ("y = a.copy(); np.add.at(y, [0, 0, 2], b); y", V, normal(3)), ("y = a.copy(); np.subtract.at(y, [0, 0, 2], b); y", V, normal(3)),
]  # fmt: skip

CHOICES = [
    ("np.where(a > 0, a, b)", X, V), ("np.where(a > 0, a, 0.0)", V), ("np.where(a > 0, 1.0, a * a)", X), ("np.where(b, a, -a)", V, BOOLS),
    ("np.where(a > 0, a, 0)", SINGLE), ("np.where(b > 0, a, 2.0)", 1.5, V), ("np.where(b, a, 2.0) * a", 1.5, BOOLS),
    ("i, = np.where(a > 0); a[i]", V), ("np.where(a[:, None] > 0, b, a[:, None])", normal(3), V),
    ("np.clip(a, -0.5, 0.5)", X), ("a.clip(-0.5, 0.5)", X), ("np.clip(a, None, 0.3)", V), ("np.clip(a, -0.3, None)", V), ("np.clip(a, b, 2.0)", X, V),
    ("np.clip(a, a_min=-0.5, a_max=0.4)", V), ("a.clip(min=0.1)", V), ("a.clip(max=0.1)", V), ("np.clip(a, min=-0.2, max=0.2)", V),
    ("np.clip(a, -0.5, b)", X, POSITIVE), ("np.clip(a, -0.5, 0.5)", SINGLE), ("y = np.zeros(4); np.clip(a, -1, 0.5, out=y); y * a", V),
    ("np.select([a > 0.5, a > 0], [a, a**2], -a)", V), ("np.select([a > 0.5], [a * 3])", X),
    ("np.nan_to_num(a * b)", V, np.array([1.0, np.nan, 2.0, np.inf])), ("np.nan_to_num(a, nan=1.0)", V),
    ("np.interp(a, b, c)", np.array([0.2, 1.0, 2.5, -1.0, 4.0]), GRID, GRID**2), ("np.interp(a, b, c, left=0.0, right=1.0)", np.array([0.2, -1.0, 4.0]), GRID, GRID**2),
    ("np.interp(a, [0.0, 1.0, 3.0], [1.0, 0.5, 2.0])", POSITIVE), ("np.interp(a, b, c)", 1.2, GRID, GRID**2),
    ("np.piecewise(a, [a < 0, a >= 0], [lambda t: -t * t, lambda t: 2 * t])", V),
    ("np.choose([0, 1, 0, 1], [a, b])", V, ROW[0]), ("np.choose(b, [a, 2 * a, a**2])", V, INTS),
]  # fmt: skip

_AXES = (
    "",
    ", axis=0",
    ", axis=-1",
    ", axis=None",
    ", axis=1, keepdims=True",
    ", keepdims=True",
    ", axis=(0, 1)",
    ", axis=(0, -1), keepdims=True",
)
REDUCTIONS = [
    *((f"np.{f}(a{form})", X) for f in "sum mean prod max min".split() for form in _AXES),
    *((f"np.{f}(a{form})", X) for f in "var std ptp median".split() for form in _AXES[:7]),
    *((f"np.{f}(a, axis={axis})", Z) for f in "sum mean prod max var median".split() for axis in ("1", "(0, 2)", "(-1, 1)")),
    *((f"a.{f}({form.removeprefix(', ')})", X) for f in "sum mean prod max min var std".split() for form in ("", ", axis=0", ", axis=-1, keepdims=True")),
    *((f"np.{f}(a, axis=0)", SINGLES) for f in "sum mean prod max min var std ptp median cumsum cumprod".split()),
    *((f"np.{f}(a{form})", m) for f in "sum mean prod max var median".split() for form, m in ((", axis=0", ROW), ("", ONE), (", axis=1", COLUMN))),
    ("np.sum(a, 0)", X), ("np.sum(a, dtype=np.float64)", SINGLES), ("np.mean(a, dtype=np.float64)", SINGLES), ("np.sum(a, initial=2.0)", X), ("np.sum(a, where=b)", X, MASK),
    ("np.sum(a, axis=0, where=b, keepdims=True)", X, MASK), ("np.max(a, initial=0.2)", X), ("np.max(a, axis=1, initial=-9.0, where=b)", X, MASK),
    ("np.min(a, axis=0, initial=9.0, where=b)", X, MASK), ("np.prod(a, where=b)", X, MASK), ("np.prod(a, initial=3.0)", X), ("np.mean(a, where=b)", X, MASK),
    ("np.mean(a, axis=1, where=b)", X, MASK), ("np.var(a, where=b)", X, MASK), ("np.std(a, axis=1, where=b, ddof=1)", X, MASK[:, [0, 2, 2, 1]]),
    ("np.var(a, ddof=1)", X), ("np.std(a, axis=0, ddof=1)", X), ("np.var(a, correction=1)", X), ("a.std(ddof=1)", V), ("np.var(a, axis=1, ddof=2, keepdims=True)", X),
    ("np.sum(b) * a", V, INTS), ("np.mean(b) * a", V, INTS), ("np.prod(b + 1) * a", V, INTS), ("np.median(b) * a", V, INTS), ("np.var(b) * a", V, INTS), ("np.max(b) * a", V, INTS),
    ("y = np.zeros(4); np.sum(a, axis=0, out=y); y * y", X), ("y = np.zeros(3); np.mean(a, axis=1, out=y); y", X), ("y = np.zeros(4); np.max(a, 0, y); y", X),
    ("np.sum([a[0], a[1] * 2])", V), ("np.mean([a, b])", 0.3, 1.2), ("np.max([a, b, 0.5])", 0.3, 1.2), ("np.sum(np.sum(a, axis=0), axis=0)", Z),
    ("np.prod(a)", ZEROS[0]), ("np.prod(a, axis=0)", ZEROS), ("np.prod(a, axis=1)", ZEROS), ("np.prod(a)", ZEROS), ("np.prod(a, axis=1, keepdims=True)", ZEROS),
    ("np.amax(a, axis=0)", X), ("np.amin(a)", X), ("np.max(a)", np.float32([1, 2, 0.5])), ("np.any(a > 0) * a", V), ("np.all(a > 0, axis=0) * a", X),
]  # fmt: skip

_METHODS = "linear lower higher midpoint nearest inverted_cdf averaged_inverted_cdf closest_observation interpolated_inverted_cdf hazen weibull median_unbiased normal_unbiased".split()
STATISTICS = [
    *((f"np.quantile(a, 0.3, method='{m}')", W) for m in _METHODS),
    ("np.quantile(a, 0.25)", X), ("np.quantile(a, 0.25, axis=0)", X), ("np.quantile(a, [0.1, 0.5, 0.9], axis=1)", X), ("np.quantile(a, 0.4, axis=1, keepdims=True)", X),
    ("np.percentile(a, 30)", X), ("np.percentile(a, [20, 50], axis=0)", X), ("np.percentile(a, 75.0, axis=-1)", X), ("np.quantile(a, (0.2, 0.7))", W), ("np.quantile(a, 0.5)", SINGLE),
    ("np.median(a)", W), ("np.median(a, axis=1)", normal(3, 5)), ("np.median(a, overwrite_input=False)", W),
    ("np.average(a)", X), ("np.average(a, weights=b)", X, np.abs(Y)), ("np.average(a, axis=1, weights=b)", X, POSITIVE), ("np.average(a, axis=0, weights=[1.0, 2.0, 0.5])", X),
    ("np.average(a, axis=0, weights=b, keepdims=True)", X, np.abs(Y)), ("m, w = np.average(a, weights=b, returned=True); m * w", V, POSITIVE),
    ("m, w = np.average(a, axis=0, returned=True); m * w", X),
    *((f"np.{f}(a{form})", HOLES) for f in "nansum nanmean nanmax nanmin nanvar nanstd nanprod nancumsum nancumprod nanmedian".split() for form in ("", ", axis=1", ", axis=0")),
    ("np.nanmean(a, axis=1, keepdims=True)", HOLES), ("np.nanvar(a, axis=1, ddof=1)", HOLES[:, [0, 2, 2]] * normal(2, 3)), ("np.nanquantile(a, 0.3)", HOLES), ("np.nanpercentile(a, 30)", HOLES),
    *((f"np.cumsum(a{form})", X) for form in _AXES[:4]), *((f"np.cumprod(a{form})", X) for form in _AXES[:4]), ("a.cumsum(axis=1)", X), ("a.cumprod(0)", X),
    ("np.cumprod(a, axis=0)", ZEROS), ("np.cumprod(a, axis=1)", ZEROS), ("np.cumprod(a)", ZEROS), ("np.cumulative_sum(a)", V), ("np.cumulative_prod(a, axis=1)", X), ("np.cumulative_sum(a, axis=0, include_initial=True)", X),
    ("np.diff(a)", X), ("np.diff(a, axis=0)", X), ("np.diff(a, n=2)", X), ("np.diff(a, 2, 0)", X), ("np.diff(a, prepend=0.0)", X), ("np.diff(a, append=b)", X, COLUMN), ("np.diff(a, n=2, prepend=b, append=1.0, axis=0)", X, ROW), ("np.diff(a)", SINGLE),
    ("np.ediff1d(a)", X), ("np.ediff1d(a, to_begin=b, to_end=[1.0, 2.0])", V, 0.7),
    ("np.trapezoid(a)", V), ("np.trapezoid(a, b)", V, np.cumsum(POSITIVE)), ("np.trapezoid(a, dx=0.3)", X), ("np.trapezoid(a, axis=0)", X), ("np.trapezoid(a, b, axis=1)", X, np.cumsum(POSITIVE)), ("np.trapezoid(a, x=b, axis=0)", X, np.cumsum(np.abs(Y), axis=0)),
    ("np.gradient(a)", W), ("np.gradient(a, 0.2)", W), ("np.gradient(a, b)", W, GRID + 0.1), ("np.gradient(a, edge_order=2)", W), ("np.gradient(a, b, edge_order=2)", W, GRID + 0.1), ("np.gradient(a, 0.5, axis=0, edge_order=2)", X),
    ("p, q = np.gradient(a); p * q", X), ("p, q = np.gradient(a, 0.3, 0.7); p * q", X), ("np.gradient(a, axis=1)", X), ("p, q = np.gradient(a, b, 2.0); p * q", X, np.array([0.0, 0.5, 2.0])), ("np.gradient(a, b)", W, 0.7),
    ("np.cov(a)", X), ("np.cov(a, b)", V, ROW[0]), ("np.cov(a, rowvar=False)", X), ("np.cov(a, bias=True)", X), ("np.cov(a, ddof=0)", X), ("np.cov(a)", V), ("np.cov(a, b)", X, Y), ("np.cov(a, aweights=b)", X, POSITIVE), ("np.cov(a, fweights=b + 1)", X, INTS),
    ("np.corrcoef(a)", X), ("np.corrcoef(a, b)", V, ROW[0]), ("np.corrcoef(a, rowvar=False)[0]", X), ("np.corrcoef(a, b)[0, 1]", V, ROW[0]),
    ("np.histogram(a, bins=3)[0] * a[:3]", V), ("c, e = np.histogram(a, 3, (-1, 1)); c * a[:3] + e[1:]", V), ("np.digitize(a, [0.0, 1.0]) * a", V), ("np.searchsorted(np.sort(a), b) * b", V, normal(3)),
    ("np.bincount(b, weights=a)", V, INTS), ("np.bincount(b, a, minlength=6)", V, INTS), ("np.bincount(b) * a[:3]", V, INTS),
    ("np.argmax(a) * a", V), ("np.argmin(a, axis=0) * a[0]", X), ("np.argmax(a, axis=1, keepdims=True) * a", X), ("a[a.argmax()]", V), ("a[a.argmin()] * a", V), ("np.argsort(a) * a", V), ("a[a.argsort()]", V), ("np.argsort(a, axis=0) * a", X), ("np.argsort(a, axis=None) * a.ravel()", X),
    ("np.argpartition(a, 2) * a", V), ("np.count_nonzero(a > 0) * a", V), ("np.count_nonzero(b, axis=0) * a", V, MASK), ("i, = np.nonzero(a > 0); a[i]", V), ("i, j = np.nonzero(b); a[i, j]", X, MASK), ("i, j = b.nonzero(); a[i, j]", X, MASK),
    ("a[np.flatnonzero(a > 0)]", V), ("a[np.argwhere(a > 0)[:, 0]]", V), ("a * np.isclose(a, a)", V), ("a * 2 if np.allclose(a, a) else a", V), ("a if np.array_equal(a, b) else a * b", V, INTS), ("a * np.isin(b, [1, 2])", V, INTS), ("a[np.lexsort((a, b))]", V, INTS),
    ("np.sort(a)", V), ("np.sort(a)", X), ("np.sort(a, axis=0)", X), ("np.sort(a, axis=None)", X), ("np.sort(a)[::-1]", W), ("np.sort(a)", SINGLES), ("np.sort(b) * a", V, INTS), ("y = a.copy(); y.sort(); y", V), ("y = a * 2; y.sort(axis=0); y * b", X, Y), ("a.sort(); a * np.arange(4.0)", V),
    ("np.partition(a, 2)[2]", W), ("y = a.copy(); y.partition(1); y[1]", W), ("np.unique(a)", V), ("np.unique(a)", X), ("p, i, k, n = np.unique(a[[0, 2, 0, 1, 2]], True, True, True); p[k] * n[k] + i[k]", V), ("p, n = np.unique(a, return_counts=True); p * n", X), ("p, k = np.unique(a, return_inverse=True); p[k] * a", X), ("np.sort(a, kind='stable')", V),
]  # fmt: skip

SHAPES = [
    ("a.reshape(4, 3)", X), ("a.reshape((2, 6))", X), ("np.reshape(a, (-1, 2))", X), ("a.reshape(-1)", X), ("np.reshape(a, (4, 3), order='F')", X), ("a.reshape(4, -1, order='F')", X), ("np.reshape(a, -1)", X), ("np.reshape(a, shape=(4, 3))", X), ("a.reshape(1, 1)", 1.0 * ONE),
    ("a.ravel()", X), ("np.ravel(a, order='F')", X), ("a.flatten()", X), ("a.flatten('F')", X), ("a.ravel('F') * b", X, normal(12)), ("np.ravel(a, 'C')", X), ("a.flatten(order='F')", Z),
    ("a.T * b", X, normal(4, 3)), ("np.transpose(a)", Z), ("np.transpose(a, (1, 0, 2))", Z), ("a.transpose(2, 0, 1)", Z), ("a.transpose((0, 2, 1))", Z), ("np.transpose(a, axes=(-1, 0, 1))", Z), ("a.transpose()", X), ("np.permute_dims(a, (1, 0))", X), ("np.matrix_transpose(a)", Z), ("a.mT", Z),
    ("np.swapaxes(a, 0, -1)", Z), ("a.swapaxes(1, 2)", Z), ("np.moveaxis(a, 0, -1)", Z), ("np.moveaxis(a, (0, 1), (1, 2))", Z), ("np.rollaxis(a, 2)", Z), ("np.rollaxis(a, 0, 3)", Z), ("np.rollaxis(a, 1, 0)", Z),
    ("np.expand_dims(a, 0)", X), ("np.expand_dims(a, (0, -1))", X), ("np.squeeze(a)", ROW), ("np.squeeze(a, axis=1)", COLUMN), ("a.squeeze()", normal(1, 3, 1)), ("np.squeeze(a, (0, 2))", normal(1, 3, 1)), ("np.expand_dims(a, 0)", V),
    ("np.atleast_1d(a)", 0.7), ("np.atleast_1d(a)", X), ("np.atleast_2d(a)", V), ("np.atleast_2d(a)", 0.4), ("np.atleast_3d(a)", X), ("np.atleast_3d(a)", V), ("p, q = np.atleast_1d(a, b); p * q", 0.4, V),
    ("np.broadcast_to(a, (3, 4))", V), ("np.broadcast_to(a, (3, 4))", COLUMN), ("np.broadcast_to(a, b.shape) * b", V, X), ("p, q = np.broadcast_arrays(a, b); p * q", V, COLUMN), ("np.broadcast_to(a, 5)", ONE),
    ("np.concatenate([a, b])", V, W), ("np.concatenate((a, b), axis=1)", X, COLUMN), ("np.concatenate([a, b], axis=0)", X, ROW), ("np.concatenate([a, b], axis=None)", X, V), ("np.concatenate([a, [1.0, 2.0], b])", V, W), ("np.concatenate([a, b], -1)", X, Y), ("np.concatenate([b, a])", V, INTS), ("np.concat([a, a])", SINGLE),
    ("np.stack([a, b])", X, Y), ("np.stack([a, b], axis=1)", X, Y), ("np.stack((a, b), axis=-1)", V, ROW[0]), ("np.stack([a, b])", 0.5, 1.5), ("np.stack([a * i for i in range(3)])", V), ("np.vstack([a, b])", V, X), ("np.vstack((a, b))", V, ROW[0]), ("np.hstack([a, b])", V, W), ("np.hstack([a, b])", X, COLUMN), ("np.hstack([a, b])", 1.0, 2.0),
    ("np.dstack([a, b])", X, Y), ("np.dstack([a, a])", V), ("np.column_stack([a, b])", V, ROW[0]), ("np.column_stack([a, b])", X, normal(3)), ("np.block([a, b])", V, W), ("np.block([[a, b], [b, a]])", COLUMN, normal(3, 2)), ("np.vstack([np.ones(4), a])", V), ("np.append(a, b)", V, W), ("np.append(a, 1.0)", V), ("np.append(a, b, axis=0)", X, ROW), ("np.r_[a, b]", V, W), ("np.c_[a, b]", V, ROW[0]),
    ("p, q = np.split(a, 2); p * q", V), ("p, q = np.split(a, 2, axis=1); p * q", X), ("p, q, r = np.split(a, [1, 3]); p * np.sum(q) + r", V), ("p, q = np.array_split(a, 2); np.sum(p) * q", W), ("p, q = np.hsplit(a, 2); p * q", X), ("p, q, r = np.vsplit(a, 3); p * q - r", X), ("p, q = np.dsplit(a, 2); p * q", Z), ("p, q = np.hsplit(a, 2); p * q", V), ("np.split(a, 4)[1] * a", V),
    ("np.tile(a, 3)", V), ("np.tile(a, (2, 2))", V), ("np.tile(a, (2, 1))", X), ("np.tile(a, 2)", X), ("np.tile(a, (2, 1, 3))", X), ("np.tile(a, 3)", 0.5), ("np.tile(a, (3, 1))", ONE),
    ("np.repeat(a, 3)", V), ("np.repeat(a, 2, axis=0)", X), ("np.repeat(a, 2, axis=-1)", X), ("np.repeat(a, 2)", X), ("a.repeat(2)", V), ("np.repeat(a, b)", V, INTS), ("np.repeat(a, [1, 2, 0], axis=0)", X), ("np.repeat(a, b, axis=1)", X, INTS), ("np.repeat(a, 3)", 0.4), ("np.repeat(a, 3)", ONE), ("np.repeat(a, repeats=2, axis=1)", COLUMN),
    ("np.roll(a, 1)", V), ("np.roll(a, -2)", X), ("np.roll(a, 1, axis=0)", X), ("np.roll(a, -3, axis=1)", X), ("np.roll(a, (1, 2), axis=(0, 1))", X), ("np.roll(a, 1, axis=(0, 1))", X), ("np.roll(a, 9)", V), ("y = a\nfor i in range(3):\n    y = y * np.roll(y, i)\ny", V),
    ("np.flip(a)", X), ("np.flip(a, 0)", X), ("np.flip(a, axis=-1)", X), ("np.flip(a, (0, 2))", Z), ("np.flip(a)", Z), ("np.flip(a)", V), ("np.fliplr(a)", X), ("np.flipud(a)", X), ("np.flipud(a)", V), ("np.rot90(a)", X), ("np.rot90(a, 2)", X), ("np.rot90(a, -1)", X), ("np.rot90(a, 1, (1, 2))", Z),
    ("np.pad(a, 1)", V), ("np.pad(a, (1, 2))", V), ("np.pad(a, ((1, 0), (2, 1)))", X), ("np.pad(a, 2)", X), ("np.pad(a, 1, mode='edge')", X), ("np.pad(a, (2, 1), mode='reflect')", V), ("np.pad(a, 2, mode='symmetric')", X), ("np.pad(a, 1, mode='wrap')", X), ("np.pad(a, (0, 3), 'wrap')", V), ("np.pad(a, 1, constant_values=2.0)", V), ("np.pad(a, 1, mode='constant', constant_values=(1.0, 2.0))", X), ("np.pad(a, ((0, 0), (1, 1)), mode='reflect')", X), ("np.pad(a, (7, 6), mode='reflect')", V), ("np.pad(a, 6, mode='symmetric')", V), ("np.pad(a, 1)", SINGLE),
    ("np.diag(a)", V), ("np.diag(a, 1)", V), ("np.diag(a, k=-2)", V), ("np.diag(a)", X), ("np.diag(a, 1)", X), ("np.diag(a, -1)", X), ("np.diagonal(a)", X), ("np.diagonal(a, 1)", X), ("np.diagonal(a, -1)", X), ("a.diagonal()", SYMMETRIC), ("np.diagonal(a, axis1=1, axis2=2)", Z), ("np.diagonal(a, 0, 0, 2)", Z), ("np.diagflat(a)", V), ("np.linalg.diagonal(a)", Z),
    ("np.triu(a)", X), ("np.tril(a, -1)", X), ("np.triu(a, k=1)", Z), ("np.tril(a)", X), ("a[np.triu_indices(3)]", SYMMETRIC), ("a[np.tril_indices(3, -1)]", SYMMETRIC), ("a[np.diag_indices(3)]", SYMMETRIC), ("i, j = np.triu_indices(3, k=1); a[i, j]", SYMMETRIC), ("a[np.triu_indices_from(a)]", SYMMETRIC), ("a[np.diag_indices_from(a)]", SYMMETRIC), ("np.vander(a)", V), ("np.vander(a, 3)", V), ("np.vander(a, 3, increasing=True)", V), ("np.tri(3, 4) * a", X), ("np.tri(3, 4, 1) * a", X),
    ("p, q = np.meshgrid(a, b); p * q", V, W), ("p, q = np.meshgrid(a, b, indexing='ij'); p * q", V, W), ("p, q = np.meshgrid(a, b, sparse=True); p * q", V, W), ("p, q, r = np.meshgrid(a, b, a); p * q - r", V, W), ("p, q = np.meshgrid(a, b, indexing='ij', sparse=True, copy=False); p * q", V, W), ("p, = np.meshgrid(a); p", V), ("p, q = np.meshgrid(a, b); p * q", 1.0, V),
]  # fmt: skip

PICKING = [
    ("np.take(a, [0, 2, 2])", V), ("np.take(a, b)", V, INTS), ("np.take(a, [0, 2], axis=0)", X), ("np.take(a, b, axis=1)", X, INTS), ("np.take(a, 1, axis=1)", X), ("np.take(a, 2)", V), ("a.take([3, 1])", V), ("np.take(a, [5, 1])", X), ("np.take(a, [[0, 1], [2, 3]])", V), ("np.take(a, [-1, 5], mode='wrap')", V), ("np.take(a, [0, 9], mode='clip')", V), ("a.take(b, axis=1)", X, INTS),
    ("np.take_along_axis(a, np.argsort(a, axis=0), axis=0)", X), ("np.take_along_axis(a, np.argmax(a, axis=1, keepdims=True), axis=1)", X), ("np.take_along_axis(a, np.argsort(a), 0)", V), ("np.take_along_axis(a, np.argsort(a, axis=1), 1)", Z),
    ("y = a.copy(); np.put_along_axis(y, np.argmax(a, axis=1, keepdims=True), b, axis=1); y", X, COLUMN), ("y = a * 1; np.put_along_axis(y, np.array([[0], [1], [2]]), 5.0, 1); y", X),
    ("np.compress(b, a)", V, BOOLS), ("np.compress([True, False, True], a, axis=0)", X), ("a.compress(b, axis=1)", X, BOOLS), ("np.extract(a > 0, a)", X), ("np.extract(b, a)", X, MASK),
    ("np.delete(a, 1)", V), ("np.delete(a, [0, 2])", V), ("np.delete(a, 1, axis=0)", X), ("np.delete(a, [0, 3], axis=1)", X), ("np.delete(a, -1)", V), ("np.delete(a, slice(1, 3))", V), ("np.delete(a, 2)", X),
    ("np.insert(a, 1, b)", V, 0.3), ("np.insert(a, 2, b)", V, normal(2)), ("np.insert(a, 1, b, axis=0)", X, V), ("np.insert(a, 1, b, axis=1)", X, normal(3)), ("np.insert(a, [0, 2], b)", V, normal(2)), ("np.insert(a, 4, 1.0)", V), ("np.insert(a, -1, b)", V, 0.3),
    ("a[np.ravel_multi_index((b, b), (4, 4))]", normal(16), INTS), ("i, j = np.unravel_index(b, (3, 4)); a[i, j]", X, INTS), ("a[np.unravel_index(np.argmax(a), a.shape)]", X), ("a[np.ix_([0, 2], [1, 3])]", X), ("a[np.ix_(b, b)]", SYMMETRIC, np.array([True, False, True])), ("i, j = np.indices((3, 4)); a[i, j] * i", X),
    ("np.fill_diagonal(a, b); a * a", SYMMETRIC, 0.3), ("np.fill_diagonal(a, b); a * a", SYMMETRIC, normal(3)), ("y = a.copy(); np.fill_diagonal(y, 0.0); y", X), ("y = a.copy(); np.put(y, [0, 2], b); y * a", V, normal(2)), ("np.put(a, [1, 5], [1.0, 2.0]); a * a", X), ("y = a.copy(); y.put([0], b); y", V, 0.3), ("y = a.copy(); np.place(y, a > 0, [1.0, 2.0]); y", V), ("y = a.copy(); np.putmask(y, a > 0, b); y", V, ROW[0]), ("y = a.copy(); np.putmask(y, a > 0, 2.0); y", X),
    ("y = np.zeros(4); np.copyto(y, a); y * a", V), ("y = b.copy(); np.copyto(y, a, where=b > 0); y", X, Y), ("np.copyto(a, b, where=a > 0); a", V, 0.3),
]  # fmt: skip

MAKING = [
    ("np.array([a, b, 2.0])", 0.3, 0.4), ("np.array([[a, b], [b, 1.0]])", 0.3, 0.4), ("np.array([a, b])", V, ROW[0]), ("np.asarray(a) * a", V), ("np.array(a, dtype=np.float32) * 2", V), ("np.copy(a) * a", V), ("np.asarray([a, 2 * a])", V), ("np.asanyarray(a)", V), ("np.ascontiguousarray(a.T)", X), ("np.asfortranarray(a)", X), ("np.array(a, copy=True)", V), ("np.array(a, ndmin=2)", V), ("np.require(a)", V),
    ("np.zeros(4) + a", V), ("np.zeros_like(a) + a", X), ("np.ones((3, 4)) * a", X), ("np.ones_like(a) * a", X), ("np.full(3, a)", 0.4), ("np.full((2, 3), a)", 0.4), ("np.full((3, 4), a)", V), ("np.full_like(a, b)", V, 0.3), ("np.full_like(a, 2.0) * a", V), ("np.full(3, a, dtype=np.float32)", 0.4), ("y = np.empty(4); y[:] = a; y", V), ("y = np.empty_like(a); y[...] = a * 2; y", X), ("np.zeros_like(a, shape=(2, 4)) + b", V, ROW), ("np.ones_like(b, dtype=float) * a", V, INTS),
    ("np.eye(4) * a", V), ("np.eye(3, 4) * a", X), ("np.eye(3, 4, k=1) * a", X), ("np.eye(3, k=-1) @ a", X), ("np.identity(4) @ a", V), ("np.eye(a.shape[0]) + a", SYMMETRIC), ("np.eye(4, dtype=np.float32) * a", SINGLE), ("np.eye(len(a)) * a", V),
    ("np.linspace(a, b, 5)", 0.3, 2.0), ("np.linspace(a, 2.0, 4, endpoint=False)", 0.3), ("np.linspace(0, 1, 4) * a", V), ("np.linspace(a, b, 3)", V, ROW[0]), ("x, step = np.linspace(a, b, 5, retstep=True); x * step", 0.3, 2.0), ("np.linspace(0.0, a, num=1)", 2.0), ("np.linspace(0, 1, len(a)) * a", V), ("np.linspace(a, 1.0)", 0.2), ("np.linspace(a, b, 3, axis=-1)", V, 2.0), ("np.linspace(0, 1, 4, dtype=np.float32) * a", SINGLE),
    ("np.logspace(a, b, 4)", 0.1, 0.8), ("np.logspace(a, 0.8, 4, base=2.0)", 0.1), ("np.logspace(0, 1, 4) * a", V), ("np.geomspace(a, b, 4)", 0.1, 0.8), ("np.geomspace(1.0, a, 4, endpoint=False)", 3.0), ("np.arange(4) * a", V), ("np.arange(1.0, 5.0) * a", V), ("np.arange(4, dtype=np.float32) * a", SINGLE), ("np.arange(0, 8, 2) * a", V), ("np.arange(len(a)) * a", V), ("np.hanning(4) * a", V), ("np.hamming(len(a)) * a", V), ("np.blackman(4) * a", V), ("np.bartlett(4) * a", V), ("np.bartlett(1) * a", V), ("np.kaiser(4, a)", 2.5), ("np.kaiser(len(a), 8.6) * a", V), ("np.asarray(range(4)) * a", V), ("a[range(3), range(1, 4)]", X),
    ("a.astype(np.float32)", V), ("a.astype(float)", SINGLE), ("a.astype(int) * a", V), ("b.astype(float) * a", V, INTS), ("a.astype('float32') * 2", V), ("np.astype(a, np.float32)", V), ("a.copy() * a", V), ("a.item(2) * a", V), ("a.item() * a", ONE), ("a.item(1, 2) * a", X), ("a.tolist()[2] * a[1]", V), ("a.tolist()[1][2] * a[0, 1]", X), ("sum(row[0] * row[-1] for row in a.tolist())", X), ("a[1].item() * 2", V), ("float(a[2]) * a[0]", V), ("a.sum().item()", V), ("y = np.zeros(4); y.fill(a); y", 0.3), ("y = a * 1; y.fill(2.0); y * a", V),
    ("a.round(1) + a", V), ("a.dot(b)", X, V), ("a.ravel()[2] * a.flat[1]", X), ("a.nbytes * a", V), ("a.size * a + a.ndim", X), ("len(a) * a", X), ("np.size(a) * a", X), ("np.shape(a)[1] * a", X), ("np.ndim(a) * a", X), ("np.size(a, 1) * a", X), ("a.real * a", V), ("a.conj() * a", V), ("abs(a)", V), ("a.itemsize * a", V), ("a.min() * a.max()", V), ("-a + (+a) * 2", V), ("sum(a)", V), ("max(a) * min(a)", V),
    ("np.fix(a) + a", V), ("np.float_power(a, 2)", POSITIVE), ("np.resize(a, (2, 6))", V), ("np.unwrap(a)", V), ("np.array_equiv(a, a) * a", V), ("np.isscalar(2.0) * a", V), ("np.ptp(a, axis=0)", X), ("np.around(a, 1) + a", V), ("a[np.newaxis] * a", V), ("np.mod(a, 1.0)", V), ("np.prod(a.shape) * a", X), ("a[..., 0] * 2", X),
    ("a + np.finfo(a.dtype).eps", V), ("a + 1e-9 * np.iinfo(np.int32).max", V), ("np.linalg.trace(a)", Z[:, :2]), ("np.linalg.outer(a, b)", V, W), ("np.linalg.tensordot(a, b, axes=1)", X, V), ("np.linalg.matmul(a, b)", X, V),
    ("np.matmul(a, b, out=b); b * 2", SYMMETRIC, normal(3, 3)), ("y = np.zeros(3); np.dot(a, b, out=y); y * 2", X, V), ("y = np.zeros(3); a.dot(b, y); y * 2", X, V), ("y = np.zeros(2); np.take(a, [0, 1], out=y); y * 2", V), ("y = np.zeros(3); np.einsum('ij,j->i', a, b, out=y); y", X, V), ("y = np.zeros((4, 5)); np.outer(a, b, y); y * 2", V, W),
]  # fmt: skip

MIXED = [
    ("s = 0.0\nfor i in range(3):\n    s = s + np.var(a[i]) * np.prod(a[i])\ns", X), ("y = a.copy()\nfor i in range(3):\n    y = np.roll(y, 1) * np.cumsum(y)\ny", V), ("y = a.copy()\nfor i in range(2):\n    y[i] = np.median(y) * y[i + 1]\n    y = np.sort(y)\ny", W),
    ("y = np.pad(a, 1)\nfor i in range(4):\n    y[i + 1] += np.mean(y[i:i + 2])\ny", V), ("y = np.stack([a, a * a]); y[0] *= 2; y[1, :2] += y[0, 2:]; np.max(y, axis=0)", V), ("y = np.zeros((3, 4))\nfor i in range(3):\n    y[i] = np.clip(a[i] * i, -0.5, 0.5)\ny", X),
    ("y = np.concatenate([a, a]); y[2:] *= y[:-2].copy(); y", V), ("y = np.repeat(a, 2); y[0] = 3.0; y * np.tile(a, 2)", V), ("y = np.diag(a).copy(); y[0] = a; y", V), ("s = 1.0\nwhile s < 5.0:\n    s = s + np.std(a) + np.max(a)**2\ns * np.mean(a)", V),
    ("y = np.where(a > 0, np.sqrt(np.where(a > 0, a, 1.0)), 0.0); np.cumprod(y + 1)", V), ("m = np.max(a, axis=1, keepdims=True); e = np.exp(a - m); e / e.sum(axis=1, keepdims=True)", X), ("a - np.mean(a, axis=0) + np.std(a, axis=1, keepdims=True)", X),
    ("q = [np.sum(p) for p in np.split(a, 2)]; q[0] * q[1]", V), ("y = np.linspace(a, 1.0, 4); y[1] = a * a; np.trapezoid(y, np.arange(4.0))", 0.3), ("rows = []\nfor i in range(3):\n    rows.append(np.sum(a[i]))\nnp.array(rows)", X),
]  # fmt: skip

TABLE: dict[str, list[Any]] = {
    "ufuncs": UFUNCS, "choices": CHOICES, "reductions": REDUCTIONS, "statistics": STATISTICS, "shapes": SHAPES, "picking": PICKING, "making": MAKING, "mixed": MIXED,
}  # fmt: skip

MODULES: dict[str, Any] = {}
with contextlib.suppress(ImportError):
    for _module in ("special", "linalg", "stats"):
        importlib.import_module(f"scipy.{_module}")
    MODULES["scipy"] = importlib.import_module("scipy")


LOOP = """\
def f({params}):
    s = 0.0
    for step in range(2):
        a = x.copy()
        a[0] = a[0] * (step + 1.1)
        r = a + 1.0
        {before}
        s += np.sum(np.sin({result}))
        a[-1] = a[0] * s
        s += np.sum(a * r)
    return s
"""
STRAIGHT = """\
def f({params}):
    {before}
    return {result}
"""


def function(
    text: str, count: int, loop: bool = False, result: str = "np.sum(np.sin({}))"
) -> Callable[..., Any]:
    """The function that a line of the table stands for, with source that s2sad can read; `loop`: done twice, with an
    array that is written before and after."""
    *before, last = text.replace("; ", "\n").split("\n")
    form, params = (LOOP, "xbc") if loop else (STRAIGHT, "abcd")
    joint = "\n" + (8 if loop else 4) * " "
    source = form.format(
        params=", ".join(params[:count]),
        before=joint.join(before),
        result=last if loop else result.format(last),
    )
    source = "".join(line for line in source.splitlines(True) if line.strip())
    return function_of(source, {"np": np, "math": math, "operator": operator, **MODULES})
