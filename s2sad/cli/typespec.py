"""What `--types` and `--at` say: types of parameters, and values for them."""

from __future__ import annotations

import ast
from typing import Any

import click
import gast
import numpy as np

from s2sad.frontend.constants import NotConstant, evaluate
from s2sad.frontend.source import to_gast
from s2sad.ir.types import BOOL, COMPLEX, FLOAT, INT, Array, Dim, List, Scalar, scalar_of
from s2sad.typing.structure import Node, key_of

PYTHON = {"float": FLOAT, "int": INT, "bool": BOOL, "complex": COMPLEX}
DTYPES = {
    *(f"float{n}" for n in (16, 32, 64)),
    *(f"{sign}int{n}" for sign in ("", "u") for n in (8, 16, 32, 64)),
    "complex64",
    "complex128",
}
FORMS = "float, int, bool, float64[n], float64[n,m], float32[n,1], int64[n], tuple[float, float], list[float]"


def parse_types(text: str) -> dict[str, Any]:
    """Types by parameter, from e.g. "x: float, A: float64[n,m], k: int"."""
    found: dict[str, Any] = {}
    for item in pieces(text):
        name, colon, kind = (s.strip() for s in item.partition(":"))
        if not colon or not name.isidentifier():
            raise click.UsageError(f"--types: {item.strip()!r} is not of the form NAME: TYPE")
        if name in found:
            raise click.UsageError(f"--types names {name!r} twice")
        found[name] = parse_type(kind, name)
    return found


def parse_type(text: str, name: str) -> Any:
    """The key that arguments of this type have."""
    head, bracket, rest = text.partition("[")
    head = head.strip()
    if bracket and not rest.endswith("]"):
        raise click.UsageError(f"--types: the bracket of {text!r} for {name!r} is not closed")
    inside = [p.strip() for p in pieces(rest[:-1])] if bracket else []
    if head in ("tuple", "Tuple") and bracket:
        return Node("tuple", tuple, tuple(parse_type(p, name) for p in inside))
    if head in ("list", "List"):
        if len(inside) != 1:
            raise click.UsageError(f"--types: write {name}: list[float], with the one type of its elements")
        item = parse_type(inside[0], name)
        if not isinstance(item, Scalar):
            raise click.UsageError(
                f"--types: {name}: a list of {inside[0]} is not supported; lists hold numbers"
            )
        return List(item)
    dtype = head.rpartition(".")[2]
    if bracket and (dtype in DTYPES or head in ("float", "int", "bool", "complex")):
        bad = [d for d in inside if not (d.isidentifier() or d.isdigit() or d in (":", "?"))]
        if bad or not inside:
            raise click.UsageError(
                f"--types: {text!r} for {name!r}: dimensions are names or numbers, one for each axis, as in float64[n,m]"
            )
        names = {"float": "float64", "int": "int64", "complex": "complex128"}
        return Array(names.get(dtype, dtype), len(inside), tuple(1 if d == "1" else Dim("") for d in inside))
    if head in PYTHON and not bracket:
        return PYTHON[head]
    if dtype in DTYPES and not bracket:
        return scalar_of(dtype)
    if not bracket:
        try:
            return key_of(_literal(text))
        except (ValueError, SyntaxError):
            pass
    raise click.UsageError(f"--types: {text!r} for {name!r} is no type s2sad knows; the forms are {FORMS}")


def _literal(text: str) -> Any:
    """True, False, None and strings enter types by value."""
    value = ast.literal_eval(text)
    if isinstance(value, (bool, str)) or value is None:
        return value
    raise ValueError(text)


def pieces(text: str) -> list[str]:
    """Text split at the commas that stand in no bracket."""
    parts, part, depth = [], "", 0
    for ch in text:
        depth += (ch in "[(") - (ch in "])")
        if ch == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += ch
    return [p for p in (*parts, part) if p.strip()]


def parse_values(text: str) -> tuple[list[Any], dict[str, Any]]:
    """Arguments from e.g. "x=1.0, a=np.array([1.0, 2.0])": constant expressions, nothing of the user's."""
    try:
        call = ast.parse(f"f({text}\n)", mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise click.UsageError(f"--at: {text!r} is not of the form x=1.0, y=2.0 ({error})") from None
    if not isinstance(call, ast.Call) or any(k.arg is None for k in call.keywords):
        raise click.UsageError(f"--at: {text!r} is not of the form x=1.0, y=2.0")
    positional = [_value(a) for a in call.args]
    return positional, {str(k.arg): _value(k.value) for k in call.keywords}


def _value(node: ast.expr) -> Any:
    import math

    known = {"np": np, "numpy": np, "math": math, "inf": math.inf, "nan": math.nan, "pi": math.pi}
    tree: Any = to_gast(ast.Expression(node))
    builtins = {c.__name__: c for c in (float, int, complex, abs, range, list, tuple)}

    def name(text: str) -> Any:
        if text in known or text in builtins:
            return known.get(text, builtins.get(text))
        raise NotConstant(gast.Name(text, gast.Load(), None, None), f"the name {text!r} is not known")

    try:
        return evaluate(tree.body, name)
    except NotConstant as error:
        raise click.UsageError(
            f"--at: {ast.unparse(node)}: {error.reason}; write literals, lists, or np.array([...])"
        ) from None
