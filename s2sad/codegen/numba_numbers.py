"""Operations on numbers as Numba has to be told them, by the types of their operands.

Numba computes small integers in 64 bits, truth values as integers and a mixture of unsigned and signed ones as floats; it divides by
zero without a word, and rounds and raises integers to powers in its own way. `expression` gives the form that does what Python's and
NumPy's numbers do; None where the plain one does, as always for floats of double precision but for `//`, `%` and rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gast
import numpy as np

from s2sad.codegen import tree as t
from s2sad.errors import JitError
from s2sad.ir.core import Const, Op, Operand
from s2sad.ir.types import Scalar
from s2sad.rules.arrays.core import dtype_of

if TYPE_CHECKING:
    from s2sad.codegen.expressions import Expressions

Form = Callable[["Expressions", Op, str], Any]
NATIVE = frozenset({"float64", "int64", "bool", "complex128"})  # what Numba makes of Python's own numbers
OPERATORS = {
    "numpy.add": "add", "numpy.subtract": "sub", "numpy.multiply": "mul", "numpy.divide": "div", "numpy.negative": "neg",
    "numpy.positive": "pos", "numpy.floor_divide": "floordiv", "numpy.mod": "mod", "numpy.power": "pow", "numpy.absolute": "abs",
    "builtins.abs": "abs", "numpy.square": "square", "numpy.sign": "sign", "numpy.less": "lt", "numpy.less_equal": "le",
    "numpy.greater": "gt", "numpy.greater_equal": "ge", "numpy.equal": "eq", "numpy.not_equal": "ne",
}  # fmt: skip
ARITHMETIC = frozenset(
    {"add", "sub", "mul", "neg", "pos", "abs", "square", "sign", "bitand", "bitor", "bitxor", "invert"}
)
TO_INTEGERS = frozenset({"builtins.int", "builtins.round", "math.floor", "math.ceil", "math.trunc"})
COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})


def expression(e: Expressions, op: Op) -> Any:
    """The form of an operation on numbers that Numba would compute otherwise, else None."""
    if len(op.results) != 1 or not all(isinstance(x.type, Scalar) for x in (*op.operands, op.result)):
        return None
    name = OPERATORS.get(op.prim, op.prim)
    if e.emitter.integers.may_overflow(op):
        return within_bounds(e, op, name)
    chosen = form(op, name)
    return None if chosen is None else chosen(e, op, name)


def form(op: Op, name: str) -> Form | None:
    """How an operation is written; None: as it is."""
    kinds = {kind(o) for o in op.operands}
    result, python = dtype_of(op.result), all(map(is_python, op.operands))
    whole = kinds <= {"int", "bool"}
    if name in TO_INTEGERS and kinds == {"float"} and len(op.operands) == 1 and result == "int64":
        return to_integer
    if name in ("builtins.float", "builtins.int"):
        return of_truth if kinds == {"bool"} else None
    if name == "builtins.round":
        return rounded if len(op.operands) == 2 or (whole and not python) else None
    if name in ("numpy.round", "numpy.around") and whole:
        return rounded
    if name in ("floordiv", "mod") and python and "complex" not in kinds:
        return None if is_nonzero(op.operands[1]) else checked
    if name == "div" and whole:
        return checked if python and not is_nonzero(op.operands[1]) else None if python else as_floats
    if name in ("lshift", "rshift"):
        return shifted
    if name in ("math.fmod", "numpy.fmod") and whole:
        return remainder_like_the_dividend
    if name == "pow" and whole and op.result.type.kind == "int":  # type: ignore[attr-defined]
        return to_a_power
    if name == "pow" and whole and python:
        return inverse_power
    if name in COMPARISONS:
        return compared if "float32" in map(strong, op.operands) else None
    if name in ("floordiv", "mod") and whole:
        return numpy_quotient
    if name in ARITHMETIC and result == "bool" and not python:
        return of_truths
    if name in ARITHMETIC | {"div", "floordiv", "mod", "pow"} and not python:
        mixed = result == "float64" and whole
        return narrow if result not in NATIVE or mixed else None
    return None


# -- operands -----------------------------------------------------------------------------------------


def kind(o: Operand) -> str:
    return o.type.kind  # type: ignore[attr-defined,no-any-return]


def strong(o: Operand) -> str | None:
    """The dtype of a NumPy number, None of Python's."""
    return o.type.dtype  # type: ignore[attr-defined,no-any-return]


def is_python(o: Operand) -> bool:
    return strong(o) is None


