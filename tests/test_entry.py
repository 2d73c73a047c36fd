"""Entries: calls go to the code of the signature they fit, whatever was called before and whatever changed since."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from s2sad import S2sadError, grad, value_and_grad

FACTOR = 2.0
TABLE = [1.0, 2.0, 3.0]
activation = math.tanh
JIT = [False, pytest.param(True, marks=pytest.mark.jit)]


class Pair(NamedTuple):
    a: float
    b: float


@dataclass
class Model:
    w: float
    b: float


def power(x, n):
    return x**n * FACTOR


def activated(x):
    return activation(x) * x


def paired(p, scale=1.0, *, squared=False):
    y = p[0] * p[1] * scale
    return y * y if squared else y


def modelled(m, x):
    return m.w * x + m.b * m.b


def looked_up(x, i):
    return TABLE[i] * x


@pytest.mark.parametrize("jit", JIT)
def test_signatures_take_turns(jit):
    g = grad(power, jit=jit)
    for _ in range(3):
        assert g(3.0, 2) == 12.0
        assert g(3, 2) == 12.0
        assert g(3.0, 2.0) == 12.0
        assert g(np.float64(3.0), 2) == 12.0
        single = g(np.float32(3.0), 2)
        assert single == np.float32(12.0) and isinstance(single, np.float32)


@pytest.mark.parametrize("jit", JIT)
def test_an_alias_of_a_library_function_is_watched(jit, monkeypatch):
    g = grad(activated, jit=jit)
    y = math.tanh(0.5)
    assert g(0.5) == pytest.approx(y + 0.5 * (1 - y * y), rel=1e-14)
    for fn, d in ((math.sin, math.cos), (math.exp, math.exp), (math.sin, math.cos)):
        monkeypatch.setattr(sys.modules[__name__], "activation", fn)
        assert g(0.5) == pytest.approx(fn(0.5) + 0.5 * d(0.5), rel=1e-14)


def test_a_global_that_changes_its_type(monkeypatch):
    g = grad(power)
    module = sys.modules[__name__]
    for value in (2.0, 3, True, np.float64(4.0), 2.0):
        monkeypatch.setattr(module, "FACTOR", value, raising=False)
        assert g(3.0, 2) == 6.0 * value
    monkeypatch.delattr(module, "FACTOR")
    with pytest.raises((S2sadError, NameError)):
        g(3.0, 2)
    monkeypatch.setattr(module, "FACTOR", 1.0, raising=False)
    assert g(3.0, 2) == 6.0


def test_a_global_list_that_changes_its_elements(monkeypatch):
    g = grad(looked_up)
    assert g(1.0, 1) == 2.0
    TABLE[1] = 5
    try:
        assert g(1.0, 1) == 5.0
    finally:
        TABLE[1] = 2.0
    assert g(1.0, 1) == 2.0


@pytest.mark.parametrize("jit", JIT)
def test_structures_and_defaults(jit):
    g = grad(paired, jit=jit)
    for _ in range(2):
        assert g((2.0, 3.0)) == (3.0, 2.0)
        assert g((2.0, 3.0), 2.0) == (6.0, 4.0)
        assert g((2.0, 3.0), squared=True) == (36.0, 24.0)
        assert g((2.0, 3.0), squared=False) == (3.0, 2.0)
        assert g(scale=2.0, p=(2.0, 3.0)) == (6.0, 4.0)
    if not jit:
        assert g(Pair(2.0, 3.0)) == Pair(3.0, 2.0) and isinstance(g(Pair(2.0, 3.0)), Pair)
        assert g([2.0, 3.0]) == [3.0, 2.0]
        assert np.array_equal(g(np.array([2.0, 3.0])), [3.0, 2.0])
        assert g((2.0, 3.0)) == (3.0, 2.0)


def test_dataclasses():
    g = grad(modelled)
    for _ in range(2):
        assert g(Model(2.0, 3.0), 4.0) == Model(4.0, 6.0)


def test_a_missing_argument_is_named():
    g = grad(power)
    for _ in range(2):
        with pytest.raises(
            TypeError, match="power.* missing 1 required positional argument: 'n'|missing.*'n'"
        ):
            g(1.0)
        g(1.0, 2)


@pytest.mark.jit
def test_called_from_and_passed_to_compiled_functions(monkeypatch):
    from numba import njit

    slope = grad(power, jit=True)
    both = value_and_grad(summed, jit=True)

    @njit
    def step(x):
        return x - 0.1 * slope(x, 2)

    @njit
    def apply(g, x):
        return g(x, 3)

    @njit
    def arrays(v):
        value, gradient = both(v)
        return value + gradient[0]

    assert step(3.0) == pytest.approx(3.0 - 0.1 * 12.0)
    assert apply(slope, 2.0) == 24.0
    assert arrays(np.array([2.0, 3.0])) == 13.0 + 4.0
    assert slope(3.0, 2) == 12.0


def summed(v):
    s = 0.0
    for x in v:
        s += x * x
    return s


@pytest.mark.jit
def test_compiled_functions_cannot_take_what_is_known_only_by_value():
    from numba import njit
    from numba.core.errors import TypingError

    g = grad(paired, jit=True)

    @njit
    def use(flag):
        return g((2.0, 3.0), 1.0, flag)

    with pytest.raises((TypingError, TypeError)):
        use(True)


@pytest.mark.jit
def test_an_interpreted_derivative_says_why_it_cannot_be_compiled():
    from numba import njit
    from numba.core.errors import NumbaError

    g = grad(power)

    @njit
    def use(x):
        return g(x, 2)

    with pytest.raises(NumbaError):
        use(1.0)


@pytest.mark.jit
def test_the_entry_of_numbers_is_the_dispatcher():
    g = grad(lambda x, y: math.sin(x) * y, jit=True)
    assert g(0.0, 2.0) == 2.0
    assert type(g).__call__.__class__.__name__ == "DerivativeDispatcher"
    assert g(0, 2.0) == 2.0 and g(x=0.0, y=3.0) == 3.0
    with pytest.raises(TypeError):
        g(1.0)
    with pytest.raises(S2sadError):
        g("a", 2.0)
    assert g(0.0, 2.0) == 2.0
