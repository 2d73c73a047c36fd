"""Functions of scipy.special of one number, for Numba, which has no scipy: each is written into the modules that need it.

Each does what scipy's does, with its values at the edges of the domain, to about 1e-13 relative. They are made of `math` and of
one another and call what they call by its own name; a formula's source is named where it is used (DLMF: the NIST Digital Library
of Mathematical Functions).
"""

from __future__ import annotations

import math

import numpy as np

from s2sad.rules.mathematics import digamma, polygamma

# -- error functions (DLMF 7) ---------------------------------------------------------------------------


def erf(x: float) -> float:
    """scipy.special.erf."""
    return math.erf(x)


def erfc(x: float) -> float:
    """scipy.special.erfc."""
    return math.erfc(x)


def erfcx(x: float) -> float:
    """exp(x * x) * erfc(x): the square in two parts, far out Laplace's continued fraction (DLMF 7.9.1)."""
    if x < -26.7:
        return math.inf
    if x < 8.0:
        high = math.floor(x * 4096.0) / 4096.0
        return math.exp(high * high) * math.exp((x - high) * (x + high)) * math.erfc(x)
    if x > 1e8 or x != x:
        return 0.5641895835477563 / x
    fraction = 0.0
    for k in range(60, 0, -1):
        fraction = 0.5 * k / (x + fraction)
    return 0.5641895835477563 / (x + fraction)


def dawsn(x: float) -> float:
    """Dawson's integral: its power series, Rybicki's exponentially accurate sums of step 0.2 (1989, Computers in Physics 3), far out
    the asymptotic series (DLMF 7.12.1)."""
    z = abs(x)
    if z != z:
        return x
    if z < 0.3:
        term = total = x
        for k in range(1, 16):
            term *= -2.0 * x * x / (2.0 * k + 1.0)
            total += term
        return total
    if z > 12.0:
        term = total = 1.0
        for k in range(1, 20):
            term *= (2.0 * k - 1.0) / (2.0 * x * x)
            total += term
        return 0.5 * total / x
    even = 2 * math.floor(0.5 * z / 0.2 + 0.5)
    rest = z - even * 0.2
    total = 0.0
    for k in range(-37, 38, 2):
        total += math.exp(-((rest - k * 0.2) ** 2)) / (even + k)
    return math.copysign(0.5641895835477563 * total, x)


def erfi(x: float) -> float:
    """scipy.special.erfi, by Dawson's integral; the square in two parts."""
    z = abs(x)
    if not z <= 26.7:
        return math.copysign(math.inf, x) if x == x else x
    high = math.floor(z * 4096.0) / 4096.0
    return 1.1283791670955126 * (dawsn(x) * math.exp((z - high) * (z + high))) * math.exp(high * high)


def erfcinv(c: float) -> float:
    """The inverse of erfc: Winitzki's approximation, then Newton's method on the logarithm."""
    if not 0.0 < c < 2.0:
        return math.inf if c == 0.0 else -math.inf if c == 2.0 else math.nan
    mirrored = c > 1.0
    if mirrored:
        c = 2.0 - c
    log = math.log(c * (2.0 - c))
    half = 4.330746750799873 + 0.5 * log
    y = math.sqrt(max(math.sqrt(half * half - log / 0.147) - half, 0.0))
    for _ in range(20):
        if c > 0.1:
            step = (math.erfc(y) - c) / (1.1283791670955126 * math.exp(-y * y))
        else:
            scaled = erfcx(y)
            step = (math.log(scaled / c) - y * y) * 0.886226925452758 * scaled
        y += step
        if not abs(step) > 1e-16 * abs(y):
            break
    return -y if mirrored else y


def erfinv(x: float) -> float:
    """The inverse of erf."""
    if x > 0.5:
        return erfcinv(1.0 - x)
    if x < -0.5:
        return -erfcinv(1.0 + x)
    y = 0.886226925452758 * x
    for _ in range(20):
        step = (math.erf(y) - x) / (1.1283791670955126 * math.exp(-y * y))
        step /= 1.0 + y * step
        y -= step
        if not abs(step) > 1e-16 * abs(y):
            break
    return y


