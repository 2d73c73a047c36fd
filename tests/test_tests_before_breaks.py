"""What leaves a loop right after a test of sizes that nothing else hangs on: the loop is left."""
# ruff: noqa: F841

from __future__ import annotations

import numpy as np
import pytest

from s2sad import grad, value_and_grad
from tests.checks import check_function

X, P, W = np.array([1.0, 2.0, 3.0]), np.array([0.5, 1.5, 2.0]), np.array([[1.0, 2.0, 3.0], [0.5, 0.7, 0.9]])


def in_a_while(x, p):
    k = 0
    while k < 3:
        k += 1
        x[0] += x[1] * x[1]
        if x[2] > 0:
            unread = p[[0, 2, -2]] - p
            break
    return np.sum(x * x)


def in_a_for(x, p):
    for k in range(3):
        x[0] *= x[1]
        if k == 1:
            unread = x + p
            break
    return x[0]


def behind_two_tests(x, p):
    s = 0.0
    for k in range(4):
        s += x[0] * x[1]
        if x[2] > 0:
            if k > 1:
                unread = p[:3] * x
                break
    return s * s


def in_both_branches(x, p):
    s = 1.0
    while True:
        s *= x[1]
        if s > 5.0:
            unread = x * p
            break
        else:
            other = x - p
            s += x[2]
            continue
    return s


def in_an_inner_loop(x, W):
    s = 0.0
    for i in range(len(W)):
        for j in range(3):
            s += W[i, j] * x[j]
            if j == i:
                unread = W[i] + x
                break
    return s * x[0]


def where_the_function_returns(x, p):
    for k in range(3):
        x[1] *= x[0] + k
        if k > 0:
            unread = x * p
            return x[1]
    return x[0]


def first_of_all(x, p):
    """The test could move before the loop; what leaves the loop may not."""
    for k in range(3):
        if x[2] > 0:
            unread = p * x
            break
        x[0] *= 5.0 * x[1]
    return x[0]


PROGRAMS = (
    (in_a_while, (X, P)), (in_a_for, (X, P)), (behind_two_tests, (X, P)), (in_both_branches, (X, P)),
    (in_an_inner_loop, (X, W)), (where_the_function_returns, (X, P)), (first_of_all, (X, P)),
)  # fmt: skip


@pytest.mark.parametrize(("fn", "args"), PROGRAMS, ids=[fn.__name__ for fn, _ in PROGRAMS])
def test_loop_is_left(fn, args):
    report = check_function(fn, args, (0, 1), require_differences=True, modes=True)
    assert report.ok, "\n".join(map(str, report.problems))


@pytest.mark.parametrize(("fn", "args"), PROGRAMS[::3], ids=[fn.__name__ for fn, _ in PROGRAMS[::3]])
def test_loop_is_left_compiled(fn, args):
    found = grad(fn, wrt=(0, 1), jit=True)(*(a.copy() for a in args))
    for a, b in zip(found, grad(fn, wrt=(0, 1))(*(a.copy() for a in args)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_the_test_stays():
    with pytest.raises(ValueError, match="line 21"):
        value_and_grad(in_a_while)(X.copy(), np.ones(4))
