"""`structure_exits`: early exits become structured control flow, on the syntax tree.

After it `return` is gone (the tail assigns `$result`), and `break` stands only at the end of leaves of an
if-tree in tail position of a loop's body; `continue` is such a leaf that simply ends. Code after an `if`
whose branch always leaves moves into the other branch; where a branch only may leave, a flag guards the rest.
A `return` in a loop becomes a flag, a value and a break; the `else` of a loop an `if` on its exit.
Names it makes contain `$`, which no name of the user's can.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gast

RESULT = "$result"
Leaf = dict[str, Callable[[Any], list[Any]]]
_KINDS = {gast.Return: "return", gast.Break: "break", gast.Continue: "continue", gast.Raise: "raise"}


def structure_exits(body: Sequence[Any]) -> list[Any]:
    """The statements of a function body without early exits; the result is in `$result`."""
    return _Exits().function(list(body))


class _Exits:
    def __init__(self) -> None:
        self.count = 0

    def function(self, body: list[Any]) -> list[Any]:
        if not _always_leaves(body):
            last = body[-1]
            body = [*body, gast.copy_location(gast.Return(value=_constant(None, last)), last)]
        return self.block(body, {"return": lambda node: [_assign(RESULT, node.value, node)]})

    def block(self, stmts: list[Any], leaf: Leaf) -> list[Any]:
        out: list[Any] = []
        for i, node in enumerate(stmts):
            rest = stmts[i + 1 :] if isinstance(node, (gast.If, gast.For, gast.While)) else []
            kind = _KINDS.get(type(node))
            if kind == "raise":
                return [*out, node]
            if kind is not None:
                return [*out, *leaf[kind](node)]
            if isinstance(node, gast.If):
                if _exits(node):
                    return [*out, *self.branch(node, rest, leaf)]
                node = _if(node, self.block(node.body, leaf), self.block(node.orelse, leaf))
            if isinstance(node, (gast.For, gast.While)):
                loop, post = self.loop(node)
                out += loop
                if post:
                    return [*out, *self.block(post + rest, leaf)]
                continue
            out.append(node)
        return out

    def branch(self, node: Any, rest: list[Any], leaf: Leaf) -> list[Any]:
        then_leaves, else_leaves = _always_leaves(node.body), _always_leaves(node.orelse)
        if not rest or (then_leaves and else_leaves):
            return [_if(node, self.block(node.body, leaf), self.block(node.orelse, leaf))]
        if then_leaves:
            return [_if(node, self.block(node.body, leaf), self.block(node.orelse + rest, leaf))]
        if else_leaves:
            return [_if(node, self.block(node.body + rest, leaf), self.block(node.orelse, leaf))]
        return self.flagged(node, rest, leaf)

    def flagged(self, node: Any, rest: list[Any], leaf: Leaf) -> list[Any]:
        """A branch may leave: it raises a flag instead, and the flag guards the rest."""
        kinds = sorted(_exits(node))
        names = {kind: self.fresh(kind) for kind in kinds}
        inner = {kind: self.raiser(kind, names[kind]) for kind in kinds}
        out = [_assign(names[kind], _constant(False, node), node) for kind in kinds]
        out.append(_if(node, self.block(node.body, inner), self.block(node.orelse, inner)))
        guards = [self.guard(kind, names[kind], node) for kind in kinds]
        return [*out, *self.block(guards + rest, leaf)]

    def raiser(self, kind: str, name: str) -> Callable[[Any], list[Any]]:
        def leave(node: Any) -> list[Any]:
            flag = _assign(name, _constant(True, node), node)
            return [_assign(name + "$value", node.value, node), flag] if kind == "return" else [flag]

        return leave

    def guard(self, kind: str, name: str, at: Any) -> Any:
        leave: Any = {"break": gast.Break, "continue": gast.Continue}.get(kind, lambda: None)()
        if kind == "return":
            leave = gast.Return(value=_name(name + "$value", at))
        test = _name(name, at)
        node = gast.If(test=test, body=[gast.copy_location(leave, at)], orelse=[])
        node = gast.copy_location(node, at)
        node.s2sad_stmt = node.body[0].s2sad_stmt = at
        return node

    def loop(self, node: Any) -> tuple[list[Any], list[Any]]:
        """The loop with its body in tail form, and the statements to run after it."""
        kinds = _exits_in(node.body)
        pre: list[Any] = []
        post: list[Any] = []
        leaf: Leaf = {"continue": lambda _: [], "break": lambda n: [n]}
        if "return" in kinds:
            name = self.fresh("return")
            pre.append(_assign(name, _constant(False, node), node))
            raiser = self.raiser("return", name)
            leaf["return"] = lambda n: [*raiser(n), gast.copy_location(gast.Break(), n)]
            post.append(self.guard("return", name, node))
        if node.orelse and "break" in kinds:
            broke = self.fresh("broke")
            pre.append(_assign(broke, _constant(False, node), node))
            leaf["break"] = lambda n: [_assign(broke, _constant(True, n), n), n]
            test = gast.copy_location(gast.UnaryOp(op=gast.Not(), operand=_name(broke, node)), node)
            post.append(gast.copy_location(gast.If(test=test, body=node.orelse, orelse=[]), node))
        else:
            post += node.orelse
        copy = type(node)(**{f: getattr(node, f, None) for f in node._fields})
        copy.body, copy.orelse = self.block(node.body, leaf), []
        return [*pre, gast.copy_location(copy, node)], post

    def fresh(self, kind: str) -> str:
        self.count += 1
        word = {"return": "returned", "break": "broke", "continue": "skipped", "broke": "broke"}[kind]
        return f"${word}{self.count}"


def _exits(node: Any) -> set[str]:
    return _exits_in(node.body) | _exits_in(node.orelse)


def _exits_in(stmts: Sequence[Any]) -> set[str]:
    """The kinds of exit that stand in these statements and leave them."""
    found: set[str] = set()
    for node in stmts:
        kind = _KINDS.get(type(node))
        if kind is not None and kind != "raise":  # what raises needs no structure: nothing follows it
            found.add(kind)
        elif isinstance(node, gast.If):
            found |= _exits(node)
        elif isinstance(node, (gast.For, gast.While)):
            found |= _exits_in(node.body) & {"return"}
            found |= _exits_in(node.orelse)
    return found


def _always_leaves(stmts: Sequence[Any]) -> bool:
    return any(
        type(node) in _KINDS
        or (isinstance(node, gast.If) and _always_leaves(node.body) and _always_leaves(node.orelse))
        or (isinstance(node, gast.While) and _endless(node))
        for node in stmts
    )


def _endless(node: Any) -> bool:
    test = node.test
    return isinstance(test, gast.Constant) and bool(test.value) and "break" not in _exits_in(node.body)


def _if(node: Any, body: list[Any], orelse: list[Any]) -> Any:
    return gast.copy_location(gast.If(test=node.test, body=body, orelse=orelse), node)


def _name(name: str, at: Any) -> Any:
    return gast.copy_location(gast.Name(id=name, ctx=gast.Load(), annotation=None, type_comment=None), at)


def _constant(value: Any, at: Any) -> Any:
    return gast.copy_location(gast.Constant(value=value, kind=None), at)


def _assign(name: str, value: Any, at: Any) -> Any:
    """An assignment to a name of ours that keeps the location and text of the statement it stands for."""
    target = gast.copy_location(gast.Name(id=name, ctx=gast.Store(), annotation=None, type_comment=None), at)
    value = value if value is not None else _constant(None, at)
    node = gast.copy_location(gast.Assign(targets=[target], value=value, type_comment=None), at)
    node.s2sad_stmt = at
    return node
