"""`PROGRAMS`: a function for each construct of Python that the frontend lowers, with arguments to try."""
# mypy: ignore-errors
# ruff: noqa: B002, B007, B008, B023, E731, F541, F821, F841

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

PROGRAMS: list[Any] = []
SCALE = 3.0


def program(*cases: tuple[Any, ...]) -> Callable[[Any], Any]:
    def keep(f: Any) -> Any:
        PROGRAMS.extend(pytest.param(f, case, id=f"{f.__name__}-{i}") for i, case in enumerate(cases))
        return f

    return keep


@program((1.0, 5), (4.0, 5), (9.0, 0), (2.5, 3))
def return_in_nested_loops(x, n):
    for i in range(n):
        for j in range(n):
            if x < i * j:
                return i, j, x
            x = x - 0.25
        if x < 0:
            return "outer"
    return x


@program((3,), (0,), (20,))
def return_in_while_in_for(n):
    total = 0
    for i in range(n):
        k = i
        while True:
            k = k * 2 + 1
            if k > 50:
                return total, i, k
            if k % 3 == 0:
                break
            total += k
    return total


@program((5, 3), (5, 9), (0, 0))
def loop_else(n, needle):
    for i in range(n):
        if i == needle:
            found = "yes"
            break
    else:
        found = "no"
    while n > 0:
        n -= 1
        if n == needle:
            break
    else:
        return found, "drained"
    return found, n


@program((4, 2), (4, 9), (0, 1))
def loop_else_returns(n, needle):
    for i in range(n):
        for j in range(i):
            if j == needle:
                break
            if j == 7:
                return "seven"
        else:
            continue
        return "inner", i
    else:
        return "none"


@program(([3, -1, 4, 0, 5, 100, 2],), ([],), ([1, 1],))
def break_and_continue(xs):
    total = 0
    for k, x in enumerate(xs):
        if x < 0:
            total -= 1
            continue
        if x > 3:
            if x > 50:
                total += 1000
                break
            elif x == 4:
                continue
            total += 10
        else:
            if k == 3:
                continue
        total += x
    return total, k


@program((1,), (2,), (7,), (-1,))
def maybe_returns(n):
    if n > 0:
        if n == 1:
            return "one"
        y = n
    else:
        y = -n
        if n < -5:
            return "low"
    for _ in range(2):
        if y > 6:
            return y
        y += 1
    return "end", y


@program((3,), (30,))
def both_branches_leave(n):
    total = 0
    while True:
        total += n
        if total > 20:
            if n > 10:
                return total
            else:
                break
        else:
            n += 1
            continue
    return -total


@program((10.0,), (0.5,))
def walrus(x):
    count = 0
    while (half := x / 2) > 1 and (count := count + 1) < 100:
        x = half
    if (y := x) and (z := count):
        return half, y, z
    return half, y


@program((1, 2, 3), (3, 2, 1), (1, 5, 2), (2, 2, 2))
def chained_comparisons(a, b, c):
    return a < b < c, a <= b == c != a, (a < b) is True, 1 in (a, b) != [c], not a > b > c


@program((0, 1), (2, 0), ("", None))
def boolean_values(a, b):
    return a and b, a or b, not a, (a or b) and 3, (a if b else not b)


@program((2.0,), (-1.0,))
def closures(x):
    y = x

    def add(z, w=x * 2, *, v=1.0):
        return z + y + w + v

    first = add(1.0)
    y = 10.0
    second = add(1.0, v=2.0)
    twice = lambda f, u: f(f(u))
    return first, second, twice(add, 3.0), twice(lambda q: q * y, 2.0)


@program((3,), (0,))
def closure_in_loop(n):
    fs = []
    s = 0
    for i in range(n):

        def f(x):
            return x + s

        s = s + f(i)
        fs.append(f(1))
    return fs, s


@program((4,), (1,))
def closure_calls_itself(n):
    def factorial(k):
        return 1 if k <= 1 else k * factorial(k - 1)

    return factorial(n)


@program(([1, 2, 3],), ([],))
def comprehensions(xs):
    k = 2
    pairs = [(x, y) for x in xs if x > 1 if x < 9 for y in range(x) if y != k]
    squares = sum(x * x for x in xs)
    nested = [[x * y for y in xs] for x in xs]
    return pairs, squares, nested, any(x > k for x in xs), max([k, *[x + k for x in xs]])


@program(([1, 2, 3, 4],), ([1, 2],), ([1],))
def starred_unpack(xs):
    a, *b, c = xs
    (d, e), [f, *g] = (a, b), (c, *xs, 9)
    h = i = [a]
    *j, k = i[0] = xs
    return a, b, c, d, e, f, g, h, i, j, k, (*b, a), [*xs, *xs]


@program((3.14159, "é"), (1e9, ""))
def f_strings(x, name):
    return f"{name!r}: {x:.3f} {x!s:>12} {{}}", f"plain", f"{x + 1:8.2e}{name}"


@program(([5, 6, 7, 8],), ([0, 0],))
def subscripts(xs):
    xs[0] += 5
    xs[-1] = xs[1:3]
    xs[1], xs[0] = xs[0], xs[1]
    ys = xs[::-1]
    ys[0:1] = [7, 7]
    n: int = len(ys)
    return xs, ys, n


