"""The values of constant expressions of a program that is only parsed: arithmetic on literals, constants of
math and NumPy, and arrays made of them. Whatever else would run the user's code, or read a file, is `NotConstant`.
"""

from __future__ import annotations

import math
import operator
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gast
import numpy as np

from s2sad.errors import S2sadError, SourceError

LARGEST = 1_000_000
"""Sequences, arrays and exponents beyond this are not computed when a program is only looked at."""

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    gast.Add: operator.add, gast.Sub: operator.sub, gast.Mult: operator.mul, gast.Div: operator.truediv,
    gast.FloorDiv: operator.floordiv, gast.Mod: operator.mod, gast.Pow: operator.pow,
    gast.MatMult: operator.matmul, gast.BitAnd: operator.and_, gast.BitOr: operator.or_,
    gast.BitXor: operator.xor, gast.LShift: operator.lshift, gast.RShift: operator.rshift,
}  # fmt: skip
_UNARY: dict[type, Callable[[Any], Any]] = {
    gast.USub: operator.neg, gast.UAdd: operator.pos, gast.Not: operator.not_, gast.Invert: operator.invert,
}  # fmt: skip
_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    gast.Lt: operator.lt, gast.LtE: operator.le, gast.Gt: operator.gt, gast.GtE: operator.ge,
    gast.Eq: operator.eq, gast.NotEq: operator.ne, gast.Is: operator.is_, gast.IsNot: operator.is_not,
}  # fmt: skip
_BUILTINS = (abs, bool, complex, dict, float, int, len, list, max, min, range, round, slice, str, sum, tuple)
_ARRAYS = (
    "arange", "array", "asarray", "concatenate", "diag", "dtype", "empty", "eye", "finfo", "full",
    "hstack", "identity", "iinfo", "linspace", "logspace", "ones", "ones_like", "repeat", "stack",
    "tile", "vstack", "zeros", "zeros_like",
)  # fmt: skip
_NUMPY = tuple(getattr(np, name) for name in _ARRAYS)
_METHODS = {"astype", "copy", "flatten", "ravel", "reshape", "tolist", "transpose"}
_NUMBERS = (int, float, complex, np.generic, np.ndarray)


class UnknownName(SourceError):
    """A name whose value is known only by running the program."""


class NoSuchFunction(SourceError):
    """A file, module or function that is not there."""


@dataclass(frozen=True, eq=False, slots=True)
class Unknown:
    """A name that is bound to what is known only by running the program, and why."""

    reason: str
    node: Any


class NotConstant(Exception):
    """An expression whose value is known only by running the program; `node` is the part that is to blame."""

    def __init__(self, node: Any, reason: str) -> None:
        super().__init__(reason)
        self.node, self.reason = node, reason


def evaluate(node: Any, name: Callable[[str], Any]) -> Any:
    """The value of an expression; `name` gives the value of a name, or raises NotConstant or S2sadError.

    Raises:
        NotConstant: the expression is not constant.
    """
    return _Evaluator(name).value(node)


