"""Golden tests: the generated text of the staged exercise, to the letter, also renamed and permuted; run as well."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from s2sad import grad

PRIMAL = """import math
from s2sad import grad

@grad(wrt=("x", "y"), optimize=1)
def f(x, y):
    sigy = 1.0 / (1.0 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    return num * invden
"""

ADJOINT = """import math

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

EXPECTED = (2.0595697955721652, 1.5922327514838093)


def module(tmp_path: Path, text: str, name: str) -> ModuleType:
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    return made


def test_staged_exercise(tmp_path: Path) -> None:
    f = module(tmp_path, PRIMAL, "golden_staged").f
    assert f(3.0, -4.0) == EXPECTED
    assert f.source == ADJOINT
    assert f.lower(3.0, -4.0).source == ADJOINT


def test_before_any_call(tmp_path: Path) -> None:
    assert module(tmp_path, PRIMAL, "golden_uncalled").f.source == ADJOINT


RENAMED = {
    "sigy": "alpha",
    "num": "top",
    "sigx": "beta",
    "xpysqr": "sq",
    "xpy": "both",
    "invden": "rec",
    "den": "bottom",
    "x": "u",
    "y": "v",
}


def test_renamed(tmp_path: Path) -> None:
    """No pass looks at names."""

    def rename(text: str, prefixes: tuple[str, ...]) -> str:
        def swap(match: re.Match[str]) -> str:
            word = match.group(0)
            for prefix in prefixes:
                if word.removeprefix(prefix) in RENAMED and word.startswith(prefix):
                    return prefix + RENAMED[word.removeprefix(prefix)]
            return word

        return re.sub(r"[A-Za-z_]\w*", swap, text)

    f = module(tmp_path, rename(PRIMAL, ("",)), "golden_renamed").f
    assert f(3.0, -4.0) == EXPECTED

    def code(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.strip().startswith("#")]

    assert code(f.source) == code(rename(ADJOINT, ("", "d")))


def test_permuted(tmp_path: Path) -> None:
    """Independent lines in another order: the same stages in the order of the lines."""
    lines = PRIMAL.splitlines(keepends=True)
    order = [8, 7, 9, 5, 10, 6, 11]  # xpy, sigx, xpysqr, sigy, den, num, invden
    text = "".join([*lines[:5], *(lines[i] for i in order), lines[12]])
    f = module(tmp_path, text, "golden_permuted").f
    assert f(3.0, -4.0) == pytest.approx(EXPECTED, rel=1e-15)
    stages = [m for m in re.findall(r"# (\w+) = .*\(line \d+\)", f.source)]
    assert stages == ["f", "invden", "num", "den", "sigy", "xpysqr", "sigx", "xpy"]


def test_neuron(tmp_path: Path) -> None:
    text = """import math
from s2sad import grad

@grad(wrt=("w", "b"), optimize=1)
def neuron(w, b, x):
    z = w * x + b
    a = 1.0 / (1.0 + math.exp(-z))
    return (a - 1.0)**2
"""
    f = module(tmp_path, text, "golden_neuron").neuron
    a = 1.0 / (1.0 + 2.718281828459045 ** -(0.5 * 2.0 - 0.3))
    assert f(0.5, -0.3, 2.0) == pytest.approx(
        (2 * (a - 1) * a * (1 - a) * 2.0, 2 * (a - 1) * a * (1 - a)), rel=1e-12
    )
    assert (
        f.source
        == """import math

def neuron_grad(w, b, x):
    # forward
    z = w * x + b
    a = 1.0 / (1.0 + math.exp(-z))
    # reverse
    # neuron = (a - 1.0)**2                 (line 8)
    da = 2.0 * (a - 1.0)
    # a = 1.0 / (1.0 + math.exp(-z))        (line 7)
    dz = (1.0 - a) * a * da
    # z = w * x + b                         (line 6)
    db = dz
    dw = x * dz
    return dw, db
"""
    )


def test_loop(tmp_path: Path) -> None:
    text = """import math
from s2sad import grad

@grad(optimize=1)
def orbit(x, n):
    for i in range(n):
        x = x + 0.1 * math.sin(x)
    return x
"""
    f = module(tmp_path, text, "golden_orbit").orbit
    assert f(0.0, 2) == pytest.approx(1.21, rel=1e-15)
    assert (
        f.source
        == """import math

def orbit_grad(x, n):
    # forward
    # each iteration of line 6 stores tape_x (8 bytes)
    tape_x = []
    for i in range(n):
        tape_x.append(x)
        x += 0.1 * math.sin(x)
    # reverse
    # for i in range(n):                    (line 6)
    dx = 1.0
    for i in range(n - 1, -1, -1):
        x = tape_x[i]
        # x = x + 0.1 * math.sin(x)             (line 7)
        dx += math.cos(x) * (0.1 * dx)
    return dx
"""
    )


def test_cubic_is_short() -> None:
    f = grad(cubic)
    assert f(2.0) == 7.0
    assert len(f.source.splitlines()) <= 8 + 1


def cubic(x: float) -> float:
    return x**3 - 2 * x**2 + 3 * x - 1


def test_text_is_the_same_on_every_run(tmp_path: Path) -> None:
    texts = {
        module(tmp_path, PRIMAL.replace("optimize=1", f"optimize={k}"), f"golden_again_{k}_{i}").f.source
        for i in range(3)
        for k in (2,)
    }
    assert len(texts) == 1
