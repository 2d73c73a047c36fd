"""Under Numba: zeros that a loop adds to first are not made where it assigns, and cells ahead are added to first.

The compiled text runs as Python here, and memory that it leaves uninitialised is nan.
"""
# ruff: noqa: E501

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

import s2sad
from tests.array_checks import Case, collector, is_floating

pytestmark = pytest.mark.jit
rng = np.random.default_rng(5)
ASSIGNED: list[Case] = []
ADDED: list[Case] = []
assigned = collector(ASSIGNED)
added = collector(ADDED)


def V(*shape):
    return rng.normal(size=shape)


@assigned(V(6))
@assigned(V(1))
@assigned(V(0))
def chain(x):
    s = 0.0
    for i in range(len(x) - 1):
        s += 3.0 * (x[i + 1] - x[i] ** 2) ** 2
    return s


@assigned(V(7), 7)
@assigned(V(7), 4)
@assigned(V(7), 0)
@assigned(V(7), -12)
def up_to(x, n):
    s = 0.0
    for i in range(n):
        s += x[i] ** 2
    return s


@assigned(V(9), 7)
@assigned(V(9), 3)
@assigned(V(9), -20)
@assigned(V(2), 0)
def inner(x, n):
    s = 0.0
    for i in range(3, n):
        s += x[i - 3] * x[i - 1] + x[i + 1] ** 2
    return s


@assigned(V(4, 5), V(4, 5))
@assigned(V(0, 5), V(0, 5))
@assigned(V(4, 0), V(4, 0))
def whole_matrix(A, B):
    s = 0.0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            s += A[i, j] * B[i, j] ** 2
    return s


@assigned(V(5, 6))
@assigned(V(2, 6))
@assigned(V(1, 1))
def middle_of_a_matrix(A):
    s = 0.0
    for i in range(1, A.shape[0] - 1):
        for j in range(1, A.shape[1] - 1):
            s += A[i, j] ** 2
    return s


@added(V(3, 4), 2)
def matrix_with_one_row_ahead(A, n):
    s = 0.0
    for i in range(n):
        for j in range(A.shape[1] - 1):
            s += A[i + 1, j] * A[i, j] + A[i, j + 1] ** 2
    return s


@assigned(V(4, 3), V(3))
def rows(A, x):
    s = 0.0
    for i in range(A.shape[0]):
        s += np.sum(A[i] * x * x)
    return s


@assigned(V(5), V(5))
def in_a_branch_behind(x, y):
    s = 0.0
    for i in range(len(x) - 1):
        if y[i] > 0.0:
            s += x[i] ** 3
        s += x[i + 1] ** 2
    return s


@assigned(-V(5) * 0.0, V(5))
def zeros_of_both_signs(x, y):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * x[i] + y[i] * -0.0
    return s


@added(V(6))
def from_the_end(x):
    s = 0.0
    for i in range(len(x)):
        s += x[i - 1] * x[i] ** 2
    return s


@added(V(6), 2)
def starts_anywhere(x, k):
    s = 0.0
    for i in range(k, len(x)):
        s += x[i - 2] * x[i - 1]
    return s


@added(V(6), 2)
def one_cell_again_and_again(x, k):
    s = 0.0
    for i in range(len(x)):
        s += x[k + i // 3] ** 2 * 2.0
    return s


@added(V(6), np.array([1, 1, 4, -1]))
def computed(x, at):
    s = 0.0
    for i in range(len(at)):
        s += x[at[i]] ** 2
    return s


@added(V(6), V(6))
def in_a_branch(x, y):
    s = 0.0
    for i in range(len(x)):
        if y[i] > 0.0:
            s += x[i] ** 2
    return s


@added(V(8))
def every_second(x):
    s = 0.0
    for i in range(0, len(x), 2):
        s += x[i] ** 2
    return s


@added(V(7), 0.5)
def left_early(x, most):
    s = 0.0
    for i in range(len(x)):
        if s > most:
            break
        s += x[i] ** 2
    return s


@added(V(5, 5))
def triangle(A):
    s = 0.0
    for i in range(len(A)):
        for j in range(i):
            s += A[i, j] ** 2
    return s


@added(V(4), 3)
def swept_again(x, steps):
    s = 0.0
    for k in range(steps):
        for i in range(len(x)):
            s += x[i] ** 2 * k
    return s


@added(V(4, 4))
def diagonal(A):
    s = 0.0
    for i in range(len(A)):
        s += A[i, i] ** 2
    return s


@added(V(4, 3))
def one_column(A):
    s = 0.0
    for i in range(len(A)):
        s += A[i, 1] ** 2
    return s


@added(V(5, 4))
def ahead_in_rows_that_come_later(A):
    s = 0.0
    for i in range(A.shape[0] - 1):
        for j in range(A.shape[1]):
            s += A[i + 1, j - 1] * A[i, j]
    return s


NUMBA = re.compile(r"^from numba import .*$|^@njit.*$|^import numpy as np$", re.MULTILINE)


class Dirty(SimpleNamespace):
    """NumPy, whose uninitialised memory is nan."""

    def __getattr__(self, name):
        return getattr(np, name)

    def empty_like(self, a, dtype=None):
        return np.full_like(a, np.nan, dtype=dtype)

    def empty(self, shape, dtype=float):
        return np.full(shape, np.nan if np.dtype(dtype).kind == "f" else 1, dtype=dtype)


def copies(case):
    return [a.copy() if isinstance(a, np.ndarray) else a for a in case.args]


def active(case):
    return tuple(k for k, a in enumerate(case.args) if is_floating(a))


def text(case):
    return s2sad.grad(case.fn, wrt=active(case), jit=True, cache=False).lower(*copies(case)).generated.source


def name(case):
    shapes = ["x".join(map(str, np.shape(a))) if np.ndim(a) else str(a) for a in case.args]
    return f"{case.fn.__name__}-{','.join(shapes)}"


@pytest.mark.parametrize("case", [*ASSIGNED, *ADDED], ids=name)
def test_numbers(case):
    space = {"np": Dirty()}
    exec(NUMBA.sub("", text(case)), space)
    found = space[f"{case.fn.__name__}_grad"](*copies(case))
    expected = s2sad.grad(case.fn, wrt=active(case))(*copies(case))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b) if case.fn is not rows else np.testing.assert_allclose(
            a, b, rtol=1e-14
        )


@pytest.mark.parametrize("case", [*ASSIGNED, *ADDED], ids=name)
def test_which_are_assigned(case):
    assert ("np.empty_like" in text(case)) == (case in ASSIGNED), text(case)


def test_order():
    """The cell ahead is written first, in the direction of the loop; without the change, the cell of the user's line."""
    with s2sad.switches.without("assign_first"):
        ordered = text(ASSIGNED[0])
        with s2sad.switches.without("farthest_first"):
            plain = text(ASSIGNED[0])
    at = [[re.search(c, t).start() for c in (r"dx\[i\] .=", r"dx\[t2\] .=")] for t in (ordered, plain)]
    assert at[0][0] > at[0][1] and at[1][0] < at[1][1]


@pytest.mark.slow
@pytest.mark.parametrize("case", ASSIGNED, ids=name)
def test_compiled(case):
    found = s2sad.grad(case.fn, wrt=active(case), jit=True, cache=False)(*copies(case))
    expected = s2sad.grad(case.fn, wrt=active(case))(*copies(case))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
