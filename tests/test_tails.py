"""Derivatives of the first three orders far out and near the edges, where the textbook formula cancels, overflows or underflows.

The expected numbers are those of mpmath with 900 digits, by differences.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")
import scipy.special as sp
from scipy.special import log_ndtr, logsumexp
from scipy.stats import norm

from s2sad import grad, hessian, jvp

TABLE = [
    ("sp.erfcx", -3.0, -97237.06150316462, 615834.3467269868, -4083954.3263745797),
    ("sp.erfcx", 0.0, -1.1283791670955126, 2.0, -4.51351666838205),
    ("sp.erfcx", 1.5, -0.16362291773256007, 0.1523020797109548, -0.19758543179737587),
    ("sp.erfcx", 2.5, -0.07434734678979467, 0.04987599417331381, -0.048009416292609644),
    ("sp.erfcx", 40.0, -0.0003522884252874839, 1.75979437569139e-05, -1.3182005968235873e-06),
    ("sp.erfcx", 10000.0, -5.641895750849127e-09, 1.1283791332441388e-12, -3.3851373320296714e-16),
    ("sp.erfcx", 300000000.0, -6.268773150530625e-18, 4.1791821003537504e-26, -4.17918210035375e-34),
    ("sp.dawsn", -10000.0, -5.000000075000002e-09, -1.000000030000001e-12, -3.000000150000008e-16),
    ("sp.dawsn", 1e-30, 1.0, -4e-30, -4.0),
    ("sp.dawsn", 3.0, -0.06962618366334973, 0.06121504075898177, -0.08878550990049172),
    ("sp.dawsn", 6.4, -0.012683979662511771, 0.004123067857883224, -0.0020393499308581846),
    ("sp.dawsn", 6.6, -0.011898407021668623, 0.003741032228197221, -0.0017879973255288276),
    ("sp.dawsn", 10000.0, -5.000000075000002e-09, 1.000000030000001e-12, -3.000000150000008e-16),
    ("sp.dawsn", 300000000.0, -5.5555555555555555e-18, 3.703703703703704e-26, -3.703703703703704e-34),
    ("sp.log_ndtr", -100000000.0, 100000000.00000001, -0.9999999999999999, 1.9999999999999976e-24),
    ("sp.log_ndtr", -100000.0, 100000.00001, -0.9999999999, 1.9999999976e-15),
    ("sp.log_ndtr", -40.0, 40.02496884720726, -0.9993773316214086, 3.101744039648625e-05),
    ("sp.log_ndtr", -3.9, 4.130365320908112, -0.9514929326187352, 0.01883906583398664),
    ("sp.log_ndtr", -4.1, 4.321027583581156, -0.9550662853864653, 0.01693617294095408),
    ("sp.log_ndtr", 2.0, 0.055247862678989956, -0.11354805168857644, 0.1843948150324776),
    ("sp.log_ndtr", 12.0, 2.1463837356630605e-32, -2.5756604827956722e-31, 3.0693287419981763e-30),
    ("sp.expit", -30.0, 9.357622968838423e-14, 9.357622968836672e-14, 9.35762296883317e-14),
    ("sp.expit", 1e-60, 0.25, -1.25e-61, -0.125),
    ("sp.expit", 40.0, 4.248354255291589e-18, -4.248354255291589e-18, 4.248354255291589e-18),
    ("sp.expit", 300.0, 5.148200222412013e-131, -5.148200222412013e-131, 5.148200222412013e-131),
    ("sp.log_expit", -40.0, 1.0, -4.248354255291589e-18, -4.248354255291589e-18),
    ("sp.log_expit", 40.0, 4.248354255291589e-18, -4.248354255291589e-18, 4.248354255291589e-18),
    ("sp.logit", 1e-120, 1e+120, -1e+240, math.inf),
    ("sp.logit", 0.3, 4.761904761904762, -9.070294784580499, 79.90497786416155),
    ("math.expm1", -40.0, 4.248354255291589e-18, 4.248354255291589e-18, 4.248354255291589e-18),
    ("math.expm1", -1e-20, 1.0, 1.0, 1.0),
    ("math.expm1", 2.0, 7.38905609893065, 7.38905609893065, 7.38905609893065),
    ("math.asin", 1e-60, 1.0, 1e-60, 1.0),
    ("math.asin", 0.5, 1.1547005383792515, 0.769800358919501, 3.079201435678004),
    ("math.asin", 0.9999999999, 70710.67519510884, 353553346704731.44, 5.303299761862369e+24),
    ("math.acos", -1e-60, -1.0, 1e-60, -1.0),
    ("math.atanh", 1e-60, 1.0, 2e-60, 2.0),
    ("math.atanh", 0.5, 1.3333333333333333, 1.7777777777777777, 8.296296296296296),
    ("np.arcsin", 1e-60, 1.0, 1e-60, 1.0),
    ("sp.exprel", 0.5, 0.7025574585997437, 0.48721270700128144, 0.37416629939256746),
    ("sp.exprel", -0.5, 0.36081604172419945, 0.230202847471531, 0.16815576540391908),
    ("sp.exprel", 3.0, 4.5745637607083705, 3.645469800590309, 3.0497091738055806),
    ("np.sinc", 1000000.25, 7.071063793309299e-07, -2.2214423279313597e-06, -6.978855790597948e-06),
    ("sp.i0e", -300.0, 3.843637481651089e-05, 1.9234283212528122e-07, 1.604201632955416e-09),
    ("sp.i0e", 1000.0, -6.310198962627116e-06, 9.467668325601487e-09, -2.367509997283033e-11),
    ("sp.i0e", 1000000.0, -1.9947121500246404e-10, 2.992068973055139e-16, -7.480174302684696e-22),
    ("sp.i0e", 10000000000.0, -1.994711402081965e-16, 2.9920671031977495e-26, -7.480167758181377e-36),
    ("sp.i1e", 2.5, -0.019172067731570437, -0.0035673533317349257, 0.016706122199689987),
    ("sp.i1e", 10000.0, -1.9944869852852436e-07, 2.991506049515319e-11, -7.478204029372813e-15),
    ("sp.i1e", 100000000.0, -1.99471137956666e-13, 2.9920670469094864e-21, -7.480167561172457e-29),
    ("sp.k0e", 0.3, -2.2725304614724555, 9.205464951203322, -65.6841410536734),
    ("sp.rgamma", 0.0, 1.0, 1.1544313298030657, -3.9352684291215234),
    ("sp.rgamma", -2.0, 2.0, -3.6911373403938685, -12.260418826470637),
    ("sp.rgamma", -7.0, -5040.0, 20317.66609779255, -13699.921263628134),
    ("sp.rgamma", 1e-20, 1.0, 1.1544313298030657, -3.9352684291215234),
    ("sp.rgamma", -1.9999999999, 1.9999999996308861, -3.6911373416199105, -12.26041882056461),
    ("sp.rgamma", 0.3, 1.170798412677589, 0.007458086737341921, -3.4860266190317066),
    ("sp.rgamma", -20.5, 1.0740690459712119e+19, 1.948392579048794e+18, -2.1693010578224814e+20),
    ("sp.exprel", 700.0, 1.4468330739995269e+301, 1.444769126552865e+301, 1.4427110676504942e+301),
    ("sp.i1", 3.0, 3.5630025133974876, 3.204966070425959, 2.9936165879066015),
    ("sp.k0e", 40.0, -0.0024543822971353152, 9.148458709020662e-05, -5.683727459245755e-06),
    ("sp.k1e", 90.0, -0.0007430714843864776, 1.2485305802209054e-05, -3.496009294612674e-07),
    ("sp.k1e", 3.0, -0.16005261129132717, 0.09171830568280445, -0.08541788201065341),
]  # fmt: skip
"""A function, a point, and its first three derivatives there."""
INF = math.inf


@cache
def functions(directory: Path) -> Any:
    """Each function of the table of one number, and the sum of it over an array."""
    names = dict.fromkeys(row[0] for row in TABLE)
    path = directory / "tail_functions.py"
    lines = ["import math", "", "import numpy as np", "import scipy.special as sp"]
    for name in names:
        short = name.replace(".", "_")
        lines += ["", "", f"def {short}(x):", f"    return {name}(x)"]
        if not name.startswith("math"):
            lines += ["", "", f"def sum_{short}(x):", f"    return np.sum({name}(x))"]
    path.write_text("\n".join(lines) + "\n")
    spec = importlib.util.spec_from_file_location("tail_functions", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tails")


@pytest.mark.parametrize("name", list(dict.fromkeys(row[0] for row in TABLE)))
def test_three_orders(name: str, directory: Path) -> None:
    short = name.replace(".", "_")
    first = grad(getattr(functions(directory), short))
    second = grad(first)
    third = grad(second)
    rows = [row for row in TABLE if row[0] == name]
    for _, x, *expected in rows:
        with np.errstate(all="ignore"):
            found = [float(d(x)) for d in (first, second, third)]
            _, tangent = jvp(first, (x,), (1.0,))
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=0.0, err_msg=f"{name} at {x}")
        np.testing.assert_allclose(float(tangent), expected[1], rtol=1e-10, atol=0.0)


@pytest.mark.parametrize(
    "name", list(dict.fromkeys(row[0] for row in TABLE if not row[0].startswith("math")))
)
def test_two_orders_of_arrays(name: str, directory: Path) -> None:
    f = getattr(functions(directory), f"sum_{name.replace('.', '_')}")
    points = np.array([row[1] for row in TABLE if row[0] == name])
    with np.errstate(all="ignore"):
        first, second = grad(f)(points), np.diag(hessian(f)(points))
    np.testing.assert_allclose(first, [row[2] for row in TABLE if row[0] == name], rtol=1e-10, atol=0.0)
    np.testing.assert_allclose(second, [row[3] for row in TABLE if row[0] == name], rtol=1e-10, atol=0.0)


def together(a: float, b: float, c: float, d: float, e: float, p: np.ndarray) -> float:
    s = (
        np.sum(sp.i0e(p) + sp.k1e(p) + sp.rgamma(p) + sp.betaln(p, 0.01))
        + np.sum(sp.erfcx(p))
        + np.sum(sp.dawsn(p))
        + np.sum(log_ndtr(-p))
        + np.sum(sp.expit(p))
        + np.sum(np.logaddexp(p, 0.0))
    )
    return s + sp.erfcx(a) + sp.dawsn(b) + log_ndtr(c) + sp.expit(d) + np.expm1(e)


def test_compiled() -> None:
    args = (1e4, 1e4, -1e5, 40.0, -40.0, np.array([0.3, 40.0, 1e4]))
    plain, compiled = (
        hessian(together, wrt=(0, 1, 2, 3, 4, 5))(*args),
        hessian(together, wrt=(0, 1, 2, 3, 4, 5), jit=True)(*args),
    )
    for i in range(5):
        np.testing.assert_allclose(compiled[i][i], plain[i][i], rtol=1e-11, atol=0.0)
    np.testing.assert_allclose(compiled[5][5], plain[5][5], rtol=1e-11, atol=0.0)
    expected = [
        1.1283791332441388e-12,
        1.000000030000001e-12,
        -0.9999999999,
        -4.248354255291589e-18,
        4.248354255291589e-18,
    ]
    np.testing.assert_allclose([compiled[i][i] for i in range(5)], expected, rtol=1e-10, atol=0.0)


# -- two numbers ------------------------------------------------------------------------------------------


def beta(a: float, b: float) -> float:
    return sp.beta(a, b)


def betaln(a: float, b: float) -> float:
    return sp.betaln(a, b)


def sum_of_betaln(a: np.ndarray, b: np.ndarray) -> float:
    return np.sum(sp.betaln(a, b))


def power(a: float, b: float) -> float:
    return a**b


def powers(a: np.ndarray, b: np.ndarray) -> float:
    return np.sum(a**b)


PAIRS = [
    (beta, 0.5, 1e-20), (betaln, 1e8, 1e-20), (betaln, 2.0, 0.1), (betaln, 1e-20, 1e-8), (betaln, 3.0, 5.0),
    (power, 1e-300, 2.0), (power, 1e-300, 1.5), (power, -1e-200, 3.0),
]  # fmt: skip


@pytest.mark.parametrize(("fn", "a", "b"), PAIRS)
def test_two_numbers(fn: Callable[..., Any], a: float, b: float) -> None:
    mp = pytest.importorskip("mpmath")
    exact = {beta: mp.beta, betaln: lambda a, b: mp.log(mp.beta(a, b)), power: lambda a, b: a**b}[fn]
    with mp.workdps(900 if abs(a) < 1e-100 else 200):
        h = mp.mpf(10) ** (-350 if abs(a) < 1e-100 else -60)
        low, mid, high = (exact(mp.mpf(a) + k * h, mp.mpf(b)) for k in (-1, 0, 1))
        expected = float((high - low) / (2 * h)), float((high - 2 * mid + low) / h**2)
    found = float(grad(fn)(a, b)), float(grad(grad(fn))(a, b))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-320)
    whole = {betaln: sum_of_betaln, power: powers}.get(fn)
    if whole is not None:
        points = np.array([a, 2.0]), np.array([b, 3.0])
        np.testing.assert_allclose(grad(whole)(*points)[0], expected[0], rtol=1e-10, atol=1e-320)
        np.testing.assert_allclose(hessian(whole)(*points)[0, 0], expected[1], rtol=1e-10, atol=1e-320)


# -- sums of exponentials -----------------------------------------------------------------------------------


def of_sum(x: np.ndarray) -> float:
    return logsumexp(x)


def of_rows(A: np.ndarray) -> float:
    return np.sum(np.exp(logsumexp(A, axis=1)))


def weighted(x: np.ndarray) -> float:
    return logsumexp(x, b=np.array([1.0, 0.0]))


def by_weights(x: np.ndarray, b: np.ndarray) -> float:
    return logsumexp(x, b=b, keepdims=True)[0]


def weighted_rows(A: np.ndarray, b: np.ndarray) -> float:
    return np.sum(logsumexp(A, b=b, axis=1) ** 2)


def reduced(x: np.ndarray) -> float:
    return np.logaddexp.reduce(x)


def reduced_rows(A: np.ndarray) -> float:
    return np.sum(np.exp(np.logaddexp.reduce(A, axis=1))) + np.exp(np.logaddexp.reduce(A, axis=None))


def in_loop(x: np.ndarray) -> float:
    total = -np.inf
    for v in x:
        total = np.logaddexp(total, v)
    return total


def two(a: float, b: float) -> float:
    return np.logaddexp(a, b)


def two_of_base_two(a: float, b: float) -> float:
    return np.logaddexp2(a, b)


S = [
    (of_sum, (np.array([-INF, -INF]),), ([0.0, 0.0],)),
    (of_sum, (np.array([INF, 0.0]),), ([1.0, 0.0],)),
    (of_sum, (np.array([-INF, 0.0]),), ([0.0, 1.0],)),
    (of_sum, (np.array([-INF]),), ([0.0],)),
    (of_rows, (np.array([[-INF, -INF], [0.0, -INF]]),), ([[0.0, 0.0], [1.0, 0.0]],)),
    (weighted, (np.array([0.0, 720.0]),), ([1.0, 0.0],)),
    (weighted, (np.array([0.0, 1e5]),), ([1.0, 0.0],)),
    (weighted, (np.array([-INF, 3.0]),), ([0.0, 0.0],)),
    (by_weights, (np.array([0.0, 1.0]), np.array([2.0, 0.0])), ([1.0, 0.0], [0.5, 0.5 * math.e])),
    (weighted_rows, (np.array([[0.0, 800.0], [0.0, 5.0]]), np.array([math.e, 0.0])), ([[2.0, 0.0], [2.0, 0.0]], None)),
    (reduced, (np.array([-INF, -INF, -INF]),), ([0.0, 0.0, 0.0],)),
    (reduced, (np.array([-INF, 0.0]),), ([0.0, 1.0],)),
    (reduced, (np.array([800.0, 800.0]),), ([0.5, 0.5],)),
    (reduced_rows, (np.array([[-INF, -INF], [0.0, -INF]]),), ([[0.0, 0.0], [2.0, 0.0]],)),
    (in_loop, (np.array([-INF, 0.0]),), ([0.0, 1.0],)),
    (two, (0.0, 40.0), (4.248354255291589e-18, 1.0)),
    (two, (-INF, 1.0), (0.0, 1.0)),
    (two, (INF, 1.0), (1.0, 0.0)),
    (two_of_base_two, (0.0, 60.0), (8.673617379884035e-19, 1.0)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fn", "args", "expected"), S, ids=[f"{f.__name__}-{k}" for k, (f, *_) in enumerate(S)]
)
@pytest.mark.filterwarnings("error")
def test_sums_of_exponentials(
    fn: Callable[..., Any], args: tuple[Any, ...], expected: tuple[Any, ...]
) -> None:
    for i, e in enumerate(expected):
        if e is not None:
            np.testing.assert_allclose(grad(fn, wrt=i)(*args), e, rtol=1e-12)
    if fn is two:
        second = hessian(fn, wrt=(0, 1))(*args)
        small = expected[0] * expected[1]
        np.testing.assert_allclose(second, [[small, -small], [-small, small]], rtol=1e-12, atol=0.0)


def compiled_sums(x: np.ndarray, A: np.ndarray, b: np.ndarray) -> float:
    s = of_sum(x) + reduced(x) + in_loop(x)
    return (
        np.sum(np.logaddexp.reduce(A, axis=1))
        + np.sum(logsumexp(A, b=b, axis=0))
        + (s if s > -1e300 else 0.0)
    )


def test_sums_of_exponentials_compiled() -> None:
    A, b = np.array([[0.3, 720.0], [0.7, 5.0]]), np.array([[0.5, 0.0], [1.0, 2.0]])
    for x in (np.array([-INF, -INF]), np.array([-INF, 0.4])):
        plain, found = (
            grad(compiled_sums, wrt=(0, 1))(x, A, b),
            grad(compiled_sums, wrt=(0, 1), jit=True)(x, A, b),
        )
        for f, e in zip(found, plain, strict=True):
            np.testing.assert_allclose(f, e, rtol=1e-12)


# -- two numbers at tiny, huge and unlike sizes -----------------------------------------------------------


def angle(y: float, x: float) -> float:
    return math.atan2(y, x)


def numpy_angle(y: float, x: float) -> float:
    return np.arctan2(y, x)


def angles(y: np.ndarray, x: np.ndarray) -> float:
    return np.sum(np.arctan2(y, x))


@pytest.mark.parametrize("scale", [1e-300, 1e-163, 1e-100, 1.0, 1e100, 1e163, 1e300])
def test_angles_of_every_size(scale: float) -> None:
    y, x = 3.0 * scale, 4.0 * scale
    expected = 0.16 / scale, -0.12 / scale
    for fn in (angle, numpy_angle):
        np.testing.assert_allclose(grad(fn, wrt=(0, 1))(y, x), expected, rtol=1e-12)
    found = grad(angles, wrt=(0, 1))(np.array([y, 0.0]), np.array([x, 0.0]))
    np.testing.assert_allclose(found, [[expected[0], 0.0], [expected[1], 0.0]], rtol=1e-12)


def hypotenuse(a: float, b: float) -> float:
    return math.hypot(a, b)


def numpy_hypotenuse(a: float, b: float) -> float:
    return np.hypot(a, b)


@pytest.mark.parametrize(
    ("a", "b"), [(1.0, 1e-10), (3e-200, 4e-200), (3e200, 4e200), (1e-5, 1e8), (5.0, 1e-100)]
)
def test_curvature_of_a_hypotenuse(a: float, b: float) -> None:
    h = math.hypot(a, b)
    expected = [
        [(b / h) * (b / h) / h, -(a / h) * (b / h) / h],
        [-(a / h) * (b / h) / h, (a / h) * (a / h) / h],
    ]
    for fn in (hypotenuse, numpy_hypotenuse):
        np.testing.assert_allclose(hessian(fn, wrt=(0, 1))(a, b), expected, rtol=1e-12, atol=0.0)


def tail(x: float) -> float:
    return norm.logcdf(x)


def upper_tail(x: float, scale: float) -> float:
    return norm.logsf(x, 0.0, scale)


def test_tails_of_the_normal_distribution() -> None:
    second = grad(grad(tail))
    assert abs(second(40.0)) < 1e-300
    np.testing.assert_allclose([second(-1e5), second(-1e8)], [-1.0 + 1e-10, -1.0], rtol=1e-14)
    np.testing.assert_allclose(grad(grad(upper_tail))(2e5, 2.0), 0.25 * (-1.0 + 1e-10), rtol=1e-14)
