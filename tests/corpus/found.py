"""Programs that a compiler got wrong once: what the fuzzer found, shrunk."""

import math

import numpy as np

from tests.corpus.registry import arr, program


@program((0.8, (1.0, 2.0, 3.0)), wrt=(0, 1), tags="list")
def list_grows_between_lengths(x, c):
    h = [x * e for e in c]
    if x < 2.0:
        a = h[0]
    else:
        a = x
    return h[1] * a + h[-1]


@program((0.8, arr(0.4, -0.7, 1.1)), tags="for list")
def list_that_starts_with_ints(x, u):
    h = [0] * 3
    h[0] = x * x
    g = [1]
    for i in range(2):
        g.append(u[i] * h[0])
        h[1] += g[-1] * i
    k = [i for i in range(3)]
    k[1] = x
    return h[0] + h[1] * g[2] + k[1] * k[2]


@program((0.7, arr(0.4, -0.7, 1.1)), (-0.7, arr(0.4, -0.7, 1.1)), tags="arrays")
def choice_read_after_a_store(x, u):
    a = u[0] if x > 0.0 else u[1]
    u[0] = x * x
    u[1] = 2.0 * x
    return a + u[0] * u[1]


@program((0.7, arr(0.4, -0.7, 1.1)), tags="calls arrays")
def one_element_under_two_names(x, u):
    def both(y):
        return y, y

    def swapped(p, q):
        flag = p < 1.3
        p, q = q, p
        return p * q if flag else q

    a, b = both(u[1])
    return a * b * x + swapped(u[2], a)


@program((0.9, 0.3), (0.9, -1.2), tags="for while")
def bound_in_a_branch_of_a_loop_after_else(x, z):
    k = 0
    while k < 2:
        k += 1
    else:
        for _ in range(2):
            flag = z < -0.9
            if flag:
                v = sum((z, 2, 2))
            if flag:
                x = v * 0.75 * x
    return x


@program((1.2, arr(1.3, 1.6, 0.9), 3), (1.2, arr(1.3, 0.2, 0.9), 3), tags="while walrus")
def test_binds_what_a_return_reads(x, u, n):
    k = 0
    while (w := u[1]) > 0.5:
        return w * w + k + n
    return x


@program((-0.9, arr(0.4, -0.7, 1.1)), tags="while walrus arrays")
def test_binds_what_the_body_stores(z, v):
    k = 0
    while (w := -z) > 0.6 and k < 3:
        k += 1
        v[2] = w * w
    return v[2] * v[0]


@program((0.7, 1.3), tags="for break")
def break_decided_by_a_constant(x, y):
    def descend(a, b, n):
        for _ in range(3):
            a = a * b
            if n > 0.8:
                break
            b = b * a
        return a + b

    return descend(x, y, 3) * descend(x, y, 0)


@program((0.7, 1.3), tags="for while break return")
def loops_that_always_leave(x, y, n=3):
    k = 0
    while k < 3:
        k += 1
        x = x * math.sin(y)
        if True:
            if x > 100.0:
                continue
            y = y * x
            break
    else:
        y = y * 2.0
    for i in range(4):
        for _ in range(3):
            if n is None:
                return x
            x = x * y
            if n is not None:
                break
        else:
            x = x * 5.0
        if i > 1:
            break
    while True:
        x = x + y
        break
    return x * y


@program((0.7, arr(0.4, -0.7, 1.1)), tags="for arrays")
def array_made_in_some_iterations(x, u):
    s = 0.0
    for i in range(1, 4):
        if u[i - 1] > 0.0:
            g = np.zeros_like(u)
            g[0] = x * i
            g[1] = u[0] * g[0]
            s += g[1] * g[0] + g[2]
        x = x * 0.9
    return s * x
