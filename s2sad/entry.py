"""Entries: the generated `__call__` of a derivative, which hands a call straight to the code made for it.

An entry tests what generated code was made for (types and structure of the arguments, what was captured) and
calls the code of the first signature that fits; any other call goes to `_dispatch`, which finds or makes it.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from s2sad.codegen.made_for import lies, says_sizes, sizes_fit
from s2sad.errors import NOWHERE, Loc, S2sadError, cut
from s2sad.frontend.source import MISSING, Attribute, Builtin, Place
from s2sad.ir.call_sizes import CallSizes
from s2sad.ir.types import INT, Array, List, Placed, Scalar
from s2sad.typing.captures import Guard
from s2sad.typing.given import Given
from s2sad.typing.structure import Fixed, Node, known, size_in

MOST_TESTS = 60
MOST_SIGNATURES = 4


def header(signature: inspect.Signature) -> tuple[str, list[str], dict[str, Any]]:
    """The text of a parameter list, the names in it, and the names that hold its defaults."""
    space: dict[str, Any] = {}
    parts: list[str] = []
    names: list[str] = []
    star = False
    parameters = list(signature.parameters.values())
    for i, p in enumerate(parameters):
        if p.kind is p.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        prefix = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")  # type: ignore[call-overload]
        star = star or p.kind is p.VAR_POSITIONAL
        default = ""
        if p.default is not p.empty:
            space[f"_default{i}"] = p.default
            default = f"=_default{i}"
        parts.append(f"{prefix}{p.name}{default}")
        names.append(p.name)
        after = parameters[i + 1].kind if i + 1 < len(parameters) else None
        if p.kind is p.POSITIONAL_ONLY and after is not p.POSITIONAL_ONLY:
            parts.append("/")
    return ", ".join(parts), names, space


def binder(signature: inspect.Signature, name: str) -> Callable[..., tuple[Any, ...]]:
    """A function with the same parameters that returns its arguments as a tuple; errors in calls say `name`."""
    text, names, space = header(signature)
    exec(f"def bind({text}):\n    return ({''.join(f'{n}, ' for n in names)})", space)
    space["bind"].__qualname__ = name
    return space["bind"]  # type: ignore[no-any-return]


def definition(fn: Any) -> tuple[Any, Any, dict[str, Any] | None]:
    """What calls of a function depend on besides their arguments."""
    return fn.__code__, fn.__defaults__, fn.__kwdefaults__ and dict(fn.__kwdefaults__)


def unchanged(fn: Any, before: tuple[Any, Any, dict[str, Any] | None]) -> bool:
    code, defaults, named = before
    now = fn.__kwdefaults__ or {}
    return (
        fn.__code__ is code
        and fn.__defaults__ is defaults
        and now.keys() == (named or {}).keys()
        and all(v is now[n] for n, v in (named or {}).items())
    )


class _TooLong(Exception):
    """A signature that takes longer to test than to look up."""


class Tests:
    """The expressions that hold for an object exactly if it has a given key, and the objects they name."""

    def __init__(self) -> None:
        self.space: dict[str, Any] = {}
        self.names: dict[int, str] = {}
        self.found: list[str] = []
        self.native = False

    def named(self, obj: Any) -> str:
        name = self.names.get(id(obj))
        if name is None:
            name = self.names[id(obj)] = f"_object{len(self.names)}"
            self.space[name] = obj
        return name

    def add(self, text: str) -> None:
        self.found.append(text)
        if len(self.found) > MOST_TESTS:
            raise _TooLong

    def key(self, e: str, key: Any) -> None:
        """Test the object that the expression `e` gives."""
        if isinstance(key, Fixed):
            self.fixed(e, key.obj)
        elif isinstance(key, Node):
            self.node(e, key)
        elif isinstance(key, Scalar):
            self.add(f"{e}.__class__ is {self.named(scalar_class(key))}")
            if self.native and key == INT:
                self.add(f"{-(2**63)} <= {e} < {2**63}")
        elif isinstance(key, List) and isinstance(key.item, Scalar) and not key.item.optional:
            kinds = self.named({scalar_class(key.item)})
            self.add(f"{e}.__class__ is list and {{*map({self.named(type)}, {e})}} == {kinds}")
        elif isinstance(key, Array):
            import numpy as np

            dtype = self.named(np.dtype(key.dtype))
            self.add(f"{e}.__class__ is {self.named(np.ndarray)} and {e}.dtype is {dtype}")
            vector = f"len({e}.shape) == 1 and {e}.shape {'==' if key.dims == (1,) else '!='} (1,)"
            plain = key.ndim == 1 and not says_sizes(key)
            self.add(vector if plain else sizes_fit(e, key))  # the former is what is fastest
            if isinstance(key, Placed):
                self.add(lies(e, key))
        else:
            raise _TooLong

    def fixed(self, e: str, obj: Any) -> None:
        if isinstance(obj, (str, slice)):
            self.add(f"{e}.__class__ is {self.named(obj.__class__)} and {e} == {obj!r}")
        else:
            self.add(f"{e} is {self.named(obj)}")

    def node(self, e: str, key: Node) -> None:
        self.add(f"{e}.__class__ is {self.named(key.tag)}")
        if key.kind == "dict":
            self.add(f"tuple({e}) == {self.named(key.names)}")
        elif self.native and (key.kind == "list" or any(map(known, key.parts))):
            raise _TooLong  # its items may be of several memory layouts, or none that Numba takes
        elif key.kind in ("tuple", "list"):
            self.add(f"len({e}) == {len(key.parts)}")
        for i, part in enumerate(key.parts):
            self.key(self.part(e, (key.step(i),)), part)

    def part(self, e: str, path: tuple[tuple[str, Any], ...]) -> str:
        """The expression for what a path leads to."""
        for way, step in path:
            e += f".{step}" if way == "attr" else f"[{step if type(step) is int else self.named(step)}]"
        return e


def scalar_class(key: Scalar) -> type:
    """The class of the numbers of a type."""
    if key.optional:
        raise _TooLong
    if key.dtype is None:
        return {"float": float, "int": int, "complex": complex, "bool": bool}[key.kind]
    import numpy as np

    return np.dtype(key.dtype).type


@dataclass(frozen=True, eq=False)
class Made:
    """What an entry needs to know of generated code: its arguments' keys, what it captures, and what it gives."""

    keys: dict[str, Any]
    captured: tuple[tuple[str, Any], ...]  # parameter names and Captured
    guards: tuple[Any, ...]  # of Guard
    code: Any
    given: tuple[Given, ...] = ()  # the memory that `before` is called with, if there is any check to make
    before: Callable[..., None] | None = None
    after: Callable[[Any], Any] | None = None  # called with the result
    native: bool = False  # compiled by Numba
    sizes: CallSizes = field(default_factory=lambda: CallSizes({}))  # what is taken for granted of them


