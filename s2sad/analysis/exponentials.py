"""Gates of what is made of exponentials: the logistic function and softplus in their spellings, quotients by what grows
exponentially.

Where e = exp(x) overflows, y = n / (1 + e) and its derivatives are 0, but their formula multiplies 0 by infinity; where
it underflows, 1 - y cancels. The gates divide first: the derivative of n / D is -y * (D' / D), and D' / D is at most 1.
"""

from __future__ import annotations

import math

from s2sad.analysis.dataflow import Dataflow, Gate, Term
from s2sad.ir.core import Op, Operand
from s2sad.rules.builder import is_one

EXP, ADD, SUB = ("math.exp", "numpy.exp"), ("add", "numpy.add"), ("sub", "numpy.subtract")
MUL, DIV = ("mul", "numpy.multiply"), ("div", "numpy.divide")
POW = ("pow", "math.pow", "numpy.power", "numpy.float_power")
ABS = ("builtins.abs", "math.fabs", "numpy.absolute", "numpy.fabs")
# D' / D of functions D that grow exponentially, by u; e stands for D where the text reads it
GROWTH = {
    "exp": "1.0",
    "exp2": repr(math.log(2.0)),
    "cosh": "tanh({u})",
    "sinh": "1.0 / tanh({u})",
    "expm1": "(1.0 + 1.0 / {e})",
}
LOGARITHMS = {"log": 1.0, "log2": math.log(2.0), "log10": math.log(10.0)}
VANISHING = ("sinh", "expm1")  # those that may be 0, so that they have no D' / D as parts of sums


def exponential_gate(op: Op, flow: Dataflow) -> Gate | None:
    """The gate whose root is an operation, if it is one of these."""
    if op.prim in DIV:
        return _logistic(op, flow) or _quotient(op, op.operands[0], op.operands[1], flow)
    if op.prim == "numpy.reciprocal":
        return _power(op, op.operands[0], -1.0, flow)
    if op.prim in POW:
        exponent = flow.constant(op.operands[1])
        if exponent is not None and exponent < 0:
            return _power(op, op.operands[0], exponent, flow)
    if op.prim in MUL or op.prim in ADD:
        return _of_tanh(op, flow)
    return _softplus(op, flow)


# -- the logistic function ----------------------------------------------------------------------------


def _logistic(op: Op, flow: Dataflow) -> Gate | None:
    """1 / (1 + exp(-x)) in one expression, from its own result."""
    total = flow.private(op.operands[1], *ADD) if is_one(op.operands[0]) else None
    if total is None:
        return None
    for one, other in (total.operands, total.operands[::-1]):
        exp = flow.private(other, *EXP)
        if exp is None or not is_one(one):
            continue
        minus = flow.private(exp.operands[0], "neg")
        if minus is not None:
            return Gate((Term(minus.operands[0], "(1.0 - y) * y * dy"),), {}, (total, exp, minus))
        return Gate((Term(exp.operands[0], "(y - 1.0) * y * dy"),), {}, (total, exp))
    return None


def _of_tanh(op: Op, flow: Dataflow) -> Gate | None:
    """0.5 * (1 + tanh(u)) is the logistic function of 2 * u."""
    for half, other in (op.operands, op.operands[::-1]):
        if flow.constant(half) != 0.5:
            continue
        inner = flow.made(other, *(ADD if op.prim in MUL else MUL))
        if inner is None:
            continue
        for constant, last in (inner.operands, inner.operands[::-1]):
            tanh = flow.made(last, "math.tanh", "numpy.tanh")
            if tanh is not None and flow.constant(constant) == (1 if op.prim in MUL else 0.5):
                return _logistic_of_twice(op, tanh, flow)
    return None


def _logistic_of_twice(op: Op, tanh: Op, flow: Dataflow) -> Gate | None:
    u = tanh.operands[0]
    if not flow.unchanged(u, tanh, op):
        return None
    text = "2.0 * (logistic(2.0 * u) * logistic(-2.0 * u)) * dy"
    return Gate((Term(u, text),), {"u": u})


# -- softplus -----------------------------------------------------------------------------------------


