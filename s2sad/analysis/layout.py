"""How arrays lie in memory: whether what reshapes them gives a view or a copy.

NumPy's `reshape` gives a view where the axes that it joins lie one within the other, each step of the slower one as long
as the whole of the faster one; `ravel` where the array lies row by row. So of each array the order of its axes is followed, from
that of the longest step to that of the shortest, and of each neighbours in it whether they join. Axes of size 1 take no part.
What is not known is None; of what an operation is not listed for nothing is known, and then the call decides.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from s2sad.analysis.uses import definitions
from s2sad.ir.core import AnyOp, Block, Const, For, Function, If, Op, Operand, Value, While
from s2sad.ir.types import Array, Dim, Lying, Size, is_many, item_size
from s2sad.rules.effects import Made, is_fresh, made
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import is_elementwise

BY_ROWS = frozenset(
    {"numpy.zeros", "numpy.ones", "numpy.empty", "numpy.arange", "numpy.linspace", "eye_matrix", "array_of_numbers", "array_of",
     "array_like", "matmul", "reshape_copy", "numpy.linalg.inv", "numpy.linalg.solve", "numpy.linalg.cholesky"}
)  # fmt: skip
ROWS_FROM_ROWS = frozenset(  # row by row where all that they are made of is
    {"numpy.concatenate", "numpy.stack", "numpy.cumsum", "numpy.cumprod", "numpy.sum", "numpy.max", "numpy.min", "numpy.prod",
     "numpy.tril", "numpy.triu", "numpy.roll", "numpy.repeat", "numpy.tile", "numpy.pad", "unbroadcast"}
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """`order`: the axes, that of the longest step first. `joins`: of each neighbours in it, whether a step of the first is as
    long as all of the second. `unit`: whether the last has steps of one element. `steps`: those of each axis in elements, in
    the same order, where sizes are known; () where not."""

    order: tuple[int, ...]
    joins: tuple[bool | None, ...]
    unit: bool | None
    steps: tuple[int, ...] = ()

    @property
    def by_rows(self) -> bool:
        """Whether the array is known to lie row by row."""
        alone = not self.order  # all axes are of size 1
        return alone or (self.unit is True and all(self.joins) and self.order == tuple(sorted(self.order)))

    def otherwise(self, dims: tuple[Size, ...]) -> bool:
        """Whether an array of these sizes is known not to lie row by row: an axis of size 1 would take no part."""
        turned = False in self.joins or self.unit is False or self.order != tuple(sorted(self.order))
        return turned and all(is_many(dims[k]) for k in self.order)


Known = Layout | None


def dense(order: tuple[int, ...], t: Array) -> Layout:
    """The layout without gaps of an array whose axes have this order."""
    sizes = [t.dims[k] for k in order]
    steps: list[int] = []
    if all(isinstance(d, int) for d in sizes):
        steps = [math.prod(sizes[k + 1 :]) for k in range(len(sizes))]  # type: ignore[arg-type]
    return Layout(order, (True,) * (len(order) - 1), True, tuple(steps))


def by_rows(t: Array) -> Layout:
    return dense(tuple(k for k, d in enumerate(t.dims) if d != 1), t)


def by_columns(t: Array) -> Layout:
    return dense(by_rows(t).order[::-1], t)


def exact(a: Layout, t: Array) -> Layout:
    """The layout of an array with what its steps say, where they are known."""
    if not a.steps:
        return a
    sizes = [t.dims[k] for k in a.order]
    if not all(isinstance(d, int) for d in sizes):
        return replace(a, steps=())
    joins = tuple(a.steps[i] == sizes[i + 1] * a.steps[i + 1] for i in range(len(sizes) - 1))  # type: ignore[operator]
    return Layout(a.order, joins, not sizes or a.steps[-1] == 1, a.steps)


def met(a: Known, b: Known) -> Known:
    """What two layouts have in common."""
    if a is None or b is None or a.order != b.order:
        return None
    joins = tuple(x if x == y else None for x, y in zip(a.joins, b.joins, strict=True))
    return Layout(a.order, joins, a.unit if a.unit == b.unit else None, a.steps if a.steps == b.steps else ())


def zeros_like(a: Layout, t: Array) -> Known:
    """Zeros keep the order of axes; Numba's lie by rows where the array has gaps."""
    if a.order == by_rows(t).order:
        return by_rows(t)
    return by_columns(t) if met(a, by_columns(t)) == by_columns(t) else None


def of_argument(t: Array, kind: Lying) -> Known:
    """The layout of an argument that is contiguous by rows ('C'), by columns ('F'), or neither ('A'), or has these steps."""
    own = by_rows(t)
    if isinstance(kind, tuple):
        return of_steps(t, kind)
    if kind == "C":
        return own
    if kind == "F":
        return by_columns(t)
    return Layout(own.order, (), False) if kind == "A" and len(own.order) == 1 else None


