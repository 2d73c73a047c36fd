"""`jacobian`, `jacfwd`, `jacrev`, `hessian` and `hvp`: against differences, against each other, and as text."""

from __future__ import annotations

import copy
import math
import re
from collections import namedtuple

import numpy as np
import pytest

import s2sad
from s2sad import grad, hessian, hvp, jacfwd, jacobian, jacrev, value_and_grad, vjp

STEP = 1e-6
RNG = np.random.default_rng(7)
X3, X4, X5 = RNG.normal(size=3), RNG.normal(size=4), RNG.normal(size=5)
M34, M33 = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 3))
Pair = namedtuple("Pair", "a b")


@pytest.fixture(autouse=True)
def verified(monkeypatch):
    monkeypatch.setattr(s2sad.pipeline, "VERIFY", True)


def leaves(value):
    """Arrays and numbers of a nest of tuples and dicts, in order; a list of numbers is one array."""
    if isinstance(value, list) and all(isinstance(v, (int, float)) for v in value):
        return [np.array(value, dtype=float)]
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        return [leaf for v in value for leaf in leaves(v)]
    return [np.asarray(value, dtype=float)]


def differences(fn, args, k):
    """For each leaf of the result, its Jacobian by argument k (a number, array or list), by central differences."""
    base = np.asarray(args[k], dtype=float)
    found = [np.zeros((*o.shape, *base.shape)) for o in leaves(fn(*copy.deepcopy(args)))]
    for at in np.ndindex(base.shape):
        sides = []
        for sign in (1, -1):
            moved = base.copy()
            moved[at] += sign * STEP
            given = list(copy.deepcopy(args))
            given[k] = moved.tolist() if not isinstance(args[k], np.ndarray) else moved.astype(float)
            sides.append(leaves(fn(*given)))
        for table, a, b in zip(found, *sides):
            table[(..., *at)] = (a - b) / (2 * STEP)
    return found


