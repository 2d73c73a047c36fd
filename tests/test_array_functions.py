"""NumPy's functions on arrays, one case a form of a call: see `tests.array_table`."""

from __future__ import annotations

import numpy as np
import pytest

import s2sad.typing.functions as functions
from s2sad import grad, jvp
from s2sad.cli.support import by_parts, catalogue
from s2sad.errors import S2sadError
from s2sad.rules.registry import PRIMS
from tests.array_checks import Case, check
from tests.array_table import MASK, TABLE, V, X, function

ROWS = [(group, *row) for group, rows in TABLE.items() for row in rows]


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r[0]}: {r[1]}")
def test_derivative(row):
    _, text, *args = row
    single = "float32" in text or any(isinstance(a, np.ndarray) and a.dtype == np.float32 for a in args)
    loose = {"rtol": 2e-2, "atol": 2e-3, "step": 1e-2, "vtol": 1e-6} if single else {}
    levels = (0, 2) if len(text) % 3 == 0 else (2,)  # unoptimised too, for some
    check(Case(function(text, len(args)), tuple(args), **loose), levels=levels)


def in_loop(row):
    """Whether a row's first argument is an array that a loop can write."""
    _, text, a, *_ = row
    return (
        isinstance(a, np.ndarray)
        and a.dtype == np.float64
        and "float32" not in text
        and "\n" not in text
        and "r = " not in text
    )


@pytest.mark.parametrize("row", [r for r in ROWS if in_loop(r)][::7], ids=lambda r: f"{r[0]}: {r[1]}")
def test_in_a_loop_that_writes_its_argument(row):
    _, text, *args = row
    check(Case(function(text, len(args), loop=True), tuple(args), atol=1e-6), levels=(2,))


def in_double(row):
    """Whether a row has float64 arrays and nothing of another precision."""
    _, text, *args = row
    sized = any(word in text for word in ("float32", "itemsize", "nbytes", "np.array_equal(a, b)"))
    return not sized and any(getattr(a, "dtype", None) == np.float64 for a in args)


DOUBLE = [r for r in ROWS if in_double(r) and not any(getattr(a, "dtype", None) == np.float32 for a in r)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", DOUBLE, ids=lambda r: f"{r[0]}: {r[1]}")
def test_float32(row):
    """The gradient by float32 arrays is float32, and that by float64 ones rounded."""
    _, text, *args = row
    fn = function(text, len(args))
    wrt = tuple(k for k, a in enumerate(args) if getattr(a, "dtype", None) == np.float64)
    exact = grad(fn, wrt=wrt)(*(a.copy() if isinstance(a, np.ndarray) else a for a in args))
    single = [
        a.astype(np.float32) if k in wrt else a.copy() if isinstance(a, np.ndarray) else a
        for k, a in enumerate(args)
    ]
    for found, expected in zip(grad(fn, wrt=wrt)(*single), exact, strict=True):
        assert found.dtype == np.float32 and found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize(
    "text", ["np.concatenate([a, b])", "np.stack([a, b])", "np.append(a, b)", "np.diff(a, append=b)"]
)
def test_float32_joined_with_float64(text):
    a, b = np.ones(3, np.float32), np.arange(3.0)
    da, db = grad(function(text, 2), wrt=(0, 1))(a, b)
    assert (da.dtype, db.dtype) == (np.float32, np.float64)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "row",
    [r for r in DOUBLE if isinstance(r[2], np.ndarray) and r[2].dtype == np.float64],
    ids=lambda r: f"{r[0]}: {r[1]}",
)
def test_second_derivatives(row):
    """jvp of the gradient against differences of it."""
    _, text, a, *rest = row
    first = grad(function(text, 1 + len(rest)))

    def given():
        return [r.copy() if isinstance(r, np.ndarray) else r for r in rest]

    v = np.cos(np.arange(a.size)).reshape(a.shape)
    _, moved = jvp(first, (a.copy(), *given()), (v, *[None] * len(rest)))
    h = 1e-5
    differences = (first(a + h * v, *given()) - first(a - h * v, *given())) / (2 * h)
    np.testing.assert_allclose(moved, differences, rtol=1e-3, atol=1e-4)


