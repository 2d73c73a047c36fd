"""Reshaped arrays that do not lie by rows, compiled: Numba itself reshapes contiguous arrays only."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import grad, jacfwd

M = np.arange(1.0, 13.0).reshape(3, 4) * 0.1


def by_columns(A):
    B = A.reshape(2, -1, order="F")
    return np.sum(B**3)


def flattened_and_written(A):
    D = A.T.flatten("F")
    D[1] = A[0, 0] ** 2
    return np.sum(D**2 * np.arange(12.0))


def backwards(A):
    C = A[::-1]
    D = C.reshape(-1, 1)
    return np.sum(D**3 * np.arange(12.0)[:, None])


def copied_and_written(A):
    w = A.T.ravel()
    w[1] = A[0, 0] ** 2
    return np.sum(w**3) + np.sum(A**2)


PROGRAMS = [by_columns, flattened_and_written, backwards, copied_and_written]


@pytest.mark.jit
@pytest.mark.slow
@pytest.mark.parametrize("mode", [grad, jacfwd])
@pytest.mark.parametrize("fn", PROGRAMS)
def test_as_interpreted(fn, mode):
    for A in (M, np.asfortranarray(M)):
        expected = mode(fn)(A.copy("K"))
        np.testing.assert_allclose(mode(fn, jit=True)(A.copy("K")), expected, rtol=1e-12)


@pytest.mark.jit
def test_sample():
    np.testing.assert_allclose(
        grad(flattened_and_written, jit=True)(M.copy()), grad(flattened_and_written)(M.copy())
    )
