"""Refusals of what is no function, in the terms of who wrote it."""

from __future__ import annotations

from typing import Any

from s2sad.errors import SignatureError
from s2sad.typing.calls import public
from s2sad.typing.structure import user_function


def not_a_function(f: Any, called: str = "grad") -> SignatureError:
    """The error for what is no Python function with source, and what its user may have meant."""
    if isinstance(f, str) and not f.isidentifier():
        return SignatureError(
            f"{called}() takes a function, and not the text {short(f)}", hint="write it as a def or lambda"
        )
    if isinstance(f, (staticmethod, classmethod)):
        kind = type(f).__name__
        return SignatureError(
            f"{called}() takes a function, and not a {kind}",
            hint=f"put @{kind} above the decorator that takes the derivative",
        )
    if isinstance(f, (str, tuple, list)) or type(f) is int:
        return SignatureError(
            f"{called}() takes a function, and not {short(f)}",
            hint=f"as a decorator, write @{called}(wrt={f!r})",
        )
    if not callable(f):
        return SignatureError(
            f"{called}() takes a function, and not {short(f)}",
            hint=f"give it the function itself and call what it returns: {called}(f)(x), not {called}(f(x))",
        )
    if isinstance(f, type):
        return SignatureError(
            f"{f.__name__} is a class, not a function",
            hint="differentiate a function that uses it, or a method",
        )
    if user_function(vars(type(f)).get("__call__")) is not None:
        return SignatureError(
            f"{short(f)} is not a Python function whose source can be read",
            hint=f"give its method: {called}(model.__call__) for a callable object model",
        )
    name = getattr(f, "__name__", "")
    known = f"{library(f)}{name}" if name.isidentifier() else "f"
    return SignatureError(
        f"{known + '()' if name else short(f)} is not a Python function whose source can be read",
        hint=f"differentiate a function that calls it: {called}(lambda x: {known}(x))",
    )


def library(f: Any) -> str:
    """The module of a library's function, as programs spell it."""
    module = getattr(f, "__module__", None) or ("numpy" if type(f).__module__ == "numpy" else None)
    return "" if module in (None, "builtins", "__main__") else public(module).replace("numpy", "np", 1) + "."


def short(obj: Any) -> str:
    """An object in a message: its type where its text is long."""
    text = repr(obj)
    return text if len(text) <= 40 and "\n" not in text else f"an object of type {type(obj).__name__}"
