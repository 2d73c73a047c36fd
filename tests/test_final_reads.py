"""Cells that are read for the last time: found where they are by the reverse sweep, or kept where they change."""

from __future__ import annotations

import math

import numpy as np
import pytest

from s2sad import grad
from tests.array_checks import Case, check, collector
from tests.fuzz import cells
from tests.fuzz.faults import Fault, planted

CASES = []
case = collector(CASES)
RNG = np.random.default_rng(3)
X = RNG.uniform(0.2, 0.5, 7)
M = RNG.uniform(0.3, 0.9, (4, 5))
FINAL = []  # whose loops store nothing


def final(fn):
    FINAL.append(fn)
    return fn


@final
@case(X)
def recurrence(x):
    h = np.zeros(len(x))
    h[0] = x[0]
    for t in range(1, len(x)):
        h[t] = 0.5 * h[t - 1] * h[t - 1] + x[t]
    return np.sum(h)


@final
@case(X, 0.1, 0.2, 0.6)
def volatility(r, w, a, b):
    n = len(r)
    h = np.empty(n)
    h[0] = w / (1.0 - a)
    likelihood = 0.0
    for t in range(1, n):
        h[t] = w + a * r[t - 1] ** 2 + b * h[t - 1]
        likelihood += math.log(h[t]) + r[t] ** 2 / h[t]
    return likelihood


@final
@case(M)
def table(c):
    n, m = c.shape
    d = np.zeros((n + 1, m + 1))
    for i in range(n):
        for j in range(m):
            d[i + 1, j + 1] = c[i, j] * d[i, j] + np.tanh(d[i, j + 1]) * d[i + 1, j] + c[i, j]
    return d[n, m] * d[n - 1, m]


@final
@case(X)
def downwards(x):
    n = len(x)
    y = np.ones(n + 1)
    for i in range(n - 1, -1, -1):
        y[i] = x[i] * y[i + 1] * y[i + 1] + 0.1
    return y[0]


@final
@case(X)
def by_twos(x):
    y = x.copy()
    for i in range(2, len(x), 2):
        y[i] = y[i - 2] * y[i - 1] + y[i - 1] ** 2
    return np.sum(y)


@case(M)
def triangular(a):
    l = np.zeros((4, 4))
    for i in range(4):
        for j in range(i):
            l[i, j] = a[i, j] * l[j, 0] + 1.0 + (l[i, j - 1] ** 2 if j > 0 else 0.0)
        l[i, i] = a[i, i] ** 2 * (l[i - 1, 0] if i > 0 else 1.0)
    return np.sum(l)


@final
@case(X)
def read_after_it_is_written(x):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i] = math.sin(x[i])
        y[i] = y[i] * 1.0
    s = 0.0
    for i in range(len(x)):
        s += y[i] * y[i] * y[-1]
    return s


@final
@case(X)
def of_lists(x):
    y = [1.0] * len(x)
    for i in range(1, len(x)):
        y[i] = y[i - 1] * y[i - 1] * x[i]
    return y[2] + y[len(x) - 1]


@final
@case(X)
def columns(x):
    a = np.ones((len(x), 2))
    for t in range(1, len(x)):
        a[t, 0] = a[t - 1, 0] * a[t - 1, 1] * 0.3 + x[t]
        a[t, 1] = a[t, 0] * a[t - 1, 1]
    return a[-1, 0] * a[-1, 1]


@case(X)
def the_last_at_first(x):
    """y[i - 1] is y[-1] at i = 0, which is written later."""
    y = x * 2.0
    for i in range(len(x)):
        y[i] = y[i - 1] * y[i - 1] * 0.5 + x[i]
    return np.sum(y)


@case(X)
def ahead(x):
    y = x * 2.0
    for i in range(len(x) - 1):
        y[i] = y[i] * y[i + 1] * y[i + 1]
    return np.sum(y)


@case(X)
def ahead_and_back(x):
    y = x * 2.0
    for i in range(1, len(x) - 1):
        y[i + 1] = y[i] * y[i - 1] + y[i + 1] ** 2
        y[i] = y[i - 1] * y[i + 1]
    return np.sum(y)


@case(X)
def swept_twice(x):
    y = x * 1.0
    for _ in range(2):
        for i in range(1, len(x)):
            y[i] = y[i - 1] * y[i] + 0.3
    return np.sum(y)


@case(X)
def swept_until(x):
    y, n = x * 1.0, 0
    while n < 3:
        for i in range(1, len(x)):
            y[i] = y[i - 1] * 0.5 + y[i] ** 2 * 0.1
        n += 1
    return np.sum(y)


