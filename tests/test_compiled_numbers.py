"""Compiled arithmetic of integers, truth values, small dtypes and mixtures: what Python and NumPy give, or an error.

The matrix is one function: operations of each pair of types, chosen by whether the primal gives something for all the values.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s2sad import jvp, value_and_grad
from s2sad.errors import JitError

VALUES: dict[str, tuple[Any, Any]] = {
    "pb": (True, False), "pi": (3, -7), "pf": (2.5, -0.75), "nb": (np.True_, np.False_),
    "i8": (np.int8(-128), np.int8(100)), "u8": (np.uint8(200), np.uint8(3)), "i32": (np.int32(2**30), np.int32(-5)),
    "i64": (np.int64(-9), np.int64(2**40)), "u64": (np.uint64(2**63 + 5), np.uint64(7)), "f32": (np.float32(1.1), np.float32(-3.3)),
    "f64": (np.float64(0.7), np.float64(-20.0)),
}  # fmt: skip
BINARY = ("+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>", "<", ">=", "==")
UNARY = (
    "-{}", "+{}", "~{}", "abs({})", "round({})", "round({}, 1)", "round({}, -1)", "int({})", "float({})", "bool({})",
    "np.abs({})", "np.sign({})", "np.square({})", "np.negative({})", "np.round({}, 1)", "{} ** 2", "{} ** 3", "{} ** -1", "{} ** 0.5",
    "2 ** {}", "{} // 2", "{} % 3", "{} % -3", "{} // 2.0", "{} / 2", "{} + 1", "{} * 1.5", "-1 * {}", "200 - {}", "min({}, 1)",
    "max({}, 0.5)", "np.maximum({}, 1)", "np.add({}, {})", "np.floor_divide({}, 2)", "np.fmod({}, 3)", "np.power({}, 2)", "np.mod({}, 3)", "{} << 1",
    "{} >> 1", "{} & 6", "1 if {} else 0",
)  # fmt: skip
REFUSED = {"round(u64, -1)"}


def defined(expression: str, values: dict[str, Any]) -> bool:
    """Whether the primal gives a real number; of Python's integers to computed negative powers it is refused."""
    try:
        found = eval(expression, {"np": np}, values)
    except Exception:
        return False
    a, _, b = expression.partition(" ** ")
    return not isinstance(found, complex) and not (
        type(found) is float and a in ("pi", "pb", "2") and b in ("pi", "pb")
    )


