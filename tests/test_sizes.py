"""Where the primal raises because sizes do not fit, so does each derivative, although nothing may need the value."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from s2sad import grad, hessian, hvp, jacfwd, jacrev, jvp, value_and_grad, vjp
from s2sad.ir.types import Dim
from s2sad.rules.shapes import summed_axes
from tests.mismatched import M34, MISMATCHES, V3, V4, Mismatch

names = pytest.mark.parametrize("m", MISMATCHES, ids=lambda m: m.name)


def raised(fn: Callable[..., Any], args: tuple[Any, ...]) -> Exception:
    with pytest.raises(Exception) as info:  # noqa: PT011
        fn(*map(copy.deepcopy, args))
    return info.value


def agrees(m: Mismatch, derivative: Callable[..., Any]) -> Exception:
    """What the derivative raises of the wrong arguments: an exception of the primal's class. It takes the good ones."""
    derivative(*map(copy.deepcopy, m.good))
    expected = raised(m.fn, m.wrong)
    found = raised(derivative, m.wrong)
    assert type(found) is type(expected), (found, expected)
    return found


@names
@pytest.mark.parametrize("level", [0, pytest.param(1, marks=pytest.mark.slow), 2])
def test_gradient(m: Mismatch, level: int) -> None:
    for wrt in {m.wrt, *((i,) for i in m.wrt)} if level == 2 else {m.wrt}:
        agrees(m, grad(m.fn, wrt=wrt, optimize=level))


def tangents(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(np.ones_like(a) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else None for a in args)


@names
def test_every_mode(m: Mismatch) -> None:
    if any(isinstance(a, list) for a in m.good):
        pytest.skip("a list of arrays as wrt")
    first = m.wrt[0]
    modes: list[Callable[..., Any]] = [
        value_and_grad(m.fn, wrt=m.wrt),
        jacfwd(m.fn, wrt=first),
        jacrev(m.fn, wrt=first),
        hessian(m.fn, wrt=first),
        lambda *args: hvp(m.fn, wrt=first)(*args, np.ones_like(args[first])),
        lambda *args: vjp(m.fn, *args)[1](1.0),
        lambda *args: jvp(m.fn, args, tangents(args)),
    ]
    for mode in modes:
        agrees(m, mode)


SAMPLE = {"add-0", "dot-0", "mask-0", "added_in_place-0", "loop-0", "reshape-0"}  # fmt: skip


@pytest.mark.parametrize(
    "m",
    [pytest.param(m, marks=[] if m.name in SAMPLE else pytest.mark.slow, id=m.name) for m in MISMATCHES],
)
def test_compiled(m: Mismatch) -> None:
    agrees(m, grad(m.fn, wrt=m.wrt, jit=True))


# -- what is printed ----------------------------------------------------------------------------------


def linear(X, w, b):
    h = X @ w + b
    return np.sum(h)


def test_text() -> None:
    """A test stands under the line it belongs to; nothing else of the function is left. (Sizes that fit are in the key.)"""
    made = grad(linear, wrt=("w", "b")).lower(np.ones((2, 3)), np.ones(4), np.ones(3))
    start = linear.__code__.co_firstlineno + 1
    text = """\
import numpy as np

def linear_grad(X, w, b):
    # forward
    # h = X @ w + b                         (line LINE)
    if X.shape[1] != w.shape[0]:
        raise ValueError(f"line LINE: matmul: shapes not aligned, mismatch in the core dimension: {X.shape[1]} and {w.shape[0]}")
    if X.shape[0] != b.shape[0]:
        raise ValueError(f"line LINE: operands could not be broadcast together: {X.shape[0]} and {b.shape[0]}")
    # reverse
"""  # noqa: E501
    assert made.source.startswith(text.replace("LINE", str(start)))


def hoisted(X, w):
    s = 0.0
    for i in range(len(X)):
        s += i * np.dot(X[i], w)
    return s


@pytest.mark.parametrize("level", [0, 1, 2])
def test_loops_test_once(level: int) -> None:
    """Before the loop, if it runs, and nothing of the forward loop stays."""
    made = grad(hoisted, wrt=(0, 1), optimize=level)
    forward, _, _ = made.lower(np.ones((2, 3)), np.ones(4)).source.partition("# reverse")
    assert "> 0 and X.shape[1] != w.shape[0]:" in forward
    assert "for " not in "\n".join(line for line in forward.splitlines() if "#" not in line)
    assert agrees(Mismatch("", hoisted, (M34, V4), (M34, V3)), made)
    for g, a in zip(made(np.ones((0, 3)), np.ones(2)), (np.ones((0, 3)), np.ones(2)), strict=True):
        np.testing.assert_array_equal(g, 0.0 * a)  # nothing meets


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.jit)])
def test_sizes_that_fit_are_no_tests(jit: bool) -> None:
    """A call whose sizes fit gets code that says nothing of them; another one its own, which raises."""
    made = grad(linear, wrt=("w", "b"), jit=jit)
    for n in (2, 4):
        made(np.ones((n, 3)), np.ones(3), np.ones(n))
        assert "raise" not in made.source
    assert len(made._cache) == 1
    with pytest.raises(ValueError, match="core dimension"):
        made(np.ones((2, 3)), np.ones(4), np.ones(2))
    assert "raise" not in made.lower(np.ones((5, 3)), np.ones(3), np.ones(5)).source
    with pytest.raises(ValueError):
        made(np.ones((2, 3)), np.ones(3), np.ones(4))


