"""Linear algebra for Numba: stacks of matrices one after another, norms along axes, triangles, exponentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s2sad.codegen import loop_nests as nests
from s2sad.codegen.numba_arrays import cast, form, helper, operands, rank, stack
from s2sad.ir.core import Op
from s2sad.rules.arrays.core import axes_of, dtype_of

if TYPE_CHECKING:
    from s2sad.codegen.expressions import Expressions

Sizes = tuple[tuple[str, ...], ...]
M, N, LEAST = "a.shape[{m}]", "a.shape[{n}]", "min(a.shape[{m}], a.shape[{n}])"
# for one matrix: the call, and the sizes of its results behind those of the stack
DECOMPOSITIONS: dict[str, tuple[str, Sizes]] = {
    "numpy.linalg.qr": ("np.linalg.qr({})", ((M, LEAST), (LEAST, N))),
    "numpy.linalg.eigh": ("np.linalg.eigh({})", ((N,), (M, N))),
    "real_eig": ("real_eig({})", ((N,), (M, N))),
    "numpy.linalg.slogdet": ("np.linalg.slogdet({})", ((), ())),
    "thin_svd": ("np.linalg.svd({}, full_matrices=False)", ((M, LEAST), (LEAST,), (LEAST, N))),
    "full_svd": ("np.linalg.svd({})", ((M, M), (LEAST,), (N, N))),
}


@form("numpy.linalg.qr", "numpy.linalg.eigh", "numpy.linalg.slogdet", "numpy.linalg.svd", "real_eig")
def decomposition(e: Expressions, op: Op) -> Any:
    """Of one matrix as Numba has it."""
    a = op.operands[0]
    if rank(a) == 2:
        return None
    name = op.prim
    if name.endswith("svd"):
        name = "full_svd" if op.attr("full_matrices") else "thin_svd"
    if name == "real_eig":
        e.helper(name)
    call, sizes = DECOMPOSITIONS[name]
    made = several(name.rpartition(".")[2], call, rank(a), sizes, dtype_of(op.results[0]))
    return helper(e, made, cast(e, e.operand(a), a, dtype_of(op.results[0])))


def several(name: str, call: str, ndim: int, sizes: Sizes, dtype: str) -> nests.Helper:
    """A function of a matrix with several results, on a stack of matrices."""
    i = nests.indices(ndim - 2)
    lead = [f"a.shape[{k}]" for k in range(ndim - 2)]
    names = [f"y{k}" for k in range(len(sizes))]
    body = []
    for y, own in zip(names, sizes, strict=True):
        shape = [*lead, *(s.format(m=ndim - 2, n=ndim - 1) for s in own)]
        body.append(f"{y} = np.empty({nests.tuple_text(shape)}, {nests.dtype_text(dtype)})")
    matrix = f"np.ascontiguousarray({nests.at('a', i)})"
    found = [f"r{k}" for k in range(len(sizes))]
    inner = [f"{', '.join(found)} = {call.format(matrix)}"]
    inner += [f"{nests.at(y, i)} = {r}" for y, r in zip(names, found, strict=True)]
    body += [*nests.nest(list(zip(i, lead, strict=True)), inner), f"return {', '.join(names)}"]
    return nests.function(f"{name}_{ndim}d{nests.suffix(dtype)}", "a", f"{name} on a stack of matrices", body)


@form("numpy.linalg.pinv", "numpy.linalg.matrix_rank")
def of_one_matrix(e: Expressions, op: Op) -> Any:
    a = op.operands[0]
    if rank(a) <= 2:
        return None
    n = rank(a)
    name = op.prim.rpartition(".")[2]
    result = [f"a.shape[{n - 1}]", f"a.shape[{n - 2}]"] if name == "pinv" else []
    return stack(e, op, name, f"np.linalg.{name}(np.ascontiguousarray({{}}))", (2,), result, operands(e, op))


COFACTORS = '''def cofactors(a):
    """The derivatives of the determinant by the elements, from the singular values: a may be singular."""
    u, s, vh = np.linalg.svd(np.ascontiguousarray(a))
    rest = np.ones(len(s), a.dtype)
    for i in range(len(s)):
        for j in range(len(s)):
            if i != j:
                rest[i] *= s[j]
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return ((sign * rest) * u) @ vh
'''


ALONG = '''def cofactors_along(a, e):
    """The derivative of cofactors(a) along e, from the singular values: a may be singular."""
    u, s, vh = np.linalg.svd(np.ascontiguousarray(a))
    x = u.T @ np.ascontiguousarray(e) @ vh.T
    sign = np.linalg.det(u) * np.linalg.det(vh)
    y = np.zeros_like(x)
    for i in range(len(s)):
        for j in range(len(s)):
            if i != j:
                rest = sign
                for k in range(len(s)):
                    if k != i and k != j:
                        rest *= s[k]
                y[i, i] += x[j, j] * rest
                y[i, j] -= x[j, i] * rest
    return u @ y @ vh
'''
INVERSE = '''def inverse_or_nan(a):
    """The inverse; nan for a singular matrix."""
    b = np.ascontiguousarray(a)
    return np.full_like(b, np.nan) if np.linalg.slogdet(b)[0] == 0.0 else np.linalg.inv(b)
'''
OF_ONE = {"cofactors": COFACTORS, "cofactors_along": ALONG, "inverse_or_nan": INVERSE}


@form(*OF_ONE)
def of_square(e: Expressions, op: Op) -> Any:
    a = op.operands[0]
    made, nodes = (
        (op.prim, OF_ONE[op.prim]),
        [cast(e, x, o, dtype_of(a)) for x, o in zip(operands(e, op), op.operands, strict=True)],
    )
    if rank(a) == 2:
        return helper(e, made, *nodes)
    helper(e, made)
    n = rank(a)
    square = [f"a.shape[{n - 2}]", f"a.shape[{n - 1}]"]
    call = f"{op.prim}({', '.join(['{}'] * len(nodes))})"
    return stack(e, op, op.prim, call, (2,) * len(nodes), square, nodes)


NORM = """def norm(a):
    return np.sqrt(np.dot(a, a))
