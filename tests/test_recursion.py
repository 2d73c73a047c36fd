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
