"""The random-program generator: `generate(seed)` gives a module's source with a function `f`, and arguments.

Invariant: the same seed gives the same program; f is finite at the arguments, deterministic, and ends.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any
from unittest import mock

import numpy as np

from tests.checks import map_leaves
from tests.fuzz.calls import Calls
from tests.fuzz.expressions import Scope
from tests.fuzz.statements import indent

LINE_LIMIT = 4000
VALUE_LIMIT = 1e5
MAX_DEPTH = 3
KEEP_CONSTANT = 0.2


@dataclass(frozen=True)
class FuzzProgram:
    """A module's source with its function `f`, arguments, what to differentiate, and its constructs."""

    seed: int
    source: str
    args: tuple[Any, ...]
    wrt: tuple[int, ...]
    constructs: Counter[str]

    def describe(self) -> str:
        """The source and the call, ready to paste."""
        return f"# seed {self.seed}, wrt {self.wrt}\n{self.source}\n# f{self.args!r}\n"


class Generator(Calls):
    """All statement kinds with their weights."""

    def kinds(self, scope: Scope) -> dict[str, float]:
        """The statement kinds possible in this scope, with weights."""
        weights = {
            "assign": 4, "augmented": 2, "tuple_assign": 1.4, "swap": 1.2, "walrus": 1, "assertion": 0.7,
            "integer": 1.2, "rebound": 1, "chained_assign": 0.9, "list_literal": 0.9, "list_store": 0.7,
            "scalar_helper": 1.6, "star_helper": 1.3, "tuple_helper": 0.9, "recursion": 0.9,
        }  # fmt: skip
        if scope.arrays:
            weights |= {
                "store": 2, "accumulate": 2, "load_statement": 1, "allocate": 2.2, "array_swap": 1.3,
                "element_swap": 0.9, "alias": 1, "merge": 1.4, "conditional_reference": 1.2,
                "array_helper": 1, "array_result": 1.3,
            }  # fmt: skip
        if scope.depth < 2 and scope.level == 0:
            weights["nested_function"] = 3 if scope.depth == 0 else 2
        if scope.depth == 0 and scope.level == 0:
            weights |= {"nested_store": 2, "lambda_function": 2.6}
        if scope.depth < MAX_DEPTH and scope.loops + scope.level < 3:
            weights |= {"branch": 4, "bound_in_branch": 1.4, "leave": 1.8}
        if scope.depth < MAX_DEPTH and scope.loops + scope.level < 2:
            weights |= {
                "for_range": 4, "zero_trips": 1.5, "while_loop": 4, "iterate": 6.5, "int_accumulator": 1.2,
                "shadowed_variable": 1.2, "list_append": 1.2, "comprehension": 1.6, "reversed_loop": 1.6,
                "best_so_far": 0.9,
            }  # fmt: skip
            if scope.arrays and scope.level == 0:
                weights["double_buffer"] = 2.2
        return weights

    def statement(self, scope: Scope) -> list[str]:
        """One statement of a random kind."""
        weights = self.kinds(scope)
        kind = self.rng.choices(list(weights), list(weights.values()))[0]
        return list(getattr(self, kind)(scope))

    def result(self, scope: Scope) -> str:
        """A result that reads every live name, so that most of the program is active."""
        terms = [f"{self.constant()} * {name}" for name in scope.floats[:9]]
        for name in scope.arrays[:5]:
            terms += [f"{name}[{self.rng.randrange(self.length)}] * {self.constant()}" for _ in range(2)]
        for name in scope.lists[-3:]:
            terms.append(f"{name}[{self.rng.randrange(-1, self.length)}] * {self.constant()}")
        self.rng.shuffle(terms)
        return " + ".join(terms)

    def program(self) -> tuple[str, tuple[Any, ...], tuple[int, ...]]:
        """The module's source, the arguments and wrt."""
        params, args, scope = self.parameters()
        if self.chance(0.35):
            self.functions["SCALE"] = ()
            self.module += [f"SCALE = {self.positive()}", "", ""]
        body: list[str] = []
        for _ in range(self.rng.choice([1, 2, 3, 3, 4, 4, 5, 6, 7])):
            body += self.statement(scope)
        body.append(f"return {self.result(scope)}")
        source = [
            "import math",
            "",
            "import numpy as np",
            "",
            "",
            *self.module,
            f"def f({', '.join(params)}):",
            *indent(body),
        ]
        kinds: tuple[type, ...] = (float, np.ndarray)
        if self.chance(0.4):
            kinds = (*kinds, list, tuple)
        wrt = [i for i, arg in enumerate(args) if isinstance(arg, kinds)]
        if any(isinstance(args[i], (list, tuple)) for i in wrt):
            self.use("list-in-wrt")
        if len(wrt) > 1 and self.chance(0.25):
            wrt.remove(self.rng.choice(wrt))
        return "\n".join(line.rstrip() for line in source) + "\n", args, tuple(wrt)

    def parameters(self) -> tuple[list[str], tuple[Any, ...], Scope]:
        """Parameter names, values and the scope they make."""
        scope = Scope([])
        params: list[str] = []
        args: list[Any] = []

        def add(name: str, value: Any) -> None:
            params.append(name)
            args.append(value)

        for name in ["x", "y", "z"][: self.rng.randint(1, 3)]:
            add(name, self.number())
            scope.bind(name)
        for name in ["u", "v"][: self.rng.choice([0, 1, 1, 2])]:
            add(name, np.array([self.number() for _ in range(self.length)]))
            scope.arrays.append(name)
        if self.chance(0.5):
            values = [self.number() for _ in range(self.length)]
            kind = self.rng.choice(["list", "tuple"])
            self.use(f"{kind}-argument")
            add("c", values if kind == "list" else tuple(values))
            scope.lists.append("c")
            if kind == "list" and self.chance(0.5):
                scope.stored.append("c")
        if self.chance(0.6):
            value = self.rng.choice([0, 1, 2, 3])
            add("n", value)
            scope.ints["n"] = (0, 3)
        return params, tuple(args), scope

    def number(self) -> float:
        """A random argument away from zero."""
        return round(self.rng.choice([-1, 1]) * self.rng.uniform(0.15, 1.6), 4)


