"""Generated modules: text, registration in linecache, and loading by exec or Numba."""

from __future__ import annotations

import builtins
import hashlib
import itertools
import keyword
import linecache
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import gast

from s2sad.codegen.emit import Emitter
from s2sad.codegen.printer import to_source
from s2sad.codegen.quiet import quieten
from s2sad.codegen.raising import library_path
from s2sad.codegen.tapes import GROW
from s2sad.errors import JitError, VerifierError
from s2sad.ir.core import Function, Op, Value, walk
from s2sad.optimize.array_records import records_of_numbers
from s2sad.optimize.columns import gather_columns
from s2sad.optimize.covered import without_covered_tests
from s2sad.optimize.dce import eliminate_dead_code
from s2sad.optimize.first_touch import assign_first, farthest_first
from s2sad.optimize.nests import explicit_loops
from s2sad.optimize.records import gather_records
from s2sad.optimize.rectangular import hoist_integers, rectangular_tapes
from s2sad.optimize.reverse_loops import faster_reverse_loops
from s2sad.optimize.stencils import split_stencils
from s2sad.optimize.texts import texts_where_raised
from s2sad.rules.registry import PRIMS
from s2sad.switches import EXACT, REORDERING, Change

RECORDS_OF_NUMBERS = Change("records_of_numbers", EXACT)
SPLIT_STENCILS = Change("split_stencils", REORDERING)  # with what the passes below then see
REVERSE_LOOPS = Change("reverse_loops", REORDERING)
EXPLICIT_LOOPS = Change("explicit_loops", REORDERING)
FARTHEST_FIRST = Change("farthest_first", REORDERING)  # where subscripts wrap around; else exact
ASSIGN_FIRST = Change("assign_first", EXACT)
_COUNT = itertools.count(1)
MODULE_NAMES = {"math", "np", "scipy"}
_IMPORTS = {"math": "import math", "numpy": "import numpy as np"}


@dataclass(eq=False, slots=True)
class Generated:
    """The text of a generated module and the name of its function; `lines` maps its lines to the user's."""

    name: str
    source: str
    modules: tuple[str, ...]
    objects: dict[str, Any] = field(default_factory=dict)
    lines: dict[int, tuple[str, int]] = field(default_factory=dict)


def generate(
    fn: Function,
    level: int,
    target: str = "python",
    returns: Callable[[list[Any]], Any] | None = None,
    keyword_params: tuple[Value, ...] = (),
    options: dict[str, Any] | None = None,
) -> Generated:
    """Print a typed function (and the functions it calls) as a module."""
    fn = gather_records(fn)
    finish = _for_numba if target == "numba" else without_covered_tests
    fn = replace(finish(fn), callees={name: finish(f) for name, f in fn.callees.items()})
    fn = fn if target == "numba" else gather_columns(fn)
    modules: set[str] = set()
    helpers: dict[str, None] = {}
    written: dict[str, str] = {}
    trees = []
    names, objects = called_objects(fn, target)
    for f in (*fn.callees.values(), fn):
        own = f is fn
        functions = set(fn.callees) | {fn.name}
        emitter, tree = _emitted(
            f, level, target, functions, returns if own else None, keyword_params if own else (), names
        )
        trees.append(tree)
        modules |= emitter.expressions.modules
        helpers.update(emitter.expressions.helpers)
        for name, text in emitter.expressions.written.items():
            if written.setdefault(name, text) != text:
                raise VerifierError(f"two helpers are called {name!r}")
    decorator = _decorator(options or {"error_model": "numpy"}) if target == "numba" else ""
    if "grow" in helpers:
        modules.add("numpy")
    parts = [_imports(modules, target)]
    texts = dict.fromkeys((*map(_helper, helpers), *written.values()))
    parts += [text if text.startswith(("@", "class ")) else decorator + text for text in texts]
    for tree in trees:
        parts.append(decorator + to_source(gast.Module([tree], [])))
    source = "\n\n".join(p.strip("\n") for p in parts if p).strip("\n") + "\n"
    source = source.replace("\n\n\ndef ", "\n\ndef ", 1) if len(parts) == 2 and parts[0] else source
    return Generated(fn.name, source, tuple(sorted(modules)), objects)


def called_objects(fn: Function, target: str) -> tuple[dict[Any, str], dict[str, Any]]:
    """The functions of the user's that generated code calls by name: the names of calls, and what they name."""
    names: dict[Any, str] = {}
    objects: dict[str, Any] = {}
    taken = {fn.name, *fn.callees, *MODULE_NAMES, *dir(builtins), *keyword.kwlist}
    taken |= {p.helper.partition("(")[0].removeprefix("def ") for p in PRIMS.values() if p.helper}
    for f in (*fn.callees.values(), fn):
        for op in walk(f.body):
            cls = op.attr("cls") if isinstance(op, Op) and op.prim == "exception" else None
            if cls is not None and cls not in names and library_path(cls) is None:
                names[cls] = unused(cls.__name__, taken)
                objects[names[cls]] = cls
            call = op.attr("call") if isinstance(op, Op) and op.prim == "custom" else None
            if call is None or call.key in names:
                continue
            found = call.compiled() if target == "numba" else call.checked()
            names[call.key] = unused(call.name, taken)
            objects[names[call.key]] = found
    return names, objects


