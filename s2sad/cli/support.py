"""`s2sad support`: the catalogue of functions that have derivatives, generated from the rule table."""

from __future__ import annotations

import difflib
import math
from typing import Any

import click

import s2sad.rules  # noqa: F401  (loads the rule table)
from s2sad.cli.console import shown, table
from s2sad.cli.partials import partial_text
from s2sad.errors import MissingRuleError
from s2sad.rules.arrays import INFER
from s2sad.rules.registry import PRIMS, ZERO, Prim
from s2sad.typing.calls import HANDLERS
from s2sad.typing.functions import load_library

SYMBOLS = {
    "add": "a + b", "sub": "a - b", "mul": "a * b", "div": "a / b", "floordiv": "a // b", "mod": "a % b",
    "pow": "a**b", "neg": "-a", "pos": "+a", "lt": "a < b", "le": "a <= b", "gt": "a > b", "ge": "a >= b",
    "eq": "a == b", "ne": "a != b", "is": "a is b", "is_not": "a is not b", "not": "not a", "bitand": "a & b",
    "bitor": "a | b", "bitxor": "a ^ b", "lshift": "a << b", "rshift": "a >> b", "invert": "~a",
}  # fmt: skip
FAMILIES = ("math", "numpy", "builtins")


@click.command()
@click.argument("function", required=False)
@click.option("--no-color", is_flag=True, help="plain text on a terminal too")
def support(function: str | None, no_color: bool) -> None:
    """List the functions that have derivatives, or show the rule of one, e.g. math.exp."""
    if function is not None:
        one(function, no_color)
        return
    made = table("", "function", "reverse", "forward", "jit", "notes")
    for prim in sorted(catalogue(), key=_order):
        mode = modes(prim)
        made.add_row(title(prim), mode, mode, compiles(prim), notes(prim))
    for name in sorted(by_parts()):
        made.add_row(name, "yes", "yes", "in part", "differentiated as what it does")
    shown(made, no_color)


def catalogue() -> list[Prim]:
    """The rules that are for functions and operators a user writes."""
    return [p for p in PRIMS.values() if (p.module in FAMILIES or p.name in SYMBOLS) and _public(p)]


def _public(prim: Prim) -> bool:
    name = prim.name.rpartition(".")[2]
    if prim.module == "builtins" or prim.name in SYMBOLS:
        return True
    module: Any = math
    if prim.module == "numpy":
        import numpy

        module = numpy
    return hasattr(module, name)


def by_parts() -> set[str]:
    """Functions without a rule of their own, which typing takes apart into operations that have one."""
    load_library()
    found = set()
    ruled = {p.name for p in PRIMS.values() if p in catalogue()}
    for fn in HANDLERS:
        owner: Any = getattr(fn, "__self__", None)
        of_ufunc = type(owner).__module__ == "numpy" and hasattr(owner, "__name__")  # np.add.reduce
        module = "numpy" if of_ufunc else (getattr(fn, "__module__", None) or "").lstrip("_")
        name = f"{owner.__name__}.{fn.__name__}" if of_ufunc else getattr(fn, "__name__", "")
        full = f"{'numpy' if module.startswith('numpy') else module}.{name}"
        if name and full.partition(".")[0] in (*FAMILIES, "operator") and full not in ruled:
            found.add(full.removeprefix("builtins."))
    return found


def _order(prim: Prim) -> tuple[int, str]:
    family = 0 if prim.name in SYMBOLS else 1 + FAMILIES[::-1].index(prim.module)
    return family, prim.name if family else f"{list(SYMBOLS).index(prim.name):02}"


def title(prim: Prim) -> str:
    return SYMBOLS.get(prim.name) or prim.name.removeprefix("builtins.")


def modes(prim: Prim) -> str:
    """Both modes come from the same partials: what holds for one holds for the other."""
    if prim.effect in ("alloc", "reads", "writes"):
        return "yes"
    said = [prim.partials.get(p) for p in prim.params]
    if all(s is ZERO for s in said):
        return "constant"
    return "yes" if all(s is not None for s in said) else "in part"


def compiles(prim: Prim) -> str:
    """Whether the function can be compiled: Numba knows it, or the rule brings a substitute. Operations on whole
    arrays compile in part: what neither has is a JitError."""
    if not (prim.jit or prim.helper):
        return "no"
    return "in part" if prim.name in INFER else "yes"


def notes(prim: Prim) -> str:
    found = [prim.note] if prim.note else []
    if modes(prim) == "constant":
        found.append("piecewise constant: derivative 0")
    missing = [p for p in prim.params if p not in prim.partials]
    if missing and prim.effect not in ("alloc", "reads", "writes"):
        found.append(f"not with respect to {', '.join(m.lstrip('*') for m in missing)}")
    if not prim.jit and prim.helper:
        found.append("a substitute is compiled")
    return "; ".join(found)


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
                f"{match} has no rule of its own: it is differentiated as the operations it stands for"
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
        made.add_row("notes", notes(prim))
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
