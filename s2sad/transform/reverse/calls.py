"""Calls that stay calls: a forward function returns the results and its residuals, a reverse function takes
the residuals and the results' cotangents. One pair for each callee and each choice of active arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from s2sad.analysis.uses import all_operands
from s2sad.errors import UnsupportedSyntaxError
from s2sad.ir.core import AnyOp, Block, Function, Op, Operand, Value, walk
from s2sad.ir.types import Residuals, is_float, is_memory
from s2sad.transform.reverse.core import HANDLERS, Reverse
from s2sad.transform.reverse.memory import shadow_type, twin
from s2sad.transform.reverse.scopes import Scope, adjoint_type, zero


@dataclass(eq=False)
class Pair:
    """The forward and the reverse function of a callee."""

    forward: str
    reverse: str
    residual: Residuals


@dataclass(eq=False)
class Callees:
    """The functions a derivative calls, made as they are asked for."""

    primal: dict[str, Function]
    pairs: dict[Any, Pair] = field(default_factory=dict)
    made: dict[str, Function] = field(default_factory=dict)

    def pair(self, name: str, active: tuple[bool, ...], results: tuple[bool, ...]) -> Pair:
        key = (name, active, results)
        found = self.pairs.get(key)
        if found is None:
            count = sum(1 for k in self.pairs if k[0] == name)
            suffix = f"_{count}" if count else ""
            found = Pair(f"{name}_fwd{suffix}", f"{name}_rev{suffix}", Residuals(f"{name}{suffix}"))
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
    reverse = Reverse(fn, tuple(chosen), outputs, callees, shadows)
    seeds = tuple(
        Value(f"d·{fn.name}", adjoint_type(o.type)) if r else None
        for o, r in zip(outputs, results, strict=True)
    )
    sweeps = reverse.run(seeds)
    adjoints = tuple(a for p, a in zip(chosen, sweeps.adjoints, strict=True) if not is_memory(p.type))
    kept = tuple(residuals(sweeps.reverse, adjoints, seeds))
    packed = Value("residuals", pair.residual)
    pack = Op("pack", kept, (packed,), fn.loc)
    params = (*fn.params, *shadows.values())
    forward = Function(pair.forward, params, Block((), (*sweeps.forward, pack), (*outputs, packed)), fn.loc)
    held = Value("residuals", pair.residual)
    unpack: tuple[AnyOp, ...] = (Op("unpack", (held,), kept, fn.loc),) if kept else ()
    cotangents = tuple(s for s in seeds if s is not None)
    body = Block((), (*unpack, *sweeps.reverse), adjoints)
    return forward, Function(pair.reverse, (held, *cotangents), body, fn.loc)


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
    if not any(active) or (not cotangents and not memory):
        return
    if any(isinstance(o.type, Residuals) for o, a in zip(op.operands, active, strict=True) if a) or any(
        is_memory(v.type) and r.is_active(v) for v in op.results
    ):
        raise UnsupportedSyntaxError(
            "this derivative of a function that is called recursively, or that returns an array from such a call, "
            "is not supported yet", op.loc, "return numbers, or use forward mode (jvp) for the outer derivative",
        )  # fmt: skip
    results = tuple(is_float(v.type) and r.is_active(v) for v in op.results)
    pair = r.callees.pair(op.attr("callee"), active, results)
    kept = Value("residuals", pair.residual)
    r.home[kept] = r.home_of(op)
    r.sites[kept] = r.extras.after[op]
    twins = tuple(twin(r, o) for o in memory)
    r.extras.replaced[op] = replace(
        op, operands=(*op.operands, *twins), results=(*op.results, kept), attrs=(("callee", pair.forward),)
    )
    seeds = [cotangents.get(v) or zero(v.type) for v, used in zip(op.results, results, strict=True) if used]
    inputs = [o for o, a in zip(op.operands, active, strict=True) if a and not is_memory(o.type)]
    out = tuple(Value("", adjoint_type(o.type)) for o in inputs)
    call = Op("invoke", (r.primal(kept, scope), *seeds), out, r.builder.loc, (("callee", pair.reverse),))
    r.builder.ops.append(call)
    for o, d in zip(inputs, out, strict=True):
        r.add(o, d, scope)


HANDLERS["invoke"] = reverse_invoke
