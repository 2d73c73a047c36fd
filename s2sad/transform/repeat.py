"""What repeating a sweep needs: operations copied under new names, loops over all elements of an array, and the
seeds of rows and columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from s2sad.ir.core import AnyOp, Block, For, Function, If, Op, Operand, Value, While, blocks, walk
from s2sad.ir.types import FLOAT, INT, Array, List, shaped
from s2sad.rules import arrays as a_
from s2sad.rules.builder import Builder, const

INDICES = ("i", "j", "k", "l", "m", "n", "p", "q")


class Copier:
    """Copies operations under new names; `map` says what stands for a value of the original."""

    def __init__(self, given: dict[Value, Operand], kept: Iterable[Value] = ()) -> None:
        self.map: dict[Value, Operand] = dict(given)
        self.kept = set(kept)  # values that are read where they are, not from the copy

    def get(self, o: Operand) -> Operand:
        return self.map.get(o, o) if isinstance(o, Value) else o

    def all(self, operands: Iterable[Operand]) -> tuple[Operand, ...]:
        return tuple(map(self.get, operands))

    def new(self, values: tuple[Value, ...]) -> tuple[Value, ...]:
        made = tuple(Value(v.hint, v.type) for v in values)
        self.map.update((v, m) for v, m in zip(values, made, strict=True) if v not in self.kept)
        return made

    def block(self, block: Block) -> Block:
        params = self.new(block.params)
        ops = tuple(map(self.op, block.ops))
        return Block(params, ops, self.all(block.yields), block.exit)

    def op(self, op: AnyOp) -> AnyOp:
        if isinstance(op, Op):
            operands = self.all(op.operands)
            return replace(op, operands=operands, results=self.new(op.results))
        if isinstance(op, If):
            cond, then, orelse = self.get(op.cond), self.block(op.then), self.block(op.orelse)
            return If(cond, then, orelse, self.new(op.results), op.loc)
        if isinstance(op, For):
            start, stop, step = self.get(op.start), self.get(op.stop), self.get(op.step)
            init, body = self.all(op.init), self.block(op.body)
            return For(start, stop, step, init, body, self.new(op.results), op.loc)
        assert isinstance(op, While)
        init, test, body = self.all(op.init), self.block(op.test), self.block(op.body)
        return While(init, test, body, self.new(op.results), op.loc)


def sizes(b: Builder, v: Operand) -> tuple[Operand, ...]:
    """The shape of a number, an array or a list of numbers."""
    if isinstance(v.type, List):
        return (b.emit("len", v, type=INT),)
    return a_.shape(b, v) if isinstance(v.type, Array) else ()


def each(b: Builder, shape: tuple[Operand, ...], indices: tuple[Value, ...], ops: Iterable[AnyOp]) -> None:
    """Do `ops` for every position of a shape, the last index fastest."""
    inner = tuple(ops)
    for size, index in zip(reversed(shape), reversed(indices), strict=True):
        inner = (For(const(0), size, const(1), (), Block((index,), inner, ()), (), b.loc),)
    b.ops.extend(inner)


def indices_of(rank: int, fn: Function) -> tuple[Value, ...]:
    """Indices of so many axes, under names that the function does not use itself."""
    values = (
        *fn.params,
        *(v for op in walk(fn.body) for v in (*op.results, *(p for b in blocks(op) for p in b.params))),
    )
    taken = {v.hint for v in values}
    free = [n for n in (*INDICES, *(f"i{k}" for k in range(rank + len(taken)))) if n not in taken]
    return tuple(Value(name, INT) for name in free[:rank])


def unit(
    b: Builder,
    like: Value,
    hint: str,
    shape: tuple[Operand, ...],
    at: tuple[Value, ...],
    by_rows: bool = True,
) -> Operand:
    """Zeros of a value's shape with a one at a position, which lie by rows or as the value does; for a number, one."""
    if isinstance(like.type, List):
        made = b.emit("list_repeat", const(0.0), *shape, type=List(FLOAT), hint=hint)
    elif isinstance(like.type, Array) and not by_rows:
        made = b.emit("zeros_like", like, type=like.type, hint=hint)
    elif isinstance(like.type, Array):
        made = b.emit("numpy.zeros", *shape, type=like.type, hint=hint, dtype=like.type.dtype)
    else:  # not a constant yet: products with it are simplified where it becomes one
        made = Value("", FLOAT)
        b.ops.append(Op("identity", (const(1.0),), (made,), b.loc))
        return made
    b.effect("store", made, *at, const(1.0))
    return made


def table(
    b: Builder, hint: str, dtype: str, outer: tuple[Operand, ...], inner: tuple[Operand, ...]
) -> Operand:
    """Zeros of shape `outer + inner`; a number where that is ()."""
    shape = (*outer, *inner)
    if not shape:
        return const(0.0)
    dims = tuple(map(a_.size_of, shape))
    return b.emit("numpy.zeros", *shape, type=Array(dtype, len(dims), dims), hint=hint, dtype=dtype)


def put(b: Builder, target: Operand, index: tuple[Value | None, ...], value: Operand) -> None:
    """`target[index] = value`; None stands for a whole axis."""
    if isinstance(value.type, List):
        value = b.emit("array_of", value, type=Array("float64"), dtype="float64")
    if None not in index:
        b.effect("store", target, *(i for i in index if i is not None), value)
        return
    while index[-1] is None:
        index = index[:-1]
    at = [i for i in index if i is not None]
    numbers = iter(range(len(at)))
    entries = tuple(("slice", None, None, None) if i is None else ("at", next(numbers)) for i in index)
    assert isinstance(target.type, Array)
    left = [d for n, d in enumerate(target.type.dims) if n >= len(index) or index[n] is None]
    view = b.emit("view", target, *at, type=shaped(target.type.dtype, tuple(left)), index=entries)
    b.effect("assign", view, value)
