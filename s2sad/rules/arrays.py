"""NumPy functions on whole arrays that the others are made of: sizes of the result, adjoint, tangent.

Each is one operation with its array and integer operands and its fixed arguments (axis, keepdims) as attributes.
`vjp` gives an operand's contribution from the result's cotangent; `jvp` is 'linear' (the tangent is the same
operation on the tangents), 'multilinear' (a sum, one operand at a time), or a function like `vjp`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from s2sad.ir.core import Const, Op, Operand, Value
from s2sad.ir.types import FLOAT, INT, Array, Dim, Scalar, Size, Type, shaped
from s2sad.rules.builder import Builder, const
from s2sad.rules.registry import PRIMS, ZERO, Prim, rule

Attrs = dict[str, Any]
INFER: dict[str, Callable[..., Type]] = {}
SHAPES = ("numpy.reshape", "numpy.broadcast_to")  # operands after the first are a shape


JVPS: dict[str, Any] = {}


def array_rule(
    name: str,
    form: str,
    fn: Any,
    infer: Any,
    jvp: Any = None,
    *,
    effect: str = "none",
    cost: int = 10,
    **partials: Any,
) -> Prim:
    """Declare an operation on arrays; `infer(attrs, *types)` gives the result's type."""
    INFER[name] = infer
    prim = rule(fn, form, name=name, infer=_typed, effect=effect, cost=cost, **partials)
    JVPS[name] = jvp
    return prim


def _typed(*types: Type) -> Type:
    raise TypeError("the type of an operation on arrays depends on its attributes")


def emit(b: Builder, name: str, *operands: Operand, hint: str = "", **attrs: Any) -> Operand:
    """Append an operation on arrays; its type is inferred from the operands and attributes."""
    return b.emit(name, *operands, hint=hint, type=INFER[name](attrs, *operands), **attrs)


def dims_of(o: Operand) -> tuple[Size, ...]:
    return o.type.dims if isinstance(o.type, Array) else ()


def dtype_of(o: Operand) -> str:
    """The dtype of an operand as NumPy would make an array of it."""
    if isinstance(o.type, Array):
        return o.type.dtype
    assert isinstance(o.type, Scalar), o.type
    return (
        o.type.dtype
        or {"float": "float64", "int": "int64", "bool": "bool", "complex": "complex128"}[o.type.kind]
    )


SIZES: WeakKeyDictionary[Value, Size] = WeakKeyDictionary()  # integers that are known to be a size
_NUMBER = itertools.count()


def size_of(o: Operand) -> Size:
    """The size that an integer operand stands for."""
    if isinstance(o, Const):
        return int(o.value)
    assert isinstance(o, Value)
    found = SIZES.get(o)
    if found is None:
        found = SIZES[o] = Dim(f"#{next(_NUMBER)}")
    return found


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Normalised axes: None for all of them."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,)))


# -- shape of an operand ------------------------------------------------------------------------------


def shape(b: Builder, a: Operand) -> tuple[Operand, ...]:
    """The sizes of an array as operands."""
    found = []
    for i, d in enumerate(dims_of(a)):
        origin = b.origins.get(d)
        if origin is not None:
            size: Operand = b.emit("shape", origin[0], type=INT, axis=origin[1])
            SIZES[size] = d  # type: ignore[index]
            found.append(size)
            continue
        size = const(d) if isinstance(d, int) else b.emit("shape", a, type=INT, axis=i)
        if isinstance(size, Value) and d is not None:
            SIZES[size] = d
        found.append(size)
    return tuple(found)


rule(lambda a, axis: a.shape[axis], "y = shape(a)", name="shape", infer=INT, effect="none", cost=1, da=ZERO)


# -- sums ---------------------------------------------------------------------------------------------


def reduced(attrs: Attrs, a: Operand) -> tuple[Size, ...]:
    dims = dims_of(a)
    axes = axes_of(attrs.get("axis"), len(dims))
    if attrs.get("keepdims"):
        return tuple(1 if i in axes else d for i, d in enumerate(dims))
    return tuple(d for i, d in enumerate(dims) if i not in axes)


def _sum_type(attrs: Attrs, a: Operand) -> Type:
    dtype = str(np.sum(np.ones(1, dtype_of(a))).dtype)
    return shaped(dtype, reduced(attrs, a))


