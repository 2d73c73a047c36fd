"""For the commands that run the user's code: the function itself, imported, and arguments for it."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from s2sad.api import grad
from s2sad.cli.target import chosen, is_file, split
from s2sad.cli.typespec import parse_values
from s2sad.derivative import Derivative
from s2sad.errors import S2sadError, SignatureError
from s2sad.frontend.constants import NoSuchFunction
from s2sad.modes import floating
from s2sad.typing.structure import key_of, user_function


class UsersError(S2sadError):
    """The user's own code raised."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function, arguments for it, and what to differentiate by."""

    name: str
    fn: Any
    names: tuple[str, ...]
    args: tuple[Any, ...]
    wrt: Any

    def fresh(self) -> tuple[Any, ...]:
        return copy.deepcopy(self.args)


def called(target: str, at: str, wrt: str | None) -> Call:
    """The function of FILE.py:FUNCTION, and the arguments of --at."""
    place, name = split(target)
    values = parse_values(at)
    found = attribute(imported(place), name, place)
    decorated = found if isinstance(found, Derivative) else None
    fn = decorated.primal if decorated is not None else found
    if not isinstance(fn, Derivative) and user_function(fn) is None:
        raise NoSuchFunction(
            f"{name!r} in {place} is a {type(fn).__name__}, not a function", hint="name a function"
        )
    names, args = bound(fn, *values)
    if wrt is not None:
        by = chosen(wrt)
        try:
            grad(fn, by)
        except SignatureError as error:
            raise click.UsageError(f"--wrt {wrt}: {error.reason}; {error.hint}") from None
    elif decorated is not None:
        by = decorated._options.wrt
    else:
        by = tuple(k for k, a in enumerate(args) if floating(key_of(a))) or 0
    return Call(name, fn, names, args, by)


def bound(fn: Any, positional: list[Any], named: dict[str, Any]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Names and values of all arguments, in their order."""
    signature = inspect.signature(fn.primal if isinstance(fn, Derivative) else fn)
    try:
        arguments = signature.bind(*positional, **named)
    except TypeError as error:
        raise click.UsageError(f"--at: {error}; the parameters are {signature}") from None
    arguments.apply_defaults()
    if arguments.kwargs:
        raise click.UsageError("--at: functions with keyword-only parameters cannot be called here yet")
    names: list[str] = []
    for n, value in arguments.arguments.items():
        several = signature.parameters[n].kind is inspect.Parameter.VAR_POSITIONAL
        names += [f"{n}[{k}]" for k in range(len(value))] if several else [n]
    return tuple(names), arguments.args


def imported(place: str) -> Any:
    """Import a file or module of the user's: this runs it."""
    sys.path.insert(0, str(Path.cwd()))
    if not is_file(place):
        with users_errors(f"importing {place}"):
            try:
                return importlib.import_module(place)
            except ModuleNotFoundError as error:
                if error.name and (place == error.name or place.startswith(f"{error.name}.")):
                    raise NoSuchFunction(f"no module {place!r}", hint="name a file or a module") from None
                raise
    path = Path(place).absolute()
    if not path.is_file():
        raise NoSuchFunction(f"{place}: no such file", hint="name an existing file")
    folder, name = path.parent, path.stem
    while (folder / "__init__.py").is_file():
        folder, name = folder.parent, f"{folder.name}.{name}"
    sys.path[:0] = [str(folder)]
    with users_errors(f"running {place}"):
        if "." in name:
            return importlib.import_module(name.removesuffix(".__init__"))
        sys.path[:0] = [str(path.parent)]
        spec = importlib.util.spec_from_file_location(name, place)
        if spec is None or spec.loader is None:
            raise NoSuchFunction(f"{place} is not a Python file", hint="name a file that ends in .py")
        module = importlib.util.module_from_spec(spec)
        sys.modules.setdefault(name, module)
        spec.loader.exec_module(module)
        return module


def attribute(module: Any, name: str, place: str) -> Any:
    found = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise NoSuchFunction(
                f"{place} has no function {name!r} at its top level", hint="check the spelling"
            )
        found = getattr(found, part)
    return found


@contextmanager
def users_errors(doing: str) -> Iterator[None]:
    """Whatever the user's code raises is told in one line, with the place."""
    try:
        yield
    except (S2sadError, click.ClickException, KeyboardInterrupt):
        raise
    except BaseException as error:
        if isinstance(error, SyntaxError) and error.filename:
            where = f"{error.filename}:{error.lineno}"
        else:
            frames = [f for f in traceback.extract_tb(error.__traceback__) if "importlib" not in f.filename]
            where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        raise UsersError(
            f"{doing} raised {type(error).__name__}: {error}" + (f" ({where})" if where else "")
        ) from None