@case(X)
def written_by_another_loop(x):
    y = np.ones(len(x))
    for i in range(1, len(x)):
        y[i] = y[i - 1] ** 2 * x[i]
    for i in range(len(x)):
        y[i] = 3.0 + x[i] * y[i]
    return np.sum(y)


@case(X)
def written_whole_later(x):
    y = np.ones(len(x))
    for i in range(1, len(x)):
        y[i] = y[i - 1] ** 2 * x[i]
    s = np.sum(y)
    y[:] = 0.0
    return s + np.sum(y)


@case(X)
def through_a_view(x):
    y = np.ones(len(x))
    later = y[1:]
    for i in range(1, len(x)):
        y[i] = y[i - 1] ** 2 * x[i]
        later[0] = y[i] * 0.5
    return np.sum(y)


@case(X)
def under_another_name(x):
    y = np.ones(len(x))
    z = y if x[0] > 0 else x * 1.0
    for i in range(1, len(x)):
        y[i] = y[i - 1] ** 2 * x[i]
        z[0] = y[i]
    return np.sum(y)


@case(X)
def by_another_index(x):
    y = np.ones(len(x))
    k = 0
    for i in range(1, len(x)):
        y[i] = y[i - 1] ** 2 * x[i] * y[k]
        k = (k * 2 + 1) % 3
        y[k] = y[k] * 0.9
    return np.sum(y)


@case(X, 2)
def shifted_by_an_argument(x, k):
    y = np.ones(len(x))
    for i in range(k, len(x)):
        y[i] = y[i - k] ** 2 * x[i]
    return np.sum(y)


@case(X, -2)
def shifted_the_other_way(x, k):
    y = x * 1.0
    for i in range(len(x) + k):
        y[i] = y[i - k] ** 2 * x[i]
    return np.sum(y)


@case(M)
def rows_in_turn(a):
    d = a * 1.0
    for i in range(1, 4):
        for j in range(5):
            d[i, j] = d[i - 1, 4 - j] * d[i, j] + d[i, j - 1]
    return np.sum(d * d)


@case(M)
def transposed_cells(a):
    d = np.outer(a[0], a[1])
    for i in range(5):
        for j in range(5):
            d[i, j] = d[j, i] * d[i, j] + 0.1
    return np.sum(d)


@case(M)
def gauss_seidel(u):
    for _ in range(2):
        for i in range(1, 3):
            for j in range(1, 4):
                u[i, j] = 0.25 * (u[i - 1, j] * u[i + 1, j] + u[i, j - 1] * u[i, j + 1])
    return np.sum(u * u)


@case(X)
def a_new_one_each_time(x):
    s = 0.0
    for k in range(3):
        y = np.ones(len(x))
        for i in range(1, len(x)):
            y[i] = y[i - 1] ** 2 * x[i] + k
        s += y[len(x) - 1] * y[2]
    return s


@case(X)
def sums_into_cells(x):
    y = np.zeros(len(x) + 1)
    for i in range(len(x)):
        y[i + 1] += y[i] ** 2 + x[i]
        y[i + 1] += 0.1 * y[i + 1] ** 2
    return y[len(x)]


@case(X)
def left_early(x):
    y = np.ones(len(x))
    for i in range(1, len(x)):
        y[i] = y[i - 1] ** 2 * x[i]
        if y[i] < 0.05:
            break
    return np.sum(y)


@case(X)
def in_one_branch(x):
    y = np.ones(len(x))
    for i in range(1, len(x)):
        if x[i] > 0.35:
            y[i] = y[i - 1] ** 2 * x[i]
        else:
            y[i - 1] = x[i] ** 2 * y[i]
    return np.sum(y * y)


@case(X)
def read_again_after_a_write(x):
    """Every second read of y[0] is of another value."""
    y, s = x * 1.0, 0.0
    view, same = y[:3], (y if x[0] > 0 else x * 1.0)
    s += y[0] * y[1]
    view[0] = y[0] * 2.0
    s += y[0] * y[1] ** 2
    same[1] = y[0] + y[1] ** 3
    s += y[0] * y[1]
    for i in range(2):
        y[i] *= y[0]
        s += y[0] * y[1]
    if s > 0:
        y[0] = s
    return s * y[0] * y[1]


