"""Loops over elements known one by one: the size of the code decides whether each turn is written out, and the
gradients are the same."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from s2sad import grad, hvp, jvp, value_and_grad


@dataclasses.dataclass
class Sample:
    x: float
    y: float


@dataclasses.dataclass
class Batch:
    a: np.ndarray
    k: float


def small(w, data):
    s = 0.0
    for x, y in data:
        s += (w * x - y) ** 2
    return s


def large(w, data):
    s = 0.0
    for x, y in data:
        p = 1.0 / (1.0 + math.exp(-w * x))
        q = math.sin(w * x) * math.cos(y)
        r = math.sqrt(p * p + q * q + 1.0)
        if r > y:
            s += math.log(r + 1.0) * p
        else:
            s -= math.exp(-q) * r
        for _ in range(3):
            s = s + 0.01 * math.tanh(s) * x
    return s / len(data)


def of_arrays(w, data):
    s = 0.0
    for a, y in data:
        h = np.tanh(a * w)
        s += (np.sum(h * h) - y) ** 2
    return s


def of_dicts(w, data):
    s = 0.0
    for d in data:
        s += math.sin(w * d["x"] - d["y"]) ** 2 * d["x"] * math.exp(-w) * math.tanh(d["y"] * w)
    return s


def of_objects(w, data):
    s = 0.0
    for p in data:
        s += math.sin(w * p.x - p.y) ** 2 * p.x * math.exp(-w) * math.tanh(p.y * w)
    return s


def of_objects_with_arrays(w, data):
    s = 0.0
    for i, q in enumerate(data):
        s += np.sum(np.sin(w * q.a) * np.exp(-w * q.a)) * q.k + i * w
    return s


def nested(w, data):
    s = 0.0
    for (a, b), ys in data:
        for y in ys:
            s += math.sin(w * a * y) + b * w
    return s


def pairs(w, data):
    s = 0.0
    for i, (x1, y1) in enumerate(data):
        for j, (x2, y2) in enumerate(data):
            if i < j:
                s += w * math.sqrt((x1 - x2) ** 2 + (y1 - y2) ** 2 + 1e-3 * w)
    return s


def one(w, x, y):
    z = w * x
    return (1.0 / (1.0 + math.exp(-z)) - y) ** 2 * math.cos(z) + math.log(1.0 + y * y)


def by_a_helper(w, data):
    s = 0.0
    for x, y in data:
        s += one(w, x, y)
    return s


def several_loops(w, data):
    s = 0.0
    for x, y in data:
        s += math.sin(w * x) * y
    for x, y in reversed(data):
        s = s * 0.9 + w * x * y
    for (x1, _), (x2, y2) in zip(data, data[1:], strict=False):
        s += w * x1 * y2 - math.sin(x2 * w)
    return s


def in_a_loop(w, data):
    t = w
    for _ in range(3):
        for x, y in data:
            t = t + 0.01 * math.sin(t * x) * math.cos(y) * w
    return t


def previous(w, data):
    last = None
    s = 0.0
    for x, y in data:
        if last is not None:
            s += (w * x - last) ** 2 * math.sin(y) * math.cos(w) * math.exp(-w)
        last = w * y
    return s


def filled(w, data):
    out = []
    for x, y in data:
        out.append(math.sin(w * x) * math.cos(y * w) + math.exp(-x * x * w) * math.tanh(w * y))
    m = sum(out) / len(out)
    return sum((o - m) ** 2 for o in out)


def written(w, data):
    out = np.zeros(len(data))
    for i, (x, y) in enumerate(data):
        out[i] = math.tanh(w * x) * math.exp(-w * w * x) + math.sin(y * w) * math.cos(w * y)
    return np.sum(out * out)


def arrays_in_a_list(w, data):
    hs = [np.tanh(w * a) * np.exp(-w * w * a) + np.sin(a * w) * np.cos(w * a) for a, _ in data]
    first, *rest = hs
    return sum(np.sum(h) for h in hs) * np.sum(first) + np.sum(np.stack(rest) ** 2)


def tuples_in_a_list(w, data):
    hs = [(math.tanh(w * x) * math.exp(-w * w * x) + math.sin(y * w), w * x) for x, y in data]
    return sum(a * b for a, b in hs)


def by_kind(w, data):
    s = 0.0
    for i, (x, y) in enumerate(data):
        for kind in ("sin", "exp"):
            if kind == "sin":
                s += math.sin(w * x) * i
            else:
                s += math.exp(-w * x) * y
    return s


rng = np.random.default_rng(3)


def number() -> float:
    return float(rng.normal())


TWO = lambda: (number(), number())  # noqa: E731
CASES: dict[Any, Any] = {
    small: TWO,
    large: TWO,
    of_arrays: lambda: (rng.normal(size=3), number()),
    of_dicts: lambda: {"x": number(), "y": number()},
    of_objects: lambda: Sample(number(), number()),
    of_objects_with_arrays: lambda: Batch(rng.normal(size=2), number()),
    nested: lambda: (TWO(), [number(), number(), number()]),
    pairs: TWO,
    by_a_helper: TWO,
    several_loops: TWO,
    in_a_loop: TWO,
    previous: TWO,
    filled: TWO,
    written: TWO,
    arrays_in_a_list: lambda: (rng.normal(size=3), 0.0),
    tuples_in_a_list: TWO,
    by_kind: TWO,
}


def difference(f, w, data):
    h = 1e-6
    return (f(w + h, data) - f(w - h, data)) / (2 * h)


@pytest.mark.parametrize("f", CASES)
def test_gradients_at_every_size(f):
    for n in (2, 5, 20, 40, 66):
        data = [CASES[f]() for _ in range(n)]
        g = grad(f)
        assert g(0.7, data) == pytest.approx(difference(f, 0.7, data), rel=1e-5, abs=1e-6)
        assert jvp(f, (0.7, data), (1.0, None))[1] == pytest.approx(g(0.7, data), rel=1e-9)
        lines = len(g.source.splitlines())
        bound = 300 if f is not tuples_in_a_list else 20 * n  # of which there is no loop
        assert lines < bound, f"{lines} lines for {n} samples"


@pytest.mark.parametrize("optimize", [0, 1])
@pytest.mark.parametrize("f", CASES)
def test_gradients_as_derived(f, optimize):
    data = [CASES[f]() for _ in range(24)]
    assert grad(f, optimize=optimize)(0.7, data) == pytest.approx(grad(f)(0.7, data), rel=1e-9)


def test_the_size_decides_and_not_the_number_of_turns():
    def lines(f, n):
        g = grad(f)
        g(0.7, [CASES[f]() for _ in range(n)])
        return len(g.source.splitlines()), " in range(" in g.source.split("# reverse")[0]

    assert lines(small, 40)[0] < 70 and not lines(small, 40)[1]  # small: plain code
    assert lines(large, 40)[0] < 120 and lines(large, 40)[1]  # a loop
    assert lines(pairs, 40)[0] < 200 and lines(by_a_helper, 60)[0] < 150
    assert lines(large, 200)[0] == lines(large, 66)[0] < 120  # parts of the samples are gathered in two lists


def test_parts_of_an_argument_are_gathered():
    data = [TWO() for _ in range(70)]
    kept = [(1.0 * k, 2.0) for k in range(80)]

    def f(i, k):
        s = 0.0
        for x, y in k:
            s += i * x * y
        for x, y in kept[3:]:
            s += i * x * y
        return s

    g = grad(f)
    assert g(0.5, data) == pytest.approx(sum(x * y for x, y in data) + sum(x * y for x, y in kept[3:]))
    assert "[k[" in g.source and "for" in g.source and "kept[" in g.source and "range(3, 80)" in g.source
    kept[79] = (1.0, 1.0)
    assert g(0.5, data) == pytest.approx(sum(x * y for x, y in data) + sum(x * y for x, y in kept[3:]))
    for n in (1, 2, 7, 8, 9):
        assert grad(small)(0.7, data[:n]) == pytest.approx(
            difference(small, 0.7, data[:n]), rel=1e-5, abs=1e-7
        )


def test_by_the_samples_themselves():
    def f(data):
        s = 0.0
        for x, y in data:
            s += math.sin(x * y) * math.exp(-x * x) * math.tanh(y) + math.cos(x) * math.log(1.0 + y * y)
        return s

    for n in (3, 50):
        data = [TWO() for _ in range(n)]
        found = grad(f)(data)
        assert isinstance(found, list) and isinstance(found[0], tuple) and len(found) == n
        k, h = n - 1, 1e-6
        up = [*data[:k], (data[k][0] + h, data[k][1])]
        down = [*data[:k], (data[k][0] - h, data[k][1])]
        assert found[k][0] == pytest.approx((f(up) - f(down)) / (2 * h), rel=1e-5)


def test_functions_and_texts_are_written_out_at_all_sizes():
    def f(x, steps):
        for k, step in steps:
            x = step(x) * 0.5 + x if k == "half" else step(x) + math.sin(x) * math.exp(-x * x)
        return x

    for n in (4, 40, 70):
        steps = [(("half", math.sin), ("full", math.tanh), ("half", math.cos))[i % 3] for i in range(n)]
        assert grad(f)(0.3, steps) == pytest.approx(
            (f(0.3 + 1e-6, steps) - f(0.3 - 1e-6, steps)) / 2e-6, rel=1e-4
        )


def test_second_derivatives():
    data = [TWO() for _ in range(40)]
    for f in (large, by_a_helper, several_loops):
        second = grad(grad(f))(0.7, data)
        h = 1e-5
        assert second == pytest.approx((grad(f)(0.7 + h, data) - grad(f)(0.7 - h, data)) / (2 * h), rel=1e-4)
        assert hvp(f)(0.7, data, 1.0) == pytest.approx(second, rel=1e-9)


def test_what_is_spread_is_not_updated_in_place():
    def f(w, parts):
        h = np.ones(2) * w
        for W, b in parts:
            h = np.tanh(W @ h + b) * np.exp(-np.sum(h * h)) + np.sin(b) * np.sum(h)
        return np.sum(h)

    parts = [(rng.normal(size=(2, 2)), rng.normal(size=2)) for _ in range(70)]
    for optimize in (0, 1, 2):
        assert grad(f, optimize=optimize)(0.7, parts) == pytest.approx(difference(f, 0.7, parts), abs=1e-6)


@pytest.mark.jit
@pytest.mark.parametrize("f", [large, of_arrays])
def test_compiled(f):
    data = [CASES[f]() for _ in range(40)]
    value, gradient = value_and_grad(f, jit=True)(0.7, data)
    assert value == pytest.approx(f(0.7, data)) and gradient == pytest.approx(grad(f)(0.7, data), rel=1e-9)


@pytest.mark.jit
@pytest.mark.slow
@pytest.mark.parametrize("f", [small, pairs, by_a_helper, several_loops, in_a_loop, written])
def test_compiled_too(f):
    data = [CASES[f]() for _ in range(40)]
    assert grad(f, jit=True)(0.7, data) == pytest.approx(grad(f)(0.7, data), rel=1e-9)
