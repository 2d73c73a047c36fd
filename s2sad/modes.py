"""`vjp` and `jvp`: the two transforms as calls, with JAX's signatures."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from s2sad import pipeline
from s2sad.bound import apart
from s2sad.codegen import tree as t
from s2sad.codegen.load import generate, keyword_names
from s2sad.custom import differentiable
from s2sad.derivative import Derivative, value_tree
from s2sad.entry import binder
from s2sad.errors import JitError, S2sadError, SignatureError, public
from s2sad.frontend.lower import parameter_names
from s2sad.frontend.source import FunctionSource
from s2sad.ir.call_sizes import CallSizes
from s2sad.ir.core import Function, Value
from s2sad.ir.types import Array, Scalar, Type, is_float, is_memory, scalar_of, type_of
from s2sad.machine_code import loaded
from s2sad.native import Native
from s2sad.nested import inline_bound
from s2sad.refused import not_a_function
from s2sad.sharing import Sharing, copied
from s2sad.signature import Argument, Parameters, is_floating, typed_call
from s2sad.transform.forward import forward
from s2sad.transform.gradient import Pullback, pullback
from s2sad.typing.abstract import AV, TupleAV
from s2sad.typing.captures import Captures
from s2sad.typing.given import memory_given
from s2sad.typing.structure import (
    Fixed,
    Node,
    decided,
    fits,
    key_of,
    keys_of,
    leaf_types,
    shown_sizes,
    source_for,
    user_function,
    with_sizes,
)


@dataclass(eq=False)
class Prepared:
    """A function typed for a call: the typed function, its inputs and the structure of its result."""

    function: Function
    bind: Callable[..., tuple[Any, ...]]
    inputs: tuple[Value, ...]
    keys: dict[str, Any]
    result: AV
    hidden: tuple[Value, ...]
    captures: Captures
    sharing: Sharing  # of the memory that is passed in, or captured
    target: str
    cache: bool
    source: FunctionSource
    sizes: CallSizes  # of the call that it was typed for, and what is taken for granted of them

    def takes(self, args: tuple[Any, ...]) -> bool:
        """Whether the sizes of arrays are what is taken for granted of them."""
        if not self.sizes:
            return True
        return self.sizes.hold(shown_sizes(keys_of(self.source, list(self.keys), self.bind(*args))))

    def valid(self) -> bool:
        variables, guards = self.captures.variables.values(), self.captures.guards.values()
        try:
            return all(fits(c.get(), c.key) for c in variables) and all(g.holds() for g in guards)
        except (KeyError, NameError, AttributeError, ValueError, SignatureError):
            return False

    def writes_read_only(self, args: tuple[Any, ...]) -> bool:
        """Whether compiled code would write a read-only array, which Numba cannot compile."""
        memory = (*self.bind(*args), *(c.get() for c in self.captures.variables.values()))
        return self.target == "numba" and bool(self.sharing) and self.sharing.read_only(memory)

    def arguments(self, code: Any, args: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What the code is called with: the arguments, and what it captured."""
        bound, hidden = self.bind(*args), keyword_names(code)
        memory = (*bound, *(c.get() for c in self.captures.variables.values()))
        if self.sharing:
            self.sharing.refuse(memory)
        if self.target == "numba":
            captured = zip(hidden, self.captures.variables.values(), strict=True)
            keys = self.keys | {n: c.key for n, c in captured}
            fn = self.function
            memory = Native(keys, self.sharing.given, fn.name, fn.loc).arguments(memory)
        return memory[: len(bound)], dict(zip(hidden, memory[len(bound) :], strict=True))


def floating(key: Any) -> bool:
    """Whether an argument of this key has leaves that derivatives are taken with respect to, and no constants."""
    return any(is_floating(leaf) for _, leaf in leaf_types(key)) and not _constants(key)


def mixed(key: Any) -> bool:
    """Whether an argument of this key is a structure of floating leaves and constants, which stay what they are."""
    nodes = [key] if isinstance(key, Node) else []
    for node in nodes:
        nodes += (part for part in node.parts if isinstance(part, Node))
    plain = all(n.kind not in ("partial", "range") for n in nodes)
    return plain and _constants(key) and any(is_floating(leaf) for _, leaf in leaf_types(key))


