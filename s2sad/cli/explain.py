"""`s2sad explain`: what the compiler found out about a function: what is active, stored, recomputed and inlined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from s2sad.analysis.uses import use_counts
from s2sad.cli.graph import Graph
from s2sad.cli.target import METAVAR, ParsedDerivative, assuming_types, keys_for, parsed_derivative
from s2sad.cli.typespec import parse_types
from s2sad.errors import S2sadError, in_words
from s2sad.ir.core import AnyOp, For, Function, Op, Value, blocks, operands, walk
from s2sad.ir.types import Array, Object, Tape, carries_derivative
from s2sad.optimize.dce import eliminate_dead_code


@click.command()
@click.argument("target", metavar=METAVAR)
@click.option(
    "--wrt", help="parameters to differentiate by, e.g. x,y (default: the decorator's, else the first)"
)
@click.option("--types", default="", help='types of parameters, e.g. "x: float, n: int"')
@click.option(
    "-O", "level", type=click.IntRange(0, 2), help="optimisation level (default: the decorator's, else 2)"
)
def explain(target: str, wrt: str | None, types: str, level: int | None) -> None:
    """Say what is differentiated, what is stored in loops and why, what is computed again, and what is refused.

    Parses, and runs none of your code.
    """
    derivative = parsed_derivative(target, wrt, level)
    declared = parse_types(types)
    keys = keys_for(derivative, declared)
    source = derivative._fsource
    where = f"{source.file.name}:{source.node.lineno}"
    click.echo(
        f"{source.qualname}() of {where}, with respect to {', '.join(map(str, derivative._params.wrt))}"
    )
    try:
        with assuming_types(keys, declared):
            typed, hidden, inputs = derivative._typed(keys)
        fn = eliminate_dead_code(typed.function)
        g = Graph.of(fn, inputs)
        section("parameters", parameters(g, derivative, set(declared), set(hidden)))
        section("variables", variables(g))
        section("inlined", inlined(fn))
        section(
            "functions of their own",
            (f"{c.name}()  recursive, or too large to copy" for c in fn.callees.values()),
        )
        made = derivative._made(keys).function
        section("stored by the forward sweep, in loops", stored(made))
        section("computed again by the reverse sweep", recomputed(made))
    except S2sadError as error:
        click.echo("\nrefused")
        click.echo("\n".join("  " + line for line in str(error).splitlines()))
        raise SystemExit(1) from None


def section(title: str, lines: Any) -> None:
    """A title and its lines, columns aligned at the double spaces; nothing where there are none."""
    rows = [line.split("  ", 2) for line in dict.fromkeys(lines)]
    if not rows:
        return
    widths = [max((len(r[i]) for r in rows if i < len(r) - 1), default=0) for i in range(2)]
    click.echo(f"\n{title}")
    for row in rows:
        cells = [c.ljust(w) for c, w in zip(row[:-1], widths, strict=False)]
        click.echo("  " + "  ".join([*cells, row[-1]]).rstrip())


def parameters(
    g: Graph, derivative: ParsedDerivative, declared: set[str], hidden: set[Value]
) -> Iterator[str]:
    wrt = {a.parameter for a in derivative._params.wrt}
    for p in g.fn.params:
        kind = "object" if isinstance(p.type, Object) else str(p.type)
        if p in hidden:
            yield f"{p.hint}  {kind}  captured, read at each call; constant for the derivative"
            continue
        told = "" if p.hint in declared or not isinstance(p.type, Array) else " (type assumed)"
        if p.hint in wrt and not isinstance(p.type, Object):
            dependent = g.is_active(p) or not carries_derivative(p.type)
            text = (
                "differentiated by"
                if dependent
                else "differentiated by, but the result does not depend on it: zero"
            )
        elif carries_derivative(p.type):
            text = "constant: not in wrt"
        else:
            text = "constant: has no derivative"
        yield f"{p.hint}  {kind}  {text}{told}"


def variables(g: Graph) -> Iterator[str]:
    """The user's variables, with the lines that give them values."""
    found: dict[str, list[tuple[Value, int]]] = {}
    for op in walk(g.fn.body):
        if isinstance(op, For) and use_counts(g.fn)[op.body.params[0]]:
            found.setdefault(op.body.params[0].hint, []).append((op.body.params[0], op.loc.line))
        for r in op.results:
            if r.hint and r.hint.isidentifier():
                found.setdefault(r.hint, []).append((r, op.loc.line))
    for name, made in found.items():
        if not name:
            continue
        lines = sorted({line for _, line in made if line})
        where = f"line {', '.join(map(str, lines))}" if lines else ""
        values = [v for v, _ in made]
        kinds = "/".join(dict.fromkeys(str(v.type) for v in values))
        if any(map(g.is_active, values)):
            yield f"{name}  {kinds}  active ({where})"
        elif any(carries_derivative(v.type) for v in values):
            yield f"{name}  {kinds}  not active: does not lie between wrt and the result ({where})"
        else:
            yield f"{name}  {kinds}  not active: has no derivative ({where})"


