"""What functions capture and what they read at each call; partial; unpacking; errors that Python raises."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

import s2sad
from s2sad.errors import SignatureError, UnsupportedSyntaxError
from tests.array_checks import Case, both_targets, collector

rng = np.random.default_rng(11)
CASES: list[Case] = []
case = collector(CASES)


def V(*shape):
    return rng.uniform(0.5, 1.5, shape)


def compose(f, g):
    return lambda x: f(g(x))


def integrate(f, n):
    s = 0.0
    for k in range(n):
        s += f(0.1 * k)
    return s


# -- right ----------------------------------------------------------------------------------------------------


@case(V(3, 2))
def used_in_the_call(A):
    s = 0.0
    for i in range(3):
        s += integrate(lambda t: np.sum(A) * t * i, 3)
        w = integrate(lambda t: np.sum(A) * t * i, 2)
        s += w * w
    return s


@case(V(3, 2))
def made_anew_in_each_turn(A):
    s = 0.0
    for i in range(3):
        h = compose(lambda a: a * i, lambda a: a + i)
        s += np.sum(h(A))
    return s


@case(V(3, 2))
def run_through_in_the_turn(A):
    s = 0.0
    for i in range(3):
        for r in map(lambda a: a * i, A):
            s += np.sum(r * r)
        for r in (A[j] * i for j in range(3)):
            s += np.sum(r)
        for k, r in enumerate(A[j] * i for j in range(3)):
            s += np.sum(r) * k
        rows = map(lambda a: a * i, A)
        for r in rows:
            s += np.sum(r)
    return s


@case(V(3, 2))
def taken_apart_in_the_turn(A):
    s = 0.0
    for i in range(1, 3):
        a, b, c = map(lambda v: v * i, (A[0], A[1], A[2]))
        d, e = (v * i for v in (a, b))
        s += np.sum(a * b * c) + np.sum(np.array([*map(lambda v: v * i, A)]) * d * e)
        s += sum(np.sum(r) for r in map(lambda v: v * i, A)) + sum(map(lambda v: np.sum(v * v) * i, A))
    return s


@case(V(3, 2))
def a_closure_in_a_closure(A):
    k = 2.0
    g = lambda a: a * k  # noqa: E731
    h = lambda a: g(a) + 1.0  # noqa: E731
    s = np.sum(h(A))
    k = A[0, 0]
    return s + np.sum(h(A))


@case(V(3, 2))
def partials(A):
    def scaled(a, b, c=1.0):
        return a * b * c

    h = partial(scaled, 2.0, c=A[0, 0])
    total = partial(np.sum, axis=0)
    k = partial(total, h(A))
    return np.sum(k() ** 2) + sum(np.sum(v) for v in map(partial(scaled, 3.0), A))


@case(V(4))
def decay(x):
    def rhs(k, y):
        return -k * y * y

    def euler(f, y):
        for _ in range(3):
            y = y + 0.1 * f(y)
        return y

    s = 0.0
    for i in range(2):
        s += np.sum(euler(partial(rhs, x[0] * i), x))
    return s


# -- unpacking --------------------------------------------------------------------------------------------------


@case(V(3, 2))
def rows_unpacked(A):
    s = 0.0
    for a, b in A:
        s += a * b
    for (a, b), c in zip(A, A[:, 1]):
        s += a * b * c
    return s


@case(V(0, 2))
def no_rows_unpacked(A):
    return np.sum(A) + sum(a * b for a, b in A)


@case(V(4))
def first_and_rest(x):
    p, *rest = x
    *start, q = x
    a, *middle, b = [v * 2.0 for v in x]
    return p * sum(r * r for r in rest) + q * sum(start) + a * b * len(middle) * middle[0]


@case(V(3, 2))
def first_row_and_rest(A):
    p, *rest = A
    return sum(np.sum(p * r * r) for r in rest)


def test_numbers_of_values_are_checked():
    def two(x):
        a, b = x
        return a * b

    def rows(A):
        s = 0.0
        for a, b in A:
            s += a * b
        return s

    def at_least_one(x):
        *rest, last = x
        return last * sum(rest)

    def elements(x):
        a, b = [v * 2.0 for v in x]
        return a * b

    for fn, x in ((two, V(3)), (rows, V(2, 3)), (at_least_one, V(0)), (elements, V(1))):
        with pytest.raises(ValueError):
            fn(x)
        for options in ({}, {"optimize": 0}):
            with pytest.raises(ValueError, match="values to unpack"):
                s2sad.grad(fn, **options)(x)
    assert s2sad.grad(rows)(V(0, 3)).shape == (0, 3)  # it unpacks nothing


def test_rows_without_a_name_are_read_in_place():
    def f(A):
        s = 0.0
        for a, b in A:
            s += a * b
        return s

    g = s2sad.grad(f)
    np.testing.assert_array_equal(g(np.array([[1.0, 2.0]])), [[2.0, 1.0]])
    assert re.search(r"dA\[\w+, 1\] \+=", g.source) and "][" not in g.source
    assert (
        g.source.count("raise ValueError") == 1 and g.source.count("for ") == 2
    )  # the check once; one is a comment


# -- refused ----------------------------------------------------------------------------------------------------


def enumerated(A):
    s, k = 0.0, 1.0
    for i, r in enumerate(A[j] * k for j in range(3)):
        k = k + 1.0
        s += np.sum(r) * i
    return s


def mapped(A):
    s, k = 0.0, 1.0

    def scaled(a):
        return a * k

    for r in map(scaled, A):
        k = k + 1.0
        s += np.sum(r)
    return s


def through_another(A):
    s, k = 0.0, 1.0
    g = lambda a: a * k  # noqa: E731
    for r in (g(a) for a in A):
        k = k + 1.0
        s += np.sum(r)
    return s


def filtered(A):
    s, k = 0.0, 0.0
    for r in filter(lambda a: np.sum(a) > k, A):
        k = k + 1.0
        s += np.sum(r)
    return s


def composed(A):
    k = 2.0
    h = compose(lambda a: a * k, lambda a: a + k)
    k = 3.0
    return np.sum(h(A))


def under_another_name(A):
    k = 2.0
    h = compose(lambda a: a * k, lambda a: a)
    q = compose(h, h)
    k = 3.0
    return np.sum(q(A))


def kept_for_the_next_turn(A):
    s = 0.0
    h = compose(np.sin, np.cos)
    for k in range(3):
        s += np.sum(h(A))
        h = compose(lambda a: a * k, lambda a: a + k)
    return s


def a_partial(A):
    k = 2.0
    h = partial(lambda a, b: a * b * k, 2.0)
    k = 3.0
    return np.sum(h(A))


def a_tuple(A):
    k = 2.0
    g = lambda a: a * k  # noqa: E731
    h = (lambda a: g(a), 3)
    k = 3.0
    return np.sum(h[0](A))


@pytest.mark.parametrize(
    "fn",
    [enumerated, mapped, through_another, filtered, composed, under_another_name, kept_for_the_next_turn, a_partial,
     a_tuple],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_refused(fn):
    with pytest.raises(UnsupportedSyntaxError, match="'k' is bound again"):
        s2sad.grad(fn)(V(3, 2))


# -- what Python raises, and what it reads at each call --------------------------------------------------------


def strict(x, y):
    return sum([a * b for a, b in zip(x, y, strict=True)])


def strict_loop(x, y):
    s = 0.0
    for i, (a, b) in enumerate(zip(x, y, strict=True)):
        s += a * b * i
    return s


def range_index(x, y):
    r, s = range(2), 0.0
    for i in range(len(x)):
        s += r[i] * x[i]
    return s


def distance(x, y):
    return math.dist(x, y)


def stacked(x, y):
    return np.sum(np.stack([x for i in range(len(y) - 2)]))


def several_items(x, y):
    return x[1:].item() * x[0]


@pytest.mark.parametrize("fn", [strict, strict_loop, range_index, distance, stacked, several_items])
def test_errors_of_python(fn):
    x, y = V(3), V(2)
    with pytest.raises((ValueError, IndexError)) as own:
        fn(x, y)
    with pytest.raises(own.type):
        s2sad.grad(fn, wrt=0)(x, y)


def scaled_integers(a, x):
    a *= x[0]
    return np.sum(a)


def part_of_integers(a, x):
    a[1:] /= x[0]
    return np.sum(a)


def picked_integers(a, x):
    a[[0, 1]] += x[:2]
    return np.sum(a)


def masked_integers(a, x):
    a[a > 0] *= x[0]
    return np.sum(a)


@pytest.mark.parametrize("fn", [scaled_integers, part_of_integers, picked_integers, masked_integers])
def test_casts_in_place(fn):
    with pytest.raises(TypeError):
        fn(np.arange(3), V(3))
    with pytest.raises(SignatureError, match="updated in place by float64"):
        s2sad.grad(fn, wrt=1)(np.arange(3), V(3))


def test_attributes_are_read_at_each_call():
    class Settings:
        rate = 2.0
        mode = "linear"

        @staticmethod
        def half(x):
            return 0.5 * x

    space = SimpleNamespace(a=1.5, sub=SimpleNamespace(b=2.0))

    def f(x):
        y = x * Settings.rate * space.a * space.sub.b + Settings.half(x)
        return y if Settings.mode == "linear" else y * y

    g = s2sad.value_and_grad(f)
    assert g(2.0) == (f(2.0), 6.5)
    Settings.rate, space.sub.b = 3.0, 1.0
    assert g(2.0) == (f(2.0), 5.0)
    Settings.mode = "square"
    assert g(2.0) == (f(2.0), 2 * 10.0 * 5.0)


def test_unknown_attributes():
    for fn in (lambda x: x.value, lambda x: {"a": x}.a, lambda x: x[0].foo):
        with pytest.raises(UnsupportedSyntaxError, match="has no attribute"):
            s2sad.grad(fn)(V(2))


def test_any_stops_where_it_is_decided():
    def f(x):
        seen = [x]

        def g(v):
            seen.append(v * x)
            return v > 1.0

        any(g(v) for v in [1.0, 2.0, 3.0])
        return sum(seen)

    with pytest.raises(UnsupportedSyntaxError, match="stops at the element that decides"):
        s2sad.grad(f)(2.0)


def test_functions_of_one_side_of_a_branch():
    def f(x, n):
        if n > 0:

            def g(v):
                return v * v

        return g(x)

    def bound(x, n):
        if n < 0:
            raise ValueError
        else:
            g = np.sin
        return g(x)

    with pytest.raises(UnsupportedSyntaxError, match="unbound on the other"):
        s2sad.grad(f, wrt=0)(2.0, 0)
    assert s2sad.grad(bound, wrt=0)(2.0, 0) == pytest.approx(np.cos(2.0))


def test_a_function_returned_that_one_side_of_a_branch_binds():
    def make(n):
        if n > 0:
            g = np.sin
        return g

    with pytest.raises(UnsupportedSyntaxError, match="unbound on the other"):
        s2sad.grad(lambda x, n: make(n)(x))(2.0, 0)


WEIGHTS = np.array([1.0, 2.0, 3.0])


def weighted(w, x, k=2.0):
    return np.sum(w * x**k)


CUBES = partial(weighted, WEIGHTS, k=3.0)


def test_captured_partials_are_read_at_each_call(monkeypatch):
    d = s2sad.grad(lambda x: CUBES(x) * 2.0)
    x = np.array([1.0, 2.0, 3.0])
    assert d(x) == pytest.approx(6.0 * WEIGHTS * x**2)
    w = 2.0 * WEIGHTS
    monkeypatch.setitem(globals(), "CUBES", partial(weighted, w))
    assert d(x) == pytest.approx(4.0 * w * x)
    w[0] = 5.0
    assert d(x) == pytest.approx(4.0 * w * x)


@pytest.mark.slow
@pytest.mark.jit
def test_captured_partials_compiled():
    d = s2sad.grad(lambda x: CUBES(x), jit=True)
    assert d(WEIGHTS) == pytest.approx(3.0 * WEIGHTS**3)


def test_partials_as_arguments():
    def applied(g, x):
        return g(x) + np.sum(x)

    x = np.array([1.0, 2.0, 3.0])
    assert s2sad.grad(applied, wrt=1)(CUBES, x) == pytest.approx(1.0 + 3.0 * WEIGHTS * x**2)
    with pytest.raises(SignatureError, match="with respect to 'g', which holds the function weighted"):
        s2sad.grad(applied, wrt=0)(CUBES, x)


@dataclass
class Counts:
    n: int
    m: int


def test_tangents_of_structures_of_integers():
    def f(c, x):
        return x * c.n * c.m

    assert s2sad.jvp(f, (Counts(2, 3), 4.0), (Counts(0, 0), 1.0)) == (24.0, 6.0)
    assert s2sad.jvp(f, (Counts(2, 3), 4.0), (Counts(1, 0), 0.0)) == (24.0, 12.0)


def test_the_first_error_stays_the_first():
    def f(rows, x):
        s = 0.0
        for i in range(len(x)):
            if x[i] < 0.0:
                raise ValueError("negative")
            a, b = rows[0]
            s += a * b * x[i]
        return s

    with pytest.raises(ValueError, match="negative"):
        s2sad.grad(f, wrt=1)(np.ones((1, 3)), np.array([-1.0, 2.0]))


DEFAULT = [0.3]


@case(2.0)
def containers_as_defaults(x):
    def h(x, t=DEFAULT):
        return x * t[0]

    y = with_default(x)
    return y * with_default(y) * h(y) * h(x)


def with_default(x, t=DEFAULT, *, w=np.array([1.0, 2.0])):
    return x * t[0] * w[1]


test_exact, test_compiled = both_targets(CASES)
