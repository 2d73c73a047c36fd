"""The fuzzer finds planted faults: each within a bounded number of programs that pass without the fault."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

import pytest

from tests.checks import Report
from tests.fuzz.array_faults import ARRAY_FAULTS
from tests.fuzz.check import check_source
from tests.fuzz.faults import FAULTS, WRONG_PARTIALS, Fault, planted, wrong_partial
from tests.fuzz.generator import FuzzProgram
from tests.fuzz.run import GENERATORS, may_refuse_for
from tests.fuzz.view_faults import ARRAY_FAULTS_IN_MODES, VIEW_FAULTS

QUICK = 60
BOUND = 200
MOST = 400  # a gradient that is another's memory shows in one of 200 programs


@cache
def program(seed: int, kind: str = "numbers") -> FuzzProgram:
    """The program of a seed, generated once for all faults."""
    return GENERATORS[kind](seed)


def checked(seed: int, kind: str = "numbers", modes: bool = False) -> Report:
    """The default pipeline's gradient against forward mode and differences, its value against the primal's."""
    chosen = program(seed, kind)
    return check_source(
        chosen.source,
        chosen.args,
        chosen.wrt,
        levels=(2,),
        rounded=kind != "numbers",
        modes=modes,
        may_refuse=may_refuse_for(chosen),
    )


def finds(
    fault: AbstractContextManager[None],
    bound: int,
    kind: str = "numbers",
    modes: bool = False,
    first: int = 0,
) -> None:
    """The fault shows in one of the first programs (from number `first` on), which pass when it is gone."""
    checked(first, kind, modes)  # what is imported while a fault is planted would keep it
    with fault:
        found = next((seed for seed in range(first, bound) if not checked(seed, kind, modes).ok), None)
    assert found is not None, f"not found by {bound} programs"
    report = checked(found, kind, modes)
    assert report.ok, "\n".join(map(str, report.problems))


def names(fault: Fault) -> str:
    """A fault's name as a test's."""
    return fault.name.replace(" ", "-")


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if not fault.rare], ids=names)
def test_fault_is_found(fault: Fault) -> None:
    """A fault that many programs show."""
    finds(planted(fault), QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.rare], ids=names)
def test_rare_fault_is_found(fault: Fault) -> None:
    """A fault that few programs show."""
    finds(planted(fault), BOUND)


@pytest.mark.parametrize("fault", [fault for fault in ARRAY_FAULTS if not fault.rare], ids=names)
def test_fault_in_arrays_is_found(fault: Fault) -> None:
    """A fault in what is done with arrays that many programs of arrays show."""
    finds(planted(fault), QUICK, kind="arrays")


@pytest.mark.slow
@pytest.mark.parametrize("fault", [fault for fault in ARRAY_FAULTS if fault.rare], ids=names)
def test_rare_fault_in_arrays_is_found(fault: Fault) -> None:
    """A fault that few programs of arrays show."""
    finds(planted(fault), MOST, kind="arrays")


@pytest.mark.parametrize(
    ("fault", "seed"), VIEW_FAULTS, ids=lambda f: names(f) if isinstance(f, Fault) else ""
)
def test_fault_in_memory_is_found(fault: Fault, seed: int) -> None:
    """An unsound assumption about memory, by the program of this seed: each was made once."""
    finds(planted(fault), seed + 1, kind="views", modes=True, first=seed)


@pytest.mark.parametrize(
    ("fault", "seed"), ARRAY_FAULTS_IN_MODES, ids=lambda f: names(f) if isinstance(f, Fault) else ""
)
def test_fault_in_second_derivatives_of_arrays_is_found(fault: Fault, seed: int) -> None:
    """As in memory, by a program of arrays."""
    finds(planted(fault), seed + 1, kind="arrays", modes=True, first=seed)


@pytest.mark.parametrize(("prim", "operand", "partial"), WRONG_PARTIALS)
def test_wrong_partial_is_found(prim: str, operand: str, partial: str) -> None:
    """A wrong rule, in both modes alike, so that only differences tell."""
    finds(wrong_partial(prim, operand, partial), QUICK)


def test_there_are_many_faults() -> None:
    """At least ten kinds, and one that is not in the product's text cannot be planted."""
    assert len(FAULTS) + len(WRONG_PARTIALS) >= 20
    assert len(ARRAY_FAULTS) >= 10
    absent = Fault("absent", FAULTS[0].place, "no such text", "")
    with pytest.raises(LookupError, match="no such text"), planted(absent):
        pass


def test_each_can_be_planted() -> None:
    """The rare ones, too, are of the product's text as it is."""
    for fault in (*FAULTS, *ARRAY_FAULTS, *(f for f, _ in (*VIEW_FAULTS, *ARRAY_FAULTS_IN_MODES))):
        with planted(fault):
            pass


@pytest.mark.slow
def test_programs_pass_without_a_fault() -> None:
    """The programs that find the faults, with the product as it is."""
    for seed in range(BOUND):
        report = checked(seed)
        assert report.ok, f"seed {seed}: " + "\n".join(map(str, report.problems))
