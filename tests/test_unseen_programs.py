"""Programs of many trades as their writers would write them: finance, physics, signals, statistics, robotics, graphs."""
# ruff: noqa: E731, E741, B007, B905, B023, E501, SIM108

from __future__ import annotations

import copy
import math
from collections import namedtuple
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.linalg import norm

from s2sad import value_and_grad
from tests.array_checks import Case, check, collector, is_floating

rng = np.random.default_rng(23)
CASES: list[Case] = []
TREES: list = []
case = collector(CASES)


def V(*shape):
    return rng.normal(size=shape)


def P(*shape):
    return rng.uniform(0.5, 1.5, size=shape)


def F(*shape):
    return rng.normal(size=shape).astype(np.float32)


def gen(*args, aux=False):
    """As `case`, for arguments that are containers."""

    def keep(fn):
        TREES.append((fn, args, aux))
        return fn

    return keep


BASIS = np.array([[1.0, 0.5, 0.25], [0.2, 1.0, 0.3], [0.1, 0.4, 1.0]])


R_GAS = 8.314


GAUSS_X, GAUSS_W = np.polynomial.legendre.leggauss(4)


Body = namedtuple("Body", ["m", "x", "v"])


@dataclass
class Market:
    spot: float
    rate: float
    vol: float
    divs: tuple = ()


@dataclass(frozen=True)
class Layer:
    W: np.ndarray
    b: np.ndarray
    act: str = "tanh"


@case(100.0, 0.25, 0.03, 1.0)
def american_binomial(S, vol, r, T):
    n = 12
    dt = T / n
    u = np.exp(vol * np.sqrt(dt))
    d = 1 / u
    p = (np.exp(r * dt) - d) / (u - d)
    disc = np.exp(-r * dt)
    prices = S * u ** (2.0 * np.arange(n + 1) - n)
    values = np.maximum(102.5 - prices, 0)
    for step in range(n - 1, -1, -1):
        values = disc * (p * values[1:] + (1 - p) * values[:-1])
        prices = S * u ** (2.0 * np.arange(step + 1) - step)
        values = np.maximum(values, 102.5 - prices)
    return values[0]


@case(np.array([0.3, 0.5, 0.2]), 2.0, 0.7)
def sir_model(y0, beta, gamma):
    def deriv(y):
        S, I, R = y
        new = beta * S * I
        return np.array([-new, new - gamma * I, gamma * I])

    history = [y0]
    y = y0
    for _ in range(8):
        y = y + 0.1 * deriv(y)
        history.append(y)
    history = np.array(history)
    peak = history[:, 1].max()
    return peak + np.sum(history[-1] ** 2)


@case(P(4), P(3), 0.6)
def seir_age_groups(s, e, c):
    contact = np.outer(np.sqrt(s[:3]), np.sqrt(s[:3])) * c
    S, E, I = s[:3].copy(), e.copy(), np.zeros(3)
    cumulative = np.zeros(3)
    for day in range(5):
        force = contact @ I / s[:3].sum()
        dS = -force * S
        dE = force * S - 0.2 * E
        dI = 0.2 * E - 0.1 * I
        S += dS
        E += dE
        I += dI
        cumulative += -dS
        if cumulative.sum() > 10:
            break
    return cumulative.sum() + I @ E


@case(V(6), 0.3, 1.5, "huber")
def robust_loss(r, delta, scale, kind):
    z = r / scale
    if kind == "huber":
        a = np.abs(z)
        rho = np.where(a <= delta, 0.5 * z**2, delta * (a - 0.5 * delta))
    elif kind == "cauchy":
        rho = np.log1p((z / delta) ** 2)
    elif kind == "l1":
        rho = np.abs(z)
    else:
        raise ValueError(f"unknown loss {kind!r}")
    return rho.sum() * scale


@case(V(6), 0.3, 1.5)
def robust_loss_default(r, delta, scale):
    total = 0
    for kind in ("huber", "cauchy", "l1"):
        total += robust_loss(r, delta, scale, kind)
    return total / 3


@case(V(3, 2), P(3))
def nbody_namedtuple(pos, mass):
    bodies = [Body(mass[i], pos[i], np.zeros(2)) for i in range(3)]
    energy = 0.0
    for i, a in enumerate(bodies):
        for b in bodies[i + 1 :]:
            r = a.x - b.x
            energy -= a.m * b.m / np.sqrt(np.dot(r, r) + 0.01)
    kick = [Body(b.m, b.x, b.v - 0.1 * b.x * b.m) for b in bodies]
    energy += sum(0.5 * b.m * (b.v @ b.v) for b in kick)
    return energy


@case(300.0, 2.5, 0.02)
def redlich_kwong(T, n, V):
    a, b = 1.5, 0.003
    P = n * R_GAS * T / (V - n * b) - a * n**2 / (math.sqrt(T) * V * (V + n * b))
    assert P > 0, f"pressure {P}"
    z = P * V / (n * R_GAS * T)
    return z


@case(P(4), P(4))
def chemical_equilibrium(k, c0):
    S = np.array([[-1, 1, 0, 0], [0, -1, 1, 0], [0, 0, -1, 1], [1, 0, 0, -1]])
    c = np.copy(c0)
    dt = 0.05
    for it in range(100):
        rates = k * c
        dc = S.T @ rates
        c = c + dt * dc
        if np.linalg.norm(dc) < 1e-1:
            break
        if it % 10 == 9:
            dt *= 0.9
    return c.dot([1, 2, 3, 4])


@case(V(8), 3)
def moving_average(x, w):
    n = x.size
    out = np.empty(n - w + 1)
    s = x[:w].sum()
    out[0] = s / w
    for i in range(w, n):
        s += x[i] - x[i - w]
        out[i - w + 1] = s / w
    return np.prod(out + 2.0)


@case(V(10), 0.3, 0.1)
def holt_winters(y, alpha, beta):
    level = y[0]
    trend = y[1] - y[0]
    season = [0.1, -0.2, 0.05]
    sse = 0
    for t in range(1, len(y)):
        forecast = level + trend + season[t % 3]
        err = y[t] - forecast
        sse += err**2
        last = level
        level = alpha * (y[t] - season[t % 3]) + (1 - alpha) * (level + trend)
        trend = beta * (level - last) + (1 - beta) * trend
        season[t % 3] = 0.1 * (y[t] - level) + 0.9 * season[t % 3]
    return sse


@case(V(7, 2), np.array([0.5, -0.2]), 0.1)
def kalman_cv(z, x0, q):
    F = np.array([[1.0, 1.0], [0.0, 1.0]])
    H = np.eye(2)
    Q = q * np.eye(2)
    R = np.diag([0.5, 0.7])
    x, Pm = x0, np.eye(2)
    loglik = 0.0
    for zk in z:
        x = F @ x
        Pm = F @ Pm @ F.T + Q
        S = H @ Pm @ H.T + R
        v = zk - H @ x
        K = Pm @ H.T @ np.linalg.inv(S)
        sign, logdet = np.linalg.slogdet(S)
        loglik += -0.5 * (v @ np.linalg.solve(S, v) + logdet + 2 * np.log(2 * np.pi))
        x = x + K @ v
        Pm = (np.eye(2) - K @ H) @ Pm
    return loglik


@case(V(3), V(3), V(3))
def ray_sphere(origin, direction, center):
    d = direction / norm(direction)
    oc = origin - center
    b = 2 * np.dot(oc, d)
    c = np.dot(oc, oc) - 25.0
    disc = b * b - 4 * c
    if disc < 0:
        return 0.0
    t0, t1 = (-b - math.sqrt(disc)) / 2, (-b + math.sqrt(disc)) / 2
    t = min(t for t in (t0, t1) if t > 0)
    hit = origin + t * d
    n = (hit - center) / 5.0
    light = np.array([1.0, 1.0, 1.0]) / np.sqrt(3)
    return max(0.1, np.dot(n, light)) + t


@case(V(4, 3), 60.0)
def camera_project(pts, fov):
    f = 1 / np.tan(np.radians(fov) / 2)
    near, far = 0.1, 100.0
    M = np.zeros((4, 4))
    M[0, 0] = f / 1.5
    M[1, 1] = f
    M[2, 2] = (far + near) / (near - far)
    M[2, 3] = 2 * far * near / (near - far)
    M[3, 2] = -1
    hom = np.hstack([pts - [0, 0, 5], np.ones((len(pts), 1))])
    clip = hom @ M.T
    ndc = clip[:, :3] / clip[:, 3:]
    screen = (ndc[:, :2] + 1) * [320, 240]
    return screen.std()


@case(np.array([40.0, 30.0, 20.0]), 0.05)
def life_annuity(q_per_mille, i):
    v = 1 / (1 + i)
    alive = 1.0
    apv = 0.0
    reserve = {}
    for year, q in enumerate(q_per_mille / 1000):
        apv += alive * v**year
        alive *= 1 - q
    insurance = 1 - (1 - v) * apv
    return insurance / apv * 1000


@case(0.3, 1.2)
def kepler_orbit(e, M):
    E = M if e < 0.8 else math.pi
    for _ in range(50):
        dE = (E - e * math.sin(E) - M) / (1 - e * math.cos(E))
        E -= dE
        if abs(dE) < 1e-12:
            break
    else:
        raise RuntimeError("no convergence")
    nu = 2 * math.atan2(math.sqrt(1 + e) * math.sin(E / 2), math.sqrt(1 - e) * math.cos(E / 2))
    r = 1 - e * math.cos(E)
    return r * math.cos(nu) + 0.5 * r * math.sin(nu)


@case(P(4), P(4))
def ray_transfer(f, L):
    x, th = 0.1, 0.01
    ray = np.array([x, th])
    for fi, li in zip(f, L):
        free = np.array([[1, li], [0, 1]])
        lens = np.array([[1, 0], [-1 / fi, 1]])
        ray = lens @ free @ ray
    return ray[0] ** 2 + ray[1]


@case(P(3) * 0.1, P(3) * 0.2, np.array([0.5, 0.3]))
def dc_power_flow(x, load, gen):
    lines = [(0, 1), (1, 2), (0, 2)]
    B = np.zeros((3, 3))
    for (i, j), xl in zip(lines, x):
        b = 1 / xl
        B[i, j] -= b
        B[j, i] -= b
        B[i, i] += b
        B[j, j] += b
    inj = -load.copy()
    inj[1:] += gen
    theta = np.zeros(3)
    theta[1:] = np.linalg.solve(B[1:, 1:], inj[1:])
    flows = np.array([(theta[i] - theta[j]) / xl for (i, j), xl in zip(lines, x)])
    return np.max(np.abs(flows)) + np.sum(flows**2)


@case(V(6), {"lr": 0.1, "momentum": 0.9, "nesterov": True})
def sgd_momentum(w, opts):
    lr, mom = opts["lr"], opts["momentum"]
    v = np.zeros_like(w)
    for epoch in range(4):
        look = w + mom * v if opts.get("nesterov", False) else w
        g = 2 * look + np.cos(look)
        v = mom * v - lr * g
        w = w + v
    return np.sum(w**2) + np.sum(np.sin(w))


@case(V(5))
def adam_steps(w):
    m = v = 0
    for t in range(1, 5):
        g = 4 * w**3 - 2 * w
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        mhat = m / (1 - 0.9**t)
        vhat = v / (1 - 0.999**t)
        w = w - 0.1 * mhat / (np.sqrt(vhat) + 1e-8)
    return np.linalg.norm(w)


@case(V(4, 3), V(3, 5), V(5), V(5, 2))
def mlp_dataclass(X, W1, b1, W2):
    layers = [Layer(W1, b1), Layer(W=W2, b=np.zeros(2), act="none")]
    h = X
    for layer in layers:
        h = h @ layer.W + layer.b
        if layer.act == "tanh":
            h = np.tanh(h)
    z = h - h.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    y = np.array([0, 1, 1, 0])
    return -np.log(p[np.arange(4), y]).mean()


@case(100.0, 0.02, 0.2)
def market_dataclass(s, r, v):
    mkt = Market(s, r, v, divs=((0.3, 1.0), (0.6, 1.5)))

    def forward(m, T):
        pv = sum(d * math.exp(-m.rate * t) for t, d in m.divs if t < T)
        return (m.spot - pv) * math.exp(m.rate * T)

    def straddle(m, K, T):
        F = forward(m, T)
        sd = m.vol * T**0.5
        d1 = math.log(F / K) / sd + sd / 2
        N = lambda x: 0.5 * math.erfc(-x / math.sqrt(2))
        return math.exp(-m.rate * T) * (F * (2 * N(d1) - 1) - K * (2 * N(d1 - sd) - 1))

    bumped = replace(mkt, vol=mkt.vol + 0.01)
    return straddle(bumped, 95.0, 1.0) - straddle(mkt, 95.0, 0.5)


@case(V(12), 0.5)
def butterworth_biquad(x, cutoff):
    w0 = 2 * math.pi * cutoff / 5
    alpha = math.sin(w0) / (2 * 0.707)
    b = np.array([(1 - math.cos(w0)) / 2, 1 - math.cos(w0), (1 - math.cos(w0)) / 2])
    a = np.array([1 + alpha, -2 * math.cos(w0), 1 - alpha])
    b, a = b / a[0], a / a[0]
    y = np.zeros_like(x)
    for n in range(len(x)):
        y[n] = b[0] * x[n]
        if n > 0:
            y[n] += b[1] * x[n - 1] - a[1] * y[n - 1]
        if n > 1:
            y[n] += b[2] * x[n - 2] - a[2] * y[n - 2]
    return np.sum(y**2)


@case(V(9))
def autocorr_yule_walker(x):
    x = x - np.mean(x)
    n = len(x)
    r = np.array([np.dot(x[: n - k], x[k:]) / n for k in range(4)])
    R = np.array([[r[abs(i - j)] for j in range(3)] for i in range(3)])
    phi = np.linalg.solve(R, r[1:])
    sigma2 = r[0] - np.sum(phi * r[1:])
    return np.log(sigma2) + phi.sum()


