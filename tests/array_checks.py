"""Checks of derivatives of functions of arrays: by every floating argument, reverse, forward, differences, effects."""

from __future__ import annotations

import copy
import linecache
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from s2sad import JitError, grad, jvp, value_and_grad

STEP = 1e-6


def function_of(source: str, names: dict[str, Any]) -> Callable[..., Any]:
    """The function that a text of source defines first, among these names; s2sad finds its text."""
    name = f"<{source!r}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    space = dict(names)
    exec(compile(source, name, "exec"), space)
    return space[source.partition("def ")[2].partition("(")[0]]  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class Case:
    """A function, arguments, and how closely differences must agree."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    rtol: float = 2e-5
    atol: float = 1e-7
    step: float = STEP
    vtol: float = 1e-12


def collector(cases: list[Case]) -> Callable[..., Any]:
    """A decorator factory: `@case(*arguments)` adds the function with these arguments to `cases`."""

    def case(*args: Any, **how: float) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def keep(fn: Callable[..., Any]) -> Callable[..., Any]:
            cases.append(Case(fn, args, **how))
            return fn

        return keep

    return case


def both_targets(cases: list[Case]) -> tuple[Callable[[Case], None], Callable[[Case], None]]:
    """Two tests of a module's cases: interpreted, and compiled (a slow one)."""
    each = pytest.mark.parametrize("case", cases, ids=lambda c: c.fn.__name__)

    @each
    def exact(case: Case) -> None:
        check(replace(case, rtol=5e-5, atol=1e-5), levels=(0, 2))

    @pytest.mark.slow
    @pytest.mark.jit
    @each
    def compiled(case: Case) -> None:
        check(replace(case, rtol=5e-5, atol=1e-5), levels=(2,), jit=True)

    return exact, compiled


def random_arrays(seed: int) -> tuple[np.random.Generator, Callable[..., Any], Callable[..., Any]]:
    """A generator, and functions from sizes to normal numbers of double and of single precision."""
    rng = np.random.default_rng(seed)

    def single(*shape: int) -> Any:
        return rng.normal(size=shape).astype(np.float32)

    return rng, lambda *shape: rng.normal(size=shape), single


def is_floating(x: Any) -> bool:
    return isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")


def differences(case: Case, k: int) -> Any:
    """Central differences by argument number k, in float64."""
    base = np.asarray(case.args[k], dtype=np.float64)
    found = np.zeros_like(base)
    for i in np.ndindex(base.shape):
        values = []
        for sign in (1.0, -1.0):
            moved = base.copy()
            moved[i] += sign * case.step
            args = [copy.deepcopy(a) for a in case.args]
            args[k] = moved if base.ndim else float(moved)
            values.append(float(case.fn(*args)))
        found[i] = (values[0] - values[1]) / (2 * case.step)
    return found


def check(
    case: Case, *, jit: bool = False, levels: tuple[int, ...] = (0, 1, 2), single: bool = False
) -> None:
    """Raise AssertionError where the derivatives of a case disagree.

    Reverse mode at these levels against differences and forward mode; arguments changed as the function changes
    them; gradients of the arguments' shapes and dtypes that share no memory. With `jit`, compiled against
    interpreted; a JitError is a refusal and passes only where the case says so. `single`: float32 comes up.
    """
    wrt = tuple(i for i, a in enumerate(case.args) if is_floating(a))
    if jit:
        after, given = copy.deepcopy(case.args), copy.deepcopy(case.args)
        expected = grad(case.fn, wrt=wrt)(*after)
        found = grad(case.fn, wrt=wrt, jit=True)(*given)
        single = single or any(isinstance(a, np.ndarray) and a.dtype == np.float32 for a in case.args)
        for k, (a, b) in enumerate(zip(found, expected, strict=True)):
            np.testing.assert_allclose(a, b, rtol=2e-5 if single else 1e-9, atol=1e-6 if single else 1e-12)
            assert np.shape(a) == np.shape(b) and getattr(a, "dtype", None) == getattr(b, "dtype", None)
            others = [*given, *found[:k], *found[k + 1 :]]
            assert not any(isinstance(o, np.ndarray) and np.may_share_memory(a, o) for o in others)
        for a, b in zip(given, after, strict=True):
            np.testing.assert_allclose(
                a, b, rtol=1e-5 if single else 1e-12, err_msg="arguments after the call"
            )
        return
    after = copy.deepcopy(case.args)
    value = case.fn(*after)
    expected = [differences(case, k) for k in wrt]
    for level in levels:
        given = copy.deepcopy(case.args)
        out, found = value_and_grad(case.fn, wrt=wrt, optimize=level)(*given)
        np.testing.assert_allclose(out, value, rtol=case.vtol)
        for a, b in zip(given, after, strict=True):
            np.testing.assert_array_equal(a, b, err_msg="arguments after the call")
        for i, (k, d, e) in enumerate(zip(wrt, found, expected, strict=True)):
            assert np.shape(d) == np.shape(case.args[k]), (np.shape(d), np.shape(case.args[k]))
            np.testing.assert_allclose(
                d, e, rtol=case.rtol, atol=case.atol, err_msg=f"argument {k}, level {level}"
            )
            if isinstance(d, np.ndarray):
                assert d.dtype == case.args[k].dtype and d.flags.writeable
                others = [*given, *found[:i], *found[i + 1 :]]
                assert not any(isinstance(o, np.ndarray) and np.may_share_memory(d, o) for o in others)
    rng = np.random.default_rng(1)
    along = tuple(
        rng.normal(size=np.shape(a))
        if isinstance(a, np.ndarray) and is_floating(a)
        else 1.0
        if is_floating(a)
        else None
        for a in case.args
    )
    _, moved = jvp(case.fn, copy.deepcopy(case.args), along)
    dot = sum(np.sum(g * along[k]) for g, k in zip(found, wrt, strict=True))
    single = case.vtol > 1e-10 or any(isinstance(a, np.ndarray) and a.dtype == np.float32 for a in case.args)
    np.testing.assert_allclose(
        moved,
        dot,
        rtol=1e-4 if single else 1e-8,
        atol=1e-4 if single else 1e-10,
        err_msg="forward against reverse",
    )


__all__ = ["Case", "JitError", "check"]
