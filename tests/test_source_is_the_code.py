"""What is parsed is what `__code__` runs: files edited, loaded again or moved, lambdas, cells, entries of linecache."""

from __future__ import annotations

import doctest
import importlib.util
import linecache
import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import s2sad
from s2sad import grad, jvp, value_and_grad
from s2sad.frontend.finding import source_of

FIRST = "import math\n\n\ndef f(x):\n    return x * x\n"
SECOND = "import math\n\n\ndef f(x):\n    return x * x * x\n"


@pytest.fixture
def edited(tmp_path: Path) -> Any:
    """Writes a module's file and (again) loads it; files written within a second differ in their size."""
    names: list[str] = []

    class Edited:
        path = tmp_path / "edited_module.py"

        def write(self, text: str) -> None:
            self.path.write_text(text)
            stamp = self.path.stat().st_mtime + len(names)
            os.utime(self.path, (stamp, stamp))
            names.append(text)

        def load(self, text: str | None = None) -> types.ModuleType:
            if text is not None:
                self.write(text)
            spec = importlib.util.spec_from_file_location("edited_module", self.path)
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules["edited_module"] = module
            exec(compile(self.path.read_text(), str(self.path), "exec"), module.__dict__)
            return module

    yield Edited()
    sys.modules.pop("edited_module", None)


def test_a_module_loaded_again_gives_the_new_function(edited: Any) -> None:
    old = edited.load(FIRST)
    assert grad(old.f)(3.0) == 6.0
    new = edited.load(SECOND)
    assert grad(new.f)(3.0) == 27.0


def test_a_module_loaded_again_leaves_the_old_function_as_it_is(edited: Any) -> None:
    old = edited.load(FIRST)
    assert grad(old.f)(3.0) == 6.0
    edited.load(SECOND)
    assert grad(old.f)(3.0) == 6.0


def test_an_edited_file_that_was_not_loaded_again_is_refused(edited: Any) -> None:
    old = edited.load(FIRST)
    edited.write(SECOND)
    linecache.clearcache()
    with pytest.raises(s2sad.errors.SourceError, match=r"edited_module.py:4: .* is not the function's"):
        grad(old.f)


def test_what_was_read_before_the_edit_is_still_the_function(edited: Any) -> None:
    old = edited.load(FIRST)
    linecache.getlines(str(edited.path))
    edited.write(SECOND)
    assert grad(old.f)(3.0) == 6.0


@pytest.mark.parametrize(
    "changed",
    [
        "import math\n\n\ndef f(y):\n    return y * y\n",
        "import math\n\n\ndef f(x):\n    return x * x + 0.0\n",
        "import math\n\n\ndef f(x):\n    return 1.0 * x * x\n",
        "import math\n\n\ndef f(x, y=1):\n    return x * x\n",
        "import math\n\n\ndef g(x):\n    return x * x\n",
        "import math\n\n\ndef f(x):\n    return (x * x\n",
        "import math\n\n\ndef f(x):\n    return x ** 2\n",
        "import math\n",
        "",
    ],
)
def test_any_other_code_is_refused(edited: Any, changed: str) -> None:
    old = edited.load(FIRST)
    edited.write(changed)
    linecache.clearcache()
    with pytest.raises(s2sad.errors.SourceError):
        grad(old.f)(3.0)


@pytest.mark.parametrize("constants", [("1", "1.0"), ("1.0", "True"), ("0.0", "-0.0"), ("1", "2")])
def test_constants_that_are_equal_are_told_apart(edited: Any, constants: tuple[str, str]) -> None:
    text = "def f(x):\n    return x * ({}, x)[0]\n"
    old = edited.load(text.format(constants[0]))
    edited.write(text.format(constants[1]))
    linecache.clearcache()
    with pytest.raises(s2sad.errors.SourceError):
        grad(old.f)(3.0)


def test_a_function_that_moved_is_found(edited: Any) -> None:
    old = edited.load(FIRST)
    edited.write(
        "import math\n\n\ndef f(x):\n    return 5.0 * x\n\n\ndef g(x):\n    def f(x):\n        return x * x\n"
    )
    linecache.clearcache()
    assert grad(old.f)(3.0) == 6.0


def test_another_function_moved_to_its_line(edited: Any) -> None:
    old = edited.load("def g(x):\n    return x\n\n\ndef f(x):\n    return x * x\n")
    edited.write("def f(x):\n    return x * x\n\n\ndef f(x):\n    return 7.0 * x\n")
    linecache.clearcache()
    assert grad(old.f)(3.0) == 6.0


def test_a_helper_that_was_edited_is_refused(edited: Any) -> None:
    text = "def helper(x):\n    return {} * x\n\n\ndef f(x):\n    return helper(x) * x\n"
    old = edited.load(text.format("2.0"))
    edited.write(text.format("3.0"))
    linecache.clearcache()
    g = grad(old.f)
    with pytest.raises(s2sad.errors.SourceError, match="helper"):
        g(3.0)


def test_a_method_that_was_edited_is_refused(edited: Any) -> None:
    text = (
        "from dataclasses import dataclass\n\n\n@dataclass\nclass P:\n    a: float\n\n    def _scaled(self, x):\n"
        "        return {} * self.a * x\n\n    def value(self, x):\n        return self._scaled(x)\n\n\n"
        "def f(x, p):\n    return p.value(x) * x\n"
    )
    old = edited.load(text.format("2.0"))
    assert grad(old.f)(3.0, old.P(1.0)) == 12.0
    new = edited.load(text.format("3.0"))
    assert grad(new.f)(3.0, new.P(1.0)) == 18.0
    edited.write(text.format("4.0"))
    linecache.clearcache()
    edited_after = edited.load(text.format("5.0"))
    edited.write(text.format("6.0"))
    linecache.clearcache()
    with pytest.raises(s2sad.errors.SourceError, match="_scaled|value"):
        grad(edited_after.f)(3.0, edited_after.P(1.0))