def spread(b: Builder, d: Operand, op: Op) -> Operand:
    """A reduction's cotangent with the axes back that it reduced, as axes of size 1."""
    a = op.operands[0]
    axis = op.attr("axis")
    if op.attr("keepdims") or axis is None or not isinstance(d.type, Array):
        return d
    return emit(b, "newaxis", d, axes=axes_of(axis, len(dims_of(a))))


def _sum_vjp(b: Builder, env: Any) -> Operand:
    return spread(b, env["dy"], env["op"])  # broadcasting does the rest


array_rule("numpy.sum", "y = sum(a)", np.sum, _sum_type, "linear", da=_sum_vjp)


def _newaxis_type(attrs: Attrs, a: Operand) -> Type:
    dims = list(dims_of(a))
    for axis in sorted(attrs["axes"]):
        dims.insert(axis, 1)
    return Array(dtype_of(a), len(dims), tuple(dims))


def _newaxis_vjp(b: Builder, env: Any) -> Operand:
    return emit(b, "squeeze", env["dy"], axes=env["op"].attr("axes"))


array_rule(
    "newaxis", "y = newaxis(a)", lambda a, axes: np.expand_dims(a, axes), _newaxis_type, "linear", cost=1, da=_newaxis_vjp
)  # fmt: skip


def _squeeze_type(attrs: Attrs, a: Operand) -> Type:
    return shaped(dtype_of(a), tuple(d for i, d in enumerate(dims_of(a)) if i not in attrs["axes"]))


def _squeeze_vjp(b: Builder, env: Any) -> Operand:
    if not isinstance(env["dy"].type, Array):
        return env["dy"]
    return emit(b, "newaxis", env["dy"], axes=env["op"].attr("axes"))


array_rule(
    "squeeze", "y = squeeze(a)", lambda a, axes: np.squeeze(a, axes), _squeeze_type, "linear", cost=1, da=_squeeze_vjp
)  # fmt: skip


# -- shapes -------------------------------------------------------------------------------------------


def _shape_type(attrs: Attrs, a: Operand, *sizes: Operand) -> Type:
    return shaped(dtype_of(a), tuple(map(size_of, sizes)))


def _broadcast_vjp(b: Builder, env: Any) -> Operand:
    return env["dy"]  # what meets a smaller operand is summed there


def _reshape_vjp(b: Builder, env: Any) -> Operand:
    return emit(b, "numpy.reshape", env["dy"], *env["shape"](0))


array_rule(
    "numpy.broadcast_to", "y = broadcast_to(a, *sizes)", lambda a, *s: np.broadcast_to(a, s), _shape_type, "first",
    da=_broadcast_vjp, dsizes=ZERO,
)  # fmt: skip
array_rule(
    "numpy.reshape", "y = reshape(a, *sizes)", lambda a, *s: np.reshape(a, s), _shape_type, "first",
    da=_reshape_vjp, dsizes=ZERO,
)  # fmt: skip


def _transpose_type(attrs: Attrs, a: Operand) -> Type:
    dims = dims_of(a)
    return Array(dtype_of(a), len(dims), tuple(dims[i] for i in attrs["axes"]))


def _transpose_vjp(b: Builder, env: Any) -> Operand:
    axes = env["op"].attr("axes")
    inverse = tuple(sorted(range(len(axes)), key=lambda i: axes[i]))
    return emit(b, "numpy.transpose", env["dy"], axes=inverse)


array_rule(
    "numpy.transpose", "y = transpose(a)", lambda a, axes: np.transpose(a, axes), _transpose_type, "linear", cost=1,
    da=_transpose_vjp,
)  # fmt: skip


def _concatenate_type(attrs: Attrs, *arrays: Operand) -> Type:
    axis = attrs["axis"]
    dims = list(zip(*map(dims_of, arrays), strict=True))
    sizes: list[Size] = []
    for i, column in enumerate(dims):
        if i == axis:
            whole = all(isinstance(d, int) for d in column)
            sizes.append(sum(column) if whole else column[0] if len(column) == 1 else None)
        else:
            sizes.append(next((d for d in column if d is not None), None))
    dtype = str(np.result_type(*(np.dtype(dtype_of(a)) for a in arrays)))
    return Array(dtype, len(sizes), tuple(sizes))


