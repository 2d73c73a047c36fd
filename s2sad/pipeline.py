"""The named pipelines: tuples of passes, each a function from a function to a function."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from s2sad.ir.core import Function
from s2sad.optimize.accumulates import merge_accumulates
from s2sad.optimize.buffers import sum_in_place
from s2sad.optimize.checks import hoist_checks
from s2sad.optimize.copies import absorb_names, propagate_copies, propagate_unnamed_copies
from s2sad.optimize.cse import eliminate_common_subexpressions, read_once
from s2sad.optimize.dce import eliminate_dead_code
from s2sad.optimize.displays import pick_elements
from s2sad.optimize.invariants import hoist_all_invariants, hoist_invariants
from s2sad.optimize.rows import merge_rows
from s2sad.optimize.shadows import share_shadows
from s2sad.transform.expansion import expand_spectral

Pass = Callable[[Function], Function]

OPTIMIZE: dict[int, tuple[Pass, ...]] = {
    0: (expand_spectral, eliminate_dead_code),
    1: (
        expand_spectral,
        propagate_unnamed_copies,
        propagate_unnamed_copies,
        eliminate_dead_code,
        absorb_names,
    ),
    2: (
        expand_spectral,
        propagate_copies,
        merge_rows,
        eliminate_common_subexpressions,
        propagate_copies,
        merge_accumulates,
        share_shadows,
        sum_in_place,
        eliminate_dead_code,
    ),
}
VERIFY = False


def prepared(fn: Function, optimize: int, target: str) -> Function:
    """A typed function as it is differentiated."""
    fn = run(fn, (hoist_checks,))
    if optimize < 2:
        return fn
    fn = replace(fn, compiled=target == "numba")
    hoist = hoist_all_invariants if target == "numba" else hoist_invariants
    return run(fn, (pick_elements, hoist, merge_rows, read_once))


@contextmanager
def collector_paused() -> Iterator[None]:
    """While code is made: trees and operations all stay alive, and looking through them again and again for
    garbage takes a third of the time for a function of thousands of statements."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def run(fn: Function, passes: tuple[Pass, ...]) -> Function:
    """Apply passes in order; the verifier checks the result of each where `VERIFY` is set (in tests always)."""
    for p in passes:
        fn = p(fn)
        fn = replace(fn, callees={name: p(callee) for name, callee in fn.callees.items()})
        check(fn)
    return fn


def check(fn: Function) -> Function:
    if VERIFY:
        from s2sad.ir.verify import verify

        verify(fn, typed=True)
    return fn
