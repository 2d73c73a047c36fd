"""Values that are not numbers or arrays, or have operators of their own: refused in short, wherever they come from."""

from __future__ import annotations

import decimal
import enum
import fractions
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from s2sad import S2sadError, grad, hessian, hvp, jacfwd, jvp, value_and_grad, vjp


class Doubling(np.ndarray):
    def __mul__(self, other: Any) -> Any:
        return 2.0 * np.asarray(self) * other


class Loud(float):
    def __mul__(self, other: Any) -> float:
        return 100.0

    __rmul__ = __mul__


class Seven(int):
    def __add__(self, other: Any) -> int:
        return 7

    __radd__ = __add__


class Truncated(float):
    @property
    def real(self) -> float:
        return 0.0


class LoudOfNumpy(np.float64):
    def __mul__(self, other: Any) -> float:
        return 5.0


class LoudComplex(complex):
    def __mul__(self, other: Any) -> float:
        return 5.0


class Table:
    """Like a data frame: it has arithmetic, converts itself to an array and shows all that it holds."""

    def __init__(self) -> None:
        self.values = np.arange(3.0)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.values

    def __mul__(self, other: Any) -> Any:
        return self.values * other

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return "\n".join(f"row {i}" for i in range(200))


class Metres(float):
    """Arithmetic gives plain floats."""

    def __repr__(self) -> str:
        return f"{float(self)} m"


class Mode(enum.IntEnum):
    ONE = 1
    TWO = 2


class Flags(enum.IntFlag):
    A = 1
    B = 2


@dataclass
class Held:
    a: Any


FOREIGN: dict[str, Any] = {
    "matrix": np.asmatrix(np.array([[1.0, 2.0]])),
    "masked": np.ma.array([1.0, 2.0], mask=[False, True]),
    "subclass": np.array([1.0, 2.0]).view(Doubling),
    "recarray": np.zeros(2, dtype=[("a", float)]).view(np.recarray),
    "float": Loud(2.0),
    "int": Seven(2),
    "property": Truncated(2.0),
    "float64": LoudOfNumpy(2.0),
    "complex": LoudComplex(2.0),
    "table": Table(),
    "decimal": decimal.Decimal("2"),
    "fraction": fractions.Fraction(1, 2),
    "objects": np.array([1.0, None] * 1000, dtype=object),
    "strings": np.array(["a", "b"]),
    "bytes": np.array([b"a"]),
    "structured": np.zeros(300, dtype=[("a", float), ("b", int)]),
    "dates": np.array(["2020-01-01"], dtype="datetime64[D]"),
    "void": np.zeros(1, dtype="V4")[0],
    "numbers and None": [1.0, None],
}
HERE: Any = None


def argument(x, a):
    return np.sum(x * a)


def in_a_list(x, a):
    return np.sum(x * a[0])


def in_a_dict(x, a):
    return np.sum(x * a["k"])


def in_a_record(x, a):
    return np.sum(x * a.a)


def in_a_function(x):
    return np.sum(x * HERE)


def by_itself(a):
    return np.sum(a)


def summed(x, a):
    s = x[0]
    for v in a:
        s = s + v
    return s


WAYS: dict[str, tuple[Callable[..., Any], Callable[[Any], tuple[Any, ...]]]] = {
    "argument": (argument, lambda v: (np.ones(2), v)),
    "list": (in_a_list, lambda v: (np.ones(2), [v, v])),
    "dict": (in_a_dict, lambda v: (np.ones(2), {"k": v})),
    "record": (in_a_record, lambda v: (np.ones(2), Held(v))),
    "loop": (summed, lambda v: (np.ones(2), (v, v))),
    "wrt": (by_itself, lambda v: (v,)),
}
KINDS: dict[str, Callable[..., Any]] = {
    "grad": lambda f, args: grad(f)(*args),
    "vjp": lambda f, args: vjp(f, *args),
    "jvp": lambda f, args: jvp(f, args, (np.ones(2), *[None] * (len(args) - 1))),
    "jacfwd": lambda f, args: jacfwd(f)(*args),
}


