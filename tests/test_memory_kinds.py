"""Programs about memory that were wrong in silence, by kind: each is right now, in every mode, or refused where that is said."""
# ruff: noqa: B023, F841

from __future__ import annotations

import math

import numpy as np
import pytest

from s2sad import S2sadError, grad, hessian, hvp, jacfwd, jacrev, jvp
from tests.checks import Checker

X3, X4, X6 = np.array([0.3, -0.7, 1.2]), np.array([1.0, 2.0, 3.0, 4.0]), np.arange(1.0, 7.0) * 0.3
SQUARE, WIDE = np.array([[0.3, 0.4], [0.5, 0.6]]), np.arange(1.0, 7.0).reshape(2, 3) * 0.25


def checked(fn, *args, modes=True):
    """All modes of the derivatives by the floating arguments agree with one another and with differences."""
    wrt = tuple(i for i, a in enumerate(args) if isinstance(a, (float, np.ndarray)))
    checker = Checker(fn, args, wrt)
    for optimize in (0, 1, 2):
        gradient = checker.gradient(optimize=optimize)
        if gradient is not None:
            checker.differences(gradient, required=True)
    if gradient is not None:
        checker.forward(gradient)
        if modes:
            checker.other_modes(gradient)
    assert not checker.problems, "\n".join(map(str, checker.problems))
    assert not checker.refusals, checker.refusals


# -- a view made anew each turn: the same name and index are another cell -----------------------------------------


def starts_move(x):
    for i in range(2):
        a = x[i:]
        a[0] = a[1] * a[1]
    return x[0] + x[1]


def starts_move_in_a_while(x):
    i = 0
    while i < 2:
        a = x[i:]
        a[0] = a[1] * a[1]
        i += 1
    return x[0] + x[1] * x[2]


def rows_of_a_matrix(A):
    for i in range(1, 2):
        for j in range(2):
            r = A[i - j]
            r[0] = r[1] * r[2]
            r[1] *= r[0]
    return np.sum(A * A)


def reversed_steps(x):
    for i in range(2):
        a = x[::-1][i:]
        a[0] = a[1] * a[1]
    return np.sum(x * np.arange(1.0, 4.0))


def computed_starts(x, n):
    k = 0
    for i in range(n):
        k = (k + 2) % 3
        a = x[k:]
        a[0] = a[-1] * a[0] + x[0]
    return np.sum(x * x)


def helper_takes_a_view(x):
    def square_second(v):
        v[0] = v[1] * v[1]

    for i in range(2):
        square_second(x[i:])
    return x[0] + x[1] * 2


def store_before_load(x):
    s = 0.0
    for i in range(2):
        a = x[i:]
        a[1] = 0.5 * a[0] * s
        s += a[1] * a[0] * a[0]
    return s + np.sum(x * x)


def carried_tail(x):
    a = x
    s = 0.0
    for i in range(2):
        a = a[1:]
        a[0] = a[0] * a[-1] + 0.3
        s += a[0] * a[0]
    return s + x[0] * x[1] * x[2]


def carried_tail_first_write(x):
    a = x
    while len(a) > 1:
        a[0] = a[1] * a[1]
        a = a[1:]
    return x[0] + x[1]


def of_the_last_turn(x):
    kept = np.zeros(3)
    s = 0.0
    for i in range(3):
        kept[0] = 5.0 + s
        a = x * (1.0 + s)
        s += a[0] * a[0]
        kept = a
    return s


def windows_of_two(x):
    for i in range(2):
        for k in range(2):
            w = x[i : i + 2]
            w[k] = w[1 - k] * w[k] + 0.1 * i
    return np.sum(x * x)


def columns_through_a_transpose(A):
    for j in range(2):
        c = A.T[j]
        c[0] = c[1] * c[1]
        A[0, j + 1] += c[0]
    return np.sum(A**2)


