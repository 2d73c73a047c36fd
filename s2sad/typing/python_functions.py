"""Python's own functions, those of `math` and of `operator`, on abstract values."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

from s2sad.errors import SignatureError
from s2sad.frontend.source import MISSING
from s2sad.ir.core import Const, Operand, Value
from s2sad.ir.types import BOOL, Array, List, Scalar, is_memory
from s2sad.rules import arrays as a_
from s2sad.rules.builder import const
from s2sad.rules.complexes import is_complex
from s2sad.rules.mathematics import SEQUENCES, TUPLES
from s2sad.rules.registry import PRIMS
from s2sad.typing import arrays, items, iteration, iterators, lists
from s2sad.typing.abstract import (
    AV,
    DictAV,
    FunctionAV,
    GeneratorAV,
    LazyAV,
    RangeAV,
    RecordAV,
    StaticAV,
    TupleAV,
    is_operand,
)  # fmt: skip
from s2sad.typing.calls import HANDLERS, Handler, handles, primitive
from s2sad.typing.raising import raise_unless_equal


@handles(range)
def _range(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    bounds = [s.integer(a, "a range bound") for a in args]
    if len(bounds) == 1:
        bounds = [const(0), bounds[0]]
    if len(bounds) == 2:
        bounds.append(const(1))
    if isinstance(bounds[2], Const) and bounds[2].value == 0:
        raise s.error("range() with step 0", "use another step", SignatureError)
    return RangeAV(*bounds)


@handles(len)
def _len(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return iteration.length(s, args[0])


@handles(zip)
def _zip(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    strict = s.static(kwargs.pop("strict", const(False)))
    if strict is MISSING:
        raise s.error("zip() with a computed strict=", "use a constant")
    if strict:
        if any(map(iterators.holds_generator, args)):
            raise s.error("zip() of a generator with strict=True", "make a list of it first")
        sizes = [iteration.length(s, a) for a in args]
        raise_unless_equal(s, sizes, "zip() arguments have different lengths")
    return LazyAV("zip", tuple(args))


@handles(enumerate)
def _enumerate(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    start = kwargs.get("start", args[1] if len(args) > 1 else const(0))
    return LazyAV("enumerate", (args[0], start))


@handles(reversed)
def _reversed(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return LazyAV("reversed", (args[0],))


@handles(list)
def _list(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return lists.list_from(s, args[0]) if args else lists.make_list(s, [])


@handles(tuple)
def _tuple(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    if not args:
        return TupleAV(())
    elements = iteration.known_elements(s, args[0])
    if elements is None:
        made = lists.list_from(s, args[0], written_out=isinstance(args[0], GeneratorAV))
        if not isinstance(made, TupleAV):
            arrays.TUPLES.add(made)  # type: ignore[arg-type]
            return made
        elements = list(made.items)
    return TupleAV(tuple(elements))


@handles(dict)
def _dict(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = args[0] if args else DictAV({})
    if not isinstance(found, DictAV):
        found = items.dict_of(s, found)
    assert isinstance(found, DictAV)
    return DictAV({**found.items, **kwargs})


@handles(sum)
def _sum(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    start = kwargs.get("start", args[1] if len(args) > 1 else const(0))
    return fold(s, args[0], "add", start, hint or "total")


@handles(math.fsum)
def _fsum(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """Exactly rounded where the elements are known one by one; else summed in order."""
    static = iteration.static_elements(s, args[0])
    if static:
        return primitive(s, PRIMS[SEQUENCES[math.fsum]], static, {}, hint)
    total = fold(s, args[0], "add", const(0.0), hint or "total")
    if arrays.is_array(total):
        raise s.error("math.fsum() of arrays", "use np.sum()", SignatureError)
    return total


@handles(math.prod)
def _prod(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return fold(s, args[0], "mul", kwargs.get("start", const(1)), hint or "product")


def fold(s: Any, iterable: AV, prim: str, start: AV, hint: str) -> AV:
    """Combine all elements of an iterable with an operator, from the left."""
    static = iteration.static_elements(s, iterable)
    if static is not None:
        neutral = (
            isinstance(start, Const)
            and start.value == {"add": 0, "mul": 1}[prim]
            and type(start.value) is int
        )
        if static and neutral and is_left_out(static[0], len(static)):
            start, *static = static
        return functools.reduce(lambda total, e: combine(s, prim, total, e), static, start)
    return s.loop(iterable, (start,), lambda e, state: [combine(s, prim, state[0], e, hint)], [hint])[0]


def is_left_out(first: AV, count: int) -> bool:
    """Whether 0 + x is x: of a number, or of an array that another is made of. Truths become integers by it."""
    if not (is_operand(first) and isinstance(first.type, (Array, Scalar))):  # type: ignore[union-attr]
        return False
    truths = a_.dtype_of(first) == "bool" or first.type == BOOL  # type: ignore[union-attr]
    return not truths and (count > 1 or not arrays.is_array(first))


def combine(s: Any, prim: str, a: AV, b: AV, hint: str = "") -> AV:
    from s2sad.ir.core import Op

    return items.operator(s, prim, [a, b], Op(prim, (), (Value(hint),), s.builder.loc))


@handles(min)
def _min(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return extremum(s, "builtins.min", args, kwargs, hint)


@handles(max)
def _max(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return extremum(s, "builtins.max", args, kwargs, hint)


def extremum(s: Any, prim: str, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    if "key" in kwargs and s.static(kwargs["key"]) is not None:
        if "default" in kwargs:
            raise s.error(f"{prim}() with key= and default= is not supported", "ask for the length first")
        given = args[0] if len(args) == 1 else TupleAV(tuple(args))
        by = "greatest_by" if prim == "builtins.max" else "least_by"
        return in_library(s, by, [in_order(s, given), kwargs["key"]])
    if len(args) > 1:
        numbers: list[AV] = [s.builder.number_in(a) if is_operand(a) else a for a in args]
        found = primitive(s, PRIMS[prim], numbers, {}, hint)
        return arrays.like(found, *filter(is_operand, args)) if isinstance(found, Value) else found
    static = iteration.static_elements(s, args[0])
    if static is not None:
        if len(static) == 1:
            return static[0]
        if not static and "default" in kwargs:
            return kwargs["default"]
        return primitive(s, PRIMS[prim], static, {}, hint)
    seq = args[0]
    if not (isinstance(seq, Value) and is_memory(seq.type)):
        seq = lists.list_from(s, seq)
    first = items.load(s, seq, const(0), hint)  # an empty sequence raises here, as in Python (IndexError)
    rest = RangeAV(const(1), iteration.length(s, seq), const(1))

    def body(i: AV, state: list[AV]) -> list[AV]:
        return [primitive(s, PRIMS[prim], [state[0], items.load(s, seq, i)], {}, hint)]

    return s.loop(rest, (first,), body, [hint or prim.rpartition(".")[2]])[0]


@handles(abs)
def _abs(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = args[0] if len(args) == 1 else None
    if a is not None and is_operand(a) and is_complex(a.type):
        return s.builder.emit("numpy.absolute", a, hint=hint)  # type: ignore[no-any-return]
    return primitive(s, PRIMS["builtins.abs"], args, kwargs, hint)


@handles(sorted)
def _sorted(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    for name in kwargs:
        if name not in ("key", "reverse"):
            raise s.error(f"sorted() with {name}=", "Python's has key= and reverse=", SignatureError)
    a, reverse = in_order(s, args[0]), kwargs.get("reverse", const(False))
    if "key" in kwargs and s.static(kwargs["key"]) is not None:
        order = in_library(s, "order_by", [a, kwargs["key"], reverse])
        return lists.list_from(s, LazyAV("taken", (a, order)))
    t = a.type if isinstance(a, Value) else None
    if not (
        isinstance(a, RangeAV)
        or (isinstance(t, Array) and t.ndim == 1)
        or (isinstance(t, List) and not is_memory(t.item))
    ):
        raise s.error("only numbers have an order here", "say by what with key=", SignatureError)
    return in_library(s, "sorted_numbers", [a, reverse])


def in_order(s: Any, iterable: AV) -> AV:
    """What can be indexed by a computed number."""
    if isinstance(iterable, RangeAV) or (isinstance(iterable, Value) and is_memory(iterable.type)):
        return iterable
    found = lists.list_from(s, iterable)
    return lists.numbered(s, found) if isinstance(found, TupleAV) else found


def in_library(s: Any, name: str, args: list[AV]) -> AV:
    """A call of a function of s2sad's library of sequences."""
    from s2sad.library import sequences  # when it is needed: importing s2sad stays quick
    from s2sad.typing.structure import source_for

    return s.call_library(FunctionAV(source_for(getattr(sequences, name))), args)  # type: ignore[no-any-return]


