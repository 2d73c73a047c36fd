"""Every rule of scalar primitives: its partials against differences, twice; at the edges; and no exception.

Partials are expanded with `Builder` and run by the IR interpreter. Second derivatives push a tangent through
the expanded partial with the rules of the primitives it uses, so a rule is also tested where others use it.
"""

from __future__ import annotations

import itertools
import math
import operator
import re
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from s2sad.ir.core import AnyOp, Block, Const, Function, If, Op, Operand, Value
from s2sad.ir.interp import run
from s2sad.ir.types import INT, Scalar, type_of
from s2sad.rules import mathematics, ufuncs
from s2sad.rules.arrays import INFER, JVPS
from s2sad.rules.builder import ON_ARRAYS, Builder
from s2sad.rules.registry import BY_FUNCTION, PRIMS, ZERO, Prim

CONTROL = {
    "pack", "unpack", "constant", "unbound", "exception", "format", "text", "len", "trip_count", "identity",
    "stop_gradient", "custom", "element",  # the last in tests/test_tapes.py
}  # fmt: skip
# checked on arrays, in tests/test_arrays.py and tests/test_array_functions.py
ON_WHOLE_ARRAYS = {
    *INFER, *JVPS, *(v for v in ON_ARRAYS.values() if v.startswith("s2sad.")), "shape",
    "s2sad.quotient_or_zero", "s2sad.bessel_i", "root", "numpy.i0",
}  # fmt: skip
RULES = {
    name: prim
    for name, prim in PRIMS.items()
    if name not in ON_WHOLE_ARRAYS and not name.startswith(("scipy.", "s2sad.special."))  # those have domains: test_special.py
    if prim.effect in ("none", "raises") and name not in CONTROL
}  # fmt: skip
SHORT = {name: name.rpartition(".")[2] for name in RULES}

