"""Bessel functions of any real order for Numba.

Temme (1975), "On the numerical evaluation of the modified Bessel function of the third kind", and (1976) of the ordinary ones: series
for small arguments; Steed's continued fractions (Barnett, Feng, Steed & Goldfarb 1974; Thompson & Barnett 1987) for others; Hankel's
expansions (DLMF 10.17, 10.40) for large ones. The order is split into a whole part and one of at most a half.
"""

from __future__ import annotations

import math


def reciprocal_gammas(m: float) -> tuple[float, float]:
    """Temme's Γ1 and Γ2 for |m| <= 1/2, from the series of 1 / gamma(1 + m) (Abramowitz & Stegun 6.1.34)."""
    even = odd = 0.0
    s = m * m
    for c in (1.18669225475160033e-18, 1.22677862823826079e-15, -2.05832605356650678e-14, -3.69680561864220571e-12,
              1.04342671169110051e-10, 5.00200764446922293e-9, -2.05633841697760710e-7, -1.25049348214267066e-6,
              1.28050282388116186e-4, -1.16516759185906511e-3, -9.62197152787697356e-3, 1.66538611382291490e-1,
              -6.55878071520253881e-1, 1.0):  # fmt: skip
        even = even * s + c
    for c in (-1.18125930169745877e-16, -5.34812253942301798e-15, 5.10037028745447598e-13, 7.78226343990507125e-12,
              -1.18127457048702014e-9, 6.11609510448141582e-9, 1.13302723198169588e-6, -2.01348547807882387e-5,
              -2.15241674114950973e-4, 7.21894324666309954e-3, -4.21977345555443367e-2, -4.20026350340952355e-2,
              5.77215664901532861e-1):  # fmt: skip
        odd = odd * s + c
    return -odd, even


def near_zero(v: float, x: float) -> tuple[float, float]:
    """The first terms of I and K of order v >= 0 at 0 (DLMF 10.30.1-3)."""
    half = 0.5 * x
    if v == 0.0:
        return 1.0, -math.log(half) - 0.5772156649015329
    log = math.lgamma(v) - v * math.log(half)
    return half**v / math.gamma(v + 1.0) if v < 100.0 else 0.0, 0.5 * math.exp(
        log
    ) if log < 709.0 else math.inf


def bessel_jy(v: float, x: float) -> tuple[float, float]:
    """J and Y of order v >= 0 at x > 0."""
    if x < 1e-60:
        i, k = near_zero(v, x)
        return i, -2.0 / math.pi * k
    if x > 25.0 and x > v * v:  # Hankel
        p, q, term, k = 0.0, 0.0, 1.0, 0
        while abs(term) > 1e-18 and k < 60:
            turn = k % 4
            if turn == 0:
                p += term
            elif turn == 1:
                q += term
            elif turn == 2:
                p -= term
            else:
                q -= term
            k += 1
            following = term * (4.0 * v * v - (2.0 * k - 1.0) ** 2) / (8.0 * k * x)
            if abs(following) > abs(term) and k > v:
                break
            term = following
        angle = math.pi * ((0.5 * v + 0.25) % 2.0)
        c = math.cos(x) * math.cos(angle) + math.sin(x) * math.sin(angle)
        s = math.sin(x) * math.cos(angle) - math.cos(x) * math.sin(angle)
        scale = math.sqrt(2.0 / (math.pi * x))
        return scale * (p * c - q * s), scale * (p * s + q * c)
    whole = int(v + 0.5) if x < 2.0 else max(0, int(v - x + 1.5))
    m = v - whole
    # the first continued fraction: J' / J
    sign, h = 1.0, v / x
    if abs(h) < 1e-300:
        h = 1e-300
    b, d, c, change = 2.0 * v / x, 0.0, h, 0.0
    while abs(change - 1.0) > 1e-16:
        b += 2.0 / x
        d = b - d
        if abs(d) < 1e-300:
            d = 1e-300
        c = b - 1.0 / c
        if abs(c) < 1e-300:
            c = 1e-300
        d = 1.0 / d
        change = c * d
        h *= change
        if d < 0.0:
            sign = -sign
        if abs(change - 1.0) <= 2.3e-16:
            break
    j, slope = sign * 1e-250, h * sign * 1e-250
    first, factor = j, v / x
    for _ in range(whole):
        j, slope = factor * j + slope, 0.0 * slope + ((factor - 1.0 / x) * (factor * j + slope) - j)
        factor -= 1.0 / x
    if j == 0.0:
        j = 1e-300
    f = slope / j
    if x < 2.0:
        y, following = temme_y(m, x)
        derivative = m / x * y - following
        j_m = 2.0 / (math.pi * x) / (derivative - f * y)
    else:
        p, q = steed_pq(m, x)
        gamma = (p - f) / q
        j_m = math.sqrt(2.0 / (math.pi * x) / ((p - f) * gamma + q))
        j_m = math.copysign(j_m, j)
        y = j_m * gamma
        derivative = y * (p + q / gamma) if gamma != 0.0 else j_m * q
        following = m / x * y - derivative
    scale = j_m / j
    for k in range(1, whole + 1):
        y, following = following, (m + k) * 2.0 / x * following - y
    return first * scale, y


