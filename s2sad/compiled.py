"""Compiled derivatives as Numba dispatchers: called at C speed, and from the user's own `@njit` functions.

A `DerivativeDispatcher` compiles nothing itself. Asked for argument types it has not seen, it asks the
`Derivative` for the code of that signature; where Numba's types say all there is to say of a signature
(numbers only, nothing captured) its overloads are the entry, with no Python between call and machine code.

Imported only where `jit=True`.
"""

from __future__ import annotations

import inspect
import pickle
import types as python_types
from typing import Any

import numpy as np
from numba.core import dispatcher, errors, sigutils
from numba.core import types as numba_types
from numba.core.registry import CPUDispatcher

from s2sad.codegen.made_for import HELPERS, Tests, part
from s2sad.codegen.standalone import Alike, test_shapes
from s2sad.entry import header
from s2sad.errors import JitError, S2sadError, SignatureError
from s2sad.ir.types import COMPLEX, FLOAT, INT, List, Placed, Scalar, argument, type_of
from s2sad.machine_code import keep, quiet
from s2sad.presented import signature
from s2sad.progress import announced
from s2sad.typing.structure import Node, key_of

types: Any = numba_types  # its annotations know less than it does


class DerivativeDispatcher(CPUDispatcher):
    """The dispatcher of a `Derivative`: its overloads are those of the code made for each signature."""

    def __init__(self, derivative: Any) -> None:
        self.parameters = list(signature(derivative).parameters)
        called = stand_in(signature(derivative), derivative._name)
        super().__init__(called, targetoptions={"nopython": True})
        self.derivative = derivative
        self.taken: list[Any] = []  # a dispatcher that is collected takes its machine code with it
        self.frozen: dict[
            Any, tuple[Any, bytes]
        ] = {}  # the code of each overload for callers, and what it captured

    def typeof_pyval(self, val: Any) -> Any:
        """What Numba calls for an argument of a class that it has not seen: it takes subclasses of float for floats."""
        try:
            type_of(val)
        except SignatureError as error:
            source = self.derivative._fsource
            raise SignatureError(
                f"an argument of {source.name}(): {error.reason}", source.loc, error.hint
            ) from None
        return super().typeof_pyval(val)  # type: ignore[no-untyped-call]

    def _compile_for_args(self, *args: Any, **kwargs: Any) -> Any:
        """What Numba calls for argument types without an overload: something to call with these arguments."""
        given = tuple(a.value if isinstance(a, dispatcher.OmittedArg) else a for a in args)
        return lambda *_: self.derivative._dispatch(given, kwargs)

    def compile(self, sig: Any) -> Any:
        """What Numba calls when an `@njit` function calls this one: the machine code for these types."""
        argtypes, _ = sigutils.normalize_signature(sig)  # type: ignore[no-untyped-call]
        lowered, before = self.frozen.get(tuple(argtypes), (None, b""))
        if lowered is None or not lowered.valid() or captured_now(lowered) != before:
            self.take(argtypes, self.source(argtypes))
        compiled: Any = self.overloads[tuple(argtypes)]
        return compiled.entry_point

    def source(self, argtypes: Any) -> Any:
        """A Numba function of just these arguments, made for their types."""
        try:
            self.derivative._follow()
            names = self.derivative._params.names
            if names != self.parameters:
                raise JitError(
                    f"{names[-1]} follows parameters of {self.derivative._fsource.name}() that are given by name or left out",
                    self.derivative._fsource.loc, "call it outside of compiled functions",
                )  # fmt: skip
            keys = {name: key_from(t) for name, t in zip(names, argtypes, strict=True)}
            lowered = self.derivative._lowered(keys)
            refuse_read_only(lowered, argtypes)
            self.frozen[tuple(argtypes)] = lowered, captured_now(lowered)
            return closed(lowered, self.derivative._alike())
        except S2sadError as error:
            raise errors.TypingError(str(error)) from error

    def take(self, argtypes: Any, code: Any) -> None:
        """Compile `code` for these types if need be and make the result an overload."""
        with announced(self.derivative._name), quiet():
            code.compile(tuple(argtypes))
        compiled = code.overloads[tuple(argtypes)]
        self.taken.append(code)
        self.add_overload(compiled)

    def enter(self, lowered: Any, code: Any) -> bool:
        """Make code of a signature an overload, where its types are the whole key."""
        if (
            lowered.captured
            or lowered.given
            or lowered.sizes
            or not all(getattr(g, "frozen", False) for g in lowered.guards)
        ):
            return False
        if not all(key in (FLOAT, INT) for key in lowered.keys.values()):
            return False
        argtypes = tuple(types.float64 if key == FLOAT else types.int64 for key in lowered.keys.values())
        if argtypes not in self.overloads:
            self.take(argtypes, code)
        return True


