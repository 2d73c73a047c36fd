"""Arrays of subscripts and other integers that are written between what is read of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from s2sad import grad
from tests.test_memory_kinds import checked

X = np.array([0.3, 0.6, 0.9, 1.2])


def one_further(x):
    at = np.array([0, 1])
    s = 0.0
    for _ in range(2):
        s += np.sum(x[at + 1] ** 2)
        at += 1
    return s


def turned_round(x):
    at = np.array([0, 1])
    s = 0.0
    for _ in range(2):
        s += 0.3 * np.sum(x[at + 1] ** 2)
        s += np.sum(x[at[::-1]] * x[at])
        at[:] = at[::-1]
        at[0] += 1
    return s


def around(x):
    at = np.array([0, 1])
    s = 0.0
    for _ in range(3):
        s += np.sum(x[at + 1] ** 3)
        at += 1
        at %= 3
    return s


def weights(x):
    w = np.arange(4)
    s = 0.0
    for k in range(2):
        t = w % 3
        v = w[1:]
        v[k] = 9
        s += np.sum((-t) * x * (5 - w))
    return s


def named_before(x):
    w = np.arange(4)
    t = w + 1
    s = np.sum(x * t * x)
    w += 3
    return s + np.sum(t * x * (w // 2))


def bump(w, k):
    w[k] += 5


def by_a_helper(x):
    w = np.arange(4)
    s = 0.0
    for k in range(2):
        for j in range(2):
            s += np.sum(x ** (w + 1)) * (j + 1)
            bump(w, k)
    return s


def exponents(x):
    e = np.arange(4).reshape(2, 2)
    s = 0.0
    for k in range(2):
        s += np.sum(x.reshape(2, 2) ** (e.T + 1))
        np.add.at(e, (k, 1), 1)
    return s


PROGRAMS = [one_further, turned_round, around, weights, named_before, by_a_helper, exponents]


@pytest.mark.parametrize("fn", PROGRAMS)
def test_all_modes(fn):
    checked(fn, X)


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize("fn", PROGRAMS)
def test_compiled(fn):
    np.testing.assert_allclose(grad(fn, jit=True)(X), grad(fn)(X), rtol=1e-12)


def of_one_place(x):
    y = np.zeros(3)
    np.add.at(y, 1, x[0])
    np.subtract.at(y, slice(1, None), x[1:3] * x[0])
    at = np.array([2, 0])
    numbers = [q * q for q in x]
    numbers[at[0] % 3] = 0.5 * numbers[0]
    return np.sum(y**2) + sum(numbers)


@pytest.mark.jit
def test_compiled_sample():
    np.testing.assert_allclose(grad(of_one_place, jit=True)(X), grad(of_one_place)(X), rtol=1e-12)
    checked(of_one_place, X)


def test_numba_told_not_to_compile():
    text = "from tests.test_written_positions import *\nprint(*grad(one_further, jit=True)(X))"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    given = {"capture_output": True, "text": True, "env": environment, "cwd": Path(__file__).parent.parent}
    found = subprocess.run([sys.executable, "-c", text], check=True, **given)
    np.testing.assert_allclose(np.array(found.stdout.split(), float), grad(one_further)(X))
