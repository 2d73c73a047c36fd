"""Shadows of complex numbers that a loop stores and of lists of them hold complex numbers, in derivatives of every order:
compared with differences of the derivative below, by grad of grad of grad and by hvp of grad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from s2sad import grad, hvp, vjp

Vector = np.ndarray[Any, Any]
X = np.array([1.03, 2.07, 0.96, 0.41])
V, U, W = np.array([[1.0, 0.5, -0.3, 0.2], [0.2, -0.4, 0.6, 0.1], [-0.3, 0.7, 0.2, 0.5]])


def carried(x):
    z = 0j
    for k in range(3):
        z = z * x[k] + 1j * x[k + 1] ** 2
    return (z * z).real + abs(z)


def by_while(x):
    z, n = 0.3 + 0j, 0
    while n < 4 and abs(z) < 50.0:
        z, n = z * z * x[n] + 1j * x[n - 1], n + 1
    return z.real * z.imag


def branches(x):
    z = x[0] + 1j
    for k in range(4):
        z = z * x[k] + 1j * z if k % 2 else z**2 * 0.1
    return (z**2).imag


def inner_loop(x):
    z, s = 0j, 0.0
    for i in range(2):
        for j in range(2):
            z = z * x[i] * 0.5 + 1j * x[j] * x[i]
        s += (z * z).real * x[i]
    return s


def two_carried(x):
    a, b = x[0] + 0j, 1j * x[1]
    for k in range(3):
        a, b = b * x[k], a * b + x[3]
    return (a * b).real


def written(x):
    z = x + 0j
    for k in range(3):
        z[k] = z[k - 1] * x[k] + 1j * z[k]
    return np.sum((z * z).real)


def listed(x):
    held = [1j * x[0], x[1] * x[2]]
    for k in range(3):
        held[k % 2] = held[0] * held[1] * x[k] + 1j
    return (held[0] * held[1]).imag


def appended(x):
    held = [x[0] + 1j * x[1]]
    for k in range(3):
        held.append(held[-1] ** 2 * x[k] * 0.5)
    return held[3].real * held[1].imag


def repeated(x):
    held = [x[0] + 1j * x[1] ** 2] * 3
    for k in range(3):
        held[k] = held[k] * held[k - 1] * x[k]
    return (held[0] * held[2]).real


def full(x):
    z = np.full(3, x[0] + 1j * x[1] ** 2)
    for k in range(3):
        z[k] = z[k] * z[k - 1] * x[k]
    return np.sum((z * z).real)


def helped(x):
    def step(z, a):
        return z * a + 1j * z * z

    z = x[0] + 0j
    for a in x:
        z = step(z, a) * 0.5
    return z.real * z.imag


def recursive(x):
    def go(k):
        return x[0] + 0j if k == 0 else go(k - 1) * x[k] + 1j * x[k - 1] ** 2

    return (go(3) ** 2).real


def of_elements(x):
    z = 0.5 + 0j
    for a in x:
        z = z * z + (a + 1j * a * a)
    return np.abs(z) ** 2 * 0.01


PROGRAMS = [carried, by_while, branches, inner_loop, two_carried, written, listed, appended, repeated, full, helped, recursive,
            of_elements]  # fmt: skip


def slope(g: Callable[[Vector], Vector], along: Vector) -> Vector:
    """A fourth-order difference."""
    h = 1e-3
    near, far = (g(X + k * h * along) - g(X - k * h * along) for k in (1.0, 2.0))
    return (8.0 * near - far) / (12.0 * h)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_three_derivatives(f):
    optimize = 2 if f in PROGRAMS[::3] else 1
    first = grad(f, optimize=optimize)

    def along_v(x):
        return np.sum(first(x) * V)

    second = grad(along_v, optimize=optimize)

    def along_u(x):
        return np.sum(second(x) * U)

    third = grad(along_u, optimize=optimize)
    assert np.allclose(hvp(f)(X.copy(), V), second(X.copy()), rtol=1e-10)
    wanted = slope(second, W) @ U
    assert third(X.copy()) @ W == pytest.approx(wanted, rel=1e-6)
    assert hvp(along_v)(X.copy(), W) @ U == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_pullbacks_leave_nothing(f):
    first = grad(f)(X.copy())
    for k, unit in enumerate(np.eye(4)):
        assert first[k] == pytest.approx(slope(lambda x: np.array(f(x)), unit), rel=1e-6, abs=1e-9)
    given = X.copy()
    _, pullback = vjp(f, given)
    given[:] = 0.0
    for seed in (1.0, -2.0, 1.0):
        assert np.allclose(pullback(seed)[0], seed * first, rtol=1e-12)


def test_compiled():
    for f in (carried, repeated, appended):
        assert np.allclose(grad(f, jit=True)(X.copy()), grad(f)(X.copy()), rtol=1e-12)
