"""NumPy functions that make, copy, convert and fill arrays, on abstract values."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.core import Operand, Value
from s2sad.ir.types import Array, List, Scalar
from s2sad.rules import arrays as a_
from s2sad.rules.builder import const
from s2sad.typing import arrays, items
from s2sad.typing.abstract import AV, TupleAV
from s2sad.typing.arrays import arguments, array, shape_operands, static
from s2sad.typing.functions.core import Handler, dtype_name, numpy_function


def allocation(name: str) -> Handler:
    def make(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.{name}", "shape dtype order", args, kwargs)
        sizes = shape_operands(s, found.pop("shape"))
        dtype = dtype_name(s, found, "float64")
        t = Array(dtype, len(sizes), tuple(map(a_.size_of, sizes)))
        return s.builder.emit(f"numpy.{name}", *sizes, type=t, hint=hint, dtype=dtype)  # type: ignore[no-any-return]

    return make


def like(name: str) -> Handler:
    def make(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.{name}_like", "a dtype order subok shape", args, kwargs)
        a = found.pop("a")
        if isinstance(a, Value) and isinstance(a.type, List):
            a = array(s, a)
        a = array(s, a)
        dtype = dtype_name(s, found, a_.dtype_of(a))
        sizes = arrays.sizes(s, a)
        if not sizes:
            return const(0.0 if name == "zeros" else 1.0)
        if name == "zeros" and isinstance(a.type, Array) and dtype == a.type.dtype:
            return s.builder.emit("zeros_like", a, type=a.type, hint=hint)  # type: ignore[no-any-return]
        t = Array(dtype, len(sizes), tuple(map(a_.size_of, sizes)))
        return s.builder.emit(f"numpy.{name}", *sizes, type=t, hint=hint, dtype=dtype)  # type: ignore[no-any-return]

    return make


for _name in ("zeros", "ones", "empty"):
    numpy_function(getattr(np, _name))(allocation(_name))
    numpy_function(getattr(np, f"{_name}_like"))(like(_name))


def filled(s: Any, sizes: list[Operand], value: Operand, dtype: str, hint: str) -> AV:
    spread = a_.emit(s.builder, "numpy.broadcast_to", value, *sizes)
    if not isinstance(spread.type, Array):
        return spread
    t = Array(dtype, spread.type.ndim, spread.type.dims)
    if dtype != spread.type.dtype:
        return s.builder.emit("astype", spread, type=t, hint=hint, dtype=dtype)  # type: ignore[no-any-return]
    return s.builder.emit("copy", spread, type=t, hint=hint)  # type: ignore[no-any-return]


@numpy_function(np.full)
def _full(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.full", "shape fill_value dtype", args, kwargs)
    value = array(s, found.pop("fill_value"))
    return filled(
        s, shape_operands(s, found.pop("shape")), value, dtype_name(s, found, a_.dtype_of(value)), hint
    )


@numpy_function(np.full_like)
def _full_like(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.full_like", "a fill_value dtype", args, kwargs)
    a = array(s, found.pop("a"))
    return filled(
        s, arrays.sizes(s, a), array(s, found.pop("fill_value")), dtype_name(s, found, a_.dtype_of(a)), hint
    )


@numpy_function(np.array, np.asarray, np.copy, np.ascontiguousarray, np.atleast_1d)
def _array(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return _made(s, args, kwargs, hint, True)


def _made(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str, fresh: bool) -> AV:
    found = arguments(s, "numpy.array", "a dtype copy order ndmin", args, kwargs)
    given = found.pop("a")
    a = array(s, given)
    dtype = dtype_name(s, found, a_.dtype_of(a))
    if not isinstance(a.type, Array):
        return a
    if dtype != a.type.dtype:
        return _cast(s, a, dtype, hint)
    if fresh and given is a:
        return s.builder.emit("copy", a, type=a.type, hint=hint)  # type: ignore[no-any-return]
    return a


def _cast(s: Any, a: Operand, dtype: str, hint: str) -> AV:
    if dtype.startswith(("int", "uint", "bool")):
        a = s.builder.emit("stop_gradient", a, type=a.type) if a_.dtype_of(a).startswith("float") else a
    t = Array(dtype, len(a_.dims_of(a)), a_.dims_of(a))
    return s.builder.emit("astype", a, type=t, hint=hint, dtype=dtype)  # type: ignore[no-any-return]


@numpy_function(np.asarray, np.ascontiguousarray)
def _asarray(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return _made(s, args, kwargs, hint, False)


@numpy_function(method="astype")
def _astype(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    dtype = np.dtype(s.static(args[1] if len(args) > 1 else kwargs["dtype"])).name
    return _cast(s, array(s, args[0]), dtype, hint)


@numpy_function(method="copy")
def _copy(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    return s.builder.emit("copy", a, type=a.type, hint=hint)  # type: ignore[no-any-return]


@numpy_function(method="item")
def _item(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    if len(args) > 1:
        return items.getitem(s, a, TupleAV(tuple(args[1:])), hint)
    return a_.emit(s.builder, "numpy.sum", a, hint=hint, axis=None)


@numpy_function(method="fill")
def _fill(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    s.builder.effect("assign", array(s, args[0]), array(s, args[1]))
    return const(None)


@numpy_function(np.copyto)
def _copyto(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    if kwargs:
        raise s.error("np.copyto() with keywords is not supported yet", "assign with a[...] = v")
    target = array(s, args[0])
    s.builder.effect("assign", target, arrays.unaliased(s, array(s, args[1]), target))
    return const(None)


@numpy_function(np.arange)
def _arange(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    dtype = static(s, kwargs, "dtype")
    bounds = [array(s, a) for a in args]
    kinds = {b.type.kind for b in bounds if isinstance(b.type, Scalar)}
    name = np.dtype(dtype).name if dtype is not None else "int64" if kinds == {"int"} else "float64"
    dims: tuple[Any, ...] = (None,)
    if len(bounds) == 1 and kinds == {"int"}:
        dims = (a_.size_of(bounds[0]),)
    attrs = {"dtype": name} if dtype is not None else {}
    return s.builder.emit("numpy.arange", *bounds, type=Array(name, 1, dims), hint=hint, **attrs)  # type: ignore[no-any-return]
