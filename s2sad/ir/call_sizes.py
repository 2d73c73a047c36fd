"""The sizes of the arrays of the call that code is made for, and what the code takes for granted of them.

Where arrays meet, only the sizes say whether one is spread over the other: a slice `a[1:-1]` may be of size 1, and two
arguments may be of different sizes. Code for all of that is long and slow, so typing looks at the call: what is not of size 1
there, or of the same size, is taken for granted, and entries test it. Another call gets code of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from s2sad.ir.types import Dim


class CallSizes:
    """The sizes of a call, by the names that typing gives them; `equal`: those that are another one's, plus a number.

    Attributes:
        found: sizes that turned out to be equal while a function was typed, in the form of `equal`: it is typed again.
        unknown: whether a size was asked for that the call did not show.
    """

    def __init__(self, actual: Mapping[str, int], equal: Mapping[str, tuple[str, int]] | None = None) -> None:
        self.actual = actual
        self.equal = dict(equal or {})
        self.found: dict[str, tuple[str, int]] = {}
        self.apart: dict[str, set[int]] = {}
        self.only: set[str] = set()
        self.unknown = False

    def named(self, name: str) -> Dim:
        """The size of an argument's axis, which is not 1."""
        base, more = self.equal.get(name, (name, 0))
        return Dim(base, more, True, self)

    def is_many(self, size: Dim) -> bool:
        """Whether a size is not 1 in this call; from now on that is taken for granted, or that it is."""
        one = 1 - size.offset  # where it is
        if size.name not in self.actual:
            self.unknown = True
            return False
        if self.actual[size.name] == one:
            self.only.add(size.name)
            return False
        if one >= 0 and one != 1:  # no argument's size is, as its key says
            self.apart.setdefault(size.name, set()).add(one)
        return True

    def meet(self, a: Dim, b: Dim) -> None:
        """Two sizes meet where only equal ones fit."""
        if a.name == b.name or a.name in self.found or b.name in self.found:
            return
        if a.name not in self.actual or b.name not in self.actual:
            self.unknown = True
        elif self.actual[a.name] + a.offset == self.actual[b.name] + b.offset >= 0:
            self.found[b.name] = a.name, a.offset - b.offset

    def again(self) -> CallSizes:
        """The sizes of the same call, with what was found equal."""

        def at_last(base: str, more: int) -> tuple[str, int]:
            while base in self.found:
                base, further = self.found[base]
                more += further
            return base, more

        return CallSizes(self.actual, {n: at_last(*pair) for n, pair in (self.equal | self.found).items()})

    def __len__(self) -> int:
        """How much is taken for granted."""
        return sum(map(len, self.apart.values())) + len(self.only) + len(self.equal)

    def hold(self, actual: Mapping[str, int]) -> bool:
        """Whether what is taken for granted holds for another call."""
        try:
            return (
                all(actual[n] not in others for n, others in self.apart.items())
                and all(actual[n] == self.actual[n] for n in self.only)
                and all(actual[n] == actual[base] + more for n, (base, more) in self.equal.items())
            )
        except KeyError:  # it did not show its sizes
            return False

    def tests(self, read: Callable[[str], str]) -> list[str]:
        """The same as expressions; `read` gives those that read a size."""
        found = [f"{read(n)} != {other}" for n, others in self.apart.items() for other in sorted(others)]
        found += [f"{read(n)} == {self.actual[n]}" for n in sorted(self.only)]
        for n, (base, more) in self.equal.items():
            sign = f" {'+' if more > 0 else '-'} {abs(more)}" if more else ""
            found.append(f"{read(n)} == {read(base)}{sign}")
        return found
