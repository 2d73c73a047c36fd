"""Lists of arrays, lists of lists, lists that grow, are joined, repeated and sliced."""
# ruff: noqa: E701, E702, E741, B007

from __future__ import annotations

import numpy as np
import pytest

import s2sad
from s2sad.errors import UnsupportedSyntaxError
from tests.array_checks import Case, check, collector

rng = np.random.default_rng(0)
CASES: list[Case] = []
case = collector(CASES)


def V(*shape):
    return rng.normal(size=shape)


@case(V(4))
def appended_arrays(x):
    out = []
    for i in range(3):
        out.append(x * i)
    return np.sum(out[1] * out[2])


@case(V(4))
def history(x):
    hist = [x]
    for i in range(3):
        hist.append(hist[-1] * np.sin(hist[i]))
    s = 0.0
    for h in hist:
        s += np.sum(h * h)
    return s


@case(V(4))
def table(x):
    n = len(x)
    T = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            T[i][j] = x[i] * x[j] + (T[i - 1][j] if i > 0 else 0.0)
    s = 0.0
    for row in T:
        for v in row:
            s += v * v
    return s


@case(1.5, 2.5)
def literal(a, b):
    M = [[a, b], [b * b, 1.0]]
    s = 0.0
    for i in range(2):
        for j in range(2):
            s += M[i][j] * M[j][i]
            M[i][j] = s
    return s


@case(V(3))
def aliased_rows(x):
    M = [[0.0] * 3] * 2
    M[0][1] = x[0]
    M[1][2] = x[1] * x[2]
    return M[0][2] * M[1][1]


@case(V(4))
def swap_rows(x):
    rows = [x * 1.0, x * 2.0, x**2]
    for k in range(2):
        rows[k], rows[k + 1] = rows[k + 1], rows[k]
        rows[k][0] = 3.0 * x[1]
    return np.sum(rows[0] * rows[1]) + np.sum(rows[2])


@case(V(4))
def stacked(x):
    out = []
    y = x
    for i in range(3):
        y = np.tanh(y * 1.5)
        out.append(y)
    A = np.array(out)
    return np.sum(A[1:] * A[:-1])


@case(V(5))
def list_slices(x):
    l = [v * v for v in x]
    m = l[1:]
    k = l[:-1] + [2.0]
    s = 0.0
    for a, b in zip(m, k):
        s += a * b
    r = l[::-1]
    return s + r[0] * l[1] + l[-2:][0]


@case(2.0)
def grow(x):
    l = [x]
    l += [x * x, 3.0]
    l.extend([v * x for v in l])
    return sum(l)


@case(V(3))
def written_through(x):
    a = x.copy()
    box = [a]
    for i in range(2):
        box[0][i] *= x[i + 1]
        b = box[-1]
        b[2] += a[0]
    return np.sum(a * x)


@case(V(3), 2.0)
def inactive_in_list(x, c):
    parts = []
    for i in range(3):
        if i % 2:
            parts.append(np.ones(3))
        else:
            parts.append(x * c)
    s = 0.0
    for p in parts:
        s += np.sum(p * p * x)
    return s


@case(V(4))
def particles(x):
    pos = [[x[0], x[1]], [x[2], x[3]]]
    vel = [[0.0, 0.0], [0.0, 0.0]]
    for step in range(3):
        for i in range(2):
            for j in range(2):
                if i != j:
                    for k in range(2):
                        vel[i][k] += 0.1 * (pos[j][k] - pos[i][k])
        for i in range(2):
            for k in range(2):
                pos[i][k] += 0.1 * vel[i][k]
    return pos[0][0] * pos[1][1] + vel[0][1]


@case(np.array([0.3, -1.2, 0.8]))
def only_swaps(x):
    rows = [x * 1.0, x * 2.0, x**2]
    for k in range(2):
        rows[k], rows[k + 1] = rows[k + 1], rows[k]
    return np.sum(rows[0] * np.sin(rows[1])) + rows[2][0] * 3


@case(np.array([0.3, -1.2, 0.8]))
def only_appends(x):
    a = x * 2.0
    rows = []
    for k in range(3):
        rows.append(a)
    rows[0][1] = x[0] ** 2
    return np.sum(rows[2] * rows[1])


@case(np.array([0.3, -1.2, 0.8]))
def branch_store(x):
    rows = [x * 1.0, x * 2.0]
    if x[0] > 0:
        rows[0] = rows[1]
    return np.sum(rows[0] ** 2) + np.sum(rows[1])


