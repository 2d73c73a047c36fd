"""Whole-array operations as Numba has them: the one place that knows what it lacks.

`expression` and `statement` are asked for every operation of a compiled function. They give None where Numba
takes the NumPy form, else that form with its operands converted, or a call of a helper (`codegen.loop_nests`)
written for the ranks, axes and dtypes that the types say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gast
import numpy as np

from s2sad.codegen import arrays, loop_nests, numba_numbers
from s2sad.codegen import tree as t
from s2sad.codegen.numba_numbers import NATIVE
from s2sad.errors import JitError, VerifierError
from s2sad.ir.core import Const, Op, Operand, Value
from s2sad.ir.types import Array, Dim, Scalar, Size, Type, is_many
from s2sad.rules.arrays import INFER, dims_of, dtype_of
from s2sad.rules.arrays.core import axes_of
from s2sad.rules.builder import ON_NUMBERS
from s2sad.rules.registry import PRIMS
from s2sad.rules.shapes import is_elementwise

if TYPE_CHECKING:
    from s2sad.codegen.expressions import Expressions

Form = Callable[["Expressions", Op], Any]
FORMS: dict[str, Form] = {}


def form(*names: str) -> Callable[[Form], Form]:
    def keep(f: Form) -> Form:
        FORMS.update(dict.fromkeys(names, f))
        return f

    return keep


def expression(e: Expressions, op: Op) -> Any:
    """The expression for an operation where Numba needs another than NumPy, else None."""
    found = FORMS.get(op.prim)
    if found is not None:
        node = found(e, op)
        if node is not None:
            return node
    if any(isinstance(o.type, Array) for o in op.operands) and is_elementwise(PRIMS[op.prim]):
        return elementwise(e, op)
    node = numba_numbers.expression(e, op)
    if node is not None:
        return node
    rule = PRIMS[op.prim]
    if rule.helper and not rule.jit and len(op.results) == 1 and isinstance(op.result.type, Scalar):
        dtype = op.result.type.dtype  # our own computes in float64
        if dtype is not None and dtype not in NATIVE and op.prim not in INFER:
            e.modules.add("numpy")
            return t.call(f"np.{dtype}", e.plain(op, operands(e, op)))
    return None


def helper(e: Expressions, made: loop_nests.Helper, *args: Any) -> Any:
    """A call of a helper, which is written into the module."""
    name, text = made
    e.modules.add("numpy")
    if e.written.setdefault(name, text) != text:
        raise VerifierError(f"two helpers are called {name!r}")
    return t.call(name, *args)


def operands(e: Expressions, op: Op) -> list[Any]:
    return [e.operand(o) for o in op.operands]


def rank(o: Operand) -> int:
    return len(dims_of(o))


def cast(e: Expressions, node: Any, o: Operand, dtype: str) -> Any:
    """An operand as one of a dtype."""
    if dtype_of(o) == dtype and not (isinstance(o.type, Scalar) and dtype not in NATIVE):
        return node
    e.modules.add("numpy")
    to = t.dotted(loop_nests.dtype_text(dtype))
    if isinstance(o.type, Array):
        return t.call(t.attribute(node, "astype"), to)
    return t.call(to, node)


# -- elementwise --------------------------------------------------------------------------------------


def elementwise(e: Expressions, op: Op) -> Any:
    """Numbers among the operands take the dtype of the arrays: for Numba any other makes the result float64."""
    result = dtype_of(op.result)
    computed = result if result != "bool" else common(op)
    if op.prim.startswith("s2sad."):
        # in one loop instead of many arrays, some of them of single and others of double precision
        if op.prim in ON_NUMBERS:
            return each(e, op, ON_NUMBERS[op.prim])
        if result in NATIVE:
            return None
        node = t.call(e.helper(op.prim), *operands(e, op))
        return t.call(t.attribute(node, "astype"), t.dotted(f"np.{result}"))
    rule = PRIMS[op.prim]
    if (
        rule.helper and not rule.jit and not op.prim.startswith("s2sad.")
    ):  # Numba lacks it: our own, of numbers
        return each(e, op, op.prim)
    if op.prim in ("pow", "numpy.power"):
        node = array_power(e, op, result)
        if node is not None:
            return node
    if op.prim == "numpy.fmod" and result.startswith(("int", "uint")):
        e.written["fmod_of"] = FMOD
        return over_elements(e, op, "fmod_of")
    if (computed in NATIVE and op.prim != "builtins.abs") or hasattr(e, f"op_{op.prim}"):
        return None
    args = []
    for i, o in enumerate(op.operands):
        is_test = op.prim == "numpy.where" and i == 0
        if (
            not isinstance(o.type, Scalar)
            or is_test
            or (op.prim == "pow" and is_integer(o))
            or computed in NATIVE
        ):
            args.append(e.operand(o))
        elif isinstance(o, Const):
            args.append(t.call(t.dotted(f"np.{computed}"), e.constant(o)))
        else:
            args.append(cast(e, e.operand(o), o, computed))
    e.modules.add("numpy")
    if op.prim == "builtins.abs":
        return t.call("np.abs", *args)
    return e.plain(op, args)


POWER = """def power(x, p):
    return np.sqrt(x) if p == 0.5 else x**p
