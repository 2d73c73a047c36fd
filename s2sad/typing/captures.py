"""What a function takes from outside: globals, closure cells, modules.

Numbers, arrays and lists become hidden parameters, read anew at each call. Functions, strings and truth
values are constants of the generated code, held by guards: when one changes, the call is typed again.
"""

from __future__ import annotations

import importlib
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from s2sad.bound import BoundDerivative
from s2sad.frontend.source import MISSING, FunctionSource, Namespace, Place
from s2sad.ir.core import Value
from s2sad.ir.types import Object, Placed, Type, with_dims
from s2sad.rules.builder import Builder
from s2sad.typing.abstract import AV, FunctionAV, StaticAV, from_python
from s2sad.typing.structure import LIBRARIES, Fixed, Node, assembled, constant, key_of, unfold


@dataclass(frozen=True, eq=False, slots=True)
class Captured:
    """One captured variable: the hidden parameter that holds it, how to read it, and the key it was typed for."""

    value: Value
    get: Callable[[], Any]
    key: Any


@dataclass(frozen=True, eq=False, slots=True)
class Guard:
    """A captured constant: generated code holds as long as `get()` still has the key."""

    get: Callable[[], Any]
    key: Any
    name: str


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """Reads a part of a captured container anew, MISSING where there is none."""

    get: Callable[[], Any]
    step: Any
    attribute: bool

    def __call__(self) -> Any:
        try:
            whole = self.get()
            return getattr(whole, self.step) if self.attribute else whole[self.step]
        except (KeyError, IndexError, AttributeError, TypeError):
            return MISSING


class Captures:
    """The variables one typing run has captured, by the variable's own identity. `flat`: the parts of containers are
    captured one by one, for Numba, which does not take dicts and objects."""

    def __init__(self, flat: bool = False) -> None:
        self.flat = flat
        self.reset()

    def reset(self) -> None:
        self.variables: dict[Any, Captured] = {}
        self.guards: dict[Any, Guard] = {}
        self.seen: dict[Any, AV] = {}
        self.layouts: dict[Value, str] = {}
        self.head_ops: list[Any] = []  # what takes elements out of captured containers

    def name(self, namespace: Namespace, name: str, builder: Builder) -> AV:
        """The abstract value of a free name. Raises KeyError where there is none."""
        return self.resolve(
            namespace.lookup(name), namespace.getter(name), namespace.key(name), name, builder
        )

    def resolve(self, obj: Any, get: Callable[[], Any], key: Any, name: str, builder: Builder) -> AV:
        """The abstract value of a variable: the same each time that it is read."""
        if key not in self.seen:
            self.seen[key] = self.made(obj, get, key, name, builder)
        return self.seen[key]

    def made(self, obj: Any, get: Callable[[], Any], key: Any, name: str, builder: Builder) -> AV:
        if isinstance(obj, FunctionSource):  # the program is only parsed
            return FunctionAV(obj)
        if isinstance(obj, types.ModuleType):
            return StaticAV(obj)
        kind = key_of(obj)
        if isinstance(kind, Fixed):
            if isinstance(get, Part) or (
                isinstance(get, Place) and not _in_library(get)
            ):  # else Python's own
                self.guards[key] = Guard(get, kind, name)
            return constant(obj)
        if self.flat and isinstance(kind, Node):
            self.guards[key] = Guard(get, kind, name)
            return self.parts(kind, get, (key,), name)
        value = self.captured(key, name, get, kind)
        return self.unfolded(kind, value, builder) if isinstance(kind, Node) else value

    def parts(self, kind: Any, get: Callable[[], Any], key: tuple[Any, ...], name: str) -> AV:
        if isinstance(kind, Fixed):
            return constant(kind.obj)
        if isinstance(kind, Type):
            return self.captured(key, name, get, kind)
        found: list[AV] = []
        for i, part in enumerate(kind.parts):
            way, step = kind.step(i)
            inner = f"{name}_{step}" if str(step).isidentifier() or isinstance(step, int) else f"{name}_{i}"
            found.append(self.parts(part, Part(get, step, way == "attr"), (*key, i), inner))
        return assembled(kind, found)

    def unfolded(self, kind: Node, value: Value, builder: Builder) -> AV:
        """Elements are taken out of a captured container at the start of the function."""
        head = Builder(builder.loc)
        av = unfold(kind, value, head, (), value.hint)
        self.head_ops += head.ops
        self.layouts |= head.layouts
        return av

    def captured(self, key: Any, name: str, get: Callable[[], Any], kind: Any) -> Value:
        """A captured variable as a hidden parameter."""
        value = Value(name, with_dims(kind, name) if isinstance(kind, Type) else Object(kind.tag.__name__))
        self.variables[key] = Captured(value, get, kind)
        if isinstance(kind, Placed):
            self.layouts[value] = kind.layout
        return value

    def attribute(self, owner: Any, name: str, builder: Builder) -> AV:
        """An attribute of a module, a class or an object: of a library a constant, of the user's captured like a
        global."""
        obj = getattr(owner, name)
        if not _is_users(owner):
            return from_python(obj) or constant(obj)
        if isinstance(
            obj, (types.MethodType, BoundDerivative)
        ):  # made anew each time: its function may change
            own = Part(Part(lambda: owner, name, True), "__func__", True)
            self.resolve(obj.__func__, own, (id(owner), name), name, builder)
            return constant(obj)
        module = isinstance(owner, types.ModuleType)
        space = vars(owner) if module else owner
        key = (id(space), name)
        get = Place(space, name) if module else Part(lambda: owner, name, True)
        label = name if module else f"{getattr(owner, '__name__', type(owner).__name__)}_{name}"
        return self.resolve(obj, get, key, label, builder)

    def imported(self, module: str, name: str | None, s: Any) -> AV:
        """An import inside a function body."""
        parsed = getattr(s.source.namespace, "imported", None)  # a parsed program imports nothing
        try:
            found = importlib.import_module(module) if parsed is None else parsed(module, name)
        except ImportError as error:
            raise s.error(f"cannot import {module}: {error}", "import it at module level") from None
        if name is None:
            return StaticAV(found)
        return self.attribute(found, name, s.builder)


def _in_library(place: Place) -> bool:
    space = place.space
    return isinstance(space, dict) and str(space.get("__name__", "")).startswith("s2sad.library")


def _is_users(owner: Any) -> bool:
    """Whether a module, a class or an object is the user's: its attributes may change between calls."""
    if isinstance(owner, (types.ModuleType, type)):
        name = owner.__name__ if isinstance(owner, types.ModuleType) else owner.__module__
    else:
        name = type(owner).__module__
    return name.partition(".")[0] not in LIBRARIES
