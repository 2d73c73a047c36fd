"""Loops are typed to a fixed point. Where what a variable holds is of another kind after the first turn than before
it (`total = 0.0`, then an array; `previous = None`, then a row), the first turn is written out ahead of the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeGuard
from weakref import WeakSet

from s2sad.analysis.uses import use_counts
from s2sad.errors import S2sadError, SignatureError
from s2sad.frontend.lower import lower
from s2sad.ir.core import (
    AnyOp,
    Block,
    Const,
    For,
    ForEach,
    If,
    Op,
    Operand,
    Undef,
    Value,
    While,
    operands,
    walk,
)  # fmt: skip
from s2sad.ir.types import BOOL, INT, NONE, Array, List, Scalar, is_memory
from s2sad.rules.arrays import dtype_of
from s2sad.rules.arrays import emit as emit_array
from s2sad.rules.builder import const
from s2sad.typing import arrays, calls, iteration, iterators
from s2sad.typing.abstract import (
    AV,
    CannotMerge,
    GeneratorAV,
    LazyAV,
    TupleAV,
    children,
    describe,
    is_operand,
    map_leaves,
    merge,
    rebuild,
)
from s2sad.typing.instances import Instances, KindsMeet, Unreachable

MOST_FIRST_TURNS = 3  # of one loop: `before, previous = previous, row` is settled after two

ARITHMETIC = frozenset({"add", "sub", "mul", "div", "pow", "neg", "pos"})

Body = Callable[[AV, list[AV]], list[AV]]
Bounds = tuple[Operand, Operand, Operand, Callable[[Operand], AV] | None]  # start, stop, step, element at


class Changes(Exception):
    """What a loop carries is of another kind after a turn than before it; `error` says so to the user."""

    def __init__(self, error: S2sadError) -> None:
        self.error = error


def can_merge(a: AV, b: AV) -> bool:
    try:
        merge((b, a), lambda operands, type: Value("", type))
    except CannotMerge:
        return False
    return True


def is_number_for(a: AV, b: AV) -> bool:
    """Whether there is a number where there would be an array."""
    return is_operand(a) and isinstance(a.type, Scalar) and isinstance(b, Value) and isinstance(b.type, Array)


@contextmanager
def changing() -> Iterator[None]:
    """A turn of a loop, in which what is carried may meet what it will be after it."""
    try:
        yield
    except KindsMeet as error:
        raise Changes(error) from None


class Loops(Instances):
    """The part of the specialiser that types loops."""

    builder: Any
    of_loops: WeakSet[Operand]  # the numbers of turns, and what loops carry
    env: dict[Value, AV]
    exits: dict[Block, str]
    consumers: list[Callable[[AV, AV], AV]]
    source: Any
    siblings: Any
    at: Any
    block: Any
    get: Any
    merged: Any
    met: Any
    number: Any
    side: Any
    truth: Any

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
        has_break = op is not None and _breaks(op.body)
        if in_turns(iterable, has_break):
            return self.consume(iterable, init, body)
        if isinstance(iterable, LazyAV) and iterable.kind == "enumerate":
            if in_turns(iterable.items[0], has_break):
                return self.count(iterable, init, body)
        static = iteration.static_elements(self, iterable)
        if static is not None and (not has_break) and len(static) <= 64:
            carried = list(init)
            for item in static:
                carried = body(item, carried)
            return carried
        before = len(self.builder.ops)
        bounds = iteration.iteration(self, iterable)
        taken = self.builder.ops[before:] if iterators.holds_generator(iterable) else []
        before = len(self.builder.ops)
        results = self.turns(bounds, init, body, hints, hint, op, MOST_FIRST_TURNS)
        made = self.builder.ops[before:]
        iterators.refuse_growth(self, iterable, made)
        if taken:
            iterators.refuse_interference(self, taken, made)
        return results

    def turns(
        self,
        bounds: Bounds,
        init: tuple[AV, ...],
        body: Body,
        hints: list[str],
        hint: str,
        op: ForEach | None,
        first_turns: int,
    ) -> list[AV]:
        """Type a loop over a range, of which that many turns may be written out ahead."""
        start, stop, step, item_at = bounds
        loc = self.builder.loc

        def run(params: list[AV]) -> tuple[Value, list[AV]]:
            index = Value(hint if item_at is None else "", INT)
            self.of_loops.add(index)
            item = index if item_at is None else item_at(index)
            if isinstance(item, Value) and item is not index:
                item = self.builder.rename(item, hint)
            try:
                return index, body(item, params)
            except Unreachable:
                if op is not None:
                    self.exits[op.body] = op.body.exit
                return index, [Undef()] * len(params)

        try:
            shape, index, params, ops, yields = self.fixpoint(init, run, hints, first_turns > 0)
        except Changes as changes:
            if not first_turns:
                raise changes.error from None
            self.at(loc)
            return self.first_turn(bounds, init, body, hints, hint, op, first_turns)
        self.at(loc)
        init_ops = self.aligned(shape, init, self.builder.ops)
        yield_ops = self.aligned(shape, tuple(yields), ops)
        results_av, results = self.fresh(shape, hints)
        exit_kind = self.exits[op.body] if op is not None else "next"
        block = Block((index, *params), tuple(ops), yield_ops, exit_kind)
        self.builder.ops.append(For(start, stop, step, init_ops, block, tuple(results), loc))
        return results_av

    def first_turn(
        self,
        bounds: Bounds,
        init: tuple[AV, ...],
        body: Body,
        hints: list[str],
        hint: str,
        op: ForEach | None,
        first_turns: int,
    ) -> list[AV]:
        """A loop over a range, its first turn ahead of it."""
        start, stop, step, item_at = bounds

        def turn() -> tuple[str, list[AV] | None]:
            item = start if item_at is None else item_at(start)
            if isinstance(item, Value) and item_at is not None:
                item = self.builder.rename(item, hint)
            try:
                carried = body(item, list(init))
                return "next" if op is None else self.exits[op.body], carried
            except Unreachable:
                return "next", None

        def others(carried: list[AV]) -> list[AV]:
            following = (self.builder.emit("add", start, step, type=INT), stop, step, item_at)
            return self.turns(following, tuple(carried), body, hints, hint, op, first_turns - 1)

        if isinstance(step, Const):
            runs = self.builder.emit("gt" if step.value > 0 else "lt", stop, start, type=BOOL)
        else:
            runs = self.builder.emit(
                "gt", self.builder.emit("trip_count", start, stop, step, type=INT), const(0)
            )
        results = () if op is None else op.results
        return self.ahead(runs, turn, others, list(init), hints, results)

    def ahead(
        self,
        runs: Operand,
        turn: Callable[[], tuple[str, list[AV] | None]],
        others: Callable[[list[AV]], list[AV]],
        init: list[AV],
        hints: list[str],
        results: tuple[Value, ...],
    ) -> list[AV]:
        """Where a loop runs: one turn of it, and unless that leaves the loop, the others."""
        if isinstance(runs, Const) and not runs.value:
            return init
        loc = self.builder.loc
        with self.builder.region() as ops:
            with self.builder.region() as turn_ops:
                exit, after = turn()
            turn_ops, left = leaving(turn_ops, exit)
            self.builder.ops += turn_ops
            self.at(loc)
            if after is not None and left is None:
                after = others(after)
            elif after is not None and not isinstance(left, Const):
                with self.builder.region() as other_ops:
                    later = others(after)
                after = self.met(left, ([], after), (other_ops, later), hints, loc)
        self.at(loc)
        if isinstance(runs, Const):
            self.builder.ops += ops
            return [Undef(h) for h in hints] if after is None else after
        with self.builder.region() as none_ops:
            spread = self.varies(runs)
            unchanged = init if after is None else self.unchanged(init, after, hints, results, spread)
        return self.met(runs, (ops, after), (none_ops, unchanged), hints, loc)  # type: ignore[no-any-return]

    def varies(self, v: Operand, seen: int = 0) -> bool:
        """Whether a number depends on a loop around, or on the length of a list: then a loop may well not run."""
        made = self.builder.defs.get(v) if isinstance(v, Value) else None
        if made is None or seen > 8:
            return v in self.of_loops
        if made.prim == "len" and isinstance(made.operands[0].type, List):
            return True
        return any(self.varies(o, seen + 1) for o in made.operands)

    def unchanged(
        self,
        init: list[AV],
        after: list[AV],
        hints: list[str],
        results: tuple[Value, ...],
        spread: bool,
    ) -> list[AV] | None:
        """What a loop that does not run leaves of what it carries: nothing where it is of another kind than after a
        turn, and then reading it is refused when it happens. With `spread`, a number in place of an array is an array
        of one element, which is the same to arithmetic and to sums."""
        found = list(init)
        read = use_counts(lower(self.source)) if results else {}
        for k, (a, b, name) in enumerate(zip(init, after, hints, strict=True)):
            if can_merge(a, b):
                continue
            apart = bool(results) and not self.consumers and self.is_taken_apart(results[k])
            alike = None if apart or not spread else self.spread_out(a, b)
            found[k] = Undef(name) if alike is None else alike
            if alike is None and (not results or read[results[k]]):
                reason = (
                    f"{name!r} is {describe(a)} where this loop does not run, and {describe(b)} where it does"
                )
                raised = calls.static_call(
                    self, ValueError, [const(f"line {self.builder.loc.line}: {reason}")], {}, ""
                )
                self.builder.effect("raise", raised)
                return None
        return found

    def spread_out(self, a: AV, b: AV) -> AV | None:
        """A value with arrays of one element where another has arrays and it has numbers; None if that is not all in
        which they differ."""
        if can_merge(a, b):
            return a
        if is_operand(a):
            return self.of_one_element(a, b) if is_number_for(a, b) else None  # type: ignore[arg-type]
        if type(a) is not type(b) or len(children(a)) != len(children(b)):
            return None
        parts = [self.spread_out(x, y) for x, y in zip(children(a), children(b), strict=True)]
        return None if None in parts else rebuild(a, tuple(parts))  # type: ignore[arg-type]

    def is_taken_apart(self, v: Value) -> bool:
        """Whether anything but arithmetic reads a value: it could tell an array of one element from a number."""
        function = lower(self.source)
        uses = use_counts(function)
        handed_on: list[Operand] = [*function.body.yields]
        for op in walk(function.body):
            if isinstance(op, (For, ForEach, While)):  # what a loop carries and nobody reads does not count
                params = op.body.params if isinstance(op, While) else op.body.params[1:]
                columns = zip(op.results, params, op.body.yields, strict=True)
                handed_on += [y for r, p, y in columns if uses[r] or uses[p]]
            elif isinstance(op, If):
                sides = zip(op.results, op.then.yields, op.orelse.yields, strict=True)
                handed_on += [y for r, *both in sides if uses[r] for y in both]  # type: ignore[misc]
            if v in operands(op) and not (
                isinstance(op, Op) and op.prim in ARITHMETIC and not op.attr("inplace")
            ):
                return True
        return v in handed_on

    def of_one_element(self, number: Operand, like: Value) -> Operand:
        assert isinstance(like.type, Array)
        sizes = [const(1)] * like.type.ndim
        spread = emit_array(self.builder, "numpy.broadcast_to", number, *sizes)
        if dtype_of(spread) != like.type.dtype:
            t = replace(spread.type, dtype=like.type.dtype)  # type: ignore[type-var]
            return self.builder.emit("astype", spread, type=t, dtype=like.type.dtype)  # type: ignore[no-any-return]
        return self.builder.emit("copy", spread, type=spread.type)  # type: ignore[no-any-return]

    def fixpoint(
        self,
        init: tuple[AV, ...],
        run: Callable[[list[AV]], tuple[Value, list[AV]]],
        hints: list[str],
        changes: bool,
    ) -> Any:
        """Type a loop body until the carried values' types settle; the last round's operations are kept."""
        shape: list[AV] = [self.generalise(av) for av in init]
        for _ in range(12):
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
            return Value("", o.type)

        return map_leaves(av, leaf)

    def settled(self, shape: list[AV], avs: list[AV], hints: list[str], changes: bool) -> list[AV]:
        """What a loop carries into a turn and out of it; with `changes`, None is of another kind than memory."""
        found = []
        for s, av, name in zip(shape, avs, hints, strict=True):
            try:
                found.append(self.merged((s, av), lambda operands, type: Value("", type), name))
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
        hints = [p.hint for p in op.test.params]
        shape: list[AV] = [self.generalise(av) for av in init]
        for _ in range(12):
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

        return self.ahead(runs, turn, others, before, hints, op.results)

    # -- generators ---------------------------------------------------------------------------------

    def consume(
        self, gen: GeneratorAV, init: tuple[AV, ...], body: Callable[[AV, list[AV]], list[AV]]
    ) -> list[AV]:
        outer = self.source, self.env, self.siblings

        def consumer(item: AV, state: AV) -> AV:
            assert isinstance(state, TupleAV)
            inner = self.source, self.env, self.siblings
            self.source, self.env, self.siblings = outer
            try:
                return TupleAV(tuple(body(item, list(state.items))))
            finally:
                self.source, self.env, self.siblings = inner

        self.consumers.append(consumer)
        try:
            result = self.enter(gen.function.source, [*gen.function.captured, TupleAV(init)])
        finally:
            self.consumers.pop()
        assert isinstance(result, TupleAV)
        return list(result.items)

    def count(
        self, numbered: LazyAV, init: tuple[AV, ...], body: Callable[[AV, list[AV]], list[AV]]
    ) -> list[AV]:
        """A generator under enumerate(): its elements are computed as the loop comes to them."""
        generator, start = numbered.items
        assert isinstance(generator, GeneratorAV)

        def numbered_body(item: AV, carried: list[AV]) -> list[AV]:
            *rest, number = carried
            following = self.builder.emit("add", self.number(number), const(1), type=INT)
            return [*body(TupleAV((number, item)), rest), following]

        return self.consume(generator, (*init, start), numbered_body)[:-1]


def in_turns(av: AV, has_break: bool) -> TypeGuard[GeneratorAV]:
    """Whether a loop's body can stand where a generator gives its elements; to leave it, it must leave one loop."""
    return isinstance(av, GeneratorAV) and not (has_break and len(av.function.source.node.clauses) > 1)


