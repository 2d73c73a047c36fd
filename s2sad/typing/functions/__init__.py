"""NumPy's functions on abstract values, one module a family: those that are one operation, and the library of the rest."""

from s2sad.typing.functions import (
    creation,
    joining,
    linalg,
    picking,
    products,
    rearranging,
    reductions,
    shapes,
    ufuncs,
)
from s2sad.typing.functions.library import load_library

__all__ = [
    "creation",
    "joining",
    "linalg",
    "load_library",
    "picking",
    "products",
    "rearranging",
    "reductions",
    "shapes",
    "ufuncs",
]
