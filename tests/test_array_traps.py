"""What makes derivatives of array code wrong: aliases, views, overlaps, buffers, writes by others."""
# ruff: noqa: E701, E702, E741, B007

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from s2sad import S2sadError, SignatureError, grad, value_and_grad
from s2sad.errors import UnsupportedSyntaxError
from tests.array_checks import Case, check, collector

rng = np.random.default_rng(0)
CASES: list[Case] = []
case = collector(CASES)


def V(*shape):
    return rng.normal(size=shape)


@case(V(4))
def trap_u_v(v):
    u = v.copy()
    for i in range(3):
        u = v
    w = u.copy()
    w[0] = 3 * v[1]
    return np.sum(w * v)


@case(V(4), V(4))
def alias_branch(a, b):
    x = a.copy()
    y = b.copy()
    z = x if np.sum(x) > 0 else y
    z[0] = 5.0
    return np.sum(x * y)


@case(V(3))
def repeated(x):
    a = np.zeros(3)
    a[[0, 0]] += x[:2]
    return np.sum(a * x)


@case(V(5))
def overlap(x):
    a = x.copy()
    a[1:] = a[:-1]
    a[1:] += a[:-1] * a[:-1]
    return np.sum(a**2)


@case(V(5))
def inplace_ops(x):
    a = x.copy()
    a *= 2.0
    a -= x
    a /= 3.0
    a **= 2
    return np.sum(a * x)


@case(V(3, 4))
def rows_written(A):
    B = np.zeros(A.shape)
    for i in range(A.shape[0]):
        B[i] = A[i] * i + A[0]
    return np.sum(B * B)


@case(V(3, 4))
def transposed_write(A):
    B = A.copy()
    B.T[1] = 2.0
    B[:, 2] *= B[:, 3]
    return np.sum(B**2)


@case(V(4), 2.0)
def broadcast_scalar(x, c):
    return np.sum(x * c + c) + np.sum(c * c * np.ones(3))


@case(V(3, 1), V(1, 4))
def outer_broadcast(a, b):
    return np.sum((a + b) ** 2)


@case(V(1), V(4))
def size_one(a, b):
    return np.sum(a * b)


@case(V(4))
def unknown_slice_broadcast(x):
    return np.sum(x[:1] * x) + np.sum(x[3:] * x)


@case(V(4))
def early_return(x):
    for i in range(4):
        if x[i] > 0.5:
            return np.sum(x * x) * x[i]
    return np.sum(x)


@case(V(3, 3), V(3))
def power_iteration(A, x):
    for k in range(5):
        y = A @ x
        x = y / np.sqrt(np.sum(y * y))
    return x @ A @ x


@case(V(5, 3), V(3), 0.1)
def while_loop(X, w, lr):
    it = 0
    while np.sum(w * w) < 40.0 and it < 6:
        w = w + lr * (X.T @ (X @ w))
        it += 1
    return np.sum(w)


@case(V(4))
def helper_writes(x):
    def fill(a, v):
        a[1:3] = v
        a[0] += v

    a = x.copy()
    fill(a, x[3] * x[0])
    return np.sum(a * a)


@case(V(2, 3))
def list_of_arrays(A):
    rows = [A[0], A[1] * 2]
    s = 0.0
    for r in rows:
        s = s + np.sum(r * r)
    return s


@case(V(4).astype(np.float32))
def single(x):
    return np.sum(x * 2.0 + np.exp(x))


@case(V(6))
def reshape_reads(x):
    A = x.reshape(2, 3)
    return np.sum(A[0] * A[1]) + A[1, 2] * x[0]


@case(V(6))
def strided(x):
    return np.sum(x[::2] * x[1::2]) + x[::-1][0] * x[-1]


@case(V(4))
def max_in_loop(x):
    m = -np.inf
    for i in range(len(x)):
        m = max(m, x[i])
    return m + np.log(np.sum(np.exp(x - m)))


@case(V(3, 3))
def lu(A):
    U = A.copy()
    n = 3
    L = np.eye(n)
    for k in range(n):
        for i in range(k + 1, n):
            L[i, k] = U[i, k] / U[k, k]
            U[i, k:] -= L[i, k] * U[k, k:]
    return np.sum(np.log(np.abs(np.diag(U)))) if False else np.sum(U**2) + np.sum(L**3)


@case(V(4), V(4))
def mutated_argument(x, y):
    x[1] = y[0] * x[0]
    x += y
    return np.sum(x * y)


@case(V(0))
def empty(x):
    return np.sum(x * x) + 1.0


@case(V(5))
def where_division(x):
    c = x > 0
    b = np.where(c, x, 0.0)
    return np.sum(np.where(c, 1.0 / b, 0.0))


