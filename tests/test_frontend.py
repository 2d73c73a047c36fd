"""Lowering: the untyped IR of a function, run by the reference interpreter, does what Python does.

Results, mutated arguments and exceptions must agree, and the verifier accepts every function that is lowered
on the way. What is not supported is refused with its place in the source.
"""

from __future__ import annotations

import functools
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s2sad import grad
from s2sad.errors import S2sadError, SourceError, UnsupportedSyntaxError
from s2sad.frontend.finding import source_of
from s2sad.frontend.lower import lower
from s2sad.frontend.source import deep_recursion
from s2sad.ir.core import Op, count_ops, walk
from s2sad.ir.printer import print_function
from s2sad.ir.verify import verify
from tests.constructs import PROGRAMS
from tests.known_wrong import REFUSED
from tests.untyped import interpret, outcome

Make = Callable[[str], Any]


@pytest.fixture
def module(tmp_path: Path) -> Make:
    """Imports a module of this text, from a file of its own."""

    def make(text: str) -> Any:
        path = tmp_path / f"user{len(list(tmp_path.iterdir()))}.py"
        path.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
        return made

    return make


@pytest.mark.parametrize(("f", "args"), PROGRAMS)
def test_runs_as_in_python(f: Any, args: tuple[Any, ...]) -> None:
    assert outcome(lambda *a: interpret(f, *a), args) == outcome(f, args)


def copies_an_unbound_variable(x: float, flag: bool) -> float:
    if flag:
        y = 1.0
    z = y  # noqa: F841
    return x * x


def uses_an_unbound_variable(x: float, flag: bool) -> float:
    if flag:
        y = 1.0
    return x * y


def test_unbound_variables() -> None:
    """A copy of an unbound variable that nothing reads is dead code (docs/conventions.md); a use raises."""
    assert grad(copies_an_unbound_variable)(3.0, False) == 6.0
    with pytest.raises(UnboundLocalError):
        grad(uses_an_unbound_variable)(3.0, False)


@pytest.mark.parametrize(("f", "args"), REFUSED)
def test_refused_rather_than_wrong(f: Any, args: tuple[Any, ...]) -> None:
    got = outcome(lambda *a: interpret(f, *a), args)
    assert got[0] is UnsupportedSyntaxError or got == outcome(f, args)


# -- finding the source -------------------------------------------------------------------------------


def decorated(f: Any) -> Any:
    return functools.lru_cache(f)


class Model:
    rate = 2.0

    @decorated
    @functools.wraps(abs)
    def method(self, x: float) -> float:
        """Indented,
            with a text that
        is not."""
        return self.rate * x + (  # é, and a parenthesis )
            1.0
        )


def test_decorated_method() -> None:
    f = Model.method.__wrapped__
    f.__name__ = "method"
    assert interpret(f, Model(), 3.0) == 7.0
    loc = next(op for op in walk(lower(source_of(f)).body) if isinstance(op, Op) and op.prim == "add").loc
    assert loc.file.line(loc.line).strip().startswith("return self.rate * x")


def test_non_ascii_lines(module: Make) -> None:
    made = module("é, π = 2.0, 3.0\ndef f(ñ):\n    s = 'ünï'; return ñ * é + π if s == 'ünï' else yield_\n")
    assert interpret(made.f, 4.0) == 11.0
    ops = [op for op in walk(lower(source_of(made.f)).body) if isinstance(op, Op) and op.prim == "mul"]
    assert ops[0].loc.stmt.text == "f = ñ * é + π if s == 'ünï' else yield_"
    assert "%ñ" in print_function(lower(source_of(made.f)))
    refused = module("def f(x):\n    ñé = 'ü'; z = {x for _ in ñé}\n    return z\n")
    with pytest.raises(UnsupportedSyntaxError) as caught:
        lower(source_of(refused.f))
    line, caret = str(caught.value).splitlines()[1:3]
    assert line[caret.index("^")] == "{"


def test_lambdas(module: Make) -> None:
    text = "a = lambda x: x + 1\nb, c = (lambda x: x * 2), (lambda x: x * 3)\n"
    text += "d = [lambda x: x - 1 for _ in 'ab']\n"
    made = module(text + "e = lambda x: (lambda y: y + x)(x * x)\nf = e, (lambda x: x), (lambda x:  x)\n")
    for f, want in ((made.a, 6), (made.b, 10), (made.c, 15), (made.d[1], 4), (made.e, 30)):
        assert interpret(f, 5) == want
    assert interpret(made.f[1], 5) == 5


