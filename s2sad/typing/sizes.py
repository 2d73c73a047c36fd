"""Tests of sizes: typing assumes that sizes fit where arrays meet, and this says so in the code.

Typing puts a test in front of each operation whose sizes are not proven to fit. When a function is typed, its tests are
settled: each becomes one of two numbers (`fits`), found where they cost nothing, and what was tested before is not tested
again. Dead code leaves them; `optimize.checks` moves them out of loops, `optimize.covered` drops those whose own operation
is still there and raises by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from s2sad.analysis.unbound import unbound_values
from s2sad.analysis.uses import definitions, free_values
from s2sad.ir.core import AnyOp, Block, Const, For, Function, If, Op, Operand, Value, While, walk
from s2sad.ir.types import INT, Array, Dim, Size, is_many
from s2sad.rules.arrays.core import SIZES, size_of
from s2sad.rules.builder import const
from s2sad.rules.meetings import Axis, fits, is_named, meetings, sizes_of
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import is_elementwise

Place = tuple[Operand, int | None]  # an array and an axis; None: the operand is the size


def test_of(prim: str, given: tuple[Operand, ...], attrs: dict[str, Any]) -> Op | None:
    """The test that the operands' sizes fit, as the operation will take them; None where they are proven to."""
    if not any(isinstance(o.type, Array) for o in given):
        return None
    open_ = [m for m in meetings(prim, attrs, given) if not fits(m)]
    if not open_:
        return None
    for m in open_:
        meet(*sizes_of(m), m.ones)
    return Op("sizes", given, (), attrs=(("of", prim), ("attrs", tuple(attrs.items()))))


def meet(first: tuple[Size, ...], second: tuple[Size, ...], ones: str) -> None:
    """Sizes of two arguments meet: where only equal ones fit, this call tells whether they are."""
    a, b = sole(first), sole(second)
    if not (isinstance(a, Dim) and isinstance(b, Dim) and a.call is not None and a.call is b.call):
        return
    if ones == "none" or (ones in ("both", "second") and is_many(b) and (ones == "second" or is_many(a))):
        a.call.meet(a, b)


def settled(fn: Function) -> Function:
    """The function, and those it calls, with each test one of numbers."""
    callees = {name: settled(f) for name, f in fn.callees.items()}
    if not any(isinstance(op, Op) and op.prim == "sizes" for op in walk(fn.body)):
        return replace(fn, callees=callees) if callees else fn
    known = _Known(frozenset(unbound_values(fn)))
    for p in (*fn.params, *free_values(fn)):  # what is passed is not among the parameters yet
        known.sees(p)
    return replace(fn, body=_Settler(fn).block(fn.body, known), callees=callees)


@dataclass
class _Known:
    """What is known where the code stands: equal sizes, and where a size is found."""

    unbound: frozenset[Value]  # values that some path leaves unbound
    equal: dict[Size, Size] = field(default_factory=dict)
    places: dict[Size, Place] = field(default_factory=dict)

    def copy(self) -> _Known:
        return _Known(self.unbound, dict(self.equal), dict(self.places))

    def find(self, size: Size) -> Size:
        while size in self.equal:
            size = self.equal[size]
        return size

    def same(self, a: Size, b: Size) -> bool:
        return self.find(a) == self.find(b)

    def join(self, a: Size, b: Size) -> None:
        """From here on these two are equal."""
        if is_named(a) and is_named(b) and not self.same(a, b):
            a, b = self.find(a), self.find(b)
            if isinstance(a, int):
                a, b = b, a
            self.equal[a] = b

    def sees(self, v: Value) -> None:
        """A value is there: its sizes can be asked of it."""
        if v in self.unbound:
            return
        size = SIZES.get(v)
        if isinstance(size, Dim) and v.type == INT:
            self.places.setdefault(size, (v, None))
        if isinstance(v.type, Array) and not v.type.optional:
            for k, d in enumerate(v.type.dims):
                if isinstance(d, Dim) and is_named(d):
                    self.places.setdefault(d, (v, k))


