"""From a Python function to its syntax tree, with the file and line of everything in it.

`FunctionSource` is what the rest of the compiler knows of a function of the user's: a gast node, where it
stands, and a `Namespace` that resolves its free names. Live functions and functions that are only parsed
(the CLI runs none of the user's code) differ in their namespace alone.
"""

from __future__ import annotations

import ast
import builtins
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import gast

from s2sad.errors import Loc, SourceFile, Stmt
from s2sad.ir.core import Function

MISSING = object()


class Namespace(Protocol):
    """Resolves free names; raises KeyError for a name that is not there."""

    def lookup(self, name: str) -> Any: ...

    def getter(self, name: str) -> Callable[[], Any]:
        """A function that reads the name's present value again."""
        ...

    def key(self, name: str) -> Any:
        """Identifies the variable: equal for two functions that share it."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Place:
    """Where a variable lives: in a dict under a name, or, without a name, in a closure cell. A call reads it."""

    space: Any
    name: str | None = None

    def __call__(self) -> Any:
        return self.space.cell_contents if self.name is None else self.space[self.name]


@dataclass(frozen=True, eq=False, slots=True)
class Builtin:
    """Where a builtin is found, as long as its module binds no such name. A call reads what is found there now."""

    space: Any
    name: str

    def __call__(self) -> Any:
        return self.space[self.name] if self.name in self.space else vars(builtins)[self.name]


@dataclass(frozen=True, eq=False, slots=True)
class Attribute:
    """An attribute of an object that has no namespace of its own, such as the code of a function."""

    owner: Any
    name: str

    def __call__(self) -> Any:
        return getattr(self.owner, self.name)


class LiveNamespace:
    """The closure cells, globals and builtins of a function object."""

    def __init__(self, fn: types.FunctionType) -> None:
        self.globals = fn.__globals__
        self.cells: dict[str, Any] = dict(zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=False))

    def lookup(self, name: str) -> Any:
        if name in self.cells:
            try:
                return self.cells[name].cell_contents
            except ValueError:
                raise KeyError(name) from None
        if name in self.globals:
            return self.globals[name]
        return getattr(builtins, name) if hasattr(builtins, name) else self._missing(name)

    def _missing(self, name: str) -> Any:
        raise KeyError(name)

    def getter(self, name: str) -> Callable[[], Any]:
        if name in self.cells:
            return Place(self.cells[name])
        return (Place if name in self.globals else Builtin)(self.globals, name)

    def key(self, name: str) -> Any:
        return (id(self.cells[name]),) if name in self.cells else (id(self.globals), name)


@dataclass(eq=False)
class FunctionSource:
    """A function of the user's, live or parsed."""

    name: str
    node: Any
    file: SourceFile
    namespace: Namespace
    defaults: dict[str, Any] = field(default_factory=dict)
    code: Any = None
    qualname: str = ""
    doc: str | None = None
    live: types.FunctionType | None = None
    captured: tuple[str, ...] = ()
    lowered: Function | None = None

    @property
    def loc(self) -> Loc:
        stmt = Stmt(self.file, self.node.lineno, f"def {self.name}", self.name)
        return Loc(stmt, self.node.lineno, self.node.col_offset)


@contextmanager
def deep_recursion(size: int) -> Iterator[None]:
    """Let recursion over a syntax tree go as deep as the tree: bounded by `size` nodes, restored on leaving."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, min(2_000_000, 4_000 + 24 * size)))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def parse(text: str) -> Any:
    """Parse Python text into a gast module, however long its expressions are."""
    with deep_recursion(len(text)):
        return to_gast(ast.parse(text))


def to_gast(tree: ast.AST) -> Any:
    with deep_recursion(200_000):
        return gast.ast_to_gast(tree)


def owner_of(qualname: str) -> str | None:
    """The class that a function's text stands in, directly or in functions in between."""
    *outer, _ = qualname.split(".")
    following = [*outer[1:], ""]  # what comes after a function is "<locals>"
    classes = [n for n, after in zip(outer, following, strict=False) if "<locals>" not in (n, after)]
    return classes[-1] if classes else None


def mangled(node: Any, qualname: str) -> Any:
    """A function's tree with the names that Python gives what is private to the class it stands in."""
    owner = (owner_of(qualname) or "").lstrip("_")

    def private(name: Any) -> Any:
        hidden = (
            isinstance(name, str) and name.startswith("__") and not name.endswith("__") and "." not in name
        )
        return f"_{owner}{name}" if hidden else name

    for n in gast.walk(node) if owner else ():
        for where in ("id", "attr", "arg", "asname", *(("name",) if n is not node else ())):
            if hasattr(n, where):
                setattr(n, where, private(getattr(n, where)))
        if isinstance(n, (gast.Global, gast.Nonlocal)):
            n.names = [*map(private, n.names)]
    return node


class Quotes:
    """Cuts the text of statements out of a file, for comments and messages."""

    def __init__(self, file: SourceFile, function: str) -> None:
        self.file, self.function = file, function

    def stmt(self, node: Any) -> Stmt:
        return Stmt(self.file, node.lineno, self.text(node), self.function)

    def text(self, node: Any) -> str:
        if isinstance(node, gast.Return):
            value = self.cut(node.value, node.value) if node.value is not None else "None"
            return f"{self.function} = {value}"
        if isinstance(node, (gast.If, gast.While)):
            return self.cut(node, node.test) + ":"
        if isinstance(node, gast.For):
            return self.cut(node, node.iter) + ":"
        if isinstance(node, gast.expr) or not hasattr(node, "body"):
            return self.cut(node, node)
        return self.file.line(node.lineno).strip()

    def cut(self, first: Any, last: Any) -> str:
        low, high = first.lineno, last.end_lineno
        if low == high:
            return _slice(self.file.line(low), first.col_offset, last.end_col_offset)
        lines = [self.file.line(n) for n in range(low, high + 1)]
        lines[0] = _slice(lines[0], first.col_offset, None)
        lines[-1] = _slice(lines[-1], 0, last.end_col_offset)
        text = " ".join(" ".join(lines).split())
        return text.replace("( ", "(").replace(" )", ")") if len(text) <= 100 else text[:97] + "..."


def _slice(line: str, start: int, stop: int | None) -> str:
    if line.isascii():
        return line[start:stop]
    return line.encode()[start:stop].decode(errors="ignore")
