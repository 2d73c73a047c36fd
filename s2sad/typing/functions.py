"""NumPy's functions on abstract values: those that are one operation, and the library of those made of others."""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from s2sad.ir.core import Const, Operand, Value
from s2sad.ir.types import Array, List, Scalar
from s2sad.rules import arrays as a_
from s2sad.rules.builder import const
from s2sad.typing import arrays, items
from s2sad.typing.abstract import AV, FunctionAV, StaticAV, TupleAV, describe
from s2sad.typing.arrays import arguments, array, reshaped, shape_operands, static, transposed
from s2sad.typing.calls import HANDLERS, METHODS, bind
from s2sad.typing.structure import source_for

Handler = Callable[[Any, list[AV], dict[str, AV], str], AV]


def numpy_function(*objects: Any, method: str = "") -> Callable[[Handler], Handler]:
    def register(f: Handler) -> Handler:
        for obj in objects:
            HANDLERS[obj] = f
        if method:
            METHODS["array", method] = f
        return f

    return register


def axis_of(s: Any, found: dict[str, AV], ndim: int, name: str = "axis") -> Any:
    """A constant axis argument, counted from the front; None for all axes."""
    axis = static(s, found, name)
    if axis is None:
        return None
    axes = tuple(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,)))
    return axes[0] if len(axes) == 1 else axes


# -- reductions ---------------------------------------------------------------------------------------