def _concatenate_vjp(b: Builder, env: Any) -> Operand:
    op, index = env["op"], env["index"]
    axis = op.attr("axis")
    start: Operand = const(0)
    for before in range(index):
        start = _plus(b, start, env["shape"](before)[axis])
    stop = _plus(b, start, env["shape"](index)[axis])
    full = (("slice", None, None, None),) * axis
    return view(b, env["dy"], (*full, ("slice", 0, 1, None)), (start, stop), op.operands[index].type)


def _plus(b: Builder, x: Operand, y: Operand) -> Operand:
    if isinstance(x, Const) and isinstance(y, Const):
        return const(x.value + y.value)
    return y if isinstance(x, Const) and x.value == 0 else b.emit("add", x, y)


array_rule(
    "numpy.concatenate", "y = concatenate(*arrays)", lambda *arrays, axis: np.concatenate(arrays, axis), _concatenate_type,
    "linear", darrays=_concatenate_vjp,
)  # fmt: skip


# -- indexing -----------------------------------------------------------------------------------------


def view(
    b: Builder, a: Operand, index: tuple[Any, ...], operands: tuple[Operand, ...], type: Type | None = None
) -> Operand:
    """A basic subscript. `index` has an entry an axis: ("at", k), ("slice", start, stop, step) with numbers of
    operands or None, ("new",); axes it does not reach are whole."""
    if type is None:
        type = _view_type({"index": index}, a, *operands)
    return b.emit("view", a, *operands, type=type, index=index)


def _view_type(attrs: Attrs, a: Operand, *operands: Operand) -> Type:
    dims: list[Size] = []
    left = list(dims_of(a))
    for entry in attrs["index"]:
        if entry[0] == "new":
            dims.append(1)
            continue
        size = left.pop(0)
        if entry[0] == "slice":
            dims.append(_sliced(size, *(None if k is None else operands[k] for k in entry[1:])))
    return shaped(dtype_of(a), (*dims, *left))


def _sliced(size: Size, start: Operand | None, stop: Operand | None, step: Operand | None) -> Size:
    """The size of a slice, where the sizes are known well enough."""

    def known(o: Operand | None, default: int) -> Any:
        return default if o is None else o.value if isinstance(o, Const) and type(o.value) is int else None

    by = known(step, 1)
    if start is None and stop is None and by in (1, -1):
        return size
    first = known(start, 0)
    if isinstance(size, int):
        bounds = [None if o is None else known(o, 0) for o in (start, stop, step)]
        if all(o is None or v is not None for o, v in zip((start, stop, step), bounds, strict=True)):
            return len(range(*slice(*bounds).indices(size)))
        return None
    if by != 1 or first is None or (isinstance(size, Dim) and size.name == "~"):
        return None
    if stop is None:
        return Dim(size.name, size.offset - first) if isinstance(size, Dim) and first >= 0 else _tail(first)
    last = known(stop, 0)
    if last is not None and last < 0 and first >= 0 and isinstance(size, Dim):
        return Dim(size.name, size.offset - first + last)
    return None


def _tail(first: int) -> Size:
    return None


array_rule("view", "y = view(a, *index)", None, _view_type, "first", cost=1, da="dy", dindex=ZERO)


def _gather_type(attrs: Attrs, a: Operand, *operands: Operand) -> Type:
    """The result of indexing with integer or boolean arrays, by NumPy's rules."""
    left = list(dims_of(a))
    sizes: list[Size] = []
    from s2sad.rules.shapes import broadcast

    advanced: list[tuple[Size, ...]] = []
    place, apart, last = None, False, False
    for entry in attrs["index"]:
        if entry[0] == "new":
            sizes.append(1)
            last = False
            continue
        if entry[0] == "mask":
            k = operands[entry[1]]
            for _ in dims_of(k):
                left.pop(0)
            advanced.append((None,))
        elif entry[0] in ("array", "at"):
            left.pop(0)
            advanced.append(dims_of(operands[entry[1]]))
        else:
            sizes.append(_sliced(left.pop(0), *(None if k is None else operands[k] for k in entry[1:])))
            last = False
            continue
        if place is None:
            place = len(sizes)
        elif not last:
            apart = True
        last = True
    sizes += left
    at = 0 if apart else place or 0
    return shaped(dtype_of(a), (*sizes[:at], *broadcast(*advanced), *sizes[at:]))


