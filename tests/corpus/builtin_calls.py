"""Builtins on scalars and element reads, iteration, zip and enumerate over lists, tuples and arrays."""

import math

import numpy as np

from tests.corpus.registry import arr, program


@program((0.7, -1.2), (-0.7, 1.2))
def absolute(x, y):
    return abs(x) * y + abs(y * x) - math.fabs(y)


@program((0.7, 1.2), (1.2, 0.7))
def min_max_two(x, y):
    return max(x, y) * 2.0 + min(x, y) ** 2


@program((0.7, 1.2, -0.4), (-0.4, 0.2, 1.3))
def min_max_many(x, y, z):
    return max(x, y, z) * min(x, y, z, 0.15) + max(0.05, x * y)


@program((0.7, 1.2))
def min_max_of_tuple(x, y):
    return max((x, y, x * y)) + min([x, y]) * x


@program((0.7, 1.2))
def sum_of_tuple(x, y):
    return sum((x, y, x * y)) + sum([x, x * x], 0.5)


@program((0.7, 1.2))
def pow_builtin(x, y):
    return pow(x, y) + pow(x, 3) + pow(2.0, y)


@program((7.3, 2.1), (-7.3, 2.1))
def divmod_builtin(x, y):
    q, r = divmod(x, y)
    return q * x + r * r


@program((7.31,))
def round_builtin(x):
    return round(x) * x + round(x, 1) * 0.5 * x


@program((7.31, 2), tags="int")
def int_and_float(x, n):
    k = int(x)
    return k * x + float(n) * x + float(x) * int(n) + k // n


@program((7.31, 0.0), (7.31, 1.0), wrt=(0,))
def bool_builtin(x, y):
    flag = bool(y)
    if flag:
        return x * y
    return x + y * x


@program((0.7, [1.0, 2.0, -0.5]), tags="list")
def len_of_list(x, values):
    return x * len(values) + values[0] * x * x


@program((0.7, [1.0, 2.0, -0.5]), (0.7, (1.0, 2.0, -0.5)), (0.7, arr(1.0, 2.0, -0.5)), wrt=(0,), tags="list")
def polynomial_coefficients(x, coefficients):
    y = 0.0
    for c in coefficients:
        y = y * x + c
    return y


@program((0.7, [1.0, 2.0, -0.5]), (0.7, ()), (0.7, arr(1.0, 2.0)), wrt=(0,), tags="list zero-trips")
def element_reads_by_range(x, values):
    s = x
    for i in range(len(values)):
        s = math.sin(s) + values[i] * x
    return s


@program(
    (0.3, -0.2, [1.0, 2.0, 4.0], [0.9, 0.1, 0.6]),
    (0.3, -0.2, arr(1.0, 2.0, 4.0), arr(0.9, 0.1, 0.6)),
    wrt=(0, 1),
    tags="list zip",
)
def zip_regression(a, b, xs, ys):
    loss = 0.0
    for x, y in zip(xs, ys):  # noqa: B905
        residual = a * x + b - y
        loss += residual * residual
    return loss / len(xs)


@program((0.3, [1.0, 2.0, 4.0], (0.9, 0.1)), tags="list zip")
def zip_unequal_lengths(a, xs, ys):
    s = 0.0
    for x, y in zip(xs, ys):  # noqa: B905
        s = s * a + x * y * a
    return s


@program((0.3, [1.0, 2.0, 4.0]), (0.3, arr(1.0, 2.0, 4.0)), wrt=(0,), tags="list enumerate")
def enumerate_series(a, values):
    s = 0.0
    for i, v in enumerate(values):
        s += v * a ** (i + 1)
    return s


@program((0.3, [1.0, 2.0, 4.0], (0.5, 0.1, 0.3)), tags="list enumerate zip")
def enumerate_start_and_zip(a, values, weights):
    s = a
    for i, (v, w) in enumerate(zip(values, weights), 1):  # noqa: B905
        s += math.sin(v * a) * w / i
    return s


@program((0.3, [3, 1, 2]), tags="list int")
def integer_list(a, powers):
    s = 0.0
    for p in powers:
        s += a**p
    return s


@program((0.3, [1.0, 2.0, 4.0], 1), (0.3, [1.0, 2.0, 4.0], -1), tags="list int")
def element_read_by_argument(a, values, k):
    return values[k] * a + values[-2] * a * a


@program((0.3, [[1.0, 2.0], [3.0, 0.5]]), tags="list nested nojit")
def list_of_lists(a, rows):
    s = 0.0
    for row in rows:
        for v in row:
            s = s * a + v * a
    return s * rows[0][1]


@program((0.3, 1.7), tags="tuple")
def tuple_of_actives(x, y):
    t = (x * y, x + y, y)
    return t[0] * t[-1] + t[1] * len(t)


@program((0.3, 1.7), tags="tuple")
def iterate_tuple_of_actives(x, y):
    p = 1.0
    for v in (x, y, x * y):
        p = p * math.sin(v) + v
    return p


@program((0.3, 1.7), tags="tuple")
def tuple_carried_by_loop(x, y):
    state = (x, y)
    for _ in range(3):
        state = (state[1], state[0] * state[1] + 0.2)
    return state[0] + 2.0 * state[1]


@program((0.3, (1.0, 2.0)), tags="tuple")
def tuple_argument_unpacked(x, pair):
    a, b = pair
    return a * x + b * x * x


@program(((0.3, 1.7),), wrt=(0,), tags="tuple nest")
def tuple_wrt(pair):
    a, b = pair
    return a * math.exp(b) + b


@program(([0.3, 1.7, 0.4],), wrt=(0,), tags="list nest")
def list_wrt(values):
    s = 0.0
    for v in values:
        s = s * values[0] + math.sin(v)
    return s


@program(({"rate": 0.3, "time": 1.7},), wrt=(0,), tags="dict nest nojit")
def dict_wrt(market):
    return math.exp(-market["rate"] * market["time"]) + market["rate"]


@program((0.3, arr(1, 2, 0, dtype=np.int64), arr(0.5, 1.5, 2.5)), wrt=(0,), tags="array")
def indirect_reads(x, order, values):
    s = x
    for k in order:
        s = s * 0.5 + math.sin(values[k] * x)
    return s


@program((0.3, [1.0, 2.0, 4.0]), (9.3, [1.0, 2.0, 4.0]), tags="list break")
def search_in_table(x, knots):
    for i, knot in enumerate(knots):  # noqa: B007
        if knot > x:
            break
    else:
        return x * 0.1
    return knot * x + i * x * x


@program((0.3, [1.0, -2.0, 4.0]), tags="list continue")
def skip_negative(x, values):
    s = 0.0
    for v in values:
        if v < 0.0:
            continue
        s += math.log(v + x)
    return s


@program((0.3, [1.0, 2.0]), tags="list mutated")
def list_argument_mutated(x, log):
    log[0] = 5.0
    return x * log[0] + x * log[1]