@case(V(4, 4))
def gauss_legendre_patch(c):
    total = 0.0
    for xi, wi in zip(GAUSS_X, GAUSS_W):
        for xj, wj in zip(GAUSS_X, GAUSS_W):
            phi_x = np.array([1, xi, xi**2, xi**3])
            phi_y = np.array([1, xj, xj**2, xj**3])
            total += wi * wj * np.exp(0.1 * phi_x @ c @ phi_y)
    return total


@case(V(5, 5) + 3)
def dem_slope_aspect(z):
    gy, gx = np.gradient(z, 10.0)
    slope = np.arctan(np.hypot(gx, gy))
    aspect = np.arctan2(-gy, gx)
    hillshade = np.cos(np.pi / 4) * np.cos(slope) + np.sin(np.pi / 4) * np.sin(slope) * np.cos(aspect - 1.0)
    return np.mean(np.clip(hillshade, 0, 1)) + slope.max()


@case(P(4), P(4) * 2)
def layered_travel_time(v, h):
    p = 0.2
    offset, time = 0.0, 0.0
    depth = np.cumsum(h)
    for vi, hi in zip(v, h):
        s = p * vi
        if s >= 1:
            break
        c = np.sqrt(1 - s**2)
        offset += 2 * hi * s / c
        time += 2 * hi / (vi * c)
    vrms = np.sqrt(np.sum(v**2 * h) / depth[-1])
    return time + offset / vrms


TABLE = {"H": 1.008, "C": 12.011, "O": 15.999}


AXES = ("x", "y", "z")


Quote = namedtuple("Quote", "strike maturity price")


QUOTES = [Quote(90.0, 0.5, 14.0), Quote(100.0, 1.0, 10.0), Quote(110.0, 1.5, 8.5)]


EDGES = [(0, 1, 0.5), (1, 2, 1.0), (0, 2, 2.0), (2, 3, 0.7)]


def rk_step(f, t, y, h, *args, method="rk4", **kw):
    if method == "euler":
        return y + h * f(t, y, *args, **kw)
    if method == "midpoint":
        k1 = f(t, y, *args, **kw)
        return y + h * f(t + h / 2, y + h / 2 * k1, *args, **kw)
    k1 = f(t, y, *args, **kw)
    k2 = f(t + h / 2, y + h / 2 * k1, *args, **kw)
    k3 = f(t + h / 2, y + h / 2 * k2, *args, **kw)
    k4 = f(t + h, y + h * k3, *args, **kw)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def lotka(t, y, a, b, *, c=1.5, d=1.0):
    prey, pred = y
    return np.array([a * prey - b * prey * pred, d * prey * pred - c * pred])


@case(np.array([1.0, 0.7]), 0.9, 0.6)
def lotka_volterra(y0, a, b):
    t, y = 0.0, y0
    peaks = []
    for i, m in enumerate(["euler", "midpoint", "rk4", "rk4"]):
        y = rk_step(lotka, t, y, 0.1, a, b, method=m, c=1.2)
        t += 0.1
        peaks.append(y[0])
    return sum(peaks) + y.prod()


@case(V(3, 3) + 3, 0.3)
def svi_calibration(strikes, rho):
    params = {"a": 0.04, "b": 0.1, "m": 0.0, "sigma": 0.2}

    def total_variance(k, rho=rho, **p):
        return p["a"] + p["b"] * (rho * (k - p["m"]) + np.sqrt((k - p["m"]) ** 2 + p["sigma"] ** 2))

    w = total_variance(np.log(strikes), **params)
    penalty = sum(max(0.0, -v) for v in np.diff(w.ravel()))
    return np.sqrt(w).mean() + penalty


@case(0.2, 0.01)
def quote_loss(vol, r):
    err = 0
    for q in QUOTES:
        sd = vol * np.sqrt(q.maturity)
        d1 = (np.log(100 / q.strike) + r * q.maturity) / sd + 0.5 * sd
        d2 = d1 - sd
        call = 100 * 0.5 * (1 + math.erf(d1 / 2**0.5)) - q.strike * np.exp(-r * q.maturity) * 0.5 * (
            1 + math.erf(d2 / 2**0.5)
        )
        err += (call - q.price) ** 2
    return err / len(QUOTES)


@case(V(6))
def mass_spectrum(x):
    formula = {"C": 2, "H": 6, "O": 1}
    mass = sum(TABLE[el] * n for el, n in formula.items())
    peaks = [mass - i for i in range(len(x))]
    intensity = np.exp(x) / np.exp(x).sum()
    mean = sum(p * w for p, w in zip(peaks, intensity))
    return mean / mass + max(intensity)


@case(P(4))
def dijkstra_like(w):
    dist = [float("inf")] * 4
    dist[0] = 0.0
    for _ in range(3):
        for k, (i, j, base) in enumerate(EDGES):
            cost = base * w[k]
            if dist[i] + cost < dist[j]:
                dist[j] = dist[i] + cost
    return sum(dist) + dist[-1] ** 2


@case(V(6, 3))
def pca_explained(X):
    Xc = X - X.mean(axis=0)
    C = Xc.T @ Xc / (len(X) - 1)
    vals, vecs = np.linalg.eigh(C)
    order = np.argsort(vals)[::-1]
    vals = vals[order]
    vecs = vecs[:, order]
    scores = Xc @ vecs[:, :2]
    recon = scores @ vecs[:, :2].T
    return vals[:2].sum() / vals.sum() + np.sum((Xc - recon) ** 2)


@case(V(8, 3), V(8), 0.1)
def ridge_loocv(X, y, lam):
    n, p = X.shape
    A = X.T @ X + lam * np.identity(p)
    H = X @ np.linalg.solve(A, X.T)
    resid = y - H @ y
    h = np.diag(H)
    press = np.mean((resid / (1 - h)) ** 2)
    df = np.trace(H)
    gcv = n * np.sum(resid**2) / (n - df) ** 2
    return press + gcv


@case(V(9), P(9))
def weighted_median_mad(x, w):
    idx = np.argsort(x)
    cw = np.cumsum(w[idx])
    k = np.searchsorted(cw, 0.5 * cw[-1])
    med = x[idx[k]]
    mad = np.median(np.abs(x - med))
    z = (x - med) / (1.4826 * mad)
    keep = np.abs(z) < 3.5
    return np.sum(w[keep] * z[keep] ** 2) / w[keep].sum()


@case(V(10), V(10))
def savgol_baseline(y, noise):
    half = 2
    A = np.vander(np.arange(-half, half + 1), 3, increasing=True)
    coeffs = np.linalg.pinv(A)[0]
    padded = np.pad(y, half, mode="edge")
    smooth = np.convolve(padded, coeffs[::-1], mode="valid")
    resid = y - smooth + 0.1 * noise
    return (resid**2).sum() + np.abs(np.diff(smooth, n=2)).max()


@case(V(16))
def ofdm_papr(sym):
    re, im = sym[:8], sym[8:]
    X = re + 1j * im
    x = np.fft.ifft(X, 16)
    power = np.abs(x) ** 2
    return 10 * np.log10(power.max() / power.mean())


@case(V(4), V(4), 0.3)
def phased_array(amp, phase, theta):
    k = 2 * np.pi
    pos = 0.5 * np.arange(4)
    w = amp * np.exp(1j * phase)
    af = np.sum(w * np.exp(1j * k * pos * np.sin(theta)))
    side = np.array([np.abs(np.vdot(w, np.exp(1j * k * pos * np.sin(t)))) for t in np.linspace(0.5, 1.2, 4)])
    return np.abs(af) - 0.1 * side.max() + af.real


@case(V(6, 6), 2)
def sobel_edges(img, passes):
    kx = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    ky = kx.T
    gx = np.zeros((4, 4))
    gy = np.zeros_like(gx)
    for di in range(3):
        for dj in range(3):
            patch = img[di : di + 4, dj : dj + 4]
            gx += kx[di, dj] * patch
            gy += ky[di, dj] * patch
    mag = np.sqrt(gx**2 + gy**2 + 1e-6)
    for _ in range(passes):
        mag[1:-1, 1:-1] = 0.25 * (mag[:-2, 1:-1] + mag[2:, 1:-1] + mag[1:-1, :-2] + mag[1:-1, 2:])
    thr = mag.mean()
    return mag[mag > thr].sum()


@case(V(4, 3))
def dihedral_angle(xyz):
    b1, b2, b3 = np.diff(xyz, axis=0)
    n1 = np.cross(b1, b2)
    n2 = np.cross(b2, b3)
    m1 = np.cross(n1, b2 / np.linalg.norm(b2))
    x = n1.dot(n2)
    y = m1.dot(n2)
    phi = -np.arctan2(y, x)
    energy = 0.0
    for n, (v, gamma) in enumerate([(1.0, 0.0), (0.5, math.pi), (0.2, 0.1)], 1):
        energy += v * (1 + math.cos(n * phi - gamma))
    return energy


@case(V(5, 3) * 2, P(5))
def coulomb_cutoff(xyz, q):
    n = len(q)
    i, j = np.triu_indices(n, k=1)
    rij = xyz[i] - xyz[j]
    box = 6.0
    rij -= box * np.round(rij / box)
    r = np.sqrt((rij**2).sum(axis=1))
    mask = r < 3.0
    u = np.where(mask, q[i] * q[j] * (1 / r - 1 / 3.0 + (r - 3.0) / 9.0), 0.0)
    forces = np.zeros_like(xyz)
    fij = (u / r)[:, None] * rij
    np.add.at(forces, i, fij)
    np.subtract.at(forces, j, fij)
    return u.sum() + np.abs(forces).max()


@case(V(4, 4), P(4))
def hartree_fock_like(h, occ):
    H = 0.5 * (h + h.T)
    D = np.zeros((4, 4))
    E_old = None
    for cycle in range(6):
        F = H + 0.1 * (np.trace(D) * np.eye(4) - 0.5 * D)
        eps, C = np.linalg.eigh(F)
        Cocc = C[:, :2]
        D = 2 * np.einsum("pi,qi->pq", Cocc, Cocc)
        E = np.einsum("pq,pq->", D, H + F) / 2
        if E_old is not None and abs(E - E_old) < 1e-12:
            break
        E_old = E
    return E + occ @ eps


@case(V(3), V(3), P(3))
def quaternion_slerp(a, b, w):
    qa = np.append(a, 1.0)
    qb = np.append(b, 0.5)
    qa /= np.linalg.norm(qa)
    qb /= np.linalg.norm(qb)
    dot = qa @ qb
    if dot < 0:
        qb = -qb
        dot = -dot
    path = []
    for t in w / w.sum():
        if dot > 0.9995:
            q = qa + t * (qb - qa)
        else:
            th = np.arccos(np.clip(dot, -1, 1))
            q = (np.sin((1 - t) * th) * qa + np.sin(t * th) * qb) / np.sin(th)
        path.append(q)
    path = np.stack(path)
    return np.sum(path[1:] * path[:-1]) + path[0, 3]


@case(V(3), P(3))
def jacobian_ik_step(q, l):
    target = np.array([1.0, 1.5])
    for it in range(3):
        ang = np.cumsum(q)
        xs = l * np.cos(ang)
        ys = l * np.sin(ang)
        p = np.array([xs.sum(), ys.sum()])
        J = np.zeros((2, 3))
        for k in range(3):
            J[0, k] = -ys[k:].sum()
            J[1, k] = xs[k:].sum()
        e = target - p
        dq = J.T @ np.linalg.inv(J @ J.T + 0.1 * np.eye(2)) @ e
        q = q + dq
    return e @ e


@case(V(7, 2), 0.7)
def polyline_resample(pts, step):
    seg = np.linalg.norm(np.diff(pts, axis=0), axis=1)
    s = np.concatenate([[0.0], np.cumsum(seg)])
    u = np.arange(0.0, 4.0, 0.5) * step
    x = np.interp(u, s, pts[:, 0])
    y = np.interp(u, s, pts[:, 1])
    area = 0.5 * np.abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
    return area + s[-1]


@case(np.array([[2.0, 1.0], [1.0, 3.0]]), V(2), V(5, 2))
def mvn_logpdf(S, mu, X):
    L = np.linalg.cholesky(0.5 * (S + S.T))
    z = np.linalg.solve(L, (X - mu).T)
    maha = np.sum(z**2, axis=0)
    logdet = 2 * np.sum(np.log(np.diag(L)))
    return -0.5 * (maha + logdet + len(mu) * np.log(2 * np.pi)).sum()


@case(V(6), P(6))
def isotonic_pava(y, w):
    vals, wts, sizes = [], [], []
    for yi, wi in zip(y, w):
        vals.append(yi)
        wts.append(wi)
        sizes.append(1)
    out = np.zeros(6)
    for i in range(6):
        lo = -1e9
        for a in range(i + 1):
            m = min(np.sum(w[a : b + 1] * y[a : b + 1]) / np.sum(w[a : b + 1]) for b in range(i, 6))
            lo = max(lo, m)
        out[i] = lo
    return np.sum(w * (y - out) ** 2) + sum(vals) * sum(sizes)


@case(P(5), 1.2, 0.8)
def mm1_queue_sim(inter, s, rho):
    arrival = np.cumsum(inter)
    finish = 0.0
    waits = []
    for a in arrival:
        start = max(a, finish)
        service = s * (1 + rho * np.sin(a))
        finish = start + service
        waits.append(finish - a)
    avg = sum(waits) / len(waits)
    p95 = sorted(waits)[int(0.95 * len(waits))]
    return avg + p95


@case(V(4, 4))
def elo_ratings(margin):
    ratings = np.full(4, 1500.0)
    K = 32
    for i in range(4):
        for j in range(4):
            if i == j:
                continue
            expected = 1 / (1 + 10 ** ((ratings[j] - ratings[i]) / 400))
            score = 1 / (1 + math.exp(-margin[i, j]))
            change = K * (score - expected)
            ratings[i] += change
            ratings[j] -= change
    return ratings.std()


