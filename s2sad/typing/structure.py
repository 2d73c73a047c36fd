"""Keys and shapes of Python arguments: what a call's arguments must agree on to share generated code.

`key_of` describes an object (leaf types, structure, constants by value); `unfold` turns such a key and the
operand that holds the object into an abstract value whose leaves are taken out by `extract` operations.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from s2sad.errors import SignatureError, SizesNeededError
from s2sad.frontend.finding import defaults_of, source_of
from s2sad.frontend.source import FunctionSource
from s2sad.ir.call_sizes import CallSizes
from s2sad.ir.core import Const, Operand, Value
from s2sad.ir.types import (
    FLOAT,
    INT,
    NONE,
    STR,
    Array,
    Bottom,
    List,
    Placed,
    Scalar,
    Type,
    type_of,
    with_dims,
)
from s2sad.rules.builder import Builder, const
from s2sad.typing.abstract import (
    AV,
    BOUNDS,
    DictAV,
    FunctionAV,
    PartialAV,
    RangeAV,
    RecordAV,
    SliceAV,
    StaticAV,
    TupleAV,
)

Path = tuple[tuple[str, Any], ...]
T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """A container in a key: `kind`, what tells two of its kind apart, and the keys of its elements."""

    kind: str
    tag: Any
    parts: tuple[Any, ...]
    names: tuple[Any, ...] = ()

    def step(self, i: int) -> tuple[str, Any]:
        """How part `i` is read: ("item", its subscript) or ("attr", its name)."""
        if self.kind in ("tuple", "list"):
            return "item", i
        return ("item" if self.kind == "dict" else "attr"), self.names[i]


@dataclasses.dataclass(frozen=True, slots=True)
class Fixed:
    """An object that enters a key by value or identity."""

    tag: Any
    obj: Any = dataclasses.field(compare=False, hash=False)


LIBRARIES = {
    "dataclasses",
    "math",
    "cmath",
    "numpy",
    "scipy",
    "builtins",
    "operator",
    "functools",
    "itertools",
    "s2sad",
    "numba",
}
_SOURCES: dict[Any, FunctionSource] = {}


def source_for(fn: types.FunctionType) -> FunctionSource:
    """The source of a function, read once for each code that it has had, and its present defaults."""
    found = _SOURCES.get(fn)
    if found is None or found.code is not fn.__code__:
        found = _SOURCES[fn] = source_of(fn)
    found.defaults = defaults_of(fn)
    return found


def known(key: Any) -> bool:
    """Whether a key says all there is to say of a constant, or a structure of them that Numba cannot take."""
    if isinstance(key, Node):
        return key.kind in ("dict", "record", "partial") and all(map(known, key.parts))
    return isinstance(key, Fixed)


EMPTY = List(FLOAT)
"""The key of a list without elements: one of floats, where nothing else says what it would hold."""


def key_of(obj: Any) -> Any:
    """A hashable description of an argument."""
    found = _key_of(obj)
    return settled(found) if isinstance(found, Node) else found


def settled(key: Node) -> Node:
    """The key with empty lists as structures where lists in the same place of other nodes are: leaves of a tree."""
    nodes = [key]
    for node in nodes:
        nodes += (part for part in node.parts if isinstance(part, Node))
    structures = {
        _place(n, i) for n in nodes for i, p in enumerate(n.parts) if isinstance(p, Node) and p.kind == "list"
    }
    if not any(part is EMPTY for n in nodes for part in n.parts) or not structures:
        return key

    def rebuilt(node: Node) -> Node:
        parts = (
            rebuilt(p)
            if isinstance(p, Node)
            else _LEAF
            if p is EMPTY and _place(node, i) in structures
            else p
            for i, p in enumerate(node.parts)
        )
        return dataclasses.replace(node, parts=tuple(parts))

    return rebuilt(key)


_LEAF = Node("list", list, ())


def _place(node: Node, i: int) -> Any:
    return (node.kind, node.tag, node.names or len(node.parts), i) if node.kind != "list" else "an element"


def _key_of(obj: Any) -> Any:
    cls = obj.__class__
    if cls is bool or obj is None or cls is str:
        return Fixed((cls, obj), obj)
    if cls is tuple:
        return Node("tuple", tuple, tuple(map(_key_of, obj)))
    if cls is dict:
        return Node("dict", dict, tuple(map(_key_of, obj.values())), tuple(obj))
    if cls is list and not obj:
        return EMPTY
    t = type_of(obj)
    if cls is list and (t is None or isinstance(getattr(t, "item", None), type(STR)) or _not_numbers(t)):
        return Node("list", list, tuple(map(_key_of, obj)))
    if t is not None:
        return placed(t, obj) if isinstance(t, Array) else t
    if isinstance(obj, tuple) and hasattr(obj, "_fields"):
        return Node("namedtuple", cls, tuple(map(_key_of, obj)), tuple(obj._fields))
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        names = tuple(f.name for f in dataclasses.fields(obj))
        return Node("record", cls, tuple(_key_of(getattr(obj, n)) for n in names), names)
    if cls is functools.partial:
        names = ("func", "args", "keywords")
        return Node("partial", cls, tuple(_key_of(getattr(obj, n)) for n in names), names)
    if cls is range:
        return Node("range", cls, (INT, INT, INT), BOUNDS)
    if cls is slice and of_integers(obj):
        return Fixed((cls, *bounds(obj)), obj)
    return Fixed(("object", id(obj)), obj)


def bounds(obj: slice | range) -> tuple[Any, ...]:
    return tuple(getattr(obj, n) for n in BOUNDS)


def of_integers(obj: slice) -> bool:
    return all(type(b) in (int, type(None)) for b in bounds(obj))


def placed(t: Array, a: Any) -> Placed:
    """The key of an array."""
    flags = a.flags
    layout = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
    return Placed(t.dtype, t.ndim, t.dims, layout=layout, shape=a.shape, steps=a.strides)


def without_layout(key: Any) -> Any:
    """A key that says nothing of how arrays lie in memory."""
    if isinstance(key, Placed):
        return Array(key.dtype, key.ndim, key.dims)
    if isinstance(key, Node):
        return dataclasses.replace(key, parts=tuple(map(without_layout, key.parts)))
    return key


def with_sizes(key: Any) -> Any:
    """A key that says the sizes of arrays, and the steps of those that lie neither by rows nor by columns."""
    if isinstance(key, Placed) and len(key.shape) == key.ndim:
        return dataclasses.replace(key, dims=key.shape, layout=key.steps if key.layout == "A" else key.layout)
    if isinstance(key, Node):
        return dataclasses.replace(key, parts=tuple(map(with_sizes, key.parts)))
    return key


def arrays_in(keys: dict[str, Any]) -> dict[str, Array]:
    """The keys of the arrays in arguments, by what their sizes are named after."""
    return {
        size_name(name, path): leaf
        for name, key in keys.items()
        for path, leaf in leaf_types(key)
        if isinstance(leaf, Array)
    }


def shown_sizes(keys: dict[str, Any]) -> dict[str, int]:
    """The sizes of the arrays of a call, as far as it shows them."""
    shapes = {name: key.shape for name, key in arrays_in(keys).items() if isinstance(key, Placed)}
    found = {f"{name}.{i}": n for name, shape in shapes.items() for i, n in enumerate(shape)}
    return found | getattr(keys, "numbers", {})


def size_in(keys: dict[str, Any], read: Callable[[str, Path], str]) -> Callable[[str], str]:
    """What makes the expression for a size of an argument of its name; `read` makes that for what a path leads to from a
    parameter."""
    places = {
        f"{size_name(name, path)}.{i}": f"{read(name, path)}.shape[{i}]"
        for name, key in keys.items()
        for path, leaf in leaf_types(key)
        if isinstance(leaf, Array)
        for i in range(leaf.ndim)
    }
    places |= {name: read(name, ()) for name, key in keys.items() if key == INT}
    return places.__getitem__


def decided(make: Callable[[dict[str, Any], bool], T], keys: dict[str, Any]) -> T:
    """What is made for these keys; for the sizes of the arrays, too, where it needs them."""
    try:
        return make(keys, False)
    except SizesNeededError:
        return make({n: with_sizes(k) for n, k in keys.items()}, True)


def fits(obj: Any, key: Any) -> bool:
    """Whether an object has a key, which may leave its layout open, or say its sizes."""
    found = key_of(obj)
    return bool(found == key or without_layout(found) == key or with_sizes(found) == key)


class Keys(dict[str, Any]):
    """The keys of a call's arguments, by their names, and its integers, which may be sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[str, int] = {}


