"""Programs that the array fuzzer found the compiler to get wrong, made small; each was a bug of its own kind."""
# ruff: noqa: B007, B905

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest

from s2sad import grad, jvp
from tests.array_checks import Case, check, collector, random_arrays

rng, V, S = random_arrays(5)
CASES: list[Case] = []
case = collector(CASES)


@case(V(4), 0.7)
def constant_array_reshaped_and_written(x, c):
    ones = np.ones((2, 2))
    w = ones.reshape(4)
    w[3] = c
    return np.sum(w * x)


@case(V(4))
def sum_reshaped_and_written(x):
    w = (x + 1.0).reshape(2, 2)
    w[0, 0] = 5.0 * x[1]
    return np.sum(w * w) + x[0]


@case(V(3), V(3, 2))
def stack_flattened_and_written(x, A):
    w = np.stack([[0, 0, 3], np.mean(A, axis=1), x]).copy().flatten()
    for i in range(1, 7):
        w[i] = 0.6
    return np.sum(w * w)


@case(np.array([0.9, 1.2, 0.5, 0.3]))
@case(np.array([0.3, 0.5, 1.2, 0.9]))
def array_made_before_a_return_in_a_loop(x):
    for e in x:
        if e <= 0.7:
            g = np.full(len(x), e)
            return np.var(g * x)
    return 1.0


@case(V(4), V(4))
def reference_chosen_before_a_break(x, y):
    u, v = x.copy(), y.copy()
    for i in range(4):
        w = v
        if i > 0:
            w = u
            if i == 2:
                w[1] = w[0] * w[1]
                break
        w[0] = w[1] * w[0]
        v = w * 1.5
    return np.sum(u * v)


@case(np.array([0.31, 0.5, 1.2, 0.9]), V(4))
@case(np.array([0.9, 1.2, 0.5, 0.31]), V(4))
def view_joined_before_a_break(x, y):
    u = x.copy()
    for i in range(4):
        z = u if x[0] > 0.35 else y
        z[i] = x[1] * z[i]
        if i == 2:
            q = z if x[1] > 0.8 else u
            q[1] *= q[0]
            break
    else:
        q = u
    return np.sum(u * y * q)


@case(V(4))
def array_bound_at_the_end_of_an_iteration(x):
    s = 0.0
    for i in range(3):
        if i > 0:
            s += np.sum(w * x[i + 1] * w) + w.sum() + w[0]  # noqa: F821
        if i > 1:
            w = w * x[0]  # noqa: F821
        else:
            w = x[i:]
    return s


@case(V(4))
def sizes_change_between_iterations(x):
    s = 0.0
    for i in range(3):
        if i > 0:
            s += np.sum(w * w)  # noqa: F821
        w = np.full(i + 2, x[i])
    return s


@case(V(3))
def largest_difference(x):
    return 2.0 + np.max(0.968 - x)


@case(V(4), np.array([True, False, True, True]))
def truth_values_negated(x, mask):
    return np.sum(-(mask * x)) - np.sum(mask * x * x) + np.sum(-(mask / (3.0 + x * x)))


@case(1.2, V(4), V(4))
@case(0.0, V(4), V(4))
def number_or_sum_of_an_array(c, x, y):
    M = np.stack([x, y])
    x[0] = c or np.sum(M)
    return M.sum()


@case(V(4))
def array_summed_in_a_while_with_a_break(x):
    M = np.stack([x, x * x])
    k, s = 0, 0.0
    while k < 2 and np.sum(M) * k < 300.0:
        k += 1
        if np.sum(M) > 0.3:
            s += np.sum(M)
        if k == 2:
            break
    return M.sum() + s


@case(1.1, S(3))
def single_sums_after_an_early_return(c, s):
    if 1.5 < c <= 1.8:
        return 0.9
    return np.sum(3 * c * s)


@case(1.1, S(3))
def single_sums_in_a_loop(c, s):
    t = 0.0
    for i in range(3):
        t += np.sum(c * s)
    return t


