"""Products of arrays as sums over labelled axes, whatever operations they are spelt with.

`Networks.of` writes a value as a product of factors whose axes have labels, summed over each label that the value
itself has not: `V @ (d * (V.T @ x))` is the sum over j and a of V[i, j] d[j] V[a, j] x[a]. It says nothing of what the
factors are. A value that is no such product is one factor.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from s2sad.ir.core import AnyOp, Const, Op, Operand, Value
from s2sad.ir.types import Array, Scalar, is_many
from s2sad.rules.arrays.core import axes_of, dims_of
from s2sad.rules.arrays.products import split

MOST_FACTORS = 12  # of a product that is still looked at as one

Part = (
    tuple[Any, ...] | None
)  # which part of a factor's axis is read: ("slice", start, stop, step), ("at", index)


@dataclass(frozen=True)
class Axis:
    """An axis of a factor; `label` is None where it has size 1 and is spread, or where `part` picks one index."""

    label: int | None
    part: Part = None

    @property
    def single(self) -> bool:
        """Whether one index of it is read."""
        return self.part is not None and self.part[0] == "at"


@dataclass(frozen=True)
class Factor:
    """An array or a number that multiplies, or divides, a product."""

    value: Operand
    axes: tuple[Axis, ...]
    inverse: bool = False

    @property
    def labels(self) -> frozenset[int]:
        return frozenset(a.label for a in self.axes if a.label is not None)


@dataclass(frozen=True)
class Network:
    """A product of factors; `axes` are the labels of the axes of the value, None for one of size 1."""

    factors: tuple[Factor, ...]
    axes: tuple[int | None, ...]

    def without(self, axis: int) -> Network:
        return replace(self, axes=tuple(x for k, x in enumerate(self.axes) if k != axis))

    def relabelled(self, to: Callable[[int], int]) -> Network:
        def axis(a: Axis) -> Axis:
            return a if a.label is None else replace(a, label=to(a.label))

        factors = tuple(replace(f, axes=tuple(map(axis, f.axes))) for f in self.factors)
        return Network(factors, tuple(None if a is None else to(a) for a in self.axes))


class Networks:
    """The products that the values of a function are. `settled` says of a value and an operation that reads it whether
    its memory stays as it is there, `unwritten` whether nobody ever writes it."""

    def __init__(
        self, settled: Callable[[Operand, AnyOp], bool], unwritten: Callable[[Operand], bool]
    ) -> None:
        self.settled, self.unwritten = settled, unwritten
        self.found: dict[Value, Network] = {}
        self.number = itertools.count()

    def of(self, operand: Operand) -> Network:
        """The product that an operand is, with labels of its own."""
        found = self.found.get(operand) if isinstance(operand, Value) else None
        if found is None:
            return self.leaf(operand)
        fresh: dict[int, int] = {}
        return found.relabelled(lambda a: fresh[a] if a in fresh else fresh.setdefault(a, next(self.number)))

    def leaf(self, operand: Operand) -> Network:
        labels = tuple(None if d == 1 else next(self.number) for d in dims_of(operand))
        return Network((Factor(operand, tuple(map(Axis, labels))),), labels)

    def see(self, op: Op, interesting: Callable[[Network], bool]) -> Network | None:
        """The product that an operation gives, where it has what is interesting; what only moves axes is kept, too."""
        rule = RULES.get(op.prim) if len(op.results) == 1 else None
        if rule is None or not all(self.settled(o, op) for o in op.operands):
            return None
        found = rule(self, op)
        if found is None or len(found.factors) > MOST_FACTORS:
            return None
        wanted = interesting(found)
        labels = [a for a in found.axes if a is not None]
        moving = op.prim in STRUCTURAL or len(set(labels)) < len(labels)  # a diagonal matrix, too
        if (wanted or moving) and self.settled(op.result, op):
            self.found[op.result] = found
        return found if wanted else None

    # -- labels that are one -------------------------------------------------------------------------

    def unified(self, networks: Iterable[Network], pairs: Iterable[tuple[int, int]]) -> list[Network]:
        """The networks with the labels of each pair made one."""
        parent: dict[int, int] = {}

        def find(a: int) -> int:
            while a in parent:
                a = parent[a]
            return a

        for a, b in pairs:
            if find(a) != find(b):
                parent[find(b)] = find(a)
        return [n.relabelled(find) for n in networks]

    def multiplied(self, a: Network, b: Network, inverse: bool = False) -> Network | None:
        """Element by element, with broadcasting."""
        n = max(len(a.axes), len(b.axes))
        left, right = ((None,) * (n - len(x.axes)) + x.axes for x in (a, b))
        pairs = [(x, y) for x, y in zip(left, right, strict=True) if x is not None and y is not None]
        one, other = self.unified((replace(a, axes=left), replace(b, axes=right)), pairs)
        axes = tuple(y if x is None else x for x, y in zip(one.axes, other.axes, strict=True))
        factors = other.factors
        if inverse:
            if len(factors) != 1 or factors[0].labels != {x for x in other.axes if x is not None}:
                return None  # what is divided by is a sum
            factors = (replace(factors[0], inverse=not factors[0].inverse),)
        return Network((*one.factors, *factors), axes)

    def contracted(
        self, networks: list[Network], pairs: list[tuple[int, int]], axes: Callable[[list[Network]], Any]
    ) -> Network:
        made = self.unified(networks, pairs)
        return Network(tuple(f for n in made for f in n.factors), axes(made))


Rule = Callable[[Networks, Op], Network | None]
RULES: dict[str, Rule] = {}
# what moves axes, picks parts, or puts a vector on a diagonal
MOVING = frozenset(
    {
        "newaxis",
        "squeeze",
        "numpy.reshape",
        "numpy.transpose",
        "view",
        "load",
        "numpy.diag",
        "identity",
        "copy",
    }
)
STRUCTURAL = MOVING | {"eye_matrix", "numpy.eye", "numpy.identity"}


def rule(*names: str) -> Callable[[Rule], Rule]:
    def keep(f: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, f))
        return f

    return keep


@rule("identity", "copy")
def _same(n: Networks, op: Op) -> Network:
    return n.of(op.operands[0])


@rule("neg")
def _negated(n: Networks, op: Op) -> Network:
    a = n.of(op.operands[0])
    return replace(a, factors=(*a.factors, Factor(Const(-1.0, Scalar("float")), ())))


def meet(a: Operand, b: Operand) -> bool:
    """Whether code shows which axes of two operands are spread."""
    pairs = zip(reversed(dims_of(a)), reversed(dims_of(b)), strict=False)
    return all(x is not None and (x == y or 1 in (x, y) or (is_many(x) and is_many(y))) for x, y in pairs)


@rule("mul", "numpy.multiply")
def _product(n: Networks, op: Op) -> Network | None:
    a, b = op.operands
    return n.multiplied(n.of(a), n.of(b)) if meet(a, b) else None


@rule("div", "numpy.divide", "numpy.true_divide")
def _quotient(n: Networks, op: Op) -> Network | None:
    a, b = op.operands
    return n.multiplied(n.of(a), n.of(b), inverse=True) if meet(a, b) else None


@rule("pow", "numpy.power", "numpy.square")
def _square(n: Networks, op: Op) -> Network | None:
    if op.prim != "numpy.square" and not (isinstance(op.operands[1], Const) and op.operands[1].value == 2):
        return None
    return n.multiplied(n.of(op.operands[0]), n.of(op.operands[0]))


@rule("newaxis")
def _new_axes(n: Networks, op: Op) -> Network:
    a = n.of(op.operands[0])
    axes = list(a.axes)
    for k in sorted(op.attr("axes")):
        axes.insert(k, None)
    return replace(a, axes=tuple(axes))


@rule("squeeze")
def _squeezed(n: Networks, op: Op) -> Network:
    a = n.of(op.operands[0])
    return replace(a, axes=tuple(x for k, x in enumerate(a.axes) if k not in op.attr("axes")))


@rule("numpy.reshape")
def _reshaped(n: Networks, op: Op) -> Network | None:
    """What only adds or takes away axes of size 1."""
    a, before, after = n.of(op.operands[0]), dims_of(op.operands[0]), dims_of(op.result)
    longer = [[d for d in dims if d != 1] for dims in (before, after)]
    alike = None not in before and longer[0] == longer[1]
    if not alike and not all(len(dims) == 1 for dims in longer):  # of a vector a vector is made
        return None
    labels = iter([x for x, d in zip(a.axes, before, strict=True) if d != 1])
    return replace(a, axes=tuple(None if d == 1 else next(labels) for d in after))


@rule("numpy.transpose")
def _transposed(n: Networks, op: Op) -> Network:
    a = n.of(op.operands[0])
    return replace(a, axes=tuple(a.axes[k] for k in op.attr("axes")))


@rule("view", "load")
def _part(n: Networks, op: Op) -> Network | None:
    """Slices and single indices of axes that no other axis shares a label with."""
    a, given = n.of(op.operands[0]), op.operands[1:]
    index = op.attr("index") or tuple(("at", k) for k in range(len(given)))
    if any(entry[0] not in ("slice", "at") for entry in index) or not isinstance(op.operands[0].type, Array):
        return None
    parts: dict[int, Part] = {}
    axes: list[int | None] = []
    for k, label in enumerate(a.axes):
        entry = index[k] if k < len(index) else ("slice", None, None, None)
        part = chosen(entry, given)
        if part is None:
            axes.append(label)
            continue
        if label is None or a.axes.count(label) > 1:
            return None
        parts[label] = part
        if part[0] == "slice":
            axes.append(label)

    def axis(x: Axis) -> Axis:
        if x.label not in parts or x.label is None:
            return x
        part = parts[x.label]
        return Axis(None if part is not None and part[0] == "at" else x.label, part)

    if any(x.label in parts and x.part is not None for f in a.factors for x in f.axes):
        return None  # a part of a part
    return Network(tuple(replace(f, axes=tuple(map(axis, f.axes))) for f in a.factors), tuple(axes))


def chosen(entry: tuple[Any, ...], given: tuple[Operand, ...]) -> Part:
    """What an entry of a subscript picks, constants by value; None for a whole axis."""
    bounds = [None if k is None else given[k] for k in entry[1:]]
    values = [b.value if isinstance(b, Const) else b for b in bounds]
    if entry[0] == "slice":
        start, stop, step = values
        start = None if type(start) is int and start == 0 else start
        step = None if type(step) is int and step == 1 else step
        return None if start is stop is step is None else ("slice", start, stop, step)
    return ("at", *values)


@rule("numpy.diag")
def _diagonal(n: Networks, op: Op) -> Network | None:
    a = n.of(op.operands[0])
    if op.attr("k") != 0 or None in a.axes:
        return None
    if len(a.axes) == 1:
        return replace(a, axes=(a.axes[0], a.axes[0]))
    return n.unified([a], [(a.axes[0], a.axes[1])])[0].without(1)  # type: ignore[list-item]


@rule("eye_matrix", "numpy.eye", "numpy.identity")
def _identity_matrix(n: Networks, op: Op) -> Network | None:
    label, dims = next(n.number), dims_of(op.result)
    square = len(dims) == 2 and dims[0] == dims[1] and dims[0] not in (1, None)
    return Network((), (label, label)) if square and op.attr("k", 0) == 0 else None


@rule("matmul")
def _matrix_product(n: Networks, op: Op) -> Network | None:
    a, b = map(n.of, op.operands)
    i, j = len(a.axes) - 1, max(len(b.axes) - 2, 0)
    if (a.axes[i] is None) != (b.axes[j] is None):
        return None
    inner = [] if a.axes[i] is None else [(a.axes[i], b.axes[j])]
    lead, own = a.axes[:-2], b.axes[:-2]
    short = min(len(lead), len(own))
    meet = list(zip(lead[len(lead) - short :], own[len(own) - short :], strict=True))
    pairs = [(x, y) for x, y in meet if x is not None and y is not None]

    def axes(made: list[Network]) -> tuple[int | None, ...]:
        left, right = made[0].axes, made[1].axes
        rows = left[-2:-1]
        columns = right[-1:] if len(right) > 1 else ()
        one, other = left[:-2], right[:-2]
        width = max(len(one), len(other))
        padded = [(None,) * (width - len(x)) + x for x in (one, other)]
        stack = tuple(y if x is None else x for x, y in zip(*padded, strict=True))
        return (*stack, *rows, *columns)

    return n.contracted([a, b], [*inner, *pairs], axes)  # type: ignore[list-item]


@rule("numpy.einsum")
def _einstein_sum(n: Networks, op: Op) -> Network | None:
    inputs, output = split(op.attr("subscripts"))
    networks = [n.of(o) for o in op.operands]
    first: dict[str, int] = {}
    pairs: list[tuple[int, int]] = []
    for letters, network in zip(inputs, networks, strict=True):
        for letter, label in zip(letters, network.axes, strict=True):
            if label is not None:
                pairs.append((first.setdefault(letter, label), label))

    def axes(made: list[Network]) -> tuple[int | None, ...]:
        found: dict[str, int] = {}
        for letters, network in zip(inputs, made, strict=True):
            found.update((x, a) for x, a in zip(letters, network.axes, strict=True) if a is not None)
        return tuple(found.get(letter) for letter in output)

    return n.contracted(networks, pairs, axes)


@rule("numpy.tensordot")
def _tensor_product(n: Networks, op: Op) -> Network | None:
    a, b = map(n.of, op.operands)
    left, right = op.attr("axes")
    pairs = [(a.axes[i], b.axes[j]) for i, j in zip(left, right, strict=True)]
    if any(x is None or y is None for x, y in pairs):
        return None

    def axes(made: list[Network]) -> tuple[int | None, ...]:
        one = [x for k, x in enumerate(made[0].axes) if k not in left]
        return (*one, *(x for k, x in enumerate(made[1].axes) if k not in right))

    return n.contracted([a, b], pairs, axes)  # type: ignore[arg-type]


@rule("numpy.sum")
def _sum(n: Networks, op: Op) -> Network | None:
    whole = op.attr("dtype") is None and len(op.operands) == 1
    return reduced(n.of(op.operands[0]), op) if whole else None


def sum_of_squares(n: Networks, op: Op) -> Network | None:
    """What a norm is the square root of."""
    a = n.multiplied(n.of(op.operands[0]), n.of(op.operands[0]))
    return None if a is None or op.attr("ord") != 2 else reduced(a, op)


def reduced(a: Network, op: Op) -> Network | None:
    """Summed over the axes of a reduction."""
    summed = axes_of(op.attr("axis"), len(a.axes))
    held = {label for f in a.factors for label in f.labels}
    if any(a.axes[k] is not None and a.axes[k] not in held for k in summed):
        return None  # the same again and again
    keep = bool(op.attr("keepdims"))
    axes = [None if k in summed else x for k, x in enumerate(a.axes) if keep or k not in summed]
    return replace(a, axes=tuple(axes))


@rule("numpy.trace")
def _trace(n: Networks, op: Op) -> Network | None:
    a = n.of(op.operands[0])
    i, j = op.attr("axis1"), op.attr("axis2")
    if op.attr("offset") != 0 or a.axes[i] is None or a.axes[j] is None:
        return None

    def axes(made: list[Network]) -> tuple[int | None, ...]:
        return tuple(x for k, x in enumerate(made[0].axes) if k not in (i, j))

    made = n.contracted([a], [(a.axes[i], a.axes[j])], axes)  # type: ignore[list-item]
    held = {label for f in made.factors for label in f.labels}
    both = n.unified([a], [(a.axes[i], a.axes[j])])[0].axes[i]  # type: ignore[list-item]
    return made if both in held else None
