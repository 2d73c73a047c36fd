"""Parameters, wrt and the structure of gradients: what stands between a Python call and typed functions."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import gast

from s2sad.codegen import tree as t
from s2sad.errors import SignatureError
from s2sad.frontend.lower import parameter_names
from s2sad.frontend.source import FunctionSource
from s2sad.ir.call_sizes import CallSizes
from s2sad.ir.core import Operand, Value
from s2sad.ir.types import FLOAT, INT, Array, List, Object, Scalar, Type, with_dims
from s2sad.pipeline import check
from s2sad.refused import short
from s2sad.rules.arrays.core import SIZES
from s2sad.rules.builder import Builder
from s2sad.typing.abstract import AV, described, map_leaves
from s2sad.typing.captures import Captures
from s2sad.typing.specialise import Specialiser, Typed, specialise
from s2sad.typing.structure import Fixed, Node, Path, shown_sizes, unfold


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of the call to differentiate by: that of a parameter, or one of those that `*args` takes."""

    parameter: str
    number: int | None = None  # among those that `*args` takes

    def __str__(self) -> str:
        return self.parameter if self.number is None else f"{self.parameter}[{self.number}]"

    def of(self, values: dict[str, Any]) -> Any:
        """This argument, of the values of all parameters by name."""
        found = values[self.parameter]
        return found if self.number is None else found[self.number]

    def key(self, keys: dict[str, Any]) -> Any:
        found = keys[self.parameter]
        return found if self.number is None else found.parts[self.number]

    def path(self) -> Path:
        """The way to it from its parameter."""
        return () if self.number is None else (("item", self.number),)

    def expression(self) -> Any:
        """How generated code reads it."""
        found = t.name(self.parameter)
        return found if self.number is None else t.subscript(found, t.constant(self.number))

    def part(self, av: AV) -> AV:
        """This argument, of the abstract value of its parameter."""
        return av if self.number is None else av.items[self.number]  # type: ignore[union-attr]

    def with_part(self, av: AV, part: AV) -> AV:
        """The abstract value of its parameter, with another one in this argument's place."""
        if self.number is None:
            return part
        items = list(av.items)  # type: ignore[union-attr]
        items[self.number] = part
        return replace(av, items=tuple(items))  # type: ignore[type-var, arg-type]


@dataclass(eq=False)
class Parameters:
    """A function's parameters and which arguments derivatives are taken with respect to."""

    source: FunctionSource
    names: list[str]
    wrt: tuple[Argument, ...]
    bare: bool
    mixed: frozenset[Argument] = frozenset()  # of wrt: whose leaves are constants but for the floating ones

    @classmethod
    def of(cls, source: FunctionSource, wrt: Any, bound: bool = False) -> Parameters:
        """`bound`: the function is a method of an object, which is not among the arguments of the call."""
        names = parameter_names(source.node)
        bare = not isinstance(wrt, (tuple, list))
        chosen = tuple(cls.argument(source, names, w, bound) for w in ((wrt,) if bare else wrt))
        if not chosen:
            raise SignatureError("wrt is empty", source.loc, "name at least one parameter")
        whole = {a.parameter for a in chosen if a.number is None}
        parts = {a.parameter for a in chosen if a.number is not None}
        if len(set(chosen)) != len(chosen) or whole & parts:
            raise SignatureError(f"wrt names a parameter twice: {wrt!r}", source.loc, "name each once")
        return cls(source, names, chosen, bare)

    @staticmethod
    def argument(source: FunctionSource, names: list[str], w: Any, bound: bool) -> Argument:
        if isinstance(w, str):
            if w in names:
                return Argument(w)
            near = difflib.get_close_matches(w, names, 1)
            raise SignatureError(
                f"{source.name}() has no parameter {w!r}",
                source.loc,
                f"did you mean {near[0]!r}?" if near else f"its parameters are {', '.join(names)}",
            )
        if isinstance(w, Integral) and not isinstance(w, bool):
            return numbered(source, int(w), bound)
        raise SignatureError(
            f"wrt must be positions or names, not {short(w)}",
            source.loc,
            f"e.g. wrt=0 or wrt=('x', 'y'); arguments go into the call of what is made: grad({source.name})(...)",
        )

    def check(self, given: Callable[[str], int]) -> None:
        """Refuse a call without an argument that derivatives are taken with respect to; `given` says how many a
        `*args` takes."""
        taken = [
            (a.parameter, a.number % max(given(a.parameter), 1), a) for a in self.wrt if a.number is not None
        ]
        for name, _, a in taken:
            if not -given(name) <= a.number < given(name):  # type: ignore[operator]
                raise SignatureError(
                    f"{self.source.name}() is differentiated by {a}, and *{name} takes {given(name)} of the arguments "
                    "of this call",
                    self.source.loc,
                    "call it with that argument, or choose another wrt",
                )
        if len({place[:2] for place in taken}) != len(taken):
            raise SignatureError(
                f"wrt names an argument of this call of {self.source.name}() twice",
                self.source.loc,
                "name each once",
            )


