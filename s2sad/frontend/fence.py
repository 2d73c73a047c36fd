"""The one place that says which Python is not supported (yet), and what to write instead."""

from __future__ import annotations

from typing import Any

import gast

from s2sad.errors import Loc, S2sadError, Stmt, UnsupportedSyntaxError
from s2sad.frontend.source import FunctionSource, Quotes

# construct -> (what it is called, a way out)
REFUSED: dict[str, tuple[str, str]] = {
    "AsyncFunctionDef": ("an async function", "make it an ordinary function"),
    "AsyncFor": ("'async for'", "use an ordinary loop"),
    "AsyncWith": ("'async with'", "take it out of the differentiated function"),
    "Await": ("'await'", "take it out of the differentiated function"),
    "ClassDef": ("a class defined inside a differentiated function", "define it at module level"),
    "Delete": ("'del'", "leave the variable bound; it does no harm"),
    "Global": ("'global'", "pass the value in and return the new one"),
    "Nonlocal": ("'nonlocal'", "pass the value in and return the new one"),
    "Match": ("'match'", "use if/elif/else"),
    "Try": ("'try'", "test the condition with if before the operation"),
    "TryStar": ("'try'", "test the condition with if before the operation"),
    "With": ("'with'", "take it out of the differentiated function"),
    "Yield": ("a generator function", "return a list, or loop over the values directly"),
    "YieldFrom": ("a generator function", "return a list, or loop over the values directly"),
    "Set": ("a set display", "use a tuple or list"),
    "SetComp": ("a set comprehension", "use a list comprehension"),
    "Starred": ("'*' here", "write the elements out"),
}


def refuse(source: FunctionSource, node: Any) -> S2sadError:
    """The error for a node that the frontend does not lower."""
    name, way_out = REFUSED.get(
        type(node).__name__, (f"the syntax {type(node).__name__}", "write it another way")
    )
    stmt = Stmt(
        source.file, node.lineno, Quotes(source.file, source.name).file.line(node.lineno).strip(), source.name
    )
    loc = Loc(stmt, node.lineno, node.col_offset)
    return UnsupportedSyntaxError(
        f"{name} is not supported in the differentiated function {source.name}()", loc, way_out
    )


def check_function(source: FunctionSource) -> None:
    """Refuse whatever stands in a function and is on the list, before anything else looks at it."""
    node = source.node
    if not isinstance(node, gast.FunctionDef):
        return
    stack = list(node.body)
    while stack:
        n = stack.pop()
        if type(n).__name__ in REFUSED and not isinstance(n, gast.Starred):
            raise refuse(source, n)
        stack.extend(gast.iter_child_nodes(n))
