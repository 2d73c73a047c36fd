"""Generated code on its way to machine code, which is kept on disk for the next process.

Numba compiles a function again for each memory layout, also in calls of an entry's that ask nobody: what it refuses
is an error of ours whenever that is, and what it made is kept each time.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import pickle
import platform
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from s2sad import disk_cache
from s2sad.codegen.load import Generated, load
from s2sad.errors import JitError, Loc, S2sadError
from s2sad.progress import announced

CONFIG = ("OPT", "BOUNDSCHECK", "LOOP_VECTORIZE", "SLP_VECTORIZE", "ENABLE_AVX", "CAPTURED_ERRORS")


def loaded(generated: Generated, name: str, loc: Loc, target: str, cache: bool, half: str = "") -> Any:
    """A generated function, ready to be called: (a half of) the derivative of `name`."""
    code = load(generated, name + half)
    if target == "numba" and is_dispatcher(code):
        watch(code, name, loc)
        if cache and not generated.objects:  # functions of the user's that it calls may change
            keep(code, generated.source)
    return code


def is_dispatcher(code: Any) -> bool:
    """Whether a function that was handed to Numba is its own: with NUMBA_DISABLE_JIT it stays a Python function."""
    return hasattr(code, "compile")


def watch(code: Any, name: str, loc: Loc) -> None:
    """Make a Numba dispatcher say what it compiles where that takes long, and what it could not compile."""
    code.compile = _refusing(announced(name)(code.compile), name, loc)
    code._compile_for_args = _refusing(code._compile_for_args, name, loc)


def keep(code: Any, text: str) -> None:
    """Let a Numba dispatcher look on disk before it compiles, and keep there what it made from this text."""
    from numba.core import caching

    class Kept(caching._Cache):
        """What Numba asks of a cache."""

        cache_path = None

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            return restored(file_name(code, text, sig, target_context), target_context)

        def save_overload(self, sig: Any, data: Any) -> None:
            store(file_name(code, text, sig, data.target_context), data)

        def enable(self) -> None:
            """Nothing to do."""

        disable = flush = enable

    code._cache = Kept()


def restored(name: str | None, target_context: Any) -> Any:
    """What Numba made in an earlier process, or None."""
    from numba.core.compiler import CompileResult
    from numba.core.runtime import rtsys  # type: ignore[attr-defined]

    data = disk_cache.read(name) if name is not None else None
    if data is None:
        return None
    try:
        symbols, parts = pickle.loads(data)
        rtsys.initialize(target_context)
        if not linkable(symbols):  # some come with what Numba loads when it compiles, which takes 0.3 s
            target_context.refresh()
            if not linkable(symbols):
                return None
        return CompileResult._rebuild(target_context, *parts)  # type: ignore[no-untyped-call]
    except Exception:  # made by other versions of what it refers to: it is compiled again
        return None


def store(name: str | None, compiled: Any) -> None:
    from numba.core import serialize

    if name is None or compiled.lifted or compiled.library.has_dynamic_globals:
        return
    try:
        functions = compiled.library._final_module.functions
        symbols = [f.name for f in functions if f.is_declaration and not f.name.startswith("llvm.")]
        data = serialize.dumps((symbols, compiled._reduce()))  # type: ignore[no-untyped-call]
    except Exception:  # something in it cannot be pickled
        return
    disk_cache.write(name, data)


def linkable(symbols: list[str]) -> bool:
    """Whether all functions outside that machine code calls are there."""
    from llvmlite.binding import address_of_symbol

    return all(address_of_symbol(s) for s in symbols)


def file_name(code: Any, text: str, sig: Any, target_context: Any) -> str | None:
    """The name of the file for a generated module and the types that its function is called with: all that decides
    what Numba makes of it. None where types are of classes of the program's, which may change."""
    if disk_cache.directory() is None:
        return None
    import numba
    from numba.core import sigutils

    argtypes, _ = sigutils.normalize_signature(sig)  # type: ignore[no-untyped-call]
    types = [said(t) for t in argtypes]
    if "" in types:
        return None
    versions = [version_of(p) for p in ("s2sad", "numba", "llvmlite", "numpy", "scipy")]
    config = [(n, getattr(numba.config, n, None)) for n in CONFIG]
    machine = (
        sys.implementation.cache_tag,
        sys.version,
        platform.machine(),
        target_context.codegen().magic_tuple(),
    )
    known = repr((text, types, versions, config, machine))
    return f"{code.__name__[:60]}-{hashlib.sha256(known.encode()).hexdigest()}"


def said(t: Any) -> str:
    """A Numba type in text; empty where that does not say all, as of a class that may be another one elsewhere."""
    from numba.core import types

    if isinstance(t, types.BaseTuple):
        parts = [said(part) for part in t]  # type: ignore[attr-defined]
        cls = getattr(t, "instance_class", tuple)
        if "" in parts or cls.__module__ == "__main__" or "<" in cls.__qualname__:
            return ""
        return f"{cls.__module__}.{cls.__qualname__}{getattr(t, 'fields', '')}({', '.join(parts)})"
    if isinstance(t, (types.Array, types.List)) and not said(t.dtype):
        return ""
    known = (
        types.Number,
        types.Boolean,
        types.NoneType,
        types.UnicodeType,
        types.Omitted,
        types.Array,
        types.List,
    )
    return str(t) if isinstance(t, known) else ""


@functools.cache
def version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Numba's advice on generated code is not for users of ours, also where they make errors of warnings."""
    from numba.core.errors import NumbaWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumbaWarning)
        yield


def _refusing(compile: Callable[..., Any], name: str, loc: Loc) -> Callable[..., Any]:
    def compiled(*args: Any, **kwargs: Any) -> Any:
        try:
            with quiet():
                return compile(*args, **kwargs)
        except S2sadError:
            raise
        except Exception as error:  # Numba raises more than its own errors
            raise JitError(
                f"Numba cannot compile the derivative of {name}(): {_reason(error)}", loc,
                "use jit=False, or write this part with what Numba supports; the full message is the cause of this error",
            ) from error  # fmt: skip

    return compiled


def _reason(error: Exception) -> str:
    """What Numba objects to, in a line: the function by name and the types it was given."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    skipped = ("Failed in", "During", "- ")
    detail = next(
        (line for line in lines if not line.startswith(skipped)), (lines or [type(error).__name__])[0]
    )
    given = next((line.partition(">>>")[2].strip() for line in lines if line.strip().startswith(">>>")), "")
    named = re.sub(r"Function\(<(?:built-in )?(?:function|ufunc) '?(\w+)'?[^>]*>\)", r"\1()", detail.strip())
    return f"{named} {given}" if given and named.endswith("signature:") else named