def entry(place: Where, signature: inspect.Signature, signatures: list[Made], fn: Any) -> Any:
    """A `__call__` for these signatures, first come first tested; None if there is nothing it could test.

    Arguments that are not given are told from all others: where the function's code or defaults are others by now,
    what was given goes to `_dispatch` as it was given.
    """
    parameters = list(signature.parameters.values())
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        return None
    text, _, space = header(signature.replace(parameters=[p.replace(default=MISSING) for p in parameters]))
    lines: list[str] = []
    tests = Tests()
    missing = tests.named(MISSING)
    for p in parameters:
        if p.default is not p.empty:
            lines += [f"    if {p.name} is {missing}:", f"        {p.name} = {tests.named(p.default)}"]
    if lines:
        lines = _unchanged(tests, fn, _forwarded(tests, signature)) + lines
    before = len(lines)
    for i, made in enumerate(signatures[:MOST_SIGNATURES]):
        try:
            lines += _branch(tests, made, f"_code{i}")
        except _TooLong:
            continue
        space |= {f"_code{i}": made.code, f"_code{i}_before": made.before, f"_code{i}_after": made.after}
    space |= tests.space
    if len(lines) == before:
        return None
    lines.append(f"    return {_forwarded(tests, signature)}")
    space |= tests.space
    return defined(place, f"_self, {text}", lines, space)


def entry_of_integers(place: Where, signature: inspect.Signature, dispatcher: Any) -> Any:
    """A `__call__` that is a Numba dispatcher, but for integers that are too long for it: `_dispatch` says so.

    Numba raises an OverflowError before any code runs, as code itself may.
    """
    text, names, space = header(signature)
    lines = [
        "    try:",
        f"        return _native({', '.join(names)})",
        "    except OverflowError:",
        f"        if all(-(2**63) <= n < 2**63 for n in ({''.join(f'{n}, ' for n in names)}) if isinstance(n, int)):",
        "            raise",
        f"    return _self._dispatch(({''.join(f'{n}, ' for n in names)}), {{}})",
    ]
    return defined(place, f"_self, {text}", lines, space | {"_native": dispatcher})


@dataclass(frozen=True)
class Where:
    """What the entry of a derivative is called in tracebacks, what a TypeError calls it, and where it seems to stand:
    where the user's function is defined."""

    name: str
    qualname: str
    loc: Loc


def slow_entry(place: Where) -> Any:
    """The `__call__` that looks everything up: one piece of code, shown at each function's own place."""
    code = _SLOW.__code__.replace(
        co_filename=place.loc.file.name, co_name=place.name, co_qualname=place.qualname,
        co_firstlineno=place.loc.line,
    )  # fmt: skip
    return types.FunctionType(code, _SLOW.__globals__, place.name)


