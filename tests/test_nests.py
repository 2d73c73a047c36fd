"""Statements over slices that are one nest of loops when compiled: random ones that read and write overlapping cells."""

from __future__ import annotations

import linecache
import random

import numpy as np
import pytest

import s2sad
from s2sad.rules.registry import PRIMS

pytestmark = pytest.mark.jit
ARRAYS = ("a", "b", "c", "d")
QUICK = (13, 165, 170)  # which take seconds


class Program:
    """A random program of statements over the inner cells of arrays, from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.axes = self.rng.choice((1, 2, 2, 2, 3))
        self.made: list[str] = []
        self.lines = ["def f(a, b, r):", "    c = a * b", "    d = np.zeros_like(b)", "    s = 0.0"]
        self.block("    ", self.rng.randint(2, 5))
        if self.rng.random() < 0.6:
            self.lines.append(f"    for k in range({self.rng.randint(0, 3)}):")
            outside = list(self.made)
            self.block("        ", self.rng.randint(2, 6))
            self.made = outside
        self.block("    ", self.rng.randint(0, 3))
        self.lines.append("    return s + np.sum(c * c) + np.sum(np.sin(d)) + np.sum(a) + np.sum(b * b)")
        self.source = "\n".join(self.lines) + "\n"

    def inner(self) -> str:
        """A slice of the size of the inner cells."""
        parts = []
        for _ in range(self.axes):
            start = self.rng.choice((0, 1, 1, 1, 2))
            parts.append({0: ":-2", 1: "1:-1", 2: "2:"}[start])
        return f"[{', '.join(parts)}]"

    def operand(self) -> str:
        pick = self.rng.random()
        if pick < 0.25 and self.made:
            return self.rng.choice(self.made)
        if pick < 0.35:
            return self.rng.choice(("r", "0.5", "1.5"))
        return self.rng.choice(ARRAYS) + self.inner()

    def term(self, depth: int = 2) -> str:
        pick = self.rng.random()
        if depth == 0 or pick < 0.25:
            return self.operand()
        x, y = self.term(depth - 1), self.term(depth - 1)
        if pick < 0.6:
            return f"({x} {self.rng.choice('+-*')} {y})"
        if pick < 0.75:
            return f"np.{self.rng.choice(('sin', 'tanh', 'cos', 'arctan'))}({x})"
        if pick < 0.85:
            return f"{x} / (2.0 + np.abs({y}))"
        if pick < 0.95:
            return f"np.where({self.rng.choice(ARRAYS)}{self.inner()} > {y}, {x}, {self.operand()})"
        return f"({x}) ** 2"

    def array(self) -> str:
        """A term that has the sizes of the inner cells."""
        return f"{self.rng.choice(ARRAYS)}{self.inner()} * {self.term()}"

    def block(self, indent: str, count: int) -> None:
        for _ in range(count):
            pick, x = self.rng.random(), self.rng.choice(ARRAYS)
            if pick < 0.3:
                line = f"{x}{self.inner()} = 0.3 * {self.array()}"
            elif pick < 0.55:
                line = f"{x}{self.inner()} {self.rng.choice(('+=', '-=', '*='))} 0.3 * {self.array()}"
            elif pick < 0.75:
                name = f"t{len(self.lines)}"
                copied = self.rng.random() < 0.3
                line = f"{name} = {x}{self.inner()}.copy()" if copied else f"{name} = {self.array()}"
                self.lines.append(indent + line)
                self.made.append(name)
                continue
            elif pick < 0.9:
                line = f"s += np.sum({self.array()})"
            else:
                line = f"{x} {self.rng.choice(('+=', '*='))} {self.rng.choice(('r', '0.7', f'0.1 * {self.rng.choice(ARRAYS)}'))}"
            self.lines.append(indent + line)


def made(source: str, name: str):
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    space = {"np": np}
    exec(compile(source, name, "exec"), space)
    return space["f"]


def check(seed: int) -> None:
    program = Program(seed)
    f = made(program.source, f"<nests {seed}>")
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(2, 6, program.axes)) if seed % 4 == 0 else (4, 5, 3)[: program.axes]

    def given():
        inputs = np.random.default_rng([seed, 1])
        return inputs.normal(size=shape), inputs.normal(size=shape), 0.4

    args, same = given(), given()
    value, grads = s2sad.value_and_grad(f, wrt=(0, 1, 2))(*args)
    compiled, compiled_grads = s2sad.value_and_grad(f, wrt=(0, 1, 2), jit=True, cache=False)(*same)
    plain = given()
    expected = f(*plain)
    np.testing.assert_allclose([value, compiled], expected, rtol=1e-10, atol=1e-12, err_msg=program.source)
    for x, y, z in zip(plain[:2], args[:2], same[:2], strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-10, atol=1e-12, err_msg=program.source)
        np.testing.assert_allclose(z, x, rtol=1e-10, atol=1e-12, err_msg=program.source)
    for x, y in zip(grads, compiled_grads, strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-8, atol=1e-9, err_msg=program.source)


@pytest.mark.parametrize("seed", QUICK)
def test_random_statements(seed):
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [s for s in range(200) if s not in QUICK])
def test_more_random_statements(seed):
    check(seed)


# Numba's own, on arrays as on numbers: infinities divided to whole numbers, the spacing of -0.0
OTHERWISE = {"floor_divide", "spacing"}


def functions_of(count):
    """NumPy's functions of doubles that are done element by element, from the table of rules."""
    found = [p.fn for p in PRIMS.values() if isinstance(p.fn, np.ufunc) and p.fn.signature is None]
    doubles = [fn for fn in found if any(t.startswith("d" * count + "->") for t in fn.types)]
    names = {fn.__name__ for fn in doubles if (fn.nin, fn.nout) == (count, 1)}
    return sorted((names - OTHERWISE) & set(dir(np)))


EDGES = np.array([0.0, -0.0, 1.0, -1.0, 0.3, -2.5, 1e-300, 1e300, np.inf, -np.inf, np.nan, 7.0])


def test_functions_at_the_edges():
    """What a nest does to each element is what NumPy does to the array."""
    lines = [f"    out[{i}] = np.{name}(x)" for i, name in enumerate(functions_of(1))]
    lines += [f"    out[{len(lines) + i}] = np.{name}(x, y)" for i, name in enumerate(functions_of(2))]
    more = (
        "x**2",
        "x**0.5",
        "x**1.5",
        "x**-1",
        "np.where(x > y, x, y)",
        "(x <= y) * 2.0",
        "((x == y) | (x < 0.5)) * x",
        "-x",
        "x % y",
        "abs(x)",
        "+x",
    )
    lines += [f"    out[{len(lines) + i}] = {text}" for i, text in enumerate(more)]
    source = "\n".join(["def f(x, y, out):", *lines, "    return np.sum(x)"]) + "\n"
    f = made(source, "<edges>")
    x, y = np.meshgrid(EDGES, EDGES)
    expected, compiled = (np.zeros((len(lines), *x.shape)) for _ in range(2))
    with np.errstate(all="ignore"):
        f(x, y, expected)
        derivative = s2sad.value_and_grad(f, jit=True, cache=False)
        derivative(x, y, compiled)
    for line, ours, theirs in zip(lines, compiled, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-14, atol=0.0, err_msg=line)
