"""Calls: the user's functions, builtins, `math` and NumPy functions, and methods, on abstract values."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import itertools
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from s2sad.errors import MissingRuleError, SignatureError
from s2sad.frontend.lower import parameter_names
from s2sad.frontend.source import MISSING
from s2sad.ir.core import Const, Undef, Value
from s2sad.ir.types import BOTTOM, STR, Array, List, Object, Scalar
from s2sad.markers import stop_gradient
from s2sad.rules.builder import const
from s2sad.rules.registry import BY_FUNCTION, PRIMS, Prim
from s2sad.typing import items, lists, records
from s2sad.typing.abstract import (
    AV,
    BoundAV,
    DictAV,
    FunctionAV,
    PartialAV,
    RecordAV,
    StaticAV,
    TupleAV,
    describe,
    from_python,
    unbound,
)  # fmt: skip
from s2sad.typing.iterators import use_up
from s2sad.typing.named import NAMED, name_of
from s2sad.typing.structure import constant

SELF = object()
CONVERSIONS = ("builtins.float", "builtins.int", "builtins.complex")


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
        self.made: dict[str, AV] = {}
        self.references: dict[str, Later] = {}

    def reference(self, name: str) -> Later:
        return self.references.setdefault(name, Later(name, self))


Handler = Callable[[Any, list[AV], dict[str, AV], str], AV]
HANDLERS: dict[Any, Handler] = {}
METHODS: dict[tuple[str, str], Handler] = {}


class Keywords(dict[str, AV]):
    """The keyword arguments of a call. It knows which were read: one that its handler knows nothing of is refused,
    not left out of the derivative."""

    def __init__(self, given: dict[str, AV]) -> None:
        super().__init__(given)
        self.unread = set(given)

    def __getitem__(self, key: str) -> AV:
        self.unread.discard(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.unread.discard(key)
        return super().get(key, default)

    def pop(self, key: str, *default: Any) -> Any:
        self.unread.discard(key)
        return super().pop(key, *default)

    def keys(self) -> Any:  # how dict(...) and {**...} copy a subclass of dict
        self.unread.clear()
        return super().keys()

    def items(self) -> Any:
        self.unread.clear()
        return super().items()

    def __iter__(self) -> Iterator[str]:
        self.unread.clear()
        return super().__iter__()


def handled(s: Any, handler: Handler, name: str, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """What a handler makes of a call; it must have read every keyword."""
    given = Keywords(kwargs)
    result = handler(s, args, given, hint)
    if given.unread:
        raise s.error(f"{name}() with the argument {min(given.unread)!r} is not supported", "leave it out")
    return result


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
    if isinstance(fn, PartialAV):
        named = {str(k): v for k, v in fn.kwargs.items.items()}
        return apply(s, fn.function, [*fn.args.items, *args], {**named, **kwargs}, hint)
    if isinstance(fn, StaticAV):
        return static_call(s, fn.obj, args, kwargs, hint)
    if isinstance(fn, RecordAV) and callable(getattr(fn.cls, "__call__", None)):  # noqa: B004
        raise s.error(f"calling {describe(fn)} is not supported yet", "call a function instead")
    raise s.error(f"{describe(fn)} is not a function", "call a function", SignatureError)


def static_call(s: Any, obj: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    handler = _handler(obj)
    if handler is not None:
        refuse_unbindable(s, obj, args, kwargs)
        missing = unbound(s, (*args, *kwargs.values()))
        if missing is not None:
            return missing
        use_up(s, *args, *kwargs.values())
        return handled(s, handler, full_name(obj), args, kwargs, hint)
    prim = _prim(obj)
    if prim is not None:
        refuse_unbindable(s, obj, args, kwargs)
        return primitive(s, prim, args, kwargs, hint)
    inline = getattr(obj, "__s2sad_inline__", None)  # a Derivative called inside a differentiated function
    if inline is not None:
        return s.deriving(obj, args, kwargs, lambda: inline(s, args, kwargs))  # type: ignore[no-any-return]
    if is_exception(obj):
        operands, _ = items.printable(s, [*args, *kwargs.values()])
        return s.builder.emit(  # type: ignore[no-any-return]
            "exception", *operands, type=Object("exception"), cls=obj, keywords=tuple(kwargs)
        )
    if records.is_made_here(obj):
        return records.make(s, obj, args, kwargs)
    raise s.error(
        f"s2sad has no derivative rule for {full_name(obj)}()",
        "write it with functions that `s2sad support` lists, give it a derivative with custom_rule(), or call it outside",
        MissingRuleError,
    )


def is_exception(obj: Any) -> bool:
    """Whether an object is a class of exceptions, be it one that is only parsed."""
    if isinstance(obj, type):
        return issubclass(obj, BaseException)
    return bool(getattr(obj, "__s2sad_parsed__", False) and obj.exceptions())


def refuse_unbindable(s: Any, obj: Any, args: list[AV], kwargs: dict[str, AV]) -> None:
    """Arguments that a function does not take, or not all that it needs: Python raises TypeError."""
    try:
        if isinstance(obj, np.ufunc):  # its signature leaves out that outputs may be given by position
            if not obj.nin <= len(args) <= obj.nargs:
                raise TypeError(f"takes from {obj.nin} to {obj.nargs} positional arguments")
        elif (signature := signature_of(obj)) is not None:
            signature.bind(*args, **kwargs)
    except TypeError as error:
        raise s.error(f"{full_name(obj)}(): {error}", "match the definition", SignatureError) from None


@functools.cache
def signature_of(obj: Any) -> inspect.Signature | None:
    """What a function takes, for those of Python's and NumPy's that say it."""
    try:
        return inspect.signature(obj)
    except (ValueError, TypeError):
        return None


def full_name(obj: Any) -> str:
    """A function's name as messages say it, with its module."""
    name = getattr(obj, "__qualname__", getattr(obj, "__name__", repr(obj)))
    module = getattr(obj, "__module__", None)
    owner: Any = getattr(obj, "__self__", None)
    if type(owner).__module__ == "numpy" and hasattr(owner, "__name__"):  # a method of a ufunc
        module, name = "numpy", f"{owner.__name__}.{obj.__name__}"
    return f"{public(module)}.{name}" if module not in (None, "builtins", "__main__") else name


