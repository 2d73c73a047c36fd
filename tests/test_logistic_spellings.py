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


def test_from_their_own_results(tmp_path):
    assert disagreements(FROM_RESULTS, tmp_path, 3, first=2) == []


def test_exact_spellings(tmp_path):
    assert disagreements(EXACT, tmp_path, 3) == []


@pytest.mark.jit
@pytest.mark.slow
def test_compiled_spellings(tmp_path):
    assert disagreements(FROM_RESULTS[2::5], tmp_path, 2, ", jit=True", first=2) == []
    assert disagreements(EXACT[1::6], tmp_path, 2, ", jit=True") == []


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
