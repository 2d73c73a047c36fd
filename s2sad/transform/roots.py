"""Products of absolute values, roots and norms with themselves, made smooth before differentiation.

With r = abs(x), `r[i] * r[i]`, `r @ r` and `einsum('i,i->', r, r)` have derivatives where r has none. `with_powers` finds
factors of a product (`analysis/networks.py`) that are one root twice or more, also elements, slices and other shapes of
one. The product's value stays as the user computes it; its derivative is that of a `model` with r**2, which stands
beside r and is differentiated as one (`analysis/roots.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from s2sad.analysis.activity import Dependences
from s2sad.analysis.aliases import Aliases
from s2sad.analysis.dataflow import MUL, Dataflow
from s2sad.analysis.exponentials import POW
from s2sad.analysis.networks import MOST_FACTORS, MOVING, Factor, Network, Networks
from s2sad.analysis.roots import is_root, is_square_root, power_of, root_gate
from s2sad.ir.core import AnyOp, Block, Function, Op, Operand, Value, walk, with_blocks
from s2sad.ir.types import FLOAT, Scalar, Type, is_memory
from s2sad.rules.builder import Builder, const
from s2sad.rules.effects import Made, made
from s2sad.transform.contraction import contracted

JOINING = ("numpy.stack", "numpy.concatenate", "array_of_numbers")


@dataclass(frozen=True, eq=False)
class Root:
    """A root, or the elements of one in another order or shape; its powers are made `beside` it."""

    op: Op
    beside: list[AnyOp] = field(default_factory=list)
    powers: dict[int, Operand] = field(default_factory=dict)


def with_powers(fn: Function, inputs: tuple[Value, ...]) -> Function:
    """The function with models of such products; `inputs` are what is differentiated by."""
    flow = Dataflow(fn, Aliases(fn))
    if not any(isinstance(op, Op) and is_root(op, flow) for op in walk(fn.body)):
        return fn
    return replace(fn, body=_Pass(fn, inputs, flow).block(fn.body))


class _Pass:
    def __init__(self, fn: Function, inputs: tuple[Value, ...], flow: Dataflow) -> None:
        self.flow, self.aliases = flow, flow.aliases
        graph = Dependences(fn, self.aliases)
        self.varied = graph.reach(inputs, graph.forward)
        self.roots: dict[Operand, Root] = {}
        self.powers: dict[Operand, tuple[Operand, int]] = {}  # of roots, which are smooth
        self.networks = Networks(lambda o, reader: self.unwritten(o), self.unwritten)
        modelled = (op for op in walk(fn.body) if isinstance(op, Op) and op.prim == "derived_as")
        self.done: set[Operand] = {op.operands[0] for op in modelled}

    def unwritten(self, o: Operand) -> bool:
        return not (isinstance(o, Value) and is_memory(o.type) and self.aliases.is_written(o))

    def varies(self, o: Operand) -> bool:
        return isinstance(o, Value) and (self.aliases.find(o) if is_memory(o.type) else o) in self.varied

    # -- walking --------------------------------------------------------------------------------------

    def block(self, block: Block) -> Block:
        out: list[list[AnyOp]] = []
        for op in block.ops:
            if not isinstance(op, Op):
                out.append([with_blocks(op, self.block)])
            elif len(op.results) != 1 or not self.varies(op.result) or not self.unwritten(op.result):
                out.append([op])
            elif self.is_root(op):
                root = self.roots[op.result] = Root(op, [op])
                out.append(root.beside)
            else:
                out.append(self.product(op))
        return replace(block, ops=tuple(op for ops in out for op in ops))

    def is_root(self, op: Op) -> bool:
        """Whether an operation gives a root, moves the elements of one or joins those of several."""
        if is_root(op, self.flow):
            return True
        if op.prim in JOINING:
            return bool(op.operands) and all(self.same(o) in self.roots for o in op.operands)
        moved = op.prim in MOVING or made(op) in (Made.VIEW, Made.MAYBE_VIEW, Made.ELEMENT)
        if not (moved or op.prim in ("numpy.ravel", "gather")):
            return False
        if op.operands[0] not in self.roots or not all(map(self.unwritten, op.operands)):
            return False
        self.networks.see(op, lambda network: False)
        return True

    def product(self, op: Op) -> list[AnyOp]:
        """The operation; where it multiplies a root with itself, with the model of its derivative."""
        if op.result in self.done or not self.roots:
            return [op]
        if root_gate(op, self.flow) is not None:
            root = self.same(op.operands[0])
            if root in self.roots:
                self.powers[op.result] = (root, power_of(op, self.flow) or 2)
            return [op]
        b = Builder(op.loc)
        model = self.model(b, op)
        if model is None or not alike(model.type, op.result.type):
            return [op]
        value = Value("", op.result.type)
        return [replace(op, results=(value,)), *b.ops, Op("derived_as", (value, model), op.results, op.loc)]

    def model(self, b: Builder, op: Op) -> Operand | None:
        n = 2 if op.prim in MUL else power_of(op, self.flow)
        root = self.same(op.operands[0]) if n is not None else None
        if (
            root in self.roots
            and n is not None
            and n > 1
            and self.same(op.operands[-1 if op.prim in MUL else 0]) is root
        ):
            return self.power(root, n)
        network = self.seen(op, n or 1)
        together = self.together(b, network) if network is not None else None
        if together is None:
            return None
        self.networks.found[op.result] = together
        return contracted(b, together, op.result.type)

    def seen(self, op: Op, n: int) -> Network | None:
        """The product that an operation gives, if factors of it are roots."""
        listed = self.flow.made(op.operands[0], "array_of_numbers") if op.prim == "numpy.prod" else None
        if listed is not None and op.attr("axis") is None and not op.attr("keepdims"):
            return self.multiplied(listed.operands)
        if op.prim in POW and 2 < n <= MOST_FACTORS:
            return self.multiplied(op.operands[:1] * n)
        return self.networks.see(op, self.has_roots)

    def multiplied(self, operands: tuple[Operand, ...]) -> Network | None:
        total: Network | None = self.networks.of(operands[0])
        for o in operands[1:]:
            total = self.networks.multiplied(total, self.networks.of(o)) if total is not None else None
        return total if total is not None and self.has_roots(total) else None

    def has_roots(self, network: Network) -> bool:
        return any(f.value in self.roots or f.value in self.powers for f in network.factors)

    def together(self, b: Builder, network: Network) -> Network | None:
        """The product with powers of roots; None where none is there twice."""
        groups: dict[object, list[tuple[Factor, int]]] = {}
        for k, f in enumerate(network.factors):
            root, n = self.powers.get(f.value) or (self.same(f.value), 1)  # type: ignore[arg-type]
            key = (root, f.axes) if root in self.roots and not f.inverse else k
            groups.setdefault(key, []).append((f, n))
        factors: list[Factor] = []
        for parts in groups.values():
            f = parts[0][0]
            if len(parts) > 1 and any(n % 2 for _, n in parts):
                root, _ = self.powers.get(f.value) or (self.same(f.value), 1)  # type: ignore[arg-type]
                factors.append(replace(f, value=self.power(root, sum(n for _, n in parts))))
            else:
                factors += [f for f, _ in parts]
        factors = self.joined(b, factors)
        return replace(network, factors=tuple(factors)) if len(factors) < len(network.factors) else None

    def joined(self, b: Builder, factors: list[Factor]) -> list[Factor]:
        """sqrt(c * x) * sqrt(d * x), with numbers c and d of one sign, is sqrt(c * d) * x."""
        out: list[Factor] = []
        for f in factors:
            c, x = self.core(f)
            for k, other in enumerate(out):
                d, y = self.core(other)
                if c * d > 0 and f.axes == other.axes and self.flow.alike(x, y):
                    whole = b.emit("mul", const(math.copysign(math.sqrt(c * d), c)), x)
                    out[k] = replace(f, value=whole)
                    break
            else:
                out.append(f)
        return out

    def core(self, f: Factor) -> tuple[float, Operand]:
        """What a factor is the square root of: a number times a value; the number is 0 where it is none."""
        root = self.roots.get(f.value)
        if (
            root is None
            or f.inverse
            or not is_square_root(root.op)
            or any(a.part is not None for a in f.axes)
        ):
            return 0.0, f.value
        c, x = self.flow.multiple(root.op.operands[0], root.op)
        return (c, x) if self.unwritten(x) else (0.0, x)

    def same(self, o: Operand) -> Operand:
        """The first value that is the same root as this one, moved in the same way."""
        o = self.flow.source(o)
        if o not in self.roots:
            return o
        return next((r for r in self.roots if r is o or self.flow.alike(r, o)), o)

    def power(self, o: Operand, n: int) -> Operand:
        """r**n, made where r is; of elements of a root those of its power."""
        root = self.roots[o]
        if n not in root.powers:
            b = Builder(root.op.loc)
            if is_root(root.op, self.flow):
                root.powers[n] = b.emit("pow", o, const(n))
            else:
                parts = root.op.operands if root.op.prim in JOINING else root.op.operands[:1]
                powers = tuple(self.power(self.same(o), n) for o in parts)
                moved = Value("", root.op.result.type)
                operands = (*powers, *root.op.operands[len(parts) :])
                b.ops.append(replace(root.op, operands=operands, results=(moved,)))
                root.powers[n] = moved
            self.powers[root.powers[n]] = (o, n)
            root.beside.extend(b.ops)
        return root.powers[n]


def alike(a: Type, b: Type) -> bool:
    """Whether a value of one type can be a model of the other's: a number of Python's of one of NumPy's, too."""
    doubles = (FLOAT, Scalar("float", "float64"))
    return a == b or (a in doubles and b in doubles)