VIEWS_IN_LOOPS = [
    (starts_move, X3), (starts_move_in_a_while, X3), (rows_of_a_matrix, WIDE), (reversed_steps, X3), (computed_starts, X3, 3),
    (helper_takes_a_view, X3), (store_before_load, X3), (carried_tail, X3), (carried_tail_first_write, X3), (of_the_last_turn, X3),
    (windows_of_two, X3), (columns_through_a_transpose, WIDE), (computed_starts, X3, 0), (computed_starts, X3, 1),
]  # fmt: skip


# -- values of more axes than what they are assigned to ------------------------------------------------------------------


def row_of_a_matrix(A):
    y = np.zeros(2)
    y[:] = A[0:1]
    return np.sum(y * y)


def row_into_a_row(A):
    A[1] = 2 * A[0:1]
    return np.sum(A * A)


def new_axis(x):
    z = np.zeros(3)
    z[:] = np.sin(x)[None, :]
    return np.sum(z * z)


def two_axes_more(x):
    z = np.ones(3)
    z[...] = (x * x)[None, None]
    z[1:] = z[None, :2] * x[0]
    return np.sum(z**2)


def into_a_part(A, x):
    for i in range(2):
        A[i, 1:] = x[None, i : i + 2]
        A[i] = 0.5 * A[None, i] * x[i]
    return np.sum(A * A * A)


def one_number_long(x):
    z = np.zeros((2, 3))
    z[0] = x[None, 0:1]
    z[:, 1] = x[1:3][None]
    return np.sum(z * z + z)


def at_index_arrays(x):
    z = np.zeros(4)
    z[[0, 2, 0]] = (x * x)[None]
    z[np.array([1, 3])] = x[None, :2]
    return np.sum(z * z)


def copied_to(x):
    z = np.zeros(3)
    np.copyto(z, np.cos(x)[None])
    return np.sum(z * z)


MORE_AXES = [
    (row_of_a_matrix, SQUARE), (row_into_a_row, SQUARE), (new_axis, X3), (two_axes_more, X3), (into_a_part, WIDE, X3),
    (one_number_long, X3), (at_index_arrays, X3), (copied_to, X3),
]  # fmt: skip


def too_long(A):
    y = np.zeros(3)
    y[:] = A
    return np.sum(y)


def test_axes_that_are_longer_than_one_raise():
    with pytest.raises(ValueError):
        grad(too_long)(WIDE)


# -- containers of views, of what may be one, and of what is written -----------------------------------------------------


def reshaped_and_held(x, k):
    r = x.reshape(2, 2)
    held = [r, r]
    x[0] = 5.0 * x[1]
    s = 0.0
    for i in range(k):
        s += held[i][0, 0] * held[i][0, 1]
    return s


def put_into_a_place(x, k):
    held = [x, x]
    held[1] = x.reshape(2, 2).ravel()
    x[0] = 5.0 * x[1]
    s = 0.0
    for i in range(k):
        s += held[i][0] ** 2
    return s


def contiguous_held(x, k):
    held = [np.ascontiguousarray(x), x[1:]]
    x[1] = 2.0 * x[0] * x[0]
    return held[k][0] ** 2 + np.sum(held[0])


def turned_and_held(A):
    held = [np.rot90(A), np.rot90(A, 2)]
    A[0, 0] = A[1, 1] ** 2
    return np.sum(held[0] * held[1])


def written_through_the_container(x):
    held = [x[:2], x[1:]]
    for h in held:
        h[0] = h[1] * h[1]
    return np.sum(x * x)


def appended_views(x):
    held = []
    for i in range(3):
        held.append(x[i:])
    x[2] = x[0] * x[1]
    s = 0.0
    for h in held:
        s += h[0] * h[-1]
    return s


def in_a_dict(x):
    d = {"a": x[1:], "b": x.reshape(2, 2)}
    d["b"][0, 1] = x[3] ** 2
    x[2] *= d["a"][0]
    return np.sum(d["a"] ** 2) + d["b"][1, 0]


