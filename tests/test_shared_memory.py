"""Arguments that share memory which is written are refused at every call, wherever the memory is held; what is only
read may be shared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

from s2sad import S2sadError, grad, hessian, hvp, jacfwd, jacrev, jvp, value_and_grad, vjp

JIT = [False, pytest.param(True, marks=pytest.mark.jit)]
SLOW_JIT = [False, pytest.param(True, marks=[pytest.mark.jit, pytest.mark.slow])]
SHARED = "share memory, and some is written|are the same memory, and some is written"
GLOBAL = np.array([1.0, 2.0, 3.0])
HELD = {"w": GLOBAL, "rest": (1.0, GLOBAL)}


def fresh(n=3):
    return np.arange(1.0, n + 1.0)


@dataclass
class Pair:
    a: Any
    b: Any


class Named(NamedTuple):
    a: Any
    b: Any


def of_items(p):
    p[0][0] = p[1][1] * 2.0
    return np.sum(p[0] * p[1])


def of_dict(p):
    for i in range(len(p["a"]) - 1):
        p["a"][i] = p["b"][i + 1] * p["a"][i]
    return np.sum(p["a"] * p["b"])


def of_attributes(p):
    for i in range(2):
        p.a[i] = p.b[i + 1] * p.a[i]
    return np.sum(p.a * p.b)


def nested(p):
    p["deep"][1][0] = p["deep"][0] * p["c"][1]
    return np.sum(p["deep"][1] * p["c"])


def two_lists(p):
    p[0][0] = p[1][1] * 2.0
    return p[0][0] * p[1][0]


CONTAINERS = {
    "tuple": (of_items, lambda a, b: (a, b)),
    "list": (of_items, lambda a, b: [a, b]),
    "dict": (of_dict, lambda a, b: {"a": a, "b": b}),
    "dataclass": (of_attributes, Pair),
    "namedtuple": (of_attributes, Named),
    "nested": (nested, lambda a, b: {"deep": [2.0, a], "c": b}),
}
SHARING = {
    "same": lambda: (lambda a: (a, a))(fresh()),
    "overlap": lambda: (lambda a: (a[1:], a[:-1]))(fresh(4)),
    "reversed": lambda: (lambda a: (a, a[::-1]))(fresh()),
    "row and matrix": lambda: (lambda m: (m[0], m.ravel()[:3]))(np.ones((2, 3))),
}
APART = {
    "apart": lambda: (fresh(), fresh()),
    "halves": lambda: (lambda a: (a[:3], a[3:]))(fresh(6)),
    "columns": lambda: (lambda m: (m[:, 0], m[:, 1]))(np.arange(1.0, 7.0).reshape(3, 2)),
    "interleaved": lambda: (lambda a: (a[::2], a[1::2]))(fresh(6)),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("sharing", SHARING)
def test_in_one_argument_at_every_call(container, sharing):
    fn, hold = CONTAINERS[container]
    g = grad(fn)
    for make in (SHARING[sharing], APART["apart"], SHARING[sharing], APART["halves"], SHARING[sharing]):
        arguments = make()
        if make is SHARING[sharing]:
            before = [a.copy() for a in arguments]
            with pytest.raises(S2sadError, match=SHARED):
                g(hold(*arguments))
            assert all(np.array_equal(a, b) for a, b in zip(arguments, before, strict=True))
        else:
            g(hold(*arguments))


@pytest.mark.jit
@pytest.mark.parametrize("container", ["tuple", "list", "namedtuple"])
def test_in_one_argument_at_every_compiled_call(container):
    fn, hold = CONTAINERS[container]
    g = grad(fn, jit=True)
    expected = grad(fn)(hold(*APART["apart"]()))
    for sharing in ("same", "overlap"):
        with pytest.raises(S2sadError, match=SHARED):
            g(hold(*SHARING[sharing]()))
        for got, want in zip(g(hold(*APART["apart"]())), expected, strict=True):
            np.testing.assert_allclose(got, want)


@pytest.mark.parametrize("apart", APART)
def test_arrays_without_a_common_element_are_apart(apart):
    g = grad(of_items)
    a, b = APART[apart]()
    expected = grad(of_items)((a.copy(), b.copy()))
    for _ in range(2):
        got = g(tuple(APART[apart]()))
        np.testing.assert_array_equal(got[0], expected[0])
        np.testing.assert_array_equal(got[1], expected[1])


def read_only(p, c):
    s = 0.0
    for i in range(len(c)):
        s = s + p[0][i] * p[1][i] * c[i]
    return s


def writes_another(x, a, b):
    x[0] = a[0] * b[1]
    return np.sum(x * a * b)


def writes_its_own(a, b):
    y = a * b
    y[0] = a[1]
    return np.sum(y)


@pytest.mark.parametrize("jit", JIT)
def test_what_is_only_read_may_be_shared(jit):
    a = fresh()
    g = grad(read_only, jit=jit)
    h = grad(writes_another, wrt=(1, 2), jit=jit)
    own = grad(writes_its_own, jit=jit)
    for _ in range(2):
        np.testing.assert_allclose(g((a, a), a)[0], a * a)
        da, db = h(fresh(), a, a)
        np.testing.assert_allclose(da, [4.0, 4.0, 9.0])
        np.testing.assert_allclose(db, [2.0, 5.0, 9.0])
        np.testing.assert_allclose(own(a, a), [0.0, 3.0, 3.0])
        for bad in ((lambda x: (x, x, fresh()))(fresh()), (lambda x: (x, fresh(), x[::-1]))(fresh())):
            with pytest.raises(S2sadError, match=SHARED):
                h(*bad)


def recursive(a, b, n):
    if n == 0:
        return np.sum(a * b)
    return recursive(a, b, n - 1) * 2.0


def recursive_writer(a, b, n):
    if n == 0:
        return np.sum(a * b)
    b[0] = a[1]
    return recursive_writer(a, b, n - 1)


def recursive_with_global(a, n):
    if n == 0:
        return np.sum(a * GLOBAL)
    GLOBAL[0] = a[1] * 3.0
    return recursive_with_global(a * 2.0, n - 1)


def test_functions_that_call_themselves():
    a = fresh()
    np.testing.assert_allclose(grad(recursive)(a, a, 2), 4.0 * a)
    g = grad(recursive_writer)
    g(fresh(), fresh(), 2)
    for arguments in ((a, a, 2), (a[1:], a[:-1], 2)):
        with pytest.raises(S2sadError, match=SHARED):
            g(*arguments)
    with pytest.raises(S2sadError, match=SHARED):
        grad(recursive_with_global)(GLOBAL, 2)


def with_global(x):
    x[0] = GLOBAL[1] * 3.0
    return np.sum(x * GLOBAL)


def with_held(x):
    x[0] = HELD["w"][1] * 3.0
    return np.sum(x * HELD["rest"][1])


def global_written(x):
    GLOBAL[0] = x[0]
    return np.sum(x * GLOBAL)


def closed_over():
    c = fresh()

    def inner(x):
        x[0] = c[1] * 2.0
        return np.sum(x * c)

    return inner, c


@pytest.mark.parametrize("jit", SLOW_JIT)
@pytest.mark.parametrize("fn", [with_global, with_held, global_written, closed_over])
def test_an_argument_that_is_captured_too(fn, jit):
    fn, memory = closed_over() if fn is closed_over else (fn, GLOBAL)
    kept = memory.copy()
    g = grad(fn, jit=jit)
    try:
        for bad in (memory, memory[:], memory[::-1], memory.reshape(1, 3)[0]):
            with pytest.raises(S2sadError, match=SHARED):
                g(bad)
            g(fresh())
    finally:
        memory[:] = kept


class Model:
    def __init__(self, w):
        self.w = w


MODEL = Model(fresh())


def with_attribute(x):
    x[0] = MODEL.w[1]
    return np.sum(MODEL.w * x)


@pytest.mark.parametrize("jit", SLOW_JIT)
def test_an_argument_that_is_an_attribute_too(jit):
    g = grad(with_attribute, jit=jit)
    for _ in range(2):
        np.testing.assert_allclose(g(fresh()), [0.0, 2.0, 3.0])
        with pytest.raises(S2sadError, match=SHARED):
            g(MODEL.w)


def writes(x):
    x[0] = x[1] * x[1]
    return np.sum(x * x)


def writes_to_fixed(x, c):
    c[0] = x[1] * 3.0
    return np.sum(x * c)


@pytest.mark.parametrize("make", [grad, value_and_grad, jacfwd, jacrev, hessian])
def test_all_modes(make):
    g = make(writes_to_fixed)
    for _ in range(2):
        g(fresh(), fresh())
        a = fresh()
        with pytest.raises(S2sadError, match=SHARED):
            g(a, a)
        assert a.tolist() == [1.0, 2.0, 3.0]


def test_vjp_and_jvp_at_every_call():
    a = fresh()
    for _ in range(2):
        vjp(writes_to_fixed, fresh(), fresh())
        jvp(writes_to_fixed, (fresh(), fresh()), (fresh(), fresh()))
        with pytest.raises(S2sadError, match=SHARED):
            vjp(writes_to_fixed, a, a)
        with pytest.raises(S2sadError, match=SHARED):
            jvp(writes_to_fixed, (a, a), (fresh(), fresh()))
        with pytest.raises(S2sadError, match=SHARED):
            hvp(writes)(a, a)


@pytest.mark.parametrize("jit", SLOW_JIT)
def test_tangents_may_be_anything(jit):
    expected = jvp(writes, (fresh(),), (fresh(),), jit=jit)
    a = fresh()
    assert jvp(writes, (a,), (a,), jit=jit) == expected and a[0] == 4.0
    c, t = fresh(), fresh()
    both = jvp(writes_to_fixed, (fresh(), fresh()), (fresh(), fresh()), jit=jit)
    assert jvp(writes_to_fixed, (fresh(), fresh()), (t, t), jit=jit) == both
    assert jvp(writes_to_fixed, (fresh(), c), (c, fresh()), jit=jit) == both
    assert t.tolist() == [1.0, 2.0, 3.0]


def test_lists_that_are_one():
    g = grad(two_lists)
    one = [1.0, 2.0]
    for _ in range(2):
        assert g([[1.0, 2.0], [3.0, 4.0]]) == [[0.0, 0.0], [8.0 - 0.0, 6.0]]
        with pytest.raises(S2sadError, match=SHARED):
            g([one, one])
    assert one == [1.0, 2.0]


def test_an_array_whose_own_elements_are_one():
    g = grad(writes)
    windows = np.lib.stride_tricks.as_strided(fresh(4), (2, 3), (8, 8), writeable=True)
    single = np.lib.stride_tricks.as_strided(np.array([3.0]), (3,), (0,), writeable=True)
    for _ in range(2):
        with pytest.raises(S2sadError, match=SHARED):
            g(single)
        g(fresh())
    with pytest.raises(S2sadError, match=SHARED):
        grad(lambda A: writes(A[0]) + np.sum(A[1]))(windows)
    np.testing.assert_allclose(grad(lambda x: np.sum(x * x))(np.broadcast_to(3.0, (3,))), [6.0, 6.0, 6.0])


def through_a_view(A, x):
    r = A.reshape(-1)
    r[0] = 5.0 * x[1]
    return np.sum(A * A) + np.sum(x)


def test_what_is_written_through_a_view():
    g = grad(through_a_view, wrt=(0, 1))
    for _ in range(2):
        A = np.arange(4.0).reshape(2, 2)
        np.testing.assert_allclose(g(A, fresh())[1], [1.0, 101.0, 1.0])
        for bad in ((A, A[0]), (A, A[:, 1]), (A.T, A[1])):
            with pytest.raises(S2sadError, match=SHARED):
                g(*bad)


slope = grad(writes_to_fixed, wrt=(0, 1))


def one_array(x):
    a = x.copy()
    return np.sum(slope(a, a)[1])


def another_name(x):
    a = x.copy()
    b = a
    for _ in range(2):
        b = a
    return np.sum(slope(a, b)[1])


def two_views(x):
    a = x.copy()
    return np.sum(slope(a[1:], a[:-1])[0])


def perhaps_one(x, k):
    a = x.copy()
    b = a if k else x.copy()
    return np.sum(slope(a, b)[1])


def with_its_reshape(x):
    a = x[::-1] * 1.0
    return np.sum(slope(a, a.reshape(3))[0])


def two_arrays(x):
    a, b = x.copy(), x.copy()
    return np.sum(slope(a, b)[1])


@pytest.mark.parametrize("fn", [one_array, another_name, two_views, perhaps_one, with_its_reshape])
@pytest.mark.parametrize("make", [grad, value_and_grad, jacfwd])
def test_derivatives_called_inside(fn, make):
    """Called by itself the derivative refuses its arguments; so it does inside a function that is differentiated."""
    arguments = (fresh(), 1) if fn is perhaps_one else (fresh(),)
    with pytest.raises(S2sadError, match=SHARED):
        fn(*arguments)
    with pytest.raises(S2sadError, match="share memory, and some is written"):
        make(fn)(*arguments)


def test_derivatives_called_inside_with_arrays_of_their_own():
    np.testing.assert_allclose(value_and_grad(two_arrays)(fresh())[0], two_arrays(fresh()))
    h = 1e-6
    for i in range(3):
        e = np.eye(3)[i] * h
        difference = (two_arrays(fresh() + e) - two_arrays(fresh() - e)) / (2 * h)
        assert grad(two_arrays)(fresh())[i] == pytest.approx(difference, rel=1e-6)
    np.testing.assert_allclose(hessian(writes)(fresh())[1, 1], 12.0 * 4.0 + 2.0)
