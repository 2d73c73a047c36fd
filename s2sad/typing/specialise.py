"""Typing: runs an untyped function on abstract values and writes the typed IR it leaves behind.

Specialises at the call: argument types come in, calls are resolved and inlined, structures with known
elements dissolve into their leaves, loops are typed to a fixed point. Functions that call themselves, and
those too large to copy, become functions of their own (`invoke`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakSet

from s2sad.errors import Loc, S2sadError, SignatureError, UnsupportedSyntaxError
from s2sad.frontend.lower import lower
from s2sad.frontend.source import MISSING, FunctionSource
from s2sad.ir.call_sizes import CallSizes
from s2sad.ir.core import AnyOp, Block, Const, ForEach, Function, If, Op, Operand, Undef, Value, While
from s2sad.ir.types import BOTTOM, FLOAT, INT, Array, List, Scalar, Type, is_memory
from s2sad.rules.builder import Builder, const
from s2sad.typing import (  # noqa: F401  (its handlers)
    arrays,
    calls,
    items,
    iteration,
    iterators,
    itertools_functions,
    python_functions,
    records,
    wrappers,
)
from s2sad.typing.abstract import (
    AV,
    CannotMerge,
    DictAV,
    FunctionAV,
    PartialAV,
    RangeAV,
    StaticAV,
    TupleAV,
    children,
    describe,
    is_operand,
    leaves,
    merge,
)  # fmt: skip
from s2sad.typing.captures import Captures
from s2sad.typing.elements import Widen, common_type
from s2sad.typing.first_turns import Named, reads_of
from s2sad.typing.given import Apart, refuse_joined
from s2sad.typing.instances import Instance, KindsMeet, Unreachable
from s2sad.typing.loops import Consumer, Loops
from s2sad.typing.operations import OPERATIONS
from s2sad.typing.sizes import settled, test_of
from s2sad.typing.thread import thread_captures

INLINE_BUDGET = 20_000
SMALL = 60


@dataclass(eq=False)
class Typed:
    """The outcome: a typed function, the structure of its result, and what it captures."""

    function: Function
    result: AV
    captures: Captures
    asks_for_layouts: bool = False  # whether a derivative inside was made for how arguments lie in memory
    sizes: CallSizes = field(default_factory=lambda: CallSizes({}))


class Outline(Exception):
    """Restart typing with this function outlined: it calls itself, or inlining it has grown too large."""

    def __init__(self, key: Any) -> None:
        self.key = key


@dataclass(eq=False)
class Context:
    """What one typing run shares among the functions it walks."""

    captures: Captures
    outlined: set[Any] = field(default_factory=set)
    axeless: set[Loc] = field(default_factory=set)  # where arrays without axes are made in memory
    numbers: set[Loc] = field(default_factory=set)  # where they are numbers
    widened: dict[Loc, Type] = field(default_factory=dict)
    unknown: bool = False  # whether what empty lists will hold is left open
    empty: set[Loc] = field(default_factory=set)  # where lists are made empty
    instances: dict[Any, Instance] = field(default_factory=dict)
    open: list[Any] = field(default_factory=list)  # the functions whose instances are being made
    deriving: list[tuple[Any, int]] = field(
        default_factory=list
    )  # the calls of derivatives in each other, and `open` there
    inlined: dict[Any, int] = field(default_factory=dict)
    size: int = 0
    asks_for_layouts: bool = False
    written: int = 0  # operations of loops that are written out
    bounded: bool = True  # whether there may be only so many
    extra: dict[str, Function] = field(default_factory=dict)
    derived: bool = False  # whether a derivative was spliced in
    apart: list[Apart] = field(default_factory=list)  # what derivatives called inside must find apart


def specialise(
    source: FunctionSource,
    make_params: Callable[[Builder], list[AV]],
    captures: Captures,
    call: Callable[[Specialiser, list[AV]], AV] | None = None,
) -> Typed:
    """Type a function for the arguments that `make_params` describes; `call` runs it where that is not simply
    its body (the derivative of a derivative).

    `make_params(builder)` returns one abstract value a parameter (in the order of `lower(source).params`),
    emitting what has to be taken out of containers first.
    """
    from s2sad.typing.functions import load_library  # when it is needed: importing s2sad stays quick

    load_library()
    outlined: set[Any] = set()
    axeless: set[Loc] = set()
    widened: dict[Loc, Type] = {}
    unknown, bounded, for_size = False, True, False
    while True:
        captures.reset()
        context = Context(captures, outlined, axeless, widened=widened, unknown=unknown, bounded=bounded)
        walker = Specialiser(context)
        walker.builder.loc = source.loc
        try:
            params = make_params(walker.builder)
            result = call(walker, params) if call is not None else walker.enter(source, params)
        except Outline as restart:
            outlined.add(restart.key)
            continue
        except arrays.InMemory as written:
            axeless |= written.sites
            continue
        except Widen as conflict:
            if widened.get(conflict.site) == conflict.item:
                raise UnsupportedSyntaxError(
                    f"this list cannot be one of {conflict.item}s in memory",
                    conflict.site,
                    "append its elements",
                ) from None
            widened[conflict.site] = conflict.item
            for_size |= conflict.for_size
            continue
        except S2sadError as error:
            if for_size and bounded:  # not all can be in memory: all of it, one by one
                bounded = False
                widened.clear()
                continue
            if isinstance(error, KindsMeet) and (
                meeting := in_memory_where_made(walker, error.lists, widened)
            ):
                widened.update(meeting)
                continue
            if context.empty and not unknown:  # an empty list was taken for one of floats
                unknown = True
                continue
            if isinstance(error, KindsMeet):
                raise SignatureError(error.reason, error.loc, error.hint) from None
            raise
        if unknown and not context.empty.issubset(widened):  # nothing is put into them
            widened.update((site, FLOAT) for site in context.empty if site not in widened)
            continue
        refuse_returned(result, source)
        yields = tuple(leaves(result))
        callees = {i.name: i.function for i in context.instances.values() if i.function is not None}
        callees |= context.extra
        function = Function(
            source.name, (), Block((), tuple(walker.builder.ops), yields), source.loc, callees,
            derived=context.derived, layouts=walker.builder.layouts | captures.layouts,
        )  # fmt: skip
        refuse_joined(function, context.apart)
        return Typed(settled(thread_captures(function)), result, captures, context.asks_for_layouts)


def in_memory_where_made(s: Any, lists: Sequence[Any], widened: dict[Loc, Type]) -> dict[Loc, Type]:
    """The element types of lists of different lengths that meet, by where they were made; none if they cannot be held
    in memory, or are."""
    try:
        item = common_type(s, [e for av in lists for e in av.items])
    except (S2sadError, Widen):
        return {}
    return {av.site: item for av in lists if av.site not in widened}


def refuse_returned(result: AV, source: FunctionSource) -> None:
    """What a function that is differentiated returns is made of numbers, arrays and lists."""
    if isinstance(result, (TupleAV, DictAV)):
        for part in children(result):
            refuse_returned(part, source)
    elif not is_operand(result):
        raise SignatureError(
            f"{source.name}() returns {describe(result)}",
            source.loc,
            "return numbers, arrays, lists, or tuples and dicts of them",
        )


class Specialiser(Loops):
    """Walks untyped blocks; `env` maps their values to abstract ones, `builder` takes the typed operations."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.builder = Builder()
        self.builder.own_memory = True
        self.builder.meet = test_of
        self.env: dict[Value, AV] = {}
        self.source: FunctionSource | None = None
        self.stack: list[Any] = []
        self.consumers: list[Consumer] = []
        self.at_hand: Named | None = None
        self.exits: dict[Block, str] = {}
        self.siblings = calls.Siblings()
        self.caller: Loc | None = (
            None  # the call that led into the function at hand; None in the differentiated one
        )
        self.placed: dict[tuple[Loc, Loc], Loc] = {}
        self.frozen = False  # in the library: what is emitted belongs to the line of the call
        self.unrolls = False  # whether loops over constant ranges are written out
        self.bounded = True
        self.of_loops = WeakSet()
        self.used_up: frozenset[AV] = frozenset()  # iterators that something has run through

    # -- plumbing -----------------------------------------------------------------------------------

    @property
    def loc(self) -> Loc:
        return self.builder.loc

    def error(
        self, reason: str, hint: str = "", kind: type[S2sadError] = UnsupportedSyntaxError
    ) -> S2sadError:
        return kind(reason, self.builder.loc, hint)

    def get(self, operand: Operand) -> AV:
        return self.env[operand] if isinstance(operand, Value) else operand

    def number(self, av: AV, what: str = "here") -> Operand:
        """The operand of a number, or a clear refusal."""
        if is_operand(av):
            return av  # type: ignore[return-value]
        raise self.error(
            f"{describe(av)} cannot be used as a number {what}",
            "take a number out of it first",
            SignatureError,
        )

    def integer(self, av: AV, what: str) -> Operand:
        operand = self.number(av, what)
        if isinstance(operand.type, Scalar) and operand.type.kind in ("int", "bool"):
            return operand
        if operand.type is BOTTOM or isinstance(operand, Undef):
            return operand
        raise self.error(
            f"{describe(operand)} is used as {what}, which needs an integer",
            "integers given as wrt become floats and cannot be indices or bounds; pass it outside wrt, or use int()",
            SignatureError,
        )

    def static(self, av: AV) -> Any:
        """The Python value of a constant, or MISSING."""
        if isinstance(av, Const):
            return av.value
        if isinstance(av, StaticAV):
            return av.obj
        if isinstance(av, TupleAV):
            parts = [self.static(i) for i in av.items]
            return MISSING if any(p is MISSING for p in parts) else tuple(parts)
        return MISSING

    # -- functions ----------------------------------------------------------------------------------

    def enter(self, source: FunctionSource, args: list[AV]) -> AV:
        """Walk a function's body on these arguments (captured values first) and return its result."""
        outer = self.source, self.env, self.siblings, self.caller
        outer_loc = self.builder.loc
        if self.stack and not hasattr(
            source.node, "clauses"
        ):  # a comprehension is part of the function it is in
            self.caller = outer_loc
        self.stack.append(self.identity(source))
        try:
            function = lower(source)
            self.context.captures.code(source)
            self.source, self.env = source, dict(zip(function.params, args, strict=True))
            self.siblings = calls.Siblings()
            self.block(function.body)
            return self.get(function.body.yields[0])
        except S2sadError as error:
            self.locate(error)
            raise
        finally:
            self.stack.pop()
            self.source, self.env, self.siblings, self.caller = outer
            self.builder.loc = outer_loc

    def locate(self, error: S2sadError) -> None:
        """Say where an error is that does not know it, or not which call led there."""
        if error.located:
            return
        if error.loc is None:
            error.at(self.builder.loc)
        elif error.loc.caller is None and self.caller is not None and not self.frozen:
            error.at(replace(error.loc, caller=self.caller))
        error.located = True

    def at(self, loc: Loc) -> None:
        """What is emitted next belongs to this place; in the library, to the call of it."""
        if self.frozen:
            return
        if loc.caller is None and self.caller is not None:
            key = loc, self.caller
            loc = self.placed.get(key) or self.placed.setdefault(key, replace(loc, caller=self.caller))
        self.builder.loc = loc

    def call_library(self, fn: FunctionAV, args: list[AV]) -> AV:
        """Call a function of s2sad's library: inlined, its operations belong to the line of the call."""
        before, self.frozen, self.unrolls = (self.frozen, self.unrolls), True, True
        try:
            return self.enter(fn.source, args)
        finally:
            self.frozen, self.unrolls = before

    def identity(self, source: FunctionSource) -> Any:
        """What tells functions apart: of one text there are several, which see variables of their own."""
        return id(source.live if source.live is not None else source.node)

    def call_function(self, fn: FunctionAV, args: list[AV]) -> AV:
        """Call a function of the user's: inlined, or through an instance of its own."""
        key = self.identity(fn.source)
        module = str(getattr(fn.source.live, "__module__", ""))
        own = module.startswith("s2sad.library")  # they end by their constants
        if key in self.context.outlined:
            return self.invoke(fn, args)
        if key in self.stack and not own:
            raise Outline(key)
        if self.frozen:
            return self.enter(fn.source, args)
        before = len(self.builder.ops)
        result = self.enter(fn.source, args)
        grown = len(self.builder.ops) - before
        self.context.size += grown
        self.context.inlined[key] = self.context.inlined.get(key, 0) + 1
        if self.context.size > INLINE_BUDGET and grown > SMALL:
            worst = max(self.context.inlined, key=lambda k: self.context.inlined[k])
            if self.context.inlined[worst] > 1:
                raise Outline(worst)
        return result

    # -- blocks -------------------------------------------------------------------------------------

    def block(self, block: Block) -> str:
        """Walk a block; returns its exit: 'break' also where a branch decided now ends in one."""
        exit = block.exit
        for op in block.ops:
            self.at(op.loc)
            if isinstance(op, Op):
                self.op(op)
            elif isinstance(op, If):
                exit = self.branch(op) or exit
            elif isinstance(op, ForEach):
                self.for_each(op)
            elif isinstance(op, While):
                self.while_(op)
        self.exits[block] = exit
        return exit

    def op(self, op: Op) -> None:
        handler = OPERATIONS.get(op.prim)
        args = [self.get(o) for o in op.operands]
        outer, self.at_hand = self.at_hand, Named(self.source, op.results)  # type: ignore[arg-type]
        try:
            if handler is not None:
                result = handler(self, op, args)
            else:
                result = items.operator(self, op.prim, args, op)
        finally:
            self.at_hand = outer
        if len(op.results) == 1 and not isinstance(result, list):
            if op.result.hint and isinstance(result, Value) and is_memory(result.type) and not self.frozen:
                result = self.builder.rename(result, op.result.hint)
            self.env[op.result] = result
        elif op.results:
            self.env.update(zip(op.results, result, strict=True))

    def branch(self, op: If) -> str:
        """Walk a branch, or the side of it that a constant condition chooses; returns 'break' if that one leaves."""
        cond = self.truth(self.get(op.cond))
        if isinstance(cond, Const):
            chosen = op.then if cond.value else op.orelse
            exit = self.block(chosen)
            self.env.update(zip(op.results, map(self.get, chosen.yields), strict=True))
            return "break" if exit == "break" else ""
        used_up = self.used_up
        with self.builder.region() as then_ops:
            then_exit, then = self.side(op.then)
        used_up, self.used_up = self.used_up, used_up
        with self.builder.region() as else_ops:
            else_exit, orelse = self.side(op.orelse)
        self.used_up |= used_up
        if then is None and orelse is None:
            raise Unreachable
        results = self.met(
            cond,
            (then_ops, then),
            (else_ops, orelse),
            [r.hint for r in op.results],
            op.loc,
            (then_exit, else_exit),
        )
        if not (then is None or orelse is None or raises(op.then) or raises(op.orelse)):
            self.refuse_unbound(op, then, orelse)
        self.env.update(zip(op.results, results, strict=True))
        return ""

    def refuse_unbound(self, op: If, then: Sequence[AV], orelse: Sequence[AV]) -> None:
        """A function (or a module) that only one side binds has no value that could tell when it is read."""
        for r, a, b in zip(op.results, then, orelse, strict=True):
            bound = [av for av in (a, b) if not isinstance(av, Undef)]
            if (
                len(bound) != 1
                or not isinstance(bound[0], (FunctionAV, PartialAV, StaticAV))
                or "$" in r.hint
            ):
                continue
            if list(reads_of(lower(self.source), {r})):  # type: ignore[arg-type]
                raise self.error(
                    f"{r.hint!r} is {describe(bound[0])} on one side of a branch and unbound on the other",
                    "bind it on both, or use it where it is bound",
                )

    def met(
        self,
        cond: Operand,
        then: tuple[list[AnyOp], Sequence[AV] | None],
        orelse: tuple[list[AnyOp], Sequence[AV] | None],
        hints: list[str],
        loc: Loc,
        exits: tuple[str, str] = ("next", "next"),
    ) -> list[AV]:
        """Append a branch of these two sides, and return what it gives; a side without values does not come to
        its end."""
        (then_ops, a), (else_ops, b) = then, orelse
        nothing = (Undef(),) * len(hints)
        self.at(loc)
        found: list[AV] = []
        results: list[Value] = []
        columns: list[tuple[Operand, ...]] = []
        for hint, *avs in zip(hints, a or nothing, b or nothing, strict=True):

            def slot(operands: tuple[Operand, ...], type: Type, hint: str = hint) -> Operand:
                results.append(arrays.like(Value(hint, type), *operands))
                sides = zip(operands, (then_ops, else_ops), strict=True)
                columns.append(tuple(arrays.converted(self, o, type, ops) for o, ops in sides))
                return results[-1]

            found.append(self.merged(tuple(avs), slot, hint))
        then_block = Block((), tuple(then_ops), tuple(c[0] for c in columns), exits[0])
        else_block = Block((), tuple(else_ops), tuple(c[1] for c in columns), exits[1])
        self.builder.ops.append(If(cond, then_block, else_block, tuple(results), loc))
        return found

    def side(self, block: Block) -> tuple[str, tuple[AV, ...] | None]:
        """Walk a block that may not run: its exit and what it yields, None where its end is not reached."""
        try:
            return self.block(block), tuple(map(self.get, block.yields))
        except Unreachable:
            self.exits[block] = block.exit
            return block.exit, None

    def merged(self, avs: tuple[AV, ...], slot: Any, name: str) -> AV:
        try:
            return iterators.keep(self, merge(avs, slot), *avs)
        except CannotMerge as error:
            what = f"{name!r} is" if name and "$" not in name else "a value is"
            lists = all(isinstance(av, TupleAV) and av.cls is list and av.site is not None for av in avs)
            reason = f"{what} {error} depending on the path taken"
            raise KindsMeet(reason, self.loc, "give it one type on all paths", avs if lists else ()) from None

    def truth(self, av: AV) -> Operand:
        """A condition: constants decide now, numbers later; a container is true when it has elements."""
        if isinstance(av, Const):
            return const(bool(av.value))
        if isinstance(av, Value):
            if isinstance(av.type, List):
                return self.builder.emit("gt", self.builder.emit("len", av, type=INT), const(0))
            if isinstance(av.type, Array):
                only = arrays.only_number(self, av)
                if only is not av:
                    return only
                raise self.error(
                    "the truth of an array is ambiguous", "compare an element, or use np.any or np.all"
                )
            return av
        records.refuse_own(self, av, "__bool__", "__len__")
        if isinstance(av, (TupleAV, DictAV)):
            return const(bool(av.items))
        if isinstance(av, RangeAV):
            return self.builder.emit("gt", iteration.length(self, av), const(0))
        if isinstance(av, Undef):
            return av
        return const(True)


def raises(block: Block) -> bool:
    """Whether a block ends by an error."""
    last = block.ops[-1] if block.ops else None
    if isinstance(last, If):
        return raises(last.then) and raises(last.orelse)
    return isinstance(last, Op) and last.prim == "raise"
