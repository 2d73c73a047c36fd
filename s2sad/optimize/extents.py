"""How often an inner loop runs at most, said by what is known before the loops around it.

The bounds of `for q in range(p + 1, n)` or `range(max(0, i - w), min(n, i + w + 1))` are sums with integer factors
of numbers that do not change and of counters; a counter is replaced by its first or its last value, whichever makes
the loop longer. Of `min` and `max` each operand is a bound of its own, so that the length of a band is its width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from s2sad.ir.core import Const, For, Op, Operand, Value
from s2sad.ir.types import INT
from s2sad.rules.builder import Builder, const

Sum = dict[Value | None, int]  # factors by value; None stands for 1
MOST = 4  # bounds that are tried


def extent(
    loop: For,
    is_known: Callable[[Operand], bool],
    makers: dict[Value, Op],
    counters: dict[Value, For],
    b: Builder,
) -> Operand | None:
    """A number that a loop runs at most, emitted by `b`; None where there is none of known values."""
    if not isinstance(loop.step, Const):
        return None
    found = _Bounds(is_known, makers, counters)
    first, last = (loop.start, loop.stop) if loop.step.value > 0 else (loop.stop, loop.start)
    bounds: list[Sum] = []
    for high in found.of(last, 1):
        for low in found.of(first, -1):
            bounds += [s for s in islice(found.settled(added(high, low, -1)), MOST) if s not in bounds]
    if not bounds:
        return None
    lengths = [emitted(s, b) for s in bounds[:MOST]]
    most = lengths[0] if len(lengths) == 1 else b.emit("builtins.min", *lengths, type=INT)
    return b.emit("trip_count", const(0), most, const(abs(loop.step.value)), type=INT)


class _Bounds:
    """Bounds of integers, from above (`sense` 1) or from below (-1)."""

    def __init__(
        self, is_known: Callable[[Operand], bool], makers: dict[Value, Op], counters: dict[Value, For]
    ) -> None:
        self.is_known, self.makers, self.counters = is_known, makers, counters

    def of(self, o: Operand, sense: int) -> list[Sum]:
        """Sums of known values and counters that bound an integer."""
        if isinstance(o, Const):
            return [{None: o.value}] if type(o.value) is int else []
        if not isinstance(o, Value):
            return []
        if self.is_known(o) or o in self.counters:
            return [{o: 1}]
        made = self.makers.get(o)
        if made is None:
            return []
        if made.prim in ("add", "sub"):
            sign = 1 if made.prim == "add" else -1
            a, b = self.of(made.operands[0], sense), self.of(made.operands[1], sense * sign)
            return [added(x, y, sign) for x in a for y in b][:MOST]
        if made.prim == ("builtins.min" if sense > 0 else "builtins.max"):
            return [s for x in made.operands for s in self.of(x, sense)][:MOST]
        return []

    def settled(self, s: Sum) -> Iterator[Sum]:
        """Bounds from above of a sum, of known values alone."""
        inner = next((v for v in s if v is not None and not self.is_known(v)), None)
        if inner is None:
            yield s
            return
        loop, factor = self.counters[inner], s[inner]
        rest = {v: k for v, k in s.items() if v is not inner}
        assert isinstance(loop.step, Const)
        upward, sense = loop.step.value > 0, 1 if factor > 0 else -1
        end = loop.start if upward == (factor < 0) else loop.stop
        for bound in self.of(end, sense):
            if end is loop.stop:  # the last value lies before it
                bound = added(bound, {None: -1 if upward else 1}, 1)
            yield from self.settled(added(rest, bound, factor))


def added(a: Sum, b: Sum, factor: int) -> Sum:
    found = dict(a)
    for v, k in b.items():
        found[v] = found.get(v, 0) + factor * k
        if not found[v] and v is not None:
            del found[v]
    return found


def emitted(s: Sum, b: Builder) -> Operand:
    """A sum as operations: what is added first, then what is taken away."""
    total: Operand | None = None
    for v, k in sorted(((v, k) for v, k in s.items() if v is not None), key=lambda pair: pair[1] < 0):
        term = v if abs(k) == 1 else b.emit("mul", const(abs(k)), v, type=INT)
        if total is None:
            total = term if k > 0 else b.emit("neg", term, type=INT)
        else:
            total = b.emit("add" if k > 0 else "sub", total, term, type=INT)
    rest = s.get(None, 0)
    if total is None:
        return const(rest)
    return b.emit("add" if rest > 0 else "sub", total, const(abs(rest)), type=INT) if rest else total
