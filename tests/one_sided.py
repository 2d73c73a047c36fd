"""Derivatives of all orders at the edges of domains, with mpmath as the oracle: functions from a table, in three spellings.

`{x}` is the variable; capital names are functions of math for a Python number, of NumPy for an element and a whole array.
"""

from __future__ import annotations

import importlib.util
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

mp = pytest.importorskip("mpmath")

NAMES = {"ASIN": "arcsin", "ACOS": "arccos", "ATANH": "arctanh", "ACOSH": "arccosh", "POW": "power"}
KINDS = {"number": "x", "element": "a[0]", "array": "a"}


@dataclass(frozen=True)
class Limit:
    """An expression, the same for mpmath, a point, the side on which it is defined, and the spellings to test."""

    text: str
    exact: Callable[[Any], Any]
    at: float
    side: int = 1
    kinds: tuple[str, ...] = ("number", "element", "array")

    def spelled(self, kind: str) -> str:
        def name(found: re.Match[str]) -> str:
            word = found.group(0)
            if kind == "number":
                return f"math.{word.lower()}"
            return f"np.{NAMES.get(word, word.lower())}"

        return re.sub(r"\b[A-Z][A-Z0-9]+\b", name, self.text).format(x=KINDS[kind])


def limit(f: Callable[[Any], Any], at: float, order: int, side: int) -> float:
    """The one-sided limit of a derivative: it grows beyond all bounds, or it is near."""
    found = []
    for k in (30, 40):
        with mp.workdps(600):
            x = mp.mpf(at) + side * mp.mpf(10) ** -k
            found.append(mp.diff(f, x, order, h=mp.mpf(10) ** -(k + 60)))
    far, near = found
    if abs(near) > 1e12:
        return math.copysign(math.inf, near)
    return 0.0 if abs(near) < 1e-6 and abs(near) < 0.99 * abs(far) else float(near)


def derivatives(limits: list[Limit], folder: Path, orders: int, options: str = "") -> list[Any]:
    """For each spelling of each expression its derivatives of the orders, as functions of a number."""
    lines, found = ["import math", "import numpy as np", "from s2sad import grad"], []
    for i, case in enumerate(limits):
        for kind in case.kinds:
            name, text = f"f{i}_{kind}", case.spelled(kind)
            if kind == "number":
                lines += [f"def {name}(x):", f"    return {text}", f"{name}_1 = grad({name}{options})"]
                lines += [f"{name}_{k} = grad({name}_{k - 1}{options})" for k in range(2, orders + 1)]
            else:
                lines += [
                    f"def {name}(a):",
                    f"    return np.sum({text})",
                    f"{name}_1 = grad({name}{options})",
                ]
                for k in range(2, orders + 1):
                    lines += [f"def g{k}_{name}(a):", f"    return np.sum({name}_{k - 1}(a))"]
                    lines += [f"{name}_{k} = grad(g{k}_{name}{options})"]
            found.append((case, kind, name))
    path = folder / "limits_under_test.py"
    path.write_text("\n".join(lines) + "\n")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [
        (case, kind, [getattr(module, name)] + [getattr(module, f"{name}_{k}") for k in range(1, orders + 1)])
        for case, kind, name in found
    ]


def value(f: Any, kind: str, at: float) -> float:
    return float(f(at)) if kind == "number" else float(np.sum(f(np.array([at]))))


def agrees(found: float, expected: float, rtol: float) -> bool:
    if not math.isfinite(expected):
        return found == expected
    return abs(found - expected) <= rtol * abs(expected) or (expected == 0 and abs(found) < 1e-300)


def disagreements(
    limits: list[Limit], folder: Path, orders: int, options: str = "", rtol: float = 1e-9, first: int = 1
) -> list[str]:
    """The derivatives that are not the limits, and those that warn where the function does not; from order `first` on."""
    expected: dict[Any, float] = {}
    wrong = []
    for case, kind, fs in derivatives(limits, folder, orders, options):
        for order, f in enumerate(fs[first:], first):
            key = (id(case), order)
            if key not in expected:
                expected[key] = limit(case.exact, case.at, order, case.side)
            with np.errstate(all="ignore" if warns(fs[0], kind, case.at) else "raise", under="ignore"):
                try:
                    found = value(f, kind, case.at)
                except FloatingPointError as error:
                    wrong.append(f"{case.spelled(kind)} at {case.at}, order {order}: {error}")
                    continue
            if not agrees(found, expected[key], rtol):
                wrong.append(
                    f"{case.spelled(kind)} at {case.at}, order {order}: {found}, not {expected[key]}"
                )
    return wrong


def warns(f: Any, kind: str, at: float) -> bool:
    try:
        with np.errstate(all="raise", under="ignore"):
            value(f, kind, at)
    except FloatingPointError:
        return True
    return False
