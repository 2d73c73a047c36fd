"""Forward mode: every active value has a tangent, computed beside it in the same block and of the same shape.

Straight-line operations follow their rules with the operand's tangent for `dy`; branches and loops yield and
carry the tangents of what they yield and carry; each reference to active memory has a twin that is allocated,
joined, written and read as the reference is. Nothing of the primal is renamed or moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from s2sad.analysis.activity import active_values
from s2sad.analysis.aliases import Aliases
from s2sad.analysis.dataflow import Gate
from s2sad.analysis.gates import find_gates
from s2sad.analysis.layout import lies_by_rows
from s2sad.analysis.numpy_numbers import counts, numpy_numbers
from s2sad.analysis.selections import Selections
from s2sad.errors import MissingRuleError
from s2sad.ir.core import AnyOp, Block, For, Function, If, Op, Operand, Undef, Value, While, walk
from s2sad.ir.types import (
    COMPLEX,
    NONE,
    Array,
    Scalar,
    Tape,
    Tuple,
    Type,
    carries_derivative,
    is_float,
    is_memory,
)
from s2sad.rules import arrays as a_
from s2sad.rules.arrays import JVPS, RESULTS
from s2sad.rules.builder import Builder, is_zero
from s2sad.rules.complexes import is_complex, projected
from s2sad.rules.effects import maybe_view
from s2sad.rules.registry import PRIMS, ZERO
from s2sad.transform.reverse.arrays import full
from s2sad.transform.reverse.scopes import adjoint_type, zero
from s2sad.transform.reverse.shadows import shadow_type
from s2sad.transform.roots import with_powers
from s2sad.transform.spectral import with_spectral
from s2sad.transform.views import settled

Handler = Callable[["Forward", Op], None]
HANDLERS: dict[str, Handler] = {}


def has_tangent(t: Type) -> bool:
    """Whether `forward` returns a tangent for a result of this type."""
    return is_float(t) or is_memory(t)


def tangent_type(t: Type) -> Type:
    """The type of a value's tangent."""
    if isinstance(t, Tape):
        return Tape(tangent_type(t.item))
    if isinstance(t, Tuple):
        return Tuple(tuple(tangent_type(i) for i in t.items if carries_derivative(i)))
    return shadow_type(t) if is_memory(t) else adjoint_type(t)


def is_double(tangent: Operand) -> bool:
    """Whether a number's tangent is one of Python's, or of double precision."""
    return isinstance(tangent.type, Scalar) and tangent.type.dtype != "float32" and not is_zero(tangent)


def tangent_hint(v: Value | Undef) -> str:
    """The name of a value's tangent; the mark keeps it apart from names of the user's."""
    return f"{v.hint}·dot" if v.hint and not v.hint.startswith("$") else ""


@dataclass(eq=False)
class Callees:
    """Forward versions of the functions that are called: one a callee, active operands and wanted results."""

    primal: dict[str, Function]
    taken: set[str]
    names: dict[Any, str] = field(default_factory=dict)
    made: dict[str, Function] = field(default_factory=dict)

    def version(self, callee: str, active: tuple[bool, ...], results: tuple[bool, ...]) -> str:
        key = (callee, active, results)
        if key not in self.names:
            name = self.names[key] = self.free(f"{callee}_jvp")  # before its body is made: it may call itself
            fn = self.primal[callee]
            inputs = tuple(p for p, a in zip(fn.params, active, strict=True) if a)
            self.made[name] = Forward(fn, inputs, results, self, fresh=False).run(name)
        return self.names[key]

    def free(self, base: str) -> str:
        name = next(
            n for k in range(len(self.taken) + 1) if (n := f"{base}_{k}" if k else base) not in self.taken
        )
        self.taken.add(name)
        return name

    def reachable(self, body: Block) -> dict[str, Function]:
        """The functions that a body calls, directly or not."""
        found: dict[str, Function] = {}
        stack = [body]
        while stack:
            for op in walk(stack.pop()):
                if isinstance(op, Op) and op.prim == "invoke" and op.attr("callee") not in found:
                    name = op.attr("callee")
                    found[name] = self.made[name] if name in self.made else self.primal[name]
                    stack.append(found[name].body)
        return dict(sorted(found.items()))


