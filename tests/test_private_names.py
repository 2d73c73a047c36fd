"""Names that are private to a class (`__name`) are what Python makes of them: attributes, methods, variables, keywords."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from s2sad import S2sadError, grad, hessian, jvp
from s2sad.cli import main


class Spring:
    __rest = 3.0

    def __init__(self, k):
        self.__k = k
        self.__dunder__ = 2.0

    def __force(self, x, *, __scale=1.0):
        return x * self.__k * __scale

    @staticmethod
    def __cubed(x):
        return x**3

    def energy(self, x):
        return self.__force(x) * x * Spring.__rest * self.__dunder__

    def variables(self, x):
        __t = x * x

        def __inner(__y):
            return __y * __t

        return __inner(x) + self.__cubed(x)

    def parameter(self, __x):
        return self.__force(__x, _Spring__scale=__x)


class _Stiff(Spring):
    def __force(self, x):
        return x * 100.0

    def own(self, x):
        return self.__force(x) + self.energy(x)


class __(Spring):  # a name without letters makes nothing private
    def plain(self, x):
        __k = x * 2.0
        return __k


def outside(spring, x):
    return spring._Spring__k * x * Spring._Spring__rest


def unknown(spring, x):
    return spring.__k * x  # no class around: the name as it stands


@pytest.mark.parametrize("derivative", [lambda f, x: grad(f)(x), lambda f, x: jvp(f, (x,), (1.0,))[1]])
def test_methods(derivative):
    spring, stiff = Spring(2.0), _Stiff(2.0)
    assert derivative(spring.energy, 2.0) == 48.0
    assert derivative(spring.variables, 2.0) == 24.0
    assert derivative(spring.parameter, 2.0) == 8.0
    assert derivative(stiff.own, 2.0) == 148.0
    assert derivative(__(1.0).plain, 2.0) == 2.0


def test_names_of_parameters():
    assert grad(Spring.parameter, wrt="_Spring__x")(Spring(2.0), 2.0) == 8.0
    assert grad(Spring(2.0).parameter)(_Spring__x=2.0) == 8.0
    assert hessian(Spring(2.0).variables)(2.0) == 24.0


def test_from_outside():
    assert grad(outside, wrt=1)(Spring(2.0), 1.0) == 6.0
    with pytest.raises(S2sadError, match="no attribute '__k'"):
        grad(unknown, wrt=1)(Spring(2.0), 1.0)


@pytest.mark.jit
def test_compiled():
    assert grad(Spring(2.0).energy, jit=True)(2.0) == 48.0


def test_a_program_that_is_only_parsed(tmp_path: Path):
    file = tmp_path / "program.py"
    file.write_text(
        "class C:\n    __k = 2.0\n\n    @staticmethod\n    def __cubed(x):\n        return x**3\n\n"
        "    def f(self, x):\n        __t = x * C.__k\n        return self.__cubed(__t)\n"
    )
    found = CliRunner().invoke(main, ["dump", f"{file}:C.f"])
    assert found.exit_code == 0, found.output
    space: dict = {}
    exec(found.output, space)
    assert space["f_grad"](None, 1.0) == 24.0
