"""NumPy's ufuncs, and the functions and casts like them.

NumPy gives inf or nan and a warning where `math` raises, so the partials divide through `over` where the
forward value already warned (`log` at 0), and through the helper `ratio` where it did not (`sqrt` at 0): the
reverse sweep raises nowhere, and warns nowhere the forward did not. Names in a text mean NumPy's own first.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from s2sad.ir.types import BOOL, NONE, Array, Scalar, Type, scalar_of
from s2sad.rules.complexes import absolute_partial, is_complex, real_type
from s2sad.rules.mathematics import FLOAT_RESULT, TUPLES, with_names
from s2sad.rules.operators import _literal, by_denominator, div_denominator
from s2sad.rules.registry import ZERO, Emit, Infer, Prim, boolean, numpy_float, numpy_same, rule, source

LN2, LN10 = math.log(2.0), math.log(10.0)


def ufunc(form: str, infer: Infer | Type = numpy_float, **options: Any) -> Prim:
    """Declare `numpy.<name>` from its form, e.g. "exp(x)"."""
    name = form.partition("(")[0]
    options = {"effect": "none", **options}
    return rule(getattr(np, name), f"y = {form}", name=f"numpy.{name}", infer=infer, **options)


def _weak(operand: Any) -> bool:
    """Whether an operand is a Python number, whose division by zero raises."""
    return isinstance(operand.type, Scalar) and operand.type.dtype is None


def over(top: str, bottom: str) -> Emit:
    """The partial `top / bottom` where the forward warned of a zero bottom and Python's numbers raise."""

    def emit(b: Any, env: Any) -> Any:
        numerator, denominator = b.expand(top, env, "numpy"), b.expand(bottom, env, "numpy")
        raises = _weak(numerator) and _weak(denominator)
        return b.emit("s2sad.ratio" if raises else "div", numerator, denominator)

    return emit


def piecewise_constant(*forms: str, infer: Infer | Type = numpy_float, **options: Any) -> None:
    """Ufuncs whose result does not vary with any operand."""
    for form in forms:
        operands = form[form.index("(") + 1 : -1].split(",")
        ufunc(form, infer, cost=5, **{f"d{o.strip()}": ZERO for o in operands}, **options)


# -- arithmetic ---------------------------------------------------------------------------------------

ufunc("add(a, b)", numpy_same, cost=1, da="dy", db="dy")
ufunc("subtract(a, b)", numpy_same, cost=1, da="dy", db="-dy")
ufunc("multiply(a, b)", numpy_same, cost=1, da="b * dy", db="a * dy")
ufunc("negative(x)", numpy_same, cost=1, dx="-dy")
ufunc("positive(x)", numpy_same, cost=1, dx="dy")


ufunc("divide(a, b)", cost=5, da=by_denominator, db=div_denominator)
ufunc("reciprocal(x)", numpy_same, cost=5, dx="-y * y * dy")
ufunc("square(x)", numpy_same, cost=1, dx="2.0 * x * dy")
ufunc("mod(a, b)", numpy_same, cost=5, da="dy", db="-floor_divide(a, b) * dy")
ufunc("fmod(a, b)", numpy_same, cost=5, da="dy", db="-trunc(divide(a, b)) * dy")


def _power_exponent(b: Any, env: Any) -> Any:
    if is_complex(env["a"].type) or is_complex(env["b"].type):
        return b.expand("log(a + 0j) * y * dy", env, "numpy")
    return b.expand("kept_product(pow_exponent(a, b, y), dy)", env)


def _power_base(b: Any, env: Any) -> Any:
    n = _literal(env["b"])
    if (n is None or 0 < n < 1) and (is_complex(env["a"].type) or is_complex(env["b"].type)):
        return b.expand("b * power(a, b - 1.0) * dy", env, "numpy")
    if n == 0:
        return None
    if n == 1:
        return env["dy"]
    if n == 2:
        return b.expand("2.0 * a * dy", env)
    if n is None or 0 < n < 1 or not math.isfinite(n):
        return b.expand("kept_product(pow_base(a, b, y), dy)", env)
    if n < 0:
        return over(f"{float(n)!r} * y * dy", "a")(b, env)
    return b.expand(f"{float(n)!r} * power(a, {n - 1!r}) * dy", env, "numpy")


for _name in ("power", "float_power"):
    ufunc(
        f"{_name}(a, b)", numpy_same if _name == "power" else Scalar("float", "float64"), cost=30,
        da=_power_base, db=_power_exponent,
    )  # fmt: skip
piecewise_constant("floor_divide(a, b)", "gcd(a, b)", "lcm(a, b)", infer=numpy_same)

# -- roots, exponentials and logarithms ---------------------------------------------------------------


def _sqrt(b: Any, env: Any) -> Any:
    """Infinite at 0, also compiled, for reals; Numba's copysign takes no complex numbers."""
    return b.expand("0.5 * dy / y" if is_complex(env["x"].type) else "0.5 * ratio(dy, y)", env)


