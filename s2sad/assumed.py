"""Signatures assumed where no call has shown one: annotations, else floats, arrays where used as arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gast
import numpy as np

from s2sad.errors import S2sadError
from s2sad.frontend.source import FunctionSource
from s2sad.ir.types import FLOAT, INT, List, Scalar, argument
from s2sad.signature import Parameters
from s2sad.typing.structure import Fixed, Node, key_of

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
    by_name = {
        a.id: a
        for a in (*node.args.posonlyargs, *node.args.args, node.args.vararg, *node.args.kwonlyargs)
        if a is not None
    }
    indexed = _indexed(node, set(params.names))
    bounds, texts = _bounds(node), _texts(node)
    keys: dict[str, Any] = {}
    for name in params.names:
        param = by_name.get(name)
        annotation = _annotation(param.annotation) if param is not None else None
        if node.args.vararg is not None and name == node.args.vararg.id:
            keys[name] = Node("tuple", tuple, (annotation or FLOAT,) * _taken(node, name, params))
        elif node.args.kwarg is not None and name == node.args.kwarg.id:
            keys[name] = key_of({})
        elif annotation is not None:
            keys[name] = annotation
        elif name in texts:
            keys[name] = Node("dict", dict, (FLOAT,) * len(texts[name]), tuple(texts[name]))
        elif name in indexed:
            keys[name] = argument("float64", indexed[name])
        elif name in bounds and name not in {a.parameter for a in params.wrt}:
            keys[name] = INT
        elif name in source.defaults and not isinstance(key_of(source.defaults[name]), Scalar):
            keys[name] = key_of(source.defaults[name])
        else:
            keys[name] = FLOAT
    return keys


@contextmanager
def assuming(keys: dict[str, Any], way: str) -> Iterator[None]:
    """Refusals in here that speak of types may come of those that were assumed: they name these, and the way to say
    others."""
    try:
        yield
    except S2sadError as error:
        told = ", ".join(f"{n}: {spelt(k)}" for n, k in keys.items() if not isinstance(k, Fixed))
        if told and re.search(r"float|int\b|list|array|dict|number|operand", error.reason):
            S2sadError.__init__(
                error,
                error.reason,
                error.loc,
                f"{error.hint}\n  help: assumed {told}; if they are others, {way}",
            )
        raise


def spelt(key: Any) -> str:
    """A key as `--types` says it."""
    if not isinstance(key, Node):
        return str(key)
    parts = [spelt(p) for p in key.parts]
    if key.kind == "dict":
        return "{" + ", ".join(f"{n}: {p}" for n, p in zip(key.names, parts, strict=True)) + "}"
    return f"[{', '.join(parts)}]" if key.kind == "list" else f"({', '.join(parts)})"


def _taken(node: Any, name: str, params: Parameters) -> int:
    """How many arguments `*name` takes: as many as wrt and constant subscripts reach."""
    reached = [a.number for a in params.wrt if a.parameter == name and a.number is not None]
    for n in gast.walk(node):
        if isinstance(n, gast.Subscript) and _dotted(n.value) == name and isinstance(n.slice, gast.Constant):
            reached += [n.slice.value] if type(n.slice.value) is int else []
    return max((k + 1 if k >= 0 else -k for k in reached), default=0)


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


MATRIX_FUNCTIONS = frozenset(
    {"cholesky", "cond", "det", "eig", "eigh", "eigvals", "eigvalsh", "inv", "matrix_power", "pinv", "qr", "slogdet", "solve",
     "svd", "trace", "triu", "tril"}
)  # fmt: skip
MAKERS = frozenset(
    {
        "arange",
        "empty",
        "eye",
        "full",
        "geomspace",
        "identity",
        "interp",
        "linspace",
        "logspace",
        "ones",
        "tri",
        "zeros",
    }
)
PRODUCTS = frozenset({"convolve", "cross", "dot", "inner", "kron", "outer", "tensordot", "vdot"})
SEQUENCES = frozenset({"len", "zip", "enumerate", "sum", "reversed"})


def _indexed(node: Any, names: set[str]) -> dict[str, int]:
    """Parameters used as arrays: subscripted, iterated over, measured, asked for what arrays have or given to
    NumPy's functions of whole arrays; with the rank of their subscripts."""
    found: dict[str, int] = {}
    for n in gast.walk(node):
        for array, rank in _uses(n):
            if isinstance(array, gast.Name) and array.id in names:
                found[array.id] = max(rank, found.get(array.id, 1))
    return found


def _uses(n: Any) -> Iterator[tuple[Any, int]]:
    """What a piece of syntax uses as an array, and of what rank at least."""
    if isinstance(n, gast.Subscript):
        if _is_text(n.slice):
            return
        rank, inner = _places(n.slice), n.value
        while isinstance(inner, gast.Subscript):  # a[i][j]
            rank, inner = rank + _places(inner.slice), inner.value
        if isinstance(inner, gast.Attribute) and inner.attr == "shape":
            axis = n.slice.value if isinstance(n.slice, gast.Constant) else 0
            yield inner.value, axis + 1 if isinstance(axis, int) and axis >= 0 else 1
        yield inner, rank
    elif isinstance(n, gast.BinOp) and isinstance(n.op, gast.MatMult):  # the usual: a matrix and a vector
        yield n.left, 2
        yield n.right, 1
    elif isinstance(n, (gast.For, gast.comprehension)):
        yield n.iter, 1
    elif isinstance(n, gast.Assign) and isinstance(n.value, gast.Attribute) and n.value.attr == "shape":
        sizes = n.targets[0]
        yield n.value.value, len(sizes.elts) if isinstance(sizes, (gast.Tuple, gast.List)) else 1
    elif isinstance(n, gast.Attribute) and hasattr(np.ndarray, n.attr) and not hasattr(float, n.attr):
        yield n.value, 2 if n.attr == "T" else 1
    elif isinstance(n, gast.Call):
        called = _dotted(n.func)
        module, _, function = called.rpartition(".")
        found = getattr(np, function, None) if module in ("np", "numpy") else None
        whole = callable(found) and not isinstance(found, (np.ufunc, type)) and function not in MAKERS
        if called in SEQUENCES or (whole and function in PRODUCTS):
            yield from ((a, 1) for a in n.args)
        elif (whole or module.endswith("linalg")) and n.args:
            yield n.args[0], 2 if function in MATRIX_FUNCTIONS else 1


def _is_text(node: Any) -> bool:
    return isinstance(node, gast.Constant) and isinstance(node.value, str)


def _texts(node: Any) -> dict[str, list[str]]:
    """Parameters subscripted by texts, and these: dicts."""
    found: dict[str, list[str]] = {}
    places = (n for n in gast.walk(node) if isinstance(n, gast.Subscript) and _is_text(n.slice))
    for n in sorted(places, key=lambda n: (n.lineno, n.col_offset)):
        if isinstance(n.value, gast.Name):
            keys = found.setdefault(n.value.id, [])
            keys += [n.slice.value] if n.slice.value not in keys else []
    return found


def _places(index: Any) -> int:
    """How many axes a subscript takes: all but new ones and `...`."""
    parts = index.elts if isinstance(index, gast.Tuple) else [index]
    new = [
        p
        for p in parts
        if _dotted(p).endswith("newaxis") or (isinstance(p, gast.Constant) and p.value in (None, ...))
    ]
    return len(parts) - len(new)


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
