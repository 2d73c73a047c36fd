"""What stands between eigenvectors in a product, as a function of the eigenvalues, element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from s2sad.analysis.networks import Axis, Factor, Networks, Part
from s2sad.ir.core import AnyOp, Const, Op, Operand, Value
from s2sad.ir.types import Scalar
from s2sad.rules.arrays.core import dims_of
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import is_elementwise
from s2sad.transform.contraction import picked


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
        self.known: dict[tuple[Operand, bool], Operand | None] = {}

    @property
    def ops(self) -> tuple[AnyOp, ...]:
        return tuple(self.inner.ops)

    def diagonal(self, factors: list[Factor], stack: tuple[Axis, ...], root: Op) -> Operand | None:
        """The product of the factors; None where it is no such function."""
        total: Operand = const(1.0)
        for f in factors:
            d = self.expression(f.value, f.axes[-1].part is not None, root) if self.fits(f, stack) else None
            if d is None:
                return None
            total = self.inner.emit("div" if f.inverse else "mul", total, d)
        return total

    def fits(self, f: Factor, stack: tuple[Axis, ...]) -> bool:
        """Whether the last axis of a factor, and no other, is numbered as the eigenvectors; the others as their stack."""
        *lead, last = f.axes
        if last.label != self.number.label or last.part not in (None, self.part) or len(lead) > len(stack):
            return False
        same = zip(reversed(lead), reversed(stack), strict=False)
        return all(a == s or (a.label is None and a.part is None) for a, s in same)

    def expression(self, v: Operand, whole: bool, reader: AnyOp) -> Operand | None:
        """An operand as the function computes it; `whole`: of all eigenvalues, of which a part is picked afterwards."""
        if isinstance(v, Const):
            return v
        key = (v, whole)
        if key not in self.known:
            self.known[key] = self.computed(v, whole, reader)
        return self.known[key]

    def computed(self, v: Operand, whole: bool, reader: AnyOp) -> Operand | None:
        if not isinstance(v, Value) or not self.networks.settled(v, reader):
            return None
        if self.is_eigenvalues(v, whole):
            return self.eigenvalues
        dims = dims_of(v)
        if isinstance(v.type, Scalar) or (len(dims) == self.rank and dims[-1] == 1):
            return self.param(v, v)
        if not self.varies(v):
            if len(dims) > self.rank:
                return None
            return self.param(v, self.pick(v) if whole and self.part is not None and dims[-1] != 1 else v)
        op = self.defs.get(v)
        if not isinstance(op, Op) or not self.networks.unwritten(v):
            return None
        if op.prim == "identity":
            return self.expression(op.operands[0], whole, op)
        spread = {"numpy.full": 1, "numpy.broadcast_to": 0}.get(op.prim)
        if spread is not None:
            source = op.operands[spread]
            alike = isinstance(source.type, Scalar) or len(dims_of(source)) == self.rank
            return self.expression(source, whole, op) if alike else None
        if op.attrs or not is_elementwise(PRIMS[op.prim]):
            return None
        operands = [self.expression(o, whole, op) for o in op.operands]
        if any(o is None for o in operands):
            return None
        return self.inner.emit(op.prim, *(o for o in operands if o is not None))

    def is_eigenvalues(self, v: Value, whole: bool) -> bool:
        network = self.networks.of(v)
        if len(network.factors) != 1:
            return False
        (f,) = network.factors
        lead = all(a.part is None for a in f.axes[:-1])
        own = tuple(a.label for a in f.axes) == network.axes and not f.inverse
        return f.value is self.w and own and lead and f.axes[-1].part == (None if whole else self.part)

    def param(self, v: Value, given: Operand) -> Value:
        found = self.params.get(given)
        if found is None:
            found = self.params[given] = Value(v.hint, given.type)
        return found

    def pick(self, v: Value) -> Operand:
        n = len(dims_of(v))
        parts: tuple[Any, ...] = (*(None,) * (n - 1), self.part)
        return picked(self.outer, v, parts)
