"""An Asian option by Monte Carlo: the discounted mean of max(mean of the path - strike, 0), by five parameters."""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.hand import fast, radd, uidx
from tests.benchmarks.problem import Arguments, Problem, Style
from tests.benchmarks.rivals import all_plain


def in_loops(s0, strike, rate, vol, tmat, z):
    paths, steps = z.shape
    dt = tmat / steps
    drift = (rate - 0.5 * vol * vol) * dt
    sig = vol * math.sqrt(dt)
    total = 0.0
    for p in range(paths):
        s = s0
        acc = 0.0
        for t in range(steps):
            s *= math.exp(drift + sig * z[p, t])
            acc += s
        pay = acc / steps - strike
        if pay > 0.0:
            total += pay
    return math.exp(-rate * tmat) * total / paths


def in_arrays(s0, strike, rate, vol, tmat, z):
    paths, steps = z.shape
    dt = tmat / steps
    drift = (rate - 0.5 * vol * vol) * dt
    sig = vol * np.sqrt(dt)
    s = s0 * np.ones(paths)
    acc = np.zeros(paths)
    for t in range(steps):
        s = s * np.exp(drift + sig * z[:, t])
        acc = acc + s
    pay = np.maximum(acc / steps - strike, 0.0)
    return np.exp(-rate * tmat) * np.sum(pay) / paths


def without_loop(s0, strike, rate, vol, tmat, z):
    paths, steps = z.shape
    dt = tmat / steps
    drift = (rate - 0.5 * vol * vol) * dt
    s = s0 * np.exp(np.cumsum(drift + vol * dt**0.5 * z, axis=1))
    pay = np.maximum(np.sum(s, axis=1) / steps - strike, 0.0)
    return np.exp(-rate * tmat) * np.sum(pay) / paths


@fast
def fused(
    s0: float, strike: float, rate: float, vol: float, tmat: float, z: np.ndarray
) -> tuple[float, float, float, float, float]:
    """Paths are independent: forward and back in one turn, back only where something is paid, exps kept."""
    paths, steps = z.shape
    dt = tmat / steps
    root = math.sqrt(dt)
    drift = (rate - 0.5 * vol * vol) * dt
    sig = vol * root
    discount = math.exp(-rate * tmat) / paths
    growth, price = np.empty(steps), np.empty(steps)
    total = ds0 = dstrike = ddrift = dsig = 0.0
    seed = discount / steps
    for p in range(paths):
        s, acc = s0, 0.0
        for t in range(steps):
            e = math.exp(drift + sig * z[p, t])
            growth[uidx(t)] = e
            s *= e
            price[uidx(t)] = s
            acc += s
        pay = acc / steps - strike
        if pay > 0.0:
            total += pay
            dstrike -= discount
            ds = 0.0
            for t in range(steps - 1, -1, -1):
                ds += seed
                v = price[uidx(t)] * ds
                ddrift = radd(ddrift, v)
                dsig = radd(dsig, z[uidx(p), uidx(t)] * v)
                ds *= growth[uidx(t)]
            ds0 += ds
    value = discount * total
    ddt = (rate - 0.5 * vol * vol) * ddrift + 0.5 * vol / root * dsig
    drate = dt * ddrift - tmat * value
    dvol = root * dsig - vol * dt * ddrift
    return ds0, dstrike, drate, dvol, ddt / steps - rate * value


def inputs(paths: int, steps: int) -> Arguments:
    return 100.0, 101.0, 0.03, 0.2, 1.0, np.random.default_rng(0).normal(size=(paths, steps))


PROBLEM = Problem(
    name="asian",
    title="Asian option, 10⁵ paths × 50 steps",
    inputs=inputs,
    sizes={"full": (100_000, 50), "quick": (2000, 20), "tiny": (4, 3)},
    wrt=(0, 1, 2, 3, 4),
    styles={"loops": Style(in_loops), "arrays": Style(in_arrays)},
    figure="loops",
    hand={"fused": fused},
    rivals=all_plain(without_loop),
)
