"""Memory in reverse: loads, stores, lists and tapes.

A load's adjoint is added to the shadow (see `shadows`); a store's is read from the shadow, which is then zeroed.
"""

from __future__ import annotations

from dataclasses import replace

from s2sad.ir.core import Block, Const, For, Op, Operand, Value, walk
from s2sad.ir.types import INT, Array, List, element, is_float, is_memory
from s2sad.rules.builder import const
from s2sad.transform.reverse.core import HANDLERS, Reverse
from s2sad.transform.reverse.scopes import Scope, adjoint_type, zero
from s2sad.transform.reverse.shadows import appended, empty_cell, shadow, shadow_type, twin


def cell(r: Reverse, op: Op, scope: Scope) -> tuple[Operand, ...]:
    """The indices an operation reads or writes at, for the reverse sweep."""
    if isinstance(op.operands[0].type, Array):
        last = len(op.operands) if op.results else -1
        return tuple(r.primal(o, scope) for o in op.operands[1:last])
    return (list_cell(r, op, scope),)


def list_cell(r: Reverse, op: Op, scope: Scope) -> Operand:
    """The index an operation reads or writes at, for the reverse sweep: in a list that grows, where the last
    cells are others by then, counted from the start."""
    a, index = op.operands[:2]
    if not isinstance(a, Value) or not appended(r, a) or counts_from_start(r, index):
        return r.primal(index, scope)
    position = r.counters.get(("cell", op))
    if position is None:
        length, position = Value("", INT), Value("", INT)
        r.counters["cell", op] = position
        r.extras.before[op].append(Op("len", (a,), (length,), op.loc))
        r.extras.before[op].append(Op("mod", (index, length), (position,), op.loc))
        r.home[position] = r.home_of(op)
        r.sites[position] = r.extras.before[op]
    return r.primal(position, scope)


def counts_from_start(r: Reverse, index: Operand) -> bool:
    """Whether an index cannot be negative: a constant, or the index of a loop that counts up."""
    if isinstance(index, Const):
        return bool(index.value >= 0)
    loops = (op for op in walk(r.fn.body) if isinstance(op, For) and op.body.params[0] is index)
    return any(all(isinstance(o, Const) and o.value >= 0 for o in (op.start, op.step)) for op in loops)


# -- the reverse of each operation --------------------------------------------------------------------


def reverse_load(r: Reverse, op: Op, scope: Scope) -> None:
    cotangent = scope.adj.pop(op.result, None)
    if cotangent is None or is_memory(op.result.type) or not r.is_active(op.operands[0]):
        return
    target = shadow(r, op.operands[0], scope)
    r.builder.effect("accumulate", target, *cell(r, op, scope), cotangent)


def read_shadow(r: Reverse, target: Operand, *index: Operand) -> Operand:
    return r.builder.emit("load", target, *index, type=target.type.item)  # type: ignore[attr-defined]


def reverse_store(r: Reverse, op: Op, scope: Scope) -> None:
    a, value = op.operands[0], op.operands[-1]
    if not r.is_active(a):
        return
    if is_memory(value.type):
        r.extras.after[op].append(replace(op, operands=(twin(r, a), op.operands[1], twin(r, value))))
        return
    target, at = shadow(r, a, scope), cell(r, op, scope)
    if r.is_active(value):
        cotangent = read_shadow(r, target, *at)
        r.builder.effect("store", target, *at, empty_cell(target.type))
        r.add(value, cotangent, scope)
    else:
        r.builder.effect("store", target, *at, empty_cell(target.type))


def reverse_accumulate(r: Reverse, op: Op, scope: Scope) -> None:
    a, value = op.operands[0], op.operands[-1]
    if r.is_active(a) and r.is_active(value):
        target, at = shadow(r, a, scope), cell(r, op, scope)
        r.add(value, read_shadow(r, target, *at), scope)