"""


@form("norm_of_elements")
def norm(e: Expressions, op: Op) -> Any:
    """Along some axes, or with them kept: the sum of powers is one of the squares or powers of the elements."""
    a, p = op.operands[0], op.attr("ord")
    n, keepdims = rank(a), bool(op.attr("keepdims"))
    axes = tuple(sorted(axes_of(op.attr("axis"), n)))
    dtype = dtype_of(op.result)
    if (
        len(axes) == n == 1 and not keepdims and p == 2 and dtype_of(a) == dtype
    ):  # NumPy's overflows, LAPACK's does not
        return helper(e, ("norm", NORM), e.operand(a))
    i = nests.indices(n)
    own = [("0" if k in axes else i[k]) for k in range(n) if keepdims or k not in axes]
    shape = [("1" if k in axes else f"a.shape[{k}]") for k in range(n) if keepdims or k not in axes]
    power = {1: "abs({})", 2: "{0} * {0}"}.get(p, f"abs({{}}) ** {p!r}")
    term = power.format(nests.at("a", i))
    end = {1: "t", 2: "np.sqrt(t)"}.get(p, f"t ** {1.0 / p!r}")
    inner = [
        "t = 0.0",
        *nests.nest([(i[k], f"a.shape[{k}]") for k in axes], [f"t += {term}"]),
        f"{nests.at('y', own)} = {end}",
    ]
    body = [f"y = np.empty({nests.tuple_text(shape)}, {nests.dtype_text(dtype)})"] if own else []
    body += nests.nest([(i[k], f"a.shape[{k}]") for k in range(n) if k not in axes], inner)
    of = str(p).replace(".", "_").replace("-", "m")
    label = "_".join(
        ["norm", f"{n}d", *map(str, axes), *([] if p == 2 else [f"of_{of}"]), *(["kept"] if keepdims else [])]
    )
    label += nests.suffix(dtype)
    doc = f"The {p}-norm of the elements along some axes."
    return helper(e, nests.function(label, "a", doc, [*body, "return y"]), e.operand(a))


# -- triangles --------------------------------------------------------------------------------------------


@form("scipy.linalg.solve_triangular")
def solve_triangular(e: Expressions, op: Op) -> Any:
    """By substitution, the columns of the right side together."""
    lower, trans, unit = (bool(op.attr(k)) for k in ("lower", "trans", "unit_diagonal"))
    dtype = dtype_of(op.result)
    columns = rank(op.operands[1]) > 1
    own, other = (["i", "c"], ["j", "c"]) if columns else (["i"], ["j"])
    y, x = nests.at("y", own), nests.at("y", other)
    element = "a[j, i]" if trans else "a[i, j]"
    forward = lower != trans
    inner = [f"for j in range({'i' if forward else 'i + 1, a.shape[0]'}):", f"    {y} -= {element} * {x}"]
    inner += [] if unit else [f"{y} /= a[i, i]"]
    inner = nests.nest([("c", "b.shape[1]")], inner) if columns else inner
    singular = [] if unit else ["if a[i, i] == 0.0:", '    raise np.linalg.LinAlgError("singular matrix")']
    rows = "a.shape[0]" if forward else "a.shape[0] - 1, -1, -1"
    body = [
        f"y = b.astype({nests.dtype_text(dtype)})",
        *nests.nest([("i", rows)], [*singular, *inner]),
        "return y",
    ]
    kind = "lower" if lower else "upper"
    label = (
        f"solve_{kind}"
        + ("_transposed" if trans else "")
        + ("_unit" if unit else "")
        + f"_{2 if columns else 1}d"
    )
    label += nests.suffix(dtype)
    doc = f"The solution of a system with the {kind} triangle of a{', transposed' if trans else ''}."
    return helper(e, nests.function(label, "a, b", doc, body), *operands(e, op))


# -- the exponential of a matrix --------------------------------------------------------------------------

# Higham (2005), "The scaling and squaring method for the matrix exponential revisited", table 2.3 and eq. 2.3: the
# Padé approximant of degree 13; Al-Mohy & Higham (2009), eq. 1.5: the derivative along e is a block of one of twice the size
EXPM = '''def expm(a):
    """The exponential of a matrix, by scaling, a Padé approximant of degree 13, and squaring."""
    c = (64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
         10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0)
    norm = 0.0
    for j in range(a.shape[1]):
        norm = max(norm, np.sum(np.abs(a[:, j])))
    squarings = 0
    while norm > 5.371920351148152:
        norm *= 0.5
        squarings += 1
    x = np.ascontiguousarray(a) / 2.0**squarings
    one = np.eye(a.shape[0])
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    u = x @ (x6 @ (c[13] * x6 + c[11] * x4 + c[9] * x2) + c[7] * x6 + c[5] * x4 + c[3] * x2 + c[1] * one)
    v = x6 @ (c[12] * x6 + c[10] * x4 + c[8] * x2) + c[6] * x6 + c[4] * x4 + c[2] * x2 + c[0] * one
    y = np.linalg.solve(v - u, v + u)
    for _ in range(squarings):
        y = y @ y
    return y
'''
FRECHET = '''def expm_frechet(a, e):
    """The derivative of expm(a) along e."""
    n = a.shape[0]
    whole = np.zeros((2 * n, 2 * n))
    whole[:n, :n] = a
    whole[n:, n:] = a
    whole[:n, n:] = e
    return expm(whole)[:n, n:].copy()
'''


@form("scipy.linalg.expm", "scipy.linalg.expm_frechet")
def expm(e: Expressions, op: Op) -> Any:
    dtype = dtype_of(op.result)
    nodes = [cast(e, n, o, "float64") for n, o in zip(operands(e, op), op.operands, strict=True)]
    helper(e, ("expm", EXPM))
    made = ("expm", EXPM) if op.prim.endswith("expm") else ("expm_frechet", FRECHET)
    found = helper(e, made, *nodes)
    if dtype == "float64":
        return found
    from s2sad.codegen import tree as t

    return t.call(t.attribute(found, "astype"), t.dotted(f"np.{dtype}"))
