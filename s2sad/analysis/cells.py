"""Which cell of which array an element of a view is.

A view that a loop makes anew is another array in each turn, whatever its name: `a[0]` of `a = x[i:]` is `x[i]`. So cells are
compared as those of the array that the views are of, its *root*. An index is a value plus a constant, known not to be negative;
one that is not of this form (of a computed step, of a view whose start and index both vary) is None: any element along that axis.
"""

from __future__ import annotations

from dataclasses import dataclass

from s2sad.analysis.uses import definitions
from s2sad.ir.core import Block, Const, For, Function, Op, Operand, Value, While, walk
from s2sad.ir.types import INT, Array, is_memory
from s2sad.rules.builder import const
from s2sad.rules.effects import Made, made


@dataclass(frozen=True)
class Index:
    """An index: `base` plus `offset`; a constant has no base."""

    base: Value | None
    offset: int


Cell = tuple[Index | None, ...]


class Cells:
    """The roots and cells of a function's elements."""

    def __init__(self, fn: Function) -> None:
        self.defs = definitions(fn)
        self.variables: dict[Value, For] = {}
        self.regions: dict[Value, Cell | None] = {}
        self.untouched: dict[
            Value, Value
        ] = {}  # what loops carry and never bind anew, and what that was before
        for op in walk(fn.body):
            if isinstance(op, For):
                self.variables[op.body.params[0]] = op
                self.carried(op, op.body.params[1:], op.body.yields)
            elif isinstance(op, While) and op.test.params == op.test.yields[1:]:
                self.carried(op, op.body.params, op.body.yields)

    def carried(self, op: For | While, params: tuple[Value, ...], yields: tuple[Operand, ...]) -> None:
        for init, p, y, r in zip(op.init, params, yields, op.results, strict=True):
            if y is p and is_memory(p.type) and isinstance(init, Value):
                self.untouched[p] = self.untouched[r] = init

    def root(self, a: Value) -> Value:
        """The array that a chain of views is of."""
        while True:
            op = self.defs.get(a)
            if isinstance(op, Op) and made(op) in (Made.VIEW, Made.MAYBE_VIEW, Made.SAME):
                a = op.operands[0]  # type: ignore[assignment]
            elif a in self.untouched:
                a = self.untouched[a]
            else:
                return a

    def cell(self, a: Value, at: tuple[Operand, ...]) -> Cell | None:
        """The cell of `root(a)` that an element of `a` is; None where nothing is known."""
        if len(at) != (a.type.ndim if isinstance(a.type, Array) else 1):
            return None
        return self.of_root(a, [self.not_negative(self.index(o)) for o in at])

    def of_root(self, a: Value, found: list[Index | None]) -> Cell | None:
        """The same of `root(a)`."""
        while True:
            op = self.defs.get(a)
            if isinstance(op, Op) and made(op) in (Made.VIEW, Made.MAYBE_VIEW, Made.SAME):
                moved = self.through(op, found)
                if moved is None:
                    return None
                a, found = op.operands[0], moved  # type: ignore[assignment]
            elif a in self.untouched:
                a = self.untouched[a]
            else:
                return tuple(found)

    def region(self, a: Value) -> Cell | None:
        """The cells of `root(a)` that a slice is of, each as that of an index in the range of the slice; None where `a` is
        no slice, or nothing is known."""
        op = self.defs.get(a)
        if a not in self.regions:
            found = self.ranges(op) if isinstance(op, Op) and op.prim == "view" else None
            b = op.operands[0] if found is not None else None  # type: ignore[union-attr]
            self.regions[a] = None if found is None else self.of_root(b, found)  # type: ignore[arg-type]
        return self.regions[a]

    def ranges(self, op: Op) -> list[Index | None]:
        """For each axis that a view is taken of, what it picks of it."""
        a, *bounds = op.operands
        found: list[Index | None] = []
        for kind, *numbers in op.attr("index"):
            if kind == "at":
                found.append(self.not_negative(self.index(bounds[numbers[0]])))
            elif kind != "new":
                found.append(self.range(*(None if n is None else bounds[n] for n in numbers)))
        return found + [self.range(None, None, None) for _ in range(a.type.ndim - len(found))]  # type: ignore[attr-defined]

    def range(self, start: Operand | None, stop: Operand | None, step: Operand | None) -> Index | None:
        """An index that runs through a slice; None where that may be anywhere."""
        if not (step is None or (isinstance(step, Const) and step.value > 0)):
            return None
        if start is not None and self.not_negative(self.index(start)) is None:
            return None
        if stop is None or self.not_negative(self.index(stop)) is None:
            stop = Value("end", INT)  # somewhere
        runs = Value("", INT)
        first = const(0) if start is None else start
        self.variables[runs] = For(first, stop, const(1), (), Block((runs,), (), ()), ())
        return Index(runs, 0)

    def through(self, op: Op, cell: list[Index | None]) -> list[Index | None] | None:
        """The cell of a view's array that a cell of the view is."""
        if made(op) is Made.SAME:
            return cell
        if op.prim == "numpy.transpose":
            found: list[Index | None] = [None] * len(cell)
            for axis, i in zip(op.attr("axes"), cell, strict=True):
                found[axis] = i
            return found
        if op.prim == "newaxis":
            return [i for k, i in enumerate(cell) if k not in op.attr("axes")]
        if op.prim == "squeeze":
            left = iter(cell)
            ndim = op.operands[0].type.ndim  # type: ignore[attr-defined]
            return [Index(None, 0) if k in op.attr("axes") else next(left) for k in range(ndim)]
        return self.subscripted(op, cell) if op.prim == "view" else None

    def subscripted(self, op: Op, cell: list[Index | None]) -> list[Index | None]:
        found: list[Index | None] = []
        _, *bounds = op.operands
        left = list(cell)
        for kind, *numbers in op.attr("index"):
            if kind == "new":
                left.pop(0)
            elif kind == "at":
                found.append(self.not_negative(self.index(bounds[numbers[0]])))
            else:
                start, _, step = (None if n is None else bounds[n] for n in numbers)
                found.append(self.sliced(start, step, left.pop(0)))
        return found + left

    def sliced(self, start: Operand | None, step: Operand | None, i: Index | None) -> Index | None:
        """Element i of a slice, counted from the start of what is sliced."""
        by = 1 if step is None else step.value if isinstance(step, Const) else 0
        first = Index(None, 0) if start is None else self.not_negative(self.index(start))
        if i is None or first is None or by < 1 or (by > 1 and i.base is not None):
            return None
        if i.base is not None and first.base is not None:
            return None
        return Index(i.base or first.base, first.offset + by * i.offset)

    def index(self, o: Operand) -> Index:
        """An operand as a base and an offset."""
        if isinstance(o, Const):
            return Index(None, int(o.value))
        assert isinstance(o, Value)
        op = self.defs.get(o)
        if isinstance(op, Op) and op.prim in ("add", "sub") and isinstance(op.operands[1], Const):
            inner = self.index(op.operands[0])
            step = int(op.operands[1].value)
            return Index(inner.base, inner.offset + (step if op.prim == "add" else -step))
        if isinstance(op, Op) and op.prim == "add" and isinstance(op.operands[0], Const):
            inner = self.index(op.operands[1])
            return Index(inner.base, inner.offset + int(op.operands[0].value))
        if isinstance(op, Op) and op.prim == "constant":
            return Index(None, int(op.attr("value")))
        return Index(o, 0)

    def not_negative(self, i: Index) -> Index | None:
        """An index that counts from the start."""
        return i if self.least(i) >= 0 else None

    def least(self, index: Index) -> float:
        """A lower bound of an index."""
        if index.base is None:
            return index.offset
        loop = self.variables.get(index.base)
        if loop is None:
            op = self.defs.get(index.base)
            size = isinstance(op, Op) and op.prim in ("len", "shape", "trip_count")
            return index.offset if size else -float("inf")
        if not isinstance(loop.step, Const):
            return -float("inf")
        first = (
            self.least(self.index(loop.start))
            if loop.step.value > 0
            else self.least(self.index(loop.stop)) + 1
        )
        return first + index.offset
