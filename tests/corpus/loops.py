"""Loops: range in every shape, while, break, continue, else, early return, bound names."""

import math

from tests.corpus.registry import program


@program((0.9, 5), (0.9, 1), (0.9, 0), tags="for zero-trips")
def power_loop(x, n):
    p = 1.0
    for _ in range(n):
        p = p * x
    return p + x


@program((0.9, 4), (0.9, 0), tags="for zero-trips")
def sum_of_powers(x, n):
    s = 0.0
    for i in range(n):
        s += x**i
    return s + x


@program((0.9,), tags="for")
def range_start_stop(x):
    s = 0.0
    for i in range(2, 7):
        s += math.sin(i * x)
    return s


@program((0.9, 3), (0.9, 8), tags="for")
def range_step(x, step):
    y = x
    for i in range(1, 10, step):
        y = math.sin(y + i)
    return y


@program((0.9, -1), (0.9, -2), (0.9, 3), tags="for zero-trips negative")
def range_negative(x, step):
    y = x
    for i in range(6, 0, step):
        y = y * 0.5 + math.cos(i * y)
    return y


@program((0.9, 2), (0.9, 6), (0.9, 0), tags="for zero-trips")
def horner_down(x, n):
    y = 0.0
    for k in range(n - 1, -1, -1):
        y = y * x + 1.0 / (k + 1)
    return y + x


@program((0.6,), tags="for")
def loop_variable_after(x):
    y = x
    for i in range(4):
        y = y * (1.0 + 0.1 * i * x)
    return y * i


@program((0.6, 5), tags="for")
def loop_variable_shadows(x, i):
    y = x
    for i in range(i):  # noqa: B020
        y = y + math.sin(x * i)
    return y + i * x


@program((0.6,), tags="for")
def loop_variable_reassigned(x):
    y = 0.0
    for i in range(5):
        i = i * i + 1
        y += x / i
    return y * i


@program((0.6,), tags="for")
def loop_variable_shadows_float(x):
    t = x * x
    for x in range(3):
        t = t * 1.5 + x
    return t


@program((0.6, 3), tags="for")
def bound_first_in_loop(x, n):
    for i in range(n):
        last = math.sin(x * (i + 1))
    return last * x


@program((0.6, 4), (0.6, 0), tags="for zero-trips")
def bound_in_loop_and_before(x, n):
    last = x
    total = 0.0
    for i in range(n):
        total = total + last
        last = math.cos(last + i)
    return total * last


@program((0.6, 4), tags="for break")
def bound_before_break(x, n):
    for i in range(n):
        found = x * i
        if found > 1.0:
            break
    return found * found


@program((0.6, 1.2), (0.6, 40.0), tags="for break")
def break_on_value(x, limit):
    s = 1.0
    for i in range(10):
        s = s * (1.0 + x)
        if s > limit:
            break
        s = s + 0.01 * i
    return s


@program((0.6,), tags="for continue")
def continue_on_odd(x):
    s = x
    for i in range(7):
        if i % 2 == 1:
            continue
        s = s + math.sin(s * i)
    return s


@program((0.6, 3), (0.6, 20), tags="for break continue")
def break_and_continue(x, stop):
    s = x
    for i in range(9):
        s = s + 0.1 * x
        if i == stop:
            s = s * 2.0
            break
        if i % 3 == 0:
            continue
        s = math.sin(s) + x
    return s


@program((0.6, 1.5), (0.6, 99.0), tags="for else break")
def for_else(x, limit):
    s = x
    for _i in range(6):
        s = s * 1.5
        if s > limit:
            s = s - limit
            break
    else:
        s = math.log(s)
    return s * x


@program((0.6,), tags="for else")
def for_else_without_break(x):
    s = x
    for _ in range(3):
        s = s * s + x
    else:
        s = s * 2.0
    return s


@program((0.6, 1.5), (0.6, 99.0), tags="while else break")
def while_else(x, limit):
    s, k = x, 0
    while k < 5:
        k += 1
        s = s * 1.5
        if s > limit:
            break
    else:
        s = s + k * x
    return s


@program((0.6, 1.0), (0.6, 99.0), tags="for return")
def return_in_for(x, limit):
    s = x
    for i in range(6):
        s = s * 1.4 + 0.1 * i
        if s > limit:
            return s * s
    return s - x