def in_a_tuple(x):
    pair = (x[::2], x[::-1])
    pair[0][0] = pair[1][0] ** 2
    pair[1][1] += pair[0][1]
    return np.sum(pair[0] * pair[1][:2])


CONTAINERS = [
    (reshaped_and_held, X4, 2), (reshaped_and_held, X4, 0), (put_into_a_place, X4, 2), (contiguous_held, X4, 1), (turned_and_held, SQUARE),
    (written_through_the_container, X3), (appended_views, X3), (in_a_dict, X4), (in_a_tuple, X4),
]  # fmt: skip


# -- reshaped arguments: views or copies, as the call's layout says -------------------------------------------------------


def flat_view(a):
    r = a.reshape(2, 2)
    r[0, 0] = 5.0 * a[3]
    return np.sum(a * a)


def flat_through_either(A):
    r = A.ravel()
    r[0] = A[1, 1] ** 2
    A[0, 1] *= r[0]
    return np.sum(r * r) + np.sum(A * r[-1])


def transposed_first(A):
    r = A.T.reshape(-1)
    r[0] = A[1, 1] ** 2
    A[0, 1] *= r[0]
    return np.sum(r * r) + np.sum(A * r[-1])


def diagonal_of_what_is_written(A):
    d = np.diagonal(A)
    A[0, 0] = A[0, 1] ** 2
    s = np.sum(d * d)
    A[1, 1] *= s
    return s + np.sum(d) * d[1]


def every_other(x):
    r = x[::2].reshape(3, 1)
    c = x[1::2]
    r[0, 0] = x[1] * x[1]
    c[0] = 3.0 * r[0, 0]
    return np.sum(x * x) + np.sum(c * c)


def some_columns(A):
    r = A[:, :2].reshape(-1)
    r[0] = A[0, 0] ** 2
    A[0, 0] = 2.0 * r[1]
    return np.sum(A * A) + np.sum(r * r)


def either_by_its_sizes(x):
    c = x[1::2].ravel()
    c[0] = 3.0 * x[0]
    return np.sum(x * x) + np.sum(c * c)


def by_columns(A):
    r = A.reshape(-1, order="F")
    q = A.ravel(order="F")
    A[0, 1] = r[0] * q[1]
    return np.sum(r * r) + np.sum(q) * q[2]


def parts_in_loops(A):
    for i in range(2):
        r = A[i:].reshape(-1)
        r[1] = r[0] * r[2]
    return np.sum(A * A)


def spread_out(x):
    p = np.broadcast_to(x, (2, 3))
    x[0] = x[1] ** 2
    s = np.sum(p * p)
    x[1] = s
    return np.sum(p) + s


def handed_to_a_helper(A):
    def fill(v):
        v[1:3] = v[0] * v[0]

    fill(A.reshape(-1))
    fill(A.T.ravel())
    return np.sum(A * A)


LAYOUTS = [
    (flat_view, X4), (flat_through_either, WIDE), (transposed_first, WIDE), (diagonal_of_what_is_written, SQUARE), (every_other, X6),
    (by_columns, WIDE), (parts_in_loops, WIDE), (spread_out, X3), (handed_to_a_helper, WIDE),
]  # fmt: skip


