"""Operations on whole arrays as NumPy expressions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gast

from s2sad.codegen import tree as t
from s2sad.ir.core import AnyOp, Const, Function, Op, Operand, Value, blocks, operands, walk
from s2sad.ir.types import KIND_ORDER, Array, Scalar
from s2sad.rules.arrays.core import dims_of
from s2sad.rules.registry import PRIMS

if TYPE_CHECKING:
    from s2sad.codegen.expressions import Expressions

DEFAULTS = {
    "axis": None, "keepdims": False, "k": 0, "offset": 0, "axis1": 0, "axis2": 1, "full_matrices": True, "norm": None,
    "endpoint": True, "lower": False, "trans": 0, "unit_diagonal": False,
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
    if isinstance(v, float) and math.isinf(v):
        return t.dotted("np.inf") if v > 0 else gast.UnaryOp(gast.USub(), t.dotted("np.inf"))
    return t.constant(v)


def keywords(op: Op) -> dict[str, Any]:
    """The fixed arguments that are not what NumPy takes anyway."""
    defaults: dict[str, Any] = dict(DEFAULTS)
    first = op.operands[0].type if op.operands else None
    if op.prim in ("numpy.argsort", "numpy.argpartition"):
        defaults["axis"] = -1
    elif isinstance(first, Array) and first.ndim == 1 and op.attr("axis") in (0, -1, (0,)):
        defaults["axis"] = op.attr("axis")
    if ".fft." in op.prim:
        last = len(dims_of(op.operands[0])) - 1
        defaults |= {"axis": last, "axes": tuple(range(last + 1))}
    return {k: value(v) for k, v in op.attrs if k not in defaults or v != defaults[k]}


def sizes(
    e: Expressions, given: tuple[Operand, ...], makers: Mapping[Value, AnyOp], as_tuple: bool = False
) -> Any:
    """A shape: `a.shape` where it is all of an array's, else a tuple."""
    a, folded = whole_shape(given, makers), e.emitter.folding.folded
    if a is not None and a not in folded:
        if all(o in folded for o in given) or e.emitter.is_argument(
            a
        ):  # else its name may be another's by now
            for o in given:
                if o in e.held:
                    e.take(o)  # type: ignore[arg-type]
            return t.attribute(e.operand(a), "shape")
    found = [e.operand(o) for o in given]
    return found[0] if len(found) == 1 and not as_tuple else t.tuple_(found)


def whole_shape(given: Sequence[Operand], makers: Mapping[Value, AnyOp]) -> Value | None:
    """The array whose sizes these are, all of them in order."""
    ops = [makers.get(o) if isinstance(o, Value) else None for o in given]
    a: Any = ops[0].operands[0] if ops and isinstance(ops[0], Op) and ops[0].prim == "shape" else None
    if not (isinstance(a, Value) and isinstance(a.type, Array) and a.type.ndim == len(ops)):
        return None
    of = ((op.prim, op.operands[0], op.attr("axis")) if isinstance(op, Op) else None for op in ops)
    return a if all(place == ("shape", a, i) for i, place in enumerate(of)) else None


# what is printed with a shape, and after how many other operands
SHAPED = {
    "numpy.zeros": 0, "numpy.ones": 0, "numpy.empty": 0, "numpy.broadcast_to": 1, "unbroadcast": 1,
    "numpy.reshape": 1, "reshaped": 1, "reshape_copy": 1,
}  # fmt: skip


def unread_sizes(
    fn: Function, makers: Mapping[Value, AnyOp], is_argument: Callable[[Value], bool]
) -> set[Value]:
    """Sizes of arguments that nothing prints: those who read them print `a.shape`."""
    found = {r for r, op in makers.items() if isinstance(op, Op) and op.prim == "shape"}
    found = {r for r in found if is_argument(makers[r].operands[0])}  # type: ignore[arg-type, union-attr]
    read: set[Operand] = set(fn.body.yields)
    for op in walk(fn.body):
        named = set(operands(op))
        if isinstance(op, Op) and op.prim in SHAPED and whole_shape(op.operands[SHAPED[op.prim] :], makers):
            named = set(op.operands[: SHAPED[op.prim]])
        read |= named
        for block in blocks(op):
            read.update(block.yields)
    return found - read  # type: ignore[operator]


def index(e: Expressions, entries: tuple[Any, ...], given: tuple[Operand, ...]) -> Any:
    """A subscript."""
    parts = []
    for entry in entries:
        if entry[0] in ("at", "array", "mask"):
            parts.append(e.operand(given[entry[1]]))
        elif entry[0] == "new":
            parts.append(t.constant(None))
        else:
            start, stop, step = (None if k is None else e.operand(given[k]) for k in entry[1:])
            parts.append(gast.Slice(start, stop, step))
    return parts[0] if len(parts) == 1 else t.tuple_(parts)


