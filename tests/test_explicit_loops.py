"""What the reverse sweep adds to arrays as loops over their elements, compiled."""

from __future__ import annotations

import math

import numpy as np
import pytest

import s2sad
from tests.array_checks import Case, both_targets, collector

CASES: list[Case] = []
case = collector(CASES)
rng = np.random.default_rng(12)
V = rng.normal


@case(V(size=(3, 4)), V(size=4))
@case(V(size=(1, 1)), V(size=1))
@case(V(size=(2, 0)), V(size=0))
@case(V(size=(0, 3)), V(size=3))
def products_of_rows(A, x):
    s = 0.0
    for i in range(A.shape[0]):
        s += math.sin(A[i] @ x)
    return s


@case(V(size=(3, 4)), V(size=4), V(size=3))
def columns(A, x, y):
    s = 0.0
    for j in range(A.shape[1]):
        s += x[j] * np.tanh(np.dot(A[:, j], y))
    return s


@case(V(size=5), V(size=7))
@case(V(size=1), V(size=1))
@case(V(size=2), V(size=9))
def slices_that_grow(x, y):
    s = 0.0
    for i in range(len(x)):
        s += (x[:i] @ y[:i]) ** 2 + np.sum(x[: i + 1] * y[0])
        s += np.sum(x[:1] * y[: i + 1])
    return s


@case(V(size=(4, 3)), V(size=3), 0.3)
def rank_one(W, x, rate):
    M = W.copy()
    s = 0.0
    for i in range(4):
        h = np.tanh(M @ x)
        M += rate * np.outer(h, x)
        s += np.sum(h)
    return s


@case(V(size=(3, 4)), V(size=4), V(size=(3, 1)), V(size=(1, 4)))
def spread_along_axes(A, x, c, r):
    s = 0.0
    for i in range(3):
        s += np.sum(np.sin(A * x) * c - r * A[i])
    return s


@case(V(size=6))
def overlapping_views(x):
    y = x.copy()
    for _ in range(3):
        y[1:] = y[1:] + 0.3 * np.sin(y[:-1])
        y[:-1] -= 0.1 * y[1:] ** 2
        y[::2] = y[1::2] * y[::-2]
    return np.sum(y**3)


@case(V(size=(4, 2)), V(size=(3, 2)))
def squared_distances(P, Q):
    s = 0.0
    for i in range(len(P)):
        for j in range(len(Q)):
            d = P[i] - Q[j]
            s += math.exp(-np.sum(d * d))
    return s


@case(V(size=(5, 3)), np.array([0, 2, 1, 1, 0]), V(size=(3, 3)))
def soft_max_by_rows(X, labels, W):
    s = 0.0
    for i in range(X.shape[0]):
        z = W @ X[i]
        z = z - np.max(z)
        s -= z[labels[i]] - np.log(np.sum(np.exp(z)))
    return s / X.shape[0]


@case(V(size=4), V(size=4))
def read_late(x, y):
    """What an update reads is written between where it is read and where it stands."""
    a, b = x.copy(), y.copy()
    s = 0.0
    for i in range(3):
        t = a * b
        a[i] = s
        b[:] = t * 0.5
        s += np.sum(t * t)
    return s + np.sum(a) + np.sum(b)


@case(V(size=4), V(size=4))
def the_same_twice(x, y):
    s = 0.0
    for i in range(3):
        s += np.sum((x * y - s) ** 2) * 0.1 + np.dot(x, x) * np.dot(y, x)
    return s


@case(V(size=(2, 3, 4)), V(size=4))
def of_three_axes(T, x):
    s = 0.0
    for i in range(2):
        s += np.sum(np.exp(0.1 * T[i] * x)) + np.sum(T * T)
    return s


@case(V(size=(3, 4)).astype(np.float32), V(size=4).astype(np.float32))
def of_single_precision(A, x):
    s = np.float32(0.0)
    for i in range(3):
        s += A[i] @ x
    return s


test_exact, test_compiled = both_targets(CASES)


@pytest.mark.jit
def test_updates_are_loops_under_jit():
    arguments = np.ones((3, 4)), np.ones(4)
    source = s2sad.grad(products_of_rows, jit=True).lower(*arguments).source
    assert "for k in range(" in source and "dA[i, k] = " in source
    assert "for k in range(" not in s2sad.grad(products_of_rows).lower(*arguments).source


@pytest.mark.jit
def test_sizes_that_do_not_meet_are_refused():
    def f(A, x):
        s = 0.0
        for i in range(A.shape[0]):
            s += 2.0 * (A[i] @ x)
        return s

    gradient = s2sad.grad(f, jit=True)
    assert gradient(np.ones((2, 3)), np.ones(3)) == pytest.approx(2.0 * np.ones((2, 3)))
    for sizes in ((3, 4), (4, 3)):
        with pytest.raises(ValueError):
            gradient(np.ones((2, sizes[0])), np.ones(sizes[1]))
