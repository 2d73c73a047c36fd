"""The printer, the verifier and the interpreter, on functions built by hand and by the frontend.

Every invariant of the verifier is broken once, and nothing else is wrong with the function that breaks it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
import pytest

from s2sad.errors import Loc, SourceFile, Stmt, VerifierError
from s2sad.frontend.finding import source_of
from s2sad.frontend.lower import lower
from s2sad.ir.core import AnyOp, Block, For, ForEach, Function, If, Op, Operand, Undef, Value, While
from s2sad.ir.interp import run
from s2sad.ir.printer import print_function
from s2sad.ir.types import BOOL, FLOAT, INT, UNKNOWN, Array, List, Tape, Tuple, Type
from s2sad.ir.verify import verify
from s2sad.rules.builder import const

FILE = SourceFile("user.py", tuple(f"line {n}\n" for n in range(1, 30)))
ARRAY = Array("float64", 1)


def at(line: int) -> Loc:
    return Loc(Stmt(FILE, line, "", "f"), line, 0)


def op(prim: str, *operands: Operand, to: Value | tuple[Value, ...] = (), line: int = 2, **attrs: Any) -> Op:
    results = to if isinstance(to, tuple) else (to,)
    return Op(prim, operands, results, at(line), tuple(attrs.items()))


def block(
    *ops: AnyOp, params: tuple[Value, ...] = (), yields: tuple[Operand, ...] = (), exit: str = "next"
) -> Block:
    return Block(params, ops, yields, exit)


def function(
    *ops: AnyOp, params: tuple[Value, ...] = (), yields: tuple[Operand, ...] = (), **more: Any
) -> Function:
    return Function("f", params, block(*ops, yields=yields), at(1), **more)


def values(hints: str, type: Type = FLOAT) -> list[Value]:
    return [Value("" if h == "_" else h, type) for h in hints.split()]


def sum_until(limit: float = 10.0, **changes: Any) -> Function:
    """s = 0; for i in range(n): t = s + x; if t > limit: break; s = t * 1.0; in exact normal form."""
    x, n, i = Value("x", FLOAT), Value("n", INT), Value("i", INT)
    s, t, out, u = values("s t s s")
    cond, chosen = Value("", BOOL), Value("s", FLOAT)
    branch = If(
        cond,
        block(yields=(t,), exit="break"),
        block(op("mul", t, const(1.0), to=u, line=6), yields=(u,)),
        (chosen,),
        at(5),
    )
    body = block(
        op("add", s, x, to=t, line=4),
        op("gt", t, const(limit), to=cond, line=5),
        branch,
        params=(i, s),
        yields=(chosen,),
    )
    loop = For(const(0), n, const(1), (const(0.0),), body, (out,), at(3))
    return function(loop, params=(x, n), yields=(out,))


def halvings() -> Function:
    """k = 0; while (h := x / 2) > 1: x = h; k = k + 1; return k, h."""
    x = Value("x", FLOAT)
    tk, bk, k1, rk = values("k k k k", INT)
    tx, bx, h, th, bh, rx, rh = values("x x h h h x h")
    cond = Value("", BOOL)
    test = block(
        op("div", tx, const(2.0), to=h),
        op("gt", h, const(1.0), to=cond),
        params=(tk, tx, th),
        yields=(cond, tk, tx, h),
    )
    body = block(op("add", bk, const(1), to=k1), params=(bk, bx, bh), yields=(k1, bh, bh))
    loop = While((const(0), x, Undef("h", FLOAT)), test, body, (rk, rx, rh), at(3))
    return function(loop, params=(x,), yields=(rk, rh))


def as_function(f: Any) -> FunctionType:
    assert isinstance(f, FunctionType)
    return f


# -- printer ------------------------------------------------------------------------------------------


def test_print_typed() -> None:
    assert (
        print_function(sum_until())
        == """\
def f(%x : float, %n : int):  # line 1
  for %i : int in range(0, %n, 1) carrying (%s = 0.0 : float) -> (%s.1 : float):  # line 3
    %t = add %s, %x : float  # line 4
    %t0 = gt %t, 10.0 : bool  # line 5
    if %t0 -> (%s.2 : float):  # line 5
      break %t
    else:
      %s.3 = mul %t, 1.0 : float  # line 6
      yield %s.3
    yield %s.2
  yield %s.1