def reduction(name: str) -> Handler:
    def reduce(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.{name}", "a axis dtype out keepdims initial where", args, kwargs)
        a = array(s, found.pop("a"))
        for unused in ("dtype", "out"):
            if static(s, found, unused) is not None:
                raise s.error(f"numpy.{name}() with {unused}= is not supported yet", "leave it out")
        if not isinstance(a.type, Array):
            return a
        axis = axis_of(s, found, a.type.ndim)
        keepdims = bool(static(s, found, "keepdims", False))
        if "where" in found:
            a = s.builder.emit(
                "numpy.where", array(s, found.pop("where")), a, const(0.0 if name == "sum" else 1.0)
            )
        initial = found.pop("initial", None)
        attrs: dict[str, Any] = {"axis": axis, "keepdims": keepdims}
        total = a_.emit(s.builder, f"numpy.{name}", a, hint="" if initial is not None else hint, **attrs)
        if initial is None:
            return total
        prim = {"sum": "add", "max": "numpy.maximum", "min": "numpy.minimum"}[name]
        return s.builder.emit(prim, array(s, initial), total, hint=hint)  # type: ignore[no-any-return]

    return reduce


_fn: Any
for _fn, _alias in ((np.sum, None), (np.max, np.amax), (np.min, np.amin), (np.any, None), (np.all, None)):
    _name = {"amax": "max", "amin": "min"}.get(_fn.__name__, _fn.__name__)
    numpy_function(_fn, *([_alias] if _alias else []), method=_name)(reduction(_name))


def positions(name: str) -> Handler:
    def find(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.{name}", "a axis keepdims kind", args, kwargs)
        a = array(s, found.pop("a"))
        ndim = a.type.ndim if isinstance(a.type, Array) else 0
        default = -1 if name == "argsort" else None
        axis = (
            axis_of(s, found, ndim) if "axis" in found else (default if default is None else default % ndim)
        )
        return a_.emit(s.builder, f"numpy.{name}", a, hint=hint, axis=axis)

    return find


for _fn in (np.argmax, np.argmin, np.argsort):
    numpy_function(_fn, method=_fn.__name__)(positions(_fn.__name__))


@numpy_function(np.cumsum, method="cumsum")
def _cumsum(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.cumsum", "a axis", args, kwargs)
    a = array(s, found.pop("a"))
    ndim = a.type.ndim if isinstance(a.type, Array) else 0
    axis = axis_of(s, found, ndim)
    if axis is None:
        a, axis = (a if ndim == 1 else reshaped(s, a, [const(-1)])), 0
    return a_.emit(s.builder, "numpy.cumsum", a, hint=hint, axis=axis)


# -- shapes -------------------------------------------------------------------------------------------


@numpy_function(np.reshape, method="reshape")
def _reshape(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    shape = args[1:] or [kwargs[k] for k in ("shape", "newshape") if k in kwargs]
    sizes = shape_operands(s, shape[0]) if len(shape) == 1 else [s.integer(x, "a size") for x in shape]
    return reshaped(s, a, sizes, hint)


@numpy_function(np.ravel, method="ravel")
def _ravel(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    return a if isinstance(a.type, Array) and a.type.ndim == 1 else reshaped(s, a, [const(-1)], hint)


def _flatten(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    flat = _ravel(s, args, kwargs, "")
    return s.builder.emit("copy", flat, type=flat.type, hint=hint)  # type: ignore[union-attr, no-any-return]


METHODS["array", "flatten"] = _flatten


@numpy_function(np.transpose, method="transpose")
def _transpose(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    given = args[1:] or ([kwargs["axes"]] if "axes" in kwargs else [])
    if not given or s.static(given[0]) is None:
        return transposed(s, a, None, hint)
    found = [s.static(x) for x in given]
    return transposed(s, a, found[0] if isinstance(found[0], tuple) else tuple(found), hint)


@numpy_function(np.swapaxes, method="swapaxes")
def _swapaxes(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    i, j = s.static(args[1]), s.static(args[2])
    order = list(range(len(a_.dims_of(a))))
    order[i], order[j] = order[j], order[i]
    return transposed(s, a, order, hint)


@numpy_function(np.moveaxis)
def _moveaxis(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    n = len(a_.dims_of(a))
    source, target = s.static(args[1]), s.static(args[2])
    order = list(np.moveaxis(np.zeros((1,) * n), source, target).shape)
    del order
    axes = np.arange(n)
    moved = np.moveaxis(np.empty(tuple(range(2, n + 2))), source, target).shape
    return transposed(s, a, [int(m) - 2 for m in moved] if n else axes, hint)


@numpy_function(np.expand_dims)
def _expand_dims(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.expand_dims", "a axis", args, kwargs)
    a = array(s, found.pop("a"))
    axis = static(s, found, "axis")
    axes = axis if isinstance(axis, tuple) else (axis,)
    n = len(a_.dims_of(a)) + len(axes)
    return a_.emit(s.builder, "newaxis", a, hint=hint, axes=tuple(x % n for x in axes))


@numpy_function(np.squeeze, method="squeeze")
def _squeeze(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.squeeze", "a axis", args, kwargs)
    a = array(s, found.pop("a"))
    dims = a_.dims_of(a)
    axis = static(s, found, "axis")
    if axis is None:
        if any(d is None for d in dims):
            raise s.error("np.squeeze() of an array whose axes of size 1 are not known", "give it axis=")
        axes = tuple(i for i, d in enumerate(dims) if d == 1)
    else:
        axes = tuple(x % len(dims) for x in (axis if isinstance(axis, tuple) else (axis,)))
    return a_.emit(s.builder, "squeeze", a, hint=hint, axes=axes) if axes else a


@numpy_function(np.broadcast_to)
def _broadcast_to(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    return a_.emit(
        s.builder,
        "numpy.broadcast_to",
        a,
        *shape_operands(s, args[1] if len(args) > 1 else kwargs["shape"]),
        hint=hint,
    )


@numpy_function(np.concatenate)
def _concatenate(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.concatenate", "arrays axis", args, kwargs)
    parts = [array(s, p) for p in elements(s, found.pop("arrays"))]
    axis = static(s, found, "axis", 0)
    if axis is None:
        parts, axis = [reshaped(s, p, [const(-1)]) for p in parts], 0
    return a_.emit(s.builder, "numpy.concatenate", *parts, hint=hint, axis=axis % len(a_.dims_of(parts[0])))


def elements(s: Any, av: AV) -> list[AV]:
    """The parts of a sequence of arrays."""
    found = items.static_elements(s, av)
    if (
        found is None
        and isinstance(av, Value)
        and isinstance(av.type, Array)
        and isinstance(av.type.dims[0], int)
    ):
        found = [items.getitem(s, av, const(i)) for i in range(av.type.dims[0])]
    if found is None:
        raise s.error(
            f"{describe(av)} where a sequence of arrays of known length is needed",
            "write the arrays out in a list",
        )
    return found


# -- products -----------------------------------------------------------------------------------------


@numpy_function(np.matmul)
def _matmul(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return a_.emit(s.builder, "matmul", array(s, args[0]), array(s, args[1]), hint=hint)


@numpy_function(np.dot, method="dot")
def _dot(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a, b = array(s, args[0]), array(s, args[1])
    x, y = a_.dims_of(a), a_.dims_of(b)
    if not x or not y:
        return s.builder.emit("mul", a, b, hint=hint)  # type: ignore[no-any-return]
    if len(y) <= 2:
        return a_.emit(s.builder, "matmul", a, b, hint=hint)
    raise s.error(
        "np.dot() with an array of more than two axes is not supported yet", "use np.einsum or np.tensordot"
    )


# -- linear algebra -----------------------------------------------------------------------------------


def linear_algebra(name: str) -> Handler:
    def apply(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        if kwargs:
            raise s.error(f"numpy.linalg.{name}() with keywords is not supported yet", "leave them out")
        return a_.emit(s.builder, f"numpy.linalg.{name}", *(array(s, a) for a in args), hint=hint)

    return apply


for _name in ("solve", "inv", "det", "cholesky"):
    numpy_function(getattr(np.linalg, _name))(linear_algebra(_name))


@numpy_function(np.linalg.slogdet)
def _slogdet(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    return TupleAV((a_.emit(s.builder, "sign_det", a), a_.emit(s.builder, "log_abs_det", a)))


for _fn in (np.tril, np.triu):

    def _triangle(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str, name: str = _fn.__name__) -> AV:
        found = arguments(s, f"numpy.{name}", "m k", args, kwargs)
        return a_.emit(
            s.builder, f"numpy.{name}", array(s, found.pop("m")), hint=hint, k=static(s, found, "k", 0)
        )

    numpy_function(_fn)(_triangle)

# -- making arrays ------------------------------------------------------------------------------------


def dtype_name(s: Any, found: dict[str, AV], default: str) -> str:
    value = static(s, found, "dtype")
    return default if value is None else np.dtype(value).name


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


@numpy_function(np.add.at)
def _add_at(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    entries, operands = arrays.index_entries(s, a, args[1])
    s.builder.effect("scatter_add", a, *operands, array(s, args[2]), index=tuple(entries))
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


# -- the library --------------------------------------------------------------------------------------


def in_library(fn: Any, *objects: Any, method: str = "") -> None:
    """Type calls of `objects` as calls of `fn`, which is written in NumPy."""
    source = source_for(fn)
    signature = inspect.signature(fn)

    def handler(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        for name in kwargs:
            if name not in signature.parameters:
                raise s.error(f"{fn.__name__}() with {name}= is not supported yet", "leave it out")
        function = FunctionAV(source)
        return s.call_library(function, bind(s, function, args, kwargs))

    for obj in objects:
        HANDLERS[obj] = handler
    if method:
        METHODS["array", method] = handler


def load_library() -> None:
    from s2sad import library

    for fn, objects, method in library.FUNCTIONS:
        in_library(fn, *objects, method=method)


_ = (builtins, Const, StaticAV)
