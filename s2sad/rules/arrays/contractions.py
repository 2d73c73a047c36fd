"""Einstein sums of two operands that are products of matrices: what BLAS does in the place of a loop for each label."""

from __future__ import annotations

from dataclasses import dataclass

from s2sad.ir.core import Operand
from s2sad.ir.types import is_many
from s2sad.rules.arrays.core import dims_of, emit
from s2sad.rules.builder import Builder
from s2sad.switches import REORDERING, Change

WHOLE_PRODUCTS = Change("whole_products", REORDERING)


@dataclass(frozen=True)
class Contraction:
    """The labels of a product of two stacks of matrices, each kind in the order of the operand that has it.

    Attributes:
        stacked: what both operands and the result have.
        left, right: what the first operand alone has, and the second.
        summed: what both have and the result has not.
    """

    stacked: str
    left: str
    right: str
    summed: str


def contraction(first: str, second: str, output: str) -> Contraction | None:
    """How the labels of two operands are those of a product; None where a label is summed over in one alone, or twice in
    one, or where nothing is summed."""
    if len({*first}) < len(first) or len({*second}) < len(second) or not {*first} ^ {*second} <= {*output}:
        return None
    shared = [x for x in first if x in second]
    summed = "".join(x for x in shared if x not in output)
    found = Contraction(
        "".join(x for x in shared if x in output),
        "".join(x for x in first if x not in second),
        "".join(x for x in second if x not in first),
        summed,
    )
    return found if summed else None


def agree(a: Operand, first: str, b: Operand, second: str) -> bool:
    """Whether types say that the axes of each label that two operands share are of one size: none is repeated."""
    sizes = dict(zip(second, dims_of(b), strict=True))
    pairs = [(n, sizes[x]) for x, n in zip(first, dims_of(a), strict=True) if x in sizes]
    return all((n == m and n is not None) or (is_many(n) and is_many(m)) for n, m in pairs)


def as_product(b: Builder, a: Operand, first: str, c: Operand, second: str, output: str) -> Operand | None:
    """np.einsum(f"{first},{second}->{output}", a, c) as one np.tensordot, or as one `@` of stacks; None where it is neither."""
    found = contraction(first, second, output)
    if found is None or not agree(a, first, c, second):
        return None
    if not found.stacked:
        axes = (tuple(map(first.index, found.summed)), tuple(map(second.index, found.summed)))
        return ordered(b, emit(b, "numpy.tensordot", a, c, axes=axes), found.left + found.right, output)
    if not len(found.left) == len(found.right) == len(found.summed) == 1:
        return None
    rows = ordered(b, a, first, found.stacked + found.left + found.summed)
    columns = ordered(b, c, second, found.stacked + found.summed + found.right)
    made = emit(b, "matmul", rows, columns)
    return ordered(b, made, found.stacked + found.left + found.right, output)


def ordered(b: Builder, a: Operand, labels: str, wanted: str) -> Operand:
    """An array with its axes in the order of other labels."""
    if labels == wanted:
        return a
    return emit(b, "numpy.transpose", a, axes=tuple(labels.index(x) for x in wanted))