@case(P(6), 0.1)
def groundwater_1d(K, recharge):
    n = len(K)
    h = np.full(n, 10.0)
    Kf = 2 * K[:-1] * K[1:] / (K[:-1] + K[1:])
    A = np.zeros((n, n))
    idx = np.arange(n - 1)
    A[idx, idx + 1] = Kf
    A[idx + 1, idx] = Kf
    A -= np.diag(A.sum(axis=1))
    A[0, :] = 0
    A[0, 0] = 1
    rhs = -recharge * np.ones(n)
    rhs[0] = h[0]
    head = np.linalg.solve(A, rhs)
    return head.max() - head.mean()


RAINFALL = np.array([0.0, 5.0, 12.0, 3.0, 0.0, 8.0])


GAMMA = 1.4


def newton(f, fp, x0, tol=1e-12, maxiter=50, *, verbose=False):
    x = x0
    for k in range(maxiter):
        fx = f(x)
        if verbose:
            print(f"iter {k}: x={x:.6f} f={fx:.3e}")
        if abs(fx) < tol:
            return x, k
        x = x - fx / fp(x)
    return x, maxiter


def minmod(a, b):
    return np.where(a * b > 0, np.where(np.abs(a) < np.abs(b), a, b), 0.0)


@case(0.4, 2.0)
def colebrook(eps, Re):
    re = Re * 1e4
    rel = eps * 1e-2

    def f(x):
        return x + 2 * math.log10(rel / 3.7 + 2.51 * x / re)

    def fp(x):
        return 1 + 2 / math.log(10) * (2.51 / re) / (rel / 3.7 + 2.51 * x / re)

    x, its = newton(f, fp, 6.0)
    assert its < 50, "did not converge"
    return 1 / x**2


@case(P(12))
def muscl_advection(u):
    u = u.copy()
    dx, dt = 0.1, 0.04
    for _ in range(3):
        du_l = u - np.roll(u, 1)
        du_r = np.roll(u, -1) - u
        slope = minmod(du_l, du_r)
        uL = u + 0.5 * slope
        uR = np.roll(u - 0.5 * slope, -1)
        F = 0.5 * (uL**2 + uR**2) / 2 - 0.5 * np.maximum(np.abs(uL), np.abs(uR)) * (uR - uL)
        u -= dt / dx * (F - np.roll(F, 1))
    return np.sum(u**2) + np.max(u)


@case(P(3, 8))
def euler_lax_friedrichs(U):
    rho, mom, E = U
    for n in range(2):
        p = (GAMMA - 1) * (E - 0.5 * mom**2 / rho)
        v = mom / rho
        F = np.array([mom, mom * v + p, v * (E + p)])
        Un = np.array([rho, mom, E])
        new = Un.copy()
        new[:, 1:-1] = 0.5 * (Un[:, 2:] + Un[:, :-2]) - 0.1 * (F[:, 2:] - F[:, :-2])
        rho, mom, E = new
    return (rho * E).sum() + mom[3]


@case(P(6), 0.31)
def unit_hydrograph(params, loss):
    excess = np.maximum(RAINFALL - loss * 10, 0)
    uh = params / params.sum()
    q = np.zeros(len(excess) + len(uh) - 1)
    for i, e in enumerate(excess):
        if e == 0:
            continue
        q[i : i + len(uh)] += e * uh
    peak_time = np.argmax(q)
    return q.max() * (1 + 0.1 * peak_time) + (q**2).sum() ** 0.5


@case(V(8, 2), V(2), 0.4)
def logistic_newton(X, b, c):
    y = (X[:, 0] > 0.1).astype(float)
    for _ in range(3):
        eta = X @ b + c
        mu = 1 / (1 + np.exp(-eta))
        W = mu * (1 - mu)
        H = (X * W[:, None]).T @ X + 0.1 * np.eye(2)
        b = b + np.linalg.solve(H, X.T @ (y - mu) - 0.1 * b)
    eta = X @ b + c
    ll = np.sum(y * eta - np.logaddexp(0, eta))
    return -2 * ll + 2 * b.size


@case(V(10))
def cusum_changepoint(x):
    n = len(x)
    best_stat, best_k = -np.inf, None
    for k in range(2, n - 1):
        left, right = x[:k], x[k:]
        stat = abs(left.mean() - right.mean()) * math.sqrt(k * (n - k) / n)
        if stat > best_stat:
            best_stat, best_k = stat, k
    return best_stat**2 + x[best_k]


@case(V(6), V(6))
def cross_entropy_curve(scores, shift):
    labels = np.array([1, 0, 1, 1, 0, 0], dtype=bool)
    s = scores + 0.1 * shift
    pos, neg = s[labels], s[~labels]
    pairs = np.subtract.outer(pos, neg)
    soft_auc = np.mean(1 / (1 + np.exp(-pairs)))
    order = np.argsort(-s)
    tp = np.cumsum(labels[order])
    prec = tp / np.arange(1, len(s) + 1)
    ap = np.sum(prec * labels[order]) / labels.sum()
    return soft_auc * ap


@case(V(5, 4), V(4, 3), V(4, 3))
def lstm_like_cell(X, Wg, Wc):
    h = np.zeros(3)
    c = np.zeros(3)
    states = np.empty((len(X), 3))
    sigmoid = lambda z: 1.0 / (1.0 + np.exp(-z))
    for t in range(X.shape[0]):
        gate = sigmoid(X[t] @ Wg + h)
        cand = np.tanh(np.dot(X[t], Wc) - h)
        c = gate * c + (1 - gate) * cand
        h = gate * np.tanh(c)
        states[t, :] = h
    return states.sum(axis=0).max() + states[-1].mean()


@case(V(2, 6, 6), V(3, 2, 3, 3), V(3))
def conv_im2col(x, w, b):
    C, H, W = x.shape
    K, _, kh, kw = w.shape
    oh, ow = (H - kh) // 2 + 1, (W - kw) // 2 + 1
    cols = np.zeros((C * kh * kw, oh * ow))
    for i in range(oh):
        for j in range(ow):
            cols[:, i * ow + j] = x[:, 2 * i : 2 * i + kh, 2 * j : 2 * j + kw].ravel()
    out = w.reshape(K, -1) @ cols + b[:, None]
    out = out.reshape(K, oh, ow)
    relu = out * (out > 0)
    pooled = relu.mean(axis=(1, 2))
    return np.log(np.sum(np.exp(pooled)))


@case(V(4, 6), P(6), V(6))
def layernorm_residual(x, g, b):
    def ln(x, eps=1e-5):
        mu = x.mean(-1, keepdims=True)
        var = x.var(-1, keepdims=True)
        return (x - mu) / np.sqrt(var + eps) * g + b

    h = x
    for scale in (1.0, 0.5):
        h = h + scale * np.maximum(ln(h), 0.01 * ln(h))
    gelu = 0.5 * h * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))
    return np.mean(gelu**2)


@case(V(4), np.array([0, 2, 3, 3]), P(4, 3))
def policy_gradient_returns(theta, actions, R):
    T = len(actions)
    rewards = R[np.arange(T), np.minimum(actions, 2)]
    returns = np.zeros(T)
    running = 0
    for t in reversed(range(T)):
        running = rewards[t] + 0.95 * running
        returns[t] = running
    adv = (returns - returns.mean()) / (returns.std() + 1e-8)
    logits = theta - np.log(np.sum(np.exp(theta)))
    return -(logits[actions] * adv).sum()


@case(P(3, 3), P(3, 2))
def value_iteration(Pm, R):
    T = Pm / Pm.sum(axis=1, keepdims=True)
    Vv = np.zeros(3)
    for it in range(1000):
        Q = R + 0.8 * np.stack([T @ Vv, T.T @ Vv], axis=1)
        Vnew = Q.max(axis=1)
        delta = np.max(np.abs(Vnew - Vv))
        Vv = Vnew
        if delta < 1e-2:
            break
    policy = Q.argmax(axis=1)
    return Vv.sum() + Q[np.arange(3), policy].prod()


@case(V(3, 3), V(3, 2), P(3))
def lqr_riccati(A, B, q):
    Q = np.diag(q)
    Rm = np.eye(2)
    S = Q
    gains = []
    for k in range(4):
        K = np.linalg.inv(Rm + B.T @ S @ B) @ (B.T @ S @ A)
        S = Q + A.T @ S @ (A - B @ K)
        gains.append(K)
    x = np.ones((3, 1))
    J = 0.0
    for K in gains[::-1]:
        u = -K @ x
        J += (x.T @ Q @ x + u.T @ u).item()
        x = A @ x + B @ u
    return J + (x.T @ Q @ x).item()


@case(V(5), P(3))
def transfer_function_bode(freq, coef):
    w = np.exp(freq)
    s = 1j * w
    num = coef[0] * s + 1
    den = s**2 + 2 * coef[1] * coef[2] * s + coef[2] ** 2
    H = num / den
    mag_db = 20 * np.log10(np.abs(H))
    phase = np.unwrap(np.angle(H))
    return np.sum(mag_db) + np.ptp(phase)


@case(np.array([3.0, 1.0]), P(4), 0.5)
def asteroid_mag_fit(H_G, phase, w):
    H, G = H_G

    def phi(i, a):
        A = (3.33, 1.87)[i]
        B = (0.63, 1.22)[i]
        return np.exp(-A * np.tan(a / 2) ** B)

    red = H - 2.5 * np.log10((1 - G) * phi(0, phase) + G * phi(1, phase) + 5)
    obs = np.linspace(3, 4, phase.size)
    return w * np.sum((red - obs) ** 2)


@case(10.0, 41.0, 60.0)
def solar_position(doy, lat, lon):
    decl = math.radians(23.45) * math.sin(2 * math.pi * (284 + doy) / 365)
    latr = math.radians(lat)
    B = math.radians(360 * (doy - 81) / 364)
    eot = 9.87 * math.sin(2 * B) - 7.53 * math.cos(B) - 1.5 * math.sin(B)
    total = 0.0
    for hour in np.arange(8, 17, 2):
        solar_time = hour + (4 * (lon - 60) + eot) / 60
        ha = math.radians(15 * (solar_time - 12))
        elev = math.asin(math.sin(latr) * math.sin(decl) + math.cos(latr) * math.cos(decl) * math.cos(ha))
        if elev <= 0:
            continue
        airmass = 1 / (math.sin(elev) + 0.50572 * (math.degrees(elev) + 6.07995) ** -1.6364)
        total += 1353 * 0.7 ** (airmass**0.678) * math.sin(elev)
    return total / 1000


@case(P(5, 5), 3)
def game_of_heat_masks(u, steps):
    mask = np.zeros(u.shape, dtype=bool)
    mask[1:-1, 1:-1] = True
    mask[2, 2] = False
    for _ in range(steps):
        lap = (
            np.roll(u, 1, axis=0)
            + np.roll(u, -1, axis=0)
            + np.roll(u, 1, axis=1)
            + np.roll(u, -1, axis=1)
            - 4 * u
        )
        u[mask] += 0.2 * lap[mask]
        u[~mask] *= 0.99
    return (u * np.arange(25).reshape(5, 5)).sum()


@case(P(7), P(7))
def epi_renewal(R, w):
    w = w / np.sum(w)
    infections = [1.0]
    for t in range(1, 8):
        lam = 0
        for s in range(1, min(t, len(w)) + 1):
            lam += infections[t - s] * w[s - 1]
        infections.append(R[t - 1] * lam)
    inf = np.asarray(infections)
    deaths = np.convolve(inf, [0.1, 0.5, 0.4])[: len(inf)] * 0.01
    return -np.sum(RAINFALL * np.log(deaths[:6] + 0.01) - deaths[:6])


@case(P(5), 0.3, 0.02)
def chain_ladder(dev, infl, tail):
    triangle = np.array([[100.0, 150, 170, 180], [110, 168, 190, 0], [120, 175, 0, 0], [130, 0, 0, 0]])
    n = 4
    f = np.ones(n)
    for j in range(n - 1):
        rows = n - j - 1
        f[j] = triangle[:rows, j + 1].sum() / triangle[:rows, j].sum() * dev[j] ** infl
    f[-1] = 1 + tail
    ultimate = 0
    for i in range(n):
        latest = triangle[i, n - 1 - i]
        ultimate += latest * np.prod(f[n - 1 - i :])
    return ultimate / 1000


@case(P(4), V(4))
def copula_gaussian(marg, z):
    C = np.full((4, 4), 0.4)
    np.fill_diagonal(C, 1.0)
    L = np.linalg.cholesky(C)
    x = L @ z
    u = np.array([0.5 * math.erfc(-xi / math.sqrt(2)) for xi in x])
    times = -np.log(1 - u) / marg
    default = times.min()
    loss = 0.0
    for i, t in enumerate(np.sort(times)):
        if t > 3:
            break
        loss += (0.6 - 0.1 * i) * np.exp(-0.02 * t)
    return loss + default


@case(V(6), 0.2, 0.05)
def heston_euler(z, v0, kappa):
    s, v = 1.0, v0
    z1 = z[::2]
    z2 = -0.7 * z1 + math.sqrt(1 - 0.49) * z[1::2]
    for a, b in zip(z1, z2):
        vp = max(v, 0.0)
        s *= math.exp(-0.5 * vp * 0.1 + math.sqrt(vp * 0.1) * a)
        v += kappa * (0.04 - vp) * 0.1 + 0.3 * math.sqrt(vp * 0.1) * b
    payoff = s - 1 if s > 1 else 0.1 * (1 - s)
    return payoff


@case(P(5), P(5))
def yield_curve_forward(t, y):
    t = np.cumsum(t)
    df = np.exp(-y * 0.05 * t)

    def disc(x):
        i = np.searchsorted(t, x)
        if i == 0:
            return df[0] ** (x / t[0])
        if i >= len(t):
            return df[-1] ** (x / t[-1])
        w = (x - t[i - 1]) / (t[i] - t[i - 1])
        return np.exp((1 - w) * np.log(df[i - 1]) + w * np.log(df[i]))

    dates = [0.3, 1.3, 2.3, 3.3, 9.0]
    fwd = [(disc(a) / disc(b) - 1) / (b - a) for a, b in zip(dates, dates[1:])]
    annuity = sum((b - a) * disc(b) for a, b in zip(dates, dates[1:]))
    return (disc(dates[0]) - disc(dates[-1])) / annuity + max(fwd)