# interior points where the default ones are outside the domain, on a kink, or not integers where they must be
UNARY: list[tuple[Any, ...]] = [(0.3,), (-0.7,), (1.9,)]
BINARY: list[tuple[Any, ...]] = [(0.7, 2.3), (2.4, 0.9), (1.2, -0.8), (-1.7, 2.2), (-0.4, -1.3)]
POSITIVE: list[tuple[Any, ...]] = [(0.3,), (1.9,), (40.0,)]
INSIDE: list[tuple[Any, ...]] = [(0.3,), (-0.7,), (0.6,)]
GAMMA: list[tuple[Any, ...]] = [(0.3,), (1.9,), (12.5,), (-0.7,), (-3.4,)]
INTEGERS: list[tuple[Any, ...]] = [(12, 4), (7, 3)]
POWERS: list[tuple[Any, ...]] = [
    *((0.7, 2.3), (2.4, -0.9), (1.9, 0.5)), *((x, n) for x in (1.7, -0.6) for n in range(-2, 5)),
]  # fmt: skip
RESULTS: list[tuple[Any, ...]] = [(a, b, a**b) for a, b in POWERS[:3]]
ODDS: list[tuple[Any, ...]] = [(u, math.exp(u)) for u in (0.3, -1.9)]
POINTS: dict[str, list[tuple[Any, ...]]] = {
    # domains
    "same_size": [(3, 3), (0, 0)],
    "log": [*POSITIVE, (0.3, 2.0), (5.0, 0.4)], "log2": POSITIVE, "log10": POSITIVE, "sqrt": POSITIVE,
    "log1p": [(0.3,), (-0.7,), (9.0,)], "if_greater": [(0.7, 1.2, 0.4), (0.7, 0.2, 0.4)], "safe_log": POSITIVE, "asin": INSIDE, "acos": INSIDE,
    "arcsin": INSIDE, "arccos": INSIDE, "atanh": INSIDE, "arctanh": INSIDE, "acosh": [(1.3,), (40.0,)],
    "arccosh": [(1.3,), (40.0,)], "gamma": GAMMA, "lgamma": GAMMA, "digamma": GAMMA, "pow": POWERS,
    "power": POWERS, "float_power": POWERS, "pow_base": RESULTS, "pow_exponent": RESULTS,
    "cosine": [(a, b, math.hypot(a, b)) for a, b in ((0.7, 2.3), (-3.0, 0.4))], "odds_share": ODDS, "odds_rest": ODDS,
    # away from kinks
    "remainder": [(0.7, 2.3), (1.1, -0.8), (-7.9, 2.2)], "quotient": [(0.7, 2.3), (1.1, -0.8), (-7.9, 2.2)],
    "heaviside": [(0.3, 0.5), (-0.3, 0.5)], "clip": [(0.5, 0.1, 0.9), (0.05, 0.1, 0.9), (1.5, 0.1, 0.9)],
    # integers
    "polygamma": [(n, x) for n in (1, 2, 5) for (x,) in GAMMA], "ldexp": [(0.7, 3), (-1.3, -2)],
    "cot_derivative": [(0, 0.3), (1, -1.7), (4, 0.4)], "scale": [(0.7, 3), (-1.3, -2)],
    "sinc_derivative": [(1, 0.3), (2, -0.01), (3, 2.7), (0, 1e-4)], "round": [(0.3,), (2.32, 1)],
    **{f"{n}_derivative": [(1, 0.3), (2, -0.7), (1, 7.5), (2, -9.0)] for n in ("erfcx", "dawsn", "log_ndtr")},
    "angle_derivative": [(1, 1, 0.3, -0.7), (0, 2, 1.2, 0.4), (3, 4, -0.2, -0.5)], "rgamma_derivative": [(1, 0.3), (2, -0.7), (1, 2.5)], "psi_difference": [(0, 2.3, 0.1), (1, 0.7, 1.2), (2, 3.0, -0.2)],
    **{f"{n}_derivative": [(1, 0, 0.3), (2, 1, 2.5), (1, 2, 7.5)] for n in ("ive", "kve")},
    "around": [(0.3,), (2.32, 1)], "factorial": [(5,)], "isqrt": [(10,)], "invert": [(5,)],
    **dict.fromkeys(("comb", "perm", "gcd", "lcm", "bitand", "bitor", "bitxor"), INTEGERS),
    **dict.fromkeys(("lshift", "rshift"), INTEGERS), "nextafter_steps": [(0.7, 2.3, 3)],
    # numbers of operands
    "fma": [(0.7, 1.3, -2.0)], "where": [(True, 0.3, 0.7), (False, 0.3, 0.7)], "isclose": BINARY,
    "dist": [(0.7, 1.3, -2.0, 0.4)], "sumprod": [(0.7, 1.3, -2.0, 0.4)],
}  # fmt: skip
VARIADIC: list[tuple[Any, ...]] = [(0.7, 1.3, -2.0), (1.7, -0.4), (0.2, 0.8, -0.3, -0.9)]
# the last operand of these is what a primitive makes of the others: not for differences
DETERMINED = {
    "pow_base": "pow",
    "pow_exponent": "pow",
    "cosine": "numpy.hypot",
    "odds_share": "math.exp",
    "odds_rest": "math.exp",
}
WITHOUT_RULE = {"ive_derivative": (1,), "kve_derivative": (1,)}  # the orders of Bessel functions
NUMPY_INTEGERS = re.compile(r"numpy\.u?int\d+")


def points(prim: Prim) -> list[tuple[Any, ...]]:
    short = SHORT[prim.name]
    if short in POINTS:
        listed = POINTS[short]
        fixed = not prim.params[-1].startswith("*")
        return [p for p in listed if not fixed or len(p) <= len(prim.params)]
    if prim.params[-1].startswith("*"):
        return VARIADIC
    if NUMPY_INTEGERS.fullmatch(prim.name):
        return [(1.9,), (0.3,)]
    return {1: UNARY, 2: BINARY, 4: [(0.7, 2.3, 1e-9, 0.0)]}[len(prim.params)]


