"""Memory in reverse: shadow buffers.

Each active reference has a shadow twin made in forward order: allocated where the primal is, joined where
references join, carried where they are carried. A load's adjoint is added to the shadow; a store's is read
from the shadow, which is then zeroed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from s2sad.analysis.aliases import VIEWS
from s2sad.errors import NOWHERE, UnsupportedSyntaxError
from s2sad.ir.core import AnyOp, Block, Const, For, If, Op, Operand, Undef, Value, While, walk
from s2sad.ir.types import FLOAT, INT, Array, List, Scalar, Tape, Type, element, is_float, is_memory
from s2sad.rules.builder import Builder, const
from s2sad.transform.reverse import storage
from s2sad.transform.reverse.core import HANDLERS, Reverse
from s2sad.transform.reverse.extras import Carry, leaf_operands
from s2sad.transform.reverse.scopes import Scope

ALLOCATIONS = frozenset(
    {"numpy.zeros", "numpy.ones", "numpy.empty", "numpy.full", "copy", "list_of", "array_of", "alloc_list", "list_repeat",
     "numpy.arange", "tape_new", "extract", "array_like", "float_list"}
)  # fmt: skip


LISTS = frozenset({"alloc_list", "list_repeat", "list_of"})  # of references: their twins are made alike


def shadow(r: Reverse, a: Operand, scope: Scope) -> Operand:
    """The shadow of a reference as the reverse sweep can read it; of a view, the same view of the shadow."""
    op = r.defs.get(a) if isinstance(a, Value) and a not in r.shadows else None
    if isinstance(op, Op) and op.prim in VIEWS:
        of, *index = op.operands
        at = tuple(r.primal(o, scope) for o in index)
        return r.builder.emit(op.prim, shadow(r, of, scope), *at, type=shadow_type(a.type), **dict(op.attrs))
    if isinstance(a, Value) and is_of_one_iteration(r, a):
        return storage.available(r, shadow_of_iteration(r, a, scope), storage.scope_of(r, a, scope))  # type: ignore[arg-type]
    return r.primal(twin(r, a), scope)


def is_of_one_iteration(r: Reverse, a: Value) -> bool:
    """Whether an array is made in a loop and known under this name alone, so that its shadow can be made anew by
    the reverse of each iteration."""
    op = r.defs.get(a)
    if a in r.shadows or not isinstance(a.type, Array) or not isinstance(op, Op) or r.home[a] is r.fn.body:
        return False
    if op.prim in ("identity", "tape_read", "load", "invoke", "extract", "stop_gradient") or a in r.input_set:
        return False
    if r.aliases.is_joined(a) or r.aliases.find(a) in r.handed_back or r.aliases.find(a) in r.shared:
        return False
    return not used_by(r, "invoke", a) and bool(r.final_reads.around[op])


def shadow_of_iteration(r: Reverse, a: Value, scope: Scope) -> Value:
    """The shadow, as a value of the block where the array is made."""
    from s2sad.transform.reverse.arrays import origins, zeros

    found = r.new_shadows.get(a)
    if found is None:
        t = shadow_type(a.type)
        found = r.new_shadows[a] = Value(f"d·{a.hint}" if a.hint else "", t)
        r.home[found] = r.home[a]
        at = storage.scope_of(r, a, scope)
        assert at is not None
        if a.type.dims and all(isinstance(d, int) or d in origins(r) for d in a.type.dims):  # type: ignore[attr-defined]
            with r.builder.region() as ops:
                made = zeros(r, Value(a.hint, t), at)
            assert isinstance(made, Value)
            at.head += [*ops[:-1], replace(ops[-1], results=(found,))]  # type: ignore[call-arg]
            at.cache[found] = found
        else:
            at.made[found] = Op("zeros_like", (a,), (found,), NOWHERE)
    return found


def shadow_type(t: Type) -> Type:
    """Shadows of lists hold floats, or complex numbers; shadows of arrays have the array's dtype."""
    if isinstance(t, (List, Tape)) and isinstance(t.item, Scalar) and t.item.kind == "complex":
        return replace(t, item=Scalar("complex"))
    if isinstance(t, List):
        return List(FLOAT if is_float(t.item) or not is_memory(t.item) else shadow_type(t.item))
    if isinstance(t, Tape):
        return Tape(shadow_type(t.item) if is_memory(t.item) else FLOAT)
    if isinstance(t, Array) and not t.dtype.startswith(("float", "complex")):
        return replace(t, dtype="float64")
    return t


