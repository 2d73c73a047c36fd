"""Exceptions and the texts of their messages.

Numba raises classes of exceptions with arguments, and formats almost nothing. So where a message is computed, compiled
code raises a class made for it, whose `__new__` gets the values and gives the exception itself: Python runs it.
"""

from __future__ import annotations

import builtins
import functools
import itertools
from typing import TYPE_CHECKING, Any

import gast
import numpy as np

from s2sad.codegen import tree as t
from s2sad.codegen.printer import to_source
from s2sad.errors import JitError, Loc
from s2sad.ir.core import Const, If, Op, Operand, Value
from s2sad.ir.types import BOOL, STR, Object, Scalar, Tuple

if TYPE_CHECKING:
    from s2sad.codegen.expressions import Expressions


def library_path(cls: Any) -> str | None:
    """How generated code names a class of exceptions of Python's or NumPy's; None for one of the user's."""
    name = cls.__name__
    if getattr(builtins, name, None) is cls:
        return str(name)
    for module, path in ((np.linalg, "np.linalg"), (np.exceptions, "np.exceptions"), (np, "np")):
        if getattr(module, name, None) is cls:
            return f"{path}.{name}"
    return None


def argument(e: Expressions, o: Operand) -> Any:
    """An operand of a text or an exception; of a compiled one, what is handed to the class that makes it is marked."""
    printed = e.operand(o)
    made = isinstance(o.type, (Object, Tuple)) and not isinstance(printed, gast.Name)
    if e.emitter.target == "numba" and isinstance(o, Value) and not made:
        printed.handed = o.type
        printed.known = known_text(e, o) if o.type == STR else not constant_list(e, o)
    return printed


def constant_list(e: Expressions, o: Operand) -> bool:
    """Whether Numba takes a list for a constant, and raises none."""
    made = e.maker(o)
    return made is not None and made.prim == "alloc_list" and all(isinstance(i, Const) for i in made.operands)


def known_text(e: Expressions, o: Operand) -> bool:
    """Whether a text is one of several that are there when the code is compiled."""
    if isinstance(o, Const):
        return True
    made = e.emitter.makers.get(o) if isinstance(o, Value) else None
    if isinstance(made, If):
        k = made.results.index(o)
        return all(known_text(e, b.yields[k]) for b in (made.then, made.orelse))
    return isinstance(made, Op) and made.prim == "select" and all(known_text(e, c) for c in made.operands[1:])


def class_name(e: Expressions, cls: Any) -> str:
    """The name that a class of exceptions has in generated code."""
    path = library_path(cls) or str(e.emitter.objects[cls])
    if path.startswith("np."):
        e.modules.add("numpy")
    return path


def exception(e: Expressions, op: Op) -> Any:
    cls, names = op.attr("cls"), op.attr("keywords", ())
    args = [argument(e, o) for o in op.operands]
    count = len(args) - len(names)
    printed = t.call(class_name(e, cls), *args[:count], **dict(zip(names, args[count:], strict=True)))
    # what Numba raises by itself; of a class that is only parsed it is not known
    known = not isinstance(cls, type) or issubclass(cls, Exception)
    printed.plain = not names and known and all(map(_is_constant, args))
    return printed


def _is_constant(node: Any) -> bool:
    if isinstance(node, gast.Tuple):
        return all(map(_is_constant, node.elts))
    return isinstance(node.operand if isinstance(node, gast.UnaryOp) else node, gast.Constant)


_CONVERSIONS = {115: "str", 114: "repr", 97: "ascii"}


def formatted(e: Expressions, op: Op) -> Any:
    """An f-string; where a specification is computed, or a value holds a text itself, a sum of texts."""
    operands = iter(op.operands)
    values = []
    plain = True
    for part in op.attr("parts"):
        if isinstance(part, str):
            values.append(t.constant(part))
            continue
        conversion, spec = part
        printed = argument(e, next(operands))
        if spec == -1 or any(isinstance(n, gast.JoinedStr) or _is_text(n) for n in gast.walk(printed)):
            plain = False
            converted = t.call(_CONVERSIONS[conversion], printed) if conversion in _CONVERSIONS else printed
            given = [argument(e, next(operands))] if spec == -1 else [t.constant(spec)] if spec else []
            values.append(t.call("format", converted, *given))
        else:
            format_spec = None if spec is None else gast.JoinedStr([t.constant(spec)])
            values.append(gast.FormattedValue(printed, conversion, format_spec))
    return gast.JoinedStr(values) if plain else functools.reduce(_joined, values)


