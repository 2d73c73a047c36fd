"""Forward mode, one function an operation: memory, tapes. The primal's operation has been emitted.

What is read, written or made is read, written or made of the twins alike; what does not vary is zero there.
"""

from __future__ import annotations

from s2sad.errors import UnsupportedSyntaxError
from s2sad.ir.core import Op
from s2sad.ir.types import carries_derivative, is_memory
from s2sad.rules.builder import const
from s2sad.transform.forward.core import HANDLERS, Forward, tangent_type


def read(f: Forward, op: Op) -> None:
    """load, tape_read: the same cell of the twin."""
    source = f.tangent(op.operands[0])
    if source is None or not f.is_active(op.result):
        return
    if is_memory(op.result.type):
        f.twin(op.result, op.prim, source, *op.operands[1:])
    else:
        mark = len(f.builder.ops)
        f.define(
            op.result, f.emit(op.prim, source, *op.operands[1:], type=tangent_type(op.result.type)), mark
        )


def write(f: Forward, op: Op) -> None:
    """store, tape_write: the value's tangent, zero where it does not vary."""
    target, *at, value = op.operands
    found = f.tangent(target)
    if found is not None and (carries_derivative(value.type) or not is_memory(value.type)):
        f.builder.effect(op.prim, found, *at, f.handed_on(value), **dict(op.attrs))


def append(f: Forward, op: Op) -> None:
    found = f.tangent(op.operands[0])
    if found is not None:
        f.builder.effect("append", found, f.handed_on(op.operands[1]))


def accumulate(f: Forward, op: Op) -> None:
    """accumulate, add_into: nothing where nothing that varies is added."""
    target, value = f.tangent(op.operands[0]), f.tangent(op.operands[-1])
    if target is not None and value is not None:
        f.builder.effect(op.prim, target, *op.operands[1:-1], value)


def allocate(f: Forward, op: Op) -> None:
    """A twin made as the memory is, of the tangents of what it is made from; zeros where that does not vary."""
    if not f.is_active(op.result):
        return
    if op.prim == "tape_new":
        f.twin(op.result, op.prim)
    elif op.prim == "alloc_list":
        f.twin(op.result, op.prim, *map(f.handed_on, op.operands))
    elif any(f.tangent(o) is not None for o in op.operands):
        varying = 1 if op.prim == "numpy.full" else 0
        operands = (f.handed_on(o) if i == varying else o for i, o in enumerate(op.operands))
        f.twin(op.result, op.prim, *operands, attrs=op.attrs)
    else:
        f.twin(op.result, "zeros_like", op.result)


def stop(f: Forward, op: Op) -> None:
    """What comes out of stop_gradient() does not vary; memory only if nobody writes it afterwards."""
    if not is_memory(op.result.type) or not f.is_active(op.result):
        return
    if f.aliases.is_written(op.result):
        raise UnsupportedSyntaxError(
            "stop_gradient() of an array or list that is written to",
            op.loc,
            "stop the gradient of a copy of it",
        )
    f.twin(op.result, "zeros_like", op.result)


def identity(f: Forward, op: Op) -> None:
    tangent = f.tangent(op.operands[0])
    if tangent is not None:
        f.define(op.result, tangent, len(f.builder.ops))


def assign(f: Forward, op: Op) -> None:
    """assign, assign_at, scatter_add: the same write of the value's tangent, zero where it does not vary."""
    target, value = f.tangent(op.operands[0]), op.operands[-1]
    if target is None:
        return
    moved = f.tangent(value)
    if moved is not None or op.prim != "scatter_add":
        f.builder.effect(
            op.prim, target, *op.operands[1:-1], moved if moved is not None else const(0.0), **dict(op.attrs)
        )


HANDLERS.update({
    "assign": assign, "assign_at": assign, "scatter_add": assign,
    "load": read, "tape_read": read, "store": write, "tape_write": write, "append": append,
    "accumulate": accumulate, "add_into": accumulate, "copy": allocate, "list_of": allocate, "array_of": allocate,
    "alloc_list": allocate, "list_repeat": allocate, "numpy.full": allocate, "tape_new": allocate,
    "stop_gradient": stop, "identity": identity,
})  # fmt: skip