@program((0.6, 1.0), (0.6, 99.0), tags="while return")
def return_in_while(x, limit):
    s = x
    k = 0
    while True:
        s = s * 1.4
        k += 1
        if s > limit:
            return s * s
        if k == 7:
            return math.log(s)


@program((0.6, 1.1), (0.6, 99.0), tags="for return else")
def return_in_for_else(x, limit):
    s = x
    for _ in range(4):
        s = s + 0.4 * x
        if s > limit:
            break
    else:
        return s * 3.0
    s = math.sin(s)
    return s


@program((0.6,), tags="while")
def while_on_value(x):
    y = x
    while y < 10.0:
        y = y * (1.3 + x)
    return y


@program((0.6, 6), (0.6, 0), tags="while zero-trips")
def while_counter(x, n):
    y = x
    while n > 0:
        y = math.sin(y) + x
        n -= 1
    return y


@program((0.9,), tags="while")
def newton_while(a):
    r = a
    while abs(r * r - a) > 1e-12:
        r = 0.5 * (r + a / r)
    return r


@program((0.6,), tags="while break")
def while_true_break(x):
    y, k = x, 0
    while True:
        y = y * y + 0.1
        k = k + 1
        if k >= 4:
            break
        y = y + x
    return y


@program((0.6,), tags="while continue")
def while_continue(x):
    y, k = x, 0
    while k < 6:
        k += 1
        if k % 2:
            y = y * 1.1
            continue
        y = math.sin(y * k)
    return y


@program((0.8,), tags="while walrus")
def while_walrus(x):
    total = 0.0
    t = 2.0
    while (t := t * x * 0.7) > 0.1:
        total += t * t
    return total + t


@program((0.8,), tags="while walrus logic")
def while_walrus_conjunction(x):
    y = x
    n = 0
    while n < 8 and (r := math.cos(y)) > 0.1:
        y = y + 0.3 * r
        n += 1
    return y * r


@program((0.6,), tags="for typechange")
def int_becomes_float(x):
    s = 0
    p = 1
    for i in range(1, 5):
        p = p * x
        s = s + p / i
    return s


@program((0.6, 4), (0.6, 0), tags="for zero-trips typechange")
def int_becomes_float_maybe(x, n):
    s = 0
    for i in range(n):
        s += x * (i + 1)
    return s + x


@program((0.6,), tags="for branch")
def branch_in_loop(x):
    s = x
    for i in range(8):
        if s > 1.0:
            s = s * 0.5
        elif i % 3 == 1:
            s = s + x * x
        else:
            s = s * 1.7 + 0.1
    return s


@program((0.6,), tags="for branch")
def binding_in_loop_branch(x):
    s = x
    for i in range(5):
        if i == 0:
            prev = x
        step = s - 0.5 * prev
        prev = s
        s = s + math.tanh(step)
    return s * prev


@program((0.6, 3.0), tags="for")
def inactive_work_in_loop(x, c):
    w = c
    s = 0.0
    k = 0
    for i in range(5):
        k += i
        w = k * 0.5 + 1.0
        s += x * w
    return s


@program((0.7, 1.2), tags="for")
def invariant_in_loop(x, y):
    s = 0.0
    for i in range(4):
        e = math.exp(x * y)
        s = s + e * i + s * 0.1
    return s


@program((0.7, 6), tags="for")
def linear_in_carried(x, n):
    s = x
    for _ in range(n):
        s = 1.5 * s + 0.25
    return s


@program((0.7, 3), (0.7, 0), tags="for zero-trips")
def range_bound_changes(x, n):
    y = x
    for _ in range(n):
        n = n - 1
        y = y * 1.2 + n
    return y + n * x


@program((0.7,), tags="for")
def consecutive_loops(x):
    a = x
    for i in range(3):
        a = a * a + 0.1 * i
    for i in range(2):
        a = math.sin(a) + i * x
    for i in range(3):
        a = a + a * i
    return a


@program((0.37,), tags="for")
def range_variable(x):
    steps = range(1, 4)
    s = 0.0
    for i in steps:
        s += x**i
    return s
