"""`s2sad graph`: the computational graph of a function, with the derivative of every edge, as a tree or as DOT."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import click

from s2sad.analysis.activity import active_values
from s2sad.analysis.aliases import Aliases
from s2sad.analysis.uses import definitions
from s2sad.cli.catalogue import SYMBOLS
from s2sad.cli.console import echo, shown
from s2sad.cli.partials import formula
from s2sad.cli.target import (
    METAVAR,
    ParsedDerivative,
    assuming_types,
    keys_for,
    parsed,
    parsed_derivative,
    with_respect_to_all,
)
from s2sad.cli.typespec import parse_types
from s2sad.ir.core import (
    AnyOp,
    Block,
    Const,
    For,
    Function,
    If,
    Op,
    Operand,
    Undef,
    Value,
    While,
    all_operands,
    walk,
)
from s2sad.ir.types import Object, is_memory
from s2sad.optimize.dce import eliminate_dead_code
from s2sad.rules.registry import PRIMS


@click.command()
@click.argument("target", metavar=METAVAR)
@click.option("--format", "form", type=click.Choice(["text", "dot"]), default="text", show_default=True)
@click.option("--wrt", help="parameters to differentiate by (default: the decorator's, else all that can be)")
@click.option("--types", default="", help='types of parameters, e.g. "x: float, n: int"')
@click.option("--no-color", is_flag=True, help="plain text on a terminal too")
def graph(target: str, form: str, wrt: str | None, types: str, no_color: bool) -> None:
    """Print the computational graph of a function: operations, operands, and the derivative along each edge.

    Parses, and runs none of your code. For a picture: s2sad graph FILE.py:FUNCTION --format dot | dot -Tsvg
    """
    derivative = parsed_derivative(target, wrt)
    declared = parse_types(types)
    if wrt is None and not isinstance(parsed(target), ParsedDerivative):
        derivative = with_respect_to_all(derivative, keys_for(derivative, declared))
    keys = keys_for(derivative, declared)
    with assuming_types(keys, declared):
        typed, _, inputs = derivative._typed(keys)
    shown_graph = Graph.of(eliminate_dead_code(typed.function), inputs)
    if form == "dot":
        from s2sad.cli.dot import Dot

        echo(Dot(shown_graph).text())
    else:
        shown(tree(shown_graph), no_color)


@dataclass(eq=False)
class Graph:
    """A typed function with a name for each value, and which values carry derivatives."""

    fn: Function
    active: set[Value]
    aliases: Aliases
    names: dict[Value, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    conditions: dict[Value, Op] = field(default_factory=dict)
    quoted: set[Value] = field(default_factory=set)  # conditions that the head of their branch or loop shows

    @classmethod
    def of(cls, fn: Function, inputs: Any) -> Graph:
        aliases = Aliases(fn)
        made = cls(fn, active_values(fn, inputs, fn.body.yields, aliases), aliases)
        for p in fn.params:
            made.name(p)
        uses = Counter(o for o in all_operands(fn.body) if isinstance(o, Value))
        made.conditions = {
            v: op
            for v, op in definitions(fn).items()
            if isinstance(op, Op) and op.prim in SYMBOLS and uses[v] == 1
        }
        tests = [
            op.cond if isinstance(op, If) else op.test.yields[0]
            for op in walk(fn.body)
            if isinstance(op, (If, While))
        ]
        made.quoted = {v for v in tests if isinstance(v, Value) and v in made.conditions}
        result = fn.body.yields[0] if fn.body.yields else None
        if isinstance(result, Value) and not _user(result) and result not in made.names:
            made.names[result] = made.unique(fn.name)
        return made

    def name(self, o: Operand) -> str:
        """What a value is called: the user's name, with a number where the name has several values."""
        if isinstance(o, Const):
            return repr(o.value) if isinstance(o.value, (int, float, complex, str, bool, type(None))) else "…"
        if isinstance(o, Undef):
            return "unbound"
        if o not in self.names:
            self.names[o] = self.unique(o.hint) if _user(o) else self.unique("v", 1)
        return self.names[o]

    def unique(self, base: str, first: int = 0) -> str:
        made = next(
            n
            for k in count(first)
            if (n := f"{base}{k}" if first else f"{base}_{k}" if k else base) not in self.taken
        )
        self.taken.add(made)
        return made

    def condition(self, o: Operand) -> str:
        """A condition as the user wrote it, where nothing else reads it."""
        op = self.conditions.get(o) if isinstance(o, Value) else None
        return self.expression(op) if op is not None else self.name(o)

    def is_active(self, o: Operand) -> bool:
        return isinstance(o, Value) and (self.aliases.find(o) if is_memory(o.type) else o) in self.active

    def expression(self, op: Op) -> str:
        """An operation as the user would write it."""
        args = [self.name(o) for o in op.operands]
        symbol = SYMBOLS.get(op.prim)
        if symbol is not None:
            return _infix(symbol, args)
        if op.prim == "load":
            return f"{args[0]}[{args[1]}]"
        if op.prim in ("store", "accumulate"):
            return f"{args[0]}[{args[1]}] {'=' if op.prim == 'store' else '+='} {args[2]}"
        if op.prim == "extract":
            path = "".join(f"[{k!r}]" if kind == "item" else f".{k}" for kind, k in op.attr("path", ()))
            return args[0] + path
        if op.prim == "constant":
            return repr(op.attr("value"))
        if op.prim == "invoke":
            return f"{op.attr('callee')}({', '.join(args)})"
        name = {"alloc_list": "list", "list_of": "list", "array_of": "numpy.array"}.get(op.prim, op.prim)
        return f"{name.removeprefix('builtins.').removeprefix('math.')}({', '.join(args)})"

    def partials(self, op: Op) -> list[tuple[Operand, str, str]]:
        """(operand, name of what it moves, formula) of each edge that carries a derivative."""
        found: list[tuple[Operand, str, str]] = []
        if op.prim in ("store", "accumulate", "append"):
            value, target = op.operands[-1], self.expression(op).partition(" ")[0]
            return [(value, target, "1")] if self.is_active(value) and self.is_active(op.operands[0]) else []
        if not op.results or not self.is_active(op.result):
            return []
        prim, result = PRIMS.get(op.prim), self.name(op.result)
        if prim is None:
            return found
        for i, o in enumerate(op.operands):
            if not self.is_active(o):
                continue
            if op.prim in ("load", "extract", "copy", "list_of", "array_of", "alloc_list"):
                found.append((o, result, "1"))
                continue
            text = formula(prim, prim.param(i), self.environment(prim, op, i), result)
            text = text.removesuffix(".0") if text.lstrip("-").replace(".", "", 1).isdigit() else text
            if text != "0":
                found.append((o, result, text))
        return found

    def environment(self, prim: Any, op: Op, index: int) -> dict[str, Any]:
        named = [o if isinstance(o, Const) else Value(self.name(o), o.type) for o in op.operands]
        env: dict[str, Any] = {
            p: o for p, o in zip(prim.params, named, strict=False) if not p.startswith("*")
        }
        if prim.param(index).startswith("*"):
            env |= {"x": named[index], "others": [o for j, o in enumerate(named) if j != index]}
        return env

    def head(self, op: AnyOp) -> str:
        """The first line of a branch or loop."""
        if isinstance(op, If):
            return f"if {self.condition(op.cond)}"
        if isinstance(op, For):
            bounds = [self.name(o) for o in (op.start, op.stop, op.step)]
            if bounds[2] == "1":
                bounds = bounds[1:2] if bounds[0] == "0" else bounds[:2]
            return f"for {self.name(op.body.params[0])} in range({', '.join(bounds)})"
        return f"while {self.condition(op.test.yields[0])}" if isinstance(op, While) else "loop"


