"""Operators, indexing and attributes on abstract values."""

from __future__ import annotations

import operator as op_module
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from s2sad.errors import SignatureError, SizesNeededError
from s2sad.frontend.source import MISSING, Attribute
from s2sad.ir.core import Const, Op, Operand, Undef, Value
from s2sad.ir.types import (
    BOOL,
    BOTTOM,
    FLOAT,
    INT,
    STR,
    Array,
    List,
    Object,
    Scalar,
    Tuple,
    is_memory,
)
from s2sad.rules.builder import const
from s2sad.rules.registry import PRIMS
from s2sad.typing import arrays, lists, records, subscripts
from s2sad.typing.abstract import (
    AV,
    BOUNDS,
    BoundAV,
    DictAV,
    FunctionAV,
    GeneratorAV,
    LazyAV,
    RangeAV,
    RecordAV,
    SliceAV,
    StaticAV,
    TupleAV,
    describe,
    from_python,
    is_operand,
    unbound,
)  # fmt: skip
from s2sad.typing.elements import in_memory, stored
from s2sad.typing.iteration import MOST_UNROLLED, element_at, length, static_elements
from s2sad.typing.iterators import use_up
from s2sad.typing.lists import in_list
from s2sad.typing.raising import raise_where

_STATIC: dict[str, Callable[..., Any]] = {
    "add": op_module.add, "sub": op_module.sub, "mul": op_module.mul, "mod": op_module.mod, "eq": op_module.eq,
    "ne": op_module.ne, "lt": op_module.lt, "le": op_module.le, "gt": op_module.gt, "ge": op_module.ge,
    "is": op_module.is_, "is_not": op_module.is_not, "in": lambda a, b: a in b, "not_in": lambda a, b: a not in b,
}  # fmt: skip


def operator(s: Any, prim: str, args: list[AV], op: Op) -> AV:
    """A Python operator on any abstract values."""
    hint = op.result.hint
    inplace = bool(op.attr("inplace"))
    if any(isinstance(a, (TupleAV, RecordAV)) for a in args):
        own = records.operated(s, prim, args, inplace)
        if own is not None:
            return own
    if prim == "not":
        cond = s.truth(args[0])
        return const(not cond.value) if isinstance(cond, Const) else s.builder.emit("not", cond, type=BOOL)
    if prim in ("is", "is_not"):
        return _identity(s, prim, args)
    if prim in ("in", "not_in"):
        return _membership(s, prim, args)
    if any(arrays.is_array(a) for a in args) and prim not in ("is", "is_not", "in", "not_in", "not"):
        inplace = inplace and arrays.is_array(args[0])  # of a list and an array NumPy makes another array
        args = [a if is_operand(a) else arrays.array(s, a) for a in args]
    if any(not is_operand(a) or a.type == STR for a in args):  # type: ignore[union-attr]
        return _on_structures(s, prim, args, op)
    operands = [s.number(a) for a in args]
    if prim == "matmul" and any(isinstance(o.type, Scalar) for o in operands):
        raise s.error(
            f"'@' of {describe(operands[0])} and {describe(operands[1])}",
            "it multiplies vectors and matrices; write * for a number",
            SignatureError,
        )
    if op.attr("inplace"):
        arrays.refuse_in_place(s, operands[0])
    if any(isinstance(o.type, Array) for o in operands):
        return arrays.operator(s, prim, operands, inplace, hint)
    for o in operands:
        if isinstance(o, Undef):
            return s.builder.emit("unbound", type=BOTTOM, name=o.hint)
        if isinstance(o.type, List):
            return lists.operator(s, prim, operands, op)
        if isinstance(o.type, Object):
            raise s.error(f"{describe(o)} in arithmetic", "only numbers can stand here", SignatureError)
    if any(o.type is BOTTOM for o in operands):
        return s.builder.emit(
            prim, *operands, type=BOOL if prim in ("lt", "le", "gt", "ge", "eq", "ne") else BOTTOM
        )
    if prim in COMPARISONS and (known := [constant_value(s, o) for o in operands]) and None not in known:
        return const(bool(PRIMS[prim].fn(*known)))
    if all(
        (isinstance(o, Const) and type(o.value) is float) or (isinstance(o, Const) and o.type == FLOAT)
        for o in operands
    ):
        type_ = s.builder.infer(prim, tuple(operands))
        s.builder.fold, before = False, s.builder.fold
        try:
            return s.builder.emit(prim, *operands, hint=hint, type=type_)
        finally:
            s.builder.fold = before
    fold = all(isinstance(o, Const) for o in operands)
    s.builder.fold, before = fold, s.builder.fold
    try:
        return s.builder.emit(prim, *operands, hint=hint)
    finally:
        s.builder.fold = before