def numbered(source: FunctionSource, w: int, bound: bool) -> Argument:
    """The argument at a position of the call, as in JAX; negative ones count from the end."""
    args = source.node.args
    names = [a.id for a in (*args.posonlyargs, *args.args)]
    first = 1 if bound and not names else 0  # of those that `*args` takes
    names = names[1 if bound else 0 :]
    if w < 0 and (args.vararg or args.defaults):
        if args.vararg is None or names:
            raise SignatureError(
                f"wrt={w} of {source.name}(), which can be called with fewer arguments or with more",
                source.loc,
                "count from the first, or name the parameter",
            )
        return Argument(args.vararg.id, w)
    if -len(names) <= w < len(names):
        return Argument(names[w])
    if w >= 0 and args.vararg:
        return Argument(args.vararg.id, w - len(names) + first)
    only = [a.id for a in args.kwonlyargs]
    known = (
        f"name one of {', '.join(only)}"
        if only
        else f"they are {', '.join(names)}"
        if names
        else "it takes none"
    )
    count = f"{len(names)} argument{'s' if len(names) != 1 else ''} by position"
    raise SignatureError(
        f"wrt={w}, but {source.name}() takes {count}", source.loc, f"positions count from 0; {known}"
    )


def typed_parameters(
    params: Parameters, keys: dict[str, Any], sizes: CallSizes | None = None
) -> tuple[list[Value], Callable[[Builder], list[AV]], list[Value]]:
    """Parameter values, a function that makes their abstract values, and the list its call fills with the
    leaves to differentiate by, in order."""
    sizes = CallSizes({}) if sizes is None else sizes
    values = [
        Value(n, with_dims(k, n, sizes) if isinstance(k, Type) else Object(_kind(k)))
        for n, k in ((n, keys[n]) for n in params.names)
    ]
    inputs: list[Value] = []
    SIZES.update({v: sizes.number(n) for n, v in zip(params.names, values, strict=True) if keys[n] == INT})
    params.check(lambda name: len(keys[name].parts))

    def make(builder: Builder) -> list[AV]:
        inputs.clear()
        avs = {
            n: unfold(keys[n], v, builder, (), n, sizes) for n, v in zip(params.names, values, strict=True)
        }
        for argument in params.wrt:
            name, mixed = argument.parameter, argument in params.mixed
            if not mixed:
                refuse_objects(argument.key(keys), name, params)

            def leaf(o: Operand, name: str = name, mixed: bool = mixed) -> AV:
                if mixed and not (isinstance(o, Value) and is_floating(o.type)):
                    return o
                return differentiable(o, name, builder, inputs, params)

            moved = map_leaves(argument.part(avs[name]), leaf)
            avs[name] = argument.with_part(avs[name], moved)
        return list(avs.values())

    return values, make, inputs


def typed_call(
    params: Parameters,
    keys: dict[str, Any],
    flat: bool,
    sized: bool,
    call: Callable[[Specialiser, list[AV]], AV] | None,
) -> tuple[Typed, tuple[Value, ...], tuple[Value, ...], list[Value]]:
    """A function typed for the keys of a call's arguments, what it captures as parameters after its own, the values of
    these, and the leaves to differentiate by. It is typed again where sizes turn out to be the same.

    Args:
        flat: whether the parts of captured containers are captured one by one, for Numba.
        sized: whether keys say the sizes of arrays.
        call: calls the function on abstract values, where it is no function but a derivative.
    """
    sizes = CallSizes({} if sized else shown_sizes(keys))
    while True:
        values, make, inputs = typed_parameters(params, keys, sizes)
        captures = Captures(flat=flat, sized=sized)
        typed = specialise(params.source, make, captures, call)
        if not sizes.found:
            break
        sizes = sizes.again()
    typed.sizes = sizes
    hidden = tuple(c.value for c in captures.variables.values())
    body = replace(typed.function.body, ops=(*captures.head_ops, *typed.function.body.ops))
    typed.function = check(replace(typed.function, params=(*values, *hidden), body=body))
    return typed, tuple(values), hidden, inputs


