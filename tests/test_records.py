"""Named tuples, dataclasses and dicts made, changed and asked inside differentiated functions."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from s2sad import S2sadError, grad, value_and_grad
from tests.array_checks import Case, check

X, Y = np.array([1.0, 0.5, 0.7]), np.array([0.3, -0.8, 1.1])


class State(NamedTuple):
    p: np.ndarray
    v: np.ndarray
    t: float = 0.0

    def energy(self):
        return np.sum(self.p * self.p) + np.sum(self.v * self.v)


Pair = namedtuple("Pair", "a b", defaults=(2.0,))


@dataclass(frozen=True)
class Model:
    w: np.ndarray
    k: float = 1.5
    names: list = field(default_factory=list)

    def moved(self, by):
        return replace(self, w=self.w * by, k=self.k + by)

    @property
    def total(self):
        return np.sum(self.w) * self.k


@dataclass
class Wider:
    first: np.ndarray
    second: np.ndarray

    def dot(self, c=1.0):
        return c * np.sum(self.first * self.second)


def verlet(x, y):
    st = State(x, v=y * 0.5)
    out = []
    for i in range(3):
        v = st.v - 0.1 * st.p
        st = State(st.p + 0.1 * v, v, st.t + 0.1)
        out.append(st.p)
    a, b, t = st._replace(t=st.t * 2)
    return sum(np.sum(o) for o in out) * np.sum(a * b) + t * st.energy()


def pairs(x, y):
    p = Pair(x * y)
    q = Pair(b=p.a * p.b, a=x[0])
    q.b[0] = 3.0 * y[1]
    return np.sum(q.a * q.b) * np.sum(p.a) if len(q) == 2 else 0.0


def frozen(x, y):
    m = Model(x * 2)
    for i in range(3):
        m = m.moved(y[i])
    return m.total * m.k


def shared_arrays(x, y):
    d = Wider(x * 1.0, second=y * 2.0)
    e = d.dot()
    d.first[0] = y[1] * d.second[2]
    v = d.second
    v *= x
    q = Wider(d.first, d.second * 2)
    q.second[0] += 1.0
    q.first[1] *= 3.0
    return e * d.dot(2.0) + q.dot(c=x[0]) + np.sum(d.first)


def dicts(x, y):
    ps = dict(zip(["w", "b"], [np.outer(x, y), y]), c=x * y)
    m = {k: np.zeros_like(v) for k, v in ps.items()}
    for _ in range(3):
        g = {"w": np.outer(x, ps["b"]), "b": ps["w"] @ x, "c": x * ps["c"]}
        m = {k: 0.9 * m[k] + g[k] for k in m}
        ps = {k: v - 0.1 * m[k] for k, v in ps.items()}
    ps["b"][0] += x[1]
    grid = {(i, j): x[i] * y[j] for i in range(2) for j in range(2) if i != j}
    return sum(np.sum(v**2) for v in ps.values()) + grid[0, 1] * grid[1, 0] + len(grid)


CASES = [Case(f, (X, Y)) for f in (verlet, pairs, frozen, shared_arrays, dicts)]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_records(case):
    check(case)


@pytest.mark.jit
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_compiled(case):
    check(case, jit=True)


@dataclass
class Checked:
    w: np.ndarray

    def __post_init__(self):
        self.w = self.w * 2


@dataclass(init=False)
class Own:
    w: np.ndarray

    def __init__(self, w):
        self.w = w * 2


class Shifted(Pair):
    def __new__(cls, a, b):
        return super().__new__(cls, a + 1, b)


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: np.sum(Checked(x).w),
        lambda x: np.sum(Own(x).w),
        lambda x: np.sum(Shifted(x, x).a),
        lambda x: np.sum(Model(x, q=1.0).w),
        lambda x: np.sum(Pair(x, 1.0, 2.0).a),
        lambda x: np.sum(State(x).p),
    ],
)
def test_what_is_more_than_putting_fields_together_is_refused(fn):
    with pytest.raises(S2sadError):
        grad(fn)(X)


class Vec(NamedTuple):
    x: Any
    y: Any

    def __add__(self, other):
        return Vec(self.x + other.x, self.y + other.y)

    def __mul__(self, k):
        return Vec(self.x * k, self.y * k)

    __rmul__ = __mul__

    def __neg__(self):
        return Vec(-self.x, -self.y)

    def dot(self, other):
        return self.x * other.x + self.y * other.y


class Odd(NamedTuple):
    a: Any
    b: Any

    def __radd__(self, other):
        return Odd(self.a + 100.0, self.b)

    def __lt__(self, other):
        return self.b < other.b

    def __iter__(self):
        return iter((self.b, self.a))

    def __iadd__(self, other):
        return Odd(self.a + 3.0 * other, self.b)


@dataclass
class Base:
    v: Any

    def __add__(self, other):
        return Base(self.v + other.v)

    def __eq__(self, other):
        return self.v == other.v


@dataclass
class Derived(Base):
    def __radd__(self, other):
        return Derived(self.v * 100.0 + other.v)


def sums_of_vectors(x):
    v = Vec(0.0, 0.0)
    for i in range(3):
        v = v + x * Vec(x, i * 1.0) * 0.5
    return v.dot(-Vec(x, x * x))


def concatenated(x):
    p = Odd(x, 2.0 * x) + Odd(3.0, x * x)
    return p[0] * p[1] * p[3]


def compared_as_tuples(x):
    return x if Odd(x, 2.0) > Odd(2.0 * x, 1.0) else x * x


def subclass_is_asked_first(x):
    return (Base(x) + Derived(x * x)).v


def equal_by_its_own(x):
    return x * x if Base(x) == Base(x) else x


def different_by_its_own(x):
    return x * x if Base(x) != Base(2.0) else x


@pytest.mark.parametrize(
    "fn",
    [
        sums_of_vectors,
        concatenated,
        subclass_is_asked_first,
        equal_by_its_own,
        different_by_its_own,
    ],
    ids=lambda f: f.__name__,
)
def test_operators_of_classes(fn):
    """Python's own rules decide which class is asked."""
    value, slope = value_and_grad(fn)(0.7)
    assert value == pytest.approx(fn(0.7), rel=1e-12)
    assert slope == pytest.approx((fn(0.7 + 1e-6) - fn(0.7 - 1e-6)) / 2e-6, rel=1e-6)


def in_place(x):
    p = Odd(x, 1.0)
    p += x
    return p.a


def made_an_array(x):
    return np.array(Odd(x, 1.0))[0]


def behind_an_array(x):
    return (np.float64(x) * Vec(x, 1.0))[1]


@pytest.mark.parametrize(
    "fn", [in_place, made_an_array, behind_an_array, compared_as_tuples], ids=lambda f: f.__name__
)
def test_what_classes_would_be_asked_otherwise(fn):
    with pytest.raises(S2sadError):
        value_and_grad(fn)(0.7)
