"""Products of stacks with a matrix, Einstein sums and tensor products whose adjoints are one product of matrices."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from s2sad import grad, jacfwd, switches
from s2sad.errors import S2sadError
from tests.checks import check_function

RNG = np.random.default_rng(5)


def normal(*shape):
    return RNG.normal(size=shape)


def stack_times_matrix(X, W):
    return np.sum(np.tanh(X @ W))


def stack_times_transposed(X, W):
    return np.sum((X @ W.T) ** 2)


def stack_times_vector(X, v):
    return np.sum(np.sin(X @ v))


def vector_times_stack(v, X):
    return np.sum(np.sin(v @ X))


def by_einsum(X, W):
    return np.sum(np.einsum("bij,jk->bik", X, W) ** 3)


def by_einsum_turned(X, W):
    """Neither operand's own order, and a result in another."""
    return np.sum(np.einsum("jbi,kj->kbi", X, W) ** 2)


def by_einsum_of_two_labels(X, Y):
    return np.sum(np.einsum("ija,jib->ab", X, Y) ** 2)


def attention(Q, K):
    return np.sum(np.einsum("bhqd,bhkd->bhqk", Q, K) ** 2)


def attention_turned(Q, K):
    return np.sum(np.einsum("bqhd,bkhd->bhqk", Q, K) ** 2 * 0.5)


def by_tensordot(X, W):
    return np.sum(np.tensordot(X, W, axes=([1, 2], [1, 0])) ** 2)


def by_tensordot_of_one(X, W):
    return np.sum(np.tensordot(X, W, axes=1) ** 2)


def repeated_label(X, W):
    return np.sum(np.einsum("bii,ik->bk", X, W) ** 2)


def spread_label(X, W):
    """np.einsum repeats an axis of size 1."""
    return np.sum(np.einsum("bij,jk->bik", X, W) ** 2)


PROGRAMS = (
    (stack_times_matrix, (normal(2, 3, 4), normal(4, 5))),
    (stack_times_matrix, (normal(2, 3, 2, 4), normal(4, 2))),
    (stack_times_matrix, (normal(1, 1, 1), normal(1, 1))),
    (stack_times_transposed, (normal(2, 3, 4), normal(5, 4))),
    (stack_times_vector, (normal(2, 3, 4), normal(4))),
    (stack_times_vector, (normal(2, 1, 3, 4), normal(4))),
    (vector_times_stack, (normal(3), normal(2, 3, 4))),
    (vector_times_stack, (normal(3), normal(2, 1, 3, 4))),
    (by_einsum, (normal(2, 3, 4), normal(4, 5))),
    (by_einsum_turned, (normal(4, 2, 3), normal(5, 4))),
    (by_einsum_of_two_labels, (normal(2, 3, 4), normal(3, 2, 5))),
    (attention, (normal(2, 2, 3, 4), normal(2, 2, 5, 4))),
    (attention_turned, (normal(2, 3, 2, 4), normal(2, 5, 2, 4))),
    (by_tensordot, (normal(2, 3, 4), normal(4, 3, 5))),
    (by_tensordot_of_one, (normal(2, 3, 4), normal(4, 5))),
    (repeated_label, (normal(2, 3, 3), normal(3, 4))),
    (spread_label, (normal(2, 3, 1), normal(4, 2))),
)  # fmt: skip
NAMES = [f"{fn.__name__}-{'x'.join(map(str, args[0].shape))}" for fn, args in PROGRAMS]


@pytest.mark.parametrize(("fn", "args"), PROGRAMS, ids=NAMES)
def test_product(fn, args):
    some = fn in (by_einsum_turned, attention_turned, vector_times_stack)
    report = check_function(fn, args, (0, 1), require_differences=True, modes=some, levels=(2,))
    assert report.ok, "\n".join(map(str, report.problems))


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize(("fn", "args"), PROGRAMS, ids=NAMES)
def test_product_compiled(fn, args):
    compiled_alike(fn, args)


@pytest.mark.parametrize(("fn", "args"), (PROGRAMS[10], PROGRAMS[13]), ids=(NAMES[10], NAMES[13]))
def test_sample_compiled(fn, args):
    compiled_alike(fn, args)


def compiled_alike(fn, args):
    for dtype in (np.float64, np.float32):
        given = [a.astype(dtype) for a in args]
        found, wanted = grad(fn, wrt=(0, 1), jit=True)(*given), grad(fn, wrt=(0, 1))(*given)
        for a, b in zip(found, wanted, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(
                a, b, rtol=1e-11 if dtype is np.float64 else 1e-4, atol=1e-5 * (dtype is np.float32)
            )


@pytest.mark.parametrize("jit", (False, pytest.param(True, marks=pytest.mark.slow)))
@pytest.mark.parametrize(
    "shapes", (((0, 3, 4), (4, 5)), ((2, 0, 4), (4, 5)), ((2, 3, 0), (0, 5)), ((2, 3, 4), (4, 0)))
)
def test_without_elements(shapes, jit):
    args = [np.ones(s) for s in shapes]
    for fn in (stack_times_matrix, by_einsum, by_tensordot_of_one):
        for d, a in zip(grad(fn, wrt=(0, 1), jit=jit)(*args), args, strict=True):
            assert d.shape == a.shape and not d.any()


@pytest.mark.parametrize("jit", (False, pytest.param(True, marks=pytest.mark.slow)))
def test_sizes_that_do_not_fit(jit):
    for fn in (by_einsum, by_tensordot_of_one):
        with pytest.raises((ValueError, S2sadError)):
            grad(fn, wrt=(0, 1), jit=jit)(np.ones((2, 3, 4)), np.ones((5, 2)))


def test_no_stack_of_gradients_is_made():
    """Of a thousand small matrices the gradient for W would be a thousand of W's size."""
    X, W = normal(1000, 2, 50), normal(50, 50)
    g = grad(stack_times_matrix, wrt=1)
    g(X, W)
    tracemalloc.start()
    g(X, W)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1000 * W.nbytes / 4


def test_complex():
    def fn(x, W):
        Z = (x * (1 + 2j))[None, None] * np.ones((2, 3, 1))
        return np.sum(np.abs(np.einsum("bij,jk->bik", Z, W * (1 - 1j))) ** 2)

    report = check_function(fn, (normal(4), normal(4, 2)), (0, 1), require_differences=True, levels=(2,))
    assert report.ok, "\n".join(map(str, report.problems))


def test_without_the_change():
    X, W = normal(2, 3, 4), normal(4, 5)
    with switches.without("whole_products"):
        wanted = jacfwd(by_einsum, wrt=1)(X, W)
    np.testing.assert_allclose(jacfwd(by_einsum, wrt=1)(X, W), wanted, rtol=1e-12)
