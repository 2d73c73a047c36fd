"""Saved modules have the parameters of the user's function, defaults included, and test what they were made for."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

from s2sad import grad, hvp, jacfwd, jacrev, value_and_grad

JIT = [False, pytest.param(True, marks=pytest.mark.jit)]
SLOW_JIT = [False, pytest.param(True, marks=[pytest.mark.jit, pytest.mark.slow])]
WEIGHTS = np.array([1.0, 2.0, 3.0])
SCALE = 2.5
X = np.array([1.0, 2.0, 3.0])
Y = np.array([0.5, -1.0, 2.0])


def saved(derivative, tmp_path, *args, **kwargs):
    """The function of the saved module, and what the derivative itself gives."""
    expected = derivative(*args, **kwargs)
    derivative.save(tmp_path / "module.py")
    text = (tmp_path / "module.py").read_text()
    assert "s2sad" not in text
    space: dict = {}
    exec(compile(text, "module.py", "exec"), space)
    return space[derivative.lower(*args, **kwargs).generated.name], expected


def refuses(fn, message, *args, **kwargs):
    with pytest.raises(TypeError, match=f"made for.*{message}"):
        fn(*args, **kwargs)


def by_mode(x, mode="a", scale=2.0):
    if mode == "a":
        return np.sum(x * x) * scale
    return np.sum(x) * scale


@pytest.mark.parametrize("jit", JIT)
def test_fixed_arguments_and_defaults(tmp_path, jit):
    f, expected = saved(grad(by_mode, jit=jit), tmp_path, X)
    for call in (f(X), f(X, "a"), f(X, mode="a", scale=2.0), f(x=X, scale=2.0)):
        np.testing.assert_allclose(call, expected)
    np.testing.assert_allclose(f(X, scale=1.0), expected / 2.0)
    refuses(f, "mode = 'a'", X, "b")
    refuses(f, "mode = 'a'", X, mode=None)
    g, expected = saved(grad(by_mode, jit=jit), tmp_path, X, "b")
    np.testing.assert_allclose(g(X, "b"), expected)
    refuses(g, "mode = 'b'", X)


def flagged(x, flag=False, other=None, *, count=2, deep=((1.0, 2.0), [3.0]), inf=math.inf):
    s = np.sum(x * x) * count * deep[0][1] * deep[1][0]
    if flag:
        s = s * 2.0
    if other is None:
        s = s + np.sum(x)
    return min(s, inf)


@pytest.mark.parametrize("jit", SLOW_JIT)
def test_truth_values_none_and_keywords(tmp_path, jit):
    f, expected = saved(grad(flagged, jit=jit), tmp_path, X)
    np.testing.assert_allclose(f(X), expected)
    np.testing.assert_allclose(f(X, False, None, count=2), expected)
    refuses(f, "flag = False", X, True)
    refuses(f, "other = None", X, other=1.0)
    refuses(f, "deep: of length 2", X, deep=(1.0,))
    with pytest.raises(TypeError):
        f(X, False, None, 2)
    own, theirs = inspect.signature(flagged), inspect.signature(f)
    assert str(own) == str(theirs)


def positional_only(x, /, k=3.0, *, m):
    return x * k * m


def of_all(*xs):
    return xs[0] * xs[1] + xs[2]


def of_all_and_more(*xs, k=2.0):
    return xs[0] * xs[1] * k * np.sum(WEIGHTS)


def of_keywords(x, **more):
    return x * more["a"] + more["b"]


@pytest.mark.parametrize("jit", SLOW_JIT)
def test_kinds_of_parameters(tmp_path, jit):
    f, expected = saved(grad(positional_only, jit=jit), tmp_path, 2.0, m=4.0)
    assert f(2.0, m=4.0) == expected == 12.0 and f(2.0, 1.0, m=4.0) == 4.0
    for bad in (lambda: f(x=2.0, m=4.0), lambda: f(2.0, 3.0, 4.0), lambda: f(2.0)):
        with pytest.raises(TypeError):
            bad()
    f, expected = saved(grad(of_all, wrt="xs", jit=jit), tmp_path, 2.0, 3.0, 4.0)
    assert f(2.0, 3.0, 4.0) == expected == (3.0, 2.0, 1.0)
    refuses(f, "xs: of length 3", 2.0, 3.0)
    f, expected = saved(grad(of_all_and_more, wrt="xs", jit=jit), tmp_path, 2.0, 3.0)
    assert f(2.0, 3.0, WEIGHTS=WEIGHTS) == expected == (36.0, 24.0)
    assert f(2.0, 3.0, k=1.0, WEIGHTS=WEIGHTS) == (18.0, 12.0)
    refuses(f, "WEIGHTS: an array of float64 with 1 axis", 2.0, 3.0, WEIGHTS=WEIGHTS[:1])


def test_variable_keywords(tmp_path):
    f, expected = saved(grad(of_keywords), tmp_path, 2.0, a=3.0, b=1.0)
    assert f(2.0, b=1.0, a=3.0) == expected == 3.0
    refuses(f, "more: a dict of", 2.0, a=3.0)
    refuses(f, "more: a dict of", 2.0, a=3.0, b=1.0, c=2.0)


def activation(v):
    return v * v


def with_objects(x, act=activation, w=WEIGHTS, names=("a", "b"), table={"a": 1.0}):
    return act(np.sum(x * w)) * table["a"] * SCALE


def test_defaults_that_are_objects(tmp_path):
    f, expected = saved(grad(with_objects), tmp_path, X)
    np.testing.assert_allclose(f(X), expected)
    np.testing.assert_allclose(f(X, activation, WEIGHTS), expected)
    refuses(f, "act = activation", X, math.sin)
    refuses(f, "names.0. = 'a'", X, names=("b", "a"))
    refuses(f, "table: a dict of", X, table={"b": 1.0})
    refuses(f, "w: an array of float64 with 1 axis", X, w=np.ones((3, 3)))


def product(x, y):
    return np.sum(x * y) + np.sum(x)


@pytest.mark.parametrize("jit", SLOW_JIT)
def test_sizes_dtypes_and_axes(tmp_path, jit):
    f, expected = saved(grad(product, wrt=(0, 1), jit=jit), tmp_path, X, Y)
    for got, want in zip(f(X, Y), expected, strict=True):
        np.testing.assert_allclose(got, want)
    np.testing.assert_allclose(f(X[:2], Y[::2])[0], Y[::2] + 1.0)
    np.testing.assert_allclose(f(X, X)[1], X)
    for bad in (X[:1], X[:, None], X.astype(np.float32), np.array([1, 2, 3])):
        refuses(f, "x: an array of float64 with 1 axis, none of size 1", bad, Y)
        refuses(f, "y: an array of float64 with 1 axis, none of size 1", X, bad)
    f, _ = saved(grad(product, wrt=(0, 1), jit=jit), tmp_path, X[:1], Y)
    np.testing.assert_allclose(f(X[:1], Y)[0], np.sum(Y) + 1.0)
    refuses(f, "x: an array of float64 with 1 axis, of size 1: 0", X, Y)


def broadcast(A, x):
    return np.sum(A * x)


@pytest.mark.parametrize("shape", [(3, 3), (1, 3), (3, 1), (1, 1)])
def test_which_sizes_are_one(tmp_path, shape):
    f, expected = saved(grad(broadcast, wrt=(0, 1)), tmp_path, np.ones(shape), X)
    for other in ((3, 3), (1, 3), (3, 1), (1, 1)):
        if other == shape:
            np.testing.assert_allclose(f(np.ones(other), X)[0], expected[0])
        else:
            refuses(f, "A: an array of float64 with 2 axes", np.ones(other), X)


def writes(x, y):
    x[0] = y[1] * 2.0
    return np.sum(x * y)


@dataclass
class Pair:
    a: Any
    b: Any


class Named(NamedTuple):
    a: Any
    b: Any


def writes_in(p):
    p.a[0] = p.b[1] * 2.0
    return np.sum(p.a * p.b)


def writes_items(p):
    p[0][0] = p[1][1] * 2.0
    return np.sum(p[0] * p[1])


@pytest.mark.parametrize("jit", JIT)
def test_memory_that_is_shared(tmp_path, jit):
    def refused(f, *args):
        before = [np.copy(a) for a in args]
        with pytest.raises(TypeError, match="share memory, and one is written"):
            f(*args)
        assert all(np.array_equal(a, b) for a, b in zip(args, before, strict=True))

    f, expected = saved(grad(writes, wrt=(0, 1), jit=jit), tmp_path, X.copy(), Y)
    for got, want in zip(f(X.copy(), Y), expected, strict=True):
        np.testing.assert_allclose(got, want)
    z = np.arange(7.0)
    for a, b in ((X, X), (X, X[::-1]), (z[1:], z[:-1]), (z[:3], z[2:5]), (z[::-1], z)):
        refused(f, a, b)
    f(z[:3], z[3:6])
    f, _ = saved(grad(writes_items, jit=jit), tmp_path, (X.copy(), Y))
    with pytest.raises(TypeError, match="share memory"):
        f((X, X))
    for cls in (Named,) if jit else (Named, Pair):
        f, expected = saved(grad(writes_in, jit=jit), tmp_path, cls(X.copy(), Y))
        np.testing.assert_allclose(f(cls(X.copy(), Y)).a, expected.a)
        with pytest.raises(TypeError, match="share memory"):
            f(cls(X, X))


def nested(p, d):
    return np.sum(p[0] * d["w"]) * p[1][0] * d["k"]


def test_containers(tmp_path):
    p, d = (X, [2.0, 3.0]), {"w": Y, "k": 2.0}
    f, expected = saved(grad(nested, wrt=("p", "d")), tmp_path, p, d)
    got = f(p, d)
    np.testing.assert_allclose(got[0][0], expected[0][0])
    assert got[0][1] == expected[0][1] and got[1]["k"] == expected[1]["k"]
    np.testing.assert_allclose(f(p, dict(reversed(d.items())))[1]["w"], expected[1]["w"])
    refuses(f, "p: of length 2", (X,), d)
    refuses(f, "p.0.: an array", (X[:1], [2.0]), d)
    refuses(f, "d: a dict of .'w', 'k'.", p, {"w": Y})
    refuses(f, "p.1.: a list of numbers", (X, 2.0), d)


@pytest.mark.parametrize("make", [grad, value_and_grad, jacfwd, jacrev])
def test_other_derivatives(make, tmp_path):
    f, _ = saved(make(by_mode), tmp_path, X)
    f(X), f(X, scale=3.0)
    refuses(f, "mode = 'a'", X, "b")
    refuses(f, "x: an array", X[:1])


def test_the_product_with_a_vector(tmp_path):
    f, expected = saved(hvp(by_mode), tmp_path, X, Y)
    np.testing.assert_allclose(f(X, "a", 2.0, Y), expected)
    refuses(f, "mode = 'a'", X, "b", 2.0, Y)
    refuses(f, "v: an array", X, "a", 2.0, Y[:1])
    refuses(f, "v of the shape of x", X, "a", 2.0, Y[:2])
    f, expected = saved(hvp(product, wrt=(0, 1)), tmp_path, X, Y, (Y, X))
    np.testing.assert_allclose(f(X, Y, (Y, X)), expected)
    refuses(f, "v.1. of the shape of y", X, Y, (Y, X[:2]))


@pytest.mark.parametrize("jit", SLOW_JIT)
def test_captured_numbers_keep_their_names(tmp_path, jit):
    def f(x, n=3):
        return SCALE * x**n

    g, expected = saved(grad(f, jit=jit), tmp_path, 2.0)
    assert g(2.0) == expected and g(2.0, 2) == pytest.approx(SCALE * 2.0 * 2.0)
    assert "SCALE = 2.5" in (tmp_path / "module.py").read_text()


def test_numbers_alone_are_not_tested(tmp_path):
    """The text of a function of numbers is what ran."""

    def f(x, y):
        return x * math.sin(y)

    g = grad(f, wrt=(0, 1))
    saved(g, tmp_path, 1.0, 2.0)
    assert (tmp_path / "module.py").read_text() == g.source


def test_what_a_reader_sees(tmp_path):
    saved(grad(writes, wrt=(0, 1)), tmp_path, X.copy(), Y)
    assert (
        (tmp_path / "module.py")
        .read_text()
        .startswith("""import numpy as np

