"""Which sizes of its operands an operation needs to fit, and what NumPy raises where they do not.

A type says what the result is if the sizes fit, `meetings` what that takes. Typing emits a test of what is not proven to
fit; where nothing needs the operation itself, the test stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from s2sad.ir.core import Op, Operand
from s2sad.ir.types import Array, Dim, Size, is_many
from s2sad.rules.arrays.core import Attrs, dims_of, size_of
from s2sad.rules.arrays.products import split
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import is_elementwise


@dataclass(frozen=True)
class Axis:
    """A size and where it is found: an axis of an operand; None: the operand is the size itself; -1: as many as a mask
    has true elements."""

    operand: int
    axis: int | None
    size: Size


@dataclass(frozen=True)
class Meeting:
    """Products of sizes that must be equal. `ones`: 'both' of two may be 1 instead, only the 'second', or 'none'; 'open':
    numbers among the second may be -1, which leaves it to NumPy."""

    first: tuple[Axis, ...]
    second: tuple[Axis, ...]
    ones: str
    text: str
    error: type[Exception] = ValueError


BROADCAST = "operands could not be broadcast together"
ANONYMOUS = ("~", "")  # sizes of which only is known that they are not 1, or not even that


def is_named(size: Size) -> bool:
    """Whether equal ones are the same size."""
    return isinstance(size, int) or (isinstance(size, Dim) and size.name not in ANONYMOUS)


def fits(m: Meeting, same: Callable[[Size, Size], bool] | None = None) -> bool:
    """Whether these sizes are known to fit; `same` knows more of what is equal."""
    first, second = [a.size for a in m.first], [a.size for a in m.second]
    if len(first) == len(second) == 1:
        a, b = first[0], second[0]
        one = (b == 1 and m.ones in ("both", "second")) or (a == 1 and m.ones == "both")
        return one or (is_named(a) and (a == b or (same is not None and is_named(b) and same(a, b))))
    if not all(map(is_named, (*first, *second))):
        return False
    left, right = (int(np.prod([d for d in sizes if isinstance(d, int)])) for sizes in (first, second))
    counts = (Counter(d for d in sizes if not isinstance(d, int)) for sizes in (first, second))
    return left == right and next(counts) == next(counts)


def meetings(prim: str, attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    """What must fit for this operation not to raise."""

    def itself(m: Meeting) -> bool:
        (a, *rest), (b, *others) = m.first, m.second
        return not rest and not others and a.axis == b.axis and operands[a.operand] is operands[b.operand]

    return [m for m in _all(prim, attrs, operands) if not (m.first and m.second and itself(m))]


def says_what_meets(op: Op) -> bool:
    """Whether all that an operation needs of the sizes of its operands is known here."""
    return op.prim in RULES or is_elementwise(PRIMS[op.prim])


def _all(prim: str, attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    rule = RULES.get(prim)
    if rule is not None:
        return rule(attrs, operands)
    if sum(isinstance(o.type, Array) for o in operands) > 1 and is_elementwise(PRIMS[prim]):
        return _all_spread(attrs, operands)
    return []


def axes(operands: tuple[Operand, ...], i: int) -> list[Axis]:
    return [Axis(i, k, d) for k, d in enumerate(dims_of(operands[i]))]


def broadcast(shapes: Iterable[Sequence[Axis]], text: str = BROADCAST, error: type[Exception] = ValueError) -> tuple[list[Axis], list[Meeting]]:  # fmt: skip
    """The axes of what is made of operands that are spread over each other, and what of them meets."""
    found = list(shapes)
    result: list[Axis] = []
    met: list[Meeting] = []
    for k in range(max(map(len, found), default=0), 0, -1):
        column = [s[-k] for s in found if len(s) >= k]
        long = [a for a in column if a.size != 1] or column[:1]
        whole = next((a for a in long if is_many(a.size)), None)
        if whole is not None:
            met += [Meeting((whole,), (a,), "second", text, error) for a in long if a is not whole]
        else:
            pairs = ((a, b) for i, a in enumerate(long) for b in long[i + 1 :])
            met += [Meeting((a,), (b,), "both", text, error) for a, b in pairs]
        result.append(whole or long[0])
    return result, met


def spread_over(target: Sequence[Axis], v: Sequence[Axis], text: str) -> list[Meeting]:
    """What is written into a target is spread over it, never the other way round; typing takes away the axes before them."""
    pairs = zip(reversed(target), reversed(v), strict=False)
    return [Meeting((a,), (b,), "second", text) for a, b in pairs][::-1]


def equal(a: Axis, b: Axis, text: str, error: type[Exception] = ValueError) -> Meeting:
    return Meeting((a,), (b,), "none", text, error)


# -- products -------------------------------------------------------------------------------------------


def _matmul(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    x, y = axes(operands, 0), axes(operands, 1)
    if not (x and y):
        return []
    text = "matmul: shapes not aligned, mismatch in the core dimension"
    inner = equal(x[-1], y[-2 if len(y) > 1 else -1], text)
    return [inner, *broadcast([x[:-2], y[:-2]])[1]]


def _einsum(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    inputs, _ = split(attrs["subscripts"])
    columns: dict[str, list[list[Axis]]] = {}
    for i, labels in enumerate(inputs):
        for label, axis in zip(labels, axes(operands, i), strict=True):
            columns.setdefault(label, []).append([axis])
    return [m for column in columns.values() for m in broadcast(column, f"{BROADCAST} in an Einstein sum")[1]]


def _tensordot(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    x, y = axes(operands, 0), axes(operands, 1)
    return [equal(x[i], y[k], "shape-mismatch for sum") for i, k in zip(*attrs["axes"], strict=True)]


# -- joining and reshaping ------------------------------------------------------------------------------


def _joined(text: str) -> Any:
    def rule(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
        along = attrs["axis"] if "concatenation" in text else None
        first, *others = (axes(operands, i) for i in range(len(operands)))
        pairs = (pair for other in others for pair in zip(first, other, strict=True))
        return [equal(a, b, text) for a, b in pairs if a.axis != along]

    return rule


def _sizes(operands: tuple[Operand, ...]) -> list[Axis]:
    """The sizes that operands after the first are."""
    return [Axis(i, None, size_of(o)) for i, o in enumerate(operands) if i > 0]


def _reshape(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    old, new = axes(operands, 0), _sizes(operands)
    return [Meeting(tuple(old), tuple(new), "open", "cannot reshape array, the numbers of elements differ")]


def _broadcast_to(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    return spread_over(_sizes(operands), axes(operands, 0), f"{BROADCAST} with the requested shape")


# -- subscripts -----------------------------------------------------------------------------------------


def _picked(attrs: Attrs, operands: tuple[Operand, ...]) -> tuple[list[Axis | None], list[Meeting]]:
    """The axes of what a subscript with arrays picks (None: not known where its size is found), and what meets."""
    left = axes(operands, 0)
    found: list[Axis | None] = []
    advanced: list[list[Axis]] = []
    met: list[Meeting] = []
    places: list[int] = []
    for number, entry in enumerate(attrs["index"]):
        if entry[0] == "mask":
            k = entry[1] + 1
            mask = axes(operands, k)
            text = "boolean index did not match indexed array"
            met += [equal(left.pop(0), a, text, IndexError) for a in mask]
            advanced.append([Axis(k, -1, None)])
        elif entry[0] in ("array", "at"):
            left.pop(0)
            advanced.append(axes(operands, entry[1] + 1))
        else:
            axis = left.pop(0) if entry[0] == "slice" else None
            found.append(axis if entry == ("slice", None, None, None) else None)
            continue
        places.append(number)
    spread, more = broadcast(
        advanced, "shape mismatch: indexing arrays could not be broadcast together", IndexError
    )
    apart = places != list(range(places[0], places[-1] + 1))
    at = 0 if apart else places[0]
    return [*found[:at], *spread, *found[at:], *left], met + more


def _gather(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    return _picked(attrs, operands)[1]


def _write_at(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    target, met = _picked(attrs, operands)
    last = len(operands) - 1
    known = [a if a is not None else Axis(last, None, None) for a in target]
    text = "shape mismatch: value array could not be broadcast to indexing result"
    return met + [m for m in spread_over(known, axes(operands, last), text) if m.first[0].operand != last]


def _write(text: str) -> Any:
    return lambda attrs, operands: spread_over(axes(operands, 0), axes(operands, 1), text)


# -- linear algebra -------------------------------------------------------------------------------------


def _same_shape(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    """What functions of the library ask for: of as many axes as both have."""
    pairs = zip(axes(operands, 0), axes(operands, 1), strict=False)
    return [equal(a, b, attrs["text"], attrs["error"]) for a, b in pairs]


def _one_long(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    """Of axes that are taken away."""
    dims = axes(operands, 0)
    return [equal(dims[k], Axis(0, None, 1), attrs["text"]) for k in attrs["axes"]]


def _all_spread(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    return broadcast([axes(operands, i) for i in range(len(operands))])[1]


def _square(
    text: str = "Last 2 dimensions of the array must be square",
    error: type[Exception] = np.linalg.LinAlgError,
) -> Any:
    def rule(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
        rows, columns = axes(operands, 0)[-2:]
        return [equal(rows, columns, text, error)]

    return rule


def _lstsq(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    a, b = axes(operands, 0), axes(operands, 1)
    return [equal(a[-2], b[-2 if len(b) > 1 else -1], "Incompatible dimensions", np.linalg.LinAlgError)]


def _solve_triangular(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    a, b = axes(operands, 0), axes(operands, 1)
    square = _square("expected square matrix", ValueError)(attrs, operands)
    return [*square, equal(a[0], b[0], "shapes of a and b are incompatible")]


def _solve(attrs: Attrs, operands: tuple[Operand, ...]) -> list[Meeting]:
    a, b = axes(operands, 0), axes(operands, 1)
    vector = len(b) == 1
    inner = equal(a[-1], b[-1 if vector else -2], "solve: mismatch in the core dimension")
    return [*_square()(attrs, operands), inner, *(broadcast([a[:-2], b[:-2]])[1] if not vector else [])]


RULES: dict[str, Callable[[Attrs, tuple[Operand, ...]], list[Meeting]]] = {
    "matmul": _matmul,
    "numpy.einsum": _einsum,
    "numpy.tensordot": _tensordot,
    "numpy.concatenate": _joined("all the input array dimensions except for the concatenation axis must match exactly"),
    "numpy.stack": _joined("all input arrays must have the same shape"),
    "numpy.reshape": _reshape,
    "reshaped": _reshape,
    "numpy.broadcast_to": _broadcast_to,
    "gather": _gather,
    "assign": _write("could not broadcast input array into the shape of what is assigned"),
    "add_into": _write(BROADCAST),
    "assign_at": _write_at,
    "scatter_add": _write_at,
    "numpy.linalg.solve": _solve,
    "numpy.isclose": _all_spread,
    "numpy.allclose": _all_spread,
    "same_shape": _same_shape,
    "one_long": _one_long,
    "numpy.linalg.lstsq": _lstsq,
    "scipy.linalg.solve_triangular": _solve_triangular,
    "scipy.linalg.expm": _square("expected a square matrix"),
    "real_eig": _square(),
    "square": _square(),
} | {f"numpy.linalg.{name}": _square() for name in ("inv", "det", "slogdet", "cholesky", "eigh")}  # fmt: skip


def sizes_of(m: Meeting) -> tuple[tuple[Size, ...], tuple[Size, ...]]:
    """The sizes that meet, as they are known by name."""
    return tuple(a.size for a in m.first), tuple(a.size for a in m.second)
