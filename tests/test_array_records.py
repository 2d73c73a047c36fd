"""Vectors that nested loops keep, number by number, in one array: compiled gradients equal to interpreted ones."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import grad, hvp, switches

X, A = (
    np.array([[0.3, -0.7, 1.2], [0.4, 0.9, -1.1]]),
    np.array([[0.5, 0.2, 0.1], [0.3, 0.8, 0.4], [0.2, 0.1, 0.9]]),
)


def scratch(X, A):
    n, d = X.shape
    q = np.empty(d)
    s = 0.0
    for i in range(n):
        for j in range(len(A)):
            for a in range(d):
                q[a] = X[i, a] * A[j, a]
            for a in range(d):
                for b in range(a):
                    q[a] += q[b] * X[i, b]
            for a in range(d):
                s += q[a] * q[a]
    return s


def read_from_the_end(X, A):
    n, d = X.shape
    q = np.zeros(d)
    s = 0.0
    for i in range(n):
        for j in range(len(A)):
            for a in range(d):
                q[a] = q[a - 1] * 0.5 + X[i, a] * A[j, a]
            s += q[-1] ** 2 * q[j]
    return s


def of_no_length(X, A):
    q = np.empty(X.shape[1] - 3)
    s = 0.0
    for i in range(len(X)):
        for j in range(len(A)):
            for a in range(len(q)):
                q[a] = X[i, a] * A[j, a]
            for a in range(len(q)):
                s += q[a] * q[a]
            s += X[i, j] ** 2
    return s


def in_some_turns(X, A):
    n, d = X.shape
    q = np.zeros(d)
    s = 0.0
    for i in range(n):
        for j in range(len(A)):
            for a in range(d):
                q[a] = q[a] * 0.3 + X[i, a] * A[j, a]
            if s < 1.0:
                for a in range(d):
                    s += q[a] * q[a]
            else:
                s *= 0.9
    return s


def read_as_a_whole(X, A):
    """A list keeps these."""
    n, d = X.shape
    q = np.empty(d)
    s = 0.0
    for i in range(n):
        for j in range(len(A)):
            for a in range(d):
                q[a] = X[i, a] * A[j, a]
            s += np.sum(np.sin(q) * q)
    return s


def while_inside(X, A):
    n, d = X.shape
    q = np.empty(d)
    s = 0.0
    for i in range(n):
        j = 0
        while j < len(A) and s < 50.0:
            for a in range(d):
                q[a] = X[i, a] * A[j, a] + s
            for a in range(d):
                s += q[a] * q[a]
            j += 1
    return s


def three_deep(X, A):
    n, d = X.shape
    q = np.empty(d)
    s = 1.0
    for i in range(n):
        for j in range(len(A)):
            for k in range(2):
                for a in range(d):
                    q[a] = X[i, a] * A[j, a] * (k + 1) + 0.1 * s
                for a in range(d):
                    s += q[a] * q[a] * 0.1
    return s


PROGRAMS = (
    scratch,
    read_from_the_end,
    of_no_length,
    in_some_turns,
    read_as_a_whole,
    while_inside,
    three_deep,
)
BY_NUMBER = {scratch, three_deep}


@pytest.mark.parametrize("fn", PROGRAMS, ids=[fn.__name__ for fn in PROGRAMS])
def test_compiled_as_interpreted(fn):
    g = grad(fn, wrt=(0, 1), jit=True)
    for a, b in zip(g(X.copy(), A.copy()), grad(fn, wrt=(0, 1))(X.copy(), A.copy()), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    if fn in BY_NUMBER:
        assert ".copy()" not in g.source and ".append" not in g.source, g.source
        with switches.without("records_of_numbers"):
            assert ".copy()" in grad(fn, wrt=(0, 1), jit=True).lower(X, A).generated.source


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize("fn", PROGRAMS, ids=[fn.__name__ for fn in PROGRAMS])
def test_second_derivatives(fn):
    along = (np.cos(X), np.sin(A))
    found = hvp(fn, wrt=(0, 1), jit=True)(X.copy(), A.copy(), along)
    for a, b in zip(found, hvp(fn, wrt=(0, 1))(X.copy(), A.copy(), along), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11)


def test_lengths_of_arrays_are_known_outside():
    """A tape of tests in an inner loop over an array is one array."""

    def fn(X, A):
        term = np.empty(len(A))
        s = 0.0
        for i in range(len(X)):
            for j in range(len(A)):
                term[j] = X[i, 0] * A[j, 1] + X[i, 1]
            m = term[0]
            for j in range(1, len(term)):
                if term[j] > m:
                    m = term[j]
            s += m * m
        return s

    g = grad(fn, wrt=(0, 1), jit=True)
    for a, b in zip(g(X, A), grad(fn, wrt=(0, 1))(X, A), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    assert ".append" not in g.source, g.source
