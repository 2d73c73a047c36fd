"""The benchmarks' programs: all who differentiate one agree, and generated code stores no more than it did.

Seconds are asserted nowhere. `test_counts` compares with tests/benchmarks/counts.json, which may only shrink: run
`python -m tests.benchmarks.counts` after a change that made counts smaller (or that added a program) and commit the table;
what has grown has to be typed in by hand, with the reason in the commit.
"""

from __future__ import annotations

import ast
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from s2sad import grad, value_and_grad
from s2sad.testing import comparisons
from tests.benchmarks import __main__ as command
from tests.benchmarks import counts, report
from tests.benchmarks.agreement import Missing, contestants, disagreement, ready, reference
from tests.benchmarks.kernels import KERNELS
from tests.benchmarks.problem import compiled, copied, differ, numbers
from tests.benchmarks.problems import NAMES, problem

STYLES = [(name, style) for name in NAMES for style in problem(name).styles]
SAMPLE = ("staged", "rosenbrock", "oring", "asian")
OTHERS = tuple(n for n in NAMES if n not in SAMPLE)


# -- programs ----------------------------------------------------------------------------------------------------


def moved(value: Any, direction: Any, step: float) -> Any:
    if isinstance(value, tuple):
        return tuple(moved(v, d, step) for v, d in zip(value, direction, strict=True))
    return value + step * direction


def direction_of(value: Any, rng: np.random.Generator) -> Any:
    if isinstance(value, tuple):
        return tuple(direction_of(v, rng) for v in value)
    return rng.normal(size=value.shape) if isinstance(value, np.ndarray) else float(rng.normal())


def along(derivative: Any, direction: Any) -> Any:
    """The product of a gradient or a Jacobian with a direction; of a result of several parts, of each."""
    if (
        isinstance(derivative, tuple)
        and isinstance(derivative[0], tuple)
        and not isinstance(direction[0], tuple)
    ):
        return [along(part, direction) for part in derivative]
    pairs = zip(numbers(derivative), numbers(direction), strict=True)
    return sum(np.tensordot(d, v, axes=v.ndim) for d, v in pairs)


def differences(fn: Any, args: tuple[Any, ...], wrt: tuple[int, ...], directions: list[Any]) -> np.ndarray:
    """The derivative along a direction, Richardson-extrapolated."""

    def at(step: float) -> np.ndarray:
        new = list(copied(args))
        for i, d in zip(wrt, directions, strict=True):
            new[i] = moved(new[i], d, step)
        return np.asarray(fn(*new))

    h = 1e-3
    coarse, fine = (at(h) - at(-h)) / (2 * h), (at(h / 2) - at(-h / 2)) / h
    return (4.0 * fine - coarse) / 3.0


