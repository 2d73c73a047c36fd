"""What stands between eigenvectors in a product, as a function of the eigenvalues, element by element."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from s2sad.analysis.networks import Axis, Factor, Networks, Part
from s2sad.ir.core import AnyOp, Const, Op, Operand, Value
from s2sad.ir.types import Scalar
from s2sad.rules.arrays.core import dims_of, emit
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import is_elementwise
from s2sad.transform.contraction import picked


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


class Between:
    """Builds the function of the eigenvalues `w` that the factors numbered along `number` are.

    `b` stands in the user's function; `ops` are those of the function: of `eigenvalues`, which are `picked` there, and
    of `params`. What varies must be computed from the eigenvalues element by element, and from numbers.
    """

    def __init__(
        self, b: Builder, w: Value, number: Axis, networks: Networks, defs: dict[Value, AnyOp],
        varies: Callable[[Operand], bool],
    ) -> None:  # fmt: skip
        self.outer, self.w, self.number = b, w, number
        self.networks, self.defs, self.varies = networks, defs, varies
        self.part: Part = number.part
        self.rank = len(dims_of(w))
        sliced = self.part is not None and self.part[0] == "slice"
        self.picked: Operand = self.pick(w) if sliced else w
        self.eigenvalues = Value("w", self.picked.type)
        self.params: dict[Operand, Value] = {}
        self.inner = Builder(b.loc)
        self.known: dict[tuple[Operand, Reading], Operand | None] = {}

    @property
    def ops(self) -> tuple[AnyOp, ...]:
        return tuple(self.inner.ops)

    def diagonal(self, factors: list[Factor], stack: tuple[Axis, ...], root: Op) -> Operand | None:
        """The product of the factors; None where it is no such function."""
        total: Operand = const(1.0)
        for f in factors:
            units = tuple(k - len(f.axes) for k, a in enumerate(f.axes) if a.label is None and a.part is None)
            own = [a for k, a in enumerate(f.axes) if k - len(f.axes) not in units]
            if not self.fits(own, stack):
                return None
            d = self.expression(f.value, Reading(own[-1].part is not None, units), root)
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
        if isinstance(v.type, Scalar) or (len(dims) == self.rank and dims[-1] == 1):
            return self.param(v, units, False)
        if not self.varies(v):
            return self.param(v, units, how.whole and dims[-1:] != (1,)) if len(dims) <= self.rank else None
        op = self.defs.get(v)
        return self.operation(op, how, units) if isinstance(op, Op) and self.networks.unwritten(v) else None

    def operation(self, op: Op, how: Reading, units: tuple[int, ...]) -> Operand | None:
        """The result of an operation that works element by element."""
        if op.prim == "identity":
            return self.expression(op.operands[0], how, op)
        if op.prim == "newaxis":
            same = set(op.attr("axes")) == set(units)
            return self.expression(op.operands[0], Reading(how.whole, ()), op) if same else None
        spread = {"numpy.full": 1, "numpy.broadcast_to": 0}.get(op.prim)
        if spread is not None:
            source = op.operands[spread]
            alike = isinstance(source.type, Scalar) or len(dims_of(source)) == len(dims_of(op.result))
            return self.expression(source, how, op) if alike else None
        if op.attrs or not is_elementwise(PRIMS[op.prim]):
            return None
        operands = [self.expression(o, how, op) for o in op.operands]
        if any(o is None for o in operands):
            return None
        return self.inner.emit(op.prim, *(o for o in operands if o is not None))

    def is_eigenvalues(self, v: Value, how: Reading) -> bool:
        network = self.networks.of(v)
        if len(network.factors) != 1:
            return False
        (f,) = network.factors
        units = how.of(v)
        axes = tuple(a for k, a in enumerate(network.axes) if k not in units)
        lead = all(a.part is None for a in f.axes[:-1])
        own = tuple(a.label for a in f.axes) == axes and not f.inverse
        return f.value is self.w and own and lead and f.axes[-1].part == (None if how.whole else self.part)

    def param(self, v: Value, units: tuple[int, ...], part: bool) -> Value:
        """What the function reads beside the eigenvalues, without the axes of size 1."""
        given: Operand = emit(self.outer, "squeeze", v, axes=units) if units else v
        if part and self.part is not None:
            given = self.pick(given)
        found = self.params.get(given)
        if found is None:
            found = self.params[given] = Value(v.hint, given.type)
        return found

    def pick(self, v: Operand) -> Operand:
        n = len(dims_of(v))
        parts: tuple[Any, ...] = (*(None,) * (n - 1), self.part)
        return picked(self.outer, v, parts)
