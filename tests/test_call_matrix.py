"""First call × later call: whatever a derivative was called with before, a call gives what a fresh derivative's gives:
the right result, the primal's own error, or a refusal in two lines. Never an error of Numba's."""

from __future__ import annotations

import functools
import sys
import warnings

import numpy as np
import pytest

from s2sad import JitError, S2sadError, SignatureError, grad, jacfwd, jvp, value_and_grad, vjp

V = [1.0, 2.0, 3.0]


def unaligned():
    a = np.zeros(25, np.uint8)[1:].view(np.float64)
    a[:] = V
    return a


def read_only():
    a = np.array(V)
    a.flags.writeable = False
    return a


ARRAYS = {
    "float64": lambda: np.array(V),
    "float32": lambda: np.array(V, np.float32),
    "int64": lambda: np.array([1, 2, 3]),
    "int32": lambda: np.array([1, 2, 3], np.int32),
    "uint8": lambda: np.array([1, 2, 3], np.uint8),
    "bool": lambda: np.array([True, False, True]),
    "complex128": lambda: np.array([1 + 1j, 2, 3]),
    ">f8": lambda: np.array(V, ">f8"),
    ">i4": lambda: np.array([1, 2, 3], ">i4"),
    "float16": lambda: np.array(V, np.float16),
    "longdouble": lambda: np.array(V, np.longdouble),
    "object": lambda: np.array(V, object),
    "text": lambda: np.array(["a", "b", "c"]),
    "dates": lambda: np.array(["2020", "2021", "2022"], "M8[Y]"),
    "records": lambda: np.array([(1.0, 2.0)] * 3, "f8,f8"),
    "strided": lambda: np.repeat(V, 2)[::2],
    "negative": lambda: np.array(V[::-1])[::-1],
    "unaligned": unaligned,
    "read-only": read_only,
    "0-d": lambda: np.array(2.0),
    "size 1": lambda: np.array([2.0]),
    "empty": lambda: np.array([]),
    "C": lambda: np.outer(V, [1.0, 2.0, 4.0]),
    "F": lambda: np.asfortranarray(np.outer(V, [1.0, 2.0, 4.0])),
    "rows": lambda: np.outer(V, V)[::2],
    "matrix": lambda: np.matrix(V),
    "masked": lambda: np.ma.array(V),
}
OTHERS = {
    "list": lambda: list(V),
    "list of int and float": lambda: [1, 2.0, 3.0],
    "list of int": lambda: [1, 2, 3],
    "empty list": list,
    "list of float64": lambda: [np.float64(v) for v in V],
    "list of several": lambda: [1.0, np.float64(2.0), np.float32(3.0)],
    "list of bool": lambda: [True, False, True],
    "list with bool": lambda: [True, 2.0, 3],
    "list with None": lambda: [1.0, None, 3.0],
    "list of text": lambda: ["a", "b", "c"],
    "list of arrays": lambda: [np.array([1.0]), np.array([[2.0]]), 3.0],
    "tuple": lambda: (1.0, 2.0, 3.0),
    "tuple of int and float": lambda: (1, 2.0, 3),
    "float64 number": lambda: np.float64(2.0),
    "float32 number": lambda: np.float32(2.0),
    "int32 number": lambda: np.int32(2),
    "bool number": lambda: np.bool_(True),
    "longdouble number": lambda: np.longdouble(2.0),
    "float16 number": lambda: np.float16(2.0),
    "float": lambda: 2.0,
    "int": lambda: 2,
    "int of 100 bits": lambda: 10**30,
    "int of 64 bits": lambda: 2**63,
    "complex": lambda: 2.0 + 1.0j,
    "True": lambda: True,
    "None": lambda: None,
    "str": lambda: "a",
    "bytes": lambda: b"ab",
    "memoryview": lambda: memoryview(np.array(V)),
    "dict": lambda: {"a": 1.0},
}
KINDS = ARRAYS | OTHERS


def whole(x, c):
    return np.sum(x * x * c)


def by_element(x, c):
    s = 0.0
    for i in range(len(x)):
        s = s + x[i] * x[i] * c
    return s


def product(x, c):
    return x * x * c


def written(x, c):
    x[0] = x[1] * c
    return np.sum(x * c)


