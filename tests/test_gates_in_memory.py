"""Roots and exponentials in programs that write, view, carry and branch: what a gate reads is what it was. Against differences
of fourth order, of the value and of the gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2sad import grad, hessian, jacfwd, jacrev


def swapped_in_loop(x):
    r = np.abs(x)
    s = 0.0
    for i in range(3):
        t = r[i]
        r[i] = x[(i + 1) % 3] ** 2
        s += t * r[i] + r[i] * r[i]
    return s


def argument_written(x):
    y = x.copy()
    r = np.abs(y)
    y[0] = 5.0 * x[1]
    return np.sum(r * r) + y[0] * r[0] * r[0]


def root_of_what_changes(x):
    y = x.copy()
    s = 0.0
    for i in range(3):
        r = np.abs(y)
        y[i] = r[i] * r[i] + x[0]
        s += r @ r
    return s


def read_before_written(x):
    y = x.copy()
    r = np.abs(y)
    for i in range(3):
        s = r[i] * r[i]
        y[i] += s
    return np.sum(y * r)


def squared_in_place(x):
    r = np.sqrt(x * x + 1)
    for i in range(2):
        r *= r
    return np.sum(r)


def through_a_view(x):
    r = np.abs(x)
    v = r[1:]
    v[0] = x[0] * x[2]
    return r @ r + v[0] * v[0]


def twice_in_a_helper(x):
    r = np.abs(x)

    def h(a, b):
        a[0] = b[1] * b[1]
        return a @ b

    return h(r, r)


def by_branch(x):
    r = np.abs(x)
    q = r if x[0] > 0 else np.sqrt(x * x + 2)
    return q @ q + np.einsum("i,i,i->", q, r, r)


def carried(x):
    r = np.abs(x)
    n = 3
    while n > 0:
        n -= 1
        r = np.sqrt(r * r + r[n] * r[n])
    return np.sum(r * r * r)


def with_arrays_between(x):
    r = np.linalg.norm(x.reshape(3, 1) * np.ones((1, 2)), axis=1)
    return np.sum((r * np.array([1.0, 2.0, 3.0])) * (r * x))


def of_outer_product(x):
    r = np.abs(x)
    w = np.outer(r, r)
    return np.sum(w * w) + w[0, 1] * r[2]


def exponential_scaled_in_place(x):
    e = np.exp(-x)
    y = 1 / (1 + e)
    e *= 2.0
    return np.sum(np.log(y) * e)


def powers_of_two(x):
    s = 0.0
    for i in range(3):
        e = 2.0 ** -x[i]
        s += 1 / (1 + e) + math.log2(1 + e)
    return s


def exponent_written(x):
    u = x * 3.0
    e = np.exp(u)
    u[0] = x[1]
    y = e / (1 + e)
    return np.sum(y * u) + np.log(1 + e)[2]


def tanh_read_twice(x):
    t = np.tanh(x)
    return 0.5 * (1 + t[0]) + np.sum((1 + t) / 2 * t)


def reversed_lengths(x):
    r = np.hypot(x, 2 * x[::-1])
    return np.sum(r[::-1] * r) + np.sum(r[:2] * r[:2]) + r[-1] * r[-1]


def in_nested_loops(x):
    r = np.abs(x)
    out = np.empty(3)
    for i in range(3):
        for j in range(3):
            out[i] = r[i] * r[j] + r[j] * r[j]
    return out @ r


def two_roots(x):
    a = np.sqrt(2 * x * x)
    b = np.sqrt(x * x / 2)
    return np.sum(a * b) + a[0] * b[1] + (a * b)[2] * a[2]


def product_of_all(x):
    r = np.abs(x)
    p = 1.0
    for v in r:
        p *= v
    return p * p + np.prod([r[0], r[0], r[1]])


def gathered_and_masked(x):
    r = np.abs(x)[[2, 0, 1]]
    m = r > 0.5
    return np.sum(r[m] * r[m]) + np.sum(np.where(m, r * r, r))


def negative_and_cubed(x):
    r = -np.abs(x)
    return (r[0] * r[0]) / (1 + r[1] * r[1]) + (r**3).sum() * (r[0] ** 3)


def of_complex_numbers(x):
    z = x + 1j * x[::-1]
    r = np.abs(z)
    return r @ r + (np.abs(z[0]) * np.abs(z[0])) + r[1] * r[1] * r[1]


PROGRAMS = [swapped_in_loop, argument_written, root_of_what_changes, read_before_written, squared_in_place, through_a_view, twice_in_a_helper, by_branch, carried, with_arrays_between, of_outer_product, exponential_scaled_in_place, powers_of_two, exponent_written, tanh_read_twice, reversed_lengths, in_nested_loops, two_roots, product_of_all, gathered_and_masked, negative_and_cubed, of_complex_numbers]  # fmt: skip
POINT = np.array([0.7, -0.3, 1.2])


def differences(f):
    """The derivatives by each element, along the last axis."""
    h, columns = 1e-4, []
    for e in np.eye(3):
        near = np.asarray(f(POINT + h * e)) - np.asarray(f(POINT - h * e))
        far = np.asarray(f(POINT + 2 * h * e)) - np.asarray(f(POINT - 2 * h * e))
        columns.append((8.0 * near - far) / (12.0 * h))
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("fn", PROGRAMS)
def test_two_orders(fn):
    first, second = differences(lambda x: fn(x.copy())), differences(lambda x: grad(fn)(x.copy()))
    for level in (0, 1, 2):
        np.testing.assert_allclose(grad(fn, optimize=level)(POINT.copy()), first, rtol=1e-7, atol=1e-8)
    for twice in (hessian(fn), jacfwd(jacfwd(fn)), jacrev(jacrev(fn)), jacrev(jacfwd(fn))):
        np.testing.assert_allclose(twice(POINT.copy()), second, rtol=1e-6, atol=1e-7)


@pytest.mark.jit
@pytest.mark.slow
@pytest.mark.parametrize("fn", PROGRAMS[::3])
def test_compiled(fn):
    np.testing.assert_allclose(
        grad(fn, jit=True)(POINT.copy()), differences(lambda x: fn(x.copy())), rtol=1e-7, atol=1e-8
    )
