"""Calls that stay calls: a forward function keeps its residuals on tapes and returns the results, the shadows of
those that are memory, and the number of its record there; a reverse function takes the number, the cotangents of
results that are numbers, and all memory that was passed. One pair for each callee and each choice of active
arguments. The tapes are free variables of both until `threaded` makes them parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from s2sad.analysis.uses import free_values
from s2sad.errors import UnsupportedSyntaxError
from s2sad.ir.core import AnyOp, Block, Function, Op, Operand, Value, all_operands, walk
from s2sad.ir.types import INT, Tape, is_float, is_memory
from s2sad.rules.builder import const
from s2sad.transform.reverse.core import HANDLERS, Reverse, ready
from s2sad.transform.reverse.scopes import Scope, adjoint_type, zero
from s2sad.transform.reverse.shadows import shadow_type, twin
from s2sad.transform.reverse.storage import tape_hint
from s2sad.typing.thread import substituted, threaded


@dataclass(eq=False)
class Pair:
    """The forward and the reverse function of a callee."""

    forward: str
    reverse: str


@dataclass(eq=False)
class Callees:
    """The functions a derivative calls, made as they are asked for."""

    primal: dict[str, Function]
    pairs: dict[Any, Pair] = field(default_factory=dict)
    made: dict[str, Function] = field(default_factory=dict)
    tapes: list[Value] = field(default_factory=list)
    reserved: tuple[str, ...] = ()  # names of functions that call these
    repeated: bool = False  # the reverse sweep runs more than once

    def pair(self, name: str, active: tuple[bool, ...], results: tuple[bool, ...]) -> Pair:
        key = (name, active, results)
        found = self.pairs.get(key)
        if found is None:
            taken = {*self.primal, *self.made, *self.reserved, *(p.forward for p in self.pairs.values())}
            suffix = next(
                s
                for s in ("", *(f"_{k}" for k in range(1, len(taken) + 2)))
                if not taken & {f"{name}_fwd{s}", f"{name}_rev{s}"}
            )
            found = Pair(f"{name}_fwd{suffix}", f"{name}_rev{suffix}")
            self.pairs[key] = found  # before its body is made: it may call itself
            forward, reverse = split(self.primal[name], active, results, found, self)
            self.made[found.forward], self.made[found.reverse] = forward, reverse
        return found

    def reachable(self, body: Block) -> dict[str, Function]:
        """The functions that a body calls, directly or not."""
        found: dict[str, Function] = {}
        stack = [body]
        while stack:
            for op in walk(stack.pop()):
                if isinstance(op, Op) and op.prim == "invoke":
                    name = op.attr("callee")
                    if name not in found:
                        found[name] = self.made[name] if name in self.made else self.primal[name]
                        stack.append(found[name].body)
        return dict(sorted(found.items()))


def split(
    fn: Function, active: tuple[bool, ...], results: tuple[bool, ...], pair: Pair, callees: Callees
) -> tuple[Function, Function]:
    """The forward and reverse functions of `fn`: `active` says which parameters, `results` which results matter."""
    chosen = [p for p, a in zip(fn.params, active, strict=True) if a]
    shadows = {p: Value(f"d·{p.hint}", shadow_type(p.type)) for p in chosen if is_memory(p.type)}
    outputs = fn.body.yields
    reverse = Reverse(ready(fn, tuple(chosen)), tuple(chosen), outputs, callees, shadows)
    returned = [o for o, r in zip(outputs, results, strict=True) if r and is_memory(o.type)]
    reverse.handed_back = reverse.aliases.reachable(returned)
    twins = tuple(twin(reverse, o) for o in returned)
    seeds = tuple(
        Value(f"d·{fn.name}", adjoint_type(o.type)) if r and not is_memory(o.type) else None
        for o, r in zip(outputs, results, strict=True)
    )
    sweeps = reverse.run(seeds)
    handed = (*(p for p in fn.params if is_memory(p.type)), *shadows.values())
    adjoints = tuple(a for p, a in zip(chosen, sweeps.adjoints, strict=True) if not is_memory(p.type))
    elsewhere = {*callees.tapes, *handed}
    kept = [v for v in residuals(sweeps.reverse, adjoints, seeds) if v not in elsewhere]
    tapes = [Value(f"tape·{tape_hint(v)}", Tape(v.type)) for v in kept]
    callees.tapes += tapes
    ahead: list[AnyOp] = list(sweeps.forward)
    number: Operand = const(0)
    if tapes:
        number = Value("record", INT)
        ahead.append(Op("tape_len", (tapes[0],), (number,), fn.loc))
    for v, tape in zip(kept, tapes, strict=True):
        ahead.append(Op("tape_write", (tape, number, v), (), fn.loc, (("appends", True),)))
    params = (*fn.params, *shadows.values())
    halfway = Block((), tuple(ahead), (*outputs, *twins, number))
    forward = replace(fn, name=pair.forward, params=params, body=halfway, kept=fn.kept + len(twins) + 1)
    record = Value("record", INT)
    reads = [Op("tape_read", (tape, record), (v,), fn.loc) for v, tape in zip(kept, tapes, strict=True)]
    cotangents = tuple(s for s in seeds if s is not None)
    body = Block((), (*reads, *sweeps.reverse), adjoints)
    own = {v: Value(v.hint, v.type) for v in handed}
    body = substituted(body, own)
    return forward, replace(fn, name=pair.reverse, params=(record, *cotangents, *own.values()), body=body)


def residuals(
    ops: tuple[AnyOp, ...], results: tuple[Operand, ...], seeds: tuple[Operand | None, ...]
) -> list[Value]:
    """The values that reverse operations read and do not make."""
    block = Block((), ops, results)
    made: set[Value] = {s for s in seeds if isinstance(s, Value)}
    for op in walk(block):
        made.update(op.results)
        for inner in _blocks(op):
            made.update(inner.params)
    found = dict.fromkeys(o for o in all_operands(block) if isinstance(o, Value) and o not in made)
    return list(found)


def _blocks(op: AnyOp) -> tuple[Block, ...]:
    from s2sad.ir.core import blocks

    return blocks(op)


def reverse_invoke(r: Reverse, op: Op, scope: Scope) -> None:
    cotangents = {v: scope.adj.pop(v) for v in op.results if v in scope.adj}
    active = tuple(r.is_active(o) for o in op.operands)
    memory = [o for o, a in zip(op.operands, active, strict=True) if a and is_memory(o.type)]
    returned = [v for v in op.results if is_memory(v.type) and r.is_active(v)]
    if not any(active) or (not cotangents and not memory and not returned):
        return
    results = tuple((is_float(v.type) or is_memory(v.type)) and r.is_active(v) for v in op.results)
    pair = r.callees.pair(op.attr("callee"), active, results)
    kept = r.records.get(op)
    if kept is not None and (memory or returned):
        raise UnsupportedSyntaxError(
            "the Jacobian of several results by reverse mode, of a function that hands arrays to one that stays a "
            "function (a recursive one), is not supported yet", op.loc, "use jacfwd(), or return one array",
        )  # fmt: skip
    twins = tuple(twin(r, o) for o in memory)
    made: tuple[Any, ...] = tuple(twin(r, v) for v in returned)
    if kept is None:
        kept = r.records[op] = Value("record", INT)
        r.home[kept] = r.home_of(op)
        r.sites[kept] = r.extras.after[op]
        r.extras.replaced[op] = replace(
            op,
            operands=(*op.operands, *twins),
            results=(*op.results, *made, kept),
            attrs=(("callee", pair.forward),),
        )
    seeds = [
        cotangents.get(v) or zero(v.type)
        for v, used in zip(op.results, results, strict=True)
        if used and not is_memory(v.type)
    ]
    inputs = [o for o, a in zip(op.operands, active, strict=True) if a and not is_memory(o.type)]
    out = tuple(Value("", adjoint_type(o.type)) for o in inputs)
    handed = [o for o in op.operands if is_memory(o.type)] + list(twins)
    operands = (r.primal(kept, scope), *seeds, *(r.primal(o, scope) for o in handed))
    r.builder.ops.append(Op("invoke", operands, out, r.builder.loc, (("callee", pair.reverse),)))
    for o, d in zip(inputs, out, strict=True):
        r.add(o, d, scope)


def with_tapes(fn: Function, callees: Callees) -> tuple[Function, list[Value]]:
    """The function with the tapes of what it calls handed on at every call, and those tapes it reads itself."""
    fn = threaded(fn, callees.tapes)
    return fn, [v for v in free_values(fn) if v in callees.tapes]


def new_tapes(fn: Function, tapes: list[Value]) -> Function:
    """The function with these tapes made at its start."""
    ops = (Op("tape_new", (), (tape,), fn.loc) for tape in tapes)
    return replace(fn, body=replace(fn.body, ops=(*ops, *fn.body.ops)))


HANDLERS["invoke"] = reverse_invoke
