"""What each untyped operation does to abstract values: names, displays, items, calls, raising."""

from __future__ import annotations

import enum
import functools
import itertools
from collections.abc import Callable
from typing import Any

from s2sad.errors import Loc
from s2sad.frontend.source import MISSING
from s2sad.ir.core import Const, Op, Undef, Value
from s2sad.ir.types import BOTTOM, STR
from s2sad.rules.builder import const
from s2sad.typing import calls, items, lists
from s2sad.typing.abstract import (
    AV,
    DictAV,
    FunctionAV,
    GeneratorAV,
    SliceAV,
    StaticAV,
    TupleAV,
    children,
    describe,
)
from s2sad.typing.iteration import static_elements


def _global(s: Any, op: Op, args: list[AV]) -> AV:
    assert s.source is not None
    name = op.attr("name")
    try:
        return s.context.captures.name(s.source.namespace, name, s.builder)
    except KeyError:
        raise s.error(
            f"the name {name!r} is not defined", "define or import it before the function is called"
        ) from None


def _function(s: Any, op: Op, args: list[AV]) -> AV:
    source, names = op.attr("source"), op.attr("captured")
    node_args = source.node.args
    positional = [a.id for a in (*node_args.posonlyargs, *node_args.args)]
    keyword = [
        a.id for a, d in zip(node_args.kwonlyargs, node_args.kw_defaults, strict=True) if d is not None
    ]
    count = len(node_args.defaults)
    with_default = positional[len(positional) - count :] if count else []
    defaults = dict(zip([*with_default, *keyword], args[len(names) :], strict=True))
    later = op.attr("later", ())
    captured = tuple(
        StaticAV(s.siblings.reference(n)) if n in later else a
        for n, a in zip(names, args[: len(names)], strict=True)
    )
    if source.name in names and source.name not in later:  # a function in a branch or loop that calls itself
        own = names.index(source.name)
        if isinstance(args[own], Undef):
            captured = tuple(StaticAV(calls.SELF) if i == own else a for i, a in enumerate(captured))
    fn = FunctionAV(source, captured, defaults)
    if op.attr("own"):
        s.siblings.made[op.attr("own")] = fn
    return fn


def _sibling(s: Any, op: Op, args: list[AV]) -> AV:
    """What decorators made of a nested function is what other nested functions call by its name."""
    s.siblings.made[op.attr("name")] = args[0]
    return const(None)


def _import(s: Any, op: Op, args: list[AV]) -> AV:
    return s.context.captures.imported(op.attr("module"), op.attr("name"), s)


def _tuple(s: Any, op: Op, args: list[AV]) -> AV:
    return TupleAV(tuple(items.spread(s, args, op.attr("stars"))))


def _list(s: Any, op: Op, args: list[AV]) -> AV:
    stars = op.attr("stars")
    if not any(star and static_elements(s, arg) is None for arg, star in zip(args, stars, strict=True)):
        return lists.make_list(s, items.spread(s, args, stars))
    parts: list[AV] = []
    for star, group in itertools.groupby(zip(args, stars, strict=True), key=lambda pair: pair[1]):
        run = [arg for arg, _ in group]
        parts += [lists.list_from(s, arg) for arg in run] if star else [lists.make_list(s, run)]
    return functools.reduce(lambda a, b: items.operator(s, "add", [a, b], op), parts)


def _dict(s: Any, op: Op, args: list[AV]) -> AV:
    half = len(args) // 2
    keys = [s.static(k) for k in args[:half]]
    if any(k is MISSING for k in keys):
        raise s.error("a dict whose keys are computed is not supported yet", "use constant keys")
    return DictAV(dict(zip(keys, args[half:], strict=True)))


def _dict_of(s: Any, op: Op, args: list[AV]) -> AV:
    return items.dict_of(s, args[0])


def _slice(s: Any, op: Op, args: list[AV]) -> AV:
    return SliceAV(tuple(args))


def _generator(s: Any, op: Op, args: list[AV]) -> AV:
    return GeneratorAV(args[0])  # type: ignore[arg-type]


def _listcomp(s: Any, op: Op, args: list[AV]) -> AV:
    return lists.list_from(s, GeneratorAV(args[0]))  # type: ignore[arg-type]


def _yield(s: Any, op: Op, args: list[AV]) -> AV:
    consumer = s.consumers.pop()
    try:
        return consumer.run(args[0], args[1])
    finally:
        s.consumers.append(consumer)


def _unpack(s: Any, op: Op, args: list[AV]) -> list[AV]:
    found = items.unpack(s, args[0], op.attr("count"), op.attr("star"))
    return [
        s.builder.rename(av, r.hint) if isinstance(av, Value) and r.hint else av
        for av, r in zip(found, op.results, strict=True)
    ]


