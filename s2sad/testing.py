"""`check_grad`: is this derivative right? Public, for users and for authors of rules."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from s2sad.bound import apart
from s2sad.errors import CheckError, SignatureError, public
from s2sad.kinks import Kink, kinks

STEPS = (1e-3, 1e-4, 1e-5, 1e-6)  # of differences: smaller ones where the larger do not settle
SETTLED = 1e-7  # how close two orders of extrapolation are, then


@public
def check_grad(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    wrt: Any = 0,
    *,
    rtol: float = 1e-5,
    directions: int = 3,
    seed: int = 0,
    jit: bool = False,
) -> None:
    """Compare reverse mode, forward mode and differences of a function at one point.

    Along random directions v: the gradient's dot product with v, the derivative along v by forward mode, and
    Richardson-extrapolated central differences (error O(h^4)), of steps that become smaller until they settle. Reverse and forward mode must agree to 1e-9,
    both with differences to `rtol`, relative to the larger of the two; NaN fails. So does a point on a kink, where
    derivatives are conventions: an absolute value or a norm of 0, a tie, equal eigenvalues.

    Raises:
        CheckError: with a table of the values that disagree, or the lines that have a kink there.
    """
    if not isinstance(args, (tuple, list)):
        raise SignatureError(
            f"check_grad(f, args) takes the arguments of f as a tuple, not {type(args).__name__}",
            hint="write check_grad(f, (x,)) for one argument",
        )
    args = tuple(args)
    rows = comparisons(f, args, wrt, rtol=rtol, directions=directions, seed=seed, jit=jit)
    found = kinks_at(f, args, wrt)
    name = getattr(f, "__qualname__", repr(f))
    text = []
    if not all(row.good for row in rows):
        head = f"{'direction':>9}  {'reverse':>22}  {'forward':>22}  {'differences':>22}"
        text += [f"the derivatives of {name}() disagree:", head, *map(str, rows)]
    if found:
        text += [
            f"the point lies on a kink of {name}() or at equal eigenvalues, where derivatives are conventions:"
        ]
        text += [f"{loc}: {what}" for loc, what in found]
    if text:
        raise CheckError("\n".join(text))


def kinks_at(f: Callable[..., Any], args: tuple[Any, ...], wrt: Any) -> list[Kink]:
    """The kinks of a function at a point; none where the function does what the interpreter does not know."""
    from s2sad.api import grad

    derivative, receiver = apart(grad(f, wrt))
    args = (*receiver, *args)
    typed, _, inputs = derivative.typed_for(args)
    captured = [c.get() for c in typed.captures.variables.values()]
    try:
        return kinks(typed.function, tuple(inputs), [*_copied(args), *captured])
    except (
        Exception
    ):  # the interpreter is no part of any derivative, and knows less: these have been compared by now
        return []


@dataclass(frozen=True, slots=True)
class Comparison:
    """The derivative along one random direction, found in three ways."""

    direction: int
    reverse: float
    forward: float
    differences: float
    good: bool

    def __str__(self) -> str:
        numbers = f"{self.reverse:>22.15g}  {self.forward:>22.15g}  {self.differences:>22.15g}"
        return f"{self.direction:>9}  {numbers}  {'ok' if self.good else 'WRONG'}"


def comparisons(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    wrt: Any = 0,
    *,
    rtol: float = 1e-5,
    directions: int = 3,
    seed: int = 0,
    jit: bool = False,
) -> list[Comparison]:
    """What `check_grad` compares, one row a direction."""
    from s2sad.api import grad
    from s2sad.modes import jvp

    gradient = grad(f, wrt, jit=jit)
    where = [i for at in positions(gradient, len(args)) for i in at]
    parts = gradient(*_copied(args))
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(directions):
        along = [_direction(args[i], rng) for i in where]
        reverse = math.fsum(float(np.sum(g * d)) for g, d in zip(_leaves(parts), _leaves(along), strict=True))
        tangents = [_zero(a) for a in args]
        floats = list(args)
        for i, v in zip(where, along, strict=True):
            tangents[i] = v
            floats[i] = _moved(args[i], v, 0.0)
        ahead = float(jvp(f, _copied(tuple(floats)), tuple(tangents))[1])
        differences = _richardson(f, args, where, along)
        scale = max(abs(reverse), abs(differences), 1e-6)
        good = (
            abs(reverse - ahead) <= 1e-9 * max(abs(reverse), abs(ahead), 1e-12)
            and abs(reverse - differences) <= rtol * scale
        )
        rows.append(Comparison(k, reverse, ahead, differences, good))
    return rows


def positions(gradient: Any, count: int) -> list[list[int]]:
    """For each argument to differentiate by the positions of its parts among so many arguments of a call."""
    derivative, receiver = apart(gradient)
    found = [
        [
            k - len(receiver)
            for k in places(derivative._signature, a.parameter, a.number, len(receiver) + count)
        ]
        for a in derivative._params.wrt
    ]
    if any(k >= count for at in found for k in at):
        raise SignatureError(
            f"check_grad of {derivative._name}() got {count} arguments, without one to differentiate by",
            hint="pass all arguments that wrt names",
        )
    return found


def places(signature: inspect.Signature, parameter: str, number: int | None, count: int) -> list[int]:
    """The positions of an argument to differentiate by, among so many positional ones."""
    kinds = {n: p.kind for n, p in signature.parameters.items()}
    if kinds[parameter] in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD):
        raise SignatureError(
            f"check_grad passes arguments by position, and {parameter!r} is passed by keyword",
            hint=f"check a function that takes it by position, such as lambda {parameter}: f({parameter}={parameter})",
        )
    first = list(kinds).index(parameter)
    if kinds[parameter] is not inspect.Parameter.VAR_POSITIONAL:
        return [first]
    rest = list(range(first, count))
    return rest if number is None else [rest[number]]


def _copied(args: tuple[Any, ...]) -> tuple[Any, ...]:
    import copy

    return tuple(copy.deepcopy(a) if not callable(a) else a for a in args)


def _leaves(nest: Any) -> Iterator[Any]:
    if isinstance(nest, dict):
        for v in nest.values():
            yield from _leaves(v)
    elif isinstance(nest, (tuple, list)):
        for v in nest:
            yield from _leaves(v)
    else:
        yield nest


def _map(fn: Callable[..., Any], nest: Any, *others: Any) -> Any:
    if isinstance(nest, dict):
        return {k: _map(fn, v, *(o[k] for o in others)) for k, v in nest.items()}
    if isinstance(nest, (tuple, list)):
        items = [_map(fn, v, *(o[i] for o in others)) for i, v in enumerate(nest)]
        return type(nest)(*items) if hasattr(nest, "_fields") else type(nest)(items)
    return fn(nest, *others)


def _direction(value: Any, rng: np.random.Generator) -> Any:
    return _map(
        lambda x: rng.normal(size=x.shape) if isinstance(x, np.ndarray) else float(rng.normal()), value
    )


def _zero(value: Any) -> Any:
    return (
        _map(lambda x: np.zeros(x.shape) if isinstance(x, np.ndarray) else 0.0, value)
        if not callable(value)
        else 0.0
    )


def _moved(value: Any, along: Any, h: float) -> Any:
    return _map(lambda x, d: x + h * d, value, along)


def _richardson(f: Any, args: tuple[Any, ...], where: list[int], along: list[Any]) -> float:
    def central(h: float) -> float:
        values = []
        for step in (h, -h):
            moved = list(_copied(args))
            for i, v in zip(where, along, strict=True):
                moved[i] = _moved(args[i], v, step)
            values.append(float(f(*moved)))
        return (values[0] - values[1]) / (2 * h)

    best, least = math.nan, math.inf
    for h in STEPS:
        first, second, third = central(h), central(h / 2), central(h / 4)
        a, b = (4 * second - first) / 3, (4 * third - second) / 3
        error = abs(b - a)
        if not error >= least:  # nan, too
            best, least = (16 * b - a) / 15, error
        if error <= SETTLED * abs(b):
            break
    return best
