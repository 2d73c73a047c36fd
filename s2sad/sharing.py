"""Memory that arguments, or shadows, have in common."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from s2sad.errors import Loc, SignatureError
from s2sad.typing.given import Given

byte_bounds: Any = getattr(np.lib, "array_utils", np).byte_bounds  # moved there by NumPy 2


class Sharing:
    """What a function's memory must keep apart: an array or list that is written, and every other one."""

    def __init__(self, given: tuple[Given, ...], name: str, loc: Loc) -> None:
        self.given, self.name, self.loc = given, name, loc
        self.written = tuple(g.written for g in given)

    def __bool__(self) -> bool:
        """Whether there is anything to keep apart."""
        return any(self.written)

    def refuse(self, arguments: tuple[Any, ...]) -> None:
        """Refuse arguments (what is captured comes after them) that share memory that is written."""
        self.refuse_among(*(held(arguments[g.parameter], g.path) for g in self.given))

    def read_only(self, arguments: tuple[Any, ...]) -> bool:
        """Whether an array that may be written is read-only."""
        written = (held(arguments[g.parameter], g.path) for g in self.given if g.written)
        return any(isinstance(m, np.ndarray) and not m.flags.writeable for m in written)

    def refuse_among(self, *memory: Any) -> None:
        """As `refuse`, of the arrays and lists themselves."""
        if (found := shared(memory, self.written)) is None:
            return
        a, b = found
        if a == b:
            raise SignatureError(
                f"elements of an argument of {self.name}() are the same memory, and some is written",
                self.loc, "pass a copy of the array",
            )  # fmt: skip
        raise SignatureError(
            f"two arguments of {self.name}(), or parts of them, share memory, and some is written",
            self.loc, "pass a copy of one of them",
        )  # fmt: skip


def held(value: Any, path: tuple[tuple[str, Any], ...]) -> Any:
    """The part of an argument that a path leads to."""
    for way, step in path:
        value = getattr(value, step) if way == "attr" else value[step]
    return value


def shared(memory: tuple[Any, ...], written: tuple[bool, ...]) -> tuple[int, int] | None:
    """Two arrays or lists with memory in common of which one is written; twice the same one, if that is written and
    several of its own elements are one."""
    lists: dict[int, int] = {}
    spans: list[tuple[int, int, int]] = []
    for i, m in enumerate(memory):
        if isinstance(m, np.ndarray):
            if m.size and len(memory) > 1:
                spans.append((*byte_bounds(m), i))
            if written[i] and m.size and overlaps_itself(m):
                return i, i
        else:
            other = lists.setdefault(id(m), i)
            if other != i and (written[i] or written[other]):
                return other, i
    spans.sort()
    before: list[tuple[int, int, int]] = []
    for low, end, i in spans:
        before = [b for b in before if b[1] > low]
        for _, _, j in before:
            if (written[i] or written[j]) and overlap(memory[i], memory[j]):
                return j, i
        before.append((low, end, i))
    return None


def overlap(a: Any, b: Any) -> bool:
    """Whether two arrays have an element in common, or may have one where that takes long to find out."""
    try:
        return bool(np.shares_memory(a, b, max_work=10_000))  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def overlaps_itself(a: Any) -> bool:
    """Whether two elements of an array may be the same memory, as those of `np.broadcast_to` are."""
    if a.flags.c_contiguous or a.flags.f_contiguous:
        return False
    reach = a.itemsize
    for stride, size in sorted((abs(s), n) for s, n in zip(a.strides, a.shape, strict=True) if n > 1):
        if stride < reach:
            return True
        reach += stride * (size - 1)
    return False


def copied(held: list[Any]) -> list[Any]:
    """Copies of arrays, and of lists of them, that share memory among each other as these do: a shadow may be a view
    of another, and what is added through one name is read through the other."""
    found: list[np.ndarray[Any, Any]] = []

    def collect(x: Any) -> None:
        if isinstance(x, (list, tuple, dict)):
            for item in x.values() if isinstance(x, dict) else x:
                if not isinstance(item, (float, int)):
                    collect(item)
        elif isinstance(x, np.ndarray) and x.size:
            found.append(x)

    collect(held)
    spans = sorted((*byte_bounds(a), i) for i, a in enumerate(found))
    memo: dict[int, Any] = {}
    while spans:
        low, end = spans[0][:2]
        joint = 1
        while joint < len(spans) and spans[joint][0] < end:
            end, joint = max(end, spans[joint][1]), joint + 1
        if joint == 1:  # shares memory with nothing
            memo[id(found[spans[0][2]])] = found[spans[0][2]].copy(order="K")
        else:
            memory = np.empty(end - low, np.uint8)
            for _, _, i in spans[:joint]:
                a = found[i]
                offset = a.__array_interface__["data"][0] - low
                memo[id(a)] = np.ndarray(a.shape, a.dtype, memory, offset, a.strides)
                memo[id(a)][...] = a
        del spans[:joint]
    return copy.deepcopy(held, memo)
