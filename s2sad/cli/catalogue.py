"""The catalogue of functions that have derivatives: an entry a function, from the rule table, the handlers and the library.

What `s2sad support` prints and `docs/rules.md` holds. A function has a rule of its own, or typing takes it apart into
operations that have one; it is compiled unless a rule that it needs says `jit=False` and brings no substitute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import s2sad.rules  # noqa: F401  (loads the rule table)
from s2sad.codegen.expressions import compiles as can_compile
from s2sad.rules.registry import PRIMS, ZERO, Prim
from s2sad.rules.shapes import is_elementwise
from s2sad.typing.calls import HANDLERS, METHODS
from s2sad.typing.functions import load_library
from s2sad.typing.named import NAMED

SYMBOLS = {
    "add": "a + b", "sub": "a - b", "mul": "a * b", "div": "a / b", "floordiv": "a // b", "mod": "a % b",
    "pow": "a**b", "neg": "-a", "pos": "+a", "lt": "a < b", "le": "a <= b", "gt": "a > b", "ge": "a >= b",
    "eq": "a == b", "ne": "a != b", "is": "a is b", "is_not": "a is not b", "not": "not a", "bitand": "a & b",
    "bitor": "a | b", "bitxor": "a ^ b", "lshift": "a << b", "rshift": "a >> b", "invert": "~a",
}  # fmt: skip
# family -> what its functions are, in the order they are shown
FAMILIES = {
    "operators": "Operators", "builtins": "Python's own functions", "math": "`math`", "operator": "`operator`",
    "numpy": "`numpy`, element by element", "arrays": "`numpy`, on whole arrays", "methods": "Methods of arrays and lists",
    "numpy.linalg": "`numpy.linalg`", "numpy.fft": "`numpy.fft`", "scipy.special": "`scipy.special`",
    "scipy.linalg": "`scipy.linalg`", "scipy.stats": "`scipy.stats`",
}  # fmt: skip
NAMESPACES = ("numpy.linalg", "numpy.fft", "scipy.special", "scipy.linalg", "scipy.stats")
INTERNAL = {"scipy.special.real_lambertw", "scipy.linalg.expm_frechet"}  # what other rules stand for
OUTER = "numpy.ufunc.outer"


@dataclass(frozen=True, slots=True)
class Entry:
    """A function of the catalogue: `mode` is 'yes', 'in part', 'constant' (derivative 0) or 'as its parts'."""

    name: str
    family: str
    mode: str
    jit: str
    notes: str


def entries() -> list[Entry]:
    """All functions, family by family."""
    ruled = [
        Entry(title(p), family(p.name, p), modes(p), compiles(p), "; ".join(notes(p))) for p in catalogue()
    ]
    of_parts = [Entry(name, family(name), "yes", *of_part(name)) for name in by_parts()]
    order = list(FAMILIES)
    return sorted([*ruled, *of_parts], key=lambda e: (order.index(e.family), _place(e), e.name))


def _place(e: Entry) -> int:
    return list(SYMBOLS.values()).index(e.name) if e.family == "operators" else 0


def family(name: str, prim: Prim | None = None) -> str:
    if name in SYMBOLS:
        return "operators"
    if name.startswith(("ndarray.", "list.")):
        return "methods"
    found = next((n for n in NAMESPACES if name.startswith(n + ".")), None)
    if found is not None:
        return found
    first = name.partition(".")[0]
    if first == "numpy":
        return "numpy" if prim is not None and is_elementwise(prim) else "arrays"
    return first if first in FAMILIES and "." in name else "builtins"


# -- rules ------------------------------------------------------------------------------------------------


def catalogue() -> list[Prim]:
    """The rules that are for functions and operators a user writes."""
    return [p for p in PRIMS.values() if p.name not in INTERNAL and _public(p)]


def _public(prim: Prim) -> bool:
    module, _, name = prim.name.rpartition(".")
    if module == "builtins" or prim.name in SYMBOLS or module in NAMESPACES:
        return True
    if module == "math":
        return hasattr(math, name)
    import numpy

    return module == "numpy" and hasattr(numpy, name)


def title(prim: Prim) -> str:
    return SYMBOLS.get(prim.name) or prim.name.removeprefix("builtins.")


def modes(prim: Prim) -> str:
    """Both modes come from the same partials: what holds for one holds for the other."""
    if prim.effect in ("alloc", "reads", "writes"):
        return "yes"
    said = [prim.partials.get(p) for p in prim.params]
    if all(s is ZERO for s in said):
        return "constant"
    return "yes" if all(s is not None for s in said) else "in part"


def compiles(prim: Prim) -> str:
    return "yes" if can_compile(prim.name) else "no"


def notes(prim: Prim) -> list[str]:
    found = [prim.note] if prim.note else []
    if modes(prim) == "constant":
        found.append("piecewise constant: derivative 0")
    missing = [p for p in prim.params if p not in prim.partials]
    if missing and prim.effect not in ("alloc", "reads", "writes"):
        found.append(f"not with respect to {', '.join(m.lstrip('*') for m in missing)}")
    if not prim.jit and compiles(prim) == "yes":
        found.append("a substitute is compiled")
    return found


# -- functions without a rule of their own ----------------------------------------------------------------


def by_parts() -> set[str]:
    """Functions without a rule of their own, which typing takes apart into operations that have one."""
    load_library()
    ruled = {p.name for p in catalogue()}
    found = {
        f"{'ndarray' if kind == 'array' else kind}.{name}"
        for kind, name in METHODS
        if kind in ("array", "list")
    }
    found |= {name for name in (*map(_full_name, HANDLERS), *NAMED) if name and name not in ruled}
    found = {name for name in found if not name.startswith("numba.")}  # decorators
    return {OUTER if n.endswith(".outer") and n != "numpy.outer" else n for n in found}


def _full_name(fn: Any) -> str:
    """`numpy.median`, `numpy.add.reduce`, `len`; '' for what has no public name."""
    owner: Any = getattr(fn, "__self__", None)
    name = getattr(fn, "__name__", "")
    if type(owner).__module__ == "numpy" and hasattr(owner, "__name__"):
        return f"numpy.{owner.__name__}.{name}"
    if type(fn).__name__ == "ufunc":
        return f"numpy.{name}"
    module = (getattr(fn, "__module__", None) or "").lstrip("_")
    if not name or module not in ("math", "builtins", "operator", "numpy", "numpy.linalg", "numpy.fft"):
        return ""
    return name if module == "builtins" and f"builtins.{name}" not in PRIMS else f"{module}.{name}"


def of_part(name: str) -> tuple[str, str]:
    """Whether such a function is compiled, and the notes."""
    return "yes", "of every function of two operands" if name == OUTER else "differentiated as what it does"


# -- the page of the documentation ------------------------------------------------------------------------


def page_tables() -> str:
    """The catalogue as tables of Markdown, one a family."""
    found = entries()
    parts = []
    for key, heading in FAMILIES.items():
        rows = [e for e in found if e.family == key]
        lines = [
            f"## {heading}",
            "",
            "| function | reverse | forward | jit | notes |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [
            f"| `{e.name.replace('|', chr(92) + '|')}` | {e.mode} | {e.mode} | {e.jit} | {e.notes} |"
            for e in rows
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
