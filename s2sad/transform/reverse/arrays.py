"""Whole arrays in reverse: adjoints as values, broadcasting undone, subscripts, writes of many elements.

An array that is never written and only used whole has an adjoint that is a value like a number's. Every other
has a shadow buffer (`transform.reverse.shadows`), to which contributions are added. An adjoint may have fewer
axes than its array, or axes of size 1 where all elements are alike; `full` spreads it out where that matters.
"""

from __future__ import annotations

from typing import Any

from s2sad.ir.core import For, If, Op, Operand, Value, While, walk
from s2sad.ir.types import INT, Array, List, Tape, Type, is_many, shaped
from s2sad.rules import arrays as a_
from s2sad.rules.builder import Builder, const
from s2sad.rules.effects import is_fresh
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import is_elementwise, summed_axes
from s2sad.transform.reverse.core import HANDLERS, Reverse
from s2sad.transform.reverse.memory import add_first, list_length
from s2sad.transform.reverse.scopes import Scope, adjoint_type
from s2sad.transform.reverse.shadows import appended, shadow
from s2sad.transform.reverse.unbound import handed_sizes, may_be_unbound

BY_ELEMENT = frozenset(
    {"load", "store", "accumulate", "assign", "assign_at", "scatter_add", "add_into", "view", "gather", "take_winners", "invoke", "tape_write",
     "append", "alloc_list", "list_of", "array_of"}
)  # fmt: skip
FIRST_ONLY = frozenset({"gather", "take_winners", "assign", "assign_at", "scatter_add", "add_into"})
LAZY = frozenset({"numpy.sum", "copy"})


def buffered(r: Reverse) -> set[Value]:
    """The alias classes whose adjoints are shadow buffers."""
    found: set[Value] = {r.aliases.find(v) for v in r.given_shadowed}
    for op in walk(r.fn.body):
        if isinstance(op, Op) and op.prim in BY_ELEMENT:
            for o in (*op.operands, *op.results):
                if isinstance(o, Value) and isinstance(o.type, (Array, List, Tape)):
                    if op.prim in FIRST_ONLY and o is not op.operands[0]:
                        continue
                    if op.prim == "array_of" and not r.is_active(op.operands[0]):
                        continue  # made of constants: nothing is handed on
                    found.add(r.aliases.find(o))
    return found


def by_value(r: Reverse, v: Operand) -> bool:
    """Whether an array's adjoint is a value."""
    if not (isinstance(v, Value) and isinstance(v.type, Array)):
        return False
    if r.buffered is None:
        r.buffered = buffered(r) | r.handed_back
    root = r.aliases.find(v)
    return root not in r.buffered and not r.aliases.is_written(v)


def seed_memory(r: Reverse, output: Value, cotangent: Operand) -> None:
    """The cotangent of a result that is memory; it is only read."""
    if by_value(r, output):
        r.accumulate(output, cotangent, r.root)
    else:
        r.builder.effect("add_into", shadow(r, output, r.root), cotangent)


def full(b: Builder, d: Operand, like: Type, shape: Any) -> Operand:
    """A cotangent with all the axes of its value; `shape()` gives the sizes."""
    if (
        not isinstance(like, Array)
        or not like.dims
        or (isinstance(d.type, Array) and same_dims(d.type, like))
    ):
        return d
    if like.dtype == "float32" and not isinstance(d.type, Array):
        d = b.emit("numpy.float32", d)  # spread out, a Python number becomes an array of float64
    return a_.emit(b, "numpy.broadcast_to", d, *shape())


def handed_on(b: Builder, d: Operand, like: Type, shape: Any) -> Operand:
    """A cotangent as branches and loops hand it on: complete, and of its value's dtype."""
    d = full(b, d, like, shape)
    if (
        isinstance(like, Array)
        and a_.dtype_of(d) != like.dtype
        and like.dtype.startswith(("float", "complex"))
    ):
        d = b.emit("astype", d, type=Array(like.dtype, like.ndim, like.dims), dtype=like.dtype)
    return d


def same_dims(a: Array, b: Array) -> bool:
    return a.ndim == b.ndim and all(
        is_many(x) or (x == y and x is not None) for x, y in zip(a.dims, b.dims, strict=True)
    )


