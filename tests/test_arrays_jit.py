"""Array code under `jit=True`: compiled = interpreted = differences, over what Numba has and what it lacks."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import JitError, grad, jvp, value_and_grad, vjp
from tests import test_arrays
from tests.array_checks import Case, check

rng = np.random.default_rng(5)
CASES: list[Case] = []


def case(*args, **tolerances):
    """Register a function with arguments; it is differentiated by every floating one."""

    def keep(fn):
        CASES.append(Case(fn, args, **tolerances))
        return fn

    return keep


def normal(*shape):
    return rng.normal(size=shape)


SINGLE = {"rtol": 2e-2, "atol": 2e-3}
WEIGHTS = normal(3)
ROUTE = np.array([2, 0, 1, 1])


@case(normal(5, 6))
def stencil(u):
    for t in range(3):
        v = u.copy()
        v[1:-1, 1:-1] = u[1:-1, 1:-1] + 0.1 * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
        )
        u = v
    return np.sum(u * u)


@case(normal(5, 4))
def stencil_by_element(u):
    n, m = u.shape
    v = np.zeros((n, m))
    for t in range(2):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                v[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])
        u, v = v, u
    return np.sum(u**2) + np.sum(v)


@case(normal(6))
def overlapping_difference(x):
    y = x * 2.0
    y[1:] -= y[:-1]
    y[:-1] += y[1:]
    return np.sum(y**2)


@case(normal(4))
def lists_of_arrays_of_numbers(x):
    y = x.copy()
    s = 0.0
    for i in range(3):
        first = list(y)
        first[0] *= 2.0
        y *= 0.5
        s += first[i] * y[i] + first[0]
    return s


@case(normal(2, 3))
def overlapping_transpose(x):
    y = x * 2.0
    a = y[:, :2]
    a -= a.T
    a += y[1, 1:]
    return np.sum(y**2)


@case(normal(6))
def overlapping_under_another_name(x):
    y, z = x * 2.0, x * 3.0
    w = y if x[0] < 10.0 else z
    w[1:] += y[:-1]
    rows = [y]
    rows.append(y[1:])
    rows[1] -= rows[0][:-1]
    for i in range(2):
        u = w[1:] if i == 0 else y[2:]
        u += y[: len(u)]
    return np.sum(y**2)


@case(normal(3, 4), normal(4, 2))
def product_by_hand(A, B):
    C = np.zeros((A.shape[0], B.shape[1]))
    for i in range(A.shape[0]):
        for j in range(B.shape[1]):
            for k in range(A.shape[1]):
                C[i, j] += A[i, k] * B[k, j]
    return np.sum(np.sin(C))


@case(normal(6))
def reads_before_it_writes(x):
    y = x.copy()
    y[1:] += y[:-1] ** 2
    y[:-1] = y[1:]
    y[::2] *= y[:3]
    return np.sum(y * x)


@case(normal(3, 4))
def row_views(X):
    Y = X * 1.0
    for i in range(Y.shape[0]):
        row = Y[i]
        row[0] = row[1] * row[2]
        row[1:] *= 2.0
    return np.sum(Y**2)


def smooth(a, w):
    a[1:-1] = w * (a[2:] + a[:-2])


@case(normal(6), 0.3)
def helper_that_writes(x, w):
    y = np.sin(x)
    smooth(y, w)
    smooth(y, w * w)
    return np.sum(y * x)


@case(normal(6), 0.3)
def argument_written(x, w):
    smooth(x, w)
    return np.sum(x**3)


@case(normal(3, 4))
def masks(X):
    Y = X.copy()
    Y[X > 0.2] *= 3.0
    Y[X < -0.5] = 0.5
    return np.sum(Y**2) + np.sum(X[X > 0] ** 3)


@case(normal(4, 3))
def gathers(X):
    i, j = np.array([0, 3, 3, 1]), np.array([2, 0, 0, 1])
    return np.sum(X[i, j] ** 2) + np.sum(X[i] * X[:, j][0, 0]) + np.sum(X[i, 1] ** 3) + np.sum(X[1:, j] ** 2)


@case(normal(4), normal(4))
def last_write_wins(x, v):
    y = x * 2.0
    y[np.array([1, 1, 3, 0])] = v**2
    y[ROUTE] += v
    np.add.at(y, ROUTE, v * x)
    return np.sum(y**3)


@case(normal(3, 4), normal(2, 2))
def scattered_in_two_axes(X, v):
    Y = X * 1.5
    i, j = np.array([[0], [2]]), np.array([1, 3])
    Y[i, j] = v
    np.add.at(Y, (i, j), v**2)
    Y[:, j] *= 2.0
    return np.sum(Y**2)


@case(normal(2, 3, 4))
def sums(X):
    a = np.sum(X**2, axis=0)
    b = np.sum(X, axis=(0, 2)) ** 2
    c = np.sum(X, axis=1, keepdims=True) * X
    d = np.sum(X, axis=-1) ** 3
    return np.sum(a * a) + np.sum(b) + np.sum(c) + np.sum(d) + np.sum(X, keepdims=True)[0, 0, 0]


@case(normal(2, 3, 4))
def extremes_by_axis(X):
    a = np.max(X, axis=0) * np.min(X, axis=(0, 2), keepdims=True)[0]
    b = np.max(X, axis=2) + np.min(X, axis=1)[:, :3]
    return np.sum(a) + np.sum(b**2) + np.max(X) * np.min(X)


@case(normal(3, 4), normal(4), normal(3, 1), 0.7)
def broadcast_both_ways(X, row, column, s):
    return np.sum((X * row + column) ** 2 * s + row * column) + np.sum((row - column) ** 2)


@case(normal(1, 4), normal(3, 1), normal(1))
def axes_of_size_one(a, b, c):
    return np.sum((a * b + c) ** 2) + np.sum(a) * np.sum(b * c)


@case(normal(3, 4).astype(np.float32), normal(4).astype(np.float32), **SINGLE)
def single_precision(X, w):
    z = 2.0 * X @ w + 0.5
    p = 1.0 / (1.0 + np.exp(-z))
    for k in range(2):
        p = 0.5 * p + p**2 / 3
    return (
        np.sum(p)
        + np.sum(np.maximum(X, 0.1) * w)
        + np.mean(X, axis=0)[1]
        + np.sum(np.where(X > 0, X, 0.1 * X))
    )


@case(normal(4).astype(np.float32), normal(4), **SINGLE)
def single_with_double(x, d):
    s = d[0]
    y = x * s
    y[1:] += 2 * x[:-1]
    y[0] = s * y[1]
    return np.sum(y * y) * s + np.sum(x * d)


@case(np.asfortranarray(normal(3, 4)), normal(8)[::2], normal(4, 3).T)
def strided_arguments(A, x, B):
    y = A @ x
    C = (A * B).T @ B
    return np.sum(y**2) + np.sum(C @ x) + np.sum(A.reshape(-1)[::-1] * B.ravel()) + np.sum(A[:, ::2] @ x[:2])


@case(np.zeros((0, 3)), normal(3))
def empty_rows(X, w):
    return np.sum(X @ w) + np.sum(w**2) + np.sum(np.sum(X, axis=0) * w) + np.sum(X[:, 1:])


@case(normal(5))
def while_with_arrays(x):
    u, v, n = x, x * 0.5, 0
    while np.sum(np.abs(u)) > 0.5 and n < 6:
        u, v = np.tanh(u * 0.7) + 0.01 * v, u
        n += 1
    return np.sum(u * v) * n


@case(normal(4, 3))
def branches_of_arrays(X):
    y = X[0]
    for i in range(X.shape[0]):
        if X[i, 0] > 0:
            y = y * X[i]
        else:
            y = y[::-1] + np.sum(X, axis=0)
    return np.sum(y**2)


@case(normal(3, 4))
def positions(X):
    k = np.argmax(X)
    j = np.argmin(X, axis=1)
    order = np.argsort(X[0])
    return X.ravel()[k] ** 2 + np.sum(X[np.arange(3), j] ** 2) + np.sum(X[0][order] * np.arange(4.0))


@case(normal(3, 4))
def cumulated_by_axis(X):
    return np.sum(np.cumsum(X, axis=0) ** 2) + np.sum(np.cumsum(X, axis=1) ** 3) + np.sum(np.cumsum(X) ** 2)


@case(normal(3, 3) + 4 * np.eye(3), normal(3, 2))
def linear_algebra(A, B):
    S = A @ A.T
    L = np.linalg.cholesky(S)
    x = np.linalg.solve(A, B)
    return np.sum(x**2) + np.sum(np.linalg.inv(A.T) @ B) + np.log(np.linalg.det(S)) + np.sum(L[::2] @ B)


@case(normal(2, 3, 3) + 4 * np.eye(3), normal(2, 3), normal(3, 3))
def stacks(A, b, C):
    x = np.linalg.solve(A, b[:, :, None])
    return np.sum(x**2) + np.sum(np.linalg.inv(A) @ C) + np.sum(np.linalg.det(A)) + np.sum((C @ A) ** 2)


@case(normal(3), np.array([1, 2, 3]), np.array([True, False, True]))
def captured_and_constant(x, n, keep):
    table = np.array([[1, 2, 0], [0, 1, 1], [3, 0, 1]])
    return (
        np.sum(x**n * WEIGHTS)
        + np.sum((table @ x) ** 2)
        + np.sum(x[keep])
        + np.sum(np.where(keep, x, WEIGHTS) ** 2)
    )


@case(normal(4), np.abs(normal(4)) + 0.5)
def powers(x, p):
    return np.sum(np.abs(x) ** p) + np.sum(p**1.5) + np.sum(2.0**x) + np.sum(abs(x) ** 3 / p) + np.sum(p**-1)


@case(normal(2, 3, 4))
def shapes(X):
    a = X.reshape(6, 4).T
    b = np.transpose(X, (2, 0, 1)).reshape(4, 6)
    c = np.concatenate([a, b], axis=1)[:, None, :]
    d = np.broadcast_to(c, (4, 2, 12))
    e = np.concatenate((a[None], b[None]), axis=0) * 1.5
    return np.sum(d * d) + np.sum(np.swapaxes(e, 0, 2)[1] ** 3) + np.sum(np.squeeze(c) * c[:, 0])


@case(normal(6))
def snapshots(x):
    kept = np.zeros((4, 6))
    u = x.copy()
    for t in range(4):
        kept[t] = u
        u[1:] = u[1:] * u[:-1] + 0.1
        if u[0] > 100.0:
            break
    return np.sum(kept**2) + np.sum(u)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_interpreted(case):
    check(case)


SOME = ("stencil_by_element", "masks", "gathers", "single_precision", "sums", "axes_of_size_one")


def marked(cases, some=()):
    """All cases; the test command of the README runs only some."""
    return [
        pytest.param(c, id=c.fn.__name__, marks=() if c.fn.__name__ in some else pytest.mark.slow)
        for c in cases
    ]


@pytest.mark.jit
@pytest.mark.parametrize("case", marked(CASES, SOME))
def test_compiled(case):
    check(case, jit=True)


@pytest.mark.jit
@pytest.mark.parametrize("case", marked(test_arrays.CASES, ("gathered", "moments", "heat")))
def test_compiled_arrays(case):
    check(case, jit=True)


# -- the other transforms -----------------------------------------------------------------------------


def model(W, x):
    h = np.tanh(W @ x + 0.1)
    h[1:] += h[:-1] * x[0]
    return h * np.sum(W, axis=1)


def energy(x):
    s = np.sum(x**2) ** 2
    for i in range(1, len(x)):
        s += x[i] * x[i - 1] ** 2
    return s + np.sum(np.max(np.reshape(x, (2, 2)), axis=0) ** 3)


@pytest.mark.jit
@pytest.mark.slow
def test_jvp_compiled():
    primals, along = (normal(3, 2), normal(2)), (normal(3, 2), normal(2))
    out, moved = jvp(model, primals, along)
    out_jit, moved_jit = jvp(model, primals, along, jit=True)
    np.testing.assert_allclose(out_jit, out, rtol=1e-12)
    np.testing.assert_allclose(moved_jit, moved, rtol=1e-12)


@pytest.mark.jit
@pytest.mark.slow
def test_vjp_compiled():
    W, x, dy = normal(3, 2), normal(2), normal(3)
    out, pull = vjp(model, W, x)
    out_jit, pull_jit = vjp(model, W, x, jit=True)
    np.testing.assert_allclose(out_jit, out, rtol=1e-12)
    for again in range(2):
        for a, b in zip(pull_jit(dy), pull(dy), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.jit
@pytest.mark.slow
def test_hessian_vector_product_compiled():
    x, v = normal(4), normal(4)
    _, expected = jvp(grad(energy), (x,), (v,))
    _, found = jvp(grad(energy), (x,), (v,), jit=True)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    step = (grad(energy)(x + 1e-6 * v) - grad(energy)(x - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(found, step, rtol=1e-5)


@pytest.mark.jit
@pytest.mark.slow
def test_every_layout_of_one_signature():
    """Numba compiles anew for each layout; the gradient has the argument's shape whatever its order."""

    def f(X):
        return np.sum(np.cumsum(X, axis=0)[1:] ** 2) + np.sum(X.T @ X)

    X = normal(4, 6)
    expected = grad(f)(X[:, ::2].copy())
    compiled = grad(f, jit=True)
    for layout in (X[:, ::2].copy(), np.asfortranarray(X[:, ::2]), X[:, ::2]):
        np.testing.assert_allclose(compiled(layout), expected, rtol=1e-12)