MIXED = np.array([1.0, -2.0, 3.0])


@case(MIXED)
def where_roots(x):
    return np.sum(np.where(x > 0, np.sqrt(x), -np.sqrt(-x)))


@case(MIXED)
def where_of_what_has_no_value(x):
    return np.sum(np.where(x > 0, np.tanh(np.log(x)) / (1 + np.exp(-np.sqrt(x))), 2 * x))


@case(MIXED)
def masked_stores_and_loads_of_roots(x):
    b = np.sqrt(x)
    b[x < 0] = 0.5
    return np.sum(b**2) + np.sum(np.sqrt(x)[x > 0])


@case(MIXED)
def where_in_a_loop_after_a_root(x):
    r = np.sqrt(x)
    for k in range(3):
        r = np.where(x > 0, np.sqrt(r + 1) * x, 0.1)
    return np.sum(r)


@case(MIXED)
def where_of_numbers(x):
    s = 0.0
    for i in range(3):
        s += np.where(x[i] > 0, np.sqrt(x[i]), 0.0)
    return s


@case(V(4))
def bool_count(x):
    n = np.sum(x > 0)
    return np.sum(x) * n


@case(V(2, 3, 4))
def three_d(T):
    return np.sum(T[:, 1] * T[:, 2]) + np.sum(T[0, :, 0]) + np.sum(T.transpose(1, 0, 2)[0] ** 2)


@case(V(3), V(3))
def if_arrays(a, b):
    if np.sum(a) > 0:
        c = a * b
    else:
        c = b * b
    d = c + a
    return np.sum(d * d)


@case(V(4))
def conditional_in_loop(x):
    s = np.zeros(4)
    for i in range(4):
        if x[i] > 0:
            s = s + x * i
        else:
            s = s * x
    return np.sum(s)


@case(V(3))
def zero_trips(x):
    y = x
    for i in range(0):
        y = y * x
    return np.sum(y)


def fill_row(a, i, v):
    a[i] = v
    a[i, 0] += 1.0


def scale(a, c):
    a *= c
    return a


CONSTANT = np.array([1.0, -2.0, 0.5])


@case(V(3, 4), V(4))
def rows_by_a_helper(A, v):
    B = A.copy()
    for i in range(3):
        fill_row(B, i, v * B[i])
    return np.sum(B**2)


@case(V(4), 1.5)
def helper_returns_its_argument(x, c):
    a = x.copy()
    b = scale(a, c)
    b[0] = 7.0
    return np.sum(a * x)


@case(V(3))
def captured(x):
    y = x * CONSTANT
    y[1] += CONSTANT[2]
    return y @ CONSTANT


@case(V(5), V(5))
def double_buffer(u, v):
    u, v = u.copy(), v.copy()
    for t in range(4):
        for i in range(1, 4):
            v[i] = u[i] + 0.1 * (u[i - 1] - 2 * u[i] + u[i + 1]) * u[i]
        u, v = v, u
    return np.sum(u * u) + v[2]


@case(V(6))
def double_buffer_slices(x):
    u = x.copy()
    v = np.zeros_like(u)
    for t in range(3):
        v[1:-1] = 0.5 * (u[2:] + u[:-2])
        v[0], v[-1] = u[0], u[-1]
        u, v = v, u
    return np.sum(u**3)


@case(V(4))
def alias_then_write_then_add(x):
    y = x * 2.0
    z = y
    z[0] = x[1] ** 2
    z += x
    return np.sum(y * y)


@case(V(4))
def rebound_not_written(x):
    y = x
    y = y + 1.0
    y[0] = 0.0
    return np.sum(x * y)


@case(V(4))
def view_of_view(x):
    a = x.copy()
    b = a[1:]
    c = b[1:]
    c[0] *= 3.0
    b[0] = c[1]
    return np.sum(a * x)


@case(V(3, 4))
def column_views(A):
    B = A * 1.0
    col = B[:, 1]
    col *= B[:, 0]
    row = B[2]
    row[1] += 2.0
    return np.sum(B * A)


@case(V(4, 4))
def diagonal_by_index(A):
    B = A.copy()
    n = B.shape[0]
    for i in range(n):
        B[i, i] = B[i, n - 1 - i] * 2.0
    return np.sum(B**2)


@case(V(2, 3, 4))
def third_axis(T):
    U = T.copy()
    U[..., 0] = U[..., 1] * U[:, :, 2]
    U[1, ..., 3] += U[0, :, 3]
    return np.sum(U**2)


