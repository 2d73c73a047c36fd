"""The corpus: reverse against forward mode and differences, interpreted at every level, and compiled."""

from __future__ import annotations

import pytest

from tests.checks import Checker, check_function, leaves, positions, richardson
from tests.programs import PROGRAMS, Program

COMPILABLE = [program for program in PROGRAMS if "nojit" not in program.tags]
UNTYPED_BY_NUMBA = [program for program in PROGRAMS if "nojit" in program.tags]


def test_corpus_is_large_and_names_are_unique() -> None:
    """At least 150 functions, each entry with a name of its own."""
    assert len({program.fn for program in PROGRAMS}) >= 150
    assert len({program.name for program in PROGRAMS}) == len(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_arguments_are_away_from_kinks(program: Program) -> None:
    """Differences settle at the chosen arguments, so a later disagreement is the derivative's fault."""
    where = positions(program.fn, program.wrt)
    assert any(True for p in where for _ in leaves(program.args[p])), "nothing to differentiate"
    checker = Checker(program.fn, program.args, program.wrt)
    assert richardson(program.fn, program.args, where, checker.along).stable


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_program(program: Program) -> None:
    """The gradient at levels 0, 1, 2 agrees with forward mode and with differences, and mutates alike."""
    report = check_function(program.fn, program.args, program.wrt, require_differences=True)
    assert report.ok, "\n".join(map(str, report.problems))


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize("program", COMPILABLE, ids=lambda program: program.name)
def test_program_compiled(program: Program) -> None:
    """The compiled gradient agrees with the interpreted one."""
    report = check_function(program.fn, program.args, program.wrt, jit=True, levels=(2,), forward=False)
    assert report.ok, "\n".join(map(str, report.problems))


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize("program", UNTYPED_BY_NUMBA, ids=lambda program: program.name)
def test_program_that_numba_cannot_type(program: Program) -> None:
    """Compiling is refused with a JitError, or it works and agrees; no other exception escapes."""
    report = check_function(
        program.fn, program.args, program.wrt, jit=True, levels=(2,), forward=False, may_refuse_jit=True
    )
    assert report.ok, "\n".join(map(str, report.problems))
