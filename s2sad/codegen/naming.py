"""Out of SSA: one Python name for values that are versions of one variable.

Values that a branch or loop joins share a name where their lives do not cross, so that no copy is printed;
elsewhere the later one gets a suffix and the emitter prints the copy.
"""

from __future__ import annotations

import functools
import keyword
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from s2sad.codegen.positions import Positions
from s2sad.ir.core import For, Function, If, Operand, Value, While, walk
from s2sad.ir.types import Array, List, Tape, Type, is_memory

RESERVED = frozenset(keyword.kwlist) | {"math", "np", "numpy", "njit"}


def _is_name(hint: str) -> bool:
    return hint.isidentifier() and "·" not in hint


class Names:
    """The Python name of every value that is not folded away."""

    def __init__(
        self, fn: Function, positions: Positions, reserved: Iterable[str], typed: bool = False
    ) -> None:
        self.positions, self.typed = positions, typed
        self.leader: dict[Value, Value] = {}
        self.members: dict[Value, list[Value]] = {}
        reserved = set(reserved)
        self.taken = RESERVED | reserved
        self.user = {v.hint for v in positions.define if v.hint and "·" not in v.hint}
        self.pinned: dict[Value, str] = {}
        for p in fn.params:
            if _is_name(p.hint) and p.hint not in reserved and p.hint not in self.pinned.values():
                self.pinned[p] = p.hint
        self.join(fn)
        self.names: dict[Value, str] = {}
        self.assign()

    def __getitem__(self, v: Value) -> str:
        return self.names[self.find(v)]

    def given(self) -> set[str]:
        """All names that values have."""
        return set(self.names.values())

    def is_alone(self, v: Value) -> bool:
        """Whether a value's name is never another's."""
        return self.holders[self[v]] == 1

    @functools.cached_property
    def holders(self) -> Counter[str]:
        """How many values each name stands for."""
        return Counter(self[v] for v in self.positions.define)

    # -- classes ------------------------------------------------------------------------------------

    def find(self, v: Value) -> Value:
        while v in self.leader:
            v = self.leader[v]
        return v

    def group(self, v: Value) -> list[Value]:
        return self.members.setdefault(v, [v])

    def union(self, a: Value, b: Value) -> None:
        a, b = self.find(a), self.find(b)
        if a is b:
            return
        if self.positions.start[b] < self.positions.start[a]:
            a, b = b, a
        self.leader[b] = a
        self.group(a).extend(self.group(b))
        self.members.pop(b, None)

    def join(self, fn: Function) -> None:
        ops = [
            op
            for op in walk(fn.body)
            if isinstance(op, (If, For, While)) and op not in self.positions.ternary
        ]
        for op in ops:  # a loop's parameter and result are one variable in Python
            if isinstance(op, For):
                for p, r in zip(op.body.params[1:], op.results, strict=True):
                    self.union(p, r)
            elif isinstance(op, While):
                for t, b, r in zip(op.test.params, op.body.params, op.results, strict=True):
                    self.union(t, b)
                    self.union(t, r)
        for op in ops:
            if isinstance(op, If):
                columns: list[tuple[Value, tuple[Operand, ...]]] = [
                    (r, (a, b)) for r, a, b in zip(op.results, op.then.yields, op.orelse.yields, strict=True)
                ]
            elif isinstance(op, For):
                columns = [(r, (i, y)) for r, i, y in zip(op.results, op.init, op.body.yields, strict=True)]
            else:
                columns = [
                    (r, (i, t, y))
                    for r, i, t, y in zip(
                        op.results, op.init, op.test.yields[1:], op.body.yields, strict=True
                    )
                ]
            for result, sources in columns:
                for source in sources:
                    self.try_union(result, source)

    def try_union(self, result: Value, source: Operand) -> None:
        if not isinstance(source, Value) or source not in self.positions.define:
            return
        a, b = self.find(result), self.find(source)
        if a is b or not self.compatible(a, b):
            return
        if not any(self.positions.interfere(x, y) for x in self.group(a) for y in self.group(b)):
            self.union(a, b)

    def compatible(self, a: Value, b: Value) -> bool:
        """Values of two of the user's names do not share one."""
        hints = {v.hint for v in (*self.group(a), *self.group(b)) if v.hint}
        return len(hints) <= 1

    # -- names --------------------------------------------------------------------------------------

    def assign(self) -> None:
        start, end = self.positions.start, self.positions.end
        classes: dict[Value, list[Value]] = {}
        for v in self.positions.define:
            classes.setdefault(self.find(v), []).append(v)
        order = sorted(classes, key=lambda c: (c not in self.pinned, min(start[v] for v in classes[c])))
        holders: dict[str, list[Value]] = {}
        counters: dict[str, int] = {}
        kinds: dict[str, Any] = {}
        for c in order:
            members = classes[c]
            pinned = next((self.pinned[v] for v in members if v in self.pinned), None)
            if pinned is not None:
                self.names[c] = pinned
                kinds[pinned] = self.kind_of(c, "")
                holders.setdefault(pinned, []).append(c)
                continue
            low = min(start[v] for v in members)
            hint = next((v.hint for v in members if v.hint), "")
            if hint and not hint.strip("_") and any(self.positions.uses[v] for v in members):
                hint = "" if "k" in self.user else "k"  # the user's name says that nobody reads it
            for name in self.candidates(hint, counters):
                alive = [h for h in holders.get(name, ()) if max(end[v] for v in classes[h]) >= low]
                holders[name] = alive
                kind = self.kind_of(c, hint)
                if kind is not None and kinds.setdefault(name, kind) != kind:
                    continue
                if not any(
                    self.positions.interfere(x, y) for h in alive for x in classes[h] for y in members
                ):
                    break
            self.names[c] = name
            holders[name].append(c)

    def kind_of(self, v: Value, hint: str) -> Any:
        """What values of one name have to agree in: for Numba, which types a name once, all of them; else our own
        arrays."""
        if not self.typed:
            return v.type if "·" in hint and is_memory(v.type) else None
        if isinstance(v.type, Tape):
            return v  # a list or an array, as it is filled: a name of its own
        return numba_kind(v.type)

    def candidates(self, hint: str, counters: dict[str, int]) -> Iterator[str]:
        """Names to try: intermediate results count on, versions of a variable get suffixes."""
        if not hint:
            while True:
                counters[""] = counters.get("", 0) + 1
                if f"t{counters['']}" not in self.user:
                    yield f"t{counters['']}"
        base = self.plain(hint)
        if base not in self.taken and not ("·" in hint and base in self.user):
            yield base
        k = max(counters.get(base, 1), 1)
        while True:
            name = f"{base}_{k}"
            if name not in self.user and name not in self.taken:
                counters[base] = k
                yield name
            k += 1

    def plain(self, hint: str) -> str:
        """The name a hint stands for: `d·x` is dx, `x·dot` x_dot, `tape·x` tape_x, `$returned1` returned."""
        if hint.startswith("$"):
            return hint.strip("$").split("$")[-1].rstrip("0123456789") or "t"
        text = ""
        for part in hint.split("·"):
            part = "".join(ch if ch.isidentifier() or ch.isdigit() else "" for ch in part)
            joined = not text or not text.strip("d")
            text = text + part if joined else f"{text}_{part}"
        return text or "t"


def numba_kind(t: Type) -> Any:
    """What Numba tells apart in one variable: not the kinds of numbers, nor the sizes of arrays."""
    if isinstance(t, Array):
        return t.dtype, t.ndim
    return (List, numba_kind(t.item)) if isinstance(t, List) else type(t)
