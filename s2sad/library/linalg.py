"""Norms and what is made of decompositions."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.library.operation import Known, Operation, from_front, known, lowest, refuse

norm_of_elements = Operation("norm_of_elements")
known_minus_1, known_minus_2 = Known(-1), Known(-2)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    a = np.asarray(x)
    if axis is None:
        if ord is None:
            return norm_of_elements(a, ord=2, axis=None, keepdims=keepdims)
        if a.ndim == 1:
            return norm_of_vectors(a, ord, 0, keepdims)
        if a.ndim == 2:
            return norm_of_matrices(a, ord, 0, 1, keepdims)
        raise ValueError("Improper number of dimensions to norm.")
    if isinstance(axis, tuple) and len(axis) == 2:
        row, column = from_front(axis[0], a.ndim), from_front(axis[1], a.ndim)
        if ord is None:
            return norm_of_elements(a, ord=2, axis=(row, column), keepdims=keepdims)
        return norm_of_matrices(a, ord, row, column, keepdims)
    along = axis[0] if isinstance(axis, tuple) else axis
    return norm_of_vectors(a, ord, from_front(along, a.ndim), keepdims)


def norm_of_vectors(a: Any, ord: Any, axis: Any, keepdims: Any) -> Any:
    if ord is None or known(ord, 2):
        return norm_of_elements(a, ord=2, axis=axis, keepdims=keepdims)
    if known(ord, np.inf):
        return np.max(np.abs(a), axis=axis, keepdims=keepdims)
    if lowest(ord):
        return np.min(np.abs(a), axis=axis, keepdims=keepdims)
    if known(ord, 0):
        return np.sum(np.where(a != 0, 1.0, 0.0), axis=axis, keepdims=keepdims)
    if known(ord, 1):
        return np.sum(np.abs(a), axis=axis, keepdims=keepdims)
    if isinstance(ord, str):
        refuse("np.linalg.norm() of vectors by the name of a norm of matrices", "give its order")
    return norm_of_elements(a, ord=ord, axis=axis, keepdims=keepdims)


def norm_of_matrices(a: Any, ord: Any, row: Any, column: Any, keepdims: Any) -> Any:
    if isinstance(ord, str) and ord == "fro":
        return norm_of_elements(a, ord=2, axis=(row, column), keepdims=keepdims)
    m = a if (row, column) == (a.ndim - 2, a.ndim - 1) else np.moveaxis(a, (row, column), (-2, -1))
    if isinstance(ord, str):
        if ord != "nuc":
            raise ValueError("Invalid norm order for matrices.")
        total = np.sum(np.linalg.svd(m, compute_uv=False), axis=-1)
    elif known(ord, 2):
        total = np.max(np.linalg.svd(m, compute_uv=False), axis=-1)
    elif known_minus_2(ord):
        total = np.min(np.linalg.svd(m, compute_uv=False), axis=-1)
    elif known(ord, 1):
        total = np.max(np.sum(np.abs(m), axis=-2), axis=-1)
    elif known_minus_1(ord):
        total = np.min(np.sum(np.abs(m), axis=-2), axis=-1)
    elif known(ord, np.inf):
        total = np.max(np.sum(np.abs(m), axis=-1), axis=-1)
    elif lowest(ord):
        total = np.min(np.sum(np.abs(m), axis=-1), axis=-1)
    else:
        raise ValueError("Invalid norm order for matrices.")
    if not keepdims:
        return total
    if a.ndim == 2:
        return np.reshape(total, (1, 1))
    return np.expand_dims(total, (row, column))


def matrix_norm(x: Any, keepdims: Any = False, ord: Any = "fro") -> Any:
    return norm(x, ord=ord, axis=(-2, -1), keepdims=keepdims)


def vector_norm(x: Any, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
    a = np.asarray(x)
    if axis is not None:
        return norm_of_vectors(a, ord, axis, keepdims)
    total = norm_of_vectors(np.ravel(a), ord, 0, False)
    if keepdims:
        return np.reshape(total, (1,) * a.ndim)
    return total


def cond(x: Any, p: Any = None) -> Any:
    if p is None or known(p, 2):
        s = np.linalg.svd(x, compute_uv=False)
        return s[..., 0] / s[..., -1]
    if known_minus_2(p):
        s = np.linalg.svd(x, compute_uv=False)
        return s[..., -1] / s[..., 0]
    return norm(x, p, axis=(-2, -1)) * norm(np.linalg.inv(x), p, axis=(-2, -1))


def vecdot(x1: Any, x2: Any, axis: Any = -1) -> Any:
    return np.sum(x1 * x2, axis=axis)


def matrix_transpose(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def tensorinv(a: Any, ind: Any = 2) -> Any:
    rows, columns = a.shape[:ind], a.shape[ind:]
    return np.reshape(np.linalg.inv(np.reshape(a, (product(rows), product(columns)))), (*columns, *rows))


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is not None:
        refuse("np.linalg.tensorsolve() with axes= is not supported", "move the axes with np.moveaxis")
    columns = a.shape[b.ndim :]
    x = np.linalg.solve(np.reshape(a, (product(b.shape), product(columns))), np.ravel(b))
    return np.reshape(x, columns)


def product(sizes: Any) -> Any:
    total = 1
    for n in sizes:
        total = total * n
    return total


FUNCTIONS: list[tuple[Any, tuple[Any, ...], str]] = [
    (norm, (np.linalg.norm,), ""),
    (cond, (np.linalg.cond,), ""),
    (tensorinv, (np.linalg.tensorinv,), ""),
    (tensorsolve, (np.linalg.tensorsolve,), ""),
]
for _name, _fn in (("matrix_norm", matrix_norm), ("vector_norm", vector_norm), ("vecdot", vecdot)):
    if hasattr(np.linalg, _name):  # NumPy 2
        _same = [getattr(m, _name) for m in (np.linalg, np) if hasattr(m, _name)]
        FUNCTIONS.append((_fn, tuple(_same), ""))
if hasattr(np.linalg, "matrix_transpose"):
    FUNCTIONS.append((matrix_transpose, (np.linalg.matrix_transpose, np.matrix_transpose), ""))