def writes_grad(x, y):
    if not (isinstance(x, np.ndarray) and x.dtype == "float64" and x.ndim == 1 and 1 not in x.shape):
        raise TypeError("writes_grad() was made for x: an array of float64 with 1 axis, none of size 1")
    if not (isinstance(y, np.ndarray) and y.dtype == "float64" and y.ndim == 1 and 1 not in y.shape):
        raise TypeError("writes_grad() was made for y: an array of float64 with 1 axis, none of size 1")
    if not (y.shape[0] == x.shape[0]):
        raise TypeError("writes_grad() was made for y.shape[0] == x.shape[0]")
    if np.shares_memory(x, y):
        raise TypeError("two arguments of writes_grad() share memory, and one is written")
    # forward
""")
    )


@pytest.mark.jit
def test_a_compiled_module_is_called_from_compiled_code(tmp_path):
    from numba import njit

    f, expected = saved(grad(writes, wrt=(0, 1), jit=True), tmp_path, X.copy(), Y)

    @njit
    def use(x, y):
        return f(x, y)[1]

    np.testing.assert_allclose(use(X.copy(), Y), expected[1])
    with pytest.raises(TypeError, match="share memory"):
        use(X, X)
    with pytest.raises(TypeError, match="made for"):
        use(X[:1], Y)


def through_a_view(A, x):
    r = A.reshape(-1)
    r[0] = 5.0 * x[1]
    return np.sum(A * A) + np.sum(x)


@pytest.mark.parametrize("jit", SLOW_JIT)
def test_layouts_that_decide_what_is_a_view(tmp_path, jit):
    A = np.arange(4.0).reshape(2, 2)
    f, expected = saved(grad(through_a_view, wrt=(0, 1), jit=jit), tmp_path, A.copy(), X)
    np.testing.assert_allclose(f(A.copy(), X)[1], expected[1])
    strided = (np.ones((4, 2))[::2], np.ones((2, 4))[:, ::2])  # compiled, Numba refuses to reshape them
    for bad in (np.asfortranarray(A), *(() if jit else strided)):
        refuses(f, "A: an array of float64 with 2 axes, none of size 1, contiguous by rows", bad, X)
    with pytest.raises(TypeError, match="share memory"):
        f(A, A[1])
    if not jit:
        f, expected = saved(grad(through_a_view, wrt=(0, 1)), tmp_path, np.asfortranarray(A), X)
        np.testing.assert_allclose(f(np.asfortranarray(A), X)[1], expected[1])
        refuses(f, "contiguous by columns", A, X)


class Unit(enum.Enum):
    METRE = 1
    MILE = 2


class Model:
    def __init__(self, k):
        self.k = k


@dataclasses.dataclass
class Settings:
    k: float
    kind: str = "a"


DEFAULT = Model(2.0)


def by_member(x, unit=Unit.METRE, *, other=Unit.MILE):
    return np.sum(x * x) * (1.0 if unit is Unit.METRE else 2.0) * (1.0 if other is Unit.MILE else 3.0)


def by_object(x, model=DEFAULT):
    return np.sum(x * x) * model.k


def by_lambda(x, f=lambda v: v * 2.0):
    return np.sum(f(x) * x)


def by_record(x, settings):
    return np.sum(x * x) * settings.k * (1.0 if settings.kind == "a" else 2.0)


def by_range(x, steps=range(2), part=slice(0, 2)):
    return sum(x[i] ** 2 for i in steps) + np.sum(x[part])


FIXED = [
    (by_member, (), [()], [(Unit.MILE,), ("METRE",)]),
    (by_object, (), [(), (None,)], [(Model(3.0),), (Settings(2.0),)]),
    (by_lambda, (), [(), (None,)], [(lambda v: v,), (np.sin,)]),
    (by_record, (Settings(2.0),), [(Settings(3.0),)], [(Settings(2.0, "b"),), (Model(2.0),), (2.0,)]),
    (by_range, (), [(), (range(3),)], [([0, 1],), (range(2), slice(0, 1))]),
]


@pytest.mark.parametrize(("f", "first", "good", "bad"), FIXED, ids=lambda v: getattr(v, "__name__", ""))
def test_objects_that_the_code_was_made_for(f, first, good, bad, tmp_path):
    """Found silent: another member of an enumeration, another object of the class, another lambda."""
    x = np.array([1.0, 2.0, 3.0])
    g = grad(f)
    g(x, *first)
    g.save(tmp_path / "saved.py")
    space: dict = {}
    exec((tmp_path / "saved.py").read_text(), space)
    saved = space[f"{f.__name__}_grad"]
    for args in good:
        expected = g(x, *(args if args != (None,) else first))
        assert saved(x, *args).tolist() == expected.tolist()
    for args in bad:
        with pytest.raises(TypeError, match="was made for"):
            saved(x, *args)