def constant_value(s: Any, o: Operand) -> Any:
    """The number that an expression of literals is; a branch on it is decided when code is generated."""
    if isinstance(o, Const):
        return o.value if isinstance(o.value, (int, float)) else None
    made = s.builder.defs.get(o)
    if made is None or made.prim not in ("add", "sub", "mul", "neg"):
        return None
    operands = [constant_value(s, x) for x in made.operands]
    return None if None in operands else PRIMS[made.prim].fn(*operands)


def all_known(values: list[Any]) -> bool:
    """Whether no value is MISSING; arrays among them compare with nothing."""
    return all(v is not MISSING for v in values)


def _identity(s: Any, prim: str, args: list[AV]) -> AV:
    a, b = args
    known = [s.static(x) for x in args]
    if all_known(known):
        return const(bool(_STATIC[prim](*known)))
    dynamic = a if isinstance(a, Value) else b
    if isinstance(dynamic, Value) and getattr(dynamic.type, "optional", False):
        return s.builder.emit(prim, a, b, type=BOOL)
    if is_operand(a) and is_operand(b) and isinstance(a, Value) and isinstance(b, Value):
        return s.builder.emit(prim, a, b, type=BOOL)
    return const(prim == "is_not")


def _membership(s: Any, prim: str, args: list[AV]) -> AV:
    needle, hay = args
    records.refuse_own(s, hay, "__contains__", "__iter__")
    if isinstance(hay, DictAV):
        hay = TupleAV(tuple(from_python(k) for k in hay.items))  # type: ignore[misc]
    known = [s.static(needle), s.static(hay)]
    if all_known(known):
        return const(bool(_STATIC[prim](*known)))
    use_up(s, hay)
    elements = static_elements(s, hay)
    if isinstance(hay, Value) and is_memory(hay.type) and not is_memory(hay.type.item):  # type: ignore[attr-defined]
        from s2sad.typing.python_functions import in_library

        held = in_library(s, "holds", [hay, s.number(needle)])
        return held if prim == "in" else s.builder.emit("not", s.truth(held), type=BOOL)
    if elements is None:
        raise s.error(
            f"'in' on {describe(hay)} is not supported yet", "write a loop that compares the elements"
        )
    found: Operand = const(False)
    for e in elements:
        test = s.builder.emit("eq", s.number(needle), s.number(e))
        before = found
        found = s.builder.choose(before, lambda: const(True), lambda t=test: t)
    return found if prim == "in" else s.builder.emit("not", found)