def _constants(key: Any) -> bool:
    return isinstance(key, Fixed) or (isinstance(key, Node) and any(map(_constants, key.parts)))


@pipeline.collector_paused()
def prepare(
    f: Any,
    args: tuple[Any, ...],
    moved: tuple[bool, ...] = (),
    jit: bool = False,
    cache: bool = True,
    sized: bool = False,
) -> Prepared:
    """Type `f` for these arguments; `moved` says which integer arguments a derivative is asked for after all."""
    nested = isinstance(f, Derivative)
    function = f._function if nested else user_function(f)
    assert function is not None
    source = source_for(function)
    signature = inspect.signature(function, follow_wrapped=False)
    bind = binder(signature, source.qualname)
    names = parameter_names(source.node)
    try:
        keys = keys_of(source, names, bind(*args))
    except S2sadError:
        raise
    except TypeError as error:
        raise SignatureError(
            str(error), source.loc, f"pass the arguments of {source.name}{signature} by position"
        ) from None
    keys = {n: with_sizes(k) for n, k in keys.items()} if sized else keys
    passed = given(signature, len(args))
    also = {a for a, m in zip(passed, moved, strict=False) if m}
    partly = frozenset(a for a in passed if mixed(a.key(keys)))
    wrt = tuple(a for a in passed if floating(a.key(keys)) or a in also or a in partly)
    params = Parameters(source, names, wrt, False, partly)
    call = (lambda walker, avs: inline_bound(f, walker, avs)) if nested else None
    typed, _, hidden, inputs = typed_call(params, keys, jit, sized, call)
    made = typed.function
    sharing = Sharing(memory_given(made), made.name, made.loc)
    return Prepared(
        made, bind, tuple(inputs), keys, typed.result, hidden, typed.captures, sharing,
        "numba" if jit else "python", cache, source, typed.sizes,
    )  # fmt: skip


def function_of(f: Any, called: str) -> tuple[Any, tuple[Any, ...]]:
    """What is differentiated: a function or a derivative, and the object if that is a method of one."""
    function, receiver = apart(f)
    if isinstance(function, Derivative) and receiver:
        function = function._of_object
    found = differentiable(function)
    if not isinstance(found, Derivative) and user_function(found) is None:
        raise not_a_function(f, called)
    return found, receiver


def given(signature: inspect.Signature, count: int) -> list[Argument]:
    """What so many positional arguments are bound to."""
    parameters = signature.parameters.values()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
    more = [Argument(name, i) for name in rest for i in range(count - len(names))]
    return [*map(Argument, names[:count]), *more]


def argument_keys(f: Any, values: tuple[Any, ...]) -> list[Any]:
    """The keys of arguments by position."""
    function = f._function if isinstance(f, Derivative) else user_function(f)
    if function is None:  # said later
        return [key_of(v) for v in values]
    return list(keys_of(source_for(function), [f"{i + 1}" for i in range(len(values))], values).values())


_CACHE: dict[Any, list[tuple[Prepared, Any]]] = {}


def cached(
    kind: str,
    f: Any,
    args: tuple[Any, ...],
    jit: bool,
    optimize: int,
    cache: bool,
    make: Callable[[Prepared], Any],
    moved: tuple[bool, ...] = (),
) -> tuple[Prepared, Any]:
    """The code made for this function and these argument types, made once."""
    said = tuple(argument_keys(f, args))
    sized = tuple(map(with_sizes, said))

    def of(keys: tuple[Any, ...]) -> Any:
        return (kind, f, keys, jit, optimize, cache, moved)

    for known in (said, sized):
        for prepared, code in _CACHE.get(of(known), ()):
            if prepared.takes(args) and prepared.valid():
                return prepared, code

    def made(_: Any, by_sizes: bool) -> tuple[Any, Prepared, Any]:
        prepared = prepare(f, args, moved, jit, cache, by_sizes)
        return sized if by_sizes else said, prepared, make(prepared)

    keys, prepared, code = decided(made, {})
    _CACHE.setdefault(of(keys), []).append((prepared, code))
    return prepared, code


