"""graph, explain, check, bench and support."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from s2sad.cli import main
from s2sad.rules.registry import PRIMS

TEXT = """import math
import numpy as np
from s2sad import grad

RATE = 2.0

def helper(x):
    return math.exp(x) * RATE

def e(a, b):
    return (a + b) * (b + 1)

@grad(wrt=("x", "a", "unused"), optimize=1)
def f(x, a, n, unused, w=0.5):
    s = 0.0
    k = w * 2
    for i in range(n):
        if s > 1.0:
            s = helper(-s) * a[i]
        else:
            s = s + x * k
    while s > 10.0:
        s = s / 2.0
    return s

def fib(n, x):
    return x if n < 2 else fib(n - 1, x) * x + fib(n - 2, x)

def recursive(x):
    return fib(4, x)

def refused(x):
    with open("f") as file:
        return x

def raises(x):
    return 1.0 / (x - x)

def quote(x, d):
    if d == 'a"b\\\\':
        return x * 2.0
    return x

def wrong(x):
    return float(np.float32(x)) * 1e3 if x > 1.0 else math.floor(x) + x

def stores(x):
    out = np.zeros(3)
    out[0] = x
    out[1] += 2.0 * out[0]
    return out[1] + max(x, out[0], 1.0)
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "live_module.py").write_text(TEXT)
    return str(tmp_path / "live_module.py")


def run(*args: str):
    result = CliRunner().invoke(main, list(args))
    assert "Traceback" not in result.output
    return result


def test_graph_of_the_small_example(file):
    want = """e(a, b)
├── a: float      input
├── b: float      input
├── v1 = a + b    ∂v1/∂a = 1, ∂v1/∂b = 1     line 11
├── v2 = b + 1    ∂v2/∂b = 1                 line 11
├── e = v1 * v2   ∂e/∂v1 = v2, ∂e/∂v2 = v1   line 11
└── return e
"""
    assert run("graph", f"{file}:e").output == want


def test_graph_as_dot(file):
    text = run("graph", f"{file}:e", "--format", "dot").output
    assert text.startswith('digraph "e" {') and text.rstrip().endswith("}")
    assert 'n4 [label="e = v1 * v2"];' in text
    assert 'n2 -> n4 [label="∂e/∂v1 = v2"' in text


@pytest.mark.parametrize("function", ["f", "recursive", "quote", "stores", "e"])
def test_dot_is_balanced_and_names_every_node(file, function):
    text = run("graph", f"{file}:{function}", "--format", "dot").output
    plain = re.sub(r'"(\\.|[^"\\])*"', '""', text)
    assert plain.count("{") == plain.count("}") and plain.count("[") == plain.count("]")
    made = set(re.findall(r"^ *(n\d+) \[label", text, re.M))
    used = set(re.findall(r"(n\d+) -> ", text)) | set(re.findall(r"-> (n\d+)", text))
    assert used <= made
    if shutil.which("dot"):
        assert subprocess.run(["dot", "-Tsvg"], input=text, text=True, capture_output=True).returncode == 0


def test_graph_of_control_flow(file):
    text = run("graph", f"{file}:f").output
    for part in (
        "for i in range(n)",
        "if s > 1.0",
        "then",
        "else",
        "while s_",
        "starts as 0.0",
        "becomes",
        "∂",
    ):
        assert part in text
    assert "cluster" in run("graph", f"{file}:f", "--format", "dot").output
    assert "unbound" not in text


def test_explain(file):
    text = run("explain", f"{file}:f").output
    for part in (
        r"x +float +differentiated by", r"n +int +constant: has no derivative", r"unused .*does not depend on it",
        r"w +float +constant: not in wrt", r"RATE .*captured", r"k +float +not active", r"s +float\d* +active",
        r"helper\(\) .*line 8", "the branch taken", "stored", "computed again",
    ):  # fmt: skip
        assert re.search(part, text), part
    assert "functions of their own" in run("explain", f"{file}:recursive").output
    refused = run("explain", f"{file}:refused")
    assert refused.exit_code == 1 and "'with' is not supported" in refused.output


