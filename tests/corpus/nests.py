"""Nested loops with exits at every level, and loops that swap or rotate scalars."""

import math

from tests.corpus.registry import program


@program((0.6, 2.0), (0.6, 0.3), (0.6, 99.0), tags="nested for return")
def return_in_nested_loop(x, limit):
    s = x
    for i in range(4):
        for j in range(3):
            s = s + 0.3 * x * i - 0.05 * j
            if s > limit:
                return s * (i + j + 1)
        s = s * 1.1
    return s


@program((0.6, 3, 4), (0.6, 0, 4), (0.6, 3, 0), tags="nested for zero-trips")
def nested_for(x, n, m):
    s = x
    for i in range(n):
        t = x * i
        for j in range(m):
            t = math.sin(t + s * j)
        s = s + t * t
    return s


@program((0.6, 5), tags="nested for")
def triangular_loops(x, n):
    s = 0.0
    for i in range(n):
        for j in range(i):
            s = s + math.sin(x * i) * math.cos(x * j)
        for j in range(i, n, 2):
            s = s * 0.9 + x * j
    return s


@program((0.6,), tags="nested for while break")
def exits_only_in_inner_loop(x):
    for i in range(3):
        k = 0
        while True:
            k += 1
            if k > i:
                break
            x = x * 1.3 + 0.1 * k
        if x > 0.1:
            for j in range(4):
                if j == 1:
                    continue
                x = math.sin(x) + j
    return x


@program((0.6,), tags="nested for while")
def while_in_for(x):
    s = 0.0
    for i in range(4):
        t = x + i
        while t > 0.5:
            t = t * 0.6
            s += t * t
    return s


@program((0.6,), tags="nested for while")
def for_in_while(x):
    y = x
    k = 3
    while k:
        for i in range(k):
            y = y + 0.1 * math.exp(-y) * i
        k -= 1
    return y


@program((0.6, 1.3), tags="nested for break continue")
def breaks_at_two_levels(x, limit):
    s = x
    for i in range(5):
        if i == 3:
            continue
        for j in range(5):
            s += 0.2 * x * j
            if s > limit * (i + 1):
                s *= 0.7
                break
        else:
            s += x
        if s > 4.0:
            break
    return s


@program((0.6,), tags="nested for")
def three_deep(x):
    s = x
    for i in range(2):
        for j in range(3):
            for k in range(2):
                s = s + 0.1 * math.sin(s * (i + 1) + j - k)
    return s


@program((0.6, 1.1, -0.4), tags="for swap")
def fibonacci_swap(a, b, c):
    for _ in range(5):
        a, b = b, a + c * b
    return a * b


@program((0.6, 1.1, -0.4), tags="for swap")
def rotate_three(a, b, c):
    for _ in range(4):
        a, b, c = b, c, a * b + 0.5
    return a + 2.0 * b + 3.0 * c


@program((0.6, 1.1), tags="while swap")
def agm(a, b):
    n = 0
    while abs(a - b) > 1e-13 and n < 20:
        a, b = 0.5 * (a + b), math.sqrt(a * b)
        n += 1
    return a
