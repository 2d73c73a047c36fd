"""Elements picked, left out, put in and written by position or condition."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.library.names import Default
from s2sad.library.operation import castable, same_shape


def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    at = np.flatnonzero(condition)
    return np.take(a, at, axis=axis)


def compress_method(a: Any, condition: Any, axis: Any = None, out: Any = None) -> Any:
    return compress(condition, a, axis)


def extract(condition: Any, arr: Any) -> Any:
    return np.ravel(arr)[np.flatnonzero(condition)]


def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    x = np.ravel(arr) if axis is None else arr
    at = 0 if axis is None else axis % x.ndim
    kept = np.ones(x.shape[at], dtype=bool)
    kept[obj] = False
    return np.take(x, np.flatnonzero(kept), axis=at)


def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    x = np.ravel(arr) if axis is None else arr
    at = 0 if axis is None else axis % x.ndim
    n = x.shape[at]
    if np.ndim(obj) == 0:
        v = np.asarray(values, dtype=x.dtype)
        i = obj + n if obj < 0 else obj
        if np.ndim(v) == 0:
            v = np.broadcast_to(v, tuple(1 if k == at else x.shape[k] for k in range(x.ndim)))
        elif np.ndim(v) < x.ndim:
            v = np.expand_dims(v, at)
        whole = (slice(None),) * at
        return np.concatenate([x[whole + (slice(None, i),)], v, x[whole + (slice(i, None),)]], axis=at)
    places = np.where(obj < 0, obj + n, obj)
    order = np.argsort(places, kind="stable")
    places[order] += np.arange(places.shape[0])
    total = n + places.shape[0]
    old = np.ones(total, dtype=bool)
    old[places] = False
    y = np.zeros(tuple(total if k == at else x.shape[k] for k in range(x.ndim)), dtype=x.dtype)
    whole = (slice(None),) * at
    y[whole + (places,)] = values
    y[whole + (np.flatnonzero(old),)] = x
    return y


def weighted_bincount(x: Any, weights: Any, minlength: Any) -> Any:
    same_shape(x, weights, ValueError, "The weights and list don't have the same length.")
    if np.any(np.asarray(x) < 0):
        raise ValueError("'list' argument must have no negative elements")
    y = np.zeros(max(int(np.max(x)) + 1 if len(x) > 0 else 0, minlength))
    np.add.at(y, x, weights)
    return y


def bincount(x: Any, minlength: Any) -> Any:
    if np.any(np.asarray(x) < 0):
        raise ValueError("'list' argument must have no negative elements")
    y = np.zeros(max(int(np.max(x)) + 1 if len(x) > 0 else 0, minlength), dtype=np.int64)
    for i in x:
        y[i] += 1
    return y


def ravel_multi_index(multi_index: Any, dims: Any) -> Any:
    flat = 0
    for given, size in zip(multi_index, dims, strict=True):
        i = np.asarray(given)
        if np.any((i < 0) | (i >= size)):
            raise ValueError("invalid entry in coordinates array")
        flat = flat * size + i
    return flat


def reduceat(array: Any, indices: Any, axis: Any = 0, dtype: Default = None, out: Any = None) -> Any:
    """np.add.reduceat where the places ascend: each element is added to the part it lies in."""
    at = np.asarray(indices)
    if np.any(at[1:] <= at[:-1]):
        raise ValueError("numpy.add.reduceat() of places that do not ascend is not supported")
    if at[0] < 0 or at[-1] >= array.shape[axis]:
        raise IndexError("index out-of-bounds in add.reduceat")
    moved = np.moveaxis(array, axis, 0)[at[0] :]
    label = np.searchsorted(at, np.arange(moved.shape[0]) + at[0], side="right") - 1
    y = np.zeros(
        tuple(at.shape[0] if k == 0 else moved.shape[k] for k in range(moved.ndim)), dtype=array.dtype
    )
    np.add.at(y, label, moved)
    return np.moveaxis(y, 0, axis)


# -- writes ---------------------------------------------------------------------------------------------


def fill_diagonal(a: Any, val: Any, wrap: Default = False) -> Any:
    n = min(a.shape[0], a.shape[1]) if a.ndim == 2 else a.shape[0]
    i = np.arange(n)
    v = np.asarray(val)
    a[(i,) * a.ndim] = v if np.ndim(v) == 0 else np.ravel(v)[i % v.size]


def put(a: Any, ind: Any, v: Any) -> Any:
    at, w = np.atleast_1d(np.asarray(ind)), np.asarray(v)
    values = w if np.ndim(w) == 0 else np.ravel(w)[np.arange(at.size) % w.size]
    if a.ndim == 1:
        a[at] = values
    elif a.ndim == 2:
        where = at + a.size * (at < 0)
        a[where // a.shape[1], where % a.shape[1]] = values
    else:
        raise ValueError("numpy.put() of an array of more than two axes")


def place(arr: Any, mask: Any, vals: Any) -> Any:
    w = np.ravel(np.asarray(vals))
    at = np.nonzero(mask)
    arr[at] = w[np.arange(at[0].shape[0]) % w.shape[0]]


def putmask(a: Any, mask: Any, values: Any) -> Any:
    w = np.asarray(values)
    if np.ndim(w) == 0:
        a[mask] = w
    else:
        at = np.flatnonzero(mask)
        a[np.nonzero(mask)] = np.ravel(w)[at % w.size]


def copyto(dst: Any, src: Any, casting: Default = "same_kind", where: Any = True) -> Any:
    if not castable(src, dst):
        raise TypeError("cannot cast what is copied by the rule 'same_kind'")
    if where is True:
        dst[...] = src
    else:
        dst[...] = np.where(where, src, dst)


def updated(a: Any, indices: Any, b: Any) -> Any:
    """The cells that an index names, one after another, and the operand for each."""
    index = np.reshape(np.arange(a.size), a.shape)[indices]
    cells = np.unravel_index(np.ravel(index), a.shape)
    return np.size(index), cells, np.ravel(np.broadcast_to(b, np.shape(index)))


def multiply_at(a: Any, indices: Any, b: Any) -> None:
    n, cells, v = updated(a, indices, b)
    for k in range(n):
        cell = tuple(c[k] for c in cells)
        a[cell] = a[cell] * v[k]


def divide_at(a: Any, indices: Any, b: Any) -> None:
    n, cells, v = updated(a, indices, b)
    for k in range(n):
        cell = tuple(c[k] for c in cells)
        a[cell] = a[cell] / v[k]


def power_at(a: Any, indices: Any, b: Any) -> None:
    n, cells, v = updated(a, indices, b)
    for k in range(n):
        cell = tuple(c[k] for c in cells)
        a[cell] = a[cell] ** v[k]


def maximum_at(a: Any, indices: Any, b: Any) -> None:
    n, cells, v = updated(a, indices, b)
    for k in range(n):
        cell = tuple(c[k] for c in cells)
        a[cell] = np.maximum(a[cell], v[k])


def minimum_at(a: Any, indices: Any, b: Any) -> None:
    n, cells, v = updated(a, indices, b)
    for k in range(n):
        cell = tuple(c[k] for c in cells)
        a[cell] = np.minimum(a[cell], v[k])


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (compress, (np.compress,), ""),
    (compress_method, (), "compress"),
    (extract, (np.extract,), ""),
    (delete, (np.delete,), ""),
    (insert, (np.insert,), ""),
    (ravel_multi_index, (np.ravel_multi_index,), ""),
    (reduceat, (np.add.reduceat,), ""),
    (multiply_at, (np.multiply.at,), ""),
    (divide_at, (np.divide.at,), ""),
    (power_at, (np.power.at,), ""),
    (maximum_at, (np.maximum.at,), ""),
    (minimum_at, (np.minimum.at,), ""),
    (fill_diagonal, (np.fill_diagonal,), ""),
    (put, (np.put,), "put"),
    (place, (np.place,), ""),
    (putmask, (np.putmask,), ""),
    (copyto, (np.copyto,), ""),
]