def flat(value):
    """The arrays of a result of jacobian(), in order."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        return [leaf for v in value for leaf in flat(v)]
    return [value]


# -- functions ----------------------------------------------------------------------------------------


def elementwise(x):
    return np.sin(x) * x[0]


def matrix(x, A):
    return np.tanh(A @ x)


def outer(x, y):
    return x[:, None] * y + np.exp(x)[:, None]


def total(x):
    return np.sum(x**2) * x[0]


def curve(t):
    return np.array([math.cos(t), math.sin(t), t])


def scaled(t, x):
    return t * x


def pair(x, y):
    return x * y, math.sin(x) / y


def mixed(x, t):
    y = x * t
    return np.sum(y), {"y": y, "t": t * t}, 3


def running(x):
    out = np.zeros(3)
    s = 0.0
    for i in range(len(x)):
        s += x[i] ** 2
        out[i % 3] += s * x[0]
    return out


def swapped(x, n):
    u = x.copy()
    v = np.zeros_like(x)
    for _ in range(n):
        for i in range(len(u)):
            v[i] = u[i] * u[i - 1] + 0.1
        u, v = v, u
    return u


def buffers(x, n):
    total = np.zeros(len(x))
    for k in range(n):
        b = np.zeros(len(x))
        for i in range(len(x)):
            b[i] = math.sin(x[i] * (k + 1))
            b[i - 1] *= x[i]
        total += b * b
    return total


def chosen(x, a):
    if a > 0:
        y = x
    else:
        y = x * x
    z = np.zeros(len(x))
    z[0] = y[1] * y[0]
    z[1:] = y[1:]
    return z


def early(x):
    y = x.copy()
    for i in range(len(x)):
        if x[i] > 5.0:
            return y * 2.0
        y[i] = x[i] * y[i - 1]
    return y


def until(x):
    y = np.exp(x)
    while np.sum(y) > 1.0:
        y = y * 0.7 * np.cos(x[0])
    return y


def in_place(x):
    x[0] = x[1] * x[2]
    x *= 2.0
    return x * x


def whole(x):
    return x


def of_list(xs):
    return [xs[0] * xs[1], math.sin(xs[2])]


def list_made(xs):
    out = []
    for x in xs:
        out.append(x * x * xs[0])
    return out


def tensor(x, A):
    return (A * x)[:, :, None] * x


def reshaped(x):
    return (x * 2.0).reshape(2, 2).T @ np.ones(2)


def scanned(x, n):
    y = x
    for _ in range(n):
        y = np.tanh(y + x)
    return y


def nested(x):
    s = np.zeros(2)
    for i in range(len(x)):
        for j in range(i):
            if x[j] > 0.0:
                s[0] += x[i] * x[j]
            else:
                s[1] += x[i]
    return s


def products_in_place(x):
    A = np.outer(x, x)
    A[0] *= x
    A[:, 1] += A[0]
    return A.T @ x, A


def joined(x, n):
    a = np.zeros(3)
    b = np.ones(3)
    for k in range(n):
        c = a if k % 2 == 0 else b
        for i in range(3):
            c[i] += x[i] * (k + 1) * c[i - 1] + x[0]
    return a * b


def skipping(x):
    y = x
    k = 0
    while k < 3:
        z = np.zeros(3)
        z[k] = y[k] * y[k - 1]
        z[k - 1] = y[0]
        if z[k] < 0:
            k += 1
            continue
        y = y + z
        k += 1
    return y


def spread(a, n):
    if n > 0:
        b = np.zeros(2)
        b[0] = a[n] * a[n - 1]
        b[1] = b[0] * a[n]
        a[n] = b[1]
        spread(a, n - 1)


def through_calls(x):
    spread(x, 2)
    return x * x[1]


def edited(xs):
    ys = []
    for i in range(len(xs)):
        ys.append(xs[i] * xs[i - 1])
        if ys[i] > 0.2:
            ys[i - 1] = ys[i] * 2.0
    return ys


CASES = [
    (products_in_place, (X3,)), (joined, (X3, 4)), (joined, (X3, 1)), (skipping, (X3,)), (through_calls, (X3,)),
    (edited, ([0.9, 0.8, 0.7],)),
    (elementwise, (X4,)), (matrix, (X4, M34)), (outer, (X3, X4)), (total, (X4,)), (curve, (0.7,)), (scaled, (0.3, X3)),
    (pair, (1.3, 2.1)), (mixed, (X3, 0.4)), (running, (X5,)), (swapped, (X4, 3)), (swapped, (X4, 2)), (buffers, (X4, 3)),
    (chosen, (X3, 1.0)), (chosen, (X3, -1.0)), (early, (X4,)), (early, (np.array([1.0, 9.0, 2.0]),)), (until, (X4,)),
    (in_place, (X4,)), (whole, (X3,)), (of_list, ([0.3, 0.4, 0.5],)), (list_made, ([0.3, 0.4, 0.5],)), (tensor, (X4, M34)),
    (reshaped, (X4,)), (scanned, (X3, 4)), (nested, (X5,)),
]  # fmt: skip


def moving(args):
    return tuple(i for i, a in enumerate(args) if not isinstance(a, int))


@pytest.mark.parametrize(("fn", "args"), CASES, ids=lambda c: getattr(c, "__name__", ""))
@pytest.mark.parametrize("make", [jacfwd, jacrev, jacobian], ids=lambda m: m.__name__)
def test_against_differences(make, fn, args):
    wrt = moving(args)
    expected = [differences(fn, args, k) for k in wrt]
    after = copy.deepcopy(args)
    fn(*after)
    for level in (2,) if make is jacobian else (0, 1, 2):
        given = copy.deepcopy(args)
        found = make(fn, wrt=wrt, optimize=level)(*given)
        tables = flat(found)
        n = len(wrt)
        for w in range(n):
            for table, e in zip(tables[w::n], expected[w], strict=True):
                assert np.shape(table) == e.shape
                np.testing.assert_allclose(table, e, rtol=1e-5, atol=1e-7)
        for a, b in zip(given, after):
            np.testing.assert_array_equal(a, b)
        kept = [t for t in tables if isinstance(t, np.ndarray)]
        assert all(t.flags.writeable and t.dtype == np.float64 for t in kept)
        memory = [*kept, *(a for a in given if isinstance(a, np.ndarray))]
        assert not any(np.may_share_memory(a, b) for i, a in enumerate(memory) for b in memory[:i])


@pytest.mark.parametrize(("fn", "args"), CASES, ids=lambda c: getattr(c, "__name__", ""))
def test_modes_agree(fn, args):
    wrt = moving(args)
    forward = flat(jacfwd(fn, wrt=wrt)(*copy.deepcopy(args)))
    reverse = flat(jacrev(fn, wrt=wrt)(*copy.deepcopy(args)))
    for a, b in zip(forward, reverse, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


# -- what is returned ---------------------------------------------------------------------------------


def test_structures():
    x = np.array([1.0, 2.0])

    def f(p, x):
        return {"a": p.a * x, "b": (p.b, x)}

    found = jacobian(f, wrt=("p", 1))(Pair(2.0, 3.0), x)
    assert found["a"][0].a.tolist() == [1.0, 2.0] and found["a"][0].b.tolist() == [0.0, 0.0]
    assert found["b"][0][0] == Pair(0.0, 1.0)
    assert found["b"][1][1].tolist() == [[1.0, 0.0], [0.0, 1.0]]
    bare = jacrev(f, wrt="x")(Pair(2.0, 3.0), x)
    assert bare["a"].tolist() == [[2.0, 0.0], [0.0, 2.0]]


def test_shapes_of_lists():
    assert jacobian(of_list)([1.0, 2.0, 3.0]).shape == (2, 3)
    assert jacrev(total)(X4).shape == (4,)
    assert isinstance(jacobian(lambda x: x * x)(3.0), float)
    assert jacfwd(lambda xs: sum(xs) * 1.0)([1.0, 2.0]).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("make", [jacfwd, jacrev], ids=lambda m: m.__name__)
def test_sizes_one_and_zero(make):
    assert make(elementwise)(np.array([0.5])).shape == (1, 1)
    assert make(lambda x: np.sin(x))(np.zeros(0)).shape == (0, 0)
    assert make(lambda x, y: np.sum(x) * y, wrt=(0, 1))(np.zeros(0), X3)[0].shape == (3, 0)
    found = make(outer, wrt=(0, 1))(np.array([0.5]), X4)
    for k in (0, 1):
        np.testing.assert_allclose(
            found[k], differences(outer, (np.array([0.5]), X4), k)[0], rtol=1e-6, atol=1e-8
        )
    assert make(matrix)(np.array([0.5]), M34[:, :1]).shape == (3, 1)


@pytest.mark.parametrize("make", [jacfwd, jacrev], ids=lambda m: m.__name__)
def test_dtypes(make):
    found = make(matrix, wrt=(0, 1))(X4.astype(np.float32), M34)
    assert found[0].dtype == np.float32 and found[1].dtype == np.float64
    np.testing.assert_allclose(found[0], jacrev(matrix)(X4, M34), rtol=1e-5)
    assert make(running)(np.array([1, 2, 3])).dtype == np.float64
    assert isinstance(make(lambda x: x * x)(np.float32(3.0)), np.float32)
    assert make(lambda x: x * x)(3) == 6.0
    assert make(lambda t, x: t * x)(np.float32(3.0), X3).dtype == np.float32


def test_integer_results_are_constant():
    def f(x):
        return len(x), np.argmax(x), x * 2.0

    for make in (jacfwd, jacrev):
        counted, best, doubled = make(f)(X3)
        assert counted.tolist() == [0.0] * 3 and best.tolist() == [0.0] * 3
        np.testing.assert_array_equal(doubled, 2 * np.eye(3))


def test_has_aux():
    def f(x):
        y = np.sin(x)
        return y * y, (y, "text")

    for make in (jacfwd, jacrev, jacobian):
        table, (y, text) = make(f, has_aux=True)(X3)
        assert text == "text" and y.tolist() == np.sin(X3).tolist()
        np.testing.assert_allclose(table, np.diag(np.sin(2 * X3)), atol=1e-15)


def test_decorator_keywords_and_methods():
    @jacobian
    def f(x, scale=2.0):
        """doc"""
        return x * scale

    assert f.__doc__.endswith("doc") and f.primal(X3).tolist() == (2 * X3).tolist()
    assert f(X3, scale=3.0).tolist() == (3 * np.eye(3)).tolist()
    assert f(X3).tolist() == f(x=X3).tolist() == (2 * np.eye(3)).tolist()

    class Model:
        def __init__(self):
            self.k = 3.0

        @jacrev(wrt=("x",))
        def value(self, x):
            return x * x

    assert np.diag(Model().value(X3)[0]).tolist() == (2 * X3).tolist()


def test_prints_once(capsys):
    def f(x):
        y = x
        for k in range(2):
            if k == 0:
                print("here")
            y = y * x
        print("there")
        return y

    for make in (jacfwd, jacrev):
        make(f)(X3)
        assert capsys.readouterr().out == "here\nthere\n"


def test_raises_as_the_function_does():
    def f(x):
        y = x * x
        for v in x:
            if v > 1.0:
                raise ValueError("too large")
            y = y * v
        return y

    for make in (jacfwd, jacrev):
        with pytest.raises(ValueError, match="too large"):
            make(f)(np.array([0.5, 2.0]))


# -- text ---------------------------------------------------------------------------------------------


def test_forward_sweep_runs_once():
    text = re.sub(r" +# .*\(line.*", "", jacrev(scanned).lower(X3, 4).source)
    before, after = text.split("# reverse")
    assert before.count("np.tanh") == 1 and "np.tanh" not in after
    assert "for i in range" in after and "dy_dx[i] = " in after


def test_columns_share_the_primal():
    made = jacfwd(elementwise)
    made(X4)
    loop = made.source[made.source.index("for ") :]
    assert "np.sin(x)" not in loop and "np.cos(x)" not in loop


def test_source_before_a_call_and_lower():
    def f(x: "np.ndarray"):
        return x * x

    assert "for i in range" in jacrev(f).source
    made = jacobian(f)
    assert made.lower(X3).source == jacrev(f).lower(X3).source.replace("f_jacrev", "f_jacobian")
    assert "dx" in hvp(total).source
    assert "For" in jacrev(f).lower(X3).ir or "for" in jacrev(f).lower(X3).ir


def test_saved(tmp_path):
    made = jacrev(running)
    expected = made(X5)
    made.save(tmp_path / "m.py")
    space = {}
    text = (tmp_path / "m.py").read_text()
    assert "s2sad" not in text
    exec(text, space)
    assert space["running_jacrev"](X5).tolist() == expected.tolist()


def test_auto_chooses():
    assert "# reverse" in jacobian(total).lower(X3).source
    assert "# reverse" not in jacobian(scaled).lower(0.5, X3).source
    with pytest.raises(s2sad.SignatureError, match="mode"):
        jacobian(total, mode="both")


# -- second derivatives -------------------------------------------------------------------------------


def energy(x, A):
    return np.sin(x @ A @ x) + np.sum(x**3)


def chain(x):
    s = 0.0
    for i in range(1, len(x)):
        s += (x[i] - x[i - 1] ** 2) ** 2 * math.exp(x[0])
    return s


def stepped(x, n):
    y = x.copy()
    for k in range(n):
        for i in range(len(y)):
            y[i] = y[i] * y[i - 1] + math.sin(y[i])
    return np.sum(y)


def branchy(x):
    s = 0.0
    for v in x:
        if v > 0.0:
            s += v**3
        else:
            s += math.cos(v) * x[0]
            if s > 100.0:
                return s
    return s


SCALAR = [(energy, (X3, M33)), (chain, (X4,)), (stepped, (X3, 2)), (branchy, (X5,)), (total, (X4,))]


@pytest.mark.parametrize(("fn", "args"), SCALAR, ids=lambda c: getattr(c, "__name__", ""))
def test_hessian(fn, args):
    expected = differences(grad(fn), args, 0)[0]
    for level in (0, 1, 2):
        found = hessian(fn, optimize=level)(*args)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found, found.T, rtol=1e-10, atol=1e-12)
        assert found.flags.writeable
    for make in (jacrev(grad(fn)), jacrev(jacrev(fn)), jacfwd(jacfwd(fn)), jacobian(jacobian(fn))):
        np.testing.assert_allclose(make(*args), found, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("fn", "args"), SCALAR, ids=lambda c: getattr(c, "__name__", ""))
def test_hvp(fn, args):
    table = hessian(fn)(*args)
    v = np.random.default_rng(3).normal(size=len(args[0]))
    before = v.copy()
    for level in (0, 1, 2):
        product = hvp(fn, optimize=level)(*args, v)
        np.testing.assert_allclose(product, table @ v, rtol=1e-9, atol=1e-11)
        assert not np.may_share_memory(product, v) and product.flags.writeable
    assert v.tolist() == before.tolist()


def test_hessian_of_numbers_and_tuples():
    def f(x, y):
        return x**3 * y + math.sin(y)

    assert hessian(lambda x: x**3)(2.0) == 12.0
    ((xx, xy), (yx, yy)) = hessian(f, wrt=("x", "y"))(1.5, 0.5)
    np.testing.assert_allclose([xx, xy, yx, yy], [4.5, 6.75, 6.75, -math.sin(0.5)])

    def g(x, t):
        return np.sum(x * x) * t * t

    ((xx, xt), (tx, tt)) = hessian(g, wrt=(0, 1))(X3, 0.5)
    assert xx.shape == (3, 3) and xt.shape == (3,) and tx.shape == (3,) and np.ndim(tt) == 0
    np.testing.assert_allclose(xt, tx)
    np.testing.assert_allclose(tt, 2 * X3 @ X3)

    matrixlike = hessian(lambda A: np.sum(A @ A))(M33)
    assert matrixlike.shape == (3, 3, 3, 3)
    np.testing.assert_allclose(matrixlike, matrixlike.transpose(2, 3, 0, 1), atol=1e-12)


def test_hessian_and_hvp_of_lists():
    def f(xs):
        return xs[0] ** 2 * xs[1] + math.sin(xs[2])

    found = hessian(f)([0.3, 0.4, 0.5])
    np.testing.assert_allclose(found, [[0.8, 0.6, 0], [0.6, 0, 0], [0, 0, -math.sin(0.5)]], atol=1e-15)
    product = hvp(f)([0.3, 0.4, 0.5], [1.0, 2.0, 3.0])
    assert isinstance(product, list)
    np.testing.assert_allclose(product, found @ [1, 2, 3])
    assert not np.any(np.array(hvp(lambda xs: 2.0 * xs[0])([1.0, 2.0], [1.0, 1.0])))


def test_hvp_of_several():
    def f(x, t, k=2.0):
        return np.sum(x * x) * t**k

    v = (np.array([1.0, 0.0, 2.0]), 0.5)
    ((xx, xt), (tx, tt)) = hessian(f, wrt=(0, 1))(X3, 0.7, k=3.0)
    a, b = hvp(f, wrt=("x", "t"))(X3, 0.7, v, k=3.0)
    np.testing.assert_allclose(a, xx @ v[0] + xt * v[1])
    np.testing.assert_allclose(b, tx @ v[0] + tt * v[1])
    a2, _ = hvp(f, wrt=("x", "t"))(X3, 0.7, 3.0, v=v)
    np.testing.assert_allclose(a, a2)
    assert hvp(lambda x: x**3)(2.0, 1) == 12.0


def test_hvp_refuses_vectors_that_do_not_fit():
    for v in (np.ones(4), 1.0, [1.0, 2.0, 3.0], np.ones((3, 1)), np.ones(3) * 1j):
        with pytest.raises(s2sad.SignatureError):
            hvp(total)(X3, v)
    with pytest.raises(s2sad.SignatureError):
        hvp(total)()
    with pytest.raises(s2sad.S2sadError):
        hvp(elementwise)(X3, X3)


def test_tangents_and_cotangents_are_checked():
    for d in (np.ones(1), np.ones(4), 1.0, [1.0, 1.0, 1.0], np.ones((3, 1)), np.ones(3) * 1j):
        with pytest.raises(s2sad.SignatureError):
            s2sad.jvp(total, (X3,), (d,))
        with pytest.raises(s2sad.SignatureError):
            vjp(elementwise, X3)[1](d)
    with pytest.raises(s2sad.SignatureError):
        s2sad.jvp(total, (X3,), (np.ones(3), np.ones(3)))
    with pytest.raises(s2sad.SignatureError):
        vjp(total, X3)[1](X3)
    ones = np.ones(3, dtype=int)

    def f(x):
        x = x.copy()
        x[0] = 0.5 * x[1]
        return np.sum(x * x)

    np.testing.assert_allclose(s2sad.jvp(f, (X3,), (ones,))[1], np.sum(grad(f)(X3)))
    np.testing.assert_allclose(hvp(f)(X3, ones), hessian(f)(X3) @ ones)
    np.testing.assert_allclose(hvp(f)(X3, ones.astype(np.float32)), hessian(f)(X3) @ ones)
    np.testing.assert_allclose(
        vjp(in_place, X4.copy())[1](np.arange(4))[0], np.arange(4) @ jacrev(in_place)(X4.copy())
    )


def test_hvp_aux_and_effects():
    def f(x):
        x[0] = x[1] * x[2]
        return np.sum(x**3), x[0]

    x = np.array([1.0, 2.0, 3.0])
    product, aux = hvp(f, has_aux=True)(x, np.ones(3))
    assert aux == 6.0 and x[0] == 6.0
    expected, _ = hessian(f, has_aux=True)(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(product, expected @ np.ones(3))


# -- inside differentiated functions --------------------------------------------------------------------


def test_inside_functions():
    inner = {"fwd": jacfwd(running), "rev": jacrev(running)}
    for made in inner.values():

        def f(x):
            table = made(x * 2.0)
            return np.sum(table * table)

        expected = differences(f, (X4,), 0)[0]
        np.testing.assert_allclose(grad(f)(X4), expected, rtol=1e-5, atol=1e-6)

    h, p = hessian(chain), hvp(chain)

    def g(x):
        return np.sum(h(x)) + np.sum(p(x, x))

    np.testing.assert_allclose(grad(g)(X4), differences(g, (X4,), 0)[0], rtol=1e-5, atol=1e-5)


def test_third_order():
    third = jacfwd(hessian(energy))(X3, M33)
    assert third.shape == (3, 3, 3)
    np.testing.assert_allclose(third, differences(hessian(energy), (X3, M33), 0)[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(third, third.transpose(2, 1, 0), rtol=1e-8, atol=1e-9)


def recursive(x, n):
    if n == 0:
        return x
    return recursive(math.sin(x) * n, n - 1)


def several(x):
    return recursive(x, 3), x * recursive(x, 2)


def vector(x):
    out = np.zeros(2)
    out[0] = recursive(x[0], 3)
    out[1] = recursive(x[1], 2) * x[0]
    return out


def test_recursive_functions():
    np.testing.assert_allclose(jacrev(vector)(X3[:2]), jacfwd(vector)(X3[:2]))
    np.testing.assert_allclose(jacfwd(several)(0.4), jacrev(several)(0.4))
    with pytest.raises(s2sad.UnsupportedSyntaxError, match="jacfwd"):
        jacrev(filling)(X3)
    np.testing.assert_allclose(jacobian(filling)(X3)[1], jacfwd(filling)(X3)[1])


def fill(a, n):
    if n > 0:
        a[n] = a[n] * a[n - 1]
        fill(a, n - 1)


def filling(x):
    y = x.copy()
    fill(y, 2)
    return y[2], y * x[0]


FACTOR = 3.0


def captured(x):
    def down(t, n):
        return t * FACTOR if n == 0 else down(t * x + 0.1, n - 1)

    return down(x, 3)


def test_second_derivatives_go_through_captured_values():
    expected = (grad(captured)(0.7 + STEP) - grad(captured)(0.7 - STEP)) / (2 * STEP)
    for made in (grad(grad(captured)), hessian(captured), jacrev(grad(captured)), hvp(captured)):
        args = (0.7, 1.0) if made._suffix == "hvp" else (0.7,)
        np.testing.assert_allclose(made(*args), expected, rtol=1e-6)


def test_refusals():
    with pytest.raises(s2sad.S2sadError, match="complex"):
        jacobian(lambda x: x * 1j)(2.0)
    with pytest.raises(s2sad.S2sadError):
        jacobian(lambda x: "text")(2.0)
    with pytest.raises(s2sad.S2sadError):
        jacobian(lambda x: x)(True)


def test_pullback_of_whole_arrays():
    out, pull = vjp(matrix, X4, M34)
    ct = np.array([1.0, -2.0, 0.5])
    a, b = pull(ct)
    ja, jb = jacrev(matrix, wrt=(0, 1))(X4, M34)
    np.testing.assert_allclose(a, ct @ ja)
    np.testing.assert_allclose(b, np.tensordot(ct, jb, 1))
    _, pull = vjp(whole, X3)
    (back,) = pull(X3)
    assert back is not X3 and back.tolist() == X3.tolist()


# -- compiled -----------------------------------------------------------------------------------------


@pytest.mark.jit
@pytest.mark.parametrize(
    ("fn", "args"),
    [(running, (X5,)), (pair, (1.3, 2.1)), (swapped, (X4, 3))],
    ids=["running", "pair", "swapped"],
)
def test_compiled(fn, args):
    wrt = moving(args)
    for make in (jacfwd, jacrev):
        for a, b in zip(
            flat(make(fn, wrt=wrt, jit=True)(*args)), flat(make(fn, wrt=wrt)(*args)), strict=True
        ):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.jit
def test_compiled_float32():
    def f(t, x):
        return t * t, t * x

    single = np.float32(0.5)
    for a, b in zip(
        flat(jacrev(f, wrt=(0, 1), jit=True)(single, X3)), flat(jacrev(f, wrt=(0, 1))(single, X3))
    ):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.jit
def test_compiled_second_order():
    np.testing.assert_allclose(hessian(chain, jit=True)(X4), hessian(chain)(X4), rtol=1e-12)
    np.testing.assert_allclose(hvp(chain, jit=True)(X4, X4), hvp(chain)(X4, X4), rtol=1e-12)


_ = value_and_grad