@case(V(4), V(3), 0.2)
def bezier_catmull(px, q, t):
    def de_casteljau(pts, t):
        pts = list(pts)
        while len(pts) > 1:
            pts = [(1 - t) * a + t * b for a, b in zip(pts, pts[1:])]
        return pts[0]

    val = de_casteljau(px, t)
    deriv = de_casteljau(3 * np.diff(px), t)
    return val**2 + deriv * np.polyval(q, t)


@case(V(5, 5), V(5))
def gmres_like(A, b):
    A = A + 5 * np.eye(5)
    m = 3
    Q = np.zeros((5, m + 1))
    H = np.zeros((m + 1, m))
    beta = np.linalg.norm(b)
    Q[:, 0] = b / beta
    for k in range(m):
        v = A @ Q[:, k]
        for j in range(k + 1):
            H[j, k] = Q[:, j] @ v
            v -= H[j, k] * Q[:, j]
        H[k + 1, k] = np.linalg.norm(v)
        Q[:, k + 1] = v / H[k + 1, k]
    e1 = np.zeros(m + 1)
    e1[0] = beta
    y = np.linalg.lstsq(H, e1, rcond=None)[0]
    x = Q[:, :m] @ y
    return np.sum(x**2)


@case(V(4, 4), V(4))
def conjugate_gradient(M, b):
    A = M @ M.T + np.eye(4)
    x = np.zeros_like(b)
    r = b - A @ x
    p = r.copy()
    rs = r @ r
    k = 0
    while rs > 1e-3 and k < 4:
        Ap = A @ p
        alpha = rs / (p @ Ap)
        x += alpha * p
        r -= alpha * Ap
        rs_new = r @ r
        p = r + (rs_new / rs) * p
        rs = rs_new
        k += 1
    return x @ x


Params = namedtuple("Params", ["W", "b", "scale"])


@gen({"W1": V(3, 4), "b1": V(4), "W2": V(4, 2), "b2": V(2)}, V(5, 3), np.array([0, 1, 1, 0, 1]))
def mlp_dict(params, X, y):
    h = np.maximum(X @ params["W1"] + params["b1"], 0)
    logits = h @ params["W2"] + params["b2"]
    logits -= logits.max(axis=1, keepdims=True)
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    reg = sum(np.sum(v**2) for k, v in params.items() if k.startswith("W"))
    return -logp[np.arange(len(y)), y].mean() + 1e-2 * reg


@gen(
    {"layers": [{"W": V(3, 4), "b": V(4)}, {"W": V(4, 1), "b": V(1)}], "alpha": 0.3}, V(5, 3), True, aux=True
)
def nested_pytree(model, X, final):
    h = X
    n = len(model["layers"])
    for i, layer in enumerate(model["layers"]):
        h = h @ layer["W"] + layer["b"]
        if i < n - 1:
            h = np.where(h > 0, h, model["alpha"] * (np.exp(h) - 1))
    out = h.squeeze(-1)
    if final:
        out = np.tanh(out)
    return np.mean(out**2), {"pred": out, "norm": np.linalg.norm(h)}


@gen([[1.0, 2.0, 0.5], [0.3, 0.7, 1.1], [2.0, 0.1, 0.9]], [1.0, -1.0, 0.5])
def gauss_elim_lists(A, b):
    n = len(A)
    M = [row[:] + [bi] for row, bi in zip(A, b)]
    for i in range(n):
        piv = M[i][i]
        for j in range(i, n + 1):
            M[i][j] = M[i][j] / piv
        for k in range(n):
            if k != i:
                f = M[k][i]
                for j in range(i, n + 1):
                    M[k][j] -= f * M[i][j]
    x = [M[i][n] for i in range(n)]
    return sum(v * v for v in x)


@gen(Params(V(3, 3), V(3), 0.5), V(3))
def namedtuple_params(p, x):
    for _ in range(3):
        x = np.tanh(p.W @ x + p.b) * p.scale
    return x.sum() + p.scale**2


@gen(V(6), 0.3, aux=True)
def aux_tuple(x, lam):
    resid = np.diff(x)
    loss = np.sum(resid**2) + lam * np.abs(x).sum()
    return loss, (resid, {"n": len(x), "max": resid.max()})


@gen(V(5), 3, [1, 0, 2, 1, 0])
def int_arguments(x, k, labels):
    sums = np.zeros(k)
    counts = np.zeros(k, dtype=int)
    for v, lab in zip(x, labels):
        sums[lab] += v
        counts[lab] += 1
    means = sums / np.maximum(counts, 1)
    return sum((v - means[lab]) ** 2 for v, lab in zip(x, labels)) + means[k - 1]


@gen({"mu": 0.1, "sigma": 0.3, "w": np.array([0.2, 0.8])}, V(7))
def dict_mixture(theta, data):
    ll = 0.0
    for x in data:
        comp = [
            np.log(w) - 0.5 * ((x - m) / theta["sigma"]) ** 2 - np.log(theta["sigma"])
            for w, m in zip(theta["w"], (theta["mu"], -theta["mu"]))
        ]
        top = max(comp)
        ll += top + math.log(sum(math.exp(c - top) for c in comp))
    return -ll


@gen([V(2, 3), V(3, 3), V(3, 1)], V(4, 2))
def weight_list(weights, x):
    *hidden, last = weights
    for W in hidden:
        x = np.tanh(x @ W)
    return np.sum((x @ last) ** 2)


@gen((V(3), V(3)), [0.1, 0.2])
def tuple_state(state, dts):
    q, p = state
    energies = []
    for dt in dts:
        p = p - dt * np.sin(q)
        q = q + dt * p
        energies.append(0.5 * p @ p - np.cos(q).sum())
    return energies[-1] - energies[0] + q[0]


@gen({"a": 1.0, "b": 2.0, "c": 0.5})
def dict_values_items(p):
    total = 1.0
    for name, v in p.items():
        total *= 1 + v if name != "b" else v**2
    vals = list(p.values())
    norm_ = math.sqrt(sum(v * v for v in vals))
    return total / norm_ + max(vals) - min(p.values())


@gen([[0.0, 1.0], [1.0, 1.5], [2.0, 0.3]])
def polygon_lists(pts):
    area = 0
    perim = 0
    for (x1, y1), (x2, y2) in zip(pts, pts[1:] + pts[:1]):
        area += x1 * y2 - x2 * y1
        perim += math.hypot(x2 - x1, y2 - y1)
    return abs(area) / 2 + perim


@gen(V(3, 4), {"rate": 0.1, "decay": 0.9}, "exp")
def schedule_mode(x, h, mode="exp"):
    schedules = {
        "exp": lambda t: h["rate"] * h["decay"] ** t,
        "inv": lambda t: h["rate"] / (1 + h["decay"] * t),
    }
    sched = schedules[mode]
    out = x
    for t in range(4):
        out = out - sched(t) * np.tanh(out)
    return (out**2).sum()


@gen(V(5), V(5), [(0, 1), (1, 2), (3, 4)])
def pairs_argument(x, y, pairs):
    s = 0.0
    for i, j in pairs:
        s += (x[i] - x[j]) ** 2 * y[i] * y[j]
    return s


def simpson(f, a, b, n=8):
    h = (b - a) / n
    s = f(a) + f(b)
    for i in range(1, n):
        s += f(a + i * h) * (4 if i % 2 else 2)
    return s * h / 3


def bisect(f, lo, hi, *, xtol=1e-3):
    flo = f(lo)
    while hi - lo > xtol:
        mid = (lo + hi) / 2
        fm = f(mid)
        if flo * fm <= 0:
            hi = mid
        else:
            lo, flo = mid, fm
    # secant polish
    return lo - f(lo) * (hi - lo) / (f(hi) - f(lo))


def compose(*fs):
    def run(x):
        for f in fs:
            x = f(x)
        return x

    return run


@case(0.8, 2.5)
def planck_radiance(scale, T):
    def planck(lam):
        return 1 / (lam**5 * math.expm1(1.4388 / (lam * T)))

    total = simpson(planck, 0.3 * scale, 3.0 * scale, n=10)
    peak = 0.2898 / T
    return total / planck(peak + 0.5)


@case(1.4, 0.6)
def van_der_waals_root(T, P0):
    f = lambda v: (P0 + 3 / v**2) * (3 * v - 1) - 8 * T
    v = bisect(f, 0.4, 12.0)
    return 1 / v + v * P0


@case(V(5), 0.3)
def compose_pipeline(x, a):
    center = lambda z: z - z.mean()
    squash = lambda z: np.tanh(a * z)
    pipeline = compose(center, squash, np.cumsum, lambda z: z[::2])
    return np.dot(pipeline(x), [1.0, 2.0, 3.0])


@case(V(5, 4), P(4))
def spectral_clustering_cut(X, w):
    D2 = (((X[:, None] - X[None]) * w) ** 2).sum(axis=2)
    A = np.exp(-D2)
    np.fill_diagonal(A, 0)
    d = A.sum(axis=1)
    L = np.eye(5) - A / np.sqrt(d[:, None] * d[None, :])
    ev = np.linalg.eigvalsh(L)
    return ev[1] + np.log(ev[2:]).sum()


@case(P(6), V(6))
def trapezoid_irregular(dx, f):
    x = np.concatenate(([0.0], dx[:-1].cumsum()))
    cum = np.zeros(len(x))
    cum[1:] = np.cumsum(0.5 * (f[1:] + f[:-1]) * np.diff(x))
    mean = np.trapezoid(f, x) / (x[-1] - x[0])
    return cum[-1] * mean + cum[2]


@case(P(4, 5))
def anova_f(groups):
    n_g, n = groups.shape
    grand = groups.mean()
    ss_b = n * ((groups.mean(axis=1) - grand) ** 2).sum()
    ss_w = ((groups - groups.mean(axis=1, keepdims=True)) ** 2).sum()
    F_stat = (ss_b / (n_g - 1)) / (ss_w / (n_g * (n - 1)))
    if F_stat > 100:
        return 100.0
    return F_stat


@case(V(10), 0.94)
def ewma_var(r, lam):
    var = r[:3].var()
    out = []
    for x in r:
        var = lam * var + (1 - lam) * x * x
        out.append(math.sqrt(var))
    vol = np.array(out)
    worst = sorted(r / vol)[:3]
    return -sum(worst) / len(worst) + vol[-1]


@case(V(12))
def drawdown_stats(r):
    wealth = np.cumprod(1 + 0.05 * r)
    peak = np.maximum.accumulate(wealth)
    dd = 1 - wealth / peak
    i = int(np.argmax(dd))
    start = int(np.argmax(wealth[: i + 1]))
    sharpe = r.mean() / r.std(ddof=1) * np.sqrt(252)
    ulcer = np.sqrt(np.mean(np.square(dd)))
    return dd[i] + ulcer + 0.01 * sharpe + wealth[start]


@case(V(8), 3)
def rolling_stats(x, win):
    out = np.full((len(x), 2), np.nan)
    for i in range(win - 1, len(x)):
        w = x[i - win + 1 : i + 1]
        out[i] = w.mean(), w.std()
    z = (x - out[:, 0]) / out[:, 1]
    return np.nanmean(z**2) + np.nanmax(out[:, 1])


@case(V(4), V(3, 4))
def argmin_nearest(q, pts):
    d = np.linalg.norm(pts - q, axis=1)
    k = d.argmin()
    order = sorted(range(len(pts)), key=lambda i: d[i])
    weights = [1 / (d[i] + 0.1) for i in order[:2]]
    blend = sum(w * pts[i] for w, i in zip(weights, order)) / sum(weights)
    return blend @ q + d[k]


@case(V(4, 4) + 4 * np.eye(4), V(4))
def lu_pivot_solve(A, b):
    A = A.copy()
    b = b.copy()
    n = len(b)
    for k in range(n):
        p = k + np.argmax(np.abs(A[k:, k]))
        if p != k:
            A[[k, p]] = A[[p, k]]
            b[k], b[p] = b[p], b[k]
        for i in range(k + 1, n):
            f = A[i, k] / A[k, k]
            A[i, k:] -= f * A[k, k:]
            b[i] -= f * b[k]
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - A[i, i + 1 :] @ x[i + 1 :]) / A[i, i]
    return x @ x


@case(V(3, 3))
def qr_algorithm(M):
    A = M + M.T
    for _ in range(3):
        mu = A[-1, -1]
        Q, R = np.linalg.qr(A - mu * np.eye(3))
        A = R @ Q + mu * np.eye(3)
    off = A - np.diag(np.diag(A))
    return np.diag(A) @ [1.0, 2.0, 3.0] + (off**2).sum()


@case(V(4, 3), 0.5)
def inplace_out_args(x, a):
    buf = np.empty_like(x)
    np.multiply(x, a, out=buf)
    np.exp(buf, out=buf)
    np.add(buf, x, out=buf)
    total = np.zeros(3)
    for row in buf:
        np.maximum(total, row, out=total)
    buf[:, 0] *= total[0]
    return buf.sum() + total.sum()


@case(V(4, 5), V(5))
def tensor_reshape_mix(X, w):
    X3 = X[:4, :4].reshape(2, 2, 4)
    Y = np.einsum("abi,i->ab", X3, w[:4])
    Z = np.tensordot(X3, np.ones((2, 2)), axes=([0, 1], [0, 1]))
    T = X3.transpose(2, 0, 1).reshape(4, -1)
    U, s, Vt = np.linalg.svd(T @ T.T + np.eye(4), full_matrices=False)
    return Y.trace() + Z.max() + s[0] * np.swapaxes(X3, 0, 2).mean(axis=(0, 1)).sum()


@case(P(4), V(3))
def meshgrid_potential(q, c):
    x = np.linspace(-1, 1, 5)
    y = np.linspace(-1, 1, 4)
    X, Y = np.meshgrid(x, y)
    phi = np.zeros_like(X)
    for k, (qx, qy) in enumerate([(2, 2), (-2, 2), (2, -2), (-2, -2)]):
        phi += q[k] / np.hypot(X - qx, Y - qy)
    surface = c[0] + c[1] * X + c[2] * Y**2
    Ey, Ex = np.gradient(phi, y, x)
    return np.sum(surface * phi) + np.sqrt(Ex**2 + Ey**2).max()


