"""Builds typed operations: infers result types, folds constants, and expands rule texts into operations."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from typing import Any
from weakref import WeakKeyDictionary

from s2sad.errors import NOWHERE, Loc, SignatureError
from s2sad.ir.core import AnyOp, Block, Const, If, Op, Operand, Undef, Value
from s2sad.ir.types import FLOAT, INT, Array, Lying, Scalar, Type, is_float, join, named_sizes, type_of
from s2sad.rules.registry import PRIMS, Prim, parsed
from s2sad.rules.shapes import infer_elementwise, infer_numbers, is_elementwise

_BINARY = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow", ast.FloorDiv: "floordiv",
    ast.Mod: "mod", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
}  # fmt: skip
# helpers of rules on numbers, and those that do the same element by element
ON_ARRAYS = {
    "s2sad.ratio": "s2sad.ratios", "s2sad.pow_base": "s2sad.pow_bases", "s2sad.pow_exponent": "s2sad.pow_exponents",
    "s2sad.safe_log": "s2sad.safe_logs", "s2sad.sinc_derivative": "s2sad.sinc_derivatives",
    "s2sad.if_greater": "s2sad.where_greater", "s2sad.scale": "numpy.ldexp", "s2sad.divided": "div", "s2sad.cosine": "s2sad.cosines",
    **{f"s2sad.{n}": f"s2sad.{n}s" for n in ("logistic", "logistic_slope", "difference", "erfcx_derivative", "dawsn_derivative", "log_ndtr_derivative",
        "psi_difference", "angle_derivative", "rgamma_derivative", "ive_derivative", "kve_derivative")},
    "s2sad.exp_minus": "s2sad.exps_minus", "s2sad.kept_product": "s2sad.kept_products", "s2sad.kept_ratio": "s2sad.kept_ratios",
    "s2sad.one_minus_square": "s2sad.one_minus_squares", "s2sad.folded_softplus_slope": "s2sad.folded_softplus_slopes",
    "s2sad.tanh_slope": "s2sad.tanh_slopes", "s2sad.excess_share": "s2sad.excess_shares",
    "s2sad.share": "s2sad.shares", "s2sad.odds_share": "s2sad.odds_shares", "s2sad.odds_rest": "s2sad.odds_rests",
}  # fmt: skip
ON_NUMBERS = {on_arrays: on_numbers for on_numbers, on_arrays in ON_ARRAYS.items()}
# what multiplies or divides a cotangent, and what does so where that may be of something not selected
KEPT = {
    "mul": "s2sad.kept_product", "numpy.multiply": "s2sad.kept_product", "div": "s2sad.kept_ratio",
    "numpy.divide": "s2sad.kept_ratio", "s2sad.ratio": "s2sad.kept_ratio", "s2sad.divided": "s2sad.kept_ratio",
}  # fmt: skip
PRODUCTS = ("mul", "numpy.multiply")
_FOLDABLE = (int, float, bool, complex)


class Builder:
    """Appends typed operations to `ops`; `loc` is the location they get."""

    def __init__(self, loc: Loc = NOWHERE) -> None:
        self.ops: list[AnyOp] = []
        self.loc = loc
        self.defs: dict[Value, Op] = {}
        self.fold = True
        self.own_memory = (
            False  # what is built may be written later: no operation on arrays gives an operand itself
        )
        self.origins: dict[Any, tuple[Value, int]] = {}  # arguments whose axes have the sizes that types name
        self.layouts: dict[Value, Lying] = {}  # how arrays among the arguments lie in memory
        self.meet: Callable[[str, tuple[Operand, ...], dict[str, Any]], Op | None] = lambda *_: (
            None  # the test, if any, that the sizes of an operation's operands fit
        )
        self.kept: set[Operand] = set()  # cotangents whose zeros stay zeros: see `keeping`
        self.reassociate = False  # constant factors of adjoints may be multiplied together
        self.changes: Callable[[Operand], bool] = lambda o: (
            False
        )  # whether memory is written after it was made
        # whether a number is NumPy's for certain, where what the primal reads is divided by
        self.is_numpy: Callable[[Operand], bool] = lambda o: False
        # whether a division by zero divides the sum of no elements
        self.is_count: Callable[[Op], bool] = lambda op: False

    # -- operations ---------------------------------------------------------------------------------

    def emit(
        self, prim: str, *operands: Operand, hint: str = "", type: Type | None = None, **attrs: Any
    ) -> Operand:
        """Append one operation and return its result; the type is the rule's unless given. What is made of a cotangent
        that may be of something not selected is one as well."""
        if prim == "s2sad.kept_product" and any(map(is_plain_factor, operands)):
            prim = "mul"
        if self.kept.isdisjoint(operands):
            return self.append(prim, *operands, hint=hint, type=type, **attrs)
        result = self.append(self.with_zeros(prim, operands), *operands, hint=hint, type=type, **attrs)
        self.kept.add(result)
        return result

    @contextmanager
    def keeping(self, cotangents: set[Operand]) -> Iterator[None]:
        """While a rule is expanded: cotangents, or tangents, whose zeros stay zeros whatever they are multiplied with."""
        before, self.kept = self.kept, cotangents
        try:
            yield
        finally:
            self.kept = before

    def with_zeros(self, prim: str, operands: tuple[Operand, ...]) -> str:
        """The operation that multiplies or divides a cotangent and keeps its zeros, whatever the other operand is."""
        if prim not in KEPT or (prim not in PRODUCTS and operands[0] not in self.kept):
            return prim
        others = [o for o in operands if o not in self.kept]
        return prim if others and is_plain_factor(others[0]) else KEPT[prim]

    def append(
        self, prim: str, *operands: Operand, hint: str = "", type: Type | None = None, **attrs: Any
    ) -> Operand:
        """The operation itself. Arithmetic takes the numbers that arrays without axes hold, as NumPy does."""
        if any(isinstance(o.type, Array) and o.type.ndim == 0 for o in operands) and is_elementwise(
            PRIMS[prim]
        ):
            operands = tuple(map(self.number_in, operands))
        if prim in ON_ARRAYS and any(isinstance(o.type, Array) for o in operands):
            prim = ON_ARRAYS[prim]
        if type is None:
            type = self.infer(prim, operands)
        if self.fold and not attrs and not (self.own_memory and isinstance(type, Array)):
            folded = self.simplify(prim, operands, type)
            if folded is not None:
                return folded
        self.test_sizes(prim, operands, attrs)
        result = Value(hint, named_sizes(type))
        if type == INT and prim in ("add", "sub"):
            note_offset(prim, operands, result)
        op = Op(prim, operands, (result,), self.loc, tuple(attrs.items()))
        self.ops.append(op)
        self.defs[result] = op
        return result

    def number_in(self, o: Operand) -> Operand:
        """The number that an array without axes holds; anything else as it is."""
        if isinstance(o.type, Array) and o.type.ndim == 0:
            return self.emit("load", o, type=o.type.item)
        return o

    def emit_several(
        self, prim: str, types: tuple[Type, ...], *operands: Operand, **attrs: Any
    ) -> tuple[Value, ...]:
        """Append one operation with several results."""
        self.test_sizes(prim, operands, attrs)
        op = Op(prim, operands, tuple(Value("", t) for t in types), self.loc, tuple(attrs.items()))
        self.ops.append(op)
        self.defs.update(dict.fromkeys(op.results, op))
        return op.results

    def test_sizes(self, prim: str, operands: tuple[Operand, ...], attrs: dict[str, Any]) -> None:
        """Append the test that sizes fit, in front of an operation that raises where they do not."""
        test = self.meet(prim, operands, attrs)
        if test is not None:
            self.ops.append(replace(test, loc=self.loc))

    def named_sizes(self, v: Operand) -> None:
        """An argument's sizes are what its type's names stand for."""
        if isinstance(v, Value) and isinstance(v.type, Array):
            for i, d in enumerate(v.type.dims):
                if d is not None and not isinstance(d, int):
                    self.origins.setdefault(d, (v, i))

    def effect(self, prim: str, *operands: Operand, **attrs: Any) -> None:
        """Append an operation without a result."""
        self.test_sizes(prim, operands, attrs)
        self.ops.append(Op(prim, operands, (), self.loc, tuple(attrs.items())))

    def infer(self, prim: str, operands: tuple[Operand, ...]) -> Type:
        types = tuple(o.type for o in operands)
        try:
            if any(isinstance(t, Array) for t in types):
                if not is_elementwise(PRIMS[prim]):
                    raise TypeError("an array where a number is needed")
                return infer_elementwise(PRIMS[prim], types)
            found = infer_numbers(PRIMS[prim], types)
            return FLOAT if prim == "pow" and found == INT and is_negative(operands[1]) else found
        except TypeError as error:
            raise SignatureError(f"{prim}: {error}", self.loc, "only numbers can stand here") from None

    def simplify(self, prim: str, operands: tuple[Operand, ...], type: Type) -> Operand | None:
        """Constant folding, and the identities that hold for every float: 1*x, x/1, x**1, -(-x)."""
        if operands and all(isinstance(o, Const) for o in operands):
            return fold_constants(prim, operands)  # type: ignore[arg-type]
        if prim == "mul" and isinstance(type, Array):
            for k, spread in enumerate(operands):
                number = self.spread_number(spread, operands[1 - k], type)
                if number is not None:
                    return self.emit("mul", *((number, operands[1]) if k == 0 else (operands[0], number)))
        if prim == "mul":
            for one, other in (operands, operands[::-1]):
                if is_one(one) and (other.type == type or self.is_result(other, type)):
                    return other
            for minus, other in (operands, operands[::-1]):
                if isinstance(minus, Const) and minus.value == -1.0 and other.type == type and is_float(type):
                    return self.emit("neg", other)
            if self.reassociate and is_float(type):
                return self.gathered(operands)
            if self.reassociate and isinstance(type, Array):
                return self.gathered_array(operands, type)
        if prim in ("div", "pow") and is_one(operands[1]) and operands[0].type == type:
            return operands[0]
        if prim == "neg" and isinstance(operands[0], Value):
            inner = self.made_by(operands[0])
            if inner is not None and inner.prim == "neg":
                return inner.operands[0]
        return None

    def spread_number(self, spread: Operand, other: Operand, type: Array) -> Operand | None:
        """The number that is spread over an array as large as the other, which can stand for it."""
        inner = self.made_by(spread)
        if inner is None or inner.prim != "numpy.broadcast_to" or other.type != type or None in type.dims:
            return None
        return inner.operands[0] if isinstance(inner.operands[0].type, Scalar) else None

    def is_result(self, v: Operand, type: Type) -> bool:
        """In a derivative: whether an array is the result of arithmetic, not memory that is written, of this dtype and
        rank."""
        if not (self.reassociate and isinstance(type, Array) and isinstance(v.type, Array)):
            return False
        made = self.defs.get(v) if isinstance(v, Value) else None
        own = made is not None and made.prim in ("add", "sub", "mul", "div", "neg")
        return own and (v.type.dtype, v.type.ndim) == (type.dtype, type.ndim)

    def made_by(self, v: Operand) -> Op | None:
        """The operation that made a value, where it still gives the same from the same operands."""
        op = self.defs.get(v) if isinstance(v, Value) else None
        return None if op is None or any(map(self.changes, (v, *op.operands))) else op

    def gathered(self, operands: tuple[Operand, ...]) -> Operand | None:
        """A product with its sign in front and its constant factors in one."""
        a, b = operands
        for minus, other in ((a, b), (b, a)):
            inner = self.made_by(minus)
            if inner is not None and inner.prim == "neg":
                product = (inner.operands[0], other) if minus is a else (other, inner.operands[0])
                return self.emit("neg", self.emit("mul", *product))
        if isinstance(b, Const) and not isinstance(a, Const):
            a, b = b, a
        if not isinstance(a, Const) or not isinstance(b, Value):
            return None
        if a.value in (-1, -1.0):
            return self.emit("neg", b)
        if isinstance(a.value, (int, float)) and a.value < 0:
            return self.emit("neg", self.emit("mul", Const(-a.value, a.type), b))
        inner = self.made_by(b)
        if inner is not None and inner.prim == "mul" and isinstance(inner.operands[0], Const):
            factor = fold_constants("mul", (a, inner.operands[0]))
            return self.emit("mul", factor, inner.operands[1]) if factor is not None else None
        return None if (a, b) == operands else self.emit("mul", a, b)

    def gathered_array(self, operands: tuple[Operand, ...], type: Array) -> Operand | None:
        """The same for arrays, where it saves an operation on all elements."""
        for k, minus in enumerate(operands):
            inner, other = self.made_by(minus), operands[1 - k]
            if inner is not None and inner.prim == "neg" and not isinstance(other, Const):
                plain = inner.operands[0]
                product = self.emit("mul", *((plain, other) if k == 0 else (other, plain)), type=type)
                return self.emit("neg", product)
            if inner is None or inner.prim != "mul" or not isinstance(inner.operands[0], Const):
                continue
            constant, rest = inner.operands[0], inner.operands[1]
            if isinstance(other, Const):
                factor = fold_constants("mul", (other, constant))
                return self.emit("mul", factor, rest, type=type) if factor is not None else None
            if inner.result.hint or not (isinstance(rest.type, Array) and isinstance(other.type, Array)):
                continue  # what has a name is read more than once
            if rest.type.ndim >= other.type.ndim:
                product = self.emit("mul", *((rest, other) if k == 0 else (other, rest)), type=type)
                return self.emit("mul", constant, product, type=type)
        return None

    def rename(self, value: Operand, hint: str) -> Operand:
        """Name what was made a moment ago, in place: what has read it already reads the same value."""
        for op in self.ops[-9:]:
            if isinstance(op, Op) and value in op.results and value.hint in ("", "$result"):  # type: ignore[union-attr]
                object.__setattr__(value, "hint", hint)
        return value

    # -- structure ----------------------------------------------------------------------------------

    @contextmanager
    def region(self) -> Iterator[list[AnyOp]]:
        """Collect operations in a new block."""
        ops, self.ops = self.ops, []
        try:
            yield self.ops
        finally:
            self.ops = ops

    def choose(self, cond: Operand, then: Callable[[], Operand], orelse: Callable[[], Operand]) -> Operand:
        """One of two expressions; only the chosen one is evaluated."""
        if isinstance(cond, Const):
            return then() if cond.value else orelse()
        if isinstance(cond.type, Array):
            return self.emit("numpy.where", cond, then(), orelse())
        with self.region() as then_ops:
            a = then()
        with self.region() as else_ops:
            b = orelse()
        type = join(a.type, b.type) or FLOAT
        if isinstance(a.type, Array) != isinstance(
            b.type, Array
        ):  # a number of one side stands for all elements
            self.ops += [*then_ops, *else_ops]
            return self.emit("numpy.where", cond, a, b)
        result = Value("", type)
        if not self.kept.isdisjoint((a, b)):
            self.kept.add(result)
        self.ops.append(
            If(cond, Block((), tuple(then_ops), (a,)), Block((), tuple(else_ops), (b,)), (result,), self.loc)
        )
        return result

    # -- rules --------------------------------------------------------------------------------------

    def expand(self, text: str, env: dict[str, Any], family: str = "math") -> Any:
        """Emit the operations of a rule text over the operands in `env`."""
        return self._expand(parsed(text), env, family)

    def partial(self, partial: str | Callable[..., Any], env: Any, family: str) -> Any:
        """Emit the operations of a partial, a text or a function that does so."""
        return self.expand(partial, env, family) if isinstance(partial, str) else partial(self, env)

    def _expand(self, node: ast.expr, env: dict[str, Any], family: str) -> Operand:
        if isinstance(node, ast.Name):
            return env[node.id] if node.id in env else _constant(node.id)
        if isinstance(node, ast.Constant):
            return const(node.value)
        if isinstance(node, ast.UnaryOp):
            prim = "neg" if isinstance(node.op, ast.USub) else "not"
            return self.emit(prim, self._expand(node.operand, env, family))
        if isinstance(node, ast.BinOp):
            left, right = self._expand(node.left, env, family), self._expand(node.right, env, family)
            if isinstance(node.op, ast.MatMult):
                from s2sad.rules.arrays.core import emit as emit_on_arrays

                return emit_on_arrays(self, "matmul", left, right)
            return self.emit(_BINARY[type(node.op)], left, right)
        if isinstance(node, ast.Compare):
            left = self._expand(node.left, env, family)
            return self.emit(_BINARY[type(node.ops[0])], left, self._expand(node.comparators[0], env, family))
        if isinstance(node, ast.BoolOp):
            return self._bool(node, node.values, env, family)
        if isinstance(node, ast.IfExp):
            cond = self._expand(node.test, env, family)
            return self.choose(
                cond,
                lambda: self._expand(node.body, env, family),
                lambda: self._expand(node.orelse, env, family),
            )
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = find(node.func.id, family)
            operands = [self._expand(a, env, family) for a in node.args]
            attrs = {str(k.arg): ast.literal_eval(k.value) for k in node.keywords}
            from s2sad.rules.arrays.core import INFER
            from s2sad.rules.arrays.core import emit as emit_on_arrays

            if called.name in INFER:
                return emit_on_arrays(self, called.name, *operands, **attrs)
            return self.emit(called.name, *operands)
        if isinstance(node, ast.Attribute) and node.attr == "T":
            from s2sad.rules.arrays.products import transposed

            return transposed(self, self._expand(node.value, env, family))
        if isinstance(node, ast.Subscript):
            return self._lifted(self._expand(node.value, env, family), node)
        raise NotImplementedError(ast.dump(node))

    def _lifted(self, operand: Operand, node: ast.Subscript) -> Operand:
        """`x[..., None, :]` in a rule text: new axes of size 1; a number broadcasts by itself."""
        if not isinstance(operand.type, Array):
            return operand
        from s2sad.rules.arrays.core import emit as emit_on_arrays

        assert isinstance(node.slice, ast.Tuple)
        last = node.slice.elts[1:]
        ndim = operand.type.ndim + sum(isinstance(e, ast.Constant) for e in last)
        axes = tuple(ndim - len(last) + i for i, e in enumerate(last) if isinstance(e, ast.Constant))
        return emit_on_arrays(self, "newaxis", operand, axes=axes)

    def _bool(self, node: ast.BoolOp, values: list[ast.expr], env: dict[str, Any], family: str) -> Operand:
        first = self._expand(values[0], env, family)
        if len(values) == 1:
            return first
        if isinstance(node.op, ast.And):
            return self.choose(first, lambda: self._bool(node, values[1:], env, family), lambda: const(False))
        return self.choose(first, lambda: const(True), lambda: self._bool(node, values[1:], env, family))

    def together(self, a: Operand, b: Operand) -> Operand:
        """The sum of what an operation hands on to an operand that it reads twice."""
        if self.same(a, b):
            return self.emit("mul", const(2.0), a)
        return self.emit("add", a, b)

    def same(self, a: Operand, b: Operand, depth: int = 0) -> bool:
        """Whether two values are the same products of the same factors."""
        if a is b or (isinstance(a, Const) and isinstance(b, Const) and repr(a.value) == repr(b.value)):
            return True
        one, other = self.made_by(a), self.made_by(b)
        if one is None or other is None or one.prim != "mul" or other.prim != "mul" or depth > 3:
            return False
        (a, b), (c, d) = one.operands, other.operands
        return (self.same(a, c, depth + 1) and self.same(b, d, depth + 1)) or (
            self.same(a, d, depth + 1) and self.same(b, c, depth + 1)
        )

    def add(self, total: Operand, term: Operand, mark: int) -> Operand:
        """A sum of adjoints: `a + (-b)` is `a - b` if the negation was made for it, after `mark` operations."""
        if isinstance(total, Const) and total.value == 0 and not isinstance(term, Const):
            return term
        if isinstance(term, Const) and term.value == 0:
            return total
        inner = self.made_by(term)
        if inner is not None and inner.prim == "neg" and len(self.ops) > mark and inner is self.ops[-1]:
            self.ops.pop()
            return self.emit("sub", total, inner.operands[0])
        return self.emit("add", total, term)


OFFSETS: WeakKeyDictionary[Value, tuple[Value, int]] = (
    WeakKeyDictionary()
)  # integers made of others and a constant


DIFFERENCES: WeakKeyDictionary[Value, tuple[Operand, ...]] = (
    WeakKeyDictionary()
)  # integers made of two others


SUMS: WeakKeyDictionary[Value, tuple[Operand, ...]] = WeakKeyDictionary()
# the least and the greatest that indices of loops are: others and a constant
RANGES: WeakKeyDictionary[Value, tuple[tuple[Operand, int], tuple[Operand, int]]] = WeakKeyDictionary()


def note_offset(prim: str, operands: tuple[Operand, ...], result: Value) -> None:
    """Keep that an integer is another one and a constant."""
    if all(isinstance(o, Value) for o in operands):
        (DIFFERENCES if prim == "sub" else SUMS)[result] = operands
    a, b = operands if prim == "sub" or isinstance(operands[0], Value) else operands[::-1]
    if isinstance(a, Value) and isinstance(b, Const) and type(b.value) is int:
        start, offset = OFFSETS.get(a, (a, 0))
        OFFSETS[result] = start, offset + (b.value if prim == "add" else -b.value)


def find(name: str, family: str) -> Prim:
    """The primitive a rule text means by a name: of the rule's own module, else a helper, else of math."""
    arrays = ("numpy", "numpy.linalg", "scipy.linalg") if "." in family else (family,)
    for candidate in (
        f"{family}.{name}",
        *(f"{a}.{name}" for a in arrays),
        f"s2sad.{name}",
        f"math.{name}",
        f"builtins.{name}",
        name,
    ):
        if candidate in PRIMS:
            return PRIMS[candidate]
    raise KeyError(f"no primitive {name!r} for a rule of {family}")


