"""NumPy's semantics at the edges: unusual but legal forms, each of which the compiler once got wrong or refused."""
# ruff: noqa: B007, B905, E741

from __future__ import annotations

import numpy as np
import pytest

from s2sad import S2sadError, grad, hvp, jvp, vjp
from tests.array_checks import Case, check, collector, random_arrays
from tests.array_table import function

rng, V, S = random_arrays(11)
CASES: list[Case] = []
case = collector(CASES)


X, A, P = V(3), V(3, 3), np.abs(V(4, 2)) + 0.3


# -- memory -------------------------------------------------------------------------------------------


@case(X, V(3), V(3))
def gradients_that_are_one_cotangent(a, b, c):
    c[:] = a + b
    return np.sum(np.sin(c))


@case(A)
def row_or_another_added(a):
    r = a[1] if a[0, 0] > 9 else a[0]
    a += r
    return np.sum(np.sin(a))


@case(A)
def row_subtracted_from_its_array(a):
    a -= a[0]
    a += -a[1]
    return np.sum(np.sin(a))


@case(A)
def rows_added_while_they_change(a):
    for r in a:
        a += r
    return np.sum(np.sin(a))


@case(V(4))
def view_added_at_positions(a):
    np.add.at(a, [1, 2], a[:2])
    return np.sum(np.sin(a))


@case(V(2, 2))
def element_of_a_list_updated_in_place(a):
    rows = [a[0], a[1]]
    for i in range(3):
        rows[i % 2] *= rows[(i + 1) % 2]
        rows[i % 2] -= 0.5
    rows[0] += rows[1]
    return np.sum(np.sin(a))


@case(P, np.array([True, False, True, True]))
def rows_by_a_mask_from_a_view(a, mask):
    a[mask, 1:] = a[1:, :1]
    return np.sum(np.sin(a))


@case(V(2, 2))
def list_of_the_rows_of_a_matrix(a):
    rows = list(a)
    rows[0] += rows[1]
    rows[1] = rows[0] * 2
    return np.sum(np.sin(rows[0] * rows[1] * a[0]))


@case(V(3))
def list_of_the_elements_of_a_vector(a):
    xs = list(a)
    xs[0] += 1.0
    return np.sin(xs[0] * a[1] + xs[1])


RETURNED = [
    "r = a[1] if a[0, 0] > 9 else a[0]\na += r\na",
    "u, v = a[0], a[1]\nfor i in range(3):\n    u[:] = u * v\n    u, v = v, u\na",
    "r = a[0]\nwhile a[0, 0] < 3:\n    r = a[1] if r[0] > 2 else a[0]\n    a += 1.0 + r * 0.1\n    r *= 1.1\na",
]


@pytest.mark.parametrize("text", RETURNED)
def test_shadows_that_are_views_of_one_another(text):
    """A pullback may run often: it works on copies of the shadows, whose views are views of the copies."""
    f = function(text, 1, result="{}")
    a, t, w = V(2, 2), V(2, 2), V(2, 2)
    _, pull = vjp(f, a.copy())
    _, moved = jvp(f, (a.copy(),), (t,))
    for _ in range(2):
        np.testing.assert_allclose(np.sum(pull(w)[0] * t), np.sum(moved * w))


@pytest.mark.parametrize(
    "text", ["np.sum(a)", "np.sum(a, axis=0)", "a.mean(axis=(0, 1))", "np.einsum('ij->', a)"]
)
def test_pullback_of_a_sum(text):
    out, pull = vjp(function(text, 1, result="{}"), np.ones((2, 3)))
    assert pull(np.ones_like(out))[0].shape == (2, 3)


# a view and what may be a view of it, which how the first lies in memory decides
CHAINS = [
    "y = np.zeros(6)\nv = y[::2].reshape(3, 1)\nv[1] = a[0]\ny",
    "y = np.zeros(6).reshape(2, 3)\nv = y.reshape(3, 2)\nw = v.ravel()\nw[1] = a[0]\ny",
    "y = np.ones((2, 3)) * a[0]\nv = y.ravel(order='F')\nv[1] = a[1]\ny",
]


@pytest.mark.parametrize("text", CHAINS)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_views_of_views(text, level):
    f, a = function(text, 1), V(2)
    steps = 1e-6 * np.eye(2)
    expected = [(f(a + h) - f(a - h)) / 2e-6 for h in steps]
    np.testing.assert_allclose(grad(f, optimize=level)(a.copy()), expected, rtol=1e-7, atol=1e-8)


