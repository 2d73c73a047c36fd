"""The array-program generator: `generate_arrays(seed)` gives a module with a function `f` of arrays, and arguments.

Invariant: the same seed gives the same program; f is finite at the arguments, warns of nothing, and ends.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.fuzz.array_calls import ArrayCalls
from tests.fuzz.array_scope import ArrayScope, Shape
from tests.fuzz.expressions import Scope
from tests.fuzz.generator import FuzzProgram, finite_program
from tests.fuzz.statements import indent

VALUE_LIMIT = 1e4
MAX_DEPTH = 3
WEIGHTS: dict[str, float] = {
    "assign": 1, "augmented": 0.7, "element_store": 2, "element_augmented": 1.6, "element_swapped": 1.2,
    "slice_store": 3, "slice_augmented": 2.4, "overlap": 1.5, "masked": 1.7, "scattered": 1.9, "position_changed": 1.3, "added_at": 1.4,
    "whole_augmented": 2, "replaced": 3, "out_argument": 1.5, "computed": 3, "allocated": 3, "aliased": 2,
    "joined": 2, "merged": 2, "exchanged": 1.5, "viewed": 5,
}  # fmt: skip
BLOCKS: dict[str, float] = {
    "branch": 3, "for_range": 4.5, "while_loop": 3.6, "leave": 1.6, "double_buffer": 2.5, "rows_iterated": 3.4,
    "vector_zip": 1.6, "allocated_in_loop": 2, "recurrence": 2.2, "relaxation": 2, "running_slice": 1.8,
}  # fmt: skip
OUTERMOST: dict[str, float] = {
    "reshaped": 1.6, "list_of_arrays": 4, "writing_helper": 1.8, "viewing_helper": 1.7, "choosing_helper": 1.7,
    "computing_helper": 1.8, "nested_writer": 1.4,
}  # fmt: skip


class ArrayGenerator(ArrayCalls):
    """All statement kinds with their weights, and the program around them."""

    def kinds(self, scope: ArrayScope) -> dict[str, float]:
        """The statement kinds possible in this scope, with weights."""
        weights = dict(WEIGHTS)
        if not scope.writable():
            return {"computed": 1, "assign": 1}
        if scope.depth < MAX_DEPTH and scope.loops + scope.level < 2:
            weights |= BLOCKS
        if scope.depth < MAX_DEPTH and scope.loops:
            weights["leave"] = 2.4
        if not scope.depth and not scope.level:
            weights |= OUTERMOST
            if "s" in scope.converted:
                weights["single_precision"] = 12
        return weights

    def statement(self, scope: Scope) -> list[str]:
        """One statement of a random kind."""
        assert isinstance(scope, ArrayScope)
        weights = self.kinds(scope)
        kind = self.rng.choices(list(weights), list(weights.values()))[0]
        return list(getattr(self, kind)(scope))

    def result(self, scope: ArrayScope) -> str:
        """A number that reads every live name, so that most of the program is active."""
        terms = [f"{self.constant()} * {name}" for name in scope.floats[:5]]
        for name, array in scope.known.items():
            shape = array.shape
            forms = [f"np.sum({name} * {name})", f"np.sum(np.sin({name}))", f"{name}.sum()"]
            if 0 not in shape:
                forms += [f"{name}[{self.at(scope, name)}]", f"np.mean({name} ** 2)"]
            if len(shape) == 1 and shape[0]:
                forms.append(f"np.sum({name} * np.arange(1, {shape[0] + 1}))")
            terms.append(f"{self.constant()} * {self.rng.choice(forms)}")
        for name, (length, _) in scope.rows.items():
            terms.append(f"{self.constant()} * np.sum({name}[{self.rng.randrange(-1, length)}])")
        self.rng.shuffle(terms)
        return " + ".join(terms)

    def program(self) -> tuple[str, tuple[Any, ...], tuple[int, ...]]:
        """The module's source, the arguments and wrt."""
        scope = ArrayScope([])
        given = self.parameters(scope)
        body: list[str] = []
        for _ in range(self.rng.choice([3, 4, 5, 6, 7, 8])):
            body += self.statement(scope)
        result = self.result(scope)
        args = tuple(given.values())
        wrt = [
            i for i, a in enumerate(args) if isinstance(a, float) or getattr(a, "dtype", None) in ("f8", "f4")
        ]
        if len(wrt) > 1 and self.chance(0.25):
            wrt.remove(self.rng.choice(wrt))
        if self.chance(0.12):  # the last choice of all: the rest of a program is the same with and without it
            last, name = self.bound_of_another()
            body, result = [*body, *last], f"{result} + {name}"
        if self.chance(0.2):
            last, name = self.swept()
            body, result = [*body, *last], f"{result} + {name}"
        if "n" in scope.ints and self.chance(0.2):
            last, name = self.counted()
            body, result = [*body, *last], f"{result} + {name}"
        if any(".copy()" in line for line in body):
            self.use("copy")
        lines = ["import math", "", "import numpy as np", "", "", *self.module]
        lines += [f"def f({', '.join(given)}):", *indent([*body, f"return {result}"])]
        return "\n".join(line.rstrip() for line in lines) + "\n", args, tuple(wrt)

    def bound_of_another(self) -> tuple[list[str], str]:
        """A loop as long as what a name stood for that is bound again before it and in it; a number it gives."""
        self.use("bound-of-another")
        name, count, i = self.fresh("q"), self.fresh("m"), self.fresh("i")
        less = self.rng.choice(["", " - 1", " - 2"])
        length = self.rng.choice([f"len({name}){less}", f"{name}.shape[0]{less}", f"{name}.size{less}"])
        turn = f"{name} = {name} * 0.6 + np.sin({name}[{i}])"
        loop = self.rng.choice([f"for {i} in range({{}}):", f"for {i} in range({{}} - 1, -1, -1):"])
        forms = [
            [f"{name} = x * 0.5", f"{count} = {length}", f"{name} = np.append({name}, c)", loop.format(count)],
            [f"{name}, {count} = np.append(x, c), x * 1.0", f"{name}, {count} = {count}, {name}",
             loop.format(f"len({count})") + f" {count} = {count} + {name}[{i} - 1]"],
            [f"{name} = len(x)", f"{count} = {name}{self.rng.choice([' + 1', ' - 1', ' * 2'])}", f"{name} = 0.3 * c",
             loop.format(count)],
        ]  # fmt: skip
        lines = self.rng.choice(forms)
        if lines is forms[2]:
            return [*lines, f"    {name} = 0.5 * {name} + 0.3 * math.sin({name} * {i})"], name
        if lines is forms[1]:
            head, _, inner = lines[2].partition(": ")
            return [*lines[:2], f"{head}:", f"    {inner}", f"    {name} = {name} * 0.6"], f"np.sum({count})"
        return [*lines, f"    {turn}"], f"np.sum({name})"

    def swept(self) -> tuple[list[str], str]:
        """An array of the function's own, of which elements are written between readings of all of it; a number."""
        self.use("swept")
        r, t, i, n = self.fresh("r"), self.fresh("t"), self.fresh("i"), self.length
        at = [f"{i}", f"{i} - 1", f"(2 * {i}) % {n}", "0", "-1"]
        reads = [
            f"{t} = 0.5 * {t} + 0.2 * np.sum(np.sin({r}))", f"{t} -= 0.1 * np.dot({r}, np.cos({r}))",
            f"{t} = np.tanh({t} + np.sum({r}[:{i} + 1] ** 2))", f"{t} += 0.1 * {r}[{self.rng.choice(at)}] * {r}[{i}]",
            f"{t} = 0.6 * {t} + 0.1 * {r}[{self.rng.choice(at)}] ** 2", f"{t} += 0.2 * np.sum(c * {r} * {r}[::-1])",
        ]  # fmt: skip
        cells = [f"{r}[{a}]" for a in at]
        writes = [f"{cell} = 0.6 * {cell} + 0.3 * math.sin({t})" for cell in cells]
        writes += [f"{cell} += 0.2 * {t} * {self.rng.choice(cells)}" for cell in cells]
        writes += [f"{cell} = {self.constant()}" for cell in cells]
        writes += [f"{r}[:2] *= 0.7", f"{r}[{i}:] = 0.5 * {t}"]
        body = [self.rng.choice(reads), self.rng.choice(writes)]
        body += [
            self.rng.choice(reads if self.chance(0.5) else writes) for _ in range(self.rng.randint(0, 3))
        ]
        self.rng.shuffle(body)
        k = self.rng.randrange(len(body))
        if self.chance(0.3):
            body[k : k + 1] = [f"if {t} > {self.constant()}:", *indent([body[k]])]
        if self.chance(0.2):
            body += [f"if {t} < -{self.positive()}:", "    break"]
        made = self.rng.choice(
            ["0.5 * x", "np.sin(x)", "x.copy()", f"np.zeros({n})", f"np.arange({n}) * 0.3"]
        )
        lines = [f"for {i} in range({n}):", *indent(body)]
        if self.chance(0.3):
            lines = [f"for {self.fresh('k')} in range(2):", *indent(lines)]
        return [f"{r}, {t} = {made}, c", *lines], f"0.3 * {t} + np.sum(np.cos({r}))"

    def counted(self) -> tuple[list[str], str]:
        """A loop of as many turns as an argument says, often none; a number."""
        self.use("range-of-int")
        q, t, i = self.fresh("q"), self.fresh("t"), self.fresh("i")
        turns = [
            f"{q} = 0.6 * {q} + 0.3 * np.sin({q})", f"{q}[{i}] = {t} * {q}[-1]", f"{q} *= 0.8", f"{q}[{i}:] += 0.2 * {t}",
            f"{t} = 0.5 * {t} + 0.2 * np.sum({q} ** 2)", f"{t} -= 0.3 * {q}[{i}] * {q}[0]", f"{q} = {q}[::-1] * {t}",
        ]  # fmt: skip
        body = [self.rng.choice(turns) for _ in range(self.rng.randint(1, 3))]
        if self.chance(0.3):
            leave = self.rng.choice(["break", "continue"])
            body.insert(self.rng.randrange(len(body)), f"if {t} > {self.constant()}: {leave}")
        turns_of = self.rng.choice(["n", "n", "n + 1", "1, n", "n - 1, -1, -1"])
        made = self.rng.choice(["0.5 * x", "x.copy()", "np.cos(x)"])
        return [
            f"{q}, {t} = {made}, c",
            f"for {i} in range({turns_of}):",
            *indent(body),
        ], f"0.2 * {t} + np.sum({q})"

    def parameters(self, scope: ArrayScope) -> dict[str, Any]:
        """The arguments by their names: one or two vectors, most often a matrix, and now and then each rarer kind."""
        n, m = self.length, self.other
        given: dict[str, Any] = {}
        shapes: dict[str, Shape] = {"x": (n,), "A": (n, m)}
        rarer: list[tuple[float, str, Shape]] = [
            (0.5, "y", (n,)), (0.2, "p", (m,)), (0.2, "B", (m, n)), (0.2, "S", (n, n)), (0.13, "T", (2, n, m)),
            (0.12, "o", (1,)), (0.12, "C", (n, 1)), (0.08, "R", (1, m)), (0.08, "e", (0,)), (0.04, "E", (0, m)),
        ]  # fmt: skip
        shapes |= {name: shape for chance, name, shape in rarer if self.chance(chance)}
        if self.chance(0.15):
            del shapes["A"]
        for name, shape in shapes.items():
            given[name] = self.array_value(shape)
            scope.hold(name, shape)
            self.use("empty-argument" if 0 in shape else "size-1" if 1 in shape else f"{len(shape)}-d")
        given["c"] = self.number()
        scope.bind("c")
        self.constants(scope, given)
        return given

    def constants(self, scope: ArrayScope, given: dict[str, Any]) -> None:
        """Arguments of other dtypes: index arrays, masks, float32."""
        n = self.length
        if self.chance(0.35):
            self.use("index-argument")
            length = self.rng.randint(1, n + 1)
            given["idx"] = np.array([self.rng.randrange(-n, n) for _ in range(length)])
            scope.indices["idx"] = (n, length)
        if self.chance(0.2):
            self.use("bool-argument")
            given["mask"] = np.array([self.chance(0.6) for _ in range(n)])
            scope.masks["mask"] = n
        if self.chance(0.1):
            self.use("int-argument")
            given["k"] = np.array([self.rng.randint(-3, 3) for _ in range(n)])
            scope.converted["k"] = n
        if self.chance(0.4):
            given["n"] = self.rng.choice([0, 1, 2, 2])
            scope.ints["n"] = (0, 2)
        if self.chance(0.17):
            self.use("float32-argument")
            given["s"] = self.array_value((n,)).astype(np.float32)
            scope.converted["s"] = n

    def number(self) -> float:
        """A random argument away from zero."""
        return round(self.rng.choice([-1, 1]) * self.rng.uniform(0.15, 1.6), 4)

    def array_value(self, shape: Shape) -> np.ndarray[Any, Any]:
        """Random numbers of this shape."""
        return np.array([self.number() for _ in range(math.prod(shape))], dtype=float).reshape(shape)


def generate_arrays(seed: int) -> FuzzProgram:
    """The program of arrays of a seed."""
    return finite_program(seed, ArrayGenerator, 100, VALUE_LIMIT)
