"""Shadow buffers: where the adjoints of arrays and lists are kept.

Each active reference has a shadow twin made in forward order: allocated where the primal is, joined where
references join, carried where they are carried. The reverse sweep reads a shadow by `shadow`; one of an array
that a loop makes and nothing else knows is made anew by the reverse of each iteration.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from s2sad.errors import NOWHERE, UnsupportedSyntaxError
from s2sad.ir.core import AnyOp, Block, Const, For, If, Op, Operand, Undef, Value, While, walk
from s2sad.ir.types import FLOAT, INT, Array, List, Scalar, Tape, Type, element, is_float, is_memory
from s2sad.rules.builder import Builder, const
from s2sad.rules.effects import is_own, is_view
from s2sad.transform.reverse import storage
from s2sad.transform.reverse.extras import Carry, leaf_operands
from s2sad.transform.reverse.scopes import Scope, zero
from s2sad.transform.reverse.unbound import column_of, handed_sizes, may_be_unbound

if TYPE_CHECKING:
    from s2sad.transform.reverse.core import Reverse


LISTS = frozenset({"alloc_list", "list_repeat", "list_of"})  # of references: their twins are made alike


def shadow(r: Reverse, a: Operand, scope: Scope) -> Operand:
    """The shadow of a reference as the reverse sweep can read it; of a view, the same view of the shadow."""
    op = r.defs.get(a) if isinstance(a, Value) and a not in r.shadows else None
    if isinstance(op, Op) and is_view(op):
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
    if not is_own(op) or a in r.input_set:
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


def empty_cell(t: Type) -> Const:
    """What a cell of a shadow holds before anything is added: of a list or tape, which has no dtype, of its items' kind."""
    return const(0.0) if isinstance(t, Array) else zero(element(t))


def twin(r: Reverse, a: Operand) -> Operand:
    """The shadow as a value of the forward sweep."""
    if not isinstance(a, Value):
        return Undef(getattr(a, "hint", ""), a.type, unread=isinstance(a, Const))
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
    elif (isinstance(op, Op) and is_view(op)) or (isinstance(op, Op) and op.prim in ("tape_read", "load")):
        source = twin(r, op.operands[0])
        r.extras.after[op].append(replace(op, operands=(source, *op.operands[1:]), results=(made,)))
        r.sites[made] = r.extras.after[op]
    elif isinstance(op, Op) and isinstance(a.type, List) and is_memory(a.type.item) and op.prim in LISTS:
        operands = [twin(r, o) if is_memory(o.type) else o for o in op.operands]
        r.extras.after[op].append(replace(op, operands=tuple(operands), results=(made,)))
        r.sites[made] = r.extras.after[op]
    elif op is None and r.home[a] is not r.fn.body:
        param_twin(r, a)
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
    elif may_be_unbound(r, a):
        sizes = handed_sizes(r, a, a.type.ndim)  # type: ignore[attr-defined]
        new = Op("numpy.zeros", sizes, (made,), loc, (("dtype", made.type.dtype),))  # type: ignore[attr-defined]
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


def tape_writes_twin(r: Reverse, tape: Value) -> None:
    """What is written to a tape of an earlier differentiation is shadowed as it is written."""
    for op in walk(r.fn.body):
        if isinstance(op, Op) and op.prim == "tape_write" and op.operands[0] is tape:
            value = op.operands[2]
            held: Operand = twin(r, value) if is_memory(value.type) else empty_cell(r.shadows[tape].type)
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


def param_twin(r: Reverse, a: Value) -> None:
    """A loop parameter's shadow is made with the loop's: through any of its results."""
    op, j = column_of(r, a)
    if op.results[j] not in r.shadows:
        twin(r, op.results[j])


def zero_shadow(b: Builder, d: Operand) -> None:
    """Make a shadow zero again; what a tape or list of references holds is zeroed where that was made."""
    if isinstance(d.type, Array):
        b.effect("assign", d, const(0.0))
    elif isinstance(d.type, List) and not is_memory(d.type.item):
        i = Value("i", INT)
        with b.region() as ops:
            b.effect("store", d, i, empty_cell(d.type))
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