def twin(r: Reverse, a: Operand) -> Operand:
    """The shadow as a value of the forward sweep."""
    if not isinstance(a, Value):
        return Undef(getattr(a, "hint", ""), a.type)
    found = r.shadows.get(a)
    if found is not None:
        return found
    assert a not in r.new_shadows, f"{a} has a shadow of each iteration"
    made = Value(f"d·{a.hint}" if a.hint else "", shadow_type(a.type))
    r.shadows[a] = made
    r.home[made] = r.home[a]
    op = r.defs.get(a)
    if isinstance(op, If):
        join_twin(r, op, a, made)
    elif isinstance(op, (For, While)):
        loop_twin(r, op, op.results.index(a), made)
    elif isinstance(op, Op) and op.prim == "identity":
        r.extras.after[op].append(Op("identity", (twin(r, op.operands[0]),), (made,), op.loc))
        r.sites[made] = r.extras.after[op]
    elif (isinstance(op, Op) and op.prim in VIEWS) or (
        isinstance(op, Op) and op.prim in ("tape_read", "load")
    ):
        source = twin(r, op.operands[0])
        r.extras.after[op].append(replace(op, operands=(source, *op.operands[1:]), results=(made,)))
        r.sites[made] = r.extras.after[op]
    elif isinstance(op, Op) and isinstance(a.type, List) and is_memory(a.type.item) and op.prim in LISTS:
        operands = [twin(r, o) if is_memory(o.type) else o for o in op.operands]
        r.extras.after[op].append(replace(op, operands=tuple(operands), results=(made,)))
        r.sites[made] = r.extras.after[op]
    elif op is None and r.home[a] is not r.fn.body:
        param_twin(r, a, made)
    elif isinstance(op, Op) and op.prim == "invoke" and any(map(r.is_active, op.operands)):
        r.sites[made] = r.extras.after[op]  # it is returned with the reference, see reverse_invoke
    else:
        if isinstance(op, Op) and op.prim == "stop_gradient" and r.aliases.is_written(a):
            raise UnsupportedSyntaxError(
                "stop_gradient() of an array or list that is written to",
                op.loc,
                "stop the gradient of a copy of it",
            )
        allocate_twin(r, op, a, made)
    return made


def allocate_twin(r: Reverse, op: AnyOp | None, a: Value, made: Value) -> None:
    """A fresh shadow: at the start of the reverse sweep where nothing forward needs it, else beside its primal."""
    loc = op.loc if op is not None else NOWHERE
    if isinstance(a.type, Tape):
        new = Op("tape_new", (), (made,), loc)
    else:
        new = Op("zeros_like", (a,), (made,), loc)
    simple = r.home[a] is r.fn.body and not r.aliases.is_joined(a) and not isinstance(a.type, Tape)
    simple = simple and not appended(r, a) and not used_by(r, "invoke", a)
    simple = simple and r.aliases.find(a) not in r.handed_back
    if not simple:
        r.beside.add(a)
    if simple:
        r.late.append(Op(new.prim, new.operands, new.results, r.reverse_loc(NOWHERE)))
    elif op is None:
        r.extras.start[r.fn.body].append(new)
        r.sites[made] = r.extras.start[r.fn.body]
    else:
        r.extras.after[op].append(new)
        r.sites[made] = r.extras.after[op]
    if isinstance(a.type, Tape):
        tape_writes_twin(r, a)


def zero_shadow(b: Builder, d: Operand) -> None:
    """Make a shadow zero again; what a tape or list of references holds is zeroed where that was made."""
    if isinstance(d.type, Array):
        b.effect("assign", d, const(0.0))
    elif isinstance(d.type, List) and not is_memory(d.type.item):
        i = Value("i", INT)
        with b.region() as ops:
            b.effect("store", d, i, const(0.0))
        n = b.emit("len", d, type=INT)
        b.ops.append(For(const(0), n, const(1), (), Block((i,), tuple(ops), ()), (), b.loc))


def refuse_grown(r: Reverse, a: Value) -> None:
    """An argument that is appended to: its shadow grows with it, and its gradient would be of the final length."""
    for op in walk(r.fn.body):
        if isinstance(op, Op) and op.prim == "append" and r.aliases.find(op.operands[0]) is r.aliases.find(a):  # type: ignore[arg-type]
            raise UnsupportedSyntaxError(
                f"the list {a.hint!r}, which is differentiated by, is appended to",
                op.loc,
                f"append to a copy, as in {a.hint} = list({a.hint})",
            )


def appended(r: Reverse, a: Value) -> bool:
    """Whether a list grows: then its shadow grows along, in forward order."""
    return used_by(r, "append", a)


def used_by(r: Reverse, prim: str, a: Value) -> bool:
    """Whether a reference's class is an operand of such an operation."""
    found = r.counters.get(prim)
    if found is None:
        operations = (op for op in walk(r.fn.body) if isinstance(op, Op) and op.prim == prim)
        found = {
            r.aliases.find(o)
            for op in operations
            for o in op.operands
            if isinstance(o, Value) and is_memory(o.type)
        }
        r.counters[prim] = found
    return r.aliases.find(a) in found


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


