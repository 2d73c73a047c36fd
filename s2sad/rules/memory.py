"""Primitives that make, read and write memory, and the few that only control needs.

Their adjoints are the business of `transform.reverse.memory`, not of partials: a load's adjoint is an
accumulation into the shadow, a store's is a read of the shadow followed by zeroing it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.types import INT, STR, Type
from s2sad.rules.registry import ZERO, rule, source


def _typed(*types: Type) -> Type:
    raise TypeError("the type of memory is given where it is made")


def _memory(name: str, fn: Any, form: str, effect: str, **partials: Any) -> None:
    rule(fn, form, name=name, infer=_typed, effect=effect, cost=5, **partials)


def list_repeat(value: Any, count: int) -> list[Any]:
    return [value] * count


def alloc_list(*items: Any) -> list[Any]:
    return list(items)


def trip_count(start: int, stop: int, step: int) -> int:
    return len(range(start, stop, step))


def add_into(a: Any, b: Any) -> Any:
    """a[i] += b[i] for every i."""
    for i in range(len(b)):
        a[i] += b[i]


_memory("numpy.zeros", np.zeros, "y = zeros(n, dtype)", "alloc", dn=ZERO, ddtype=ZERO)
_memory("numpy.ones", np.ones, "y = ones(n, dtype)", "alloc", dn=ZERO, ddtype=ZERO)
_memory("numpy.empty", np.empty, "y = empty(n, dtype)", "alloc", dn=ZERO, ddtype=ZERO)
_memory("numpy.arange", np.arange, "y = arange(*xs)", "alloc", dxs=ZERO)
_memory("numpy.full", np.full, "y = full(n, value)", "alloc", dn=ZERO)
_memory("zeros_like", np.zeros_like, "y = zeros_like(a)", "alloc", da=ZERO)
_memory("empty_like", np.empty_like, "y = empty_like(a)", "alloc", da=ZERO)
_memory("copy", np.copy, "y = copy(a)", "alloc")
_memory("list_of", list, "y = list_of(a)", "alloc")
_memory("array_of", lambda a: np.array(a, dtype=np.float64), "y = array_of(a)", "alloc")
_memory("alloc_list", alloc_list, "y = alloc_list(*items)", "alloc")
_memory("list_repeat", list_repeat, "y = list_repeat(value, count)", "alloc", dcount=ZERO)
_memory("load", lambda a, i: a[i], "y = load(a, i)", "reads", di=ZERO)
_memory("store", lambda a, i, v: a.__setitem__(i, v), "store(a, i, v)", "writes", di=ZERO)
_memory("accumulate", lambda a, i, v: a.__setitem__(i, a[i] + v), "accumulate(a, i, v)", "writes", di=ZERO)
_memory("append", list.append, "append(a, v)", "writes")
_memory("add_into", add_into, "add_into(a, b)", "writes",
        helper=source(add_into))  # fmt: skip
rule(
    add_into,
    "add_into(a, b)",
    name="s2sad.add_into",
    infer=_typed,
    effect="writes",
    helper=source(add_into),
    da=ZERO,
    db=ZERO,
)
_memory("tape_new", dict, "y = tape_new()", "alloc")
_memory("tape_write", lambda t, k, v: t.__setitem__(k, v), "tape_write(t, k, v)", "writes")
_memory("tape_len", len, "y = tape_len(t)", "reads")
_memory("tape_read", lambda t, k: t[k], "y = tape_read(t, k)", "reads")
_memory("pack", lambda *xs: xs, "y = pack(*xs)", "none")
_memory("extract", None, "y = extract(x)", "reads")
_memory("extract_list", None, "y = extract_list(x)", "reads")
_memory("constant", None, "y = constant()", "none")
_memory("array_like", None, "y = array_like(x)", "alloc")
rule(len, "y = len(a)", name="len", infer=INT, effect="none", cost=1, da=ZERO)
rule(
    trip_count,
    "y = trip_count(a, b, c)",
    name="trip_count",
    infer=INT,
    effect="none",
    cost=2,
    da=ZERO,
    db=ZERO,
    dc=ZERO,
)
rule(print, "print(*xs)", name="print", infer=_typed, effect="world", dxs=ZERO)
rule(format, "y = format(*xs)", name="format", infer=STR, effect="raises", dxs=ZERO)
rule(str, "y = text(*xs)", name="text", infer=STR, effect="raises", dxs=ZERO)
rule(
    lambda x: x,
    "y = stop_gradient(x)",
    name="stop_gradient",
    infer=lambda t: t,
    effect="none",
    cost=1,
    dx=ZERO,
)
for _name in ("assert", "raise"):
    rule(lambda *xs: None, f"{_name}(*xs)", name=_name, infer=_typed, effect="world", dxs=ZERO)
# tests of sizes: as the operation in front of which typing puts them takes them, and, settled, of two products
rule(lambda *xs: None, "sizes(*xs)", name="sizes", infer=_typed, effect="tests", dxs=ZERO)
rule(lambda *xs: None, "fits(*xs)", name="fits", infer=_typed, effect="tests", dxs=ZERO)
rule(lambda *xs: None, "y = unbound()", name="unbound", infer=_typed, effect="world")
rule(lambda *xs: None, "y = exception(*xs)", name="exception", infer=_typed, effect="none", dxs=ZERO)
rule(lambda x: x, "y = identity(x)", name="identity", infer=lambda t: t, effect="none", cost=0, dx="dy")
_memory("float_list", lambda a: [float(v) for v in a], "y = float_list(a)", "alloc")
_memory("unpack", lambda t: t, "y = unpack(t)", "none")
_memory("invoke", None, "y = invoke(*xs)", "world")
