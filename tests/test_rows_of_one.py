"""Second derivatives of what joins a matrix of one row, or a stack of one matrix, to an array of fewer axes."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import grad, hvp


def divided_in_place(R, y):
    R /= y
    return np.mean(R)


def cubed_quotient(R, y):
    return np.sum((R / y) ** 3)


def filled(R, y):
    S = np.zeros_like(R)
    S += y
    S *= R
    return np.sum(S * S)


def assigned(R, y):
    S = R * y
    S[-1] = 0.5 * R[0]
    return np.sum(S * S * y)


def averaged(R, y):
    return np.sum(np.mean(R * y, axis=0) / (2.0 + y))


def powers(R, y):
    return np.sum(np.abs(R) ** (1.0 + y * y))


def larger(R, y):
    return np.sum(np.maximum(R, y) * R / (3.0 + y))


def in_a_loop(R, y):
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
    R, y = (rng.uniform(0.3, 1.2, shape) for shape in shapes)
    along = tuple(rng.normal(size=shape) for shape in shapes)
    if f is in_a_loop and y.shape[-1] < 2:
        pytest.skip("reads two elements")
    first = grad(f, wrt=(0, 1))

    def component(R, y):
        a = first(R, y)
        return np.sum(a[0] * along[0]) + np.sum(a[1] * along[1])

    def directed(h):
        dR, dy = first(R + h * along[0], y + h * along[1])
        return np.sum(dR * along[0]) + np.sum(dy * along[1])

    forward = hvp(f, wrt=(0, 1))(R.copy(), y.copy(), along)
    for optimize in (0, 2):
        reverse = grad(component, wrt=(0, 1), optimize=optimize)(R.copy(), y.copy())
        for a, b in zip(forward, reverse, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    near = sum(np.sum(a * b) for a, b in zip(forward, along, strict=True))
    assert near == pytest.approx((directed(1e-5) - directed(-1e-5)) / 2e-5, rel=1e-5, abs=1e-6)
