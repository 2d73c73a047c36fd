"""Bundle adjustment blocks: the Jacobian (2 × 15) of each observation's reprojection residual, in a compiled loop.

ADBench's model: Rodrigues rotation, perspective, two coefficients of radial distortion. A camera is (rotation 3,
centre 3, focal length, principal point 2, distortion 2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from s2sad import jacobian
from tests.benchmarks.hand import fast, inlined
from tests.benchmarks.problem import Arguments, Call, Problem, Ready, Style
from tests.benchmarks.rivals import on_jax, the_jax, the_torch, waited


def residual(cam, X, w, feat):
    rx, ry, rz = cam[0], cam[1], cam[2]
    px, py, pz = X[0] - cam[3], X[1] - cam[4], X[2] - cam[5]
    square = rx * rx + ry * ry + rz * rz
    if square > 0.0:
        theta = math.sqrt(square)
        c = math.cos(theta)
        s = math.sin(theta)
        ux, uy, uz = rx / theta, ry / theta, rz / theta
        t = (ux * px + uy * py + uz * pz) * (1.0 - c)
        qx = px * c + (uy * pz - uz * py) * s + ux * t
        qy = py * c + (uz * px - ux * pz) * s + uy * t
        qz = pz * c + (ux * py - uy * px) * s + uz * t
    else:
        qx = px + (ry * pz - rz * py)
        qy = py + (rz * px - rx * pz)
        qz = pz + (rx * py - ry * px)
    x, y = qx / qz, qy / qz
    r2 = x * x + y * y
    L = 1.0 + cam[9] * r2 + cam[10] * r2 * r2
    return w * (x * L * cam[6] + cam[7] - feat[0]), w * (y * L * cam[6] + cam[8] - feat[1])


def with_array(cam, X, w, feat):
    e = residual(cam, X, w, feat)
    out = np.empty(2)
    out[0] = e[0]
    out[1] = e[1]
    return out


def in_arrays(cam, X, w, feat):
    rot = cam[:3]
    p = X - cam[3:6]
    theta = np.sqrt(np.sum(rot * rot))
    u = rot / theta
    q = p * np.cos(theta) + np.cross(u, p) * np.sin(theta) + u * (np.sum(u * p) * (1.0 - np.cos(theta)))
    x = q[:2] / q[2]
    r2 = np.sum(x * x)
    L = 1.0 + cam[9] * r2 + cam[10] * r2 * r2
    return w * (x * L * cam[6] + cam[7:9] - feat)


def looped(of_one: Call) -> Call:
    """All observations, one after another; the residual is an array, and so are its derivatives."""

    def blocks(cams, points, weights, feats, camera, point):
        n = len(weights)
        dcam, dX, dw = np.empty((n, 2, 11)), np.empty((n, 2, 3)), np.empty((n, 2))
        for i in range(n):
            dcam[i], dX[i], dw[i] = of_one(cams[camera[i]], points[point[i]], weights[i], feats[i])
        return dcam, dX, dw

    return blocks


def looped_pairs(of_one: Call) -> Call:
    """The same of a residual that is a pair of numbers, each with derivatives of its own."""

    def blocks(cams, points, weights, feats, camera, point):
        n = len(weights)
        dcam, dX, dw = np.empty((n, 2, 11)), np.empty((n, 2, 3)), np.empty((n, 2))
        for i in range(n):
            first, second = of_one(cams[camera[i]], points[point[i]], weights[i], feats[i])
            dcam[i, 0], dX[i, 0], dw[i, 0] = first
            dcam[i, 1], dX[i, 1], dw[i, 1] = second
        return dcam, dX, dw

    return blocks


def around(of_one: Any, jit: bool) -> Call:
    blocks = (looped_pairs if of_one.primal is residual else looped)(of_one)
    return njit(error_model="numpy")(blocks) if jit else blocks


def one(args: Arguments) -> Arguments:
    """The first observation."""
    cams, points, weights, feats, camera, point = args
    return cams[camera[0]], points[point[0]], float(weights[0]), feats[0]


def primal(fn: Call) -> Call:
    one = njit(error_model="numpy")(fn)

    @njit(error_model="numpy")
    def residuals(cams, points, weights, feats, camera, point):
        out = np.empty((len(weights), 2))
        for i in range(len(weights)):
            out[i, 0], out[i, 1] = one(cams[camera[i]], points[point[i]], weights[i], feats[i])
        return out

    return residuals


@inlined
def pull_back(
    g: tuple[float, float, float],
    u: tuple[float, float, float],
    p: tuple[float, float, float],
    d: float,
    c: float,
    s: float,
    inverse: float,
    cam: np.ndarray,
    X: np.ndarray,
) -> None:
    """The adjoint g of the rotated point, through Rodrigues' formula, into the row of a camera and of a point."""
    gx, gy, gz = g
    ux, uy, uz = u
    px, py, pz = p
    k = 1.0 - c
    gu = gx * ux + gy * uy + gz * uz
    dc = gx * px + gy * py + gz * pz - d * gu
    ds = gx * (uy * pz - uz * py) + gy * (uz * px - ux * pz) + gz * (ux * py - uy * px)
    dux = s * (py * gz - pz * gy) + k * (d * gx + gu * px)
    duy = s * (pz * gx - px * gz) + k * (d * gy + gu * py)
    duz = s * (px * gy - py * gx) + k * (d * gz + gu * pz)
    t = k * gu
    dpx = c * gx + s * (gy * uz - gz * uy) + t * ux
    dpy = c * gy + s * (gz * ux - gx * uz) + t * uy
    dpz = c * gz + s * (gx * uy - gy * ux) + t * uz
    along = c * ds - s * dc - inverse * (dux * ux + duy * uy + duz * uz)
    cam[0], cam[1], cam[2] = (
        inverse * dux + along * ux,
        inverse * duy + along * uy,
        inverse * duz + along * uz,
    )
    cam[3], cam[4], cam[5] = -dpx, -dpy, -dpz
    X[0], X[1], X[2] = dpx, dpy, dpz


