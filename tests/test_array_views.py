"""Views and copies: what NumPy's functions give shares memory with its argument as NumPy has it, or is refused."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from s2sad import grad
from s2sad.errors import S2sadError
from tests.array_checks import Case, both_targets, check, collector, function_of

rng = np.random.default_rng(0)
X, V, S = rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=(3, 3))
# programs of `a`, in which what a function gives is written, or its argument afterwards
PROGRAMS = [
    ("y = a * 1.0\nd = np.diag(y)\ny[0, 0] = 3.0\nreturn np.sum(d ** 2) + np.sum(y)", S),
    ("y = a * 1.0\nf = np.flip(y)\ny[0] = 3.0\nreturn np.sum(f ** 2 * np.arange(4.0)) + np.sum(y)", V),
    ("y = a * 1.0\nf = np.flip(y)\nf[0] = 3.0\nreturn np.sum(y ** 2 * np.arange(4.0))", V),
    ("y = a * 1.0\nf = np.ravel(y)\nf[0] = 3.0\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\nf = np.ravel(y)\nf[0] = 3.0\nreturn np.sum(y ** 2)", X),
    ("y = a * 1.0\np, q = np.split(y, 2)\np[0] = q[1] * 2\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\np = np.atleast_2d(y)\np[0, 1] = 2.0\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\np = np.atleast_1d(y)\np[1] = 2.0\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\np = np.broadcast_to(y, (2, 4))\ny[0] = 2.0\nreturn np.sum(p ** 2)", V),
    ("y = a * 1.0\np = np.rot90(y)\np[0, 0] = 2.0\nreturn np.sum(y ** 2)", X),
    ("y = a * 1.0\np = np.rot90(y, 4)\np[0, 0] = 2.0\nreturn np.sum(y ** 2)", X),
    ("y = a * 1.0\np = np.take(y, 1, axis=0)\np[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", X),
    ("y = a * 1.0\np, = np.meshgrid(y)\np[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", V),
    ("y = a * 1.0\np = np.meshgrid(y, y, copy=False)[0]\ny[0] = 2.0\nreturn np.sum(p)", V),
    ("y = a * 1.0\np = np.real(y)\np[0] = 2.0\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\np = np.real_if_close(y)\np[0] = 2.0\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\np = np.conj(y)\np[0] = 2.0\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\np = y.conj()\np[0] = 2.0\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\np = np.asarray(y)\np[0] = 2.0\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\np = np.array(y)\np[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", V),
    ("y = a * 1.0\np = np.ascontiguousarray(y)\np[0] = 2.0\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\np = np.asfortranarray(y)\np[0, 0] = 2.0\nreturn np.sum(y ** 2)", X),
    ("y = a * 1.0\np = np.ascontiguousarray(y.T)\np[0, 1] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", X),
    ("y = a * 1.0\np = np.sort(y)\np[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", V),
    ("y = a * 1.0\np = np.nan_to_num(y)\np[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", V),
    ("y = a * 1.0\np = np.squeeze(y[None])\np[0] = 2.0\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\np = np.diff(y, 0)\np[0] = 2.0\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\np = np.pad(y, 0, mode='edge')\np[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", V),
    ("y = a * 1.0\np = np.roll(y, (1,), axis=(0,))\np[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", V),
    ("y = a * 1.0\np = np.max(y[:, None], axis=1)\np[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", V),
    ("y = a * 1.0\np = np.delete(y, 1)\np[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", V),
    ("y = a * 1.0\np = np.extract(y > -9, y)\np[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", V),
    ("y = a * 1.0\np = np.broadcast_arrays(y, y)[0]\ny[0] = 2.0\nreturn np.sum(p)", V),
    ("y = a * 1.0\np = np.unwrap(y)\np[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", V),
    ("y = a * 1.0\np = np.tril(y)\np[0, 0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", S),
    ("y = a * 1.0\np = y.astype(float)\np[0, 0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", S),
    ("y = a * 1.0\np = y.astype(float, copy=False)\np[0, 0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", S),
    ("y = a * 1.0\np = y.flatten()\np[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", S),
    ("y = a * 1.0\np = y.clip(None, None)\np[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", V),
    ("y = a * 1.0\np = np.quantile(y, [0.0, 0.5])\np[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", V),
    ("y = a * 1.0\np = np.vstack([y])\np[0, 0] = 2.0\nreturn np.sum(y ** 2) + np.sum(p)", V),
    ("y = a * 1.0\np = np.moveaxis(y, 0, 1)\np[0, 0] = 2.0\nreturn np.sum(y ** 2)", X),
    ("y = a * 1.0\nnp.add(y[1:], y[:-1], out=y[1:])\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\nz = np.sqrt(np.abs(y), out=y)\nz[0] = 2.0\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\nnp.cumsum(y, out=y)\nreturn np.sum(y ** 2)", V),
    ("y = a * 1.0\ny += np.flip(y)\nreturn np.sum(y ** 3)", V),
    ("y = a * 1.0\ny[:] = np.roll(y, 1) + y[::-1]\nreturn np.sum(y ** 3)", V),
    ("y = np.sum(a, axis=())\ny[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(a**2)", V),
    ("y = np.mean(a, axis=(), keepdims=True)\nreturn np.sum(y ** 2)", V),
    ("y = np.concatenate([a])\ny[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(a**2)", V),
    ("y = np.block(a)\ny[0] = 2.0\nreturn np.sum(y ** 2) + np.sum(a**2)", V),
    ("y = np.median(a[:1])\nreturn y ** 2", V),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "a"), PROGRAMS, ids=lambda p: p.splitlines()[1] if isinstance(p, str) else ""
)
def test_memory(text, a):
    source = "def f(a):\n" + "".join(f"    {line}\n" for line in text.split("\n"))
    fn = function_of(source, {"np": np})
    check(Case(fn, (a,)), levels=(0, 2))


# -- reshaped arrays that the function has made: views, written through either name -------------------------------

CASES: list[Case] = []
case = collector(CASES)


@case(X)
def results_filled_through_a_flat_view(x):
    r = np.zeros((2, 3))
    r.ravel()[:] = x.ravel()[:6]
    q = np.full((3, 4), x[0, 1])
    f = q.reshape(-1)
    for i in range(len(f)):
        f[i] = f[i - 1] * x[i % 3, i % 4] + q[0, 0]
    return np.sum(r**3 * np.arange(6.0).reshape(2, 3)) + np.sum(q)


@case(X)
@case(np.asfortranarray(X))
def vectors_as_matrices(x):
    y = x.ravel() * 2
    v = y.reshape(4, 3)
    v[0] = x[1, :3]
    v[:, 1] *= y[3]
    return np.sum(y**2 * np.arange(12))


@case(X)
@case(np.asfortranarray(X))
def copies_by_rows(x):
    r = x.copy()
    v = r.reshape(4, 3)
    v[1, 1] = 5.0
    w = v.ravel()
    w[3:6] *= w[0]
    w[::2] += r[0, 1]
    r[2, 0] *= w[1]
    return np.sum(r**2 * np.arange(12).reshape(3, 4)) + np.sum(v[0] ** 3)


@case(X)
def made_in_a_loop(x):
    r = np.ones((3, 4))
    for k in range(2):
        flat = r.ravel()
        flat[k : k + 4] = flat[k : k + 4] * x[k] + np.sum(r)
    return np.sum(r**2)


@case(X)
def written_by_a_helper(x):
    def fill(v, c):
        v[1:3] = c * v[0]

    r = x.copy()
    fill(r.ravel(), x[1, 1])
    return np.sum(r * r)


@case(X)
def swaps_in_a_flat_view(x):
    a = np.arange(12.0).reshape(3, 4)
    a *= x
    v = a.reshape(2, 6)
    v[0], v[1] = v[1].copy(), v[0] * x[0, 0]
    return np.sum(a * x)


test_views_exact, test_views_compiled = both_targets(CASES)


@pytest.mark.parametrize("made", ["np.copy(x)", "x * 1.0", "np.array(x)", "np.sin(x)", "x + np.ones(4)"])
def test_layouts_that_the_argument_decides(made):
    """Of an argument of Fortran's order these lie in memory by columns, and NumPy gives a copy."""
    source = f"def f(x):\n    r = {made}\n    r.ravel()[0] = 3.0\n    return np.sum(r * x)\n"
    fn = function_of(source, {"np": np})
    check(Case(fn, (X,)), levels=(0, 2))
    with contextlib.suppress(S2sadError):  # refused, or right
        check(Case(fn, (np.asfortranarray(X),)), levels=(2,))


