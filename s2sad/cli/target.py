"""FILE.py:FUNCTION on the command line, found without running anything, and its derivative."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from s2sad.assumed import assumed_keys, assuming, spelt
from s2sad.derivative import Derivative, Options
from s2sad.errors import Loc, SignatureError, SourceError
from s2sad.frontend.constants import NoSuchFunction, Unknown
from s2sad.frontend.resolve import ParsedModule, Program
from s2sad.frontend.source import FunctionSource
from s2sad.modes import floating
from s2sad.signature import Parameters
from s2sad.typing.abstract import AV, FunctionAV
from s2sad.typing.calls import apply
from s2sad.typing.specialise import Specialiser
from s2sad.typing.structure import Fixed, Node

METAVAR = "FILE.py:FUNCTION"


class ParsedDerivative(Derivative):
    """The derivative of a function that is only parsed: it generates code and cannot be called."""

    def __init__(self, fn: Any, options: Options) -> None:
        inner = fn if isinstance(fn, ParsedDerivative) else None
        self._inner = inner
        self._fsource = inner._fsource if inner is not None else fn
        self._name = f"{inner._name}_{inner._suffix}" if inner is not None else fn.name
        self._suffix = "value_and_grad" if options.value else "grad"
        self._params = Parameters.of(self._fsource, options.wrt, receiver(self._fsource) is not None)
        self._options = options
        self._cache = {}
        self._last = None

    def _follow(self) -> None:
        """What is only parsed stays as it is."""


class StaticMethod:
    """A static method of a class that is only parsed."""

    def __init__(self, source: FunctionSource) -> None:
        self.__name__ = self.__qualname__ = source.qualname
        self._source = source

    def __s2sad_inline__(self, walker: Specialiser, args: list[AV], kwargs: dict[str, AV]) -> AV:
        return apply(walker, FunctionAV(self._source), args, kwargs)


def derivative_of(fn: Any, options: dict[str, Any]) -> ParsedDerivative:
    """What a decorator, or a call of grad, makes of a parsed function."""
    unknown = options.get("wrt")
    if isinstance(unknown, Unknown):
        source = fn._fsource if isinstance(fn, ParsedDerivative) else fn
        raise SourceError(
            f"the wrt of the derivative of {source.name}() is known only by running the program: {unknown.reason}",
            _place(source, unknown),
            "write wrt as positions or names, or say --wrt",
        )
    return ParsedDerivative(fn, Options(**_literal(options)))


def _place(source: FunctionSource, unknown: Unknown) -> Loc:
    view: Any = source.namespace
    return view.space.loc(unknown.node.lineno, unknown.node.col_offset)  # type: ignore[no-any-return]


def _literal(options: dict[str, Any]) -> dict[str, Any]:
    known = Options.__dataclass_fields__
    found = {k: v for k, v in options.items() if k in known and not isinstance(v, Unknown)}
    if found.get("optimize", 2) not in (0, 1, 2):
        del found["optimize"]
    return found


def split(target: str) -> tuple[str, str]:
    """The file or module, and the function, of FILE.py:FUNCTION."""
    place, _, name = target.rpartition(":")
    if not place or not name:
        raise click.UsageError(f"name a function as FILE.py:FUNCTION or module:FUNCTION, not {target!r}")
    return place, name


def is_file(place: str) -> bool:
    return place.endswith(".py") or Path(place).is_file() or "/" in place or "\\" in place


def parsed(target: str) -> Any:
    """What a command's argument names: a FunctionSource, or a ParsedDerivative."""
    place, name = split(target)
    if is_file(place):
        path = Path(place)
        if path.is_dir():
            raise click.UsageError(f"{place} is a directory; name a file")
        if not path.exists():
            raise NoSuchFunction(f"{place}: no such file", hint="name an existing file")
        program = Program.of(path, derivative_of, StaticMethod)
        module: ParsedModule | None = program.open(path)
    else:
        program = Program.of(None, derivative_of, StaticMethod)
        module = program.find(place)
    if module is None:
        raise NoSuchFunction(
            f"no module {place!r} is found in the current directory or on Python's search path",
            hint="name a file as FILE.py:FUNCTION",
        )
    return module._space.function(name)


