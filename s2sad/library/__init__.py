"""NumPy functions written in NumPy: what s2sad has no rule of its own for is typed and differentiated as this code.

An argument that only its default is supported for is annotated so: `dtype: Default = None`.
Each function stands for the NumPy function named beside it in `FUNCTIONS`, takes its arguments by the same names,
and uses only operations that have rules. Branches on `None`, on axes and on ranks are decided when code is generated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from s2sad.library import (
    choices,
    differences,
    distributions,
    fft,
    joining,
    linalg,
    making,
    order,
    picking,
    polynomials,
    products,
    scipy,
    shapes,
    statistics,
    windows,
)

FUNCTIONS: list[tuple[Callable[..., Any], tuple[Any, ...], str]] = [
    *statistics.FUNCTIONS,
    *order.FUNCTIONS,
    *differences.FUNCTIONS,
    *polynomials.FUNCTIONS,
    *choices.FUNCTIONS,
    *shapes.FUNCTIONS,
    *joining.FUNCTIONS,
    *picking.FUNCTIONS,
    *making.FUNCTIONS,
    *products.FUNCTIONS,
    *linalg.FUNCTIONS,
    *windows.FUNCTIONS,
    *fft.FUNCTIONS,
]
# functions of scipy by their names
NAMED: list[tuple[Callable[..., Any], str]] = [*scipy.NAMED, *distributions.NAMED]