@pytest.mark.jit
@pytest.mark.slow
def test_value_and_grad_with_bounds_checked():
    def f(x, i):
        return x[i] ** 2 + np.sum(x)

    value, d = value_and_grad(f, jit=True, debug=True)(normal(3), 1)
    assert d[1] != 1.0
    with pytest.raises(IndexError):
        value_and_grad(f, jit=True, debug=True)(normal(3), 5)


@pytest.mark.jit
def test_what_cannot_be_compiled_is_named():
    def f(x):
        return np.sum(x[np.lexsort((x, x))] ** 2)

    with pytest.raises(JitError, match="numpy.lexsort"):
        grad(f, jit=True)(normal(3))


@pytest.mark.jit
def test_rows_of_nested_loops_are_one_array():
    def f(x):
        y = x.copy()
        for t in range(3):
            for i in range(1, x.shape[0]):
                for j in range(x.shape[1]):
                    y[i, j] = np.sin(y[i, j]) * y[i - 1, j]
        return np.sum(y)

    x = normal(3, 4)
    compiled = grad(f, jit=True)
    np.testing.assert_allclose(compiled(x), grad(f)(x), rtol=1e-12)
    assert ".append" not in compiled.source and "np.empty((3, " in compiled.source


@pytest.mark.jit
def test_rows_of_a_triangle_stay_apart():
    def f(x):
        y, s = x.copy(), 0.0
        for i in range(len(x)):
            for j in range(i):
                y[i] = y[i] * y[j] + 1.0
            s += y[i]
        return s

    x = normal(5)
    np.testing.assert_allclose(grad(f, jit=True)(x), grad(f)(x), rtol=1e-12)