@case(V(6))
def reversed_view(x):
    a = x.copy()
    r = a[::-1]
    r[1:3] = x[:2] * 2.0
    return np.sum(a * r)


@case(V(5))
def prefix_sums(x):
    c = np.zeros(6)
    for i in range(5):
        c[i + 1] = c[i] + x[i]
    return np.sum(c[1:] * c[:-1])


@case(V(5))
def overlapping_slices_in_a_loop(x):
    a = x.copy()
    for k in range(3):
        a[1:] += 0.5 * a[:-1]
        a[:-1] = a[1:]
    return np.sum(a * x)


@case(V(4), V(4))
def written_argument_twice(x, y):
    x[0] = y[1]
    x[0] = x[0] * x[1]
    y[:] = x * y
    return np.sum(x) * np.sum(y)


@case(V(3, 3))
def rows_swapped(A):
    B = A.copy()
    B[[0, 2]] = B[[2, 0]]
    B[1], B[2] = B[2].copy(), B[1].copy()
    return np.sum(B[0] * A[1]) + np.sum(B[2] ** 3)


@case(V(4))
def masks(x):
    y = x.copy()
    m = y > 0.0
    y[m] = y[m] ** 2
    y[~m] -= x[~m] * 3.0
    return np.sum(y * x)


@case(V(5))
def repeated_gather(x):
    idx = np.array([0, 0, 3, 3, 3, 1])
    z = x[idx]
    z[2] = 5.0
    return np.sum(z * x[idx][::-1])


@case(V(4))
def scatter(x):
    idx = np.array([1, 1, 2])
    y = np.zeros(4)
    np.add.at(y, idx, x[:3])
    y[idx] = x[1:] * 2.0
    return np.sum(y * x)


@case(V(3))
def zero_dimensional(x):
    s = np.sum(x * x)
    t = np.sqrt(s)
    return t * x[0] + np.float64(2.0) * s


@case(V(1))
def size_one_loop(x):
    s = 0.0
    for v in x:
        s += v * v
    return s * np.sum(x)


@case(V(1, 4), V(3, 1))
def size_one_masks(a, b):
    return np.sum(a * b * a) + np.sum(a[0] * b[:, 0][:1])


@case(V(0, 3))
def empty_rows(A):
    s = 1.0
    for row in A:
        s += np.sum(row)
    return s + np.sum(A * 2.0)


@case(V(4))
def carried_array_and_scalar(x):
    s, y = 0.0, x
    for i in range(3):
        s += y[i] * np.sum(y)
        y = y * np.cos(s)
    return s


@case(V(4))
def while_with_break(x):
    y = x.copy()
    k = 0
    while True:
        y[k] = y[k] * y[k - 1]
        k += 1
        if k == 3 or np.max(np.abs(y)) > 100.0:
            break
    return np.sum(y)


@case(V(4))
def for_else(x):
    y = x.copy()
    for i in range(4):
        if y[i] > 10.0:
            break
        y[i] += y[0] * x[i]
    else:
        y[0] *= 2.0
    return np.sum(y * y)


@case(V(4))
def one_of_two_arrays_in_a_loop(x):
    a, b = x.copy(), x * 2.0
    for i in range(4):
        c = a if i % 2 else b
        c[i] += a[0] * b[1]
    return np.sum(a * b)


@case(V(4))
def late_binding_of_an_array(x):
    out = np.zeros(4)
    if x[0] > -100.0:
        w = x**2
    for i in range(4):
        out[i] = w[i] * out[i - 1] + w[0]
    return np.sum(out)


@case(np.asfortranarray(V(3, 4)), V(4))
def fortran_order(A, x):
    B = A.copy()
    B[1:, ::2] *= 2.0
    return np.sum((B @ x) ** 2)


@case(V(8)[::2], V(4))
def strided_argument(x, y):
    x[1:] *= y[:-1]
    return np.sum(x * y)


@case(V(4).astype(np.float32), V(4))
def mixed_precision(x, y):
    z = x.copy()
    z[1:3] = y[:2] * x[0]
    return np.sum(z.astype(np.float64) * y)


@case(np.arange(4), V(4))
def integers_are_constants(k, x):
    return np.sum(k * x) + np.sum(x[k] ** k[1])


@case(V(3, 3))
def gaussian_elimination(A):
    U = A + 4.0 * np.eye(3)
    d = 1.0
    for k in range(3):
        for i in range(k + 1, 3):
            f = U[i, k] / U[k, k]
            U[i, k:] -= f * U[k, k:]
        d *= U[k, k]
    return d


