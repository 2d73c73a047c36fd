"""The public interface and its promises (DESIGN 2)."""

from __future__ import annotations

import ast
import inspect
import math
import pickle
import sys
import traceback
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import s2sad
from s2sad import S2sadError, SignatureError, check_grad, grad, jvp, stop_gradient, value_and_grad, vjp

RATE = 0.5
TABLE = np.array([1.0, 2.0, 3.0])


def scaled(x):
    return RATE * x * x


def helper(x):
    return 3.0 * x


def uses_helper(x):
    return helper(x) * x


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.jit)])
def test_globals_are_read_at_each_call(jit, monkeypatch):
    g = grad(scaled, jit=jit)
    assert g(2.0) == 2.0
    monkeypatch.setattr(sys.modules[__name__], "RATE", 2.0)
    assert g(2.0) == 8.0


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.jit)])
def test_a_rebound_function_shows(jit, monkeypatch):
    g = grad(uses_helper, jit=jit)
    assert g(2.0) == 12.0
    monkeypatch.setattr(sys.modules[__name__], "helper", lambda x: 5.0 * x)
    assert g(2.0) == 20.0
    monkeypatch.undo()
    assert g(2.0) == 12.0


def reads_table(x, i):
    return TABLE[i] * x


def test_a_changed_global_array_shows():
    g = grad(reads_table)
    assert g(2.0, 1) == 2.0
    TABLE[1] = 7.0
    try:
        assert g(2.0, 1) == 7.0
    finally:
        TABLE[1] = 2.0


def test_closure_cells_are_read_at_each_call():
    k = 2.0

    def f(x):
        return k * x

    g = grad(f)
    assert g(1.0) == 2.0
    k = 5.0
    assert g(1.0) == 5.0


class Point(NamedTuple):
    a: float
    b: float = 2.0

    def norm(self):
        return math.sqrt(self.a**2 + self.b**2)


@dataclass
class Params:
    w: float
    b: float


def nest(p, q):
    return p["w"] * q[0] + p["b"] * q[1] ** 2


def test_structures():
    assert grad(nest, ("p", "q"))({"w": 2.0, "b": 3}, (4.0, 5.0)) == ({"w": 4.0, "b": 25.0}, (2.0, 30.0))


def of_point(p):
    return p.a * p.b


def test_namedtuples_and_dataclasses():
    assert grad(of_point)(Point(2.0, 3.0)) == Point(3.0, 2.0)

    def f(p):
        return p.w * p.w + p.b

    assert grad(f)(Params(2.0, 3.0)) == Params(4.0, 1.0)


def steps_of_points(x):
    p = Point(1.0, b=x)
    for _ in range(3):
        p = Point(p.a * x, p.b + p.a)
    return p.b * Point(x).b * p._replace(a=x).norm()


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.jit)])
def test_namedtuples_made_inside(jit):
    expected = (steps_of_points(0.7 + 1e-6) - steps_of_points(0.7 - 1e-6)) / 2e-6
    assert grad(steps_of_points, jit=jit)(0.7) == pytest.approx(expected)
    with pytest.raises(S2sadError, match="does not take .c."):
        grad(lambda x: Point(x, c=1.0).a)(1.0)


def test_integers_become_floats():
    def f(x):
        return x**3

    got = grad(f)(2)
    assert got == 12.0 and type(got) is float

    def index(i):
        return TABLE[i]

    with pytest.raises(S2sadError, match="index"):
        grad(index)(1)


def test_unused_leaves_are_zeros():
    def f(x, y):
        return x

    assert grad(f, ("x", "y"))(1.0, 2.0) == (1.0, 0.0)
    dx, dy = grad(f, ("x", "y"))(1.0, np.ones(3))
    assert dx == 1.0 and isinstance(dy, np.ndarray) and not dy.any()