@pytest.mark.jit
@pytest.mark.slow
def test_order_of_the_reverse_loop():
    """Only independent iterations run upwards: negative subscripts, recurrences and shared elements do not."""

    def negative(x):
        y = x * 1.0
        for i in range(-3, 3):
            y[i] = x[i] * 2.0 + i * y[0]
            x[i] = y[i] ** 2
        return np.sum(y * x)

    def recurrence(x):
        y = np.zeros(len(x))
        for i in range(1, len(x)):
            y[i] = y[i - 1] * x[i] + x[0]
        return np.sum(y)

    def shared(x):
        s = 0.0
        for i in range(3):
            for j in range(2):
                s += x[i] * x[0] * x[j]
            x[1] = s
        return s

    def nothing(x):
        s = x[0]
        for i in range(len(x)):
            for j in range(i - 2):
                s += x[i + 100] * x[j]
        return s

    def twice(x):
        for i in range(3):
            for j in range(3):
                x[j] = x[j] * x[2 - i]
        return np.sum(x)

    cases = ((negative, 4), (recurrence, 5), (shared, 4), (nothing, 2), (twice, 3))
    for fn, n in cases:
        x = normal(n)
        expected = grad(fn)(x.copy())
        np.testing.assert_allclose(grad(fn, jit=True)(x.copy()), expected, rtol=1e-10, err_msg=fn.__name__)


