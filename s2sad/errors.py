"""Every error a user can see derives from `S2sadError` and is rendered like a compiler's: file, line, column,
the source line with a caret, the reason and a way out.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

STANDARD = os.path.dirname(os.__file__)  # where Python's own modules are


@dataclass(frozen=True, slots=True, eq=False)
class SourceFile:
    """The text a function was read from; line 1 of `lines` is line `first` of the file."""

    name: str
    lines: tuple[str, ...] = ()
    first: int = 1

    def line(self, number: int) -> str:
        index = number - self.first
        return self.lines[index].rstrip("\n") if 0 <= index < len(self.lines) else ""


@dataclass(frozen=True, slots=True, eq=False)
class Stmt:
    """A statement of the user's: what comments in generated code quote."""

    file: SourceFile
    line: int
    text: str
    function: str


@dataclass(frozen=True, slots=True)
class Loc:
    """Where an operation comes from; `reverse` marks operations of the reverse sweep, `caller` is the place of the call
    that led there, for a function that the differentiated one calls."""

    stmt: Stmt
    line: int
    col: int
    reverse: bool = False
    caller: Loc | None = field(default=None, compare=False, repr=False)

    @property
    def file(self) -> SourceFile:
        return self.stmt.file

    def __str__(self) -> str:
        return f"{self.file.name}:{self.line}:{self.col + 1}"


NOWHERE = Loc(Stmt(SourceFile("<generated>"), 0, "", ""), 0, 0)


class S2sadError(Exception):
    """Base class of all errors raised by s2sad about the user's program or call.

    `loc` is the place that is refused: the last one in the user's own files, where it is in a library they call.
    """

    located = False  # whether `loc` is the final one

    def __init__(self, reason: str, loc: Loc | None = None, hint: str = "") -> None:
        places = path(loc) if loc is not None else []
        mine = own(places)
        if len(mine) < len(places):
            entered = places[len(mine)]
            self.located = True
            reason = (
                f"{in_words(entered.stmt.function)} of {package(entered)} cannot be differentiated: {reason}"
            )
            loc, hint = mine[-1], OUTSIDE
        self.reason, self.loc, self.hint = reason, loc, hint
        super().__init__(render(reason, loc, hint))

    def at(self, loc: Loc) -> None:
        """Say where it is, for who knows that better than who raised it."""
        S2sadError.__init__(self, self.reason, loc, self.hint)

    def _render_traceback_(self) -> list[str]:
        """What IPython and notebooks show: the message, which names the places in the user's files."""
        return f"{type(self).__name__}: {self}".splitlines()


def cut(error: S2sadError) -> S2sadError:
    """A refusal as it leaves s2sad: without frames of s2sad's own. S2SAD_DEBUG=1 keeps them."""
    if os.environ.get("S2SAD_DEBUG"):
        return error
    error.__suppress_context__ = True  # a cause that is given stays
    return error.with_traceback(None)


def public(fn: F) -> F:
    """A function of the interface: what it refuses is raised from a frame of its name, not from inside s2sad."""

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        except S2sadError as error:
            raise cut(error)  # noqa: B904

    name = fn.__name__
    shown: Any = call
    shown.__code__ = shown.__code__.replace(
        co_filename=f"<{name}>", co_name=name, co_qualname=name, co_firstlineno=1
    )
    return shown  # type: ignore[no-any-return]


class UnsupportedSyntaxError(S2sadError):
    """A Python construct that s2sad does not differentiate."""


class SizesNeededError(UnsupportedSyntaxError):
    """What is written follows from the sizes of arrays, which are not known: code for these sizes can be made."""


class UndecidedViewError(SizesNeededError):
    """Whether something is a view or a copy does not follow from what is known of the arguments, and matters."""


class MissingRuleError(S2sadError):
    """A function or operation of an active value that has no derivative rule."""


class NotDifferentiableError(S2sadError):
    """A value that has no derivative was asked for one (an index, a string, a non-scalar result)."""


class SignatureError(S2sadError, TypeError):
    """Arguments, options or types that do not fit the function."""


class JitError(S2sadError):
    """Generated code that Numba cannot compile."""


class SourceError(S2sadError):
    """The source of a function cannot be found or is ambiguous."""


class CheckError(S2sadError, AssertionError):
    """`check_grad` found derivatives that disagree."""


class VerifierError(S2sadError):
    """An internal invariant of the IR is broken: a bug of s2sad, never of the user's."""


OUTSIDE = "take the call out of the differentiated function, or give it a derivative with custom_rule()"


def path(loc: Loc) -> list[Loc]:
    """The places of the calls that lead to a place, that of the differentiated function first."""
    places = [loc]
    while places[-1].caller is not None:
        places.append(places[-1].caller)
    return places[::-1]


def own(places: list[Loc]) -> list[Loc]:
    """The places up to the first one in a library: one that is installed, and not of the first one's own package."""
    mine = package(places[0]) if places else ""
    for k, place in enumerate(places):
        if package(place) not in ("", mine):
            return places[:k]
    return places


def package(loc: Loc) -> str:
    """The installed package, or module of Python's own, that a file belongs to; '' for a user's own file."""
    folder, name = os.path.split(loc.file.name)
    while folder and name:
        if os.path.basename(folder) in ("site-packages", "dist-packages") or folder == STANDARD:
            return name.removesuffix(".py")
        folder, name = os.path.split(folder)
    return ""


def render(reason: str, loc: Loc | None, hint: str) -> str:
    if loc is None or loc.line == 0:
        return "\n".join([reason, *([f"  help: {hint}"] if hint else [])])
    places = path(loc)
    parts = [f"{places[0]}: {reason}", *quoted(places[0])]
    for outer, inner in pairwise(places):
        called = f"called from line {outer.line} of {in_words(outer.stmt.function)}"
        parts.append(f"  in {in_words(inner.stmt.function)}, {called}: {inner}")
    if len(places) > 1:
        parts += quoted(loc)
    if hint:
        parts.append(f"  help: {hint}")
    return "\n".join(parts)


def in_words(function: str) -> str:
    """A function in messages: those without a name have one in the frontend."""
    return {"lambda_": "a lambda", "generator": "a comprehension"}.get(function, f"{function}()")


def quoted(loc: Loc) -> list[str]:
    """The line of a place, and a caret under it."""
    line = loc.file.line(loc.line)
    return ["    " + line, "    " + " " * _display_column(line, loc.col) + "^"] if line.strip() else []


def _display_column(line: str, utf8_col: int) -> int:
    """ast counts columns in UTF-8 bytes; the caret stands under a character."""
    return len(line.encode()[:utf8_col].decode(errors="ignore"))
