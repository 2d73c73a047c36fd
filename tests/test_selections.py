"""Derivatives of what was selected, where what was not is infinite or not a number: 0, never nan."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2sad import grad
from tests.array_checks import Case, check, collector

CASES = []
case = collector(CASES)
X = np.array([0.5, 0.7, -0.3])
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def acceptance(x):
    return np.sum(np.minimum(1.0, np.exp(x * 900.0)) * x)


def limited(x):
    return np.sum(np.clip(1.0 / x, 0.0, 2.0))


def least(x):
    return np.min(1.0 / (x * x)) + np.median(1.0 / x)


def floored(x):
    return np.sum(np.maximum(np.sqrt(x - x[0]), 0.5) * x)


def in_a_loop(x):
    s = 0.0
    for i in range(len(x)):
        s += min(1.0, np.exp(800.0 * x[i])) * x[i]
    return s


def with_an_infinite_constant(x):
    return min(x[0], np.inf * x[1])


def through_products(x):
    inverse = 1.0 / x
    return np.sum(np.minimum(x * inverse * inverse, 3.0))


def through_memory(x):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i] = 1.0 / x[i]
    y *= x * x
    return np.sum(np.fmin(y, 1.0))


def chosen(x):
    return np.sum(np.where(x > 0, np.sqrt(x), 0.0)) + np.sum(np.log(x)[x > 0.1])


def entropy(p):
    logs, s = np.log(p), 0.0
    for i in range(len(p)):
        if p[i] > 0:
            s -= p[i] * logs[i]
    return s


def read_by_one_branch(x):
    root = x[0] ** 0.3
    length = np.sqrt(x[0] * x[1])
    if x[0] > 0.01:
        return root * length
    return 3.0 * x[0] + x[1]


ZERO = np.array([0.0, 2.0, 0.25])
CHECKS = [
    (acceptance, X, [1.0, 1.0, 0.0]),
    (limited, X, [-2.0, -1 / 0.49, 0.0]),
    (limited, ZERO, [0.0, -0.25, 0.0]),
    (least, ZERO, [0.0, -0.25, -16.0]),
    (floored, X, [0.5, 0.5, math.nan]),
    (in_a_loop, X, [1.0, 1.0, 0.0]),
    (with_an_infinite_constant, X, [1.0, 0.0, 0.0]),
    (through_products, ZERO, [0.0, -0.25, 0.0]),
    (through_memory, ZERO, None),
    (entropy, ZERO, [0.0, -math.log(2.0) - 1.0, -math.log(0.25) - 1.0]),
    (read_by_one_branch, ZERO, [3.0, 1.0, 0.0]),
    (chosen, ZERO, [0.0, 0.5 / math.sqrt(2.0) + 0.5, 1.0 + 4.0]),
]


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.jit)])
@pytest.mark.parametrize(
    ("fn", "x", "expected"), CHECKS, ids=[f"{c[0].__name__}{k}" for k, c in enumerate(CHECKS)]
)
def test_what_was_not_selected(fn, x, expected, jit):
    found = grad(fn, jit=jit)(x.copy())
    if expected is None:
        assert np.all(np.isfinite(found[1:]))
    else:
        np.testing.assert_allclose(found, expected, atol=1e-60)


def test_regular_functions_are_left_alone():
    """Where nothing can be infinite the products are plain ones."""

    def rectified(x, w):
        return np.sum(np.maximum(w @ np.tanh(x), 0.0) ** 2)

    g = grad(rectified)
    g(X, np.eye(3))
    assert "kept_" not in g.source


# -- the larger and the smaller of arrays, as products of their cotangents ----------------------------------------


def of_rows_and_columns(x, y):
    m = np.maximum(x[:, None], y) * np.minimum(x, 0.3)[:, None]
    return np.sum(m**2) + np.sum(np.minimum(np.maximum(y, x[0]), 0.5) * y)


def of_ties(x, y):
    return np.sum(np.maximum(x, x) * 2.0) + np.sum(np.minimum(y, 0.0 * y) ** 2) + np.sum(np.maximum(x, 3) * x)


def infinite_beside(x, y):
    """The root of what is not picked has an infinite derivative, and so a cotangent that is not finite."""
    return np.sum(np.sqrt(np.maximum(x - 0.5, 0.0)) * np.where(x > 0.5, 1.0, 0.0)) + np.sum(y)


EXTREMA = [of_rows_and_columns, of_ties, infinite_beside]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("fn", EXTREMA)
def test_extrema_of_arrays(fn, dtype):
    x, y = np.array([0.2, 0.9, -0.4], dtype), np.array([0.25, -0.7, 0.6, 0.1], dtype)
    single = dtype == "float32"
    check(
        Case(
            fn,
            (x, y),
            rtol=2e-3 if single else 2e-5,
            atol=2e-3 if single else 1e-7,
            vtol=1e-5 if single else 1e-12,
        )
    )


@pytest.mark.jit
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("fn", EXTREMA)
def test_extrema_of_arrays_compiled(fn, dtype):
    x, y = np.array([0.2, 0.9, -0.4], dtype), np.array([0.25, -0.7, 0.6, 0.1], dtype)
    gradient = grad(fn, wrt=(0, 1), jit=True)(x, y)
    for mine, interpreted in zip(gradient, grad(fn, wrt=(0, 1))(x, y), strict=True):
        assert mine.dtype == interpreted.dtype == dtype
        np.testing.assert_allclose(mine, interpreted, rtol=1e-5 if dtype == "float32" else 1e-12)