def unused(name: str, taken: set[str]) -> str:
    """A name that is not taken; it is then."""
    names = itertools.chain([name], (f"{name}_{k}" for k in itertools.count(1)))
    found = next(n for n in names if n not in taken)
    taken.add(found)
    return found


def _for_numba(fn: Function) -> Function:
    """What is done only where Numba compiles. All tests of sizes stay: some of what it makes reads past the end of an array
    instead, and its errors name no line."""
    fn = texts_where_raised(fn)
    fn = records_of_numbers(fn) if RECORDS_OF_NUMBERS else fn
    fn = rectangular_tapes(hoist_integers(fn))
    for change, p in (
        (SPLIT_STENCILS, split_stencils),
        (REVERSE_LOOPS, faster_reverse_loops),
        (EXPLICIT_LOOPS, explicit_loops),
        (FARTHEST_FIRST, farthest_first),
        (ASSIGN_FIRST, assign_first),
    ):
        fn = p(fn) if change else fn
    return eliminate_dead_code(fn)


def _emitted(
    fn: Function,
    level: int,
    target: str,
    reserved: set[str],
    returns: Callable[[list[Any]], Any] | None,
    keyword_params: tuple[Value, ...],
    names: dict[Any, str],
) -> tuple[Emitter, Any]:
    """A function's definition; again, with other names for its variables, where one hides what the code calls."""
    emitter = Emitter(fn, level, target, reserved, names)
    tree = emitter.function(returns, keyword_params)
    hidden = (_globals(tree) | {"np"}) & emitter.names.given()
    if not hidden:
        if target == "python":
            quieten(tree, emitter.fn, emitter.expressions.modules)
        return emitter, tree
    return _emitted(fn, level, target, reserved | hidden, returns, keyword_params, names)


def _globals(tree: Any) -> set[str]:
    """The functions and modules that generated code names: it calls no variable."""
    called, modules = set(), set()
    for n in gast.walk(tree):
        if isinstance(n, gast.Call) and isinstance(n.func, gast.Name):
            called.add(n.func.id)
        elif isinstance(n, gast.Attribute) and isinstance(n.value, gast.Name):
            modules.add(n.value.id)
    return called | (modules & MODULE_NAMES)


def keyword_names(code: Any) -> tuple[str, ...]:
    """The names of a generated function's hidden parameters, in the order of what it captures."""
    inner = getattr(code, "py_func", code).__code__
    return tuple(inner.co_varnames[inner.co_argcount : inner.co_argcount + inner.co_kwonlyargcount])


def _imports(modules: set[str], target: str) -> str:
    lines = [_IMPORTS[m] if m in _IMPORTS else f"import {m}" for m in sorted(modules)]
    if target == "numba":
        lines += ["", "from numba import njit"] if lines else ["from numba import njit"]
    return "\n".join(lines)


def _decorator(options: dict[str, Any]) -> str:
    arguments = ", ".join(f'{k}="{v}"' if isinstance(v, str) else f"{k}={v!r}" for k, v in options.items())
    return f"@njit({arguments})\n"


def _helper(name: str) -> str:
    return {"grow": GROW}.get(name) or PRIMS[name].helper


def load(generated: Generated, hint: str) -> types.FunctionType:
    """Run a generated module and return its function; tracebacks and debuggers show its text."""
    number = next(_COUNT)
    filename = f"<s2sad {hint}-{number}>"
    text = generated.source
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    # machine code that is kept on disk finds its module by name; where it calls the user's objects, none is kept
    which = number if generated.objects else hashlib.sha256(text.encode()).hexdigest()[:16]
    module = types.ModuleType(f"s2sad_generated_{hint}_{which}")
    module.__file__ = filename
    if "numba" in text:  # Numba finds the functions that a recursive function calls through their module
        sys.modules[module.__name__] = module
    module.__dict__.update(generated.objects)
    try:
        exec(compile(text, filename, "exec"), module.__dict__)
    except ModuleNotFoundError as error:
        raise JitError(
            f"generated code needs {error.name}, which is not installed", hint=f"pip install {error.name}"
        ) from None
    except ImportError as error:  # Numba says so of a NumPy that is too new for it
        raise JitError(
            f"generated code cannot import what it needs: {error}",
            hint="install versions that go together, or use jit=False",
        ) from error
    return module.__dict__[generated.name]  # type: ignore[no-any-return]
