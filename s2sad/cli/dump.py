"""`s2sad dump`: the generated derivative of a function, or a stage on the way to it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from s2sad import pipeline
from s2sad.cli.console import echo
from s2sad.cli.target import METAVAR, ParsedDerivative, assuming_types, keys_for, parsed_derivative
from s2sad.cli.typespec import parse_types
from s2sad.codegen import tree as t
from s2sad.codegen.load import generate
from s2sad.codegen.standalone import standalone
from s2sad.derivative import value_tree
from s2sad.frontend.lower import lower
from s2sad.ir.core import Function
from s2sad.ir.printer import print_function
from s2sad.ir.types import Array, is_float, is_memory
from s2sad.lowered import Lowered
from s2sad.transform.forward import forward
from s2sad.transform.gradient import gradient
from s2sad.typing.structure import decided

STAGES = ("tac", "typed", "adjoint", "optimized", "python")


@click.command()
@click.argument("target", metavar=METAVAR)
@click.option(
    "--wrt", help="parameters to differentiate by, e.g. x or x,y (default: the decorator's, else the first)"
)
@click.option(
    "--mode", type=click.Choice(["reverse", "forward", "value"]), default="reverse", show_default=True
)
@click.option("--stage", type=click.Choice(STAGES), default="python", show_default=True)
@click.option("--types", default="", help='types of parameters, e.g. "x: float, A: float64[n,m], k: int"')
@click.option(
    "-O", "level", type=click.IntRange(0, 2), help="optimisation level (default: the decorator's, else 2)"
)
@click.option("-o", "out", type=click.Path(dir_okay=False), help="write a module that runs without s2sad")
@click.option("--no-color", is_flag=True, help="plain text on a terminal too")
def dump(
    target: str,
    wrt: str | None,
    mode: str,
    stage: str,
    types: str,
    level: int | None,
    out: str | None,
    no_color: bool,
) -> None:
    """Print the generated derivative of a function, or a stage on the way to it.

    Parses, and runs none of your code. Undeclared arrays are taken as float64 with the rank of their subscripts.
    """
    derivative = parsed_derivative(target, wrt, level)
    if stage == "tac":
        text = print_function(lower(derivative._fsource)) + "\n"
    else:
        declared = parse_types(types)
        keys = keys_for(derivative, declared)
        head = "".join(f"# {line}\n" for line in assumptions(keys, declared)) if stage == "python" else ""
        with assuming_types(keys, declared):
            text = head + staged(derivative, keys, mode, stage, alone=out is not None)
    if out is None:
        echo(text, "python" if stage == "python" else "", no_color)
        return
    try:
        Path(out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"-o {out}: {error.strerror}") from None


def staged(derivative: ParsedDerivative, keys: dict[str, Any], mode: str, stage: str, alone: bool) -> str:
    """The text of a stage; `alone` writes the generated module so that it needs nothing beside it."""
    if stage == "typed":
        return print_function(derivative._typed(keys)[0].function) + "\n"
    if mode == "reverse":
        if stage == "adjoint":
            return print_function(decided(partial(reversed_, derivative), keys)) + "\n"
        lowered = derivative._made(keys)
    else:
        if stage == "adjoint":
            return print_function(decided(partial(moved, derivative, mode), keys)[0]) + "\n"
        lowered = decided(partial(other, derivative, mode), keys)
    if stage == "optimized":
        return print_function(lowered.function) + "\n"
    return standalone(lowered, derivative._fsource) if alone else lowered.source


def reversed_(derivative: ParsedDerivative, keys: dict[str, Any], sized: bool) -> Function:
    """The derivative before optimisation."""
    typed, _, inputs = derivative._typed(keys, sized)
    name = f"{derivative._name}_{derivative._suffix}"
    derivative._aux(typed.result)
    count = len(typed.function.body.yields) - 1
    options = derivative._options
    fn = pipeline.prepared(typed.function, options.optimize, "numba" if options.jit else "python")
    return gradient(fn, tuple(inputs), name, options.value, count)


def moved(derivative: ParsedDerivative, mode: str, keys: dict[str, Any], sized: bool) -> tuple[Function, Any]:
    """The function itself, or its forward-mode derivative, before optimisation."""
    typed, hidden, inputs = derivative._typed(keys, sized)
    fn = typed.function
    if mode == "forward":
        fn = forward(fn, tuple(inputs), f"{derivative._name}_jvp")
    return fn, (typed, hidden)


def other(derivative: ParsedDerivative, mode: str, keys: dict[str, Any], sized: bool) -> Lowered:
    """Generated code that is not a gradient."""
    made, (typed, hidden) = moved(derivative, mode, keys, sized)
    results = typed.function.body.yields
    optimize = derivative._options.optimize
    made = pipeline.run(made, pipeline.OPTIMIZE[optimize])

    def returns(exprs: list[Any]) -> Any:
        value = value_tree(typed.result, exprs[: len(results)])
        if mode == "value":
            return value
        tangents = iter(exprs[len(results) :])
        along = [
            next(tangents) if is_float(o.type) or is_memory(o.type) else t.constant(0.0) for o in results
        ]
        return t.tuple_([value, value_tree(typed.result, along)])

    target = "numba" if derivative._options.jit else "python"
    generated = generate(made, optimize, target, returns, hidden)
    captured = tuple(typed.captures.variables.values())
    return Lowered(generated, typed.function, made, captured, (), derivative._name, keys, target)


def assumptions(keys: dict[str, Any], declared: dict[str, Any]) -> list[str]:
    """What was assumed of undeclared parameters that are arrays."""
    return [f"assumed {n}: {k}" for n, k in keys.items() if n not in declared and isinstance(k, Array)]
