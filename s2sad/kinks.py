"""Whether a function has a kink at a point: absolute values and norms of 0, ties, equal eigenvalues.

There derivatives are conventions, and second derivatives may lack what only calculus on one side sees. The function is run
by the interpreter, which shows each operation's values; what gates differentiate through its kink is smooth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from s2sad.analysis.activity import active_values
from s2sad.analysis.aliases import Aliases
from s2sad.analysis.dataflow import Gate
from s2sad.analysis.exponentials import ABS
from s2sad.analysis.gates import find_gates
from s2sad.errors import Loc
from s2sad.ir.core import AnyOp, Function, Op, Value, blocks, operands, walk
from s2sad.ir.interp import run
from s2sad.ir.types import is_memory
from s2sad.rules.registry import PRIMS, ZERO
from s2sad.transform.roots import with_powers

Kink = tuple[Loc, str]


def kinks(fn: Function, inputs: tuple[Value, ...], args: list[Any]) -> list[Kink]:
    """The kinks that a typed function's derivative meets for these arguments, each line once."""
    fn = with_powers(fn, inputs)
    fn = replace(fn, callees={name: with_powers(f, f.params) for name, f in fn.callees.items()})
    looked_at: set[Op] = set()
    for f in (fn, *fn.callees.values()):
        looked_at |= differentiated(f, inputs if f is fn else f.params)
    found: dict[Kink, None] = {}

    def watch(op: Op, values: list[Any], result: Any) -> None:
        test = TESTS.get(op.prim) if op in looked_at else None
        if test is not None and (what := test(op, values, result)):
            found[op.loc, what] = None

    with np.errstate(all="ignore"):
        run(fn, args, watch)
    return list(found)


def differentiated(fn: Function, inputs: tuple[Value, ...]) -> set[Op]:
    """The operations whose own partials are part of the function's derivative."""
    aliases = Aliases(fn)
    gates = find_gates(fn, aliases)
    active = active_values(fn, inputs, fn.body.yields, aliases, gates)
    readers: dict[Any, list[AnyOp]] = defaultdict(list)
    handed_on = set(fn.body.yields)
    for op in walk(fn.body):
        for o in operands(op):
            readers[o].append(op)
        for inner in blocks(op):
            handed_on.update(inner.yields)
    known: dict[Value, bool] = {}

    def asked_for(v: Value) -> bool:
        """Whether a derivative by this value is part of that of the function."""
        if v not in known:
            known[v] = True  # what is read by itself
            known[v] = (
                v in handed_on
                or (is_memory(v.type) and aliases.is_written(v))
                or any(map(reads(v), readers[v]))
            )
        return known[v]

    def reads(v: Value) -> Callable[[AnyOp], bool]:
        def test(op: AnyOp) -> bool:
            if not isinstance(op, Op) or not op.results:
                return True
            gate: Gate | None = gates.get(op)
            if gate is None:
                read = any(
                    o is v and PRIMS[op.prim].partial(i) is not ZERO for i, o in enumerate(op.operands)
                )
            else:
                read = any(term.operand is v for term in gate.terms)
            return read and any(map(asked_for, op.results))

        return test

    def is_active(o: Any) -> bool:
        return isinstance(o, Value) and (aliases.find(o) if is_memory(o.type) else o) in active

    return {
        op
        for op in walk(fn.body)
        if isinstance(op, Op) and op not in gates and any(map(is_active, op.results))
        if any(map(is_active, op.operands)) and any(map(asked_for, op.results))
    }


# -- what a kink is of each operation --------------------------------------------------------------------


def _absolute(op: Op, values: list[Any], result: Any) -> str:
    return "an absolute value is 0" if np.any(np.equal(values[0], 0)) else ""


def _length(op: Op, values: list[Any], result: Any) -> str:
    return "a norm, distance or standard deviation is 0" if np.any(np.equal(result, 0)) else ""


def _tie(op: Op, values: list[Any], result: Any) -> str:
    if all(o is op.operands[0] for o in op.operands):
        return ""
    equal = sum(np.equal(v, result).astype(int) for v in values)
    return "the largest or smallest is a tie" if np.any(equal > 1) else ""


def _extreme(op: Op, values: list[Any], result: Any) -> str:
    axis = op.attr("axis")
    y = result if axis is None or op.attr("keepdims") else np.expand_dims(result, axis)
    equal = np.sum(np.equal(values[0], y), axis=axis)
    return "the largest or smallest element is a tie" if np.any(equal > 1) else ""


def _clipped(op: Op, values: list[Any], result: Any) -> str:
    bounds = [v for v in values[1:] if v is not None]
    return (
        "an element lies on a bound of clip()" if any(np.any(np.equal(values[0], v)) for v in bounds) else ""
    )


def _spectrum(what: str) -> Callable[[Op, list[Any], Any], str]:
    def test(op: Op, values: list[Any], result: Any) -> str:
        a = np.asarray(values[0])
        w = np.linalg.eigvalsh(a) if what == "eigenvalues" else np.linalg.svd(a, compute_uv=False)
        gaps = np.abs(np.diff(w, axis=-1))
        scale = np.max(np.abs(w), axis=-1, keepdims=True, initial=0.0)
        return f"{what} are equal" if np.any(gaps <= 1e-14 * scale) else ""

    return test


TESTS: dict[str, Callable[[Op, list[Any], Any], str]] = {
    **dict.fromkeys((*ABS, "math.copysign", "numpy.copysign"), _absolute),
    **dict.fromkeys(("math.hypot", "numpy.hypot", "s2sad.dist", "norm_of_elements", "root"), _length),
    **dict.fromkeys(
        ("builtins.max", "builtins.min", "numpy.maximum", "numpy.minimum", "numpy.fmax", "numpy.fmin"), _tie
    ),
    **dict.fromkeys(("numpy.max", "numpy.min"), _extreme),
    "numpy.clip": _clipped,
    "numpy.linalg.eigh": _spectrum("eigenvalues"),
    "numpy.linalg.svd": _spectrum("singular values"),
}