def _attr(s: Any, op: Op, args: list[AV]) -> AV:
    return items.attribute(s, args[0], op.attr("name"))


def _getitem(s: Any, op: Op, args: list[AV]) -> AV:
    return items.getitem(s, args[0], args[1], op.result.hint)


def _setitem(s: Any, op: Op, args: list[AV]) -> AV:
    items.setitem(s, args[0], args[1], args[2])
    return const(None)


def _augitem(s: Any, op: Op, args: list[AV]) -> AV:
    items.augitem(s, args[0], args[1], args[2], op.attr("op"))
    return const(None)


def _call(s: Any, op: Op, args: list[AV]) -> AV:
    result = calls.call(s, args[0], args[1:], op.attr("spec"), op.result.hint)
    if op.attr("handed"):
        refuse_kept(s, result, op.attr("handed").rebound)
    return result


def refuse_kept(s: Any, result: AV, rebound: dict[str, Loc]) -> None:
    """Functions handed to a call are made once; what it returns may hold on to them while the variables that they
    capture are bound again."""
    seen: set[int] = set()
    reached = [result]
    while reached:
        av = reached.pop()
        if id(av) in seen:
            continue
        seen.add(id(av))
        reached += children(av)
        if isinstance(av, StaticAV) and isinstance(av.obj, calls.Later):
            reached.append(av.obj())
        outer = s.source.qualname
        if not isinstance(av, FunctionAV) or not f"{av.source.qualname}.".startswith(f"{outer}."):
            continue
        for name in rebound.keys() & set(av.source.captured):
            s.at(rebound[name])
            raise s.error(
                f"{name!r} is bound again while a function that captures it may still be called, and Python's functions"
                " see the new value",
                "use another name for the new value, or pass it as an argument",
            )


_CONVERSIONS: dict[int, Callable[[Any], Any]] = {115: str, 114: repr, 97: ascii}


def _format(s: Any, op: Op, args: list[AV]) -> AV:
    """An f-string; what it says of a type or an enumeration's member is known."""
    parts: list[Any] = []
    shown: list[AV] = []
    given = iter(args)
    for part in op.attr("parts"):
        taken = [] if isinstance(part, str) else [next(given) for _ in range(2 if part[1] == -1 else 1)]
        if len(taken) == 1 and isinstance(taken[0], StaticAV) and is_name(taken[0].obj):
            converted = _CONVERSIONS.get(part[0], lambda obj: obj)(taken[0].obj)
            parts.append(format(converted, part[1] or ""))
            continue
        parts.append(part)
        shown += taken
    operands, _ = items.printable(s, shown)
    return s.builder.emit("format", *operands, type=STR, parts=tuple(parts))


def is_name(obj: Any) -> bool:
    """Whether the text of an object never changes: of a type, a dtype, or a member of an enumeration."""
    return isinstance(obj, (type, enum.Enum)) or type(obj).__module__ == "numpy.dtypes"


def _assert(s: Any, op: Op, args: list[AV]) -> AV:
    cond = s.truth(args[0])
    if not (isinstance(cond, Const) and cond.value):
        operands, _ = items.printable(s, args[1:])
        s.builder.effect("assert", cond, *operands)
    return const(None)


def _raise(s: Any, op: Op, args: list[AV]) -> AV:
    args = [  # a class is raised as an instance of it
        calls.static_call(s, a.obj, [], {}, "")
        if isinstance(a, StaticAV) and calls.is_exception(a.obj)
        else a
        for a in args
    ]
    if any(isinstance(a, StaticAV) for a in args):
        raise s.error(f"raising {describe(args[0])}", "raise an exception that is made here")
    operands, _ = items.printable(s, args)
    s.builder.effect("raise", *operands)
    return const(None)


def _unbound(s: Any, op: Op, args: list[AV]) -> AV:
    return s.builder.emit("unbound", type=BOTTOM, name=op.attr("name"))


OPERATIONS: dict[str, Callable[[Any, Op, list[AV]], Any]] = {
    "global": _global, "function": _function, "sibling": _sibling, "import": _import, "tuple": _tuple, "list": _list, "dict": _dict, "dict_of": _dict_of,
    "slice": _slice, "generator": _generator, "listcomp": _listcomp, "yield_": _yield, "unpack": _unpack, "attr": _attr,
    "getitem": _getitem, "setitem": _setitem, "augitem": _augitem, "call": _call, "format": _format,
    "assert": _assert, "raise": _raise, "unbound": _unbound,
}  # fmt: skip