def test_has_aux_and_value():
    def f(x):
        y = x * x
        return y, (y + 1.0, "text")

    assert value_and_grad(f, has_aux=True)(3.0) == ((9.0, (10.0, "text")), 6.0)
    assert grad(f, has_aux=True)(3.0) == (6.0, (10.0, "text"))
    with pytest.raises(SignatureError, match="has_aux"):
        grad(f)(3.0)


def product(x, y=2.0, *, k=1.0):
    """The product of three numbers."""
    return x * y * k


def test_signature_is_the_functions_own():
    g = grad(product)
    assert inspect.signature(g) == inspect.signature(product)
    assert g.__wrapped__ is product and g.__module__ == product.__module__
    assert g(3.0) == 2.0 and g(3.0, k=4.0) == 8.0 and g(y=5.0, x=1.0) == 5.0
    with pytest.raises(TypeError):
        g()


class Model:
    def __init__(self, rate):
        self.rate = rate

    @grad
    def loss(self, x):
        return self.rate * x * x


def test_methods():
    assert Model(3.0).loss(2.0) == 12.0
    assert Model(1.0).loss(2.0) == 4.0


def test_results_can_be_pickled_and_share_no_memory():
    def f(a, b):
        s = 0.0
        for i in range(len(a)):
            s += a[i] * b[i]
        return s

    a = np.array([1.0, 2.0])
    da, db = grad(f, ("a", "b"))(a, a)
    assert not np.may_share_memory(da, db) and not np.may_share_memory(da, a)
    assert pickle.loads(pickle.dumps((da, db)))[0].tolist() == [1.0, 2.0]
    da[0] = 9.0


def test_arguments_change_once_and_shared_memory_is_refused():
    def f(a, b):
        a[0] = a[0] * b[1]
        return a[0] * b[0]

    a, b = np.array([2.0, 1.0]), np.array([3.0, 4.0])
    da, db = grad(f, (0, 1))(a, b)
    assert a.tolist() == [8.0, 1.0] and da.tolist() == [12.0, 0.0] and db.tolist() == [8.0, 6.0]
    with pytest.raises(SignatureError, match="share memory"):
        grad(f, (0, 1))(a, a)


def test_an_exception_leaves_arguments_as_the_primal_would():
    def f(a):
        a[0] = a[0] * 2.0
        return math.log(a[1]) * a[0]

    a = np.array([1.0, -1.0])
    with pytest.raises(ValueError):
        grad(f)(a)
    assert a.tolist() == [2.0, -1.0]


def failing(x):
    y = x - 1.0
    return 1.0 / y


def test_tracebacks_show_generated_code():
    try:
        grad(failing)(1.0)
    except ZeroDivisionError:
        assert "1.0 / " in traceback.format_exc()


def test_generated_code_imports_nothing_of_ours():
    g = value_and_grad(scaled)
    g(1.0)
    for node in ast.walk(ast.parse(g.source)):
        assert not (isinstance(node, ast.Import) and any(a.name.startswith("s2sad") for a in node.names))


def test_higher_order():
    def f(x):
        return x**3 * math.exp(x)

    x = 1.3
    assert grad(grad(f))(x) == pytest.approx((6 * x + 6 * x**2 + x**3) * math.exp(x), rel=1e-13)
    assert grad(grad(grad(f)))(x) == pytest.approx((x**3 + 9 * x**2 + 18 * x + 6) * math.exp(x), rel=1e-13)
    assert jvp(grad(f), (x,), (1.0,))[1] == pytest.approx(grad(grad(f))(x), rel=1e-13)


def orbit(x, n):
    for i in range(n):
        x = 3.7 * x * (1.0 - x) + 0.01 * i
    return x


def test_second_derivatives_of_loops():
    h = 1e-4
    first = grad(orbit)
    expected = (first(0.3 + h, 4) - first(0.3 - h, 4)) / (2 * h)
    assert grad(grad(orbit))(0.3, 4) == pytest.approx(expected, rel=1e-4)
    assert jvp(first, (0.3, 4), (1.0, 0))[1] == pytest.approx(grad(grad(orbit))(0.3, 4), rel=1e-12)


