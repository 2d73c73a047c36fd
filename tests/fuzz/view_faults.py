"""Planted faults in what the compiler takes memory for, that programs about memory find: each with a seed that does."""

from __future__ import annotations

from tests.fuzz.faults import Fault

FINAL, VIEWS = "analysis.final_reads:FinalReads", "transform.views"

VIEW_FAULTS: list[tuple[Fault, int]] = [
    (Fault("a view made anew in each turn is one array", f"{FINAL}.is_earlier", " or self.varies(a, loops)", ""), 0),
    (Fault("a view's cells are those of its array", "analysis.cells:Cells.sliced", "first.offset + by * i.offset", "i.offset"), 0),
    (Fault("axes before those assigned to are not taken off", "typing.subscripts:of_axes", "if not extra:", "if True:"), 0),
    (Fault("lists keep no reference", "rules.effects:keeps", "op.prim not in _KEEPERS", "True"), 0),
    (Fault("a copy may be the array itself", "rules.builder:Builder.append", "not (self.own_memory and isinstance(type, Array))", "True"), 0),
    (Fault("overlaps are not seen through what may be a view", "typing.overlaps:base", "Made.VIEW, Made.MAYBE_VIEW, Made.SAME", "Made.VIEW, Made.SAME"), 0),
    (Fault("Jacobians by columns keep what is reshaped", "transform.jacobian:columns", "fn = settled(fn, inputs)", "pass"), 0),
    (Fault("what may be a view is none", "analysis.aliases:Aliases.join_maybe_views", "while found:", "while False:"), 0),
    (Fault("any array lies row by row", "analysis.layout:Layouts.reshapes_to_view", "if found is None:\n        return None", "return True"), 0),
    (Fault("columns lie as rows do", "analysis.layout:transposed", "tuple(place[k] for k in a.order)", "a.order"), 0),
    (Fault("read-only views are read where they were taken", f"{VIEWS}:settled", "fn = read_anew(fn)", "pass"), 0),
    (Fault("what varies real is real", "transform.forward.core:complete", "if is_complex(t) and not is_complex(found.type):", "if False:"), 0),
    (Fault("checks may read elements", "optimize.checks:is_lasting", "and not elements", ""), 0),
]  # fmt: skip