def ndtr(x: float) -> float:
    """The normal distribution's cumulative function."""
    return 0.5 * math.erfc(-0.7071067811865476 * x)


def log_ndtr(x: float) -> float:
    """The logarithm of ndtr(x)."""
    if x == -math.inf:
        return x
    if x > -1.0:
        return math.log1p(-0.5 * math.erfc(0.7071067811865476 * x))
    return math.log(0.5 * erfcx(-0.7071067811865476 * x)) - 0.5 * x * x


def ndtri(p: float) -> float:
    """The inverse of ndtr."""
    if not 0.0 < p < 1.0:
        return -math.inf if p == 0.0 else math.inf if p == 1.0 else math.nan
    return -1.4142135623730951 * erfcinv(2.0 * p) if p < 0.5 else 1.4142135623730951 * erfinv(2.0 * p - 1.0)


# -- gamma and beta functions (DLMF 5, 8) ----------------------------------------------------------------


def gamma(x: float) -> float:
    """scipy.special.gamma."""
    if x <= 0.0 and x == math.floor(x):
        return math.copysign(math.inf, x) if x == 0.0 else math.nan
    return math.gamma(x)


def gammaln(x: float) -> float:
    """The logarithm of the absolute value of gamma(x)."""
    return math.lgamma(x)


def loggamma(x: float) -> float:
    """The logarithm of gamma(x), nan where x is negative."""
    return math.lgamma(x) if x >= 0.0 else math.nan


def rgamma(x: float) -> float:
    """1 / gamma(x), 0 at its poles."""
    if x <= 0.0 and x == math.floor(x):
        return 0.0
    return (
        1.0 / math.gamma(x)
        if abs(x) < 170.0
        else math.exp(-math.lgamma(x))
        if x > 0.0
        else 1.0 / math.gamma(x)
    )


def psi(x: float) -> float:
    """scipy.special.psi."""
    return digamma(x) if x != 0.0 else math.copysign(math.inf, -x)


def zeta(s: float, q: float) -> float:
    """Hurwitz's zeta function by Euler's and Maclaurin's sum (DLMF 25.11.28 and 2.10.1), s > 1."""
    if s <= 1.0 or s != s or q != q:
        return math.inf if s == 1.0 else math.nan
    if q <= 0.0 and (q == math.floor(q) or s != math.floor(s)):
        return math.inf if q == math.floor(q) else math.nan
    total, k = 0.0, 0
    while k < 10 or q < 10.0:
        total += q**-s
        q += 1.0
        k += 1
    power = q**-s
    total += power * (q / (s - 1.0) + 0.5)
    factor = s * power / q
    j = 1.0
    for divisor in (12.0, -720.0, 30240.0, -1209600.0, 47900160.0, -1307674368000.0 / 691.0, 74724249600.0,
                    -1.067062284288e16 / 3617.0, 5.109094217170944e18 / 43867.0,
                    -8.028576626982912e20 / 174611.0):  # fmt: skip
        total += factor / divisor
        factor *= (s + j) * (s + j + 1.0) / (q * q)
        j += 2.0
    return total


def polygamma_of(n: float, x: float) -> float:
    """scipy.special.polygamma, of any whole order."""
    return polygamma(int(n), x) if n > 0.0 else digamma(x)


def stirling_rest(x: float) -> float:
    """gammaln(x) - ((x - 0.5) * log(x) - x + 0.5 * log(2 pi)) for x >= 10 (DLMF 5.11.1)."""
    s = 1.0 / (x * x)
    return (
        1 / 12
        - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * (691 / 360360 - s / 156)))))
    ) / x