@case(V(4), V(3), V(3) + 6.0, V(3))
def thomas(d, a, b, c):
    b = np.append(b, 5.0)
    n = 4
    cp, dp = np.zeros(n), np.zeros(n)
    cp[0], dp[0] = c[0] / b[0], d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a[i - 1] * cp[i - 1]
        if i < n - 1:
            cp[i] = c[i] / m
        dp[i] = (d[i] - a[i - 1] * dp[i - 1]) / m
    x = np.zeros(n)
    x[-1] = dp[-1]
    for i in range(n - 2, -1, -1):
        x[i] = dp[i] - cp[i] * x[i + 1]
    return np.sum(x**2)


@case(V(4), V(5))
def soft_dtw(x, y):
    n, m = len(x), len(y)
    R = np.full((n + 1, m + 1), 1e3)
    R[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            best = -np.log(np.exp(-R[i - 1, j]) + np.exp(-R[i, j - 1]) + np.exp(-R[i - 1, j - 1]))
            R[i, j] = (x[i - 1] - y[j - 1]) ** 2 + best
    return R[n, m]


@case(V(3))
def negated_before_it_was_written(x):
    p = x * 2
    ps = [-p]
    p *= x
    return np.sum(ps[0] * x) + np.sum(-ps[0] * p)


@case(V(3))
def scaled_before_it_was_written(x):
    p = x * 2
    ps = [3.0 * p, 3.0 * p]
    p *= x
    ps[0] *= x
    return np.sum(ps[0] * 4.0) + np.sum(ps[0] * ps[1])


@case(V(3))
def written_through_pairs(x):
    params = [np.outer(x, x), x * 2]
    vel = [np.zeros_like(p) for p in params]
    for step in range(2):
        for p, v in zip(params, vel):
            v *= 0.9
            v -= 0.1 * p
            p += v
    return sum(np.sum(p**2) for p in params)


@case(V(3))
def elements_of_a_list_updated_and_replaced(x):
    A = [2 * x, -x]
    for k in range(3):
        A[0] += -A[1] * 0.7
        A[1] -= 0.5 * A[0]
        A[1] = -A[1] * A[0]
    return np.sum(2 * A[0] * A[1])


@case(V(3))
def elements_of_a_list_under_names_of_their_own(x):
    A = [2 * x, -x]
    p, q = A
    for i in range(2):
        A[i] *= x
        A[i] += x[i]
        A[1 - i] -= A[i]
    A[0] **= 2
    return np.sum(p * q)


@case(V(3))
def lists_in_a_list_updated(x):
    A = [[2 * x, -x], [x * x]]
    p = A[0][1]
    for k in range(2):
        A[0][k] *= x
        A[k][0] -= p
    A[1] += [p, p]
    A[1][2] *= 3.0
    return np.sum(A[0][0] * A[0][1]) + np.sum(p * A[1][1]) + len(A[1]) * np.sum(A[1][0])


@case(V(5), 0.3)
def copies_of_lists_that_grow(x, c):
    xs = list(x)
    ys = xs
    ys[0] = c * 2
    xs += [c, x[1]]
    ys[-1] *= xs[0]
    zs = list(ys)
    xs.append(zs[2] * x[0])
    s = 0.0
    for i in range(3):
        us = list(zs)
        us.append(ys[i % 2])
        zs[i] *= us[0]
        s += sum(a * b for a, b in zip(us, zs))
    return s + xs[-1] * xs[1]


@case(V(4), V(4))
def lists_made_of_lists(x, y):
    c = [x * y] * 3
    c[0] += 1.0
    c[1] = c[1] * x
    d = c[:2] + [y]
    d[1] = d[1] * c[2]
    e = [x] + [y, x * y]
    for i in range(3):
        e[i] = e[i] * 2
    return sum(np.sum(v * w) for v, w in zip(e, d))


def aliased(a, b):
    a[0] = b[1] * 2.0
    a[2] *= b[0]
    return np.sum(a * b)


def test_the_same_array_twice():
    """f(x, x): the gradient with respect to each argument of the program that runs, or a refusal; never silent."""
    x = np.array([1.0, 2.0, 3.0])
    try:
        da, db = grad(aliased, wrt=(0, 1))(x.copy(), x.copy())
        y = x.copy()
        found = grad(aliased, wrt=(0, 1))(y, y)
    except S2sadError as error:
        assert "same memory" in str(error) or "alias" in str(error)
        return
    y, e = x.copy(), 1e-6
    for i in range(3):
        up, down = x.copy(), x.copy()
        up[i] += e
        down[i] -= e
        difference = (aliased(up, up) - aliased(down, down)) / (2 * e)
        np.testing.assert_allclose(found[0][i] + found[1][i], difference, rtol=1e-6)


def fails_half_way(x):
    y = x
    y[0] = 5.0
    y[1] *= 2.0
    if y[1] > 1.0:
        raise ValueError("too large")
    y[2] = 7.0
    return np.sum(y)


def test_an_exception_half_way_leaves_the_arguments_as_the_function_does():
    given, expected = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])
    with pytest.raises(ValueError):
        fails_half_way(expected)
    with pytest.raises(ValueError):
        grad(fails_half_way)(given)
    np.testing.assert_array_equal(given, expected)


