"""Functions that call themselves and one another: every mode, higher orders, compiled."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2sad import grad, jvp, vjp
from tests.array_checks import Case, check

STEP = 1e-5


def tree(x, depth):
    if depth == 0:
        return math.sin(x)
    return tree(x * 0.5, depth - 1) * x + tree(x + 0.1, depth - 1)


def trees_in_a_loop(x):
    s = 0.0
    for i in range(3):
        s += tree(x * i, i)
    return s


def even(x, n):
    if n == 0:
        return x
    return odd(x * 1.1, n - 1) * x


def odd(x, n):
    if n == 0:
        return x * x
    return even(math.sin(x), n - 1) + x


def halves(a, lo, hi):
    if hi - lo == 1:
        return a[lo] ** 2
    middle = (lo + hi) // 2
    return halves(a, lo, middle) * 0.5 + halves(a, middle, hi)


def sum_of_halves(a):
    return halves(a, 0, len(a))


def scale(a, i):
    if i == len(a):
        return
    a[i] = a[i] * a[i - 1]
    scale(a, i + 1)


def in_place(x, n):
    a = np.zeros(n)
    for i in range(n):
        a[i] = x + i
    scale(a, 1)
    s = 0.0
    for i in range(n):
        s += a[i]
    return s


def loop_inside(x, n):
    s = x
    for i in range(n):
        if s > 5.0:
            break
        s = s * s + loop_inside(x * 0.5, i)
    return s


def ackermann_like(x, m, n):
    if m == 0:
        return x + 0.1 * n
    if n == 0:
        return ackermann_like(x * x, m - 1, 1)
    return ackermann_like(ackermann_like(x, m, n - 1), m - 1, n)


def twice_with_other_activity(x, y):
    return power(x, y, 3) + power(2.0, x, 2) + power(x, 3.0, 2)


def power(a, b, n):
    return b if n == 0 else a * power(a, b, n - 1)


SCALAR = [
    (tree, (1.0, 3)), (tree, (1.0, 0)), (trees_in_a_loop, (1.0,)), (even, (0.7, 3)), (even, (0.7, 4)), (in_place, (0.5, 4)),
    (loop_inside, (0.9, 4)), (loop_inside, (0.9, 0)), (ackermann_like, (0.3, 2, 2)), (twice_with_other_activity, (0.7, 0.4)),
]  # fmt: skip
IDS = [f"{fn.__name__}{args[1:]}" for fn, args in SCALAR]


def difference(fn, args, h=STEP):
    return (fn(args[0] + h, *args[1:]) - fn(args[0] - h, *args[1:])) / (2 * h)


@pytest.mark.parametrize(("fn", "args"), SCALAR, ids=IDS)
def test_orders(fn, args):
    first = grad(fn)
    second, third = grad(first), grad(grad(first))
    assert first(*args) == pytest.approx(difference(fn, args), rel=1e-6, abs=1e-8)
    assert second(*args) == pytest.approx(difference(first, args), rel=1e-6, abs=1e-8)
    assert third(*args) == pytest.approx(difference(second, args), rel=1e-6, abs=1e-8)
    unit = (1.0, *(0 if isinstance(a, int) else 0.0 for a in args[1:]))
    assert jvp(first, args, unit)[1] == pytest.approx(second(*args), rel=1e-12, abs=1e-12)
    assert jvp(fn, args, unit)[1] == pytest.approx(first(*args), rel=1e-12, abs=1e-12)


@pytest.mark.jit
@pytest.mark.parametrize(("fn", "args"), SCALAR, ids=IDS)
def test_compiled(fn, args):
    assert grad(fn, jit=True)(*args) == pytest.approx(grad(fn)(*args), rel=1e-12)


@pytest.mark.jit
@pytest.mark.slow
@pytest.mark.parametrize(("fn", "args"), SCALAR, ids=IDS)
def test_second_order_compiled(fn, args):
    assert grad(grad(fn), jit=True)(*args) == pytest.approx(grad(grad(fn))(*args), rel=1e-12)


@pytest.mark.parametrize("fn", [tree, even])
def test_pullbacks_may_be_called_again(fn):
    value, pull = vjp(fn, 0.7, 3)
    assert value == fn(0.7, 3)
    expected = grad(fn)(0.7, 3)
    assert pull(1.0)[0] == pytest.approx(expected) and pull(2.0)[0] == pytest.approx(2 * expected)
    assert pull(1.0)[0] == pytest.approx(expected)


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.jit)])
def test_arrays_that_are_passed_down(jit):
    a = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert np.array_equal(grad(sum_of_halves, jit=jit)(a), [0.5, 2.0, 3.0, 4.0, 10.0])
    assert np.array_equal(vjp(sum_of_halves, a)[1](2.0)[0], [1.0, 4.0, 6.0, 8.0, 20.0])


def smooth_inwards(v, w, n):
    if n == 0:
        return
    before = v.copy()
    for i in range(1, len(v) - 1):
        v[i] = w[0] * before[i - 1] + w[1] * before[i] * before[i + 1]
    smooth_inwards(v[1:-1], w, n - 1)


def sum_smoothed(v, w):
    smooth_inwards(v, w, 3)
    return np.sum(v**2) * v[2]


def test_slices_that_are_written_further_down():
    """Each call's slice is shorter than the last: one instance serves them all."""
    rng = np.random.default_rng(0)
    check(Case(sum_smoothed, (rng.normal(size=9), rng.normal(size=2))))


