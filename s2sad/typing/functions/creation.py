"""NumPy functions that make, copy, convert and fill arrays, on abstract values."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.errors import SignatureError
from s2sad.ir.core import Operand, Value
from s2sad.ir.types import BOOL, Array, List, Scalar, is_float
from s2sad.rules import arrays as a_
from s2sad.rules.builder import const
from s2sad.typing import arrays, items, lists
from s2sad.typing.abstract import AV, StaticAV, TupleAV
from s2sad.typing.arrays import arguments, array, attribute, reshaped, shape_operands, static, transposed
from s2sad.typing.calls import HANDLERS, of_python
from s2sad.typing.functions.core import (
    Handler,
    cast,
    dtype_name,
    from_front,
    is_none,
    number_dtype,
    numpy_function,
    refuse,
)
from s2sad.typing.functions.core import found as found_names
from s2sad.typing.raising import raise_where


def allocation(name: str) -> Handler:
    def make(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.{name}", "shape dtype order", args, kwargs)
        refuse(s, f"numpy.{name}", found, order="C")
        sizes = shape_operands(s, found.pop("shape"))
        dtype = dtype_name(s, found, "float64")
        t = Array(dtype, len(sizes), tuple(map(a_.size_of, sizes)))
        return s.builder.emit(f"numpy.{name}", *sizes, type=t, hint=hint, dtype=dtype)  # type: ignore[no-any-return]

    return make


def like(name: str) -> Handler:
    def make(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.{name}_like", "a dtype order subok shape", args, kwargs)
        refuse(s, f"numpy.{name}_like", found, order=("K", "C"), subok=True)
        a = array(s, found.pop("a"))
        dtype = dtype_name(s, found, a_.dtype_of(a))
        if not is_none(found.get("shape")):
            sizes = shape_operands(s, found.pop("shape"))
            t = Array(dtype, len(sizes), tuple(map(a_.size_of, sizes)))
            return s.builder.emit(f"numpy.{name}", *sizes, type=t, hint=hint, dtype=dtype)  # type: ignore[no-any-return]
        if not isinstance(a.type, Array):
            return const(0.0 if name == "zeros" else 1.0)
        sizes = arrays.sizes(s, a)
        if name == "zeros" and isinstance(a.type, Array) and dtype == a.type.dtype:
            return s.builder.emit("zeros_like", a, type=a.type, hint=hint)  # type: ignore[no-any-return]
        t = Array(dtype, len(sizes), tuple(map(a_.size_of, sizes)))
        order = {"order": "K"} if len(sizes) > 1 else {}  # it lies in memory as the other does
        return s.builder.emit(f"numpy.{name}", *sizes, type=t, hint=hint, dtype=dtype, **order)  # type: ignore[no-any-return]

    return make


for _name in ("zeros", "ones", "empty"):
    numpy_function(getattr(np, _name))(allocation(_name))
    numpy_function(getattr(np, f"{_name}_like"))(like(_name))


def filled(s: Any, sizes: list[Operand], value: Operand, dtype: str, hint: str, **attrs: str) -> AV:
    spread = a_.emit(s.builder, "numpy.broadcast_to", value, *sizes)
    if not isinstance(spread.type, Array):
        return arrays.of_number(s, spread, hint)
    t = Array(dtype, spread.type.ndim, spread.type.dims)
    if dtype != spread.type.dtype:
        return s.builder.emit("astype", spread, type=t, hint=hint, dtype=dtype)  # type: ignore[no-any-return]
    return s.builder.emit("copy", spread, type=t, hint=hint, **attrs)  # type: ignore[no-any-return]


@numpy_function(np.full)
def _full(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.full", "shape fill_value dtype order", args, kwargs)
    refuse(s, "numpy.full", found, order="C")
    value = array(s, found.pop("fill_value"))
    sizes = shape_operands(s, found.pop("shape"))
    order = {"order": "C"} if len(sizes) > 1 else {}
    return filled(s, sizes, value, dtype_name(s, found, a_.dtype_of(value)), hint, **order)


@numpy_function(np.full_like)
def _full_like(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.full_like", "a fill_value dtype order subok shape", args, kwargs)
    refuse(s, "numpy.full_like", found, order="K", subok=True)
    a = array(s, found.pop("a"))
    shape = found.pop("shape", None)
    return filled(
        s,
        arrays.sizes(s, a) if is_none(shape) else shape_operands(s, shape),  # type: ignore[arg-type]
        array(s, found.pop("fill_value")),
        dtype_name(s, found, a_.dtype_of(a)),
        hint,
    )


def by_rows(s: Any, a: Operand, hint: str) -> Operand:
    """The array itself, or a copy where it lies otherwise in memory."""
    return a_.emit(s.builder, "numpy.ascontiguousarray", a, hint=hint)


def by_columns(s: Any, a: Operand, hint: str) -> Operand:
    return transposed(s, by_rows(s, transposed(s, a, None), ""), None, hint)


CONTIGUOUS = {"ascontiguousarray": by_rows, "asfortranarray": by_columns}


def converted(name: str, params: str, fresh: bool) -> Handler:
    """np.array, np.asarray: a copy, or the array itself where it has the dtype."""

    def make(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.{name}", params, args, kwargs)
        refuse(
            s, f"numpy.{name}", found, order=(None, "K", "C", "A"), subok=False, like=None, requirements=None
        )
        copies = static(s, found, "copy", fresh)
        axes = static(s, found, "ndmin", 0)
        given = found.pop("a")
        a = array(s, given)
        dtype = dtype_name(s, found, a_.dtype_of(a))
        made = cast(s, a, dtype, hint)
        if not isinstance(made.type, Array) and not axes:
            return arrays.of_number(s, made, hint)
        if made is a and copies and given is a and isinstance(a.type, Array):
            made = s.builder.emit("copy", a, type=a.type, hint=hint)
        if name in CONTIGUOUS and made is a and isinstance(a.type, Array):
            made = CONTIGUOUS[name](s, a, hint)
        missing = axes - len(a_.dims_of(made))
        return (
            a_.emit(s.builder, "newaxis", made, hint=hint, axes=tuple(range(missing)))
            if missing > 0
            else made
        )

    return make


numpy_function(np.array)(converted("array", "a dtype copy order subok ndmin like", True))
numpy_function(np.copy)(converted("copy", "a order subok", True))
for _fn in (np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray):
    numpy_function(_fn)(converted(_fn.__name__, "a dtype order copy like", False))
numpy_function(np.require)(converted("require", "a dtype requirements", False))


@numpy_function(*found_names("astype"), method="astype")
def _astype(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "astype", "a dtype order casting subok copy", args, kwargs)
    refuse(s, "astype", found, order="K", casting="unsafe", subok=True)
    a = array(s, found.pop("a"))
    made = cast(s, a, dtype_name(s, found, ""), hint)
    if made is a and isinstance(a.type, Array) and static(s, found, "copy", True):
        return s.builder.emit("copy", a, type=a.type, hint=hint)  # type: ignore[no-any-return]
    return made  # type: ignore[no-any-return]


@numpy_function(method="copy")
def _copy(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "copy", "a order", args, kwargs)
    a = array(s, found["a"])
    by_rows = len(a_.dims_of(a)) > 1 and static(s, found, "order", "C") == "C"
    attrs = {"order": "C"} if by_rows else {}  # where it is reshaped, this tells a view from a copy
    return s.builder.emit("copy", a, type=a.type, hint=hint, **attrs)  # type: ignore[no-any-return]


@numpy_function(method="item")
def _item(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    if len(args) == 2 and isinstance(args[1], TupleAV):
        args = [args[0], *args[1].items]
    if len(args) == 2 and len(a_.dims_of(a)) > 1:
        return of_python(s, items.getitem(s, reshaped(s, a, [const(-1)]), args[1]), hint)
    if len(args) > 1:
        return of_python(s, items.getitem(s, a, TupleAV(tuple(args[1:]))), hint)
    size = attribute(s, a, "size") if isinstance(a, Value) and isinstance(a.type, Array) else const(1)
    several = s.builder.emit("ne", size, const(1), type=BOOL)
    raise_where(s, several, ValueError, "can only convert an array of size 1 to a Python scalar")
    return of_python(s, a_.emit(s.builder, "numpy.sum", a, axis=None), hint)


@numpy_function(method="fill")
def _fill(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    s.builder.effect("assign", array(s, args[0]), array(s, args[1]))
    return const(None)


def limits(of: Any) -> Handler:
    """np.finfo and np.iinfo: constants of a dtype."""

    def make(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        return StaticAV(of(static(s, {"dtype": args[0]}, "dtype")))

    return make


numpy_function(np.finfo)(limits(np.finfo))
numpy_function(np.iinfo)(limits(np.iinfo))


@numpy_function(np.arange)
def _arange(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.arange", "start stop step dtype", args, kwargs)
    dtype = static(s, found, "dtype")
    if is_none(found.get("stop")) and "start" in found:  # a bound alone is where it ends
        found["stop"] = found.pop("start")
    if not is_none(found.get("step")):
        found.setdefault("start", const(0))
    found = {k: v for k, v in found.items() if not is_none(v)}
    bounds = [array(s, found[k]) for k in ("start", "stop", "step") if k in found]
    if any(isinstance(b, Value) and isinstance(b.type, Scalar) and is_float(b.type) for b in bounds):
        from s2sad.library import making
        from s2sad.typing.functions.library import call

        ends = [const(0), *bounds] if len(bounds) == 1 else bounds
        made = call(s, making.arange, [*ends, const(1)] if len(ends) == 2 else list(ends), {})
        return made if dtype is None else cast(s, made, number_dtype(s, dtype), hint)  # type: ignore[arg-type,no-any-return]
    kinds = {b.type.kind for b in bounds if isinstance(b.type, Scalar)}
    name = number_dtype(s, dtype) if dtype is not None else "int64" if kinds == {"int"} else "float64"
    dims: tuple[Any, ...] = (None,)
    if len(bounds) == 1 and kinds == {"int"}:
        dims = (a_.size_of(bounds[0]),)
    attrs = {"dtype": name} if dtype is not None else {}
    return s.builder.emit("numpy.arange", *bounds, type=Array(name, 1, dims), hint=hint, **attrs)  # type: ignore[no-any-return]


@numpy_function(np.eye)
def _eye(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return _square(s, "eye", "N M k dtype order", args, kwargs, hint)


@numpy_function(np.identity)
def _identity(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.identity", "n dtype", args, kwargs)
    return _square(s, "eye", "N dtype", [found.pop("n")], found, hint)


@numpy_function(np.tri)
def _tri(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return _square(s, "tri", "N M k dtype", args, kwargs, hint)


def _square(s: Any, name: str, params: str, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, f"numpy.{name}", params, args, kwargs)
    refuse(s, f"numpy.{name}", found, order="C")
    rows = s.integer(found.pop("N"), "a size")
    columns = found.pop("M", None)
    dtype = dtype_name(s, found, "float64")
    k = static(s, found, "k", 0)
    wide = rows if is_none(columns) else s.integer(columns, "a size")
    return a_.emit(s.builder, f"numpy.{name}", rows, wide, hint=hint, dtype=dtype, **({"k": k} if k else {}))


@numpy_function(np.linspace)
def _linspace(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.linspace", "start stop num endpoint retstep dtype axis", args, kwargs)
    start, stop = (array(s, found.pop(k)) for k in ("start", "stop"))
    num = s.integer(found.pop("num", const(50)), "a number of points")
    endpoint = bool(static(s, found, "endpoint", True))
    y = a_.emit(s.builder, "numpy.linspace", start, stop, num, hint=hint, endpoint=endpoint)
    axis = static(s, found, "axis", 0)
    ndim = len(a_.dims_of(y))
    axis = from_front(s, axis, ndim)
    if axis:
        order = list(range(1, ndim))
        order.insert(axis, 0)
        y = arrays.transposed(s, y, order)
    y = cast(s, y, dtype_name(s, found, a_.dtype_of(y)))
    if not static(s, found, "retstep", False):
        return y
    parts = s.builder.emit("sub", num, const(1)) if endpoint else num
    return TupleAV((y, s.builder.emit("div", s.builder.emit("sub", stop, start), parts)))


@numpy_function(method="sort")
def _sort(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return _in_place(s, np.sort, args, kwargs)


@numpy_function(method="partition")
def _partition(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return _in_place(s, np.partition, args, kwargs)


def _in_place(s: Any, fn: Any, args: list[AV], kwargs: dict[str, AV]) -> AV:
    """A method that rearranges its array."""
    a = array(s, args[0])
    s.builder.effect("assign", a, HANDLERS[fn](s, args, kwargs, ""))
    return const(None)


@numpy_function(method="tolist")
def _tolist(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = args[0]
    if isinstance(a, Value) and isinstance(a.type, Array) and a.type.ndim > 1:
        from s2sad.typing.itertools_functions import generator

        return lists.list_from(s, generator(s, "(row.tolist() for row in it)", a))
    if isinstance(a, Value) and isinstance(a.type, Array):
        item = Scalar(a.type.item.kind)  # Python's numbers
        return s.builder.emit("list_of", a, type=List(item), hint=hint)  # type: ignore[no-any-return]
    raise s.error("tolist() of an array without axes is a number", "take the number itself", SignatureError)
