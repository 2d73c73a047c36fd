"""Products of arrays: reverse against forward mode and differences."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import grad, jvp
from s2sad.errors import S2sadError
from tests.array_checks import Case, check, collector, random_arrays

rng, normal, single = random_arrays(0)
CASES: list[Case] = []


case = collector(CASES)


def weighted(y):
    """A number that depends on each element of an array differently."""
    return np.sum(np.sin(y + 0.3) * y)


@case(normal(4), normal(4))
def dot_of_vectors(x, y):
    return np.dot(x, y) * x.dot(y)


@case(normal(3, 4), normal(4), normal(3))
def dot_of_matrix_and_vectors(A, x, y):
    return weighted(np.dot(A, x)) + weighted(y @ A) + weighted(np.dot(y, A))


@case(normal(2, 3, 4), normal(4, 2), normal(4))
def dot_of_stack(A, B, x):
    return weighted(np.dot(A, B)) + weighted(A @ B) + weighted(A @ x)


@case(normal(2, 3), normal(2, 3, 4), normal(3))
def dot_with_stack(A, B, x):
    return weighted(np.dot(A, B)) + weighted(np.dot(x, B)) + weighted(A @ B) + weighted(x @ B)


@case(normal(2, 1, 3, 4), normal(5, 4, 2))
def matmul_of_broadcast_stacks(A, B):
    return weighted(np.matmul(A, B))


@case(normal(2, 3), 0.7)
def dot_with_number(A, s):
    return weighted(np.dot(A, s)) + weighted(np.dot(s, A)) + weighted(np.inner(s, A))


@case(normal(3), normal(4))
def outer(x, y):
    return weighted(np.outer(x, y)) + weighted(np.kron(x, y))


@case(normal(2, 3), normal(4, 3), normal(3))
def inner(A, B, x):
    return weighted(np.inner(A, B)) + weighted(np.inner(A, x)) + weighted(np.inner(x, B)) + np.inner(x, x)


@case(normal(2, 3), normal(4, 2, 3))
def inner_of_stacks(A, B):
    return weighted(np.inner(B, A)) + weighted(np.inner(A, B))


@case(normal(2, 3), normal(3, 2))
def kron(A, B):
    return weighted(np.kron(A, B)) + weighted(np.kron(A[0], B)) + np.vdot(A, B)


@case(normal(3), normal(3))
def cross(x, y):
    return weighted(np.cross(x, y))


@case(normal(3))
def cross_of_two_components(x):
    p, q = np.zeros(2), np.ones(2)
    p[0] = x[0]
    p[1] = x[1] * 2
    q[0] = x[2]
    return np.cross(p, q)


@case(normal(4, 3), normal(4, 3), normal(3, 4))
def cross_along_axes(x, y, z):
    return (
        weighted(np.cross(x, y))
        + weighted(np.cross(x.T, z, axis=0))
        + weighted(np.cross(x, z, axisb=0, axisc=0))
    )


@case(normal(2, 3, 4), normal(4, 3, 2))
def tensordot(A, B):
    one = np.tensordot(A, B, axes=([1, 2], [1, 0]))
    return (
        weighted(one)
        + weighted(np.tensordot(A, B, axes=1))
        + weighted(np.tensordot(A, B, axes=((0, 1), (2, 1))))
    )


@case(normal(2, 3), normal(2, 3), normal(2))
def tensordot_of_all_and_none(A, B, x):
    return np.tensordot(A, B) + weighted(np.tensordot(x, B, axes=0)) + weighted(np.tensordot(A, x, (0, 0)))


@case(normal(2, 3), normal(3, 4), normal(4))
def einsum_chain(A, B, x):
    return weighted(np.einsum("ij,jk,k->i", A, B, x)) + weighted(np.einsum("ij,jk", A, B))


@case(normal(3, 3), normal(3))
def einsum_diagonals(A, x):
    return np.einsum("ii", A) ** 2 + weighted(np.einsum("ii->i", A)) + weighted(np.einsum("ii,i->i", A, x))


@case(normal(2, 2, 2), normal(2))
def einsum_repeated_thrice(A, x):
    return weighted(np.einsum("iii->i", A)) + np.einsum("iij,j->", A, x) + weighted(np.einsum("iji->j", A))


@case(normal(2, 3), normal(4))
def einsum_of_lone_labels(A, x):
    return weighted(np.einsum("ij->j", A)) + np.einsum("ij,k->", A, x) + weighted(np.einsum("ij->ji", A) @ A)


@case(normal(2, 3, 4), normal(4, 5), normal(3, 4))
def einsum_ellipsis(A, B, C):
    return (
        weighted(np.einsum("...j,jk->...k", A, B))
        + weighted(np.einsum("...j,...j", A, C))
        + weighted(np.einsum("i...->...i", C))
    )


@case(normal(2, 3), normal(3, 4))
def einsum_of_lists(A, B):
    return weighted(np.einsum(A, [0, 1], B, [1, 2], [2, 0])) + weighted(np.einsum(A, [0, 1], B, [1, 2]))


@case(normal(1, 3), normal(2, 3))
def einsum_of_size_one(A, B):
    return weighted(np.einsum("ij,ij->i", A, B)) + weighted(np.einsum("ij,kj->ik", A, B, optimize=True))


@case(normal(3, 4), normal(3), normal(4))
def bilinear_form_in_a_loop(A, x, y):
    s = 0.0
    for i in range(3):
        s = s + np.einsum("i,ij,j", x, A, y) * x[i]
        x = x * 1.1
    return s


@case(normal(3, 4), normal(2, 3, 3))
def traces(A, B):
    return (
        np.trace(A) ** 2
        + np.trace(A, 1) * np.trace(A, offset=-1)
        + weighted(np.trace(B, axis1=1, axis2=2))
        + weighted(B.trace(1, 2, 0))
    )


@case(normal(5), normal(3))
def convolve(x, y):
    return (
        weighted(np.convolve(x, y))
        + weighted(np.convolve(x, y, "same"))
        + weighted(np.convolve(y, x, mode="valid"))
    )


@case(normal(5), normal(4), normal(2))
def correlate(x, y, z):
    a = (
        weighted(np.correlate(x, y))
        + weighted(np.correlate(x, y, "same"))
        + weighted(np.correlate(y, x, "full"))
    )
    return (
        a
        + weighted(np.correlate(y, x, "same"))
        + weighted(np.correlate(z, x, "valid"))
        + weighted(np.correlate(z, y, "same"))
    )


@case(normal(2, 3), normal(3, 4), normal(4))
def multi_dot(A, B, x):
    return weighted(np.linalg.multi_dot([A, B])) + weighted(np.linalg.multi_dot([A, B, x]))


@case(normal(3, 3) + 3 * np.eye(3))
def matrix_power(A):
    return (
        weighted(np.linalg.matrix_power(A, 3) / 30)
        + weighted(np.linalg.matrix_power(A, -2))
        + weighted(np.linalg.matrix_power(A, 1))
    )


@case(normal(3, 3))
def product_written(A):
    B = np.einsum("ij,jk->ik", A, A)
    B[0] *= 2.0
    B += A
    return weighted(B)


SINGLE = [dot_with_stack, einsum_diagonals, tensordot, convolve, traces, kron]


@pytest.mark.filterwarnings("ignore:Arrays of 2")
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_products(case):
    check(case)


@pytest.mark.parametrize("fn", SINGLE, ids=lambda f: f.__name__)
def test_single_precision(fn):
    args = next(c.args for c in CASES if c.fn is fn)
    wrt = tuple(range(len(args)))
    exact = grad(fn, wrt=wrt)(*args)
    found = grad(fn, wrt=wrt)(*(a.astype(np.float32) for a in args))
    for a, b in zip(found, exact, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4)


def quadratic(A, x):
    return np.einsum("i,ij,j->", x, A, x)


def test_einsum_is_printed_as_einsum():
    g = grad(quadratic)
    A, x = normal(3, 3), normal(3)
    np.testing.assert_allclose(g(A, x), np.outer(x, x))
    assert "np.einsum('i,ij,j->'" not in g.source  # the gradient does not need the value
    assert "np.einsum('i,j->ij', x, x)" in g.source


def test_second_order():
    A, x, v = normal(3, 3), normal(3), normal(3)
    np.testing.assert_allclose(jvp(gradient, (A, x), (0 * A, v))[1], (A + A.T) @ v, atol=1e-12)
    np.testing.assert_allclose(grad(along_gradient, wrt=1)(A, x, v), (A + A.T) @ v, atol=1e-12)


by_x = grad(quadratic, wrt=1)


def along_gradient(A, x, v):
    return np.sum(by_x(A, x) * v)


def gradient(A, x):
    return by_x(A, x)


def powers(A):
    return weighted(np.linalg.matrix_power(A, 0) * A) + weighted(np.linalg.matrix_power(A, 5) / 100)


def test_powers():
    check(Case(powers, (regular(3, 3),)))
    check(Case(powers, (regular(2, 3, 3),)))


def computed_power(A, n):
    return np.sum(np.linalg.matrix_power(A, n))


def regular(*shape):
    return normal(*shape) + 2.0 * np.eye(shape[-1])


def strange(A, x):
    return np.einsum("ij,k->", A, x, dtype=np.float32)


def test_refusal():
    with pytest.raises(S2sadError, match="dtype"):
        grad(strange)(normal(2, 3), normal(3))
    with pytest.raises(S2sadError, match="exponent"):
        grad(computed_power)(normal(3, 3), 3)
