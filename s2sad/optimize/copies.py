"""Copy propagation: identities, loop-invariant carried values, and branches that yield one value either way.

At `optimize=1` the copy that names a variable's adjoint stays, since it is what a reader looks for.
"""

from __future__ import annotations

from dataclasses import replace

from s2sad.analysis.uses import use_counts
from s2sad.ir.core import AnyOp, Block, Const, For, Function, If, Op, Operand, Value, While
from s2sad.ir.types import Scalar, is_memory
from s2sad.rules.builder import Builder


class _Propagation:
    def __init__(self, keep_named: bool) -> None:
        self.keep_named = keep_named
        self.map: dict[Value, Operand] = {}
        self.builder = Builder()

    def get(self, o: Operand) -> Operand:
        while isinstance(o, Value) and o in self.map:
            o = self.map[o]
        return o

    def all(self, operands: tuple[Operand, ...]) -> tuple[Operand, ...]:
        return tuple(map(self.get, operands))

    def block(self, block: Block) -> Block:
        out: list[AnyOp] = []
        for op in block.ops:
            made = self.op(op)
            if made is not None:
                out.append(made)
        return Block(block.params, tuple(out), self.all(block.yields), block.exit)

    def op(self, op: AnyOp) -> AnyOp | None:
        if isinstance(op, Op):
            return self.plain(op)
        if isinstance(op, If):
            return self.branch(op)
        if isinstance(op, For):
            return self.for_(op)
        assert isinstance(op, While)
        return self.while_(op)

    def plain(self, op: Op) -> AnyOp | None:
        operands = self.all(op.operands)
        if op.prim == "identity":
            named = self.keep_named and bool(op.result.hint) and not is_memory(op.result.type)
            if not named or (isinstance(operands[0], Value) and operands[0].hint == op.result.hint):
                self.map[op.result] = operands[0]
                return None
        if operands == op.operands:
            return op
        if len(op.results) == 1 and not op.attrs and isinstance(op.result.type, Scalar):
            self.builder.ops.clear()
            self.builder.loc = op.loc
            simple = self.builder.simplify(op.prim, operands, op.result.type)
            if simple is not None and not self.builder.ops:
                if self.keep_named and op.result.hint and op.loc.reverse:
                    return Op("identity", (simple,), op.results, op.loc)
                self.map[op.result] = simple
                return None
        return replace(op, operands=operands)

    def branch(self, op: If) -> AnyOp | None:
        cond = self.get(op.cond)
        then, orelse = self.block(op.then), self.block(op.orelse)
        keep = []
        for i, (r, a, b) in enumerate(zip(op.results, then.yields, orelse.yields, strict=True)):
            if a is b or (isinstance(a, Const) and isinstance(b, Const) and same_constant(a, b)):
                self.map[r] = a
            else:
                keep.append(i)
        if len(keep) < len(op.results):
            then, orelse = _picked(then, keep), _picked(orelse, keep)
        return If(cond, then, orelse, tuple(op.results[i] for i in keep), op.loc)

    def for_(self, op: For) -> AnyOp:
        init = self.all(op.init)
        keep = []
        for i, (start, p, y, r) in enumerate(
            zip(init, op.body.params[1:], op.body.yields, op.results, strict=True)
        ):
            if (
                y is p
                or y is start
                or (isinstance(y, Const) and isinstance(start, Const) and same_constant(y, start))
            ):
                self.map[p] = self.map[r] = start
            else:
                keep.append(i)
        body = self.block(op.body)
        body = _picked(body, keep)
        body = replace(body, params=(op.body.params[0], *(op.body.params[1 + i] for i in keep)))
        start_, stop, step = self.get(op.start), self.get(op.stop), self.get(op.step)
        return For(
            start_, stop, step, tuple(init[i] for i in keep), body, tuple(op.results[i] for i in keep), op.loc
        )

    def while_(self, op: While) -> AnyOp:
        init = self.all(op.init)
        keep = []
        columns = zip(
            init, op.test.params, op.test.yields[1:], op.body.params, op.body.yields, op.results, strict=True
        )
        for i, (start, tp, ty, bp, by, r) in enumerate(columns):
            if ty is tp and by is bp:
                self.map[tp] = self.map[bp] = self.map[r] = start
            else:
                keep.append(i)
        test, body = self.block(op.test), self.block(op.body)
        test = replace(
            test,
            params=tuple(test.params[i] for i in keep),
            yields=(test.yields[0], *(test.yields[1 + i] for i in keep)),
        )
        body = replace(_picked(body, keep), params=tuple(body.params[i] for i in keep))
        return While(tuple(init[i] for i in keep), test, body, tuple(op.results[i] for i in keep), op.loc)


def same_constant(a: Const, b: Const) -> bool:
    return type(a.value) is type(b.value) and repr(a.value) == repr(b.value)


def _picked(block: Block, keep: list[int]) -> Block:
    return replace(block, yields=tuple(block.yields[i] for i in keep))


def propagate_copies(fn: Function) -> Function:
    """Remove every copy."""
    return replace(fn, body=_Propagation(False).block(fn.body))


def propagate_unnamed_copies(fn: Function) -> Function:
    """Remove copies, except those that name a variable's adjoint."""
    return replace(fn, body=_Propagation(True).block(fn.body))


def absorb_names(fn: Function) -> Function:
    """`t = …; dx = t` is `dx = …` where nothing else reads the intermediate result."""
    uses = use_counts(fn)

    def block(b: Block) -> Block:
        ops = list(map(one, b.ops))
        made: dict[Value, int] = {}
        gone: set[int] = set()
        for i, op in enumerate(ops):
            if isinstance(op, Op) and op.prim == "identity" and isinstance(op.operands[0], Value):
                source = op.operands[0]
                at = made.get(source)
                if at is not None and uses[source] == 1 and not source.hint:
                    ops[at] = replace(ops[at], results=op.results)  # type: ignore[arg-type]
                    gone.add(i)
            elif isinstance(op, Op) and len(op.results) == 1 and isinstance(op.results[0].type, Scalar):
                made[op.results[0]] = i
        return replace(b, ops=tuple(op for i, op in enumerate(ops) if i not in gone))

    def one(op: AnyOp) -> AnyOp:
        if isinstance(op, If):
            return replace(op, then=block(op.then), orelse=block(op.orelse))
        if isinstance(op, For):
            return replace(op, body=block(op.body))
        if isinstance(op, While):
            return replace(op, test=block(op.test), body=block(op.body))
        return op

    return replace(fn, body=block(fn.body))