def public(module: str) -> str:
    """A module's name as far as it is not private: `scipy.optimize` of `scipy.optimize._minimize`."""
    parts = module.split(".")
    return ".".join(itertools.takewhile(lambda part: not part.startswith("_"), parts)) or parts[0].lstrip("_")


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
    return [*captured_now(fn), *(bound[n] for n in parameter_names(node))]


def _default(s: Any, fn: FunctionAV, name: str) -> AV:
    if name in fn.defaults:
        return fn.defaults[name]
    if name in fn.source.defaults:
        value = fn.source.defaults[name]
        s.context.captures.default(fn.source, name)
        if isinstance(value, _STATIC_DEFAULTS) or s.frozen:
            return from_python(value) or constant(value)
        live = fn.source.live
        return s.context.captures.resolve(value, lambda: value, (id(live), "default", name), name, s.builder)
    raise s.error(f"{fn.source.name}() is missing the argument {name!r}", "pass it", SignatureError)


def captured_now(fn: FunctionAV) -> list[AV]:
    """What a function captured, now that it is called."""

    def now(c: AV) -> AV:
        if isinstance(c, StaticAV) and c.obj is SELF:
            return fn
        return c.obj() if isinstance(c, StaticAV) and isinstance(c.obj, Later) else c

    return list(map(now, fn.captured))


_STATIC_DEFAULTS = (int, float, complex, str, bool, type(None), types.FunctionType, type)


# -- primitives ---------------------------------------------------------------------------------------