REFUSED = [
    "y = np.squeeze(a[:1][:, None], (0, 1))\ny += 1.0\na",
    "y = a[0, ...]\ny *= 3.0\na",
    "y = a[:1].reshape(())\ny += 1.0\na",
    "a[a > -9] = a[::-1]\na",
]


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text):
    with pytest.raises(S2sadError, match="memory|without axes|just written"):
        grad(function(text, 1))(V(2))


@pytest.mark.parametrize("text", ["a *= b; a", "a[1:] += a[:-1]; a * b", "np.add(a, b, out=b); b * a"])
def test_hvp_by_several_arguments_that_are_written(text):
    f = function(text, 2)
    a, b, u, v = V(3), V(3), V(3), V(3)
    found = hvp(f, wrt=(0, 1))(a.copy(), b.copy(), (u, v))
    first = grad(f, wrt=(0, 1))
    _, moved = jvp(first, (a.copy(), b.copy()), (u, v))
    h = 1e-5
    near = [first(a + s * h * u, b + s * h * v) for s in (1, -1)]
    for p, q, (x, y) in zip(found, moved, zip(*near)):
        np.testing.assert_allclose(p, q)
        np.testing.assert_allclose(p, (x - y) / (2 * h), rtol=1e-5, atol=1e-6)


# -- forms --------------------------------------------------------------------------------------------

M = np.array([True, False, True])
FORMS = [
    ("np.divmod(a, b, out=(c, d)); c * a + d", V(2), P[0], V(2), V(2)),
    ("p, q = np.modf(a, b, c); p + q * b * c", 3 * V(3), V(3), V(3)),
    ("np.conj(a, out=b); b * a", V(2), V(2)),
    ("np.arange(0, 5, step=2) * a", X),
    ("np.arange(3, step=1) * a + np.arange(1, stop=4)", X),
    ("np.arange(a, a + 3) * b", 0.5, X),
    ("np.arange(0.0, 1.2, a)", 0.5),
    ("np.tril(a)", X),
    ("np.triu(a, 1)", X),
    ("np.ravel_multi_index(([0, 1], [1, 0]), (2, 2)) * a", V(2)),
    ("np.average(a, axis=(1, 0), weights=b)", V(4, 3, 2)[:2], np.abs(V(3, 2))),
    ("np.swapaxes(a, axis1=-1, axis2=0)", V(2, 3, 4)),
    ("np.flip(a, ())", A),
    ("np.moveaxis(a, [0, -1], [-1, 0])", V(2, 3, 4)),
    ("np.roll(a, [1, 2], axis=[0, 1])", A),
    ("np.tile(a, reps=[2])", X),
    ("np.transpose(a, [1, 0])", V(2, 3)),
    ("np.max(a[a > 9], initial=2.0) * a", X),
    ("np.min(a, axis=(0, 2), initial=0.1, keepdims=True)", V(2, 3, 2)),
    ("np.max(a, axis=0, initial=-9.0) * b", V(0, 3), X),
    ("float(a) * b", np.array(1.3), V(2)),
    ("math.sin(a)", np.array(1.3)),
    ("b if a > 0 else -b", np.array(1.3), V(2)),
    ("a[1] = b; a[0] += b; a", V(3), np.array(1.3)),
    ("np.array([a, b])", np.array(1.4), 2.0),
    ("np.max(a)", np.array(1.3)),
    ("np.stack([a, b])", np.array(1.3), np.array(0.4)),
    ("s = 0.0\nfor i in range(2):\n    s = s + a\ns", np.array(1.4)),
    ("y = a[b]; y += 1.0; a * y[0]", P, np.array(2)),
    ("a[b, None, 1:]", V(3, 4), np.array([2, 0, 2])),
    ("a[None, b, None]", V(3, 2), M),
    ("a[b, None] += c; a", V(4), np.array([2, 0]), V(2, 1)),
    ("y = np.sum(a, axis=()); y[0] = 2.0; np.sum(y**2) + np.sum(a**2)", X),
]  # fmt: skip
ROWS = [pytest.param(text, args, id=text) for text, *args in FORMS]


@pytest.mark.parametrize(("text", "args"), ROWS)
def test_forms(text, args):
    check(Case(function(text, len(args)), tuple(args), atol=1e-6), levels=(2,))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_memory(case):
    check(case, levels=(0, 2))


