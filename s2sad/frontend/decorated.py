"""Derivatives that a program asks for by `@grad`, `grad(f)` and their kin, found without running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gast

from s2sad.frontend.constants import Unknown, text_of
from s2sad.frontend.imports import Import
from s2sad.frontend.source import FunctionSource

DERIVATIVES = ("grad", "value_and_grad")


@dataclass(eq=False, slots=True)
class Decorated:
    """A function that `@grad(...)` or `grad(f, ...)` makes a derivative of; options are literals or `Unknown`."""

    inner: Any
    options: dict[str, Any]
    made: Any = None


class Derivatives:
    """Of a parsed module: which of its decorators and calls make derivatives, with which options."""

    names: dict[str, Any]
    constant: Any  # a method: the value of an expression, or `Unknown`

    def origin(self, node: Any) -> str:
        """Where a dotted name was imported from, e.g. `s2sad.grad`; '' where it was not."""
        if isinstance(node, gast.Name):
            found = self.names.get(node.id)
            return found.origin if isinstance(found, Import) and not found.level else ""
        if isinstance(node, gast.Attribute):
            base = self.origin(node.value)
            return f"{base}.{node.attr}" if base else ""
        return ""

    def asked_for(self, node: Any) -> dict[str, Any] | None:
        """The options of `grad`, `grad(...)` or `partial(grad, ...)`; None for any other decorator."""
        origin = self.origin(node.func if isinstance(node, gast.Call) else node)
        if origin in ("functools.partial", "partial") and node.args:
            inner = self.asked_for(node.args[0])
            return None if inner is None else {**inner, **self.options(node)}
        root, _, last = origin.rpartition(".")
        if root.partition(".")[0] != "s2sad" or last not in DERIVATIVES:
            return None
        own = self.options(node) if isinstance(node, gast.Call) else {}
        return {**own, "value": last == "value_and_grad"}

    def options(self, call: Any) -> dict[str, Any]:
        found = {k.arg: self.constant(k.value) for k in call.keywords if k.arg is not None}
        if len(call.args) > 1:
            found["wrt"] = self.constant(call.args[1])
        return found

    def derivative(self, call: Any) -> Decorated | None:
        """`grad(f, ...)` of a function that is known."""
        options = self.asked_for(call) if call.args else None
        if options is None or self.origin(call.func) == "functools.partial":
            return None
        inner = self.constant(call.args[0])
        return Decorated(inner, options) if isinstance(inner, (FunctionSource, Decorated)) else None

    def decorated(self, made: Any, decorators: list[Any]) -> Any:
        for decorator in reversed(decorators):
            origin = self.origin(decorator.func if isinstance(decorator, gast.Call) else decorator)
            if origin.startswith("numba.") and origin.rpartition(".")[2] in ("njit", "jit"):
                continue
            options = self.asked_for(decorator)
            if options is None:
                return Unknown(f"it is decorated by @{text_of(decorator)}", decorator)
            made = Decorated(made, options)
        return made