# -- a small evaluator ----------------------------------------------------------------------------------


@cache
def partial(
    name: str, index: int, types: tuple[Scalar, ...], literals: tuple[Any, ...] = ()
) -> Function | None:
    """The function (operands, y, dy) -> contribution to an operand; None where it has no partial.

    `literals` gives for each operand None, or the literal that stands there.
    """
    prim = PRIMS[name]
    text = prim.partial(index)
    assert text is not None, f"{name} says nothing of {prim.param(index)}"
    if text is ZERO:
        return None
    params = tuple(Value(f"x{i}", t) for i, t in enumerate(types))
    operands: list[Operand] = list(params)
    for i, literal in enumerate(literals):
        if literal is not None:
            operands[i] = Const(literal, types[i])
    y, dy = Value("y", prim.infer(*types)), Value("dy", Scalar("float"))
    names = prim.params[: len(operands)]
    env: dict[str, Any] = {n: o for n, o in zip(names, operands, strict=False) if n[0] != "*"}
    env |= {"y": y, "dy": dy}
    if prim.param(index).startswith("*"):
        others = [o for i, o in enumerate(operands) if i != index]
        env |= {"x": operands[index], "others": others, "index": index, "operands": operands}
    builder = Builder()
    term = builder.expand(text, env, prim.module or "math") if isinstance(text, str) else text(builder, env)
    if term is None:
        return None
    return Function("partial", (*params, y, dy), Block((), tuple(builder.ops), (term,)))


def types_of(args: tuple[Any, ...]) -> tuple[Scalar, ...]:
    return tuple(type_of(a) for a in args)  # type: ignore[misc]


def literals_of(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Integer exponents are literals, as users write them."""
    power = SHORT[name] in ("pow", "power", "float_power")
    return tuple(a if power and type(a) is int else None for a in args)


def contribution(name: str, index: int, args: tuple[Any, ...], dy: Any) -> Any:
    fn = partial(name, index, types_of(args), literals_of(name, args))
    return 0.0 if fn is None else run(fn, [*args, PRIMS[name].fn(*args), dy])[0]


def pushed(ops: tuple[AnyOp, ...], env: dict[Value, tuple[Any, Any]]) -> None:
    """Add (value, tangent) of every result to `env`: forward mode by the rules' own texts."""

    def read(o: Operand) -> tuple[Any, Any]:
        return env[o] if isinstance(o, Value) else (o.value, 0.0)  # type: ignore[union-attr]

    for op in ops:
        if isinstance(op, If):
            block = op.then if read(op.cond)[0] else op.orelse
            pushed(block.ops, env)
            for result, o in zip(op.results, block.yields, strict=True):
                env[result] = read(o)
            continue
        assert isinstance(op, Op)
        args = tuple(read(o)[0] for o in op.operands)
        tangent = 0.0
        for i, o in enumerate(op.operands):
            d = read(o)[1]
            if type(d) is not float or d != 0.0:
                fn = partial(op.prim, i, types_of(args))
                if fn is not None:
                    tangent = tangent + run(fn, [*args, PRIMS[op.prim].fn(*args), d])[0]
        env[op.result] = (PRIMS[op.prim].fn(*args), tangent)


def second(name: str, i: int, j: int, args: tuple[Any, ...]) -> Any:
    """The derivative of the partial for operand i (with dy = 1) with respect to operand j."""
    fn = partial(name, i, types_of(args), literals_of(name, args))
    if fn is None:
        return 0.0
    dy_j = contribution(name, j, args, 1.0)
    tangents = [1.0 if k == j else 0.0 for k in range(len(args))]
    if SHORT[name] in DETERMINED:
        tangents[-1] = contribution(DETERMINED[SHORT[name]], j, args[:-1], 1.0)
    values = [*args, PRIMS[name].fn(*args), 1.0]
    env = dict(zip(fn.params, zip(values, [*tangents, dy_j, 0.0], strict=True), strict=True))
    pushed(fn.body.ops, env)
    (term,) = fn.body.yields
    return env[term][1] if isinstance(term, Value) else 0.0


STENCIL = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))


