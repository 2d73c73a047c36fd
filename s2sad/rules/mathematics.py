"""Every function of `math`: smooth ones with exact partials, piecewise constant and integer ones with ZERO.

Where a partial is infinite inside the domain (`sqrt`, `asin`, `cbrt`, ...) the helper `ratio` divides: it
gives an infinity, or 0 for a cotangent of 0, and never raises. Functions that return tuples are in `TUPLES`,
those over sequences in `SEQUENCES`, forms with keyword-only arguments in `KEYWORDS`. A function that Numba
does not know has `jit=False` and, where there is one, a substitute of the same name as `helper`.
"""

from __future__ import annotations

import math
import sys
from collections import ChainMap
from collections.abc import Callable
from typing import Any

import numpy as np

from s2sad.ir.types import BOOL, FLOAT, INT, Bottom, Scalar, Type, Unknown
from s2sad.rules.operators import _pow_base
from s2sad.rules.registry import ZERO, Emit, Infer, Prim, promoted, rule, source


def real(result: Type) -> Infer:
    """A result type that does not depend on the operands', which must be real numbers."""

    def infer(*types: Type) -> Type:
        for t in types:
            if not isinstance(t, (Scalar, Bottom, Unknown)):
                raise TypeError(f"a {t} where a number is needed")
            if isinstance(t, Scalar) and t.kind == "complex":
                raise TypeError("a complex number where a real one is needed")
        return result

    return infer


FLOAT_RESULT, INT_RESULT, BOOL_RESULT = real(FLOAT), real(INT), real(BOOL)


def variadic(text: str) -> Emit:
    """A partial for each operand `x` of any number of them, where the text needs no other operand."""
    return lambda b, env: b.expand(text, env)


def with_names(env: Any, **extra: Any) -> Any:
    """The operands of a rule and some more, without fetching what the rule does not read."""
    return ChainMap(extra, env)


def _constant(*names: str, infer: Infer, effect: str = "raises", jit: bool = True, cost: int = 5) -> None:
    """Functions of one operand that are piecewise constant."""
    for name in names:
        rule(getattr(math, name), f"y = {name}(x)", infer=infer, effect=effect, jit=jit, cost=cost, dx=ZERO)


def _smooth(form: str, dx: str | Emit, **options: Any) -> Prim:
    """A function of one operand with a float result."""
    options = {"infer": FLOAT_RESULT, "cost": 20, **options}
    return rule(getattr(math, form.partition("(")[0]), f"y = {form}", dx=dx, **options)


# -- exponentials and logarithms ----------------------------------------------------------------------

_smooth("exp(x)", "y * dy")
_smooth("exp2(x)", "log(2.0) * y * dy")
_smooth("expm1(x)", "exp(x) * dy")
_smooth("log1p(x)", "dy / (1.0 + x)")
_smooth("log2(x)", "dy / (log(2.0) * x)")
_smooth("log10(x)", "dy / (log(10.0) * x)")


def _log(b: Any, env: Any) -> Any:
    return b.expand("dy / x / log(base)" if "base" in env else "dy / x", env)


def log(x: float, base: float = math.e) -> float:
    """math.log with a base, for Numba."""
    return math.log(x) / math.log(base)


NUMBA_OPERANDS = {"math.log": 1, "math.hypot": 2}
"""How many operands Numba's own version takes; for other numbers there is a substitute in `helper`."""

# a product x * log(base) could underflow to 0
rule(
    math.log, "y = log(x, base)", infer=FLOAT_RESULT, cost=20, helper=source(log),
    dx=_log, dbase="-y * (dy / base / log(base))",
)  # fmt: skip
rule(
    math.pow, "y = pow(a, b)", infer=FLOAT_RESULT, cost=30,
    da=_pow_base, db="kept_product(pow_exponent(a, b, y), dy)",
)  # fmt: skip
_smooth("sqrt(x)", "0.5 * ratio(dy, y)", cost=5)


def cbrt(x: float) -> float:
    """The cube root, for Numba."""
    return np.cbrt(x)  # type: ignore[no-any-return]


_smooth("cbrt(x)", "ratio(ratio(dy, y), 3.0 * y)", effect="none", jit=False, helper=source(cbrt))

# -- circles and hyperbolas ---------------------------------------------------------------------------

