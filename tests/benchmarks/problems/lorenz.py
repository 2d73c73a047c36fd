"""Lorenz's equations by the classical Runge-Kutta method: the end of 100,000 steps by where they begin and by the
parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.hand import fast, inlined
from tests.benchmarks.problem import Arguments, Call, Problem, Style
from tests.benchmarks.rivals import by_jax


def slope(x, y, z, sigma, rho, beta):
    return sigma * (y - x), x * (rho - z) - y, x * y - beta * z


def in_loops(x, y, z, sigma, rho, beta, dt, n):
    hh = 0.5 * dt
    h6 = dt / 6.0
    for _ in range(n):
        ax, ay, az = slope(x, y, z, sigma, rho, beta)
        bx, by, bz = slope(x + hh * ax, y + hh * ay, z + hh * az, sigma, rho, beta)
        cx, cy, cz = slope(x + hh * bx, y + hh * by, z + hh * bz, sigma, rho, beta)
        ex, ey, ez = slope(x + dt * cx, y + dt * cy, z + dt * cz, sigma, rho, beta)
        x = x + h6 * (ax + 2.0 * bx + 2.0 * cx + ex)
        y = y + h6 * (ay + 2.0 * by + 2.0 * cy + ey)
        z = z + h6 * (az + 2.0 * bz + 2.0 * cz + ez)
    return x + y + z


def slopes(u, sigma, rho, beta):
    x, y, z = u[0], u[1], u[2]
    return np.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])


def in_arrays(x, y, z, sigma, rho, beta, dt, n):
    u = np.array([x, y, z])
    for _ in range(n):
        a = slopes(u, sigma, rho, beta)
        b = slopes(u + 0.5 * dt * a, sigma, rho, beta)
        c = slopes(u + 0.5 * dt * b, sigma, rho, beta)
        d = slopes(u + dt * c, sigma, rho, beta)
        u = u + dt / 6.0 * (a + 2.0 * b + 2.0 * c + d)
    return np.sum(u)


f = inlined(slope)


@inlined
def back(
    x: float, y: float, z: float, a: float, b: float, c: float, sigma: float, rho: float, beta: float
) -> tuple[float, float, float]:
    """The adjoint (a, b, c) of a slope, back to the point it was taken at."""
    return (rho - z) * b + y * c - sigma * a, sigma * a - b + x * c, -x * b - beta * c


@fast
def state_only(
    x: float, y: float, z: float, sigma: float, rho: float, beta: float, dt: float, n: int
) -> tuple[float, float, float, float, float, float]:
    """Stores what the loop carries, and takes the stages again."""
    hh, h6 = 0.5 * dt, dt / 6.0
    T = np.empty((n, 3))
    for i in range(n):
        T[i, 0], T[i, 1], T[i, 2] = x, y, z
        ax, ay, az = f(x, y, z, sigma, rho, beta)
        bx, by, bz = f(x + hh * ax, y + hh * ay, z + hh * az, sigma, rho, beta)
        cx, cy, cz = f(x + hh * bx, y + hh * by, z + hh * bz, sigma, rho, beta)
        ex, ey, ez = f(x + dt * cx, y + dt * cy, z + dt * cz, sigma, rho, beta)
        x += h6 * (ax + 2.0 * bx + 2.0 * cx + ex)
        y += h6 * (ay + 2.0 * by + 2.0 * cy + ey)
        z += h6 * (az + 2.0 * bz + 2.0 * cz + ez)
    dx = dy = dz = 1.0
    dsigma = drho = dbeta = 0.0
    for i in range(n - 1, -1, -1):
        x, y, z = T[i, 0], T[i, 1], T[i, 2]
        ax, ay, az = f(x, y, z, sigma, rho, beta)
        x2, y2, z2 = x + hh * ax, y + hh * ay, z + hh * az
        bx, by, bz = f(x2, y2, z2, sigma, rho, beta)
        x3, y3, z3 = x + hh * bx, y + hh * by, z + hh * bz
        cx, cy, cz = f(x3, y3, z3, sigma, rho, beta)
        x4, y4, z4 = x + dt * cx, y + dt * cy, z + dt * cz
        gx, gy, gz = h6 * dx, h6 * dy, h6 * dz
        p4, q4, r4 = back(x4, y4, z4, gx, gy, gz, sigma, rho, beta)
        sx, sy, sz = (y4 - x4) * gx, x4 * gy, z4 * gz
        ux, uy, uz = 2.0 * gx + dt * p4, 2.0 * gy + dt * q4, 2.0 * gz + dt * r4
        p3, q3, r3 = back(x3, y3, z3, ux, uy, uz, sigma, rho, beta)
        sx, sy, sz = sx + (y3 - x3) * ux, sy + x3 * uy, sz + z3 * uz
        ux, uy, uz = 2.0 * gx + hh * p3, 2.0 * gy + hh * q3, 2.0 * gz + hh * r3
        p2, q2, r2 = back(x2, y2, z2, ux, uy, uz, sigma, rho, beta)
        sx, sy, sz = sx + (y2 - x2) * ux, sy + x2 * uy, sz + z2 * uz
        ux, uy, uz = gx + hh * p2, gy + hh * q2, gz + hh * r2
        p1, q1, r1 = back(x, y, z, ux, uy, uz, sigma, rho, beta)
        dsigma += sx + (y - x) * ux
        drho += sy + x * uy
        dbeta -= sz + z * uz
        dx, dy, dz = dx + p1 + p2 + p3 + p4, dy + q1 + q2 + q3 + q4, dz + r1 + r2 + r3 + r4
    return dx, dy, dz, dsigma, drho, dbeta


@fast
def stages(
    x: float, y: float, z: float, sigma: float, rho: float, beta: float, dt: float, n: int
) -> tuple[float, float, float, float, float, float]:
    """Stores the four points at which slopes are taken: twelve numbers a step, nothing again."""
    hh, h6 = 0.5 * dt, dt / 6.0
    T = np.empty((n, 12))
    for i in range(n):
        T[i, 0], T[i, 1], T[i, 2] = x, y, z
        ax, ay, az = f(x, y, z, sigma, rho, beta)
        x2, y2, z2 = x + hh * ax, y + hh * ay, z + hh * az
        bx, by, bz = f(x2, y2, z2, sigma, rho, beta)
        x3, y3, z3 = x + hh * bx, y + hh * by, z + hh * bz
        cx, cy, cz = f(x3, y3, z3, sigma, rho, beta)
        x4, y4, z4 = x + dt * cx, y + dt * cy, z + dt * cz
        ex, ey, ez = f(x4, y4, z4, sigma, rho, beta)
        T[i, 3], T[i, 4], T[i, 5] = x2, y2, z2
        T[i, 6], T[i, 7], T[i, 8] = x3, y3, z3
        T[i, 9], T[i, 10], T[i, 11] = x4, y4, z4
        x += h6 * (ax + 2.0 * bx + 2.0 * cx + ex)
        y += h6 * (ay + 2.0 * by + 2.0 * cy + ey)
        z += h6 * (az + 2.0 * bz + 2.0 * cz + ez)
    dx = dy = dz = 1.0
    dsigma = drho = dbeta = 0.0
    for i in range(n - 1, -1, -1):
        x, y, z, x2, y2, z2 = T[i, 0], T[i, 1], T[i, 2], T[i, 3], T[i, 4], T[i, 5]
        x3, y3, z3, x4, y4, z4 = T[i, 6], T[i, 7], T[i, 8], T[i, 9], T[i, 10], T[i, 11]
        gx, gy, gz = h6 * dx, h6 * dy, h6 * dz
        p4, q4, r4 = back(x4, y4, z4, gx, gy, gz, sigma, rho, beta)
        sx, sy, sz = (y4 - x4) * gx, x4 * gy, z4 * gz
        ux, uy, uz = 2.0 * gx + dt * p4, 2.0 * gy + dt * q4, 2.0 * gz + dt * r4
        p3, q3, r3 = back(x3, y3, z3, ux, uy, uz, sigma, rho, beta)
        sx, sy, sz = sx + (y3 - x3) * ux, sy + x3 * uy, sz + z3 * uz
        ux, uy, uz = 2.0 * gx + hh * p3, 2.0 * gy + hh * q3, 2.0 * gz + hh * r3
        p2, q2, r2 = back(x2, y2, z2, ux, uy, uz, sigma, rho, beta)
        sx, sy, sz = sx + (y2 - x2) * ux, sy + x2 * uy, sz + z2 * uz
        ux, uy, uz = gx + hh * p2, gy + hh * q2, gz + hh * r2
        p1, q1, r1 = back(x, y, z, ux, uy, uz, sigma, rho, beta)
        dsigma += sx + (y - x) * ux
        drho += sy + x * uy
        dbeta -= sz + z * uz
        dx, dy, dz = dx + p1 + p2 + p3 + p4, dy + q1 + q2 + q3 + q4, dz + r1 + r2 + r3 + r4
    return dx, dy, dz, dsigma, drho, dbeta


def in_jax(jax: Any) -> Call:
    jnp = jax.numpy

    def slope_of(u: Any, sigma: Any, rho: Any, beta: Any) -> Any:
        x, y, z = u
        return jnp.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])

    def objective(x: Any, y: Any, z: Any, sigma: Any, rho: Any, beta: Any, dt: Any, n: int) -> Any:
        def turn(u: Any, _: Any) -> Any:
            a = slope_of(u, sigma, rho, beta)
            b = slope_of(u + 0.5 * dt * a, sigma, rho, beta)
            c = slope_of(u + 0.5 * dt * b, sigma, rho, beta)
            d = slope_of(u + dt * c, sigma, rho, beta)
            return u + dt / 6.0 * (a + 2.0 * b + 2.0 * c + d), None

        return jnp.sum(jax.lax.scan(turn, jnp.array([x, y, z]), None, length=n)[0])

    return objective


def inputs(n: int) -> Arguments:
    return 1.0, 0.9, 1.1, 10.0, 28.0, 8.0 / 3.0, 1e-4, n


PROBLEM = Problem(
    name="lorenz",
    title="Lorenz RK4, 10⁵ steps",
    inputs=inputs,
    sizes={"full": (100_000,), "quick": (5000,), "tiny": (4,)},
    wrt=(0, 1, 2, 3, 4, 5),
    styles={"loops": Style(in_loops), "arrays": Style(in_arrays)},
    figure="loops",
    hand={"state only": state_only, "stages": stages},
    rivals={
        "JAX": by_jax(in_jax),
        "autograd": "seven million operations on a tape",
        "PyTorch": "seven million operations on a tape",
        "PyTorch compiled": "the loop would be unrolled",
    },
)
