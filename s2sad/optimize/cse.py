"""Common subexpressions: a pure operation already done on the same operands is not done again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from s2sad.ir.core import AnyOp, Block, Const, For, Function, If, Op, Operand, Value, While
from s2sad.ir.types import Array, Scalar, is_memory
from s2sad.rules.registry import PRIMS

_NEVER = frozenset({"identity", "extract", "constant", "stop_gradient", "pack", "format", "exception"})


def eliminate_common_subexpressions(fn: Function) -> Function:
    """Replace repeated pure operations on numbers; loads and allocations are left alone."""
    return replace(fn, body=_block(fn.body, {}, {}))


def _key(o: Operand, names: dict[Value, Operand]) -> Any:
    if isinstance(o, Value):
        return names.get(o, o)
    if isinstance(o, Const):
        return ("const", type(o.value).__name__, repr(o.value))
    return ("undef", id(o))


def _block(block: Block, seen: dict[Any, Value], names: dict[Value, Operand]) -> Block:
    seen = dict(seen)  # what is computed in a block is known in the blocks it holds, not after it
    out: list[AnyOp] = []

    def get(o: Operand) -> Operand:
        return names.get(o, o) if isinstance(o, Value) else o

    for op in block.ops:
        if isinstance(op, Op):
            operands = tuple(map(get, op.operands))
            op = op if operands == op.operands else replace(op, operands=operands)
            if _pure(op):
                key = (op.prim, *(_key(o, names) for o in operands))
                found = seen.get(key)
                if found is not None:
                    names[op.result] = found
                    continue
                seen[key] = op.result
            out.append(op)
        elif isinstance(op, If):
            then, orelse = _block(op.then, seen, names), _block(op.orelse, seen, names)
            out.append(If(get(op.cond), then, orelse, op.results, op.loc))
        elif isinstance(op, For):
            init = tuple(map(get, op.init))
            bounds = (get(op.start), get(op.stop), get(op.step))
            out.append(For(*bounds, init, _block(op.body, seen, names), op.results, op.loc))
        else:
            assert isinstance(op, While)
            init = tuple(map(get, op.init))
            out.append(
                While(init, _block(op.test, seen, names), _block(op.body, seen, names), op.results, op.loc)
            )
    return Block(block.params, tuple(out), tuple(map(get, block.yields)), block.exit)


def _pure(op: Op) -> bool:
    if op.prim in _NEVER or len(op.results) != 1 or op.attrs or not isinstance(op.result.type, Scalar):
        return False
    return not reads_memory(op) and PRIMS[op.prim].effect in ("none", "raises")


def reads_memory(op: Op) -> bool:
    """Whether a write may change what an operation computes; only an array's length never changes."""
    return any(
        is_memory(o.type) and not (op.prim == "len" and isinstance(o.type, Array)) for o in op.operands
    )
