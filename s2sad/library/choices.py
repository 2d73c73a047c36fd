"""Functions that choose between values, element by element, and that interpolate."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.library.names import Default


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    y = default
    for c, v in zip(reversed(condlist), reversed(choicelist), strict=True):
        y = np.where(c, v, y)
    return y


def piecewise(x: Any, condlist: Any, funclist: Any) -> Any:
    y = np.zeros_like(x)
    if len(funclist) not in (len(condlist), len(condlist) + 1):
        raise ValueError("there is a function for each condition, and maybe one for where none holds")
    if len(funclist) > len(condlist):
        y[...] = funclist[-1](x) if callable(funclist[-1]) else funclist[-1]
    for c, f in zip(condlist, funclist, strict=False):
        y[c] = f(x[c]) if callable(f) else f
    return y


def choose(a: Any, choices: Any, out: Any = None) -> Any:
    at = np.asarray(a)
    if np.any((at < 0) | (at >= len(choices))):
        raise ValueError("invalid entry in choice array")
    if isinstance(choices, np.ndarray):
        return np.take_along_axis(choices, at[None], axis=0)[0]
    spread = np.broadcast_arrays(at, *choices)
    return np.take_along_axis(np.stack(spread[1:]), spread[0][None], axis=0)[0]


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    xs, fs = np.asarray(xp), np.asarray(fp)
    if xs.shape[0] != fs.shape[0]:
        raise ValueError("fp and xp are not of the same length")
    if xs.shape[0] == 0:
        raise ValueError("array of sample points is empty")
    j = np.clip(np.searchsorted(xs, x, side="right") - 1, 0, xs.shape[0] - 2)
    y = fs[j] + (fs[j + 1] - fs[j]) / (xs[j + 1] - xs[j]) * (x - xs[j])
    if np.ndim(x) == 0:
        if x < xs[0]:
            y = fs[0] if left is None else left
        if x > xs[-1]:
            y = fs[-1] if right is None else right
        return y
    y = np.where(x < xs[0], fs[0] if left is None else left, y)
    return np.where(x > xs[-1], fs[-1] if right is None else right, y)


def unwrap(p: Any, discont: Default = None, axis: Any = -1, period: Any = 2 * np.pi) -> Any:
    d = np.diff(p, axis=axis)
    turns = np.where(np.abs(d) < period / 2, 0.0, np.ceil((d - period / 2) / period))
    at = axis % p.ndim
    shift = np.cumsum(-period * turns, axis=at)
    first = np.zeros(tuple(1 if i == at else p.shape[i] for i in range(p.ndim)), dtype=p.dtype)
    return p + np.concatenate([first, shift], axis=at)


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (select, (np.select,), ""),
    (piecewise, (np.piecewise,), ""),
    (choose, (np.choose,), ""),
    (interp, (np.interp,), ""),
    (unwrap, (np.unwrap,), ""),
]
