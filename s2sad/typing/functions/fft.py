"""numpy.fft and complex parts on abstract values."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.core import Const, Operand
from s2sad.library import fft
from s2sad.rules import arrays as a_
from s2sad.rules.builder import const
from s2sad.rules.complexes import is_complex
from s2sad.typing.abstract import AV, TupleAV
from s2sad.typing.arrays import arguments, array, static
from s2sad.typing.calls import METHODS
from s2sad.typing.functions.core import Handler, axis_of, from_front, is_none, numpy_function


def transform(name: str) -> Handler:
    """A transform along one axis; its length may be computed."""

    def apply(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.fft.{name}", "a n axis norm", args, kwargs)
        a = array(s, found.pop("a"))
        ndim = len(a_.dims_of(a))
        if not ndim:
            raise s.error(f"numpy.fft.{name}() of a number", "pass an array")
        n = found.pop("n", None)
        length = (
            () if n is None or (isinstance(n, Const) and n.value is None) else (s.integer(n, "a length"),)
        )
        attrs = {"axis": from_front(s, static(s, found, "axis", -1), ndim), "norm": static(s, found, "norm")}
        return a_.emit(s.builder, f"numpy.fft.{name}", a, *length, hint=hint, **attrs)

    return apply


def transform_of_several(name: str) -> Handler:
    """A transform along several axes: the last two of fft2, all of fftn."""

    def apply(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.fft.{name}", "a s axes norm", args, kwargs)
        a = array(s, found.pop("a"))
        ndim = len(a_.dims_of(a))
        axes = static(s, found, "axes", (-2, -1) if name.endswith("2") else None)
        axes = axes if axes is None else tuple(from_front(s, x, ndim) for x in axes)
        sizes = found.pop("s", const(None))
        if not is_none(sizes):
            from s2sad.typing.functions.library import call

            along = const(None) if axes is None else TupleAV(tuple(map(const, axes)))
            one_by_one = fft.fft_of_sizes if name.startswith("fft") else fft.ifft_of_sizes
            return call(s, one_by_one, [a, sizes, along, found.get("norm", const(None))], {})
        chosen = tuple(range(ndim)) if axes is None else axes
        attrs = {"axes": chosen, "norm": static(s, found, "norm")}
        return a_.emit(s.builder, f"numpy.fft.{name[:-1]}n", a, hint=hint, **attrs)

    return apply


def shift(name: str) -> Handler:
    def apply(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.fft.{name}", "x axes", args, kwargs)
        a = array(s, found.pop("x"))
        axes = axis_of(s, found, len(a_.dims_of(a)), "axes")
        return a_.emit(s.builder, f"numpy.fft.{name}", a, hint=hint, axes=axes)

    return apply


def frequencies(name: str) -> Handler:
    def apply(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.fft.{name}", "n d", args, kwargs)
        operands = [s.integer(found["n"], "a length")]
        if "d" in found:
            operands.append(s.number(found["d"]))
        return a_.emit(s.builder, f"numpy.fft.{name}", *operands, hint=hint)

    return apply


for _names, _make in (
    (("fft", "ifft", "rfft", "irfft"), transform), (("fft2", "ifft2", "fftn", "ifftn"), transform_of_several),
    (("fftshift", "ifftshift"), shift), (("fftfreq", "rfftfreq"), frequencies),
):  # fmt: skip
    for _name in _names:
        numpy_function(getattr(np.fft, _name))(_make(_name))


def part(s: Any, a: Operand, name: str, hint: str = "") -> Operand:
    """real, imag, conj or angle of an array or a number; of a real one, itself where it is its own."""
    if not is_complex(a.type) and name in ("real", "conj"):
        return a
    return s.builder.emit(f"numpy.{name}", a, hint=hint)  # type: ignore[no-any-return]


def _part(name: str) -> Handler:
    return lambda s, args, kwargs, hint: part(s, array(s, args[0]), name, hint)


numpy_function(np.real)(_part("real"))
for _method in ("conj", "conjugate"):
    METHODS["array", _method] = _part("conj")
