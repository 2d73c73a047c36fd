"""Recursive filters, batched products, reductions and a small network, whose arrays have up to four axes."""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.problem import Arguments, Kernel


def deriche(image, alpha):
    """Deriche's edge filter: recursions to the right, to the left, down and up (coefficients of degree one)."""
    w, h = image.shape
    e = math.exp(-alpha)
    k = (1.0 - e) * (1.0 - e) / (1.0 + 2.0 * alpha * e - math.exp(-2.0 * alpha))
    a1, a2, a3, a4 = k, k * e * (alpha - 1.0), k * e * (alpha + 1.0), -k * e * e
    b1, b2 = 2.0 ** (-alpha), -e * e
    y = np.empty((w, h))
    for i in range(w):
        y1 = y2 = x1 = 0.0
        for j in range(h):
            y[i, j] = a1 * image[i, j] + a2 * x1 + b1 * y1 + b2 * y2
            x1 = image[i, j]
            y2 = y1
            y1 = y[i, j]
    for i in range(w):
        z1 = z2 = x1 = x2 = 0.0
        for j in range(h - 1, -1, -1):
            z = a3 * x1 + a4 * x2 + b1 * z1 + b2 * z2
            x2 = x1
            x1 = image[i, j]
            z2 = z1
            z1 = z
            image[i, j] = y[i, j] + z
    for j in range(h):
        y1 = y2 = x1 = 0.0
        for i in range(w):
            y[i, j] = a1 * image[i, j] + a2 * x1 + b1 * y1 + b2 * y2
            x1 = image[i, j]
            y2 = y1
            y1 = y[i, j]
    for j in range(h):
        z1 = z2 = x1 = x2 = 0.0
        for i in range(w - 1, -1, -1):
            z = a3 * x1 + a4 * x2 + b1 * z1 + b2 * z2
            x2 = x1
            x1 = image[i, j]
            z2 = z1
            z1 = z
            image[i, j] = y[i, j] + z
    return np.sum(image * image)


def deriche_inputs(n: int) -> Arguments:
    return np.random.default_rng(0).random((n, n)), 0.25


def attention(x, wq, wk, wv):
    """Scores of each sequence of a batch against itself; a stack of matrices times a matrix, and times another stack."""
    q = x @ wq
    k = x @ wk
    v = x @ wv
    s = q @ np.swapaxes(k, 1, 2) / np.sqrt(wq.shape[1])
    s -= np.max(s, axis=2, keepdims=True)
    s[:] = np.exp(s)
    s /= np.sum(s, axis=2, keepdims=True)
    out = s @ v
    return np.sum(out * out)


def attention_in_numba(x, wq, wk, wv):
    """The same, a sequence at a time: Numba has no products of stacks."""
    total = 0.0
    scale = np.sqrt(wq.shape[1])
    for b in range(x.shape[0]):
        q = x[b] @ wq
        s = q @ (x[b] @ wk).T
        for i in range(s.shape[0]):
            top = np.max(s[i]) / scale
            weight = 0.0
            for j in range(s.shape[1]):
                s[i, j] = np.exp(s[i, j] / scale - top)
                weight += s[i, j]
            for j in range(s.shape[1]):
                s[i, j] /= weight
        out = s @ (x[b] @ wv)
        total += np.sum(out * out)
    return total


def attention_inputs(batch: int, n: int, d: int) -> Arguments:
    rng = np.random.default_rng(0)
    wq, wk, wv = rng.normal(size=(3, d, d)) / np.sqrt(d)
    return rng.normal(size=(batch, n, d)), wq, wk, wv


def correlation(data):
    """Columns are centred and scaled where they lie; the correlations of every pair."""
    n = data.shape[0]
    mean = np.sum(data, axis=0) / n
    data -= mean
    deviation = np.sqrt(np.sum(data * data, axis=0) / n)
    data /= np.sqrt(float(n)) * deviation
    c = data.T @ data
    return np.sum(c * c) + np.sum(deviation)


def correlation_inputs(n: int, m: int) -> Arguments:
    return (np.random.default_rng(0).normal(size=(n, m)),)


def network(images, w1, b1, w2):
    """A convolution by windows, a rectifier, the largest of two by two, a layer: arrays of four axes."""
    size = w1.shape[0]
    n, height, width = images.shape[0], images.shape[1] - size + 1, images.shape[2] - size + 1
    out = np.empty((n, height, width, w1.shape[3]))
    for i in range(height):
        for j in range(width):
            window = images[:, i : i + size, j : j + size, :].copy()
            out[:, i, j, :] = np.reshape(window, (n, size * size * 3)) @ np.reshape(
                w1, (size * size * 3, w1.shape[3])
            )
    out += b1
    out[:] = np.maximum(out, 0.0)
    pooled = np.empty((n, height // 2, width // 2, w1.shape[3]))
    for i in range(height // 2):
        for j in range(width // 2):
            pooled[:, i, j, :] = np.maximum(
                np.maximum(out[:, 2 * i, 2 * j, :], out[:, 2 * i, 2 * j + 1, :]),
                np.maximum(out[:, 2 * i + 1, 2 * j, :], out[:, 2 * i + 1, 2 * j + 1, :]),
            )
    z = np.reshape(pooled, (n, w2.shape[0])) @ w2
    z -= np.sum(z, axis=1)[:, None] / z.shape[1]
    return np.sum(np.log(np.sum(np.exp(z), axis=1)))


def network_inputs(n: int, side: int, size: int, channels: int) -> Arguments:
    rng = np.random.default_rng(0)
    half = (side - size + 1) // 2
    return (
        rng.normal(size=(n, side, side, 3)), rng.normal(size=(size, size, 3, channels)) / size,
        0.1 * rng.normal(size=channels), rng.normal(size=(half * half * channels, 10)) / half,
    )  # fmt: skip


KERNELS = (
    Kernel("deriche", deriche, deriche_inputs, {"full": (500,), "quick": (30,), "tiny": (4,)}, (0, 1)),
    Kernel(
        "attention", attention, attention_inputs, {"full": (16, 64, 64), "quick": (4, 8, 8), "tiny": (2, 3, 2)},
        (0, 1, 2, 3), attention_in_numba,
    ),
    Kernel("correlation", correlation, correlation_inputs, {"full": (2000, 100), "quick": (40, 10), "tiny": (5, 3)}),
    Kernel(
        "network", network, network_inputs, {"full": (8, 20, 5, 8), "quick": (2, 10, 3, 4), "tiny": (2, 6, 3, 2)},
        (1, 2, 3),
    ),
)  # fmt: skip
