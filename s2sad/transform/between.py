"""What stands between eigenvectors in a product, as a function of the eigenvalues, element by element."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from s2sad.analysis.networks import Axis, Factor, Networks, Part
from s2sad.ir.core import AnyOp, Block, Const, If, Op, Operand, Value, walk
from s2sad.ir.types import Array, Scalar, Type
from s2sad.rules.arrays.core import dims_of, emit
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import is_elementwise
from s2sad.transform.contraction import picked
from s2sad.transform.loop_sums import ZEROS, Filled, Turn

HARMLESS = (
    "add",
    "sub",
    "mul",
    "neg",
    "numpy.maximum",
    "numpy.minimum",
    "numpy.abs",
    "builtins.abs",
    "numpy.square",
)


@dataclass(frozen=True)
class Reading:
    """How a value is read. `whole`: of all eigenvalues, of which a part is picked afterwards; `units`: the axes of size 1,
    counted from the end, that it has only to meet other axes of the eigenvectors."""

    whole: bool
    units: tuple[int, ...]

    def of(self, v: Value) -> tuple[int, ...]:
        """Those that a value has, counted from the start."""
        n = len(dims_of(v))
        return tuple(n + k for k in self.units if n + k >= 0)


def of_arrays(op: Op) -> str:
    """The operation on arrays that does for each element what one on numbers does."""
    if op.prim in ("builtins.max", "builtins.min") and len(op.operands) == 2:
        return {"builtins.max": "numpy.maximum", "builtins.min": "numpy.minimum"}[op.prim]
    return f"numpy.{op.prim.removeprefix('math.')}" if op.prim.startswith("math.") else op.prim


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known of the values of the function that a product stands in."""

    networks: Networks
    defs: dict[Value, AnyOp]
    filled: dict[Value, Filled]
    varies: Callable[[Operand], bool]
    shares_inputs: Callable[[Operand, Operand], bool]  # whether two values depend on one input
    same: dict[Operand, Value] = field(default_factory=dict)  # eigenvalues that were computed before


