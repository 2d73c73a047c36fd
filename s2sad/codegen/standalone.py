"""A generated module that runs where s2sad is not installed: captured numbers become module constants,
captured arrays and lists stay required keyword parameters.
"""

from __future__ import annotations

from typing import Any


def standalone(lowered: Any) -> str:
    """The text of the module for one signature."""
    text: str = lowered.source
    constants = {
        c.value.hint: c.get() for c in lowered.captured if isinstance(c.get(), (int, float, complex))
    }
    if not constants:
        return text
    kept = [c.value.hint for c in lowered.captured if c.value.hint not in constants]
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(f"def {lowered.generated.name}("))
    head, _, _ = lines[at].rpartition("):")
    own, _, _ = head.partition(", *, ") if ", *, " in head else head.partition("*, ")
    lines[at] = own + (", *, " + ", ".join(kept) if kept else "") + "):"
    before = at - 1 if at and lines[at - 1].startswith("@") else at
    lines[before:before] = [*(f"{name} = {value!r}" for name, value in constants.items()), ""]
    return "\n".join(lines) + "\n"
