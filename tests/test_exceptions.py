"""What the primal raises, of its class and with its message, is raised by its derivatives."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s2sad import S2sadError, grad, hessian, hvp, jacfwd, jacrev, jvp, value_and_grad, vjp
from s2sad.errors import JitError
from tests import raising_programs as programs
from tests.raising_programs import PROGRAMS

NOT_COMPILED = {
    "statement_chooses",
    "text_of_a_list",
}  # refused: an exception that a branch gives, a text of a list


def outcome(call: Callable[[], Any]) -> tuple[Any, ...]:
    """What a call raises: its class, text and arguments, its cause and whether its context is hidden."""
    try:
        return ("returned", call())
    except BaseException as error:
        arguments = None if type(error).__str__ is not type(error).__mro__[-2].__str__ else error.args
        return type(error), str(error), repr(arguments), type(error.__cause__), error.__suppress_context__


KINDS: dict[str, Callable[..., Any]] = {
    "grad": lambda f, x: grad(f)(x),
    "grad at 0": lambda f, x: grad(f, optimize=0)(x),
    "value_and_grad at 1": lambda f, x: value_and_grad(f, optimize=1)(x),
    "vjp": lambda f, x: vjp(f, x),
    "jvp": lambda f, x: jvp(f, (x,), (1.0,)),
    "jacfwd": lambda f, x: jacfwd(f)(x),
    "jacrev": lambda f, x: jacrev(f)(x),
    "hessian": lambda f, x: hessian(f)(x),
    "hvp": lambda f, x: hvp(f)(x, 1.0),
    "grad of grad": lambda f, x: grad(grad(f))(x),
}


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_the_primal_s_exception(f: Callable[[float], float]) -> None:
    wanted = outcome(lambda: f(-0.7))
    assert wanted[0] != "returned"
    for name, made in KINDS.items():
        assert outcome(lambda made=made: made(f, -0.7)) == wanted, name  # type: ignore[misc]
        assert outcome(lambda made=made: made(f, 0.7))[0] == "returned", name  # type: ignore[misc]


@pytest.mark.jit
@pytest.mark.parametrize(
    "f",
    [p if i % 5 == 0 else pytest.param(p, marks=pytest.mark.slow) for i, p in enumerate(PROGRAMS)],
    ids=lambda f: f.__name__,
)
def test_the_primal_s_exception_compiled(f: Callable[[float], float]) -> None:
    g = grad(f, jit=True)
    if f.__name__ in NOT_COMPILED:
        with pytest.raises(JitError, match=r"raising_programs.py:\d+"):
            g(0.7)
        return
    assert outcome(lambda: g(-0.7)) == outcome(lambda: f(-0.7))
    assert g(0.7) == pytest.approx(grad(f)(0.7))


def test_a_class_that_is_local() -> None:
    class Local(Exception):
        def __init__(self, number: float, *, unit: str = "m") -> None:
            super().__init__(f"{number} {unit}")

    def f(x):
        if x < 0.0:
            raise Local(x, unit="km")
        return x * x

    with pytest.raises(Local, match="-2.0 km"):
        grad(f)(-2.0)
    assert grad(f)(2.0) == 4.0


def test_the_class_is_read_anew() -> None:
    class First(Exception): ...

    class Second(Exception): ...

    error: Any = First

    def f(x):
        if x < 0.0:
            raise error("negative")
        return x * x

    g = grad(f)
    with pytest.raises(First):
        g(-1.0)
    error = Second
    with pytest.raises(Second):
        g(-1.0)


def instance(x):
    if x < 0.0:
        raise MADE
    return x * x


MADE = ValueError("made once")


def test_an_instance_made_elsewhere_is_refused() -> None:
    with pytest.raises(S2sadError, match=r"test_exceptions.py:\d+.*raising a ValueError"):
        grad(instance)(1.0)


def named_like_the_code_s_own(MyErr, Raised1):
    dMyErr = MyErr * Raised1
    if dMyErr < 0.0:
        raise programs.MyErr(f"{dMyErr:.1f}")
    return dMyErr * MyErr


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.jit)])
def test_names_that_generated_code_uses(jit: bool) -> None:
    g = grad(named_like_the_code_s_own, jit=jit)
    assert g(2.0, 3.0) == 12.0
    with pytest.raises(programs.MyErr, match="-6.0"):
        g(-2.0, 3.0)


SAVED = [
    "own_class",
    "of_numpy",
    "f_string",
    "by_attribute_and_format",
    "nested_class",
    "percent",
    "asserted",
]


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_module_raises_a_class_of_the_same_name(name: str, tmp_path: Path) -> None:
    f = getattr(programs, name)
    g = grad(f)
    g(0.7)
    g.save(tmp_path / "saved.py")
    space: dict[str, Any] = {}
    exec((tmp_path / "saved.py").read_text(), space)
    saved = space[f"{name}_grad"]
    assert saved(0.7) == grad(f)(0.7)
    wanted = outcome(lambda: f(-0.7))
    found = outcome(lambda: saved(-0.7))
    assert found[0].__name__ == wanted[0].__name__ and found[1:3] == wanted[1:3]
    builtin = [c for c in wanted[0].__mro__ if c.__module__ in ("builtins", "numpy.linalg")]
    assert all(issubclass(found[0], c) for c in builtin)


def test_texts_are_made_as_python_makes_them() -> None:
    def f(x):
        a = np.array([x, 2.0])
        t = (
            repr(a[0])
            + str(a[0])
            + f"{a[0]}"
            + "%r" % a[0]
            + "{!r:>20}".format(a)
            + ascii("é")
            + format(x, "08.3f")
        )
        if x < 0.0:
            raise ValueError(t)
        return x * x

    assert outcome(lambda: grad(f)(-0.7)) == outcome(lambda: f(-0.7))


def test_printing_formats_alike(capsys: Any) -> None:
    def f(x):
        n = 3
        print("%5.2f|" % x, f"{x:.{n}f}|", repr(x), "a" + str(x), sep=";", file=None) if False else None
        print("%5.2f|" % x, f"{x:.{n}f}|", repr(x), "a" + str(x), sep=";")
        return x * x

    f(0.7)
    wanted = capsys.readouterr().out
    grad(f)(0.7)
    assert capsys.readouterr().out == wanted
    assert sys.flags.optimize == 0
