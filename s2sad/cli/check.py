"""`s2sad check`: compares the derivative of a function with forward mode and differences, at given arguments."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from s2sad.api import grad, value_and_grad
from s2sad.cli.console import shown, table
from s2sad.cli.live import Call, called, users_errors
from s2sad.cli.target import METAVAR
from s2sad.testing import comparisons, positions


@click.command()
@click.argument("target", metavar=METAVAR)
@click.option("--at", required=True, help='arguments, e.g. "x=1.0, a=np.array([1.0, 2.0])"')
@click.option(
    "--wrt", help="parameters to differentiate by (default: the decorator's, else all that are floats)"
)
@click.option("--directions", type=click.IntRange(1), default=3, show_default=True, help="random directions")
@click.option("--rtol", type=float, default=1e-5, show_default=True, help="tolerance against differences")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--jit", is_flag=True, help="check the compiled gradient")
@click.option("--no-color", is_flag=True, help="plain text on a terminal too")
def check(
    target: str, at: str, wrt: str | None, directions: int, rtol: float, seed: int, jit: bool, no_color: bool
) -> None:
    """Check the derivatives of a function: reverse mode, forward mode and differences along random directions.

    Runs your code. The exit status is 1 where they disagree.
    """
    call = called(target, at, wrt)
    with users_errors(f"calling {call.name}()"):
        value, gradient = value_and_grad(call.fn, call.wrt, jit=jit)(*call.fresh())
        rows = comparisons(call.fn, call.args, call.wrt, rtol=rtol, directions=directions, seed=seed, jit=jit)
    shown(gradients(call, value, gradient), no_color)
    made = table(
        "",
        "direction",
        "reverse",
        "forward",
        "differences",
        "error",
        "",
        right=("reverse", "forward", "differences", "error"),
    )
    for row in rows:
        scale = max(abs(row.reverse), abs(row.differences))
        error = abs(row.reverse - row.differences) / scale if scale else 0.0
        made.add_row(
            str(row.direction + 1), *(f"{v:.12g}" for v in (row.reverse, row.forward, row.differences)),
            f"{error:.1e}", "ok" if row.good else "WRONG",
        )  # fmt: skip
    shown(made, no_color)
    bad = sum(not row.good for row in rows)
    click.echo(
        f"{bad} of {len(rows)} directions disagree"
        if bad
        else "reverse mode, forward mode and differences agree"
    )
    if bad:
        raise SystemExit(1)


def gradients(call: Call, value: Any, gradient: Any) -> Any:
    """The value, and the gradient by parameter."""
    made = table("", "", "value", "derivative")
    parts: dict[int, Any] = {}
    given = gradient if isinstance(call.wrt, (tuple, list)) else (gradient,)
    for at, part in zip(positions(grad(call.fn, call.wrt), len(call.args)), given, strict=True):
        several = isinstance(part, tuple) and any("[" in call.names[k] for k in at)  # all that `*args` takes
        parts.update(zip(at, part if several else (part,), strict=True))
    for k, (name, arg) in enumerate(zip(call.names, call.args, strict=True)):
        made.add_row(name, text(arg), text(parts[k]) if k in parts else "")
    made.add_row(f"{call.name}()", text(value), "")
    return made


def text(value: Any) -> str:
    """A value in few characters."""
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=6, threshold=12, max_line_width=60)
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.12g}"
    made = repr(value)
    return made if len(made) <= 60 else made[:57] + "..."
