"""What typing knows of a value: a typed operand, or a Python structure of such values.

Structures (tuples, ranges, functions …) exist only while typing; what is left in the typed IR are their
leaves. `merge` and `join` work leaf by leaf, so a tuple carried by a loop is its leaves carried by it.
"""

from __future__ import annotations

import decimal
import enum
import numbers
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard, Union

import numpy as np

from s2sad.frontend.source import FunctionSource
from s2sad.ir.core import Const, Operand, Undef, Value
from s2sad.ir.types import BOTTOM, Array, Scalar, Type, join, type_of


@dataclass(frozen=True, eq=False)
class TupleAV:
    """A tuple (or list that nobody writes) with known elements; `cls` is a namedtuple's class."""

    items: tuple[AV, ...]
    cls: Any = tuple
    names: tuple[str, ...] = ()
    site: Any = None  # where a list display stands, so that it can be made in memory there


@dataclass(frozen=True, eq=False)
class DictAV:
    """A dict with known keys."""

    items: dict[Any, AV]


@dataclass(frozen=True, eq=False)
class RecordAV:
    """An object with known attributes: a dataclass instance."""

    cls: Any
    fields: dict[str, AV]


@dataclass(frozen=True, eq=False)
class StaticAV:
    """A Python object that is a constant of the program: a module, a function that is not the user's, a type."""

    obj: Any


@dataclass(frozen=True, eq=False)
class FunctionAV:
    """A function of the user's with the values of what it captures."""

    source: FunctionSource
    captured: tuple[AV, ...] = ()
    defaults: dict[str, AV] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class BoundAV:
    """A method of a value, not called yet."""

    owner: AV
    name: str


@dataclass(frozen=True, eq=False)
class PartialAV:
    """A function with its first arguments, and some by name."""

    function: AV
    args: TupleAV
    kwargs: DictAV


BOUNDS = ("start", "stop", "step")
"""The attributes of ranges and slices."""


@dataclass(frozen=True, eq=False)
class RangeAV:
    start: Operand
    stop: Operand
    step: Operand


@dataclass(frozen=True, eq=False)
class SliceAV:
    parts: tuple[AV, ...]


@dataclass(frozen=True, eq=False)
class LazyAV:
    """zip, enumerate, reversed, ndindex: an iterable over others that has not been consumed; columns: a structure
    of lists and the number of its elements; taken: elements of a sequence by their numbers in another."""

    kind: str
    items: tuple[AV, ...]


@dataclass(frozen=True, eq=False)
class GeneratorAV:
    """A generator expression: a function that threads a state through its loops."""

    function: FunctionAV


AV = Union[
    Operand,
    TupleAV,
    DictAV,
    RecordAV,
    StaticAV,
    FunctionAV,
    BoundAV,
    PartialAV,
    RangeAV,
    SliceAV,
    LazyAV,
    GeneratorAV,
]


def children(av: AV) -> tuple[AV, ...]:
    """The abstract values a structure holds, in a fixed order."""
    if isinstance(av, (TupleAV, LazyAV)):
        return av.items
    if isinstance(av, DictAV):
        return tuple(av.items.values())
    if isinstance(av, RecordAV):
        return tuple(av.fields.values())
    if isinstance(av, FunctionAV):
        return (*av.captured, *av.defaults.values())
    if isinstance(av, BoundAV):
        return (av.owner,)
    if isinstance(av, PartialAV):
        return (av.function, av.args, av.kwargs)
    if isinstance(av, RangeAV):
        return (av.start, av.stop, av.step)
    if isinstance(av, SliceAV):
        return av.parts
    if isinstance(av, GeneratorAV):
        return (av.function,)
    return ()


def rebuild(av: AV, parts: tuple[AV, ...]) -> AV:
    """The same structure around other values."""
    if isinstance(av, TupleAV):
        return replace(av, items=parts)
    if isinstance(av, LazyAV):
        return replace(av, items=parts)
    if isinstance(av, DictAV):
        return DictAV(dict(zip(av.items, parts, strict=True)))
    if isinstance(av, RecordAV):
        return RecordAV(av.cls, dict(zip(av.fields, parts, strict=True)))
    if isinstance(av, FunctionAV):
        n = len(av.captured)
        return FunctionAV(av.source, parts[:n], dict(zip(av.defaults, parts[n:], strict=True)))
    if isinstance(av, BoundAV):
        return BoundAV(parts[0], av.name)
    if isinstance(av, PartialAV):
        return PartialAV(*parts)  # type: ignore[arg-type]
    if isinstance(av, RangeAV):
        return RangeAV(*parts)  # type: ignore[arg-type]
    if isinstance(av, SliceAV):
        return SliceAV(parts)
    if isinstance(av, GeneratorAV):
        return GeneratorAV(parts[0])  # type: ignore[arg-type]
    return av


def is_operand(av: AV) -> TypeGuard[Operand]:
    return isinstance(av, (Value, Const, Undef))


def same_shape(a: AV, b: AV) -> bool:
    """Whether two structures have the same form, whatever their leaves."""
    if type(a) is not type(b) or len(children(a)) != len(children(b)):
        return False
    if isinstance(a, TupleAV) and isinstance(b, TupleAV):
        return a.cls is b.cls
    if isinstance(a, DictAV) and isinstance(b, DictAV):
        return list(a.items) == list(b.items)
    if isinstance(a, RecordAV) and isinstance(b, RecordAV):
        return a.cls is b.cls
    if isinstance(a, StaticAV) and isinstance(b, StaticAV):
        return a.obj is b.obj
    if isinstance(a, FunctionAV) and isinstance(b, FunctionAV):
        return a.source is b.source  # functions of one text are others where they see other variables
    if isinstance(a, (BoundAV, LazyAV)) and isinstance(b, (BoundAV, LazyAV)):
        return getattr(a, "name", getattr(a, "kind", None)) == getattr(b, "name", getattr(b, "kind", None))
    return True


