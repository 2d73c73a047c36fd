"""How tapes are written down: Python lists and dicts, or arrays for Numba; chosen after the last differentiation.

A tape that is passed to a function holds the records of its calls, in a list that grows. One written once in
every iteration, at the level of its loop, is a list that grows and is read by index;
one written in some iterations only is a dict by iteration. For Numba a tape of numbers is an array, as long
as the loop where the trip count is known beforehand, else growing by doubling.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gast

from s2sad.codegen import tree as t
from s2sad.errors import JitError
from s2sad.ir.core import AnyOp, Block, Const, For, Function, If, Op, Operand, Value, While, blocks, walk
from s2sad.ir.types import NONE, Array, List, Scalar, Tape, Tuple, Type

if TYPE_CHECKING:
    from s2sad.codegen.emit import Emitter

FIRST, FIRST_OF_ROWS = 1024, 32  # how many records an array that grows has room for at first
GROW = """def grow(tape):
    longer = np.empty(2 * len(tape), tape.dtype)
    longer[: len(tape)] = tape
    return longer
"""


@dataclass(slots=True)
class Layout:
    """`kind` is list, dict, array, growing, records (a list that is passed to functions), stack (a list popped
    where the reverse sweep mirrors the writes), or padded (a list in which iterations that store nothing hold a
    place), or rows (an array with an axis a loop, of the sizes that are its operands); `loop` is the loop whose iterations index the tape."""

    kind: str
    loop: AnyOp | None
    holders: tuple[Value, ...] = ()  # the lists of arrays that a growing one is the last of while it grows


def plan(fn: Function, target: str) -> dict[Value, Layout]:
    """A layout for every tape made in a function."""
    writes: dict[Value, list[tuple[Op, Block, AnyOp | None]]] = {}

    def visit(block: Block, loop: AnyOp | None, home: Block | None) -> None:
        for op in block.ops:
            if isinstance(op, Op) and op.prim == "tape_write" and isinstance(op.operands[0], Value):
                writes.setdefault(op.operands[0], []).append((op, block, loop if block is home else None))
            for inner in blocks(op):
                if isinstance(op, (For, While)):
                    visit(inner, op, inner)
                else:
                    visit(inner, loop, home)

    visit(fn.body, None, None)
    layouts = {p: Layout("records", None) for p in fn.params if isinstance(p.type, Tape)}
    passed = {o for op in walk(fn.body) if isinstance(op, Op) and op.prim == "invoke" for o in op.operands}
    for op in walk(fn.body):
        if isinstance(op, Op) and op.prim == "tape_new":
            if op.result in passed:
                layouts[op.result] = Layout("records", None)
                continue
            if op.operands:
                layouts[op.result] = Layout("rows", None)
                continue
            found = writes.get(op.result, [])
            layouts[op.result] = _layout(op.result, found, target, fn)
    for write, *_ in (w for found in writes.values() for w in found):
        row = layouts.get(write.operands[-1])  # type: ignore[arg-type]
        if row is not None and row.kind == "growing":
            row.holders = (*row.holders, write.operands[0])  # type: ignore[arg-type]
    return layouts


def _layout(tape: Value, writes: list[tuple[Op, Block, AnyOp | None]], target: str, fn: Function) -> Layout:
    assert isinstance(tape.type, Tape)
    once = len(writes) == 1 and writes[0][2] is not None
    loop = _loop_of(fn, writes[0][0]) if writes else None
    if target == "python":
        return Layout("list" if once else "dict", loop)
    if not isinstance(tape.type.item, Scalar):
        if once:
            return Layout("list", loop)
        if len(writes) == 1:
            return Layout("stack" if _popped(fn, tape) else "padded", loop)
        if writes and all(_loop_of(fn, w[0]) is loop for w in writes):
            return Layout("padded", loop)
        raise JitError(
            "a reference stored at several places cannot be compiled yet",
            writes[0][0].loc if writes else None, "use jit=False for this function",
        )  # fmt: skip
    known = isinstance(loop, For) and all(_loop_of(fn, w[0]) is loop for w in writes)
    return Layout("array" if known else "growing", loop)


def _popped(fn: Function, tape: Value) -> bool:
    """Whether a tape is read once, in as many loops as it is written: then reads mirror the writes."""
    depths: dict[str, list[int]] = {"tape_write": [], "tape_read": []}

    def visit(block: Block, depth: int) -> None:
        for op in block.ops:
            if isinstance(op, Op) and op.prim in depths and op.operands[0] is tape:
                depths[op.prim].append(depth)
            for inner in blocks(op):
                visit(inner, depth + isinstance(op, (For, While)))

    visit(fn.body, 0)
    return len(depths["tape_read"]) == 1 and depths["tape_read"] == depths["tape_write"]


def _loop_of(fn: Function, op: Op) -> AnyOp | None:
    stack: list[tuple[Block, AnyOp | None]] = [(fn.body, None)]
    while stack:
        block, loop = stack.pop()
        for o in block.ops:
            if o is op:
                return loop
            for inner in blocks(o):
                stack.append((inner, o if isinstance(o, (For, While)) else loop))
    return None


def new(e: Emitter, op: Op, out: list[Any]) -> None:
    layout = e.tapes[op.result]
    name = t.target(e.names[op.result])
    if layout.kind == "records" and e.target == "numba":
        first = laid_out(e, sample(e, op.result.type.item), op.result.type.item)  # type: ignore[attr-defined]
        out.append(t.assign(name, t.subscript(t.list_([first]), gast.Slice(None, t.constant(0), None))))
    elif layout.kind in ("list", "stack", "padded", "records"):
        out.append(t.assign(name, t.list_([])))
    elif layout.kind == "dict":
        out.append(t.assign(name, gast.Dict([], [])))
    elif layout.kind == "rows":
        e.expressions.modules.add("numpy")
        out.append(
            t.assign(
                name, t.call("np.empty", t.tuple_([e.expr(o) for o in op.operands]), **_dtype(op.result.type))
            )
        )
    else:
        e.expressions.modules.add("numpy")
        first = FIRST_OF_ROWS if layout.holders else FIRST
        size = t.constant(first) if layout.kind == "growing" else _trips(e, layout.loop)
        out.append(t.assign(name, t.call("np.empty", size, **_dtype(op.result.type))))


def of_any_strides(array: Any, item: Type) -> Any:
    """An array as one that Numba does not know to lie row by row: then a list may hold slices of any kind, too."""
    every = [gast.Slice(None, None, t.constant(1))] * item.ndim  # type: ignore[attr-defined]
    return t.subscript(array, every[0] if len(every) == 1 else t.tuple_(every)) if every else array


def recorded(e: Emitter, v: Operand) -> Any:
    """What is appended to the records of a function's calls: they all have one type."""
    return laid_out(e, e.expr(v), v.type)