def scaled(x, c):
    x *= c
    return np.sum(x * x)


def written_perhaps(x, c):
    if c > 100.0:
        x[0] = 2.0
    return np.sum(x * x) * c


FUNCTIONS = [whole, by_element, product, written, scaled, written_perhaps]


def outcome(call, kind):
    """("value", result, argument afterwards), ("refused", …) or ("raised", …)."""
    x = KINDS[kind]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return "value", call(x, 1.5), x
        except S2sadError as error:
            assert "\n" not in error.reason and "\n" not in error.hint and len(error.reason) < 400, str(error)
            return "refused", type(error), error.reason
        except Exception as error:
            return "raised", type(error), str(error)


@functools.cache
def fresh(fn, wrt, kind):
    return outcome(grad(fn, wrt=wrt), kind)


def equal(a, b, tolerance=1e-12):
    try:
        a, b = np.asarray(a, complex), np.asarray(b, complex)
    except (TypeError, ValueError):
        return a == b
    return a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=0.0)


def same(got, expected):
    if got[0] != expected[0]:
        return False
    if got[0] == "value":
        return equal(got[1], expected[1]) and equal(got[2], expected[2])
    return got[1] is expected[1] and (got[2] == expected[2] or " at 0x" in got[2])


@pytest.mark.parametrize("wrt", ["x", "c"])
@pytest.mark.parametrize("fn", FUNCTIONS)
def test_each_kind_alone(fn, wrt):
    """A value is the primal's derivative and leaves the primal's data; an error of another kind is the primal's."""
    for kind in KINDS:
        got, primal = fresh(fn, wrt, kind), outcome(fn, kind)
        if got[0] == "raised":
            assert primal[0] == "raised" and primal[1] is got[1], (kind, got, primal)
        elif got[0] == "value":
            assert primal[0] == "value", (kind, got, primal)
            assert equal(got[2], primal[2]), (kind, got, primal)
            expected = difference(fn, wrt, kind)
            assert expected is None or equal(np.sum(np.asarray(got[1])), expected, 1e-4), (
                kind,
                got,
                expected,
            )


def difference(fn, wrt, kind):
    """The derivative along ones, by central differences in float64; None where numbers are cut or unknown."""
    h = 1e-5

    def at(t):
        x = KINDS[kind]()
        if wrt == "c":
            return fn(x, 1.5 + t)
        if isinstance(x, np.ndarray):
            return fn(x.astype(np.float64) + t, 1.5)
        return fn(type(x)(v + t for v in x) if isinstance(x, (list, tuple)) else float(x) + t, 1.5)

    cut = wrt == "c" and ("int" in kind or "i4" in kind) and fn is written  # what is written into integers
    if cut or "16" in kind or "bits" in kind or "32" in kind or "several" in kind or "rows" in kind:
        return None
    return (at(h) - at(-h)) / (2 * h)


FIRST = ["float64", "read-only", "list", "F"]


@pytest.mark.parametrize("wrt", ["x", "c"])
@pytest.mark.parametrize("fn", [whole, by_element, written])
def test_first_call_and_later_calls(fn, wrt):
    pairs(fn, wrt, FIRST)


@pytest.mark.slow
@pytest.mark.parametrize(("fn", "wrt"), [(by_element, "x"), (written, "c")])
def test_all_first_calls_and_later_calls(fn, wrt):
    pairs(fn, wrt, KINDS)


def pairs(fn, wrt, first_kinds):
    for first in first_kinds:
        g = grad(fn, wrt=wrt)
        outcome(g, first)
        for later in KINDS:
            got, expected = outcome(g, later), fresh(fn, wrt, later)
            assert same(got, expected), (first, later, got, expected)


NOT_OF_NUMBA = {
    "float16", "longdouble", "longdouble number", "float16 number", "empty list", "int of 100 bits", "int of 64 bits",
    "dict", "list of several", "list with None", "list with bool", "list of arrays",
}  # fmt: skip
WRITERS = (written, scaled, written_perhaps)
OUT_OF_BOUNDS = {"size 1", "empty"}  # compiled code does not look


