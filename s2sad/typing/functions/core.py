"""What the handlers of NumPy functions share: registering them, and reading axes, dtypes and sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from s2sad.ir.core import Value
from s2sad.ir.types import Array
from s2sad.rules.builder import const
from s2sad.typing import items
from s2sad.typing.abstract import AV, describe
from s2sad.typing.arrays import static
from s2sad.typing.calls import HANDLERS, METHODS

Handler = Callable[[Any, list[AV], dict[str, AV], str], AV]


def numpy_function(*objects: Any, method: str = "") -> Callable[[Handler], Handler]:
    def register(f: Handler) -> Handler:
        for obj in objects:
            HANDLERS[obj] = f
        if method:
            METHODS["array", method] = f
        return f

    return register


def axis_of(s: Any, found: dict[str, AV], ndim: int, name: str = "axis") -> Any:
    """A constant axis argument, counted from the front; None for all axes."""
    axis = static(s, found, name)
    if axis is None:
        return None
    axes = tuple(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,)))
    return axes[0] if len(axes) == 1 else axes


def elements(s: Any, av: AV) -> list[AV]:
    """The parts of a sequence of arrays."""
    found = items.static_elements(s, av)
    if (
        found is None
        and isinstance(av, Value)
        and isinstance(av.type, Array)
        and isinstance(av.type.dims[0], int)
    ):
        found = [items.getitem(s, av, const(i)) for i in range(av.type.dims[0])]
    if found is None:
        raise s.error(
            f"{describe(av)} where a sequence of arrays of known length is needed",
            "write the arrays out in a list",
        )
    return found


def dtype_name(s: Any, found: dict[str, AV], default: str) -> str:
    value = static(s, found, "dtype")
    return default if value is None else np.dtype(value).name