def test_a_derivative_inside_a_function():
    inner = grad(orbit)

    def f(x):
        return inner(x, 3) ** 2

    h = 1e-6
    assert grad(f)(0.3) == pytest.approx(
        (inner(0.3 + h, 3) ** 2 - inner(0.3 - h, 3) ** 2) / (2 * h), rel=1e-6
    )


def test_vjp_many_times():
    def f(a, n):
        u, v = a.copy(), np.zeros(len(a))
        for t in range(n):
            for i in range(len(a)):
                v[i] = u[i] * u[i - 1]
            u, v = v, u
        return u

    a = np.array([1.0, 2.0, 3.0])
    out, pull = vjp(f, a, 2)
    assert out.tolist() == f(a, 2).tolist()
    e = np.array([1.0, 0.0, 0.0])
    first, again, other = pull(e)[0], pull(e)[0], pull(np.ones(3))[0]
    assert first.tolist() == again.tolist()
    direction = np.array([0.3, -0.2, 0.7])
    tangent = jvp(f, (a, 2), (direction, 0))[1]
    assert other @ direction == pytest.approx(tangent.sum(), rel=1e-13)
    assert first @ direction == pytest.approx(tangent[0], rel=1e-13)
    assert e.tolist() == [1.0, 0.0, 0.0]


def test_stop_gradient():
    def f(x):
        return stop_gradient(x) * x

    assert grad(f)(3.0) == 3.0


def test_check_grad_finds_a_wrong_rule(monkeypatch):
    check_grad(orbit, (0.3, 5))
    from dataclasses import replace

    from s2sad.rules.registry import PRIMS

    monkeypatch.setitem(PRIMS, "math.sin", replace(PRIMS["math.sin"], partials={"x": "1.0001 * cos(x) * dy"}))

    def wave(x):
        return math.sin(x) * x

    with pytest.raises(s2sad.CheckError):
        check_grad(wave, (0.7,))


def black_box(x):
    return np.fft.hfft(x)


def test_errors_say_where_and_what():
    with pytest.raises(S2sadError) as caught:
        grad(black_box)(1.0)
    text = str(caught.value)
    assert "test_api.py:" in text and "^" in text and "help:" in text and "hfft" in text
    space: dict = {}
    exec("def f(x):\n    return x", space)
    with pytest.raises(S2sadError, match="source"):
        grad(space["f"])
    with pytest.raises(SignatureError, match="no parameter"):
        grad(orbit, "z")


def test_numba_is_not_imported():
    import subprocess

    code = "import sys, s2sad; assert 'numba' not in sys.modules and 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_identical_text_in_another_process():
    import subprocess

    code = (
        "import sys; sys.path.insert(0, '.'); from tests.test_api import orbit; from s2sad import grad;"
        " g = grad(orbit); g(0.3, 4); print(g.source)"
    )
    texts = {
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    }
    g = grad(orbit)
    g(0.3, 4)
    assert texts == {g.source + "\n"}


@pytest.mark.parametrize("count", [2_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_long_functions(tmp_path, count):
    lines = (
        ["def f(x):", "    y = x"]
        + [f"    y = y * 0.999 + x * {i}e-6" for i in range(count)]
        + ["    return y"]
    )
    (tmp_path / "long_function.py").write_text("\n".join(lines) + "\n")
    f = _load(tmp_path / "long_function.py")
    h = 1e-3
    assert grad(f)(1.0) == pytest.approx((f(1.0 + h) - f(1.0 - h)) / (2 * h), rel=1e-9)


def test_long_sums(tmp_path):
    terms = " + ".join(f"x * {i}.0" for i in range(5_000))
    (tmp_path / "long_sum.py").write_text(f"def f(x):\n    return {terms}\n")
    f = _load(tmp_path / "long_sum.py")
    assert grad(f)(1.0) == pytest.approx(5_000 * 4_999 / 2, rel=1e-12)


def _load(path):
    import importlib.util

    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.setrecursionlimit(limit)
    return module.f
