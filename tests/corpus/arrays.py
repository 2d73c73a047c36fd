"""Active 1-D arrays: load, store, accumulate, allocation, copies, aliases, buffers, merged references."""

import math

import numpy as np

from tests.corpus.registry import arr, program

X3 = (0.7, -1.2, 0.4)
X5 = (0.7, -1.2, 0.4, 1.1, 0.3)


@program((arr(*X3),))
def element_product(x):
    return x[0] * x[1] + x[2] * x[-1] + x[-3]


@program((arr(*X3),), (arr(),), tags="zero-trips")
def sum_of_squares(x):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * x[i]
    return s


@program((arr(*X3),))
def iterate_array(x):
    s = 1.0
    for v in x:
        s = s * math.cos(v) + v
    return s


@program((arr(*X3), arr(*X3[::-1])))
def zip_arrays(x, y):
    s = 0.0
    for a, b in zip(x, y):  # noqa: B905
        s += a * b * b
    return s


@program((arr(*X5),))
def enumerate_array(x):
    s = 0.0
    for i, v in enumerate(x):
        s = s * 0.5 + math.sin(v) * (i + 1)
    return s


@program((arr(*X3),))
def shape_and_size(x):
    n = x.shape[0]
    return x[n - 1] * n + x.size * x[0]


@program((arr(*X5),))
def fill_and_sum(x):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i] = math.sin(x[i]) * x[i]
    s = 0.0
    for i in range(len(y)):
        s += y[i] * (i + 1)
    return s


@program((arr(*X5),))
def fill_empty(x):
    n = len(x)
    y = np.empty(n)
    for i in range(n):
        y[i] = x[n - 1 - i] ** 2
    return y[0] * y[1] + y[n - 1]


@program((arr(*X5),))
def zeros_like_accumulate(x):
    y = np.zeros_like(x)
    for i in range(len(x) - 1):
        y[i] += x[i] * x[i + 1]
        y[i + 1] += x[i] - x[i + 1]
    return y[1] * y[2] + y[4]


@program((arr(*X5),))
def ones_and_full(x):
    y = np.ones(5)
    z = np.full(5, 0.5)
    for i in range(5):
        y[i] *= x[i]
        z[i] -= x[i] * y[i]
    return y[0] * z[1] + y[2] * z[3] + z[4]


@program((arr(*X5),))
def copy_then_write(x):
    y = x.copy()
    y[0] = y[1] * y[2]
    y[3] *= x[3]
    return y[0] * x[0] + y[3]


@program((arr(*X3),))
def np_copy_then_write(x):
    y = np.copy(x)
    y[1] = y[1] * x[1]
    y[1] += y[0]
    return y[1] * y[1] + x[1]


@program((arr(*X5),), tags="mutates")
def argument_mutated(x):
    x[0] = x[1] * x[2]
    x[1] += x[0]
    x[2] = 3.0
    return x[0] * x[1] * x[2] + x[3]


@program((arr(*X5), 2.0), tags="mutates")
def argument_scaled_in_loop(x, a):
    for i in range(1, len(x)):
        x[i] = x[i] * a + x[i - 1] * x[i]
    return x[-1] + x[0]


@program((arr(*X5),))
def overwritten_cell(x):
    y = np.zeros(1)
    s = 0.0
    for i in range(len(x)):
        y[0] = y[0] * x[i] + x[i]
        s += y[0] * y[0]
    return s + y[0]


@program((arr(*X5),))
def overwrite_kills_dependence(x):
    y = x.copy()
    s = y[0] * y[0]
    y[0] = 2.0
    return s + y[0] * y[1]


@program((arr(*X5),))
def read_store_same_cell(x):
    y = x.copy()
    y[2] = math.sin(y[2])
    y[2] = y[2] * y[2] + y[1]
    y[2] = y[2] / (1.0 + y[2] * y[2])
    return y[2]


@program((arr(*X5),))
def swap_elements(x):
    y = x.copy()
    y[0], y[3] = y[3], y[0]
    y[1], y[2], y[4] = y[2] * y[0], y[4], y[1]
    return y[0] + 2.0 * y[1] + 3.0 * y[2] * y[3] + 4.0 * y[4]


@program((arr(*X5),))
def prefix_sums(x):
    c = np.zeros(len(x) + 1)
    for i in range(len(x)):
        c[i + 1] = c[i] + x[i]
    return c[1] * c[2] * c[5] + c[3]


