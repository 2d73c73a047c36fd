"""Imports of a program that is only parsed: where modules are, and the names one function reads.

Modules are found part by part and never imported; those of math, numpy and scipy are, without the user's folders.
"""

from __future__ import annotations

import importlib
import os
import sys
import tokenize
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gast

from s2sad.errors import Loc, SourceError
from s2sad.frontend.constants import NoSuchFunction, UnknownName
from s2sad.frontend.source import Quotes

if TYPE_CHECKING:
    from s2sad.frontend.classes import ParsedClass, ParsedInstance
    from s2sad.frontend.resolve import StaticNamespace

LIBRARIES = {"math", "cmath", "numpy", "scipy"}
LOADED = {"s2sad", "operator", "functools", "itertools", "numbers"}
"""Modules that are there anyway, since s2sad or Python itself has loaded them; they are looked up, never imported."""


@dataclass(eq=False, slots=True)
class Import:
    """A name bound by an import, followed when it is read: module `module` (or its attribute `attr`)."""

    module: str
    attr: str | None
    level: int
    node: Any
    state: str = "new"
    value: Any = None

    @property
    def origin(self) -> str:
        return self.module if self.attr is None else f"{self.module}.{self.attr}"


class FunctionView:
    """The names of one function's module; a name that is not known is refused where the function reads it."""

    def __init__(self, space: StaticNamespace, node: Any, owner: ParsedClass | None = None) -> None:
        self.space, self.node, self.owner = space, node, owner
        self.receiver: tuple[str, ParsedInstance] | None = None

    def lookup(self, name: str) -> Any:
        try:
            return self.space.lookup(name)
        except UnknownName as error:
            raise UnknownName(error.reason, self.place(name), error.hint) from None

    def place(self, name: str, attribute: bool = False) -> Loc | None:
        """Where the function reads a name (or an attribute of that name) first."""
        kind, key = (gast.Attribute, "attr") if attribute else (gast.Name, "id")
        found = [n for n in gast.walk(self.node) if isinstance(n, kind) and getattr(n, key) == name]
        if not found:
            return None
        first = min(found, key=lambda n: (n.lineno, n.col_offset))
        stmt = Quotes(self.space.file, getattr(self.node, "name", "lambda")).stmt(first)
        return Loc(stmt, first.lineno, first.col_offset)

    def getter(self, name: str) -> Callable[[], Any]:
        return lambda: self.space.lookup(name)

    def key(self, name: str) -> Any:
        return (id(vars(self.space.module)), name)

    def imported(self, module: str | None, name: str | None) -> Any:
        """The module that an import inside the function's body reads; it has the attribute `name`, if given."""
        level = next((n.level or 0 for n in self.imports(module) if isinstance(n, gast.ImportFrom)), 0)
        try:
            found = self.space.imported_module(Import(module or "", None, level, self.node))
            if name is not None and not hasattr(found, name):
                raise self.space.refused_import(
                    Import(module or "", name, level, self.node), f"the module {module!r} binds no {name!r}"
                )
        except UnknownName as error:
            first = next(iter(self.imports(module)), None)
            loc = self.space.loc(first.lineno, first.col_offset) if first is not None else None
            raise UnknownName(error.reason, loc, error.hint) from None
        return found

    def imports(self, module: str | None) -> list[Any]:
        """The statements in the function that import a module."""
        return [
            n
            for n in gast.walk(self.node)
            if (isinstance(n, gast.ImportFrom) and n.module == module)
            or (
                isinstance(n, gast.Import)
                and any(a.name == module or a.name.startswith(f"{module}.") for a in n.names)
            )
        ]


def locate(folder: Path, parts: list[str]) -> Path | None:
    """The file of a module, or the folder of a package without code."""
    found: Path | None = None
    for i, part in enumerate(parts):
        if not part.isidentifier():
            return None
        inner = folder / part
        if (inner / "__init__.py").is_file():
            found = inner / "__init__.py"
        elif (folder / f"{part}.py").is_file():
            return folder / f"{part}.py" if i == len(parts) - 1 else None
        elif inner.is_dir():
            found = inner
        else:
            return None
        folder = inner
    return found


def text_in(path: Path) -> str:
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (UnicodeDecodeError, SyntaxError) as error:
        raise SourceError(f"{path}: {error}", hint="the file must be valid Python") from None
    except OSError as error:
        raise NoSuchFunction(f"{path}: {error.strerror}", hint="name an existing file") from None


def there(node: Any) -> bool:
    """Whether an import in a try statement surely succeeds: of a library, which is installed."""
    modules = [a.name for a in node.names] if isinstance(node, gast.Import) else [node.module or ""]
    if getattr(node, "level", 0) or any(m.partition(".")[0] not in LIBRARIES for m in modules):
        return False
    try:
        for module in modules:
            with without_users_folders():
                importlib.import_module(module)
    except ImportError:
        return False
    return True


class without_users_folders:
    """While a library is imported, files of the user's of the same name do not stand in its way."""

    def __enter__(self) -> None:
        self.before = list(sys.path)
        here = os.getcwd()
        sys.path[:] = [p for p in sys.path if p and os.path.abspath(p) != here]

    def __exit__(self, *exc: Any) -> None:
        sys.path[:] = self.before