def _on_structures(s: Any, prim: str, args: list[AV], op: Op) -> AV:
    a, b = (args + [const(None)])[:2]
    if op.attr("inplace") and isinstance(a, TupleAV) and a.cls is list:
        lists.owner(s, a, *(b.items if isinstance(b, TupleAV) else ()))  # other names of it see the change
    if prim == "add" and isinstance(a, TupleAV) and isinstance(b, TupleAV):
        return lists.joined(s, a.items + b.items, a.cls)
    if prim == "mul" and isinstance(a, TupleAV) and isinstance(s.static(b), int):
        return lists.joined(s, a.items * s.static(b), a.cls)
    if prim in ("add", "mul") and any(isinstance(x, TupleAV) and x.cls is list for x in args):
        held = [in_list(s, x) if isinstance(x, TupleAV) and x.cls is list else x for x in args]
        if all(is_operand(x) for x in held):
            return lists.operator(s, prim, held, op)
    known = [s.static(x) for x in args]
    if prim == "mod" and is_operand(a) and a.type == STR and isinstance(b, DictAV):
        return text(s, "%", [a], {str(k): v for k, v in b.items.items()})
    if prim == "mod" and is_operand(a) and a.type == STR and not all_known(known):
        return text(s, "%", [a, *(b.items if isinstance(b, TupleAV) and b.cls is not list else [b])], {})
    if prim == "add" and not all_known(known) and all(is_operand(x) and x.type == STR for x in args):  # type: ignore[union-attr]
        return text(s, "+", args, {})
    if all_known(known) and prim in _STATIC:
        result = from_python(_STATIC[prim](*known))
        if result is not None:
            return result
    if (
        prim in ("eq", "ne")
        and isinstance(a, TupleAV)
        and isinstance(b, TupleAV)
        and len(a.items) == len(b.items)
    ):
        both: Operand = const(True)
        for x, y in zip(a.items, b.items, strict=True):
            test = s.builder.emit("eq", s.number(x), s.number(y))
            both = s.builder.choose(both, lambda t=test: t, lambda: const(False))
        return both if prim == "eq" else s.builder.emit("not", both)
    raise s.error(
        f"{prim} of {describe(a)} and {describe(b)} is not supported",
        "only numbers can stand here",
        SignatureError,
    )


# -- building and taking apart ------------------------------------------------------------------------


def spread(s: Any, args: list[AV], stars: tuple[bool, ...]) -> list[AV]:
    """Display elements with their starred ones expanded."""
    out: list[AV] = []
    for arg, star in zip(args, stars, strict=True):
        if not star:
            out.append(arg)
            continue
        use_up(s, arg)
        elements = static_elements(s, arg)
        out.extend(rows_of(s, arg) if elements is None else elements)
    return out


def rows_of(s: Any, av: AV) -> list[AV]:
    """The elements of an array whose size is known."""
    if isinstance(av, Value) and isinstance(av.type, Array) and av.type.ndim:
        size = av.type.dims[0] if av.type.dims else None
        if isinstance(size, int) and size <= MOST_UNROLLED:
            return [getitem(s, av, const(i)) for i in range(size)]
        if not isinstance(size, int):
            raise s.error(
                f"'*' of {describe(av)}, whose length is not known",
                "use a tuple of known length",
                SizesNeededError,
            )
    raise s.error(f"'*' of {describe(av)}, whose length is not known or large", "use a tuple of known length")


def dict_of(s: Any, pairs: AV) -> AV:
    """A dict of pairs whose first are constants."""
    elements = static_elements(s, pairs)
    if elements is None or not all(isinstance(e, TupleAV) and len(e.items) == 2 for e in elements):
        raise s.error(
            "a dict of pairs whose number is not known is not supported yet",
            "write the dict out, or use a list",
        )
    found = {s.static(e.items[0]): e.items[1] for e in elements if isinstance(e, TupleAV)}
    if MISSING in found:
        raise s.error("a dict whose keys are computed is not supported yet", "use constant keys")
    return DictAV(found)


def unpack(s: Any, av: AV, count: int, star: int | None) -> list[AV]:
    if isinstance(av, GeneratorAV):
        av = lists.list_from(s, av)
    use_up(s, av)
    elements = static_elements(s, av)
    if elements is None and isinstance(av, Value) and is_memory(av.type):
        return unpack_memory(s, av, count, star)
    if elements is None:
        raise s.error(f"cannot unpack {describe(av)}", "unpack a tuple of known length")
    if star is None:
        if len(elements) != count:
            raise s.error(
                f"cannot unpack {len(elements)} values into {count} names",
                "match the numbers",
                SignatureError,
            )
        return elements
    after = count - star - 1
    if len(elements) < count - 1:
        raise s.error("not enough values to unpack", "match the numbers", SignatureError)
    middle = lists.joined(s, tuple(elements[star : len(elements) - after]), list)
    return [*elements[:star], middle, *elements[len(elements) - after :]]


