"""Each argument of the call by itself: what `*args` takes, the object of a method, constants beside numbers in a structure."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import pytest

from s2sad import S2sadError, grad, hessian, jvp, value_and_grad, vjp

JIT = [False, pytest.param(True, marks=pytest.mark.jit)]


def doubled(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs) * 2.0

    return wrapper


class Model:
    k = 3.0

    @doubled
    def energy(self, x, y=1.0):
        return x * x * y * self.k

    @classmethod
    @doubled
    def of_class(cls, x):
        return x * x * cls.k

    @grad
    @doubled
    def force(self, x):
        return x * x * self.k

    @doubled
    @grad
    def by_the_object(self, x):
        return x * x * self.k


MODEL = Model()


def test_the_object_is_no_argument_of_a_call_that_stars_take():
    """Found wrong: jvp gave the tangent 0, and wrt=1 was the first argument."""
    energy = MODEL.energy
    assert grad(energy)(2.0) == 24.0 and grad(energy)(2.0, y=5.0) == 120.0
    assert grad(energy, wrt=1)(2.0, 5.0) == 24.0 and grad(energy, wrt=(0, 1))(2.0, 1.0) == (24.0, 24.0)
    assert jvp(energy, (2.0, 1.0), (1.0, 0.5)) == (24.0, 36.0)
    assert vjp(energy, 2.0, 1.0)[1](1.0) == (24.0, 24.0)
    assert hessian(energy)(2.0) == 12.0
    assert grad(Model.energy, wrt=1)(MODEL, 2.0) == 24.0
    assert grad(MODEL.of_class)(2.0) == grad(Model.of_class)(2.0) == 24.0
    assert MODEL.force(2.0) == 24.0
    assert grad(lambda x: MODEL.energy(x) + Model.of_class(x))(2.0) == 48.0


@pytest.mark.jit
def test_compiled_methods_that_stars_take():
    g = grad(MODEL.energy, jit=True)
    assert g(2.0) == 24.0 and g(3.0, 1.0) == 36.0 and g(2.0) == 24.0


def test_a_derivative_by_the_object_is_refused_inside_a_function_too():
    with pytest.raises(S2sadError, match="with respect to 'self', which holds a Model"):
        grad(lambda x: MODEL.by_the_object(x))(2.0)
    with pytest.raises(S2sadError, match="with respect to 'p', which holds 'ab'"):
        grad(lambda x: grad(lambda p: p[0] * len(p[1]))((x, "ab"))[0] * x)(2.0)
    with pytest.raises(S2sadError, match="with respect to 'b', which holds the function"):
        grad(lambda x: grad(lambda a, b: b(a), wrt=1)(x, lambda v: v))(2.0)


def chosen(*args):
    return args[0] * args[0] if args[1] else 0.0 * args[0]


def repeated(x, *rest):
    return x * rest[0] * len(rest[1])


def applied(*args):
    return args[0](args[1]) * args[2][1]


def halves(*args):
    args[0][0] = args[1][0] * 2.0
    return args[0].sum() * args[2]


@pytest.mark.parametrize("jit", JIT)
def test_constants_among_what_stars_take(jit):
    """Found wrong: one constant among them made all the others constant."""
    assert jvp(chosen, (3.0, True), (1.0, None), jit=jit) == (9.0, 6.0)
    assert vjp(chosen, 3.0, True, jit=jit)[1](1.0) == (6.0, 0.0)
    assert jvp(repeated, (3.0, 2.0, "ab"), (1.0, 0.5, None), jit=jit) == (12.0, 7.0)
    assert vjp(repeated, 3.0, 2.0, "ab", jit=jit)[1](1.0) == (4.0, 6.0, 0.0)


def test_functions_integers_and_arrays_among_them():
    square = lambda v: v * v  # noqa: E731
    assert jvp(applied, (square, 3.0, (1.0, 2.0)), (None, 1.0, (5.0, 1.0))) == (18.0, 21.0)
    assert vjp(applied, square, 3.0, (1.0, 2.0))[1](1.0) == (0.0, 12.0, (0.0, 9.0))
    assert jvp(lambda *a: a[0] * a[1], (3.0, 2), (1.0, 1.0)) == (6.0, 5.0)
    assert vjp(lambda *a: a[0] * a[1], 3.0, 2)[1](1.0) == (2.0, 0.0)
    x = np.ones(2)
    assert jvp(halves, (x, np.ones(2), 2), (np.ones(2), np.ones(2), None)) == (6.0, 6.0)
    assert x.tolist() == [2.0, 1.0]
    found = vjp(halves, np.ones(2), np.ones(2), 2)[1](1.0)
    assert [f.tolist() for f in found[:2]] == [[0.0, 2.0], [4.0, 0.0]] and found[2] == 0.0
    assert vjp(lambda x, *rest: x * 2.0, 3.0)[1](1.0) == (2.0,)


class Setting(NamedTuple):
    rate: float
    kind: str
    steps: int
    grid: np.ndarray


def run(setting, x):
    total = x * 0.0
    for i in range(setting.steps):
        total += setting.rate * setting.grid[i] * x
    return total if setting.kind == "sum" else total / setting.steps


def test_constants_beside_numbers_in_a_structure():
    """Found wrong: the derivative by a structure that holds a text was 0."""
    setting = Setting(2.0, "sum", 2, np.array([1.0, 3.0]))
    along = Setting(1.0, None, 0, np.array([0.5, 0.0]))
    assert jvp(run, (setting, 2.0), (along, 0.0)) == (16.0, 10.0)
    assert jvp(run, (setting, 2.0), (None, 1.0)) == (16.0, 8.0)
    by, dx = vjp(run, setting, 2.0)[1](1.0)
    assert (by.rate, by.kind, by.steps, by.grid.tolist(), dx) == (8.0, "sum", 0.0, [4.0, 4.0], 8.0)
    nested = {"a": (2.0, None), "b": [True, {"c": 3.0}]}
    f = lambda p: p["a"][0] * p["b"][1]["c"]  # noqa: E731
    assert vjp(f, nested)[1](1.0) == ({"a": (3.0, None), "b": [True, {"c": 2.0}]},)
    assert jvp(f, (nested,), ({"a": (1.0, None), "b": [None, {"c": 1.0}]},)) == (6.0, 5.0)
    with pytest.raises(S2sadError, match="with respect to 'p', which holds None"):
        value_and_grad(f)(nested)


@pytest.mark.jit
def test_constants_in_dicts_are_no_arguments_of_numba_s():
    g = grad(lambda x, how: x * (2.0 if how["kind"] == "a" else 3.0), jit=True)
    for _ in range(2):
        assert (g(1.0, {"kind": "a", "f": abs}), g(1.0, {"kind": "b"}), g(1.0, {"kind": "a"})) == (
            2.0,
            3.0,
            2.0,
        )


def logged(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        print(f"calling {f.__name__} of {f.__module__}", len(args))
        return f(*args, **kwargs)

    return wrapper


@logged
def announced(x):
    return x * x


def test_a_decorator_that_says_what_it_calls(capsys):
    announced(2.0)
    expected = capsys.readouterr().out
    g = grad(announced)
    assert g(2.0) == 4.0 and capsys.readouterr().out == expected
    inner = announced.__wrapped__
    before, inner.__name__ = inner.__name__, "renamed"
    try:
        assert g(2.0) == 4.0 and "calling renamed" in capsys.readouterr().out
    finally:
        inner.__name__ = before
