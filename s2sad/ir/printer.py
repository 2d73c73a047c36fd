"""The textual form of the IR: deterministic, one operation a line, in time linear in their number.

Values are named by their hints (`%x`, then `%x.1`), intermediate results `%t0`, `%t1`, …; unknown types are
left out. Beyond `DEEPEST` levels the indent stops growing and the level is written instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from s2sad.errors import Loc
from s2sad.ir.core import AnyOp, Block, Const, For, ForEach, Function, If, Op, Operand, Undef, Value, While
from s2sad.ir.types import Type, Unknown

DEEPEST = 24
_PLAIN = (int, float, complex, str, bytes, type(None), type(Ellipsis))
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def print_function(fn: Function) -> str:
    """The text of a function, typed or not; the same for functions built by the same steps."""
    printer = _Printer()
    printer.line(0, f"def {fn.name}{printer.defined(fn.params + fn.body.params)}:", fn.loc)
    printer.print([(1, fn.body)])
    for name, callee in fn.callees.items():
        printer.line(0, f"# calls {name}: def {callee.name}, {len(callee.params)} parameters")
    return "\n".join(printer.lines) + "\n"


@dataclass(frozen=True, slots=True)
class _Leave:
    """On the stack: the end of a block whose operations are printed."""

    block: Block


_Item = tuple[int, AnyOp | Block | _Leave | str]


class _Printer:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[Value, str] = {}
        self.counts: dict[str, int] = {}
        self.used: set[str] = set()

    def line(self, depth: int, text: str, loc: Loc | None = None) -> None:
        indent = "  " * depth if depth <= DEEPEST else "  " * DEEPEST + f"[{depth}] "
        if loc is not None and loc.line > 0:
            text += f"  # line {loc.line}" + (" reverse" if loc.reverse else "")
        self.lines.append(indent + text)

    def print(self, stack: list[_Item]) -> None:
        """Print what is on the stack, last first: nesting may be deeper than Python's own recursion."""
        while stack:
            depth, item = stack.pop()
            if isinstance(item, str):
                self.line(depth, item)
            elif isinstance(item, Block):
                stack.append((depth, _Leave(item)))
                stack.extend((depth, op) for op in reversed(item.ops))
            elif isinstance(item, _Leave):
                word = "break" if item.block.exit == "break" else "yield"
                self.line(depth, f"{word} {self.uses(item.block.yields)}".rstrip())
            elif isinstance(item, Op):
                self.line(depth, self.op(item), item.loc)
            else:
                stack.extend(reversed(self.structure(depth, item)))

    # -- operations ---------------------------------------------------------------------------------

    def op(self, op: Op) -> str:
        attrs = ", ".join(f"{key}={show(value)}" for key, value in op.attrs)
        call = f"{op.prim} {self.uses(op.operands)}".rstrip() + (f" {{{attrs}}}" if attrs else "")
        if not op.results:
            return call
        names = ", ".join(map(self.define, op.results))
        return f"{names} = {call}{_types([r.type for r in op.results])}"

    def structure(self, depth: int, op: If | For | ForEach | While) -> list[_Item]:
        """Print the head of a structured operation; return what is to be printed after it."""
        if isinstance(op, If):
            results = f" -> {self.defined(op.results)}" if op.results else ""
            self.line(depth, f"if {self.use(op.cond)}{results}:", op.loc)
            return [(depth + 1, op.then), (depth, "else:"), (depth + 1, op.orelse)]
        if isinstance(op, While):
            self.line(depth, f"while{self.loop(op.test.params, op)}:", op.loc)
            test: list[_Item] = [(depth + 1, "test:"), (depth + 2, op.test)]
            body = f"do {self.defined(op.body.params)}:" if op.body.params else "do:"
            return [*test, (depth + 1, body), (depth + 2, op.body)]
        index = self.define(op.body.params[0]) if op.body.params else "?"
        index += _types([p.type for p in op.body.params[:1]])
        if isinstance(op, ForEach):
            source = self.use(op.iterable)
        else:
            source = f"range({self.uses((op.start, op.stop, op.step))})"
        self.line(depth, f"for {index} in {source}{self.loop(op.body.params[1:], op)}:", op.loc)
        return [(depth + 1, op.body)]

    def loop(self, params: tuple[Value, ...], op: For | ForEach | While) -> str:
        init = [self.use(o) for o in op.init] + ["?"] * (len(params) - len(op.init))
        carried = [f"{self.define(p)} = {i}{_types([p.type])}" for p, i in zip(params, init, strict=False)]
        results = f" -> {self.defined(op.results)}" if op.results else ""
        return (f" carrying ({', '.join(carried)})" if carried else "") + results

    # -- values -------------------------------------------------------------------------------------

    def define(self, value: Value) -> str:
        name = self.names.get(value)
        if name is not None:  # defined twice: the verifier's business, the printer shows it
            return name
        while True:
            count = self.counts.get(value.hint, 0)
            self.counts[value.hint] = count + 1
            suffix = f".{count}" if count else ""
            name = f"%{value.hint}{suffix}" if value.hint else f"%t{count}"
            if name not in self.used:
                break
        self.used.add(name)
        self.names[value] = name
        return name

    def defined(self, values: tuple[Value, ...]) -> str:
        return "(" + ", ".join(self.define(v) + _types([v.type]) for v in values) + ")"

    def use(self, operand: Operand) -> str:
        if isinstance(operand, Value):
            return self.names.get(operand) or f"{self.define(operand)}<undefined>"
        if isinstance(operand, Undef):
            return f"undef({operand.hint})"
        return show(operand.value)

    def uses(self, operands: Iterable[Operand]) -> str:
        return ", ".join(map(self.use, operands))


def _types(types: Iterable[Type]) -> str:
    types = list(types)
    if all(isinstance(t, Unknown) for t in types):
        return ""
    return " : " + ", ".join(map(str, types))


def show(value: Any) -> str:
    """A literal or attribute, without anything that differs from run to run."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, (tuple, list)):
        items = ", ".join(map(show, value))
        if isinstance(value, list):
            return f"[{items}]"
        return f"({items},)" if len(value) == 1 else f"({items})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{show(k)}: {show(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (Value, Const, Undef)):
        return f"<{type(value).__name__} {getattr(value, 'hint', '')}>"
    if isinstance(value, Type):
        return str(value)
    for attribute in ("__qualname__", "__name__", "name"):
        name = getattr(value, attribute, None)
        if isinstance(name, str):
            return f"<{type(value).__name__} {name}>"
    return _ADDRESS.sub("", repr(value))
