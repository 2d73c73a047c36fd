"""Names of a program that is only parsed: none of the user's code runs.

A module's functions, constant expressions, classes' constants and imports are known; modules are found part by
part on the search path and parsed, never imported (math, numpy and scipy are, which are not the user's). Any
other name is refused when a function reads it.
"""

from __future__ import annotations

import builtins
import importlib
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gast

from s2sad.errors import Loc, SourceError, SourceFile, Stmt
from s2sad.frontend.classes import ParsedClass
from s2sad.frontend.constants import NoSuchFunction, NotConstant, Unknown, UnknownName, evaluate, text_of
from s2sad.frontend.decorated import Decorated, Derivatives
from s2sad.frontend.imports import (
    LIBRARIES,
    LOADED,
    FunctionView,
    Import,
    locate,
    text_in,
    there,
    without_users_folders,
)
from s2sad.frontend.names import assigned_names
from s2sad.frontend.source import FunctionSource, parse

HINT = "functions, constant expressions and imports are followed without running anything; pass other values as parameters"
Make = Callable[[Any, dict[str, Any]], Any]


@dataclass(eq=False)
class Program:
    """The parsed modules of one program. `derivative(f, options)` makes what stands for a `Derivative` in it,
    `static_method(source)` what stands for a static method of a class."""

    roots: list[Path]
    derivative: Make
    static_method: Callable[[FunctionSource], Any]
    modules: dict[Path, ParsedModule] = field(default_factory=dict)

    @classmethod
    def of(
        cls, path: Path | None, derivative: Make, static_method: Callable[[FunctionSource], Any]
    ) -> Program:
        """The search path of a program: where its file stands, the root of its package, and Python's own."""
        roots = []
        if path is not None:
            folder = path.absolute().parent
            roots.append(folder)
            while (folder / "__init__.py").is_file():
                folder = folder.parent
            roots.append(folder)
        roots += [Path.cwd(), *(Path(p) for p in sys.path if p)]
        return cls(list(dict.fromkeys(roots)), derivative, static_method)

    def open(self, path: Path, name: str = "") -> ParsedModule:
        """The module in a file (or the package in a folder without code), parsed once."""
        key = path.absolute()
        if key not in self.modules:
            module = self.modules[key] = ParsedModule(name or path.stem, path, self)
            module.read()
        return self.modules[key]

    def find(self, dotted: str, roots: Sequence[Path] | None = None) -> ParsedModule | None:
        """The module of a dotted name, found part by part; None where there is none."""
        plain = None
        for root in self.roots if roots is None else roots:
            found = locate(root, dotted.split("."))
            if found is not None and found.is_file():
                return self.open(found, dotted)
            plain = plain or found
        return self.open(plain, dotted) if plain is not None else None


class ParsedModule(types.ModuleType):
    """A module of the user's that is only parsed; its attributes are resolved when they are read."""

    def __init__(self, name: str, path: Path, program: Program) -> None:
        super().__init__(name)
        self._path, self._program = path, program
        self._space = StaticNamespace(self, path, program)

    def read(self) -> None:
        if self._path.is_file():
            self._space.read()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = self._space.attribute(name)
        vars(self)[name] = value
        return value


