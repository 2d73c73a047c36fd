"""Sums of exponentials in which one part is nearly all, angles, and reciprocals of huge sums: derivatives of two and three orders
keep their digits. The expected numbers follow from the logistic function of the difference."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")
from scipy.special import log_softmax, logsumexp, softmax

from s2sad import grad, hessian, hvp, jacfwd, jacrev


def of_logsumexp(x):
    return logsumexp(x)


def of_rows(x):
    return np.sum(logsumexp(x.reshape(1, -1), axis=1))


def of_columns(x):
    return np.sum(logsumexp(x.reshape(-1, 1), axis=0, keepdims=True))


def of_reduce(x):
    return np.logaddexp.reduce(x)


def shifted(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))


def of_log_softmax(x):
    return x[0] - log_softmax(x)[0]


def of_helper(x):
    def partition(v):
        return logsumexp(v)

    s = 0.0
    for _ in range(2):
        s += 0.5 * partition(x)
    return s


SUMS = [of_logsumexp, of_rows, of_columns, of_reduce, shifted, of_log_softmax, of_helper]
POINTS = [[0.0, 40.0], [300.0, 0.0], [0.3, -0.4], [1.0, 1.0]]


def slope(d: float) -> float:
    """Of the logistic function."""
    e = math.exp(-abs(d))
    return e / (1.0 + e) ** 2


@pytest.mark.parametrize("fn", SUMS)
def test_curvature_of_sums_of_exponentials(fn: Any) -> None:
    for point in POINTS:
        x = np.array(point)
        expected = slope(x[0] - x[1]) * np.array([[1.0, -1.0], [-1.0, 1.0]])
        for twice in (hessian(fn), jacrev(jacrev(fn)), jacfwd(jacfwd(fn)), jacrev(jacfwd(fn))):
            np.testing.assert_allclose(twice(x), expected, rtol=1e-12, atol=0.0)
        np.testing.assert_allclose(hvp(fn)(x, np.array([1.0, 0.0])), expected[0], rtol=1e-12, atol=0.0)


def soft(x):
    return softmax(x)[0]


def soft_rows(x):
    return softmax(np.stack([x, x[::-1]]), axis=-1)[1, 1]


def log_soft(x):
    return log_softmax(x)[0]


@pytest.mark.parametrize("optimize", [0, 2])
@pytest.mark.parametrize("fn", [soft, soft_rows, log_soft])
def test_shares(fn: Any, optimize: int) -> None:
    for point in POINTS:
        x = np.array(point)
        d = x[0] - x[1]
        low, high = (math.exp(min(d, 0.0)), math.exp(min(-d, 0.0)))
        share, rest = low / (low + high), high / (low + high)
        first = rest if fn is log_soft else slope(d)
        second = -slope(d) if fn is log_soft else slope(d) * (rest - share)
        for gradient in (grad(fn, optimize=optimize), jacfwd(fn, optimize=optimize)):
            np.testing.assert_allclose(gradient(x), [first, -first], rtol=1e-12, atol=0.0)
        for twice in (hessian(fn), jacrev(jacrev(fn))):
            np.testing.assert_allclose(
                twice(x), second * np.array([[1.0, -1.0], [-1.0, 1.0]]), rtol=1e-12, atol=0.0
            )


@pytest.mark.jit
@pytest.mark.parametrize(
    "fn", [of_logsumexp, *(pytest.param(f, marks=pytest.mark.slow) for f in (of_columns, soft, log_soft))]
)
def test_compiled(fn: Any) -> None:
    for point in POINTS[:3]:
        x = np.array(point)
        np.testing.assert_allclose(grad(fn, jit=True)(x), grad(fn)(x), rtol=1e-12, atol=0.0)
        np.testing.assert_allclose(hessian(fn, jit=True)(x), hessian(fn)(x), rtol=1e-12, atol=0.0)


def test_three_parts_and_single_precision() -> None:
    x = np.array([-300.0, 1.0, 400.0])
    p = np.exp(x - 400.0)
    np.testing.assert_allclose(np.diag(hessian(of_logsumexp)(x)), [p[0], p[1], p[0] + p[1]], rtol=1e-12)
    single = hessian(of_logsumexp)(np.array([0.0, 40.0], np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(np.diag(single), slope(40.0), rtol=1e-5)


def test_infinite_parts() -> None:
    """A sum of nothing has no share; an infinite one that of its infinite part."""
    inf = math.inf
    np.testing.assert_array_equal(hessian(of_logsumexp)(np.array([-inf, -inf])), np.zeros((2, 2)))
    np.testing.assert_array_equal(grad(of_logsumexp)(np.array([0.0, inf])), [0.0, 1.0])


def plain(x):
    return np.log(np.sum(np.exp(x)))


def test_a_huge_sum() -> None:
    """Its reciprocal squared is 0."""
    np.testing.assert_allclose(
        hessian(plain)(np.array([700.0, 690.0])), slope(10.0) * np.array([[1, -1], [-1, 1]]), rtol=1e-9
    )
    np.testing.assert_allclose(hessian(plain)(np.array([700.0, 1.0])), np.zeros((2, 2)), atol=1e-15)


def of_angle(x):
    return np.arctan2(x[0], x[1])


def of_number(x):
    return math.atan2(x[0], x[1])


@pytest.mark.parametrize("fn", [of_angle, of_number])
@pytest.mark.parametrize(
    "a, b", [(1e-300, -3e-200), (3e-140, 4e-140), (3e150, 4e150), (0.3, -0.7), (1e-10, 1.0)]
)
def test_curvature_of_angles(fn: Any, a: float, b: float) -> None:
    h = math.hypot(a, b)
    p, q = b / h, a / h
    with np.errstate(over="ignore"):
        own, mixed = np.divide(2.0 * p * q / h, h), np.divide((q - p) * (q + p) / h, h)
    for twice in (hessian(fn), jacrev(jacrev(fn)), jacfwd(jacfwd(fn))):
        np.testing.assert_allclose(twice(np.array([a, b])), [[-own, mixed], [mixed, own]], rtol=1e-12)


def third(fn: Any) -> Any:
    second = hessian(fn)

    def mixed(x):
        return second(x)[0, 1]

    return grad(mixed)


def test_third_derivatives_of_angles() -> None:
    """Of the imaginary part of log(b + i a)."""
    a, b = 0.3, -0.7
    z = complex(b, a)
    np.testing.assert_allclose(
        third(of_angle)(np.array([a, b])), [(2j * 1j / z**3).imag, (2j / z**3).imag], rtol=1e-12
    )


def of_angles(x):
    return np.sum(np.arctan2(x, x[::-1] + 1.0) * np.array([1.0, 2.0])) + np.sum(np.arctan2(x, 2.0))


@pytest.mark.jit
@pytest.mark.parametrize("fn", [of_angles, pytest.param(of_number, marks=pytest.mark.slow)])
def test_angles_compiled(fn: Any) -> None:
    x = np.array([0.3, 0.7])
    np.testing.assert_allclose(hessian(fn, jit=True)(x), hessian(fn)(x), rtol=1e-12)
    single = hessian(fn, jit=True)(x.astype(np.float32))
    np.testing.assert_allclose(single, hessian(fn)(x), rtol=1e-5, atol=1e-6)
