"""Names that are bound again while generated code still reads what they stood for: bounds of loops, sizes, tests."""

from __future__ import annotations

import numpy as np
import pytest

import s2sad
from tests.array_checks import Case, both_targets, collector

CASES: list[Case] = []
case = collector(CASES)
X, Y = np.array([0.5, 0.6, 0.7, 0.8]), np.linspace(1.0, 1.6, 7)


@case(1.5, 3)
def a_bound_made_of_a_number(p, k):
    n = k + 1
    k = 10
    for _ in range(n):
        k = k + 1
    return p * k


@case(1.5, 3)
def twice_a_number(p, n):
    m = 2 * n
    n = 0
    for i in range(m):
        n += i
    return p * n


@case(1.5, 3, 4.0)
def of_another_kind(p, n, c):
    m = n * n
    n = c
    for _ in range(m):
        n = n * 0.5
    return p * n


@case(1.5, 3)
def two_bounds(p, n):
    low, high = n - 2, n + 2
    n = 1.0
    for i in range(low, high):
        n = n * 0.5 + i * p
    return p * n


@case(1.5, 3)
def nested(p, n):
    a, b = n + 1, n + 2
    n = 2.0
    for _ in range(a):
        for j in range(b):
            n = n * 0.9 + j * p
    return p * n


@case(1.3, X, Y)
def of_the_length_before(p, x, y):
    n = len(x)
    x = y
    s = 0.0
    for i in range(n):
        s += x[i]
        x = x * 2.0
    return p * s


@case(1.3, X, Y)
def of_the_length_before_backward(p, x, y):
    n = x.size - 1
    x = y
    s = 0.0
    for i in range(n, -1, -1):
        s += x[i] * p
        x = x * x[i]
    return s + np.sum(x)


@case(X, Y)
def swapped(x, y):
    x, y = y, x
    s = 0.0
    for i in range(len(y)):
        s += x[i] * y[i]
        x = x * 0.5
    return s


@case(X, Y)
def of_a_part(x, y):
    z = x[1:] * 2.0
    n = len(z)
    z = y
    for i in range(n):
        z = z * 0.5 + z[i]
    return np.sum(z) * np.sum(x)


@case(np.ones((2, 3)), X)
def of_a_matrix(A, y):
    s = np.sum(A**2)
    n, m = A.shape
    A = y
    for i in range(m):
        s += A[i] * n
        A = A * 0.5
    return s


@case(X)
def an_argument_that_grows(x):
    n = len(x)
    x = np.append(x, 1.0)
    for i in range(n - 1, -1, -1):
        x = x * 0.9 + x[i] * x[i + 1]
    return np.sum(x)


@case(X)
def an_argument_that_shrinks(x):
    total = np.zeros(len(x))
    while len(x) > 1:
        x = x[1:] * 2.0
        if len(x) == 1:
            total = total + x
    return total.sum()


@case(np.array([0.7]))
@case(X)
def halves(x):
    s = np.sum(x)
    while len(x) > 1:
        x = x[::2] * x[::2]
    return s + np.sum(x**2)


test_exact, test_compiled = both_targets(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_columns(case):
    """The loop over the columns of a Jacobian reads the arguments' sizes each time."""
    for k, a in enumerate(case.args):
        if isinstance(a, np.ndarray):
            reverse = s2sad.grad(case.fn, wrt=k)(*case.args)
            assert s2sad.jacfwd(case.fn, wrt=k)(*case.args) == pytest.approx(reverse), k


NEVER = False


@pytest.mark.jit
def test_a_loop_that_is_known_not_to_run():
    def f(x):
        s = 0.0
        while NEVER:
            s += x
        return s + x

    def after_a_turn(x):
        y = None
        while y is None:
            y = x * x
        return np.sum(y)

    assert s2sad.grad(f)(0.7) == s2sad.grad(f, jit=True)(0.7) == 1.0
    assert s2sad.grad(after_a_turn)(X) == pytest.approx(2.0 * X)
    assert s2sad.grad(after_a_turn, jit=True)(X) == pytest.approx(2.0 * X)