def name_first(g: Graph, op: AnyOp) -> None:
    """The values that a loop carries have their names before anything in it does."""
    for p in op.body.params if isinstance(op, For) else op.test.params if isinstance(op, While) else ():
        g.name(p)


def _user(v: Value) -> bool:
    return bool(v.hint) and v.hint.isidentifier()


def _infix(symbol: str, args: list[str]) -> str:
    if len(args) == 1:
        return symbol.replace("a", args[0]) if symbol[0] in "-+~" else f"not {args[0]}"
    return args[0] + symbol[1:-1] + args[1]


def _line(op: AnyOp) -> str:
    return f"line {op.loc.line}" if op.loc.line else ""


# -- a tree -------------------------------------------------------------------------------------------


def tree(g: Graph) -> Any:
    """The graph as a tree of lines: what is computed, the derivatives along its edges, the user's line."""
    from rich.text import Text
    from rich.tree import Tree

    fn = g.fn
    root = Tree(Text(f"{fn.name}({', '.join(g.name(p) for p in fn.params)})", style="bold"))
    rows: list[tuple[Any, str, str, str, int]] = []

    def add(parent: Any, text: str, note: str = "", line: str = "", depth: int = 1) -> Any:
        node = parent.add(Text(text))
        rows.append((node, text, note, line, depth))
        return node

    for p in fn.params:
        if not isinstance(p.type, Object):
            add(root, f"{g.name(p)}: {p.type}", "input" if g.is_active(p) else "constant")
    _grow(g, fn.body, root, add, 1)
    add(root, f"return {', '.join(map(g.name, fn.body.yields))}")
    for callee in fn.callees.values():
        own = Graph.of(callee, callee.params)
        branch = add(root, f"def {callee.name}({', '.join(own.name(p) for p in callee.params)})")
        _grow(own, callee.body, branch, add, 2)
        add(branch, f"return {', '.join(map(own.name, callee.body.yields))}", depth=2)
    width = min(max((len(text) + 4 * depth for _, text, *_, depth in rows), default=0), 60)
    notes = min(max((len(note) for _, _, note, *_ in rows), default=0), 60)
    for node, text, note, line, depth in rows:
        pad = max(width - 4 * depth - len(text), 0)
        plain = f"{note:<{notes}}   {line}" if line else note
        node.label = Text.assemble(text, " " * (pad + 3) if note or line else "", (plain.rstrip(), "cyan"))
    return root


