"""What the forward sweep stores: the fewest values that the rest follows from, and nothing that is there anyway."""

from __future__ import annotations

import itertools
import math
import random
import re

import numpy as np
import pytest

from s2sad import grad, value_and_grad
from s2sad.transform.reverse.cuts import minimum_cut
from tests.array_checks import Case, check

rng = np.random.default_rng(3)
PROGRAMS = []


def stores(names, *args):
    """The tapes a program must have, by the name of what each holds."""

    def keep(fn):
        PROGRAMS.append((fn, sorted(names.split()), args))
        return fn

    return keep


@stores("", rng.normal(size=5), rng.normal(size=5))
def dot(x, y):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * y[i]
    return s


@stores("", rng.normal(size=6))
def rosenbrock(x):
    s = 0.0
    for i in range(len(x) - 1):
        s += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return s


@stores("", rng.normal(size=5))
def squares_into(x):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i] = x[i] * x[i]
    t = 0.0
    for i in range(len(x)):
        t += y[i] * y[i] * 0.5
    return t


@stores("", rng.normal(size=6), 0.3)
def stencil(u, w):
    v = np.zeros(len(u))
    for i in range(1, len(u) - 1):
        v[i] += w * (u[i - 1] - 2.0 * u[i] + u[i + 1])
    return v[2] + 2.0 * v[3]


@stores("x", 0.3, 3.7, 6)
def logistic(x, r, n):
    for _ in range(n):
        x = r * x * (1.0 - x)
    return x


@stores("x", 0.3)
def factors_of_one(x):
    for _ in range(4):
        x = (x + 1.0) * (x - 2.0) * (0.5 - x) * 0.1
    return x


@stores("p", 0.7, rng.normal(size=6))
def horner(x, c):
    p = 0.0
    for i in range(len(c)):
        p = p * x + c[i]
    return p * p


@stores("", rng.normal(size=4), 0.7)
def independent_dear(x, a):
    s = 0.0
    for i in range(len(x)):
        s += math.exp(-a * x[i] ** 2) / (1.0 + x[i] ** 2)
    return s


@stores("e", 0.3, 0.8)
def carried_dear(x, a):
    for _ in range(5):
        e = math.exp(-x)
        x = a + e
    return x


@stores("", rng.normal(size=(3, 4)), rng.normal(size=4))
def rows(A, x):
    s = 0.0
    for i in range(A.shape[0]):
        row = A[i]
        for j in range(len(x)):
            s += row[j] * x[j] * x[j]
    return s


@stores("", rng.normal(size=6))
def branches(x):
    s = 0.0
    for i in range(len(x)):
        if x[i] > 0.1:
            s += x[i] ** 2
        elif x[i] * x[0] < 0.0:
            s -= 3.0 * x[i] * x[0]
    return s


@stores("t", rng.normal(size=5))
def written_later(x):
    y = x.copy()
    s = 0.0
    for i in range(len(y)):
        t = y[i]
        s += t * t
        y[i] = 0.0
    return s


@stores("", rng.normal(size=5))
def written_before(x):
    y = np.zeros(len(x))
    for i in range(len(y)):
        y[i] = 2.0 * x[i]
    s = 0.0
    for i in range(len(y)):
        s += y[i] * y[i]
    return s + np.sum(y**3)


@stores("dx w", rng.normal(size=(4, 2)), rng.normal(size=4))
def pairs(p, m):
    e = 0.0
    q = p.copy()
    for s in range(3):
        for i in range(len(m)):
            for j in range(i):
                dx = q[i, 0] - q[j, 0]
                r2 = dx * dx + 0.1
                w = m[j] / r2
                e += w * r2 + w * w
            q[i, 0] += 0.01 * e
    return e


@stores("t", rng.normal(size=5), 3)
def outer_values(x, n):
    s = 0.0
    c = 1.0
    for k in range(n):
        c = c * 1.1 * x[k]
        for i in range(len(x)):
            d = c + x[i]
            s += d * d
    return s


