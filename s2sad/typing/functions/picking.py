"""NumPy functions that pick elements by position or condition, and those that find them, on abstract values."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.errors import SignatureError
from s2sad.frontend.source import MISSING
from s2sad.ir.core import Const, Operand, Value
from s2sad.ir.types import Array, Scalar
from s2sad.rules import arrays as a_
from s2sad.rules.arrays.positions import COUNTED, histogram_counts
from s2sad.rules.arrays.scans import records
from s2sad.rules.builder import const
from s2sad.typing import items
from s2sad.typing.abstract import AV, LazyAV, SliceAV, TupleAV, is_operand
from s2sad.typing.arrays import arguments, array, reshaped, shape_operands, sizes, static
from s2sad.typing.calls import METHODS
from s2sad.typing.functions.core import Handler, axis_of, from_front, is_none, numpy_function, takes_out
from s2sad.typing.subscripts import getitem

ALL = SliceAV((const(None), const(None), const(None)))
SORTED = {"searchsorted": 0, "digitize": 1}  # which operand is the vector that is searched in


def taken(s: Any, a: Operand, index: Operand, axis: int, hint: str = "") -> Operand:
    """a[:, ..., index], with the index at an axis; always memory of its own."""
    found = getitem(s, a, TupleAV((*[ALL] * axis, index)) if axis else index, hint)
    made = s.builder.defs.get(found)
    if isinstance(found.type, Array) and made is not None and made.prim != "gather":
        return s.builder.emit("copy", found, type=found.type, hint=hint)  # type: ignore[no-any-return]
    return found


@numpy_function(np.take, method="take")
@takes_out("numpy.take", "a indices axis out mode")
def _take(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.take", "a indices axis out mode", args, kwargs)
    found.pop("out", None)
    a, index = array(s, found.pop("a")), array(s, found.pop("indices"))
    mode = static(s, found, "mode", "raise")
    axis = axis_of(s, found, len(a_.dims_of(a)))
    if axis is None:
        a, axis = (a if len(a_.dims_of(a)) == 1 else reshaped(s, a, [const(-1)])), 0
    if mode != "raise":
        n = a_.shape(s.builder, a)[axis]
        if mode == "wrap":
            index = s.builder.emit("mod", index, n)
        else:
            index = s.builder.emit("numpy.clip", index, const(0), s.builder.emit("sub", n, const(1)))
    return taken(s, a, index, axis, hint)


def counted(name: str, params: str) -> Handler:
    """A function whose result does not vary: arrays in order, everything else fixed."""
    operands = [p.strip() for p in COUNTED[name][0].split(",")]

    def find(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.{name}", params, args, kwargs)
        given = [array(s, found.pop(p)) for p in params.split()[: len(operands)]]
        if name in SORTED and len(a_.dims_of(given[SORTED[name]])) != 1:
            raise s.error(f"np.{name}() in what is no vector", "pass a sorted vector", SignatureError)
        attrs = {k: static(s, found, k) for k in list(found)}
        attrs = {k: v for k, v in attrs.items() if v is not None or k == "axis"}
        return a_.emit(s.builder, f"numpy.{name}", *given, hint=hint, **attrs)

    return find


for _fn, _params in (
    (np.searchsorted, "a v side"), (np.digitize, "x bins right"), (np.argpartition, "a kth axis kind"),
    (np.isclose, "a b rtol atol equal_nan"), (np.allclose, "a b rtol atol equal_nan"), (np.array_equal, "a b equal_nan"),
    (np.array_equiv, "a b"), (np.isin, "element test_elements assume_unique invert kind"), (np.flatnonzero, "a"), (np.argwhere, "a"),
    (np.isposinf, "x"), (np.isneginf, "x"),
):  # fmt: skip
    numpy_function(_fn)(counted(_fn.__name__, _params))
numpy_function(histogram_counts)(counted("histogram_counts", "a bins"))
METHODS["array", "searchsorted"] = counted("searchsorted", "a v side")
METHODS["array", "argpartition"] = counted("argpartition", "a kth axis kind")


@numpy_function(records)
def _records(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return a_.emit(s.builder, "records", array(s, args[0]), axis=s.static(args[1]), sign=s.static(args[2]))


@numpy_function(slice)
def _slice(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    parts = [const(None), args[0]] if len(args) == 1 else list(args)
    return SliceAV((*parts, *[const(None)] * (3 - len(parts))))


@numpy_function(np.lexsort)
def _lexsort(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.lexsort", "keys axis", args, kwargs)
    keys = array(s, found.pop("keys"))
    if len(a_.dims_of(keys)) != 2:
        raise s.error(
            "numpy.lexsort() of keys of more than one axis is not supported yet", "use keys of one axis"
        )
    from_front(s, static(s, found, "axis", -1), 1)
    return a_.emit(s.builder, "numpy.lexsort", keys, hint=hint)


@numpy_function(np.bincount)
def _bincount(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.bincount", "x weights minlength", args, kwargs)
    x, weights = array(s, found["x"]), found.get("weights")
    if not is_none(weights):
        from s2sad.library.picking import weighted_bincount
        from s2sad.typing.functions.library import call

        return call(s, weighted_bincount, [x, weights, found.get("minlength", const(0))], {})  # type: ignore[list-item]
    if s.static(found.get("minlength", const(0))) is MISSING:
        from s2sad.library.picking import bincount
        from s2sad.typing.functions.library import call

        return call(s, bincount, [x, found["minlength"]], {})  # type: ignore[list-item]
    least = static(s, found, "minlength", 0)
    return a_.emit(s.builder, "numpy.bincount", x, hint=hint, **({"minlength": least} if least else {}))


@numpy_function(np.count_nonzero)
def _count_nonzero(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.count_nonzero", "a axis keepdims", args, kwargs)
    a = array(s, found.pop("a"))
    axis = axis_of(s, found, len(a_.dims_of(a)))
    return a_.emit(
        s.builder,
        "numpy.count_nonzero",
        a,
        hint=hint,
        axis=axis,
        keepdims=bool(static(s, found, "keepdims", False)),
    )


@numpy_function(np.nonzero, method="nonzero")
def _nonzero(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    return TupleAV(tuple(a_.emit(s.builder, "nonzero", a, axis=k) for k in range(max(1, len(a_.dims_of(a))))))


@numpy_function(np.unravel_index)
def _unravel_index(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.unravel_index", "indices shape", args, kwargs)
    index, shape = array(s, found["indices"]), shape_operands(s, found["shape"])
    return TupleAV(
        tuple(a_.emit(s.builder, "unravel_index", index, *shape, axis=k) for k in range(len(shape)))
    )


@numpy_function(np.ix_)
def _ix(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    made: list[AV] = []
    for k, arg in enumerate(args):
        a = array(s, arg)
        if len(a_.dims_of(a)) != 1:
            raise s.error("np.ix_() of what is no vector", "pass vectors", SignatureError)
        if a_.dtype_of(a) == "bool":
            a = a_.emit(s.builder, "nonzero", a, axis=0)
        axes = tuple(i for i in range(len(args)) if i != k)
        made.append(a_.emit(s.builder, "newaxis", a, axes=axes) if axes else a)
    return TupleAV(tuple(made))


@numpy_function(np.shape)
def _shape(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    if (isinstance(args[0], Value) and isinstance(args[0].type, Scalar)) or isinstance(args[0], Const):
        return TupleAV(())
    return TupleAV(tuple(sizes(s, array(s, args[0]))))


@numpy_function(np.size)
def _size(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.size", "a axis", args, kwargs)
    a = array(s, found.pop("a"))
    axis = axis_of(s, found, max(1, len(a_.dims_of(a))))
    if not isinstance(a.type, Array):
        return const(1)
    if axis is None:
        return items.attribute(s, a, "size")
    if isinstance(axis, tuple):
        raise s.error("numpy.size() over several axes is not supported yet", "multiply the sizes")
    return sizes(s, a)[axis]


@numpy_function(np.ndim)
def _ndim(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return const(len(a_.dims_of(array(s, args[0]))))


@numpy_function(np.isscalar)
def _isscalar(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return const(isinstance(getattr(args[0], "type", None), Scalar))


@numpy_function(np.ndindex)
def _ndindex(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    whole = len(args) == 1 and not is_operand(args[0])
    counts = shape_operands(s, args[0]) if whole else [s.integer(a, "a size") for a in args]
    return LazyAV("ndindex", tuple(counts))


@numpy_function(np.ndenumerate)
def _ndenumerate(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    flat = a if isinstance(a.type, Array) and a.type.ndim == 1 else reshaped(s, a, [const(-1)])
    return LazyAV("zip", (LazyAV("ndindex", tuple(sizes(s, a))), flat))
