"""Calls: the user's functions, builtins, `math` and NumPy functions, and methods, on abstract values."""

from __future__ import annotations

import functools
import math
import operator
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from s2sad.errors import MissingRuleError, SignatureError
from s2sad.frontend.lower import parameter_names
from s2sad.frontend.source import MISSING
from s2sad.ir.core import Const, Operand, Undef, Value
from s2sad.ir.types import BOTTOM, Array, List, Object, Scalar, is_memory
from s2sad.markers import stop_gradient
from s2sad.rules.builder import const
from s2sad.rules.mathematics import SEQUENCES, TUPLES
from s2sad.rules.registry import BY_FUNCTION, PRIMS, Prim
from s2sad.typing import items, lists
from s2sad.typing.abstract import (
    AV,
    BoundAV,
    DictAV,
    FunctionAV,
    LazyAV,
    RangeAV,
    RecordAV,
    StaticAV,
    TupleAV,
    describe,
    from_python,
    is_operand,
)  # fmt: skip
from s2sad.typing.named import NAMED, name_of
from s2sad.typing.structure import constant

SELF = object()


@dataclass(frozen=True, eq=False)
class Later:
    """A nested function that another one captured, maybe before it was made; called, it is looked up."""

    name: str
    siblings: Siblings

    def __call__(self) -> AV:
        return self.siblings.made.get(self.name) or Undef(self.name)


class Siblings:
    """The nested functions of one run of a function."""

    def __init__(self) -> None:
        self.made: dict[str, FunctionAV] = {}
        self.references: dict[str, Later] = {}

    def reference(self, name: str) -> Later:
        return self.references.setdefault(name, Later(name, self))


Handler = Callable[[Any, list[AV], dict[str, AV], str], AV]
HANDLERS: dict[Any, Handler] = {}
METHODS: dict[tuple[str, str], Handler] = {}


def call(s: Any, fn: AV, args: list[AV], spec: tuple[str, ...], hint: str) -> AV:
    """A call with Python's argument forms; `spec` says for each argument '', '*', '**' or a keyword."""
    positional: list[AV] = []
    keywords: dict[str, AV] = {}
    for arg, form in zip(args, spec, strict=True):
        if form == "":
            positional.append(arg)
        elif form == "*":
            positional.extend(items.spread(s, [arg], (True,)))
        elif form == "**":
            if not isinstance(arg, DictAV):
                raise s.error(f"'**' of {describe(arg)}", "pass the keywords one by one")
            keywords.update({str(k): v for k, v in arg.items.items()})
        else:
            keywords[form] = arg
    return apply(s, fn, positional, keywords, hint)


def apply(s: Any, fn: AV, args: list[AV], kwargs: dict[str, AV], hint: str = "") -> AV:
    if isinstance(fn, FunctionAV):
        return s.call_function(fn, bind(s, fn, args, kwargs))
    if isinstance(fn, BoundAV):
        return method(s, fn, args, kwargs, hint)
    if isinstance(fn, StaticAV):
        return static_call(s, fn.obj, args, kwargs, hint)
    if isinstance(fn, RecordAV) and callable(getattr(fn.cls, "__call__", None)):  # noqa: B004
        raise s.error(f"calling {describe(fn)} is not supported yet", "call a function instead")
    raise s.error(f"{describe(fn)} is not a function", "call a function", SignatureError)