@program((arr(*X5),))
def cumulative_products(x):
    c = x.copy()
    for i in range(1, len(c)):
        c[i] *= c[i - 1]
    s = 0.0
    for v in c:
        s += v
    return s


@program((arr(*X5), 1), (arr(*X5), -2))
def index_from_argument(x, k):
    y = np.zeros(5)
    y[k] = x[k] * x[0]
    y[k - 1] += x[k] ** 2
    return y[k] * y[k - 1] + y[0]


@program((arr(*X5),))
def modular_index(x):
    y = x.copy()
    for i in range(9):
        y[(2 * i + 1) % 5] += 0.3 * y[i % 5] * x[0]
    return y[0] + y[1] * y[2]


@program((arr(*X5), arr(3, 0, 3, 1, dtype=np.int64)))
def indirect_stores(x, where):
    y = np.zeros(5)
    for i in range(4):
        y[where[i]] += x[i] * x[i]
        y[where[3 - i]] *= 0.5
    return y[3] * y[0] + y[1]


@program((arr(*X5), 3), (arr(*X5), 4), (arr(*X5), 0), tags="swap zero-trips")
def double_buffer(x, steps):
    u = x.copy()
    v = np.zeros_like(x)
    n = len(x)
    for _ in range(steps):
        for i in range(n):
            v[i] = 0.5 * u[i] + 0.25 * math.sin(u[(i + 1) % n] * u[i - 1])
        u, v = v, u
    return u[0] * u[1] + v[2]


@program((arr(*X5), 3), (arr(*X5), 4), tags="swap")
def double_buffer_while(x, steps):
    u = x.copy()
    v = x.copy()
    while steps > 0:
        v[0] = u[0]
        for i in range(1, 5):
            v[i] = u[i] * u[i - 1]
        v, u = u, v
        steps -= 1
    return u[4] + v[3]


@program((arr(*X5),), tags="swap")
def rotate_three_buffers(x):
    a, b, c = x.copy(), np.zeros(5), np.zeros(5)
    for k in range(4):
        for i in range(5):
            b[i] = a[i] * 0.9 + c[i] * x[k]
        a, b, c = b, c, a
    return a[0] * b[1] + c[2]


@program((arr(*X5), 0.4), (arr(*X5), -0.4), tags="swap")
def conditional_swap(x, t):
    u = x.copy()
    v = np.zeros(5)
    for i in range(5):
        if u[i] * t < 0.1:
            u, v = v, u
        u[i] += x[i] * t
        v[4 - i] = u[i] * x[i]
    return u[0] + v[1] * u[2] + v[4]


@program((arr(*X3),), tags="alias")
def plain_alias(x):
    y = x.copy()
    z = y
    z[0] = z[1] * 2.0
    y[1] = z[0] * z[0]
    return y[0] + z[1]


@program((arr(*X5), 2), (arr(*X5), 0), tags="alias merge zero-trips")
def merge_in_loop(x, n):
    u = x.copy()
    v = np.zeros(5)
    for i in range(n):
        v[i] = u[i] * x[i + 1]
        u = v
        u[4] = 3.0 * x[1]
    u[0] = u[0] + 3.0 * x[1]
    return v[0] * u[0] + v[4] * x[0]


@program((arr(*X3),), tags="alias merge")
def merge_after_loop_write(x):
    u = np.zeros(3)
    v = np.zeros(3)
    for i in range(3):
        u[i] = x[i] * x[i]
        if i == 1:
            u = v
    u[0] = 3.0 * x[1]
    return v[0] * v[2] + u[0]


@program((arr(*X3), 0.5), (arr(*X3), -0.5), tags="alias merge")
def conditional_reference(x, t):
    a = x.copy()
    b = np.zeros(3)
    z = a if t > 0.0 else b
    z[0] = x[1] * t
    z[1] += x[2]
    return a[0] * 2.0 + b[0] * 3.0 + a[1] * b[1] + z[1]


@program((arr(*X3), 0.5), (arr(*X3), -0.5), tags="alias merge")
def reference_bound_in_branches(x, t):
    a = x.copy()
    b = x.copy()
    if t > 0.0:
        z = a
        z[2] = t * x[0]
    else:
        z = b
    z[0] *= 4.0
    a[1] = z[0]
    return a[0] + b[0] * z[2] + a[1] * a[2]


@program((arr(*X3), 0.5), (arr(*X3), -0.5), tags="alias merge mutates")
def argument_or_copy(x, t):
    z = x if t > 0.0 else x.copy()
    z[0] = z[1] * z[2]
    return z[0] * x[0] + x[1]


