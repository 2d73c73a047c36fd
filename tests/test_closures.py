"""Nested functions see variables, not values: right, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from s2sad import S2sadError, grad, jvp


def mutual(x, n):
    def even(k, y):
        return y if k == 0 else odd(k - 1, y * x)

    def odd(k, y):
        return y * y if k == 0 else even(k - 1, y + x)

    return even(n, x)


def used_before_defined(x, n):
    def outer(y):
        return inner(y) * x

    def inner(y):
        return y * k

    k = x * n
    return outer(x)


def calls_itself(x, n):
    def factorial(k):
        return x if k == 0 else k * factorial(k - 1)

    return factorial(n) * x


def made_by_another(x, n):
    def adder(a):
        def add(b):
            return twice(a) + b * x

        return add

    def twice(a):
        return 2.0 * a * x

    return adder(x)(n) * adder(2.0)(x)


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.jit)])
@pytest.mark.parametrize("fn", [mutual, used_before_defined, calls_itself, made_by_another])
def test_nested_functions_that_call_one_another(fn, jit):
    x, n, h = 0.7, 3, 1e-6
    expected = (fn(x + h, n) - fn(x - h, n)) / (2 * h)
    assert grad(fn, jit=jit)(x, n) == pytest.approx(expected, rel=1e-8)
    assert jvp(fn, (x, n), (1.0, 0))[1] == pytest.approx(expected, rel=1e-8)


def called_too_early(x):
    def a(y):
        return b(y) * x

    r = a(x)

    def b(y):
        return y

    return r


def stored_in_a_loop(x):
    fs = ()
    for i in (1, 2, 3):
        fs = (*fs, lambda: i * x)
    return fs[0]()


def appended_in_a_loop(x):
    fs = []
    for i in range(3):
        fs.append(lambda: i * x)
    return fs[0]()


def listed_by_a_comprehension(x):
    fs = [lambda: i * x for i in range(3)]
    return fs[0]()


def rebound_after_storing(x):
    i = 1
    fs = (lambda: i * x, 2)
    i = 5
    return fs[0]()


def stored_in_a_while_loop(x):
    i, f = 0, None
    while i < 3:
        f = (lambda: i * x,)
        i = i + 1
    return f[0]()


@pytest.mark.parametrize(
    "fn",
    [called_too_early, stored_in_a_loop, appended_in_a_loop, listed_by_a_comprehension, rebound_after_storing,
     stored_in_a_while_loop],
)  # fmt: skip
def test_refused(fn):
    with pytest.raises(S2sadError):
        grad(fn)(0.7)


SETTINGS: dict[str, Any] = {
    "n": 3, "tol": 0.5, "w": np.array([1.0, 2.0, 3.0]), "inner": {"k": 2}, "mode": "fast", "pair": (1.0, [2.0, 3.0]),
}  # fmt: skip


def by_settings(c):
    rows = []
    for _ in range(SETTINGS["n"]):
        rows.append(c * SETTINGS["tol"] * SETTINGS["w"])
    s = 2.0 if SETTINGS["mode"] == "fast" else 1.0
    return rows[-1] @ c * SETTINGS["inner"]["k"] * s * SETTINGS["pair"][1][0]


@pytest.mark.jit
@pytest.mark.parametrize("jit", [False, True])
def test_parts_of_captured_containers(jit, monkeypatch):
    """They are read at each call, also where Numba would not take the container; another structure is typed anew."""
    g, c = grad(by_settings, jit=jit), np.ones(3)
    expected = 2 * 0.5 * SETTINGS["w"] * 2 * 2.0 * 2.0
    np.testing.assert_allclose(g(c), expected)
    monkeypatch.setitem(SETTINGS, "tol", 1.0)
    np.testing.assert_allclose(g(c), 2 * expected)
    assert jvp(by_settings, (c,), (c,), jit=jit)[1] == pytest.approx(2 * expected.sum())
    monkeypatch.setitem(SETTINGS, "mode", "slow")
    np.testing.assert_allclose(g(c), expected)
    assert jvp(by_settings, (c,), (c,), jit=jit)[1] == pytest.approx(expected.sum())
    monkeypatch.setitem(SETTINGS, "inner", {"k": 2.5})
    np.testing.assert_allclose(g(c), 1.25 * expected)
    monkeypatch.delitem(SETTINGS, "tol")
    with pytest.raises(S2sadError, match="no constant key 'tol'"):
        g(c)
    monkeypatch.undo()
    np.testing.assert_allclose(g(c), expected)
