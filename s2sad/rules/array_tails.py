"""The helpers of `tails` element by element; Numba compiles those on numbers instead."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from s2sad.rules.array_helpers import on_arrays
from s2sad.rules.registry import source
from s2sad.rules.tails import psi_difference, rgamma_derivative


class Lazily:
    """scipy, imported where its functions are called."""

    def __getattr__(self, name: str) -> Any:
        return importlib.import_module(f"scipy.{name}")


scipy = Lazily()


def logistics(x: Any) -> Any:
    """1 / (1 + exp(-x)), which overflows nowhere."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, e) / (1.0 + e)


def logistic_slopes(x: Any) -> Any:
    """The derivative of the logistic function."""
    e = np.exp(-np.abs(x))
    return e / ((1.0 + e) * (1.0 + e))


def differences(a: Any, b: Any) -> Any:
    """a - b, 0 where both are the same infinity."""
    same = a == b
    return np.where(same, 0.0, a) - np.where(same, 0.0, b)


def exps_minus(a: Any, n: Any) -> Any:
    """exp(a - n), the share of a in a sum of exponentials whose logarithm is n: of an infinite sum that of its infinite parts."""
    if np.isfinite(n).all():
        d = a - n
        if not (d > 709.78).any():
            return np.exp(d)
    same = a == n
    d = np.where(same, 0.0, a) - np.where(same, 0.0, n)
    return np.where(
        same & ~np.isfinite(n),
        np.where(n > 0.0, 1.0, 0.0),
        np.where(d > 709.78, np.inf, np.exp(np.minimum(d, 709.78))),
    )


def erfcx_derivatives(n: Any, x: Any) -> Any:
    """The n-th derivative of erfcx: by the recurrence of the repeated integrals of erfc (DLMF 7.18.7), for larger x by the continued
    fraction that it gives for their quotients."""
    d = scipy.special.erfcx(x)
    low, high = np.minimum(x, 2.0), np.maximum(x, 2.0)
    near, before, far, quotient = d, -0.5641895835477563, d, 0.0
    for k in range(n):
        before, near = near, 2.0 * (low * near + (k if k > 0 else 1.0) * before)
    for m in range(n + 60, 0, -1):
        quotient = 0.5 / (high + (m + 1.0) * quotient)
        if m <= n:
            far = far * (-2.0 * m * quotient)
    return np.where(x < 2.0, near, far)


def dawsn_derivatives(n: Any, x: Any) -> Any:
    """The n-th derivative of Dawson's integral, n >= 1: by its differential equation, far out its asymptotic series (DLMF 7.12.1)
    term by term."""
    near = ~(np.abs(x) > 6.5)
    low, high = np.where(near, x, 0.0), np.where(near, 7.0, x)
    before = scipy.special.dawsn(low)
    d = 1.0 - 2.0 * low * before
    for k in range(1, n):
        before, d = d, -2.0 * (low * d + k * before)
    term, total = 0.5 / high, 0.0 * high
    for k in range(1, n + 1):
        term = term * (-k / high)
    for k in range(40):
        total = total + term
        term = term * (0.5 * (2.0 * k + n + 1.0) / high * ((2.0 * k + n + 2.0) / (2.0 * k + 2.0)) / high)
    return np.where(near, d, total)


def log_ndtr_derivatives(n: Any, x: Any) -> Any:
    """The n-th derivative of log_ndtr, n >= 1. The first, h, has h' = -h (x + h). Far to the left that cancels; there h + x is
    sqrt(2) times r(t) = exp(t * t) ierfc(t) / erfcx(t), t = -x / sqrt(2), whose derivatives follow from those of the quotients of
    repeated integrals of erfc."""
    low = np.minimum(x, 40.0)
    h = [np.where(x > 40.0, 0.0, 0.7978845608028654 / scipy.special.erfcx(-0.7071067811865476 * low))]
    if n == 1:
        return h[0]
    low = np.maximum(low, -4.0)
    h[0] = np.where(x < -4.0, 0.0, h[0])
    for k in range(n - 1):
        total, binomial = low * h[k] + (k * h[k - 1] if k > 0 else 0.0), 1.0
        for j in range(k + 1):
            total = total + binomial * h[j] * h[k - j]
            binomial *= (k - j) / (j + 1.0)
        h.append(-total)
    t, quotient, d = np.maximum(-0.7071067811865476 * x, 2.0), 0.0, {}
    for m in range(n + 60, 0, -1):
        quotient = 0.5 / (t + (m + 1.0) * quotient)
        d[m, 0] = quotient
    for k in range(n - 1):
        for m in range(1, n - k):
            total, binomial = 0.0, 1.0
            for j in range(k + 1):
                total = total + binomial * d[m, j] * (
                    2.0 * m * d[m, k - j] - 2.0 * (m + 1.0) * d[m + 1, k - j]
                )
                binomial *= (k - j) / (j + 1.0)
            d[m, k + 1] = total
    scale = 1.4142135623730951 * (-0.7071067811865476) ** (n - 1)
    return np.where(x < -4.0, scale * d[1, n - 1] - (1.0 if n == 2 else 0.0), h[n - 1])


