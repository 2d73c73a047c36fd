"""Second derivatives through lists: of the numbers of arrays, and of what functions that call themselves hand on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2sad import S2sadError, grad, hvp
from tests.test_memory_kinds import checked

X = np.arange(1.0, 7.0) * 0.3


def as_a_list(x):
    n = list(x)
    s = 0.0
    for a in n:
        s += a * a * a
    return s


def sorted_numbers(x):
    s = sorted(x)
    return s[0] * s[0] * s[1]


def summed(x):
    n = list(x)
    return sum(n) ** 3


def back_to_an_array(x):
    return np.sum(np.array(x.tolist()) * x * x)


def as_a_tuple(x):
    t = tuple(x)
    return t[0] * t[1] * t[2]


def unpacked(x):
    a, b, *c = x
    return a * b * c[0] * c[-1]


def rows_as_lists(x):
    A = x.reshape(2, 3)
    s = 0.0
    for r in A.tolist():
        for a in r:
            s += a**3
    return s


def an_array_of_a_list(x):
    return np.sum(np.array(list(x)) ** 3)


def product_and_greatest(x):
    return math.prod(list(x)) * max(list(x))


def appended(x):
    n = x.tolist()
    n.append(n[0] * n[1])
    n.append(n[-1] * n[2])
    return sum([a * a for a in n])


def lists_in_a_list(x):
    n = [list(x), list(x * x)]
    n[0][1] = n[1][0] * 3.0
    return sum(n[0]) ** 2 + n[1][2] * n[0][1] ** 2


def slices(x):
    n = list(x)[1:]
    m = n + n
    n[0] = m[1] ** 2
    return sum(m) ** 2 * n[0]


def in_a_loop(x):
    s = 0.0
    for k in range(2):
        n = list(x * (k + 1))
        n = n[::-1]
        n = [n[-1] ** 2, *n]
        s += n[0] * n[1] * n[2]
    return s


def stored_in_an_array(x):
    n = list(x)
    y = np.zeros(3)
    y[:] = n[:3]
    y += n[3:]
    return np.sum(y**3)


def handed_to_a_helper(x):
    n = list(x)

    def h(q):
        q[0] = q[1] * q[2]
        return sum(q)

    return h(n) ** 2 + n[0] ** 3


def longer_afterwards(x):
    n = list(x)
    s = 0.2 * np.sum(np.array(n) ** 3)
    n.append(n[0] * n[1])
    m = list(n)
    n.append(m[-1] * m[2])
    return s + sum(n) ** 2 + sum(m) ** 3


PROGRAMS = [
    longer_afterwards,
    as_a_list,
    sorted_numbers,
    summed,
    back_to_an_array,
    as_a_tuple,
    unpacked,
    rows_as_lists,
    an_array_of_a_list,
    product_and_greatest,
    appended,
    lists_in_a_list,
    slices,
    in_a_loop,
    stored_in_an_array,
    handed_to_a_helper,
]


@pytest.mark.parametrize("fn", PROGRAMS)
def test_numbers_of_arrays(fn):
    checked(fn, X)


def of_complex_numbers(x):
    def go(v, k):
        if k == 0:
            return v + 0j
        return go(v, k - 1) * 2j

    z = go(x, 2)
    return np.sum(np.abs(z) ** 2)


def fourier(x):
    def fft(v):
        n = len(v)
        if n == 1:
            return v + 0j
        e, o = fft(v[::2]), fft(v[1::2])
        w = np.exp(-2j * np.pi * np.arange(n // 2) / n) * o
        return np.concatenate([e + w, e - w])

    z = fft(x)
    return np.sum(np.abs(z) ** 4)


def of_lists(x):
    def go(v, k):
        if k == 0:
            return [v * 1.0, v + 1j]
        a, b = go(v, k - 1)
        return [a * a, b * a]

    a, b = go(x, 2)
    return np.sum(b.real * a)


@pytest.mark.parametrize("fn", [of_complex_numbers, fourier, of_lists])
def test_functions_that_call_themselves(fn):
    checked(fn, X[:4].copy())


def steps(w1, w2):
    held = [w1, w2]
    for i in range(2):
        held[i] -= 0.1 * held[i] ** 2
    return np.sum(held[0] ** 2) + np.sum(w2**3)


def test_arguments_in_a_list_are_told_apart():
    w1, w2 = np.ones((2, 3)) * 0.3, np.ones((2, 3)) * 0.5
    checked(steps, w1, w2)
    with pytest.raises(S2sadError, match="share memory"):
        hvp(steps, wrt=(0, 1))(w1, w1, (w2, w2))


def test_of_a_gradient():
    g = grad(as_a_list)
    np.testing.assert_allclose(grad(lambda x: np.sum(g(x)))(X), 6.0 * X)


def filled(x):
    def go(v):
        n = len(v)
        if n == 1:
            return v + 0j
        r = np.empty(n, complex)
        r[: n // 2] = go(v[: n // 2]) * 1j
        r[n // 2 :] = v[n // 2 :]
        return r

    return np.sum(np.abs(go(x)) ** 4)


@pytest.mark.parametrize("fn", [filled, fourier])
def test_third_derivatives(fn):
    v, u = np.array([1.0, 0.5, -0.3, 0.2]), np.array([0.2, -0.4, 0.6, 0.1])
    first = grad(fn)

    def along(x):
        return np.sum(first(x) * v)

    second, x, h = grad(along), X[:4].copy(), 1e-5
    slope = (second(x + h * u) - second(x - h * u)) / (2.0 * h)
    np.testing.assert_allclose(hvp(along)(x, u), slope, rtol=1e-6, atol=1e-7)
