"""Lowers a function's structured syntax tree to untyped SSA three-address code.

The environment maps each local name to the operand that holds it; branches and loops merge environments
through results and block parameters. Every name assigned in a loop is carried; dead ones are dropped later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gast

from s2sad.errors import Loc, UnsupportedSyntaxError
from s2sad.frontend.comprehensions import STATE, GeneratorNode
from s2sad.frontend.exits import RESULT, structure_exits
from s2sad.frontend.expressions import BINARY, Expressions
from s2sad.frontend.fence import check_function, refuse
from s2sad.frontend.names import assigned_names, local_names, nested_functions
from s2sad.frontend.source import FunctionSource, Quotes, deep_recursion
from s2sad.ir.core import AnyOp, Block, Const, ForEach, Function, If, Op, Operand, Undef, Value, While
from s2sad.ir.types import type_of


def lower(source: FunctionSource) -> Function:
    """The untyped normal form of a function; parameters are its captured names, then its own."""
    if source.lowered is not None:
        return source.lowered
    with deep_recursion(100_000):
        check_function(source)
        source.lowered = _Lowerer(source).function()
    return source.lowered


def parameter_names(node: Any) -> list[str]:
    """The names of a function's parameters in the order of `Function.params`."""
    args = node.args
    names = [a.id for a in (*args.posonlyargs, *args.args)]
    names += [args.vararg.id] if args.vararg else []
    names += [a.id for a in args.kwonlyargs]
    return names + ([args.kwarg.id] if args.kwarg else [])


