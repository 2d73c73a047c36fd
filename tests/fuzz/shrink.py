"""Make a failing program small: delete statements, unwrap blocks, simplify expressions while it still fails.

Invariant: a step is kept only if the program still runs and the same kind of problem remains.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any

Fails = Callable[[str, tuple[Any, ...]], bool]


def blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Every list of statements in the tree, outermost first."""
    for node in ast.walk(tree):
        for name in ("body", "orelse"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                yield block


def statement_steps(tree: ast.Module) -> Iterator[ast.Module]:
    """Variants with one statement deleted, or replaced by the statements inside it."""
    for number, block in enumerate(blocks(tree)):
        for i in reversed(range(len(block))):
            if isinstance(block[i], ast.Import) or (len(block) == 1 and number == 0):
                continue
            inner = list(getattr(block[i], "body", []))
            for replacement in ([], inner) if inner and not isinstance(block[i], ast.FunctionDef) else ([],):
                variant = copy.deepcopy(tree)
                target = list(blocks(variant))[number]
                target[i : i + 1] = copy.deepcopy(replacement)
                if not target and not isinstance(getattr(variant, "body", None), type(None)):
                    parent_else = any(getattr(node, "orelse", None) is target for node in ast.walk(variant))
                    if not parent_else:
                        target.append(ast.Pass())
                yield variant


class Replace(ast.NodeTransformer):
    """Replace the expression of a given number (in visiting order) by one of its parts or a literal."""

    def __init__(self, number: int, choice: int) -> None:
        """`choice` counts through the operands, then a literal."""
        self.number, self.choice, self.seen, self.done = number, choice, -1, False

    def visit(self, node: ast.AST) -> Any:
        """Count composite expressions and replace the chosen one."""
        if isinstance(
            node, (ast.BinOp, ast.Call, ast.IfExp, ast.BoolOp, ast.UnaryOp, ast.NamedExpr, ast.Subscript)
        ):
            self.seen += 1
            if self.seen == self.number:
                parts = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
                parts = [part for part in parts if not isinstance(part, (ast.Attribute, ast.Lambda))]
                parts.append(ast.Constant(0.7))
                if self.choice < len(parts):
                    self.done = True
                    return parts[self.choice]
        return self.generic_visit(node)


def expression_steps(tree: ast.Module) -> Iterator[ast.Module]:
    """Variants with one expression replaced by a part of it."""
    total = sum(isinstance(node, ast.expr) for node in ast.walk(tree))
    for number in range(total):
        for choice in range(5):
            variant = copy.deepcopy(tree)
            replacer = Replace(number, choice)
            variant = replacer.visit(variant)
            if not replacer.done:
                break
            yield variant


def shrink(source: str, args: tuple[Any, ...], fails: Fails, budget: int = 1500) -> str:
    """A smaller text for which `fails(text, args)` still holds."""
    best = ast.unparse(ast.parse(source))
    progress = True
    while progress and budget > 0:
        progress = False
        for steps in (statement_steps, expression_steps):
            again = True
            while again and budget > 0:
                again = False
                for variant in steps(ast.parse(best)):
                    text = ast.unparse(ast.fix_missing_locations(variant))
                    if len(text) >= len(best):
                        continue
                    budget -= 1
                    if budget <= 0:
                        break
                    if fails(text, args):
                        best, again, progress = text, True, True
                        break
    return best
