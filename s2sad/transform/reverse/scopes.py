"""Scopes: where the reverse sweep of each block collects adjoints and finds primal values.

A scope mirrors a block of the primal. `adj` maps primal values to the adjoint collected so far. A branch
overlays its parent's adjoints and says what it changed; a loop turns an outer value's adjoint into an
accumulator it carries; a part is a block of a loop, in which the values of one iteration have theirs.
"""

from __future__ import annotations

from dataclasses import replace

from s2sad.ir.core import AnyOp, Block, Const, Op, Operand, Value
from s2sad.ir.types import FLOAT, Array, Scalar, Type, is_float


class Scope:
    """One block (or loop) under reversal."""

    def __init__(
        self, kind: str, parent: Scope | None, block: Block | None, owner: AnyOp | None = None
    ) -> None:
        self.kind, self.parent, self.block, self.owner = kind, parent, block, owner
        self.adj: dict[Value, Operand] = {}
        self.cache: dict[Value, Operand] = {}
        self.wanted: dict[Value, Value] = {}  # asked for in a loop, and not decided on yet
        self.head: list[AnyOp] = []
        self.made: dict[Value, Op] = {}  # what the head makes anew, not the forward sweep
        self.accumulators: dict[Value, tuple[Operand, Value]] = {}
        self.index: Operand | None = None

    @property
    def loop(self) -> Scope | None:
        """The innermost loop part this scope stands in."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "part":
            scope = scope.parent
        return scope


def adjoint_hint(v: Value) -> str:
    """The name of a value's adjoint; the mark keeps it apart from names of the user's."""
    return f"d·{v.hint}" if v.hint and not v.hint.startswith("$") else ""


def zero(t: Type) -> Const:
    """The adjoint of a value that nothing reads."""
    return Const(0.0, FLOAT) if not (isinstance(t, Scalar) and t.kind == "complex") else Const(0j, t)


def adjoint_type(t: Type) -> Type:
    """The type of a value's adjoint: that of a number or array for one that may be None, where nobody asks for it."""
    if isinstance(t, Array):
        return replace(t, optional=False)
    return Scalar(t.kind, t.dtype) if isinstance(t, Scalar) and is_float(t) else t
