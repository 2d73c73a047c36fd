"""For Numba: what works on arrays element by element, as loops over the elements.

    dv = 0.5 * du[1:-1]                 for k in range(len(du) - 2):
    dx[2:] += dv                            t = 0.5 * du[k + 1]
    dx[:-2] -= dv                           dx[k + 2] += t
    du[1:-1] = 0.0                          dx[k] -= t
                                            du[k + 1] = 0.0

Statements over the same sizes that follow each other are one nest of loops; what only they read is a number in it, and no
array. Numba makes an array of each right-hand side, which takes longer than the arithmetic does, and compiles an expression
on three axes in two seconds and one on four in fifteen, loops in a third of one. Cells are read and written where they lie: a
slice is an offset. In the loops an element is read and written in the order of the statements, so a nest ends where a
statement reads or writes other cells of what one before it has written, unless both add.

What may be spread along an axis when the code runs stays as it is. Where types do not say that sizes are the same,
`same_size` refuses others in front of the loops, as NumPy does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from s2sad.analysis.aliases import Aliases
from s2sad.analysis.uses import definitions, use_counts
from s2sad.errors import Loc
from s2sad.ir.core import AnyOp, Block, Const, For, Function, If, Op, Operand, Value, walk, with_blocks
from s2sad.ir.types import BOOL, FLOAT, INT, Array, Dim, Scalar, Size, Tape, Type
from s2sad.optimize.elements import (
    NAMES,
    QUOTIENT,
    WRITTEN,
    Full,
    axes,
    is_fill,
    is_member,
    is_sum,
    is_value,
    of_elements,
    rank,
    read_by,
    same,
    space_of,
)  # fmt: skip
from s2sad.rules.builder import const
from s2sad.rules.effects import is_fresh, is_view
from s2sad.rules.registry import PRIMS

SEVERAL = 2  # axes with which everything becomes loops
FIXED = -1
Place = (
    tuple[int, int] | Value
)  # a subscript: the number of an index and what is added to it, FIXED and a number, or a value


def explicit_loops(fn: Function) -> Function:
    """Write what is elementwise as loops."""
    if not any(isinstance(op, Op) and is_member(op) for op in walk(fn.body)):
        return fn
    return replace(fn, body=_Nests(fn).block(fn.body))


# -- nests --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Access:
    """Cells of an array that a nest reads ('load'), writes ('store') or adds to ('accumulate'), one in each turn."""

    base: Value
    places: tuple[Place, ...]
    how: str


@dataclass(eq=False)
class _Nest:
    """Operations that are done together for each element; `waiting`: those between them, which are done before."""

    dims: tuple[Size, ...]
    reverse: bool
    members: list[Op] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)
    waiting: list[AnyOp] = field(default_factory=list)
    after: list[AnyOp] = field(
        default_factory=list
    )  # what keeps an array that it makes, and may be done after it
    full: dict[Value, Full] = field(default_factory=dict)  # what it reads, and along which axes it is as long
    made: dict[Value, Op] = field(default_factory=dict)  # the arrays and sums that it makes
    read: Counter[Value] = field(default_factory=Counter)  # how often it reads them itself


class _Nests:
    def __init__(self, fn: Function) -> None:
        self.aliases = Aliases(fn)
        self.counts = use_counts(fn)
        self.defs = definitions(fn)

    def block(self, block: Block) -> Block:
        return replace(block, ops=tuple(self.sequence([with_blocks(op, self.block) for op in block.ops])))

    def sequence(self, given: list[AnyOp]) -> list[AnyOp]:
        """Operations that follow each other, with nests in place of those that join one."""
        ops: list[AnyOp] = []
        nest: _Nest | None = None
        for op in given:
            if nest is not None and self.joins(nest, op):
                continue
            if nest is not None and self.may_wait(nest, op):
                nest.waiting.append(op)
                continue
            if nest is not None and self.may_be_last(nest, op):
                nest.after.append(op)
                continue
            rest = self.divided(nest, op) if nest is not None else None
            if nest is not None:
                ops += self.written(nest)
            nest = rest or self.started(op)
            ops += [] if nest is not None else [op]
        if nest is not None:
            ops += self.written(nest)
        return ops

    def started(self, op: AnyOp) -> _Nest | None:
        if not (isinstance(op, Op) and is_member(op)):
            return None
        nest = _Nest(space_of(op).dims, op.loc.reverse)  # type: ignore[attr-defined]
        return nest if self.joins(nest, op) else None

    def divided(self, nest: _Nest, op: AnyOp) -> _Nest | None:
        """A nest of what this one makes after all that it writes, and of an operation that does not join the whole; the
        latter is left with the others."""
        last = max((i for i, m in enumerate(nest.members) if not is_value(m)), default=-1)
        head, tail = nest.members[: last + 1], nest.members[last + 1 :]
        if not (head and tail and isinstance(op, Op) and is_member(op)):
            return None
        first, second = (_Nest(nest.dims, nest.reverse) for _ in range(2))
        if not (all(self.joins(second, m) for m in tail) and self.joins(second, op)):
            return None
        if not all(self.joins(first, m) for m in head):
            return None
        nest.members, nest.accesses, nest.full = first.members, first.accesses, first.full
        nest.made, nest.read = first.made, first.read
        second.after = [op for op in nest.after if any(o in second.made for o in op.operands)]  # type: ignore[union-attr]
        nest.after = [op for op in nest.after if op not in second.after]
        return second

    def joins(self, nest: _Nest, op: AnyOp) -> bool:
        """Whether an operation becomes part of a nest."""
        if not (isinstance(op, Op) and is_member(op) and op.loc.reverse is nest.reverse):
            return False
        arrays = [o for o in op.operands if isinstance(o.type, Array)]
        alike = len(arrays) == 1 and arrays[0] in nest.made  # of the same sizes, whatever they are called
        dims = space_of(op).dims  # type: ignore[attr-defined]
        if not (dims is nest.dims or alike or same(dims, nest.dims)):
            return False
        found = self.accesses(nest, op)
        if found is None:
            return False
        reads, accesses = found
        pairs = [(p, n) for i, n in enumerate(accesses) for p in (*nest.accesses, *accesses[:i])]
        if not all(self.may_follow(p, n) for p, n in pairs):
            return False
        nest.members.append(op)
        nest.accesses += accesses
        nest.full |= reads
        nest.read.update(o for o in read_by(op) if o in nest.made)  # type: ignore[misc]
        nest.made.update(dict.fromkeys(op.results, op))
        return True

    def accesses(self, nest: _Nest, op: Op) -> tuple[dict[Value, Full], list[Access]] | None:
        """What an operation reads and writes; None where that cannot be said element by element."""
        reads: dict[Value, Full] = {}
        found: list[Access] = []
        whole = (True,) * len(nest.dims)
        if any(o in nest.made and not isinstance(o.type, Array) for o in op.operands):
            return None  # a sum, which is there after the loops only
        arrays = [o for o in read_by(op) if isinstance(o, Value) and isinstance(o.type, Array)]
        for o in arrays:
            # one that meets numbers only has the sizes of the result, whatever they are called
            full = whole if len(arrays) == 1 and op.results else axes(o.type, nest.dims, whole)
            if full is None or nest.full.get(o, full) != full or (o in nest.made and full != whole):
                return None
            if o not in nest.made:
                reads[o] = full
                found.append(self.access(o, full, len(whole), "load"))
        if op.prim in WRITTEN:
            target = op.operands[0]
            assert isinstance(target, Value)
            if target in nest.made or (op.loc.reverse and not self.is_own(target)):
                return None
            found.append(self.access(target, whole, len(whole), WRITTEN[op.prim]))
        return reads, found

    def may_follow(self, p: Access, n: Access) -> bool:
        """Whether what is done in one turn after the other may be done before what the other does in later turns."""
        if p.how == n.how != "store" or self.aliases.find(p.base) is not self.aliases.find(n.base):
            return True
        return p.base is n.base and p.places == n.places

    def may_wait(self, nest: _Nest, op: AnyOp) -> bool:
        """Whether an operation may be done before a nest that stands before it."""
        if not isinstance(op, Op) or op.loc.reverse is not nest.reverse:
            return False
        if any(o in nest.made for o in op.operands) or any(isinstance(o.type, Tape) for o in op.operands):
            return False
        if is_view(op) or op.prim in ("shape", "len"):
            return True
        rule = PRIMS.get(op.prim)
        written = {self.aliases.find(a.base) for a in nest.accesses if a.how != "load"}
        harmless = ("none", "alloc") if written and not nest.reverse else ("none", "alloc", "raises")
        if rule is None or rule.effect not in harmless or op.prim in ("fits", "sizes"):
            return False
        for o in op.operands if written else ():
            if not isinstance(o.type, (Array, Scalar)):
                return False  # what it holds may be written
            if isinstance(o, Value) and isinstance(o.type, Array) and self.aliases.find(o) in written:
                return False
        return True

    def may_be_last(self, nest: _Nest, op: AnyOp) -> bool:
        """Whether an operation keeps something on a tape that no later member of a nest can change."""
        if not isinstance(op, Op) or op.prim != "tape_write" or op.loc.reverse is not nest.reverse:
            return False
        return all(not isinstance(o.type, Array) or o in nest.made for o in op.operands)

    def is_own(self, a: Operand) -> bool:
        """Whether memory is made in this function: no argument may be the same."""
        op = self.defs.get(a) if isinstance(a, Value) else None
        while isinstance(op, Op) and is_view(op) and op.prim != "numpy.transpose":
            a = op.operands[0]
            op = self.defs.get(a) if isinstance(a, Value) else None
        return is_fresh(op)

    # -- cells --

    def access(self, v: Value, full: Full, ndim: int, how: str) -> Access:
        """The cell of an array in a turn of `ndim` loops, as one of what it is a view of."""
        first = ndim - len(full)
        places: tuple[Place, ...] = tuple(
            (first + k if is_full else FIXED, 0) for k, is_full in enumerate(full)
        )
        base = v
        while (of := self.seen_as(base, places)) is not None:
            base, places = of
        return Access(base, places, how)

    def seen_as(self, v: Value, places: tuple[Place, ...]) -> tuple[Value, tuple[Place, ...]] | None:
        """The cell of what a slice is taken of; None of what is none, or does not begin at a number from the start."""
        op = self.defs.get(v)
        if not (isinstance(op, Op) and op.operands and isinstance(op.operands[0], Value)):
            return None
        a, given = op.operands[0], op.operands[1:]
        if not isinstance(a.type, Array) or a.type.ndim == 0:
            return None
        axes_ = op.attr("axes")
        if op.prim == "newaxis":
            return a, tuple(p for k, p in enumerate(places) if k not in axes_)
        if op.prim == "numpy.transpose" and axes_ is not None:
            return a, tuple(places[axes_.index(k)] for k in range(len(axes_)))
        if op.prim == "numpy.broadcast_to":
            own = axes(a.type, v.type.dims, (True,) * rank(v.type))  # type: ignore[attr-defined]
            if own is None:
                return None
            last = places[len(places) - rank(a.type) :]
            return a, tuple(p if full else (FIXED, 0) for p, full in zip(last, own, strict=True))
        if op.prim != "view":
            return None
        found: list[Place] = []
        left = list(places)
        for entry in op.attr("index"):
            if entry[0] == "new":
                left.pop(0)
                continue
            if entry[0] == "at":
                at = given[entry[1]]
                found.append((FIXED, at.value) if isinstance(at, Const) else at)  # type: ignore[arg-type]
                continue
            start, _, step = (None if k is None else given[k] for k in entry[1:])
            first = 0 if start is None else start.value if isinstance(start, Const) else None
            if (
                first is None
                or first < 0
                or not (step is None or (isinstance(step, Const) and step.value == 1))
            ):
                return None
            place = left.pop(0)
            if first and not (isinstance(place, tuple) and place[1] >= 0):
                return None  # which may count from the end
            found.append((place[0], place[1] + first) if isinstance(place, tuple) else place)
        return a, (*found, *left)

    # -- the loops --

    def written(self, nest: _Nest) -> list[AnyOp]:
        """The loops, and what is done before them; the operations themselves where loops would be no better."""
        waiting = self.sequence(nest.waiting)
        if not self.pays(nest):
            return [*waiting, *nest.members, *nest.after]
        shared = [v for v in nest.made if isinstance(v.type, Array) and self.counts[v] > nest.read[v]]
        sizes, bounds = self.bounds(nest, bool(shared))
        loc = nest.members[0].loc
        new = [Op("numpy.empty", tuple(bounds), (v,), loc, (("dtype", v.type.dtype),)) for v in shared]  # type: ignore[attr-defined]
        return [*waiting, *sizes, *new, *self.loops(nest, shared, bounds), *nest.after]

    def pays(self, nest: _Nest) -> bool:
        """Whether loops are better: always with several axes, else where they spare an array."""
        statements = [op for op in nest.members if not is_value(op)]
        values = [op for op in nest.members if op.prim != "copy" and is_value(op)]
        if not statements and not values:
            return False  # copies
        if len(nest.dims) >= SEVERAL:
            alone = len(nest.members) == 1 and (is_fill(nest.members[0]) or is_sum(nest.members[0]))
            return not alone
        inner = any(self.counts[v] == nest.read[v] for v in nest.made if isinstance(v.type, Array))
        return inner and (nest.reverse or len(nest.members) > 1)

    def bounds(self, nest: _Nest, new: bool) -> tuple[list[AnyOp], list[Operand]]:
        """How often the loops run: as often as the arrays have elements along each axis; `new`: arrays are made of these
        sizes."""
        ops: list[AnyOp] = []
        found: list[Operand] = []
        loc = nest.members[0].loc
        ndim = len(nest.dims)

        def number(prim: str, *operands: Operand, **attrs: int) -> Value:
            n = Value("", INT)
            ops.append(Op(prim, operands, (n,), loc, tuple(attrs.items())))
            return n

        def size(a: Value, axis: int) -> Value:
            base, base_axis, less = self.of_base(a, axis)
            n = number("len", base) if base_axis == 0 else number("shape", base, axis=base_axis)
            if less:
                n = number("sub", n, const(less))
                n = number("builtins.max", n, const(0)) if new else n
            return n

        for k, d in enumerate(nest.dims):
            places = ((v, k - ndim + len(full), full) for v, full in self.whole(nest))
            along = [(v, axis) for v, axis, full in places if axis >= 0 and full[axis]]
            # what is written, or is of the sizes as they are called, says how long; the others have to agree
            exact = [(v, axis) for v, axis in along if same((v.type.dims[axis],), (d,))]  # type: ignore[attr-defined]
            if not along:
                found.append(const(1))
                continue
            first = (exact or along)[0]
            bound = size(*first)
            for v, axis in along:
                if (v, axis) not in (first, *exact):
                    bound = number("s2sad.same_size", bound, size(v, axis))
            found.append(bound)
        return ops, found

    def of_base(self, v: Value, axis: int) -> tuple[Value, int, int]:
        """An array's axis as one of what it is a slice of, and how much shorter it is; itself where types do not say."""
        whole = (True,) * rank(v.type)
        a = self.access(v, whole, len(whole), "load")
        for k, place in enumerate(a.places):
            if isinstance(place, tuple) and place[0] == axis:
                mine, its = v.type.dims[axis], a.base.type.dims[k]  # type: ignore[attr-defined]
                if isinstance(mine, Dim) and isinstance(its, Dim) and mine.name == its.name != "~":
                    return a.base, k, its.offset - mine.offset
        return v, axis, 0

    def whole(self, nest: _Nest) -> Iterator[tuple[Value, Full]]:
        """The arrays that are there before the loops, those that are written first."""
        whole = (True,) * len(nest.dims)
        for op in nest.members:
            if op.prim in WRITTEN:
                yield op.operands[0], whole  # type: ignore[misc]
        yield from nest.full.items()

    def loops(self, nest: _Nest, shared: list[Value], bounds: list[Operand]) -> list[AnyOp]:
        indices = tuple(Value(name, INT) for name in NAMES[-len(bounds) :])
        body: list[AnyOp] = []
        here: dict[Operand, Operand] = {}  # the elements of this turn
        cells: dict[
            tuple[Value, tuple[Place, ...]], Operand
        ] = {}  # what has been read of memory, and not been written since
        sums: list[tuple[Op, Operand]] = []
        whole = (True,) * len(bounds)

        def emit(prim: str, operands: tuple[Operand, ...], loc: Loc, t: Type = FLOAT) -> Value:
            result = Value("", t)
            body.append(Op(prim, operands, (result,), loc))
            return result

        def subscript(places: tuple[Place, ...], loc: Loc) -> list[Operand]:
            found: list[Operand] = []
            for place in places:
                if not isinstance(place, tuple):
                    found.append(place)
                elif place[0] == FIXED:
                    found.append(const(place[1]))
                elif place[1] == 0:
                    found.append(indices[place[0]])
                else:
                    moved = Value("", INT)
                    body.append(Op("add", (indices[place[0]], const(place[1])), (moved,), loc))
                    found.append(moved)
            return found

        def element(o: Operand, loc: Loc) -> Operand:
            if not isinstance(o.type, Array):
                return o
            if o in here:
                return here[o]
            a = self.access(o, nest.full[o], len(whole), "load")  # type: ignore[arg-type, index]
            cell = a.base, a.places
            if cell not in cells:
                cells[cell] = emit("load", (a.base, *subscript(a.places, loc)), loc, o.type.item)
            return cells[cell]

        for op in nest.members:
            loc = op.loc
            if op.prim in WRITTEN:
                value = element(op.operands[1], loc)
                a = self.access(op.operands[0], whole, len(whole), "store")  # type: ignore[arg-type]
                body.append(Op(WRITTEN[op.prim], (a.base, *subscript(a.places, loc), value), (), loc))
                root = self.aliases.find(a.base)
                cells = {cell: v for cell, v in cells.items() if self.aliases.find(cell[0]) is not root}
                continue
            values = tuple(element(o, loc) for o in op.operands)
            if is_sum(op):
                sums.append((op, values[0]))
                continue
            prim = of_elements(op)
            if op.prim == "copy":
                here[op.result] = values[0]
            elif op.prim in ("numpy.where", QUOTIENT):
                if op.prim == QUOTIENT:
                    test = emit("ne", (values[1], const(0.0)), loc, BOOL)
                    values = test, emit("div", values, loc), const(0.0)
                here[op.result] = Value("", FLOAT)
                taken, other = (Block((), (), (v,)) for v in values[1:])
                body.append(If(values[0], taken, other, (here[op.result],), loc))  # type: ignore[arg-type]
            else:
                assert prim is not None
                values = values[:1] if prim == "numpy.sqrt" else values
                if prim == "pow" and isinstance(values[1], Const) and values[1].value < 0:
                    values = values[0], const(float(values[1].value))  # integers raise where the base is 0
                here[op.result] = emit(prim, values, loc, op.result.type.item)  # type: ignore[attr-defined]
            if op.result in shared:
                body.append(Op("store", (op.result, *indices, here[op.result]), (), loc))
        return nested(body, sums, indices, bounds, nest.members[0].loc)


def nested(
    body: list[AnyOp],
    sums: list[tuple[Op, Operand]],
    indices: tuple[Value, ...],
    bounds: list[Operand],
    loc: Loc,
) -> list[AnyOp]:
    """Loops around what is done in each turn, which add up the sums."""
    before, after = ([Value("total", op.result.type) for op, _ in sums] for _ in range(2))
    for (op, term), b, a in zip(sums, before, after, strict=True):
        body.append(Op("add", (b, term), (a,), op.loc))
    for i, bound in zip(reversed(indices), reversed(bounds), strict=True):
        block = Block((i, *before), tuple(body), tuple(after))
        outermost = i is indices[0]
        init: list[Operand] = [const(0.0) for _ in sums]
        before, after = ([Value("total", op.result.type) for op, _ in sums] for _ in range(2))
        if outermost:
            after = [op.result for op, _ in sums]
        else:
            init = list(before)
        body = [For(const(0), bound, const(1), tuple(init), block, tuple(after), loc)]
    return body
