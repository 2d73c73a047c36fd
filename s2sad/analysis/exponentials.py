"""Gates of what is made of exponentials: the logistic function and softplus in their spellings, quotients by what grows
exponentially.

Where e = exp(x) overflows, y = n / (1 + e) and its derivatives are 0, but their formula multiplies 0 by infinity; where
it underflows, 1 - y cancels. The gates divide first: the derivative of n / D is -y * (D' / D), and D' / D is at most 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from s2sad.analysis.dataflow import DIV, MUL, Dataflow, Gate, Term
from s2sad.ir.core import Op, Operand
from s2sad.rules.builder import const, is_one
from s2sad.rules.complexes import is_complex

EXP, ADD, SUB = ("math.exp", "numpy.exp"), ("add", "numpy.add"), ("sub", "numpy.subtract")
POW = ("pow", "math.pow", "numpy.power", "numpy.float_power")
ABS = ("builtins.abs", "math.fabs", "numpy.absolute", "numpy.fabs")
# D' / D of functions D that grow exponentially, by u; e stands for D where the text reads it
GROWTH = {
    "exp": "1.0",
    "exp2": repr(math.log(2.0)),
    "cosh": "tanh({u})",
    "sinh": "1.0 / tanh({u})",
    "expm1": "excess_share({u}, 0.0)",
}
LOGARITHMS = {"log": 1.0, "log1p": 1.0, "log2": math.log(2.0), "log10": math.log(10.0)}
TANH = ("math.tanh", "numpy.tanh")
SLOPE_OF_TANH = "tanh_slope(u)"
# the logarithms of their bases
BASES = {"math.exp": 1.0, "numpy.exp": 1.0, "math.exp2": math.log(2.0), "numpy.exp2": math.log(2.0),
         "scipy.special.exp2": math.log(2.0), "scipy.special.exp10": math.log(10.0)}  # fmt: skip
VANISHING = ("sinh", "expm1")  # those that may be 0, so that they have no D' / D as parts of sums


def exponential_gate(op: Op, flow: Dataflow, derived: bool) -> Gate | None:
    """The gate whose root is an operation, if it is one of these; `derived`: there will be derivatives of higher order."""
    if is_complex(op.result.type):
        return None
    if op.prim in DIV:
        inline = None if derived else _logistic(op, flow)
        return inline or _of_tanh(op, flow) or _quotient(op, op.operands[0], op.operands[1], flow)
    if op.prim == "numpy.reciprocal":
        return _power(op, op.operands[0], -1.0, flow)
    if op.prim in POW:
        n = flow.constant(op.operands[1])
        if n is not None and n < 0:
            return _power(op, op.operands[0], n, flow)
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
        minus = flow.private(exp.operands[0], "neg") if exp is not None and is_one(one) else None
        if minus is not None and exp is not None:
            return Gate((Term(minus.operands[0], "(1.0 - y) * y * dy"),), {}, (total, exp, minus))
    return None


def _of_tanh(op: Op, flow: Dataflow) -> Gate | None:
    """0.5 * (1 + tanh(u)) and (1 + tanh(u)) / 2 are the logistic function of 2 * u."""
    pairs = (op.operands[::-1],) if op.prim in DIV else (op.operands, op.operands[::-1])
    for half, other in pairs:
        if flow.constant(half) != (2 if op.prim in DIV else 0.5):
            continue
        inner = flow.made(other, *(MUL if op.prim in ADD else ADD))
        if inner is None:
            continue
        for constant, last in (inner.operands, inner.operands[::-1]):
            tanh = flow.made(last, *TANH)
            if tanh is not None and flow.constant(constant) == (0.5 if op.prim in ADD else 1):
                u = tanh.operands[0]
                text = f"0.5 * ({SLOPE_OF_TANH}) * dy"
                return Gate((Term(u, text),), {"u": u}) if flow.unchanged(u, tanh, op) else None
    return None


# -- softplus -----------------------------------------------------------------------------------------


def _softplus(op: Op, flow: Dataflow) -> Gate | None:
    """log1p(exp(u)), logaddexp(0, u), and logarithms of sums of exponentials and of shares of such sums."""
    if op.prim == "numpy.logaddexp":
        for zero, other in (op.operands, op.operands[::-1]):
            if flow.constant(zero) == 0 and flow.constant(other) is None:
                return _of_softplus(op, Exponent(other).without_sign(op, flow), "dy", flow)
        return None
    family, _, name = op.prim.rpartition(".")
    if family not in ("math", "numpy") or name not in LOGARITHMS or len(op.operands) != 1:
        return None
    dy = "dy" if LOGARITHMS[name] == 1.0 else f"dy / {LOGARITHMS[name]!r}"
    x = op.operands[0]
    sums = Sums(flow, op)
    parts = sums.parts(x)
    if name == "log1p":
        parts = [*parts, (1.0, CONSTANT)] if len(parts) == 1 and parts[0][1].k else []
    if len(parts) == 2:
        return _log_of_sum(op, parts, dy, flow)
    share = sums.share(x) if name != "log1p" else None
    if share is None or share[0] <= 0.0:
        return None
    _, part, rest = share
    return Gate(*_terms(part, rest, f"{_of_rest(part, rest)} * {dy}"))


def _of_softplus(op: Op, power: Exponent, dy: str, flow: Dataflow) -> Gate | None:
    """By u; where that is -abs(v), by v, whose kink it does not have."""
    u = power.u
    k, v = flow.multiple(u, op)
    folded = Exponent(v, k * power.k)
    size = flow.made(folded.u, *ABS) if folded.k < 0.0 == power.c else None
    if size is not None and flow.unchanged(size.operands[0], size, op):
        folded = Exponent(size.operands[0], -folded.k)
        text = folded.times(f"folded_softplus_slope({folded.text('u')}) * {dy}")
        return Gate((Term(size.operands[0], text),), {"u": size.operands[0]})
    return Gate((Term(u, power.times(f"logistic({power.text('u')}) * {dy}")),), {"u": u})


def _log_of_sum(op: Op, parts: list[Part], dy: str, flow: Dataflow) -> Gate | None:
    (sign, v), (other, w) = parts
    if sign == other:
        for power, rest in ((v, w), (w, v)):
            if rest == CONSTANT:
                return _of_softplus(op, power, dy, flow)
    if v.k and v.k == -w.k and flow.alike(v.u, w.u):
        tanh = f"tanh({v.less(w, 0.5).text('u')})"
        text = f"{tanh} * {dy}" if sign == other else f"{dy} / {tanh}"
        return Gate((Term(v.u, v.times(text)),), {"u": v.u}, (), family_of(op))
    of = "share" if sign == other else "excess_share"
    terms = [
        Term(part.u, part.times(f"{of}({part.text(name)}, {rest.text(last)}) * {dy}"))
        for part, name, rest, last in ((v, "u", w, "v"), (w, "v", v, "u"))
        if part.k
    ]
    return Gate(tuple(terms), {name: p.u for name, p in (("u", v), ("v", w)) if p.k})


# -- exponents ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exponent:
    """What is exponentiated: k * u + c, with numbers k and c; of a constant the number c alone."""

    u: Operand
    k: float = 1.0
    c: float = 0.0

    def text(self, u: str) -> str:
        if self.k == 0.0:
            return repr(self.c)
        scaled = u if self.k == 1.0 else f"-{u}" if self.k == -1.0 else f"{self.k!r} * {u}"
        return scaled if self.c == 0.0 else f"{scaled} + {self.c!r}"

    def without_sign(self, reader: Op, flow: Dataflow) -> Exponent:
        """Of -x, by x."""
        minus = flow.made(self.u, "neg", "numpy.negative")
        if minus is None or not flow.unchanged(minus.operands[0], minus, reader):
            return self
        return replace(self, u=minus.operands[0], k=-self.k)

    def times(self, text: str) -> str:
        return text if self.k == 1.0 else f"-({text})" if self.k == -1.0 else f"{self.k!r} * ({text})"

    def less(self, other: Exponent, times: float) -> Exponent:
        """The difference from another exponent of the same u, times a number."""
        return replace(self, k=times * (self.k - other.k), c=times * (self.c - other.c))


CONSTANT = Exponent(const(0.0), 0.0)  # of 1
Part = tuple[float, Exponent]  # the sign of a part of a sum, and what is exponentiated in it


def exponent(o: Operand, reader: Op, flow: Dataflow, depth: int = 0) -> Exponent | None:
    """The exponent of exp(u), exp2(u), 2.0**u and positive multiples of them, if that is what an operand is."""
    op = flow.maker(o)
    if op is None or depth > 2 or not all(flow.unchanged(x, op, reader) for x in op.operands):
        return None
    if op.prim in BASES:
        return Exponent(op.operands[0], BASES[op.prim]).without_sign(reader, flow)
    if op.prim in POW:
        base = flow.constant(op.operands[0])
        growing = base is not None and base > 0 and base != 1 and flow.constant(op.operands[1]) is None
        if not growing or base is None:
            return None
        return Exponent(op.operands[1], 1.0 if base == math.e else math.log(base)).without_sign(reader, flow)
    if op.prim in MUL:
        for factor, other in (op.operands, op.operands[::-1]):
            c = flow.constant(factor)
            inner = exponent(other, reader, flow, depth + 1) if c is not None and c > 0 else None
            if inner is not None and c is not None:
                return replace(inner, c=inner.c + math.log(c))
    return None


class Sums:
    """Sums and differences of two exponentials, or of one and a constant, as `reader` finds them."""

    def __init__(self, flow: Dataflow, reader: Op) -> None:
        self.flow, self.reader = flow, reader

    def parts(self, o: Operand, depth: int = 0) -> list[Part]:
        """The parts of a sum, none alike another; nothing, where it is no such sum."""
        value, power = self.flow.constant(o), exponent(o, self.reader, self.flow)
        if power is not None:
            return [(1.0, power)]
        if value is not None:
            return [(math.copysign(1.0, value), replace(CONSTANT, c=math.log(abs(value))))] if value else []
        op = self.flow.maker(o)
        if op is None or depth > 2 or not all(self.flow.unchanged(x, op, self.reader) for x in op.operands):
            return []
        short = op.prim.rpartition(".")[2]
        if short == "expm1" and op.prim.startswith(("math.", "numpy.")):
            return [(1.0, Exponent(op.operands[0]).without_sign(self.reader, self.flow)), (-1.0, CONSTANT)]
        if short in ("sinh", "cosh") and op.prim.startswith(("math.", "numpy.")):
            half = Exponent(op.operands[0], 1.0, -math.log(2.0)).without_sign(self.reader, self.flow)
            return [(1.0, half), (1.0 if short == "cosh" else -1.0, replace(half, k=-half.k))]
        c, inner = self.flow.multiple(o, self.reader)
        if inner is not o and c:
            return [
                (math.copysign(sign, sign * c), replace(power, c=power.c + math.log(abs(c))))
                for sign, power in self.parts(inner, depth + 1)
            ]
        if op.prim not in (*ADD, *SUB):
            return []
        first, last = (self.parts(x, depth + 1) for x in op.operands)
        if len(first) != 1 or len(last) != 1 or self.alike(first[0][1], last[0][1]):
            return []
        return [first[0], (last[0][0] if op.prim in ADD else -last[0][0], last[0][1])]

    def alike(self, a: Exponent, b: Exponent) -> bool:
        """Whether one is a multiple of the other."""
        return a.k == b.k and self.flow.alike(a.u, b.u)

    def share(self, o: Operand) -> tuple[float, Exponent, Exponent] | None:
        """Of a * exp(v) / (exp(v) + exp(w)), in one of its spellings: a, v and w."""
        op = self.flow.maker(o)
        if op is None or not all(self.flow.unchanged(x, op, self.reader) for x in op.operands):
            return None
        if op.prim == "scipy.special.expit":
            return 1.0, Exponent(op.operands[0]), CONSTANT
        if op.prim in SUB and self.flow.constant(op.operands[0]) == 1:
            found = self.share(op.operands[1])
            return (1.0, found[2], found[1]) if found is not None and found[0] == 1.0 else None
        if op.prim not in DIV:
            return None
        top, bottom = self.parts(op.operands[0]), self.parts(op.operands[1])
        if len(top) != 1 or len(bottom) != 2 or bottom[0][0] != bottom[1][0]:
            return None
        for (sign, power), (_, rest) in (bottom, bottom[::-1]):
            if self.alike(power, top[0][1]):
                return sign * top[0][0] * math.exp(top[0][1].c - power.c), power, rest
        return None


def family_of(op: Op) -> str:
    return "numpy" if op.prim.startswith("numpy.") else "math"


def _of_rest(part: Exponent, rest: Exponent, of: str = "share") -> str:
    """What the share of a part leaves, over the names of `_terms`."""
    if of == "share" and rest == CONSTANT:
        minus = replace(part, k=-part.k, c=-part.c)
        return f"logistic({minus.text('u')})"
    if of == "share" and part == CONSTANT:
        return f"logistic({rest.text('v')})"
    return f"{of}({rest.text('v')}, {part.text('u')})"


def _terms(part: Exponent, rest: Exponent, text: str) -> tuple[tuple[Term, ...], dict[str, Operand]]:
    """What is proportional to the difference of two exponents, and the names in its text."""
    found: list[Term] = []
    if part.k:
        found.append(Term(part.u, part.times(text)))
    if rest.k:
        found.append(Term(rest.u, replace(rest, k=-rest.k).times(text)))
    return tuple(found), {name: p.u for name, p in (("u", part), ("v", rest)) if p.k}


# -- quotients ----------------------------------------------------------------------------------------


def _quotient(op: Op, top: Operand, bottom: Operand, flow: Dataflow) -> Gate | None:
    """n / D, for a denominator that grows exponentially; e / (1 + e) is the logistic function."""
    share = _share(op, top, bottom, flow)
    if share is not None:
        return share
    found = _Growth(flow, op)
    slopes = found.of(bottom)
    if not slopes:
        return None
    terms = [Term(o, f"-(y * ({text})) * dy") for o, text in slopes]
    if flow.constant(top) is None:
        found.names["t"] = bottom
        terms.append(Term(top, "dy / t"))
    return Gate(tuple(terms), found.names, (), found.family)


def _share(op: Op, top: Operand, bottom: Operand, flow: Dataflow) -> Gate | None:
    """e / (1 + e), the logistic function, e / (e + f), and quotients of two sums of the same exponentials."""
    sums = Sums(flow, op)
    below = sums.parts(bottom)
    above = sums.parts(top) if len(below) == 2 else []
    if not above or (len(above) == 1 and not above[0][1].k):
        return None
    of = "share" if below[0][0] == below[1][0] else "excess_share"
    ratios = []
    for sign, power in below:
        same = [(s * sign, p.c - power.c) for s, p in above if sums.alike(p, power)]
        ratios.append(same[0][0] * math.exp(same[0][1]) if same else 0.0)
    if sum(map(bool, ratios)) != len(above):
        return None
    (_, part), (_, rest) = below if ratios[0] else below[::-1]
    if part.c == rest.c:
        part, rest = replace(part, c=0.0), replace(rest, c=0.0)
    total = flow.made(bottom, *ADD)
    if rest == CONSTANT and part.k and total is not None:
        if any(flow.alike(o, top) for o in total.operands):
            text = part.times(f"y * odds_rest({part.text('u')}, e) * dy")
            return Gate((Term(part.u, text),), {"u": part.u, "e": top})
    left = _of_rest(part, rest, of)
    if len(above) == 1:
        return Gate(*_terms(part, rest, f"y * {left} * dy"))
    times = ratios[0] - ratios[1]
    of_part = f"{of}({part.text('u')}, {rest.text('v')})"
    return Gate(*_terms(part, rest, f"{times!r} * ({of_part} * {left}) * dy"))


def _power(op: Op, base: Operand, n: float, flow: Dataflow) -> Gate | None:
    found = _Growth(flow, op)
    slopes = found.of(base)
    terms = (Term(o, f"{float(n)!r} * (y * ({text})) * dy") for o, text in slopes)
    return Gate(tuple(terms), found.names, (), found.family) if slopes else None


class _Growth:
    """D' / D of what grows exponentially, as texts over names, by the operands that it is made of."""

    def __init__(self, flow: Dataflow, root: Op) -> None:
        self.flow, self.root = flow, root
        self.names: dict[str, Operand] = {}
        self.family = family_of(root)

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
            if self.flow.constant(op.operands[0]) is not None:
                power = exponent(op.result, self.root, self.flow)
                return [(power.u, repr(power.k))] if power is not None else []
            n = self.flow.constant(op.operands[1])
            inner = self.of(op.operands[0], depth + 1) if n is not None and n > 0 else []
            return [(o, f"{float(n or 0)!r} * ({text})") for o, text in inner]
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
            value, power = self.flow.constant(constant), exponent(other, self.root, self.flow)
            if op.prim in ADD and value is not None and value > 0 and power is not None:
                u, e = power.text(self.name(power.u)), self.name(other)
                text = f"odds_share({u}, {e})" if value == 1 else f"share({u}, {math.log(value)!r})"
                return [(power.u, power.times(text))]
        return None

    def product(self, op: Op, depth: int) -> list[tuple[Operand, str]]:
        a, b = op.operands
        if self.flow.constant(a) is not None or self.flow.constant(b) is not None:
            return self.of(b if self.flow.constant(a) is not None else a, depth + 1)
        first, last = self.of(a, depth + 1), self.of(b, depth + 1)
        return first + last if first and last else []
