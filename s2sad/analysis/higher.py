"""Partials in functions whose derivatives will be differentiated again, where those of the rules cancel or overflow then.

`1 - y * y` is 0 where tanh is rounded to 1, and so is its own derivative; `y * y * dy` of y = 1 / x underflows before it meets a
large dy.
"""

from __future__ import annotations

from s2sad.analysis.dataflow import DIV, Gate, Term
from s2sad.ir.core import Op
from s2sad.rules.builder import is_one
from s2sad.rules.complexes import is_complex

_TANH = ("tanh_slope(x0) * dy",)
_ANGLE = tuple(f"kept_product(angle_derivative({k}, 1, x0, x1), dy)" for k in (1, 0))
HIGHER = {"math.tanh": _TANH, "numpy.tanh": _TANH, "math.atan2": _ANGLE, "numpy.arctan2": _ANGLE}


def higher_gate(op: Op) -> Gate | None:
    """The gate of one operation, if there is one."""
    if op.prim in DIV and is_one(op.operands[0]):
        return Gate((Term(op.operands[1], "-(y * (y * dy))"),))
    texts = HIGHER.get(op.prim, ())
    if not texts or is_complex(op.result.type):
        return None
    terms = tuple(Term(o, text) for o, text in zip(op.operands, texts, strict=True))
    return Gate(terms, {f"x{k}": o for k, o in enumerate(op.operands)})
