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
from s2sad.errors import SignatureError
from s2sad.frontend.source import MISSING, Attribute, Builtin, FunctionSource, Namespace, Place
from s2sad.ir.core import Value
from s2sad.ir.types import Lying, Object, Placed, Type, with_dims
from s2sad.rules.builder import Builder
from s2sad.typing.abstract import AV, FunctionAV, StaticAV, TupleAV, from_python
from s2sad.typing.structure import (
    EMPTY,
    LIBRARIES,
    Fixed,
    Node,
    assembled,
    constant,
    key_of,
    unfold,
    with_sizes,
)


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

    def holds(self) -> bool:
        return bool(key_of(self.get()) == self.key)


@dataclass(frozen=True, eq=False, slots=True)
class Same:
    """What generated code was made from: it holds as long as `get()` gives the same object. `frozen`: Numba's own
    functions take it for a constant, and so may a derivative that is entered as one of them."""

    get: Callable[[], Any]
    obj: Any
    frozen: bool = False

    def holds(self) -> bool:
        return self.get() is self.obj


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


@dataclass(frozen=True, eq=False, slots=True)
class Emptiness:
    """Whether a captured list has no elements."""

    get: Callable[[], Any]

    def __call__(self) -> bool:
        found = self.get()
        return type(found) is list and not found


class Captures:
    """The variables one typing run has captured, by the variable's own identity. `flat`: the parts of containers are
    captured one by one, for Numba, which does not take dicts and objects. `sized`: what is captured is typed with its sizes."""

    def __init__(self, flat: bool = False, sized: bool = False) -> None:
        self.flat, self.sized = flat, sized
        self.reset()

    def reset(self) -> None:
        self.variables: dict[Any, Captured] = {}
        self.guards: dict[Any, Guard | Same] = {}
        self.seen: dict[Any, AV] = {}
        self.layouts: dict[Value, Lying] = {}
        self.structures: set[Any] = set()  # the attributes of classes that hold lists of structures
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
        guarded = isinstance(get, Part) or (isinstance(get, (Place, Builtin)) and not _in_library(get))
        if isinstance(obj, types.ModuleType) or (guarded and isinstance(get, Builtin)):
            if guarded:
                self.guards[key] = Same(get, obj, isinstance(obj, types.ModuleType))
            return constant(obj)
        kind = self.key(obj, name, builder)
        if isinstance(kind, Fixed):
            if guarded:
                self.guards[key] = Guard(get, kind, name)
            return constant(obj)
        if self.flat and isinstance(kind, Node):
            self.guards[key] = Guard(get, kind, name)
            return self.parts(kind, get, (key,), name)
        value = self.captured(key, name, get, kind)
        return self.unfolded(kind, value, builder) if isinstance(kind, Node) else value

    def key(self, obj: Any, name: str, builder: Builder) -> Any:
        """The key of what a name refers to; what has none is refused where it is read."""
        try:
            return with_sizes(key_of(obj)) if self.sized else key_of(obj)
        except SignatureError as error:
            raise SignatureError(f"{name}: {error.reason}", builder.loc, error.hint) from None
        except RecursionError:
            raise SignatureError(f"{name} holds itself", builder.loc, "read its parts one by one") from None

    def code(self, source: FunctionSource) -> None:
        """The code of a function that is read is a constant."""
        if isinstance(source.live, types.FunctionType) and not _is_library(source.live.__globals__):
            own = Attribute(source.live, "__code__")
            self.guards[id(source.live), "code"] = Same(own, source.code, True)

    def default(self, source: FunctionSource, name: str) -> None:
        """A default of a function is a constant: it is bound by the function's definition, or by an assignment."""
        live = source.live
        if not isinstance(live, types.FunctionType) or _is_library(live.__globals__):
            return
        where = "__kwdefaults__" if name in (live.__kwdefaults__ or {}) else "__defaults__"
        self.guards[id(live), where] = Same(Attribute(live, where), getattr(live, where))
        if live.__kwdefaults__ and name in live.__kwdefaults__:
            get = Place(live.__kwdefaults__, name)
            self.guards[id(live), where, name] = Same(get, live.__kwdefaults__[name])

    def constant(self, get: Callable[[], Any], obj: Any, key: Any) -> None:
        """What is read in this way is a constant."""
        self.guards[key] = Same(get, obj)

    def of_class(self, cls: Any, name: str) -> None:
        """What a class gives under a name is a constant."""
        if _is_users(cls):
            self.guards[id(cls), name] = Same(Attribute(cls, name), getattr(cls, name))

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
        av = unfold(kind, value, head, (), value.hint, owner=self.owner(value.hint))
        self.head_ops += head.ops
        self.layouts |= head.layouts
        return av

    def owner(self, name: str) -> str:
        """What the sizes of a captured variable are named after: no parameter's, nor another captured one's of that name."""
        return f"<{name}, {len(self.variables)}>"

    def captured(self, key: Any, name: str, get: Callable[[], Any], kind: Any) -> Value:
        """A captured variable as a hidden parameter."""
        owner = self.owner(name)
        value = Value(name, with_dims(kind, owner) if isinstance(kind, Type) else Object(kind.tag.__name__))
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
        kind = self.key(obj, name, builder) if type(obj) is list else None
        if isinstance(kind, Node):
            self.structures.add((type(owner), name))
        elif kind is EMPTY and (type(owner), name) in self.structures:  # a leaf of a tree of objects
            self.guards[key] = Same(Emptiness(get), True)
            return TupleAV((), list)
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


def _in_library(place: Place | Builtin) -> bool:
    return isinstance(place.space, dict) and _is_library(place.space)


def _is_library(space: dict[str, Any]) -> bool:
    return str(space.get("__name__", "")).startswith("s2sad.library")


def _is_users(owner: Any) -> bool:
    """Whether a module, a class or an object is the user's: its attributes may change between calls."""
    if isinstance(owner, (types.ModuleType, type)):
        name = owner.__name__ if isinstance(owner, types.ModuleType) else owner.__module__
    else:
        name = type(owner).__module__
    return name.partition(".")[0] not in LIBRARIES
