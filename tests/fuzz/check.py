"""Check one program text: load it from a real file, then every check of `tests.checks`.

Invariant: the module's file exists as long as it is used, since the source is read when a gradient is made.
"""

from __future__ import annotations

import importlib.util
import linecache
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from s2sad import pipeline
from tests.checks import Report, check_function

Oracle = Callable[[Callable[..., Any], tuple[Any, ...]], Any]
SERIAL = count()


@contextmanager
def loaded(source: str) -> Iterator[ModuleType]:
    """The module of a source text, imported from a file in a temporary folder."""
    name = f"fuzz_program_{next(SERIAL)}"
    with tempfile.TemporaryDirectory(prefix="s2sad-fuzz-") as folder:
        path = Path(folder) / f"{name}.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
            yield module
        finally:
            del sys.modules[name]
            linecache.cache.pop(str(path), None)


def check_source(
    source: str,
    args: tuple[Any, ...],
    wrt: tuple[int | str, ...],
    *,
    jit: bool = False,
    oracle: Oracle | None = None,
    levels: tuple[int, ...] = (0, 1, 2),
    may_refuse_jit: bool = False,
    rounded: bool = False,
    modes: bool = False,
    seed: int = 0,
    may_refuse: str = "",
) -> Report:
    """Check the function `f` of a module text in every way of `check_function`, the IR verified after each pass."""
    with loaded(source) as module, mock.patch.object(pipeline, "VERIFY", True):
        return check_function(
            module.f,
            args,
            wrt,
            jit=jit,
            oracle=oracle,
            levels=levels,
            may_refuse_jit=may_refuse_jit,
            rounded=rounded,
            modes=modes,
            seed=seed,
            may_refuse=may_refuse,
        )
