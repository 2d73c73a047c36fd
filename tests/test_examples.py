"""The examples: the numbers that each one must show, and that each one runs as a script."""

from __future__ import annotations

import importlib.util
import math
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import s2sad

EXAMPLES = Path(__file__).parent.parent / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))

GOLDEN_STAGED = """\
import math

def f_grad(x, y):
    # forward
    sigy = 1.0 / (1.0 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    # reverse
    # f = num * invden                      (line 13)
    dnum = invden
    dinvden = num
    # invden = 1.0 / den                    (line 12)
    dden = -invden * invden * dinvden
    # den = sigx + xpysqr                   (line 11)
    dsigx = dden
    dxpysqr = dden
    # xpysqr = xpy**2                       (line 10)
    dxpy = 2.0 * xpy * dxpysqr
    # xpy = x + y                           (line 9)
    dx = dxpy
    dy = dxpy
    # sigx = 1.0 / (1.0 + math.exp(-x))     (line 8)
    dx += (1.0 - sigx) * sigx * dsigx
    # num = x + sigy                        (line 7)
    dx += dnum
    dsigy = dnum
    # sigy = 1.0 / (1.0 + math.exp(-y))     (line 6)
    dy += (1.0 - sigy) * sigy * dsigy
    return dx, dy
"""

ORING = {
    0: 0.693147180559945,
    100: 0.966931426916483,
    200: 1.114664696718874,
    300: 3.558155059566457,
    400: 0.961973323155755,
    900: 3.553772437842705,
}
ORING_END = (-0.1832862200585766, 0.1818707335807102)


@cache
def example(name: str) -> ModuleType:
    """The module of one example, loaded from its file."""
    spec = importlib.util.spec_from_file_location(f"s2sad_example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def near(value: object, rel: float = 1e-12, abs: float = 0.0) -> object:
    """As pytest.approx, tighter."""
    return pytest.approx(value, rel=rel, abs=abs)


def test_every_example_is_here() -> None:
    """A new example is tested, or this fails."""
    assert {n for n in globals() if n.startswith("test_")} >= {f"test_{name}" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_runs_as_a_script(name: str, tmp_path: Path) -> None:
    """`python examples/NAME.py` prints, warns of nothing and exits with 0."""
    env = os.environ | {"PYTHONPATH": str(Path(s2sad.__file__).parents[1]), "MPLBACKEND": "Agg"}
    command = [sys.executable, "-W", "error::RuntimeWarning", str(EXAMPLES / f"{name}.py")]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_graph() -> None:
    e = example("graph").e
    assert e(2.0, 1.0) == 6.0
    assert s2sad.grad(e, wrt=("a", "b"))(2.0, 1.0) == (2.0, 5.0)
    assert s2sad.jvp(e, (2.0, 1.0), (0.0, 1.0)) == (6.0, 5.0)


def test_circuit() -> None:
    f = example("circuit").f
    assert s2sad.value_and_grad(f, wrt=("x", "y", "z"))(-2.0, 5.0, -4.0) == (-12.0, (-4.0, -4.0, 3.0))


def test_neuron() -> None:
    neuron = example("neuron")
    dw, dx = neuron.backward(neuron.WEIGHTS, neuron.INPUTS)
    assert dw == near((-0.19661193324148185, -0.3932238664829637, 0.19661193324148185))
    assert dx == near((0.3932238664829637, -0.5898357997244456))
    assert "(1.0 - s) * s" in neuron.neuron_grad.source


@pytest.mark.parametrize("optimize", [0, 1, 2])
def test_staged(optimize: int) -> None:
    gradient = s2sad.grad(example("staged").f.primal, wrt=("x", "y"), optimize=optimize)
    assert gradient(3.0, -4.0) == near((2.0595697955721652, 1.5922327514838093))


def test_staged_is_golden() -> None:
    """The source in DESIGN 1, to the letter but for where the function stands in its file."""
    f = example("staged").f
    found = [int(line) for line in re.findall(r"\(line (\d+)\)", f.source)]
    shift = found[0] - 13
    moved = re.sub(r"\(line (\d+)\)", lambda m: f"(line {int(m[1]) + shift})", GOLDEN_STAGED)
    assert f.source.strip() == moved.strip()
    assert shift == f.primal.__code__.co_firstlineno - 4  # DESIGN's decorator is on line 4


def test_forward_mode() -> None:
    module = example("forward_mode")
    assert s2sad.jvp(module.f, (3.0, 2.0), (1.0, 0.0)) == near((6.141120008059867, 1.0100075033995546))
    assert s2sad.jvp(module.f, (3.0, 2.0), (0.0, 1.0)) == near((6.141120008059867, 3.0))
    assert s2sad.jvp(module.sin_twice, (1.0,), (1.0,)) == near((0.7456241416655579, 0.36003948908962097))


def test_expression_swell() -> None:
    module = example("expression_swell")
    closed, loop = s2sad.grad(module.closed_form), s2sad.grad(module.logistic)
    for x in (*module.POINTS, 0.03, 0.61):
        scale = sum(64 * abs(c) * x**k for k, c in enumerate((1, 42, 504, 2640, 7040, 9984, 7168, 2048)))
        assert closed(x) == near(module.derivative_by_hand(x), rel=1e-9, abs=1e-13 * scale)
        assert loop(x, 3) == near(module.derivative_by_hand(x), rel=1e-9, abs=1e-13 * scale)


def test_expression_swell_is_linear() -> None:
    """The generated operations grow by a fixed number a step."""
    module = example("expression_swell")
    counts = [module.operations(module.unrolled(n).source) for n in range(2, 12)]
    assert len({after - before for before, after in zip(counts, counts[1:], strict=False)}) == 1


def test_expression_swell_sympy() -> None:
    """SymPy's derivative more than doubles with each step."""
    pytest.importorskip("sympy")
    module = example("expression_swell")
    counts = [module.sympy_operations(n) for n in range(2, 6)]
    assert all(after > 2 * before for before, after in zip(counts, counts[1:], strict=False))


def test_numeric_differentiation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = example("numeric_differentiation")
    exact = math.exp(math.sin(2.1)) * (1.0 + 2.1 * math.cos(2.1))
    assert s2sad.grad(module.f)(0.7) == near(exact)
    orders = {name: module.order(formula) for name, formula in module.FORMULAS.items()}
    assert orders == pytest.approx({"D+": 1.0, "D-": 1.0, "D0": 2.0, "Richardson": 4.0}, abs=0.1)
    plot = tmp_path / "plot.png"
    module.main(str(plot))
    assert "Richardson" in capsys.readouterr().out
    if importlib.util.find_spec("matplotlib") is not None:
        assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.jit)])