class Between:
    """Builds the function of the eigenvalues `w` that the factors numbered along `number` are.

    `b` stands in the user's function; `ops` are those of the function: of `eigenvalues` and of `params`. What varies and is
    not computed from the eigenvalues element by element is a parameter, too. `turn`: the index of a loop of which this is
    the sum; then values for one index are read as those for all of them. `hidden` is what is not defined where b stands.
    """

    def __init__(
        self, b: Builder, w: Value, number: Axis, facts: Facts, turn: Turn | None = None
    ) -> None:  # fmt: skip
        self.outer, self.w, self.number, self.facts = b, w, number, facts
        self.networks, self.turn = facts.networks, turn and turn.index
        self.hidden = set() if turn is None else set(turn.hidden)  # what is not defined where b stands
        self.part: Part = number.part
        self.rank = len(dims_of(w))
        self.eigenvalues = Value("w", self.type_of(w))
        self.params: dict[Operand, Value] = {}
        self.origins: dict[Operand, Value] = {}  # what the user's function calls a parameter
        self.inner = Builder(b.loc)
        self.known: dict[tuple[Operand, Reading], Operand | None] = {}
        self.moving: set[Operand] = {self.eigenvalues}  # what depends on the eigenvalues

    def type_of(self, v: Operand) -> Type:
        """That of what is picked of an array."""
        if self.part is None:
            return v.type
        given, self.outer = self.outer, Builder(self.outer.loc)
        found, self.outer = self.pick(v), given
        return found.type

    def moved(self) -> list[Operand]:
        """The parameters that depend on something that the eigenvalues depend on, too."""
        return [p for p in self.params if self.facts.shares_inputs(self.origins[p], self.w)]

    @property
    def ops(self) -> tuple[AnyOp, ...]:
        return tuple(self.inner.ops)

    def diagonal(self, factors: list[Factor], stack: tuple[Axis, ...], root: AnyOp) -> Operand | None:
        """The product of the factors; None where it is no such function."""
        total: Operand = const(1.0)
        for f in factors:
            units = tuple(k - len(f.axes) for k, a in enumerate(f.axes) if a.label is None and a.part is None)
            own = [a for k, a in enumerate(f.axes) if k - len(f.axes) not in units]
            if own and not self.fits(own, stack):
                return None
            whole = bool(own) and own[-1].part is not None
            d = self.expression(f.value, Reading(whole, units), root)
            if d is None:
                return None
            total = self.inner.emit("div" if f.inverse else "mul", total, d)
        return total

    def fits(self, axes: list[Axis], stack: tuple[Axis, ...]) -> bool:
        """Whether the last axis of a factor, and no other, is numbered as the eigenvectors; the others as their stack."""
        *lead, last = axes
        if last.label != self.number.label or last.part not in (None, self.part) or len(lead) > len(stack):
            return False
        return all(a == s for a, s in zip(reversed(lead), reversed(stack), strict=False))

    def expression(self, v: Operand, how: Reading, reader: AnyOp) -> Operand | None:
        """An operand as the function computes it."""
        if isinstance(v, Const):
            return v
        key = (v, how)
        if key not in self.known:
            self.known[key] = self.computed(v, how, reader)
        return self.known[key]

    def computed(self, v: Operand, how: Reading, reader: AnyOp) -> Operand | None:
        if not isinstance(v, Value) or not self.networks.settled(v, reader):
            return None
        if self.is_eigenvalues(v, how):
            return self.eigenvalues
        units = how.of(v)
        dims = tuple(d for k, d in enumerate(dims_of(v)) if k not in units)
        single = isinstance(v.type, Scalar) or (len(dims) == self.rank and dims[-1] == 1)
        op = self.facts.defs.get(v)
        if op is not None and (self.facts.varies(v) or v in self.hidden) and (self.of_one(v) or not single):
            found = self.tried(op, v, how, units)
            if found is not None:
                return found
        if v in self.hidden:
            return self.element(v)
        return self.param(v, units, how.whole and not single) if len(dims) <= self.rank else None

    def of_one(self, v: Value) -> bool:
        """Whether a number may belong to one eigenvalue alone."""
        at = self.part is not None and self.part[0] == "at"
        return isinstance(v.type, Scalar) and (at or self.turn is not None)

    def tried(self, op: AnyOp, v: Value, how: Reading, units: tuple[int, ...]) -> Operand | None:
        """A value that depends on the eigenvalues element by element; for others nothing is left behind."""
        known, params, mark = dict(self.known), dict(self.params), len(self.inner.ops)
        if v in self.facts.filled and self.part is None:
            found = self.by_turns(self.facts.filled[v], op)
        else:
            found = self.operation(op, v, how, units) if self.networks.unwritten(v) else None
        own = not isinstance(v.type, Scalar) and self.facts.shares_inputs(v, self.w)
        if found is not None and (found in self.moving or v in self.hidden or own):
            return found
        self.known, self.params = known, params
        del self.inner.ops[mark:]
        return None

    def by_turns(self, found: Filled, reader: AnyOp) -> Operand | None:
        """A vector that a loop fills element by element."""
        given = self.turn, self.hidden, self.known
        self.turn, self.hidden, self.known = found.index, self.hidden | found.hidden, {}
        made = self.expression(found.value, Reading(False, ()), reader) if self.rank == 1 else None
        self.turn, self.hidden, self.known = given
        return made

    def element(self, v: Value) -> Operand | None:
        """An array's element for the index of the loop, read as those for all indices."""
        network = self.networks.of(v)
        if len(network.factors) != 1 or network.factors[0].inverse:
            return None
        (f,) = network.factors
        parts = [a.part for a in f.axes]
        if self.turn is None or parts != [("at", self.turn)] or f.value in self.hidden or self.rank != 1:
            return None
        return self.expression(f.value, Reading(True, ()), self.facts.defs[v])

    def operation(self, op: AnyOp, v: Value, how: Reading, units: tuple[int, ...]) -> Operand | None:
        """The result of an operation that works element by element."""
        if isinstance(op, If):
            return self.branch(op, op.results.index(v), how)
        if not isinstance(op, Op):
            return None
        if op.prim in ("identity", "copy", "derived_as"):  # the last operand has the derivative
            return self.expression(op.operands[-1], how, op)
        if op.prim == "newaxis":
            same = set(op.attr("axes")) == set(units)
            return self.expression(op.operands[0], Reading(how.whole, ()), op) if same else None
        if op.prim in ZEROS:
            return const(0.0)
        spread = {"numpy.full": 1, "numpy.broadcast_to": 0}.get(op.prim)
        if spread is not None:
            source = op.operands[spread]
            alike = isinstance(source.type, Scalar) or len(dims_of(source)) == len(dims_of(op.result))
            return self.expression(source, how, op) if alike else None
        prim = op.prim if self.turn is None else of_arrays(op)
        if op.attrs or prim not in PRIMS or not is_elementwise(PRIMS[prim]):
            return None
        operands = [self.expression(o, how, op) for o in op.operands]
        if any(o is None for o in operands):
            return None
        return self.emit(prim, *(o for o in operands if o is not None))

    def emit(self, prim: str, *operands: Operand) -> Operand:
        found = self.inner.emit(prim, *operands)
        if any(o in self.moving for o in operands):
            self.moving.add(found)
        return found

    def branch(self, op: If, k: int, how: Reading) -> Operand | None:
        """What a branch of the user's gives, as one in the function."""
        cond = self.expression(op.cond, Reading(False, ()), op)
        if cond is None:
            return None
        sides: list[Block] = []
        moving = False
        for block in (op.then, op.orelse):
            known, hidden = dict(self.known), set(self.hidden)
            self.hidden |= {v for inner in walk(block) for v in inner.results}
            with self.inner.region() as ops:
                found = self.expression(block.yields[k], how, op)
            self.known, self.hidden = known, hidden
            if found is None:
                return None
            moving = moving or found in self.moving
            sides.append(Block((), tuple(ops), (found,)))
        then, orelse = sides
        if isinstance(cond.type, Array):
            return self.selection(cond, then, orelse)
        if then.yields[0].type != orelse.yields[0].type:
            return None
        result = Value("", then.yields[0].type)
        self.inner.ops.append(If(cond, then, orelse, (result,), op.loc))
        if moving:
            self.moving.add(result)
        return result

    def selection(self, cond: Operand, then: Block, orelse: Block) -> Operand | None:
        """What a branch in a loop gives, for all turns: both sides are computed, which must not warn."""
        ops = (*then.ops, *orelse.ops)
        if not all(isinstance(op, Op) and op.prim in HARMLESS for op in ops):
            return None
        self.inner.ops += ops
        return self.emit("numpy.where", cond, then.yields[0], orelse.yields[0])

    def is_eigenvalues(self, v: Value, how: Reading) -> bool:
        network = self.networks.of(v)
        if len(network.factors) != 1:
            return False
        (f,) = network.factors
        units = how.of(v)
        axes = tuple(a for k, a in enumerate(network.axes) if k not in units)
        lead = all(a.part is None for a in f.axes[:-1])
        own = tuple(a.label for a in f.axes if not a.single) == axes and not f.inverse
        if self.facts.same.get(f.value, f.value) is not self.w or not own or not lead:
            return False
        part = f.axes[-1].part
        if self.turn is not None and part == ("at", self.turn):
            return True
        return part == (None if how.whole else self.part)

    def param(self, v: Value, units: tuple[int, ...], part: bool) -> Value:
        """What the function reads beside the eigenvalues, without the axes of size 1."""
        given: Operand = emit(self.outer, "squeeze", v, axes=units) if units else v
        if part and self.part is not None:
            given = self.pick(given)
        found = self.params.get(given)
        if found is None:
            found = self.params[given] = Value(v.hint, given.type)
            self.origins[given] = v
        return found

    def pick(self, v: Operand) -> Operand:
        n = len(dims_of(v))
        parts: tuple[Any, ...] = (*(None,) * (n - 1), self.part)
        return picked(self.outer, v, parts)
