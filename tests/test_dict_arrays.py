"""Arrays that a dict holds, changed in place through it: the dict stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from s2sad import S2sadError, grad, value_and_grad
from tests.test_memory_kinds import checked

X = np.array([0.3, 0.4, 0.5])


def step(p, x):
    p["w"] -= 0.1 * x
    p["w"][0] *= p["b"]
    return np.sum(p["w"] ** 2)


def test_parameters_updated_in_place():
    parameters = {"w": X.copy(), "b": 2.0}
    value, (dp, dx) = value_and_grad(step, wrt=(0, 1))(parameters, X)
    np.testing.assert_allclose(parameters["w"], [0.54, 0.36, 0.45])
    np.testing.assert_allclose(dp["w"], [2.16, 0.72, 0.9])
    np.testing.assert_allclose(dx, [-0.216, -0.072, -0.09])
    assert np.isclose(dp["b"], 0.2916)
    assert np.isclose(value, np.sum(parameters["w"] ** 2))


def both_of_a_local_dict(x):
    d = {"p": x * 2.0, "q": np.ones(3)}
    for _ in range(2):
        d["p"] *= d["q"][0] + x[0]
        d["q"] += d["p"]
    return np.sum(d["p"] * d["q"])


def one_under_two_keys(x):
    d = {"a": x, 1: x}
    d["a"] *= x[1]
    d[1] += d["a"][0] ** 2
    return np.sum(x * d[1])


def views_in_a_dict(x):
    y = x * x
    d = {"head": y[:2], "tail": y[1:]}
    d["head"] *= x[2]
    d["tail"] -= d["head"]
    d["tail"][0] **= 2
    return np.sum(y**2)


def in_a_branch(x):
    d = {"v": x.copy()}
    if x[0] > 0:
        d["v"] /= x[1]
    else:
        d["v"] *= 3.0
    return np.sum(d["v"] ** 3)


def test_local_dicts():
    for fn in (both_of_a_local_dict, one_under_two_keys, views_in_a_dict, in_a_branch):
        checked(fn, X)


def test_numbers_in_dicts_are_still_refused_by_name():
    def f(x):
        d = {"n": 1.0}
        d["n"] += x[0]
        return d["n"]

    with pytest.raises(S2sadError, match="element of a dict"):
        grad(f)(X)