def primitive(s: Any, prim: Prim, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """A function of numbers that has a rule."""
    if prim.module in ("numpy", "scipy.special"):
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

        args = [arrays.array(s, a) if isinstance(a, TupleAV) or is_list(a) else a for a in args]
    fixed = [p for p in prim.params if not p.startswith("*")]
    if len(args) > len(fixed) and len(fixed) == len(prim.params):
        raise s.error(
            f"{prim.name}() takes at most {len(fixed)} arguments", "match the definition", SignatureError
        )
    operands = [s.number(a, f"as an argument of {prim.name}()") for a in args]
    if prim.module == "math" or prim.name in CONVERSIONS:
        from s2sad.typing import arrays

        operands = [arrays.only_number(s, o) for o in operands]
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
    fold = (
        all(isinstance(o, Const) and type(o.value) in (int, bool) for o in operands)
        and "numpy" not in prim.name
    )
    s.builder.fold, before = fold, s.builder.fold
    try:
        return s.builder.emit(prim.name, *operands, hint=hint)
    finally:
        s.builder.fold = before


def is_list(av: AV) -> bool:
    return isinstance(av, Value) and isinstance(av.type, List)


def handles(*objects: Any) -> Callable[[Handler], Handler]:
    def register(f: Handler) -> Handler:
        for obj in objects:
            HANDLERS[obj] = f
        return f

    return register


# -- methods ------------------------------------------------------------------------------------------


def method(s: Any, fn: BoundAV, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """A method call on a value."""
    owner, name = fn.owner, fn.name
    if (missing := unbound(s, (owner, *args, *kwargs.values()))) is not None:
        return missing
    use_up(s, *args)
    kind = "array" if isinstance(owner, Value) and isinstance(owner.type, Array) else ""
    if isinstance(owner, Value) and isinstance(owner.type, List):
        kind = "list"
    if isinstance(owner, TupleAV) and owner.cls is list and name in lists.LIST_METHODS:
        return lists.LIST_METHODS[name](s, [owner, *args], kwargs, hint)
    handler = METHODS.get((kind, name))
    if handler is not None:
        return handled(s, handler, name, [owner, *args], kwargs, hint)
    if isinstance(owner, DictAV):
        return _dict_method(s, owner, name, args)
    if isinstance(owner, TupleAV) and name == "_replace" and set(kwargs) <= set(owner.names):
        fields = [kwargs.get(n, i) for n, i in zip(owner.names, owner.items, strict=True)]
        return TupleAV(tuple(fields), owner.cls, owner.names)
    if isinstance(owner, RecordAV) or (isinstance(owner, TupleAV) and owner.names):
        found = records.bound_method(s, owner.cls, name, owner, args)
        if found is not None:
            return apply(s, *found, kwargs, hint)
    if isinstance(owner, Const) and isinstance(owner.value, (str, int, float)):
        known = [s.static(a) for a in args]
        if all(k is not MISSING for k in known) and not kwargs:
            result = from_python(getattr(owner.value, name)(*known))
            if result is not None:
                return result
    if getattr(owner, "type", None) == STR and name in OF_TEXTS:
        return items.text(s, name, [owner, *args], kwargs)
    if isinstance(owner, Value) and isinstance(owner.type, Scalar) and not (args or kwargs):
        if name == "item":
            return of_python(s, owner, hint)
        if name in ("conjugate", "conj"):
            return s.builder.emit("numpy.conj", owner, hint=hint) if owner.type.kind == "complex" else owner
    raise s.error(
        f"the method {name}() of {describe(owner)} is not supported yet", "use a function or a loop"
    )


OF_TEXTS = frozenset(
    [
        "format",
        "join",
        "upper",
        "lower",
        "title",
        "capitalize",
        "strip",
        "lstrip",
        "rstrip",
        "center",
        "ljust",
        "rjust",
        "zfill",
        "replace",
    ]
)
"""Methods of texts that give texts."""


def of_python(s: Any, number: AV, hint: str) -> AV:
    """A number of NumPy's as one of Python's, whose errors it raises."""
    kind = number.type.kind if isinstance(number, Value) and isinstance(number.type, Scalar) else ""
    if kind not in ("float", "int", "bool"):
        return number
    return s.builder.emit(f"builtins.{kind}", number, hint=hint)  # type: ignore[no-any-return]


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
HANDLERS[dataclasses.replace] = records.replaced
