"""scipy.special, scipy.linalg, scipy.stats: reverse against forward mode and differences."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("scipy")
import scipy.linalg as sl
import scipy.special as sp
import scipy.stats as st
from scipy.special import expit, logsumexp
from scipy.stats import norm

from s2sad import grad, jvp, value_and_grad
from s2sad.errors import S2sadError
from tests.array_checks import Case, check, collector

rng = np.random.default_rng(0)
CASES: list[Case] = []


case = collector(CASES)


def normal(*shape):
    return rng.normal(size=shape)


def weighted(y):
    """A number that depends on each element of an array differently."""
    return np.sum(np.sin(y + 0.3) * y)


def unit(*shape):
    return rng.uniform(0.1, 0.9, size=shape)


def positive(*shape):
    return rng.uniform(0.5, 3.0, size=shape)


@case(normal(4), 0.3)
def errors(x, s):
    return (
        weighted(sp.erf(x))
        + weighted(sp.erfc(x))
        + weighted(sp.erfcx(x))
        + sp.erf(s) * sp.dawsn(s)
        + sp.erfi(s)
    )


@case(unit(4), 0.4)
def inverse_errors(x, s):
    return (
        weighted(sp.erfinv(x)) + weighted(sp.erfcinv(x)) + sp.erfinv(s) + weighted(sp.ndtri(x)) + sp.ndtri(s)
    )


@case(normal(4), -20.0)
def normal_distribution(x, s):
    return weighted(sp.ndtr(x)) + weighted(sp.log_ndtr(x)) + sp.log_ndtr(s)


@case(positive(4), 2.5)
def gammas(x, s):
    a = weighted(sp.gamma(x)) + weighted(sp.gammaln(x)) + weighted(sp.loggamma(x)) + weighted(sp.digamma(x))
    return (
        a
        + weighted(sp.polygamma(1, x))
        + sp.psi(s) * sp.gamma(s)
        + sp.polygamma(2, s)
        + weighted(sp.rgamma(x))
    )


@case(positive(4), positive(4), 1.5)
def betas(a, b, s):
    return weighted(sp.beta(a, b)) + weighted(sp.betaln(a, s)) + sp.beta(s, 2 * s)


@case(positive(4), 1.5)
def incomplete_gammas(x, s):
    return weighted(sp.gammainc(2.5, x)) + weighted(sp.gammaincc(1.0, x)) + sp.gammainc(2.0, s)


@case(unit(4))
def incomplete_beta(x):
    return weighted(sp.betainc(2.0, 3.5, x)) + sp.betainc(1.0, 1.0, x[0])


@case(positive(4), 1.7)
def bessel(x, s):
    a = (
        weighted(sp.j0(x))
        + weighted(sp.j1(x))
        + weighted(sp.jn(2, x))
        + weighted(sp.jv(1.5, x))
        + sp.j0(s) * sp.j1(s)
    )
    return a + weighted(sp.y0(x)) + weighted(sp.y1(x)) + weighted(sp.yn(2, x)) + weighted(sp.yv(0.5, x))


@case(positive(4), 1.7)
def modified_bessel(x, s):
    a = (
        weighted(sp.i0(x))
        + weighted(sp.i1(x))
        + weighted(sp.i0e(-x))
        + weighted(sp.i1e(x))
        + weighted(sp.iv(1.5, x))
    )
    b = (
        weighted(sp.k0(x))
        + weighted(sp.k1(x))
        + weighted(sp.kv(2.5, x))
        + weighted(sp.ive(1.5, x))
        + weighted(sp.kve(1.5, x))
    )
    return a + b + sp.i0(s) * sp.k0(s) + weighted(sp.k0e(x)) + weighted(sp.k1e(x)) + weighted(sp.kn(2, x))


@case(normal(4), 0.3)
def logistic(x, s):
    return (
        weighted(expit(x)) + weighted(sp.log_expit(x)) + weighted(sp.logit(expit(x))) + expit(s) * sp.logit(s)
    )


@case(normal(3, 4), unit(4))
def sums_of_exponentials(A, b):
    a = logsumexp(A) + weighted(logsumexp(A, axis=0)) + weighted(logsumexp(A, axis=1, keepdims=True))
    return (
        a
        + logsumexp(A, b=b)
        + weighted(logsumexp(A, axis=-1, b=b))
        + weighted(A - logsumexp(A, axis=(0, 1), keepdims=True))
    )


@case(normal(3, 4))
def softmaxes(A):
    a = weighted(sp.softmax(A)) + weighted(sp.softmax(A, axis=1)) + weighted(sp.softmax(A, axis=0))
    return a + weighted(sp.log_softmax(A)) + weighted(sp.log_softmax(A, axis=-1))


@case(positive(4), positive(4), 1.5)
def entropies(x, y, s):
    a = (
        weighted(sp.xlogy(x, y))
        + weighted(sp.xlog1py(x, y))
        + weighted(sp.rel_entr(x, y))
        + weighted(sp.entr(x))
    )
    return a + weighted(sp.kl_div(x, y)) + sp.xlogy(s, s) + weighted(sp.xlogy(x[:, None], y))


@case(unit(4), 0.3)
def others(x, s):
    a = (
        weighted(sp.ellipk(x))
        + weighted(sp.ellipe(x))
        + weighted(sp.exprel(x))
        + weighted(sp.sinc(x))
        + weighted(sp.cbrt(x))
    )
    b = (
        weighted(sp.exp2(x))
        + weighted(sp.exp10(x))
        + weighted(sp.expm1(x))
        + weighted(sp.log1p(x))
        + weighted(sp.cosm1(x))
    )
    return a + b + weighted(sp.lambertw(x).real) + sp.ellipk(s) * sp.exprel(s) + sp.lambertw(s).real


def test_singular_points():
    assert grad(at_zero)(0.0) == pytest.approx(np.pi / 8 - np.pi / 8 + 0.5 + 1.0)


def at_zero(x):
    return sp.ellipk(x) + sp.ellipe(x) + sp.exprel(x) + sp.lambertw(x).real


@case(normal(3, 3) + 4 * np.eye(3), normal(3), normal(3, 2))
def triangular(A, b, B):
    a = weighted(sl.solve_triangular(A, b)) + weighted(sl.solve_triangular(A, B, lower=True))
    a = a + weighted(sl.solve_triangular(A, b, trans=1, unit_diagonal=True)) + weighted(sl.solve(A, b))
    return a + weighted(sl.solve_triangular(A, B, trans="T", lower=True))


@case(normal(3, 3), normal(3))
def cholesky_solves(A, b):
    S = A @ A.T
    c = sl.cho_factor(S)
    low = sl.cho_factor(S, lower=True)
    return (
        weighted(sl.cho_solve(c, b))
        + weighted(sl.cho_solve((low[0], True), b))
        + weighted(sl.cholesky(S))
        + sl.det(S)
    )


@case(normal(3, 3))
def exponential(A):
    return weighted(sl.expm(A)) + sl.expm(A * 0.5)[0, 1] + sl.norm(A)


@case(normal(4), 0.2, 1.3)
def normal_density(x, m, s):
    a = np.sum(norm.logpdf(x, m, s)) + weighted(norm.pdf(x, loc=m, scale=s)) + weighted(norm.cdf(x, m, s))
    return a + weighted(norm.logcdf(x)) + norm.sf(m) + norm.logpdf(m)


@case(unit(4) * 0.8 + 0.1, 1.3)
def logarithms_of_distribution_functions(x, s):
    k = np.array([-1, 0, 3])
    a = (
        weighted(st.gamma.logcdf(x, 2.0, scale=s))
        + weighted(st.gamma.logsf(x - 0.2, 3.0))
        + st.gamma.sf(s, 2.0)
    )
    b = (
        weighted(st.beta.logcdf(x, 2.0, 3.0))
        + weighted(st.beta.logsf(x, 2.0, 1.5))
        + weighted(st.beta.sf(x, 1.5, 2.0))
    )
    c = (
        weighted(st.t.logcdf(x, 3.0, 0.2, s))
        + weighted(st.t.logsf(x, 2.5))
        + np.sum(st.t.cdf(k * x[0], 4.0))
        + st.t.sf(s, 2.0)
    )
    d = weighted(st.expon.logcdf(x, scale=s)) + weighted(st.expon.logsf(x)) + np.sum(st.expon.sf(k * s))
    e = (
        np.sum(st.poisson.cdf(k, s))
        + st.poisson.logcdf(2, s)
        + np.sum(st.poisson.sf(k, s))
        + weighted(st.poisson.logsf(3, x))
    )
    return a + b + c + d + e


@case(normal(3), positive(3))
def covariances_by_number_and_variances(x, v):
    f = st.multivariate_normal
    a = f.logpdf(x, np.zeros(3), v[0]) + f.logpdf(x, mean=v, cov=v) + f.logpdf(x, cov=np.diag(v))
    return a + np.sum(f.logpdf(x)) + np.sum(f.pdf(x, 0.1, 2.0))


@case(positive(4), 2.2, 1.3)
def positive_densities(x, a, s):
    b = (
        np.sum(st.expon.logpdf(x, scale=s))
        + weighted(st.expon.cdf(x))
        + np.sum(st.gamma.logpdf(x, a, scale=s))
    )
    return (
        b + weighted(st.gamma.pdf(x, a)) + weighted(st.gamma.cdf(x, 2.0, scale=s)) + weighted(st.expon.pdf(x))
    )


@case(unit(4), 2.2, 1.3)
def other_densities(x, a, b):
    c = (
        np.sum(st.beta.logpdf(x, a, b))
        + weighted(st.t.logpdf(x, a, b))
        + weighted(st.t.pdf(x, a))
        + weighted(st.beta.pdf(x, a, b))
    )
    return (
        c
        + st.poisson.logpmf(3, a)
        + np.sum(st.poisson.logpmf(np.array([1, 2]), b))
        + weighted(st.beta.cdf(x, 2.0, 3.0))
    )


@case(normal(2), normal(2), normal(2, 2), normal(3, 2))
def multivariate(x, m, A, X):
    S = A @ A.T + 0.0
    f = st.multivariate_normal.logpdf
    return f(x, m, S) + weighted(f(X, mean=m, cov=S)) + st.multivariate_normal.pdf(x, m, S)


@case(normal(2), normal(2), normal(2, 2), normal(3, 2))
def multivariate_cdf(x, m, A, X):
    S = A @ A.T + 0.1 * np.eye(2)
    f = st.multivariate_normal
    one = f.cdf(x[:1], m[:1], S[:1, :1]) * f.logcdf(x[0], m[0], S[1, 1]) + weighted(
        f.logcdf(X[0], cov=S[0, 0])
    )
    return (
        f.logcdf(x, m, S)
        + weighted(f.cdf(X, mean=m, cov=S))
        + weighted(f.logcdf(X, cov=np.diag(m * m)))
        + one
    )


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_special(case):
    check(case)


def of_many(x, m, S):
    return st.multivariate_normal.logcdf(x, m, S)


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("n", [3, 4])
def test_multivariate_cdf_of_many(n, jit):
    """By one component: its density times the probability of the others, given it. By all of the covariance C: the
    value of g(s) = logcdf(s * x, 0, s**2 * C) does not vary."""
    r = np.random.default_rng(n)
    A, x, m = r.normal(size=(n, n)), r.normal(size=n) + 1.0, r.normal(size=n)
    S = A @ A.T + np.eye(n)
    value, (dx, dm, dS) = value_and_grad(of_many, wrt=(0, 1, 2), jit=jit)(x, m, S)
    np.testing.assert_allclose(value, st.multivariate_normal.logcdf(x, m, S), rtol=1e-3)
    expected = []
    for i in range(n):
        rest = np.arange(n) != i
        shift, v = S[rest, i] / S[i, i], S[i, i]
        given = S[np.ix_(rest, rest)] - np.outer(shift, S[rest, i])
        others = st.multivariate_normal.cdf((x - m)[rest], shift * (x - m)[i], given)
        expected.append(st.norm.pdf((x - m)[i], 0.0, np.sqrt(v)) * others / np.exp(value))
    np.testing.assert_allclose(dx, expected, rtol=1e-3, atol=2e-4)
    np.testing.assert_allclose(dm, -dx, rtol=1e-12)
    np.testing.assert_allclose(np.sum(dx * (x - m)) + 2.0 * np.sum(dS * S), 0.0, atol=1e-9)


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_multivariate_cdf_without_bounds(jit):
    """Components without an upper bound do not count; below all of them the probability is 0."""
    derivative = value_and_grad(probability, wrt=(0, 1, 2), jit=jit)
    S = np.array([[1.5, 0.5, 0.2], [0.5, 2.0, 0.3], [0.2, 0.3, 1.0]])
    for n in (1, 2, 3):
        x = np.array([0.3, np.inf, np.inf])[:n]
        value, (dx, dm, dS) = derivative(x, np.zeros(n), S[:n, :n])
        density = st.norm.pdf(0.3, 0.0, np.sqrt(1.5))
        np.testing.assert_allclose(value, st.norm.cdf(0.3, 0.0, np.sqrt(1.5)), rtol=1e-6)
        np.testing.assert_allclose(dx, [density, 0.0, 0.0][:n], rtol=1e-6)
        np.testing.assert_allclose(dm, -dx)
        np.testing.assert_allclose(dS[0, 0], -density * 0.3 / 3.0, rtol=1e-4)
        np.testing.assert_allclose((dS + dS.T)[:n, 1:], 0.0, atol=1e-5)
        value, gradients = derivative(-x, np.zeros(n), S[:n, :n])
        if n > 1:
            assert value == 0.0
            assert all(np.all(g == 0.0) for g in gradients)


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("size, others", [(2, 3), (2, 1), (3, 2), (1, 2)])
def test_multivariate_cdf_of_other_sizes(size, others, jit):
    with pytest.raises(ValueError, match="Dimension mismatch"):
        grad(probability, jit=jit)(np.ones(size), np.zeros(size), np.eye(others))


def probability(x, m, S):
    return st.multivariate_normal.cdf(x, m, S)


def test_single_precision():
    x = normal(4).astype(np.float32)
    found = grad(one_of_each)(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, grad(one_of_each)(x.astype(np.float64)), rtol=1e-4)


def one_of_each(x):
    return np.sum(sp.erf(x) * expit(x)) + logsumexp(x) + np.sum(sp.softmax(x) ** 2)


slope = grad(one_of_each)


def slope_of(x):
    return slope(x)


def test_second_order():
    x, v, e = normal(4), normal(4), 1e-6
    expected = (slope(x + e * v) - slope(x - e * v)) / (2 * e)
    np.testing.assert_allclose(jvp(slope_of, (x,), (v,))[1], expected, rtol=1e-5, atol=1e-8)


def by_order(a):
    return sp.gammainc(a, 1.0)


def complex_branch(x):
    return sp.lambertw(x).real


def test_refusals():
    with pytest.raises(S2sadError, match=r"scipy.special.gammainc\(\) has no derivative"):
        grad(by_order)(1.0)
    with pytest.raises(ValueError, match="where it is real"):
        grad(complex_branch)(-1.0)


def test_source_imports_scipy():
    g = grad(one_of_each)
    g(normal(3))
    assert "import scipy.special\n" in g.source
    assert "s2sad" not in g.source


def test_scipy_is_not_imported_unless_used():
    code = "import s2sad, sys; s2sad.grad(len) if False else None; assert 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
