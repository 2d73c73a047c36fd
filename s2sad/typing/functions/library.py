"""The library of functions that are made of others: typed as if the user had written them."""

from __future__ import annotations

import functools
from typing import Any

from s2sad.ir.core import Value
from s2sad.ir.types import Array, List, is_memory
from s2sad.rules.builder import const
from s2sad.typing.abstract import AV, FunctionAV
from s2sad.typing.arrays import array
from s2sad.typing.calls import HANDLERS, METHODS, Handler, bind
from s2sad.typing.functions.core import from_front, refuse, takes_out
from s2sad.typing.named import NAMED
from s2sad.typing.structure import source_for

SEQUENCE = "Sequence[Any]"


def call(s: Any, fn: Any, args: list[AV], kwargs: dict[str, AV]) -> AV:
    """Type a call of a function of the library."""
    function = FunctionAV(source_for(fn))
    before, s.frozen = s.frozen, True  # defaults are constants
    try:
        bound = bind(s, function, args, kwargs)
    finally:
        s.frozen = before
    return s.call_library(function, bound)  # type: ignore[no-any-return]


def defaults(fn: Any, names: list[str]) -> dict[str, Any]:
    """The defaults of some parameters."""
    code = fn.__code__
    last = code.co_varnames[: code.co_argcount][-len(fn.__defaults__ or ()) :]
    found = {**dict(zip(last, fn.__defaults__ or (), strict=True)), **(fn.__kwdefaults__ or {})}
    return {n: found[n] for n in names}


def known_axis(s: Any, names: Any, args: list[AV], kwargs: dict[str, AV]) -> None:
    """An `axis` of the first argument is one of its axes."""
    if "axis" not in names:
        return
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    axis, first = s.static(given.get("axis", const(None))), given.get(names[0])
    if names[0] not in ("condition", "start") and isinstance(axis, int) and isinstance(first, Value):
        if isinstance(first.type, Array):
            from_front(s, axis, first.type.ndim)


def given_array(s: Any, av: AV, sequence: bool) -> AV:
    """A list as the array NumPy makes of it; not a list of arrays where a sequence of arrays is asked for."""
    if not (isinstance(av, Value) and isinstance(av.type, List)):
        return av
    return av if sequence and is_memory(av.type.item) else array(s, av)


def library_function(fn: Any, called: str) -> Handler:
    """Types a call as one of `fn`, which is written in NumPy; its source is read at the first."""
    code = fn.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    said = {n: fn.__annotations__.get(n, "Any") for n in names}
    sequences = {(n,) for n in names if said[n] == SEQUENCE}
    fixed = [n for n in names if said[n] not in ("Any", SEQUENCE)]  # only their defaults are supported

    def handler(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        for name in kwargs:
            if name not in names:
                raise s.error(f"{called}() with {name}= is not supported yet", "leave it out")
        if fixed:
            given = {**dict(zip(names, args, strict=False)), **kwargs}
            refuse(s, called, {n: given[n] for n in fixed if n in given}, **defaults(fn, fixed))
        known_axis(s, names, args, kwargs)
        args = [given_array(s, a, names[i : i + 1] in sequences) for i, a in enumerate(args)]
        kwargs = {n: given_array(s, a, (n,) in sequences) for n, a in kwargs.items()}
        return call(s, fn, args, kwargs)

    return takes_out(called, " ".join(names))(handler) if "out" in names else handler


def in_library(fn: Any, *objects: Any, method: str = "") -> None:
    """Type calls of `objects` as calls of `fn`."""
    called = f"numpy.{getattr(objects[0], '__name__', fn.__name__)}" if objects else method
    handler = library_function(fn, called)
    for obj in objects:
        HANDLERS[obj] = handler
    if method:
        METHODS["array", method] = handler


@functools.cache
def load_library() -> None:
    """Register every function of `s2sad.library`, once."""
    from s2sad import library

    for fn, objects, method in library.FUNCTIONS:
        in_library(fn, *objects, method=method)
    for fn, name in library.NAMED:
        NAMED[name] = library_function(fn, name)