def difference(f: Callable[..., Any], args: tuple[Any, ...], index: int, step: float = 4e-3) -> Any:
    """The central difference of order 8 with respect to one argument."""
    h = step * max(0.05, min(1.0, abs(args[index])))

    def at(k: int) -> Any:
        return 1.0 * f(*args[:index], args[index] + k * h, *args[index + 1 :])

    return sum(c * (at(k) - at(-k)) for k, c in STENCIL) / h


def floats(prim: Prim, args: tuple[Any, ...]) -> list[int]:
    last = len(prim.params) - 1 if SHORT[prim.name] in DETERMINED else len(args)
    return [i for i in range(last) if isinstance(args[i], float)]


def complete(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Operands with the last one made of the others."""
    count = len(PRIMS[name].params) - 1
    return (*args[:count], PRIMS[DETERMINED[SHORT[name]]].fn(*args[:count]))


def close(got: Any, want: Any, scale: float, tolerance: float) -> bool:
    return bool(abs(got - want) <= tolerance * max(abs(want), scale))


# -- derivatives ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(RULES))
def test_partials_and_second_derivatives(name: str) -> None:
    prim = PRIMS[name]
    fn = prim.fn
    if SHORT[name] in DETERMINED:
        fn = lambda *xs: prim.fn(*complete(name, xs))  # noqa: E731
    if SHORT[name].startswith("nextafter"):
        fn = lambda a, b, *_: a + 0.0 * b  # noqa: E731  # up to one ulp
    if name in ("numpy.float32",):
        fn = float
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)  # np.fix, since NumPy 2.5
        for args in points(prim):
            for i in floats(prim, args):
                want = difference(fn, args, i)
                scale = max(1.0, abs(fn(*args)))
                got = contribution(name, i, args, 1.7)
                assert close(got, 1.7 * want, scale, 1e-9), (args, prim.param(i), got, 1.7 * want)
                if "numpy" in name:
                    strong = tuple(np.float64(a) if isinstance(a, float) else a for a in args)
                    assert close(contribution(name, i, strong, np.float64(1.7)), got, scale, 1e-12)
                for j in floats(prim, args):
                    check_second(name, i, j, args)


def check_second(name: str, i: int, j: int, args: tuple[Any, ...]) -> None:
    def first(*xs: Any) -> Any:
        return contribution(name, i, xs, 1.0)

    if SHORT[name] in DETERMINED:
        first = lambda *xs: contribution(name, i, complete(name, xs), 1.0)  # noqa: E731
    want, got = difference(first, args, j), second(name, i, j, args)
    assert close(got, want, max(1.0, abs(first(*args))), 1e-8), (args, i, j, got, want)


def test_log_gamma_to_the_sixth_derivative() -> None:
    """Sums over the poles, Abramowitz & Stegun 6.4.10, with a tail by Euler and Maclaurin."""
    for n in range(1, 7):
        for x in (0.01, 0.5, 3.0, 30.0, -0.3, -2.5, -7.001):
            terms = [(-1.0) ** (n + 1) * math.factorial(n) / (x + k) ** (n + 1) for k in range(4000)]
            z = x + 4000
            tail = (-1.0) ** (n + 1) * math.factorial(n) * (
                z**-n / n + z ** -(n + 1) / 2 + (n + 1) * z ** -(n + 2) / 12
            )  # fmt: skip
            want = math.fsum([*terms, tail])
            assert close(mathematics.polygamma(n, x), want, max(map(abs, terms)) * 1e-2, 1e-13), (n, x)


EULER = 0.57721566490153286061


@pytest.mark.parametrize(
    ("x", "want"),
    [(1.0, -EULER), (0.5, -EULER - 2 * math.log(2)), (-0.5, 2 - EULER - 2 * math.log(2)), (3.0, 1.5 - EULER),
     (1e10, math.log(1e10) - 5e-11), (0.25, -EULER - math.pi / 2 - 3 * math.log(2)), (1e-200, -1e200)],
)  # fmt: skip
def test_digamma_values(x: float, want: float) -> None:
    assert mathematics.digamma(x) == pytest.approx(want, rel=1e-14)


# -- edges ----------------------------------------------------------------------------------------------

INF, NAN = math.inf, math.nan
# the primitive, its operands, the partial for each one (None: not checked)
EDGES: list[tuple[str, tuple[Any, ...], tuple[float | None, ...]]] = [
    ("math.sqrt", (0.0,), (INF,)), ("math.cbrt", (0.0,), (INF,)), ("math.asin", (1.0,), (INF,)),
    ("math.asin", (-1.0,), (INF,)), ("math.acos", (1.0,), (-INF,)), ("math.acosh", (1.0,), (INF,)),
    ("math.atan2", (0.0, 0.0), (0.0, 0.0)), ("math.atan2", (0.0, 2.0), (0.5, 0.0)),
    ("math.atan2", (0.0, -2.0), (-0.5, 0.0)), ("math.hypot", (0.0, 0.0), (0.0, 0.0)),
    ("math.hypot", (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)), ("s2sad.dist", (1.0, 2.0, 1.0, 2.0), (0.0,) * 4),
    ("s2sad.prod", (0.0, 2.0, 3.0), (6.0, 0.0, 0.0)), ("s2sad.prod", (0.0, 2.0, 0.0), (0.0, 0.0, 0.0)),
    ("math.fabs", (0.0,), (0.0,)), ("builtins.abs", (0.0,), (0.0,)),
    ("math.copysign", (0.0, -1.0), (0.0, 0.0)), ("math.copysign", (-3.0, 1.0), (-1.0, 0.0)),
    ("math.fmod", (-7.5, 2.0), (1.0, 3.0)), ("math.fmod", (1e308, 1e-10), (1.0, -INF)),
    ("math.fmod", (3.0, INF), (1.0, 0.0)), ("math.remainder", (7.5, 2.0), (1.0, -4.0)),
    ("math.ldexp", (5e-324, 1074), (INF, 0.0)), ("math.ldexp", (0.0, 10**30), (INF, 0.0)),
    ("math.ldexp", (1.0, -1074), (5e-324, 0.0)), ("s2sad.frexp_mantissa", (5e-324,), (INF,)),
    ("s2sad.frexp_mantissa", (6.0,), (0.125,)), ("s2sad.modf_fraction", (-2.75,), (1.0,)),
    ("math.tanh", (1e9,), (0.0,)), ("math.erf", (1e200,), (0.0,)), ("math.asinh", (1e200,), (1e-200,)),
    ("math.log", (5e-324,), (INF,)), ("math.log", (5e-324, 1.1), (INF, None)),
    ("math.pow", (0.0, 2.0), (0.0, 0.0)), ("math.pow", (0.0, 0.0), (0.0, None)),
    ("math.pow", (0.0, 1.0), (1.0, 0.0)), ("math.pow", (0.0, 0.5), (INF, 0.0)),
    ("math.pow", (-2.0, 3.0), (12.0, NAN)), ("pow", (-2.0, 3.0), (12.0, NAN)),
    ("pow", (0.0, 0.0), (0.0, None)), ("pow", (0.0, 2.0), (0.0, 0.0)), ("pow", (0.0, 2), (0.0, None)),
    ("builtins.max", (1.0, 1.0), (0.5, 0.5)), ("builtins.min", (1.0, 1.0, 2.0), (0.5, 0.5, 0.0)),
    ("builtins.max", (2.0, 2.0, 2.0), (1 / 3, 1 / 3, 1 / 3)), ("math.gamma", (170.5,), (None,)),
    ("math.lgamma", (INF,), (INF,)), ("math.nextafter", (1.0, 1.0), (1.0, 0.0)),
    ("numpy.sqrt", (0.0,), (INF,)), ("numpy.cbrt", (0.0,), (INF,)), ("numpy.log", (0.0,), (INF,)),
    ("numpy.log1p", (-1.0,), (INF,)), ("numpy.log2", (0.0,), (INF,)), ("numpy.log10", (0.0,), (INF,)),
    ("numpy.arctanh", (1.0,), (INF,)), ("numpy.arcsin", (1.0,), (INF,)), ("numpy.arccos", (1.0,), (-INF,)),
    ("numpy.arccosh", (1.0,), (INF,)), ("numpy.arctan2", (0.0, 0.0), (0.0, 0.0)),
    ("numpy.hypot", (0.0, 0.0), (0.0, 0.0)), ("numpy.reciprocal", (0.0,), (-INF,)),
    ("numpy.divide", (1.0, 0.0), (INF, -INF)), ("numpy.power", (0.0, -1), (-INF, None)),
    ("numpy.power", (0.0, 0.0), (0.0, None)), ("numpy.power", (1e200, 3), (INF, None)),
    ("numpy.absolute", (0.0,), (0.0,)), ("numpy.fabs", (0.0,), (0.0,)), ("numpy.sinc", (0.0,), (0.0,)),
    ("numpy.maximum", (1.0, 1.0), (0.5, 0.5)), ("numpy.minimum", (1.0, 1.0), (0.5, 0.5)),
    ("numpy.fmax", (1.0, NAN), (1.0, 0.0)), ("numpy.fmin", (NAN, 1.0), (0.0, 1.0)),
    ("numpy.fmax", (2.0, 2.0), (0.5, 0.5)), ("numpy.clip", (1.0, 1.0, 2.0), (0.5, 0.5, 0.0)),
    ("numpy.clip", (2.0, 1.0, 2.0), (0.5, 0.0, 0.5)), ("numpy.clip", (0.0, 1.0, 2.0), (0.0, 1.0, 0.0)),
    ("numpy.clip", (1.0, 1.0, 1.0), (0.25, 0.25, 0.5)), ("numpy.heaviside", (0.0, 0.5), (0.0, 1.0)),
    ("numpy.logaddexp", (-INF, -INF), (0.5, 0.5)), ("numpy.logaddexp", (INF, 1.0), (1.0, 0.0)),
    ("numpy.logaddexp", (-INF, 1.0), (0.0, 1.0)), ("numpy.logaddexp2", (1000.0, 1000.0), (0.5, 0.5)),
    ("numpy.ldexp", (1e-300, 1100), (INF, 0.0)), ("numpy.sign", (0.0,), (0.0,)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "wants"), EDGES, ids=lambda v: str(v))
def test_edges(name: str, args: tuple[Any, ...], wants: tuple[float | None, ...]) -> None:
    variants = [args]
    if name.startswith("numpy"):
        variants.append(tuple(np.float64(a) if isinstance(a, float) else a for a in args))
    with np.errstate(all="ignore"):
        for variant, (i, want) in itertools.product(variants, enumerate(wants)):
            if want is not None:
                got = contribution(name, i, variant, 1.0)
                assert got == pytest.approx(want, rel=1e-15, abs=0, nan_ok=True)


@pytest.mark.parametrize("bounds", [(0.0, None), (None, 1.0)])
def test_clip_without_a_bound(bounds: tuple[float | None, float | None]) -> None:
    assert contribution("numpy.clip", 0, (0.5, *bounds), 2.0) == 2.0
    assert contribution("numpy.clip", 0, (-5.0, *bounds), 2.0) == (0.0 if bounds[0] == 0.0 else 2.0)
    assert contribution("numpy.clip", 0, (5.0, *bounds), 2.0) == (0.0 if bounds[1] == 1.0 else 2.0)


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 5e-324, -1e-308, 1e-170, 1e200, -1.7e308, INF, -INF, NAN]
FEWER = [0.0, -1.0, 2.0, 1e-308, -1.7e308, INF, NAN]
# finite values for which nothing overflows: there the partial may not even warn
TAME = [0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 1e-5]


def grid(prim: Prim, values: list[float], fewer: list[float]) -> list[tuple[Any, ...]]:
    """All operands from `values`, where some of the points are of floats; else the points."""
    out: list[tuple[Any, ...]] = []
    for args in {tuple(map(type, p)): p for p in points(prim)}.values():
        choice = values if sum(isinstance(a, float) for a in args) < 3 else fewer
        exponents = SHORT[prim.name] in ("ldexp", "scale", "pow", "power")
        whole = [-1100, -1, 0, 1, 2, 3, 1100] if exponents else None
        out += itertools.product(*(choice if isinstance(a, float) else whole or [a] for a in args))
    return out


def determined(name: str, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Operands for which the forward value exists and is real, else None."""
    try:
        if SHORT[name] in DETERMINED:
            args = complete(name, args)
        value = PRIMS[name].fn(*args)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return args if not any(isinstance(v, complex) for v in (value, *args)) else None


@pytest.mark.parametrize("name", sorted(RULES))
def test_partials_raise_nowhere_the_forward_did_not(name: str) -> None:
    prim = PRIMS[name]
    kinds: list[Callable[[Any], Any]] = [float] + [np.float64] * name.startswith("numpy")
    with np.errstate(all="ignore"):
        for kind, args in itertools.product(kinds, grid(prim, SPECIAL, FEWER)):
            args = tuple(kind(a) if isinstance(a, float) else a for a in args)
            known = determined(name, args)
            if known is None:
                continue
            for i in floats(prim, known):
                for dy in (1.0, -1e300, 0.0):
                    try:
                        contribution(name, i, known, kind(dy))
                    except Exception as error:
                        raise AssertionError(f"{name}{known}, operand {prim.param(i)}, dy={dy}") from error


@pytest.mark.parametrize("name", sorted(n for n in RULES if n.startswith("numpy")))
def test_partials_warn_nowhere_the_forward_did_not(name: str) -> None:
    prim = PRIMS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)  # np.fix, since NumPy 2.5
        for args in grid(prim, TAME, TAME):
            args = tuple(np.float64(a) if isinstance(a, float) else a for a in args)
            try:
                prim.fn(*args)
            except (RuntimeWarning, ValueError):
                continue
            for i in floats(prim, args):
                contribution(name, i, args, np.float64(1.0))


