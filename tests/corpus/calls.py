"""Calls: helpers with every kind of argument, lambdas, nested functions, closures, globals, recursion."""

import math

from tests.corpus import shapes
from tests.corpus.registry import program
from tests.corpus.shapes import soft_step

SCALE = 1.7
SETTINGS_RATE = 0.03
OFFSETS = (0.1, 0.2, 0.3)


def square(t):
    return t * t


def affine(t, slope=2.0, offset=0.5):
    return slope * t + offset


def total(*terms):
    s = 0.0
    for term in terms:
        s = s + term
    return s


def weighted(first, *rest, weight=1.0):
    s = first
    for term in rest:
        s = s + weight * term
    return s


def clamp_to(t, low, high):
    if t < low:
        return low
    if t > high:
        return high
    return t


def polar(x, y):
    return math.sqrt(x * x + y * y), math.atan2(y, x)


def apply_twice(fn, t):
    return fn(fn(t))


def iterate(fn, t, times):
    for _ in range(times):
        t = fn(t)
    return t


def inner_level(t):
    return math.sin(square(t)) + SCALE


def middle_level(t, u):
    return inner_level(t * u) * inner_level(u)


@program((0.7,))
def calls_helper(x):
    return square(x) + square(math.sin(x)) * x


@program((0.7, 1.3))
def calls_with_keywords(x, y):
    return affine(x) + affine(y, offset=x) + affine(offset=y, t=x, slope=x * y) + affine(x, 3.0)


@program((0.7, 1.3))
def calls_star_args(x, y):
    return total(x, y, x * y) * total(x) + total()


@program((0.7, 1.3))
def calls_star_and_keyword(x, y):
    return weighted(x) + weighted(x, y, x * y) + weighted(x, y, weight=y)


@program((0.7, 1.3))
def calls_with_starred_tuple(x, y):
    pair = (x, y)
    return total(*pair, x * y) + affine(*pair)


@program((0.7,), (-0.7,), (5.0,))
def calls_with_early_return(x):
    return clamp_to(x, 0.1 * x - 0.2, 1.0) * x


@program((0.7, 1.3))
def calls_tuple_result(x, y):
    r, phi = polar(x, y)
    s, _ = polar(r, phi)
    return r * math.cos(phi) + s


@program((0.7, 1.3))
def calls_tuple_result_indexed(x, y):
    p = polar(x, y)
    return p[0] * p[1] + polar(y, x)[1]


@program((0.7, 1.3))
def calls_of_calls(x, y):
    return middle_level(x, y) + middle_level(y, inner_level(x))


@program((0.7,))
def calls_nested_in_arguments(x):
    return affine(affine(affine(x), square(x)), offset=square(affine(x)))


@program((0.7,))
def calls_in_loop(x):
    s = x
    for i in range(4):
        s = affine(math.sin(s), slope=0.5 * x, offset=i)
    return s


@program((0.7,))
def calls_in_while_test(x):
    y = x
    while square(y) < 8.0:
        y = affine(y, 1.1)
    return y


@program((0.7, 1.3))
def calls_in_condition(x, y):
    if square(x) < square(y):
        return square(x) if inner_level(x) > 0.0 else square(y)
    return y


@program((0.7, 2.0))
def calls_other_module(x, y):
    return soft_step(x, sharpness=y) + shapes.bump(x) * shapes.bump(y, 0.3)


@program((0.7,))
def reads_globals(x):
    y = SCALE * x
    for offset in OFFSETS:
        y = y + offset * x * x
    return y * math.exp(-SETTINGS_RATE * y)


@program((0.7,))
def lambda_local(x):
    cube = lambda t: t * t * t  # noqa: E731
    return cube(x) + cube(1.0 + x)


@program((0.7, 1.2))
def lambda_captures(x, y):
    shifted = lambda t, by=0.25: t * y + by  # noqa: E731
    return shifted(x) * shifted(y, by=x)


@program((0.7,), tags="higher-order")
def lambda_as_argument(x):
    return apply_twice(lambda t: math.sin(t) + 0.5 * t, x)