_smooth("sin(x)", "cos(x) * dy")
_smooth("cos(x)", "-sin(x) * dy")
_smooth("tan(x)", "(1.0 + y * y) * dy")
_smooth("asin(x)", "ratio(dy, sqrt(one_minus_square(x)))")
_smooth("acos(x)", "-ratio(dy, sqrt(one_minus_square(x)))")
_smooth("atan(x)", "dy / (1.0 + x * x)", effect="none")
_smooth("sinh(x)", "cosh(x) * dy")
_smooth("cosh(x)", "sinh(x) * dy")
_smooth("tanh(x)", "(1.0 - y * y) * dy", effect="none")
_smooth("asinh(x)", "dy / hypot(1.0, x)", effect="none")
_smooth("acosh(x)", "ratio(ratio(dy, sqrt(x - 1.0)), sqrt(x + 1.0))")
_smooth("atanh(x)", "ratio(dy, one_minus_square(x))")
_smooth("degrees(x)", "degrees(dy)", effect="none", cost=1)
_smooth("radians(x)", "radians(dy)", effect="none", cost=1)
rule(
    math.atan2, "y = atan2(a, b)", infer=FLOAT_RESULT, effect="none", cost=30,
    da="ratio(ratio(b, hypot(a, b)) * dy, hypot(a, b))", db="-ratio(ratio(a, hypot(a, b)) * dy, hypot(a, b))",
)  # fmt: skip


def hypot(*xs: float) -> float:
    """math.hypot of any number of operands, for Numba."""
    total = 0.0
    for x in xs:
        total = math.hypot(total, x)
    return total


def _share_of_hypot(b: Any, env: Any) -> Any:
    """Of two legs so that the second derivative, too, is exact where one is much longer."""
    others = env["others"]
    if len(others) != 1:
        return b.expand("ratio(x, y) * dy", env)
    return b.expand("cosine(x, o, y) * dy", with_names(env, o=others[0]))


rule(
    math.hypot, "y = hypot(*xs)", infer=FLOAT_RESULT, effect="none", helper=source(hypot), dxs=_share_of_hypot,
)  # fmt: skip

# -- absolute values, remainders, scaling -------------------------------------------------------------


def quotient(a: float, b: float) -> float:
    """a / b to the nearest whole number, as a float."""
    q = a / b if b != 0.0 else math.nan
    return float(round(q)) if abs(q) < 4503599627370496.0 else q


def scale(x: float, n: int) -> float:
    """x * 2**n, an infinity where math.ldexp raises OverflowError."""
    if x != 0.0 and math.isfinite(x) and math.frexp(x)[1] + n > 1024:
        return math.copysign(math.inf, x)
    return math.ldexp(x, n)


def fmod(a: float, b: float) -> float:
    """math.fmod, for Numba."""
    return np.fmod(a, b)  # type: ignore[no-any-return]


def remainder(a: float, b: float) -> float:
    """math.remainder, for Numba: CPython's m_remainder (Modules/mathmodule.c)."""
    if not math.isfinite(a) or not math.isfinite(b):
        return a if math.isfinite(a) and math.isinf(b) else math.nan
    x, y = abs(a), abs(b)
    m = np.fmod(x, y)
    c = y - m
    r = m if m < c else -c if m > c else m - 2.0 * np.fmod(0.5 * (x - m), y)
    return math.copysign(1.0, a) * r  # type: ignore[no-any-return]


def ulp(x: float) -> float:
    """math.ulp, for Numba."""
    return np.spacing(abs(x)) if math.isfinite(x) else abs(x)


def isclose(a: float, b: float, rel_tol: float = 1e-9, abs_tol: float = 0.0) -> bool:
    """math.isclose with its tolerances by position."""
    if a == b:
        return True
    if math.isinf(a) or math.isinf(b):
        return False
    return abs(a - b) <= max(rel_tol * max(abs(a), abs(b)), abs_tol)


rule(
    quotient, "y = quotient(a, b)", name="s2sad.quotient", helper=source(quotient), effect="none",
    da=ZERO, db=ZERO,
)  # fmt: skip
rule(
    scale, "y = scale(x, n)", name="s2sad.scale", helper=source(scale), effect="none",
    dx="scale(dy, n)", dn=ZERO,
)  # fmt: skip
_smooth("fabs(x)", "dy if x > 0.0 else -dy if x < 0.0 else 0.0", effect="none", cost=1)
rule(
    math.copysign, "y = copysign(a, b)", infer=FLOAT_RESULT, effect="none", cost=1,
    da="0.0 if a == 0.0 else dy if a == y else -dy", db=ZERO,
)  # fmt: skip
for _fn, _substitute in ((math.fmod, fmod), (math.remainder, remainder)):
    rule(
        _fn, f"y = {_fn.__name__}(a, b)", infer=FLOAT_RESULT, jit=False, helper=source(_substitute),
        da="dy", db="-quotient(a - y, b) * dy",
    )  # fmt: skip
