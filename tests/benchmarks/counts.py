"""What generated code stores and makes, counted from its text: `python -m tests.benchmarks.counts` updates the table.

The text of a gradient, for CPython or for Numba, is run once as plain Python at tiny sizes, with a note taken where its
reverse sweep begins and at every operation inside a loop. The table (counts.json) may only shrink: the command writes what
is smaller than before and what is new; what has grown has to be typed in by hand, with a reason in the commit.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import types
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from tests.benchmarks.kernels import KERNELS
from tests.benchmarks.problem import Arguments, copied
from tests.benchmarks.problems import NAMES, problem

TABLE = Path(__file__).with_name("counts.json")
STORES = re.compile(r"^ *# each iteration of line \d+ stores (.*) \(.*\)$", re.MULTILINE)
MAKES_ARRAYS = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call)


@dataclass(frozen=True)
class Counts:
    """Of one generated gradient.

    Attributes:
        tape_bytes: bytes of the arrays and numbers that its tapes hold where the first reverse sweep begins.
        allocations: operations inside loops that make an array or a list.
        tapes: the most tapes that one loop writes.
        lines: lines of code of the gradient; for CPython only, as loops in the place of array statements are wanted
            for Numba.
    """

    tape_bytes: int
    allocations: int
    tapes: int
    lines: int | None = None


def count(lowered: Any, args: Arguments, lines: bool) -> Counts:
    """The counts of generated code, from its text and from one run of it as plain Python."""
    generated = lowered.generated
    run = Run(generated.source, generated.name)
    run(dict(generated.objects), copied(args), [c.get() for c in lowered.captured])
    stores = [len(names.split(", ")) for names in STORES.findall(generated.source)]
    return Counts(run.tape_bytes, len(run.made), max(stores, default=0), run.lines() if lines else None)


class Run:
    """A generated module, run with notes taken."""

    def __init__(self, source: str, name: str) -> None:
        noted = re.sub(r"^( *)# reverse$", r"\1__reverse__(locals())", source, flags=re.MULTILINE)
        self.tree, self.name = ast.parse(noted), name
        self.tape_bytes = 0
        self.made: set[int] = set()

    def __call__(self, space: dict[str, Any], args: Arguments, captured: list[Any]) -> Any:
        space |= {"__reverse__": self.reverse, "__made__": self.note}
        for function in ast.walk(self.tree):
            if isinstance(function, (ast.For, ast.While)):
                function.body = [Noted().visit(s) for s in function.body]
        ast.fix_missing_locations(self.tree)
        with mock.patch.dict(sys.modules, numba=without_numba()), np.errstate(all="ignore"):
            exec(compile(self.tree, self.name, "exec"), space)
            hidden = [a.arg for a in self.function().args.kwonlyargs]
            return space[self.name](*args, **dict(zip(hidden, captured, strict=True)))

    def function(self) -> ast.FunctionDef:
        return next(f for f in self.tree.body if isinstance(f, ast.FunctionDef) and f.name == self.name)

    def reverse(self, names: dict[str, Any]) -> None:
        """Where a reverse sweep begins: what the tapes hold."""
        if not self.tape_bytes:
            seen: dict[int, Any] = {}
            held = [v for name, v in names.items() if name.startswith("tape")]
            self.tape_bytes = sum(size for v in held for size in sizes(v, seen))

    def note(self, place: int, value: Any) -> Any:
        """The result of an operation inside a loop."""
        if isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim and value.flags.owndata):
            self.made.add(place)
        return value

    def lines(self) -> int:
        """Lines of code of the gradient itself."""
        return len(ast.unparse(self.function()).splitlines())


class Noted(ast.NodeTransformer):
    """Operations that may make arrays, each with a note of its result; those of an inner loop have theirs already."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if getattr(node, "noted", False):
            return node
        super().generic_visit(node)
        if not isinstance(node, (*MAKES_ARRAYS, ast.List)) or not isinstance(
            getattr(node, "ctx", ast.Load()), ast.Load
        ):
            return node
        place = ast.Constant(node.lineno * 1000 + node.col_offset * 10 + MAKES_ARRAYS.index(type(node)) + 1
                             if isinstance(node, MAKES_ARRAYS) else node.lineno * 1000 + node.col_offset * 10)  # fmt: skip
        call = ast.Call(ast.Name("__made__", ast.Load()), [place, node], [])
        call.noted = True  # type: ignore[attr-defined]
        return ast.copy_location(call, node)


def sizes(value: Any, seen: dict[int, Any]) -> Iterator[int]:
    """Bytes of what a tape holds; memory that two records refer to is counted once."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from sizes(item, seen)
    elif isinstance(value, np.ndarray):
        owner = value if value.base is None else value.base
        if id(owner) not in seen:
            seen[id(owner)] = owner
            yield value.nbytes
    elif isinstance(value, (bool, np.bool_)):
        yield 1
    elif value is not None:
        yield 8


def without_numba() -> types.ModuleType:
    """A module numba whose njit leaves functions as they are."""
    module = types.ModuleType("numba")
    module.njit = lambda *fns, **_: fns[0] if fns else (lambda fn: fn)  # type: ignore[attr-defined]
    return module


def counted() -> Iterator[tuple[str, Counts]]:
    """Every program of the benchmarks, for CPython and for Numba."""
    for name in programs():
        yield name, of(name)


def programs() -> list[str]:
    """The names in the table: a problem and its style or a kernel, and the target."""
    made = [f"{name}, {style}" for name in NAMES for style in problem(name).styles] + list(KERNELS)
    return [f"{name}, {target}" for name in made for target in ("python", "numba")]


def of(program: str) -> Counts:
    """The counts of one name of the table."""
    name, *style, target = program.split(", ")
    jit = target == "numba"
    lowered, args = problem(name).lowered(style[0], jit) if style else KERNELS[name].lowered(jit)
    return count(lowered, args, lines=not jit)


def grown(now: dict[str, Any], before: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Which counts are larger than before: (now, before)."""
    return {
        k: (now[k], before[k])
        for k in now
        if now[k] is not None and before.get(k) is not None and now[k] > before[k]
    }


def table() -> dict[str, dict[str, Any]]:
    return json.loads(TABLE.read_text()) if TABLE.exists() else {}


def main() -> None:
    before = table()
    after = {}
    for program, counts in counted():
        now, known = asdict(counts), before.get(program, {})
        for what, (new, old) in grown(now, known).items():
            print(f"{program}: {what} has grown from {old} to {new}; not written")
        after[program] = {
            k: v if known.get(k) is None else min(v, known[k]) for k, v in now.items() if v is not None
        }
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in after.items())
    TABLE.write_text(f"{{\n{rows}\n}}\n")


if __name__ == "__main__":
    main()
