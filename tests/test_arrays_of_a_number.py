"""`np.array(number)` is memory without axes: `+=`, `a[...] =` and `out=` write it for all its names. Where nothing writes it, it is
a number in the code. Compared with the primal and its differences."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from s2sad import grad, hvp, jacfwd, value_and_grad
from tests.checks import Checker

X = np.array([1.03, 2.07, 2.96, 4.11])


def two_names(x):
    a = np.array(0.5)
    b = a
    b += x[0]
    return float(a) * x[1]


def of_an_element(x):
    a = np.array(x[0])
    b = a
    b *= x[1]
    return a * x[1] + b


def as_array(x):
    a = np.asarray(x[0])
    b = a
    b -= x[1]
    b /= x[2]
    return a * x[1] + b


def own_copy(x):
    a = np.array(x[0])
    b = np.array(a)
    b *= x[1]
    return a * x[1] + b


def in_helper(x):
    def bump(s, d):
        s += d

    acc = np.array(0.0)
    for k in range(4):
        bump(acc, x[k] * x[k - 1])
    return acc * x[0]


def in_loop(x):
    a = np.array(1.0)
    first = a
    for k in range(4):
        a *= x[k]
        if k % 2:
            a += first
    return first * a


def whole(x):
    a = np.array(0.5)
    b = a
    a[...] = x[0] * x[1]
    b[()] *= x[2]
    return a * b


def given_out(x):
    a = np.array(1.5)
    b = a
    np.add(a, x[1], out=a)
    np.multiply(b, x[0], out=b)
    return a * x[2] + b


def full_of(x):
    a = np.full((), x[0])
    b = a
    a += x[1]
    return a * b


def counted(x):
    n = np.array(1)
    m = n
    for _ in range(2):
        m += 1
    return x[0] * n * x[m]


def in_tuple(x):
    t = (np.array(0.0), np.zeros(2))
    t[1][0] = x[0]
    u = t[0]
    u += x[1]
    return t[0] * x[2] + t[1][0]


def in_dict(x):
    a = np.array(0.0)
    state = {"s": a}
    state["s"] += x[0]
    state["s"] *= x[3]
    return a * x[1] + state["s"]


def on_a_path(x):
    a = np.array(x[0])
    b = a
    if x[1] > 1.0:
        b += x[1]
    else:
        b *= 2.0
    return a * b


def by_while(x):
    a, k = np.array(0.0), 0
    held = a
    while held < 6.0:
        a += x[k] ** 2
        k += 1
    return held * x[k]


def complex_number(x):
    z = np.array(0j)
    w = z
    for k in range(4):
        w += x[k] * (1 + 2j * k)
    return np.abs(z) ** 2


def recursive(x):
    def go(k, s):
        if k >= 0:
            s += x[k] * x[k - 1]
            go(k - 1, s)

    acc = np.array(0.0)
    go(3, acc)
    return acc * x[0]


def in_a_list(x):
    a = np.array(0.0)
    held = [a, a]
    for k in range(4):
        held[k % 2] += x[k]
    return held[0] * x[0] + a


def appended(x):
    a = np.array(x[0])
    held = []
    held.append(a)
    held.append(a)
    b = held[0]
    b += x[1]
    return held[1] * a


def history(x):
    a, held, then = np.array(0.0), [], []
    for v in x:
        a += v
        held.append(a)
        then.append(a.copy())
    return held[0] * x[0] + then[1] * then[3]


def only_read(x):
    a = np.array(x[0])
    s = np.asarray(2.0)
    return a * a * s + np.sum(x * a)


PROGRAMS = [two_names, of_an_element, as_array, own_copy, in_helper, in_loop, whole, given_out, full_of, counted, in_tuple, in_dict,
            on_a_path, by_while, complex_number, recursive, in_a_list,
            appended, history, only_read]  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_all_modes(f):
    check = Checker(f, (X.copy(),), (0,))
    for optimize in (0, 1, 2):
        gradient = check.gradient(optimize=optimize)
        assert gradient is not None, check.problems
        assert check.differences(gradient, required=True)
    check.forward(gradient)
    check.other_modes(gradient)
    assert not check.problems and not check.refusals


def test_value_is_the_primals():
    for f in PROGRAMS:
        assert value_and_grad(f)(X.copy())[0] == pytest.approx(f(X.copy()), rel=1e-15)


def test_compiled():
    for f in (two_names, in_helper, whole):
        assert np.allclose(grad(f, jit=True)(X.copy()), grad(f)(X.copy()), rtol=1e-13)


def test_numbers_stay_numbers():
    """The code of what is only read has no arrays without axes."""
    derivative = grad(only_read)
    derivative(X.copy())
    assert "np.zeros(())" not in derivative.source
    assert "..." not in derivative.source


def test_number_or_array_on_a_path():
    """A name that is such an array on one path and a number on the other cannot be written for all names."""

    def f(x, n):
        a = np.array(x[0])
        b = a if n else 2.0 * x[0]
        c = b
        c += x[1]
        return c * a + b

    assert inspect.isfunction(f)
    for n in (0, 1):
        try:
            found = jacfwd(f)(X.copy(), n)
        except Exception as error:
            assert "without axes" in str(error)
            continue
        h = 1e-6
        slope = (f(X + h * np.eye(4)[0], n) - f(X - h * np.eye(4)[0], n)) / (2 * h)
        assert found[0] == pytest.approx(slope, rel=1e-6)


def test_second_derivative():
    found = hvp(in_loop)(X.copy(), np.ones(4))
    g = grad(in_loop)
    assert np.allclose(found, (g(X + 1e-5) - g(X - 1e-5)) / 2e-5, rtol=1e-6)