def laid_out(e: Emitter, record: Any, item: Type) -> Any:
    if e.target == "numba" and isinstance(item, Array):
        return of_any_strides(record, item)
    if e.target == "numba" and isinstance(item, Tuple) and isinstance(record, gast.Tuple):
        record.elts = [laid_out(e, x, i) for x, i in zip(record.elts, item.items, strict=True)]
    return record


def sample(e: Emitter, item: Type) -> Any:
    """An expression of a type, which Numba can tell from it; what is memory is empty."""
    if isinstance(item, Scalar) and not item.optional:
        return t.constant({"float": 0.0, "int": 0, "bool": False, "complex": 0j}[item.kind])
    if isinstance(item, Array):
        e.expressions.modules.add("numpy")
        return t.call("np.empty", t.constant((0,) * item.ndim), dtype=t.dotted(f"np.{item.dtype}"))
    if isinstance(item, Tape) and isinstance(item.item, Scalar):
        e.expressions.modules.add("numpy")
        return t.call("np.empty", t.constant(0), **_dtype(item))
    if isinstance(item, Tuple):
        return t.tuple_([sample(e, i) for i in item.items])
    if isinstance(item, (Tape, List)):
        return t.subscript(t.list_([sample(e, item.item)]), gast.Slice(None, t.constant(0), None))
    raise JitError(
        f"records of {item} in a function that is called recursively cannot be compiled yet",
        hint="use jit=False for this function",
    )