rule(math.ldexp, "y = ldexp(x, n)", infer=FLOAT_RESULT, cost=5, dx="scale(dy, n)", dn=ZERO)
rule(math.nextafter, "y = nextafter(a, b)", infer=FLOAT_RESULT, effect="none", da="dy", db=ZERO)
for _fn in filter(None, [getattr(math, "fma", None)]):  # Python 3.13
    rule(_fn, "y = fma(a, b, c)", infer=FLOAT_RESULT, jit=False, da="b * dy", db="a * dy", dc="dy")

# -- piecewise constant and integer functions ---------------------------------------------------------

_constant("floor", "ceil", "trunc", infer=INT_RESULT)
_constant("isfinite", "isinf", "isnan", infer=BOOL_RESULT, effect="none", cost=1)


def factorial(n: int) -> int:
    """math.factorial, for Numba."""
    y = 1
    for k in range(2, n + 1):
        y *= k
    return y


def isqrt(n: int) -> int:
    """math.isqrt, for Numba."""
    y = int(math.sqrt(n))
    while y * y > n:
        y -= 1
    while (y + 1) * (y + 1) <= n:
        y += 1
    return y


def lcm(a: int, b: int) -> int:
    """math.lcm of two numbers, for Numba."""
    return abs(a // math.gcd(a, b) * b) if a != 0 and b != 0 else 0


def comb(n: int, k: int) -> int:
    """math.comb, for Numba."""
    y = 1 if k <= n else 0
    for j in range(min(k, n - k)):
        y = y * (n - j) // (j + 1)
    return y


def perm(n: int, k: int) -> int:
    """math.perm, for Numba."""
    y = 1 if k <= n else 0
    for j in range(k if k <= n else 0):
        y *= n - j
    return y


for _whole in (factorial, isqrt):
    rule(
        getattr(math, _whole.__name__),
        f"y = {_whole.__name__}(n)",
        infer=INT_RESULT,
        jit=False,
        helper=source(_whole),
        cost=5,
        dn=ZERO,
    )
rule(math.ulp, "y = ulp(x)", infer=FLOAT_RESULT, effect="none", jit=False, helper=source(ulp), dx=ZERO)
rule(
    math.isclose, "y = isclose(a, b)", infer=BOOL_RESULT, jit=False, helper=source(isclose), da=ZERO, db=ZERO,
)  # fmt: skip
rule(
    isclose, "y = isclose(a, b, rel_tol, abs_tol)", name="s2sad.isclose", infer=BOOL_RESULT,
    helper=source(isclose), effect="none", da=ZERO, db=ZERO, drel_tol=ZERO, dabs_tol=ZERO,
)  # fmt: skip
rule(math.gcd, "y = gcd(*xs)", infer=INT_RESULT, dxs=ZERO)
rule(math.lcm, "y = lcm(*xs)", infer=INT_RESULT, jit=False, helper=source(lcm), dxs=ZERO)
rule(math.comb, "y = comb(n, k)", infer=INT_RESULT, jit=False, helper=source(comb), dn=ZERO, dk=ZERO)
rule(math.perm, "y = perm(n, k)", infer=INT_RESULT, jit=False, helper=source(perm), dn=ZERO, dk=ZERO)
for _name in ("isnormal", "issubnormal", "signbit"):  # Python 3.15
    if hasattr(math, _name):
        _constant(_name, infer=BOOL_RESULT, effect="none", jit=False, cost=1)
for _name, _sign in (("fmax", ">"), ("fmin", "<")):  # Python 3.15
    if hasattr(math, _name):
        rule(
            getattr(math, _name), f"y = {_name}(a, b)", infer=FLOAT_RESULT, effect="none", jit=False,
            da=f"dy if a {_sign} b or b != b else 0.5 * dy if a == b else 0.0",
            db=f"dy if b {_sign} a or a != a else 0.5 * dy if a == b else 0.0",
        )  # fmt: skip

# -- the gamma and error functions --------------------------------------------------------------------


def digamma(x: float) -> float:
    """The logarithmic derivative of gamma; nan at its poles.

    Abramowitz & Stegun: recurrence 6.3.5 up to 10, asymptotic series 6.3.18, reflection 6.3.7 for x < 0.
    """
    total = 0.0
    if x <= 0.0:
        if x < -4503599627370496.0 or x == math.floor(x):
            return math.nan
        total = -math.pi / math.tan(math.pi * (x - math.floor(x + 0.5)))
        x = 1.0 - x
    while x < 10.0:
        total -= 1.0 / x
        x += 1.0
    s = 1.0 / (x * x)
    tail = 1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s * (691 / 32760 - s / 12)))))
    return total + math.log(x) - 0.5 / x - s * tail