def betaln(a: float, b: float) -> float:
    """The logarithm of the absolute value of beta(a, b); Didonato & Morris (1992), ACM TOMS 708, where b is large."""
    if a > b:
        a, b = b, a
    if b < 10.0 or a <= 0.0:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    rest = stirling_rest(b) - stirling_rest(a + b)
    if a < 10.0:
        return math.lgamma(a) + rest + a - a * math.log(b) - (a + b - 0.5) * math.log1p(a / b)
    rest += stirling_rest(a)
    h = a / b
    return (
        rest
        + 0.9189385332046728
        - 0.5 * math.log(b)
        + (a - 0.5) * math.log(h / (1.0 + h))
        - b * math.log1p(h)
    )


def beta(a: float, b: float) -> float:
    """scipy.special.beta."""
    if a > 0.0 and b > 0.0 and a + b > 20.0:
        return math.exp(betaln(a, b))
    if (a <= 0.0 and a == math.floor(a)) or (b <= 0.0 and b == math.floor(b)):
        return math.inf
    return gamma(a) * gamma(b) * rgamma(a + b)


def gamma_density(a: float, x: float) -> float:
    """x**a * exp(-x) / gamma(a + 1), without cancellation where a is large (Loader 2000)."""
    if a < 10.0:
        return math.exp(a * math.log(x) - x - math.lgamma(a + 1.0))
    u = (x - a) / a
    if abs(u) < 0.1:  # u - log1p(u) by its series
        t = u / (2.0 + u)
        total, power = 0.0, t * t
        for k in range(3, 31, 2):
            total += power / k
            power *= t * t
        excess = u * t - 2.0 * t * total
    else:
        excess = u - math.log(x / a)
    return math.exp(-a * excess - stirling_rest(a)) / math.sqrt(2.0 * math.pi * a)


def gammaincc_or_not(a: float, x: float, upper: bool) -> float:
    """The regularised incomplete gamma functions: the series DLMF 8.11.4 or the continued fraction 8.9.2 (by Lentz's method)."""
    if not (a >= 0.0 and x >= 0.0) or (a == 0.0 and x == 0.0):
        return math.nan
    if x == 0.0 or a == 0.0 or x == math.inf:
        return 1.0 if upper == (x == 0.0) else 0.0
    if x < a + 1.0:
        term = total = 1.0
        k = a
        while term > 1e-17 * total:
            k += 1.0
            term *= x / k
            total += term
        lower = gamma_density(a, x) * total
        return 1.0 - lower if upper else lower
    b = x + 1.0 - a
    c, d = 1e300, 1.0 / b
    h, k, change = d, 0.0, 0.0
    while abs(change - 1.0) > 1e-16 and k < 100000.0:
        k += 1.0
        b += 2.0
        term = -k * (k - a)
        d = 1.0 / (term * d + b)
        c = b + term / c
        change = c * d
        h *= change
    found = gamma_density(a, x) * a * h
    return found if upper else 1.0 - found


def gammainc(a: float, x: float) -> float:
    """scipy.special.gammainc."""
    return gammaincc_or_not(a, x, False)


def gammaincc(a: float, x: float) -> float:
    """scipy.special.gammaincc."""
    return gammaincc_or_not(a, x, True)