ufunc("sqrt(x)", cost=5, dx=_sqrt)
ufunc("cbrt(x)", cost=20, dx="ratio(ratio(dy, y), 3.0 * y)")
ufunc("hypot(a, b)", cost=10, da="cosine(a, b, y) * dy", db="cosine(b, a, y) * dy")
ufunc("exp(x)", cost=20, dx="y * dy")
ufunc("exp2(x)", cost=20, dx=f"{LN2} * y * dy")
ufunc("expm1(x)", cost=20, dx="exp(x) * dy")
ufunc("log(x)", cost=20, dx=over("dy", "x"))
ufunc("log1p(x)", cost=20, dx=over("dy", "1.0 + x"))
ufunc("log2(x)", cost=20, dx=over("dy", f"{LN2} * x"))
ufunc("log10(x)", cost=20, dx=over("dy", f"{LN10} * x"))
ufunc("logaddexp(a, b)", cost=40, da="logistic(difference(a, b)) * dy", db="logistic(difference(b, a)) * dy")
ufunc(
    "logaddexp2(a, b)", cost=40, da=f"logistic({LN2} * difference(a, b)) * dy",
    db=f"logistic({LN2} * difference(b, a)) * dy",
)  # fmt: skip

# -- circles and hyperbolas ---------------------------------------------------------------------------

ufunc("sin(x)", cost=20, dx="cos(x) * dy")
ufunc("cos(x)", cost=20, dx="-sin(x) * dy")
ufunc("tan(x)", cost=20, dx="(1.0 + y * y) * dy")
ufunc("arcsin(x)", cost=20, dx="ratio(dy, sqrt(one_minus_square(x)))")
ufunc("arccos(x)", cost=20, dx="-ratio(dy, sqrt(one_minus_square(x)))")
ufunc("arctan(x)", cost=20, dx="dy / (1.0 + x * x)")
ufunc("sinh(x)", cost=20, dx="cosh(x) * dy")
ufunc("cosh(x)", cost=20, dx="sinh(x) * dy")
ufunc("tanh(x)", cost=20, dx="(1.0 - y * y) * dy")


def _arcsinh(b: Any, env: Any) -> Any:
    """1 / sqrt(1 + x²), by hypot where that does not overflow for reals."""
    text = "dy / sqrt(x * x + 1.0)" if is_complex(env["x"].type) else "dy / hypot(1.0, x)"
    return b.expand(text, env, "numpy")


ufunc("arcsinh(x)", cost=20, dx=_arcsinh)
ufunc("arccosh(x)", cost=20, dx="ratio(ratio(dy, sqrt(x - 1.0)), sqrt(x + 1.0))")
ufunc("arctanh(x)", cost=20, dx=over("dy", "one_minus_square(x)"))
ufunc("arctan2(a, b)", cost=30, da="ratio(ratio(b, hypot(a, b)) * dy, hypot(a, b))",
      db="-ratio(ratio(a, hypot(a, b)) * dy, hypot(a, b))")  # fmt: skip
for _name in ("degrees", "radians", "deg2rad", "rad2deg"):
    ufunc(f"{_name}(x)", cost=1, dx=f"{_name}(dy)")


def sinc_derivative(n: int, x: float) -> float:
    """The n-th derivative of sin(pi x) / (pi x).

    Near 0 termwise from the power series, else by z s[m] = sin(z + m pi/2) - m s[m-1] with z = pi x, which is
    Leibniz's rule on z s = sin z.
    """
    z = math.pi * x
    if not math.isfinite(z):
        return math.nan
    if abs(z) <= n + 1.0:
        term = z if n % 2 else 1.0
        m = n % 2
        if (n + 1) // 2 % 2:
            term = -term
        total = 0.0
        for _ in range(2 * n + 24):
            total += term / (n + m + 1)
            term *= -z * z / ((m + 1) * (m + 2))
            m += 2
    else:
        turn = math.pi * np.fmod(x, 2.0)  # exactly as far into a period as x
        total = math.sin(turn) / z
        for m in range(1, n + 1):
            wave = math.cos(turn) if m % 2 else math.sin(turn)
            total = ((wave if m % 4 < 2 else -wave) - m * total) / z
    for _ in range(n):
        total *= math.pi
    return total


rule(
    sinc_derivative, "y = sinc_derivative(n, x)", name="s2sad.sinc_derivative", infer=FLOAT_RESULT,
    helper=source(sinc_derivative), effect="none", cost=60, dn=ZERO, dx="sinc_derivative(n + 1, x) * dy",
)  # fmt: skip
ufunc("sinc(x)", cost=30, dx="sinc_derivative(1, x) * dy")

# -- absolute values, extrema, choices ----------------------------------------------------------------

ufunc("absolute(x)", lambda x: real_type(x) if is_complex(x) else numpy_same(x), cost=1, dx=absolute_partial)
ufunc("fabs(x)", cost=1, dx="sign(x) * dy")
ufunc("copysign(a, b)", cost=1, da="sign(a) * copysign(1.0, b) * dy", db=ZERO)


def _extremum(text: str, greater: str, less: str) -> Emit:
    """The partial of maximum or minimum by one operand: of arrays as products."""

    def emit(b: Any, env: Any) -> Any:
        if isinstance(env["dy"].type, Array):
            return b.emit("s2sad.if_greater", env["dy"], env[greater], env[less])
        return b.expand(text, env)

    return emit