def keys_of(source: FunctionSource, names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """The keys of a call's arguments, by their names."""
    found = Keys()
    for name, value in zip(names, values, strict=True):
        try:
            found[name] = key_of(value)
            if found[name] == INT:
                found.numbers[name] = value
        except SignatureError as error:
            raise SignatureError(
                f"the argument {name} of {source.name}(): {error.reason}", source.loc, error.hint
            ) from None
        except RecursionError:
            raise SignatureError(
                f"the argument {name} of {source.name}() holds itself", source.loc, "pass its parts"
            ) from None
    return found


def _not_numbers(t: Type) -> bool:
    return (isinstance(t, List) and not isinstance(t.item, (Scalar, Bottom))) or t in (NONE, STR)


def unfold(
    key: Any,
    base: Operand,
    builder: Builder,
    path: Path = (),
    hint: str = "",
    call: CallSizes | None = None,
    owner: str = "",
) -> AV:
    """The abstract value of an object of this key that `base` holds; `owner` is what sizes are named after, else `base`."""
    if isinstance(key, Type):
        if path:
            assert isinstance(base, Value)
            kind = with_dims(key, size_name(owner or base.hint, path), call)
            base = builder.emit("extract", base, type=kind, hint=hint, path=path)
        builder.named_sizes(base)
        if isinstance(key, Placed) and isinstance(base, Value):
            builder.layouts[base] = key.layout
        return base
    if isinstance(key, Fixed):
        return constant(key.obj)
    parts = []
    for i, part in enumerate(key.parts):
        step = key.step(i)
        name = str(step[1]) if str(step[1]).isidentifier() else f"{hint}_{i}" if hint else ""
        parts.append(unfold(part, base, builder, (*path, step), name, call, owner))
    return assembled(key, parts)


def size_name(owner: str, path: Path) -> str:
    """What the sizes of an array are named after that a path leads to from an argument, or from what is captured."""
    return f"{owner}{path}" if path else owner


def assembled(key: Node, parts: list[AV]) -> AV:
    """The abstract value of an object of this key with these parts."""
    if key.kind == "dict":
        return DictAV(dict(zip(key.names, parts, strict=True)))
    if key.kind == "record":
        return RecordAV(key.tag, dict(zip(key.names, parts, strict=True)))
    if key.kind == "namedtuple":
        return TupleAV(tuple(parts), key.tag, key.names)
    if key.kind == "partial":
        return PartialAV(*parts)  # type: ignore[arg-type]
    if key.kind == "range":
        return RangeAV(*parts)  # type: ignore[arg-type]
    return TupleAV(tuple(parts), key.tag)


def constant(obj: Any) -> AV:
    """The abstract value of an object that is a constant of the program."""
    if obj is None or isinstance(obj, (bool, str)):
        return Const(obj, type_of(obj))  # type: ignore[arg-type]
    function = user_function(obj)
    if function is not None:
        return FunctionAV(source_for(function))
    if isinstance(obj, functools._lru_cache_wrapper):
        return PartialAV(StaticAV(cached_call), TupleAV((constant(obj.__wrapped__),)), DictAV({}))
    if is_dispatcher(obj):
        return PartialAV(StaticAV(dispatched_call), TupleAV((StaticAV(obj),)), DictAV({}))
    if isinstance(obj, types.MethodType) and user_function(obj.__func__) is not None:
        return PartialAV(constant(obj.__func__), TupleAV((constant(obj.__self__),)), DictAV({}))
    if isinstance(obj, slice) and of_integers(obj):
        return SliceAV(tuple(const(b) for b in bounds(obj)))
    return StaticAV(obj)


def is_dispatcher(obj: Any) -> bool:
    """Whether functools.singledispatch made a function."""
    return (
        isinstance(obj, types.FunctionType)
        and obj.__globals__ is vars(functools)
        and hasattr(obj, "registry")
    )


def dispatched_call(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Stands for the call of a function that dispatches on the class of its argument."""
    return function(*args, **kwargs)


def cached_call(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Stands for the call of a function that keeps its results."""
    return function(*args, **kwargs)


def user_function(obj: Any) -> types.FunctionType | None:
    """The Python function behind an object, for those that s2sad reads the source of."""
    if isinstance(obj, types.FunctionType):
        module = obj.__module__ or ""
        if module.partition(".")[0] in LIBRARIES and not module.startswith("s2sad.library"):
            return None
        return None if obj.__globals__ is vars(functools) else obj
    inner = getattr(obj, "py_func", None)  # a Numba dispatcher
    if isinstance(inner, types.FunctionType) and type(obj).__module__.startswith("numba"):
        return inner
    return None


def leaf_types(key: Any) -> list[tuple[Path, Type]]:
    """The leaves of a key that are numbers, arrays or lists, with the path to each."""
    found: list[tuple[Path, Type]] = []

    def visit(k: Any, path: Path) -> None:
        if isinstance(k, Type):
            found.append((path, k))
        elif isinstance(k, Node):
            for i, part in enumerate(k.parts):
                visit(part, (*path, k.step(i)))

    visit(key, ())
    return found
