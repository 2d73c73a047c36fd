"""Densities and distribution functions of scipy.stats in terms of special functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from s2sad.library.operation import Operation, known

gammaln, betaln = Operation("scipy.special.gammaln"), Operation("scipy.special.betaln")
xlogy, xlog1py = Operation("scipy.special.xlogy"), Operation("scipy.special.xlog1py")
ndtr, log_ndtr = Operation("scipy.special.ndtr"), Operation("scipy.special.log_ndtr")
gammainc, gammaincc = Operation("scipy.special.gammainc"), Operation("scipy.special.gammaincc")
betainc = Operation("scipy.special.betainc")


def standard(x: Any, loc: Any, scale: Any) -> Any:
    z = x if known(loc, 0) else x - loc
    return z if known(scale, 1) else z / scale


def norm_logpdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    z = standard(x, loc, scale)
    return -0.5 * z * z - np.log(scale) - 0.5 * math.log(2 * math.pi)


def norm_pdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    z = standard(x, loc, scale)
    return np.exp(-0.5 * z * z) / (math.sqrt(2 * math.pi) * scale)


def norm_cdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return ndtr(standard(x, loc, scale))


def norm_logcdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return log_ndtr(standard(x, loc, scale))


def norm_sf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return ndtr(-standard(x, loc, scale))


def norm_logsf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return log_ndtr(-standard(x, loc, scale))


def expon_logpdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    z = standard(x, loc, scale)
    return np.where(z < 0, -np.inf, -z - np.log(scale))


def expon_pdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    z = standard(x, loc, scale)
    return np.where(z < 0, 0.0, np.exp(-z) / scale)


def expon_cdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    z = standard(x, loc, scale)
    return np.where(z < 0, 0.0, -np.expm1(-z))


def gamma_logpdf(x: Any, a: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    z = standard(x, loc, scale)
    inside = np.where(z < 0, 1.0, z)
    return np.where(z < 0, -np.inf, xlogy(a - 1.0, inside) - inside - gammaln(a) - np.log(scale))


def gamma_pdf(x: Any, a: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return np.exp(gamma_logpdf(x, a, loc, scale))


def gamma_cdf(x: Any, a: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    z = standard(x, loc, scale)
    return np.where(z < 0, 0.0, gammainc(a, np.where(z < 0, 1.0, z)))


def beta_logpdf(x: Any, a: Any, b: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    z = standard(x, loc, scale)
    outside = (z < 0) | (z > 1)
    inside = np.where(outside, 0.5, z)
    density = xlogy(a - 1.0, inside) + xlog1py(b - 1.0, -inside) - betaln(a, b) - np.log(scale)
    return np.where(outside, -np.inf, density)


def beta_pdf(x: Any, a: Any, b: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return np.exp(beta_logpdf(x, a, b, loc, scale))


def beta_cdf(x: Any, a: Any, b: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return betainc(a, b, np.clip(standard(x, loc, scale), 0.0, 1.0))


def t_logpdf(x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    z = standard(x, loc, scale)
    factor = gammaln(0.5 * (df + 1.0)) - gammaln(0.5 * df) - 0.5 * np.log(math.pi * df)
    return factor - 0.5 * (df + 1.0) * np.log1p(z * z / df) - np.log(scale)


def t_pdf(x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    return np.exp(t_logpdf(x, df, loc, scale))


def poisson_logpmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    n = k - loc
    return xlogy(n, mu) - gammaln(n + 1.0) - mu


def poisson_pmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    return np.exp(poisson_logpmf(k, mu, loc))


def multivariate_normal_logpdf(x: Any, mean: Any, cov: Any) -> Any:
    """From the Cholesky factor of the covariance; x may hold several points along its first axes."""
    factor = np.linalg.cholesky(cov)
    d = np.asarray(x) - mean
    if d.ndim == 1:
        z = np.linalg.solve(factor, d)
    else:
        z = np.swapaxes(np.linalg.solve(factor, np.swapaxes(d, -1, -2)), -1, -2)
    log_det = 2.0 * np.sum(np.log(np.einsum("ii->i", factor)))
    return -0.5 * (np.sum(z * z, axis=-1) + log_det + factor.shape[0] * math.log(2 * math.pi))


def multivariate_normal_pdf(x: Any, mean: Any, cov: Any) -> Any:
    return np.exp(multivariate_normal_logpdf(x, mean, cov))


_FUNCTIONS = (
    norm_logpdf, norm_pdf, norm_cdf, norm_logcdf, norm_sf, norm_logsf, expon_logpdf, expon_pdf, expon_cdf, gamma_logpdf,
    gamma_pdf, gamma_cdf, beta_logpdf, beta_pdf, beta_cdf, t_logpdf, t_pdf, poisson_logpmf, poisson_pmf,
    multivariate_normal_logpdf, multivariate_normal_pdf,
)  # fmt: skip
NAMED: list[tuple[Any, str]] = [
    (fn, "scipy.stats." + ".".join(fn.__name__.rsplit("_", 1))) for fn in _FUNCTIONS
]
