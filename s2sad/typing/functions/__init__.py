"""NumPy's functions on abstract values, one module a family: those that are one operation, and the library of the rest."""

from s2sad.typing.functions import creation, fft, linalg, products, reductions, scipy, shapes
from s2sad.typing.functions.library import load_library

__all__ = ["creation", "fft", "linalg", "load_library", "products", "reductions", "scipy", "shapes"]
