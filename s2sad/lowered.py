"""`Lowered`: generated code for one signature, loaded and compiled when it is first called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from s2sad.analysis.storage import Stored, stored
from s2sad.codegen.load import Generated, keyword_names
from s2sad.errors import SignatureError
from s2sad.ir.call_sizes import CallSizes
from s2sad.ir.core import Function
from s2sad.machine_code import loaded
from s2sad.typing.captures import Captured, Guard, Same
from s2sad.typing.given import Given
from s2sad.typing.structure import fits, shown_sizes


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
    given: tuple[Given, ...] = ()
    cache: bool = True
    sizes: CallSizes = field(default_factory=lambda: CallSizes({}))
    compiled: Any = None

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
        """The generated function, loaded (and with `jit=True` a Numba dispatcher)."""
        if self.compiled is None:
            self.compiled = loaded(self.generated, self.hint, self.primal.loc, self.target, self.cache)
        return self.compiled

    def hidden(self) -> tuple[str, ...]:
        """The names of the keyword parameters that take what is captured."""
        return keyword_names(self.compile())

    def takes(self, keys: dict[str, Any]) -> bool:
        """Whether the code was made for sizes like those of this call, which has these keys."""
        shown = shown_sizes(keys) if self.sizes or self.sizes.unknown else {}
        return self.sizes.hold(shown) and not (self.sizes.unknown and shown)

    def valid(self) -> bool:
        """Whether what was captured is still what the code was made for."""
        try:
            return all(fits(c.get(), c.key) for c in self.captured) and all(g.holds() for g in self.guards)
        except (KeyError, NameError, AttributeError, ValueError, SignatureError):
            return False