def is_floating(leaf: Type) -> bool:
    """Whether a leaf of an argument is one or several real floating numbers."""
    if isinstance(leaf, List):
        return is_floating(leaf.item)
    if isinstance(leaf, Array):
        return leaf.dtype.startswith("float")
    return isinstance(leaf, Scalar) and leaf.kind == "float"


def _kind(key: Any) -> str:
    if isinstance(key, Node):
        return key.kind
    return type(key.obj).__name__ if isinstance(key, Fixed) else "object"


def refuse_objects(key: Any, name: str, params: Parameters) -> None:
    """A function or another object in a wrt argument has no gradient."""
    for part in key.parts if isinstance(key, Node) else ():
        refuse_objects(part, name, params)
    if isinstance(key, Node) and key.kind == "range":
        raise not_differentiable(range(0), name, params)
    if isinstance(key, Fixed) and not isinstance(key.obj, (bool, str, type(None))):
        raise not_differentiable(key.obj, name, params)


def not_differentiable(held: Any, name: str, params: Parameters, text: str = "") -> SignatureError:
    """The refusal of what an argument holds; `text`: what that is, where it is no object of the program's."""
    hint = "wrt arguments are numbers, arrays, and tuples, lists, dicts or dataclasses of them"
    if name == params.names[0] and hasattr(type(held), params.source.name):
        hint = "of a method taken from its class, argument 0 is the object: differentiate the object's own "
        hint += f"{params.source.name}, or say wrt=1"
    return SignatureError(
        f"{params.source.name}() cannot be differentiated with respect to {name!r}, which holds {text or described(held)}",
        params.source.loc,
        hint,
    )


def differentiable(o: Operand, name: str, builder: Builder, leaves: list[Value], params: Parameters) -> AV:
    """A leaf of a wrt argument as something with a derivative: integers become floats first."""
    loc = params.source.loc
    if not isinstance(o, Value):
        raise not_differentiable(getattr(o, "value", None), name, params)
    made: Operand = o
    item = o.type.item if isinstance(o.type, (Array, List)) else o.type
    if isinstance(item, Scalar) and (item.kind == "bool" or (item.kind == "complex" and item is o.type)):
        raise SignatureError(
            f"{params.source.name}() cannot be differentiated with respect to {name!r}, a {o.type}", loc,
            "pass real numbers as wrt arguments",
        )  # fmt: skip
    if isinstance(o.type, Scalar) and o.type.kind == "int":
        made = builder.emit("builtins.float", o, type=FLOAT, hint=o.hint)
    elif isinstance(o.type, Array) and not o.type.dtype.startswith(("float", "complex")):
        made = builder.emit("array_like", o, type=Array("float64", o.type.ndim, o.type.dims), hint=o.hint)
    elif isinstance(o.type, List) and isinstance(o.type.item, Scalar) and o.type.item.kind == "int":
        made = builder.emit("float_list", o, type=List(FLOAT), hint=o.hint)
    assert isinstance(made, Value)
    leaves.append(made)
    return made


def gradient_tree(key: Any, base: Any, exprs: Iterator[Any]) -> Any:
    """The expression that builds the gradient of an argument in the argument's own structure."""
    if isinstance(key, Type):
        return next(exprs)
    assert isinstance(key, Node)
    parts = []
    for i, part in enumerate(key.parts):
        way, step = key.step(i)
        inner = t.attribute(base, step) if way == "attr" else t.subscript(base, t.constant(step))
        parts.append(gradient_tree(part, inner, exprs))
    if key.kind == "dict":
        return gast.Dict([t.constant(n) for n in key.names], parts)
    if key.kind == "list":
        return t.list_(parts)
    if key.kind == "namedtuple":
        return t.call(t.call("type", base), *parts)
    if key.kind == "record":
        return t.call(t.call("type", base), **dict(zip(key.names, parts, strict=True)))
    return t.tuple_(parts)
