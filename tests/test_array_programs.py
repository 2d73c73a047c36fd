"""Programs as people write them in NumPy: models, solvers, recurrences, statistics."""
# ruff: noqa: E701, E702, E741, B007, B905, E501

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.array_checks import Case, check, collector

rng = np.random.default_rng(3)
CASES: list[Case] = []
case = collector(CASES)


def V(*shape):
    return rng.normal(size=shape)


@case(V(5, 3), V(5), V(3), 0.1)
def ridge_gd(X, y, w, lam):
    n = len(y)
    for it in range(4):
        r = X @ w - y
        g = X.T @ r / n + lam * w
        w = w - 0.1 * g
    return 0.5 * np.sum((X @ w - y) ** 2) + 0.5 * lam * np.dot(w, w)


@case(V(4, 3))
def kmeans_like(X):
    c = X[:2].copy()
    for it in range(2):
        d = np.sum((X[:, None, :] - c[None]) ** 2, axis=-1)
        lab = np.argmin(d, axis=1)
        for k in range(2):
            m = lab == k
            if np.any(m):
                c[k] = X[m].mean(axis=0)
    return np.sum(c**2)


@case(V(6), V(3))
def conv_by_hand(x, k):
    n, m = len(x), len(k)
    out = np.zeros(n - m + 1)
    for i in range(n - m + 1):
        out[i] = np.dot(x[i : i + m], k[::-1])
    return np.sum(out**2)


@case(V(3, 2), V(2))
def rnn(W, h):
    hs = []
    for t in range(3):
        h = np.tanh(W[t] * h + h[::-1])
        hs.append(h)
    H = np.stack(hs)
    return np.sum(H * H)


@case(V(4))
def viterbi_like(e):
    best = e.copy()
    for t in range(3):
        new = np.empty(4)
        for j in range(4):
            new[j] = max(best[i] - 0.1 * abs(i - j) for i in range(4)) + e[j]
        best = new
    return best.max()


@case(1.2, 0.3, 103.0)
def bs_tree(sigma, r, S):
    n = 8
    dt = 1.0 / n
    u = math.exp(sigma * math.sqrt(dt))
    d = 1 / u
    p = (math.exp(r * dt) - d) / (u - d)
    vals = [max(S * u**j * d ** (n - j) - 100.0, 0.0) for j in range(n + 1)]
    for step in range(n):
        vals = [math.exp(-r * dt) * (p * vals[j + 1] + (1 - p) * vals[j]) for j in range(len(vals) - 1)]
    return vals[0]


@case(V(3), V(3), V(3))
def nbody(x, v, m):
    m = np.abs(m)
    for s in range(3):
        a = np.zeros(3)
        for i in range(3):
            for j in range(3):
                if i == j:
                    continue
                d = x[j] - x[i]
                a[i] += m[j] * d / (abs(d) ** 3 + 0.1)
        v += 0.01 * a
        x += 0.01 * v
    return np.sum(0.5 * m * v**2)


@case(V(3, 3))
def qr_gs(A):
    Q = np.zeros((3, 3))
    R = np.zeros((3, 3))
    for j in range(3):
        v = A[:, j].copy()
        for i in range(j):
            R[i, j] = Q[:, i] @ A[:, j]
            v -= R[i, j] * Q[:, i]
        R[j, j] = np.linalg.norm(v)
        Q[:, j] = v / R[j, j]
    return np.sum(R**3) + np.sum(np.abs(Q))


@case(V(5))
def stats(x):
    mu, sd = x.mean(), x.std(ddof=1)
    z = (x - mu) / sd
    return np.sum(z**3) / len(x) + np.median(x) * np.percentile(x, 30) + np.ptp(x)


@case(V(2, 3), V(3, 4))
def einsums(A, B):
    C = np.einsum("ij,jk->ik", A, B)
    return np.einsum("ij,ij->", C, C) + np.trace(C[:2, :2]) + np.tensordot(A, B, 1).sum()


@case(V(4))
def logsumexp_stable(x):
    m = x.max()
    return m + np.log(np.exp(x - m).sum())


