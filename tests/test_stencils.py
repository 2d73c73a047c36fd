"""The reverse of stencils under Numba: a loop for each offset, where nothing but the order of the loops changes."""
# ruff: noqa: E501

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import s2sad
from tests.array_checks import Case, check, collector, is_floating

pytestmark = pytest.mark.jit
rng = np.random.default_rng(3)
SPLIT: list[Case] = []
WHOLE: list[Case] = []
split = collector(SPLIT)
whole = collector(WHOLE)


def V(*shape):
    return rng.normal(size=shape)


@split(V(7), 0.3, 3)
def heat(u0, k, steps):
    u, v = u0.copy(), u0.copy()
    for _ in range(steps):
        for i in range(1, len(u) - 1):
            v[i] = u[i] + k * (u[i - 1] - 2.0 * u[i] + u[i + 1])
        u, v = v, u
    return np.sum(u**2)


@split(V(5, 6), 0.3, 2)
def heat_of_two_axes(u0, k, steps):
    u, v = u0.copy(), u0.copy()
    for _ in range(steps):
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                v[i, j] = u[i, j] + k * (
                    u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4.0 * u[i, j]
                )
        u, v = v, u
    return np.sum(u**2) + np.sum(v)


@split(V(8), 0.2, 3)
def advection(u0, c, steps):
    u, w = u0.copy(), np.zeros(len(u0))
    for _ in range(steps):
        for i in range(len(u)):
            w[i] = u[i]
        for i in range(1, len(u) - 1):
            u[i] = w[i] - c * w[i] * (w[i] - w[i - 1]) + 0.1 * (w[i + 1] - 2.0 * w[i] + w[i - 1])
    return np.sum(u**2)


@split(V(9), V(3))
def convolution(x, w):
    y = np.zeros(len(x) - 2)
    for i in range(len(y)):
        y[i] = w[0] * x[i] + w[1] * x[i + 1] + w[2] * x[i + 2]
    return np.sum(y**2)


@split(V(9))
def backwards(x):
    y = np.zeros(len(x))
    for i in range(len(x) - 2, 0, -1):
        y[i] = x[i + 1] * 2.0 - x[i - 1] * 3.0
    return np.sum(y**3)


@split(V(8), 0.2, 4)
def three_buffers(u0, c, steps):
    u, v, w = u0.copy(), u0.copy(), u0 * 1.0
    for _ in range(steps):
        for i in range(1, len(u) - 1):
            w[i] = 2.0 * v[i] - u[i] + c * (v[i + 1] - 2.0 * v[i] + v[i - 1])
        u, v, w = v, w, u
    return np.sum(v**2)


@whole(V(7), 3)
def one_array_only(u, steps):
    u = u.copy()
    for _ in range(steps):
        for i in range(1, len(u) - 1):
            u[i] = 0.5 * (u[i - 1] + u[i + 1])
    return np.sum(u**2)


@whole(V(7), 3)
def buffers_that_become_one(u0, steps):
    u, v = u0.copy(), u0.copy()
    for k in range(steps):
        for i in range(1, len(u) - 1):
            v[i] = 0.5 * (u[i - 1] + u[i + 1])
        if k == 1:
            u = v
        else:
            u, v = v, u
    return np.sum(u**2)


@whole(V(7), V(7), np.array([0, 2, 1, 3, 5]))
def computed_places(x, y, at):
    s = 0.0
    for i in range(len(at)):
        s += x[at[i]] * y[i] * x[i + 1]
    return s


@whole(V(7))
def costly(x):
    y = np.zeros(len(x))
    for i in range(1, len(x) - 1):
        y[i] = np.exp(np.sin(x[i - 1]) * np.cos(x[i + 1]))
    return np.sum(y)


NUMBA = re.compile(r"^from numba import .*$|^@njit.*$", re.MULTILINE)


def compiled_source(case):
    """What is given to Numba, and by which arguments."""
    args = [a.copy() if isinstance(a, np.ndarray) else a for a in case.args]
    wrt = tuple(k for k, a in enumerate(args) if is_floating(a))
    return s2sad.grad(case.fn, wrt=wrt, jit=True).lower(*args).source, wrt


@pytest.mark.parametrize("case", [*SPLIT, *WHOLE], ids=lambda c: c.fn.__name__)
def test_run_by_python(case):
    """The loops that are made for Numba give what those give that are made for Python, in the same order of sums."""
    source, wrt = compiled_source(case)
    space = {}
    exec(NUMBA.sub("", source), space)
    given = [a.copy() if isinstance(a, np.ndarray) else a for a in case.args]
    found = space[f"{case.fn.__name__}_grad"](*given)
    expected = s2sad.grad(case.fn, wrt=wrt)(
        *(a.copy() if isinstance(a, np.ndarray) else a for a in case.args)
    )
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("case", [*SPLIT, *WHOLE], ids=lambda c: c.fn.__name__)
def test_which_are_split(case):
    """Each offset has a loop, but where the iterations depend on each other or cost too much."""
    source, wrt = compiled_source(case)
    args = [a.copy() if isinstance(a, np.ndarray) else a for a in case.args]
    plain = s2sad.grad(case.fn, wrt=wrt).lower(*args).source
    made, before = (
        len(re.findall(r"^ *for .* in range\(", text.split("# reverse")[1], re.M)) for text in (source, plain)
    )
    assert (made >= before + 1) == (case in SPLIT), source


@pytest.mark.parametrize("case", [*SPLIT, *WHOLE], ids=lambda c: c.fn.__name__)
def test_exact(case):
    check(replace(case, rtol=5e-5, atol=1e-6), levels=(2,))


@pytest.mark.slow
@pytest.mark.parametrize("case", [*SPLIT, *WHOLE], ids=lambda c: c.fn.__name__)
def test_compiled(case):
    check(replace(case, rtol=5e-5, atol=1e-6), jit=True)


@pytest.mark.parametrize("case", SPLIT[:1], ids=lambda c: c.fn.__name__)
def test_one_compiled(case):
    check(replace(case, rtol=5e-5, atol=1e-6), jit=True)