def static_call(s: Any, obj: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    handler = _handler(obj)
    if handler is not None:
        return handler(s, args, kwargs, hint)
    prim = _prim(obj)
    if prim is not None:
        return primitive(s, prim, args, kwargs, hint)
    inline = getattr(obj, "__s2sad_inline__", None)  # a Derivative called inside a differentiated function
    if inline is not None:
        return inline(s, args, kwargs)
    if isinstance(obj, functools.partial):
        bound = [from_python(a) or constant(a) for a in obj.args]
        named = {k: from_python(v) or constant(v) for k, v in obj.keywords.items()}
        return apply(s, constant(obj.func), bound + args, {**named, **kwargs}, hint)
    if isinstance(obj, type) and issubclass(obj, BaseException):
        operands, _ = items.printable(s, args)
        return s.builder.emit("exception", *operands, type=Object("exception"), cls=obj)
    name = getattr(obj, "__qualname__", getattr(obj, "__name__", repr(obj)))
    module = getattr(obj, "__module__", None)
    owner: Any = getattr(obj, "__self__", None)
    if type(owner).__module__ == "numpy" and hasattr(owner, "__name__"):  # a method of a ufunc
        module, name = "numpy", f"{owner.__name__}.{obj.__name__}"
    full = f"{module}.{name}" if module not in (None, "builtins") else name
    raise s.error(
        f"s2sad has no derivative rule for {full}()",
        "write it with the functions of math, or keep it out of the differentiated function",
        MissingRuleError,
    )


def _handler(obj: Any) -> Handler | None:
    try:
        found = HANDLERS.get(obj)
        return found if found is not None or obj in BY_FUNCTION else _named(obj)
    except TypeError:
        return None


def _named(obj: Any) -> Handler | None:
    name = name_of(obj)
    prim = PRIMS.get(name)
    if name in NAMED or prim is None:
        return NAMED.get(name)
    return lambda s, args, kwargs, hint: primitive(s, prim, args, kwargs, hint)


def _prim(obj: Any) -> Prim | None:
    try:
        return BY_FUNCTION.get(obj)
    except TypeError:
        return None


def bind(s: Any, fn: FunctionAV, args: list[AV], kwargs: dict[str, AV]) -> list[AV]:
    """Arguments in the order of a function's parameters, after its captured values, by Python's rules."""
    node = fn.source.node
    if not hasattr(node.args, "posonlyargs") or (not node.args.args and not parameter_names(node)):
        if args or kwargs:
            raise s.error(f"{fn.source.name}() takes no arguments", "match the definition", SignatureError)
    a = node.args
    names = [p.id for p in (*a.posonlyargs, *a.args)]
    only = [p.id for p in a.kwonlyargs]
    bound: dict[str, AV] = dict(zip(names, args, strict=False))
    rest = args[len(names) :]
    if rest and not a.vararg:
        raise s.error(
            f"{fn.source.name}() takes {len(names)} arguments but {len(args)} were given",
            "match the definition",
            SignatureError,
        )
    positional_only = {p.id for p in a.posonlyargs}
    extra: dict[str, AV] = {}
    for name, value in kwargs.items():
        if (name in names and name not in positional_only) or name in only:
            if name in bound:
                raise s.error(
                    f"{fn.source.name}() got two values for {name!r}", "pass it once", SignatureError
                )
            bound[name] = value
        elif a.kwarg:
            extra[name] = value
        else:
            raise s.error(
                f"{fn.source.name}() has no parameter {name!r}", "match the definition", SignatureError
            )
    for name in (*names, *only):
        if name not in bound:
            bound[name] = _default(s, fn, name)
    if a.vararg:
        bound[a.vararg.id] = TupleAV(tuple(rest))
    if a.kwarg:
        bound[a.kwarg.id] = DictAV(extra)
    captured = [_captured(fn, c) for c in fn.captured]
    return [*captured, *(bound[n] for n in parameter_names(node))]


def _default(s: Any, fn: FunctionAV, name: str) -> AV:
    if name in fn.defaults:
        return fn.defaults[name]
    if name in fn.source.defaults:
        value = fn.source.defaults[name]
        if isinstance(value, _STATIC_DEFAULTS) or s.frozen:
            return from_python(value) or constant(value)
        live = fn.source.live
        return s.context.captures.resolve(
            value, lambda: fn.source.defaults[name], (id(live), "default", name), name, s.builder
        )
    raise s.error(f"{fn.source.name}() is missing the argument {name!r}", "pass it", SignatureError)


def _captured(fn: FunctionAV, c: AV) -> AV:
    """What a function captured, now that it is called."""
    if isinstance(c, StaticAV) and c.obj is SELF:
        return fn
    return c.obj() if isinstance(c, StaticAV) and isinstance(c.obj, Later) else c


_STATIC_DEFAULTS = (int, float, complex, str, bool, type(None), types.FunctionType, type)


# -- primitives ---------------------------------------------------------------------------------------


def primitive(s: Any, prim: Prim, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """A function of numbers that has a rule."""
    if prim.module == "numpy":
        from s2sad.typing.functions.ufuncs import ufunc_call

        found = ufunc_call(s, prim, args, kwargs, hint)
        if found is not None:
            return found
    if kwargs:
        for name in prim.params[len(args) :]:
            if name in kwargs:
                args = [*args, kwargs.pop(name)]
        if kwargs:
            raise s.error(
                f"{prim.name}() with the keyword {next(iter(kwargs))!r} is not supported", "leave it out"
            )
    if prim.module == "numpy":
        from s2sad.typing import arrays

        args = [arrays.array(s, a) if isinstance(a, TupleAV) else a for a in args]
    operands = [s.number(a, f"as an argument of {prim.name}()") for a in args]
    if any(isinstance(o.type, Array) for o in operands) and all(
        isinstance(o.type, (Array, Scalar)) for o in operands
    ):
        from s2sad.typing import arrays

        return arrays.elementwise(s, prim.name, operands, hint)
    for o in operands:
        if isinstance(o, Undef):
            return s.builder.emit("unbound", type=BOTTOM, name=o.hint)
        if o.type is BOTTOM:
            return Value("", BOTTOM)
        if isinstance(o.type, (Array, List)):
            raise s.error(
                f"{prim.name}() of {describe(o)} is not supported yet", "apply it to the elements in a loop"
            )
        if not isinstance(o.type, Scalar):
            raise s.error(f"{prim.name}() of {describe(o)}", "only numbers can stand here", SignatureError)
    fixed = [p for p in prim.params if not p.startswith("*")]
    if len(operands) > len(fixed) and len(fixed) == len(prim.params):
        raise s.error(
            f"{prim.name}() takes at most {len(fixed)} arguments", "match the definition", SignatureError
        )
    fold = (
        all(isinstance(o, Const) and type(o.value) in (int, bool) for o in operands)
        and "numpy" not in prim.name
    )
    s.builder.fold, before = fold, s.builder.fold
    try:
        return s.builder.emit(prim.name, *operands, hint=hint)
    finally:
        s.builder.fold = before


# -- builtins -----------------------------------------------------------------------------------------


def handles(*objects: Any) -> Callable[[Handler], Handler]:
    def register(f: Handler) -> Handler:
        for obj in objects:
            HANDLERS[obj] = f
        return f

    return register


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
    return items.length(s, args[0])


@handles(zip)
def _zip(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    kwargs.pop("strict", None)
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
    static = items.static_elements(s, args[0])
    if static is None:
        made = lists.list_from(s, args[0])
        return TupleAV(made.items) if isinstance(made, TupleAV) else made
    return TupleAV(tuple(static))


@handles(dict)
def _dict(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    if args:
        raise s.error("dict() of a value is not supported yet", "write the dict out")
    return DictAV(dict(kwargs))


@handles(sum)
def _sum(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    start = kwargs.get("start", args[1] if len(args) > 1 else const(0))
    return fold(s, args[0], "add", start, hint or "total")


@handles(math.fsum)
def _fsum(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """Exactly rounded where the elements are known one by one; else summed in order."""
    static = items.static_elements(s, args[0])
    if static:
        return primitive(s, PRIMS[SEQUENCES[math.fsum]], static, {}, hint)
    return fold(s, args[0], "add", const(0.0), hint or "total")


@handles(math.prod)
def _prod(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return fold(s, args[0], "mul", kwargs.get("start", const(1)), hint or "product")


def fold(s: Any, iterable: AV, prim: str, start: AV, hint: str) -> AV:
    """Combine all elements of an iterable with an operator, from the left."""
    static = items.static_elements(s, iterable)
    if static is not None:
        total = start
        for e in static:
            if (
                isinstance(total, Const)
                and total.value == {"add": 0, "mul": 1}[prim]
                and type(total.value) is int
                and is_operand(e)
            ):
                total = e
            else:
                total = combine(s, prim, total, e)
        return total
    return s.loop(iterable, (start,), lambda e, state: [combine(s, prim, state[0], e, hint)], [hint])[0]


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
    if "key" in kwargs:
        raise s.error(f"{prim.rpartition('.')[2]}() with key= is not supported yet", "compare in a loop")
    if len(args) > 1:
        return primitive(s, PRIMS[prim], args, {}, hint)
    static = items.static_elements(s, args[0])
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
    rest = RangeAV(const(1), items.length(s, seq), const(1))

    def body(i: AV, state: list[AV]) -> list[AV]:
        return [primitive(s, PRIMS[prim], [state[0], items.load(s, seq, i)], {}, hint)]

    return s.loop(rest, (first,), body, [hint or prim.rpartition(".")[2]])[0]


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
    static = items.static_elements(s, iterable)
    if static is not None:
        state: list[AV] = [const(start)]
        for e in static:
            state = body(e, state)
        return state[0]
    return s.loop(iterable, (const(start),), body, [""])[0]


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


@handles(str, repr)
def _str(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    from s2sad.ir.types import STR

    operands, _ = items.printable(s, args)
    return s.builder.emit("format", *operands, type=STR, parts=((-1, None),))


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
    p, q = (items.static_elements(s, a) for a in args)
    if p is not None and q is not None:
        if len(p) != len(q):
            raise s.error("both points must have the same number of dimensions", "match them", SignatureError)
        return primitive(
            s, PRIMS["math.hypot"], [combine(s, "sub", a, b) for a, b in zip(p, q, strict=True)], {}, hint
        )
    pairs = LazyAV("zip", tuple(args))

    def body(e: AV, state: list[AV]) -> list[AV]:
        assert isinstance(e, TupleAV)
        return [primitive(s, PRIMS["math.hypot"], [state[0], combine(s, "sub", *e.items)], {}, hint)]  # type: ignore[arg-type]

    return s.loop(pairs, (const(0.0),), body, [hint or "distance"])[0]


def _sumprod(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    pairs = LazyAV("zip", tuple(args))

    def body(e: AV, state: list[AV]) -> list[AV]:
        assert isinstance(e, TupleAV)
        return [combine(s, "add", state[0], combine(s, "mul", *e.items), hint)]  # type: ignore[arg-type]

    static = items.static_elements(s, pairs)
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


# -- arrays -------------------------------------------------------------------------------------------


def method(s: Any, fn: BoundAV, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """A method call on a value."""
    owner, name = fn.owner, fn.name
    kind = "array" if isinstance(owner, Value) and isinstance(owner.type, Array) else ""
    if isinstance(owner, Value) and isinstance(owner.type, List):
        kind = "list"
    if isinstance(owner, TupleAV) and owner.cls is list and name in lists.LIST_METHODS:
        return lists.LIST_METHODS[name](s, [owner, *args], kwargs, hint)
    handler = METHODS.get((kind, name))
    if handler is not None:
        return handler(s, [owner, *args], kwargs, hint)
    if isinstance(owner, DictAV):
        return _dict_method(s, owner, name, args)
    if isinstance(owner, TupleAV) and name == "_replace":
        fields = [kwargs.get(n, i) for n, i in zip(owner.names, owner.items, strict=True)]
        return TupleAV(tuple(fields), owner.cls, owner.names)
    if isinstance(owner, RecordAV):
        found = getattr(owner.cls, name, None)
        if isinstance(found, types.FunctionType):
            return apply(s, constant(found), [owner, *args], kwargs, hint)
    if isinstance(owner, Const) and isinstance(owner.value, (str, int, float)):
        known = [s.static(a) for a in args]
        if MISSING not in known and not kwargs:
            result = from_python(getattr(owner.value, name)(*known))
            if result is not None:
                return result
    if isinstance(owner, Value) and isinstance(owner.type, Scalar) and name in ("item", "conjugate", "conj"):
        turned = name != "item" and owner.type.kind == "complex"
        return s.builder.emit("numpy.conj", owner) if turned else owner
    raise s.error(
        f"the method {name}() of {describe(owner)} is not supported yet", "use a function or a loop"
    )


def _dict_method(s: Any, owner: DictAV, name: str, args: list[AV]) -> AV:
    keys = [from_python(k) or StaticAV(k) for k in owner.items]
    if name == "keys":
        return TupleAV(tuple(keys))
    if name == "values":
        return TupleAV(tuple(owner.items.values()))
    if name == "items":
        return TupleAV(tuple(TupleAV(pair) for pair in zip(keys, owner.items.values(), strict=True)))
    if name == "get":
        key = s.static(args[0])
        return owner.items.get(key, args[1] if len(args) > 1 else const(None))
    raise s.error(f"the method {name}() of a dict is not supported yet", "use constant keys and indexing")


def stopped_gradient(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    x = s.number(args[0])
    return s.builder.emit("stop_gradient", x, type=x.type, hint=hint)


METHODS.update({("list", name): handler for name, handler in lists.LIST_METHODS.items()})


HANDLERS[stop_gradient] = stopped_gradient
