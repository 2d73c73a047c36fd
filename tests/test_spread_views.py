"""What is spread out and reshaped is a view or a copy as NumPy makes it, whatever the layout of the argument."""

from __future__ import annotations

import itertools
import runpy
from typing import Any

import numpy as np
import pytest

from s2sad import S2sadError, grad, jvp
from s2sad.errors import UndecidedViewError

A, V = np.array([[0.7, -1.2], [0.4, 1.1]]), np.array([0.3, 0.8])
SPREAD = [
    "np.broadcast_to(a, (2, 2))", "np.broadcast_to(a, (3, 2, 2))", "np.broadcast_to(a.T, (2, 2))", "np.broadcast_to(a[0], (2, 2))",
    "np.broadcast_to(a[:, :1], (2, 3))", "np.broadcast_to(a[:1, :1], (2, 3))", "np.broadcast_to(a[:, None], (2, 3, 2))",
    "np.broadcast_to(a[::-1], (2, 2))", "np.broadcast_to(v, (3, 2))", "np.broadcast_to(v[:, None], (2, 3))",
    "np.broadcast_to(v[:, None, None], (2, 3, 2))", "np.diagonal(a)", "np.broadcast_to(np.diagonal(a), (2, 2))",
]  # fmt: skip
ENDS = [".reshape(-1)", ".ravel()", ".T.reshape(-1)", "[None].reshape(-1)"]
PROGRAMS = list(itertools.product(SPREAD, ENDS))
LAYOUTS = {
    "rows": lambda a: a.copy(),
    "columns": np.asfortranarray,
    "apart": lambda a: np.repeat(np.repeat(a, 2, 0), 2, 1)[::2, ::2],
    "turned": lambda a: a[::-1].copy()[::-1],
}


@pytest.fixture(scope="module")
def functions(tmp_path_factory: Any) -> Any:
    path = tmp_path_factory.mktemp("spread") / "spread.py"
    defs = (
        f"\n\ndef f{i}(a, v):\n    r = {made}{end}\n    a[0, 0] = 3.0 * a[1, 0] * a[1, 1]\n    v[0] = v[1] * a[0, 1]\n"
        "    return np.sum(a * a) + np.sum(v * v) + np.sum(r * r * r)\n"
        for i, (made, end) in enumerate(PROGRAMS)
    )
    path.write_text("import numpy as np\n" + "".join(defs))
    return runpy.run_path(str(path))


def differences(f: Any, layout: Any) -> np.ndarray:
    def along(d: np.ndarray) -> float:
        return f(layout(A + d[:4].reshape(2, 2)), V + d[4:]) - f(layout(A - d[:4].reshape(2, 2)), V - d[4:])

    return np.array([along(1e-6 * e) / 2e-6 for e in np.eye(6)])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients(layout: str, functions: Any) -> None:
    refused = 0
    for i, program in enumerate(PROGRAMS):
        f, lay = functions[f"f{i}"], LAYOUTS[layout]
        try:
            da, dv = grad(f, wrt=(0, 1))(lay(A), V.copy())
            _, tangent = jvp(f, (lay(A), V.copy()), (np.ones((2, 2)), np.ones(2)))
        except UndecidedViewError:
            refused += 1
            continue
        expected = differences(f, lay)
        found = np.concatenate([da.ravel(), dv])
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5, err_msg=str(program))
        np.testing.assert_allclose(tangent, expected.sum(), rtol=1e-5, atol=1e-5, err_msg=str(program))
    assert layout not in ("rows", "columns") or refused < len(PROGRAMS) / 3


@pytest.mark.parametrize("i", [0, 4, 16, 35])
@pytest.mark.slow
def test_compiled(i: int, functions: Any) -> None:
    made = grad(functions[f"f{i}"], wrt=(0, 1), jit=True)
    for layout in ("rows", "columns"):
        try:
            da, dv = made(LAYOUTS[layout](A), V.copy())
        except S2sadError as refusal:
            pytest.skip(str(refusal).splitlines()[0])
        expected = differences(functions[f"f{i}"], LAYOUTS[layout])
        np.testing.assert_allclose(np.concatenate([da.ravel(), dv]), expected, rtol=1e-5, atol=1e-5)
