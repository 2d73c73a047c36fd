"""Values that are written to the memory that they are views of.

NumPy's functions read all that overlaps before they write (`np.nditer` with `COPY_IF_OVERLAP`); plain assignment
along one axis does not: it goes through the elements in the order that is right where both steps are the same.
"""

from __future__ import annotations

from typing import Any

from s2sad.ir.core import Const, Op, Operand, Value
from s2sad.ir.types import Array
from s2sad.rules.builder import OFFSETS, const
from s2sad.rules.effects import Made
from s2sad.rules.effects import made as made_of


def unaliased(s: Any, v: Operand, target: Operand) -> Operand:
    """A value to be written: NumPy reads all of it before it writes, so what overlaps is read first."""
    if isinstance(v.type, Array) and base(s, v) is base(s, target):
        return s.builder.emit("copy", v, type=v.type)  # type: ignore[no-any-return]
    return v


def refuse_other_steps(s: Any, v: Operand, target: Operand) -> None:
    """`a[::2] = a[:n]`: along one axis plain assignment copies what overlaps only where the steps have opposite signs,
    and reads what it has just written where they are not the same."""
    if not (isinstance(target.type, Array) and target.type.ndim == 1 and isinstance(v.type, Array)):
        return
    if base(s, v) is not base(s, target):
        return
    if meet_at_one_place(s, v, target):
        return
    of, to = row_of(s, v), row_of(s, target)
    if of is None or to is None or of[0] is not to[0] or (of[1:] != to[1:] and of[2] * to[2] > 0):
        raise s.error(
            "a view of the array is assigned to one that has, or may have, other steps: NumPy reads elements that it has"
            " just written",
            "copy the view first, as in a[::2] = a[:n].copy()",
        )


def meet_at_one_place(s: Any, v: Operand, target: Operand) -> bool:
    """Whether a row and a column of one matrix have at most the element in common that is assigned to itself, as in
    `c[i, i:] = c[i:, i]`."""
    row, column = (s.builder.defs.get(o) for o in (target, v))
    for view in (row, column):
        whole = view is not None and view.prim == "view" and isinstance(view.operands[0].type, Array)
        if not whole or view.operands[0].type.ndim != 2:
            return False
    if row.operands[0] is not column.operands[0]:
        return False
    (along, fixed), (other, other_fixed) = (line_of(view) for view in (row, column))
    if along is None or other is None or along[0] == other[0]:
        return False
    places = (
        (other_fixed, along[1]),
        (fixed, other[1]),
    )  # along each axis the element that both may have, and the first
    first, second = (apart(*pair) for pair in places)
    if first is None or second is None:
        return False
    numbers = all(isinstance(o, Const) for pair in places for o in pair)
    return first == second == 0 or (numbers and (first == second or min(first, second) < 0))


def line_of(view: Op) -> tuple[tuple[int, Operand] | None, Operand | None]:
    """The axis that a view of a matrix runs along and where it starts, and its place along the other axis."""
    along, fixed = None, None
    entries = [*view.attr("index"), ("slice", None, None, None)][:2]
    for axis, (kind, *numbers) in enumerate(entries):
        given = [None if k is None else view.operands[1 + k] for k in numbers]
        if kind == "at":
            fixed = given[0]
        elif kind == "slice" and (given[2] is None or (isinstance(given[2], Const) and given[2].value == 1)):
            along = axis, const(0) if given[0] is None else given[0]
    return (along, fixed) if fixed is not None else (None, None)


def apart(a: Operand | None, b: Operand | None) -> int | None:
    """How much an index is greater than another; None where that is not known."""
    (x, i), (y, j) = (OFFSETS.get(o, (o, 0)) if isinstance(o, Value) else (None, o.value) for o in (a, b))  # type: ignore[union-attr]
    negative = any(isinstance(o, Const) and o.value < 0 for o in (a, b))
    return i - j if x is y and not negative else None


def row_of(s: Any, v: Operand) -> tuple[Operand, int, int] | None:
    """The array that a row is taken from, the axis it runs along and its step; None where that is not known."""
    if not (isinstance(v.type, Array) and v.type.ndim == 1):
        return None
    axis, step = 0, 1
    while isinstance(v, Value) and isinstance(v.type, Array):
        made = s.builder.defs.get(v)
        flat = made is not None and made.prim == "numpy.reshape" and made.operands[0].type.ndim == 1
        if made is None or not (made_of(made) in (Made.VIEW, Made.SAME) or flat):
            return v, axis, step
        v, *operands = made.operands
        if flat:
            continue
        if made.prim == "numpy.transpose":
            axis = made.attr("axes")[axis]
        elif made.prim == "newaxis":
            if axis in made.attr("axes"):
                return None
            axis -= sum(k < axis for k in made.attr("axes"))
        elif made.prim == "squeeze":
            ndim = v.type.ndim if isinstance(v.type, Array) else 0
            axis = [k for k in range(ndim) if k not in made.attr("axes")][axis]
        elif made.prim == "view":
            kept = kept_axes(made, v.type.ndim if isinstance(v.type, Array) else 0)
            entry = kept[axis]
            if entry is None:
                return None
            axis, at = entry
            by = const(1) if at is None else operands[at]
            if not isinstance(by, Const):
                return None
            step *= by.value
        elif made.prim != "identity":
            return None
    return None


def kept_axes(view: Op, ndim: int) -> list[tuple[int, int | None] | None]:
    """Of each axis of a view of `ndim` axes the one it runs along, and which operand is its step; None where it is new."""
    kept: list[tuple[int, int | None] | None] = []
    axis = 0
    for kind, *rest in view.attr("index"):
        if kind == "new":
            kept.append(None)
            continue
        if kind == "slice":
            kept.append((axis, rest[2]))
        axis += 1
    return kept + [(k, None) for k in range(axis, ndim)]


def base(s: Any, v: Operand) -> Operand:
    """The array that a chain of views, and of what may be one, is of."""
    while (
        isinstance(v, Value)
        and (made := s.builder.defs.get(v)) is not None
        and made_of(made) in (Made.VIEW, Made.MAYBE_VIEW, Made.SAME)
    ):
        v = made.operands[0]
    return v
