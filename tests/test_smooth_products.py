"""Products of absolute values, roots and norms with themselves: elements in loops, slices, other shapes, contractions,
higher powers. Each program is a multiple of x @ x, or a polynomial, and so are its derivatives, at its kink too."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from s2sad import grad, hessian, hvp, jacfwd, jacrev

Vector = Any


def by_index(x: Vector) -> Any:
    r = np.abs(x)
    s = 0.0
    for i in range(len(x)):
        s += r[i] * r[i]
    return s


def by_elements(x: Vector) -> Any:
    r = np.abs(x)
    return sum(a * b for a, b in zip(r, r))  # noqa: B905


def one_by_one(x: Vector) -> Any:
    r = np.abs(x)
    first = r[0]
    return first * r[0] + operator.pow(r[1], 2)


def summed(x: Vector) -> Any:
    r = np.abs(x)
    return np.einsum("i,i->", r, r) / 2 + np.tensordot(r, r, 1) / 2


def inner(x: Vector) -> Any:
    r = np.abs(x)
    return (np.dot(r, r) + r @ r + np.vdot(r, r) + np.inner(r, r)) / 4


def by_matrices(x: Vector) -> Any:
    r = np.abs(x).reshape(1, 2)
    return (r @ r.T)[0, 0]


def of_an_outer_product(x: Vector) -> Any:
    r = np.abs(x)
    return np.trace(np.outer(r, r))


def multiplied(x: Vector) -> Any:
    r = np.abs(x[0])
    return np.prod([r, r]) + pow(abs(x[1]), 2)


def in_slices(x: Vector) -> Any:
    r = np.abs(x)
    return np.sum(r[:1] * r[:1]) + np.sum(r[1:] ** 2)


def in_shapes(x: Vector) -> Any:
    r = np.abs(x)
    return np.sum(np.multiply(r.reshape(2, 1), r.reshape(2, 1)))


def in_place(x: Vector) -> Any:
    r = np.abs(x)
    r *= r
    return np.sum(r)


def raised_in_place(x: Vector) -> Any:
    r = np.abs(x)
    r **= 2
    return np.sum(r)


def of_rows(x: Vector) -> Any:
    s = 0.0
    for r in np.linalg.norm(x.reshape(2, 1), axis=1):
        s += r**2
    return s


def of_one_row(x: Vector) -> Any:
    n = np.linalg.norm(x.reshape(1, 2), axis=1)
    return n[0] * n[0]


def square(a: Any, b: Any) -> Any:
    return a * b


def by_helper(x: Vector) -> Any:
    r = np.hypot(x[0], x[1])
    return square(r, r)


def with_factors(x: Vector) -> Any:
    r = np.abs(x) / 3.0
    return 9 * r[0] * r[0] + (2 * r[1]) ** 2 * 2.25


def of_complex_elements(x: Vector) -> Any:
    r = np.abs(x * (1 + 2j))
    return (r[0] * r[0] + r[1] ** 2) / 5


def of_a_spectrum(x: Vector) -> Any:
    s = 0.0
    for v in np.abs(np.fft.fft(x)):
        s += v * v
    return s / 2


def of_roots(x: Vector) -> Any:
    s = 0.0
    for v in x * x:
        s += math.sqrt(2 * v) * math.sqrt(8 * v)
    return s / 4


def of_losses(x: Vector) -> Any:
    """Huber's."""
    s = 0.0
    for v in x:
        a = abs(v)
        s += 2.0 * (0.5 * a**2 if a <= 1.0 else a - 0.5)
    return s


SQUARES = [by_index, by_elements, one_by_one, summed, inner, by_matrices, of_an_outer_product, multiplied, in_slices, in_shapes,
           in_place, raised_in_place, of_rows, of_one_row, by_helper, with_factors, of_complex_elements, of_a_spectrum, of_roots,
           of_losses]  # fmt: skip


def compare(fn: Callable[..., Any], first: Any, second: Any, point: Vector) -> None:
    for level in (0, 2):
        np.testing.assert_allclose(grad(fn, optimize=level)(point), first, rtol=1e-12, atol=1e-15)
    for twice in (hessian(fn), jacrev(jacrev(fn)), jacfwd(jacfwd(fn)), jacrev(jacfwd(fn))):
        np.testing.assert_allclose(twice(point), second, rtol=1e-12, atol=1e-14)
    v = np.array([1.0, -0.5])
    np.testing.assert_allclose(hvp(fn)(point, v), second @ v, rtol=1e-12, atol=1e-14)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("fn", SQUARES)
def test_squares(fn: Callable[..., Any]) -> None:
    for x in (np.zeros(2), np.array([0.3, -0.4])):
        compare(fn, 2.0 * x, 2.0 * np.eye(2), x)


@pytest.mark.parametrize("fn", SQUARES[:-2:3])
def test_check_knows_that_they_are_smooth(fn: Callable[..., Any]) -> None:
    grad(fn).check(np.zeros(2))


def deviation(x: Vector) -> Any:
    return np.std(x.reshape(2, 1), axis=0)[0] ** 2


def test_deviation_of_columns() -> None:
    for x in (np.ones(2), np.array([0.3, -0.4])):
        d = (x[0] - x[1]) / 2
        compare(deviation, [d, -d], np.array([[0.5, -0.5], [-0.5, 0.5]]), x)


def fourth(x: Vector) -> Any:
    r = np.linalg.norm(x)
    q = r * r
    return q * q + r * r * r * r


def sixth(x: Vector) -> Any:
    r = np.abs(x)
    return np.sum(r**3 * r**3)


def test_higher_powers() -> None:
    for x in (np.zeros(2), np.array([0.3, -0.4])):
        s = x @ x
        compare(fourth, 8.0 * s * x, 8.0 * s * np.eye(2) + 16.0 * np.outer(x, x), x)
        compare(sixth, 6.0 * x**5, np.diag(30.0 * x**4), x)


def mixed_roots(x: Vector) -> Any:
    a = math.sqrt(x[0])
    b = math.sqrt(3 * x[0])
    return a * b + np.sqrt(x[1]) * np.sqrt(2.0 * x[1])


@pytest.mark.filterwarnings("error")
def test_roots_of_multiples() -> None:
    for x in (np.zeros(2), np.array([0.3, 0.4])):
        compare(mixed_roots, np.sqrt([3.0, 2.0]), np.zeros((2, 2)), x)


def written_meanwhile(x: Vector) -> Any:
    """The root is another one than what its elements are when they are multiplied."""
    r = np.abs(x)
    a = r[0]
    r[0] = 2.0 * x[1]
    return a * r[0] + r[1] * r[1]


def test_roots_that_are_written() -> None:
    x = np.array([0.3, -0.4])
    np.testing.assert_allclose(grad(written_meanwhile)(x), [2.0 * x[1], 2.0 * x[0] + 2.0 * x[1]])


@pytest.mark.jit
@pytest.mark.parametrize(
    "fn",
    [by_index, *(pytest.param(f, marks=pytest.mark.slow) for f in (summed, of_rows, in_place, of_roots))],
)
def test_compiled(fn: Callable[..., Any]) -> None:
    np.testing.assert_allclose(hessian(fn, jit=True)(np.zeros(2)), 2.0 * np.eye(2), atol=1e-14)