def stand_in(found: inspect.Signature, name: str) -> Any:
    """A function with the parameters of a signature, for the dispatcher to read them from."""
    text, _, space = header(found)
    exec(f"def {name}({text}):\n    raise NotImplementedError", space)
    return space[name]


def captured_now(lowered: Any) -> bytes:
    """What the variables hold that code captured: Numba freezes it into the functions that call the code."""
    return pickle.dumps([c.get() for c in lowered.captured])


def refuse_read_only(lowered: Any, argtypes: Any) -> None:
    """Refuse types of arrays that cannot be written, where the code may write them."""
    for g in lowered.given:
        if not g.written or g.parameter >= len(argtypes):
            continue
        t, name = argtypes[g.parameter], list(lowered.keys)[g.parameter]
        for way, step in g.path:
            t = t[t.fields.index(step) if way == "attr" else step]
        if isinstance(t, types.Array) and not t.mutable:
            raise JitError(
                f"{lowered.hint}() writes its argument {part(name, g.path)}, which is a read-only array here",
                lowered.primal.loc, "pass a copy",
            )  # fmt: skip


def closed(lowered: Any, alike: Alike = ()) -> Any:
    """Generated code as a Numba function without hidden parameters, which tests what the types of its arguments do not
    say: captured data are frozen, as Numba freezes globals."""
    from numba import njit

    code = lowered.compile()
    names, hints = list(lowered.keys), lowered.hidden()
    tests = Tests(lowered.generated.name, lowered.target, "_Refused", typed=True)
    for name, key in lowered.keys.items():
        tests.argument(name, key)
    test_shapes(tests, lowered.keys, alike, {n: n for n in names})
    given = [g for g in lowered.given if g.parameter < len(names)]  # Numba copies what is captured
    tests.apart([(part(names[g.parameter], g.path), g.written, g.type) for g in given])
    if not (lowered.captured or tests.lines):
        return code
    inner = positional(code)
    if lowered.cache and not lowered.generated.objects:
        keep(inner, f"{lowered.source}# by position")
    space = {"_code": inner, "_Refused": SignatureError, "np": np} | {
        f"_{h}": c.get() for h, c in zip(hints, lowered.captured, strict=True)
    }
    if tests.needs_helpers():
        exec("\n".join(HELPERS), space)
        for helper in ("first_byte", "end_of", "share_memory"):
            space[helper] = njit(space[helper], error_model="numpy")
    arguments = ", ".join([*names, *(f"_{h}" for h in hints)])
    lines = [f"def call({', '.join(names)}):", *(f"    {line}" for line in tests.lines)]
    exec("\n".join([*lines, f"    return _code({arguments})"]), space)
    return njit(space["call"], error_model="numpy")


def positional(code: Any) -> Any:
    """The same Numba function with its keyword parameters as positional ones (Numba 0.68 cannot bind the former)."""
    from numba import njit

    fn = code.py_func
    inner = fn.__code__
    flat = inner.replace(co_argcount=inner.co_argcount + inner.co_kwonlyargcount, co_kwonlyargcount=0)
    options = {k: v for k, v in code.targetoptions.items() if k != "nopython"}
    return njit(python_types.FunctionType(flat, fn.__globals__, fn.__name__), **options)


def key_from(t: Any) -> Any:
    """The key of arguments of a Numba type. Raises TypingError where a value would have to be known."""
    if isinstance(t, types.Omitted):
        return key_of(t.value)
    if isinstance(t, types.Literal):
        return key_of(t.literal_value)
    if isinstance(t, types.Float):
        return FLOAT if t.bitwidth == 64 else Scalar("float", t.name)
    if isinstance(t, types.Integer):
        return INT if t.bitwidth == 64 and t.signed else Scalar("int", t.name)
    if isinstance(t, types.NoneType):
        return key_of(None)
    if isinstance(t, types.Complex):
        return COMPLEX if t.bitwidth == 128 else Scalar("complex", t.name)
    if isinstance(t, types.Array):
        if not isinstance(t.dtype, types.Number | types.Boolean):
            raise errors.TypingError(f"a derivative cannot be compiled for an array of {t.dtype}")
        made = argument(str(t.dtype), t.ndim)
        return Placed(made.dtype, made.ndim, made.dims, layout=t.layout)
    if isinstance(t, types.NamedTuple | types.NamedUniTuple):
        return Node("namedtuple", t.instance_class, tuple(map(key_from, t)), tuple(t.fields))
    if isinstance(t, types.BaseTuple):
        return Node("tuple", tuple, tuple(map(key_from, t)))
    if isinstance(t, types.List):
        item = key_from(t.dtype)
        if isinstance(item, Scalar):
            return List(item)
    raise errors.TypingError(
        f"a derivative cannot be compiled for an argument of type {t}: it is generated for each value of such "
        "arguments, and here only the type is known"
    )
