"""Sorting, extremes by a key, tuples looked up by a computed number, and NumPy's index tricks."""
# ruff: noqa: E501, B905

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass, replace

import numpy as np
import pytest

import s2sad
from s2sad.errors import S2sadError
from tests.array_checks import Case, check, collector

rng = np.random.default_rng(8)
CASES: list[Case] = []
case = collector(CASES)
Body = namedtuple("Body", "m x")


def V(*shape):
    return rng.normal(size=shape)


@case(V(6), V(6))
def sorted_array(x, w):
    s = 0.0
    for i, v in enumerate(sorted(x)):
        s = s * 0.5 + v * w[i]
    return s


@case(V(5))
def sorted_downwards(x):
    y = sorted([v * v for v in x], reverse=True)
    return y[0] * y[1] + y[-1]


@case(V(6), V(6))
def sorted_by_key(x, w):
    order = sorted(range(len(x)), key=lambda i: -x[i] * w[i])
    s = 0.0
    for k, i in enumerate(order):
        s += w[i] * x[i] ** 2 / (1 + k)
    return s


@case(V(5, 3))
def sorted_rows(x):
    rows = sorted(x, key=lambda r: r @ r, reverse=True)
    return np.sum(rows[0] * rows[1]) + np.sum(rows[-1] ** 3)


@case(V(4), V(4))
def sorted_pairs(x, y):
    pairs = [(x[0], y[0]), (x[1], y[1]), (x[2], y[2]), (x[3], y[3])]
    s = 0.0
    for k, (a, b) in enumerate(sorted(pairs, key=lambda p: p[0])):
        s += a * b * (k + 1)
    return s


@case(V(6), V(6))
def most_and_least(x, w):
    i = max(range(len(x)), key=lambda k: x[k] * w[k])
    j = min(range(len(x)), key=lambda k: abs(x[k]))
    return x[i] * w[j] + w[i] ** 2


@case(V(5, 3), V(3))
def nearest_row(x, c):
    r = min(x, key=lambda r: np.sum((r - c) ** 2))
    return np.sum(r * c) + max(r, key=abs)


@case(V(3), V(3))
def greatest_of_two(x, y):
    r = max(x, y, key=np.sum)
    return np.prod(r)


@case(V(8), 3)
def tuples_by_number(x, n):
    table = [(x[0], x[1] * 2), (x[2], x[3]), (x[4] * x[5], x[6])]
    s = x[7]
    for i in range(n):
        a, b = table[i]
        s = s * a + b
    return s


@case(V(4, 2))
def tuples_with_break(x):
    edges = [(0, 1, x[0, 0]), (1, 2, x[1, 0]), (2, 3, x[2, 0]), (3, 0, x[3, 0])]
    s = 0.0
    for i, j, w in edges:
        if i == 3:
            break
        s += w * np.sum((x[i] - x[j]) ** 2)
    return s


@case(V(3), 3)
def records_by_number(x, n):
    bodies = [Body(1.0, x[0]), Body(2.0, x[1]), Body(x[2], 1.5)]
    e = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            e += bodies[i].m * bodies[j].m / (1.0 + (bodies[i].x - bodies[j].x) ** 2)
    return e


@case(V(2, 2), V(3, 2), V(2), V(3), V(2))
def layers_by_number(W0, W1, b0, b1, x):
    params = [(W0, b0), (W1, b1)]
    h = x
    for W, b in params:
        h = np.tanh(W @ h + b)
    return np.sum(h**2)


@case(V(3, 3), V(3, 3), V(3), 2)
def equal_layers(W0, W1, x, n):
    params = [(W0, 0.5), (W1, 1.5)]
    for i in range(n):
        W, c = params[i]
        x = np.tanh(W @ x) * c
    return np.sum(x**2)


@dataclass
class Option:
    strike: float
    kind: str


@case(V(3), 0.3)
def dataclasses_by_number(x, c):
    book = [Option(x[0], "call"), Option(x[1], "call"), Option(x[2] * c, "call")]
    s = 0.0
    for k in range(3):
        o = book[k]
        s += (o.strike - c) ** 2 * (k + 1) if o.kind == "call" else 0.0
    return s


@case(V(40), V(40))
def zipped_tuples(x, y):
    pts = [(x[0], y[0]), (x[1], y[1]), (x[2], y[2])]
    s = 0.0
    for (a, b), c in zip(pts, x):
        s += a * b * c
    return s


@case(V(3, 4))
def meshes(x):
    i, j = np.mgrid[0:3, 0:4]
    u, v = np.ogrid[0:3, 0:4]
    w = np.mgrid[0:1:3j, 0:2:4j]
    return np.sum(x * i * j) + np.sum(x**2 * (u - v)) + np.sum(np.exp(x) * w[0] * w[1])


@case(V(5), 3)
def mesh_of_sizes(x, n):
    g = np.mgrid[:n, 1:5]
    return np.sum(g[0] * x[:n, None]) + np.sum(x[g[1]] ** 2)


@case(V(5, 4))
def named_slices(x):
    inner = np.s_[1:-1, 1:-1]
    last = np.s_[..., -1]
    return np.sum(x[inner] ** 2) + np.sum(x[last] ** 3) + np.sum(x[np.index_exp[0:2]])


@case(V(5), V(3))
def rows_and_columns(x, y):
    return np.sum(np.r_[x, 0:3, y] ** 2) + np.sum(np.c_[x[:3], y] @ np.array([1.0, 2.0]))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_exact(case):
    check(replace(case, rtol=5e-5, atol=1e-5), levels=(0, 2))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_compiled(case):
    check(replace(case, rtol=5e-5, atol=1e-5), levels=(2,), jit=True)


def mixed_forms(x, n):
    table = [(x[0], x[1]), (x[0], x[1], x[2])]
    return sum(table[n])


def rows_without_key(x):
    return np.sum(sorted(x)[0])


def sorted_with_nothing(x):
    return sorted(x, by=1)[0]


@pytest.mark.parametrize(
    "fn, args", [(mixed_forms, (V(3), 1)), (rows_without_key, (V(2, 2),)), (sorted_with_nothing, (V(2),))]
)
def test_refused(fn, args):
    with pytest.raises(S2sadError) as refusal:
        s2sad.grad(fn, "x")(*args)
    assert "\n    " in str(refusal.value)


def test_equal_keys_keep_their_order():
    """Python's sort is stable, downwards too; of equal keys max and min take the first."""

    def f(x, w):
        s = 0.0
        for k, i in enumerate(sorted(range(4), key=lambda i: x[i], reverse=True)):
            s += (k + 1) * w[i]
        return s + 10 * w[max(range(4), key=lambda i: x[i])] + 100 * w[min(range(4), key=lambda i: x[i])]

    x, w = np.array([1.0, 2.0, 2.0, 1.0]), np.ones(4)
    np.testing.assert_array_equal(s2sad.grad(f, "w")(x, w), [103.0, 11.0, 2.0, 4.0])
