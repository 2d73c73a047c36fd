"""Axes that an array does not have, axes named twice and ranks that do not match are refused, as NumPy raises."""

from __future__ import annotations

import runpy
from typing import Any

import numpy as np
import pytest

from s2sad import S2sadError, grad, jacfwd, value_and_grad

EXPRESSIONS = """\
np.gradient(x, axis=AX)
np.moveaxis(x, 0, AX)
np.swapaxes(x, 0, AX)
np.rollaxis(x, AX)
np.flip(x, AX)
np.flip(x, axis=(0, AX))
np.roll(x, 1, axis=AX)
np.roll(x, (1, 1), axis=(0, AX))
np.expand_dims(x, 2 * AX)
np.squeeze(x[None], axis=2 * AX)
np.diff(x, axis=AX)
np.cumsum(x, axis=AX)
x.cumprod(AX)
np.repeat(x, 2, axis=AX)
np.concatenate([x, x], axis=AX)
np.stack([x, x], axis=2 * AX)
np.take(x, [0, 1], axis=AX)
np.delete(x, 0, axis=AX)
np.insert(x, 0, 1.0, axis=AX)
np.append(x, x, axis=AX)
np.sort(x, axis=AX)
np.argsort(x, axis=AX) * x
np.max(x, axis=AX)
np.argmin(x, axis=AX) * x[0]
np.sum(x, axis=(0, AX))
x.mean(AX)
np.std(x, axis=AX)
np.median(x, axis=AX)
np.quantile(x, 0.3, axis=AX)
np.average(x, axis=AX)
np.trapezoid(x, axis=AX)
np.linalg.norm(x, axis=AX)
np.linalg.norm(x, axis=(0, AX))
np.linalg.norm(x, 2, axis=(0, AX))
np.fft.fftshift(x, axes=AX)
np.fft.ifftshift(x, axes=(0, AX))
np.trace(x, axis1=0, axis2=AX)
np.diagonal(x, axis1=0, axis2=AX)
np.cross(x, x, axis=AX)
np.rot90(x, axes=(0, AX))
np.tensordot(x, x, axes=((AX,), (0,)))
np.tensordot(x, x, axes=((0,), (AX,)))
np.abs(np.fft.fft(x, axis=AX))
np.abs(np.fft.fft2(x, axes=(0, AX)))
np.abs(np.fft.fftn(x, s=(2, 2), axes=(0, AX)))
np.fft.irfft(x, axis=AX)
np.split(x, 3, axis=AX)[0]
np.logaddexp.reduce(x, axis=AX)
np.maximum.accumulate(x, axis=AX)
np.add.reduceat(x, [0, 2], axis=AX)
np.take_along_axis(x, np.zeros((1, 3), int), axis=AX)
np.transpose(x, (0, AX))
x.transpose(AX, 1)
np.lexsort(x, axis=AX) * x[0]
np.sum(x, axis=(0, 0))
np.trace(x, axis1=0, axis2=0)
np.diagonal(x, axis1=1, axis2=-1)
np.rot90(x, axes=(0, -2))
np.tensordot(x, x, axes=((0, 0), (0, 0)))
np.transpose(x, (0, 0))
np.transpose(x, (0,))
x.transpose(0, 1, 2)
np.einsum('ij->ik', x)
np.einsum('ij->ii', x)
np.einsum('ij->iij', x)
np.vsplit(x[0], 3)[0]
np.dsplit(x, 3)[0]
np.array_split(x, 0)[0]
np.split(x, -1)[0]
np.pad(x, (1, 2, 3))
np.pad(x, ((1, 2), (1, 2), (1, 2)))
np.pad(x, ((1, 2, 3), (1, 2, 3)))
np.linalg.matrix_power(x, 1.5)
np.linalg.norm(x, 'nuc', axis=0)
np.linalg.norm(x[0], 'fro')
np.diag(x[None])
np.vander(x)
x[np.ix_(x > 0.0)]
math.fsum(x)
np.histogram(x, bins=0)[0] * x[0, 0]
np.searchsorted(x, x[0]) * x[0]
np.digitize(x[0], x) * x[0]""".splitlines()
BODIES = [e.replace("AX", str(v)) for e in EXPRESSIONS for v in ((2, -3) if "AX" in e else (0,))]
X = np.arange(9.0).reshape(3, 3) + 1.0


@pytest.fixture(scope="module")
def functions(tmp_path_factory: Any) -> Any:
    path = tmp_path_factory.mktemp("axes") / "axes.py"
    defs = (f"\n\ndef f{i}(x):\n    return np.sum({b})\n" for i, b in enumerate(BODIES))
    path.write_text("import math\n\nimport numpy as np\n" + "".join(defs))
    return runpy.run_path(str(path))


@pytest.mark.parametrize("i", range(len(BODIES)), ids=BODIES.__getitem__)
def test_refused_or_raised_as_numpy_does(i: int, functions: Any) -> None:
    f = functions[f"f{i}"]
    with pytest.raises(
        (ValueError, TypeError, IndexError)
    ) as expected:  # AxisError is the first and the last
        f(X.copy())
    for make in (grad, value_and_grad, jacfwd):
        with pytest.raises((S2sadError, expected.type)):
            make(f)(X.copy())
    if "axis" in BODIES[i] or "axes" in BODIES[i]:  # never compiled
        with pytest.raises((S2sadError, ValueError)):
            grad(f, jit=True)(X.copy())


def all_there(x):
    a = np.flip(x, axis=(0, -1)) + np.rot90(x, axes=(-1, 0)) + np.transpose(x, (-1, 0))
    b = (
        np.tensordot(x, x, axes=((-1,), (-2,)))
        + np.diagonal(x, axis1=-1, axis2=0)
        + np.trace(x, axis1=-1, axis2=-2)
    )
    c = (
        np.abs(np.fft.fft2(x, axes=(-1, 0)))
        + np.fft.irfft(x, 3, axis=-2)
        + np.gradient(x, axis=-1, edge_order=2)
    )
    d = np.pad(x[:1], ((1, 1), (0, 0))) + np.pad(x[:1, :1], (1, 1)) + np.einsum("ij->ji", x)
    return np.sum(a * b * c * d) + np.linalg.norm(x, 2, axis=(-1, -2))


def test_counted_from_the_back() -> None:
    x = np.sin(X)
    h = 1e-6
    steps = [h * e.reshape(3, 3) for e in np.eye(9)]
    expected = np.array([(all_there(x + s) - all_there(x - s)) / (2.0 * h) for s in steps]).reshape(3, 3)
    np.testing.assert_allclose(grad(all_there)(x), expected, rtol=1e-6, atol=1e-5)