# -- forward mode -------------------------------------------------------------------------------------


@public
def jvp(
    f: Any, primals: Any, tangents: Any, *, jit: bool = False, optimize: int = 2, cache: bool = True
) -> tuple[Any, Any]:
    """The value of `f(*primals)` and its derivative along `tangents`, by forward mode.

    Args:
        primals: a tuple of arguments.
        tangents: a tuple of the same structure; those of arguments that are not floating are ignored, and None
            stands for zeros.
    Returns:
        (out, out_tangent), out_tangent in the structure of out.
    """
    refuse_loose(f, primals, tangents)
    f, receiver = function_of(f, "jvp")
    primals, tangents = (*receiver, *primals), (*(None for _ in receiver), *tangents)
    if len(primals) != len(tangents):
        raise SignatureError(
            f"jvp got {len(primals)} primals and {len(tangents)} tangents",
            hint="give one tangent for each primal",
        )
    keys = argument_keys(f, primals)
    moved = tuple(
        not floating(key) and _numeric(key) and _nonzero(tangent)
        for key, tangent in zip(keys, tangents, strict=True)
    )
    prepared, code = cached("jvp", f, primals, jit, optimize, cache, lambda p: jvp_code(p, optimize), moved)
    if prepared.writes_read_only(primals):  # Python raises, where it is written
        prepared, code = cached(
            "jvp", f, primals, False, optimize, cache, lambda p: jvp_code(p, optimize), moved
        )
    flat: list[Any] = []
    for key, primal, tangent, wanted in zip(keys, primals, tangents, moved, strict=True):
        partly = mixed(key)
        if floating(key) or wanted or partly:
            own, along = list(flatten(key, primal, partly)), tangent
            flat += (
                map(zeros, own) if along is None else along_with(own, flatten(key, along, partly), "tangent")
            )
    if prepared.sharing:  # a tangent may be one of the arrays that are written
        flat = [copy.copy(d) for d in flat]
    bound, captured = prepared.arguments(code, primals)
    return code(*bound, *flat, **captured)  # type: ignore[no-any-return]


def refuse_loose(f: Any, primals: Any, tangents: Any) -> None:
    """Arguments that are not in tuples."""
    if not all(isinstance(given, (tuple, list)) for given in (primals, tangents)):
        raise SignatureError(
            "jvp(f, primals, tangents) takes the arguments of f as a tuple, and their tangents as another",
            hint="write jvp(f, (x,), (dx,)) for a function of one argument",
        )


@pipeline.collector_paused()
def jvp_code(prepared: Prepared, optimize: int) -> Any:
    fn = prepared.function
    made = pipeline.run(forward(fn, prepared.inputs, f"{fn.name}_jvp"), pipeline.OPTIMIZE[optimize])
    n = len(fn.body.yields)

    def returns(exprs: list[Any]) -> Any:
        tangents = iter(exprs[n:])
        moved = [
            next(tangents) if is_float(o.type) or is_memory(o.type) else t.constant(0.0)
            for o in fn.body.yields
        ]
        return t.tuple_([value_tree(prepared.result, exprs[:n]), value_tree(prepared.result, moved)])

    generated = generate(made, optimize, prepared.target, returns, prepared.hidden)
    return loaded(generated, fn.name, fn.loc, prepared.target, prepared.cache)


def flatten(key: Any, value: Any, mixed: bool = False) -> Iterator[Any]:
    """The leaves of a value in the order of its key's; of a mixed one those that are floating."""
    if isinstance(key, Type):
        if not mixed or is_floating(key):
            yield value
    elif isinstance(key, Node):
        for i, part in enumerate(key.parts):
            if key.kind in ("tuple", "list", "namedtuple"):
                inner = value[i]
            elif key.kind == "dict":
                inner = value[key.names[i]]
            else:
                inner = getattr(value, key.names[i])
            yield from flatten(part, inner, mixed)


def _numeric(key: Any) -> bool:
    """Whether all leaves are numbers: integers have derivatives where one is asked for."""
    return bool(leaf_types(key)) and not _constants(key)