def lines_run(source: str, args: tuple[Any, ...]) -> tuple[float, int]:
    """The value of f and the number of lines it ran; inf after too many, NaN if `np.empty` was read unset."""
    count = 0

    def tracer(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        if count > LINE_LIMIT:
            raise TimeoutError
        return tracer

    namespace: dict[str, Any] = {}
    exec(compile(source, "<fuzz>", "exec"), namespace)
    given = [arg.copy() if hasattr(arg, "copy") else arg for arg in args]
    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        with (
            mock.patch.object(np, "empty", lambda shape: np.full(shape, math.nan)),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("error")
            return float(namespace["f"](*given)), count
    except (TimeoutError, ArithmeticError, ValueError, TypeError, IndexError, Warning):
        return math.inf, count
    finally:
        sys.settrace(before)


def depends(source: str, args: tuple[Any, ...], wrt: tuple[int, ...], value: float) -> bool:
    """Whether the result changes with the arguments in wrt, all moved a little."""
    nudged = tuple(
        map_leaves(lambda leaf: leaf * 1.000001, arg) if i in wrt else arg for i, arg in enumerate(args)
    )
    return lines_run(source, nudged)[0] != value


def finite_program(seed: int, generator_of: Callable[[int], Any], attempts: int, limit: float) -> FuzzProgram:
    """The program of a seed; attempts that warn, raise, are not finite or run too long are replaced."""
    for attempt in range(attempts):
        generator = generator_of(seed * 1000 + attempt)
        source, args, wrt = generator.program()
        value, _ = lines_run(source, args)
        if not math.isfinite(value) or abs(value) > limit:
            continue
        if depends(source, args, wrt, value) or generator.chance(KEEP_CONSTANT):
            return FuzzProgram(seed, source, args, wrt, generator.used)
    raise RuntimeError(f"no finite program for seed {seed}")


def generate(seed: int) -> FuzzProgram:
    """The program of numbers of a seed."""
    return finite_program(seed, Generator, 50, VALUE_LIMIT)