@program((arr(*X5),), tags="alias")
def alias_then_rebind(x):
    u = x.copy()
    w = u
    u = np.zeros(5)
    for i in range(5):
        u[i] = w[i] * w[i]
        w[i] = u[i] + x[0]
    return u[3] * w[3] + u[1]


@program((arr(*X5),), tags="alloc-in-loop")
def fresh_array_in_loop(x):
    s = 0.0
    for k in range(3):
        t = np.zeros(5)
        for i in range(5):
            t[i] = math.sin(x[i] * (k + 1)) + s
        s = t[k] * t[4]
    return s


@program((arr(*X5),), tags="alloc-in-loop")
def rebind_fresh_array(x):
    u = x
    for _ in range(3):
        w = np.empty(5)
        for i in range(5):
            w[i] = u[i] * u[4 - i] + 0.1
        u = w
    return u[0] + u[1] * u[2]


def add_into(target, k, value):
    target[k] += value


def scaled_copy(source, a):
    out = np.empty(len(source))
    for i in range(len(source)):
        out[i] = source[i] * a
    return out


def dot(a, b):
    s = 0.0
    for i in range(len(a)):
        s += a[i] * b[i]
    return s


@program((arr(*X5),), tags="call")
def helper_mutates(x):
    y = np.zeros(5)
    for i in range(5):
        add_into(y, i % 2, x[i] * x[i])
        add_into(y, 3, y[0])
    return y[0] * y[1] + y[3]


@program((arr(*X5), 1.3), tags="call")
def helper_returns_array(x, a):
    y = scaled_copy(x, a)
    z = scaled_copy(y, a * a)
    y[0] = z[1]
    return dot(y, z) + dot(x, x)


@program((arr(*X5),), tags="closure")
def closure_mutates(x):
    y = np.zeros(3)

    def put(k, v):
        y[k] = v * y[k - 1] + v

    put(0, x[0])
    put(1, x[1])
    put(2, x[2])
    return y[2] * y[1]


@program((arr(*X5),), (arr(-0.7, 1.2, 0.4, 1.1, 0.3),), tags="return")
def return_from_array_loop(x):
    y = x.copy()
    for i in range(5):
        y[i] = y[i] * y[0]
        if y[i] < -0.5:
            return y[i] * x[2]
    return y[4] * x[2] + y[0]


@program((arr(*X5),), tags="break continue")
def break_in_array_loop(x):
    y = np.zeros(5)
    i = 0
    while True:
        i += 1
        if i >= 5:
            break
        if x[i] < 0.0:
            continue
        y[i] = x[i] * y[i - 1] + x[i - 1]
        y[0] += y[i]
    return y[0] * y[4] + y[3]


@program((arr(*X5, dtype=np.float32),), tags="float32")
def float32_array(x):
    y = np.zeros_like(x)
    for i in range(5):
        y[i] = x[i] * x[i] * 2.0
    return y[0] * y[1] + y[4]


@program((arr(1, 2, 3, dtype=np.int64), 0.5), wrt=(0, 1), tags="int-wrt")
def integer_array_wrt(x, a):
    s = 0.0
    for i in range(3):
        s += x[i] ** 2 * a
    return s


@program((arr(*X5), arr(0.2, 0.1, 0.4, 0.1, 0.2)), wrt=(0,))
def inactive_array_operand(x, w):
    y = w.copy()
    for i in range(5):
        y[i] = y[i] * x[i]
    return y[0] * y[1] + y[2] * w[2]


@program((arr(*X5), arr(0.2, 0.1, 0.4, 0.1, 0.2)), wrt=(0,), tags="mutates")
def inactive_array_argument_mutated(x, w):
    for i in range(5):
        w[i] += x[i] * x[i]
    return w[0] * w[1] + w[2]


@program((arr(*X5),))
def self_interaction(x):
    y = x.copy()
    for i in range(5):
        for j in range(i):
            y[i] += 0.2 * y[j] * y[i]
    return y[4]


@program((arr(*X5),))
def max_over_array(x):
    best = x[0]
    for i in range(1, len(x)):
        if x[i] > best:
            best = x[i]
    return best * best


@program((arr(*X5),))
def walrus_and_loads(x):
    s = 0.0
    for i in range(5):
        if (v := x[i]) > 0.35:
            s += v * v
        else:
            s += abs(v)
    return s * v