for _name, _sign in (("maximum", ">"), ("minimum", "<")):
    _pair = ("a", "b") if _sign == ">" else ("b", "a")
    ufunc(
        f"{_name}(a, b)", numpy_same, cost=1,
        da=_extremum(f"dy if a {_sign} b else 0.5 * dy if a == b else 0.0", *_pair),
        db=_extremum(f"dy if b {_sign} a else 0.5 * dy if a == b else 0.0", *_pair[::-1]),
    )  # fmt: skip
for _name, _sign in (("fmax", ">"), ("fmin", "<")):
    ufunc(
        f"{_name}(a, b)", numpy_same, cost=1, da=f"dy if a {_sign} b or b != b else 0.5 * dy if a == b else 0.0",
        db=f"dy if b {_sign} a or a != a else 0.5 * dy if a == b else 0.0",
    )  # fmt: skip


def _clipped(*types: Type) -> Type:
    return numpy_same(*(t for t in types if t != NONE))


def _clip(operand: str) -> Emit:
    """minimum(maximum(x, lo), hi), with each one's ties, as in JAX; a bound may be None."""

    def emit(b: Any, env: Any) -> Any:
        low, high = (name in env and env[name].type != NONE for name in ("lo", "hi"))
        raised = b.expand("maximum(x, lo)", env, "numpy") if low else env["x"]
        env = with_names(env, m=raised)
        if operand == "hi":
            return b.expand("dy if hi < m else 0.5 * dy if hi == m else 0.0", env)
        if high:
            env = with_names(env, dy=b.expand("dy if m < hi else 0.5 * dy if m == hi else 0.0", env))
        if not low:
            return env["dy"]
        a, o = ("x", "lo") if operand == "x" else ("lo", "x")
        return b.expand(f"dy if {a} > {o} else 0.5 * dy if {a} == {o} else 0.0", env)

    return emit


def clip(x: float, lo: float, hi: float) -> float:
    """np.clip of numbers, for Numba."""
    return np.minimum(np.maximum(x, lo), hi)  # type: ignore[no-any-return]


def fix(x: float) -> float:
    """np.fix of a number, for Numba."""
    return np.trunc(x)  # type: ignore[no-any-return]


def heaviside(x: float, h: float) -> float:
    """np.heaviside of numbers, for Numba."""
    return h if x == 0.0 else x if x != x else 1.0 if x > 0.0 else 0.0


ufunc(
    "clip(x, lo, hi)", _clipped, cost=5, jit=False, helper=source(clip),
    dx=_clip("x"), dlo=_clip("lo"), dhi=_clip("hi"),
)  # fmt: skip
ufunc(
    "where(c, a, b)", lambda c, a, b: numpy_same(a, b), cost=1,
    da="dy if c else 0.0", db="0.0 if c else dy", dc=ZERO,
)  # fmt: skip
ufunc("nan_to_num(x)", numpy_same, cost=5, dx="dy if isfinite(x) else 0.0")
ufunc("heaviside(x, h)", cost=1, jit=False, helper=source(heaviside), dx=ZERO, dh="dy if x == 0.0 else 0.0")

# -- piecewise constant functions and those of the representation -------------------------------------

ufunc("ldexp(x, n)", lambda x, n: numpy_float(x), cost=5, dx="scale(dy, n)", dn=ZERO)
ufunc("nextafter(a, b)", cost=5, da="dy", db=ZERO)
piecewise_constant("floor(x)", "ceil(x)", "rint(x)", "trunc(x)", "spacing(x)")
if hasattr(np, "fix"):  # deprecated since NumPy 2.5
    piecewise_constant("fix(x)", jit=False, helper=source(fix))
piecewise_constant("sign(x)", infer=numpy_same)
piecewise_constant("round(x, decimals)", infer=lambda x, *decimals: numpy_same(x))
piecewise_constant("around(x, decimals)", infer=lambda x, *decimals: numpy_same(x))
piecewise_constant("isnan(x)", "isinf(x)", "isfinite(x)", "signbit(x)", "logical_not(x)", infer=BOOL)
piecewise_constant(
    "greater(a, b)", "greater_equal(a, b)", "less(a, b)", "less_equal(a, b)", "equal(a, b)",
    "not_equal(a, b)", "logical_and(a, b)", "logical_or(a, b)", "logical_xor(a, b)", infer=boolean,
)  # fmt: skip

# -- casts --------------------------------------------------------------------------------------------

for _name in ("float64", "float32"):
    ufunc(f"{_name}(x)", scalar_of(_name), effect="raises", cost=1, dx="dy")
for _name in ("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8"):
    ufunc(f"{_name}(x)", scalar_of(_name), effect="raises", cost=1, dx=ZERO)
rule(np.bool_, "y = bool_(x)", name="numpy.bool_", infer=scalar_of("bool"), effect="none", cost=1, dx=ZERO)

TUPLES[np.divmod] = ("numpy.floor_divide", "numpy.mod")
