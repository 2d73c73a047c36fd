"""The Gaussian mixture of ADBench: log likelihood of points under K Gaussians in d dimensions, with a Wishart prior.

Srajer, Kukelova and Fitzgibbon, "A benchmark of selected algorithmic differentiation tools" (2018), §4.1: alphas (K,),
means (K, d), the logarithm of the diagonal and the columns below it of a factor of each inverse covariance
(K, d (d + 1) / 2), points (n, d), prior (gamma, m).
"""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.hand import fast, radd, uidx
from tests.benchmarks.problem import Arguments, Problem, Style
from tests.benchmarks.rivals import all_plain


def log_sum_exp(v):
    m = v[0]
    for i in range(1, len(v)):
        if v[i] > m:
            m = v[i]
    s = 0.0
    for i in range(len(v)):
        s += math.exp(v[i] - m)
    return m + math.log(s)


def in_loops(alphas, means, icf, x, gamma, m):
    n, k, d = x.shape[0], means.shape[0], means.shape[1]
    qdiag = np.empty((k, d))
    sumq = np.empty(k)
    for j in range(k):
        s = 0.0
        for a in range(d):
            s += icf[j, a]
            qdiag[j, a] = math.exp(icf[j, a])
        sumq[j] = s
    xc = np.empty(d)
    qx = np.empty(d)
    term = np.empty(k)
    total = 0.0
    for i in range(n):
        for j in range(k):
            for a in range(d):
                xc[a] = x[i, a] - means[j, a]
                qx[a] = qdiag[j, a] * xc[a]
            p = d
            for a in range(d):
                for b in range(a + 1, d):
                    qx[b] += icf[j, p] * xc[a]
                    p += 1
            sq = 0.0
            for a in range(d):
                sq += qx[a] * qx[a]
            term[j] = alphas[j] + sumq[j] - 0.5 * sq
        total += log_sum_exp(term)
    prior = 0.0
    for j in range(k):
        sq = 0.0
        for a in range(d):
            sq += qdiag[j, a] ** 2
        for p in range(d, icf.shape[1]):
            sq += icf[j, p] ** 2
        prior += 0.5 * gamma * gamma * sq - m * sumq[j]
    constant = -n * d * 0.5 * math.log(2.0 * math.pi)
    return constant + total - n * log_sum_exp(alphas) + prior


def in_arrays(alphas, means, icf, x, gamma, m, place, below):
    n, d = x.shape
    qdiag = np.exp(icf[:, :d])
    sumq = np.sum(icf[:, :d], axis=1)
    lower = icf[:, place] * below
    xc = x[:, None, :] - means
    qx = qdiag * xc + np.sum(lower * xc[:, :, None, :], axis=3)
    term = alphas + sumq - 0.5 * np.sum(qx**2, axis=2)
    top = np.max(term, axis=1, keepdims=True)
    total = np.sum(top) + np.sum(np.log(np.sum(np.exp(term - top), axis=1)))
    most = np.max(alphas, axis=0)
    weights = most + np.log(np.sum(np.exp(alphas - most)))
    prior = np.sum(
        0.5 * gamma * gamma * (np.sum(qdiag**2, axis=1) + np.sum(icf[:, d:] ** 2, axis=1)) - m * sumq
    )
    return total - n * weights + prior


def with_places(alphas, means, icf, x, gamma, m) -> Arguments:
    """For [row, column] where the factor's elements below the diagonal lie in icf, and 1 below it."""
    d = means.shape[1]
    place, below, p = np.zeros((d, d), dtype=np.int64), np.zeros((d, d)), d
    for column in range(d):
        for row in range(column + 1, d):
            place[row, column], below[row, column] = p, 1.0
            p += 1
    return alphas, means, icf, x, gamma, m, place, below


