"""Lists that start empty: of integers that index, of truths, of arrays; and what is asked of them before they are filled;
lists of numbers that are written before an array is made of them."""
# ruff: noqa: E501, E701, E702, B905

from __future__ import annotations

import numpy as np

from tests.array_checks import Case, both_targets, collector

rng = np.random.default_rng(3)
CASES: list[Case] = []
case = collector(CASES)


def V(*shape):
    return rng.normal(size=shape)


@case(V(5))
def places_found(x):
    idx = []
    for i in range(len(x)):
        if x[i] > 0:
            idx.append(i)
    return np.sum(x[idx] ** 2) + x[idx[0]]


@case(V(5))
def places_run_through(x):
    idx = []
    for i in range(len(x)):
        if x[i] > 0:
            idx.append(i)
    s = 0.0
    for i in idx:
        s += x[i] ** 3
    return s


@case(V(5))
def mask_of_truths(x):
    mask = []
    for v in x:
        mask.append(v > 0)
    return np.sum(x[mask] ** 2)


@case(V(4, 3))
def window_of_rows(A):
    w = []
    s = 0.0
    for r in A:
        w.append(r * 2.0)
        w = w[-2:]
        s += np.sum(w[0] * w[-1])
    return s


@case(V(4, 3))
def last_or_zeros(A):
    out = []
    for r in A:
        prev = out[-1] if out else np.zeros(3)
        out.append(prev * 0.5 + r)
    return np.sum(out[-1] ** 2)


@case(V(5))
def counters(x):
    n = [0] * 3
    for i in range(len(x)):
        n[i % 3] += i
    return x[n[1] % 4] * n[2]


@case(V(5))
def places_seen(x):
    seen = []
    for i in [3, 1, 2]:
        if i not in seen:
            seen.append(i)
    return sum(x[i] for i in seen)


@case(V(5))
def queue(x):
    q = [0]
    s = 0.0
    while len(q) > 0 and len(q) < 4:
        i = q[-1]
        s += x[i] ** 2
        q.append(i + 1)
    return s


@case(V(4, 3))
def two_kept(A):
    hist = []
    for r in A:
        hist.append(r)
        if len(hist) > 2:
            hist = hist[1:]
    return np.sum(hist[0] * hist[-1])


@case(V(5))
def order_made(x):
    order = []
    for i in range(3):
        order.append((i * 2) % 3)
    out = np.zeros(3)
    for k, i in enumerate(order):
        out[i] = x[k] * (k + 1)
    return np.sum(out * x[:3])


@case(V(4))
def never_filled(x):
    out = []
    for v in out:
        x = x * v
    return np.sum(x) + len(out)


@case(V(4))
def two_lists(x):
    at, kept = [], []
    for i in range(len(x)):
        if x[i] > -9.0:
            at.append(i)
            kept.append(x[i] ** 2)
    return sum(kept[i] * x[i] for i in at)


@case(V(4))
def written_in_a_loop(x):
    v = [x[0], x[1]]
    for i in range(3):
        v[0] = v[0] * x[i]
    return np.sum(np.array(v) ** 2)


@case(V(4))
def written_through_another_name(x):
    v = [x[0], x[1]]
    w = v
    if x[0] > -9:
        w[1] = x[2]
    return np.sum(np.array(v) ** 2)


@case(V(4))
def written_by_a_function(x):
    def put(l, a):
        l[0] = a

    v = [x[0], x[1]]
    put(v, x[2] * x[3])
    return np.sum(np.array(v) ** 2)


@case(V(4))
def written_as_a_row(x):
    v = [x[0], x[1]]
    rows = [v, [x[2], x[3]]]
    rows[0][1] = x[2] ** 2
    return np.sum(np.array(rows) ** 2)


@case(V(4))
def written_between(x):
    v = [x[0], x[1]]
    a = np.array(v)
    v[0] = x[3]
    b = np.array(v)
    return np.sum(a * b)


@case(V(4))
def written_in_a_while(x):
    v = [x[0], x[1]]
    k = 0
    while k < 2:
        v[k] *= x[k + 1]
        k += 1
    return np.dot(v, [1.0, 2.0])


@case(V(4))
def filled_and_read(x):
    v = [0.0, 0.0, 0.0]
    for i in range(3):
        v[i] = x[i] ** 2
        s = np.array(v)
    return np.sum(s**2) + np.linalg.norm(v)


@case(V(4))
def written_after_it_is_read(x):
    v = [x[0], x[1]]
    v2 = [v[0] * 2, v[1]]
    for i in range(2):
        m = np.array([v, v2])
        v[0] = v[0] * x[i]
    return np.sum(m**2)


test_exact, test_compiled = both_targets(CASES)