@pytest.mark.parametrize(
    "made", ["np.diag(y)", "np.ravel(y)", "np.reshape(y, 9)", "np.broadcast_to(y, (2, 3, 3))"]
)
@pytest.mark.parametrize(
    "body",
    [
        "if a[0, 0] != 7.0:\n        y[0, 0] = 5.0\n        s += np.sum(d * d)",
        "for i in range(3):\n        y[i, i] += 1.0\n        s += np.sum(d * d) * a[0, 0]",
        "for i in range(3):\n        s += np.sum(d * d) * a[0, 0]\n        y[i, i] += 1.0",
        "k = 0\n    while k < 2:\n        s += np.sum(d)\n        y[0, k] = 3.0\n        k += 1",
    ],
)
def test_written_and_read_in_one_block(made, body):
    """The write may come before the read, in the same turn of a loop or the next."""
    source = (
        f"def f(a):\n    y = np.asarray(a) * 1.0\n    d = {made}\n    s = 0.0\n    {body}\n    return s\n"
    )
    fn = function_of(source, {"np": np})
    check(Case(fn, (S,)), levels=(0, 2))


# -- the same operation twice, each reshaped: other memory ---------------------------------------------------------


def written_beside(a):
    w, v = (1.2 * a).reshape((9,)), (1.2 * a).reshape(-1)
    v *= 2.0
    return np.sum(w * np.arange(9)) + np.sum(v**2)


def written_before(a):
    w = (1.2 * a).reshape((9,))
    w[0] = 5.0
    v = (1.2 * a).ravel()
    return np.sum(w * v)


def through_two_views(a):
    w = np.sin(a).reshape((9,))[1:]
    v = np.sin(a).reshape(-1)[1:]
    v[::2] = 0.5 * w[::2]
    return np.sum(w * v)


def in_a_loop(a):
    s = 0.0
    for i in range(3):
        w = (1.2 * a).reshape(-1)
        w *= 2.0 + i
        s += np.sum(w * w)
    return s


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("fn", [written_beside, written_before, through_two_views, in_a_loop])
def test_the_same_made_twice(fn, jit):
    check(Case(fn, (S,)), levels=(0, 2), jit=jit)


def written_through_a_column(x):
    r = x.reshape(3, 1)
    r[0, 0] = 5.0 * x[1]
    return np.sum(x * x)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_code_at_another_level_is_made_for_the_sizes_too(level):
    x = np.arange(6.0)[::2]
    code = grad(written_through_a_column).lower(x, optimize=level).compile()
    assert code(x).tolist() == [0.0, 104.0, 8.0] and x.tolist() == [10.0, 2.0, 4.0]
