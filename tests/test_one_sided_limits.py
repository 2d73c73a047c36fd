"""Guarded partials in all orders: what one rule decides is the one-sided limit, and no finite number stands for an infinite
one. Roots, powers, logarithms, arcs, products of them, and functions that are smooth although written through a kink."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2sad import grad, hessian, hvp, jacfwd, jacrev
from tests.one_sided import Limit, disagreements, mp

NUMPY = ("element", "array")


def with_square(f):
    return lambda x: f(x) + 3 * x * x


def power(c):
    return lambda x: x ** mp.mpf(c)


EDGES = [
    Limit("SQRT({x}) + 3 * {x}**2", with_square(mp.sqrt), 0.0),
    Limit("3 * SQRT(2 * {x})", lambda x: 3 * mp.sqrt(2 * x), 0.0),
    Limit("CBRT({x}) + 3 * {x}**2", with_square(mp.cbrt), 0.0),
    Limit("LOG({x}) + 3 * {x}**2", with_square(mp.log), 0.0, kinds=NUMPY),
    Limit("LOG2({x}) + LOG10({x})", lambda x: mp.log(x, 2) + mp.log10(x), 0.0, kinds=NUMPY[1:]),
    Limit("LOG1P({x}) + 3 * {x}**2", with_square(mp.log1p), -1.0, kinds=NUMPY),
    Limit("ASIN({x}) + 3 * {x}**2", with_square(mp.asin), 1.0, -1),
    Limit("ASIN({x})", mp.asin, -1.0, kinds=("number", "array")),
    Limit("ACOS({x}) + 3 * {x}**2", with_square(mp.acos), 1.0, -1, kinds=("number", "array")),
    Limit("ACOS({x})", mp.acos, -1.0, kinds=NUMPY[:1]),
    Limit("ATANH({x}) + 3 * {x}**2", with_square(mp.atanh), 1.0, -1, kinds=NUMPY),
    Limit("ATANH({x})", mp.atanh, -1.0, kinds=NUMPY[1:]),
    Limit("ACOSH({x}) + 3 * {x}**2", with_square(mp.acosh), 1.0),
    *(Limit(f"{{x}}**{c} + {{x}}**2", lambda x, c=c: x ** mp.mpf(c) + x * x, 0.0) for c in (0.3, 1.5, 2.7)),
    *(Limit(f"POW({{x}}, {c})", power(c), 0.0, kinds=("number", "array")) for c in (0.5, 1.3, 3.5)),
    *(Limit(f"{{x}}**{c} + {{x}}", lambda x, c=c: x ** mp.mpf(c) + x, 0.0, kinds=NUMPY[1:]) for c in (-0.5, -1, -2)),
    Limit("1 / {x} + {x}", lambda x: 1 / x + x, 0.0, kinds=NUMPY),
]  # fmt: skip
SMOOTH = [
    Limit("SQRT({x})**2", lambda x: x, 0.0),
    Limit("SQRT({x})**4", lambda x: x * x, 0.0, kinds=("number", "array")),
    Limit("SQRT({x})**3", power(1.5), 0.0),
    Limit("SQRT({x}) * SQRT({x})", lambda x: x, 0.0, kinds=("number", "array")),
    Limit("abs({x})**2 + abs({x})**4", lambda x: x**2 + x**4, 0.0),
    Limit("2 * abs({x}) * abs({x})", lambda x: 2 * x * x, 0.0, kinds=("number", "array")),
    Limit("HYPOT({x}, 2 * {x})**2", lambda x: 5 * x * x, 0.0),
    Limit("SQRT({x} * {x})**2 / 4", lambda x: x * x / 4, 0.0, kinds=NUMPY),
    Limit("(3 * abs({x}) / 2)**2", lambda x: 9 * x * x / 4, 0.0),
]


@pytest.mark.parametrize("cases", [EDGES[:6], EDGES[6:13], EDGES[13:]], ids=["roots", "arcs", "powers"])
def test_limits_at_edges(cases, tmp_path):
    assert disagreements(cases, tmp_path, 3) == []


def test_smooth_through_kinks(tmp_path):
    assert disagreements(SMOOTH, tmp_path, 3) == []


def test_fourth_derivatives(tmp_path):
    cases = [Limit(c.text, c.exact, c.at, c.side, c.kinds[-1:]) for c in (*EDGES[::6], *SMOOTH[::4])]
    assert disagreements(cases, tmp_path, 4) == []


@pytest.mark.jit
@pytest.mark.slow
def test_limits_compiled(tmp_path):
    cases = [Limit(c.text, c.exact, c.at, c.side, c.kinds[-1:]) for c in (*EDGES[::12], *SMOOTH[4:5])]
    assert disagreements(cases, tmp_path, 2, ", jit=True") == []


@pytest.mark.jit
def test_a_limit_compiled(tmp_path):
    case = SMOOTH[1]
    assert disagreements([Limit("SQRT({x}) + SQRT({x})**2", lambda x: mp.sqrt(x) + x, 0.0, 1, case.kinds[:1])],
                         tmp_path, 2, ", jit=True") == []  # fmt: skip


# -- hessians, whose other elements are 0 ------------------------------------------------------------


def roots(x):
    return np.sum(np.sqrt(x)) + x[0] * x[1]


def powers(x):
    return np.sum(x**0.5 + x**1.5)


@pytest.mark.parametrize("fn", [roots, powers])
def test_hessians_at_an_edge(fn):
    """Infinite where a number meets itself; what does not depend on an infinite slope stays finite."""
    other = 1.0 if fn is roots else 0.0
    x = np.zeros(2)  # the slopes of x**0.5 and x**1.5 change by -inf and inf
    for second in (
        hessian(fn),
        jacfwd(jacrev(fn)),
        jacrev(jacrev(fn)),
        jacfwd(jacfwd(fn)),
        jacrev(jacfwd(fn)),
    ):
        found = np.asarray(second(x))
        if fn is roots:
            assert np.all(np.diag(found) == -math.inf)
        assert np.all(found[[0, 1], [1, 0]] == other)
    product = hvp(roots)(x, np.array([1.0, 0.0]))
    assert product[0] == -math.inf and product[1] == 1.0


def power_of_two(x, y):
    return x**y


def test_powers_by_both():
    """d2 (x**y) / dx dy = x**(y - 1) * (y * log(x) + 1)."""
    mixed = [grad(grad(power_of_two), 1), grad(grad(power_of_two, 1))]
    for second in mixed:
        assert second(0.0, 2.0) == 0.0
        assert second(0.0, 1.0) == -math.inf and second(0.0, 0.5) == -math.inf
        assert second(2.0, 3.0) == pytest.approx(4.0 * (3.0 * math.log(2.0) + 1.0), rel=1e-14)
    assert grad(grad(power_of_two, 1), 1)(0.0, 0.0) == math.inf