def is_nonzero(o: Operand) -> bool:
    return isinstance(o, Const) and bool(o.value != 0)


def number(e: Expressions, o: Operand) -> Any:
    """An operand; a truth value as an integer."""
    node = e.operand(o)
    return t.call("int", node) if kind(o) == "bool" else node


def converted(e: Expressions, op: Op, o: Operand, dtype: str) -> Any:
    """An operand as a NumPy number of a dtype; NumPy takes no integer of Python's that does not fit."""
    e.modules.add("numpy")
    if strong(o) == dtype:
        return e.operand(o)
    if dtype.startswith(("int", "uint")) and is_python(o) and kind(o) == "int":
        info = np.iinfo(dtype)
        if isinstance(o, Const):
            if not info.min <= o.value <= info.max:
                raise JitError(
                    f"the integer {o.value} does not fit into {dtype}",
                    op.loc,
                    "NumPy raises an OverflowError here",
                )
        elif dtype != "int64":
            low = f"n < {info.min}" + ("" if dtype == "uint64" else f" or n > {info.max}")
            body = [
                f"if {low}:",
                f'    raise OverflowError("Python integer out of bounds for {dtype}")',
                f"return np.{dtype}(n)",
            ]
            return called(e, f"fitting_{dtype}", "n", body, e.operand(o))
    return t.call(f"np.{dtype}", number(e, o))


def called(e: Expressions, name: str, params: str, body: list[str], *args: Any) -> Any:
    """A call of a helper, which is written into the module."""
    text = "\n".join([f"def {name}({params}):", *(f"    {line}" for line in body)]) + "\n"
    e.written.setdefault(name, text)
    if "np." in text:
        e.modules.add("numpy")
    return t.call(name, *args)


def cast(e: Expressions, node: Any, op: Op) -> Any:
    """A result in its own dtype, to which it wraps around."""
    dtype = strong(op.result)
    if dtype is None or dtype in ("int64", "float64", "bool"):
        return node
    e.modules.add("numpy")
    return t.call(f"np.{dtype}", node)


# -- forms --------------------------------------------------------------------------------------------


def of_truth(e: Expressions, op: Op, name: str) -> Any:
    """float(b) and int(b)."""
    node = number(e, op.operands[0])
    return node if name == "builtins.int" else t.call("float", node)


def to_integer(e: Expressions, op: Op, name: str) -> Any:
    """An integer of a float, where int64 has it."""
    module, _, function = name.rpartition(".")
    if module == "math":
        e.modules.add("math")
    called_ = function if module == "builtins" else f"math.{function}"
    body = [
        "if not abs(x) < 9.2e18:",
        "    if x != x:",
        '        raise ValueError("cannot convert float NaN to integer")',
        '    raise OverflowError("a float too large for an integer of compiled code")',
        f"return {called_}(x)",
    ]
    return called(
        e, {"builtins": f"{function}_of"}.get(module, function), "x", body, e.operand(op.operands[0])
    )


def of_truths(e: Expressions, op: Op, name: str) -> Any:
    """NumPy's truth values: a sum is an or, a product an and."""
    nodes = list(map(e.operand, op.operands))
    if name == "invert":
        return t.negated(nodes[0])
    if len(nodes) == 1:
        return nodes[0]
    return t.binary({"add": "bitor", "mul": "bitand"}.get(name, name), *nodes)


def narrow(e: Expressions, op: Op, name: str) -> Any:
    """In the dtype of the result."""
    dtype = strong(op.result)
    assert dtype is not None
    nodes = [converted(e, op, o, dtype) for o in op.operands]
    if name == "square":
        return cast(e, called(e, "square", "x", ["return x * x"], *nodes), op)
    if name == "sign":
        return cast(e, called(e, "sign", "x", ["return 1 if x > 0 else -1 if x < 0 else 0"], *nodes), op)
    if name == "abs":
        return cast(e, t.call("abs", *nodes), op)
    made = t.binary(name, *nodes) if name in t.BIN else gast.UnaryOp(t.UNARY[name](), *nodes)
    return cast(e, made, op)


def compared(e: Expressions, op: Op, name: str) -> Any:
    """Python's floats are compared with single precision as such."""
    single = all(is_python(o) or strong(o) == "float32" for o in op.operands)
    floats = single and all(kind(o) == "float" for o in op.operands)
    nodes = [converted(e, op, o, "float32") if floats else e.operand(o) for o in op.operands]
    return t.compare(name, *nodes)


