"""Arrays that loops carry, never written, read by elements and rows: their adjoints are values; states of ODEs and the like."""
# ruff: noqa: E501, E702

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import s2sad
from tests.array_checks import Case, check, collector

rng = np.random.default_rng(4)
CASES: list[Case] = []
case = collector(CASES)


def V(*shape):
    return rng.normal(size=shape)


@case(V(3), np.array([10.0, 28.0, 2.5]), 4)
def runge_kutta(y0, p, n):
    y, h = y0.copy(), 0.01

    def f(y):
        return np.array([p[0] * (y[1] - y[0]), y[0] * (p[1] - y[2]) - y[1], y[0] * y[1] - p[2] * y[2]])

    for _ in range(n):
        k1 = f(y)
        k2 = f(y + 0.5 * h * k1)
        k3 = f(y + 0.5 * h * k2)
        k4 = f(y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum(y**2)


@case(V(2), np.array([9.8, 0.1]), 5)
def pendulum(y0, p, n):
    y, e = y0.copy(), 0.0
    for _ in range(n):
        dy = np.empty(2)
        dy[0] = y[1]
        dy[1] = -p[0] * np.sin(y[0]) - p[1] * y[1]
        y = y + 0.01 * dy
        e += y[0] ** 2
    return e


@case(V(4), V(2), V(5, 2))
def from_an_argument(theta, y0, obs):
    y, s = y0, 0.0
    for k in range(len(obs)):
        a, b = y[0], y[1]
        y = np.array(
            [a + 0.01 * (theta[0] * a - theta[1] * a * b), b + 0.01 * (theta[2] * a * b - theta[3] * b)]
        )
        s += np.sum((y - obs[k]) ** 2)
    return s


@case(V(4), 0.3, 0.5)
def kalman(z, q, r):
    x, P, ll = np.zeros(2), np.eye(2), 0.0
    F, Q = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[q * q, 0.0], [0.0, q * q]])
    for k in range(len(z)):
        x, P = F @ x, F @ P @ F.T + Q
        S = P[0, 0] + r * r
        K = P[:, 0] / S
        e = z[k] - x[0]
        x, P = x + K * e, P - np.outer(K, P[0, :])
        ll += -0.5 * (np.log(S) + e * e / S)
    return ll


@case(V(4, 3), V(4, 3), np.ones(4), 2)
def bodies_by_rows(x0, v0, m, steps):
    x, v = x0.copy(), v0.copy()
    for _ in range(steps):
        a = np.zeros_like(x)
        for i in range(len(m)):
            for j in range(len(m)):
                if i != j:
                    d = x[j] - x[i]
                    a[i] += m[j] * d / (d @ d + 0.1) ** 1.5
        v = v + 0.01 * a
        x = x + 0.01 * v
    return np.sum(x**2)


@case(V(5, 3))
def pairs(x):
    e = 0.0
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            d = x[i] - x[j]
            r = np.sqrt(np.sum(d * d))
            e += 1.0 / r**3 - 1.0 / r
    return e


@case(V(3), 6)
def left_as_it_is(y, n):
    s = 0.0
    for k in range(n):
        if y[k % 3] > 0.1:
            y = y * 0.5 + 0.1
        elif k == 4:
            y = np.array([y[2], y[0], y[1]])
        s += y[1] * k
    return s + y[0] * y[2]


@case(V(3), 0.0)
def in_a_while(y, s):
    while s < 3.0:
        s += 1.0 + y[0] ** 2
        y = np.sin(y) + y[1:2]
        if y[2] > 9.0:
            break
    return np.sum(y * y[0])


@case(V(3), V(3, 3), 3)
def nested(y, A, n):
    s = 0.0
    for i in range(n):
        for j in range(i + 1):
            y = np.tanh(A[j] * y[i] + y)
            s += y[j]
        y = y - 0.1 * y[0]
    return s + y @ A[0]


@case(V(4), V(4), 5)
def exchanged(u, v, n):
    s = 0.0
    for k in range(n):
        u, v = v * 0.9, u + v[0]
        s += u[k % 4] * v[1]
    return s + np.sum(u * v)


@case(V(4), 4)
def one_array_twice(x, n):
    u = x * 2.0
    v = u
    for k in range(n):
        u = u * v[k]
        if k == 1:
            v = u
    return np.sum(u) * v[0]


@case(V(4, 2), 3)
def rows_carried(x, n):
    row, s = x[0], 0.0
    for k in range(n):
        s += row[0] * row[1]
        row = x[k + 1] if k < 2 else row
    return s


@case(V(4), 3)
def written_once(y, n):
    s = 0.0
    for k in range(n):
        y = y * 1.1
        if k == 1:
            y[0] = y[1] * 2.0
        s += y[0] * y[k]
    return s


@case(V(4), 3)
def kept_in_a_list(y, n):
    seen = []
    for k in range(n):
        seen.append(y)
        y = y * y[k]
    return sum(v[0] for v in seen) + y[3]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_exact(case):
    check(replace(case, rtol=5e-5, atol=1e-5), levels=(0, 2))


@pytest.mark.parametrize("case", CASES[:7], ids=lambda c: c.fn.__name__)
def test_no_shadows_are_kept(case):
    gradient = s2sad.grad(case.fn)
    source = gradient.lower(*case.args).source
    assert not re.search(r"tape_d_?[xyvuP]\b", source), source


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.fn in (pairs, bodies_by_rows)], ids=lambda c: c.fn.__name__
)
def test_rows_are_computed_again_for_numba(case):
    """Where arithmetic is compiled, only numbers are kept, and the array that the rows are of."""
    plain, compiled = (s2sad.grad(case.fn, jit=jit).lower(*case.args).source for jit in (False, True))
    assert "tape_d" in plain and "tape_d" not in compiled


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_compiled(case):
    check(replace(case, rtol=5e-5, atol=1e-5), jit=True)


@pytest.mark.parametrize("case", CASES[:3], ids=lambda c: c.fn.__name__)
def test_second_derivatives(case):
    """Reverse over reverse and forward over reverse of what is borrowed."""
    x, *others = case.args
    along = np.linspace(-1.0, 1.0, x.size).reshape(x.shape)
    gradient = s2sad.grad(case.fn)

    def slope(y):
        return float(np.sum(gradient(y, *others) * along))

    h = 1e-5
    expected = (slope(x + h * along) - slope(x - h * along)) / (2 * h)
    hessian = s2sad.hessian(case.fn)(x, *others)
    np.testing.assert_allclose(along @ hessian @ along, expected, rtol=1e-4, atol=1e-6)

    def squared(y):
        return np.sum(gradient(y, *others) * along)

    np.testing.assert_allclose(s2sad.grad(squared)(x), hessian @ along, rtol=1e-8, atol=1e-10)
