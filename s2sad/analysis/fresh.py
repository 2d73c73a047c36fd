"""Which operations make arrays that nothing else refers to."""

from __future__ import annotations

from s2sad.analysis.aliases import MAYBE_VIEWS
from s2sad.ir.core import Op
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import is_elementwise

FRESH = frozenset(
    {"zeros_like", "copy", "gather", "matmul", "eye_matrix", "embed_diagonal", "recurrence"}
    | {f"numpy.{name}" for name in
       ("zeros", "ones", "tensordot", "convolve", "correlate", "concatenate", "stack", "cumsum", "cumprod", "tril", "triu",
        "roll", "repeat", "tile", "pad", "diag")}
)  # fmt: skip


def makes_its_own(op: Op) -> bool:
    """Whether the array that an operation gives is never its argument, or a view of it."""
    if op.prim == "numpy.sum":
        return op.attr("axis") is not None
    if op.prim in MAYBE_VIEWS or op.prim == "pos":
        return False
    return op.prim in FRESH or (op.prim in PRIMS and is_elementwise(PRIMS[op.prim]))
