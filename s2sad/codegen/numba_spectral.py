"""Functions of eigenvalues for Numba: loops, which it compiles sooner than array expressions, in double precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s2sad.codegen import tree as t
from s2sad.codegen.numba_arrays import cast, form, operands
from s2sad.ir.core import Op
from s2sad.ir.types import Array
from s2sad.rules.arrays.core import dtype_of
from s2sad.rules.registry import PRIMS

if TYPE_CHECKING:
    from s2sad.codegen.expressions import Expressions

DIVIDED = '''def divided_differences(w, g, g1, g2, tol, kinds):
    """(g[i] - g[j]) / (w[i] - w[j]) without cancellation; at equal w nan where g is not one function of w."""
    n = len(w)
    f = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            h = w[i] - w[j]
            rise = g[i] - g[j]
            middle, bend = 0.5 * (g1[i] + g1[j]), h * (g2[i] - g2[j]) / 12.0
            size = tol * (abs(g[i]) + abs(g[j]) + abs(w[i] * g1[i]) + abs(w[j] * g1[j]))
            sharp = 256.0 * bend * bend * abs(h) <= size * abs(middle)  # than the quotient
            if h == 0.0:
                same = rise == 0.0 and g1[i] == g1[j] and kinds[i] == kinds[j]
                f[i, j] = g1[i] if same else np.nan
            elif sharp and abs((middle - bend) * h - rise) <= size:
                f[i, j] = middle - bend
            else:
                f[i, j] = rise / h
    return f
'''
SECOND = '''def second_difference(i, j, k, w, f, g2, g3, tol, kinds):
    """(f[i, k] - f[k, j]) / (w[i] - w[j]); p and q are those of i, j, k farthest apart, m is the third."""
    far = max(abs(w[i] - w[j]), abs(w[i] - w[k]), abs(w[j] - w[k]))
    p, q, m = j, k, i
    if abs(w[i] - w[j]) == far:
        p, q, m = i, j, k
    elif abs(w[i] - w[k]) == far:
        p, q, m = i, k, j
    gap, rise = w[q] - w[p], f[q, m] - f[p, m]
    if gap == 0.0:
        same = rise == 0.0 and g2[i] == g2[j] and g2[j] == g2[k] and kinds[i] == kinds[j] and kinds[j] == kinds[k]
        return 0.5 * g2[i] if same else np.nan
    x = (w[m] - w[p]) / gap  # a cubic from p to q, averaged over the simplex of p, m and q
    square = 3.0 * (g2[q] - g2[p]) - gap * (2.0 * g3[p] + g3[q])
    cube = gap * (g3[p] + g3[q]) - 2.0 * (g2[q] - g2[p])
    near = g2[p] + gap * g3[p] * (1.0 + x) / 3.0 + square * (1.0 + x + x * x) / 6.0
    near = 0.5 * (near + cube * (1.0 + x) * (1.0 + x * x) / 10.0)
    if abs(near * gap - rise) <= tol * (abs(f[q, m]) + abs(f[p, m])):
        return near
    return rise / gap
'''
QUIET = '''def untouched(moved, g):
    """The vectors that nothing depends on."""
    quiet = np.ones(len(g), np.bool_)
    for i in range(moved.shape[0]):
        for j in range(len(g)):
            if moved[i, j] != 0.0 and g[j] != 0.0:
                quiet[j] = False
    return quiet
'''
FRECHET = '''def frechet(w, v, s, g, g1, g2, tol, kinds):
    """The derivative along s of the function g of the matrix with eigenvalues w and eigenvectors v."""
    f = divided_differences(w, g, g1, g2, tol, kinds)
    moved = (0.5 * (s + s.T)) @ v
    x = v.T @ moved
    quiet = untouched(moved, g)
    for i in range(len(w)):
        for j in range(len(w)):
            if np.isnan(f[i, j]) and quiet[i] and quiet[j]:
                x[i, j] = 0.0
            elif np.isnan(f[i, j]) or x[i, j] != 0.0:
                x[i, j] *= f[i, j]
    return v @ x @ v.T
'''
TWICE = '''def frechet_twice(w, v, s, r, g, g1, g2, g3, tol, kinds):
    """The second derivative along s and r of the function g of the matrix with eigenvalues w and eigenvectors v."""
    f = divided_differences(w, g, g1, g2, tol, kinds)
    moved, turned = (0.5 * (s + s.T)) @ v, (0.5 * (r + r.T)) @ v
    x, z = v.T @ moved, v.T @ turned
    still, quiet = untouched(moved, g), untouched(turned, g)
    y = np.zeros((len(w), len(w)))
    for i in range(len(w)):
        for j in range(len(w)):
            for k in range(len(w)):
                t = second_difference(i, j, k, w, f, g2, g3, 4.0 * tol, kinds)
                p = x[i, k] * z[k, j] + z[i, k] * x[k, j]
                if np.isnan(t):
                    nothing = (still[i] and still[j] and still[k]) or (quiet[i] and quiet[j] and quiet[k])
                else:
                    nothing = p == 0.0
                y[i, j] += 0.0 if nothing else t * p
    return v @ y @ v.T
'''
TEXTS = {
    "divided_differences": DIVIDED, "second_difference": SECOND, "untouched": QUIET, "frechet": FRECHET, "frechet_twice": TWICE,
}  # fmt: skip
ONCE = ("divided_differences", "untouched", "frechet")
AGAIN = ("divided_differences", "untouched", "second_difference", "frechet_twice")
MORE = ("divided_differences", "second_differences", "higher_differences", "frechet_again")
SINGULAR = (*AGAIN, "both_vectors", "symmetric_embedding", "mirrored", "svd_twice")
GRAM = ("divided_differences", "gram_factors")
READS = {
    "gram_along": (*GRAM, "gram_along"), "gram_back": (*GRAM, "gram_back"),
    "grams_along": (*GRAM, "gram_along", "grams_along"), "grams_back": (*GRAM, "gram_back", "grams_back"),
    "frechet": ONCE, "frechets": (*ONCE, "frechets"), "frechet_twice": AGAIN, "frechets_twice": (*AGAIN, "frechets_twice"),
    "frechet_again": MORE, "frechets_again": (*MORE, "frechets_again"),
    "frechet_of_singular": (ONCE[0], "frechet_of_singular"),
    "frechets_of_singular": (ONCE[0], "frechet_of_singular", "frechets_of_singular"),
    "svd_twice": SINGULAR, "svds_twice": (*SINGULAR, "svds_twice"),
}  # fmt: skip


@form(*READS, "gaps", "divisors", "both_vectors", "both_vectors_of_stack")
def in_double_precision(e: Expressions, op: Op) -> Any:
    """The matrices of a stack one after another."""
    dtype = dtype_of(op.result)
    if dtype == "float64" and op.prim not in READS:
        return None
    nodes = operands(e, op)
    if dtype != "float64":
        pairs = zip(nodes, op.operands, strict=True)
        nodes = [cast(e, n, o, "float64") if isinstance(o.type, Array) else n for n, o in pairs]
    e.modules.add("numpy")
    e.written.update((n, TEXTS.get(n, PRIMS[n].helper if n in PRIMS else "")) for n in READS.get(op.prim, ()))
    made = t.call(op.prim if op.prim in READS else e.helper(op.prim), *nodes)
    return made if dtype == "float64" else t.call(t.attribute(made, "astype"), t.dotted(f"np.{dtype}"))