def temme_y(m: float, x: float) -> tuple[float, float]:
    """Y of the orders m and m + 1, |m| <= 1/2, for x < 2 by Temme's series."""
    b = 2.0 / x
    d = -math.log(b)
    e = m * d
    a = math.pi * m
    circle = a / math.sin(a) if abs(a) > 1e-15 else 1.0
    hyperbola = math.sinh(e) / e if abs(e) > 1e-15 else 1.0
    odd, even = reciprocal_gammas(m)
    f = 2.0 / math.pi * circle * (odd * math.cosh(e) + even * hyperbola * -d)
    e = math.exp(e)
    p = 1.0 / (e * math.pi * (even - m * odd))
    q = e / (math.pi * (even + m * odd))
    half = 0.5 * a
    r = math.sin(half) / half if abs(half) > 1e-15 else 1.0
    r = math.pi * half * r * r
    c, s = 1.0, -0.25 * x * x
    total, other = f + r * q, p
    k = 0.0
    while k < 500.0:
        k += 1.0
        f = (k * f + p + q) / (k * k - m * m)
        c *= s / k
        p /= k - m
        q /= k + m
        term = c * (f + r * q)
        total += term
        other += c * p - k * term
        if abs(term) < 1e-17 * (1.0 + abs(total)):
            break
    return -total, -other * b


def steed_pq(m: float, x: float) -> tuple[float, float]:
    """The second continued fraction, p + iq (Temme's form of Steed's), x >= 2."""
    a = 0.25 - m * m
    z = complex(-0.5 / x, 1.0)
    b = complex(2.0 * x, 2.0)
    factor = complex(0.0, a / x)
    c = b + factor / z
    d = 1.0 / b
    z *= c * d
    k = 1
    while k < 100000:
        a += 2.0 * k
        b += 2.0j
        d = 1.0 / (a * d + b)
        c = b + a / c
        change = c * d
        z *= change
        k += 1
        if abs(change.real - 1.0) + abs(change.imag) < 1e-16:
            break
    return z.real, z.imag


