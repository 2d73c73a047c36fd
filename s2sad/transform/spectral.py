"""Products of eigenvectors, a diagonal and the eigenvectors again, made functions of the matrix before differentiation.

V diag(d) Vᵀ has derivatives where eigenvalues are equal, and V has none. `with_spectral` finds such products among the
products of arrays (`analysis/networks.py`), however they are spelt, and adds up those whose sum is one (`transform/sums.py`).
Their values stay as the user computes them; their derivatives are those of the operation `spectral`
(`rules/arrays/spectral.py`). U diag(d) Vᵀ of singular values alike.
"""

from __future__ import annotations

from dataclasses import replace

from s2sad.analysis.activity import Dependences
from s2sad.analysis.aliases import Aliases, last_writes
from s2sad.analysis.networks import MOVING, Networks, sum_of_squares
from s2sad.analysis.uses import definitions
from s2sad.ir.core import AnyOp, Block, For, Function, Op, Operand, Value, walk, with_blocks
from s2sad.ir.types import is_memory
from s2sad.rules.arrays.core import dims_of
from s2sad.rules.builder import Builder
from s2sad.transform.between import Facts
from s2sad.transform.contraction import contracted
from s2sad.transform.loop_sums import Accumulated, accumulated, filled, without_derivative
from s2sad.transform.pairs import Decomposition, Pairs, Vectors
from s2sad.transform.promotion import promoted
from s2sad.transform.sums import ADDITIONS, Sums, Term, leads_to_sum

DECOMPOSITIONS = ("numpy.linalg.eigh", "numpy.linalg.svd")


def with_spectral(fn: Function, inputs: tuple[Value, ...]) -> Function:
    """The function with such products as functions of the matrix; `inputs` are what is differentiated by."""
    if not any(isinstance(op, Op) and op.prim in DECOMPOSITIONS for op in walk(fn.body)):
        return fn
    fn = promoted(fn, Aliases(fn))
    return replace(fn, body=_Pass(fn, inputs).block(fn.body))


