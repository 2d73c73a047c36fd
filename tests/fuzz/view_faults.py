"""Planted faults in what the compiler takes memory for, that programs about memory find: each with a seed that does."""

from __future__ import annotations

from tests.fuzz.faults import Fault

VIEW_FAULTS: list[tuple[Fault, int]] = [
    (Fault("a view made anew in each turn is one array", "analysis.cells:Cells.sliced", "i.base or first.base", "i.base"), 4),
    (Fault("axes before those assigned to are not taken off", "typing.subscripts:of_axes", "if not extra:", "if True:"), 3),
    (Fault("a copy may be the array itself", "rules.builder:Builder.append", "not (self.own_memory and isinstance(type, Array))", "True"), 134),
    (Fault("any array lies row by row", "analysis.layout:Layouts.reshapes_to_view", "if found is None:\n        return None", "return True"), 139),
    (Fault("what varies real is real", "transform.forward.core:complete", "if is_complex(t) and not is_complex(found.type):", "if False:"), 124),
]  # fmt: skip
