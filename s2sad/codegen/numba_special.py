"""Functions of scipy.special on whole arrays, as loops for Numba."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s2sad.codegen import loop_nests as nests
from s2sad.codegen import tree as t
from s2sad.codegen.numba_arrays import each, form, helper, rank
from s2sad.ir.core import Op
from s2sad.ir.types import Array
from s2sad.rules.arrays.core import axes_of, dtype_of

if TYPE_CHECKING:
    from s2sad.codegen.expressions import Expressions


@form(
    "scipy.special.logsumexp",
    "scipy.special.softmax",
    "scipy.special.log_softmax",
    "numpy.logaddexp.reduce",
    "weighted_logsumexp",
)
def sums_of_exponentials(e: Expressions, op: Op) -> Any:
    """The greatest element is taken out first, where it is finite."""
    name = {"numpy.logaddexp.reduce": "logsumexp"}.get(op.prim, op.prim.rpartition(".")[2])
    n, keepdims = rank(op.operands[0]), bool(op.attr("keepdims", False))
    axes = tuple(sorted(axes_of(op.attr("axis"), n)))
    i = nests.indices(n)
    loops = [(x, f"a.shape[{k}]") for k, x in enumerate(i)]
    outer, inner = [p for k, p in enumerate(loops) if k not in axes], [loops[k] for k in axes]
    v, dtype, factor = nests.at("a", i), dtype_of(op.result), ""
    if len(op.operands) == 2:  # parts with a weight of 0 are left out
        factor, v = f"{nests.at('b', i)} * ", f"({v} if {nests.at('b', i)} != 0.0 else -np.inf)"
    find = ["top = -np.inf", *nests.nest(inner, [f"top = np.maximum(top, {v})"])]
    find += [
        "shift = top if np.isfinite(top) else 0.0",
        "total = 0.0",
        *nests.nest(inner, [f"total += {factor}np.exp({v} - shift)"]),
    ]
    own = [("0" if k in axes else i[k]) for k in range(n) if keepdims or k not in axes]
    shape = [("1" if k in axes else f"a.shape[{k}]") for k in range(n) if keepdims or k not in axes]
    if name.endswith("logsumexp"):
        find.append(f"{nests.at('y', own)} = np.log(total) + shift")
    else:
        shape = [f"a.shape[{k}]" for k in range(n)]
        term = f"np.exp({v} - shift) / total" if name == "softmax" else f"{v} - shift - logarithm"
        find += [] if name == "softmax" else ["logarithm = np.log(total)"]
        find += nests.nest(inner, [f"{nests.at('y', i)} = {term}"])
    body = [f"y = np.empty({nests.tuple_text(shape)}, {nests.dtype_text(dtype)})"] if shape else []
    label = "_".join([name, f"{n}d", *map(str, axes), *(["kept"] if keepdims else [])])
    label += nests.suffix(dtype)
    doc = f"scipy.special.{name}(a, axis={axes})"
    return helper(
        e,
        nests.function(label, "a, b" if factor else "a", doc, [*body, *nests.nest(outer, find), "return y"]),
        *map(e.operand, op.operands),
    )


@form("scipy.special.real_lambertw", "s2sad.bessel_i")
def of_numbers(e: Expressions, op: Op) -> Any:
    """What is written for arrays otherwise."""
    prim = {"s2sad.bessel_i": "s2sad.special.iv"}.get(op.prim, "s2sad.special.lambertw_of")
    if isinstance(op.result.type, Array):
        return each(e, op, prim)
    return t.call(e.helper(prim), *map(e.operand, op.operands))