class CannotMerge(Exception):
    """Two values have no common description; `a` and `b` say what they are."""

    def __init__(self, a: AV, b: AV) -> None:
        super().__init__(f"{describe(a)} and {describe(b)}")


def equal_constants(a: AV, b: AV) -> bool:
    if not (isinstance(a, Const) and isinstance(b, Const)):
        return False
    return (
        type(a.value) is type(b.value)
        and (a.value == b.value or a.value is b.value)
        and repr(a.value) == repr(b.value)
    )


def merge(avs: tuple[AV, ...], slot: Callable[[tuple[Operand, ...], Type], Operand]) -> AV:
    """One abstract value for several that meet; `slot(operands, type)` makes a merged leaf.

    Raises:
        CannotMerge: the structures differ, or the leaf types have no join.
    """
    present = [av for av in avs if not isinstance(av, Undef)]
    if not present:
        return avs[0]
    first = present[0]
    if is_operand(first):
        operands = [av if is_operand(av) else None for av in avs]
        if None in operands:
            raise CannotMerge(first, next(av for av in avs if not is_operand(av)))
        return _merge_leaf(tuple(operands), first, slot)  # type: ignore[arg-type]
    for av in present[1:]:
        if not same_shape(first, av):
            raise CannotMerge(first, av)
    columns = []
    for i, child in enumerate(children(first)):
        columns.append(tuple(Undef() if isinstance(av, Undef) else children(av)[i] for av in avs))
        del child
    return rebuild(first, tuple(merge(column, slot) for column in columns))


def _merge_leaf(operands: tuple[Operand, ...], first: Operand, slot: Callable[..., Operand]) -> Operand:  # type: ignore[type-arg]
    if all(o is first for o in operands):
        return first
    if all(equal_constants(o, first) for o in operands):
        return first
    t: Type | None = BOTTOM
    for o in operands:
        if not isinstance(o, Undef) and t is not None:
            t = _met(t, o.type)
    if t is None:
        other = next(o for o in operands if not isinstance(o, Undef) and _met(first.type, o.type) is None)
        raise CannotMerge(first, other)
    return slot(operands, t)


def _met(a: Type, b: Type) -> Type | None:
    """The type of what is one of two: a number, where an array without axes meets a number."""
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Array) and x.ndim == 0 and isinstance(y, Scalar):
            return join(x.item, y)
    return join(a, b)


def leaves(av: AV) -> Iterator[Operand]:
    """The operands at the leaves of a structure, in order."""
    if is_operand(av):
        yield av  # type: ignore[misc]
        return
    for child in children(av):
        yield from leaves(child)


def map_leaves(av: AV, f: Callable[[Operand], AV]) -> AV:
    if is_operand(av):
        return f(av)  # type: ignore[arg-type]
    parts = children(av)
    return rebuild(av, tuple(map_leaves(p, f) for p in parts)) if parts else av


def described(obj: Any) -> str:
    """What an object is, for messages: short, whatever it holds."""
    name = getattr(obj, "__name__", None)
    if isinstance(name, str):
        return f"the function {name}" if isinstance(obj, types.FunctionType) else name
    cls = type(obj)
    if isinstance(obj, np.ndarray):
        return f"an array of dtype {obj.dtype.name}"
    if isinstance(
        obj,
        (
            bool,
            int,
            float,
            complex,
            str,
            bytes,
            enum.Enum,
            np.generic,
            numbers.Number,
            type(None),
            decimal.Decimal,
        ),
    ):
        text = repr(obj)
        return text if len(text) <= 60 and "\n" not in text else f"a {cls.__name__}"
    return f"a {cls.__name__}"


def describe(av: AV) -> str:
    """What a value is, for messages."""
    if isinstance(av, Const):
        return repr(av.value)
    if isinstance(av, Undef):
        return "an unbound variable"
    if isinstance(av, Value):
        return f"a {av.type}"
    if isinstance(av, TupleAV):
        return f"a {'list' if av.cls is list else 'tuple'} of {len(av.items)}"
    if isinstance(av, DictAV):
        return "a dict"
    if isinstance(av, RecordAV):
        return f"a {av.cls.__name__}"
    if isinstance(av, FunctionAV):
        return f"the function {av.source.name}"
    if isinstance(av, StaticAV):
        return described(av.obj)
    if isinstance(av, BoundAV):
        return f"the method {av.name}"
    if isinstance(av, PartialAV):
        return f"{describe(av.function)} with arguments"
    return {"RangeAV": "a range", "SliceAV": "a slice", "GeneratorAV": "a generator"}.get(
        type(av).__name__, "an iterator"
    )


def from_python(obj: Any) -> AV | None:
    """The abstract value of a constant Python object, or None for one that is not simple data."""
    t = type_of(obj)
    if isinstance(t, Scalar) or obj is None or isinstance(obj, str):
        return Const(obj, t)  # type: ignore[arg-type]
    if type(obj) is tuple:
        items = tuple(map(from_python, obj))
        return None if None in items else TupleAV(items)  # type: ignore[arg-type]
    return None


def unbound(s: Any, avs: Iterable[AV]) -> Operand | None:
    """What an operation gives where an operand has no value on this path, or none yet."""
    for av in avs:
        if isinstance(av, Undef):
            return s.builder.emit("unbound", type=BOTTOM, name=av.hint)  # type: ignore[no-any-return]
        if is_operand(av) and av.type is BOTTOM:  # type: ignore[union-attr]
            return Value("", BOTTOM)
        if isinstance(av, TupleAV) and (found := unbound(s, av.items)) is not None:
            return found
    return None
