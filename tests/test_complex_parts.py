"""`z.real` and `z.imag` are views of a complex array: read after a write they show it, written they write it. Every mode is compared
with the primal and its differences."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import grad
from tests.checks import Checker

X = np.array([1.03, 2.07, 0.96, 0.41])


def read_late(x):
    z = x + 1j * x[::-1]
    r, m = z.real, np.imag(z)
    z[0] = z[1] * z[2]
    return np.sum(r**3 * m)


def written(x):
    z = x + 1j * x[::-1]
    r = z.real
    r[3] = x[0] ** 2
    z.imag[1] = 2.0 * x[2] * r[3]
    return np.sum(np.abs(z) ** 2) + np.sum(r * z.imag)


def whole(x):
    z = np.zeros(4, complex)
    z.real[:] = x
    z.imag[:] = x * x
    z *= z
    z.real[...] = z.imag * x
    return np.sum(z.real * z.imag)


def in_place(x):
    z = np.exp(1j * x)
    r = z.real
    r += x
    r *= z.imag
    z.imag[:2] -= r[2:]
    return np.sum((z * z).imag)


def slices(x):
    z = x[::-1] * (1 + 2j)
    v = z[1:].real[::2]
    v[0] = x[0] * z[0].imag
    w = z[::-1].imag
    w[1:3] = v.copy()
    return np.sum((z * z * z).real)


def matrix(x):
    z = np.outer(x, x) * (1 - 0.5j)
    z.T.real[1] = x
    z.imag[2, 1:] += z.real[1:, 2]
    d = np.einsum("ij->ji", z.real)
    return np.sum(z.real * z.imag) + d[1, 2]


def masks(x):
    z = x * np.exp(1j * x)
    z.real[x > 0.9] = z.imag[x > 0.9] ** 2
    z.imag[[0, 3]] += x[:2]
    np.add.at(z.real, [1, 1], x[2:])
    return np.sum((z * z).imag)


def in_loop(x):
    z = x + 0j
    for k in range(3):
        z.imag[k] = z.real[k + 1] * x[k]
        z *= 1 + 0.1j
        r = z[k:].real
        r[0] *= 0.5
    return np.sum(z.real**2 * z.imag)


def on_a_path(x):
    z = x * 1j
    r = z.real
    if x[0] > 1.0:
        r[1] = x[2] * x[0]
    else:
        z[1] = x[1]
    return np.sum(r * z.imag) + np.sum((z**2).real)


def of_a_transform(x):
    f = np.fft.rfft(x)
    f[1] *= f[0]
    f.real[2] = x[0] * f.imag[1]
    y = np.fft.irfft(f, 4)
    return np.sum(y**2 * x)


def sorted_part(x):
    z = x[::-1] + 1j * x
    z.real.sort()
    z.imag.fill(x[0])
    return np.sum((z**3).real * x)


def compared(x):
    z = np.zeros(4, int) + x * 1j
    z += 1
    z[z.imag > 1] *= 1j
    return np.sum(z.real**2) + np.sum(z.imag * x)


PROGRAMS = [
    read_late,
    written,
    whole,
    in_place,
    slices,
    matrix,
    masks,
    in_loop,
    on_a_path,
    of_a_transform,
    sorted_part,
    compared,
]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_all_modes(f):
    check = Checker(f, (X.copy(),), (0,), rounded=True)
    for optimize in (0, 1, 2):
        gradient = check.gradient(optimize=optimize)
        assert gradient is not None, check.problems
        assert check.differences(gradient, required=True)
    check.forward(gradient)
    check.other_modes(gradient)
    assert not check.problems and not check.refusals


def test_compiled():
    for f in (written, in_loop):
        assert np.allclose(grad(f, jit=True)(X.copy()), grad(f)(X.copy()), rtol=1e-12)


def test_code_of_what_is_only_read():
    """A part that is read at once is taken once."""

    def f(x):
        z = x * (1 + 2j)
        z[0] = x[1]
        r = z.real
        return np.sum(r * r) + r[0]

    check = Checker(f, (X.copy(),), (0,))
    assert check.differences(check.gradient(), required=True)
    assert not check.problems
