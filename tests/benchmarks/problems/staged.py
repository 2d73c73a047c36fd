"""The staged exercise, f(x, y) = (x + σ(y)) / (σ(x) + (x + y)²), one call through the entry.

With the sigmoid written out, and as a helper, whose redefinition the entry has to see.
"""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.hand import fast
from tests.benchmarks.problem import Arguments, Problem, Style
from tests.benchmarks.rivals import all_plain


def written_out(x, y):
    sigy = 1.0 / (1.0 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    return num * invden


def sigmoid(v):
    return 1.0 / (1.0 + math.exp(-v))


def with_helper(x, y):
    num = x + sigmoid(y)
    den = sigmoid(x) + (x + y) ** 2
    return num / den


def in_numpy(x, y):
    sigy = 1.0 / (1.0 + np.exp(-y))
    sigx = 1.0 / (1.0 + np.exp(-x))
    return (x + sigy) * (1.0 / (sigx + (x + y) ** 2))


@fast
def adjoint(x: float, y: float) -> tuple[float, float]:
    sigy = 1.0 / (1.0 + math.exp(-y))
    sigx = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    invden = 1.0 / (sigx + xpy * xpy)
    dden = -invden * invden * (x + sigy)
    dxpy = 2.0 * xpy * dden
    return dxpy + (1.0 - sigx) * sigx * dden + invden, dxpy + (1.0 - sigy) * sigy * invden


def inputs() -> Arguments:
    return 3.0, -4.0


PROBLEM = Problem(
    name="staged",
    title="staged scalar, one call through the entry",
    inputs=inputs,
    sizes={"full": (), "quick": (), "tiny": ()},
    wrt=(0, 1),
    styles={"helper": Style(with_helper), "written out": Style(written_out)},
    figure="helper",
    hand={"adjoint": adjoint},
    rivals=all_plain(in_numpy),
)
