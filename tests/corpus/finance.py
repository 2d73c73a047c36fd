"""What quants and statisticians write: option prices, rates, paths, likelihoods, filters."""

import math

import numpy as np

from tests.corpus.registry import arr, program


def norm_cdf(x):
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


def norm_pdf(x):
    return math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


@program((100.0, 95.0, 0.03, 0.25, 0.75, "call"), (100.0, 95.0, 0.03, 0.25, 0.75, "put"), tags="realistic")
def black_scholes(spot, strike, rate, vol, expiry, kind):
    root = vol * math.sqrt(expiry)
    d1 = (math.log(spot / strike) + (rate + 0.5 * vol**2) * expiry) / root
    d2 = d1 - root
    discount = math.exp(-rate * expiry)
    if kind == "call":
        return spot * norm_cdf(d1) - strike * discount * norm_cdf(d2)
    return strike * discount * norm_cdf(-d2) - spot * norm_cdf(-d1)


def call_price(spot, strike, rate, vol, expiry):
    root = vol * math.sqrt(expiry)
    d1 = (math.log(spot / strike) + (rate + 0.5 * vol**2) * expiry) / root
    return spot * norm_cdf(d1) - strike * math.exp(-rate * expiry) * norm_cdf(d1 - root)


@program((9.0, 100.0, 95.0, 0.03, 0.6), tags="realistic while")
def implied_volatility(price, spot, strike, rate, expiry):
    vol = 0.3
    error = 1.0
    steps = 0
    while abs(error) > 1e-11 and steps < 30:
        root = vol * math.sqrt(expiry)
        d1 = (math.log(spot / strike) + (rate + 0.5 * vol**2) * expiry) / root
        vega = spot * norm_pdf(d1) * math.sqrt(expiry)
        error = call_price(spot, strike, rate, vol, expiry) - price
        vol = vol - error / vega
        steps += 1
    return vol


NORMALS = [0.31, -1.12, 0.48, 0.05, -0.77, 1.31, -0.22, 0.64]


@program((100.0, 0.03, 0.2, 90.0, 95.0), (100.0, 0.03, 0.2, 60.0, 95.0), tags="realistic")
def barrier_path(spot, rate, vol, barrier, strike):
    dt = 0.125
    s = spot
    for z in NORMALS:
        s = s * math.exp((rate - 0.5 * vol * vol) * dt + vol * math.sqrt(dt) * z)
        if s < barrier:
            return 0.01 * s
    return max(s - strike, 0.0) * math.exp(-rate)


@program((100.0, 0.2, arr(0.31, -1.12, 0.48, 0.05, -0.77)), wrt=(0, 1), tags="realistic")
def asian_option(spot, vol, normals):
    total = 0.0
    s = spot
    n = len(normals)
    for i in range(n):
        s *= math.exp(-0.5 * vol**2 / n + vol * normals[i] / math.sqrt(n))
        total += s
    average = total / n
    return average - 90.0 if average > 90.0 else 0.0


@program((100.0, 100.5, 0.03, 0.2, 6), tags="realistic dp")
def binomial_american_put(spot, strike, rate, vol, steps):
    dt = 1.0 / steps
    up = math.exp(vol * math.sqrt(dt))
    down = 1.0 / up
    p = (math.exp(rate * dt) - down) / (up - down)
    discount = math.exp(-rate * dt)
    values = np.zeros(steps + 1)
    for i in range(steps + 1):
        values[i] = max(strike - spot * up**i * down ** (steps - i), 0.0)
    for n in range(steps - 1, -1, -1):
        for i in range(n + 1):
            hold = discount * (p * values[i + 1] + (1.0 - p) * values[i])
            exercise = strike - spot * up**i * down ** (n - i)
            values[i] = max(hold, exercise)
    return values[0]


@program((0.04, [3.0, 3.0, 3.0, 103.0]), (arr(0.04)[0], (3.0, 103.0)), wrt=(0,), tags="realistic")
def bond_price(yield_rate, cashflows):
    price = 0.0
    for t, c in enumerate(cashflows):
        price += c / (1.0 + yield_rate) ** (t + 1)
    return price


@program((0.03, 0.02, -0.01, 1.5, 4.2), tags="realistic")
def nelson_siegel(b0, b1, b2, tau, t):
    x = t / tau
    loading = (1.0 - math.exp(-x)) / x
    return b0 + b1 * loading + b2 * (loading - math.exp(-x))


@program((arr(0.01, 0.02, 0.025, 0.03),), tags="realistic")
def swap_rate_bootstrap(rates):
    n = len(rates)
    discount = np.empty(n)
    annuity = 0.0
    for i in range(n):
        discount[i] = (1.0 - rates[i] * annuity) / (1.0 + rates[i])
        annuity += discount[i]
    return (1.0 - discount[n - 1]) / annuity + discount[1]