def of_steps(t: Array, steps: tuple[int, ...]) -> Known:
    """The layout of an array of known sizes whose axes have steps of so many bytes."""
    size = item_size(t.dtype)
    order = tuple(sorted(by_rows(t).order, key=lambda k: -abs(steps[k])))
    if any(s % size for s in steps) or not order:
        return None
    return exact(Layout(order, (None,) * (len(order) - 1), None, tuple(steps[k] // size for k in order)), t)


def has_gaps(fn: Function) -> bool:
    """Whether an argument lies neither by rows nor by columns: then no copy or shadow lies quite as it does."""
    return any(kind not in ("C", "F") for kind in fn.layouts.values())


def of_twins(fn: Function) -> list[Mapping[Value, Lying]]:
    """The layouts that shadows and tangents of the arguments may have: without gaps and by positive steps, in the order of the
    argument's axes, or, from Numba, by rows."""

    def ordered(v: Value, kind: Lying) -> Lying:
        t = v.type
        if not isinstance(kind, tuple) or not isinstance(t, Array):
            return "C" if kind == "A" else kind
        order = sorted(range(t.ndim), key=lambda k: -abs(kind[k]))
        steps, step = [0] * t.ndim, item_size(t.dtype)
        for k in reversed(order):
            steps[k] = step
            step *= t.dims[k]  # type: ignore[operator]  # sizes are known where steps are
        return tuple(steps)

    rows = {v: kind if kind == "F" else "C" for v, kind in fn.layouts.items()}
    return [{v: ordered(v, kind) for v, kind in fn.layouts.items()}, rows] if has_gaps(fn) else []


def lies_by_rows(fn: Function, v: Value) -> bool:
    """Whether an argument lies by rows; what stands for it is then made by rows. True where nothing depends on it."""
    return not isinstance(v.type, Array) or v.type.ndim < 2 or fn.layouts.get(v, "C") == "C"


def as_it_lies(fn: Function, v: Value) -> tuple[tuple[str, str], ...]:
    """The attributes of a copy of an argument that lies in memory as the argument does."""
    kind = "C" if lies_by_rows(fn, v) else fn.layouts[v]
    return () if kind in ("C", "A") else (("order", "F" if kind == "F" else "K"),)


class Layouts:
    """The layouts of a function's arrays. `given`: those of its arguments, as in `Function.layouts`."""

    def __init__(self, fn: Function, given: Mapping[Value, Lying]) -> None:
        self.defs = definitions(fn)
        self.found: dict[Value, Known] = {}
        for v, kind in given.items():
            if isinstance(v.type, Array) and not fn.called:
                self.found[v] = of_argument(v.type, kind)
        self.given = set(self.found)
        self.block(fn.body)

    def of(self, o: Operand) -> Known:
        return self.found.get(o) if isinstance(o, Value) else None

    def block(self, block: Block) -> None:
        for op in block.ops:
            if isinstance(op, Op):
                for r in op.results:
                    if isinstance(r.type, Array) and r not in self.given:
                        self.found[r] = self.made(op, r.type) if len(op.results) == 1 else None
            else:
                self.structured(op)

    def structured(self, op: AnyOp) -> None:
        if isinstance(op, If):
            self.block(op.then)
            self.block(op.orelse)
            for r, a, b in zip(op.results, op.then.yields, op.orelse.yields, strict=True):
                self.found[r] = met(self.of(a), self.of(b))
        elif isinstance(op, (For, While)):
            self.loop(op)

    def loop(self, op: For | While) -> None:
        """What a loop carries lies as it did before, as long as each turn leaves it so."""
        heads = [op.test.params, op.body.params] if isinstance(op, While) else [op.body.params[1:]]
        carried = [self.of(o) for o in op.init]
        while True:
            for params in heads:
                self.found.update(zip(params, carried, strict=True))
            ends = [op.body.yields]
            if isinstance(op, While):
                self.block(op.test)
                ends.append(op.test.yields[1:])
            self.block(op.body)
            after = [[self.of(o) for o in end] for end in ends]
            joined = [functools.reduce(met, (end[k] for end in after), c) for k, c in enumerate(carried)]
            if joined == carried:
                self.found.update(zip(op.results, carried, strict=True))
                return
            carried = joined

    # -- operations -----------------------------------------------------------------------------------

    def made(self, op: Op, t: Array) -> Known:
        """The layout of an operation's result."""
        if op.attr("order") is not None and is_fresh(op):
            return {"C": by_rows(t), "F": by_columns(t)}.get(op.attr("order"))
        if is_fresh(op) and t.ndim == 1:
            return by_rows(t)
        if op.prim in BY_ROWS:
            return by_rows(t)
        if op.prim == "numpy.reshape" and self.reshapes_to_view(op) is False:
            return by_rows(t)
        first = self.of(op.operands[0]) if op.operands else None
        if made(op) is Made.SAME:
            return first
        if op.prim in ("copy", "zeros_like", "astype") and first is not None:
            if first.by_rows or op.prim != "zeros_like":
                return by_rows(t) if first.by_rows else None
            return zeros_like(first, t)
        if op.prim in ROWS_FROM_ROWS or (op.prim in PRIMS and is_elementwise(PRIMS[op.prim])):
            return self.kept(op, t)
        handler = VIEWS.get(op.prim)
        return handler(op, first, t) if handler is not None and first is not None else None

    def kept(self, op: Op, t: Array) -> Known:
        """NumPy keeps the order of what an array is made of; Numba need not, where that is not by rows."""
        arrays = [o for o in op.operands if isinstance(o.type, Array) and o.type.ndim > 1]
        found = [self.of(o) for o in arrays]
        rises = all(f is not None and f.order == tuple(sorted(f.order)) for f in found)
        return by_rows(t) if rises else None

    def reshapes_to_view(self, op: Op) -> bool | None:
        """Whether `reshape` or `ravel` gives a view; None where only the call shows."""
        a = op.operands[0]
        found = self.of(a)
        t, made_ = a.type, op.result.type
        assert isinstance(t, Array) and isinstance(made_, Array)
        if found is None:  # along one axis the steps are equal, whatever they are
            return True if t.ndim < 2 and not op.attr("ravel") else None
        if found.by_rows:
            return True
        if op.attr("ravel"):
            return False if found.otherwise(t.dims) else None
        return joined_to_view(found, t.dims, made_.dims)


def joined_to_view(layout: Layout, old: tuple[Size, ...], new: tuple[Size, ...]) -> bool | None:
    """Whether axes of these sizes can be taken for others without moving elements."""
    if old == new:
        return True
    sizes = [(k, d) for k, d in enumerate(old) if d != 1]
    wanted = [d for d in new if d != 1]
    while sizes and wanted and sizes[0][1] == wanted[0] and known(wanted[0]):
        sizes.pop(0)
        wanted.pop(0)
    while sizes and wanted and sizes[-1][1] == wanted[-1] and known(wanted[-1]):
        sizes.pop()
        wanted.pop()
    axes, pairs = [k for k, _ in sizes], list(itertools.pairwise(d for _, d in sizes))
    if len(axes) < 2:
        return True
    steps = [together(layout, i, j) for i, j in itertools.pairwise(axes)]
    if all(steps):
        return True
    # an axis that may be of size 1 may take no part
    steps = [
        None if s is False and not (is_many(d) and is_many(e)) else s
        for s, (d, e) in zip(steps, pairs, strict=True)
    ]
    if len(wanted) == 1 and False in steps:
        return False
    if all(isinstance(d, int) for _, d in sizes) and all(isinstance(d, int) for d in wanted):
        return by_groups([d for _, d in sizes], wanted, steps)  # type: ignore[misc, arg-type]
    return None


def known(d: Size) -> bool:
    """Whether equal sizes are equal, and not only alike."""
    return isinstance(d, int) or (isinstance(d, Dim) and d.name != "~")


def together(layout: Layout, i: int, j: int) -> bool | None:
    """Whether two axes that follow each other join."""
    k = layout.order.index(i)
    if layout.order[k + 1 : k + 2] != (j,):
        return False  # another lies between, or j has the longer steps
    return layout.joins[k]


def by_groups(old: list[int], new: list[int], steps: list[bool | None]) -> bool | None:
    """NumPy's own way through known sizes: the shortest groups of equal products, each of axes that join."""
    answer: bool | None = True
    i = j = 0
    while i < len(old) and j < len(new):
        start, a, b = i, old[i], new[j]
        while a != b:
            if a < b:
                i += 1
                a *= old[i]
            else:
                j += 1
                b *= new[j]
        inside = steps[start:i]
        if False in inside:
            return False
        answer = None if None in inside else answer
        i, j = i + 1, j + 1
    return answer


# -- views ------------------------------------------------------------------------------------------------


def transposed(op: Op, a: Layout, t: Array) -> Layout:
    place = {axis: k for k, axis in enumerate(op.attr("axes"))}
    return replace(a, order=tuple(place[k] for k in a.order))


def with_new_axes(op: Op, a: Layout, t: Array) -> Layout:
    left = [k for k in range(t.ndim) if k not in op.attr("axes")]
    return replace(a, order=tuple(left[k] for k in a.order))


def squeezed(op: Op, a: Layout, t: Array) -> Known:
    gone = op.attr("axes")
    for k in [k for k in a.order if k in gone]:  # not known to be of size 1 when code is made
        if not a.by_rows:
            return None
        at = a.order.index(k)
        a = without(a, at, True)
    return replace(a, order=tuple(k - sum(g < k for g in gone) for k in a.order))


def without(a: Layout, at: int, join: bool | None) -> Layout:
    """A layout without one of its axes; `join` says whether its neighbours join then."""
    order = a.order[:at] + a.order[at + 1 :]
    if at == len(a.order) - 1:
        return Layout(order, a.joins[:-1], a.unit if join else join, a.steps[:at])
    steps = a.steps[:at] + a.steps[at + 1 :]
    if at == 0:
        return Layout(order, a.joins[1:], a.unit, steps)
    return Layout(order, (*a.joins[: at - 1], join, *a.joins[at + 1 :]), a.unit, steps)


def subscripted(op: Op, a: Layout, t: Array) -> Known:
    whole_, *bounds = op.operands
    of = whole_.type
    assert isinstance(of, Array)
    axis, at, gone = 0, 0, []
    places: dict[int, int] = {}
    for kind, *numbers in op.attr("index"):
        if kind == "new":
            at += 1
            continue
        if kind == "at":
            if axis in a.order:
                a = taken_at(a, axis, of.dims[axis])
            gone.append(axis)
        else:
            start, stop, step = (None if n is None else bounds[n] for n in numbers)
            if axis in a.order:
                whole = start is None and stop is None
                a = sliced(a, axis, of.dims[axis], t.dims[at], whole, step)
            places[axis] = at
            at += 1
        axis += 1
    for k in range(axis, of.ndim):
        places[k], at = at, at + 1
    known_ = [k for k in a.order if t.dims[places[k]] != 1]
    for k in [k for k in a.order if k not in known_]:  # sliced to one element
        a = without(a, a.order.index(k), None)
    return exact(replace(a, order=tuple(places[k] for k in a.order)), t)


def taken_at(a: Layout, axis: int, size: Size) -> Layout:
    """One place along an axis: the neighbours join no more, unless the axis was but one long."""
    at = a.order.index(axis)
    around = a.joins[max(at - 1, 0) : at + 1]
    return without(a, at, False if is_many(size) and all(around) else None)


def sliced(a: Layout, axis: int, before: Size, after: Size, whole: bool, step: Operand | None) -> Layout:
    """Some places along an axis."""
    at = a.order.index(axis)
    joins, unit = list(a.joins), a.unit
    by = 1 if step is None else step.value if isinstance(step, Const) else None
    if by != 1:  # its own steps are longer, or turned, or both
        longer = by is not None and is_many(after)
        if at < len(joins):
            joins[at] = False if joins[at] and longer else None
        else:
            unit = False if unit and longer else None
    whole = whole or (before == after and known(before))
    if at > 0 and not (whole and by == 1):
        shorter = by == 1 and differ(before, after) and is_many(after)
        joins[at - 1] = False if joins[at - 1] and shorter else None
    steps = a.steps
    if steps:
        steps = () if by is None else (*steps[:at], steps[at] * by, *steps[at + 1 :])
    return Layout(a.order, tuple(joins), unit, steps)


def differ(a: Size, b: Size) -> bool:
    """Whether two sizes are known not to be the same."""
    if isinstance(a, int) and isinstance(b, int):
        return a != b
    return isinstance(a, Dim) and isinstance(b, Dim) and a.name == b.name != "~" and a.offset != b.offset


def reshaped(op: Op, a: Layout, t: Array) -> Known:
    if a.by_rows:
        return by_rows(t)
    if len(a.order) == 1:  # one axis taken apart
        return replace(by_rows(t), unit=a.unit, steps=())
    return None


def diagonal(op: Op, a: Layout, t: Array) -> Known:
    return Layout(by_rows(t).order, (), False) if a.by_rows and t.ndim == 1 else None


def spread_out(op: Op, a: Layout, t: Array) -> Known:
    """An axis along which the same elements stand again has steps of no length: it joins no other."""
    of = op.operands[0].type
    assert isinstance(of, Array)
    more = t.ndim - of.ndim
    pairs = list(zip(of.dims, t.dims[more:], strict=True))
    if not all(is_many(d) or d == 1 or (d == e and known(d)) for d, e in pairs):
        return None  # an axis that may be of size 1
    again = [k for k, d in enumerate(t.dims) if d != 1 and (k < more or of.dims[k - more] == 1)]
    order = tuple(k + more for k in a.order)
    if not again:
        return replace(a, order=order)
    if len(again) > 1:
        return None  # these join each other in whatever order they stand
    return Layout((*order, *again), (*a.joins, False) if order else (), False)


VIEWS = {
    "numpy.broadcast_to": spread_out, "numpy.transpose": transposed, "newaxis": with_new_axes, "squeeze": squeezed, "view": subscripted, "reshaped": reshaped,
    "numpy.reshape": reshaped,
    "numpy.diagonal": diagonal,
}  # fmt: skip
