"""Forward mode against differences and against reverse mode; forward over reverse; one case a construct.

Every case runs four ways (interpreted, and generated at three levels), with the verifier after each pass.
"""
# mypy: ignore-errors
# ruff: noqa: B023, E731, F841

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from s2sad import pipeline, stop_gradient
from s2sad.codegen.load import generate, load
from s2sad.errors import MissingRuleError, UnsupportedSyntaxError
from s2sad.ir.core import Block, Function, Op, Value
from s2sad.ir.interp import run
from s2sad.ir.types import FLOAT
from s2sad.ir.verify import verify
from s2sad.rules.registry import PRIMS, rule
from s2sad.signature import Parameters, typed_parameters
from s2sad.transform.forward import forward
from s2sad.transform.gradient import gradient
from s2sad.typing.captures import Captures
from s2sad.typing.specialise import specialise
from s2sad.typing.structure import key_of, source_for

CASES: list[Any] = []
A = [0.7, -1.3, 0.4, 2.1]
B = [1.1, 0.2, -0.6, 0.9]
GAIN = 1.75
TABLE = np.array([0.3, -0.8, 1.9])


def case(*args: Any, wrt: tuple[str, ...] | None = None):
    """File a function with arguments; lists of floats become arrays, tuples ("list", …) lists."""

    def keep(f):
        given = tuple(np.array(a) if isinstance(a, list) else list(a[1:]) if isinstance(a, tuple) and a[0] == "list" else a
                      for a in args)  # fmt: skip
        CASES.append(pytest.param(f, given, wrt, id=f"{f.__name__}-{len(CASES)}"))
        return f

    return keep


# -- straight lines and branches --------------------------------------------------------------------------


