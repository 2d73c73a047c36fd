"""Memory that arguments, or shadows, have in common."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from s2sad.errors import Loc, SignatureError

byte_bounds: Any = getattr(np.lib, "array_utils", np).byte_bounds  # moved there by NumPy 2


def refuse_shared(values: tuple[Any, ...], name: str, loc: Loc) -> None:
    """Shadows are apart: where arguments are written, no two arrays or lists among them, or in what they hold, may
    be the same memory."""
    found = list(memory_in(values))
    lists = [id(v) for v in found if isinstance(v, list)]
    spans = sorted(byte_bounds(v) for v in found if isinstance(v, np.ndarray) and v.size)
    joint = any(second[0] < first[1] for first, second in itertools.pairwise(spans))
    if joint or len(set(lists)) < len(lists):
        raise SignatureError(
            f"two arguments of {name}(), or parts of them, share memory, and some is written",
            loc,
            "pass a copy of one of them",
        )


def memory_in(value: Any) -> Iterator[Any]:
    """The arrays and lists that a value is or holds."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, list):
        yield value
        if value and not isinstance(value[0], (float, int)):
            for item in value:
                yield from memory_in(item)
    elif isinstance(value, (tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from memory_in(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from memory_in(getattr(value, field.name))


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
