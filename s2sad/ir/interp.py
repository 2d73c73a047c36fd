"""Runs typed functions directly: the oracle that transforms, passes and generated code are tested against.

Scalar primitives are computed by their rule's own `fn`; those on memory, tapes, tuples and effects are listed
in `SPECIAL`. A variable that is unbound may be handed on, and raises UnboundLocalError where it is used.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from s2sad.errors import VerifierError
from s2sad.ir.core import AnyOp, Block, Const, For, Function, If, Op, Operand, Value, While
from s2sad.ir.types import Array
from s2sad.rules.arrays import INFER
from s2sad.rules.effects import is_fresh
from s2sad.rules.registry import PRIMS

_FRAMES = 50_000
Watch = Callable[[Op, list[Any], Any], None]


@dataclass(frozen=True, slots=True)
class Unbound:
    """What an `Undef` operand evaluates to."""

    name: str


@dataclass(slots=True)
class _Frame:
    """One call: the values defined so far, the functions it can invoke, and who is shown each operation's values."""

    env: dict[Value, Any]
    callees: Mapping[str, Function]
    watch: Watch | None = None


def run(fn: Function, args: list[Any], watch: Watch | None = None) -> list[Any]:
    """The values a function's body yields for these arguments; arrays and lists are not copied. `watch` is shown each
    operation with the values of its operands and of its first result."""
    with _deep():
        return _invoke(fn, args, {}, watch)


@contextmanager
def _deep() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _invoke(
    fn: Function, args: list[Any], outer: Mapping[str, Function], watch: Watch | None = None
) -> list[Any]:
    params = fn.params + fn.body.params
    if len(params) != len(args):
        raise VerifierError(f"{fn.name} has {len(params)} parameters, got {len(args)} arguments", fn.loc)
    frame = _Frame(
        dict(zip(params, args, strict=True)), {**outer, **fn.callees} if fn.callees else outer, watch
    )
    values, _ = _block(fn.body, frame)
    for value in values:
        if isinstance(value, Unbound):
            raise _unbound(value)
    return values


# -- structure ----------------------------------------------------------------------------------------


def _block(block: Block, frame: _Frame) -> tuple[list[Any], bool]:
    """Run a block: what it yields, and whether it leaves the loop around it."""
    broke = False
    for op in block.ops:
        if isinstance(op, Op):
            _op(op, frame)
        else:
            broke = _structured(op, frame)
    return [_read(o, frame) for o in block.yields], broke or block.exit == "break"


def _structured(op: AnyOp, frame: _Frame) -> bool:
    """Run an if or a loop and bind its results; True where the if leaves the loop around it."""
    broke = False
    if isinstance(op, If):
        block = op.then if _used(op.cond, frame) else op.orelse
        values, broke = _block(block, frame)
    elif isinstance(op, For):
        start, stop, step = (_used(o, frame) for o in (op.start, op.stop, op.step))
        values = _each(range(start, stop, step), op, frame)
    elif isinstance(op, While):
        values = _while(op, frame)
    else:
        raise VerifierError("a loop over any iterable is left in typed IR", op.loc)
    _bind(op.results, values, frame)
    return broke


def _each(indices: range, op: For, frame: _Frame) -> list[Any]:
    carried = [_read(o, frame) for o in op.init]
    for i in indices:
        _bind(op.body.params, [i, *carried], frame)
        carried, broke = _block(op.body, frame)
        if broke:
            break
    return carried


def _while(op: While, frame: _Frame) -> list[Any]:
    carried = [_read(o, frame) for o in op.init]
    while True:
        _bind(op.test.params, carried, frame)
        (cond, *carried), _ = _block(op.test, frame)
        if isinstance(cond, Unbound):
            raise _unbound(cond)
        if not cond:
            return carried
        _bind(op.body.params, carried, frame)
        carried, broke = _block(op.body, frame)
        if broke:
            return carried


def _bind(targets: tuple[Value, ...], values: list[Any], frame: _Frame) -> None:
    if len(targets) != len(values):
        raise VerifierError(f"{len(values)} values for {len(targets)} names")
    frame.env.update(zip(targets, values, strict=True))


# -- operations ---------------------------------------------------------------------------------------


def _read(operand: Operand, frame: _Frame) -> Any:
    if isinstance(operand, Value):
        return frame.env[operand]
    return operand.value if isinstance(operand, Const) else Unbound(operand.hint)


def _used(operand: Operand, frame: _Frame) -> Any:
    value = _read(operand, frame)
    if isinstance(value, Unbound):
        raise _unbound(value)
    return value