def test_lambdas_on_a_line_are_told_apart_by_their_code(edited: Any) -> None:
    module = edited.load(
        "pair = (lambda x: x * x), (lambda x: x * x * x); one = lambda x, k=(lambda y: 2.0 * y): k(x)\n"
    )
    assert [grad(f)(3.0) for f in module.pair] == [6.0, 27.0]
    assert grad(module.one)(3.0) == 2.0
    inner = module.one.__defaults__[0]
    assert grad(inner)(3.0) == 2.0


def test_lambdas_that_are_alike_are_each_themselves(edited: Any) -> None:
    module = edited.load(
        "def make(k):\n    return lambda x: k * x * x\n\n\npair = make(2.0), make(3.0)\nnested = lambda x: (lambda y: y * y)(x) + (lambda y: y * y)(x)\n"
    )
    assert [grad(f)(1.0) for f in module.pair] == [4.0, 6.0]
    assert grad(module.nested)(3.0) == 12.0


def test_a_lambda_that_was_edited_is_refused(edited: Any) -> None:
    old = edited.load("f = lambda x: x * x\n")
    edited.write("f = lambda x: x * x * x\n")
    linecache.clearcache()
    with pytest.raises(s2sad.errors.SourceError, match="edited_module.py:1"):
        grad(old.f)


def test_code_that_was_put_into_a_function_is_read_or_refused(edited: Any) -> None:
    module = edited.load(FIRST + "\n\ndef g(x):\n    return x * x * x\n")
    derivative = grad(module.f)
    assert derivative(3.0) == 6.0
    module.f.__code__ = module.f.__code__.replace(co_name="f", co_consts=(None, 5))
    with pytest.raises(s2sad.errors.SourceError):
        grad(module.f)(3.0)
    module.f.__code__ = module.g.__code__
    assert grad(module.f)(3.0) == 27.0


def test_an_entry_of_linecache_that_is_not_the_code_is_refused() -> None:
    text = "def f(x):\n    return x * x\n"
    space: dict[str, Any] = {}
    exec(compile(text, "<made here>", "exec"), space)
    linecache.cache["<made here>"] = (len(text), None, text.splitlines(keepends=True), "<made here>")
    assert grad(space["f"])(3.0) == 6.0
    other = "def f(x):\n    return 5.0 * x\n"
    exec(compile(text, "<made there>", "exec"), space)
    linecache.cache["<made there>"] = (len(other), None, other.splitlines(keepends=True), "<made there>")
    with pytest.raises(s2sad.errors.SourceError):
        grad(space["f"])


def test_cells_that_share_a_name_of_a_file(tmp_path: Path) -> None:
    """As IPython does: each cell has its own file name, and a cell run again has another."""
    made = []
    for number, text in enumerate(("f = lambda x: x * x\n", "f = lambda x: x * x * x\n")):
        name = f"<cell {number}>"
        space: dict[str, Any] = {}
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), space)
        made.append(space["f"])
    assert [grad(f)(3.0) for f in made] == [6.0, 27.0]


def test_doctests_are_read() -> None:
    text = ">>> from s2sad import grad\n>>> def f(x):\n...     return x * x\n>>> grad(f)(3.0)\n6.0\n>>> def f(x):\n...     return 5.0 * x\n>>> grad(f)(3.0)\n5.0\n"
    test = doctest.DocTestParser().get_doctest(text, {}, "sample", "sample.txt", 0)
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


def around(k: float) -> Any:
    """Functions whose code depends on what is around them."""

    class Owner:
        __private = 2.0

        def method(self, x: float) -> float:
            assert x > 0.0, "tests are loaded with their asserts rewritten"
            return self.__private * x * k

        @staticmethod
        def static(x: float) -> float:
            import math

            return math.sin(x) * k if x > 0 else sum(v * k for v in [x, x])

    return Owner


@pytest.mark.parametrize("name", ["method", "static"])
def test_functions_in_classes_and_functions_are_found(name: str) -> None:
    fn = vars(around(2.0))[name]
    found = source_of(getattr(fn, "__func__", fn))
    assert found.name == name and found.loc.file.name == __file__


def asserted(x):
    assert x > 0.0, "positive"

    def inner(y):
        assert y != 3.0
        return y * y

    return inner(x)


def test_asserts_that_pytest_rewrote_are_those_of_the_text() -> None:
    assert value_and_grad(asserted)(2.0) == (4.0, 4.0)
    assert jvp(asserted, (2.0,), (1.0,)) == (4.0, 4.0)
    with pytest.raises(AssertionError):
        grad(asserted)(-1.0)


annotated = """from __future__ import annotations
import numpy as np
if True:
    from math import sin as s


def f(x: float) -> float:
    "Text."
    def g(y: Missing) -> Missing:
        return np.sin(y).item() * s(y).real
    return g(x)
"""


def test_futures_and_imports_of_the_module_are_heeded(edited: Any) -> None:
    module = edited.load(annotated)
    assert source_of(module.f).name == "f"
    stripped = edited.load(annotated.replace("import numpy as np", "np = __import__('numpy')"))
    assert source_of(stripped.f).name == "f"
