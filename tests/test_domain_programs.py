"""Programs of many trades: finance, physics, statistics, robotics, learning, signals, graphs; aliasing state in loops."""
# ruff: noqa: E701, E702, E741, B007, B905, B023, E501, SIM108

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from tests.array_checks import Case, check, collector

rng = np.random.default_rng(11)
CASES: list[Case] = []
case = collector(CASES)


def V(*shape):
    return rng.normal(size=shape)


def P(*shape):
    return rng.uniform(0.5, 1.5, size=shape)


def thomas(a, b, c, d):
    n = len(d)
    cp = np.zeros(n)
    dp = np.zeros(n)
    cp[0] = c[0] / b[0]
    dp[0] = d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a[i] * cp[i - 1]
        cp[i] = c[i] / m
        dp[i] = (d[i] - a[i] * dp[i - 1]) / m
    x = np.zeros(n)
    x[-1] = dp[-1]
    for i in range(n - 2, -1, -1):
        x[i] = dp[i] - cp[i] * x[i + 1]
    return x


def nelson_siegel(beta, tau, t):
    x = t / tau
    f = (1 - np.exp(-x)) / x
    return beta[0] + beta[1] * f + beta[2] * (f - np.exp(-x))


def norm_cdf(x):
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def bspline(i, p, t, x):
    if p == 0:
        return 1.0 if t[i] <= x < t[i + 1] else 0.0
    left = (x - t[i]) / (t[i + p] - t[i]) if t[i + p] > t[i] else 0.0
    right = (t[i + p + 1] - x) / (t[i + p + 1] - t[i + 1]) if t[i + p + 1] > t[i + 1] else 0.0
    return left * bspline(i, p - 1, t, x) + right * bspline(i + 1, p - 1, t, x)


