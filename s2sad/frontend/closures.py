"""Nested functions and what they capture: Python's see the variable, s2sad's the value it has when they are made.

A closure that has a name is made anew where a variable that it captures is bound. One that something holds on to
(a tuple, a loop over a generator, what a function returns) cannot be: there the variable must not be bound again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gast

from s2sad.errors import Loc, UnsupportedSyntaxError
from s2sad.frontend.names import free_names, rebound_after
from s2sad.frontend.source import FunctionSource
from s2sad.ir.core import Block, Operand, Undef, Value, all_operands

Made = tuple[FunctionSource, tuple[str, ...], tuple[Operand, ...], Any]  # captured names, defaults, syntax


@dataclass(eq=False)
class Handed:
    """What the functions handed to a call capture. What the call returns may hold on to them; `rebound` says which of
    these variables are bound again while it may still be used."""

    names: set[str] = field(default_factory=set)
    rebound: dict[str, Loc] = field(default_factory=dict)
    holder: str = ""  # the variable that what it returns is assigned to
    kept: bool = False  # it does hold on to them


class Closures:
    """The part of the lowering that makes nested functions."""

    source: FunctionSource
    env: dict[str, Operand]
    locals: frozenset[str]
    loc: Loc
    emit: Callable[..., Value]
    effect: Callable[..., None]
    expr: Callable[..., Operand]
    stmt_Assign: Callable[[Any], None]
    refuse: Callable[..., UnsupportedSyntaxError]

    def __init__(self) -> None:
        self.passing = False  # whether the expression at hand is called, or an argument of a call
        self.naming = False  # whether a lambda is being assigned to a name
        self.closures: dict[str, Made] = {}
        self.unwatched: dict[str, tuple[str, ...]] = {}  # closures not made anew, what they capture
        self.stale: dict[str, str] = {}  # those whose captured variable has been rebound since
        self.siblings: frozenset[str] = frozenset()  # functions that may be captured before they are made
        self.loose: set[str] = set()  # what closures without a name of their own capture
        self.handed: Handed | None = None  # to the call at hand
        self.held: list[Handed] = []  # to calls whose results may still be used

    # -- variables ----------------------------------------------------------------------------------

    def bind(self, name: str, operand: Operand) -> None:
        if name in self.loose:
            raise self.rebound(name)
        self.env[name] = operand
        self.closures.pop(name, None)
        self.unwatched.pop(name, None)
        self.stale.pop(name, None)
        for handed in self.held:
            if name in handed.names and handed.kept:
                raise self.rebound(name)
            if name in handed.names:
                handed.rebound.setdefault(name, self.loc)
        for closure, captured in self.unwatched.items():
            if name in captured:
                self.stale[closure] = name
        changed = {name}
        for closure, made in list(self.closures.items()):  # in the order in which they were made
            if closure not in changed and not changed.isdisjoint(set(made[1]) - self.siblings):
                self.env[closure] = self.make_closure(*made)
                changed.add(closure)

    def rebound(self, name: str) -> UnsupportedSyntaxError:
        return UnsupportedSyntaxError(
            f"{name!r} is bound again after a function that captures it was stored or copied, and Python's functions"
            " see the new value", self.loc, "use another name for the new value, or pass it as an argument",
        )  # fmt: skip

    @contextmanager
    def turn(self, names: list[str]) -> Iterator[Callable[[Block], None]]:
        """A loop's body: its next turn binds again what something made in this one may hold on to."""
        loose, held = set(self.loose), len(self.held)

        def check(body: Block) -> None:
            for name in names:
                if name in self.loose and name not in loose:
                    raise self.rebound(name)
            params = dict(zip(names, body.params[len(body.params) - len(names) :], strict=True))
            read = set(all_operands(body))
            for handed in self.held[held:]:
                if handed.holder not in params or params[handed.holder] in read:
                    handed.rebound |= {n: self.loc for n in names if n in handed.names}

        yield check

    @contextmanager
    def used_at_once(self, iterable: Any) -> Iterator[Operand]:
        """The value of an iterable that is run through while this lasts, and not after it."""
        held = len(self.held)
        if isinstance(iterable, gast.GeneratorExp):
            outer, self.handed = self.handed, Handed(kept=True)
            operand = self.passed(iterable)
            self.held.append(self.handed)
            self.handed = outer
        elif isinstance(iterable, gast.Name):
            operand = self.passed(iterable)
        else:
            operand = self.expr(iterable)
        used = self.held[held:]
        yield operand
        self.held = [handed for handed in self.held if handed not in used]

    # -- functions ----------------------------------------------------------------------------------

    def captures(self, names: Iterable[str]) -> set[str]:
        """The variables that functions depend on which capture these: closures among them capture others."""
        found: set[str] = set()
        new = list(names)
        while new:
            name = new.pop()
            if name not in found:
                found.add(name)
                new += self.closures[name][1] if name in self.closures else self.unwatched.get(name, ())
                new += (n for handed in self.held if handed.holder == name for n in handed.names)
        return found

    def mention(self, name: str) -> None:
        """A variable is read: its function may get another name, or be handed to a call."""
        if name in self.closures or name in self.unwatched:
            self.hand(self.captures([name]) - {name})
        for handed in self.held:
            if handed.holder == name and not self.passing:
                handed.holder = ""
            elif handed.holder == name and self.handed is not None:
                self.handed.names |= handed.names

    def hand(self, names: Iterable[str]) -> None:
        """A function that captures these is used by what is at hand: a call, or something that keeps it."""
        seen = (
            self.captures(names) - self.siblings
        )  # which are bound once, and looked up when they are called
        if not self.passing:
            self.loose |= seen
        elif self.handed is not None:
            self.handed.names |= seen

    def stmt_FunctionDef(self, node: Any) -> None:
        if node.decorator_list:
            self.decorated(node)
            return
        self.bind(node.name, self.closure(node, node.name))
        self.closures[node.name] = self.made

    def decorated(self, node: Any) -> None:
        """`@d` above a function is the assignment of `d(function)` to its name."""
        value = copy.copy(node)
        value.decorator_list, value.s2sad_decorated = [], True
        if node.name in free_names(node) and node.name not in self.siblings:
            raise self.refuse(
                node, f"{node.name}(), which is decorated, calls itself, and is defined in a branch or loop",
                "define it outside, or call a function of another name",
            )  # fmt: skip
        for decorator in reversed(node.decorator_list):
            value = gast.copy_location(gast.Call(decorator, [value], []), decorator)
        name = gast.copy_location(gast.Name(node.name, gast.Store(), None, None), node)
        self.stmt_Assign(gast.copy_location(gast.Assign([name], value, None), node))
        if node.name in self.siblings:
            self.effect("sibling", self.env[node.name], node=node, name=node.name)

    def expr_FunctionDef(self, node: Any) -> Operand:
        """A function that its decorators are called with."""
        passing, self.passing = self.passing, False
        made = self.closure(node, node.name)
        self.passing = passing
        self.hand(self.made[1])
        return made

    def expr_Lambda(self, node: Any) -> Operand:
        passing, self.passing = self.passing, False
        made = self.closure(node, "lambda_")
        self.passing = passing
        if passing or not self.naming:
            self.hand(self.made[1])
        return made

    def closure(self, node: Any, name: str) -> Operand:
        captured = tuple(
            n for n in free_names(node) if n in self.locals and n in (self.env.keys() | self.locals)
        )
        source = FunctionSource(
            name,
            node,
            self.source.file,
            self.source.namespace,
            captured=captured,
            qualname=f"{self.source.qualname}.{name}",
        )
        check = rebound_after(node, captured)
        if check is not None:
            raise self.refuse(check, "'nonlocal' is not supported yet", "return the new value instead")
        defaults = [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
        self.made: Made = (source, captured, tuple(map(self.expr, defaults)), node)
        return self.make_closure(*self.made)

    def make_closure(
        self, source: FunctionSource, captured: tuple[str, ...], defaults: tuple[Operand, ...], node: Any
    ) -> Operand:
        operands = [Undef(n) if n in self.siblings else self.env.get(n) or Undef(n) for n in captured]
        later = tuple(n for n in captured if n in self.siblings)
        own = source.name if source.name in self.siblings and not hasattr(node, "s2sad_decorated") else ""
        more: dict[str, Any] = ({"later": later} if later else {}) | ({"own": own} if own else {})
        return self.emit(
            "function", *operands, *defaults, node=node, source=source, captured=captured, **more
        )

    # -- calls --------------------------------------------------------------------------------------

    def expr_Call(self, node: Any, hint: str = "") -> Operand:
        outer, self.handed = self.handed, Handed(holder=hint)
        function = self.passed(node.func)
        spec: list[str] = []
        operands: list[Operand] = []
        for arg in node.args:
            starred = isinstance(arg, gast.Starred)
            spec.append("*" if starred else "")
            operands.append(self.passed(arg.value if starred else arg))
        for keyword in node.keywords:
            spec.append("**" if keyword.arg is None else keyword.arg)
            operands.append(self.passed(keyword.value))
        handed, self.handed = self.handed, outer
        more = {"handed": handed} if handed.names else {}
        if outer is not None:
            outer.names |= handed.names
        elif more:
            self.held.append(handed)
        return self.emit("call", function, *operands, node=node, hint=hint, spec=tuple(spec), **more)

    def passed(self, node: Any) -> Operand:
        """A function called or passed to a call: unless what that returns holds on to it, what it captures may be
        bound again."""
        before, self.passing = (
            self.passing,
            isinstance(node, (gast.Name, gast.Lambda, gast.FunctionDef, gast.GeneratorExp, gast.ListComp)),
        )
        try:
            return self.expr(node)
        finally:
            self.passing = before
