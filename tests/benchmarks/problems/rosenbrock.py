"""Rosenbrock's function of a million numbers: Σ 100 (x[i+1] - x[i]²)² + (1 - x[i])²."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.hand import fast, uidx
from tests.benchmarks.problem import Arguments, Problem, Style
from tests.benchmarks.rivals import all_plain


def in_loops(x):
    s = 0.0
    for i in range(len(x) - 1):
        s += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return s


def in_arrays(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


@fast
def scattered(x: np.ndarray) -> tuple[np.ndarray]:
    """Each turn assigns the element ahead, then adds to its own."""
    dx = np.empty_like(x)
    dx[0] = 0.0
    for i in range(len(x) - 1):
        r = x[uidx(i + 1)] - x[uidx(i)] * x[uidx(i)]
        dx[uidx(i + 1)] = 200.0 * r
        dx[uidx(i)] += -400.0 * x[uidx(i)] * r - 2.0 * (1.0 - x[uidx(i)])
    return (dx,)


@fast
def gathered(x: np.ndarray) -> tuple[np.ndarray]:
    """Each element written once, from the two terms it is in."""
    n = len(x)
    dx = np.empty_like(x)
    dx[0] = -400.0 * x[0] * (x[1] - x[0] * x[0]) - 2.0 * (1.0 - x[0])
    for i in range(1, n - 1):
        v, w = x[uidx(i)], x[uidx(i - 1)]
        dx[uidx(i)] = 200.0 * (v - w * w) - 400.0 * v * (x[uidx(i + 1)] - v * v) - 2.0 * (1.0 - v)
    dx[n - 1] = 200.0 * (x[n - 1] - x[n - 2] * x[n - 2])
    return (dx,)


def inputs(n: int) -> Arguments:
    return (np.random.default_rng(0).normal(size=n),)


PROBLEM = Problem(
    name="rosenbrock",
    title="Rosenbrock 10⁶",
    inputs=inputs,
    sizes={"full": (1_000_000,), "quick": (20_000,), "tiny": (7,)},
    wrt=(0,),
    styles={"loops": Style(in_loops), "arrays": Style(in_arrays)},
    figure="loops",
    hand={"scattered": scattered, "gathered": gathered},
    rivals=all_plain(in_arrays),
)
