"""Derivatives are pickled and copied as functions are: by name, or as the function with the options."""

from __future__ import annotations

import copy
import functools
import multiprocessing
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s2sad import custom_rule, grad, hessian, hvp, jacfwd, jacobian, jacrev, value_and_grad


def f(x, y=2.0):
    """A function."""
    return x * x * y


@grad
def decorated(x):
    return x * x


@value_and_grad(wrt="x", optimize=1)
def with_options(x, k):
    return k * x * x


@grad
@grad
def twice(x):
    return x**3


def tripled(dy, y, x):
    return 3.0 * dy


@custom_rule(vjp=tripled)
def ruled(x):
    return 2.0 * x


def plain(x):
    return 2.0 * x


ruled_later = custom_rule(plain, vjp=tripled)


@grad
@custom_rule(vjp=tripled)
def ruled_and_decorated(x):
    return x


class Model:
    def __init__(self, k):
        self.k = k

    def loss(self, x, y=1.0):
        return self.k * x * x * y

    @grad
    def slope(self, x):
        return self.k * x * x

    @grad(wrt="x")
    def named(self, x):
        return self.k * x * x

    @staticmethod
    @grad
    def static(x):
        return x * x

    @classmethod
    @grad(wrt="x")
    def of_class(cls, x):
        return x * x


CASES: dict[str, Any] = {
    "function": grad(f),
    "decorated": decorated,
    "partial": functools.partial(with_options, k=2.0),
    "derivative of a derivative": twice,
    "nested": grad(grad(f)),
    "rule": grad(ruled),
    "rule made later": grad(ruled_later),
    "rule and decorator": ruled_and_decorated,
    "jacobian": jacobian(f),
    "jacfwd": jacfwd(f),
    "jacrev": jacrev(f),
    "hessian": hessian(f),
    "hvp": functools.partial(hvp(f), v=1.0),
    "hessp": functools.partial(hvp(f).hessp, p=1.0),
    "method of an object": grad(Model(3.0).loss),
    "decorated method": Model(3.0).slope,
    "decorated method, named": Model(3.0).named,
    "static method": Model.static,
    "class method": Model.of_class,
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_pickled_and_copied(name, protocol):
    if name == "class method" and sys.version_info >= (3, 13):
        pytest.skip("a class method is there a plain method of the class, which pickle looks up by __name__")
    g = CASES[name]
    for other in (pickle.loads(pickle.dumps(g, protocol)), copy.copy(g), copy.deepcopy(g)):
        assert other(3.0) == g(3.0) and type(other(3.0)) is type(g(3.0))


def test_what_stands_in_the_place_of_a_function_is_pickled_by_name():
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    assert pickle.loads(pickle.dumps(twice)) is twice
    assert pickle.loads(pickle.dumps(ruled)) is ruled
    assert pickle.loads(pickle.dumps(Model.slope)) is Model.slope


def test_options_are_kept():
    g = value_and_grad(f, ["x", "y"], optimize=0, jit=False, debug=True)
    other = pickle.loads(pickle.dumps(g))
    assert repr(other) == repr(g) and other.__name__ == g.__name__
    assert vars(other._options) == vars(g._options) and other(1.0, 3.0) == (3.0, (6.0, 1.0))
    assert pickle.loads(pickle.dumps(grad(f, jit=True)))._options.jit
    assert pickle.loads(pickle.dumps(grad(f))).source == grad(f).source


def test_made_once_in_a_process():
    data = pickle.dumps(grad(f, "y"))
    assert pickle.loads(data) is pickle.loads(data)


def test_deep_copies_of_a_method_belong_to_the_copied_object():
    models = [Model(3.0)]
    copied, g = copy.deepcopy((models, models[0].slope))
    copied[0].k = 5.0
    assert g(1.0) == 10.0 and models[0].slope(1.0) == 6.0
    holder = {"g": grad(f), "x": np.ones(2)}
    assert copy.deepcopy(holder)["g"](3.0) == 12.0


def test_what_no_import_finds_is_refused_as_pickle_refuses_it():
    def local(x):
        return x * x

    with pytest.raises((AttributeError, pickle.PicklingError), match="local"):
        pickle.dumps(grad(local))
    assert copy.deepcopy(grad(local))(3.0) == 6.0


def test_a_pool_of_forked_processes():
    with multiprocessing.get_context("fork").Pool(1) as pool:
        for name in ("function", "decorated", "partial", "method of an object", "decorated method"):
            assert pool.map(CASES[name], [1.0, 2.0]) == [CASES[name](1.0), CASES[name](2.0)], name


PROGRAM = """
import functools, multiprocessing, sys
from s2sad import grad, value_and_grad, hvp

def helper(x):
    return x * x

def f(x, y=2.0):
    return helper(x) * y

@grad
def decorated(x):
    return helper(x)

class Model:
    k = 3.0
    @grad
    def slope(self, x):
        return self.k * helper(x)

if __name__ == "__main__":
    g = [grad(f), decorated, Model().slope, functools.partial(value_and_grad(f, "y"), y=1.0), functools.partial(hvp(f), v=1.0)]
    wanted = [[h(1.0), h(2.0)] for h in g]
    if sys.argv[1] == "joblib":
        import joblib
        g += [grad(lambda x: helper(x)), decorated]
        wanted = [[h(1.0), h(2.0)] for h in g]
        with joblib.Parallel(2) as parallel:
            assert [parallel(joblib.delayed(h)(x) for x in (1.0, 2.0)) for h in g] == wanted
    else:
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            assert [pool.map(h, [1.0, 2.0]) for h in g] == wanted
    print("done")
"""


@pytest.mark.parametrize("way", ["spawn", "joblib"])
def test_from_a_main_program(tmp_path, way):
    if way == "joblib":
        pytest.importorskip("joblib")
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "program.py", way],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == "done\n", done.stderr