class Forward:
    """Transforms one function. `results` says which results' tangents are returned.

    `fresh`: tangents passed in are copied before they are written, and returned ones shared with nothing, as a
    caller from outside expects; a function called by generated code instead writes its caller's twins in place.
    """

    def __init__(
        self,
        fn: Function,
        inputs: tuple[Value, ...],
        results: tuple[bool, ...],
        callees: Callees,
        fresh: bool,
    ) -> None:
        fn = with_powers(with_spectral(settled(fn, inputs), inputs), inputs)
        self.fn, self.inputs, self.results, self.callees, self.fresh = fn, inputs, results, callees, fresh
        self.aliases = Aliases(fn)
        self.gates = find_gates(fn, self.aliases)
        self.active = self.activity()
        self.selections = Selections(fn, self.aliases, self.gates)
        self.absorbed = {op for gate in self.gates.values() for op in gate.interior}
        self.given = {v: Value(tangent_hint(v), tangent_type(v.type)) for v in inputs}
        self.tangents: dict[Value, Operand] = {}
        self.written: set[Operand] = set()  # tangents that are memory which is written
        self.builder = Builder(fn.loc)
        self.builder.reassociate = True
        self.builder.changes = self.is_written
        self.builder.is_numpy, self.builder.is_count = numpy_numbers(fn), counts(fn)

    def run(self, name: str) -> Function:
        params = self.fn.params
        with self.builder.region() as ops:
            for p in params:
                self.parameter(p)
            for op in self.fn.body.ops:
                self.op(op)
            self.builder.loc = self.fn.loc
            tangents = self.returned()
        body = Block(self.fn.body.params, tuple(ops), (*self.fn.body.yields, *tangents))
        kept = self.fn.kept and self.fn.kept + len(tangents)
        return replace(self.fn, name=name, params=(*params, *self.given.values()), body=body, kept=kept)

    # -- activity -----------------------------------------------------------------------------------

    def activity(self) -> set[Value]:
        """What varies and matters; in a called function also what its caller's memory and residuals hold."""
        outputs = [o for o, r in zip(self.fn.body.yields, self.results, strict=True) if r]
        if not self.fresh:
            outputs += [p for p in self.fn.params if is_memory(p.type)]
        active = active_values(self.fn, self.inputs, outputs, self.aliases, self.gates)
        for p in self.fn.params:  # what a tape holds has a twin: the function that reads it may write it
            held: Value | None = p if isinstance(p.type, Tape) and self.aliases.find(p) in active else None
            while held is not None and carries_derivative(held.type):
                root = self.aliases.find(held)
                active.add(root)
                held = self.aliases.contents.get(root)
        return active

    def is_active(self, operand: Operand) -> bool:
        if not isinstance(operand, Value):
            return False
        return (self.aliases.find(operand) if is_memory(operand.type) else operand) in self.active

    def is_written(self, operand: Operand) -> bool:
        """Whether an operand is memory that is written, or the tangent of such."""
        if not isinstance(operand, Value) or not is_memory(operand.type):
            return False
        return operand in self.written or self.aliases.is_written(operand)

    # -- tangents -----------------------------------------------------------------------------------

    def tangent(self, operand: Operand) -> Operand | None:
        """An operand's tangent; None where it is zero."""
        found = self.tangents.get(operand) if isinstance(operand, Value) else None
        return None if found is None or is_zero(found) else found

    def handed_on(self, operand: Operand, like: Value | None = None) -> Operand:
        """An operand's tangent where one must be yielded, stored or passed: zero for what does not vary, None for
        the None that may be in place of an array (`like`)."""
        if isinstance(operand, Undef):
            return Undef(tangent_hint(operand), tangent_type(operand.type))
        if operand.type == NONE and like is not None and is_memory(like.type):
            return operand
        found = self.tangent(operand)
        if found is None and is_memory(operand.type):
            return self.emit("zeros_like", operand, type=tangent_type(operand.type))
        if found is None:
            return zero(operand.type)
        if is_complex(operand.type) and isinstance(found.type, Scalar) and not is_complex(found.type):
            return self.emit("builtins.complex", found, type=COMPLEX)  # as that of x + 1j is
        return found

    def emit(
        self, prim: str, *operands: Operand, type: Type, attrs: Iterable[tuple[str, Any]] = ()
    ) -> Operand:
        return self.builder.emit(prim, *operands, type=type, **dict(attrs))

    def define(self, v: Value, tangent: Operand, mark: int = 0) -> None:
        """Record a value's tangent, named after it if it was made for it alone (after `mark` operations).

        It has the value's dtype: where a constant of double precision made that of single precision double, the
        tangent alone would stay single.
        """
        hint, ops = tangent_hint(v), self.builder.ops
        dtype = a_.dtype_of(v) if isinstance(v.type, Array) else ""
        if dtype.startswith("float") and isinstance(tangent.type, Array) and a_.dtype_of(tangent) != dtype:
            t = replace(tangent.type, dtype=dtype)
            tangent = self.emit("astype", tangent, type=t, attrs=(("dtype", dtype),))
        elif isinstance(v.type, Scalar) and v.type.dtype == "float32" and is_double(tangent):
            tangent = self.emit("numpy.float32", tangent, type=v.type)
        if hint and isinstance(tangent, Value) and (not is_memory(v.type) or isinstance(v.type, Array)):
            last = ops[-1] if len(ops) > mark else None
            named = Value(hint, tangent.type)
            if isinstance(last, (Op, If)) and last.results == (tangent,) and not tangent.hint:
                ops[-1] = replace(last, results=(named,))
            else:
                ops.append(Op("identity", (tangent,), (named,), self.builder.loc))
            tangent = named
        self.tangents[v] = tangent
        if is_memory(v.type) and self.aliases.is_written(v) and isinstance(tangent, Value):
            self.written.add(tangent)

    def twin(self, v: Value, prim: str, *operands: Operand, attrs: Iterable[tuple[str, Any]] = ()) -> None:
        """Make a reference's twin by an operation."""
        made = Value(tangent_hint(v), tangent_type(v.type))
        self.builder.ops.append(Op(prim, operands, (made,), self.builder.loc, tuple(attrs)))
        self.tangents[v] = made
        if is_memory(v.type) and self.aliases.is_written(v):
            self.written.add(made)

    # -- the function's own parameters and results ------------------------------------------------------

    def parameter(self, v: Value) -> None:
        """A parameter's tangent, or that of a value taken out of one: the caller's, copied before it is written."""
        if v not in self.given:
            if is_memory(v.type) and self.is_active(v):
                self.twin(v, "zeros_like", v)
        elif self.is_copied(v):
            self.copied(v, self.given[v])
        else:
            self.tangents[v] = self.given[v]
            if is_memory(v.type) and self.aliases.is_written(v):
                self.written.add(self.given[v])

    def is_copied(self, v: Value) -> bool:
        """Whether the caller's tangent may not be used as it is: written, or lying otherwise than what is read of it."""
        if not (self.fresh and is_memory(v.type) and self.is_active(v)):
            return False
        return self.aliases.is_written(v) or v in self.fn.layouts

    def copied(self, v: Value, given: Operand) -> None:
        """A copy of the tangent that the caller gives, which lies in memory as the argument: views of it are views then."""
        without_axes = isinstance(v.type, Array) and not v.type.ndim  # a number may be given for it
        if lies_by_rows(self.fn, v) and not without_axes:
            self.twin(v, "copy", given)
            return
        self.twin(v, "zeros_like", v)
        self.builder.effect("assign", self.tangents[v], given)

    def returned(self) -> list[Operand]:
        found: list[Operand] = []
        seen: set[Value] = set()
        if self.fresh:  # twins that may be the caller's own
            seen = {
                self.aliases.find(v)
                for v in self.inputs
                if is_memory(v.type) and not self.aliases.is_written(v)
            }
        for o, wanted in zip(self.fn.body.yields, self.results, strict=True):
            if not wanted:
                continue
            tangent = self.handed_on(o)
            if self.fresh and isinstance(o, Value) and is_memory(o.type) and self.tangent(o) is not None:
                if self.aliases.find(o) in seen:
                    tangent = self.emit("copy", tangent, type=tangent.type)
                seen.add(self.aliases.find(o))
            found.append(tangent)
        return found

    # -- operations -----------------------------------------------------------------------------------

    def op(self, op: AnyOp) -> None:
        self.builder.loc = op.loc
        if isinstance(op, If):
            self.branch(op)
        elif isinstance(op, For):
            self.for_(op)
        elif isinstance(op, While):
            self.while_(op)
        elif isinstance(op, Op) and op.prim == "invoke":
            self.invoke(op)
        elif isinstance(op, Op):
            self.builder.ops.append(op)
            if op.results and op.result in self.given:
                self.parameter(op.result)
            elif op not in self.absorbed:
                HANDLERS.get(op.prim, apply_rule)(self, op)

    def invoke(self, op: Op) -> None:
        active = tuple(map(self.is_active, op.operands))
        results = tuple(map(self.is_active, op.results))
        operands = tuple(self.handed_on(o) for o, a in zip(op.operands, active, strict=True) if a)
        if not any(results) and not any(is_memory(o.type) for o in operands):
            self.builder.ops.append(op)
            return
        name = self.callees.version(op.attr("callee"), active, results)
        made = self.named(op.results, [j for j, wanted in enumerate(results) if wanted])
        everything = (*op.results, *made)
        self.builder.ops.append(
            Op(op.prim, (*op.operands, *operands), everything, op.loc, (("callee", name),))
        )

    # -- structure ------------------------------------------------------------------------------------

    def carried(self, columns: Iterable[tuple[Value, ...]]) -> list[int]:
        """The columns (one variable's values around a branch or loop) that have tangents."""
        return [j for j, column in enumerate(columns) if any(map(self.is_active, column))]

    def named(self, values: tuple[Value, ...], kept: list[int]) -> tuple[Value, ...]:
        """New tangents for the chosen ones among the parameters or results of a structure."""
        made = tuple(Value(tangent_hint(values[j]), tangent_type(values[j].type)) for j in kept)
        self.tangents.update(zip((values[j] for j in kept), made, strict=True))
        self.written.update(
            m
            for j, m in zip(kept, made, strict=True)
            if is_memory(m.type) and self.aliases.is_written(values[j])
        )
        return made

    def block(
        self, block: Block, params: tuple[Value, ...], kept: list[int], targets: Sequence[Value]
    ) -> Block:
        """A block with these parameters, that also yields the tangents of the chosen ones of its yields; those of
        `targets` are what they become."""
        with self.builder.region() as ops:
            for op in block.ops:
                self.op(op)
            yields = block.yields[len(block.yields) - len(targets) :]
            tangents = tuple(self.handed_on(yields[j], targets[j]) for j in kept)
        return Block((*block.params, *params), tuple(ops), (*block.yields, *tangents), block.exit)

    def branch(self, op: If) -> None:
        kept = self.carried((r,) for r in op.results)
        then, orelse = (self.block(b, (), kept, op.results) for b in (op.then, op.orelse))
        self.builder.ops.append(
            If(op.cond, then, orelse, (*op.results, *self.named(op.results, kept)), op.loc)
        )

    def for_(self, op: For) -> None:
        carried = op.body.params[1:]
        kept = self.carried(zip(carried, op.results, strict=True))
        init = (*op.init, *(self.handed_on(op.init[j], op.results[j]) for j in kept))
        body = self.block(op.body, self.named(carried, kept), kept, op.results)
        results = (*op.results, *self.named(op.results, kept))
        self.builder.ops.append(replace(op, init=init, body=body, results=results))

    def while_(self, op: While) -> None:
        kept = self.carried(zip(op.test.params, op.body.params, op.results, strict=True))
        init = (*op.init, *(self.handed_on(op.init[j], op.results[j]) for j in kept))
        test = self.block(op.test, self.named(op.test.params, kept), kept, op.results)
        body = self.block(op.body, self.named(op.body.params, kept), kept, op.results)
        results = (*op.results, *self.named(op.results, kept))
        self.builder.ops.append(While(init, test, body, results, op.loc))


