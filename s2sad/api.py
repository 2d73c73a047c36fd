"""The public functions: argument checks, and the choice of what is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from s2sad.derivative import Derivative, Options
from s2sad.errors import SignatureError
from s2sad.typing.calls import HANDLERS, stopped_gradient


def _make(f: Any, wrt: Any, value: bool, options: dict[str, Any]) -> Any:
    for name, why in (("checkpoint", None), ("memory", None), ("parallel", False)):
        if options.pop(name) not in (None, why):
            raise SignatureError(
                f"{name}= is not supported yet", hint="leave it out; results are the same without it"
            )
    if options["optimize"] not in (0, 1, 2):
        raise SignatureError(f"optimize={options['optimize']!r}", hint="it is 0, 1 or 2")
    chosen = Options(wrt=wrt, value=value, **options)
    if f is None:
        return lambda fn: Derivative(fn, chosen)
    return Derivative(f, chosen)


def grad(
    f: Callable[..., Any] | None = None,
    wrt: Any = 0,
    *,
    has_aux: bool = False,
    jit: bool = False,
    optimize: int = 2,
    checkpoint: Any = None,
    memory: Any = None,
    parallel: bool = False,
    fastmath: bool = False,
    debug: bool = False,
) -> Any:
    """The gradient of a function that returns one real number, as a callable with the function's parameters.

    Works as a decorator, bare or with arguments.

    Args:
        f: a Python function whose source can be read.
        wrt: position or name of the argument to differentiate by, or a tuple of them: one gives the bare
            gradient, a tuple a tuple in that order. Arguments may be floats, arrays, and tuples, lists, dicts,
            namedtuples and dataclasses of them; the gradient has the same structure, shapes and float dtypes.
        has_aux: f returns (value, auxiliary); the result is (gradient, auxiliary).
        jit: compile the generated code with Numba.
        optimize: 0 as derived, 1 made for reading, 2 for speed.
        fastmath: let Numba reassociate floating-point operations (with `jit`).
        debug: let Numba check bounds (with `jit`).
    Raises:
        S2sadError: what cannot be differentiated, with file, line, column and a way out; when the code for a
            signature is generated.
    """
    options = dict(
        has_aux=has_aux, jit=jit, optimize=optimize, checkpoint=checkpoint, memory=memory, parallel=parallel,
        fastmath=fastmath, debug=debug,
    )  # fmt: skip
    return _make(f, wrt, False, options)


def value_and_grad(
    f: Callable[..., Any] | None = None,
    wrt: Any = 0,
    *,
    has_aux: bool = False,
    jit: bool = False,
    optimize: int = 2,
    checkpoint: Any = None,
    memory: Any = None,
    parallel: bool = False,
    fastmath: bool = False,
    debug: bool = False,
) -> Any:
    """As `grad`, returning (value, gradient), or ((value, auxiliary), gradient) with `has_aux`."""
    options = dict(
        has_aux=has_aux, jit=jit, optimize=optimize, checkpoint=checkpoint, memory=memory, parallel=parallel,
        fastmath=fastmath, debug=debug,
    )  # fmt: skip
    return _make(f, wrt, True, options)


def stop_gradient(x: Any) -> Any:
    """`x` itself; derivatives treat it as a constant."""
    return x


HANDLERS[stop_gradient] = stopped_gradient
