"""Functions in which arrays meet: each with arguments whose sizes fit, and some of which NumPy raises.

In most of them the value of what raises is dead in the gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Mismatch:
    """One function; `good` arguments fit, `wrong` ones do not."""

    name: str
    fn: Callable[..., Any]
    good: tuple[Any, ...]
    wrong: tuple[Any, ...]

    @property
    def wrt(self) -> tuple[int, ...]:
        """The places of the arguments that are differentiated."""
        floats = (
            isinstance(a, list) or (isinstance(a, np.ndarray) and a.dtype.kind == "f") for a in self.good
        )
        return tuple(i for i, is_float in enumerate(floats) if is_float)


def arr(*shape: int) -> np.ndarray:
    n = int(np.prod(shape))
    return (0.3 + 0.37 * np.arange(n) % 1.9 + 0.1 * np.arange(n)).reshape(shape)


V1, V2, V3, V4, EMPTY = arr(1), arr(2), arr(3), arr(4), np.zeros(0)
M22, M23, M32, M33, M34, M43, M44 = (
    arr(2, 2),
    arr(2, 3),
    arr(3, 2),
    arr(3, 3),
    arr(3, 4),
    arr(4, 3),
    arr(4, 4),
)
REGULAR = M33 + 3.0 * np.eye(3)
MASK = np.array([True, False, True])
FIT, DO_NOT = (V3, V3), (V3, V4)

MISMATCHES: list[Mismatch] = []


def case(good: tuple[Any, ...], *wrong: tuple[Any, ...]) -> Callable[[Any], Any]:
    def register(fn: Any) -> Any:
        for k, args in enumerate(wrong):
            MISMATCHES.append(Mismatch(f"{fn.__name__}-{k}", fn, good, args))
        return fn

    return register


# expressions: name -> function, arguments that fit, arguments that do not
EXPRESSIONS: dict[str, tuple[Any, ...]] = {
    "add": (lambda x, y: np.sum(x + y), FIT, DO_NOT, (V4, V3), (V2, V3), (EMPTY, V3)),
    "sub": (lambda x, y: np.sum(x - y), FIT, DO_NOT),
    "mul": (lambda x, y: np.sum(x * y), (M33, V3), (M34, V3), (M43, V4)),
    "div": (lambda x, y: np.sum(x / y), FIT, DO_NOT),
    "power": (lambda x, y: np.sum(x**y), FIT, DO_NOT),
    "maximum": (lambda x, y: np.sum(np.maximum(x, y)), FIT, DO_NOT),
    "arctan2": (lambda x, y: np.sum(np.arctan2(x, y)), FIT, DO_NOT),
    "where_sides": (lambda x, y: np.sum(np.where(x > 0.5, x, y)), FIT, DO_NOT),
    "where_condition": (lambda x, y: np.sum(np.where(y > 0.5, x, 2.0)), FIT, DO_NOT),
    "clip": (lambda x, y: np.sum(np.clip(x, y, y + 1.0)), FIT, DO_NOT),
    "compared": (lambda x, y: np.sum(x) + np.sum(x > y), FIT, DO_NOT),
    "close": (lambda x, y: np.sum(x) * np.sum(np.isclose(x, y)), FIT, DO_NOT),
    "column": (lambda x, y: np.sum(x * y[:, None]), (M34, V3), (M34, V4)),
    "vector_matrix": (lambda x, y: np.sum(x @ y), (V3, M34), (V4, M34), (V2, M34), (V1, M34)),
    "matrix_vector": (lambda x, y: np.sum(x @ y), (M34, V4), (M34, V3)),
    "matrix_matrix": (lambda x, y: np.sum(x @ y), (M34, M43), (M34, M34), (M33, M43)),
    "stacks": (lambda x, y: np.sum(x @ y), (arr(2, 3, 4), arr(2, 4, 3)), (arr(2, 3, 4), arr(3, 4, 3)),
               (arr(2, 3, 4), arr(2, 3, 4))),
    "quadratic": (lambda x, y: x @ y @ x, (V3, M33), (V4, M33), (V3, M34)),
    "dot": (lambda x, y: np.dot(x, y), FIT, DO_NOT, (V4, V3), (V1, V3)),
    "dot_method": (lambda x, y: x.dot(y), FIT, DO_NOT),
    "dot_matrix": (lambda x, y: np.sum(np.dot(x, y)), (M34, V4), (M34, V3)),
    "inner": (lambda x, y: np.sum(np.inner(x, y)), (M34, M34), (M34, M33)),
    "vdot": (lambda x, y: np.vdot(x, y), FIT, DO_NOT),
    "einsum_vectors": (lambda x, y: np.einsum("i,i->", x, y), FIT, DO_NOT),
    "einsum_product": (lambda x, y: np.sum(np.einsum("ij,jk->ik", x, y)), (M34, M43), (M34, M34)),
    "einsum_diagonal": (lambda x, y: np.sum(np.einsum("ii,i->i", x, y)), (M33, V3), (M34, V3), (M33, V4)),
    "tensordot": (lambda x, y: np.sum(np.tensordot(x, y, 1)), (M34, M43), (M34, M34)),
    "tensordot_all": (lambda x, y: np.tensordot(x, y, 2), (M34, M34), (M34, M33), (M34, M43)),
    "tensordot_axes": (lambda x, y: np.sum(np.tensordot(x, y, ((0,), (1,)))), (M34, M23), (M34, M34)),
    "concatenate": (lambda x, y: np.sum(np.concatenate([x, y])), (M34, arr(2, 4)), (M34, M23)),
    "concatenate_1": (lambda x, y: np.sum(np.concatenate((x, y), axis=1)), (M34, M32), (M34, M23)),
    "stack": (lambda x, y: np.sum(np.stack([x, y])), FIT, DO_NOT),
    "array_of_rows": (lambda x, y: np.sum(np.array([x, y])), FIT, DO_NOT),
    "hstack": (lambda x, y: np.sum(np.hstack([x, y])), (M33, M32), (M33, M23)),
    "vstack": (lambda x, y: np.sum(np.vstack([x, y])), FIT, DO_NOT),
    "column_stack": (lambda x, y: np.sum(np.column_stack([x, y])), FIT, DO_NOT),
    "block": (lambda x, y: np.sum(np.block([[x, y], [x, y]])), (M33, M33), (M33, M43)),
    "columns": (lambda x, y: np.sum(np.c_[x, y]), FIT, DO_NOT),
    "reshape": (lambda x: np.sum(x.reshape(2, 3)), (arr(6),), (arr(5),), (arr(7),)),
    "reshape_open": (lambda x: np.sum(x.reshape(2, -1)), (arr(6),), (arr(5),)),
    "reshape_sizes": (lambda x, n: np.sum(np.reshape(x, (n, 3))), (arr(6), 2), (arr(5), 2), (arr(6), 3)),
    "broadcast_to": (lambda x: np.sum(np.broadcast_to(x, (2, 3))), (V3,), (V4,)),
    "broadcast_to_fewer": (lambda x: np.sum(np.broadcast_to(x, (3,))), (V3,), (arr(1, 3),), (M23,)),
    "squeeze": (lambda x: np.sum(np.squeeze(x, axis=0)), (arr(1, 3),), (M33,)),
    "squeeze_to_a_number": (lambda x, y: np.sum(x) + np.squeeze(y, 0), (V3, V1), FIT),
    "solve": (lambda x, y: np.sum(np.linalg.solve(x, y)), (REGULAR, V3), (REGULAR, V4), (M34, V3)),
    "solve_columns": (lambda x, y: np.sum(np.linalg.solve(x, y)), (REGULAR, M34), (REGULAR, M44)),
    "inv": (lambda x: np.sum(np.linalg.inv(x)), (REGULAR,), (M34,)),
    "det": (lambda x: np.linalg.det(x), (REGULAR,), (M34,)),
    "interp": (lambda x, y: np.sum(np.interp(x, np.array([0.0, 1.0, 3.0]), y)), FIT, DO_NOT),
    "mask": (lambda x, m: np.sum(x[m]), (V3, MASK), (V3, np.array([True, False, True, True])), (V3, MASK[:2])),
    "mask_of_rows": (lambda x, m: np.sum(x[m]), (M34, MASK), (M34, np.array([True, False, True, True]))),
    "two_indices": (lambda x, i, j: np.sum(x[i, j]), (M34, np.array([0, 1]), np.array([1, 2])),
                    (M34, np.array([0, 1]), np.array([1, 2, 0]))),
    "average": (lambda x, y: np.average(x, weights=y), FIT, DO_NOT),
    "average_rows": (lambda x, y: np.sum(np.average(x, axis=0, weights=y)), (M34, M34), (M34, M33)),
    "trapezoid": (lambda x, y: np.trapezoid(x, y), FIT, DO_NOT),
    "choose": (lambda x, y: np.sum(np.choose(np.array([0, 1, 0]), [x, y])), FIT, DO_NOT),
    "select": (lambda x, y: np.sum(np.select([x > 0.5], [x], y)), FIT, DO_NOT),
    "slices": (lambda x, y: np.sum(x[1:] * y[:-1]), FIT, DO_NOT, (EMPTY, V4)),
    "slices_apart": (lambda x, y: np.sum(x + y[1:]), (V3, V4), FIT, (V4, V4)),
    "cov": (lambda x, y: np.sum(np.cov(x, y)), FIT, DO_NOT),
    "literal": (lambda x: np.sum(np.array([1.0, 2.0, 3.0]) * x), (V3,), (V4,)),
    "zeros": (lambda x: np.sum(np.zeros(3) + x), (V3,), (V4,)),
    "ones_of": (lambda x, n: np.sum(np.ones(n) * x), (V3, 3), (V3, 4), (V3, 0)),
    "single": (lambda x, y: np.sum(x.astype(np.float32) - y), FIT, DO_NOT),
    "integers": (lambda x, k: np.sum(x * k), (V3, np.array([1, 2, 3])), (V3, np.array([1, 2, 3, 4]))),
    "chain": (lambda x, y, z: np.sum(x + y) + np.sum(y - z), (V3, V3, V3), (V3, V3, V4), (V3, V4, V4)),
    "convolved": (lambda x, y: np.sum(np.convolve(x, y) + np.ones(5)), FIT, DO_NOT),
    "comprehension": (lambda x, y: sum([np.sum(x * k - y) for k in range(3)]), FIT, DO_NOT),
    "split": (lambda x: np.sum(np.split(x, 2)[0]), (arr(6),), (arr(5),)),
    "choose_entries": (lambda x, i: np.sum(np.choose(i, [x, 2.0 * x])), (V3, np.array([0, 1, 0])), (V3, np.array([0, 2, 0])),
                       (V3, np.array([0, -1, 0]))),
    "interp_in_none": (lambda x, p, v: np.sum(np.interp(x, p, v)), (V4, np.arange(3.0), V3), (V4, EMPTY, EMPTY)),
    "gradient": (lambda x: np.sum(np.gradient(x)), (V3,), (V1,), (EMPTY,)),
    "gradient_of_rows": (lambda x: np.sum(np.gradient(x, axis=1, edge_order=2)), (M33,), (M32,)),
    "reduceat": (lambda x, y: np.sum(np.add.reduceat(x, [0, 2]) * y), (V4, V2), (V2, V2), (V4, V3)),
    "bincount": (lambda x, i: np.sum(np.bincount(i, weights=x)), (V3, np.array([0, 2, 1])), (V3, np.array([0, -1, 1])),
                 (V4, np.array([0, 2, 1]))),
    "ravelled": (lambda x, i: np.sum(x.ravel()[np.ravel_multi_index((i, i), x.shape)]), (M33, np.array([0, 2])),
                 (M33, np.array([0, 3])), (M33, np.array([-1, 0]))),
    "cross": (lambda x, y: np.sum(np.cross(x, y)), FIT, DO_NOT, (V4, V4)),
    "kron": (lambda x, y: np.sum(np.kron(x, y) + np.ones(6)), (V2, V3), (V3, V3)),
    "outer_written": (lambda x, y: np.sum(np.outer(x, y, out=np.zeros((3, 3)))), FIT, DO_NOT, (V2, V3)),
    "repeated": (lambda x, n: np.sum(np.repeat(x, n)), (V3, np.array([1, 0, 2])), (V3, np.array([1, 2]))),
    "tile": (lambda x, y: np.sum(np.tile(x, 2) - y), (V2, V4), (V3, V4)),
}  # fmt: skip

for _name, (_fn, _good, *_wrong) in EXPRESSIONS.items():
    MISMATCHES += [Mismatch(f"{_name}-{_k}", _fn, _good, _args) for _k, _args in enumerate(_wrong)]


# -- writes -------------------------------------------------------------------------------------------


@case((V3,), (V4,), (V2,))
def assigned(x):
    y = np.zeros(3)
    y[:] = x
    return np.sum(y)


@case(FIT, DO_NOT)
def overwritten(x, y):
    z = x.copy()
    z[:] = y
    return np.sum(z)


@case((arr(4),), (arr(5),))
def assigned_part(x):
    y = np.zeros(6)
    y[1:5] = x
    return np.sum(y)


@case((M34, V4), (M34, V3))
def assigned_row(x, y):
    z = x.copy()
    z[1] = y
    return np.sum(z)


@case((M34, V3), (M34, V4))
def assigned_column(x, y):
    z = x.copy()
    z[:, 1] = y
    return np.sum(z)


@case((M34, V4), (M34, V3), (M34, arr(1, 3)))
def assigned_everywhere(x, y):
    z = x.copy()
    z[:] = y
    return np.sum(z)


@case((V3, arr(1, 3)), (V3, M23), (V3, arr(1, 4)))
def more_axes_assigned(x, y):
    z = x.copy()
    z[:] = y
    return np.sum(z)


@case((M34, arr(1, 4)), (M34, arr(2, 4)), (M34, arr(1, 3)))
def more_axes_assigned_to_rows(x, y):
    z = x.copy()
    for k in range(2):
        z[k] = y
    return np.sum(x)


@case((V3, arr(1, 2), np.array([0, 2])), (V3, M22, np.array([0, 2])), (V3, arr(1, 3), np.array([0, 2])))
def more_axes_assigned_to_places(x, y, i):
    z = x.copy()
    z[i] = y
    return np.sum(x)


@case(FIT, DO_NOT)
def added_in_place(x, y):
    z = x.copy()
    z += y
    return np.sum(z)


@case(FIT, DO_NOT)
def subtracted_in_place(x, y):
    z = x.copy()
    z -= y
    return np.sum(z)


@case((V1, V1), (V1, V3))
def one_cannot_take_three(x, y):
    z = x.copy()
    z += y
    return np.sum(z)


@case(FIT, DO_NOT)
def multiplied_in_place(x, y):
    z = x.copy()
    z *= y
    return np.sum(z)


@case((M34, V4), (M34, V3))
def added_to_a_row(x, y):
    z = x.copy()
    z[0] += y
    return np.sum(z)


@case(FIT, DO_NOT)
def written_out(x, y):
    z = np.zeros(3)
    np.add(x, y, out=z)
    return np.sum(z)


@case((M33, M33), (M33, M34))
def copied_to(x, y):
    z = np.zeros((3, 3))
    np.copyto(z, y)
    return np.sum(z * x)


@case((V3, np.array([0, 1])), (V3, np.array([0, 1, 2])))
def added_at(x, i):
    y = np.zeros(3)
    np.add.at(y, i, x[:2])
    return np.sum(y)


@case((V3, V2, MASK), (V3, V3, MASK))
def mask_assigned(x, y, m):
    z = x.copy()
    z[m] = y
    return np.sum(z)


@case((V3, V2, MASK), (V3, V3, MASK))
def mask_added(x, y, m):
    z = x.copy()
    z[m] += y
    return np.sum(z)


@case((V3, V2, np.array([0, 2])), (V3, V3, np.array([0, 2])))
def places_assigned(x, y, i):
    z = x.copy()
    z[i] = y
    return np.sum(z)


# -- structure ------------------------------------------------------------------------------------------


@case((V3,), (V4,), (V2,))
def unpacked(x):
    a, b, c = x
    return a + b * c


@case(FIT, DO_NOT)
def zipped(x, y):
    s = 0.0
    for a, b in zip(x, y, strict=True):
        s += a * b
    return s


@case((M34, V4), (M34, V3))
def rows(x, y):
    s = 0.0
    for r in x:
        s += np.dot(r, y)
    return s


@case((M34, V4, 0), (M34, V3, 1), (M34, V3, 3))
def loop(x, y, n):
    s = np.sum(x) + np.sum(y)
    for i in range(n):
        s += np.sum(x[i] + y)
    return s


@case((M34, V4, 0), (M34, V3, 2))
def nested_loops(x, y, n):
    s = np.sum(x) + np.sum(y)
    for i in range(n):
        for j in range(i + 1):
            s += i * np.sum(x[j] - y)
    return s


@case((M34, V3, 2), (M34, V4, 1), (M34, V3, 3))
def windows(x, y, n):
    s = np.sum(x) * np.sum(y)
    for i in range(n):
        s += np.dot(x[0, i : i + 3], y)
    return s


@case((V3, V4, 0), (V3, V4, 1))
def branch(x, y, n):
    s = np.sum(x) * np.sum(y)
    if n > 0:
        s = s + np.sum(x - y)
    return s


@case((V3, V4, 1), (V3, V4, 3))
def while_loop(x, y, n):
    s = np.sum(x) * np.sum(y)
    k = 0
    while k < n - 2:
        s = s + np.sum(x - y)
        k += 1
    return s


def difference(a, b):
    return a - b


@case(FIT, DO_NOT)
def helper(x, y):
    return np.sum(difference(x, y))


@case(([V3, V3], V3), ([V3, V4], V3), ([V4, V4], V3))
def elements_of_a_list(xs, y):
    s = 0.0
    for v in xs:
        s += np.dot(v, y)
    return s


@case(FIT, DO_NOT)
def closure(x, y):
    def g(a):
        return np.sum(a + y)

    return g(x)


@case(FIT, DO_NOT)
def filled_in_a_loop(x, y):
    z = np.zeros(len(x))
    for i in range(len(x)):
        z[i] = x[i] * 2
    return np.sum(z - y)


@case(FIT, DO_NOT)
def needed(x, y):
    z = x - y
    return np.sum(z * z)


@case(FIT, DO_NOT)
def recursive(x, y):
    def go(n, a):
        if n == 0:
            return np.sum(a + y)
        return go(n - 1, a) * 2.0

    return go(3, x)