def test_a_zero_cotangent_gives_zero_where_the_partial_is_infinite() -> None:
    for name, x in (("sqrt", 0.0), ("cbrt", 0.0), ("asin", 1.0), ("acos", -1.0), ("acosh", 1.0)):
        assert contribution(f"math.{name}", 0, (x,), 0.0) == 0.0


# -- completeness, values of the helpers ----------------------------------------------------------------


def test_every_function_of_math_has_a_rule() -> None:
    functions = {getattr(math, n) for n in dir(math) if not n.startswith("_") and callable(getattr(math, n))}
    known = set(BY_FUNCTION) | set(mathematics.SEQUENCES) | set(mathematics.TUPLES)
    assert not {f.__name__ for f in functions - known}


def test_every_real_ufunc_has_a_rule() -> None:
    complex_or_bits = {
        "conjugate", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_count", "invert", "left_shift",
        "right_shift", "isnat", "modf", "frexp", "matmul", "vecdot", "matvec", "vecmat",
    }  # fmt: skip
    found = {f for n in dir(np) if isinstance(f := getattr(np, n), np.ufunc)}
    missing = {f.__name__ for f in found - set(BY_FUNCTION) - set(mathematics.TUPLES)}
    assert missing <= complex_or_bits


def test_every_operand_has_a_partial_or_zero() -> None:
    for name, prim in RULES.items():
        none = {i for i in range(len(prim.params)) if prim.partial(i) is None}
        assert none == set(WITHOUT_RULE.get(SHORT[name], ())), name


