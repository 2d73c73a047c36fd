"""What compiled code stores in loops: arrays that grow, rows of different lengths, numbers picked from displays."""

from __future__ import annotations

import math

import numpy as np
import pytest

import s2sad
from tests.array_checks import Case, both_targets, check, collector

CASES: list[Case] = []
case = collector(CASES)
rng = np.random.default_rng(3)
V = rng.normal
X = np.array([0.3, 0.5, 0.7])


# -- loops whose turns nobody knows beforehand, longer than what is made for them at first -----------------------


def in_a_loop(x, n):
    s = 0.0
    for i in range(3):
        j, y = 0, x[i]
        while j < n + i:
            y = y + 0.001 * math.sin(y)
            j += 1
        s += y
    return s


def in_two_loops(x, n):
    s = 0.0
    for i in range(2):
        for k in range(2):
            j, y = 0, x[i] + k
            while j < n + i:
                y = y + 0.001 * math.sin(y)
                j += 1
            s += y
    return s


def in_some_turns(x, n):
    s = 0.0
    for i in range(3):
        if x[i] > 0.4:
            j, y = 0, x[i]
            while j < n + i:
                y = y + 0.001 * math.sin(y)
                j += 1
            s += y
    return s


def in_a_while(x, n):
    s, i = 0.0, 0
    while i < 3:
        j, y = 0, x[i]
        while j < n + i:
            y = y + 0.001 * math.sin(y)
            j += 1
            if y > 1.0:
                y = y * 0.9
        s += y
        i += 1
    return s


def with_breaks(x, n):
    s = 0.0
    for i in range(3):
        j, y = 0, x[i]
        while True:
            y = y + 0.001 * math.sin(y)
            j += 1
            if j > n + i:
                break
        s += y
        if s > 100.0:
            break
    return s


def of_arrays(x, n):
    s = 0.0
    for i in range(2):
        j, y = 0, x * (i + 1)
        while j < n + i:
            y = y + 0.001 * np.sin(y)
            j += 1
        s += np.sum(y)
    return s


def in_a_recursion(x, n, depth=2):
    j, y = 0, x[depth]
    while j < n + depth:
        y = y + 0.001 * math.sin(y)
        j += 1
    return y if depth == 0 else y * in_a_recursion(x * 0.5, n, depth - 1)


GROWING = [in_a_loop, in_two_loops, in_some_turns, in_a_while, with_breaks, of_arrays, in_a_recursion]


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize("fn", GROWING)
def test_long_loops(fn):
    reverse, compiled = s2sad.grad(fn), s2sad.grad(fn, jit=True)
    for n in (0, 10, 33, 100, 1500):
        expected = reverse(X, n)
        assert compiled(X, n) == pytest.approx(expected, rel=1e-9), n
        direction = np.array([1.0, -2.0, 0.5])
        assert s2sad.jvp(lambda x, n=n: fn(x, n), (X,), (direction,))[1] == pytest.approx(
            expected @ direction
        )


@pytest.mark.jit
def test_rows_that_grow_are_the_ones_that_are_read():
    assert s2sad.grad(in_a_loop, jit=True)(X, 100) == pytest.approx(s2sad.grad(in_a_loop)(X, 100))


@pytest.mark.slow
@pytest.mark.jit
def test_long_loops_twice():
    def f(x, n):
        return in_a_loop(np.array([x, 2.0 * x, x * x]), n)

    twice = s2sad.grad(s2sad.grad(f))
    assert s2sad.grad(s2sad.grad(f), jit=True)(0.3, 100) == pytest.approx(twice(0.3, 100))


# -- inner loops as long as a counter says ------------------------------------------------------------------------


@case(V(size=(5, 5)) + 4.0 * np.eye(5))
def elimination(A):
    n = A.shape[0]
    U = A.copy()
    for k in range(n):
        for i in range(k + 1, n):
            f = U[i, k] / U[k, k]
            U[i, k] = f
            for j in range(k + 1, n):
                U[i, j] -= f * U[k, j]
    s = 0.0
    for i in range(n):
        s += math.log(abs(U[i, i]))
    return s


@case(V(size=(4, 4)), 2)
def rotations(A, sweeps):
    n = A.shape[0]
    B = A + A.T
    for _ in range(sweeps):
        for p in range(n - 1):
            for q in range(p + 1, n):
                if abs(B[p, q]) > 1e-14:
                    t = 0.5 * math.atan2(2 * B[p, q], B[q, q] - B[p, p])
                    c, s = math.cos(t), math.sin(t)
                    for k in range(n):
                        a, b = B[p, k], B[q, k]
                        B[p, k], B[q, k] = c * a - s * b, s * a + c * b
                    for k in range(n):
                        a, b = B[k, p], B[k, q]
                        B[k, p], B[k, q] = c * a - s * b, s * a + c * b
    return np.sum(np.log(1.0 + np.diag(B) ** 2))


