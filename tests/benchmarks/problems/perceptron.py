"""A perceptron 784-256-128-10 on a batch of 128: the cross-entropy by weights and biases."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.benchmarks.hand import fast
from tests.benchmarks.problem import Arguments, Problem, Style
from tests.benchmarks.rivals import all_plain


def loss(params, X, Y):
    W1, b1, W2, b2, W3, b3 = params
    h1 = np.maximum(X @ W1 + b1, 0.0)
    h2 = np.maximum(h1 @ W2 + b2, 0.0)
    z = h2 @ W3 + b3
    z = z - np.max(z, axis=1, keepdims=True)
    logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.sum(Y * logp) / len(X)


@fast
def bent(a: np.ndarray, b: np.ndarray) -> None:
    """max(a + b, 0) in place."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] = max(a[i, j] + b[j], 0.0)


@fast
def masked(d: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Keep of d what a rectifier with the result h lets through, in place; the sum over the batch."""
    total = np.zeros(d.shape[1])
    for i in range(d.shape[0]):
        for j in range(d.shape[1]):
            v = d[i, j] if h[i, j] > 0.0 else 0.0
            d[i, j] = v
            total[j] += v
    return total


@fast
def in_numba(params: tuple[Any, ...], X: np.ndarray, Y: np.ndarray) -> float:
    """The function: Numba has no maximum along an axis."""
    W1, b1, W2, b2, W3, b3 = params
    h1 = X @ W1
    bent(h1, b1)
    h2 = h1 @ W2
    bent(h2, b2)
    z = h2 @ W3
    total = 0.0
    for i in range(len(X)):
        top = -math.inf
        for j in range(len(b3)):
            z[i, j] += b3[j]
            top = max(top, z[i, j])
        s = 0.0
        for j in range(len(b3)):
            s += math.exp(z[i, j] - top)
        for j in range(len(b3)):
            total += Y[i, j] * (z[i, j] - top - math.log(s))
    return -total / len(X)


@fast
def adjoint(params: tuple[Any, ...], X: np.ndarray, Y: np.ndarray) -> tuple[Any, ...]:
    """Products by BLAS, everything between two products in one loop and in place."""
    W1, b1, W2, b2, W3, b3 = params
    n = len(X)
    h1 = X @ W1
    bent(h1, b1)
    h2 = h1 @ W2
    bent(h2, b2)
    z = h2 @ W3
    db3 = np.zeros_like(b3)
    for i in range(n):
        top = -math.inf
        for j in range(len(b3)):
            z[i, j] += b3[j]
            top = max(top, z[i, j])
        s = weight = 0.0
        for j in range(len(b3)):
            z[i, j] = math.exp(z[i, j] - top)
            s += z[i, j]
            weight += Y[i, j]
        for j in range(len(b3)):
            z[i, j] = (z[i, j] * (weight / s) - Y[i, j]) / n
            db3[j] += z[i, j]
    dW3 = h2.T @ z
    d2 = z @ W3.T
    db2 = masked(d2, h2)
    dW2 = h1.T @ d2
    d1 = d2 @ W2.T
    db1 = masked(d1, h1)
    return ((X.T @ d1, db1, dW2, db2, dW3, db3),)


def inputs(*sizes: int) -> Arguments:
    rng = np.random.default_rng(0)
    *widths, batch = sizes
    params: list[np.ndarray] = []
    for n, m in zip(widths, widths[1:], strict=False):
        params += [rng.normal(size=(n, m)) / np.sqrt(n), 0.1 * rng.normal(size=m)]
    X = rng.normal(size=(batch, widths[0]))
    return tuple(params), X, np.eye(widths[-1])[rng.integers(0, widths[-1], batch)]


PROBLEM = Problem(
    name="perceptron",
    title="perceptron 784-256-128-10, batch 128",
    inputs=inputs,
    sizes={"full": (784, 256, 128, 10, 128), "quick": (40, 20, 15, 10, 16), "tiny": (5, 4, 3, 2, 3)},
    wrt=(0,),
    styles={"arrays": Style(loss)},
    figure="arrays",
    hand={"adjoint": adjoint},
    rivals=all_plain(loss),
    primal=lambda _: in_numba,
)
