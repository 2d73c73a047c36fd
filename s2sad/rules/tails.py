"""Derivatives far out, where the textbook formula subtracts nearly equal numbers: each is a number of its own here.

`erfcx' = 2 x erfcx - 2/sqrt(pi)` keeps no digit at 1e8, and `(1 - y) y` none of the logistic function's slope at 40. A helper
`<function>_derivative(n, x)` is the n-th derivative, whose partial is the next one; exact to some 1e-13 in each order that is asked
for. On arrays the helpers of `array_tails` do the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from s2sad.ir.core import Const
from s2sad.ir.types import Array
from s2sad.rules.bessel import ive, kve
from s2sad.rules.mathematics import FLOAT_RESULT, digamma, polygamma
from s2sad.rules.registry import ZERO, rule, source
from s2sad.rules.special_numbers import dawsn, erfcx, rgamma, zeta


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


def psi_difference(n: int, a: float, b: float) -> float:
    """The n-th derivative of digamma at a + b less that at a. Where b is small beside a: one step of the recurrence, then the Taylor
    series, whose terms are Hurwitz's zeta function (DLMF 25.11.12); far out the first terms of their asymptotic series."""
    if not (a > 0.0 and abs(b) < 0.1 * a):
        return (digamma(a + b) - digamma(a)) if n == 0 else polygamma(n, a + b) - polygamma(n, a)
    step = math.log1p(b / a)
    total, scale = 0.0, 1.0
    for k in range(1, n + 1):
        scale *= -k
    if a > 1e17:
        return step if n == 0 else scale / n * -math.expm1(-n * step) * a**-n
    power = 1.0
    for k in range(1, 40):
        power *= -b * (n + k) / k
        term = power * zeta(n + k + 1.0, a + 1.0)
        total += term
        if abs(term) <= 1e-17 * abs(total):
            break
    return -scale * (total + a ** -(n + 1.0) * math.expm1(-(n + 1.0) * step))


def rgamma_derivative(n: int, x: float) -> float:
    """The n-th derivative of 1 / gamma, which has no poles: from its logarithm's for x > 0.5, by the recurrence to there."""
    if not -200.0 < x < 1e300:
        return 0.0 if x > 0.0 else math.nan
    shifts = max(0, math.ceil(0.5 - x))
    z = x + shifts
    jet = np.zeros(n + 1)
    jet[0] = rgamma(z)
    for m in range(n):
        binomial = 1.0
        for j in range(m + 1):
            jet[m + 1] -= binomial * jet[m - j] * (polygamma(j, z) if j > 0 else digamma(z))
            binomial *= (m - j) / (j + 1.0)
    for k in range(shifts - 1, -1, -1):
        for j in range(n, 0, -1):
            jet[j] = jet[j] * (x + k) + j * jet[j - 1]
        jet[0] *= x + k
    return jet[n]  # type: ignore[no-any-return]


def ive_derivative(n: int, v: float, x: float) -> float:
    """The n-th derivative of ive by its argument, on each side of 0: sums of neighbouring orders (DLMF 10.29.5), far out the
    asymptotic series (10.40.1) term by term."""
    z, total = abs(x), 0.0
    if not z > 30.0 + 2.0 * v * v:
        side, outer = (1.0 if x > 0.0 else -1.0 if x < 0.0 else 0.0), 1.0
        for j in range(n, -1, -1):
            inner = outer
            for i in range(j + 1):
                total += inner * ive(v - j + 2.0 * i, x)
                inner *= (j - i) / (i + 1.0)
            outer *= -2.0 * side * j / (n - j + 1.0)
        return total * 0.5**n
    if x < 0.0 and v != math.floor(v):
        return math.nan
    term = (
        0.3989422804014327 / math.sqrt(z) if x > 0.0 or v % 2.0 == 0.0 else -0.3989422804014327 / math.sqrt(z)
    )
    for k in range(n):
        term *= -(k + 0.5) / x
    for k in range(1, 31):
        total += term
        term *= (
            (2.0 * k - 1.0 - 2.0 * v)
            * (2.0 * k - 1.0 + 2.0 * v)
            / (8.0 * k)
            / z
            * ((n + k - 0.5) / (k - 0.5))
        )
    return total