@stores("x", 2.0, 5)
def while_loop(x, n):
    k = 0
    while k < n and x < 50.0:
        x = x * x * 0.5 + 1.0
        k += 1
    return x


@stores("x", 0.2)
def polynomial_step(x):
    for _ in range(3):
        a = x * x
        b = a * x
        c = b - a + 2.0
        x = 0.1 * c * c * a
    return x


@pytest.mark.parametrize(("fn", "names", "args"), PROGRAMS, ids=lambda p: getattr(p, "__name__", ""))
def test_programs(fn, names, args):
    lowered = grad(fn).lower(*args)
    assert sorted({s.tape.hint.rpartition("·")[2] for s in lowered.storage}) == names
    check(Case(fn, args))


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize(("fn", "names", "args"), PROGRAMS, ids=lambda p: getattr(p, "__name__", ""))
def test_programs_compiled(fn, names, args):
    check(Case(fn, args), jit=True)


def test_the_forward_loop_goes_when_nothing_of_it_is_stored():
    def loops(source):
        return sum(line.lstrip().startswith(("for ", "while ")) for line in source.splitlines())

    x = rng.normal(size=6)
    assert loops(grad(rosenbrock).lower(x).source) == 1
    assert loops(value_and_grad(rosenbrock).lower(x).source) == 2


def test_a_long_body_is_planned_quickly():
    lines = [
        "def long(x):",
        "    for _ in range(2):",
        *[f"        x = x * x - 0.{k + 1} * x" for k in range(400)],
        "    return x",
    ]
    from tests.benchmarks.figures import from_text

    lowered = grad(from_text("\n".join(lines), "long")).lower(0.1)
    assert len(lowered.storage) <= 801


def follows(kept, uses, sources, sinks):
    """Whether the sinks follow from what is kept: no path from a source avoids it."""
    todo = [v for v in sources if v not in kept]
    seen = set(todo)
    while todo:
        v = todo.pop()
        if v in sinks:
            return False
        for w in uses[v]:
            if w not in kept and w not in seen:
                seen.add(w)
                todo.append(w)
    return True


@pytest.mark.parametrize("seed", range(60))
def test_cuts_are_minimal(seed):
    made = random.Random(seed)
    n = made.randint(2, 9)
    price = {v: made.choice([1, 1, 8, 8, 64]) for v in range(n)}
    uses = {v: [w for w in range(v + 1, n) if made.random() < 0.4] for v in range(n)}
    sources = [v for v in range(n) if not any(v in u for u in uses.values())]
    sinks = made.sample(range(n), made.randint(1, n))
    kept = minimum_cut(price, uses, sources, sinks)
    assert follows(kept, uses, sources, sinks)
    least = min(
        sum(price[v] for v in some)
        for k in range(n + 1)
        for some in itertools.combinations(range(n), k)
        if follows(set(some), uses, sources, sinks)
    )
    assert sum(price[v] for v in kept) == least


def test_a_cut_is_the_one_nearest_the_sinks():
    assert minimum_cut({0: 8, 1: 8, 2: 8}, {0: [1], 1: [2], 2: []}, [0], [2]) == {2}
    assert minimum_cut({0: 8, 1: 8, 2: 8}, {0: [1, 2], 1: [], 2: []}, [0], [1, 2]) == {0}


def twice_in_place(x, y):
    for i in range(len(x)):
        y[i] += 0.1 * x[i]; y[i] += 0.2 * x[i] * x[i]  # fmt: skip  # noqa: E702
    return y[0] * y[1]


def test_contributions_are_added_up_in_the_reverse_sweep_alone():
    source = grad(twice_in_place).lower(np.ones(2), np.ones(2)).source
    forward, reverse = source.split("# reverse")
    assert forward.count("y[i] += ") == 2
    assert reverse.count("dx[i] += ") == 1
    check(Case(twice_in_place, (rng.normal(size=3), rng.normal(size=3))))


# -- what is the same in every iteration ----------------------------------------------------------------


