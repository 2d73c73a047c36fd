"""Planted faults in what the compiler takes memory for, that programs about memory find: each with a seed that does."""

from __future__ import annotations

from tests.fuzz.faults import Fault

VIEW_FAULTS: list[tuple[Fault, int]] = [
    (Fault("a view made anew in each turn is one array", "analysis.cells:Cells.sliced", "i.base or first.base", "i.base"), 10),
    (Fault("what a list is given is not in it", "analysis.aliases:Aliases.of_lists", 'if op.prim in ("append", "store"):', 'if op.prim == "none":'), 111),
    (Fault("a copy may be the array itself", "rules.builder:Builder.append", "not (self.own_memory and isinstance(type, Array))", "True"), 249),
    (Fault("any array lies row by row", "analysis.layout:Layouts.reshapes_to_view", "found = self.of(a)", "return True"), 69),
    (Fault("tangents lie as they are given", "transform.forward.core:Forward.is_copied", "or v in self.fn.layouts", ""), 145),
    (Fault("copies of arguments lie by rows", "analysis.layout:as_it_lies", 'kind = "C" if lies_by_rows(fn, v) else fn.layouts[v]', 'kind = "C"'), 263),
    (Fault("what varies real is real", "transform.forward.core:complete", "if is_complex(t) and not is_complex(found.type):", "if False:"), 642),
    (Fault("integers are never written", "transform.reverse.storage:reads_again", "return whole and is_still_there(r, op)", "return whole"), 27),
    (Fault("nothing is added to lists", "transform.reverse.core:Reverse.add", 'self.builder.effect("add_into", shadow(self, operand, scope), term)', "pass"), 10),
    (Fault("no path leaves an array unbound", "transform.reverse.unbound:is_missing", "isinstance(o, Undef)", "False"), 373),
    (Fault("what may be a view is none", "analysis.aliases:Aliases.join_maybe_views", "if maybe_view(op)", "if False"), 6),
    (Fault("overlap is seen through views alone", "typing.overlaps:base", "(Made.VIEW, Made.MAYBE_VIEW, Made.SAME)", "(Made.VIEW, Made.SAME)"), 159),
    (Fault("calls write nothing", "analysis.aliases:Aliases.op", "writes.extend(given)", "pass"), 11),
    (Fault("calls give memory of their own", "analysis.aliases:Aliases.op", "self.mix((*given, *back))", "self.mix(back)"), 84),
]  # fmt: skip
# found by programs of arrays
ARRAY_FAULTS_IN_MODES: list[tuple[Fault, int]] = [
    (Fault("a branch that only tests sizes leaves no loop", "optimize.checks:is_check", " or breaks(op)", ""), 224337),
]  # fmt: skip
