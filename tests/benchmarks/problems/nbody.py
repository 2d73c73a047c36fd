"""Eight bodies under gravity, a thousand steps: the energy at the end by positions, velocities and masses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.benchmarks.hand import fast
from tests.benchmarks.problem import Arguments, Call, Problem, Style
from tests.benchmarks.rivals import TorchNumpy, by_autograd, by_jax, by_torch, rebound

SOFT = 0.01


def in_loops(position, velocity, mass, dt, steps):
    n = len(mass)
    p = position.copy()
    v = velocity.copy()
    for _ in range(steps):
        for i in range(n):
            for j in range(i + 1, n):
                dx = p[i, 0] - p[j, 0]
                dy = p[i, 1] - p[j, 1]
                dz = p[i, 2] - p[j, 2]
                d2 = dx * dx + dy * dy + dz * dz + SOFT
                mag = dt / (d2 * math.sqrt(d2))
                v[i, 0] -= dx * mass[j] * mag
                v[i, 1] -= dy * mass[j] * mag
                v[i, 2] -= dz * mass[j] * mag
                v[j, 0] += dx * mass[i] * mag
                v[j, 1] += dy * mass[i] * mag
                v[j, 2] += dz * mass[i] * mag
        for i in range(n):
            p[i, 0] += dt * v[i, 0]
            p[i, 1] += dt * v[i, 1]
            p[i, 2] += dt * v[i, 2]
    energy = 0.0
    for i in range(n):
        energy += 0.5 * mass[i] * (v[i, 0] ** 2 + v[i, 1] ** 2 + v[i, 2] ** 2)
        for j in range(i + 1, n):
            dx = p[i, 0] - p[j, 0]
            dy = p[i, 1] - p[j, 1]
            dz = p[i, 2] - p[j, 2]
            energy -= mass[i] * mass[j] / math.sqrt(dx * dx + dy * dy + dz * dz + SOFT)
    return energy


def pulled(p, mass):
    """The acceleration of each body."""
    d = p[:, None, :] - p[None, :, :]
    d2 = np.sum(d * d, axis=2) + SOFT
    return -np.sum(d * (mass / (d2 * np.sqrt(d2)))[:, :, None], axis=1)


def energy_of(p, v, mass):
    d = p[:, None, :] - p[None, :, :]
    pairs = mass[:, None] * mass / np.sqrt(np.sum(d * d, axis=2) + SOFT)
    selves = np.sum(mass * mass) / SOFT**0.5
    return 0.5 * np.sum(mass * np.sum(v * v, axis=1)) - 0.5 * (np.sum(pairs) - selves)


def in_arrays(position, velocity, mass, dt, steps):
    p, v = position, velocity
    for _ in range(steps):
        v = v + dt * pulled(p, mass)
        p = p + dt * v
    return energy_of(p, v, mass)


@fast
def adjoint(
    position: np.ndarray, velocity: np.ndarray, mass: np.ndarray, dt: float, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stores the positions of each step and two numbers a pair; velocities enter linearly and are not stored."""
    n = len(mass)
    P = np.empty((steps + 1, n, 3))
    M = np.empty((steps, n * (n - 1) // 2, 2))
    P[0] = position
    v = velocity.copy()
    for t in range(steps):
        p, q = P[t], P[t + 1]
        k = 0
        for i in range(n):
            for j in range(i + 1, n):
                dx = p[i, 0] - p[j, 0]
                dy = p[i, 1] - p[j, 1]
                dz = p[i, 2] - p[j, 2]
                d2 = dx * dx + dy * dy + dz * dz + SOFT
                inverse = 1.0 / d2
                mag = dt * inverse * math.sqrt(inverse)
                M[t, k, 0] = mag
                M[t, k, 1] = -3.0 * mag * inverse
                k += 1
                a, b = mass[j] * mag, mass[i] * mag
                v[i, 0] -= dx * a
                v[i, 1] -= dy * a
                v[i, 2] -= dz * a
                v[j, 0] += dx * b
                v[j, 1] += dy * b
                v[j, 2] += dz * b
        for i in range(n):
            for c in range(3):
                q[i, c] = p[i, c] + dt * v[i, c]
    dp, dv, dmass = np.zeros((n, 3)), np.empty((n, 3)), np.zeros(n)
    p = P[steps]
    for i in range(n):
        dmass[i] += 0.5 * (v[i, 0] ** 2 + v[i, 1] ** 2 + v[i, 2] ** 2)
        for c in range(3):
            dv[i, c] = mass[i] * v[i, c]
        for j in range(i + 1, n):
            dx = p[i, 0] - p[j, 0]
            dy = p[i, 1] - p[j, 1]
            dz = p[i, 2] - p[j, 2]
            inverse = 1.0 / (dx * dx + dy * dy + dz * dz + SOFT)
            root = math.sqrt(inverse)
            dmass[i] -= mass[j] * root
            dmass[j] -= mass[i] * root
            w = mass[i] * mass[j] * root * inverse
            dp[i, 0] += w * dx
            dp[i, 1] += w * dy
            dp[i, 2] += w * dz
            dp[j, 0] -= w * dx
            dp[j, 1] -= w * dy
            dp[j, 2] -= w * dz
    for t in range(steps - 1, -1, -1):
        p = P[t]
        for i in range(n):
            for c in range(3):
                dv[i, c] += dt * dp[i, c]
        k = 0
        for i in range(n):
            for j in range(i + 1, n):
                dx = p[i, 0] - p[j, 0]
                dy = p[i, 1] - p[j, 1]
                dz = p[i, 2] - p[j, 2]
                mag, slope = M[t, k, 0], M[t, k, 1]
                k += 1
                along_i = dx * dv[i, 0] + dy * dv[i, 1] + dz * dv[i, 2]
                along_j = dx * dv[j, 0] + dy * dv[j, 1] + dz * dv[j, 2]
                dmass[j] -= mag * along_i
                dmass[i] += mag * along_j
                a, b = mass[j] * mag, mass[i] * mag
                w = (mass[i] * along_j - mass[j] * along_i) * slope
                gx = b * dv[j, 0] - a * dv[i, 0] + w * dx
                gy = b * dv[j, 1] - a * dv[i, 1] + w * dy
                gz = b * dv[j, 2] - a * dv[i, 2] + w * dz
                dp[i, 0] += gx
                dp[i, 1] += gy
                dp[i, 2] += gz
                dp[j, 0] -= gx
                dp[j, 1] -= gy
                dp[j, 2] -= gz
    return dp, dv, dmass


def in_jax(jax: Any) -> Call:
    pull, energy = rebound(pulled, jax.numpy), rebound(energy_of, jax.numpy)

    def objective(position: Any, velocity: Any, mass: Any, dt: Any, steps: int) -> Any:
        def turn(at: Any, _: Any) -> Any:
            p, v = at
            v = v + dt * pull(p, mass)
            return (p + dt * v, v), None

        (p, v), _ = jax.lax.scan(turn, (position, velocity), None, length=steps)
        return energy(p, v, mass)

    return objective


def in_torch_steps(torch: Any) -> Call:
    """Only the forces compiled: the loop over time would be unrolled."""
    names = TorchNumpy(torch)
    pull, energy = torch.compile(rebound(pulled, names)), rebound(energy_of, names)

    def objective(position: Any, velocity: Any, mass: Any, dt: float, steps: int) -> Any:
        p, v = position, velocity
        for _ in range(steps):
            v = v + dt * pull(p, mass)
            p = p + dt * v
        return energy(p, v, mass)

    return objective


def inputs(n: int, steps: int) -> Arguments:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 3)), 0.1 * rng.normal(size=(n, 3)), rng.random(n) / n, 1e-3, steps


PROBLEM = Problem(
    name="nbody",
    title="n-body, 8 bodies × 1000 steps",
    inputs=inputs,
    sizes={"full": (8, 1000), "quick": (5, 50), "tiny": (3, 2)},
    wrt=(0, 1, 2),
    styles={"loops": Style(in_loops), "arrays": Style(in_arrays)},
    figure="loops",
    hand={"adjoint": adjoint},
    rivals={
        "JAX": by_jax(in_jax),
        "autograd": by_autograd(in_arrays),
        "PyTorch": by_torch(in_arrays, plain=True),
        "PyTorch compiled": by_torch(in_torch_steps),
    },
)
