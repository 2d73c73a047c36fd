"""Recursion over trees that returns lists, tuples and dicts: constants at the leaves, what is appended above."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from s2sad import S2sadError, grad, hessian, jacfwd, jvp, value_and_grad, vjp

Node = namedtuple("Node", "k kids")  # noqa: PYI024


@dataclass
class Data:
    k: float
    kids: list = field(default_factory=list)


class Plain:
    def __init__(self, k, kids):
        self.k, self.kids = k, kids


def built(make: Callable[[float, Any], Any], kids: Callable[[Any], Any]) -> Any:
    def leaf(k: float) -> Any:
        return make(k, kids([]))

    return make(1.0, kids([make(2.0, kids([leaf(3.0), leaf(4.0)])), leaf(5.0)]))


TREES: dict[str, Any] = {
    "named tuples of tuples": built(Node, tuple),
    "named tuples of lists": built(Node, list),
    "dataclasses": built(Data, list),
    "dataclasses of integers": Data(1, [Data(2, [Data(3), Data(4)]), Data(5)]),
}
PLAIN = built(Plain, list)


def leaves_first(node, x):
    if not node.kids:
        return [1.0]
    out = []
    for kid in node.kids:
        for v in leaves_first(kid, x):
            out.append(v * x)
    out.append(node.k)
    return out


def extended(node, x):
    if len(node.kids) == 0:
        return [1.0, node.k]
    out = [node.k * x]
    for kid in node.kids:
        out += extended(kid, x)
    return out


def first_kid(node, x):
    if not node.kids:
        return [1.0, 2.0]
    out = first_kid(node.kids[0], x)
    out.append(x * node.k)
    return out


def empty_at_leaves(node, x):
    if not node.kids:
        return []
    out = []
    for kid in node.kids:
        out.extend(empty_at_leaves(kid, x))
    out.append(x * x * node.k)
    return out


def by_argument(node, x, out):
    if not node.kids:
        out.append(1.0)
        return out
    for kid in node.kids:
        by_argument(kid, x, out)
    out.append(node.k * x)
    return out


def by_comprehension(node, x):
    return (
        [1.0] if not node.kids else [x * v for kid in node.kids for v in by_comprehension(kid, x)] + [node.k]
    )


def pair(node, x):
    if not node.kids:
        return 1.0, node.k
    a, b = 1.0, 0.0
    for kid in node.kids:
        p, q = pair(kid, x)
        a = a * p * x
        b = b + q * x
    return a, b + node.k


def dict_of_lists(node, x):
    if not node.kids:
        return {"n": 1.0, "values": [1.0]}
    found = {"n": x, "values": [node.k]}
    for kid in node.kids:
        other = dict_of_lists(kid, x)
        found = {"n": found["n"] + other["n"], "values": found["values"] + other["values"]}
    return found


def rows(node, x):
    if not node.kids:
        return [[1.0]]
    out = []
    for kid in node.kids:
        out.extend(rows(kid, x))
    out.append([x * node.k])
    return out


def arrays(node, x):
    if not node.kids:
        return [np.array([1.0, 2.0])]
    out = []
    for kid in node.kids:
        out.extend(arrays(kid, x))
    out.append(np.array([x, node.k]))
    return out


WALKS: dict[str, Callable[[Any, float], float]] = {
    "leaves first": lambda t, x: sum(leaves_first(t, x)),
    "extended": lambda t, x: sum(v * v * x for v in extended(t, x)),
    "first kid": lambda t, x: sum(first_kid(t, x)),
    "empty at leaves": lambda t, x: sum(empty_at_leaves(t, x)),
    "by argument": lambda t, x: sum(by_argument(t, x, [])),
    "by comprehension": lambda t, x: sum(by_comprehension(t, x)),
    "pair": lambda t, x: pair(t, x)[0] * pair(t, x)[1],
    "dict of lists": lambda t, x: dict_of_lists(t, x)["n"] * sum(dict_of_lists(t, x)["values"]),
    "rows": lambda t, x: sum(r[0] * x for r in rows(t, x)),
    "arrays": lambda t, x: sum(np.sum(r * x) for r in arrays(t, x)),
}


def right(f: Callable[..., float], *args: Any, thorough: bool = False) -> None:
    x, e = 0.7, 1e-6
    value, slope = f(*args, x), (f(*args, x + e) - f(*args, x - e)) / (2 * e)
    at = len(args)
    for level in (0, 1, 2) if thorough else (2,):
        assert value_and_grad(f, wrt=at, optimize=level)(*args, x) == pytest.approx((value, slope), rel=1e-7)
    alone = lambda y: f(*args, y)  # noqa: E731
    assert jvp(alone, (x,), (1.0,)) == pytest.approx((value, slope), rel=1e-7)
    if not thorough:
        return
    assert vjp(alone, x)[1](1.0)[0] == pytest.approx(slope, rel=1e-7)
    assert jacfwd(alone)(x) == pytest.approx(slope, rel=1e-7)
    bent = (grad(alone)(x + e) - grad(alone)(x - e)) / (2 * e)
    assert hessian(alone)(x) == pytest.approx(bent, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("tree", list(TREES))
def test_trees(tree: str, walk: str) -> None:
    right(WALKS[walk], TREES[tree])


@pytest.mark.parametrize("walk", WALKS)
def test_trees_of_plain_objects(walk: str) -> None:
    f = WALKS[walk]
    right(lambda x: f(PLAIN, x), thorough=walk in ("extended", "pair", "rows"))


def test_a_tree_that_grows_between_calls() -> None:
    tree = built(Plain, list)
    leaf = tree.kids[1]
    g = grad(lambda x: sum(empty_at_leaves(tree, x)))
    assert g(1.0) == 6.0
    leaf.kids.append(Plain(7.0, []))
    assert g(1.0) == 16.0
    del leaf.kids[:]
    assert g(1.0) == 6.0


@pytest.mark.jit
@pytest.mark.parametrize("walk", ["extended", pytest.param("rows", marks=pytest.mark.slow)])
def test_trees_compiled(walk: str) -> None:
    f, tree = WALKS[walk], TREES["named tuples of tuples"]
    assert grad(lambda x: f(tree, x), jit=True)(0.7) == pytest.approx(grad(lambda x: f(tree, x))(0.7))


def counted(n, x):
    if n == 0:
        return ([1.0, 2.0], (3.0, [4.0]))
    a, (b, c) = counted(n - 1, x)
    a.append(b * x)
    c.append(a[0])
    return (a, (b * x, c))


def swapped(n, x):
    if n == 0:
        return [1.0], [2.0]
    a, b = swapped(n - 1, x)
    a.append(x)
    return b, a


def mutual(n, x):
    return [1.0] if n == 0 else [x, *other(n - 1, x)]


def other(n, x):
    return [2.0] if n == 0 else [*mutual(n - 1, x), x * x]


def grown_rows(n, x):
    if n == 0:
        return [[1.0], [2.0]]
    r = grown_rows(n - 1, x)
    r.append([x])
    r[0].append(x)
    return r


BY_COUNT: dict[str, Callable[[int, float], float]] = {
    "counted": lambda n, x: sum(counted(n, x)[0]) * counted(n, x)[1][0] + sum(counted(n, x)[1][1]),
    "swapped": lambda n, x: sum(swapped(n, x)[0]) + 2.0 * sum(swapped(n, x)[1]) * x,
    "mutual": lambda n, x: sum(mutual(n, x)) * x,
    "grown rows": lambda n, x: sum(sum(v) for v in grown_rows(n, x)) * x,
}


@pytest.mark.parametrize("walk", BY_COUNT)
@pytest.mark.parametrize("n", [0, 1, 4])
def test_recursion_by_count(walk: str, n: int) -> None:
    right(BY_COUNT[walk], n)


def tuples_that_grow(n, x):
    return () if n == 0 else (*tuples_that_grow(n - 1, x), x * n)


def integers_and_floats(n, x):
    return [1, 2] if n == 0 else [v * x for v in integers_and_floats(n - 1, x)]


def pairs(n, x):
    if n == 0:
        return [(1.0, 2.0)]
    r = pairs(n - 1, x)
    r.append((x, x * n))
    return r


@pytest.mark.parametrize("f", [tuples_that_grow, integers_and_floats, pairs], ids=lambda f: f.__name__)
def test_what_has_no_one_type_is_refused(f: Callable[..., Any]) -> None:
    with pytest.raises(S2sadError, match=r"test_trees.py:\d+"):
        grad(lambda n, x: f(n, x)[0] * x, wrt=1)(3, 0.7)


def test_what_holds_itself_is_refused() -> None:
    ring = Data(1.0)
    ring.kids.append(ring)
    with pytest.raises(S2sadError, match="holds itself"):
        grad(lambda t, x: x * t.k, wrt=1)(ring, 1.0)
