"""Variables whose kind changes in the first turn of a loop: a number, then an array; None, then an array or a tuple."""
# ruff: noqa: E501

from __future__ import annotations

import numpy as np
import pytest

import s2sad
from s2sad.errors import SignatureError, UnsupportedSyntaxError
from tests.array_checks import Case, both_targets, collector

rng = np.random.default_rng(5)
CASES: list[Case] = []
case = collector(CASES)


def V(*shape):
    return rng.normal(size=shape)


@case(V(5, 3))
def number_then_row(x):
    total = 0.0
    for i in range(len(x)):
        total = total + x[i] * i
    return np.sum(total**2)


@case(V(5, 3))
def int_then_row_in_place(x):
    total = 0
    for row in x:
        total += row
    return np.sum(total * total[::-1])


@case(V(4, 3))
def none_then_row(x):
    total = None
    for row in x:
        total = row * row if total is None else total * 0.5 + row
    return np.sum(total**2)


@case(V(6, 2))
def previous_row(x):
    previous, s = None, 0.0
    for row in x:
        if previous is not None:
            s += np.sum((row - previous) ** 2)
        previous = row
    return s


@case(V(6, 2))
def two_before(x):
    before = previous = None
    s = 0.0
    for i, row in enumerate(x):
        if before is not None:
            s += i * np.sum((row - 2 * previous + before) ** 2)
        before, previous = previous, row
    return s


@case(V(6, 3))
def best_row(x):
    best = None
    for row in x:
        if best is None or row @ row > best @ best:
            best = row
    return best @ np.array([1.0, 2.0, 3.0])


@case(V(6, 3), 0.4)
def best_above(x, c):
    best = None
    for row in x:
        if row[0] > c and (best is None or row[1] > best[1]):
            best = row
    if best is None:
        return c * np.sum(x)
    return c * np.sum(best**2)


@case(V(6, 3), 40.0)
def best_never(x, c):
    best = None
    for row in x:
        if row[0] > c and (best is None or row[1] > best[1]):
            best = row * c
    if best is None:
        return c * np.sum(x)
    return c * np.sum(best**2)


@case(V(6), V(6))
def best_pair(x, y):
    best = None
    for a, b in zip(x, y):
        if best is None or a * b > best[0]:
            best = (a * b, a + b)
    return best[0] * best[1]


@case(V(6, 3))
def left_in_first_turn(x):
    total = 0.0
    for row in x:
        total = total + row
        if total[0] < 100.0:
            break
        total = total * 2.0
    return np.sum(total**3)


@case(V(6, 3))
def left_later(x):
    total, n = 0.0, 0
    for row in x:
        n += 1
        if n == 4:
            break
        total = total + row * n
    return np.sum(total**3) * n


@case(V(6, 3))
def left_on_a_leaf(x):
    total = 0.0
    for i, row in enumerate(x):
        total = total + row
        if row[0] > 50.0:
            if row[1] > 0.0:
                total = total + 2.0 * row
                break
            continue
        if np.sum(total) > 3.0 + i:
            total = total * 0.5
            break
    else:
        total = total - 1.0
    return np.sum(total**2)


@case(V(6, 3), 0.3)
def returns_in_loop(x, c):
    total = 0.0
    for row in x:
        total = total + row
        if np.sum(total**2) > 10 * c:
            return np.sum(total**3)
    return np.prod(total)


@case(V(3, 4, 2))
def nested(x):
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            total = total * 0.9 + x[i, j] ** 2
    return np.sum(total**2)


@case(V(3, 4, 2))
def nested_anew(x):
    s = 0.0
    for i in range(x.shape[0]):
        row = 0
        previous = None
        for j in range(x.shape[1]):
            row += x[i, j] * (j + 1)
            if previous is not None:
                s += previous @ row
            previous = x[i, j] * row
        s += np.sum(row**2)
    return s


@case(V(4, 3))
def in_a_while(x):
    total, i = 0, 0
    while i < len(x):
        total = total + x[i] ** 2
        i += 1
    return np.sum(total**2)


@case(V(4, 3))
def in_an_endless_while(x):
    total, i = None, 0
    while True:
        total = x[i] if total is None else total * x[i]
        i += 1
        if i >= len(x) or np.sum(total) > 1e6:
            break
    return np.sum(total**2)


@case(V(3, 3), V(3))
def newton(A, b):
    x, previous = b, None
    for _ in range(6):
        new = x - 0.1 * (A @ x - b)
        if previous is not None and np.sum((new - previous) ** 2) < 1e-9:
            break
        previous = x
        x = new
    return x @ x + previous @ b


@case(V(5, 3))
def momentum(x):
    v = 0.0
    w = np.ones(3)
    for row in x:
        v = 0.9 * v + row * w
        w = w - 0.1 * v
    return np.sum(w**2)


@case(V(5, 3))
def adam(x):
    m, v, w = 0, 0, np.ones(3)
    for t, g in enumerate(x, 1):
        g = g * w
        m = 0.9 * m + 0.1 * g
        v = 0.99 * v + 0.01 * g**2
        w = w - 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-3)
    return np.sum(w**2)


