"""Running through abstract values: their elements, how many there are, and each by its number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from s2sad.frontend.source import MISSING
from s2sad.ir.core import Block, Const, Op, Operand, Value, walk
from s2sad.ir.types import INT, STR, Array, is_memory
from s2sad.rules.arrays import SIZES
from s2sad.rules.builder import const
from s2sad.typing import lists, records
from s2sad.typing.abstract import (
    AV,
    DictAV,
    GeneratorAV,
    LazyAV,
    RangeAV,
    StaticAV,
    TupleAV,
    describe,
    from_python,
    is_operand,
    map_leaves,
)  # fmt: skip
from s2sad.typing.arrays import listed
from s2sad.typing.raising import raise_unless_equal

MOST_UNROLLED = 32  # iterations of a comprehension of arrays; longer ones fill a list in memory


def static_elements(s: Any, av: AV) -> list[AV] | None:
    """The elements of an iterable whose elements are known one by one, else None."""
    records.refuse_own(s, av, "__iter__", "__getitem__")
    if isinstance(av, TupleAV):
        return list(av.items)
    if isinstance(av, DictAV):
        return [from_python(k) or StaticAV(k) for k in av.items]
    if isinstance(av, Const) and isinstance(av.value, str):
        return [const(c) for c in av.value]
    if isinstance(av, RangeAV) and s.unrolls:
        bounds = [s.static(p) for p in (av.start, av.stop, av.step)]
        if MISSING in bounds or len(range(*bounds)) > MOST_UNROLLED:
            return None
        return [const(i) for i in range(*bounds)]
    if isinstance(av, LazyAV) and av.kind == "taken":
        n = length(s, av.items[0])
        numbers = range(n.value) if isinstance(n, Const) else None
        return None if numbers is None else [element_at(s, av, const(k)) for k in numbers]
    if isinstance(av, LazyAV) and av.kind != "columns":
        if av.kind == "enumerate":
            inner = static_elements(s, av.items[0])
            if inner is None or not isinstance(av.items[1], Const):
                return None
            return [TupleAV((const(i + av.items[1].value), e)) for i, e in enumerate(inner)]
        parts = [static_elements(s, i) for i in av.items]
        if any(p is None for p in parts):
            return None
        if av.kind == "reversed":
            return list(reversed(parts[0]))  # type: ignore[arg-type]
        return [TupleAV(tuple(column)) for column in zip(*parts, strict=False)]  # type: ignore[arg-type]
    return None


def known_elements(s: Any, av: AV) -> list[AV] | None:
    """The elements of an iterable, those in memory as they are now; None where only the run tells how many there are."""
    static = static_elements(s, av)
    if static is not None:
        return static
    if isinstance(av, RangeAV):
        bounds = [s.static(p) for p in (av.start, av.stop, av.step)]
        known = MISSING not in bounds and len(range(*bounds)) <= MOST_UNROLLED
        return [const(i) for i in range(*bounds)] if known else None
    written = listed(s, av)
    if isinstance(written, TupleAV):
        return list(written.items)
    made = s.builder.defs.get(av) if isinstance(av, Value) else None
    before = walk(Block((), tuple(s.builder.ops), ()))
    if any(isinstance(op, Op) and op.prim == "append" and op.operands[0] is av for op in before):
        return None
    if made is not None and made.prim == "alloc_list":
        n: Any = len(made.operands)
        raise_unless_equal(s, [length(s, av), const(n)], "a tuple is made of a list that has grown or shrunk")
    else:
        n = av.type.dims[0] if isinstance(av, Value) and isinstance(av.type, Array) and av.type.dims else None
    return (
        [element_at(s, av, const(k)) for k in range(n)] if isinstance(n, int) and n <= MOST_UNROLLED else None
    )


def _is_sized(av: AV) -> bool:
    """Whether this is an array whose length is that of all arrays with this size in their types."""
    return isinstance(av, Value) and isinstance(av.type, Array) and (*av.type.dims, None)[0] is not None


def length(s: Any, av: AV) -> Operand:
    """The number of elements of an iterable."""
    records.refuse_own(s, av, "__len__")
    if isinstance(av, Value) and av.type == STR:
        return s.builder.emit("len", av, type=INT)
    if isinstance(av, Value) and is_memory(av.type):
        dim = av.type.dims[0] if isinstance(av.type, Array) and av.type.dims else None
        if isinstance(dim, int):
            return const(dim)
        count = s.builder.emit("len", av, type=INT)
        if dim is not None:
            SIZES[count] = dim  # what is made this long is known to be as long as the array
        return count
    if isinstance(av, RangeAV):
        if (
            isinstance(av.start, Const)
            and av.start.value == 0
            and isinstance(av.step, Const)
            and av.step.value == 1
        ):
            return (
                av.stop
                if isinstance(av.stop, Const) and av.stop.value >= 0
                else s.builder.emit("trip_count", av.start, av.stop, av.step, type=INT)
            )
        return s.builder.emit("trip_count", av.start, av.stop, av.step, type=INT)
    if isinstance(av, LazyAV):
        if av.kind in ("enumerate", "reversed", "taken"):
            return length(s, av.items[0])
        if av.kind == "columns":
            return av.items[1]  # type: ignore[return-value]
        if av.kind == "ndindex":
            total: Operand = const(1)
            for size in av.items:
                total = s.builder.emit("mul", total, size, type=INT)
            return total
        firsts = {i.type.dims[0]: i for i in reversed(av.items) if _is_sized(i)}  # type: ignore[union-attr]
        apart = dict.fromkeys(i for i in av.items if not _is_sized(i) or firsts[i.type.dims[0]] is i)  # type: ignore[union-attr]
        lengths = [length(s, i) for i in apart]
        shortest = lengths[0]
        for n in lengths[1:]:
            if n is not shortest:
                shortest = s.builder.emit("builtins.min", shortest, n, type=INT)
        return shortest
    static = static_elements(s, av)
    if static is not None:
        return const(len(static))
    if isinstance(av, GeneratorAV):
        raise s.error("a generator has no length", "make it a list")
    raise s.error(
        f"{describe(av)} has no length, or cannot be iterated over", "use a list, tuple, range or array"
    )


def iteration(s: Any, av: AV) -> tuple[Operand, Operand, Operand, Callable[[Operand], AV] | None]:
    """The range to loop over, and the element at an index (None: the index is the element)."""
    if isinstance(av, RangeAV):
        return av.start, av.stop, av.step, None
    if isinstance(av, LazyAV) and av.kind == "reversed" and isinstance(av.items[0], RangeAV):
        r = av.items[0]
        if isinstance(r.step, Const) and r.step.value == 1:
            minus = const(-1)
            return (
                s.builder.emit("sub", r.stop, const(1)),
                s.builder.emit("sub", r.start, const(1)),
                minus,
                None,
            )
    if isinstance(av, (TupleAV, DictAV)) or (isinstance(av, Const) and isinstance(av.value, str)):
        av = lists.numbered(s, TupleAV(tuple(static_elements(s, av) or [])))
    av = _materialised(s, av)
    return const(0), length(s, av), const(1), lambda i: element_at(s, av, i)


def _materialised(s: Any, av: AV) -> AV:
    if isinstance(av, LazyAV) and av.kind not in ("columns", "taken"):
        return LazyAV(
            av.kind,
            tuple(_materialised(s, i) if not is_operand(i) or isinstance(i, Value) else i for i in av.items),
        )
    if isinstance(av, TupleAV):
        return lists.numbered(s, TupleAV(av.items))  # a list of its own: no turn changes what is run through
    if isinstance(av, GeneratorAV):
        return lists.list_from(s, av)
    return av


def element_at(s: Any, av: AV, i: Operand) -> AV:
    """Element number `i` of an iterable, `i` counted from 0."""
    if isinstance(av, Value) and is_memory(av.type):
        from s2sad.typing.items import load

        return load(s, av, i)
    if isinstance(av, RangeAV):
        offset = s.builder.emit("mul", i, av.step)
        return (
            offset
            if isinstance(av.start, Const) and av.start.value == 0
            else s.builder.emit("add", av.start, offset)
        )
    if isinstance(av, LazyAV):
        if av.kind == "enumerate":
            start = av.items[1]
            count = i if isinstance(start, Const) and start.value == 0 else s.builder.emit("add", i, start)
            return TupleAV((count, element_at(s, av.items[0], i)))
        if av.kind == "taken":
            return element_at(s, av.items[0], element_at(s, av.items[1], i))  # type: ignore[arg-type]
        if av.kind == "columns":
            return map_leaves(av.items[0], lambda o: element_at(s, o, i) if is_memory(o.type) else o)
        if av.kind == "ndindex":
            return TupleAV(tuple(position(s, i, av.items)))
        if av.kind == "reversed":
            last = s.builder.emit("sub", length(s, av.items[0]), const(1))
            return element_at(s, av.items[0], s.builder.emit("sub", last, i))
        return TupleAV(tuple(element_at(s, item, i) for item in av.items))
    raise s.error(f"cannot iterate over {describe(av)}", "use a list, tuple, range or array")


def position(s: Any, i: Operand, sizes: tuple[Any, ...]) -> list[AV]:
    """The indices of element number `i`, counted along the last axis first."""
    found: list[AV] = []
    for size in reversed(sizes[1:]):
        found.append(s.builder.emit("mod", i, size, type=INT))
        i = s.builder.emit("floordiv", i, size, type=INT)
    return [i, *reversed(found)] if sizes else []
