"""Linear algebra in place: factorisations, triangular solves and orthogonalisation, by loops and by slices."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.problem import Arguments, Kernel


def lu(a):
    """Factors without pivots, where the matrix was."""
    n = a.shape[0]
    for i in range(n):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[k, j]
            a[i, j] /= a[j, j]
        for j in range(i, n):
            for k in range(i):
                a[i, j] -= a[i, k] * a[k, j]
    s = 0.0
    for i in range(n):
        s += np.log(np.abs(a[i, i]))
    return s + np.sum(a)


def dominant(n: int) -> Arguments:
    return (np.random.default_rng(0).random((n, n)) + n * np.eye(n),)


def cholesky(a):
    """The lower factor where the matrix was; sums by products of rows."""
    n = a.shape[0]
    a[0, 0] = np.sqrt(a[0, 0])
    for i in range(1, n):
        for j in range(i):
            a[i, j] = (a[i, j] - np.dot(a[i, :j], a[j, :j])) / a[j, j]
        a[i, i] = np.sqrt(a[i, i] - np.dot(a[i, :i], a[i, :i]))
    return np.sum(np.log(np.diag(a))) + 0.01 * np.sum(a)


def definite(n: int) -> Arguments:
    b = np.random.default_rng(0).normal(size=(n, n))
    return (b @ b.T / n + np.eye(n),)


def gram_schmidt(a):
    """Columns made orthonormal one after another, by slices."""
    n = a.shape[1]
    q = np.zeros_like(a)
    r = np.zeros((n, n))
    for k in range(n):
        r[k, k] = np.sqrt(np.sum(a[:, k] * a[:, k]))
        q[:, k] = a[:, k] / r[k, k]
        for j in range(k + 1, n):
            r[k, j] = np.sum(q[:, k] * a[:, j])
            a[:, j] -= q[:, k] * r[k, j]
    return np.sum(r * r * r) + np.sum(q)


def tall(m: int, n: int) -> Arguments:
    return (np.random.default_rng(0).normal(size=(m, n)),)


def durbin(r):
    """Levinson and Durbin's recursion for a Toeplitz system: the solution grows and is turned around."""
    n = len(r)
    y = np.empty(n)
    z = np.empty(n)
    alpha = -r[0]
    beta = 1.0
    y[0] = -r[0]
    for k in range(1, n):
        beta *= 1.0 - alpha * alpha
        s = 0.0
        for i in range(k):
            s += r[k - i - 1] * y[i]
        alpha = -(r[k] + s) / beta
        for i in range(k):
            z[i] = y[i] + alpha * y[k - i - 1]
        for i in range(k):
            y[i] = z[i]
        y[k] = alpha
    return np.sum(y * y)


def toeplitz(n: int) -> Arguments:
    return (0.3 ** np.arange(1, n + 1) + 0.01 * np.random.default_rng(0).random(n) / n,)


def trisolv(L, x):
    """Forward and back substitution where the right-hand sides were, by slices."""
    n = L.shape[0]
    for i in range(n):
        x[i, :] -= L[i, :i] @ x[:i, :]
        x[i, :] /= L[i, i]
    for i in range(n - 1, -1, -1):
        x[i, :] -= L[i + 1 :, i] @ x[i + 1 :, :]
        x[i, :] /= L[i, i]
    return np.sum(x * x)


def triangular(n: int, m: int) -> Arguments:
    rng = np.random.default_rng(0)
    return np.tril(rng.random((n, n))) / n + np.eye(n), rng.normal(size=(n, m))


KERNELS = (
    Kernel("lu", lu, dominant, {"full": (200,), "quick": (20,), "tiny": (4,)}),
    Kernel("cholesky", cholesky, definite, {"full": (250,), "quick": (20,), "tiny": (4,)}),
    Kernel("gram_schmidt", gram_schmidt, tall, {"full": (200, 150), "quick": (20, 15), "tiny": (5, 3)}),
    Kernel("durbin", durbin, toeplitz, {"full": (1500,), "quick": (50,), "tiny": (5,)}),
    Kernel("trisolv", trisolv, triangular, {"full": (300, 16), "quick": (30, 4), "tiny": (4, 2)}, (0, 1)),
)
