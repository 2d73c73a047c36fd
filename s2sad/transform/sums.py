"""Sums of products of eigenvectors, some of them each, that together are one function of the matrix.

w[0] v₀ v₀ᵀ + w[1] v₁ v₁ᵀ has derivatives where the two eigenvalues are equal, and neither part has. Parts that differ
only in which eigenvalues they are of, and in what stands between the vectors, are made one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from s2sad.analysis.networks import RULES, Axis, Factor, Network
from s2sad.ir.core import AnyOp, Const, For, Function, Op, Operand, Value, walk
from s2sad.ir.types import Scalar
from s2sad.rules.arrays.core import axes_of, dims_of
from s2sad.rules.builder import Builder
from s2sad.transform.contraction import contracted
from s2sad.transform.loop_sums import Accumulated, Turn, is_as_large, over_all_turns, turns
from s2sad.transform.pairs import Pair, Pairs

ADDITIONS = ("add", "sub", "numpy.add", "numpy.subtract")
MOST_TERMS = 32
MINUS = Factor(Const(-1.0, Scalar("float")), ())


@dataclass(frozen=True, eq=False)
class Term:
    """A product that is added; `value` is what the user computed, None where it is the sum of a loop's turns."""

    network: Network
    value: Operand | None
    negative: bool = False
    turn: Turn | None = None

    @property
    def signed(self) -> Network:
        return (
            replace(self.network, factors=(*self.network.factors, MINUS)) if self.negative else self.network
        )


def leads_to_sum(fn: Function) -> set[Operand]:
    """The values of which products are made that are added to something."""
    found: set[Operand] = set()
    for op in reversed(list(walk(fn.body))):
        if isinstance(op, For):
            found.update(op.init)
        if not isinstance(op, Op):
            continue
        adds = op.prim in (*ADDITIONS, "add_into", "accumulate", "numpy.concatenate")
        if adds or (op.prim in RULES and not found.isdisjoint(op.results)):
            found.update(op.operands)
    return found


class Sums:
    """The sums that values are, by the values."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs, self.networks = pairs, pairs.facts.networks
        self.found: dict[Operand, list[Term]] = {}

    def terms(self, o: Operand, negative: bool) -> list[Term]:
        if o in self.found:
            return [replace(t, negative=t.negative != negative) for t in self.found[o]]
        return [Term(self.networks.of(o), o, negative)]

    def is_interesting(self, o: Operand) -> bool:
        return o in self.found or self.pairs.has_vectors(self.networks.of(o))

    def is_sum_of_parts(self, op: Op) -> bool:
        return op.prim == "numpy.sum" and self.parts(op) is not None

    def parts(self, op: Op) -> list[Operand] | None:
        """What an array of parts is made of, where a sum over its first axis adds them up."""
        joined = self.pairs.facts.defs.get(op.operands[0])  # type: ignore[arg-type]
        if not isinstance(joined, Op) or joined.prim != "numpy.concatenate" or len(op.operands) > 1:
            return None
        axis, ndim = joined.attr("axis"), len(dims_of(op.operands[0]))
        if axes_of(op.attr("axis"), ndim) != axes_of(axis, ndim) or op.attr("keepdims"):
            return None
        made = [self.pairs.facts.defs.get(o) for o in joined.operands]  # type: ignore[arg-type]
        if not all(isinstance(m, Op) and m.prim == "newaxis" and m.attr("axes") == (axis,) for m in made):
            return None
        return [m.operands[0] for m in made if isinstance(m, Op)]

    def of(self, b: Builder, op: Op) -> Operand | None:
        """The model of a sum; None where none of its terms are better together."""
        given = self.parts(op) if op.prim == "numpy.sum" else list(op.operands)
        assert given is not None
        whole = [is_as_large(o, op.result) and self.is_interesting(o) for o in given]
        minus = op.prim in ("sub", "numpy.subtract")
        if not any(whole) or not all(self.networks.settled(o, op) for o in (*given, op.result)):
            return None
        terms: list[Term] = []
        for k, (o, fits) in enumerate(zip(given, whole, strict=True)):
            negative = minus and k == 1
            terms += self.terms(o, negative) if fits else [Term(self.networks.leaf(o), o, negative)]
        return self.model(b, terms, op.result, op)

    def of_loop(self, b: Builder, op: For, found: Accumulated) -> list[Term] | None:
        """What a loop adds up in its turns, as sums over the index of the loop; None where it is not such."""
        lifted: list[Term] = []
        bounds = turns(op, b, self.pairs.facts.defs)
        if bounds is None:
            return None
        for o, negative in found.added:
            if not self.is_interesting(o):
                return None
            for term in self.terms(o, negative):
                label = next(self.networks.number)
                network = over_all_turns(term.network, op.body.params[0], bounds, found, label)
                if network is None:
                    return None
                turn = Turn(op.body.params[0], label, found.hidden)
                lifted.append(Term(network, None, term.negative, turn))
        return lifted

    def model(self, b: Builder, terms: list[Term], result: Value, root: AnyOp) -> Operand | None:
        """The sum of the terms, those that are parts of one function of the matrix together. The terms are kept, since
        the sum may be part of a longer one."""
        if len(terms) > MOST_TERMS:
            return None
        self.found[result] = terms
        groups: dict[Any, list[tuple[Term, Pair | None]]] = {}
        for n, term in enumerate(terms):
            pair = self.pairs.first(b, term.signed, root, True, term.turn)
            if pair is None and term.value is None:
                return None
            groups.setdefault(n if pair is None else likeness(pair), []).append((term, pair))
        if all(len(group) == 1 and group[0][0].value is not None for group in groups.values()):
            return None
        total: Operand | None = None
        for group in groups.values():
            part = self.together(b, group, result, root)
            if part is None:
                return None
            total = part if total is None else b.emit("add", total, part)
        return total

    def together(
        self, b: Builder, group: list[tuple[Term, Pair | None]], result: Value, root: AnyOp
    ) -> Operand | None:  # fmt: skip
        """The model of terms with one likeness; of a single one, what the user computed, whose model it has."""
        (term, _), *others = group
        if not others and term.value is not None:
            return b.emit("neg", term.value) if term.negative else term.value
        network = self.pairs.replaced(b, [p for _, p in group if p is not None])
        return contracted(b, self.pairs.all_replaced(b, network, root)[0], result.type)


def likeness(pair: Pair) -> Any:
    """What pairs that are parts of one function of the matrix have in common: all but which eigenvalues they are of."""
    numbers: dict[int | None, int] = {}

    def canonical(axes: tuple[Axis, ...]) -> tuple[Any, ...]:
        return tuple((a.label and numbers.setdefault(a.label, len(numbers)), a.part) for a in axes)

    def value(o: Operand) -> Any:
        return ("const", o.value) if isinstance(o, Const) else o

    outside = canonical(tuple(map(Axis, pair.network.axes)))
    rest = tuple((value(f.value), canonical(f.axes), f.inverse) for f in pair.rest)
    return (pair.of, pair.parity, pair.side, outside, canonical(pair.axes), rest)