class StaticNamespace(Derivatives):
    """The top level of a parsed file."""

    def __init__(self, module: ParsedModule, path: Path, program: Program) -> None:
        self.module, self.path, self.program = module, path, program
        self.folder = path.parent if path.suffix == ".py" else path
        self.file = SourceFile(str(path))
        self.names: dict[str, Any] = {"__name__": module.__name__}

    def read(self) -> None:
        text = text_in(self.path)
        self.file = SourceFile(str(self.path), tuple(text.splitlines(keepends=True)), 1)
        try:
            tree = parse(text)
        except SyntaxError as error:
            column = len((error.text or "")[: max((error.offset or 1) - 1, 0)].encode())
            raise SourceError(
                error.msg, self.loc(error.lineno or 1, column), "the file must be valid Python"
            ) from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise SourceError(f"{self.path}: {error}", hint="the file must be valid Python") from None
        for node in tree.body:
            self.define(node)

    def loc(self, line: int, column: int, function: str = "") -> Loc:
        return Loc(Stmt(self.file, line, self.file.line(line).strip(), function), line, column)

    # -- what the statements bind -------------------------------------------------------------------

    def define(self, node: Any) -> None:
        handler = getattr(self, "define_" + type(node).__name__, None)
        if handler is not None:
            handler(node)
        elif not isinstance(node, (gast.Pass, gast.Raise, gast.Assert, gast.Global)):
            self.forget(node, "it is bound under a condition or in a loop")

    def forget(self, node: Any, reason: str) -> None:
        """What a statement that is not followed binds, or may change, is not known from here on."""
        inner = [n.name for n in gast.walk(node) if isinstance(n, gast.ClassDef)]
        for name in (*assigned_names(node), *inner):
            self.names[name] = Unknown(reason, node)
        self.touched(node)

    def touched(self, node: Any) -> None:
        for n in gast.walk(node):
            if isinstance(n, gast.Name) and _mutable(self.names.get(n.id)):
                self.names[n.id] = Unknown(f"line {node.lineno} may change it", node)

    def define_FunctionDef(self, node: Any) -> None:
        self.names[node.name] = self.decorated(self.source(node), node.decorator_list)

    def define_AsyncFunctionDef(self, node: Any) -> None:
        self.names[node.name] = Unknown("it is an async function", node)

    def define_ClassDef(self, node: Any) -> None:
        self.names[node.name] = ParsedClass(self, node)

    def define_Import(self, node: Any) -> None:
        for alias in node.names:
            root = alias.name.partition(".")[0]
            if alias.asname:
                self.names[alias.asname] = Import(alias.name, None, 0, node)
            else:
                self.names[root] = Import(root, None, 0, node)

    def define_ImportFrom(self, node: Any) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.star(node)
            else:
                self.names[alias.asname or alias.name] = Import(
                    node.module or "", alias.name, node.level or 0, node
                )

    def star(self, node: Any) -> None:
        try:
            module = self.follow(Import(node.module or "", None, node.level or 0, node))
        except UnknownName:
            return
        space = module._space.names if isinstance(module, ParsedModule) else vars(module)
        public = space.get("__all__")
        if not isinstance(public, (list, tuple)):
            public = [n for n in space if not n.startswith("_")]
        for name in public:
            self.names[name] = Import(node.module or "", name, node.level or 0, node)

    def define_Assign(self, node: Any) -> None:
        value = self.constant(node.value)
        if isinstance(value, Unknown) and any(isinstance(n, gast.Call) for n in gast.walk(node.value)):
            self.touched(node.value)
        for target in node.targets:
            self.bind(target, value, node)

    def define_AnnAssign(self, node: Any) -> None:
        if node.value is not None:
            self.bind(node.target, self.constant(node.value), node)

    def define_AugAssign(self, node: Any) -> None:
        if isinstance(node.target, gast.Name):
            read = gast.Name(node.target.id, gast.Load(), None, None)
            self.names[node.target.id] = self.constant(
                gast.copy_location(gast.BinOp(read, node.op, node.value), node)
            )
        else:
            self.forget(node, "")

    def define_Expr(self, node: Any) -> None:
        call = node.value
        if isinstance(call, gast.Call) and not (
            isinstance(call.func, gast.Name) and call.func.id == "print" and "print" not in self.names
        ):
            self.forget(node, "it is bound in an expression")

    def define_Delete(self, node: Any) -> None:
        for target in node.targets:
            if isinstance(target, gast.Name):
                self.names.pop(target.id, None)
            else:
                self.touched(node)

    def define_If(self, node: Any) -> None:
        if text_of(node.test).rpartition(".")[2] == "TYPE_CHECKING":
            return
        if isinstance(node.test, gast.Compare) and text_of(node.test.left) == "__name__":
            return  # the script's own part, which importing does not run
        test = self.constant(node.test)
        if isinstance(test, Unknown):
            self.forget(node, "it is bound under a condition")
            return
        for inner in node.body if test else node.orelse:
            self.define(inner)

    def define_Try(self, node: Any) -> None:
        imports = all(isinstance(n, (gast.Import, gast.ImportFrom)) for n in node.body)
        if imports and all(there(n) for n in node.body):
            for inner in (*node.body, *node.orelse, *node.finalbody):
                self.define(inner)
        else:
            self.forget(node, "it is bound in a try statement")

    def bind(self, target: Any, value: Any, node: Any) -> None:
        if isinstance(target, gast.Name):
            self.names[target.id] = value
        elif isinstance(target, (gast.Tuple, gast.List)):
            parts = list(value) if isinstance(value, (tuple, list)) else []
            plain = len(parts) == len(target.elts) and not any(
                isinstance(e, gast.Starred) for e in target.elts
            )
            for i, element in enumerate(target.elts):
                unknown = value if isinstance(value, Unknown) else Unknown("it is unpacked", node)
                self.bind(element, parts[i] if plain else unknown, node)
        else:
            self.forget(node, "")

    # -- values -------------------------------------------------------------------------------------

    def constant(self, node: Any, local: Callable[[str], Any] | None = None) -> Any:
        """The value of an expression, or `Unknown`."""
        if isinstance(node, gast.Lambda):
            return self.source(node, "lambda_")
        if isinstance(node, gast.Name) and isinstance(
            self.names.get(node.id), (FunctionSource, Decorated, Import)
        ):
            return self.names[node.id]
        made = self.derivative(node) if isinstance(node, gast.Call) else None
        if made is not None:
            return made
        try:
            value = evaluate(node, local or self.read_name)
        except NotConstant as error:
            return Unknown(error.reason, error.node)
        return Unknown("it is a module", node) if isinstance(value, types.ModuleType) else value

    def read_name(self, name: str) -> Any:
        try:
            return self.lookup(name)
        except KeyError:
            raise UnknownName(f"{name!r} is not defined") from None

    def source(self, node: Any, name: str = "", owner: ParsedClass | None = None) -> FunctionSource:
        view = FunctionView(self, node, owner)
        name = name or node.name
        qualname = f"{owner.__qualname__}.{name}" if owner is not None else name
        source = FunctionSource(name, node, self.file, view, self.defaults(node, owner), qualname=qualname)
        source.live = view  # type: ignore[assignment]  # only its identity is used
        return source

    def defaults(self, node: Any, owner: ParsedClass | None) -> dict[str, Any]:
        args = node.args
        positional = [a.id for a in (*args.posonlyargs, *args.args)]
        pairs = list(zip(positional[len(positional) - len(args.defaults) :], args.defaults, strict=True))
        pairs += [(a.id, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d is not None]
        found = {name: self.constant(d, owner.read_name if owner else None) for name, d in pairs}
        return {name: value for name, value in found.items() if not isinstance(value, (Unknown, Import))}

    # -- reading names ------------------------------------------------------------------------------

    def lookup(self, name: str) -> Any:
        """The value of a name. Raises KeyError for one that is not there, UnknownName for one not known."""
        if name in self.names:
            return self.resolved(name)
        if hasattr(builtins, name):
            return getattr(builtins, name)
        raise KeyError(name)

    def resolved(self, name: str) -> Any:
        found = self.names[name]
        if isinstance(found, Import):
            found = self.read_import(name, found)
        if isinstance(found, Unknown):
            raise self.unknown(name, found)
        if isinstance(found, Decorated):
            return self.made(found)
        return found

    def read_import(self, name: str, found: Import) -> Any:
        if found.state == "busy":
            raise self.unknown(name, Unknown("its imports go in circles", found.node))
        if found.state == "new":
            found.state = "busy"
            try:
                found.value = self.follow(found)
            finally:
                found.state = "new"
            found.state = "done"
        return found.value

    def made(self, found: Any) -> Any:
        if isinstance(found, Decorated) and found.made is None:
            found.made = self.program.derivative(self.made(found.inner), found.options)
        return found.made if isinstance(found, Decorated) else found

    def unknown(self, name: str, found: Unknown) -> UnknownName:
        line = getattr(found.node, "lineno", 0)
        where = f"{self.path.name}, line {line}" if line else self.path.name
        return UnknownName(
            f"{name!r} is known only by running the program: {found.reason} ({where})", hint=HINT
        )

    def attribute(self, name: str) -> Any:
        """An attribute of the module: what it binds, else a module inside the package."""
        if name in self.names and not isinstance(self.names[name], Unknown):
            return self.resolved(name)
        if self.path.name == "__init__.py" or self.folder == self.path:
            inner = self.program.find(name, [self.folder])
            if inner is not None:
                return inner
        if name in self.names:
            return self.resolved(name)
        raise AttributeError(name)

    def follow(self, found: Import) -> Any:
        """What an import binds. Raises UnknownName."""
        module = self.imported_module(found)
        if found.attr is None:
            return module
        try:
            return getattr(module, found.attr)
        except AttributeError:
            pass
        inner = f"{found.module}.{found.attr}".lstrip(".")
        if not isinstance(module, ParsedModule):
            try:
                return self.imported_module(Import(inner, None, 0, found.node))
            except UnknownName:
                pass
        raise self.refused_import(found, f"the module {module.__name__!r} binds no {found.attr!r}")

    def imported_module(self, found: Import) -> types.ModuleType:
        root = found.module.partition(".")[0]
        if not found.level and root in LIBRARIES:
            try:
                with without_users_folders():
                    return importlib.import_module(found.module)
            except ImportError as error:
                raise self.refused_import(found, str(error)) from None
        if not found.level and root in LOADED:
            loaded = sys.modules.get(found.module)
            if loaded is not None:
                return loaded
        if found.level:
            folder = self.folder
            for _ in range(found.level - 1):
                folder = folder.parent
            if not found.module:
                init = folder / "__init__.py"
                return self.program.open(init if init.is_file() else folder, folder.name)
            inner = self.program.find(found.module, [folder])
        else:
            inner = self.program.find(found.module)
        if inner is None:
            dots = "." * found.level
            raise self.refused_import(found, f"no module {dots}{found.module} was found")
        return inner

    def refused_import(self, found: Import, reason: str) -> UnknownName:
        what = found.attr or found.module
        line = getattr(found.node, "lineno", 0)
        return UnknownName(
            f"the import of {what!r} is not resolved: {reason} ({self.path.name}, line {line})", hint=HINT
        )

    def function(self, name: str) -> Any:
        """The function that a command names: a FunctionSource, or a derivative that stands in the program.

        Raises:
            NoSuchFunction: there is no function of that name.
        """
        owner, _, last = name.rpartition(".")
        if owner:
            found = self.names.get(owner)
            if not isinstance(found, ParsedClass):
                raise NoSuchFunction(
                    f"{self.path} has no class {owner!r} at its top level", hint="check the spelling"
                )
            return self.made(found.method(last))
        entry = self.names.get(name)
        if isinstance(entry, Unknown) and isinstance(entry.node, gast.AsyncFunctionDef):
            raise SourceError(
                "async functions are not supported", self.loc(entry.node.lineno, entry.node.col_offset),
                "make it an ordinary function",
            )  # fmt: skip
        if isinstance(entry, Unknown):
            error = self.unknown(name, entry)
            raise SourceError(
                error.reason,
                self.loc(entry.node.lineno, entry.node.col_offset),
                "name a function that is defined by def or lambda at the top level, with no decorators but grad's",
            )
        value = self.resolved(name) if name in self.names else None
        if isinstance(value, FunctionSource) or (
            isinstance(entry, (Decorated, Import)) and hasattr(type(value), "__s2sad_inline__")
        ):
            return value
        known = [n for n, v in self.names.items() if isinstance(v, (FunctionSource, Decorated))]
        hint = f"its functions are {', '.join(known)}" if known else "it defines no functions"
        raise NoSuchFunction(f"{self.path} has no function {name!r} at its top level", hint=hint)


def _mutable(value: Any) -> bool:
    return isinstance(value, (list, dict, set)) or type(value).__name__ == "ndarray"


def literal(node: Any) -> Any:
    """The value of a constant expression without names. Raises ValueError for anything else."""

    def nothing(name: str) -> Any:
        raise NotConstant(node, f"the name {name!r}")

    try:
        return evaluate(node, nothing)
    except NotConstant as error:
        raise ValueError(error.reason) from None