@case(V(4, 3, 3))
def matrix_product(ms):
    p = None
    for m in ms:
        p = m if p is None else p @ m
    return np.trace(p)


@case(V(4, 3, 3))
def number_times_matrices(ms):
    p = 1.0
    for m in ms:
        p = p * m
    return np.sum(p)


@case(V(5, 4), V(5))
def zipped(x, w):
    acc = 0.0
    for k, (row, c) in enumerate(zip(x, w)):
        acc = acc + c * row * k
    return acc @ acc


@case(V(5, 4))
def backwards(x):
    acc = 0.0
    for i in range(len(x) - 1, -1, -2):
        acc = acc * 0.5 + x[i]
    return acc @ acc


@case(V(5, 4))
def in_place_after(x):
    acc = 0.0
    for row in x:
        acc = acc + row
        acc[0] *= 2.0
    acc[1:] -= 1.0
    return acc @ acc


@case(V(5, 4))
def aliases_of_rows(x):
    last = None
    x = x.copy()
    for row in x:
        if last is not None:
            last += row
        last = row
    return np.sum(x**2)


@case(V(5, 4))
def list_or_none(x):
    rows = None
    for row in x:
        if rows is None:
            rows = [row * 2.0]
        else:
            rows.append(row * rows[-1])
    return np.sum(np.array(rows))


@case(V(5, 2), V(2))
def used_inside(x, c):
    acc = 0.0
    s = 0.0
    for row in x:
        s += np.sum(acc * row)
        acc = np.tanh(acc + row * c)
    return s * np.sum(acc)


@case(V(2), V(2), 3)
def maybe_from_branch(x, y, n):
    z = None
    if n > 2:
        z = x * y
    w = x + y
    if z is not None:
        w = w * z
    return np.sum(w**2)


@case(V(2), V(2), 1)
def maybe_not_from_branch(x, y, n):
    z = None
    if n > 2:
        z = x * y
    w = x + y
    if z is not None:
        w = w * z
    return np.sum(w**2)


@case(V(2), 4)
def reset_in_the_loop(x, n):
    held = None
    s = 0.0
    for i in range(n):
        if held is None:
            held = x * (i + 1)
        else:
            s += held @ x
            held = None
    return s


@case(V(3, 2))
def function_inside(x):
    def mean(rows):
        t = 0
        for r in rows:
            t = t + r
        return t / len(rows)

    m = mean(x)
    var = 0
    for r in x:
        var += (r - m) ** 2
    return np.sum(np.sqrt(var))


@case(rng.normal(size=(5, 3)).astype(np.float32))
def single(x):
    t = 0.0
    for r in x:
        t = t + r * r
    return np.sum(t)


@case(V(1, 3))
def one_turn(x):
    t = 0.0
    for r in x:
        t = t + r * r
    return np.sum(t)


@case(V(3, 4))
def gram_schmidt(A):
    basis = []
    for v in A:
        w = v - sum((v @ b) * b for b in basis)
        basis.append(w / np.linalg.norm(w))
    return np.sum(np.array(basis)[-1] ** 3)


@case(V(3, 4))
def triangular(A):
    s = 0.0
    for i in range(len(A)):
        acc = 0
        for j in range(i):
            acc = acc + A[j] * (j + 1)
        s += np.sum((A[i] - acc) ** 2)
    return s


@case(V(3, 4))
def triangular_sums(A):
    s = 0.0
    for i in range(len(A)):
        s += np.sum(np.exp(A[i] - 0.1 * sum(A[j] for j in range(i))))
    return s


@case(V(3, 4), V(4))
def upper_triangular(A, f):
    s = 0.0
    for i in range(len(A)):
        acc = 0.0
        for j in range(i + 1, len(A)):
            acc = acc + np.tanh(A[j] * A[i])
        s += np.sum(acc * f) + np.mean(2.0 * acc)
    return s


@case(V(3), V(3), 0)
def none_is_handed_on(x, y, m):
    c, s = x * 2.0, 0.0
    for k in range(2):
        s += c[1]
        j = 0
        while j < m:
            j += 1
            t = None
            for i in range(m):
                t = c * y[i] if t is None else t * 0.5
                c = t * 0.6
            c = t
    return s + np.sum(c)


CASES.append(Case(none_is_handed_on, (V(3), V(3), 2)))


@case(V(3, 3))
def sums_of_generators(A):
    s = 0.0
    for i in range(len(A)):
        acc = sum(A[j] * A[i] for j in range(i))
        s += np.sum(acc * A[i])
        t = 0.0
        for r in (A[j] * 2.0 for j in range(i)):
            t = t + r
        for k, r in enumerate(q + 1.0 for q in (A[j] * 2.0 for j in range(i))):
            t = t + r * k
        s += np.sum(t * A[i])
    return s


