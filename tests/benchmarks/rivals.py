"""Gradients by other tools: JAX compiled, PyTorch eager and compiled, autograd.

Each maker takes the arguments of a problem and gives a contestant on arrays of the tool's own. A tool that is not
installed raises ImportError, which the table says.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks.problem import Arguments, Call, Ready

Rival = Callable[[Arguments, tuple[int, ...]], Ready]


def rebound(fn: Call, numpy: Any) -> Call:
    """A function, and those of its module that it calls, with another library in the place of NumPy."""
    space = dict(fn.__globals__)
    made: dict[int, Call] = {}

    def of(f: Any) -> Any:
        if id(f) not in made:
            made[id(f)] = types.FunctionType(f.__code__, space, f.__name__, f.__defaults__)
        return made[id(f)]

    space["np"] = numpy
    for name, value in fn.__globals__.items():
        if isinstance(value, types.FunctionType) and value.__module__ == fn.__module__:
            space[name] = of(value)
    return of(fn)


# -- JAX -------------------------------------------------------------------------------------------------------


def the_jax() -> Any:
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def on_jax(args: Arguments) -> Arguments:
    """Arrays and floats as JAX's; whole numbers stay, as they are lengths of loops."""
    jax = the_jax()
    return tuple(a if isinstance(a, int) else jax.tree_util.tree_map(jax.numpy.asarray, a) for a in args)


def waited(jax: Any, fn: Call) -> Call:
    return lambda *args: jax.block_until_ready(fn(*args))


def by_jax(write: Callable[[Any], Call] | Call, plain: bool = False, args: Any = None) -> Rival:
    """jit(grad(…)): `write` makes the objective from the module jax, or with `plain` is one written with NumPy."""

    def make(given: Arguments, wrt: tuple[int, ...]) -> Ready:
        jax = the_jax()
        fn = rebound(write, jax.numpy) if plain else write(jax)
        given = given if args is None else args(*given)
        static = tuple(i for i, a in enumerate(given) if isinstance(a, int))
        gradient = jax.jit(jax.grad(fn, argnums=wrt), static_argnums=static)
        return Ready(waited(jax, gradient), on_jax(given))

    return make


# -- PyTorch ---------------------------------------------------------------------------------------------------


class TorchNumpy:
    """torch under NumPy's names, as far as they differ."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.linalg = torch.linalg
        self.concatenate = torch.cat
        self.pi = np.pi

    def __getattr__(self, name: str) -> Any:
        return getattr(self.torch, name)

    def max(self, x: Any, axis: int, keepdims: bool = False) -> Any:
        return self.torch.amax(x, axis, keepdim=keepdims)

    def maximum(self, x: Any, y: Any) -> Any:
        return self.torch.clamp(x, min=y) if isinstance(y, float) else self.torch.maximum(x, y)

    def log(self, x: Any) -> Any:
        return self.torch.log(x if isinstance(x, self.torch.Tensor) else self.torch.tensor(x))


def the_torch() -> Any:
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    return torch


def on_torch(torch: Any, value: Any, active: bool) -> Any:
    if isinstance(value, tuple):
        return tuple(on_torch(torch, v, active) for v in value)
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy()).requires_grad_(active)
    return torch.tensor(value, requires_grad=True) if active else value


def leaves(value: Any) -> list[Any]:
    return [leaf for v in value for leaf in leaves(v)] if isinstance(value, tuple) else [value]


def by_torch(
    write: Callable[[Any], Call] | Call, plain: bool = False, compiled: bool = False, args: Any = None
) -> Rival:
    """torch.autograd.grad of the objective, which `write` makes from the module torch; with `plain` it is one
    written with NumPy."""

    def make(given: Arguments, wrt: tuple[int, ...]) -> Ready:
        torch = the_torch()
        fn = rebound(write, TorchNumpy(torch)) if plain else write(torch)
        fn = torch.compile(fn) if compiled else fn
        given = given if args is None else args(*given)
        theirs = tuple(on_torch(torch, a, i in wrt) for i, a in enumerate(given))
        by = [leaf for i in wrt for leaf in leaves(theirs[i])]
        return Ready(lambda *a: torch.autograd.grad(fn(*a), by), theirs)

    return make


# -- autograd --------------------------------------------------------------------------------------------------


def by_autograd(write: Call, args: Any = None) -> Rival:
    """autograd.grad of an objective written with NumPy."""

    def make(given: Arguments, wrt: tuple[int, ...]) -> Ready:
        import autograd
        import autograd.numpy

        gradient = autograd.grad(rebound(write, autograd.numpy), argnum=wrt)
        return Ready(gradient, given if args is None else args(*given))

    return make


def all_plain(write: Call, args: Any = None, **others: Rival | str) -> dict[str, Rival | str]:
    """The rivals of an array program that all of them take as it stands."""
    made: dict[str, Rival | str] = {
        "JAX": by_jax(write, plain=True, args=args),
        "autograd": by_autograd(write, args=args),
        "PyTorch": by_torch(write, plain=True, args=args),
        "PyTorch compiled": by_torch(write, plain=True, compiled=True, args=args),
    }
    return made | others
