"""Gates of what is smooth although it is written through a kink: powers of absolute values, roots and norms.

With r = abs(x), sqrt(x) or norm(x), r has no derivative at 0, but r * r' is x, 1/2 or x again: the derivative of r**n is
n * r**(n-2) * (r * r'), which is right at the kink in every order.
"""

from __future__ import annotations

from typing import Any

from s2sad.analysis.dataflow import Dataflow, Gate, Partial, Term
from s2sad.analysis.exponentials import ABS, DIV, MUL, POW
from s2sad.ir.core import Op, Operand
from s2sad.ir.types import Array
from s2sad.rules.arrays.core import dims_of, emit
from s2sad.rules.arrays.reductions import spread
from s2sad.rules.complexes import is_complex
from s2sad.rules.operators import _literal

SQRT = ("math.sqrt", "numpy.sqrt", "root")
SQUARE = "numpy.square"


def root_gate(op: Op, flow: Dataflow) -> Gate | None:
    """The gate whose root is a power of an absolute value, a root or a norm."""
    if op.prim in POW or op.prim == SQUARE:
        n = 2 if op.prim == SQUARE else flow.constant(op.operands[1])
        if n is None or n < 2 or n != int(n):
            return None
        return _power(op, op.operands[0], int(n), flow)
    if op.prim in MUL:
        return _product(op, flow)
    if op.prim == "matmul" and all(len(dims_of(o)) == 1 for o in op.operands):
        a, b = op.operands
        return _inner(op, a, flow) if flow.alike(a, b) else None
    return None


def _power(op: Op, base: Operand, n: int, flow: Dataflow) -> Gate | None:
    """r**n, for a root r times factors: r**(n-2) times what r * r' is, and the factors' own parts."""
    found = _Kink(flow, op)
    r, factors = found.scaled(base)
    slopes = found.of(r)
    if not slopes:
        return None
    names = {**found.names, "r": r, "p": base}
    head = f"{float(n)!r} * dy" if n == 2 else f"{float(n)!r} * p**{n - 2} * dy"
    if not factors:
        return Gate(tuple(Term(o, *_texts(p, head)) for o, p in slopes), names, (), found.family)
    names |= {f"f{k}": o for k, (o, _) in enumerate(factors)}
    scale = _scale(factors)
    terms = [Term(o, *_texts(p, f"{head} * ({scale}) * ({scale})")) for o, p in slopes]
    own = f"{float(n)!r} * p**{n - 1} * dy" if n > 2 else "2.0 * p * dy"
    for k, (o, divided) in enumerate(factors):
        if flow.constant(o) is None:
            text = f"-({own}) * (p / f{k})" if divided else f"{own} * ({_scale(factors, k)}) * r"
            terms.append(Term(o, text))
    return Gate(tuple(terms), names, (), found.family)


def _scale(factors: list[tuple[Operand, bool]], without: int = -1) -> str:
    """The product of the factors, as a text."""
    text = "1.0"
    for k, (_, divided) in enumerate(factors):
        if k != without:
            text = f"{text} / f{k}" if divided else f"{text} * f{k}"
    return text


def _product(op: Op, flow: Dataflow) -> Gate | None:
    """r * r, and a * r * r."""
    a, b = op.operands
    if flow.alike(a, b):
        return _power(op, b, 2, flow)
    for r, other in ((b, a), (a, b)):
        inner = flow.made(other, *MUL)
        found = _Kink(flow, op)
        slopes = found.of(r) if inner is not None else []
        if inner is None or not slopes:
            continue
        for again, rest in (inner.operands, inner.operands[::-1]):
            if flow.alike(again, r) and flow.unchanged(rest, inner, op):
                terms = [Term(o, *_texts(p, "2.0 * a * dy")) for o, p in slopes]
                terms.append(Term(rest, "r * r * dy"))
                return Gate(tuple(terms), {**found.names, "r": r, "a": rest}, (), found.family)
    return None


def _inner(op: Op, a: Operand, flow: Dataflow) -> Gate | None:
    """The inner product of a vector of absolute values with itself."""
    size = flow.made(a, *ABS)
    if size is None or is_complex(size.operands[0].type) or not flow.unchanged(size.operands[0], size, op):
        return None
    x = size.operands[0]

    def along(b: Any, env: Any) -> Any:
        return b.emit("mul", b.expand("2.0", env), emit(b, "matmul", env["x"], env["dy"]))

    return Gate((Term(x, "2.0 * dy * x", along),), {"x": x})


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

    def scaled(self, base: Operand, depth: int = 0) -> tuple[Operand, list[tuple[Operand, bool]]]:
        """A root, and the factors that it comes with, some of them below it."""
        op = self.flow.made(base, *MUL, *DIV)
        if op is None or depth > 3 or self.of(base):
            return base, []
        a, b = op.operands
        for inner, factor in ((a, b), (b, a))[: 1 if op.prim in DIV else 2]:
            r, factors = self.scaled(inner, depth + 1)
            if self.of(r) and self.flow.unchanged(factor, op, self.root):
                return r, [*factors, (factor, op.prim in DIV)]
        return base, []

    def of(self, r: Operand) -> list[tuple[Operand, Partial]]:
        """Nothing, where it is no root."""
        op = self.flow.maker(r)
        if op is not None and op.prim in ("neg", "numpy.negative"):
            op = self.flow.maker(op.operands[0])
        if op is None or not all(self.flow.unchanged(o, op, self.root) for o in op.operands):
            return []
        self.names.clear()
        if op.prim in SQRT or (op.prim in POW and _literal(op.operands[1]) == 0.5):
            real = not is_complex(op.operands[0].type)
            return [(op.operands[0], "0.5")] if real else []
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