def diffused(u, nu, dt, dx, n):
    for _ in range(n):
        for i in range(1, len(u) - 1):
            u[i] = u[i] + nu * dt / dx**2 * (u[i + 1] - u[i - 1]) * u[i]
    return np.sum(u * u)


def rate_in_a_branch(x, a, b, n):
    s = x
    for i in range(n):
        if i % 2:
            s = s * (a * b + a)
        else:
            s = s + a * b
        while s > 4.0:
            s = s * (1.0 - 0.1 * a)
    return s


def never_run(x, a, n):
    s = x
    for _ in range(n):
        s = s * (x / a) + math.log(a)
    return s


INVARIANT = [
    Case(diffused, (np.linspace(0.1, 1.0, 6), 0.3, 0.1, 0.5, 3)),
    Case(rate_in_a_branch, (0.7, 0.4, 0.6, 6)),
    Case(rate_in_a_branch, (5.0, 0.4, 0.6, 0)),
    Case(never_run, (0.7, 2.0, 3)),
    Case(never_run, (0.7, 2.0, 0)),
]


@pytest.mark.parametrize("case", INVARIANT, ids=lambda c: c.fn.__name__)
def test_invariants(case):
    check(case)


@pytest.mark.jit
@pytest.mark.parametrize("case", INVARIANT, ids=lambda c: c.fn.__name__)
def test_invariants_compiled(case):
    check(case, jit=True)


def test_what_may_fail_stays_in_its_loop():
    """A loop that does not run does not divide by zero, nor does its derivative."""
    assert grad(never_run)(0.7, 0.0, 0) == 1.0
    assert grad(never_run, jit=True)(0.7, 0.0, 0) == 1.0
    with pytest.raises((ZeroDivisionError, ValueError)):
        grad(never_run)(0.7, 0.0, 1)


def test_the_adjoint_of_an_invariant_is_handed_on_once():
    g = grad(diffused, wrt="nu", jit=True)
    source = g.lower(np.ones(6), 0.3, 0.1, 0.5, 3).source
    own = source.partition("def diffused_grad")[2]
    code = [line for line in own.splitlines() if not line.strip().startswith("#")]
    # forward, and once after the loops, where a loop may not have run
    assert sum(line.count("/") + line.count("kept_ratio(") for line in code) == 2


# -- copies of what loops read and is written between them ------------------------------------------------


def bodies(x, v, m, steps):
    n = len(m)
    for _ in range(steps):
        for i in range(n):
            for j in range(n):
                if i != j:
                    dx, dy = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1]
                    r2 = dx * dx + dy * dy + 0.1
                    w = m[j] / (r2 * math.sqrt(r2))
                    v[i, 0] += 0.1 * w * dx
                    v[i, 1] += 0.1 * w * dy
        for i in range(n):
            for k in range(2):
                x[i, k] += 0.1 * v[i, k]
    return np.sum(x * v)


def in_turns(x, n):
    s = 0.0
    while n > 0:
        for i in range(len(x)):
            s += math.exp(x[i]) * x[i]
        for i in range(len(x) - 1, -1, -1):
            s = s + x[i] * math.sin(x[i]) * s * 0.1
        x *= 0.9
        x[0] = 0.1 * s
        n -= 1
    return s * x[0]


def in_one_branch_only(x, flag, n):
    s = 0.0
    for t in range(n):
        if flag and t % 2:
            for i in range(len(x)):
                s += math.exp(x[i])
        x[t] = s * 0.1
    if s > 1.0:
        for i in range(len(x)):
            s += x[i] ** 2 * math.exp(-x[i])
        x[:] = 1.0
    return s + np.sum(x)


def part_of_it(x, n):
    """A loop over three elements of many copies none of the rest."""
    s = 0.0
    for t in range(n):
        for i in range(3):
            s += math.exp(x[i])
        x[t] = s * 0.1
    return s


def as_far_as_it_goes(x):
    s = 0.0
    for t in range(len(x)):
        for i in range(t):
            s += math.exp(x[i] * s * 0.01)
        x[t] = s * 0.1
    return s