def kve_derivative(n: int, v: float, x: float) -> float:
    """The n-th derivative of kve by its argument, as that of ive."""
    total = 0.0
    if not x > 30.0 + 2.0 * v * v:
        outer = 1.0 if n % 2 == 0 else -1.0
        for j in range(n, -1, -1):
            inner = outer
            for i in range(j + 1):
                total += inner * kve(v - j + 2.0 * i, x)
                inner *= (j - i) / (i + 1.0)
            outer *= -2.0 * j / (n - j + 1.0)
        return total * 0.5**n
    term = 1.2533141373155003 / math.sqrt(x)
    for k in range(n):
        term *= -(k + 0.5) / x
    for k in range(1, 31):
        total += term
        term *= (
            (2.0 * v - 2.0 * k + 1.0)
            * (2.0 * v + 2.0 * k - 1.0)
            / (8.0 * k)
            / x
            * ((n + k - 0.5) / (k - 0.5))
        )
    return total


def angle_derivative(k: int, n: int, a: float, b: float) -> float:
    """The n-th derivative of atan2(a, b), k times by a and n - k times by b: that of the imaginary part of log(b + i a). 0 at 0."""
    h = math.hypot(a, b)
    if h == 0.0:
        return 0.0
    p, q = float(b) / h, float(a) / h
    real, d = (1.0 - k % 4 if k % 2 == 0 else 0.0), (2.0 - k % 4 if k % 2 == 1 else 0.0)
    for _ in range(n):
        real, d = real * p + d * q, d * p - real * q
    for m in range(n):
        d = d / h * (-m if m > 0 else 1.0)
    return d


def _of_sum(b: Any, env: Any) -> Any:
    """The derivative of psi_difference by b is that of digamma at the sum: Hurwitz's zeta function."""
    if not isinstance(env["n"], Const):
        return b.expand("polygamma(n + 1, a + b) * dy", env, "math")
    n = int(env["n"].value)
    text = f"{(-1.0) ** n * math.factorial(n + 1)!r} * zeta({n + 2.0!r}, a + b) * dy"
    return b.expand(text, env, "scipy.special")


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
rule(
    psi_difference, "y = psi_difference(n, a, b)", name="s2sad.psi_difference", infer=FLOAT_RESULT, helper=source(psi_difference),
    needs=("s2sad.digamma", "s2sad.polygamma", "s2sad.special.zeta"), effect="none", cost=60, dn=ZERO,
    da="psi_difference(n + 1, a, b) * dy", db=_of_sum,
)  # fmt: skip
rule(
    angle_derivative, "y = angle_derivative(k, n, a, b)", name="s2sad.angle_derivative", infer=FLOAT_RESULT,
    helper=source(angle_derivative), effect="none", cost=30, dk=ZERO, dn=ZERO,
    da="kept_product(angle_derivative(k + 1, n + 1, a, b), dy)", db="kept_product(angle_derivative(k, n + 1, a, b), dy)",
)  # fmt: skip
for _of, _call in ((ive_derivative, "ive"), (kve_derivative, "kve")):
    rule(  # by the order it has no rule
        _of, f"y = {_call}_derivative(n, v, x)", name=f"s2sad.{_call}_derivative", infer=FLOAT_RESULT, helper=source(_of),
        needs=(f"s2sad.special.{_call}",), effect="none", cost=60, dn=ZERO, dx=f"{_call}_derivative(n + 1, v, x) * dy",
    )  # fmt: skip
for _fn, _needs in (
    (rgamma_derivative, ("s2sad.special.rgamma", "s2sad.digamma", "s2sad.polygamma")),
    (erfcx_derivative, ("s2sad.special.erfcx",)),
    (dawsn_derivative, ("s2sad.special.dawsn",)),
    (log_ndtr_derivative, ("s2sad.special.erfcx",)),
):
    rule(
        _fn, f"y = {_fn.__name__}(n, x)", name=f"s2sad.{_fn.__name__}", infer=FLOAT_RESULT, helper=source(_fn), needs=_needs,
        effect="none", cost=60, dn=ZERO, dx=f"{_fn.__name__}(n + 1, x) * dy",
    )  # fmt: skip
