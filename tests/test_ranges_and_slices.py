"""Ranges and slices that come from outside: arguments, globals, attributes. A slice is part of a signature, the numbers of a
range are not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from s2sad import JitError, S2sadError, grad, jacfwd, jvp, value_and_grad, vjp
from s2sad.cli import main

X = np.arange(5.0)
POSITION, CORNER = slice(1, 3), np.s_[:2, ::2]
STEPS = range(1, 4)


def squares(x, part):
    return np.sum(x[part] ** 2)


def at_position(x):
    return np.sum(x[POSITION] ** 2) * (POSITION.stop - POSITION.start)


def corner(A):
    return np.sum(A[CORNER] ** 2)


def weighted(x, steps):
    total = 0.0
    for i in steps:
        total += x[i] * i
    return total


def steps_of_module(x):
    return sum(x[i] * i for i in STEPS) * len(STEPS) + x[STEPS[0]] * STEPS.stop


@dataclass
class State:
    velocity: slice
    joints: range

    def energy(self, x):
        v = x[self.velocity]
        return v @ v + sum(x[j] ** 2 for j in self.joints)


def written(x, part):
    y = x * 1.0
    y[part] = y[part] * 3.0
    return np.sum(y * y)


JIT = [False, pytest.param(True, marks=pytest.mark.jit)]


@pytest.mark.parametrize("jit", JIT)
def test_slices(jit, monkeypatch):
    g = grad(squares, jit=jit)
    for part in (slice(0, 2), slice(None), slice(0, 2), slice(4, None, -2), slice(-2, None), slice(2, 2)):
        expected = np.zeros(5)
        expected[part] = 2.0 * X[part]
        assert g(X, part).tolist() == expected.tolist()
    h = grad(at_position, jit=jit)
    assert h(X).tolist() == [0.0, 4.0, 8.0, 0.0, 0.0]
    monkeypatch.setitem(globals(), "POSITION", slice(0, 1))
    assert h(X + 1.0).tolist() == [2.0, 0.0, 0.0, 0.0, 0.0]
    assert grad(written, jit=jit)(X, slice(1, 2)).tolist() == [0.0, 18.0, 4.0, 6.0, 8.0]
    assert grad(corner, jit=jit)(np.ones((3, 4))).sum() == 8.0


def test_ranges(monkeypatch):
    g = grad(weighted)
    for steps in (range(3), range(4, 0, -1), range(0), range(3), range(0, 5, 2), [1, 2]):
        expected = np.zeros(5)
        expected[list(steps)] = list(steps)
        assert g(X, steps).tolist() == expected.tolist()
    assert sum(map(len, g._cache.values())) == 2  # one for all ranges
    h = grad(steps_of_module)
    assert h(X).tolist() == [0.0, 7.0, 6.0, 9.0, 0.0]
    monkeypatch.setitem(globals(), "STEPS", range(0, 2))
    assert h(X).tolist() == [2.0, 2.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("jit", JIT)
def test_attributes(jit):
    state = State(slice(0, 2), range(3, 5))
    assert grad(state.energy)(X).tolist() == [0.0, 2.0, 0.0, 6.0, 8.0]
    assert grad(lambda x: state.energy(x) * 2.0, jit=jit)(X).tolist() == [0.0, 4.0, 0.0, 12.0, 16.0]


def test_modes():
    assert jvp(squares, (X, slice(1, 2)), (X, None))[1] == 2.0
    assert vjp(weighted, X, range(2))[1](1.0)[0].tolist() == [0.0, 1.0, 0.0, 0.0, 0.0]
    assert jacfwd(lambda x, s: x[s] * 2.0)(X, slice(0, 1)).tolist() == [[2.0, 0.0, 0.0, 0.0, 0.0]]
    assert value_and_grad(lambda p, s: p["x"][s] @ p["x"][s])({"x": X}, slice(1, 2))[0] == 1.0


def test_refusals():
    with pytest.raises(S2sadError, match="with respect to 'steps', which holds a range"):
        grad(weighted, wrt=1)(X, range(3))
    with pytest.raises(S2sadError, match="with respect to 'part'"):
        grad(squares, wrt=1)(X, slice(3))


@pytest.mark.jit
def test_a_range_is_no_argument_of_numba_s():
    with pytest.raises(JitError, match="holds a dict, a range or an object"):
        grad(weighted, jit=True)(X, range(3))


def test_saved(tmp_path: Path):
    g = grad(squares)
    g(X, slice(1, 3))
    g.save(tmp_path / "saved.py")
    space: dict = {}
    exec((tmp_path / "saved.py").read_text(), space)
    assert space["squares_grad"](X, slice(1, 3)).tolist() == [0.0, 2.0, 4.0, 0.0, 0.0]
    with pytest.raises(TypeError, match=r"made for part = slice\(1, 3, None\)"):
        space["squares_grad"](X, slice(0, 3))


def test_a_program_that_is_only_parsed(tmp_path: Path):
    file = tmp_path / "program.py"
    file.write_text(
        "import numpy as np\nPART = slice(1, 3)\nSTEPS = range(2)\n\n\ndef f(x: 'float64[:]'):\n"
        "    return np.sum(x[PART] ** 2) + sum(x[i] for i in STEPS)\n"
    )
    found = CliRunner().invoke(main, ["dump", f"{file}:f"])
    assert found.exit_code == 0, found.output