def test_names_of_tables_are_primitives() -> None:
    tables = (mathematics.SEQUENCES, mathematics.KEYWORDS)
    named = [*itertools.chain(*(t.values() for t in tables), *mathematics.TUPLES.values())]
    assert set(named) <= set(PRIMS)


def needed(prim: Prim) -> list[str]:
    """The helpers that a helper calls, and those that they call."""
    return [name for n in prim.needs for name in (*needed(PRIMS[n]), n)]


def test_helpers_are_complete_sources() -> None:
    """The text of a helper, run with math, numpy and the helpers it needs, computes its function."""
    for name, prim in PRIMS.items():
        if (
            not prim.helper
            or prim.effect == "writes"
            or name in ON_WHOLE_ARRAYS
            or name.startswith(("scipy.", "s2sad.special."))
            or (name.startswith("s2sad.") and prim.fn.__name__ == "sumprod")
        ):
            continue
        namespace: dict[str, Any] = {"math": math, "np": np}
        for text in (*(PRIMS[n].helper for n in needed(prim)), prim.helper):
            exec(text, namespace)
        for args in points(prim):
            assert namespace[prim.fn.__name__](*args) == pytest.approx(prim.fn(*args), rel=1e-15), name


@pytest.mark.parametrize("x", [0.0, -0.0, 2.75, -2.75, 1e300, -5e-324, INF, -INF, NAN, 4.0])
def test_items_of_tuples(x: float) -> None:
    for function, names in mathematics.TUPLES.items():
        if function in (math.modf, math.frexp):
            for got, want in zip((PRIMS[n].fn(x) for n in names), function(x), strict=True):
                assert repr(got) == repr(want)


