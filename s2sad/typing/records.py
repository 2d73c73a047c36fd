"""Making named tuples and instances of dataclasses: structures of the values given."""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Sequence
from typing import Any

from s2sad.errors import SignatureError
from s2sad.ir.core import Value
from s2sad.ir.types import BOOL, Array, Scalar
from s2sad.typing.abstract import (
    AV,
    DictAV,
    PartialAV,
    RecordAV,
    StaticAV,
    TupleAV,
    describe,
    from_python,
)
from s2sad.typing.structure import constant


def is_made_here(cls: Any) -> bool:
    """Whether calling a class only puts its arguments together: a named tuple, or a dataclass's own __init__."""
    if not isinstance(cls, type):
        return False
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return "_fields" in owner(cls, "__new__").__dict__ and owner(cls, "__init__") is object
    if not dataclasses.is_dataclass(cls) or owner(cls, "__new__") is not object:
        return False
    maker = owner(cls, "__init__")
    return "__dataclass_params__" in maker.__dict__ and written_by_dataclasses(maker)


def written_by_dataclasses(cls: Any) -> bool:
    """Whether an __init__ is not the user's: what dataclasses writes is compiled from text, without a file."""
    return bool(cls.__init__.__code__.co_filename == "<string>")


# The methods of the operators, of the left operand and of the right one
OPERATORS = {
    "add": ("__add__", "__radd__"), "sub": ("__sub__", "__rsub__"), "mul": ("__mul__", "__rmul__"),
    "div": ("__truediv__", "__rtruediv__"), "matmul": ("__matmul__", "__rmatmul__"), "pow": ("__pow__", "__rpow__"),
    "floordiv": ("__floordiv__", "__rfloordiv__"), "mod": ("__mod__", "__rmod__"), "neg": ("__neg__", ""), "pos": ("__pos__", ""),
    "lt": ("__lt__", "__gt__"), "gt": ("__gt__", "__lt__"), "le": ("__le__", "__ge__"), "ge": ("__ge__", "__le__"),
    "eq": ("__eq__", "__eq__"), "ne": ("__ne__", "__ne__"),
}  # fmt: skip


def own_method(av: AV, name: str) -> Any:
    """A method that the user gave a class of named tuples or a dataclass, where Python has one of its own."""
    if not (isinstance(av, RecordAV) or (isinstance(av, TupleAV) and av.names)):
        return None
    for c in getattr(av.cls, "__mro__", ()):
        if name in c.__dict__:
            found = c.__dict__[name]
            own = isinstance(found, types.FunctionType) and found.__code__.co_filename != "<string>"
            return found if own else None
    return None


def bound_method(s: Any, cls: Any, name: str, owner: AV, args: list[AV]) -> tuple[AV, list[AV]] | None:
    """What a call of an instance's method calls, and with which arguments first; None for what is no method."""
    found = next((vars(c)[name] for c in cls.__mro__ if name in vars(c)), None)
    if isinstance(found, functools.partialmethod):
        given = [known(a) for a in found.args]
        named = {n: known(v) for n, v in found.keywords.items()}
        s.context.captures.of_class(cls, name)
        return PartialAV(constant(found.func), TupleAV((owner, *given)), DictAV(named)), args
    if isinstance(found, staticmethod):
        s.context.captures.of_class(cls, name)
        return constant(found.__func__), args
    if isinstance(found, classmethod):
        return constant(found.__func__), [StaticAV(cls), *args]
    if isinstance(found, (types.FunctionType, functools._lru_cache_wrapper)) or hasattr(found, "py_func"):
        s.context.captures.of_class(cls, name)
        return constant(found), [owner, *args]
    return None


