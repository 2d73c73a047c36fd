"""Elements moved, repeated, padded, taken from and put on diagonals, as loops for Numba.

Each helper is one assignment `y[...] = a[...]` in loops over the one array or the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gast

from s2sad.codegen import arrays
from s2sad.codegen import loop_nests as nests
from s2sad.codegen import tree as t
from s2sad.codegen.numba_arrays import form, helper, operands, rank
from s2sad.ir.core import Const, Op, Value
from s2sad.ir.types import Array, List, Scalar
from s2sad.rules.arrays.core import dtype_of
from s2sad.rules.builder import const

if TYPE_CHECKING:
    from s2sad.codegen.expressions import Expressions


def moved(
    label: str,
    params: str,
    doc: str,
    ndim: int,
    shape: dict[int, str],
    at: dict[int, str],
    setup: tuple[str, ...] = (),
) -> nests.Helper:
    """`y[i] = a[at]` over all of y, whose shape is that of a but for some axes."""
    i = nests.indices(ndim)
    sizes = [shape.get(k, f"a.shape[{k}]") for k in range(ndim)]
    body = [*setup, f"y = np.empty({nests.tuple_text(sizes)}, a.dtype)"]
    loops = [(x, f"y.shape[{k}]") for k, x in enumerate(i)]
    body += nests.nest(
        loops, [f"{nests.at('y', i)} = {nests.at('a', [at.get(k, x) for k, x in enumerate(i)])}"]
    )
    return nests.function(label, params, doc, [*body, "return y"])


@form("numpy.roll")
def roll(e: Expressions, op: Op) -> Any:
    axis, n = op.attr("axis"), rank(op.operands[0])
    if axis is None or n == 1:
        return arrays.np_call(e, "roll", *operands(e, op))
    made = moved(f"roll_{n}d_{axis}", "a, shift", f"np.roll(a, shift, axis={axis})", n, {},
                 {axis: f"(i{axis} - shift) % a.shape[{axis}]"})  # fmt: skip
    return helper(e, made, *operands(e, op))


@form("numpy.repeat")
def repeat(e: Expressions, op: Op) -> Any:
    a, count = op.operands
    axis, n = op.attr("axis"), rank(a)
    if n == 1 or isinstance(count.type, Array):
        return arrays.np_call(e, "repeat", *operands(e, op))
    made = moved(f"repeat_{n}d_{axis}", "a, count", f"np.repeat(a, count, axis={axis})", n,
                 {axis: f"a.shape[{axis}] * count"}, {axis: f"i{axis} // count"})  # fmt: skip
    return helper(e, made, *operands(e, op))


@form("numpy.tile")
def tile(e: Expressions, op: Op) -> Any:
    n = rank(op.operands[0])
    counts = [f"n{k}" for k in range(n)]
    shape = {k: f"a.shape[{k}] * n{k}" for k in range(n)}
    at = {k: f"i{k} % a.shape[{k}]" for k in range(n)}
    made = moved(
        f"tile_{n}d", ", ".join(["a", *counts]), f"np.tile(a, {nests.tuple_text(counts)})", n, shape, at
    )
    return helper(e, made, *operands(e, op))


# where the element at position k of the padded axis comes from, k counted from the first of the n there are
BORDERS = {
    "edge": "k = min(max(k, 0), n - 1)",
    "wrap": "k = k % n",
    "reflect": "k = n - 1 - abs(n - 1 - k % (2 * n - 2)) if n > 1 else 0",
    "symmetric": "k = n - 1 - abs(n - 1 - k % (2 * n)) if k % (2 * n) < n else 2 * n - 1 - k % (2 * n)",
}


@form("numpy.pad")
def pad(e: Expressions, op: Op) -> Any:
    """Of zeros in any number of axes; by other elements in one (`typing` pads the indices of each axis so)."""
    n, mode = rank(op.operands[0]), op.attr("mode", "constant")
    if mode == "constant":
        widths = [f"{side}{k}" for k in range(n) for side in ("low", "high")]
        shape = nests.tuple_text([f"a.shape[{k}] + low{k} + high{k}" for k in range(n)])
        own = ", ".join(f"low{k} : low{k} + a.shape[{k}]" for k in range(n))
        body = [f"y = np.zeros({shape}, a.dtype)", f"y[{own}] = a", "return y"]
        made = nests.function(f"pad_{n}d", ", ".join(["a", *widths]), "np.pad(a, widths)", body)
        return helper(e, made, *operands(e, op))
    body = ["n = a.shape[0]", "y = np.empty(n + low + high, a.dtype)", "for i in range(y.shape[0]):",
            "    k = i - low", f"    {BORDERS[mode]}", "    y[i] = a[k]", "return y"]  # fmt: skip
    made = nests.function(f"pad_{mode}", "a, low, high", f"np.pad(a, (low, high), mode='{mode}')", body)
    return helper(e, made, *operands(e, op))


# -- diagonals ------------------------------------------------------------------------------------------


def _signed(k: int) -> str:
    return f"_m{-k}" if k < 0 else f"_{k}" if k else ""


def _on_diagonal(ndim: int, k: int) -> tuple[list[str], str, str]:
    """The index of an element of the k-th diagonal of the last two axes, and how many rows and columns come before."""
    down, right = max(-k, 0), max(k, 0)
    i = nests.indices(ndim - 2)
    return [*i, f"k + {down}" if down else "k", f"k + {right}" if right else "k"], str(down), str(right)


@form("numpy.diagonal")
def diagonal(e: Expressions, op: Op) -> Any:
    n, k = rank(op.operands[0]), op.attr("k")
    at, down, right = _on_diagonal(n, k)
    lead = nests.indices(n - 2)
    shape = nests.tuple_text([*(f"a.shape[{j}]" for j in range(n - 2)), "n"])
    body = [
        f"n = max(0, min(a.shape[{n - 2}] - {down}, a.shape[{n - 1}] - {right}))",
        f"y = np.empty({shape}, a.dtype)",
    ]
    loops = [*((x, f"a.shape[{j}]") for j, x in enumerate(lead)), ("k", "n")]
    body += [*nests.nest(loops, [f"{nests.at('y', [*lead, 'k'])} = {nests.at('a', at)}"]), "return y"]
    made = nests.function(f"diagonal_{n}d{_signed(k)}", "a", f"np.diagonal(a, {k}, -2, -1)", body)
    return helper(e, made, *operands(e, op))


@form("embed_diagonal")
def embed_diagonal(e: Expressions, op: Op) -> Any:
    n, k = rank(op.operands[0]) + 1, op.attr("k")
    at, _, _ = _on_diagonal(n, k)
    lead = nests.indices(n - 2)
    shape = nests.tuple_text([*(f"d.shape[{j}]" for j in range(n - 2)), "rows", "columns"])
    loops = [(x, f"d.shape[{j}]") for j, x in enumerate([*lead, "k"])]
    body = [f"y = np.zeros({shape}, d.dtype)"]
    body += [*nests.nest(loops, [f"{nests.at('y', at)} = {nests.at('d', [*lead, 'k'])}"]), "return y"]
    doc = "Zeros with d on a diagonal of the last two axes."
    made = nests.function(f"embed_diagonal_{n}d{_signed(k)}", "d, rows, columns", doc, body)
    return helper(e, made, *operands(e, op))


@form("resized")
def resized(e: Expressions, op: Op) -> Any:
    n, axis = rank(op.operands[0]), op.attr("axis")
    shape = nests.tuple_text([("size" if k == axis else f"d.shape[{k}]") for k in range(n)])
    kept = nests.at("y", [(":n" if k == axis else ":") for k in range(n)])
    body = [f"y = np.zeros({shape}, d.dtype)", f"n = min(size, d.shape[{axis}])"]
    body += [f"{kept} = {kept.replace('y[', 'd[')}", "return y"]
    doc = "d cut off, or filled up with zeros, at the end of an axis."
    return helper(e, nests.function(f"resized_{n}d_{axis}", "d, size", doc, body), *operands(e, op))


# -- scans ----------------------------------------------------------------------------------------------


@form("recurrence")
def recurrence(e: Expressions, op: Op) -> Any:
    n, axis = rank(op.operands[0]), op.attr("axis")
    i = nests.indices(n)
    before = [f"{x} - 1" if k == axis else x for k, x in enumerate(i)]
    step = [f"if {i[axis]} > 0:", f"    {nests.at('y', i)} += {nests.at('a', i)} * {nests.at('y', before)}"]
    body = ["y = b.copy()", *nests.nest([(x, f"y.shape[{k}]") for k, x in enumerate(i)], step), "return y"]
    doc = "y[0] = b[0], then y[i] = a[i] * y[i - 1] + b[i], along an axis."
    return helper(e, nests.function(f"recurrence_{n}d_{axis}", "a, b", doc, body), *operands(e, op))


@form("records")
def records(e: Expressions, op: Op) -> Any:
    n, axis, sign = rank(op.operands[0]), op.attr("axis"), op.attr("sign")
    i = nests.indices(n)
    y, v = nests.at("y", i), nests.at("a", i)
    before = nests.at("y", [f"{x} - 1" if k == axis else x for k, x in enumerate(i)])
    best = nests.at("a", ["last" if k == axis else x for k, x in enumerate(i)])
    comparison = ">" if sign == 1 else "<"
    step = [
        f"if {i[axis]} == 0:", f"    {y} = 0", "else:", f"    last = {before}",
        f"    better = {v} {comparison} {best} or ({v} != {v} and {best} == {best})",
        f"    {y} = {i[axis]} if better else last",
    ]  # fmt: skip
    body = [
        "y = np.empty(a.shape, np.int64)",
        *nests.nest([(x, f"a.shape[{k}]") for k, x in enumerate(i)], step),
        "return y",
    ]
    doc = f"For each position that of the {'greatest' if sign == 1 else 'least'} element so far, the first among equals."
    return helper(
        e,
        nests.function(f"records_{n}d_{axis}_{'max' if sign == 1 else 'min'}", "a", doc, body),
        *operands(e, op),
    )


# -- positions ------------------------------------------------------------------------------------------


@form("unravel_index")
def unravel_index(e: Expressions, op: Op) -> Any:
    """One of the indices: index // (the sizes behind it) % its size."""
    index, *sizes = operands(e, op)
    axis = op.attr("axis")
    node = index
    for size in reversed(sizes[axis + 1 :]):
        node = t.binary("floordiv", node, size)
    return node if axis == 0 else t.binary("mod", node, sizes[axis])


