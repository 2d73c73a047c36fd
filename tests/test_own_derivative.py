"""Functions that call their own derivative: right where that ends by constants, else refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from s2sad import S2sadError, grad, hessian, hvp, jacfwd, jacrev, jvp, value_and_grad, vjp


def direct(x):
    return x * x + grad_direct(x)


grad_direct = grad(direct)


def guarded(x, n):
    if n == 0:
        return x * x
    return x * grad_guarded(x, n - 1)


grad_guarded = grad(guarded)


def in_a_loop(x, n):
    s = x * x
    for _ in range(n):
        s += grad_in_a_loop(x, n - 1)
    return s


grad_in_a_loop = grad(in_a_loop)


def through_a_helper(x, n):
    return helper(x, n) * x


def helper(x, n):
    if n == 0:
        return x
    return x * grad_through_a_helper(x, n - 1)


grad_through_a_helper = grad(through_a_helper)


def first(x, n):
    return x * x if n == 0 else x * grad_second(x, n - 1)


def second(x, n):
    return x**3 if n == 0 else x * grad_first(x, n - 1)


grad_first, grad_second = grad(first), grad(second)


def value_too(x):
    value, slope = both(x)
    return value + slope


both = value_and_grad(value_too)


def growing(x, n):
    return x * grad_growing(x, n + 1)


grad_growing = grad(growing)


def of_an_array(x):
    return np.sum(x * grad_of_an_array(x))


grad_of_an_array = grad(of_an_array)


def recursive(x, n):
    if n <= 0:
        return x
    return recursive(x, n - 1) * grad_recursive(x, n - 1)


grad_recursive = grad(recursive)


def curvature(x):
    return x**3 + hessian_of_curvature(x)


hessian_of_curvature = hessian(curvature)


def made_inside(x):
    return x * grad(made_inside)(x)


CALLS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "direct": (direct, (1.5,)), "guarded": (guarded, (1.5, 2)), "in a loop": (in_a_loop, (1.5, 2)),
    "through a helper": (through_a_helper, (1.5, 2)), "mutual": (first, (1.5, 2)), "value too": (value_too, (1.5,)),
    "growing": (lambda x: growing(x, 0), (1.5,)), "of an array": (of_an_array, (np.ones(2),)),
    "recursive": (recursive, (1.5, 2)), "hessian": (curvature, (1.5,)), "made inside": (made_inside, (1.5,)),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_function_that_calls_its_own_derivative_is_refused(name: str) -> None:
    f, args = CALLS[name]
    kinds: list[Callable[[], Any]] = [
        lambda: grad(f)(*args), lambda: value_and_grad(f)(*args), lambda: jacfwd(f)(*args), lambda: jacrev(f)(*args),
        lambda: vjp(f, *args), lambda: jvp(f, args, (args[0], *[None] * (len(args) - 1))), lambda: hessian(f)(*args),
        lambda: hvp(f)(*args, args[0]), lambda: grad(grad(f))(*args), lambda: grad(f, jit=True)(*args),
    ]  # fmt: skip
    for made in kinds:
        with pytest.raises(
            S2sadError, match=r"(?s)test_own_derivative.py:\d+.*(own derivative|calls it again)"
        ):
            made()


def staged(x, order):
    if order == "none":
        return math.sin(x) * x
    return x * grad_staged(x, "none" if order == "first" else "first")


grad_staged = grad(staged)


def counted(x):
    return guarded(x, 2)


def test_recursion_that_ends_by_constants_is_right() -> None:
    x, e = 0.7, 1e-6

    def slope(f: Callable[[float], float]) -> float:
        return (f(x + e) - f(x - e)) / (2 * e)

    once = grad(lambda y: staged(y, "first"))(x)
    assert once == pytest.approx(slope(lambda y: y * (math.cos(y) * y + math.sin(y))), rel=1e-7)
    twice = value_and_grad(lambda y: staged(y, "second"))(x)
    assert twice[0] == pytest.approx(x * once) and twice[1] == pytest.approx(
        slope(lambda y: y * grad_staged(y, "first")), rel=1e-6
    )
    # guarded(x, 1) is 2 x**2, guarded(x, 2) is x times its slope, 4 x**2
    assert value_and_grad(counted)(x) == pytest.approx((4.0 * x * x, 8.0 * x))
