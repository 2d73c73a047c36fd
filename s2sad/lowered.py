"""`Lowered`: generated code for one signature, loaded and compiled when it is first called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from s2sad.analysis.storage import Stored, stored
from s2sad.codegen.load import Generated, keyword_names, load
from s2sad.errors import JitError, SignatureError
from s2sad.ir.core import Function
from s2sad.typing.captures import Captured, Guard, Same
from s2sad.typing.structure import Node, fits


@dataclass(eq=False)
class Lowered:
    """Generated code for one signature: `source`, the IR it was printed from, and `compile()`."""

    generated: Generated
    primal: Function
    function: Function
    captured: tuple[Captured, ...]
    guards: tuple[Guard | Same, ...]
    hint: str
    keys: dict[str, Any]
    target: str = "python"
    writes: bool = False
    compiled: Any = None
    loaded: Any = None

    @property
    def source(self) -> str:
        return self.generated.source

    @property
    def ir(self) -> str:
        from s2sad.ir.printer import print_function

        return print_function(self.function)

    @property
    def storage(self) -> tuple[Stored, ...]:
        """What the forward sweep stores for the reverse sweep: the tapes, by loop."""
        return stored(self.function)

    def compile(self) -> Any:
        """The generated function, loaded (and with `jit=True` handed to Numba)."""
        if self.compiled is None:
            self.loaded = load(self.generated, self.hint)
            self.compiled = guarded(self.loaded, self) if self.target == "numba" else self.loaded
        return self.compiled

    def hidden(self) -> tuple[str, ...]:
        """The names of the keyword parameters that take what is captured."""
        self.compile()
        return keyword_names(self.loaded)

    def dispatcher(self) -> Any:
        """With `jit=True`: the Numba dispatcher of the generated function."""
        self.compile()
        return self.loaded

    def valid(self) -> bool:
        """Whether what was captured is still what the code was made for."""
        try:
            return all(fits(c.get(), c.key) for c in self.captured) and all(g.holds() for g in self.guards)
        except (KeyError, NameError, AttributeError, ValueError, SignatureError):
            return False


def guarded(code: Any, lowered: Lowered) -> Any:
    """A Numba dispatcher that has compiled its one signature, or a JitError that says why it cannot."""

    def first(*args: Any, **kwargs: Any) -> Any:
        for name, key in lowered.keys.items():
            if foreign(key):
                raise JitError(
                    f"Numba cannot take the argument {name!r} of {lowered.hint}(): it is or holds a dict or an object",
                    lowered.primal.loc, "pass its parts, or a named tuple of them, or use jit=False",
                )  # fmt: skip
        try:
            given = (*args, *(kwargs[name] for name in keyword_names(code) if name in kwargs))
            code.compile(tuple(map(code.typeof_pyval, given)))
        except Exception as error:  # Numba raises more than its own errors
            detail = _reason(error)
            raise JitError(
                f"Numba cannot compile the derivative of {lowered.hint}(): {detail}", lowered.primal.loc,
                "use jit=False, or write this part with what Numba supports; the full message is the cause of this error",
            ) from error  # fmt: skip
        try:
            result = code(*args, **kwargs)
        except TypeError as error:
            if "reflect" not in str(error):
                raise
            raise JitError(
                f"Numba cannot take an argument of {lowered.hint}(): {error}", lowered.primal.loc,
                "pass arrays in place of lists of lists",
            ) from error  # fmt: skip
        lowered.compiled = code
        return result

    return first


def foreign(key: Any) -> bool:
    """Whether an argument of this key holds a container that Numba has no type for."""
    return isinstance(key, Node) and (
        key.kind in ("dict", "record", "partial") or any(map(foreign, key.parts))
    )


def _reason(error: Exception) -> str:
    """What Numba objects to, in a line: the function by name and the types it was given."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    skipped = ("Failed in", "During", "- ")
    detail = next(
        (line for line in lines if not line.startswith(skipped)), (lines or [type(error).__name__])[0]
    )
    given = next((line.partition(">>>")[2].strip() for line in lines if line.strip().startswith(">>>")), "")
    named = re.sub(r"Function\(<(?:built-in )?(?:function|ufunc) '?(\w+)'?[^>]*>\)", r"\1()", detail.strip())
    return f"{named} {given}" if given and named.endswith("signature:") else named
