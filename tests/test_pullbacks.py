"""Pullbacks of programs whose reverse sweep reads and writes memory that the forward sweep has made: each call anew."""

from __future__ import annotations

import math

import numpy as np
import pytest

import s2sad

rng = np.random.default_rng(13)
V = rng.normal
PROGRAMS = []


def program(*args):
    def keep(fn):
        PROGRAMS.append((fn, args))
        return fn

    return keep


@program(V(size=(6, 3)), V(size=6))
def residuals_in_place(X, y):
    r = y.copy()
    for _ in range(2):
        for j in range(3):
            d = X[:, j] @ r
            r -= d * X[:, j]
    return r @ r


def scaled_again(a, k):
    if k == 0:
        return a * a
    return scaled_again(a * 1.5, k - 1)


@program(V(size=3))
def of_a_recursion(a):
    return np.sum(scaled_again(a, 1) * a)


@program(np.array([0.1, -0.5, 0.2]))
@program(np.array([0.3, -0.5, 0.2]))
def early_returns(a):
    if a[0] < 0.15:
        s = 0.0
        for i in range(3):
            s = s * a[i] + a[0]
        return s
    return np.sum(a * a)


@program(V(size=3))
def arrays_of_branches(a):
    if a[0] > 100:
        x = a * 3
    else:
        x = a * 2
    for i in range(3):
        x[i] = a[i] * x[i]
    return np.sum(x)


@program(V(size=3))
def zeros_in_one_branch(a):
    x = np.zeros(3) if a[0] > 100 else a * 2
    s = 0.0
    for i in range(3):
        x[i] = a[i] * np.sum(x)
        s += np.sum(x**2)
    return s


@program(V(size=(3, 2)))
def particles(p0):
    p = p0.copy()
    n = len(p)
    for _ in range(2):
        for i in range(n):
            f = np.zeros(2)
            for j in range(n):
                if j != i:
                    d = p[j] - p[i]
                    f += d * (d @ d)
            p[i] += 0.1 * f
    return np.sum(p)


def halved(a, k):
    if k == 0:
        return a[0] * a[1]
    x = a * 1.0
    for i in range(3):
        x[i] = 0.5 * x[i] * x[0]
    return halved(x, k - 1)


@program(V(size=3))
def records_of_a_recursion(a):
    return halved(a, 2)


@program(V(size=3))
def while_and_lists(a):
    kept, x, k = [a * 2.0], a.copy(), 0
    while k < 3 and math.fabs(x[0]) < 50.0:
        x[k] = x[k] * x[0] + 1.0
        kept.append(x * k)
        k += 1
    return np.sum(kept[-1] ** 2) + np.sum(x)


@program(V(size=4), V(size=(4, 4)))
def relaxed(b, A):
    x = b.copy()
    for _ in range(2):
        for i in range(4):
            x[i] = b[i] - 0.1 * np.dot(A[i], np.sin(x))
    return x @ x


ids = [f"{fn.__name__}{k}" for k, (fn, _) in enumerate(PROGRAMS)]


def called_thrice(fn, args, jit):
    given = [a.copy() for a in args]
    value, pull = s2sad.vjp(fn, *given, jit=jit)
    assert value == pytest.approx(fn(*(a.copy() for a in args)))
    for a in given:
        a[...] = 7.0  # what the pullback needs it has copies of
    expected = s2sad.grad(fn, wrt=tuple(range(len(args))))(*(a.copy() for a in args))
    for factor in (1.0, -2.0, 1.0):
        for d, e in zip(pull(factor), expected, strict=True):
            np.testing.assert_allclose(d, factor * e, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("fn", "args"), PROGRAMS, ids=ids)
def test_each_call_gives_the_same(fn, args):
    called_thrice(fn, args, jit=False)


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize(("fn", "args"), PROGRAMS, ids=ids)
def test_each_call_gives_the_same_compiled(fn, args):
    try:
        called_thrice(fn, args, jit=True)
    except s2sad.JitError as error:
        assert "cannot hand over" in str(error)


@pytest.mark.parametrize("fn", [fn for fn, _ in PROGRAMS if fn is not early_returns])
def test_jacobians_agree(fn):
    args = next(a for f, a in PROGRAMS if f is fn)
    expected = s2sad.grad(fn)(*(a.copy() for a in args))
    for made in (s2sad.jacrev, s2sad.jacfwd):
        np.testing.assert_allclose(made(fn)(*(a.copy() for a in args)), expected, rtol=1e-9, atol=1e-11)
