"""Iterators are run through once, generators take turns with the loops over them, lists may grow: exact or refused."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import UnsupportedSyntaxError, grad
from tests.array_checks import Case, check

POINT = np.array([0.5, 2.0, 0.7, 0.1])


def generator_left_early(x):
    s, k = 0.0, 0
    for v in (a * b for a in x for b in x if b > 0.3):
        if v > 3 or k > 7:
            break
        if v < 0.3:
            continue
        s += v * k
        k += 1
    return s


def generator_of_what_the_loop_writes(x):
    y = x.copy()
    k = 0
    for v in (y[j] * 2 for j in range(3)):
        y[k + 1] += v
        k += 1
    return np.sum(y * x)


def numbered_generator_of_what_the_loop_writes(x):
    y = x.copy()
    for i, v in enumerate(y[j] * 2 for j in range(3)):
        if v > 30:
            break
        if v < 0:
            return 0.0
        y[i + 1] += v
    else:
        return np.sum(y * x)
    return y[2] * x[0]


def numbered_generator_left_early(x):
    for i, v in enumerate((a * b for a in x for b in x if b > 0.3), start=2):
        if v > 3:
            return v * i
    return x[0]


def on_one_path_each(x):
    z = zip(x, x[1:])
    if x[0] > 0:
        s = sum(a * b for a, b in z)
    else:
        s = sum(a + b for a, b in z)
    w = [a * b for a, b in zip(x, [v * 2 for v in x])]
    return s * sum(w)


def made_in_each_iteration(x):
    s = 0.0
    for k in range(3):
        z = zip(x, x[1:])
        for a, b in z:
            if a > b:
                break
            s += a * b * k
    return s


EXACT = [
    generator_left_early,
    generator_of_what_the_loop_writes,
    numbered_generator_of_what_the_loop_writes,
    numbered_generator_left_early,
    on_one_path_each,
    made_in_each_iteration,
]


@pytest.mark.parametrize("fn", EXACT, ids=lambda f: f.__name__)
def test_exact(fn):
    check(Case(fn, (POINT,)))


def generator_twice(x):
    g = (a * a for a in x)
    return sum(g) + 3 * sum(g) + x[0]


def zip_twice(x):
    z = zip(x, x[1:])
    s = sum(a * b for a, b in z)
    for a, _ in z:
        s += a
    return s + x[0]


def reversed_twice(x):
    z = reversed([x[0], x[1] * 2, x[2]])
    s = 0.0
    for v in z:
        s = 2 * s + v
    for v in z:
        s = 3 * s + v
    return s


def again_in_a_loop(x):
    z = zip(x, x[1:])
    s = 0.0
    for _ in range(2):
        for a, b in z:
            s += a * b
    return s


def again_after_a_branch(x):
    z = zip(x, x[1:])
    s = x[0]
    if x[0] > 0:
        s = sum(a * b for a, b in z)
    return s + sum(a for a, _ in z)


@pytest.mark.parametrize(
    "fn",
    [generator_twice, zip_twice, reversed_twice, again_in_a_loop, again_after_a_branch],
    ids=lambda f: f.__name__,
)
def test_an_iterator_is_not_run_through_twice(fn):
    with pytest.raises(UnsupportedSyntaxError, match="iterator is used again"):
        grad(fn)(POINT)


def zipped_with_what_the_loop_writes(x):
    y = x.copy()
    for i, v in zip(range(3), (y[j] * 2 for j in range(3))):
        y[i + 1] += v
    return np.sum(y * x)


def zipped_with_what_writes(x):
    c = [0.0]

    def total(v):
        c[0] += v
        return c[0]

    s = 0.0
    for a, b in zip((total(v) for v in x), x):
        s += a * b + c[0]
    return s


@pytest.mark.parametrize("fn", [zipped_with_what_the_loop_writes, zipped_with_what_writes])
def test_a_generator_is_not_computed_before_its_turn(fn):
    with pytest.raises(UnsupportedSyntaxError, match="take turns"):
        grad(fn)(POINT)


def growing(x):
    y = [x[0], x[1]]
    s = 0.0
    for v in y:
        s += v
        if len(y) < 4:
            y.append(v * x[2])
    return s


def test_a_list_does_not_grow_while_a_loop_runs_over_it():
    with pytest.raises(UnsupportedSyntaxError, match="grows while a loop"):
        grad(growing)(POINT)


def grown_by(y, k):
    if k > 0:
        y.append(y[0] * 0.5)
        grown_by(y, k - 1)


def summed_by(y, k):
    return y[k] if k == 0 else y[k] + summed_by(y, k - 1)


def test_a_list_that_a_function_grows_while_a_loop_runs_over_it():
    def grows(x):
        y, s = [x, 2.0 * x], 0.0
        for v in y:
            s += v * v
            if len(y) < 4:
                grown_by(y, 2)
        return s

    def reads(x):
        y, s = [x, 2.0 * x], 0.0
        for v in y:
            s += v * summed_by(y, 1)
        return s

    with pytest.raises(UnsupportedSyntaxError, match="grows while a loop runs over it"):
        grad(grows)(0.7)
    assert grad(reads)(0.7) == pytest.approx(18.0 * 0.7)
