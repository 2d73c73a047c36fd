"""Source text that goes with a pickled function where the receiving process has no file to read it from.

cloudpickle (joblib, dask, Spark) sends functions of the main program and of notebooks as code without its file.
"""

from __future__ import annotations

import linecache
import sys
import types
from collections.abc import Iterator
from typing import Any

Identity = tuple[Any, ...]
Sent = tuple[
    tuple[str, str, tuple[Identity, ...]], ...
]  # a file's name, its text, and the code that is of it

_RECEIVED: dict[Identity, tuple[str, list[str]]] = {}


def identity(code: types.CodeType) -> Identity:
    return code.co_qualname, code.co_firstlineno, code.co_code, code.co_names, code.co_varnames


def sources(function: Any) -> Sent:
    """The files of a function and of what it calls by name, as far as no import finds them."""
    found: dict[str, list[types.CodeType]] = {}
    for f in reached(function, {}):
        found.setdefault(f.__code__.co_filename, []).append(f.__code__)
    texts = {name: "".join(linecache.getlines(name)) for name in found}
    return tuple(
        (name, texts[name], tuple(map(identity, codes))) for name, codes in found.items() if texts[name]
    )


def reached(obj: Any, seen: dict[int, Any]) -> Iterator[types.FunctionType]:
    if id(obj) in seen:
        return
    seen[id(obj)] = obj
    if isinstance(obj, type) and obj.__module__ == "__main__":
        for member in vars(obj).values():
            yield from reached(getattr(member, "__func__", member), seen)
    if not isinstance(obj, types.FunctionType) or imported(obj):
        return
    yield obj
    for cell in obj.__closure__ or ():
        if cell != types.CellType():
            yield from reached(cell.cell_contents, seen)
    for name in names(obj.__code__):
        yield from reached(obj.__globals__.get(name), seen)


def names(code: types.CodeType) -> Iterator[str]:
    """The names that a function and the functions in it read from outside."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from names(constant)


def imported(f: types.FunctionType) -> bool:
    """Whether another process finds a function by importing its module."""
    found: Any = sys.modules.get(f.__module__ or "")
    for part in f.__qualname__.split("."):
        found = getattr(found, part, None)
    return f.__module__ != "__main__" and found is f


def received(sent: Sent) -> None:
    for name, text, codes in sent:
        lines = text.splitlines(keepends=True)
        linecache.cache.setdefault(name, (len(text), None, lines, name))
        _RECEIVED.update((known, (name, lines)) for known in codes)


def text_of(code: types.CodeType) -> tuple[types.CodeType, list[str]]:
    """The code under the name of its file, and that file's lines; none where it has not been sent."""
    name, lines = _RECEIVED.get(identity(code), (code.co_filename, []))
    return code.replace(co_filename=name), lines