def const(value: Any) -> Const:
    """A literal operand with its type."""
    t = type_of(value)
    assert t is not None, value
    return Const(value, t)


_NAMED: dict[str, float] = {}


def _constant(name: str) -> Const:
    import math

    values = {"pi": math.pi, "inf": math.inf, "nan": math.nan, "e": math.e, "tau": math.tau}
    return const(values[name])


def is_one(operand: Operand) -> bool:
    return isinstance(operand, Const) and type(operand.value) in (int, float) and operand.value == 1


def is_negative(operand: Operand) -> bool:
    return isinstance(operand, Const) and operand.value < 0


def is_plain_factor(operand: Operand) -> bool:
    """Whether a product or quotient with it is 0, infinite or nan only where the other factor is."""
    return isinstance(operand, Const) and 0.0 < abs(operand.value) < inf


def is_zero(operand: Operand) -> bool:
    return isinstance(operand, Const) and type(operand.value) in (int, float) and operand.value == 0


def fold_constants(prim: str, operands: tuple[Const, ...]) -> Const | None:
    """The value of an operation on literals, where computing it now changes nothing."""
    p = PRIMS.get(prim)
    if (
        p is None
        or p.effect not in ("none", "raises")
        or not all(isinstance(o.value, _FOLDABLE) for o in operands)
    ):
        return None
    try:
        value = p.fn(*(o.value for o in operands))
    except Exception:  # what raises must raise where the user's program does
        return None
    if not isinstance(value, (*_FOLDABLE, tuple)) or type(value) is tuple:
        return None
    if isinstance(value, int) and value.bit_length() > 64:
        return None
    t = type_of(value)
    return Const(value, t) if isinstance(t, Scalar) else None


def undef(operand: Operand) -> bool:
    return isinstance(operand, Undef)
