"""Where a cotangent of 0 may meet an infinite partial, and the derivative is to be that of what was selected: 0.

`np.where(x > 0, np.sqrt(x), 0.0)` gives sqrt(x) a cotangent of 0 at x = 0, where its partial is infinite, and their
product would be nan. Such products keep their zeros (`Builder.keeping`), but only here:

* behind a choice by value (`where`, masks): at any operation whose partial may be infinite, since arguments may
  be infinite or nan themselves and masked out for that;
* behind a comparison (`min`, `clip`, reductions that pick), and behind an `if` whose branches alone read what is
  computed before it: where an operation of NumPy on finite numbers may be infinite, or give what is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from s2sad.analysis.activity import Dependences
from s2sad.analysis.aliases import Aliases
from s2sad.analysis.dataflow import Gate
from s2sad.ir.core import Block, Const, Function, If, Op, Operand, Value, blocks, operands, walk
from s2sad.ir.types import Scalar, is_float, is_memory
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import is_elementwise

# elementwise operations whose partials are finite, also where their operands are not
BOUNDED = frozenset(
    {"add", "sub", "neg", "pos", "subtract", "negative", "positive", "where", "clip", "maximum", "minimum", "fmax", "fmin",
     "max", "min", "real", "imag", "conj", "copysign", "kept_product", "kept_products",
     "kept_ratio", "kept_ratios", "where_greater"}
)  # fmt: skip
# those whose results and partials are finite where their operands are
REGULAR = BOUNDED | frozenset(
    {"mul", "multiply", "square", "abs", "absolute", "fabs", "sin", "cos", "tanh", "atan", "arctan", "asinh", "arcsinh",
     "erf", "erfc", "expit", "log_expit", "logaddexp", "logaddexp2", "fma", "degrees", "radians", "deg2rad", "rad2deg", "sinc",
     "j0", "j1", "heaviside", "constant", "full", "one_minus_square", "one_minus_squares", "logistic", "logistics",
     "folded_softplus_slope", "folded_softplus_slopes", "tanh_slope", "tanh_slopes", "share", "shares", "odds_share",
     "odds_shares", "odds_rest", "odds_rests"}
)  # fmt: skip
# those whose partials are finite, and of these partials the derivatives may not be
KINKED = frozenset({"norm_of_elements"})
# what the adjoints of singular operations are made of, on numbers; on arrays they are elementwise
HELPERS = frozenset(
    {f"s2sad.{name}" for name in ("ratio", "divided", "pow_base", "pow_exponent", "safe_log")}
)
# those that pass on some elements by their values; what multiplied the cotangent of others is infinite in second
# derivatives as well
SELECTIONS = frozenset(
    {"numpy.where", "numpy.nan_to_num", "s2sad.where_greater", "s2sad.if_greater",
     "s2sad.kept_product", "s2sad.kept_products", "s2sad.kept_ratio", "s2sad.kept_ratios"}
)  # fmt: skip
PRODUCTS = frozenset({"mul", "multiply"})
SCALING = PRODUCTS | {"div", "divide", "true_divide"}
POWERS = frozenset({"pow", "power", "float_power"})
COMPARISONS = frozenset(
    {
        "min",
        "max",
        "minimum",
        "maximum",
        "fmin",
        "fmax",
        "clip",
        "amin",
        "amax",
        "nanmin",
        "nanmax",
        "median",
        "quantile",
    }
)

RANKINGS = frozenset(
    {
        "argsort",
        "argmin",
        "argmax",
        "nanargmin",
        "nanargmax",
        "argpartition",
        "nonzero",
        "flatnonzero",
        "argwhere",
    }
)


def is_selection(op: Op) -> bool:
    """Whether an operation passes on some elements and leaves others out, by their values."""
    if op.prim in ("gather", "assign_at"):
        return any(kind == "mask" for kind, *_ in dict(op.attrs)["index"])
    return op.prim in SELECTIONS


def is_comparison(op: Op, ranked: set[Value]) -> bool:
    """Whether an operation passes on what is less or more than the rest; `ranked`: positions by order of values."""
    if op.prim in ("gather", "load"):
        return not ranked.isdisjoint(o for o in op.operands[1:] if isinstance(o, Value))
    return op.prim.rpartition(".")[2] in COMPARISONS


def may_be_infinite(op: Op) -> bool:
    """Whether a partial of an elementwise operation may be infinite or not a number."""
    scale = scale_of(op)
    if scale is not None:
        return not math.isfinite(scale)
    if op.prim in KINKED or op.prim in HELPERS:
        return True
    of_numbers = op.prim.startswith("math.")
    return op.prim.rpartition(".")[2] not in BOUNDED and (of_numbers or is_elementwise(PRIMS[op.prim]))


def scale_of(op: Op) -> float | None:
    """The constant that an operation multiplies with, if that is all it does."""
    name = op.prim.rpartition(".")[2]
    if name not in SCALING:
        return None
    first, last = op.operands[0], op.operands[-1]
    if isinstance(last, Const):
        return abs(last.value) if name in PRODUCTS else math.inf if last.value == 0 else 1.0 / abs(last.value)
    return abs(first.value) if isinstance(first, Const) and name in PRODUCTS else None


def is_singular(op: Op) -> bool:
    """Whether an elementwise operation may give an infinite result or partial for finite operands."""
    name = op.prim.rpartition(".")[2]
    if scale_of(op) is not None:
        return may_be_infinite(op)
    if op.prim in KINKED or op.prim in HELPERS:
        return True
    if isinstance(op.result.type, Scalar) and op.result.type.dtype is None and name not in POWERS:
        return False  # of Python's numbers: it raises
    if name in POWERS and isinstance(op.operands[1], Const):
        exponent = op.operands[1].value
        return not (exponent >= 1 and exponent == int(exponent))
    return name not in REGULAR and may_be_infinite(op)


def read_in_branches(body: Block, gates: dict[Op, Gate]) -> list[Operand]:
    """The values made before an `if` whose derivative is asked for nowhere but in one of its branches."""
    depth: dict[Value, int] = {}  # how many branches a value is made in

    def reads(block: Block, at: int) -> dict[Operand, int]:
        """What is read in a block, and in how many branches at least: in fewer, where both branches read it."""
        found: dict[Operand, int] = {}

        def read(operands_: Iterable[Operand], at: int) -> None:
            for o in operands_:
                found[o] = min(at, found.get(o, at))

        depth.update(dict.fromkeys(block.params, at))
        for op in block.ops:
            depth.update(dict.fromkeys(op.results, at))
            if isinstance(op, If):
                then, orelse = reads(op.then, at + 1), reads(op.orelse, at + 1)
                for o in then.keys() | orelse.keys():
                    both = then.get(o) == orelse.get(o) == at + 1
                    read((o,), at if both else min(then.get(o, at + 2), orelse.get(o, at + 2)))
                continue
            if op in gates:
                read((term.operand for term in gates[op].terms), at)
            elif not op.results or not isinstance(op, Op) or any(map(is_differentiated, op.results)):
                read(operands(op), at)
            for inner in blocks(op):
                for o, n in reads(inner, at).items():
                    read((o,), n)
        read(block.yields, at)
        return found

    return [v for v, at in reads(body, 0).items() if isinstance(v, Value) and at > depth.get(v, at)]


def is_differentiated(v: Value) -> bool:
    return is_float(v.type) or is_memory(v.type)


class Selections:
    """The values of a function whose cotangents may be 0 because something else was selected."""

    def __init__(self, fn: Function, aliases: Aliases, gates: dict[Op, Gate]) -> None:
        self.aliases = aliases
        ops = [op for op in walk(fn.body) if isinstance(op, Op)]
        chosen = [o for op in ops if is_selection(op) for o in op.operands]
        ranked = {r for op in ops if op.prim.rpartition(".")[2] in RANKINGS for r in op.results}
        compared = [o for op in ops if is_comparison(op, ranked) for o in op.operands]
        compared += read_in_branches(fn.body, gates)
        singular = [
            r for op in ops if op.results and op.prim in PRIMS and is_singular(op) for r in op.results
        ]
        graph = Dependences(fn, aliases) if chosen or (compared and singular) else None
        self.chosen: set[Value] = set()  # of memory, representatives
        self.compared: set[Value] = set()
        self.unbounded: set[Value] = set()
        if graph is not None:
            self.chosen = graph.reach((o for o in chosen if isinstance(o, Value)), graph.backward)
            if compared and singular:
                self.compared = graph.reach((o for o in compared if isinstance(o, Value)), graph.backward)
                self.unbounded = graph.reach(singular, graph.forward)

    def concerns(self, op: Op) -> bool:
        """Whether 0 may meet an infinite partial of this operation."""
        if not may_be_infinite(op):
            return False
        if op.early:
            return True
        if self.has(self.chosen, op.result):
            return True
        return self.has(self.compared, op.result) and (
            is_singular(op) or any(self.has(self.unbounded, o) for o in op.operands)
        )

    def has(self, found: set[Value], v: Operand) -> bool:
        return isinstance(v, Value) and (self.aliases.find(v) if is_memory(v.type) else v) in found
