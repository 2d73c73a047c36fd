"""What stands for an argument lies in memory as the argument does: its copies, tangents and shadows."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import grad, jvp
from tests.test_memory_kinds import checked

ROWS = np.array([[1.0, 0.2, 0.5], [0.3, 0.8, -0.4], [0.7, -0.1, 0.6]])
COLUMNS = np.asfortranarray(ROWS)
WIDE = np.asfortranarray(ROWS[:2])
STRIDED = np.array(np.repeat(ROWS, 2, axis=1), order="C")[:, ::2]
APART = np.asfortranarray(np.repeat(ROWS, 2, axis=0))[::2]
BACKWARDS = ROWS[::-1, ::-1].copy()[::-1, ::-1]


def turned_and_flat(A):
    w = A.T.ravel()
    w[1] = A[0, 0] ** 2
    return np.sum(A**2) + np.sum(w**3)


def flat(A):
    w = A.ravel()
    w[1] = A[0, 0] ** 2
    return np.sum(A**2) + np.sum(w**3)


def flat_by_a_helper(A):
    v = of(A)
    s = 0.0
    for i in range(3):
        a = v[i:]
        a[0] *= a[1]
        s += a[2]
    return s + np.sum(v**2) + np.sum(A * A)


def of(M):
    return M.reshape(-1)


def in_a_loop(A):
    for k in range(2):
        A.T.ravel()[k] = A[1, 1] ** 2
    return np.sum(A**3)


def carried_in_a_list(A):
    held = [A.T.reshape(-1), A[::-1].reshape(-1)]
    for h in held:
        h[0] = 0.5 * h[-1] * h[1]
    return np.sum(A**3) + np.sum(held[0] * held[1])


def columns_that_are_views(A):
    w = A.T.reshape(-1)
    w[0] = 0.5 * w[-1] * w[1]
    return np.sum(A * A * A)


PROGRAMS = [turned_and_flat, flat, flat_by_a_helper, in_a_loop, carried_in_a_list, columns_that_are_views]


@pytest.mark.parametrize(
    "A",
    [ROWS, COLUMNS, WIDE, STRIDED, APART, BACKWARDS],
    ids=["rows", "columns", "wide", "strided", "apart", "backwards"],
)
@pytest.mark.parametrize("fn", PROGRAMS)
def test_all_modes(fn, A):
    checked(fn, A)


def shadow_of_a_product(A, B):
    w = A.T.ravel()
    w[1] = 3.0 * A[0, 0]
    return np.sum(A * B)


def shadow_of_a_turned_product(A, B):
    w = A.T.ravel(order="F")
    w[1] = 3.0 * A[0, 0] ** 2
    return np.sum(A * B.T * 2.0) + np.sum(np.where(B.T > 0.5, A, 2.0 * A))


@pytest.mark.parametrize("A", [ROWS, COLUMNS], ids=["rows", "columns"])
@pytest.mark.parametrize("fn", [shadow_of_a_product, shadow_of_a_turned_product])
def test_shadows_that_start_as_another_array(fn, A):
    for B in (ROWS, COLUMNS):
        checked(fn, A, B * 1.3)


@pytest.mark.parametrize("A", [ROWS, COLUMNS], ids=["rows", "columns"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("fn", PROGRAMS)
def test_tangents_of_either_order(fn, A, order):
    tangent = np.array(ROWS * 2.0, order=order)
    before = tangent.copy()
    _, slope = jvp(fn, (A.copy("K"),), (tangent,))
    assert np.isclose(slope, np.sum(grad(fn)(A.copy("K")) * before), rtol=1e-12)
    np.testing.assert_array_equal(tangent, before)


def test_a_number_as_the_tangent_of_an_array_without_axes():
    def f(x):
        y = x * 2
        z = x.reshape(1)
        z[0] = 3.0 * y
        return float(x * y)

    for tangent in (np.array(1.0), np.float64(1.0)):
        assert np.isclose(jvp(f, (np.array(0.7),), (tangent,))[1], 16.8)


def spread_before_it_is_written(x):
    A = np.sin(x[:, None] - np.arange(2))
    B = np.broadcast_to(x, (2, 3)) - 1.0
    x[0] = 1.0
    return A[0, 0] * np.sum(B**3) + np.sum(A * A)


def added_before_it_is_written(x):
    A = x[:, None] + np.zeros((3, 3))
    B = A.T - x[::-1]
    x *= 0.5
    return np.sum(B * A * A) + np.sum(x**3)


@pytest.mark.parametrize("fn", [spread_before_it_is_written, added_before_it_is_written])
def test_tangents_of_sums_are_not_those_of_what_is_written_later(fn):
    checked(fn, ROWS[0].copy())


def turned_by_itself(v, k):
    return v if k == 0 else turned_by_itself(v[::-1], k - 1)


def one_axis_from_a_call(x):
    M = turned_by_itself(x, 1).reshape(2, 3)
    M[0, 1] = M[1, 2] ** 2
    return np.sum(x**3)


def one_axis_of_either_step(x, flag):
    v = x[::2] if flag else x[::-1][:3]
    M = v.reshape(3, 1)
    M[0] = 2.0 * M[1] * M[2]
    return np.sum(x**3)


@pytest.mark.parametrize(
    ("fn", "rest"), [(one_axis_from_a_call, ()), (one_axis_of_either_step, (True,)), (one_axis_of_either_step, (False,))]
)  # fmt: skip
def test_steps_along_one_axis_do_not_matter(fn, rest):
    """A reshape of an array of one axis is a view, whatever its step."""
    checked(fn, np.array([0.3, -0.6, 0.9, 1.2, -1.5, 1.8]), *rest)