def test_check(file):
    done = run("check", f"{file}:e", "--at", "a=1.5, b=2.0")
    assert done.exit_code == 0 and done.output.count(" ok") == 3 and "agree" in done.output
    done = run("check", f"{file}:f", "--at", "0.3, np.array([0.5, 0.2]), 2, 1.0")
    assert done.exit_code == 0, done.output
    assert run("check", f"{file}:e", "--at", "a=1.5, b=2.0", "--wrt", "b", "--directions", "1").exit_code == 0


def test_check_fails_where_differences_disagree(file):
    done = run("check", f"{file}:wrong", "--at", "x=1.7")
    assert done.exit_code == 1 and "WRONG" in done.output and "disagree" in done.output


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["e", "--at", "a=1.0"], 2, "missing a required argument"),
        (["e", "--at", "a=1.0, b=2.0, c=3.0"], 2, "unexpected keyword"),
        (["e", "--at", "a=open('f'), b=1.0"], 2, "open"),
        (["e", "--at", "a=__import__('os').system('x'), b=1.0"], 2, "__import__"),
        (["e", "--at", "a=("], 2, "--at"),
        (["e", "--at", "a=1.0, b=2.0", "--wrt", "q"], 2, "no parameter"),
        (["none", "--at", "1.0"], 2, "no function"),
        (["RATE", "--at", "1.0"], 2, "not a function"),
        (["raises", "--at", "1.0"], 1, "ZeroDivisionError"),
        (["refused", "--at", "1.0"], 1, "'with' is not supported"),
    ],
)
def test_check_refuses(file, arguments, status, text):
    done = run("check", f"{file}:{arguments[0]}", *arguments[1:])
    assert done.exit_code == status and text in done.output


def test_check_of_a_file_that_raises(tmp_path):
    path = tmp_path / "broken_live.py"
    path.write_text("x = 1\nraise KeyError('here')\n")
    done = run("check", f"{path}:f", "--at", "1.0")
    assert done.exit_code == 1 and "KeyError" in done.output and "broken_live.py:2" in done.output
    assert run("check", f"{tmp_path}/none.py:f", "--at", "1.0").exit_code == 2


def test_bench(file):
    done = run("bench", f"{file}:e", "--at", "a=1.5, b=2.0", "--repeats", "3")
    assert done.exit_code == 0 and re.search(r"gradient +[\d.]+ [mµn]?s +[\d.]+", done.output)
    assert "compiled" not in done.output


@pytest.mark.jit
def test_bench_compiled(file):
    done = run("bench", f"{file}:e", "--at", "a=1.5, b=2.0", "--repeats", "3", "--jit")
    assert done.exit_code == 0 and "gradient, compiled" in done.output and "function, compiled" in done.output


def test_support():
    text = run("support").output
    for row in (
        r"a \* b +yes +yes +yes",
        r"math.exp +yes +yes +yes",
        r"math.floor +constant",
        r"numpy.sqrt +yes",
    ):
        assert re.search(row, text), row
    assert "s2sad." not in text and "tape" not in text


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ("math.exp", "y * dy"),
        ("np.sin", "cos(x) * dy"),
        ("pow", "a**b"),
        ("div", "dy / b"),
        ("math.floor", "0 ("),
    ],
)
def test_support_of_one(function, text):
    done = run("support", function)
    assert done.exit_code == 0 and text in done.output


def test_support_of_every_rule():
    for name in PRIMS:
        assert run("support", name).exit_code == 0
    done = run("support", "math.expp")
    assert done.exit_code == 1 and "math.exp" in done.output


@pytest.mark.parametrize("command", ["dump", "graph", "check", "explain", "bench", "support"])
def test_help(command):
    assert run(command, "--help").exit_code == 0


def test_as_a_module(file):
    done = subprocess.run(
        [sys.executable, "-m", "s2sad.cli", "graph", f"{file}:e"], capture_output=True, text=True, timeout=120,
        env={"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