@case(X)
def read_again_after_a_call(x):
    def halve(a, k):
        if k > 0:
            a[0][0] *= 0.5
            halve(a, k - 1)

    y = x * 1.0
    s = y[0] * y[1]
    halve([y], 2)
    return s * y[0] * y[1] + y[0]


A = np.cov(RNG.normal(size=(4, 30))) + np.eye(4)


@final
@case(A)
def cholesky_by_rows(a):
    n = len(a)
    l = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s -= l[i, k] * l[j, k]
            if i == j:
                l[i, j] = math.sqrt(s)
            else:
                l[i, j] = s / l[j, j]
    return l[n - 1, 0] * l[2, 1] + l[n - 1, n - 1]


@final
@case(A)
def cholesky_by_columns(a):
    n = len(a)
    l = np.zeros((n, n))
    for j in range(n):
        s = 0.0
        for k in range(j):
            s += l[j, k] ** 2
        l[j, j] = math.sqrt(a[j, j] - s)
        for i in range(j + 1, n):
            t = a[i, j]
            for k in range(j):
                t -= l[i, k] * l[j, k]
            l[i, j] = t / l[j, j]
    return l[n - 1, 0] * l[2, 1] + l[n - 1, n - 1]


@final
@case(A, X[:4])
def substituted_back(u, b):
    n = len(b)
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        s = b[i]
        for j in range(i + 1, n):
            s -= u[i, j] * x[j] * x[j]
        x[i] = s / u[i, i]
    return np.sum(x)


@case(A)
def eliminated_in_place(a):
    n = len(a)
    for k in range(n):
        for i in range(k + 1, n):
            a[i, k] = a[i, k] / a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= a[i, k] * a[k, j]
    return np.sum(a * a)


