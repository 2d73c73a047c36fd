"""Arrays that some path leaves unbound, or None, where nothing that runs reads them."""
# ruff: noqa: F821, F841

from __future__ import annotations

import numpy as np
import pytest

from s2sad import grad
from tests.checks import Checker
from tests.test_memory_kinds import checked

X = np.array([0.3, -0.7, 1.2, 2.0])


def of_a_branch(x, n, m):
    if n:
        v = x[x > 0] * 2.0
    s = 0.0
    if m:
        s = np.sum(v * v)
    return s + np.sum(x)


def of_a_while(x, n, m):
    i = 0
    while i < n:
        v = x[i:] * 2.0
        i += 1
    s = 0.0
    for _ in range(m):
        s += np.sum(v * v) * v[0]
    return s + np.sum(x)


def of_an_earlier_turn(x, n, m):
    s = 0.0
    for i in range(n):
        if i == 1:
            v = x[x > i - 1.0] * 2.0
        if i > 1:
            s += np.sum(v * v)
        if m and i > 0:
            v = v[:-1] * x[0]
    return s + np.sum(x)


def before_a_break(x, n, m):
    s = 0.0
    for i in range(3):
        if i < n:
            a = x[i:] * x[0]
            b = a[x[i:] > 0]
        else:
            if m:
                s += np.sum(b * b) * b[0]
                break
    return s + np.sum(x * x)


def with_axes(x, n, m):
    while n > 0:
        A = np.outer(x[x > 0], x) * 1.5
        if m:
            A = A @ A.T
        n -= 1
    s = 0.0
    if m:
        s += np.sum(A * A)
        A = A + 1.0
        s += np.sum(np.sin(A))
    return s + np.sum(x * x)


def of_a_helper(x, n, m):
    def pick(k):
        if k:
            r = x[x > 0] * 2.0
        if k:
            return r * r
        return x

    return np.sum(pick(n)) + np.sum(pick(m) ** 2)


def written_where_bound(x, n, m):
    for i in range(n):
        v = np.zeros(3)
        for j in range(m):
            v[j] = x[j] * i
            t = v * x[:3]
        if m:
            x = x + np.sum(t)
    return np.sum(x * x)


def none_or_an_array(x, n, m):
    v = None
    if n:
        v = x[x > 0] * 2.0
    s = 0.0
    if v is not None and m:
        s = np.sum(v * v)
    return s + np.sum(x)


def best_so_far(x, n, m):
    best = None
    for i in range(n):
        if best is None or np.sum(best) < i:
            best = x[i:] * (1.0 + i)
    s = 0.0
    if m and best is not None:
        s = np.sum(best * best)
    return s + np.sum(x)


def none_of_a_recursion(x, n, m):
    def go(k):
        if k == 0:
            return None
        if k == 1:
            return x[x > 0] * 2.0
        return go(k - 2)

    v = go(n)
    s = 0.0
    if m and v is not None:
        s += np.sum(v * v)
        s += v[0]
    return s + np.sum(x)


def none_of_a_recursion_in_a_branch(x, n, m):
    def go(k):
        if k == 0:
            return None
        if k == 1:
            return x[x > 0] * 2.0
        return go(k - 2)

    v = None
    if n:
        v = go(n)
    s = 0.0
    if m and v is not None:
        s += np.sum(v * v)
    return s + np.sum(x)


PROGRAMS = [of_a_branch, of_a_while, of_an_earlier_turn, before_a_break, with_axes, of_a_helper, written_where_bound,
            none_or_an_array, best_so_far, none_of_a_recursion, none_of_a_recursion_in_a_branch]  # fmt: skip
COUNTS = [(0, 0), (1, 0), (1, 1), (2, 2), (2, 0)]


def runs(fn, n, m):
    try:
        fn(X.copy(), n, m)
    except UnboundLocalError:
        return False
    return True


CASES = [(fn, n, m) for fn in PROGRAMS for n, m in COUNTS if runs(fn, n, m)]


@pytest.mark.parametrize(("fn", "n", "m"), CASES)
def test_where_nothing_reads_it(fn, n, m):
    checked(fn, X, n, m, modes=(n, m) in ((0, 0), (2, 2)))


@pytest.mark.parametrize("fn", PROGRAMS[:2])
def test_what_is_read_unbound_raises(fn):
    with pytest.raises(UnboundLocalError):
        fn(X, 0, 1)
    with pytest.raises(UnboundLocalError):
        grad(fn)(X, 0, 1)


def compiled(fn):
    for n, m in COUNTS:
        if runs(fn, n, m):
            checker = Checker(fn, (X, n, m), (0,))
            checker.compare(
                "jit", checker.gradient(optimize=2), checker.gradient(jit=True, optimize=2), 1e-12
            )
            assert not checker.problems, "\n".join(map(str, checker.problems))


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize("fn", PROGRAMS[:-2])
def test_compiled(fn):
    compiled(fn)


@pytest.mark.jit
def test_compiled_sample():
    compiled(none_or_an_array)