class _Settler:
    def __init__(self, fn: Function) -> None:
        self.defs = definitions(fn)
        self.own: dict[tuple[Value, int], Dim] = {}

    def block(self, block: Block, known: _Known) -> Block:
        for p in block.params:
            known.sees(p)
        ops: list[AnyOp] = []
        for op in block.ops:
            if isinstance(op, If):
                then, orelse = self.block(op.then, known.copy()), self.block(op.orelse, known.copy())
                op = replace(op, then=then, orelse=orelse)
            elif isinstance(op, For):
                op = replace(op, body=self.block(op.body, known.copy()))
            elif isinstance(op, While):
                test, body = self.block(op.test, known.copy()), self.block(op.body, known.copy())
                op = replace(op, test=test, body=body)
            elif isinstance(op, Op) and op.prim == "sizes":
                ops += self.tests(op, known)
                continue
            elif isinstance(op, Op):
                self.learns(op, known)
            ops.append(op)
            for r in op.results:
                known.sees(r)
        return replace(block, ops=tuple(ops))

    def learns(self, op: Op, known: _Known) -> None:
        """What an operation says of sizes: a test has made them equal, and one array alone gives a result its own."""
        if op.prim == "fits" and not op.attr("ones"):
            known.join(*map(sole, op.attr("sizes")))
        given = [o for o in op.operands if isinstance(o, Value) and isinstance(o.type, Array)]
        if len(given) == 1 == len(op.results) and is_elementwise(PRIMS[op.prim]):
            (a,), r = given, op.result
            if isinstance(a.type, Array) and isinstance(r.type, Array) and a.type.ndim == r.type.ndim:
                for k in range(a.type.ndim):
                    known.join(self.size_of(a, k), self.size_of(r, k))

    def size_of(self, v: Value, axis: int) -> Size:
        """The size of a value's axis; where its type does not name it, a name for it alone."""
        assert isinstance(v.type, Array)
        size = v.type.dims[axis]
        if is_named(size):
            return size
        return self.own.setdefault((v, axis), Dim(f"@{len(self.own)}", 0, is_many(size)))

    def tests(self, op: Op, known: _Known) -> list[AnyOp]:
        """The tests of two numbers that are left of a test of operands."""
        found: list[AnyOp] = []
        for m in meetings(op.attr("of"), dict(op.attr("attrs")), op.operands):
            sides = tuple(self.factors(side, op) for side in (m.first, m.second))
            named = replace(m, first=tuple(f for f, _ in sides[0]), second=tuple(f for f, _ in sides[1]))
            if fits(named, known.same):
                continue
            pair = tuple(map(sole, sizes_of(named)))
            ones = "" if self.is_exact(m.ones, pair, [o for _, o in sides[1]]) else m.ones
            places = [self.place(axis, own, known) for side in sides for axis, own in side]
            attrs = {
                "axes": tuple(axis for _, axis in places), "left": len(sides[0]), "ones": ones, "error": m.error,
                "text": m.text, "sizes": sizes_of(m),
            }  # fmt: skip
            found.append(Op("fits", tuple(o for o, _ in places), (), op.loc, tuple(attrs.items())))
            if not ones:
                known.join(*pair)
        return found

    def is_exact(self, ones: str, pair: tuple[Size, ...], second: list[Operand]) -> bool:
        """Whether nothing but equal sizes will do."""
        if ones == "open":
            return all(isinstance(o, Const) or isinstance(o.type, Array) or self.is_size(o) for o in second)
        return ones == "none" or all(map(is_many, pair)) or (ones == "second" and is_many(pair[1]))

    def is_size(self, o: Operand) -> bool:
        made = self.defs.get(o) if isinstance(o, Value) else None
        return isinstance(made, Op) and made.prim in ("shape", "len")

    def factors(self, side: tuple[Axis, ...], op: Op) -> list[tuple[Axis, Operand]]:
        """The sizes of a product, each with a name and the operand it is found in."""
        found: list[tuple[Axis, Operand]] = []
        for axis in side:
            o = op.operands[axis.operand]
            if isinstance(axis.size, int):
                found.append((axis, const(axis.size)))
            elif axis.axis is None:
                found += [(replace(axis, size=self.number(f)), f) for f in self.multiplied(o)]
            elif axis.axis >= 0 and isinstance(o, Value):
                found.append((replace(axis, size=self.size_of(o, axis.axis)), o))
            else:
                found.append((axis, o))
        return found

    def multiplied(self, o: Operand) -> list[Operand]:
        made = self.defs.get(o) if isinstance(o, Value) else None
        if isinstance(made, Op) and made.prim == "mul":
            return [f for x in made.operands for f in self.multiplied(x)]
        return [o]

    def number(self, o: Operand) -> Size:
        """The size that a number is."""
        made = self.defs.get(o) if isinstance(o, Value) else None
        if isinstance(made, Op) and made.prim in ("shape", "len") and isinstance(made.operands[0], Value):
            if isinstance(made.operands[0].type, Array):
                return self.size_of(made.operands[0], made.attr("axis", 0))
        return size_of(o)

    def place(self, axis: Axis, o: Operand, known: _Known) -> Place:
        """Where a size is asked for: of what was there first, mostly an argument."""
        if isinstance(axis.size, int):
            return const(axis.size), None
        return known.places.get(axis.size, (o, axis.axis))


def sole(side: tuple[Size, ...]) -> Size:
    """The size of a side that is one; of a product None."""
    return side[0] if len(side) == 1 else None
