"""Errors that Python raises when the code runs, where what was typed could go on without them."""

from __future__ import annotations

from typing import Any

from s2sad.ir.core import Const, Operand
from s2sad.ir.types import BOOL, Object
from s2sad.rules.builder import const


def raise_where(s: Any, failed: Operand, error: type[Exception], text: str) -> None:
    """Raise where this condition holds; the message says in which line of the user's function."""
    if isinstance(failed, Const) and not failed.value:
        return
    with s.builder.region() as ops:
        message = const(f"line {s.builder.loc.line}: {text}")
        s.builder.effect("raise", s.builder.emit("exception", message, type=Object("exception"), cls=error))
    if isinstance(failed, Const):
        s.builder.ops += ops
    else:
        s.met(failed, (ops, None), ([], []), [], s.builder.loc)


def raise_unless_equal(s: Any, sizes: list[Operand], text: str) -> None:
    """ValueError where these numbers differ."""
    for n in sizes[1:]:
        if n is not sizes[0]:
            raise_where(s, s.builder.emit("ne", sizes[0], n, type=BOOL), ValueError, text)
