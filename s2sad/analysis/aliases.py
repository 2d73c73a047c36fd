"""Which references may denote the same memory (union-find over joins), and which memory is written.

Two references share a class when a branch or loop may make one the other, or when a tape or list holds them. What
other functions do is not looked at: a call may put arrays into lists and give back what it was given, and the
memory that a function here is called with may be the same under several names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from s2sad.analysis.uses import free_values
from s2sad.errors import UnsupportedSyntaxError
from s2sad.ir.core import Block, For, Function, If, Op, Operand, Value, While, walk
from s2sad.ir.types import Array, Tape, Type, element, is_memory
from s2sad.rules.effects import Made, made, maybe_view

WRITES = frozenset(
    {"store", "accumulate", "append", "add_into", "tape_write", "assign", "assign_at", "scatter_add"}
)
SIZES = frozenset({"shape", "len", "fits"})  # what looks at an array's sizes alone


class Aliases:
    """Alias classes of a typed function's references. `written_by`: the parameters that callees write; all, if it
    is not given."""

    def __init__(self, fn: Function, written_by: Mapping[str, frozenset[int]] | None = None) -> None:
        self.written_by = written_by
        self.parent: dict[Value, Value] = {}
        self.contents: dict[Value, Value] = {}
        self.written: set[Value] = set()
        self.joined: set[Value] = set()
        writes: list[Value] = []
        if fn.called:
            self.mix((*fn.params, *free_values(fn)))
        for op in walk(fn.body):
            if isinstance(op, Op):
                self.op(op, writes)
            elif isinstance(op, If):
                for r, a, b in zip(op.results, op.then.yields, op.orelse.yields, strict=True):
                    self.union(r, a, b)
            elif isinstance(op, For):
                columns = zip(op.init, op.body.params[1:], op.body.yields, op.results, strict=True)
                for column in columns:
                    self.union(*column)
            elif isinstance(op, While):
                for column in zip(
                    op.init,
                    op.test.params,
                    op.test.yields[1:],
                    op.body.params,
                    op.body.yields,
                    op.results,
                    strict=True,
                ):
                    self.union(*column)
        self.joined = {self.find(v) for v in self.joined}
        self.written = {self.find(v) for v in writes}
        self.join_maybe_views(fn)

    def join_maybe_views(self, fn: Function) -> None:
        """What may be a view of memory that is written once it was taken counts as one."""
        found = [
            (number, op)
            for number, outer in enumerate(fn.body.ops)
            for op in walk(Block((), (outer,), ()))
            if maybe_view(op)
        ]
        joined = set(self.joined)
        while found:
            last = last_writes(fn, self)
            late = [
                (op.result, op.operands[0])
                for number, op in found
                if max(last.get(self.find(v), -1) for v in (op.result, op.operands[0])) >= number
            ]
            late = [(r, a) for r, a in late if self.find(r) is not self.find(a)]
            for r, a in late:
                self.union(r, a)
            self.joined = {self.find(v) for v in joined}
            self.written = {self.find(v) for v in self.written}
            if not late:
                break

    def op(self, op: Op, writes: list[Value]) -> None:
        if op.prim in WRITES and isinstance(op.operands[0], Value):
            writes.append(op.operands[0])
        if op.prim == "tape_write":
            self.hold(op.operands[0], op.operands[2])
        elif op.prim == "tape_read":
            self.hold(op.operands[0], op.result)
        elif op.prim in ("append", "store", "alloc_list", "list_repeat", "load", "list_of"):
            self.of_lists(op)
        elif made(op) is Made.VIEW:
            joined = set(self.joined)
            self.union(op.result, op.operands[0])
            self.joined = joined  # a view is of one array, not of one or another
        elif made(op) is Made.SAME:
            self.union(op.result, op.operands[0])
        elif op.prim == "invoke":
            given = [o for o in op.operands if isinstance(o, Value) and is_memory(o.type)]
            back = [r for r in op.results if is_memory(r.type)]
            if back or any(is_memory(element(o.type)) for o in given):
                self.mix((*given, *back))
            if self.written_by is not None:
                given = [o for i, o in enumerate(op.operands) if i in self.written_by[op.attr("callee")]]  # type: ignore[misc]
            writes.extend(given)
            writes.extend(self.contents[root] for root in self.reachable(given) if root in self.contents)

    def mix(self, references: Iterable[Value]) -> None:
        """Any of these, and of what they hold, may be the same memory where their types allow it."""
        alike: dict[str, list[Value]] = {}
        todo = [v for v in references if is_memory(v.type)]
        while todo:
            v = todo.pop()
            if not isinstance(v.type, Tape):  # each is made once and handed on under one name
                alike.setdefault(kind_of_memory(v.type), []).append(v)
            if is_memory(element(v.type)):
                root = self.find(v)
                todo.append(self.contents.setdefault(root, Value("", element(v.type))))
        for group in alike.values():
            self.union(*group)

    def of_lists(self, op: Op) -> None:
        """Lists of references: what is put in, what comes out."""
        if op.prim in ("append", "store"):
            self.hold(op.operands[0], op.operands[-1])
        elif op.prim == "load":
            self.hold(op.operands[0], op.result)
        elif op.prim == "list_of":
            if is_memory(element(op.result.type)):
                self.share(op.operands[0], op.result)
        else:
            for o in op.operands:
                self.hold(op.result, o)

    def share(self, a: Operand, b: Value) -> None:
        """Two lists hold the same elements."""
        if isinstance(a, Value):
            inner = (
                self.contents.get(self.find(a))
                or self.contents.get(self.find(b))
                or Value("", element(b.type))
            )
            self.hold(a, inner)
            self.hold(b, inner)

    def hold(self, container: Operand, element: Operand) -> None:
        """What a tape holds: all elements are one class."""
        if isinstance(container, Value) and isinstance(element, Value) and is_memory(element.type):
            root = self.find(container)
            if root in self.contents:
                self.union(self.contents[root], element)
            else:
                self.contents[root] = element
            self.joined.add(element)

    def union(self, *operands: Operand) -> None:
        members = [o for o in operands if isinstance(o, Value) and is_memory(o.type)]
        for m in members[1:]:
            a, b = self.find(members[0]), self.find(m)
            if a is not b:
                self.parent[b] = a
                if b in self.contents:
                    inner = self.contents.pop(b)
                    self.contents.setdefault(a, inner)
                    self.union(self.contents[a], inner)
        self.joined.update(members)

    def find(self, v: Value) -> Value:
        root = v
        while root in self.parent:
            root = self.parent[root]
        while v in self.parent:
            self.parent[v], v = root, self.parent[v]
        return root

    def is_written(self, v: Value) -> bool:
        """Whether the memory, or what it holds, is written."""
        return not self.written.isdisjoint(self.reachable((v,)))

    def reachable(self, values: Iterable[Operand]) -> frozenset[Value]:
        """The classes of the memory that values are, and of what lists among them hold."""
        found: set[Value] = set()
        todo = [v for v in values if isinstance(v, Value) and is_memory(v.type)]
        while todo:
            root = self.find(todo.pop())
            if root not in found:
                found.add(root)
                todo += [self.contents[root]] if root in self.contents else []
        return frozenset(found)

    def is_joined(self, v: Value) -> bool:
        """Whether other references may denote the same memory."""
        return self.find(v) in self.joined


def kind_of_memory(t: Type) -> str:
    """What references must agree in to denote the same memory: views of an array may be of any shape."""
    if isinstance(t, Array):
        return t.dtype
    return f"{type(t).__name__} of {kind_of_memory(element(t)) if is_memory(element(t)) else 'numbers'}"


def unsettled(fn: Function, aliases: Aliases) -> set[Value]:
    """The classes of memory that is written or returned, or of which there may be a view that is, as the call decides:
    what reads an array of another class finds it as it was made."""
    return seen_through_views(fn, aliases, aliases.written | aliases.reachable(fn.body.yields))


def seen_through_views(fn: Function, aliases: Aliases, classes: Iterable[Value]) -> set[Value]:
    """These classes of memory, and those of which something in them may be a view."""
    found = set(classes)
    views = [
        (aliases.find(op.result), aliases.find(op.operands[0])) for op in walk(fn.body) if maybe_view(op)
    ]
    while new := {a for view, a in views if view in found and a not in found}:
        found |= new
    return found


def refuse_written_conversions(fn: Function, aliases: Aliases) -> None:
    """Integers given as `wrt` are read as floats, from a copy: written, they would not be those of the caller."""
    for op in walk(fn.body):
        if isinstance(op, Op) and op.prim in ("array_like", "float_list") and aliases.is_written(op.result):
            raise UnsupportedSyntaxError(
                f"the argument {op.result.hint!r} holds integers, is written, and the derivative by it is asked for",
                fn.loc, "pass an array of floats, or leave it out of wrt",
            )  # fmt: skip


def refuse_written_numbers(fn: Function, aliases: Aliases) -> None:
    """An array without axes that meets a number is carried on as the number it held then."""
    for op in walk(fn.body):
        a = op.operands[0] if isinstance(op, Op) and op.attr("meets") else None
        if isinstance(a, Value) and aliases.is_written(a):
            raise UnsupportedSyntaxError(
                "an array without axes stands for a number on some path, and is written in place",
                op.loc, "take the number out of it first, as in float(a), or write y = y + ... in place of y += ...",
            )  # fmt: skip


def last_writes(fn: Function, aliases: Aliases) -> dict[Value, int]:
    """For each class the number of the outermost operation in which it is written last."""
    found: dict[Value, int] = {}
    for number, outer in enumerate(fn.body.ops):
        for op in walk(Block((), (outer,), ())):
            if isinstance(op, Op) and op.prim == "invoke":
                found.update(dict.fromkeys(aliases.reachable(op.operands), number))
            elif isinstance(op, Op) and op.prim in WRITES and isinstance(op.operands[0], Value):
                found[aliases.find(op.operands[0])] = number
    return found