class _Evaluator:
    def __init__(self, name: Callable[[str], Any]) -> None:
        self.name = name
        self.local: dict[str, Any] = {}

    def value(self, node: Any) -> Any:
        handler = getattr(self, "eval_" + type(node).__name__, None)
        if handler is None:
            raise NotConstant(node, "it is not a constant expression")
        try:
            return handler(node)
        except NotConstant:
            raise
        except S2sadError as error:
            raise NotConstant(node, error.reason) from None
        except Exception as error:  # the user's program raises there
            raise NotConstant(node, f"it raises {type(error).__name__}: {error}") from None

    def eval_Constant(self, node: Any) -> Any:
        return node.value

    def eval_Name(self, node: Any) -> Any:
        return self.local[node.id] if node.id in self.local else self.name(node.id)

    def eval_Tuple(self, node: Any) -> Any:
        return tuple(map(self.value, node.elts))

    def eval_List(self, node: Any) -> Any:
        return list(map(self.value, node.elts))

    def eval_Dict(self, node: Any) -> Any:
        if None in node.keys:
            raise NotConstant(node, "it unpacks a dict")
        return {self.value(k): self.value(v) for k, v in zip(node.keys, node.values, strict=True)}

    def eval_UnaryOp(self, node: Any) -> Any:
        return _UNARY[type(node.op)](self.number(node.operand))

    def eval_BinOp(self, node: Any) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        kind = type(node.op)
        if isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS):
            if kind in (gast.Pow, gast.LShift) and isinstance(left, int) and isinstance(right, int):
                if right * max(left.bit_length(), 1) > LARGEST:
                    raise NotConstant(node, "the number is too large")
        elif kind is gast.Mult and isinstance(right, int) and isinstance(left, (tuple, list, str)):
            self.bounded(node, right * len(left))
        elif not (kind is gast.Add and type(left) is type(right) and isinstance(left, (tuple, list, str))):
            raise NotConstant(node, "it is not arithmetic on numbers")
        return _BINARY[kind](left, right)

    def eval_Compare(self, node: Any) -> Any:
        left = self.value(node.left)
        for op, right in zip(node.ops, map(self.value, node.comparators), strict=True):
            if not _COMPARE[type(op)](left, right):
                return False
            left = right
        return True

    def eval_BoolOp(self, node: Any) -> Any:
        result = None
        for part in node.values:
            result = self.value(part)
            if bool(result) is isinstance(node.op, gast.Or):
                break
        return result

    def eval_IfExp(self, node: Any) -> Any:
        return self.value(node.body if self.value(node.test) else node.orelse)

    def eval_Subscript(self, node: Any) -> Any:
        owner = self.value(node.value)
        if not isinstance(owner, (tuple, list, dict, str, np.ndarray)):
            raise NotConstant(node, "it is not an element of a constant")
        return owner[self.value(node.slice)]

    def eval_Slice(self, node: Any) -> Any:
        return slice(*(None if p is None else self.value(p) for p in (node.lower, node.upper, node.step)))

    def eval_Attribute(self, node: Any) -> Any:
        owner = self.value(node.value)
        if isinstance(owner, (types.ModuleType, np.finfo, np.iinfo)) or hasattr(owner, "__s2sad_parsed__"):
            return getattr(owner, node.attr)
        if isinstance(owner, np.ndarray) and node.attr in ("T", "size", "ndim", "shape", "dtype"):
            return getattr(owner, node.attr)
        if isinstance(owner, complex) and node.attr in ("real", "imag"):
            return getattr(owner, node.attr)
        raise NotConstant(node, f"the attribute {node.attr!r} is not a constant")

    def eval_ListComp(self, node: Any) -> Any:
        clause, *more = node.generators
        if more or clause.ifs or not isinstance(clause.target, gast.Name):
            raise NotConstant(node, "it is not a simple comprehension")
        items = self.value(clause.iter)
        self.bounded(node, len(items))
        before, out = dict(self.local), []
        for item in items:
            self.local[clause.target.id] = item
            out.append(self.value(node.elt))
        self.local = before
        return out

    def eval_Call(self, node: Any) -> Any:
        if isinstance(node.func, gast.Attribute) and node.func.attr in _METHODS:
            owner = self.value(node.func.value)
            if isinstance(owner, np.ndarray):
                return getattr(owner, node.func.attr)(*self.arguments(node), **self.keywords(node))
        fn = self.value(node.func)
        if not _allowed(fn):
            raise NotConstant(node, f"it calls {text_of(node.func)}()")
        args, keywords = self.arguments(node), self.keywords(node)
        if getattr(fn, "__module__", "") == "math" or fn is range:
            self.bounded(node, max((abs(a) for a in args if isinstance(a, int)), default=0))
        if getattr(fn, "__name__", "") in ("factorial", "comb", "perm") and max(args) > 1000:
            raise NotConstant(node, "the number is too large")
        if any(fn is f for f in _NUMPY):
            self.bounded(node, _size(fn.__name__, args, keywords))
        return fn(*args, **keywords)

    def arguments(self, node: Any) -> list[Any]:
        return list(map(self.value, node.args))

    def keywords(self, node: Any) -> dict[str, Any]:
        if any(k.arg is None for k in node.keywords):
            raise NotConstant(node, "it unpacks a dict")
        return {k.arg: self.value(k.value) for k in node.keywords}

    def number(self, node: Any) -> Any:
        found = self.value(node)
        if not isinstance(found, _NUMBERS):
            raise NotConstant(node, "it is not a number")
        return found

    def bounded(self, node: Any, size: Any) -> None:
        if size > LARGEST:
            raise NotConstant(node, "it is too large")


def _allowed(fn: Any) -> bool:
    if isinstance(fn, np.ufunc) or (isinstance(fn, type) and issubclass(fn, np.generic)):
        return True
    known = _BUILTINS + _NUMPY
    return any(fn is f for f in known) or (
        isinstance(fn, types.BuiltinFunctionType) and fn.__module__ == "math" and hasattr(math, fn.__name__)
    )


def _size(name: str, args: list[Any], keywords: dict[str, Any]) -> float:
    """About how many elements an array constructor makes with these arguments."""
    first = args[0] if args else keywords.get("shape", keywords.get("N", 0))
    if name in ("zeros", "ones", "empty", "full", "identity", "eye"):
        return float(np.prod(first, dtype=float)) ** (2 if name in ("identity", "eye") else 1)
    if name in ("linspace", "logspace"):
        return float(keywords.get("num", args[2] if len(args) > 2 else 50))
    if name == "arange":
        start, stop, step = (args + [1.0])[:3] if len(args) > 1 else (0.0, first, 1.0)
        return abs((stop - start) / keywords.get("step", step))
    if name in ("tile", "repeat") and len(args) > 1:
        return float(np.size(first) * np.prod(args[1], dtype=float))
    return 0.0


def text_of(node: Any) -> str:
    """A dotted name as it stands in the program, for messages."""
    if isinstance(node, gast.Name):
        return str(node.id)
    if isinstance(node, gast.Attribute):
        return f"{text_of(node.value)}.{node.attr}"
    if isinstance(node, gast.Call):
        return f"{text_of(node.func)}(...)"
    return type(node).__name__.lower()
