"""Products of vectors, matrices and stacks of them."""

from __future__ import annotations

import string
from dataclasses import replace
from typing import Any

import numpy as np

from s2sad.ir.core import Operand
from s2sad.ir.types import Array, Dim, Size, Type, shaped
from s2sad.rules.arrays.contractions import WHOLE_PRODUCTS, as_product
from s2sad.rules.arrays.core import (
    Attrs,
    array_rule,
    dims_of,
    dtype_of,
    emit,
    size_of,
)
from s2sad.rules.builder import Builder
from s2sad.rules.complexes import is_complex
from s2sad.rules.registry import ZERO
from s2sad.rules.shapes import broadcast, joint

ALPHABET = string.ascii_lowercase + string.ascii_uppercase


def _matmul_type(attrs: Attrs, a: Operand, c: Operand) -> Type:
    x, y = dims_of(a), dims_of(c)
    dtype = str(np.result_type(np.dtype(dtype_of(a)), np.dtype(dtype_of(c))))
    rows = (x[-2],) if len(x) > 1 else ()
    columns = (y[-1],) if len(y) > 1 else ()
    return shaped(dtype, (*broadcast(x[:-2], y[:-2]), *rows, *columns))


def transposed(b: Builder, a: Operand) -> Operand:
    """The last two axes exchanged."""
    n = len(dims_of(a))
    if n < 2:
        return a
    return emit(b, "numpy.transpose", a, axes=(*range(n - 2), n - 1, n - 2))


def lifted(b: Builder, a: Operand, axis: int) -> Operand:
    return emit(b, "newaxis", a, axes=(axis,))


def scaled(b: Builder, x: Operand, y: Operand, like: Operand) -> Operand:
    """A vector times a number, as long as the vector that it met."""
    t = b.infer("mul", (x, y))
    return b.emit("mul", x, y, type=replace(t, dims=dims_of(like)) if isinstance(t, Array) else t)


def _matmul_left(b: Builder, env: Any) -> Operand:
    """dA = dY Bᵀ, with the vector cases as products of a column and a row."""
    op, dy = env["op"], env["dy"]
    nx, ny = (len(dims_of(o)) for o in op.operands)
    if nx == 1 and ny == 1:
        return scaled(b, dy, env["b"], op.operands[0])
    if ny == 1:
        return b.emit("mul", lifted(b, dy, len(dims_of(dy))), env["b"])
    if nx == 1 and ny == 2:
        return emit(b, "matmul", env["b"], dy)
    if nx == 1 and WHOLE_PRODUCTS:
        columns = emit(b, "matmul", env["b"], lifted(b, dy, ny - 1))
        return emit(b, "numpy.sum", columns, axis=(*range(ny - 2), ny - 1))
    if nx == 1:
        return emit(b, "numpy.sum", b.emit("mul", env["b"], lifted(b, dy, ny - 2)), axis=-1)
    return emit(b, "matmul", dy, transposed(b, env["b"]))


def _matmul_right(b: Builder, env: Any) -> Operand:
    """dB = Aᵀ dY."""
    op, dy = env["op"], env["dy"]
    nx, ny = (len(dims_of(o)) for o in op.operands)
    if nx == 1 and ny == 1:
        return scaled(b, env["a"], dy, op.operands[1])
    if nx == 1:
        n = len(dims_of(dy))
        return b.emit("mul", lifted(b, env["a"], 1), lifted(b, dy, n - 1))
    if ny == 1 and nx == 2:
        return emit(b, "matmul", dy, env["a"])
    if nx > 2 and ny <= 2 and WHOLE_PRODUCTS:  # one product, not one for each matrix of the stack
        summed = tuple(range(nx - 1))
        return emit(b, "numpy.tensordot", env["a"], dy, axes=(summed, summed))
    if ny == 1:
        n = len(dims_of(dy))
        product = b.emit("mul", env["a"], lifted(b, dy, n))
        return emit(b, "numpy.sum", product, axis=-2)
    return emit(b, "matmul", transposed(b, env["a"]), dy)


array_rule(
    "matmul", "y = matmul(a, b)", np.matmul, _matmul_type, "multilinear", cost=50, effect="raises", da=_matmul_left,
    db=_matmul_right,
)  # fmt: skip


# -- identity matrices ----------------------------------------------------------------------------------


def _eye_type(attrs: Attrs, *sizes: Operand) -> Type:
    return Array(attrs["dtype"], 2, (size_of(sizes[0]), size_of(sizes[-1])))


array_rule(
    "eye_matrix", "y = eye(*sizes)", lambda n, *m, k, dtype: np.eye(n, m[0] if m else None, k, dtype=dtype), _eye_type, "linear",
    dsizes=ZERO,
)  # fmt: skip


def eye(b: Builder, *sizes: Operand, dtype: str, k: int = 0) -> Operand:
    """np.eye(n, m, k); of one size, or of two that are equal, a square."""
    first, *rest = sizes
    square = bool(rest) and size_of(first) == size_of(rest[0])
    dtype = dtype if dtype.startswith("float") else "float64"
    return emit(b, "eye_matrix", *([first] if square else sizes), k=k, dtype=dtype)