@case(V(6))
def while_true_line_search(x):
    f = lambda z: np.sum(z**4 - z**2)
    g = 4 * x**3 - 2 * x
    t = 1.0
    fx = f(x)
    while True:
        trial = x - t * g
        if f(trial) <= fx - 1e-4 * t * (g @ g):
            break
        t *= 0.5
        if t < 1e-6:
            return fx
    return f(trial)


@case(V(6), 0.1)
def fused_soft_threshold(y, lam):
    x = np.zeros_like(y)
    z = np.zeros(len(y) - 1)
    D = np.diff(np.eye(len(y)), axis=0)
    for it in range(5):
        x = y - D.T @ z
        z = np.clip(z + 0.25 * D @ x, -lam, lam)
    obj = 0.5 * np.sum((x - y) ** 2) + lam * np.abs(np.ediff1d(x)).sum()
    return obj


@case(V(9))
def peak_finding(x):
    peaks = [i for i in range(1, len(x) - 1) if x[i] > x[i - 1] and x[i] > x[i + 1]]
    if not peaks:
        return x.max()
    refined = []
    for i in peaks:
        a, b, c = x[i - 1 : i + 2]
        p = 0.5 * (a - c) / (a - 2 * b + c)
        refined.append(b - 0.25 * (a - c) * p)
    prom = max(refined) - np.min(x)
    return prom + np.mean(refined)


@case(P(5), P(4))
def crystal_structure_factor(f, B):
    hkl = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 0, 0]])
    xyz = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5], [0.25, 0.25, 0.25]])
    s2 = (hkl**2).sum(1) / 4
    arg = 2 * np.pi * hkl @ xyz.T
    dw = np.exp(-B * s2)
    A = (f * np.cos(arg)).sum(-1) * dw
    Bi = (f * np.sin(arg)).sum(-1) * dw
    I = A**2 + Bi**2
    return np.sqrt(I).sum() / I.max()


@case(V(4), 1.2)
def enzyme_hill(logc, n):
    c = 10.0**logc
    rates = {}
    vmax, km = 2.0, 0.8
    v = vmax * c**n / (km**n + c**n)
    inhib = v / (1 + c / 10)
    steady = np.select([c < 0.1, c < 1.0], [v, 0.5 * (v + inhib)], default=inhib)
    return np.log(steady).sum() + np.count_nonzero(c > 1)


@case(P(3), P(3), 0.05)
def neuron_lif(I, w, tau):
    v = np.zeros(3)
    spikes = 0
    trace = 0.0
    refractory = [0] * 3
    for t in range(20):
        for i in range(3):
            if refractory[i] > 0:
                refractory[i] -= 1
                continue
            v[i] += 0.1 * (-v[i] + 2 * I[i])
            if v[i] > 1.0:
                v[i] = 0.0
                spikes += 1
                refractory[i] = 2
                v += tau * w
        trace += v.sum()
    return trace + spikes


PAULI_X = np.array([[0, 1], [1, 0]], dtype=complex)


PAULI_Z = np.diag([1.0 + 0j, -1.0])


FREQS = np.array([0.5, 1.0, 2.0])


@case(P(3), P(3))
def ladder_filter_gain(L, C):
    gains = []
    for f in FREQS:
        w = 2 * np.pi * f
        Z = 50.0 + 0j
        for l, c in zip(L, C):
            Yp = 1j * w * c * 0.01 + 1 / Z
            Z = 1 / Yp + 1j * w * l
        gamma = (Z - 50) / (Z + 50)
        gains.append(1 - np.abs(gamma) ** 2)
    return 10 * np.log10(np.prod(gains))


@case(V(3), 0.7)
def rabi_unitary(angles, phi):
    U = np.eye(2, dtype=complex)
    for a in angles:
        G = np.cos(a / 2) * np.eye(2) - 1j * np.sin(a / 2) * (np.cos(phi) * PAULI_X + np.sin(phi) * PAULI_Z)
        U = G @ U
    rho = np.outer(U[:, 0], U[:, 0].conj())
    return np.real(np.trace(rho @ PAULI_Z)) + np.real(rho[0, 1])


@case(V(6), V(6), 0.2)
def array_factor_loop(amp, ph, theta):
    af = 0
    for n in range(len(amp)):
        af += amp[n] * np.exp(1j * (ph[n] + np.pi * n * np.sin(theta)))
    power = af * np.conj(af)
    return power.real / np.sum(amp**2)


@case(V(8), 0.1)
def schrodinger_split_step(V0, dt):
    n = 8
    k = 2 * np.pi * np.fft.fftfreq(n)
    x = np.arange(n) - n / 2
    psi = np.exp(-(x**2) / 4).astype(complex)
    half = np.exp(-0.5j * dt * V0)
    kin = np.exp(-0.5j * dt * k**2)
    for _ in range(3):
        psi = half * np.fft.ifft(kin * np.fft.fft(half * psi))
    prob = np.abs(psi) ** 2
    return (x * prob).sum() / prob.sum() + psi.real[2] * psi.imag[3]


@case(V(10), P(3))
def dft_by_hand(x, w):
    N = len(x)
    X = np.zeros(N, dtype=complex)
    for k in range(N):
        for n in range(N):
            X[k] += x[n] * np.exp(-2j * np.pi * k * n / N)
    psd = (X * X.conj()).real / N
    bands = [psd[1:3], psd[3:5], psd[5:]]
    return sum(wi * np.log(b.mean()) for wi, b in zip(w, bands))


@case(P(4), 0.3)
def transmission_line_cascade(z0, beta):
    zl = complex(75, 20)
    for z in z0 * 50:
        t = math.tan(beta)
        zl = z * (zl + 1j * z * t) / (z + 1j * zl * t)
    gam = (zl - 50) / (zl + 50)
    mag = math.sqrt(gam.real**2 + gam.imag**2)
    return (1 + mag) / (1 - mag)


@case(V(5), 0.5)
def matched_filter_chirp(a, mu):
    t = np.linspace(0, 1, 5)
    ref = np.exp(1j * np.pi * 4 * mu * t**2)
    sig = np.zeros(9, dtype=np.complex128)
    sig[2:7] = ref * a
    out = np.array([np.sum(sig[k : k + 5] * np.conj(ref)) for k in range(5)])
    return np.max(np.abs(out)) / np.mean(np.abs(out))


@case(V(6))
def analytic_envelope(x):
    X = np.fft.fft(x)
    h = np.zeros(6)
    h[0] = h[3] = 1
    h[1:3] = 2
    z = np.fft.ifft(X * h)
    env = np.abs(z)
    inst = np.diff(np.unwrap(np.angle(z)))
    return env.mean() + 0.01 * inst.sum()


@case(0.3, 0.4)
def mandelbrot_escape(a, b):
    c = a + 1j * b
    z = 0
    for n in range(8):
        z = z * z + c
        if (z * z.conjugate()).real > 4:
            break
    return z.real**2 + z.imag**2


@case(P(4), P(4), P(2))
def ac_power_newton_residual(v, th, s):
    Y = np.array(
        [
            [2 - 6j, -1 + 3j, -1 + 3j, 0],
            [-1 + 3j, 2 - 6j, 0, -1 + 3j],
            [-1 + 3j, 0, 2 - 6j, -1 + 3j],
            [0, -1 + 3j, -1 + 3j, 2 - 6j],
        ]
    )
    Vc = v * np.exp(1j * th)
    S = Vc * np.conj(Y @ Vc)
    dP = S.real[:2] - s
    dQ = S.imag[2:]
    return np.sum(dP**2) + np.sum(dQ**2)


@case(np.array([1.0, -2.0, 3.0]), 0.3)
def polynomial_on_circle(coef, r):
    z = r * np.exp(1j * np.linspace(0, 2 * np.pi, 6, endpoint=False))
    p = np.zeros_like(z)
    for c in coef:
        p = p * z + c
    return np.mean(np.abs(p)) + np.log(np.abs(p)).mean()


@case(V(2, 2), P(2))
def density_matrix_lindblad(H, g):
    Hs = 0.5 * (H + H.T)
    rho = np.array([[0.7, 0.2], [0.2, 0.3]], dtype=complex)
    Lm = np.array([[0, 1.0], [0, 0]])
    for k in range(3):
        comm = Hs @ rho - rho @ Hs
        diss = g[0] * (Lm @ rho @ Lm.T - 0.5 * (Lm.T @ Lm @ rho + rho @ Lm.T @ Lm))
        rho = rho + 0.1 * (-1j * comm + diss)
        rho = rho / np.trace(rho)
    purity = np.trace(rho @ rho).real
    return purity + g[1] * rho[0, 1].imag


@case(V(4), P(3))
def zernike_wavefront(c, w):
    r = np.linspace(0.1, 1, 4)[:, None]
    th = np.linspace(0, 6, 5)[None, :]
    modes = [
        2 * r * np.cos(th),
        2 * r * np.sin(th),
        np.sqrt(3) * (2 * r**2 - 1),
        np.sqrt(6) * r**2 * np.cos(2 * th),
    ]
    W = sum(ci * m for ci, m in zip(c, modes))
    field = np.exp(2j * np.pi * 0.1 * W)
    strehl = np.abs(np.sum(field * r) / np.sum(r * np.ones_like(th))) ** 2
    return strehl + w.sum() * W.std()


@case(V(4, 4))
def fft2_lowpass(img):
    Fm = np.fft.fftshift(np.fft.fft2(img))
    ky, kx = np.indices(img.shape) - 2
    mask = kx**2 + ky**2 <= 2
    low = np.fft.ifft2(np.fft.ifftshift(Fm * mask)).real
    return np.sum((img - low) ** 2) + low.max()


@case(V(6), V(3))
def z_transform_stability(x, p):
    poles = 0.9 * np.tanh(p) * np.exp(1j * np.array([0.3, 0.7, 1.1]))
    y = np.zeros(len(x))
    for pole in poles:
        state = 0j
        for n, xn in enumerate(x):
            state = pole * state + xn
            y[n] += state.real
    return y @ y


WEIGHTS = {"linear": 0.5, "quad": 0.25}


STOICH = np.array([[1, -1, 0], [0, 1, -1], [-1, 0, 1]], dtype=np.int64)


LEVELS = [0.1, 0.5, 0.9]


def check_positive(name, *values):
    for v in values:
        if v <= 0:
            raise ValueError(f"{name} must be positive, got {v}")


def interp1(x, xs, ys):
    if x <= xs[0]:
        return ys[0]
    for i in range(1, len(xs)):
        if x < xs[i]:
            t = (x - xs[i - 1]) / (xs[i] - xs[i - 1])
            return (1 - t) * ys[i - 1] + t * ys[i]
    return ys[-1]


def fibonacci_spread(n):
    a, b = 0, 1
    while n > 0:
        a, b = b, a + b
        n -= 1
    return a


def normalize(v, axis=None, eps=0.0):
    return v / (np.sqrt(np.sum(v * v, axis=axis, keepdims=axis is not None)) + eps)


@case(1.3, 0.5, P(4))
def table_lookup(x, y, ys):
    check_positive("inputs", x, y)
    xs = [0.0, 0.7, 1.2, 2.0]
    a = interp1(x, xs, ys)
    b = interp1(y * 2, xs, ys**2)
    c = interp1(5.0, xs, ys)
    return a * b + c * fibonacci_spread(6)


@case(V(5, 3), V(3))
def cosine_retrieval(docs, q):
    D = normalize(docs, axis=1, eps=1e-9)
    qn = normalize(q)
    sims = D @ qn
    top = np.argsort(sims)[-3:][::-1]
    dcg = sum((2 ** (3 - r) - 1) * sims[i] / np.log2(r + 2) for r, i in enumerate(top))
    margin = sims[top[0]] - sims[top[1]]
    return dcg + margin


@case(P(6), 10.0)
def glicko_update(phi, base):
    mu = np.zeros(3)
    phis = phi[:3] + 0.1
    scores = [(0, 1, 1.0), (1, 2, 0.5), (0, 2, 0.0)]
    for a, b, s in scores:
        g = 1 / np.sqrt(1 + 3 * phis[b] ** 2 / np.pi**2)
        E = 1 / (1 + np.exp(-g * (mu[a] - mu[b])))
        v = 1 / (g**2 * E * (1 - E))
        mu[a] += g * (s - E) / (1 / phis[a] ** 2 + 1 / v) / base
        phis[a] = (1 / phis[a] ** 2 + 1 / v) ** -0.5
    return mu @ phi[3:] + phis.sum()


@case(V(5), P(5))
def stick_breaking(v, alpha):
    beta = 1 / (1 + np.exp(-v))
    remaining = 1.0
    weights = []
    for b in beta:
        weights.append(b * remaining)
        remaining *= 1 - b
    weights.append(remaining)
    weights = np.array(weights)
    entropy = -(weights * np.log(weights)).sum()
    logp = sum(math.lgamma(a + 1) - math.lgamma(a) + (a - 1) * math.log(1 - b) for a, b in zip(alpha, beta))
    return entropy + logp


@case(P(3), V(6), 0.4)
def gillespie_mean_field(k, dx, dt):
    x = np.array([10.0, 5.0, 2.0])
    traj = [x]
    for i in range(6):
        a = k * x
        x = np.maximum(x + dt * (STOICH @ a) * (1 + 0.1 * dx[i]), 0.1)
        traj.append(x)
    traj = np.vstack(traj)
    auto = np.array([np.mean(traj[lag:, 0] * traj[: len(traj) - lag, 0]) for lag in range(3)])
    return auto[1] / auto[0] + traj[-1] @ [1.0, 2.0, 3.0]


@case(V(6), 0.3)
def quantile_loss_list(q, s):
    y = np.array([0.3, -0.2, 1.0, 0.5, -1.0, 0.0])
    losses = [np.mean(np.maximum(tau * (y - s * q), (tau - 1) * (y - s * q))) for tau in LEVELS]
    worst = max(range(3), key=lambda i: losses[i])
    best = min(losses)
    return losses[worst] - best + sum(losses)


