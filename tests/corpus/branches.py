"""Branches: if/elif/else, early returns, conditional expressions, boolean values, walrus, partial binding."""

import math

from tests.corpus.registry import program


@program((1.5,), (-0.5,))
def leaky_relu(x):
    if x > 0.0:
        y = x
    else:
        y = 0.1 * x
    return y * y


@program((-2.0,), (0.4,), (1.7,), (5.0,))
def elif_chain(x):
    if x < -1.0:
        y = -2.0 * x - 1.0
    elif x < 1.0:
        y = x * x
    elif x < 3.0:
        y = 2.0 * x - 1.0
    else:
        y = math.log(x)
    return y + x


@program((0.5, 2.0), (2.0, 0.5))
def if_without_else(x, y):
    r = x * y
    if x > y:
        r = r * x
        y = r - 1.0
    return r + y


@program((0.5, 1.0), (-0.5, 1.0), (0.5, -1.0), (-0.5, -1.0))
def nested_branches(x, y):
    if x > 0.0:
        if y > 0.0:
            z = x * y
        else:
            z = x - y
            y = z * z
    else:
        z = math.exp(x)
        if y > 0.0:
            x = z + y
    return z * x + y


@program((0.5,), (-0.5,))
def early_return(x):
    if x < 0.0:
        return math.exp(x) - 1.0
    return x + 0.5 * x * x


@program((0.2,), (1.2,), (2.2,), (9.0,))
def early_return_ladder(x):
    if x < 1.0:
        return x
    if x < 2.0:
        return x * x
    y = math.sqrt(x)
    if x < 3.0:
        return y * x
    return y


@program((0.2, 1.0), (2.0, 1.0), (2.0, -1.0))
def return_in_one_nested_branch(x, y):
    z = x * y
    if x > 1.0:
        z = z + 1.0
        if y > 0.0:
            return z * z
        z = z * y
    z = z * 3.0
    return z + y


@program((0.4, 1.0), (1.4, 1.0))
def code_after_return_branch(x, y):
    if x > 1.0:
        y = y * x
        return y * y
    else:
        y = y - x
    y = y * 2.0
    return y


@program((0.7,), (-0.7,))
def both_branches_return(x):
    if x > 0.0:
        return math.log1p(x)
    else:
        return math.expm1(x)


@program((0.4,), (1.4,))
def bound_in_some_branch(x):
    big = x > 1.0
    if big:
        t = math.sin(x)
    y = x * x
    if big:
        y = y + t
    return y


@program((0.4, 0.9), (0.9, 0.4))
def swap_in_branch(x, y):
    lo, hi = x, y
    if lo > hi:
        lo, hi = hi, lo
    return lo * 2.0 + hi * hi


@program((0.4,), (-1.4,))
def conditional_expression(x):
    y = x * x if x > 0.0 else -3.0 * x
    return y + (math.sqrt(x) if x > 0.0 else x)


@program((0.4,), (1.4,), (2.4,))
def nested_conditional_expression(x):
    return x if x < 1.0 else x * x if x < 2.0 else math.log(x)


@program((0.4, 3.0), (-0.4, 3.0))
def guarded_domain(x, y):
    # the untaken branch would raise
    s = math.sqrt(x) if x > 0.0 else 0.0
    r = math.log(x) * y if x > 0.0 else y
    return s + r


@program((0.4, 0.7), tags="logic")
def or_value(x, y):
    return (x or y) * y


@program((0.0, 0.7), wrt=(1,), tags="logic")
def or_value_of_zero(x, y):
    return (x or y * y) + (x and y) * 3.0 + y


@program((0.4, 0.7), tags="logic")
def and_value(x, y):
    z = x and y
    return z * x


@program((0.4, 0.7, 0.2), tags="logic")
def and_or_chain(x, y, z):
    a = x and y and z
    b = x or y or z
    return a * 2.0 + b * 3.0 + (x and y or z)