COPIED = [
    Case(bodies, (rng.normal(size=(3, 2)), rng.normal(size=(3, 2)), np.ones(3), 3)),
    Case(bodies, (rng.normal(size=(1, 2)), rng.normal(size=(1, 2)), np.ones(1), 0)),
    Case(in_turns, (np.linspace(0.1, 0.5, 4), 3)),
    Case(in_turns, (np.linspace(0.1, 0.5, 4), 0)),
    Case(in_one_branch_only, (np.linspace(0.1, 0.5, 4), True, 4)),
    Case(in_one_branch_only, (np.linspace(0.1, 0.5, 4), False, 3)),
    Case(part_of_it, (np.linspace(0.1, 0.5, 5), 4)),
    Case(as_far_as_it_goes, (np.linspace(0.1, 0.5, 5),)),
]


@pytest.mark.parametrize("case", COPIED, ids=lambda c: c.fn.__name__)
def test_copies(case):
    check(case)


@pytest.mark.jit
@pytest.mark.slow
@pytest.mark.parametrize("case", COPIED, ids=lambda c: c.fn.__name__)
def test_copies_compiled(case):
    check(case, jit=True)


def test_a_copy_a_turn_is_all_that_is_stored():
    g = grad(bodies)
    g(rng.normal(size=(3, 2)), rng.normal(size=(3, 2)), np.ones(3), 2)
    forward = g.source.split("# reverse")[0]
    assert forward.count("= x.copy()") == 1 and forward.count(".append(") == 1


def test_no_copies_for_parts():
    for fn, args in (
        (part_of_it, (np.linspace(0.1, 0.5, 5), 4)),
        (as_far_as_it_goes, (np.linspace(0.1, 0.5, 5),)),
    ):
        g = grad(fn)
        g(*args)
        assert ".copy()" not in g.source.split("# reverse")[0]


def squares_of_what_changes(x):
    """A square of a whole array is kept, or its array is: a number's is computed again."""
    s, y = 0.0, x * 1.0
    for i in range(3):
        y[1:] += 0.1 * y[:-1]
        s += np.sum(x * y**2)
    return s


def test_squares_of_arrays():
    check(Case(squares_of_what_changes, (np.linspace(0.1, 0.6, 5),)))


def bound_where_the_loop_runs(x, n):
    if n > 0:
        k = 2.0 * x
        y = np.array([x, 2.0 * x])
    s = x
    for t in range(n):
        for i in range(len(y)):
            s = s + k * k * x + math.exp(y[i])
        y[t] = s * 0.1
    return s


@pytest.mark.parametrize("n", [0, 2])
@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.jit)])
def test_what_may_be_unbound_stays_in_its_loop(n, jit):
    """Neither an invariant nor a copy is made of what a loop that does not run would not have read."""
    check(Case(bound_where_the_loop_runs, (0.7, n)), jit=jit)


def recurrence_in_a_table(x, y, g):
    R = np.zeros((len(x) + 1, len(y) + 1))
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            a, b = R[i - 1, j], R[i, j - 1]
            R[i, j] = (x[i - 1] - y[j - 1]) ** 2 + math.exp(-a / g) * math.tanh(b)
    return R[len(x), len(y)]


def separate_turns(x, g):
    s = 0.0
    for i in range(len(x)):
        s += math.exp(-x[i] / g) * math.tanh(x[i] * g)
    return s


def test_results_are_kept_where_the_loop_has_to_run_forward():
    """A loop that makes what its reverse reads stores the dear results, too; one of separate turns stores nothing."""
    x, y = np.array([0.1, 0.7, -0.3]), np.array([0.4, 0.2])
    kept = grad(recurrence_in_a_table, wrt=(0, 1), jit=True)
    for a, b in zip(kept(x, y, 0.5), grad(recurrence_in_a_table, wrt=(0, 1))(x, y, 0.5), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    forward, _, reverse = kept.source.partition("# reverse")
    assert "math.exp(" in forward and "math.exp(" not in re.sub("#.*", "", reverse), kept.source
    assert "tape" not in grad(separate_turns, jit=True).lower(x, 0.5).generated.source
