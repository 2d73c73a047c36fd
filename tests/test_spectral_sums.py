"""Sums of outer products of eigenvectors, by loops, slices, lists or elements: one function of the matrix together."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import scipy.linalg

from s2sad import grad, hessian, hvp, jacfwd, jacrev, jvp, vjp
from tests.daleckii_krein import along, gradient

rng = np.random.default_rng(11)
W = rng.normal(size=(3, 3))
X = rng.normal(size=3)
S = rng.normal(size=(3, 3))
S = S + S.T
GAPS = (0.0, 1e-16, 1e-13, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2)


def weigh(m):
    return np.sum(W * m)


def written_in_a_loop(A):
    w, V = np.linalg.eigh(A)
    M = np.zeros((3, 3))
    for i in range(3):
        M += np.exp(w[i]) * np.outer(V[:, i], V[:, i])
    return weigh(M)


def added_in_a_loop(A):
    w, V = np.linalg.eigh(A)
    M = np.zeros_like(A)
    for i in range(A.shape[0]):
        M = M + np.exp(w[i]) * np.outer(V[:, i], V[:, i])
    return weigh(M)


def backwards(A):
    w, V = np.linalg.eigh(A)
    M = np.zeros_like(A)
    for i in range(len(w) - 1, -1, -1):
        M = np.outer(V[:, i], V[:, i]) * math.exp(w[i]) + M
    return weigh(M)


def of_pairs(A):
    w, V = np.linalg.eigh(A)
    M = 0.0
    for value, vector in zip(w, V.T):  # noqa: B905
        M = M + np.exp(value) * vector[:, None] * vector
    return weigh(M)


def by_rows_of_the_transposed(A):
    w, V = np.linalg.eigh(A)
    M = np.zeros((3, 3))
    for i, v in enumerate(V.T):
        M -= -np.exp(w[i]) * np.outer(v, v)
    return weigh(M)


def applied_to_a_vector(A):
    w, V = np.linalg.eigh(A)
    y = np.zeros(3)
    for i in range(len(w)):
        y += V[:, i] * (np.exp(w[i]) * (V[:, i] @ X))
    return y @ W @ X


def numbers(A):
    w, V = np.linalg.eigh(A)
    total = 0.0
    for i in range(len(w)):
        v = V[:, i]
        total += np.exp(w[i]) * (v @ W @ v)
    return total


def from_the_second(A):
    w, V = np.linalg.eigh(A)
    M = np.exp(w[0]) * np.outer(V[:, 0], V[:, 0])
    for i in range(1, len(w)):
        M = M + np.exp(w[i]) * np.outer(V[:, i], V[:, i])
    return weigh(M)


def generated(A):
    def part(value, vector):
        return np.exp(value) * np.outer(vector, vector)

    w, V = np.linalg.eigh(A)
    return weigh(sum(part(w[i], V[:, i]) for i in range(3)))


def listed(A):
    w, V = np.linalg.eigh(A)
    return weigh(np.sum([np.exp(w[i]) * np.outer(V[:, i], V[:, i]) for i in range(3)], axis=0))


def written_out(A):
    w, V = np.linalg.eigh(A)
    low = np.exp(w[0]) * np.outer(V[:, 0], V[:, 0])
    middle = np.exp(w[1]) * np.outer(V[:, 1], V[:, 1])
    return weigh(low - (-middle - np.exp(w[2]) * np.outer(V[:, 2], V[:, 2])))


def slices(A):
    w, V = np.linalg.eigh(A)
    g = np.exp(w)
    return weigh((V[:, :1] * g[:1]) @ V[:, :1].T + (V[:, 1:] * g[1:]) @ V[:, 1:].T)


def weighed_slices(A):
    w, V = np.linalg.eigh(A)
    low = weigh(V[:, :1] @ np.diag(np.exp(w[:1])) @ V[:, :1].T)
    return low + weigh((V[:, 1:] * np.exp(w[1:])) @ V[:, 1:].T)


def a_filled_vector(A):
    w, V = np.linalg.eigh(A)
    d = np.empty_like(w)
    for i in range(len(w)):
        d[i] = math.exp(w[i])
    return weigh((V * d) @ V.T)


def a_vector_in_place(A):
    w, V = np.linalg.eigh(A)
    d = w.copy()
    d += 1.0
    np.exp(d, out=d)
    d *= math.exp(-1.0)
    return weigh(V @ (d[:, None] * V.T))


def vectors_in_place(A):
    w, V = np.linalg.eigh(A)
    U = V.copy()
    U *= np.exp(0.5 * w)
    U *= np.exp(0.5 * w)
    return weigh(U @ V.T)


def in_a_branch(A):
    w, V = np.linalg.eigh(A)
    if w[0] > -5.0:
        d = np.exp(w)
    else:
        d = w * w
    return weigh((V * d) @ V.T)


def of_columns_as_matrices(A):
    w, V = scipy.linalg.eigh(A)
    M = np.zeros((3, 3))
    for k in range(3):
        v = V[:, k].reshape(-1, 1)
        M = M + 2.0 * np.exp(w[k]) * (v @ v.T) - np.exp(w[k]) * np.outer(V[:, k], V[:, k])
    return weigh(M)


def of_the_vector_of_a_loop_in_a_loop(A):
    w, V = np.linalg.eigh(A)
    total = 0.0
    for k in range(2):
        M = np.zeros((3, 3))
        for i in range(3):
            M += (k + 1.0) / 3.0 * np.exp(w[i]) * np.outer(V[:, i], V[:, i])
        total += weigh(M)
    return total


SPELLINGS = [
    written_in_a_loop, added_in_a_loop, of_pairs, applied_to_a_vector, numbers, generated, slices, a_filled_vector,
    a_vector_in_place, in_a_branch,
]  # fmt: skip
MORE = [
    backwards, by_rows_of_the_transposed, from_the_second, listed, written_out, weighed_slices, vectors_in_place,
    of_the_vector_of_a_loop_in_a_loop, of_columns_as_matrices,
]  # fmt: skip
ALL = [*SPELLINGS, *(pytest.param(fn, marks=pytest.mark.slow) for fn in MORE)]


def close(found, exact, tolerance=1e-9):
    np.testing.assert_allclose(found, exact, rtol=tolerance, atol=tolerance * np.max(np.abs(exact)))


@pytest.mark.parametrize("fn", ALL, ids=lambda f: f.__name__)
def test_exact_at_all_gaps(fn):
    weights = np.outer(X, W @ X) if fn is applied_to_a_vector else W
    first, second = grad(fn), hvp(fn)
    for gap in GAPS:
        w = np.array([0.5, 0.5 + gap, 1.3])
        close(first(np.diag(w)), gradient(weights, w))
        close(second(np.diag(w), S), along(weights, w, S))


@pytest.mark.parametrize("fn", [written_in_a_loop, slices, a_filled_vector], ids=lambda f: f.__name__)
def test_all_modes(fn):
    for w in (np.full(3, 0.7), np.array([0.5, 0.5, 1.3])):
        A, exact, twice = np.diag(w), gradient(W, w), along(W, w, S)
        for found in (
            jacfwd(fn)(A),
            jacrev(fn)(A),
            vjp(fn, A)[1](1.0)[0],
            *(grad(fn, optimize=k)(A) for k in (0, 1)),
        ):
            close(found, exact)
        close(jvp(fn, (A,), (S,))[1], np.sum(exact * S))
        for found in (hessian(fn)(A), jacrev(grad(fn))(A), jacfwd(grad(fn))(A)):
            close(np.tensordot(found, S, 2), twice)


@pytest.mark.parametrize("fn", [written_in_a_loop, pytest.param(numbers, marks=pytest.mark.slow)])
def test_compiled(fn):
    of = grad(fn, jit=True)
    for gap in (0.0, 1e-10, 1e-2):
        w = np.array([0.5, 0.5 + gap, 1.3])
        close(of(np.diag(w)), gradient(W, w))


# -- what else happens to the sum ---------------------------------------------------------------------------


def written_on(A):
    w, V = np.linalg.eigh(A)
    M = A.copy()
    for i in range(3):
        M += np.exp(w[i]) * np.outer(V[:, i], V[:, i])
    other = M
    M[0, 1] = 3.0 * M[1, 1]
    return weigh(M) + np.sum(other**2)


def seen_through_a_view(A):
    w, V = np.linalg.eigh(A)
    M = np.zeros((3, 3))
    flat = M.ravel()
    for i in range(3):
        M += np.exp(w[i]) * np.outer(V[:, i], V[:, i])
    return np.sum(np.sin(flat))


def less_the_top(A):
    w, V = np.linalg.eigh(A)
    return weigh((V * w) @ V.T - w[2] * np.outer(V[:, 2], V[:, 2]))


def with_a_shared_number(A):
    w, V = np.linalg.eigh(A)
    total = np.sum(np.exp(w))
    M = np.zeros((3, 3))
    for i in range(len(w)):
        M += np.exp(w[i]) / total * np.outer(V[:, i], V[:, i])
    return weigh(M) + weigh((V * (w - np.mean(w))) @ V.T)


def two_sums(A):
    w, V = np.linalg.eigh(A)
    M, N = np.zeros((3, 3)), np.eye(3)
    for i in range(3):
        P = np.outer(V[:, i], V[:, i])
        M += np.exp(w[i]) * P
        N = N - w[i] ** 2 * P
    return weigh(M @ N)


@pytest.mark.parametrize(
    "fn", [written_on, seen_through_a_view, less_the_top, with_a_shared_number, two_sums]
)
def test_against_differences(fn):
    h, A = 1e-4, np.diag([0.5, 0.5, 1.3])
    exact = (8 * (fn(A + h * S) - fn(A - h * S)) - fn(A + 2 * h * S) + fn(A - 2 * h * S)) / (12 * h)
    close(np.sum(grad(fn)(A) * S), exact, 1e-8)
    of = grad(fn)
    close(hvp(fn)(A, S), (of(A + h * S) - of(A - h * S)) / (2 * h), 1e-5)


# -- what is no function of the matrix, or cannot be seen to be one -------------------------------------------


def another_order(A):
    w, V = np.linalg.eigh(A)
    return weigh((V * w[::-1]) @ V.T)


def cumulated(A):
    w, V = np.linalg.eigh(A)
    return weigh((V * np.cumsum(w)) @ V.T)


def sorted_again(A):
    w, V = np.linalg.eigh(A)
    return weigh((V * np.sort(w)) @ V.T)


def of_the_diagonal(A):
    w, V = np.linalg.eigh(A)
    return weigh((V * np.diag(A)) @ V.T)


def crossed(A):
    w, V = np.linalg.eigh(A)
    M = w[1] * np.outer(V[:, 0], V[:, 0]) + w[0] * np.outer(V[:, 1], V[:, 1])
    return weigh(M + w[2] * np.outer(V[:, 2], V[:, 2]))


def two_functions(A):
    w, V = np.linalg.eigh(A)
    return weigh((V[:, :1] * w[:1]) @ V[:, :1].T + (V[:, 1:] * (2.0 * w[1:] - 0.5)) @ V[:, 1:].T)


def not_all(A):
    w, V = np.linalg.eigh(A)
    M = np.zeros((3, 3))
    for i in range(1, 3):
        M += np.exp(w[i]) * np.outer(V[:, i], V[:, i])
    return weigh(M)


def each_its_power(A):
    w, V = np.linalg.eigh(A)
    M = np.zeros((3, 3))
    for i in range(3):
        M += w[i] ** (i + 1) * np.outer(V[:, i], V[:, i])
    return weigh(M)


def carried_on(A):
    w, V = np.linalg.eigh(A)
    d, total = np.zeros_like(w), 0.0
    for i in range(len(w)):
        total = total + w[i]
        d[i] = total
    return weigh((V * d) @ V.T)


def read_on_the_way(A):
    w, V = np.linalg.eigh(A)
    M, total = np.zeros((3, 3)), 0.0
    for i in range(3):
        M += np.exp(w[i]) * np.outer(V[:, i], V[:, i])
        total += np.sum(M**2)
    return total


def up_to_a_bound(A):
    w, V = np.linalg.eigh(A)
    M, i = np.zeros((3, 3)), 0
    while i < 3 and w[i] < 9.0:
        M += np.exp(w[i]) * np.outer(V[:, i], V[:, i])
        i += 1
    return weigh(M)


def of_another_matrix(A):
    w, V = np.linalg.eigh(A)
    u = np.linalg.eigvalsh(A @ A + A)
    M = np.zeros((3, 3))
    for i in range(3):
        M += u[i] * np.outer(V[:, i], V[:, i])
    return weigh(M)


def of_two_numbers(A):
    w, V = np.linalg.eigh(A)
    total = 0.0
    for i in range(3):
        for j in range(3):
            total += (V[:, i] @ W @ V[:, j]) ** 2 * np.exp(w[i] + w[j])
    return total


UNSEEN = [
    another_order, cumulated, sorted_again, of_the_diagonal, crossed, two_functions, not_all, each_its_power, carried_on,
    read_on_the_way, up_to_a_bound, of_another_matrix, of_two_numbers,
]  # fmt: skip


@pytest.mark.parametrize("fn", UNSEEN, ids=lambda f: f.__name__)
def test_nan_at_ties_and_right_elsewhere(fn):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.any(np.isnan(grad(fn)(np.diag([0.5, 0.5, 1.3]))))
    h, A = 1e-4, np.diag([0.5, 0.9, 1.3]) + 0.05 * S
    exact = (8 * (fn(A + h * S) - fn(A - h * S)) - fn(A + 2 * h * S) + fn(A - 2 * h * S)) / (12 * h)
    close(np.sum(grad(fn)(A) * S), exact, 1e-8)


def of_some(A, start, stop):
    w, V = np.linalg.eigh(A)
    M = np.zeros_like(A)
    for i in range(start, stop):
        M += np.exp(w[i]) * np.outer(V[:, i], V[:, i])
    return weigh(M)


def test_loops_of_no_and_of_other_turns():
    A = np.diag([0.5, 0.9, 1.3])
    for start, stop in ((0, 0), (0, -2), (2, 1), (0, 1), (-1, 2), (0, 3)):
        h = 1e-4
        exact = (of_some(A + h * S, start, stop) - of_some(A - h * S, start, stop)) / (2 * h)
        close(np.sum(grad(of_some)(A, start, stop) * S), exact, 1e-6)


def rebuilt_by_a_loop(A):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    M = np.zeros_like(A)
    for k in range(len(s)):
        M += s[k] ** 3 * np.outer(U[:, k], Vt[k])
    return weigh(M)


def test_singular_vectors():
    Q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    for A in (1.3 * Q, Q * [1.3, 1.3, 0.4], Q * [1.7, 1.3, 0.4]):
        found, again = grad(rebuilt_by_a_loop)(A), np.zeros((3, 3))
        again = W @ A.T @ A + A @ W.T @ A + A @ A.T @ W  # of sum(W * (A @ A.T @ A))
        close(found, again)
        second = W @ S.T @ A + W @ A.T @ S + S @ W.T @ A + A @ W.T @ S + S @ A.T @ W + A @ S.T @ W
        close(hvp(rebuilt_by_a_loop)(A, S), second)