def parsed_derivative(
    target: str, wrt: str | None = None, level: int | None = None, value: bool | None = None
) -> ParsedDerivative:
    """The derivative that a command shows: the decorator's options, changed by the command's."""
    found = parsed(target) if wrt is None else _without_wrt(target)
    inner, options = (
        (found._inner or found._fsource, found._options)
        if isinstance(found, ParsedDerivative)
        else (found, Options())
    )
    source = found._fsource if isinstance(found, ParsedDerivative) else found
    if wrt is not None:
        options = replace(options, wrt=chosen(wrt))
    if level is not None:
        options = replace(options, optimize=level)
    if value is not None:
        options = replace(options, value=value)
    try:
        return ParsedDerivative(inner, options)
    except SignatureError as error:
        if wrt is None:
            raise
        raise click.UsageError(f"--wrt {wrt}: {error.reason}; {error.hint}") from None
    finally:
        del source


def _without_wrt(target: str) -> Any:
    """As `parsed`, for a decorator whose own wrt may not be known."""
    try:
        return parsed(target)
    except SourceError as error:
        if "say --wrt" not in error.hint:
            raise
    place, name = split(target)
    program = Program.of(
        Path(place), lambda fn, options: derivative_of(fn, {**options, "wrt": 0}), StaticMethod
    )
    module = program.open(Path(place)) if is_file(place) else program.find(place)
    assert module is not None
    return module._space.function(name)


def receiver(source: FunctionSource) -> Any:
    """The name of the first parameter of a method, and the object that stands for it."""
    return getattr(source.namespace, "receiver", None)


def chosen(wrt: str) -> Any:
    """--wrt x or --wrt x,y: names or positions, one or a tuple."""
    parts = [p.strip() for p in wrt.split(",")]
    found = tuple(int(p) if p.lstrip("-").isdigit() else p for p in parts if p)
    if not found:
        raise click.UsageError("--wrt names no parameter")
    return found[0] if len(parts) == 1 else found


def keys_for(derivative: ParsedDerivative, declared: dict[str, Any]) -> dict[str, Any]:
    """The types of all parameters: as declared, else assumed."""
    source, params = derivative._fsource, derivative._params
    unknown = [n for n in declared if n not in params.names]
    if unknown:
        raise click.UsageError(
            f"--types: {source.name}() has no parameter {unknown[0]!r}; its parameters are {', '.join(params.names)}"
        )
    keys = assumed_keys(source, params)
    bound = receiver(source)
    if bound is not None:
        keys[bound[0]] = Fixed(("object", id(bound[1])), bound[1])
    keys.update(declared)
    return keys


def assuming_types(keys: dict[str, Any], declared: dict[str, Any]) -> Any:
    """As `assuming`, of the types that `--types` does not say."""
    others = {n: k for n, k in keys.items() if n not in declared}
    example = ", ".join(f"{n}: {likely(key, k)}" for k, (n, key) in enumerate(others.items()))
    return assuming(others, f'say them, e.g. --types "{example}"')


def likely(key: Any, k: int) -> str:
    """What argument number k may be, if not what was assumed."""
    if isinstance(key, Node):
        return spelt(key).replace("float", "float64[n]")
    return "float64[n]" if k else "float64[n,m]"


def with_respect_to_all(derivative: ParsedDerivative, keys: dict[str, Any]) -> ParsedDerivative:
    """The derivative with respect to every parameter that can have one."""
    names = tuple(n for n in derivative._params.names if floating(keys[n]))
    if not names:
        return derivative
    inner = derivative._inner or derivative._fsource
    return ParsedDerivative(inner, replace(derivative._options, wrt=names))
