"""Elements rolled, repeated, padded, and taken from or put on diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.core import Const, Operand
from s2sad.ir.types import Array, Size, Type
from s2sad.rules.arrays.core import Attrs, array_rule, dims_of, dtype_of, emit
from s2sad.rules.arrays.indexing import view
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import ZERO, source

WHOLE = ("slice", None, None, None)


def _same(attrs: Attrs, a: Operand, *rest: Operand) -> Type:
    return a.type


def known(o: Operand) -> int | None:
    return int(o.value) if isinstance(o, Const) else None


def _plus(size: Size, n: int | None) -> Size:
    return size if n == 0 else size + n if isinstance(size, int) and n is not None else None


def _times(size: Size, n: int | None) -> Size:
    return size if n == 1 else size * n if isinstance(size, int) and n is not None else None


# -- roll, repeat, tile, pad ----------------------------------------------------------------------------


def _roll_vjp(b: Builder, env: Any) -> Operand:
    shift = env["shift"]
    back = const(-shift.value) if isinstance(shift, Const) else b.emit("neg", shift)
    return emit(b, "numpy.roll", env["dy"], back, axis=env["op"].attr("axis"))


array_rule("numpy.roll", "y = roll(a, shift)", np.roll, _same, "first", da=_roll_vjp, dshift=ZERO)


def _repeat_type(attrs: Attrs, a: Operand, count: Operand) -> Type:
    dims = list(dims_of(a))
    dims[attrs["axis"]] = _times(dims[attrs["axis"]], known(count))
    return Array(dtype_of(a), len(dims), tuple(dims))


def _repeat_vjp(b: Builder, env: Any) -> Operand:
    axis, shape = env["op"].attr("axis"), env["shape"](0)
    blocks = emit(b, "numpy.reshape", env["dy"], *shape[: axis + 1], env["count"], *shape[axis + 1 :])
    return emit(b, "numpy.sum", blocks, axis=axis + 1)


array_rule(
    "numpy.repeat", "y = repeat(a, count)", np.repeat, _repeat_type, "first", effect="raises", da=_repeat_vjp, dcount=ZERO
)  # fmt: skip


def _tile_type(attrs: Attrs, a: Operand, *counts: Operand) -> Type:
    sizes = zip(dims_of(a), counts, strict=True)
    return Array(dtype_of(a), len(counts), tuple(_times(d, known(n)) for d, n in sizes))


def _tile_vjp(b: Builder, env: Any) -> Operand:
    counts, shape = env["operands"][1:], env["shape"](0)
    repeated = [i for i, n in enumerate(counts) if known(n) != 1]
    if not repeated:
        return env["dy"]  # type: ignore[no-any-return]
    sizes: list[Operand] = []
    axes = []
    for i, (n, size) in enumerate(zip(counts, shape, strict=True)):
        if i in repeated:
            axes.append(len(sizes))
            sizes.append(n)
        sizes.append(size)
    blocks = emit(b, "numpy.reshape", env["dy"], *sizes)
    return emit(b, "numpy.sum", blocks, axis=axes[0] if len(axes) == 1 else tuple(axes))


array_rule(
    "numpy.tile", "y = tile(a, *counts)", lambda a, *counts: np.tile(a, counts), _tile_type, "first", da=_tile_vjp,
    dcounts=ZERO,
)  # fmt: skip


def _pad(a: Any, *widths: Any, mode: str = "constant") -> Any:
    return np.pad(a, tuple(zip(widths[::2], widths[1::2], strict=True)), mode)  # type: ignore[call-overload]


def _pad_type(attrs: Attrs, a: Operand, *widths: Operand) -> Type:
    dims = []
    for i, d in enumerate(dims_of(a)):
        low, high = known(widths[2 * i]), known(widths[2 * i + 1])
        dims.append(_plus(d, None if low is None or high is None else low + high))
    return Array(dtype_of(a), len(dims), tuple(dims))


def _pad_vjp(b: Builder, env: Any) -> Operand:
    widths, shape = env["operands"][1:], env["shape"](0)
    entries: list[Any] = []
    operands: list[Operand] = []
    for i, size in enumerate(shape):
        low, high = widths[2 * i : 2 * i + 2]
        if known(low) == 0 and known(high) == 0:
            entries.append(WHOLE)
            continue
        n, last = len(operands), known(high)
        stop = const(-last) if last else None if last == 0 else b.emit("add", low, size)
        operands += [low, *([] if stop is None else [stop])]
        entries.append(("slice", n, None if stop is None else n + 1, None))
    return view(b, env["dy"], tuple(entries), tuple(operands), _same({}, env["op"].operands[0]))


array_rule(
    "numpy.pad", "y = pad(a, *widths)", _pad, _pad_type, "first", effect="raises", da=_pad_vjp, dwidths=ZERO
)


array_rule(
    "numpy.ascontiguousarray",
    "y = ascontiguousarray(a)",
    np.ascontiguousarray,
    _same,
    "linear",
    cost=1,
    da="dy",
)


# -- diagonals ------------------------------------------------------------------------------------------


def _diagonal_type(attrs: Attrs, a: Operand) -> Type:
    *first, rows, columns = dims_of(a)
    k = attrs["k"]
    size: Size = rows if rows == columns and k == 0 else None
    if isinstance(rows, int) and isinstance(columns, int):
        size = max(0, min(rows - max(-k, 0), columns - max(k, 0)))
    return Array(dtype_of(a), len(first) + 1, (*first, size))


def _diagonal_vjp(b: Builder, env: Any) -> Operand:
    return emit(b, "embed_diagonal", env["dy"], *env["shape"](0)[-2:], k=env["op"].attr("k"))


array_rule(
    "numpy.diagonal", "y = diagonal(a)", lambda a, k: np.diagonal(a, k, -2, -1), _diagonal_type, "linear",
    da=_diagonal_vjp,
)  # fmt: skip


def embed_diagonal(d: Any, rows: Any, columns: Any, k: Any) -> Any:
    """Zeros with d on the k-th diagonal of the last two axes."""
    a = np.zeros((*d.shape[:-1], rows, columns), d.dtype)
    i = np.arange(d.shape[-1])
    a[..., i + max(-k, 0), i + max(k, 0)] = d
    return a


def _embed_type(attrs: Attrs, d: Operand, rows: Operand, columns: Operand) -> Type:
    from s2sad.rules.arrays.core import size_of

    dims = (*dims_of(d)[:-1], size_of(rows), size_of(columns))
    return Array(dtype_of(d), len(dims), dims)


def _embed_vjp(b: Builder, env: Any) -> Operand:
    return b.emit("numpy.diagonal", env["dy"], type=env["op"].operands[0].type, k=env["op"].attr("k"))


array_rule(
    "embed_diagonal", "y = embed_diagonal(d, rows, columns)", embed_diagonal, _embed_type, "first",
    helper=source(embed_diagonal), dd=_embed_vjp, drows=ZERO, dcolumns=ZERO,
)  # fmt: skip


def _diag_type(attrs: Attrs, d: Operand) -> Type:
    size = _plus(dims_of(d)[0], abs(attrs["k"]))
    return Array(dtype_of(d), 2, (size, size))


array_rule("numpy.diag", "y = diag(d)", lambda d, k=0: np.diag(d, k), _diag_type, "linear", dd=_embed_vjp)
