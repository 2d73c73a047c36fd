"""The negative log likelihood of a Gaussian process of 300 observations by three parameters, through Cholesky's factor.

The program is that of examples/gaussian_process.py (Rasmussen and Williams, 2006, eq. 5.8; the adjoint is eq. 5.9).
"""

from __future__ import annotations

import ctypes
import math

import numpy as np
from numba.extending import get_cython_function_address

from tests.benchmarks.hand import fast, radd, uidx
from tests.benchmarks.problem import Arguments, Problem, Style
from tests.benchmarks.rivals import all_plain


def in_arrays(theta, x, y):
    parameters = np.exp(theta)
    length, scale, noise = parameters[0], parameters[1], parameters[2]
    distance = x[:, None] - x[None, :]
    K = scale**2 * np.exp(-0.5 * distance**2 / length**2) + noise**2 * np.eye(len(x))
    L = np.linalg.cholesky(K)
    z = np.linalg.solve(L, y)
    return 0.5 * np.sum(z**2) + np.sum(np.log(np.diag(L))) + 0.5 * len(x) * np.log(2.0 * np.pi)


def in_loops(theta, x, y):
    length = math.exp(theta[0])
    scale = math.exp(theta[1])
    noise = math.exp(theta[2])
    n = len(x)
    L = np.zeros((n, n))
    z = np.zeros(n)
    value = 0.5 * n * math.log(2.0 * math.pi)
    for i in range(n):
        s = y[i]
        for j in range(i + 1):
            k = scale**2 * math.exp(-0.5 * (x[i] - x[j]) ** 2 / length**2)
            if i == j:
                k += noise**2
            for a in range(j):
                k -= L[i, a] * L[j, a]
            if i == j:
                L[i, i] = math.sqrt(k)
            else:
                L[i, j] = k / L[j, j]
                s -= L[i, j] * z[j]
        z[i] = s / L[i, i]
        value += 0.5 * z[i] ** 2 + math.log(L[i, i])
    return value


@fast
def by_inverse(theta: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray]:
    """½ (K⁻¹ - K⁻¹ y yᵀ K⁻¹) is the adjoint of K; only its lower half meets the kernel, whose exps are kept."""
    n = len(x)
    length, scale, noise = math.exp(theta[0]), math.exp(theta[1]), math.exp(theta[2])
    E, K = np.empty((n, n)), np.empty((n, n))
    c = -0.5 / (length * length)
    for i in range(n):
        for j in range(i):
            d = x[i] - x[j]
            E[i, j] = scale * scale * math.exp(c * d * d)
            K[i, j] = K[j, i] = E[i, j]
        K[i, i] = scale * scale + noise * noise
    inverse = np.linalg.inv(K)
    a = inverse @ y
    return (contracted(E, inverse, a, x, length, scale, noise),)


@fast
def contracted(
    E: np.ndarray,
    inverse: np.ndarray,
    a: np.ndarray,
    x: np.ndarray,
    length: float,
    scale: float,
    noise: float,
) -> np.ndarray:
    """The adjoint of K with the derivatives of K by the logarithms of the parameters; lower halves are read."""
    by_length = by_scale = trace = 0.0
    for i in range(len(x)):
        for j in range(i):
            w = (inverse[uidx(i), uidx(j)] - a[uidx(i)] * a[uidx(j)]) * E[uidx(i), uidx(j)]
            d = x[uidx(i)] - x[uidx(j)]
            by_scale = radd(by_scale, w)
            by_length = radd(by_length, w * d * d)
        trace += 0.5 * (inverse[i, i] - a[i] * a[i])
    return np.array(
        [by_length / (length * length), 2.0 * (by_scale + trace * scale * scale), 2.0 * trace * noise * noise]
    )


def lapack(name: str, arguments: int) -> ctypes._CFuncPtr:
    """A routine of LAPACK, as SciPy exports it, which Numba can call."""
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * arguments)
    return kind(get_cython_function_address("scipy.linalg.cython_lapack", name))


dpotrf, dpotri = lapack("dpotrf", 5), lapack("dpotri", 5)


@fast
def by_lapack(theta: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray]:
    """The same with dpotrf and dpotri, which do half the work of an inverse and keep to one triangle."""
    n = len(x)
    length, scale, noise = math.exp(theta[0]), math.exp(theta[1]), math.exp(theta[2])
    E, K = np.empty((n, n)), np.empty((n, n))
    c = -0.5 / (length * length)
    for i in range(n):
        for j in range(i):
            d = x[i] - x[j]
            E[i, j] = scale * scale * math.exp(c * d * d)
            K[i, j] = E[i, j]
        K[i, i] = scale * scale + noise * noise
    upper, order, info = np.full(1, 85, np.uint8), np.full(1, n, np.int32), np.zeros(1, np.int32)
    dpotrf(
        upper.ctypes, order.ctypes, K.ctypes, order.ctypes, info.ctypes
    )  # "U" of Fortran's order is our lower
    dpotri(upper.ctypes, order.ctypes, K.ctypes, order.ctypes, info.ctypes)
    a = np.zeros(n)
    for i in range(n):
        s = 0.0
        for j in range(i):
            s = radd(s, K[uidx(i), uidx(j)] * y[uidx(j)])
            a[uidx(j)] += K[uidx(i), uidx(j)] * y[uidx(i)]
        a[i] += s + K[i, i] * y[i]
    return (contracted(E, K, a, x, length, scale, noise),)


def inputs(n: int) -> Arguments:
    x = np.linspace(0.0, 5.0, n)
    return np.array([0.1, -0.2, -1.0]), x, np.sin(2.0 * x) + 0.1 * np.random.default_rng(0).normal(size=n)


PROBLEM = Problem(
    name="gaussian_process",
    title="Gaussian process, 300 observations",
    inputs=inputs,
    sizes={"full": (300,), "quick": (60,), "tiny": (5,)},
    wrt=(0,),
    styles={"arrays": Style(in_arrays), "loops": Style(in_loops)},
    figure="arrays",
    hand={"by inverse": by_inverse, "by LAPACK": by_lapack},
    rivals=all_plain(in_arrays),
    rtol=1e-6,
)
