"""What of the forward sweep the reverse sweep stores, and what it computes again.

A value of a loop's iteration that the reverse sweep reads is asked for while the reverse of its block is written,
and decided on when that is complete (`head`), with all that is asked for known: what costs little from what is
there anyway is computed again; the rest comes from the fewest values that the cheap arithmetic can start from, a
minimum cut of the block's graph of definitions and uses. Where doing the dear operations again too leaves nothing
to store, as in a loop whose iterations are independent, they are done again: the forward loop is often dead then.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from s2sad.analysis.aliases import WRITES
from s2sad.ir.core import AnyOp, Block, Const, For, If, Op, Operand, Undef, Value, While, breaks, walk
from s2sad.ir.types import BOOL, Array, Scalar, Tape, carries_derivative, element, is_float, is_memory
from s2sad.rules.effects import is_view
from s2sad.rules.registry import PRIMS
from s2sad.switches import EXACT, Change
from s2sad.transform.reverse.counting import counted_at_end, counted_at_start
from s2sad.transform.reverse.cuts import minimum_cut
from s2sad.transform.reverse.restoring import is_read_again
from s2sad.transform.reverse.scopes import Scope
from s2sad.transform.reverse.snapshots import copied_load, take

if TYPE_CHECKING:
    from s2sad.transform.reverse.core import Reverse

KEPT_RESULTS = Change("kept_results", EXACT)
CHEAP = 1  # cost of an operation that is done again rather than stored
LOAD = 2
WHOLE = frozenset(
    {"len", "trip_count", "extract", "constant", "builtins.min", "builtins.max", "element", "floordiv", "mod"}
)
ARITHMETIC = frozenset({"add", "sub", "mul", "div", "neg"})  # done again on arrays, where that is compiled
ARRAY = 7  # the cost of that
BUDGET = 16  # what computing one value again may cost
INDEPENDENT = 80  # the same where it saves all storage of the block
STORE, OUTSIDE, REFERENCE = 8, 1, 64  # what storing costs: a number, one of a loop further out, an array
NEVER = 10**9


def available(r: Reverse, v: Value, scope: Scope) -> Operand:
    """A value of the forward sweep as the reverse of its own block can read it."""
    if v in r.waiting:
        take(r, v)
    if scope.kind == "function":
        return v
    found = scope.cache.get(v)
    if found is None:
        if scope.loop is None:
            found = done_again(r, v, scope, 0) or exported(r, v, scope)
        else:
            found = scope.wanted[v] = Value(v.hint, v.type)
        scope.cache[v] = found
    return found


def scope_of(r: Reverse, v: Value, scope: Scope) -> Scope | None:
    """The scope of the block that defines a value, seen from one inside it."""
    home = r.home[v]
    at: Scope | None = scope
    while at is not None and at.block is not home:
        at = at.parent
    return at


# -- outside loops: locals that are still there ---------------------------------------------------------------


def done_again(r: Reverse, v: Value, scope: Scope, depth: int) -> Operand | None:
    """In a branch outside loops: what costs nothing is read again where it is needed."""
    op = r.defs.get(v)
    if not isinstance(op, Op) or depth > 4 or not reads_again(r, op):
        return None
    arguments = []
    for o in op.operands:
        at = within_reach(r, o, scope, depth + 1)
        if at is None:
            return None
        arguments.append(at)
    result = Value(v.hint, v.type)
    scope.head.append(Op(op.prim, tuple(arguments), (result,), r.head_loc(scope), op.attrs))
    return result


def within_reach(r: Reverse, operand: Operand, scope: Scope, depth: int) -> Operand | None:
    """The operand, if reading it in this branch needs no result of the branch."""
    if not isinstance(operand, Value):
        return operand
    at = scope_of(r, operand, scope)
    if at is None:
        return None
    if at.kind == "function":
        return operand
    if operand not in at.cache:
        found = done_again(r, operand, at, depth)
        if found is None:
            return None
        at.cache[operand] = found
    return at.cache[operand]


def exported(r: Reverse, v: Value, scope: Scope) -> Operand:
    """A value of a branch outside loops becomes one more result of the branch."""
    op, parent = scope.owner, scope.parent
    assert isinstance(op, If) and parent is not None
    out = Value(v.hint, v.type)
    nothing = Undef(v.hint, v.type, unread=True)
    pair = (v, nothing) if op.then is scope.block else (nothing, v)
    r.extras.results[op].append((*pair, out))
    assert parent.block is not None
    r.home[out] = parent.block
    r.sites[out] = r.extras.after[op]
    return available(r, out, parent)


# -- what may be computed again -------------------------------------------------------------------------------


def reads_again(r: Reverse, op: Op) -> bool:
    """Whether an operation reads what is there anyway: an element nobody writes, a size, an integer made of those."""
    if op.prim == "load":
        a = op.operands[0]
        if not isinstance(a, Value) or isinstance(a.type, Tape):
            return False
        return not r.written_after(a, op) or is_read_again(r, op)
    if op.prim in ("shape", "len") and isinstance(op.operands[0].type, Array):  # writes change no sizes
        return True
    if op.prim == "len":
        a = op.operands[0]
        return isinstance(a, Value) and not r.written_after(a, op)
    if op.prim in ("extract", "constant"):
        return True
    whole = (op.prim in WHOLE or op.prim in ("add", "sub", "mul", "neg")) and not carries_derivative(
        op.result.type
    )
    return whole and is_still_there(r, op)


def again(r: Reverse, op: AnyOp | None, dear: bool) -> int | None:
    """What it costs to do an operation again; None if that may give something else, or costs too much."""
    if not isinstance(op, Op) or len(op.results) != 1:
        return None
    if is_view(op) and not any(is_memory(o.type) for o in op.operands[1:]):
        return LOAD
    if reads_again(r, op):
        return LOAD if op.prim == "load" else CHEAP
    if (
        r.fn.compiled
        and op.prim in ARITHMETIC
        and isinstance(op.result.type, Array)
        and is_still_there(r, op)
    ):
        return ARRAY
    rule = PRIMS.get(op.prim)
    if rule is None or rule.effect not in ("none", "raises") or op.attrs:
        return None
    if not all(isinstance(o.type, Scalar) for o in (op.result, *op.operands)):
        return None
    square = op.prim == "pow" and isinstance(op.operands[1], Const) and op.operands[1].value == 2
    cost = CHEAP if square else rule.cost
    return cost if dear or cost <= CHEAP else None


def is_still_there(r: Reverse, op: Op) -> bool:
    """Whether the arrays that an operation reads are not written after it, and its result never."""
    if r.aliases.is_written(op.result) or r.aliases.is_joined(op.result):
        return False
    arrays = [o for o in op.operands if isinstance(o.type, Array)]
    return all(isinstance(o, Value) and not r.written_after(o, op) for o in arrays)


def of_argument(r: Reverse, op: Op) -> Op:
    """The size of an array as that of an argument that has the same, which needs no reference to the array."""
    from s2sad.transform.reverse.arrays import origins

    a = op.operands[0] if op.prim in ("len", "shape") else None
    if a is None or not isinstance(a.type, Array):
        return op
    size = a.type.dims[op.attr("axis") if op.prim == "shape" else 0]
    origin = origins(r).get(size) if size is not None and not isinstance(size, int) else None
    if origin is None or origin[0] is a:
        return op
    if origin[1] == 0:
        return Op("len", (origin[0],), op.results, op.loc)
    return Op("shape", (origin[0],), op.results, op.loc, (("axis", origin[1]),))


# -- the plan of a block --------------------------------------------------------------------------------------


def head(r: Reverse, scope: Scope) -> list[AnyOp]:
    """What opens the reverse of a block: the values of the forward sweep that it reads, in their order."""
    if scope.wanted:
        plan = Plan(r, scope, dear=True)
        if any(plan.price(v) > OUTSIDE for v in plan.kept):
            plan = Plan(r, scope, dear=False)
        elif KEPT_RESULTS and r.fn.compiled and plan.reads_what_its_loop_writes():
            other = Plan(r, scope, dear=False)
            if sum(map(other.price, other.kept)) < plan.done_again() - other.done_again():
                plan = other
        plan.write()
    return scope.head


class Plan:
    """Which values of a block are kept (`kept`), for those that are wanted of it."""

    def __init__(self, r: Reverse, scope: Scope, dear: bool) -> None:
        assert scope.block is not None
        self.r, self.scope, self.block, self.dear = r, scope, scope.block, dear
        self.budget = INDEPENDENT if dear else BUDGET
        self.cost: dict[Value, int] = {}  # what is computed again from what is there, at this cost
        self.steps: dict[Value, Op] = {}
        self.own: dict[Value, int] = {}  # what each step costs by itself
        for made in counted_at_start(r, scope):
            self.settle(made)
        for op in self.block.ops:
            for made in counted_at_end(r, scope, op):
                self.settle(made)
            self.consider(op)
        for v, op in scope.made.items():
            self.steps[v] = op
            if self.cost_of(op.operands[0]) is not None:
                self.cost[v] = 0
        missing = [v for v in scope.wanted if v not in self.cost]
        self.kept: set[Value] = self.cut(missing) if missing else set()

    def consider(self, op: AnyOp) -> None:
        own = again(self.r, op, self.dear)
        if own is None:
            op = self.as_stored(op) or self.as_copied(op)  # type: ignore[assignment]
            if op is None:
                return
            own = LOAD
        assert isinstance(op, Op)
        op = self.steps[op.result] = of_argument(self.r, op)
        self.own[op.result] = own
        costs = [self.cost_of(o) for o in op.operands]
        total = own + sum(c for c in costs if c is not None)
        if None not in costs and total <= self.budget:
            self.cost[op.result] = 0 if op.result in self.scope.wanted else total

    def settle(self, op: Op) -> None:
        """How a value is computed again, if what it is computed from is there."""
        self.steps[op.result] = op
        costs = [self.cost_of(o) for o in op.operands]
        total = CHEAP + sum(c for c in costs if c is not None)
        if None not in costs and total <= self.budget:
            self.cost[op.result] = 0 if op.result in self.scope.wanted else total

    def as_copied(self, op: AnyOp) -> Op | None:
        return copied_load(self.r, op) if isinstance(op, Op) and op.prim == "load" else None

    def as_stored(self, op: AnyOp) -> Op | None:
        """What a store put into a cell that is not written again, as the load of it."""
        if not (isinstance(op, Op) and op.prim == "store"):
            return None
        a, *at, v = op.operands
        if (
            not isinstance(a, Value)
            or not isinstance(v, Value)
            or self.r.home[v] is not self.block
            or v in self.cost
        ):
            return None
        same = is_float(v.type) and element(a.type) in (v.type, replace(v.type, dtype="float64"))  # type: ignore[type-var]
        if not same or self.r.written_after(a, op) or None in map(self.cost_of, (a, *at)):
            return None
        return Op("load", (a, *at), (v,), op.loc)

    def cost_of(self, operand: Operand) -> int | None:
        """What an operand costs where this block's reverse reads it; None if it has to be stored for that."""
        if not isinstance(operand, Value):
            return 0
        at = scope_of(self.r, operand, self.scope)
        if at is None:
            return None
        if at is self.scope:
            settled = operand in at.cache and operand not in at.wanted
            return 0 if settled else self.cost.get(operand)
        return (
            0 if at.kind == "function" or operand in at.cache or self.cheap_outside(operand, at, 0) else None
        )

    def cheap_outside(self, v: Value, at: Scope, depth: int) -> bool:
        """Whether a value of a block further out can be computed again there."""
        op = self.r.defs.get(v)
        if not isinstance(op, Op) or depth > 4 or again(self.r, op, dear=False) is None:
            return False
        for o in op.operands:
            if isinstance(o, Value):
                home = scope_of(self.r, o, at)
                if home is None:
                    return False
                there = home.kind == "function" or o in home.cache
                if not there and not self.cheap_outside(o, home, depth + 1):
                    return False
        return True

    def cut(self, missing: list[Value]) -> set[Value]:
        """The cheapest values to keep, such that all that are missing follow from them."""
        uses: dict[Value, list[Value]] = {v: [] for v in missing}
        sources: list[Value] = []
        todo = list(missing)
        while todo:
            v = todo.pop()
            step = self.steps.get(v)
            if step is None:
                sources.append(v)
                continue
            for o in step.operands:
                if self.cost_of(o) is None:
                    assert isinstance(o, Value)
                    if o not in uses:
                        uses[o] = []
                        todo.append(o)
                    uses[o].append(v)
        return minimum_cut({v: self.price(v) for v in uses}, uses, sources, missing)

    def price(self, v: Value) -> int:
        if v in self.scope.made:
            return NEVER
        at = scope_of(self.r, v, self.scope)
        if at is not None and at is not self.scope and at.loop is not self.scope.loop:
            return OUTSIDE
        return REFERENCE if is_memory(v.type) else 1 if v.type == BOOL else STORE

    def write(self) -> None:
        """Write the head: reads of tapes, and operations done again."""
        r, scope = self.r, self.scope
        needed = self.needed()
        for v in needed:
            if r.home[v] is not self.block:
                available(r, v, scope_of(r, v, scope))  # type: ignore[arg-type]
            elif v not in self.steps or v in self.kept:
                scope.head.append(self.stored(v))
        todo = {v: op for v, op in self.steps.items() if v in needed and v not in self.kept}

        def emit(v: Value) -> None:
            op = todo.pop(v)
            for o in op.operands:
                if o in todo:
                    emit(o)  # type: ignore[arg-type]
            operands = tuple(self.operand(o) for o in op.operands)
            scope.head.append(Op(op.prim, operands, (self.here(v),), r.head_loc(scope), op.attrs))

        while todo:
            emit(next(iter(todo)))
        scope.wanted.clear()

    def done_again(self) -> int:
        """What it costs to compute again what is."""
        return sum(self.own.get(v, CHEAP) for v in self.needed() if v in self.steps and v not in self.kept)

    def reads_what_its_loop_writes(self) -> bool:
        """Whether the loop has to run forward anyway, for elements that it makes and its reverse reads."""
        loop, scope = None, self.scope
        while scope.parent is not None:
            loop, scope = scope.owner if scope.kind == "part" else loop, scope.parent
        if not isinstance(loop, (For, While)):
            return False
        aliases = self.r.aliases
        written = {
            aliases.find(op.operands[0])  # type: ignore[arg-type]
            for op in walk(loop.body)
            if isinstance(op, Op) and op.prim in WRITES
        }
        loads = [self.steps[v] for v in self.needed() if v in self.steps and self.steps[v].prim == "load"]
        return any(aliases.find(op.operands[0]) in written for op in loads)  # type: ignore[arg-type]

    def needed(self) -> dict[Value, None]:
        """All that is wanted or kept, and what leads from the one to the other."""
        found: dict[Value, None] = {}
        todo = [*reversed(self.scope.wanted)]
        while todo:
            v = todo.pop()
            if v in found:
                continue
            found[v] = None
            if v in self.kept or self.r.home[v] is not self.block:
                continue
            for o in self.steps[v].operands if v in self.steps else ():
                if isinstance(o, Value) and not self.settled(o):
                    todo.append(o)
        return found

    def settled(self, v: Value) -> bool:
        at = scope_of(self.r, v, self.scope)
        return at is None or at.kind == "function" or (v in at.cache and v not in at.wanted)

    def here(self, v: Value) -> Value:
        """The name of a value in the reverse of this block."""
        found = self.scope.cache.get(v)
        if found is None:
            found = self.scope.cache[v] = Value(v.hint, v.type)
        assert isinstance(found, Value)
        return found

    def operand(self, o: Operand) -> Operand:
        if isinstance(o, Value) and self.r.home[o] is self.block:
            return self.scope.cache.get(o) or self.here(o)
        return self.r.primal(o, self.scope)

    def stored(self, v: Value) -> Op:
        """The read of a value's tape."""
        loop = self.scope.loop
        assert loop is not None and loop.parent is not None and loop.parent.parent is not None
        held = self.r.primal(tape(self.r, v, loop), loop.parent.parent)
        assert loop.index is not None
        return Op("tape_read", (held, loop.index), (self.here(v),), self.r.head_loc(self.scope))


