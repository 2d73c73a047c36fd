"""The partials of the rule table as formulas over names: what `graph` writes at edges and `support` shows.

A partial that is a function is run on a stand-in for the builder that writes text where the builder emits
operations, so that it is shown for just the operands at hand (`2.0 * x` at `x**2`).
"""

from __future__ import annotations

import ast
from typing import Any

from s2sad.ir.core import Const, Value
from s2sad.ir.types import FLOAT
from s2sad.rules.registry import ZERO, Prim, parsed

_PRIMS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "mod": "%", "floordiv": "//"}


class Text(Value):
    """An operand that is the text of an expression."""

    __slots__ = ()


def partial_text(prim: Prim, param: str) -> str:
    """The text of the partial of an operand for operands that are all variables."""
    names = {p: Value(p.lstrip("*"), FLOAT) for p in prim.params}
    return formula(prim, param, dict(names), unit=False)


def formula(prim: Prim, param: str, operands: dict[str, Any], result: str = "y", unit: bool = True) -> str:
    """The partial with respect to `param` over the operands' names; with `unit`, for a cotangent of 1.

    '0' where the result does not vary with the operand, '' where the rule is not a formula.
    """
    partial = prim.partials.get(param)
    if partial is None:
        return ""
    if partial is ZERO:
        return "0"
    env: dict[str, Any] = {k.lstrip("*"): v for k, v in operands.items()}
    env |= {"y": Text(result, FLOAT), "dy": Const(1.0, FLOAT) if unit else Text("dy", FLOAT)}
    if param.startswith("*"):
        x, other = Text("x", FLOAT), Text("other", FLOAT)
        env |= {
            "x": operands.get("x", x),
            "others": operands.get("others", [other]),
            "index": 0,
            "operands": [x, other],
        }
    writer = _Writer()
    try:
        made = writer.expand(partial, env) if isinstance(partial, str) else partial(writer, env)
    except Exception:
        return ""
    return "0" if made is None else _written(made)


class _Writer:
    """Writes expressions where a Builder emits operations."""

    fold = True

    def expand(self, text: str, env: Any, family: str = "math") -> Any:
        tree = _Substitute(env).visit(ast.parse(ast.unparse(parsed(text)), mode="eval").body)
        return Text(ast.unparse(_simplified(tree)), FLOAT)

    def emit(self, prim: str, *operands: Any, **attrs: Any) -> Any:
        parts = [f"({_written(o)})" if " " in _written(o) else _written(o) for o in operands]
        if prim in _PRIMS and len(parts) == 2:
            text = f"{parts[0]} {_PRIMS[prim]} {parts[1]}"
        elif prim == "neg":
            text = f"-{parts[0]}"
        else:
            text = f"{prim.rpartition('.')[2]}({', '.join(map(_written, operands))})"
        return Text(ast.unparse(_simplified(ast.parse(text, mode="eval").body)), FLOAT)

    def add(self, total: Any, term: Any, mark: int = 0) -> Any:
        return self.emit("add", total, term)


def _written(operand: Any) -> str:
    return repr(operand.value) if isinstance(operand, Const) else str(operand.hint)


class _Substitute(ast.NodeTransformer):
    def __init__(self, env: Any) -> None:
        self.env = env

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id not in self.env:
            return node
        return ast.parse(_written(self.env[node.id]), mode="eval").body

    def visit_Call(self, node: ast.Call) -> Any:
        node.args = [self.visit(a) for a in node.args]
        return node


def _simplified(node: Any) -> Any:
    """1 * x, x * 1 and x / 1 are x; the rest stays as the rule has it."""
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            setattr(node, name, _simplified(value))
        elif isinstance(value, list):
            setattr(node, name, [_simplified(v) if isinstance(v, ast.AST) else v for v in value])
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)) and _is_one(node.right):
        return node.left
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and _is_one(node.left):
        return node.right
    return node


def _is_one(node: Any) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value == 1