@form("array_of")
def array_of(e: Expressions, op: Op) -> Any:
    """Of a copy of a list: one that a loop fills and `np.array` reads is for Numba an array, and has no append().
    Of a list of arrays, which Numba does not take, row by row."""
    a = op.operands[0]
    if not isinstance(a.type, List) or not isinstance(a, Value):
        return None
    if isinstance(a.type.item, Array) and isinstance(op.result.type, Array):
        dtype = op.result.type.dtype
        body = [
            f"y = np.empty((len(rows),) + rows[0].shape, {nests.dtype_text(dtype)})",
            "for i in range(len(rows)):",
        ]
        body += [nests.INDENT + "y[i] = rows[i]", "return y"]
        return helper(
            e, nests.function(f"rows_of{nests.suffix(dtype)}", "rows", "np.array(rows)", body), e.operand(a)
        )
    held = t.subscript(e.operand(a), gast.Slice(None, None, None))
    return arrays.np_call(e, "array", held, **e.dtype(op))


@form("array_of_numbers")
def array_of_numbers(e: Expressions, op: Op) -> Any:
    """Nested lists are objects of Numba's, nested tuples of numbers of one kind are not."""
    kinds = {o.type.kind for o in op.operands if isinstance(o.type, Scalar) and not isinstance(o, Const)}
    if len(op.attr("shape")) == 1 or len(kinds) > 1:
        return None
    as_float = op.attr("dtype").startswith("float")
    parts = [
        e.operand(const(float(o.value)) if as_float and isinstance(o, Const) else o) for o in op.operands
    ]
    if as_float and kinds and kinds != {"float"}:
        return None
    named = arrays.numbers_dtype(e, op)
    return arrays.np_call(e, "array", arrays.nested(parts, op.attr("shape"), t.tuple_), **named)


