"""The reverse transform: from a typed function to one that runs it forward and then its adjoint backward.

`Reverse` walks the primal backward, block by block, and emits the reverse sweep; whatever primal value the
reverse sweep reads is asked for through `primal`, which decides between a local that is still there,
recomputation and the tape (`storage`). The forward sweep is the primal plus what was asked for (`extras`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from s2sad.analysis.activity import active_values
from s2sad.analysis.aliases import Aliases, last_writes
from s2sad.analysis.dataflow import Gate
from s2sad.analysis.final_reads import FinalReads
from s2sad.analysis.gates import find_gates
from s2sad.analysis.numpy_numbers import counts, numpy_numbers
from s2sad.analysis.selections import Selections
from s2sad.analysis.uses import definitions, free_values, homes
from s2sad.errors import NOWHERE, Loc, MissingRuleError
from s2sad.ir.core import AnyOp, Block, Const, Function, If, Op, Operand, Value, blocks, walk
from s2sad.ir.types import Array, List, Scalar, Tape, Type, is_float, is_memory
from s2sad.optimize.dce import eliminate_dead_code
from s2sad.rules.arrays import RESULTS
from s2sad.rules.builder import Builder
from s2sad.rules.complexes import projected
from s2sad.rules.registry import PRIMS, ZERO
from s2sad.rules.shapes import is_elementwise
from s2sad.transform.reverse import storage
from s2sad.transform.reverse.borrowed import borrowed, returned
from s2sad.transform.reverse.env import Env
from s2sad.transform.reverse.extras import Extras
from s2sad.transform.reverse.restoring import Restoring, is_restored, lent, undo
from s2sad.transform.reverse.scopes import Scope, adjoint_hint, adjoint_type, zero
from s2sad.transform.reverse.shadows import refuse_grown, shadow, tape_writes_twin
from s2sad.transform.roots import with_powers
from s2sad.transform.spectral import with_spectral
from s2sad.transform.views import settled

Handler = Callable[["Reverse", Any, Scope], None]
HANDLERS: dict[Any, Handler] = {}

BROADCASTING = frozenset(
    {"numpy.broadcast_to", "numpy.linspace", "matmul", "numpy.linalg.solve", "numpy.einsum"}
)


@dataclass(frozen=True, eq=False)
class Sweeps:
    """The two sweeps of a reversed function: forward operations, reverse operations, and the results."""

    forward: tuple[AnyOp, ...]
    reverse: tuple[AnyOp, ...]
    adjoints: tuple[Operand, ...]
    shadow_params: tuple[Value, ...] = ()


def is_single(t: Type) -> bool:
    """Whether a number is of single precision."""
    return isinstance(t, Scalar) and t.dtype == "float32"


def ready(fn: Function, inputs: tuple[Value, ...]) -> Function:
    """The function as `Reverse` takes it: with views and copies for what is reshaped and written, without dead code, whose adjoints would have to be made of nothing, and with arrays of their own where elements are read of what
    loops carry."""
    fn = with_powers(with_spectral(settled(fn, inputs), inputs), inputs)
    return borrowed(eliminate_dead_code(fn, inputs))


class Reverse:
    """Reverses one function that is `ready`. `inputs` are the values derivatives are taken with respect to."""

    def __init__(
        self,
        fn: Function,
        inputs: tuple[Value, ...],
        outputs: tuple[Operand, ...],
        callees: Any = None,
        shadow_inputs: dict[Value, Value] | None = None,
        restoring: Restoring | None = None,
    ) -> None:
        self.fn, self.inputs, self.outputs = fn, inputs, outputs
        self.input_set = frozenset(inputs)
        self.aliases = Aliases(fn)
        self.gates: dict[Op, Gate] = find_gates(fn, self.aliases)
        self.active = active_values(fn, inputs, (*outputs, *(shadow_inputs or ())), self.aliases, self.gates)
        # what is captured is there throughout
        self.home = dict.fromkeys(free_values(fn), fn.body) | homes(fn)
        self.defs = definitions(fn)
        self.absorbed = {op for gate in self.gates.values() for op in gate.interior}
        self.extras = Extras()
        self.builder = Builder()
        self.builder.reassociate = True
        self.builder.is_numpy, self.builder.is_count = numpy_numbers(fn), counts(fn)
        self.callees = callees
        self.shadows: dict[Value, Value] = dict(shadow_inputs or {})
        self.given_shadowed = tuple(self.shadows)
        self.new_shadows: dict[Value, Value] = {}  # those made by the reverse of each iteration
        self.copies: dict[tuple[Value, AnyOp], Value] = {}  # of arrays, for the loops that read them
        self.waiting: dict[Value, tuple[AnyOp, Op]] = {}  # those that nothing has asked for so far
        self.buffered: set[Value] | None = None  # alias classes whose adjoints are shadow buffers
        self.snapshots: dict[Any, Value] = {}
        self.origins: dict[Any, tuple[Value, int]] | None = None
        self.broadcasts = True  # whether the operation at hand spreads its operands out
        self.selections = Selections(fn, self.aliases, self.gates)
        # each run of the reverse sweep leaves shadows zero
        self.repeated = getattr(callees, "repeated", False)
        self.beside: set[Value] = set()  # memory whose shadow the forward sweep makes
        self.handed_back: frozenset[Value] = frozenset()  # classes whose shadows the forward sweep returns
        self.given_shadows = set(self.shadows.values())
        self.home |= dict.fromkeys(self.given_shadows, fn.body)
        self.late: list[AnyOp] = []
        self.tapes: dict[Value, Value] = {}
        self.counters: dict[Any, Any] = {}
        self.records: dict[Op, Value] = {}  # the numbers of the records of calls
        self.live_cache: dict[Block, bool] = {}
        self.locs: dict[tuple[Loc, Loc | None], Loc] = {}
        self.sites: dict[Value, list[AnyOp]] = {}  # where a value of the forward sweep that we added is made
        self.last_writes = last_writes(fn, self.aliases)
        self.final_reads = FinalReads(fn, self.aliases)
        # what a function that stays one is given and gives back: its caller may write that before its reverse runs
        outside = () if shadow_inputs is None else (*fn.params, *free_values(fn), *outputs)
        self.shared = self.aliases.reachable(outside)
        self.restoring = restoring or Restoring()
        self.restored = {self.aliases.find(a) for a in self.restoring.arrays}
        self.unbound: set[Operand] | None = None  # arrays that may be
        self.sizes: dict[Value, tuple[Operand, ...]] = {}  # of those, as the forward sweep hands them on
        self.lent: set[Operand] = set()  # references to those, as the reverse sweep reads them
        self.inside: dict[Block, frozenset[AnyOp]] = {}  # the operations of blocks
        self.numbers: dict[AnyOp, int] = {}  # of the outermost operation that an operation stands in
        self.root = Scope("function", None, fn.body)
        self.mark = sys.maxsize

    # -- the whole function -------------------------------------------------------------------------

    def run(self, seeds: tuple[Operand | Callable[[], None] | None, ...]) -> Sweeps:
        """Reverse the function: `seeds` are the cotangents of its outputs (None: no cotangent), or functions
        that put them where they belong."""
        self.builder.loc = replace(NOWHERE, reverse=True)
        for output, seed in zip(self.outputs, seeds, strict=True):
            if callable(seed):
                seed()
            elif seed is not None and isinstance(output, Value) and is_float(output.type):
                self.add(output, seed, self.root)
            elif (
                seed is not None
                and isinstance(output, Value)
                and is_memory(output.type)
                and self.is_active(output)
            ):
                from s2sad.transform.reverse.arrays import seed_memory

                seed_memory(self, output, seed)
        for given in self.fn.params:
            # a tape whose shadow is handed in: what is written here is shadowed here
            if isinstance(given.type, Tape) and given in self.shadows:
                tape_writes_twin(self, given)
        self.block(self.fn.body, self.root)
        adjoints = tuple(self.input_adjoint(v) for v in self.inputs)
        reverse = (*self.late, *self.root.head, *self.builder.ops)
        return Sweeps(returned(self.fn, self.extras.ops(self.fn.body)), returned(self.fn, reverse), adjoints)

    def input_adjoint(self, v: Value) -> Operand:
        from s2sad.transform.reverse.arrays import by_value

        if by_value(self, v):
            return self.root.adj.get(v) or self.builder.emit("zeros_like", v, type=v.type)
        if is_memory(v.type):
            if v not in self.given_shadowed:
                refuse_grown(self, v)
            return shadow(self, v, self.root)
        return self.root.adj.get(v) or zero(v.type)

    def reverse_loc(self, loc: Loc) -> Loc:
        key = loc, loc.caller
        found = self.locs.get(key)
        if found is None:
            found = self.locs[key] = replace(loc, reverse=True)
        return found

    def block(self, block: Block, scope: Scope) -> None:
        """Emit the reverse of a block's operations, last first."""
        for op in reversed(block.ops):
            if op in self.absorbed:
                continue
            self.builder.loc = self.reverse_loc(op.loc)
            if isinstance(op, Op):
                self.op(op, scope)
                if op in self.restoring.writes:
                    undo(self, op, scope)
                if self.repeated:
                    from s2sad.transform.reverse.repeated import restore

                    restore(self, op, scope)
            else:
                HANDLERS[type(op)](self, op, scope)

    def op(self, op: Op, scope: Scope) -> None:
        if op.results and op.results[0] in self.input_set:
            return  # made from an argument: what it is made from is not asked for
        handler = HANDLERS.get(op.prim)
        if handler is not None:
            handler(self, op, scope)
            return
        if not op.results:
            return
        if op.prim in RESULTS:
            cotangents = [self.cotangent(op, r, scope) for r in op.results]
            if any(c is not None for c in cotangents):
                self.apply_rule(op, cotangents, scope)
            return
        cotangent = self.cotangent(op, op.result, scope)
        if cotangent is None:
            return
        with self.builder.keeping({cotangent} if self.selections.concerns(op) else set()):
            if op in self.gates:
                self.apply_gate(self.gates[op], self.env(op, cotangent, scope), op, scope)
            else:
                self.apply_rule(op, cotangent, scope)

    def cotangent(self, op: Op, result: Value, scope: Scope) -> Operand | None:
        """The cotangent of an operation's result; None where nothing depends on it."""
        if isinstance(result.type, Array):
            from s2sad.transform.reverse.arrays import cotangent_of

            return cotangent_of(self, op, result, scope)
        return scope.adj.pop(result, None)

    def apply_rule(self, op: Op, cotangent: Any, scope: Scope) -> None:
        """Add the contributions to the operands' adjoints; several results have a list of cotangents."""
        rule = PRIMS[op.prim]
        env = self.env(op, cotangent, scope)
        twice = len(set(op.operands)) < len(op.operands)
        gathered: dict[Operand, Operand] = {}  # of an operation that reads an operand twice
        start = self.mark = len(self.builder.ops)
        for i, operand in enumerate(op.operands):
            if not self.is_active(operand):
                continue
            partial = rule.partial(i)
            if partial is None:
                raise MissingRuleError(
                    f"{op.prim}() has no derivative with respect to its argument {rule.param(i).lstrip('*')!r}",
                    op.loc,
                    "keep that argument independent of what you differentiate by, or use stop_gradient()",
                )
            if partial is ZERO:
                continue
            self.mark = len(self.builder.ops)
            if not isinstance(partial, str) and rule.param(i).startswith("*"):
                env = self.variadic(env, op, i, scope)
            term = self.builder.partial(partial, env, rule.module or "math")
            if term is not None and not twice:
                self.contribute(op, operand, term, scope)
            elif term is not None:
                seen = gathered.get(operand)
                gathered[operand] = term if seen is None else self.builder.together(seen, term)
        self.mark = start
        for operand, term in gathered.items():
            self.contribute(op, operand, term, scope)
        self.mark = sys.maxsize

    def apply_gate(self, gate: Gate, env: Env, op: Op, scope: Scope) -> None:
        """Add the contributions of a group of operations, whose last one is `op`."""
        for name, operand in gate.names.items():
            env.fetch[name] = lambda o=operand: self.as_read(o, op, scope)  # type: ignore[misc]
        for term in gate.terms:
            if self.is_active(term.operand):
                self.mark = len(self.builder.ops)
                self.add(term.operand, self.builder.partial(term.partial, env, gate.family), scope)
        self.mark = sys.maxsize

    def contribute(self, op: Op, operand: Operand, term: Operand, scope: Scope) -> None:
        """Add what an operation hands on to the adjoint of an operand."""
        stacks = op.prim != "matmul" or any(
            isinstance(o.type, Array) and o.type.ndim > 2 for o in op.operands
        )
        self.broadcasts = is_elementwise(PRIMS[op.prim]) or (op.prim in BROADCASTING and stacks)
        self.add(operand, term, scope)
        self.broadcasts = True

    def written_after(self, v: Value, op: AnyOp) -> bool:
        """Whether memory may be written once an operation has read it, in a later iteration too."""
        root = self.aliases.find(v)
        if root in self.shared:
            return True
        last = self.last_writes.get(root)
        if last is None:
            return self.aliases.is_written(v)
        if not self.numbers:
            for number, outer in enumerate(self.fn.body.ops):
                self.numbers.update(dict.fromkeys(walk(Block((), (outer,), ())), number))
        if self.numbers.get(op, -1) > last:
            return False
        if isinstance(op, Op) and op.prim in ("load", "store"):
            return not self.final_reads.is_final(op)
        return not (isinstance(op, Op) and self.final_reads.is_final_slice(v, op))

    def as_read(self, operand: Operand, op: Op, scope: Scope) -> Operand:
        """An operand (or the result) of an operation as it was then: of memory that is written, a copy."""
        if not (
            isinstance(operand, Value)
            and isinstance(operand.type, Array)
            and self.written_after(operand, op)
            and not is_restored(self, operand, op)
        ):
            return self.lend(operand, scope)
        key = (operand, op)
        found = self.snapshots.get(key)
        if found is None:
            found = self.snapshots[key] = Value(operand.hint, operand.type)
            place = self.extras.after[op] if operand in op.results else self.extras.before[op]
            place.append(Op("copy", (operand,), (found,), op.loc))
            self.home[found] = self.home_of(op)
            self.sites[found] = place
        return self.primal(found, scope)

    def lend(self, operand: Operand, scope: Scope) -> Operand:
        """An operand where it is; of memory that the reverse sweep writes, this is noted."""
        here = self.primal(operand, scope)
        if self.restored and isinstance(operand, Value) and self.aliases.find(operand) in self.restored:
            self.lent.add(here)
        return here

    def env(self, op: Op, cotangent: Any, scope: Scope) -> Env:
        from s2sad.transform.reverse.arrays import sizes

        rule = PRIMS[op.prim]
        fetch: dict[str, Callable[[], Any]] = {}
        for name, operand in zip(rule.params, op.operands, strict=False):
            if not name.startswith("*"):
                fetch[name] = lambda o=operand: self.as_read(o, op, scope)  # type: ignore[misc]
        if op.prim in RESULTS:
            for name, result, d in zip(RESULTS[op.prim], op.results, cotangent, strict=True):
                fetch[name] = lambda r=result: self.as_read(r, op, scope)  # type: ignore[misc]
                fetch[f"d{name}"] = lambda d=d: d  # type: ignore[misc]
        else:
            fetch["y"] = lambda: self.as_read(op.result, op, scope)
            fetch["dy"] = lambda: cotangent
        fetch["op"] = lambda: op
        fetch["shape"] = lambda: lambda k: sizes(self, op.operands[k], scope)
        fetch["operands"] = lambda: [self.as_read(o, op, scope) for o in op.operands]
        return Env(fetch)

    def variadic(self, env: Env, op: Op, index: int, scope: Scope) -> Env:
        def others() -> list[Operand]:
            return [self.as_read(o, op, scope) for j, o in enumerate(op.operands) if j != index]

        fetch = {
            **env.fetch,
            "x": lambda: self.as_read(op.operands[index], op, scope),
            "others": others,
            "index": lambda: index,
        }
        return Env(fetch)

    def home_of(self, op: AnyOp) -> Block:
        """The block an operation stands in."""
        return self.op_homes[op]

    @cached_property
    def op_homes(self) -> dict[AnyOp, Block]:
        """All operations, each with its block."""
        found: dict[AnyOp, Block] = {}
        stack = [self.fn.body]
        while stack:
            block = stack.pop()
            found |= dict.fromkeys(block.ops, block)
            stack.extend(inner for o in block.ops for inner in blocks(o))
        return found

    # -- activity -----------------------------------------------------------------------------------

    def is_active(self, operand: Operand) -> bool:
        return isinstance(operand, Value) and self.is_in(self.active, operand)

    def is_in(self, found: set[Value], v: Value) -> bool:
        """Whether a value is among those found, memory by the representative of its class."""
        return (self.aliases.find(v) if is_memory(v.type) else v) in found

    def is_live(self, block: Block) -> bool:
        """Whether the reverse of a block does anything but pass adjoints from its yields to its parameters."""
        found = self.live_cache.get(block)
        if found is None:
            found = self.live_cache[block] = any(self.op_live(op) for op in block.ops)
        return found

    def op_live(self, op: AnyOp) -> bool:
        if any(self.is_active(r) for r in op.results):
            return True
        if isinstance(op, Op):
            memory = any(
                isinstance(o, Value) and is_memory(o.type) and self.is_active(o) for o in op.operands
            )
            return memory or op in self.restoring.writes
        return any(self.is_live(b) for b in blocks(op))

    # -- adjoints -----------------------------------------------------------------------------------

    def add(self, operand: Operand, term: Operand, scope: Scope) -> None:
        """Add a contribution to an operand's adjoint; the first one defines it."""
        if not self.is_active(operand):
            return
        assert isinstance(operand, Value)
        if isinstance(operand.type, List):  # its adjoint is memory
            self.builder.effect("add_into", shadow(self, operand, scope), term)
            return
        term = projected(self.builder, term, operand.type)
        if isinstance(operand.type, Array) or isinstance(term.type, Array):
            from s2sad.transform.reverse.arrays import add_array

            add_array(self, operand, term, scope)
        else:
            self.accumulate(operand, term, scope)

    def accumulate(self, operand: Value, term: Operand, scope: Scope) -> None:
        """Add a contribution of the operand's own sizes to its adjoint, a value."""
        if is_single(term.type) and not is_single(operand.type):
            term = self.builder.emit("builtins.float", term)  # a Python number's adjoint is one
        elif is_single(operand.type) and not is_single(term.type) and isinstance(term, Value):
            term = self.builder.emit("numpy.float32", term)
        owner = self.owner(operand, scope)
        current = self.lookup(operand, owner)
        if isinstance(current, Const | None) and self.lent and lent(self, term):
            term = self.builder.emit("copy", term, type=term.type)
        total = self.named(term, operand) if current is None else self.summed(current, term, operand)
        if scope.kind != "function" and isinstance(operand.type, Array) and not isinstance(total.type, Array):
            spread = self.builder.emit("numpy.broadcast_to", total, type=operand.type)  # a sum without axes
            total = self.builder.emit("copy", spread, type=operand.type)
        owner.adj[operand] = total

    def owner(self, v: Value, scope: Scope) -> Scope:
        """The scope whose `adj` holds the value's adjoint when written from `scope`."""
        while scope.kind == "part" and self.home.get(v) is not scope.block:
            assert scope.parent is not None
            scope = scope.parent
        return scope

    def lookup(self, v: Value, scope: Scope) -> Operand | None:
        if v in scope.adj:
            return scope.adj[v]
        if scope.parent is None or (scope.block is not None and self.home.get(v) is scope.block):
            return None
        outer = self.lookup(v, self.owner(v, scope.parent))
        if scope.kind != "loop":
            return outer
        param = Value(adjoint_hint(v), adjoint_type(v.type))
        scope.accumulators[v] = (zero(v.type) if outer is None else outer, param)
        scope.adj[v] = param
        return param

    def named(self, term: Operand, v: Value) -> Operand:
        """The first contribution under the adjoint's name: a copy where it is another's value."""
        if not adjoint_hint(v) or isinstance(term, Const):
            return term
        # the last operation, where it was made for this contribution alone
        op = self.builder.ops[-1] if len(self.builder.ops) > self.mark else None
        if (
            isinstance(op, (Op, If))
            and len(op.results) == 1
            and op.results[0] is term
            and not op.results[0].hint
        ):
            return self.rename_last(op, Value(adjoint_hint(v), op.results[0].type))
        own = isinstance(v.type, Array) or is_single(term.type)
        copy = Value(adjoint_hint(v), term.type if own else adjoint_type(v.type))
        made = Op("identity", (term,), (copy,), self.builder.loc)
        self.builder.ops.append(made)
        return copy

    def rename_last(self, op: Op | If, named: Value) -> Value:
        renamed = replace(op, results=(named,))
        self.builder.ops[-1] = renamed
        if isinstance(renamed, Op):
            self.builder.defs[named] = renamed
        return named

    def summed(self, current: Operand, term: Operand, v: Value) -> Operand:
        total = self.builder.add(current, term, self.mark)
        op = self.builder.ops[-1] if self.builder.ops else None
        if (
            adjoint_hint(v)
            and isinstance(op, Op)
            and op.results
            and op.result is total
            and not op.result.hint
        ):
            return self.rename_last(op, Value(adjoint_hint(v), op.result.type))
        return total

    # -- primal values ------------------------------------------------------------------------------

    def primal(self, operand: Operand, scope: Scope) -> Operand:
        """An operand of the forward sweep as the reverse sweep can read it."""
        if not isinstance(operand, Value):
            return operand
        at = storage.scope_of(self, operand, scope)
        assert at is not None, f"{operand} is not visible here"
        return storage.available(self, operand, at)

    def head_loc(self, scope: Scope) -> Loc:
        """What is fetched at the head of a reversed block belongs to the line that opens the block."""
        return self.reverse_loc(scope.owner.loc) if scope.owner is not None else self.builder.loc
