"""Functions of eigenvalues for Numba, which does not mix precisions in products: in double precision throughout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s2sad.codegen import tree as t
from s2sad.codegen.numba_arrays import cast, form, operands
from s2sad.ir.core import Op
from s2sad.ir.types import Array
from s2sad.rules.arrays.core import dtype_of

if TYPE_CHECKING:
    from s2sad.codegen.expressions import Expressions


@form("frechet", "frechets", "frechet_twice", "frechets_twice", "gaps", "divisors", "both_vectors", "both_vectors_of_stack")
def in_double_precision(e: Expressions, op: Op) -> Any:
    dtype = dtype_of(op.result)
    if dtype == "float64":
        return None
    nodes = [
        cast(e, node, o, "float64") if isinstance(o.type, Array) else node
        for node, o in zip(operands(e, op), op.operands, strict=True)
    ]
    e.modules.add("numpy")
    made = t.call(e.helper(op.prim), *nodes)
    return t.call(t.attribute(made, "astype"), t.dotted(f"np.{dtype}"))