@pytest.mark.parametrize(
    "pair", list(itertools.product([0.5, -7.3, 2.0, -3.0, 0.0, INF, NAN, 1e300], repeat=2))
)
def test_substitutes_for_numba(pair: tuple[float, float]) -> None:
    with np.errstate(all="ignore"):
        for f, g in ((math.fmod, mathematics.fmod), (math.remainder, mathematics.remainder)):
            try:
                want = f(*pair)
            except ValueError:
                want = NAN
            assert g(*pair) == pytest.approx(want, rel=0, abs=0, nan_ok=True)
        assert mathematics.isclose(*pair) == math.isclose(*pair)
        assert mathematics.ulp(pair[0]) == pytest.approx(math.ulp(pair[0]), rel=0, abs=0, nan_ok=True)
        for f, g in ((np.fix, ufuncs.fix),):
            assert g(pair[0]) == pytest.approx(f(pair[0]), rel=0, abs=0, nan_ok=True)
        assert ufuncs.heaviside(*pair) == pytest.approx(np.heaviside(*pair), rel=0, abs=0, nan_ok=True)


def test_types_of_results() -> None:
    assert PRIMS["math.floor"].infer(Scalar("float")) == INT
    assert PRIMS["math.exp"].infer(INT) == Scalar("float")
    assert PRIMS["numpy.exp"].infer(Scalar("float", "float32")) == Scalar("float", "float32")
    assert PRIMS["numpy.exp"].infer(INT) == Scalar("float", "float64")
    with pytest.raises(TypeError):
        PRIMS["math.exp"].infer(Scalar("complex"))
    assert BY_FUNCTION[operator.add] is PRIMS["add"]