@program((0.4, 0.7), (1.4, 0.7), (0.4, 1.7), tags="logic")
def boolean_test(x, y):
    if x < 1.0 and y < 1.0:
        return x * y
    if not x > 1.0 or x > y:
        return x - y * y
    return x / y


@program((0.4, 0.7), (0.7, 0.4), tags="logic")
def short_circuit_guard(x, y):
    if x > y and math.sqrt(x - y) > 0.1:
        return math.sqrt(x - y)
    return x * y


@program((0.4, 0.7), (-0.4, 0.7), tags="logic")
def flags_as_numbers(x, y):
    up = x > 0.0
    return up * y + (not up) * y * y + x


@program((0.4,), (1.4,), (-0.4,))
def chained_comparison(x):
    if 0.0 < x < 1.0:
        return x * (1.0 - x)
    return math.sin(x)


@program((0.2, 0.5, 0.9), (0.5, 0.2, 0.9))
def long_chained_comparison(a, b, c):
    y = a * b * c
    if 0.0 < a < b <= c != 5.0:
        y = y + a
    return y


@program((0.4, 2.0), tags="walrus")
def walrus_expression(x, y):
    z = (t := x * y) * t + t
    return z + t


@program((0.4, 2.0), (0.9, 2.0), tags="walrus")
def walrus_in_test(x, y):
    if (t := x * y) > 1.0:
        return math.log(t)
    return t * t


@program((0.4, 2.0), (1.2, 2.0), (1.2, 0.3), tags="walrus logic")
def walrus_in_conjunction(x, y):
    if (a := math.sin(x)) > 0.5 and (b := math.cos(y) + x) > 0.9:
        return a * b
    return a + y


@program((0.4, 2.0), (-0.4, 2.0), tags="walrus")
def walrus_in_conditional_expression(x, y):
    return (s := x * y) * 2.0 if x > 0.0 else (s := x - y) + s


@program((0.4, 1), (0.4, 2), (0.4, 7), tags="int")
def branch_on_int(x, mode):
    if mode == 1:
        return math.sin(x)
    elif mode == 2:
        return math.cos(x)
    else:
        return x * mode


@program((0.4, True), (0.4, False), tags="int")
def branch_on_bool(x, squared):
    y = x * x if squared else x
    return 3.0 * y


@program((0.4, "call"), (0.4, "put"), tags="string")
def branch_on_string(x, kind):
    if kind == "call":
        return math.exp(x)
    return math.exp(-x)


@program((0.4, None), (0.4, 2.5), wrt=(0,), tags="none")
def branch_on_none(x, scale):
    if scale is None:
        scale = 1.0
    return x * x * scale


@program((0.4,))
def assert_and_pass(x):
    assert x > 0.0, "x must be positive"
    if x > 1.0:
        pass
    y = math.log(x)
    assert y < 10.0
    return y * x


@program((0.4,), tags="print nojit")
def prints(x):
    y = x * x
    print("y =", y)
    label = f"value {y:.3f} at {x!r}"
    print(label)
    return y + len(f"{1}ab") * x


@program((0.4, 0.3), (1.4, 0.3))
def int_or_float_merge(x, y):
    if x > 1.0:
        k = 2
    else:
        k = y * 0.5
    return k * x + y


@program((0.4,), (1.4,))
def constant_in_one_branch(x):
    y = 0
    if x > 1.0:
        y = x * x
    return y + 2.0 * x


@program((-0.3, 0.9), (0.3, 0.9))
def huber(r, delta):
    a = abs(r)
    if a <= delta:
        return 0.5 * r * r
    return delta * (a - 0.5 * delta)


@program((1.4,), (0.3,), (-0.7,))
def smoothstep(x):
    if x <= 0.0:
        t = 0.0
    elif x >= 1.0:
        t = 1.0
    else:
        t = x
    return t * t * (3.0 - 2.0 * t) + x