def insides(x, y):
    return np.sum(x[1:-1] * y[1:-1] ** 2 + x[2:] * y[3:])


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.jit)])
@pytest.mark.parametrize("first", [2, 3, 7])
def test_slices_of_size_one(first: int, jit: bool) -> None:
    """Whether a slice is of size 1 is the call's to say: it is spread over another in one and not in the next."""
    made = grad(insides, wrt=(0, 1), jit=jit)
    for n, m in ((first, first + 1), (3, 4), (7, 8), (3, 7), (2, 3), (3, 4), (6, 3), (7, 8), (3, 3), (4, 4)):
        x, y = 1.0 + np.arange(n), 2.0 - np.arange(m)
        try:
            insides(x, y)
        except ValueError:
            with pytest.raises(ValueError):
                made(x, y)
            continue
        for i, g in enumerate(made(x, y)):
            for k in range(len((x, y)[i])):
                at = [[x.copy(), y.copy()], [x.copy(), y.copy()]]
                at[0][i][k] += 1e-6
                at[1][i][k] -= 1e-6
                slope = (insides(*at[0]) - insides(*at[1])) / 2e-6
                assert g[k] == pytest.approx(slope, rel=1e-6, abs=1e-6)


def products(x, y):
    z = x * y
    return np.sum(z * z + np.sin(z))


def own_sizes(x):
    y = np.zeros(len(x))
    z = x[1:] - x[:-1]
    t = np.concatenate([x, y]) + np.concatenate([y, x])
    return np.sum(x * y) + np.sum(x + np.arange(len(x))) + np.sum(z + x[1:]) + 0.0 * t[0]


def same_again(x, y):
    return np.sum(x + y) + np.sum(y * 2.0 - x) + np.sum(np.maximum(x, y) - y)


@pytest.mark.parametrize(
    ("fn", "tests"), [(products, 0), (own_sizes, 0), (same_again, 1)], ids=["needed", "equal", "tested"]
)
def test_no_test_too_many(fn: Callable[..., Any], tests: int) -> None:
    """None where NumPy's own operation is still there, or the sizes are the same by what they are made of."""
    made = grad(fn).lower(*[V3, V4][: fn.__code__.co_argcount])
    assert made.source.count("raise") == tests


# -- where nothing meets, or something is seen before ---------------------------------------------------


def left_early(x, y, k):
    s = np.sum(x)
    for i in range(3):
        if i >= k:
            break
        s += np.sum(x - y)
    return s


def conditional(x, y, k):
    return np.sum(x - y) if k > 0 else np.sum(x)


def returned_early(x, y, k):
    if k == 0:
        return np.sum(x)
    return np.sum(x - y)


@pytest.mark.parametrize("fn", [left_early, conditional, returned_early])
@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_only_where_they_meet(fn: Callable[..., Any], jit: bool) -> None:
    made = grad(fn, jit=jit)
    np.testing.assert_array_equal(made(V3, V4, 0), np.ones(3))
    assert agrees(Mismatch("", fn, (V3, V3, 1), (V3, V4, 1)), made)