def betainc(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function: the continued fraction DLMF 8.17.22, by Lentz's method."""
    if not (a > 0.0 and b > 0.0 and 0.0 <= x <= 1.0):
        return math.nan
    if x == 0.0 or x == 1.0:
        return x
    swapped = x > (a + 1.0) / (a + b + 2.0)
    y = 1.0 - x
    if swapped:
        a, b, x, y = b, a, y, x
    c = 1.0
    d = 1.0 / (1.0 - (a + b) * x / (a + 1.0))
    h, k, change = d, 0.0, 0.0
    while abs(change - 1.0) > 1e-16 and k < 100000.0:
        k += 1.0
        term = k * (b - k) * x / ((a + 2.0 * k - 1.0) * (a + 2.0 * k))
        d = 1.0 / (1.0 + term * d)
        c = 1.0 + term / c
        h *= c * d
        term = -(a + k) * (a + b + k) * x / ((a + 2.0 * k) * (a + 2.0 * k + 1.0))
        d = 1.0 / (1.0 + term * d)
        c = 1.0 + term / c
        change = c * d
        h *= change
    found = (
        math.exp(a * math.log(x) + b * (math.log(y) if y < 0.5 else math.log1p(-x)) - betaln(a, b)) * h / a
    )
    return 1.0 - found if swapped else found


# -- logistic functions and entropies ---------------------------------------------------------------------


def stdtr(df: float, x: float) -> float:
    """scipy.special.stdtr, the distribution function of Student's t: DLMF 8.17 with x = df / (df + t**2)."""
    if not df > 0.0 or math.isnan(x):
        return math.nan
    tail = 0.5 * betainc(0.5 * df, 0.5, df / (df + x * x))
    return 1.0 - tail if x > 0.0 else tail


def expit(x: float) -> float:
    """The logistic function."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def log_expit(x: float) -> float:
    """The logarithm of the logistic function."""
    return -math.log1p(math.exp(-x)) if x >= 0.0 else x - math.log1p(math.exp(x))


def logit(x: float) -> float:
    """The inverse of the logistic function."""
    if not 0.0 < x < 1.0:
        return -math.inf if x == 0.0 else math.inf if x == 1.0 else math.nan
    s = 2.0 * (x - 0.5)
    return math.log1p(s) - math.log1p(-s) if abs(s) < 0.5 else math.log(x / (1.0 - x))


def xlogy(a: float, x: float) -> float:
    """a * log(x), 0 for a = 0."""
    return 0.0 if a == 0.0 and x == x else a * np.log(x)  # type: ignore[no-any-return]


def xlog1py(a: float, x: float) -> float:
    """a * log1p(x), 0 for a = 0."""
    return 0.0 if a == 0.0 and x == x else a * np.log1p(x)  # type: ignore[no-any-return]


def entr(x: float) -> float:
    """-x * log(x), 0 at 0 and -inf below."""
    return -x * math.log(x) if x > 0.0 else x if x != x else 0.0 if x == 0.0 else -math.inf


def rel_entr(a: float, b: float) -> float:
    """a * log(a / b)."""
    if a != a or b != b:
        return math.nan
    if a > 0.0 and b > 0.0:
        ratio = a / b
        return (
            a * math.log(ratio)
            if 0.5 < ratio < 2.0 or not 1e-300 < ratio < 1e300
            else a * (math.log(a) - math.log(b))
        )
    return 0.0 if a == 0.0 and b >= 0.0 else math.inf


def kl_div(a: float, b: float) -> float:
    """a * log(a / b) - a + b."""
    if a != a or b != b:
        return math.nan
    if a > 0.0 and b > 0.0:
        return a * (math.log(a) - math.log(b)) - a + b
    return b if a == 0.0 and b >= 0.0 else math.inf


def cbrt(x: float) -> float:
    """The cube root, for Numba."""
    return np.cbrt(x)  # type: ignore[no-any-return]


def exp2(x: float) -> float:
    """2**x."""
    return np.exp2(x)  # type: ignore[no-any-return]


def exp10(x: float) -> float:
    """10**x."""
    return 10.0**x  # type: ignore[no-any-return]


def expm1(x: float) -> float:
    """exp(x) - 1."""
    return math.expm1(x)


def log1p(x: float) -> float:
    """log(1 + x)."""
    return np.log1p(x)  # type: ignore[no-any-return]


def cosm1(x: float) -> float:
    """cos(x) - 1."""
    s = math.sin(0.5 * x)
    return -2.0 * s * s


def exprel(x: float) -> float:
    """(exp(x) - 1) / x."""
    return math.expm1(x) / x if x != 0.0 and x != math.inf else 1.0 + x