array_rule("gather", "y = gather(a, *index)", None, _gather_type, "first", da="dy", dindex=ZERO)
JVPS["unbroadcast"] = "first"
JVPS["take_winners"] = "first"
rule(lambda a, dtype: a.astype(dtype), "y = astype(a)", name="astype", infer=_typed, effect="none", da="dy")
JVPS["astype"] = "linear"
rule(lambda *xs: None, "assign(a, v)", name="assign", infer=_typed, effect="writes")
rule(lambda *xs: None, "assign_at(a, *xs)", name="assign_at", infer=_typed, effect="writes")
rule(lambda *xs: None, "scatter_add(a, *xs)", name="scatter_add", infer=_typed, effect="writes")


# -- products -----------------------------------------------------------------------------------------


def _matmul_type(attrs: Attrs, a: Operand, c: Operand) -> Type:
    from s2sad.rules.shapes import broadcast

    x, y = dims_of(a), dims_of(c)
    dtype = str(np.result_type(np.dtype(dtype_of(a)), np.dtype(dtype_of(c))))
    rows = (x[-2],) if len(x) > 1 else ()
    columns = (y[-1],) if len(y) > 1 else ()
    return shaped(dtype, (*broadcast(x[:-2], y[:-2]), *rows, *columns))


def transposed(b: Builder, a: Operand) -> Operand:
    """The last two axes exchanged."""
    n = len(dims_of(a))
    if n < 2:
        return a
    return emit(b, "numpy.transpose", a, axes=(*range(n - 2), n - 1, n - 2))


def lifted(b: Builder, a: Operand, axis: int) -> Operand:
    return emit(b, "newaxis", a, axes=(axis,))


def _matmul_left(b: Builder, env: Any) -> Operand:
    """dA = dY Bᵀ, with the vector cases as products of a column and a row."""
    op, dy = env["op"], env["dy"]
    nx, ny = (len(dims_of(o)) for o in op.operands)
    if nx == 1 and ny == 1:
        return b.emit("mul", dy, env["b"])
    if ny == 1:
        return b.emit("mul", lifted(b, dy, len(dims_of(dy))), env["b"])
    if nx == 1 and ny == 2:
        return emit(b, "matmul", env["b"], dy)
    if nx == 1:
        n = len(dims_of(dy))
        return emit(b, "numpy.sum", b.emit("mul", env["b"], lifted(b, dy, n - 1)), axis=-1)
    return emit(b, "matmul", dy, transposed(b, env["b"]))


def _matmul_right(b: Builder, env: Any) -> Operand:
    """dB = Aᵀ dY."""
    op, dy = env["op"], env["dy"]
    nx, ny = (len(dims_of(o)) for o in op.operands)
    if nx == 1 and ny == 1:
        return b.emit("mul", env["a"], dy)
    if nx == 1:
        n = len(dims_of(dy))
        return b.emit("mul", lifted(b, env["a"], 1), lifted(b, dy, n - 1))
    if ny == 1 and nx == 2:
        return emit(b, "matmul", dy, env["a"])
    if ny == 1:
        n = len(dims_of(dy))
        product = b.emit("mul", env["a"], lifted(b, dy, n))
        return emit(b, "numpy.sum", product, axis=-2)
    return emit(b, "matmul", transposed(b, env["a"]), dy)


array_rule(
    "matmul", "y = matmul(a, b)", np.matmul, _matmul_type, "multilinear", cost=50, effect="raises", da=_matmul_left,
    db=_matmul_right,
)  # fmt: skip


# -- cumulative, extremes, sorting --------------------------------------------------------------------


def _same_type(attrs: Attrs, a: Operand, *rest: Operand) -> Type:
    return a.type


def _cumsum_type(attrs: Attrs, a: Operand) -> Type:
    dtype = str(np.cumsum(np.ones(1, dtype_of(a))).dtype)
    return Array(dtype, len(dims_of(a)), dims_of(a))


def reversed_axis(b: Builder, a: Operand, axis: int) -> Operand:
    full = (("slice", None, None, None),) * (axis % len(dims_of(a)))
    return view(b, a, (*full, ("slice", None, None, 0)), (const(-1),))


def _cumsum_vjp(b: Builder, env: Any) -> Operand:
    axis = env["op"].attr("axis")
    return reversed_axis(b, emit(b, "numpy.cumsum", reversed_axis(b, env["dy"], axis), axis=axis), axis)


array_rule("numpy.cumsum", "y = cumsum(a)", np.cumsum, _cumsum_type, "linear", da=_cumsum_vjp)


def _extreme_type(attrs: Attrs, a: Operand) -> Type:
    return shaped(dtype_of(a), reduced(attrs, a))