"""
FMOD = """def fmod_of(a, b):
    if b == 0 or b + 1 == 0:
        return 0 * a
    rest = a % b
    return rest - b if rest != 0 and (a < 0) != (b < 0) else rest
"""
NOT_NEGATIVE = """def not_negative(n):
    for v in np.asarray(n).flat:
        if v < 0:
            raise ValueError("Integers to negative integer powers are not allowed.")
    return n
"""


def array_power(e: Expressions, op: Op, result: str) -> Any:
    """NumPy takes the square root for `a**0.5`, also of minus infinity, and refuses negative powers of integers."""
    base, exponent = op.operands
    if result.startswith(("int", "uint")) and not (isinstance(exponent, Const) and exponent.value >= 0):
        e.written["not_negative"] = NOT_NEGATIVE
        nodes = operands(e, op)
        made = t.binary("pow", nodes[0], t.call("not_negative", nodes[1]))
        return made if result in NATIVE else t.call(t.attribute(made, "astype"), t.dotted(f"np.{result}"))
    number = isinstance(exponent.type, Scalar) and exponent.type.kind == "float"
    if op.prim != "pow" or not number or not isinstance(base.type, Array) or not result.startswith("float"):
        return None
    e.modules.add("numpy")
    if isinstance(exponent, Const):
        return t.call("np.sqrt", e.operand(base)) if exponent.value == 0.5 else None
    e.written["power"] = POWER
    made_ = loop_nests.each("power", ["full", "number"], rank(op.result), result)
    return helper(e, made_, *operands(e, op))


def each(e: Expressions, op: Op, prim: str) -> Any:
    """Our own function of numbers on arrays, element by element."""
    return over_elements(e, op, e.helper(prim))


def over_elements(e: Expressions, op: Op, function: Any) -> Any:
    whole = dims_of(op.result)
    kinds = [
        "number" if not isinstance(o.type, Array) else "full" if alike(dims_of(o), whole) else "open"
        for o in op.operands
    ]
    made = loop_nests.each(function, kinds, len(whole), dtype_of(op.result))
    return helper(e, made, *operands(e, op))


def alike(own: tuple[Size, ...], whole: tuple[Size, ...]) -> bool:
    """Whether an operand has the sizes of the result for sure."""
    return own == whole and None not in own


def is_integer(o: Operand) -> bool:
    return isinstance(o, Const) and type(o.value) is int


def common(op: Op) -> str:
    """The dtype in which arrays are compared."""
    return str(np.result_type(*(np.dtype(o.type.dtype) for o in op.operands if isinstance(o.type, Array))))


# -- reductions ---------------------------------------------------------------------------------------


EXTREMES = {"max": "-np.inf", "min": "np.inf"}  # of no elements, where an `initial=` takes over


@form("numpy.sum", "numpy.prod", "numpy.max", "numpy.min", "numpy.any", "numpy.all")
def reduction(e: Expressions, op: Op) -> Any:
    a = op.operands[0]
    ndim = rank(a)
    keepdims = bool(op.attr("keepdims"))
    name = op.prim.removeprefix("numpy.")
    axes = tuple(sorted(axes_of(op.attr("axis"), ndim)))
    if not isinstance(a.type, Array):
        return e.operand(a)
    least = None if op.attr("initial") is None else EXTREMES[name]
    if len(axes) == ndim and not keepdims:
        if least is not None:
            return helper(e, loop_nests.extreme(name, least), e.operand(a))
        return arrays.np_call(e, name, e.operand(a))
    if not axes:
        return t.call(t.attribute(e.operand(a), "copy"))
    made = loop_nests.reduction(name, ndim, axes, keepdims, dtype_of(op.result), least)
    return helper(e, made, e.operand(a))


@form("unbroadcast")
def unbroadcast(e: Expressions, op: Op) -> Any:
    d, *sizes = op.operands
    made = loop_nests.unbroadcast(rank(d), len(sizes))
    held = e.operand(d)
    return helper(e, made, held, arrays.sizes(e, tuple(sizes), e.emitter.makers, as_tuple=True))


@form("numpy.cumsum", "numpy.cumprod")
def cumulative(e: Expressions, op: Op) -> Any:
    a = op.operands[0]
    name = op.prim.removeprefix("numpy.")
    if rank(a) < 2:
        return arrays.np_call(e, name, e.operand(a))
    axis = op.attr("axis") % rank(a)
    return helper(e, loop_nests.cumulative(name, rank(a), axis, dtype_of(op.result)), e.operand(a))


@form("numpy.argsort", "numpy.sort")
def sorting(e: Expressions, op: Op) -> Any:
    """Stable, so that equal elements keep their order whatever their number."""
    a = op.operands[0]
    name = op.prim.removeprefix("numpy.")
    call = "np.argsort({}, kind='mergesort')" if name == "argsort" else "np.sort({})"
    axis = op.attr("axis")
    if rank(a) < 2:
        kind = {"kind": t.constant("mergesort")} if name == "argsort" else {}
        return arrays.np_call(e, name, e.operand(a), **kind)
    assert axis is not None
    return helper(e, loop_nests.along(name, call, rank(a), axis % rank(a), dtype_of(op.result)), e.operand(a))


# -- shapes -------------------------------------------------------------------------------------------


@form("numpy.reshape")
@form("reshaped")
@form("reshape_copy")
def reshape(e: Expressions, op: Op) -> Any:
    """Numba reshapes contiguous arrays only. A copy will do where nothing tells it from a view; where one has to be a view,
    Numba's refusal stands."""
    if op.prim == "reshape_copy":
        own = t.call(t.attribute(e.operand(op.operands[0]), "copy"))
        return t.call(t.attribute(own, "reshape"), e.sizes(op.operands[1:]))
    a = op.operands[0]
    held = e.operand(a)
    if not isinstance(a.type, Array):
        return arrays.np_call(
            e, "broadcast_to", held, arrays.sizes(e, op.operands[1:], e.emitter.makers, as_tuple=True)
        )
    view = op.prim == "reshaped" and e.emitter.aliases.is_written(op.result)
    if not (contiguous(e, a) or view):
        held = arrays.np_call(e, "ascontiguousarray", held)
    return t.call(t.attribute(held, "reshape"), e.sizes(op.operands[1:]))