def short(error: pytest.ExceptionInfo[S2sadError]) -> None:
    text = str(error.value)
    assert "test_foreign_values.py:" in text and "help: " in text
    assert text.count("\n") <= 3 and len(text) < 500, text  # two lines, and the user's line with a caret


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FOREIGN)
def test_refused_in_short(name: str, way: str) -> None:
    f, arguments = WAYS[way]
    for kind, made in KINDS.items():
        if name == "numbers and None" and (way == "loop" or kind == "jvp"):
            continue
        with pytest.raises(S2sadError) as error:
            made(f, arguments(FOREIGN[name]))
        short(error)


@pytest.mark.parametrize("name", FOREIGN)
def test_refused_as_a_global(name: str) -> None:
    global HERE
    HERE = np.ones(2)
    g = grad(in_a_function)
    g(np.ones(2))
    HERE = FOREIGN[name]
    with pytest.raises(S2sadError) as error:
        g(np.ones(2))
    short(error)
    HERE = 3.0
    assert g(np.ones(2)).tolist() == [3.0, 3.0]


@pytest.mark.jit
@pytest.mark.parametrize("name", ["matrix", "float", "objects", "table"])
def test_refused_where_compiled(name: str) -> None:
    with pytest.raises(S2sadError) as error:
        grad(argument, jit=True)(np.ones(2), FOREIGN[name])
    short(error)


def test_an_array_then_one_of_a_subclass() -> None:
    g = grad(argument)
    x = np.array([1.0, 2.0])
    assert g(x, x).tolist() == [1.0, 2.0]
    with pytest.raises(S2sadError):
        g(x, x.view(Doubling))
    with pytest.raises(S2sadError):
        g(x.view(Doubling), x)


def scaled(x, k):
    return k * x * x + (x if k == 1 else 0.0)


@pytest.mark.parametrize(
    "k", [Metres(2.0), Mode.TWO, Flags.B, np.float64(2.0), np.int64(2), np.float32(2.0), True]
)
def test_numbers_of_classes_without_operators_of_their_own(k: Any) -> None:
    assert value_and_grad(scaled)(3.0, k) == (scaled(3.0, k), 2.0 * float(k) * 3.0 + (1.0 if k == 1 else 0.0))
    assert hessian(scaled)(3.0, k) == 2.0 * float(k)


BODIES = """np.array([x, None])[0]
np.array([x, None], dtype=object)[0]
np.array([x, 'a'])[0]
np.array(['a', 'b'])[0] == 'a'
np.zeros(2, dtype=object)[0]
np.empty(2, dtype=object)[0]
np.array([x]).astype(object)[0]
np.array([x]).astype(str)[0]
np.asarray([x], dtype='U3')[0]
np.full(3, None)[0]
np.full(3, 'a')[0]
np.zeros(2, dtype=[('a', float)])['a'][0]
np.array([(x, 1.0)], dtype=[('a', float), ('b', float)])['a'][0]
np.array([None])[0]
np.sum([x, None])
np.array([x, 1.0], dtype=object).sum()
np.ones_like(np.array([x]), dtype=object)[0]
np.array([x])['a']
np.dot([x, None], [1.0, 2.0])
sum(np.array([x, 2.0], dtype='O'))
np.array([x], dtype='datetime64[D]')[0]
np.arange(3, dtype=object)[1] * x
np.concatenate([np.array([x]), np.array(['a'])])[0]
np.where(x > 0, x, None)
np.linspace(0.0, x, 3, dtype=object)[1]
np.array([x, 1.0]) * [1.0, None]
np.maximum([x, None], 0.0)[0]
np.array(x, dtype='f8,f8')['f0']
np.sum(np.array([x]), dtype=object)
np.cumsum(np.array([x]), dtype=object)[0]
np.require([x], dtype=object)[0]
np.tile([x, None], 2)[0]
np.array([[x, 1.0], [2.0]], dtype=object)[0][0]""".splitlines()


