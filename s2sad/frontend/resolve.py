"""Names of a program that is only parsed: none of the user's code runs.

A module's top-level functions, its imports of math, numpy and scipy, and its literal constants are known;
any other name is refused when it is read.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gast

from s2sad.errors import S2sadError, SourceError, SourceFile
from s2sad.frontend.source import FunctionSource, parse

LIBRARIES = {"math", "cmath", "numpy", "scipy"}


class StaticNamespace:
    """The top level of a parsed file."""

    def __init__(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}", hint="name an existing file") from None
        self.path = path
        self.file = SourceFile(str(path), tuple(text.splitlines(keepends=True)), 1)
        try:
            self.tree = parse(text)
        except SyntaxError as error:
            raise SourceError(
                f"{path}:{error.lineno}: {error.msg}", hint="the file must be valid Python"
            ) from None
        self.names: dict[str, Any] = {}
        for node in self.tree.body:
            self.define(node)

    def define(self, node: Any) -> None:
        if isinstance(node, gast.FunctionDef):
            self.names[node.name] = node
        elif isinstance(node, gast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                if root in LIBRARIES:
                    module = importlib.import_module(alias.name)
                    self.names[alias.asname or root] = (
                        module if alias.asname else importlib.import_module(root)
                    )
        elif isinstance(node, gast.ImportFrom) and node.module and node.module.partition(".")[0] in LIBRARIES:
            module = importlib.import_module(node.module)
            for alias in node.names:
                self.names[alias.asname or alias.name] = getattr(module, alias.name)
        elif (
            isinstance(node, gast.Assign)
            and len(node.targets) == 1
            and isinstance(node.targets[0], gast.Name)
        ):
            try:
                self.names[node.targets[0].id] = literal(node.value)
            except ValueError:
                self.names.pop(node.targets[0].id, None)

    def function(self, name: str) -> FunctionSource:
        """The source of a top-level function."""
        node = self.names.get(name)
        if not isinstance(node, gast.FunctionDef):
            raise SourceError(
                f"{self.path} has no function {name!r} at its top level", hint="check the spelling"
            )
        defaults = {}
        positional = [a.id for a in (*node.args.posonlyargs, *node.args.args)]
        for key, value in zip(
            positional[len(positional) - len(node.args.defaults) :], node.args.defaults, strict=True
        ):
            try:
                defaults[key] = literal(value)
            except ValueError:
                continue
        return FunctionSource(name, node, self.file, self, defaults, qualname=name)

    def lookup(self, name: str) -> Any:
        import builtins

        found = self.names.get(name, self)
        if isinstance(found, gast.FunctionDef):
            return self.function(name)
        if found is not self:
            return found
        if hasattr(builtins, name):
            return getattr(builtins, name)
        raise S2sadError(
            f"{self.path}: the name {name!r} is not known without running the file",
            hint="dump resolves functions, literal constants, and imports of math, numpy and scipy",
        )

    def getter(self, name: str) -> Callable[[], Any]:
        return lambda: self.lookup(name)

    def key(self, name: str) -> Any:
        return (id(self), name)


def literal(node: Any) -> Any:
    """The value of a literal expression. Raises ValueError for anything else."""
    if isinstance(node, gast.Constant):
        return node.value
    if isinstance(node, gast.UnaryOp) and isinstance(node.op, gast.USub):
        return -literal(node.operand)
    if isinstance(node, gast.Tuple):
        return tuple(map(literal, node.elts))
    raise ValueError(type(node).__name__)