SECOND = [
    ("np.prod(a)", np.array([0.0, 1.5, -2.0, 0.7])), ("np.prod(a, axis=0)", np.array([[0.0, 1.5], [0.0, 0.7], [1.0, 2.0]])),
    ("np.cumprod(a)", np.array([0.5, 0.0, -2.0, 0.7])), ("np.var(a, axis=1)", X), ("np.std(a, axis=0)", X), ("np.sinc(a)", V), ("np.i0(a)", V),
    ("np.sort(a) * a", V), ("np.median(a, axis=0)**2", X), ("np.max(a, axis=1)**3", X), ("np.pad(a, 1)**3", X), ("np.pad(a, 2, mode='reflect')**3", V), ("np.roll(a, 1) * a", V),
    ("np.repeat(a, 2)**3", V), ("np.tile(a, (2, 2))**3", V), ("np.diag(a)**3", V), ("np.diagonal(a, 1)**3", X), ("np.linspace(a[0], a[1], 4)**3", V), ("np.where(a > 0, a**3, a**2)", V),
    ("np.clip(a, -0.5, 0.5)**3", V), ("np.concatenate([a, a**2])**2", V), ("np.stack([a, a**2])**2", V), ("np.gradient(a)**3", V), ("np.trapezoid(a**3)", X), ("np.cumsum(a, axis=1)**3", X), ("np.squeeze(a[:1, :1]**3, (0, 1))", X),
    ("np.take_along_axis(a, np.argsort(a, axis=1), axis=1)**3", X), ("np.quantile(a, 0.3)**3", V), ("np.cov(a)", X), ("np.interp(a, [-3.0, 0.0, 3.0], [1.0, 0.5, 2.0])**3", V), ("y = a.copy(); y[1:] *= y[:-1]; np.sort(y)**2", V),
]  # fmt: skip