def _chosen(b: Builder, env: Any) -> Operand:
    """1/k for each of the k elements that are the extreme, else 0: ties share equally, as in JAX."""
    op = env["op"]
    y = spread(b, env["y"], op)
    equal = b.emit("eq", env["a"], y)
    ties = emit(b, "numpy.sum", equal, axis=op.attr("axis"), keepdims=isinstance(y.type, Array))
    return b.emit("div", equal, ties)


def _extreme_vjp(b: Builder, env: Any) -> Operand:
    return b.emit("mul", _chosen(b, env), spread(b, env["dy"], env["op"]))


def _extreme_jvp(b: Builder, env: Any) -> Operand:
    op = env["op"]
    product = b.emit("mul", _chosen(b, env), env["dy"])
    return emit(b, "numpy.sum", product, axis=op.attr("axis"), keepdims=op.attr("keepdims"))


for _fn in (np.max, np.min):
    array_rule(
        f"numpy.{_fn.__name__.removeprefix('a')}", "y = extreme(a)", _fn, _extreme_type, _extreme_jvp, effect="raises",
        da=_extreme_vjp,
    )  # fmt: skip


def _index_type(attrs: Attrs, a: Operand) -> Type:
    return shaped("int64", reduced(attrs, a))


for _fn in (np.argmax, np.argmin):
    array_rule(f"numpy.{_fn.__name__}", "y = index(a)", _fn, _index_type, effect="raises", da=ZERO)
array_rule(
    "numpy.argsort",
    "y = argsort(a)",
    np.argsort,
    lambda attrs, a: Array("int64", len(dims_of(a)), dims_of(a)),
    da=ZERO,
)
for _fn in (np.any, np.all):
    array_rule(
        f"numpy.{_fn.__name__}",
        "y = test(a)",
        _fn,
        lambda attrs, a: shaped("bool", reduced(attrs, a)),
        da=ZERO,
    )


# -- linear algebra -----------------------------------------------------------------------------------


def _float_dtype(*operands: Operand) -> str:
    return str(np.result_type(*(np.dtype(dtype_of(o)) for o in operands), np.float32))


def _square_type(attrs: Attrs, a: Operand) -> Type:
    return Array(_float_dtype(a), len(dims_of(a)), dims_of(a))


def _solve_type(attrs: Attrs, a: Operand, c: Operand) -> Type:
    return Array(_float_dtype(a, c), len(dims_of(c)), dims_of(c))


def _solve_right(b: Builder, env: Any) -> Operand:
    return emit(b, "numpy.linalg.solve", transposed(b, env["a"]), env["dy"])


def _outer(b: Builder, x: Operand, y: Operand) -> Operand:
    """x yᵀ for columns or matrices of columns."""
    if len(dims_of(y)) == 1:
        return b.emit("mul", lifted(b, x, 1), y)
    return emit(b, "matmul", x, transposed(b, y))


def _solve_left(b: Builder, env: Any) -> Operand:
    return b.emit("neg", _outer(b, _solve_right(b, env), env["y"]))


def _solve_jvp(b: Builder, env: Any) -> Operand:
    op = env["op"]
    if env["which"] == 1:
        return emit(b, "numpy.linalg.solve", env["a"], env["dy"])
    return b.emit("neg", emit(b, "numpy.linalg.solve", env["a"], emit(b, "matmul", env["dy"], op.result)))


array_rule(
    "numpy.linalg.solve", "y = solve(a, b)", np.linalg.solve, _solve_type, _solve_jvp, effect="raises", cost=200,
    da=_solve_left, db=_solve_right,
)  # fmt: skip


def _inv_vjp(b: Builder, env: Any) -> Operand:
    t = transposed(b, env["y"])
    return b.emit("neg", emit(b, "matmul", emit(b, "matmul", t, env["dy"]), t))


def _inv_jvp(b: Builder, env: Any) -> Operand:
    return b.emit("neg", emit(b, "matmul", emit(b, "matmul", env["y"], env["dy"]), env["y"]))


array_rule(
    "numpy.linalg.inv",
    "y = inv(a)",
    np.linalg.inv,
    _square_type,
    _inv_jvp,
    effect="raises",
    cost=200,
    da=_inv_vjp,
)


def _det_type(attrs: Attrs, a: Operand) -> Type:
    return shaped(_float_dtype(a), dims_of(a)[:-2])


