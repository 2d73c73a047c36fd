"""The catalogue tells the truth: each function that is said to compile does, and gives what it gives interpreted.

A tenth of the functions is compiled each day, all where the `slow` tests run.
"""

from __future__ import annotations

import datetime
import math
import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("scipy")

from s2sad import JitError, grad, jvp
from s2sad.cli import main
from s2sad.cli.catalogue import Entry, entries, page_tables
from s2sad.rules.registry import PRIMS
from tests.array_checks import Case, check, is_floating
from tests.array_table import TABLE, V, function
from tests.catalogue_table import ARRAYS, NUMBERS, TURNED

DAY = int(os.environ.get("S2SAD_DAY", datetime.date.today().toordinal())) % 10
ROWS: list[tuple[Any, ...]] = [
    *((text, *args) for text, args in NUMBERS.items()), *ARRAYS, *(row for rows in TABLE.values() for row in rows),
]  # fmt: skip
ENTRIES = entries()


@cache
def pattern(name: str) -> re.Pattern[str]:
    """How a function's name stands in a row's text."""
    short = name.rpartition(".")[2]
    if name.startswith("ndarray."):
        return re.compile(rf"(?<!\bnp)(?<!special)(?<!linalg)\.{short}\(")
    if name.startswith("list."):
        return re.compile(rf"\b(rows|s)\.{short}\(")
    if name == "numpy.ufunc.outer":
        return re.compile(r"np\.multiply\.outer\(")
    return re.compile(rf"(?<![\w.]){re.escape(re.sub('^numpy', 'np', name))}\(")


def row_of(entry: Entry) -> tuple[Any, ...] | None:
    """The shortest call of a function in the tables, of float64 arrays if there is one."""
    if entry.family == "operators":
        text = TURNED.get(entry.name, entry.name)
        found = [row for row in ROWS if text in row[0]]
    else:
        found = [row for row in ROWS if pattern(entry.name).search(row[0])]
    order = sorted(range(len(found)), key=lambda k: (is_single(found[k]), len(found[k][0]), k))
    return found[order[0]] if order else None


def is_single(row: Any) -> bool:
    """Whether a row computes in float32."""
    return "float32" in row[0] or any(getattr(a, "dtype", None) == np.float32 for a in row)


def chosen(wanted: str) -> list[Any]:
    """The functions of which the catalogue says so; those whose turn it is not are slow."""
    names = [e for e in ENTRIES if e.jit == wanted]
    return [
        pytest.param(e, id=e.name, marks=() if k % 10 == DAY else pytest.mark.slow)
        for k, e in enumerate(names)
    ]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
def test_each_function_has_a_call_in_the_tables(entry):
    assert row_of(entry) is not None
    assert entry.jit in ("yes", "no")


@pytest.mark.jit
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", chosen("yes"))
def test_compiled(entry):
    """Reverse and forward, against interpreted."""
    text, *args = row_of(entry)
    fn = function(text, len(args))
    single = is_single(row_of(entry))
    check(Case(fn, tuple(args)), jit=True, single=single)
    given = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
    along = [
        np.cos(np.arange(np.size(a))).reshape(np.shape(a)).astype(np.asarray(a).dtype)[()]
        if is_floating(a)
        else None
        for a in args
    ]
    expected = jvp(fn, tuple(given), tuple(along))
    given = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
    np.testing.assert_allclose(
        jvp(fn, tuple(given), tuple(along), jit=True),
        expected,
        rtol=1e-4 if single else 1e-9,
        atol=1e-5 if single else 1e-12,
    )


@pytest.mark.jit
@pytest.mark.parametrize("entry", chosen("no"))
def test_refused_by_name(entry):
    text, *args = row_of(entry)
    with pytest.raises(JitError, match=re.escape(entry.name.rpartition(".")[2])):
        grad(function(text, len(args)), jit=True)(*args)


@pytest.mark.jit
def test_what_has_no_compiled_form_is_refused_by_name(monkeypatch):
    monkeypatch.setitem(PRIMS, "numpy.tanh", replace(PRIMS["numpy.tanh"], jit=False))
    f = function("np.tanh(a)", 1)
    with pytest.raises(JitError, match=r":2:\d+: numpy.tanh\(\) cannot be compiled"):
        grad(f, jit=True)(V.copy())
    np.testing.assert_allclose(grad(f)(V.copy()), np.cos(np.tanh(V)) / np.cosh(V) ** 2)


INTERPRETED = [e for e in ENTRIES if e.jit == "no"]
COMPILED = [row for row in ROWS if not any(pattern(e.name).search(row[0]) for e in INTERPRETED)]


def shown(row: Any) -> str:
    return f"{row[0]} of {', '.join(str(np.shape(a)) for a in row[1:])}"


@pytest.mark.jit
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", COMPILED, ids=shown)
def test_each_call_of_the_tables_compiles(row):
    text, *args = row
    check(Case(function(text, len(args)), tuple(args)), jit=True, single=is_single(row))


def test_the_page_is_the_table():
    """docs/rules.md, but for functions that other versions of Python or NumPy have."""
    page = (Path(__file__).parents[1] / "docs" / "rules.md").read_text(encoding="utf-8")
    held = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    made = {line.split("`")[1]: line for line in page_tables().splitlines() if line.startswith("| `")}
    assert {n: held[n] for n in held if n in made} == {n: made[n] for n in made if n in held}, (
        "run `python docs/refresh.py` and read the diff"
    )
    for name in {*held} ^ {*made}:
        owner: Any = {"math": math, "numpy": np}.get(name.partition(".")[0])
        assert owner is not None and hasattr(owner, name.rpartition(".")[2]) == (name in made), name


def test_support_prints_the_same():
    printed = CliRunner().invoke(main, ["support"]).output
    for entry in ENTRIES:
        assert entry.name in printed, entry.name