def unpack_memory(s: Any, av: Value, count: int, star: int | None) -> list[AV]:
    """The elements of an array or a list; where their number is another than that of the names, Python's error."""
    found = arrays.sizes(s, av)[0] if isinstance(av.type, Array) else length(s, av)
    least = count if star is None else count - 1
    differs = s.builder.emit("ne" if star is None else "lt", found, const(least), type=BOOL)
    raise_where(s, differs, ValueError, f"not {least} values to unpack")
    if star is None:
        return [load(s, av, const(i)) for i in range(count)]
    after = count - star - 1
    middle = SliceAV((const(star), const(-after if after else None), const(None)))
    ends = [load(s, av, normal_index(s, const(i))) for i in (*range(star), *range(-after, 0))]
    return [*ends[:star], lists.list_from(s, getitem(s, av, middle)), *ends[star:]]


# the attributes of NumPy's numbers, which they share with arrays
OF_NUMBERS: dict[str, Callable[[Scalar], AV]] = {
    "size": lambda t: const(1),
    "ndim": lambda t: const(0),
    "shape": lambda t: TupleAV(()),
    "dtype": lambda t: StaticAV(np.dtype(t.dtype or t.kind)),
}


def attribute(s: Any, av: AV, name: str) -> AV:
    if isinstance(av, RecordAV) and name in av.fields:
        return av.fields[name]
    computed = getattr(av.cls, name, None) if isinstance(av, (RecordAV, TupleAV)) else None
    if isinstance(computed, property) and isinstance(computed.fget, types.FunctionType):
        from s2sad.typing.calls import apply
        from s2sad.typing.structure import constant

        s.context.captures.of_class(av.cls, name)  # type: ignore[union-attr]
        return apply(s, constant(computed.fget), [av], {})
    if isinstance(computed, type) and isinstance(av, (RecordAV, TupleAV)):  # a class that a class holds
        return s.context.captures.attribute(av.cls, name, s.builder)  # type: ignore[no-any-return]
    if isinstance(av, TupleAV) and name in av.names:
        return av.items[av.names.index(name)]
    if isinstance(av, (RangeAV, SliceAV)) and name in BOUNDS:
        parts = av.parts if isinstance(av, SliceAV) else (av.start, av.stop, av.step)
        return parts[BOUNDS.index(name)]
    if isinstance(av, FunctionAV) and name in NAMES and isinstance(av.source.live, types.FunctionType):
        found = getattr(av.source.live, name)
        s.context.captures.constant(Attribute(av.source.live, name), found, (id(av.source.live), name))
        return const(found)
    if isinstance(av, StaticAV):
        try:
            return s.context.captures.attribute(av.obj, name, s.builder)
        except AttributeError:
            raise s.error(f"{describe(av)} has no attribute {name!r}", "check the spelling") from None
    if isinstance(av, Value):
        if isinstance(av.type, Array):
            found = arrays.attribute(s, av, name)
            if found is not None:
                return found
        if isinstance(av.type, Scalar) and name in ("real", "imag"):
            same = name == "real" and av.type.kind != "complex"
            return av if same else s.builder.emit(f"numpy.{name}", av)
        if isinstance(av.type, Scalar) and (av.type.dtype or s.frozen) and name in OF_NUMBERS:
            return OF_NUMBERS[name](av.type)
    refuse_unknown(s, av, name)
    return BoundAV(av, name)


NAMES = ("__name__", "__qualname__", "__module__", "__doc__")


def refuse_unknown(s: Any, av: AV, name: str) -> None:
    """What is neither an attribute that is supported nor a method."""
    cls: Any = getattr(av, "cls", None)
    if isinstance(av, DictAV):
        cls = dict
    elif isinstance(av, Value) and isinstance(av.type, Array):
        cls = np.ndarray
    elif isinstance(av, Value) and isinstance(av.type, Scalar):
        cls = np.float64  # its methods are those of Python's numbers, and more
    elif isinstance(av, Const):
        cls = type(av.value)
    if cls is None or callable(getattr(cls, name, None)):
        return
    known = hasattr(cls, name)
    reason = (
        f"the attribute {name!r} of {describe(av)} is not supported yet"
        if known
        else f"{describe(av)} has no attribute {name!r}"
    )
    raise s.error(reason, "compute it otherwise" if known else "check the spelling")