def reverse_append(r: Reverse, op: Op, scope: Scope) -> None:
    """The shadow grew by a zero when the list did; its cell holds the cotangent."""
    a, value = op.operands
    if not r.is_active(a):
        return
    grown = twin(r, a)
    if is_memory(value.type):
        if op not in r.counters:
            r.counters[op] = None
            r.extras.after[op].append(Op("append", (grown, twin(r, value)), (), op.loc))
        return
    if op not in r.counters:
        position = Value("", INT)
        r.counters[op] = position
        r.extras.before[op].append(Op("len", (a,), (position,), op.loc))
        r.extras.after[op].append(Op("append", (grown, empty_cell(grown.type)), (), op.loc))
        r.home[position] = r.home_of(op)
        r.sites[position] = r.extras.before[op]
    if r.is_active(value):
        target, at = shadow(r, a, scope), r.primal(r.counters[op], scope)
        r.add(value, read_shadow(r, target, at), scope)


def reverse_alloc_list(r: Reverse, op: Op, scope: Scope) -> None:
    if not r.is_active(op.result) or not any(map(r.is_active, op.operands)) or is_memory(op.result.type.item):  # type: ignore[attr-defined]
        return
    target = shadow(r, op.result, scope)
    for i, item in enumerate(op.operands):
        if r.is_active(item):
            r.add(item, read_shadow(r, target, const(i)), scope)


def reverse_fill(r: Reverse, op: Op, scope: Scope) -> None:
    """A value repeated: the sum of its copies' adjoints."""
    value = op.operands[0] if op.prim == "list_repeat" else op.operands[1]
    if is_memory(value.type):
        return
    if not r.is_active(op.result) or not r.is_active(value):
        return
    target = shadow(r, op.result, scope)
    n = r.builder.emit("len", target, type=INT)
    item = adjoint_type(element(target.type))
    total, i, result = Value("total", item), Value("i", INT), Value("total", item)
    with r.builder.region() as ops:
        new = r.builder.emit("add", total, read_shadow(r, target, i), hint="total", type=item)
    loop = For(
        const(0), n, const(1), (zero(item),), Block((i, total), tuple(ops), (new,)), (result,), r.builder.loc
    )
    r.builder.ops.append(loop)
    r.add(value, result, scope)


def reverse_copy(r: Reverse, op: Op, scope: Scope) -> None:
    if isinstance(op.result.type, Array) and isinstance(op.operands[0].type, Array):
        from s2sad.transform.reverse.arrays import cotangent_of

        d = cotangent_of(r, op, op.result, scope) if r.is_active(op.result) else None
        if d is not None:
            r.broadcasts = False  # a copy has the sizes of its original, whatever is known of them
            r.add(op.operands[0], d, scope)
            r.broadcasts = True
        return
    if op.prim == "list_of" and is_memory(element(op.result.type)):
        return
    if r.is_active(op.result) and r.is_active(op.operands[0]):
        if op.prim == "array_of" and is_memory(element(op.operands[0].type)):
            add_rows(r, shadows_of_elements(r, op, scope), shadow(r, op.result, scope))
            return
        target, source = shadow(r, op.operands[0], scope), shadow(r, op.result, scope)
        if op.prim == "list_of" and any(appended(r, v) for v in (op.operands[0], op.result)):  # type: ignore[arg-type]
            add_first(r, target, source, list_length(r, op, scope))
        else:
            r.builder.effect("add_into", target, source)


def shadows_of_elements(r: Reverse, op: Op, scope: Scope) -> Operand:
    """The shadows of what a list of references holds when it is read, where it holds others later."""
    a = op.operands[0]
    assert isinstance(a, Value)
    if not r.written_after(a, op):
        return shadow(r, a, scope)
    held = r.counters.get(("elements", op))
    if held is None:
        held = r.counters["elements", op] = Value("", shadow_type(a.type))
        r.extras.after[op].append(Op("list_of", (twin(r, a),), (held,), op.loc))
        r.home[held] = r.home_of(op)
        r.sites[held] = r.extras.after[op]
    return r.primal(held, scope)


