"""A compiled derivative that the user's own compiled functions call tests there what its code was made for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numba import njit
from numba.core.errors import NumbaError

from s2sad import S2sadError, SignatureError, grad, hvp, jacfwd, jacrev, value_and_grad

pytestmark = pytest.mark.jit
WEIGHTS = np.array([1.0, 2.0, 3.0])
X = np.array([1.0, 2.0, 3.0])
Y = np.array([0.5, -1.0, 2.0])


class Named(NamedTuple):
    a: np.ndarray
    b: np.ndarray


def product(x, y):
    return np.sum(x * y) + np.sum(x * WEIGHTS)


def matrix(A, x):
    return np.sum((A * x) ** 2)


def writes(x, y):
    for i in range(len(x) - 1):
        x[i] = y[i + 1] * x[i]
    return np.sum(x * y)


def writes_pair(p):
    p[0][0] = p[1][1] * 2.0
    return np.sum(p[0] * p[1])


def writes_named(p):
    p.a[0] = p.b[1] * 2.0
    return np.sum(p.a * p.b)


def reads_pair(p, c):
    return np.sum(p[0] * p[1] * c)


def by_mode(x, mode="a", k=2.0):
    return np.sum(x * x) * (2.0 if mode == "a" else 3.0) * k


def test_sizes_of_one():
    g = grad(product, wrt=(0, 1), jit=True)

    @njit
    def use(x, y):
        s = 0.0
        for i in range(2):
            s += g(x, y)[0][i % len(x)]
        return s

    expected = g(X, Y)[0][:2].sum()
    for _ in range(2):
        assert use(X, Y) == pytest.approx(expected)
        for bad in ((X[:1], Y), (X, Y[:1]), (X[:1], Y[:1])):
            with pytest.raises(
                S2sadError, match="product_grad.. was made for [xy]: an array of float64 with 1 axis"
            ):
                use(*bad)
    np.testing.assert_allclose(
        g(X[:1], Y)[0], np.sum(Y) + np.sum(WEIGHTS)
    )  # called by itself it is made again


@pytest.mark.slow
def test_sizes_of_one_along_some_axes():
    g = value_and_grad(matrix, wrt=(0, 1), jit=True)

    @njit
    def use(A, x):
        return g(A, x)[1]

    np.testing.assert_allclose(use(np.ones((2, 3)), X)[1], 4.0 * X)
    for A in (np.ones((1, 3)), np.ones((3, 1)), np.ones((1, 1)), np.asfortranarray(np.ones((1, 3)))):
        with pytest.raises(S2sadError, match="made for A: an array of float64 with 2 axes, none of size 1"):
            use(A, X)


def test_memory_that_is_written_and_shared():
    g, pair, named = (grad(f, jit=True) for f in (writes, writes_pair, writes_named))
    both = grad(reads_pair, jit=True)

    @njit
    def use(x, y):
        return g(x, y)

    @njit
    def use_pair(x, y):
        return pair((x, y))[1]

    @njit
    def use_named(p):
        return named(p).a

    @njit
    def use_views(x):
        return g(x[1:], x[:-1])

    @njit
    def use_halves(x):
        return g(x[:3], x[3:])

    @njit
    def use_read(x):
        return both((x, x), x)[0]

    expected = grad(writes)(X.copy(), Y)
    for _ in range(2):
        np.testing.assert_allclose(use(X.copy(), Y), expected)
        z = np.arange(1.0, 7.0)
        use_halves(z)
        use_pair(X.copy(), Y), use_named(Named(X.copy(), Y))
        np.testing.assert_allclose(use_read(X), X * X)
        before = z.copy()
        for call in (
            lambda: use(z, z), lambda: use(z[1:], z[:-1]), lambda: use(z[:4], z[3:0:-1]), lambda: use_views(z),
            lambda: use_pair(z, z[::-1]), lambda: use_named(Named(z, z)), lambda: use(z[::-1], z),
        ):  # fmt: skip
            with pytest.raises(S2sadError, match="share memory, and one is written"):
                call()
            assert np.array_equal(z, before)


def test_constants_are_part_of_the_type():
    g = grad(by_mode, jit=True)

    @njit
    def use(x):
        return g(x), g(x, "b"), g(x, "a", 1.0)

    @njit
    def passed(x, mode):
        return g(x, mode)

    a, b, c = use(X)
    np.testing.assert_allclose((a[0], b[0], c[0]), (8.0, 12.0, 4.0))
    with pytest.raises((NumbaError, S2sadError, TypeError)):
        passed(X, "b")


@pytest.mark.slow
def test_other_types_and_layouts():
    g = grad(product, jit=True)

    @njit
    def use(x, y):
        return g(x, y)

    frozen = X.copy()
    frozen.flags.writeable = False
    for x in (X, np.repeat(X, 2)[::2], X[::-1].copy()[::-1], frozen, X.astype(np.float32)):
        np.testing.assert_allclose(use(x, Y), Y + WEIGHTS, rtol=1e-6)
    h = grad(writes, jit=True)

    @njit
    def change(x, y):
        return h(x, y)

    change(X.copy(), Y)
    with pytest.raises((NumbaError, S2sadError)):
        change(frozen, Y)
    assert frozen.tolist() == X.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("make", [jacfwd, jacrev])
def test_jacobians(make):
    g = make(lambda x, y: x * y, jit=True)

    @njit
    def use(x, y):
        return g(x, y)

    np.testing.assert_allclose(use(X, Y), np.diag(Y))
    with pytest.raises(S2sadError, match="made for y"):
        use(X, Y[:1])


def test_given_to_compiled_functions():
    g = grad(writes, jit=True)

    @njit
    def apply(derivative, x, y):
        return derivative(x, y)

    np.testing.assert_allclose(apply(g, X.copy(), Y), grad(writes)(X.copy(), Y))
    with pytest.raises(S2sadError, match="share memory"):
        apply(g, X, X)


def through_a_view(A, x):
    r = A.reshape(-1)
    r[0] = 5.0 * x[1]
    return np.sum(A * A) + np.sum(x)


@pytest.mark.slow
def test_layouts_that_decide_what_is_a_view():
    g = grad(through_a_view, wrt=(0, 1), jit=True)

    @njit
    def use(A, x):
        return g(A, x)[1]

    A = np.arange(4.0).reshape(2, 2)
    np.testing.assert_allclose(use(A.copy(), X), [1.0, 1.0 + 50.0 * X[1], 1.0])
    with pytest.raises(S2sadError, match="share memory"):
        use(A, A[1])


SCALE = 2.0


def scaled(x):
    return x * x * SCALE


def helped(x):
    return scaled(x)


def test_what_is_captured_is_frozen_until_the_caller_is_compiled_again(monkeypatch):
    g = grad(helped, jit=True)

    @njit
    def use(x):
        return g(x)

    assert use(3.0) == g(3.0) == 12.0
    monkeypatch.setitem(globals(), "SCALE", 5.0)
    assert (use(3.0), g(3.0)) == (12.0, 30.0)
    use.recompile()
    assert use(3.0) == 30.0

    @njit
    def another(x):
        return g(x)

    monkeypatch.setattr(scaled, "__code__", (lambda x: x * x * x * SCALE).__code__)
    assert another(3.0) == g(3.0) == 135.0
    monkeypatch.setattr(helped, "__code__", (lambda x: x * 7.0).__code__)
    use.recompile()
    assert use(3.0) == 7.0


def by_rank(x):
    return np.sum(x * WEIGHTS) if np.ndim(x) else x * x


def test_callers_change_nothing_for_calls_from_python(monkeypatch):
    """What was frozen into a caller, with its tests, is not what a later call from Python runs."""
    g = grad(by_rank, jit=True)
    assert g(2.0) == 4.0

    @njit
    def use(x):
        return g(x)

    assert use(X).tolist() == WEIGHTS.tolist()
    monkeypatch.setitem(globals(), "WEIGHTS", np.array([4.0]))
    assert g(X).tolist() == [4.0, 4.0, 4.0] and g(X[:1]).tolist() == [4.0]
    assert g(2.0) == 4.0 and use(X).tolist() == [1.0, 2.0, 3.0]


def test_read_only_arguments_of_writers():
    frozen = X.copy()
    frozen.flags.writeable = False
    g, named = grad(writes, jit=True), grad(writes_named, jit=True)

    @njit
    def use(x, y):
        return g(x, y)

    @njit
    def use_named(p):
        return named(p)

    refused = r"(?s)test_compiled_callers.py:\d+.* writes its argument (x|p.a), which is a read-only array"
    for compiled, direct, args in ((use, g, (frozen, Y)), (use_named, named, (Named(frozen, Y),))):
        with pytest.raises(NumbaError, match=refused):
            compiled(*args)
        with pytest.raises(ValueError, match="assignment destination is read-only"):
            direct(*args)
    assert frozen.tolist() == X.tolist()


def cubic(x, k):
    return np.sum(x**3) * k


along = hvp(cubic, jit=True)
along_both = hvp(cubic, wrt=(0, 1), jit=True)


@njit
def times_hessian(x, v):
    return along(x, 2.0, v)


@njit
def times_hessians(x, v):
    return along_both(x, 2.0, (v, 1.0))


@pytest.mark.slow
def test_hessian_vector_products() -> None:
    """The vector has the shape of what it is multiplied by, also where nothing but compiled code looks at it."""
    x, v = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 2.0])
    for _ in range(2):
        np.testing.assert_allclose(times_hessian(x, v), 12.0 * x * v)
        found, number = times_hessians(x, v)
        np.testing.assert_allclose(found, 12.0 * x * v + 3.0 * x**2)
        np.testing.assert_allclose(number, np.sum(3.0 * x**2 * v))
    for f in (times_hessian, times_hessians):
        for wrong in (np.ones(4), np.ones(1)):
            with pytest.raises(SignatureError, match="was made for"):
                f(x, wrong)
