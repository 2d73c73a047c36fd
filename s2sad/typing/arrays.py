"""NumPy on abstract values: subscripts, arithmetic in place, and the functions that make and shape arrays.

What is one operation is emitted here; functions that are made of others are written in NumPy themselves, in
`s2sad.library`, and typed as if the user had written them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import numpy as np

from s2sad.errors import SignatureError
from s2sad.frontend.source import MISSING
from s2sad.ir.core import Block, Const, Operand, Undef, Value, all_operands
from s2sad.ir.types import BOOL, BOTTOM, INT, Array, List, Scalar, Type
from s2sad.rules import arrays as a_
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import broadcast, is_elementwise
from s2sad.typing.abstract import AV, RangeAV, SliceAV, StaticAV, TupleAV, describe, is_operand
from s2sad.typing.overlaps import refuse_other_steps, unaliased

Handler = Callable[[Any, list[AV], dict[str, AV], str], AV]


def is_array(av: Any) -> bool:
    return isinstance(av, Value) and isinstance(av.type, Array)


# -- operands -----------------------------------------------------------------------------------------


def array(s: Any, av: AV, what: str = "here") -> Operand:
    """An argument as NumPy takes it: arrays and numbers as they are, lists and tuples made into arrays."""
    if is_operand(av):
        operand: Operand = av  # type: ignore[assignment]
        if isinstance(operand.type, List):
            written = numbers_written(s, operand)
            if written is not None:
                return of_numbers(s, *written)
            t = _array_of(operand.type)
            return s.builder.emit("array_of", operand, type=t, dtype=t.dtype)
        return operand
    if isinstance(av, TupleAV):
        if av.names:
            from s2sad.typing.records import refuse_own

            refuse_own(s, av, "__iter__", "__len__", "__getitem__", "__array__")
        written = numbers_written(s, av)
        return stacked(s, av) if written is None else of_numbers(s, *written)
    if isinstance(av, RangeAV):
        from s2sad.typing.calls import HANDLERS

        return HANDLERS[np.arange](s, [av.start, av.stop, av.step], {}, "")  # type: ignore[return-value]
    raise s.error(f"{describe(av)} cannot be used as an array {what}", "pass an array", SignatureError)


def numbers_written(s: Any, av: AV) -> tuple[tuple[int, ...], list[Operand]] | None:
    """The shape and the numbers of a (nested) sequence of numbers just written, else None."""
    av = listed(s, av)
    if is_operand(av) and isinstance(av.type, Scalar):
        return (), [av]  # type: ignore[list-item]
    if not (isinstance(av, TupleAV) and av.items):
        return None
    parts = [numbers_written(s, item) for item in av.items]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts) or len({shape for shape, _ in found}) > 1:
        return None
    return (len(found), *found[0][0]), [number for _, numbers in found for number in numbers]


def of_numbers(s: Any, shape: tuple[int, ...], numbers: list[Operand]) -> Operand:
    return a_.emit(s.builder, "array_of_numbers", *numbers, shape=shape, dtype=_common_dtype(numbers))


def only_number(s: Any, o: Operand) -> Operand:
    """The number in an array of one element, as NumPy takes it where a number is needed; else as it is."""
    if isinstance(o.type, Array) and not o.type.dims:
        return s.builder.number_in(o)  # type: ignore[no-any-return]
    if isinstance(o.type, Array) and all(d == 1 for d in o.type.dims):
        return a_.emit(s.builder, "numpy.any" if o.type.dtype == "bool" else "numpy.sum", o, axis=None)
    return o


def _array_of(t: List) -> Array:
    """The type of an array made of a list: of numbers, or of arrays or lists that are its rows."""
    item = t.item
    if isinstance(item, List):
        item = _array_of(item)
    if isinstance(item, Array):
        return Array(item.dtype, item.ndim + 1, (a_.size_of(Value("", INT)), *item.dims))
    kind = item.kind if isinstance(item, Scalar) else "float"
    return Array(getattr(item, "dtype", None) or _OF_PYTHON[kind])


_OF_PYTHON = {"float": "float64", "int": "int64", "bool": "bool", "complex": "complex128"}


def _common_dtype(numbers: list[Any]) -> str:
    """The dtype of an array of these numbers: Python's own count as the dtype they would have alone."""
    given = [n.type.dtype or _OF_PYTHON[n.type.kind] for n in numbers if isinstance(n.type, Scalar)]
    return str(np.result_type(*given)) if given else "float64"


