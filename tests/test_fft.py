"""Fourier transforms and complex intermediates: reverse against forward mode and differences."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import grad
from s2sad.errors import S2sadError
from tests.array_checks import Case, check, collector

rng = np.random.default_rng(0)
CASES: list[Case] = []


case = collector(CASES)


def normal(*shape):
    return rng.normal(size=shape)


def weighted(y):
    """A number that depends on each element of an array differently."""
    return np.sum(np.sin(y + 0.3) * y)


def power(z):
    """The same of a complex array."""
    return weighted(z.real) + np.sum(np.cos(np.imag(z)) * np.abs(z))


@case(normal(3, 3))
def padded(A):
    return np.sum(np.abs(np.fft.fft2(A, s=(8, 8))) ** 2 * np.arange(64.0).reshape(8, 8))


@case(normal(5))
def spread_of_complex_numbers(x):
    z = x + 1j * x**2
    return np.var(z) + np.std(z[:3])


@case(normal(5), normal(5))
def parts(x, y):
    z = x + 1j * y
    w = z * np.exp(1j * x) / (2.0 + z * z)
    return (
        weighted(w.real)
        + weighted(np.imag(w))
        + weighted(np.abs(w))
        + weighted(np.angle(z))
        + np.sum((z * np.conj(z)).real ** 2)
    )


@case(0.3, 0.8)
def complex_numbers(x, y):
    z = complex(x, y)
    w = z * z + 2.0 / z
    return w.real * w.imag + np.abs(w) + (w * w.conjugate()).real


@case(normal(5))
def fft(x):
    return power(np.fft.fft(x)) + power(np.fft.ifft(x)) + power(np.fft.fft(x, norm="ortho"))


@case(normal(3, 4))
def fft_along_axes(A):
    a = power(np.fft.fft(A, axis=0)) + power(np.fft.ifft(A, 3)) + power(np.fft.fft(A, n=6, axis=1))
    return (
        a
        + power(np.fft.rfft(A, axis=0))
        + power(np.fft.rfft(A, n=3))
        + power(np.fft.rfft(A, n=7, norm="forward"))
    )


@case(normal(6), normal(5))
def real_transforms(x, y):
    a = power(np.fft.rfft(x)) + power(np.fft.rfft(y))
    return (
        a + weighted(np.fft.irfft(np.fft.rfft(x) ** 2)) + weighted(np.fft.irfft(np.fft.rfft(y) ** 2, len(y)))
    )


@case(normal(5, 3), normal(5, 3))
def inverse_real_transforms(x, y):
    z = x + 1j * y
    a = (
        weighted(np.fft.irfft(z, axis=0))
        + weighted(np.fft.irfft(z, n=5, axis=0, norm="ortho"))
        + weighted(np.fft.irfft(x))
    )
    return a + weighted(np.fft.irfft(z, n=7)) + weighted(np.fft.irfft(z, n=3, norm="forward"))


@case(normal(3, 4), normal(2, 3, 2))
def several_axes(A, B):
    a = (
        power(np.fft.fft2(A))
        + power(np.fft.ifft2(A))
        + power(np.fft.fftn(B))
        + power(np.fft.ifftn(B, axes=(0, 2), norm="ortho"))
    )
    return (
        a
        + power(np.fft.fftshift(np.fft.fft2(A)))
        + power(np.fft.ifftshift(A, axes=1) * (1.0 + 2.0j))
        + power(np.fft.fft2(B))
    )


@case(normal(6))
def spectral_derivative(x):
    k = 2j * np.pi * np.fft.fftfreq(len(x), 0.5)
    d = np.real(np.fft.ifft(k * np.fft.fft(x)))
    return weighted(d) + np.sum(np.fft.rfftfreq(len(x)) * np.abs(np.fft.rfft(x)) ** 2)


@case(normal(5), normal(5))
def convolution_theorem(x, y):
    n = len(x) + len(y) - 1
    return weighted(np.fft.irfft(np.fft.rfft(x, n) * np.fft.rfft(y, n), n))


@case(normal(4))
def steps(x):
    z = x + 0.5j
    for k in range(3):
        z = np.fft.ifft(np.fft.fft(z) * np.exp(1j * x)) + z * np.abs(z)
    return power(z)


@case(normal(4))
def written(x):
    z = np.zeros(4, dtype=complex)
    z[0] = x[0]
    z[1:] = 1j * x[1:] ** 2
    z *= x
    w = np.fft.fft(z)
    return np.sum(np.abs(w) ** 2)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_fft(case):
    check(case)


def spectrum(x):
    return np.sum(np.abs(np.fft.rfft(x)) ** 2)


def test_source():
    g = grad(spectrum)
    x = normal(5)
    g(x)
    assert "np.fft.fft(" in g.source


def test_single_precision():
    x = normal(6).astype(np.float32)
    found = grad(spectrum)(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, grad(spectrum)(x.astype(float)), rtol=1e-4, atol=1e-4)


def solved(x):
    A = np.eye(2) * 1j
    return np.sum(np.abs(np.linalg.inv(A * x)))


def test_refusals():
    with pytest.raises(S2sadError):
        grad(solved)(normal(2))
