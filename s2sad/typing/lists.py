"""Lists in memory: making them, joining, repeating and slicing them, and their methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from s2sad.errors import S2sadError, SignatureError
from s2sad.ir.core import Const, Op, Operand, Value
from s2sad.ir.types import BOTTOM, INT, Array, List, Scalar, Type, is_memory, join
from s2sad.rules.builder import const
from s2sad.typing.abstract import (
    AV,
    FunctionAV,
    GeneratorAV,
    LazyAV,
    RangeAV,
    SliceAV,
    TupleAV,
    children,
    describe,
    equal_constants,
    is_operand,
    rebuild,
    same_shape,
)
from s2sad.typing.elements import Widen, common_type, element, element_type, in_memory, mixed, stored
from s2sad.typing.writing_out import TooMuch


def make_list(s: Any, elements: list[AV]) -> AV:
    """A list display: numbers make a real list in memory, anything else a structure until that is needed."""
    if s.loc not in s.context.widened:
        if not all(is_operand(e) and (isinstance(e.type, Scalar) or e.type is BOTTOM) for e in elements):  # type: ignore[union-attr]
            return TupleAV(tuple(elements), list, site=s.loc)
        item: Type | None = BOTTOM
        for e in elements:
            item = join(item, e.type) if item is not None else None  # type: ignore[union-attr]
        if item is None:
            return TupleAV(tuple(elements), list, site=s.loc)
        item = element_type(s, item)
        if isinstance(item, Scalar) and item.kind == "complex":
            elements = [element(s, e, item) for e in elements]
        return s.builder.emit("alloc_list", *elements, type=List(item))
    item = element_type(s, common_type(s, elements))
    held = [element(s, in_memory(s, e), item) for e in elements]
    return s.builder.emit("alloc_list", *held, type=List(item))


def joined(s: Any, elements: tuple[AV, ...], cls: Any) -> AV:
    """A new list, or tuple, of elements of others; a list is made in memory where that is needed later."""
    if cls is list and s.loc in s.context.widened:
        return make_list(s, list(elements))
    return TupleAV(elements, cls, site=None if s.frozen or cls is not list else s.loc)


def in_list(s: Any, av: TupleAV) -> Value:
    """A structure of numbers, arrays or lists as a list in memory, from where it was made if that can be."""
    item = common_type(s, list(av.items))
    if (
        av.cls is list
        and av.site is not None
        and av.site not in s.context.widened
        and not isinstance(item, Scalar)
    ):
        raise Widen(av.site, item)
    made: Value = s.builder.emit("alloc_list", *(in_memory(s, e) for e in av.items), type=List(item))
    return made


def numbered(s: Any, av: TupleAV) -> AV:
    """A structure as what is indexed by a computed number: a list in memory, or, where its elements are structures
    of one form, that form of such lists."""
    if not av.items or held_in_list(av.items[0]):
        return in_list(s, av)
    return LazyAV("columns", (_column(s, list(av.items)), const(len(av.items))))


def held_in_list(av: AV) -> bool:
    return is_operand(av) or (isinstance(av, TupleAV) and av.cls is list)


def _column(s: Any, elements: list[AV]) -> AV:
    first = elements[0]
    if all(e is first or equal_constants(e, first) for e in elements):
        return first
    if held_in_list(first):
        return in_list(s, TupleAV(tuple(elements)))
    for e in elements:
        if not same_shape(e, first):
            raise s.error(
                f"an element by its computed number, where the elements are {describe(first)} and {describe(e)}",
                "index by constants, or let them all have one form",
            )
    parts = zip(*map(children, elements), strict=True)
    return rebuild(first, tuple(_column(s, list(column)) for column in parts))


def list_from(s: Any, iterable: AV, written_out: bool = False) -> AV:
    """A new list of the elements of an iterable; `written_out`: one by one, where their number is known."""
    from s2sad.typing.iteration import static_elements

    rows = isinstance(iterable, Value) and isinstance(iterable.type, Array) and iterable.type.ndim > 1
    if isinstance(iterable, Value) and is_memory(iterable.type) and not rows:
        return s.builder.emit("list_of", iterable, type=List(iterable.type.item))  # type: ignore[attr-defined]
    static = static_elements(s, iterable)
    if static is not None:
        return make_list(s, static)
    types_: list[Type] = []
    others: list[AV] = []
    wide = s.loc in s.context.widened and not s.frozen  # a line of the library is none of the user's

    def probe(value: AV, state: list[AV]) -> list[AV]:
        if written_out:
            others.append(value)
        elif wide or (is_operand(value) and isinstance(value.type, Scalar)):
            types_.append(in_memory(s, value).type)
        else:
            others.append(value)
        return state

    used_up, written = s.used_up, s.context.written
    with s.builder.region():
        s.loop(iterable, (), probe, [])
    s.used_up, s.context.written = used_up, written  # so far it was only looked at
    if others or s.frozen:
        return structure(s, iterable, others)
    return collected(s, types_, iterable)


def holds_function(av: AV) -> bool:
    return isinstance(av, (FunctionAV, GeneratorAV)) or any(map(holds_function, children(av)))


def structure(s: Any, iterable: AV, others: list[AV]) -> AV:
    """The elements of a comprehension over something of known length, one by one, until they are needed in memory;
    a list in memory where the length is not known."""
    if any(map(holds_function, others)):  # all of them read the loop's variable as it is when they are called
        raise s.error("a list of functions built in a loop is not supported yet", "write the functions out")
    used_up, written = s.used_up, s.context.written
    try:
        return one_by_one(s, iterable)
    except SignatureError as error:
        s.used_up, s.context.written = used_up, written
        try:
            return collected(s, [in_memory(s, e).type for e in others], iterable)
        except Widen as widen:
            raise Widen(widen.site, widen.item, isinstance(error, TooMuch)) from None
        except S2sadError:
            if not isinstance(error, TooMuch):
                raise
    s.used_up, s.context.written = used_up, written
    s.bounded, before = False, s.bounded
    try:
        return one_by_one(s, iterable)
    finally:
        s.bounded = before


def one_by_one(s: Any, iterable: AV) -> AV:
    """The elements of a comprehension, each computed on its own."""
    s.unrolls, before = True, s.unrolls
    try:
        start = TupleAV((), list, site=None if s.frozen else s.loc)
        state = s.loop(
            iterable, (start,), lambda e, state: [replace(state[0], items=(*state[0].items, e))], [""]
        )
        return state[0]  # type: ignore[no-any-return]
    finally:
        s.unrolls = before


def collected(s: Any, types_: list[Type], iterable: AV) -> AV:
    """A list filled by a loop, of elements of these types."""
    item: Type = BOTTOM
    for t in types_:
        joined = join(item, t)
        if joined is None:
            raise mixed(s, item, t)
        item = joined
    item = element_type(s, item)
    out = s.builder.emit("alloc_list", type=List(item))
    extend(s, out, iterable)
    return out


def extend(s: Any, out: Value, iterable: AV) -> None:
    """Append every element."""

    def fill(value: AV, state: list[AV]) -> list[AV]:
        held = stored(s, out, in_memory(s, value))
        s.builder.effect("append", out, element(s, held, out.type.item))  # type: ignore[attr-defined]
        return state

    s.loop(iterable, (), fill, [])


def operator(s: Any, prim: str, operands: list[Any], op: Op) -> AV:
    """`a + b`, `a * n`, `a += b` of lists."""
    if len(operands) != 2 or (prim == "add" and not all(isinstance(o.type, List) for o in operands)):
        raise s.error(f"{prim} on {describe(operands[0])} is not supported", "compute with its elements")
    a, b = operands
    if prim == "add" and op.attr("inplace") is not None:
        extend(s, a, list_from(s, b))
        return a
    if prim == "add":
        out = s.builder.emit("alloc_list", type=List(element_type(s, common_type_of_lists(s, operands))))
        for part in operands:
            extend(s, out, part)
        return out
    if prim == "mul" and op.attr("inplace") is None:
        lst, count = (a, b) if isinstance(a.type, List) else (b, a)
        made = s.builder.defs.get(lst)
        s.integer(count, "a repeat count")
        if made is not None and made.prim == "alloc_list" and len(made.operands) == 1:
            if s.builder.ops and s.builder.ops[-1] is made:
                s.builder.ops.pop()
            item = element_type(s, lst.type.item)
            value = element(s, made.operands[0], item)
            return s.builder.emit("list_repeat", value, count, type=List(item), hint=op.result.hint)
        out = s.builder.emit("alloc_list", type=List(element_type(s, lst.type.item)))

        def once(index: AV, state: list[AV]) -> list[AV]:
            extend(s, out, lst)
            return state

        s.loop(RangeAV(const(0), count, const(1)), (), once, [])
        return out
    raise s.error(
        f"{prim} on lists is not supported",
        "arithmetic is for numbers and arrays: make it np.array(...), or use a loop",
    )


def common_type_of_lists(s: Any, lists: list[Operand]) -> Type:
    item: Type = BOTTOM
    for o in lists:
        t: Type = o.type.item  # type: ignore[attr-defined]
        joined = join(item, t)
        if joined is None:
            raise mixed(s, item, t)
        item = joined
    return item


def sliced(s: Any, a: Value, index: SliceAV) -> AV:
    """A new list of the elements of a slice."""
    from s2sad.typing.items import load
    from s2sad.typing.iteration import length

    if all(
        isinstance(p, Const) and p.value in (None, k)
        for p, k in zip(index.parts, (None, None, 1), strict=True)
    ):
        return s.builder.emit("list_of", a, type=a.type)
    start, stop, step = slice_bounds(s, index, length(s, a))
    out = s.builder.emit("alloc_list", type=List(element_type(s, a.type.item)))  # type: ignore[attr-defined]

    def fill(i: AV, state: list[AV]) -> list[AV]:
        s.builder.effect("append", out, load(s, a, i))
        return state

    s.loop(RangeAV(start, stop, step), (), fill, [])
    return out


def of_range(s: Any, r: RangeAV, index: SliceAV) -> RangeAV:
    """A slice of a range is a range."""
    from s2sad.typing.iteration import length

    *bounds, step = slice_bounds(s, index, length(s, r))
    start, stop = (
        s.builder.emit("add", r.start, s.builder.emit("mul", i, r.step, type=INT), type=INT) for i in bounds
    )
    return RangeAV(start, stop, s.builder.emit("mul", r.step, step, type=INT))


def slice_bounds(s: Any, index: SliceAV, n: Operand) -> tuple[Operand, Operand, Operand]:
    """The positions that a slice of n elements goes from and to, and its step."""
    parts = [
        None if isinstance(p, Const) and p.value is None else s.integer(p, "a slice bound")
        for p in index.parts
    ]
    step = 1 if parts[2] is None else parts[2].value if isinstance(parts[2], Const) else None
    if not step:
        raise s.error("a slice of a list with a computed step", "write a loop over the elements")
    if step > 0:
        bounds = (bound(s, parts[0], n, const(0), const(0), n), bound(s, parts[1], n, n, const(0), n))
    else:
        last = s.builder.emit("sub", n, const(1), type=INT)
        bounds = (
            bound(s, parts[0], n, last, const(-1), last),
            bound(s, parts[1], n, const(-1), const(-1), last),
        )
    return *bounds, const(step)


def bound(s: Any, given: Any, n: Operand, default: Operand, low: Operand, high: Operand) -> Operand:
    """A slice bound as Python takes it: counted from the end where negative, cut off at the ends."""
    if given is None:
        return default

    def clipped(i: Operand, least: bool, most: bool) -> Operand:
        if least:
            i = s.builder.emit("builtins.max", i, low, type=INT)
        return s.builder.emit("builtins.min", i, high, type=INT) if most else i

    def from_end() -> Operand:
        return clipped(s.builder.emit("add", n, given, type=INT), True, False)

    if isinstance(given, Const):
        return from_end() if given.value < 0 else clipped(given, False, True)
    negative = s.builder.emit("lt", given, const(0))
    found: Operand = s.builder.choose(negative, from_end, lambda: clipped(given, False, True))
    return found


# -- methods ------------------------------------------------------------------------------------------


def append(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    lst = owner(s, args[0], args[1])
    value = stored(s, lst, in_memory(s, args[1]))
    s.builder.effect("append", lst, value)
    return const(None)


def extend_method(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    lst = owner(s, args[0])
    extend(s, lst, list_from(s, args[1]) if args[1] is args[0] else args[1])
    return const(None)


def copy(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return list_from(s, args[0])


def owner(s: Any, av: AV, *more: AV) -> Value:
    """The list that a method changes. Raises Widen where it has been a structure so far."""
    if isinstance(av, TupleAV) and av.cls is list:
        if av.site is None:
            raise s.error("a list that was passed in or unpacked cannot grow", "copy it with list() first")
        raise Widen(av.site, common_type(s, [*av.items, *more]))
    assert isinstance(av, Value) and isinstance(av.type, List)
    return av


LIST_METHODS: dict[str, Callable[..., AV]] = {"append": append, "extend": extend_method, "copy": copy}
