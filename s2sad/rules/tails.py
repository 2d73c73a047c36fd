"""Derivatives far out, where the textbook formula subtracts nearly equal numbers: each is a number of its own here.

`erfcx' = 2 x erfcx - 2/sqrt(pi)` keeps no digit at 1e8, and `(1 - y) y` none of the logistic function's slope at 40. A helper
`<function>_derivative(n, x)` is the n-th derivative, whose partial is the next one; exact to some 1e-13 in each order that is asked
for. On arrays the helpers of `array_tails` do the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from s2sad.ir.types import Array
from s2sad.rules.mathematics import FLOAT_RESULT
from s2sad.rules.registry import ZERO, rule, source
from s2sad.rules.special_numbers import dawsn, erfcx


def logistic(x: float) -> float:
    """1 / (1 + exp(-x)), which overflows nowhere."""
    e = math.exp(-abs(x))
    return 1.0 / (1.0 + e) if x >= 0.0 else e / (1.0 + e)


def logistic_slope(x: float) -> float:
    """The derivative of the logistic function."""
    e = math.exp(-abs(x))
    return e / ((1.0 + e) * (1.0 + e))


def difference(a: float, b: float) -> float:
    """a - b, 0 where both are the same infinity."""
    return a - b if a != b else 0.0


def exp_minus(a: float, n: float) -> float:
    """exp(a - n), the share of a in a sum of exponentials whose logarithm is n: of an infinite sum that of its infinite parts."""
    if a == n and not math.isfinite(n):
        return 1.0 if n > 0.0 else 0.0
    if a - n > 709.78:
        return math.inf
    return math.exp(a - n)


def erfcx_derivative(n: int, x: float) -> float:
    """The n-th derivative of erfcx, which is (-2)**n n! times exp(x * x) times the n-th repeated integral of erfc (DLMF 7.18.5): by the
    recurrence 7.18.7, for larger x by the continued fraction that it gives for the quotients."""
    d = erfcx(x)
    if x < 2.0:
        before = -0.5641895835477563
        for k in range(n):
            before, d = d, 2.0 * (x * d + (k if k > 0 else 1.0) * before)
        return d
    quotient = 0.0
    for m in range(n + 60, 0, -1):
        quotient = 0.5 / (x + (m + 1.0) * quotient)
        if m <= n:
            d *= -2.0 * m * quotient
    return d


def dawsn_derivative(n: int, x: float) -> float:
    """The n-th derivative of Dawson's integral, n >= 1: by its differential equation, far out its asymptotic series (DLMF 7.12.1)
    term by term."""
    if not abs(x) > 6.5:
        before = dawsn(x)
        d = 1.0 - 2.0 * x * before
        for k in range(1, n):
            before, d = d, -2.0 * (x * d + k * before)
        return d
    term, total = 0.5 / x, 0.0
    for k in range(1, n + 1):
        term *= -k / x
    for k in range(40):
        total += term
        term *= 0.5 * (2.0 * k + n + 1.0) / x * ((2.0 * k + n + 2.0) / (2.0 * k + 2.0)) / x
    return total


def log_ndtr_derivative(n: int, x: float) -> float:
    """The n-th derivative of log_ndtr, n >= 1. The first, h, has h' = -h (x + h). Far to the left that cancels; there h + x is
    sqrt(2) times r(t) = exp(t * t) ierfc(t) / erfcx(t), t = -x / sqrt(2), whose derivatives follow from those of the quotients of
    repeated integrals of erfc."""
    if x > 40.0:
        return 0.0
    d = np.zeros((n + 2, n + 2))
    if n == 1 or not x < -4.0:
        h = d[0]
        h[0] = 0.7978845608028654 / erfcx(-0.7071067811865476 * x)
        for k in range(n - 1):
            total, binomial = x * h[k] + (k * h[k - 1] if k > 0 else 0.0), 1.0
            for j in range(k + 1):
                total += binomial * h[j] * h[k - j]
                binomial *= (k - j) / (j + 1.0)
            h[k + 1] = -total
        return h[n - 1]  # type: ignore[no-any-return]
    t, quotient = -0.7071067811865476 * x, 0.0
    for m in range(n + 60, 0, -1):
        quotient = 0.5 / (t + (m + 1.0) * quotient)
        if m <= n:
            d[m, 0] = quotient
    for k in range(n - 1):
        for m in range(1, n - k):
            total, binomial = 0.0, 1.0
            for j in range(k + 1):
                total += binomial * d[m, j] * (2.0 * m * d[m, k - j] - 2.0 * (m + 1.0) * d[m + 1, k - j])
                binomial *= (k - j) / (j + 1.0)
            d[m, k + 1] = total
    scale = 1.4142135623730951 * (-0.7071067811865476) ** (n - 1)
    return scale * d[1, n - 1] - (1.0 if n == 2 else 0.0)  # type: ignore[no-any-return]


def _curvature(b: Any, env: Any) -> Any:
    family = "numpy" if isinstance(env["x"].type, Array) else "math"
    return b.expand("-y * tanh(0.5 * x) * dy", env, family)


rule(
    logistic, "y = logistic(x)", name="s2sad.logistic", infer=FLOAT_RESULT, helper=source(logistic), effect="none", cost=20,
    dx="logistic_slope(x) * dy",
)  # fmt: skip
rule(
    logistic_slope, "y = logistic_slope(x)", name="s2sad.logistic_slope", infer=FLOAT_RESULT, helper=source(logistic_slope),
    effect="none", cost=20, dx=_curvature,
)  # fmt: skip
rule(
    difference, "y = difference(a, b)", name="s2sad.difference", infer=FLOAT_RESULT, helper=source(difference), effect="none",
    da="dy", db="-dy",
)  # fmt: skip
rule(
    exp_minus, "y = exp_minus(a, n)", name="s2sad.exp_minus", infer=FLOAT_RESULT, helper=source(exp_minus), effect="none", cost=20,
    da="y * dy", dn="-y * dy",
)  # fmt: skip
for _fn, _needs in (
    (erfcx_derivative, ("s2sad.special.erfcx",)),
    (dawsn_derivative, ("s2sad.special.dawsn",)),
    (log_ndtr_derivative, ("s2sad.special.erfcx",)),
):
    rule(
        _fn, f"y = {_fn.__name__}(n, x)", name=f"s2sad.{_fn.__name__}", infer=FLOAT_RESULT, helper=source(_fn), needs=_needs,
        effect="none", cost=60, dn=ZERO, dx=f"{_fn.__name__}(n + 1, x) * dy",
    )  # fmt: skip