def apply_rule(f: Forward, op: Op) -> None:
    """The sum over the operands that vary of their partials with the operand's tangent for `dy`."""
    if op.prim in RESULTS:
        tangents_of_several(f, op)
        return
    if not op.results or not f.is_active(op.result):
        return
    if op.prim in JVPS and op not in f.gates:
        array_tangent(f, op)
        return
    if is_memory(op.result.type) and not isinstance(op.result.type, Array):
        f.twin(op.result, "zeros_like", op.result)
        return
    start, total = len(f.builder.ops), None
    gate = f.gates.get(op)
    if gate is not None:
        total = of_gate(f, gate, op)
    else:
        for i, operand in enumerate(op.operands):
            mark = len(f.builder.ops)
            term = contribution(f, op, i, operand)
            if term is not None:
                total = term if total is None else f.builder.add(total, term, mark)
    if total is not None:
        f.define(op.result, complete(f, op.result, total), start)
    elif isinstance(op.result.type, Array):
        f.twin(op.result, "zeros_like", op.result)


def of_gate(f: Forward, gate: Gate, op: Op) -> Operand | None:
    """The tangent of a group of operations, whose last one is `op`."""
    total: Operand | None = None
    for term in gate.terms:
        tangent = f.tangent(term.operand)
        if tangent is None:
            continue
        mark = len(f.builder.ops)
        env = {"y": op.result, "dy": tangent, "op": op, **gate.names}
        with f.builder.keeping({tangent} if f.selections.concerns(op) else set()):
            part = f.builder.partial(term.tangent or term.partial, env, gate.family)
        total = part if total is None else f.builder.add(total, part, mark)
    return total