def _grow(g: Graph, block: Block, parent: Any, add: Any, depth: int) -> None:
    for op in block.ops:
        if isinstance(op, Op):
            if op.results and op.results[0] in g.quoted:
                continue
            text = g.expression(op)
            if op.results:
                text = f"{', '.join(map(g.name, op.results))} = {text}"
            edges = [f"∂{y}/∂{g.name(o)} = {d}" if d else f"∂{y}/∂{g.name(o)}" for o, y, d in g.partials(op)]
            add(parent, text, ", ".join(dict.fromkeys(edges)), _line(op), depth)
            continue
        name_first(g, op)
        inner = add(parent, g.head(op), "", _line(op), depth)
        if isinstance(op, If):
            for word, side in (("then", op.then), ("else", op.orelse)):
                pairs = [f"{g.name(r)} = {g.name(y)}" for r, y in zip(op.results, side.yields, strict=True)]
                if side.ops or pairs:
                    branch = add(inner, word, depth=depth + 1)
                    _grow(g, side, branch, add, depth + 2)
                    for pair in pairs:
                        add(branch, pair, depth=depth + 2)
            continue
        params = op.body.params[1:] if isinstance(op, For) else op.test.params  # type: ignore[union-attr]
        for p, init in zip(params, op.init, strict=True):
            if p is init:
                continue
            add(inner, f"{g.name(p)} starts as {g.name(init)}", depth=depth + 1)
        if isinstance(op, While):
            if len(op.test.ops) > 1 or op.test.yields[0] not in g.quoted:
                test = add(inner, "test", depth=depth + 1)
                _grow(g, op.test, test, add, depth + 2)
                add(test, f"go on while {g.condition(op.test.yields[0])}", depth=depth + 2)
            for p, y in zip(op.body.params, op.test.yields[1:], strict=True):
                g.names[p] = g.name(y)
        _grow(g, op.body, inner, add, depth + 1)
        for p, y in zip(params, op.body.yields, strict=True):
            if p is not y:
                add(inner, f"{g.name(p)} becomes {g.name(y)}", depth=depth + 1)
        for r, p in zip(op.results, params, strict=True):
            add(inner, f"{g.name(r)} is the last {g.name(p)}", depth=depth + 1)