def _det_vjp(b: Builder, env: Any) -> Operand:
    scale = b.emit("mul", env["dy"], env["y"])
    t = transposed(b, emit(b, "numpy.linalg.inv", env["a"]))
    if isinstance(scale.type, Array):
        n = len(dims_of(scale))
        scale = emit(b, "newaxis", scale, axes=(n, n + 1))
    return b.emit("mul", scale, t)


def _det_jvp(b: Builder, env: Any) -> Operand:
    product = b.emit("mul", transposed(b, emit(b, "numpy.linalg.inv", env["a"])), env["dy"])
    return b.emit("mul", env["y"], emit(b, "numpy.sum", product, axis=(-2, -1)))


array_rule(
    "numpy.linalg.det",
    "y = det(a)",
    np.linalg.det,
    _det_type,
    _det_jvp,
    effect="raises",
    cost=200,
    da=_det_vjp,
)


def _log_det_vjp(b: Builder, env: Any) -> Operand:
    t = transposed(b, emit(b, "numpy.linalg.inv", env["a"]))
    dy = env["dy"]
    if isinstance(dy.type, Array):
        n = len(dims_of(dy))
        dy = emit(b, "newaxis", dy, axes=(n, n + 1))
    return b.emit("mul", dy, t)


def _log_det_jvp(b: Builder, env: Any) -> Operand:
    product = b.emit("mul", transposed(b, emit(b, "numpy.linalg.inv", env["a"])), env["dy"])
    return emit(b, "numpy.sum", product, axis=(-2, -1))


array_rule(
    "log_abs_det", "y = log_abs_det(a)", lambda a: np.linalg.slogdet(a)[1], _det_type, _log_det_jvp, effect="raises",
    cost=200, da=_log_det_vjp,
)  # fmt: skip
array_rule(
    "sign_det",
    "y = sign_det(a)",
    lambda a: np.linalg.slogdet(a)[0],
    _det_type,
    effect="raises",
    cost=200,
    da=ZERO,
)


def _phi(b: Builder, a: Operand) -> Operand:
    """The lower triangle with half the diagonal."""
    return b.emit("sub", emit(b, "numpy.tril", a, k=0), b.emit("mul", const(0.5), diagonal_matrix(b, a)))


def diagonal_matrix(b: Builder, a: Operand) -> Operand:
    return b.emit("sub", emit(b, "numpy.tril", a, k=0), emit(b, "numpy.tril", a, k=-1))


def _triangle_vjp(name: str) -> Any:
    def vjp(b: Builder, env: Any) -> Operand:
        return emit(b, f"numpy.{name}", env["dy"], k=env["op"].attr("k"))

    return vjp


for _fn in (np.tril, np.triu):
    array_rule(
        f"numpy.{_fn.__name__}", "y = triangle(a)", _fn, _same_type, "linear", da=_triangle_vjp(_fn.__name__)
    )


def _cholesky_vjp(b: Builder, env: Any) -> Operand:
    """Murray (2016), "Differentiation of the Cholesky decomposition", eq. 10, symmetrised."""
    low, dy = env["y"], env["dy"]
    upper = transposed(b, low)
    inner = _phi(b, emit(b, "matmul", upper, dy))
    s = emit(
        b,
        "numpy.linalg.solve",
        upper,
        transposed(b, emit(b, "numpy.linalg.solve", upper, transposed(b, inner))),
    )
    return b.emit("mul", const(0.5), b.emit("add", s, transposed(b, s)))


def _cholesky_jvp(b: Builder, env: Any) -> Operand:
    low = env["y"]
    d = env["dy"]
    symmetric = b.emit("mul", const(0.5), b.emit("add", d, transposed(b, d)))
    half = emit(b, "numpy.linalg.solve", low, transposed(b, emit(b, "numpy.linalg.solve", low, symmetric)))
    return emit(b, "matmul", low, _phi(b, transposed(b, half)))


array_rule(
    "numpy.linalg.cholesky", "y = cholesky(a)", np.linalg.cholesky, _square_type, _cholesky_jvp, effect="raises",
    cost=200, da=_cholesky_vjp,
)  # fmt: skip

# -- arrays made of numbers ---------------------------------------------------------------------------


def _allocated(attrs: Attrs, *sizes: Operand) -> Type:
    return Array(attrs["dtype"], len(sizes), tuple(map(size_of, sizes)))


_ = (PRIMS, FLOAT, Prim)
