"""Gates of what is smooth although it is written through a kink: powers of absolute values, roots and norms.

With r = abs(x), sqrt(x) or norm(x), r has no derivative at 0, but r * r' is x, 1/2 or x again: the derivative of r**n is
n * r**(n-2) * (r * r'), which is right at the kink in every order.
"""

from __future__ import annotations

from typing import Any

from s2sad.analysis.dataflow import MUL, Dataflow, Gate, Partial, Term
from s2sad.analysis.exponentials import ABS, POW
from s2sad.ir.core import Op, Operand
from s2sad.ir.types import Array
from s2sad.rules.arrays.core import emit
from s2sad.rules.arrays.reductions import spread
from s2sad.rules.complexes import is_complex
from s2sad.rules.operators import _literal

SQRT = ("math.sqrt", "numpy.sqrt", "root")
SQUARE = "numpy.square"
LENGTHS = ("math.hypot", "numpy.hypot", "s2sad.dist", "norm_of_elements")
ROOTS = frozenset((*SQRT, *ABS, *LENGTHS, *POW))


def root_gate(op: Op, flow: Dataflow) -> Gate | None:
    """The gate whose root is a power of an absolute value, a root or a norm."""
    n = power_of(op, flow)
    if n is not None:
        return _power(op, op.operands[0], n, flow) if n > 1 else None
    if op.prim in MUL and flow.alike(op.operands[0], op.operands[1]):
        return _power(op, op.operands[1], 2, flow)
    return None


def is_root(op: Op, flow: Dataflow) -> bool:
    """Whether an operation gives an absolute value, a root or a norm."""
    return op.prim in ROOTS and bool(_Kink(flow, op).slopes(op))


def is_square_root(op: Op) -> bool:
    power = op.prim in POW and _literal(op.operands[1]) == 0.5
    return (op.prim in SQRT or power) and not is_complex(op.operands[0].type)


def power_of(op: Op, flow: Dataflow) -> int | None:
    """The whole power that an operation raises its first operand to."""
    n = 2 if op.prim == SQUARE else flow.constant(op.operands[1]) if op.prim in POW else None
    return None if n is None or n != int(n) else int(n)


def _power(op: Op, r: Operand, n: int, flow: Dataflow) -> Gate | None:
    """r**n, for a root r: r**(n-2) times what r * r' is."""
    found = _Kink(flow, op)
    slopes = found.of(r)
    if not slopes:
        return None
    head = f"{float(n)!r} * dy" if n == 2 else f"{float(n)!r} * r**{n - 2} * dy"
    return Gate(
        tuple(Term(o, *_texts(p, head)) for o, p in slopes), {**found.names, "r": r}, (), found.family
    )


def _texts(slope: Partial, head: str) -> tuple[Partial, Partial | None]:
    """The partial and its tangent, from what r * r' is: a text, or the elements of a norm along axes."""
    if isinstance(slope, str):
        return (f"{head} * {slope}" if slope != "1.0" else head), None
    op = slope(None, None)

    def partial(b: Any, env: Any) -> Any:
        lifted = spread(b, b.expand(head, env), op)
        return b.emit("mul", lifted, env["x"])

    def tangent(b: Any, env: Any) -> Any:
        product = b.emit("mul", env["x"], env["dy"])
        along = emit(b, "numpy.sum", product, axis=op.attr("axis"), keepdims=op.attr("keepdims"))
        return b.expand(head, {**env, "dy": along})

    return partial, tangent


class _Kink:
    """What r * r' is, by the operands of a root r."""

    def __init__(self, flow: Dataflow, root: Op) -> None:
        self.flow, self.root = flow, root
        self.names: dict[str, Operand] = {}
        self.family = "math"

    def of(self, r: Operand) -> list[tuple[Operand, Partial]]:
        """Nothing, where it is no root."""
        op = self.flow.maker(r, self.root)
        if op is not None and op.prim in ("neg", "numpy.negative"):
            op = self.flow.maker(op.operands[0], self.root)
        return [] if op is None else self.slopes(op)

    def slopes(self, op: Op) -> list[tuple[Operand, Partial]]:
        if not all(self.flow.unchanged(o, op, self.root) for o in op.operands):
            return []
        self.names.clear()
        if is_square_root(op):
            return [(op.operands[0], "0.5")]
        if op.prim in ABS:
            return self.absolute(op.operands[0])
        if op.prim in ("math.hypot", "numpy.hypot"):
            return [(o, self.named(o)) for o in op.operands]
        if op.prim == "s2sad.dist":
            half = len(op.operands) // 2
            pairs = list(zip(op.operands, (*op.operands[half:], *op.operands[:half]), strict=True))
            return [(o, f"({self.named(o)} - {self.named(other)})") for o, other in pairs]
        if op.prim == "norm_of_elements" and op.attr("ord") == 2 and not is_complex(op.operands[0].type):
            return self.norm(op)
        return []

    def absolute(self, x: Operand) -> list[tuple[Operand, Partial]]:
        if is_complex(x.type):
            self.family = "numpy"
            return [(x, f"conj({self.named(x)})")]
        return [(x, self.named(x))]

    def norm(self, op: Op) -> list[tuple[Operand, Partial]]:
        x = op.operands[0]
        size = self.flow.made(x, *ABS)
        if size is not None and isinstance(x.type, Array) and not is_complex(size.operands[0].type):
            x = size.operands[0] if self.flow.unchanged(size.operands[0], size, self.root) else x
        self.names["x"] = x
        return [(x, lambda b, env: op)]

    def named(self, o: Operand) -> str:
        name = f"x{len(self.names)}"
        self.names[name] = o
        return name
