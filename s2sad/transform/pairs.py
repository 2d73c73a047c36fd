"""Pairs of eigenvectors in a product, with what stands between them: functions of the matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from s2sad.analysis.networks import Axis, Factor, Network
from s2sad.ir.core import AnyOp, Block, Function, Op, Operand, Value
from s2sad.rules.arrays.core import dims_of, emit
from s2sad.rules.arrays.spectral import Elementwise, Groups, Piece
from s2sad.rules.builder import Builder
from s2sad.transform.between import Between, Facts
from s2sad.transform.contraction import index_of
from s2sad.transform.loop_sums import Turn


@dataclass(frozen=True, eq=False)
class Decomposition:
    """Eigenvalues or singular values `w` of `op`; what the operation `spectral` needs of them is made `beside` it."""

    op: Op
    w: Value
    beside: list[AnyOp] = field(default_factory=list)
    made: list[Operand] = field(default_factory=list)

    def operands(self, b: Builder, written: bool) -> tuple[Operand, Operand, Operand]:
        """The matrix as it was then, and its vectors: those of both sides, or twice those of a symmetric one."""
        a, results = self.op.operands[0], self.op.results
        if written and not self.made:
            given, b.loc = b.loc, self.op.loc
            with b.region() as ops:
                self.made.append(b.emit("copy", a, type=a.type))
            self.beside.extend(ops)
            b.loc = given
        return (self.made or [a])[0], results[-1], results[0 if len(results) == 3 else 1]


@dataclass(frozen=True)
class Vectors:
    """The matrix of eigenvectors, or of singular vectors of one side; which of its last axes they are numbered along.
    `more`: there may be more of them than singular values."""

    of: Decomposition
    side: str
    numbered: int  # -1: they are columns, -2: rows
    more: bool = False

    @property
    def place(self) -> int:
        return -3 - self.numbered


@dataclass(frozen=True, eq=False)
class Pair:
    """Two matrices of eigenvectors in a product that are numbered together; `g` is what `made` computes between them.
    `axes` are those of the function of the matrix, `rest` the other factors."""

    network: Network
    of: Decomposition
    parity: int
    side: str
    number: Axis
    axes: tuple[Axis, ...]
    rest: tuple[Factor, ...]
    made: Between
    g: Operand


class Pairs:
    """Finds pairs of `vectors` and makes functions of the matrix of them."""

    def __init__(self, facts: Facts, unwritten: Callable[[Operand], bool]) -> None:
        self.facts, self.unwritten = facts, unwritten
        self.vectors: dict[Value, Vectors] = {}

    def has_vectors(self, network: Network) -> bool:
        return any(isinstance(f.value, Value) and f.value in self.vectors for f in network.factors)

    def first(
        self, b: Builder, network: Network, root: AnyOp, numbers: bool = False, turn: Turn | None = None
    ) -> Pair | None:  # fmt: skip
        """The first pair of a product; of a sum over the turns of a loop, that which is numbered by them. `numbers`:
        factors without axes count as what stands between, too."""
        ours = [
            (k, self.vectors[f.value])
            for k, f in enumerate(network.factors)
            if isinstance(f.value, Value) and f.value in self.vectors and not f.inverse
        ]
        for n, (i, one) in enumerate(ours):
            for j, other in ours[n + 1 :]:
                if one.of is not other.of:
                    continue
                mark = len(b.ops)
                found = self.pair(b, network, (i, one), (j, other), root, numbers, turn)
                if found is not None:
                    return found
                del b.ops[mark:]
        return None

    def all_replaced(self, b: Builder, network: Network, root: AnyOp) -> tuple[Network, bool, bool]:
        """The product with pairs of eigenvectors made functions of the matrix; whether there were any, and whether all of
        them were of all eigenvalues."""
        changed, whole = False, True
        while (pair := self.first(b, network, root)) is not None:
            network, changed = self.replaced(b, [pair]), True
            whole = whole and pair.number.part is None
        return network, changed, whole

    def pair(
        self, b: Builder, network: Network, left: tuple[int, Vectors], right: tuple[int, Vectors], root: AnyOp,
        numbers: bool, turn: Turn | None,
    ) -> Pair | None:  # fmt: skip
        (i, one), (j, other) = left, right
        p, q = network.factors[i], network.factors[j]
        if one.numbered == -2 and other.numbered == -1:
            (i, one, p), (j, other, q) = (j, other, q), (i, one, p)
        number = p.axes[one.numbered]
        if number != q.axes[other.numbered] or p.axes[:-2] != q.axes[:-2]:
            return None
        if any(a.part is not None or a.label is None for a in p.axes[:-2]):
            return None
        if one.more and (one.side == other.side or number.part is not None):
            return None  # vectors of both sides are as many as each other only where the matrix is square
        if turn is not None and number.label != turn.label:
            return None
        if number.label in network.axes if number.label is not None else number.part is None:
            return None

        def belongs(f: Factor) -> bool:
            if number.label is not None and number.label in f.labels:
                return True
            return numbers and not f.labels and all(a.part in (None, number.part) for a in f.axes)

        between = [k for k, f in enumerate(network.factors) if k not in (i, j) and belongs(f)]
        made = Between(b, one.of.w, number, self.facts, turn)
        g = made.diagonal([network.factors[k] for k in between], p.axes[:-2], root)
        if g is None:
            return None
        parity = 0 if one.side == "" else 1 if one.side == other.side else -1
        rest = tuple(f for k, f in enumerate(network.factors) if k not in (i, j, *between))
        axes = (*p.axes[:-2], p.axes[one.place], q.axes[other.place])
        return Pair(network, one.of, parity, one.side if parity > 0 else "", number, axes, rest, made, g)

    def replaced(self, b: Builder, pairs: list[Pair]) -> Network:
        """The first pair's product with the sum of what stands between these pairs: all else they have in common."""
        pair = pairs[0]
        a, v, u = pair.of.operands(b, not self.unwritten(pair.of.op.operands[0]))
        pieces: list[Piece] = []
        bounds: list[Operand] = []
        params: list[Operand] = []
        marks = self.marks(pairs)
        for one, mark in sorted(zip(pairs, marks, strict=True), key=lambda x: x[0].number.part is None):
            entry, own = index_of(one.made.part)
            given = tuple(one.made.params)
            fn = Function(
                "g",
                (one.made.eigenvalues, *one.made.params.values()),
                Block((), one.made.ops, (one.g,)),
                b.loc,
            )
            pieces.append(Piece(fn, one.made.eigenvalues.type, entry, len(own), len(given), mark))
            bounds.extend(own)
            params.extend(given)
        m = emit(
            b, "spectral", a, pair.of.w, v, u, *bounds, *params, g=Elementwise(tuple(pieces), pair.parity, pair.side),
            groups=Groups(len(bounds), len(params)),
        )  # fmt: skip
        return Network((Factor(m, pair.axes), *pair.rest), pair.network.axes)

    def marks(self, pairs: list[Pair]) -> list[int]:
        """What tells apart equal eigenvalues with factors that the matrix moves each in a way of its own: arrays that
        are computed from it, and numbers that not all of them have."""
        found: list[int] = []
        seen: dict[frozenset[Operand], int] = {frozenset(): 0}
        for pair in pairs:
            moved = pair.made.moved()
            if any(dims_of(p)[-1:] not in ((), (1,)) for p in moved):
                return [-1] * len(pairs)
            numbers = frozenset(moved)
            found.append(0 if pair.number.part is None else seen.setdefault(numbers, len(seen)))
        return found
