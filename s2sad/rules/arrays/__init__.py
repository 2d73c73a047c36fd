"""Rules on whole arrays, one module a family; what others need of them is named here."""

from s2sad.rules.arrays import decompositions, fft, indexing, linalg, products, reductions, scipy, shapes
from s2sad.rules.arrays.core import (
    INFER,
    JVPS,
    RESULTS,
    SIZES,
    dims_of,
    dtype_of,
    emit,
    emit_several,
    shape,
    size_of,
)

__all__ = [
    "INFER",
    "JVPS",
    "RESULTS",
    "SIZES",
    "decompositions",
    "dims_of",
    "dtype_of",
    "emit",
    "emit_several",
    "fft",
    "indexing",
    "linalg",
    "products",
    "reductions",
    "scipy",
    "shape",
    "shapes",
    "size_of",
]