def unbroadcast(b: Builder, term: Operand, operand: Operand, shape: Any) -> Operand:
    """A contribution summed over the axes along which its operand was broadcast."""
    dims = a_.dims_of(operand)
    if not isinstance(term.type, Array):
        return term
    leading, kept, is_open = summed_axes(dims, term.type.dims)
    if is_open:
        missing = max(len(dims) - term.type.ndim, 0)  # axes along which a cotangent is the same are left out
        sizes = tuple(shape())[missing:]
        return b.emit("unbroadcast", term, *sizes, type=shaped(a_.dtype_of(term), dims[missing:]))
    if not dims:
        return a_.emit(b, "numpy.sum", term)
    if leading:
        term = a_.emit(b, "numpy.sum", term, axis=leading if len(leading) > 1 else leading[0])
    if kept:
        term = a_.emit(b, "numpy.sum", term, axis=kept if len(kept) > 1 else kept[0], keepdims=True)
    return term


def needs_sum(op: Op) -> bool:
    """Whether some operand of an elementwise operation was broadcast, or may have been."""
    dims = a_.dims_of(op.result)
    return any(any(summed_axes(a_.dims_of(o), dims)) for o in op.operands if isinstance(o, Value))


def cotangent_of(r: Reverse, op: Op, result: Value, scope: Scope) -> Operand | None:
    """The cotangent of an array result, complete where the operation's rule needs that."""
    if by_value(r, result):
        found = scope.adj.pop(result, None)
    else:
        found = shadow(r, result, scope) if r.is_active(result) else None
        if found is not None and r.repeated and result in r.beside:  # it is zeroed for the next run
            found = r.builder.emit("copy", found, type=found.type)
    if found is None:
        return None
    if op.prim in LAZY or (is_elementwise(PRIMS[op.prim]) and not needs_sum(op)):
        return found
    return full(r.builder, found, result.type, lambda: sizes(r, result, scope))


def sizes(r: Reverse, v: Operand, scope: Scope) -> tuple[Operand, ...]:
    """The sizes of an array of the forward sweep."""
    found: list[Operand] = []
    for d in a_.dims_of(v):
        if isinstance(d, int):
            found.append(const(d))
        elif (origin := origins(r).get(d)) is not None:
            size = r.builder.emit("shape", origin[0], type=INT, axis=origin[1])
            a_.SIZES[size] = d  # type: ignore[index]
            found.append(size)
        elif may_be_unbound(r, v):
            return tuple(r.primal(size, scope) for size in handed_sizes(r, v, len(a_.dims_of(v))))
        else:
            return a_.shape(r.builder, r.primal(v, scope))
    return tuple(found)


def origins(r: Reverse) -> dict[Any, tuple[Value, int]]:
    """The parameters whose axes have the sizes that types name."""
    if r.origins is None:
        r.origins = {}
        taken = [op.result for op in r.fn.body.ops if isinstance(op, Op) and op.prim == "extract"]
        for p in (*r.fn.params, *taken):
            for i, d in enumerate(a_.dims_of(p)):
                if d is not None:
                    r.origins.setdefault(d, (p, i))
    return r.origins


def add_array(r: Reverse, operand: Value, term: Operand, scope: Scope) -> None:
    """Add a contribution to the adjoint of an array, or of a number that met an array."""
    if r.broadcasts:
        term = unbroadcast(r.builder, term, operand, lambda: sizes(r, operand, scope))
    if isinstance(operand.type, Array) and not by_value(r, operand):
        r.builder.effect("add_into", shadow(r, operand, scope), term)
        return
    if scope.kind != "function":  # what branches and loops hand on is complete
        term = handed_on(r.builder, term, operand.type, lambda: sizes(r, operand, scope))
    r.accumulate(operand, term, scope)


