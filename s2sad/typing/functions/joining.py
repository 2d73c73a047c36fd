"""NumPy functions that split arrays, and join nested lists of them, on abstract values."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from s2sad.errors import SignatureError
from s2sad.ir.core import Const, Operand, Value
from s2sad.ir.types import BOOL, Array, List, Scalar
from s2sad.rules import arrays as a_
from s2sad.rules.builder import const
from s2sad.rules.shapes import sample
from s2sad.typing.abstract import AV, SliceAV, TupleAV
from s2sad.typing.arrays import arguments, array, sizes, static, transposed
from s2sad.typing.calls import static_call
from s2sad.typing.functions.core import Handler, cast, elements, from_front, numpy_function, refuse, takes_out
from s2sad.typing.functions.picking import ALL
from s2sad.typing.functions.shapes import of_one_rank
from s2sad.typing.raising import raise_where
from s2sad.typing.subscripts import getitem


@numpy_function(np.stack)
@takes_out("numpy.stack", "arrays axis out")
def _stack(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.stack", "arrays axis out dtype casting", args, kwargs)
    refuse(s, "numpy.stack", found, casting="same_kind", dtype=None)
    given, axis = found.pop("arrays"), static(s, found, "axis", 0)
    if isinstance(given, Value) and isinstance(given.type, (Array, List)):
        a = array(s, given)
        if isinstance(given.type, List):
            none = s.builder.emit("eq", sizes(s, a)[0], const(0), type=BOOL)
            raise_where(s, none, ValueError, "need at least one array to stack")
        n = len(a_.dims_of(a))
        order = list(range(1, n))
        order.insert(from_front(s, axis, n), 0)
        moved = transposed(s, a, order)
        return s.builder.emit("copy", moved, type=moved.type, hint=hint)  # type: ignore[no-any-return]
    found_ = of_one_rank(
        s, [array(s, p) for p in elements(s, given)], "all input arrays must have the same shape"
    )
    axis = from_front(s, axis, len(a_.dims_of(found_[0])) + 1)
    return a_.emit(s.builder, "numpy.stack", *found_, hint=hint, axis=axis)


def parts(s: Any, a: Operand, bounds: list[Operand], axis: int) -> AV:
    """Views of what lies between bounds along an axis; None at the ends."""
    cuts = [const(None), *bounds, const(None)]
    found = []
    for low, high in pairwise(cuts):
        piece = SliceAV((low, high, const(None)))
        found.append(getitem(s, a, TupleAV((*[ALL] * axis, piece)) if axis else piece))
    return TupleAV(tuple(found), list)


def split(name: str, axis: int | None = None, exact: bool = True) -> Handler:
    def apply(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.{name}", "ary indices_or_sections axis", args, kwargs)
        a, where = array(s, found.pop("ary")), found.pop("indices_or_sections")
        n = len(a_.dims_of(a))
        if axis is not None and n < max(axis + 1, 2) and not (name == "hsplit" and n == 1):
            raise s.error(f"numpy.{name}() of an array of {n} axes", "use np.split()", SignatureError)
        chosen = axis if axis is not None else from_front(s, static(s, found, "axis", 0), n)
        if name == "hsplit" and n == 1:
            chosen = 0
        count = s.static(where)
        if isinstance(where, Value) and isinstance(where.type, Array):
            raise s.error(
                f"numpy.{name}() at computed places is not supported yet", "write the places out in a list"
            )
        if not isinstance(where, Const):
            bounds = [s.integer(i, "a place to split at") for i in listed(s, where)]
            return parts(s, a, bounds, chosen)
        if not isinstance(count, int) or count < 1:
            raise s.error(f"numpy.{name}() into {count} parts", "say how many, from 1", SignatureError)
        size = a_.shape(s.builder, a)[chosen]
        if exact:
            from s2sad.library.joining import equal_size
            from s2sad.typing.functions.library import call

            step = call(s, equal_size, [size, where], {})
            return parts(s, a, [times(s, i, step) for i in range(1, count)], chosen)
        step, extra = s.builder.emit("floordiv", size, where), s.builder.emit("mod", size, where)
        bounds = []
        for i in range(1, count):
            more = s.builder.emit("builtins.min", const(i), extra)
            bounds.append(s.builder.emit("add", times(s, i, step), more))
        return parts(s, a, bounds, chosen)

    return apply


def times(s: Any, i: int, step: Any) -> Operand:
    return (
        const(i * step.value)
        if isinstance(step, Const)
        else s.builder.emit("mul", const(i), step)
        if i > 1
        else step
    )


def listed(s: Any, av: AV) -> list[AV]:
    """The numbers of a tuple, or of a list just written."""
    if isinstance(av, Value) and (made := s.builder.defs.get(av)) is not None and made.prim == "alloc_list":
        return list(made.operands)
    return elements(s, av)


numpy_function(np.split)(split("split"))
numpy_function(np.array_split)(split("array_split", exact=False))
numpy_function(np.vsplit)(split("vsplit", 0))
numpy_function(np.hsplit)(split("hsplit", 1))
numpy_function(np.dsplit)(split("dsplit", 2))


@numpy_function(np.block)
def _block(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    depth = nesting(args[0])
    ndim = max(depth, most_axes(s, args[0]))
    made = joined(s, args[0], depth, ndim)
    first = s.builder.defs.get(made)
    own = first is not None and first.prim == "numpy.concatenate"  # else the only block itself
    return made if own else s.builder.emit("copy", made, type=made.type, hint=hint)  # type: ignore[no-any-return]


def nesting(av: AV) -> int:
    if isinstance(av, Value) and isinstance(av.type, List):
        return 1
    return 1 + max(map(nesting, av.items)) if isinstance(av, TupleAV) and av.items else 0


def most_axes(s: Any, av: AV) -> int:
    if isinstance(av, TupleAV):
        return max(most_axes(s, i) for i in av.items)
    return len(a_.dims_of(array(s, av)))


def joined(s: Any, av: AV, depth: int, ndim: int) -> Operand:
    """The innermost lists are joined along the last axis, those around them along the one before."""
    if not isinstance(av, TupleAV):
        a = array(s, av)
        missing = ndim - len(a_.dims_of(a))
        if not isinstance(a.type, Array):
            return a_.emit(s.builder, "numpy.broadcast_to", a, *[const(1)] * ndim)
        return a_.emit(s.builder, "newaxis", a, axes=tuple(range(missing))) if missing else a
    found = [joined(s, i, depth - 1, ndim) for i in av.items]
    return a_.emit(s.builder, "numpy.concatenate", *found, axis=ndim - depth) if len(found) > 1 else found[0]


def concatenated(name: str, columns: bool) -> Handler:
    """np.r_ and np.c_ of arrays and numbers."""

    def join(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found: list[Operand] = []
        for arg in args:
            if isinstance(s.static(arg), str):
                raise s.error(f"np.{name}[] of texts is not supported", "use np.concatenate")
            found.append(array(s, spaced(s, arg) if isinstance(arg, SliceAV) else arg))
        own = [o for o in found if isinstance(o.type, Scalar) and o.type.dtype is None]
        if len(own) < len(found):  # Python's own numbers make no array wider
            given = [np.dtype(a_.dtype_of(o)) for o in found if o not in own]
            dtype = str(np.result_type(*given, *(sample(o.type) for o in own)))
            found = [cast(s, o, dtype) if o in own else o for o in found]
        for i, a in enumerate(found):
            if not isinstance(a.type, Array):
                a = a_.emit(s.builder, "numpy.broadcast_to", a, const(1))
            if columns and len(a_.dims_of(a)) == 1:
                a = a_.emit(s.builder, "newaxis", a, axes=(1,))
            found[i] = a
        axis = len(a_.dims_of(found[0])) - 1 if columns else 0
        return a_.emit(s.builder, "numpy.concatenate", *found, hint=hint, axis=axis)

    return join


def spaced(s: Any, av: SliceAV) -> AV:
    """The numbers that a slice stands for in np.r_, np.mgrid and np.ogrid: an imaginary step says how many."""
    start, stop, step = (None if s.static(p) is None else p for p in av.parts)
    if stop is None:
        raise s.error("a slice without an end", "write start:stop or start:stop:step", SignatureError)
    start, step = start or const(0), step or const(1)
    count = s.static(step)
    if isinstance(count, complex):
        given = [start, stop, const(int(abs(count)))]
        return static_call(s, np.linspace, given, {}, "")
    return static_call(s, np.arange, [start, stop, step], {}, "")


def grid(dense: bool) -> Handler:
    """np.mgrid and np.ogrid."""

    def make(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        axes: list[Any] = []
        for arg in args:
            if not isinstance(arg, SliceAV):
                raise s.error("a grid of what is not slices", "index it by slices, as in np.mgrid[0:n, 0:m]")
            axes.append(array(s, spaced(s, arg)))
        if len(axes) == 1:
            return axes[0]
        dtypes = [a_.dtype_of(a) for a in axes]
        if dense and len(set(dtypes)) > 1:
            axes = [cast(s, a, str(np.result_type(*dtypes))) for a in axes]
        how: dict[str, AV] = {"indexing": const("ij"), "sparse": const(not dense)}
        made = static_call(s, np.meshgrid, axes, how, "")
        return static_call(s, np.stack, [made], {}, hint) if dense else made

    return make


def index_of(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """np.s_: the subscript itself."""
    return args[0] if len(args) == 1 else TupleAV(tuple(args))


numpy_function(np.s_)(index_of)
numpy_function(np.index_exp)(lambda s, args, kwargs, hint: TupleAV(tuple(args)))
numpy_function(np.mgrid)(grid(True))
numpy_function(np.ogrid)(grid(False))
numpy_function(np.r_)(concatenated("r_", False))
numpy_function(np.c_)(concatenated("c_", True))
