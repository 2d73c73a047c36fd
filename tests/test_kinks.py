"""`check_grad` and `Derivative.check` say that a point lies on a kink or at equal eigenvalues, naming the line."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2sad import check_grad, grad
from s2sad.errors import CheckError, S2sadError
from s2sad.kinks import kinks
from s2sad.testing import apart
from tests.checks import fresh
from tests.fuzz.check import loaded
from tests.fuzz.run import GENERATORS


def cosine(x):
    return math.cos(abs(x))


def largest(x):
    return np.sum(np.maximum(x, 0.0) * x)


def norm(x):
    return np.cos(np.linalg.norm(x))


def spread(x):
    return np.sum(np.exp(np.std(x) ** 1 * x))


def eigenvalues(a):
    w, v = np.linalg.eigh(a)
    return 2.0 * w[0] + w[1] ** 2


def singular(a):
    s = np.linalg.svd(a, compute_uv=False)
    return s[0] * s[1] ** 2


def helper(x):
    return abs(x) * 2.0


def in_a_loop(x):
    s = 0.0
    for i in range(3):
        s += helper(x - i) * x
    return s


def tied(x):
    return np.max(x) * np.sum(x)


def clipped(x):
    return np.sum(np.clip(x, 0.0, 1.0) * x)


KINKS = [
    (cosine, 0.0, 0.5, "an absolute value is 0"),
    (largest, np.array([1.0, 0.0]), np.array([1.0, -2.0]), "a tie"),
    (norm, np.zeros(2), np.ones(2), "a norm"),
    (spread, np.ones(3), np.arange(3.0), "standard deviation is 0"),
    (eigenvalues, np.eye(2), np.diag([1.0, 2.0]), "eigenvalues are equal"),
    (singular, np.eye(2), np.diag([1.0, 2.0]), "singular values are equal"),
    (in_a_loop, 1.0, 1.5, "an absolute value is 0"),
    (tied, np.ones(2), np.arange(2.0), "a tie"),
    (clipped, np.array([0.5, 1.0]), np.array([0.5, 2.0]), "clip()"),
]


@pytest.mark.parametrize(("fn", "kink", "beside", "what"), KINKS, ids=[k[0].__name__ for k in KINKS])
def test_kinks_are_said(fn, kink, beside, what):
    line = fn.__code__.co_firstlineno if fn is not in_a_loop else helper.__code__.co_firstlineno
    for check in (lambda x: check_grad(fn, (x,)), grad(fn).check):
        check(beside)
        with pytest.raises(CheckError, match="lies on a kink .*or at equal eigenvalues") as error:
            check(kink)
        assert what in str(error.value)
        assert f"test_kinks.py:{line + 1}:" in str(error.value)


def squared(x):
    n = np.linalg.norm(x)
    return n * n + np.sum(np.abs(x) ** 2) + np.std(x) ** 2


def constant(x):
    return np.sum(x * np.abs(np.zeros(2))) + max(0.0, 0.0)


def not_taken(x):
    if x[0] < -1.0:
        return np.sum(np.abs(x))
    return np.sum(x)


def only_looked_at(x):
    return np.sum(x) if np.max(np.abs(x)) < 1.0 else np.sum(x * x)


@pytest.mark.parametrize("fn", [squared, constant, not_taken, only_looked_at])
def test_what_is_smooth_is_no_kink(fn):
    """Powers of norms, what does not vary, what did not run, and what only a test reads."""
    check_grad(fn, (np.zeros(2),))
    grad(fn).check(x=np.zeros(2))


def weighted(x, w, mode="a"):
    return np.sum(np.abs(x) * w)


def test_of_several_arguments():
    """By what the derivative is with respect to; arguments by name; captured arrays."""
    x, w = np.array([0.0, 1.0]), np.array([2.0, 3.0])
    grad(weighted, "w").check(x, w=w)
    with pytest.raises(CheckError, match="an absolute value is 0"):
        grad(weighted, ("x", "w")).check(x, w, mode="b")
    with pytest.raises(CheckError, match="an absolute value is 0"):
        grad(lambda x: np.sum(w * np.abs(x))).check(x)


def written_in_place(x):
    v = np.zeros((2, 3))
    v[1] = np.abs(x)
    for k in range(3):
        v[0, k] += v[1, k] * v[1, 0]
    return np.sum(v**3)


def test_of_arrays_that_are_filled():
    check_grad(written_in_place, (np.array([0.3, -1.0, 2.0]),))
    with pytest.raises(CheckError, match="an absolute value is 0"):
        check_grad(written_in_place, (np.array([0.3, 0.0, 2.0]),))


@pytest.mark.parametrize("kind", ["arrays", "views"])
@pytest.mark.parametrize("seed", range(900, 906))
def test_programs_are_looked_through(kind, seed):
    """The interpreter that looks for kinks knows what ordinary programs do: where it does not, none are found."""
    program = GENERATORS[kind](seed)
    with loaded(program.source) as module:
        derivative, _ = apart(grad(module.f, program.wrt))
        try:
            typed, _, inputs = derivative.typed_for(program.args)
        except S2sadError as refused:
            pytest.skip(str(refused))
        captured = [c.get() for c in typed.captures.variables.values()]
        kinks(typed.function, tuple(inputs), [*fresh(program.args), *captured])