def inlined(fn: Function) -> Iterator[str]:
    """Functions whose operations stand in this one."""
    found: dict[tuple[str, str], set[int]] = {}
    for op in walk(fn.body):
        stmt = op.loc.stmt
        if op.loc.line and stmt.function != fn.loc.stmt.function:
            found.setdefault((stmt.function, stmt.file.name), set()).add(op.loc.line)
    for (name, file), lines in found.items():
        span = f"{min(lines)}" if len(lines) == 1 else f"{min(lines)}-{max(lines)}"
        yield f"{in_words(name)}  {file}, line {span}"


def stored(fn: Function) -> Iterator[str]:
    """Each tape: what it holds, of which loop, and which lines' reverse reads it."""
    readers = _readers(fn)
    for op in walk(fn.body):
        if not (isinstance(op, Op) and op.prim == "tape_new"):
            continue
        tape = op.result
        assert isinstance(tape.type, Tape)
        name = tape.hint.partition("·")[2] or "t"
        what = {"cond": "the branch taken", "t": "an intermediate result"}.get(name, name.strip("$"))
        lines = readers.get(tape, [])
        why = f"read by the reverse of {'; '.join(lines)}" if lines else "read by the reverse sweep"
        yield f"{what}  {tape.type.item}  each iteration of the loop in line {op.loc.line}; {why}"


def _readers(fn: Function) -> dict[Value, list[str]]:
    """For each tape, the user's statements whose reverse needs what was read from it."""
    reads = {
        op.result: op.operands[0]
        for op in walk(fn.body)
        if isinstance(op, Op) and op.prim == "tape_read" and isinstance(op.operands[0], Value)
    }
    found: dict[Value, list[str]] = {}
    for op in walk(fn.body):
        used = [o for o in operands(op) if isinstance(o, Value)]
        used += [o for b in blocks(op) for o in b.yields if isinstance(o, Value)]
        for o in used:
            tape = reads.get(o)
            if tape is not None and op.loc.line:
                quote = op.loc.stmt.text
                text = f"line {op.loc.line}" + (f": {quote}" if not quote.startswith("def ") else "")
                lines = found.setdefault(tape, [])
                if text not in lines:
                    lines.append(text)
    return found


def recomputed(fn: Function) -> Iterator[str]:
    """Operations of the reverse sweep that the forward sweep has done too."""
    names = Graph(fn, set(), Graph.of(fn, ()).aliases)
    done = {
        _signature(op) for op in walk(fn.body) if isinstance(op, Op) and not op.loc.reverse and op.results
    }
    for op in walk(fn.body):
        if isinstance(op, Op) and op.results and op.loc.reverse and _signature(op) in done:
            if _elementary(op):
                yield f"{names.expression(op)}  {op.result.type}  in the reverse of line {op.loc.line}"


def _signature(op: Op) -> Any:
    first = op.operands[0] if op.operands else None
    return op.prim, op.result.hint, first if op.prim == "load" else None


def _elementary(op: AnyOp) -> bool:
    """Whether it is the primal's: adjoints and tapes have names with a dot in them."""
    assert isinstance(op, Op)
    if "·" in op.result.hint or op.prim.startswith(("tape_", "numpy.zeros", "zeros_like")):
        return False
    held = op.operands[0] if op.operands else None
    if op.prim == "load":
        return isinstance(held, Value) and "·" not in held.hint
    return bool(op.result.hint)
