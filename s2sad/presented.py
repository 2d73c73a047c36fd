"""What a derivative looks like to its user: name, signature and help, made of the function's own."""

from __future__ import annotations

import inspect
from typing import Any

from s2sad.frontend.source import FunctionSource

WHAT = {
    "grad": "gradient",
    "value_and_grad": "value and gradient",
    "jacobian": "Jacobian",
    "jacfwd": "Jacobian",
    "jacrev": "Jacobian",
    "hessian": "Hessian",
    "hvp": "Hessian-vector product",
}


def presented(derivative: Any, fn: Any) -> Any:
    """The derivative, with the attributes that help(), inspect and tracebacks read."""
    source: FunctionSource = derivative._fsource
    name = derivative._name.rstrip("_")
    outer = getattr(fn, "__qualname__", source.qualname).rpartition(".")[0]
    derivative.__name__ = f"{name}_{derivative._suffix}"
    derivative.__qualname__ = f"{outer}.{derivative.__name__}" if outer else derivative.__name__
    derivative.__module__ = getattr(fn, "__module__", None)
    derivative.__wrapped__ = fn
    derivative.__signature__ = signature(derivative)
    derivative.__doc__ = description(derivative, fn)
    return derivative


def signature(derivative: Any) -> inspect.Signature:
    """The function's parameters, and the vector of a Hessian-vector product after them."""
    found: inspect.Signature = derivative._signature
    parameters = list(found.parameters.values())
    if derivative._suffix == "hvp":
        first = [p for p in parameters if p.kind <= p.VAR_POSITIONAL]
        plain = all(p.default is p.empty and p.kind is not p.VAR_POSITIONAL for p in first)
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if plain else inspect.Parameter.KEYWORD_ONLY
        parameters.insert(len(first), inspect.Parameter(derivative._vector, kind))
    return found.replace(parameters=parameters, return_annotation=inspect.Signature.empty)


def description(derivative: Any, fn: Any) -> str:
    """What it is, what a call returns, and the function's own documentation."""
    kind, options = derivative._suffix, derivative._options
    name = derivative._name.rstrip("_")
    by = [str(a) for a in derivative._params.wrt]
    one = by[0] if derivative._params.bare else ""
    first = f"{WHAT[kind][0].upper()}{WHAT[kind][1:]} of {name}() with respect to {', '.join(by)}."
    given = (
        f"{name}()'s arguments and then a vector {derivative._vector}"
        if kind == "hvp"
        else f"the arguments of {name}()"
    )
    text = [first, "", f"Called with {given}, it returns {returned(kind, options, one, by)}."]
    inner = getattr(fn, "__doc__", None)  # not inspect.getdoc, which asks the class of a method for it
    if inner:
        text += ["", f"The documentation of {name}():", "", *inspect.cleandoc(inner).splitlines()]
    return "\n".join(text)


def returned(kind: str, options: Any, one: str, by: list[str]) -> str:
    """What a call returns, in words."""
    each = (
        f"of the structure, shapes and float types of {one}"
        if one
        else f"a tuple with a part for each of {', '.join(by)}"
    )
    if kind in ("grad", "value_and_grad"):
        found = f"the gradient, {each}"
    elif kind == "hvp":
        found = f"the product of the Hessian with it, {each}"
    elif kind == "hessian":
        found = (
            f"the second derivatives, an array of shape {one}.shape + {one}.shape"
            if one
            else (f"the second derivatives, a tuple of tuples with a part for each pair of {', '.join(by)}")
        )
    else:
        found = (
            f"the derivatives of each result, an array of shape result.shape + {one}.shape"
            if one
            else (f"the derivatives of each result, {each}")
        )
    value = "value, auxiliary" if options.has_aux else "value"
    if options.value:
        return f"(({value}), gradient): {found}" if options.has_aux else f"(value, gradient): {found}"
    return f"({WHAT[kind]}, auxiliary): {found}" if options.has_aux else found
