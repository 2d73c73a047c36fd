"""Products of eigenvectors, a diagonal and the eigenvectors again: exact where eigenvalues are equal or close."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from s2sad import grad, hessian, hvp, jacfwd, jacrev, jvp, value_and_grad, vjp

rng = np.random.default_rng(3)
W = rng.normal(size=(3, 3))
X = rng.normal(size=3)
TURN = np.linalg.qr(rng.normal(size=(3, 3)))[0]


def symmetric(a):
    return 0.5 * (a + np.swapaxes(a, -1, -2))


POINTS = {
    "all equal": 0.7 * np.eye(3),
    "two equal": np.diag([1.0, 1.0, 2.0]),
    "turned": symmetric(TURN * [0.5, 0.5, 1.3] @ TURN.T),
    "close": symmetric(TURN * [0.5, 0.5 + 1e-9, 1.3] @ TURN.T),
    "simple": symmetric(TURN * [0.5, 0.9, 1.3] @ TURN.T),
}


def weigh(m):
    return np.sum(W * m)


def columns_scaled(A):
    w, V = np.linalg.eigh(A)
    return weigh((V * np.exp(w)) @ V.T)


def rows_scaled(A):
    w, V = np.linalg.eigh(A)
    return weigh(V @ (np.exp(w)[:, None] * V.T))


def diagonal_matrix(A):
    w, V = np.linalg.eigh(A)
    D = np.diag(np.exp(w))
    left = V @ D
    return weigh(left @ V.T)


def diagonal_of_identity(A):
    w, V = np.linalg.eigh(A)
    return weigh(V @ (np.eye(3) * np.exp(w)) @ np.transpose(V))


def einstein(A):
    w, V = np.linalg.eigh(A)
    return weigh(np.einsum("ij,j,kj->ik", V, np.exp(w), V))


def einstein_at_once(A):
    w, V = np.linalg.eigh(A)
    return np.einsum("pq,rq,pr,q", V, V, W, np.exp(w))


def vector_between(A):
    e = np.linalg.eigh(A)
    back = e.eigenvectors.T
    c = back @ X
    scaled = np.exp(e.eigenvalues) * c
    return weigh(np.outer(e.eigenvectors @ scaled, X))


def columns_between(A):
    w, V = np.linalg.eigh(A)
    B = np.outer(X, X) + np.eye(3)
    return weigh(V @ (np.exp(w)[:, None] * (V.T @ B)))


def quadratic_form(A):
    w, V = np.linalg.eigh(A)
    return np.sum(np.exp(w) * (V.T @ X) ** 2)


def quadratic_form_of_rows(A):
    w, V = np.linalg.eigh(A)
    c = X @ V
    return (c * c) @ np.exp(w)


def two_halves(A):
    w, V = np.linalg.eigh(A)
    half = V * np.sqrt(np.exp(w))
    return weigh(half @ half.T)


def divided(A):
    w, V = np.linalg.eigh(A)
    return weigh(np.dot(V / np.exp(-w), V.T))


def inner_product(A):
    w, V = np.linalg.eigh(A, UPLO="U")
    return weigh(np.inner(V * np.exp(w), V))


def tensor_product(A):
    w, V = np.linalg.eigh(A)
    return weigh(np.tensordot(V * np.exp(w), V, axes=(1, 1)))


def traced(A):
    w, V = np.linalg.eigh(A)
    return np.trace(W.T @ (V * np.exp(w)) @ V.T)


def broadcast(A):
    w, V = np.linalg.eigh(A)
    return np.sum(V[:, None, :] * V[None, :, :] * np.exp(w) * W[:, :, None])


def rebuilt(V, d):
    return (V * d) @ V.T


def by_helpers(A):
    def g(w):
        return np.exp(w)

    w, V = np.linalg.eigh(symmetric(A))
    return weigh(rebuilt(V, g(w)))


def written_afterwards(A):
    B = A.copy()
    w, V = np.linalg.eigh(B)
    B[0, 0] = 7.0
    M = (V * np.exp(w)) @ V.T
    M[0, 0] *= 3.0
    return weigh(M)


def of_all_columns(A):
    w, V = np.linalg.eigh(A)
    return weigh((V[:, :3] * np.exp(w[:3])) @ V[:, :3].T)


def in_a_loop(A):
    total = 0.0
    for k in range(3):
        w, V = np.linalg.eigh(A * (k + 1.0) / 3.0)
        total = total + weigh((V * np.exp(w)) @ V.T)
    return total


def in_a_branch(A):
    w, V = np.linalg.eigh(A)
    if w[0] > 0.0:
        return weigh((V * np.exp(w)) @ V.T)
    return weigh(A)


def of_a_shared_number(A):
    w, V = np.linalg.eigh(A)
    p = np.exp(w) / np.sum(np.exp(w))
    return np.sum(np.sin((V * p) @ V.T))


def of_rectified(A):
    w, V = np.linalg.eigh(A)
    return weigh((V * np.maximum(w - 0.1, 0.0) ** 2) @ V.T)


def twice_in_a_row(A):
    w, V = np.linalg.eigh(A)
    w2, V2 = np.linalg.eigh((V * np.exp(w)) @ V.T)
    return weigh((V2 / w2) @ V2.T) + weigh(V @ np.diag(w) @ V.T @ W @ V @ V.T)


def rows_of_functions(A):
    w, V = np.linalg.eigh(A)
    return weigh((V * np.exp(w[None, :])) @ V.T) + np.sum(V @ (w[:, None] ** 2 * (V.T @ W)))


def of_eigenvalues(A):
    return np.sum(np.linalg.eigvalsh(A) ** 3)


SPELLINGS = [
    columns_scaled, rows_scaled, diagonal_matrix, diagonal_of_identity, einstein, einstein_at_once, vector_between,
    columns_between, quadratic_form, quadratic_form_of_rows, two_halves, divided, inner_product, tensor_product, traced,
    broadcast, by_helpers, written_afterwards, of_all_columns, in_a_loop, in_a_branch, of_a_shared_number, of_rectified,
    twice_in_a_row, rows_of_functions, of_eigenvalues,
]  # fmt: skip


def differences(f, A, h=1e-5):
    """The symmetric gradient by differences: the functions here are smooth."""
    found = np.zeros(A.shape)
    for at in np.ndindex(A.shape):
        e = np.zeros(A.shape)
        e[at] = h
        e = symmetric(e)
        found[at] = (f(A + e) - f(A - e)) / (2 * h)
    return found


@pytest.mark.parametrize("fn", SPELLINGS, ids=lambda f: f.__name__)
def test_first_and_second_derivatives(fn):
    direction = symmetric(rng.normal(size=(3, 3)))
    of = grad(fn)
    for name, A in POINTS.items():
        exact = differences(fn, A)
        value, found = value_and_grad(fn)(A)
        np.testing.assert_allclose(value, fn(A), rtol=1e-13)
        np.testing.assert_allclose(found, exact, rtol=1e-7, atol=1e-8, err_msg=name)
        np.testing.assert_allclose(jvp(fn, (A,), (direction,))[1], np.sum(exact * direction), rtol=1e-6)
        h = 1e-5
        second = (of(A + h * direction) - of(A - h * direction)) / (2 * h)
        np.testing.assert_allclose(hvp(fn)(A, direction), second, rtol=1e-6, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("fn", [columns_scaled, vector_between, of_a_shared_number], ids=lambda f: f.__name__)
def test_all_modes_agree(fn):
    for A in POINTS.values():
        expected = hessian(fn)(A)
        assert np.all(np.isfinite(expected))
        first = grad(fn)(A)
        _, pull = vjp(fn, A)
        for found in (
            jacfwd(fn)(A),
            jacrev(fn)(A),
            pull(1.0)[0],
            grad(fn, optimize=0)(A),
            grad(fn, optimize=1)(A),
        ):
            np.testing.assert_allclose(found, first, rtol=1e-12, atol=1e-13)
        for found in (jacrev(grad(fn))(A), jacfwd(grad(fn))(A)):
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("fn", [columns_scaled, pytest.param(vector_between, marks=pytest.mark.slow)])
def test_compiled(fn):
    compiled = grad(fn, jit=True)
    for A in POINTS.values():
        np.testing.assert_allclose(compiled(A), grad(fn)(A), rtol=1e-12, atol=1e-13)


@pytest.mark.slow
def test_compiled_second_derivatives():
    direction = symmetric(rng.normal(size=(3, 3)))
    for A in POINTS.values():
        found = hvp(columns_scaled, jit=True)(A, direction)
        np.testing.assert_allclose(found, hvp(columns_scaled)(A, direction), rtol=1e-9, atol=1e-10)


def test_single_precision():
    for A in POINTS.values():
        found = grad(of_a_shared_number)(A.astype(np.float32))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, grad(of_a_shared_number)(A), rtol=1e-4, atol=1e-5)


# -- how exact it is ------------------------------------------------------------------------------------


def off_diagonal(g):
    def product(A):
        w, V = np.linalg.eigh(A)
        return ((V * g(w)) @ V.T)[0, 1]

    return product


def half_cosh(a, b):
    h = 0.5 * (b - a)
    return np.exp(0.5 * (a + b)) * (np.sinh(h) / h if h else 1.0)


QUOTIENTS = {
    "exp": (off_diagonal(lambda w: np.exp(w)), half_cosh),
    "sqrt": (off_diagonal(lambda w: np.sqrt(w)), lambda a, b: 1 / (np.sqrt(a) + np.sqrt(b))),
    "inverse": (off_diagonal(lambda w: 1.0 / w), lambda a, b: -1 / (a * b)),
    "cube": (off_diagonal(lambda w: w**3), lambda a, b: a * a + a * b + b * b),
    "root": (off_diagonal(lambda w: 1 / np.sqrt(w)), lambda a, b: -1 / (a * np.sqrt(b) + b * np.sqrt(a))),
}


@pytest.mark.parametrize("name", QUOTIENTS)
def test_no_cancellation(name):
    fn, exact = QUOTIENTS[name]
    of = grad(fn)
    for gap in (0.0, *10.0 ** np.arange(-16, -1), 3e-5, 3e-4, 3e-3):
        for base in (0.01, 0.4, 1.0, 30.0):
            A = np.diag([base, base + gap])
            np.testing.assert_allclose(2 * of(A)[0, 1], exact(A[0, 0], A[1, 1]), rtol=1e-11)


def inverse_of(A):
    w, V = np.linalg.eigh(A)
    return ((V / w) @ V.T)[0, 1]


def test_no_cancellation_in_second_derivatives():
    of = hessian(inverse_of)
    for gap in (0.0, *10.0 ** np.arange(-16, -1), 3e-5, 3e-3):
        A = np.diag([0.4, 0.4 + gap])
        a, b = A[0, 0], A[1, 1]
        np.testing.assert_allclose(2 * of(A)[0, 0, 0, 1], 1 / (a * a * b), rtol=1e-9)


# -- what has no derivative ------------------------------------------------------------------------------


def one_vector(A):
    return np.linalg.eigh(A)[1][0, 0]


def top_vector(A):
    V = np.linalg.eigh(A)[1]
    return V[0, -1] * V[1, -1] + V[2, -1] ** 2 + np.abs(V[2, 2])


def top_value(A):
    return np.linalg.eigvalsh(A)[-1]


def weighted_vectors(A, c):
    w, V = np.linalg.eigh(A)
    return ((V * c) @ V.T)[0, 1]


def test_equal_eigenvalues_whose_vectors_matter():
    A = np.diag([1.0, 1.0, 2.0])
    assert np.all(np.isnan(grad(one_vector)(A)))
    assert np.all(np.isnan(jacfwd(one_vector)(np.eye(2))))
    np.testing.assert_array_equal(grad(top_vector)(A), np.zeros((3, 3)))
    np.testing.assert_array_equal(jacfwd(top_vector)(A), np.zeros((3, 3)))


def test_a_simple_eigenvalue_beside_equal_ones():
    second = hessian(top_value)(np.diag([1.0, 1.0, 2.0]))
    assert second[0, 2, 0, 2] == pytest.approx(0.5)
    assert np.all(np.isfinite(second))


def test_constant_factors():
    A = np.eye(2)
    np.testing.assert_array_equal(grad(weighted_vectors)(A, np.array([2.0, 2.0])), np.zeros((2, 2)))
    assert np.isnan(grad(weighted_vectors)(A, np.array([2.0, 3.0]))[0, 1])
    np.testing.assert_array_equal(
        grad(weighted_vectors, wrt=("A", "c"))(A, np.array([2.0, 2.0]))[0], np.zeros((2, 2))
    )
    near = np.diag([1.0, 1.0 + 1e-12])
    assert grad(weighted_vectors)(near, np.array([2.0, 2.0]))[0, 1] == 0.0
    gap = near[1, 1] - near[0, 0]
    assert 2 * grad(weighted_vectors)(near, np.array([2.0, 3.0]))[0, 1] == pytest.approx(1.0 / gap)


def projector(A, k):
    V = np.linalg.eigh(A)[1]
    return ((V[:, k:] @ V[:, k:].T)[0, 1]) + (V[:, k:] @ (V[:, k:].T @ X))[2]


def parts_of_columns(A):
    w, V = np.linalg.eigh(A)
    low = (V[:, :2] * np.exp(w[:2])) @ V[:, :2].T
    return weigh(low) + X @ V[:, 2:] @ (w[2:] * (V[:, 2:].T @ X))


def test_slices_of_columns():
    A = POINTS["turned"]
    np.testing.assert_allclose(
        grad(projector)(A, 2), differences(lambda B: projector(B, 2), A), rtol=1e-7, atol=1e-8
    )
    assert np.all(np.isnan(grad(projector)(np.eye(3), 2)))
    for name in ("turned", "two equal", "simple"):
        A = POINTS[name]
        np.testing.assert_allclose(
            grad(parts_of_columns)(A), differences(parts_of_columns, A), rtol=1e-7, atol=1e-8
        )
    assert np.any(np.isnan(grad(parts_of_columns)(POINTS["all equal"])))


def with_parameters(A, lam, t):
    w, V = np.linalg.eigh(A)
    d = np.exp(-t * w) / (w + lam)
    return np.sum(np.sin((V * d) @ V.T))


def test_numbers_between_are_differentiated():
    A, h = POINTS["two equal"], 1e-6
    dA, dlam, dt = grad(with_parameters, wrt=("A", "lam", "t"))(A, 0.5, 0.3)
    np.testing.assert_allclose(dA, differences(lambda B: with_parameters(B, 0.5, 0.3), A), rtol=1e-7)
    assert dlam == pytest.approx(
        (with_parameters(A, 0.5 + h, 0.3) - with_parameters(A, 0.5 - h, 0.3)) / (2 * h)
    )
    assert dt == pytest.approx(
        (with_parameters(A, 0.5, 0.3 + h) - with_parameters(A, 0.5, 0.3 - h)) / (2 * h)
    )
    mixed = hessian(with_parameters, wrt=("A", "lam", "t"))(A, 0.5, 0.3)
    of = grad(with_parameters)
    np.testing.assert_allclose(
        mixed[0][1], (of(A, 0.5 + h, 0.3) - of(A, 0.5 - h, 0.3)) / (2 * h), rtol=1e-6, atol=1e-8
    )
    np.testing.assert_allclose(
        mixed[2][0], (of(A, 0.5, 0.3 + h) - of(A, 0.5, 0.3 - h)) / (2 * h), rtol=1e-6, atol=1e-8
    )


def stack(A):
    w, V = np.linalg.eigh(A)
    M = (V * np.exp(w)[..., None, :]) @ np.swapaxes(V, -1, -2)
    p = w / np.sum(w, axis=-1, keepdims=True)
    return np.sum(np.sin(M)) + np.sum(np.cos(np.einsum("bij,bj,bkj->bik", V, p, V)))


def test_stacks():
    A = np.stack([POINTS["two equal"], POINTS["turned"]])
    np.testing.assert_allclose(grad(stack)(A), differences(stack, A), rtol=1e-7, atol=1e-8)
    direction, h = symmetric(rng.normal(size=A.shape)), 1e-5
    second = (grad(stack)(A + h * direction) - grad(stack)(A - h * direction)) / (2 * h)
    np.testing.assert_allclose(hvp(stack)(A, direction), second, rtol=1e-6, atol=1e-7)
    assert grad(stack)(np.zeros((0, 3, 3))).shape == (0, 3, 3)


def root(A):
    w, V = np.linalg.eigh(A)
    return ((V * np.sqrt(w)) @ V.T)[1, 1]


def test_no_warnings_and_no_derivative_where_the_function_has_none():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = grad(root)(np.diag([0.0, 1.0]))
        assert found[1, 1] == 0.5
        np.testing.assert_array_equal(grad(root)(np.eye(2)), [[0.0, 0.0], [0.0, 0.5]])
