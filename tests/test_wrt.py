"""Positions of `wrt` count the arguments of the call, as in JAX; names are those of parameters."""

from __future__ import annotations

import types

import numpy as np
import pytest

from s2sad import (
    SignatureError,
    check_grad,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    value_and_grad,
    vjp,
)


def weighted(*xs):
    return xs[0] * xs[1] * xs[1]


def summed(a, *xs, k=2.0):
    s = a
    for i, x in enumerate(xs):
        s = s + (i + 1) * k * np.sum(x * x) * a
    return s


def nested(scale, *parts, **more):
    return scale * sum(p["w"] * p["w"] for p in parts) * more["factor"]


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("optimize", [0, 1, 2])
def test_arguments_that_a_star_takes(jit, optimize):
    options = {"jit": jit, "optimize": optimize}
    assert grad(weighted, 1, **options)(2.0, 3.0) == 12.0
    assert grad(weighted, (1, 0), **options)(2.0, 3.0) == (12.0, 9.0)
    assert grad(weighted, "xs", **options)(2.0, 3.0) == (9.0, 12.0)
    assert grad(weighted, -1, **options)(2.0, 3.0) == 12.0
    value, dx = value_and_grad(summed, 2, **options)(1.0, np.ones(2), np.ones(3))
    assert value == 17.0 and dx.tolist() == [8.0, 8.0, 8.0]


def test_every_mode():
    assert (
        jacobian(weighted, 1)(2.0, 3.0)
        == jacfwd(weighted, 1)(2.0, 3.0)
        == jacrev(weighted, 1)(2.0, 3.0)
        == 12.0
    )
    assert hessian(weighted, (0, 1))(2.0, 3.0) == ((0.0, 6.0), (6.0, 4.0))
    assert hvp(weighted, 1)(2.0, 3.0, 1.0) == 4.0
    assert hvp(weighted, (1, 0))(2.0, 3.0, (1.0, 0.0)) == (4.0, 6.0)
    assert hvp(weighted, "xs")(2.0, 3.0, (1.0, 0.0)) == (0.0, 6.0)
    assert grad(grad(weighted, 1), 0)(2.0, 3.0) == 6.0 and grad(grad(weighted, 1), 1)(2.0, 3.0) == 4.0
    assert jvp(weighted, (2.0, 3.0), (0.0, 1.0)) == (18.0, 12.0)
    assert vjp(weighted, 2.0, 3.0)[1](1.0) == (9.0, 12.0)
    for wrt in (0, 1, (1, 0), "xs", ("xs",), -1):
        check_grad(weighted, (2.0, 3.0), wrt)
    for wrt in (0, 2, (2, 0), "a"):
        check_grad(summed, (2.0, np.ones(3), np.array([1.0, 2.0])), wrt)


def test_inside_a_function_that_is_differentiated():
    by_second, by_all = grad(weighted, 1), grad(weighted, "xs")

    def h(x):
        return by_second(x, x) + by_all(x, x)[0]

    assert grad(h)(3.0) == 18.0  # 2 x*x + x*x


def test_an_argument_of_its_own_signature():
    g = grad(weighted, 1)
    assert g(2.0, 3.0) == 12.0 and g(2, 3) == 12.0 and g(2.0, 3.0, 4.0) == 12.0
    assert g(np.float64(2.0), np.array(3.0)) == 12.0
    d = grad(nested, 2)(2.0, {"w": 1.0}, {"w": 3.0}, factor=5.0)
    assert d == {"w": 60.0}
    assert grad(weighted, 1).source.count("def ") == 1


@pytest.mark.parametrize(
    "f, wrt, args, says",
    [
        (weighted, 2, (1.0, 2.0), "*xs takes 2 of the arguments"),
        (weighted, (1, -1), (1.0, 2.0), "twice"),
        (weighted, ("xs", 1), (1.0, 2.0), "twice"),
        (weighted, -3, (1.0, 2.0), "*xs takes 2 of the arguments"),
        (summed, -1, (1.0, 2.0), "with fewer arguments or with more"),
        (lambda x, y=2.0: x * y, -1, (1.0,), "with fewer arguments or with more"),
        (lambda x, y: x * y, -3, (1.0, 2.0), "takes 2 arguments"),
        (lambda x, *, y: x * y, 1, (1.0,), "name one of y"),
        (lambda x: x, True, (1.0,), "positions or names"),
    ],
)
def test_refused(f, wrt, args, says):
    with pytest.raises(SignatureError) as caught:
        grad(f, wrt)(*args)
    assert says in str(caught.value)


def test_positions_count_from_the_end_where_the_call_has_one_end():
    assert grad(lambda x, y: x * x * y, -1)(3.0, 2.0) == 9.0
    assert grad(lambda x, y: x * x * y, np.int64(1))(3.0, 2.0) == 9.0
    assert grad(lambda x, *, y: x * x * y, "y")(3.0, y=2.0) == 9.0


def test_in_the_command_line(tmp_path):
    from click.testing import CliRunner

    from s2sad.cli import main

    (tmp_path / "p.py").write_text("def f(*xs):\n    return xs[0] * xs[1] * xs[1]\n")
    target = f"{tmp_path / 'p.py'}:f"
    shown = CliRunner().invoke(main, ["dump", target, "--wrt", "1"])
    assert "return dxs" in shown.output, shown.output
    checked = CliRunner().invoke(main, ["check", target, "--at", "2.0, 3.0", "--wrt", "1"])
    assert checked.exit_code == 0 and "agree" in checked.output, checked.output
    checked = CliRunner().invoke(main, ["check", target, "--at", "2.0, 3.0"])
    assert checked.exit_code == 0 and "agree" in checked.output, checked.output


class OfClass:
    k = 2.0

    @classmethod
    @grad
    def slope(cls, x, y=1.0):
        return x * x * y * cls.k

    @classmethod
    @grad(wrt=(0, 1))
    def both(cls, x, y):
        return x * x * y * cls.k

    @classmethod
    @grad(wrt="y")
    def named(cls, x, y):
        return x * x * y * cls.k

    @classmethod
    @value_and_grad(jit=True)
    def compiled(cls, x):
        return x * x * cls.k

    @classmethod
    @hessian
    def bend(cls, x):
        return x * x * x * cls.k

    @classmethod
    @hvp
    def along(cls, x):
        return x * x * x * cls.k


class Below(OfClass):
    k = 3.0


@pytest.mark.parametrize("cls", [OfClass, Below])
@pytest.mark.parametrize("chained", [True, False], ids=["bound by the derivative", "bound as a function"])
def test_class_methods(cls, chained):
    """Until Python 3.12 a class method binds what it holds by its `__get__`, from 3.13 on as it binds functions."""

    def method(name):
        derivative = vars(OfClass)[name].__func__
        return derivative.__get__(cls) if chained else types.MethodType(derivative, cls)

    k = cls.k
    for _ in range(2):
        assert method("slope")(3.0) == getattr(cls, "slope")(3.0) == 6.0 * k
        assert method("slope")(x=3.0, y=2.0) == 12.0 * k
        assert method("both")(3.0, 2.0) == (12.0 * k, 9.0 * k)
        assert method("named")(3.0, 2.0) == 9.0 * k
        assert method("compiled")(3.0) == (9.0 * k, 6.0 * k)
        assert method("bend")(2.0) == 12.0 * k
        assert method("along")(2.0, 0.5) == 6.0 * k
    assert grad(method("slope"))(3.0) == 2.0 * k
    with pytest.raises(SignatureError, match="argument 0 is the object"):
        vars(OfClass)["slope"].__func__(cls(), 3.0)