def normal_index(s: Any, av: AV, what: str = "an index") -> Operand:
    if isinstance(av, TupleAV) and len(av.items) == 1:
        av = av.items[0]
    return s.integer(av, what)


def getitem(s: Any, av: AV, index: AV, hint: str = "") -> AV:
    records.refuse_own(s, av, "__getitem__")
    if isinstance(av, DictAV):
        key = s.static(index)
        if key in av.items:
            return av.items[key]
        raise s.error(
            f"the dict has no constant key {describe(index)}", "index dicts by constant keys they have"
        )
    if isinstance(av, Value) and isinstance(av.type, Array):
        return subscripts.getitem(s, av, index, hint)
    if isinstance(av, StaticAV) and type(av.obj).__module__.startswith("numpy"):
        from s2sad.typing.calls import HANDLERS

        if getattr(type(av.obj), "__hash__", None) is not None and av.obj in HANDLERS:  # np.r_, np.c_
            parts_: list[AV] = list(index.items) if isinstance(index, TupleAV) else [index]
            return HANDLERS[av.obj](s, parts_, {}, hint)
    if isinstance(av, Value) and is_memory(av.type):
        if isinstance(index, SliceAV):
            return lists.sliced(s, av, index)
        return load(s, av, normal_index(s, index), hint)
    elements = static_elements(s, av)
    if elements is not None:
        if isinstance(index, SliceAV):
            parts = [s.static(p) for p in index.parts]
            return lists.joined(s, tuple(elements[slice(*parts)]), getattr(av, "cls", tuple))
        position = s.static(index)
        if isinstance(position, int):
            try:
                return elements[position]
            except IndexError:
                raise s.error(
                    f"index {position} is out of range for {len(elements)} elements", "check the index"
                ) from None
        if not elements:  # reached by no element; whoever gets here gets Python's error
            error = s.builder.emit(
                "exception", const("list index out of range"), type=Object("exception"), cls=IndexError
            )
            s.builder.effect("raise", error)
            return const(0.0)
        if isinstance(av, TupleAV):
            found, at = lists.numbered(s, av), s.integer(index, "an index")
            return load(s, found, at, hint) if isinstance(found, Value) else element_at(s, found, at)
    if isinstance(av, LazyAV) and av.kind in ("columns", "taken"):
        return element_at(s, av, s.integer(index, "an index"))
    if isinstance(av, RangeAV) and isinstance(index, SliceAV):
        return lists.of_range(s, av, index)
    if isinstance(av, RangeAV):
        n = length(s, av)
        i = from_front(s, s.integer(index, "an index"), lambda: n)
        for prim, bound in (("lt", const(0)), ("ge", n)):
            raise_where(
                s, s.builder.emit(prim, i, bound, type=BOOL), IndexError, "range object index out of range"
            )
        return element_at(s, av, i)
    if is_operand(av) and (missing := unbound(s, (av,))) is not None:
        return missing
    arrays.refuse_in_place(s, av)
    raise s.error(
        f"cannot index {describe(av)} by {describe(index)}", "use a constant index, or a list of numbers"
    )


def from_front(s: Any, i: Operand, count: Callable[[], Operand]) -> Operand:
    """An index counted from the front, where a negative one counts from the end."""
    if isinstance(i, Const) and i.value >= 0:
        return i
    behind = s.builder.emit("lt", i, const(0), type=BOOL)
    return s.builder.choose(behind, lambda: s.builder.emit("add", i, count(), type=INT), lambda: i)  # type: ignore[no-any-return]