def stacked(s: Any, av: TupleAV) -> Operand:
    """A (nested) sequence as an array."""
    parts = [array(s, item) for item in av.items]
    parts = [only_number(s, p) if isinstance(p.type, Array) and not p.type.dims else p for p in parts]
    if not parts:
        from s2sad.typing.lists import make_list

        made = make_list(s, [])
        t = _array_of(made.type)  # type: ignore[union-attr, arg-type]
        return s.builder.emit("array_of", made, type=Array(t.dtype, 1, (0,)), dtype=t.dtype)
    if all(isinstance(p.type, Scalar) for p in parts):
        return of_numbers(s, (len(parts),), parts)
    parts = [
        p if isinstance(p.type, Array) else a_.emit(s.builder, "numpy.broadcast_to", p, const(1))
        for p in parts
    ]
    lifted = [a_.emit(s.builder, "newaxis", p, axes=(0,)) for p in parts]
    return a_.emit(s.builder, "numpy.concatenate", *lifted, axis=0)


def static(s: Any, kwargs: dict[str, AV], name: str, default: Any = None) -> Any:
    """A fixed argument by name."""
    if name not in kwargs:
        return default
    found = s.static(listed(s, kwargs.pop(name)))
    if found is MISSING:
        raise s.error(f"a computed {name}=", f"{name} must be a constant")
    return found


def listed(s: Any, av: AV) -> AV:
    """A list of numbers just written, as in `axis=[0, 1]`, as a tuple."""
    made = s.builder.defs.get(av) if isinstance(av, Value) else None
    if made is None or made.prim != "alloc_list" or made not in s.builder.ops:
        return av
    later = Block((), tuple(s.builder.ops[s.builder.ops.index(made) + 1 :]), ())
    return av if any(o is av for o in all_operands(later)) else TupleAV(tuple(made.operands))


def arguments(s: Any, name: str, params: str, args: list[AV], kwargs: dict[str, AV]) -> dict[str, AV]:
    """Arguments by parameter name."""
    names = params.split()
    if len(args) > len(names):
        raise s.error(
            f"{name}() takes at most {len(names)} arguments", "match the definition", SignatureError
        )
    found = dict(zip(names, args, strict=False))
    for key, value in kwargs.items():
        if key not in names or key in found:
            raise s.error(f"{name}() with the argument {key!r} is not supported", "leave it out")
        found[key] = value
    return found


def shape_operands(s: Any, av: AV) -> list[Operand]:
    """A shape argument: an integer or a tuple of integers."""
    if isinstance(av, TupleAV):
        return [s.integer(i, "a size") for i in av.items]
    if isinstance(av, Const) and isinstance(av.value, tuple):
        return [const(v) for v in av.value]
    return [s.integer(av, "a size")]


def sizes(s: Any, a: Operand) -> list[Operand]:
    """The sizes of an array; equal sizes of unknown value are known to be equal."""
    found = []
    for d, o in zip(a_.dims_of(a), a_.shape(s.builder, a), strict=True):
        if isinstance(o, Value) and d is not None:
            a_.SIZES[o] = d
        found.append(o)
    return found


# -- subscripts ---------------------------------------------------------------------------------------


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


def getitem(s: Any, a: Operand, index: AV, hint: str = "") -> Operand:
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


# Numbers that NumPy gives as views without axes, which `+=` would write through
WITHOUT_AXES: WeakSet[Value] = WeakSet()


def without_axes(number: Operand) -> Operand:
    if isinstance(number, Value):
        WITHOUT_AXES.add(number)
    return number


def like(number: Value, *sources: Operand) -> Value:
    """A number that stands for one of these: arrays without axes, which `+=` would write to, or others."""
    if isinstance(number.type, Scalar) and any(
        isinstance(o.type, Array) or o in WITHOUT_AXES for o in sources
    ):
        WITHOUT_AXES.add(number)
    return number


def converted(s: Any, o: Operand, t: Type, ops: list[Any]) -> Operand:
    """What is carried as a `t`: the number in an array without axes, taken out at the end of `ops`. It is not the
    array's memory any more; writes to that are refused (`refuse_written_numbers`)."""
    if not (isinstance(o.type, Array) and isinstance(t, Scalar)):
        return o
    with s.builder.region() as taken:
        number = s.builder.emit("load", o, type=o.type.item, meets=True)
    ops += taken
    return number  # type: ignore[no-any-return]


