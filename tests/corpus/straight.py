"""Straight-line scalar mathematics: operators, all kinds of `math` functions, reuse of names."""

import math

import numpy as np

from tests.corpus.registry import program


@program((3.0, -4.0), tags="golden")
def staged(x, y):
    sigy = 1.0 / (1.0 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    return num * invden


@program((1.3,), (-0.4,))
def cubic(x):
    return x**3 - 2 * x**2 + 3 * x - 1


@program((-2.0, 5.0, -4.0))
def product_of_sum(x, y, z):
    return (x + y) * z


@program((2.0, -3.0, -3.0, -1.0, -2.0))
def sigmoid_neuron(w0, w1, w2, x0, x1):
    return 1.0 / (1.0 + math.exp(-(w0 * x0 + w1 * x1 + w2)))


@program((1.0,))
def sin_sin(x):
    return math.sin(math.sin(x))


@program((0.7,))
def identity(x):
    return x


@program((0.7, 1.1))
def ignores_second(x, y):
    return 2.0 * x


@program((0.7,))
def constant_result(x):
    return 3.5


@program((0.7, 1.9))
def same_name_reused(x, y):
    x = x * y
    x = x + math.sin(x)
    y = x / y
    x = y * y - x
    return x


@program((0.7, 1.9, -0.6))
def swap_and_rotate(a, b, c):
    a, b = b, a * b
    a, b, c = c, a, b
    a, b, c = b * c, c - a, a
    return a + 2.0 * b + 3.0 * c


@program((1.2, 0.4))
def tuple_unpack(x, y):
    p, (q, r) = x * y, (x + y, x - y)
    s = t = p * q
    return s * r + t


@program((1.7, 2.3))
def augmented(x, y):
    a = x
    a += y
    a *= x
    a -= math.cos(y)
    a /= 1.0 + y * y
    a **= 2
    return a


@program((7.3, 2.1), (-7.3, 2.1), (7.3, -2.1))
def floor_and_mod(x, y):
    return x % y + 0.5 * (x // y) * x


@program((1.7, 2.3))
def power_of_both(x, y):
    return x**y + y**x + 2.0**x + x**2.5 + x**-1 + x**0.5


@program((-1.7,))
def negative_base_power(x):
    return x**3 + x**-2 + (-x) ** 1.5


@program((0.3,))
def unary(x):
    return -(-x) + +x - (-(x * -2.0))  # noqa: B002


@program((0.4,), (-0.3,))
def trigonometric(x):
    return math.sin(x) * math.cos(x) + math.tan(x) - math.asin(x) * math.acos(x) + math.atan(x)


@program((0.4,), (-0.3,))
def hyperbolic(x):
    return math.sinh(x) * math.cosh(x) + math.tanh(x) - math.asinh(x) * math.acosh(1.5 + x) + math.atanh(x)


@program((1.4,), (0.6,))
def logs_and_exps(x):
    a = math.log(x) + math.log2(x) * math.log10(x) + math.log1p(x)
    return a * math.exp(-x) + math.expm1(x) + math.exp2(0.5 * x) + math.log(3.0 + x, 2.0)


@program((1.4, 2.2))
def log_with_active_base(x, b):
    return math.log(x, b)


@program((1.4,))
def roots(x):
    return math.sqrt(x) + math.cbrt(x) + math.sqrt(1.0 + x * x)


@program((1.4, -0.6), (-1.4, -0.6))
def two_argument_functions(x, y):
    return math.atan2(y, x) + math.hypot(x, y) + math.pow(x * x, y) + math.copysign(x, y)


@program((1.4, -0.6, 0.9))
def hypot_many(x, y, z):
    return math.hypot(x, y, z) + math.dist((x, y), (y, z))


@program((0.4,))
def error_functions(x):
    return math.erf(x) * math.erfc(2.0 * x)


@program((2.4,), (0.7,))
def gamma_functions(x):
    return math.gamma(x) + math.lgamma(x + 1.0)


@program((3.7,), (-2.3,))
def piecewise_constant(x):
    return x * math.floor(x) + x * math.ceil(x) + x * math.trunc(x)


@program((7.4, 2.3))
def remainders(x, y):
    return math.fmod(x, y) * x + math.remainder(x, y) * y


@program((40.0,))
def degrees_radians(x):
    return math.sin(math.radians(x)) + math.degrees(x) * 0.01


@program((1.6,))
def ldexp_modf(x):
    fractional, whole = math.modf(x)
    return math.ldexp(x, 3) * fractional + whole * x


@program((0.8,))
def math_constants(x):
    return math.pi * x + math.e * x**2 - math.tau / x


@program((0.8, 0.3))
def numpy_scalar_functions(x, y):
    return np.exp(x) * np.sin(y) + np.log(x) * np.sqrt(y) + np.tanh(x * y) + np.arctan2(y, x)


@program((0.8, 0.3))
def numpy_more_functions(x, y):
    return np.maximum(x, y) * np.minimum(x, y) + np.abs(-x) + np.square(y) + np.hypot(x, y) + np.power(x, y)


@program((np.float64(0.8), 0.3))
def numpy_float64_argument(x, y):
    return x * math.sin(y) + y / x


@program((np.float32(0.8), np.float32(0.3)), tags="float32")
def float32_arguments(x, y):
    return x * np.sin(y) + y / x


@program((2, 3.5), wrt=(0, 1), tags="int-wrt")
def integer_wrt(n, x):
    return n * x + x**n + n**2


@program((3, 0.9), tags="int")
def integer_exponent(n, x):
    return x**n + n * x


@program((2, 3, 0.9), tags="int")
def integer_arithmetic(m, n, x):
    k = m * n // 4 + n % m - (m - n) ** 2
    return k * x + x / n + (m / n) * x**2


@program((0.5, 1.5))
def shared_subexpressions(x, y):
    a = math.exp(x * y) + math.sin(x * y)
    b = math.exp(x * y) * math.sin(x * y)
    return a * b + math.exp(x * y)


@program((0.5, 1.5))
def dead_statements(x, y):
    unused = math.exp(x) * y
    also_unused = unused * 2.0
    also_unused += 1.0
    return x * y


@program((0.5, 1.5), wrt=("y",))
def wrt_by_name(x, y):
    return x * y**2 + x


@program((0.5, 1.5, 0.2), wrt=("z", "x"))
def wrt_names_reordered(x, y, z):
    return x * y + math.sin(z) * x


@program((0.5,))
def d_named_variables(dx):
    x = 2.0 * dx
    ddx = x * dx
    d = ddx + x
    return d * math.sin(ddx)


@program((0.3, 0.7))
def keyword_like_names(tape, out):
    forward = tape * out
    reverse = forward + tape
    return reverse * math.cos(forward)


@program((0.31,))
def expression_swell(x):
    return 64 * x * (1 - x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x**2) ** 2


@program((0.3, 0.4, 0.5))
def long_expression(a, b, c):
    """A docstring, an annotation and one long expression."""
    t: float = a * b + b * c + c * a - a * b * c / (1.0 + a**2 + b**2 + c**2)
    u: float
    u = math.sin(t) * math.exp(-a) + math.cos(t) * math.exp(-b) - math.tanh(t) / math.cosh(c)
    pass
    return u * t + a / b / c - (a - (b - c)) * -u