def checked(e: Expressions, op: Op, name: str, text: str = "") -> Any:
    """Division of Python's numbers, which raises at zero."""
    helper, sign = {
        "floordiv": ("floor_quotient", "//"),
        "mod": ("remainder_of", "%"),
        "div": ("quotient_of", "/"),
    }[name]
    body = ["if b == 0:", '    raise ZeroDivisionError("division by zero")', f"return a {sign} b"]
    return called(e, helper, "a, b", body, *(number(e, o) for o in op.operands))


def as_floats(e: Expressions, op: Op, name: str) -> Any:
    """The quotient of NumPy's integers."""
    return t.binary("div", *(t.call("float", number(e, o)) for o in op.operands))


def numpy_quotient(e: Expressions, op: Op, name: str) -> Any:
    """NumPy's integers divided by zero are 0."""
    dtype = strong(op.result) or "int64"
    if dtype == "float64":
        return narrow(e, op, name)
    signed = dtype.startswith("int")
    body = ["if b == 0:", f"    return np.{dtype}(0)"]
    if signed:  # the least number has no opposite
        body += ["if b == -1:", f"    return np.{dtype}({'-a' if name == 'floordiv' else '0'})"]
    body += [f"return np.{dtype}(a {'//' if name == 'floordiv' else '%'} b)"]
    helper = f"{'floor_quotient' if name == 'floordiv' else 'remainder'}_{dtype}"
    return called(e, helper, "a, b", body, *(converted(e, op, o, dtype) for o in op.operands))


def remainder_like_the_dividend(e: Expressions, op: Op, name: str) -> Any:
    """fmod of integers, which Numba gives the divisor's sign; of Python's a float."""
    e.modules.add("numpy")
    dtype = strong(op.result)
    if name == "math.fmod" or dtype == "float64":
        return t.call("np.fmod", *(t.call("float", number(e, o)) for o in op.operands))
    dtype = dtype or "int64"
    test = "b == 0 or b == -1" if dtype.startswith("int") else "b == 0"
    body = [f"if {test}:", f"    return np.{dtype}(0)", "rest = a % b"]
    body += [f"return np.{dtype}(rest - b if rest != 0 and (a < 0) != (b < 0) else rest)"]
    nodes = [converted(e, op, o, dtype) for o in op.operands]
    return called(e, f"fmod_{dtype}", "a, b", body, *nodes)


def within_bounds(e: Expressions, op: Op, name: str) -> Any:
    """A sum or product of Python's integers, which have no bounds."""
    sign, helper, test = {
        "add": ("+", "sum_of_integers", "(a < 0) == (b < 0) and (y < 0) != (a < 0)"),
        "sub": ("-", "difference_of_integers", "(a < 0) != (b < 0) and (y < 0) != (a < 0)"),
        "mul": ("*", "product_of_integers", "abs(float(a) * float(b)) > 9.2e18"),
    }[name]
    body = [
        f"y = a {sign} b",
        f"if {test}:",
        '    raise OverflowError("an integer too large for compiled code: use floats, or jit=False")',
        "return y",
    ]
    return called(e, helper, "a, b", body, *(number(e, o) for o in op.operands))


def to_a_power(e: Expressions, op: Op, name: str) -> Any:
    """An integer to the power of one that is not negative: a negative one makes Python's integers floats, and NumPy raise."""
    dtype = strong(op.result)
    if dtype is not None:
        body = [
            "if b < 0:",
            '    raise ValueError("Integers to negative integer powers are not allowed.")',
            f"y = np.{dtype}(1)",
        ]
        body += ["while b > 0:", f"    if b & np.{dtype}(1):", f"        y = np.{dtype}(y * a)"]
        body += [f"    a, b = np.{dtype}(a * a), np.{dtype}(b >> np.{dtype}(1))"]
        body += ["return y"]
        nodes = [converted(e, op, o, dtype) for o in op.operands]
        return called(e, f"power_{dtype}", "a, b", body, *nodes)
    body = [
        "if b < 0:",
        "    if a == 0:",
        '        raise ZeroDivisionError("0.0 cannot be raised to a negative power")',
        '    raise ValueError("compiled code cannot make a float of an integer to a negative power: write float(a)**b")',
        "if abs(float(a)) ** b > 9.2e18:",
        '    raise OverflowError("an integer power too large for compiled code: use floats, or jit=False")',
        "return a**b",
    ]
    return called(e, "power_of_integers", "a, b", body, *(number(e, o) for o in op.operands))


