"""What operations do with memory, said once: what the memory that they give is, and who keeps references to operands.

Passes ask here and list no operations by name. An operation that nothing is said of makes memory of its own; the interpreter
(`ir.interp`) refuses a result that is said to be so and shares memory with an operand.
"""

from __future__ import annotations

from enum import Enum

from s2sad.ir.core import Op, Value
from s2sad.ir.types import is_memory


class Made(Enum):
    """What memory an operation gives."""

    NUMBER = "no memory"
    FRESH = "memory of its own"
    SPREAD = "a number spread out: memory of its own that cannot be written"
    VIEW = "memory of the first operand, other elements or in another order"
    MAYBE_VIEW = "that, or a copy, which only the call shows"
    SAME = "the first operand"
    ELEMENT = "what the first operand holds"
    GIVEN = "anything that was there before"


_VIEWS = frozenset({"view", "newaxis", "squeeze", "numpy.transpose", "reshaped"})
_MAYBE_VIEWS = frozenset(
    {"numpy.reshape", "numpy.diagonal", "numpy.real", "numpy.imag", "numpy.broadcast_to", "numpy.ascontiguousarray"}
)  # fmt: skip
_MADE = {
    **dict.fromkeys(_VIEWS, Made.VIEW),
    **dict.fromkeys(_MAYBE_VIEWS, Made.MAYBE_VIEW),
    **dict.fromkeys(("identity", "stop_gradient"), Made.SAME),
    **dict.fromkeys(("load", "tape_read"), Made.ELEMENT),
    **dict.fromkeys(("constant", "custom", "element", "extract", "invoke", "unbound", "unpack"), Made.GIVEN),
}
_KEEPERS = frozenset(
    {"append", "store", "tape_write", "alloc_list", "list_repeat", "list_of", "pack", "invoke", "custom"}
)


def made(op: Op) -> Made:
    """What the results of an operation are that are memory."""
    if not any(is_memory(r.type) for r in op.results):
        return Made.NUMBER
    kind = _MADE.get(op.prim, Made.FRESH)
    if op.prim == "numpy.einsum" and len(op.operands) == 1:
        kind = Made.MAYBE_VIEW
    first = op.operands[0] if op.operands else None
    if kind in (Made.VIEW, Made.MAYBE_VIEW, Made.SAME) and (first is None or not is_memory(first.type)):
        return Made.SPREAD if op.prim == "numpy.broadcast_to" else Made.FRESH  # of a number
    return kind


def is_view(op: object) -> bool:
    """Whether an operation gives a view of its first operand, whatever the call."""
    return isinstance(op, Op) and op.prim in _VIEWS and made(op) is Made.VIEW


def maybe_view(op: object) -> bool:
    """Whether only the call shows if the result is a view of the argument."""
    if not isinstance(op, Op) or not (op.prim in _MAYBE_VIEWS or op.prim == "numpy.einsum"):
        return False  # asked of every operation, again and again
    return made(op) is Made.MAYBE_VIEW


def is_fresh(op: object) -> bool:
    """Whether the memory that an operation gives is known by nobody else."""
    return isinstance(op, Op) and made(op) is Made.FRESH


def is_own(op: object) -> bool:
    """Whether an operation gives an array, and not another name of one that is there: perhaps a view that nobody writes."""
    return isinstance(op, Op) and made(op) in (Made.FRESH, Made.SPREAD, Made.MAYBE_VIEW)


def keeps(op: Op, v: Value) -> bool:
    """Whether a reference to an operand outlives the operation: in a list, a tape, or wherever a function puts it."""
    if op.prim not in _KEEPERS or not is_memory(v.type):
        return False
    if op.prim in ("append", "store"):
        return v is op.operands[-1]
    return op.prim != "list_of"  # which keeps what the list holds
