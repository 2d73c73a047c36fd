"""NumPy reductions on abstract values."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.types import Array
from s2sad.rules import arrays as a_
from s2sad.rules.builder import const
from s2sad.typing.abstract import AV
from s2sad.typing.arrays import arguments, array, reshaped, static
from s2sad.typing.functions.core import Handler, axis_of, numpy_function


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
