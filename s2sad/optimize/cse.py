"""Common subexpressions: a pure operation already done on the same operands is not done again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from s2sad.analysis.aliases import WRITES, Aliases, unsettled
from s2sad.ir.core import AnyOp, Block, Const, For, Function, If, Op, Operand, Value, While, walk
from s2sad.ir.types import INT, Array, Scalar, Type, is_memory
from s2sad.rules.registry import PRIMS

_NEVER = frozenset(
    {"identity", "extract", "constant", "stop_gradient", "pack", "format", "text", "exception"}
)


def eliminate_common_subexpressions(fn: Function) -> Function:
    """Replace repeated pure operations on numbers and on arrays that nobody writes, and loads of a cell with no write
    to its array between them. Allocations are left alone, and so is what is returned: results share no memory."""
    return replace(fn, body=_Known(fn).block(fn.body, {}, {}))


def read_once(fn: Function) -> Function:
    """Replace repeated loads of a cell, and the computations of their indices, in a function that will be
    differentiated: its reverse adds to each cell once. What the user gave a name keeps it."""

    def chosen(op: Op) -> bool:
        result = op.result
        return not result.hint and (op.prim == "load" or result.type == INT)

    return replace(fn, body=_Known(fn, chosen).block(fn.body, {}, {}))


def _key(o: Operand, names: dict[Value, Operand]) -> Any:
    if isinstance(o, Value):
        return names.get(o, o)
    if isinstance(o, Const):
        return ("const", type(o.value).__name__, repr(o.value))
    return ("undef", id(o))


class _Known:
    """Which operations of a function give the same again."""

    def __init__(self, fn: Function, chosen: Callable[[Op], bool] | None = None) -> None:
        self.chosen = chosen
        self.aliases = Aliases(fn)
        self.unsettled = unsettled(fn, self.aliases)

    def block(self, block: Block, seen: dict[Any, Value], names: dict[Value, Operand]) -> Block:
        seen = dict(seen)  # what is computed in a block is known in the blocks it holds, not after it
        loads: dict[Any, Value] = {}  # what was read in this block and not written since
        out: list[AnyOp] = []

        def get(o: Operand) -> Operand:
            return names.get(o, o) if isinstance(o, Value) else o

        for op in block.ops:
            if isinstance(op, Op):
                operands = tuple(map(get, op.operands))
                op = op if operands == op.operands else replace(op, operands=operands)
                if self.pure(op):
                    key = (
                        op.prim,
                        repr(op.attrs),
                        _form(op.result.type),
                        *(_key(o, names) for o in operands),
                    )
                    found = seen.get(key)
                    if found is not None and (self.chosen is None or self.chosen(op)):
                        names[op.result] = found
                        continue
                    seen.setdefault(key, op.result)
                elif op.prim == "load" and isinstance(op.result.type, Scalar):
                    cell = tuple(_key(o, names) for o in operands)
                    if cell in loads and (self.chosen is None or self.chosen(op)):
                        names[op.result] = loads[cell]
                        continue
                    loads.setdefault(cell, op.result)
                self.forget(op, loads)
                out.append(op)
                continue
            self.forget(op, loads)
            if isinstance(op, If):
                then, orelse = self.block(op.then, seen, names), self.block(op.orelse, seen, names)
                out.append(If(get(op.cond), then, orelse, op.results, op.loc))
            elif isinstance(op, For):
                init = tuple(map(get, op.init))
                bounds = (get(op.start), get(op.stop), get(op.step))
                out.append(For(*bounds, init, self.block(op.body, seen, names), op.results, op.loc))
            else:
                assert isinstance(op, While)
                init = tuple(map(get, op.init))
                test, body = self.block(op.test, seen, names), self.block(op.body, seen, names)
                out.append(While(init, test, body, op.results, op.loc))
        return Block(block.params, tuple(out), tuple(map(get, block.yields)), block.exit)

    def forget(self, op: AnyOp, loads: dict[Any, Value]) -> None:
        """Nothing is known any more of what an operation, or one that it holds, may write."""
        if not loads:
            return
        written: set[Value] = set()
        for inner in walk(Block((), (op,), ())):
            if isinstance(inner, Op) and inner.prim == "invoke":
                written |= self.aliases.reachable(inner.operands)
            elif isinstance(inner, Op) and inner.prim in WRITES:
                written.add(self.aliases.find(inner.operands[0]))  # type: ignore[arg-type]
        for cell in [c for c in loads if self.aliases.find(c[0]) in written] if written else ():
            del loads[cell]

    def pure(self, op: Op) -> bool:
        if op.prim in _NEVER or len(op.results) != 1 or PRIMS[op.prim].effect not in ("none", "raises"):
            return False
        return all(isinstance(o.type, Scalar) or self.settled(o) for o in (op.result, *op.operands))

    def settled(self, o: Operand) -> bool:
        """Whether this is an array that is what it was made as, wherever it is read."""
        return (
            isinstance(o, Value) and isinstance(o.type, Array) and self.aliases.find(o) not in self.unsettled
        )


def _form(t: Type) -> Any:
    return (t.dtype, t.ndim) if isinstance(t, Array) else None


def reads_memory(op: Op) -> bool:
    """Whether a write may change what an operation computes; only an array's length never changes."""
    return any(
        is_memory(o.type) and not (op.prim == "len" and isinstance(o.type, Array)) for o in op.operands
    )