def bessel_ik(v: float, x: float) -> tuple[float, float]:
    """I times exp(-x) and K times exp(x), of order v >= 0 at x > 0."""
    if x < 1e-60:
        return near_zero(v, x)
    if x > 30.0 and x > v * v:
        i, k, term, n = 1.0, 1.0, 1.0, 0
        while abs(term) > 1e-18 and n < 60:
            n += 1
            following = term * (4.0 * v * v - (2.0 * n - 1.0) ** 2) / (8.0 * n * x)
            if abs(following) > abs(term) and n > v:
                break
            term = following
            k += term
            i += term if n % 2 == 0 else -term
        return i / math.sqrt(2.0 * math.pi * x), k * math.sqrt(0.5 * math.pi / x)
    whole = int(v + 0.5)
    m = v - whole
    h = max(v / x, 1e-300)
    b, d, c = 2.0 * v / x, 0.0, h
    for _ in range(100000):
        b += 2.0 / x
        d = 1.0 / (b + d)
        c = b + 1.0 / c
        change = c * d
        h *= change
        if abs(change - 1.0) < 1e-16:
            break
    i, slope = 1e-250, h * 1e-250
    first, factor = i, v / x
    for _ in range(whole):
        above = factor * i + slope
        factor -= 1.0 / x
        slope = factor * above + i
        i = above
    f = slope / i
    if x < 2.0:
        k, following = temme_k(m, x)
        k, following = k * math.exp(x), following * math.exp(x)
    else:
        k, following = steed_k(m, x)
    i_m = 1.0 / (x * (f * k - (m / x * k - following)))
    for n in range(1, whole + 1):
        k, following = following, (m + n) * 2.0 / x * following + k
    return i_m * (first / i), k


def temme_k(m: float, x: float) -> tuple[float, float]:
    """K of the orders m and m + 1 for x < 2 by Temme's series."""
    b = 2.0 / x
    d = -math.log(b)
    e = m * d
    a = math.pi * m
    circle = a / math.sin(a) if abs(a) > 1e-15 else 1.0
    hyperbola = math.sinh(e) / e if abs(e) > 1e-15 else 1.0
    odd, even = reciprocal_gammas(m)
    f = circle * (odd * math.cosh(e) + even * hyperbola * -d)
    total = f
    e = math.exp(e)
    p = 0.5 / (e * (even - m * odd))
    q = 0.5 * e / (even + m * odd)
    c, s = 1.0, 0.25 * x * x
    other = p
    k = 0.0
    while k < 500.0:
        k += 1.0
        f = (k * f + p + q) / (k * k - m * m)
        c *= s / k
        p /= k - m
        q /= k + m
        total += c * f
        other += c * (p - k * f)
        if abs(c * f) < 1e-17 * abs(total):
            break
    return total, other * b


def steed_k(m: float, x: float) -> tuple[float, float]:
    """K times exp(x) of the orders m and m + 1 for x >= 2 by the second continued fraction and its sum."""
    b = 2.0 * (1.0 + x)
    d = 1.0 / b
    h = change = d
    q1, q2 = 0.0, 1.0
    a1 = 0.25 - m * m
    q = c = a1
    a = -a1
    s = 1.0 + q * change
    for k in range(2, 100000):
        a -= 2.0 * (k - 1)
        c = -a * c / k
        q1, q2 = q2, (q1 - b * q2) / a
        q += c * q2
        b += 2.0
        d = 1.0 / (b + a * d)
        change = (b * d - 1.0) * change
        h += change
        term = q * change
        s += term
        if abs(term) < 1e-17 * abs(s):
            break
    h = a1 * h
    found = math.sqrt(math.pi / (2.0 * x)) / s
    return found, found * (m + x + 0.5 - h) / x


def turned(v: float) -> tuple[float, float]:
    """The cosine and sine of pi * v, exact for whole and half ones."""
    r = v % 2.0
    if r == 0.5 or r == 1.5:
        return 0.0, 1.0 if r == 0.5 else -1.0
    if r == 0.0 or r == 1.0:
        return 1.0 - 2.0 * r, 0.0
    return math.cos(math.pi * r), math.sin(math.pi * r)


