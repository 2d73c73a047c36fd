"""Random programs: 100 in every run, 2,000 marked slow (every tenth compiled), and the generator itself."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.fuzz.generator import generate
from tests.fuzz.run import run_seed

QUICK = 100
SLOW = 2000
COMPILED_EVERY = 10
CHUNK = 50
RARELY = 0.05


def test_generator_is_deterministic() -> None:
    """The same seed gives the same program."""
    assert generate(7).describe() == generate(7).describe()


def test_each_construct_is_common() -> None:
    """Each construct is in at least 5 % of the programs."""
    histogram: Counter[str] = Counter()
    for seed in range(1000):
        histogram.update(generate(seed).constructs.keys())
    rare = {name: number for name, number in histogram.items() if number < RARELY * 1000}
    assert not rare
    assert len(histogram) >= 50


@pytest.mark.parametrize("seed", range(QUICK))
def test_random_program(seed: int) -> None:
    """Reverse agrees with forward, differences and every level."""
    outcome = run_seed(seed, use_oracle=True)
    assert outcome.report.ok, "\n".join(map(str, outcome.report.problems)) + "\n" + outcome.program.describe()


@pytest.mark.slow
@pytest.mark.parametrize("first", range(QUICK, QUICK + SLOW, CHUNK))
def test_many_random_programs(first: int) -> None:
    """2,000 more, every tenth also compiled."""
    for seed in range(first, first + CHUNK):
        outcome = run_seed(seed, jit_every=COMPILED_EVERY, use_oracle=True)
        assert outcome.report.ok, (
            "\n".join(map(str, outcome.report.problems)) + "\n" + outcome.program.describe()
        )
