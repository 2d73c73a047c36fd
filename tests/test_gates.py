"""Gates: the logistic function and softplus in all spellings, quotients by what grows exponentially, powers of norms and
absolute values: exact in every order, with names, other addends, loops and calls between their parts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2sad import grad, hessian, jacfwd, jacrev
from tests.one_sided import Limit, disagreements, mp

NUMPY = ("element", "array")
FAR = (-1000.0, -40.0, 0.0, 40.0, 400.0)


def softplus(x):
    return mp.log1p(mp.exp(x))


def logistic(x):
    return 1 / (1 + mp.exp(-x))


SPELLINGS = [
    *(Limit("LOG1P(EXP({x}))", softplus, at) for at in (-400.0, 0.0, 400.0)),
    *(Limit("2 * LOG(1 + EXP({x})) + {x}", lambda x: 2 * softplus(x) + x, at, 1, ("number", "array")) for at in (-40.0, 400.0)),
    *(Limit("LOGADDEXP(0, {x})", softplus, at, 1, NUMPY) for at in (-40.0, 400.0)),
    *(Limit("LOG(EXP(2 * {x}) + EXP({x})) + LOG2(3 + EXP({x}))",
            lambda x: mp.log(mp.exp(2 * x) + mp.exp(x)) + mp.log(3 + mp.exp(x)) / mp.log(2), at, 1, ("number", "array"))
      for at in (-40.0, 0.5)),
    *(Limit("LOG(1 / (1 + EXP(-{x})))", lambda x: -softplus(-x), at, 1, ("number", "array")) for at in (-300.0, 300.0)),
    Limit("LOGADDEXP(3 * {x}, {x})", lambda x: mp.log(mp.exp(3 * x) + mp.exp(x)), 40.0, 1, NUMPY[1:]),
    *(Limit("max({x}, 0) - 5 * {x} + LOG1P(EXP(-abs({x})))", lambda x: softplus(x) - 5 * x, at, 1, ("number", "element"))
      for at in (-40.0, 0.0, 400.0)),
    *(Limit("MAXIMUM({x}, 0) + LOGADDEXP(0, -abs({x}))", softplus, at, 1, NUMPY[1:]) for at in (0.0, 400.0)),
    *(Limit("2 / (1 + EXP(-{x})) - 1", lambda x: 2 * logistic(x) - 1, at, 1, NUMPY[1:]) for at in FAR),
    *(Limit("1 / COSH({x})", mp.sech, at, 1, NUMPY[1:]) for at in (*FAR, 1000.0)),
    *(Limit("1 / COSH({x})**2", lambda x: mp.sech(x) ** 2, at, 1, NUMPY[:1]) for at in (-1000.0, 0.0, 1000.0)),
    *(Limit("EXP({x}) / (1 + EXP({x}))", logistic, at, 1, NUMPY[1:]) for at in FAR),
    *(Limit("0.5 * (1 + TANH({x} / 2))", logistic, at, 1, ("number", "array")) for at in FAR[1:]),
    *(Limit("0.5 + 0.5 * TANH({x} / 2)", logistic, at, 1, ("number",)) for at in FAR[1:]),
    *(Limit("(3 + EXP({x}))**-1", lambda x: 1 / (3 + mp.exp(x)), at, 1, NUMPY[1:]) for at in (-40.0, 400.0, 1000.0)),
    Limit("{x} / EXP({x})", lambda x: x * mp.exp(-x), 1000.0, 1, NUMPY),
]  # fmt: skip


@pytest.mark.parametrize("part", [SPELLINGS[:17], SPELLINGS[17:]], ids=["softplus", "quotients"])
def test_spellings(part, tmp_path):
    assert disagreements(part, tmp_path, 3) == []


@pytest.mark.jit
@pytest.mark.slow
def test_spellings_compiled(tmp_path):
    part = [Limit(c.text, c.exact, c.at, c.side, c.kinds[-1:]) for c in SPELLINGS[2::9]]
    assert disagreements(part, tmp_path, 2, ", jit=True") == []


# -- with names, loops and calls between the parts ---------------------------------------------------------


def named(x):
    e = np.exp(-x)
    d = 1.0 + e
    return np.sum(1.0 / d + e)


def used_twice(x):
    e = np.exp(x)
    p = e / (e + 1.0)
    return np.sum(p * p)


def halved(x):
    t = np.tanh(x / 2)
    total = 1.0 + t
    return np.sum(total * 0.5)


def entropy(x, y):
    return np.sum(np.maximum(x, 0.0) - x * y + np.log1p(np.exp(-np.abs(x))))


def called(x):
    return soft(x) + np.sum(x)


def soft(x):
    e = np.exp(x)
    s = 0.0
    for i in range(len(x)):
        s += math.log(1.0 + e[i]) if e[i] < 1e300 else x[i]
    return s


def looped(x):
    s = 0.0
    for i in range(len(x)):
        e = np.exp(-x[i])
        s = s + 1.0 / (1.0 + e)
    return s


def overwritten(x):
    """What is written afterwards is the exponential no more."""
    e = np.exp(x)
    e[0] = 2.0
    y = 1.0 / (1.0 + e)
    return np.sum(y * x)


PROGRAMS = [named, used_twice, halved, entropy, called, looped, overwritten]
POINT = np.array([0.3, -0.7, 1.2])
LABELS = np.array([1.0, 0.0, 1.0])


def given(fn):
    return (POINT, LABELS) if fn is entropy else (POINT,)


@pytest.mark.parametrize("optimize", [0, 2])
@pytest.mark.parametrize("fn", PROGRAMS)
def test_programs(fn, optimize):
    """Second derivatives in three ways, against differences of the first."""
    args = given(fn)
    gradient = grad(fn, optimize=optimize)
    expected = np.empty((3, 3))
    for i in range(3):
        e = np.zeros(3)
        e[i] = 1e-5
        expected[i] = (gradient(args[0] + e, *args[1:]) - gradient(args[0] - e, *args[1:])) / 2e-5
    for second in (hessian(fn), jacrev(jacrev(fn)), jacfwd(jacfwd(fn)), jacrev(jacfwd(fn))):
        np.testing.assert_allclose(second(*args), expected, atol=1e-8)


def test_named_exponentials_far_out():
    x = np.array([-1000.0, -400.0, 400.0])
    with np.errstate(over="ignore"):
        far = grad(looped)(x)
    assert far[0] == 0.0
    assert far[1] == pytest.approx(math.exp(-400.0), rel=1e-12) == far[2]
    assert np.all(grad(halved)(x)[1:] == far[1:])
    np.testing.assert_allclose(np.diag(hessian(entropy)(np.zeros(2), np.ones(2))), 0.25)


def test_the_readers_of_parts_are_differentiated_as_ever():
    """The exponential of `named` is read by the sum as well."""
    x = np.array([0.4])
    s = 1.0 / (1.0 + np.exp(-x))
    np.testing.assert_allclose(grad(named)(x), s * (1.0 - s) - np.exp(-x), rtol=1e-14)


# -- powers of what has a kink --------------------------------------------------------------------------


def of_norm(x):
    n = np.linalg.norm(x)
    return n * n


def of_scaled_norm(x):
    return (0.5 * np.linalg.norm(x) / 3.0) ** 2 * 36.0


def of_energy(x):
    v = np.hypot(x[0], x[1])
    return 1.0 * v * v


def of_rows(x):
    return np.sum(np.linalg.norm(x.reshape(1, -1), axis=1) ** 2)


def of_frobenius(x):
    return np.linalg.norm(x.reshape(1, -1), "fro") ** 2


def of_spectrum(x):
    return np.sum(np.abs(np.fft.fft(x)) ** 2) / len(x)


def of_distance(x):
    return math.dist((x[0], x[1]), (0.0, 0.0)) ** 2


def of_products(x):
    r = np.abs(x)
    return r @ r


def of_elements(x):
    s = 0.0
    for v in x:
        r = abs(v)
        s += r * r
    return s


def of_complex(x):
    z = x[0] + 1j * x[1]
    return abs(z) ** 2


def of_branch(x):
    n = np.linalg.norm(x)
    if n < 1.0:
        return n**2
    return 2.0 * n - 1.0


def of_choice(x):
    r = np.abs(x)
    return np.sum(np.where(r < 1.0, np.square(r), 2.0 * r - 1.0))


def of_square(r):
    return r * r


def of_helper(x):
    return of_square(np.sqrt(x @ x))


def of_written(x):
    y = np.zeros(2)
    y[:] = 2.0 * x
    return np.linalg.norm(y) ** 2 / 4.0


def of_stacked(x):
    r = np.stack([np.abs(x), np.abs(x[::-1])])
    return np.sum(r.T * r.T) / 2


def of_joined(x):
    r = np.hstack([np.abs(x), np.hypot(x, x)])
    return np.sum(r**2) / 3


def of_display(x):
    s = 0.0
    for i in range(2):
        r = np.array([abs(x[i]), math.hypot(x[i], x[i])])
        s += r @ r
    return s / 3


def of_swapped(x):
    return math.hypot(x[0], x[1]) * math.hypot(x[1], x[0])


KINKS = [of_norm, of_scaled_norm, of_energy, of_rows, of_frobenius, of_spectrum, of_distance, of_products, of_elements,
         of_complex, of_branch, of_choice, of_helper, of_written, of_stacked, of_joined, of_display, of_swapped]  # fmt: skip


@pytest.mark.parametrize("fn", KINKS)
def test_squares_at_their_kinks(fn):
    """All of them are x @ x."""
    for x in (np.zeros(2), np.array([0.3, -0.4])):
        np.testing.assert_allclose(grad(fn)(x), 2.0 * x, atol=1e-15)
        for second in (hessian(fn), jacrev(jacrev(fn)), jacfwd(jacfwd(fn)), jacrev(jacfwd(fn))):
            np.testing.assert_allclose(second(x), 2.0 * np.eye(2), atol=1e-14)


@pytest.mark.parametrize("optimize", [0, 1])
@pytest.mark.parametrize("fn", KINKS[::4])
def test_squares_at_other_levels(fn, optimize):
    gradient = grad(fn, optimize=optimize)
    np.testing.assert_allclose(jacfwd(lambda x: gradient(x))(np.zeros(2)), 2.0 * np.eye(2), atol=1e-14)


@pytest.mark.jit
@pytest.mark.parametrize("fn", [of_norm, pytest.param(of_choice, marks=pytest.mark.slow)])
def test_squares_compiled(fn):
    np.testing.assert_allclose(hessian(fn, jit=True)(np.zeros(2)), 2.0 * np.eye(2), atol=1e-14)


def spread_squared(x):
    return np.std(x) ** 2


def spread_of_one(x):
    s = np.std(x, ddof=0)
    return s * s * len(x)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_variances_from_spreads(n):
    centred = np.eye(n) - 1.0 / n
    for fn, factor in ((spread_squared, 2.0 / n), (spread_of_one, 2.0)):
        np.testing.assert_allclose(hessian(fn)(np.ones(n)), factor * centred, atol=1e-14)


def between(x):
    """Written between the norm and its square: each is of what it was then."""
    y = x.copy()
    n = np.linalg.norm(y)
    y[0] = 3.0 * x[1]
    return n * n + y[0]


def twice(x):
    y = x.copy()
    a = np.abs(y)
    y[0] = 2.0 * y[0]
    b = np.abs(y)
    return np.sum(a * b)


def test_memory_written_between():
    x = np.array([0.3, -0.7])
    np.testing.assert_allclose(grad(between)(x), 2.0 * x + [0.0, 3.0], rtol=1e-14)
    np.testing.assert_allclose(grad(twice)(x), [4.0 * x[0], 2.0 * x[1]], rtol=1e-14)
