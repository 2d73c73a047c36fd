"""More spellings of the logistic function, softplus and their like, far out; where the first derivative is computed from the
function's own result (`(1 - y) * y`, `1 - t * t`), the second and third are exact nevertheless."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit

from s2sad import grad, hessian, hvp, jacfwd, jacrev
from tests.one_sided import Limit, disagreements, mp
from tests.test_gates import logistic, softplus

BOTH = ("number", "array")
FROM_RESULTS = [
    *(Limit("1 / (1 + EXP(-{x}))", logistic, at, 1, BOTH) for at in (-300.0, 0.0, 40.0, 300.0)),
    Limit("1 - 1 / (1 + EXP(-{x}))", lambda x: 1 - logistic(x), 40.0, 1, ("array",)),
    Limit("1 / (1 + EXP(-(2 * {x} - 1)))", lambda x: logistic(2 * x - 1), 19.0, 1, BOTH),
    *(Limit("TANH({x})", mp.tanh, at, 1, BOTH) for at in (-9.0, 12.0, 40.0, 300.0)),
    Limit("1 - TANH({x})**2", lambda x: mp.sech(x) ** 2, 40.0, 1, ("array",)),
]
EXACT = [
    *(Limit("1 / (1 + np.e**-{x})", logistic, at, 1, ("array",)) for at in (-300.0, 40.0)),
    Limit("1 / (1 + math.e**-{x})", logistic, 40.0, 1, ("number",)),
    *(Limit("np.reciprocal(1 + EXP(-{x}))", logistic, at, 1, ("array",)) for at in (-300.0, 40.0)),
    *(Limit("(1 + TANH({x} / 2)) / 2", logistic, at, 1, BOTH) for at in (-40.0, 40.0)),
    *(Limit("1 / (1 + EXP({x}))", lambda x: logistic(-x), at, 1, BOTH) for at in (-40.0, 40.0)),
    *(Limit("1 / (EXP(({x} - 0.5) / 0.25) + 1)", lambda x: logistic((mp.mpf(0.5) - x) * 4), at, 1, BOTH) for at in (-9.0, 9.0)),
    *(Limit("2.0 ** {x} / (1 + 2.0 ** {x})", lambda x: logistic(x * mp.log(2)), at, 1, ("array",)) for at in (-60.0, 60.0)),
    *(Limit("-LOG(1 + EXP(-{x}))", lambda x: -softplus(-x), at, 1, BOTH) for at in (-300.0, 40.0)),
    *(Limit("LOG2(1 + 2.0 ** {x})", lambda x: mp.log(1 + mp.mpf(2) ** x) / mp.log(2), at, 1, BOTH) for at in (-300.0, 400.0)),
    *(Limit("LOG(1 + 3 * EXP({x}))", lambda x: softplus(x + mp.log(3)), at, 1, BOTH) for at in (-40.0, 400.0)),
    *(Limit("EXP(-{x}**2) / (EXP(-{x}**2) + EXP({x}))", lambda x: logistic(-x * x - x), at, 1, ("array",)) for at in (-9.0, 0.1, 9.0)),
]  # fmt: skip
SUMS = [
    *(Limit("(1 - EXP(-2 * {x})) / (1 + EXP(-2 * {x}))", mp.tanh, at, 1, BOTH) for at in (-40.0, 0.3, 40.0)),
    *(Limit("(EXP({x}) - EXP(-{x})) / (EXP({x}) + EXP(-{x}))", mp.tanh, at, 1, BOTH) for at in (-19.0, 300.0)),
    *(Limit("(EXP({x}) + 1) / (EXP({x}) - 1)", lambda x: mp.coth(x / 2), at, 1, BOTH) for at in (-40.0, 0.3, 300.0)),
    *(Limit("SINH({x}) / COSH({x})", mp.tanh, at, 1, BOTH) for at in (-300.0, 40.0)),
    *(Limit("LOG(COSH({x}))", lambda x: mp.log(mp.cosh(x)), at, 1, BOTH) for at in (-300.0, 1e-9, 19.0)),
    *(Limit("LOG(EXP({x}) + EXP(-{x}))", lambda x: mp.log(2 * mp.cosh(x)), at, 1, BOTH) for at in (1e-9, 40.0)),
    *(Limit("LOG(SINH({x}))", lambda x: mp.log(mp.sinh(x)), at, 1, BOTH) for at in (0.3, 40.0)),
    *(Limit("LOG(EXP({x}) - 1)", lambda x: mp.log(mp.expm1(x)), at, 1, BOTH) for at in (0.3, 40.0)),
    *(Limit("LOG(-EXPM1(-{x}))", lambda x: mp.log(1 - mp.exp(-x)), at, 1, BOTH) for at in (0.001, 300.0)),
    *(Limit("LOG1P(-EXP(-{x}))", lambda x: mp.log(1 - mp.exp(-x)), at, 1, BOTH) for at in (0.3, 300.0)),
    *(Limit("{x} / EXPM1({x})", lambda x: x / mp.expm1(x), at, 1, BOTH) for at in (-40.0, 0.3, 300.0)),
    *(Limit("LOG(EXP({x}) / (1 + EXP({x})))", lambda x: -softplus(-x), at, 1, BOTH) for at in (-19.0, 40.0)),
    *(Limit("LOG(1 - 1 / (1 + EXP(-{x})))", lambda x: -softplus(x), at, 1, BOTH) for at in (-40.0, 30.0)),
    *(Limit("abs({x}) + LOG1P(EXP(-2 * abs({x})))", lambda x: mp.log(2 * mp.cosh(x)), at, 1, BOTH) for at in (-40.0, 0.0)),
    *(Limit("((EXP({x}) - EXP(-{x})) / 2) / ((EXP({x}) + EXP(-{x})) / 2)", mp.tanh, at, 1, BOTH) for at in (-19.0, 300.0)),
    *(Limit("LOG(2 * COSH({x} / 2))", lambda x: mp.log(2 * mp.cosh(x / 2)), at, 1, BOTH) for at in (-40.0, 0.3)),
    *(Limit("(3 - 2 * EXP({x})) / (7 - 5 * EXP({x}))", lambda x: (3 - 2 * mp.exp(x)) / (7 - 5 * mp.exp(x)), at, 1, BOTH) for at in (-40.0, 30.0)),
    *(Limit("LOG(5 * EXP({x}) / (2 + 3 * EXP({x})))", lambda x: mp.log(5 * mp.exp(x) / (2 + 3 * mp.exp(x))), at, 1, BOTH) for at in (-40.0, 30.0)),
    *(Limit("0.5 * LOG1P(EXP(2 * ({x} - 1)))", lambda x: softplus(2 * (x - 1)) / 2, at, 1, BOTH) for at in (-40.0, 40.0)),
]  # fmt: skip
TWICE = [
    *(Limit("{x} * (1 / (1 + EXP(-{x})))", lambda x: x * logistic(x), at, 1, BOTH) for at in (40.0, 300.0)),
    Limit("{x} * TANH(LOG1P(EXP({x})))", lambda x: x * mp.tanh(softplus(x)), 30.0, 1, BOTH),
    Limit("{x} * (1 + TANH({x} + {x}**3))", lambda x: x * (1 + mp.tanh(x + x**3)), 4.0, 1, BOTH),
]


def test_sums_of_two_exponentials(tmp_path):
    assert "\n".join(disagreements(SUMS, tmp_path, 3)) == ""


def test_products_with_them(tmp_path):
    """The first derivative inside a second one is no difference from 1."""
    assert disagreements(TWICE, tmp_path, 3, first=2) == []


def test_from_their_own_results(tmp_path):
    assert disagreements(FROM_RESULTS, tmp_path, 3, first=2) == []


def test_exact_spellings(tmp_path):
    assert disagreements(EXACT, tmp_path, 3) == []


@pytest.mark.jit
@pytest.mark.slow
def test_compiled_spellings(tmp_path):
    assert disagreements(FROM_RESULTS[2::5], tmp_path, 2, ", jit=True", first=2) == []
    assert disagreements(EXACT[1::6], tmp_path, 2, ", jit=True") == []
    assert disagreements(SUMS[::5], tmp_path, 2, ", jit=True") == []


def sigmoid(v):
    return 1.0 / (1.0 + np.exp(-v))


def by_helper(x):
    return np.sum(sigmoid(x))


def in_loop(x):
    s = 0.0
    for v in x:
        s += 1.0 / (1.0 + math.exp(-v))
    return s


def of_scipy(x):
    return np.sum(expit(x))


def of_written(x):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i] = 1.0 / (1.0 + math.exp(-x[i]))
    return np.sum(y)


def of_carried(x):
    s = 0.0
    i = 0
    while i < len(x):
        s = s + 0.5 * math.tanh(x[i] / 2)
        i += 1
    return s


def cross_entropy(x):
    s = 1.0 / (1.0 + np.exp(-x))
    return -np.sum(0.25 * np.log(s) + 0.75 * np.log(1.0 - s))


@pytest.mark.parametrize("at", [-30.0, -1.0, 0.0, 3.0, 30.0, 36.0])
def test_cross_entropies(at):
    x, down = np.array([at]), math.exp(-abs(at))
    share = (1.0 if at > 0 else down) / (1.0 + down)
    assert grad(cross_entropy)(x)[0] == pytest.approx(share - 0.25, rel=1e-12)
    assert hessian(cross_entropy)(x)[0, 0] == pytest.approx(down / (1.0 + down) ** 2, rel=1e-12)


def complex_softplus(x):
    return np.sum(np.real(np.log(1 + np.exp(x * (1 + 1j)))))


def complex_tanh(x):
    return np.sum(np.abs(np.tanh(x * (1 + 1j))) ** 2)


def complex_logistic(x):
    e = np.exp(x * (0.5 + 1j))
    return np.sum(np.imag(e / (1 + e)) + np.real(1 / (1 + e)))


def complex_quotient(x):
    e = np.exp(x * (0.5 + 1j))
    return np.sum(np.real((1 - e) / (1 + e)) + np.real(np.log(np.cosh(x * 1j + 0.2))))


@pytest.mark.parametrize("fn", [complex_softplus, complex_tanh, complex_logistic, complex_quotient])
def test_complex_numbers(fn):
    """The gates' helpers are those of real numbers."""
    x, h = np.array([0.3, 0.7]), 1e-5
    gradient = grad(fn)
    first = [(fn(x + h * e) - fn(x - h * e)) / (2 * h) for e in np.eye(2)]
    second = [(gradient(x + h * e) - gradient(x - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(gradient(x), first, rtol=1e-8, atol=1e-9)
    for twice in (hessian(fn), jacfwd(jacfwd(fn)), jacrev(jacrev(fn))):
        np.testing.assert_allclose(twice(x), second, rtol=1e-8, atol=1e-9)


PROGRAMS = [by_helper, in_loop, of_scipy, of_written, of_carried]
SECOND = [0.0, -4.248354255291589e-18, 4.248354255291589e-18]


@pytest.mark.parametrize("fn", PROGRAMS)
def test_programs(fn):
    x = np.array([0.0, 40.0, -40.0])
    for second in (hessian(fn), jacrev(jacrev(fn)), jacfwd(jacfwd(fn)), jacrev(jacfwd(fn))):
        np.testing.assert_allclose(second(x), np.diag(SECOND), rtol=1e-12, atol=0.0)
    np.testing.assert_allclose(hvp(fn)(x, np.ones(3)), SECOND, rtol=1e-12, atol=0.0)


@pytest.mark.jit
@pytest.mark.parametrize(
    "fn", [in_loop, *(pytest.param(f, marks=pytest.mark.slow) for f in (by_helper, of_carried))]
)
def test_programs_compiled(fn):
    x = np.array([0.0, 40.0, -40.0])
    np.testing.assert_allclose(np.diag(hessian(fn, jit=True)(x)), SECOND, rtol=1e-12, atol=0.0)


def log_of_expit(x):
    return np.sum(np.log(expit(x)))


def log_of_named(x):
    e = np.exp(-x)
    s = 1.0 / (1.0 + e)
    return np.sum(np.log(s))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("fn", [log_of_expit, log_of_named])
def test_logarithms_of_it(fn):
    x = np.array([-300.0, -40.0, 0.0, 40.0])
    down, up = np.exp(-np.abs(x)), np.where(x > 0, np.exp(-np.abs(x)), 1.0)
    np.testing.assert_allclose(grad(fn)(x), up / (1.0 + down), rtol=1e-12)
    np.testing.assert_allclose(np.diag(hessian(fn)(x)), -down / (1.0 + down) ** 2, rtol=1e-12)


def test_the_first_derivative_of_one_expression_is_computed_from_its_result():
    assert "(1.0 - t" in grad(in_loop).lower(np.ones(2)).source
