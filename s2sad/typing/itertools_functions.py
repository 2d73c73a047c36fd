"""`map` and what is in `itertools` and `functools`: as the generator expressions and loops that they stand for."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import operator
from typing import Any

import gast

from s2sad.frontend.comprehensions import GeneratorNode
from s2sad.frontend.source import FunctionSource
from s2sad.ir.core import Const, Value
from s2sad.ir.types import INT, is_memory
from s2sad.rules.builder import const
from s2sad.typing import items, iteration, lists
from s2sad.typing.abstract import (
    AV,
    FunctionAV,
    GeneratorAV,
    LazyAV,
    RangeAV,
    StaticAV,
    TupleAV,
)
from s2sad.typing.calls import apply, handles
from s2sad.typing.iterators import is_iterator

BUILTINS = {"range": range, "len": len}


def generator(s: Any, text: str, first: AV, **captured: AV) -> AV:
    """A generator expression over `it`, which is `first`, that reads these; it belongs to the line of the call."""
    names = (*captured, *(n for n in BUILTINS if n in text))
    source = expression(text, names, s.source.file, s.loc)
    captured = {name: handed_on(av) for name, av in captured.items()}
    first = handed_on(first)
    builtins = [StaticAV(BUILTINS[n]) for n in names[len(captured) :]]
    return GeneratorAV(FunctionAV(source, (*captured.values(), *builtins, first)))


def handed_on(av: AV) -> AV:
    """An iterator that is now the generator's to run through, and used up for everybody else."""
    if isinstance(av, TupleAV):
        return dataclasses.replace(av, items=tuple(map(handed_on, av.items)))
    return dataclasses.replace(av) if isinstance(av, (LazyAV, GeneratorAV)) else av


@functools.lru_cache(maxsize=1000)
def expression(text: str, names: tuple[str, ...], file: Any, loc: Any) -> FunctionSource:
    node = gast.parse(text).body[0].value
    for n in gast.walk(node):
        if hasattr(n, "lineno"):
            n.lineno = n.end_lineno = loc.line
            n.col_offset = n.end_col_offset = loc.col
    captured = (*names, "$iterable")
    return FunctionSource("generator", GeneratorNode(node), file, None, captured=captured)  # type: ignore[arg-type]


def kept(s: Any, av: AV) -> AV:
    """What is read more than once, and as it is now: a list of its elements, if it is not one that stays."""
    if isinstance(av, (RangeAV, TupleAV)) and getattr(av, "cls", tuple) is tuple:
        return av
    return lists.list_from(s, av)


def indexed(s: Any, av: AV) -> AV:
    """The same for what is read by a computed index."""
    found = kept(s, av)
    if isinstance(found, TupleAV):
        return lists.in_list(s, found)
    return lists.list_from(s, found) if isinstance(found, RangeAV) else found


def constant_count(s: Any, av: AV, what: str) -> int:
    n = s.static(av)
    if not isinstance(n, int):
        raise s.error(f"{what} that is computed is not supported yet", "use a constant")
    return n


@handles(map)
def _map(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    fn, *its = args
    if len(its) == 1:
        return generator(s, "(f(a) for a in it)", its[0], f=fn)
    return generator(s, "(f(*a) for a in it)", LazyAV("zip", tuple(its)), f=fn)


@handles(itertools.starmap)
def _starmap(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return generator(s, "(f(*a) for a in it)", args[1], f=args[0])


@handles(filter)
def _filter(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    if isinstance(args[0], Const) and args[0].value is None:
        return generator(s, "(a for a in it if a)", args[1])
    return generator(s, "(a for a in it if f(a))", args[1], f=args[0])


@handles(itertools.chain)
def _chain(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return generator(s, "(a for part in it for a in part)", TupleAV(tuple(args)))


@handles(itertools.product)
def _product(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    its = [kept(s, a) for a in args] * constant_count(s, kwargs.get("repeat", const(1)), "repeat=")
    if not its:
        return TupleAV((TupleAV(()),))
    names = [f"a{i}" for i in range(len(its))]
    loops = " ".join(f"for {n} in it{i}" for i, n in enumerate(names))
    captured = {f"it{i}": it for i, it in enumerate(its) if i}
    return generator(s, f"(({', '.join(names)},) {loops})", its[0], **captured)


def chosen(s: Any, args: list[AV], kwargs: dict[str, AV], name: str, inner: str) -> AV:
    """Tuples of r elements; `inner` says over which positions each but the first runs, after those before it."""
    r = constant_count(s, args[1] if len(args) > 1 else kwargs.get("r", const(None)), f"r of {name}()")
    if not 1 <= r <= 4:
        raise s.error(f"{name}() of {r} elements is not supported", "write the loops out")
    a = indexed(s, args[0])
    loops = " ".join(
        inner.format(i=f"i{k}", before=f"i{k - 1}", all=", ".join(f"i{j}" for j in range(k)))
        for k in range(1, r)
    )
    picked = ", ".join(f"a[i{k}]" for k in range(r))
    n = iteration.length(s, a)
    return generator(s, f"(({picked},) for i0 in it {loops})", RangeAV(const(0), n, const(1)), a=a, n=n)


@handles(itertools.combinations)
def _combinations(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return chosen(s, args, kwargs, "combinations", "for {i} in range({before} + 1, n)")


@handles(itertools.combinations_with_replacement)
def _with_replacement(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return chosen(s, args, kwargs, "combinations_with_replacement", "for {i} in range({before}, n)")


@handles(itertools.permutations)
def _permutations(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return chosen(s, args, kwargs, "permutations", "for {i} in range(n) if {i} not in ({all},)")


@handles(itertools.pairwise)
def _pairwise(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = indexed(s, args[0])
    last = s.builder.emit("sub", iteration.length(s, a), const(1), type=INT)
    return generator(s, "((a[i], a[i + 1]) for i in it)", RangeAV(const(0), last, const(1)), a=a)


@handles(functools.reduce)
def _reduce(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    fn, it, *start = args
    static = iteration.static_elements(s, it)
    if static is not None and (static or start):
        first, *rest = [*start, *static]
        for e in rest:
            first = apply(s, fn, [first, e], {})
        return first

    def step(e: AV, state: list[AV]) -> list[AV]:
        return [apply(s, fn, [state[0], e], {})]

    if start:
        return s.loop(it, (start[0],), step, [hint])[0]  # type: ignore[no-any-return]
    seq = it if isinstance(it, Value) and is_memory(it.type) else indexed(s, it)
    assert isinstance(seq, Value)
    rest_ = RangeAV(const(1), iteration.length(s, seq), const(1))
    first = items.load(s, seq, const(0), hint)
    return s.loop(rest_, (first,), lambda i, state: step(items.load(s, seq, i), state), [hint])[0]  # type: ignore[no-any-return]


@handles(itertools.accumulate)
def _accumulate(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    """A list of the totals; the function is not one that writes."""
    given = [*args[1:], *([kwargs["func"]] if "func" in kwargs else [])]
    if "initial" in kwargs or is_iterator(args[0]):
        raise s.error("accumulate() of an iterator or with initial= is not supported yet", "write a loop")
    a = indexed(s, args[0])
    fn = given[0] if given and s.static(given[0]) is not None else StaticAV(operator.add)
    from s2sad.library.making import accumulated

    return s.call_library(FunctionAV(library_source(accumulated)), [a, fn])  # type: ignore[no-any-return]


def library_source(fn: Any) -> FunctionSource:
    from s2sad.typing.structure import source_for

    return source_for(fn)