def zeros(r: Reverse, v: Value, scope: Scope) -> Operand:
    """The adjoint of an array that nothing reads."""
    assert isinstance(v.type, Array)
    if may_be_unbound(r, v) or (
        v.type.dims and all(isinstance(d, int) or d in origins(r) for d in v.type.dims)
    ):
        return r.builder.emit(
            "numpy.zeros", *sizes(r, v, scope), type=adjoint_type(v.type), dtype=v.type.dtype
        )
    return r.builder.emit("zeros_like", r.primal(v, scope), type=adjoint_type(v.type))


def finished_array(b: Builder, d: Operand, v: Value, given: set[Operand], defs: dict[Value, Any]) -> Operand:
    """An array's gradient as it is returned: complete, and memory of its own."""
    assert isinstance(v.type, Array)
    spread = full(b, d, v.type, lambda: a_.shape(b, v))
    dtype = v.type.dtype if v.type.dtype.startswith(("float", "complex")) else "float64"
    if a_.dtype_of(spread) != dtype:
        return b.emit("astype", spread, type=Array(dtype, v.type.ndim, v.type.dims), dtype=dtype)
    made = defs.get(d) if isinstance(d, Value) else None
    if not v.type.dims and getattr(made, "prim", None) not in ("zeros_like", "copy"):  # NumPy made a number
        spread = b.emit("numpy.broadcast_to", spread, type=v.type)
    arrays = made_as(d, defs, set())
    if spread is not d or not given.isdisjoint(arrays) or not is_unshared(d, defs, set()):
        return b.emit("copy", spread, type=v.type)
    given |= arrays
    return d


def made_as(o: Operand, defs: dict[Value, Any], seen: set[Operand]) -> set[Operand]:
    """The values that an array may be under another name: what copies of names, branches and loops make it of."""
    if o in seen:
        return set()
    seen.add(o)
    made = defs.get(o) if isinstance(o, Value) else None
    if isinstance(made, Op) and made.prim == "identity":
        return made_as(made.operands[0], defs, seen)
    if isinstance(made, tuple):
        return set().union(*(made_as(s, defs, seen) for s in made))
    return {o}


def is_unshared(o: Operand, defs: dict[Value, Any], seen: set[Value]) -> bool:
    """Whether an array is memory that nothing else refers to."""
    if not isinstance(o, Value):
        return False
    if o in seen:
        return True
    seen.add(o)
    made = defs.get(o)
    if isinstance(made, Op):
        if made.prim == "identity":
            return is_unshared(made.operands[0], defs, seen)
        return is_fresh(made)
    if isinstance(made, tuple):  # a parameter or result of structured control flow: all that can become it
        return all(is_unshared(s, defs, seen) for s in made)
    return False


def sources(ops: Any) -> dict[Value, Any]:
    """What makes each value: an operation, or the operands that a branch or loop makes it of."""
    found: dict[Value, Any] = {}

    def visit(block_ops: Any) -> None:
        for op in block_ops:
            if isinstance(op, Op):
                found.update(dict.fromkeys(op.results, op))
            elif isinstance(op, If):
                visit(op.then.ops)
                visit(op.orelse.ops)
                for x, y, z in zip(op.results, op.then.yields, op.orelse.yields, strict=True):
                    found[x] = (y, z)
            elif isinstance(op, For):
                visit(op.body.ops)
                for res, p, i, y in zip(op.results, op.body.params[1:], op.init, op.body.yields, strict=True):
                    found[res] = found[p] = (i, y)
            elif isinstance(op, While):
                visit(op.test.ops)
                visit(op.body.ops)
                for res, p, q, i, t, y in zip(
                    op.results,
                    op.test.params,
                    op.body.params,
                    op.init,
                    op.test.yields[1:],
                    op.body.yields,
                    strict=True,
                ):
                    found[res] = found[p] = found[q] = (i, t, y)

    visit(ops)
    return found


# -- subscripts and writes ----------------------------------------------------------------------------


def reverse_assign(r: Reverse, op: Op, scope: Scope) -> None:
    """`a[...] = v`: the cotangent goes to v, the shadow is zeroed."""
    a, v = op.operands
    if not r.is_active(a):
        return
    target = shadow(r, a, scope)
    if r.is_active(v):
        moved = r.builder.emit("copy", target, type=target.type)
        r.builder.effect("assign", target, const(0.0))
        r.add(v, moved, scope)
    else:
        r.builder.effect("assign", target, const(0.0))