@case(V(4, 4))
def determinant_recursive(A):
    def det(M):
        n = len(M)
        if n == 1:
            return M[0, 0]
        if n == 2:
            return M[0, 0] * M[1, 1] - M[0, 1] * M[1, 0]
        s = 0.0
        for j in range(n):
            minor = np.delete(M[1:], j, axis=1)
            s += (-1) ** j * M[0, j] * det(minor)
        return s

    return det(A)


@case(V(8))
def mergesort_inversions_value(x):
    def merge_sort(a):
        if len(a) <= 1:
            return a
        mid = len(a) // 2
        left, right = merge_sort(a[:mid]), merge_sort(a[mid:])
        out = np.empty(len(a))
        i = j = 0
        for k in range(len(a)):
            if j >= len(right) or (i < len(left) and left[i] <= right[j]):
                out[k] = left[i]
                i += 1
            else:
                out[k] = right[j]
                j += 1
        return out

    s = merge_sort(x)
    gini = (2 * np.arange(1, 9) - 9) @ s
    return gini + s[0] * s[-1]


@case(P(6), P(3))
def knapsack_dp_soft(values, temps):
    weights = [1, 2, 3, 2, 1, 4]
    cap = 6
    best = np.zeros(cap + 1)
    for v, w in zip(values, weights):
        for c in range(cap, w - 1, -1):
            best[c] = max(best[c], best[c - w] + v)
    return best[-1] + best[3] * temps.mean()


@case(V(5), V(6))
def edit_distance_soft(a, b):
    n, m = len(a), len(b)
    D = np.zeros((n + 1, m + 1))
    D[:, 0] = 0.8 * np.arange(n + 1)
    D[0, :] = 0.8 * np.arange(m + 1)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            sub = D[i - 1, j - 1] + (a[i - 1] - b[j - 1]) ** 2
            D[i, j] = min(sub, D[i - 1, j] + 0.8, D[i, j - 1] + 0.8)
    return D[n, m]


@case(P(5), V(5))
def mst_prim_weight(r, xy):
    pts = np.column_stack([xy, r])
    n = len(pts)
    in_tree = [False] * n
    dist = [np.inf] * n
    dist[0] = 0.0
    total = 0.0
    for _ in range(n):
        u = -1
        for i in range(n):
            if not in_tree[i] and (u == -1 or dist[i] < dist[u]):
                u = i
        in_tree[u] = True
        total += dist[u]
        for v in range(n):
            d = np.sqrt(np.sum((pts[u] - pts[v]) ** 2)) if u != v else 0.0
            if not in_tree[v] and d < dist[v]:
                dist[v] = d
    return total**2


@case(P(4, 4))
def shortest_path_bellman(W):
    n = len(W)
    d = np.full(n, np.inf)
    d[0] = 0
    pred = -np.ones(n, dtype=int)
    for _ in range(n - 1):
        changed = False
        for u in range(n):
            for v in range(n):
                if u == v:
                    continue
                if d[u] + W[u, v] < d[v]:
                    d[v] = d[u] + W[u, v]
                    pred[v] = u
                    changed = True
        if not changed:
            break
    path, v = [], n - 1
    while v != -1:
        path.append(v)
        v = pred[v]
    return d.sum() + len(path)


@case(V(6, 2), 3)
def kmeans_hard(X, k):
    C = X[:k].copy()
    for it in range(5):
        d = ((X[:, None, :] - C[None, :, :]) ** 2).sum(axis=2)
        lab = d.argmin(axis=1)
        newC = np.array([X[lab == j].mean(axis=0) if np.any(lab == j) else C[j] for j in range(k)])
        if np.allclose(newC, C):
            break
        C = newC
    inertia = np.sum((X - C[lab]) ** 2)
    return inertia + C[0, 0]


@case(V(8, 2), V(8))
def decision_stump_boost(X, y):
    pred = np.zeros(len(y))
    for rnd in range(3):
        resid = y - pred
        best = None
        for j in range(X.shape[1]):
            thr = np.median(X[:, j])
            left = X[:, j] <= thr
            lv, rv = resid[left].mean(), resid[~left].mean()
            sse = np.sum((resid[left] - lv) ** 2) + np.sum((resid[~left] - rv) ** 2)
            if best is None or sse < best[0]:
                best = (sse, j, thr, lv, rv)
        _, j, thr, lv, rv = best
        pred += 0.5 * np.where(X[:, j] <= thr, lv, rv)
    return np.mean((y - pred) ** 2)


@case(V(5), "central")
def finite_diff_mode(u, scheme):
    h = 0.1
    match_scheme = {"forward": (0, 1, 1), "backward": (-1, 0, 1), "central": (-1, 1, 2)}
    lo, hi, d = match_scheme[scheme]
    du = (np.roll(u, -hi) - np.roll(u, -lo)) / (d * h)
    return np.sum(du**2)


@case(V(4, 2), V(2))
def support_function_hull(pts, d):
    dirs = [np.array([np.cos(a), np.sin(a)]) for a in np.linspace(0, np.pi, 5)]
    widths = []
    for u in dirs:
        proj = pts @ u
        widths.append(proj.max() - proj.min())
    extreme = max(pts, key=lambda p: p @ d)
    return min(widths) * max(widths) + extreme @ d


@case(P(3), P(3))
def markov_stationary(a, b):
    Q = np.zeros((3, 3))
    for i in range(3):
        Q[i, (i + 1) % 3] = a[i]
        Q[i, (i - 1) % 3] = b[i]
    Q -= np.diag(Q.sum(1))
    A = np.vstack([Q.T[:-1], np.ones(3)])
    pi = np.linalg.solve(A, np.array([0, 0, 1.0]))
    P4 = np.linalg.matrix_power(np.eye(3) + Q / 10, 4)
    return -np.sum(pi * np.log(pi)) + P4[0, 2]


@case(V(6, 6))
def integral_image_boxes(img):
    I = np.zeros((7, 7))
    I[1:, 1:] = img.cumsum(axis=0).cumsum(axis=1)
    total = 0.0
    for (r0, c0), (r1, c1) in [((0, 0), (3, 3)), ((2, 1), (6, 4)), ((1, 3), (5, 6))]:
        s = I[r1, c1] - I[r0, c1] - I[r1, c0] + I[r0, c0]
        total += s**2 / ((r1 - r0) * (c1 - c0))
    return total


@case(V(5, 5), 1.5)
def gaussian_blur_separable(img, sigma):
    r = np.arange(-2, 3)
    k = np.exp(-(r**2) / (2 * sigma**2))
    k /= k.sum()
    p = np.pad(img, ((2, 2), (2, 2)), mode="reflect")
    tmp = sum(k[i] * p[i : i + 5, :] for i in range(5))
    out = sum(k[j] * tmp[:, j : j + 5] for j in range(5))
    sharp = np.clip(img + 0.7 * (img - out), -3, 3)
    return (sharp**2).mean()


@case(V(4), V(4))
def early_return_guard(x, w):
    if len(x) != len(w):
        raise ValueError("length mismatch")
    s = w.sum()
    if abs(s) < 1e-12:
        return 0.0
    m = (w * x).sum() / s
    if m > 10:
        return m
    for xi in x:
        if xi > 1.5:
            return xi * m
    return m**3


@case(V(3, 4), 2)
def reduce_and_functional(X, p):
    from functools import reduce

    s = reduce(lambda acc, row: acc * 0.5 + row**p, X, np.zeros(4))
    t = list(map(lambda r: r.sum(), filter(lambda r: r[0] > -5, X)))
    return s @ s + sum(t)


@case(P(5), V(4, 3), 0.2)
def atomic_scf_mixing(q, D, mix):
    v = np.zeros(4)
    old = v
    err = None
    for cycle in range(20):
        dens = np.exp(-((D - v[:, None]) ** 2).sum(1))
        new = dens / dens.sum() * q[:4]
        err = np.max(np.abs(new - old))
        v = (1 - mix) * old + mix * new
        old, v = v, old
        if err < 0.2:
            break
    return old.sum() + err


@case(V(6), V(3))
def sliding_window_view_like(x, k):
    n = len(x) - len(k) + 1
    idx = np.arange(n)[:, None] + np.arange(len(k))[None, :]
    windows = x[idx]
    windows = windows - windows.mean(axis=1, keepdims=True)
    resp = windows @ k
    resp[resp < 0] *= 0.1
    return resp.sum() + np.linalg.norm(windows, axis=1).max()


@case(V(3, 4))
def swap_rows_views(A):
    A = np.array(A)
    top, bottom = A[0], A[-1]
    tmp = top.copy()
    top[:] = bottom * 2
    bottom[...] = tmp + 1
    A[1, ::2] = A[0, ::-2]
    flat = A.ravel()
    flat = flat[flat > -10].reshape(A.shape)
    return np.sum(flat * A) + A[1, 0]


@case(V(5), 2.0)
def argument_modified_in_place(x, s):
    """Scales its argument as it goes, as old Fortran ports do."""
    norm2 = 0.0
    for i in range(len(x)):
        x[i] *= s
        if i > 0:
            x[i] -= 0.5 * x[i - 1]
        norm2 += x[i] ** 2
    x /= math.sqrt(norm2)
    return x[0] * x[-1] + x.sum()


@case(P(4, 4), P(4))
def sinkhorn_transport(C, a):
    K = np.exp(-C / 0.5)
    a = a / a.sum()
    b = np.ones(4) / 4
    u = np.ones_like(a)
    v = np.ones_like(b)
    for _ in range(10):
        u = a / (K @ v)
        v = b / (K.T @ u)
    plan = u[:, None] * K * v
    return np.sum(plan * C) - 0.1 * np.sum(plan * np.log(plan))


@case(V(3), V(3), V(3), 0.1)
def triangle_barycentric_shading(a, b, c, eps):
    ab, ac = b - a, c - a
    n = np.cross(ab, ac)
    area2 = np.linalg.norm(n)
    if area2 < 1e-12:
        return 0.0
    n /= area2
    centroid = (a + b + c) / 3
    p = centroid + eps * ab
    w = np.array(
        [
            np.dot(np.cross(b - p, c - p), n),
            np.dot(np.cross(c - p, a - p), n),
            np.dot(np.cross(a - p, b - p), n),
        ]
    )
    w = w / w.sum()
    colors = np.eye(3) * 0.5 + 0.2
    rgb = w @ colors
    lum = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]
    gamma = lum / 12.92 if lum <= 0.0031308 else 1.055 * lum ** (1 / 2.4) - 0.055
    return gamma * area2


@case(V(4), P(3))
def aerosol_mie_like(lnr, m):
    r = np.exp(lnr)
    ext = np.zeros(3)
    for i, lam in enumerate([0.4, 0.55, 0.7]):
        x = 2 * np.pi * r / lam
        rho = 2 * x * (m[i] - 0.3)
        q = 2 - 4 / rho * np.sin(rho) + 4 / rho**2 * (1 - np.cos(rho))
        ext[i] = np.trapezoid(q * np.pi * r**2, lnr) if i else np.sum(q)
    angstrom = -np.log(np.abs(ext[1:] / ext[:-1])) / np.log(np.array([0.55, 0.7]) / np.array([0.4, 0.55]))
    return angstrom.sum()


@case(P(5), 0.3)
def radiative_two_stream(tau, albedo):
    n = len(tau)
    up = np.zeros(n + 1)
    down = np.zeros(n + 1)
    down[0] = 1.0
    trans = np.exp(-1.66 * tau)
    B = 1 + np.arange(n) * 0.2
    for k in range(n):
        down[k + 1] = down[k] * trans[k] + B[k] * (1 - trans[k])
    up[n] = albedo * down[n] + (1 - albedo) * 2.0
    for k in reversed(range(n)):
        up[k] = up[k + 1] * trans[k] + B[k] * (1 - trans[k])
    heating = np.diff(up - down) / tau
    return np.max(heating) - up[0]


@case(V(4, 2), P(4), V(3, 2))
def inverse_distance_weight(stations, z, targets):
    out = []
    for t in targets:
        d = np.hypot(stations[:, 0] - t[0], stations[:, 1] - t[1])
        if (d < 1e-6).any():
            out.append(z[np.argmin(d)])
            continue
        w = 1.0 / d**2
        out.append(np.average(z, weights=w))
    return np.std(out) + max(out)


@case(P(4), np.array([0.2, 0.5]))
def lens_magnification(theta, params):
    eps, rc = params

    def psi_grad(t1, t2):
        q = np.sqrt(rc**2 + (1 - eps) * t1**2 + (1 + eps) * t2**2)
        return (1 - eps) * t1 / q, (1 + eps) * t2 / q

    src = []
    for t1, t2 in theta.reshape(2, 2):
        a1, a2 = psi_grad(t1, t2)
        src.append([t1 - a1, t2 - a2])
    src = np.array(src)
    return np.sum((src[0] - src[1]) ** 2) + src.mean()


@case(V(5), P(5), 0.1, "hermite")
def spline_modes(y, h, t, kind):
    x = np.cumsum(h)
    m = np.zeros(5)
    d = np.diff(y) / np.diff(x)
    if kind == "hermite":
        m[1:-1] = 0.5 * (d[1:] + d[:-1])
        m[0], m[-1] = d[0], d[-1]
    elif kind == "pchip":
        for i in range(1, 4):
            if d[i - 1] * d[i] > 0:
                m[i] = 2 / (1 / d[i - 1] + 1 / d[i])
    q = x[0] + (x[-1] - x[0]) * (0.3 + t)
    i = min(max(int(np.searchsorted(x, q)) - 1, 0), 3)
    hh = x[i + 1] - x[i]
    s = (q - x[i]) / hh
    return (
        (1 + 2 * s) * (1 - s) ** 2 * y[i]
        + s * (1 - s) ** 2 * hh * m[i]
        + s**2 * (3 - 2 * s) * y[i + 1]
        + s**2 * (s - 1) * hh * m[i + 1]
    )


@case(V(5), P(5), 0.1)
def spline_modes_pchip(y, h, t):
    return sum(spline_modes(y, h, t, kind) for kind in ["hermite", "pchip"])