@form("numpy.tri")
def tri(e: Expressions, op: Op) -> Any:
    dtype, k = op.attr("dtype"), op.attr("k", 0)
    body = [f"y = np.zeros((rows, columns), {nests.dtype_text(dtype)})", "for i in range(rows):"]
    body += [f"    y[i, : max(0, i + {k + 1})] = {'True' if dtype == 'bool' else '1'}", "return y"]
    made = nests.function(
        f"tri{_signed(k)}{nests.suffix(dtype)}", "rows, columns", f"np.tri(rows, columns, {k})", body
    )
    return helper(e, made, *operands(e, op))


@form("numpy.linspace")
def linspace(e: Expressions, op: Op) -> Any:
    """Numba has it for numbers, with the end."""
    start, stop, _ = op.operands
    endpoint = op.attr("endpoint", True)
    ranks = [rank(start), rank(stop)]
    dtype = dtype_of(op.result)
    if max(ranks) == 0:
        steps = "num - 1" if endpoint else "num"
        body = [f"y = np.empty(num, {nests.dtype_text(dtype)})", f"step = (stop - start) / max({steps}, 1)",
                "for k in range(num):", "    y[k] = start + k * step"]  # fmt: skip
        body += ["if num > 1:", "    y[num - 1] = stop"] if endpoint else []
        label = "linspace" if endpoint else "linspace_without_end"
        label += nests.suffix(dtype)
        return helper(
            e,
            nests.function(label, "start, stop, num", "np.linspace(start, stop, num)", [*body, "return y"]),
            *operands(e, op),
        )
    n = max(ranks)
    i = nests.indices(n)
    body = [
        "first, last = np.broadcast_arrays(start, stop)"
        if min(ranks) == n
        else "whole = " + ("start" if ranks[0] == n else "stop")
    ]
    if min(ranks) != n:
        body += [
            f"{name} = np.broadcast_to({p}, whole.shape)"
            for name, p in (("first", "start"), ("last", "stop"))
        ]
    shape = nests.tuple_text(["num", *(f"first.shape[{k}]" for k in range(n))])
    body.append(f"y = np.empty({shape}, {nests.dtype_text(dtype)})")
    steps = "num - 1" if endpoint else "num"
    u, v = nests.at("first", i), nests.at("last", i)
    end = f" if k < num - 1 or num == 1 else {v}" if endpoint else ""
    inner = [f"{nests.at('y', ['k', *i])} = {u} + k * (({v} - {u}) / max({steps}, 1)){end}"]
    body += nests.nest([("k", "num"), *((x, f"first.shape[{k}]") for k, x in enumerate(i))], inner)
    label = f"linspace_{ranks[0]}d_{ranks[1]}d" + ("" if endpoint else "_without_end") + nests.suffix(dtype)
    made = nests.function(label, "start, stop, num", "np.linspace(start, stop, num)", [*body, "return y"])
    return helper(e, made, *operands(e, op))
