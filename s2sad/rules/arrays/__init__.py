"""Rules on whole arrays, one module a family; what others need of them is named here."""

from s2sad.rules.arrays import (
    indexing,
    linalg,
    positions,
    products,
    rearranging,
    reductions,
    scans,
    shapes,
    spacing,
)
from s2sad.rules.arrays.core import (
    INFER,
    JVPS,
    SIZES,
    dims_of,
    dtype_of,
    emit,
    shape,
    size_of,
)

__all__ = [
    "INFER",
    "JVPS",
    "SIZES",
    "dims_of",
    "dtype_of",
    "emit",
    "indexing",
    "linalg",
    "positions",
    "products",
    "rearranging",
    "reductions",
    "scans",
    "shape",
    "shapes",
    "size_of",
    "spacing",
]
