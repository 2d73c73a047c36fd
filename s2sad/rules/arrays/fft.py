"""Discrete Fourier transforms: symmetric matrices, so that the adjoint of each is itself (cotangents as in `rules.complexes`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.core import Operand
from s2sad.ir.types import Array, Dim, Size, Type
from s2sad.rules.arrays.core import Attrs, array_rule, dims_of, dtype_of, emit, size_of
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import ZERO, source

OPPOSITE = {None: "forward", "backward": "forward", "forward": None, "ortho": "ortho"}


def along(name: str, size: Any) -> Any:
    """The type of a transform along one axis; the second operand, if any, is its length."""

    def infer(attrs: Attrs, a: Operand, *n: Operand) -> Type:
        dims, axis = dims_of(a), attrs["axis"]
        length = size_of(n[0]) if n else None
        made = size(dims[axis], length)
        dtype = str(getattr(np.fft, name)(np.ones(2, dtype_of(a))).dtype)
        return Array(dtype, len(dims), (*dims[:axis], made, *dims[axis + 1 :]))

    return infer


def _whole(d: Size, n: Size) -> Size:
    return d if n is None else n


def _half(d: Size, n: Size) -> Size:
    n = _whole(d, n)
    return n // 2 + 1 if isinstance(n, int) else Dim(f"{n}//2", 1) if n is not None else None


def _doubled(d: Size, n: Size) -> Size:
    if n is not None:
        return n
    return 2 * (d - 1) if isinstance(d, int) else Dim(f"2*{d}", -2) if d is not None else None


# -- changing the length of an axis ------------------------------------------------------------------------


def resized(d: Any, size: Any, axis: Any) -> Any:
    """d cut off, or filled up with zeros, at the end of an axis."""
    out = np.zeros((*d.shape[:axis], size, *d.shape[axis + 1 :]), d.dtype)
    kept = (*[slice(None)] * axis, slice(min(size, d.shape[axis])))
    out[kept] = d[kept]
    return out


def _resized_type(attrs: Attrs, d: Operand, size: Operand) -> Type:
    dims, axis = dims_of(d), attrs["axis"]
    return Array(dtype_of(d), len(dims), (*dims[:axis], size_of(size), *dims[axis + 1 :]))


def fitted(b: Builder, d: Operand, env: Any, axis: int) -> Operand:
    """A cotangent as long as the operand: what was cut off has none, zeros that were added are dropped."""
    mine, have = dims_of(env["op"].operands[0])[axis], dims_of(d)[axis]
    if mine == have and mine is not None:
        return d
    return emit(b, "resized", d, env["shape"](0)[axis], axis=axis)


array_rule(
    "resized", "y = resized(d, size)", resized, _resized_type, "first", helper=source(resized), dsize=ZERO,
    dd=lambda b, env: emit(b, "resized", env["dy"], env["shape"](0)[env["op"].attr("axis")], axis=env["op"].attr("axis")),
)  # fmt: skip


def hermitian_weights(n: Any) -> Any:
    """How often irfft() of length n uses each term: once the first and, for even n, the last, else twice."""
    w = np.full(n // 2 + 1, 2.0)
    w[0] = 1.0
    if n % 2 == 0:
        w[-1] = 1.0
    return w


def _weights_type(attrs: Attrs, n: Operand) -> Type:
    return Array("float64", 1, (_half(size_of(n), None),))


array_rule(
    "hermitian_weights", "y = hermitian_weights(n)", hermitian_weights, _weights_type, helper=source(hermitian_weights),
    dn=ZERO,
)  # fmt: skip

# -- transforms --------------------------------------------------------------------------------------------


def _same_vjp(name: str) -> Any:
    def vjp(b: Builder, env: Any) -> Operand:
        op = env["op"]
        return fitted(b, emit(b, name, env["dy"], **dict(op.attrs)), env, op.attr("axis"))

    return vjp


def _rfft_vjp(b: Builder, env: Any) -> Operand:
    """rfft() is the first half of fft(): the cotangent of the other half is zero."""
    op = env["op"]
    axis = op.attr("axis")
    n = env["n"] if len(op.operands) > 1 else env["shape"](0)[axis]
    whole = emit(b, "numpy.fft.fft", env["dy"], n, **dict(op.attrs))
    return fitted(b, b.emit("numpy.real", whole), env, axis)


def _irfft_vjp(b: Builder, env: Any) -> Operand:
    """irfft() takes each term of the spectrum and, but for the first and the last, its conjugate."""
    op, dy = env["op"], env["dy"]
    axis = op.attr("axis")
    n = b.emit("shape", dy, type=const(0).type, axis=axis) if len(op.operands) < 2 else env["n"]
    half = emit(b, "numpy.fft.rfft", dy, axis=axis, norm=OPPOSITE[op.attr("norm")])
    weights = emit(b, "hermitian_weights", n)
    after = len(dims_of(dy)) - axis - 1
    if after:
        weights = emit(b, "newaxis", weights, axes=tuple(range(1, after + 1)))
    return fitted(b, b.emit("mul", weights, b.emit("numpy.conj", half)), env, axis)


for _name in ("fft", "ifft"):
    array_rule(
        f"numpy.fft.{_name}", f"y = {_name}(a, n)", getattr(np.fft, _name), along(_name, _whole), "first", cost=100,
        da=_same_vjp(f"numpy.fft.{_name}"), dn=ZERO,
    )  # fmt: skip
array_rule(
    "numpy.fft.rfft",
    "y = rfft(a, n)",
    np.fft.rfft,
    along("rfft", _half),
    "first",
    cost=100,
    da=_rfft_vjp,
    dn=ZERO,
)
array_rule(
    "numpy.fft.irfft",
    "y = irfft(a, n)",
    np.fft.irfft,
    along("irfft", _doubled),
    "first",
    cost=100,
    da=_irfft_vjp,
    dn=ZERO,
)


def _complex_type(attrs: Attrs, a: Operand) -> Type:
    return Array(str(np.fft.fft(np.ones(2, dtype_of(a))).dtype), len(dims_of(a)), dims_of(a))


def _same_type(attrs: Attrs, a: Operand) -> Type:
    return Array(dtype_of(a), len(dims_of(a)), dims_of(a))


def _again(name: str) -> Any:
    return lambda b, env: emit(b, name, env["dy"], **dict(env["op"].attrs))


for _name, _adjoint, _type in (
    ("fftn", "fftn", _complex_type), ("ifftn", "ifftn", _complex_type),
    ("fftshift", "ifftshift", _same_type), ("ifftshift", "fftshift", _same_type),
):  # fmt: skip
    array_rule(
        f"numpy.fft.{_name}", f"y = {_name}(a)", getattr(np.fft, _name), _type, "linear", cost=100,
        da=_again(f"numpy.fft.{_adjoint}"),
    )  # fmt: skip


def _frequencies(size: Any) -> Any:
    return lambda attrs, n, *d: Array("float64", 1, (size(size_of(n), None),))


array_rule("numpy.fft.fftfreq", "y = fftfreq(n, d)", np.fft.fftfreq, _frequencies(_whole), dn=ZERO)
array_rule("numpy.fft.rfftfreq", "y = rfftfreq(n, d)", np.fft.rfftfreq, _frequencies(_half), dn=ZERO)