def arrays_passed_in_a_list(x, A):
    a = A[0]
    for i in range(2):
        A[i] *= x[i]
        A[i] += x[i] ** 2
    return np.sum(a * A[1])


def test_arrays_passed_in_a_list_are_updated():
    x, A = np.array([1.5, -0.5, 2.0]), [np.array([1.0, 2.0]), np.array([3.0, -1.0])]
    given = [a.copy() for a in A]
    found = grad(arrays_passed_in_a_list, wrt=(0, 1))(x, given)
    after = [a.copy() for a in A]
    arrays_passed_in_a_list(x, after)
    np.testing.assert_array_equal(given, after)
    e = np.array([0.0, 1e-6])

    def moved(k):
        up, down = [a.copy() for a in A], [a.copy() for a in A]
        up[k] += e
        down[k] -= e
        return (arrays_passed_in_a_list(x, up) - arrays_passed_in_a_list(x, down)) / 2e-6

    np.testing.assert_allclose([g[1] for g in found[1]], [moved(0), moved(1)], rtol=1e-7)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_traps(case):
    single = any(isinstance(a, np.ndarray) and a.dtype == np.float32 for a in case.args)
    check(replace(case, rtol=1e-3, atol=1e-3) if single else case)


def scaled(x, s):
    y = x * s
    return np.sum(y * y) * s


def test_a_float_beside_float32_arrays_has_a_float_gradient():
    x = np.array([1.0, 2.0], dtype=np.float32)
    dx, ds = grad(scaled, wrt=(0, 1))(x, 2.0)
    assert dx.dtype == np.float32 and isinstance(ds, float)
    np.testing.assert_allclose(ds, 3.0 * 4.0 * 5.0, rtol=1e-6)


def writes_in_a_list(rows):
    rows[0][0] = rows[1][1] * 2.0
    return rows[1][0] * rows[0][1]


def writes_beside_a_list(a, held):
    held["rows"][0][0] = a[1] * 2.0
    return a[0] * held["rows"][0][1]


def test_parts_of_arguments_that_share_memory():
    """Shadows are apart: that two parts of the arguments are one array would be lost."""
    a = np.array([1.0, 2.0])
    for fn, args in (
        (writes_in_a_list, ([a, a],)),
        (writes_in_a_list, ([a, a[::-1]],)),
        (writes_beside_a_list, (a, {"rows": [a]})),
    ):
        with pytest.raises(SignatureError, match="share memory"):
            grad(fn)(*args)
    found = grad(writes_in_a_list)([a.copy(), a.copy()])
    np.testing.assert_array_equal(found, [[0.0, 1.0], [2.0, 0.0]])


def test_views_with_other_steps_are_refused():
    """NumPy does not buffer `a[::2] = a[:n]` (nor a row that becomes a column of its array): it reads what it wrote."""

    def by_step(x):
        x[::2] = x[:3]
        return np.sum(x * np.arange(5))

    def by_axis(x):
        x[1, :] = x[:, 0]
        return np.sum(x)

    def by_chain(x):
        x[1:][::2] = x[: (x.size) // 2]
        return np.sum(x * np.arange(5))

    def turned(x):
        for i, row in enumerate(x):
            row[:] = x.T[:, i]
            x.T[1:, i] = x[i][:-1]
        return np.sum(x * np.arange(3))

    def alike(x):
        x[1:] = x[:-1]
        x[1:][:-1] = x[:-2]
        x[::-1] = x
        x[::2] += x[:3]
        x[::2] = x[:3].copy()
        return np.sum(x * np.arange(5))

    for fn, x in ((by_step, np.arange(5.0)), (by_axis, np.ones((3, 3))), (by_chain, np.arange(5.0))):
        with pytest.raises(UnsupportedSyntaxError, match="other steps"):
            grad(fn)(x)
    value, found = value_and_grad(turned)(np.arange(9.0).reshape(3, 3))
    assert value == turned(np.arange(9.0).reshape(3, 3))
    np.testing.assert_array_equal(found, [[1.0, 2.0, 0.0]] * 3)
    value, _ = value_and_grad(alike)(np.arange(5.0))
    assert value == alike(np.arange(5.0))
