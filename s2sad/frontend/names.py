"""Which names a piece of syntax binds, reads, and takes from outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import gast

_FUNCTIONS = (gast.FunctionDef, gast.Lambda)
_COMPREHENSIONS = (gast.ListComp, gast.GeneratorExp, gast.SetComp, gast.DictComp)


def assigned_names(node: Any) -> Iterator[str]:
    """Names bound in a node, in order of appearance, not looking into functions and comprehensions."""
    stack = [node]
    while stack:
        n = stack.pop()
        if isinstance(n, gast.Name) and isinstance(n.ctx, (gast.Store, gast.Param)):
            yield n.id
        elif isinstance(n, gast.FunctionDef):
            yield n.name
            continue
        elif isinstance(n, (gast.Import, gast.ImportFrom)):
            for alias in n.names:
                yield alias.asname or alias.name.split(".")[0]
        elif isinstance(n, gast.Lambda):
            continue
        elif isinstance(n, _COMPREHENSIONS):
            stack.extend(m.target for m in gast.walk(n) if isinstance(m, gast.NamedExpr))
            continue
        stack.extend(_children_reversed(n))


def _children_reversed(node: Any) -> Iterator[Any]:
    """As `gast.iter_child_nodes`, the last first; asked for every node of a program, so written for speed."""
    for field in reversed(node._fields):
        child = getattr(node, field, None)
        if isinstance(child, list):
            yield from (c for c in reversed(child) if isinstance(c, gast.AST))
        elif isinstance(child, gast.AST):
            yield child


def local_names(function: Any) -> Iterator[str]:
    """All names local to a function: parameters and what its body binds."""
    for stmt in function.body:
        yield from assigned_names(stmt)


def nested_functions(function: Any) -> frozenset[str]:
    """Functions that a function's body defines, once, outside branches and loops, under names bound nowhere else."""
    defined = [n.name for n in function.body if isinstance(n, gast.FunctionDef)]
    bound = list(local_names(function))
    return frozenset(n for n in defined if bound.count(n) == 1 and n not in _parameters(function))


def free_names(node: Any) -> list[str]:
    """Names a function (or comprehension) reads and does not bind itself, in order of appearance."""
    bound: set[str] = set()
    if isinstance(node, gast.Lambda):
        bound = set(_parameters(node))
        roots: Sequence[Any] = [node.body]
    elif isinstance(node, gast.FunctionDef):
        bound = set(_parameters(node)) | set(local_names(node))
        roots = node.body
    else:
        roots = [node]
    found: dict[str, None] = {}
    for root in roots:
        for name in _read(root):
            if name not in bound:
                found[name] = None
    return list(found)


def _read(node: Any) -> Iterator[str]:
    if isinstance(node, gast.Name):
        if isinstance(node.ctx, gast.Load):
            yield node.id
        return
    if isinstance(node, _FUNCTIONS):
        for default in (*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)):
            yield from _read(default)
        for decorator in getattr(node, "decorator_list", ()):
            yield from _read(decorator)
        yield from free_names(node)
        return
    if isinstance(node, _COMPREHENSIONS):
        targets = {n for c in node.generators for n in assigned_names(c.target)}
        for child in gast.iter_child_nodes(node):
            yield from (n for n in _read(child) if n not in targets)
        return
    for child in gast.iter_child_nodes(node):
        yield from _read(child)


def _parameters(node: Any) -> Iterable[str]:
    args = node.args
    for a in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
        if a is not None:
            yield a.id


def rebound_after(node: Any, captured: tuple[str, ...]) -> Any:
    """The `nonlocal` statement of a nested function, if it has one."""
    return next((n for n in gast.walk(node) if isinstance(n, gast.Nonlocal)), None)