def _nonzero(tangent: Any) -> bool:
    if isinstance(tangent, dict):
        return any(map(_nonzero, tangent.values()))
    if isinstance(tangent, (tuple, list)):
        return any(map(_nonzero, tangent))
    if dataclasses.is_dataclass(tangent):
        return any(_nonzero(getattr(tangent, f.name)) for f in dataclasses.fields(tangent))
    return tangent is not None and bool(np.any(tangent != 0))


def along_with(own: list[Any], given: Iterable[Any], what: str) -> list[Any]:
    """Derivatives that are passed in, each of its value's shape and dtype; arrays of another dtype are converted."""
    return [aligned(value, d, what) for value, d in zip(own, given, strict=True)]


def aligned(value: Any, d: Any, what: str) -> Any:
    """A tangent or cotangent of one number, array or list."""
    if d is value:
        return d
    if isinstance(value, list) and isinstance(d, (list, tuple)) and len(d) == len(value):
        return [aligned(v, x, what) for v, x in zip(value, d, strict=True)]
    kind = (
        type_of(d) if not isinstance(d, (list, tuple)) else None
    )  # refuses classes with operators of their own
    if isinstance(value, list) or kind is None or np.shape(d) != np.shape(value):
        raise misfit(value, d, what)
    if isinstance(kind, Scalar):
        return number(value, d, kind, what)
    if not isinstance(kind, Array):
        raise misfit(value, d, what)
    if not isinstance(value, np.ndarray):
        return number(value, d.item(), scalar_of(kind.dtype), what)
    dtype = value.dtype if value.dtype.kind in "fc" else np.dtype("float64")
    if d.dtype.kind == "c" and dtype.kind != "c":
        raise complex_for_real(what)
    return d if d.dtype == dtype else d.astype(dtype)


def number(value: Any, d: Any, kind: Scalar, what: str) -> Any:
    """A number as a tangent or cotangent: of the dtype of an array without axes, else Python's, which takes any."""
    is_complex = np.iscomplexobj(value)
    if kind.kind == "complex" and not is_complex:
        raise complex_for_real(what)
    if isinstance(value, np.ndarray):
        return np.array(d, value.dtype if value.dtype.kind in "fc" else "float64")
    if type(d) is type(value):
        return d
    return complex(d) if is_complex else float(d)


def misfit(value: Any, d: Any, what: str) -> SignatureError:
    return SignatureError(
        f"a {what} of {text_of(d)} for a value of {text_of(value)}",
        hint=f"give the {what} the structure and the shapes of its value",
    )


def complex_for_real(what: str) -> SignatureError:
    return SignatureError(f"a complex {what} for a real value", hint=f"give a real {what}")


def text_of(value: Any) -> str:
    """What a value is, for messages."""
    if isinstance(value, (list, tuple)):
        return f"type {type(value).__name__}, length {len(value)}"
    if isinstance(value, np.ndarray) and value.dtype.kind not in "fciub":
        return f"dtype {value.dtype}"
    return f"shape {np.shape(value)}" if np.ndim(value) else f"type {type(value).__name__}"


def zeros(leaf: Any) -> Any:
    """A zero tangent for a leaf."""
    if isinstance(leaf, list):
        return [0.0] * len(leaf)
    return leaf * 0.0


# -- reverse mode -------------------------------------------------------------------------------------


