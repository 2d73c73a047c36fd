"""Signatures assumed where no call has shown one: annotations, else floats, arrays where used as arrays."""

from __future__ import annotations

from typing import Any

import gast

from s2sad.frontend.source import FunctionSource
from s2sad.ir.types import FLOAT, INT, List, Scalar, argument
from s2sad.signature import Parameters
from s2sad.typing.structure import key_of

_ANNOTATED = {
    "float": FLOAT,
    "int": INT,
    "ndarray": argument("float64"),
    "np.ndarray": argument("float64"),
    "numpy.ndarray": argument("float64"),
}


def assumed_keys(source: FunctionSource, params: Parameters) -> dict[str, Any]:
    """A key for every parameter of a function."""
    node = source.node
    by_name = {a.id: a for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    indexed = _indexed(node, set(params.names))
    bounds = _bounds(node)
    keys: dict[str, Any] = {}
    for name in params.names:
        param = by_name.get(name)
        annotation = _annotation(param.annotation) if param is not None else None
        if annotation is not None:
            keys[name] = annotation
        elif name in indexed:
            keys[name] = argument("float64", indexed[name])
        elif name in bounds and name not in params.wrt:
            keys[name] = INT
        elif name in source.defaults and not isinstance(key_of(source.defaults[name]), Scalar):
            keys[name] = key_of(source.defaults[name])
        elif node.args.vararg is not None and name == node.args.vararg.id:
            keys[name] = key_of(())
        elif node.args.kwarg is not None and name == node.args.kwarg.id:
            keys[name] = key_of({})
        else:
            keys[name] = FLOAT
    return keys


def _annotation(node: Any) -> Any:
    if node is None:
        return None
    text = node.value if isinstance(node, gast.Constant) else _dotted(node)
    if text in ("list", "list[float]", "List[float]") or (
        isinstance(node, gast.Subscript) and _dotted(node.value) in ("list", "List")
    ):
        return List(FLOAT)
    return _ANNOTATED.get(text)


def _dotted(node: Any) -> str:
    if isinstance(node, gast.Name):
        return str(node.id)
    if isinstance(node, gast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


def _indexed(node: Any, names: set[str]) -> dict[str, int]:
    """Parameters used as arrays: subscripted, iterated over or measured, with the rank of their subscripts."""
    found: dict[str, int] = {}
    for n in gast.walk(node):
        if isinstance(n, gast.Subscript) and isinstance(n.value, gast.Name) and n.value.id in names:
            rank = len(n.slice.elts) if isinstance(n.slice, gast.Tuple) else 1
            found[n.value.id] = max(rank, found.get(n.value.id, 1))
        iterated = [n.iter] if isinstance(n, (gast.For, gast.comprehension)) else []
        if (
            isinstance(n, gast.Call)
            and isinstance(n.func, gast.Name)
            and n.func.id in ("len", "zip", "enumerate", "sum", "reversed")
        ):
            iterated += n.args
        for it in iterated:
            if isinstance(it, gast.Name) and it.id in names:
                found.setdefault(it.id, 1)
    return found


def _bounds(node: Any) -> set[str]:
    """Names that stand in range(...) or as a subscript: integers."""
    found: set[str] = set()
    for n in gast.walk(node):
        roots: list[Any] = []
        if isinstance(n, gast.Call) and isinstance(n.func, gast.Name) and n.func.id == "range":
            roots = n.args
        elif isinstance(n, gast.Subscript):
            roots = [n.slice]
        for root in roots:
            found |= {m.id for m in gast.walk(root) if isinstance(m, gast.Name)}
    return found
