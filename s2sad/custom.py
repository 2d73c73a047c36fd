"""`custom_rule`: the user's own derivative of a function, in the place of the one s2sad would derive.

The function becomes one operation of the IR, called by name in generated code; its vjp and jvp are Python
functions, which are typed where it is called and differentiated like any other where that is asked for.
"""

from __future__ import annotations

import functools
import inspect
import linecache
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from s2sad.analysis.uses import free_values
from s2sad.entry import header
from s2sad.errors import S2sadError, SignatureError, public
from s2sad.ir.core import Block, Const, Function, Op, Operand, Undef, Value
from s2sad.ir.types import BOOL, BOTTOM, FLOAT, INT, NONE, Array, Scalar, Type, is_many
from s2sad.pickling import at_place, place_of
from s2sad.rules.builder import const
from s2sad.rules.custom import Call, Form, moves
from s2sad.transform import custom  # noqa: F401
from s2sad.typing.abstract import AV, FunctionAV, StaticAV, TupleAV, describe, from_python, is_operand
from s2sad.typing.calls import HANDLERS, apply
from s2sad.typing.captures import Captures
from s2sad.typing.sizes import settled
from s2sad.typing.specialise import Specialiser, specialise
from s2sad.typing.structure import constant, source_for, user_function

SCALARS: dict[Any, Scalar] = {float: FLOAT, int: INT, bool: BOOL, "float": FLOAT, "int": INT, "bool": BOOL}


class CustomRule:
    """A function with a derivative of its own; calling it calls the function."""

    def __init__(self, fn: Any, vjp: Any, jvp: Any, out: Any) -> None:
        functools.update_wrapper(self, fn, updated=())
        self.function, self.vjp, self.jvp, self.out = fn, vjp, jvp, out
        self.name = getattr(fn, "__name__", type(fn).__name__)
        try:
            self.signature: inspect.Signature | None = inspect.signature(fn)
        except (TypeError, ValueError):
            self.signature = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        place = place_of(self, self.function)
        return (at_place, place) if place else (CustomRule, (self.function, self.vjp, self.jvp, self.out))

    def __copy__(self) -> CustomRule:
        return self

    def __deepcopy__(self, memo: Any) -> CustomRule:
        return self  # as a function is

    def __repr__(self) -> str:
        given = " and ".join(n for n in ("vjp", "jvp") if getattr(self, n) is not None)
        return f"<{self.name} with its own {given}>"

    @functools.cached_property
    def caller(self) -> Any:
        """A Python function that calls this one: what is differentiated where this is itself."""
        if self.signature is None:
            raise SignatureError(
                f"the parameters of {self.name}() are not known",
                hint=f"differentiate a function that calls it: lambda x: {self.name}(x)",
            )
        text, names, space = header(self.signature)
        kinds = [p.kind for p in self.signature.parameters.values()]
        if any(
            k not in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            for k in kinds
        ):
            raise SignatureError(
                f"{self.name}() has keyword-only or variable parameters",
                hint="differentiate a function that calls it with the arguments it needs",
            )
        name = self.name if self.name.isidentifier() else "function"
        called = name if name not in names else f"{name}_"
        source = f"def {name}({text}):\n    return {called}({', '.join(names)})\n"
        filename = f"<custom rule of {name} {id(self)}>"
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        globals_: dict[str, Any] = {**space, "__name__": "custom_rule", called: self}
        local: dict[str, Any] = {}
        exec(compile(source, filename, "exec"), globals_, local)
        return local[name]

    def __s2sad_inline__(self, s: Specialiser, args: list[AV], kwargs: dict[str, AV]) -> AV:
        args = self.arguments(s, args, kwargs)
        for a in args:
            if isinstance(a, Undef):
                return s.builder.emit("unbound", type=BOTTOM, name=a.hint)
            if getattr(a, "type", None) is BOTTOM:
                return Value("", BOTTOM)
        result = self.result(s, args)
        return emit(s, self.function, self.name, args, result, lambda b: rules(s, self, args, b))

    def arguments(self, s: Specialiser, args: list[AV], kwargs: dict[str, AV]) -> list[AV]:
        """The arguments by position; defaults filled in."""
        if self.signature is not None:
            try:
                bound = self.signature.bind(*args, **kwargs)
            except TypeError as error:
                raise s.error(f"{self.name}(): {error}", "match the definition", SignatureError) from None
            given = dict(bound.arguments)
            args = []
            for p in self.signature.parameters.values():
                if p.kind is p.VAR_POSITIONAL:
                    args += given.get(p.name, ())
                elif p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD):
                    if p.name in given:
                        raise s.error(f"{self.name}() with the keyword {p.name!r}", "pass it by position")
                elif p.name in given:
                    args.append(given[p.name])
                else:
                    args.append(from_python(p.default) or constant(p.default))
        elif kwargs:
            raise s.error(f"{self.name}() with keywords", "pass them by position")
        for i, a in enumerate(args):
            if not is_operand(a) or not (
                isinstance(a.type, (Scalar, Array)) or isinstance(a, (Const, Undef)) or a.type is BOTTOM
            ):
                raise s.error(
                    f"argument {i + 1} of {self.name}(), which has a rule of its own, is {describe(a)}",
                    "pass numbers and arrays one by one", SignatureError,
                )  # fmt: skip
        return args

    def result(self, s: Specialiser, args: list[AV]) -> AV:
        """What the function returns: as `out` says, else as its own code does, else as it is annotated."""
        if isinstance(self.out, (type, str)) and self.out in SCALARS:
            return Value("", SCALARS[self.out])
        if self.out is not None:
            found = returned(s, self.out, args)
            if isinstance(found, S2sadError):
                raise found
            return self.checked(s, found)
        found = returned(s, self.function, args)
        if not isinstance(found, S2sadError):
            return self.checked(s, found)
        annotation = self.signature.return_annotation if self.signature is not None else None
        if annotation in SCALARS:
            return Value("", SCALARS[annotation])
        raise s.error(
            f"what {self.name}() returns is not known: {found.reason}",
            "say it: custom_rule(out=float), or out= a function of the same arguments that returns a number or "
            "array of the same type and shape, such as out=lambda x: x",
            SignatureError,
        )

    def checked(self, s: Specialiser, av: AV) -> AV:
        parts = av.items if isinstance(av, TupleAV) and av.cls is tuple and not av.names else (av,)
        for p in parts:
            t = getattr(p, "type", None)
            if not (is_operand(p) and isinstance(t, (Scalar, Array))) or "complex" in str(t) or "?" in str(t):
                raise s.error(
                    f"{self.name}(), which has a rule of its own, returns {describe(p)}",
                    "return a real number, an array, or a tuple of those", SignatureError,
                )  # fmt: skip
        return av


