"""What generated code was made for, as tests in the code itself.

An entry tests a call before it hands it on. Code that is called without one, in a module that was saved or from the
user's own compiled functions, tests for itself. Numbers are not tested: any will do.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from typing import Any

from s2sad.ir.types import Array, List, Placed, Type

# Numba has no np.shares_memory
SHARE_MEMORY = '''
def share_memory(a, b):
    """Whether the memory of two arrays overlaps, as far as their first and last elements tell."""
    return a.size > 0 and b.size > 0 and first_byte(a) < end_of(b) and first_byte(b) < end_of(a)
'''
FIRST_BYTE = '''
def first_byte(a):
    """The address of an array's first byte."""
    found = np.int64(a.ctypes.data)
    for n, stride in zip(a.shape, a.strides):
        found += min((n - 1) * stride, 0)
    return found
'''
END_OF = '''
def end_of(a):
    """The address after an array's last byte."""
    found = np.int64(a.ctypes.data) + a.itemsize
    for n, stride in zip(a.shape, a.strides):
        found += max((n - 1) * stride, 0)
    return found
'''
CONTIGUOUS = {
    "C": "{0}.flags.c_contiguous",
    "F": "{0}.flags.f_contiguous and not {0}.flags.c_contiguous",
    "A": "not ({0}.flags.c_contiguous or {0}.flags.f_contiguous)",
}
LYING = {"C": "contiguous by rows", "F": "contiguous by columns", "A": "not contiguous"}


def lies(e: str, key: Placed) -> str:
    """The test of how an array lies in memory."""
    return CONTIGUOUS[key.layout].format(e) if isinstance(key.layout, str) else f"{e}.strides == {key.layout}"


def lying(key: Placed) -> str:
    return LYING[key.layout] if isinstance(key.layout, str) else f"with strides {key.layout}"


HELPERS = (FIRST_BYTE, END_OF, SHARE_MEMORY)


def says_sizes(key: Array) -> bool:
    """Whether a key says the sizes of an array, and not only which are 1."""
    return all(isinstance(d, int) for d in key.dims) and any(d != 1 for d in key.dims)


def sizes_fit(e: str, key: Array) -> str:
    """The test of the number of axes and of which sizes are 1, where arrays broadcast, or of sizes that are said."""
    if says_sizes(key):
        return f"{e}.shape == {key.dims}"
    if 1 not in key.dims:
        return f"{e}.ndim == {key.ndim} and 1 not in {e}.shape" if key.ndim else f"{e}.ndim == 0"
    sizes = [f"{e}.shape[{i}] {'==' if d == 1 else '!='} 1" for i, d in enumerate(key.dims)]
    return " and ".join([f"{e}.ndim == {key.ndim}", *sizes])


def part(e: str, path: tuple[tuple[str, Any], ...]) -> str:
    """The expression for what a path in an argument leads to."""
    for way, step in path:
        e += f".{step}" if way == "attr" else f"[{step!r}]"
    return e


class Tests:
    """The statements that refuse arguments that a function was not made for. `error`: the class that they raise;
    `typed`: only what the types of the arguments do not say."""

    def __init__(self, name: str, target: str, error: str = "TypeError", typed: bool = False) -> None:
        self.name, self.target, self.error, self.typed = name, target, error, typed
        self.lines: list[str] = []

    def refuse(self, test: str, text: str) -> None:
        """Raise an error that says what was expected where the test holds."""
        self.lines += [f"if {test}:", f'    raise {self.error}("{self.name}() was made for {text}")']

    def argument(self, e: str, key: Any) -> None:
        """Test an argument, or a part of one, that the expression `e` gives."""
        if isinstance(key, Array):
            self.array(e, key)
        elif isinstance(key, List):
            if self.target == "python":
                self.refuse(f"not isinstance({e}, list)", f"{shown(e)}: a list of numbers")
        elif hasattr(key, "parts"):
            self.container(e, key)
        elif not (isinstance(key, Type) or self.typed):
            self.constant(e, key.obj)

    def array(self, e: str, key: Array) -> None:
        known = f'{e}.dtype == np.dtype("{key.dtype}") and '
        if self.target == "python":
            known = f'isinstance({e}, np.ndarray) and {e}.dtype == "{key.dtype}" and '
        test, text = sizes_fit(e, key), f"{shown(e)}: an array of {key.dtype} with {axes(key)}"
        if isinstance(key, Placed):
            test, text = f"{test} and {lies(e, key)}", f"{text}, {lying(key)}"
        self.refuse(f"not ({'' if self.typed else known}{test})", text)

    def container(self, e: str, key: Any) -> None:
        if self.typed:
            pass
        elif key.kind == "dict":
            self.refuse(
                f"{e}.keys() != {set_of(key.names)}", f"{shown(e)}: a dict of {shown(str(list(key.names)))}"
            )
        elif key.kind == "record" and self.target == "python":
            self.refuse(
                f"not all(hasattr({e}, n) for n in {key.names})",
                f"{shown(e)}: an object with {', '.join(key.names)}",
            )
        elif key.kind == "range":
            self.refuse(f"not isinstance({e}, range)", f"{shown(e)}: a range")
            return
        elif key.kind in ("tuple", "list", "namedtuple"):
            self.refuse(f"len({e}) != {len(key.parts)}", f"{shown(e)}: of length {len(key.parts)}")
        for i, inner in enumerate(key.parts):
            self.argument(part(e, (key.step(i),)), inner)

    def constant(self, e: str, obj: Any) -> None:
        """A string, a truth value or None entered the code by value; a function by its name."""
        if isinstance(obj, str):
            text = str.__repr__(obj)
            self.refuse(f"{e} != {text}", f"{shown(e)} = {shown(text)}")
        elif isinstance(obj, slice) and self.target == "python":
            self.refuse(f"{e} != {obj!r}", f"{shown(e)} = {obj!r}")
        elif obj is None or isinstance(obj, bool):
            self.refuse(f"{e} is not {obj}", f"{shown(e)} = {obj}")
        elif self.target != "python":
            pass
        elif isinstance(name := getattr(obj, "__name__", None), str) and name != "<lambda>":
            self.refuse(
                f"{e} is not None and getattr({e}, '__name__', '') != {name!r}", f"{shown(e)} = {name}"
            )
        elif isinstance(obj, enum.Enum):
            known = (type(obj).__name__, obj.name)
            test = f"{e} is not None and (type({e}).__name__, getattr({e}, 'name', '')) != {known}"
            self.refuse(test, f"{shown(e)} = {'.'.join(known)}")
        else:  # what was read of it is in the code, and no test says whether another one has the same
            self.refuse(
                f"{e} is not None", f"one {type(obj).__name__}, which is in it: pass None for {shown(e)}"
            )

    def apart(self, memory: Sequence[tuple[str, bool, Type]]) -> None:
        """Test that what is written (said by the second of each) shares memory with nothing."""
        arrays = [(e, w) for e, w, t in memory if isinstance(t, Array)]
        lists = [(e, w) for e, w, t in memory if isinstance(t, List)]
        call = "np.shares_memory" if self.target == "python" else "share_memory"
        shared = [f"{call}({a}, {b})" for a, b in pairs(arrays)] + [f"{a} is {b}" for a, b in pairs(lists)]
        if shared:
            text = (
                f'    raise {self.error}("two arguments of {self.name}() share memory, and one is written")'
            )
            self.lines += [f"if {' or '.join(shared)}:", text]

    def alike(self, e: str, other: str) -> None:
        """Test that an array has the shape of another."""
        self.refuse(f"{e}.shape != {other}.shape", f"{shown(e)} of the shape of {shown(other)}")

    def needs_helpers(self) -> bool:
        return self.target != "python" and any("share_memory(" in line for line in self.lines)


def axes(key: Array) -> str:
    """The axes of an array in words."""
    if says_sizes(key):
        return f"the sizes {key.dims}"
    ones = [str(i) for i, d in enumerate(key.dims) if d == 1]
    count = f"{key.ndim} ax{'i' if key.ndim == 1 else 'e'}s"
    if not ones:
        return f"{count}, none of size 1" if key.ndim else count
    return f"{count}, of size 1: {', '.join(ones)}"


def pairs(memory: list[tuple[str, bool]]) -> Iterator[tuple[str, str]]:
    """All two of which one is written."""
    for i, (a, a_written) in enumerate(memory):
        yield from ((a, b) for b, b_written in memory[i + 1 :] if a_written or b_written)


def set_of(names: tuple[Any, ...]) -> str:
    return "{" + ", ".join(map(repr, names)) + "}" if names else "set()"


def shown(text: str) -> str:
    """Text inside a string in double quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
