"""Arrays of positions and masks that change after something was read or written at them."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import S2sadError, grad
from tests.array_checks import Case, both_targets, collector

CASES: list[Case] = []
case = collector(CASES)


def X():
    return np.array([0.1, 0.2, 0.3])


@case(X())
def changed_after_a_read(x):
    p = np.array([0, 1])
    s = np.sum(x[p] ** 2)
    p[0] = 2
    return s


@case(X())
def a_mask_negated(x):
    act = np.array([True, False, False])
    y = x.copy()
    y[act] *= 3.0
    act[:] = ~act
    return np.sum(y**2)


@case(X())
def reads_and_writes(x):
    p = np.array([0, 1])
    y = np.zeros(3)
    y[p] = x[:2] ** 2
    p += 1
    y[p] += x[1:] * x[0]
    p[:] = 0
    return np.sum(y**2)


@case(X())
def several_axes(x):
    A = np.outer(x, x)
    p = np.array([0, 2])
    s = np.sum(A[np.ix_(p, p)] ** 2)
    p[1] = 1
    s += np.sum(A[:, p] ** 3) + np.sum(A[p, p])
    p[0] = 2
    return s


@case(X())
def rows_of_positions(x):
    P = np.array([[0, 1], [1, 2]])
    s = 0.0
    for row in P:
        s += np.sum(x[row]) * x[0]
    P[:, 0] = 2
    return s + np.sum(x[P] ** 2)


@case(X())
def an_alias(x):
    p = np.array([0, 1])
    q = p
    s = np.sum(x[q] ** 2)
    p[0] = 2
    return s


@case(X())
def taken(x):
    p = np.array([0, 1])
    s = np.sum(np.take(x, p) ** 2)
    p[0] = 2
    return s


@case(X())
def taken_along_an_axis(x):
    p = np.array([0, 1, 2])
    s = np.sum(np.take_along_axis(x, p, 0) ** 2 * np.arange(3))
    p[0] = 2
    return s


@case(X())
def added_and_put(x):
    p = np.array([0, 1])
    y = x.copy()
    np.add.at(y, p, x[1:] ** 2)
    p[0] = 2
    np.put(y, p, x[:2] * x[2])
    p[1] = 0
    return np.sum(y * y)


@case(X())
def chosen_and_counted(x):
    p = np.array([0, 1, 0])
    s = np.sum(np.choose(p, [x, x * x]))
    p[0] = 1
    s += np.sum(np.bincount(p, weights=x) ** 2)
    p[1] = 0
    return s


@case(X())
def refilled_in_a_loop(x):
    p = np.array([0, 1])
    s = 0.0
    for k in range(3):
        p[0] = k
        p[1] = (k + 1) % 3
        s += x[p] @ x[p] * (k + 1)
    return s


@case(X())
def a_mask_in_a_while(x):
    y = x.copy()
    act = y < 2.0
    while act.any():
        y[act] = y[act] * 2
        act[y > 1] = False
    return np.sum(y)


@case(X())
def a_mask_element_by_element(x):
    ok = np.zeros(3, dtype=bool)
    s = 0.0
    for k in range(3):
        for j in range(3):
            ok[j] = j <= k
        s += np.sum(x[ok] ** 2)
    return s


@case(X())
def by_a_helper(x):
    def h(p):
        p[0] = 2

    p = np.array([0, 1])
    s = np.sum(x[p] ** 2)
    h(p)
    return s


@case(X())
def pivots(x):
    A = np.outer(x, x) + np.eye(3)
    piv = np.arange(3)
    s = 0.0
    for k in range(2):
        piv[k], piv[k + 1] = piv[k + 1], piv[k]
        s += np.sum(A[piv] * (k + 1) * np.arange(9).reshape(3, 3))
        B = A.copy()
        B[piv] = A * 2
        s += np.sum(B * A)
    return s


@case(X())
def a_list(x):
    p = [0, 1]
    s = np.sum(x[p] ** 2)
    p[0] = 2
    s += np.sum(x[p] ** 3)
    return s


@case(X())
def two_arrays(x):
    i = np.array([0, 1])
    j = np.array([1, 2])
    A = np.outer(x, x)
    s = A[i, j].sum()
    i[0] = 2
    A[i, j] *= x[0]
    j[1] = 0
    s += A[j, i] @ x[:2]
    return s + A.sum()


@case(X())
def masks_elsewhere(x):
    m = np.array([True, False, True])
    s = np.sum(np.where(m, x, x**2))
    m[0] = False
    s += np.sum(x * m) + np.sum(x, where=m) + np.sum(np.compress(m, x))
    m[:] = False
    return s


@case(X())
def counts_and_exponents(x):
    n = np.array([1, 2, 3])
    s = np.sum(np.repeat(x, n) ** 2)
    n[0] = 5
    s += np.sum(x**n)
    n[1] = 1
    s += np.sum(np.roll(x, n[1]) * x)
    n[1] = 0
    return s


@case(X())
def of_comparisons(x):
    y = np.cumsum(x) > 0.2
    c = np.argsort(x)
    s = np.sum(np.sort(x) * np.arange(3))
    z = x[c][y]
    c[0] = 1
    y[1] = False
    s += np.sum(x[c][y] ** 2)
    c[1] = 2
    y[2] = False
    return s + np.sum(z**3)


# -- tuples made of lists and arrays pick one element, not rows ----------------------------------------------------


@case(X())
def the_largest(x):
    A = np.outer(x, x)
    i = np.argwhere(A == A.max())[0]
    s = A[tuple(i)] + np.sum(A[tuple(np.argwhere(A > 0.05)[1])])
    A[tuple(i)] = x[0]
    return s + np.sum(A**2)


@case(X())
def tuples_of_lists(x):
    A = np.outer(x, x)
    at = [0, 1]
    s = A[tuple(at)]
    at[1] = 2
    A[tuple(at)] *= s
    A[tuple([1, 1])] = x[2]
    return np.sum(A**2) + A.item(tuple([2, 0]))


@case(X())
def tuples_of_generators(x):
    A = np.outer(x, x)
    last = tuple(n - 1 for n in A.shape)
    return A[last] * A[tuple(range(2))] + A[tuple(n // 3 for n in A.shape)]


@case(X(), 1)
def tuples_in_branches(x, k):
    A = np.outer(x, x)
    i = tuple([0, 1]) if k else tuple([1, 1])
    return A[i] + np.sum(A[:, tuple([0, 1])[k]])


test_exact, test_compiled = both_targets(CASES)


def test_tuples_of_unknown_lengths_are_no_indices():
    def f(x, n):
        at = []
        for _ in range(n):
            at.append(1)
        return np.sum(np.outer(x, x)[tuple(at)])

    with pytest.raises(S2sadError, match="length is not known"):
        grad(f)(X(), 2)