def tape_writes_twin(r: Reverse, tape: Value) -> None:
    """What is written to a tape of an earlier differentiation is shadowed as it is written."""
    for op in walk(r.fn.body):
        if isinstance(op, Op) and op.prim == "tape_write" and op.operands[0] is tape:
            value = op.operands[2]
            held: Operand = twin(r, value) if is_memory(value.type) else const(0.0)
            operands = (r.shadows[tape], op.operands[1], held)
            r.extras.after[op].append(replace(op, operands=operands))


def join_twin(r: Reverse, op: If, a: Value, made: Value) -> None:
    j = op.results.index(a)
    sides = (twin(r, op.then.yields[j]), twin(r, op.orelse.yields[j]))
    r.extras.results[op].append((*sides, made))
    r.extras.joins[made] = op
    r.sites[made] = r.extras.after[op]


def loop_twin(r: Reverse, op: For | While, j: int, made: Value) -> None:
    """Shadow references are carried by the forward loop as the primal's are."""
    body_param = op.body.params[1 + j] if isinstance(op, For) else op.body.params[j]
    param = carried_twin(r, body_param)
    carry = Carry(const(None), param, lambda leaf: const(None), made)
    if isinstance(op, While):
        carry.test_param = carried_twin(r, op.test.params[j])
        r.shadows[op.results[j]] = made
    r.extras.carries[op].append(carry)
    r.sites[made] = r.extras.after[op]
    carry.init = twin(r, op.init[j])
    out = leaf_twins(r, op.body, j)
    carry.at_exit = out
    if isinstance(op, While):
        carry.tested = twin(r, op.test.yields[1 + j])


def carried_twin(r: Reverse, param: Value) -> Value:
    found = r.shadows.get(param)
    if found is None:
        found = r.shadows[param] = Value(f"d·{param.hint}" if param.hint else "", shadow_type(param.type))
        r.home[found] = r.home[param]
        r.sites[found] = r.extras.start[r.home[param]]
    return found


def leaf_twins(r: Reverse, body: Any, j: int) -> Any:
    """What a leaf of the body yields for the shadow: the twin of what the body itself yields there."""
    twins = {leaf: twin(r, o) for leaf, o in leaf_operands(body, body.yields[j]).items()}
    return lambda leaf: twins[leaf]


def param_twin(r: Reverse, a: Value, made: Value) -> None:
    """A loop parameter's shadow is made with the loop's: through any of its results."""
    for op in list(r.op_homes) or list(_all_ops(r)):
        if isinstance(op, (For, While)):
            params = op.body.params[1:] if isinstance(op, For) else op.body.params
            tests = op.test.params if isinstance(op, While) else ()
            if a in params or a in tests:
                j = (params if a in params else tests).index(a)
                if op.results[j] not in r.shadows:
                    twin(r, op.results[j])
                return
    raise AssertionError("a parameter of no loop")


def _all_ops(r: Reverse) -> list[AnyOp]:
    r.home_of(next(iter(r.fn.body.ops)))
    return list(r.op_homes)


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
        r.builder.effect("store", target, *at, const(0.0))
        r.add(value, cotangent, scope)
    else:
        r.builder.effect("store", target, *at, const(0.0))


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
        r.extras.after[op].append(Op("append", (grown, const(0.0)), (), op.loc))
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
    total, i, result = Value("total", FLOAT), Value("i", INT), Value("total", FLOAT)
    with r.builder.region() as ops:
        new = r.builder.emit("add", total, read_shadow(r, target, i), hint="total", type=FLOAT)
    loop = For(
        const(0), n, const(1), (const(0.0),), Block((i, total), tuple(ops), (new,)), (result,), r.builder.loc
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
    """How many elements were copied into a list, where the original or the copy grows afterwards."""
    length = r.counters.get(("length", op))
    if length is None:
        length = r.counters["length", op] = Value("", INT)
        r.extras.before[op].append(Op("len", (op.operands[0],), (length,), op.loc))
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
        r.add(value, r.builder.emit("tape_read", target, at, type=FLOAT), scope)


def reverse_tape_read(r: Reverse, op: Op, scope: Scope) -> None:
    cotangent = scope.adj.pop(op.result, None)
    if cotangent is None or not r.is_active(op.operands[0]):
        return
    target, at = shadow(r, op.operands[0], scope), r.primal(op.operands[1], scope)
    before = r.builder.emit("tape_read", target, at, type=FLOAT)
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
        "unbound": nothing, "print": nothing, "assert": nothing, "raise": nothing, "format": nothing,
    }
)  # fmt: skip
