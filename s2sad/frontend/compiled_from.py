"""Whether a def or lambda is what a code object was compiled from.

The text found in a file may be another than the one that runs: the file was edited, the module loaded again, or
functions share a line. So the syntax is compiled, in surroundings like those it stood in (variables of functions
around it, the class that mangles names, future features), and both code objects are compared but for their places.
"""

from __future__ import annotations
import __future__

import ast
import copy
import types
from collections.abc import Iterable, Iterator
from typing import Any

from s2sad.frontend.source import owner_of

OPTIMIZED = 0x1  # a flag of the code of functions, which classes and modules lack
AROUND = "$around"  # no function of the user's has this name
FUTURE = __future__.annotations.compiler_flag


def is_compiled_from(
    code: types.CodeType, node: ast.FunctionDef | ast.Lambda, imported: Iterable[str]
) -> bool:
    """Whether compiling the syntax gives the code object; decorators and defaults are no part of it.

    `imported`: names that the module imports; Python compiles calls of their attributes in another way.
    """
    module = _surroundings(code, _bare(node))
    module.body[:0] = [_import(name) for name in imported]
    if any("@pytest_ar" in c.co_names for c in _with_inner(code)):
        module = _asserts_rewritten(module)
    try:
        made = compile(module, code.co_filename, "exec", code.co_flags & FUTURE, dont_inherit=True)
    except SyntaxError:
        return False
    while (
        made.co_name != code.co_name or made.co_flags & OPTIMIZED == 0
    ):  # a module, a function around, a class
        made = next(c for c in made.co_consts if isinstance(c, types.CodeType))
    return _alike(code, made)


def _import(name: str) -> ast.stmt:
    return ast.fix_missing_locations(ast.Import([ast.alias(name, None)], lineno=1, col_offset=0))


def _bare(node: ast.FunctionDef | ast.Lambda) -> ast.stmt:
    """The function as a statement, without what is evaluated where it is made."""
    args = copy.copy(node.args)
    args.defaults, args.kw_defaults = [], [None] * len(args.kwonlyargs)
    for field in ("posonlyargs", "args", "kwonlyargs"):
        setattr(args, field, [_unannotated(a) for a in getattr(args, field)])
    args.vararg, args.kwarg = _unannotated(args.vararg), _unannotated(args.kwarg)
    made = copy.copy(node)
    made.args = args
    if isinstance(made, ast.Lambda):
        return ast.copy_location(ast.Expr(made), node)
    made.decorator_list, made.returns = [], None
    if hasattr(made, "type_params"):
        made.type_params = []
    return made


def _unannotated(arg: ast.arg | None) -> Any:
    return None if arg is None else ast.copy_location(ast.arg(arg.arg, None, None), arg)


def _surroundings(code: types.CodeType, function: ast.stmt) -> ast.Module:
    """A module with the function in what it sees of the functions and the class around it."""
    body: list[ast.stmt] = [function]
    owner = owner_of(code.co_qualname)
    if owner is not None:
        body = [ast.ClassDef(owner, [], [], body, [], **_type_params())]
    if code.co_freevars:
        seen = [ast.arg(name, None, None) for name in code.co_freevars]
        args = ast.arguments([], seen, None, [], [], None, [])
        if owner is not None and owner not in code.co_freevars:
            body.insert(
                0, ast.Global([owner])
            )  # else the function would see the class as a variable around it
        body = [ast.FunctionDef(AROUND, args, body, [], None, None, **_type_params())]
    return ast.fix_missing_locations(ast.Module(body, []))


def _type_params() -> dict[str, Any]:
    return {"type_params": []} if "type_params" in ast.FunctionDef._fields else {}


def _asserts_rewritten(module: ast.Module) -> ast.Module:
    """What pytest makes of a module's asserts when it loads a test."""
    from _pytest.assertion.rewrite import rewrite_asserts

    module = copy.deepcopy(module)
    rewrite_asserts(module, b"")
    return module


def _with_inner(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object and those of the functions in it, the outer ones first."""
    level = [code]
    while level:
        yield from level
        level = [c for outer in level for c in outer.co_consts if isinstance(c, types.CodeType)]


def _alike(a: types.CodeType, b: types.CodeType) -> bool:
    return (
        a.co_code == b.co_code
        and _names(a) == _names(b)
        and a.co_exceptiontable == b.co_exceptiontable
        and len(a.co_consts) == len(b.co_consts)
        and all(map(_same_constant, a.co_consts, b.co_consts))
    )


def _names(code: types.CodeType) -> tuple[Any, ...]:
    return (
        code.co_name, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & 0x2AF,
        code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
    )  # fmt: skip


def _same_constant(a: Any, b: Any) -> bool:
    if isinstance(a, types.CodeType) and isinstance(b, types.CodeType):
        return _alike(a, b)
    return _constant(a) == _constant(b)


def _constant(value: Any) -> Any:
    """A constant so that 1, 1.0 and True are three, and a nan is itself."""
    if isinstance(value, (tuple, frozenset)):
        return type(value), type(value)(map(_constant, value))
    return type(value), repr(value)
