"""Integers that loops count are made again in the reverse sweep: no tape holds them, whatever counts and however far."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import grad
from tests.checks import check_function

X, Q = np.array([1.0, 2.0, 3.0, 0.5]), np.arange(1.0, 25.0) * 0.1


def by_two_in_a_while(x, q):
    i, s = 0, 1.0
    while i < len(x):
        s *= np.sin(x[i]) + q[i]
        i += 2
    return s


def downwards(x, q):
    p, s = 3, 1.0
    for i in range(4, 0, -1):
        s *= x[p] * s + q[i]
        p -= 1
    return s


def by_a_number_of_the_callers(x, q, n):
    p, s = 1, 1.0
    for i in range(2, 9, 3):
        s += s * q[p] * x[i % 4]
        p += n
    return s * q[p]


def triangle_below(x, q):
    p, s = 0, 1.0
    for j in range(len(x)):
        for k in range(j):
            s += s * np.sin(x[j]) * x[k] * q[p]
            p += 1
    return s


def triangle_above(x, q):
    p, s = 20, 1.0
    for j in range(len(x)):
        for k in range(j + 1, len(x)):
            s += np.sin(s * x[j]) * x[k] * q[p]
            p -= 3
    return s


def triangle_with_the_diagonal(x, q, n):
    p, s = 2, 1.0
    for j in range(1, n):
        for k in range(j + 1):
            s += np.cos(s) * x[j] * x[k] * q[p]
            p += 2
    return s


def no_triangle(x, q, n):
    """Turns below 0 make no turn: the number of turns is no sum of a series."""
    p, s = 0, 1.0
    for j in range(-2, n):
        for k in range(j):
            s += np.cos(s) * x[j] * x[k] * q[p]
            p += 1
    return s


def rows_behind_each_other(x, q):
    p, s = 0, 1.0
    for i in range(3):
        p += 1
        for k in range(2):
            s *= np.cos(q[p]) * x[k] + s
            p += 2
    return s


def left_early(x, q):
    p, s = 0, 1.0
    for i in range(4):
        s *= q[p] + x[i]
        p += 3
        if s > 4.0:
            break
        s += x[i] ** 2
    return s * q[p]


def turns_cut_short(x, q):
    p, i, s = 0, -1, 1.0
    while i < 3:
        i += 1
        p += 2
        if i == 1:
            continue
        s = s * x[i] + q[p] ** 2
    return s


def counted_in_one_branch(x, q):
    """This one is no counter: a tape keeps it."""
    p, s = 0, 1.0
    for i in range(4):
        s *= q[p] + x[i]
        if x[i] > 1.5:
            p += 1
    return s


def counted_in_both(x, q):
    p, s = 0, 1.0
    for i in range(4):
        if x[i] > 1.5:
            s *= x[i]
            p += 2
        else:
            s += q[p]
            p += 2
    return s * q[p]


def changed_by_the_loop(x, q):
    """What is added changes: a tape keeps it."""
    p, d, s = 0, 1, 1.0
    for i in range(4):
        s *= q[p] + x[i]
        p += d
        d += 1
    return s


def starts_at_another(x, q):
    p, s = 0, 1.0
    for i in range(3):
        r = p
        for k in range(i + 2):
            s = s * np.cos(q[r + k]) + x[k]
            r += 1
        p = r - 1
    return s


def indices_written(x, q):
    p = 0
    y = np.zeros(6)
    for i in range(3):
        y[p] = x[i] * q[p]
        y[p + 1] = y[p] * x[i]
        p += 2
    return np.sum(y * y)


PROGRAMS = (
    (by_two_in_a_while, ()), (downwards, ()), (by_a_number_of_the_callers, (2,)), (by_a_number_of_the_callers, (0,)),
    (triangle_below, ()), (triangle_above, ()), (triangle_with_the_diagonal, (3,)), (triangle_with_the_diagonal, (0,)),
    (no_triangle, (4,)), (rows_behind_each_other, ()), (left_early, ()), (turns_cut_short, ()),
    (counted_in_one_branch, ()), (counted_in_both, ()), (changed_by_the_loop, ()), (starts_at_another, ()),
    (indices_written, ()),
)  # fmt: skip
NAMES = ["-".join([fn.__name__, *map(str, more)]) for fn, more in PROGRAMS]
STORED = {counted_in_one_branch, changed_by_the_loop, no_triangle, rows_behind_each_other, starts_at_another}


@pytest.mark.parametrize(("fn", "more"), PROGRAMS, ids=NAMES)
def test_counted(fn, more):
    report = check_function(fn, (X, Q, *more), (0, 1), require_differences=True, modes=True)
    assert report.ok, "\n".join(map(str, report.problems))
    g = grad(fn, wrt=(0, 1))
    g(X.copy(), Q.copy(), *more)
    assert ("tape_p" in g.source) == (fn in STORED), g.source


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize(("fn", "more"), PROGRAMS, ids=NAMES)
def test_counted_compiled(fn, more):
    alike(fn, more)


@pytest.mark.parametrize(("fn", "more"), PROGRAMS[4:9:2], ids=NAMES[4:9:2])
def test_sample_compiled(fn, more):
    alike(fn, more)


def alike(fn, more):
    for a, b in zip(
        grad(fn, wrt=(0, 1), jit=True)(X, Q, *more), grad(fn, wrt=(0, 1))(X, Q, *more), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_arguments_that_make_no_turn():
    for n in (-3, 0, 1):
        value = grad(triangle_with_the_diagonal)(X, Q, n)
        assert not value.any()