@public
def vjp(
    f: Any, *primals: Any, jit: bool = False, optimize: int = 2, cache: bool = True
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of `f(*primals)` and its pullback: cotangent of the result -> cotangents of the arguments.

    The pullback may be called many times; it returns a tuple with one entry for each primal (0.0 for arguments
    that are not floating; constants in a structure of numbers come back as they are), keeps copies of the mutable inputs it reads, and never writes its cotangent.
    """
    f, receiver = function_of(f, "vjp")
    primals = (*receiver, *primals)
    prepared, code = cached("vjp", f, primals, jit, optimize, cache, lambda p: vjp_code(p, optimize))
    if prepared.writes_read_only(primals):
        prepared, code = cached("vjp", f, primals, False, optimize, cache, lambda p: vjp_code(p, optimize))
    pair, forward_code, reverse_code, n = code
    bound, captured = prepared.arguments(forward_code, primals)
    out = forward_code(*bound, **captured)
    results, kept = out[:n], copied(list(out[n:]))
    keys = argument_keys(f, primals)
    stream = iter(results)
    value = assemble(prepared.result, stream)

    def pull(cotangent: Any) -> tuple[Any, ...]:
        flat = list(spread(prepared.result, cotangent))
        wanted = [flat[i] for i in pair.cotangents]
        own = [results[i] for i in pair.cotangents]
        chosen = [copy.copy(d) for d in along_with(own, wanted, "cotangent")]
        held = copied(kept) if pair.writes else kept
        grads = iter(reversed_by(reverse_code, held, chosen))
        found = tuple(
            restore(key, primal, grads, mixed(key)) if floating(key) or mixed(key) else 0.0
            for key, primal in zip(keys, primals, strict=True)
        )
        return found[len(receiver) :]

    pull.__name__ = pull.__qualname__ = f"{prepared.function.name}_pullback"
    return value, pull


def reversed_by(code: Any, held: list[Any], cotangents: list[Any]) -> Any:
    """What the reverse half of a function gives."""
    try:
        return code(*held, *cotangents)
    except (TypeError, ValueError, JitError) as error:
        if not any(text in str(error) for text in ("reflect", "fingerprint")):
            raise
        raise JitError(
            "the pullback keeps lists of lists or empty lists from the forward sweep, which Numba cannot hand over",
            hint="use jit=False, or grad(..., jit=True) of one function that does both",
        ) from None


@pipeline.collector_paused()
def vjp_code(prepared: Prepared, optimize: int) -> tuple[Pullback, Any, Any, int]:
    target = prepared.target
    fn = pipeline.prepared(prepared.function, optimize, target)
    pair = pullback(fn, prepared.inputs, fn.name)
    passes = pipeline.OPTIMIZE[min(optimize, 1)]
    ahead = pipeline.run(pair.forward, passes)
    back = pipeline.run(pair.reverse, passes)

    def as_tuple(exprs: list[Any]) -> Any:
        return t.tuple_(exprs)

    ahead_text = generate(ahead, optimize, target, as_tuple, prepared.hidden)
    forward_code = loaded(ahead_text, fn.name, fn.loc, target, prepared.cache, "_fwd")
    back_text = generate(back, optimize, target, as_tuple)
    reverse_code = loaded(back_text, fn.name, fn.loc, target, prepared.cache, "_rev")
    return pair, forward_code, reverse_code, len(fn.body.yields)


def assemble(av: AV, values: Iterator[Any]) -> Any:
    """A result in the structure the function returned it in."""
    from s2sad.typing.abstract import DictAV

    if isinstance(av, TupleAV):
        items = [assemble(i, values) for i in av.items]
        return items if av.cls is list else av.cls(*items) if av.names else tuple(items)
    if isinstance(av, DictAV):
        return {k: assemble(v, values) for k, v in av.items.items()}
    return next(values)


def spread(av: AV, value: Any) -> Iterator[Any]:
    from s2sad.typing.abstract import DictAV

    if isinstance(av, TupleAV):
        for item, v in zip(av.items, value, strict=True):
            yield from spread(item, v)
    elif isinstance(av, DictAV):
        for k, item in av.items.items():
            yield from spread(item, value[k])
    else:
        yield value


def restore(key: Any, primal: Any, grads: Iterator[Any], mixed: bool = False) -> Any:
    """A gradient in the structure of the argument; constants of a mixed one come back as they are."""
    if isinstance(key, Type):
        return next(grads) if not mixed or is_floating(key) else zeros(primal)
    if isinstance(key, Fixed):
        return primal
    if key.kind == "dict":
        return {
            k: restore(part, primal[k], grads, mixed) for k, part in zip(key.names, key.parts, strict=True)
        }
    if key.kind == "record":
        values = [
            restore(part, getattr(primal, n), grads, mixed)
            for n, part in zip(key.names, key.parts, strict=True)
        ]
        return type(primal)(**dict(zip(key.names, values, strict=True)))
    values = [restore(part, primal[i], grads, mixed) for i, part in enumerate(key.parts)]
    return type(primal)(*values) if key.kind == "namedtuple" else type(primal)(values)
