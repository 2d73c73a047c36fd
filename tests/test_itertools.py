"""`map`, `filter`, `itertools` and `functools.reduce` in differentiated functions."""

from __future__ import annotations

import functools
import itertools
import math
import operator

import numpy as np
import pytest

from s2sad import S2sadError, grad
from tests.array_checks import Case, check

X = np.array([0.5, 2.0, 0.7, 1.1])


def mapped(x):
    pairs = sum(map(lambda a, b: a * b, x, x[1:]))
    rows = [[v * w for w in x] for v in x]
    return pairs * sum(map(math.sin, x)) + sum(map(sum, rows)) + sum(itertools.starmap(pow, zip(x, x[::-1])))


def filtered(x):
    s = 0.0
    for i, v in enumerate(filter(lambda a: a > 0.6, x)):
        if v > 1.9:
            continue
        s += v * v * (i + 1)
    return s


def chained(x):
    s = 0.0
    for v in itertools.chain(x, [x[0] * 2], x[1:], (a * a for a in x)):
        s = s * 0.5 + v * v
    return s


def products(x):
    s = 0.0
    for i, j in itertools.product(range(len(x)), range(2)):
        s += x[i] * x[j] * (i + 2 * j)
    return s + sum(a * b**2 * c for a, b, c in itertools.product(x, repeat=3))


def pairs(x):
    y = x.copy()
    s = 0.0
    for i, j in itertools.combinations(range(len(x)), 2):
        d = y[i] - y[j]
        y[i] -= 0.1 * d
        s += d * d
    s += sum(a * b**2 for a, b in itertools.permutations(x, 2))
    s += sum(a * b * c for a, b, c in itertools.combinations(x, 3))
    s += sum(a * b for a, b in itertools.combinations_with_replacement([v * v for v in x], 2))
    return s + sum((b - a) ** 3 for a, b in itertools.pairwise(y))


def what_combinations_saw(x):
    y = x.copy()
    s = 0.0
    for a, b in itertools.combinations(y, 2):
        y *= 0.5
        s += a * b
    return s + np.sum(y)


def reduced(x):
    total = functools.reduce(lambda a, b: a * b + a, x)
    product = functools.reduce(operator.mul, [x[0], x[1], x[2] ** 2], 2.0)
    matrix = functools.reduce(np.matmul, [np.outer(x, x), np.diag(x), np.outer(x, 1.0 / x)])
    return total * product + np.sum(matrix) + functools.reduce(lambda a, b: a + b * a, x, x[1])


def running(x):
    best = itertools.accumulate(x, max)
    return sum(v * v for v in itertools.accumulate(x)) + sum(a * b for a, b in zip(best, x))


CASES = [
    Case(f, (X,))
    for f in (mapped, filtered, chained, products, pairs, what_combinations_saw, reduced, running)
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_exact(case):
    check(case)


@pytest.mark.parametrize("fn", [filtered, products, pairs, reduced])
def test_of_one_and_two(fn):
    if fn is filtered:
        check(Case(fn, (X[:1],)))
    check(Case(fn, (np.r_[X[:3]],)))


@pytest.mark.jit
@pytest.mark.parametrize("case", CASES[1:6], ids=lambda c: c.fn.__name__)
def test_compiled(case):
    check(case, jit=True)


def mapped_twice(x):
    z = map(math.sin, x)
    return sum(z) + sum(z)


def product_of_an_iterator(x):
    z = zip(x, x)
    return sum(a * b * c for (a, b), c in itertools.product(z, x)) + sum(a for a, _ in z)


@pytest.mark.parametrize("fn", [mapped_twice, product_of_an_iterator])
def test_refused(fn):
    with pytest.raises(S2sadError):
        grad(fn)(X)


def recursive(a, b):
    return a if b < 0.5 else a + b * recursive(a * 0.5, b - 1.0)


def accumulated_recursively(x):
    return sum(itertools.accumulate(x, recursive))


def test_a_function_that_calls_itself():
    check(Case(accumulated_recursively, (X,)))
