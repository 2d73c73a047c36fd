"""What users see of a derivative: name, signature, help; and what they read when they call it the wrong way."""

from __future__ import annotations

import functools
import inspect
import math
import pydoc
from typing import Any

import numpy as np
import pytest

import s2sad
from s2sad import (
    S2sadError,
    check_grad,
    custom_rule,
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


def loss(w, X, *, rate=0.5) -> float:
    """The loss of a model.

    In squared metres.
    """
    return rate * float(w) * X


def pair(x):
    return x * x, {"value": x}


class Model:
    k = 3.0

    def loss(self, x, y=1.0):
        """Of a model."""
        return self.k * x * x * y

    def __call__(self, x):
        return self.k * x

    @grad(wrt=1)
    def second(self, x, y):
        return self.k * x * y * y

    @grad(wrt=(1, 0))
    def both(self, x, y):
        return self.k * x * y * y

    @hessian
    def curvature(self, x):
        return self.k * x**3


def helped(obj: Any) -> str:
    return pydoc.render_doc(obj, renderer=pydoc.plaintext)


@pytest.mark.parametrize(
    "make, name, says",
    [
        (grad, "loss_grad", "Gradient of loss() with respect to w."),
        (value_and_grad, "loss_value_and_grad", "(value, gradient)"),
        (jacobian, "loss_jacobian", "result.shape + w.shape"),
        (jacfwd, "loss_jacfwd", "Jacobian of loss() with respect to w."),
        (jacrev, "loss_jacrev", "Jacobian of loss() with respect to w."),
        (hessian, "loss_hessian", "w.shape + w.shape"),
        (hvp, "loss_hvp", "product of the Hessian"),
        (functools.partial(grad, wrt=("w", "X")), "loss_grad", "a tuple with a part for each of w, X"),
        (functools.partial(grad, has_aux=True), "loss_grad", "(gradient, auxiliary)"),
        (lambda f: grad(grad(f)), "loss_grad_grad", "Gradient of loss_grad() with respect to w."),
    ],
)
def test_name_and_help(make, name, says):
    g = make(loss)
    assert g.__name__ == g.__qualname__ == name and g.__module__ == __name__
    text = helped(g)
    assert name in text and says in text and "The loss of a model." in text and "In squared metres." in text
    assert "rate=0.5" in text and inspect.unwrap(g) is loss
    assert inspect.signature(g).return_annotation is inspect.Signature.empty  # not a float


def test_signatures_can_be_called():
    assert str(inspect.signature(hvp(loss))) == "(w, X, v, *, rate=0.5)"
    assert str(inspect.signature(hvp(lambda x, y=1.0: x * y))) == "(x, y=1.0, *, v)"
    assert str(inspect.signature(hvp(lambda v, *rest, **more: v))) == "(v, *rest, v_1, **more)"
    assert str(inspect.signature(grad(Model().loss))) == "(x, y=1.0)"


def test_methods():
    m = Model()
    assert helped(grad(m.loss)).count("Of a model.") == 1 and grad(m.loss).__name__ == "loss_grad"
    assert Model.second.__qualname__ == "Model.second_grad"
    assert grad(m.loss)(2.0) == 12.0 == grad(Model.loss, wrt=1)(m, 2.0)
    assert grad(m.loss, wrt=1)(2.0) == 12.0 and grad(m.loss, wrt=(1, 0))(2.0) == (12.0, 12.0)
    assert grad(m.__call__)(2.0) == 3.0
    assert (
        m.second(2.0, 3.0) == 36.0 and Model.second(m, 2.0, 3.0) == 27.0
    )  # positions of the call that is made
    assert m.both(2.0, 3.0) == (36.0, 27.0) and m.curvature(2.0) == 36.0
    assert m.second.source == type(m).second._of_object.source and "dy" in m.second.lower(2.0, 3.0).source
    assert jvp(m.loss, (2.0,), (1.0,)) == (12.0, 12.0)
    value, pull = vjp(m.loss, 2.0, 1.0)
    assert value == 12.0 and pull(1.0) == (12.0, 12.0)
    assert hvp(m.loss)(2.0, 1.0) == 6.0 and value_and_grad(m.loss)(2.0) == (12.0, 12.0)
    check_grad(m.loss, (2.0, 3.0), wrt=(0, 1))

    def through(x):
        return m.second(x, x) * x

    assert grad(through)(1.0) == pytest.approx(18.0)  # 6 x**3
    assert grad(grad(m.loss))(2.0) == 6.0 and grad(m.second, wrt=0)(2.0, 3.0) == 18.0


def rosen(x, a):
    return np.sum((a - x[:-1]) ** 2 + 100.0 * (x[1:] - x[:-1] ** 2) ** 2)


def test_hessp_has_scipys_order():
    optimize = pytest.importorskip("scipy.optimize")
    found = optimize.minimize(
        rosen, np.zeros(4), args=(1.0,), jac=grad(rosen), hessp=hvp(rosen).hessp, method="Newton-CG"
    )
    assert np.allclose(found.x, 1.0, atol=1e-3)
    x, p = np.array([0.3, -0.2, 0.5]), np.array([1.0, 2.0, 3.0])
    assert np.array_equal(hvp(rosen).hessp(x, p, 1.0), hvp(rosen)(x, 1.0, p))
    assert np.allclose(hvp(rosen).hessp(x, p, 1.0), hessian(rosen)(x, 1.0) @ p)
    for wrt in ("a", ("x",), ("x", "a")):
        with pytest.raises(S2sadError, match="first argument"):
            hvp(rosen, wrt).hessp(x, p, 1.0)


def test_help_of_the_functions_lists_what_exists():
    for name in ("grad", "value_and_grad", "jacobian", "jacfwd", "jacrev", "hessian", "hvp"):
        parameters = inspect.signature(getattr(s2sad, name)).parameters
        assert not {"checkpoint", "memory", "parallel", "options"} & set(parameters)
        for option in set(parameters) - {"f", "wrt", "mode"}:
            getattr(s2sad, name)(loss, **{option: parameters[option].default})


def product(x, y):
    return x * y


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: hvp(product)(1.0), "hvp(product)"),
        (lambda: hvp(product)(1.0, 2.0), "then the vector"),
        (lambda: jvp(product, 3.0, 1.0), "jvp(f, (x,), (dx,))"),
        (lambda: jvp(loss, np.ones(2), np.ones(2)), "jvp(f, (x,), (dx,))"),
        (lambda: jvp(np.sin, (1.0,), (1.0,)), "jvp(lambda x: np.sin(x))"),
        (lambda: vjp(math.sin, 1.0), "vjp(lambda x: math.sin(x))"),
        (lambda: grad(math.sin), "grad(lambda x: math.sin(x))"),
        (lambda: grad(np.sin), "grad(lambda x: np.sin(x))"),
        (lambda: grad(np.linalg.norm), "np.linalg.norm(x)"),
        (lambda: grad(print), "grad(lambda x: print(x))"),
        (lambda: grad(functools.partial(product, y=1.0)), "grad(lambda x: f(x))"),
        (lambda: grad(product(2.0, 3.0)), "grad(f)(x), not grad(f(x))"),
        (lambda: grad(np.ones(100)), "not an object of type ndarray"),
        (lambda: grad("x"), "@grad(wrt='x')"),
        (lambda: grad(staticmethod(product)), "put @staticmethod above"),
        (lambda: hvp(classmethod(product)), "put @classmethod above"),
        (lambda: grad((0, 1)), "@grad(wrt=(0, 1))"),
        (lambda: grad(Model), "Model is a class"),
        (lambda: grad(Model()), "model.__call__"),
        (lambda: grad(Model.loss)(Model(), 1.0), "say wrt=1"),
        (lambda: grad(product)(1.0), "product() missing 1 required positional argument: 'y'"),
        (lambda: grad(product, jit=True)(1.0), "product() missing 1 required positional argument: 'y'"),
        (lambda: grad(product, wrt="Y"), "its parameters are x, y"),
        (lambda: grad(loss, wrt="ratte"), "did you mean 'rate'?"),
        (lambda: grad(loss, wrt=2), "name one of rate"),
        (lambda: grad(product, wrt=2), "takes 2 arguments by position"),
        (lambda: vjp(product, 1.0, 2.0)[1](), "product_pullback() missing"),
        (lambda: vjp(product, 1.0), "pass the arguments of product(x, y) by position"),
        (
            lambda: jvp(product, (1.0, 2.0, 3.0), (1.0, 2.0, 3.0)),
            "takes 2 positional arguments but 3 were given",
        ),
        (lambda: check_grad(product, 1.0), "check_grad(f, (x,))"),
        (lambda: check_grad(product, (1.0, 2.0), wrt=2), "takes 2 arguments"),
        (lambda: check_grad(lambda x, y=1.0: x * y, (1.0,), wrt=1), "pass all arguments"),
    ],
)
def test_messages_say_what_to_do(call, says):
    with pytest.raises(TypeError) as caught:  # SignatureError is one
        call()
    assert says in str(caught.value)


def test_rules_of_the_users_own():
    @custom_rule(vjp=lambda dy, y, x: 3.0 * dy)
    def own(x):
        """Own."""
        return x

    assert grad(own).__name__ == "own_grad" and "Own." in helped(grad(own))
