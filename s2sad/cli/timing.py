"""Side-by-side timing: the contestants take turns in one process, so that noise hits all of them alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Call = Callable[[], Any]


def loop_of(fn: Callable[..., Any], args: Sequence[Any], number: int) -> Callable[[], float]:
    """A function that calls fn(*args) `number` times and returns seconds per call, the empty loop subtracted."""
    names = [f"a{i}" for i in range(len(args))]
    space: dict[str, Any] = {"fn": fn, "clock": time.perf_counter, **dict(zip(names, args, strict=True))}
    text = f"""
def run(fn=fn, {", ".join(f"{n}={n}" for n in names)}):
    begin = clock()
    for _ in range({number}):
        fn({", ".join(names)})
    middle = clock()
    for _ in range({number}):
        pass
    return ((middle - begin) - (clock() - middle)) / {number}
"""
    exec(text, space)
    return space["run"]  # type: ignore[no-any-return]


def calibrated(fn: Callable[..., Any], args: Sequence[Any], seconds: float) -> int:
    """How many calls take about `seconds`."""
    fn(*args)
    begin = time.perf_counter()
    fn(*args)
    once = time.perf_counter() - begin
    number = max(1, min(100_000, int(seconds / max(once, 1e-8))))
    if number < 10:
        return number
    per_call = loop_of(fn, args, max(1, number // 10))()
    return max(1, min(1_000_000, int(seconds / max(per_call, 1e-8))))


def side_by_side(
    contestants: Mapping[str, tuple[Callable[..., Any], Sequence[Any]]],
    repeats: int = 41,
    seconds: float = 0.01,
) -> dict[str, float]:
    """Median seconds per call of each, the contestants taking turns `repeats` times."""
    runs = {
        name: loop_of(fn, args, calibrated(fn, args, seconds)) for name, (fn, args) in contestants.items()
    }
    taken: dict[str, list[float]] = {name: [] for name in runs}
    gc.collect()
    gc.disable()
    try:
        for _ in range(repeats):
            for name, run in runs.items():
                taken[name].append(run())
    finally:
        gc.enable()
    return {name: statistics.median(times) for name, times in taken.items()}
