"""The command line: dump parses, and runs none of the user's code."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from s2sad import grad
from s2sad.cli import main

TEXT = """import math
import nothing_like_this
from s2sad import grad

RATE = 2.0

def helper(x):
    return RATE * x

@grad(wrt=("x", "a"), optimize=1)
def f(x, a, n):
    s = 0.0
    for i in range(n):
        s += helper(x) * a[i]
    return math.sin(s)

def unknown(x):
    return nothing_like_this.g(x) + 1.0

raise RuntimeError("this must not run")
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(TEXT)
    return path


def run(*args: str):
    return CliRunner().invoke(main, ["dump", *args])


def test_dump_runs_nothing_and_takes_the_decorators_arguments(file):
    result = run(f"{file}:f")
    assert result.exit_code == 0, result.output
    assert "assumed a: float64[:]" in result.output and "return dx, da" in result.output
    assert result.output == run(f"{file}:f").output
    compile(result.output, "dumped", "exec")


@pytest.mark.parametrize("stage", ["tac", "typed", "adjoint", "optimized"])
def test_stages(file, stage):
    result = run(f"{file}:f", "--stage", stage)
    assert result.exit_code == 0 and " f" in result.output and "for" in result.output


def test_modes_and_types(file):
    assert "x_dot" in run(f"{file}:f", "--mode", "forward").output
    assert "# assumed" not in run(f"{file}:f", "--types", "a: float64[n], n: int").output
    assert "dx" not in run(f"{file}:f", "--mode", "value").output


def test_refusals(file, tmp_path):
    result = run(f"{file}:unknown")
    assert result.exit_code == 1 and "nothing_like_this" in result.output
    assert run(f"{file}:missing").exit_code == 2
    assert run(f"{tmp_path}/none.py:f").exit_code == 2
    assert run("nonsense").exit_code == 2
    assert run(f"{file}:f", "--mode", "sideways").exit_code == 2


def test_output_file(file, tmp_path):
    out = tmp_path / "out.py"
    assert run(f"{file}:f", "-o", str(out)).exit_code == 0
    assert "def f_grad(" in out.read_text()


SCALE = 3.0


def scaled(x):
    return SCALE * x * x


def test_save_makes_a_module_that_stands_alone(tmp_path):
    g = grad(scaled)
    assert g(2.0) == 12.0
    path = tmp_path / "saved.py"
    g.save(path)
    space: dict = {}
    exec(path.read_text(), space)
    assert space["scaled_grad"](2.0) == 12.0
