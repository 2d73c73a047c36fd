"""Stencils and sweeps in place, as solvers of partial differential equations write them: slices, loops, 1 to 3 axes."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.problem import Arguments, Kernel


def heat_1d(a, b, steps):
    """Two buffers that take turns, by slices."""
    for _ in range(steps):
        b[1:-1] = 0.33333 * (a[:-2] + a[1:-1] + a[2:])
        a[1:-1] = 0.33333 * (b[:-2] + b[1:-1] + b[2:])
    return np.sum(a * a)


def heat_1d_inputs(n: int, steps: int) -> Arguments:
    rng = np.random.default_rng(0)
    return rng.random(n), rng.random(n), steps


def heat_3d(a, b, steps):
    """Two buffers on three axes, by slices; linear, so nothing need be stored."""
    for _ in range(steps):
        b[1:-1, 1:-1, 1:-1] = (
            0.125 * (a[2:, 1:-1, 1:-1] - 2.0 * a[1:-1, 1:-1, 1:-1] + a[:-2, 1:-1, 1:-1])
            + 0.125 * (a[1:-1, 2:, 1:-1] - 2.0 * a[1:-1, 1:-1, 1:-1] + a[1:-1, :-2, 1:-1])
            + 0.125 * (a[1:-1, 1:-1, 2:] - 2.0 * a[1:-1, 1:-1, 1:-1] + a[1:-1, 1:-1, :-2])
            + a[1:-1, 1:-1, 1:-1]
        )
        a[1:-1, 1:-1, 1:-1] = (
            0.125 * (b[2:, 1:-1, 1:-1] - 2.0 * b[1:-1, 1:-1, 1:-1] + b[:-2, 1:-1, 1:-1])
            + 0.125 * (b[1:-1, 2:, 1:-1] - 2.0 * b[1:-1, 1:-1, 1:-1] + b[1:-1, :-2, 1:-1])
            + 0.125 * (b[1:-1, 1:-1, 2:] - 2.0 * b[1:-1, 1:-1, 1:-1] + b[1:-1, 1:-1, :-2])
            + b[1:-1, 1:-1, 1:-1]
        )
    return np.sum(a)


def heat_3d_inputs(n: int, steps: int) -> Arguments:
    rng = np.random.default_rng(0)
    return rng.random((n, n, n)), rng.random((n, n, n)), steps


def burgers_2d(u, v, nu, dt, dx, steps):
    """Velocities of two components carried by themselves, whole-array copies each step."""
    for _ in range(steps):
        un = u.copy()
        vn = v.copy()
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            - dt / dx * un[1:-1, 1:-1] * (un[1:-1, 1:-1] - un[1:-1, :-2])
            - dt / dx * vn[1:-1, 1:-1] * (un[1:-1, 1:-1] - un[:-2, 1:-1])
            + nu * dt / dx**2 * (un[1:-1, 2:] - 2.0 * un[1:-1, 1:-1] + un[1:-1, :-2])
            + nu * dt / dx**2 * (un[2:, 1:-1] - 2.0 * un[1:-1, 1:-1] + un[:-2, 1:-1])
        )
        v[1:-1, 1:-1] = (
            vn[1:-1, 1:-1]
            - dt / dx * un[1:-1, 1:-1] * (vn[1:-1, 1:-1] - vn[1:-1, :-2])
            - dt / dx * vn[1:-1, 1:-1] * (vn[1:-1, 1:-1] - vn[:-2, 1:-1])
            + nu * dt / dx**2 * (vn[1:-1, 2:] - 2.0 * vn[1:-1, 1:-1] + vn[1:-1, :-2])
            + nu * dt / dx**2 * (vn[2:, 1:-1] - 2.0 * vn[1:-1, 1:-1] + vn[:-2, 1:-1])
        )
        u[0, :] = 1.0
        u[-1, :] = 1.0
        v[:, 0] = 1.0
        v[:, -1] = 1.0
    return np.sum(u * v)


def burgers_2d_inputs(n: int, steps: int) -> Arguments:
    rng = np.random.default_rng(0)
    return 1.0 + 0.1 * rng.random((n, n)), 1.0 + 0.1 * rng.random((n, n)), 0.01, 0.001, 2.0 / n, steps


def cavity(u, v, p, nu, dt, dx, steps, sweeps):
    """A driven cavity: each step solves for the pressure by sweeps over slices, then moves the velocities."""
    for _ in range(steps):
        b = np.zeros_like(p)
        b[1:-1, 1:-1] = (
            (u[1:-1, 2:] - u[1:-1, :-2] + v[2:, 1:-1] - v[:-2, 1:-1]) / (2.0 * dx * dt)
            - ((u[1:-1, 2:] - u[1:-1, :-2]) / (2.0 * dx)) ** 2
            - 2.0 * (u[2:, 1:-1] - u[:-2, 1:-1]) * (v[1:-1, 2:] - v[1:-1, :-2]) / (4.0 * dx * dx)
            - ((v[2:, 1:-1] - v[:-2, 1:-1]) / (2.0 * dx)) ** 2
        )
        for _ in range(sweeps):
            pn = p.copy()
            p[1:-1, 1:-1] = (
                0.25 * (pn[1:-1, 2:] + pn[1:-1, :-2] + pn[2:, 1:-1] + pn[:-2, 1:-1])
                - 0.25 * dx * dx * b[1:-1, 1:-1]
            )
            p[:, -1] = p[:, -2]
            p[0, :] = p[1, :]
            p[:, 0] = p[:, 1]
            p[-1, :] = 0.0
        un = u.copy()
        vn = v.copy()
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[1:-1, :-2])
            - vn[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[:-2, 1:-1])
            - dt / (2.0 * dx) * (p[1:-1, 2:] - p[1:-1, :-2])
            + nu
            * dt
            / dx**2
            * (un[1:-1, 2:] + un[1:-1, :-2] + un[2:, 1:-1] + un[:-2, 1:-1] - 4.0 * un[1:-1, 1:-1])
        )
        v[1:-1, 1:-1] = (
            vn[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (vn[1:-1, 1:-1] - vn[1:-1, :-2])
            - vn[1:-1, 1:-1] * dt / dx * (vn[1:-1, 1:-1] - vn[:-2, 1:-1])
            - dt / (2.0 * dx) * (p[2:, 1:-1] - p[:-2, 1:-1])
            + nu
            * dt
            / dx**2
            * (vn[1:-1, 2:] + vn[1:-1, :-2] + vn[2:, 1:-1] + vn[:-2, 1:-1] - 4.0 * vn[1:-1, 1:-1])
        )
        u[-1, :] = 1.0
        v[-1, :] = 0.0
    return np.sum(u * u) + np.sum(v * v) + np.sum(p)


def cavity_inputs(n: int, steps: int, sweeps: int) -> Arguments:
    rng = np.random.default_rng(0)
    u, v, p = 0.01 * rng.random((3, n, n))
    return u, v, p, 0.1, 0.0005, 2.0 / n, steps, sweeps


def seidel(a, steps):
    """Gauss and Seidel's sweep over nine points: each cell reads what the sweep has just written."""
    n = a.shape[0]
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                a[i, j] = (
                    a[i - 1, j - 1] + a[i - 1, j] + a[i - 1, j + 1]
                    + a[i, j - 1] + a[i, j] + a[i, j + 1]
                    + a[i + 1, j - 1] + a[i + 1, j] + a[i + 1, j + 1]
                ) / 9.0  # fmt: skip
    s = 0.0
    for i in range(n):
        for j in range(n):
            s += a[i, j] * a[i, j]
    return s


