"""Sums of products for Numba: Einstein sums, tensor products, traces.

Each is an Einstein sum by its labels. What is a product of two matrices is one, which BLAS does; else there is a loop for
each label, the result's outermost, and one sum in a local variable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s2sad.codegen import loop_nests as nests
from s2sad.codegen.numba_arrays import cast, form, helper, operands, rank
from s2sad.ir.core import Op, Operand
from s2sad.ir.types import Size, is_many
from s2sad.rules.arrays.contractions import WHOLE_PRODUCTS, Contraction, agree, contraction
from s2sad.rules.arrays.core import dims_of, dtype_of
from s2sad.rules.arrays.products import ALPHABET, split

if TYPE_CHECKING:
    from s2sad.codegen.expressions import Expressions


@form("numpy.einsum")
def einsum(e: Expressions, op: Op) -> Any:
    inputs, output = split(op.attr("subscripts"))
    return contracted(e, op, inputs, output)


@form("numpy.tensordot")
def tensordot(e: Expressions, op: Op) -> Any:
    """The contracted axes share their labels."""
    a, b = op.operands
    left, right = op.attr("axes")
    letters = iter(ALPHABET)
    first = [next(letters) for _ in range(rank(a))]
    second = [first[left[right.index(j)]] if j in right else next(letters) for j in range(rank(b))]
    output = [x for i, x in enumerate(first) if i not in left]
    output += [x for j, x in enumerate(second) if j not in right]
    return contracted(e, op, ["".join(first), "".join(second)], "".join(output))


def contracted(e: Expressions, op: Op, inputs: list[str], output: str) -> Any:
    dtype = dtype_of(op.result)
    nodes = [cast(e, n, o, dtype) for n, o in zip(operands(e, op), op.operands, strict=True)]
    if dtype.startswith(("float", "complex")) and WHOLE_PRODUCTS:
        for first, second in ((0, 1), (1, 0)) if len(inputs) == 2 else ():
            a, b = op.operands[first], op.operands[second]
            found = contraction(inputs[first], inputs[second], output)
            if (
                found is not None
                and is_matrices(found, output)
                and agree(a, inputs[first], b, inputs[second])
            ):
                return helper(
                    e,
                    matrix_product(inputs[first], inputs[second], found, dtype),
                    nodes[first],
                    nodes[second],
                )
    relations = [[_relation(s, label, op, inputs) for s, label in zip(dims_of(o), labels, strict=True)]
                 for o, labels in zip(op.operands, inputs, strict=True)]  # fmt: skip
    return helper(e, einsum_loops(inputs, output, relations, dtype), *nodes)


def is_matrices(found: Contraction, output: str) -> bool:
    """Whether a contraction is one product of matrices that gives the axes in the order of the result."""
    return not found.stacked and bool(found.left and found.right) and found.left + found.right == output


def matrix_product(first: str, second: str, found: Contraction, dtype: str) -> nests.Helper:
    """An Einstein sum as one product of matrices: the axes that are summed are one, and those that are not."""
    body = []
    for x in found.summed:
        i, j = first.index(x), second.index(x)
        body += [
            f"if a.shape[{i}] != b.shape[{j}]:",
            f'{nests.INDENT}raise ValueError("sizes of an axis do not agree")',
        ]
    for name, labels in (("rows", found.left), ("columns", found.right), ("summed", found.summed)):
        p, own = ("b", second) if name == "columns" else ("a", first)
        body.append(f"{name} = " + " * ".join(f"{p}.shape[{own.index(x)}]" for x in labels))
    left, right = (
        _as_matrix(*given, found.summed)
        for given in (("a", first, found.left, "rows"), ("b", second, found.right, "columns"))
    )
    # of no terms the sum is 0, which BLAS need not write
    shape = [f"a.shape[{first.index(x)}]" for x in found.left] + [
        f"b.shape[{second.index(x)}]" for x in found.right
    ]
    whole = nests.tuple_text(shape)
    body += [
        "if rows * columns * summed == 0:",
        f"{nests.INDENT}return np.zeros({whole}, {nests.dtype_text(dtype)})",
        f"return np.dot({left}, {right}).reshape({whole})",
    ]
    label = "_".join(["product", first, second, "over", found.summed]) + nests.suffix(dtype)
    text = f"np.einsum('{first},{second}->{found.left}{found.right}', a, b)"
    return nests.function(label, "a, b", text, body)


def _as_matrix(p: str, labels: str, own: str, size: str, summed: str) -> str:
    """An operand as a matrix: of `a` the summed axes come last, of `b` they come first."""
    orders = {own + summed: f"({size}, summed)", summed + own: f"(summed, {size})"}
    last = own + summed if p == "a" else summed + own
    if labels in orders:
        turned = "" if labels == last else ".T"
        return f"np.ascontiguousarray({p}).reshape({orders[labels]}){turned}"
    axes = tuple(labels.index(x) for x in last)
    return f"np.ascontiguousarray(np.transpose({p}, {axes})).reshape({orders[last]})"


def _relation(own: Size, label: str, op: Op, inputs: list[str]) -> str:
    """How an axis relates to the others of its label: 'one' (of size 1 where another is not), 'all', 'open'."""
    sizes = {s for s, x in _labelled(op.operands, inputs) if x == label}
    if len(sizes) == 1 and own is not None:
        return "all"
    if own == 1:
        return "one"
    return "all" if is_many(own) else "open"


def _labelled(operands_: tuple[Operand, ...], inputs: list[str]) -> list[tuple[Size, str]]:
    return [pair for o, labels in zip(operands_, inputs, strict=True)
            for pair in zip(dims_of(o), labels, strict=True)]  # fmt: skip


def einsum_loops(inputs: list[str], output: str, relations: list[list[str]], dtype: str) -> nests.Helper:
    """np.einsum; an axis that is 'open' may have size 1 at run time, and is then broadcast."""
    params = list("abcdefghij"[: len(inputs)])
    order = list(dict.fromkeys(output + "".join(inputs)))
    index, size = {x: f"i{k}" for k, x in enumerate(order)}, {x: f"n{k}" for k, x in enumerate(order)}
    body: list[str] = []
    for x in order:
        axes = [(p, j, how[j]) for p, labels, how in zip(params, inputs, relations, strict=True)
                for j, label in enumerate(labels) if label == x]  # fmt: skip
        body += _size(size[x], axes)
    factors = []
    for p, labels, how in zip(params, inputs, relations, strict=True):
        at = [_index(p, j, x, how[j], index, inputs) for j, x in enumerate(labels)]
        factors.append(nests.at(p, at))
    zero = "0.0" if dtype.startswith("float") else "0"
    inner = ["t += " + " * ".join(factors)]
    summed = [(index[x], size[x]) for x in order if x not in output]
    own = [index[x] for x in output]
    if summed:
        inner = [f"t = {zero}", *nests.nest(summed, inner), f"{nests.at('y', own)} = t"]
    else:
        inner = [f"{nests.at('y', own)} = " + " * ".join(factors)]
    if output:
        shape = nests.tuple_text([size[x] for x in output])
        body.append(f"y = np.empty({shape}, {nests.dtype_text(dtype)})")
    body += [*nests.nest([(index[x], size[x]) for x in output], inner), "return y"]
    kinds = "".join(h[0] for how in relations for h in how)
    label = "_".join(["einsum", *inputs, "to", output or "number", *([kinds] if set(kinds) - {"a"} else [])])
    label += nests.suffix(dtype)
    text = f"np.einsum('{','.join(inputs)}->{output}', ...)"
    return nests.function(label, ", ".join(params), text, body)


def _size(name: str, axes: list[tuple[str, int, str]]) -> list[str]:
    """The size of a label, and that its axes agree."""
    texts = [(f"{p}.shape[{j}]", how) for p, j, how in axes]
    first = next((s for s, how in texts if how == "all"), None)
    lines = [f"{name} = {first or texts[0][0]}"]
    for s, how in texts:
        if how == "open" and first is None and s != texts[0][0]:
            lines.append(f"{name} = {s} if {name} == 1 else {name}")
    for s, how in texts:
        if how != "one" and s != first and len(texts) > 1:
            test = f"{s} != {name}" + (f" and {s} != 1" if how == "open" else "")
            lines += [f"if {test}:", f'{nests.INDENT}raise ValueError("sizes of an axis do not agree")']
    return lines


def _index(p: str, axis: int, x: str, how: str, index: dict[str, str], inputs: list[str]) -> str:
    if how == "one":
        return "0"
    alone = sum(labels.count(x) for labels in inputs) == 1
    return index[x] if how == "all" or alone else f"{index[x]} if {p}.shape[{axis}] != 1 else 0"


@form("numpy.trace")
def trace(e: Expressions, op: Op) -> Any:
    a = op.operands[0]
    axes, offset = (op.attr("axis1") % rank(a), op.attr("axis2") % rank(a)), op.attr("offset")
    return helper(e, trace_loops(rank(a), axes, offset, dtype_of(op.result)), e.operand(a))


def trace_loops(ndim: int, axes: tuple[int, int], offset: int, dtype: str) -> nests.Helper:
    """np.trace along two axes."""
    i = nests.indices(ndim)
    kept = [x for k, x in enumerate(i) if k not in axes]
    down, right = max(-offset, 0), max(offset, 0)
    at = list(i)
    at[axes[0]], at[axes[1]] = ("k" + (f" + {n}" if n else "") for n in (down, right))
    rows, columns = (
        f"a.shape[{k}]" + (f" - {n}" if n else "") for k, n in zip(axes, (down, right), strict=True)
    )
    start = "0.0" if dtype.startswith("float") else "0"
    inner = [f"t = {start}", f"for k in range(min({rows}, {columns})):", f"    t += {nests.at('a', at)}"]
    body = []
    if kept:
        shape = nests.tuple_text([f"a.shape[{k}]" for k in range(ndim) if k not in axes])
        body.append(f"y = np.empty({shape}, {nests.dtype_text(dtype)})")
    inner.append(f"{nests.at('y', kept)} = t")
    loops = [(x, f"a.shape[{k}]") for k, x in enumerate(i) if k not in axes]
    body += [*nests.nest(loops, inner), "return y"]
    sign = f"m{-offset}" if offset < 0 else str(offset)
    label = f"trace_{ndim}d_{axes[0]}_{axes[1]}" + (f"_{sign}" if offset else "")
    label += nests.suffix(dtype)
    return nests.function(label, "a", f"np.trace(a, {offset}, {axes[0]}, {axes[1]})", body)
