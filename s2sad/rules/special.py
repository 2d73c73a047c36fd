"""scipy.special, scipy.linalg: rules by name, so that scipy is imported only where the user's code imported it.

Derivatives are those of the NIST Digital Library of Mathematical Functions (DLMF) unless a source is named. A partial that
no elementary formula gives (gammainc by a, jv by the order) is left out, which refuses it.
"""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from s2sad.rules import bessel, integrals, special_numbers
from s2sad.rules.operators import _literal
from s2sad.rules.registry import ZERO, Prim, numpy_float, rule, source


class Named:
    """A function of scipy by its name, found when it is called."""

    def __init__(self, name: str) -> None:
        self.__module__, _, self.__name__ = name.rpartition(".")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.found()(*args, **kwargs)

    def found(self) -> Any:
        return getattr(importlib.import_module(self.__module__), self.__name__)


COMPILED: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for m in (special_numbers, integrals, bessel)
    for f in vars(m).values()
    if getattr(f, "__module__", "") == m.__name__
}
"""What is compiled in place of functions of scipy.special, and what that calls."""
UNLIKE = {
    "polygamma": "polygamma_of",
    "digamma": "psi",
    **{n: f"bessel_{n}" for n in ("i0", "i1", "k0", "k1")},
}
"""Where the helper has another name: the function is called so in a module, or an index."""


def substitute(name: str) -> dict[str, Any]:
    """The helper that Numba compiles for a function, and the helpers it needs."""
    fn = COMPILED.get(UNLIKE.get(name, name))
    if fn is None:
        return {}
    own = {"digamma": "s2sad.digamma", "polygamma": "s2sad.polygamma"}
    text = source(fn)
    called = dict.fromkeys(re.findall(r"(?<![\w.])(\w+)\(", text.split('"""')[-1]))
    needs = (
        own.get(n) or f"s2sad.special.{n}" for n in called if n != fn.__name__ and (n in own or n in COMPILED)
    )
    return {"helper": text, "needs": tuple(needs)}


def special(form: str, cost: int = 60, **partials: Any) -> Prim:
    """Declare `scipy.special.<name>`, which works element by element, from its form, e.g. "erf(x)"."""
    name = form.partition("(")[0]
    full = f"scipy.special.{name}"
    return rule(
        Named(full), f"y = {form}", name=full, infer=numpy_float, effect="none", cost=cost, broadcasts=True, jit=False,
        **substitute(name), **partials,
    )  # fmt: skip


SPI, S2PI, LN2, LN10 = math.sqrt(math.pi), math.sqrt(2 * math.pi), math.log(2.0), math.log(10.0)

# -- error functions and the normal distribution (DLMF 7) -----------------------------------------------

special("erf(x)", dx=f"{2 / SPI} * exp(-x * x) * dy")
special("erfc(x)", dx=f"-{2 / SPI} * exp(-x * x) * dy")
special("erfi(x)", dx=f"{2 / SPI} * exp(x * x) * dy")
special("erfcx(x)", dx="erfcx_derivative(1, x) * dy")
special("dawsn(x)", dx="dawsn_derivative(1, x) * dy")
special("erfinv(x)", dx=f"{SPI / 2} * exp(y * y) * dy")
special("erfcinv(x)", dx=f"-{SPI / 2} * exp(y * y) * dy")
special("ndtr(x)", dx=f"{1 / S2PI} * exp(-0.5 * x * x) * dy")
special("log_ndtr(x)", dx="log_ndtr_derivative(1, x) * dy")
special("ndtri(x)", dx=f"{S2PI} * exp(0.5 * y * y) * dy")

# -- gamma and beta functions (DLMF 5, 8) ------------------------------------------------------------------

special("gamma(x)", dx="y * digamma(x) * dy")
special("rgamma(x)", dx="rgamma_derivative(1, x) * dy")
for _name in ("gammaln", "loggamma"):
    special(f"{_name}(x)", dx="digamma(x) * dy")
for _name in ("digamma", "psi"):
    special(f"{_name}(x)", dx="zeta(2.0, x) * dy")  # DLMF 25.11.12
special("zeta(s, q)", dq="-s * zeta(s + 1.0, q) * dy")


def _polygamma(b: Any, env: Any) -> Any:
    """By the zeta function, which unlike polygamma() gives a number for a number."""
    n = _literal(env["n"])
    if n is None:
        return b.expand("polygamma(n + 1, x) * dy", env, "scipy.special")
    return b.expand(
        f"{(-1.0) ** n * math.factorial(int(n) + 1)!r} * zeta({n + 2.0!r}, x) * dy", env, "scipy.special"
    )


special("polygamma(n, x)", dx=_polygamma)
special("beta(a, b)", da="-y * psi_difference(0, a, b) * dy", db="-y * psi_difference(0, b, a) * dy")
special("betaln(a, b)", da="-psi_difference(0, a, b) * dy", db="-psi_difference(0, b, a) * dy")
special("gammainc(a, x)", dx="exp(xlogy(a - 1.0, x) - x - gammaln(a)) * dy")
special("gammaincc(a, x)", dx="-exp(xlogy(a - 1.0, x) - x - gammaln(a)) * dy")
special(
    "stdtr(df, x)",
    dx="exp(gammaln(0.5 * (df + 1.0)) - gammaln(0.5 * df) - 0.5 * log(pi * df) - 0.5 * (df + 1.0) * log1p(x * x / df)) * dy",
)
special("betainc(a, b, x)", dx="exp(xlogy(a - 1.0, x) + xlog1py(b - 1.0, -x) - betaln(a, b)) * dy")

