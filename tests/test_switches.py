"""Each change that makes compiled derivatives faster, with and without it: `s2sad.switches` says what may differ.

Where a change acts is found by comparing texts, over the corpus and the programs of the benchmarks; some of those
programs are compiled both ways and run.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from s2sad import grad, switches
from s2sad.errors import S2sadError
from tests.benchmarks.kernels import KERNELS
from tests.benchmarks.problem import copied
from tests.benchmarks.problems import NAMES, problem
from tests.checks import leaves
from tests.programs import PROGRAMS

Case = tuple[Callable[..., Any], tuple[Any, ...], tuple[int | str, ...]]
CASES: dict[str, Case] = (
    {p.name: (p.fn, p.args, p.wrt) for p in PROGRAMS if "nojit" not in p.tags}
    | {f"kernel {name}": (k.fn, k.arguments("tiny"), k.wrt) for name, k in KERNELS.items()}
    | {
        f"problem {name}, {style}": (s.fn, p.one(p.of_style(style, p.arguments("tiny"))), p.wrt)
        for name, p in ((name, problem(name)) for name in NAMES)
        for style, s in p.styles.items()
    }
)
LEAST = 2  # programs of each change that are compiled both ways in every run


@cache
def text(name: str, left_out: str = "") -> str:
    fn, args, wrt = CASES[name]
    with switches.without(*filter(None, [left_out])):
        try:
            return grad(fn, wrt=wrt, jit=True).lower(*args).generated.source
        except S2sadError:
            return ""


def touched(change: str) -> Iterator[str]:
    """The programs whose text a change makes another, in a random order."""
    names = random.sample(list(CASES), len(CASES))
    return (name for name in names if text(name) != text(name, change))


def compare(change: str, name: str) -> None:
    fn, args, wrt = CASES[name]
    with np.errstate(all="ignore"):
        on = grad(fn, wrt=wrt, jit=True, cache=False)(*copied(args))
        with switches.without(change):
            off = grad(fn, wrt=wrt, jit=True, cache=False)(*copied(args))
    for a, b in zip(leaves(on), leaves(off), strict=True):
        if switches.CHANGES[change] == switches.EXACT:
            assert np.array_equal(a, b, equal_nan=True), (name, a, b)
        else:
            scale = max(1.0, float(np.nanmax(np.abs(b), initial=0.0)))
            small = 1e-5 if np.asarray(b).dtype == np.float32 else 1e-11
            assert np.allclose(a, b, rtol=0.0, atol=small * scale, equal_nan=True), (name, a, b)


def test_environment_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    change = switches.Change("split_stencils", switches.CHANGES["split_stencils"])
    assert change
    monkeypatch.setenv("S2SAD_WITHOUT", "explicit_loops,split_stencils")
    assert not change


def test_unknown_names_are_refused() -> None:
    with pytest.raises(KeyError, match="split_stencils"), switches.without("nothing"):
        pass


@pytest.mark.parametrize("change", switches.CHANGES)
def test_change_acts_and_gives_the_same(change: str) -> None:
    found = list(itertools.islice(touched(change), LEAST))
    assert found, "no program is made another by it"
    for name in found:
        compare(change, name)


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize("change", switches.CHANGES)
def test_change_gives_the_same_everywhere(change: str) -> None:
    for name in touched(change):
        compare(change, name)
