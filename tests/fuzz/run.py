"""The fuzzer's command line: `python -m tests.fuzz.run [--arrays] --count 2000 --seed 0 --jit-every 10`.

It prints each failure with its seed and (shrunk) source, then the construct histogram; status 1 on failure.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.checks import Report
from tests.fuzz.array_generator import generate_arrays
from tests.fuzz.check import Oracle, check_source
from tests.fuzz.generator import FuzzProgram, generate, lines_run
from tests.fuzz.shrink import shrink
from tests.fuzz.views import generate_views

GENERATORS: dict[str, Callable[[int], FuzzProgram]] = {
    "numbers": generate, "arrays": generate_arrays, "views": generate_views,
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of one seed."""

    program: FuzzProgram
    report: Report
    compiled: bool

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of problems, without repetition."""
        return tuple(dict.fromkeys(problem.kind for problem in self.report.problems))


def run_seed(
    seed: int,
    jit_every: int = 0,
    use_oracle: bool = False,
    kind: str = "numbers",
    levels: tuple[int, ...] = (0, 1, 2),
    modes: bool = False,
) -> Outcome:
    """Generate and check the program of a seed and of a kind, at these levels of optimisation and, if asked, in all modes."""
    program, arrays = GENERATORS[kind](seed), kind != "numbers"
    compiled = bool(jit_every) and seed % jit_every == 0
    oracle: Oracle | None = interpret if use_oracle else None
    may_refuse = arrays or "recursion" in program.constructs  # Numba cannot type every recursion
    report = check_source(
        program.source,
        program.args,
        program.wrt,
        jit=compiled,
        oracle=oracle,
        levels=levels,
        may_refuse_jit=may_refuse,
        rounded=arrays,
        modes=modes,
        may_refuse=may_refuse_for(program),
    )
    return Outcome(program, report, compiled)


def may_refuse_for(program: FuzzProgram) -> str:
    """What a refusal of a program may say."""
    return "NumPy reads elements that it has just written" if "overlap-steps" in program.constructs else ""


def interpret(fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """The interpreter of the untyped form as an oracle."""
    from tests import untyped

    return untyped.interpret(fn, *args)


def still_fails(
    kind: str, message: str, wrt: tuple[int, ...], jit: bool, source: str, args: tuple[Any, ...]
) -> bool:
    """Whether a smaller text runs and has the same kind of problem, with the same first words."""
    try:
        if not math.isfinite(lines_run(source, args)[0]):
            return False
        report = check_source(source, args, wrt, jit=jit, rounded=True)
    except Exception:  # a broken variant is just not a reproducer
        return False
    return any(problem.kind == kind and problem.text[:25] == message[:25] for problem in report.problems)


def smaller(outcome: Outcome) -> str:
    """The program reduced to what still shows its first problem."""
    first = outcome.report.problems[0]
    # a mismatch's text starts with numbers that change; an error's with its type and message
    message = first.text if first.kind.endswith("error") else ""
    jit = first.kind.startswith("jit")
    return shrink(
        outcome.program.source,
        outcome.program.args,
        partial(still_fails, first.kind, message, outcome.program.wrt, jit),
        budget=150 if jit else 1500,
    )


def show_failure(outcome: Outcome, shrunk: bool) -> None:
    """Print one failure."""
    print(f"\n==== seed {outcome.program.seed}: {', '.join(outcome.kinds)}")
    for problem in outcome.report.problems:
        print("  ", str(problem)[:600])
    print(outcome.program.describe() if not shrunk else smaller(outcome) + f"\n# f{outcome.program.args!r}")
    sys.stdout.flush()


def show_histogram(histogram: Counter[str], count: int) -> None:
    """Print the share of programs that have each construct."""
    print(f"\nconstructs in {count} programs:")
    for construct, number in histogram.most_common():
        print(f"  {construct:30s} {number:6d} {100.0 * number / count:5.1f} %")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000, help="how many programs")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--jit-every", type=int, default=0, help="compile every k-th program too")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument(
        "--arrays",
        dest="kind",
        action="store_const",
        const="arrays",
        default="numbers",
        help="programs of arrays",
    )
    parser.add_argument(
        "--views", dest="kind", action="store_const", const="views", help="programs about views and writes"
    )
    parser.add_argument(
        "--modes", action="store_true", help="Jacobians, pullbacks and second derivatives, too"
    )
    parser.add_argument("--oracle", action="store_true", help="also compare with the IR interpreter")
    parser.add_argument("--levels", default="012", help="levels of optimisation to compare, as in 02")
    parser.add_argument("--shrink", action="store_true", help="print failures made small")
    parser.add_argument("--max-failures", type=int, default=20, help="print at most so many, count all")
    parser.add_argument("--show", action="store_true", help="print the programs, check nothing")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the fuzzer; 0 if nothing failed."""
    options = parse(arguments)
    seeds = range(options.seed, options.seed + options.count)
    if options.show:
        for seed in seeds:
            print(GENERATORS[options.kind](seed).describe())
        return 0
    histogram: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    skipped = compiled = failures = 0
    work = partial(
        run_seed,
        jit_every=options.jit_every,
        use_oracle=options.oracle,
        kind=options.kind,
        modes=options.modes,
        levels=tuple(map(int, options.levels)),
    )
    with multiprocessing.Pool(options.jobs) if options.jobs > 1 else _Serial() as pool:
        for outcome in pool.imap(work, seeds):
            histogram.update(outcome.program.constructs.keys())
            skipped += not outcome.report.difference_checked
            compiled += outcome.compiled
            refusals.update([outcome.report.refused] if outcome.report.refused else [])
            if outcome.report.ok:
                continue
            failures += 1
            failed.update(outcome.kinds)
            if failures <= options.max_failures:
                show_failure(outcome, options.shrink)
    show_histogram(histogram, options.count)
    for reason, number in refusals.most_common():
        print(f"  refused, {number} times: {reason}")
    print(f"\n{options.count} programs, {compiled} also compiled ({refusals.total()} refused)", end=", ")
    print(f"{skipped} without a trusted difference")
    print(f"{failures} failed: {dict(failed)}")
    return 1 if failures else 0


class _Serial:
    """A pool of one, in this process."""

    def __enter__(self) -> _Serial:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    imap = staticmethod(map)


if __name__ == "__main__":
    sys.exit(main())