def cot_derivative(n: int, x: float) -> float:
    """The n-th derivative of pi * cot(pi * x): the polynomials P' * (1 + t**2) of t = cot(pi * x)."""
    r = x - math.floor(x + 0.5)
    t = 1.0 / math.tan(math.pi * r) if abs(r) < 0.25 else math.copysign(math.tan(math.pi * (0.5 - abs(r))), r)
    coefficients = [0.0, math.pi]
    for _ in range(n):
        derived = [0.0] * (len(coefficients) + 1)
        for k in range(1, len(coefficients)):
            derived[k - 1] -= math.pi * k * coefficients[k]
            derived[k + 1] -= math.pi * k * coefficients[k]
        coefficients = derived
    total = coefficients[n + 1]
    for k in range(n, -1, -1):
        total = total * t + coefficients[k]
    return total


def polygamma(n: int, x: float) -> float:
    """The n-th derivative of digamma, n >= 1; nan at its poles.

    Abramowitz & Stegun: recurrence 6.4.6 up to n + 20, asymptotic series 6.4.11 (its coefficients
    B_2k / (2k)! are those of Euler and Maclaurin), reflection 6.4.7 for x < 0.
    """
    sign = 1.0 if n % 2 else -1.0
    reflected = 0.0
    if x <= 0.0:
        if x < -4503599627370496.0 or x == math.floor(x):
            return math.nan
        reflected = cot_derivative(n, x)
        x = 1.0 - x
        sign = -1.0
    total = 0.0
    while x < n + 20.0:
        term = 1.0 / x
        for j in range(1, n + 1):
            term *= j / x
        total += term
        x += 1.0
    first = 1.0 / x
    for j in range(1, n):
        first *= j / x
    factor = 1.0
    series = 1.0 + 0.5 * n / x
    k = n
    for divisor in (12.0, -720.0, 30240.0, -1209600.0, 47900160.0, -1307674368000.0 / 691.0, 74724249600.0,
                    -1.067062284288e16 / 3617.0, 5.109094217170944e18 / 43867.0,
                    -8.028576626982912e20 / 174611.0):  # fmt: skip
        factor *= k / x * ((k + 1.0) / x)
        series += factor / divisor
        k += 2
    return sign * (total + first * series) - reflected


rule(
    digamma, "y = digamma(x)", name="s2sad.digamma", infer=FLOAT_RESULT, helper=source(digamma),
    effect="none", cost=60, dx="polygamma(1, x) * dy",
)  # fmt: skip
rule(
    cot_derivative, "y = cot_derivative(n, x)", name="s2sad.cot_derivative", infer=FLOAT_RESULT,
    helper=source(cot_derivative), cost=60, dn=ZERO, dx="cot_derivative(n + 1, x) * dy",
)  # fmt: skip
rule(
    polygamma, "y = polygamma(n, x)", name="s2sad.polygamma", infer=FLOAT_RESULT, helper=source(polygamma),
    needs=("s2sad.cot_derivative",), effect="none", cost=100, dn=ZERO, dx="polygamma(n + 1, x) * dy",
)  # fmt: skip
_smooth("gamma(x)", "digamma(x) * y * dy", cost=40)
_smooth("lgamma(x)", "digamma(x) * dy", cost=40)
_smooth("erf(x)", "2.0 / sqrt(pi) * exp(-x * x) * dy", effect="none")
_smooth("erfc(x)", "-(2.0 / sqrt(pi)) * exp(-x * x) * dy", effect="none")

# -- sequences, spread out as operands ----------------------------------------------------------------