def operated(s: Any, prim: str, args: list[AV], inplace: bool) -> AV | None:
    """An operator that a class defines, where Python asks that class for it."""
    from s2sad.typing.calls import apply

    left, right = OPERATORS.get(prim, ("", ""))
    a, b = args[0], args[-1]
    if inplace:
        refuse_own(s, a, f"__i{left.strip('_')}__")
    asked = [(left, args), (right, args[::-1])]
    if len(args) == 1 or (
        isinstance(a, TupleAV)
        and (prim in ("add", "mul") or left == "__eq__" or "__l" in left or "__g" in left)
    ):
        del asked[1:]  # tuples have these themselves
    elif own_method(b, right) is not None and is_array_of_numpy(a) and isinstance(b, TupleAV):
        raise s.error(
            f"{describe(b)} behind a number or array of NumPy, which makes an array of it", "put it in front"
        )
    elif is_subclass(getattr(b, "cls", None), getattr(a, "cls", None)):
        asked.reverse()  # a subclass is asked first
    for name, given in asked:
        found = own_method(given[0], name) if name else None
        if found is not None:
            s.context.captures.of_class(given[0].cls, name)  # type: ignore[union-attr]
            return apply(s, constant(found), given, {})
    if prim == "ne" and isinstance(a, RecordAV) and (equal := operated(s, "eq", args, False)) is not None:
        return s.builder.emit("not", s.truth(equal), type=BOOL)  # type: ignore[no-any-return]
    return None


def is_subclass(cls: Any, of: Any) -> bool:
    return isinstance(cls, type) and isinstance(of, type) and cls is not of and issubclass(cls, of)


def is_array_of_numpy(av: AV) -> bool:
    return isinstance(av, Value) and (
        isinstance(av.type, Array) or (isinstance(av.type, Scalar) and av.type.dtype is not None)
    )


def refuse_own(s: Any, av: AV, *names: str) -> None:
    """What Python would ask a class's own method for."""
    for name in names:
        if own_method(av, name) is not None:
            raise s.error(
                f"{describe(av)} with a {name}() of its own, used here", f"call {name}() by its name"
            )


def owner(cls: type, name: str) -> type:
    return next(c for c in cls.__mro__ if name in c.__dict__)


def make(s: Any, cls: Any, args: list[AV], kwargs: dict[str, AV]) -> AV:
    """`cls(...)`."""
    if issubclass(cls, tuple):
        defaults = {n: known(v) for n, v in cls._field_defaults.items()}
        items = given(s, cls, cls._fields, cls._fields, defaults, args, kwargs)
        return TupleAV(tuple(items.values()), cls, cls._fields)
    refuse_steps(s, cls)
    fields = dataclasses.fields(cls)
    defaults = {f.name: known(f.default) for f in fields if f.default is not dataclasses.MISSING}
    for f in fields:
        if f.default_factory is not dataclasses.MISSING and f.name not in kwargs:
            defaults[f.name] = fresh(s, cls, f.default_factory)
    positional = [f.name for f in fields if not f.kw_only]
    return RecordAV(cls, given(s, cls, [f.name for f in fields], positional, defaults, args, kwargs))


def fresh(s: Any, cls: Any, factory: Any) -> AV:
    from s2sad.typing.calls import apply

    return apply(s, constant(factory), [], {})


def known(value: Any) -> AV:
    found = from_python(value)
    return constant(value) if found is None else found


def refuse_steps(s: Any, cls: Any) -> None:
    """What an __init__ of dataclasses may do besides."""
    if hasattr(cls, "__post_init__") or not all(f.init for f in dataclasses.fields(cls)):
        raise s.error(
            f"making a {cls.__name__} with __post_init__ or fields of init=False is not supported yet",
            "make it outside the differentiated function, or pass its parts",
        )


def given(
    s: Any,
    cls: Any,
    names: Sequence[str],
    positional: Sequence[str],
    defaults: dict[str, AV],
    args: list[AV],
    kwargs: dict[str, AV],
) -> dict[str, AV]:
    """The fields' values by Python's rules."""
    twice = [n for n in positional[: len(args)] if n in kwargs]
    unknown = [n for n in kwargs if n not in names]
    found = {**defaults, **dict(zip(positional, args, strict=False)), **kwargs}
    missing = [n for n in names if n not in found]
    if len(args) > len(positional) or twice or unknown or missing:
        what = f"does not take {(twice + unknown)[0]!r}" if twice or unknown else "takes other arguments"
        what = f"needs {missing[0]!r}" if missing else what
        raise s.error(f"{cls.__name__}() {what}", "match its fields", SignatureError)
    return {n: found[n] for n in names}


def replaced(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """dataclasses.replace."""
    record = args[0]
    if not isinstance(record, RecordAV) or not is_made_here(record.cls):
        raise s.error(f"replace() of {describe(record)}", "use it on a dataclass")
    refuse_steps(s, record.cls)
    return make(s, record.cls, [], {**record.fields, **kwargs})