@case(F(6), F(6), vtol=1e-5, rtol=2e-2, atol=2e-2, step=1e-2)
def float32_normalise(x, y):
    acc = np.zeros(6, dtype=np.float32)
    for k in range(3):
        acc += np.tanh(x * np.float32(0.5)) * y
    return np.sum(acc * acc[::-1]) / 6


@case(F(4, 3), F(3), vtol=1e-5, rtol=2e-2, atol=2e-2, step=1e-2)
def float32_linear_layer(X, w):
    h = X @ w
    h = h.astype(np.float64)
    s = np.float32(0)
    for v in h:
        s += v * 0.5
    return s + np.mean(h**2)


@case(P(4), 0.5)
def walrus_and_star(x, c):
    total = 0.0
    i = 0
    while (v := x[i] * c) < 10 and i < 3:
        total += v**2
        i += 1
    first, *mid, last = (x[0], x[1], x[2], x[3])
    return total + first * last - sum(mid) if (n := len(mid)) == 2 else total * n


@case(V(4, 3), V(4))
def take_along_and_put(X, w):
    order = np.argsort(X, axis=1)
    S = np.take_along_axis(X, order, axis=1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(3)[None, :], axis=1)
    gap = S[:, -1] - S[:, 0]
    Z = X * (ranks + 1)
    return w @ gap + Z[w > 0].sum() + np.quantile(X, 0.3, axis=0).sum()


@case(V(3), P(3), V(6, 3))
def stochastic_depth_stack(b, g, noise):
    h = b
    kept = 0
    for i, eps in enumerate(noise):
        if i % 3 == 2:
            continue
        kept += 1
        var = np.var(h)
        h = g * (h - np.mean(h)) / np.sqrt(var + 1e-3) + b + 0.1 * eps
        h = np.where(h > 0, h, 0.01 * h)
    return np.dot(h, h) / kept


@case(V(12), V(3))
def two_dim_reshape_in_loop(x, w):
    G = x.reshape(3, 4)
    acc = 0
    for axis in (0, 1):
        s = G.sum(axis=axis)
        acc = acc + s.std() + np.max(s) * w[axis]
    for row, wi in zip(G, w):
        row = row * wi
        acc += row @ row
    return acc / G.size


@case(V(3, 2), V(2))
def obstacle_potential_path(way, goal):
    obstacles = [(np.array([0.5, 0.5]), 0.3), (np.array([-0.5, 1.0]), 0.2)]
    path = np.vstack([np.zeros(2), way, goal])
    length = np.sum(np.linalg.norm(np.diff(path, axis=0), axis=1))
    penalty = 0.0
    for c, r in obstacles:
        for p in path:
            d = np.linalg.norm(p - c) - r
            penalty += 0.5 * (1 / d - 1 / 0.5) ** 2 if 0 < d < 0.5 else (d**2 if d <= 0 else 0)
    smooth = ((path[2:] - 2 * path[1:-1] + path[:-2]) ** 2).sum()
    return length + 0.1 * penalty + smooth


@case(V(2, 5), P(2))
def gru_bidirectional(X, u):
    def scan(seq, rate):
        h, hs = 0.0, []
        for x in seq:
            z = 1 / (1 + math.exp(-rate * x))
            h = (1 - z) * h + z * math.tanh(x + rate * h)
            hs.append(h)
        return hs

    fwd = scan(X[0], u[0])
    bwd = scan(X[1][::-1], u[1])[::-1]
    return sum(f * b for f, b in zip(fwd, bwd)) + fwd[-1]


@case(P(4), P(4), 2)
def hmm_forward_backward(trans, emit, states):
    A = np.array([[trans[0], 1.0], [1.0, trans[1]]])
    A /= A.sum(axis=1, keepdims=True)
    obs = [0, 1, 1, 0]
    E = emit.reshape(2, 2) / emit.reshape(2, 2).sum(axis=1)[:, None]
    alpha = np.zeros((4, states))
    beta = np.ones((4, states))
    scale = np.ones(4)
    for t, o in enumerate(obs):
        prev = alpha[t - 1] @ A if t else np.array([0.5, 0.5])
        alpha[t] = prev * E[:, o]
        scale[t] = alpha[t].sum()
        alpha[t] /= scale[t]
    for t in range(2, -1, -1):
        beta[t] = A @ (E[:, obs[t + 1]] * beta[t + 1]) / scale[t + 1]
    gamma = alpha * beta
    return np.log(scale).sum() + gamma[1, 0]


@case(V(4), V(4))
def assertion_heavy(x, y):
    assert x.shape == y.shape and x.ndim == 1, f"bad shapes {x.shape} {y.shape}"
    assert np.all(np.isfinite(x)), "x must be finite"
    if not isinstance(x, np.ndarray):
        raise TypeError("array expected")
    z = x / (1 + np.abs(y))
    if np.isnan(z).any():
        return float("nan")
    return float(np.dot(z, z)) * (1.0 if z[0] >= 0 else -1.0)


LUT = np.linspace(0.0, 1.0, 6) ** 2


@gen({"W": V(3, 3), "b": V(3)}, V(3))
def dict_arrays_written(params, x):
    params["b"][0] = params["b"][1] * x[0]
    W = params["W"]
    W += np.outer(x, params["b"])
    W[:, -1] = 0.5
    return np.sum(np.tanh(params["W"] @ x))


@gen([1.0, 2.0, 3.0], 0.5)
def list_argument_written(xs, a):
    for i in range(len(xs) - 1):
        xs[i + 1] += a * xs[i]
    xs[0] = a * a
    return sum(x * (i + 1) for i, x in enumerate(xs))


@gen([0.3, -1.2, 0.8, 2.0, 0.1], 0.3)
def python_list_stats(data, alpha):
    n = len(data)
    s = sorted(data)
    mid = n // 2
    med = s[mid] if n % 2 else 0.5 * (s[mid - 1] + s[mid])
    k = int(alpha * n)
    trimmed = s[k : n - k]
    tm = sum(trimmed) / len(trimmed)
    far = max(data, key=abs)
    near = min(data, key=lambda v: abs(v - med))
    rng_ = max(data) - min(data)
    neg = any(v < 0 for v in data)
    return med * tm + far * near + rng_ * (2.0 if neg else 1.0)


@gen({"a": {"x": 1.0, "y": [0.5, 0.2]}, "b": (2.0, V(2))})
def deep_tree(t):
    x, (y0, y1) = t["a"]["x"], t["a"]["y"]
    b, v = t["b"]
    return x * y0 + y1**2 * b * np.sum(v**2)


