"""Functions made of functions: the wrappers of functools, caches, Numba's decorators, single dispatch.

Each is what its call in Python gives as far as values go; where a cache would be seen, the call is refused.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from s2sad.ir.core import AnyOp, Block, Const, Op, Value, walk
from s2sad.ir.types import Array, List, Object, Scalar, is_memory
from s2sad.typing import arrays
from s2sad.typing.abstract import (
    AV,
    DictAV,
    FunctionAV,
    PartialAV,
    RecordAV,
    StaticAV,
    TupleAV,
    describe,
    leaves,
)  # fmt: skip
from s2sad.typing.calls import HANDLERS, apply, handles
from s2sad.typing.iterators import base, primitives
from s2sad.typing.named import NAMED
from s2sad.typing.structure import cached_call, constant, dispatched_call

SEEN = frozenset(
    {"print", "append", "store", "accumulate", "assign", "assign_at", "add_into", "scatter_add", "custom"}
)


@handles(functools.partial)
def _partial(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return PartialAV(args[0], TupleAV(tuple(args[1:])), DictAV(dict(kwargs.items())))


@handles(functools.wraps)
def _wraps(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return PartialAV(StaticAV(functools.update_wrapper), TupleAV(()), DictAV({"wrapped": args[0], **kwargs}))


@handles(functools.update_wrapper)
def _update_wrapper(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """The wrapper itself: what is copied to it are its name and documentation."""
    kwargs.keys()
    return args[0]


@handles(functools.lru_cache)
def _lru_cache(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    kwargs.keys()
    return cached(args[0]) if args and is_function(args[0]) else StaticAV(functools.cache)


@handles(functools.cache)
def _cache(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return cached(args[0])


def cached(function: AV) -> AV:
    return PartialAV(StaticAV(cached_call), TupleAV((function,)), DictAV({}))


def is_function(av: AV) -> bool:
    return isinstance(av, (FunctionAV, PartialAV)) or (isinstance(av, StaticAV) and callable(av.obj))


@handles(cached_call)
def _cached_call(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """A call of a function with a cache: one of the function, unless the cache could be told from it."""
    function, *given = args
    for a in (*given, *kwargs.values()):
        if holds_memory(a) or isinstance(a, (DictAV, RecordAV)) or getattr(a, "cls", None) is list:
            raise s.error(
                f"a cached function is called with {describe(a)}, which Python cannot hash",
                "pass numbers, strings and tuples of them, or leave the cache out",
            )
    before = len(s.builder.ops)
    result = apply(s, function, given, dict(kwargs.items()), hint)
    if holds_memory(result) or getattr(result, "cls", None) is list:
        raise s.error(
            f"a cached function returns {describe(result)}, which all of its calls share",
            "leave the cache out, or return numbers",
        )
    if SEEN & primitives(s, Block((), tuple(s.builder.ops[before:]), ()), set()):
        refuse_seen(s, s.builder.ops[before:])
    return result


def refuse_seen(s: Any, made: list[AnyOp]) -> None:
    """What a cached function does besides computing, its second call does not do."""
    body = Block((), tuple(made), ())
    own = {r for op in walk(body) for r in op.results}
    written = [op for op in walk(body) if isinstance(op, Op) and op.prim in SEEN]
    if not written or any(
        op.prim in ("print", "custom") or not op.operands or base(s, op.operands[0]) not in own
        for op in written
    ):
        raise s.error(
            "a cached function that does more than compute: Python does it in the first call only",
            "leave the cache out",
        )


def holds_memory(av: AV) -> bool:
    return any(is_memory(o.type) for o in leaves(av))


def _compiled(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """`njit` and its kin: the function itself."""
    if "error_model" in kwargs and s.static(kwargs["error_model"]) != "python":
        raise s.error("njit() with another error_model than Python's, inside the function", "leave it out")
    kwargs.keys()
    return args[0] if args and is_function(args[0]) else StaticAV(_decorator)


def _decorator(function: Any) -> Any:
    """What `njit(...)` gives: called with a function, that function."""
    return function


HANDLERS[_decorator] = lambda s, args, kwargs, hint: args[0]
NAMED["numba.njit"] = NAMED["numba.jit"] = _compiled


# -- dispatch on the class of an argument -----------------------------------------------------------------


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Implementation:
    """Reads what a function of functools.singledispatch runs for a class."""

    function: Any
    cls: Any

    def __call__(self) -> Any:
        return self.function.dispatch(self.cls)


@handles(dispatched_call)
def _dispatched_call(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """A call of a function of functools.singledispatch."""
    obj, *args = [s.static(args[0]), *args[1:]]
    cls = python_class(args[0]) if args else None
    if cls is None:
        what = describe(args[0]) if args else "nothing"
        raise s.error(
            f"the class that {obj.__name__}() dispatches on is not known of {what}", "call the function of it"
        )
    chosen = obj.dispatch(cls)
    s.context.captures.constant(Implementation(obj, cls), chosen, (id(obj), id(cls)))
    return apply(s, constant(chosen), args, dict(kwargs.items()), hint)


def python_class(av: AV) -> Any:
    """The class of the object that an abstract value stands for; None where several are possible."""
    if isinstance(av, (TupleAV, RecordAV)):
        return av.cls
    if isinstance(av, DictAV):
        return dict
    if isinstance(av, StaticAV):
        return type(av.obj)
    if isinstance(av, Const):
        return type(av.value)
    if not isinstance(av, Value) or getattr(av.type, "optional", False):
        return None
    if isinstance(av.type, Array):
        return np.ndarray
    if isinstance(av.type, List):
        return tuple if av in arrays.TUPLES else list
    if isinstance(av.type, Scalar):
        kinds: dict[str, Any] = {"float": float, "int": int, "bool": bool, "complex": complex}
        return kinds[av.type.kind] if av.type.dtype is None else np.dtype(av.type.dtype).type
    return str if av.type == Object("str") else None