def defined(place: Where, parameters: str, lines: list[str], space: dict[str, Any]) -> Any:
    """A function that shows itself as a line of the user's, and raises refusals from there."""
    inner = "\n".join(f"    {line}" for line in lines)
    text = f"def {place.name}({parameters}):\n    try:\n{inner}\n    except _Refused as error:\n        raise _cut(error)"
    tree = ast.parse(text)
    node: Any
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            node.lineno = node.end_lineno = place.loc.line
            node.col_offset = node.end_col_offset = -1
    space |= {"_Refused": S2sadError, "_cut": cut}
    exec(compile(tree, place.loc.file.name, "exec"), space)
    found = space[place.name]
    found.__qualname__ = place.qualname
    return found


def _unchanged(tests: Tests, fn: Any, otherwise: str) -> list[str]:
    """The lines that leave where a function's defaults are others than they were; new ones are of arguments that
    would be missing."""
    owner, named = tests.named(fn), fn.__kwdefaults__ or {}
    held = {"__defaults__": fn.__defaults__, "__kwdefaults__": fn.__kwdefaults__}
    others = [f"{owner}.{name} is not {tests.named(v)}" for name, v in held.items() if v is not None]
    others += [f"{tests.named(named)}.get({n!r}) is not {tests.named(v)}" for n, v in named.items()]
    return [f"    if {' or '.join(others)}:", f"        return {otherwise}"]


def _branch(tests: Tests, made: Made, code: str) -> list[str]:
    """The lines that test for one signature and call its code."""
    tests.found, tests.native = [], made.native
    for name, key in made.keys.items():
        tests.key(name, key)
    for test in made.sizes.tests(size_in(made.keys, tests.part)):
        tests.add(test)
    arguments_fit, tests.found = tests.found, []
    reads: list[str] = []
    arguments = ["None" if made.native and known(k) else n for n, k in made.keys.items()]
    held = list(made.keys)
    for i, (parameter, captured) in enumerate(made.captured):
        local = f"_captured{i}"
        reads.append(f"{local} = {_place(tests, captured.get)}")
        tests.key(local, captured.key)
        arguments.append(f"{parameter}={local}")
        held.append(local)
    for guard in made.guards:
        if isinstance(guard, Guard):
            tests.key(_place(tests, guard.get), guard.key)
        else:  # these are as many tests as looking the code up would be
            tests.found.append(f"{_place(tests, guard.get)} is {tests.named(guard.obj)}")
    memory = [(g, tests.part(held[g.parameter], g.path)) for g in made.given]
    if made.native:
        tests.found += [f"{e}.flags.writeable" for g, e in memory if g.written and isinstance(g.type, Array)]
    lines = []
    indent = "    "
    if arguments_fit:
        lines.append(f"{indent}if {' and '.join(arguments_fit)}:")
        indent += "    "
    lines += [indent + read for read in reads]
    if tests.found:
        lines.append(f"{indent}if {' and '.join(tests.found)}:")
        indent += "    "
    call = f"{code}({', '.join(arguments)})"
    if made.before is not None:
        lines.append(f"{indent}{code}_before({', '.join(e for _, e in memory)})")
    lines.append(f"{indent}return {f'{code}_after({call})' if made.after is not None else call}")
    if indent == "    ":  # nothing to test: no other signature can follow
        lines.append("    pass")
    return lines


def _place(tests: Tests, get: Any) -> str:
    """The expression that reads a captured variable; a KeyError in it is for `_dispatch` to explain."""
    if isinstance(get, Attribute):
        return f"{tests.named(get.owner)}.{get.name}"
    if isinstance(get, Builtin):
        own = f"{tests.named(vars(builtins))}[{get.name!r}]"
        return f"{get.name!r} not in {tests.named(get.space)} and {own}"
    if not isinstance(get, Place):
        return f"{tests.named(get)}()"
    space = tests.named(get.space)
    return f"{space}.cell_contents" if get.name is None else f"{space}.get({get.name!r})"


def _forwarded(tests: Tests, signature: inspect.Signature) -> str:
    """The call of `_dispatch` with the arguments that were given."""
    parameters = signature.parameters.values()
    positional = [
        f"({p.name!r}, {p.name}), "
        for p in parameters
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    keyword = [f"({p.name!r}, {p.name}), " for p in parameters if p.kind is p.KEYWORD_ONLY]
    return f"_self._dispatch(*{tests.named(given)}(({''.join(positional)}), ({''.join(keyword)})))"


def given(
    positional: tuple[tuple[str, Any], ...], keyword: tuple[tuple[str, Any], ...]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments as they were given: by position up to the first that was not, the others by name."""
    count = next((i for i, (_, value) in enumerate(positional) if value is MISSING), len(positional))
    by_name = {name: value for name, value in (*positional[count:], *keyword) if value is not MISSING}
    return tuple(value for _, value in positional[:count]), by_name


_SLOW = defined(
    Where("call", "call", replace(NOWHERE, line=1)),
    "_self, /, *args, **kwargs",
    ["    return _self._dispatch(args, kwargs)"],
    {},
)
