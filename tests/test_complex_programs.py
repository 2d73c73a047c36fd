"""Complex numbers on the way to a real result: in lists, in arrays with real entries, by Python's own functions."""
# ruff: noqa: E501

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from s2sad import grad
from s2sad.errors import UnsupportedSyntaxError
from tests.array_checks import Case, check, collector

rng = np.random.default_rng(12)
CASES: list[Case] = []
case = collector(CASES)
X = np.array([0.7, 1.3, -0.4])


@case(X)
def abs_of_a_transform(x):
    return abs(np.fft.fft(x) * np.array([1.0, 2.0, 0.5])).sum()


@case(0.7)
def abs_of_a_number(x):
    return abs(1j * x + 1) + float(abs(1j * x * x + 2.0))


@case(X)
def amplitudes(x):
    psi = x + 0.5j
    p = []
    for k in range(3):
        psi = psi - 0.5j * x * psi[::-1]
        p.append(abs(psi[1]) ** 2 * (k + 1))
    return sum(p)


@case(rng.normal(size=(3, 2)))
def list_of_numbers(x):
    z = []
    for i in range(3):
        z.append(x[i, 0] + 1j * x[i, 1])
    return np.sum(np.abs(z)) + np.abs(sum(z))


@case(rng.normal(size=(3, 2)))
def list_made_an_array(x):
    z = [0.0] * 3
    for i in range(3):
        z[i] = x[i, 0] * (1 + 2j) + 1j * x[i, 1] ** 2
    return np.sum(np.abs(np.array(z) * np.array([1j, 2.0, 0.5]))) + np.abs(np.stack(z)[0])


@case(0.7)
def list_of_multiples(x):
    z = []
    for i in range(3):
        z.append(x * (i + 1j))
    return np.abs(np.sum(np.array(z) ** 2))


@case(0.7)
def real_among_complex(x):
    return np.abs(np.array([x, 1j]) @ np.array([1j, 2.0]))


@case(0.7)
def real_in_a_matrix(x):
    m = np.array([[np.cos(x), 1j * np.sin(x)], [1j * x * np.sin(x), np.cos(x)]])
    b, c = m @ np.array([1.0, 1.5])
    return np.abs((b - c) / (b + c)) ** 2


@case(0.7)
def real_in_a_list(x):
    z = [x, 1j, x * x]
    return np.abs(sum(z)) + np.abs(np.sum(z) * 1j)


@case(X)
def real_and_complex_entries(x):
    s = np.abs(x[0] + 1j * x[1])
    m = np.array([s, 1j])
    return np.abs(m[0] * (1 + 2j) + m[1] * x[2])


@case(0.7)
def polynomial(x):
    return np.abs(np.polyval([x, 1j], 0.3)) + np.abs(np.polyval([x, 1.0, 2.0 * x], 0.3 + 0.2j))


@case(0.7)
def made_complex(x):
    return np.abs(np.sqrt(complex(x)) + 1j) + abs(complex(x, x * x))


@case(X)
def convolved(x):
    a = np.convolve(x, [1.0, 1j]).imag.sum() + np.abs(np.convolve(x + 1j, x * 1j)).sum()
    return (
        a
        + np.abs(np.correlate(x + 2j, x[:2] * (1 + 1j))).sum()
        + np.correlate([1j, 2.0, 1.0], x + 1j * x**2)[0].real
    )


@case(X)
def powers(x):
    z = 1j * x[0] + x[1:] + 0.5
    return np.sum(np.abs(z**z)) + np.sum(np.abs(z**0.5)) + np.sum((z**3).real) + np.sum((z**-2).imag)


@case(0.7)
def powers_of_numbers(x):
    return np.abs((1j * x) ** (1j * x)) + abs((1j * x + 1) ** 0.5) + abs(x ** (1j * x)) + ((2j + x) ** x).real


@case(X)
def powers_by_numpy(x):
    z = 1j * x + 0.8
    return np.sum(
        np.abs(np.power(z, z)) + np.abs(np.power(z, 0.3)) + np.power(z, 3).imag + np.arcsinh(z).real
    )


@case(0.3, 0.8)
def scattering(v, e):
    total = np.eye(2)
    for k in range(3):
        q = np.sqrt(e - v * k + 0j)
        total = total @ np.array([[np.cos(q), 1j * np.sin(q) / q], [1j * q * np.sin(q), np.cos(q)]])
    return 1.0 / np.abs(total[0, 0]) ** 2


@case(X, 0.4)
def schrodinger(v, dt):
    psi = np.exp(-(np.array([-1.0, 0.0, 1.0]) ** 2)) + 0j
    for _ in range(4):
        psi = np.fft.ifft(np.exp(-0.5j * dt * np.arange(3) ** 2) * np.fft.fft(np.exp(-1j * dt * v) * psi))
    return np.sum(np.arange(3) * np.abs(psi) ** 2)


def test_signs():
    with pytest.raises(UnsupportedSyntaxError, match="sign of complex"):
        grad(lambda x: np.sign(x + 1j).real)(0.7)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_exact(case):
    check(replace(case, rtol=5e-5, atol=1e-6), levels=(0, 2))


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize(
    "case", [c for c in CASES if "fft" not in c.fn.__code__.co_names], ids=lambda c: c.fn.__name__
)
def test_compiled(case):
    check(replace(case, rtol=5e-5, atol=1e-6), jit=True)