def test_arrays_of_what_are_no_numbers_made_inside(tmp_path: Any) -> None:
    import runpy

    path = tmp_path / "made_inside.py"
    path.write_text(
        "import numpy as np\n" + "".join(f"\n\ndef f{i}(x):\n    return {b}\n" for i, b in enumerate(BODIES))
    )
    space = runpy.run_path(str(path))
    for i, body in enumerate(BODIES):
        for made in (grad, jacfwd):
            with pytest.raises(S2sadError) as error:
                made(space[f"f{i}"])(0.7)
            assert f"made_inside.py:{4 * i + 5}:" in str(error.value), body


# -- tangents, cotangents and vectors -------------------------------------------------------------------


def cube(x):
    return x * x * x


def cubes(x):
    return np.sum(x * x * x)


V = np.array([1.0, 2.0])
NO_TANGENTS = [
    (cube, 2.0, ["a", b"a", None, 1j, Loud(1.0), LoudOfNumpy(1.0), Table(), np.array([1.0]), [1.0],
                 decimal.Decimal(1), fractions.Fraction(1)]),
    (cubes, V, [V.view(Doubling), np.ma.array(V), V.astype(object), np.array(["a", "b"]), V + 0j,
                Table(), [1.0, 2.0], "ab", 1.0]),
    (lambda x: x[0] * x[1], [2.0, 3.0], [["a", "b"], [1.0, None], [Loud(1.0), 1.0], [1.0], V, [1.0, 1j]]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("f", "x", "d"), [(f, x, d) for f, x, ds in NO_TANGENTS for d in ds], ids=lambda v: type(v).__name__
)
def test_directions_that_are_none_are_refused(f: Any, x: Any, d: Any) -> None:
    def same(v):
        return v

    calls = [lambda: vjp(same, x)[1](d)] if d is None else []  # no tangent is one of zeros
    calls += [lambda: jvp(f, (x,), (d,)), lambda: vjp(same, x)[1](d)] if d is not None else []
    calls += [lambda: hvp(f)(x, d)] if isinstance(x, np.ndarray) else []
    for call in calls:
        with pytest.raises(S2sadError) as error:
            call()
        assert len(str(error.value).splitlines()) <= 4


@pytest.mark.parametrize("d", [np.float32(0.1), 1, True, np.int64(3), np.array(0.1), np.array(0.1, "f4")])
def test_numbers_as_directions_keep_the_precision_of_the_value(d: Any) -> None:
    assert jvp(cube, (2.1,), (d,))[1] == pytest.approx(3 * 2.1**2 * float(d), rel=1e-15)
    assert vjp(cube, 2.1)[1](d)[0] == pytest.approx(3 * 2.1**2 * float(d), rel=1e-15)
    for made in (jvp(cube, (np.float32(2.0),), (d,))[1], vjp(cube, np.float32(2.0))[1](d)[0]):
        assert made.dtype == "float32"
    assert jvp(cube, (np.array(2.0),), (d,))[1] == pytest.approx(12.0 * float(d), rel=1e-15)


# -- calls of compiled code after the first -------------------------------------------------------------


class Level(enum.IntEnum):
    HIGH = 3


def times_square(x, k):
    return x * x * k


@pytest.mark.parametrize("k", [Loud(2.0), Seven(2)], ids=lambda k: type(k).__name__)
def test_refused_by_compiled_code_that_takes_such_numbers(k: Any) -> None:
    made = grad(times_square, jit=True)
    assert made(1.5, 2.0) == 6.0
    with pytest.raises(S2sadError, match="operators of its own"):
        made(1.5, k)


LEVEL = Level.HIGH


def with_levels(x, t, n):
    s = 0.0
    for i in range(n):
        s += x * x * t[0] * LEVEL
    return s


def test_members_of_enumerations_in_compiled_code() -> None:
    made = grad(times_square, jit=True)
    assert made(2.0, Level.HIGH) == made(2.0, 3) == made(2.0, Level.HIGH) == 12.0
    made = grad(with_levels, jit=True)
    for t in ((Level.HIGH, 1.0), [Level.HIGH, Level.HIGH]):
        assert made(2.0, t, Level.HIGH) == 4.0 * 27.0