ROWS = frozenset(
    {
        "numpy.zeros",
        "numpy.ones",
        "numpy.empty",
        "numpy.arange",
        "array_of",
        "array_of_numbers",
        "numpy.cumsum",
        "gather",
    }
)


def contiguous(e: Expressions, o: Operand) -> bool:
    """Whether Numba knows an array to lie in memory row by row."""
    made = e.emitter.makers.get(o) if isinstance(o, Value) else None
    if not isinstance(made, Op):
        return False
    if made.prim in ("numpy.reshape", "reshaped", "reshape_copy"):
        return True
    return made.prim in ROWS or (rank(o) == 1 and (made.prim == "copy" or is_elementwise(PRIMS[made.prim])))


@form("newaxis")
def newaxis(e: Expressions, op: Op) -> Any:
    a = op.operands[0]
    if isinstance(a.type, Array):
        return None
    return arrays.np_call(e, "full", t.constant((1,) * len(op.attr("axes"))), e.operand(a))


@form("astype")
def astype(e: Expressions, op: Op) -> Any:
    a = op.operands[0]
    if isinstance(a.type, Array):
        return None
    return t.call(t.dotted(loop_nests.dtype_text(op.attr("dtype"))), e.operand(a))


# -- products and linear algebra ----------------------------------------------------------------------


