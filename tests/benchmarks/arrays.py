"""The figures of whole-array code, measured side by side: `python -m tests.benchmarks.arrays [name …]`.

Medians of many turns; nothing here asserts a time. BLAS runs on one thread (set before NumPy is loaded). Memory that is
freed is kept: glibc gives it back to the system where more than twice the largest array is free, and to fetch it again in
the next turn takes longer than what is measured; whose turn that happens in is chance.
"""

from __future__ import annotations

import ctypes
import os
import sys
import types

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
if sys.platform == "linux" and hasattr(_libc := ctypes.CDLL(None), "mallopt"):
    _libc.mallopt(-1, 1 << 28)  # M_TRIM_THRESHOLD
    _libc.mallopt(-3, 1 << 25)  # M_MMAP_THRESHOLD

import numpy as np  # noqa: E402

from s2sad import grad, value_and_grad  # noqa: E402
from s2sad.cli.timing import side_by_side  # noqa: E402
from tests.benchmarks.figures import shown  # noqa: E402


def loss(params, X, Y):
    W1, b1, W2, b2, W3, b3 = params
    h1 = np.maximum(X @ W1 + b1, 0.0)
    h2 = np.maximum(h1 @ W2 + b2, 0.0)
    z = h2 @ W3 + b3
    z = z - np.max(z, axis=1, keepdims=True)
    logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.mean(np.sum(Y * logp, axis=1))


def loss_by_hand(params, X, Y):
    W1, b1, W2, b2, W3, b3 = params
    a1 = X @ W1 + b1
    h1 = np.maximum(a1, 0.0)
    a2 = h1 @ W2 + b2
    h2 = np.maximum(a2, 0.0)
    z = h2 @ W3 + b3
    z = z - np.max(z, axis=1, keepdims=True)
    e = np.exp(z)
    s = np.sum(e, axis=1, keepdims=True)
    value = -np.mean(np.sum(Y * (z - np.log(s)), axis=1))
    dz = (e / s * np.sum(Y, axis=1, keepdims=True) - Y) / len(X)
    dW3, db3 = h2.T @ dz, np.sum(dz, axis=0)
    d2 = (dz @ W3.T) * (a2 > 0)
    dW2, db2 = h1.T @ d2, np.sum(d2, axis=0)
    d1 = (d2 @ W2.T) * (a1 > 0)
    dW1, db1 = X.T @ d1, np.sum(d1, axis=0)
    return value, (dW1, db1, dW2, db2, dW3, db3)


def perceptron() -> None:
    """784-256-128-10, batch 128: value and gradient, beside the adjoint written by hand."""
    rng = np.random.default_rng(0)
    sizes = [784, 256, 128, 10]
    params: list[np.ndarray] = []
    for n, m in zip(sizes, sizes[1:], strict=False):
        params += [rng.normal(size=(n, m)) / np.sqrt(n), np.zeros(m)]
    X, Y = rng.normal(size=(128, 784)), np.eye(10)[rng.integers(0, 10, 128)]
    args = (tuple(params), X, Y)
    ours = value_and_grad(loss)
    for a, b in zip(ours(*args)[1], loss_by_hand(*args)[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-12)
    took = side_by_side(
        {"primal": (loss, args), "ours": (ours, args), "hand": (loss_by_hand, args)}, seconds=0.02
    )
    for name, seconds in took.items():
        print(f"    {name:<10} {seconds * 1e3:10.2f} ms")
    shown("perceptron, value and gradient / hand-written adjoint", took["ours"] / took["hand"], "x", "<= 1.1")
    shown("… / function", took["ours"] / took["primal"], "x", "no figure")


def small(x, w, b):
    """Thirty operations on arrays of ten elements."""
    a = x * w + b
    h = np.tanh(a)
    c = h * x
    d = np.exp(-c)
    e = d / (1.0 + d)
    f = np.sin(e) * h
    g = f * f + a
    k = np.sqrt(1.0 + g * g)
    m = (k - np.cos(x)) * w
    n = np.log(1.0 + m * m)
    o = n * e - b
    p = o * o * 0.5
    q = np.tanh(p + c)
    return np.sum(q * k) + np.sum(p)


def small_by_hand(x, w, b):
    a = x * w + b
    h = np.tanh(a)
    c = h * x
    d = np.exp(-c)
    d1 = 1.0 + d
    e = d / d1
    sine = np.sin(e)
    f = sine * h
    g = f * f + a
    k = np.sqrt(1.0 + g * g)
    r = k - np.cos(x)
    m = r * w
    m1 = 1.0 + m * m
    n = np.log(m1)
    o = n * e - b
    p = o * o * 0.5
    q = np.tanh(p + c)
    dpc = k * (1.0 - q * q)
    do = o * (1.0 + dpc)
    dm = 2.0 * m * (e * do / m1)
    dr = w * dm
    dg = g * (q + dr) / k
    df = 2.0 * f * dg
    de = n * do + np.cos(e) * h * df
    dc = dpc - d * de / (d1 * d1)
    da = dg + (1.0 - h * h) * (sine * df + x * dc)
    return w * da + h * dc + np.sin(x) * dr, x * da + r * dm, da - do


def small_arrays() -> None:
    """Arrays of ten elements, where each call costs more than its arithmetic."""
    import autograd.numpy as anp
    from autograd import grad as tape_grad

    rng = np.random.default_rng(0)
    args = tuple(rng.normal(size=(3, 10)))
    ours = grad(small, wrt=("x", "w", "b"))
    theirs = tape_grad(types.FunctionType(small.__code__, {"np": anp}), argnum=(0, 1, 2))
    for a, b, c in zip(ours(*args), small_by_hand(*args), theirs(*args), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
        np.testing.assert_allclose(a, c, rtol=1e-10)
    took = side_by_side(
        {
            "primal": (small, args), "ours": (ours, args), "hand": (small_by_hand, args),
            "autograd": (theirs, args),
        }
    )  # fmt: skip
    for name, seconds in took.items():
        print(f"    {name:<10} {seconds * 1e6:10.1f} us")
    shown("small arrays, gradient / hand-written adjoint", took["ours"] / took["hand"], "x", "<= 1.2")
    shown("… autograd / ours", took["autograd"] / took["ours"], "x", ">= 8")


FIGURES = {"perceptron": perceptron, "small": small_arrays}

if __name__ == "__main__":
    for chosen in sys.argv[1:] or FIGURES:
        FIGURES[chosen]()