def _softplus(op: Op, flow: Dataflow) -> Gate | None:
    """log1p(exp(u)), logaddexp(0, u), and logarithms of sums with exponentials and of the logistic function."""
    if op.prim in ("math.log1p", "numpy.log1p"):
        exp = _exponential(op.operands[0], op, flow)
        return _of_softplus(op, exp.operands[0], "dy", flow) if exp is not None else None
    if op.prim == "numpy.logaddexp":
        for zero, other in (op.operands, op.operands[::-1]):
            if flow.constant(zero) == 0 and flow.constant(other) is None:
                return _of_softplus(op, other, "dy", flow)
        return None
    base = LOGARITHMS.get(op.prim.rpartition(".")[2]) if op.prim.startswith(("math.", "numpy.")) else None
    if base is None or len(op.operands) != 1:
        return None
    dy = "dy" if base == 1.0 else f"dy / {base!r}"
    total, quotient = flow.made(op.operands[0], *ADD), flow.made(op.operands[0], *DIV)
    if total is not None:
        return _log_of_sum(op, total, dy, flow)
    total = flow.made(quotient.operands[1], *ADD) if quotient is not None else None
    if total is None or quotient is None or flow.constant(quotient.operands[0]) != 1:
        return None
    return _log_of_logistic(op, total, dy, flow)


def _exponential(o: Operand, reader: Op, flow: Dataflow) -> Op | None:
    exp = flow.made(o, *EXP)
    return exp if exp is not None and flow.unchanged(exp.operands[0], exp, reader) else None


def _of_softplus(op: Op, u: Operand, dy: str, flow: Dataflow) -> Gate | None:
    """By u; where that is -abs(v), by v, whose kink it does not have."""
    minus = flow.made(u, "neg", "numpy.negative")
    size = flow.made(minus.operands[0], *ABS) if minus is not None else None
    if size is not None and flow.unchanged(size.operands[0], size, op):
        return Gate((Term(size.operands[0], f"folded_softplus_slope(u) * {dy}"),), {"u": size.operands[0]})
    return Gate((Term(u, f"logistic(u) * {dy}"),), {"u": u})


def _log_of_sum(op: Op, total: Op, dy: str, flow: Dataflow) -> Gate | None:
    a, b = total.operands
    first, last = _exponential(a, op, flow), _exponential(b, op, flow)
    if first is not None and last is not None:
        u, v = first.operands[0], last.operands[0]
        names = {"u": u, "v": v}
        return Gate((Term(u, f"share(u, v) * {dy}"), Term(v, f"share(v, u) * {dy}")), names)
    exp, constant = first or last, flow.constant(b if first is not None else a)
    if exp is None or constant is None or constant <= 0:
        return None
    u = exp.operands[0]
    if constant == 1:
        return _of_softplus(op, u, dy, flow)
    return Gate((Term(u, f"share(u, {math.log(constant)!r}) * {dy}"),), {"u": u})


def _log_of_logistic(op: Op, total: Op, dy: str, flow: Dataflow) -> Gate | None:
    """log(1 / (1 + exp(-x)))."""
    for one, other in (total.operands, total.operands[::-1]):
        exp = _exponential(other, op, flow)
        minus = flow.made(exp.operands[0], "neg", "numpy.negative") if exp is not None else None
        if exp is None or flow.constant(one) != 1:
            continue
        if minus is None:
            return Gate((Term(exp.operands[0], f"-(logistic(u) * {dy})"),), {"u": exp.operands[0]})
        x = minus.operands[0]
        return Gate((Term(x, f"logistic(-x) * {dy}"),), {"x": x}) if flow.unchanged(x, minus, op) else None
    return None


# -- quotients ----------------------------------------------------------------------------------------


def _quotient(op: Op, top: Operand, bottom: Operand, flow: Dataflow) -> Gate | None:
    """n / D, for a denominator that grows exponentially; e / (1 + e) is the logistic function."""
    found = _Growth(flow, op)
    slopes = found.of(bottom)
    if not slopes:
        return None
    total = flow.made(bottom, *ADD)
    exp = flow.made(top, *EXP)
    if total is not None and exp is not None:
        for one, other in (total.operands, total.operands[::-1]):
            same = flow.alike(other, top) and flow.unchanged(exp.operands[0], exp, op)
            if flow.constant(one) == 1 and same:
                u = exp.operands[0]
                return Gate((Term(u, "y * odds_rest(u, e) * dy"),), {"u": u, "e": top})
    terms = [Term(o, f"-(y * ({text})) * dy") for o, text in slopes]
    if flow.constant(top) is None:
        found.names["t"] = bottom
        terms.append(Term(top, "dy / t"))
    return Gate(tuple(terms), found.names, (), found.family)


