"""Python's operators and the builtins on numbers.

Conventions where a derivative is not unique are in docs/conventions.md: comparisons and roundings are
piecewise constant (derivative 0), `abs` has derivative 0 at 0, ties of min and max share equally.
"""

from __future__ import annotations

import math
import operator
from collections import ChainMap
from typing import Any

from s2sad.ir.core import Const
from s2sad.ir.types import BOOL, FLOAT, INT, Array, Scalar, Type
from s2sad.rules.registry import ZERO, boolean, promoted, promoted_float, rule, same, source


def _literal(operand: Any) -> Any:
    """The value of a constant numeric operand, else None."""
    value = operand.value if isinstance(operand, Const) else None
    return value if type(value) in (int, float) else None


# -- arithmetic ---------------------------------------------------------------------------------------

rule(operator.add, "y = add(a, b)", name="add", infer=promoted, effect="none", cost=1, da="dy", db="dy")
rule(operator.sub, "y = sub(a, b)", name="sub", infer=promoted, effect="none", cost=1, da="dy", db="-dy")
rule(
    operator.mul, "y = mul(a, b)", name="mul", infer=promoted, effect="none", cost=1, da="b * dy", db="a * dy"
)
rule(operator.neg, "y = neg(a)", name="neg", infer=same, effect="none", cost=1, da="-dy")
rule(operator.pos, "y = pos(a)", name="pos", infer=same, effect="none", cost=1, da="dy")


def divided(a: float, b: float) -> float:
    """a / b as NumPy's numbers divide by zero: an infinity or nan, here without a warning."""
    if b != 0.0:
        return a / b
    return math.copysign(math.inf, a) * math.copysign(1.0, b) if a != 0.0 and a == a else math.nan


def by_denominator(b: Any, env: dict[str, Any]) -> Any:
    """The cotangent of a quotient divided by its denominator; raises nowhere that the quotient did not."""
    denominator = env["op"].operands[1] if "op" in env else env["b"]
    result = env["op"].result.type if "op" in env else env["y"].type
    raised = isinstance(result, Scalar) and result.dtype is None
    if raised or _literal(denominator) or b.is_numpy(denominator) or isinstance(env["dy"].type, Array):
        return b.expand("dy / b", env)
    if "op" in env and b.is_count(env["op"]):
        return b.expand("dy / max(b, 1)", env, "builtins")
    if "complex" in (env["dy"].type.kind, denominator.type.kind):
        return b.expand("divide(dy, b)", env, "numpy")
    return b.expand("divided(dy, b)", env)


def div_denominator(b: Any, env: dict[str, Any]) -> Any:
    if _literal(env["op"].operands[0] if "op" in env else env["a"]) == 1:  # without asking for the value of a
        return b.expand("-(y * y * dy)", env)
    return b.expand("-(y * quotient)", ChainMap({"quotient": by_denominator(b, env)}, env))


rule(
    operator.truediv,
    "y = div(a, b)",
    name="div",
    infer=promoted_float,
    cost=5,
    da=by_denominator,
    db=div_denominator,
)
rule(operator.floordiv, "y = floordiv(a, b)", name="floordiv", infer=promoted, cost=5, da=ZERO, db=ZERO)
rule(operator.mod, "y = mod(a, b)", name="mod", infer=promoted, cost=5, da="dy", db="-(a // b * dy)")


def _pow_type(*types: Type) -> Type:
    return promoted(*types)


def _pow_base(b: Any, env: dict[str, Any]) -> Any:
    n = _literal(env["b"])
    if n is None:
        text = "b * a**(b - 1.0) * dy" if _of_complex(env) else "kept_product(pow_base(a, b, y), dy)"
        return b.expand(text, env)
    env = {**env, "n": Const(float(n), FLOAT)}
    if n == 0:
        return None
    if n == 1:
        return env["dy"]
    if n == 2:
        return b.expand("n * a * dy", env)
    if float(n).is_integer() and n > 0:
        return b.expand("n * a**m * dy", {**env, "m": Const(n - 1, INT if isinstance(n, int) else FLOAT)})
    if n < 0:  # y / a cannot overflow into an exception where a**(n-1) does
        return b.expand("n * y / a * dy", env)
    if _of_complex(env):
        return b.expand("n * a**m * dy", {**env, "m": Const(float(n - 1), FLOAT)})
    return b.expand("kept_product(pow_base(a, b, y), dy)", env)


def _pow_exponent(b: Any, env: dict[str, Any]) -> Any:
    if _of_complex(env):
        return b.expand("log(a + 0j) * y * dy", env, "numpy")
    return b.expand("kept_product(pow_exponent(a, b, y), dy)", env)


def _of_complex(env: dict[str, Any]) -> bool:
    return any(
        (t.dtype or t.kind if isinstance(t, Scalar) else getattr(t, "dtype", "")).startswith("complex")
        for t in (env["a"].type, env["b"].type)
    )


rule(
    operator.pow, "y = pow(a, b)", name="pow", infer=_pow_type, cost=20,
    da=_pow_base, db=_pow_exponent,
)  # fmt: skip