def differentiable(f: Any) -> Any:
    """What is differentiated in the place of a function: of one with its own rule, a function that calls it."""
    return f.caller if isinstance(f, CustomRule) else f


def returned(s: Specialiser, fn: Any, args: list[AV]) -> AV | S2sadError:
    """The abstract result of a function, as its source says; an error where that cannot be told."""
    function = user_function(fn)
    if function is None:
        return SignatureError(f"{fn!r} is not a Python function whose source can be read", s.loc)
    try:
        source = source_for(function)
        made = [a if isinstance(a, Const) else Value("", a.type) for a in args]  # type: ignore[union-attr]
        typed = specialise(
            source, lambda b: list(made), Captures(), lambda w, avs: apply(w, FunctionAV(source), avs, {})
        )
    except S2sadError as error:
        return error
    return typed.result


def emit(
    s: Specialiser, fn: Any, name: str, args: list[AV], result: AV, with_rules: Callable[[Call], Any]
) -> AV:
    """The operation that calls the function, and its result."""
    operands: list[Operand] = list(args)  # type: ignore[arg-type]
    parts: tuple[Any, ...] = result.items if isinstance(result, TupleAV) else (result,)
    values = tuple(Value("", strong(p.type)) for p in parts)
    call = Call(
        fn, identifier(name), s.loc, tuple(range(len(operands))), len(operands), tuple(v.type for v in values),
        isinstance(result, TupleAV), (None,) * len(values), tuple(o.type for o in operands),
    )  # fmt: skip
    call, outside = with_rules(call)
    s.builder.ops.append(Op("custom", (*operands, *outside), values, s.loc, (("call", call),)))
    return TupleAV(values) if isinstance(result, TupleAV) else values[0]


def strong(t: Type) -> Type:
    """The type of a result: without what only constants say."""
    return replace(t, optional=False) if isinstance(t, Scalar) else t


def identifier(name: str) -> str:
    return name if name.isidentifier() else "function"


# -- the user's rules -----------------------------------------------------------------------------------


def rules(s: Specialiser, rule: CustomRule, args: list[AV], call: Call) -> tuple[Call, list[Value]]:
    """The call with its rules as functions of the IR, and the values from outside that they read."""
    made: dict[str, Any] = {}
    for which, fn in (("vjp", rule.vjp), ("jvp", rule.jvp)):
        if fn is not None:
            try:
                made[which] = typed_rule(s, rule, which, fn, args, call)
            except S2sadError as error:  # said where the rule is needed
                made[which] = error
    functions = [f for f in made.values() if isinstance(f, Function)]
    outside = list(dict.fromkeys(v for f in functions for v in free_values(f)))
    for which, f in made.items():
        if isinstance(f, Function):
            own = {v: Value(v.hint, v.type) for v in outside}
            from s2sad.typing.thread import substituted

            made[which] = replace(f, params=(*f.params, *own.values()), body=substituted(f.body, own))
    return replace(call, **made), outside


