"""Kummer's function, Lambert's W and elliptic integrals of one number, for Numba (see `special_numbers`)."""

from __future__ import annotations

import math


def hyp1f1(a: float, b: float, x: float) -> float:
    """Kummer's function by its series (DLMF 13.2.2), for x < 0 by Kummer's transformation (13.2.39)."""
    if x < 0.0:
        return math.exp(x) * hyp1f1_series(b - a, b, -x)
    return hyp1f1_series(a, b, x)


def hyp1f1_series(a: float, b: float, x: float) -> float:
    """The series of Kummer's function."""
    term = total = 1.0
    k = 0.0
    while abs(term) > 1e-17 * abs(total) and k < 10000.0:
        term *= (a + k) * x / ((b + k) * (k + 1.0))
        total += term
        k += 1.0
    return total


def lambertw_of(x: float, k: float) -> float:
    """The Lambert W function where it is real, by Halley's method (Corless et al. 1996, eq. 5.9)."""
    if x != x or x < -0.36787944117144233 or (k != 0.0 and (k != -1.0 or x >= 0.0)):
        raise ValueError("scipy.special.lambertw() is differentiated only where it is real")
    p = math.sqrt(max(2.0 * (2.718281828459045 * x + 1.0), 0.0))
    if k == 0.0:
        w = (
            math.log(x) - math.log(math.log(x))
            if x > 3.0
            else math.log1p(x) * 0.8
            if x > -0.2
            else -1.0 + p - p * p / 3.0
        )
    else:
        w = -1.0 - p - p * p / 3.0 if x < -0.25 else math.log(-x) - math.log(-math.log(-x))
    for _ in range(50):
        if w == -1.0:
            return w
        e = math.exp(w)
        f = w * e - x
        step = f / (e * (w + 1.0) - (w + 2.0) * f / (2.0 * w + 2.0))
        w -= step
        if abs(step) <= 1e-15 * (1.0 + abs(w)):
            break
    return w


# -- elliptic integrals -----------------------------------------------------------------------------------


def elliprd(x: float, y: float, z: float) -> float:
    """Carlson's integral R_D by duplication (Carlson 1995, "Numerical computation of real or complex elliptic integrals", algorithm 2.2)."""
    if z == 0.0 or x + y == 0.0:
        return math.inf
    mean = (x + y + 3.0 * z) / 5.0
    dx, dy = (mean - x), (mean - y)
    first = mean
    largest = max(abs(dx), abs(dy), abs(mean - z)) * 300.0
    power, total = 1.0, 0.0
    while power * largest > abs(mean):
        rx, ry, rz = math.sqrt(x), math.sqrt(y), math.sqrt(z)
        lam = rx * ry + rx * rz + ry * rz
        total += power / (rz * (z + lam))
        power *= 0.25
        x, y, z, mean = 0.25 * (x + lam), 0.25 * (y + lam), 0.25 * (z + lam), 0.25 * (mean + lam)
    u, v = dx * power / mean, dy * power / mean
    w = -(u + v) / 3.0
    e2 = u * v - 6.0 * w * w
    e3 = (3.0 * u * v - 8.0 * w * w) * w
    e4 = 3.0 * (u * v - w * w) * w * w
    e5 = u * v * w * w * w
    series = (
        1.0
        - 3.0 * e2 / 14.0
        + e3 / 6.0
        + 9.0 * e2 * e2 / 88.0
        - 3.0 * e4 / 22.0
        - 9.0 * e2 * e3 / 52.0
        + 3.0 * e5 / 26.0
    )
    return power * series / (mean * math.sqrt(mean)) + 3.0 * total + 0.0 * first


def ellipk(m: float) -> float:
    """The complete elliptic integral of the first kind by the arithmetic-geometric mean (DLMF 19.8.5)."""
    if not m < 1.0:
        return math.inf if m == 1.0 else math.nan
    a, b = 1.0, math.sqrt(1.0 - m)
    while abs(a - b) > 1e-15 * a:
        a, b = 0.5 * (a + b), math.sqrt(a * b)
    return math.pi / (a + b)


def ellipe(m: float) -> float:
    """The complete elliptic integral of the second kind (DLMF 19.25.1)."""
    if not m < 1.0:
        return 1.0 if m == 1.0 else math.nan
    return ellipk(m) - m / 3.0 * elliprd(0.0, 1.0 - m, 1.0)
