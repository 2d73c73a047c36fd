"""Planted faults in what the compiler does with arrays, that programs of arrays have to find."""

from __future__ import annotations

from dataclasses import replace

from tests.fuzz.faults import FAULTS, REVERSE, Fault

ARRAYS, SHADOWS = f"{REVERSE}.arrays", f"{REVERSE}.shadows"
SHARED = {
    "a store does not zero the shadow cell",
    "the shadows of swapped buffers are not swapped",
    "the shadow of a conditional reference is one side's",
    "references that a branch joins are not aliases",
    "a tape is read off by one",
    "overwritten memory is loaded again",
}

ARRAY_FAULTS = (
    Fault(
        "the bounds of a loop are read where a name for what it carries has been assigned",
        "codegen.positions:Positions.loop",
        "self.entered[p] = read - {o}",
        "self.entered[p] = set()",
    ),
    Fault(
        "a slice's store does not zero its shadow",
        f"{ARRAYS}:reverse_assign",
        'r.builder.effect("assign", target, const(0.0))\n        r.add(v, moved, scope)',
        "r.add(v, moved, scope)",
    ),
    Fault(
        "a slice's cotangent is read after it was zeroed",
        f"{ARRAYS}:reverse_assign",
        'moved = r.builder.emit("copy", target, type=target.type)',
        "moved = target",
    ),
    Fault(
        "np.add.at is missing: of repeated positions one gets its adjoint",
        "codegen.emit:Emitter.op_scatter_add",
        'out.append(t.statement(arrays.np_call(self.expressions, "add.at", held, index, self.expr(v))))',
        'if op.loc.reverse:\n        out.append(t.augment(t.subscript(held, index, True), "add", self.expr(v)))\n'
        "        return\n"
        '    out.append(t.statement(arrays.np_call(self.expressions, "add.at", held, index, self.expr(v))))',
    ),
    Fault(
        "each of repeated positions gets the cotangent, not the last",
        f"{ARRAYS}:reverse_assign_at",
        '"take_winners", target',
        '"gather", target',
        rare=True,
    ),
    Fault(
        "the adjoint of what was broadcast along an axis of size 1 is one row's",
        f"{ARRAYS}:unbroadcast",
        'term = a_.emit(b, "numpy.sum", term, axis=kept if len(kept) > 1 else kept[0], keepdims=True)',
        'term = a_.emit(b, "numpy.mean", term, axis=kept if len(kept) > 1 else kept[0], keepdims=True)',
    ),
    Fault(
        "the shadow of a view is a copy",
        f"{SHADOWS}:shadow",
        "return r.builder.emit(op.prim, shadow(r, of, scope), *at, type=shadow_type(a.type), **dict(op.attrs))",
        "v = r.builder.emit(op.prim, shadow(r, of, scope), *at, type=shadow_type(a.type), **dict(op.attrs))\n"
        '        return r.builder.emit("copy", v, type=v.type)',
    ),
    Fault(
        "no snapshot is taken of what is overwritten",
        f"{REVERSE}.core:Reverse.as_read",
        "self.written_after(operand, op)",
        "False",
    ),
    Fault(
        "what was overwritten is not put back",
        f"{REVERSE}.restoring:undo",
        "a = write.operands[0]",
        "return",
    ),
    Fault(
        "elements are read again though their block writes them later",
        f"{REVERSE}.restoring:is_read_again",
        "and stays_for_its_block(r, load)",
        "",
    ),
    Fault(
        "out= is added to, not overwritten, in the adjoint",
        f"{ARRAYS}:reverse_assign",
        "if not r.is_active(a):",
        "if r.is_active(v) and isinstance(v, Value):\n"
        "        r.add(v, shadow(r, a, scope), scope)\n"
        "        return\n"
        "    if not r.is_active(a):",
    ),
    Fault(
        "the adjoint of written memory is carried back as a value",
        f"{ARRAYS}:by_value",
        "return root not in r.buffered and not r.aliases.is_written(v)",
        "return not r.aliases.is_written(v) or r.aliases.is_joined(v)",
    ),
    Fault(
        "what is added in place to an array gets its shadow, not a copy",
        f"{ARRAYS}:reverse_add_into",
        "if isinstance(v.type, Array) and by_value(r, v) else d",
        "if False else d",
        rare=True,
    ),
    Fault(
        "a gradient is another's memory",
        f"{ARRAYS}:finished_array",
        "not given.isdisjoint(arrays) or not is_unshared(d, defs, set())",
        "False",
        rare=True,
    ),
    Fault(
        "a view is no alias of its array",
        "analysis.aliases:Aliases.op",
        "joined = set(self.joined)\n        self.union(op.result, op.operands[0])",
        "joined = set(self.joined)",
    ),
    *(replace(fault, rare=False) for fault in FAULTS if fault.name in SHARED),
)