def fsum(*xs: float) -> float:
    """The sum, rounded once."""
    return math.fsum(xs)


def prod(*xs: float) -> float:
    """The product."""
    return math.prod(xs)


def dist(*xs: float) -> float:
    """The distance of two points: the coordinates of one, then of the other."""
    n = len(xs) // 2
    return math.dist(xs[:n], xs[n:])


def sumprod(*xs: float) -> float:
    """The inner product of two vectors: the elements of one, then of the other."""
    n = len(xs) // 2
    return math.sumprod(xs[:n], xs[n:])  # type: ignore[attr-defined,no-any-return,unused-ignore]


def _partner(text: str) -> Emit:
    """A partial that reads the operand's counterpart `p` in the other half."""

    def emit(b: Any, env: Any) -> Any:
        operands, index = env["operands"], env["index"]
        half = len(operands) // 2
        return b.expand(text, with_names(env, p=operands[index + half if index < half else index - half]))

    return emit


def _product_of_others(b: Any, env: Any) -> Any:
    term = env["dy"]
    for other in env["others"]:
        term = b.emit("mul", other, term)
    return term


SEQUENCES: dict[Any, str] = {}
"""Functions over sequences, and the primitive over the elements of all of them in turn."""


def _sequence(fn: Any, over: Callable[..., float], dxs: str | Emit, infer: Infer = FLOAT_RESULT) -> None:
    name = over.__name__
    SEQUENCES[fn] = f"s2sad.{name}"
    rule(over, f"y = {name}(*xs)", name=f"s2sad.{name}", infer=infer, helper=source(over), jit=False, dxs=dxs)


_sequence(math.fsum, fsum, "dy")
_sequence(math.prod, prod, _product_of_others, promoted)
_sequence(math.dist, dist, _partner("ratio(x - p, y) * dy"))
for _fn in filter(None, [getattr(math, "sumprod", None)]):  # Python 3.12
    _sequence(_fn, sumprod, _partner("p * dy"), promoted)

# -- functions that return tuples ---------------------------------------------------------------------


def modf_fraction(x: float) -> float:
    """math.modf(x)[0]."""
    return math.copysign(abs(x) % 1.0 if abs(x) != math.inf else 0.0, x)


def modf_whole(x: float) -> float:
    """math.modf(x)[1]."""
    return math.copysign(abs(x) - abs(x) % 1.0 if abs(x) != math.inf else x, x)


def frexp_mantissa(x: float) -> float:
    """math.frexp(x)[0]."""
    return math.frexp(x)[0]


def frexp_exponent(x: float) -> int:
    """math.frexp(x)[1]."""
    return math.frexp(x)[1]


TUPLES: dict[Any, tuple[str, ...]] = {
    math.modf: ("s2sad.modf_fraction", "s2sad.modf_whole"),
    math.frexp: ("s2sad.frexp_mantissa", "s2sad.frexp_exponent"),
    divmod: ("floordiv", "mod"),
}
"""Functions that return tuples, and the primitives that compute their items."""

for _item, _infer, _dx in (
    (modf_fraction, FLOAT_RESULT, "dy"), (modf_whole, FLOAT_RESULT, ZERO),
    (frexp_mantissa, FLOAT_RESULT, "scale(dy, -frexp_exponent(x))"), (frexp_exponent, INT_RESULT, ZERO),
):  # fmt: skip
    rule(
        _item, f"y = {_item.__name__}(x)", name=f"s2sad.{_item.__name__}", infer=_infer, helper=source(_item),
        effect="none", cost=5, dx=_dx,
    )  # fmt: skip

# -- keyword-only arguments ---------------------------------------------------------------------------

KEYWORDS: dict[Any, str] = {math.isclose: "s2sad.isclose"}
"""The primitive, with all arguments by position, of a function called with keyword-only ones."""


def nextafter_steps(a: float, b: float, steps: int) -> float:
    """math.nextafter by several steps."""
    return math.nextafter(a, b, steps=steps)  # type: ignore[call-arg,unused-ignore]


if sys.version_info >= (3, 12):
    KEYWORDS[math.nextafter] = "s2sad.nextafter_steps"
    rule(
        nextafter_steps, "y = nextafter_steps(a, b, steps)", name="s2sad.nextafter_steps", infer=FLOAT_RESULT,
        helper=source(nextafter_steps), jit=False, da="dy", db=ZERO, dsteps=ZERO,
    )  # fmt: skip
