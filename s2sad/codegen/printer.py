"""Prints the syntax tree of generated code: astunparse with comments and without needless parentheses.

The only place that calls astunparse. Comments are expression statements whose value is a name that starts
with `#`, which no name can.
"""

from __future__ import annotations

import ast
import io
from typing import Any

import astunparse
import gast

_PRECEDENCE = {
    "ifexp": 1, "lambda": 1, "or": 2, "and": 3, "not": 4, "compare": 5, "|": 6, "^": 7, "&": 8, "<<": 9, ">>": 9,
    "+": 10, "-": 10, "*": 11, "/": 11, "//": 11, "%": 11, "@": 11, "unary": 12, "**": 13, "atom": 15,
}  # fmt: skip


class _Printer(astunparse.Unparser):  # type: ignore[misc]
    """astunparse's statements, our own expressions."""

    def __init__(self, tree: Any, file: Any) -> None:
        self.level = 0
        super().__init__(tree, file)

    def fill(self, text: str = "") -> None:
        self.f.write("\n" + "    " * self._indent + text)

    def _Expr(self, tree: Any) -> None:
        if isinstance(tree.value, ast.Name) and tree.value.id.startswith("#"):
            self.fill(tree.value.id)
            return
        self.fill()
        self.dispatch(tree.value)

    def within(self, level: int, tree: Any) -> None:
        """Print an operand where `level` binds; parentheses only if it binds less."""
        before, self.level = self.level, level
        self.dispatch(tree)
        self.level = before

    def wrap(self, own: int, parts: Any) -> None:
        outer, need = self.level, own < self.level
        if need:
            self.write("(")
        self.level = 0
        parts()
        self.level = outer
        if need:
            self.write(")")

    def _BinOp(self, t: Any) -> None:
        op = self.binop[t.op.__class__.__name__]
        own = _PRECEDENCE[op]

        def parts() -> None:
            if op == "**":
                self.within(own + 1, t.left)
                tight = _simple(t.left) and _simple(t.right)
                self.write("**" if tight else " ** ")
                self.within(own - 1, t.right)
                return
            self.within(own, t.left)
            self.write(f" {op} ")
            self.within(own + 1, t.right)

        self.wrap(own, parts)

    def _UnaryOp(self, t: Any) -> None:
        negation = isinstance(t.op, ast.Not)
        own = _PRECEDENCE["not" if negation else "unary"]

        def parts() -> None:
            self.write("not " if negation else self.unop[t.op.__class__.__name__])
            self.within(own, t.operand)

        self.wrap(own, parts)

    def _BoolOp(self, t: Any) -> None:
        word = "and" if isinstance(t.op, ast.And) else "or"
        own = _PRECEDENCE[word]

        def parts() -> None:
            for i, v in enumerate(t.values):
                if i:
                    self.write(f" {word} ")
                self.within(own + 1, v)

        self.wrap(own, parts)

    def _Compare(self, t: Any) -> None:
        own = _PRECEDENCE["compare"]

        def parts() -> None:
            self.within(own + 1, t.left)
            for op, e in zip(t.ops, t.comparators, strict=True):
                self.write(f" {self.cmpops[op.__class__.__name__]} ")
                self.within(own + 1, e)

        self.wrap(own, parts)

    def _IfExp(self, t: Any) -> None:
        own = _PRECEDENCE["ifexp"]

        def parts() -> None:
            self.within(own + 1, t.body)
            self.write(" if ")
            self.within(own + 1, t.test)
            self.write(" else ")
            self.within(own, t.orelse)

        self.wrap(own, parts)

    def _Tuple(self, t: Any) -> None:
        bare = getattr(t, "bare", False)

        def parts() -> None:
            for i, e in enumerate(t.elts):
                if i:
                    self.write(", ")
                self.within(1, e)
            if len(t.elts) == 1:
                self.write(",")

        outer, self.level = self.level, 0
        self.write("" if bare else "(")
        parts()
        self.write("" if bare else ")")
        self.level = outer

    def _Assign(self, t: Any) -> None:
        self.fill()
        for target in t.targets:
            _mark_bare(target)
            self.dispatch(target)
            self.write(" = ")
        _mark_bare(t.value)
        self.dispatch(t.value)

    def _Return(self, t: Any) -> None:
        self.fill("return")
        if t.value is not None:
            self.write(" ")
            _mark_bare(t.value)
            self.dispatch(t.value)

    def _Call(self, t: Any) -> None:
        self.within(_PRECEDENCE["atom"], t.func)
        self.write("(")
        outer, self.level = self.level, 0
        for i, e in enumerate((*t.args, *t.keywords)):
            if i:
                self.write(", ")
            self.within(0, e)
        self.level = outer
        self.write(")")

    def _Attribute(self, t: Any) -> None:
        self.within(_PRECEDENCE["atom"], t.value)
        self.write(f".{t.attr}")

    def _Subscript(self, t: Any) -> None:
        self.within(_PRECEDENCE["atom"], t.value)
        self.write("[")
        outer, self.level = self.level, 0
        _mark_bare(t.slice)
        self.dispatch(t.slice)
        self.level = outer
        self.write("]")

    def _If(self, t: Any) -> None:
        self.fill("if ")
        self.dispatch(t.test)
        self.suite(t.body)
        while len(t.orelse) == 1 and isinstance(t.orelse[0], ast.If):
            t = t.orelse[0]
            self.fill("elif ")
            self.dispatch(t.test)
            self.suite(t.body)
        if t.orelse:
            self.fill("else")
            self.suite(t.orelse)

    def suite(self, body: list[Any]) -> None:
        self.enter()
        self.dispatch(body)
        self.leave()

    def _Num(self, t: Any) -> None:
        self.write(repr(t.n))

    def _Constant(self, t: Any) -> None:
        value = t.value
        if value is Ellipsis:
            self.write("...")
        elif isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
            text = "math.nan" if value != value else "math.inf" if value > 0 else "-math.inf"
            self.write(text)
        elif (
            isinstance(value, (int, float, complex))
            and not isinstance(value, bool)
            and self.level >= _PRECEDENCE["unary"]
            and repr(value).startswith("-")
        ):
            self.write(f"({value!r})")
        else:
            self.write(repr(value))

    def _JoinedStr(self, t: Any) -> None:
        out = []
        for part in t.values:
            if isinstance(part, ast.Constant):
                out.append(
                    repr(part.value)[1:-1]
                    .replace("{", "{{")
                    .replace("}", "}}")
                    .replace('"', '\\"')
                    .replace("\\'", "'")
                )
                continue
            inner = io.StringIO()
            printer = _Printer(ast.Module(body=[], type_ignores=[]), inner)
            printer.f = inner
            printer.level = 2
            printer.dispatch(part.value)
            conversion = f"!{chr(part.conversion)}" if part.conversion not in (-1, None) else ""
            spec = (
                ":" + "".join(v.value for v in part.format_spec.values)
                if part.format_spec is not None
                else ""
            )
            out.append("{" + inner.getvalue().strip() + conversion + spec + "}")
        self.write('f"' + "".join(out) + '"')


def _simple(t: Any) -> bool:
    if isinstance(t, ast.UnaryOp):
        return isinstance(t.operand, (ast.Name, ast.Constant))
    if isinstance(t, ast.Attribute):
        return _simple(t.value)
    return isinstance(t, (ast.Name, ast.Constant))


def _mark_bare(t: Any) -> None:
    if isinstance(t, ast.Tuple) and len(t.elts) > 1:
        t.bare = True  # type: ignore[attr-defined]


def to_source(tree: Any) -> str:
    """The text of a gast module."""
    from s2sad.frontend.source import deep_recursion

    with deep_recursion(100_000):
        plain = gast.gast_to_ast(tree)
        out = io.StringIO()
        _Printer(plain, out)
    return out.getvalue().strip("\n") + "\n"