@handles(any)
def _any(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    def body(e: AV, state: list[AV]) -> list[AV]:
        return [s.builder.choose(s.truth(state[0]), lambda: const(True), lambda: _as_bool(s, e))]

    return _reduce_bool(s, args[0], False, body)


@handles(all)
def _all(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    def body(e: AV, state: list[AV]) -> list[AV]:
        return [s.builder.choose(s.truth(state[0]), lambda: _as_bool(s, e), lambda: const(False))]

    return _reduce_bool(s, args[0], True, body)


def _as_bool(s: Any, e: AV) -> Operand:
    cond = s.truth(e)
    return cond if isinstance(cond, Const) else s.builder.emit("builtins.bool", cond)


def _reduce_bool(s: Any, iterable: AV, start: bool, body: Callable[[AV, list[AV]], list[AV]]) -> AV:
    static = iteration.static_elements(s, iterable)
    if static is not None:
        state: list[AV] = [const(start)]
        for e in static:
            state = body(e, state)
        return state[0]
    before = len(s.builder.ops)
    result = s.loop(iterable, (const(start),), body, [""])[0]
    if iterators.holds_generator(iterable):
        iterators.refuse_effects(s, s.builder.ops[before:], "any" if not start else "all")
    return result


@handles(pow)
def _pow(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    if len(args) == 3:
        raise s.error(
            "pow() with a modulus is not supported", "use % on integers outside the differentiated function"
        )
    return combine(s, "pow", args[0], args[1], hint)


@handles(divmod)
def _divmod(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return TupleAV((combine(s, "floordiv", *args), combine(s, "mod", *args)))  # type: ignore[arg-type]


@handles(bool)
def _bool(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    cond = s.truth(args[0]) if args else const(False)
    return (
        cond
        if isinstance(cond, Const) or cond.type == Scalar("bool")
        else s.builder.emit("builtins.bool", cond)
    )


@handles(float)
def _float(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    if args and isinstance(args[0], Const) and isinstance(args[0].value, (str, int, float)):
        return const(float(args[0].value))
    return primitive(s, PRIMS["builtins.float"], args, kwargs, hint) if args else const(0.0)


@handles(print)
def _print(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    named = {}
    for name, value in kwargs.items():
        if name == "file":
            raise s.error("print() with file= is not supported", "print to standard output")
        named[name] = s.static(value)
        if named[name] is MISSING:
            raise s.error(f"print() with a computed {name}=", "use a constant")
    operands, _ = items.printable(s, args)
    s.builder.effect("print", *operands, keywords=tuple(named.items()))
    return const(None)


@handles(isinstance)
def _isinstance(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    wanted = s.static(args[1])
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    return const(any(_is_instance(args[0], w) for w in wanted))


def _is_instance(av: AV, cls: Any) -> bool:
    import numbers

    if isinstance(av, (Const, StaticAV)):
        return isinstance(av.value if isinstance(av, Const) else av.obj, cls)
    if isinstance(av, Value):
        if isinstance(av.type, Array):
            return getattr(cls, "__name__", "") == "ndarray"
        if isinstance(av.type, List):
            return cls is list
        if isinstance(av.type, Scalar):
            python = {"float": float, "int": int, "bool": bool, "complex": complex}[av.type.kind]
            if av.type.dtype is None or cls in (numbers.Number, numbers.Real):
                return issubclass(python, cls)
            return cls.__name__ in (
                av.type.dtype,
                "generic",
                "number",
                "floating" if av.type.kind == "float" else "integer",
            ) or (av.type.dtype == "float64" and cls is float)
    if isinstance(av, (TupleAV, RecordAV)):
        return issubclass(av.cls, cls)
    return cls is dict and isinstance(av, DictAV)


def _text_of(function: Any, how: str) -> Handler:
    def call(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        return items.text(s, how, args, {})

    HANDLERS[function] = call
    return call


for _text, _how in ((str, "str"), (repr, "repr"), (ascii, "ascii"), (format, "format()")):
    _text_of(_text, _how)


def _items_of(fn: Any) -> Handler:
    """A function that returns a tuple: one primitive for each item."""

    def call(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        return TupleAV(tuple(primitive(s, PRIMS[name], list(args), {}, "") for name in TUPLES[fn]))

    return call


for _function in (math.modf, math.frexp):
    HANDLERS[_function] = _items_of(_function)


@handles(math.hypot)
def _hypot(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return primitive(s, PRIMS["math.hypot"], args, kwargs, hint)


@handles(math.dist)
def _dist(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    p, q = (iteration.static_elements(s, a) for a in args)
    if p is not None and q is not None:
        if len(p) != len(q):
            raise s.error("both points must have the same number of dimensions", "match them", SignatureError)
        return primitive(
            s, PRIMS["math.hypot"], [combine(s, "sub", a, b) for a, b in zip(p, q, strict=True)], {}, hint
        )
    pairs = LazyAV("zip", tuple(args))
    sizes = [iteration.length(s, a) for a in args]
    raise_unless_equal(s, sizes, "both points must have the same number of dimensions")

    def body(e: AV, state: list[AV]) -> list[AV]:
        assert isinstance(e, TupleAV)
        return [primitive(s, PRIMS["math.hypot"], [state[0], combine(s, "sub", *e.items)], {}, hint)]  # type: ignore[arg-type]

    return s.loop(pairs, (const(0.0),), body, [hint or "distance"])[0]


def _sumprod(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    pairs = LazyAV("zip", tuple(args))

    def body(e: AV, state: list[AV]) -> list[AV]:
        assert isinstance(e, TupleAV)
        return [combine(s, "add", state[0], combine(s, "mul", *e.items), hint)]  # type: ignore[arg-type]

    static = iteration.static_elements(s, pairs)
    if static is not None:
        state: list[AV] = [const(0)]
        for e in static:
            state = body(e, state)
        return state[0]
    return s.loop(pairs, (const(0),), body, [hint or "total"])[0]


if hasattr(math, "sumprod"):
    HANDLERS[math.sumprod] = _sumprod

for _name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "neg",
    "pos",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
):

    def _operator(
        s: Any,
        args: list[AV],
        kwargs: dict[str, AV],
        hint: str,
        prim: str = {"truediv": "div"}.get(_name, _name),
    ) -> AV:
        from s2sad.ir.core import Op

        return items.operator(s, prim, args, Op(prim, (), (Value(hint),), s.builder.loc))

    HANDLERS[getattr(operator, _name)] = _operator
