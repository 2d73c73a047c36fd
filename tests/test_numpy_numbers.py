"""A NumPy number in the primal, Python's own in the adjoint: what NumPy divides by zero with a warning, or did not take,
raises nothing in the derivative, and the value and the exception of the primal are those of `value_and_grad`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from s2sad import grad, hessian, jacfwd, jvp, value_and_grad


def sinc_or_one(x: Any) -> Any:
    return np.where(x == 0.0, 1.0, np.sin(x) / x)


def one_or_sinc(x: Any) -> Any:
    return np.where(x != 0.0, np.sin(x) / x, 1.0)


def capped_ratio(x: Any, y: Any) -> Any:
    return np.minimum(np.exp(x) / y, 5.0)


def ratio_capped(x: Any, y: Any) -> Any:
    return np.minimum(5.0, np.cosh(x) / y)


def leaves_early(x: Any) -> Any:
    r = np.exp(x) / x
    if np.isinf(r):
        return 2.0 * x
    return r * r


def mean_unless_empty(a: Any) -> Any:
    m = np.sum(a) / len(a)
    if np.isnan(m):
        return 0.0
    return m * m


def sum_over_number(a: Any, y: Any) -> Any:
    t = np.sum(a) / y
    return 3.0 * y if np.isnan(t) or np.isinf(t) else t


def joined_numbers(a: Any, k: Any) -> Any:
    """The divisor is Python's where the loop runs no turn."""
    s = 0.0
    for i in range(k):
        s = s + a[i]
    t = a[0] / s
    return np.minimum(t, 7.0)


def chosen_numbers(a: Any, flag: Any) -> Any:
    s = np.max(a) if flag else 0.0
    return np.minimum(np.sum(a) / s, 7.0)


def helper_ratio(p: Any, q: Any) -> Any:
    return p / q


def through_helper(a: Any, y: Any) -> Any:
    return np.minimum(helper_ratio(np.sum(a), y), 5.0)


def through_closure(x: Any) -> Any:
    e = np.exp(x)

    def over(q: Any) -> Any:
        return e / q

    return np.fmin(over(x), 5.0)


def in_loop(a: Any, y: Any) -> Any:
    total = 0.0
    for v in a:
        total += np.minimum(v / y, 2.0)
    return total


def array_over_number(a: Any, y: Any) -> Any:
    return np.sum(np.minimum(a / y, 2.0))


def remainder(x: Any, y: Any) -> Any:
    return np.where(y == 0.0, x, np.sin(x) % y)


def power_of_minus_one(x: Any) -> Any:
    return np.minimum(np.power(x, -1.0), 5.0)


def angle_at_zero(x: Any) -> Any:
    return x + np.angle(complex(x, 0.0))


def divided_array_of_divided(x: Any, y: Any) -> Any:
    return np.minimum(np.exp(x) / (np.exp(x) / y), 5.0) + np.maximum(-1.0, -np.exp(x) / y)


def mean_of_rows(A: Any) -> Any:
    m = np.mean(A, axis=0)
    return np.sum(np.where(np.isnan(m), 0.0, m))


def mean_times(a: Any, y: Any) -> Any:
    m = np.mean(a)
    return y if np.isnan(m) else m * y


def sum_over_other_length(a: Any, b: Any) -> Any:
    return np.minimum(np.sum(a) / len(b), 5.0)


HARMLESS: list[tuple[Callable[..., Any], tuple[Any, ...], tuple[Any, ...]]] = [
    (sinc_or_one, (0.0,), (0.0,)),
    (one_or_sinc, (0.0,), (0.0,)),
    (sinc_or_one, (0.5,), ((0.5 * math.cos(0.5) - math.sin(0.5)) / 0.25,)),
    (capped_ratio, (0.3, 0.0), (0.0, 0.0)),
    (ratio_capped, (0.3, 0.0), (0.0, 0.0)),
    (leaves_early, (0.0,), (2.0,)),
    (mean_unless_empty, (np.zeros(0),), (np.zeros(0),)),
    (mean_unless_empty, (np.ones(2),), (np.ones(2),)),
    (mean_of_rows, (np.zeros((0, 2)),), (np.zeros((0, 2)),)),
    (mean_of_rows, (np.zeros((2, 0)),), (np.zeros((2, 0)),)),
    (mean_times, (np.zeros(0), 2.0), (np.zeros(0), 1.0)),
    (sum_over_other_length, (np.ones(2), np.zeros(0)), (np.zeros(2), np.zeros(0))),
    (sum_over_number, (np.zeros(2), 0.0), (np.zeros(2), 3.0)),
    (sum_over_number, (np.ones(2), 0.0), (np.zeros(2), 3.0)),
    (joined_numbers, (np.array([2.0, 3.0]), 0), (np.zeros(2),)),
    (joined_numbers, (np.array([2.0, 3.0]), 2), (np.array([0.12, -0.08]),)),
    (chosen_numbers, (np.array([2.0, 3.0]), False), (np.zeros(2),)),
    (through_helper, (np.ones(2), 0.0), (np.zeros(2), 0.0)),
    (through_closure, (0.0,), (0.0,)),
    (in_loop, (np.ones(2), 0.0), (np.zeros(2), 0.0)),
    (array_over_number, (np.ones(2), 0.0), (np.zeros(2), 0.0)),
    (remainder, (0.3, 0.0), (1.0, 0.0)),
    (power_of_minus_one, (0.0,), (0.0,)),
    (angle_at_zero, (0.0,), (1.0,)),
]
NAMES = [f"{f.__name__}-{k}" for k, (f, *_) in enumerate(HARMLESS)]


