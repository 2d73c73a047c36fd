"""The sum of a million call prices by Black and Scholes, by spot, strike and maturity of each, rate and volatility."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.benchmarks.hand import fast, radd
from tests.benchmarks.problem import Arguments, Call, Problem, Style
from tests.benchmarks.rivals import by_autograd, by_jax, by_torch

ROOT2 = math.sqrt(2.0)


def in_loops(S, K, T, rate, vol):
    total = 0.0
    for i in range(len(S)):
        sd = vol * math.sqrt(T[i])
        d1 = (math.log(S[i] / K[i]) + (rate + 0.5 * vol * vol) * T[i]) / sd
        d2 = d1 - sd
        n1 = 0.5 * (1.0 + math.erf(d1 / ROOT2))
        n2 = 0.5 * (1.0 + math.erf(d2 / ROOT2))
        total += S[i] * n1 - K[i] * math.exp(-rate * T[i]) * n2
    return total


def in_arrays(S, K, T, rate, vol):
    from scipy.special import erf

    sd = vol * np.sqrt(T)
    d1 = (np.log(S / K) + (rate + 0.5 * vol * vol) * T) / sd
    d2 = d1 - sd
    n1 = 0.5 * (1.0 + erf(d1 / ROOT2))
    n2 = 0.5 * (1.0 + erf(d2 / ROOT2))
    return np.sum(S * n1 - K * np.exp(-rate * T) * n2)


def written_with(np: Any, erf: Any) -> Call:
    """The array program with the names of another library."""

    def objective(S: Any, K: Any, T: Any, rate: Any, vol: Any) -> Any:
        sd = vol * np.sqrt(T)
        d1 = (np.log(S / K) + (rate + 0.5 * vol * vol) * T) / sd
        d2 = d1 - sd
        n1 = 0.5 * (1.0 + erf(d1 / ROOT2))
        n2 = 0.5 * (1.0 + erf(d2 / ROOT2))
        return np.sum(S * n1 - K * np.exp(-rate * T) * n2)

    return objective


def in_autograd(S, K, T, rate, vol):
    import autograd.numpy
    from autograd.scipy.special import erf

    return written_with(autograd.numpy, erf)(S, K, T, rate, vol)


@fast
def fused(
    S: np.ndarray, K: np.ndarray, T: np.ndarray, rate: float, vol: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float]:
    """Options are independent: forward and back in one turn, without a tape."""
    dS, dK, dT = np.empty_like(S), np.empty_like(K), np.empty_like(T)
    drate = dvol = 0.0
    density = 1.0 / math.sqrt(2.0 * math.pi)
    mean = rate + 0.5 * vol * vol
    for i in range(len(S)):
        root = math.sqrt(T[i])
        sd = vol * root
        d1 = (math.log(S[i] / K[i]) + mean * T[i]) / sd
        d2 = d1 - sd
        n1 = 0.5 * (1.0 + math.erf(d1 / ROOT2))
        n2 = 0.5 * (1.0 + math.erf(d2 / ROOT2))
        e = math.exp(-rate * T[i])
        ke = K[i] * e
        dd2 = -ke * density * math.exp(-0.5 * d2 * d2)
        dd1 = S[i] * density * math.exp(-0.5 * d1 * d1) + dd2
        q = dd1 / sd
        dsd = -dd2 - q * d1
        dS[i] = n1 + q / S[i]
        dK[i] = -e * n2 - q / K[i]
        dT[i] = rate * ke * n2 + q * mean + 0.5 * vol * dsd / root
        drate = radd(drate, T[i] * (ke * n2 + q))
        dvol = radd(dvol, root * dsd + vol * T[i] * q)
    return dS, dK, dT, drate, dvol


@fast
def greeks(
    S: np.ndarray, K: np.ndarray, T: np.ndarray, rate: float, vol: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float]:
    """The formulas of the textbook, in which the densities of d1 and d2 have cancelled."""
    dS, dK, dT = np.empty_like(S), np.empty_like(K), np.empty_like(T)
    drate = dvol = 0.0
    density = 1.0 / math.sqrt(2.0 * math.pi)
    for i in range(len(S)):
        root = math.sqrt(T[i])
        sd = vol * root
        d1 = (math.log(S[i] / K[i]) + (rate + 0.5 * vol * vol) * T[i]) / sd
        n2 = 0.5 * (1.0 + math.erf((d1 - sd) / ROOT2))
        en = math.exp(-rate * T[i]) * n2
        vega = S[i] * density * math.exp(-0.5 * d1 * d1) * root
        dS[i] = 0.5 * (1.0 + math.erf(d1 / ROOT2))
        dK[i] = -en
        dT[i] = 0.5 * vega * vol / T[i] + rate * K[i] * en
        drate = radd(drate, K[i] * T[i] * en)
        dvol = radd(dvol, vega)
    return dS, dK, dT, drate, dvol


def inputs(n: int) -> Arguments:
    rng = np.random.default_rng(0)
    return 80.0 + 40.0 * rng.random(n), 80.0 + 40.0 * rng.random(n), 0.2 + 2.0 * rng.random(n), 0.03, 0.25


PROBLEM = Problem(
    name="black_scholes",
    title="Black-Scholes 10⁶",
    inputs=inputs,
    sizes={"full": (1_000_000,), "quick": (10_000,), "tiny": (4,)},
    wrt=(0, 1, 2, 3, 4),
    styles={"loops": Style(in_loops), "arrays": Style(in_arrays)},
    figure="loops",
    hand={"fused": fused},
    closed={"Greeks": greeks},
    rivals={
        "JAX": by_jax(lambda jax: written_with(jax.numpy, jax.scipy.special.erf)),
        "autograd": by_autograd(in_autograd),
        "PyTorch": by_torch(lambda torch: written_with(torch, torch.erf)),
        "PyTorch compiled": by_torch(lambda torch: written_with(torch, torch.erf), compiled=True),
    },
)
