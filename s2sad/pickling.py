"""Pickling what a program binds to the name of a function, as functions are pickled: by that name."""

from __future__ import annotations

import importlib
import runpy
import sys
from typing import Any

Place = tuple[str, str, str | None]


def place_of(obj: Any, function: Any) -> Place | None:
    """The module, the name in it and the file of a program where `obj` stands in the place of a function."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    found = sys.modules.get(module or "")
    if found is None or module is None:
        return None
    there = attribute(found, name)
    if there is not obj and not (
        type(there) is type(obj) and there == obj
    ):  # a class method is bound anew each time
        return None
    return module, name, getattr(found, "__file__", None) if module == "__main__" else None


def attribute(owner: Any, name: str) -> Any:
    for part in name.split("."):
        owner = getattr(owner, part, None)
    return owner


def at_place(module: str, name: str, file: str | None) -> Any:
    """What stands there. In a worker whose own program is another one, the file is run as multiprocessing runs it."""
    for known in (module, "__mp_main__") if module == "__main__" else (module,):
        found = sys.modules.get(known) or (importlib.import_module(known) if known == module else None)
        if found is not None and (obj := attribute(found, name)) is not None:
            return obj
    if file is None:
        raise AttributeError(f"cannot find {name} in the module {module}")
    main = type(sys)("__mp_main__")
    vars(main).update(runpy.run_path(file, run_name="__mp_main__"))
    sys.modules["__mp_main__"] = main
    return attribute(main, name)
