"""What `--types` and `--at` say: types of parameters, and values for them."""

from __future__ import annotations

import ast
import re
from typing import Any

import click
import gast
import numpy as np

from s2sad.frontend.constants import NotConstant, evaluate
from s2sad.frontend.source import to_gast
from s2sad.ir.types import BOOL, COMPLEX, FLOAT, INT, Array, Dim, List, Scalar, join, scalar_of
from s2sad.typing.structure import Node, key_of

PYTHON = {"float": FLOAT, "int": INT, "bool": BOOL, "complex": COMPLEX}
DTYPES = {
    *(f"float{n}" for n in (16, 32, 64)),
    *(f"{sign}int{n}" for sign in ("", "u") for n in (8, 16, 32, 64)),
    "complex64",
    "complex128",
}
FORMS = (
    "float, int, bool, float64[n], float64[n,m], float32[n,1], int64[n], list[float], (float, float64[n]), "
    "[float64[n]] * 3, {w: float64[n], b: float}"
)


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
    text = text.strip()
    if text.startswith(("{", "[", "(")):
        return structure(text, name)
    head, bracket, rest = text.partition("[")
    head = head.strip()
    if bracket and not rest.endswith("]"):
        raise click.UsageError(f"--types: the bracket of {text!r} for {name!r} is not closed")
    inside = [p.strip() for p in pieces(rest[:-1])] if bracket else []
    if head in ("tuple", "Tuple") and bracket:
        return Node("tuple", tuple, tuple(parse_type(p, name) for p in inside))
    if head in ("list", "List"):
        return list_of(inside, name)
    if head in ("dict", "Dict"):
        raise click.UsageError(
            f"--types: write {name}: {{w: float64[n], b: float}}, with the keys of the dict"
        )
    return leaf(text, head, inside if bracket else None, name)


def list_of(inside: list[str], name: str) -> Any:
    """`list[float]`."""
    if len(inside) != 1:
        raise click.UsageError(f"--types: write {name}: list[float], with the one type of its elements")
    item = parse_type(inside[0], name)
    if not isinstance(item, Scalar):
        raise click.UsageError(
            f"--types: {name}: write [{inside[0]}] * 3, or each element in [..., ...]: of a list of other things than "
            "numbers the length is part of the type"
        )
    return List(item)


def structure(text: str, name: str) -> Any:
    """A dict `{w: float64[n], b: float}`, a list `[float64[n]] * 3`, or a tuple `(float, int)`, of anything."""
    times = re.fullmatch(r"(.*[\])])\s*\*\s*(\d+)", text, re.DOTALL)
    count = int(times[2]) if times else 1
    text = times[1].strip() if times else text
    closing = {"{": "}", "[": "]", "(": ")"}[text[0]]
    if not text.endswith(closing):
        raise click.UsageError(f"--types: the bracket of {text!r} for {name!r} is not closed")
    inside = pieces(text[1:-1])
    if text[0] == "{":
        pairs = [p.partition(":") for p in inside]
        if any(not colon for _, colon, _ in pairs):
            raise click.UsageError(f"--types: write {name}: {{w: float64[n], b: float}}, a type for each key")
        keys = tuple(k.strip().strip("'\"") for k, _, _ in pairs)
        return Node("dict", dict, tuple(parse_type(t, name) for _, _, t in pairs), keys)
    parts = tuple(parse_type(p, name) for p in inside) * count
    if text[0] == "(":
        return Node("tuple", tuple, parts)
    item: Any = parts[0] if parts else None
    for part in parts[1:]:
        item = join(item, part) if isinstance(item, Scalar) and isinstance(part, Scalar) else None
    return List(item) if isinstance(item, Scalar) else Node("list", list, parts)


def leaf(text: str, head: str, inside: list[str] | None, name: str) -> Any:
    """A number, an array, or a constant that enters by value."""
    dtype = head.rpartition(".")[2]
    if inside is not None and (dtype in DTYPES or head in ("float", "int", "bool", "complex")):
        bad = [d for d in inside if not (d.isidentifier() or d.isdigit() or d in (":", "?"))]
        if bad or not inside:
            raise click.UsageError(
                f"--types: {text!r} for {name!r}: dimensions are names or numbers, one for each axis, as in float64[n,m]"
            )
        names = {"float": "float64", "int": "int64", "complex": "complex128"}
        return Array(names.get(dtype, dtype), len(inside), tuple(1 if d == "1" else Dim("") for d in inside))
    if inside is None and head in PYTHON:
        return PYTHON[head]
    if inside is None and dtype in DTYPES:
        return scalar_of(dtype)
    if inside is None:
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
        depth += (ch in "[({") - (ch in "])}")
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
