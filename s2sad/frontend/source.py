"""From a Python function to its syntax tree, with the file and line of everything in it.

`FunctionSource` is what the rest of the compiler knows of a function of the user's: a gast node, where it
stands, and a `Namespace` that resolves its free names. Live functions and functions that are only parsed
(the CLI runs none of the user's code) differ in their namespace alone.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import gast

from s2sad.errors import Loc, SourceError, SourceFile, Stmt
from s2sad.frontend.sent import text_of
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
        space = self.globals
        if name in space:
            return Place(space, name)
        return lambda: space[name] if name in space else getattr(builtins, name)

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


def source_of(fn: types.FunctionType) -> FunctionSource:
    """The source of a live function.

    Raises:
        SourceError: no source text can be found, or it no longer matches the code.
    """
    code = fn.__code__
    lines = linecache.getlines(code.co_filename, fn.__globals__)
    if not lines:
        code, lines = text_of(code)
    if not lines:
        raise SourceError(
            f"the source of {fn.__qualname__}() cannot be found (it says it comes from {code.co_filename!r})",
            hint="define it in a file or a notebook cell; s2sad reads source text, which exec() and the plain"
            " interactive prompt of Python < 3.13 do not keep",
        )
    if fn.__name__ == "<lambda>":
        node, file = _find_lambda(code, lines)
    else:
        node, file = _find_def(fn, code, lines)
    return FunctionSource(
        name="lambda_" if fn.__name__ == "<lambda>" else fn.__name__,
        node=node,
        file=file,
        namespace=LiveNamespace(fn),
        defaults=_defaults(fn),
        code=code,
        qualname=fn.__qualname__,
        doc=fn.__doc__,
        live=fn,
    )


def _defaults(fn: types.FunctionType) -> dict[str, Any]:
    code = fn.__code__
    names = code.co_varnames[: code.co_argcount]
    values = fn.__defaults__ or ()
    found = dict(zip(names[len(names) - len(values) :], values, strict=True))
    return {**found, **(fn.__kwdefaults__ or {})}


def _find_def(fn: types.FunctionType, code: types.CodeType, lines: list[str]) -> tuple[Any, SourceFile]:
    first = code.co_firstlineno
    block = inspect.getblock(lines[first - 1 :])
    file = SourceFile(code.co_filename, tuple(block), first)
    indent = len(block[0]) - len(block[0].lstrip()) if block else 0
    text = "".join(block) if indent == 0 else "if 1:\n" + "".join(block)
    try:
        tree = parse(text)
    except SyntaxError as error:
        raise _stale(fn, code) from error
    body: Any = tree.body if indent == 0 else tree.body[0].body
    ast.increment_lineno(tree, first - (1 if indent == 0 else 2))
    node = next((n for n in body if isinstance(n, gast.FunctionDef) and n.name == code.co_name), None)
    if node is None:
        if any(isinstance(n, gast.AsyncFunctionDef) for n in body):
            raise SourceError(f"{code.co_filename}:{first}: async functions are not supported")
        raise _stale(fn, code)
    return node, file


def _stale(fn: types.FunctionType, code: types.CodeType) -> SourceError:
    return SourceError(
        f"{code.co_filename}:{code.co_firstlineno}: the source of {fn.__qualname__}() found there is not the function's",
        hint="the file was edited after it was imported, or several functions share the place; import it again",
    )


def _find_lambda(code: types.CodeType, lines: list[str]) -> tuple[Any, SourceFile]:
    file = SourceFile(code.co_filename, tuple(lines), 1)
    with deep_recursion(sum(map(len, lines))):
        tree = ast.parse("".join(lines))
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Lambda) and n.lineno == code.co_firstlineno]
    if len(found) > 1:
        spans = {(p[0], p[2]) for p in code.co_positions() if p[0] is not None and p[2]}
        found = [n for n in found if _covers(n.body, spans) and not _inner_covers(n, spans, found)]
    if len(found) != 1:
        raise SourceError(
            f"{code.co_filename}:{code.co_firstlineno}: cannot tell which lambda on this line is meant",
            hint="put each lambda on a line of its own, or use def",
        )
    return to_gast(found[0]), file


def _covers(node: ast.expr, spans: set[tuple[int, int]]) -> bool:
    low = (node.lineno, node.col_offset)
    high = (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
    return bool(spans) and all(low <= s <= high for s in spans)


def _inner_covers(node: ast.Lambda, spans: set[Any], found: list[ast.Lambda]) -> bool:
    inner = [n for n in ast.walk(node.body) if isinstance(n, ast.Lambda) and n in found]
    return any(_covers(n.body, spans) for n in inner)


def parse(text: str) -> Any:
    """Parse Python text into a gast module, however long its expressions are."""
    with deep_recursion(len(text)):
        return to_gast(ast.parse(text))


def to_gast(tree: ast.AST) -> Any:
    with deep_recursion(200_000):
        return gast.ast_to_gast(tree)


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
