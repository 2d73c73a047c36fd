"""NumPy functions that change shapes, on abstract values."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.types import Array
from s2sad.rules import arrays as a_
from s2sad.rules.builder import const
from s2sad.typing.abstract import AV
from s2sad.typing.arrays import arguments, array, reshaped, shape_operands, static, transposed
from s2sad.typing.calls import METHODS
from s2sad.typing.functions.core import elements, numpy_function


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