# -- Einstein sums ----------------------------------------------------------------------------------------


def split(subscripts: str) -> tuple[list[str], str]:
    """The labels of each operand, and those of the result."""
    left, _, right = subscripts.partition("->")
    return left.split(","), right


def _einsum_type(attrs: Attrs, *operands: Operand) -> Type:
    inputs, output = split(attrs["subscripts"])
    sizes: dict[str, Size] = {}
    for labels, o in zip(inputs, operands, strict=True):
        for label, d in zip(labels, dims_of(o), strict=True):
            sizes[label] = joint(sizes[label], d) if label in sizes else d
    dtype = str(np.result_type(*(np.dtype(dtype_of(o)) for o in operands)))
    return shaped(dtype, tuple(sizes[label] for label in output))


def _product_of(
    b: Builder, terms: list[tuple[str, Operand]], output: str, attrs: dict[str, Any]
) -> Operand | None:
    """An Einstein sum; factors that are numbers multiply it, and a single factor as it is needs none."""
    scale = [o for labels, o in terms if not labels]
    terms = [(labels, o) for labels, o in terms if labels]
    total: Operand | None = None
    if len(terms) == 1 and terms[0][0] == output:
        total = terms[0][1]
    elif len(terms) == 2 and WHOLE_PRODUCTS:
        (first, a), (second, c) = terms
        total = as_product(b, a, first, c, second, output)
    if total is None and terms:
        subscripts = f"{','.join(labels for labels, _ in terms)}->{output}"
        total = emit(b, "numpy.einsum", *(o for _, o in terms), **{**attrs, "subscripts": subscripts})
    for factor in scale:
        total = factor if total is None else b.emit("mul", factor, total)
    return total


def _einsum_vjp(b: Builder, env: Any) -> Operand:
    """The adjoint exchanges the operand's labels and the result's. A label of this operand alone is summed over:
    its axis is broadcast. A label that occurs twice takes a diagonal: the cotangent goes back onto it."""
    op, index = env["op"], env["index"]
    inputs, output = split(op.attr("subscripts"))
    mine = inputs[index]
    terms = [(output, env["dy"]), *zip(inputs[:index] + inputs[index + 1 :], env["others"], strict=True)]
    known = {label for labels, _ in terms for label in labels}
    letters = iter(c for c in ALPHABET if c not in "".join(inputs))
    target = ""
    for axis, label in enumerate(mine):
        if label in mine[:axis]:
            n = env["shape"](index)[axis]
            fresh = next(letters)
            terms.append((label + fresh, eye(b, n, dtype=dtype_of(op.operands[index]))))
            known |= {label, fresh}
            label = fresh
        target += label
    kept = "".join(label for label in target if label in known)
    attrs = {k: v for k, v in op.attrs if k != "subscripts"}
    total = _product_of(b, terms, kept, attrs)
    assert total is not None
    missing = tuple(axis for axis, label in enumerate(target) if label not in known)
    if missing and kept:
        total = emit(b, "newaxis", total, axes=missing)
    return total


array_rule(
    "numpy.einsum", "y = einsum(*operands)", lambda *operands, subscripts, **options: np.einsum(subscripts, *operands, **options),
    _einsum_type, "multilinear", effect="raises", cost=50, doperands=_einsum_vjp,
)  # fmt: skip


# -- tensor products --------------------------------------------------------------------------------------


