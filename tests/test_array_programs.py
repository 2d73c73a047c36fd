"""Programs as people write them in NumPy: models, solvers, recurrences, statistics."""
# ruff: noqa: E701, E702, E741, B007, B905, E501

from __future__ import annotations

import math

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


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_programs(case):
    check(case)