def complete(f: Forward, result: Value, tangent: Operand) -> Operand:
    """An array's tangent with all its axes; memory of its own where the array is written."""
    t = result.type
    may_change = tangent in f.written  # the tangent of y = x + 1 is that of x, which may be written later
    tangent = projected(f.builder, tangent, t)
    if not isinstance(t, Array):
        return tangent
    found = full(f.builder, tangent, t, lambda: a_.shape(f.builder, result))
    if is_complex(t) and not is_complex(found.type):  # as that of x + 1j is, before anything is written to it
        return f.emit("astype", found, type=t, attrs={"dtype": t.dtype}.items())
    borrowed = f.aliases.is_written(result) and (found is not tangent or tangent in f.tangents.values())
    if borrowed or may_change:
        found = f.emit("copy", found, type=t)
    return found


def array_tangent(f: Forward, op: Op) -> None:
    """The tangent of an operation on whole arrays, by what its rule says of it."""
    kind, attrs, t = JVPS[op.prim], dict(op.attrs), op.result.type
    start = len(f.builder.ops)
    if kind == "first":
        if f.tangent(op.operands[0]) is not None:
            rearranged(f, op, start, f.handed_on(op.operands[0]), *op.operands[1:])
        elif isinstance(t, Array):
            f.twin(op.result, "zeros_like", op.result)
        return
    if kind == "linear":
        if any(f.tangent(o) is not None for o in op.operands):
            rearranged(f, op, start, *map(f.handed_on, op.operands))
        elif isinstance(t, Array):
            f.twin(op.result, "zeros_like", op.result)
        return
    total: Operand | None = None
    for i, operand in enumerate(op.operands):
        tangent = f.tangent(operand)
        if tangent is None or PRIMS[op.prim].partial(i) is ZERO:
            continue
        mark = len(f.builder.ops)
        if kind == "multilinear":
            operands = (*op.operands[:i], tangent, *op.operands[i + 1 :])
            term = f.emit(op.prim, *operands, type=tangent_type(t), attrs=attrs.items())
        else:
            env: dict[str, Any] = {"y": op.result, "dy": tangent, "op": op, "which": i}
            env |= dict(zip(PRIMS[op.prim].params, op.operands, strict=False))
            env["shape"] = lambda k: a_.shape(f.builder, op.operands[k])
            term = kind(f.builder, env)
        total = term if total is None else f.builder.add(total, term, mark)
    if total is not None:
        f.define(op.result, complete(f, op.result, total), start)
    elif isinstance(t, Array):
        f.twin(op.result, "zeros_like", op.result)


