"""Refusals name the line of the differentiated function first, then the calls that lead to the place; never a library's
own lines; and they are raised without frames of s2sad's own."""

from __future__ import annotations

import importlib.util
import io
import logging
import statistics
import subprocess
import sys
import traceback
import types
from pathlib import Path

import numpy as np
import pytest

import s2sad
from s2sad import S2sadError, check_grad, custom_rule, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

HERE = Path(__file__).read_text().splitlines()


def line_of(text: str) -> int:
    return next(k for k, line in enumerate(HERE, 1) if line.strip().startswith(text))


def residual(x):
    with open("x") as f:  # noqa: F841
        return x


def middle(y):
    return 2.0 * residual(y)


def loss(x):
    a = x * x
    return a + middle(x)  # the user's own line


def in_a_comprehension(xs):
    return sum([middle(x) for x in xs])  # of elements


def in_a_loop(x, n):
    s = 0.0
    for _ in range(n):
        s = s + middle(x)  # in each turn
    return s


def recursive(x, n):
    if n == 0:
        return residual(x)  # at the bottom
    return recursive(x, n - 1)


def by_a_closure(x):
    def inner(y):
        return residual(y)

    return inner(x)  # the closure's call


def without_rule(x):
    return np.sum(smoothed(x))  # of an array


def smoothed(x):
    return np.apply_along_axis(np.sum, 0, x)  # the place


def twice_called(x):
    first = scaled(x, 2.0)
    return first + scaled(x, "text")  # the second call


def scaled(x, k):
    return x - k


class Model:
    def loss(self, x):
        return self.part(x)  # the method's call

    def part(self, x):
        return residual(x)


def message(f, *args, **options) -> str:
    with pytest.raises(S2sadError) as caught:
        grad(f, **options)(*args)
    return str(caught.value)


@pytest.mark.parametrize("optimize", [0, 1, 2])
@pytest.mark.parametrize(
    "f, args, line, chain",
    [
        (
            loss,
            (1.0,),
            "return a + middle(x)",
            ["middle(), called from line {} of loss()", "residual(), called from"],
        ),
        (
            in_a_comprehension,
            ([1.0, 2.0],),
            "return sum([middle(x)",
            ["of a comprehension", "residual(), called"],
        ),
        (in_a_loop, (1.0, 3), "s = s + middle(x)", ["middle(), called from line {} of in_a_loop()"]),
        (
            recursive,
            (1.0, 2),
            "return residual(x)  # at the",
            ["residual(), called from line {} of recursive()"],
        ),
        (by_a_closure, (1.0,), "return inner(x)", ["inner(), called from line {} of by_a_closure()"]),
        (without_rule, (np.ones(3),), "return np.sum(smoothed(x))", ["smoothed(), called from line {}"]),
        (
            twice_called,
            (1.0,),
            "return first + scaled(x",
            ["scaled(), called from line {} of twice_called()"],
        ),
        (Model().loss, (1.0,), "return self.part(x)", ["part(), called from line {} of loss()"]),
    ],
)
def test_the_users_line_then_the_calls(f, args, line, chain, optimize):
    at = line_of(line)
    text = message(f, *args, optimize=optimize)
    assert text.startswith(f"{__file__}:{at}:"), text
    assert HERE[at - 1].strip() in text.splitlines()[1]
    for part in chain:
        assert part.format(at) in text, text
    assert "  help: " in text


def test_the_place_is_named_with_its_line():
    text = message(loss, 1.0)
    at = line_of("with open")
    assert f"{__file__}:{at}:5" in text and HERE[at - 1] in text
    assert text.index("return a + middle(x)") < text.index("with open")
    with pytest.raises(S2sadError) as caught:
        grad(loss)(1.0)
    assert caught.value.loc.line == at


def test_without_a_call_there_is_one_place():
    text = message(residual, 1.0)
    assert text.startswith(f"{__file__}:{line_of('with open')}:5") and "called from" not in text


@pytest.mark.parametrize("make", [value_and_grad, hessian, jacobian, lambda f: grad(grad(f))])
def test_every_mode_names_the_users_line(make):
    with pytest.raises(S2sadError) as caught:
        make(loss)(1.0)
    assert str(caught.value).startswith(f"{__file__}:{line_of('return a + middle(x)')}:")


def logs(x):
    logging.info("x is %s", x)
    return x * x


def logs_inside(x):
    return x * logged(x)  # to the helper


def logged(x):
    logging.getLogger("a").warning("x")
    return x


def mean_of(x):
    return statistics.mean([x, 2.0 * x])


def string_io(x):
    print(x, file=io.StringIO())
    return x


@pytest.mark.parametrize(
    "f, first, last",
    [
        (logs, "logging.info", "logging.info"),
        (logs_inside, "return x * logged(x)", 'logging.getLogger("a")'),
        (mean_of, "return statistics.mean", "return statistics.mean"),
    ],
)
def test_what_a_library_does_is_refused_at_the_users_line(f, first, last):
    with pytest.raises(S2sadError) as caught:
        grad(f)(1.0)
    text = str(caught.value)
    assert text.startswith(f"{__file__}:{line_of(first)}:") and caught.value.loc.line == line_of(last)
    assert str(Path(logging.__file__).parent.parent) not in text and "site-packages" not in text
    assert "cannot be differentiated" in text and "custom_rule" in text


