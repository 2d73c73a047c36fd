"""Soft dynamic time warping of two series (Cuturi and Blondel, 2017): a table filled by a recurrence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.benchmarks.hand import fast
from tests.benchmarks.problem import Arguments, Call, Problem, Style
from tests.benchmarks.rivals import by_jax


def in_loops(x, y, gamma):
    n, m = len(x), len(y)
    R = np.full((n + 1, m + 1), 1e10)
    R[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            d = (x[i - 1] - y[j - 1]) ** 2
            a = R[i - 1, j]
            b = R[i, j - 1]
            c = R[i - 1, j - 1]
            least = min(a, min(b, c))
            s = math.exp((least - a) / gamma) + math.exp((least - b) / gamma) + math.exp((least - c) / gamma)
            R[i, j] = d + least - gamma * math.log(s)
    return R[n, m]


@fast
def preaccumulated(x: np.ndarray, y: np.ndarray, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """Stores the three partials of each cell and no table; the reverse sweep carries one row."""
    n, m = len(x), len(y)
    W = np.empty((n, m, 3))
    row = np.full(m + 1, 1e10)
    row[0] = 0.0
    for i in range(n):
        c, b = row[0], 1e10
        row[0] = 1e10
        for j in range(m):
            a = row[j + 1]
            d = x[i] - y[j]
            least = min(a, min(b, c))
            ea = math.exp((least - a) / gamma)
            eb = math.exp((least - b) / gamma)
            ec = math.exp((least - c) / gamma)
            s = ea + eb + ec
            q = 1.0 / s
            W[i, j, 0], W[i, j, 1], W[i, j, 2] = ea * q, eb * q, ec * q
            b = d * d + least - gamma * math.log(s)
            row[j + 1] = b
            c = a
    dx = np.zeros(n)
    dy = np.zeros(m)
    drow = np.zeros(m)
    drow[m - 1] = 1.0
    for i in range(n - 1, -1, -1):
        left = diagonal = t = 0.0
        for j in range(m - 1, -1, -1):
            g = drow[j] + left
            left = g * W[i, j, 1]
            drow[j] = g * W[i, j, 0] + diagonal
            diagonal = g * W[i, j, 2]
            dd = 2.0 * (x[i] - y[j]) * g
            dy[j] -= dd
            t += dd
        dx[i] = t
    return dx, dy


def in_jax(jax: Any) -> Call:
    jnp = jax.numpy

    def objective(x: Any, y: Any, gamma: float) -> Any:
        def cell(left: Any, inputs: Any) -> Any:
            above, diagonal, cost = inputs
            three = jnp.stack([above, left, diagonal])
            new = cost - gamma * jax.nn.logsumexp(-three / gamma)
            return new, new

        def line(row: Any, xi: Any) -> Any:
            _, new = jax.lax.scan(cell, 1e10, (row[1:], row[:-1], (xi - y) ** 2))
            return jnp.concatenate([jnp.full(1, 1e10), new]), None

        first = jnp.full(len(y) + 1, 1e10).at[0].set(0.0)
        return jax.lax.scan(line, first, x)[0][-1]

    return objective


def inputs(n: int) -> Arguments:
    rng = np.random.default_rng(0)
    return 0.3 * rng.normal(size=n).cumsum(), 0.3 * rng.normal(size=n).cumsum(), 0.5


PROBLEM = Problem(
    name="soft_dtw",
    title="soft-DTW 500²",
    inputs=inputs,
    sizes={"full": (500,), "quick": (100,), "tiny": (4,)},
    wrt=(0, 1),
    styles={"loops": Style(in_loops)},
    figure="loops",
    hand={"preaccumulated": preaccumulated},
    rivals={
        "JAX": by_jax(in_jax),
        "autograd": "no whole arrays in it",
        "PyTorch": "no whole arrays in it",
        "PyTorch compiled": "no whole arrays in it",
    },
)
