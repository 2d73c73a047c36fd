"""NumPy products on abstract values."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.errors import SignatureError
from s2sad.frontend.source import MISSING
from s2sad.ir.core import Const, Operand, Value, operands
from s2sad.ir.types import Array
from s2sad.rules import arrays as a_
from s2sad.rules.arrays.products import ALPHABET, split
from s2sad.rules.builder import const
from s2sad.typing.abstract import AV, TupleAV
from s2sad.typing.arrays import arguments, array, static, transposed
from s2sad.typing.functions.core import all_from_front, elements, into, is_none, numpy_function, takes_out


def in_linalg(name: str) -> tuple[Any, ...]:
    """NumPy 2 has some functions a second time."""
    return (getattr(np.linalg, name),) if hasattr(np.linalg, name) else ()


@numpy_function(np.matmul, *in_linalg("matmul"))
@takes_out("numpy.matmul", "x1 x2 out")
def _matmul(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.matmul", "x1 x2 out", args, kwargs)
    return a_.emit(s.builder, "matmul", array(s, found["x1"]), array(s, found["x2"]), hint=hint)


@numpy_function(np.dot, method="dot")
@takes_out("numpy.dot", "a b out")
def _dot(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.dot", "a b out", args, kwargs)
    a, b = array(s, found["a"]), array(s, found["b"])
    x, y = a_.dims_of(a), a_.dims_of(b)
    if not x or not y:
        return s.builder.emit("mul", a, b, hint=hint)  # type: ignore[no-any-return]
    if len(y) <= 2:
        return a_.emit(s.builder, "matmul", a, b, hint=hint)
    axes = ((len(x) - 1,), (len(y) - 2,))
    return a_.emit(s.builder, "numpy.tensordot", a, b, hint=hint, axes=axes)


@numpy_function(np.inner)
def _inner(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.inner", "a b", args, kwargs)
    a, b = array(s, found["a"]), array(s, found["b"])
    x, y = a_.dims_of(a), a_.dims_of(b)
    if not x or not y:
        return s.builder.emit("mul", a, b, hint=hint)  # type: ignore[no-any-return]
    if len(y) == 1:
        return a_.emit(s.builder, "matmul", a, b, hint=hint)
    if len(x) <= 2 and len(y) == 2:
        return a_.emit(s.builder, "matmul", a, transposed(s, b, None), hint=hint)
    axes = ((len(x) - 1,), (len(y) - 1,))
    return a_.emit(s.builder, "numpy.tensordot", a, b, hint=hint, axes=axes)


def constants(s: Any, av: AV, what: str) -> Any:
    """The value of an argument that is a constant, or a list or tuple of them written in the call."""
    found = s.static(av)
    if found is MISSING:
        made = s.builder.defs.get(av) if isinstance(av, Value) else None
        if made is not None and made.prim == "alloc_list" and made in s.builder.ops:
            later = s.builder.ops[s.builder.ops.index(made) + 1 :]
            if not any(av in operands(op) for op in later):
                return tuple(constants(s, o, what) for o in made.operands)
        if isinstance(av, TupleAV):
            return tuple(constants(s, o, what) for o in av.items)
        raise s.error(f"{what} must be constants here", "write them out in the call")
    return found


@numpy_function(np.kron)
def _kron(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """The axes of both side by side, each pair then joined."""
    found = arguments(s, "numpy.kron", "a b", args, kwargs)
    a, b = array(s, found["a"]), array(s, found["b"])
    n, m = len(a_.dims_of(a)), len(a_.dims_of(b))
    if not n or not m:
        return s.builder.emit("mul", a, b, hint=hint)  # type: ignore[no-any-return]
    most = max(n, m)
    first = a_.emit(
        s.builder, "newaxis", a, axes=(*range(2 * (most - n)), *range(2 * (most - n) + 1, 2 * most, 2))
    )
    second = a_.emit(
        s.builder, "newaxis", b, axes=(*range(2 * (most - m)), *range(2 * (most - m), 2 * most, 2))
    )
    product = s.builder.emit("mul", first, second)
    sizes = a_.shape(s.builder, product)
    joined = [_times(s, sizes[2 * k], sizes[2 * k + 1]) for k in range(most)]
    return a_.emit(s.builder, "numpy.reshape", product, *joined, hint=hint)


def _times(s: Any, a: Operand, b: Operand) -> Operand:
    if isinstance(a, Const) and isinstance(b, Const):
        return const(a.value * b.value)
    for one, other in ((a, b), (b, a)):
        if isinstance(one, Const) and one.value == 1:
            return other
    return s.builder.emit("mul", a, b)  # type: ignore[no-any-return]


@numpy_function(np.tensordot, *in_linalg("tensordot"))
def _tensordot(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.tensordot", "a b axes", args, kwargs)
    a, b = array(s, found.pop("a")), array(s, found.pop("b"))
    x, y = len(a_.dims_of(a)), len(a_.dims_of(b))
    axes = constants(s, found["axes"], "axes") if "axes" in found else 2
    if isinstance(axes, int):
        axes = tuple(range(x - axes, x)), tuple(range(axes))
    left, right = ((e,) if isinstance(e, int) else tuple(e) for e in axes)
    left, right = all_from_front(s, left, x), all_from_front(s, right, y)
    if len(left) != len(right):
        raise s.error("np.tensordot() over unequal numbers of axes", "match them", SignatureError)
    return a_.emit(s.builder, "numpy.tensordot", a, b, hint=hint, axes=(left, right))


@numpy_function(np.trace, method="trace")
def _trace(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.trace", "a offset axis1 axis2", args, kwargs)
    a = array(s, found.pop("a"))
    n = len(a_.dims_of(a))
    attrs = {"offset": static(s, found, "offset", 0)}
    axes = tuple(static(s, found, name, i) for i, name in enumerate(("axis1", "axis2")))
    attrs |= zip(("axis1", "axis2"), all_from_front(s, axes, n), strict=True)
    return a_.emit(s.builder, "numpy.trace", a, hint=hint, **attrs)


@numpy_function(*in_linalg("trace"))
def _last_trace(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.linalg.trace", "x offset", args, kwargs)
    offset = {"offset": found["offset"]} if "offset" in found else {}
    return _trace(s, [found["x"]], {**offset, "axis1": const(-2), "axis2": const(-1)}, hint)


# -- einsum -----------------------------------------------------------------------------------------------


@numpy_function(np.einsum)
def _einsum(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    kwargs = dict(kwargs)
    if not is_none(out := kwargs.pop("out", None)):
        return into(s, _einsum(s, args, kwargs, ""), out, "numpy.einsum")  # type: ignore[arg-type]
    optimize = static(s, kwargs, "optimize", False)
    for name in kwargs:
        if name not in ("order", "casting") or s.static(kwargs[name]) not in ("K", "safe"):
            raise s.error(f"numpy.einsum() with {name}= is not supported yet", "leave it out")
    text = s.static(args[0]) if args else MISSING
    if isinstance(text, str):
        operands = [array(s, a) for a in args[1:]]
    else:
        text, operands = _from_lists(s, args)
    subscripts = explicit(s, text, [len(a_.dims_of(o)) for o in operands])
    inputs, output = split(subscripts)
    if len({*output}) < len(output) or not {*output} <= {*"".join(inputs)}:
        raise s.error(
            f"np.einsum(): the result {output!r} names an axis twice, or one that no operand has",
            "name each axis of the result once", SignatureError,
        )  # fmt: skip
    if len(operands) == 1 and sorted(output) == sorted(inputs[0]):  # all axes, in another order
        return transposed(s, operands[0], [inputs[0].index(label) for label in output], hint)
    attrs = {"subscripts": subscripts, **({"optimize": optimize} if optimize else {})}
    return a_.emit(s.builder, "numpy.einsum", *operands, hint=hint, **attrs)


def _from_lists(s: Any, args: list[AV]) -> tuple[str, list[Operand]]:
    """einsum(a, [0, 1], b, [1, 2], [0, 2]) as text."""

    def text(av: AV) -> str:
        return "".join("..." if k is Ellipsis else ALPHABET[k] for k in constants(s, av, "the labels"))

    pairs = len(args) // 2
    labels = [text(a) for a in args[1 : 2 * pairs : 2]]
    operands = [array(s, a) for a in args[0 : 2 * pairs : 2]]
    result = f"->{text(args[-1])}" if len(args) % 2 else ""
    return ",".join(labels) + result, operands


def explicit(s: Any, text: str, ranks: list[int]) -> str:
    """Subscripts with a result and without an ellipsis, which stands for the axes that are not named."""
    text = text.replace(" ", "")
    left, arrow, right = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ranks):
        raise s.error(
            f"np.einsum() with {len(inputs)} groups of subscripts for {len(ranks)} operands", "match them", SignatureError
        )  # fmt: skip
    free = [c for c in ALPHABET if c not in text]
    hidden = [rank - len(labels.replace("...", "")) for labels, rank in zip(inputs, ranks, strict=True)]
    most = max((h for h, labels in zip(hidden, inputs, strict=True) if "..." in labels), default=0)
    for h, labels in zip(hidden, inputs, strict=True):
        if h < 0 or (h > 0 and "..." not in labels):
            raise s.error(
                f"np.einsum(): {labels!r} does not match its operand", "match its rank", SignatureError
            )
    spelled = "".join(free[:most])
    inputs = [labels.replace("...", spelled[most - h :]) for h, labels in zip(hidden, inputs, strict=True)]
    if not arrow:
        once = sorted(c for c in set(left.replace(",", "").replace(".", "")) if left.count(c) == 1)
        right = "..." + "".join(once)
    return f"{','.join(inputs)}->{right.replace('...', spelled)}"


@numpy_function(np.linalg.multi_dot)
def _multi_dot(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """The order of the products is NumPy's business; here from the left, or from the right if that ends in a vector."""
    parts = [array(s, e) for e in elements(s, args[0])]
    if isinstance(parts[-1].type, Array) and parts[-1].type.ndim == 1:
        total = parts[-1]
        for p in reversed(parts[:-1]):
            total = a_.emit(s.builder, "matmul", p, total)
        return total
    total = parts[0]
    for p in parts[1:]:
        total = a_.emit(s.builder, "matmul", total, p)
    return total
