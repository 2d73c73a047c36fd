"""Calls that Python or NumPy refuses: the derivative of a function that raises is not a number."""

from __future__ import annotations

import math

import numpy as np
import pytest

import s2sad
from s2sad.errors import S2sadError, SignatureError, UnsupportedSyntaxError
from tests.array_checks import Case, check

RAISING = [
    lambda x: np.sum(np.squeeze(x, axis=0)),
    lambda x: np.sum(np.squeeze(x[:, None] * x, axis=1)),
    lambda x: np.sum(np.roll(x, 1, axis=3) * x),
    lambda x: np.percentile(x, 150),
    lambda x: np.quantile(x, x[2]),
    lambda x: np.sum(np.quantile(x, [0.5, 1.5])),
    lambda x: np.sum(np.percentile(x, x - 2.0)),
    lambda x: np.nanquantile(x, -0.5),
    lambda x: np.sum(np.nanpercentile(x, [50.0, 101.0])),
    lambda x: np.interp(0.5, x, x[:2]),
    lambda x: np.sum(np.select([x > 1, x > 2], [x])),
    lambda x: np.sum(np.piecewise(x, [x > 1, x > 2], [1, 2, 3, 4])),
    lambda x: np.sum(np.convolve(x, x, mode="all")),
    lambda x: np.sum(np.diff(x, n=-1)),
    lambda x: np.sum(np.sin(x, x, x, x)),
    lambda x: np.sum(np.add(x)),
    lambda x: np.sum(abs(x=x)),
    lambda x: sum(x, 0.0, 1),
    lambda x: len(x, x) * x[0],
    lambda x: sum(list(x, x)),
    lambda x: np.dot(x),
    lambda x: math.pow(x[0]),
    lambda x: math.sqrt(x[0], x[1]),
    lambda x: np.sum(np.where(x > 1, x)),
    lambda x: np.sum(x, axis=4),
    lambda x: np.sum(np.take(x, [0, 7])),
    lambda x: np.sum(np.reshape(x, (2, 2))),
]


@pytest.mark.parametrize("fn", RAISING)
def test_what_numpy_raises_for(fn):
    x = np.array([1.0, 2.0, 3.0])
    with pytest.raises((TypeError, ValueError, IndexError)):
        fn(x.copy())
    with pytest.raises((S2sadError, ValueError, IndexError)):
        s2sad.grad(fn)(x.copy())


def test_quantiles_written_in_the_call_are_not_checked_again():
    def f(x):
        return np.sum(np.quantile(x, [0.25, 0.75])) + np.percentile(x, 10.0) + np.nanmedian(x)

    d = s2sad.grad(f)
    assert d(np.array([1.0, 2.0, 3.0])) == pytest.approx([1.3, 2.2, 0.5])
    assert "raise" not in d.lower(np.ones(3)).source


def test_missing_arguments_are_named():
    with pytest.raises(SignatureError, match=r"math\.pow\(\): missing a required argument: 'y'"):
        s2sad.grad(lambda x: math.pow(x))(2.0)


def copied_into(dtype, value):
    def f(x):
        k = np.ones(3, dtype)
        np.copyto(k, value if value is not None else x)
        return np.sum(k * x)

    return f


@pytest.mark.parametrize(
    ("dtype", "value"), [(np.uint8, 3), (np.float32, 2), (np.float32, None), (bool, True)]
)
def test_casts_of_what_is_copied(dtype, value):
    x = np.array([1.0, 2.0, 3.0])
    expected = 2.0 * x if value is None else np.full(3, float(value))
    assert s2sad.grad(copied_into(dtype, value))(x) == pytest.approx(expected)


@pytest.mark.parametrize(("dtype", "value"), [(np.int64, 3.0), (np.int64, None), (bool, 3)])
def test_casts_that_numpy_refuses(dtype, value):
    x = np.array([1.0, 2.0, 3.0])
    with pytest.raises(TypeError):
        copied_into(dtype, value)(x)
    with pytest.raises(TypeError):
        s2sad.grad(copied_into(dtype, value))(x)


def test_tuples_are_copied():
    def f(x):
        k = np.zeros(3)
        np.copyto(k, (x[0], 2.0, x[1]))
        return np.sum(k * x)

    assert s2sad.grad(f)(np.array([1.0, 2.0, 3.0])) == pytest.approx([2.0, 5.0, 2.0])


def test_numbers_without_a_sign_are_subtracted():
    def f(x):
        k = np.full(3, 7, np.uint8)
        k -= 3
        k[0] -= 9
        k[1:] -= np.array([1, 2], np.uint8)
        return np.sum(k * x)

    assert s2sad.grad(f)(np.ones(3)) == pytest.approx([251.0, 3.0, 2.0])


@pytest.mark.parametrize(
    ("fn", "what"),
    [
        (lambda x: x.conjugate, "the method conjugate"),
        (lambda x: range(int(x)), "a range"),
        (lambda x: (v * x for v in (1, 2)), "a generator"),
        (lambda x: lambda: x, "the function"),
        (lambda x: (x, slice(int(x))), "a slice"),
    ],
)
def test_what_is_not_returned(fn, what):
    for call in (
        lambda: s2sad.jvp(fn, (2.0,), (1.0,)),
        lambda: s2sad.vjp(fn, 2.0),
        lambda: s2sad.grad(fn)(2.0),
    ):
        with pytest.raises(SignatureError, match=f"returns {what}"):
            call()


def test_a_list_that_grows_is_not_differentiated_by():
    def f(v):
        v.append(v[0] * 2.0)
        return sum(v)

    def g(v):
        v = list(v)
        v.append(v[0] * 2.0)
        return sum(v)

    with pytest.raises(UnsupportedSyntaxError, match="'v', which is differentiated by, is appended to"):
        s2sad.grad(f)([1.0, 2.0])
    assert s2sad.grad(g)([1.0, 2.0]) == [3.0, 1.0]


def test_results_of_special_functions_in_arrays():
    """The last argument may be the array for the result, as that of ufuncs of NumPy's."""
    special = pytest.importorskip("scipy.special")

    def f(x):
        r, q = np.zeros(3), np.zeros(3)
        special.erf(x, r)
        special.xlogy(x, x, out=q)
        return np.sum(r * q) + np.sum(special.expit(x, dtype=np.float64))

    def positional(x):
        r = np.zeros(3)
        special.erf(x, r)
        special.xlogy(x, x, out=x)
        return np.sum(r + x)

    for fn in (f, positional):
        check(Case(fn, (np.array([0.3, 0.5, 0.7]),)))


def test_blocks_of_numbers():
    def f(x):
        A = np.block([[x[0], x[1]], [x[2], 1.0]])
        return A.sum() * A.ndim + A[0, 1] * np.block([x[0], 2.0, x[1]])[2]

    check(Case(f, (np.array([0.3, 0.5, 0.7]),)))


def test_moments_of_numbers():
    def f(x):
        return np.mean(x[0]) * np.sum(x) + np.var(x[1]) + np.std(x[2]) + np.nanmean(x[1]) * x[0].size

    check(Case(f, (np.array([0.3, 0.5, 0.7]),)))