"""
    )


def test_print_while() -> None:
    text = print_function(halvings())
    head = "while carrying (%k = 0 : int, %x.1 = %x : float, %h = undef(h) : float)"
    assert f"  {head} -> (%k.1 : int, %x.2 : float, %h.1 : float):  # line 3\n    test:\n" in text
    assert "    do (%k.2 : int, %x.3 : float, %h.2 : float):\n" in text
    assert "      yield %k.3, %h.2, %h.2\n" in text


def test_print_untyped_is_stable() -> None:
    def f(x: Any, n: Any) -> Any:
        g: Any = lambda y: y * x  # noqa: E731
        s, t0 = 0.0, "a"
        for i in range(n):
            s += g(i)
        return f"{s:.3f}", [u for u in t0], s

    first, second = (print_function(lower(source_of(as_function(f)))) for _ in range(2))
    assert first == second == print_function(lower(source_of(as_function(f))))
    assert " at 0x" not in first and "%t0.1" in first  # the user's t0 does not meet ours
    assert "function %x {source=<FunctionSource lambda_>, captured=('x',)}  # line" in first
    assert "add %s.1, %t5 {inplace=True}" in first or "{inplace=True}" in first


def test_print_and_verify_are_linear() -> None:
    def seconds(fn: Function) -> float:
        start = time.perf_counter()
        assert print_function(fn)
        verify(fn, typed=True)
        return time.perf_counter() - start

    def straight(n: int) -> Function:
        vs = values("x " * (n + 1))
        return function(
            *(op("neg", a, to=b) for a, b in zip(vs, vs[1:], strict=False)), params=(vs[0],), yields=(vs[-1],)
        )

    def nested(n: int) -> Function:
        x, c = Value("x", FLOAT), Value("c", BOOL)
        inner = block(yields=(x,))
        for _ in range(n):
            result = Value("y", FLOAT)
            inner = block(If(c, inner, block(yields=(x,)), (result,), at(2)), yields=(result,))
        return Function("f", (x, c), inner, at(1))

    for make in (straight, nested):
        small, large = (
            min(seconds(make(1_000)) for _ in range(3)),
            min(seconds(make(10_000)) for _ in range(3)),
        )
        assert large < 40 * small
    assert run(nested(10_000), [1.0, True]) == [1.0]


# -- verifier -----------------------------------------------------------------------------------------


def test_accepts_what_is_right() -> None:
    for fn in (sum_until(), halvings()):
        verify(fn, typed=True, locations=True)


def broken_double() -> Function:
    x, y = values("x y")
    return function(op("neg", x, to=y), op("neg", x, to=y), params=(x,), yields=(y,))


def broken_shared_block() -> Function:
    x, y, z, c = *values("x y z"), Value("c", BOOL)
    shared = block(op("neg", x, to=y), yields=(y,))
    return function(If(c, shared, shared, (z,), at(2)), params=(x, c), yields=(z,))


def broken_order() -> Function:
    x, y, z = values("x y z")
    return function(op("neg", y, to=z), op("neg", x, to=y), params=(x,), yields=(z,))


def broken_other_branch() -> Function:
    x, y, z, c = *values("x y z"), Value("c", BOOL)
    then = block(op("neg", x, to=y), yields=(y,))
    return function(If(c, then, block(yields=(y,)), (z,), at(2)), params=(x, c), yields=(z,))


def broken_after_loop() -> Function:
    x, n, i, y = Value("x", FLOAT), Value("n", INT), Value("i", INT), Value("y", FLOAT)
    body = block(op("neg", x, to=y), params=(i,))
    return function(For(const(0), n, const(1), (), body, (), at(2)), params=(x, n), yields=(y,))


def broken_arity_if() -> Function:
    x, z, c = Value("x", FLOAT), Value("z", FLOAT), Value("c", BOOL)
    return function(If(c, block(yields=(x,)), block(), (z,), at(2)), params=(x, c), yields=(z,))


def broken_arity_for() -> Function:
    x, n, i, s, r = Value("x", FLOAT), Value("n", INT), Value("i", INT), Value("s", FLOAT), Value("s", FLOAT)
    body = block(params=(i, s), yields=())
    return function(For(const(0), n, const(1), (x,), body, (r,), at(2)), params=(x, n), yields=(r,))


def broken_arity_while() -> Function:
    x, c, s, t, r = Value("x", FLOAT), Value("c", BOOL), *values("s s s")
    loop = While((x,), block(params=(s,), yields=(c,)), block(params=(t,), yields=(t,)), (r,), at(2))
    return function(loop, params=(x, c), yields=(r,))


def broken_break_outside() -> Function:
    x, z, c = Value("x", FLOAT), Value("z", FLOAT), Value("c", BOOL)
    branch = If(c, block(yields=(x,), exit="break"), block(yields=(x,)), (z,), at(2))
    return function(branch, params=(x, c), yields=(z,))


def in_loop(*ops: AnyOp, yields: tuple[Operand, ...], x: Value, c: Value) -> Function:
    i, s, r = Value("i", INT), Value("s", FLOAT), Value("s", FLOAT)
    loop = For(const(0), const(3), const(1), (x,), block(*ops, params=(i, s), yields=yields), (r,), at(2))
    return function(loop, params=(x, c), yields=(r,))


def broken_code_after_break() -> Function:
    x, c, z, y = Value("x", FLOAT), Value("c", BOOL), Value("z", FLOAT), Value("y", FLOAT)
    branch = If(c, block(yields=(x,), exit="break"), block(yields=(x,)), (z,), at(3))
    return in_loop(branch, op("neg", z, to=y), yields=(z,), x=x, c=c)


def broken_exit_word() -> Function:
    x, c = Value("x", FLOAT), Value("c", BOOL)
    fn = in_loop(yields=(x,), x=x, c=c)
    return Function("f", fn.params, Block((), fn.body.ops, fn.body.yields, "continue"), at(1))


def broken_break_yields() -> Function:
    x, c, z = Value("x", FLOAT), Value("c", BOOL), Value("z", FLOAT)
    branch = If(c, block(yields=(x,), exit="break"), block(yields=(x,)), (z,), at(3))
    return in_loop(branch, yields=(x,), x=x, c=c)


def broken_nested_break_yields() -> Function:
    x, c = Value("x", FLOAT), Value("c", BOOL)
    z, w = values("z w")
    inner = If(c, block(yields=(x,), exit="break"), block(yields=(x,)), (z,), at(4))
    outer = If(c, block(inner, yields=(x,)), block(yields=(x,)), (w,), at(3))
    return in_loop(outer, yields=(w,), x=x, c=c)


def broken_for_each() -> Function:
    xs, e = Value("xs", List(FLOAT)), Value("e", FLOAT)
    return function(ForEach(xs, (), block(params=(e,)), (), at(2)), params=(xs,))


def broken_unknown() -> Function:
    x, y = Value("x", FLOAT), Value("y", UNKNOWN)
    return function(op("neg", x, to=y), params=(x,), yields=(y,))


def broken_unknown_param() -> Function:
    return function(params=(Value("x"),))


def broken_join() -> Function:
    x, n, c, z = Value("x", FLOAT), Value("n", INT), Value("c", BOOL), Value("z", INT)
    return function(If(c, block(yields=(x,)), block(yields=(n,)), (z,), at(2)), params=(x, n, c), yields=(z,))


def broken_carried_join() -> Function:
    x, i, s, r, z = Value("x", FLOAT), Value("i", INT), Value("s", INT), Value("s", FLOAT), Value("", FLOAT)
    body = block(op("add", s, x, to=z), params=(i, s), yields=(z,))
    return function(
        For(const(0), const(3), const(1), (const(0),), body, (r,), at(2)), params=(x,), yields=(r,)
    )


def broken_prim() -> Function:
    x, y = values("x y")
    return function(op("negate", x, to=y), params=(x,), yields=(y,))


def broken_callee() -> Function:
    x, y = values("x y")
    return function(op("invoke", x, to=y, callee="g"), params=(x,), yields=(y,))


def broken_call() -> Function:
    x, y, z = values("x y z")
    g = Function("g", (z,), block(yields=(z,)), at(1))
    return function(op("invoke", x, x, to=y, callee="g"), params=(x,), yields=(y,), callees={"g": g})


def broken_location() -> Function:
    x, y = values("x y")
    return function(op("neg", x, to=y, line=0), params=(x,), yields=(y,))


@pytest.mark.parametrize(
    ("make", "check", "words"),
    [
        (broken_double, "single_definition", "y (float) is defined twice"),
        (broken_shared_block, "single_definition", "y (float) is defined twice"),
        (broken_order, "visible_definitions", "y (float) is read where it is not visible"),
        (broken_other_branch, "visible_definitions", "y (float) is yielded where"),
        (broken_after_loop, "visible_definitions", "y (float) is yielded where"),
        (broken_arity_if, "arity", "If with 1 results has 0 else yields where 1 belong"),
        (broken_arity_for, "arity", "For with 1 results has 0 yields where 1 belong"),
        (broken_arity_while, "arity", "While with 1 results has 1 test yields where 2 belong"),
        (broken_break_outside, "breaks_in_tail", "not in tail position"),
        (broken_code_after_break, "breaks_in_tail", "not in tail position"),
        (broken_exit_word, "breaks_in_tail", "cannot end in 'continue'"),
        (broken_for_each, "typed_loops", ""),
        (broken_unknown, "known_types", "y (?) has no type"),
        (broken_unknown_param, "known_types", "parameter x (?)"),
        (broken_join, "joined_types", "then: x (float) does not fit z (int)"),
        (broken_carried_join, "joined_types", "does not fit s (int)"),
        (broken_prim, "known_primitives", "'negate' is no primitive of the typed form"),
        (broken_call, "known_callees", "g has 1 parameters and 1 results, not 2 and 1"),
        (broken_callee, "known_callees", "'g' is not among the callees"),
        (broken_location, "known_locations", "neg in f has no location"),
    ],
)
def test_rejects(make: Callable[[], Function], check: str, words: str) -> None:
    with pytest.raises(VerifierError) as caught:
        verify(make(), typed=True, locations=True)
    assert f"{check}: " in str(caught.value) and words in str(caught.value)
    if check not in ("known_locations",):
        assert caught.value.loc is not None and caught.value.loc.line > 0


# -- interpreter --------------------------------------------------------------------------------------


def test_run_loop_with_break() -> None:
    for x, n in ((1.5, 4), (3.0, 10), (1.0, 0), (11.0, 3)):
        s = 0.0
        for _ in range(n):
            s = s + x
            if s > 10.0:
                break
        assert run(sum_until(), [x, n]) == [s]


def test_run_while() -> None:
    assert run(halvings(), [20.0]) == [4, 0.625]
    assert run(halvings(), [1.0]) == [0, 0.5]


def test_run_memory() -> None:
    a, b, c, n = Value("a", ARRAY), Value("b", ARRAY), Value("c", ARRAY), Value("n", INT)
    v, w = values("v w")
    fn = function(
        op("copy", a, to=b),
        op("zeros_like", a, to=c),
        op("load", a, const(1), to=v),
        op("store", b, const(0), v),
        op("accumulate", c, const(0), v),
        op("accumulate", c, const(0), v),
        op("load", c, const(0), to=w),
        op("len", a, to=n),
        params=(a,),
        yields=(b, c, w, n),
    )
    verify(fn, typed=True, locations=True)
    x = np.array([1.0, 2.0])
    left, zeros, twice, length = run(fn, [x])
    assert x.tolist() == [1.0, 2.0] and left.tolist() == [2.0, 2.0] and zeros.tolist() == [4.0, 0.0]
    assert (twice, length, zeros.dtype) == (4.0, 2, np.float64)


def test_run_lists_and_tuples() -> None:
    x, y, t = Value("x", FLOAT), Value("y", FLOAT), Value("t", Tuple((List(FLOAT), FLOAT)))
    lst, zeros, again = values("l z a", List(FLOAT))
    n = Value("n", INT)
    fn = function(
        op("alloc_list", x, x, to=lst),
        op("append", lst, const(5.0)),
        op("zeros_like", lst, to=zeros),
        op("pack", lst, x, to=t),
        op("unpack", t, to=(again, y)),
        op("trip_count", const(5), const(0), const(-2), to=n),
        params=(x,),
        yields=(zeros, again, y, n),
    )
    verify(fn, typed=True)
    assert run(fn, [2.0]) == [[0.0, 0.0, 0.0], [2.0, 2.0, 5.0], 2.0, 3]


def test_run_tape_keeps_what_is_unbound() -> None:
    t, k, v = Value("tape", Tape(FLOAT)), Value("", INT), Value("", FLOAT)
    ops: tuple[AnyOp, ...] = (op("tape_new", to=t), op("tape_write", t, const(0), const(1.5)))
    ops += (op("tape_write", t, const(1), Undef("y", FLOAT)), op("tape_len", t, to=k))
    assert run(function(*ops, op("tape_read", t, const(0), to=v), yields=(k, v)), []) == [2, 1.5]
    w = Value("", FLOAT)
    read = op("tape_read", t, const(1), to=v)
    assert run(function(*ops, read, yields=(k,)), []) == [2]
    with pytest.raises(UnboundLocalError, match="'y'"):
        run(function(*ops, read, op("neg", v, to=w), yields=(w,)), [])


def test_run_invoke_recursion() -> None:
    """factorial(n), which calls itself, from a function that calls it."""
    n, c, m = Value("n", INT), Value("", BOOL), Value("", INT)
    r, y, z = values("r _ y")
    recur = block(
        op("sub", n, const(1), to=m), op("invoke", m, to=r, callee="g"), op("mul", n, r, to=y), yields=(y,)
    )
    callees: dict[str, Function] = {}
    body = block(
        op("le", n, const(1), to=c), If(c, block(yields=(const(1.0),)), recur, (z,), at(3)), yields=(z,)
    )
    callees["g"] = Function("g", (n,), body, at(1), callees)
    x, out = Value("x", INT), Value("", FLOAT)
    fn = function(op("invoke", x, to=out, callee="g"), params=(x,), yields=(out,), callees=callees)
    verify(fn, typed=True)
    verify(callees["g"], typed=True)
    assert run(fn, [10]) == [math.factorial(10)]
    assert run(fn, [2000]) == [math.inf]
    assert "# calls g: def g, 1 parameters" in print_function(fn)


def test_run_effects(capsys: pytest.CaptureFixture[str]) -> None:
    x, text = Value("x", FLOAT), Value("s", UNKNOWN)
    parts = ("x=", (-1, ".2f"), " ", (114, None))
    made = op("format", x, const("a"), to=text, parts=parts)
    run(function(made, op("print", text, x), params=(x,)), [1.5])
    assert capsys.readouterr().out == "x=1.50 'a' 1.5\n"
    check = op("assert", x, const("why"))
    run(function(check, params=(x,)), [1.0])
    with pytest.raises(AssertionError, match="why"):
        run(function(check, params=(x,)), [0.0])
    with pytest.raises(ValueError, match="bad"):
        run(function(op("raise", x), params=(x,)), [ValueError("bad")])
    with pytest.raises(UnboundLocalError, match="'q'"):
        run(function(op("unbound", to=x, name="q")), [])
    zeros = Value("", ARRAY)
    made = op("call", const(3), to=zeros, function="numpy.zeros")
    assert run(function(made, yields=(zeros,)), [])[0].shape == (3,)


def test_run_undefined_condition_and_unknown_primitive() -> None:
    with pytest.raises(UnboundLocalError, match="'c'"):
        run(function(If(Undef("c", BOOL), block(), block(), (), at(2))), [])
    with pytest.raises(VerifierError, match="negate"):
        run(broken_prim(), [1.0])
    with pytest.raises(VerifierError, match="2 parameters, got 1"):
        run(sum_until(), [1.0])


def test_verify_lowered() -> None:
    def f(x: Any, n: Any) -> Any:
        for i in range(n):
            while x > 1.0:
                x = x / 2.0
                if x < i:
                    return x, i
            else:
                continue
        return x, n

    fn = lower(source_of(as_function(f)))
    verify(fn, locations=True)
    with pytest.raises(VerifierError, match="primitive"):
        verify(fn, typed=True)


def test_what_counts_as_its_own_memory_is_looked_at(monkeypatch):
    """A view that is taken for an array of its own does not pass the interpreter."""
    from s2sad import grad
    from s2sad.ir import interp

    lowered = grad(lambda x: np.sum(x[1:] * x[1:])).lower(np.ones(3))
    interp.run(lowered.function, [np.ones(3)])
    monkeypatch.setattr(interp, "is_fresh", lambda op: True)
    with pytest.raises(VerifierError, match="memory of its operand"):
        interp.run(lowered.function, [np.ones(3)])
