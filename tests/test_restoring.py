"""Arrays that the reverse sweep puts back as they were, in place of copies of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import s2sad
from tests.array_checks import Case, both_targets, collector

CASES: list[Case] = []
case = collector(CASES)
rng = np.random.default_rng(11)
V = rng.normal
N = 4


def dominant(n):
    return V(size=(n, n)) + 3.0 * n * np.eye(n)


# -- elements written between readings of the whole array ---------------------------------------------------------


@case(dominant(N), V(size=N), V(size=N), 2)
@case(dominant(1), V(size=1), V(size=1), 1)
@case(dominant(N), V(size=N), V(size=N), 0)
def gauss_seidel(A, b, x0, sweeps):
    x = x0.copy()
    for _ in range(sweeps):
        for i in range(len(b)):
            x[i] = x[i] + (b[i] - np.dot(A[i], x)) / A[i, i]
    return np.sum(x**2)


@case(dominant(N), V(size=N), V(size=N), 2)
def gauss_seidel_in_loops(A, b, x0, sweeps):
    n = len(b)
    x = x0.copy()
    for _ in range(sweeps):
        for i in range(n):
            t = b[i]
            for j in range(n):
                if j != i:
                    t -= A[i, j] * x[j]
            x[i] = t / A[i, i]
    return np.sum(x**2)


@case(dominant(N), V(size=N), V(size=N))
def until_it_converges(A, b, x0):
    x = x0.copy()
    change, turns = 1.0, 0
    while change > 1e-3 and turns < 20:
        change = 0.0
        for i in range(len(b)):
            new = x[i] + (b[i] - A[i] @ x) / A[i, i]
            change = max(change, abs(new - x[i]))
            x[i] = new
        turns += 1
    return np.sum(np.sin(x))


@case(np.tril(dominant(N)), V(size=N))
def forward_substitution(L, b):
    n = len(b)
    y = np.zeros(n)
    for i in range(n):
        y[i] = (b[i] - L[i, :i] @ y[:i]) / L[i, i]
    return np.sum(y**2)


@case((lambda a: a @ a.T)(dominant(N)))
def cholesky(A):
    n = A.shape[0]
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = A[i, j] - np.dot(L[i, :j], L[j, :j])
            L[i, j] = math.sqrt(s) if i == j else s / L[j, j]
    return np.sum(np.log(np.diag(L))) + np.sum(L**2)


@case(dominant(N))
def lu(A):
    n = A.shape[0]
    L, U = np.eye(n), np.zeros((n, n))
    for i in range(n):
        for j in range(i, n):
            U[i, j] = A[i, j] - L[i, :i] @ U[:i, j]
        for j in range(i + 1, n):
            L[j, i] = (A[j, i] - L[j, :i] @ U[:i, i]) / U[i, i]
    return np.sum(np.log(np.abs(np.diag(U)))) + np.sum(L[:, 0] ** 2)


@case(V(size=N), V(size=N))
@case(V(size=N), V(size=0))
def energies(phi0, eps):
    phi = phi0.copy()
    energy = 0.0
    for i in range(len(eps)):
        phi[i] += eps[i]
        energy += np.sum(np.cos(phi)) * 0.1
        phi[(i * i) % 3] *= 1.1
    return energy + phi[0]


@case(V(size=N))
def constants_that_change(a):
    """The array that is put back is none that a derivative goes through; the adjoint of a would be it."""
    x = np.ones(len(a))
    s = 0.0
    for i in range(len(a)):
        s += np.sum(a * x)
        x[i] = 2.0 + i
    return s


@case(V(size=3))
def outside_loops(a):
    x = np.zeros(3)
    y = a * x
    x[0] = 2.0
    z = a * x
    x[1] = 3.0
    return np.sum(y) + np.sum(z * z) + np.sum(a * x)


@case(V(size=5))
def views_of_it(a):
    x = a.copy()
    left, right = x[:3], x[2:]
    s = 0.0
    for i in range(3):
        s += np.sum(np.sin(left) * right)
        left[i] = left[i] * right[0]
        right[2 - i] += s
    return s + np.sum(x)


@case(V(size=(3, 3)))
def rows_and_columns(a):
    u = a.copy()
    s = 0.0
    for i in range(3):
        s += np.sum(np.exp(0.1 * u))
        u[i] *= 1.0 + 0.1 * s
        s += np.linalg.norm(u)
        u[:, 0] = u[:, 1] * s
    return s


@case(V(size=N))
def in_branches(a):
    x = a.copy()
    s = 0.0
    for i in range(len(a)):
        if a[i] > 0.0:
            s += np.sum(x * x)
            x[i] = math.sin(s)
        elif i > 1:
            x[i - 1] = s
            s += np.sum(np.cos(x))
        else:
            s += np.prod(x)
    return s


@case(V(size=6))
def with_breaks(a):
    x = a.copy()
    s = 0.0
    for i in range(len(a)):
        s += np.sum(x * x) * 0.1
        if s > 2.0:
            break
        x[i] = s * x[-1 - i]
        if i == 3:
            continue
        x[0] += s
    return s + np.sum(x**3)


@case(V(size=N))
def loops_in_branches_in_loops(a):
    x = a.copy()
    s = 0.0
    for i in range(3):
        if i != 1:
            for j in range(len(a)):
                s += np.sum(np.sin(x))
                if j % 2 == 0:
                    x[j] = x[j] * s
        s += np.linalg.norm(x)
    return s


@case(V(size=N))
def of_a_result(a):
    """What the rule reads is the operation's own result, which is written afterwards."""
    x = np.exp(a)
    s = 0.0
    for i in range(len(a)):
        s += np.sum(x * a)
        x[i] = s
    return s