def load(s: Any, a: Any, index: Any, hint: str = "") -> Operand:
    if isinstance(a.type, Array) and a.type.ndim > 1:
        return subscripts.getitem(s, a, index, hint)
    return s.builder.emit("load", a, index, type=a.type.item, hint=hint)


def setitem(s: Any, av: AV, index: AV, value: AV) -> None:
    if isinstance(av, TupleAV) and av.cls is list:
        av = lists.owner(s, av, value)
    if is_operand(av) and unbound(s, (av,)) is not None:
        return
    arrays.refuse_in_place(s, av)
    if not (isinstance(av, Value) and is_memory(av.type)):
        raise s.error(f"cannot assign to an element of {describe(av)}", "use a list of numbers or an array")
    if isinstance(av.type, Array):
        subscripts.setitem(s, av, index, value)
        return
    if isinstance(index, SliceAV):
        raise s.error("assignment to slices is not supported yet", "write a loop over the elements")
    s.builder.effect("store", av, normal_index(s, index), stored(s, av, in_memory(s, value)))


IN_PLACE = (("inplace", True),)


def augitem(s: Any, av: AV, index: AV, value: AV, prim: str) -> None:
    """`a[i] += v`; an array or list that a list holds is itself changed, as it is through any name of its own."""
    arrays.refuse_in_place(s, av)
    if isinstance(av, Value) and isinstance(av.type, Array):
        subscripts.augitem(s, av, index, value, prim)
        return
    if isinstance(av, DictAV) or (isinstance(av, TupleAV) and av.cls is list):
        held = getitem(s, av, index) if isinstance(s.static(index), (int, str)) else None
        if held is not None and arrays.is_array(held):  # written through what holds it, which stays as it is
            operator(s, prim, [held, value], Op(prim, (), (Value(""),), s.builder.loc, IN_PLACE))
            return
        arrays.refuse_in_place(s, held)
    if isinstance(av, TupleAV) and av.cls is list:
        scalars = all(is_operand(e) and not is_memory(e.type) for e in av.items)  # type: ignore[union-attr]
        av = lists.owner(s, av, value) if scalars else in_list(s, av)
    if isinstance(av, Value) and is_memory(av.type) and not isinstance(index, SliceAV):
        at = normal_index(s, index)
        if is_memory(av.type.item):  # type: ignore[attr-defined]
            held = load(s, av, at)
            changed = operator(s, prim, [held, value], Op(prim, (), (Value(""),), s.builder.loc, IN_PLACE))
            if changed is not held:
                setitem(s, av, at, changed)
            return
        arrays.refuse_in_list(s, av)
        if prim in ("add", "sub") and is_operand(value):
            term = s.number(value)
            term = term if prim == "add" else s.builder.emit("neg", term)
            s.builder.effect("accumulate", av, at, stored(s, av, term))
            return
        new = s.builder.emit(prim, load(s, av, at), s.number(value))
        s.builder.effect("store", av, at, stored(s, av, new))
        return
    setitem(s, av, index, value)


# -- printing -----------------------------------------------------------------------------------------


COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})


def printable(s: Any, args: list[AV]) -> tuple[list[Operand], None]:
    """Operands for print, f-strings and messages: structures become tuples again."""
    return [_display(s, a) for a in args], None


def text(s: Any, how: str, args: list[AV], kwargs: dict[str, AV]) -> Operand:
    """A text made of others and of values: by `%`, `+`, str(), repr(), or a method."""
    operands, _ = printable(s, [*args, *kwargs.values()])
    made: Operand = s.builder.emit("text", *operands, type=STR, how=how, keywords=tuple(kwargs))
    return made


def _display(s: Any, av: AV) -> Operand:
    if is_operand(av):
        return av  # type: ignore[return-value]
    elements = static_elements(s, av)
    if elements is not None and not isinstance(av, DictAV):
        parts = [_display(s, e) for e in elements]
        return s.builder.emit(
            "pack",
            *parts,
            type=Tuple(tuple(p.type for p in parts)),
            display=getattr(av, "cls", tuple).__name__,
        )
    raise s.error(f"{describe(av)} cannot be printed or formatted here", "print its elements")
