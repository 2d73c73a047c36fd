"""Factors between eigenvectors that are differentiated by themselves; third and higher derivatives; more singular vectors
than singular values."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import grad, hessian, hvp, jacfwd, jacrev, jvp, value_and_grad

rng = np.random.default_rng(17)
W = rng.normal(size=(3, 3))
W = W + W.T
X = rng.normal(size=3)
S = rng.normal(size=(3, 3))
S = S + S.T
TURN = np.linalg.qr(rng.normal(size=(3, 3)))[0]
D, E = np.array([2.0, 3.0, -1.0]), rng.normal(size=3)
GAPS = (1e-16, 1e-13, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2)


def weigh(m):
    return np.sum(W * m)


def columns(A, d):
    w, V = np.linalg.eigh(A)
    return weigh((V * d) @ V.T)


def matrix(A, d):
    w, V = np.linalg.eigh(A)
    return weigh(V @ np.diag(d) @ V.T)


def letters(A, d):
    w, V = np.linalg.eigh(A)
    return weigh(np.einsum("k,jk,ik->ij", d, V, V))


def in_a_loop(A, d):
    w, V = np.linalg.eigh(A)
    M = np.zeros((3, 3))
    for i in range(3):
        M += d[i] * np.outer(V[:, i], V[:, i])
    return weigh(M)


def with_the_eigenvalues(A, d):
    w, V = np.linalg.eigh(A)
    return weigh((V * (d * np.exp(w) + d**2)) @ V.T)


def bent(A, d):
    w, V = np.linalg.eigh(A)
    return np.sum(np.sin((V * d) @ V.T)) + X @ (V @ (d * (V.T @ X)))


def singular(A, d):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return np.sum(np.sin((U * (d * s)) @ Vt))


def left_side(A, d):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return np.sum(np.sin((U * d) @ U.T)) + np.sum(np.cos(Vt.T @ np.diag(d * s**2) @ Vt))


def divided(w, d):
    h, rise = w[:, None] - w, d[:, None] - d
    return np.where(h != 0.0, rise / np.where(h != 0.0, h, 1.0), 0.0)


def close(found, exact, tolerance=1e-9):
    np.testing.assert_allclose(found, exact, rtol=tolerance, atol=tolerance * np.max(np.abs(exact)))


@pytest.mark.parametrize("fn", [columns, matrix, letters, in_a_loop], ids=lambda f: f.__name__)
def test_a_vector_of_its_own(fn):
    first, second = grad(fn, wrt=("A", "d")), hvp(fn, wrt=("A", "d"))
    for gap in GAPS:
        w = np.array([0.5, 0.5 + gap, 1.3])
        A = np.diag(w)
        dA, dd = first(A, D)
        close(dA, W * divided(w, D), 1e-13)
        close(dd, np.diag(W))
        mixed = [sum(2 * W[m, j] * S[m, j] / (w[m] - w[j]) for j in range(3) if j != m) for m in range(3)]
        found = second(A, D, (S, np.zeros(3)))
        close(found[1], mixed, 1e-12)
        found = second(A, D, (np.zeros((3, 3)), E))
        close(found[0], W * divided(w, E), 1e-12)
        np.testing.assert_array_equal(found[1], np.zeros(3))


def test_at_ties():
    A = np.diag([0.5, 0.5, 1.3])
    for fn in (columns, in_a_loop):
        same = np.array([2.0, 2.0, -1.0])
        dA, dd = grad(fn, wrt=("A", "d"))(A, same)
        close(dA, W * divided(np.diag(A), same))
        close(dd, np.diag(W))
        assert np.all(np.isnan(grad(fn, wrt=("A", "d"))(A, D)[0]))
        assert np.all(np.isnan(hvp(fn, wrt=("A", "d"))(A, same, (S, E))[1][:2]))  # by numbers that differ


SMOOTH = [with_the_eigenvalues, bent, singular, left_side]


@pytest.mark.parametrize("fn", SMOOTH, ids=lambda f: f.__name__)
def test_against_differences(fn):
    A, h = (TURN * [1.3, 0.9, 0.5]) @ TURN.T, 1e-5
    first = grad(fn, wrt=("A", "d"))
    exact = (fn(A + h * S, D + h * E) - fn(A - h * S, D - h * E)) / (2 * h)
    dA, dd = first(A, D)
    close(np.sum(dA * S) + dd @ E, exact, 1e-6)
    close(jvp(fn, (A, D), (S, E))[1], exact, 1e-6)
    pairs = zip(first(A + h * S, D + h * E), first(A - h * S, D - h * E), strict=True)
    twice = [(a - b) / (2 * h) for a, b in pairs]
    found = hvp(fn, wrt=("A", "d"))(A, D, (S, E))
    for a, b in zip(found, twice, strict=True):
        close(a, b, 1e-5)
    for second in (hessian(fn, wrt=("A", "d"))(A, D), jacrev(grad(fn, wrt=("A", "d")), wrt=("A", "d"))(A, D)):
        for rows, a in zip(second, found, strict=True):
            close(np.tensordot(rows[0], S, 2) + rows[1] @ E, a)
    for a, b in zip(jacfwd(fn, wrt=("A", "d"))(A, D), (dA, dd), strict=True):
        close(a, b)


def of_one_argument(x):
    A = x[:9].reshape(3, 3)
    w, V = np.linalg.eigh(A)
    return weigh((V * x[9:]) @ V.T)


def test_what_moves_with_the_matrix_has_no_derivative_at_ties():
    """With one input for both, 0 would be wrong where the factors are equal: they may part as the eigenvalues do."""
    x = np.concatenate([np.diag([0.5, 0.5, 1.3]).ravel(), [2.0, 2.0, 1.0]])
    assert np.any(np.isnan(grad(of_one_argument)(x)))
    x[0] = 0.4
    assert np.all(np.isfinite(grad(of_one_argument)(x)))


def stacked(A, d):
    w, V = np.linalg.eigh(A)
    return np.sum(np.sin((V * (d * w)[:, None, :]) @ np.swapaxes(V, 1, 2)))


def test_stacks():
    A, h = np.stack([(TURN * [1.3, 0.9, 0.5]) @ TURN.T, np.diag([0.4, 0.8, 1.2])]), 1e-5
    T = np.stack([S, S])
    first = grad(stacked, wrt=("A", "d"))
    dA, dd = first(A, D)
    exact = (stacked(A + h * T, D + h * E) - stacked(A - h * T, D - h * E)) / (2 * h)
    close(np.sum(dA * T) + dd @ E, exact, 1e-6)
    twice = (first(A + h * T, D + h * E)[1] - first(A - h * T, D - h * E)[1]) / (2 * h)
    close(hvp(stacked, wrt=("A", "d"))(A, D, (T, E))[1], twice, 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("fn", [in_a_loop, left_side])
def test_compiled(fn):
    A = (TURN * [1.3, 0.9, 0.5]) @ TURN.T
    for a, b in zip(grad(fn, wrt=("A", "d"), jit=True)(A, D), grad(fn, wrt=("A", "d"))(A, D), strict=True):
        close(a, b)
    for a, b in zip(
        hvp(fn, wrt=("A", "d"), jit=True)(A, D, (S, E)), hvp(fn, wrt=("A", "d"))(A, D, (S, E)), strict=True
    ):
        close(a, b)


# -- third derivatives --------------------------------------------------------------------------------------


def exponential(A):
    w, V = np.linalg.eigh(A)
    return np.sum(W * np.sin((V * np.exp(w)) @ V.T))


def odd_power(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return np.sum(np.sin((U * s**3) @ Vt + 0.1))


def right_side(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return np.sum(np.sin((Vt.T * np.exp(-(s**2))) @ Vt))


@pytest.mark.parametrize(
    "fn", [exponential, odd_power, pytest.param(right_side, marks=pytest.mark.slow)], ids=lambda f: f.__name__
)
def test_third_derivatives(fn):
    third, second, h = jacfwd(hessian(fn)), hvp(fn), 1e-4
    for w in ([0.5, 0.9, 1.3], [0.5, 0.5 + 1e-9, 1.3], [0.7, 0.7, 0.7]):
        A = (TURN * w) @ TURN.T
        found = np.tensordot(np.tensordot(third(A), S, 2), W, 2)
        near, far = (second(A + k * h * S, W) - second(A - k * h * S, W) for k in (1, 2))
        close(found, (8 * near - far) / (12 * h), 1e-8)


def test_fourth_derivatives():
    A, h = (TURN[:2, :2] * [0.5, 0.9]) @ TURN[:2, :2].T, 1e-3

    def f(A):
        w, V = np.linalg.eigh(A)
        return np.sum(((V * np.exp(w)) @ V.T)[0])

    third, T = jacfwd(hessian(f)), S[:2, :2]
    found = np.tensordot(jacfwd(third)(A), T, 2)
    near, far = (third(A + k * h * T) - third(A - k * h * T) for k in (1, 2))
    close(found, (8 * near - far) / (12 * h), 1e-7)


# -- singular vectors without singular values -----------------------------------------------------------------


def rebuilt(A):
    U, s, Vt = np.linalg.svd(A)
    k = len(s)
    return np.sum(np.sin((U[:, :k] * s**2) @ Vt[:k]))


def polar(A):
    U, s, Vt = np.linalg.svd(A)
    return np.sum(np.sin(U @ Vt))


def of_the_top(A):
    U, s, Vt = np.linalg.svd(A)
    return U[0, 0] * Vt[0, 1] + s[0] ** 2


def of_the_last(A):
    return np.linalg.svd(A)[2][-1, 0] ** 2


def called_twice(A):
    U = np.linalg.svd(A, full_matrices=False)[0]
    return np.sum(np.sin(U @ np.linalg.svd(A, full_matrices=False)[2]))


def values_and_vectors(A):
    V = np.linalg.eigh(A).eigenvectors
    return weigh((V * np.linalg.eigvalsh(A) ** 2) @ V.T)


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4)])
def test_all_singular_vectors(shape):
    A, T, h = rng.normal(size=shape), rng.normal(size=shape), 1e-5
    for fn in (rebuilt, of_the_top, polar) if shape == (3, 3) else (rebuilt, of_the_top):
        exact = (fn(A + h * T) - fn(A - h * T)) / (2 * h)
        value, found = value_and_grad(fn)(A)
        assert value == fn(A)
        close(np.sum(found * T), exact, 1e-6)
        close(jvp(fn, (A,), (T,))[1], exact, 1e-6)
        of = grad(fn)
        close(hvp(fn)(A, T), (of(A + h * T) - of(A - h * T)) / (2 * h), 1e-5)
    if shape != (4, 3):
        known = np.all(np.isfinite(grad(of_the_last)(A)))
        assert known == (shape == (3, 3))


def test_the_same_decomposition_twice():
    A = TURN * 1.3
    np.testing.assert_allclose(grad(polar)(A), grad(called_twice)(A), rtol=1e-12)
    A = np.diag([0.5, 0.5, 1.3])
    close(grad(values_and_vectors)(A), W * np.add.outer(np.diag(A), np.diag(A)))


def test_sizes_and_single_precision():
    for n in (0, 1, 4):
        B, d = rng.normal(size=(n, n)), np.linspace(1.0, 2.0, n)
        A = B + B.T
        exact = hvp(plain, wrt=("A", "d"))(A, d, (A, d))
        for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-2)):
            a, e = A.astype(dtype), d.astype(dtype)
            found = hvp(plain, wrt=("A", "d"))(a, e, (a, e))
            for x, y in zip(found, exact, strict=True):
                assert x.dtype == dtype and x.shape == y.shape
                np.testing.assert_allclose(x, y, rtol=tolerance, atol=10 * tolerance)


def plain(A, d):
    w, V = np.linalg.eigh(A)
    return np.sum(np.sin((V * d) @ V.T))