@case(np.array([0.3, -1.2, 0.8]))
def while_store(x):
    rows = [x * 1.0, x * 2.0, x * 3.0]
    k = 0
    while k < 2:
        rows[k] = rows[k + 1]
        k += 1
    return np.sum(rows[0] ** 2 * x) + np.sum(rows[1])


@case(np.array([0.3, -1.2, 0.8]))
def helper_swap(x):
    def swap(l, i, j):
        l[i], l[j] = l[j], l[i]

    rows = [x * 1.0, x * 2.0]
    swap(rows, 0, 1)
    return np.sum(rows[0] ** 3)


@case(np.array([0.3, -1.2, 0.8]))
def early(x):
    rows = [[x[0], x[1]], [x[2], 1.0]]
    for k in range(2):
        if x[1] < 0:
            rows[0] = rows[1]
            break
    return rows[0][0] ** 2


@case(np.array([0.3, -1.2, 0.8, 0.4]))
def concatenated(x):
    rows = []
    for i in range(3):
        rows.append(x[: i + 1] * 2)
    return np.sum(np.concatenate(rows) ** 2 * np.arange(6))


@case(np.array([0.3, -1.2, 0.8, 0.4]))
def concatenated_columns(x):
    blocks = []
    for i in range(3):
        blocks.append((x * i).reshape(2, 2)[:, : 1 + i % 2])
    m = np.concatenate(blocks, axis=1)
    m[0, 1] = 3.0 * x[0]
    return np.sum(m**2 * np.arange(m.size).reshape(m.shape))


@case(np.array([0.3, -1.2, 0.8, 0.4]))
def stacked_lists(x):
    flat, blocks = [], []
    for i in range(3):
        flat.append(x[: i + 1] * 2)
        blocks.append((x * i).reshape(2, 2))
    a, b, c = np.vstack(blocks), np.hstack(blocks), np.dstack(blocks)
    return (
        np.sum(np.hstack(flat) ** 3)
        + np.sum(a**2)
        + np.sum(b**2 * np.arange(6))
        + np.sum(c**2 * np.arange(3))
    )


@case(np.array([0.3, -1.2, 0.8, 0.4]))
def stacked_rows(x):
    rows = [x]
    for i in range(2):
        rows.append(x * (i + 2))
    m = np.stack(rows, axis=1)
    return np.sum(np.array(rows)[1:] ** 2) + np.sum(m[1] * m[2])


@case(np.array([0.3, -1.2, 0.8, 0.4]))
def of_at_least_one_axis(x):
    parts = []
    for i in range(3):
        parts.append(np.atleast_1d(x[i] * x))
    return np.sum(np.concatenate([np.atleast_1d(p) * 2 for p in parts]) ** 2)


@case(V(3, 4), V(4))
def rows_of_a_comprehension_replaced(x, w):
    rows = [x[i] for i in range(3)]
    rest = [w * x[i] for i in range(3)]
    for t in range(7):
        w = np.sin(w) + 0.3 * rows[t % 3] * rest[(t + 1) % 3]
        rows[t % 3] = w
        rest[1] = rows[t % 2]
    return np.sum(rows[0] * rows[1] + rows[2] * rest[1])


@case(V(4))
def grown_under_another_name(x):
    h = [x]
    g = h
    h += [2.0 * x]

    def add(rows, row):
        rows += [row]

    add(g, x * x)
    g = g + [x**3]
    return np.sum(h[-1] * h[1]) + np.sum(g[-1])


@case(V(3))
def grown_by_lists_in_a_loop(x):
    h, r, s = [x], [x], [x]
    for i in range(3):
        h += [h[-1] * x[i], h[0]]
        r = r + [r[-1] * x]
        s = [*s, s[-1] * i]
    return np.sum(h[-2] * h[3]) + np.sum(r[3] * r[1]) + sum(np.sum(v) for v in s)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.fn.__name__)
def test_lists(case):
    check(case)


def test_a_list_repeated_in_place_is_refused():
    def f(x):
        h = [x, x]
        g = h
        h *= 2
        return np.sum(sum(g))

    with pytest.raises(UnsupportedSyntaxError, match="mul on lists"):
        s2sad.grad(f)(V(3))


@pytest.mark.jit
@pytest.mark.parametrize(
    "name", ["stacked_rows", "concatenated", "stacked_lists", "grown_by_lists_in_a_loop"]
)
def test_lists_of_arrays_compiled(name):
    check(next(c for c in CASES if c.fn.__name__ == name), jit=True)
