"""Activity: a value is active if it varies with an input and a result varies with it.

Both halves are reachability in the graph of differentiable dependences; a whole alias class of memory is one
node, since what is stored through one reference is loaded through another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from s2sad.analysis.aliases import Aliases
from s2sad.analysis.dataflow import Gate
from s2sad.ir.core import For, Function, If, Op, Operand, Value, While, walk
from s2sad.ir.types import carries_derivative, element, is_memory
from s2sad.rules.registry import PRIMS, ZERO

Edge = Callable[[Operand, Value], None]


def active_values(
    fn: Function,
    inputs: Iterable[Value],
    outputs: Iterable[Operand],
    aliases: Aliases,
    gates: Mapping[Op, Gate] | None = None,
) -> set[Value]:
    """The active values of a typed function; for memory, the representatives of active alias classes too. What lies between a
    gate's result and its terms is not active for that."""
    graph = Dependences(fn, aliases, gates)
    varied = graph.reach(inputs, graph.forward)
    useful = graph.reach((o for o in outputs if isinstance(o, Value)), graph.backward)
    return varied & useful


class Dependences:
    """The differentiable dependences of a function as a graph on values and alias classes."""

    def __init__(self, fn: Function, aliases: Aliases, gates: Mapping[Op, Gate] | None = None) -> None:
        self.aliases, self.gates = aliases, gates or {}
        self.forward: dict[Value, list[Value]] = defaultdict(list)
        self.backward: dict[Value, list[Value]] = defaultdict(list)
        for op in walk(fn.body):
            if isinstance(op, Op):
                self.op(op)
            elif isinstance(op, If):
                for r, a, b in zip(op.results, op.then.yields, op.orelse.yields, strict=True):
                    self.edge(a, r)
                    self.edge(b, r)
            elif isinstance(op, For):
                for init, param, out, r in zip(
                    op.init, op.body.params[1:], op.body.yields, op.results, strict=True
                ):
                    self.cycle(init, param, param, out, r)
            elif isinstance(op, While):
                for init, tp, tested, bp, out, r in zip(
                    op.init,
                    op.test.params,
                    op.test.yields[1:],
                    op.body.params,
                    op.body.yields,
                    op.results,
                    strict=True,
                ):
                    self.cycle(init, tp, tp, out, r)
                    self.edge(tested, bp)
                    self.edge(tested, r)

    def cycle(self, init: Operand, first: Value, param: Value, out: Operand, result: Value) -> None:
        self.edge(init, first)
        self.edge(out, param)
        self.edge(init, result)
        self.edge(out, result)

    def op(self, op: Op) -> None:
        prim = op.prim
        if op in self.gates:
            for term in self.gates[op].terms:
                self.edge(term.operand, op.result)
        elif prim in ("store", "accumulate"):
            self.edge(op.operands[-1], op.operands[0])
            self.both(op.operands[-1], op.operands[0])
        elif prim == "tape_write":
            self.edge(op.operands[2], op.operands[0])
            self.edge(op.operands[0], op.operands[2])
        elif prim in ("assign", "assign_at", "scatter_add"):
            self.edge(op.operands[-1], op.operands[0])
        elif prim in ("append", "add_into"):
            self.edge(op.operands[1], op.operands[0])
            if prim == "append":
                self.both(op.operands[1], op.operands[0])
        elif prim == "stop_gradient":
            pass
        elif prim == "invoke":
            self.invoke(op)
        elif prim in ("custom", "pack", "extract", "copy", "list_of", "array_of", "alloc_list", "list_repeat",
                      "tape_read", "load", "numpy.full"):  # fmt: skip
            for o in op.operands:
                for r in op.results:
                    self.edge(o, r)
                if prim in ("tape_read", "load", "alloc_list", "list_repeat"):
                    self.both(op.result, o)
                if prim == "list_of" and is_memory(element(op.result.type)):
                    self.edge(op.result, o)
        elif op.results:
            rule = PRIMS[prim]
            for i, o in enumerate(op.operands):
                if rule.partial(i) is not ZERO:
                    for r in op.results:
                        self.edge(o, r)

    def invoke(self, op: Op) -> None:
        """What is called may write the memory that it is given, and reads and hands on what that holds."""
        memory = [o for o in op.operands if is_memory(o.type)]
        for o in op.operands:
            for target in (*op.results, *memory):
                self.edge(o, target)
        for o in (*memory, *(r for r in op.results if is_memory(r.type))):
            for held in self.aliases.reachable((o,)):
                self.both(held, o)

    def both(self, a: Operand, b: Operand) -> None:
        """A list and a reference that it holds: what is written through one is read through the other."""
        if is_memory(a.type) and is_memory(b.type):
            self.edge(a, b)
            self.edge(b, a)

    def edge(self, source: Operand, target: Operand) -> None:
        if not (isinstance(source, Value) and isinstance(target, Value)):
            return
        if not (carries_derivative(source.type) and carries_derivative(target.type)):
            return
        a, b = self.node(source), self.node(target)
        self.forward[a].append(b)
        self.backward[b].append(a)

    def node(self, v: Value) -> Value:
        return self.aliases.find(v) if is_memory(v.type) else v

    def reach(self, start: Iterable[Value], edges: dict[Value, list[Value]]) -> set[Value]:
        seen = {self.node(v) for v in start if carries_derivative(v.type)}
        stack = list(seen)
        while stack:
            for n in edges.get(stack.pop(), ()):
                if n not in seen:
                    seen.add(n)
                    stack.append(n)
        return seen
