"""Second derivatives through what was not selected: it contributes nothing in any order and gives no warnings, and what
was selected contributes all, also where its cotangent happens to be 0."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2sad import grad, hessian, jacfwd, jacrev, jvp

X = np.array([-3.0, 4.0, 0.0])


def diagonal(*values):
    return np.diag(np.array(values))


def by_where(x):
    return np.sum(np.where(x > 0, np.sqrt(x), 0.0) + x**3)


def by_select(x):
    return np.sum(np.select([x > 0], [np.log(x) * x], 0.0) + x**2)


def by_both_sides(x):
    return np.sum(np.where(x > 0, np.log(np.sqrt(x)), x * x))


def by_clip(x):
    return np.sum(np.clip(1 / x, -2.0, 2.0) * x**2)


def by_piecewise(x):
    return np.sum(np.piecewise(x, [x > 0], [lambda v: np.sqrt(v), lambda v: v * v]))


def by_branches(x):
    s = 0.0
    for i in range(len(x)):
        s += min(np.sqrt(x[i]), 3.0) if x[i] > 0 else x[i] ** 2
    return s


def by_mask(x):
    r = np.sqrt(x)
    return np.sum(r[x > 0] ** 3) + np.sum(x**2)


def by_argument(x):
    return np.sum(np.sqrt(x), where=x > 0) + np.sum(x * x)


def by_masked_write(x):
    y = np.zeros(len(x))
    m = x > 0
    y[m] = np.sqrt(x[m])
    y[~m] = x[~m] ** 2
    return np.sum(y)


def by_nested_choices(x):
    return np.sum(np.where(x > 0, np.where(x > 1, np.log(x - 1), np.sqrt(x)), x**2))


def by_power(x):
    return np.sum(np.where(x > 0, x**1.5, 0.0)) + np.sum(np.where(x > 0, 1 / x, x * x))


def by_one_branch(x):
    root, inverse = np.sqrt(x[0]), 1.0 / x[2]
    if x[0] > 0:
        return root * inverse
    return x[0] * x[1] ** 2


CHECKS = [
    (by_where, diagonal(-18.0, 24.0 - 1 / 32, 0.0)),
    (by_select, diagonal(2.0, 2.25, 2.0)),
    (by_both_sides, diagonal(2.0, -1 / 32, 2.0)),
    (by_clip, diagonal(0.0, 0.0, 4.0)),
    (by_piecewise, diagonal(2.0, -1 / 32, 2.0)),
    (by_branches, diagonal(2.0, -1 / 32, 2.0)),
    (by_mask, diagonal(2.0, 2.375, 2.0)),
    (by_argument, diagonal(2.0, 2.0 - 1 / 32, 2.0)),
    (by_masked_write, diagonal(2.0, -1 / 32, 2.0)),
    (by_nested_choices, diagonal(2.0, -1 / 9, 2.0)),
    (by_power, diagonal(2.0, 0.375 + 1 / 32, 2.0)),
    (by_one_branch, np.array([[0.0, 8.0, 0.0], [8.0, -6.0, 0.0], [0.0, 0.0, 0.0]])),
]


@pytest.mark.parametrize(("fn", "expected"), CHECKS, ids=[c[0].__name__ for c in CHECKS])
def test_hessians(fn, expected):
    """In each combination of modes, and without a warning that the function does not give."""
    kinds = warnings_of(fn)
    for second in (
        hessian(fn),
        jacfwd(jacrev(fn)),
        jacrev(jacrev(fn)),
        jacfwd(jacfwd(fn)),
        jacrev(jacfwd(fn)),
    ):
        with np.errstate(all="raise", under="ignore", **dict.fromkeys(kinds, "ignore")):
            found = second(X.copy())
        np.testing.assert_allclose(found, expected, atol=1e-13)


def warnings_of(fn, *args):
    """The kinds of warnings that a function itself gives."""
    found = []
    with np.errstate(all="call", call=lambda kind, flag: found.append(kind)):
        fn(*(args or (X.copy(),)))
    names = {"divide by zero": "divide", "invalid value": "invalid", "overflow": "over", "underflow": "under"}
    return {names[kind] for kind in found}


@pytest.mark.jit
@pytest.mark.parametrize(
    ("fn", "expected"), [CHECKS[0], *(pytest.param(*c, marks=pytest.mark.slow) for c in CHECKS[2::3])]
)
def test_hessians_compiled(fn, expected):
    np.testing.assert_allclose(hessian(fn, jit=True)(X.copy()), expected, atol=1e-13)


@pytest.mark.parametrize("optimize", [0, 1])
def test_other_levels(optimize):
    for fn, expected in CHECKS[::3]:
        with np.errstate(all="ignore"):
            found = jacfwd(grad(fn, optimize=optimize))(X.copy())
        np.testing.assert_allclose(found, expected, atol=1e-13)


def root_of_positive(x):
    return np.where(x > 0, np.sqrt(x), 0.0)


def test_numbers():
    for x in (-3.0, np.float64(-3.0)):
        with np.errstate(all="ignore"):
            f = root_of_positive
            assert [grad(f)(x), grad(grad(f))(x), grad(grad(grad(f)))(x)] == [0.0, 0.0, 0.0]
    assert grad(grad(root_of_positive))(4.0) == pytest.approx(-1 / 32)


def limited(x):
    return np.minimum(1.0 / np.sum(x), 5.0)


def ratio_limited(x):
    return np.minimum((x[0] + 1.0) / np.sum(x * x), 5.0) + np.sum(x)


def test_quotients_that_were_not_taken():
    for fn, first in ((limited, 0.0), (ratio_limited, 1.0)):
        with np.errstate(divide="ignore", invalid="raise"):
            assert np.all(grad(fn)(np.zeros(3)) == first)
            assert np.all(hessian(fn)(np.zeros(3)) == 0.0)


# -- what was selected, where its cotangent is 0 by chance -------------------------------------------------


def of_number(x):
    return x * np.where(x > -1.0, np.exp(x), 0.0)


def of_array(x):
    return np.sum(x * np.where(x > -1.0, np.exp(x), 0.0))


def of_minimum(x):
    return np.sum(x * np.minimum(np.exp(2.0 * x), 3.0 + x))


def of_mask(x):
    return np.sum(x[x > -1.0] * np.log1p(x)[x > -1.0])


def of_branch(x):
    y = np.exp(x[0])
    if x[1] > -1.0:
        return x[0] * y + x[1]
    return x[1]


def test_zeros_that_are_no_selection():
    """The derivative of x * f(x) at 0 is f(0), and its second derivative 2 f'(0)."""
    assert grad(grad(of_number))(0.0) == 2.0 == grad(grad(of_number))(np.float64(0.0))
    for fn, slope in ((of_array, 2.0), (of_minimum, 4.0), (of_mask, 2.0)):
        for second in (hessian(fn), jacrev(jacrev(fn)), jacfwd(jacfwd(fn)), jacrev(jacfwd(fn))):
            np.testing.assert_allclose(second(np.zeros(2)), slope * np.eye(2), atol=1e-14)
    np.testing.assert_allclose(hessian(of_branch)(np.zeros(2)), [[2.0, 0.0], [0.0, 0.0]])


