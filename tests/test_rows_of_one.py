"""Second derivatives of what joins a matrix of one row, or a stack of one matrix, to part of an array of fewer axes, whose
sizes only the call shows."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import grad, hvp


def divided_in_place(R, w):
    y = w[..., :-1]
    R /= y
    return np.mean(R)


def cubed_quotient(R, w):
    y = w[..., :-1]
    return np.sum((R / y) ** 3)


def filled(R, w):
    y = w[..., :-1]
    S = np.zeros_like(R)
    S += y
    S *= R
    return np.sum(S * S)


def assigned(R, w):
    y = w[..., :-1]
    S = R * y
    S[-1] = 0.5 * R[0]
    return np.sum(S * S * y)


def averaged(R, w):
    y = w[..., :-1]
    return np.sum(np.mean(R * y, axis=0) / (2.0 + y))


def powers(R, w):
    y = w[..., :-1]
    return np.sum(np.abs(R) ** (1.0 + y * y))


def larger(R, w):
    y = w[..., :-1]
    return np.sum(np.maximum(R, y) * R / (3.0 + y))


def in_a_loop(R, w):
    y = w[..., :-1]
    s = 0.0
    for k in range(2):
        R = R / (1.0 + y * y)
        s += np.sum(R * R) * np.sum(y[..., k])
    return s


SHAPES = [((1, 4), (4,)), ((3, 4), (4,)), ((1, 2, 4), (4,)), ((1, 2, 4), (2, 4)), ((3, 1, 4), (4,)), ((1, 1), (1,)),
          ((3, 4), (1, 4)), ((3, 4), (3, 1)), ((1, 4), (1, 4)), ((4, 1), (1,)), ((1, 1, 4), (1, 4))]  # fmt: skip


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize(
    "f", [divided_in_place, cubed_quotient, filled, assigned, averaged, powers, larger, in_a_loop]
)
def test_second_derivatives(f, shapes):
    rng = np.random.default_rng(3)
    sizes = shapes[0], (*shapes[1][:-1], shapes[1][-1] + 1)
    R, w = (rng.uniform(0.3, 1.2, shape) for shape in sizes)
    along = tuple(rng.normal(size=shape) for shape in sizes)
    if f is in_a_loop and w.shape[-1] < 3:
        pytest.skip("reads two elements")
    first = grad(f, wrt=(0, 1))

    def component(R, w):
        a = first(R, w)
        return np.sum(a[0] * along[0]) + np.sum(a[1] * along[1])

    def directed(h):
        dR, dw = first(R + h * along[0], w + h * along[1])
        return np.sum(dR * along[0]) + np.sum(dw * along[1])

    forward = hvp(f, wrt=(0, 1))(R.copy(), w.copy(), along)
    for optimize in (0, 2):
        reverse = grad(component, wrt=(0, 1), optimize=optimize)(R.copy(), w.copy())
        for a, b in zip(forward, reverse, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    near = sum(np.sum(a * b) for a, b in zip(forward, along, strict=True))
    assert near == pytest.approx((directed(1e-5) - directed(-1e-5)) / 2e-5, rel=1e-5, abs=1e-6)
