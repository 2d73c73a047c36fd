"""What works on arrays element by element, and along which axes its operands are spread: asked of rules and of types."""

from __future__ import annotations

import numpy as np

from s2sad.ir.core import Const, Op, Operand
from s2sad.ir.types import FLOAT, INT, Array, Scalar, Size, Type, is_many
from s2sad.rules.builder import ON_NUMBERS
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import OPERATORS

WRITTEN = {"add_into": "accumulate", "assign": "store"}  # what writes an array, and what an element of it
OURS = {
    on_arrays: on_numbers for on_arrays, on_numbers in ON_NUMBERS.items() if on_arrays.startswith("s2sad.")
}
QUOTIENT = "s2sad.quotient_or_zero"
NAMES = "ghijk"  # of indices, the innermost last
Full = tuple[bool, ...]  # of each axis, whether it is as long as the loop runs; if not, its size is 1


def is_member(op: Op) -> bool:
    return rank(space_of(op)) in range(1, len(NAMES) + 1) and (is_value(op) or is_statement(op) or is_sum(op))


def is_value(op: Op) -> bool:
    """Whether an operation makes an array of double precision, or of truth values, element by element."""
    if len(op.results) != 1:
        return False
    t, given = op.result.type, [o.type for o in op.operands]
    if op.prim == "copy":
        return is_double(t) and is_double(given[0])
    if op.prim == "numpy.where":
        return is_double(t) and is_truth(given[0]) and all(map(is_real, given[1:]))
    if of_elements(op) is None or not (is_double(t) or is_truth(t)):
        return False
    if all(map(is_real, given)) or all(map(is_truth, (t, *given))):
        return True
    # truth values and integers that meet doubles, or are divided, count as such
    return (
        len(given) == 2
        and op.prim != "pow"
        and is_double(t)
        and all(is_real(o) or is_truth(o) or is_integer(o) for o in given)
    )


def of_elements(op: Op) -> str | None:
    """What gives the same of each element; None where nothing does. NumPy's functions and the operators are called alike."""
    if op.prim == "pow" and is_number(
        op.operands[1].type
    ):  # NumPy takes the square root for a**0.5, Python does not
        exponent = op.operands[1]
        if isinstance(exponent, Const):
            return "numpy.sqrt" if exponent.value == 0.5 else "pow"
        return "pow" if op.loc.reverse and exponent.type != INT else None
    if op.prim in ("root", QUOTIENT):
        return "numpy.sqrt" if op.prim == "root" else QUOTIENT
    fn = PRIMS[op.prim].fn if op.prim in PRIMS else None
    alike = op.prim in OPERATORS or (isinstance(fn, np.ufunc) and fn.signature is None)
    return op.prim if alike and op.prim != "invert" else OURS.get(op.prim)  # ~True is -2 in Python


def is_real(t: Type) -> bool:
    return is_double(t) or is_number(t)


def is_truth(t: Type) -> bool:
    return isinstance(t, Array) and t.dtype == "bool" and t.ndim > 0 and not t.optional


def is_integer(t: Type) -> bool:
    return isinstance(t, Array) and t.dtype == "int64" and t.ndim > 0 and not t.optional


def is_statement(op: Op) -> bool:
    """Whether an operation writes such an array."""
    if op.prim not in WRITTEN:
        return False
    target, value = op.operands
    return is_double(target.type) and (is_double(value.type) or is_number(value.type))


def is_sum(op: Op) -> bool:
    """Whether an operation adds up all elements of such an array."""
    whole = op.prim == "numpy.sum" and op.attr("axis") is None and not op.attr("keepdims")
    return whole and is_double(op.operands[0].type) and is_number(op.result.type)


def space_of(op: Op) -> Type:
    """The array over whose elements an operation goes."""
    return (
        op.result.type
        if op.results and isinstance(op.result.type, Array)
        else op.operands[0].type
        if op.operands
        else FLOAT
    )


def rank(t: Type) -> int:
    return t.ndim if isinstance(t, Array) else 0


def is_double(t: Type) -> bool:
    return isinstance(t, Array) and t.dtype == "float64" and t.ndim > 0 and not t.optional


def is_number(t: Type) -> bool:
    return isinstance(t, Scalar) and (t.kind == "int" or (t.kind == "float" and t.dtype != "float32"))


def axes(t: Type, result: tuple[Size, ...], full: Full) -> Full | None:
    """How long the axes of an operand are, where those of the result are called `result`; None if only the run tells."""
    assert isinstance(t, Array)
    first = len(result) - t.ndim
    if first < 0:
        return None
    found = []
    for mine, its, is_full in zip(t.dims, result[first:], full[first:], strict=True):
        if mine == 1 or (mine == its and mine is not None):
            found.append(is_full and mine != 1)
        elif is_many(mine):  # it meets one of the same size, or NumPy refuses
            found.append(True)
        else:
            return None
    return tuple(found)


def same(a: tuple[Size, ...], b: tuple[Size, ...]) -> bool:
    """Whether types say that sizes are the same."""
    return a == b and None not in a and all(getattr(d, "name", "") != "~" for d in a)


def read_by(op: Op) -> tuple[Operand, ...]:
    """What an operation reads the elements of."""
    return op.operands[1:] if op.prim in WRITTEN else op.operands


def is_fill(op: Op) -> bool:
    return op.prim == "assign" and is_number(op.operands[1].type)