@form("matmul")
def matmul(e: Expressions, op: Op) -> Any:
    a, b = op.operands
    dtype = dtype_of(op.result)
    ranks = (rank(a), rank(b))
    nodes = operands(e, op)
    if not dtype.startswith(("float", "complex")):
        if max(ranks) > 2:
            raise JitError(
                "a product of stacks of integer matrices cannot be compiled", op.loc, "make them float"
            )
        return helper(e, loop_nests.integer_product(*ranks, dtype), *nodes)
    nodes = [cast(e, n, o, dtype) for n, o in zip(nodes, op.operands, strict=True)]
    if max(ranks) <= 2:
        return t.binary("matmul", *nodes)
    sizes = [f"a.shape[{ranks[0] - 2}]"] if ranks[0] > 1 else []
    sizes += [f"b.shape[{ranks[1] - 1}]"] if ranks[1] > 1 else []
    return stack(e, op, "matmul", "{} @ {}", (min(ranks[0], 2), min(ranks[1], 2)), sizes, nodes)


def stack(
    e: Expressions, op: Op, name: str, call: str, cores: tuple[int, ...], result: list[str], nodes: list[Any]
) -> Any:
    """An operation on matrices, one matrix of the stacks after another."""
    dims = dims_of(op.result)
    leading = dims[: len(dims) - len(result)]
    same = []
    for o, core in zip(op.operands, cores, strict=True):
        own = dims_of(o)[: rank(o) - core]
        same.append([extent(s, leading[len(leading) - len(own) + j]) for j, s in enumerate(own)])
    ranks = [rank(o) for o in op.operands]
    made = loop_nests.stacked(name, call, ranks, cores, result, same, dtype_of(op.result))
    return helper(e, made, *nodes)


def extent(own: Size, whole: Size) -> str:
    """How an operand's axis relates to the result's."""
    if own == 1:
        return "one" if whole != 1 else "all"
    return "all" if is_many(own) or (own == whole and own is not None) else "open"


@form(
    "numpy.linalg.solve",
    "numpy.linalg.inv",
    "numpy.linalg.det",
    "numpy.linalg.cholesky",
    "log_abs_det",
    "sign_det",
)
def linear_algebra(e: Expressions, op: Op) -> Any:
    dtype = dtype_of(op.result)
    nodes = [cast(e, n, o, dtype) for n, o in zip(operands(e, op), op.operands, strict=True)]
    function = LINEAR.get(op.prim, op.prim.replace("numpy", "np") + "({})")
    if rank(op.operands[0]) == 2 and all(rank(o) <= 2 for o in op.operands):
        if "slogdet" in function:
            e.modules.add("numpy")
            return t.subscript(t.call("np.linalg.slogdet", *nodes), t.constant(int(function[-2])))
        return arrays.np_call(e, op.prim.removeprefix("numpy."), *nodes)
    name = op.prim.rpartition(".")[2]
    if op.prim == "numpy.linalg.solve":
        columns = min(rank(op.operands[1]), 2)
        n = rank(op.operands[0])
        sizes = [f"a.shape[{n - 1}]"] + ([f"b.shape[{rank(op.operands[1]) - 1}]"] if columns == 2 else [])
        return stack(e, op, name, function, (2, columns), sizes, nodes)
    n = rank(op.operands[0])
    square = [] if op.prim in LINEAR or name == "det" else [f"a.shape[{n - 2}]", f"a.shape[{n - 1}]"]
    return stack(e, op, name, function, (2,), square, nodes)


LINEAR = {
    "numpy.linalg.solve": "np.linalg.solve({}, {})",
    "log_abs_det": "np.linalg.slogdet({})[1]",
    "sign_det": "np.linalg.slogdet({})[0]",
}


@form("numpy.tril", "numpy.triu")
def triangle(e: Expressions, op: Op) -> Any:
    """Numba has both, and takes three seconds to compile one."""
    name, k = op.prim.removeprefix("numpy."), arrays.value(op.attr("k", 0))
    if rank(op.operands[0]) < 2:
        return arrays.np_call(e, name, e.operand(op.operands[0]), k)
    made = loop_nests.triangle(name, rank(op.result), dtype_of(op.result))
    return helper(e, made, e.operand(op.operands[0]), k)


# -- subscripts with arrays ---------------------------------------------------------------------------