@pytest.mark.parametrize("way", ["reverse", "forward"])
def test_oring(way: str, jit: bool) -> None:
    module = example("oring")
    data = module.TEMPERATURE, module.DAMAGE
    history = module.train(getattr(module, way)(*(map(np.array, data) if jit else data), jit=jit))
    assert {epoch: history[epoch][0] for epoch in ORING} == near(ORING, rel=1e-9)
    assert history[900][1:] == near(ORING_END, rel=1e-9)


# -- arrays -------------------------------------------------------------------------------------------


def test_matrix() -> None:
    m = example("matrix")
    rng = np.random.default_rng(1)
    W, X, G = rng.normal(size=(5, 10)), rng.normal(size=(10, 3)), rng.normal(size=(5, 3))
    gradient = s2sad.grad(m.weighted, wrt=("W", "X"))
    dW, dX = gradient(W, X, G)
    np.testing.assert_allclose(dW, G @ X.T)
    np.testing.assert_allclose(dX, W.T @ G)
    assert "G @ X.T" in gradient.source and "W.T @ G" in gradient.source
    _, pullback = s2sad.vjp(m.product, W, X)
    for found, expected in zip(pullback(G), (dW, dX), strict=True):
        np.testing.assert_allclose(found, expected)
    np.testing.assert_array_equal(s2sad.grad(m.squares)(np.arange(4.0)), [0.0, 4.0, 8.0, 12.0])
    np.testing.assert_array_equal(s2sad.grad(m.total)(np.arange(4.0)), np.ones(4))


def test_heat() -> None:
    m = example("heat")
    gradient = s2sad.grad(m.temperature)
    u0 = np.sin(np.linspace(0.0, 3.0, 12))
    np.testing.assert_allclose(gradient(u0, 4, 30), m.exact_gradient(12, 4, 30), rtol=1e-10, atol=1e-14)
    assert "bytes" not in gradient.source  # nothing but references is stored


def test_solvers() -> None:
    m = example("solvers")
    rng = np.random.default_rng(1)
    A, b, g = rng.normal(size=(5, 5)), rng.normal(size=5), rng.normal(size=5)
    dA, db = s2sad.grad(m.by_lu, wrt=("A", "b"))(A, b, g)
    expected = m.expected(A, b, g)
    np.testing.assert_allclose(dA, expected[0], rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(db, expected[1], rtol=1e-7, atol=1e-10)
    S = A @ A.T + 5.0 * np.eye(5)
    _, db = s2sad.grad(m.by_cholesky, wrt=("A", "b"))(S, b, g)
    np.testing.assert_allclose(db, m.expected(S, b, g)[1], rtol=1e-9, atol=1e-12)
    T = np.diag(np.full(5, 4.0)) + np.diag(b[:4], -1) + np.diag(b[1:], 1)
    db = s2sad.grad(m.by_thomas, wrt=3)(b[:4], np.full(5, 4.0), b[1:], g, b)
    np.testing.assert_allclose(db, np.linalg.solve(T.T, b), rtol=1e-9, atol=1e-12)


def test_soft_dtw() -> None:
    m = example("soft_dtw")
    x, y = np.array([0.1, 0.9, 0.4]), np.array([0.0, 1.0, 0.5, 0.2])
    s2sad.check_grad(m.soft_dtw, (x, y), wrt=(0, 1))
    np.testing.assert_allclose(
        s2sad.grad(m.soft_dtw, jit=True)(x, y), s2sad.grad(m.soft_dtw)(x, y), rtol=1e-12
    )


def test_gaussian_process() -> None:
    m = example("gaussian_process")
    x = np.linspace(0.0, 2.0, 8)
    s2sad.check_grad(m.negative_log_likelihood, (np.array([0.1, -0.2, -1.0]), x, np.sin(x)))


def test_rosenbrock() -> None:
    m = example("rosenbrock")
    x = np.random.default_rng(0).normal(size=50)
    for function in (m.in_loops, m.in_arrays):
        np.testing.assert_allclose(s2sad.grad(function)(x), m.exact(x), rtol=1e-9, atol=1e-9)


def test_digits() -> None:
    pytest.importorskip("sklearn")
    losses, accuracy, _ = example("digits").train()
    assert accuracy >= 0.95 and losses[-1] < 0.2 < losses[0]
