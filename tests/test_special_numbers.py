"""Our own functions of numbers, which are compiled in place of scipy.special: against scipy, over the domain and at its edges."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from s2sad import JitError, grad, jvp
from s2sad.rules import bessel, integrals, special_numbers
from tests.array_table import function

special = pytest.importorskip("scipy.special")
rng = np.random.default_rng(2)
INF, NAN = math.inf, math.nan
REAL = [
    *(3.0 * rng.normal(size=60)),
    *(0.01 * rng.normal(size=20)),
    0.0,
    1.0,
    -1.0,
    20.0,
    -20.0,
    26.0,
    1e-10,
    -35.0,
]
UNIT = [*rng.uniform(0, 1, 80), 0.0, 1.0, 1e-10, 1e-300, 0.5]
TINY = [float(x) for x in 10.0 ** -rng.uniform(0, 300, 40)]
POSITIVE = [*rng.uniform(0.01, 20, 60), *(10.0 ** rng.uniform(-3, 2, 40))]
PAIRS = list(zip(POSITIVE, rng.permutation(POSITIVE), strict=True))
ORDERS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.3, 7.0, -0.3, -2.0, -1.5)
ARGUMENTS = [*rng.uniform(0.01, 60, 40), *(10.0 ** rng.uniform(-3, 2.5, 20))]

# name -> points; relative to the greatest of the values where they go through 0
DOMAINS: dict[str, list[Any]] = {
    **dict.fromkeys("erf erfc dawsn erfi ndtr log_ndtr expit log_expit cosm1".split(), [*REAL, NAN]),
    **dict.fromkeys("erf erfc erfcx erfi ndtr log_ndtr expit log_expit".split(), [*REAL, INF, -INF, NAN]),
    "exprel": REAL, "erfinv": [2 * u - 1 for u in UNIT], "erfcinv": [*(2 * u for u in UNIT), *TINY], "ndtri": [*UNIT, *TINY],
    "logit": [*UNIT, *TINY, 2.0], **dict.fromkeys("gamma rgamma psi".split(), [*POSITIVE, *rng.uniform(-9.9, 0, 40), 0.0, -1.0, -2.0]),
    **dict.fromkeys("gammaln loggamma".split(), [*POSITIVE, *rng.uniform(-9.9, 0, 20)]), "zeta": [(1 + a, b) for a, b in PAIRS] + [(2.0, -1.5), (3.0, -0.3)],
    "polygamma_of": [(n, x) for n in range(8) for x in POSITIVE[:12]], "beta": PAIRS, "betaln": PAIRS, "gammainc": PAIRS, "gammaincc": PAIRS,
    "betainc": [(a, b, x) for (a, b), x in zip(PAIRS, UNIT, strict=False)], **dict.fromkeys("xlogy xlog1py rel_entr kl_div".split(), [*PAIRS, (0.0, 0.0), (0.0, 1.0)]),
    "entr": [*POSITIVE, 0.0, -1.0], "hyp1f1": [(2.0, 3.0, x) for x in rng.uniform(-5, 5, 30)], "ellipk": [*UNIT, -3.0], "ellipe": [*UNIT, -3.0, 1.0],
    "elliprd": [(0.0, 1 - m, 1.0) for m in UNIT if m < 1], "lambertw_of": [(x, 0.0) for x in (*POSITIVE, -0.36, -0.1, 0.0)] + [(x, -1.0) for x in (-0.36, -0.1, -1e-5)],
    **dict.fromkeys("j0 j1 y0 y1 bessel_i0 bessel_i1 bessel_k0 bessel_k1 i0e i1e k0e k1e".split(), ARGUMENTS),
    **dict.fromkeys("jv yv iv kv ive kve".split(), [(v, x) for v in ORDERS for x in ARGUMENTS]), "jn": [(2, -x) for x in ARGUMENTS] + [(3, 0.0)],
    "cbrt": REAL, "exp2": REAL, "exp10": REAL, "expm1": REAL, "log1p": POSITIVE,
}  # fmt: skip
# what cancels: a value near a zero, or 1 less what is near 1, is exact relative to 1 or to the function's size there
ABSOLUTE = {
    **dict.fromkeys(
        "gammaln loggamma psi betaln polygamma_of gammainc gammaincc betainc kl_div rel_entr ellipe".split(),
        1e-13,
    ),
    **dict.fromkeys("j0 j1 y0 y1 jv yv jn".split(), 3e-13),
}


def of_scipy(name: str, args: tuple[Any, ...]) -> float:
    if name == "lambertw_of":
        return float(special.lambertw(args[0], int(args[1])).real)
    known = {"polygamma_of": "polygamma"}.get(name, name.removeprefix("bessel_"))
    return float(getattr(special, known)(*args))


@pytest.mark.parametrize("name", sorted(DOMAINS))
def test_values(name):
    fn: Callable[..., float] = next(
        getattr(m, name) for m in (special_numbers, integrals, bessel) if hasattr(m, name)
    )
    for point in DOMAINS[name]:
        args = tuple(map(float, point)) if isinstance(point, tuple) else (float(point),)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = of_scipy(name, (int(args[0]), args[1]) if name == "polygamma_of" else args)
            try:
                got = fn(*args)
            except (OverflowError, ValueError):  # math raises where compiled code gives inf or nan
                assert not math.isfinite(want), (name, args, want)
                continue
        tolerance = 3e-13 * abs(want) + ABSOLUTE.get(name, 0.0)
        same = got == want or (math.isnan(got) and math.isnan(want))
        assert same or abs(got - want) <= tolerance, (name, args, got, want)


EDGES = [
    ("erfinv", [-1.0, 0.0, 1.0]), ("ndtri", [0.0, 1.0]), ("log_ndtr", [-40.0, 40.0]), ("erfcx", [-30.0, 0.0, 1e9]), ("expit", [-800.0, 0.0, 800.0]),
    ("log_expit", [-800.0, 800.0]), ("logit", [0.0, 1.0]), ("entr", [0.0, -1.0]), ("gammaln", [0.0, 1e300]), ("gamma", [0.5, 171.0]), ("digamma", [-0.5, 1e10]),
    ("i0e", [0.0, 1e4]), ("j0", [0.0, -3.0, 1e3]), ("y0", [0.0]), ("k0", [0.0]), ("exprel", [0.0, 1e-9]), ("ellipk", [0.0, 1.0]), ("sinc", [0.0, 1.0]),
]  # fmt: skip


@pytest.mark.jit
@pytest.mark.slow
@pytest.mark.parametrize(("name", "points"), EDGES, ids=lambda v: str(v))
def test_edges_compiled(name, points):
    """Values at the edges of the domain, by number and by array."""
    x = np.array(points)
    fn = function(f"scipy.special.{name}(a)", 1, result="{}")
    with np.errstate(all="ignore"):
        _, moved = jvp(fn, (x,), (np.ones_like(x),))
        value, compiled = jvp(fn, (x,), (np.ones_like(x),), jit=True)
        np.testing.assert_allclose(value, getattr(special, name)(x), rtol=3e-13)
        np.testing.assert_allclose(compiled, moved, rtol=1e-11)


@pytest.mark.jit
@pytest.mark.parametrize(
    "text", ["scipy.special.erf(a) * scipy.special.gammaln(a + 1.0)", "scipy.special.logsumexp(a) * a"]
)
def test_float32_compiled(text):
    x = np.array([0.3, 0.8, 1.7], np.float32)
    f = function(text, 1)
    found = grad(f, jit=True)(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, grad(f)(x), rtol=2e-5)


@pytest.mark.jit
def test_helpers_of_two_dtypes_are_two():
    """A sum of floats and one of counts over the same axes: one helper served both, and cut the floats off."""
    x = np.array([0.3, 0.8, 1.7, -0.4])
    f = function("np.logaddexp.reduce(a)", 1)
    np.testing.assert_allclose(grad(f, jit=True)(x), grad(f)(x), rtol=1e-12)


@pytest.mark.jit
def test_what_is_not_compiled_is_named():
    x = np.array([0.3, 0.8])
    with pytest.raises(JitError, match=r"numpy.array_equiv\(\) cannot be compiled"):
        grad(function("np.array_equiv(a, a) * a", 1), jit=True)(x)
