"""What functions that stay functions capture becomes parameters of theirs, handed on at every call."""

from __future__ import annotations

from dataclasses import replace

from s2sad.analysis.uses import free_values
from s2sad.ir.core import AnyOp, Block, For, Function, If, Op, Operand, Value, While, walk


def thread_captures(fn: Function) -> Function:
    """Give every callee the captured values that it, or what it calls, reads."""
    return threaded(fn, [v for callee in fn.callees.values() for v in free_values(callee)])


def threaded(fn: Function, values: list[Value]) -> Function:
    """Give every callee those of `values` that it, or what it calls, reads, as parameters."""
    order = list(dict.fromkeys(values))
    if not order:
        return fn
    wanted = set(order)
    needs = {name: wanted.intersection(free_values(callee)) for name, callee in fn.callees.items()}
    calls = {name: _called(callee) for name, callee in fn.callees.items()}
    changed = True
    while changed:
        changed = False
        for name, called in calls.items():
            more = set().union(*(needs[c] for c in called)) - needs[name]
            changed = changed or bool(more)
            needs[name] |= more
    given = {name: tuple(v for v in order if v in need) for name, need in needs.items()}
    callees = {}
    for name, callee in fn.callees.items():
        own = {v: Value(v.hint, v.type) for v in given[name]}
        body = _rewritten(callee.body, given, own)
        callees[name] = replace(callee, params=(*callee.params, *own.values()), body=body)
    return replace(fn, body=_rewritten(fn.body, given, {}), callees=callees)


def _called(fn: Function) -> set[str]:
    return {op.attr("callee") for op in walk(fn.body) if isinstance(op, Op) and op.prim == "invoke"}


def substituted(block: Block, own: dict[Value, Value]) -> Block:
    """A block that reads other values in place of these."""
    return _rewritten(block, {}, own)


Given = dict[str, tuple[Value, ...]]


def _rewritten(block: Block, given: Given, own: dict[Value, Value]) -> Block:
    def get(o: Operand) -> Operand:
        return own.get(o, o) if isinstance(o, Value) else o

    def all_of(operands: tuple[Operand, ...]) -> tuple[Operand, ...]:
        return tuple(map(get, operands))

    def one(op: AnyOp) -> AnyOp:
        if isinstance(op, Op):
            more = given.get(op.attr("callee"), ()) if op.prim == "invoke" else ()
            return replace(op, operands=all_of((*op.operands, *more)))
        if isinstance(op, If):
            return replace(op, cond=get(op.cond), then=inner(op.then), orelse=inner(op.orelse))
        if isinstance(op, For):
            start, stop, step = get(op.start), get(op.stop), get(op.step)
            return replace(op, start=start, stop=stop, step=step, init=all_of(op.init), body=inner(op.body))
        assert isinstance(op, While)
        return replace(op, init=all_of(op.init), test=inner(op.test), body=inner(op.body))

    def inner(b: Block) -> Block:
        return _rewritten(b, given, own)

    return replace(block, ops=tuple(map(one, block.ops)), yields=all_of(block.yields))
