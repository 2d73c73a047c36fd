"""Loops are typed to a fixed point; what that cannot settle has its first turn written out ahead (`first_turns`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from s2sad.errors import SignatureError
from s2sad.ir.core import AnyOp, Block, Const, For, ForEach, Operand, Undef, Value, While, body_breaks
from s2sad.ir.types import BOOL, INT, NONE, Scalar, is_memory
from s2sad.rules.builder import RANGES, const
from s2sad.typing import arrays, iteration, iterators
from s2sad.typing.abstract import (
    AV,
    GeneratorAV,
    LazyAV,
    TupleAV,
    children,
    is_operand,
    map_leaves,
)  # fmt: skip
from s2sad.typing.first_turns import MOST_FIRST_TURNS, Changes, FirstTurns, Named, changing
from s2sad.typing.instances import KindsMeet, Unreachable
from s2sad.typing.writing_out import WritingOut

Body = Callable[[AV, list[AV]], list[AV]]


@dataclass(frozen=True)
class Turns:
    """A loop over a range: the element at a number of it (None: the number), and what is done with it."""

    start: Operand
    stop: Operand
    step: Operand
    item_at: Callable[[Operand], AV] | None
    body: Body
    hints: list[str]  # names of what it carries
    hint: str  # and of its element
    op: ForEach | None
    named: Named | None


@dataclass(frozen=True)
class Consumer:
    """What is done with the elements of a generator, and what it leaves becomes."""

    run: Callable[[AV, AV], AV]
    named: Named | None


class Loops(FirstTurns, WritingOut):
    """The part of the specialiser that types loops."""

    env: dict[Value, AV]
    exits: dict[Block, str]
    consumers: list[Consumer]
    at_hand: Named | None  # what the operation at hand gives
    source: Any
    siblings: Any
    caller: Any
    block: Any
    get: Any
    merged: Any
    number: Any
    side: Any
    truth: Any
    used_up: frozenset[AV]

    def for_each(self, op: ForEach) -> None:
        iterable = self.get(op.iterable)
        iterators.use_up(self, iterable)
        init = tuple(map(self.get, op.init))

        def body(element_av: AV, carried: list[AV]) -> list[AV]:
            self.env[op.body.params[0]] = element_av
            self.env.update(zip(op.body.params[1:], carried, strict=True))
            self.block(op.body)
            return [self.get(o) for o in op.body.yields]

        hints = [p.hint for p in op.body.params[1:]]
        results = self.loop(iterable, init, body, hints, op.body.params[0].hint, op)
        self.env.update(zip(op.results, results, strict=True))

    def loop(
        self,
        iterable: AV,
        init: tuple[AV, ...],
        body: Body,
        hints: list[str],
        hint: str = "i",
        op: ForEach | None = None,
    ) -> list[AV]:
        """Run `body(element, carried)` for every element and return the carried values after the last."""
        has_break = op is not None and body_breaks(op.body)
        named = self.named(op, len(init))
        if in_turns(iterable, has_break):
            return self.consume(iterable, init, body, named)
        if isinstance(iterable, LazyAV) and iterable.kind == "enumerate":
            if in_turns(iterable.items[0], has_break):
                return self.count(iterable, init, body, named)
        static = iteration.static_elements(self, iterable)

        def loop() -> list[AV]:
            return self.over_range(
                iterable, lambda a, b, c, at: Turns(a, b, c, at, body, hints, hint, op, named), init
            )

        return loop() if static is None or has_break else self.each(static, list(init), body, loop)

    def over_range(self, iterable: AV, of: Callable[..., Turns], init: tuple[AV, ...]) -> list[AV]:
        """The turns of a loop over what has a length, by number."""
        before = len(self.builder.ops)
        bounds = iteration.iteration(self, iterable)
        taken = self.builder.ops[before:] if iterators.holds_generator(iterable) else []
        before = len(self.builder.ops)
        results = self.turns(of(*bounds), init, MOST_FIRST_TURNS)
        made = self.builder.ops[before:]
        iterators.refuse_growth(self, iterable, made)
        if taken:
            iterators.refuse_interference(self, taken, made)
        return results

    def named(self, op: ForEach | While | None, carried: int) -> Named | None:
        """What the user calls what a loop carries: of a loop that a function runs, what the call gives; of one in a
        generator, what its consumer's gives."""
        if op is None:
            made = self.at_hand
            return (
                None if made is None or len(made.values) != 1 else replace(made, values=made.values * carried)
            )
        if hasattr(self.source.node, "clauses"):
            consumed = self.consumers[-1].named
            return consumed and replace(consumed, depth=consumed.depth + 1)
        return Named(self.source, op.results)

    def turns(self, loop: Turns, init: tuple[AV, ...], first_turns: int) -> list[AV]:
        """Type a loop over a range, of which that many turns may be written out ahead."""
        loc = self.builder.loc

        def run(params: list[AV]) -> tuple[Value, list[AV]]:
            index = Value(loop.hint if loop.item_at is None else "", INT)
            self.of_loops.add(index)
            note_range(loop, index)
            item = index if loop.item_at is None else loop.item_at(index)
            if isinstance(item, Value) and item is not index:
                item = self.builder.rename(item, loop.hint)
            try:
                return index, loop.body(item, params)
            except Unreachable:
                if loop.op is not None:
                    self.exits[loop.op.body] = loop.op.body.exit
                return index, [Undef()] * len(params)

        try:
            shape, index, params, ops, yields = self.fixpoint(init, run, loop.hints, first_turns > 0)
        except Changes as changes:
            if not first_turns:
                raise changes.error from None
            self.at(loc)
            return self.first_turn(loop, init, first_turns)
        self.at(loc)
        init_ops = self.aligned(shape, init, self.builder.ops)
        yield_ops = self.aligned(shape, tuple(yields), ops)
        results_av, results = self.fresh(shape, loop.hints)
        exit_kind = self.exits[loop.op.body] if loop.op is not None else "next"
        block = Block((index, *params), tuple(ops), yield_ops, exit_kind)
        bounds = loop.start, loop.stop, loop.step
        self.builder.ops.append(For(*bounds, init_ops, block, tuple(results), loc))
        return results_av

    def first_turn(self, loop: Turns, init: tuple[AV, ...], first_turns: int) -> list[AV]:
        """A loop over a range, its first turn ahead of it."""
        start, stop, step = loop.start, loop.stop, loop.step

        def turn() -> tuple[str, list[AV] | None]:
            item = start if loop.item_at is None else loop.item_at(start)
            if isinstance(item, Value) and loop.item_at is not None:
                item = self.builder.rename(item, loop.hint)
            try:
                carried = loop.body(item, list(init))
                return "next" if loop.op is None else self.exits[loop.op.body], carried
            except Unreachable:
                return "next", None

        def others(carried: list[AV]) -> list[AV]:
            following = self.builder.emit("add", start, step, type=INT)
            return self.turns(replace(loop, start=following), tuple(carried), first_turns - 1)

        if isinstance(step, Const):
            runs = self.builder.emit("gt" if step.value > 0 else "lt", stop, start, type=BOOL)
        else:
            trips = self.builder.emit("trip_count", start, stop, step, type=INT)
            runs = self.builder.emit("gt", trips, const(0))
        return self.ahead(runs, turn, others, list(init), loop.hints, loop.named)

    def fixpoint(
        self,
        init: tuple[AV, ...],
        run: Callable[[list[AV]], tuple[Value, list[AV]]],
        hints: list[str],
        changes: bool,
    ) -> Any:
        """Type a loop body until the carried values' types settle; the last round's operations are kept."""
        shape: list[AV] = [self.generalise(av) for av in init]
        written = self.context.written
        for _ in range(12):
            self.context.written = written
            params_av, params = self.fresh(shape, hints)
            with self.builder.region() as ops, changing():
                index, yields = run(params_av)
            joined = self.settled(shape, yields, hints, changes)
            if [self.signature(s) for s in joined] == [self.signature(s) for s in shape]:
                return shape, index, params, ops, yields
            shape = joined
        raise self.error(
            "the types of the values this loop carries do not settle",
            "give each variable one type",
            SignatureError,
        )

    def generalise(self, av: AV) -> AV:
        """What a carried value starts as: number constants are variables of their type, texts stay constant."""

        def leaf(o: Operand) -> AV:
            if isinstance(o, Undef) or (isinstance(o, Const) and not isinstance(o.type, Scalar)):
                return o
            return arrays.like(Value("", o.type), o)

        return map_leaves(av, leaf)

    def settled(self, shape: list[AV], avs: list[AV], hints: list[str], changes: bool) -> list[AV]:
        """What a loop carries into a turn and out of it; with `changes`, None is of another kind than memory."""
        found = []
        for s, av, name in zip(shape, avs, hints, strict=True):
            try:
                found.append(
                    self.merged((s, av), lambda operands, type: arrays.like(Value("", type), *operands), name)
                )
            except KindsMeet as error:
                raise Changes(error) from None
            if (
                changes
                and isinstance(s, Const)
                and s.type == NONE
                and isinstance(av, Value)
                and is_memory(av.type)
            ):
                raise Changes(self.error("None, then memory"))
        return found

    def fresh(self, shape: list[AV], hints: list[str]) -> tuple[list[AV], list[Value]]:
        made: list[Value] = []
        avs = []
        for s, hint in zip(shape, hints, strict=True):

            def leaf(o: Operand, hint: str = hint) -> AV:
                if isinstance(o, Value):
                    made.append(Value(hint, o.type))
                    self.of_loops.add(made[-1])
                    arrays.like(made[-1], o)
                    return made[-1]
                return o

            avs.append(map_leaves(s, leaf))
        return avs, made

    def aligned(self, shape: list[AV], avs: tuple[AV, ...], ops: list[AnyOp]) -> tuple[Operand, ...]:
        """The operands of `avs` at the leaves that are variables in `shape`; `ops` takes what converts them."""
        out: list[Operand] = []

        def visit(s: AV, av: AV) -> None:
            if isinstance(s, Value):
                out.append(arrays.converted(self, av, s.type, ops) if is_operand(av) else Undef())  # type: ignore[arg-type]
                return
            for i, child in enumerate(children(s)):
                visit(child, Undef() if isinstance(av, Undef) else children(av)[i])

        for s, av in zip(shape, avs, strict=True):
            visit(s, av)
        return tuple(out)

    def while_(self, op: While) -> None:
        results = self.while_turns(op, list(map(self.get, op.init)), MOST_FIRST_TURNS)
        self.env.update(zip(op.results, results, strict=True))

    def tested(self, op: While, avs: list[AV]) -> tuple[Operand, list[AV]]:
        self.env.update(zip(op.test.params, avs, strict=True))
        self.block(op.test)
        cond = self.truth(self.get(op.test.yields[0]))
        return cond, [self.get(o) for o in op.test.yields[1:]]

    def while_turns(self, op: While, init: list[AV], first_turns: int) -> list[AV]:
        """Type a `while` loop, of which that many turns may be written out ahead."""
        used_up = self.used_up
        with self.builder.region() as first_test:
            runs, left = self.tested(op, init)
        if isinstance(runs, Const) and not runs.value:  # known not to
            self.builder.ops += first_test
            return left
        self.used_up = used_up
        hints = [p.hint for p in op.test.params]
        shape: list[AV] = [self.generalise(av) for av in init]
        written = self.context.written
        for _ in range(12):
            self.context.written = written
            test_avs, test_params = self.fresh(shape, hints)
            try:
                with self.builder.region() as test_ops, changing():
                    cond, tested = self.tested(op, test_avs)
                shape2 = self.settled(shape, tested, hints, first_turns > 0)
                body_avs, body_params = self.fresh(shape2, hints)
                with self.builder.region() as ops, changing():
                    self.env.update(zip(op.body.params, body_avs, strict=True))
                    yields = list(self.side(op.body)[1] or (Undef(),) * len(op.results))
                joined = self.settled(shape2, yields, hints, first_turns > 0)
            except Changes as changes:
                if not first_turns:
                    raise changes.error from None
                self.at(op.loc)
                return self.first_while(op, init, hints, first_turns)
            if [self.signature(s) for s in joined] == [self.signature(s) for s in shape]:
                break
            shape = joined
        else:
            raise self.error(
                "the types of the values this loop carries do not settle",
                "give each variable one type",
                SignatureError,
            )
        self.at(op.loc)
        results_av, results = self.fresh(shape, hints)
        test_yields = self.aligned(shape, tuple(tested), test_ops)
        test = Block(tuple(test_params), tuple(test_ops), (cond, *test_yields))
        body_yields = self.aligned(shape, tuple(yields), ops)
        body = Block(tuple(body_params), tuple(ops), body_yields, self.exits[op.body])
        init_ops = self.aligned(shape, tuple(init), self.builder.ops)
        self.builder.ops.append(While(init_ops, test, body, tuple(results), op.loc))
        return results_av

    def first_while(self, op: While, init: list[AV], hints: list[str], first_turns: int) -> list[AV]:
        """A `while` loop, its first turn ahead of it."""
        runs, before = self.tested(op, init)
        self.at(op.loc)

        def turn() -> tuple[str, list[AV] | None]:
            self.env.update(zip(op.body.params, before, strict=True))
            exit, yields = self.side(op.body)
            return exit, None if yields is None else list(yields)

        def others(carried: list[AV]) -> list[AV]:
            return self.while_turns(op, carried, first_turns - 1)

        return self.ahead(runs, turn, others, before, hints, self.named(op, len(init)))

    # -- generators ---------------------------------------------------------------------------------

    def consume(self, gen: GeneratorAV, init: tuple[AV, ...], body: Body, named: Named | None) -> list[AV]:
        outer = self.source, self.env, self.siblings, self.caller

        def run(item: AV, state: AV) -> AV:
            assert isinstance(state, TupleAV)
            inner = self.source, self.env, self.siblings, self.caller
            self.source, self.env, self.siblings, self.caller = outer
            try:
                return TupleAV(tuple(body(item, list(state.items))))
            finally:
                self.source, self.env, self.siblings, self.caller = inner

        self.consumers.append(Consumer(run, named))
        try:
            result = self.enter(gen.function.source, [*gen.function.captured, TupleAV(init)])
        finally:
            self.consumers.pop()
        assert isinstance(result, TupleAV)
        return list(result.items)

    def count(self, numbered: LazyAV, init: tuple[AV, ...], body: Body, named: Named | None) -> list[AV]:
        """A generator under enumerate(): its elements are computed as the loop comes to them."""
        generator, start = numbered.items
        assert isinstance(generator, GeneratorAV)

        def numbered_body(item: AV, carried: list[AV]) -> list[AV]:
            *rest, number = carried
            following = self.builder.emit("add", self.number(number), const(1), type=INT)
            return [*body(TupleAV((number, item)), rest), following]

        values = None if named is None else replace(named, values=(*named.values, *named.values[:1]))
        return self.consume(generator, (*init, start), numbered_body, values)[:-1]


def in_turns(av: AV, has_break: bool) -> TypeGuard[GeneratorAV]:
    """Whether a loop's body can stand where a generator gives its elements; to leave it, it must leave one loop."""
    return isinstance(av, GeneratorAV) and not (has_break and len(av.function.source.node.clauses) > 1)


def note_range(loop: Turns, index: Value) -> None:
    """Keep what an index goes from and to."""
    step = loop.step.value if isinstance(loop.step, Const) else 0
    if step > 0:
        RANGES[index] = (loop.start, 0), (loop.stop, -1)
    elif step < 0:
        RANGES[index] = (loop.stop, 1), (loop.start, 0)