@pytest.mark.parametrize(
    "fn",
    [flat_through_either, transposed_first, some_columns, by_columns, parts_in_loops, handed_to_a_helper],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("order", ["CF", "FC", "CS", "SF"])
def test_layout_of_each_call(fn, order):
    """Code made for one layout is not used for another; strided matrices may be refused."""
    layouts = {"C": WIDE, "F": np.asfortranarray(WIDE), "S": np.repeat(WIDE, 2, axis=1)[:, ::2]}
    derivative = grad(fn)
    for kind in order:
        a = layouts[kind].copy(order="K") if kind != "S" else np.repeat(WIDE, 2, axis=1)[:, ::2]
        try:
            found = derivative(a)
        except S2sadError:
            assert kind == "S" or (kind == "F" and fn is parts_in_loops)
            continue
        b = layouts[kind].copy(order="K") if kind != "S" else np.repeat(WIDE, 2, axis=1)[:, ::2]
        fn(b)
        np.testing.assert_array_equal(a, b)
        if kind != "S":
            np.testing.assert_array_equal(found, grad(fn)(layouts[kind].copy(order="K")))


@pytest.mark.parametrize(
    ("fn", "arrays"),
    [(either_by_its_sizes, [X6, X6[:2], X6[:3], X6[:5], X6]), (some_columns, [WIDE, WIDE[:, :2].copy(), WIDE.T.copy(), WIDE])],
    ids=["strided", "columns"],
)  # fmt: skip
def test_sizes_that_decide(fn, arrays):
    """Of one element, or of all columns, NumPy gives a view; code is made for each size."""
    derivative = grad(fn)
    for a in arrays:
        checked(fn, a.copy())
        np.testing.assert_array_equal(derivative(a.copy()), grad(fn)(a.copy()))


# -- what overlaps through what may be a view -----------------------------------------------------------------------------


def column_from_the_flat(B):
    B[:, 2] = B.reshape(-1)[3:6]
    return np.sum(B * B)


def steps_from_the_flat(x):
    y = x * 2.0
    y[::2] = y.reshape(-1)[:3]
    return np.sum(y * y)


def diagonal_into_a_row(B):
    B[0] = np.diagonal(B)
    return np.sum(B * B * np.arange(9.0).reshape(3, 3))


def flat_into_itself(A):
    A[:] = A.ravel()[::-1].reshape(2, 3)
    return np.sum(A * np.arange(6.0).reshape(2, 3) ** 2)


def transposed_into_itself(B):
    B[:] = B.T.reshape(-1)[::-1].reshape(3, 3)
    B[1:] = B.reshape(-1)[:6].reshape(2, 3)
    return np.sum(B * np.arange(9.0).reshape(3, 3) ** 2)


@pytest.mark.parametrize(
    ("fn", "a"),
    [(column_from_the_flat, np.arange(9.0).reshape(3, 3)), (steps_from_the_flat, np.arange(1.0, 6.0)),
     (diagonal_into_a_row, np.arange(9.0).reshape(3, 3)), (flat_into_itself, WIDE), (transposed_into_itself, np.arange(9.0).reshape(3, 3))],
    ids=lambda f: getattr(f, "__name__", ""),
)  # fmt: skip
def test_overlaps_are_as_in_numpy_or_refused(fn, a):
    try:
        checked(fn, a)
    except S2sadError:
        pass
    except AssertionError as error:
        assert "NumPy reads elements" in str(error) or "share memory" in str(error), error


# -- forward mode of what is reshaped and written, of complex arrays written in place ---------------------------------------


def written_after_it_was_reshaped(x):
    w = x.copy()
    v = w.reshape(3, 2)
    z = v * v
    w[0] = 9.0
    return np.sum(z * np.arange(6.0).reshape(3, 2))


def read_after_it_was_written(x):
    w = np.outer(x, x)
    v, d = w.ravel(), np.diagonal(w)
    w[0, 0] = 9.0 * x[1]
    return np.sum(v * v) + np.sum(d**3)


def complex_in_place(x):
    S = x - 2j
    S *= 1j
    return np.sum(S.imag)


def complex_with_a_number(h, x):
    S = x - 2j
    S += h * (1 + 2j)
    S[0] = S[1] * 1j
    return np.sum((S * S).imag)


def complex_full(x):
    S = np.full(3, x[0] + 2j)
    S *= 1j
    S[1] = x[2] * (1 + 1j)
    return np.sum(S.imag**2)


def complex_spread(x):
    S = np.broadcast_to(x[0] + 1j, (3,)).copy()
    S *= 1j
    S -= x
    return np.sum((S * S).imag)


def complex_view(x):
    S = x.reshape(3, 1) - 2j
    R = S.ravel()
    R *= 1j
    return np.sum((S * S).imag + S.imag)


def complex_in_a_loop(x):
    S = x + 0j
    for i in range(3):
        S *= 1 + 1j
        S[i] = S[i - 1] * x[i]
    return np.sum((S * S).real + S.imag)


def complex_power(x):
    S = x[:, None] - 2j * np.ones((1, 2))
    S /= 1 + 1j
    S[0] = x[1]
    S **= 2
    return np.sum(S.imag + S.real)


FORWARD = [
    (written_after_it_was_reshaped, X6), (read_after_it_was_written, X3), (complex_in_place, X3), (complex_with_a_number, 0.7, X3),
    (complex_full, X3), (complex_spread, X3), (complex_view, X3), (complex_in_a_loop, X3), (complex_power, X3),
]  # fmt: skip

CASES = [*VIEWS_IN_LOOPS, *MORE_AXES, *CONTAINERS, *LAYOUTS, *FORWARD]


@pytest.mark.filterwarnings("error::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)
def test_every_mode(case):
    checked(*case)


COMPILED = [*VIEWS_IN_LOOPS[:12], *MORE_AXES, *CONTAINERS[1:], *LAYOUTS, *FORWARD]


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize("case", COMPILED, ids=lambda c: c[0].__name__)
def test_compiled(case):
    fn, *args = case
    wrt = tuple(i for i, a in enumerate(args) if isinstance(a, (float, np.ndarray)))
    checker = Checker(fn, args, wrt)
    gradient = checker.gradient()
    try:
        checker.compiled(gradient)
    except S2sadError as refusal:
        pytest.skip(str(refusal))
    problems = [p for p in checker.problems if p.kind != "jit-error" or not checker.refused]
    assert not problems, "\n".join(map(str, problems))


@pytest.mark.jit
@pytest.mark.parametrize("case", [VIEWS_IN_LOOPS[0], MORE_AXES[1], LAYOUTS[1]], ids=lambda c: c[0].__name__)
def test_compiled_sample(case):
    test_compiled(case)


# -- what a branch of a derivative leaves unbound ----------------------------------------------------------------------------


def either(a, x, A, n):
    s = a
    if n:
        pass
    else:
        s = x @ np.diagonal(A).copy()
    return s


inner = grad(either, wrt=("a", "x", "A"))


def of_a_gradient(a, x, A, n):
    p, q, r = inner(a, x, A, n)
    return p * a + np.sum(q * q) + np.sum(r * x[0])


@pytest.mark.parametrize("n", [0, 1])
def test_unbound_in_a_branch(n):
    A = np.outer(X3, X3) + 1.0
    checked(of_a_gradient, 0.4, X3, A, n, modes=False)
    da, dx, dA = grad(of_a_gradient, wrt=(0, 1, 2))(0.4, X3, A, n)
    if n:
        assert da == 1.0 and not dx.any() and not dA.any()


def test_values_of_the_issue():
    np.testing.assert_allclose(grad(starts_move)(X3.copy()), [0.0, -1.4, 2.4])
    np.testing.assert_allclose(jacfwd(complex_in_place)(X3), np.ones(3))
    assert jvp(complex_in_place, (X3,), (np.ones(3),))[1] == 3.0
    np.testing.assert_allclose(
        hessian(complex_with_a_number, wrt=0)(0.7, X3), hvp(complex_with_a_number, wrt=0)(0.7, X3, 1.0)
    )
    z = jacfwd(lambda x: square_of_a_view(x))(X6)
    assert z[0, 0, 0] == 2 * X6[0]
    np.testing.assert_allclose(z, jacrev(square_of_a_view)(X6))
    assert math.isclose(grad(reshaped_and_held)(X4.copy(), 2)[1], 2 * 10 * X4[1])


def square_of_a_view(x):
    w = x.copy()
    v = w.reshape(3, 2)
    z = v * v
    w[0] = 9.0
    return z
