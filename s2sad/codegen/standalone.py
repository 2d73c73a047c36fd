"""A generated module that runs where s2sad is not installed: it has the parameters of the user's function and tests
what it was made for.

Captured numbers become module constants; captured arrays, lists and objects stay required keyword parameters, and so
are functions with rules of their own.
"""

from __future__ import annotations

import ast
import builtins
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from s2sad.codegen.made_for import HELPERS, Tests, part, shown
from s2sad.errors import S2sadError
from s2sad.ir.types import Array, Scalar
from s2sad.signature import Argument
from s2sad.typing.calls import is_exception
from s2sad.typing.structure import Path, bounds, leaf_types, size_in

MOST_ELEMENTS = 1000  # of an array that is written out

# arguments, and where in another parameter is what must have their shapes
Alike = tuple[tuple[Argument, str, Path], ...]


def standalone(lowered: Any, source: Any, alike: Alike = ()) -> str:
    """The text of the module for one signature of the derivative of a function with this source."""
    text: str = lowered.source
    objects = lowered.generated.objects
    called = [n for n, obj in objects.items() if not is_exception(obj)]
    tree = ast.parse(text)
    name = lowered.generated.name
    node = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    # hidden parameters are the keyword-only ones, in the order in which they were captured
    names = [a.arg for a in node.args.kwonlyargs]
    captured = dict(zip(names, lowered.captured, strict=True))
    values = {n: c.get() for n, c in captured.items()}
    constants = {n: constant(v) for n, v in values.items() if _is_number(v)}
    others = [f for f in tree.body if isinstance(f, ast.FunctionDef) and f is not node]
    _refuse_rules_elsewhere(others, called, lowered)
    taken = _taken(tree, node, set(constants))
    own = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
    hidden = [*called, *(n for n in names if n not in constants)]
    hidden += [f"{n}={constants[n]}" for n in constants if n in taken]
    header = Header(lowered, source)
    front = lowered.target != "python" and not header.compilable(own, hidden)
    tests = tests_of(lowered, own, captured, alike, "python" if front else lowered.target)
    definition = [f"def {name}({header.text(own, hidden)}):", *(f"    {line}" for line in tests.lines)]
    made = [f"{n} = {value}" for n, value in constants.items() if n not in taken]
    asks_for_numpy = "np." in "".join([*definition, *made]) and "np" not in _imported(tree)
    lines = text.splitlines()
    if front:  # Numba does not bind such parameters: a function of Python's calls the compiled one
        inner = next(n for n in (f"{name}_compiled", f"compiled_{name}") if n not in {f.name for f in others})
        given = [n.partition("=")[0] for n in hidden]
        lines += ["", *definition, f"    return {inner}({', '.join([*passed(own, lowered.keys), *given])})"]
        definition = [f"def {inner}({', '.join([*own, *given])}):"]
    first = node.lineno - 1
    lines[first : node.body[0].lineno - 1] = [*definition, *_comments(lines, first, node)]
    before = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
    made = [
        line for n, obj in objects.items() if n not in called for line in (*exception_class(n, obj), "")
    ] + made
    made = [*made, ""] if made else []
    made += with_decorator(HELPERS, lines[before]) if tests.needs_helpers() else []
    lines[before:before] = made
    if asks_for_numpy:
        start = lines[0].startswith(("import ", "from "))
        lines[:0] = ["import numpy as np"] if start else ["import numpy as np", ""]
    return "\n".join(lines) + "\n"


def _refuse_rules_elsewhere(others: list[ast.FunctionDef], called: list[str], lowered: Any) -> None:
    """Functions with rules of their own are parameters of the derivative, which functions beside it do not see."""
    if {n.id for f in others for n in ast.walk(f) if isinstance(n, ast.Name)}.intersection(called):
        raise S2sadError(
            f"{', '.join(called)}(), which has a rule of its own, is called in a function that stays a function: "
            "the module cannot be saved", lowered.primal.loc, "call it in the differentiated function itself",
        )  # fmt: skip