@pytest.mark.parametrize("case", [CASES[1], CASES[4], CASES[-1]], ids=lambda c: c.fn.__name__)
def test_memory_compiled(case):
    check(case, jit=True)


@pytest.mark.slow
@pytest.mark.parametrize(("text", "args"), ROWS)
def test_forms_compiled(text, args):
    if text.startswith("s = 0.0"):
        pytest.skip("Numba has no += of an array without axes to a number")
    check(Case(function(text, len(args)), tuple(args)), jit=True)


# -- dtypes -------------------------------------------------------------------------------------------

F, G = S(3), np.abs(S(3)) + 1
DTYPES = [
    ("a + np.float64(2.0)", F), ("np.where(a > 0, a, np.zeros(3))", F), ("2 ** a", F), ("a - b // 2", F, np.array([1, 2, 3])),
    ("np.array([a[0], b])", F, 2.0), ("np.array([a[0], 1])", F), ("np.array([a[0], True])", F), ("np.insert(a, 1, b)", F, 2.0),
    ("np.insert(a, 1, b)", F, V(2)), ("np.r_[a, b]", F, 2.0), ("np.pad(a, 1, constant_values=b)", F, 2.0), ("np.cov(a, b)", F, G),
    ("np.ediff1d(a, to_end=[1.0])", F), ("np.unwrap(a)", F), ("np.stack([a[0], b])", F, 2.0), ("a ** b", G, 2.5),
]  # fmt: skip


@pytest.mark.parametrize("row", DTYPES, ids=lambda r: r[0])
def test_dtypes_are_those_of_numpy(row):
    """Values and tangents have the dtype that NumPy gives, gradients that of the argument."""
    text, *args = row
    f = function(text, len(args), result="{}")
    expected = f(*args)
    along = tuple(np.ones_like(a) if isinstance(a, np.ndarray) else 1.0 for a in args)
    out, tangent = jvp(f, tuple(args), along)
    assert out.dtype == tangent.dtype == expected.dtype and out.shape == tangent.shape == expected.shape
    np.testing.assert_allclose(out, expected, rtol=1e-6)
    out, pull = vjp(f, *args)
    w = np.cos(np.arange(out.size)).reshape(out.shape).astype(out.dtype)
    assert out.dtype == expected.dtype
    found = pull(w)
    for a, d in zip(args, found, strict=True):
        assert not isinstance(a, np.ndarray) or a.dtype.kind != "f" or d.dtype == a.dtype
    dot = sum(
        np.sum(d * t) for d, t, a in zip(found, along, args, strict=True) if np.asarray(a).dtype.kind == "f"
    )
    np.testing.assert_allclose(np.sum(w * tangent), dot, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("text", ["np.hypot(a, b)"])
def test_single_precision_compiled(text):
    """The careful branches of a helper are of one dtype."""
    check(Case(function(text, 2), (G.copy(), 0.5 * G)), jit=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("np.vstack([a, a], dtype=np.float32)", "dtype="),
        ("np.real_if_close(a, tol=3)", "'tol'"),
        ("np.modf(a, where=a > 0)", "'where'"),
        ("np.linalg.multi_dot([a, a], out=a)", "'out'"),
        ("np.median(a, overwrite_input=True)", "overwrite_input="),
    ],
)
def test_keywords_are_never_ignored(text, said):
    with pytest.raises(S2sadError, match=said):
        grad(function(text, 1))(V(3))


def changed(a, b):
    a += b
    return np.sum(np.sin(a * b))


@pytest.mark.parametrize(
    "differentiate", [lambda x: jvp(changed, (x, x), (x, x)), lambda x: vjp(changed, x, x)]
)
def test_arguments_that_share_memory_which_is_written(differentiate):
    with pytest.raises(S2sadError, match="share memory"):
        differentiate(V(3))


@pytest.mark.parametrize("jit", [False, True])
def test_integers_that_are_written_are_not_differentiated(jit):
    """They would be written as floats, in a copy."""
    with pytest.raises(S2sadError, match="holds integers"):
        grad(function("a[0] = 2; a * a", 1), jit=jit)(np.array([1, 2, 3]))


@pytest.mark.parametrize("a", [np.asmatrix(np.ones((2, 2))), np.ma.masked_array([1.0, 2.0], [True, False])])
def test_arrays_with_operations_of_their_own(a):
    with pytest.raises(S2sadError, match="np.asarray"):
        grad(function("a * a", 1))(a)
