"""Products of eigenvectors, a diagonal and the eigenvectors again, made functions of the matrix before differentiation.

V diag(d) Vᵀ has derivatives where eigenvalues are equal, and V has none. `with_spectral` finds such products among the
products of arrays (`analysis/networks.py`), however they are spelt. Their values stay as the user computes them; their
derivatives are those of the operation `spectral` (`rules/arrays/spectral.py`). U diag(d) Vᵀ of singular values alike.
d is computed from the eigenvalues element by element, with numbers and constant vectors; else nothing is changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from s2sad.analysis.activity import Dependences
from s2sad.analysis.aliases import Aliases, last_writes
from s2sad.analysis.networks import MOVING, Factor, Network, Networks, sum_of_squares
from s2sad.analysis.uses import definitions
from s2sad.ir.core import AnyOp, Block, Function, Op, Operand, Value, walk, with_blocks
from s2sad.ir.types import is_memory
from s2sad.rules.arrays.core import dims_of, emit
from s2sad.rules.arrays.spectral import Elementwise, Groups
from s2sad.rules.builder import Builder
from s2sad.transform.between import Between
from s2sad.transform.contraction import contracted, index_of

DECOMPOSITIONS = ("numpy.linalg.eigh", "numpy.linalg.svd")


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
    """The matrix of eigenvectors, or of singular vectors of one side; which of its last axes they are numbered along."""

    of: Decomposition
    side: str
    numbered: int  # -1: they are columns, -2: rows

    @property
    def place(self) -> int:
        return -3 - self.numbered


def with_spectral(fn: Function, inputs: tuple[Value, ...]) -> Function:
    """The function with such products as functions of the matrix; `inputs` are what is differentiated by."""
    if not any(isinstance(op, Op) and op.prim in DECOMPOSITIONS for op in walk(fn.body)):
        return fn
    return replace(fn, body=_Pass(fn, inputs).block(fn.body))


class _Pass:
    def __init__(self, fn: Function, inputs: tuple[Value, ...]) -> None:
        self.aliases = Aliases(fn)
        graph = Dependences(fn, self.aliases)
        self.varied = graph.reach(inputs, graph.forward)
        self.defs = definitions(fn)
        self.last = last_writes(fn, self.aliases)
        self.numbers = {
            op: number for number, outer in enumerate(fn.body.ops) for op in walk(Block((), (outer,), ()))
        }
        self.networks = Networks(self.settled, self.unwritten)
        self.vectors: dict[Value, Vectors] = {}

    def unwritten(self, o: Operand) -> bool:
        return not (isinstance(o, Value) and is_memory(o.type) and self.aliases.is_written(o))

    def settled(self, o: Operand, reader: AnyOp) -> bool:
        """Whether what an operation reads of a value is what it stays."""
        if self.unwritten(o) or not isinstance(o, Value):
            return True
        last = self.last.get(self.aliases.find(o))
        return last is not None and self.numbers[reader] > last

    def varies(self, o: Operand) -> bool:
        return isinstance(o, Value) and (self.aliases.find(o) if is_memory(o.type) else o) in self.varied

    # -- walking --------------------------------------------------------------------------------------

    def block(self, block: Block) -> Block:
        out: list[list[AnyOp]] = []
        for op in block.ops:
            if not isinstance(op, Op):
                out.append([with_blocks(op, self.block)])
            elif op.prim in DECOMPOSITIONS:
                out.append(self.decomposition(op))
            else:
                out.append(self.product(op))
        return replace(block, ops=tuple(op for ops in out for op in ops))

    def decomposition(self, op: Op) -> list[AnyOp]:
        beside: list[AnyOp] = [op]
        if not self.varies(op.operands[0]) or not all(map(self.unwritten, op.results)):
            return beside
        if op.prim.endswith("eigh"):
            w, v = op.results
            found = Decomposition(op, w, beside)
            self.vectors[v] = Vectors(found, "", -1)
        else:
            rows, columns = dims_of(op.operands[0])[-2:]
            if op.attr("full_matrices") and (rows is None or rows != columns):
                return beside
            u, w, vh = op.results
            found = Decomposition(op, w, beside)
            self.vectors[u], self.vectors[vh] = Vectors(found, "u", -1), Vectors(found, "v", -2)
        return beside

    def product(self, op: Op) -> list[AnyOp]:
        """The operation; where it completes such a product, with the model of its derivative."""
        if not self.vectors:
            return [op]
        norm = op.prim == "norm_of_elements" and self.settled(op.operands[0], op)
        network = sum_of_squares(self.networks, op) if norm else self.networks.see(op, self.has_vectors)
        if network is None or op.prim in MOVING or not self.varies(op.result):
            return [op]
        b = Builder(op.loc)
        changed = False
        while (next_one := self.replaced(b, network, op)) is not None:
            network, changed = next_one, True
        model = contracted(b, network, op.result.type) if changed else None
        if model is None:
            return [op]
        if norm:
            model = b.emit("numpy.sqrt", model)
        self.networks.found.pop(op.result, None)
        value = Value("", op.result.type)
        made = Op("derived_as", (value, model), op.results, op.loc)
        return [replace(op, results=(value,)), *b.ops, made]

    def has_vectors(self, network: Network) -> bool:
        return any(isinstance(f.value, Value) and f.value in self.vectors for f in network.factors)

    # -- one pair of eigenvectors -----------------------------------------------------------------------

    def replaced(self, b: Builder, network: Network, root: Op) -> Network | None:
        """The product with one pair of eigenvectors and what stands between them made a function of the matrix."""
        factors = network.factors
        ours = [
            (k, self.vectors[f.value])
            for k, f in enumerate(factors)
            if isinstance(f.value, Value) and f.value in self.vectors and not f.inverse
        ]
        for n, (i, one) in enumerate(ours):
            for j, other in ours[n + 1 :]:
                mark = len(b.ops)
                made = self.pair(b, network, (i, one), (j, other), root) if one.of is other.of else None
                if made is not None:
                    return made
                del b.ops[mark:]
        return None

    def pair(
        self, b: Builder, network: Network, left: tuple[int, Vectors], right: tuple[int, Vectors], root: Op
    ) -> Network | None:
        (i, one), (j, other) = left, right
        p, q = network.factors[i], network.factors[j]
        if one.numbered == -2 and other.numbered == -1:
            (i, one, p), (j, other, q) = (j, other, q), (i, one, p)
        number = p.axes[one.numbered]
        if number != q.axes[other.numbered] or p.axes[:-2] != q.axes[:-2]:
            return None
        if any(a.part is not None or a.label is None for a in p.axes[:-2]):
            return None
        if number.label in network.axes if number.label is not None else number.part is None:
            return None
        between = [
            k
            for k, f in enumerate(network.factors)
            if k not in (i, j) and number.label is not None and number.label in f.labels
        ]
        made = Between(b, one.of.w, number, self.networks, self.defs, self.varies)
        g = made.diagonal([network.factors[k] for k in between], p.axes[:-2], root)
        if g is None:
            return None
        parity = 0 if one.side == "" else 1 if one.side == other.side else -1
        m = self.function(b, one.of, made, g, parity, one.side if parity > 0 else "")
        axes = (*p.axes[:-2], p.axes[one.place], q.axes[other.place])
        rest = [f for k, f in enumerate(network.factors) if k not in (i, j, *between)]
        return Network((Factor(m, axes), *rest), network.axes)

    def function(
        self, b: Builder, of: Decomposition, made: Between, g: Operand, parity: int, side: str
    ) -> Operand:
        """V diag(d) Vᵀ as a function of the matrix."""
        a, v, u = of.operands(b, not self.unwritten(of.op.operands[0]))
        entry, bounds = index_of(made.part)
        params = tuple(made.params)
        fn = Function("g", (made.eigenvalues, *made.params.values()), Block((), made.ops, (g,)), b.loc)
        return emit(
            b, "spectral", a, of.w, v, u, made.picked, *bounds, *params, g=Elementwise(fn, entry, parity, side),
            groups=Groups(len(bounds), len(params), ()),
        )  # fmt: skip