def _is_text(node: Any) -> bool:
    return isinstance(node, gast.Constant) and isinstance(node.value, (str, bytes))


def _joined(a: Any, b: Any) -> Any:
    """`a + b` of two parts of a text."""
    a, b = (gast.JoinedStr([x]) if isinstance(x, gast.FormattedValue) else x for x in (a, b))
    return t.binary("add", a, b)


def text(e: Expressions, op: Op) -> Any:
    """`%`, `+`, a function of an object or a method of a text."""
    how, names = op.attr("how"), op.attr("keywords", ())
    first, *args = (argument(e, o) for o in op.operands)
    if how == "%":
        given = gast.Dict([t.constant(n) for n in names], args) if names else t.tuple_(args)
        return gast.BinOp(first, gast.Mod(), given)
    if how == "+":
        return t.binary("add", first, args[0])
    if how in ("str", "repr", "ascii", "format()"):
        return t.call(how.removesuffix("()"), first, *args)
    count = len(args) - len(names)
    return t.call(t.attribute(first, how), *args[:count], **dict(zip(names, args[count:], strict=True)))


def raised(e: Expressions, printed: Any, cause: list[Any], op: Op) -> Any:
    """What compiled code raises: the exception, or where it is not constant or has a cause, a class that makes it."""
    if getattr(printed, "plain", False) and not cause:
        return printed
    if isinstance(printed, gast.Name) or any(isinstance(c, gast.Name) for c in cause):
        raise JitError(
            "an exception that a branch or loop chooses cannot be compiled",
            op.loc,
            "raise it where it is made",
        )
    parameters: dict[str, Any] = {}
    handed = _Handed(e, parameters, op.loc)
    made, *causes = map(handed.visit, (printed, *cause))
    body: list[Any] = [gast.Return(made)]
    if causes:
        name = next(n for n in ("error", "made", "exception", "_") if n not in parameters)
        of = gast.Attribute(t.name(name), "__cause__", gast.Store())
        body = [t.assign(t.target(name), made), gast.Assign([of], causes[0], None), gast.Return(t.name(name))]
    text = to_source(gast.Module(body, [])).strip().replace("\n", "\n        ")
    head = ", ".join(["cls", *parameters])
    key = f"(Exception):\n    def __new__({head}):\n        {text}\n"
    taken = e.emitter.objects
    free = (n for k in itertools.count(1) if (n := f"Raised{k}") not in taken.values())
    name = taken[key] if key in taken else taken.setdefault(key, next(free))
    e.written[name] = f"class {name}{key}"
    return t.call(name, *parameters.values())


class _Handed(gast.NodeTransformer):  # type: ignore[misc]
    """Puts parameters in the place of what is handed over, with NumPy's types where the values have them."""

    def __init__(self, e: Expressions, parameters: dict[str, Any], loc: Loc) -> None:
        self.e, self.parameters, self.loc = e, parameters, loc

    def visit(self, node: Any) -> Any:
        kind = getattr(node, "handed", None)
        if kind is None:
            if isinstance(node, gast.IfExp) and not hasattr(node.test, "handed"):
                node.test.handed = BOOL
            return self.generic_visit(node)
        if not getattr(node, "known", True):
            what, way_out = (
                ("a text that is computed before it is raised", "make it where it is raised")
                if kind == STR
                else ("a list of constants that an exception or its message holds", "use a tuple")
            )
            raise JitError(f"{what} cannot be compiled", self.loc, way_out)
        name = next(
            n
            for n in (node.id if isinstance(node, gast.Name) else "value", *(f"value{k}" for k in range(99)))
            if n not in self.parameters or same(self.parameters[n], node)
        )
        self.parameters[name] = node
        if isinstance(kind, Scalar) and kind.dtype is not None:
            self.e.modules.add("numpy")
            return t.call(f"np.{kind.dtype if kind.dtype != 'bool' else 'bool_'}", t.name(name))
        return t.name(name)


def same(a: Any, b: Any) -> bool:
    return isinstance(a, gast.Name) and isinstance(b, gast.Name) and a.id == b.id
