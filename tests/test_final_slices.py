"""Slices that are not written any more after they are read are read where they are; all others are copied."""

from __future__ import annotations

import numpy as np
import pytest

import s2sad
from tests.array_checks import Case, both_targets, collector

FINAL: list[Case] = []
CHANGED: list[Case] = []
final = collector(FINAL)
changed = collector(CHANGED)
rng = np.random.default_rng(31)
V = rng.normal
B = V(size=(4, 4))
SPD = B @ B.T + 3.0 * np.eye(4)


@final(SPD)
@final(np.array([[2.0]]))
def cholesky(a):
    for i in range(a.shape[0]):
        for j in range(i):
            a[i, j] = (a[i, j] - np.dot(a[i, :j], a[j, :j])) / a[j, j]
        a[i, i] = np.sqrt(a[i, i] - np.dot(a[i, :i], a[i, :i]))
    return np.sum(np.log(np.diag(a))) + 0.1 * np.sum(a * np.cos(a))


@final(SPD)
def lower_times_upper(a):
    for i in range(a.shape[0]):
        for j in range(i):
            a[i, j] -= a[i, :j] @ a[:j, j]
            a[i, j] /= a[j, j]
        for j in range(i, a.shape[0]):
            a[i, j] -= a[i, :i] @ a[:i, j]
    return np.sum(np.sin(a))


@final(SPD, V(size=4))
@final(SPD, V(size=(4, 2)))
def substituted(L, x):
    y = np.zeros_like(x)
    for i in range(L.shape[0]):
        y[i] = (x[i] - L[i, :i] @ y[:i]) / L[i, i]
    return np.sum(y**3)


@final(V(size=6))
def history(x):
    h = np.zeros(len(x))
    h[0] = x[0]
    for t in range(1, len(x)):
        h[t] = np.sin(np.sum(h[:t] * x[:t])) + h[t - 1]
    return np.sum(h * h)


@final(V(size=(5, 3)))
def rows_of_earlier_turns(x):
    h = x.copy()
    for t in range(2, h.shape[0]):
        h[t] = np.tanh(h[t - 1] * h[t - 2]) + h[t]
    return np.sum(h**2)


@final(V(size=7))
def backwards(x):
    y = x.copy()
    for i in range(len(x) - 2, -1, -1):
        y[i] += np.prod(y[i + 1 :]) * 0.5
    return np.sum(y * y)


@changed(V(size=6))
def overwritten_next_turn(x):
    y = x.copy()
    for i in range(1, len(x)):
        y[i] = np.sum(y[: i + 1] ** 2)
    return np.sum(np.sin(y))


@changed(SPD)
def cells_of_later_columns(a):
    for i in range(1, a.shape[0]):
        for j in range(i):
            a[i, j] = np.tanh(a[i, : j + 2] @ a[j, : j + 2])
    return np.sum(a)


@changed(V(size=6))
def written_in_another_loop(x):
    y = x.copy()
    s = 0.0
    for i in range(1, len(x)):
        s += np.sum(y[:i] ** 3)
        y[i] *= 2.0
    for i in range(len(x)):
        y[i] = s * y[i]
    return np.sum(y * y)


@changed(V(size=6))
def sliding(x):
    y = x.copy()
    for i in range(len(x) - 2):
        y[i + 1] = np.sum(y[i : i + 3] ** 2) * 0.3
    return np.sum(y)


@changed(V(size=6), 2)
def by_a_number_that_may_be_negative(x, k):
    y = x.copy()
    for i in range(3):
        s = np.sum(y[: k - i] ** 2)
        y[i + 3] = s * y[i]
        y[0] = y[0] + s
    return np.sum(np.cos(y))


@changed(V(size=5))
def slices_written_after(x):
    y = x.copy()
    for i in range(1, 4):
        s = np.sum(y[:i] ** 3)
        y[: i + 1] = y[: i + 1] * 0.5 + s
    return np.sum(y * y)


@changed(V(size=5))
def the_same_statement(x):
    y = x.copy()
    for i in range(1, 4):
        y[:i] = y[1 : i + 1] * y[:i]
        y[i:] = y[i:] ** 2
    return np.sum(y)


@changed(V(size=(4, 4)))
def columns_and_rows(a):
    b = a.copy()
    for i in range(1, 4):
        b[:, i] = b[i, :] * b[:, i - 1]
    return np.sum(np.sin(b))


@changed(V(size=6), 3)
def in_while(x, n):
    y = x.copy()
    i = 1
    while i < n:
        y[i] = np.sum(y[:i] ** 2)
        i += 1
    i = 0
    while i < n:
        y[i + 1] += np.prod(y[i:])
        i += 1
    return np.sum(y)


@changed(V(size=5))
def views_of_views(x):
    y = x.copy()
    for i in range(1, 4):
        r = y[1:]
        y[i + 1] = np.sum(r[:i] ** 2) + np.sum(r[i:] ** 3)
    return np.sum(y * y)


test_final_exact, test_final_compiled = both_targets(FINAL)
test_changed_exact, test_changed_compiled = both_targets(CHANGED)


@pytest.mark.parametrize("case", FINAL, ids=lambda c: c.fn.__name__)
def test_nothing_is_copied(case):
    """Neither tapes nor copies of slices."""
    args = [a.copy() if isinstance(a, np.ndarray) else a for a in case.args]
    wrt = tuple(i for i, a in enumerate(args) if isinstance(a, np.ndarray))
    made = s2sad.grad(case.fn, wrt=wrt).lower(*args)
    arrays = [s for s in made.storage if "[:" in str(s)]
    assert not arrays, made.source
