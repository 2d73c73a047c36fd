"""Random programs about memory: views made anew in loops, rows put into vectors, containers of views, helpers that write.

`python -m tests.fuzz.run --views --count 1000 --seed 0` checks them. Invariant: the same seed gives the same program.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.fuzz.generator import FuzzProgram, finite_program
from tests.fuzz.statements import indent
from tests.fuzz.view_parts import ViewParts
from tests.fuzz.view_scope import Known


class Views(ViewParts):
    """Writes one program."""

    def loop(self, known: Known, depth: int) -> list[str]:
        turns, i = self.rng.randint(1, 3), self.fresh("i")
        inner = known.inner()
        inner.loops[i] = turns - 1
        body = self.block(inner, depth + 1, self.rng.randint(2, 4))
        if self.chance(0.25):
            self.used["while"] += 1
            return [f"{i} = 0", f"while {i} < {turns}:", *indent([*body, f"{i} += 1"])]
        self.used["for"] += 1
        return [f"for {i} in range({turns}):", *indent(body)]

    def branch(self, known: Known, depth: int) -> list[str]:
        self.used["branch"] += 1
        test = self.pick([f"s > {self.bound()}", f"{self.element(known)} < {self.bound()}"])
        lines = [f"if {test}:", *indent(self.block(known.inner(), depth + 1, 2))]
        if self.chance(0.5):
            lines += ["else:", *indent(self.block(known.inner(), depth + 1, 1))]
        return lines

    def block(self, known: Known, depth: int, count: int) -> list[str]:
        lines: list[str] = []
        kinds = {
            "bind": 4,
            "write": 5,
            "sum": 2,
            "contain": 2,
            "call": 1.6,
            "join": 0.7,
            "shrink": 0.8,
            "window": 1.5,
            "complex_numbers": 0.35,
            "numbers_taken": 0.6,
            "positions": 0.5,
            "unbound": 0.5,
            "unit": 0.5,
            "flattened": 1.2,
            "recursion": 0.7,
            "by_name": 0.9,
            "buffers": 0.5,
            "closure": 0.4,
            "record": 0.4,
        }
        if depth < 3:
            kinds |= {"loop": 3.2 if depth < 2 else 1, "branch": 1}
        while len(lines) < count:
            kind = self.rng.choices(list(kinds), list(kinds.values()))[0]
            if kind in ("loop", "branch"):
                lines += getattr(self, kind)(known, depth)
            elif kind == "sum":
                lines.append(f"s += {self.value(known)}")
            else:
                lines += getattr(self, kind)(known)
        return lines

    def program(self) -> tuple[str, tuple[Any, ...], tuple[int, ...]]:
        rng = np.random.default_rng(self.rng.randrange(10**6))
        known = Known({"x": (6, 6), "y": (6, 6)}, {"A": (2, 3), "B": (3, 3)}, cubes={"C": (2, 2, 3)})

        def numbers(*shape: int) -> Any:
            return np.round(rng.uniform(0.2, 1.2, shape) * rng.choice([-1, 1], shape), 3)

        given = {
            "x": numbers(6),
            "y": numbers(6),
            "A": numbers(2, 3),
            "B": numbers(3, 3),
            "c": float(numbers(1)[0]),
            "C": numbers(2, 2, 3),
        }
        for name in "ABC":
            if self.chance(0.2):
                self.used["by-columns"] += 1
                given[name] = np.asfortranarray(given[name])
            if self.chance(0.12):
                self.used["gaps"] += 1
                gaps = np.repeat(given[name], 2, axis=-1)[..., ::2]
                given[name] = self.pick([gaps, np.ascontiguousarray(given[name][::-1])[::-1]])
        if self.chance(0.1):
            self.used["strided"] += 1
            given["x"] = np.repeat(given["x"], 2)[::2]
        body = self.block(known, 0, self.rng.randint(5, 10))
        called = [name for name in self.helpers if any(f"{name}(" in line for line in body)]
        self.used.update(f"helper-{name}" for name in called)
        own = [*known.vectors, *known.matrices, *known.cubes]
        parts = [f"{self.number()} * np.sum({n} * {n})" for n in own]
        parts += [f"0.1 * np.sum({h}[0])" for h in known.held]
        parts += [f'0.1 * np.sum({d}["{k}"] ** 2)' for d in sorted(known.named) for k in "ab"]
        source = "\n".join(
            ["import math", "from typing import NamedTuple", "", "import numpy as np", "", "", *(self.helpers[name] + "\n" for name in called),
             f"def f({', '.join(given)}):", "    s = c", *indent(body), f"    return s + {' + '.join(parts)}"]
        )  # fmt: skip
        return source + "\n", tuple(given.values()), tuple(range(len(given)))


def generate_views(seed: int) -> FuzzProgram:
    """The program about memory of a seed."""
    return finite_program(seed, Views, 200, 1e4)
