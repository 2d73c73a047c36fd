"""NumPy's functions by name: not every version has all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

Default = Any  # annotates an argument that only its default is supported for


def found(*names: str) -> tuple[Any, ...]:
    """The functions of these names that this NumPy has."""
    return tuple(getattr(np, name) for name in names if hasattr(np, name))