@fast
def by_rows(
    cams: np.ndarray,
    points: np.ndarray,
    weights: np.ndarray,
    feats: np.ndarray,
    camera: np.ndarray,
    point: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two reverse sweeps share one forward; rows are written where they belong."""
    n = len(weights)
    dcam, dX, dw = np.empty((n, 2, 11)), np.empty((n, 2, 3)), np.empty((n, 2))
    for i in range(n):
        cam, X, w = cams[camera[i]], points[point[i]], weights[i]
        rx, ry, rz = cam[0], cam[1], cam[2]
        p = X[0] - cam[3], X[1] - cam[4], X[2] - cam[5]
        square = rx * rx + ry * ry + rz * rz
        theta = math.sqrt(square)
        c, s, inverse = math.cos(theta), math.sin(theta), 1.0 / theta
        u = rx * inverse, ry * inverse, rz * inverse
        d = u[0] * p[0] + u[1] * p[1] + u[2] * p[2]
        t = d * (1.0 - c)
        qx = p[0] * c + (u[1] * p[2] - u[2] * p[1]) * s + u[0] * t
        qy = p[1] * c + (u[2] * p[0] - u[0] * p[2]) * s + u[1] * t
        iz = 1.0 / (p[2] * c + (u[0] * p[1] - u[1] * p[0]) * s + u[2] * t)
        x, y = qx * iz, qy * iz
        r2 = x * x + y * y
        L = 1.0 + (cam[9] + cam[10] * r2) * r2
        f = cam[6]
        dw[i, 0] = x * L * f + cam[7] - feats[i, 0]
        dw[i, 1] = y * L * f + cam[8] - feats[i, 1]
        wf = w * f
        dr2 = 2.0 * (cam[9] + 2.0 * cam[10] * r2) * wf
        cross = x * y * dr2
        for row in range(2):
            v = x if row == 0 else y
            gx = cross if row == 1 else L * wf + x * x * dr2
            gy = cross if row == 0 else L * wf + y * y * dr2
            g = gx * iz, gy * iz, -(gx * x + gy * y) * iz
            out = dcam[i, row]
            pull_back(g, u, p, d, c, s, inverse, out, dX[i, row])
            out[6] = w * v * L
            out[7] = w if row == 0 else 0.0
            out[8] = w if row == 1 else 0.0
            out[9] = wf * v * r2
            out[10] = wf * v * r2 * r2
    return dcam, dX, dw


def by_jax(args: Arguments, wrt: tuple[int, ...]) -> Ready:
    from tests.benchmarks.rivals import rebound

    jax = the_jax()
    one = jax.jacrev(rebound(in_arrays, jax.numpy), argnums=(0, 1, 2))

    def blocks(cams: Any, points: Any, weights: Any, feats: Any, camera: Any, point: Any) -> Any:
        return jax.vmap(one)(cams[camera], points[point], weights, feats)

    return Ready(waited(jax, jax.jit(blocks)), on_jax(args))


def by_torch(compiled: bool) -> Callable[[Arguments, tuple[int, ...]], Ready]:
    def make(args: Arguments, wrt: tuple[int, ...]) -> Ready:
        from tests.benchmarks.rivals import TorchNumpy, rebound

        torch = the_torch()
        names = TorchNumpy(torch)
        names.cross = torch.linalg.cross  # type: ignore[attr-defined]
        one = torch.func.jacrev(rebound(in_arrays, names), argnums=(0, 1, 2))

        def blocks(cams: Any, points: Any, weights: Any, feats: Any, camera: Any, point: Any) -> Any:
            return torch.func.vmap(one)(cams[camera], points[point], weights, feats)

        theirs = tuple(torch.from_numpy(a.copy()) for a in args)
        return Ready(torch.compile(blocks) if compiled else blocks, theirs)

    return make


def inputs(cameras: int, points: int, n: int) -> Arguments:
    rng = np.random.default_rng(0)
    cams = 0.3 * rng.normal(size=(cameras, 11))
    cams[:, 5] -= 8.0
    cams[:, 6] += 2.0
    cams[:, 9:] *= 0.1
    return (
        cams, rng.normal(size=(points, 3)), rng.normal(size=n), rng.normal(size=(n, 2)),
        rng.integers(0, cameras, n), rng.integers(0, points, n),
    )  # fmt: skip


PROBLEM = Problem(
    name="bundle",
    title="bundle adjustment blocks",
    inputs=inputs,
    sizes={"full": (50, 2000, 20_000), "quick": (5, 50, 500), "tiny": (2, 3, 3)},
    wrt=(0, 1, 2),
    styles={"loops": Style(residual), "loops into an array": Style(with_array), "arrays": Style(in_arrays)},
    figure="loops",
    hand={"by rows": by_rows},
    rivals={
        "JAX": by_jax,
        "autograd": "a tape for each observation",
        "PyTorch": by_torch(False),
        "PyTorch compiled": by_torch(True),
    },
    derivative=lambda fn, wrt, jit: jacobian(fn, wrt=wrt, jit=jit),
    one=one,
    around=around,
    primal=primal,
)
