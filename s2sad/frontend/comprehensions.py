"""Comprehensions and generator expressions: functions that thread a state through their loops."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import gast

from s2sad.errors import Loc
from s2sad.frontend.closures import Closures, Handed
from s2sad.frontend.names import assigned_names, free_names
from s2sad.frontend.source import FunctionSource
from s2sad.ir.core import AnyOp, Block, ForEach, If, Operand, Undef, Value

STATE = "$state"


class Comprehensions(Closures):
    """The part of the lowering that knows comprehensions."""

    ops: list[AnyOp]
    assign: Callable[[Any, Operand], Operand]
    here: Callable[[Any], Loc]
    region: Callable[[], AbstractContextManager[list[AnyOp]]]

    def expr_GeneratorExp(self, node: Any) -> Operand:
        return self.comprehension(node, "generator")

    def expr_ListComp(self, node: Any) -> Operand:
        return self.comprehension(node, "listcomp")

    def expr_DictComp(self, node: Any) -> Operand:
        """The dict of a list of pairs."""
        pair = gast.copy_location(gast.Tuple([node.key, node.value], gast.Load()), node.key)
        pairs = gast.copy_location(gast.ListComp(pair, node.generators), node)
        return self.emit("dict_of", self.comprehension(pairs, "listcomp"), node=node)

    def comprehension(self, node: Any, kind: str) -> Operand:
        """The first iterable is evaluated here, the rest in a function that threads a state through its loops."""
        walrus = next((n for n in gast.walk(node) if isinstance(n, gast.NamedExpr)), None)
        if walrus is not None and self.mentions(self.source.node, walrus.target.id) > self.mentions(
            node, walrus.target.id
        ):
            raise self.refuse(
                walrus, "':=' inside a comprehension is not supported yet", "write the loop out"
            )
        outer, self.handed = self.handed, Handed()  # to what the first iterable is made of
        first = self.expr(node.generators[0].iter)
        handed, self.handed = self.handed, outer
        inner = GeneratorNode(node)
        captured = tuple(n for n in inner.free if n in self.locals)
        source = FunctionSource(
            "generator",
            inner,
            self.source.file,
            self.source.namespace,
            captured=(*captured, "$iterable"),
            qualname=self.source.qualname,
        )
        operands = [self.env.get(n) or Undef(n) for n in captured]
        if kind == "generator":
            self.hand((*captured, *handed.names))
        function = self.emit("function", *operands, first, node=node, source=source, captured=source.captured)
        return self.emit(kind, function, node=node)

    def mentions(self, node: Any, name: str) -> int:
        return sum(1 for n in gast.walk(node) if isinstance(n, gast.Name) and n.id == name)

    def generator(self, clauses: list[Any], elt: Any, depth: int = 0) -> None:
        if depth == len(clauses):
            self.loc = self.here(elt)
            self.env[STATE] = self.emit("yield_", self.expr(elt), self.env[STATE], hint="")
            return
        clause = clauses[depth]
        iterable = self.env["$iterable"] if depth == 0 else self.expr(clause.iter)
        element = Value(clause.target.id if isinstance(clause.target, gast.Name) else "")
        state = Value()
        before = self.env[STATE]
        with self.region() as ops:
            self.env[STATE] = state
            self.assign(clause.target, element)
            self.conditions(clause.ifs, clauses, elt, depth)
            after = self.env[STATE]
        result = Value()
        self.ops.append(
            ForEach(iterable, (before,), Block((element, state), tuple(ops), (after,)), (result,), self.loc)
        )
        self.env[STATE] = result

    def conditions(self, ifs: list[Any], clauses: list[Any], elt: Any, depth: int) -> None:
        if not ifs:
            self.generator(clauses, elt, depth + 1)
            return
        cond = self.expr(ifs[0])
        before = self.env[STATE]
        with self.region() as ops:
            self.conditions(ifs[1:], clauses, elt, depth)
            after = self.env[STATE]
        result = Value()
        self.ops.append(
            If(cond, Block((), tuple(ops), (after,)), Block((), (), (before,)), (result,), self.loc)
        )
        self.env[STATE] = result


class _NoArguments:
    posonlyargs: tuple[()] = ()
    args: tuple[Any, ...] = ()
    kwonlyargs: tuple[()] = ()
    vararg = kwarg = None
    defaults: tuple[()] = ()
    kw_defaults: tuple[()] = ()


class GeneratorNode:
    """A comprehension as the node of a function whose one parameter is the state its loops thread."""

    class args(_NoArguments):
        args = (gast.Name(id=STATE, ctx=gast.Param(), annotation=None, type_comment=None),)

    def __init__(self, node: Any) -> None:
        self.clauses, self.elt = node.generators, node.elt
        self.lineno, self.col_offset = node.lineno, node.col_offset
        self.end_lineno, self.end_col_offset = node.end_lineno, node.end_col_offset
        targets: dict[str, None] = {}
        for clause in node.generators:
            targets.update(dict.fromkeys(assigned_names(clause.target)))
        self.targets = frozenset(targets) | {STATE, "$iterable"}
        self.free = [n for n in free_names(node) if n not in targets]
