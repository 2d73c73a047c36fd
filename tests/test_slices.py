"""Slices with computed bounds: those of the same bounds have the same size, which the adjoints rely on."""

from __future__ import annotations

import numpy as np
import pytest

import s2sad
from tests.array_checks import Case, check, collector

CASES: list[Case] = []
case = collector(CASES)
X = np.array([1.5, 0.7, 2.0, 1.1, -0.4, 0.9])


@case(X)
def carried_slices(x):
    y = x[:2]
    for i in range(3):
        z = x[i : i + 2]
        y = y * z + z
    return np.sum(y * y)


@case(X)
def shrinking(x):
    y = x
    for i in range(3):
        y = y[1:] * 2 + x[i + 1 :]
    return np.sum(y * y)


@case(X)
def previous_slice(x):
    s = 0.0
    prev = x[0:]
    for i in range(1, 4):
        cur = x[i:]
        s += np.sum(prev[1:] * cur)
        prev = cur
    return s


@case(X)
def the_start_moves(x):
    k = 0
    s = 0.0
    while k < 4:
        a = x[k:]
        k += 1
        b = x[k:]
        s += np.sum(a[:-1] * b)
    return s


@case(X)
def slices_that_may_have_one_element(x):
    s = 0.0
    for k in range(6):
        a = x[k : k + 1]
        s += np.sum(a * x)
        b = x[k : k + 2]
        if len(b) == 2 or len(b) == 1:
            s += np.sum(b * b[:1])
    return s


@case(X)
def rows_from_the_diagonal(x):
    A = x.reshape(2, 3).copy()
    for k in range(2):
        for i in range(2):
            if i != k:
                A[i, k:] -= A[k, k:] * 0.3
                A[i, : k + 1] *= A[k, : k + 1]
    return np.sum(A * A)


@case(X)
def slices_in_a_list(x):
    rows = []
    for i in range(3):
        rows.append(x[i:])
    t = 0.0
    for i in range(3):
        r = rows[i]
        t += np.sum(r * x[i:])
    q = rows[0]
    for i in range(3):
        q = rows[i]
    return t + np.sum(q * x[3:5][:1])


@case(X, 6)
def halves(x, n):
    h = n // 2
    lo, hi = x[:h], x[h:]
    lo2, hi2 = x[:h] * 2, x[h:n]
    return np.sum(lo * lo2) + np.sum(hi * hi2) + np.sum(lo * hi)


@case(X)
def shifted_in_place(x):
    y = x.copy()
    for i in range(5):
        j = i + 1
        y[j:] = y[j:] * 0.5 + y[i:-1] * x[i + 1 :]
        y[i:] -= y[i : i + 1] * 0.1
    return np.sum(y**2)


@case(X)
def slices_of_helpers(x):
    def shift(v, k):
        return v[k:]

    s = 0.0
    for k in range(3):
        s += np.sum(shift(x, k) * x[k:]) + np.sum(shift(x, k + 1) * x[k + 1 :])
    return s


@case(X)
def another_array_in_every_branch(x):
    a = x
    for k in range(1, 3):
        b = a[k:]
        if k == 1:
            a = b * 2
        else:
            a = a[k:] * b
    return np.sum(a)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_slices(case):
    check(case)


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_slices_compiled(case):
    check(case, jit=True)


def mirrored(a):
    c = np.zeros_like(a)
    for i in range(len(a)):
        c[i:, i] = a[i:, i] ** 2
        c[i, i:] = c[i:, i]
    return np.sum(np.sin(c) * a)


def mirrored_beside(a):
    c = a * a
    c[0, 1:] = c[1:, 0]
    c[1:, 1] = c[1, 1:]
    c[-1, -2:] = 0.5
    return np.sum(np.sin(c) * a)


@pytest.mark.parametrize("f", [mirrored, mirrored_beside])
def test_a_row_and_a_column_that_meet_where_they_are_equal(f):
    a = np.random.default_rng(3).normal(size=(4, 4))
    expected = np.zeros_like(a)
    for at in np.ndindex(a.shape):
        d = np.zeros_like(a)
        d[at] = 1e-6
        expected[at] = (f(a + d) - f(a - d)) / 2e-6
    np.testing.assert_allclose(s2sad.grad(f)(a), expected, rtol=1e-6, atol=1e-8)


def test_a_row_and_a_column_that_meet_elsewhere_are_refused():
    def f(a, i):
        c = a * a
        c[i, :] = c[:, i]
        return np.sum(c)

    with pytest.raises(s2sad.S2sadError, match="other steps"):
        s2sad.grad(f)(np.ones((3, 3)), 1)