def expressions(kinds: tuple[str, ...]) -> list[str]:
    found = [f"{a} {o} {b}" for a, b in itertools.product(kinds, kinds) for o in BINARY]
    found += [u.replace("{}", a) for a in kinds for u in UNARY]
    rows = [{k: VALUES[k][i] for k in kinds} for i in (0, 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [e for e in found if e not in REFUSED and all(defined(e, row) for row in rows)]


def made(path: Path, kinds: tuple[str, ...], parts: list[str]) -> Callable[..., Any]:
    """The function of all the expressions, in a file."""
    listed = ",\n        ".join(parts)
    path.write_text(
        f"import numpy as np\n\n\ndef f(x, {', '.join(kinds)}):\n    return (\n        x * x,\n        {listed},\n    )\n"
    )
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.f  # type: ignore[no-any-return]


def alike(found: Any, expected: Any) -> bool:
    if isinstance(expected, float | np.floating):  # powers by other algorithms in the last digits
        return bool(
            np.isclose(
                found,
                expected,
                rtol=1e-6 if isinstance(expected, np.float32) else 1e-13,
                atol=0.0,
                equal_nan=True,
            )
        )
    return bool(found == expected)


SAMPLES = [("pb", "pi", "nb", "i8"), ("u8", "i32", "pf"), ("i64", "u64", "nb"), ("f32", "pf", "pi")]
SLOW = [("i8", "u8", "i32", "pi"), ("f32", "f64", "u8", "nb"), ("pb", "pf", "f64", "i64")]


@pytest.mark.parametrize(
    "kinds",
    [*SAMPLES[::3], *(pytest.param(k, marks=pytest.mark.slow) for k in (*SAMPLES[1:3], *SLOW))],
    ids="-".join,
)
def test_the_matrix(kinds: tuple[str, ...], tmp_path: Path) -> None:
    parts = expressions(kinds)
    f = made(tmp_path / f"matrix_{'_'.join(kinds)}.py", kinds, parts)
    wrong = []
    for i in (0, 1):
        args = (0.5, *(VALUES[k][i] for k in kinds))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = f(*args)
            plain, _ = jvp(f, args, (1.0,) + (None,) * len(kinds))
            compiled, _ = jvp(f, args, (1.0,) + (None,) * len(kinds), jit=True)
        for text, e, p, c in zip(["x * x", *parts], expected, plain, compiled, strict=True):
            if not (type(p) is type(e) and alike(p, e) and alike(c, e)):
                wrong.append((text, i, e, p, c))
    assert not wrong


# -- arrays, and what raises ------------------------------------------------------------------------------


def root_of_array(x: float, a: np.ndarray) -> float:
    return np.sum(x * a**0.5)


def power_of_array(x: float, a: np.ndarray, p: Any) -> float:
    return np.sum(x * a**p)


def inverse_of_array(x: float, k: np.ndarray) -> float:
    return np.sum(x * k**-1)


def norm(x: float, a: np.ndarray) -> float:
    return x * np.linalg.norm(a)


def truths(x: float, m: np.ndarray) -> float:
    return np.sum(x * (m + m)) + np.sum(x * (m * m))


def difference(x: float, u: np.ndarray, v: np.ndarray) -> float:
    return np.sum(x * (u - v)) + x * (u[0] - u[1])


def quotients(x: float, k: np.ndarray, m: Any) -> float:
    return np.sum(x * (k // m)) + np.sum(x * (k % m))


def squares(x: float, k: np.ndarray) -> float:
    return np.sum(x * (k * k)) + np.sum(x * abs(k)) + np.mean(k) * x


def shifts(x: float, k: np.ndarray) -> float:
    return np.sum(x * (k << 3))


def compared(x: float, k: np.ndarray, u: np.ndarray) -> float:
    return np.sum(x * (k < u))


def in_loop(x: float, u: np.ndarray) -> float:
    total = 0.0
    for i in range(len(u) - 1):
        total += x * (u[i] - u[i + 1])
    return total


def through_helper(x: float, n: int) -> float:
    def inverse_square(k: int) -> float:
        return k**-2

    return x * inverse_square(n) + x * (5 // n) + x * (5 % n) + x * (5 / n)


def inverse(x: float, n: int) -> float:
    return x * n**-1


def computed_power(x: float, n: int, m: int) -> float:
    return x * n**m


def pair(x: float, n: int, m: int) -> float:
    q, r = divmod(n, m)
    return x * q + r


def shifted(x: float, n: int, m: int) -> float:
    return x * (n << m) + x * (n >> m)


def whole(x: float, y: float) -> float:
    return x * int(y)


def remainder(x: float, y: float) -> float:
    return x // y + x % y


def remainders(x: float, n: int, k: np.ndarray) -> float:
    """With the sign of the dividend."""
    whole = x * math.fmod(-n, 2) + x * np.fmod(-n, 2) + x * math.fmod(n, -2)
    return whole + np.sum(x * np.fmod(k, np.array([3, -3, 7], k.dtype)))


def truths_of_numbers(x: float, n: int) -> float:
    """NumPy's sum of them is an or, Python's an integer."""
    a, b = np.bool_(n > 1), np.bool_(n > 2)
    return x * float(a + b) + x * float(np.bool_(True) + a) + x * ((n > 1) + (n > 2)) + x * float(a * b)


def truths_together(x: float, n: int) -> float:
    every, some = True, False
    for k in range(n):
        every = every & (n > k)
        some |= k > 1
    return x * float(every | (n > 7)) + x * float(True & some) + x * ((n > 1) ^ (n > 2)) + x * (True | n)


def inner(x: float, k: np.ndarray) -> float:
    return x * float(np.dot(k, k)) + x * float(k @ k)


I8, U8 = np.array([-128, 5, 100], np.int8), np.array([100, 200, 3], np.uint8)
CASES: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (root_of_array, (np.array([-np.inf, 4.0]),)),
    (power_of_array, (np.array([-np.inf, 4.0]), 0.5)),
    (power_of_array, (np.array([-np.inf, 4.0]), 1.5)),
    (power_of_array, (np.array([2, 3]), 2)),
    (power_of_array, (np.array([2, 3]), -1)),
    (inverse_of_array, (np.array([2, 0]),)),
    (norm, (np.array([1e308, -1e308, 1.0]),)),
    (norm, (np.array([1e-200, 1e-200]),)),
    (norm, (np.array([3, 4]),)),
    (norm, (np.array([[3.0, 4.0]]),)),
    (truths, (np.array([True, False]),)),
    (difference, (U8, U8[::-1].copy())),
    (quotients, (np.array([5, -7]), np.array([0, 2]))),
    (quotients, (np.array([5, -7]), 0)),
    (quotients, (U8, np.uint8(0))),
    (squares, (I8,)),
    (squares, (np.array([2**30, 3], np.int32),)),
    (shifts, (U8,)),
    (compared, (I8, U8)),
    (compared, (np.array([-1]), np.array([2**63 + 1], np.uint64))),
    (in_loop, (U8,)),
    (remainders, (3, I8)),
    (remainders, (-3, np.array([-7, 8, 0]))),
    (truths_of_numbers, (3,)),
    (truths_together, (3,)),
    (inner, (I8,)),
    (inner, (np.array([True, True]),)),
    (through_helper, (3,)),
    (through_helper, (0,)),
    (inverse, (0,)),
    (inverse, (-4,)),
    (computed_power, (3, 4)),
    (computed_power, (0, -1)),
    (pair, (7, 0)),
    (pair, (-7, 2)),
    (shifted, (5, 3)),
    (shifted, (0, 70)),
    (shifted, (5, -1)),
    (whole, (-2.7,)),
    (whole, (np.nan,)),
    (remainder, (0.0,)),
    (remainder, (-0.3,)),
]
BEYOND = [(computed_power, (3, -2)), (computed_power, (10, 30)), (shifted, (5, 70)), (whole, (1e300,))]


@pytest.mark.parametrize(("fn", "args"), CASES, ids=[f"{f.__name__}-{k}" for k, (f, _) in enumerate(CASES)])
def test_the_value_or_the_exception(fn: Any, args: tuple[Any, ...]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = fn(0.5, *args)
        except Exception as error:
            for jit in (False, True):
                with pytest.raises(type(error)):
                    value_and_grad(fn, jit=jit)(0.5, *args)
            return
        for jit in (False, True):
            found = value_and_grad(fn, jit=jit)(0.5, *args)[0]
            np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize(("fn", "args"), BEYOND)
def test_what_int64_cannot_hold_raises(fn: Any, args: tuple[Any, ...]) -> None:
    assert np.isfinite(value_and_grad(fn)(0.5, *args)[0])
    with pytest.raises((OverflowError, ValueError), match="compiled code"):
        value_and_grad(fn, jit=True)(0.5, *args)


def too_large(x: float, u: Any) -> float:
    return x * (u + 300) if x > 100.0 else x


def test_a_number_that_no_dtype_holds_is_refused() -> None:
    with pytest.raises(JitError, match="300 does not fit into uint8"):
        value_and_grad(too_large, jit=True)(0.5, np.uint8(3))


def rounded(x: float, y: float) -> Any:
    return (
        x,
        round(y, 2),
        round(y, 0),
        round(y, 5),
        round(y, 17),
        round(y, -1),
        round(y, -3),
        round(y, 22),
        round(y, 30),
    )


def test_rounding_is_that_of_python() -> None:
    rng = np.random.default_rng(0)
    values = [
        2.675,
        0.125,
        2.5,
        -0.005,
        1e22,
        1e300,
        1.0,
        25.0,
        -15.0,
        1500.0,
        0.0,
        np.inf,
        1e-5,
        123456789.995,
    ]
    values += [round(v, 3) + 0.0005 for v in rng.uniform(-100, 100, 300)] + list(
        rng.normal(size=300) * 10.0 ** rng.integers(-5, 20, 300)
    )
    for y in map(float, values):
        if 0.0 < abs(y) < 1e-6 or 9.2e18 <= abs(y) < np.inf:
            continue
        assert jvp(rounded, (0.5, y), (1.0, 0.0), jit=True)[0] == rounded(0.5, y)