def list_length(r: Reverse, op: Op, scope: Scope) -> Operand:
    """How many elements were copied into a list, or added to one, where one of the two grows afterwards."""
    length = r.counters.get(("length", op))
    if length is None:
        length = r.counters["length", op] = Value("", INT)
        read = op.operands[1 if op.prim == "add_into" else 0]
        r.extras.before[op].append(Op("len", (read,), (length,), op.loc))
        r.home[length] = r.home_of(op)
        r.sites[length] = r.extras.before[op]
    return r.primal(length, scope)


def add_first(r: Reverse, target: Operand, source: Operand, n: Operand) -> None:
    """Add the first n elements of a list to those of a list or array."""
    i = Value("i", INT)
    with r.builder.region() as ops:
        r.builder.effect("accumulate", target, i, read_shadow(r, source, i))
    r.builder.ops.append(For(const(0), n, const(1), (), Block((i,), tuple(ops), ()), (), r.builder.loc))


def add_rows(r: Reverse, target: Operand, source: Operand) -> None:
    """The cotangent of an array made of a list of arrays or lists goes to each of them."""
    from s2sad.rules.arrays.indexing import view

    n, i = r.builder.emit("len", target, type=INT), Value("i", INT)
    with r.builder.region() as ops:
        row = r.builder.emit("load", target, i, type=element(target.type))
        part = view(r.builder, source, (("at", 0),), (i,))
        if isinstance(row.type, List) and is_memory(row.type.item):
            add_rows(r, row, part)
        else:
            r.builder.effect("add_into", row, part)
    body = Block((i,), tuple(ops), ())
    r.builder.ops.append(For(const(0), n, const(1), (), body, (), r.builder.loc))


def reverse_tape_write(r: Reverse, op: Op, scope: Scope) -> None:
    tape, k, value = op.operands
    if r.is_active(tape) and r.is_active(value) and is_float(value.type):
        target, at = shadow(r, tape, scope), r.primal(k, scope)
        r.add(value, r.builder.emit("tape_read", target, at, type=target.type.item), scope)  # type: ignore[attr-defined]


def reverse_tape_read(r: Reverse, op: Op, scope: Scope) -> None:
    cotangent = scope.adj.pop(op.result, None)
    if cotangent is None or not r.is_active(op.operands[0]):
        return
    target, at = shadow(r, op.operands[0], scope), r.primal(op.operands[1], scope)
    if is_memory(op.result.type):  # others have that shadow, too
        held = r.builder.emit("tape_read", target, at, type=shadow_type(op.result.type))
        r.builder.effect("add_into", held, cotangent)
        return
    before = r.builder.emit("tape_read", target, at, type=target.type.item)  # type: ignore[attr-defined]
    r.builder.effect("tape_write", target, at, r.builder.emit("add", before, cotangent))


def nothing(r: Reverse, op: Op, scope: Scope) -> None:
    for result in op.results:
        scope.adj.pop(result, None)


def reverse_identity(r: Reverse, op: Op, scope: Scope) -> None:
    cotangent = scope.adj.pop(op.result, None)
    if cotangent is not None:
        r.add(op.operands[0], cotangent, scope)


HANDLERS.update(
    {
        "load": reverse_load, "shape": nothing, "store": reverse_store, "accumulate": reverse_accumulate, "append": reverse_append,
        "alloc_list": reverse_alloc_list, "list_repeat": reverse_fill, "numpy.full": reverse_fill,
        "copy": reverse_copy, "list_of": reverse_copy, "array_of": reverse_copy,
        "tape_write": reverse_tape_write, "tape_read": reverse_tape_read, "identity": reverse_identity,
        "stop_gradient": nothing, "array_like": nothing, "float_list": nothing, "extract": nothing, "numpy.zeros": nothing, "numpy.ones": nothing,
        "numpy.empty": nothing, "numpy.arange": nothing, "tape_new": nothing, "tape_len": nothing, "constant": nothing, "zeros_like": nothing,
        "unbound": nothing, "print": nothing, "assert": nothing, "raise": nothing, "fits": nothing, "format": nothing, "text": nothing,
    }
)  # fmt: skip
