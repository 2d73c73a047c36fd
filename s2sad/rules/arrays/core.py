"""What the rules on whole arrays are declared with: types of results from operands and attributes.

Each is one operation with its array and integer operands and its fixed arguments (axis, keepdims) as attributes.
`vjp` gives an operand's contribution from the result's cotangent; `jvp` is 'linear' (the tangent is the same
operation on the tangents), 'multilinear' (a sum, one operand at a time), or a function like `vjp`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from s2sad.errors import SignatureError
from s2sad.ir.call_sizes import Place
from s2sad.ir.core import Const, Operand, Value
from s2sad.ir.types import INT, Array, Dim, Scalar, Size, Type, fresh_size
from s2sad.rules.builder import DIFFERENCES, OFFSETS, RANGES, SUMS, Builder, const
from s2sad.rules.registry import ZERO, Prim, rule

Attrs = dict[str, Any]
INFER: dict[str, Callable[..., Any]] = {}
RESULTS: dict[str, tuple[str, ...]] = {}  # the names of the results of operations with several
SHAPES = ("numpy.reshape", "reshaped", "numpy.broadcast_to")  # operands after the first are a shape


JVPS: dict[str, Any] = {}


def array_rule(
    name: str,
    form: str,
    fn: Any,
    infer: Any,
    jvp: Any = None,
    *,
    effect: str = "none",
    cost: int = 10,
    helper: str = "",
    jit: bool = True,
    needs: tuple[str, ...] = (),
    **partials: Any,
) -> Prim:
    """Declare an operation on arrays; `infer(attrs, *operands)` gives the result's type.

    The form of one with several results names them, "w, v = eigh(a)": `infer` gives their types; `vjp` finds each
    in `env` by name, and its cotangent (None: nothing depends on it) by d and the name; `jvp` gives their tangents.
    """
    INFER[name] = infer
    names = tuple(part.strip() for part in form.partition("=")[0].split(","))
    if len(names) > 1:
        RESULTS[name] = names
    prim = rule(
        fn,
        form,
        name=name,
        infer=typed,
        effect=effect,
        cost=cost,
        helper=helper,
        jit=jit,
        needs=needs,
        **partials,
    )
    JVPS[name] = jvp
    return prim


def typed(*types: Type) -> Type:
    raise TypeError("the type of an operation on arrays depends on its attributes")


def emit(b: Builder, name: str, *operands: Operand, hint: str = "", **attrs: Any) -> Operand:
    """Append an operation on arrays; its type is inferred from the operands and attributes."""
    return b.emit(name, *operands, hint=hint, type=_inferred(b, name, attrs, operands), **attrs)


def _inferred(b: Builder, name: str, attrs: Attrs, operands: tuple[Operand, ...]) -> Any:
    try:
        return INFER[name](attrs, *operands)
    except TypeError as error:
        raise SignatureError(f"{name}: {error}", b.loc, "use other arguments") from None


def emit_several(b: Builder, name: str, *operands: Operand, **attrs: Any) -> tuple[Operand, ...]:
    """Append an operation on arrays that has several results."""
    return b.emit_several(name, _inferred(b, name, attrs, operands), *operands, **attrs)


def dims_of(o: Operand) -> tuple[Size, ...]:
    return o.type.dims if isinstance(o.type, Array) else ()


def dtype_of(o: Operand) -> str:
    """The dtype of an operand as NumPy would make an array of it."""
    if isinstance(o.type, Array):
        return o.type.dtype
    assert isinstance(o.type, Scalar), o.type
    return (
        o.type.dtype
        or {"float": "float64", "int": "int64", "bool": "bool", "complex": "complex128"}[o.type.kind]
    )


SIZES: WeakKeyDictionary[Value, Size] = WeakKeyDictionary()  # integers that are known to be a size


def size_of(o: Operand) -> Size:
    """The size that an integer operand stands for."""
    if isinstance(o, Const):
        return int(o.value)
    assert isinstance(o, Value)
    found = SIZES.get(o)
    if found is None:
        found = SIZES[o] = call_size(o) or fresh_size()
    return found


def call_size(o: Operand | None) -> Dim | None:
    """What an integer is, of the sizes of the call that code is made for."""
    found = SIZES.get(o) if isinstance(o, Value) else None
    if isinstance(found, Dim):
        return found if found.call is not None else None
    if not isinstance(o, Value):
        return None
    if o in OFFSETS:
        base, more = OFFSETS[o]
        d = call_size(base)
        return None if d is None else d.shorter(-more)
    if o in DIFFERENCES:
        a, b = map(call_size, DIFFERENCES[o])
        if a is not None and b is not None and a.call is b.call and a.name != b.name:
            made = a.call.difference(a, b)  # type: ignore[union-attr]
            return made if isinstance(made, Dim) else None
    return None


def place_of(o: Operand) -> Place | None:
    """Where in an array an integer is, in sizes of the call that code is made for."""
    if isinstance(o, Const):
        return Place(o.value) if type(o.value) is int else None
    if not isinstance(o, Value):
        return None
    size = call_size(o)
    if size is not None:
        return Place(size)
    if o in RANGES:
        ends = [(place_of(end), more) for end, more in RANGES[o]]
        low, high = (p.moved(more) if p is not None and p.index is None else None for p, more in ends)
        return None if low is None or high is None else Place(0, o, (low.size, high.size))
    parts = (OFFSETS[o][0], const(OFFSETS[o][1])) if o in OFFSETS else SUMS.get(o, ())
    places = [place_of(part) for part in parts]
    if len(places) != 2 or None in places:
        return None
    a, b = sorted(places, key=lambda p: p.index is None)  # type: ignore[union-attr]
    if a is None or b is None or b.index is not None:
        return None
    if isinstance(b.size, int):
        return a.moved(b.size)
    return replace(a, size=b.size.shorter(-a.size)) if isinstance(a.size, int) else None


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Normalised axes: None for all of them."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,)))


def shape(b: Builder, a: Operand) -> tuple[Operand, ...]:
    """The sizes of an array as operands."""
    found = []
    for i, d in enumerate(dims_of(a)):
        origin = b.origins.get(d)
        if origin is not None:
            size: Operand = b.emit("shape", origin[0], type=INT, axis=origin[1])
            SIZES[size] = d  # type: ignore[index]
            found.append(size)
            continue
        size = const(d) if isinstance(d, int) else b.emit("shape", a, type=INT, axis=i)
        if isinstance(size, Value) and d is not None:
            SIZES[size] = d
        found.append(size)
    return tuple(found)


rule(lambda a, axis: a.shape[axis], "y = shape(a)", name="shape", infer=INT, effect="none", cost=1, da=ZERO)