def pow_base(a: float, b: float, y: float) -> float:
    """d(a**b)/da from the result: 0 for b = 0, also at a = 0; inf where the derivative is."""
    if b == 0.0:
        return 0.0
    if a != 0.0:
        return b * y / a if y != 0.0 else b * a ** (b - 1.0)
    if b == 1.0:
        return 1.0
    return 0.0 if b > 1.0 else math.copysign(math.inf, b)


def pow_exponent(a: float, b: float, y: float) -> float:
    """d(a**b)/db from the result: 0 at a = 0 for b >= 0 (the limit), nan for a negative base."""
    if a > 0.0:
        return math.log(a) * y
    if a == 0.0:
        return 0.0 if b > 0.0 else -math.inf
    return math.nan


def ratio(a: float, b: float) -> float:
    """a / b where b may be 0: then 0 for a = 0, else an infinity of the sign of a."""
    if b != 0.0:
        return a / b
    return a * math.inf if a != 0.0 else 0.0


def kept_product(a: float, b: float) -> float:
    """a * b, 0 where one of them is 0: what was not selected contributes nothing, whatever its partial."""
    return a * b if a != 0.0 and b != 0.0 else 0.0


def kept_ratio(a: float, b: float) -> float:
    """a / b where b may be 0 or anything: 0 for a = 0, an infinity of the sign of a for b = 0."""
    if a == 0.0:
        return 0.0
    return a / b if b != 0.0 else a * math.inf


def one_minus_square(x: float) -> float:
    """1 - x * x without cancellation."""
    return (1.0 - x) * (1.0 + x)


def same_size(n: int, m: int) -> int:
    """n, which m has to be as well: the sizes of arrays that meet element by element."""
    if n != m:
        raise ValueError("operands could not be broadcast together")
    return n


rule(
    same_size,
    "y = same_size(n, m)",
    name="s2sad.same_size",
    infer=INT,
    helper=source(same_size),
    cost=1,
    dn=ZERO,
    dm=ZERO,
)
# the limit of d2(a**b)/da db = a**(b - 1) * (b * log(a) + 1) at a = 0
MIXED = "(0.0 if b > 1.0 else -inf if b > 0.0 else inf)"
rule(
    pow_base, "y = pow_base(a, b, y0)", name="s2sad.pow_base", helper=source(pow_base), effect="none",
    da="kept_product(pow_base(a, b - 1.0, pow_base(a, b, y0) / b) * b, dy) if b != 0.0 and b != 1.0 else 0.0",
    db="(pow_base(a, b, y0) / b + pow_base(a, b, y0) * safe_log(a)) * dy if b != 0.0 and a > 0.0"
    f" else kept_product({MIXED}, dy)",
    dy0=ZERO, needs=("s2sad.safe_log",),
)  # fmt: skip
rule(
    pow_exponent, "y = pow_exponent(a, b, y0)", name="s2sad.pow_exponent", helper=source(pow_exponent),
    effect="none",
    da=f"(pow_base(a, b, y0) * safe_log(a) + y0 / a) * dy if a > 0.0 else kept_product({MIXED}, dy)",
    db="safe_log(a) * y * dy if a > 0.0 else kept_product(y if b > 0.0 else -inf * y, dy)", dy0=ZERO,
)  # fmt: skip


def safe_log(a: float) -> float:
    """The logarithm, 0 where there is none: only ever multiplied by a partial that is 0 there."""
    return math.log(a) if a > 0.0 else 0.0


rule(
    safe_log, "y = safe_log(a)", name="s2sad.safe_log", helper=source(safe_log), effect="none",
    da="dy / a if a > 0.0 else 0.0",
)  # fmt: skip


def if_greater(d: float, a: float, b: float) -> float:
    """d if a > b, half of it if they are equal, else 0, whatever d is."""
    return d if a > b else 0.5 * d if a == b else 0.0


rule(
    if_greater, "y = if_greater(d, a, b)", name="s2sad.if_greater", helper=source(if_greater), effect="none",
    dd="if_greater(dy, a, b)", da=ZERO, db=ZERO,
)  # fmt: skip


def _ratio_type(*types: Type) -> Type:
    return Scalar("complex") if any(isinstance(t, Scalar) and t.kind == "complex" for t in types) else FLOAT


rule(
    divided, "y = divided(a, b)", name="s2sad.divided", helper=source(divided), effect="none",
    da="divided(dy, b)", db="-divided(y * dy, b)",
)  # fmt: skip
rule(
    ratio, "y = ratio(a, b)", name="s2sad.ratio", helper=source(ratio), effect="none", infer=_ratio_type,
    da="ratio(dy, b)", db="-ratio(kept_product(y, dy), b)",
)  # fmt: skip
rule(
    one_minus_square, "y = one_minus_square(x)", name="s2sad.one_minus_square", helper=source(one_minus_square),
    effect="none", infer=_ratio_type, cost=2, dx="-2.0 * x * dy",
)  # fmt: skip
rule(
    kept_product, "y = kept_product(a, b)", name="s2sad.kept_product", helper=source(kept_product), effect="none",
    infer=_ratio_type, cost=1, da="kept_product(b, dy)", db="kept_product(a, dy)",
)  # fmt: skip
rule(
    kept_ratio, "y = kept_ratio(a, b)", name="s2sad.kept_ratio", helper=source(kept_ratio), effect="none",
    infer=_ratio_type, cost=5, da="kept_ratio(dy, b)", db="-kept_ratio(kept_product(y, dy), b)",
)  # fmt: skip