def differentiated(args: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(i for i, a in enumerate(args) if not isinstance(a, (int, bool)))


def outcome(fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, bool]:
    """What a call gives, and whether it warns."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return fn(*args), bool(caught)


@pytest.mark.parametrize(("fn", "args", "expected"), HARMLESS, ids=NAMES)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_what_was_not_taken_raises_nothing(
    fn: Any, args: tuple[Any, ...], expected: tuple[Any, ...], level: int
) -> None:
    value, warned = outcome(fn, args)
    wrt = differentiated(args)
    for derivative in (grad, value_and_grad):
        try:
            found, warned_too = outcome(derivative(fn, wrt=wrt, optimize=level), args)
        except ZeroDivisionError:  # only where Python's numbers divide in the primal
            pytest.fail("the primal does not raise")
        assert warned or not warned_too
        if derivative is value_and_grad:
            assert found[0] == value
            found = found[1]
        for f, e in zip(found, expected, strict=True):
            np.testing.assert_allclose(f, e, rtol=1e-12)


@pytest.mark.parametrize(("fn", "args", "expected"), HARMLESS, ids=NAMES)
def test_forward_and_second_order_raise_nothing(
    fn: Any, args: tuple[Any, ...], expected: tuple[Any, ...]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in differentiated(args):
            along: list[Any] = [None] * len(args)
            along[i] = np.ones_like(args[i]) if isinstance(args[i], np.ndarray) else 1.0
            value, tangent = jvp(fn, args, tuple(along))
            assert value == fn(*args)
            np.testing.assert_allclose(tangent, np.sum(expected[i]), rtol=1e-12)
            np.testing.assert_allclose(jacfwd(fn, wrt=i)(*args), expected[i], rtol=1e-12)
            hessian(fn, wrt=i)(*args)


def python_numbers(x: float, y: float) -> float:
    return min(math.exp(x) / y, 5.0)


def overflowing(x: float) -> float:
    return math.exp(x) + 1.0


def outside(x: float) -> float:
    return math.log(x) if x < 1.0 else x


@pytest.mark.parametrize(
    ("fn", "args"), [(python_numbers, (0.3, 0.0)), (overflowing, (1000.0,)), (outside, (-1.0,))]
)
def test_the_exceptions_of_the_primal_are_those_of_the_value(fn: Any, args: tuple[Any, ...]) -> None:
    with pytest.raises((ZeroDivisionError, OverflowError, ValueError)) as primal:
        fn(*args)
    with pytest.raises(type(primal.value)):
        value_and_grad(fn)(*args)


def many(x: float, a: np.ndarray, b: np.ndarray) -> float:
    """All of the scalar ones, for one compilation."""
    total = sinc_or_one(x) + one_or_sinc(x) + capped_ratio(a[0], x) + ratio_capped(a[1], x)
    total += through_helper(a, x) + through_closure(x) + array_over_number(b, x) + in_loop(b, x)
    return total + remainder(a[0], x) + power_of_minus_one(x)


def test_compiled() -> None:
    args = (0.0, np.array([0.3, 0.7]), np.ones(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = grad(many, wrt=(0, 1, 2))(*args)
    compiled = grad(many, wrt=(0, 1, 2), jit=True)(*args)
    for f, e in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-12)
    assert plain[0] == 0.0
    np.testing.assert_array_equal(plain[1], [1.0, 0.0])