@fast
def fused(
    alphas: np.ndarray, means: np.ndarray, icf: np.ndarray, x: np.ndarray, gamma: float, m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points are independent: each goes forward and back in one turn, with tapes of one turn."""
    n, k, d = x.shape[0], means.shape[0], means.shape[1]
    qdiag = np.empty((k, d))
    sumq = np.empty(k)
    for j in range(k):
        s = 0.0
        for a in range(d):
            s += icf[j, a]
            qdiag[j, a] = math.exp(icf[j, a])
        sumq[j] = s
    tape_xc = np.empty((k, d))
    tape_qx = np.empty((k, d))
    term = np.empty(k)
    dxc = np.empty(d)
    dalphas = np.zeros_like(alphas)
    dmeans = np.zeros_like(means)
    dicf = np.zeros_like(icf)
    dqdiag = np.zeros_like(qdiag)
    for i in range(n):
        top = -math.inf
        for j in range(k):
            xc, qx = tape_xc[j], tape_qx[j]
            for a in range(d):
                xc[uidx(a)] = x[i, a] - means[j, a]
                qx[uidx(a)] = qdiag[j, a] * xc[uidx(a)]
            p = d
            for a in range(d):
                v = xc[a]
                for b in range(a + 1, d):
                    qx[uidx(b)] += icf[uidx(j), uidx(p)] * v
                    p += 1
            sq = 0.0
            for a in range(d):
                sq = radd(sq, qx[uidx(a)] * qx[uidx(a)])
            term[j] = alphas[j] + sumq[j] - 0.5 * sq
            top = max(top, term[j])
        s = 0.0
        for j in range(k):
            term[j] = math.exp(term[j] - top)
            s += term[j]
        for j in range(k):
            w = term[j] / s
            dalphas[j] += w
            xc, qx = tape_xc[j], tape_qx[j]
            for a in range(d):
                qx[uidx(a)] *= -w  # now the adjoint of qx
                dqdiag[uidx(j), uidx(a)] += xc[uidx(a)] * qx[uidx(a)]
                dxc[uidx(a)] = qdiag[uidx(j), uidx(a)] * qx[uidx(a)]
            p = d
            for a in range(d):
                v, dv = xc[a], 0.0
                for b in range(a + 1, d):
                    dv = radd(dv, icf[uidx(j), uidx(p)] * qx[uidx(b)])
                    dicf[uidx(j), uidx(p)] += v * qx[uidx(b)]
                    p += 1
                dxc[a] += dv
            for a in range(d):
                dmeans[uidx(j), uidx(a)] -= dxc[uidx(a)]
    top = alphas.max()
    s = 0.0
    for j in range(k):
        term[j] = math.exp(alphas[j] - top)
        s += term[j]
    square = gamma * gamma
    for j in range(k):
        dsumq = dalphas[j] - m  # alphas and sums of logarithms enter a term alike
        dalphas[j] -= n * (term[j] / s)
        for a in range(d):
            q = qdiag[j, a]
            dicf[j, a] = q * (dqdiag[j, a] + square * q) + dsumq
        for p in range(d, icf.shape[1]):
            dicf[j, p] += square * icf[j, p]
    return dalphas, dmeans, dicf


def inputs(n: int, d: int, k: int) -> Arguments:
    rng = np.random.default_rng(0)
    icf = 0.3 * rng.normal(size=(k, d * (d + 1) // 2))
    return rng.normal(size=k), rng.normal(size=(k, d)), icf, rng.normal(size=(n, d)), 1.0, 0.0


PROBLEM = Problem(
    name="mixture",
    title="Gaussian mixture (ADBench), d10 K25",
    inputs=inputs,
    sizes={"full": (1000, 10, 25), "quick": (50, 10, 25), "tiny": (3, 3, 2)},
    wrt=(0, 1, 2),
    styles={"loops": Style(in_loops), "arrays": Style(in_arrays, with_places)},
    figure="loops",
    hand={"fused": fused},
    rivals=all_plain(in_arrays, with_places),
)
