"""Classes of a program that is only parsed: their constants and methods, and the `self` of a method."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gast

from s2sad.errors import SourceError
from s2sad.frontend.constants import NoSuchFunction, Unknown, UnknownName
from s2sad.frontend.source import mangled

if TYPE_CHECKING:
    from s2sad.frontend.resolve import StaticNamespace


class ParsedClass:
    """A class that is only parsed: its attributes are its constants and static methods."""

    __s2sad_parsed__ = True

    def __init__(self, space: StaticNamespace, node: Any) -> None:
        self._space, self._node = space, node
        self.__name__ = self.__qualname__ = node.name
        self.__module__ = space.module.__name__
        self._names: dict[str, Any] = {}
        for stmt in mangled(gast.Module(node.body, []), f"{node.name}.body").body:
            self._define(stmt)

    def __repr__(self) -> str:
        return f"the class {self.__qualname__}"

    def _define(self, stmt: Any) -> None:
        if isinstance(stmt, gast.FunctionDef):
            self._names[stmt.name] = stmt
            return
        if isinstance(stmt, gast.AnnAssign) and stmt.value is None:
            return
        targets: list[Any] = (
            stmt.targets if isinstance(stmt, gast.Assign) else [getattr(stmt, "target", None)]
        )
        if isinstance(stmt, (gast.Assign, gast.AnnAssign)) and all(isinstance(t, gast.Name) for t in targets):
            value = self._space.constant(stmt.value, self.read_name)
            self._names.update((t.id, value) for t in targets)
            return
        for n in gast.walk(stmt):
            if isinstance(n, gast.Name) and isinstance(n.ctx, gast.Store):
                self._names[n.id] = Unknown("it is not a plain constant of its class", stmt)

    def read_name(self, name: str) -> Any:
        """A name as the class's own body reads it."""
        found = self._names.get(name)
        if found is None or isinstance(found, gast.FunctionDef):
            return self._space.read_name(name)
        return self._known(name, found)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in PROBED:
            raise AttributeError(name)
        return self.attribute(name)

    def attribute(self, name: str) -> Any:
        """A constant or static method of the class, or of the parsed classes it derives from."""
        for cls in self._lineage(name):
            found = cls._names.get(name)
            if found is None:
                continue
            if isinstance(found, gast.FunctionDef):
                return cls._static(found)
            return cls._known(name, found)
        raise UnknownName(f"the class {self.__name__} has no constant {name!r}", hint=WAY_OUT)

    def _known(self, name: str, found: Any) -> Any:
        if isinstance(found, Unknown):
            raise self._space.unknown(f"{self.__name__}.{name}", found)
        return found

    def _lineage(self, name: str) -> list[ParsedClass]:
        """The class and its bases, in order; all of them must be plain parsed classes."""
        if self._node.keywords or any(not _plain(d) for d in self._node.decorator_list):
            raise UnknownName(f"the class {self.__name__} is made by a metaclass or decorator", hint=WAY_OUT)
        found = [self]
        if name in self._names:
            return found
        for base in self._node.bases:
            parent = self._space.read_name(base.id) if isinstance(base, gast.Name) else None
            if parent is object:
                continue
            if not isinstance(parent, ParsedClass):
                raise UnknownName(
                    f"the class {self.__name__} derives from one that is not parsed", hint=WAY_OUT
                )
            found += parent._lineage(name)
        return found

    def exceptions(self) -> list[type]:
        """The builtin classes of exceptions that the class derives from."""
        found: list[type] = []
        for base in self._node.bases:
            try:
                parent = self._space.read_name(base.id) if isinstance(base, gast.Name) else None
            except SourceError:
                continue
            if isinstance(parent, ParsedClass):
                found += parent.exceptions()
            elif isinstance(parent, type) and issubclass(parent, BaseException):
                found.append(parent)
        return found

    def _static(self, node: Any) -> Any:
        if [_name(d) for d in node.decorator_list] != ["staticmethod"]:
            raise UnknownName(
                f"{self.__name__}.{node.name}() is a method",
                hint="call a function or a static method instead",
            )
        return self._space.program.static_method(self._space.source(node, owner=self))

    def method(self, name: str) -> Any:
        """The source of a method that a command names. Raises NoSuchFunction."""
        node = self._names.get(name)
        if not isinstance(node, gast.FunctionDef):
            known = [n for n, v in self._names.items() if isinstance(v, gast.FunctionDef)]
            hint = f"its methods are {', '.join(known)}" if known else "it has no methods"
            raise NoSuchFunction(f"the class {self.__name__} has no method {name!r}", hint=hint)
        source = self._space.source(node, owner=self)
        kinds = [_name(d) for d in node.decorator_list]
        rest = [d for d, k in zip(node.decorator_list, kinds, strict=True) if k not in BINDING]
        first = [*node.args.posonlyargs, *node.args.args][:1]
        if "staticmethod" not in kinds and first:
            view: Any = source.namespace
            view.receiver = (first[0].id, ParsedInstance(self, first[0].id, view))
        made = self._space.decorated(source, rest)
        if isinstance(made, Unknown):
            raise SourceError(
                f"{source.qualname}() is not known without running the program: {made.reason}",
                self._space.loc(made.node.lineno, made.node.col_offset),
                "name a method with no decorators but staticmethod, classmethod and grad",
            )
        return made


class ParsedInstance:
    """The `self` (or `cls`) of a method that is only parsed: it has the class's constants and nothing else."""

    __s2sad_parsed__ = True

    def __init__(self, cls: ParsedClass, name: str, view: Any) -> None:
        self._cls, self._name, self._view = cls, name, view

    def __repr__(self) -> str:
        return f"{self._name}, a {self._cls.__name__} that is only parsed"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in PROBED:
            raise AttributeError(name)
        place: Callable[[], Any] = lambda: self._view.place(name, attribute=True)  # noqa: E731
        if self._on_instances(name):
            raise UnknownName(
                f"{self._name}.{name} is set on the object, which does not exist before the program runs",
                place(),
                WAY_OUT,
            )
        try:
            return self._cls.attribute(name)
        except UnknownName as error:
            raise UnknownName(error.reason, place(), error.hint) from None

    def _on_instances(self, name: str) -> bool:
        """Whether some method of the class assigns this attribute, or all attributes are computed."""
        names = self._cls._names
        if any(n in names for n in ("__getattr__", "__getattribute__", "__setattr__")):
            return True
        return any(
            isinstance(n, gast.Attribute) and n.attr == name and isinstance(n.ctx, gast.Store)
            for n in gast.walk(self._cls._node)
        )


BINDING = ("staticmethod", "classmethod")
PROBED = ("py_func",)
"""Attributes that the compiler itself looks for on any object."""

WAY_OUT = "pass it as a parameter, or make it a constant of the class or module"


def _name(decorator: Any) -> str:
    return str(decorator.id) if isinstance(decorator, gast.Name) else ""


def _plain(decorator: Any) -> bool:
    call = decorator.func if isinstance(decorator, gast.Call) else decorator
    return (call.attr if isinstance(call, gast.Attribute) else getattr(call, "id", "")) == "dataclass"