def _free(o: Operand, axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(i for i in range(len(dims_of(o))) if i not in axes)


def _tensordot_type(attrs: Attrs, a: Operand, c: Operand) -> Type:
    left, right = attrs["axes"]
    dims = [dims_of(a)[i] for i in _free(a, left)] + [dims_of(c)[i] for i in _free(c, right)]
    return shaped(str(np.result_type(np.dtype(dtype_of(a)), np.dtype(dtype_of(c)))), tuple(dims))


def _tensordot_vjp(side: int) -> Any:
    def vjp(b: Builder, env: Any) -> Operand:
        """The cotangent contracted with the other operand over that one's free axes, axes put back in place."""
        op, dy, other = env["op"], env["dy"], env["ab"[1 - side]]
        axes = op.attr("axes")
        mine, its = axes[side], axes[1 - side]
        free, its_free = _free(op.operands[side], mine), _free(op.operands[1 - side], its)
        first = len(free) if side == 0 else 0  # where the other's free axes are in dy
        at = tuple(range(first, first + len(its_free)))
        if not its_free and not isinstance(dy.type, Array):
            total, order = b.emit("mul", dy, other), its
        else:
            total, order = emit(b, "numpy.tensordot", dy, other, axes=(at, its_free)), tuple(sorted(its))
        have = (
            (*free, *(mine[its.index(i)] for i in order))
            if isinstance(dy.type, Array)
            else tuple(mine[its.index(i)] for i in range(len(its)))
        )
        return permuted(b, total, tuple(have.index(i) for i in range(len(have))))

    return vjp


def permuted(b: Builder, a: Operand, axes: tuple[int, ...]) -> Operand:
    return a if axes == tuple(range(len(axes))) else emit(b, "numpy.transpose", a, axes=axes)


array_rule(
    "numpy.tensordot", "y = tensordot(a, b)", np.tensordot, _tensordot_type, "multilinear", effect="raises", cost=50,
    da=_tensordot_vjp(0), db=_tensordot_vjp(1),
)  # fmt: skip


# -- traces, convolutions ---------------------------------------------------------------------------------


def _trace_type(attrs: Attrs, a: Operand) -> Type:
    axes = (attrs["axis1"], attrs["axis2"])
    dtype = str(np.trace(np.ones((1, 1), dtype_of(a))).dtype)
    return shaped(dtype, tuple(d for i, d in enumerate(dims_of(a)) if i not in axes))


def _trace_vjp(b: Builder, env: Any) -> Operand:
    """The cotangent along the diagonal."""
    op, dy = env["op"], env["dy"]
    first, second = op.attr("axis1"), op.attr("axis2")
    sizes = env["shape"](0)
    k = op.attr("offset")
    low, high = (first, second) if first < second else (second, first)
    matrix = eye(b, sizes[low], sizes[high], dtype=dtype_of(dy), k=k if first < second else -k)
    if not isinstance(dy.type, Array):
        return b.emit("mul", dy, matrix)
    n = len(dims_of(op.operands[0]))
    others = tuple(i for i in range(n) if i not in (low, high))
    spread = emit(b, "newaxis", dy, axes=(low, high))
    lift = tuple(i for i in others if i > low)  # axes of the matrix before these stay broadcast by themselves
    return b.emit("mul", spread, emit(b, "newaxis", matrix, axes=tuple(lift)) if lift else matrix)


array_rule(
    "numpy.trace", "y = trace(a)", np.trace, _trace_type, "linear", effect="raises", cost=10, da=_trace_vjp
)


def _convolve_type(attrs: Attrs, a: Operand, c: Operand) -> Type:
    x, y = dims_of(a)[0], dims_of(c)[0]
    size: Size = None
    for n, m in ((x, y), (y, x)):
        if isinstance(n, int):
            size = (
                m + n - 1
                if isinstance(m, int)
                else replace(m, offset=m.offset + n - 1)
                if m is not None
                else None
            )
    if isinstance(x, Dim) and isinstance(y, Dim):
        size = Dim(f"({x}+{y})", -1)
    return Array(str(np.result_type(np.dtype(dtype_of(a)), np.dtype(dtype_of(c)))), 1, (size,))


def _correlate_type(attrs: Attrs, a: Operand, c: Operand) -> Type:
    x, y = dims_of(a)[0], dims_of(c)[0]
    size = max(x, y) - min(x, y) + 1 if isinstance(x, int) and isinstance(y, int) else x if y == 1 else None
    return Array(str(np.result_type(np.dtype(dtype_of(a)), np.dtype(dtype_of(c)))), 1, (size,))


def _convolve_vjp(other: str, k: int) -> Any:
    """np.correlate conjugates its second argument."""

    def vjp(b: Builder, env: Any) -> Operand:
        d, weights = env["dy"], _conjugate(b, env[other])
        return b.emit("numpy.correlate", d, weights, type=_like(env["op"].operands[k], d, weights))

    return vjp


def _conjugate(b: Builder, a: Operand) -> Operand:
    return b.emit("numpy.conj", a) if is_complex(a.type) else a


def _like(o: Operand, d: Operand, other: Operand) -> Type:
    return Array(str(np.result_type(dtype_of(d), dtype_of(other))), 1, dims_of(o))


array_rule(
    "numpy.convolve", "y = convolve(a, b)", np.convolve, _convolve_type, "multilinear", effect="raises", cost=50,
    da=_convolve_vjp("b", 0), db=_convolve_vjp("a", 1),
)  # fmt: skip


def _correlate_left(b: Builder, env: Any) -> Operand:
    """y[k] = sum_n a[n + k] conj(b[n]), where a is not shorter than b: da = dy convolved with conj(b)."""
    d, weights = env["dy"], _conjugate(b, env["b"])
    return b.emit("numpy.convolve", d, weights, type=_like(env["op"].operands[0], d, weights))


def _correlate_right(b: Builder, env: Any) -> Operand:
    """The conjugate of sum_k dy[k] a[n + k]: y depends on conj(b)."""
    a, d = _conjugate(b, env["a"]), env["dy"]
    return b.emit("numpy.correlate", a, d, type=_like(env["op"].operands[1], a, d))


array_rule(
    "numpy.correlate", "y = correlate(a, b)", np.correlate, _correlate_type, "multilinear", effect="raises", cost=50,
    da=_correlate_left, db=_correlate_right,
)  # fmt: skip
