"""The sizes of the arrays of the call that code is made for, and what the code takes for granted of them.

Where arrays meet, only the sizes say whether one is spread over the other: a slice `a[1:-1]` may be of size 1, and two
arguments may be of different sizes. Code for all of that is long and slow, so typing looks at the call: what is not of size 1
there, or of the same size, is taken for granted, and entries test it. Another call gets code of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from s2sad.ir.types import Dim, Size


class CallSizes:
    """The sizes of a call, by the names that typing gives them, and integers among its arguments, which may be sizes.
    `equal`: those that are another one's, plus a number; `parts`: those that are the difference of two others.

    Attributes:
        found: sizes that turned out to be equal while a function was typed, in the form of `equal`: it is typed again.
        unknown: whether a size was asked for that the call did not show.
    """

    def __init__(
        self,
        actual: Mapping[str, int],
        equal: Mapping[str, tuple[str, int]] | None = None,
        parts: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self.actual = actual
        self.equal = dict(equal or {})
        self.parts = dict(parts or {})
        self.found: dict[str, tuple[str, int]] = {}
        self.apart: dict[str, set[int]] = {}
        self.only: set[str] = set()
        self.least: dict[Form, int] = {}  # sums of sizes that are not negative if so much is added
        self.unknown = False

    def named(self, name: str) -> Dim:
        """The size of an argument's axis, which is not 1."""
        base, more = self.equal.get(name, (name, 0))
        return Dim(base, more, True, self)

    def number(self, name: str) -> Dim:
        """An integer among the arguments, as a size."""
        base, more = self.equal.get(name, (name, 0))
        return Dim(base, more, False, self)

    def value(self, name: str, actual: Mapping[str, int] | None = None) -> int:
        """A size in this call, or in another one. Raises KeyError where it is not shown."""
        actual = self.actual if actual is None else actual
        if name in self.parts:
            a, b = self.parts[name]
            return self.value(a, actual) - self.value(b, actual)
        return actual[name]

    def is_many(self, size: Dim) -> bool:
        """Whether a size is not 1 in this call; from now on that is taken for granted, or that it is."""
        one = 1 - size.offset  # where it is
        try:
            here = self.value(size.name)
        except KeyError:
            self.unknown = True
            return False
        if here == one:
            self.only.add(size.name)
            return False
        if one >= 0 and (one != 1 or not is_axis(size.name)):  # no argument's axis is, as its key says
            self.apart.setdefault(size.name, set()).add(one)
        return True

    def is_one(self, size: Dim) -> bool:
        """Whether a size is 1 in this call; if so, that is taken for granted."""
        try:
            found = self.value(size.name) + size.offset == 1
        except KeyError:
            return False
        if found:
            self.only.add(size.name)
        return found

    def meet(self, a: Dim, b: Dim) -> None:
        """Two sizes meet where only equal ones fit."""
        if a.name == b.name or a.name in self.found or b.name in self.found:
            return
        try:
            same = self.value(a.name) + a.offset == self.value(b.name) + b.offset >= 0
        except KeyError:
            self.unknown = True
            return
        if same:
            self.found[b.name] = a.name, a.offset - b.offset

    def difference(self, a: Dim, b: Dim) -> Size:
        """A size that is one less another."""
        if a.name == b.name:
            return a.offset - b.offset
        name = f"({a.name} - {b.name})"
        self.parts[name] = a.name, b.name
        base, more = self.equal.get(name, (name, 0))
        return Dim(base, more + a.offset - b.offset, False, self)

    def between(self, size: Dim | int, start: Place, stop: Place) -> Size:
        """How many elements a slice has of an axis of this size, if it ends where it says in this call: that is taken
        for granted. None where it does not, or that is not known."""
        if start.index is not stop.index:
            return None
        low, high = (0, 0) if start.index is None else start.range
        tests = [
            self.linear((1, low), (1, start.size)),
            self.linear((1, stop.size), (-1, start.size)),
            self.linear((1, size), (-1, stop.size), (-1, high)),
        ]
        try:
            if not all(self.holds(t, self.actual) for t in tests):
                return None
        except KeyError:
            self.unknown = True
            return None
        for form, more in tests:
            always = all(k > 0 and is_axis(name) for name, k in form) and more >= 0
            if not always:
                self.least[form] = min(self.least.get(form, more), more)
        if isinstance(stop.size, Dim):
            first = start.size
            return stop.size.shorter(first) if isinstance(first, int) else self.difference(stop.size, first)
        return stop.size - start.size if isinstance(start.size, int) else None

    def linear(self, *terms: tuple[int, Dim | int]) -> Linear:
        """A sum of sizes and numbers, each times something."""
        found: Counter[str] = Counter()
        more = 0
        for k, d in terms:
            more += k * (d if isinstance(d, int) else d.offset)
            if isinstance(d, Dim):
                self.collect(found, d.name, k)
        return tuple(sorted((n, k) for n, k in found.items() if k)), more

    def collect(self, found: Counter[str], name: str, k: int) -> None:
        if name in self.parts:
            a, b = self.parts[name]
            self.collect(found, a, k)
            self.collect(found, b, -k)
        else:
            found[name] += k

    def holds(self, linear: Linear, actual: Mapping[str, int]) -> bool:
        """Whether a sum is not negative. Raises KeyError where a size is not shown."""
        form, more = linear
        return sum(k * actual[name] for name, k in form) + more >= 0

    def again(self) -> CallSizes:
        """The sizes of the same call, with what was found equal."""

        def at_last(base: str, more: int) -> tuple[str, int]:
            while base in self.found:
                base, further = self.found[base]
                more += further
            return base, more

        equal = {n: at_last(*pair) for n, pair in (self.equal | self.found).items()}
        return CallSizes(self.actual, equal, self.parts)

    def __len__(self) -> int:
        """How much is taken for granted."""
        return sum(map(len, self.apart.values())) + len(self.only) + len(self.equal) + len(self.least)

    def hold(self, actual: Mapping[str, int]) -> bool:
        """Whether what is taken for granted holds for another call."""

        def value(name: str) -> int:
            return self.value(name, actual)

        try:
            return (
                all(value(n) not in others for n, others in self.apart.items())
                and all(value(n) == self.value(n) for n in self.only)
                and all(value(n) == value(base) + more for n, (base, more) in self.equal.items())
                and all(self.holds(linear, actual) for linear in self.least.items())
            )
        except KeyError:  # it did not show its sizes
            return False

    def tests(self, read: Callable[[str], str]) -> list[str]:
        """The same as expressions; `read` gives those that read a size."""

        def text(name: str, more: int = 0) -> str:
            return summed(self.linear((1, Dim(name, more))), read)

        found = [f"{text(n)} != {other}" for n, others in self.apart.items() for other in sorted(others)]
        found += [f"{text(n)} == {self.value(n)}" for n in sorted(self.only)]
        found += [f"{text(n)} == {text(base, more)}" for n, (base, more) in self.equal.items()]
        for form, more in self.least.items():
            left = tuple((n, k) for n, k in form if k > 0), max(more, 0)
            right = tuple((n, -k) for n, k in form if k < 0), max(-more, 0)
            found.append(f"{summed(left, read)} >= {summed(right, read)}")
        return found


Form = tuple[tuple[str, int], ...]  # sizes by name, and how often each is added
Linear = tuple[Form, int]


@dataclass(frozen=True)
class Place:
    """Where a slice begins or ends: a size, and the index of a loop, which is in a range of sizes, if it is added."""

    size: Dim | int
    index: Any = None
    range: tuple[Dim | int, Dim | int] = (0, 0)

    def moved(self, by: int) -> Place:
        size = self.size + by if isinstance(self.size, int) else self.size.shorter(-by)
        return replace(self, size=size)


def summed(linear: Linear, read: Callable[[str], str]) -> str:
    """The expression for a sum."""
    form, more = linear
    found = ""
    for name, k in sorted(form, key=lambda term: term[1] < 0):
        term = read(name) if abs(k) == 1 else f"{abs(k)} * {read(name)}"
        found = f"{found} {'+' if k > 0 else '-'} {term}" if found else term if k > 0 else f"-{term}"
    if not found:
        return str(more)
    return f"{found} {'+' if more > 0 else '-'} {abs(more)}" if more else found


def is_axis(name: str) -> bool:
    """Whether a name is that of an argument's axis, not of a number."""
    return "." in name and " " not in name