def passed(own: list[str], keys: dict[str, Any]) -> list[str]:
    """What the compiled function is called with: None for what entered the code by value."""
    known = ["None" if is_fixed(k) else n for n, k in zip(own, keys.values(), strict=False)]
    return [*known, *own[len(keys) :]]


def tests_of(lowered: Any, own: list[str], captured: dict[str, Any], alike: Alike, target: str) -> Tests:
    """The tests at the top of a derivative: of its own parameters, and of what it captured and takes as keywords."""
    tests = Tests(lowered.generated.name, target)
    keys = dict(zip(own, lowered.keys.values(), strict=False))
    keys |= {n: c.key for n, c in captured.items() if not isinstance(c.key, Scalar)}
    for name, key in keys.items():
        tests.argument(name, key)
    called = dict(zip(lowered.keys, own, strict=False))
    test_shapes(tests, lowered.keys, alike, called)
    for test in lowered.sizes.tests(size_in(lowered.keys, lambda name, path: part(called[name], path))):
        tests.refuse(f"not ({test})", shown(test))
    parameters = [*own[: len(lowered.keys)], *captured]
    tests.apart([(part(parameters[g.parameter], g.path), g.written, g.type) for g in lowered.given])
    return tests


def test_shapes(tests: Tests, keys: dict[str, Any], alike: Alike, called: dict[str, str]) -> None:
    """Test that vectors have the shapes of what they are multiplied by; `called`: the names of parameters in the code."""
    for argument, other, way in alike:
        for path, leaf in leaf_types(argument.key(keys)):
            if isinstance(leaf, Array):
                mine = part(called[argument.parameter], (*argument.path(), *path))
                tests.alike(part(called[other], (*way, *path)), mine)


def with_decorator(helpers: tuple[str, ...], decorator: str) -> list[str]:
    return [line for helper in helpers for line in (decorator, *helper.strip().splitlines(), "")]


def is_fixed(key: Any) -> bool:
    """Whether an argument entered the code by value."""
    return hasattr(key, "obj")


@dataclass
class Header:
    """The parameters of the user's function: their kinds and their defaults."""

    lowered: Any
    source: Any
    defaults: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        keys = self.lowered.keys
        found = {n: self.default(keys.get(n), v) for n, v in self.source.defaults.items()}
        self.defaults = {n: text for n, text in found.items() if text is not None}

    def default(self, key: Any, value: Any) -> str | None:
        """The text of a default; None for an object that the code was made for, since it is not asked again."""
        if getattr(key, "obj", self) is value and written_out(value) is None:
            return "None"
        return written_out(value)

    def kinds(self, own: list[str]) -> list[str]:
        """How each parameter is given; by position where a vector, or tangents, come after the user's own."""
        args = self.source.node.args
        kinds = [*["/"] * len(args.posonlyargs), *[""] * len(args.args), *["*"] * bool(args.vararg)]
        kinds += [*["keyword"] * len(args.kwonlyargs), *["**"] * bool(args.kwarg)]
        return kinds if len(kinds) == len(own) else [""] * len(own)

    def compilable(self, own: list[str], hidden: list[str]) -> bool:
        """Whether Numba takes such parameters: numbers and arrays by position, defaults that are numbers."""
        plain = not hidden and set(self.kinds(own)) <= {"/", "", "*"}
        simple = all(v is None or _is_number(v) for v in self.source.defaults.values())
        return (
            plain
            and simple
            and not any(is_fixed(k) and k.obj is not None for k in self.lowered.keys.values())
        )

    def text(self, own: list[str], hidden: list[str]) -> str:
        """A parameter list with the names that the code has for the parameters, and hidden ones at the end."""
        known = [*self.lowered.keys, *own[len(self.lowered.keys) :]]
        rows = list(zip(own, self.kinds(own), known, strict=True))
        found = self.positional([row for row in rows if row[1] in ("/", "")])
        star = [f"*{n}" for n, kind, _ in rows if kind == "*"]
        keywords = [self.with_default(n, p) for n, kind, p in rows if kind == "keyword"] + hidden
        rest = [f"**{n}" for n, kind, _ in rows if kind == "**"]
        return ", ".join([*found, *star, *(["*"] if keywords and not star else []), *keywords, *rest])

    def positional(self, named: list[tuple[str, str, str]]) -> list[str]:
        """Parameters that may be given by position: a default stands only where all later ones have one."""
        last = max((i for i, (_, _, p) in enumerate(named) if p not in self.defaults), default=-1)
        found = [self.with_default(n, p) if i > last else n for i, (n, _, p) in enumerate(named)]
        ahead = sum(kind == "/" for _, kind, _ in named)
        return [*found[:ahead], *(["/"] if ahead else []), *found[ahead:]]

    def with_default(self, name: str, parameter: str) -> str:
        return f"{name}={self.defaults[parameter]}" if parameter in self.defaults else name