@case(V(4), 3.0)
def integer_arithmetic_mix(x, a):
    total = 0.0
    for i in range(7):
        q, r = divmod(i, 3)
        total += x[q] * a ** (r - 1) + pow(x[i % 4], 2) * (i & 1) - (-i // 2) * x[-1]
        if i ^ 3 == 1:
            total *= 0.5
    return total + round(a) * x[0]


@case(V(5), 1.7)
def int_cast_lookup(x, s):
    total = 0.0
    for v in x:
        pos = (math.tanh(v) + 1) * 2.5 * 0.99
        k = int(pos)
        frac = pos - k
        total += s * (LUT[k] + frac * (LUT[k + 1] - LUT[k]))
    idx = (np.abs(x) * 2).astype(int) % 5
    return total + LUT[idx] @ x


@case(V(5))
def nested_lists_dp(x):
    n = len(x)
    T = [[0.0] * n for _ in range(n)]
    for i in range(n):
        T[i][i] = x[i]
    for L in range(2, n + 1):
        for i in range(n - L + 1):
            j = i + L - 1
            T[i][j] = max(x[i] * 0.9 - T[i + 1][j], x[j] - 0.5 * T[i][j - 1])
    return T[0][n - 1] + sum(map(sum, T))


@case(V(4), V(3))
def outer_list_comprehension(a, b):
    table = [[math.sin(x) * y for y in b] for x in a]
    best = [max(row) for row in table]
    col = [sum(row[j] for row in table) for j in range(len(b))]
    arr = np.array(table)
    return sum(best) * col[0] + np.linalg.norm(arr, "fro") + arr.T[1].sum()


@case(V(6), 0.5)
def early_exit_nested(x, tol):
    for i in range(len(x)):
        acc = 1.0
        for j in range(i, len(x)):
            acc *= 1 + 0.5 * x[j]
            if acc < tol:
                return acc * i + x[i]
            if acc > 2:
                break
        else:
            return acc - x[0]
    return acc


@case(V(3), V(3))
def optional_argument(x, y):
    def metric(a, b, M=None, squared=False):
        d = a - b
        if M is None:
            M = np.eye(len(d))
        v = d @ M @ d
        return v if squared else np.sqrt(v)

    return metric(x, y) + metric(x, y, squared=True) * metric(x, y, np.diag([1.0, 2.0, 3.0]))


@case(P(4), 0.2)
def star_args_chain(w, g):
    def mix(first, *others, weights=(1.0, 0.5, 0.25), **opts):
        acc = first * weights[0]
        for o, k in zip(others, weights[1:]):
            acc = acc + o * k
        if opts.get("normalize"):
            acc = acc / (1 + len(others))
        return acc * opts.get("gain", 1.0)

    parts = (w[0], w[1] ** 2)
    a = mix(*parts, w[2], normalize=True)
    b = mix(w[3], gain=g)
    c = mix(w, w[::-1], weights=(1.0, g))
    return a * b + c.sum()


@case(V(3, 3), V(3))
def matrix_exp_taylor(A, x):
    term = np.eye(3)
    E = term
    k = 1
    while np.abs(term).max() > 1e-3 and k < 12:
        term = term @ A / k
        E = E + term
        k += 1
    return x @ E @ x


@case(V(4, 4), V(4))
def power_iteration_deflate(A, v):
    A = (A + A.T) / 2 + 3 * np.diag(np.arange(4.0))
    vals = []
    for k in range(2):
        u = v / np.linalg.norm(v)
        for _ in range(6):
            u = A @ u
            u /= np.linalg.norm(u)
        lam = u @ A @ u
        vals.append(lam)
        A = A - lam * np.outer(u, u)
    return vals[0] - vals[1] + np.trace(A)


@case(P(7), 0.3)
def alternating_buffers(u, c):
    old, new = u.copy(), np.empty_like(u)
    prev = u.copy()
    for n in range(4):
        new[0] = new[-1] = 0.0
        new[1:-1] = 2 * old[1:-1] - prev[1:-1] + c**2 * (old[2:] - 2 * old[1:-1] + old[:-2])
        prev, old, new = old, new, prev
    return np.sum(old**2) + prev[2]


@case(V(6, 2), np.array([0, 1, 1, 2, 0, 2]))
def segment_reduce(x, seg):
    n = seg.max() + 1
    sums = np.zeros((n, 2))
    np.add.at(sums, seg, x)
    cnt = np.bincount(seg, minlength=n)
    mean = sums / cnt[:, None]
    var = np.zeros(n)
    for s in np.unique(seg):
        members = x[seg == s]
        var[s] = ((members - mean[s]) ** 2).mean()
    w = np.bincount(seg, weights=x[:, 0])
    return np.log(var + 0.1).sum() + w @ cnt + mean.max(axis=0).prod()


@case(V(5), P(5))
def histogram_entropy_soft(x, w):
    edges = np.linspace(-2, 2, 5)
    centers = 0.5 * (edges[1:] + edges[:-1])
    k = np.exp(-0.5 * ((x[:, None] - centers) / 0.5) ** 2)
    p = (w[:, None] * k).sum(axis=0)
    p /= p.sum()
    H = -np.sum(p * np.log(p, where=p > 0, out=np.zeros_like(p)))
    return H + np.digitize(x, edges).sum() * p[0]


@case(V(8), 0.3)
def fir_window_design(x, fc):
    n = np.arange(-3, 4)
    h = 2 * fc * np.sinc(2 * fc * n)
    win = 0.54 + 0.46 * np.cos(np.pi * n / 3)
    h = h * win
    h /= h.sum()
    y = np.convolve(x, h, "same")
    c = np.correlate(y, x, "full")
    return c[len(x) - 1] / c.max() + y.var()


@case(V(3, 3), P(3))
def strain_stress_tensor(F, lame):
    J = np.linalg.det(F + 2 * np.eye(3))
    C = F.T @ F
    E = 0.5 * (C - np.eye(3))
    I1 = np.trace(C)
    I2 = 0.5 * (I1**2 - np.einsum("ij,ji", C, C))
    S = lame[0] * np.trace(E) * np.eye(3) + 2 * lame[1] * E
    dev = S - S.trace() / 3 * np.eye(3)
    vm = np.sqrt(1.5 * np.tensordot(dev, dev))
    return vm + lame[2] * np.log(np.abs(J)) + I2


@case(V(3, 4), V(4, 3))
def chained_ops_precedence(A, B):
    C = A @ B
    D = C - C.T
    s = -((C**2).sum() ** 0.5) + 2 ** -np.abs(D).max()
    m = (C > 0) & (D != 0) | (C < -1)
    t = C[m].sum() - C[~m].sum() if m.any() else 0
    return s * t + (not m.all()) * C[0, 0]


@case(V(9), P(9), np.array([0, 3, 5]))
def reduceat_weekly(ret, vol, starts):
    weekly = np.add.reduceat(ret, starts)
    wvol = np.sqrt(np.add.reduceat(vol**2, starts))
    z = np.divide(weekly, wvol)
    running = np.cumprod(1 + 0.01 * ret, axis=0)
    dd = np.max(np.maximum.accumulate(running) - running, initial=0.0)
    return z.sum() + dd + np.diff(running, prepend=1.0, append=1.0)[-1]


@case(V(6), V(6))
def piecewise_tax(income, w):
    inc = np.abs(income) * 50
    tax = np.piecewise(
        inc,
        [inc < 20, (inc >= 20) & (inc < 60), inc >= 60],
        [lambda v: 0.1 * v, lambda v: 2 + 0.2 * (v - 20), lambda v: 10 + 0.4 * (v - 60)],
    )
    brackets = np.array([0.0, 20, 60, np.inf])
    rates = np.array([0.1, 0.2, 0.4])
    alt = sum(r * np.clip(inc - lo, 0, hi - lo) for r, lo, hi in zip(rates, brackets[:-1], brackets[1:]))
    return np.dot(w, tax - 0.5 * alt) + np.mean(tax / (inc + 1))


@case(V(4, 4), P(3))
def block_matrix_schur(A, d):
    B = np.block([[A[:2, :2], np.zeros((2, 3))], [np.ones((3, 2)), np.diag(d)]])
    K = np.kron(np.eye(2), A[2:, 2:])
    L = np.tril(A, -1) + np.triu(A, 1).T
    return np.linalg.det(B + 3 * np.eye(5)) + np.trace(K @ K) + np.abs(L).sum(axis=0).max()


@case(V(7), V(7))
def polyfit_detrend(t, y):
    t = np.sort(t)
    c = np.polyfit(t, y, 2)
    r = y - np.polyval(c, t)
    dc = np.polyder(c)
    sse = np.sum(r**2, where=np.abs(r) < 10)
    return sse + np.abs(np.polyval(dc, t[-1])) + c @ c


@case(V(3, 5), V(3))
def covariance_mahalanobis(X, m):
    S = np.cov(X) + 0.5 * np.eye(3)
    d = m - X.mean(axis=1)
    maha = np.sqrt(d @ np.linalg.inv(S) @ d)
    cond = np.linalg.norm(S, 2) * np.linalg.norm(np.linalg.inv(S), 2)
    return maha + np.log(cond) + np.linalg.norm(S, 1) + np.linalg.norm(X, np.inf)


@case(V(4, 6))
def tile_repeat_flip(A):
    B = np.repeat(A, 2, axis=0)[::2]
    C = np.tile(A[:, :2], (1, 3))
    D = np.rot90(A[:, :4])
    left, mid, right = np.hsplit(A, 3)
    top, bot = np.split(A, [1], axis=0)
    return (
        np.sum(B * C)
        + np.trace(D @ np.flipud(A[:, :4]))
        + (left * right[::-1]).sum()
        + top.sum() * bot.std()
        + mid.max(axis=1) @ np.flip(left[:, 0])
    )


@case(V(8), V(8))
def angles_wrapping(a, b):
    d = np.mod(a - b + np.pi, 2 * np.pi) - np.pi
    C, S = np.cos(a).mean(), np.sin(a).mean()
    Rbar = np.hypot(C, S)
    mean = np.arctan2(S, C)
    kappa = Rbar * (2 - Rbar**2) / (1 - Rbar**2)
    lags = np.degrees(d) % 90
    return kappa + mean**2 + np.abs(d).max() + lags.mean() / 90


@case(V(3, 4), V(4, 2), V(2, 3))
def einsum_chain(A, B, C):
    t = np.einsum("ij,jk,kl->il", A, B, C, optimize=True)
    u = np.einsum("...i,...i->...", A, A)
    v = np.einsum("ij,ik->jk", A, A)
    w = np.einsum("ii", t)
    return w + u.prod() + np.linalg.multi_dot([A.T, t, A])[0, 1] + v.max() + np.inner(u, u)


@case(V(10))
def missing_data_imputation(x):
    y = x.copy()
    y[[2, 5]] = np.nan
    ok = ~np.isnan(y)
    idx = np.arange(len(y))
    filled = np.interp(idx, idx[ok], y[ok])
    y[~ok] = filled[~ok]
    s = np.nanstd(np.where(ok, x, np.nan))
    z = np.nan_to_num((x - np.nanmean(np.where(ok, x, np.nan))) / s)
    return np.sum(y**2) + np.abs(z).sum()


@case(V(3, 3), 0.4)
def so3_log_map(A, eps):
    Q, R = np.linalg.qr(A)
    Q = Q * np.sign(np.diag(R))
    th = np.arccos(np.clip((np.trace(Q) - 1) / 2, -0.999, 0.999))
    K = (Q - Q.T) / (2 * np.sin(th))
    w = np.array([K[2, 1], K[0, 2], K[1, 0]])
    skew = lambda v: np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    Rr = np.eye(3) + eps * skew(w) + eps**2 * skew(w) @ skew(w)
    return th + np.sum(Rr[0] * w)


@case(V(5), V(4))
def broadcast_grids(x, y):
    X, Y = np.broadcast_arrays(x[:, None], y)
    gx, gy = np.ogrid[0:5, 0:4]
    R = np.sqrt((X - 1) ** 2 + Y**2 + 0.1 * gx + 0.2 * gy)
    i, j = np.unravel_index(np.argmin(R), R.shape)
    ring = np.count_nonzero((R > 1) & (R < 2))
    return R[i, j] + R.sum(axis=1, keepdims=True).max() + ring * x[0] + np.ptp(R, axis=0).sum()


@case(P(6), P(6))
def option_strip_vectorised(K, T):
    K = 90 + 10 * K
    F, v = 100.0, 0.2
    sd = v * np.sqrt(T)
    d1 = np.log(F / K) / sd + sd / 2
    t = 1 / (1 + 0.2316419 * np.abs(d1))
    poly = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    pdf = np.exp(-0.5 * d1**2) / np.sqrt(2 * np.pi)
    cdf = np.where(d1 >= 0, 1 - pdf * poly, pdf * poly)
    strip = F * cdf - K * (cdf - 0.1)
    strip[strip < 0] = 0
    order = np.lexsort((K, T))
    return np.trapezoid(strip[order], T[order]) + strip.max()


@case(V(5, 3))
def voting_softmax_topk(logits):
    k = 2
    part = np.partition(logits, -k, axis=1)[:, -k:]
    gate = np.where(logits >= part.min(axis=1, keepdims=True), logits, -np.inf)
    e = np.exp(gate - gate.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    load = p.sum(axis=0)
    aux = 3 * np.sum((load / load.sum()) ** 2)
    return aux + np.sum(p * logits) + p.argmax(axis=1).sum() * 0.1


@case(V(2, 3, 4), V(4, 4))
def batch_matmul_attention_mask(q, W):
    k = q @ W
    s = np.matmul(q, k.transpose(0, 2, 1)) / np.sqrt(q.shape[-1])
    mask = np.tril(np.ones((3, 3), dtype=bool))
    s = np.where(mask, s, -1e9)
    a = np.exp(s - s.max(axis=-1, keepdims=True))
    a /= a.sum(axis=-1, keepdims=True)
    o = a @ q
    return np.square(o).mean() + o[..., 0].sum() + np.linalg.norm(o, axis=(1, 2)).max()


@case(V(6), V(5))
def tridiagonal_eig_lanczos(a, b):
    T = np.diag(a) + np.diag(b, 1) + np.diag(b, -1)
    w, v = np.linalg.eigh(T)
    ground = v[:, 0] * np.sign(v[0, 0])
    gap = w[1] - w[0]
    Z = np.sum(np.exp(-(w - w.min())))
    return gap + (ground * np.arange(6)).sum() + np.log(Z) + ground[2] ** 2


@case(P(5), 0.3, 4)
def radioactive_chain(lam, dt, n):
    N = np.zeros(5)
    N[0] = 1.0
    A = np.diag(-lam) + np.diag(lam[:-1], k=-1)
    I = np.eye(5)
    for step in range(n):
        N = np.linalg.solve(I - 0.5 * dt * A, (I + 0.5 * dt * A) @ N)
    activity = lam * N
    return activity.sum() + N[-1] / N.sum()


@case(V(4, 2), V(4))
def thin_plate_spline(ctrl, vals):
    d = np.linalg.norm(ctrl[:, None] - ctrl[None, :], axis=-1)
    with_log = np.where(d > 0, d**2 * np.log(np.where(d > 0, d, 1)), 0)
    P_ = np.c_[np.ones(4), ctrl]
    A = np.zeros((7, 7))
    A[:4, :4] = with_log + 0.1 * np.eye(4)
    A[:4, 4:] = P_
    A[4:, :4] = P_.T
    coef = np.linalg.solve(A, np.r_[vals, np.zeros(3)])
    return coef[:4] @ with_log @ coef[:4] + coef[4]


@case(V(7), 2.0, 0.5)
def huber_irls_location(x, c, s0):
    mu, s = np.median(x), s0
    for _ in range(10):
        r = (x - mu) / s
        w = np.ones_like(r)
        big = np.abs(r) > c
        w[big] = c / np.abs(r[big])
        new = np.sum(w * x) / np.sum(w)
        if abs(new - mu) < 1e-3 * s:
            mu = new
            break
        mu = new
    return mu * s + w.sum()


@case(V(5, 5))
def sandpile_masks(z):
    z = np.abs(z) * 3
    for it in range(4):
        over = z > 3
        if not over.any():
            break
        spill = np.where(over, z * 0.5, 0)
        z -= spill
        z[1:] += spill[:-1] / 4
        z[:-1] += spill[1:] / 4
        z[:, 1:] += spill[:, :-1] / 4
        z[:, :-1] += spill[:, 1:] / 4
    r, c = np.nonzero(z > 1)
    return z.sum() + (z[r, c] * (r - c)).sum()


@case(P(8), 0.3)
def allometric_forest(dbh, thin):
    h = 1.3 + 25 * (1 - np.exp(-0.05 * dbh * 20)) ** 1.2
    g = np.pi / 4 * (dbh * 0.2) ** 2
    order = np.argsort(dbh)
    keep = np.ones(len(dbh), dtype=bool)
    removed = 0.0
    for i in order:
        if removed + g[i] > thin * g.sum():
            break
        removed += g[i]
        keep[i] = False
    v = 0.45 * g * h
    lorey = np.average(h[keep], weights=g[keep])
    return v[keep].sum() + lorey + removed


@case(P(4), P(4))
def queue_tandem_lindley(arr, srv):
    A = arr.cumsum()
    D = np.empty((3, 4))
    for m, speed in enumerate([1.0, 1.3, 0.8]):
        inp = A if m == 0 else D[m - 1]
        for n in range(4):
            free = D[m, n - 1] if n > 0 else -np.inf
            D[m, n] = max(inp[n], free) + srv[n] / speed
    soj = D[-1] - A
    return soj.mean() + soj.max() + (D[1:] - D[:-1]).min()


@case(V(6, 2), 0.5)
def boids_step(pos, w):
    vel = np.zeros_like(pos)
    for step in range(2):
        diff = pos[:, None, :] - pos[None, :, :]
        d2 = np.sum(diff**2, axis=-1)
        near = (d2 < 4.0) & ~np.eye(len(pos), dtype=bool)
        cnt = near.sum(axis=1)
        center = np.where(cnt[:, None] > 0, near @ pos / np.maximum(cnt, 1)[:, None], pos)
        sep = np.sum(diff * (near / (d2 + 0.1))[:, :, None], axis=1)
        vel = 0.9 * vel + w * (center - pos) + 0.1 * sep
        speed = np.linalg.norm(vel, axis=1, keepdims=True)
        vel = np.where(speed > 1, vel / (speed + 1e-12), vel)
        pos = pos + 0.1 * vel
    return np.var(pos, axis=0).sum() + pos[0] @ pos[1]


@case(P(5), V(5))
def insurance_tariff_glm(expo, beta):
    age = [20, 35, 50, 65, 80]
    rel = {"young": beta[0], "mid": beta[1], "old": beta[2]}
    prem = []
    for e, a in zip(expo, age):
        if a < 30:
            b = rel["young"]
        elif a < 60:
            b = rel["mid"]
        else:
            b = rel["old"]
        mu = e * math.exp(0.1 * b + 0.01 * beta[3])
        prem.append(mu if mu < 5 else 5 + math.log(mu - 4))
    total = math.fsum(prem)
    gini = sum(abs(p - q) for p in prem for q in prem) / (2 * len(prem) * total)
    return total + gini + beta[4] ** 2


def leaves(tree, path=()):
    """The floating leaves of containers with the way to each."""
    if is_floating(tree):
        yield path, tree
    elif isinstance(tree, dict):
        for k, v in tree.items():
            yield from leaves(v, (*path, k))
    elif isinstance(tree, (list, tuple)):
        for k, v in enumerate(tree):
            yield from leaves(v, (*path, k))


def moved(tree, path, by):
    """The containers with `by` added to the leaf at the end of the way."""
    if not path:
        return tree + by
    k, rest = path[0], path[1:]
    if isinstance(tree, dict):
        return {**tree, k: moved(tree[k], rest, by)}
    items = [moved(v, rest, by) if i == k else v for i, v in enumerate(tree)]
    if isinstance(tree, list):
        return items
    return type(tree)(*items) if hasattr(tree, "_fields") else tuple(items)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_programs(case):
    check(replace(case, rtol=max(case.rtol, 5e-5), atol=max(case.atol, 1e-5)), levels=(0, 2))


@pytest.mark.parametrize(("fn", "args", "aux"), TREES, ids=[t[0].__name__ for t in TREES])
def test_containers(fn, args, aux):
    wrt = tuple(i for i, a in enumerate(args) if any(True for _ in leaves(a)))
    after = copy.deepcopy(args)
    expected = fn(*after)
    for level in (0, 2):
        given = copy.deepcopy(args)
        out, found = value_and_grad(fn, wrt=wrt, optimize=level, has_aux=aux)(*given)
        for (_, a), (_, b) in zip(leaves([out, given]), leaves([expected, after]), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
        for k, gradient in zip(wrt, found, strict=True):
            parts = dict(leaves(gradient))
            for path, leaf in leaves(args[k]):
                step = np.zeros(np.shape(leaf))
                for i in np.ndindex(step.shape):
                    values = []
                    for h in (1e-6, -1e-6):
                        step[i] = h
                        at = copy.deepcopy(args)
                        value = fn(*at[:k], moved(at[k], path, step if step.ndim else h), *at[k + 1 :])
                        values.append(value[0] if aux else value)
                        step[i] = 0.0
                    d = (values[0] - values[1]) / 2e-6
                    np.testing.assert_allclose(np.asarray(parts[path])[i], d, rtol=5e-5, atol=1e-6)
