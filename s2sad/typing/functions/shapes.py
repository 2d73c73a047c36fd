"""NumPy functions that change shapes, on abstract values."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.errors import SignatureError
from s2sad.ir.core import Operand, Value
from s2sad.ir.types import Array, List, is_many
from s2sad.rules import arrays as a_
from s2sad.rules.builder import const
from s2sad.rules.shapes import broadcast
from s2sad.typing.abstract import AV, TupleAV
from s2sad.typing.arrays import (
    arguments,
    array,
    listed,
    reshaped,
    shape_operands,
    static,
    transposed,
    without_axes,
)
from s2sad.typing.calls import METHODS
from s2sad.typing.functions.core import (
    all_from_front,
    cast,
    dtype_name,
    elements,
    from_front,
    numpy_function,
    refuse,
    takes_out,
)
from s2sad.typing.functions.core import found as found_names
from s2sad.typing.raising import raise_where
from s2sad.typing.subscripts import getitem


@numpy_function(np.reshape, method="reshape")
def _reshape(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = dict(kwargs)
    refuse(s, "numpy.reshape", found, copy=None)
    a = array(s, args[0])
    order = static(s, found, "order", "C")
    named = [found.pop(k) for k in ("shape", "newshape") if k in found]
    if found:
        raise s.error(f"reshape() with {next(iter(found))}= is not supported", "leave it out")
    shape = args[1:] or named
    if len(shape) == 2 and isinstance(s.static(shape[1]), str):
        shape, order = shape[:1], s.static(shape[1])
    sizes = shape_operands(s, shape[0]) if len(shape) == 1 else [s.integer(x, "a size") for x in shape]
    if in_c_order(s, order, "reshape"):
        return reshaped(s, a, sizes, hint)
    made = reshaped(s, transposed(s, a, None), sizes[::-1])
    return transposed(s, made, None, hint)


def in_c_order(s: Any, order: Any, name: str) -> bool:
    """Whether elements are counted with the last axis fastest; 'F' is that of the transposed."""
    if order not in ("C", "F"):
        raise s.error(
            f"{name}() with order={order!r} depends on the memory layout", "use order='C' or order='F'"
        )
    return bool(order == "C")


@numpy_function(np.ravel, method="ravel")
def _ravel(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "ravel", "a order", args, kwargs)
    a = array(s, found.pop("a"))
    if not in_c_order(s, static(s, found, "order", "C"), "ravel"):
        a = transposed(s, a, None)
    return reshaped(s, a, [const(-1)], hint, how="ravel")


def _flatten(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    one = len(a_.dims_of(a)) == 1
    own = s.builder.emit("copy", a, type=a.type, hint=hint if one else "")
    return own if one else _ravel(s, [own, *args[1:]], kwargs, hint)


METHODS["array", "flatten"] = _flatten


@numpy_function(np.transpose, *found_names("permute_dims"), method="transpose")
def _transpose(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    given = args[1:] or ([kwargs["axes"]] if "axes" in kwargs else [])
    if not given or s.static(given[0]) is None:
        return transposed(s, a, None, hint)
    found = [s.static(listed(s, x)) for x in given]
    axes = found[0] if isinstance(found[0], tuple) else tuple(found)
    n = len(a_.dims_of(a))
    if len(axes) != n:
        raise s.error(f"{len(axes)} axes for an array of {n}", "name each axis once", SignatureError)
    return transposed(s, a, all_from_front(s, axes, n), hint)


@numpy_function(np.swapaxes, method="swapaxes")
def _swapaxes(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.swapaxes", "a axis1 axis2", args, kwargs)
    a = array(s, found["a"])
    order = list(range(len(a_.dims_of(a))))
    i, j = (from_front(s, static(s, found, k), len(order)) for k in ("axis1", "axis2"))
    order[i], order[j] = order[j], order[i]
    return transposed(s, a, order, hint)


@numpy_function(np.moveaxis)
def _moveaxis(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.moveaxis", "a source destination", args, kwargs)
    a = array(s, found.pop("a"))
    n = len(a_.dims_of(a))
    source, target = (
        all_from_front(s, k if isinstance(k, tuple) else (k,), n)
        for k in (static(s, found, name) for name in ("source", "destination"))
    )
    if len(source) != len(target):
        raise s.error("np.moveaxis() to other than as many places", "match them", SignatureError)
    moved = np.moveaxis(np.empty(tuple(range(2, n + 2))), source, target).shape
    return transposed(s, a, [int(m) - 2 for m in moved], hint)


@numpy_function(np.expand_dims)
def _expand_dims(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.expand_dims", "a axis", args, kwargs)
    a = array(s, found.pop("a"))
    axis = static(s, found, "axis")
    axes = axis if isinstance(axis, tuple) else (axis,)
    n = len(a_.dims_of(a)) + len(axes)
    return a_.emit(s.builder, "newaxis", a, hint=hint, axes=tuple(from_front(s, x, n) for x in axes))


@numpy_function(np.squeeze, method="squeeze")
def _squeeze(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.squeeze", "a axis", args, kwargs)
    a = array(s, found.pop("a"))
    dims = a_.dims_of(a)
    axis = static(s, found, "axis")
    if axis is None:
        if any(d != 1 and not is_many(d) for d in dims):
            raise s.error("np.squeeze() of an array whose axes of size 1 are not known", "give it axis=")
        axes = tuple(i for i, d in enumerate(dims) if d == 1)
    else:
        axes = tuple(from_front(s, x, len(dims)) for x in (axis if isinstance(axis, tuple) else (axis,)))
        text = "cannot select an axis to squeeze out which has size not equal to one"
        s.builder.test_sizes("one_long", (a,), {"axes": axes, "text": text})
    if len(axes) == len(dims) > 0:
        only = s.builder.emit("load", a, *[const(0)] * len(dims), type=a.type.item, hint=hint)  # type: ignore[union-attr, attr-defined]
        return without_axes(only)
    return a_.emit(s.builder, "squeeze", a, hint=hint, axes=axes) if axes else a


@numpy_function(np.broadcast_to)
def _broadcast_to(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.broadcast_to", "array shape subok", args, kwargs)
    refuse(s, "numpy.broadcast_to", found, subok=False)
    a = array(s, found.pop("array"))
    sizes = shape_operands(s, found["shape"])
    if sizes and a_.dims_of(a) == tuple(map(a_.size_of, sizes)):
        return a
    if len(a_.dims_of(a)) > len(sizes):
        text = "input operand has more dimensions than allowed by the axis remapping"
        raise_where(s, const(True), ValueError, text)
        return a
    return a_.emit(s.builder, "numpy.broadcast_to", a, *sizes, hint=hint)


@numpy_function(np.broadcast_arrays)
def _broadcast_arrays(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    parts = [array(s, a) for a in args]
    dims = broadcast(*map(a_.dims_of, parts))
    sizes = []
    for i, d in enumerate(dims):
        here = []  # the sizes that meet on this axis
        for p in parts:
            k = i - len(dims) + len(a_.dims_of(p))
            if k >= 0:
                here.append((a_.dims_of(p)[k], a_.shape(s.builder, p)[k]))
        certain = [o for size, o in here if size == d and d is not None]
        size: Operand = certain[0] if certain else here[0][1]
        for _, other in [] if certain else here[1:]:
            size = s.builder.emit("builtins.max", size, other)
        sizes.append(size)
    return TupleAV(
        tuple(
            p if a_.dims_of(p) == dims else a_.emit(s.builder, "numpy.broadcast_to", p, *sizes) for p in parts
        )
    )


@numpy_function(*found_names("unstack"))
def _unstack(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.unstack", "x axis", args, kwargs)
    a = array(s, found.pop("x"))
    n = len(a_.dims_of(a))
    axis = from_front(s, static(s, found, "axis", 0), n)
    order = (axis, *(i for i in range(n) if i != axis))
    size = a_.dims_of(a)[axis]
    if not isinstance(size, int):
        raise s.error(
            "np.unstack() along an axis whose size is not known when code is generated", "index the array"
        )
    moved = transposed(s, a, order)
    return TupleAV(tuple(getitem(s, moved, const(i)) for i in range(size)))


def of_list(s: Any, arrays: Value, found: dict[str, AV]) -> AV:
    """np.concatenate of a list whose length is not known."""
    from s2sad.library.joining import of_list
    from s2sad.typing.functions.library import call

    assert isinstance(arrays.type, List) and isinstance(arrays.type.item, Array)
    item, axis = arrays.type.item, static(s, found, "axis", 0)
    if axis is None:
        raise s.error(
            "np.concatenate(…, axis=None) of a list is not supported yet", "append a.ravel() to the list"
        )
    dtype = dtype_name(s, {"dtype": found["dtype"]}, "") if "dtype" in found else item.dtype
    return call(s, of_list, [arrays, const(from_front(s, axis, item.ndim)), const(dtype)], {})


def of_one_rank(s: Any, parts: list[Operand], text: str) -> list[Operand]:
    """Arrays of as many axes as the first; where there are others NumPy raises, and nothing that follows runs."""
    alike = [p for p in parts if len(a_.dims_of(p)) == len(a_.dims_of(parts[0]))]
    if len(alike) < len(parts):
        raise_where(s, const(True), ValueError, text)
    return alike


@numpy_function(np.concatenate, *found_names("concat"))
@takes_out("numpy.concatenate", "arrays axis out")
def _concatenate(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.concatenate", "arrays axis out dtype casting", args, kwargs)
    refuse(s, "numpy.concatenate", found, casting="same_kind")
    given = found.pop("arrays")
    if isinstance(given, Value) and isinstance(given.type, List) and isinstance(given.type.item, Array):
        return of_list(s, given, found)
    parts = [array(s, p) for p in elements(s, given)]
    if "dtype" in found:
        parts = [cast(s, p, dtype_name(s, {"dtype": found["dtype"]}, "")) for p in parts]
    axis = static(s, found, "axis", 0)
    if axis is None:
        parts, axis = [reshaped(s, p, [const(-1)]) for p in parts], 0
    parts = of_one_rank(s, parts, "all the input arrays must have same number of dimensions")
    return a_.emit(
        s.builder, "numpy.concatenate", *parts, hint=hint, axis=from_front(s, axis, len(a_.dims_of(parts[0])))
    )