def test_libraries_that_are_installed(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "installed" / "_private"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("from installed._private.core import f\n")
    (package / "__init__.py").write_text("")
    (package / "core.py").write_text("def f(x):\n    return g(x)\n\ndef g(x):\n    del x\n    return 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    (tmp_path / "mine.py").write_text("import installed\n\ndef h(x):\n    return installed.f(x)\n")
    spec = importlib.util.spec_from_file_location("mine", tmp_path / "mine.py")
    mine = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mine)
    text = message(mine.h, 1.0)
    assert text.startswith(f"{tmp_path / 'mine.py'}:4:12: f() of installed cannot be differentiated")
    assert "_private" not in text and "core.py" not in text
    import installed

    assert "core.py:5:5" in message(installed.f, 1.0)  # who differentiates it works on it


def test_no_private_modules_in_names():
    optimize = pytest.importorskip("scipy.optimize")

    def solved(x):
        return optimize.minimize_scalar(lambda y: (y - x) ** 2).x

    text = message(solved, 1.0)
    assert "scipy.optimize.minimize_scalar()" in text and "._" not in text


def test_functions_without_source_are_refused_where_they_are_called():
    space: dict = {}
    exec("def hidden(x): return x * x", space)
    hidden = space["hidden"]

    def calls_it(x):
        return hidden(x) + 1.0

    assert message(calls_it, 1.0).startswith(f"{__file__}:{line_of('return hidden(x) + 1.0')}:")


def product(x, y):
    return x * y


@pytest.mark.parametrize(
    "call",
    [
        lambda: grad(loss)(1.0),
        lambda: grad(loss, jit=True)(1.0),
        lambda: grad(loss, wrt=3),
        lambda: grad(loss).source,
        lambda: grad(loss).lower(1.0),
        lambda: hessian(loss)(1.0),
        lambda: hvp(loss)(1.0),
        lambda: jvp(loss, (1.0,), (1.0,)),
        lambda: jvp(loss, 1.0, 1.0),
        lambda: vjp(loss, 1.0),
        lambda: check_grad(loss, (1.0,)),
        lambda: custom_rule(loss),
        lambda: grad(product)(1.0),
        lambda: grad(Model().loss)(1.0),
        lambda: hvp(product, "y").hessp(1.0, 1.0, 1.0),
    ],
)
def test_no_frames_of_our_own(call, monkeypatch):
    with pytest.raises(S2sadError) as caught:
        call()
    error = caught.value
    ours = str(Path(s2sad.__file__).parent)
    assert not [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(ours)]
    shown = "".join(traceback.format_exception(error))
    assert "During handling" not in shown and ours not in shown
    assert error._render_traceback_() == f"{type(error).__name__}: {error}".splitlines()
    monkeypatch.setenv("S2SAD_DEBUG", "1")
    with pytest.raises(S2sadError) as caught:
        call()
    assert any(ours in f.filename for f in traceback.extract_tb(caught.value.__traceback__))


def test_the_cause_of_a_jit_error_stays():
    def f(x):
        return x * len({"a": x, **{str(k): x for k in ()}})

    g = grad(f, jit=True)
    try:
        g(2.0)
    except S2sadError as error:
        assert isinstance(error.__cause__, Exception) or error.__cause__ is None


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("ImportError('Numba needs NumPy 2.4 or less')", ["Numba needs NumPy 2.4 or less", "jit=False"]),
        ("ModuleNotFoundError('No module named numba', name='numba')", ["pip install numba"]),
    ],
)
def test_without_a_numba_that_works(error, says, tmp_path):
    (tmp_path / "numba.py").write_text(f"raise {error}\n")
    program = tmp_path / "program.py"
    program.write_text(
        "from s2sad import grad\n\n\ndef f(x):\n    return x * x\n\n\nprint(grad(f)(3.0))\ngrad(f, jit=True)(3.0)\n"
    )
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True,
        env={"PYTHONPATH": f"{tmp_path}:{Path(s2sad.__file__).parents[1]}"},
    )  # fmt: skip
    assert done.stdout == "6.0\n" and all(text in done.stderr for text in ("JitError", *says)), done.stderr


def test_errors_of_the_numbers_are_shown_at_the_users_definition():
    @grad
    def inverse(x):
        return 1.0 / x

    inverse(1.0)
    with pytest.raises(ZeroDivisionError) as caught:
        inverse(0.0)
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert frames[1].filename == __file__ and frames[1].name == "inverse_grad"
    assert HERE[frames[1].lineno - 1].strip() in ("@grad", "def inverse(x):")


def test_on_the_console(tmp_path):
    (tmp_path / "p.py").write_text(
        "from s2sad import grad\n\ndef f(x):\n    del x\n    return 1.0\n\ngrad(f)(1.0)\n"
    )
    done = subprocess.run(
        [sys.executable, "p.py"], cwd=tmp_path, capture_output=True, text=True,
        env={"PYTHONPATH": str(Path(s2sad.__file__).parents[1]), "PATH": ""},
    )  # fmt: skip
    files = [line for line in done.stderr.splitlines() if line.startswith("  File")]
    assert len(files) == 2 and all("p.py" in line for line in files), done.stderr
    assert "p.py:4:5: 'del' is not supported" in done.stderr


def test_modules_of_libraries_are_told_by_their_place():
    assert isinstance(logging, types.ModuleType)  # Python's own
    from s2sad.errors import Loc, SourceFile, Stmt, package

    def at(name: str) -> str:
        return package(Loc(Stmt(SourceFile(name), 1, "", "f"), 1, 0))

    assert at(logging.__file__) == "logging" and at(statistics.__file__) == "statistics"
    assert at("/venv/lib/python3.11/site-packages/a/b/c.py") == "a"
    assert at("/venv/lib/python3.11/site-packages/one.py") == "one"
    assert at(__file__) == "" and at("<ipython-input-1>") == "" and at("<string>") == ""