def has_ellipsis(index: AV) -> bool:
    parts = index.items if isinstance(index, TupleAV) else (index,)
    return any(isinstance(p, (Const, StaticAV)) and static_value(p) is Ellipsis for p in parts)


def static_value(av: Const | StaticAV) -> Any:
    return av.value if isinstance(av, Const) else av.obj


def refuse_in_place(s: Any, target: Any) -> None:
    """`+=` on an array without axes, which is a number here."""
    if isinstance(target, Value) and target in WITHOUT_AXES:
        raise s.error(
            "an array without axes is updated in place, and with it the array that it is a view of",
            "index the array itself, as in a[0, 0] += ..., or write y = y + ...",
        )


def setitem(s: Any, a: Operand, index: AV, value: AV) -> None:
    a, entries, operands = subscript(s, a, index)
    v = array(s, value, "to be stored")
    if any(e[0] in ("array", "mask") for e in entries):
        own = unaliased(s, v, a)
        if own is not v and [e[0] for e in entries] == ["mask"]:
            raise s.error(
                "a view of the array is assigned by a mask: NumPy reads elements that it has just written",
                "copy the view first, as in a[mask] = a[::-1].copy()",
            )
        s.builder.effect("assign_at", a, *operands, own, index=tuple(entries))
    elif all(e[0] == "at" for e in entries) and len(entries) == len(a_.dims_of(a)):
        v = only_number(s, v)
        if isinstance(v.type, Array):
            raise s.error("an array is stored in an element", "take a number out of it first", SignatureError)
        s.builder.effect("store", a, *operands, v)
    else:
        target = a_.emit(s.builder, "view", a, *operands, index=tuple(entries))
        refuse_other_steps(s, v, target)
        s.builder.effect("assign", target, unaliased(s, v, target))


def augitem(s: Any, a: Operand, index: AV, value: AV, prim: str) -> None:
    a, entries, operands = subscript(s, a, index)
    v = array(s, value, "here")
    if any(e[0] in ("array", "mask") for e in entries):
        before = a_.emit(s.builder, "gather", a, *operands, index=tuple(entries))
        after = s.builder.emit(prim, before, v)
        refuse_cast(s, a, after)
        s.builder.effect("assign_at", a, *operands, after, index=tuple(entries))
    elif all(e[0] == "at" for e in entries) and len(entries) == len(a_.dims_of(a)):
        v = only_number(s, v)
        if prim == "add" or (prim == "sub" and can_be_negated(v)):
            s.builder.effect("accumulate", a, *operands, v if prim == "add" else negative(s, v))
            return
        before = s.builder.emit("load", a, *operands, type=a.type.item)  # type: ignore[attr-defined]
        s.builder.effect("store", a, *operands, s.builder.emit(prim, before, v))
    else:
        in_place(s, a_.emit(s.builder, "view", a, *operands, index=tuple(entries)), v, prim)


def in_place(s: Any, a: Operand, v: Operand, prim: str) -> Operand:
    """`a += v` on a whole array: the memory that the name refers to is written."""
    if len(broadcast(a_.dims_of(a), a_.dims_of(v))) > len(a_.dims_of(a)):
        raise s.error("an array is updated in place by one of more axes", "match the shapes", SignatureError)
    with s.builder.region():
        refuse_cast(s, a, (a_.emit if prim == "matmul" else Builder.emit)(s.builder, prim, a, v))
    if prim == "add":
        s.builder.effect("add_into", a, unaliased(s, v, a))
    elif prim == "sub" and can_be_negated(v):
        s.builder.effect("add_into", a, negative(s, v))
    elif prim == "matmul":
        s.builder.effect("assign", a, a_.emit(s.builder, "matmul", a, v))
    else:
        s.builder.effect("assign", a, s.builder.emit(prim, a, v))
    return a


def refuse_cast(s: Any, a: Operand, result: Operand) -> None:
    """NumPy's rule for what is computed into an array: of the same kind as the array, or of a lesser one."""
    if not np.can_cast(a_.dtype_of(result), a_.dtype_of(a), "same_kind"):
        raise s.error(
            f"an array of {a_.dtype_of(a)} is updated in place by {a_.dtype_of(result)}",
            "make the array of that dtype, or write a = a * x",
            SignatureError,
        )


def can_be_negated(v: Operand) -> bool:
    """Whether `a -= v` is `a += -v`: of truth values NumPy has no negative."""
    return v.type.dtype != "bool" if isinstance(v.type, Array) else v.type != BOOL


def negative(s: Any, v: Operand) -> Operand:
    return s.builder.emit("neg", v)  # type: ignore[no-any-return]


