"""`flat`: always the array itself, whose elements are read and written; slices of it are copies."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import S2sadError, grad
from tests.test_memory_kinds import checked

ROWS = np.arange(1.0, 7.0).reshape(2, 3) * 0.25
COLUMNS = np.asfortranarray(ROWS)


def an_element(A):
    A.flat[2] = A[0, 0] * A[1, 1]
    return np.sum(A**2)


def of_a_transpose(A):
    B = A * 1.0
    B.T.flat[1] = A[0, 0] ** 2
    return np.sum(B**2)


def in_a_loop(A):
    for i in range(3):
        A.T.flat[i] += A[1, 0]
    return np.sum(A**2)


def slices_are_copies(A):
    w = A.flat[1:3]
    w[0] = A[0, 0] ** 2
    return np.sum(A**2) * np.sum(w)


def by_another_name(A):
    w = A.flat
    w[-1] = A[0, 0] ** 2
    for i in range(2):
        w[i + 1] *= w[i]
    return np.sum(A**2) + w[3]


def by_a_list(A):
    s = 0.0
    for v in A.flat:
        s += v**3
    A.flat[[1, 3]] = A[0, 0] ** 2
    return s + np.sum(A**2)


def by_a_slice(A):
    A.flat[1:4] = A[0, 0] ** 2
    return np.sum(A**2)


def of_more_axes(A):
    B = np.zeros((2, 2, 2))
    for i in range(6):
        B.flat[i + 1] = A.flat[i] * A.T.flat[5 - i]
    return np.sum(B[1] * B[0])


def by_a_computed_number(A):
    k = int(np.argmax(A))
    A.flat[k] = 0.5 * A[0, 0]
    return np.sum(A**3)


def of_one_axis(x):
    x.flat[1] = x[0] ** 2
    y = x.flat[1:]
    y[0] = 3.0
    return np.sum(x**2)


OF_ALL = [an_element, of_a_transpose, in_a_loop, slices_are_copies, of_more_axes, by_a_computed_number]
OF_ROWS = [by_another_name, by_a_list, by_a_slice]


@pytest.mark.parametrize("A", [ROWS, COLUMNS], ids=["rows", "columns"])
@pytest.mark.parametrize("fn", OF_ALL)
def test_in_every_layout(fn, A):
    checked(fn, A)


@pytest.mark.parametrize("fn", OF_ROWS)
def test_many_elements_of_what_lies_by_rows(fn):
    checked(fn, ROWS)
    with pytest.raises(S2sadError, match="flat, taken as reshape"):
        grad(fn)(COLUMNS.copy("K"))


@pytest.mark.parametrize("x", [ROWS[0].copy(), np.repeat(ROWS[0], 2)[::2]], ids=["dense", "strided"])
def test_one_axis(x):
    checked(of_one_axis, x)