def compiled_calls(fn, wrt, kinds, **options):
    """One compiled derivative called with one kind after the other, each checked against an interpreted one's."""
    g = grad(fn, wrt=wrt, jit=True, **options)
    for kind in kinds:
        if fn is written and kind in OUT_OF_BOUNDS:
            continue
        got, expected = outcome(g, kind), fresh(fn, wrt, kind)
        if got[0] == "raised":
            primal = outcome(fn, kind)
            assert primal[0] == "raised" and primal[1] is got[1], (kind, got)
        elif got[0] == "refused":
            unknown = kind in NOT_OF_NUMBA or expected[0] != "value"
            assert unknown or (fn in WRITERS and kind in (">f8", ">i4")), (kind, got, expected)
        else:
            assert expected[0] == "value" and equal(got[1], expected[1], 1e-4), (kind, got, expected)
            assert equal(got[2], expected[2], 1e-4), (kind, got, expected)


SAMPLE = [
    "float64", "read-only", ">f8", "unaligned", "strided", "list of int and float", "empty list", "list", "int", "int of 64 bits",
    "int of 100 bits", "float", "longdouble", "float16", "bool", "object", "size 1", "float64", "read-only",
]  # fmt: skip


@pytest.mark.jit
@pytest.mark.parametrize("fn", [whole, written])
def test_later_calls_of_a_compiled_derivative(fn):
    compiled_calls(fn, "x", SAMPLE)


@pytest.mark.jit
@pytest.mark.slow
@pytest.mark.parametrize(
    ("fn", "wrt"), [(by_element, "x"), (product, "c"), (scaled, "x"), (written_perhaps, "c")]
)
def test_all_later_calls_of_a_compiled_derivative(fn, wrt):
    compiled_calls(fn, wrt, [*KINDS][::-1] if wrt == "c" else [*KINDS])


@pytest.mark.jit
def test_compiled_lists_one_after_the_other():
    compiled_calls(by_element, "x", ["list", "empty list", "list of int and float", "list of int", "list of several", "list of bool", "tuple"])  # fmt: skip


def of_list(p):
    return np.sum(p[0] * p[0]) + 2.0 * np.sum(p[1])


@pytest.mark.jit
def test_items_of_other_layouts_and_types():
    g = grad(of_list, jit=True)
    for _ in range(2):
        got = g([np.ones(2), np.ones(3)])
        assert got[0].tolist() == [2.0, 2.0] and got[1].tolist() == [2.0, 2.0, 2.0]
        for p in (
            [np.ones(2), np.ones(6)[::2]],
            [np.ones(2), np.ones((2, 2))],
            [np.ones(2), np.ones(2, np.float32)],
        ):
            with pytest.raises(S2sadError, match="items are of several types"):
                g(p)
        assert g((np.ones(2), np.ones(6)[::2]))[1].tolist() == [2.0, 2.0, 2.0]


@pytest.mark.jit
def test_a_written_argument_of_another_byte_order_is_refused():
    g = grad(written, jit=True)
    for x in (np.array(V), np.array(V, ">f8"), np.array(V)):
        if x.dtype.isnative:
            assert g(x, 1.5).tolist() == [0.0, 3.75, 1.5]
        else:
            with pytest.raises(S2sadError, match="another byte order .>f8., and is written"):
                g(x, 1.5)
            assert x.tolist() == V


@pytest.mark.jit
def test_read_only_arrays_raise_only_where_they_are_written():
    g = grad(written_perhaps, jit=True)
    for kind in ("float64", "read-only", "float64", "read-only"):
        for c in (0.5, 200.0):
            got, expected = (outcome(lambda x, _: f(x, c), kind) for f in (g, grad(written_perhaps)))  # noqa: B023
            assert same(got, expected) and (got[0] == "raised") == (kind == "read-only" and c > 100.0)
    for run in (
        lambda x: vjp(written, x, 1.5, jit=True),
        lambda x: jvp(written, (x, 1.5), (x, 0.0), jit=True),
    ):
        with pytest.raises(ValueError, match="assignment destination is read-only"):
            run(read_only())


def of_integers(x, n):
    return x * n


