"""A generated module that runs where s2sad is not installed: captured numbers become module constants,
captured arrays, lists and objects stay required keyword parameters, and so are functions with rules of their own.
"""

from __future__ import annotations

import ast
import builtins
import math
from typing import Any

import numpy as np

from s2sad.errors import S2sadError
from s2sad.typing.calls import is_exception


def standalone(lowered: Any) -> str:
    """The text of the module for one signature."""
    text: str = lowered.source
    objects = lowered.generated.objects
    called = [n for n, obj in objects.items() if not is_exception(obj)]
    if not lowered.captured and not objects:
        return text
    tree = ast.parse(text)
    name = lowered.generated.name
    node = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    # hidden parameters are the keyword-only ones, in the order in which they were captured
    names = [a.arg for a in node.args.kwonlyargs]
    values = {n: c.get() for n, c in zip(names, lowered.captured, strict=True)}
    constants = {n: constant(v) for n, v in values.items() if _is_number(v)}
    if not constants and not objects:
        return text
    others = [f for f in tree.body if isinstance(f, ast.FunctionDef) and f is not node]
    if {n.id for f in others for n in ast.walk(f) if isinstance(n, ast.Name)}.intersection(called):
        raise S2sadError(
            f"{', '.join(called)}(), which has a rule of its own, is called in a function that stays a function: "
            "the module cannot be saved", lowered.primal.loc, "call it in the differentiated function itself",
        )  # fmt: skip
    taken = _taken(tree, node, set(constants))
    hidden = [*called, *(n for n in names if n not in constants)]
    hidden += [f"{n}={constants[n]}" for n in constants if n in taken]
    lines = text.splitlines()
    first = node.lineno - 1
    own = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
    header = ", ".join([*own, *(["*", *hidden] if hidden else [])])
    lines[first : node.body[0].lineno - 1] = [f"def {name}({header}):", *_comments(lines, first, node)]
    before = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
    made = [line for n, obj in objects.items() if n not in called for line in (*exception_class(n, obj), "")]
    made += [f"{n} = {value}" for n, value in constants.items() if n not in taken]
    lines[before:before] = [*made, ""] if made else []
    if any(value.startswith("np.") for value in constants.values()) and "np" not in _imported(tree):
        lines[:0] = (
            ["import numpy as np", ""] if not lines[0].startswith("import ") else ["import numpy as np"]
        )
    return "\n".join(lines) + "\n"


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