@pytest.mark.parametrize("row", SECOND, ids=lambda r: r[0])
def test_second_order(row):
    """grad of a product with the gradient against jvp of the gradient, and both against differences."""
    text, a = row
    f = function(text, 1)
    v = np.cos(np.arange(a.size)).reshape(a.shape)
    first = grad(f)

    def along(a):
        return np.sum(first(a) * v)

    twice = grad(along)(a.copy())
    _, moved = jvp(first, (a.copy(),), (v,))
    h = 1e-5
    differences = (first(a + h * v) - first(a - h * v)) / (2 * h)
    np.testing.assert_allclose(twice, differences, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(moved, differences, rtol=1e-4, atol=1e-6)


REFUSED = [
    ("np.pad(a, 1, mode='mean')", "mode='mean'"), ("np.add(a, 1.0, where=a > 0)", "out="), ("np.max(a, where=a > 0)", "initial="), ("np.unique(a, axis=0)", "axis"),
    ("np.quantile(a, 0.5, weights=a)", "weights"), ("np.histogram(a, weights=a)", "weights"), ("a[None].ravel('K')", "'K'"), ("np.fill_diagonal(a, 0.0, wrap=True)", "wrap"), ("np.sum(a, axis=1)", "axis 1"), ("np.diff(a, axis=-2)", "axis -2"), ("np.stack([a, a], axis=2)", "axis 2"), ("np.maximum.accumulate(a, dtype=np.float32)", "dtype"), ("np.sum(a, axis=0, foo=1)", "foo"), ("np.subtract.reduce(a)", "numpy.subtract.reduce"),
    ("np.sort(a, order='x')", "order"), ("np.mean(a, out=3.0)", "out="), ("np.apply_along_axis(np.sum, 0, a)", "apply_along_axis"), ("np.squeeze(a[a > 9.0])", "size 1"), ("np.average(a, foo=2)", "foo"),
]  # fmt: skip


@pytest.mark.parametrize("row", REFUSED, ids=lambda r: r[0])
def test_refused_by_name(row):
    text, said = row
    with pytest.raises(S2sadError, match=said.replace("(", r"\(")) as caught:
        grad(function(text, 1))(V.copy())
    assert ":2:" in str(caught.value)


SMALL = [
    *((f"np.{f}(a)", size) for f in "sum mean prod cumsum cumprod sort diff var std ravel flip square exp".split() for size in (1, 0)),
    *((f"np.{f}(a)", 1) for f in "max min median ptp trapezoid diag atleast_2d".split()),
    *((t, size) for t in ("np.concatenate([a, a])", "np.stack([a, a])", "np.tile(a, 2)", "np.repeat(a, 2)", "np.roll(a, 1)", "np.pad(a, 1)", "a[a > 0]", "np.where(a > 0, a, 0.0)", "np.outer(a, a)", "a @ a", "np.einsum('i,i', a, a)") for size in (1, 0)),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Mean of empty", "ignore:invalid value", "ignore:Degrees of freedom")
@pytest.mark.parametrize(("text", "size"), SMALL, ids=lambda v: str(v))
def test_one_element_and_none(text, size):
    f, a = function(text, 1), np.full(size, 0.7)
    found = grad(f)(a)
    assert found.shape == (size,)
    if size == 1:
        h = 1e-6
        np.testing.assert_allclose(found[0], (f(a + h) - f(a - h)) / (2 * h), rtol=1e-6, atol=1e-8)


def test_spread_of_nothing():
    """Where all elements are equal the derivative of the standard deviation is taken as 0."""
    f = function("np.std(a, axis=0)", 1)
    np.testing.assert_array_equal(grad(f)(np.ones((1, 3))), np.zeros((1, 3)))
    np.testing.assert_array_equal(grad(f)(np.ones((4, 3))), np.zeros((4, 3)))


def test_ties_share():
    f = function("np.max(a)", 1)
    np.testing.assert_allclose(grad(f)(np.array([1.0, 1.0, 0.0])), np.cos(1.0) * np.array([0.5, 0.5, 0.0]))


def test_warns_nowhere_the_forward_did_not():
    with np.errstate(all="raise"):
        for text in (
            "np.prod(a)",
            "np.cumprod(a)",
            "np.std(a * 0)",
            "np.nan_to_num(a)",
            "np.sinc(a)",
            "np.clip(a, 0, 1)",
        ):
            grad(function(text, 1))(np.array([0.0, 0.0, 1.0]))


def test_integers_and_truth_values_are_constants():
    for text in (
        "np.sort(b) @ a",
        "np.median(b) * a",
        "np.cumprod(b) * a",
        "np.where(b > 0, a, 0)",
        "np.clip(b, 0, 1) * a",
    ):
        check(Case(function(text, 2), (V, np.array([2, 0, 1, 3]))))
    check(Case(function("np.where(b, a, 0) + np.any(b, axis=1, keepdims=True)", 2), (X, MASK)))


def test_unequal_split_raises():
    f = function("np.split(a, 2)[0]", 1)
    with pytest.raises(ValueError, match="equal division"):
        grad(f)(np.ones(5))


def test_out_is_written_once():
    f = function("np.sqrt(a, out=b); b", 2)
    a, b = np.array([1.0, 4.0]), np.zeros(2)
    grad(f, wrt=(0, 1))(a, b)
    np.testing.assert_array_equal(b, [1.0, 2.0])


def test_each_function_is_in_the_catalogue():
    """`s2sad support` lists what handlers, the library and rules know."""
    functions.load_library()
    shown = by_parts() | {p.name for p in catalogue()}
    for name in (
        "numpy.median",
        "numpy.pad",
        "numpy.stack",
        "numpy.prod",
        "numpy.add.reduce",
        "numpy.linspace",
        "numpy.meshgrid",
    ):
        assert name in shown, name
    assert not [n for n in shown if n.endswith(".") or "<" in n]
    assert not [p.name for p in PRIMS.values() if p.helper and not p.helper.startswith("def ")]
