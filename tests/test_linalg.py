"""Linear algebra: reverse against forward mode and differences."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import grad, jvp
from s2sad.errors import S2sadError
from tests.array_checks import Case, check, collector

rng = np.random.default_rng(0)
CASES: list[Case] = []


case = collector(CASES)


def normal(*shape):
    return rng.normal(size=shape)


def regular(*shape):
    return normal(*shape) + 3.0 * np.eye(shape[-1])


def weighted(y):
    """A number that depends on each element of an array differently."""
    return np.sum(np.sin(y + 0.3) * y)


def symmetric(a):
    return a + np.swapaxes(a, -1, -2)


@case(regular(3, 3), normal(3), normal(3, 2))
def solve(A, b, B):
    return weighted(np.linalg.solve(A, b)) + weighted(np.linalg.solve(A, B))


@case(regular(2, 3, 3), normal(3), normal(3, 2), normal(2, 3, 1))
def solve_stacks(A, b, B, C):
    return (
        weighted(np.linalg.solve(A, b)) + weighted(np.linalg.solve(A, B)) + weighted(np.linalg.solve(A[0], C))
    )


@case(regular(2, 3, 3))
def inverse_and_determinant(A):
    return weighted(np.linalg.inv(A)) + weighted(np.linalg.det(A)) + np.linalg.det(A[0])


@case(regular(3, 3), regular(2, 3, 3))
def slogdet(A, B):
    sign, log = np.linalg.slogdet(A)
    return sign * log**2 + np.linalg.slogdet(A).logabsdet + weighted(np.linalg.slogdet(B)[1])


@case(normal(4, 3), normal(2, 3, 3))
def pinv(A, B):
    return weighted(np.linalg.pinv(A)) + weighted(np.linalg.pinv(A.T)) + weighted(np.linalg.pinv(B))


@case(normal(4, 3), normal(4), normal(4, 2), normal(3))
def lstsq(A, b, B, c):
    x = np.linalg.lstsq(A, b, rcond=None)[0]
    return weighted(x) + weighted(np.linalg.lstsq(A, B)[0]) + weighted(np.linalg.lstsq(A.T, c)[0])


@case(normal(3, 3))
def cholesky(A):
    S = A @ A.T + np.eye(3) if False else A @ A.T
    return weighted(np.linalg.cholesky(S)) + weighted(np.linalg.cholesky(S, upper=True))


@case(normal(2, 3, 3))
def cholesky_of_stack(A):
    return weighted(np.linalg.cholesky(np.swapaxes(A, 1, 2) @ A))


@case(normal(4, 3))
def qr(A):
    Q, R = np.linalg.qr(A)
    return weighted(Q) + weighted(R)


@case(normal(4, 3), normal(2, 3, 3))
def qr_one_result(A, B):
    return weighted(np.linalg.qr(A)[0]) + weighted(np.linalg.qr(A, mode="r")) + weighted(np.linalg.qr(B).R)


@case(normal(3, 3))
def eigh(A):
    w, V = np.linalg.eigh(symmetric(A))
    return weighted(w) + weighted(V * V) + np.sum(V[0] * V[1] * w)


@case(normal(2, 3, 3))
def eigh_of_stack(A):
    w, V = np.linalg.eigh(symmetric(A), UPLO="U")
    return weighted(w) + weighted(V * V)


@case(normal(3, 3))
def eigvalsh(A):
    w = np.linalg.eigvalsh(symmetric(A))
    return w[0] * w[1] ** 2 + weighted(np.linalg.eigvalsh(symmetric(A), "U"))


@case(normal(3, 3))
def eigenvectors_alone(A):
    return weighted(np.linalg.eigh(symmetric(A)).eigenvectors ** 2)


@case(normal(3, 3) * 0.1 + np.diag([1.0, 2.0, 4.0]))
def eig(A):
    w, V = np.linalg.eig(A)
    return weighted(w) + weighted(V * V) + weighted(np.linalg.eigvals(A)) + weighted(np.linalg.eig(A)[1] ** 2)


@case(normal(4, 3))
def svd(A):
    U, s, Vh = np.linalg.svd(A, full_matrices=False)
    return weighted(s) + weighted(U * U) + weighted(Vh * Vh) + weighted((U * s**2) @ Vh)


@case(normal(3, 4), normal(2, 3, 3))
def svd_wide_and_stack(A, B):
    U, s, Vh = np.linalg.svd(A, full_matrices=False)
    return weighted(U * U) + weighted(Vh * Vh) + weighted(np.linalg.svd(B, full_matrices=False)[2] ** 2)


@case(normal(3, 4), normal(2, 3, 3))
def singular_values(A, B):
    s = np.linalg.svd(A, compute_uv=False)
    return weighted(s) + weighted(np.linalg.svdvals(B)) + np.sum(np.linalg.svd(A)[1] ** 3)


@case(normal(5))
def norms_of_vectors(x):
    n = np.linalg.norm
    s = n(x) + 2 * n(x, 1) + 3 * n(x, 2) + n(x, np.inf) + 5 * n(x, -np.inf) + n(x, 0)
    return s**2 + n(x, 3) * n(x, ord=2.5) + n(x, keepdims=True)[0]


@case(normal(3, 4))
def norms_of_matrices(A):
    n = np.linalg.norm
    s = n(A) + 2 * n(A, "fro") + 3 * n(A, "nuc") + 4 * n(A, 1) + 5 * n(A, -1) + 6 * n(A, 2)
    return s**2 + n(A, -2) ** 2 + n(A, np.inf) ** 2 + n(A, -np.inf) ** 2


@case(normal(3, 4), normal(2, 3, 4))
def norms_along_axes(A, B):
    n = np.linalg.norm
    s = weighted(n(A, axis=0)) + weighted(n(A, 1, axis=-1)) + weighted(A / n(A, axis=1, keepdims=True))
    s = (
        s
        + weighted(n(B, axis=(1, 2)))
        + weighted(n(B, 1, axis=(0, 2)))
        + weighted(n(B, "nuc", axis=(-1, 0), keepdims=True))
    )
    return (
        s
        + weighted(n(A, 3, axis=0, keepdims=True))
        + weighted(n(A, np.inf, axis=0))
        + n(A, ord=np.inf, axis=(1, 0), keepdims=True)[0, 0]
    )


@case(normal(2, 3, 4))
def norms_by_name(B):
    L = np.linalg
    return (
        weighted(L.matrix_norm(B))
        + L.vector_norm(B)
        + weighted(L.vector_norm(B, axis=1, ord=1))
        + weighted(L.vecdot(B, B * B))
    )


@case(regular(3, 3))
def condition(A):
    c = np.linalg.cond
    return c(A) + c(A, 1) + c(A, "fro") + c(A, -2) + np.linalg.matrix_rank(A) * A[0, 0]


@case(regular(6, 6).reshape(2, 3, 3, 2) + 0.0, normal(2, 3))
def tensors(A, B):
    return weighted(np.linalg.tensorsolve(A, B)) + weighted(np.linalg.tensorinv(A))


@case(regular(3, 3), normal(3))
def iteration(A, x):
    for k in range(3):
        w, V = np.linalg.eigh(symmetric(A))
        x = np.linalg.solve(A, x) / np.linalg.norm(x) + V[:, 0] ** 2
        x[0] += w[1]
        A = A + np.outer(x, x)
    return np.sum(x)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_linear_algebra(case):
    check(case)


SINGLE = [solve, inverse_and_determinant, cholesky_of_stack, qr, eigvalsh, svd, norms_along_axes]


@pytest.mark.parametrize("fn", SINGLE, ids=lambda f: f.__name__)
def test_single_precision(fn):
    args = next(c.args for c in CASES if c.fn is fn)
    wrt = tuple(range(len(args)))
    exact = grad(fn, wrt=wrt)(*args)
    found = grad(fn, wrt=wrt)(*(a.astype(np.float32) for a in args))
    for a, b in zip(found, exact, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=5e-3, atol=5e-3)


def norms_at_zero(x):
    return np.linalg.norm(x) + np.linalg.norm(x, 3) + np.sum(np.linalg.norm(x[:, None] * x, axis=0))


@pytest.mark.filterwarnings("error")
def test_norm_has_derivative_zero_at_zero():
    x = np.zeros(3)
    np.testing.assert_array_equal(grad(norms_at_zero)(x), x)
    assert jvp(norms_at_zero, (x,), (np.ones(3),))[1] == 0


def trace_of_spectrum(A):
    w, V = np.linalg.eigh(symmetric(A))
    return np.sum(w**2)


def test_one_call_with_unpacking():
    g = grad(trace_of_spectrum)
    g(normal(3, 3))
    assert g.source.count("= np.linalg.eigh(A") == 1
    assert "w, V = np.linalg.eigh(" in g.source


def equal_eigenvalues(A):
    w, V = np.linalg.eigh(A)
    return np.sum((V * np.exp(w)) @ V.T)


def test_equal_eigenvalues_give_finite_gradients():
    assert np.all(np.isfinite(grad(equal_eigenvalues)(np.eye(3))))


def cubes(A):
    return np.sum(np.linalg.svd(A, compute_uv=False) ** 3)


def vectors(A):
    return weighted(np.linalg.eigh(symmetric(A))[1] ** 2)


def triangle(A):
    return weighted(np.linalg.qr(A)[1]) + weighted(np.linalg.cholesky(A @ A.T))


def both_norms(A):
    return np.linalg.norm(A[0], 3) * np.linalg.norm(A)


def spectrum(A):
    return np.sum(np.abs(np.fft.rfft(A)) ** 3)


by_cubes, by_vectors, by_triangle, by_norms, by_spectrum = map(
    grad, (cubes, vectors, triangle, both_norms, spectrum)
)


def along_cubes(A, v):
    return np.sum(by_cubes(A) * v)


def along_vectors(A, v):
    return np.sum(by_vectors(A) * v)


def along_triangle(A, v):
    return np.sum(by_triangle(A) * v)


def along_norms(A, v):
    return np.sum(by_norms(A) * v)


def along_spectrum(A, v):
    return np.sum(by_spectrum(A) * v)


@pytest.mark.parametrize("fn", [along_cubes, along_vectors, along_triangle, along_norms, along_spectrum])
def test_second_order(fn):
    """Reverse over reverse and forward over reverse."""
    check(Case(fn, (normal(3, 3), normal(3, 3)), rtol=2e-4, atol=1e-5))


def determinant(A):
    return np.linalg.det(A)


def determinant_of_gradient(A):
    return np.linalg.det(determinant_gradient(A))


determinant_gradient = grad(determinant)


def test_determinant_of_a_singular_matrix():
    A = np.outer([1.0, 2.0, 3.0], [1.0, 0.5, 0.0]) + np.diag([1.0, 0.0, 0.0])
    np.testing.assert_allclose(np.linalg.det(A), 0, atol=1e-15)
    expected = np.zeros((3, 3))
    for i, j in np.ndindex(3, 3):
        minor = np.delete(np.delete(A, i, 0), j, 1)
        expected[i, j] = (-1) ** (i + j) * np.linalg.det(minor)
    np.testing.assert_allclose(grad(determinant)(A), expected, atol=1e-12)
    assert grad(determinant)(np.array([[3.0]])) == 1.0


def test_second_order_of_the_determinant():
    check(Case(determinant_of_gradient, (regular(3, 3),)))


def complete_qr(A):
    return np.sum(np.linalg.qr(A, mode="complete")[0])


def full_svd(A):
    return np.sum(np.linalg.svd(A)[0] ** 3)


def residuals(A, b):
    return np.sum(np.linalg.lstsq(A, b)[1])


def rotation(A):
    return np.sum(np.linalg.eigvals(A))


def test_refusals():
    with pytest.raises(S2sadError, match="complete"):
        grad(complete_qr)(normal(4, 3))
    assert np.all(np.isnan(grad(full_svd)(normal(4, 3))))
    with pytest.raises(S2sadError):
        grad(residuals)(normal(4, 3), normal(4))
    with pytest.raises(ValueError, match="complex eigenvalues"):
        grad(rotation)(np.array([[0.0, 1.0], [-1.0, 0.0]]))
