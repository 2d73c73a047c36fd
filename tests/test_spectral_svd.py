"""Products of singular vectors, a diagonal and singular vectors; determinants at singular matrices."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from s2sad import grad, hessian, hvp, jacfwd, jacrev, jvp

rng = np.random.default_rng(5)
LEFT = np.linalg.qr(rng.normal(size=(4, 4)))[0]
RIGHT = np.linalg.qr(rng.normal(size=(3, 3)))[0]
TURN = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
TALL = {
    "equal": LEFT[:, :3] @ (1.3 * RIGHT),
    "two equal": LEFT[:, :3] * [1.3, 1.3, 0.4] @ RIGHT,
    "close": LEFT[:, :3] * [1.3, 1.3 + 1e-9, 0.4] @ RIGHT,
    "simple": LEFT[:, :3] * [1.7, 1.3, 0.4] @ RIGHT,
}


def weigh(m):
    return np.sum(np.sin(m + 0.1))


def odd_power(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return weigh((U * s**3) @ Vt)


def rebuilt(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return weigh(U @ np.diag(s) @ Vt)


def polar(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return weigh(U @ Vt)


def pseudo_inverse(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    right = Vt.T
    return weigh(right @ ((1.0 / s)[:, None] * U.T))


def einstein(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return weigh(np.einsum("ik,k,kj->ij", U, np.tanh(s), Vt))


def left_side(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return weigh((U * s**2) @ U.T)


def right_side(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return weigh(Vt.T @ np.diag(np.exp(-s)) @ Vt)


def applied(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    x = np.arange(1.0, A.shape[1] + 1.0)
    return weigh(U @ (np.log1p(s) * (Vt @ x)))


def lowered(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return weigh((U[:, :2] * s[:2]) @ Vt[:2])


def nuclear(A):
    return np.linalg.norm(A, "nuc") ** 2


SPELLINGS = [
    odd_power, rebuilt, polar, pseudo_inverse, einstein, left_side, right_side, applied, lowered, nuclear,
]  # fmt: skip


def differences(f, A, h=1e-5):
    found = np.zeros(A.shape)
    for at in np.ndindex(A.shape):
        e = np.zeros(A.shape)
        e[at] = h
        found[at] = (f(A + e) - f(A - e)) / (2 * h)
    return found


def check(fn, A, name):
    direction, h, of = rng.normal(size=A.shape), 1e-5, grad(fn)
    exact = differences(fn, A)
    np.testing.assert_allclose(of(A), exact, rtol=1e-6, atol=1e-7, err_msg=name)
    np.testing.assert_allclose(
        jvp(fn, (A,), (direction,))[1], np.sum(exact * direction), rtol=1e-6, atol=1e-7
    )
    second = (of(A + h * direction) - of(A - h * direction)) / (2 * h)
    np.testing.assert_allclose(hvp(fn)(A, direction), second, rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("fn", SPELLINGS, ids=lambda f: f.__name__)
def test_tall_and_wide(fn):
    for name, A in TALL.items():
        if fn is not lowered or name != "equal":
            check(fn, A, name)
            check(fn, A.T.copy(), name)


def test_of_a_rotation():
    def corner(A):
        U, s, Vt = np.linalg.svd(A, full_matrices=False)
        return (U @ Vt)[0, 1]

    expected = 0.5 * np.cos(0.3) * np.array([[np.sin(0.3), np.cos(0.3)], [-np.cos(0.3), np.sin(0.3)]])
    for found in (grad(corner)(TURN), jacfwd(corner)(TURN), jacrev(corner)(TURN)):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    second = hessian(corner)(TURN)
    h = 1e-5
    for at in np.ndindex(2, 2):
        e = np.zeros((2, 2))
        e[at] = h
        exact = (grad(corner)(TURN + e) - grad(corner)(TURN - e)) / (2 * h)
        np.testing.assert_allclose(second[..., at[0], at[1]], exact, rtol=1e-6, atol=1e-8)


def test_no_rank():
    A = np.diag([1.0, 0.0, 0.0])
    for shape in ((3, 3), (3, 2), (2, 3)):
        B = A[: shape[0], : shape[1]].copy()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_allclose(grad(rebuilt)(B), np.cos(B + 0.1), rtol=1e-12)
            np.testing.assert_allclose(grad(left_side)(B), differences(left_side, B), atol=1e-8)
            check(rebuilt, B, "no rank")
            assert np.any(np.isnan(grad(polar)(B)))
    np.testing.assert_allclose(grad(rebuilt)(np.zeros((2, 3))), np.cos(0.1) * np.ones((2, 3)))


def norms(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return np.linalg.norm(U @ np.diag(s) @ Vt)


def norm_without_the_right(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return np.linalg.norm(U * s)


def test_norms_at_equal_singular_values():
    np.testing.assert_allclose(grad(norms)(2.0 * np.eye(2)), np.sqrt(0.5) * np.eye(2))
    np.testing.assert_allclose(
        grad(norm_without_the_right)(2.0 * np.eye(2)), np.sqrt(0.5) * np.eye(2), atol=1e-15
    )


def test_no_cancellation():
    def corner(A):
        U, s, Vt = np.linalg.svd(A, full_matrices=False)
        return ((U * np.sqrt(s)) @ Vt)[0, 1]

    for gap in (0.0, *10.0 ** np.arange(-16, -1)):
        a, b = 1.0 + gap, 1.0
        same, other = 1 / (np.sqrt(a) + np.sqrt(b)), (np.sqrt(a) + np.sqrt(b)) / (a + b)
        expected = np.array([0.5 * (same + other), 0.5 * (same - other)])
        found = grad(corner)(np.diag([a, b]))
        np.testing.assert_allclose(found[0, 1], expected[0], rtol=1e-11)
        np.testing.assert_allclose(found[1, 0], expected[1], rtol=1e-11, atol=1e-15)


def stack(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    right = np.swapaxes(Vt, 1, 2)
    return weigh((U * (s**3)[:, None, :]) @ Vt) + weigh((right * s[:, None, :] ** 2) @ Vt)


def test_stacks():
    A = np.stack([TALL["two equal"], TALL["simple"]])
    check(stack, A, "stack")


@pytest.mark.slow
@pytest.mark.parametrize("fn", [odd_power, right_side, polar])
def test_compiled(fn):
    compiled = grad(fn, jit=True)
    for A in TALL.values():
        np.testing.assert_allclose(compiled(A), grad(fn)(A), rtol=1e-11, atol=1e-12)


# -- determinants ---------------------------------------------------------------------------------------


def determinant(A):
    return np.linalg.det(A)


def log_determinant(A):
    return np.linalg.slogdet(A)[1]


SINGULAR = [np.array([[1.0, 2.0], [2.0, 4.0]]), np.zeros((2, 2)), np.diag([1.0, 0.0, 0.0]), np.array([[0.0]])]


@pytest.mark.parametrize("A", SINGULAR, ids=lambda a: f"{a.shape[0]}{int(a[0, 0])}")
def test_second_derivatives_of_determinants(A):
    n, h = len(A), 1e-4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for second in (hessian(determinant)(A), jacrev(grad(determinant))(A)):
            for at in np.ndindex(n, n):
                e = np.zeros((n, n))
                e[at] = h
                exact = (grad(determinant)(A + e) - grad(determinant)(A - e)) / (2 * h)
                np.testing.assert_allclose(second[..., at[0], at[1]], exact, atol=1e-10)


def test_third_derivatives_of_determinants():
    A, direction, h = rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), 1e-5
    of = hessian(determinant)
    exact = (of(A + h * direction) - of(A - h * direction)) / (2 * h)
    np.testing.assert_allclose(np.tensordot(jacfwd(of)(A), direction, 2), exact, rtol=1e-6, atol=1e-7)


def test_log_determinants_of_singular_matrices():
    for A in (SINGULAR[0], np.stack([SINGULAR[0], np.eye(2)])):

        def f(A):
            return np.sum(np.linalg.slogdet(A)[1])

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = grad(f)(A)
            assert not np.any(np.isfinite(found.reshape(-1, 2, 2)[0]))
            assert not np.isfinite(jvp(f, (A,), (np.ones_like(A),))[1])
            assert not np.any(np.isfinite(hessian(f)(A).reshape(-1, 2, 2, *A.shape)[0, 0, 0].ravel()[:4]))
    np.testing.assert_array_equal(found[1], np.eye(2))


def test_compiled_determinants():
    A = SINGULAR[0]
    np.testing.assert_allclose(
        hvp(determinant, jit=True)(A, np.eye(2)), hvp(determinant)(A, np.eye(2)), atol=1e-15
    )
    assert not np.any(np.isfinite(grad(log_determinant, jit=True)(A)))
