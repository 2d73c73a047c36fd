"""Functions that call themselves, and arrays: passed down, given back, written before and after."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import UnsupportedSyntaxError, grad, jacfwd
from tests.array_checks import Case, check

# -- memory that is written between a call and the reverse of it --------------------------------------


def squares_down(a, k):
    t = 1.0
    if k > 0:
        t = squares_down(a, k - 1)
    s = 0.0
    for i in range(len(a)):
        s += a[i] * a[i]
    return t * s


def written_after_a_call(x):
    a = x * 1.0
    s = squares_down(a, 2)
    a[1] = 0.0
    a[0] *= 3.0
    return s + a[0]


def sums_down(a, k):
    t = 1.0
    if k > 0:
        t = sums_down(a, k - 1)
    return t * np.sum(a * a)


def written_after_a_sum(x):
    a = x * 1.0
    s = sums_down(a, 2)
    a[1] = 0.0
    return s + a[0]


def taking_turns(n, a, b):
    s = 0.0
    for i in range(len(a)):
        s += a[i] * a[i]
    if n > 0:
        s += taking_turns(n - 1, b, b)
    return s


def written_once_passed_on(x):
    a = x * 1.0
    s = taking_turns(1, a, x)
    a[1] = 5.0
    a[2] = 9.0
    return s + a[0]


def branching_down(a, k):
    t = 1.0
    if k > 0:
        t = branching_down(a, k - 1)
    if a[1] > 0.1:
        t = t * a[1] * a[2]
    else:
        t = t + a[1]
    return t


def written_after_a_branch(x):
    a = x * 1.0
    s = branching_down(a, 2)
    a[1] = -5.0
    return s + a[0]


def row_by_row(m, k):
    if k < 0:
        return 1.0
    row = m[k]
    s = 0.0
    for i in range(len(row)):
        s += row[i] * row[i] * (i + 1)
    return s * row_by_row(m, k - 1)


def written_rows(x):
    m = np.outer(x, x)
    s = row_by_row(m, 2)
    m[1] = 0.0
    return s + m[0, 0]


def down_a_list(parts, k):
    if k < 0:
        return 1.0
    s = 0.0
    for p in parts:
        s += p[k] * p[k]
    return s * down_a_list(parts, k - 1)


def written_parts(x):
    a, b = x * 1.0, x * x
    s = down_a_list([a, b], 2)
    a[1] = 0.0
    b *= 4.0
    return s + a[0] + b[2]


def appended_down(out, x, k):
    if k < 0:
        return 0.0
    a = x * x[k]
    out.append(a)
    s = 0.0
    for i in range(len(a)):
        s += a[i] * a[i]
    return s * s + appended_down(out, x, k - 1)


def written_what_was_appended(x):
    out = []
    s = appended_down(out, x, 2)
    out[0][1] = 4.0
    out[1] *= 3.0
    return s + out[0][0] + np.sum(out[1])


def taking_turns_writing(x, y, k):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * y[i] * y[i]
    if k > 0:
        x[0] = s
        s += taking_turns_writing(y, x, k - 1)
    return s


def written_on_both_sides(x):
    y = x + 1.0
    s = taking_turns_writing(x, y, 3)
    y[0] = s
    x[2] = y[0] * x[1]
    return s + x[2]


def captured_and_written(x):
    z = x * 1.0

    def down(k):
        s = 0.0
        for i in range(3):
            s += z[i] * z[i]
        return s * down(k - 1) if k > 0 else s

    s = down(2)
    z[1] = 8.0
    return s + z[0] * z[1]


# -- memory that callees put into lists, or have under two names ---------------------------------------


def put_in(out, x, k):
    if k == 0:
        return 0.0
    out.append(x)
    return x[0] * x[1] + put_in(out, x, k - 1)


def written_through_the_list_it_was_put_in(x):
    a = x * x
    out = [x * 2.0]
    s = put_in(out, a, 2)
    out[1][0] = 3.0
    return s + a[0] * a[1] + a[2] * out[2][0]


def squared_in_place(parts, k):
    if k < 0:
        return
    for p in parts:
        p[k] = p[k] * p[k]
    squared_in_place(parts, k - 1)


def written_in_a_list(x):
    a = x * 1.0
    rows = [a * (i + 1) for i in range(3)]
    s = 0.0
    for i in range(3):
        s += rows[i][0] * rows[i][1] + np.sum(a * np.sin(a))
        squared_in_place(rows, i)
        squared_in_place([a], i)
        s += rows[i][1] * rows[2][2]
    return s


def stored_down(parts, x, k):
    if k < 0:
        return
    parts[k] = x
    stored_down(parts, x, k - 1)


def written_after_it_was_stored(x):
    a, b = x * 1.0, np.sin(x)
    parts = [a, b, x * x]
    stored_down(parts, b, 1)
    parts[0][1] = 7.0
    return np.sum(b * b) + np.sum(parts[1] * a)


def one_under_two_names(a, b, k):
    if k < 0:
        return 0.0
    s = np.sum(np.sin(b))
    a *= b
    t = np.sum(np.sin(b))
    for i in range(3):
        s += b[i] * b[i]
        a[i] = b[i] * b[2]
        t += b[i] * b[i]
    return s * t + one_under_two_names(b, a, k - 1)


def passed_twice(x):
    a = x * 1.5
    return one_under_two_names(a, a, 2) + np.sum(a)


def passed_as_row_and_column(x):
    m = np.outer(x, x)
    return one_under_two_names(m[1], m[:, 1], 1) + np.sum(m)


def separate_below(a, b, k):
    s = np.sum(np.sin(b))
    a *= 2.0
    t = np.sum(np.sin(b))
    return s * t + (separate_below(a * 1.0, b * 1.0, k - 1) if k > 0 else 0.0)


def passed_twice_at_first(x):
    a = x * 1.5
    return separate_below(a, a, 2) + np.sum(a)


def a_list_and_what_it_holds(rows, b, k):
    if k < 0:
        return 0.0
    s = b[0] * b[1]
    rows[0][0] = b[0] * 2.0 + k
    t = b[0] * b[1]
    for i in range(len(rows)):
        rows[i][1] *= 1.5
    t += b[0] * b[1]
    return s * t + a_list_and_what_it_holds(rows, b, k - 1)


def passed_with_its_list(x):
    rows = []
    for i in range(3):
        rows.append(x * (i + 0.5))
    return a_list_and_what_it_holds(rows, rows[0], 2) + rows[0][0] * rows[2][2]


# -- what functions that call themselves give back -----------------------------------------------------


def transform(x):
    n = len(x)
    if n == 1:
        return x * 1.0
    even, odd = transform(x[::2]), transform(x[1::2])
    out = np.zeros(n)
    h = n // 2
    for k in range(h):
        t = odd[k] * np.cos(2.0 * np.pi * k / n)
        out[k] = even[k] + t
        out[k + h] = even[k] - t
    return out


def radix_two(x):
    z = np.concatenate((x, x * x[0], x[:2] + 1.0))
    y = transform(z)
    return np.sum(y**2 * np.arange(8)) + y[3]


def merge_sort(a):
    if len(a) <= 1:
        return a
    m = len(a) // 2
    left, right = merge_sort(a[:m]), merge_sort(a[m:])
    out = np.empty(len(a))
    i = j = 0
    for k in range(len(a)):
        if j >= len(right) or (i < len(left) and left[i] <= right[j]):
            out[k] = left[i]
            i += 1
        else:
            out[k] = right[j]
            j += 1
    return out


def sorted_sum(x):
    return np.sum(merge_sort(np.concatenate((x, -x, 2.0 * x + 0.15))) * np.arange(9) ** 2)


def matrix_power(a, n):
    if n == 0:
        return np.eye(3)
    if n % 2 == 0:
        half = matrix_power(a, n // 2)
        return half @ half
    return a @ matrix_power(a, n - 1)


def by_squaring(x):
    return np.sum(matrix_power(np.outer(x, x) + np.eye(3), 5) ** 2)


def one_or_the_other(a, b, k):
    return a if k == 0 else one_or_the_other(b, a, k - 1)


def written_under_another_name(x):
    a, b = x * x, np.sin(x)
    c = one_or_the_other(a, b, 3)
    c[0] = 5.0 * b[1]
    c *= 2.0
    return np.sum(b * b) + np.sum(a * x)


def substituted_forward(l, b, i):
    if i < 0:
        return b.copy()
    y = substituted_forward(l, b, i - 1)
    for j in range(i):
        y[i] -= l[i, j] * y[j]
    y[i] /= l[i, i]
    return y


def triangular(x):
    y = substituted_forward(np.outer(x, x) + 3.0 * np.eye(3), np.cos(x), 2)
    return y @ y


def powers(x, k):
    if k == 0:
        return [x * 1.0]
    found = powers(x, k - 1)
    found.append(found[-1] * x)
    return found


def a_list_of_powers(x):
    found = powers(x, 3)
    s = 0.0
    for p in found:
        s += np.sum(p * p)
    found[1][0] = s
    return s * found[2][1] + np.sum(found[1])


def de_casteljau(c, t):
    if len(c) == 1:
        return c[0]
    return de_casteljau((1.0 - t) * c[:-1] + t * c[1:], t)


def curves(x):
    return de_casteljau(x, 0.3) * de_casteljau(x**2, x[0])


def slice_and_number(x, k):
    a = x * x
    s = np.sum(np.exp(a))
    if k > 0:
        v, q = slice_and_number(x, k - 1)
        s = s * q
        v[0] = 1.0
        return v, s
    return a[1:], s


def slice_that_is_written(x):
    v, s = slice_and_number(x, 2)
    v[0] = 3.0 * v[1]
    return s + v[0] * v[1]


def scan(a):
    n = len(a)
    if n == 1:
        return a.copy(), a[0]
    left, low = scan(a[: n // 2])
    right, high = scan(a[n // 2 :])
    return np.concatenate((left, right + low)), low + high


def prefix_sums(x):
    p, s = scan(np.concatenate((x, x * x)))
    return np.sum(p**3) + s


def before_any_result(x, k):
    a = x * x
    t = 1.0
    if k > 0:
        b, t = before_any_result(x, k - 1)
        b[0] = 5.0
        t = t + b[1]
    s = 0.0
    for i in range(len(a)):
        s += a[i] * a[i]
    return a, s * t


def written_what_came_back(x):
    a, s = before_any_result(x, 2)
    a[1] = 0.0
    a[0] *= 3.0
    return s + a[0]


def handed_down(x, k, out):
    return out if k == 0 else handed_down(x, k - 1, out + x * k)


def gathered(x):
    return np.sum(handed_down(x, 3, np.zeros(3)) ** 2)


FUNCTIONS = [
    written_after_a_call, written_after_a_sum, written_once_passed_on, written_after_a_branch, written_rows, written_parts,
    written_what_was_appended, written_on_both_sides, captured_and_written, written_through_the_list_it_was_put_in,
    written_in_a_list, written_after_it_was_stored, passed_twice, passed_as_row_and_column, passed_twice_at_first,
    passed_with_its_list, radix_two, sorted_sum, by_squaring, written_under_another_name, triangular, a_list_of_powers, curves,
    slice_that_is_written, prefix_sums, written_what_came_back, gathered,
]  # fmt: skip
COMPILED_IN_CI = {written_rows, written_in_a_list, passed_with_its_list, radix_two, written_what_came_back}
X = (0.5, 0.7, -0.3)


@pytest.mark.parametrize("fn", FUNCTIONS)
def test_derivatives(fn):
    """What a callee read may be another's by the time it is reversed: it keeps what its reverse reads."""
    check(Case(fn, (np.array(X),)))


@pytest.mark.jit
@pytest.mark.parametrize(
    "fn", [f if f in COMPILED_IN_CI else pytest.param(f, marks=pytest.mark.slow) for f in FUNCTIONS]
)
def test_compiled(fn):
    check(Case(fn, (np.array(X),)), jit=True)


@pytest.mark.parametrize("fn", FUNCTIONS)
def test_second_order(fn):
    first = grad(fn)
    h = 1e-5
    expected = np.array([(first(X + e) - first(X - e)) / (2 * h) for e in np.eye(3) * h])
    np.testing.assert_allclose(jacfwd(first)(np.array(X)), expected, rtol=1e-4, atol=1e-4)
    weights = np.array([0.3, -1.0, 2.0])
    np.testing.assert_allclose(
        grad(lambda x: np.sum(first(x) * weights))(np.array(X)), expected.T @ weights, rtol=1e-4, atol=1e-4
    )


def test_every_path_calls_again():
    def endless(x):
        return endless(x - 1.0) if x > 0 else endless(x + 1.0)

    with pytest.raises(UnsupportedSyntaxError, match="every path through endless"):
        grad(endless)(0.5)