def written_before(x, y):
    x[0] = 5.0
    for i in range(2):
        x[1] = x[1] + i
        x[2] = np.sum(x - y)
    return x[2]


@pytest.mark.parametrize("jit", [False, True])
def test_what_is_written_before_stays(jit: bool) -> None:
    """The caller's array is left as the primal leaves it."""
    expected, found = V3.copy(), V3.copy()
    made = grad(written_before, jit=jit)
    made(V3.copy(), V3.copy())
    with pytest.raises(ValueError):  # noqa: PT011
        written_before(expected, V4)
    with pytest.raises(ValueError):  # noqa: PT011
        made(found, V4)
    np.testing.assert_array_equal(found, expected)


def first_of_two(x, y, n):
    s = 0.0
    for i in range(n):
        if x[i] > 1e9:
            raise KeyError("too large")
        s += np.sum(x - y)
    return s


def test_the_first_error_stays_the_first() -> None:
    made = grad(first_of_two)
    large = np.array([1e10, 1.0, 1.0])
    assert agrees(Mismatch("", first_of_two, (V3, V3, 2), (large, V4, 2)), made)
    assert agrees(Mismatch("", first_of_two, (V3, V3, 2), (V3, V4, 2)), made)


def reshaped_as_told(x, n):
    return np.sum(x.reshape(n, 3))


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_size_left_to_numpy(jit: bool) -> None:
    """-1 that only the call knows fits what there is."""
    made = grad(reshaped_as_told, jit=jit)
    np.testing.assert_array_equal(made(np.ones(6), 2), np.ones(6))
    if not jit:  # Numba reshapes to sizes that are written out
        np.testing.assert_array_equal(made(np.ones(6), -1), np.ones(6))
    assert agrees(Mismatch("", reshaped_as_told, (np.ones(6), 2), (np.ones(6), 3)), made)


# -- lines, and derivatives in functions ----------------------------------------------------------------


@pytest.mark.parametrize("jit", [False, True])
def test_the_line_is_named(jit: bool) -> None:
    line = linear.__code__.co_firstlineno + 1
    made = value_and_grad(linear, wrt=("w", "b"), jit=jit) if jit else grad(linear, wrt=("w", "b"))
    found = agrees(Mismatch("", linear, (M34, V4, V3), (M34, V4, V4)), made)
    assert f"line {line}:" in str(found)


inner = grad(lambda x, y: np.sum(x - y) + x @ x)


def outer(x, y):
    return np.sum(inner(x, y) ** 2)


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_derivatives_that_are_called(jit: bool) -> None:
    for made in (grad(outer, jit=jit), hessian(inner.primal, jit=jit)):
        agrees(Mismatch("", outer, (V3, V3), (V3, V4)), made)


def root_of_less_than_nothing(x):
    return x + math.sqrt(-1.0)


def test_other_errors_are_left_out() -> None:
    assert grad(root_of_less_than_nothing)(2.0) == 1.0


def test_contributions_that_lack_leading_axes():
    """A cotangent may leave out leading axes along which it is the same: the others are compared from the last on."""
    n, m = Dim("n", 0, True), Dim("m", 0, True)
    assert summed_axes((1, m), (m,)) == ((), (), False)
    assert summed_axes((n, 1), (m,)) == ((), (0,), False)
    assert summed_axes((1, m), (n, m)) == ((), (0,), False)
    assert summed_axes((m,), (n, m)) == ((0,), (), False)
    assert summed_axes((None, m), (m,)) == ((), (), False)
    assert summed_axes((None,), (m,)) == ((), (), True)


X = np.arange(1.0, 16.0).reshape(3, 5)


def named_alike(a: np.ndarray) -> float:
    x = X  # what a helper captures is not what another function calls by that name
    return np.sum(np.sin(a * x))


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.jit)])
def test_names_of_captured_arrays(jit: bool) -> None:
    """Two arrays of one name, a parameter and what a helper captures, are of two sizes."""

    def calls(X: np.ndarray) -> float:
        return named_alike(X)

    derivative = grad(calls, jit=jit)
    np.testing.assert_allclose(derivative(2.0 * X), np.cos(2.0 * X * X) * X, rtol=1e-12)
    for shape in ((3, 4), (2, 5), (6, 5)):
        with pytest.raises(ValueError):
            derivative(np.ones(shape))
