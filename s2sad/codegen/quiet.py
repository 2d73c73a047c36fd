"""A reverse sweep gives no warnings of its own.

Where a slope may be infinite, the sweep adds and multiplies infinities that a selection discards afterwards, of which
NumPy warns though the function did not. Such a sweep stands under `np.errstate`; others are printed as they are.
"""

from __future__ import annotations

from typing import Any

import gast

from s2sad.codegen import tree as t
from s2sad.ir.core import Function, Op, walk
from s2sad.ir.types import Array, Scalar
from s2sad.rules.builder import ON_ARRAYS

# helpers whose results may be infinite where all results of the function are finite
UNBOUNDED = frozenset(
    name
    for on_numbers in ("ratio", "divided", "kept_product", "kept_ratio", "pow_base", "pow_exponent")
    for name in (f"s2sad.{on_numbers}", ON_ARRAYS[f"s2sad.{on_numbers}"])
    if name.startswith("s2sad.")
)


def quieten(definition: Any, fn: Function, modules: set[str]) -> None:
    """Put the reverse sweep of a function under `np.errstate`, if it may warn where the function does not."""
    if not any(isinstance(op, Op) and op.loc.reverse and may_warn(op) for op in walk(fn.body)):
        return
    body = definition.body
    start = next((k for k, node in enumerate(body) if t.is_comment(node, "reverse")), None)
    if start is None:
        return
    modules.add("numpy")
    state = gast.Call(t.dotted("np.errstate"), [], [gast.keyword("all", t.constant("ignore"))])
    body[start + 1 :] = [gast.With([gast.withitem(state, None)], body[start + 1 :], None)]


def may_warn(op: Op) -> bool:
    """Whether an operation of NumPy may give an infinity that the function does not know of."""
    types = [o.type for o in (*op.operands, *op.results)]
    numpys = any(isinstance(v, Array) or (isinstance(v, Scalar) and v.dtype is not None) for v in types)
    return numpys and op.prim in UNBOUNDED