def dh(theta, d, a, alpha):
    ct, st = math.cos(theta), math.sin(theta)
    ca, sa = math.cos(alpha), math.sin(alpha)
    return np.array(
        [
            [ct, -st * ca, st * sa, a * ct],
            [st, ct * ca, -ct * sa, a * st],
            [0.0, sa, ca, d],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )


def qmul(a, b):
    w1, x1, y1, z1 = a
    w2, x2, y2, z2 = b
    return np.array(
        [
            w1 * w2 - x1 * x2 - y1 * y2 - z1 * z2,
            w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
            w1 * y2 - x1 * z2 + y1 * w2 + z1 * x2,
            w1 * z2 + x1 * y2 - y1 * x2 + z1 * w2,
        ]
    )


def sig(x):
    return 1 / (1 + np.exp(-x))


def fft_rec(re, im):
    n = len(re)
    if n == 1:
        return re, im
    er, ei = fft_rec(re[::2], im[::2])
    orr, oi = fft_rec(re[1::2], im[1::2])
    k = np.arange(n // 2)
    c, s = np.cos(2 * np.pi * k / n), -np.sin(2 * np.pi * k / n)
    tr, ti = c * orr - s * oi, c * oi + s * orr
    return np.concatenate([er + tr, er - tr]), np.concatenate([ei + ti, ei - ti])


def tree_eval(node, x, w):
    if node >= len(w):
        return np.zeros_like(x)
    l = tree_eval(2 * node + 1, x, w)
    r = tree_eval(2 * node + 2, x, w)
    g = 1 / (1 + np.exp(-w[node]))
    return g * (l + x[0]) + (1 - g) * np.sin(r + x)


@case(100.0, 0.2, 0.03, V(5, 6))
def asian_mc(s0, vol, r, z):
    n, m = z.shape
    dt = 1.0 / m
    payoff = np.zeros(n)
    for i in range(n):
        s = s0
        acc = 0.0
        for j in range(m):
            s *= math.exp((r - 0.5 * vol * vol) * dt + vol * math.sqrt(dt) * z[i, j])
            acc += s
        avg = acc / m
        if avg > 95.0:
            payoff[i] = avg - 95.0
    return math.exp(-r) * payoff.mean()


@case(100.0, 0.3, 0.02, V(4, 5), 80.0)
def barrier_mc(s0, vol, r, z, barrier):
    paths, steps = z.shape
    dt = 0.5 / steps
    total = 0.0
    for p in range(paths):
        s, alive = s0, True
        for k in range(steps):
            s = s * np.exp((r - vol**2 / 2) * dt + vol * np.sqrt(dt) * z[p, k])
            if s < barrier:
                alive = False
                break
        else:
            total += max(s - 100.0, 0.0)
        if not alive:
            total += 0.01 * s
    return total / paths * np.exp(-r * 0.5)


@case(P(4) * 100, 0.25, 0.01, V(6, 4), np.full((4, 4), 0.3) + 0.7 * np.eye(4))
def basket(spots, vol, r, z, corr):
    L = np.linalg.cholesky(0.5 * (corr + corr.T))
    w = np.ones(len(spots)) / len(spots)
    pay = 0.0
    for k in range(z.shape[0]):
        x = L @ z[k]
        st = spots * np.exp((r - 0.5 * vol * vol) + vol * x)
        b = w @ st
        pay += np.maximum(b - 90.0, 0.0)
    return np.exp(-r) * pay / z.shape[0]


@case(0.3, 0.05, 100.0, 9, 4)
def crank_nicolson_bs(sigma, r, K, n, steps):
    S = np.linspace(0.0, 200.0, n + 2)
    V = np.maximum(S - K, 0.0)
    dt = 1.0 / steps
    i = np.arange(1, n + 1)
    alpha = 0.25 * dt * (sigma**2 * i**2 - r * i)
    beta = -0.5 * dt * (sigma**2 * i**2 + r)
    gamma = 0.25 * dt * (sigma**2 * i**2 + r * i)
    for t in range(steps):
        rhs = alpha * V[:-2] + (1 + beta) * V[1:-1] + gamma * V[2:]
        up = S[-1] - K * np.exp(-r * (t + 1) * dt)
        rhs[-1] += gamma[-1] * up
        V[1:-1] = thomas(-alpha, 1 - beta, -gamma, rhs)
        V[-1] = up
    return V[(n + 2) // 2]


@case(np.array([0.01, 0.015, 0.02, 0.022]), np.array([1.0, 2.0, 3.0, 5.0]))
def bootstrap_curve(par, mats):
    dfs = []
    annuity = 0.0
    prev = 0.0
    for rate, t in zip(par, mats):
        tau = t - prev
        df = (1.0 - rate * annuity) / (1.0 + rate * tau)
        annuity += tau * df
        dfs.append(df)
        prev = t
    zero = [-math.log(d) / t for d, t in zip(dfs, mats)]
    return sum(z * z for z in zero) + dfs[-1]


@case(
    np.array([0.03, -0.02, 0.01]), 1.7, np.array([0.5, 1.0, 2.0, 5.0]), np.array([0.012, 0.015, 0.02, 0.025])
)
def ns_fit(beta, tau, mats, quotes):
    err = nelson_siegel(beta, tau, mats) - quotes
    pen = 0.0 if tau > 1 else (1 - tau) ** 2
    return np.sum(err**2) * 1e4 + pen


@case(0.03, 0.1, 0.015, V(3, 6))
def vasicek_bond(r0, a, sig, eps):
    total = 0.0
    for path in eps:
        r = r0
        integral = 0.0
        for e in path:
            integral += r * 0.25
            r += a * (0.04 - r) * 0.25 + sig * 0.5 * e
        total += math.exp(-integral)
    return total / len(eps)


@case(100.0, 110.0, 1.0, 0.02, 7.5)
def implied_vol(S, K, T, r, price):
    lo_sig = 0.2
    sig = lo_sig
    for it in range(50):
        d1 = (math.log(S / K) + (r + sig**2 / 2) * T) / (sig * math.sqrt(T))
        d2 = d1 - sig * math.sqrt(T)
        val = S * norm_cdf(d1) - K * math.exp(-r * T) * norm_cdf(d2)
        vega = S * math.sqrt(T) * math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
        diff = val - price
        sig = sig - diff / vega
        if abs(diff) < 1e-13:
            return sig
    return sig


@case(P(3), np.array([0.1, 0.2, 0.15]), 4.0)
def portfolio_utility(w, mu, lam):
    w = w / w.sum()
    cov = np.diag(mu**2) + 0.01
    ret = w @ mu
    risk = w @ cov @ w
    turnover = np.abs(w - 1 / len(w)).sum()
    return -(ret - lam / 2 * risk - 0.001 * turnover)


@case(V(3, 3), V(3, 3), P(3))
def leapfrog(pos, vel, mass):
    n = pos.shape[0]

    def accel(x):
        a = np.zeros_like(x)
        for i in range(n):
            for j in range(i + 1, n):
                d = x[j] - x[i]
                r3 = (d @ d + 0.05) ** 1.5
                a[i] += mass[j] * d / r3
                a[j] -= mass[i] * d / r3
        return a

    dt = 0.05
    a = accel(pos)
    for _ in range(3):
        vel += 0.5 * dt * a
        pos += dt * vel
        a = accel(pos)
        vel += 0.5 * dt * a
    kin = 0.5 * np.sum(mass[:, None] * vel**2)
    return kin + np.sum(pos[0] * vel[-1])


@case(V(4, 4) * 0.3, 0.7, 0.1)
def ising_mean_field(J, beta, h):
    J = 0.5 * (J + J.T)
    n = len(J)
    m = np.full(n, 0.1)
    for sweep in range(200):
        new = np.tanh(beta * (J @ m + h))
        delta = np.max(np.abs(new - m))
        m = 0.5 * m + 0.5 * new
        if delta < 1e-10:
            break
    energy = -0.5 * m @ J @ m - h * m.sum()
    ent = -np.sum((1 + m) / 2 * np.log((1 + m) / 2) + (1 - m) / 2 * np.log((1 - m) / 2))
    return energy - ent / beta


@case(P(12), 0.4)
def fdtd_1d(eps, amp):
    n = len(eps)
    ez = np.zeros(n)
    hy = np.zeros(n - 1)
    energy = 0.0
    for t in range(6):
        hy += 0.5 * (ez[1:] - ez[:-1])
        ez[1:-1] += 0.5 / eps[1:-1] * (hy[1:] - hy[:-1])
        ez[n // 2] += amp * math.sin(0.3 * t)
        ez[0] = ez[1]
        ez[-1] = ez[-2]
        energy += np.sum(eps * ez**2) + np.sum(hy**2)
    return energy


@case(V(8), 0.02)
def spectral_burgers(u, nu):
    n = len(u)
    k = np.fft.fftfreq(n) * n
    for _ in range(3):
        uh = np.fft.fft(u)
        ux = np.real(np.fft.ifft(1j * k * uh))
        uxx = np.real(np.fft.ifft(-(k**2) * uh))
        u = u + 0.01 * (-u * ux + nu * uxx)
    return np.mean(u**2)


@case(P(5), V(4))
def fem_bar(E, f):
    ne = len(E)
    K = np.zeros((ne + 1, ne + 1))
    for e in range(ne):
        ke = E[e] * ne * np.array([[1.0, -1.0], [-1.0, 1.0]])
        for a in range(2):
            for b in range(2):
                K[e + a, e + b] += ke[a, b]
    F = np.zeros(ne + 1)
    F[1:-1] = f
    F[-1] = 1.0
    free = np.arange(1, ne + 1)
    u = np.zeros(ne + 1)
    u[free] = np.linalg.solve(K[np.ix_(free, free)], F[free])
    return 0.5 * u @ K @ u - F @ u


@case(V(4, 2) * 2, 1.1)
def lj_verlet(x, sigma):
    def forces(x):
        f = np.zeros_like(x)
        pot = 0.0
        for i in range(len(x)):
            for j in range(i):
                r = x[i] - x[j]
                r2 = np.dot(r, r)
                if r2 > 9.0:
                    continue
                s6 = (sigma**2 / (r2 + 0.5)) ** 3
                pot += 4 * (s6 * s6 - s6)
                g = 24 * (2 * s6 * s6 - s6) / (r2 + 0.5) * r
                f[i] += g
                f[j] -= g
        return f, pot

    xold = x.copy()
    f, pot = forces(x)
    for step in range(2):
        xnew = 2 * x - xold + f * 0.001
        xold, x = x, xnew
        f, pot = forces(x)
    return pot + np.sum(x * xold)


@case(V(6, 6), 0.2)
def jacobi_poisson(rho, w):
    phi = np.zeros_like(rho)
    it = 0
    while it < 8:
        new = phi.copy()
        new[1:-1, 1:-1] = 0.25 * (
            phi[2:, 1:-1] + phi[:-2, 1:-1] + phi[1:-1, 2:] + phi[1:-1, :-2] - rho[1:-1, 1:-1]
        )
        new = w * phi + (1 - w) * new
        res = np.sqrt(np.sum((new - phi) ** 2))
        phi = new
        it += 1
        if res < 1e-6:
            break
    return np.sum(phi * rho) + w * phi.max()


@case(V(5, 5) * 0.2, 0.1)
def gray_scott(u, k):
    v = u[::-1].copy() + 0.5
    for _ in range(3):
        lap = np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1) - 4 * u
        lapv = (
            np.roll(v, 1, axis=0)
            + np.roll(v, -1, axis=0)
            + np.roll(v, (1, 0), axis=(1, 0))
            + np.roll(v, -1, axis=1)
            - 4 * v
        )
        uvv = u * v * v
        u, v = u + 0.16 * lap - uvv + 0.035 * (1 - u), v + 0.08 * lapv + uvv - (0.035 + k) * v
    return np.sum(u * v)


@case(np.array([1.0, 0.2]), 0.1, 8.0)
def rk4_pendulum(y0, damping, g):
    def f(t, y):
        th, om = y
        return np.array([om, -g * np.sin(th) - damping * om + 0.1 * np.cos(t)])

    t, h = 0.0, 0.1
    y = y0
    ys = [y]
    while t < 0.45:
        k1 = f(t, y)
        k2 = f(t + h / 2, y + h / 2 * k1)
        k3 = f(t + h / 2, y + h / 2 * k2)
        k4 = f(t + h, y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        t += h
        ys.append(y)
    traj = np.array(ys)
    return np.sum(traj[:, 0] ** 2) + traj[-1, 1]


@case(V(6), 0.3, 3)
def tfim_transfer(h, J, steps):
    psi = np.ones(2 * len(h)) / np.sqrt(2 * len(h))
    n = psi.size
    for s in range(steps):
        phi = np.zeros(n)
        for i in range(n):
            phi[i] += (1 - 0.1 * h[i // 2]) * psi[i]
            phi[i ^ 1] += 0.1 * J * psi[i]
        psi = phi / np.linalg.norm(phi)
    return sum(psi[i] ** 2 * (i % 3) for i in range(n))


@case(P(4, 4), 1.3)
def adi_heat(u, k):
    n = u.shape[0]
    A = np.diag(np.full(n, 1 + 2 * k)) - np.diag(np.full(n - 1, k), 1) - np.diag(np.full(n - 1, k), -1)
    for _ in range(2):
        for row in range(n):
            u[row, :] = np.linalg.solve(A, u[row, :])
        for col in range(n):
            u[:, col] = np.linalg.solve(A, u[:, col])
    return np.sum(u[0] ** 2) + u[-1, -1]


@case(V(7), np.array([0.3, 0.7]), np.array([-1.0, 1.0]), np.array([0.8, 1.2]))
def em_gmm(x, w, mu, sd):
    K = len(w)
    w, mu, sd = w.copy(), mu.copy(), sd.copy()
    for it in range(3):
        resp = np.empty((len(x), K))
        for k in range(K):
            resp[:, k] = w[k] / sd[k] * np.exp(-0.5 * ((x - mu[k]) / sd[k]) ** 2)
        tot = resp.sum(axis=1, keepdims=True)
        resp /= tot
        nk = resp.sum(axis=0)
        w[:] = nk / len(x)
        mu[:] = resp.T @ x / nk
        for k in range(K):
            sd[k] = np.sqrt(np.sum(resp[:, k] * (x - mu[k]) ** 2) / nk[k] + 0.1)
    return np.sum(np.log(tot)) + np.sum(mu * sd)


@case(P(3, 3), P(3, 2), P(3), [0, 1, 1, 0])
def hmm_forward(A, B, pi, obs):
    A = A / A.sum(axis=1, keepdims=True)
    B = B / B.sum(axis=1)[:, None]
    alpha = pi / pi.sum() * B[:, obs[0]]
    ll = 0.0
    for o in obs[1:]:
        c = alpha.sum()
        ll += np.log(c)
        alpha = (alpha / c) @ A * B[:, o]
    return ll + np.log(alpha.sum())


@case(V(5, 2), V(5), np.array([0.1, 0.2, -1.0]))
def gp_nll(X, y, theta):
    n, d = X.shape
    ls = np.exp(theta[:d])
    K = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            r = (X[i] - X[j]) / ls
            K[i, j] = K[j, i] = np.exp(-0.5 * r @ r)
    K[np.diag_indices(n)] += np.exp(theta[-1])
    L = np.linalg.cholesky(K)
    a = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return 0.5 * y @ a + np.sum(np.log(np.diag(L))) + 0.5 * n * np.log(2 * np.pi)


@case(V(3), V(6, 2), np.array([0, 1, 0, 2, 2, 1]), np.array([1, 0, 1, 1, 0, 1]))
def hier_logit_posterior(theta, X, group, y):
    lp = -0.5 * np.sum(theta**2)
    eta = X @ np.array([0.5, -0.2]) + theta[group]
    for e, t in zip(eta, y):
        lp += -np.log1p(np.exp(-e)) if t else -np.log1p(np.exp(e))
    return lp


@case(V(6, 2), V(2), P(6) * 3, np.array([1, 1, 0, 1, 0, 1], dtype=bool))
def cox_partial(X, beta, t, event):
    order = np.argsort(-t)
    eta = (X @ beta)[order]
    ev = event[order]
    ll = 0.0
    risk = 0.0
    for i in range(len(t)):
        risk += np.exp(eta[i])
        if not ev[i]:
            continue
        ll += eta[i] - np.log(risk)
    return -ll


@case(P(5) * 2, np.array([1, 0, 1, 1, 0]), 1.3, 0.8)
def weibull_censored(t, d, k, lam):
    def log_h(u):
        return math.log(k / lam) + (k - 1) * math.log(u / lam)

    return -sum((log_h(ti) if di == 1 else 0.0) - (ti / lam) ** k for ti, di in zip(t, d))


@case(V(4), np.array([0.1, 0.45, 0.7]), np.array([0, 0, 0, 0.5, 1.0, 1, 1]))
def spline_fit(c, x, knots):
    s = 0.0
    for xi in x:
        v = sum(c[i] * bspline(i, 2, knots, xi) for i in range(len(c)))
        s += (v - math.sin(xi)) ** 2
    return s


@case(V(5, 2), np.array([1.0, 2.0, 0.0, 3.0, 1.0]), V(2))
def poisson_irls(X, y, beta):
    for it in range(20):
        eta = X @ beta
        mu = np.exp(eta)
        W = mu
        z = eta + (y - mu) / mu
        XtW = X.T * W
        new = np.linalg.solve(XtW @ X + 0.1 * np.eye(len(beta)), XtW @ z)
        if np.linalg.norm(new - beta) < 1e-9:
            beta = new
            break
        beta = new
    return np.sum(y * (X @ beta)) - np.sum(np.exp(X @ beta))


@case(V(8), 0.4, 0.3, 0.5)
def garch(r, omega, alpha, beta):
    h = np.empty(len(r))
    h[0] = np.var(r) + 0.1
    for t in range(1, len(r)):
        h[t] = omega + alpha * r[t - 1] ** 2 + beta * h[t - 1]
    return 0.5 * np.sum(np.log(h) + r**2 / h)


@case(V(7), V(2), V(1), 0.5)
def arma_css(y, phi, theta, mu):
    n, p, q = len(y), len(phi), len(theta)
    e = np.zeros(n)
    for t in range(n):
        ar = 0.0
        for i in range(min(p, t)):
            ar += phi[i] * (y[t - i - 1] - mu)
        ma = sum(theta[j] * e[t - j - 1] for j in range(q) if t - j - 1 >= 0)
        e[t] = y[t] - mu - ar - ma
    return np.sum(e[p:] ** 2) + e @ e


@case(V(6), np.array([0.2, -0.3]))
def mh_chain(x, start):
    def logpost(th):
        return -0.5 * np.sum((x - th[0]) ** 2) * np.exp(-th[1]) - 0.5 * len(x) * th[1] - 0.5 * th @ th

    th = start
    cur = logpost(th)
    steps = [np.array([0.1, 0.0]), np.array([-0.2, 0.1]), np.array([0.0, -0.3])]
    us = [0.5, 0.9, 0.2]
    acc = 0
    chain = [th]
    for s, u in zip(steps, us):
        prop = th + s
        lp = logpost(prop)
        if math.log(u) < lp - cur:
            th, cur = prop, lp
            acc += 1
        chain.append(th)
    return sum(np.sum(c**2) for c in chain) + cur * acc


@case(V(5), V(5), 0.3)
def hmc_energy(q, p, eps):
    def U(q):
        return 0.5 * np.sum(q**2) + 0.25 * np.sum(q**4)

    def dU(q):
        return q + q**3

    q, p = q.copy(), p.copy()
    p -= 0.5 * eps * dU(q)
    for i in range(4):
        q += eps * p
        if i != 3:
            p -= eps * dU(q)
    p -= 0.5 * eps * dU(q)
    return U(q) + 0.5 * p @ p


@case(V(6), 0.5)
def kde_cv(x, h):
    n = len(x)
    s = 0.0
    for i in range(n):
        others = [x[j] for j in range(n) if j != i]
        dens = sum(np.exp(-0.5 * ((x[i] - o) / h) ** 2) for o in others) if others else 1.0
        s -= math.log(dens / (h * max(len(others), 1)) + 1e-3)
    return s


@case(V(5, 2), V(5), V(2), 0.05)
def lasso_cd(X, y, b, lam):
    n, p = X.shape
    b = b.copy()
    r = y - X @ b
    for sweep in range(3):
        for j in range(p):
            xj = X[:, j]
            rho = xj @ r / n + (xj @ xj) / n * b[j]
            if rho > lam:
                new = (rho - lam) / (xj @ xj / n)
            elif rho < -lam:
                new = (rho + lam) / (xj @ xj / n)
            else:
                new = 0.0
            r -= xj * (new - b[j])
            b[j] = new
    return 0.5 * r @ r / n + lam * np.abs(b).sum()


@case(V(3), P(3), np.array([0.3, 0.2, 0.5]))
def fk_loss(q, lengths, target):
    T = np.eye(4)
    frames = []
    for k, (th, l) in enumerate(zip(q, lengths)):
        T = T @ dh(th, 0.1 * k, l, np.pi / 2 if k % 2 == 0 else 0.0)
        frames.append(T[:3, 3])
    err = frames[-1] - target
    clearance = sum(np.maximum(0.2 - f[2], 0.0) ** 2 for f in frames)
    return err @ err + clearance


@case(V(4), V(5, 3), V(3))
def quat_integrate(q, omegas, v):
    q = q / np.linalg.norm(q)
    for w in omegas:
        ang = np.linalg.norm(w) * 0.1
        if ang < 1e-8:
            dq = np.array([1.0, 0.0, 0.0, 0.0])
        else:
            dq = np.concatenate(([np.cos(ang / 2)], np.sin(ang / 2) * w / np.linalg.norm(w)))
        q = qmul(q, dq)
        q /= np.sqrt(np.sum(q * q))
    conj = q * np.array([1, -1, -1, -1])
    r = qmul(qmul(q, np.hstack([0.0, v])), conj)[1:]
    return np.sum(r * np.array([1.0, 2.0, 3.0]))


@case(V(4, 1), np.array([0.3, 0.0, 0.0, 0.1]), 0.5)
def cartpole_rollout(u, x0, l):
    def dyn(x, u):
        p, pd, th, thd = x
        s, c = np.sin(th), np.cos(th)
        tmp = (u[0] + 0.1 * l * thd**2 * s) / 1.1
        tha = (9.8 * s - c * tmp) / (l * (4 / 3 - 0.1 * c * c / 1.1))
        pa = tmp - 0.1 * l * tha * c / 1.1
        return np.array([pd, pa, thd, tha])

    X = np.zeros((u.shape[0] + 1, 4))
    X[0] = x0
    cost = 0.0
    for t in range(u.shape[0]):
        X[t + 1] = X[t] + 0.05 * dyn(X[t], u[t])
        cost += X[t] @ np.diag([1.0, 0.1, 10.0, 0.1]) @ X[t] + 0.01 * u[t] @ u[t]
    return cost + 100 * np.sum(X[-1] ** 2)


@case(V(3), V(3))
def rodrigues(w, p):
    th = np.sqrt(w @ w)
    K = np.array([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])
    if th < 1e-6:
        R = np.eye(3) + K
    else:
        R = np.eye(3) + np.sin(th) / th * K + (1 - np.cos(th)) / th**2 * K @ K
    return np.sum((R @ p) ** 3) + np.trace(R)


@case(V(5, 5), V(2, 3, 3), V(2))
def cnn(img, filt, b):
    K, f, _ = filt.shape
    H = img.shape[0] - f + 1
    out = np.zeros((K, H, H))
    for k in range(K):
        for i in range(H):
            for j in range(H):
                out[k, i, j] = np.sum(img[i : i + f, j : j + f] * filt[k]) + b[k]
    out = np.maximum(out, 0.0)
    h2 = H // 2
    pool = np.zeros((K, h2, h2))
    for k in range(K):
        for i in range(h2):
            for j in range(h2):
                pool[k, i, j] = out[k, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max()
    return np.sum(pool**2) + np.sum(out) * 0.1


@case(V(4, 3), V(3, 2), V(3, 2), V(3, 2), True)
def attention(X, Wq, Wk, Wv, causal):
    Q, K, Vv = X @ Wq, X @ Wk, X @ Wv
    S = Q @ K.T / math.sqrt(Q.shape[-1])
    if causal:
        mask = np.triu(np.ones(S.shape, dtype=bool), 1)
        S = np.where(mask, -1e9, S)
    S = S - S.max(axis=-1, keepdims=True)
    A = np.exp(S)
    A /= A.sum(-1, keepdims=True)
    return np.sum((A @ Vv) ** 2)


@case(V(2, 3, 4), V(4, 4), V(4, 4))
def multihead(X, Wq, Wo):
    B, T, D = X.shape
    h = 2
    q = (X @ Wq).reshape(B, T, h, D // h).transpose(0, 2, 1, 3)
    s = np.einsum("bhtd,bhsd->bhts", q, q) / np.sqrt(D // h)
    p = np.exp(s - np.max(s, axis=-1, keepdims=True))
    p = p / np.sum(p, axis=-1, keepdims=True)
    o = (p @ q).transpose(0, 2, 1, 3).reshape(B, T, D) @ Wo
    return np.mean((o + X) ** 2)


@case(V(6, 3), P(3), V(3), V(3, 2))
def batchnorm_mlp(X, gamma, beta, W):
    mu = X.mean(axis=0)
    var = X.var(axis=0)
    xh = (X - mu) / np.sqrt(var + 1e-3)
    h = gamma * xh + beta
    h = np.where(h > 0, h, 0.01 * h)
    logits = h @ W
    lse = np.log(np.sum(np.exp(logits), axis=1))
    y = np.arange(len(X)) % W.shape[1]
    return np.mean(lse - logits[np.arange(len(X)), y])


@case(V(5, 3), V(3), np.array([0, 2, 2, 4]))
def embedding_bag(E, w, idx):
    g = np.zeros_like(E)
    np.add.at(g, idx, w)
    cnt = np.bincount(idx, minlength=len(E))
    for i, c in enumerate(cnt):
        if c > 1:
            g[i] /= c
    return np.sum(g * E) + np.sum(E[idx].mean(axis=0) * w)


@case(V(7, 2), V(3, 2))
def kmeans_soft(X, C):
    C = C.copy()
    for _ in range(2):
        D = np.array([[np.sum((x - c) ** 2) for c in C] for x in X])
        Wt = np.exp(-D)
        Wt /= Wt.sum(axis=1, keepdims=True)
        for k in range(len(C)):
            C[k] = Wt[:, k] @ X / Wt[:, k].sum()
    return np.min(np.sum((X[:, None] - C) ** 2, axis=2), axis=1).sum()


@case(V(5, 3), [1, 2])
def ctc(logits, labels):
    T, K = logits.shape
    lp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    ext = [0]
    for l in labels:
        ext.append(l)
        ext.append(0)
    S = len(ext)
    a = np.full((T, S), -1e30)
    a[0, 0] = lp[0, 0]
    a[0, 1] = lp[0, ext[1]]
    for t in range(1, T):
        for s in range(S):
            terms = a[t - 1, s]
            if s > 0:
                terms = np.logaddexp(terms, a[t - 1, s - 1])
            if s > 1 and ext[s] != 0 and ext[s] != ext[s - 2]:
                terms = np.logaddexp(terms, a[t - 1, s - 2])
            a[t, s] = terms + lp[t, ext[s]]
    return -np.logaddexp(a[-1, -1], a[-1, -2])


@case(V(3, 4), V(4), 0.7)
def vae_elbo(enc, x, lsig):
    mu = np.tanh(enc @ x)
    eps = np.linspace(-1, 1, mu.size)
    z = mu + np.exp(lsig) * eps
    rec = enc.T @ z
    kl = -0.5 * np.sum(1 + 2 * lsig - mu**2 - np.exp(2 * lsig))
    nll = np.sum(np.logaddexp(0, rec) - rec * (x > 0))
    return nll + kl


@case(V(5), V(5), 0.5)
def contrastive(a, b, margin):
    loss = 0.0
    n = len(a)
    for i, j in itertools.combinations(range(n), 2):
        d = abs(a[i] - b[j])
        loss += d**2 if (i + j) % 2 == 0 else max(0.0, margin - d) ** 2
    return loss / max(n, 1) + a[0] * margin


@case(V(10), V(3), V(2))
def iir_filter(x, b, a):
    y = np.zeros(len(x))
    for n in range(len(x)):
        acc = 0.0
        for k in range(len(b)):
            if n - k >= 0:
                acc += b[k] * x[n - k]
        for k in range(len(a)):
            if n - k - 1 >= 0:
                acc -= 0.3 * a[k] * y[n - k - 1]
        y[n] = acc
    return np.sqrt(np.mean(y**2) + 1e-3)


@case(V(8), 2.0)
def goertzel(x, k):
    w = 2 * math.pi * k / len(x)
    c = 2 * math.cos(w)
    s1 = s2 = 0.0
    for v in x:
        s1, s2 = v + c * s1 - s2, s1
    return s1 * s1 + s2 * s2 - c * s1 * s2


@case(V(8))
def haar_wavelet(x):
    c = x.copy()
    n = len(c)
    while n > 1:
        half = n // 2
        avg = (c[:n:2] + c[1:n:2]) / np.sqrt(2)
        dif = (c[:n:2] - c[1:n:2]) / np.sqrt(2)
        c[:half] = avg
        c[half:n] = np.sign(dif) * np.maximum(np.abs(dif) - 0.1, 0)
        n = half
    return np.sum(np.abs(c)) + c[0] ** 2


@case(V(8))
def recursive_fft(x):
    re, im = fft_rec(x, np.zeros_like(x))
    p = re**2 + im**2
    return np.sum(p * np.arange(len(x))) + np.log(p.sum())


@case(V(5), V(4))
def dtw(a, b):
    n, m = len(a), len(b)
    D = np.full((n + 1, m + 1), np.inf)
    D[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            cost = (a[i - 1] - b[j - 1]) ** 2
            D[i, j] = cost + min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])
    return D[n, m]


@case(V(5), V(4), 0.3)
def soft_dtw(a, b, gamma):
    n, m = len(a), len(b)
    R = np.full((n + 1, m + 1), 1e8)
    R[0, 0] = 0
    for i in range(n):
        for j in range(m):
            z = -np.array([R[i, j], R[i, j + 1], R[i + 1, j]]) / gamma
            mx = z.max()
            R[i + 1, j + 1] = (a[i] - b[j]) ** 2 - gamma * (mx + np.log(np.exp(z - mx).sum()))
    return R[-1, -1]


@case(V(6, 3), V(3, 3))
def viterbi_path(em, tr):
    T, S = em.shape
    score = np.zeros((T, S))
    back = np.zeros((T, S), dtype=int)
    score[0] = em[0]
    for t in range(1, T):
        for s in range(S):
            cand = score[t - 1] + tr[:, s]
            back[t, s] = np.argmax(cand)
            score[t, s] = cand[back[t, s]] + em[t, s]
    path = [int(np.argmax(score[-1]))]
    for t in range(T - 1, 0, -1):
        path.append(back[t, path[-1]])
    path = path[::-1]
    return score[-1].max() + sum(em[t, s] ** 2 for t, s in enumerate(path))


@case(V(9), 0.3)
def lms_adaptive(x, mu):
    L = 3
    w = np.zeros(L)
    buf = np.zeros(L)
    err = []
    for n in range(len(x)):
        buf[1:] = buf[:-1]
        buf[0] = x[n]
        d = np.sin(n) + x[n]
        e = d - w @ buf
        w += mu * e * buf
        err.append(e)
    return np.mean(np.square(err)) + np.sum(w**2)


@case(V(12), np.array([0.2, 0.5, 0.3]))
def stft_flux(x, win):
    n = len(win)
    hop = 2
    frames = [x[i : i + n] * win for i in range(0, len(x) - n + 1, hop)]
    mags = [np.abs(np.fft.rfft(f)) for f in frames]
    flux = 0.0
    for prev, cur in zip(mags[:-1], mags[1:]):
        d = cur - prev
        flux += np.sum(d[d > 0] ** 2)
    return flux + np.sum(mags[0])


@case(V(6, 6), 0.6)
def bilateral(img, s):
    H, W = img.shape
    out = np.zeros_like(img)
    for y in range(H):
        for x in range(W):
            y0, y1 = max(0, y - 1), min(H, y + 2)
            x0, x1 = max(0, x - 1), min(W, x + 2)
            patch = img[y0:y1, x0:x1]
            w = np.exp(-((patch - img[y, x]) ** 2) / (2 * s * s))
            out[y, x] = (w * patch).sum() / w.sum()
    return np.sum((out - img) ** 2) + out.std()


@case(P(4, 4) + 0.0)
def floyd_warshall(W):
    n = len(W)
    D = W.copy()
    np.fill_diagonal(D, 0.0)
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if D[i, k] + D[k, j] < D[i, j]:
                    D[i, j] = D[i, k] + D[k, j]
    return np.sum(D**2)


@case(P(4, 4))
def floyd_vector(W):
    D = W.copy()
    for k in range(D.shape[0]):
        D = np.minimum(D, D[:, k][:, None] + D[k, :][None, :])
    return np.sum(D**2)


@case(P(4, 4), 0.85)
def pagerank(A, d):
    n = len(A)
    M = A / A.sum(axis=0)
    r = np.ones(n) / n
    for it in range(100):
        new = d * M @ r + (1 - d) / n
        if np.abs(new - r).sum() < 1e-12:
            return new @ np.arange(1, n + 1)
        r = new
    return r @ np.arange(1, n + 1)


@case(P(4), P(5, 5))
def laplacian_diffusion(x, A):
    n = len(x)
    A = A[:n, :n]
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i != j:
                L[i, j] -= A[i, j]
                L[i, i] += A[i, j]
    y = x
    for _ in range(3):
        y = y - 0.1 * L @ y
    return y.var() + np.max(y)


@case(V(3), V(6))
def soft_tree(x, w):
    return np.sum(tree_eval(0, x, w) ** 2)


@case(V(3, 3))
def h1(A):
    B = A.copy()
    B[0], B[1] = B[1], B[0]
    B[2], B[0] = B[0].copy(), B[2].copy()
    return np.sum(B * A)


@case(V(3, 3), V(3))
def h2(A, x):
    B = A * 2
    B[[0, 1]] = B[[1, 0]]
    B[:, [2, 0]] = B[:, [0, 1]] * x[:2]
    for row in B:
        row *= x
    for row in B:
        row = row * 2
        row[0] = 1.0
    return np.sum(B * A)


@case(V(4), V(4))
def h3(x, y):
    a = b = np.zeros(4)
    a += x
    b *= y
    c = [a] * 3
    c[0] += 1.0
    c[1] = c[1] * x
    d = c.copy()
    d[0] = y
    d[2] *= x
    return np.sum(a * b * c[2]) + np.sum(d[0] * c[0] * c[1])


@case(V(4), V(4))
def h4(x, y):
    rows = [x * 1.0, y * 2.0]
    M = np.array(rows)
    N = np.stack(rows)
    rows[0] *= y
    M[1] *= rows[0]
    N[0] += M[1]
    z = np.asarray(rows[1])
    z += 1.0
    return np.sum(M * N) + np.sum(rows[0] * rows[1])


@case(V(3, 4), V(4))
def h7(A, x):
    B = A.copy()
    B.T[1] = x[:3] * 2
    B[::2, ::-1] += x
    B[1, ::-1] = B[1]
    B[:, -1] = B[:, 0] * B[:, 1]
    w = B[1:, 1:]
    w[0] *= w[1]
    u = w.T
    u[0] = 5.0 * x[0]
    return np.sum(B**2)


@case(V(3, 4), V(4))
def h8(A, x):
    B = np.zeros((3, 4))
    np.add(A, x, out=B)
    B[B > 0.5] *= 2.0
    B[B < -0.5] = x[0]
    np.copyto(B[0], x)
    B[1].fill(x[2])
    C = B.swapaxes(0, 1)
    C[2] += A[:, 0]
    np.multiply(B[2], x, out=B[2])
    return np.sum(B * A)


@case(V(6), V(6))
def h9(x, y):
    u, v = x.copy(), np.zeros(6)
    for n in range(5):
        v[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        v[0], v[-1] = u[1], u[-2] * y[n]
        if n % 2:
            u, v = v, u
        else:
            u = v.copy()
    return np.sum(u * y) + np.sum(v)


@case(V(4), V(4))
def h10(x, y):
    def head(a, n):
        return a[:n]

    def scale(a, s):
        a *= s
        return a

    z = x * y
    w = head(z, 2)
    w2 = scale(w, y[3])
    w2[0] += 1.0
    t = scale(head(z, 3), 2.0) if x[0] > -10 else z
    t[-1] = 0.5
    return np.sum(z * x) + np.sum(w) * np.sum(w2)


@case(V(4), V(4))
def h11(x, y):
    hist = []
    state = x.copy()
    for i in range(4):
        hist.append(state)
        state = state * y
        if i == 2:
            hist[0] += state
        hist.append(state.copy())
        state += 0.1
    return sum(np.sum(h * (i + 1)) for i, h in enumerate(hist))


@case(V(5), 3)
def h13(x, n):
    tape = np.zeros((n, 5))
    cur = x
    for i in range(n):
        tape[i] = cur
        cur = tape[i]
        cur[i] *= 2.0
        cur = np.sin(cur) + tape[0]
    return np.sum(tape * tape) + np.sum(cur)


@case(V(5), V(2))
def h14(x, p):
    y = x.copy()
    i = 0
    while i < 4:
        lo = y[i : i + 2]
        if lo[0] > lo[1]:
            lo[0], lo[1] = lo[1], lo[0]
            lo[1] += p[0]
            i = max(i - 1, 0) if lo[1] < 3 else i + 1
            p = p * 0.5
        else:
            i += 1
        if np.sum(p) < 1e-3:
            break
    return np.sum(y * np.arange(5)) + np.sum(p)


@case(V(3, 3))
def h15(A):
    L = np.zeros_like(A)
    U = A.copy()
    n = len(A)
    for k in range(n):
        L[k, k] = 1.0
        for i in range(k + 1, n):
            L[i, k] = U[i, k] / U[k, k]
            U[i] -= L[i, k] * U[k]
    x = [0.0] * n
    for i in reversed(range(n)):
        x[i] = (1.0 - sum(U[i, j] * x[j] for j in range(i + 1, n))) / U[i, i]
    return sum(v * v for v in x) + np.sum(L)


@case(V(4), V(4))
def h17(x, y):
    buf = np.zeros((2, 4))
    cur = 0
    buf[0] = x
    for t in range(4):
        nxt = 1 - cur
        buf[nxt] = np.sin(buf[cur]) * y
        buf[nxt, t] += buf[cur, t - 1]
        cur = nxt
    return np.sum(buf[cur] * buf[1 - cur])


@case(V(4), V(4))
def h18(x, y):
    def outer(a):
        c = a * 2

        def inner(k):
            c[k] += a[k] * c[k - 1]
            return c

        return inner

    f = outer(x)
    g = outer(y)
    p = f(0)
    f(1)
    q = g(2)
    q *= p
    return np.sum(f(3) * g(0))


@case(V(6), V(2))
def h19(x, w):
    A = x.reshape(2, 3).copy()
    B = A
    B = B * w[:, None]
    A[:, 0] = w
    C = B.T.copy()
    C[1:] -= C[:-1]
    C[0, :] = C[-1, :]
    D = np.concatenate([A, C.T], axis=0)
    D[1:3] *= D[0]
    return np.sum(D**2)


@case(V(5), 0.3)
def h20(x, c):
    xs = list(x)
    ys = xs
    ys[0] = c * 2
    xs += [c, x[1]]
    ys[-1] *= xs[0]
    zs = xs[1:4]
    zs[0] *= 3
    ws = ys * 2
    ws[7] += zs[0]
    return sum(a * b for a, b in zip(xs, ys)) + sum(zs) + sum(w * i for i, w in enumerate(ws))


@case(V(6), V(3))
def m1(x, w):
    # overlapping in fused/compiled forms
    y = x * 1.0
    for t in range(2):
        y[1:-1] = 0.5 * (y[2:] + y[:-2]) + w[t]
        y[1:] *= y[:-1]
        y[::2] -= y[1::2]
        y[:3] = y[3:] - y[:3]
        y[1:4] = y[:3]
    return np.sum(y * x)


@case(V(4, 4), V(4))
def m2(A, w):
    B = A.copy()
    B[1:, :] -= B[:-1, :] * w
    B[:, 1:] += B[:, :-1]
    B -= B.T
    B += B.T * 0.5
    B[0] -= B[1]
    B[1] += B[:, 0]
    B[:, 1] -= B[1]
    B *= B.T
    B[:2, :2] = B[2:, 2:]
    B[1:, 1:] = B[:-1, :-1]
    return np.sum(B * A)


@case(V(5), V(5))
def m3(x, y):
    z = np.concatenate([x, y])
    a, b = z[:5], z[3:8]
    a += b
    b -= a
    a -= y
    np.subtract(a, b, out=a)
    np.multiply(b, a, out=b)
    return np.sum(z**2)


@case(V(3, 3), V(3))
def m4(A, x):
    def upd(M, r, v):
        M[r] -= v
        return M

    M = A * 1.0
    for i in range(3):
        M = upd(M, i, M[i - 1])
        M[:, i] += M[i]
        v = M[i]
        v -= M[:, 0]
        x = x + v
    return np.sum(M * A) + np.sum(x * x)


@case(V(6))
def m5(x):
    y = x * 1.0
    a = y.reshape(2, 3) if x[0] > 100 else np.outer(x[:2], x[:3])
    a[1] -= a[0]
    a[:, 1:] -= a[:, :-1]
    b = a[::-1]
    b += a
    b -= a * 0.5
    return np.sum(a * a)


@case(V(3), V(3))
def m6(q, p):
    traj = np.zeros((5, 3))
    traj[0] = q
    for i in range(4):
        traj[i + 1] = traj[i]
        traj[i + 1] += 0.1 * p
        p = p - 0.1 * traj[i + 1]
        traj[i] -= traj[i + 1]
        traj[: i + 1] += traj[1 : i + 2]
    return np.sum(traj**2)


@case(V(4), V(4))
def m7(x, y):
    st = [x * 1.0, y * 1.0]
    old = [s.copy() for s in st]
    for it in range(3):
        for k, s in enumerate(st):
            s -= 0.3 * old[k] * old[1 - k]
            old[k] += s
        st[0], st[1] = st[1], st[0]
        st[0] -= st[1]
    return sum(np.sum(s * o) for s, o in zip(st, old))


@case(V(5), V(2))
def m9(x, c):
    a, b = x.copy(), x[::-1].copy()
    n = 0
    while True:
        a, b = b, a
        a[n] -= c[n % 2] * b[n]
        if n > 2 or a[0] > 50:
            break
        b[1:] -= b[:-1]
        n += 1
    return np.sum(a * b)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_programs(case):
    check(replace(case, rtol=5e-5, atol=1e-5), levels=(0, 2))