def references_in_nested_loops(x, y):
    a, b = x.copy(), y.copy()
    for i in range(3):
        for j in range(1, 3):
            c = a if x[j] * b[0] > 0.3 else b
            c[i] = c[j] * x[i] + a[0]
    return np.sum(a * b)


@pytest.mark.jit
def test_tapes_of_references_stay_lists():
    check(
        Case(references_in_nested_loops, (np.array([0.5, -1.2, 0.8]), np.array([1.5, 0.2, -0.7]))), jit=True
    )


@pytest.mark.jit
def test_a_list_that_a_loop_fills_stays_a_list():
    def f(x):
        rows = []
        for i in range(3):
            rows.append(np.sum(x[i]))
        return np.sum(np.sin(np.array(rows)))

    x = normal(3, 2)
    np.testing.assert_allclose(grad(f, jit=True)(x), grad(f)(x), rtol=1e-12)


def of_a_dict(x, p):
    return np.sum(p["a"] * x**2) * p["b"]


@pytest.mark.jit
def test_a_dict_is_refused_by_name():
    x = np.array([1.0, 2.0])
    with pytest.raises(JitError, match=r"the argument 'p' of of_a_dict\(\)[\s\S]*a named tuple"):
        grad(of_a_dict, wrt=(0, 1), jit=True)(x, {"a": 1.0, "b": 2.0})
