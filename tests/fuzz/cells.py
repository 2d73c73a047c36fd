"""Random loops over cells: which are read for the last time, and which are written again.

`python -m tests.fuzz.cells --count 1000 --seed 0` compares reverse mode with forward mode at each level, which agree to
rounding: values are stored by the one and not by the other.
"""

from __future__ import annotations

import argparse
import random
import sys
from typing import Any

import numpy as np

from s2sad import grad, jvp
from tests.fuzz.check import loaded

SIZE = 7


class Cells:
    """Writes one program of a vector y, a matrix z and an argument x."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.lines: list[str] = []
        self.fresh = 0

    def source(self) -> str:
        rng = self.rng
        made = rng.choice(["x * 1.0", "np.ones(len(x))", "x.copy()", "np.zeros(len(x)) + x"])
        size = f"{SIZE} - 2" if rng.random() < 0.3 else "len(x) - 2"
        self.lines = ["import numpy as np", "", "", "def program(x):", f"    n = {size}", f"    y = {made}"]
        self.lines += ["    z = np.outer(x, x)", "    s = 0.1"]
        for _ in range(rng.randint(1, 3)):
            self.loop(1, [])
        if rng.random() < 0.3:
            self.lines.append(f"    y[{rng.randint(0, 3)}] = s")
        self.lines.append("    return s + np.sum(y * y) + np.sum(np.sin(z))")
        return "\n".join(self.lines) + "\n"

    def loop(self, depth: int, names: list[str]) -> None:
        rng, pad = self.rng, "    " * depth
        name = f"{'ijkl'[len(names)]}{self.fresh}"
        self.fresh += 1
        if rng.random() < 0.12 and depth < 3:
            self.lines.append(f"{pad}for {name} in range({rng.randint(0, 2)}):")
            self.body(depth + 1, names)
            return
        around = rng.choice(names) if names and rng.random() < 0.6 else None
        low, high = rng.randint(0, 2), rng.randint(0, 2)
        bounds = [f"{low}, n - {high}", f"n - 1 - {high}, {low - 1}, -1", f"{low}, n - {high}, 2", "n"]
        if around:
            bounds += [
                around,
                f"{around} + 1",
                f"{around}, n",
                f"{around} + 1, n",
                f"n - 1, {around}, -1",
                f"{around} - 1, -1, -1",
            ]
            bounds += [f"1, {around}"]
        self.lines.append(f"{pad}for {name} in range({rng.choice(bounds)}):")
        self.body(depth + 1, [*names, name])

    def body(self, depth: int, names: list[str]) -> None:
        rng = self.rng
        for _ in range(rng.randint(1, 3)):
            chance = rng.random()
            if chance < 0.3 and depth < 4:
                self.loop(depth, names)
            elif chance < 0.42:
                self.branch(depth, names)
            else:
                self.statement(depth, names)

    def branch(self, depth: int, names: list[str]) -> None:
        rng, pad = self.rng, "    " * depth
        if len(names) > 1 and rng.random() < 0.6:
            a, b = rng.sample(names, 2)
            test = f"{a} {rng.choice(['==', '!=', '<', '>='])} {b}"
        else:
            test = rng.choice(["s > 0.2", f"{names[0]} % 2 == 0" if names else "s < 0.3", "y[0] < x[1]"])
        self.lines.append(f"{pad}if {test}:")
        self.statement(depth + 1, names)
        if rng.random() < 0.6:
            self.lines.append(f"{pad}else:")
            self.statement(depth + 1, names)

    def index(self, names: list[str]) -> str:
        rng = self.rng
        if not names or rng.random() < 0.12:
            return str(rng.randint(-2, SIZE - 1))
        name, offset = rng.choice(names), rng.choice([0, 0, 0, -1, 1, 2, -2])
        return name if not offset else f"{name} {'+' if offset > 0 else '-'} {abs(offset)}"

    def cell(self, names: list[str]) -> str:
        array = self.rng.choice(["y", "y", "z"])
        return f"y[{self.index(names)}]" if array == "y" else f"z[{self.index(names)}, {self.index(names)}]"

    def value(self, names: list[str]) -> str:
        a, b = self.cell(names), self.cell(names)
        return self.rng.choice(
            [f"0.4 * {a} * {b}", f"np.sin({a}) + 0.2 * {b}", f"0.5 * {a} + x[{self.index(names)}]", f"np.tanh({a} * s)",
             f"{a} / (2.0 + {b} ** 2)", f"0.3 * {a} ** 2 + 0.1"]
        )  # fmt: skip

    def statement(self, depth: int, names: list[str]) -> None:
        rng, pad = self.rng, "    " * depth
        chance = rng.random()
        if chance < 0.2:
            self.lines.append(f"{pad}s = np.tanh(s + {self.value(names)})")
        elif chance < 0.35:
            self.lines.append(f"{pad}{self.cell(names)} += 0.1 * ({self.value(names)})")
        elif chance < 0.4:
            self.lines.append(f"{pad}y = y * 0.9" if rng.random() < 0.5 else f"{pad}y[1:] *= 0.9")
        else:
            self.lines.append(f"{pad}{self.cell(names)} = {self.value(names)}")


def failure(seed: int, jit: bool = False) -> str | None:
    """What is wrong with the program of a seed, with its text; None if nothing is."""
    source = Cells(seed).source()
    with loaded(source) as module:
        return compared(module.program, seed, source, jit)


def compared(program: Any, seed: int, source: str, jit: bool) -> str | None:
    x = np.random.default_rng(seed).uniform(0.2, 0.9, SIZE)
    with np.errstate(all="ignore"):
        if not np.isfinite(program(x.copy())):
            return None
        expected = [jvp(program, (x.copy(),), (e,))[1] for e in np.eye(SIZE)]
        ways: list[dict[str, Any]] = [{"optimize": 2}, {"optimize": 0}, *([{"jit": True}] if jit else [])]
        for how in ways:
            found = grad(program, **how)(x.copy())
            scale = 1e-9 * (1.0 + np.max(np.abs(expected)))
            if not np.allclose(found, expected, rtol=1e-8, atol=scale):
                return f"seed {seed}, {how}: {found}, forward mode {np.array(expected)}\n{source}"
    return None


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jit-every", type=int, default=0)
    options = parser.parse_args(arguments)
    failed = 0
    for seed in range(options.seed, options.seed + options.count):
        found = failure(seed, bool(options.jit_every) and seed % options.jit_every == 0)
        if found is not None:
            failed += 1
            print(found)
    print(f"{options.count} programs, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