def typed_rule(s: Specialiser, rule: CustomRule, which: str, fn: Any, args: list[AV], call: Call) -> Function:
    """A vjp or jvp on abstract values."""
    params: list[Value] = []

    def param(t: Type, hint: str = "") -> Value:
        params.append(Value(hint, t))
        return params[-1]

    floating = [i for i in range(call.count) if moves(call.operands[i])]
    if which == "vjp":
        seeds: list[Any] = [param(derivative_type(t), "dy") if moves(t) else None for t in call.results]
    else:
        seeds = [param(derivative_type(t)) if moves(t) else None for t in call.operands[: call.count]]
    ys: list[Any] = [param(t, "y") for t in call.results]
    xs: list[Any] = [param(t, getattr(a, "hint", "")) for t, a in zip(call.operands, args, strict=True)]
    firsts = [Const(None, NONE) if d is None else d for d in seeds]
    first = TupleAV(tuple(firsts)) if which == "jvp" or call.many else firsts[0]
    y = TupleAV(tuple(ys)) if call.many else ys[0]
    given = [first, y, *(a if isinstance(a, Const) else x for a, x in zip(args, xs, strict=True))]
    inner = Specialiser(s.context)
    inner.builder.loc, inner.stack = s.loc, list(s.stack)
    likes = [xs[i] for i in floating] if which == "vjp" else [v for v in ys if moves(v.type)]
    result = known(inner, fn, given)
    if result is None:
        found = opaque(inner, rule, which, fn, firsts, ys, xs, call, floating)
    else:
        parts = separate(s, rule, which, result, call)
        chosen = (
            [parts[i] for i in floating]
            if which == "vjp"
            else [p for p, t in zip(parts, call.results, strict=True) if moves(t)]
        )
        found = [fitting(inner, rule, which, p, like) for p, like in zip(chosen, likes, strict=True)]
    body = Block((), tuple(inner.builder.ops), tuple(found))
    return settled(Function(f"{call.name}_{which}", tuple(params), body, s.loc))


def derivative_type(t: Type) -> Type:
    return Scalar(t.kind, t.dtype) if isinstance(t, Scalar) else t


def known(s: Specialiser, fn: Any, given: list[AV]) -> AV | None:
    """The result of a rule that can be read (or has a rule itself); None for one that cannot."""
    try:
        av = constant(fn)
    except S2sadError:
        return None
    readable = (
        isinstance(av, FunctionAV)
        or hasattr(fn, "__s2sad_inline__")
        or (isinstance(av, StaticAV) and fn.__hash__ is not None and fn in HANDLERS)
    )
    if not readable:
        return None
    ops = len(s.builder.ops)
    try:
        return apply(s, av, given, {})
    except S2sadError:
        del s.builder.ops[ops:]
        if hasattr(fn, "__s2sad_inline__"):
            raise
        return None


def separate(s: Specialiser, rule: CustomRule, which: str, result: AV, call: Call) -> list[AV]:
    """The parts of what a rule returns: one for each argument (vjp) or result (jvp)."""
    count = call.count if which == "vjp" else len(call.results)
    bare = count == 1 if which == "vjp" else not call.many
    if bare and not (isinstance(result, TupleAV) and which == "vjp"):
        return [result]
    if isinstance(result, TupleAV) and len(result.items) == count:
        return list(result.items)
    what = "cotangent for each of its arguments" if which == "vjp" else "tangent for each of its results"
    raise s.error(
        f"the {which} of {rule.name}() returns {describe(result)}, and not one {what} ({count})",
        "return a tuple of them, with None where one is zero", SignatureError,
    )  # fmt: skip


def fitting(s: Specialiser, rule: CustomRule, which: str, av: AV, like: Value) -> Operand:
    """A derivative that a rule returns: of the type and shape of what it belongs to."""
    if isinstance(av, Const) and (av.value is None or av.value == 0):
        return const(0.0)
    if is_operand(av) and isinstance(like.type, Scalar) and isinstance(av.type, Scalar):
        if av.type.kind == "float":
            return av
        if av.type.kind in ("int", "bool"):
            return s.builder.emit("builtins.float", av)
    if is_operand(av) and isinstance(av.type, Array) and isinstance(like.type, Array):
        sizes = zip(av.type.dims, like.type.dims, strict=False)
        wrong = any(isinstance(x, int) and isinstance(y, int) and x != y for x, y in sizes) or any(
            (x == 1 and is_many(y)) or (y == 1 and is_many(x))
            for x, y in zip(av.type.dims, like.type.dims, strict=False)
        )
        if av.type.ndim == like.type.ndim and not wrong and av.type.dtype.startswith("float"):
            return av
    raise s.error(
        f"the {which} of {rule.name}() returns {describe(av)} where {describe(like)} is needed",
        "return derivatives of the shapes of what they belong to, and None for zero", SignatureError,
    )  # fmt: skip


