"""The rule table: one declaration a primitive says what it computes, its type, and its derivative.

A partial is text over the operand names, the result `y` and the cotangent `dy`; it is linear in `dy`, so the
same text gives the adjoint (`dy` is the result's) and the tangent (`dy` replaced by the operand's tangent).
For each operand a rule says a partial, `ZERO` (the result does not vary with it), or nothing at all, which is
an error if that operand is active: silence never means zero.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from s2sad.ir.types import BOOL, FLOAT, INT, Scalar, Type, promote

ZERO = "0"
Infer = Callable[..., Type]
# a partial that depends on which operands are constants: given the builder, the operands by name
# (with y and dy) and the op's constant operands, it emits the contribution
Emit = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Prim:
    """A primitive operation.

    name: `add`, `math.exp`, `numpy.sin`; helpers written into generated modules are `s2sad.<name>`.
    fn: computes it (constant folding, the interpreter, tests).
    params: operand names; a last one starting with `*` stands for any number.
    partials: operand name -> partial text, ZERO, or a function that emits it.
    infer: operand types -> result type.
    effect: 'none', 'raises' (pure, but may raise), 'reads', 'writes' or 'world' (print, random numbers).
    helper: Python source of the function, where generated code must bring it along.
    """

    name: str
    fn: Callable[..., Any]
    params: tuple[str, ...]
    partials: dict[str, str | Emit]
    infer: Infer
    effect: str = "raises"
    jit: bool = True
    helper: str = ""
    needs: tuple[str, ...] = ()
    note: str = ""
    cost: int = 1
    broadcasts: bool = False

    @property
    def module(self) -> str:
        return self.name.rpartition(".")[0]

    def partial(self, index: int) -> str | Emit | None:
        """The partial for operand number `index`; None where the rule says nothing."""
        return self.partials.get(self.param(index))

    def param(self, index: int) -> str:
        last = self.params[-1] if self.params else ""
        if last.startswith("*") and index >= len(self.params) - 1:
            return last
        return self.params[index] if index < len(self.params) else ""


PRIMS: dict[str, Prim] = {}
BY_FUNCTION: dict[Any, Prim] = {}
_PARSED: dict[str, ast.expr] = {}


def parsed(text: str) -> ast.expr:
    """The syntax tree of a partial's text."""
    tree = _PARSED.get(text)
    if tree is None:
        tree = _PARSED[text] = ast.parse(text, mode="eval").body
    return tree


def rule(
    fn: Callable[..., Any],
    form: str,
    *,
    name: str | None = None,
    infer: Infer | Type = FLOAT,
    effect: str = "raises",
    jit: bool = True,
    helper: str = "",
    needs: tuple[str, ...] = (),
    note: str = "",
    cost: int = 10,
    broadcasts: bool = False,
    **partials: str | Emit,
) -> Prim:
    """Declare a primitive: `rule(math.exp, "y = exp(x)", dx="y * dy")`.

    `form` names the operands; `d<operand>` gives each one's partial. `infer` is a type, or a function from
    the operand types to one. `needs` names helper primitives that a helper's own source calls.
    """
    call = form.rpartition("=")[2].strip()
    params = tuple(p.strip() for p in call[call.index("(") + 1 : call.rindex(")")].split(",") if p.strip())
    by_name = {_operand(key, params): value for key, value in partials.items()}
    name = name or f"{_module(fn)}.{fn.__name__}"
    result = infer
    prim = Prim(
        name, fn, params, by_name, result if not isinstance(result, Type) else _always(result),
        effect, jit, helper, needs, note, cost, broadcasts,
    )  # fmt: skip
    PRIMS[name] = prim
    try:
        BY_FUNCTION.setdefault(fn, prim)
    except TypeError:
        pass
    return prim


def _operand(key: str, params: tuple[str, ...]) -> str:
    stripped = key.removeprefix("d")
    for param in params:
        if param.lstrip("*") == stripped:
            return param
    raise ValueError(f"{key} names no operand among {params}")


def _module(fn: Any) -> str:
    return "numpy" if type(fn).__module__ == "numpy" else (getattr(fn, "__module__", None) or "builtins")


def _always(t: Type) -> Infer:
    return lambda *types: t


def promoted(*types: Type) -> Type:
    """The type of an arithmetic result."""
    result = types[0]
    for t in types[1:]:
        result = promote(_scalar(result), _scalar(t))
    result = _scalar(result)
    return INT if result.kind == "bool" and result.dtype is None else Scalar(result.kind, result.dtype)


def promoted_float(*types: Type) -> Type:
    """The type of a result that is floating even for integers."""
    t = promoted(*types)
    assert isinstance(t, Scalar)
    if t.kind in ("int", "bool"):
        return FLOAT if t.dtype is None else Scalar("float", "float64")
    return t


def numpy_float(*types: Type) -> Type:
    """The type of a NumPy ufunc on scalars: a NumPy float even for Python numbers."""
    t = promoted_float(*types)
    assert isinstance(t, Scalar)
    return t if t.dtype is not None else Scalar(t.kind, "float64" if t.kind == "float" else "complex128")


def numpy_same(*types: Type) -> Type:
    """The type of a NumPy ufunc that keeps integers integers (maximum, abs)."""
    t = promoted(*types)
    assert isinstance(t, Scalar)
    if t.dtype is not None:
        return t
    return Scalar(t.kind, {"int": "int64", "float": "float64", "complex": "complex128"}[t.kind])


def same(*types: Type) -> Type:
    t = _scalar(types[0])
    return INT if t.kind == "bool" else t


def boolean(*types: Type) -> Type:
    return BOOL


def _scalar(t: Type) -> Scalar:
    if not isinstance(t, Scalar):
        raise TypeError(f"a {t} in arithmetic")
    return Scalar(t.kind, t.dtype)


def source(fn: Callable[..., Any]) -> str:
    """The text of a helper: its first line and the indented ones after it; inspect.getsource is slow."""
    code = fn.__code__
    first, *rest = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
    body = takewhile(lambda line: line[0].isspace(), rest)
    return (first + "".join(body)).replace(": Any", "").replace(" -> Any:", ":").rstrip() + "\n"
