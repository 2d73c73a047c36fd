"""The computational graph as Graphviz text: branches and loops are clusters, derivatives stand at the edges."""

from __future__ import annotations

from typing import Any

from s2sad.cli.graph import Graph, name_first
from s2sad.ir.core import Block, For, Function, If, Op, Operand, Value, While
from s2sad.ir.types import Object

_HEAD = """  rankdir=BT;
  node [shape=box, style="rounded,filled", fillcolor="#eef3fb", color="#5b7db1", fontname="Helvetica"];
  edge [color="#9aa5b1", fontname="Helvetica", fontsize=10, fontcolor="#b03a2e"];
  graph [fontname="Helvetica", color="#b8c2cc", style="rounded"];"""


class Dot:
    """The graph as Graphviz text: an edge from each operand, red with its derivative where it carries one."""

    def __init__(self, g: Graph) -> None:
        self.g = g
        self.lines: list[str] = []
        self.nodes: dict[Value, str] = {}
        self.count = 0
        self.clusters = 0

    def text(self) -> str:
        fn = self.g.fn
        self.lines = [f"digraph {_quoted(fn.name)} {{", _HEAD]
        self.function(self.g, fn, "  ")
        for callee in fn.callees.values():
            self.g = Graph.of(callee, callee.params)
            close = self.cluster(f"def {callee.name}", "  ")
            self.function(self.g, callee, "    ")
            close()
        return "\n".join([*self.lines, "}"]) + "\n"

    def function(self, g: Graph, fn: Function, indent: str) -> None:
        for p in fn.params:
            if not isinstance(p.type, Object):
                fill = "#fdf1d6" if g.is_active(p) else "#f2f2f2"
                self.node(p, g.name(p), indent, f'shape=ellipse, fillcolor="{fill}"')
        self.block(fn.body, indent)
        for o in fn.body.yields:
            if isinstance(o, Value) and o in self.nodes:
                self.lines.append(f"{indent}{self.nodes[o]} [penwidth=2];")

    def node(self, value: Value | None, label: str, indent: str, style: str = "") -> str:
        made = f"n{self.count}"
        self.count += 1
        if value is not None:
            self.nodes[value] = made
        self.lines.append(f"{indent}{made} [label={_quoted(label)}{', ' + style if style else ''}];")
        return made

    def edge(self, source: Operand, target: str, indent: str, label: str = "", style: str = "") -> None:
        if isinstance(source, Value) and source in self.nodes:
            parts = [f"label={_quoted(label)}" if label else "", style]
            inside = ", ".join(p for p in parts if p)
            self.lines.append(f"{indent}{self.nodes[source]} -> {target}{f' [{inside}]' if inside else ''};")

    def cluster(self, label: str, indent: str) -> Any:
        self.lines.append(f"{indent}subgraph cluster_{self.clusters} {{")
        self.lines.append(f"{indent}  label={_quoted(label)};")
        self.clusters += 1
        return lambda: self.lines.append(f"{indent}}}")

    def block(self, block: Block, indent: str) -> None:
        for op in block.ops:
            if isinstance(op, Op):
                self.op(op, indent)
            elif isinstance(op, If):
                self.branch(op, indent)
            else:
                self.loop(op, indent)

    def op(self, op: Op, indent: str) -> None:
        g = self.g
        text = g.expression(op)
        label = f"{', '.join(map(g.name, op.results))} = {text}" if op.results else text
        made = self.node(op.results[0] if op.results else None, label, indent)
        self.nodes.update(dict.fromkeys(op.results, made))
        edges = {o: f"∂{y}/∂{g.name(o)}" + (f" = {d}" if d else "") for o, y, d in g.partials(op)}
        for o in dict.fromkeys(op.operands):
            self.edge(o, made, indent, edges.get(o, ""), 'color="#b03a2e"' if o in edges else "")

    def branch(self, op: If, indent: str) -> None:
        close = self.cluster(self.g.head(op), indent)
        for word, side in (("then", op.then), ("else", op.orelse)):
            if side.ops:
                inner = self.cluster(word, indent + "  ")
                self.block(side, indent + "    ")
                inner()
        for r, a, b in zip(op.results, op.then.yields, op.orelse.yields, strict=True):
            texts = [self.g.name(o) for o in (a, b)]
            made = self.node(
                r,
                f"{self.g.name(r)} = {texts[0]} or {texts[1]}",
                indent + "  ",
                "shape=diamond, style=filled",
            )
            for word, o in (("then", a), ("else", b)):
                self.edge(o, made, indent + "  ", word, self.colour(o, r))
            self.edge(op.cond, made, indent + "  ", "", "style=dotted")
        close()

    def colour(self, source: Operand, target: Value) -> str:
        return 'color="#b03a2e"' if self.g.is_active(source) and self.g.is_active(target) else ""

    def loop(self, op: Any, indent: str) -> None:
        name_first(self.g, op)
        close = self.cluster(self.g.head(op), indent)
        inner = indent + "  "
        params = op.body.params[1:] if isinstance(op, For) else op.test.params
        if isinstance(op, For):
            index = self.node(
                op.body.params[0], self.g.name(op.body.params[0]), inner, 'shape=ellipse, fillcolor="#f2f2f2"'
            )
            for o in (op.start, op.stop, op.step):
                self.edge(o, index, inner)
        for p, init in zip(params, op.init, strict=True):
            start = "" if isinstance(init, Value) else f" (first {self.g.name(init)})"
            made = self.node(p, self.g.name(p) + start, inner, "shape=ellipse")
            self.edge(init, made, inner, "first", self.colour(init, p))
        if isinstance(op, While):
            self.block(op.test, inner)
            for p, y in zip(op.body.params, op.test.yields[1:], strict=True):
                if isinstance(y, Value) and y in self.nodes:
                    self.nodes[p], self.g.names[p] = self.nodes[y], self.g.name(y)
            self.edge(
                op.test.yields[0], self.node(None, "go on?", inner, "shape=diamond, style=filled"), inner
            )
        self.block(op.body, inner)
        for p, y in zip(params, op.body.yields, strict=True):
            if p is not y:
                self.edge(y, self.nodes[p], inner, "next", "style=dashed, constraint=false")
        close()
        for p, r in zip(params, op.results, strict=True):
            made = self.node(r, self.g.name(r), indent, "shape=ellipse")
            self.edge(p, made, indent, "last", self.colour(p, r))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