@program(([1, 2], [1, 2]), ([], []))
def augmented_assignment_of_a_list(xs, ys):
    alias = xs
    xs += [3]
    ys = ys + [4]
    alias *= 2
    return xs, ys, alias


@program((7, 3), (2, 5))
def every_operator(a, b):
    c = (a + b) - a * b / (a**b) // b % a
    d = (a & b) | (a ^ b) << 2 >> 1
    return c, d, ~a, +a, -b, a is b, a is not b, a not in (b,), -3, --a


@program((True,), (False,))
def unbound_variable(flag):
    if flag:
        y = 1
    return y


@program((0,), (3,))
def unbound_after_loop(n):
    for i in range(n):
        last = i
    return i, last


@program((0,), (2,))
def bound_late_in_loop(n):
    out = []
    for i in range(n):
        if i > 0:
            out.append(previous)
        previous = i
    return out


@program((1.0,), (-1.0,), (0.0,))
def raises_and_asserts(x):
    assert x != 0.0, f"zero {x}"
    if x < 0:
        raise ValueError("negative")
    else:
        y = math.sqrt(x)
    return y


@program((3,), (-3,))
def raise_in_loop(n):
    for i in range(10):
        if i == n:
            break
        if i > 5:
            raise KeyError(i)
    return i


@program(
    (2.0,),
)
def imports_and_globals(x):
    import math as m
    import os.path
    from math import cos as c
    from math import pi

    return m.sin(x) * c(pi) * SCALE * math.exp(x), os.path.join("a", "b"), abs(-x)


@program(
    (1,),
)
def unknown_global(x):
    if x > 5:
        return undefined_name
    return undefined_name + x


@program((1, 2), (0, 0))
def calls_with_everything(a, b):
    def g(x, /, y, *more, z=3, **rest):
        return x, y, more, z

    args, options = (a, b), {"z": b}
    return g(a, b), g(*args), g(a, *args, **options), g(a, y=b, z=a), dict(k=a, **options)


@program((1,), (5,), (50,), (500,))
def long_elif(n):
    if n < 2:
        kind = "a"
    elif n < 10:
        kind = "b"
        if n == 5:
            return kind
    elif n < 100:
        kind = "c"
    else:
        return "big"
    return kind + "!"


@program((1.0, 2.0), (5.0, -1.0))
def swaps(u, v):
    for i in range(5):
        u, v = v, u + v
        if u > 8:
            u, v = v, u
            break
    a = b = [u, v]
    b[0], b[1] = b[1], b[0]
    return a


@program((3,), (0,))
def nested_break_values(n):
    best = None
    for i in range(n):
        for j in range(n):
            best = (i, j)
            if i + j == 3:
                break
        if best == (1, 2):
            best = "found"
            break
        i = 99
    return best, n


@program(("text",), (3,))
def returns_nothing(x):
    "A docstring."
    if x == 3:
        return
    x = x
    pass


@program(({"a": 1, "b": 2},), ({"a": 0, "b": 0},))
def dicts(d):
    e = {"x": d["a"], "y": [d]}
    e["x"] += 1
    return sorted(d.items()), e["x"], "a" in d, e["y"][0]["b"]


@program((3,), (11,))
def infinite_loop_with_return_and_continue(n):
    k = 0
    while 1:
        k += 1
        if k % 2:
            continue
        for _ in range(k):
            if k * k > n:
                return k
        n -= 1


@program((4,), (0,))
def loop_rebinds_its_variable(n):
    out = []
    for i in range(n):
        i = i * 2
        if i == 4:
            continue
        out.append(i)
    for a, (b, *c) in [(1, (2, 3, 4)), (5, (6,))]:
        out.append((a, b, c))
    return out, [i for i in range(2)]


@program((5,), (1,))
def walrus_in_comprehension(n):
    parts = [half for i in range(n) if (half := i // 2) > 0]
    return parts, len(parts)


@program((2,), (3,))
def while_else_and_flags(n):
    done = False
    while not done:
        n += 1
        for k in range(n):
            if k == 4:
                done = True
                break
        else:
            continue
        n *= 10
    return n, done, k


@program((3,), (-1,))
def named_lambda_sees_rebinding(x):
    y = x
    f = g = lambda q, k=y: (q, y, k)
    y = 20
    return f(1), g(2)


@program(
    (2,),
)
def defaults_are_evaluated_once(x):
    log = []

    def side():
        log.append(1)
        return x

    y = x

    def f(z, d=side()):
        return z + y + d

    y = 3
    y = 4
    x = 100
    return f(1), len(log)


@program((1.0, True), (1.0, False))
def closure_over_a_variable_a_branch_rebinds(x, flag):
    y = x

    def f(z):
        def inner(w):
            return w + y

        return inner(z)

    if flag:
        y = 5.0
    return f(1.0)


@program((4,), (0,), (50,))
def closure_over_a_variable_a_loop_rebinds(n):
    s = 0

    def f(x):
        return x + s

    for i in range(n):
        s = s + f(i)
    while s < n:
        s = s + f(1)
        if s > 40:
            break
    return s, f(0)


@program((1,), (5,))
def order_of_evaluation(x):
    total = x + (x := 5) + x
    x += (x := 2)
    pair = (x, (x := 7), x)
    xs = [0, 0, 0]
    xs[(i := 1)] += i
    return total, pair, xs, (a := 1) < (b := 0) < (c := 9), a, b