def jv(v: float, x: float) -> float:
    """The Bessel function of the first kind (DLMF 10.4.6 for negative orders, 10.11.1 for negative arguments)."""
    v, x = float(v), float(x)
    cosine, sine = turned(v)
    if x != x or v != v or (x < 0.0 and sine != 0.0):
        return math.nan
    if abs(x) == math.inf:
        return 0.0
    if x == 0.0:
        return 1.0 if v == 0.0 else 0.0 if v > 0.0 or sine == 0.0 else math.inf
    j, y = bessel_jy(abs(v), abs(x))
    if v < 0.0:
        j = cosine * j + (sine * y if sine != 0.0 else 0.0)
    return j * cosine if x < 0.0 else j


def yv(v: float, x: float) -> float:
    """The Bessel function of the second kind."""
    v, x = float(v), float(x)
    if not x > 0.0 or v != v:
        return -math.inf if x == 0.0 else math.nan
    if x == math.inf:
        return 0.0
    j, y = bessel_jy(abs(v), x)
    if v < 0.0:
        cosine, sine = turned(-v)
        y = (sine * j if sine != 0.0 else 0.0) + cosine * y
    return y


def ive(v: float, x: float) -> float:
    """The modified Bessel function of the first kind times exp(-abs(x)) (DLMF 10.27.2 for negative orders)."""
    v, x = float(v), float(x)
    cosine, sine = turned(v)
    if x != x or v != v or (x < 0.0 and sine != 0.0):
        return math.nan
    if abs(x) == math.inf:
        return 0.0
    if x == 0.0:
        return 1.0 if v == 0.0 else 0.0 if v > 0.0 or sine == 0.0 else math.inf
    i, k = bessel_ik(abs(v), abs(x))
    if v < 0.0 and sine != 0.0:
        i -= 2.0 / math.pi * sine * k * math.exp(-2.0 * x)
    return i * cosine if x < 0.0 else i


def iv(v: float, x: float) -> float:
    """The modified Bessel function of the first kind."""
    if abs(x) == math.inf:
        return x
    half = math.exp(0.5 * abs(x))
    return ive(v, x) * half * half


def kve(v: float, x: float) -> float:
    """The modified Bessel function of the second kind times exp(x)."""
    v, x = float(v), float(x)
    if not x > 0.0 or v != v:
        return math.inf if x == 0.0 else math.nan
    return bessel_ik(abs(v), x)[1] if x != math.inf else 0.0


def kv(v: float, x: float) -> float:
    """The modified Bessel function of the second kind."""
    return kve(v, x) * math.exp(-x)


def j0(x: float) -> float:
    """J of order 0."""
    return jv(0.0, x)


def j1(x: float) -> float:
    """J of order 1."""
    return jv(1.0, x)


def jn(v: float, x: float) -> float:
    """scipy.special.jn."""
    return jv(v, x)


def y0(x: float) -> float:
    """Y of order 0."""
    return yv(0.0, x)


def y1(x: float) -> float:
    """Y of order 1."""
    return yv(1.0, x)


def yn(v: float, x: float) -> float:
    """scipy.special.yn."""
    return yv(v, x)


def bessel_i0(x: float) -> float:
    """I of order 0."""
    return iv(0.0, x)


def bessel_i1(x: float) -> float:
    """I of order 1."""
    return iv(1.0, x)


def i0e(x: float) -> float:
    """I of order 0 times exp(-abs(x))."""
    return ive(0.0, x)


def i1e(x: float) -> float:
    """I of order 1 times exp(-abs(x))."""
    return ive(1.0, x)


def bessel_k0(x: float) -> float:
    """K of order 0."""
    return kv(0.0, x)


def bessel_k1(x: float) -> float:
    """K of order 1."""
    return kv(1.0, x)


def k0e(x: float) -> float:
    """K of order 0 times exp(x)."""
    return kve(0.0, x)


def k1e(x: float) -> float:
    """K of order 1 times exp(x)."""
    return kve(1.0, x)


def kn(v: float, x: float) -> float:
    """scipy.special.kn."""
    return kv(v, x)
