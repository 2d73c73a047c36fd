"""Do the contestants agree? Every gradient is compared with that of the first hand-written adjoint before it is timed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.benchmarks.problem import Arguments, Problem, Ready, differ


class Missing(Exception):
    """A contestant that is not there, and why."""


def contestants(problem: Problem) -> Iterator[str]:
    """All names, the function and the reference first."""
    yield "function"
    for style in problem.styles:
        yield f"s2sad {style}"
        yield f"s2sad {style}, compiled"
    yield from (f"hand: {name}" for name in problem.hand)
    yield from (f"closed: {name}" for name in problem.closed)
    yield from problem.rivals


def ready(problem: Problem, name: str, args: Arguments) -> Ready:
    """A contestant, with its arguments.

    Raises:
        Missing: it does not take this program, or is not installed.
    """
    if name == "function":
        return Ready(
            problem.primal(problem.styles[problem.figure].fn), problem.of_style(problem.figure, args)
        )
    kind, _, what = name.partition(": ")
    if kind in ("hand", "closed"):
        return Ready((problem.hand if kind == "hand" else problem.closed)[what], args)
    if name.startswith("s2sad "):
        return by_s2sad(problem, name.removeprefix("s2sad "), args)
    rival = problem.rivals[name]
    if isinstance(rival, str):
        raise Missing(rival)
    try:
        return rival(args, problem.wrt)
    except ImportError as error:
        raise Missing(f"{error.name or error} is not installed") from None


def by_s2sad(problem: Problem, which: str, args: Arguments) -> Ready:
    name, jit = which.removesuffix(", compiled"), which.endswith(", compiled")
    style = problem.styles[name]
    derivative = problem.derivative(style.fn, problem.wrt, jit)
    return Ready(problem.around(derivative, jit), problem.of_style(name, args))


def reference(problem: Problem, args: Arguments) -> Any:
    """The gradients of the first adjoint written by hand."""
    return next(iter(problem.hand.values()))(*args)


def disagreement(problem: Problem, result: Any, wanted: Any) -> str:
    """A word if the gradients differ by more than the problem allows."""
    error = differ(result, wanted)
    return f"disagrees: relative error {error:.1e}" if error > problem.rtol else ""
