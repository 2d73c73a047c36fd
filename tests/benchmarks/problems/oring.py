"""Logistic regression on the space shuttle's O-rings: a thousand steps of gradient descent in a compiled loop.

The data, the model and the rate are those of examples/oring.py; contestants return where the descent ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from tests.benchmarks.hand import fast
from tests.benchmarks.problem import Arguments, Call, Problem, Ready, Style
from tests.benchmarks.rivals import on_jax, rebound, the_jax, the_torch, waited

RATE = 0.0005


def loss(alpha, beta, X, Y):
    total = 0.0
    for i in range(len(X)):
        p = 1.0 / (1.0 + math.exp(beta * X[i] + alpha))
        total += -Y[i] * math.log(p) - (1.0 - Y[i]) * math.log(1.0 - p)
    return total / len(X)


def in_arrays(alpha, beta, X, Y):
    p = 1.0 / (1.0 + np.exp(beta * X + alpha))
    return np.sum(-Y * np.log(p) - (1.0 - Y) * np.log(1.0 - p)) / len(X)


def descent(gradient: Call) -> Call:
    def train(alpha, beta, X, Y, epochs):
        for _ in range(epochs):
            dalpha, dbeta = gradient(alpha, beta, X, Y)
            alpha = alpha - RATE * dalpha
            beta = beta - RATE * dbeta
        return alpha, beta

    return train


def around(gradient: Call, jit: bool) -> Call:
    train = descent(gradient)
    return njit(error_model="numpy")(train) if jit else train


def primal(fn: Call) -> Call:
    """The loss as often as the descent has its gradient."""
    value = njit(error_model="numpy")(fn)

    @njit(error_model="numpy")
    def repeated(alpha, beta, X, Y, epochs):
        total = 0.0
        for _ in range(epochs):
            total += value(alpha + 1e-9 * total, beta, X, Y)
        return total

    return repeated


@fast
def adjoint(alpha: float, beta: float, X: np.ndarray, Y: np.ndarray) -> tuple[float, float]:
    """Observations are independent: forward and back in one turn, without a tape."""
    dalpha = dbeta = 0.0
    seed = 1.0 / len(X)
    for i in range(len(X)):
        p = 1.0 / (1.0 + math.exp(beta * X[i] + alpha))
        dp = seed * ((1.0 - Y[i]) / (1.0 - p) - Y[i] / p)
        t = (p - 1.0) * p * dp
        dalpha += t
        dbeta += X[i] * t
    return dalpha, dbeta


@fast
def simplified(alpha: float, beta: float, X: np.ndarray, Y: np.ndarray) -> tuple[float, float]:
    """What the adjoint is once the divisions are cancelled on paper: y - p."""
    dalpha = dbeta = 0.0
    for i in range(len(X)):
        t = Y[i] - 1.0 / (1.0 + math.exp(beta * X[i] + alpha))
        dalpha += t
        dbeta += X[i] * t
    return dalpha / len(X), dbeta / len(X)


def by_jax(args: Arguments, wrt: tuple[int, ...]) -> Ready:
    jax = the_jax()
    gradient = jax.grad(rebound(in_arrays, jax.numpy), argnums=(0, 1))

    def train(alpha: Any, beta: Any, X: Any, Y: Any, epochs: int) -> Any:
        def turn(_: int, at: Any) -> Any:
            da, db = gradient(*at, X, Y)
            return at[0] - RATE * da, at[1] - RATE * db

        return jax.lax.fori_loop(0, epochs, turn, (alpha, beta))

    return Ready(waited(jax, jax.jit(train, static_argnums=4)), on_jax(args))


def by_autograd(args: Arguments, wrt: tuple[int, ...]) -> Ready:
    import autograd
    import autograd.numpy

    return Ready(descent(autograd.grad(rebound(in_arrays, autograd.numpy), argnum=(0, 1))), args)


def by_torch(compiled: bool) -> Callable[[Arguments, tuple[int, ...]], Ready]:
    def make(args: Arguments, wrt: tuple[int, ...]) -> Ready:
        torch = the_torch()
        fn = rebound(in_arrays, torch)
        fn = torch.compile(fn) if compiled else fn

        def gradient(alpha: Any, beta: Any, X: Any, Y: Any) -> Any:
            at = alpha.detach().requires_grad_(), beta.detach().requires_grad_()
            return torch.autograd.grad(fn(*at, X, Y), at)

        alpha, beta, X, Y, epochs = args
        theirs = torch.tensor(alpha), torch.tensor(beta), torch.from_numpy(X), torch.from_numpy(Y), epochs
        return Ready(descent(gradient), theirs)

    return make


def inputs(epochs: int) -> Arguments:
    from examples.oring import DAMAGE, TEMPERATURE

    return 0.0, 0.0, np.array(TEMPERATURE), np.array(DAMAGE), epochs


PROBLEM = Problem(
    name="oring",
    title="O-ring likelihood in a compiled loop",
    inputs=inputs,
    sizes={"full": (1000,), "quick": (100,), "tiny": (3,)},
    wrt=(0, 1),
    styles={"loops": Style(loss), "arrays": Style(in_arrays)},
    figure="loops",
    hand={"adjoint": njit(error_model="numpy")(descent(adjoint))},
    closed={"divisions cancelled": njit(error_model="numpy")(descent(simplified))},
    rivals={
        "JAX": by_jax,
        "autograd": by_autograd,
        "PyTorch": by_torch(False),
        "PyTorch compiled": by_torch(True),
    },
    one=lambda args: args[:4],
    around=around,
    primal=primal,
)