@case(V(size=N), np.array([2, 0, 1, 2]))
def indices_that_change(a, order):
    k = order.copy()
    s = 0.0
    for i in range(len(order)):
        s += np.sum(np.sin(a[k]) * a)
        k[i] = (k[i] + 1) % 4
    return s


@case(V(size=N))
def read_by_elements_later(a):
    x = a.copy()
    s = 0.0
    for i in range(len(a) - 1):
        y = x[i] * x[i + 1]
        s += np.sum(np.tanh(x)) * y
        x[i + 1] = y
        s += x[i] * x[i + 1] ** 2
    return s


@case(V(size=N))
def helpers(a):
    def relax(x, i):
        x[i] = 0.5 * (x[i] + np.sum(np.sin(x)))

    x = a.copy()
    for i in range(len(x)):
        relax(x, i)
    return np.sum(x**2)


@case(V(size=N))
def made_in_a_loop(a):
    s = 0.0
    for k in range(2):
        x = a * (k + 1.0)
        for i in range(len(a)):
            x[i] = np.sum(x * x) * 0.1
        s += np.sum(x)
    return s


@case(V(size=N))
def an_argument_that_is_written(a):
    s = 0.0
    for i in range(len(a)):
        s += np.sum(np.sin(a))
        a[i] = a[i] * s
    return s


@case(V(size=N))
def held_by_a_list(a):
    x = a.copy()
    kept = [x, a * 2.0]
    s = 0.0
    for i in range(len(a)):
        s += np.sum(np.sin(x)) + np.sum(kept[i % 2])
        x[i] = s
    return s + np.sum(kept[0] ** 2)


@case(V(size=N).astype(np.float32))
def of_single_precision(a):
    x = a.copy()
    s = np.float32(0.0)
    for i in range(len(a)):
        s += np.sum(x * x)
        x[i] = s * np.float32(0.1)
    return s


@case(V(size=(2, 3)))
def reshaped_before(a):
    x = a.copy()
    x[0, 0] = 2.0
    y = x.copy().reshape(-1)
    s = 0.0
    for i in range(3):
        s += np.sum(y * y)
        y[i] = s
    return s + np.sum(x * x)


@case(V(size=N))
def spread_out(a):
    """Contributions that are views of what is put back."""
    x = np.arange(1.0, len(a) + 1.0)
    b = a[:, None] * np.ones((1, 3))
    s = 0.0
    for i in range(len(a)):
        s += np.sum(b * x[:, None])
        x[i] = 7.0
    return s


test_exact, test_compiled = both_targets(CASES)


def test_one_number_is_stored_for_each_that_is_overwritten():
    source = s2sad.grad(gauss_seidel).lower(dominant(N), V(size=N), V(size=N), 2).source
    assert source.count("copy()") == 1 and "(16 bytes)" in source


def test_results_are_not_touched():
    def f(a):
        x = a.copy()
        s = 0.0
        for i in range(len(a)):
            s += np.sum(np.sin(x))
            x[i] = s
        return s, x

    a = V(size=N)
    (value, x), gradient = s2sad.value_and_grad(f, has_aux=True)(a.copy())
    assert value == f(a)[0] and (x == f(a)[1]).all()
    assert gradient == pytest.approx(s2sad.grad(lambda a: f(a)[0])(a))


def test_what_stores_less_is_taken():
    """Rows that are written and rows that are read are as long: the copies stay, which need no second array."""

    def f(a):
        u = a.copy()
        for i in range(1, len(a)):
            u[i] += np.sin(u[i - 1])
        return np.sum(u)

    assert "_old" not in s2sad.grad(f).lower(np.ones((3, 4))).source
