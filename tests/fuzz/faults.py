"""Planted faults: one-line changes to the compiler that the fuzzer has to find.

Invariant: a fault is text in a function of the product and text to put there instead; where the product no
longer has that text, planting fails, so a fault is never silently absent.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from s2sad.rules.registry import PRIMS
from s2sad.transform.reverse.core import HANDLERS


@dataclass(frozen=True)
class Fault:
    """In `place` (module:function or module:Class.method of s2sad), `old` becomes `new`.

    `rare`: it takes more than a few programs to find.
    """

    name: str
    place: str
    old: str
    new: str
    rare: bool = False


REVERSE, ANALYSIS, OPTIMIZE = "transform.reverse", "analysis", "optimize"

FAULTS = (
    Fault(
        "one branch's adjoint is dropped",
        f"{REVERSE}.branches:reverse_if",
        "child.adj.get(v) or before",
        "(child.adj.get(v) if child is sides[0][0] else None) or before",
    ),
    Fault(
        "a tape is read off by one",
        f"{REVERSE}.storage:Plan.stored",
        'return Op("tape_read", (held, loop.index),',
        "k = Value('', loop.index.type)\n"
        "    one = Const(1, loop.index.type)\n"
        "    self.scope.head.append(Op('sub', (loop.index, one), (k,), self.r.head_loc(self.scope)))\n"
        '    return Op("tape_read", (held, k),',
    ),
    Fault(
        "a store does not zero the shadow cell",
        f"{REVERSE}.memory:reverse_store",
        'cotangent = read_shadow(r, target, *at)\n        r.builder.effect("store", target, *at, empty_cell(target.type))',
        "cotangent = read_shadow(r, target, *at)",
    ),
    Fault(
        "an inactive value's store does not zero the shadow cell",
        f"{REVERSE}.memory:reverse_store",
        'else:\n        r.builder.effect("store", target, *at, empty_cell(target.type))',
        "else:\n        pass",
        rare=True,
    ),
    Fault(
        "the shadows of swapped buffers are not swapped",
        f"{REVERSE}.shadows:loop_twin",
        "carry.at_exit = out",
        "carry.at_exit = lambda leaf: param",
        rare=True,
    ),
    Fault(
        "the shadow of a conditional reference is one side's",
        f"{REVERSE}.shadows:join_twin",
        "(twin(r, op.then.yields[j]), twin(r, op.orelse.yields[j]))",
        "(twin(r, op.then.yields[j]), twin(r, op.then.yields[j]))\n"
        "    sides = sides if r.home.get(op.then.yields[j]) is not op.then else\\\n"
        "        (twin(r, op.orelse.yields[j]), twin(r, op.orelse.yields[j]))",
        rare=True,
    ),
    Fault(
        "= where += belongs",
        f"{REVERSE}.core:Reverse.accumulate",
        "if current is None else",
        "if current is None or not self.is_active(term) else",
    ),
    Fault(
        "a load's adjoint is stored, not added",
        f"{REVERSE}.memory:reverse_load",
        '"accumulate", target',
        '"store", target',
    ),
    Fault(
        "iterations are reversed in the forward order",
        f"{REVERSE}.loops:reverse_range",
        "return first, end, const(-unit), index, head",
        "return start, stop_at, const(unit), index, head",
    ),
    Fault(
        "the reverse of a for loop ignores its break",
        f"{REVERSE}.loops:reverse_range",
        "breaks = body_breaks(op.body)",
        "breaks = False",
    ),
    Fault(
        "the reverse of a while loop's last test ignores a break",
        f"{REVERSE}.loops:last_test",
        "if body_breaks(op.body):",
        "if False:",
        rare=True,
    ),
    Fault(
        "the last, partial run of a while loop's test is not reversed",
        f"{REVERSE}.loops:reverse_while",
        "if tests_do_something(r, op, active):",
        "if False:",
    ),
    Fault(
        "the last iteration of a while loop is not reversed",
        f"{REVERSE}.loops:reverse_while",
        'first = r.builder.emit("sub", trips, const(1))',
        'first = r.builder.emit("sub", trips, const(2))',
    ),
    Fault(
        "what a loop adds to an outer adjoint is lost",
        f"{REVERSE}.loops:finish",
        "*(loop.adj[v] for v in outer)",
        "*(loop.accumulators[v][1] for v in outer)",
    ),
    Fault(
        "overwritten memory is loaded again",
        f"{REVERSE}.storage:reads_again",
        "return not r.written_after(a, op) or is_read_again(r, op)",
        "return True",
    ),
    Fault(
        "a later iteration's write is not seen",
        f"{REVERSE}.core:Reverse.written_after",
        "self.numbers.get(op, -1) > last",
        "self.numbers.get(op, -1) >= last",
    ),
    Fault(
        "what is stored to memory does not make it active",
        f"{ANALYSIS}.activity:Dependences.op",
        'if prim in ("store", "accumulate"):\n        self.edge(op.operands[-1], op.operands[0])',
        'if prim in ("store", "accumulate"):\n        pass',
    ),
    Fault(
        "what a loop carries back does not make it active",
        f"{ANALYSIS}.activity:Dependences.cycle",
        "self.edge(out, param)",
        "pass",
    ),
    Fault(
        "references that a branch joins are not aliases",
        f"{ANALYSIS}.aliases:Aliases.__init__",
        "self.union(r, a, b)",
        "self.union(r, a)",
        rare=True,
    ),
    Fault(
        "common subexpressions are found across a store",
        f"{OPTIMIZE}.cse:_Known.pure",
        'effect not in ("none", "raises"):\n        return False\n    '
        "return all(isinstance(o.type, Scalar) or self.settled(o)",
        'effect not in ("none", "raises", "reads"):\n        return False\n    '
        "return all(isinstance(o.type, (Scalar, Array))",
    ),
    Fault(
        "of the stores to dead-looking memory only one is kept",
        f"{OPTIMIZE}.dce:_Liveness.run",
        "self.writers.pop(self.aliases.find(v), ())",
        "self.writers.pop(self.aliases.find(v), ())[-1:]",
    ),
    Fault(
        "a load prints after the store it came before",
        "codegen.folding:Folding.block",
        "(epoch < 0 or epoch == writes)",
        "(epoch < 0 or epoch <= writes)",
    ),
    Fault(
        "swapped names are assigned one after the other",
        "codegen.emit:Emitter.copies",
        "if not any(name in r for j, r in enumerate(reads) if j != i)",
        "if True",
        rare=True,
    ),
)  # fmt: skip


@contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """The product with the fault in it."""
    with pytest.MonkeyPatch.context() as patch:
        module_name, _, path = fault.place.partition(":")
        module = importlib.import_module(f"s2sad.{module_name}")
        *owners, name = path.split(".")
        owner: Any = getattr(module, owners[0]) if owners else module
        original = vars(owner)[name]
        changed = changed_function(original, fault)
        patch.setattr(owner, name, changed)
        if not owners:
            for user in [m for key, m in sys.modules.items() if key.startswith("s2sad") and m is not None]:
                if vars(user).get(name) is original:
                    patch.setattr(user, name, changed)
        for key, handler in list(HANDLERS.items()):
            if handler is original:
                patch.setitem(HANDLERS, key, changed)
        yield


def changed_function(original: Any, fault: Fault) -> Any:
    """The function with the fault's text put in; raises where its text is not found exactly once."""
    text = textwrap.dedent(inspect.getsource(original))
    count = text.count(fault.old)
    if count != 1:
        raise LookupError(f"{fault.name}: {fault.old!r} is in {fault.place} {count} times")
    space = original.__globals__
    made: dict[str, Any] = {}
    code = compile(
        "from __future__ import annotations\n" + text.replace(fault.old, fault.new), fault.place, "exec"
    )
    exec(code, space, made)
    return made[original.__name__]


# a rule, the operand whose partial is replaced, and the wrong partial
WRONG_PARTIALS = (
    ("math.tanh", "x", "-dy * (1.0 - y * y)"),
    ("mul", "a", "a * dy"),
    ("math.sqrt", "x", "dy / y"),
)


@contextmanager
def wrong_partial(prim: str, operand: str, partial: str) -> Iterator[None]:
    """The product with one rule's partial replaced."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRIMS[prim].partials, operand, partial)
        yield