# -- arithmetic ---------------------------------------------------------------------------------------


def operator(s: Any, prim: str, operands: list[Operand], inplace: bool, hint: str) -> Operand:
    """An operator with an array among its operands."""
    for o in operands:
        if isinstance(o, Undef):
            return s.builder.emit("unbound", type=BOTTOM, name=o.hint)  # type: ignore[no-any-return]
        if o.type is BOTTOM:
            return Value("", BOTTOM)
    operands = [array(s, o) if isinstance(o.type, List) else o for o in operands]
    if inplace and isinstance(operands[0].type, Array):
        return in_place(s, operands[0], operands[1], prim)
    if prim == "matmul":
        return a_.emit(s.builder, "matmul", *operands, hint=hint)
    return elementwise(s, prim, operands, hint)


def elementwise(s: Any, prim: str, operands: list[Operand], hint: str = "") -> Operand:
    for o in operands:
        if not isinstance(o.type, (Array, Scalar)):
            raise s.error(
                f"{describe(o)} in arithmetic with an array",
                "only numbers and arrays can stand here",
                SignatureError,
            )
    if not is_elementwise(PRIMS[prim]):
        raise s.error(f"{prim}() of an array", "use NumPy's function of that name", SignatureError)
    s.builder.fold, before = False, s.builder.fold
    try:
        return s.builder.emit(prim, *operands, hint=hint)  # type: ignore[no-any-return]
    finally:
        s.builder.fold = before


# -- attributes ---------------------------------------------------------------------------------------


def attribute(s: Any, a: Value, name: str) -> AV | None:
    t = a.type
    assert isinstance(t, Array)
    if name == "shape":
        return TupleAV(tuple(sizes(s, a)))
    if name == "size":
        total: Operand = const(1)
        for o in sizes(s, a):
            total = o if isinstance(total, Const) and total.value == 1 else s.builder.emit("mul", total, o)
        return total
    if name == "ndim":
        return const(t.ndim)
    if name == "dtype":
        return StaticAV(np.dtype(t.dtype))
    if name == "T":
        return transposed(s, a, None)
    if name == "mT" and t.ndim > 1:
        return transposed(s, a, (*range(t.ndim - 2), t.ndim - 1, t.ndim - 2))
    if name == "itemsize":
        return const(np.dtype(t.dtype).itemsize)
    if name == "nbytes":
        return s.builder.emit("mul", attribute(s, a, "size"), const(np.dtype(t.dtype).itemsize))  # type: ignore[no-any-return, arg-type]
    if name in ("real", "imag"):
        return (
            a if name == "real" and not t.dtype.startswith("complex") else s.builder.emit(f"numpy.{name}", a)
        )
    if name == "flat":
        return reshaped(s, a, [const(-1)])
    return None


def transposed(s: Any, a: Operand, axes: Any, hint: str = "") -> Operand:
    n = len(a_.dims_of(a))
    order = tuple(reversed(range(n))) if axes is None else tuple(x % n for x in axes)
    if order == tuple(range(n)):
        return a
    return a_.emit(s.builder, "numpy.transpose", a, hint=hint, axes=order)


def reshaped(s: Any, a: Operand, shape: list[Operand], hint: str = "") -> Operand:
    """-1 is computed: the sizes of the result are operands."""
    open_ = [i for i, o in enumerate(shape) if isinstance(o, Const) and o.value == -1]
    dims = a_.dims_of(a)
    if open_:
        known: Operand = const(1)
        for i, o in enumerate(shape):
            if i not in open_:
                known = (
                    o if isinstance(known, Const) and known.value == 1 else s.builder.emit("mul", known, o)
                )
        if len(dims) == 1 and isinstance(known, Const) and known.value == 1:
            total = sizes(s, a)[0]
        elif not dims:
            total = const(1)
        else:
            total = attribute(s, a, "size")  # type: ignore[arg-type, assignment]
        if isinstance(known, Const) and known.value == 1:
            size = total
        elif isinstance(known, Const) and isinstance(total, Const):
            size = const(total.value // known.value)
        else:
            size = s.builder.emit("floordiv", total, known)
        shape = [size if i in open_ else o for i, o in enumerate(shape)]
    prim = "numpy.reshape" if isinstance(a.type, Array) else "numpy.broadcast_to"
    made = a_.emit(s.builder, prim, a, *shape, hint=hint)
    return made if isinstance(made.type, Array) else without_axes(made)
