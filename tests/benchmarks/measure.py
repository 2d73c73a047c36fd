"""Timing: contestants take turns in one process, five times; the medians. `python -m tests.benchmarks.measure NAME SIZE FILE`
measures one problem or kernel in a process of its own and writes JSON.

Nothing is timed that disagrees. First calls, which compile, are timed apart. What takes longer than PATIENCE a call runs once.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.errors import NumbaError

from s2sad import grad, value_and_grad
from s2sad.cli.timing import loop_of
from s2sad.errors import S2sadError
from tests.benchmarks.agreement import Missing, contestants, disagreement, ready, reference
from tests.benchmarks.kernels import KERNELS
from tests.benchmarks.problem import Kernel, Problem, Ready, compiled, copied, differ
from tests.benchmarks.problems import problem
from tests.benchmarks.quiet import keep_memory

TURNS, PATIENCE, RUN = 5, 2.0, 0.1


@dataclass
class Row:
    """A contestant: seconds a call, seconds of the first call, or a word why there are none."""

    name: str
    seconds: float | None = None
    first: float | None = None
    word: str = ""


def timed(call: Callable[..., Any], args: tuple[Any, ...]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = call(*args)
    return time.perf_counter() - begin, result


def turns(contest: Mapping[str, Ready], once: Mapping[str, float]) -> dict[str, float]:
    """Median seconds of a call of each, given what one call takes."""
    runs = {name: run_of(r, once[name]) for name, r in contest.items() if once[name] <= PATIENCE}
    taken: dict[str, list[float]] = {name: [] for name in runs}
    gc.collect()
    gc.disable()
    try:
        for _ in range(TURNS):
            for name, run in runs.items():
                taken[name].append(run())
    finally:
        gc.enable()
    return dict(once) | {name: statistics.median(times) for name, times in taken.items()}


def run_of(r: Ready, once: float) -> Callable[[], float]:
    """Seconds a call, the mean of as many as take about RUN; copies of written arguments are made before."""
    number = max(1, int(RUN / max(once, 1e-7)))
    if not r.writes:
        return loop_of(r.call, r.args, number)

    def run() -> float:
        prepared = [r.fresh() for _ in range(min(number, 20))]
        begin = time.perf_counter()
        for args in prepared:
            r.call(*args)
        return (time.perf_counter() - begin) / len(prepared)

    return run


def again(found: Ready, row: Row) -> float:
    """Seconds of a second call; of the first, where nothing was compiled and it took long."""
    interpreted = row.name.startswith("s2sad ") and not row.name.endswith(", compiled")
    if interpreted and row.first is not None and row.first > 5.0 * PATIENCE:
        return row.first
    return timed(found.call, found.args)[0]


def measured(p: Problem, size: str, only: Callable[[str], bool] = lambda name: True) -> list[Row]:
    """All contestants of a problem."""
    args = p.arguments(size)
    compiling, wanted = timed(reference, (p, copied(args)))
    rows = [Row(name) for name in contestants(p) if only(name)]
    contest, once = {}, {}
    for row in rows:
        try:
            found = ready(p, row.name, copied(args))
            row.first, result = timed(found.call, found.args)
            if row.name == f"hand: {next(iter(p.hand))}":
                row.first = compiling
            row.word = "" if row.name == "function" else disagreement(p, result, wanted)
            if not row.word:
                contest[row.name] = found
                once[row.name] = again(found, row)
        except Missing as missing:
            row.word = str(missing)
        except Exception as error:  # a tool that gives up is a line of the table
            row.word = (
                f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
            )
        print(f"    {row.name:<32} {row.word or once[row.name]}", file=sys.stderr, flush=True)
    medians = turns(contest, once)
    for row in rows:
        row.seconds = medians.get(row.name)
    return rows


def of_kernel(k: Kernel, size: str) -> list[Row]:
    """A kernel's function and gradient, interpreted and compiled; gradients are compared with the interpreted one."""
    makers: dict[str, Callable[[], Any]] = {
        "function": lambda: k.fn,
        "gradient": lambda: grad(k.fn, wrt=k.wrt),
        "function, compiled": lambda: compiled(k.primal or k.fn),
        "gradient, compiled": lambda: grad(k.fn, wrt=k.wrt, jit=True),
        "value and gradient, compiled": lambda: value_and_grad(k.fn, wrt=k.wrt, jit=True),
    }
    args, contest, once, rows, results = k.arguments(size), {}, {}, [], {}
    for name, make in makers.items():
        row = Row(name)
        rows.append(row)
        try:
            found = Ready(make(), args, writes=True)
            row.first, results[name] = timed(found.call, found.fresh())
            row.word = differing(name, results)
            if not row.word:
                contest[name], once[name] = found, timed(found.call, found.fresh())[0]
        except (S2sadError, NumbaError) as error:
            row.word = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
        print(f"    {row.name:<32} {row.word or once[row.name]}", file=sys.stderr, flush=True)
    medians = turns(contest, once)
    for row in rows:
        row.seconds = medians.get(row.name)
    return rows


def differing(name: str, results: dict[str, Any]) -> str:
    """A word if a result is not that of the interpreted contestant."""
    value = results[name]
    if name.startswith("value"):
        value, name = value[1], "gradient"
    error = differ(value, results[name.removesuffix(", compiled")])
    return f"disagrees: relative error {error:.1e}" if error > 1e-7 else ""


def main() -> None:
    keep_memory()
    njit(error_model="numpy")(lambda x: x + 1.0)(1.0)  # Numba starts
    name, size, path, *skipped = sys.argv[1:]
    wanted = lambda contestant: not any(s in contestant for s in skipped)  # noqa: E731
    rows = of_kernel(KERNELS[name], size) if name in KERNELS else measured(problem(name), size, wanted)
    Path(path).write_text(json.dumps([asdict(row) for row in rows]))


if __name__ == "__main__":
    main()