def cosine(a: float, b: float, y: float) -> float:
    """a / y, y the hypotenuse of a and b: 0 where both are."""
    return a / y if y != 0.0 else 0.0


rule(
    cosine, "y = cosine(a, b, y0)", name="s2sad.cosine", helper=source(cosine), effect="none",
    da="ratio(cosine(b, a, y0) * cosine(b, a, y0) * dy, y0)", db="-ratio(y * cosine(b, a, y0) * dy, y0)", dy0=ZERO,
)  # fmt: skip

# -- comparisons, integers, truth: piecewise constant -------------------------------------------------

for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    rule(
        getattr(operator, _name),
        f"y = {_name}(a, b)",
        name=_name,
        infer=boolean,
        effect="none",
        cost=1,
        da=ZERO,
        db=ZERO,
    )
rule(operator.is_, "y = is_(a, b)", name="is", infer=boolean, effect="none", cost=1, da=ZERO, db=ZERO)
rule(
    operator.is_not, "y = is_not(a, b)", name="is_not", infer=boolean, effect="none", cost=1, da=ZERO, db=ZERO
)
rule(operator.not_, "y = not_(a)", name="not", infer=boolean, effect="none", cost=1, da=ZERO)


def _bits(a: Type, b: Type) -> Type:
    """Of Python's truth values they make truth values."""
    return BOOL if a == b == BOOL else promoted(a, b)


for _name, _fn, _infer in (
    ("bitand", operator.and_, _bits), ("bitor", operator.or_, _bits), ("bitxor", operator.xor, _bits),
    ("lshift", operator.lshift, promoted), ("rshift", operator.rshift, promoted),
):  # fmt: skip
    rule(_fn, f"y = {_name}(a, b)", name=_name, infer=_infer, cost=1, da=ZERO, db=ZERO)
rule(operator.invert, "y = invert(a)", name="invert", infer=same, cost=1, da=ZERO)


# -- builtins -----------------------------------------------------------------------------------------


def _float_type(t: Type) -> Type:
    return FLOAT


def _round_type(*types: Type) -> Type:
    first = types[0]
    if len(types) == 1 and isinstance(first, Scalar) and first.dtype is None:
        return INT
    return same(first)


rule(float, "y = float(x)", name="builtins.float", infer=_float_type, cost=1, dx="dy")
rule(int, "y = int(x)", name="builtins.int", infer=INT, cost=1, dx=ZERO)
rule(bool, "y = bool(x)", name="builtins.bool", infer=BOOL, effect="none", cost=1, dx=ZERO)
rule(round, "y = round(x, n)", name="builtins.round", infer=_round_type, cost=5, dx=ZERO, dn=ZERO)
rule(abs, "y = abs(x)", name="builtins.abs", infer=same, effect="none", cost=1,
     dx="dy if x > 0.0 else -dy if x < 0.0 else 0.0")  # fmt: skip
rule(
    complex,
    "y = complex(a, b)",
    name="builtins.complex",
    infer=Scalar("complex"),
    effect="none",
    da="dy",
    db="1j * dy",
)


def _extremum(comparison: str) -> Any:
    def emit(b: Any, env: dict[str, Any]) -> Any:
        """Two operands: a ternary; more: a share of one over the number of ties."""
        x, others = env["x"], env["others"]
        if len(others) == 1:
            text = f"dy if x {comparison} o else 0.5 * dy if x == o else 0.0"
            if env["index"] == 0 and not isinstance(others[0], Const):
                # Python takes the first where one is nan
                text = f"0.0 if o {comparison} x else 0.5 * dy if x == o else dy"
            return b.expand(text, {**env, "o": others[0]})
        ties = b.expand("1.0 if o == y else 0.0", {**env, "o": others[0]})
        for o in others[1:]:
            ties = b.emit("add", ties, b.expand("1.0 if o == y else 0.0", {**env, "o": o}))
        return b.expand("dy / (1.0 + ties) if x == y else 0.0", {**env, "ties": ties, "x": x})

    return emit


def element(i: int, *items: Any) -> Any:
    return items[i]


def _picked(b: Any, env: dict[str, Any]) -> Any:
    """The cotangent of the item whose number, from the front, is the index."""
    count = len(env["op"].operands) - 1
    return b.expand(f"dy if i % {count} == {env['index'] - 1} else 0.0", env)


rule(element, "y = element(i, *items)", name="element", infer=lambda i, *items: promoted(*items), cost=1, di=ZERO,
     ditems=_picked)  # fmt: skip
rule(max, "y = max(*xs)", name="builtins.max", infer=promoted, effect="none", cost=1, dxs=_extremum(">"))
rule(min, "y = min(*xs)", name="builtins.min", infer=promoted, effect="none", cost=1, dxs=_extremum("<"))