def opaque(
    s: Specialiser, rule: CustomRule, which: str, fn: Any, firsts: list[Any], ys: list[Any], xs: list[Any],
    call: Call, floating: list[int],
) -> list[Operand]:  # fmt: skip
    """A rule that is called, and not looked into: it has no derivative itself."""
    operands: list[Operand] = []

    def form(o: Operand) -> Form:
        if isinstance(o, Const) and o.value is None:
            return None
        operands.append(o)
        return len(operands) - 1

    heads = tuple(form(o) for o in firsts)
    head: Form = heads if which == "jvp" or call.many else heads[0]
    at_ys = [form(y) for y in ys]
    at_xs = [form(x) for x in xs]
    arguments = (head, tuple(at_ys) if call.many else at_ys[0], *at_xs)
    if which == "vjp":
        picked = tuple(floating)
        likes: list[Any] = [at_xs[i] for i in floating]
        count = call.count
    else:
        picked = tuple(i for i, t in enumerate(call.results) if moves(t))
        likes = [at_ys[i] for i in picked]
        count = len(call.results)
    values = tuple(Value("", derivative_type(operands[i].type)) for i in likes)  # type: ignore[index]
    name = getattr(fn, "__name__", "")
    made = Call(
        fn, name if name.isidentifier() else f"{call.name}_{which}", s.loc, arguments, len(operands),
        tuple(v.type for v in values), count > 1, tuple(likes), tuple(o.type for o in operands), picked=picked,
    )  # type: ignore[arg-type]  # fmt: skip
    s.builder.ops.append(Op("custom", tuple(operands), values, s.loc, (("call", made),)))
    return list(values)


@public
def custom_rule(
    fn: Any = None,
    *,
    vjp: Callable[..., Any] | None = None,
    jvp: Callable[..., Any] | None = None,
    out: Any = None,
) -> Any:
    """Give a function derivatives of your own: `@custom_rule(vjp=...)`, or `f = custom_rule(black_box, vjp=..., out=...)`.

    The result is called as the function is, and is the function itself as far as values go. In differentiated
    functions it is one operation: the function is called by name and never looked into, so it may be anything
    callable, e.g. of a C extension; it must be pure: write none of its arguments and depend on nothing else that
    changes. With `jit=True` it must be a function that Numba compiles.

    Args:
        fn: a function of numbers and arrays (constants may be passed too) that returns a real number, an array or
            a tuple of those.
        vjp: `vjp(dy, y, *args)`, for reverse mode: given the cotangent `dy` of the result `y`, returns the
            cotangents of the arguments, each of its argument's shape: a tuple of them, or for one argument that one;
            None for what is zero or has no derivative. For a tuple result, `dy` and `y` are tuples.
        jvp: `jvp(tangents, y, *args)`, for forward mode: given a tuple with a tangent for each argument (None for
            one without a derivative), returns the tangent of the result, of the result's shape.
            If only one of the two is given the other mode transposes it where it can: reverse mode from a jvp for
            arguments that are numbers, forward mode from a vjp for a result that is one number. Else it says so.
            Rules are Python functions like any other: where s2sad can read them they are written into the
            derivative and can be differentiated again; else they are called, and give first derivatives only.
        out: what the function returns, where s2sad cannot read that off the function: `float`, `int`, or a function
            of the same arguments that returns something of the same types and shapes, such as `lambda x: x`.
            It is not called. What the function then returns is checked against it at each call.
    Raises:
        SignatureError: the function or a rule returns what does not fit.
        MissingRuleError: when the code for a derivative is made that needs the rule that was not given.
    """
    if vjp is None and jvp is None:
        raise SignatureError("custom_rule() without a rule", hint="give vjp=, jvp= or both")
    for name, rule in (("vjp", vjp), ("jvp", jvp)):
        if rule is not None and not callable(rule):
            raise SignatureError(f"{name}={rule!r} is not a function", hint=f"{name}= takes a function")
    if fn is None:
        return lambda f: custom_rule(f, vjp=vjp, jvp=jvp, out=out)
    if not callable(fn):
        raise SignatureError(f"{fn!r} is not a function", hint="custom_rule() takes a function")
    return CustomRule(fn, vjp, jvp, out)
