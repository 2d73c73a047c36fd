"""The public functions: argument checks, and the choice of what is made.

The compiler is loaded when the first derivative is made: importing s2sad is quick.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from s2sad.errors import SignatureError, public


def _make(f: Any, wrt: Any, value: bool, options: dict[str, Any], kind: Any = None) -> Any:
    from s2sad.derivative import Derivative, Options, make

    if options["optimize"] not in (0, 1, 2):
        raise SignatureError(f"optimize={options['optimize']!r}", hint="it is 0, 1 or 2")
    chosen = Options(wrt=tuple(wrt) if isinstance(wrt, list) else wrt, value=value, **options)
    if f is None:
        return lambda fn: make(kind or Derivative, fn, chosen)
    return make(kind or Derivative, f, chosen)


@public
def grad(
    f: Callable[..., Any] | None = None,
    wrt: Any = 0,
    *,
    has_aux: bool = False,
    jit: bool = False,
    optimize: int = 2,
    fastmath: bool = False,
    cache: bool = True,
    debug: bool = False,
) -> Any:
    """The gradient of a function that returns one real number, as a callable with the function's parameters.

    Works as a decorator, bare or with arguments.

    Args:
        f: a Python function whose source can be read.
        wrt: position or name of the argument to differentiate by, or a tuple of them: one gives the bare
            gradient, a tuple a tuple in that order. A position counts the arguments of the call: for a method of an
            object what stands after the object, for `def f(*xs)` any of the xs. Arguments may be floats, arrays, and tuples, lists, dicts,
            namedtuples and dataclasses of them; the gradient has the same structure, shapes and float dtypes.
        has_aux: f returns (value, auxiliary); the result is (gradient, auxiliary).
        jit: compile the generated code with Numba.
        optimize: 0 as derived, 1 made for reading, 2 for speed.
        fastmath: let Numba reassociate floating-point operations (with `jit`).
        cache: keep the machine code on disk for other processes (with `jit`; see `s2sad cache --help`).
        debug: let Numba check bounds (with `jit`).
    Raises:
        S2sadError: what cannot be differentiated, with file, line, column and a way out; when the code for a
            signature is generated.
    """
    options: dict[str, Any] = dict(
        has_aux=has_aux, jit=jit, optimize=optimize, fastmath=fastmath, cache=cache, debug=debug
    )
    return _make(f, wrt, False, options)


@public
def value_and_grad(
    f: Callable[..., Any] | None = None,
    wrt: Any = 0,
    *,
    has_aux: bool = False,
    jit: bool = False,
    optimize: int = 2,
    fastmath: bool = False,
    cache: bool = True,
    debug: bool = False,
) -> Any:
    """As `grad`, returning (value, gradient), or ((value, auxiliary), gradient) with `has_aux`."""
    options: dict[str, Any] = dict(
        has_aux=has_aux, jit=jit, optimize=optimize, fastmath=fastmath, cache=cache, debug=debug
    )
    return _make(f, wrt, True, options)


@public
def jacobian(
    f: Callable[..., Any] | None = None,
    wrt: Any = 0,
    mode: str = "auto",
    *,
    has_aux: bool = False,
    jit: bool = False,
    optimize: int = 2,
    fastmath: bool = False,
    cache: bool = True,
    debug: bool = False,
) -> Any:
    """The Jacobian of a function of numbers and arrays, as a callable with the function's parameters.

    Works as a decorator, bare or with arguments, and has all that the result of `grad` has (`source`, `lower`, …).

    Args:
        f: a Python function whose source can be read. It returns a number, an array of any rank, a list of numbers
            (which counts as an array) or a tuple or dict of those.
        wrt: as of `grad`.
        mode: "fwd" (a sweep for each element of the arguments, see `jacfwd`), "rev" (a reverse sweep for each
            element of the result, see `jacrev`) or "auto", which takes the one that needs fewer as far as types
            tell: "fwd" if the result has more axes, or more parts, than the arguments; and the other where one
            lacks a rule.
        has_aux: f returns (value, auxiliary); the result is (jacobian, auxiliary).
        jit, optimize, fastmath, cache, debug: as of `grad`.
    Returns:
        From the call: for each result and each argument a new array of shape `result.shape + argument.shape` and
        of the argument's float dtype (float64 for integers); a number where both are numbers. Arranged in the
        structure of the result, each part in the structure of the argument(s). Integer results have derivative 0.
    Raises:
        S2sadError: what cannot be differentiated; a complex, optional or textual argument or result.
    """
    from s2sad import jacobians

    kinds = {
        "auto": jacobians.Jacobian,
        "fwd": jacobians.ForwardJacobian,
        "rev": jacobians.ReverseJacobian,
    }
    if mode not in kinds:
        raise SignatureError(f"mode={mode!r}", hint="it is 'auto', 'fwd' or 'rev'")
    options: dict[str, Any] = dict(
        has_aux=has_aux, jit=jit, optimize=optimize, fastmath=fastmath, cache=cache, debug=debug
    )
    return _make(f, wrt, False, options, kinds[mode])


@public
def jacfwd(
    f: Callable[..., Any] | None = None,
    wrt: Any = 0,
    *,
    has_aux: bool = False,
    jit: bool = False,
    optimize: int = 2,
    fastmath: bool = False,
    cache: bool = True,
    debug: bool = False,
) -> Any:
    """As `jacobian`, column by column in forward mode: cheap where the arguments have few elements.

    The function runs once; for each element of the arguments its tangents run, with those of its branches and
    loops that tangents go through. Arguments are changed as one call of f changes them.
    """
    options: dict[str, Any] = dict(
        has_aux=has_aux, jit=jit, optimize=optimize, fastmath=fastmath, cache=cache, debug=debug
    )
    return jacobian(f, wrt, "fwd", **options)


@public
def jacrev(
    f: Callable[..., Any] | None = None,
    wrt: Any = 0,
    *,
    has_aux: bool = False,
    jit: bool = False,
    optimize: int = 2,
    fastmath: bool = False,
    cache: bool = True,
    debug: bool = False,
) -> Any:
    """As `jacobian`, row by row in reverse mode: cheap where the result has few elements.

    The forward sweep runs once and is shared by all rows; for each element of the result a reverse sweep runs.
    """
    options: dict[str, Any] = dict(
        has_aux=has_aux, jit=jit, optimize=optimize, fastmath=fastmath, cache=cache, debug=debug
    )
    return jacobian(f, wrt, "rev", **options)


@public
def hessian(
    f: Callable[..., Any] | None = None,
    wrt: Any = 0,
    *,
    has_aux: bool = False,
    jit: bool = False,
    optimize: int = 2,
    fastmath: bool = False,
    cache: bool = True,
    debug: bool = False,
) -> Any:
    """The Hessian of a function that returns one real number: the Jacobian of its gradient, by forward mode, or by
    reverse mode where forward mode lacks a rule.

    Args:
        As of `grad`.
    Returns:
        From the call: an array of shape `argument.shape + argument.shape` (a number for a number); for a tuple
        `wrt` a tuple of tuples: `[a][b]`, of shape `a.shape + b.shape`, is the derivative by `b` of the gradient by
        `a`. With `has_aux`, (hessian, auxiliary).
    """
    from s2sad.jacobians import Hessian

    options: dict[str, Any] = dict(
        has_aux=has_aux, jit=jit, optimize=optimize, fastmath=fastmath, cache=cache, debug=debug
    )
    return _make(f, wrt, False, options, Hessian)


@public
def hvp(
    f: Callable[..., Any] | None = None,
    wrt: Any = 0,
    *,
    has_aux: bool = False,
    jit: bool = False,
    optimize: int = 2,
    fastmath: bool = False,
    cache: bool = True,
    debug: bool = False,
) -> Any:
    """The product of the Hessian with a vector, `hvp(f)(*args, v)`, by forward over reverse mode: a small multiple
    of the cost of f, whatever the size of the Hessian, which is never made.

    Args:
        As of `grad`; f returns one real number.
    For SciPy, which calls `hessp(x, p, *args)`, give it `hvp(f).hessp`.

    Returns:
        From the call, whose last argument `v` has the structure, shapes and types of the argument (for a tuple
        `wrt`, a tuple of them): the derivative of the gradient along v, in the same structure.
    Raises:
        SignatureError: the vector does not fit the arguments.
    """
    from s2sad.jacobians import HessianVectorProduct

    options: dict[str, Any] = dict(
        has_aux=has_aux, jit=jit, optimize=optimize, fastmath=fastmath, cache=cache, debug=debug
    )
    return _make(f, wrt, False, options, HessianVectorProduct)


def _inside(made: Any, value: bool) -> Callable[..., Any]:
    """What a call of `made` in a differentiated function gives."""

    def inline(s: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from s2sad.inside import derivative_inside

        return derivative_inside(made, value, s, args, kwargs)

    return inline


for _made, _value in ((grad, False), (value_and_grad, True)):
    vars(_made)["__s2sad_inline__"] = _inside(_made, _value)
