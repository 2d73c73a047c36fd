"""Subscripts as operations: views of basic ones, copies of those with arrays, and writes through both."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from s2sad.ir.call_sizes import Place
from s2sad.ir.core import Const, Operand, Value
from s2sad.ir.types import Dim, Size, Type, fresh_size, shaped
from s2sad.rules.arrays.core import (
    JVPS,
    Attrs,
    array_rule,
    dims_of,
    dtype_of,
    place_of,
    typed,
)
from s2sad.rules.builder import OFFSETS, Builder
from s2sad.rules.registry import ZERO, rule


def view(
    b: Builder, a: Operand, index: tuple[Any, ...], operands: tuple[Operand, ...], type: Type | None = None
) -> Operand:
    """A basic subscript. `index` has an entry an axis: ("at", k), ("slice", start, stop, step) with numbers of
    operands or None, ("new",); axes it does not reach are whole."""
    if type is None:
        type = _view_type({"index": index}, a, *operands)
    return b.emit("view", a, *operands, type=type, index=index)


def _view_type(attrs: Attrs, a: Operand, *operands: Operand) -> Type:
    dims: list[Size] = []
    left = list(dims_of(a))
    for entry in attrs["index"]:
        if entry[0] == "new":
            dims.append(1)
            continue
        size = left.pop(0)
        if entry[0] == "slice":
            dims.append(_sliced(size, *(None if k is None else operands[k] for k in entry[1:])))
    return shaped(dtype_of(a), (*dims, *left))


SLICES: WeakKeyDictionary[Value, dict[Any, Size]] = (
    WeakKeyDictionary()
)  # sizes of slices with computed bounds


def _sliced(size: Size, start: Operand | None, stop: Operand | None, step: Operand | None) -> Size:
    """The size of a slice: slices with the same bounds of axes of the same size have the same size."""
    found = one_in_call(_known_slice(size, start, stop, step))
    parts = [OFFSETS.get(o, (o, 0)) if isinstance(o, Value) else (o, 0) for o in (start, stop, step)]
    first = next((o for o, _ in parts if isinstance(o, Value)), None)
    if found is not None or size is None or (isinstance(size, Dim) and size.name == "~"):
        return found
    found = one_in_call(_slice_of_call(size, start, stop, step))
    if found is not None:
        return found
    if first is None:
        bounds = ":".join(str(o.value) if isinstance(o, Const) else "" for o in (start, stop, step))
        return Dim(f"#{size.name}+{size.offset}[{bounds}]") if isinstance(size, Dim) else None
    key = (size, *((o.value if isinstance(o, Const) else o, offset) for o, offset in parts))
    return SLICES.setdefault(first, {}).setdefault(key, fresh_size())


def one_in_call(size: Size) -> Size:
    """A size, which is 1 where the call that code is made for says so."""
    return 1 if isinstance(size, Dim) and size.call is not None and size.call.is_one(size) else size


def _slice_of_call(size: Size, start: Operand | None, stop: Operand | None, step: Operand | None) -> Size:
    """The size of a slice whose bounds are sizes of the call, or integers among its arguments."""
    if not (step is None or (isinstance(step, Const) and step.value == 1)):
        return None

    if size is None:
        return None

    def place(o: Operand | None, default: Dim | int) -> Place | None:
        if o is None:
            return Place(default)
        found = place_of(o)
        if found is not None and isinstance(found.size, int) and found.index is None and found.size < 0:
            return Place(size.shorter(-found.size)) if isinstance(size, Dim) else None  # counted from the end
        return found

    first, last = place(start, 0), place(stop, size)
    if first is None or last is None:
        return None
    sizes = (size, first.size, last.size, *first.range, *last.range)
    calls = {d.call for d in sizes if isinstance(d, Dim)}
    if len(calls) != 1 or (call := next(iter(calls))) is None:
        return None
    return call.between(size, first, last)


def _known_slice(size: Size, start: Operand | None, stop: Operand | None, step: Operand | None) -> Size:
    """The size of a slice, where the bounds are known well enough."""

    def known(o: Operand | None, default: int) -> Any:
        return default if o is None else o.value if isinstance(o, Const) and type(o.value) is int else None

    by = known(step, 1)
    if start is None and stop is None and by in (1, -1):
        return size
    first = known(start, 0)
    if isinstance(size, int):
        bounds = [None if o is None else known(o, 0) for o in (start, stop, step)]
        if all(o is None or v is not None for o, v in zip((start, stop, step), bounds, strict=True)):
            return len(range(*slice(*bounds).indices(size)))
        return None
    if by != 1 or first is None or (isinstance(size, Dim) and size.name == "~"):
        return None
    if stop is None:
        return size.shorter(first) if isinstance(size, Dim) and first >= 0 else _tail(first)
    last = known(stop, 0)
    if last is not None and last < 0 and first >= 0 and isinstance(size, Dim):
        return size.shorter(first - last)
    return None


def _tail(first: int) -> Size:
    return None


array_rule("view", "y = view(a, *index)", None, _view_type, "first", cost=1, da="dy", dindex=ZERO)


def _gather_type(attrs: Attrs, a: Operand, *operands: Operand) -> Type:
    """The result of indexing with integer or boolean arrays, by NumPy's rules."""
    left = list(dims_of(a))
    sizes: list[Size] = []
    from s2sad.rules.shapes import broadcast

    advanced: list[tuple[Size, ...]] = []
    place, apart, last = None, False, False
    for entry in attrs["index"]:
        if entry[0] == "new":
            sizes.append(1)
            last = False
            continue
        if entry[0] == "mask":
            k = operands[entry[1]]
            for _ in dims_of(k):
                left.pop(0)
            advanced.append((None,))
        elif entry[0] in ("array", "at"):
            left.pop(0)
            advanced.append(dims_of(operands[entry[1]]))
        else:
            sizes.append(_sliced(left.pop(0), *(None if k is None else operands[k] for k in entry[1:])))
            last = False
            continue
        if place is None:
            place = len(sizes)
        elif not last:
            apart = True
        last = True
    sizes += left
    at = 0 if apart else place or 0
    return shaped(dtype_of(a), (*sizes[:at], *broadcast(*advanced), *sizes[at:]))


array_rule("gather", "y = gather(a, *index)", None, _gather_type, "first", da="dy", dindex=ZERO)
JVPS["unbroadcast"] = "first"
JVPS["take_winners"] = "first"
rule(lambda a, dtype: a.astype(dtype), "y = astype(a)", name="astype", infer=typed, effect="none", da="dy")
JVPS["astype"] = "linear"
rule(lambda *xs: None, "assign(a, v)", name="assign", infer=typed, effect="writes")
rule(lambda *xs: None, "assign_at(a, *xs)", name="assign_at", infer=typed, effect="writes")
rule(lambda *xs: None, "scatter_add(a, *xs)", name="scatter_add", infer=typed, effect="writes")
