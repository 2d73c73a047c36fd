"""Positions of definitions and uses in structured code, and liveness asked point by point.

A position is a path: operation index, then for each level of nesting the region's number and the index in
it. What an operation folded into another reads, it reads where the outermost one stands.
"""

from __future__ import annotations

from s2sad.ir.core import AnyOp, Block, For, Function, If, Op, Operand, Value, While

Path = tuple[int, ...]


class Positions:
    """Where each value is defined and read."""

    def __init__(self, fn: Function, folded: set[Value], ternary: set[If]) -> None:
        self.define: dict[Value, Path] = {}
        self.uses: dict[Value, list[Path]] = {}
        self.loops: set[Path] = set()
        self.entered: dict[Value, set[Value]] = {}  # what a loop reads after it has assigned a parameter
        self.folded, self.ternary = folded, ternary
        self.start: dict[Value, int] = {}
        self.end: dict[Value, int] = {}
        self.clock = 0
        self.loop_stack: list[list[Value]] = []
        self.pending: dict[Value, list[Operand]] = {}
        for p in fn.params:
            self.defined(p, (-1,))
        self.block(fn.body, ())

    def defined(self, v: Value, path: Path) -> None:
        self.define[v] = path
        self.start[v] = self.end[v] = self.clock
        self.uses.setdefault(v, [])

    def used(self, o: Operand, path: Path) -> None:
        if not isinstance(o, Value):
            return
        if o in self.folded:
            for inner in self.pending.get(o, ()):
                self.used(inner, path)
            return
        self.uses.setdefault(o, []).append(path)
        self.end[o] = self.clock
        for level in self.loop_stack:
            level.append(o)

    def block(self, block: Block, prefix: Path) -> None:
        for i, op in enumerate(block.ops):
            self.clock += 1
            self.op(op, (*prefix, i))
        self.clock += 1
        for o in block.yields:
            self.used(o, (*prefix, len(block.ops)))

    def op(self, op: AnyOp, path: Path) -> None:
        if isinstance(op, Op):
            if len(op.results) == 1 and op.results[0] in self.folded:
                self.pending[op.results[0]] = list(op.operands)
                return
            for o in op.operands:
                self.used(o, path)
        elif isinstance(op, If):
            if op in self.ternary:
                self.expression(op)
                if op.results[0] in self.folded:
                    return
                for o in self.pending[op.results[0]]:
                    self.used(o, path)
            else:
                self.used(op.cond, path)
                self.block(op.then, (*path, 0))
                self.block(op.orelse, (*path, 1))
        else:
            self.loop(op, path)
        for r in op.results:
            self.defined(r, path)

    def expression(self, op: If) -> None:
        """A branch printed as one expression reads everything where it stands."""
        reads: list[Operand] = [op.cond]
        for b in (op.then, op.orelse):
            for inner in b.ops:
                if isinstance(inner, If):
                    self.expression(inner)
                else:
                    assert isinstance(inner, Op)
                    self.pending[inner.results[0]] = list(inner.operands)
            reads += b.yields
        self.pending[op.results[0]] = reads

    def loop(self, op: AnyOp, path: Path) -> None:
        assert isinstance(op, (For, While))
        before = self.clock
        bounds = (op.start, op.stop, op.step) if isinstance(op, For) else ()
        for o in bounds:
            self.used(o, path)
        read = {v for o in bounds for v in self.read_in(o)}
        for o in op.init:
            self.used(o, path)
        self.loops.add(path)
        self.loop_stack.append([])
        for region, body in enumerate((op.body,) if isinstance(op, For) else (op.test, op.body)):
            self.clock += 1
            for p in body.params:
                self.defined(p, (*path, region, -1))
            if isinstance(op, For):  # the bounds are read once what is carried has been assigned
                for p, o in zip(body.params[1:], op.init, strict=True):
                    self.entered[p] = read - {o}  # type: ignore[arg-type]
                for v in read:
                    self.end[v] = self.clock
            self.block(body, (*path, region))
        self.clock += 1
        for v in self.loop_stack.pop():
            if self.start.get(v, 0) <= before:
                self.end[v] = self.clock

    def read_in(self, o: Operand) -> set[Value]:
        """The values that printing an operand reads."""
        if not isinstance(o, Value):
            return set()
        if o not in self.folded:
            return {o}
        return {v for inner in self.pending.get(o, ()) for v in self.read_in(inner)}

    # -- liveness -----------------------------------------------------------------------------------

    def live_after(self, v: Value, at: Path) -> bool:
        """Whether a value is read on some path from just after `at` (which its definition dominates)."""
        home = self.define[v]
        for use in self.uses[v]:
            if self.reaches(at, use, home):
                return True
        return False

    def reaches(self, at: Path, use: Path, home: Path) -> bool:
        n = min(len(at), len(use))
        i = 0
        while i < n and at[i] == use[i]:
            i += 1
        if i < n and i % 2 == 0 and use[i] > at[i]:
            return True
        # otherwise only by going round a loop that encloses both and that the value comes from outside of
        for depth in range(1, i + 1, 2):
            loop = at[:depth]
            if (
                loop in self.loops
                and loop == use[:depth]
                and depth < len(at)
                and depth < len(use)
                and not _inside(home, loop)
            ):
                return True
        return False

    def interfere(self, a: Value, b: Value) -> bool:
        """Whether two values are alive at once, so that they cannot share a name."""
        if b in self.entered.get(a, ()) or a in self.entered.get(b, ()):
            return True
        if a is b or self.end[a] < self.start[b] or self.end[b] < self.start[a]:
            return False
        da, db = self.define[a], self.define[b]
        if da == db:
            return True
        return (_dominates(da, db) and self.live_after(a, db)) or (
            _dominates(db, da) and self.live_after(b, da)
        )


def _inside(path: Path, loop: Path) -> bool:
    return len(path) > len(loop) and path[: len(loop)] == loop


def _dominates(a: Path, b: Path) -> bool:
    """Whether the definition at `a` is on every path to `b`."""
    n = len(a) - 1
    if b[:n] != a[:n] or len(b) <= n:
        return False
    return a[n] < b[n] or (a[n] == b[n] and len(a) == len(b))