def _breaks(block: Block) -> bool:
    if block.exit == "break":
        return True
    last = block.ops[-1] if block.ops else None
    return isinstance(last, If) and (_breaks(last.then) or _breaks(last.orelse))


def leaving(ops: list[AnyOp], exit: str) -> tuple[list[AnyOp], Operand | None]:
    """A turn of a loop outside of it: its operations, and whether it leaves the loop (None: it never does)."""
    if exit == "break":
        return ops, const(True)
    if ops and isinstance(ops[-1], If) and _leaves(ops[-1]):
        made, left = _flagged(ops[-1])
        return [*ops[:-1], made], left
    return ops, None


def _flagged(op: If) -> tuple[If, Value]:
    """A branch some of whose leaves end a loop, with a result more that says whether one did."""

    def side(block: Block) -> Block:
        last = block.ops[-1] if block.ops else None
        if block.exit == "break":
            return replace(block, yields=(*block.yields, const(True)), exit="next")
        if isinstance(last, If) and _leaves(last):
            made, left = _flagged(last)
            return replace(block, ops=(*block.ops[:-1], made), yields=(*block.yields, left))
        return replace(block, yields=(*block.yields, const(False)))

    left = Value("", BOOL)
    return replace(op, then=side(op.then), orelse=side(op.orelse), results=(*op.results, left)), left


def _leaves(op: If) -> bool:
    return _breaks(op.then) or _breaks(op.orelse)
