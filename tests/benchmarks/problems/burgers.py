"""Burgers' equation, viscous, in one dimension: 1000 cells, 1000 explicit steps, by the initial state and viscosity."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.hand import fast, radd, uidx
from tests.benchmarks.problem import Arguments, Call, Problem, Style
from tests.benchmarks.rivals import by_autograd, by_jax, by_torch, rebound


def in_loops(u0, nu, c, steps):
    n = len(u0)
    u = u0.copy()
    v = u0.copy()
    for _ in range(steps):
        for i in range(1, n - 1):
            v[i] = u[i] - c * u[i] * (u[i + 1] - u[i - 1]) + nu * (u[i + 1] - 2.0 * u[i] + u[i - 1])
        for i in range(n):
            u[i] = v[i]
    s = 0.0
    for i in range(n):
        s += u[i] * u[i]
    return s


def in_arrays(u0, nu, c, steps):
    u = u0.copy()
    for _ in range(steps):
        left, mid, right = u[:-2], u[1:-1], u[2:]
        u[1:-1] = mid - c * mid * (right - left) + nu * (right - 2.0 * mid + left)
    return np.sum(u * u)


def step(u, nu, c):
    left, mid, right = u[:-2], u[1:-1], u[2:]
    new = mid - c * mid * (right - left) + nu * (right - 2.0 * mid + left)
    return np.concatenate([u[:1], new, u[-1:]])


def without_writes(u0, nu, c, steps):
    u = u0
    for _ in range(steps):
        u = step(u, nu, c)
    return np.sum(u * u)


@fast
def gathered(u0: np.ndarray, nu: float, c: float, steps: int) -> tuple[np.ndarray, float]:
    """States are the rows of the tape; the adjoint of each cell is written once, from its neighbours; two rows swap."""
    n = len(u0)
    T = np.empty((steps + 1, n))
    for i in range(n):
        T[0, uidx(i)] = u0[uidx(i)]
    for t in range(steps):
        u, v = T[t], T[t + 1]
        v[0], v[n - 1] = u[0], u[n - 1]
        for i in range(1, n - 1):
            left, mid, right = u[uidx(i - 1)], u[uidx(i)], u[uidx(i + 1)]
            v[uidx(i)] = mid - c * mid * (right - left) + nu * (right - 2.0 * mid + left)
    du, dv = np.empty(n), np.empty(n)
    dnu = 0.0
    for i in range(n):
        dv[uidx(i)] = 2.0 * T[steps, uidx(i)]
    for t in range(steps - 1, -1, -1):
        u = T[t]
        first, last = dv[0], dv[n - 1]
        dv[0] = dv[n - 1] = 0.0
        for i in range(1, n - 1):
            left, mid, right = u[uidx(i - 1)], u[uidx(i)], u[uidx(i + 1)]
            dnu = radd(dnu, dv[uidx(i)] * (right - 2.0 * mid + left))
        for i in range(1, n - 1):
            left, mid, right = u[uidx(i - 1)], u[uidx(i)], u[uidx(i + 1)]
            du[uidx(i)] = (
                dv[uidx(i)] * (1.0 - c * (right - left) - 2.0 * nu)
                + dv[uidx(i - 1)] * (nu - c * left)
                + dv[uidx(i + 1)] * (nu + c * right)
            )
        du[0] = first + dv[1] * (nu + c * u[1])
        du[n - 1] = last + dv[n - 2] * (nu - c * u[n - 2])
        du, dv = dv, du
    return dv, dnu


@fast
def one_loop(u0: np.ndarray, nu: float, c: float, steps: int) -> tuple[np.ndarray, float]:
    """The same with one reverse loop a step, and a list of rows: small arrays come from memory that was used before."""
    n = len(u0)
    rows = [u0.copy()]
    for t in range(steps):
        u, v = rows[t], np.empty(n)
        v[0], v[n - 1] = u[0], u[n - 1]
        for i in range(1, n - 1):
            left, mid, right = u[uidx(i - 1)], u[uidx(i)], u[uidx(i + 1)]
            v[uidx(i)] = mid - c * mid * (right - left) + nu * (right - 2.0 * mid + left)
        rows.append(v)
    du, dv = np.empty(n), np.empty(n)
    dnu = 0.0
    u = rows[steps]
    for i in range(n):
        dv[uidx(i)] = 2.0 * u[uidx(i)]
    for t in range(steps - 1, -1, -1):
        u = rows[t]
        first, last = dv[0], dv[n - 1]
        dv[0] = dv[n - 1] = 0.0
        s = 0.0
        for i in range(1, n - 1):
            left, mid, right = u[uidx(i - 1)], u[uidx(i)], u[uidx(i + 1)]
            g = dv[uidx(i)]
            s = radd(s, g * (right - 2.0 * mid + left))
            du[uidx(i)] = (
                g * (1.0 - c * (right - left) - 2.0 * nu)
                + dv[uidx(i - 1)] * (nu - c * left)
                + dv[uidx(i + 1)] * (nu + c * right)
            )
        dnu += s
        du[0] = first + dv[1] * (nu + c * u[1])
        du[n - 1] = last + dv[n - 2] * (nu - c * u[n - 2])
        du, dv = dv, du
    return dv, dnu


def in_jax(jax: Any) -> Call:
    one = rebound(step, jax.numpy)

    def objective(u0: Any, nu: Any, c: Any, steps: int) -> Any:
        u, _ = jax.lax.scan(lambda u, _: (one(u, nu, c), None), u0, None, length=steps)
        return jax.numpy.sum(u * u)

    return objective


def in_torch_steps(torch: Any) -> Call:
    """Only the step compiled: the loop over time would be unrolled."""
    from tests.benchmarks.rivals import TorchNumpy

    one = torch.compile(rebound(step, TorchNumpy(torch)))

    def objective(u0: Any, nu: Any, c: Any, steps: int) -> Any:
        u = u0
        for _ in range(steps):
            u = one(u, nu, c)
        return torch.sum(u * u)

    return objective


def inputs(n: int, steps: int) -> Arguments:
    x = np.linspace(0.0, 2.0 * np.pi, n)
    return 1.0 + 0.5 * np.sin(x) + 0.1 * np.cos(3.0 * x), 0.2, 0.1, steps


PROBLEM = Problem(
    name="burgers",
    title="Burgers 1000 cells × 1000 steps",
    inputs=inputs,
    sizes={"full": (1000, 1000), "quick": (200, 50), "tiny": (8, 3)},
    wrt=(0, 1),
    styles={"loops": Style(in_loops), "arrays": Style(in_arrays)},
    figure="loops",
    hand={"gathered": gathered, "gathered in one loop": one_loop},
    rivals={
        "JAX": by_jax(in_jax),
        "autograd": by_autograd(without_writes),
        "PyTorch": by_torch(without_writes, plain=True),
        "PyTorch compiled": by_torch(in_torch_steps),
    },
)