def angle_derivatives(k: Any, n: Any, a: Any, b: Any) -> Any:
    """The n-th derivative of arctan2(a, b), k times by a and n - k times by b: that of the imaginary part of log(b + i a). 0 at 0."""
    h = np.hypot(a, b)
    h = np.where(h != 0.0, h, 1.0)
    p, q = b / h, a / h
    real, d = (1.0 - k % 4 if k % 2 == 0 else 0.0), (2.0 - k % 4 if k % 2 == 1 else 0.0)
    for _ in range(n):
        real, d = real * p + d * q, d * p - real * q
    with np.errstate(over="ignore"):
        for m in range(n):
            d = d / h * (-m if m > 0 else 1.0)
        return d


def psi_differences(n: Any, a: Any, b: Any) -> Any:
    """The n-th derivative of digamma at a + b less that at a."""
    return np.vectorize(psi_difference, otypes=[float])(n, a, b)


def rgamma_derivatives(n: Any, x: Any) -> Any:
    """The n-th derivative of 1 / gamma."""
    return np.vectorize(rgamma_derivative, otypes=[float])(n, x)


def ive_derivatives(n: Any, v: Any, x: Any) -> Any:
    """The n-th derivative of ive by its argument, on each side of 0: sums of neighbouring orders (DLMF 10.29.5), far out the
    asymptotic series (10.40.1) term by term."""
    far = np.abs(x) > 30.0 + 2.0 * v * v
    low, high, side = np.where(far, 0.0, x), np.where(far, x, 1e5), np.sign(x)
    near: Any = 0.0
    total: Any = 0.0
    outer: Any = 1.0
    for j in range(n, -1, -1):
        inner = outer
        for i in range(j + 1):
            near = near + inner * scipy.special.ive(v - j + 2.0 * i, low)
            inner = inner * ((j - i) / (i + 1.0))
        outer = outer * (-2.0 * j / (n - j + 1.0)) * side
    parity = np.where(v == np.floor(v), np.where(v % 2.0 == 0.0, 1.0, -1.0), np.nan)
    term = np.where(high > 0.0, 1.0, parity) * 0.3989422804014327 / np.sqrt(np.abs(high))
    for k in range(n):
        term = term * -(k + 0.5) / high
    for k in range(1, 31):
        total = total + term
        factor = (2.0 * k - 1.0 - 2.0 * v) * (2.0 * k - 1.0 + 2.0 * v) / (8.0 * k)
        term = term * (factor / np.abs(high) * ((n + k - 0.5) / (k - 0.5)))
    return np.where(far, total, near * 0.5**n)


def kve_derivatives(n: Any, v: Any, x: Any) -> Any:
    """The n-th derivative of kve by its argument, as that of ive."""
    far = x > 30.0 + 2.0 * v * v
    low, high = np.where(far, 1.0, x), np.where(far, x, 1e5)
    near: Any = 0.0
    total: Any = 0.0
    outer: Any = (-1.0) ** n
    for j in range(n, -1, -1):
        inner = outer
        for i in range(j + 1):
            near = near + inner * scipy.special.kve(v - j + 2.0 * i, low)
            inner = inner * ((j - i) / (i + 1.0))
        outer = outer * (-2.0 * j / (n - j + 1.0))
    term = 1.2533141373155003 / np.sqrt(high)
    for k in range(n):
        term = term * -(k + 0.5) / high
    for k in range(1, 31):
        total = total + term
        factor = (2.0 * v - 2.0 * k + 1.0) * (2.0 * v + 2.0 * k - 1.0) / (8.0 * k)
        term = term * (factor / high * ((n + k - 0.5) / (k - 0.5)))
    return np.where(far, total, near * 0.5**n)


for _scalar, _fn in (
    ("s2sad.angle_derivative", angle_derivatives),
    ("s2sad.psi_difference", psi_differences),
    ("s2sad.rgamma_derivative", rgamma_derivatives),
    ("s2sad.ive_derivative", ive_derivatives),
    ("s2sad.kve_derivative", kve_derivatives),
    ("s2sad.logistic", logistics),
    ("s2sad.logistic_slope", logistic_slopes),
    ("s2sad.difference", differences),
    ("s2sad.exp_minus", exps_minus),
    ("s2sad.erfcx_derivative", erfcx_derivatives),
    ("s2sad.dawsn_derivative", dawsn_derivatives),
    ("s2sad.log_ndtr_derivative", log_ndtr_derivatives),
):
    on_arrays(_scalar, _fn, (_scalar,) if "vectorize" in source(_fn) else ())
