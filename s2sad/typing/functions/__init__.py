"""NumPy's functions on abstract values, one module a family: those that are one operation, and the library of the rest."""

from s2sad.typing.functions import (
    creation,
    fft,
    joining,
    linalg,
    picking,
    products,
    rearranging,
    reductions,
    scipy,
    shapes,
    ufuncs,
)
from s2sad.typing.functions.library import load_library

__all__ = [
    "creation",
    "fft",
    "joining",
    "linalg",
    "load_library",
    "picking",
    "products",
    "rearranging",
    "reductions",
    "scipy",
    "shapes",
    "ufuncs",
]
