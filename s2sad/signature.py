"""Parameters, wrt and the structure of gradients: what stands between a Python call and typed functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gast

from s2sad.codegen import tree as t
from s2sad.errors import SignatureError
from s2sad.frontend.lower import parameter_names
from s2sad.frontend.source import FunctionSource
from s2sad.ir.core import Operand, Value
from s2sad.ir.types import FLOAT, Array, List, Object, Scalar, Type, with_dims
from s2sad.rules.builder import Builder
from s2sad.typing.abstract import AV, map_leaves
from s2sad.typing.structure import Fixed, Node, unfold


@dataclass(eq=False)
class Parameters:
    """A function's parameters and which of them derivatives are taken with respect to."""

    source: FunctionSource
    names: list[str]
    wrt: tuple[str, ...]
    bare: bool

    @classmethod
    def of(cls, source: FunctionSource, wrt: Any) -> Parameters:
        names = parameter_names(source.node)
        bare = not isinstance(wrt, (tuple, list))
        chosen = tuple(cls.name(source, names, w) for w in ((wrt,) if bare else wrt))
        if not chosen:
            raise SignatureError("wrt is empty", source.loc, "name at least one parameter")
        if len(set(chosen)) != len(chosen):
            raise SignatureError(f"wrt names a parameter twice: {wrt!r}", source.loc, "name each once")
        return cls(source, names, chosen, bare)

    @staticmethod
    def name(source: FunctionSource, names: list[str], w: Any) -> str:
        if isinstance(w, str):
            if w in names:
                return w
            raise SignatureError(
                f"{source.name}() has no parameter {w!r}",
                source.loc,
                f"its parameters are {', '.join(names)}",
            )
        if isinstance(w, int) and not isinstance(w, bool):
            method = bool(names) and names[0] == "self"
            usable = names[1:] if method and len(names) > 1 else names
            try:
                return usable[w]
            except IndexError:
                raise SignatureError(
                    f"{source.name}() has no parameter number {w}", source.loc, f"it has {len(usable)}"
                ) from None
        raise SignatureError(
            f"wrt must be positions or names, not {w!r}", source.loc, "e.g. wrt=0 or wrt=('x', 'y')"
        )


def typed_parameters(
    params: Parameters, keys: dict[str, Any]
) -> tuple[list[Value], Callable[[Builder], list[AV]], list[Value]]:
    """Parameter values, a function that makes their abstract values, and the list its call fills with the
    leaves to differentiate by, in order."""
    values = [
        Value(n, with_dims(k, n) if isinstance(k, Type) else Object(_kind(k)))
        for n, k in ((n, keys[n]) for n in params.names)
    ]
    inputs: list[Value] = []

    def make(builder: Builder) -> list[AV]:
        inputs.clear()
        by_name: dict[str, list[Value]] = {}
        avs = []
        for name, value in zip(params.names, values, strict=True):
            av = unfold(keys[name], value, builder, (), name)
            if name in params.wrt:
                refuse_objects(keys[name], name, params)
                leaves: list[Value] = []
                av = map_leaves(
                    av,
                    lambda o, leaves=leaves, name=name: differentiable(o, name, builder, leaves, params),  # type: ignore[misc]
                )
                by_name[name] = leaves
            avs.append(av)
        for name in params.wrt:
            inputs.extend(by_name[name])
        return avs

    return values, make, inputs


def _kind(key: Any) -> str:
    if isinstance(key, Node):
        return key.kind
    return type(key.obj).__name__ if isinstance(key, Fixed) else "object"


def refuse_objects(key: Any, name: str, params: Parameters) -> None:
    """A function or another object in a wrt argument has no gradient."""
    for part in key.parts if isinstance(key, Node) else ():
        refuse_objects(part, name, params)
    if isinstance(key, Fixed) and not isinstance(key.obj, (bool, str, type(None))):
        raise not_differentiable(key.obj, name, params)


def not_differentiable(held: Any, name: str, params: Parameters) -> SignatureError:
    return SignatureError(
        f"{params.source.name}() cannot be differentiated with respect to {name!r}, which holds {in_short(held)}",
        params.source.loc,
        "wrt arguments are numbers, arrays, and tuples, lists, dicts or dataclasses of them",
    )


def in_short(held: Any) -> str:
    """An object in a line of a message: its text, if that is short."""
    text = repr(held)
    return text if len(text) <= 40 and text.isprintable() else f"a {type(held).__name__}"


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
