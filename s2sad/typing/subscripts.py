"""Subscripts of arrays on abstract values: read, written and updated."""

from __future__ import annotations

from typing import Any

from s2sad.errors import SignatureError
from s2sad.ir.core import Const, Operand, Undef, Value
from s2sad.ir.types import BOTTOM, STR, Array, Scalar
from s2sad.rules import arrays as a_
from s2sad.typing.abstract import AV, SliceAV, StaticAV, TupleAV, describe, is_operand
from s2sad.typing.arrays import (
    TUPLES,
    array,
    can_be_negated,
    in_place,
    is_array,
    negative,
    only_number,
    refuse_cast,
    sizes,
    without_axes,
)
from s2sad.typing.overlaps import refuse_other_steps, unaliased

MORE_AXES = "could not broadcast an array of more axes into what is assigned to"


def index_entries(s: Any, a: Operand, index: AV) -> tuple[list[tuple[Any, ...]], list[Operand]]:
    """A subscript as entries and operands; the ellipsis is spelled out."""
    items = list(index.items) if isinstance(index, TupleAV) and index.cls is tuple else [index]
    ndim = len(a_.dims_of(a))
    entries: list[tuple[Any, ...]] = []
    operands: list[Operand] = []

    def number(o: Operand) -> int:
        operands.append(o)
        return len(operands) - 1

    used = 0
    for item in items:
        if isinstance(item, Const) and item.value is None:
            continue
        if (isinstance(item, StaticAV) and item.obj is Ellipsis) or (
            isinstance(item, Const) and item.value is Ellipsis
        ):
            continue
        used += item.type.ndim if is_array(item) and item.type.dtype == "bool" else 1  # type: ignore[union-attr]
    for item in items:
        if isinstance(item, SliceAV):
            bounds = []
            for p in item.parts:
                bounds.append(
                    None
                    if isinstance(p, Const) and p.value is None
                    else number(s.integer(p, "a slice bound"))
                )
            entries.append(("slice", *bounds))
        elif isinstance(item, Const) and item.value is None:
            entries.append(("new",))
        elif (
            isinstance(item, (StaticAV, Const))
            and (item.obj if isinstance(item, StaticAV) else item.value) is Ellipsis
        ):
            entries += [("slice", None, None, None)] * (ndim - used)
        elif is_operand(item) and isinstance(item.type, Scalar):  # type: ignore[union-attr]
            if isinstance(item.type, Scalar) and item.type.kind == "bool":  # type: ignore[union-attr]
                raise s.error("a truth value as a subscript", "use an integer")
            entries.append(("at", number(s.integer(item, "an index"))))
        elif isinstance(item, Undef) or (is_operand(item) and item.type is BOTTOM):  # type: ignore[union-attr]
            entries.append(("at", number(item)))  # type: ignore[arg-type]
        elif item in TUPLES:
            raise s.error(
                "a tuple whose length is not known is used as an index",
                "write the indices out, as in a[i, j]",
            )
        elif is_operand(item) and item.type == STR:  # type: ignore[union-attr]
            raise s.error(
                f"an array is indexed by {describe(item)}",
                "arrays take numbers, slices and arrays; for names, pass a dict or a dataclass of arrays",
                SignatureError,
            )
        else:
            o = array(s, item, "as a subscript")
            dtype = a_.dtype_of(o)
            if dtype == "bool":
                entries.append(("mask", number(o)))
            elif dtype.startswith(("int", "uint")) and not a_.dims_of(o):
                entries.append(("at", number(only_number(s, o))))
            elif dtype.startswith(("int", "uint")):
                entries.append(("array", number(o)))
            else:
                raise s.error(
                    f"{describe(item)} is used as an index, which needs integers",
                    "convert it to int",
                    SignatureError,
                )
    if used > ndim:
        raise s.error(
            f"{used} subscripts for an array of {ndim} axes", "match the number of axes", SignatureError
        )
    return entries, operands


def subscript(s: Any, a: Operand, index: AV) -> tuple[Operand, list[tuple[Any, ...]], list[Operand]]:
    """What is indexed, entries and operands: new axes beside index arrays, which Numba lacks, are made first, and
    taken whole; NumPy gives both the same places."""
    entries, operands = index_entries(s, a, index)
    if not ({"array", "mask"} & {e[0] for e in entries} and ("new",) in entries):
        return a, entries, operands
    at, axes = 0, []
    for e in entries:
        if e[0] == "new":
            axes.append(at)
        at += len(a_.dims_of(operands[e[1]])) if e[0] == "mask" else 1
    whole = [("slice", None, None, None) if e[0] == "new" else e for e in entries]
    return a_.emit(s.builder, "newaxis", a, axes=tuple(axes)), whole, operands


def of_flat(s: Any, a: Operand) -> Operand | None:
    """The array whose `flat` this is."""
    made = s.builder.defs.get(a)
    return made.operands[0] if made is not None and made.attr("flat") else None


def is_number(index: AV) -> bool:
    return is_operand(index) and isinstance(index.type, Scalar)  # type: ignore[union-attr]


def unraveled(s: Any, a: Operand, index: AV) -> tuple[Operand, AV]:
    """An element of an array's `flat` as one of the array, by its place along each axis."""
    of = of_flat(s, a)
    if of is None or not is_number(index):
        return a, index
    places: list[AV] = []
    left = s.integer(index, "an index")
    for size in reversed(sizes(s, of)[1:]):
        places.append(s.builder.emit("mod", left, size))
        left = s.builder.emit("floordiv", left, size)
    return of, TupleAV((left, *reversed(places)))


