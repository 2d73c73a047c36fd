"""The command line: `s2sad dump FILE.py:FUNCTION`, which parses and runs none of the user's code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import gast

from s2sad import pipeline
from s2sad.assumed import assumed_keys
from s2sad.codegen import tree as t
from s2sad.codegen.load import generate
from s2sad.errors import S2sadError
from s2sad.frontend.lower import lower
from s2sad.frontend.resolve import StaticNamespace, literal
from s2sad.ir.core import Function
from s2sad.ir.printer import print_function
from s2sad.ir.types import FLOAT, INT, Array
from s2sad.signature import Parameters, gradient_tree, typed_parameters
from s2sad.transform.forward import forward
from s2sad.transform.gradient import gradient
from s2sad.typing.captures import Captures
from s2sad.typing.specialise import specialise


@click.group()
@click.version_option(package_name="s2sad")
def main() -> None:
    """s2sad: source-to-source automatic differentiation of Python functions."""


@main.command()
@click.argument("target", metavar="FILE.py:FUNCTION")
@click.option("--wrt", help="parameters to differentiate by, e.g. x,y")
@click.option("--mode", type=click.Choice(["reverse", "forward", "value"]), default="reverse")
@click.option(
    "--stage", type=click.Choice(["tac", "typed", "adjoint", "optimized", "python"]), default="python"
)
@click.option("--types", help='types of parameters, e.g. "x: float, A: float64[n], k: int"')
@click.option(
    "-O", "level", type=click.IntRange(0, 2), help="optimisation level (default: the decorator's, else 2)"
)
@click.option("-o", "out", type=click.Path(dir_okay=False), help="write to a file")
@click.option("--no-color", is_flag=True, help="plain text")
def dump(
    target: str,
    wrt: str | None,
    mode: str,
    stage: str,
    types: str | None,
    level: int | None,
    out: str | None,
    no_color: bool,
) -> None:
    """Print the generated derivative of a function, or a stage on the way to it."""
    path, _, name = target.rpartition(":")
    if not path or not name:
        raise click.UsageError("name a function as FILE.py:FUNCTION")
    try:
        text = dumped(Path(path), name, wrt, mode, stage, types, level)
    except S2sadError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(1) from None
    if out:
        Path(out).write_text(text, encoding="utf-8")
    else:
        show(text, stage, no_color)


def show(text: str, stage: str, no_color: bool) -> None:
    import sys

    if no_color or stage != "python" or not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.console import Console
    from rich.syntax import Syntax

    Console().print(Syntax(text, "python", background_color="default"))


def decorator_options(node: Any) -> dict[str, Any]:
    """The literal arguments of a @grad(...) or @value_and_grad(...) decorator."""
    for decorator in node.decorator_list:
        if (
            isinstance(decorator, gast.Call)
            and isinstance(decorator.func, gast.Name)
            and decorator.func.id in ("grad", "value_and_grad")
        ):
            found = {}
            for k in decorator.keywords:
                try:
                    found[k.arg] = literal(k.value)
                except ValueError:
                    continue
            return found
    return {}


def dumped(
    path: Path, name: str, wrt: str | None, mode: str, stage: str, types: str | None, level: int | None
) -> str:
    """The text that `dump` prints."""
    source = StaticNamespace(path).function(name)
    if stage == "tac":
        return print_function(lower(source)) + "\n"
    options = decorator_options(source.node)
    chosen: Any = tuple(w.strip() for w in wrt.split(",")) if wrt else options.get("wrt", 0)
    optimize = level if level is not None else options.get("optimize", 2)
    params = Parameters.of(source, chosen)
    keys = assumed_keys(source, params)
    declared = parse_types(types or "")
    keys.update({n: k for n, k in declared.items() if n in keys})
    values, make, inputs = typed_parameters(params, keys)
    captures = Captures()
    typed = specialise(source, make, captures)
    hidden = tuple(c.value for c in captures.variables.values())
    head = tuple(getattr(captures, "head_ops", ()))
    fn = replace(
        typed.function,
        params=(*values, *hidden),
        body=replace(typed.function.body, ops=(*head, *typed.function.body.ops)),
    )
    if stage == "typed":
        return print_function(fn) + "\n"
    made = transformed(fn, tuple(inputs), name, mode)
    if stage == "adjoint":
        return print_function(made) + "\n"
    made = pipeline.run(made, pipeline.OPTIMIZE[optimize])
    if stage == "optimized":
        return print_function(made) + "\n"

    def returns(exprs: list[Any]) -> Any:
        if mode != "reverse":
            return exprs[0] if len(exprs) == 1 else t.tuple_(exprs)
        stream = iter(exprs)
        grads = [gradient_tree(keys[n], t.name(n), stream) for n in params.wrt]
        return grads[0] if params.bare else t.tuple_(grads)

    text = generate(made, optimize, "python", returns, hidden).source
    return "".join(f"# {line}\n" for line in assumptions(params, keys, declared)) + text


def transformed(fn: Function, inputs: tuple[Any, ...], name: str, mode: str) -> Function:
    if mode == "reverse":
        return gradient(fn, inputs, f"{name}_grad", False, len(fn.body.yields) - 1)
    return forward(fn, inputs, f"{name}_jvp") if mode == "forward" else fn


def assumptions(params: Parameters, keys: dict[str, Any], declared: dict[str, Any]) -> list[str]:
    """What was assumed of undeclared parameters that are arrays."""
    return [f"assumed {n}: {k}" for n, k in keys.items() if n not in declared and isinstance(k, Array)]


def parse_types(text: str) -> dict[str, Any]:
    """Types of parameters: `float`, `int`, or a dtype with dimensions such as float64[n,m]."""
    found: dict[str, Any] = {}
    depth, part, parts = 0, "", []
    for ch in text + ",":
        depth += (ch == "[") - (ch == "]")
        if ch == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += ch
    for item in filter(None, map(str.strip, parts)):
        name, _, kind = (s.strip() for s in item.partition(":"))
        if "[" in kind:
            dtype, _, dims = kind.partition("[")
            found[name] = Array(dtype.strip(), dims.count(",") + 1)
        elif kind in ("float", "int"):
            found[name] = FLOAT if kind == "float" else INT
        else:
            raise click.UsageError(f"unknown type {kind!r} for {name!r}")
    return found


if __name__ == "__main__":
    main()