# -- memory that is written between a call and the reverse of it --------------------------------------


def squares_down(a, k):
    t = 1.0
    if k > 0:
        t = squares_down(a, k - 1)
    s = 0.0
    for i in range(len(a)):
        s += a[i] * a[i]
    return t * s


def written_after_a_call(x):
    a = x * 1.0
    s = squares_down(a, 2)
    a[1] = 0.0
    a[0] *= 3.0
    return s + a[0]


def sums_down(a, k):
    t = 1.0
    if k > 0:
        t = sums_down(a, k - 1)
    return t * np.sum(a * a)


def written_after_a_sum(x):
    a = x * 1.0
    s = sums_down(a, 2)
    a[1] = 0.0
    return s + a[0]


def taking_turns(n, a, b):
    s = 0.0
    for i in range(len(a)):
        s += a[i] * a[i]
    if n > 0:
        s += taking_turns(n - 1, b, b)
    return s


def written_once_passed_on(x):
    a = x * 1.0
    s = taking_turns(1, a, x)
    a[1] = 5.0
    a[2] = 9.0
    return s + a[0]


def branching_down(a, k):
    t = 1.0
    if k > 0:
        t = branching_down(a, k - 1)
    if a[1] > 0.1:
        t = t * a[1] * a[2]
    else:
        t = t + a[1]
    return t


def written_after_a_branch(x):
    a = x * 1.0
    s = branching_down(a, 2)
    a[1] = -5.0
    return s + a[0]


def row_by_row(m, k):
    if k < 0:
        return 1.0
    row = m[k]
    s = 0.0
    for i in range(len(row)):
        s += row[i] * row[i] * (i + 1)
    return s * row_by_row(m, k - 1)


def written_rows(x):
    m = np.outer(x, x)
    s = row_by_row(m, 2)
    m[1] = 0.0
    return s + m[0, 0]


def down_a_list(parts, k):
    if k < 0:
        return 1.0
    s = 0.0
    for p in parts:
        s += p[k] * p[k]
    return s * down_a_list(parts, k - 1)


def written_parts(x):
    a, b = x * 1.0, x * x
    s = down_a_list([a, b], 2)
    a[1] = 0.0
    b *= 4.0
    return s + a[0] + b[2]


def appended_down(out, x, k):
    if k < 0:
        return 0.0
    a = x * x[k]
    out.append(a)
    s = 0.0
    for i in range(len(a)):
        s += a[i] * a[i]
    return s * s + appended_down(out, x, k - 1)


def written_what_was_appended(x):
    out = []
    s = appended_down(out, x, 2)
    out[0][1] = 4.0
    out[1] *= 3.0
    return s + out[0][0] + np.sum(out[1])


def taking_turns_writing(x, y, k):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * y[i] * y[i]
    if k > 0:
        x[0] = s
        s += taking_turns_writing(y, x, k - 1)
    return s


def written_on_both_sides(x):
    y = x + 1.0
    s = taking_turns_writing(x, y, 3)
    y[0] = s
    x[2] = y[0] * x[1]
    return s + x[2]


def captured_and_written(x):
    z = x * 1.0

    def down(k):
        s = 0.0
        for i in range(3):
            s += z[i] * z[i]
        return s * down(k - 1) if k > 0 else s

    s = down(2)
    z[1] = 8.0
    return s + z[0] * z[1]


WRITTEN = [
    written_after_a_call, written_after_a_sum, written_once_passed_on, written_after_a_branch, written_rows, written_parts,
    written_what_was_appended, written_on_both_sides, captured_and_written,
]  # fmt: skip
REFUSED_COMPILED = {written_rows, written_what_was_appended}  # slices and an empty list passed down


@pytest.mark.parametrize("fn", WRITTEN)
def test_written_between_a_call_and_its_reverse(fn):
    """What a callee read may be another's by the time it is reversed: it keeps what its reverse reads."""
    check(Case(fn, (np.array([0.5, 0.7, -0.3]),)))


@pytest.mark.jit
@pytest.mark.parametrize("fn", [fn for fn in WRITTEN if fn not in REFUSED_COMPILED])
def test_written_between_compiled(fn):
    check(Case(fn, (np.array([0.5, 0.7, -0.3]),)), jit=True)