class _Pass:
    def __init__(self, fn: Function, inputs: tuple[Value, ...]) -> None:
        self.fn, self.aliases = fn, Aliases(fn)
        graph = Dependences(fn, self.aliases)
        self.varied = graph.reach(inputs, graph.forward)
        self.by_input = [graph.reach((v,), graph.forward) for v in inputs]
        self.last = last_writes(fn, self.aliases)
        self.numbers = {
            op: number for number, outer in enumerate(fn.body.ops) for op in walk(Block((), (outer,), ()))
        }
        self.networks = Networks(self.settled, self.unwritten)
        self.facts = Facts(
            self.networks, definitions(fn), filled(fn, self.aliases), self.varies, self.shares_inputs
        )
        self.pairs = Pairs(self.facts, self.unwritten)
        self.sums = Sums(self.pairs)
        self.wanted = leads_to_sum(fn)
        self.on_the_way: set[Value] = set()  # sums that a loop carries
        self.seen: dict[tuple[str, Operand, object], Decomposition] = {}

    def unwritten(self, o: Operand) -> bool:
        return not (isinstance(o, Value) and is_memory(o.type) and self.aliases.is_written(o))

    def settled(self, o: Operand, reader: AnyOp) -> bool:
        """Whether what an operation reads of a value is what it stays."""
        if self.unwritten(o) or not isinstance(o, Value):
            return True
        last = self.last.get(self.aliases.find(o))
        return last is not None and self.numbers[reader] > last

    def varies(self, o: Operand) -> bool:
        return isinstance(o, Value) and self.node(o) in self.varied

    def node(self, v: Value) -> Value:
        return self.aliases.find(v) if is_memory(v.type) else v

    def shares_inputs(self, a: Operand, b: Operand) -> bool:
        """Whether two values depend on one input."""
        if not (isinstance(a, Value) and isinstance(b, Value)):
            return False
        return any(self.node(a) in found and self.node(b) in found for found in self.by_input)

    # -- walking --------------------------------------------------------------------------------------

    def block(self, block: Block) -> Block:
        out: list[list[AnyOp]] = []
        seen, self.seen = self.seen, dict(self.seen)
        for op in block.ops:
            if isinstance(op, For):
                out.append(self.loop(op))
            elif not isinstance(op, Op):
                out.append([with_blocks(op, self.block)])
            elif op.prim in DECOMPOSITIONS:
                out.append(self.decomposition(op))
            else:
                out.append(self.product(op))
        self.seen = seen
        return replace(block, ops=tuple(op for ops in out for op in ops))

    def decomposition(self, op: Op) -> list[AnyOp]:
        beside: list[AnyOp] = [op]
        if not self.varies(op.operands[0]) or not all(map(self.unwritten, op.results)):
            return beside
        w = op.results[0 if op.prim.endswith("eigh") else 1]
        found = Decomposition(op, w, beside)
        if self.unwritten(op.operands[0]):  # the same numbers again where it is called again
            found = self.seen.setdefault((op.prim, op.operands[0], op.attrs), found)
            self.facts.same[w] = found.w
        if op.prim.endswith("eigh"):
            self.pairs.vectors[op.results[1]] = Vectors(found, "", -1)
            return beside
        rows, columns = dims_of(op.operands[0])[-2:]
        more = bool(op.attr("full_matrices")) and (rows is None or rows != columns)
        u, _, vh = op.results
        self.pairs.vectors[u], self.pairs.vectors[vh] = (
            Vectors(found, "u", -1, more),
            Vectors(found, "v", -2, more),
        )
        return beside

    def product(self, op: Op) -> list[AnyOp]:
        """The operation; where it completes such a product or sum, with the model of its derivative."""
        if not self.pairs.vectors or not op.results:
            return [op]
        b = Builder(op.loc)
        if op.result in self.on_the_way:
            return [op]
        if op.prim in ADDITIONS or self.sums.is_sum_of_parts(op):
            return self.modelled(op, b, self.sums.of(b, op))
        norm = op.prim == "norm_of_elements" and self.settled(op.operands[0], op)
        network = sum_of_squares(self.networks, op) if norm else self.networks.see(op, self.pairs.has_vectors)
        if network is None or op.prim in MOVING or not self.varies(op.result):
            return [op]
        network, changed, whole = self.pairs.all_replaced(b, network, op)
        model = contracted(b, network, op.result.type) if changed else None
        if model is None:
            return [op]
        if norm:
            model = b.emit("numpy.sqrt", model)
        if whole or op.result not in self.wanted:
            self.networks.found.pop(op.result, None)
        return self.modelled(op, b, model)

    def modelled(self, op: Op, b: Builder, model: Operand | None) -> list[AnyOp]:
        if model is None:
            return [op]
        value = Value("", op.result.type)
        made = Op("derived_as", (value, model), op.results, op.loc)
        self.facts.defs[op.result] = made
        return [replace(op, results=(value,)), *b.ops, made]

    # -- sums that loops make -----------------------------------------------------------------------------

    def loop(self, op: For) -> list[AnyOp]:
        """A loop; where it adds up such products, with the model of what it gives."""
        if self.pairs.vectors:
            self.on_the_way.update(*(found.results for found in accumulated(op, self.fn, self.aliases)))
        op = replace(op, body=self.block(op.body))
        before: list[AnyOp] = []
        after: list[AnyOp] = []
        for found in accumulated(op, self.fn, self.aliases) if self.pairs.vectors else ():
            b = Builder(op.loc)
            terms = self.sums.of_loop(b, op, found)
            if terms is not None and self.varies(op.results[found.column]):
                op = self.gathered(b, op, found, terms, before, after)
        return [*before, op, *after]

    def gathered(
        self, b: Builder, op: For, found: Accumulated, terms: list[Term], before: list[AnyOp], after: list[AnyOp]
    ) -> For:  # fmt: skip
        """The loop as one whose derivative is that of the sum. An array that it writes is written once more afterwards:
        its own numbers, which have the derivative of the model."""
        result, init = op.results[found.column], op.init[found.column]
        if not found.is_zero:
            if found.in_place and not found.alone:
                with b.region() as ops:
                    init = b.emit("copy", init, type=init.type)
                before.extend(ops)
                terms = [Term(self.networks.leaf(init), init), *terms]
            else:
                terms = [*self.sums.terms(init, False), *terms]
        model = self.sums.model(b, terms, result, op)
        if model is None:
            return op
        op = without_derivative(op, found)
        if found.in_place:
            self.sums.found.pop(result)
            b.effect("assign", result, b.emit("derived_as", result, model, type=result.type))
            after.extend(b.ops)
            return op
        raw = Value(result.hint, result.type)
        after.extend([*b.ops, Op("derived_as", (raw, model), (result,), op.loc)])
        results = tuple(raw if k == found.column else r for k, r in enumerate(op.results))
        return replace(op, results=results)
