"""What `--types` can say, what is assumed where it says nothing, and messages that name the way to say it."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from s2sad import S2sadError, SignatureError, grad
from s2sad.assumed import spelt
from s2sad.cli import main
from s2sad.cli.typespec import parse_type, parse_types
from s2sad.typing.structure import key_of

PROGRAM = """
import numpy as np

def product(X, w):
    return X @ w

def total(X, w):
    return np.sum(X @ w)

def layers(params, x):
    for W, b in params:
        x = np.tanh(W @ x + b)
    return np.sum(x)

def named(p, x):
    return np.sum(np.tanh(p["w"] @ x + p["b"]))

def nested(p):
    return p["a"][0] * p["b"]["c"]

def scalars(p):
    return p["a"] * p["b"]

def attributes(p):
    return p.x * p.y

def unpacked(p):
    a, b = p
    return a * b

def called(f, x):
    return f(x)

def stopped(x):
    del x
    return 1.0
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "p.py").write_text(PROGRAM)

    def dump(function: str, *options: str, command: str = "dump") -> str:
        result = CliRunner().invoke(main, [command, f"{tmp_path / 'p.py'}:{function}", *options])
        assert "itself failed" not in result.output
        return result.output

    return dump


A, M = np.zeros(3), np.zeros((3, 4))


@pytest.mark.parametrize(
    "text, value",
    [
        ("float", 1.0),
        ("list[float]", [1.0, 2.0]),
        ("tuple[float, int]", (1.0, 2)),
        ("(float, int)", (1.0, 2)),
        ("{a: float, b: int}", {"a": 1.0, "b": 2}),
        ("{'a': float64[n], \"b\": (float, True)}", {"a": A, "b": (1.0, True)}),
        ("[float64[n], float64[n]]", [A, A]),
        ("[float64[n]] * 3", [A, A, A]),
        ("[(float64[n,m], float64[n])] * 2", [(M, A), (M, A)]),
        ("[{x: float, y: float}] * 2", [{"x": 1.0, "y": 2.0}] * 2),
        ("[float, float]", [1.0, 2.0]),
        ("(float) * 3", (1.0, 2.0, 3.0)),
        ("{w: [float64[n]] * 2, opt: {rate: float32, mode: 'fast'}}",
         {"w": [A, A], "opt": {"rate": np.float32(1), "mode": "fast"}}),
        ("tuple[{a: float}, list[float]]", ({"a": 1.0}, [1.0])),
    ],
)  # fmt: skip
def test_types_are_those_of_the_arguments(text, value):
    assert spelt(parse_type(text, "p")) == spelt(
        key_of(value)
    )  # keys of arrays also hold how these lie in memory
    assert parse_types(f"x: float, p: {text}, n: int")["p"] == parse_type(text, "p")


@pytest.mark.parametrize(
    "text, says",
    [
        ("dict[str, float]", "{w: float64[n], b: float}"),
        ("{a float}", "a type for each key"),
        ("{a: float", "not closed"),
        ("list[tuple[float, float]]", "[tuple[float, float]] * 3"),
        ("list[float64[n]]", "[float64[n]] * 3"),
        ("{a: flaot}", "{w: float64[n], b: float}"),
        ("[", "not closed"),
    ],
)
def test_what_is_no_type_says_how_to_write_it(text, says, run):
    assert says in run("nested", "--types", f"p: {text}")


def test_generated_for_structures(run):
    assert "return {'w': dw, 'b': t" in run(
        "named", "--types", "p: {w: float64[n,m], b: float64[n]}, x: float64[m]"
    )
    assert "return [(" in run("layers", "--types", "params: [(float64[n,m], float64[n])] * 2, x: float64[m]")
    assert "return {'a': (c, 0.0), 'b': {'c': a_0}}" in run(
        "nested", "--types", "p: {a: (float, int), b: {c: float}}"
    )
    assert "params_0_1  float64[:]" in run("layers", "--types", "params: [(float64[n,m], float64[n])], x: float64[m]",
                                      command="explain")  # fmt: skip


def test_assumed_types(run):
    text = run("total")
    assert "assumed X: float64[:,:]" in text and "assumed w: float64[:]" in text and "return dX" in text
    assert "return {'a': " in run("scalars")


@pytest.mark.parametrize(
    "function, says",
    [
        ("product", "assumed X: float64[:,:], w: float64[:]"),
        ("named", "{w: float64[n], b: float64[n]}"),
        ("layers", "assumed params: float64[:]"),
        ("attributes", "assumed p: float"),
        ("unpacked", '--types "p: float64[n,m]"'),
        ("called", "assumed f: float, x: float"),
    ],
)
def test_refusals_name_what_was_assumed(function, says, run):
    for command in ("dump", "graph"):
        text = run(function, command=command)
        assert command == "graph" or (says in text and "--types" in text), text
    assert "assumed" not in run("stopped") and "'del' is not supported" in run("stopped")


def test_before_a_call_source_says_what_was_assumed():
    def f(p):
        return p.x * p.y

    with pytest.raises(
        S2sadError, match=r"assumed p: float; if they are others, call it once, or say \.lower"
    ):
        _ = grad(f).source


def test_texts_as_subscripts_of_arrays_and_products_of_numbers():
    with pytest.raises(SignatureError, match="an array is indexed by 'a'"):
        grad(lambda x: x["a"] * 2.0)(np.ones(3))
    for args in ((1.0, 2.0), (np.ones(2), 2.0), (2.0, np.ones(2))):
        with pytest.raises(SignatureError, match="'@' of"):
            grad(lambda x, w: x @ w)(*args)
