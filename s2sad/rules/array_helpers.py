"""Helpers of the rules on whole arrays: as those on numbers (`rules.operators`), element by element.

Where no element needs the care they take, they cost one look more than the plain formula.
Written so that they neither divide by zero nor take the logarithm of it, and so warn nowhere; Numba compiles them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import s2sad.rules.logistic
import s2sad.rules.operators
import s2sad.rules.ufuncs  # noqa: F401  (the helpers on numbers)
from s2sad.ir.types import Array
from s2sad.rules.bessel import bessel_i0
from s2sad.rules.builder import ON_ARRAYS, const
from s2sad.rules.registry import PRIMS, ZERO, numpy_float, rule, source


def ratios(a: Any, b: Any) -> Any:
    """a / b where b may be 0: then 0 for a = 0, else an infinity of the sign of a."""
    if np.asarray(b).all():
        return a / b
    infinite = np.where(a != 0.0, np.where(a != 0.0, a, 1.0) * np.inf, 0.0)
    return np.where(b != 0.0, a / np.where(b != 0.0, b, 1.0), infinite)


def kept_products(a: Any, b: Any) -> Any:
    """a * b, 0 where one of them is 0: what was not selected contributes nothing, whatever its partial."""
    with np.errstate(all="ignore"):
        y = a * b
        return y if np.isfinite(y).all() else np.where((a != 0.0) & (b != 0.0), y, 0.0)


def kept_ratios(a: Any, b: Any) -> Any:
    """a / b where b may be 0 or anything: 0 for a = 0, an infinity of the sign of a for b = 0."""
    with np.errstate(all="ignore"):
        y = a / b
        return y if np.isfinite(y).all() else np.where(a != 0.0, np.where(b != 0.0, y, a * np.inf), 0.0)


def cosines(a: Any, b: Any, y: Any) -> Any:
    """a / y, y the hypotenuse of a and b: 0 where both are."""
    if np.asarray(y).all():
        return a / y
    return a / np.where(y != 0.0, y, 1.0)


def pow_bases(a: Any, b: Any, y: Any) -> Any:
    """d(a**b)/da from the result: 0 for b = 0, also at a = 0; inf where the derivative is."""
    if np.asarray(a).all() and np.asarray(y).all():
        return b * y / a
    at_zero = np.where(b == 1.0, 1.0, np.where((b > 1.0) | (b == 0.0), 0.0, np.copysign(np.inf, b)))
    lost = (y == 0.0) & (a != 0.0)
    slope = np.where(lost, b * np.where(lost, a, 1.0) ** (b - 1.0), b * y / np.where(a != 0.0, a, 1.0))
    return np.where(a != 0.0, slope, at_zero)


def pow_exponents(a: Any, b: Any, y: Any) -> Any:
    """d(a**b)/db from the result: 0 at a = 0 for b >= 0 (the limit), nan for a negative base."""
    if np.asarray(a > 0.0).all():
        return np.log(a) * y
    elsewhere = np.where(a == 0.0, np.where(b > 0.0, 0.0, -np.inf), np.nan)
    return np.where(a > 0.0, np.log(np.where(a > 0.0, a, 1.0)) * y, elsewhere)


def safe_logs(a: Any) -> Any:
    """The logarithm, 0 where there is none: only ever multiplied by a partial that is 0 there."""
    if np.asarray(a > 0.0).all():
        return np.log(a)
    return np.log(np.where(a > 0.0, a, 1.0))


def one_minus_squares(x: Any) -> Any:
    """1 - x * x without cancellation."""
    return (1.0 - x) * (1.0 + x)


def folded_softplus_slopes(x: Any) -> Any:
    """The derivative of log1p(exp(-abs(x))), which has a jump at 0 and the same slope on both sides."""
    z = np.exp(-np.abs(x))
    return -np.sign(x) * (z / (1.0 + z))


def tanh_slopes(x: Any) -> Any:
    """The derivative of tanh, also where tanh is rounded to 1."""
    z = np.exp(-2.0 * np.abs(x))
    return 4.0 * z / ((1.0 + z) * (1.0 + z))


def excess_shares(a: Any, b: Any) -> Any:
    """exp(a) / (exp(a) - exp(b))."""
    same = a == b
    d = np.where(same, 1.0, np.where(same, 0.0, a) - np.where(same, 0.0, b))
    return np.where(same, np.inf, np.where(d > 0.0, -1.0, np.exp(np.minimum(d, 0.0))) / np.expm1(-np.abs(d)))


def odds_shares(u: Any, e: Any) -> Any:
    """e / (1 + e), where e is exp(u) and may be infinite."""
    bounded = np.minimum(e, 1e30)
    return bounded / (1.0 + bounded)


def odds_rests(u: Any, e: Any) -> Any:
    """1 / (1 + e), where e is exp(u) and may be infinite."""
    return 1.0 / (1.0 + e)


def shares(a: Any, b: Any) -> Any:
    """exp(a) / (exp(a) + exp(b)): a half where they are equal, infinities too."""
    same = a == b
    z = np.exp(-np.abs(np.where(same, 0.0, a) - np.where(same, 0.0, b)))
    return np.where(a >= b, 1.0, z) / (1.0 + z)


def sinc_derivatives(n: Any, x: Any) -> Any:
    """The n-th derivative of sin(pi x) / (pi x): near 0 by the power series, else by Leibniz's rule on z s = sin z."""
    z = np.pi * x
    near, finite = np.abs(z) <= n + 1.0, np.isfinite(z)
    low, high = np.where(near, z, 0.0), np.where(near | ~finite, n + 1.0, z)
    m = n % 2
    term = (-1.0) ** ((n + 1) // 2) * low**m
    series = 0.0 * low
    for k in range(m, m + 4 * n + 48, 2):
        series = series + term / (n + k + 1)
        term = -term * low * low / ((k + 1) * (k + 2))
    turn = np.where(
        near | ~finite, n + 1.0, np.pi * np.fmod(np.where(finite, x, 0.0), 2.0)
    )  # exactly as far into a period as x
    total = np.sin(turn) / high
    for k in range(1, n + 1):
        wave = np.cos(turn) if k % 2 else np.sin(turn)
        total = ((wave if k % 4 < 2 else -wave) - k * total) / high
    return np.where(finite, np.where(near, series, total), np.nan) * np.pi**n


def where_greater(d: Any, a: Any, b: Any) -> Any:
    """d where a > b, half of it where they are equal, else 0, whatever d is there. Products are faster than np.where,
    which the processor cannot foresee."""
    ties = a == b
    if np.isfinite(d).all():
        y = d * (a > b)
        return y + 0.5 * d * ties if ties.any() else y
    return np.where(a > b, d, np.where(ties, 0.5 * d, 0.0))


def root(x: Any) -> Any:
    """The square root whose derivative at 0 is taken as 0: that of a spread where nothing varies."""
    return np.sqrt(x)


def quotient_or_zero(a: Any, b: Any) -> Any:
    """a / b, 0 where b is 0."""
    return np.where(b != 0.0, a / np.where(b != 0.0, b, 1.0), 0.0)


def bessel_i(n: Any, x: Any) -> Any:
    """The modified Bessel function I_n by its power series, whose terms have one sign, so that nothing cancels."""
    half = 0.5 * x
    term = half**n
    for k in range(1, n + 1):
        term = term / k
    total, k = term, 1
    while np.any(np.abs(term) > 1e-17 * np.abs(total)):
        term = term * half * half / (k * (k + n))
        total, k = total + term, k + 1
    return total


def unbroadcast(d: Any, sizes: Any) -> Any:
    """Sum d over the axes along which something of these sizes was broadcast to it."""
    if np.shape(d) == sizes:
        return +d
    d = np.sum(d, axis=tuple(range(np.ndim(d) - len(sizes))))
    for axis, size in enumerate(sizes):
        if size == 1 and d.shape[axis] != 1:
            d = np.sum(d, axis=axis, keepdims=True)
    return d


def take_winners(d: Any, index: Any) -> Any:
    """d[index], with 0 where a later entry of the index writes the same element."""
    last = np.full(d.shape, -1)
    number = np.arange(d[index].size).reshape(d[index].shape)
    last[index] = number
    return np.where(last[index] == number, d[index], 0.0)


def on_arrays(scalar: str, fn: Any, needs: tuple[str, ...] = ()) -> None:
    """Declare what does the same as a helper on numbers element by element: it has the same partials."""
    of = PRIMS[scalar]
    partials: dict[str, Any] = {f"d{name}": partial for name, partial in of.partials.items()}
    rule(
        fn, f"y = {fn.__name__}({', '.join(of.params)})", name=ON_ARRAYS[scalar], helper=source(fn), effect="none",
        needs=needs, broadcasts=True, cost=of.cost, **partials,
    )  # fmt: skip


for _fn in (
    ratios, cosines, pow_bases, pow_exponents, safe_logs, sinc_derivatives, where_greater, kept_products, kept_ratios,
    one_minus_squares, folded_softplus_slopes, tanh_slopes, shares, excess_shares, odds_shares, odds_rests,
):  # fmt: skip
    on_arrays(next(s for s, a in ON_ARRAYS.items() if a == f"s2sad.{_fn.__name__}"), _fn)
rule(
    quotient_or_zero, "y = quotient_or_zero(a, b)", name="s2sad.quotient_or_zero", helper=source(quotient_or_zero), effect="none", broadcasts=True,
    infer=numpy_float, da="quotient_or_zero(dy, b)", db="-quotient_or_zero(y * dy, b)",
)  # fmt: skip


def _of_root(b: Any, env: Any) -> Any:
    """Of a number without a function: Numba's np.where makes arrays of numbers."""
    if isinstance(env["y"].type, Array):
        return b.expand("quotient_or_zero(0.5 * dy, y)", env)
    return b.expand("0.5 * dy / y if y != 0.0 else 0.0", env)


rule(
    root,
    "y = root(x)",
    name="root",
    infer=numpy_float,
    effect="none",
    broadcasts=True,
    dx=_of_root,
)


def _bessel_partial(b: Any, env: Any) -> Any:
    n = env["n"].value
    above = b.emit("s2sad.bessel_i", const(n + 1), env["x"])
    below = b.emit("s2sad.bessel_i", const(n - 1), env["x"]) if n > 1 else b.emit("numpy.i0", env["x"])
    return b.expand("0.5 * (below + above) * dy", {"below": below, "above": above, "dy": env["dy"]})


rule(
    bessel_i, "y = bessel_i(n, x)", name="s2sad.bessel_i", helper=source(bessel_i), effect="none", broadcasts=True,
    infer=numpy_float, cost=100, dn=ZERO, dx=_bessel_partial,
)  # fmt: skip
rule(
    np.i0, "y = i0(x)", name="numpy.i0", infer=numpy_float, effect="none", cost=50, jit=False, helper=source(bessel_i0),
    needs=("s2sad.special.iv",), dx="bessel_i(1, x) * dy",
)  # fmt: skip
rule(
    lambda d, *sizes: unbroadcast(d, sizes), "y = unbroadcast(d, *sizes)", name="unbroadcast", helper=source(unbroadcast),
    effect="none", dd="dy", dsizes=ZERO,
)  # fmt: skip
rule(
    take_winners, "y = take_winners(d, *index)", name="take_winners", helper=source(take_winners), effect="none", dd="dy",
    dindex=ZERO,
)  # fmt: skip