def getitem(s: Any, a: Operand, index: AV, hint: str = "") -> Operand:
    if of_flat(s, a) is not None and not is_number(index):  # all but elements are copies
        made = of_array(s, a, index)
        return s.builder.emit("copy", made, type=made.type, hint=hint)  # type: ignore[no-any-return]
    return of_array(s, a, index, hint)


def of_array(s: Any, a: Operand, index: AV, hint: str = "") -> Operand:
    a, entries, operands = subscript(s, a, index)
    ndim = len(a_.dims_of(a))
    if any(e[0] in ("array", "mask") for e in entries):
        return a_.emit(s.builder, "gather", a, *operands, hint=hint, index=tuple(entries))
    if all(e[0] == "at" for e in entries) and len(entries) == ndim:
        number = s.builder.emit("load", a, *operands, type=a.type.item, hint=hint)  # type: ignore[attr-defined]
        return without_axes(number) if has_ellipsis(index) else number  # type: ignore[no-any-return]
    if all(e == ("slice", None, None, None) or e[0] == "new" for e in entries) and any(
        e[0] == "new" for e in entries
    ):
        axes = tuple(i for i, e in enumerate(entries) if e[0] == "new")
        return a_.emit(s.builder, "newaxis", a, hint=hint, axes=axes)
    if not entries:
        entries = [("slice", None, None, None)]
    parts = index.items if isinstance(index, TupleAV) else (index,)
    own = any(is_array(p) for p in parts)  # an index that is an array without axes gives memory of its own
    made = a_.emit(s.builder, "view", a, *operands, hint="" if own else hint, index=tuple(entries))
    return s.builder.emit("copy", made, type=made.type, hint=hint) if own else made  # type: ignore[no-any-return]


def has_ellipsis(index: AV) -> bool:
    parts = index.items if isinstance(index, TupleAV) else (index,)
    return any(isinstance(p, (Const, StaticAV)) and static_value(p) is Ellipsis for p in parts)


def static_value(av: Const | StaticAV) -> Any:
    return av.value if isinstance(av, Const) else av.obj


def setitem(s: Any, a: Operand, index: AV, value: AV) -> None:
    a, index = unraveled(s, a, index)
    a, entries, operands = subscript(s, a, index)
    v = array(s, value, "to be stored")
    if any(e[0] in ("array", "mask") for e in entries):
        own = unaliased(s, v, a)
        if own is not v and [e[0] for e in entries] == ["mask"]:
            raise s.error(
                "a view of the array is assigned by a mask: NumPy reads elements that it has just written",
                "copy the view first, as in a[mask] = a[::-1].copy()",
            )
        cells = a_.INFER["gather"]({"index": tuple(entries)}, a, *operands)
        own = own if entries == [("mask", 0)] else of_axes(s, own, len(a_.dims_of(Value("", cells))))
        s.builder.effect("assign_at", a, *operands, own, index=tuple(entries))
    elif all(e[0] == "at" for e in entries) and len(entries) == len(a_.dims_of(a)):
        v = only_number(s, v)
        if isinstance(v.type, Array):
            raise s.error("an array is stored in an element", "take a number out of it first", SignatureError)
        s.builder.effect("store", a, *operands, v)
    else:
        target = a_.emit(s.builder, "view", a, *operands, index=tuple(entries))
        v = of_axes(s, v, len(a_.dims_of(target)))
        refuse_other_steps(s, v, target)
        s.builder.effect("assign", target, unaliased(s, v, target))


def of_axes(s: Any, v: Operand, ndim: int) -> Operand:
    """A value to be written to so many axes: of those that it has before them, NumPy takes what is 1 long."""
    extra = tuple(range(len(a_.dims_of(v)) - ndim))
    if not extra:
        return v
    s.builder.test_sizes("one_long", (v,), {"axes": extra, "text": MORE_AXES})
    return a_.emit(s.builder, "squeeze", v, axes=extra)


def augitem(s: Any, a: Operand, index: AV, value: AV, prim: str) -> None:
    a, index = unraveled(s, a, index)
    a, entries, operands = subscript(s, a, index)
    v = array(s, value, "here")
    if any(e[0] in ("array", "mask") for e in entries):
        before = a_.emit(s.builder, "gather", a, *operands, index=tuple(entries))
        after = s.builder.emit(prim, before, v)
        refuse_cast(s, a, after.type)
        s.builder.effect("assign_at", a, *operands, after, index=tuple(entries))
    elif all(e[0] == "at" for e in entries) and len(entries) == len(a_.dims_of(a)):
        v = only_number(s, v)
        if prim == "add" or (prim == "sub" and can_be_negated(a) and can_be_negated(v)):
            s.builder.effect("accumulate", a, *operands, v if prim == "add" else negative(s, v))
            return
        before = s.builder.emit("load", a, *operands, type=a.type.item)  # type: ignore[attr-defined]
        s.builder.effect("store", a, *operands, s.builder.emit(prim, before, v))
    else:
        in_place(s, a_.emit(s.builder, "view", a, *operands, index=tuple(entries)), v, prim)