def _dtype(tape: Type) -> dict[str, Any]:
    item: Any = tape.item  # type: ignore[attr-defined]
    text = (
        item.dtype
        or {"float": "float64", "int": "int64", "bool": "bool_", "complex": "complex128"}[item.kind]
    )
    return {} if text == "float64" else {"dtype": t.dotted("np." + ("bool_" if text == "bool" else text))}


def _trips(e: Emitter, loop: AnyOp | None) -> Any:
    assert isinstance(loop, For)
    return e.expressions.trips(loop.start, loop.stop, loop.step)


def write(e: Emitter, op: Op, out: list[Any]) -> None:
    tape, *at, v = op.operands
    layout = e.tapes.get(tape)  # type: ignore[arg-type]
    held = e.expr(tape)
    if layout is not None and layout.kind == "rows":
        out.append(t.assign(t.subscript(held, t.tuple_([e.expr(o) for o in at]), True), e.expr(v)))
        return
    k = at[0]
    if layout is not None and (layout.kind in ("list", "stack") or (layout.kind == "records" and op.attrs)):
        value = recorded(e, v) if layout.kind == "records" else e.expr(v)
        out.append(t.statement(t.call(t.attribute(held, "append"), value)))
        return
    index = e.expr(k)
    if layout is not None and layout.kind == "padded":
        short = t.compare("le", t.call("len", held), index)
        out.append(gast.While(short, [t.statement(t.call(t.attribute(held, "append"), e.expr(v)))], []))
        return
    if layout is not None and layout.kind == "growing":
        e.expressions.helpers["grow"] = None
        full = t.compare("ge", index, t.call("len", held))
        grown = [t.assign(t.target(e.names[tape]), t.call("grow", held))]  # type: ignore[index]
        for holder in layout.holders:  # these hold what it was before
            grown.append(t.assign(t.subscript(e.expr(holder), t.constant(-1), True), e.expr(tape)))
        out.append(gast.If(full, grown, []))
    out.append(t.assign(t.subscript(held, index, True), e.expr(v)))


def with_implicit_indices(fn: Function, layouts: dict[Value, Layout]) -> Function:
    """An append needs no index: what only computed it goes, before anything is named."""
    lists = {tape for tape, layout in layouts.items() if layout.kind in ("list", "stack")}
    if not lists:
        return fn
    stacks = {tape for tape in lists if layouts[tape].kind == "stack"}  # type: ignore[index]

    def rebuilt(block: Block) -> Block:
        return replace(block, ops=tuple(map(one, block.ops)))

    def one(op: AnyOp) -> AnyOp:
        if isinstance(op, Op):
            if op.prim == "tape_write" and op.operands[0] in lists:
                return replace(op, operands=(op.operands[0], Const(None, NONE), op.operands[2]))
            if op.prim == "tape_read" and op.operands[0] in stacks:
                return replace(op, operands=(op.operands[0], Const(None, NONE)))
            return op
        if isinstance(op, If):
            return replace(op, then=rebuilt(op.then), orelse=rebuilt(op.orelse))
        if isinstance(op, While):
            return replace(op, test=rebuilt(op.test), body=rebuilt(op.body))
        return replace(op, body=rebuilt(op.body))

    from s2sad.optimize.dce import eliminate_dead_code

    return eliminate_dead_code(replace(fn, body=rebuilt(fn.body)))


def read(e: Emitter, op: Op) -> Any:
    layout = e.tapes.get(op.operands[0])  # type: ignore[arg-type]
    if layout is not None and layout.kind == "stack":
        return t.call(t.attribute(e.expr(op.operands[0]), "pop"))
    tape, *at = map(e.expr, op.operands)
    return t.subscript(tape, at[0] if len(at) == 1 else t.tuple_(at))
