"""Operations as expressions, and what they need of the module around them: imports and helpers."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gast

from s2sad.codegen import (  # noqa: F401  (some for the forms that they register)
    arrays,
    numba_arrays,
    numba_fft,
    numba_linalg,
    numba_products,
    numba_rearranging,
    numba_special,
    numba_spectral,
    raising,
    tapes,
)
from s2sad.codegen import tree as t
from s2sad.errors import JitError, VerifierError
from s2sad.ir.core import AnyOp, Const, If, Op, Operand, Undef, Value
from s2sad.ir.types import BOOL, Array, List, Scalar, element, is_number
from s2sad.rules.arrays import INFER
from s2sad.rules.mathematics import NUMBA_OPERANDS
from s2sad.rules.registry import PRIMS

if TYPE_CHECKING:
    from s2sad.codegen.emit import Emitter

_NAMED = {math.pi: "pi", math.e: "e", math.tau: "tau"}


class Expressions:
    """Builds expressions; `held` are those of folded operations that wait for their reader."""

    def __init__(self, emitter: Emitter) -> None:
        self.emitter = emitter
        self.held: dict[Value, Any] = {}
        self.modules: set[str] = set()
        self.helpers: dict[str, None] = {}
        self.written: dict[str, str] = {}  # helpers made for this function's types, by name

    # -- operands -----------------------------------------------------------------------------------

    def operand(self, o: Operand) -> Any:
        if isinstance(o, Value):
            return self.take(o) if o in self.held else t.name(self.emitter.names[o])
        if isinstance(o, Undef):
            return t.constant(None)
        return self.constant(o)

    def take(self, v: Value) -> Any:
        return self.held.pop(v)

    def constant(self, o: Const) -> Any:
        value = o.value
        if isinstance(value, float) and not math.isfinite(value):
            self.modules.add("math")
        if isinstance(value, float) and value in _NAMED:
            self.modules.add("math")
            return t.dotted(f"math.{_NAMED[value]}")
        if type(value).__module__ == "numpy":
            self.modules.add("numpy")
            return t.call(f"np.{type(value).__name__}", t.constant(value.item()))
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
            return gast.UnaryOp(gast.USub(), t.constant(-value))
        return t.constant(value)

    def helper(self, prim: str) -> str:
        """A function written into the generated module."""
        rule = PRIMS[prim]
        for needed in rule.needs:
            self.helper(needed)
        self.helpers[prim] = None
        if "math." in rule.helper:
            self.modules.add("math")
        if "np." in rule.helper:
            self.modules.add("numpy")
        if "scipy.special." in rule.helper:
            self.modules.add("scipy.special")
        return rule.helper.partition("(")[0].removeprefix("def ")

    # -- operations ---------------------------------------------------------------------------------

    def hold(self, op: AnyOp) -> None:
        self.held[op.results[0]] = self.ternary(op) if isinstance(op, If) else self.of(op)  # type: ignore[arg-type]

    def ternary(self, op: If) -> Any:
        test = self.operand(op.cond)
        sides = []
        for b in (op.then, op.orelse):
            for inner in b.ops:
                self.hold(inner)
            sides.append(self.operand(b.yields[0]))
        then, orelse = sides
        if b_const(op.then, True):
            return gast.BoolOp(gast.Or(), [test, orelse])
        if b_const(op.orelse, False):
            return gast.BoolOp(gast.And(), [test, then])
        if op.orelse.yields[0] is op.cond and isinstance(op.cond, Value) and isinstance(test, gast.Name):
            return gast.BoolOp(gast.And(), [test, then])
        if op.then.yields[0] is op.cond and isinstance(op.cond, Value) and isinstance(test, gast.Name):
            return gast.BoolOp(gast.Or(), [test, orelse])
        return gast.IfExp(test, then, orelse)

    def of(self, op: Op) -> Any:
        prim = op.prim
        if self.emitter.target == "numba":
            node = numba_arrays.expression(self, op)
            if node is not None:
                return node
            if not compiles(prim, len(op.operands)):
                raise JitError(
                    f"{prim.removeprefix('builtins.')}() cannot be compiled", op.loc,
                    "use jit=False, or write this part with what Numba supports",
                )  # fmt: skip
        handler = getattr(self, "op_" + prim.replace(".", "_"), None)
        if handler is not None:
            return handler(op)
        if prim in INFER:
            return arrays.FORMS.get(prim, arrays.function)(self, op)
        return self.plain(op, [self.operand(o) for o in op.operands])

    def maker(self, o: Operand) -> Op | None:
        made = self.emitter.makers.get(o) if isinstance(o, Value) else None
        return made if isinstance(made, Op) else None

    def minus(self, op: Op, printed: Any) -> Any:
        """The negation of an expression, of its first factor if that is not a truth value: those have none."""
        first, made = op.operands[0], self.maker(op.operands[0])
        while made is not None and made.prim in ("mul", "div"):
            first, made = made.operands[0], self.maker(made.operands[0])
        truth = first.type.dtype == "bool" if isinstance(first.type, Array) else first.type == BOOL
        return gast.UnaryOp(gast.USub(), printed) if truth else t.minus(printed)

    def plain(self, op: Op, args: list[Any]) -> Any:
        """An operator or a call by name."""
        prim = op.prim
        if prim in ("add", "sub") and op.loc.reverse and (opposite := t.without_minus(args[1])) is not None:
            return t.binary("sub" if prim == "add" else "add", args[0], opposite)
        if prim == "add" and op.loc.reverse and (opposite := t.without_minus(args[0])) is not None:
            return t.binary("sub", args[1], opposite)
        if prim in t.BIN:
            made = t.binary(prim, *args)
            made.unsigned = (getattr(op.operands[0].type, "dtype", None) or "").startswith(("bool", "uint"))
            return made
        if prim in t.COMPARE:
            return t.compare(prim, *args)
        if prim in t.UNARY:
            return (
                t.negated(args[0])
                if prim == "not"
                else self.minus(op, args[0])
                if prim == "neg"
                else gast.UnaryOp(t.UNARY[prim](), args[0])
            )
        module, _, function = prim.rpartition(".")
        if module == "builtins":
            return t.call(function, *args)
        if module.partition(".")[0] == "s2sad":
            return t.call(self.helper(prim), *args)
        if self.emitter.target == "numba" and (prim, len(args)) in JIT_FORMS:
            return JIT_FORMS[prim, len(args)](self, args)
        if self.emitter.target == "numba" and substituted(prim, len(args)):
            return t.call(self.helper(prim), *args)
        if module in ("math", "numpy"):
            self.modules.add(module)
            return t.call(f"{'np' if module == 'numpy' else module}.{function}", *args)
        if module.startswith("scipy"):
            self.modules.add(module)
            return t.call(prim, *args)
        raise VerifierError(f"no way to print the operation {prim!r}", op.loc)

    def op_scipy_special_real_lambertw(self, op: Op) -> Any:
        return t.call(self.helper(op.prim), *map(self.operand, op.operands))

    def op_len(self, op: Op) -> Any:
        return t.call("len", self.operand(op.operands[0]))

    def op_trip_count(self, op: Op) -> Any:
        return self.trips(*op.operands)

    def trips(self, start: Operand, stop: Operand, step: Operand) -> Any:
        """How often a loop runs."""
        zero, one = (isinstance(o, Const) and o.value == v for o, v in ((start, 0), (step, 1)))
        if zero and one and self.is_size(stop):
            return self.operand(stop)
        args = [stop] if zero and one else [start, stop] if one else [start, stop, step]
        return t.call("len", t.call("range", *map(self.operand, args)))

    def is_size(self, o: Operand) -> bool:
        """Whether an integer is known not to be negative."""
        if isinstance(o, Const):
            return bool(o.value >= 0)
        made = self.emitter.makers.get(o)  # type: ignore[arg-type]
        if not isinstance(made, Op):
            return False
        if made.prim in ("add", "mul", "floordiv"):
            return all(map(self.is_size, made.operands))
        return made.prim in ("len", "shape", "trip_count", "tape_len")

    def op_load(self, op: Op) -> Any:
        a, *at = map(self.operand, op.operands)
        return t.subscript(a, at[0] if len(at) == 1 else t.tuple_(at))

    def op_element(self, op: Op) -> Any:
        i, *items = map(self.operand, op.operands)
        return t.subscript(t.tuple_(items), i)

    def op_tape_read(self, op: Op) -> Any:
        return tapes.read(self.emitter, op)

    def op_tape_len(self, op: Op) -> Any:
        return t.call("len", self.operand(op.operands[0]))

    def op_shape(self, op: Op) -> Any:
        return self.size(op.operands[0], op.attr("axis"))

    def size(self, o: Operand, axis: int | None) -> Any:
        """A size: of an axis of an array, or a number itself; -1: how many elements of a mask are true."""
        if axis is None:
            return self.operand(o)
        if axis < 0:
            return t.call(t.attribute(self.operand(o), "sum"))
        return t.subscript(t.attribute(self.operand(o), "shape"), t.constant(axis))

    def op_view(self, op: Op) -> Any:
        a, *rest = op.operands
        held = self.operand(a)
        return t.subscript(held, arrays.index(self, op.attr("index"), tuple(rest)))

    op_gather = op_view

    def op_newaxis(self, op: Op) -> Any:
        return arrays.newaxis(self, op)

    def op_squeeze(self, op: Op) -> Any:
        return arrays.squeeze(self, op)

    def op_numpy_transpose(self, op: Op) -> Any:
        return arrays.transpose(self, op)

    def op_numpy_reshape(self, op: Op) -> Any:
        a = self.operand(op.operands[0])
        if op.attr("apart"):
            a = t.call(t.attribute(a, "copy"))
        if op.prim == "reshape_copy" and op.attr("ravel"):  # which copies where reshape() need not
            return t.call(t.attribute(a, "ravel"))
        return t.call(t.attribute(a, "reshape"), self.sizes(op.operands[1:]))

    op_reshaped = op_reshape_copy = op_numpy_reshape

    def op_numpy_broadcast_to(self, op: Op) -> Any:
        return arrays.np_call(self, "broadcast_to", self.operand(op.operands[0]), self.sizes(op.operands[1:]))

    def sizes(self, operands: tuple[Operand, ...]) -> Any:
        return arrays.sizes(self, operands, self.emitter.makers)

    def op_matmul(self, op: Op) -> Any:
        return t.binary("matmul", *map(self.operand, op.operands))

    def op_numpy_einsum(self, op: Op) -> Any:
        named = {k: t.constant(v) for k, v in op.attrs if k != "subscripts"}
        return arrays.np_call(
            self, "einsum", t.constant(op.attr("subscripts")), *map(self.operand, op.operands), **named
        )

    def op_eye_matrix(self, op: Op) -> Any:
        named = {"k": arrays.value(op.attr("k"))} if op.attr("k") else {}
        if op.attr("dtype") != "float64":
            named["dtype"] = t.dotted(f"np.{op.attr('dtype')}")
        return arrays.np_call(self, "eye", *map(self.operand, op.operands), **named)

    def op_numpy_concatenate(self, op: Op) -> Any:
        axis = op.attr("axis")
        named = {"axis": t.constant(axis)} if axis else {}
        return arrays.np_call(self, "concatenate", t.tuple_([self.operand(o) for o in op.operands]), **named)

    def op_astype(self, op: Op) -> Any:
        self.modules.add("numpy")
        dtype = op.attr("dtype")
        kind = t.dotted(f"np.{dtype}" if dtype != "bool" else "np.bool_")
        return t.call(t.attribute(self.operand(op.operands[0]), "astype"), kind)

    def op_numpy_linalg_lstsq(self, op: Op) -> Any:
        return t.subscript(
            arrays.np_call(self, "linalg.lstsq", *map(self.operand, op.operands)), t.constant(0)
        )

    def op_scipy_linalg_expm_frechet(self, op: Op) -> Any:
        self.modules.add("scipy.linalg")
        args = map(self.operand, op.operands)
        return t.call("scipy.linalg.expm_frechet", *args, compute_expm=t.constant(False))

    def op_norm_of_elements(self, op: Op) -> Any:
        named = {"ord": arrays.value(op.attr("ord"))} if op.attr("ord") != 2 else {}
        named |= {k: v for k, v in arrays.keywords(op).items() if k != "ord"}
        return arrays.np_call(self, "linalg.norm", self.operand(op.operands[0]), **named)

    def op_unbroadcast(self, op: Op) -> Any:
        self.helper("unbroadcast")
        d, *sizes = op.operands
        held = self.operand(d)
        return t.call(
            "unbroadcast", held, arrays.sizes(self, tuple(sizes), self.emitter.makers, as_tuple=True)
        )

    def op_take_winners(self, op: Op) -> Any:
        self.helper("take_winners")
        d, *at = op.operands
        held = self.operand(d)
        return t.call("take_winners", held, self.index_tuple(op, tuple(at)))

    def index_tuple(self, op: Op, operands: tuple[Operand, ...]) -> Any:
        """An index as a value: slices are spelled out."""
        node = arrays.index(self, op.attr("index"), operands)
        parts = node.elts if isinstance(node, gast.Tuple) else [node]
        spelled = [
            t.call("slice", *(p or t.constant(None) for p in (part.lower, part.upper, part.step)))
            if isinstance(part, gast.Slice)
            else part
            for part in parts
        ]
        return spelled[0] if len(spelled) == 1 else t.tuple_(spelled)

    def op_root(self, op: Op) -> Any:
        return arrays.np_call(self, "sqrt", self.operand(op.operands[0]))

    def op_custom(self, op: Op) -> Any:
        call = op.attr("call")
        operands = [self.operand(o) for o in op.operands[: call.count]]

        def argument(form: Any) -> Any:
            if isinstance(form, tuple):
                return t.tuple_([argument(f) for f in form])
            return t.constant(None) if form is None else operands[form]

        return t.call(self.emitter.objects[call.key], *map(argument, call.form))

    def op_identity(self, op: Op) -> Any:
        return self.operand(op.operands[0])

    def op_stop_gradient(self, op: Op) -> Any:
        return self.operand(op.operands[0])

    def op_constant(self, op: Op) -> Any:
        return self.constant(Const(op.attr("value"), op.result.type))

    def op_alloc_list(self, op: Op) -> Any:
        if self.emitter.target == "numba" and not op.operands and op.result not in self.emitter.appended:
            return tapes.sample(self.emitter, op.result.type)
        return t.list_([self.operand(o) for o in op.operands])

    def op_list_repeat(self, op: Op) -> Any:
        return t.binary("mul", t.list_([self.operand(op.operands[0])]), self.operand(op.operands[1]))

    def op_pack(self, op: Op) -> Any:
        if op.attr("display") is None:
            return t.tuple_([self.operand(o) for o in op.operands])
        items = [raising.argument(self, o) for o in op.operands]
        return t.list_(items) if op.attr("display") == "list" else t.tuple_(items)

    def op_extract(self, op: Op) -> Any:
        return follow(self.operand(op.operands[0]), op.attr("path"))

    def op_extract_list(self, op: Op) -> Any:
        taken = self.emitter.names.given()
        i = next(n for n in ("i", "k", *(f"i_{j}" for j in range(len(taken) + 1))) if n not in taken)
        each = t.subscript(follow(self.operand(op.operands[0]), op.attr("path")), t.name(i))
        first, count = op.attr("first"), op.attr("count")
        bounds = [t.constant(b) for b in ((first, first + count) if first else (count,))]
        clause = gast.comprehension(t.target(i), t.call("range", *bounds), [], 0)
        return gast.ListComp(follow(each, op.attr("rest")), [clause])

    def op_zeros_like(self, op: Op) -> Any:
        a = self.operand(op.operands[0])
        if isinstance(op.result.type, List):
            item = op.result.type.item
            zero = 0j if isinstance(item, Scalar) and item.kind == "complex" else 0.0
            return t.binary("mul", t.list_([t.constant(zero)]), t.call("len", a))
        self.modules.add("numpy")
        source = op.operands[0].type
        if (
            isinstance(source, Array)
            and isinstance(op.result.type, Array)
            and source.dtype != op.result.type.dtype
        ):
            zeros = t.call(f"np.{op.prim}", a, dtype=t.dotted(f"np.{op.result.type.dtype}"))
        else:
            zeros = t.call(f"np.{op.prim}", a)
        if isinstance(source, Array) and source.optional:
            return gast.IfExp(t.compare("is", copy.deepcopy(a), t.constant(None)), t.constant(None), zeros)
        return zeros

    op_empty_like = op_zeros_like

    def op_copy(self, op: Op) -> Any:
        a = op.operands[0]
        made = self.emitter.makers.get(a)  # type: ignore[arg-type]
        full = a in self.held and isinstance(made, Op) and made.prim == "numpy.broadcast_to"
        full = full and is_number(made.operands[0].type)  # type: ignore[union-attr]
        held = self.operand(a)
        if full and isinstance(held, gast.Call):
            value, shape = held.args
            return t.call("np.full", shape, value)
        order = op.attr("order")
        if order not in ("F", "K") or (order == "K" and self.emitter.target == "numba"):
            return t.call(t.attribute(held, "copy"))
        if self.emitter.target != "numba":
            return t.call(t.attribute(held, "copy"), t.constant(order))
        return t.attribute(
            t.call(t.attribute(t.attribute(held, "T"), "copy")), "T"
        )  # Numba's copies lie by rows

    def op_list_of(self, op: Op) -> Any:
        a, item = op.operands[0], element(op.result.type)
        if (
            isinstance(a.type, Array)
            and isinstance(item, Scalar)
            and item.dtype is None
            and self.emitter.target == "python"
        ):
            return t.call(t.attribute(self.operand(a), "tolist"))
        return t.call("list", self.operand(a))

    def op_array_of(self, op: Op) -> Any:
        self.modules.add("numpy")
        return t.call("np.array", self.operand(op.operands[0]), **self.dtype(op))

    def allocation(self, op: Op) -> Any:
        self.modules.add("numpy")
        name = op.prim.rpartition(".")[2]
        if name == "arange":
            named = {"dtype": t.dotted(f"np.{op.attr('dtype')}")} if op.attr("dtype") else {}
            return t.call("np.arange", *map(self.operand, op.operands), **named)
        return t.call(f"np.{name}", self.sizes(op.operands), **self.dtype(op))

    op_numpy_zeros = op_numpy_ones = op_numpy_empty = op_numpy_full = op_numpy_arange = allocation

    def dtype(self, op: Op) -> dict[str, Any]:
        dtype = op.attr("dtype")
        if dtype is None or (dtype == "float64" and op.prim != "numpy.full" and op.prim != "array_of"):
            return {}
        return self.dtype_named(dtype)

    def dtype_named(self, dtype: str) -> dict[str, Any]:
        return {"dtype": t.dotted(f"np.{dtype}" if dtype != "bool" else "np.bool_")}

    def op_format(self, op: Op) -> Any:
        return raising.formatted(self, op)

    def op_text(self, op: Op) -> Any:
        return raising.text(self, op)

    def op_exception(self, op: Op) -> Any:
        return raising.exception(self, op)

    def op_float_list(self, op: Op) -> Any:
        item = t.target("v")
        clause = gast.comprehension(item, self.operand(op.operands[0]), [], 0)
        return gast.ListComp(t.call("float", t.name("v")), [clause])

    def op_array_like(self, op: Op) -> Any:
        self.modules.add("numpy")
        return t.call("np.asarray", self.operand(op.operands[0]), dtype=t.dotted("np.float64"))


def _np(function: str) -> Callable[[Expressions, list[Any]], Any]:
    def form(e: Expressions, args: list[Any]) -> Any:
        e.modules.add("numpy")
        return t.call(f"np.{function}", *args)

    return form


def _log_base(e: Expressions, args: list[Any]) -> Any:
    e.modules.add("math")
    return t.binary("div", t.call("math.log", args[0]), t.call("math.log", args[1]))


# what Numba lacks of math, by another spelling of the same function
JIT_FORMS: dict[tuple[str, int], Callable[[Expressions, list[Any]], Any]] = {
    ("math.log", 2): _log_base,
    ("math.cbrt", 1): _np("cbrt"),
    ("math.exp2", 1): _np("exp2"),
    ("math.fmod", 2): _np("fmod"),
}


def substituted(prim: str, count: int) -> bool:
    """Whether Numba lacks this function (with this many arguments) and we bring our own."""
    rule = PRIMS[prim]
    return bool(rule.helper) and (not rule.jit or count != NUMBA_OPERANDS.get(prim, count))


def compiles(prim: str, count: int | None = None) -> bool:
    """Whether there is a compiled form of an operation (on so many operands): Numba's or our own."""
    rule = PRIMS[prim]
    if rule.jit or rule.helper or prim in numba_arrays.FORMS:
        return True
    return any(name == prim and count in (None, n) for name, n in JIT_FORMS)


def b_const(block: Any, value: bool) -> bool:
    y = block.yields[0]
    return isinstance(y, Const) and y.value is value


def follow(node: Any, path: Any) -> Any:
    """The part of a container at a path."""
    for kind, key in path:
        node = t.subscript(node, t.constant(key)) if kind == "item" else t.attribute(node, key)
    return node
