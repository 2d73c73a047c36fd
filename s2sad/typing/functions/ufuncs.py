"""Calls of ufuncs on abstract values: out=, where= and dtype=, their methods, and functions much like them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from s2sad.errors import SignatureError
from s2sad.ir.core import Operand, Value
from s2sad.ir.types import Array, Scalar
from s2sad.rules import arrays as a_
from s2sad.rules.builder import const
from s2sad.rules.complexes import is_complex
from s2sad.rules.registry import PRIMS, Prim
from s2sad.rules.special import Named
from s2sad.typing import calls, iteration
from s2sad.typing.abstract import AV, FunctionAV, PartialAV, StaticAV, TupleAV
from s2sad.typing.arrays import arguments, array, elementwise
from s2sad.typing.functions.core import (
    Handler,
    cast,
    dtype_name,
    into,
    is_none,
    numpy_function,
    refuse,
    takes_out,
)
from s2sad.typing.functions.fft import part
from s2sad.typing.subscripts import augitem, index_entries

KEYWORDS = ("out", "where", "dtype", "casting", "order", "subok")


def ufunc_call(s: Any, prim: Prim, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV | None:
    """A call of a ufunc with keywords of ufuncs, or with its result's array as last argument; None for others."""
    fn = prim.fn.found() if isinstance(prim.fn, Named) else prim.fn
    if not isinstance(fn, np.ufunc):
        return None
    nin = fn.nin
    if len(args) <= nin and not any(k in kwargs for k in KEYWORDS):
        return None
    kwargs = dict(kwargs)
    out = kwargs.pop("out", args[nin] if len(args) > nin else None)
    args = args[:nin]
    refuse(s, prim.name, kwargs, casting="same_kind", order="K", subok=True)
    if "dtype" in kwargs:
        dtype = dtype_name(s, kwargs, "")
        args = [cast(s, array(s, a), dtype) if dtype else a for a in args]
    where = kwargs.pop("where", const(True))
    if s.static(where) is not True:
        return selected(s, prim, args, array(s, where), out)
    result = calls.primitive(s, prim, args, kwargs, "" if not is_none(out) else hint)
    return result if is_none(out) else into(s, result, out, prim.name)  # type: ignore[arg-type]


def selected(s: Any, prim: Prim, args: list[AV], where: Operand, out: AV | None) -> AV:
    """`where=`: the function is computed of harmless numbers where it is not asked for, and `out` stays there."""
    if is_none(out):
        raise s.error(f"{prim.name}() with where= but without out= leaves elements undefined", "give it out=")
    assert out is not None
    harmless = const(harmless_number(prim.fn.found() if isinstance(prim.fn, Named) else prim.fn))
    operands = [array(s, a) for a in args]
    safe: list[AV] = [s.builder.emit("numpy.where", where, o, harmless) for o in operands]
    result = array(s, calls.primitive(s, prim, safe, {}, ""))
    target = out if isinstance(out, Value) else (iteration.static_elements(s, out) or [out])[0]
    return into(s, s.builder.emit("numpy.where", where, result, target), target, prim.name)


def harmless_number(ufunc: Any) -> float:
    """A number of which the function is finite."""
    for x in (1.0, 0.5, 2.0):
        with np.errstate(all="ignore"):
            if np.all(np.isfinite(ufunc(*[x] * ufunc.nin))):
                return x
    return 1.0


# -- methods of ufuncs ----------------------------------------------------------------------------------


