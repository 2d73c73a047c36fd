"""Which numbers are NumPy's for certain.

NumPy's numbers divide by zero with a warning where Python's raise. A type says float64 also of what is Python's on one path
(`s = 0.0; for v in a: s = s + v`), so that a division by it in an adjoint needs care; of a value that is NumPy's on each
path it needs none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from s2sad.analysis.uses import definitions
from s2sad.ir.core import Const, For, Function, If, Op, Operand, Value, While, walk
from s2sad.ir.types import Array, Scalar, Size
from s2sad.rules.shapes import OPERATORS

PASSED_ON = frozenset({"identity", "element", "builtins.max", "builtins.min", "builtins.round"})


def numpy_numbers(fn: Function) -> Callable[[Operand], bool]:
    """A test for one function's values."""
    doubtful: set[Operand] = set(fn.params) if fn.called else set()

    def certain(o: Operand) -> bool:
        if isinstance(o.type, Array) or (isinstance(o, Const) and type(o.value).__module__ == "numpy"):
            return True
        typed = isinstance(o, Value) and isinstance(o.type, Scalar) and o.type.dtype is not None
        return typed and o not in doubtful

    def join(joined: Value, sources: Iterable[Operand]) -> None:
        if not all(map(certain, sources)):
            doubtful.add(joined)

    ops = list(walk(fn.body))
    before = -1
    while before != len(doubtful):
        before = len(doubtful)
        for op in ops:
            if isinstance(op, Op):
                doubtful.update(r for r in op.results if not _makes(op, certain))
                continue
            for r, sources in _joins(op):
                join(r, sources)
    return certain


def counts(fn: Function) -> Callable[[Op], bool]:
    """A test for divisions: whether a sum is divided by how many elements it has, so that where the divisor is 0 nothing
    receives a cotangent."""
    made = definitions(fn)

    def sizes(o: Operand) -> set[Size] | None:
        """The sizes of which a number is the product."""
        op = made.get(o) if isinstance(o, Value) else None
        if not isinstance(op, Op):
            return None
        array = op.operands[0].type if op.operands else None
        if op.prim in ("shape", "len") and isinstance(array, Array):
            return {array.dims[op.attr("axis", 0)]}
        parts = [sizes(p) for p in op.operands] if op.prim == "mul" else [None]
        return None if None in parts else set().union(*filter(None, parts))

    def is_count(op: Op) -> bool:
        total = made.get(op.operands[0]) if isinstance(op.operands[0], Value) else None
        if not isinstance(total, Op) or total.prim != "numpy.sum":
            return False
        summed, found = total.operands[0].type, sizes(op.operands[1])
        return (
            isinstance(summed, Array)
            and found is not None
            and None not in found
            and found <= set(summed.dims)
        )

    return is_count


def _makes(op: Op, certain: Callable[[Operand], bool]) -> bool:
    """Whether the number that an operation makes is NumPy's."""
    if op.prim.startswith(("numpy.", "scipy.")):
        return True
    if op.prim in PASSED_ON:
        return all(map(certain, op.operands))
    if op.prim in OPERATORS:
        return any(map(certain, op.operands))
    return op.prim == "extract" or (op.prim == "load" and isinstance(op.operands[0].type, Array))


def _joins(op: If | For | While) -> Iterable[tuple[Value, tuple[Operand, ...]]]:
    """The values that control flow joins, and from what."""
    if isinstance(op, If):
        yield from zip(op.results, zip(op.then.yields, op.orelse.yields, strict=True), strict=True)
        return
    params = op.body.params[1:] if isinstance(op, For) else op.body.params
    for k, (init, out) in enumerate(zip(op.init, op.body.yields, strict=True)):
        sources = (init, out) if isinstance(op, For) else (init, out, op.test.yields[1 + k])
        joined = [params[k], op.results[k]] + ([] if isinstance(op, For) else [op.test.params[k]])
        for r in joined:
            yield r, sources
