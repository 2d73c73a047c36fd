"""The library of functions that are made of others: typed as if the user had written them."""

from __future__ import annotations

from typing import Any

from s2sad.typing.abstract import AV, FunctionAV
from s2sad.typing.calls import HANDLERS, METHODS, Handler, bind
from s2sad.typing.named import NAMED
from s2sad.typing.structure import source_for


def library_function(fn: Any) -> Handler:
    """Types a call as one of `fn`, which is written in NumPy; its source is read at the first."""
    code = fn.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    def handler(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        for name in kwargs:
            if name not in names:
                raise s.error(f"{fn.__name__}() with {name}= is not supported yet", "leave it out")
        function = FunctionAV(source_for(fn))
        return s.call_library(function, bind(s, function, args, kwargs))

    return handler


def in_library(fn: Any, *objects: Any, method: str = "") -> None:
    """Type calls of `objects` as calls of `fn`."""
    handler = library_function(fn)
    for obj in objects:
        HANDLERS[obj] = handler
    if method:
        METHODS["array", method] = handler


def load_library() -> None:
    """Register every function of `s2sad.library`."""
    from s2sad import library

    for fn, objects, method in library.FUNCTIONS:
        in_library(fn, *objects, method=method)
    for fn, name in library.NAMED:
        NAMED[name] = library_function(fn)