def outer(prim: Prim) -> Handler:
    """f.outer(a, b): of each element of a with each of b."""

    def apply(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        a, b = (array(s, x) for x in args)
        n, m = len(a_.dims_of(a)), len(a_.dims_of(b))
        if n and m:
            a = a_.emit(s.builder, "newaxis", a, axes=tuple(range(n, n + m)))
        return calls.primitive(s, prim, [a, b], kwargs, hint)

    return apply


def add_at(sign: str) -> Handler:
    def at(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        a = array(s, args[0])
        index = array(s, args[1]) if isinstance(args[1], Value) else args[1]
        entries, operands = index_entries(s, a, index)
        v = array(s, args[2])
        if not {"array", "mask"} & {e[0] for e in entries}:  # no element twice
            augitem(s, a, index, v, "add" if sign == "+" else "sub")
            return const(None)
        if sign == "-":
            v = s.builder.emit("neg", v)
        s.builder.effect("scatter_add", a, *operands, v, index=tuple(entries))
        return const(None)

    return at


for _prim in [p for p in PRIMS.values() if isinstance(p.fn, np.ufunc) and p.fn.nin == 2 and p.fn.nout == 1]:
    _ufunc: Any = _prim.fn
    numpy_function(_ufunc.outer)(outer(_prim))
numpy_function(np.add.at)(add_at("+"))
numpy_function(np.subtract.at)(add_at("-"))


# -- functions like ufuncs ------------------------------------------------------------------------------


def same(name: str) -> Handler:
    """What gives back a real argument."""

    def give(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        a = array(s, args[0])
        if a_.dtype_of(a).startswith("complex"):
            raise s.error(f"{name}() of complex numbers is not supported yet", "use real numbers")
        return a

    return give


@numpy_function(np.isrealobj)
def _isrealobj(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return const(not is_complex(array(s, args[0]).type))


@numpy_function(np.iscomplexobj)
def _iscomplexobj(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return const(is_complex(array(s, args[0]).type))


@numpy_function(np.conj)
@takes_out("numpy.conj", "x out")
def _conj(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    if is_complex(a.type):
        return part(s, a, "conj", hint)
    if isinstance(a, Value) and isinstance(a.type, Array):  # unlike the method, it gives memory of its own
        return s.builder.emit("copy", a, type=a.type, hint=hint)  # type: ignore[no-any-return]
    return a


@numpy_function(np.sign)
def _sign(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """Of complex numbers it is z / |z| (in NumPy 2), which is not constant."""
    if any(is_complex(array(s, a).type) for a in args[:1]):
        raise s.error("the sign of complex numbers", "write z / np.abs(z)")
    prim = PRIMS["numpy.sign"]
    found = ufunc_call(s, prim, args, kwargs, hint)
    return calls.primitive(s, prim, args, kwargs, hint) if found is None else found


numpy_function(np.real_if_close)(same("numpy.real_if_close"))


@numpy_function(np.imag)
def _imag(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    if is_complex(a.type):
        return part(s, a, "imag", hint)
    if isinstance(a, Value) and isinstance(a.type, Array):
        return s.builder.emit("zeros_like", a, type=a.type, hint=hint)  # type: ignore[no-any-return]
    return const(0.0)


@numpy_function(np.angle)
def _angle(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.angle", "z deg", args, kwargs)
    a = array(s, found.pop("z"))
    if is_complex(a.type):
        angle = part(s, a, "angle", hint)
        return s.builder.emit("numpy.degrees", angle) if "deg" in found and s.static(found["deg"]) else angle  # type: ignore[no-any-return]
    half = 180.0 if "deg" in found and s.static(found["deg"]) else float(np.pi)
    return s.builder.emit("numpy.where", s.builder.emit("lt", a, const(0)), const(half), const(0.0))  # type: ignore[no-any-return]


def rounded(name: str) -> Handler:
    def apply(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.{name}", "a decimals out", args, kwargs)
        a, decimals = array(s, found["a"]), found.get("decimals")
        operands = (
            [a] if decimals is None or s.static(decimals) == 0 else [a, s.integer(decimals, "decimals")]
        )
        if isinstance(a.type, Array):
            return elementwise(s, f"numpy.{name}", operands, hint)
        return calls.primitive(s, PRIMS[f"numpy.{name}"], list(operands), {}, hint)

    return takes_out(f"numpy.{name}", "a decimals out")(apply)


numpy_function(np.round, method="round")(rounded("round"))
numpy_function(np.around)(rounded("around"))


@numpy_function(np.clip, method="clip")
@takes_out("numpy.clip", "a a_min a_max out")
def _clip(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    renamed = {{"min": "a_min", "max": "a_max"}.get(k, k): v for k, v in kwargs.items()}
    found = arguments(s, "numpy.clip", "a a_min a_max out", args, renamed)
    a = array(s, found["a"])
    low, high = found.get("a_min", const(None)), found.get("a_max", const(None))
    bounds = [b if is_none(b) else array(s, b) for b in (low, high)]
    if not any(isinstance(o.type, Array) for o in (a, *bounds)):  # type: ignore[union-attr]
        return calls.primitive(s, PRIMS["numpy.clip"], [a, *bounds], {}, hint)
    if is_none(low) and is_none(high):
        return s.builder.emit("copy", a, type=a.type, hint=hint)  # type: ignore[no-any-return]
    if is_none(low):
        return elementwise(s, "numpy.minimum", [a, bounds[1]], hint)  # type: ignore[list-item]
    if is_none(high):
        return elementwise(s, "numpy.maximum", [a, bounds[0]], hint)  # type: ignore[list-item]
    return elementwise(s, "numpy.clip", [a, *bounds], hint)  # type: ignore[list-item]


@numpy_function(np.where)
def _where(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    if len(args) == 1:
        return calls.HANDLERS[np.nonzero](s, args, kwargs, hint)
    if len(args) != 3 or kwargs:
        raise s.error("numpy.where() takes one or three arguments", "match the definition", SignatureError)
    return calls.primitive(s, PRIMS["numpy.where"], [_as_array(s, a) for a in args], {}, hint)


def _as_array(s: Any, a: AV) -> AV:
    """Lists as NumPy takes them."""
    return (
        array(s, a)
        if isinstance(a, TupleAV) or (isinstance(a, Value) and not isinstance(a.type, Scalar))
        else a
    )


@numpy_function(np.nan_to_num)
def _nan_to_num(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.nan_to_num", "x copy nan posinf neginf", args, kwargs)
    refuse(s, "numpy.nan_to_num", found, copy=True)
    x = array(s, found["x"])
    y = calls.primitive(s, PRIMS["numpy.nan_to_num"], [x], {}, hint)
    for name, test in (("nan", None), ("posinf", np.inf), ("neginf", -np.inf)):
        if not is_none(found.get(name)):
            chosen = (
                s.builder.emit("numpy.isnan", x) if test is None else s.builder.emit("eq", x, const(test))
            )
            y = s.builder.emit("numpy.where", chosen, array(s, found[name]), y)
    return y


@numpy_function(callable)
def _callable(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return const(
        isinstance(args[0], (FunctionAV, PartialAV))
        or (isinstance(args[0], StaticAV) and callable(args[0].obj))
    )


def two_results(name: str, nin: int, parts: Callable[[Any, list[AV]], tuple[AV, AV]]) -> Handler:
    """A ufunc that gives two results, each written into its own array where `out=` has one."""

    def apply(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        out = kwargs.pop("out", None)
        if len(args) != nin and not nin < len(args) <= nin + 2:
            raise s.error(f"{name}() of {len(args)} arguments", "match the definition", SignatureError)
        given = args[nin:] if is_none(out) else iteration.static_elements(s, out)  # type: ignore[arg-type]
        if given is None or (not is_none(out) and len(given) != 2):
            raise s.error(f"{name}() with these out=", "pass two arrays", SignatureError)
        results = parts(s, args[:nin])
        arrays = [*given, *[const(None)] * (2 - len(given))]
        return TupleAV(
            tuple(r if is_none(o) else into(s, r, o, name) for r, o in zip(results, arrays, strict=True))
        )

    return apply


def _quotient_and_rest(s: Any, args: list[AV]) -> tuple[AV, AV]:
    quotient, rest = (calls.primitive(s, PRIMS[f"numpy.{n}"], args, {}, "") for n in ("floor_divide", "mod"))
    return quotient, rest


def _fraction_and_whole(s: Any, args: list[AV]) -> tuple[AV, AV]:
    fraction = calls.primitive(s, PRIMS["numpy.fmod"], [args[0], const(1.0)], {}, "")
    return fraction, calls.primitive(s, PRIMS["numpy.trunc"], [args[0]], {}, "")


numpy_function(np.divmod)(two_results("numpy.divmod", 2, _quotient_and_rest))
numpy_function(np.modf)(two_results("numpy.modf", 1, _fraction_and_whole))