def subscript(
    e: Expressions, op: Op, result: Type, index: tuple[Operand, ...]
) -> tuple[loop_nests.Subscript, Any, list[Any]]:
    """The pattern of a subscript, the array with its slices taken, and the index arrays and numbers."""
    a = op.operands[0]
    entries = op.attr("index")
    if any(entry[0] == "new" for entry in entries):
        raise JitError(
            "an index array together with a new axis cannot be compiled yet", op.loc, "use two subscripts"
        )
    held = e.operand(a)
    pattern: list[str] = []
    parts: list[Any] = []
    used: list[Any] = []
    ranks: list[int] = []
    for entry in entries:
        if entry[0] == "slice":
            pattern.append("s")
            parts.append(gast.Slice(*(None if k is None else e.operand(index[k]) for k in entry[1:])))
            continue
        o = index[entry[1]]
        used.append(e.operand(o))
        ranks.append(rank(o))
        is_mask = entry[0] == "mask"
        pattern.append(f"m{rank(o)}" if is_mask else "i" if rank(o) else "n")
        parts += [gast.Slice(None, None, None)] * (rank(o) if is_mask else 1)
    while parts and is_whole(parts[-1]):
        parts.pop()
    if parts:
        held = t.subscript(held, parts[0] if len(parts) == 1 else t.tuple_(parts))
    taken = sum(int(p[1:]) if p[0] == "m" else 1 for p in pattern)
    pattern += ["s"] * (rank(a) - taken)
    advanced = [index[entry[1]] for entry in entries if entry[0] in ("array", "mask", "at")]
    arrays_ = [o for o in advanced if rank(o)]
    masked = any(entry[0] == "mask" for entry in entries)
    sizes = {dims_of(o) for o in arrays_}
    alike = len(arrays_) == 1 or (not masked and len(sizes) == 1 and all(map(is_known, next(iter(sizes)))))
    depth = max((1 if dtype_of(o) == "bool" else rank(o)) for o in arrays_)
    return loop_nests.Subscript(tuple(pattern), tuple(ranks), depth, alike), held, used


def is_known(size: Size) -> bool:
    """Whether equal types mean equal sizes."""
    return isinstance(size, int) or (isinstance(size, Dim) and size.name != "~")


def is_whole(part: Any) -> bool:
    return isinstance(part, gast.Slice) and part.lower is part.upper is part.step is None


def is_simple(op: Op, index: tuple[Operand, ...]) -> bool:
    """Whether Numba has a subscript: one index array, or a mask of one axis, and slices."""
    kinds = [entry[0] for entry in op.attr("index")]
    if kinds.count("array") + kinds.count("mask") != 1 or "at" in kinds or "new" in kinds:
        return False
    return all(rank(index[entry[1]]) == 1 for entry in op.attr("index") if entry[0] in ("array", "mask"))


@form("gather")
def gather(e: Expressions, op: Op) -> Any:
    index = op.operands[1:]
    if is_simple(op, index):
        return None
    s, held, used = subscript(e, op, op.result.type, index)
    return helper(e, loop_nests.gather(s, dtype_of(op.result)), held, *used)


@form("take_winners")
def take_winners(e: Expressions, op: Op) -> Any:
    s, held, used = subscript(e, op, op.result.type, op.operands[1:])
    return helper(e, loop_nests.take_winners(s), held, *used)


def statement(e: Expressions, op: Op) -> Any:
    """`a[index] = v` with index arrays, and np.add.at; None for the former where Numba has it."""
    a, *index, v = op.operands
    if (
        op.prim == "assign_at"
        and is_simple(op, tuple(index))
        and rank(a) == 1
        and not isinstance(v.type, Array)
    ):
        return None
    s, held, used = subscript(e, op, a.type, tuple(index))
    node = e.emitter.read_first(a, v)
    number = not isinstance(v.type, Array)
    exact = isinstance(v.type, Array) and v.type.ndim == len(s.result) and all(map(is_many, v.type.dims))
    shape = "number" if number else "full" if exact else "open"
    how = "add_at" if op.prim == "scatter_add" else "assign_at"
    return t.statement(helper(e, loop_nests.write(s, how, shape), held, *used, node))


# -- sums of adjoints ---------------------------------------------------------------------------------

RADD = """@njit(error_model="numpy", forceinline=True, fastmath={"reassoc", "nsz", "contract"})
def radd(a, b):
    return a + b
"""


def is_reverse_sum(e: Expressions, op: Op, result: Value) -> bool:
    """Whether an addition in a loop is to a number's adjoint: their order is ours to choose."""
    number = isinstance(result.type, Scalar) and result.type.kind == "float"
    return e.emitter.target == "numba" and number and op.loc.reverse and op.prim in ("add", "sub")


def reverse_sum(e: Expressions, total: Any, term: Any) -> Any:
    """An addition that the compiler may reorder, so that it can add several elements at once."""
    e.written["radd"] = RADD
    return t.call("radd", total, term)
