"""Residuals of functions that stay functions, gathered: one tape of records for each, instead of a tape a value.

A last pass over a derivative and the functions it calls, after the last differentiation: parameters that nobody
reads are dropped, values of records that nobody reads are not kept, and what one call keeps becomes one tuple.
A tape that is written again after its record was made (the shadow of a tape) stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from s2sad.ir.core import AnyOp, Block, For, Function, If, Op, Operand, Value, While, operands, walk
from s2sad.ir.types import Tape, Tuple, Type
from s2sad.optimize.dce import eliminate_dead_code

Rewrite = Callable[[Op], list[AnyOp]]


def gather_records(fn: Function) -> Function:
    """Drop unread parameters and gather records; functions that hand tapes to their caller stay as they are."""
    if not fn.callees or any(isinstance(v.type, Tape) for v in (*fn.params, *fn.body.yields)):
        return fn
    fn = without_unread_tapes(fn)
    fn = without_unread_parameters(fn)
    fn = _Gathering(fn).run()
    return replace(
        eliminate_dead_code(fn), callees={n: eliminate_dead_code(c) for n, c in fn.callees.items()}
    )


def _functions(fn: Function) -> list[Function]:
    return [*fn.callees.values(), fn]


def _invokes(fn: Function) -> list[Op]:
    return [op for op in walk(fn.body) if isinstance(op, Op) and op.prim == "invoke"]


# -- which tapes of different functions are one -------------------------------------------------------


class _Classes:
    """Union-find of tapes over the calls that hand them on."""

    def __init__(self, fn: Function) -> None:
        self.parent: dict[Value, Value] = {}
        for f in _functions(fn):
            for op in _invokes(f):
                callee = fn.callees[op.attr("callee")]
                for o, p in zip(op.operands, callee.params, strict=True):
                    if isinstance(o, Value) and isinstance(p.type, Tape):
                        a, b = self.find(o), self.find(p)
                        if a is not b:
                            self.parent[b] = a

    def find(self, v: Value) -> Value:
        while v in self.parent:
            v = self.parent[v]
        return v


def without_unread_tapes(fn: Function) -> Function:
    """Records keep only what some function reads."""
    classes = _Classes(fn)
    read: set[Value] = set()
    kept: set[Value] = set()
    for f in _functions(fn):
        for op in walk(f.body):
            for o in operands(op):
                if not (isinstance(o, Value) and isinstance(o.type, Tape)):
                    continue
                if isinstance(op, Op) and op.prim == "tape_write" and op.attrs and o is op.operands[0]:
                    kept.add(classes.find(o))
                elif not (isinstance(op, Op) and op.prim in ("tape_len", "invoke")):
                    read.add(classes.find(o))
    unread = kept - read

    def dropped(o: Operand) -> bool:
        return isinstance(o, Value) and isinstance(o.type, Tape) and classes.find(o) in unread

    def one(op: Op, f: Function) -> list[AnyOp]:
        if op.prim == "tape_write" and dropped(op.operands[0]):
            return []
        if op.prim == "tape_len" and dropped(op.operands[0]):
            other = [
                o.operands[0]
                for o in walk(f.body)
                if isinstance(o, Op) and o.prim == "tape_write" and o.attrs and not dropped(o.operands[0])
                and o.operands[1] is op.result
            ]  # fmt: skip
            return [replace(op, operands=(other[0],))] if other else [op]
        return [op]

    return _mapped(fn, one)


def _mapped(fn: Function, one: Callable[[Op, Function], list[AnyOp]]) -> Function:
    def mapped(f: Function) -> Function:
        return replace(f, body=_rebuilt(f.body, lambda op: one(op, f)))

    return replace(mapped(fn), callees={n: mapped(c) for n, c in fn.callees.items()})


def _rebuilt(block: Block, one: Rewrite) -> Block:
    """A block whose plain operations are each replaced by several."""
    ops: list[AnyOp] = []
    for op in block.ops:
        if isinstance(op, Op):
            ops += one(op)
        elif isinstance(op, If):
            ops.append(replace(op, then=_rebuilt(op.then, one), orelse=_rebuilt(op.orelse, one)))
        elif isinstance(op, While):
            ops.append(replace(op, test=_rebuilt(op.test, one), body=_rebuilt(op.body, one)))
        else:
            assert isinstance(op, For)
            ops.append(replace(op, body=_rebuilt(op.body, one)))
    return replace(block, ops=tuple(ops))


# -- parameters that nobody reads ---------------------------------------------------------------------


def without_unread_parameters(fn: Function) -> Function:
    """Called functions without the parameters that are only handed on to where nobody reads them either."""
    needed: dict[str, set[int]] = {name: set() for name in fn.callees}
    changed = True
    while changed:
        changed = False
        for name, callee in fn.callees.items():
            used = set(callee.body.yields)
            for op in walk(callee.body):
                if isinstance(op, Op) and op.prim == "invoke":
                    wanted = needed[op.attr("callee")]
                    used.update(o for i, o in enumerate(op.operands) if i in wanted)
                else:
                    used.update(operands(op))
                    for inner in _blocks(op):
                        used.update(inner.yields)
            found = {i for i, p in enumerate(callee.params) if p in used}
            changed = changed or found != needed[name]
            needed[name] = found

    def one(op: Op, f: Function) -> list[AnyOp]:
        if op.prim != "invoke":
            return [op]
        wanted = needed[op.attr("callee")]
        return [replace(op, operands=tuple(o for i, o in enumerate(op.operands) if i in wanted))]

    fn = _mapped(fn, one)
    callees = {
        name: replace(c, params=tuple(p for i, p in enumerate(c.params) if i in needed[name]))
        for name, c in fn.callees.items()
    }
    return replace(fn, callees=callees)


def _blocks(op: AnyOp) -> tuple[Block, ...]:
    from s2sad.ir.core import blocks

    return blocks(op)


# -- one tuple a call ---------------------------------------------------------------------------------


@dataclass(eq=False)
class _Group:
    """The tapes that one forward function writes together, as classes in the order they are written."""

    name: str
    members: list[Value] = field(default_factory=list)
    types: list[Type] = field(default_factory=list)

    @property
    def tape(self) -> Value:
        return Value(f"tape·{self.name}", Tape(Tuple(tuple(self.types))))


TapeOf = Callable[[_Group], Value]


class _Gathering:
    def __init__(self, fn: Function) -> None:
        self.fn = fn
        self.classes = _Classes(fn)
        self.groups: dict[Value, _Group] = {}
        sites: Counter[Value] = Counter()
        for f in _functions(fn):
            for op in walk(f.body):
                if isinstance(op, Op) and op.prim == "tape_write":
                    tape = self.classes.find(op.operands[0])  # type: ignore[arg-type]
                    sites[tape] += 1 if op.attrs else 2  # one that is not appended is written again
        for f in fn.callees.values():
            for run in self.runs(f.body):
                group = _Group(f.name.removesuffix("_fwd"))
                for op in run:
                    tape = self.classes.find(op.operands[0])  # type: ignore[arg-type]
                    if sites[tape] == 1:
                        group.members.append(tape)
                        group.types.append(op.operands[2].type)
                if len(group.members) > 1:
                    self.groups.update(dict.fromkeys(group.members, group))

    def runs(self, block: Block) -> list[list[Op]]:
        """The writes of each record that a function makes, where no call stands between them."""
        found: dict[tuple[Operand, int], list[Op]] = {}
        calls = 0
        for op in block.ops:
            calls += not isinstance(op, Op) or op.prim == "invoke"
            if isinstance(op, Op) and op.prim == "tape_write" and op.attrs:
                found.setdefault((op.operands[1], calls), []).append(op)
        return list(found.values())

    def group(self, o: Operand) -> _Group | None:
        if not (isinstance(o, Value) and isinstance(o.type, Tape)):
            return None
        return self.groups.get(self.classes.find(o))

    def run(self) -> Function:
        if not self.groups:
            return self.fn
        callees = {name: self.function(c) for name, c in self.fn.callees.items()}
        return replace(self.function(self.fn), callees=callees)

    def function(self, f: Function) -> Function:
        tapes: dict[_Group, Value] = {}

        def tape(group: _Group) -> Value:
            found = tapes.get(group)
            if found is None:
                found = tapes[group] = group.tape
            return found

        given = (p if (g := self.group(p)) is None else tape(g) for p in f.params)
        params = tuple(dict.fromkeys(given))
        return replace(f, params=params, body=self.block(f.body, tape, {}))

    def handed(self, o: Operand, tape: TapeOf) -> Operand:
        group = self.group(o)
        return o if group is None else tape(group)

    def block(self, block: Block, tape: TapeOf, made: dict[_Group, bool]) -> Block:
        """Rewrite a block; the writes and the reads of one record stand together."""
        out: list[AnyOp] = []
        reads: dict[tuple[_Group, Operand], list[Op]] = {}
        for op in block.ops:
            if isinstance(op, Op) and op.prim == "tape_read" and self.group(op.operands[0]):
                reads.setdefault((self.group(op.operands[0]), op.operands[1]), []).append(op)  # type: ignore[arg-type]
        done: set[tuple[_Group, Operand]] = set()
        for op in block.ops:
            if not isinstance(op, Op):
                out.append(self.structure(op, tape, made))
                continue
            group = self.group(op.operands[0]) if op.operands else None
            if op.prim == "tape_new" and (group := self.group(op.result)) is not None:
                if group not in made:
                    made[group] = True
                    out.append(replace(op, results=(tape(group),)))
            elif op.prim == "invoke":
                given = dict.fromkeys(
                    (i if self.group(o) is None else self.group(o), self.handed(o, tape))
                    for i, o in enumerate(op.operands)
                )
                out.append(replace(op, operands=tuple(o for _, o in given)))
            elif group is None:
                out.append(op)
            elif op.prim == "tape_len":
                out.append(replace(op, operands=(tape(group),)))
            elif op.prim == "tape_write":
                if self.classes.find(op.operands[0]) is group.members[-1]:  # type: ignore[arg-type]
                    out += self.write(block, group, op, tape)
            elif (group, op.operands[1]) not in done:
                done.add((group, op.operands[1]))
                out += self.read(group, reads[group, op.operands[1]], tape)
        return replace(block, ops=tuple(out))

    def structure(self, op: AnyOp, tape: TapeOf, made: dict[_Group, bool]) -> AnyOp:
        def inner(b: Block) -> Block:
            return self.block(b, tape, made)

        if isinstance(op, If):
            return replace(op, then=inner(op.then), orelse=inner(op.orelse))
        if isinstance(op, While):
            return replace(op, test=inner(op.test), body=inner(op.body))
        assert isinstance(op, For)
        return replace(op, body=inner(op.body))

    def write(self, block: Block, group: _Group, last: Op, tape: TapeOf) -> list[AnyOp]:
        values = {
            self.classes.find(op.operands[0]): op.operands[2]  # type: ignore[arg-type]
            for op in block.ops
            if isinstance(op, Op) and op.prim == "tape_write" and self.group(op.operands[0]) is group
        }
        assert len(values) == len(group.members), "a record is written in one place"
        record = Value("", Tuple(tuple(group.types)))
        pack = Op("pack", tuple(values[m] for m in group.members), (record,), last.loc)
        return [pack, replace(last, operands=(tape(group), last.operands[1], record))]

    def read(self, group: _Group, ops: list[Op], tape: TapeOf) -> list[AnyOp]:
        record = Value("", Tuple(tuple(group.types)))
        first = replace(ops[0], operands=(tape(group), ops[0].operands[1]), results=(record,))
        by_member: dict[Value, Value] = {}
        again: list[AnyOp] = []
        for op in ops:
            member = self.classes.find(op.operands[0])  # type: ignore[arg-type]
            if member in by_member:
                again.append(Op("identity", (by_member[member],), op.results, op.loc))
            else:
                by_member[member] = op.result
        results = tuple(
            by_member.get(m) or Value("", t)  # type: ignore[arg-type]
            for m, t in zip(group.members, group.types, strict=True)
        )
        return [first, Op("unpack", (record,), results, ops[0].loc), *again]
