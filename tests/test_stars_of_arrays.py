"""`*a` of an array: the code is for its length, which enters the signature only there. `hessp` of methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from s2sad import S2sadError, grad, hessian, hvp, jvp, value_and_grad, vjp

X = np.array([1.0, 2.0, 3.0])
WEIGHTS = np.array([1.0, 2.0, 3.0])


@dataclass
class Parameters:
    a: float
    b: float
    c: float = 1.0

    @classmethod
    def of(cls, values):
        return cls(*values)


class Pair(NamedTuple):
    a: float
    b: float


def by_class(x):
    p = Parameters.of(x)
    return p.a * p.b + p.c**2


def five(a, b, c, d, e):
    return a * b * c + d * e


def two_stars(x, y):
    return five(*x, *y)


def largest(x):
    return max(*x) * min(*x)


def in_a_tuple(x):
    return sum(v * v for v in (*x, 1.0))


def captured(x):
    return five(x, x, *WEIGHTS)


def rows(A):
    p = Pair(*A)
    return np.sum(p.a * p.b)


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=[pytest.mark.jit, pytest.mark.slow])])
def test_gradients(jit):
    assert grad(by_class, jit=jit)(X).tolist() == [2.0, 1.0, 6.0]
    found = grad(two_stars, wrt=(0, 1), jit=jit)(X, X[:2])
    assert [f.tolist() for f in found] == [[6.0, 3.0, 2.0], [2.0, 1.0]]
    assert grad(largest, jit=jit)(X).tolist() == [3.0, 0.0, 1.0]
    assert grad(in_a_tuple, jit=jit)(X).tolist() == [2.0, 4.0, 6.0]
    assert grad(captured, jit=jit)(2.0) == 4.0
    assert grad(rows, jit=jit)(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist() == [[3.0, 4.0], [1.0, 2.0]]


def test_later_calls_of_other_lengths_and_layouts():
    g = grad(by_class)
    for _ in range(2):
        assert g(X).tolist() == [2.0, 1.0, 6.0] and g(X[:2]).tolist() == [2.0, 1.0]
        assert g(np.arange(6.0)[::2]).tolist() == [2.0, 0.0, 8.0]
        assert g(X.astype(np.float32)).dtype == np.float32
        with pytest.raises(S2sadError):
            g(np.ones(4))
    with pytest.raises(S2sadError, match="whose length is not known or large"):
        g(np.ones(1000))


def test_modes():
    assert jvp(by_class, (X,), (X,)) == (11.0, 22.0)
    assert vjp(by_class, X)[1](1.0)[0].tolist() == [2.0, 1.0, 6.0]
    assert hessian(by_class)(X).tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 2.0]]
    assert grad(lambda x: np.sum(grad(by_class)(x) ** 2))(X).tolist() == [2.0, 4.0, 24.0]
    assert value_and_grad(by_class, optimize=0)(X)[0] == 11.0


class Model:
    def loss(self, a):
        return np.sum(a**4)

    def of_two(self, a, k):
        return np.sum(a**4) * k

    def stars(self, *a):
        return np.sum(a[0] ** 4)


def test_hessp_of_methods():
    """Found refused: the object was taken for the first argument."""
    model, expected = Model(), (12.0 * X**3).tolist()
    assert hvp(model.loss).hessp(X, X).tolist() == expected
    assert hvp(model.stars).hessp(X, p=X).tolist() == expected
    assert hvp(model.of_two).hessp(X, X, 2.0).tolist() == [2.0 * e for e in expected]
    for wrong in (
        lambda: hvp(model.of_two, wrt=1).hessp(X, X, 2.0),
        lambda: hvp(Model.loss, wrt=1).hessp(model, X, X),
    ):
        with pytest.raises(S2sadError, match="hessp is a product with the Hessian by the first argument"):
            wrong()
