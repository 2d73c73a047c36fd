"""Code, defaults, builtins and methods that change between calls are seen at the next call."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from s2sad import grad, hessian, hvp, jacfwd, jvp, value_and_grad, vjp

KINDS: dict[str, Callable[[Any, float], float]] = {
    "grad": lambda f, x: grad(f)(x),
    "value_and_grad": lambda f, x: value_and_grad(f)(x)[1],
    "jacfwd": lambda f, x: jacfwd(f)(x),
    "jvp": lambda f, x: jvp(f, (x,), (1.0,))[1],
    "vjp": lambda f, x: vjp(f, x)[1](1.0)[0],
}


def made(kind: str, f: Any) -> Callable[[float], float]:
    """A derivative that is made once, where its kind is called with a function."""
    if kind in ("jvp", "vjp"):
        return lambda x: KINDS[kind](f, x)
    derivative = {"grad": grad, "value_and_grad": value_and_grad, "jacfwd": jacfwd}[kind](f)
    return lambda x: derivative(x)[1] if kind == "value_and_grad" else derivative(x)


def functions() -> Any:
    def helper(x, k=2.0, *, n=1.0):
        return k * n * x

    def other(x, k=3.0, *, n=1.0):
        return k * n * x * x

    def f(x):
        s = 0.0
        for _ in range(2):
            s += helper(x)
        return s

    return helper, other, f


@pytest.mark.parametrize("kind", KINDS)
def test_the_code_of_a_helper(kind: str) -> None:
    helper, other, f = functions()
    g = made(kind, f)
    assert g(1.0) == 4.0
    first, helper.__code__ = helper.__code__, other.__code__
    assert g(1.0) == 8.0
    helper.__code__ = first
    assert g(1.0) == 4.0


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaults_of_a_helper(kind: str) -> None:
    helper, _, f = functions()
    g = made(kind, f)
    assert g(1.0) == 4.0
    first, helper.__defaults__ = helper.__defaults__, (5.0,)
    assert g(1.0) == 10.0
    helper.__kwdefaults__ = {"n": 2.0}
    assert g(1.0) == 20.0
    helper.__kwdefaults__["n"] = 3.0
    assert g(1.0) == 30.0
    helper.__defaults__ = first
    assert g(1.0) == 12.0


@pytest.mark.parametrize("kind", ["grad", "value_and_grad", "jacfwd"])
def test_code_and_defaults_of_the_function_itself(kind: str) -> None:
    def f(x, k=2.0):
        return k * x * x

    def cubed(x, k=2.0):
        return k * x * x * x

    g = made(kind, f)
    assert g(1.0) == 4.0
    f.__defaults__ = (3.0,)
    assert g(1.0) == 6.0
    f.__code__ = cubed.__code__
    assert g(1.0) == 9.0
    f.__defaults__ = (2.0,)
    assert g(1.0) == 6.0


def test_defaults_that_were_not_there() -> None:
    def f(x, k):
        return k * x * x

    g = grad(f)
    assert g(1.0, 2.0) == 4.0
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'k'"):
        g(1.0)
    f.__defaults__ = (5.0,)
    assert g(1.0) == 10.0 and g(1.0, k=1.0) == 2.0 and g(x=1.0) == 10.0
    f.__defaults__ = None
    with pytest.raises(TypeError, match="missing"):
        g(1.0)


def test_an_argument_that_is_the_old_default_is_what_was_given() -> None:
    def f(x, k=3.0, *, n=1):
        return k * n * x

    g = grad(f)
    assert g(1.0) == 3.0
    old = f.__defaults__[0]
    f.__defaults__ = (4.0,)
    assert g(1.0, old) == 3.0 and g(1.0) == 4.0 and g(1.0, n=2) == 8.0
    f.__kwdefaults__["n"] = 5
    assert g(1.0) == 20.0 and g(1.0, n=1) == 4.0


def test_second_derivatives_follow() -> None:
    helper, other, f = functions()
    h, v = hessian(f), hvp(f)
    assert h(1.0) == 0.0 and v(1.0, 1.0) == 0.0
    helper.__code__ = other.__code__
    assert h(1.0) == 8.0 and v(1.0, 1.0) == 8.0


def test_a_default_that_is_an_array_is_read_where_it_is() -> None:
    def helper(x, w=np.array([1.0, 2.0])):  # noqa: B008
        return np.sum(w) * x

    g = grad(lambda x: helper(x))
    assert g(1.0) == 3.0
    first = helper.__defaults__
    first[0][0] = 5.0
    assert g(1.0) == 7.0
    helper.__defaults__ = (np.array([1.0, 1.0]),)
    assert g(1.0) == 2.0
    helper.__defaults__ = first
    assert g(1.0) == 7.0


def uses_builtins(x):
    return abs(x) * max(x, 1.0) + sum([x, x]) + float(len([x]))


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.jit)])
def test_a_global_that_shadows_a_builtin(jit: bool) -> None:
    g = grad(uses_builtins, jit=jit)
    space = globals()
    assert g(3.0) == 8.0
    try:
        space["abs"] = lambda v: v * v
        assert g(3.0) == 29.0
        space["max"] = lambda a, b: a * a
        assert g(3.0) == 4 * 27.0 + 2.0
        del space["abs"]
        assert g(3.0) == 29.0
    finally:
        space.pop("abs", None)
        space.pop("max", None)
    assert g(3.0) == 8.0


def test_a_builtin_that_is_replaced() -> None:
    space = vars(builtins)
    try:
        space["doubled"] = lambda x: 2.0 * x
        g = grad(uses_doubled)
        assert g(3.0) == 4.0
        space["doubled"] = lambda x: x * x
        assert g(3.0) == 12.0
    finally:
        del space["doubled"]


def uses_doubled(x):
    return 2.0 * doubled(x)  # noqa: F821


def uses_a_module(x):
    return math.sin(x) * x


def test_a_module_that_is_another_one() -> None:
    g = grad(uses_a_module)
    assert g(0.0) == 0.0
    space = globals()
    first = space["math"]
    try:
        space["math"] = np
        assert g(np.pi / 2) == pytest.approx(1.0)
        assert "np.sin" in g.source
    finally:
        space["math"] = first
    g(1.0)
    assert "math.sin" in g.source


def test_a_cell_that_is_bound_again() -> None:
    def make() -> Any:
        def inner(x):
            return 2.0 * x

        k = 3.0

        def f(x):
            return inner(x) * k

        def change(function: Any, number: float) -> None:
            nonlocal inner, k
            inner, k = function, number

        return f, change

    f, change = make()
    g = grad(f)
    assert g(1.0) == 6.0
    change(lambda x: x * x, 5.0)
    assert g(1.0) == 10.0


@dataclass
class Spring:
    k: float

    @property
    def stiffness(self) -> float:
        return 2.0 * self.k

    def energy(self, x):
        return self.stiffness * x * x

    def __mul__(self, x):
        return self.k * x

    @staticmethod
    def scale(x):
        return 10.0 * x


def of_spring(x, spring):
    return spring.energy(x) + spring * x + Spring.scale(x)


def test_methods_that_are_replaced() -> None:
    g = grad(of_spring)
    spring = Spring(3.0)
    saved = {name: vars(Spring)[name] for name in ("energy", "stiffness", "__mul__", "scale")}
    assert g(1.0, spring) == 12.0 + 3.0 + 10.0
    try:
        Spring.energy = lambda self, x: self.stiffness * x
        assert g(1.0, spring) == 6.0 + 3.0 + 10.0
        Spring.stiffness = property(lambda self: 7.0)
        assert g(1.0, spring) == 7.0 + 3.0 + 10.0
        Spring.__mul__ = lambda self, x: x * x * x
        assert g(1.0, spring) == 7.0 + 3.0 + 10.0
        Spring.scale = staticmethod(lambda x: x)
        assert g(1.0, spring) == 7.0 + 3.0 + 1.0
    finally:
        for name, value in saved.items():
            setattr(Spring, name, value)
    assert g(1.0, spring) == 12.0 + 3.0 + 10.0


def test_code_of_a_method_that_is_replaced() -> None:
    g = grad(of_spring)
    spring = Spring(3.0)
    assert g(1.0, spring) == 25.0
    first = Spring.energy.__code__
    try:
        Spring.energy.__code__ = (lambda self, x: self.k * x).__code__
        assert g(1.0, spring) == 16.0
    finally:
        Spring.energy.__code__ = first
    assert g(1.0, spring) == 25.0


@pytest.mark.jit
def test_compiled_derivatives_follow() -> None:
    helper, other, f = functions()
    g = grad(f, jit=True)
    assert g(1.0) == 4.0
    helper.__defaults__ = (5.0,)
    assert g(1.0) == 10.0
    helper.__code__ = other.__code__
    assert g(1.0) == 20.0
