"""Operations on whole arrays as NumPy expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gast

from s2sad.codegen import tree as t
from s2sad.ir.core import AnyOp, Const, Op, Operand, Value
from s2sad.ir.types import Array
from s2sad.rules.arrays.core import dims_of
from s2sad.rules.registry import PRIMS

if TYPE_CHECKING:
    from s2sad.codegen.expressions import Expressions

DEFAULTS = {
    "axis": None, "keepdims": False, "k": 0, "offset": 0, "axis1": 0, "axis2": 1, "full_matrices": True, "norm": None,
    "lower": False, "trans": 0, "unit_diagonal": False,
}  # fmt: skip


def np_call(e: Expressions, name: str, *args: Any, **keywords: Any) -> Any:
    e.modules.add("numpy")
    return t.call(f"np.{name}", *args, **keywords)


def value(v: Any) -> Any:
    """A fixed argument."""
    if isinstance(v, tuple):
        return t.tuple_([value(x) for x in v])
    if isinstance(v, int) and not isinstance(v, bool) and v < 0:
        return gast.UnaryOp(gast.USub(), t.constant(-v))
    return t.constant(v)


def keywords(op: Op) -> dict[str, Any]:
    last = len(dims_of(op.operands[0])) - 1
    defaults = {**DEFAULTS, "axis": last, "axes": tuple(range(last + 1))} if ".fft." in op.prim else DEFAULTS
    return {k: value(v) for k, v in op.attrs if k not in defaults or v != defaults[k]}


def sizes(
    e: Expressions, operands: tuple[Operand, ...], makers: Mapping[Value, AnyOp], as_tuple: bool = False
) -> Any:
    """A shape: `a.shape` where it is all of an array's, else a tuple."""
    ops = [makers.get(o) if isinstance(o, Value) else None for o in operands]
    first = ops[0] if ops else None
    if isinstance(first, Op) and all(
        isinstance(op, Op)
        and op.prim == "shape"
        and op.operands[0] is first.operands[0]
        and op.attr("axis") == i
        for i, op in enumerate(ops)
    ):
        a = first.operands[0]
        if isinstance(a.type, Array) and a.type.ndim == len(ops) and a not in e.emitter.folding.folded:
            for o in operands:
                if o in e.held:
                    e.take(o)  # type: ignore[arg-type]
            return t.attribute(e.operand(a), "shape")
    found = [e.operand(o) for o in operands]
    return found[0] if len(found) == 1 and not as_tuple else t.tuple_(found)


def index(e: Expressions, entries: tuple[Any, ...], operands: tuple[Operand, ...]) -> Any:
    """A subscript."""
    parts = []
    for entry in entries:
        if entry[0] in ("at", "array", "mask"):
            parts.append(e.operand(operands[entry[1]]))
        elif entry[0] == "new":
            parts.append(t.constant(None))
        else:
            start, stop, step = (None if k is None else e.operand(operands[k]) for k in entry[1:])
            parts.append(gast.Slice(start, stop, step))
    return parts[0] if len(parts) == 1 else t.tuple_(parts)


def whole(ndim: int) -> Any:
    return gast.Slice(None, None, None) if ndim == 1 else t.constant(...)


def newaxis(e: Expressions, op: Op) -> Any:
    axes = op.attr("axes")
    inner = op.operands[0].type
    ndim = (inner.ndim if isinstance(inner, Array) else 0) + len(axes)
    parts = [t.constant(None) if i in axes else gast.Slice(None, None, None) for i in range(ndim)]
    while len(parts) > 1 and isinstance(parts[-1], gast.Slice):
        parts.pop()
    return t.subscript(e.operand(op.operands[0]), parts[0] if len(parts) == 1 else t.tuple_(parts))


def squeeze(e: Expressions, op: Op) -> Any:
    axes = op.attr("axes")
    inner = op.operands[0].type
    assert isinstance(inner, Array)
    parts = [t.constant(0) if i in axes else gast.Slice(None, None, None) for i in range(inner.ndim)]
    while len(parts) > 1 and isinstance(parts[-1], gast.Slice):
        parts.pop()
    return t.subscript(e.operand(op.operands[0]), parts[0] if len(parts) == 1 else t.tuple_(parts))


def transpose(e: Expressions, op: Op) -> Any:
    axes = op.attr("axes")
    a = e.operand(op.operands[0])
    if axes == tuple(reversed(range(len(axes)))):
        return t.attribute(a, "T")
    return np_call(e, "transpose", a, value(axes))


def function(e: Expressions, op: Op) -> Any:
    """np.name(operands, attribute=...)."""
    if "." not in op.prim and PRIMS[op.prim].helper:
        return t.call(e.helper(op.prim), *map(e.operand, op.operands), **keywords(op))
    module, _, name = op.prim.rpartition(".")
    if module.startswith("scipy"):
        e.modules.add(module)
        return t.call(op.prim, *map(e.operand, op.operands), **keywords(op))
    name = op.prim.removeprefix("numpy.")
    return np_call(e, name, *map(e.operand, op.operands), **keywords(op))


_ = Const
