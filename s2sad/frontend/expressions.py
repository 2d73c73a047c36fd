"""Lowering of expressions: every operator, call, subscript and display becomes an operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gast

from s2sad.frontend.comprehensions import Comprehensions
from s2sad.frontend.fence import refuse
from s2sad.ir.core import Block, Const, If, Operand, Undef, Value
from s2sad.ir.types import NONE, type_of

BINARY = {
    gast.Add: "add", gast.Sub: "sub", gast.Mult: "mul", gast.Div: "div", gast.FloorDiv: "floordiv",
    gast.Mod: "mod", gast.Pow: "pow", gast.MatMult: "matmul", gast.BitAnd: "bitand", gast.BitOr: "bitor",
    gast.BitXor: "bitxor", gast.LShift: "lshift", gast.RShift: "rshift",
}  # fmt: skip
UNARY = {gast.USub: "neg", gast.UAdd: "pos", gast.Not: "not", gast.Invert: "invert"}
COMPARE = {
    gast.Lt: "lt", gast.LtE: "le", gast.Gt: "gt", gast.GtE: "ge", gast.Eq: "eq", gast.NotEq: "ne",
    gast.Is: "is", gast.IsNot: "is_not", gast.In: "in", gast.NotIn: "not_in",
}  # fmt: skip


COMPUTED = -1
"""A format specification that is an operand."""


class Expressions(Comprehensions):
    """The part of the lowering that knows expressions."""

    changed: Callable[..., list[str]]
    yields: Callable[..., tuple[Operand, ...]]

    def expr(self, node: Any, hint: str = "") -> Operand:
        handler = getattr(self, "expr_" + type(node).__name__, None)
        if handler is None:
            raise refuse(self.source, node)
        if isinstance(node, (gast.BinOp, gast.Call, gast.UnaryOp, gast.IfExp, gast.BoolOp)):
            return handler(node, hint)
        return handler(node)

    def expr_Constant(self, node: Any) -> Operand:
        t = type_of(node.value)
        return Const(node.value, t) if t is not None else Const(node.value)

    def expr_Name(self, node: Any) -> Operand:
        return self.name(node)

    def name(self, node: Any) -> Operand:
        if node.id in self.stale:
            raise self.refuse(
                node, f"{node.id}() was made in a branch or loop, and {self.stale[node.id]!r}, which it captures, has been bound again",
                "use another name for the new value, or pass it as an argument",
            )  # fmt: skip
        self.mention(node.id)
        if node.id in self.env:
            operand = self.env[node.id]
            if isinstance(operand, Undef):
                return self.emit("unbound", node=node, name=node.id)
            return operand
        if node.id in self.locals:
            return self.emit("unbound", node=node, name=node.id)
        return self.emit("global", node=node, name=node.id)

    def expr_BinOp(self, node: Any, hint: str = "") -> Operand:
        chain = [node]
        while isinstance(chain[-1].left, gast.BinOp):  # a sum of 5,000 terms is 5,000 deep on the left
            chain.append(chain[-1].left)
        left = self.expr(chain[-1].left)
        for i, link in enumerate(reversed(chain)):
            name = hint if i == len(chain) - 1 else ""
            left = self.emit(BINARY[type(link.op)], left, self.expr(link.right), node=link, hint=name)
        return left

    def expr_UnaryOp(self, node: Any, hint: str = "") -> Operand:
        operand = self.expr(node.operand)
        if (
            isinstance(operand, Const)
            and isinstance(node.op, gast.USub)
            and type(operand.value) in (int, float)
        ):
            return Const(-operand.value, operand.type)
        return self.emit(UNARY[type(node.op)], operand, node=node, hint=hint)

    def expr_Compare(self, node: Any) -> Operand:
        left = self.expr(node.left)
        return self.compare(node, left, list(zip(node.ops, node.comparators, strict=True)))

    def compare(self, node: Any, left: Operand, links: list[Any]) -> Operand:
        op, comparator = links[0]
        right = self.expr(comparator)
        test = self.emit(COMPARE[type(op)], left, right, node=node)
        if len(links) == 1:
            return test
        return self.choose(test, lambda: self.compare(node, right, links[1:]), lambda: test, node)

    def expr_BoolOp(self, node: Any, hint: str = "") -> Operand:
        return self.boolop(node, node.values, hint)

    def boolop(self, node: Any, values: list[Any], hint: str = "") -> Operand:
        first = self.expr(values[0])
        if len(values) == 1:
            return first

        def rest() -> Operand:
            return self.boolop(node, values[1:])

        if isinstance(node.op, gast.And):
            return self.choose(first, rest, lambda: first, node, hint)
        return self.choose(first, lambda: first, rest, node, hint)

    def expr_IfExp(self, node: Any, hint: str = "") -> Operand:
        cond = self.expr(node.test)
        return self.choose(cond, lambda: self.expr(node.body), lambda: self.expr(node.orelse), node, hint)

    def choose(
        self,
        cond: Operand,
        then: Callable[[], Operand],
        orelse: Callable[[], Operand],
        node: Any,
        hint: str = "",
    ) -> Operand:
        """A value from one of two branches; names bound in them (walrus) merge as in a statement."""
        with self.region() as then_ops:
            then_value, then_env = then(), self.env
        with self.region() as else_ops:
            else_value, else_env = orelse(), self.env
        names = self.changed(then_env, else_env)
        results = (Value(hint), *(Value(n) for n in names))
        then_block = Block((), tuple(then_ops), (then_value, *self.yields(names, then_env, False)))
        else_block = Block((), tuple(else_ops), (else_value, *self.yields(names, else_env, False)))
        self.ops.append(If(cond, then_block, else_block, results, self.here(node)))
        self.env.update(zip(names, results[1:], strict=True))
        return results[0]

    def expr_NamedExpr(self, node: Any) -> Operand:
        value = self.expr(node.value, node.target.id)
        self.assign(node.target, value)
        return self.env[node.target.id]

    def expr_Tuple(self, node: Any) -> Operand:
        return self.display("tuple", node)

    def expr_List(self, node: Any) -> Operand:
        return self.display("list", node)

    def display(self, kind: str, node: Any) -> Operand:
        stars = tuple(isinstance(e, gast.Starred) for e in node.elts)
        items = []
        for e in node.elts:
            if isinstance(e, gast.Starred):
                with self.used_at_once(e.value) as item:
                    items.append(item)
            else:
                items.append(self.expr(e))
        return self.emit(kind, *items, node=node, stars=stars)

    def expr_Dict(self, node: Any) -> Operand:
        if any(k is None for k in node.keys):
            raise self.refuse(node, "'**' in a dict display is not supported yet", "write the keys out")
        keys = [self.expr(k) for k in node.keys]
        values = [self.expr(v) for v in node.values]
        return self.emit("dict", *keys, *values, node=node)

    def expr_Attribute(self, node: Any) -> Operand:
        return self.emit("attr", self.expr(node.value), node=node, name=node.attr)

    def expr_Subscript(self, node: Any) -> Operand:
        return self.emit("getitem", self.expr(node.value), self.index(node.slice), node=node)

    def index(self, node: Any) -> Operand:
        if isinstance(node, gast.Slice):
            parts = [
                Const(None, NONE) if p is None else self.expr(p) for p in (node.lower, node.upper, node.step)
            ]
            return self.emit("slice", *parts, node=node)
        if isinstance(node, gast.Tuple):
            return self.emit("tuple", *map(self.index, node.elts), node=node, stars=(False,) * len(node.elts))
        return self.expr(node)

    def expr_JoinedStr(self, node: Any) -> Operand:
        parts: list[Any] = []
        operands: list[Operand] = []
        for piece in node.values:
            if isinstance(piece, gast.Constant):
                parts.append(piece.value)
                continue
            operands.append(self.expr(piece.value))
            spec = None if piece.format_spec is None else self.expr(piece.format_spec)
            if isinstance(spec, Value):
                operands.append(spec)
            parts.append((piece.conversion, spec.value if isinstance(spec, Const) else spec and COMPUTED))
        if all(isinstance(p, str) for p in parts):
            text = "".join(parts)
            return Const(text, type_of(text))  # type: ignore[arg-type]
        return self.emit("format", *operands, node=node, parts=tuple(parts))
