"""NumPy on abstract values: subscripts, arithmetic in place, and the functions that make and shape arrays.

What is one operation is emitted here; functions that are made of others are written in NumPy themselves, in
`s2sad.library`, and typed as if the user had written them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import numpy as np

from s2sad.errors import Loc, S2sadError, SignatureError
from s2sad.frontend.source import MISSING
from s2sad.ir.core import Block, Const, Op, Operand, Undef, Value, all_operands
from s2sad.ir.types import BOTTOM, INT, Array, List, Object, Scalar, Type
from s2sad.rules import arrays as a_
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import broadcast, is_elementwise
from s2sad.typing.abstract import AV, RangeAV, StaticAV, TupleAV, describe, is_operand
from s2sad.typing.overlaps import unaliased
from s2sad.typing.raising import raise_where

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
            if may_hold_none(operand.type):
                raise no_array(s, "a list that may hold None", what)
            return s.builder.emit("array_of", operand, type=t, dtype=t.dtype)
        if isinstance(operand.type, Object):
            raise no_array(s, describe(operand), what)
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
    raise no_array(s, describe(av), what)


def no_array(s: Any, held: str, what: str) -> S2sadError:
    error: S2sadError = s.error(
        f"{held} cannot be used as an array {what}, or as a part of one",
        "use arrays of numbers",
        SignatureError,
    )
    return error


def may_hold_none(t: Type) -> bool:
    return may_hold_none(t.item) if isinstance(t, List) else bool(getattr(t, "optional", False))


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
    found = Arguments(s, name)
    found.update(zip(names, args, strict=False))
    for key, value in kwargs.items():
        if key not in names or key in found:
            raise s.error(f"{name}() with the argument {key!r} is not supported", "leave it out")
        found[key] = value
    return found


class Arguments(dict[str, AV]):
    """The arguments of a call by name; one that is needed and missing is said to the user."""

    def __init__(self, s: Any, name: str) -> None:
        super().__init__()
        self.s, self.name = s, name

    def __missing__(self, key: str) -> AV:
        raise self.s.error(f"{self.name}() is missing the argument {key!r}", "pass it", SignatureError)

    def pop(self, key: str, *default: Any) -> Any:
        return super().pop(key, *default) if default or key in self else self[key]


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


# -- arrays without axes ------------------------------------------------------------------------------


# Numbers that NumPy gives as arrays without axes, which `+=` would write to; with where they can be made as such arrays
WITHOUT_AXES: WeakKeyDictionary[Value, frozenset[Loc]] = WeakKeyDictionary()
TUPLES: WeakSet[Value] = WeakSet()  # lists in memory that stand for tuples of lengths nobody knows


class InMemory(Exception):
    """Restart typing with the arrays without axes that are made at these places in memory: one is written."""

    def __init__(self, sites: frozenset[Loc]) -> None:
        self.sites = sites


def without_axes(number: Operand) -> Operand:
    """A number that NumPy gives as a view without axes."""
    if isinstance(number, Value):
        WITHOUT_AXES[number] = frozenset()
    return number


def of_number(s: Any, number: Operand, hint: str) -> Operand:
    """What `np.array` makes of a number: an array without axes where one is written to, which all its names show; else
    the number."""
    dtype = a_.dtype_of(number)
    if s.loc in s.context.axeless:
        made = s.builder.emit("numpy.zeros", type=Array(dtype, 0, ()), hint=hint, dtype=dtype)
        s.builder.effect("assign", made, number)
        return made  # type: ignore[no-any-return]
    s.context.numbers.add(s.loc)
    own = Value(hint, number.type)
    s.builder.ops.append(Op("identity", (number,), (own,), s.builder.loc))
    WITHOUT_AXES[own] = frozenset([s.loc])
    return own


def like(number: Value, *sources: Operand) -> Value:
    """A number that stands for one of these: arrays without axes, which `+=` would write to, or others. So does a
    tuple in memory."""
    if any(o in TUPLES for o in sources):
        TUPLES.add(number)
    if isinstance(number.type, Scalar) and any(
        isinstance(o.type, Array) or o in WITHOUT_AXES for o in sources
    ):
        sites = (WITHOUT_AXES.get(o, frozenset()) for o in sources if isinstance(o, Value))
        WITHOUT_AXES[number] = frozenset[Loc]().union(*sites)
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


def refuse_in_place(s: Any, target: Any) -> None:
    """A write to an array without axes, which is a number here."""
    made = s.builder.defs.get(target) if isinstance(target, Value) else None
    if made is not None and made.prim == "load":
        refuse_in_list(s, made.operands[0])
    if isinstance(target, Value) and target in WITHOUT_AXES:
        sites = WITHOUT_AXES[target] - s.context.axeless
        if sites:
            raise InMemory(sites)
        raise s.error(
            "an array without axes is updated in place, and with it the array that it is a view of",
            "index the array itself, as in a[0, 0] += ..., or write y = y + ...",
        )


def refuse_in_list(s: Any, held: Operand) -> None:
    """A write to a number of a list in memory, which may be an array without axes that is known elsewhere, too."""
    if isinstance(held.type, List) and isinstance(held.type.item, Scalar) and s.context.numbers:
        raise InMemory(frozenset(s.context.numbers))


def in_place(s: Any, a: Operand, v: Operand, prim: str) -> Operand:
    """`a += v` on a whole array: the memory that the name refers to is written."""
    if len(broadcast(a_.dims_of(a), a_.dims_of(v))) > len(a_.dims_of(a)):
        raise_where(
            s, const(True), ValueError, "non-broadcastable output operand: it is updated by one of more axes"
        )
        return a
    if prim == "add" or (prim == "sub" and can_be_negated(a) and can_be_negated(v)):
        refuse_cast(s, a, s.builder.infer(prim, (a, v)))
        s.builder.effect("add_into", a, unaliased(s, v, a) if prim == "add" else negative(s, v))
        return a
    emit = a_.emit if prim == "matmul" else Builder.emit
    result = emit(s.builder, prim, a, v)
    refuse_cast(s, a, result.type)
    s.builder.effect("assign", a, result)
    return a


def refuse_cast(s: Any, a: Operand, result: Type) -> None:
    """NumPy's rule for what is computed into an array: of the same kind as the array, or of a lesser one."""
    dtype = a_.dtype_of(Value("", result))
    if not np.can_cast(dtype, a_.dtype_of(a), "same_kind"):
        raise s.error(
            f"an array of {a_.dtype_of(a)} is updated in place by {dtype}",
            "make the array of that dtype, or write a = a * x",
            SignatureError,
        )


def can_be_negated(v: Operand) -> bool:
    """Whether `a -= v` is `a += -v`: of truth values there is no negative, and none of numbers without a sign."""
    return not a_.dtype_of(v).startswith(("bool", "uint"))


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
        return reshaped(s, a, [const(-1)], how="flat")
    return None


def transposed(s: Any, a: Operand, axes: Any, hint: str = "") -> Operand:
    n = len(a_.dims_of(a))
    order = tuple(reversed(range(n))) if axes is None else tuple(x % n for x in axes)
    if order == tuple(range(n)):
        return a
    return a_.emit(s.builder, "numpy.transpose", a, hint=hint, axes=order)


def reshaped(s: Any, a: Operand, shape: list[Operand], hint: str = "", how: str = "") -> Operand:
    """-1 is computed: the sizes of the result are operands. `ravel` copies what does not lie row by row; `flat` is never a
    copy, and is refused where the same reshaped would be one and is written."""
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
    attrs = {how: True} if how and isinstance(a.type, Array) else {}
    made = a_.emit(s.builder, prim, a, *shape, hint=hint, **attrs)
    return made if isinstance(made.type, Array) else without_axes(made)
