"""`s2sad bench`: how long a function and its gradient take, interpreted and compiled, at given arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from s2sad.api import grad
from s2sad.cli.console import shown, table
from s2sad.cli.live import Call, called, users_errors
from s2sad.cli.target import METAVAR
from s2sad.cli.timing import side_by_side
from s2sad.derivative import Derivative
from s2sad.errors import S2sadError


@click.command()
@click.argument("target", metavar=METAVAR)
@click.option("--at", required=True, help='arguments, e.g. "x=1.0, a=np.linspace(0.0, 1.0, 1000)"')
@click.option(
    "--wrt", help="parameters to differentiate by (default: the decorator's, else all that are floats)"
)
@click.option("--jit", is_flag=True, help="also compiled by Numba")
@click.option(
    "--repeats", type=click.IntRange(1), default=21, show_default=True, help="turns of each contestant"
)
@click.option("--no-color", is_flag=True, help="plain text on a terminal too")
def bench(target: str, at: str, wrt: str | None, jit: bool, repeats: int, no_color: bool) -> None:
    """Time a function and its gradient: medians, the contestants taking turns in one process.

    Runs your code. Compilation is not counted.
    """
    call = called(target, at, wrt)
    with users_errors(f"calling {call.name}()"):
        contestants = ready(call, jit)
        turns = {name: (fn, call.fresh()) for name, fn in contestants.items()}
        times = side_by_side(turns, repeats)
    base = times["function"]
    made = table(
        "",
        call.name,
        "time a call",
        "/ function",
        "/ function, compiled",
        right=("time a call", "/ function", "/ function, compiled"),
    )
    compiled = times.get("function, compiled")
    for name, seconds in times.items():
        made.add_row(
            name, duration(seconds), f"{seconds / base:.2f}", f"{seconds / compiled:.2f}" if compiled else ""
        )
    if compiled is None:
        del made.columns[-1]
    shown(made, no_color)


def ready(call: Call, jit: bool) -> dict[str, Callable[..., Any]]:
    """The contestants, each called once."""
    made: dict[str, Callable[..., Any]] = {"function": call.fn, "gradient": grad(call.fn, call.wrt)}
    if jit:
        made["gradient, compiled"] = grad(call.fn, call.wrt, jit=True)
    for fn in made.values():
        fn(*call.fresh())
    if jit and not isinstance(call.fn, Derivative):
        compiled = primal(call)
        if compiled is not None:
            made = {"function": made.pop("function"), "function, compiled": compiled, **made}
    return made


def primal(call: Call) -> Callable[..., Any] | None:
    """The function itself compiled, where Numba can do that."""
    import numba

    plain = getattr(call.fn, "py_func", call.fn)
    compiled = numba.njit(error_model="numpy")(plain)
    try:
        compiled(*call.fresh())
    except (S2sadError, numba.core.errors.NumbaError):
        return None
    return compiled  # type: ignore[no-any-return]


def duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