def tape(r: Reverse, v: Value, loop: Scope) -> Value:
    """The tape that keeps a value of each iteration, written right after the value is computed."""
    found = r.tapes.get(v)
    if found is not None:
        return found
    from s2sad.transform.reverse.loops import forward_counter

    owner, outer = loop.owner, loop.parent.parent  # type: ignore[union-attr]
    assert isinstance(owner, (For, While)) and outer is not None and outer.block is not None
    counter = forward_counter(r, owner, loop)
    made = Value(f"tape·{tape_hint(v)}", Tape(v.type))
    r.tapes[v] = made
    r.home[made] = outer.block
    r.extras.before[owner].append(Op("tape_new", (), (made,), owner.loc))
    write = Op("tape_write", (made, counter, v), (), owner.loc)
    r.sites[made] = r.extras.before[owner]
    definition = r.defs.get(v) or r.extras.joins.get(v)
    if isinstance(definition, If) and breaks(definition):
        for branch, operand in sides(r, definition, v):
            write_in(r, branch, replace(write, operands=(made, counter, operand), loc=definition.loc))
    elif v in r.sites:
        r.sites[v].append(write)
    elif definition is not None:
        r.extras.after[definition].insert(0, Op("tape_write", write.operands, (), definition.loc))
    else:
        r.extras.start[r.home[v]].append(write)
    return made


def sides(r: Reverse, op: If, v: Value) -> list[tuple[Block, Operand]]:
    """The branches of an `if`, and what each makes a result of it, one of the primal or one that we added."""
    if v in op.results:
        j = op.results.index(v)
        return [(op.then, op.then.yields[j]), (op.orelse, op.orelse.yields[j])]
    then, orelse = next((a, b) for a, b, result in r.extras.results[op] if result is v)
    return [(op.then, then), (op.orelse, orelse)]


def write_in(r: Reverse, block: Block, write: Op) -> None:
    """Write to a tape at the end of a branch: behind an `if` that may leave the loop it would not always run."""
    tape_, counter, v = write.operands
    last = block.ops[-1] if block.ops else None
    if not (isinstance(last, If) and breaks(last)):
        place = r.extras.start[block] if last is None else r.extras.after[last]
        place.append(write)
    elif isinstance(v, Value) and (v in last.results or r.extras.joins.get(v) is last):
        for branch, operand in sides(r, last, v):
            write_in(r, branch, replace(write, operands=(tape_, counter, operand)))
    else:
        r.extras.before[last].append(write)


def tape_hint(v: Value) -> str:
    """What a tape is named after."""
    return v.hint or ("cond" if v.type == BOOL else "t")