@program((0.1, 0.05, 0.85, [0.3, -0.9, 0.5, 1.2, -0.4]), tags="realistic")
def garch_likelihood(omega, alpha, beta, returns):
    variance = omega / (1.0 - alpha - beta)
    total = 0.0
    for r in returns:
        total += math.log(variance) + r * r / variance
        variance = omega + alpha * r * r + beta * variance
    return 0.5 * total


@program((0.8, 0.3, 0.5, [1.0, 1.4, 0.7, 1.1]), tags="realistic")
def kalman_scalar(a, q, r, observations):
    mean, var = 0.0, 1.0
    loglik = 0.0
    for y in observations:
        mean = a * mean
        var = a * a * var + q
        s = var + r
        gain = var / s
        innovation = y - mean
        loglik -= 0.5 * (math.log(2.0 * math.pi * s) + innovation**2 / s)
        mean += gain * innovation
        var *= 1.0 - gain
    return loglik


@program((0.2, 0.5, [(66, 0), (57, 1), (70, 1), (53, 1)]), wrt=(0, 1), tags="realistic")
def logistic_loss(a, b, rows):
    loss = 0.0
    for x, y in rows:
        z = 1.0 / (1.0 + math.exp(-(a * (x - 60) * 0.1 + b)))
        loss -= math.log(z) if y == 1 else math.log(1.0 - z)
    return loss / len(rows)


@program((0.3, 0.1, [0.4, 1.9, -0.8], [1, 0, 1]), tags="realistic")
def probit_likelihood(slope, intercept, xs, ys):
    s = 0.0
    for x, y in zip(xs, ys):  # noqa: B905
        p = norm_cdf(slope * x + intercept)
        s += y * math.log(p) + (1 - y) * math.log(1.0 - p)
    return s


@program((arr(0.7, -1.2, 0.4),), tags="realistic")
def log_sum_exp(x):
    top = x[0]
    for v in x:
        if v > top:
            top = v
    s = 0.0
    for v in x:
        s += math.exp(v - top)
    return top + math.log(s)


@program((arr(0.7, -1.2, 0.4),), tags="realistic")
def softmax_entropy(x):
    n = len(x)
    e = np.empty(n)
    total = 0.0
    for i in range(n):
        e[i] = math.exp(x[i])
        total += e[i]
    h = 0.0
    for i in range(n):
        p = e[i] / total
        h -= p * math.log(p)
    return h


@program((0.4, 1.3, [0.2, 1.7, 2.4]), tags="realistic")
def gamma_log_density(shape, scale, data):
    s = 0.0
    for x in data:
        s += (shape - 1.0) * math.log(x) - x / scale - math.lgamma(shape) - shape * math.log(scale)
    return s


@program((arr(1.0, 2.0, 4.0, 3.0),), tags="realistic")
def welford_variance(x):
    mean = 0.0
    m2 = 0.0
    for i in range(len(x)):
        delta = x[i] - mean
        mean += delta / (i + 1)
        m2 += delta * (x[i] - mean)
    return m2 / (len(x) - 1)


@program((arr(0.5, 0.2), arr(1.0, 0.4, -0.3, 0.8, 0.1)), tags="realistic")
def ar_filter(phi, e):
    n = len(e)
    y = np.zeros(n)
    for t in range(n):
        y[t] = e[t]
        for k in range(len(phi)):
            if t - k - 1 >= 0:
                y[t] += phi[k] * y[t - k - 1]
    s = 0.0
    for t in range(n):
        s += y[t] * y[t]
    return s


@program((0.4, arr(1.0, 0.4, -0.3, 0.8, 0.1)), tags="realistic")
def exponential_smoothing(alpha, y):
    level = y[0]
    sse = 0.0
    for t in range(1, len(y)):
        error = y[t] - level
        sse += error**2
        level += alpha * error
    return sse


@program((100.0, 0.05, 30), tags="realistic")
def mortgage_payment(principal, rate, months):
    if rate == 0.0:
        return principal / months + 0.5 * rate * principal
    growth = (1.0 + rate) ** months
    return principal * rate * growth / (growth - 1.0)


@program((0.4, 0.25, 0.1), tags="realistic")
def sabr_like(alpha, rho, nu):
    f, k, t = 1.2, 1.0, 2.0
    z = nu / alpha * math.sqrt(f * k) * math.log(f / k)
    chi = math.log((math.sqrt(1.0 - 2.0 * rho * z + z * z) + z - rho) / (1.0 - rho))
    correction = 1.0 + (0.25 * rho * nu * alpha + (2.0 - 3.0 * rho**2) / 24.0 * nu**2) * t
    return alpha * z / chi * correction