def inverse_power(e: Expressions, op: Op, name: str) -> Any:
    """An integer to the power of a negative one that is known: a float."""
    body = [
        "if a == 0:",
        '    raise ZeroDivisionError("0.0 cannot be raised to a negative power")',
        "return float(a) ** b",
    ]
    return called(e, "inverse_power", "a, b", body, *(number(e, o) for o in op.operands))


def shifted(e: Expressions, op: Op, name: str) -> Any:
    """Shifts by as many bits as an integer has, or more, which machines leave open."""
    dtype, left = strong(op.result), name == "lshift"
    if dtype is None:
        body = ["if b < 0:", '    raise ValueError("negative shift count")']
        if left:
            body += ["if a != 0 and (b > 62 or abs(a) > 9223372036854775807 >> b):"]
            body += [
                '    raise OverflowError("an integer too large for compiled code: use jit=False")',
                "return a << b",
            ]
        else:
            body += ["return a >> min(b, 63)"]
        return called(
            e, "shifted_left" if left else "shifted_right", "a, b", body, *(number(e, o) for o in op.operands)
        )
    bits = 8 * np.dtype(dtype).itemsize
    beyond = f"np.{dtype}(0)" if left or dtype.startswith("uint") else f"np.{dtype}(-1 if a < 0 else 0)"
    body = [
        f"if b >= {bits} or b < 0:",
        f"    return {beyond}",
        f"return np.{dtype}(a {'<<' if left else '>>'} b)",
    ]
    nodes = [converted(e, op, o, dtype) for o in op.operands]
    return called(e, f"{'left' if left else 'right'}_{dtype}", "a, b", body, *nodes)


ROUND_FLOAT = [
    "if not np.isfinite(x) or n > 22:",
    "    if n > 22 and abs(x) < 1e-6 and x != 0.0:",
    '        raise ValueError("compiled code rounds to at most 22 digits")',
    "    return x",
    "if n < 0:",
    "    if abs(x) >= 9.2e18 or n < -18:",
    '        raise ValueError("compiled code rounds no float that int64 does not hold to tens")',
    "    scale = 10**-n",
    "    whole = int(abs(x))",
    "    rest = whole % scale",
    "    beyond = abs(x) > whole or (whole // scale) % 2 != 0",
    "    up = 2 * rest > scale or (2 * rest == scale and beyond)",
    "    return np.copysign(float(whole - rest + (scale if up else 0)), x)",
    "scale = 10.0**n",
    "product = abs(x) * scale",
    "if product >= 4503599627370496.0:",
    "    return x",
    "c = 134217729.0 * abs(x)",
    "high = c - (c - abs(x))",
    "low = abs(x) - high",
    "c = 134217729.0 * scale",
    "top = c - (c - scale)",
    "bottom = scale - top",
    "lost = ((high * top - product) + high * bottom + low * top) + low * bottom",
    "whole = np.floor(product)",
    "rest = (product - whole - 0.5) + lost",
    "if rest > 0.0 or (rest == 0.0 and np.fmod(whole, 2.0) != 0.0):",
    "    whole += 1.0",
    "return np.copysign(whole / scale, x)",
]
"""Python's rounding, to the nearest decimal of the float's exact value: the product with a power of ten as two floats (Dekker 1971)."""
ROUND_INTEGER = [
    "if n >= 0:",
    "    return x",
    "if n < -18:",
    "    return x - x",
    "scale = 10**-n",
    "rest = x % scale",
    "whole = x - rest",
    "if 2 * rest > scale or (2 * rest == scale and whole // scale % 2 != 0):",
    "    whole += scale",
    "return whole",
]


def rounded(e: Expressions, op: Op, name: str) -> Any:
    """round(x, n): of Python's numbers as Python, of NumPy's as np.round()."""
    x, *digits = op.operands
    if not digits:
        return e.operand(x)
    if kind(x) in ("int", "bool"):
        if isinstance(digits[0], Const) and digits[0].value >= 0:
            return e.operand(x)
        if strong(x) == "uint64":
            raise JitError("rounding of uint64 cannot be compiled", op.loc, "make it int64")
        return cast(
            e, called(e, "rounded_integer", "x, n", ROUND_INTEGER, number(e, x), number(e, digits[0])), op
        )
    if is_python(x):
        return called(e, "rounded", "x, n", ROUND_FLOAT, e.operand(x), number(e, digits[0]))
    body = [
        "if n >= 0:",
        "    return np.rint(x * 10.0**n) / 10.0**n",
        "return np.rint(x / 10.0**-n) * 10.0**-n",
    ]
    return cast(e, called(e, "rounded_number", "x, n", body, e.operand(x), number(e, digits[0])), op)