class _Lowerer(Expressions):
    def __init__(self, source: FunctionSource) -> None:
        super().__init__()
        self.source = source
        self.quotes = Quotes(source.file, source.name)
        self.ops: list[AnyOp] = []
        self.env: dict[str, Operand] = {}
        self.loc = source.loc
        self.locals: frozenset[str] = frozenset()
        self.raised = False

    # -- functions ----------------------------------------------------------------------------------

    def function(self) -> Function:
        node = self.source.node
        names = [*self.source.captured, *parameter_names(node)]
        params = tuple(Value(name) for name in names)
        self.env = dict(zip(names, params, strict=True))
        if isinstance(node, gast.Lambda):
            self.locals = frozenset(names)
            self.loc = self.at(node.body)
            result = self.expr(node.body)
        elif isinstance(node, GeneratorNode):
            self.locals = frozenset(names) | node.targets
            self.generator(node.clauses, node.elt)
            result = self.env[STATE]
        else:
            self.siblings = nested_functions(node)
            self.locals = frozenset(local_names(node)) | frozenset(names)
            self.stmts(structure_exits(node.body))
            result = self.env.get(RESULT, Const(None, type_of(None)))  # type: ignore[arg-type]
        return Function(self.source.name, params, Block((), tuple(self.ops), (result,)), self.source.loc)

    # -- plumbing -----------------------------------------------------------------------------------

    def at(self, node: Any, stmt: Any = None) -> Loc:
        return Loc(self.quotes.stmt(stmt if stmt is not None else node), node.lineno, node.col_offset)

    def here(self, node: Any) -> Loc:
        return Loc(self.loc.stmt, node.lineno, node.col_offset)

    def emit(self, prim: str, *operands: Operand, node: Any = None, hint: str = "", **attrs: Any) -> Value:
        result = Value(hint)
        loc = self.here(node) if node is not None else self.loc
        self.ops.append(Op(prim, operands, (result,), loc, tuple(attrs.items())))
        return result

    def effect(self, prim: str, *operands: Operand, node: Any = None, **attrs: Any) -> None:
        loc = self.here(node) if node is not None else self.loc
        self.ops.append(Op(prim, operands, (), loc, tuple(attrs.items())))

    @contextmanager
    def region(self) -> Iterator[list[AnyOp]]:
        """Collect operations in a new block, with an environment of its own."""
        ops, env, raised, closures = self.ops, self.env, self.raised, self.closures
        self.ops, self.env, self.raised, self.closures = [], dict(env), False, dict(closures)
        try:
            yield self.ops
        finally:
            for name, made in self.closures.items():
                if closures.get(name) is not made:  # made in here: from now on nobody makes it anew
                    self.unwatched[name] = made[1]
            self.ops, self.env, self.raised, self.closures = ops, env, raised, closures

    def refuse(self, node: Any, reason: str, hint: str) -> UnsupportedSyntaxError:
        return UnsupportedSyntaxError(reason, self.here(node), hint)

    # -- statements ---------------------------------------------------------------------------------

    def stmts(self, body: list[Any]) -> bool:
        """Lower statements; True where they end in a break."""
        for node in body:
            stmt = getattr(node, "s2sad_stmt", node)
            self.loc = self.at(stmt)
            if isinstance(node, gast.Break):
                return True
            handler = getattr(self, "stmt_" + type(node).__name__, None)
            if handler is None:
                raise refuse(self.source, node)
            if handler(node):
                return True
            if self.raised:
                return False
        return False

    def stmt_Expr(self, node: Any) -> None:
        if not isinstance(node.value, gast.Constant):
            self.expr(node.value)

    def stmt_Pass(self, node: Any) -> None:
        pass

    def stmt_Import(self, node: Any) -> None:
        for alias in node.names:
            root = alias.name.split(".")[0]
            self.bind(
                alias.asname or root,
                self.emit("import", module=alias.name if alias.asname else root, name=None),
            )

    def stmt_ImportFrom(self, node: Any) -> None:
        for alias in node.names:
            value = self.emit("import", module=node.module, name=alias.name)
            self.bind(alias.asname or alias.name, value)

    def stmt_Assert(self, node: Any) -> None:
        cond = self.expr(node.test)
        message = [self.expr(node.msg)] if node.msg is not None else []
        self.effect("assert", cond, *message, node=node)

    def stmt_Raise(self, node: Any) -> None:
        self.effect("raise", *(self.expr(e) for e in (node.exc, node.cause) if e is not None), node=node)
        self.raised = True

    def stmt_Assign(self, node: Any) -> None:
        hint = node.targets[0].id if isinstance(node.targets[0], gast.Name) else ""
        self.naming = isinstance(node.value, gast.Lambda)
        if isinstance(node.targets[0], (gast.Tuple, gast.List)):
            with self.used_at_once(node.value) as value:
                pass  # it is taken apart before anything is bound
        else:
            held = len(self.held)
            value = self.expr(node.value, hint)
            for handed in self.held[held:] if len(node.targets) > 1 else ():
                handed.holder = ""
        self.naming = False
        for target in node.targets:
            value = self.assign(target, value)
            if isinstance(node.value, gast.Lambda) and isinstance(target, gast.Name):
                self.closures[target.id] = self.made
        if isinstance(node.value, gast.Lambda) and not all(isinstance(t, gast.Name) for t in node.targets):
            self.loose |= self.captures(self.made[1])

    def stmt_AnnAssign(self, node: Any) -> None:
        if node.value is not None:
            hint = node.target.id if isinstance(node.target, gast.Name) else ""
            self.assign(node.target, self.expr(node.value, hint))

    def stmt_AugAssign(self, node: Any) -> None:
        target, prim = node.target, BINARY[type(node.op)]
        if isinstance(target, gast.Name):
            before = self.name(target)
            value = self.expr(node.value)
            self.bind(target.id, self.emit(prim, before, value, node=node, hint=target.id, inplace=True))
        elif isinstance(target, gast.Subscript):
            base, index = self.expr(target.value), self.index(target.slice)
            value = self.expr(node.value)
            self.effect("augitem", base, index, value, node=node, op=prim)
        else:
            raise self.refuse(
                target, "assignment to an attribute is not supported yet", "use a local variable"
            )

    def stmt_If(self, node: Any) -> bool:
        cond = self.expr(node.test)
        loc = self.loc
        with self.region() as then_ops:
            then_break = self.stmts(node.body)
            then_env, then_raised, then_closures = self.env, self.raised, self.closures
        with self.region() as else_ops:
            else_break = self.stmts(node.orelse)
            else_env, else_raised, else_closures = self.env, self.raised, self.closures
        self.loc = loc
        if then_raised and else_raised:
            self.raised = True
        names = self.changed(then_env, else_env)
        results = tuple(Value(name) for name in names)
        self.ops.append(
            If(
                cond,
                Block(
                    (),
                    tuple(then_ops),
                    self.yields(names, then_env, then_raised),
                    "break" if then_break else "next",
                ),
                Block(
                    (),
                    tuple(else_ops),
                    self.yields(names, else_env, else_raised),
                    "break" if else_break else "next",
                ),
                results,
                loc,
            )
        )
        self.env.update(zip(names, results, strict=True))
        self.closures = {k: v for k, v in then_closures.items() if else_closures.get(k) is v}
        return then_break and else_break

    def yields(self, names: list[str], env: dict[str, Operand], raised: bool) -> tuple[Operand, ...]:
        return tuple(Undef(n) if raised else env.get(n) or Undef(n) for n in names)

    def changed(self, *envs: dict[str, Operand]) -> list[str]:
        """Names that some branch binds anew, in the order in which they were first bound."""
        names: dict[str, None] = {}
        for env in envs:
            for name, operand in env.items():
                if self.env.get(name) is not operand:
                    names[name] = None
        return list(names)

    def stmt_For(self, node: Any) -> None:
        with self.used_at_once(node.iter) as iterable:
            self.for_each(node, iterable)

    def for_each(self, node: Any, iterable: Operand) -> None:
        element = Value(node.target.id if isinstance(node.target, gast.Name) else "")
        names = self.carried(node)
        loc = self.loc
        init = tuple(self.env.get(n) or Undef(n) for n in names)
        params = tuple(Value(n) for n in names)
        with self.turn(names) as check:
            with self.region() as ops:
                self.env.update(zip(names, params, strict=True))
                self.assign(node.target, element)
                broke = self.stmts(node.body)
                yields = self.yields(names, self.env, self.raised)
            body = Block((element, *params), tuple(ops), yields, "break" if broke else "next")
            check(body)
        self.loc = loc
        results = tuple(Value(n) for n in names)
        self.ops.append(ForEach(iterable, init, body, results, loc))
        self.env.update(zip(names, results, strict=True))

    def stmt_While(self, node: Any) -> None:
        names = self.carried(node)
        loc = self.loc
        init = tuple(self.env.get(n) or Undef(n) for n in names)
        test_params = tuple(Value(n) for n in names)
        params = tuple(Value(n) for n in names)
        with self.turn(names) as check:
            with self.region() as test_ops:
                self.env.update(zip(names, test_params, strict=True))
                cond = self.expr(node.test)
                test = Block(test_params, tuple(test_ops), (cond, *self.yields(names, self.env, False)))
            with self.region() as ops:
                self.env.update(zip(names, params, strict=True))
                broke = self.stmts(node.body)
                yields = self.yields(names, self.env, self.raised)
            body = Block(params, tuple(ops), yields, "break" if broke else "next")
            check(body)
        self.loc = loc
        results = tuple(Value(n) for n in names)
        self.ops.append(While(init, test, body, results, loc))
        self.env.update(zip(names, results, strict=True))

    def carried(self, node: Any) -> list[str]:
        names = dict.fromkeys(assigned_names(node))
        for name, (
            _,
            captured,
            *_,
        ) in self.closures.items():  # closures over what the loop assigns change with it
            if any(c in names for c in captured):
                names[name] = None
        return list(names)

    # -- binding ------------------------------------------------------------------------------------

    def assign(self, target: Any, operand: Operand) -> Operand:
        """Bind a target; returns the operand, which may have got the target's name."""
        if isinstance(target, gast.Name):
            if isinstance(operand, Value) and not operand.hint:
                operand = self.rename(operand, target.id)
            elif not isinstance(operand, Undef) and getattr(operand, "hint", target.id) != target.id:
                pass
            self.bind(target.id, operand)
        elif isinstance(target, gast.Subscript):
            self.effect("setitem", self.expr(target.value), self.index(target.slice), operand, node=target)
        elif isinstance(target, (gast.Tuple, gast.List)):
            self.unpack(target, operand)
        else:
            raise self.refuse(
                target, "assignment to an attribute is not supported yet", "use a local variable"
            )
        return operand

    def rename(self, operand: Value, name: str) -> Value:
        """Give the intermediate result just computed the name it is assigned to."""
        last = self.ops[-1] if self.ops else None
        if isinstance(last, Op) and last.results == (operand,):
            named = Value(name)
            self.ops[-1] = Op(last.prim, last.operands, (named,), last.loc, last.attrs)
            return named
        return operand

    def unpack(self, target: Any, operand: Operand) -> None:
        star = [i for i, e in enumerate(target.elts) if isinstance(e, gast.Starred)]
        count = len(target.elts)
        op = Op(
            "unpack",
            (operand,),
            tuple(Value(e.id if isinstance(e, gast.Name) else "") for e in target.elts),
            self.here(target),
            (("count", count), ("star", star[0] if star else None)),
        )
        self.ops.append(op)
        for element, value in zip(target.elts, op.results, strict=True):
            self.assign(element.value if isinstance(element, gast.Starred) else element, value)
