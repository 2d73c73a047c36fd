"""Small constructors of gast nodes."""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

import gast

BIN = {
    "add": gast.Add, "sub": gast.Sub, "mul": gast.Mult, "div": gast.Div, "floordiv": gast.FloorDiv, "mod": gast.Mod,
    "pow": gast.Pow, "matmul": gast.MatMult, "bitand": gast.BitAnd, "bitor": gast.BitOr, "bitxor": gast.BitXor,
    "lshift": gast.LShift, "rshift": gast.RShift,
}  # fmt: skip
COMPARE = {
    "lt": gast.Lt, "le": gast.LtE, "gt": gast.Gt, "ge": gast.GtE, "eq": gast.Eq, "ne": gast.NotEq, "is": gast.Is,
    "is_not": gast.IsNot,
}  # fmt: skip
UNARY = {"neg": gast.USub, "pos": gast.UAdd, "not": gast.Not, "invert": gast.Invert}
LOAD, STORE, PARAM = gast.Load(), gast.Store(), gast.Param()


def name(text: str) -> Any:
    return gast.Name(text, LOAD, None, None)


def target(text: str) -> Any:
    return gast.Name(text, STORE, None, None)


def constant(value: Any) -> Any:
    return gast.Constant(value, None)


def call(function: Any, *args: Any, **keywords: Any) -> Any:
    """A call; `function` is a node or a dotted name."""
    if isinstance(function, str):
        function = dotted(function)
    return gast.Call(function, list(args), [gast.keyword(k, v) for k, v in keywords.items()])


def dotted(text: str) -> Any:
    first, *rest = text.split(".")
    node = name(first)
    for part in rest:
        node = gast.Attribute(node, part, LOAD)
    return node


def attribute(node: Any, attr: str) -> Any:
    return gast.Attribute(node, attr, LOAD)


def subscript(node: Any, index: Any, store: bool = False) -> Any:
    return gast.Subscript(node, index, STORE if store else LOAD)


def assign(to: Any, value: Any) -> Any:
    return gast.Assign([to], value, None)


def augment(to: Any, op: str, value: Any) -> Any:
    return gast.AugAssign(to, BIN[op](), value)


def statement(value: Any) -> Any:
    return gast.Expr(value)


def comment(text: str) -> Any:
    return gast.Expr(name(f"# {text}"))


def is_comment(node: Any, text: str) -> bool:
    made = isinstance(node, gast.Expr) and isinstance(node.value, gast.Name)
    return made and node.value.id == f"# {text}"


def binary(prim: str, a: Any, b: Any) -> Any:
    return gast.BinOp(a, BIN[prim](), b)


def compare(prim: str, a: Any, b: Any) -> Any:
    return gast.Compare(a, [COMPARE[prim]()], [b])


def product(factors: list[Any]) -> Any:
    """Numbers multiplied; of none, 1."""
    if factors and all(isinstance(f, gast.Constant) for f in factors):
        return constant(prod(f.value for f in factors))
    return reduce(lambda a, b: binary("mul", a, b), factors) if factors else constant(1)


def formatted(*parts: Any) -> Any:
    """A text with numbers in it."""
    values: list[Any] = []
    for p in parts:
        text = str(p.value) if isinstance(p, gast.Constant) else p
        if isinstance(text, str) and values and isinstance(values[-1], gast.Constant):
            values[-1] = constant(values[-1].value + text)
        else:
            values.append(constant(text) if isinstance(text, str) else gast.FormattedValue(text, -1, None))
    return values[0] if len(values) == 1 and isinstance(values[0], gast.Constant) else gast.JoinedStr(values)


def tuple_(items: list[Any], store: bool = False) -> Any:
    return gast.Tuple(items, STORE if store else LOAD)


def list_(items: list[Any]) -> Any:
    return gast.List(items, LOAD)


def minus(node: Any) -> Any:
    """-(a*b) is printed -a*b, which is the same float: negation is exact. Truth values have no negative."""
    factors = isinstance(node, gast.BinOp) and isinstance(node.op, (gast.Mult, gast.Div))
    if factors and not getattr(node, "unsigned", False):
        return gast.BinOp(minus(node.left), node.op, node.right)
    return gast.UnaryOp(gast.USub(), node)


def without_minus(node: Any) -> Any | None:
    """The opposite of an expression that is printed with a minus in front; None of any other."""
    if isinstance(node, gast.UnaryOp) and isinstance(node.op, gast.USub):
        return node.operand
    if isinstance(node, gast.Constant) and type(node.value) in (int, float) and node.value < 0:
        return constant(-node.value)
    if isinstance(node, gast.BinOp) and isinstance(node.op, (gast.Mult, gast.Div)):
        left = without_minus(node.left)
        return None if left is None else gast.BinOp(left, node.op, node.right)
    return None


def negated(test: Any) -> Any:
    """The opposite condition, written the simple way."""
    if isinstance(test, gast.UnaryOp) and isinstance(test.op, gast.Not):
        return test.operand
    if isinstance(test, gast.Compare) and len(test.ops) == 1:
        opposite = {gast.Eq: gast.NotEq, gast.NotEq: gast.Eq, gast.Is: gast.IsNot, gast.IsNot: gast.Is}
        other = opposite.get(type(test.ops[0]))
        if other is not None:
            return gast.Compare(test.left, [other()], test.comparators)
    return gast.UnaryOp(gast.Not(), test)
