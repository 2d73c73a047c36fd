"""`s2sad support`: the catalogue of functions that have derivatives, generated from the rule table."""

from __future__ import annotations

import difflib
from typing import Any

import click

from s2sad.cli.catalogue import SYMBOLS, by_parts, catalogue, compiles, entries, modes, notes, of_part, title
from s2sad.cli.console import shown, table
from s2sad.cli.partials import partial_text
from s2sad.errors import MissingRuleError
from s2sad.rules.registry import PRIMS, ZERO, Prim


@click.command()
@click.argument("function", required=False)
@click.option("--no-color", is_flag=True, help="plain text on a terminal too")
def support(function: str | None, no_color: bool) -> None:
    """List the functions that have derivatives, or show the rule of one, e.g. math.exp."""
    if function is not None:
        one(function, no_color)
        return
    made = table("", "function", "reverse", "forward", "jit", "notes")
    for entry in entries():
        made.add_row(entry.name, entry.mode, entry.mode, entry.jit, entry.notes)
    shown(made, no_color)


def one(function: str, no_color: bool) -> None:
    """The rule of one function, as the rule table has it."""
    name = function.replace("np.", "numpy.", 1) if function.startswith("np.") else function
    found = [p for p in PRIMS.values() if name in (p.name, title(p), f"builtins.{p.name}")]
    found = found or [p for p in catalogue() if p.name.rpartition(".")[2] == name]
    if not found:
        parts = by_parts()
        match = next((n for n in parts if name in (n, n.rpartition(".")[2])), None)
        if match is not None:
            click.echo(
                f"{match} has no rule of its own: it is differentiated as the operations it stands for; jit: {of_part(match)[0]}"
            )
            return
        near = difflib.get_close_matches(name, [*(p.name for p in catalogue()), *parts], n=3)
        raise MissingRuleError(
            f"s2sad has no derivative rule for {function}()",
            hint=f"near it are {', '.join(near)}" if near else "`s2sad support` lists those that have one",
        )
    for prim in found:
        shown(rule_table(prim), no_color)


def rule_table(prim: Prim) -> Any:
    """The facts of one rule."""
    short = prim.name.rpartition(".")[2]
    call = f"{short}({', '.join(prim.params)})"
    made = table(prim.name.removeprefix("builtins."), "", "")
    made.show_header = False
    made.add_row("computes", f"y = {SYMBOLS.get(prim.name) or call}")
    for param in prim.params:
        text = rule_text(prim, param)
        made.add_row(f"d{param.lstrip('*')}", text)
    made.add_row("modes", {"yes": "reverse, forward"}.get(modes(prim), modes(prim)))
    made.add_row("jit", compiles(prim))
    made.add_row("may raise", "yes" if prim.effect == "raises" else "no")
    if notes(prim):
        made.add_row("notes", "; ".join(notes(prim)))
    return made


def rule_text(prim: Prim, param: str) -> str:
    """What a rule says of one operand: a formula in the operands, the result y and its cotangent dy."""
    partial = prim.partials.get(param)
    if partial is None:
        return "in the transform" if prim.effect in ("alloc", "reads", "writes") else "none"
    if partial is ZERO:
        return "0 (the result does not vary with it)"
    if isinstance(partial, str):
        return partial
    return partial_text(prim, param) or "an operation on whole arrays"
