"""Broadcasting, decided when code is generated: sizes of results, and the axes over which an adjoint is summed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from s2sad.ir.types import Array, Scalar, Size, Type, is_many, scalar_of

OPERATORS = frozenset(
    {"add", "sub", "mul", "div", "pow", "floordiv", "mod", "neg", "pos", "lt", "le", "gt", "ge", "eq", "ne",
     "builtins.abs", "bitand", "bitor", "bitxor", "invert", "lshift", "rshift"}
)  # fmt: skip
UNDEFINED = frozenset(
    {"sub", "neg", "pos", "lt", "le", "gt", "ge", "eq", "ne"}
)  # of truth values, or itself one
ELEMENTWISE: set[Any] = {np.where, np.clip, np.sinc, np.i0, np.nan_to_num, np.round, np.around}
if hasattr(np, "fix"):  # deprecated since NumPy 2.5
    ELEMENTWISE.add(np.fix)


def is_elementwise(prim: Any) -> bool:
    """Whether a primitive works on arrays element by element, with broadcasting."""
    plain = isinstance(prim.fn, np.ufunc) and prim.fn.signature is None
    return prim.name in OPERATORS or plain or _hashed(prim.fn) or prim.broadcasts


def _hashed(fn: Any) -> bool:
    try:
        return fn in ELEMENTWISE
    except TypeError:
        return False


def joint(a: Size, b: Size) -> Size:
    """The size of an axis where two operands meet."""
    if a == b:
        return a
    if a == 1:
        return b
    if b == 1 or is_many(a):
        return a
    return b if is_many(b) else None


def broadcast(*all_dims: tuple[Size, ...]) -> tuple[Size, ...]:
    """The sizes of a result of broadcasting."""
    ndim = max(map(len, all_dims), default=0)
    padded = [(1,) * (ndim - len(dims)) + dims for dims in all_dims]
    return tuple(functools.reduce(joint, column) for column in zip(*padded, strict=True))


def summed_axes(
    operand: tuple[Size, ...], result: tuple[Size, ...]
) -> tuple[tuple[int, ...], tuple[int, ...], bool]:
    """How an adjoint with the sizes of `result`, which may lack leading axes of `operand`, becomes one with those of
    `operand`: leading axes to sum away, axes to sum keeping them, and whether some size decides only when the code runs."""
    extra = len(result) - len(operand)
    kept, open_ = [], False
    for i, (mine, theirs) in enumerate(zip(operand[max(-extra, 0) :], result[max(extra, 0) :], strict=True)):
        if (mine == theirs and mine is not None) or theirs == 1 or is_many(mine):
            continue
        if mine == 1:
            kept.append(i)
        else:
            open_ = True
    return tuple(range(max(extra, 0))), tuple(kept), open_


_SAMPLES: dict[Any, Any] = {}


def infer_elementwise(prim: Any, types: tuple[Type, ...]) -> Type:
    """Sizes by broadcasting; the dtype by asking NumPy, once for each combination of operand dtypes. What a ufunc
    makes of arrays without axes is a number."""
    dims = broadcast(*(t.dims for t in types if isinstance(t, Array)))
    dtype = asked(prim, types)
    return Array(dtype, len(dims), dims) if dims or prim.name == "numpy.where" else scalar_of(dtype)


def asked(prim: Any, types: tuple[Type, ...]) -> str:
    """The dtype of a result as NumPy says."""
    key = (prim.name, *(_dtype_key(t) for t in types))
    dtype = _SAMPLES.get(key)
    if dtype is None:
        dtype = _SAMPLES[key] = _dtype(prim.fn, types)
    return dtype


def infer_numbers(prim: Any, types: tuple[Type, ...]) -> Type:
    """The type of a result of numbers: of an operator on NumPy's truth values what NumPy makes of them."""
    if prim.name in OPERATORS and all(isinstance(t, Scalar) and t.kind == "bool" for t in types):
        if any(t.dtype is not None for t in types if isinstance(t, Scalar)) and prim.name not in UNDEFINED:
            return scalar_of(asked(prim, types))
    return prim.infer(*types)  # type: ignore[no-any-return]


def _dtype_key(t: Type) -> Any:
    return (t.dtype, "array") if isinstance(t, Array) else t


def _dtype(fn: Callable[..., Any], types: tuple[Type, ...]) -> str:
    with np.errstate(all="ignore"):
        result = fn(*map(sample, types))
    if isinstance(result, tuple):
        raise TypeError("a function with several results")
    return str(np.asarray(result).dtype)


def sample(t: Type) -> Any:
    """A value of a type."""
    if isinstance(t, Array):
        return np.ones((1,), t.dtype)
    if isinstance(t, Scalar):
        if t.dtype is not None:
            return np.dtype(t.dtype).type(1)
        return {"float": 1.0, "int": 1, "bool": True, "complex": 1j}[t.kind]
    raise TypeError(f"a {t} where a number or an array is needed")


def item_type(dtype: str) -> Scalar:
    return scalar_of(dtype)
