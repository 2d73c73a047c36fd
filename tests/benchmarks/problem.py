"""What a benchmark is, as data: programs to be differentiated, inputs, adjoints written by hand, other tools.

Every contestant of a problem is called with the same numbers and returns the same gradients, in the order of `wrt`.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit

from s2sad import grad

Arguments = tuple[Any, ...]
Call = Callable[..., Any]
SIZES = ("full", "quick", "tiny")


@dataclass(frozen=True)
class Ready:
    """A contestant: what is called, and with what; arguments that the call writes are made anew for each call."""

    call: Call
    args: Arguments
    writes: bool = False

    def fresh(self) -> Arguments:
        return copied(self.args) if self.writes else self.args


def compiled(fn: Call) -> Call:
    """The function and those of its module that it calls, compiled by Numba as generated code is."""
    space = dict(fn.__globals__)
    for name in fn.__code__.co_names:
        helper = space.get(name)
        if isinstance(helper, types.FunctionType) and helper.__module__ == fn.__module__:
            space[name] = compiled(helper)
    return njit(error_model="numpy")(types.FunctionType(fn.__code__, space, fn.__name__, fn.__defaults__))


@dataclass(frozen=True)
class Style:
    """One way to write a program: loops, whole arrays.

    `args` are the program's arguments where they are not those of the problem.
    """

    fn: Call
    args: Callable[..., Arguments] | None = None


@dataclass(frozen=True)
class Problem:
    """A function, and everybody who differentiates it.

    Attributes:
        name, title: for the command line, for the table.
        inputs: from sizes to arguments, the same at each call.
        sizes: the sizes of "full", "quick" and "tiny".
        wrt: positions of the arguments to differentiate by.
        styles: the programs, by name.
        figure: the style whose ratio counts in the mean.
        hand: adjoints written by hand, by name; the fastest counts.
        closed: gradients from a formula on paper, where the program's adjoint is something else; for information.
        rivals: other tools by name: from the problem to its contestant, or a word why there is none.
        derivative: what s2sad makes of a program (by default `grad`), given (program, wrt, jit).
        one: the arguments of one call of that derivative.
        around: the compiled or interpreted code that calls it, where that is what is measured.
        primal: from the program to the function that its gradient is compared with.
    """

    name: str
    title: str
    inputs: Callable[..., Arguments]
    sizes: Mapping[str, tuple[int, ...]]
    wrt: tuple[int, ...]
    styles: Mapping[str, Style]
    figure: str
    hand: Mapping[str, Call]
    closed: Mapping[str, Call] = field(default_factory=dict)
    rivals: Mapping[str, Callable[[Arguments, tuple[int, ...]], Ready] | str] = field(default_factory=dict)
    derivative: Callable[[Call, tuple[int, ...], bool], Any] = lambda fn, wrt, jit: grad(fn, wrt=wrt, jit=jit)
    one: Callable[[Arguments], Arguments] = lambda args: args
    around: Callable[[Call, bool], Call] = lambda derivative, jit: derivative
    primal: Callable[[Call], Call] = compiled
    rtol: float = 1e-8

    def arguments(self, size: str) -> Arguments:
        return self.inputs(*self.sizes[size])

    def lowered(self, style: str, jit: bool, size: str = "tiny") -> Any:
        """The generated code for a style, and the arguments to call it with."""
        args = self.one(self.of_style(style, self.arguments(size)))
        return self.derivative(self.styles[style].fn, self.wrt, jit).lower(*args), args

    def of_style(self, name: str, args: Arguments) -> Arguments:
        style = self.styles[name]
        return args if style.args is None else style.args(*args)


@dataclass(frozen=True)
class Kernel:
    """A function that may write its arguments, whose gradient is compared with the function itself; `primal` is what
    Numba takes, where it does not take the function."""

    name: str
    fn: Call
    inputs: Callable[..., Arguments]
    sizes: Mapping[str, tuple[int, ...]]
    wrt: tuple[int, ...] = (0,)
    primal: Call | None = None

    def arguments(self, size: str) -> Arguments:
        return self.inputs(*self.sizes[size])

    def lowered(self, jit: bool, size: str = "tiny") -> Any:
        """The generated code, and the arguments to call it with."""
        args = self.arguments(size)
        return grad(self.fn, wrt=self.wrt, jit=jit).lower(*args), args


def copied(value: Any) -> Any:
    """The arguments with copies of their arrays."""
    if isinstance(value, tuple):
        return tuple(copied(v) for v in value)
    return value.copy() if isinstance(value, np.ndarray) else value


def numbers(value: Any) -> Iterator[np.ndarray]:
    """The arrays of a result, whatever tool made it."""
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from numbers(part)
        return
    if hasattr(value, "detach"):
        value = value.detach()
    yield np.asarray(value, dtype=float)


def differ(ours: Any, theirs: Any) -> float:
    """The largest difference of two results, relative to the largest number of each array; infinite for NaN or shapes."""
    a, b = list(numbers(ours)), list(numbers(theirs))
    if [x.shape for x in a] != [x.shape for x in b]:
        return np.inf
    worst = 0.0
    for x, y in zip(a, b, strict=True):
        size = max(float(np.max(np.abs(y), initial=0.0)), 1e-300)
        error = float(np.max(np.abs(x - y), initial=0.0)) / size
        worst = max(worst, error if error == error else np.inf)
    return worst