def seidel_inputs(n: int, steps: int) -> Arguments:
    return np.random.default_rng(0).random((n, n)), steps


def adi(u, steps, r):
    """Alternating directions: a tridiagonal solve along each column, then along each row."""
    n = u.shape[0]
    v = np.zeros((n, n))
    p = np.zeros((n, n))
    q = np.zeros((n, n))
    for _ in range(steps):
        for i in range(1, n - 1):
            v[0, i] = 1.0
            p[i, 0] = 0.0
            q[i, 0] = v[0, i]
            for j in range(1, n - 1):
                p[i, j] = r / (1.0 + 2.0 * r - r * p[i, j - 1])
                q[i, j] = (
                    r * u[j, i - 1] + (1.0 - 2.0 * r) * u[j, i] + r * u[j, i + 1] + r * q[i, j - 1]
                ) / (1.0 + 2.0 * r - r * p[i, j - 1])
            v[n - 1, i] = 1.0
            for j in range(n - 2, 0, -1):
                v[j, i] = p[i, j] * v[j + 1, i] + q[i, j]
        for i in range(1, n - 1):
            u[i, 0] = 1.0
            p[i, 0] = 0.0
            q[i, 0] = u[i, 0]
            for j in range(1, n - 1):
                p[i, j] = r / (1.0 + 2.0 * r - r * p[i, j - 1])
                q[i, j] = (
                    r * v[i - 1, j] + (1.0 - 2.0 * r) * v[i, j] + r * v[i + 1, j] + r * q[i, j - 1]
                ) / (1.0 + 2.0 * r - r * p[i, j - 1])
            u[i, n - 1] = 1.0
            for j in range(n - 2, 0, -1):
                u[i, j] = p[i, j] * u[i, j + 1] + q[i, j]
    return np.sum(u * u)


def adi_inputs(n: int, steps: int) -> Arguments:
    return np.random.default_rng(0).random((n, n)), steps, 0.3


KERNELS = (
    Kernel(
        "heat_1d",
        heat_1d,
        heat_1d_inputs,
        {"full": (20_000, 100), "quick": (500, 10), "tiny": (7, 2)},
        (0, 1),
    ),
    Kernel("heat_3d", heat_3d, heat_3d_inputs, {"full": (60, 10), "quick": (12, 3), "tiny": (5, 2)}, (0, 1)),
    Kernel(
        "burgers_2d",
        burgers_2d,
        burgers_2d_inputs,
        {"full": (200, 50), "quick": (20, 5), "tiny": (5, 2)},
        (0, 1, 2),
    ),
    Kernel(
        "cavity",
        cavity,
        cavity_inputs,
        {"full": (100, 10, 20), "quick": (15, 3, 4), "tiny": (5, 2, 2)},
        (0, 1, 2, 3),
    ),
    Kernel("seidel", seidel, seidel_inputs, {"full": (300, 20), "quick": (30, 3), "tiny": (5, 2)}),
    Kernel("adi", adi, adi_inputs, {"full": (150, 20), "quick": (20, 3), "tiny": (5, 2)}, (0, 2)),
)