@case(V(3, 4))
def softmax_rows(X):
    E = np.exp(X - X.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    return -(P * np.log(P)).sum(axis=1).mean()


@case(V(6))
def moving(x):
    c = np.cumsum(np.insert(x, 0, 0.0))
    m = (c[3:] - c[:-3]) / 3
    return np.sum(m**2) + np.sum(np.diff(x) ** 2)


@case(V(4, 4))
def power_method(A):
    A = A + A.T
    v = np.ones(4) / 2
    lam = 0.0
    for k in range(6):
        w = A @ v
        lam = v @ w
        n = np.sqrt(w @ w)
        if n < 1e-12:
            break
        v = w / n
    return lam


@case(V(3), V(4))
def meshes(x, y):
    X, Y = np.meshgrid(x, y)
    Z = np.sin(X) * np.cos(Y)
    gy, gx = np.gradient(Z)
    return np.sum(gx**2) + np.sum(gy * Z)


@case(V(5))
def dictionary(x):
    p = {"a": x[0], "b": x[1:3]}
    q = {"w": p["b"] * p["a"]}
    return np.sum(q["w"] ** 2) + p["a"]


@case(V(3, 3))
def try_inverse(A):
    B = A @ A.T + np.eye(3)
    return np.linalg.slogdet(B)[1] + np.trace(np.linalg.inv(B)) + np.linalg.norm(A, "fro")


@case(V(4), 3)
def recursion(x, n):
    if n == 0:
        return np.sum(x * x)
    y = np.roll(x, 1) * x
    return recursion(y, n - 1) + x[0]


@case(V(4))
def ternary_arrays(x):
    y = x if x[0] > 5 else -x
    y = np.where(y > 0, y, 0.1 * y)
    return np.sum(y**2 * np.sign(x))


@case(V(5))
def zip_rows(x):
    A = np.outer(x, x)
    s = 0.0
    for i, (row, xi) in enumerate(zip(A, x)):
        s += row[i] * xi + row.sum()
    return s


@case(V(3, 3))
def enumerate_nd(A):
    s = 0.0
    for i, j in np.ndindex(3, 3):
        s += A[i, j] * A[j, i] * (i + 1)
    for (i, j), v in np.ndenumerate(A):
        s += v**2 * j
    return s


@case(V(4), V(4))
def tuples_of_arrays(x, y):
    state = (x, y)
    for k in range(3):
        a, b = state
        state = (a + 0.1 * b, b - 0.1 * np.sin(a))
    return np.sum(state[0] * state[1])


@case(V(3))
def nested_lists(x):
    grid = [[x[i] * x[j] for j in range(3)] for i in range(3)]
    tot = 0.0
    for i in range(1, 3):
        for j in range(1, 3):
            grid[i][j] += min(grid[i - 1][j], grid[i][j - 1], grid[i - 1][j - 1])
    return grid[2][2] + sum(grid[1])


@case(V(6))
def bubble_sort(x):
    a = x.copy()
    n = len(a)
    for i in range(n):
        for j in range(n - 1 - i):
            if a[j] > a[j + 1]:
                a[j], a[j + 1] = a[j + 1], a[j]
    return np.sum(a * np.arange(n))


@case(V(5))
def while_newton(c):
    x = 1.0
    it = 0
    while abs(np.polyval(c, x)) > 1e-10 and it < 3:
        d = 0.0
        f = 0.0
        for a in c:
            d = d * x + f
            f = f * x + a
        x = x - f / (d + 3.0)
        it += 1
    return x


@case(V(4), V(4))
def out_argument(x, y):
    z = np.empty(4)
    np.multiply(x, y, out=z)
    np.add(z, x, out=z)
    np.exp(z, out=z)
    return np.sum(z * x)


@case(V(3, 4))
def flat_iteration(A):
    s = 0.0
    for v in A.flat:
        s += v**3
    for v in A.ravel():
        s *= math.cos(v)
    return s


@case(V(4))
def aug_view(x):
    y = x.copy()
    v = y[1:3]
    v += 1.0
    v *= y[:2]
    y[1:3] -= v
    return np.sum(y * x) + v[0]


@case(V(3, 3))
def triangular(A):
    n = 3
    L = np.tril(A) + 3 * np.eye(n)
    x = np.zeros(n)
    for i in range(n):
        x[i] = (1.0 - L[i, :i] @ x[:i]) / L[i, i]
    return x @ x


@case(V(5))
def argsorted(x):
    i = np.argsort(x)
    y = x[i]
    return np.sum(y * np.arange(5)) + np.sort(x)[1] * x[0]


@case(V(4), 2)
def conditional_view(x, k):
    y = x.copy()
    if k > 1:
        w = y[:2]
    else:
        w = y[2:]
    w[:] = w * w
    return np.sum(y * x)


@case(V(4))
def loop_view(x):
    y = x.copy()
    for i in range(3):
        w = y[i : i + 2]
        w[1] += w[0] * x[i]
    return np.sum(y)


@case(V(3), V(3))
def swap_in_branch(a, b):
    u, v = a.copy(), b.copy()
    for i in range(3):
        if u[0] > v[0]:
            u, v = v, u
        u[i] = v[i] * u[0] + 1.0
    return np.sum(u * v)


@case(V(2, 2), V(2))
def scan_matrices(A, x):
    P = np.eye(2)
    for i in range(4):
        P = P @ (A * 0.5)
        x = P @ x + 0.1
    return np.sum(x) * P[0, 1]


@case(V(6))
def reshape_write(x):
    A = x.reshape(2, 3).copy()
    A[0] = A[1] * 2
    A[:, 1:] += A[:, :2]
    return np.sum(A.ravel() * x)


@case(V(5))
def boolean_loop(x):
    keep = x > 0
    total = 0.0
    for i in range(len(x)):
        if keep[i]:
            total += x[i] * x[:i].sum()
    return total + x[keep].sum() * x[~keep].sum()


@case(V(3, 4, 2))
def three_d_loops(T):
    out = np.zeros((4, 2))
    for i in range(3):
        for j in range(4):
            out[j] += T[i, j] * T[i, j - 1]
            T[i, j] *= 0.5
    return np.sum(out) * np.sum(T)


@case(V(4))
def tuple_return(x):
    def f(y):
        y = y * 2
        return y, y.sum()

    a, s = f(x)
    b, t = f(a)
    return np.sum(a * b) * s + t


@case(V(4))
def default_mutable(x):
    def acc(v, store=None):
        if store is None:
            store = np.zeros(4)
        store += v
        return store

    a = acc(x)
    a = acc(x * 2, a)
    return np.sum(a * x)


@case(V(4).astype(np.float32))
def f32_loop(x):
    s = np.float32(0)
    for i in range(4):
        s += x[i] * x[i]
        x[i] = s
    return s


@case(V(3, 3))
def det_by_minors(A):
    return (
        A[0, 0] * (A[1, 1] * A[2, 2] - A[1, 2] * A[2, 1])
        - A[0, 1] * (A[1, 0] * A[2, 2] - A[1, 2] * A[2, 0])
        + A[0, 2] * (A[1, 0] * A[2, 1] - A[1, 1] * A[2, 0])
    ) - np.linalg.det(A) * 0.5


@case(V(4), V(3))
def broadcasting_grid(x, y):
    G = np.exp(-((x[:, None] - y[None, :]) ** 2))
    G[1] = 0.0
    G[:, 0] *= x
    return np.log(1.0 + G.sum(axis=0)).sum()


@case(V(5))
def clipping(x):
    y = np.clip(x, -0.5, 0.5)
    z = np.minimum(np.maximum(x, -1), y * 2)
    return np.sum(y * z) + np.abs(x).max()


@case(V(6))
def pairwise(x):
    X = x.reshape(3, 2)
    D = np.sqrt(((X[:, None] - X[None]) ** 2).sum(-1) + 1e-3)
    iu = np.triu_indices(3, 1)
    return D[iu].sum()


@case(V(4))
def padded_stencil(x):
    p = np.pad(x, 1, mode="edge")
    y = 0.5 * p[1:-1] + 0.25 * (p[:-2] + p[2:])
    q = np.pad(y, (2, 1))
    return np.sum(q[2:-1] ** 2) + q[0]


@case(V(4))
def lists_and_arrays(x):
    acc = [0.0] * 4
    for i, v in enumerate(x):
        acc[i] = v * acc[i - 1] + i
    a = np.array(acc)
    return float(np.sum(a * x)) + sum(acc)


@case(V(3), V(3))
def dot_forms(x, y):
    return (
        np.dot(x, y)
        + x.dot(y) ** 2
        + np.inner(x, y) * np.vdot(x, y)
        + np.outer(x, y).sum()
        + np.cross(x, y) @ x
        + np.kron(x, y)[4]
    )


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_programs(case):
    single = any(isinstance(a, np.ndarray) and a.dtype == np.float32 for a in case.args)
    check(replace(case, rtol=1e-2, atol=1e-2) if single else case)
