"""Helpers of gates and rules on exponentials: the logistic function, whose derivatives neither overflow nor cancel.

With s = logistic(x) (`rules.tails`) the derivative is s * logistic(-x): 1 - s would be 0 where s is nearly 1.
"""

from __future__ import annotations

import math
from typing import Any

from s2sad.ir.types import Array
from s2sad.rules.registry import ZERO, rule, source


def tanh_slope(x: float) -> float:
    """The derivative of tanh, also where tanh is rounded to 1."""
    z = math.exp(-2.0 * abs(x))
    return 4.0 * z / ((1.0 + z) * (1.0 + z))


def folded_softplus_slope(x: float) -> float:
    """The derivative of log1p(exp(-abs(x))), which has a jump at 0 and the same slope on both sides."""
    z = math.exp(-abs(x))
    return -z / (1.0 + z) if x > 0.0 else z / (1.0 + z) if x < 0.0 else 0.0 * x


def odds_share(u: float, e: float) -> float:
    """e / (1 + e), where e is exp(u) and may be infinite."""
    bounded = min(e, 1e30)
    return bounded / (1.0 + bounded)


def odds_rest(u: float, e: float) -> float:
    """1 / (1 + e), where e is exp(u) and may be infinite."""
    return 1.0 / (1.0 + e)


def share(a: float, b: float) -> float:
    """exp(a) / (exp(a) + exp(b)): a half where they are equal, infinities too."""
    if a == b:
        return 0.5
    z = math.exp(-abs(a - b))
    return 1.0 / (1.0 + z) if a > b else z / (1.0 + z)


def excess_share(a: float, b: float) -> float:
    """exp(a) / (exp(a) - exp(b))."""
    if a == b:
        return math.inf
    m = math.expm1(-abs(a - b))
    return -1.0 / m if a > b else math.exp(a - b) / m


def _tanh_curvature(b: Any, env: Any) -> Any:
    family = "numpy" if isinstance(env["x"].type, Array) else "math"
    return b.expand("-2.0 * tanh(x) * y * dy", env, family)


rule(
    tanh_slope, "y = tanh_slope(x)", name="s2sad.tanh_slope", helper=source(tanh_slope), effect="none", cost=20,
    dx=_tanh_curvature,
)  # fmt: skip
rule(
    excess_share, "y = excess_share(a, b)", name="s2sad.excess_share", helper=source(excess_share), effect="none", cost=20,
    da="y * excess_share(b, a) * dy", db="-(y * excess_share(b, a)) * dy",
)  # fmt: skip
rule(
    folded_softplus_slope, "y = folded_softplus_slope(x)", name="s2sad.folded_softplus_slope",
    helper=source(folded_softplus_slope), effect="none", cost=20, dx="logistic(x) * logistic(-x) * dy",
)  # fmt: skip
rule(
    share, "y = share(a, b)", name="s2sad.share", helper=source(share), effect="none", cost=20,
    da="y * share(b, a) * dy", db="-(y * share(b, a)) * dy",
)  # fmt: skip
# e varies with u alone
rule(
    odds_share, "y = odds_share(u, e)", name="s2sad.odds_share", helper=source(odds_share), effect="none", cost=5,
    du="y * odds_rest(u, e) * dy", de=ZERO,
)  # fmt: skip
rule(
    odds_rest, "y = odds_rest(u, e)", name="s2sad.odds_rest", helper=source(odds_rest), effect="none", cost=5,
    du="-(y * odds_share(u, e)) * dy", de=ZERO,
)  # fmt: skip