@pytest.mark.jit
def test_integers_of_more_than_64_bits():
    g, both = grad(of_integers, jit=True), value_and_grad(of_integers, jit=True)
    for _ in range(2):
        assert g(2.0, 3) == 3.0 and g(2.0, n=-(2**63)) == -(2.0**63) and both(x=2.0, n=4) == (8.0, 4.0)
        for n in (2**63, -(2**63) - 1, 10**30):
            for call in (lambda: g(2.0, n), lambda: g(n=n, x=2.0), lambda: both(2.0, n), lambda: g(n, n)):
                with pytest.raises(
                    JitError, match=r"test_call_matrix.py:\d+.*an integer of more than 64 bits"
                ):
                    call()


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.jit)])
@pytest.mark.parametrize("make", [grad, value_and_grad, jacfwd])
def test_truth_values_are_not_differentiated_by(make, jit):
    mask = np.array([True, False, True])
    g = make(whole, jit=jit)
    for bad in (mask, [True, False], np.bool_(True), True, mask.reshape(1, 3), np.array(True)):
        with pytest.raises(SignatureError, match="cannot be differentiated with respect to 'x'"):
            g(bad, 1.5)
    assert make(product, wrt="c", jit=jit)(True, 1.5) is not None
    with pytest.raises(SignatureError):
        make(lambda p: np.sum(p[0]), jit=jit)((mask, 1.0))


@pytest.mark.jit
@pytest.mark.slow
def test_vjp_and_jvp():
    for x in (np.array(V), read_only(), np.array(V, ">f8"), unaligned(), np.repeat(V, 2)[::2], np.array(V)):
        value, pull = vjp(whole, x, 1.5, jit=True)
        assert value == 21.0 and pull(1.0)[0].tolist() == [3.0, 6.0, 9.0]
        assert jvp(whole, (np.array(x, float), 1.5), (np.ones(3), 0.0), jit=True)[1] == 18.0
    for bad in (np.array(V, np.longdouble), np.array(V, np.float16)):
        with pytest.raises(S2sadError):
            vjp(whole, bad, 1.5, jit=True)


W = np.array(V)
ROWS = [1.0, 2.0]


def with_globals(x):
    return np.sum(x * W) * ROWS[0] + len(ROWS)


def fills_global(x):
    W[0] = x
    return np.sum(W * W) * x


CAPTURED = [
    lambda: np.array(V), read_only, lambda: np.array(V, ">f8"), unaligned, lambda: np.repeat(V, 2)[::2],
    lambda: np.array(V, np.float32), lambda: np.array([1, 2, 3]), lambda: np.array(V),
]  # fmt: skip


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=[pytest.mark.jit, pytest.mark.slow])])
def test_captured_data_of_other_kinds(jit, monkeypatch):
    module = sys.modules[__name__]
    g, h = grad(with_globals, jit=jit), grad(fills_global, jit=jit)
    for make in CAPTURED:
        for rows in ([1.0, 2.0], [1, 2.0], [1, 2]):
            monkeypatch.setattr(module, "W", make())
            monkeypatch.setattr(module, "ROWS", rows)
            np.testing.assert_allclose(g(np.array(V)), V)
        try:
            got = h(2.0)
        except (ValueError, S2sadError):
            monkeypatch.setattr(module, "W", make())
            assert not W.flags.writeable or (jit and not W.dtype.isnative)
            assert W.tolist() == V
        else:
            assert got == pytest.approx(25.0 if W.dtype.kind == "f" else 17.0, rel=1e-6)  # integers are cut
    monkeypatch.setattr(module, "ROWS", [])
    with pytest.raises((IndexError, S2sadError)):
        g(np.array(V))


@pytest.mark.jit
def test_numba_s_advice_is_no_error(monkeypatch):
    """Found raised: where a program makes errors of warnings, Numba's on lists and strided products."""
    monkeypatch.setenv("S2SAD_CACHE", "0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert grad(by_element, jit=True)(list(V), 1.5) == [3.0, 6.0, 9.0]
        assert vjp(by_element, list(V), 1.5, jit=True)[0] == 21.0
        A = np.ones((4, 4))[::2, ::2]
        assert grad(lambda A, x: np.sum(A @ x), jit=True)(A, np.ones(4)[::2]).tolist() == [
            [1.0, 1.0],
            [1.0, 1.0],
        ]