# -- warnings -----------------------------------------------------------------------------------------------


def cancelling(v, z):
    q = np.maximum(v, 0.0)
    return np.sum(np.sqrt(q) * z - 3.0 * np.sqrt(q + 0.0) * z)


def masked_logarithms(v, m):
    return np.sum(np.log(v), where=m)


def quotients(v, m):
    return np.sum(np.where(m, 1.0 / v, 0.0) + np.where(m, v**-1.5, v))


def lengths(v, m):
    return np.sum(np.hypot(v, 0.0 * v)) + np.linalg.norm(v - v) + np.std(v - v)


def of_rows(x):
    return np.sum(np.max(np.sqrt(x).reshape(2, 2), axis=1) * np.array([1.0, 2.0]))


def of_columns(x):
    return np.sum(np.min(1 / x.reshape(2, 2), axis=0, keepdims=True))


def of_several(x):
    return np.sum(np.maximum.reduce([np.sqrt(x), 0.5 + 0 * x, x]))


def of_extremes(x):
    return np.max(np.sqrt(x)) * np.max(x) + np.nanmax(np.sqrt(x)) + np.quantile(np.sqrt(x), 1.0)


@pytest.mark.parametrize("fn", [of_rows, of_columns, of_several, of_extremes])
def test_extremes_beside_infinite_tangents(fn):
    x = np.array([0.0, 1.0, 9.0, 2.0])
    with np.errstate(divide="ignore"):
        first, second = grad(fn)(x), hessian(fn)(x)
        assert np.all(np.isfinite(first)) and np.all(np.isfinite(second))
        np.testing.assert_allclose(jacfwd(fn)(x), first, rtol=1e-12)
        for twice in (jacfwd(jacfwd(fn)), jacrev(jacfwd(fn)), jacrev(jacrev(fn))):
            np.testing.assert_allclose(twice(x), second, rtol=1e-12)


def reduced(v, m):
    return np.logaddexp.reduce(v) + np.logaddexp(v[0], -np.inf)


V, M = np.array([1.0, 0.0]), np.array([True, False])
WARNINGS = [
    (cancelling, (np.array([0.04, -0.01]), np.ones(2))),
    (masked_logarithms, (V, M)),
    (quotients, (V, M)),
    (lengths, (V, M)),
    (reduced, (np.array([1.0, -np.inf]), M)),
]


@pytest.mark.parametrize(("fn", "args"), WARNINGS, ids=[w[0].__name__ for w in WARNINGS])
def test_no_warnings_of_its_own(fn, args):
    """Each kind of warning that the function does not give is an error."""
    kinds = warnings_of(fn, *args)
    with np.errstate(all="raise", under="ignore", **dict.fromkeys(kinds, "ignore")):
        gradient, second = grad(fn)(*args), hessian(fn)(*args)
        tangents = tuple(np.ones(2) if a.dtype == float else False for a in args)
        jvp(fn, args, tangents)
        jacfwd(fn)(*args)
    assert np.all(np.isfinite(gradient)) and not np.any(np.isnan(second))


def test_a_quiet_sweep_says_so_and_others_do_not():
    """Only where a slope may be infinite."""
    quiet = grad(cancelling).lower(*WARNINGS[0][1]).source
    assert "with np.errstate(all='ignore'):" in quiet

    def plain(x, w):
        return np.sum(np.tanh(w @ x) ** 2) / len(x)

    assert "errstate" not in grad(plain).lower(np.ones(2), np.eye(2)).source

    def of_numbers(x):
        return math.sqrt(x) * x

    assert "errstate" not in grad(of_numbers).lower(2.0).source