def reverse_add_into(r: Reverse, op: Op, scope: Scope) -> None:
    """`a += v`: the cotangent stays where it is and goes to v too."""
    a, v = op.operands
    if not (r.is_active(a) and r.is_active(v)):
        return
    d = shadow(r, a, scope)
    if any(isinstance(o.type, List) and appended(r, o) for o in (a, v)):  # type: ignore[arg-type]
        target = zeros(r, v, scope) if by_value(r, v) else shadow(r, v, scope)  # type: ignore[arg-type]
        add_first(r, target, d, list_length(r, op, scope))
        if by_value(r, v):
            r.add(v, target, scope)
        return
    r.add(
        v,
        r.builder.emit("copy", d, type=d.type) if isinstance(v.type, Array) and by_value(r, v) else d,
        scope,
    )


def reverse_assign_at(r: Reverse, op: Op, scope: Scope) -> None:
    """`a[index arrays] = v`: of repeated positions the last written wins, and its cotangent alone is v's."""
    a, *index, v = op.operands
    if not r.is_active(a):
        return
    target = shadow(r, a, scope)
    at = [r.as_read(o, op, scope) for o in index]
    if r.is_active(v):
        moved = r.builder.emit(
            "take_winners", target, *at, type=winners_type(target, at, op), **dict(op.attrs)
        )
        r.builder.effect("assign_at", target, *at, const(0.0), **dict(op.attrs))
        r.add(v, moved, scope)
    else:
        r.builder.effect("assign_at", target, *at, const(0.0), **dict(op.attrs))


def winners_type(a: Operand, at: list[Operand], op: Op) -> Type:
    return a_.INFER["gather"](dict(op.attrs), a, *at)


def reverse_scatter_add(r: Reverse, op: Op, scope: Scope) -> None:
    a, *index, v = op.operands
    if not (r.is_active(a) and r.is_active(v)):
        return
    at = [r.as_read(o, op, scope) for o in index]
    target = shadow(r, a, scope)
    moved = r.builder.emit("gather", target, *at, type=winners_type(target, at, op), **dict(op.attrs))
    r.add(v, moved, scope)


def reverse_view(r: Reverse, op: Op, scope: Scope) -> None:
    """A view's shadow is the same view of the shadow: what was added to one is in the other. That of a number given an axis
    is its own."""
    if not isinstance(op.result.type, Array):  # all axes squeezed away: a number
        scalar = scope.adj.pop(op.result, None)
        if scalar is not None:
            r.apply_rule(op, scalar, scope)
        return
    if by_value(r, op.result) or is_fresh(op):
        cotangent = cotangent_of(r, op, op.result, scope)
        if cotangent is not None:
            r.apply_rule(op, cotangent, scope)


def reverse_gather(r: Reverse, op: Op, scope: Scope) -> None:
    a, *index = op.operands
    if not r.is_active(a) or not r.is_active(op.result):
        return
    if isinstance(op.result.type, Array):
        d = cotangent_of(r, op, op.result, scope)
    else:
        d = scope.adj.pop(op.result, None)
    if d is None:
        return
    at = [r.as_read(o, op, scope) for o in index]
    if op.prim == "take_winners":  # what took no element hands nothing on
        ones = r.builder.emit("numpy.ones", *sizes(r, a, scope), type=a.type, dtype=a_.dtype_of(a))
        took = r.builder.emit("take_winners", ones, *at, type=op.result.type, **dict(op.attrs))
        d = r.builder.emit("mul", d, took)
    r.builder.effect("scatter_add", shadow(r, a, scope), *at, d, **dict(op.attrs))


HANDLERS.update(
    {
        "assign": reverse_assign, "add_into": reverse_add_into, "assign_at": reverse_assign_at,
        "scatter_add": reverse_scatter_add, "view": reverse_view, "newaxis": reverse_view, "squeeze": reverse_view, "reshaped": reverse_view,
        "numpy.transpose": reverse_view, "gather": reverse_gather, "take_winners": reverse_gather,
    }
)  # fmt: skip
