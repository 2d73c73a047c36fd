"""Random programs: 100 in every run, 2,000 marked slow (every tenth compiled), and the generator itself.

Of programs of arrays 60 in every run, 5,000 marked slow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from s2sad import value_and_grad
from tests.checks import Checker
from tests.fuzz.array_generator import generate_arrays
from tests.fuzz.generator import generate
from tests.fuzz.run import main, run_seed
from tests.fuzz.view_scope import HELPERS, RECURSIVE
from tests.fuzz.views import generate_views

QUICK = 100
SLOW = 2000
COMPILED_EVERY = 10
ARRAYS_QUICK = 60
ARRAYS_SLOW = 5000
VIEWS_QUICK = 40
VIEWS_SLOW = 3000
CHUNK = 50
RARELY = 0.05
# seeds whose programs were got wrong once; the shrunk programs are in tests/corpus/found.py
FOUND = (5, 79, 135, 220, 254, 386, 449, 468, 642, 700, 811, 894, 1464, 1529)
FOUND_COMPILED = (50, 120, 170, 350, 410, 420, 460, 700)
# what programs of arrays must contain, and what the generator calls it
ARRAY_CONSTRUCTS = {
    "whole arrays": (
        "elementwise",
        "broadcast",
        "scalar-operand",
        "where",
        "maximum-clip",
        "newaxis",
        "keepdims",
    ),
    "reductions": ("reduction", "reduction-axis", "dot", "matmul", "outer", "cumsum-diff"),
    "elements": ("element-load", "element-store", "element-augmented", "element-swap", "fill-loop"),
    "slices": ("slice-load", "slice-store", "slice-augmented", "strided", "overlap", "running-slice"),
    "rows": (
        "row-load",
        "row-store",
        "column-store",
        "rows-iterated",
        "rows-enumerated",
        "elements-iterated",
    ),
    "masks and indices": (
        "mask-write",
        "gather",
        "index-write",
        "add-at",
        "index-argument",
        "bool-argument",
        "index-changed",
    ),
    "in place": ("whole-augmented", "replaced-all", "replaced-fill", "replaced-copyto", "out-argument"),
    "views": ("view-slice", "view-row", "view-transposed", "view-newaxis", "reshaped-written", "transposed"),
    "references": (
        "alias",
        "join",
        "merge",
        "swap-names",
        "double-buffer",
        "rebound",
        "bound-of-another",
        "swept",
    ),
    "memory": ("allocated", "allocated-in-loop", "copy", "computed", "joined", "stacked", "reshaped"),
    "lists": ("list-of-arrays", "list-append", "list-element-written", "list-iterated", "list-stacked"),
    "helpers": (
        "helper-writes",
        "helper-returns-view",
        "helper-returns-array",
        "helper-chooses",
        "closure-writes",
    ),
    "loops": ("for-range", "recurrence", "relaxation", "relaxation-break", "nested-loop", "loop-else"),
    "leaving": ("break", "continue", "early-return", "return-in-loop"),
    "arguments": ("1-d", "2-d", "3-d", "size-1", "empty-argument", "int-argument", "float32-argument"),
    "single precision": ("float32-written",),
}
# what the programs must contain, and what the generator calls it
CONSTRUCTS = {
    "for": ("for-range",),
    "while": ("while-counter", "while-value", "while-walrus", "while-true"),
    "break": ("break",),
    "continue": ("continue",),
    "else of a loop": ("loop-else",),
    "early return": ("early-return", "return-in-loop"),
    "nested loops": ("nested-loop",),
    "branches": ("if", "if-else", "elif"),
    "augmented assignment": ("augmented-assign",),
    "tuple swap": ("swap", "tuple-assign", "element-swap"),
    "walrus": ("walrus", "walrus-in-test"),
    "conditional expression": ("conditional-expression",),
    "and, or, not": ("and-or-value", "and-or-test", "not"),
    "chained comparison": ("chained-comparison",),
    "closures": ("closure", "closure-stores", "closure-reads-rebound"),
    "lambdas": ("lambda", "function-as-argument"),
    "nested functions": ("nested-def", "nested-def-in-block", "nested-default"),
    "calls": ("call-positional", "call-keyword", "call-default", "call-star", "call-unpack", "tuple-result"),
    "recursion": ("recursion",),
    "functions": ("math-function", "numpy-scalar-function", "power", "abs", "min", "max", "sum"),
    "integers": ("int-arithmetic", "int-in-float", "int-test", "int-of-float", "int-becomes-float"),
    "arrays": ("array-load", "array-store", "array-accumulate", "array-copy", "array-zeros", "array-empty"),
    "references": (
        "array-alias",
        "array-merge",
        "array-conditional-reference",
        "array-swap",
        "double-buffer",
    ),
    "arrays in calls": ("helper-mutates-array", "helper-returns-array", "helper-may-return-argument"),
    "lists": ("list-index", "list-literal", "list-store", "list-append", "comprehension", "generator-sum"),
    "iteration": (
        "list-iterate",
        "array-iterate",
        "list-zip",
        "array-zip",
        "list-enumerate",
        "array-enumerate",
    ),
    "ranges": ("range-negative", "range-step", "range-of-int", "reversed", "zero-trips-possible"),
    "binding": (
        "bound-in-some-branch",
        "first-bound-in-loop",
        "loop-variable-after",
        "rebinding",
        "none-start",
    ),
    "assert": ("assert",),
}


def test_generator_is_deterministic() -> None:
    """The same seed gives the same program."""
    assert generate(7).describe() == generate(7).describe()


def test_run_prints_what_the_programs_contain(capsys: pytest.CaptureFixture[str]) -> None:
    """The command line prints the share of programs with each construct, and returns 0 where all pass."""
    assert main(["--count", "3", "--seed", "1"]) == 0
    out = capsys.readouterr().out
    assert "constructs in 3 programs" in out
    assert "3 programs, 0 also compiled" in out
    assert "0 failed" in out


def test_each_construct_is_common() -> None:
    """Each construct is in at least 5 % of the programs."""
    histogram: Counter[str] = Counter()
    for seed in range(1000):
        histogram.update(generate(seed).constructs.keys())
    rare = {name: number for name, number in histogram.items() if number < RARELY * 1000}
    assert not rare
    wanted = {name for names in CONSTRUCTS.values() for name in names}
    assert wanted <= set(histogram), wanted - set(histogram)


def test_each_construct_of_arrays_is_common() -> None:
    """Each construct is in at least 5 % of the programs of arrays."""
    histogram: Counter[str] = Counter()
    for seed in range(400):
        histogram.update(generate_arrays(seed).constructs.keys())
    wanted = {name for names in ARRAY_CONSTRUCTS.values() for name in names}
    assert wanted <= set(histogram), wanted - set(histogram)
    assert not {name: number for name, number in histogram.items() if number < RARELY * 400}


def test_each_construct_of_memory_is_common() -> None:
    """Each construct is in at least 5 % of the programs about memory, but for what is refused; each helper is in some."""
    histogram: Counter[str] = Counter()
    for seed in range(600):
        histogram.update(generate_views(seed).constructs.keys())
    helpers = {name for name in histogram if name.startswith("helper-")}
    rare = {name: n for name, n in histogram.items() if n < RARELY * 600 and name not in helpers}
    assert set(rare) == {"overlap-steps"}
    assert helpers == {f"helper-{name}" for name in (*HELPERS, *RECURSIVE, "Pair", "writes")}
    wanted = {"view-in-loop", "row-into-vector", "container-of-views", "helper-writes", "carried-view", "copy-or-itself",
              "complex-in-place", "reshaped", "by-columns", "strided", "joined", "while", "overlap",
              "written-positions", "numbers-taken", "unbound", "flattened", "dict-of-views", "written-by-function", "recursion",
              "three-axes", "buffers", "closure-over-view", "record", "own-matrix", "without-axes", "gaps"}  # fmt: skip
    assert wanted <= set(histogram), wanted - set(histogram)


@pytest.mark.parametrize("seed", FOUND)
def test_program_that_failed_once(seed: int) -> None:
    """Each was a bug of its own kind when it was found."""
    outcome = run_seed(seed, use_oracle=True)
    assert outcome.report.ok, "\n".join(map(str, outcome.report.problems)) + "\n" + outcome.program.describe()


@pytest.mark.slow
@pytest.mark.jit
@pytest.mark.parametrize("seed", FOUND_COMPILED)
def test_program_that_failed_to_compile_once(seed: int) -> None:
    """Tapes of references stored in some iterations, tapes of two types under one name, recursion."""
    outcome = run_seed(seed, jit_every=1)
    assert outcome.report.ok, "\n".join(map(str, outcome.report.problems)) + "\n" + outcome.program.describe()


@pytest.mark.slow
@pytest.mark.jit
def test_program_that_amplifies_rounding() -> None:
    """Its value changes in the ninth digit with the last of an argument, compiled as well."""
    outcome = run_seed(23000, jit_every=1, kind="arrays", levels=(0, 2))
    assert outcome.report.ok, "\n".join(map(str, outcome.report.problems)) + "\n" + outcome.program.describe()


def chaotic(x: float) -> float:
    for _ in range(25):
        x = 3.9 * x * (1.0 - x)
    return x


def tame(x: float) -> float:
    return 3.9 * x * (1.0 - x)


@pytest.mark.parametrize(
    ("fn", "error", "expected"), [(chaotic, 1e-11, True), (chaotic, 1e-3, False), (tame, 1e-11, False)]
)
def test_what_comes_of_rounding(fn: Callable[[float], float], error: float, expected: bool) -> None:
    value, gradient = value_and_grad(fn, wrt=(0,))(0.3)
    found = (value + error, (gradient[0] * (1.0 + error),))
    assert Checker(fn, (0.3,), (0,), rounded=True).comes_of_rounding(found, gradient) is expected


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


@pytest.mark.parametrize("seed", range(ARRAYS_QUICK))
def test_random_program_of_arrays(seed: int) -> None:
    """Reverse agrees with forward, differences and another level; the arguments are left as the primal leaves them."""
    outcome = run_seed(seed, kind="arrays", levels=(seed % 2, 2))
    assert outcome.report.ok, "\n".join(map(str, outcome.report.problems)) + "\n" + outcome.program.describe()


@pytest.mark.parametrize("seed", range(VIEWS_QUICK))
def test_random_program_about_memory(seed: int) -> None:
    """As of arrays; some in all modes."""
    outcome = run_seed(seed, kind="views", levels=(seed % 2, 2), modes=seed % 4 == 0)
    assert outcome.report.ok, "\n".join(map(str, outcome.report.problems)) + "\n" + outcome.program.describe()


@pytest.mark.parametrize("seed", range(3, ARRAYS_QUICK, 12))
def test_other_modes_of_programs_of_arrays(seed: int) -> None:
    """Jacobians, pullbacks and second derivatives."""
    outcome = run_seed(seed, kind="arrays", levels=(2,), modes=True)
    assert outcome.report.ok, "\n".join(map(str, outcome.report.problems)) + "\n" + outcome.program.describe()


@pytest.mark.slow
@pytest.mark.parametrize("first", range(VIEWS_QUICK, VIEWS_QUICK + VIEWS_SLOW, CHUNK))
def test_many_random_programs_about_memory(first: int) -> None:
    """3,000 more in all modes, every tenth also compiled."""
    for seed in range(first, first + CHUNK):
        outcome = run_seed(seed, kind="views", jit_every=COMPILED_EVERY, modes=True)
        assert outcome.report.ok, (
            "\n".join(map(str, outcome.report.problems)) + "\n" + outcome.program.describe()
        )


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, ARRAYS_SLOW, CHUNK))
def test_many_random_programs_of_arrays(first: int) -> None:
    """5,000 programs of arrays, every tenth also compiled."""
    for seed in range(first, first + CHUNK):
        outcome = run_seed(seed, jit_every=COMPILED_EVERY, kind="arrays")
        assert outcome.report.ok, (
            "\n".join(map(str, outcome.report.problems)) + "\n" + outcome.program.describe()
        )
