"""Code takes for granted what a call shows of sizes: one derivative is called with sizes of many kinds, in any order."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from s2sad import grad, jacfwd, jvp, value_and_grad
from s2sad.ir.call_sizes import CallSizes


def filled(*shape, seed=0):
    return 0.3 + np.random.default_rng([seed, *shape]).random(shape)


def convolved(x, w):
    n, k = len(x), len(w)
    m = n - k + 1
    y = np.zeros(m)
    for i in range(k):
        y += w[i] * x[i : i + m]
    return np.sum(y * y)


def windows(x, k):
    s = 0.0
    for i in range(len(x) - k + 1):
        s += np.prod(x[i : i + k]) * np.sum(x[i : i + k] * x[:k])
    return s


def downwards(x, y, n):
    for i in range(n - 1, -1, -1):
        y[i:n] = y[i:n] + x[: n - i] * x[i:n]
    return np.sum(y * y)


def made_of_numbers(N, M, A, b):
    C = np.zeros((N, M))
    C[1:-1, 1:-1] = A[1:-1, 1:-1] * 2.0
    C += b
    D = A[1 : N - 1, :M] * C[1:-1]
    return np.sum(D * D) + np.sum(C * A)


def diffused(inp, out):
    n, m = out.shape
    lap = (
        4.0 * inp[1 : n + 1, 1 : m + 1] - inp[:n, 1 : m + 1] - inp[2 : n + 2, 1 : m + 1] - inp[1 : n + 1, :m]
    )
    out[:, :] = lap * lap + out
    return np.sum(out**2)


def spread(x, y):
    return np.sum((x[1:-1] * y[2:] + x[:-2]) ** 2)


def past_the_end(x, k):
    a, b = x[k : k + 3], x[2 * k - 1 :]
    return np.sum(a) ** 2 + np.sum(b * b) + np.sum(x[:k]) * np.sum(x[k:])


def only_sometimes(x, y, flag):
    s = np.sum(x * x)
    if flag:
        s += np.sum(x * y[1:])
    return s * np.sum(y)


def filtered(image, kernel):
    n, m, k = image.shape[0], image.shape[1], kernel.shape[0]
    out = np.zeros((n - k + 1, m - k + 1))
    for i in range(n - k + 1):
        for j in range(m - k + 1):
            out[i, j] = np.sum(image[i : i + k, j : j + k] * kernel)
    return np.sum(np.tanh(out))


def shrinking(x, n):
    y = x.copy()
    for k in range(1, n):
        y[:-k] = y[:-k] + x[k:] * y[k]
    return np.sum(y * y)


PROGRAMS = [
    (convolved, [(filled(n), filled(k)) for n, k in ((7, 3), (3, 3), (4, 1), (5, 2), (2, 3), (9, 4), (3, 2), (1, 1))]),
    (windows, [(filled(n), k) for n, k in ((7, 3), (5, 1), (3, 3), (6, 2), (2, 4), (4, 4), (1, 1))]),
    (downwards, [(filled(n), filled(m, seed=1), k) for n, m, k in ((5, 5, 5), (5, 6, 4), (3, 3, 1), (4, 4, 0), (6, 3, 3))]),
    (
        made_of_numbers,
        [
            (n, m, filled(*s), filled(b))
            for n, m, s, b in (
                (5, 4, (5, 4), 4), (3, 3, (3, 3), 3), (4, 5, (4, 5), 1), (2, 2, (2, 2), 2), (3, 4, (3, 4), 4), (5, 4, (5, 5), 4),
                (1, 4, (1, 4), 4), (3, 1, (3, 1), 1), (6, 3, (6, 3), 3),
            )
        ],
    ),
    (diffused, [(filled(*a), filled(*b)) for a, b in (((6, 5), (4, 3)), ((8, 8), (4, 3)), ((3, 3), (1, 1)), ((4, 4), (3, 3)), ((9, 4), (2, 2)))]),
    (spread, [(filled(n), filled(m, seed=2)) for n, m in ((6, 6), (3, 6), (6, 3), (3, 3), (2, 2), (5, 6), (4, 4), (7, 7))]),
    (past_the_end, [(filled(n), k) for n, k in ((8, 2), (4, 3), (3, 0), (6, 5), (2, 2), (5, 1), (1, 1), (9, 2))]),
    (only_sometimes, [(filled(n), filled(m), f) for n, m, f in ((3, 4, True), (3, 5, False), (4, 5, True), (3, 2, True), (1, 5, True))]),
    (filtered, [(filled(*a), filled(*b, seed=3)) for a, b in (((5, 6), (3, 3)), ((3, 3), (3, 3)), ((4, 4), (1, 1)), ((4, 3), (2, 2)))]),
    (shrinking, [(filled(n), k) for n, k in ((6, 3), (6, 6), (3, 2), (4, 1), (2, 2), (3, 5))]),
]  # fmt: skip


def outcome(f, args):
    """What a call gives, or the class of what it raises; of copies of the arguments."""
    given = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
    try:
        return f(*given), given
    except (ValueError, IndexError, ZeroDivisionError) as error:
        return type(error), None


def slopes(f, args, wrt):
    found = []
    for i in wrt:
        g = np.zeros_like(args[i])
        for at in np.ndindex(g.shape):
            ends = []
            for d in (1e-6, -1e-6):
                moved = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
                moved[i][at] += d
                ends.append(f(*moved))
            g[at] = (ends[0] - ends[1]) / 2e-6
        found.append(g)
    return found


def agree(f, calls, jit=False):
    wrt = tuple(i for i, a in enumerate(calls[0]) if isinstance(a, np.ndarray))
    shared = value_and_grad(f, wrt=wrt, jit=jit)
    for args in calls:
        expected, left = outcome(f, args)
        got, mine = outcome(shared, args)
        if left is None:
            assert got is expected, (f.__name__, [np.shape(a) for a in args], got)
            continue
        assert mine is not None, (f.__name__, [np.shape(a) for a in args], got)
        np.testing.assert_allclose(got[0], expected, rtol=1e-12)
        for a, b in zip(got[1], slopes(f, args, wrt), strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
        for a, b in zip(mine, left, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("f", "calls"), PROGRAMS, ids=lambda x: getattr(x, "__name__", ""))
def test_any_order(f, calls, seed):
    order = [c for c in calls for _ in range(2)]
    random.Random(seed).shuffle(order)
    agree(f, order)


@pytest.mark.jit
@pytest.mark.parametrize(("f", "calls"), PROGRAMS, ids=lambda x: getattr(x, "__name__", ""))
def test_compiled(f, calls):
    agree(f, [*calls[:2], calls[1], calls[0]], jit=True)


@pytest.mark.slow
@pytest.mark.parametrize(("f", "calls"), PROGRAMS, ids=lambda x: getattr(x, "__name__", ""))
def test_compiled_in_any_order(f, calls):
    agree(f, [*calls, *reversed(calls)], jit=True)


@pytest.mark.parametrize(("f", "calls"), PROGRAMS, ids=lambda x: getattr(x, "__name__", ""))
def test_forward_mode(f, calls):
    """`jvp` and `jacfwd` look their code up by themselves."""
    wrt = tuple(i for i, a in enumerate(calls[0]) if isinstance(a, np.ndarray))
    whole = jacfwd(f, wrt=wrt)
    for args in [*calls, *reversed(calls)]:
        expected, left = outcome(f, args)
        along = tuple(np.ones_like(a) if isinstance(a, np.ndarray) else None for a in args)
        for g in (whole, lambda *a: jvp(f, a, along)[1]):  # noqa: B023
            got, mine = outcome(g, args)
            if left is None:
                assert got is expected
                continue
            assert mine is not None, got
            parts = got if isinstance(got, tuple) else (got,)
            total = sum(float(np.sum(p)) for p in parts)
            assert total == pytest.approx(
                sum(float(np.sum(s)) for s in slopes(f, args, wrt)), rel=1e-5, abs=1e-6
            )


def test_no_more_code_than_kinds():
    """Calls of other sizes of the same kind share code."""
    g = grad(convolved, wrt=(0, 1))
    for n, k in ((7, 3), (9, 3), (9, 4), (20, 5)):
        g(filled(n), filled(k))
    assert sum(map(len, g._cache.values())) == 1
    assert "unbroadcast" not in g.source and "raise" not in g.source
    (tests,) = [t.sizes.tests(lambda n: n) for found in g._cache.values() for t in found]
    assert tests == ["x.0 >= w.0"] or len(tests) <= 3, tests


def test_sums_of_sizes():
    """Two sizes that were found equal, one after the other, are one; a difference is told from the sizes it is of."""
    sizes = CallSizes({"a.0": 5, "b.0": 4, "c.0": 3})
    sizes.meet(sizes.named("a.0"), sizes.named("b.0").shorter(-1))
    sizes.meet(sizes.named("c.0").shorter(-1), sizes.named("a.0").shorter(1))
    again = sizes.again()
    dims = [again.named(n) for n in ("a.0", "b.0", "c.0")]
    assert {d.name for d in dims} == {dims[0].name}
    assert [again.value(d.name) + d.offset for d in dims] == [5, 4, 3]
    for other in itertools.product(range(1, 7), repeat=3):
        actual = dict(zip(("a.0", "b.0", "c.0"), other, strict=True))
        assert again.hold(actual) is (other[1] == other[0] - 1 and other[2] + 1 == other[0] - 1)
        assert all(eval(t, {}, {}) for t in again.tests(lambda n: str(actual[n]))) is again.hold(actual)  # noqa: B023
