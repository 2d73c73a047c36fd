"""`custom_rule`: rules given by the user, alone and together with everything else."""

from __future__ import annotations

import math
import operator

import numpy as np
import pytest

import s2sad
from s2sad import (
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

X = np.array([0.3, -1.2, 2.0])
STEP = 1e-6


@pytest.fixture(autouse=True)
def verified(monkeypatch):
    monkeypatch.setattr(s2sad.pipeline, "VERIFY", True)


def slope(f, x):
    return (f(x + STEP) - f(x - STEP)) / (2 * STEP)


def slopes(f, x):
    found = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = STEP
        found[i] = (f(x + e) - f(x - e)) / (2 * STEP)
    return found


# -- functions with rules -------------------------------------------------------------------------------

CALLS = []


@custom_rule(vjp=lambda dy, y, x: dy * 3 * x * x, jvp=lambda t, y, x: 3 * x * x * t[0])
def cube(x: float) -> float:
    """doc"""
    CALLS.append(x)
    return x**3


@custom_rule(vjp=lambda dy, y, x: dy * y * (1 - y), jvp=lambda t, y, x: t[0] * y * (1 - y))
def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def mixture_vjp(dy, y, x, t, n):
    return dy * n * t, np.sum(dy * n * x), None


def mixture_jvp(tangents, y, x, t, n):
    dx, dt, _ = tangents
    return n * (dx * t + x * dt)


@custom_rule(vjp=mixture_vjp, jvp=mixture_jvp)
def mixture(x, t, n=2):
    return n * x * t


def two_vjp(dy, y, x, t):
    da, db = dy
    return da * t + db * y[0], da * x + db * x * x


def two_jvp(tangents, y, x, t):
    a = tangents[0] * t + tangents[1] * x
    return a, a * x + y[0] * tangents[0]


@custom_rule(vjp=lambda dy, y, x, t: (dy[0] * t + dy[1] * 2 * x * t, dy[0] * x + dy[1] * x * x), jvp=two_jvp)
def two(x, t):
    return x * t, x * x * t


def table_of(x):  # not readable for s2sad: a dict comprehension, formatted text, …
    found = {f"{k}": float(v) ** 2 for k, v in enumerate(list(x))}
    return np.array([*found.values()]) * 1.0


squares = custom_rule(
    table_of, vjp=lambda dy, y, x: 2 * x * dy, jvp=lambda t, y, x: 2 * x * t[0], out=lambda x: x
)


# -- scalars ------------------------------------------------------------------------------------------


def test_is_the_function():
    assert cube(2.0) == 8.0 and cube.__name__ == "cube" and cube.__doc__ == "doc"
    assert "vjp" in repr(cube)


def test_numbers():
    def f(x):
        return math.sin(cube(x)) + cube(2.0) * x

    for level in (0, 1, 2):
        value, d = value_and_grad(f, optimize=level)(0.7)
        assert value == f(0.7)
        np.testing.assert_allclose(d, slope(f, 0.7), rtol=1e-6)
    np.testing.assert_allclose(jvp(f, (0.7,), (1.0,))[1], d)
    np.testing.assert_allclose(grad(grad(f))(0.7), slope(grad(f), 0.7), rtol=1e-6)
    np.testing.assert_allclose(hessian(f)(0.7), slope(grad(f), 0.7), rtol=1e-6)
    np.testing.assert_allclose(grad(grad(grad(f)))(0.7), slope(grad(grad(f)), 0.7), rtol=1e-5)
    check_grad(f, (0.7,))


def test_rule_is_used_and_written_in():
    wrong = custom_rule(lambda x: x * x, vjp=lambda dy, y, x: dy * 100.0)

    def f(x):
        return wrong(x) * 2.0

    g = grad(f)
    assert g(3.0) == 200.0
    assert "100.0" in g.source and "lambda" not in g.source


def test_function_is_called_once_a_call():
    def f(x):
        return cube(x) * x

    CALLS.clear()
    grad(f)(2.0)
    assert CALLS == [2.0]
    grad(f).lower(2.0)
    assert CALLS == [2.0]


def test_of_itself():
    assert grad(cube)(2.0) == 12.0
    assert hvp(cube)(2.0, 1.0) == 12.0
    assert jvp(cube, (2.0,), (1.0,)) == (8.0, 12.0)
    assert vjp(cube, 2.0)[1](1.0) == (12.0,)
    np.testing.assert_allclose(jacrev(sigmoid)(X), jacfwd(sigmoid)(X))
    check_grad(lambda x: np.sum(sigmoid(x)), (X,))


def test_loops_branches_and_inner_functions():
    def inner(v):
        return cube(v) if v > 0 else -cube(v) * v

    def f(x):
        s = 0.0
        for v in x:
            s += inner(v) * s + cube(s + 0.1)
            if s > 50.0:
                return s
        return s

    np.testing.assert_allclose(grad(f)(X), slopes(f, X), rtol=1e-5)
    np.testing.assert_allclose(hessian(f)(X), jacrev(grad(f))(X), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(jacfwd(f)(X), grad(f)(X), rtol=1e-12)


def test_while_and_recursion():
    def f(x):
        y = x
        while y < 100.0:
            y = cube(y) + 0.5
        return y

    np.testing.assert_allclose(grad(f)(1.3), slope(f, 1.3), rtol=1e-5)
    np.testing.assert_allclose(grad(power)(1.3, 3), 27 * 1.3**26, rtol=1e-10)


def power(x, n):
    return x if n == 0 else cube(power(x, n - 1))


SCALE = 3.0
WEIGHTS = np.array([1.0, 2.0, 4.0])


def test_rules_read_globals(monkeypatch):
    @custom_rule(vjp=lambda dy, y, x: dy * SCALE * WEIGHTS)
    def weighted(x):
        return SCALE * WEIGHTS * x

    def f(x):
        s = 0.0
        for _ in range(2):
            s += np.sum(weighted(x) * x)
        return s

    g = grad(f)
    np.testing.assert_allclose(g(X), 12 * WEIGHTS * X)
    monkeypatch.setitem(globals(), "SCALE", 1.0)
    np.testing.assert_allclose(g(X), 4 * WEIGHTS * X)


# -- arrays -------------------------------------------------------------------------------------------


def test_arrays():
    def f(x):
        y = sigmoid(x * 2.0)
        return np.sum(y * x) + y[0]

    for level in (0, 1, 2):
        np.testing.assert_allclose(grad(f, optimize=level)(X), slopes(f, X), rtol=1e-6)
    np.testing.assert_allclose(jvp(f, (X,), (np.ones(3),))[1], np.sum(grad(f)(X)))
    np.testing.assert_allclose(hessian(f)(X), jacrev(grad(f))(X), rtol=1e-10)
    np.testing.assert_allclose(hvp(f)(X, X), hessian(f)(X) @ X)


@pytest.mark.parametrize("shape", [(1,), (0,), (2, 3), (1, 4)])
def test_shapes(shape):
    x = np.random.default_rng(0).normal(size=shape)
    np.testing.assert_allclose(
        grad(lambda x: np.sum(sigmoid(x)))(x), slopes(lambda x: np.sum(sigmoid(x)), x), rtol=1e-6, atol=1e-9
    )


def test_several_arguments():
    def f(x, t):
        return np.sum(mixture(x, t) ** 2) + np.sum(mixture(x, 0.5, 3)) + mixture(t, t, n=1)

    a, b = grad(f, wrt=(0, 1))(X, 0.4)
    np.testing.assert_allclose(a, slopes(lambda x: f(x, 0.4), X), rtol=1e-6)
    np.testing.assert_allclose(b, slope(lambda t: f(X, t), 0.4), rtol=1e-6)
    np.testing.assert_allclose(jvp(f, (X, 0.4), (X, 2.0))[1], a @ X + 2 * b)


def test_tuples():
    def f(x, t):
        a, b = two(x, t)
        return a * math.sin(b) + two(a, x)[1]

    da, db = grad(f, wrt=(0, 1))(0.7, 0.3)
    np.testing.assert_allclose(da, slope(lambda x: f(x, 0.3), 0.7), rtol=1e-6)
    np.testing.assert_allclose(db, slope(lambda t: f(0.7, t), 0.3), rtol=1e-6)
    np.testing.assert_allclose(jvp(f, (0.7, 0.3), (1.0, 2.0))[1], da + 2 * db)
    np.testing.assert_allclose(jacobian(two, wrt=(0, 1))(0.7, 0.3), [[0.3, 0.7], [0.42, 0.49]])
    assert grad(lambda x: two(x, 2.0)[0])(3.0) == 2.0


def test_in_place_code():
    def f(x):
        y = x.copy()
        for k in range(2):
            z = sigmoid(y)
            y[1:] = z[:-1] * y[1:]
            z[0] = 7.0
            y += z
        return np.sum(y * y)

    np.testing.assert_allclose(grad(f)(X), slopes(f, X), rtol=1e-6)
    np.testing.assert_allclose(jacfwd(f)(X), grad(f)(X), rtol=1e-12)
    np.testing.assert_allclose(hessian(f)(X), jacrev(grad(f))(X), rtol=1e-9, atol=1e-11)


def test_float32():
    d = grad(lambda x: np.sum(sigmoid(x)))(X.astype(np.float32))
    assert d.dtype == np.float32
    np.testing.assert_allclose(d, grad(lambda x: np.sum(sigmoid(x)))(X), rtol=1e-5)


# -- black boxes --------------------------------------------------------------------------------------


def test_black_box():
    def f(x):
        return np.sum(squares(x * 2.0) * x)

    np.testing.assert_allclose(grad(f)(X), slopes(f, X), rtol=1e-6)
    np.testing.assert_allclose(jvp(f, (X,), (np.ones(3),))[1], np.sum(grad(f)(X)))
    np.testing.assert_allclose(hessian(f)(X), jacrev(grad(f))(X), rtol=1e-10)


def test_functions_of_extensions():
    mul = custom_rule(operator.mul, vjp=lambda dy, y, a, b: (dy * b, dy * a), out=float)
    assert grad(lambda x: mul(x, x) * x)(2.0) == 12.0
    gamma = custom_rule(math.gamma, vjp=lambda dy, y, x: dy * y, out=float)
    assert grad(lambda x: gamma(x) + 0.0)(5.0) == 24.0
    assert grad(gamma)(5.0) == 24.0


def test_black_box_rules():
    def opaque_vjp(dy, y, x, k):
        return np.array([*{k: dy[k] * 2 * x[k] for k in range(len(x))}.values()]), None

    def opaque_jvp(tangents, y, x, k):
        assert tangents[1] is None
        return np.array([*{k: tangents[0][k] * 2 * x[k] for k in range(len(x))}.values()])

    square = custom_rule(lambda x, k: x * x, vjp=opaque_vjp, jvp=opaque_jvp)

    def f(x):
        return np.sum(square(x, 3) * x)

    np.testing.assert_allclose(grad(f)(X), 3 * X * X)
    np.testing.assert_allclose(jvp(f, (X,), (X,))[1], 3 * np.sum(X**3))
    assert "opaque_vjp(" in grad(f).lower(X).source
    with pytest.raises(s2sad.MissingRuleError, match="opaque_vjp"):
        hessian(f)(X)
    g = grad(f)
    with pytest.raises(s2sad.MissingRuleError, match="opaque_vjp"):
        grad(lambda x: np.sum(g(x)))(X)


def test_rules_with_rules():
    bell_vjp = custom_rule(
        lambda dy, y, x: -2 * x * y * dy,
        vjp=lambda d, z, dy, y, x: (d * -2 * x * y, d * -2 * x * dy, d * -2 * y * dy),
    )
    bell = custom_rule(lambda x: math.exp(-x * x), vjp=bell_vjp)
    np.testing.assert_allclose(grad(bell)(0.3), -0.6 * math.exp(-0.09))
    np.testing.assert_allclose(grad(grad(bell))(0.3), (4 * 0.09 - 2) * math.exp(-0.09))


# -- one of the two -------------------------------------------------------------------------------------


def test_transposed():
    length = custom_rule(lambda x: math.sqrt(np.sum(x * x)), vjp=lambda dy, y, x: dy * x / y)
    np.testing.assert_allclose(jacfwd(lambda x: length(x) * 2.0)(X), grad(lambda x: length(x) * 2.0)(X))
    np.testing.assert_allclose(hessian(length)(X), jacrev(grad(length))(X), rtol=1e-10, atol=1e-12)

    curve = custom_rule(
        lambda t, k: np.array([t, t * t, 1.0]) * k,
        jvp=lambda ts, y, t, k: k * np.array([1.0, 2 * t, 0.0]) * ts[0],
    )
    np.testing.assert_allclose(grad(lambda t: np.sum(curve(t, 2) ** 2))(0.7), 4 * (2 * 0.7 + 4 * 0.7**3))
    np.testing.assert_allclose(jacrev(lambda t: curve(t, 3))(0.7), [3.0, 4.2, 0.0])

    prod = custom_rule(lambda a, b: a * b, jvp=lambda ts, y, a, b: ts[0] * b + a * ts[1])
    assert grad(lambda x, y: prod(x, y) * x, wrt=(0, 1))(2.0, 3.0) == (12.0, 4.0)


@custom_rule(
    vjp=lambda dy, y, A, b: (-np.outer(np.linalg.solve(A.T, dy), y), np.linalg.solve(A.T, dy)),
    out=lambda A, b: np.zeros(len(b)),
)
def solve(A, b):
    return np.linalg.solve(A, b)


def test_solver():
    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=3)

    def f(A, b):
        return np.sum(solve(A, b) ** 2)

    def g(A, b):
        return np.sum(np.linalg.solve(A, b) ** 2)

    for found, expected in zip(grad(f, wrt=(0, 1))(A, b), grad(g, wrt=(0, 1))(A, b)):
        np.testing.assert_allclose(found, expected, rtol=1e-10)
    np.testing.assert_allclose(hessian(f)(A, b), hessian(g)(A, b), rtol=1e-8, atol=1e-12)  # by reverse mode


def test_missing_rules():
    reverse_only = custom_rule(lambda x: x * 2.0, vjp=lambda dy, y, x: dy * 2.0)
    forward_only = custom_rule(lambda x: x * 2.0, jvp=lambda ts, y, x: ts[0] * 2.0)

    def f(x):
        return reverse_only(x) * x

    def g(x):
        return forward_only(x) * x

    with pytest.raises(s2sad.MissingRuleError, match="jvp"):
        jacfwd(f)(X)
    with pytest.raises(s2sad.MissingRuleError, match="vjp"):
        grad(lambda x: np.sum(g(x)))(X)
    with pytest.raises(s2sad.MissingRuleError, match="vjp"):
        jacrev(g)(X)
    for fn in (f, g):
        np.testing.assert_allclose(jacobian(fn)(X), np.diag(4 * X))


# -- what does not fit ----------------------------------------------------------------------------------


def test_wrong_results_raise():
    cases = [
        (lambda x: [float(v) for v in {*x}], lambda x: x),
        (lambda x: x[:2] * 1.0, lambda x: x),
        (lambda x: x.astype(np.float32), lambda x: x),
        (lambda x: x[:, None] * 1.0, lambda x: x),
        (lambda x: (x, x), lambda x: x),
        (lambda x: x * 1.0, float),
        (lambda x: "3", float),
        (lambda x: None, float),
        (lambda x: 1j, float),
        (lambda x: x * 1.0, lambda x: (x, x)),
    ]
    for fn, out in cases:
        box = custom_rule(fn, vjp=lambda dy, y, x: x, out=out)

        with pytest.raises(s2sad.S2sadError):
            value_and_grad(lambda x: np.sum(box(x)) * 1.0)(X)


def test_wrong_rules_raise():
    def refused(vjp_, match, error=s2sad.S2sadError):
        box = custom_rule(lambda x, t: x * t, vjp=vjp_)
        with pytest.raises(error, match=match):
            grad(lambda x: np.sum(box(x, 2.0)))(X)

    refused(lambda dy, y, x, t: dy, "one cotangent")
    refused(lambda dy, y, x, t: (dy, dy, dy), "one cotangent")
    refused(lambda dy, y, x, t: (np.sum(dy), 0.0), "is needed")
    refused(lambda dy, y, x, t: (dy[:, None] * x, 0.0), "is needed")
    refused(lambda dy, y, x, t: (dy * 2.0, x), "is needed")
    refused(lambda dy, y, x, t: (dy * 1j, 0.0), "is needed")
    refused(lambda dy, y, x, t: (dy[x > 0.0], 0.0), "wrong shape", ValueError)
    refused(lambda dy, y, x, t: ({"a": dy[:1]}["a"], 0.0), "is needed|shape", (s2sad.S2sadError, ValueError))


def test_wrong_declarations():
    with pytest.raises(s2sad.SignatureError, match="without a rule"):
        custom_rule(lambda x: x)
    with pytest.raises(s2sad.SignatureError, match="not a function"):
        custom_rule(lambda x: x, vjp=3)
    unknown = custom_rule(table_of, vjp=lambda dy, y, x: dy)
    with pytest.raises(s2sad.SignatureError, match="out="):
        grad(lambda x: np.sum(unknown(x)))(X)
    with pytest.raises(s2sad.SignatureError):
        grad(lambda x: sigmoid((x, x)))(2.0)
    with pytest.raises(s2sad.SignatureError, match="sigmoid"):
        grad(lambda x: sigmoid(x, x))(2.0)


def test_result_shares_no_memory():
    same = custom_rule(lambda x: x, vjp=lambda dy, y, x: dy)

    def f(x):
        y = same(x)
        y[0] = 5.0
        return np.sum(y * x)

    x = X.copy()
    g = grad(f)(x)
    assert x.tolist() == X.tolist()
    np.testing.assert_allclose(g, [5.0, 2 * X[1], 2 * X[2]])


def test_constants_and_inactive_calls():
    def f(x):
        return x * sigmoid(1.0) + np.sum(squares(np.array([1.0, 2.0]))) + cube(3.0)

    np.testing.assert_allclose(grad(f)(2.0), 1 / (1 + math.exp(-1)))


def test_save(tmp_path):
    def f(x):
        return cube(x) * SCALE

    g = grad(f)
    g(2.0)
    g.save(tmp_path / "g.py")
    space = {}
    exec((tmp_path / "g.py").read_text(), space)
    h = value_and_grad(f)
    h(2.0)
    h.save(tmp_path / "h.py")
    exec((tmp_path / "h.py").read_text(), space)
    value, d = space["f_value_and_grad"](2.0, cube=lambda x: x**3)
    assert (value, d) == (24.0, 36.0)


def test_names_do_not_collide():
    def f(cube_, x):
        sig = sigmoid(x)
        np_ = cube(cube_)
        return np.sum(sig) * np_

    np.testing.assert_allclose(grad(f, wrt=(0,))(0.5, X)[0], 0.75 * np.sum(sigmoid(X)))

    other = custom_rule(lambda x: x * 2.0, vjp=lambda dy, y, x: dy * 2.0)
    other.name = "cube"

    def g(x):
        return cube(x) + other(x)

    assert grad(g)(2.0) == 14.0


# -- compiled -----------------------------------------------------------------------------------------


@pytest.mark.jit
def test_compiled():
    from numba import njit

    @njit
    def compiled(x, t):
        return np.sin(x) * t

    sine = custom_rule(compiled, vjp=lambda dy, y, x, t: (dy * np.cos(x) * t, np.sum(dy * np.sin(x))))

    def f(x, t):
        s = 0.0
        for k in range(3):
            s += np.sum(sine(x * k, t) * x)
        return s

    expected = grad(f, wrt=(0, 1))(X, 0.5)
    found = grad(f, wrt=(0, 1), jit=True)(X, 0.5)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-12)
    np.testing.assert_allclose(expected[0], slopes(lambda x: f(x, 0.5), X), rtol=1e-5)

    def g(x):
        return cubic(x) * x

    np.testing.assert_allclose(grad(g, jit=True)(2.0), 32.0)
    with pytest.raises(s2sad.JitError):
        grad(lambda x: squares_sum(x) * x, jit=True)(2.0)


cubic = custom_rule(lambda x: x**3, vjp=lambda dy, y, x: dy * 3 * x * x)
squares_sum = custom_rule(operator.mul.__call__, vjp=lambda dy, y, x: dy, out=float)
_ = (two_vjp,)