def _power(op: Op, base: Operand, exponent: float, flow: Dataflow) -> Gate | None:
    found = _Growth(flow, op)
    slopes = found.of(base)
    terms = (Term(o, f"{float(exponent)!r} * (y * ({text})) * dy") for o, text in slopes)
    return Gate(tuple(terms), found.names, (), found.family) if slopes else None


class _Growth:
    """D' / D of what grows exponentially, as texts over names, by the operands that it is made of."""

    def __init__(self, flow: Dataflow, root: Op) -> None:
        self.flow, self.root = flow, root
        self.names: dict[str, Operand] = {}
        self.family = "numpy" if root.prim.startswith("numpy.") else "math"

    def name(self, o: Operand) -> str:
        name = next((n for n, named in self.names.items() if named is o), f"t{len(self.names)}")
        self.names[name] = o
        return name

    def of(self, bottom: Operand, depth: int = 0) -> list[tuple[Operand, str]]:
        """Nothing, where it does not grow exponentially."""
        op = self.flow.maker(bottom)
        if op is None or depth > 3 or not all(self.flow.unchanged(o, op, self.root) for o in op.operands):
            return []
        short = op.prim.rpartition(".")[2]
        if short in GROWTH and op.prim.startswith(("math.", "numpy.")):
            return self.plain(op, short) if depth == 0 or short not in VANISHING else []
        if op.prim in (*ADD, *SUB):
            return self.total(op, depth)
        if op.prim in POW:
            exponent = self.flow.constant(op.operands[1])
            inner = self.of(op.operands[0], depth + 1) if exponent is not None and exponent > 0 else []
            return [(o, f"{float(exponent or 0)!r} * ({text})") for o, text in inner]
        if op.prim == "numpy.square":
            return [(o, f"2.0 * ({text})") for o, text in self.of(op.operands[0], depth + 1)]
        return self.product(op, depth) if op.prim in MUL else []

    def plain(self, op: Op, short: str) -> list[tuple[Operand, str]]:
        u = op.operands[0]
        text = GROWTH[short]
        if op.prim.startswith("numpy."):
            self.family = "numpy"
        if "{u}" in text:
            text = text.format(u=self.name(u))
        return [(u, text.format(e=self.name(op.result)) if "{e}" in text else text)]

    def total(self, op: Op, depth: int) -> list[tuple[Operand, str]]:
        """Of a sum: each part's share of it, times its own."""
        parts = [self.of(o, depth + 1) for o in op.operands]
        if not any(parts):
            return []
        logistic = self.logistic(op)
        if logistic is not None:
            return logistic
        found: list[tuple[Operand, str]] = []
        t = self.name(op.result)
        for k, (o, slopes) in enumerate(zip(op.operands, parts, strict=True)):
            sign = "-" if k and op.prim in SUB else ""
            if slopes:
                e = self.name(o)
                share = f"{sign}({e} if abs({e}) < inf else 0.0) / {t}"
                found += [(leaf, share if text == "1.0" else f"{share} * ({text})") for leaf, text in slopes]
            elif self.flow.constant(o) is None:
                found.append((o, f"{sign}1.0 / {t}"))
        return found

    def logistic(self, op: Op) -> list[tuple[Operand, str]] | None:
        """The share of exp(u) in a sum with a positive constant, which must not be divided in two steps: they underflow."""
        for constant, other in (op.operands, op.operands[::-1]):
            value, exp = self.flow.constant(constant), self.flow.made(other, *EXP)
            if op.prim in ADD and value is not None and value > 0 and exp is not None:
                u = exp.operands[0]
                name, e = self.name(u), self.name(other)
                return [
                    (u, f"odds_share({name}, {e})" if value == 1 else f"share({name}, {math.log(value)!r})")
                ]
        return None

    def product(self, op: Op, depth: int) -> list[tuple[Operand, str]]:
        a, b = op.operands
        if self.flow.constant(a) is not None or self.flow.constant(b) is not None:
            return self.of(b if self.flow.constant(a) is not None else a, depth + 1)
        first, last = self.of(a, depth + 1), self.of(b, depth + 1)
        return first + last if first and last else []