@case(V(size=9), 2)
@case(V(size=2), 5)
@case(V(size=1), 0)
def band(x, w):
    n = len(x)
    u = x.copy()
    for i in range(n):
        for j in range(max(0, i - w), min(n, i + w + 1)):
            u[i] = u[i] * 0.5 + math.sin(u[j] * x[i])
    return np.sum(u**2)


@case(V(size=6))
def downwards(x):
    n = len(x)
    u = x.copy()
    for i in range(n - 1, -1, -1):
        for j in range(n - 1, i - 1, -1):
            u[i] = math.sin(u[i] * u[j])
        for j in range(i, -1, -2):
            u[j] = u[j] * math.cos(u[i])
    return np.sum(u)


@case(V(size=7))
def with_steps(x):
    n = len(x)
    u = x.copy()
    for i in range(1, n, 2):
        for j in range(i, n, 3):
            u[j] = u[j] * math.exp(0.1 * u[i - 1])
        for j in range(n - 2 * i):
            u[j] = math.sin(u[j]) * u[i]
    return np.sum(u)


@case(V(size=5))
def three_deep(x):
    n = len(x)
    u = x.copy()
    for i in range(n):
        for j in range(i):
            for k in range(j, i + 1):
                u[k] = u[k] * math.cos(u[j]) + 0.1 * u[i]
    return np.sum(u)


@case(V(size=4), np.array([0, 2, 2, 3, 4]))
def rows_of_a_sparse_matrix(x, starts):
    u = x.copy()
    for i in range(len(x)):
        for p in range(starts[i], starts[i + 1]):
            u[i] = u[i] * math.sin(u[p])
    return np.sum(u)


@case(V(size=6), 0)
def no_turns(x, n):
    u = x.copy()
    for i in range(n):
        for j in range(i + 1, n):
            u[i] = u[i] * math.sin(u[j])
    return np.sum(u**3)


def test_the_length_of_a_band_is_its_width():
    """Not that of the whole row: the bounds are min and max of it and of a counter."""
    source = s2sad.grad(band, jit=True).lower(np.ones(4), 1).source
    made = [line for line in source.splitlines() if "np.empty((" in line]
    assert made and all("min(" in line and "+ 1" in line for line in made)


# -- numbers picked from displays ---------------------------------------------------------------------------------


@case(V(size=(4, 5)), 0.9)
def neighbours(r, gamma):
    n, m = r.shape
    v = np.zeros((n, m))
    for _ in range(2):
        for i in range(n):
            for j in range(m):
                best = -1e9
                for d in range(4):
                    a = min(max(i + (1, -1, 0, 0)[d], 0), n - 1)
                    b = min(max(j + (0, 0, 1, -1)[d], 0), m - 1)
                    q = r[i, j] + gamma * v[a, b]
                    if q > best:
                        best = q
                v[i, j] = best
    return np.sum(v)


@case(0.7, 0.4)
def stages(y, c):
    for _ in range(3):
        k = total = 0.0
        for i in range(4):
            k = -c * (y + 0.1 * (0.0, 0.5, 0.5, 1.0)[i] * k) ** 2
            total += (1 / 6, 1 / 3, 1 / 3, 1 / 6)[i] * k
        y = y + 0.1 * total
    return y


@case(V(size=3), 0.7)
def computed_numbers(x, w):
    s = 0.0
    for i in range(3):
        s += (x[i], w * x[i], math.sin(w))[(i + 1) % 3] * (x[0], w)[-(i % 2) - 1]
    return s


@case(V(size=3))
def of_both_signs(x):
    s = 0.0
    for i in range(-3, 3):
        s += (x[0] * x[1], x[1], x[2])[i] * (i, 2 * i, 3)[i]
    return s


@case(V(size=(6, 6)))
def pairs_of_offsets(u):
    v = u.copy()
    for i in range(1, 5):
        for j in range(1, 5):
            for di, dj in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                v[i, j] += math.sin(v[i + di, j + dj]) * u[i, j]
    return np.sum(v)


@case(V(size=3))
def written_displays(x):
    s = 0.0
    for i in range(3):
        w = [1.0, 2.0, 3.0]
        w[i] = x[i]
        s += w[(i + 1) % 3] * w[i]
    return s


def test_an_index_out_of_range():
    def f(x, i):
        return (x, 2.0 * x, 3.0)[i] * (1, 2, 3)[i]

    assert s2sad.grad(f)(2.0, 1) == 4.0
    assert s2sad.grad(f)(2.0, -1) == 0.0
    for i in (3, -4):
        with pytest.raises(IndexError):
            s2sad.grad(f)(2.0, i)


test_exact, test_compiled = both_targets(CASES)


@pytest.mark.parametrize("fn", [computed_numbers, of_both_signs])
def test_second_derivatives(fn):
    x = V(size=3)
    f = (lambda x: fn(x, 0.7)) if fn is computed_numbers else fn
    d, v = s2sad.grad(f), V(size=3)
    check(Case(lambda x: np.sum(d(x) * v), (x,)), levels=(2,))
