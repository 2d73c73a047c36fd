"""Every error a user can see derives from `S2sadError` and is rendered like a compiler's: file, line, column,
the source line with a caret, the reason and a way out.
"""

from __future__ import annotations

from dataclasses import dataclass


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
    """Where an operation comes from; `reverse` marks operations of the reverse sweep."""

    stmt: Stmt
    line: int
    col: int
    reverse: bool = False

    @property
    def file(self) -> SourceFile:
        return self.stmt.file

    def __str__(self) -> str:
        return f"{self.file.name}:{self.line}:{self.col + 1}"


NOWHERE = Loc(Stmt(SourceFile("<generated>"), 0, "", ""), 0, 0)


class S2sadError(Exception):
    """Base class of all errors raised by s2sad about the user's program or call."""

    def __init__(self, reason: str, loc: Loc | None = None, hint: str = "") -> None:
        self.reason, self.loc, self.hint = reason, loc, hint
        super().__init__(render(reason, loc, hint))


class UnsupportedSyntaxError(S2sadError):
    """A Python construct that s2sad does not differentiate."""


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


def render(reason: str, loc: Loc | None, hint: str) -> str:
    parts = []
    if loc is None or loc.line == 0:
        parts.append(reason)
    else:
        parts.append(f"{loc}: {reason}")
        line = loc.file.line(loc.line)
        if line.strip():
            col = _display_column(line, loc.col)
            parts.append("    " + line)
            parts.append("    " + " " * col + "^")
    if hint:
        parts.append(f"  help: {hint}")
    return "\n".join(parts)


def _display_column(line: str, utf8_col: int) -> int:
    """ast counts columns in UTF-8 bytes; the caret stands under a character."""
    return len(line.encode()[:utf8_col].decode(errors="ignore"))
