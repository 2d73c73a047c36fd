"""Decorated functions and functions made of functions: applied as Python applies them, or refused."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from s2sad import S2sadError, grad, hessian, jacfwd, jacrev, jvp, value_and_grad, vjp


def twice(h):
    def inner(y):
        return 2.0 * h(y)

    return inner


def scaled(k):
    def decorate(h):
        @functools.wraps(h)
        def inner(*args, **kwargs):
            return k * h(*args, **kwargs)

        return inner

    return decorate


def recorded(results):
    def decorate(h):
        def inner(y):
            value = h(y)
            results.append(value)
            return value

        return inner

    return decorate


def one(x):
    @twice
    def g(y):
        return y * y

    return g(x)


def stacked(x):
    @scaled(3.0)
    @twice
    def g(y):
        return y**3

    return g(x) + math.sin(g(2.0 * x))


def keywords_and_defaults(x):
    @scaled(x)
    def g(y, n=2, *, c=1.0):
        return c * y**n

    return g(x) + g(x, n=3) + g(y=x, c=x)


def in_a_loop(x):
    total = 0.0
    for i in range(3):

        @scaled(i + 1.0)
        def g(y):
            return y * y

        total += g(x)
    return total


def in_a_branch(x):
    if x > 0.0:

        @twice
        def g(y):
            return y * y

        return g(x)
    return x


def calls_itself(x):
    @scaled(3.0)
    def power(n):
        return x if n <= 0 else x * power(n - 1)

    return power(2)


def called_before_it_is_made(x):
    def first(y):
        return second(y) * y

    @twice
    def second(y):
        return y * y

    return first(x)


def captures_and_writes(x):
    seen = []

    @recorded(seen)
    def g(y):
        return y * y

    g(x)
    g(2.0 * x)
    return seen[0] + 3.0 * seen[1]


def made_of_a_number(x):
    def five(h):
        return 5.0

    @five
    def g(y):
        return y

    return g * x


def partial_of_a_decorator(x):
    @functools.partial(scaled, 4.0)()
    def g(y):
        return y * y

    return g(x)


def derivative(x):
    @grad
    def g(y):
        return y * y * x

    return g(x)


def derivative_by_the_second(x):
    @grad(wrt=1)
    def g(a, b):
        return a * b * b

    return g(x, x)


def derivative_of_a_derivative(x):
    @grad
    @grad
    def g(y):
        return y**3 * x

    return g(x)


def value_and_derivative(x):
    @value_and_grad
    def g(y):
        return math.sin(y) * x

    value, slope = g(x)
    return value * slope


def derivative_that_is_decorated(x):
    @scaled(3.0)
    @grad
    def g(y):
        return y * y

    return g(x)


def derivative_in_a_loop(x):
    total = 0.0
    for i in range(3):

        @grad
        def g(y):
            return y**3 * i

        total += g(x)
    return total


def cached_recursion(x):
    @functools.lru_cache(maxsize=None)
    def fib(n):
        return x if n < 2 else fib(n - 1) + fib(n - 2)

    return fib(6) * x


def cached_with_a_table(x):
    table = [x, x * x, x**3]

    @functools.cache
    def best(i):
        return table[i] * (best(i - 1) if i else 1.0)

    return best(2)


PROGRAMS = [
    one, stacked, keywords_and_defaults, in_a_loop, in_a_branch, calls_itself, called_before_it_is_made,
    captures_and_writes, made_of_a_number, partial_of_a_decorator, derivative, derivative_by_the_second,
    derivative_of_a_derivative, value_and_derivative, derivative_that_is_decorated, derivative_in_a_loop,
    cached_recursion, cached_with_a_table,
]  # fmt: skip


def close(a: Any, b: Any) -> None:
    assert a == pytest.approx(b, rel=1e-7)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_nested_functions_are_what_their_decorators_make(f: Callable[[float], float]) -> None:
    x, e = 0.7, 1e-6
    value, slope = f(x), (f(x + e) - f(x - e)) / (2 * e)
    for level in (0, 1, 2):
        found = value_and_grad(f, optimize=level)(x)
        close(found, (value, slope))
    close(jvp(f, (x,), (1.0,)), (value, slope))
    close(vjp(f, x)[1](1.0)[0], slope)
    close(jacfwd(f)(x), slope)
    close(jacrev(f)(x), slope)
    second = (grad(f)(x + e) - grad(f)(x - e)) / (2 * e)
    assert hessian(f)(x) == pytest.approx(second, rel=1e-6, abs=1e-6)
    assert grad(grad(f))(x) == pytest.approx(second, rel=1e-6, abs=1e-6)


@pytest.mark.jit
@pytest.mark.parametrize("f", [stacked, derivative, cached_recursion], ids=lambda f: f.__name__)
def test_compiled(f: Callable[[float], float]) -> None:
    close(value_and_grad(f, jit=True)(0.7), value_and_grad(f)(0.7))


def rebound(x):
    k = 2.0

    @twice
    def g(y):
        return k * y

    k = 3.0
    return g(x)


def cached_array(x):
    @functools.cache
    def g(n):
        return np.full(n, x)

    return g(3)[0]


def cached_list(x):
    @functools.lru_cache
    def g(n):
        return [x, n]

    return g(3)[0]


def cached_of_an_array(x):
    @functools.cache
    def g(a):
        return a[0]

    return g(np.array([x, x]))


def cached_and_counted(x):
    calls = []

    @functools.cache
    def g(y):
        calls.append(y)
        return y * y

    return g(x) + g(x) + len(calls)


def itself_in_a_branch(x):
    if x > 0.0:

        @scaled(3.0)
        def power(n):
            return x if n <= 0 else x * power(n - 1)

        return power(2)
    return x


def not_a_decorator(x):
    @math.sin
    def g(y):
        return y

    return g(x)


def chosen_at_run_time(x):
    if x > 0.0:

        @twice
        def g(y):
            return y * y
    else:

        @scaled(3.0)
        def g(y):
            return y * y

    return g(x)


REFUSED = [
    rebound, cached_array, cached_list, cached_of_an_array, cached_and_counted, itself_in_a_branch, not_a_decorator,
    chosen_at_run_time,
]  # fmt: skip


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_what_cannot_be_applied_is_refused(f: Callable[[float], float]) -> None:
    with pytest.raises(S2sadError, match=r"test_decorators.py:\d+"):
        grad(f)(0.7)


# -- decorators outside, and what functools makes ----------------------------------------------------------


@twice
def doubled(y):
    return y * y


@scaled(3.0)
@scaled(2.0)
def wrapped(y, n=2, *, c=1.0):
    return c * y**n


@functools.lru_cache(maxsize=16)
def remembered(n, y):
    return y if n == 0 else y * remembered(n - 1, y)


@functools.singledispatch
def area(shape, x):
    return x


@area.register
def _(shape: float, x):
    return shape * x * x


@area.register(int)
def _(shape, x):
    return shape * x


@area.register
def _(shape: np.ndarray, x):
    return np.sum(shape) * x**3


@area.register
def _(shape: tuple, x):
    return area(shape[0], x) + shape[1] * x


@dataclass
class Model:
    k: float

    @staticmethod
    def static(y):
        return 2.0 * y

    @classmethod
    def named(cls, y):
        return 3.0 * y

    @scaled(5.0)
    def method(self, y):
        return self.k * y * y

    def power(self, n, y):
        return self.k * y**n

    cube = functools.partialmethod(power, 3)
    square = functools.partialmethod(power, n=2)


def use_doubled(x):
    return doubled(x) * x


def use_wrapped(x):
    return wrapped(x) + wrapped(x, n=3) + wrapped(y=x, c=x)


def use_remembered(x):
    return remembered(2, x) + remembered(0, x)


def use_area(x):
    return area(2, x) + area(2.5, x) + area(np.array([1.0, 2.0]), x) + area((2.0, 3.0), x) + area("text", x)


def use_methods(x):
    model = Model(2.0)
    return (
        model.static(x)
        + model.named(x)
        + model.method(x)
        + model.cube(x)
        + model.square(y=x)
        + Model.static(x)
    )


OUTSIDE = [use_doubled, use_wrapped, use_remembered, use_area, use_methods]


@pytest.mark.parametrize("f", OUTSIDE, ids=lambda f: f.__name__)
def test_functions_decorated_outside(f: Callable[[float], float]) -> None:
    x, e = 0.7, 1e-6
    value, slope = f(x), (f(x + e) - f(x - e)) / (2 * e)
    close(value_and_grad(f)(x), (value, slope))
    close(jvp(f, (x,), (1.0,)), (value, slope))
    close(grad(grad(f))(x), hessian(f)(x))


def test_a_wrapper_is_differentiated_itself() -> None:
    close(grad(lambda x: wrapped(x))(0.7), 6.0 * 2 * 0.7)
    assert grad(wrapped, wrt="args")(0.7) == (pytest.approx(6.0 * 2 * 0.7),)
    assert grad(wrapped, wrt="args")(0.7, c=3.0) == (pytest.approx(18.0 * 2 * 0.7),)
    close(jvp(wrapped, (0.7,), (1.0,))[1], 6.0 * 2 * 0.7)
    close(grad(doubled)(0.7), 4 * 0.7)


def test_an_implementation_registered_later_is_seen() -> None:
    @functools.singledispatch
    def size(y):
        return y

    g = grad(lambda x: size(x))
    assert g(3.0) == 1.0
    size.register(float, lambda y: y * y)
    assert g(3.0) == 6.0


def test_what_is_no_function_with_source_is_refused() -> None:
    for f in (area, remembered, functools.lru_cache(lambda x: x)):
        with pytest.raises(S2sadError):
            grad(f)(1.0)


def njitted(x):
    from numba import njit

    @njit
    def g(y):
        return y * y

    @njit(cache=False)
    def h(y):
        return g(y) * y

    return h(x)


@pytest.mark.jit
def test_functions_that_numba_compiles_inside() -> None:
    assert value_and_grad(njitted)(2.0) == (8.0, 12.0)


def powers_of(k):
    def power(x, n):
        return x if n <= 0 else k * power(x, n - 1)

    return power


double, triple = powers_of(2.0), powers_of(3.0)


def test_closures_of_one_text_are_told_apart() -> None:
    assert grad(lambda x, n: double(x, n) + triple(x, n))(1.0, 2) == 13.0
    pair = (powers_of(2.0), powers_of(3.0))
    with pytest.raises(S2sadError, match="depending on the path"):
        grad(lambda x, c: (pair[0] if c > 0.0 else pair[1])(x, 1))(1.0, -1.0)
    assert grad(lambda x: pair[1](pair[0](x, 1), 1))(1.0) == 6.0
