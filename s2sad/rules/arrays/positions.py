"""Functions that count, compare and find: their results are positions, counts and truth values, which do not vary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from s2sad.ir.core import Operand
from s2sad.ir.types import Array, Scalar, Type, shaped, type_of
from s2sad.rules.arrays.core import Attrs, array_rule, dims_of
from s2sad.rules.registry import ZERO
from s2sad.rules.shapes import broadcast


def histogram_counts(a: Any, bins: Any) -> Any:
    """How many elements fall between neighbouring edges."""
    return np.histogram(a, bins)[0]


# name -> the operands, how the result's sizes follow from them, and a function that gives a result of its dtype
COUNTED: dict[str, tuple[str, str, Callable[..., Any]]] = {
    "searchsorted": ("a, v", "v", np.searchsorted), "digitize": ("x, bins", "x", np.digitize),
    "argpartition": ("a", "a", np.argpartition), "isclose": ("a, b", "joint", np.isclose),
    "allclose": ("a, b", "none", np.allclose), "array_equal": ("a, b", "none", np.array_equal),
    "array_equiv": ("a, b", "none", np.array_equiv), "isin": ("a, b", "a", np.isin),
    "flatnonzero": ("a", "line", np.flatnonzero), "argwhere": ("a", "table", np.argwhere), "lexsort": ("a", "rows", np.lexsort),
    "bincount": ("a", "line", np.bincount), "isposinf": ("a", "a", np.isposinf), "isneginf": ("a", "a", np.isneginf),
    "histogram_counts": ("a, bins", "bins", histogram_counts),
}  # fmt: skip
INTERPRETED = frozenset({"array_equiv", "lexsort"})  # Numba has neither
INTEGERS = frozenset(
    {
        "searchsorted",
        "digitize",
        "argpartition",
        "flatnonzero",
        "argwhere",
        "lexsort",
        "bincount",
        "histogram_counts",
    }
)


def _infer(name: str, form: str) -> Callable[..., Type]:
    dtype = "int64" if name in INTEGERS else "bool"
    names = [p.strip() for p in COUNTED[name][0].split(",")]

    def infer(attrs: Attrs, *operands: Operand) -> Type:
        if form == "joint":
            return shaped(dtype, broadcast(*map(dims_of, operands)))
        if form == "none":
            return Scalar("bool")
        if form == "line":
            return Array(dtype, 1, (None,))
        if form == "table":
            return Array(dtype, 2, (None, len(dims_of(operands[0]))))
        if form == "rows":
            return Array(dtype, 1, dims_of(operands[0])[1:])
        if form == "bins":
            return Array(dtype, 1, (None,))
        return shaped(dtype, dims_of(operands[names.index(form)]))

    return infer


for _name, (_operands, _form, _fn) in COUNTED.items():
    _zeros: dict[str, Any] = {f"d{o.strip()}": ZERO for o in _operands.split(",")}
    array_rule(
        f"numpy.{_name}", f"y = {_name}({_operands})", _fn, _infer(_name, _form), effect="raises", jit=_name not in INTERPRETED,
        **_zeros,
    )  # fmt: skip


COUNT = type_of(np.count_nonzero(np.ones(1))) or Scalar("int")  # Python's int, since NumPy 2.4 its own


def _count_type(attrs: Attrs, a: Operand) -> Type:
    from s2sad.rules.arrays.reductions import reduced

    dims = reduced(attrs, a)
    return shaped("int64", dims) if dims else COUNT


array_rule(
    "numpy.count_nonzero", "y = count_nonzero(a)", np.count_nonzero, _count_type, effect="raises", da=ZERO
)
array_rule(
    "nonzero", "y = nonzero(a)", lambda a, axis: np.nonzero(a)[axis], lambda attrs, a: Array("int64", 1, (None,)), da=ZERO
)  # fmt: skip


def _unravelled_type(attrs: Attrs, index: Operand, *shape: Operand) -> Type:
    return shaped("int64", dims_of(index))


array_rule(
    "unravel_index", "y = unravel_index(a, *sizes)", lambda a, *sizes, axis: np.unravel_index(a, sizes)[axis], _unravelled_type,
    effect="raises", da=ZERO, dsizes=ZERO,
)  # fmt: skip


def _tri_type(attrs: Attrs, rows: Operand, columns: Operand) -> Type:
    from s2sad.rules.arrays.core import size_of

    return Array(attrs["dtype"], 2, (size_of(rows), size_of(columns)))


for _name, _fn in (("tri", np.tri), ("eye", np.eye)):
    array_rule(
        f"numpy.{_name}", f"y = {_name}(rows, columns)", lambda rows, columns, dtype, k=0, f=_fn: f(rows, columns, k, dtype),
        _tri_type, drows=ZERO, dcolumns=ZERO,
    )  # fmt: skip