@program((0.7,), tags="higher-order")
def function_as_argument(x):
    return iterate(square, x, 3) + iterate(affine, x, 2) + apply_twice(math.sin, x)


@program((0.7, math.cos), (0.7, square), wrt=(0,), tags="higher-order")
def function_parameter(x, fn):
    return fn(x) * x + fn(x * x)


@program((0.7, 1.2), tags="closure")
def nested_def(x, y):
    def local(t):
        return t * t + y

    return local(x) * local(y)


@program((0.7, 1.2), tags="closure")
def nested_def_with_control_flow(x, y):
    def local(t, n):
        for i in range(n):
            t = t * y + i
            if t > 5.0:
                return t * 0.1
        return t

    return local(x, 3) + local(y, 6)


@program((0.7, 1.2), tags="closure")
def closure_sees_later_value(x, y):
    k = x

    def local(t):
        return t * k

    first = local(y)
    k = x * y
    return first + 3.0 * local(y)


@program((0.7, 1.2), tags="closure")
def closure_in_loop(x, y):
    s = 0.0
    for i in range(3):

        def local(t):
            return t * y + i  # noqa: B023

        s = s + local(x) * local(s)
    return s


def make_power(exponent):
    def power(t):
        return t**exponent

    return power


cube_from_factory = make_power(3)


@program((0.7,), tags="closure")
def closure_from_factory(x):
    return cube_from_factory(x) + x


@program((0.7, 2.2), tags="closure")
def closure_returned_inside(x, e):
    return make_power(e)(x) * x


@program((0.9, 5), (0.9, 0), tags="recursion")
def power_recursive(x, n):
    if n == 0:
        return 1.0
    return x * power_recursive(x, n - 1)


@program((0.9, 6), (0.9, 7), tags="recursion")
def power_by_squaring(x, n):
    if n == 0:
        return 1.0
    half = power_by_squaring(x, n // 2)
    if n % 2 == 0:
        return half * half
    return half * half * x


def fib_like(a, b, n):
    if n <= 0:
        return a
    return fib_like(b, a * b + 0.3, n - 1) + 0.1 * a


@program((0.9, 0.4), tags="recursion")
def recursion_two_arguments(a, b):
    return fib_like(a, b, 4) * a


def tree_sum(x, depth):
    if depth == 0:
        return math.sin(x)
    return tree_sum(x * 1.1, depth - 1) * tree_sum(x + 0.2, depth - 1)


@program((0.9,), tags="recursion")
def recursion_binary(x):
    return tree_sum(x, 3)


def even_step(x, n):
    if n == 0:
        return x
    return odd_step(math.sin(x) + 0.1 * n, n - 1)


def odd_step(x, n):
    if n == 0:
        return x * x
    return even_step(x * 1.2, n - 1)


@program((0.9, 4), (0.9, 5), (0.9, 0), tags="recursion mutual")
def mutual_recursion(x, n):
    return even_step(x, n)


def countdown_value(x):
    if x < 1.0:
        return x * x
    return 0.9 * countdown_value(x * 0.6) + x


@program((7.3,), tags="recursion")
def recursion_on_value(x):
    return countdown_value(x)


def simpson_panel(a, b):
    m = 0.5 * (a + b)
    return (b - a) / 6.0 * (math.exp(-a * a) + 4.0 * math.exp(-m * m) + math.exp(-b * b))


def adaptive(a, b, tol, depth):
    m = 0.5 * (a + b)
    whole = simpson_panel(a, b)
    left = simpson_panel(a, m)
    right = simpson_panel(m, b)
    if depth == 0 or abs(left + right - whole) < tol:
        return left + right
    return adaptive(a, m, 0.5 * tol, depth - 1) + adaptive(m, b, 0.5 * tol, depth - 1)


@program((0.2, 1.9), tags="recursion")
def adaptive_simpson(a, b):
    return adaptive(a, b, 1e-5, 6)


@program((0.7,), tags="closure recursion")
def nested_recursion(x):
    def down(t, n):
        if n == 0:
            return t
        return down(t * x + 0.1, n - 1)

    return down(x, 3)
