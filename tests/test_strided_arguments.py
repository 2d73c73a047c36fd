"""Arguments that lie neither by rows nor by columns: what reshapes them is a view or a copy as NumPy's own rule says for their
sizes and strides, which the signature then holds. Compared with what the primal does, and with its differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from s2sad import grad, hvp, jacfwd, jacrev, jvp, value_and_grad, vjp
from s2sad.errors import UndecidedViewError
from tests.checks import Checker

Matrix = np.ndarray[Any, Any]
M = np.array([[0.25, 0.51, 0.74, 1.31], [1.03, 1.22, 1.57, 0.66]])


def gaps(a: Matrix) -> Matrix:
    return np.repeat(np.repeat(a, 2, 0), 2, 1)[::2, ::2]


def rows_apart(a: Matrix) -> Matrix:
    return np.repeat(a, 2, 0)[::2]


def columns_apart(a: Matrix) -> Matrix:
    return np.asfortranarray(np.repeat(a, 2, 1))[:, ::2]


def backwards(a: Matrix) -> Matrix:
    return a[::-1, ::-1].copy()[::-1, ::-1]


def rows_backwards(a: Matrix) -> Matrix:
    return a[::-1].copy()[::-1]


def part(a: Matrix) -> Matrix:
    wide = np.zeros((4, 7))
    wide[1:3, 2:6] = a
    return wide[1:3, 2:6]


def one_row(a: Matrix) -> Matrix:
    return gaps(a)[:1]


def flattened(A):
    w = A.ravel()
    w[1] = w[0] * w[2]
    return np.sum(A**2) + np.sum(w**3)


def reshaped(A):
    w = A.reshape(-1, 2)
    w[0] = w[1] * A[0, 0]
    return np.sum(A**2) + np.sum(w**3)


def turned(A):
    w = A.T.reshape(-1)
    w[1] = w[0] * w[3]
    return np.sum(A**2) + np.sum(w**3 * A[0, 0])


def joined_columns(A):
    w = A[:, 1:3].reshape(-1)
    w[0] = A[0, 0] ** 2
    A[0, 1] *= 2.0
    return np.sum(A**2) + np.sum(w**3)


def row_as_matrix(A):
    w = A[0].reshape(2, 2)
    w[1] = w[0] * A[-1, 1]
    v = A[:, 1].reshape(-1, 1)
    v[0] = w[1, 0] ** 2
    return np.sum(A**3)


def by_columns(A):
    w = A.reshape(-1, order="F")
    w[1] = w[0] * w[2]
    return np.sum(A**2) + np.sum(w**3)


def in_helper(A):
    def bump(B, c):
        w = B.ravel()
        w[0] += c * w[1]
        return np.sum(w * w)

    return bump(A, 2.0) + bump(A.T, 0.5) + bump(A[:, :2], 1.0) + np.sum(A**3)


def zeros_alike(A):
    B = np.zeros_like(A)
    w = B.ravel()
    w[1] = A[0, 0] ** 2
    B[0, 2] = w[1] * A[0, 1]
    return np.sum(B**2) + np.sum(w**3)


def in_loop(A):
    for k in range(2):
        w = A.reshape(-1)
        w[k] = w[k + 1] * w[k + 2]
    return np.sum(A**2 * w[0])


FORMS = [gaps, rows_apart, columns_apart, backwards, rows_backwards, part, one_row]
PROGRAMS = [
    flattened,
    reshaped,
    turned,
    joined_columns,
    row_as_matrix,
    by_columns,
    in_helper,
    zeros_alike,
    in_loop,
]


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_view_or_copy(f: Callable[..., Any], form: Callable[[Matrix], Matrix]) -> None:
    """As NumPy has it, in every mode; `zeros_like` of columns with gaps may be refused."""
    check = Run(f, form)
    if f is zeros_alike and form is columns_apart:
        pytest.skip("Numba's zeros would lie by rows")
    check.first()
    check.second()


class Run:
    """A program at one form of argument: strides are kept by every copy, which `copy.deepcopy` does not."""

    def __init__(self, f: Callable[..., Any], form: Callable[[Matrix], Matrix]) -> None:
        self.f, self.form = f, form
        self.start = np.array(form(M.copy()))
        self.after = form(M.copy())
        self.value = f(self.after)

    def at(self, moved: Matrix) -> Matrix:
        given = self.form(M.copy())
        assert not (given.flags.c_contiguous or given.flags.f_contiguous) or self.form is one_row
        given += moved
        return given

    def slope(self, g: Callable[[Matrix], Any], along: Matrix) -> Any:
        h = 1e-4
        near, far = (g(self.at(k * h * along)) - g(self.at(-k * h * along)) for k in (1.0, 2.0))
        return (8.0 * near - far) / (12.0 * h)

    def gradient(self) -> Matrix:
        cells = [np.eye(self.start.size)[k].reshape(self.start.shape) for k in range(self.start.size)]
        return np.array([self.slope(self.f, e) for e in cells]).reshape(self.start.shape)

    def first(self) -> None:
        wanted, still = self.gradient(), np.zeros_like(self.start)
        for optimize in (0, 2):
            given = self.at(still)
            value, found = value_and_grad(self.f, optimize=optimize)(given)
            assert value == pytest.approx(self.value, rel=1e-14)
            assert np.array_equal(given, self.after)
            assert np.allclose(found, wanted, rtol=1e-7, atol=1e-8)
        for mode in (jacfwd, jacrev):
            given = self.at(still)
            assert np.allclose(mode(self.f)(given), wanted, rtol=1e-7, atol=1e-8)
            assert np.array_equal(given, self.after)
        given = self.at(still)
        _, moved = jvp(self.f, (given,), (np.cos(self.start),))
        assert moved == pytest.approx(np.sum(wanted * np.cos(self.start)), rel=1e-7)
        assert np.array_equal(given, self.after)
        given = self.at(still)
        _, pullback = vjp(self.f, given)
        given[:] = 0.0
        for seed in (1.0, -2.0, 1.0):
            assert np.allclose(pullback(seed)[0], seed * wanted, rtol=1e-7, atol=1e-8)

    def second(self) -> None:
        still, along = np.zeros_like(self.start), np.cos(self.start)
        g = grad(self.f)
        wanted = self.slope(g, along)
        assert np.allclose(hvp(self.f)(self.at(still), along), wanted, rtol=1e-6, atol=1e-7)


def test_one_function_many_forms():
    """Strides are part of the signature: calls in turn, each as the primal."""
    g = value_and_grad(flattened)
    for _ in range(2):
        for form in (np.copy, *FORMS, np.asfortranarray):
            given, primal = form(M.copy()), form(M.copy())
            value, _ = g(given)
            assert value == flattened(primal)
            assert np.array_equal(given, primal)


def test_compiled():
    for form in (gaps, part, rows_apart):
        g = value_and_grad(flattened, jit=True)
        given, primal = form(M.copy()), form(M.copy())
        value, found = g(given)
        assert value == pytest.approx(flattened(primal), rel=1e-14)
        assert np.array_equal(given, primal)
        assert np.allclose(found, grad(flattened)(form(M.copy())), rtol=1e-13)


def test_checker_agrees():
    check = Checker(turned, (gaps(M),), (0,))
    gradient = check.gradient()
    check.forward(gradient)
    check.other_modes(gradient)
    assert not check.problems and not check.refusals


def turned_rows(A):
    w = A[::-1].reshape(-1)
    w[1] = w[0] * w[2]
    return np.sum(A**2) + np.sum(w**3)


def turned_both(A):
    w = A[::-1, ::-1].ravel()
    A[0, 1] = A[1, 0] ** 2
    return np.sum(A**2) + np.sum(w**3)


def turned_spread(A):
    w = np.broadcast_to(A[::-1], A.shape).reshape(-1)
    A[0, 1] = A[1, 0] ** 2
    return np.sum(A**2) + np.sum(w**3)


@pytest.mark.parametrize(
    "form", [gaps, rows_apart, backwards, rows_backwards, part], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("f", [turned_rows, turned_both, turned_spread], ids=lambda f: f.__name__)
def test_no_shadow_lies_by_negative_steps(f: Callable[..., Any], form: Callable[[Matrix], Matrix]) -> None:
    """What is a view of the argument alone is refused: of its shadow, or tangent, it would be a copy."""
    check = Run(f, form)
    try:
        check.first()
        check.second()
    except UndecidedViewError:
        assert form in (backwards, rows_backwards)


def turned_vector(x):
    w = x[::-1].ravel()
    w[1] = w[0] * w[2]
    return np.sum(x**2) + np.sum(w**3)


@pytest.mark.parametrize("step", [1, 2, -1, -2])
def test_turned_vectors(step: int) -> None:
    """`ravel` of an array of one axis is this array or a copy, whatever its shadow's steps."""
    x = np.array([0.3, -0.7, 1.2, 0.5])

    def laid(a: Matrix) -> Matrix:
        return np.repeat(a, abs(step))[:: abs(step)] if step > 0 else np.repeat(a[::-1], -step)[::step][:4]

    e = 1e-6 * np.eye(4)
    wanted = [(turned_vector(laid(x + d)) - turned_vector(laid(x - d))) / 2e-6 for d in e]
    assert np.allclose(grad(turned_vector)(laid(x)), wanted, rtol=1e-7, atol=1e-8)
    assert np.allclose(jacfwd(turned_vector)(laid(x)), wanted, rtol=1e-7, atol=1e-8)
    assert jvp(turned_vector, (laid(x),), (np.ones(4),))[1] == pytest.approx(np.sum(wanted), rel=1e-7)
