"""Arrays that are written as a whole, as new arrays: `d += x` as `d = d + x`, where nobody can tell the difference.

Only a function's own arrays under one name, written beside where they are made. Whoever differentiates then sees what the
values are made of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from s2sad.analysis.aliases import Aliases
from s2sad.ir.core import AnyOp, Block, Function, Op, Value, walk, with_blocks
from s2sad.ir.types import Array, Scalar, is_memory
from s2sad.rules.arrays.core import dtype_of
from s2sad.rules.registry import PRIMS
from s2sad.transform.loop_sums import defined, is_as_large
from s2sad.typing.thread import substituted

WHOLE = ("assign", "add_into")


def promoted(fn: Function, aliases: Aliases) -> Function:
    """The function with such arrays as values."""
    if not any(isinstance(op, Op) and op.prim in WHOLE for op in walk(fn.body)):
        return fn
    names: dict[Value, set[Value]] = defaultdict(set)
    for v in (*fn.params, *defined(fn.body)):
        if is_memory(v.type):
            names[aliases.find(v)].add(v)
    return replace(fn, body=_block(fn.body, lambda v: names[aliases.find(v)]))


def _own(ops: tuple[AnyOp, ...], v: Value, names: set[Value]) -> bool:
    """Whether an array has other names, such as views, only after it was written last."""
    last = max(k for k, op in enumerate(ops) if _writes_whole(op) and op.operands[0] is v)  # type: ignore[union-attr]
    return names - {v} <= set(defined(Block((), ops[last + 1 :], ())))


def _block(block: Block, names: Callable[[Value], set[Value]]) -> Block:
    ops = tuple(op if isinstance(op, Op) else with_blocks(op, lambda b: _block(b, names)) for op in block.ops)
    written = {op.operands[0] for op in ops if isinstance(op, Op) and _writes_whole(op)}
    made = {r for op in ops if isinstance(op, Op) for r in op.results if r in written}
    found = {v for v in made if isinstance(v.type, Array) and _own(ops, v, names(v))}
    for op in walk(replace(block, ops=ops)):
        if isinstance(op, Op) and (op.prim in ("invoke", "custom") or PRIMS[op.prim].effect == "writes"):
            whole = op in ops and _writes_whole(op)
            touched = op.operands[1:] if whole else op.operands
            found = {v for v in found if names(v).isdisjoint(touched)}  # type: ignore[arg-type]
    if not found:
        return replace(block, ops=ops)
    renamed: dict[Value, Value] = {}
    out: list[AnyOp] = []
    for op in ops:
        (new,) = substituted(Block((), (op,), ()), renamed).ops
        if isinstance(op, Op) and isinstance(new, Op) and _writes_whole(op) and op.operands[0] in found:
            target, value = new.operands
            new_one = Value(getattr(target, "hint", ""), target.type)
            prim, given = ("copy", (value,)) if op.prim == "assign" else ("add", (target, value))
            new = Op(prim, given, (new_one,), op.loc)
            renamed[op.operands[0]] = new_one  # type: ignore[index]
        out.append(new)
    yields = substituted(Block((), (), block.yields), renamed).yields
    return replace(block, ops=tuple(out), yields=yields)


def _writes_whole(op: AnyOp) -> bool:
    """Whether an operation writes all of an array, with numbers of its size and dtype."""
    if not isinstance(op, Op) or op.prim not in WHOLE:
        return False
    target, value = op.operands
    if not isinstance(target.type, Array):
        return False
    if op.prim == "add_into" and isinstance(value.type, Scalar):
        return value.type.dtype in (None, dtype_of(target)) and value.type.kind in ("float", "int")
    same = isinstance(value.type, Array) and dtype_of(value) == dtype_of(target)
    return same and is_as_large(value, target)
