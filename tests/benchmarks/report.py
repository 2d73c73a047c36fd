"""Results as a markdown table and as a plot: ratios to the best adjoint written by hand, and to the function of a kernel."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from tests.benchmarks.kernels import KERNELS
from tests.benchmarks.problems import NAMES, problem

Results = dict[str, Any]
RIVALS = ("JAX", "autograd", "PyTorch", "PyTorch compiled")


def geometric_mean(values: Iterable[float]) -> float:
    logs = [math.log(v) for v in values]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def seconds(result: Results, name: str, what: str = "seconds") -> float | None:
    return next((row[what] for row in result["rows"] if row["name"] == name), None)


def best(result: Results) -> tuple[str, float]:
    """The fastest adjoint written by hand."""
    rows = [r for r in result["rows"] if r["name"].startswith("hand: ") and r["seconds"]]
    if not rows:
        return "none", math.nan
    fastest = min(rows, key=lambda r: r["seconds"])
    return fastest["name"].removeprefix("hand: "), fastest["seconds"]


def figure(name: str, result: Results) -> float | None:
    """A problem's ratio: the compiled gradient of its style to the best adjoint by hand."""
    ours = seconds(result, f"s2sad {problem(name).figure}, compiled")
    return ours / best(result)[1] if ours else None


def shown(value: float | None, digits: int = 3) -> str:
    return "–" if value is None or value != value else f"{value:.{digits}g}"


def time_of(value: float | None) -> str:
    if value is None or value != value:
        return "–"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e9:.0f} ns"


def problems(results: Results) -> list[str]:
    """A row for each problem and style; the style that counts is bold."""
    lines = [
        "| problem | style | best by hand | function | compiled | interpreted | "
        + " | ".join(RIVALS)
        + " | first call | of hand |",
        "| --- |" * 1 + " --- |" * 10,
    ]
    for name in NAMES:
        if name not in results:
            continue
        p, result = problem(name), results[name]
        which, hand = best(result)
        for i, style in enumerate(p.styles):
            ours = seconds(result, f"s2sad {style}, compiled")
            plain = seconds(result, f"s2sad {style}")
            ratio = shown(ours / hand if ours else None)
            rivals = [seconds(result, r) for r in RIVALS] if i == 0 else [None] * 4
            function = seconds(result, "function") if style == p.figure else None
            lines.append(
                " | ".join(
                    [
                        f"| {p.title if i == 0 else ''}", style, f"{time_of(hand)} ({which})" if i == 0 else "",
                        shown(function / hand if function else None),
                        f"**{ratio}**" if style == p.figure else ratio, shown(plain / hand if plain else None),
                        *[shown(r / hand if r else None) if i == 0 else "" for r in rivals],
                        time_of(seconds(result, f"s2sad {style}, compiled", "first")),
                        f"{time_of(seconds(result, f'hand: {which}', 'first'))} |" if i == 0 else " |",
                    ]
                )
            )  # fmt: skip
    figures = [f for n in NAMES if n in results and (f := figure(n, results[n])) is not None]
    firsts = [
        first
        for n in NAMES
        if n in results and (first := seconds(results[n], f"s2sad {problem(n).figure}, compiled", "first"))
    ]
    lines += [
        "",
        f"Geometric mean of {len(figures)} compiled ratios (bold): **{geometric_mean(figures):.3g}**; of their first calls "
        f"{geometric_mean(firsts):.3g} s (the longest {max(firsts, default=math.nan):.3g} s).",
    ]
    return lines


def kernels(results: Results) -> list[str]:
    """A row for each kernel: gradient over function, compiled over compiled, interpreted over interpreted."""
    lines = [
        "| kernel | function, compiled | gradient / function | value and gradient / function | interpreted: function | gradient / function | first call | of the function |",
        "| --- |" + " --- |" * 7,
    ]
    columns: dict[str, list[float]] = {"gradient": [], "both": [], "interpreted": [], "first": []}
    for name in KERNELS:
        if name not in results:
            continue
        r = results[name]
        function, plain = seconds(r, "function, compiled"), seconds(r, "function")
        base = function or plain
        gradient, both = seconds(r, "gradient, compiled"), seconds(r, "value and gradient, compiled")
        interpreted, first = seconds(r, "gradient"), seconds(r, "gradient, compiled", "first")
        ratios = {
            "gradient": gradient / base if gradient and base else None,
            "both": both / base if both and base else None,
            "interpreted": interpreted / plain if interpreted and plain else None,
            "first": first,
        }
        for key, value in ratios.items():
            columns[key] += [value] if value is not None else []
        lines.append(
            f"| {name} | {time_of(function) if function else time_of(plain) + ' (interpreted: Numba refuses it)'} | {shown(ratios['gradient'])} "
            f"| {shown(ratios['both'])} | {time_of(plain)} | {shown(ratios['interpreted'])} | {time_of(first)} "
            f"| {time_of(seconds(r, 'function, compiled', 'first')) if function else '–'} |"
        )
    means = {key: geometric_mean(values) for key, values in columns.items()}
    lines += [
        "",
        f"Geometric means: gradient {means['gradient']:.3g}, value and gradient {means['both']:.3g}, interpreted "
        f"gradient {means['interpreted']:.3g} times the function; first call {means['first']:.3g} s "
        f"(the longest {max(columns['first'], default=math.nan):.3g} s).",
    ]
    return lines


def words(results: Results) -> list[str]:
    """What has no time, and why."""
    return [
        f"* {name}, {row['name']}: {row['word']}"
        for name, result in results.items()
        for row in result["rows"]
        if row["word"]
    ]


def markdown(results: Results) -> str:
    """Everything as markdown."""
    loads = [load for result in results.values() for load in result["load"]]
    sizes = sorted({result["size"] for result in results.values()})
    lines = [
        f"Sizes: {', '.join(sizes)}. Load of the machine while measuring: {min(loads, default=0):.1f} to {max(loads, default=0):.1f}.",
        "",
    ]
    if any(n in results for n in NAMES):
        lines += ["Ratios to the best adjoint written by hand in Numba:", "", *problems(results), ""]
    if any(n in results for n in KERNELS):
        lines += ["Kernels:", "", *kernels(results), ""]
    missing = words(results)
    return "\n".join([*lines, *(["Without a time:", "", *missing, ""] if missing else [])])


def plot(results: Results, path: str) -> None:
    """Ratios as horizontal bars on a logarithmic scale, the adjoint by hand at 1."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [n for n in NAMES if n in results][::-1]
    kinds = ["s2sad compiled", *RIVALS]
    figure_, axes = plt.subplots(figsize=(9, 0.6 * len(names) + 1.5))
    for k, kind in enumerate(kinds):
        for i, name in enumerate(names):
            of = f"s2sad {problem(name).figure}, compiled" if k == 0 else kind
            value = seconds(results[name], of)
            if value:
                axes.barh(i + 0.32 - 0.16 * k, value / best(results[name])[1], 0.15, color=f"C{k}")
    axes.set_yticks(range(len(names)), [problem(n).title for n in names])
    axes.set_xscale("log")
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xlabel("time of the gradient / best adjoint written by hand in Numba")
    axes.legend(
        [plt.Rectangle((0, 0), 1, 1, color=f"C{k}") for k in range(len(kinds))], kinds, fontsize="small"
    )
    figure_.tight_layout()
    figure_.savefig(path)
