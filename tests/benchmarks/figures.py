"""The figures of the foundation issue, measured side by side: `python -m tests.benchmarks.figures [name …]`.

Medians of many turns; nothing here asserts a time. Each line says what was measured and what was to be reached.
"""

from __future__ import annotations

import inspect
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from s2sad import grad
from s2sad.cli.timing import side_by_side


def staged(x, y):
    sigy = 1.0 / (1.0 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    return num * invden


def staged_by_hand(x, y):
    """The adjoint as the exercise's notes write it, a line for each of the forward's."""
    sigy = 1.0 / (1.0 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    dnum = invden
    dinvden = num
    dden = (-1.0 / (den**2)) * dinvden
    dsigx = dden
    dxpysqr = dden
    dxpy = (2 * xpy) * dxpysqr
    dx = dxpy
    dy = dxpy
    dx += ((1 - sigx) * sigx) * dsigx
    dx += dnum
    dsigy = dnum
    dy += ((1 - sigy) * sigy) * dsigy
    return dx, dy


def staged_by_expert(x, y):
    """The shortest hand-written adjoint we know of."""
    sigy = 1.0 / (1.0 + math.exp(-y))
    sigx = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    invden = 1.0 / (sigx + xpy * xpy)
    dden = -invden * invden * (x + sigy)
    dxpy = 2.0 * xpy * dden
    return dxpy + (1.0 - sigx) * sigx * dden + invden, dxpy + (1.0 - sigy) * sigy * invden


def logistic_map(x, r, n):
    s = 0.0
    for _ in range(n):
        x = r * x * (1.0 - x)
        s = s + math.sin(x)
    return s


def carried(x, r, n):
    for _ in range(n):
        x = r * x * (1.0 - x)
    return x


def shown(title: str, figure: float, unit: str, target: str) -> None:
    print(f"{title:<66} {figure:9.3g} {unit:<6} (to reach: {target})", flush=True)


def interpreted() -> None:
    import autograd.numpy as anp
    from autograd import grad as tape_grad

    def staged_numpy(x, y):
        sigy = 1.0 / (1.0 + anp.exp(-y))
        sigx = 1.0 / (1.0 + anp.exp(-x))
        return (x + sigy) * (1.0 / (sigx + (x + y) ** 2))

    ours = grad(staged, wrt=("x", "y"))
    ours(3.0, -4.0)
    direct = ours.lower(3.0, -4.0).compile()
    theirs = tape_grad(staged_numpy, argnum=(0, 1))
    args = (3.0, -4.0)
    took = side_by_side(
        {
            "primal": (staged, args), "hand": (staged_by_hand, args), "expert": (staged_by_expert, args),
            "direct": (direct, args), "entry": (ours, args), "autograd": (theirs, args),
        }
    )  # fmt: skip
    for name, seconds in took.items():
        print(f"    {name:<10} {seconds * 1e9:10.0f} ns")
    shown(
        "staged, interpreted, generated function / hand-written adjoint",
        took["direct"] / took["hand"],
        "x",
        "<= 1.2",
    )
    shown("… / shortest hand-written adjoint", took["direct"] / took["expert"], "x", "no figure")
    shown("… what the entry adds", (took["entry"] - took["direct"]) * 1e9, "ns", "<= 300")
    shown("… autograd / entry", took["autograd"] / took["entry"], "x", ">= 100")


def compiled() -> None:
    from numba import njit

    ours = grad(staged, wrt=("x", "y"), jit=True)
    args = (3.0, -4.0)
    ours(*args)
    primal = njit(error_model="numpy")(staged)
    took = side_by_side(
        {
            "primal": (primal, args),
            "bare": (ours.lower(*args).compile(), args),
            "entry": (ours, args),
        }
    )
    for name, seconds in took.items():
        print(f"    {name:<10} {seconds * 1e9:10.0f} ns")
    shown("staged, compiled, bare njit gradient / njit primal", took["bare"] / took["primal"], "x", "<= 1.2")
    shown("… entry / njit primal", took["entry"] / took["primal"], "x", "<= 1.6")


def straight_line(n: int) -> Callable[..., Any]:
    lines = ["def f(x, y):", "    a = x"]
    forms = [
        "a = a * 0.99 + y",
        "b = math.sin(a) * y",
        "a = a + b * x",
        "b = a / (1.0 + b * b)",
        "a = a - 0.1 * b",
    ]
    lines += [f"    {forms[i % len(forms)]}" for i in range(n)]
    return from_text("\n".join([*lines, "    return a"]), "f")


def sum_of(n: int) -> Callable[..., Any]:
    terms = " + ".join(f"x * {i}.0" for i in range(1, n + 1))
    return from_text(f"def f(x, y):\n    return {terms}\n", "f")


def from_text(text: str, name: str) -> Callable[..., Any]:
    import importlib.util
    import tempfile
    from pathlib import Path

    path = Path(tempfile.mkdtemp()) / "made.py"
    path.write_text("import math\n\n\n" + text + "\n")
    spec = importlib.util.spec_from_file_location(f"made_{id(text)}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)  # type: ignore[no-any-return]


def building() -> None:
    times = []
    text = inspect.getsource(staged)
    for _ in range(41):
        fresh = from_text(text, "staged")  # nothing of it is cached
        begin = time.perf_counter()
        _ = grad(fresh, wrt=("x", "y")).lower(3.0, -4.0).source
        times.append(time.perf_counter() - begin)
    shown("building the adjoint source of staged (median)", statistics.median(times[1:]) * 1e3, "ms", "< 10")
    for n in (500, 1000, 2000, 4000, 10_000):
        fn = straight_line(n)
        begin = time.perf_counter()
        _ = grad(fn, wrt=("x", "y")).lower(0.3, 0.4).source
        seconds = time.perf_counter() - begin
        shown(
            f"building {n} statements",
            seconds,
            "s",
            "< 3" if n == 2000 else f"linear: {seconds / n * 1e3:.2f} ms each",
        )
    sys.setrecursionlimit(20_000)  # CPython's own compiler refuses 5,000 terms with the default
    fn = sum_of(5000)
    begin = time.perf_counter()
    ours = grad(fn)(1.0, 2.0)
    shown("a sum of 5,000 terms: build and call", time.perf_counter() - begin, "s", f"works: {ours}")


def importing() -> None:
    def seconds_of(text: str) -> float:
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
        return float(done.stdout)

    def seconds(code: str) -> float:
        return seconds_of(f"import time; b = time.perf_counter(); {code}; print(time.perf_counter() - b)")

    alone, both = [], []
    for _ in range(15):
        alone.append(seconds("import numpy"))
        both.append(seconds("import numpy, s2sad"))
    shown(
        "import s2sad over import numpy",
        (statistics.median(both) - statistics.median(alone)) * 1e3,
        "ms",
        "<= 60",
    )
    first = "import numpy, s2sad.api, time; b = time.perf_counter(); import s2sad.derivative, s2sad.custom"
    loaded = [seconds_of(f"{first}; print(time.perf_counter() - b)") for _ in range(15)]
    shown("… the first derivative loads the compiler", statistics.median(loaded) * 1e3, "ms", "no figure")
    check = "import sys, s2sad; print('numba' in sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    ).stdout.strip()
    print(f"    numba imported by s2sad: {out}")


def loops() -> None:
    from numba import njit

    for fn in (carried, logistic_map):
        args = (0.3, 3.7, 100_000)
        ours = grad(fn)
        fast = grad(fn, jit=True)
        ours(*args), fast(*args)
        took = side_by_side({"primal": (fn, args), "gradient": (ours, args)}, repeats=9) | {
            f"njit {k}": v
            for k, v in side_by_side(
                {"primal": (njit(error_model="numpy")(fn), args), "gradient": (fast, args)}, repeats=41
            ).items()
        }
        for name, seconds in took.items():
            print(f"    {fn.__name__}: {name:<14} {seconds * 1e3:10.3f} ms")
        shown(
            f"{fn.__name__}, 100,000 iterations, interpreted", took["gradient"] / took["primal"], "x", "<= 6"
        )
        shown("… compiled", took["njit gradient"] / took["njit primal"], "x", "<= 3")


FIGURES = {
    "interpreted": interpreted,
    "compiled": compiled,
    "building": building,
    "importing": importing,
    "loops": loops,
}


def main() -> None:
    for name in sys.argv[1:] or FIGURES:
        FIGURES[name]()


if __name__ == "__main__":
    main()