@case(A)
def written_above_too(a):
    """Like Cholesky, but a cell that was read is written again, further on in the row."""
    n = len(a)
    l = np.ones((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j + 1):
                s -= l[i, k] * l[j, k] * 0.1
            l[i, j] = s
            if i != j:
                l[j, i] = s * l[i, j] * l[j, j]
    return np.sum(l * l)


@case(A)
def at_equal_indices_only(a):
    n = len(a)
    l = np.ones((n, n))
    for i in range(n):
        for j in range(n):
            if i == j:
                l[i, j] = a[i, j] * l[j, j] ** 2
            else:
                l[j, i] = a[j, i] * l[i, j] ** 2
    return np.sum(l)


@case(X)
def up_to_itself(x):
    y = np.ones(len(x))
    for i in range(len(x)):
        for k in range(i + 1):
            y[i] += 0.1 * y[k] * y[k] * x[k]
    return np.sum(y)


@case(X)
def from_itself_on(x):
    y = np.ones(len(x))
    for i in range(len(x)):
        s = 0.0
        for k in range(i, len(x)):
            s += y[k] * y[k] * x[k]
        y[i] = s * 0.1
    return np.sum(y)


@final
@case(X)
def after_itself_downwards(x):
    y = np.ones(len(x))
    for i in range(len(x) - 1, -1, -1):
        s = x[i]
        for k in range(len(x) - 1, i, -1):
            s += 0.1 * y[k] * y[k]
        y[i] = s
    return np.sum(y)


@case(X)
def before_itself_downwards(x):
    y = np.ones(len(x))
    for i in range(len(x) - 1, -1, -1):
        s = x[i]
        for k in range(i):
            s += 0.1 * y[k] * y[k]
        y[i] = s
    return np.sum(y)


@case(X)
def the_same_array_next_time(x):
    """What the loop carries may be the array of the iteration before, which is written again."""
    y, z = x * 1.0, x * 2.0
    for t in range(3):
        for i in range(1, len(x)):
            y[i] = y[i - 1] * y[i - 1] + 0.3
        if y[1] < 0.2:
            y = z
    return np.sum(y * z)


@case(X)
def rows_of_one_table(x):
    m = np.outer(x, x)
    for t in range(4):
        row = m[t % 2]
        for i in range(1, len(x)):
            row[i] = row[i - 1] * row[i - 1] + x[i]
    return np.sum(m)


@case(X)
def buffers_of_a_list(x):
    rows = [x * 1.0, x * 2.0]
    for t in range(4):
        row = rows[t % 2]
        for i in range(1, len(x)):
            row[i] = row[i - 1] * row[i - 1] + x[i]
    return np.sum(rows[0] * rows[1])


@case(X)
def kept_beyond_its_iteration(x):
    last = x * 1.0
    s = 0.0
    for t in range(3):
        y = np.ones(len(x))
        for i in range(1, len(x)):
            y[i] = y[i - 1] * y[i - 1] * x[i] + last[i]
            last[i - 1] = y[i]
        s += np.sum(y)
        last = y
    return s


@case(RNG.normal(size=(3, 3)) * 0.5, RNG.normal(size=3), RNG.normal(size=(4, 3)))
def recurrent(w, b, x):
    h = np.zeros(3)
    loss = 0.0
    for t in range(len(x)):
        new = np.zeros(3)
        for i in range(3):
            s = b[i] + x[t, i]
            for j in range(3):
                s += w[i, j] * h[j] * h[j]
            new[i] = math.tanh(s)
        h = new
        loss += h[0] * h[1]
    return loss + h[2]


@case(X)
def written_once_it_is_carried(x):
    """The array made in one iteration is written in the next, after it was read."""
    h, s = x * 1.0, 0.0
    for t in range(3):
        new = np.zeros(len(x))
        for i in range(len(x)):
            new[i] = h[i] * h[i] + 0.1
            s += h[i] * new[i]
        h[0] = 0.5 * s
        h = new
    return s + np.sum(h)


@case(X)
def kept_from_two_iterations_ago(x):
    h, before, s = x * 1.0, x * 2.0, 0.0
    for t in range(4):
        new = x * (0.5 + t)
        for i in range(len(x)):
            new[i] = new[i] * h[i] * before[i]
            s += h[i] * before[i] * new[i]
        before, h = h, new
    return s + np.sum(h * before)


@case(X)
def made_in_a_branch(x):
    h, s = x * 1.0, 0.0
    for t in range(4):
        if t % 2:
            new = np.ones(len(x))
        else:
            new = h
        for i in range(1, len(x)):
            s += h[i] * h[i]
            new[i] = h[i - 1] * 0.5 + new[i] ** 2
        h = new
    return s + np.sum(h)


def ids(cases):
    return [c.fn.__name__ for c in cases]


@pytest.mark.parametrize("c", CASES, ids=ids(CASES))
def test_derivatives(c):
    check(c)


@pytest.mark.jit
@pytest.mark.slow
@pytest.mark.parametrize("c", CASES, ids=ids(CASES))
def test_compiled(c):
    check(c, jit=True)


@pytest.mark.parametrize("c", [c for c in CASES if c.fn in FINAL], ids=lambda c: c.fn.__name__)
def test_nothing_is_stored(c):
    g = grad(c.fn)
    g(*(a.copy() if isinstance(a, np.ndarray) else a for a in c.args))
    assert "tape" not in g.source


def test_at_the_edges():
    for n in (1, 2):
        x = RNG.uniform(0.2, 0.5, n)
        for fn in (recurrence, the_last_at_first, downwards, by_twos, ahead):
            check(Case(fn, (x,)))


# -- random loops over cells, and faults that they find ----------------------------------------------------

ANALYSIS = "analysis.final_reads:FinalReads."
FAULTS = [  # with a seed that finds each
    (
        Fault(
            "a later turn counts as an earlier one", ANALYSIS + "is_earlier", "if turns > 0:", "if turns > 1:"
        ),
        25,
    ),
    (
        Fault(
            "loops that no index names do not count",
            ANALYSIS + "is_earlier",
            "turns = latest.get(outer, math.inf)",
            "turns = latest.get(outer, -1)",
        ),
        10,
    ),
    (Fault("loops run upwards", ANALYSIS + "is_earlier", "forwards = step > 0", "forwards = True"), 226),
    (
        Fault(
            "indices are not negative",
            "analysis.cells:Cells.not_negative",
            "if self.least(i) >= 0",
            "if i",
        ),
        401,
    ),
    (
        Fault(
            "loops start a step later",
            ANALYSIS + "most",
            "first = end.offset if loop.step.value > 0 else end.offset + 1",
            "first = end.offset + 1",
        ),
        41,
    ),
]


@pytest.mark.parametrize(("fault", "seed"), FAULTS, ids=[fault.name.replace(" ", "-") for fault, _ in FAULTS])
def test_fault_is_found(fault, seed):
    assert cells.failure(seed) is None
    with planted(fault):
        assert cells.failure(seed) is not None


def test_random_cells():
    for seed in range(5000, 5040):
        assert cells.failure(seed) is None


@pytest.mark.slow
@pytest.mark.jit
def test_many_random_cells():
    for seed in range(6000, 6500):
        assert cells.failure(seed, jit=seed % 25 == 0) is None
