"""scipy.special and scipy.linalg on abstract values: what needs more than a rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from s2sad.ir.types import Array
from s2sad.rules import arrays as a_
from s2sad.rules.arrays.products import transposed
from s2sad.rules.builder import const
from s2sad.rules.registry import PRIMS
from s2sad.typing.abstract import AV, TupleAV
from s2sad.typing.arrays import arguments, array, static
from s2sad.typing.calls import HANDLERS, Handler, primitive
from s2sad.typing.functions.core import axis_of
from s2sad.typing.functions.linalg import left_at_default, matrix
from s2sad.typing.named import NAMED


def named(name: str) -> Callable[[Handler], Handler]:
    def register(f: Handler) -> Handler:
        NAMED[name] = f
        return f

    return register


def _softmax(name: str) -> Handler:
    def apply(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"scipy.special.{name}", "x axis", args, kwargs)
        a = array(s, found.pop("x"))
        axis = axis_of(s, found, a.type.ndim) if isinstance(a.type, Array) else None
        return a_.emit(s.builder, f"scipy.special.{name}", a, hint=hint, axis=axis)

    return apply


for _name in ("softmax", "log_softmax"):
    NAMED[f"scipy.special.{_name}"] = _softmax(_name)


@named("scipy.special.lambertw")
def _lambertw(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "scipy.special.lambertw", "z k", args, kwargs)
    return primitive(
        s, PRIMS["scipy.special.real_lambertw"], [found["z"], found.get("k", const(0))], {}, hint
    )


@named("scipy.linalg.solve_triangular")
def _solve_triangular(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    params = "a b trans lower unit_diagonal overwrite_b check_finite"
    found = arguments(s, "scipy.linalg.solve_triangular", params, args, kwargs)
    a, b = matrix(s, found, "a", "solve_triangular"), array(s, found.pop("b"))
    if len(a_.dims_of(a)) != 2:
        raise s.error("scipy.linalg.solve_triangular() of stacks is not supported yet", "write a loop")
    trans = {"N": 0, "T": 1}.get(*[static(s, found, "trans", 0)] * 2)
    attrs = {n: bool(static(s, found, n, False)) for n in ("lower", "unit_diagonal")}
    static(s, found, "check_finite")
    left_at_default(s, found, "scipy.linalg.solve_triangular")
    if trans not in (0, 1):
        raise s.error(f"scipy.linalg.solve_triangular() with trans={trans!r}", "use 0 or 1")
    return a_.emit(s.builder, "scipy.linalg.solve_triangular", a, b, hint=hint, trans=trans, **attrs)


@named("scipy.linalg.expm")
def _expm(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0] if args else kwargs["A"])
    if len(a_.dims_of(a)) != 2:
        raise s.error(
            f"scipy.linalg.expm() of {a.type} is not supported yet", "apply it to one matrix at a time"
        )
    return a_.emit(s.builder, "scipy.linalg.expm", a, hint=hint)


@named("scipy.linalg.cholesky")
def _cholesky(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """Upper by default."""
    found = arguments(s, "scipy.linalg.cholesky", "a lower", args, kwargs)
    a = matrix(s, found, "a", "cholesky")
    if static(s, found, "lower", False):
        return a_.emit(s.builder, "numpy.linalg.cholesky", a, hint=hint)
    return transposed(s.builder, a_.emit(s.builder, "numpy.linalg.cholesky", transposed(s.builder, a)))


@named("scipy.linalg.cho_factor")
def _cho_factor(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """What scipy leaves in the other triangle is 0 here."""
    found = arguments(s, "scipy.linalg.cho_factor", "a lower", args, kwargs)
    lower = bool(static(s, dict(found), "lower", False))
    return TupleAV((_cholesky(s, [found["a"], const(lower)], {}, hint), const(lower)))


@named("scipy.linalg.cho_solve")
def _cho_solve(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "scipy.linalg.cho_solve", "c_and_lower b", args, kwargs)
    pair = found["c_and_lower"]
    if not isinstance(pair, TupleAV) or len(pair.items) != 2:
        raise s.error("scipy.linalg.cho_solve() takes a pair", "pass what cho_factor() gave")
    c, lower = array(s, pair.items[0]), bool(s.static(pair.items[1]))
    b = array(s, found["b"])
    for trans in (0, 1) if lower else (1, 0):
        attrs: dict[str, Any] = {"lower": lower, "trans": trans, "unit_diagonal": False}
        b = a_.emit(s.builder, "scipy.linalg.solve_triangular", c, b, **attrs)
    return b


def _as_in_numpy(name: str) -> Handler:
    """scipy.linalg's own of what numpy.linalg has, called with arrays alone."""

    def apply(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        if kwargs and name != "norm":
            raise s.error(f"scipy.linalg.{name}() with keywords is not supported yet", "leave them out")
        return HANDLERS[getattr(np.linalg, name)](s, args, kwargs, hint)

    return apply


for _name in ("solve", "inv", "det", "pinv", "norm", "eigh", "eigvalsh"):
    NAMED[f"scipy.linalg.{_name}"] = _as_in_numpy(_name)