def _unbound(value: Unbound) -> UnboundLocalError:
    what = f"local variable {value.name!r}"
    return UnboundLocalError(f"cannot access {what} where it is not associated with a value")


def _op(op: Op, frame: _Frame) -> None:
    read = _read if op.prim in HANDS_ON else _used
    operands = [read(o, frame) for o in op.operands]
    if op.prim == "invoke":
        name = op.attr("callee")
        if name not in frame.callees:
            raise VerifierError(f"the function {name!r} that is invoked is not among the callees", op.loc)
        _bind(op.results, _invoke(frame.callees[name], operands, frame.callees, frame.watch), frame)
        return
    special = SPECIAL.get(op.prim)
    if special is not None:
        value = special(op, *operands)
    elif op.prim in INFER:
        value = PRIMS[op.prim].fn(*operands, **dict(op.attrs))
    elif op.prim in PRIMS:
        dtype = op.attr("dtype")
        value = PRIMS[op.prim].fn(*operands, **({} if dtype is None else {"dtype": dtype}))
    else:
        raise VerifierError(f"the interpreter does not know the primitive {op.prim!r}", op.loc)
    if is_fresh(op):
        refuse_shared_result(op, value, operands)
    if len(op.results) == 1 and op.prim != "unpack":
        frame.env[op.result] = value
    elif op.results:
        _bind(op.results, list(value), frame)
    if frame.watch is not None and op.results:
        frame.watch(op, operands, frame.env[op.result])


def refuse_shared_result(op: Op, value: Any, operands: list[Any]) -> None:
    """What `rules.effects` says is memory of its own shares none with an operand."""
    made = value if isinstance(value, tuple) else (value,)
    for a in made:
        for o in operands:
            if isinstance(a, np.ndarray) and isinstance(o, np.ndarray) and np.may_share_memory(a, o):
                raise VerifierError(
                    f"{op.prim} gives memory of its operand, and counts as making its own", op.loc
                )


def _index(op: Op, operands: tuple[Any, ...]) -> Any:
    """The subscript of an operation on an array."""
    entries: list[Any] = []
    for kind, *numbers in op.attr("index"):
        values = [None if k is None else operands[k] for k in numbers]
        entries.append(slice(*values) if kind == "slice" else None if kind == "new" else values[0])
    return tuple(entries)


def _store(op: Op, a: Any, *rest: Any) -> None:
    *at, v = rest
    a[at[0] if len(at) == 1 else tuple(at)] = v


def _accumulate(op: Op, a: Any, *rest: Any) -> None:
    *at, v = rest
    a[at[0] if len(at) == 1 else tuple(at)] += v


def _add_into(op: Op, a: Any, b: Any) -> None:
    if isinstance(a, np.ndarray):
        a += b
    else:
        PRIMS[op.prim].fn(a, b)


def _allocated(make: Callable[..., Any]) -> Callable[..., Any]:
    """An array of sizes, each an operand."""
    return lambda op, *sizes: make(sizes, op.attr("dtype", "float64"))


def _extract(op: Op, obj: Any) -> Any:
    for step, key in op.attr("path"):
        obj = getattr(obj, key) if step == "attr" else obj[key]
    return obj


def _zeros_like(op: Op, a: Any) -> Any:
    if isinstance(a, np.ndarray):
        t = op.result.type
        return np.zeros(a.shape, t.dtype if isinstance(t, Array) else op.attr("dtype", "float64"))
    if a is None:
        return None
    return [_zeros_like(op, x) for x in a] if isinstance(a, list) else 0.0


def _call(op: Op, *operands: Any) -> Any:
    function = op.attr("function")
    if isinstance(function, str):
        function = PRIMS[function].fn if function in PRIMS else _resolve(function)
    return function(*operands)


def _resolve(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module or "builtins"), attribute)


def _tape_write(op: Op, tape: dict[Any, Any], k: Any, v: Any) -> None:
    tape[k] = v


def _assert(op: Op, cond: Any, *message: Any) -> None:
    if not cond:
        raise AssertionError(*message)


def _fits(op: Op, *operands: Any) -> None:
    sizes = [
        o if k is None else np.count_nonzero(o) if k < 0 else o.shape[k]
        for o, k in zip(operands, op.attr("axes"), strict=True)
    ]
    left, ones = op.attr("left"), op.attr("ones")
    a, b = math.prod(sizes[:left]), math.prod(sizes[left:])
    fits = a == b or (b == 1 and ones in ("both", "second")) or (a == 1 and ones == "both")
    if not fits and (b >= 0 or ones != "open"):
        raise op.attr("error")(f"line {op.loc.line}: {op.attr('text')}: {a} and {b}")


