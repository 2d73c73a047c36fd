"""Operations that compute a product of factors with labelled axes (`analysis/networks.py`), two factors at a time."""

from __future__ import annotations

from typing import Any

from s2sad.analysis.networks import Factor, Network, Part
from s2sad.ir.core import Const, Operand, Value
from s2sad.ir.types import INT, Array, Type
from s2sad.rules.arrays.core import dims_of, emit
from s2sad.rules.arrays.indexing import view
from s2sad.rules.arrays.products import ALPHABET, permuted
from s2sad.rules.builder import Builder, const

Labels = tuple[int, ...]
Term = tuple[Operand, Labels]


def index_of(part: Part, first: int = 0) -> tuple[Any, tuple[Operand, ...]]:
    """The entry of a subscript that picks a part, its operands numbered from `first`; and these."""
    if part is None:
        return None, ()
    given: list[Operand] = []
    numbers: list[int | None] = []
    for bound in part[1:]:
        if bound is None:
            numbers.append(None)
            continue
        numbers.append(first + len(given))
        given.append(bound if isinstance(bound, Value) else Const(bound, INT))
    return (part[0], *numbers), tuple(given)


def picked(b: Builder, a: Operand, parts: tuple[Part, ...]) -> Operand:
    """The parts of an array's axes."""
    if not any(parts):
        return a
    index: list[Any] = []
    given: tuple[Operand, ...] = ()
    for part in parts:
        entry, more = index_of(part, len(given))
        index.append(entry or ("slice", None, None, None))
        given = (*given, *more)
    if all(entry[0] == "at" for entry in index):
        return b.emit("load", a, *given, type=a.type.item)  # type: ignore[attr-defined]
    return view(b, a, tuple(index), given)


def term(b: Builder, f: Factor) -> Term:
    """A factor as an array with an axis for each label."""
    value = picked(b, f.value, tuple(a.part for a in f.axes))
    left = [a for a in f.axes if a.part is None or a.part[0] != "at"]
    single = tuple(k for k, a in enumerate(left) if a.label is None)
    if single:
        value = emit(b, "squeeze", value, axes=single)
    if f.inverse:
        value = b.emit("div", const(1.0), value)
    return value, tuple(a.label for a in left if a.label is not None)


def contracted(b: Builder, network: Network, like: Type) -> Operand | None:
    """The value of a product; None where it repeats something along an axis."""
    wanted: Labels = tuple(a for a in network.axes if a is not None)
    held = {label for f in network.factors for label in f.labels}
    if len(set(wanted)) < len(wanted) or not held.issuperset(wanted):
        return None
    terms = [term(b, f) for f in network.factors]
    numbers = [value for value, labels in terms if not labels]
    arrays = [t for t in terms if t[1]]
    total, labels = arrays.pop(0) if arrays else (const(1.0), ())
    while arrays:
        at = next((k for k, t in enumerate(arrays) if set(t[1]) & set(labels)), 0)
        other = arrays.pop(at)
        later = {*wanted, *(label for t in arrays for label in t[1])}
        total, labels = joined(b, (total, labels), other, later)
    if set(labels) != set(wanted) or len(labels) != len(wanted):
        total, labels = summed(b, total, labels, wanted)
    if labels != wanted:
        total = permuted(b, total, tuple(labels.index(label) for label in wanted))
    for number in numbers:
        total = b.emit("mul", number, total)
    single = tuple(k for k, a in enumerate(network.axes) if a is None)
    if single:
        if not isinstance(total.type, Array):
            return emit(b, "numpy.broadcast_to", total, *(const(1) for _ in single))
        if len(dims_of(total)) + len(single) != len(network.axes):
            return None
        total = emit(b, "newaxis", total, axes=single)
    return total if isinstance(total.type, Array) == isinstance(like, Array) else None


def joined(b: Builder, left: Term, right: Term, later: set[int]) -> Term:
    """The product of two factors, summed over the labels that nobody needs later."""
    (x, one), (y, other) = left, right
    shared = [label for label in one if label in other]
    simple = len(shared) == 1 and shared[0] not in later
    plain = max(len(one), len(other)) <= 2 and len(set(one)) == len(one) and len(set(other)) == len(other)
    if simple and plain and {*one, *other} - set(shared) <= later:
        if one[-1] != shared[0]:
            x, one = permuted(b, x, (1, 0)), one[::-1]
        if other[0] != shared[0]:
            y, other = permuted(b, y, (1, 0)), other[::-1]
        return emit(b, "matmul", x, y), (*one[:-1], *other[1:])
    kept = tuple(dict.fromkeys(label for label in (*one, *other) if label in later))
    return einstein(b, [left, right], kept), kept


def summed(b: Builder, x: Operand, labels: Labels, wanted: Labels) -> Term:
    return einstein(b, [(x, labels)], wanted), wanted


def einstein(b: Builder, terms: list[Term], kept: Labels) -> Operand:
    letters: dict[int, str] = {}
    for _, labels in terms:
        for label in labels:
            letters.setdefault(label, ALPHABET[len(letters)])
    inputs = ",".join("".join(letters[x] for x in labels) for _, labels in terms)
    subscripts = f"{inputs}->{''.join(letters[x] for x in kept)}"
    return emit(b, "numpy.einsum", *(x for x, _ in terms), subscripts=subscripts)
