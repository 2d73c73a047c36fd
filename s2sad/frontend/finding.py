"""From a live function to its source: the text that its code was compiled from, or a refusal.

What `linecache` holds may be older than the file, and the file newer than the code. Each is tried, at the function's
line and, where it was moved, elsewhere; only syntax that compiles to the function's own code is taken.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import tokenize
import types
from collections.abc import Iterator
from typing import Any

from s2sad.errors import SourceError, SourceFile
from s2sad.frontend.compiled_from import is_compiled_from
from s2sad.frontend.sent import text_of
from s2sad.frontend.source import FunctionSource, LiveNamespace, deep_recursion, mangled, to_gast

Found = tuple[ast.FunctionDef | ast.Lambda, SourceFile]


def source_of(fn: types.FunctionType) -> FunctionSource:
    """The source of a live function.

    Raises:
        SourceError: no source text can be found, or it is not what the function's code was compiled from.
    """
    node, file = find(fn)
    own = fn.__name__ if fn.__name__.isidentifier() else fn.__code__.co_name
    return FunctionSource(
        name=own if own.isidentifier() else "lambda_",
        node=mangled(to_gast(node), fn.__qualname__),
        file=file,
        namespace=LiveNamespace(fn),
        defaults=defaults_of(fn),
        code=fn.__code__,
        qualname=fn.__qualname__,
        doc=fn.__doc__,
        live=fn,
    )


def defaults_of(fn: types.FunctionType) -> dict[str, Any]:
    code = fn.__code__
    names = code.co_varnames[: code.co_argcount]
    values = fn.__defaults__ or ()
    found = dict(zip(names[len(names) - len(values) :], values, strict=True))
    return {**found, **(fn.__kwdefaults__ or {})}


def find(fn: types.FunctionType) -> Found:
    """The syntax that the function's code was compiled from, and where it stands."""
    code, space = fn.__code__, fn.__globals__
    lines: list[str] = []
    for lines in texts(code, space):
        found = in_place(fn, lines)
        if found is not None:
            return found
    if not lines:
        raise SourceError(
            f"the source of {fn.__qualname__}() cannot be found (it says it comes from {code.co_filename!r})",
            hint="define it in a file or a notebook cell; s2sad reads source text, which exec() and the plain"
            " interactive prompt of Python < 3.13 do not keep",
        )
    found = elsewhere(fn, lines)
    if found is not None:
        return found
    place = f"{code.co_filename}:{code.co_firstlineno}"
    if code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        raise SourceError(f"{place}: async functions are not supported", hint="make it an ordinary function")
    raise SourceError(
        f"{place}: the source of {fn.__qualname__}() found there is not the function's",
        hint="the file was edited after it was imported, or the function's code was changed; import it again",
    )


def texts(code: types.CodeType, space: dict[str, Any]) -> Iterator[list[str]]:
    """The lines of a file as they were last read and, if it has been written since, as they are now; else those that came
    with a pickled function."""
    filename = code.co_filename
    lines = linecache.getlines(filename, space)
    yield lines or text_of(code)[1]
    linecache.checkcache(filename)
    again = linecache.getlines(filename, space)
    if again is not lines and again:
        yield again


def in_place(fn: types.FunctionType, lines: list[str]) -> Found | None:
    """The function at the line where its code says that it begins."""
    code = fn.__code__
    first = code.co_firstlineno
    if code.co_name == "<lambda>":
        file = SourceFile(code.co_filename, tuple(lines), 1)
        return chosen(fn, [n for n in functions(lines, ast.Lambda) if n.lineno == first], file, lines)
    try:
        block = inspect.getblock(lines[first - 1 :])
    except (SyntaxError, tokenize.TokenError):
        return None
    indented = bool(block) and block[0][:1].isspace()
    text = "if 1:\n" + "".join(block) if indented else "".join(block)
    try:
        with deep_recursion(len(text)):
            tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    body = getattr(tree.body[0], "body", []) if indented else tree.body
    ast.increment_lineno(tree, first - (2 if indented else 1))
    named = [n for n in body if isinstance(n, ast.FunctionDef) and n.name == code.co_name]
    return chosen(fn, named, SourceFile(code.co_filename, tuple(block), first), lines)


def elsewhere(fn: types.FunctionType, lines: list[str]) -> Found | None:
    """The function at another line of the file: what stands before it was edited."""
    code = fn.__code__
    kind = ast.Lambda if code.co_name == "<lambda>" else ast.FunctionDef
    found = [n for n in functions(lines, kind) if getattr(n, "name", code.co_name) == code.co_name]
    found.sort(key=lambda n: abs(n.lineno - code.co_firstlineno))
    return chosen(fn, found, SourceFile(code.co_filename, tuple(lines), 1), lines)


def chosen(fn: types.FunctionType, found: list[Any], file: SourceFile, lines: list[str]) -> Found | None:
    """Of several functions the one of this code; of lambdas that are all alike the one that stands where it does."""
    code = fn.__code__
    if not found:
        return None
    modules = [n for n in code.co_names if isinstance(fn.__globals__.get(n), types.ModuleType)]
    with deep_recursion(sum(map(len, file.lines))):
        same = [n for n in found if is_compiled_from(code, n, modules)]
        if not same:
            names = imports(lines)
            same = [n for n in found if is_compiled_from(code, n, names)]
    if len(same) > 1:
        spans = {(p[0], p[2]) for p in code.co_positions() if p[0] is not None and p[2]}
        same.sort(key=lambda n: not _covers(n, spans))
    return (same[0], file) if same else None


def _covers(node: ast.Lambda | ast.FunctionDef, spans: set[tuple[int, int]]) -> bool:
    low = (node.lineno, node.col_offset)
    high = (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
    return bool(spans) and all(low <= s <= high for s in spans)


_PARSED: list[Any] = [None, None]  # the lines that were parsed last, and their tree


def parsed(lines: list[str]) -> ast.Module:
    """The tree of a file, empty where it is not valid Python."""
    if _PARSED[0] is not lines:
        try:
            with deep_recursion(sum(map(len, lines))):
                tree = ast.parse("".join(lines))
        except (SyntaxError, ValueError):
            return ast.Module([], [])
        _PARSED[:] = lines, tree
    found: ast.Module = _PARSED[1]
    return found


def functions(lines: list[str], kind: type[ast.AST]) -> list[Any]:
    return [n for n in ast.walk(parsed(lines)) if isinstance(n, kind)]


def imports(lines: list[str]) -> list[str]:
    """The names that the imports of a module bind; those in functions and classes are not its own."""
    found: dict[str, None] = {}
    stack: list[ast.AST] = [parsed(lines)]
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update((a.asname or a.name.partition(".")[0], None) for a in node.names if a.name != "*")
        elif isinstance(node, (ast.Module, ast.stmt, ast.excepthandler)) and not isinstance(node, _SCOPES):
            stack += ast.iter_child_nodes(node)
    return list(found)


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