@case(V(3, 3))
def loops_in_a_consumer(A):
    s = 0.0
    for i in range(len(A)):
        for r in (q + 1.0 for q in (A[j] * 2.0 for j in range(2))):
            t = 0.0
            for j in range(i):
                t = t + A[j] * r
            s += np.sum(A[i] * t)
        s = s + sum(sum(A[j] * A[k] for j in range(k)) for k in range(i))
    return np.sum(s)


def test_a_number_among_arrays_is_not_told_apart():
    """In place, by its rank, or returned: then it is refused when it happens."""

    def in_place(x):
        s = 0.0
        for k in range(2):
            t = 1.0
            for _ in range(k):
                t = t * x
            u = t
            t *= 2.0
            s += np.sum(u) * x[0]
        return s

    def by_rank(x):
        s = 0.0
        for k in range(2):
            t = 1.0
            for _ in range(k):
                t = t * x
            s += np.ndim(t) * x[0]
        return s

    def of_a_sum(x):
        s = 0.0
        for k in range(2):
            s += np.ndim(sum(x * j for j in range(k))) * x[0]
        return s

    def of_a_generator(x):
        s = 0.0
        for k in range(2):
            t = 0.0
            for r in (x * j for j in range(k)):
                t = t + r
            s += np.size(np.array([t, t])) * x[0]
        return s

    for fn in (in_place, by_rank, of_a_sum, of_a_generator):
        with pytest.raises(ValueError, match="where this loop does not run"):
            s2sad.grad(fn)(V(3))


def test_elements_of_a_number():
    """A number that stands where other turns have an array has no elements."""

    def f(A):
        s = 0.0
        for i in range(len(A)):
            acc = 0.0
            for j in range(i):
                acc = acc + A[j]
            s += acc[0] if i > 0 else 1.0
        return s

    with pytest.raises(ValueError, match="'acc' is 0.0 where this loop does not run"):
        s2sad.grad(f)(V(3, 2))


def test_loops_that_do_not_run():
    """What is of one kind then is exact, what is of two is refused when it happens, if it is read."""
    assert previous_row(np.zeros((0, 2))) == 0.0
    for jit in (False, True):
        value, gradient = s2sad.value_and_grad(previous_row, jit=jit)(np.zeros((0, 2)))
        assert value == 0.0 and gradient.shape == (0, 2)
        value, gradient = s2sad.value_and_grad(best_above, jit=jit)(np.zeros((0, 3)), 0.5)
        assert value == 0.0 and gradient.shape == (0, 3)
        with pytest.raises(ValueError, match="'total' is 0.0 where this loop does not run"):
            s2sad.grad(number_then_row, jit=jit)(np.zeros((0, 3)))


def test_two_kinds_at_one_place():
    def on_one_path(x):
        total = 0.0
        for row in x:
            if row[0] > 50.0:
                continue
            total = total + row
        return np.sum(total**2)

    def after_a_branch(x):
        total = 1.0
        if x[0, 0] > 0:
            total = total * x[0]
        return np.sum(total)

    for fn in (on_one_path, after_a_branch):
        with pytest.raises(SignatureError, match="'total' is .* and .* depending on the path taken"):
            s2sad.grad(fn)(V(3, 3))


def test_source():
    source = (
        s2sad.grad(previous_row).source_for(V(6, 2))
        if hasattr(s2sad.grad(previous_row), "source_for")
        else ""
    )
    assert "None" not in source


ZERO_D = [np.array(0.7), np.array(0.4)]


def carried(a, b):
    s = a
    for _ in range(3):
        s = s * b
    return s


def chosen(a, b):
    return a if a > b else -b


def branched(a, b):
    if a > b:
        y = a
    else:
        y = b * 2
    return np.sin(y) * y


def in_a_while_loop(a, b):
    x = a
    while x < 10:
        x = x * 1.5 + b
    return x


def greatest(a, b):
    return max(a, b, 0.1) * min(a, b)


def itself(a, b):
    return a if b > 0 else b


@pytest.mark.parametrize(
    "fn", [carried, chosen, branched, in_a_while_loop, greatest, itself], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("jit", [False, True])
def test_arrays_without_axes(fn, jit):
    """They stand for the numbers in them where they meet numbers."""
    given = [a.copy() for a in ZERO_D]
    expected = s2sad.grad(fn, wrt=(0, 1))(0.7, 0.4)
    found = s2sad.grad(fn, wrt=(0, 1), jit=jit)(*given)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    np.testing.assert_array_equal(given, ZERO_D)


def test_written_arrays_without_axes():
    def f(a, b):
        s = a if b > 0 else 1.0
        a += b
        return s * a * 2.0

    def g(a, b):
        s = a if b > 0 else 1.0
        s += b
        return s * a * 2.0

    for fn in (f, g):
        with pytest.raises(UnsupportedSyntaxError, match="without axes"):
            s2sad.grad(fn)(*(a.copy() for a in ZERO_D))


test_exact, test_compiled = both_targets(CASES)
