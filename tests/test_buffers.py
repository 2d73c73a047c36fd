"""Sums of arrays that loops carry are made in one buffer; results stay memory of their own."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import grad
from tests.array_checks import Case, check, collector

CASES: list[Case] = []
case = collector(CASES)
RNG = np.random.default_rng(5)
W, B, XS = RNG.normal(size=(3, 3)) * 0.5, RNG.normal(size=3), RNG.normal(size=(4, 3))


@case(W, XS)
def one_loop(w, xs):
    s = 0.0
    for t in range(len(xs)):
        s += np.sum(np.tanh(w @ xs[t]))
    return s


@case(W, B, XS)
def twice_in_a_loop(w, b, xs):
    h = np.zeros(3)
    for x in xs:
        h = np.tanh(w @ h + w.T @ x - b)
    return np.sum(h * b)


@case(W, XS)
def nested(w, xs):
    s = 0.0
    for i in range(2):
        for t in range(len(xs)):
            s += np.sum(np.sin(w @ xs[t]) * (i + 1))
        s = s - np.sum(w * w) * s * 0.01
    return s


@case(W, XS, True)
def in_a_branch(w, xs, flag):
    s = 0.0
    for t in range(len(xs)):
        if flag and t % 2:
            s += np.sum(np.tanh(w @ xs[t]))
        else:
            s += np.sum(w) * s * 0.1 + 1.0
    return s


@case(W, XS)
def read_on_the_way(w, xs):
    """The adjoint of the carried array is read in every iteration."""
    v, s = w, 0.0
    for t in range(len(xs)):
        v = v + np.outer(xs[t], xs[t]) * v
        s += np.sum(v)
    return s


@case(B)
def of_a_row(b):
    """One axis of size 1 is summed over."""
    s = 0.0
    for i in range(3):
        s += np.sum(b[None, :] * np.ones((2, 3)) * (i + 1.0))
    return s


@case(np.ones((1, 3)), XS)
def spread_out(row, xs):
    s = 0.0
    for i in range(2):
        s += np.sum(np.sin(row * xs) * (i + 1.0))
    return s


@case(W.astype(np.float32), XS, rtol=2e-2, atol=2e-2, step=1e-2)
def of_single_precision(w, xs):
    s = 0.0
    for t in range(len(xs)):
        s += np.sum(w * w) * xs[t, 0]
    return s


@case(W, 0)
def no_iterations(w, n):
    s = np.sum(w * w)
    for _ in range(n):
        s += np.sum(np.tanh(w))
    return s


@case(W, 3)
def until(w, n):
    s = 0.0
    while n > 0:
        s += np.sum(np.tanh(w * s + w))
        n -= 1
    return s


def ids(cases):
    return [c.fn.__name__ for c in cases]


@pytest.mark.parametrize("c", CASES, ids=ids(CASES))
def test_derivatives(c):
    check(c, single=c.fn is of_single_precision)


@pytest.mark.jit
@pytest.mark.slow
@pytest.mark.parametrize("c", CASES, ids=ids(CASES))
def test_compiled(c):
    check(c, jit=True)


@pytest.mark.parametrize("fn", [one_loop, nested])
def test_in_one_buffer(fn):
    g = grad(fn)
    g(W, XS)
    assert "dw += " in g.source and "dw = dw" not in g.source and "return dw\n" in g.source


def test_several_gradients_share_nothing():
    found = grad(twice_in_a_loop, wrt=(0, 1))(W, B, XS)
    assert not np.may_share_memory(*found)
