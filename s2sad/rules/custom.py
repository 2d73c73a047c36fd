"""The primitive of calls that have a rule of the user's: the function is called by name and never looked into.

A `Call` says how its operands are arranged into arguments, what its results must be, and carries the user's
vjp and jvp as functions of the IR, typed where the call was: differentiation puts their bodies in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from s2sad.errors import JitError, Loc, S2sadError, SignatureError
from s2sad.ir.core import Function
from s2sad.ir.types import Array, Dim, Scalar, Type, is_float
from s2sad.rules.registry import rule

Form = int | None | tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Call:
    """A call of a user's function that stays one.

    fn: what is called; name: what it is called in generated code; loc: where.
    form: the arguments: numbers of operands, None, and tuples of those.
    count: how many operands are arguments; those after them are what vjp and jvp read from outside.
    results: the types of the results; many: whether the function returns a tuple of them.
    like: for each result the operand it must have the shape of, or None: then its type says what is known.
    vjp, jvp: functions of the IR, why there is none, or None where none was given.
    vjp(cotangents of floating results, results, arguments, outside) yields a cotangent for each floating argument;
    jvp(tangents of floating arguments, results, arguments, outside) yields a tangent for each floating result.
    """

    fn: Any
    name: str
    loc: Loc
    form: tuple[Form, ...]
    count: int
    results: tuple[Type, ...]
    many: bool
    like: tuple[int | None, ...]
    operands: tuple[Type, ...]
    vjp: Function | S2sadError | None = None
    jvp: Function | S2sadError | None = None
    picked: tuple[int, ...] | None = None  # of a tuple that is returned, the items that are results

    @property
    def key(self) -> Any:
        """Calls that one object in generated code can stand for."""
        return (
            id(self.fn),
            self.name,
            self.form,
            self.results,
            self.many,
            self.like,
            self.operands,
            self.picked,
        )

    def run(self, *operands: Any) -> Any:
        """Call the function on operands, and check what it returns."""
        return self.checked()(*arranged(self.form, operands))

    def checked(self) -> Callable[..., Any]:
        """The function, with a check of what it returns: numbers and arrays of the types that were foreseen."""

        def call(*args: Any) -> Any:
            found = self.fn(*args)
            flat = flattened(self.form, args)
            return self.fitted(found, flat)

        call.__name__ = call.__qualname__ = self.name
        return call

    def fitted(self, found: Any, flat: dict[int, Any]) -> Any:
        if self.picked is not None and (
            isinstance(found, (tuple, list)) or self.many or len(self.picked) != 1
        ):
            total = 1 + max(self.picked, default=0)
            if not isinstance(found, (tuple, list)) or len(found) < total:
                raise self.error(f"returned {shown(found)}, and not one value for each argument")
            found = tuple(found[i] for i in self.picked)
        elif self.many:
            if not isinstance(found, (tuple, list)) or len(found) != len(self.results):
                raise self.error(f"returned {shown(found)}, and not {len(self.results)} values")
        else:
            found = (found,)
        values = [
            self.leaf(v, t, flat, like) for v, t, like in zip(found, self.results, self.like, strict=True)
        ]
        return tuple(values) if len(values) != 1 else values[0]

    def leaf(self, value: Any, t: Type, flat: dict[int, Any], like: int | None) -> Any:
        if value is None and like is not None:  # a derivative that is zero
            value = np.zeros_like(flat[like]) if isinstance(t, Array) else 0.0
        if isinstance(t, Scalar):
            return self.number(value, t)
        assert isinstance(t, Array)
        if not isinstance(value, np.ndarray) or value.ndim != t.ndim or value.dtype != t.dtype:
            raise self.error(f"returned {shown(value)}, and not an array {t}")
        shape = tuple(np.shape(flat[like])) if like is not None else self.expected(t, flat)
        if any(n is not None and n != m for n, m in zip(shape, value.shape, strict=True)) or any(
            isinstance(d, Dim) and d.many and m == 1 for d, m in zip(t.dims, value.shape, strict=True)
        ):
            text = ", ".join("?" if n is None else str(n) for n in shape)
            raise self.error(f"returned {shown(value)}, and not an array of shape ({text})")
        if any(isinstance(a, np.ndarray) and np.may_share_memory(a, value) for a in flat.values()):
            return value.copy()
        return value

    def expected(self, t: Array, flat: dict[int, Any]) -> tuple[int | None, ...]:
        """The sizes that a result's type foresees."""
        known: dict[str, int] = {}
        for i, given in enumerate(self.operands):
            for axis, d in enumerate(given.dims if isinstance(given, Array) else ()):
                if isinstance(d, Dim) and d.name != "~" and i in flat:
                    known[d.name] = np.shape(flat[i])[axis] - d.offset
        return tuple(
            d
            if isinstance(d, int)
            else known[d.name] + d.offset
            if isinstance(d, Dim) and d.name in known
            else None
            for d in t.dims
        )

    def number(self, value: Any, t: Scalar) -> Any:
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value[()]
        kinds = {"float": "fiu", "int": "iu", "bool": "b"}[t.kind]
        if not isinstance(value, (bool, int, float, np.generic)) or np.asarray(value).dtype.kind not in kinds:
            raise self.error(f"returned {shown(value)}, and not a number ({t})")
        if t.dtype is not None:
            return np.dtype(t.dtype).type(value)
        if t.kind == "float":
            return value if isinstance(value, float) else float(value)
        return bool(value) if t.kind == "bool" else int(value)

    def error(self, what: str) -> S2sadError:
        hint = "make it return that, or say what it returns with custom_rule(out=...)"
        return SignatureError(f"{self.name}() {what}", self.loc, hint)

    def compiled(self) -> Any:
        """The function for Numba."""
        if hasattr(self.fn, "py_func"):
            return self.fn
        from numba import njit

        try:
            return njit(self.fn, error_model="numpy")
        except TypeError as error:
            raise JitError(
                f"{self.name}() has a custom rule and cannot be compiled: {error}",
                self.loc,
                "use jit=False, or give a function that Numba compiles",
            ) from None


def arranged(form: Any, operands: Any) -> Any:
    """Arguments made of operands."""
    if isinstance(form, tuple):
        return tuple(arranged(f, operands) for f in form)
    return None if form is None else operands[form]


def flattened(form: Any, args: Any) -> dict[int, Any]:
    """Operands by number, out of the arguments made of them."""
    if isinstance(form, tuple):
        return {k: v for f, a in zip(form, args, strict=True) for k, v in flattened(f, a).items()}
    return {} if form is None else {form: args}


def shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"a {value.dtype} array of shape {value.shape}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"{value!r} (a {type(value).__name__})"


def moves(t: Type) -> bool:
    """Whether an argument or result of this type has a derivative."""
    return is_float(t) or (isinstance(t, Array) and t.dtype.startswith("float"))


def _typed(*types: Type) -> Type:
    raise TypeError("the types of a call's results are given where it is made")


rule(None, "y = custom(*xs)", name="custom", infer=_typed, effect="raises", cost=1000)  # type: ignore[arg-type]
