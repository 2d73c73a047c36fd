"""Dead code: operations, carried values, branch results and tapes that nothing reads.

Values are assumed dead until an effect or a result needs them, so a cycle of carried values that only feed
one another goes too. What may raise stays only where it is needed: a derivative may raise less than the
primal's own forward sweep, never more. Tests that sizes fit stay.
"""

from __future__ import annotations

from dataclasses import replace

from s2sad.analysis.aliases import WRITES, Aliases
from s2sad.analysis.uses import free_values
from s2sad.ir.core import AnyOp, Block, For, Function, If, Op, Operand, Value, While, breaks, walk
from s2sad.ir.types import is_memory
from s2sad.rules.registry import PRIMS

_MEMORY_WRITES = WRITES


class _Liveness:
    def __init__(self, fn: Function, keep: frozenset[Value]) -> None:
        self.fn = fn
        self.aliases = Aliases(fn)
        self.live: set[Value] = set()
        self.ops: set[AnyOp] = set()
        self.maker: dict[Value, tuple[str, AnyOp, int]] = {}
        self.owner: dict[AnyOp, AnyOp] = {}
        self.writers: dict[Value, list[Op]] = {}
        self.stack: list[Value] = []
        self.keep = self.aliases.reachable(keep)
        self.local = self.local_classes()
        self.index(fn.body, None)

    def local_classes(self) -> set[Value]:
        """Classes of memory made here and not passed in: writes to them matter only to who reads them."""
        made: set[Value] = set()
        outside: list[Value] = [*self.fn.params, *free_values(self.fn)]
        for op in walk(self.fn.body):
            if isinstance(op, Op):
                for r in op.results:
                    if is_memory(r.type):
                        made.add(self.aliases.find(r))
                        if op.prim in ("extract", "unpack", "invoke"):
                            outside.append(r)
        return made - self.aliases.reachable(outside) - self.keep

    def index(self, block: Block, owner: AnyOp | None) -> None:
        for op in block.ops:
            if owner is not None:
                self.owner[op] = owner
            for i, r in enumerate(op.results):
                self.maker[r] = ("result", op, i)
            if isinstance(op, If):
                self.index(op.then, op)
                self.index(op.orelse, op)
            elif isinstance(op, For):
                self.maker[op.body.params[0]] = ("index", op, 0)
                for i, p in enumerate(op.body.params[1:]):
                    self.maker[p] = ("result", op, i)
                self.index(op.body, op)
            elif isinstance(op, While):
                for i, (p, q) in enumerate(zip(op.test.params, op.body.params, strict=True)):
                    self.maker[p] = self.maker[q] = ("result", op, i)
                self.index(op.test, op)
                self.index(op.body, op)
            elif isinstance(op, Op):
                self.root(op)

    def root(self, op: Op) -> None:
        if op.prim in _MEMORY_WRITES:
            target = op.operands[0]
            if isinstance(target, Value) and self.aliases.find(target) in self.local:
                self.writers.setdefault(self.aliases.find(target), []).append(op)
                return
            self.use_op(op)
        elif op.prim == "invoke" or PRIMS[op.prim].effect in ("world", "tests"):
            self.use_op(op)

    def use_op(self, op: AnyOp) -> None:
        """An operation runs: so do its operands, and the structures around it."""
        if op in self.ops:
            return
        self.ops.add(op)
        owner = self.owner.get(op)
        if owner is not None:
            self.use_op(owner)
        if isinstance(op, Op):
            for o in op.operands:
                self.use(o)
        elif isinstance(op, If):
            self.use(op.cond)
            self.use_breaks(op)
        elif isinstance(op, For):
            for o in (op.start, op.stop, op.step):
                self.use(o)
            self.use_tail(op.body)
        elif isinstance(op, While):
            self.use(op.test.yields[0])
            self.use_tail(op.body)

    def use_tail(self, body: Block) -> None:
        last = body.ops[-1] if body.ops else None
        if isinstance(last, If) and breaks(last):
            self.use_op(last)

    def use_breaks(self, op: If) -> None:
        for branch in (op.then, op.orelse):
            self.use_tail(branch)

    def use(self, operand: Operand) -> None:
        if isinstance(operand, Value) and operand not in self.live:
            self.live.add(operand)
            self.stack.append(operand)

    def run(self) -> None:
        for o in self.fn.body.yields:
            self.use(o)
        while self.stack:
            v = self.stack.pop()
            if is_memory(v.type):
                for writer in self.writers.pop(self.aliases.find(v), ()):
                    self.use_op(writer)
            made = self.maker.get(v)
            if made is None:
                continue
            _, op, i = made
            self.use_op(op)
            if made[0] == "index":
                continue
            if isinstance(op, If):
                self.use(op.then.yields[i])
                self.use(op.orelse.yields[i])
            elif isinstance(op, For):
                for o in (op.init[i], op.body.params[1 + i], op.body.yields[i], op.results[i]):
                    self.use(o)
            elif isinstance(op, While):
                for o in (
                    op.init[i],
                    op.test.params[i],
                    op.test.yields[1 + i],
                    op.body.params[i],
                    op.body.yields[i],
                    op.results[i],
                ):
                    self.use(o)


def eliminate_dead_code(fn: Function, wanted: tuple[Value, ...] = ()) -> Function:
    """Remove what neither the results, nor what else is wanted, nor an effect needs."""
    facts = _Liveness(fn, frozenset(fn.params))
    for v in wanted:
        facts.use(v)
    facts.run()
    return replace(fn, body=_sweep(fn.body, facts))


def _sweep(block: Block, facts: _Liveness) -> Block:
    out: list[AnyOp] = []
    for op in block.ops:
        if op not in facts.ops:
            continue
        if isinstance(op, Op):
            out.append(op)
            continue
        keep = [i for i, r in enumerate(op.results) if _needed(op, i, facts)]
        if isinstance(op, If):
            then = _picked(_sweep(op.then, facts), keep)
            orelse = _picked(_sweep(op.orelse, facts), keep)
            out.append(If(op.cond, then, orelse, _pick(op.results, keep), op.loc))
        elif isinstance(op, For):
            body = _picked(_sweep(op.body, facts), keep)
            body = replace(body, params=(op.body.params[0], *_pick(op.body.params[1:], keep)))
            out.append(replace(op, init=_pick(op.init, keep), body=body, results=_pick(op.results, keep)))
        elif isinstance(op, While):
            test = _sweep(op.test, facts)
            test = replace(
                test, params=_pick(test.params, keep), yields=(test.yields[0], *_pick(test.yields[1:], keep))
            )
            body = _picked(_sweep(op.body, facts), keep)
            body = replace(body, params=_pick(body.params, keep))
            out.append(
                replace(op, init=_pick(op.init, keep), test=test, body=body, results=_pick(op.results, keep))
            )
    return replace(block, ops=tuple(out))


def _needed(op: AnyOp, i: int, facts: _Liveness) -> bool:
    if isinstance(op, For) and op.body.params[1 + i] in facts.live:
        return True
    if isinstance(op, While) and (op.test.params[i] in facts.live or op.body.params[i] in facts.live):
        return True
    return op.results[i] in facts.live


def _pick(items: tuple, keep: list[int]) -> tuple:  # type: ignore[type-arg]
    return tuple(items[i] for i in keep)


def _picked(block: Block, keep: list[int]) -> Block:
    return replace(block, yields=_pick(block.yields, keep))