def rearranged(f: Forward, op: Op, start: int, *operands: Operand) -> None:
    """The tangent of an operation that only moves numbers is the same of the tangents; where that may be a view
    of one, and is written, a copy, since the primal's is read through no other name."""
    made = f.emit(op.prim, *operands, type=tangent_type(op.result.type), attrs=op.attrs)
    if maybe_view(op) and f.aliases.is_written(op.result):
        made = f.emit("copy", made, type=made.type)
    f.define(op.result, made, start)


def tangents_of_several(f: Forward, op: Op) -> None:
    """The tangents of an operation with several results; its rule gives those (None: no variation) for an operand."""
    totals: list[Operand | None] = [None] * len(op.results)
    start = len(f.builder.ops)
    for i, operand in enumerate(op.operands):
        tangent = f.tangent(operand)
        if tangent is None or PRIMS[op.prim].partial(i) is ZERO or not any(map(f.is_active, op.results)):
            continue
        env: dict[str, Any] = {"dy": tangent, "op": op, "which": i}
        env |= dict(
            zip((*PRIMS[op.prim].params, *RESULTS[op.prim]), (*op.operands, *op.results), strict=True)
        )
        env["shape"] = lambda k: a_.shape(f.builder, op.operands[k])
        for k, term in enumerate(JVPS[op.prim](f.builder, env)):
            before = totals[k]
            if term is not None:
                totals[k] = term if before is None else f.builder.add(before, term, len(f.builder.ops))
    for result, total in zip(op.results, totals, strict=True):
        if total is not None and f.is_active(result):
            f.define(result, complete(f, result, total), start)
        elif isinstance(result.type, Array) and f.is_active(result):
            f.twin(result, "zeros_like", result)


def contribution(f: Forward, op: Op, index: int, operand: Operand) -> Operand | None:
    """What the variation of one operand adds to the result's tangent."""
    tangent, rule = f.tangent(operand), PRIMS[op.prim]
    if tangent is None:
        return None
    partial = rule.partial(index)
    if partial is None:
        raise MissingRuleError(
            f"{op.prim}() has no derivative with respect to its argument {rule.param(index).lstrip('*')!r}",
            op.loc,
            "keep that argument independent of what you differentiate by, or use stop_gradient()",
        )
    if partial is ZERO:
        return None
    env: dict[str, Any] = dict(zip(rule.params, op.operands, strict=False))
    env |= {"y": op.result, "dy": tangent, "op": op}
    if rule.param(index).startswith("*"):
        others = [o for j, o in enumerate(op.operands) if j != index]
        env |= {"x": operand, "others": others, "index": index, "operands": list(op.operands)}
    with f.builder.keeping({tangent} if f.selections.concerns(op) else set()):
        return f.builder.partial(partial, env, rule.module or "math")  # type: ignore[no-any-return]
