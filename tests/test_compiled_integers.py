"""Python's integers have no bounds, those of compiled code 64 bits: what would wrap around raises; what counts and indexes is not
tested, and loops stay as they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from s2sad import grad, value_and_grad


def factorial(x: float, n: int) -> float:
    p = 1
    for i in range(1, n + 1):
        p *= i
    return x * p


def fibonacci(x: float, n: int) -> float:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return x * a


def squared(x: float, n: int) -> float:
    return x * (n * n)


def summed(x: float, ks: np.ndarray) -> float:
    s = 0
    for k in ks:
        s += int(k)
    return x * s


def less(x: float, n: int, m: int) -> float:
    return x * (n - m)


def of_list(x: float, n: int) -> float:
    return x * sum([n, n, n])


def cubed(x: float, n: int) -> float:
    return x * math.prod([n, n, n])


FITS = [(factorial, (10,)), (fibonacci, (30,)), (squared, (-5,)), (summed, (np.array([3, -4]),)), (less, (2**62, 5)),
        (of_list, (2**60,)), (cubed, (-(2**20),))]  # fmt: skip
BEYOND = [(factorial, (25,)), (fibonacci, (120,)), (squared, (2**40,)), (summed, (np.array([2**62, 2**62]),)),
          (less, (2**62, -(2**62))), (of_list, (-(2**62),)), (cubed, (2**30,))]  # fmt: skip
EACH = [
    pytest.param(k, marks=() if k in (0, 2, 4) else pytest.mark.slow, id=FITS[k][0].__name__)
    for k in range(len(FITS))
]


@pytest.mark.jit
@pytest.mark.parametrize("k", EACH)
def test_right_or_an_error(k: int) -> None:
    compiled: Callable[..., Any] = value_and_grad(FITS[k][0], jit=True)
    fn, args = FITS[k]
    assert compiled(0.5, *args) == pytest.approx(value_and_grad(fn)(0.5, *args), rel=1e-15)
    fn, args = BEYOND[k]
    with pytest.raises(OverflowError):
        compiled(0.5, *args)
    assert value_and_grad(fn)(0.5, *args)[0] == fn(0.5, *args)


def counting(x: np.ndarray, n: int) -> float:
    s, count, total = 0.0, 0, 0
    for i in range(n):
        for j in range(n):
            s += x[i * n + j] * (i * j + 1) * (2 * i + 1)
            count += 1
        total += 3 * i + n % 5
    return s / count + total + x[n * n - 1]


@pytest.mark.jit
def test_what_counts_is_not_tested() -> None:
    x = np.ones(9)
    made = value_and_grad(counting, jit=True)
    assert "_of_integers" not in made.lower(x, 3).source
    np.testing.assert_allclose(made(x, 3)[1], grad(counting)(x, 3), rtol=1e-14)