@case(3.0, -4.0)
def staged(x, y):
    sigy = 1.0 / (1.0 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    den = sigx + xpy**2
    invden = 1.0 / den
    return num * invden


@case(1.3, 0.4)
def products_and_powers(x, y):
    a = -x * y + +y
    b = (x**3 - x**-2) / (1.0 + x**y)
    c = 2.0**x % 1.5 - x // 0.4
    return a * b - c / (y - 7), abs(-x) + float(y)


@case(0.8, 1.7)
@case(2.5, 1.7)
def several_results(x, y):
    return x * y, math.sin(x) if x > y else math.cos(y), 3.0, 4, y


@case(0.6)
def own_gates(x):
    y = 1.0 / (1.0 + math.exp(x))
    e = math.exp(-x)
    z = 1 / (1 + e)
    return y * z + e


@case(1.0, 2.0)
@case(-1.0, 2.0)
@case(-3.0, 2.0)
def branches(x, y):
    s = y
    if x > 0:
        s = x * y
        t = math.exp(x)
    elif x < -2:
        t = s * x
    else:
        t = 1.0
    if y > 5 or x > y and s > t:
        return s
    return s * t


@case(1.0, 2.0, 3.0)
def extremes(x, y, z):
    return max(x, y * z, z) * min(x, y) + max(0.0, -x) + (x if x > y else y * y)


@case(2.0, 1)
@case(2.0, 0)
def bound_on_one_path(x, n):
    if n:
        y = x * x
    if n:
        return y * x
    return x


# -- loops ------------------------------------------------------------------------------------------------


@case(1.0, 5)
@case(1.0, 0)
@case(2.4, 9)
def for_with_break(x, n):
    s = 0.0
    for i in range(n):
        x = x + 0.1 * math.sin(x * i)
        if x > 3:
            break
        s += x * x
    return s + x


@case(0.3, 6)
def continue_and_return(x, n):
    s = 1.0
    for i in range(n):
        if i % 2:
            continue
        s = s * (x + i)
        if s > 8.0:
            return s * x
        for j in range(i):
            if j == 2:
                break
            s += math.cos(x * j)
    return -s


@case(3.0, 2.0)
@case(0.4, 2.0)
def newton(a, n):
    s = a
    while s * s > n + 1e-3:
        s = 0.5 * (s + n / s)
        if s < 0.1:
            return s * 3
    return s * n


@case(10.0, 3.0)
def while_walrus(x, y):
    k = 0
    while (half := x / 2 + 0.01 * y) > 1 and (k := k + 1) < 100:
        x = half * math.sqrt(y)
        if k == 3:
            break
    return half * x + y


@case(1.5, 4)
def loop_counts_down(x, n):
    s = x
    for i in range(n, -2, -2):
        s = s * x - i
    else:
        s = s + 1.0
    return s


@case(0.5, 1.2)
def swap(u, v):
    for i in range(5):
        u, v = v, u * v + i
        if u > 8:
            u, v = v, u
            break
    return u - v * v


@case(0.5, 1.2, 3)
@case(0.5, 1.2, 0)
def rotate(u, v, n):
    w = 1.0
    while n > 0:
        u, v, w = v, w, math.sin(u) + w
        n -= 1
    return u + 2 * v + 3 * w


@case(0.7, 3)
def first_bound_in_loop(x, n):
    for i in range(n):
        last = x * i
        if i == 1:
            keep = last * x
    return last + keep


@case(0.9, 7)
def while_true(x, n):
    total = 0.0
    while True:
        total += x
        if total > 5:
            if n > 10:
                return total
            break
        n += 1
        x = x * 1.1
    return -total * x


# -- arrays and lists ----------------------------------------------------------------------------------------


@case(A, B)
def inner_product(a, b):
    s = 0.0
    for i in range(len(a)):
        s += a[i] * b[i]
    return s


@case(A, 0.3)
def in_place(a, x):
    a[0] = x * a[1]
    a[-1] += a[0] * a[2]
    a[2] *= math.sin(a[-1])
    for i in range(1, len(a)):
        a[i] = a[i] + a[i - 1] * a[i]
    s = 0.0
    for v in a:
        s += v * v
    return s


@case(A, 0.3, wrt=("x",))
def written_constant(a, x):
    a[1] = x
    a[2] = 5.0
    return a[0] * a[1] + a[2] * a[1] * x


@case(A)
def element_swap(a):
    for i in range(2):
        a[i], a[3 - i] = a[3 - i], a[i] * a[3 - i]
    return a[0] - 2.0 * a[1] + a[2] * a[3]


@case(A, B, 5)
def double_buffer(u, v, n):
    for k in range(n):
        for i in range(1, len(u) - 1):
            v[i] = 0.3 * u[i - 1] + 0.5 * u[i] * u[i + 1]
        u, v = v, u
    return u[1] * v[2] + u[0]


@case(A, B, A, 1)
@case(A, B, A, 0)
def merge(u, v, x, n):
    for i in range(n):
        u = v
        u[0] = 3 * x[1]
    u[0] = u[0] * u[1]
    return v[0] * u[0]


@case(A, B, True)
@case(A, B, False)
def conditional_reference(a, b, c):
    z = a if c else b
    z[0] = a[1] * b[1]
    y = z
    y[2] += z[0]
    return a[0] * b[0] + a[2] * b[2]


@case(A, 0.6)
def fresh_arrays(a, x):
    n = len(a)
    z = np.zeros(n)
    w = np.empty(n)
    o = np.ones_like(a)
    f = np.full(n, x * x)
    c = a.copy()
    for i in range(n):
        w[i] = c[i] * f[i]
        z[n - 1 - i] += w[i] * o[i]
        c[i] = z[i] - a[i]
    return w[0] * z[0] + c[2] * c[1]


@case(A, 0.6)
def returns_arrays(a, x):
    b = a.copy()
    b[0] = x * a[2]
    return b, a, x, a


@case(A)
def writes_and_returns_its_argument(a):
    a[1] = a[0] * a[2]
    return a


@case(0.4, 6)
def grown_list(x, n):
    xs = [x, 1.0]
    for i in range(n):
        xs.append(xs[-1] * x + xs[i])
        if i == 3:
            xs.append(2.0)
    ys = list(xs)
    ys[0] = 7.0 * x
    zs = [x * 2.0] * 3
    zs[1] += ys[0]
    return sum(xs) + ys[2] * zs[1] + max(x, zs[0])


@case(("list", 0.5, 1.5, 2.5), 2.0)
def list_argument(xs, k):
    xs[1] = xs[0] * k
    ys = [v * v for v in xs if v < 2]
    arr = np.array(ys)
    return arr[0] * arr[1] + xs[1] + len(ys)


@case(0.4, 0.9, 4)
def memory_in_while(x, y, n):
    a = np.zeros(3)
    b = a
    while n > 0:
        if n == 2:
            b = np.zeros(3)
        b[n % 3] = x * n
        x = x + a[1] * y
        n -= 1
    return a[0] + a[1] * b[2] + x


@case(A, 2)
def returned_from_the_loop(a, n):
    s = 1.0
    for i in range(len(a)):
        if i == n:
            a[0] = s
            return s * a[0] * a[i]
        a[i] *= s
        s += a[i]
    return s


# -- calls ------------------------------------------------------------------------------------------------------


def helper(a, x, k=2.0):
    a[0] += x * k
    return a[0] * a[1], math.sin(x)


@case(A, 0.6)
def calls(a, x):
    p, q = helper(a, x)
    r, _ = helper(a, p, k=q)
    return p * q + r


@case(0.6, 1.2)
def closures(x, y):
    s = x

    def add(z, w=x * 2):
        return z * s + w * y

    first = add(1.0)
    s = y * y
    twice = lambda f, u: f(f(u))
    return first * twice(add, x) + twice(lambda q: q * s + GAIN, 2.0) * TABLE[2]


@case(1.1, 5)
def factorial(x, n):
    if n <= 0:
        return math.cos(x)
    return x * n * factorial(x, n - 1)


def binary(x, depth, scale):
    if depth == 0:
        return x * scale
    left = binary(x * 0.5, depth - 1, scale)
    return left * binary(x + left, depth - 1, 1.0) + math.sin(left)


@case(0.9, 1.4)
def recursion_with_masks(x, y):
    return binary(x, 3, y) + binary(2.0, 2, y)


def fill(a, i, x):
    if i < len(a):
        a[i] = x * (i + 1) + a[i]
        return fill(a, i + 1, x * a[i]) + a[i]
    return x


@case(A, 0.3)
@case(A, 0.3, wrt=("x",))
@case(A, 0.3, wrt=("a",))
def recursion_on_memory(a, x):
    s = fill(a, 0, x)
    b = np.zeros(3)
    return s * a[2] + fill(b, 1, s) * b[2]


@case((1.5, 0.5), {"k": 2.0, "a": np.array(A)})
def structures(pair, options):
    x, y = pair
    a = options["a"]
    a[0] = x * options["k"]
    return a[0] * a[1] * y + a[2]


@case(A, 0.4)
def stopped(a, x):
    frozen = stop_gradient(x * x)
    still = stop_gradient(a)
    return x + 0.0 * frozen + still[0] * 0.0 + a[0]


@case(1.4, 3)
def prints_and_asserts(x, n):
    assert x > 0, f"{x} is not positive"
    y = x
    for i in range(n):
        if y > 1e9:
            raise ValueError("large", y)
        y = y * x
    return y


@case(np.float64(1.5), 2.0)
def numpy_scalars(x, y):
    return float(x) * y + np.exp(y) * 2.0 - np.tanh(x) / (1.0 + np.exp(-x))


# -- the harness -------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def verified():
    """The verifier after each pass."""
    before, pipeline.VERIFY = pipeline.VERIFY, True
    yield
    pipeline.VERIFY = before


def leaves(nest: Any) -> list[Any]:
    if isinstance(nest, dict):
        return [x for v in nest.values() for x in leaves(v)]
    if isinstance(nest, tuple):
        return [x for v in nest for x in leaves(v)]
    return [nest]


def floats(nest: Any) -> np.ndarray:
    """Every floating number of a nest, in one vector."""
    parts = [np.zeros(0)]
    for leaf in leaves(nest):
        if isinstance(leaf, (float, list, np.ndarray, np.floating)):
            parts.append(np.ravel(np.asarray(leaf, dtype=float)))
    return np.concatenate(parts)


def differentiable(leaf: Any) -> bool:
    return isinstance(leaf, (float, np.floating, np.ndarray)) or isinstance(leaf, list)


class Problem:
    """A typed function with its arguments, and a direction for its inputs."""

    def __init__(self, fn: Any, args: tuple[Any, ...], wrt: tuple[str, ...] | None) -> None:
        source = source_for(fn)
        self.fn, self.args = fn, args
        names = Parameters.of(source, 0).names
        chosen = wrt or tuple(n for n, a in zip(names, args) if any(map(differentiable, leaves(a))))
        params = Parameters.of(source, tuple(chosen))
        values, make, inputs = typed_parameters(params, {n: key_of(a) for n, a in zip(names, args)})
        captures = Captures()
        typed = specialise(source, make, captures)
        hidden = list(captures.variables.values())
        body = replace(
            typed.function.body, ops=(*getattr(captures, "head_ops", ()), *typed.function.body.ops)
        )
        self.typed = replace(typed.function, params=(*values, *(c.value for c in hidden)), body=body)
        self.inputs = tuple(inputs)
        self.hidden = [c.get() for c in hidden]
        self.where = [i for i, n in enumerate(names) if n in chosen]
        rng = np.random.default_rng(7)
        self.along = [self.direction(x, rng) for i in self.where for x in leaves(args[i])]

    @staticmethod
    def direction(leaf: Any, rng: Any) -> Any:
        if isinstance(leaf, list):
            return [float(v) for v in rng.uniform(-1.0, 1.0, len(leaf))]
        return (
            rng.uniform(-1.0, 1.0, leaf.shape)
            if isinstance(leaf, np.ndarray)
            else float(rng.uniform(0.5, 1.0))
        )

    def all_args(self) -> list[Any]:
        return [*copy.deepcopy(self.args), *copy.deepcopy(self.hidden)]

    def moved(self, t: float) -> list[Any]:
        along = iter(self.along)

        def move(x: Any) -> Any:
            if isinstance(x, dict):
                return {k: move(v) for k, v in x.items()}
            if isinstance(x, tuple):
                return tuple(map(move, x))
            d = next(along)
            if isinstance(x, list):
                return [a + t * b for a, b in zip(x, d)]
            return x + t * d

        return [move(a) if i in self.where else a for i, a in enumerate(self.all_args())]

    def derivative(self, fn: Any) -> np.ndarray:
        """Central differences along the direction, extrapolated three times."""

        def central(h: float) -> np.ndarray:
            return (floats(fn(self.moved(h))) - floats(fn(self.moved(-h)))) / (2.0 * h)

        row = [central(4e-3 / 2**k) for k in range(4)]
        for order in (4.0, 16.0, 64.0):
            row = [(order * b - a) / (order - 1.0) for a, b in zip(row, row[1:])]
        return row[0]


SCALAR = [c for c in CASES if isinstance(c.values[0](*copy.deepcopy(c.values[1])), float)]


def ways(fn: Function):
    """The function interpreted, and generated at each level; verified after every pass."""
    verify(fn, typed=True)
    yield lambda args: run(fn, args)
    for level in (0, 1, 2):
        code = load(generate(pipeline.run(fn, pipeline.OPTIMIZE[level]), level), fn.name)
        yield lambda args, code=code: out if isinstance(out := code(*args), tuple) else (out,)


def close(left: Any, right: Any, tolerance: float) -> None:
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    assert left.shape == right.shape, (left, right)
    scale = max(float(np.max(np.abs(right), initial=0.0)), 1e-3)
    assert np.all(np.abs(left - right) <= tolerance * scale), f"{left!r} against {right!r}"


@pytest.mark.parametrize(("fn", "args", "wrt"), CASES)
def test_tangents_are_differences(fn, args, wrt):
    """Results and tangents, for every way to run them; the caller's tangents stay as they were."""
    p = Problem(fn, args, wrt)
    made = forward(p.typed, p.inputs, f"{fn.__name__}_jvp")
    expected = p.derivative(lambda given: fn(*given[: len(args)]))
    result = copy.deepcopy(fn(*copy.deepcopy(args)))
    count = len(p.typed.body.yields)
    for way in ways(made):
        given, along = p.all_args(), copy.deepcopy(p.along)
        out = way([*given, *along])
        close(floats(tuple(out[:count])), floats(result), 1e-13)
        close(floats(tuple(out[count:])), expected, 1e-6)
        close(floats(tuple(along)), floats(tuple(p.along)), 0.0)
        arrays = [x for x in (*out[count:], *along, *given) if isinstance(x, np.ndarray)]
        tangents = [x for x in out[count:] if isinstance(x, np.ndarray)]
        assert all(sum(np.shares_memory(t, a) for a in arrays) == 1 for t in tangents)


@pytest.mark.parametrize(("fn", "args", "wrt"), SCALAR)
def test_forward_is_reverse(fn, args, wrt):
    """The dot-product identity, which needs no step size."""
    p = Problem(fn, args, wrt)
    tangent = run(forward(p.typed, p.inputs, "f_jvp"), [*p.all_args(), *copy.deepcopy(p.along)])[-1]
    for way in ways(gradient(p.typed, p.inputs, "f_grad", False)):
        close(floats(tuple(way(p.all_args()))) @ floats(tuple(p.along)), tangent, 1e-12)


@pytest.mark.parametrize(("fn", "args", "wrt"), SCALAR)
def test_forward_over_reverse(fn, args, wrt):
    """Hessian-vector products: the gradient's tangent is the gradient's difference."""
    p = Problem(fn, args, wrt)
    adjoint = gradient(p.typed, p.inputs, "f_grad", False)
    expected = p.derivative(lambda given: tuple(run(adjoint, given)))
    count = len(adjoint.body.yields)
    optimised = pipeline.run(adjoint, pipeline.OPTIMIZE[2])
    for made in (adjoint, optimised):
        for way in ways(forward(made, p.inputs, "f_hvp")):
            out = way([*p.all_args(), *copy.deepcopy(p.along)])
            close(floats(tuple(out[:count])), floats(tuple(run(adjoint, p.all_args()))), 1e-12)
            close(floats(tuple(out[count:])), expected, 2e-6)


@pytest.mark.parametrize(("fn", "args", "wrt"), CASES)
def test_forward_over_forward(fn, args, wrt):
    """The second derivative along the direction."""
    p = Problem(fn, args, wrt)
    first = forward(p.typed, p.inputs, f"{fn.__name__}_jvp")
    second = forward(first, p.inputs, f"{fn.__name__}_jvp2")
    expected = p.derivative(lambda given: tuple(run(first, [*given, *copy.deepcopy(p.along)])))
    count = len(first.body.yields)
    for way in ways(second):
        out = way([*p.all_args(), *copy.deepcopy(p.along), *copy.deepcopy(p.along)])
        close(floats(tuple(out[count:])), expected, 2e-6)


def test_text():
    """Tangents stand beside their values, named after them."""
    p = Problem(staged, (3.0, -4.0), None)
    fn = pipeline.run(forward(p.typed, p.inputs, "staged_jvp"), pipeline.OPTIMIZE[1])
    assert (
        generate(fn, 1).source
        == """\
import math

def staged_jvp(x, y, x_dot, y_dot):
    sigy = 1.0 / (1.0 + math.exp(-y))
    sigy_dot = (1.0 - sigy) * sigy * y_dot
    num = x + sigy
    num_dot = x_dot + sigy_dot
    sigx = 1.0 / (1.0 + math.exp(-x))
    sigx_dot = (1.0 - sigx) * sigx * x_dot
    xpy = x + y
    xpy_dot = x_dot + y_dot
    den = sigx + xpy**2
    den_dot = sigx_dot + 2.0 * xpy * xpy_dot
    invden = 1.0 / den
    invden_dot = -invden * invden * den_dot
    result = num * invden
    t1 = invden * num_dot + num * invden_dot
    return result, t1
"""
    )


def test_locations_are_the_primal_operations():
    """Every operation knows the user's line."""
    p = Problem(in_place, (np.array(A), 0.3), None)
    verify(forward(p.typed, p.inputs, "in_place_jvp"), typed=True, locations=True)


def test_stopped_gradients_are_zero():
    def f(x, a):
        return stop_gradient(x * x) * x + stop_gradient(a)[0] * a[0]

    p = Problem(f, (3.0, np.array(A)), None)
    out = run(forward(p.typed, p.inputs, "f_jvp"), [3.0, np.array(A), 1.0, np.ones(4)])
    assert out[1] == pytest.approx(9.0 + 0.7, rel=1e-15)


def test_stopped_memory_that_is_written_is_refused():
    def f(a):
        b = stop_gradient(a)
        a[0] = a[1]
        return b[0]

    p = Problem(f, (np.array(A),), None)
    with pytest.raises(UnsupportedSyntaxError, match="stop_gradient"):
        forward(p.typed, p.inputs, "f_jvp")


def test_missing_rule_is_an_error_where_it_matters():
    prim = rule(lambda x: x, "y = unruled(x)", name="tests.unruled")
    try:
        x, y = Value("x", FLOAT), Value("y", FLOAT)
        fn = Function("f", (x,), Block((), (Op(prim.name, (x,), (y,)),), (y,)))
        with pytest.raises(MissingRuleError, match="'x'"):
            forward(fn, (x,), "f_jvp")
        unused = replace(fn, body=replace(fn.body, yields=(x,)))
        assert len(forward(unused, (x,), "f_jvp").body.ops) == 1
    finally:
        del PRIMS[prim.name]