def test_ambiguous_lambdas_are_refused() -> None:
    code = "f, g = (lambda x: x + 1), (lambda x: x + 1)\n"
    space: dict[str, Any] = {}
    stripped = compile(code, __file__, "exec").replace(co_firstlineno=1)
    exec(stripped, space)  # its lines are not those of this file
    with pytest.raises(SourceError):
        source_of(space["f"])


def test_no_source() -> None:
    space: dict[str, Any] = {}
    exec("def f(x): return x", space)
    # Python 3.13 keeps the text of `python -c` under the file name that exec uses
    with pytest.raises(SourceError, match="cannot be found|is not the function's"):
        source_of(space["f"])


def test_edited_source_is_refused(module: Make) -> None:
    made = module("\n\ndef f(x):\n    return x\n")
    path = Path(made.__file__)
    path.write_text("def g(x):\n    return x\n\n\nh = 1\n")
    with pytest.raises(SourceError):
        source_of(made.f)


# -- size ---------------------------------------------------------------------------------------------


def test_sum_of_5000_terms(module: Make) -> None:
    with deep_recursion(100_000):  # CPython's own compiler needs it
        made = module("def f(x):\n    return " + " + ".join(["x"] * 5_000) + "\n")
    assert interpret(made.f, 1.0) == 5_000.0


def test_many_statements_in_linear_time(module: Make) -> None:
    def seconds(n: int) -> float:
        made = module("def f(x):\n" + "    x = x * 1.5 - 1.0\n" * n + "    return x\n")
        start = time.perf_counter()
        fn = lower(source_of(made.f))
        verify(fn, locations=True)
        assert count_ops(fn.body) == 2 * n and print_function(fn).count("\n") == 2 * n + 2
        return time.perf_counter() - start

    small = min(seconds(1_000) for _ in range(2))
    assert seconds(10_000) < 30 * small


def test_long_chains(module: Make) -> None:
    """A chain of elif, an `and`, a comparison and 40 branches that may each return."""
    chain = "".join(f"    elif n == {k}:\n        y = {k}\n" for k in range(1, 90))
    made = module(f"def f(n):\n    if n == 0:\n        y = 0\n{chain}    return y\n")
    assert [interpret(made.f, k) for k in (0, 50, 89)] == [0, 50, 89]
    made = module(
        "def f(x):\n    return " + " and ".join(["x"] * 300) + ", " + " <= ".join(["x"] * 300) + "\n"
    )
    assert interpret(made.f, 2.0) == (2.0, True)
    body = "".join(
        f"    if n > {k}:\n        if n == {k + 1}:\n            return {k}\n        n += 0\n"
        for k in range(40)
    )
    made = module(f"def f(n):\n{body}    return -1\n")
    assert [interpret(made.f, k) for k in (0, 1, 39, 40, 41)] == [made.f(k) for k in (0, 1, 39, 40, 41)]
    assert count_ops(lower(source_of(made.f)).body) < 1_000


# -- the fence ----------------------------------------------------------------------------------------

REFUSED = {
    "del x": ("    ^", "'del'"),
    "global q; q = x": ("    ^", "'global'"),
    "y = {x}": ("        ^", "a set display"),
    "y = {x for _ in [x]}": ("        ^", "a set comprehension"),
    "y = {**x}": ("        ^", "'**' in a dict display"),
    "try: x = 1\n    except ValueError: pass": ("    ^", "'try'"),
    "with x: pass": ("    ^", "'with'"),
    "y = yield x": ("        ^", "a generator function"),
    "match x:\n        case 1: pass": ("    ^", "'match'"),
    "class C: pass": ("    ^", "a class"),
    "async def g(): pass": ("    ^", "an async function"),
    "x.real = 1.0": ("    ^", "assignment to an attribute"),
    "x.real += 1.0": ("    ^", "assignment to an attribute"),
    "def g():\n        nonlocal x\n        x = 1": ("        ^", "'nonlocal'"),
}


@pytest.mark.parametrize("statement", REFUSED)
def test_refused_with_place_and_caret(statement: str, module: Make) -> None:
    caret, what = REFUSED[statement]
    made = module(f"\n\ndef f(x):\n    y = x\n    {statement}\n    return y\n")
    with pytest.raises(UnsupportedSyntaxError) as caught:
        lower(source_of(made.f))
    lines = str(caught.value).splitlines()
    line = 6 if "nonlocal" in statement else 5
    assert lines[0].startswith(f"{made.__file__}:{line}:{len(caret)}: ") and what in lines[0]
    assert lines[2] == "    " + caret and lines[3].startswith("  help: ")
    assert isinstance(caught.value, S2sadError)