def whole(ndim: int) -> Any:
    return gast.Slice(None, None, None) if ndim else t.constant(...)


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
    """np.name(operands, attribute=...), or a helper of ours called alike."""
    prim = PRIMS[op.prim]
    if prim.helper and not op.prim.startswith(("numpy.", "scipy.")):
        parameters = prim.helper.partition("(")[2].partition(":\n")[0]
        named = {k: value(v) for k, v in op.attrs}
        if all(re.search(rf"\b{k}\b", parameters) for k in named):
            return t.call(e.helper(op.prim), *map(e.operand, op.operands), **named)
        return t.call(e.helper(op.prim), *map(e.operand, op.operands), *named.values())
    module, _, name = op.prim.rpartition(".")
    if module.startswith("scipy"):
        e.modules.add(module)
        return t.call(op.prim, *map(e.operand, op.operands), **keywords(op))
    name = op.prim.removeprefix("numpy.")
    return np_call(e, name, *map(e.operand, op.operands), **keywords(op))


def constant_name(e: Expressions, dtype: str) -> Any:
    e.modules.add("numpy")
    return t.dotted(f"np.{dtype}" if dtype != "bool" else "np.bool_")


def tile(e: Expressions, op: Op) -> Any:
    a, *counts = map(e.operand, op.operands)
    return np_call(e, "tile", a, counts[0] if len(counts) == 1 else t.tuple_(counts))


def pad(e: Expressions, op: Op) -> Any:
    """np.pad(a, widths): one number where all are alike, one pair where there is one axis."""
    widths = op.operands[1:]
    same = all(isinstance(w, Const) and w == widths[0] for w in widths)
    a, *found = map(e.operand, op.operands)
    pairs = [t.tuple_(found[i : i + 2]) for i in range(0, len(found), 2)]
    width = found[0] if same else pairs[0] if len(pairs) == 1 else t.tuple_(pairs)
    mode = op.attr("mode", "constant")
    return np_call(e, "pad", a, width, **({} if mode == "constant" else {"mode": t.constant(mode)}))


def stack(e: Expressions, op: Op) -> Any:
    axis = op.attr("axis")
    named = {"axis": value(axis)} if axis else {}
    return np_call(e, "stack", t.tuple_([e.operand(o) for o in op.operands]), **named)


def numbers(e: Expressions, op: Op) -> Any:
    """A (nested) list of numbers, with its dtype where that is not the one NumPy would find."""
    parts = list(map(e.operand, op.operands))
    return np_call(e, "array", nested(parts, op.attr("shape"), t.list_), **numbers_dtype(e, op))


def numbers_dtype(e: Expressions, op: Op) -> dict[str, Any]:
    dtype = op.attr("dtype")
    plain = all(isinstance(o.type, Scalar) and o.type.dtype in (None, dtype) for o in op.operands)
    kinds = {o.type.kind for o in op.operands if isinstance(o.type, Scalar)}
    natural = plain and dtype == NATURAL.get(max(kinds, key=KIND_ORDER.__getitem__))
    return {} if natural else e.dtype_named(dtype)


NATURAL = {"float": "float64", "int": "int64", "bool": "bool", "complex": "complex128"}


def nested(parts: list[Any], shape: tuple[int, ...], sequence: Any) -> Any:
    """Numbers in the order of memory as nested sequences."""
    if len(shape) == 1:
        return sequence(parts)
    each = len(parts) // shape[0]
    return sequence([nested(parts[k * each : (k + 1) * each], shape[1:], sequence) for k in range(shape[0])])


def diagonal(e: Expressions, op: Op) -> Any:
    k, (a,) = op.attr("k"), op.operands
    assert isinstance(a.type, Array)
    at = [value(k), *([value(-2), value(-1)] if a.type.ndim > 2 else [])]
    return np_call(e, "diagonal", e.operand(a), *(at if k or len(at) > 1 else []))


def square(e: Expressions, op: Op) -> Any:
    """np.eye and np.tri, as short as they can be written."""
    rows, columns = op.operands
    named: dict[str, Any] = {"k": value(op.attr("k"))} if op.attr("k") else {}
    if op.attr("dtype") != "float64":
        named["dtype"] = constant_name(e, op.attr("dtype"))
    sizes_ = [e.operand(rows)] if rows == columns else [e.operand(rows), e.operand(columns)]
    return np_call(e, op.prim.removeprefix("numpy."), *sizes_, **named)


def one_of(e: Expressions, op: Op) -> Any:
    """One array of a function that gives several, by number."""
    a, *rest = map(e.operand, op.operands)
    if op.prim == "nonzero":
        one = op.operands[0].type
        if isinstance(one, Array) and one.ndim == 1:
            return np_call(e, "flatnonzero", a)
    found = np_call(e, op.prim, a, *([t.tuple_(rest)] if rest else []))
    return t.subscript(found, t.constant(op.attr("axis")))


def histogram(e: Expressions, op: Op) -> Any:
    return t.subscript(np_call(e, "histogram", *map(e.operand, op.operands)), t.constant(0))


def weighted_logsumexp(e: Expressions, op: Op) -> Any:
    e.modules.add("scipy.special")
    a, b = map(e.operand, op.operands)
    return t.call("scipy.special.logsumexp", a, b=b, **keywords(op))


FORMS = {
    "weighted_logsumexp": weighted_logsumexp,
    "array_of_numbers": numbers, "numpy.stack": stack, "numpy.tile": tile, "numpy.pad": pad, "numpy.diagonal": diagonal, "numpy.eye": square, "numpy.tri": square,
    "nonzero": one_of, "unravel_index": one_of, "numpy.histogram_counts": histogram,
}  # fmt: skip