def written_out(value: Any) -> str | None:
    """The text of data; None for what has none."""
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, str):  # a subclass's repr() may be anything
        return str.__repr__(value)
    if isinstance(value, np.bool_):
        return f"np.bool_({bool(value)})"
    if _is_number(value):
        return constant(value)
    if type(value) in (range, slice):
        return repr(value) if all(type(b) in (int, type(None)) for b in bounds(value)) else None
    if type(value) in (tuple, list):
        items = [written_out(v) for v in value]
        if None in items:
            return None
        inner = ", ".join(items)  # type: ignore[arg-type]
        return f"[{inner}]" if type(value) is list else f"({inner}{',' * (len(items) == 1)})"
    if type(value) is dict:
        pairs = [(written_out(k), written_out(v)) for k, v in value.items()]
        return None if any(None in p for p in pairs) else "{" + ", ".join(f"{k}: {v}" for k, v in pairs) + "}"
    if type(value) is np.ndarray and value.dtype.kind in "fiub" and value.size <= MOST_ELEMENTS:
        return f'np.array({written_out(value.tolist())}, "{value.dtype.name}")'
    return None


def exception_class(name: str, cls: Any) -> list[str]:
    """A class that stands for one of the user's exceptions: of its name, and caught as the builtin ones it is made of."""
    parsed = hasattr(cls, "__s2sad_parsed__")
    known: Any = cls.exceptions() if parsed else cls.__mro__
    builtin: list[Any] = [c for c in known if getattr(builtins, c.__name__, None) is c and c is not object]
    bases = [c for c in builtin if not any(issubclass(d, c) and d is not c for d in builtin)]
    return [
        f"class {name}({', '.join(c.__name__ for c in bases)}):",
        f'    """Stands for {cls.__module__}.{cls.__qualname__}."""',
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex, np.number)) and not isinstance(value, bool)


def constant(value: Any) -> str:
    """The text of a number, also of those that repr() does not write as an expression."""
    if isinstance(value, np.generic):
        return f"np.{type(value).__name__}({constant(value.item())})"
    if isinstance(value, complex):
        return f"complex({constant(value.real)}, {constant(value.imag)})"
    if isinstance(value, float):
        return float.__repr__(value) if math.isfinite(value) else f'float("{float.__repr__(value)}")'
    return int.__repr__(value)


def _comments(lines: list[str], first: int, node: ast.FunctionDef) -> list[str]:
    """The comment lines between a function's header and its first statement."""
    return [line for line in lines[first : node.body[0].lineno - 1] if line.lstrip().startswith("#")]


def _taken(tree: ast.Module, node: ast.FunctionDef, names: set[str]) -> set[str]:
    """Names that cannot be constants of the module: the function assigns them, or something else has them."""
    stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    others = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)} | _imported(tree)
    return names & (stored | others)


def _imported(tree: ast.Module) -> set[str]:
    """The names that a module's imports bind."""
    nodes = [n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))]
    return {a.asname or a.name.partition(".")[0] for n in nodes for a in n.names}