# -- Bessel functions, by the argument (DLMF 10.6, 10.29) --------------------------------------------------

special("j0(x)", dx="-j1(x) * dy")
special("j1(x)", dx="0.5 * (j0(x) - jv(2.0, x)) * dy")
special("y0(x)", dx="-y1(x) * dy")
special("y1(x)", dx="0.5 * (y0(x) - yv(2.0, x)) * dy")
for _name in ("jv", "jn", "yv", "yn"):
    special(f"{_name}(v, x)", dx=f"0.5 * ({_name}(v - 1, x) - {_name}(v + 1, x)) * dy")
special("i0(x)", dx="i1(x) * dy")
special("i1(x)", dx="0.5 * (i0(x) + iv(2.0, x)) * dy")


def _modified(b: Any, env: Any) -> Any:
    """By neighbouring orders; of order 1 by i1(), since iv() is 0 for tiny arguments."""
    below = "i1(x)" if _literal(env["v"]) == 2 else "iv(v - 1, x)"
    return b.expand(f"0.5 * ({below} + iv(v + 1, x)) * dy", env, "scipy.special")


special("iv(v, x)", dx=_modified)
special("i0e(x)", dx="ive_derivative(1, 0.0, x) * dy")
special("i1e(x)", dx="ive_derivative(1, 1.0, x) * dy")
special("ive(v, x)", dx="ive_derivative(1, v, x) * dy")
special("k0(x)", dx="-k1(x) * dy")
special("k1(x)", dx="-0.5 * (k0(x) + kv(2.0, x)) * dy")
for _name in ("kv", "kn"):
    special(f"{_name}(v, x)", dx="-0.5 * (kv(v - 1, x) + kv(v + 1, x)) * dy")
special("kve(v, x)", dx="kve_derivative(1, v, x) * dy")
special("k0e(x)", dx="kve_derivative(1, 0.0, x) * dy")
special("k1e(x)", dx="kve_derivative(1, 1.0, x) * dy")

# -- logistic functions, entropies, exponentials and roots -------------------------------------------------

special("expit(x)", dx="logistic_slope(x) * dy")
special("log_expit(x)", dx="expit(-x) * dy")
special("logit(x)", dx="ratio(dy, x) + ratio(dy, 1.0 - x)")
special("xlogy(a, x)", da="xlogy(1.0, x) * dy", dx="ratio(a, x) * dy")
special("xlog1py(a, x)", da="xlog1py(1.0, x) * dy", dx="ratio(a, 1.0 + x) * dy")
special("entr(x)", dx="-(xlogy(1.0, x) + 1.0) * dy")
special("rel_entr(a, b)", da="(xlogy(1.0, a) - xlogy(1.0, b) + 1.0) * dy", db="-ratio(a, b) * dy")
special("kl_div(a, b)", da="(xlogy(1.0, a) - xlogy(1.0, b)) * dy", db="(1.0 - ratio(a, b)) * dy")
special("cbrt(x)", dx="ratio(ratio(dy, y), 3.0 * y)")
special("exp2(x)", dx=f"{LN2} * y * dy")
special("exp10(x)", dx=f"{LN10} * y * dy")
special("expm1(x)", dx="exp(x) * dy")
special("log1p(x)", dx="ratio(dy, 1.0 + x)")
special("cosm1(x)", dx="-sin(x) * dy")
special(  # away from 0 by the quotient rule: hyp1f1() is slow for large arguments
    "exprel(x)",
    dx="dy * (y * (1.0 - ratio(1.0, x)) + ratio(1.0, x) if x > 0.5 else ratio(ratio(exp(x) * (x - 1.0) + 1.0, x), x) if x < -0.5"
    " else 0.5 * hyp1f1(2.0, 3.0, minimum(maximum(x, -1.0), 1.0)))",
)
special("hyp1f1(a, b, x)", dx="a / b * hyp1f1(a + 1, b + 1, x) * dy")  # DLMF 13.3.15

# -- elliptic integrals by Carlson's R_D (DLMF 19.25.1), which is regular at 0 ------------------------------

special("elliprd(x, y, z)")
special("ellipk(m)", dm="(y - elliprd(0.0, 1.0 - m, 1.0) / 3.0) / (2.0 * (1.0 - m)) * dy")
special("ellipe(m)", dm="-elliprd(0.0, 1.0 - m, 1.0) / 6.0 * dy")


def real_lambertw(x: Any, k: Any) -> Any:
    """The Lambert W function where it is real."""
    w = scipy.special.lambertw(x, k)  # type: ignore[name-defined]  # noqa: F821
    if np.any(np.imag(w) != 0.0):
        raise ValueError("scipy.special.lambertw() is differentiated only where it is real")
    return np.real(w)


def _real_lambertw(x: Any, k: Any) -> Any:
    return np.real(Named("scipy.special.lambertw")(x, k))


rule(
    _real_lambertw, "y = real_lambertw(x, k)", name="scipy.special.real_lambertw", infer=numpy_float, effect="raises", cost=60,
    broadcasts=True, jit=False, helper=source(real_lambertw), dx="dy / (exp(y) * (1.0 + y))", dk=ZERO,
)  # fmt: skip

# -- what compiled functions call ---------------------------------------------------------------------------

for _name, _fn in COMPILED.items():
    _form = f"y = {_name}({', '.join(_fn.__code__.co_varnames[: _fn.__code__.co_argcount])})"
    rule(
        _fn,
        _form,
        name=f"s2sad.special.{_name}",
        infer=numpy_float,
        effect="none",
        jit=False,
        **substitute(_name),
    )