@pytest.mark.parametrize(("name", "style"), STYLES, ids=lambda v: v)
def test_programs_against_differences(name: str, style: str) -> None:
    """What s2sad makes of each program, interpreted, along a random direction."""
    p = problem(name)
    args = p.one(p.of_style(style, p.arguments("tiny")))
    found = p.derivative(p.styles[style].fn, p.wrt, False)(*copied(args))
    rng = np.random.default_rng(1)
    directions = [direction_of(args[i], rng) for i in p.wrt]
    wanted = differences(p.styles[style].fn, args, p.wrt, directions)
    np.testing.assert_allclose(along(found, directions), wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", [n for n in NAMES if len(problem(n).styles) > 1])
def test_styles_agree(name: str) -> None:
    """The loops and the arrays of a problem are one function."""
    p = problem(name)
    found = []
    for style in p.styles:
        r = ready(p, f"s2sad {style}", p.arguments("tiny"))
        found.append(r.call(*r.args))
    assert all(not disagreement(p, other, found[0]) for other in found[1:])


def words_of(name: str, which: Any) -> dict[str, str]:
    """A word for each contestant that `which` chooses and that is installed, empty if it agrees with the adjoint
    written by hand."""
    p = problem(name)
    args = p.arguments("tiny")
    wanted = reference(p, copied(args))
    words = {}
    for contestant in contestants(p):
        if contestant == "function" or not which(contestant):
            continue
        try:
            r = ready(p, contestant, copied(args))
        except Missing:
            continue
        words[contestant] = disagreement(p, r.call(*r.args), wanted)
    return words


def no_rival(contestant: str) -> bool:
    return contestant.startswith(("s2sad", "hand", "closed"))


@pytest.mark.jit
@pytest.mark.parametrize("name", SAMPLE)
def test_compiled_and_by_hand(name: str) -> None:
    words = words_of(name, no_rival)
    assert words and not any(words.values()), words


@pytest.mark.jit
@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_more_compiled_and_by_hand(name: str) -> None:
    words = words_of(name, no_rival)
    assert words and not any(words.values()), words


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_other_tools(name: str) -> None:
    """JAX, autograd and PyTorch, where they are installed."""
    words = words_of(name, lambda contestant: contestant in problem(name).rivals)
    if not words:
        pytest.skip("none is installed")
    assert not any(words.values()), words


@pytest.mark.parametrize("name", KERNELS)
def test_kernels(name: str) -> None:
    """Gradients of the kernels against forward mode and differences; the value is that of the function."""
    k = KERNELS[name]
    found = comparisons(k.fn, k.arguments("tiny"), k.wrt, rtol=1e-5, directions=2, seed=0, jit=False)
    assert all(row.good for row in found), "\n".join(map(str, found))
    value, gradient = value_and_grad(k.fn, wrt=k.wrt)(*k.arguments("tiny"))
    assert value == k.fn(*k.arguments("tiny"))
    assert differ(gradient, grad(k.fn, wrt=k.wrt)(*k.arguments("tiny"))) == 0.0


@pytest.mark.jit
@pytest.mark.slow
@pytest.mark.parametrize("name", KERNELS)
def test_compiled_kernels(name: str) -> None:
    k = KERNELS[name]
    value, gradient = value_and_grad(k.fn, wrt=k.wrt, jit=True)(*k.arguments("tiny"))
    plain, wanted = value_and_grad(k.fn, wrt=k.wrt)(*k.arguments("tiny"))
    np.testing.assert_allclose(value, plain, rtol=1e-10)
    assert differ(gradient, wanted) < 1e-9
    np.testing.assert_allclose(compiled(k.primal or k.fn)(*k.arguments("tiny")), plain, rtol=1e-10)


# -- counts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", counts.programs())
def test_counts(program: str) -> None:
    """Tape bytes, allocations in loops, tapes a loop and lines are those of the table, or fewer."""
    table = counts.table()
    assert program in table, "a new program: python -m tests.benchmarks.counts"
    now = asdict(counts.of(program))
    assert not counts.grown(now, table[program]), f"{program}: (now, before)"


def test_the_table_has_no_other_programs() -> None:
    assert list(counts.table()) == counts.programs()


def test_what_is_counted() -> None:
    """Each count on a small text, of which they are known."""
    text = """
import numpy as np
from numba import njit

@njit(error_model="numpy")
def f_grad(x, n):
    # forward
    # each iteration of line 2 stores tape_x, tape_y (8 bytes, 1 float64[:])
    tape_x = np.empty(n)
    tape_y = []
    for i in range(n):
        tape_x[i] = x[0]
        tape_y.append(x.copy())
        x = x + 2.0 * x
    # reverse
    for i in range(n):
        for j in range(n):
            t = tape_y[i] + 1.0
        view = x[1:]
    return x
"""
    run = counts.Run(text, "f_grad")
    run({}, (np.ones(3), 2), [])
    assert run.tape_bytes == 2 * 8 + 2 * 3 * 8
    assert len(run.made) == 4  # copy, product, sum; sum
    assert (
        run.lines() == len(ast.unparse(ast.parse(text).body[2]).splitlines()) + 1
    )  # the call of __reverse__


def test_growth_is_seen() -> None:
    before = {"tape_bytes": 8, "allocations": 2, "tapes": 1, "lines": 10}
    assert counts.grown(before, before) == {}
    assert counts.grown({**before, "tapes": 2, "lines": None}, before) == {"tapes": (2, 1)}


# -- the command -------------------------------------------------------------------------------------------------


def result(**seconds: float) -> dict[str, Any]:
    rows = [{"name": n, "seconds": s, "first": 1.0, "word": ""} for n, s in seconds.items()]
    return {"rows": rows, "load": [0.5, 1.5], "size": "full"}


def made_results() -> dict[str, Any]:
    staged = {"function": 1.0, "hand: adjoint": 2.0, "s2sad helper, compiled": 4.0, "JAX": 50.0}
    rosenbrock = {"hand: scattered": 3.0, "hand: gathered": 1.0, "s2sad loops, compiled": 8.0}
    kernel = {"function": 8.0, "gradient": 16.0, "function, compiled": 1.0, "gradient, compiled": 3.0}
    return {"staged": result(**staged), "rosenbrock": result(**rosenbrock), "lu": result(**kernel)}


def test_the_report() -> None:
    """Ratios are to the fastest adjoint by hand; the mean is geometric."""
    text = report.markdown(made_results())
    assert "**2**" in text and "**8**" in text and "(gathered)" in text
    assert "Geometric mean of 2 compiled ratios (bold): **4**" in text
    assert "| lu | 1 s | 3 |" in text and "Load of the machine while measuring: 0.5 to 1.5" in text


def test_the_plot(tmp_path: Any) -> None:
    pytest.importorskip("matplotlib")
    report.plot(made_results(), str(tmp_path / "ratios.png"))
    assert (tmp_path / "ratios.png").stat().st_size > 0


def test_names() -> None:
    assert command.chosen(["kernels"]) == list(KERNELS)
    assert command.chosen([]) == [*NAMES, *KERNELS]
    assert command.chosen(["lu", "staged"]) == ["lu", "staged"]
    with pytest.raises(SystemExit, match="no benchmark is called rosenbrok"):
        command.chosen(["rosenbrok"])


def test_fourteen_and_fifteen() -> None:
    assert len(NAMES) == 14 and len(KERNELS) == 15


@pytest.mark.parametrize("value", [1.0, (np.ones(2), np.zeros(3))])
def test_differ(value: Any) -> None:
    """NaN and other shapes are differences."""
    assert differ(value, value) == 0.0
    assert differ(np.nan, 1.0) == np.inf
    assert differ(np.ones(2), np.ones(3)) == np.inf