def _raise(op: Op, *exc: Any) -> None:
    if not exc:
        raise RuntimeError("No active exception to reraise")
    error, *cause = exc
    if cause:
        raise error from cause[0]
    raise error


_CONVERSIONS: dict[int, Callable[[Any], str]] = {115: str, 114: repr, 97: ascii}


def _format(op: Op, *operands: Any) -> str:
    values = iter(operands)
    out = []
    for part in op.attr("parts"):
        if isinstance(part, str):
            out.append(part)
            continue
        conversion, spec = part
        value = next(values)
        spec = next(values) if spec == -1 else spec
        convert = _CONVERSIONS.get(conversion)
        out.append(format(value if convert is None else convert(value), spec or ""))
    return "".join(out)


def _text(op: Op, first: Any, *rest: Any) -> str:
    """What is done to texts: `%`, `+`, a function of an object, or a method of a text."""
    how, names = op.attr("how"), op.attr("keywords", ())
    given = rest[: len(rest) - len(names)]
    named = dict(zip(names, rest[len(given) :], strict=True))
    if how in ("%", "+"):
        return str(first % (named or given) if how == "%" else first + given[0])
    function: Any = {"str": str, "repr": repr, "ascii": ascii, "format()": format}.get(how)
    return str(function(first, *given) if function else getattr(first, how)(*given, **named))


def _exception(op: Op, *operands: Any) -> BaseException:
    names = op.attr("keywords", ())
    given = operands[: len(operands) - len(names)]
    made: BaseException = op.attr("cls")(*given, **dict(zip(names, operands[len(given) :], strict=True)))
    return made


def _raise_unbound(op: Op) -> None:
    raise _unbound(Unbound(op.attr("name", "")))


def _raise_handed(op: Op, *operands: Any) -> None:
    raise NotImplementedError  # `invoke` needs the frame, see _op


# what is not computed by a rule's fn: the op, then its operands' values
SPECIAL: dict[str, Callable[..., Any]] = {
    "load": lambda op, a, *at: a[at[0] if len(at) == 1 else at],
    "shape": lambda op, a: a.shape[op.attr("axis")],
    "view": lambda op, a, *at: a[_index(op, at)],
    "gather": lambda op, a, *at: a[_index(op, at)],
    "take_winners": lambda op, d, *at: PRIMS["take_winners"].fn(d, _index(op, at)),
    "assign": lambda op, a, v: a.__setitem__(..., v),
    "assign_at": lambda op, a, *at: a.__setitem__(_index(op, at[:-1]), at[-1]),
    "scatter_add": lambda op, a, *at: np.add.at(a, _index(op, at[:-1]), at[-1]),
    "numpy.zeros": _allocated(np.zeros),
    "numpy.ones": _allocated(np.ones),
    "numpy.empty": _allocated(np.empty),
    "astype": lambda op, a: a.astype(op.attr("dtype")),
    "store": _store,
    "accumulate": _accumulate,
    "add_into": _add_into,
    "len": lambda op, a: len(a),
    "constant": lambda op: op.attr("value"),
    "extract": _extract,
    "zeros_like": _zeros_like,
    "copy": lambda op, a: a.copy() if op.attr("order") is None else a.copy(op.attr("order")),
    "array_of": lambda op, items: np.array(items, op.attr("dtype", "float64")),
    "alloc_list": lambda op, *items: list(items),
    "list_of": lambda op, a: list(a),
    "array_like": lambda op, a: np.asarray(a, dtype=np.float64),
    "list_repeat": lambda op, v, n: [v] * n,
    "append": lambda op, a, v: a.append(v),
    "call": _call,
    "custom": lambda op, *operands: op.attr("call").run(*operands[: op.attr("call").count]),
    "tape_new": lambda op: {},
    "tape_write": _tape_write,
    "tape_read": lambda op, tape, k: tape[k],
    "tape_len": lambda op, tape: len(tape),
    "pack": lambda op, *xs: xs,
    "unpack": lambda op, t: t,
    "invoke": _raise_handed,
    "print": lambda op, *xs: print(*xs),
    "assert": _assert,
    "fits": _fits,
    "exception": _exception,
    "raise": _raise,
    "format": _format,
    "text": _text,
    "unbound": _raise_unbound,
    "trip_count": lambda op, start, stop, step: len(range(start, stop, step)),
}
HANDS_ON = frozenset({"tape_write", "pack", "invoke"})  # may be given what is unbound
