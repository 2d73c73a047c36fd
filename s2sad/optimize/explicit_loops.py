"""For Numba: what the reverse sweep adds to arrays, element by element, as loops.

    dA[i] -= t * x                      row = dA[i]
                                        for k in range(len(row)):
                                            row[k] -= t * x[k]

Numba makes an array of the right-hand side first, which in a loop takes longer than the arithmetic does. Elementwise
operations that only one such statement reads become part of its loop, and so do those that a sum adds up.

What may be spread along an axis when the code runs stays as it is. Where types do not say that sizes are the same,
`same_size` refuses others in front of the loop, as NumPy does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from s2sad.analysis.aliases import WRITES, Aliases
from s2sad.analysis.uses import definitions, use_counts
from s2sad.errors import Loc
from s2sad.ir.core import AnyOp, Block, For, Function, Op, Operand, Value, walk, with_blocks
from s2sad.ir.types import FLOAT, INT, Array, Scalar, Size, Type, is_many
from s2sad.rules.builder import ON_NUMBERS, const
from s2sad.rules.effects import is_fresh, is_view

WRITTEN = {"add_into": "accumulate", "assign": "store"}  # what writes an array, and what an element of it
# what works element by element, and what gives the same of numbers
ELEMENTWISE = {name: name for name in
    ("add", "sub", "mul", "div", "neg", "pow",
     *(f"numpy.{name}" for name in ("sin", "cos", "exp", "log", "sqrt", "tanh", "square", "maximum", "minimum")))
} | {on_arrays: on_numbers for on_arrays, on_numbers in ON_NUMBERS.items() if on_arrays.startswith("s2sad.")}  # fmt: skip
AXES = {1: ("k",), 2: ("j", "k")}  # the names of indices
Full = tuple[bool, ...]  # of each axis, whether it is as long as the loop runs; if not, its size is 1


def explicit_loops(fn: Function) -> Function:
    """Write elementwise updates and sums of the reverse sweep as loops."""
    if not any(isinstance(op, Op) and may_become_a_loop(op) for op in walk(fn.body)):
        return fn
    return replace(fn, body=_Loops(fn).block(fn.body))


def may_become_a_loop(op: Op) -> bool:
    summed = op.prim == "numpy.sum" and op.attr("axis") is None and not op.attr("keepdims")
    return op.loc.reverse and (summed or op.prim in WRITTEN)


@dataclass(eq=False)
class _Tree:
    """Elementwise operations that one statement reads, last first, and the arrays that they are of."""

    value: Value
    nodes: dict[Value, Op] = field(default_factory=dict)
    leaves: dict[Value, Full] = field(default_factory=dict)


class _Loops:
    def __init__(self, fn: Function) -> None:
        self.aliases = Aliases(fn)
        self.counts = use_counts(fn)
        self.defs = definitions(fn)

    def block(self, block: Block) -> Block:
        ops: list[AnyOp] = []
        for op in block.ops:
            op = with_blocks(op, self.block)
            made = self.loop(op, ops) if isinstance(op, Op) and may_become_a_loop(op) else None
            ops += made or [op]
        return replace(block, ops=tuple(ops))

    def loop(self, op: Op, before: list[AnyOp]) -> list[AnyOp] | None:
        """What a statement becomes; None where it stays as it is."""
        *target, value = op.operands
        like = (*target, value)[0]
        tree = self.tree(value, like.type, before)
        if tree is None or not self.may_read_late(tree, target, before):
            return None
        if target:
            return nest(op, tree, target[0]) if self.is_own(target[0]) else None
        first = next((v for v in tree.leaves if v.type.dims == value.type.dims), None)  # type: ignore[attr-defined]
        simple = value.type.ndim == 1 and is_number(op.result.type)  # type: ignore[attr-defined]
        return nest(op, tree, first) if first is not None and simple else None

    def is_own(self, a: Operand) -> bool:
        """Whether memory is made in this function: no argument may be the same."""
        op = self.defs.get(a) if isinstance(a, Value) else None
        while isinstance(op, Op) and is_view(op) and op.prim != "numpy.transpose":
            a = op.operands[0]
            op = self.defs.get(a) if isinstance(a, Value) else None
        return is_fresh(op)

    def tree(self, value: Operand, like: Type, before: list[AnyOp]) -> _Tree | None:
        """The operations that make a value of elements; None where it is not made of those."""
        if not (isinstance(value, Value) and is_double(like) and like.ndim in AXES and is_double(value.type)):  # type: ignore[attr-defined]
            return None
        whole = axes(value.type, like.dims, (True,) * like.ndim)  # type: ignore[attr-defined]
        here = {r: op for op in before if isinstance(op, Op) for r in op.results}
        tree, todo = _Tree(value), [(value, whole)]
        while todo:
            v, full = todo.pop()
            if full is None or tree.leaves.get(v, full) != full:
                return None
            op = here.get(v)
            if op is None or not self.is_node(op):
                tree.leaves[v] = full
                continue
            tree.nodes[v] = op
            arrays = [o for o in op.operands if isinstance(o.type, Array)]
            for o in arrays:
                assert isinstance(o, Value)
                # one that meets numbers only has the sizes of the result, whatever they are called
                todo.append((o, full if len(arrays) == 1 else axes(o.type, v.type.dims, full)))  # type: ignore[attr-defined]
        return tree if tree.nodes and tree.leaves else None

    def is_node(self, op: Op) -> bool:
        operands = [o.type for o in op.operands]
        exact = all(is_double(t) or is_number(t) for t in operands) and is_double(op.result.type)
        return op.prim in ELEMENTWISE and op.loc.reverse and exact and self.counts[op.result] == 1

    def may_read_late(self, tree: _Tree, target: list[Operand], before: list[AnyOp]) -> bool:
        """Whether the arrays of a statement are where it stands what they were where they were read, and each element
        of them is read before the statement writes it."""
        if any(self.same_memory(a, v) and a is not v for a in target for v in tree.leaves):
            return False
        nodes = set(tree.nodes.values())
        first = next(i for i, op in enumerate(before) if op in nodes)
        for op in walk(Block((), tuple(before[first:]), ())):
            if isinstance(op, Op) and op.prim == "invoke":
                return False
            if isinstance(op, Op) and op.prim in WRITES:
                if any(self.same_memory(op.operands[0], v) for v in tree.leaves):
                    return False
        return True

    def same_memory(self, a: Operand, b: Value) -> bool:
        return isinstance(a, Value) and self.aliases.find(a) is self.aliases.find(b)


def is_double(t: Type) -> bool:
    return isinstance(t, Array) and t.dtype == "float64" and t.ndim > 0 and not t.optional


def is_number(t: Type) -> bool:
    return isinstance(t, Scalar) and (t.kind == "int" or (t.kind == "float" and t.dtype != "float32"))


def axes(t: Type, result: tuple[Size, ...], full: Full) -> Full | None:
    """How long the axes of an operand are, where those of the result are called `result`; None if only the run tells."""
    assert isinstance(t, Array)
    first = len(result) - t.ndim
    if first < 0:
        return None
    found = []
    for mine, its, is_full in zip(t.dims, result[first:], full[first:], strict=True):
        if mine == 1 or (mine == its and mine is not None):
            found.append(is_full and mine != 1)
        elif is_many(mine):  # it meets one of the same size, or NumPy refuses
            found.append(True)
        else:
            return None
    return tuple(found)


def nest(statement: Op, tree: _Tree, like: Operand) -> list[AnyOp]:
    """The loops over an array in which a statement is done for each element."""
    loc = statement.loc
    assert isinstance(like.type, Array)
    indices = tuple(Value(name, INT) for name in AXES[like.type.ndim])
    ops, bounds = limits(tree, like, loc)
    here: dict[Operand, Operand] = {}
    body: list[AnyOp] = []

    def emit(prim: str, operands: tuple[Operand, ...], t: Type) -> Value:
        result = Value("", t)
        body.append(Op(prim, operands, (result,), loc))
        return result

    for v, full in tree.leaves.items():
        at = zip(indices[len(indices) - len(full) :], full, strict=True)
        here[v] = emit("load", (v, *(i if is_full else const(0) for i, is_full in at)), v.type.item)  # type: ignore[attr-defined]
    for v, op in reversed(tree.nodes.items()):
        here[v] = emit(ELEMENTWISE[op.prim], tuple(here.get(o, o) for o in op.operands), FLOAT)
    carried: tuple[Value, ...] = ()
    init: tuple[Operand, ...] = ()
    yields: tuple[Operand, ...] = ()
    if statement.results:
        carried, init = (Value("total", statement.result.type),), (const(0.0),)
        total = Value("total", statement.result.type)
        body.append(Op("add", (carried[0], here[tree.value]), (total,), loc))
        yields = (total,)
    else:
        body.append(Op(WRITTEN[statement.prim], (like, *indices, here[tree.value]), (), loc))
    for k in reversed(range(len(indices))):
        inner = Block((indices[k], *carried), tuple(body), yields)
        body = [For(const(0), bounds[k], const(1), init, inner, statement.results, loc)]
    return [*ops, *body]


def limits(tree: _Tree, like: Operand, loc: Loc) -> tuple[list[AnyOp], list[Operand]]:
    """How often the loops run: as often as an array has elements along each axis, and others that meet it, too."""
    ops: list[AnyOp] = []
    bounds: list[Operand] = []

    def size(a: Operand, axis: int) -> Value:
        n = Value("", INT)
        made = Op("len", (a,), (n,), loc) if axis == 0 else Op("shape", (a,), (n,), loc, (("axis", axis),))
        ops.append(made)
        return n

    sizes = like.type.dims  # type: ignore[attr-defined]
    for k in range(len(sizes)):
        bound = size(like, k)
        for v, full in tree.leaves.items():
            own = k - (len(sizes) - len(full))
            if own >= 0 and full[own] and v.type.dims[own] != sizes[k]:  # type: ignore[attr-defined]
                both = Value("", INT)
                other = size(v, own)
                ops.append(Op("s2sad.same_size", (bound, other), (both,), loc))
                bound = both
        bounds.append(bound)
    return ops, bounds