@case(1.1, S(3))
def single_product_in_a_while(c, s):
    k = 0
    while k < 3:
        c = c * s[0]
        k += 1
    return c


@case(-0.3, S(4))
def single_sum_of_a_root(c, s):
    t = math.sqrt(c**2)
    return 0.4 * np.sum(t * s)


@case(S(3), 2)
def number_of_a_single_sum_spread_out(s, n):
    c = np.sum(s * s)
    x = 0.7 if n < 1 else c
    return np.sum(x * np.arange(1, 4))


@case(S(4), V(4))
def single_sum_added_to_double(s, x):
    t = s * s
    t[:] = 0.1
    c = np.sum(t * s)
    if c < 100.0:
        x += c
    return x[-2]


@case(V(3), V(3, 2), 1.0)
def mean_of_a_joined_array_named_alike(x, A, c):
    x = np.hstack((1.0, x[2:3][:1])).mean()
    v = (1.4 + math.sin(c)) ** math.tanh(A[-3, -2])
    return 0.7 * np.sum(np.sin(x)) - np.sum(A * A) + 0.6 * v


@case(V(3), 0)
def whole_argument_replaced_in_a_loop(
    x, n
):  # fuzz seed 2961: a shadow held in a tape was replaced there, not zeroed
    for k in range(2):
        y = np.zeros(3)
        y[n] += np.tanh(0.3 * k)
        np.sin(y, out=x)
        x += np.tanh(y)
    return np.sum(np.sin(x))


@case(V(3))
def whole_elements_of_lists_replaced(x):
    y = x.copy()
    rows, z = [y, x * 2.0], y
    for i in range(2):
        rows[i][:] = x * 3.0
        y = y * 1.0
    return np.sum(z**2) + np.sum(rows[1] * x)


@case(V(2))
def array_of_a_list_whose_element_is_replaced(x):
    rows = [x * 1.0]
    rows.append(x * 2.0)
    s = np.sum(np.stack(rows) ** 2)
    rows[1] = x * 5.0
    for k in range(2):
        s += np.sum(np.array(rows) ** 3) * (k + 1)
        rows[k] = x * x
    return s


@case(V(2))
def array_of_a_list_that_grows(x):
    rows, s = [], 0.0
    for k in range(2):
        rows.append(x * (1.0 + k))
        s = s + np.sum(np.array(rows) ** 2) * (k + 1)
    return s


@case(V(2), V(2))
def one_adjoint_of_two(x, y):  # at optimize=0: `dx = dc; dy = dc; dx += da`
    a = x * 1.0
    c = x + y
    return np.sum(a * c)


def is_bool(a: object) -> bool:
    return isinstance(a, np.ndarray) and a.dtype == bool


def ids(c: Case) -> str:
    return c.fn.__name__


@pytest.mark.parametrize("c", CASES, ids=ids)
def test_found(c: Case) -> None:
    """Values, mutations, reverse, forward and differences agree, at every level; each leaf has its type."""
    single = any(getattr(a, "dtype", None) == np.float32 for a in c.args)
    check(replace(c, vtol=1e-5, rtol=2e-3, atol=2e-3, step=1e-2) if single else c)
    wrt = tuple(i for i, a in enumerate(c.args) if isinstance(a, (float, np.ndarray)) and not is_bool(a))
    for a, d in zip(c.args, grad(c.fn, wrt=wrt)(*copy.deepcopy(c.args)), strict=False):
        assert isinstance(d, type(a))


@pytest.mark.jit
@pytest.mark.parametrize("c", [c for c in CASES if "before_a" in c.fn.__name__], ids=ids)
def test_found_compiled(c: Case) -> None:
    """Tapes of references that are written in several branches."""
    check(c, jit=True)


def test_forward_leaves_the_callers_tangent() -> None:
    """A tangent that is passed in is not written through what was reshaped."""
    x, along = np.arange(4.0), np.ones(4)
    _, found = jvp(sum_reshaped_and_written, (x,), (along,))
    assert found == pytest.approx(grad(sum_reshaped_and_written)(x).sum())
    assert along.tolist() == [1.0] * 4
