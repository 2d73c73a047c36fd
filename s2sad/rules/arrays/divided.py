"""Divided differences of a function at eigenvalues, close and equal ones too, and what derivatives make of them.

Helpers of `spectral` when its derivatives are done. They take one matrix; those of a stack are done one after another.
g, g1, g2, g3 are the function and its derivatives at each eigenvalue. Where eigenvalues are close a formula of the
derivatives, exact for polynomials of low degree, replaces the quotient, if both agree as far as the quotient can tell.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.core import Operand
from s2sad.ir.types import Array, Type
from s2sad.rules.arrays.core import Attrs, array_rule, dims_of, dtype_of
from s2sad.rules.arrays.spectral import both_vectors, mirrored, symmetric_embedding
from s2sad.rules.registry import ZERO, source


def divided_differences(w: Any, g: Any, g1: Any, g2: Any, tol: Any, kinds: Any) -> Any:
    """(g[i] - g[j]) / (w[i] - w[j]) without cancellation; at equal w nan where g is not one function of w.

    It is one only for eigenvalues of the same kind: those whose `kinds` are equal.
    """
    smooth = np.isfinite(g1) & np.isfinite(g2)
    a, b = np.where(smooth, g1, 0.0), np.where(smooth, g2, 0.0)
    c = np.where(np.isfinite(g), g, np.nan)
    h, rise = w[:, None] - w, c[:, None] - c
    middle, bend = 0.5 * (a[:, None] + a), h * (b[:, None] - b) / 12.0
    off = tol * (np.abs(c) + np.abs(w * a))  # how far rounded values may be off
    near, size = middle - bend, off[:, None] + off
    sharp = 256.0 * bend * bend * np.abs(h) <= size * np.abs(middle)  # than the quotient
    close = (np.abs(near * h - rise) <= size) & sharp & smooth[:, None] & smooth
    f = np.where(close, near, rise / np.where(h != 0.0, h, 1.0))
    same = (rise == 0.0) & (g1[:, None] == g1) & (kinds[:, None] == kinds)
    return np.where(h != 0.0, f, np.where(same, g1, np.nan))


def second_differences(k: Any, w: Any, f: Any, g2: Any, g3: Any, tol: Any, kinds: Any) -> Any:
    """(f[i, k] - f[k, j]) / (w[i] - w[j]) for one k; p and q are those of i, j, k farthest apart, m is the third."""
    j = np.arange(len(w))
    i = j[:, None]
    across = np.abs(w[i] - w[j]) >= np.maximum(np.abs(w[i] - w[k]), np.abs(w[j] - w[k]))
    first = across | (np.abs(w[i] - w[k]) >= np.abs(w[j] - w[k]))
    p, q = np.where(first, i, j), np.where(across, j, k)
    m = i + j + k - p - q
    f = np.where(np.isfinite(f), f, np.nan)
    gap, rise = w[q] - w[p], f[q, m] - f[p, m]
    whole = np.where(gap != 0.0, gap, 1.0)
    smooth = np.isfinite(g2) & np.isfinite(g3)
    a, b = np.where(smooth, g2, 0.0), np.where(smooth, g3, 0.0)
    x = (w[m] - w[p]) / whole  # a cubic from p to q, averaged over the simplex of p, m and q
    square = 3.0 * (a[q] - a[p]) - gap * (2.0 * b[p] + b[q])
    cube = gap * (b[p] + b[q]) - 2.0 * (a[q] - a[p])
    near = a[p] + gap * b[p] * (1.0 + x) / 3.0 + square * (1.0 + x + x * x) / 6.0
    near = 0.5 * (near + cube * (1.0 + x) * (1.0 + x * x) / 10.0)
    close = np.abs(near * gap - rise) <= tol * (np.abs(f[q, m]) + np.abs(f[p, m]))
    t = np.where(close & smooth[p] & smooth[q], near, rise / whole)
    same = (
        (rise == 0.0) & (g2[i] == g2[j]) & (g2[j] == g2[k]) & (kinds[i] == kinds[j]) & (kinds[j] == kinds[k])
    )
    return np.where(gap != 0.0, t, np.where(same, 0.5 * g2, np.nan))


def frechet(w: Any, v: Any, s: Any, g: Any, g1: Any, g2: Any, tol: Any, kinds: Any) -> Any:
    """The derivative along s of the function g of the matrix with eigenvalues w and eigenvectors v."""
    f = divided_differences(w, g, g1, g2, tol, kinds)
    moved = (0.5 * (s + s.T)) @ v
    x = v.T @ moved
    quiet = (
        np.sum(np.abs(moved) * np.where(g != 0.0, 1.0, 0.0), axis=0) == 0.0
    )  # vectors that nothing depends on
    nothing = np.where(np.isnan(f), quiet[:, None] & quiet, x == 0.0)
    return v @ (np.where(nothing, 0.0, f) * x) @ v.T


# fmt: off
def frechet_twice(w: Any, v: Any, s: Any, r: Any, g: Any, g1: Any, g2: Any, g3: Any, tol: Any, kinds: Any) -> Any:
    """The second derivative along s and r of the function g of the matrix with eigenvalues w and eigenvectors v."""
    f = divided_differences(w, g, g1, g2, tol, kinds)
    moved, turned = (0.5 * (s + s.T)) @ v, (0.5 * (r + r.T)) @ v
    x, z = v.T @ moved, v.T @ turned
    read = np.where(g != 0.0, 1.0, 0.0)
    still, quiet = np.sum(np.abs(moved) * read, axis=0) == 0.0, np.sum(np.abs(turned) * read, axis=0) == 0.0
    y = np.zeros_like(v)
    for k in range(len(w)):
        t = second_differences(k, w, f, g2, g3, 4.0 * tol, kinds)
        p = x[:, k].copy()[:, None] * z[k] + z[:, k].copy()[:, None] * x[k]
        unread = still[:, None] & still & still[k] | quiet[:, None] & quiet & quiet[k]
        nothing = np.where(np.isnan(t), unread, p == 0.0)
        y += np.where(nothing, 0.0, t) * p
    return v @ y @ v.T
# fmt: on


def frechets(w: Any, v: Any, s: Any, g: Any, g1: Any, g2: Any, tol: Any, kinds: Any) -> Any:
    y = np.empty_like(v)
    for i in np.ndindex(w.shape[:-1]):
        y[i] = frechet(w[i], v[i], s[i], g[i], g1[i], g2[i], tol, kinds[i])
    return y


# fmt: off
def frechets_twice(w: Any, v: Any, s: Any, r: Any, g: Any, g1: Any, g2: Any, g3: Any, tol: Any, kinds: Any) -> Any:
    y = np.empty_like(v)
    for i in np.ndindex(w.shape[:-1]):
        y[i] = frechet_twice(w[i], v[i], s[i], r[i], g[i], g1[i], g2[i], g3[i], tol, kinds[i])
    return y
# fmt: on


def higher_differences(w: Any, lower: Any, gk: Any, k: Any, tol: Any, kinds: Any) -> Any:
    """The divided differences of order k of all k + 1 eigenvalues, in one row, from those of order k - 1.

    gk is the derivative of order k. The mean of it over the eigenvalues, exact for polynomials of degree k + 1, where
    the quotient can tell no difference.
    """
    n = len(w)
    places = np.arange(n ** (k + 1))
    low = high = places // n**k
    total, factorial = gk[low], 1.0
    same = gk[low] == gk[low]
    for r in range(k):
        at = places // n**r % n
        low, high = np.where(w[at] < w[low], at, low), np.where(w[at] > w[high], at, high)
        total = total + gk[at]
        same = same & (gk[at] == gk[places // n**k]) & (kinds[at] == kinds[places // n**k])
        factorial = factorial * (r + 1.0)
    left = right = np.zeros_like(places)  # without the highest, and without the lowest
    seen_low = seen_high = np.zeros_like(places)
    for r in range(k + 1):
        at = places // n ** (k - r) % n
        drop_high, drop_low = (at == high) & (seen_high == 0), (at == low) & (seen_low == 0)
        seen_high, seen_low = np.where(drop_high, 1, seen_high), np.where(drop_low, 1, seen_low)
        left, right = np.where(drop_high, left, left * n + at), np.where(drop_low, right, right * n + at)
    gap, rise = w[high] - w[low], lower[right] - lower[left]
    near = total / ((k + 1.0) * factorial)
    close = np.abs(near * gap - rise) <= tol * (np.abs(lower[right]) + np.abs(lower[left]))
    found = np.where(close & np.isfinite(near), near, rise / np.where(gap != 0.0, gap, 1.0))
    return np.where(gap != 0.0, found, np.where(same & (rise == 0.0), gk[low] / factorial, np.nan))


def frechet_again(w: Any, v: Any, matrices: Any, jets: Any, tol: Any, kinds: Any) -> Any:
    """The derivative along three or more matrices of the function of the matrix with eigenvalues w and eigenvectors v.

    `jets` are the values of the function and of its derivatives.
    """
    n, order = len(w), matrices.shape[0]
    f = divided_differences(w, jets[0], jets[1], jets[2], tol, kinds)
    second = np.empty((n, n, n))
    for k in range(n):
        second[:, :, k] = second_differences(k, w, f, jets[2], jets[3], 4.0 * tol, kinds)
    t = second.reshape(n * n * n)
    for k in range(3, order + 1):
        t = higher_differences(w, t, jets[k], k, 4.0 ** (k - 1) * tol, kinds)
    x = np.empty((order, n, n))
    unread = np.zeros((order, n))
    for k in range(order):
        moved = (0.5 * (matrices[k] + matrices[k].T)) @ v
        x[k] = v.T @ moved
        unread[k] = np.where(
            np.sum(np.abs(moved), axis=0) * np.where(jets[0] != 0.0, 1.0, 0.0) == 0.0, 1.0, 0.0
        )
    places = np.arange(n ** (order + 1))
    quiet = np.zeros(len(places))
    for k in range(order):
        still = np.ones(len(places))
        for r in range(order + 1):
            still = still * unread[k][places // n**r % n]
        quiet = np.maximum(quiet, still)
    total = np.zeros(len(places))
    turn = np.arange(order)
    for _ in range(1000):  # all orders of the matrices
        p = np.ones(len(places))
        for r in range(order):
            p = p * x[turn[r]].copy().reshape(n * n)[places // n ** (order - r - 1) % (n * n)]
        total = total + p
        i = order - 2
        while i >= 0 and turn[i] > turn[i + 1]:
            i -= 1
        if i < 0:
            break
        j = order - 1
        while turn[j] < turn[i]:
            j -= 1
        turn[i], turn[j] = turn[j], turn[i]
        turn[i + 1 :] = turn[i + 1 :][::-1].copy()
    nothing = np.where(np.isnan(t), quiet == 1.0, total == 0.0)
    y = np.where(nothing, 0.0, t) * np.where(nothing, 0.0, total)
    return v @ np.sum(y.reshape((n, n ** (order - 1), n)), axis=1) @ v.T


def frechets_again(w: Any, v: Any, matrices: Any, jets: Any, tol: Any, kinds: Any) -> Any:
    y = np.empty_like(v)
    for i in np.ndindex(w.shape[:-1]):
        y[i] = frechet_again(w[i], v[i], matrices[i], jets[i], tol, kinds[i])
    return y


# fmt: off
def frechet_of_singular(u: Any, s: Any, vh: Any, e: Any, g: Any, g1: Any, g2: Any, tol: Any, kinds: Any) -> Any:
    """The derivative along e of (u * g) @ vh, where u, s, vh are the singular values and vectors of a matrix."""
    r = len(s)
    g, g1, g2, kinds = np.append(g, -g), np.append(g1, g1), np.append(g2, -g2), np.append(kinds, kinds)
    f = divided_differences(np.append(s, -s), g, g1, g2, tol, kinds)
    g, g1 = g[:r].copy(), g1[:r].copy()
    right, left = e @ vh.T, u.T @ e
    x = u.T @ right
    touched = np.sum(np.abs(right), axis=0) + np.sum(np.abs(left), axis=1)
    quiet = touched * np.where(g != 0.0, 1.0, 0.0) == 0.0
    even, odd = 0.5 * (x + x.T), 0.5 * (x - x.T)
    minus, plus = f[:r, :r], f[:r, r:]
    still = quiet[:, None] & quiet
    minus = np.where(np.where(np.isnan(minus), still, even == 0.0), 0.0, minus)
    plus = np.where(np.where(np.isnan(plus), still, odd == 0.0), 0.0, plus)
    y = u @ (minus * even + plus * odd) @ vh
    ratio = np.where(s != 0.0, g / np.where(s != 0.0, s, 1.0), np.where(g == 0.0, g1, np.nan))
    ratio = np.where(np.isnan(ratio) & quiet, 0.0, ratio)
    if u.shape[0] > r:
        y = y + ((right - u @ x) * ratio) @ vh
    if vh.shape[1] > r:
        y = y + u @ (ratio[:, None] * (left - x @ vh))
    return y
# fmt: on


def gram_factors(s: Any, g: Any, g1: Any, g2: Any, tol: Any, kinds: Any) -> Any:
    """The quotients of differences of g by differences and by sums of s, and g / s."""
    r = len(s)
    even, odd, even2 = np.append(g, g), np.append(g1, -g1), np.append(g2, g2)
    f = divided_differences(np.append(s, -s), even, odd, even2, tol, np.append(kinds, kinds))
    flat = (g == 0.0) & (g1 == 0.0)
    return (
        f[:r, :r],
        f[:r, r:],
        np.where(s != 0.0, g / np.where(s != 0.0, s, 1.0), np.where(flat, 0.0, np.nan)),
    )


def gram_along(u: Any, s: Any, vh: Any, e: Any, g: Any, g1: Any, g2: Any, tol: Any, kinds: Any) -> Any:
    """The derivative along e of (vh.T * g) @ vh, where u, s, vh are the singular values and vectors of a matrix."""
    minus, plus, ratio = gram_factors(s, g, g1, g2, tol, kinds)
    right, left = e @ vh.T, u.T @ e
    x = u.T @ right
    touched = np.sum(np.abs(right), axis=0) + np.sum(np.abs(left), axis=1)
    quiet = touched * np.where(g != 0.0, 1.0, 0.0) == 0.0
    still = quiet[:, None] & quiet
    even, odd = 0.5 * (x + x.T), 0.5 * (x - x.T)
    minus = np.where(np.where(np.isnan(minus), still, even == 0.0), 0.0, minus)
    plus = np.where(np.where(np.isnan(plus), still, odd == 0.0), 0.0, plus)
    y = vh.T @ (minus * even + plus * odd) @ vh
    if vh.shape[1] > len(s):
        z = vh.T @ (np.where(np.isnan(ratio) & quiet, 0.0, ratio)[:, None] * (left - x @ vh))
        y = y + z + z.T
    return y


def gram_back(u: Any, s: Any, vh: Any, e: Any, g: Any, g1: Any, g2: Any, tol: Any, kinds: Any) -> Any:
    """The derivative by the matrix of the sum of e * ((vh.T * g) @ vh)."""
    minus, plus, ratio = gram_factors(s, g, g1, g2, tol, kinds)
    moved = vh @ (0.5 * (e + e.T))
    x = moved @ vh.T
    quiet = np.sum(np.abs(moved), axis=1) * np.where(g != 0.0, 1.0, 0.0) == 0.0
    both = minus + plus
    both = np.where(np.where(np.isnan(both), quiet[:, None] & quiet, x == 0.0), 0.0, both)
    y = u @ (both * x) @ vh
    if vh.shape[1] > len(s):
        ratio = np.where(np.isnan(ratio) & quiet, 0.0, ratio)
        y = y + u @ (2.0 * ratio[:, None] * (moved - x @ vh))
    return y


# fmt: off
def svd_twice(u: Any, s: Any, vh: Any, e: Any, d: Any, g: Any, g1: Any, g2: Any, g3: Any, tol: Any, kinds: Any) -> Any:
    """The second derivative along e and d of (u * g) @ vh, as of eigenvalues of the matrix beside its transpose."""
    v, m = both_vectors(u, vh), u.shape[0]
    x, z = symmetric_embedding(e), symmetric_embedding(d)
    w, h = mirrored(s, s, v, -1.0, False), mirrored(g, s, v, -1.0, False)
    h1, h2, h3 = mirrored(g1, s, v, 1.0, True), mirrored(g2, s, v, -1.0, False), mirrored(g3, s, v, 1.0, True)
    kinds = mirrored(kinds, s, v, 1.0, False)
    return frechet_twice(w, v, x, z, h, h1, h2, h3, tol, kinds)[:m, m:].copy()
# fmt: on


def grams_along(u: Any, s: Any, vh: Any, e: Any, g: Any, g1: Any, g2: Any, tol: Any, kinds: Any) -> Any:
    y = np.empty(vh.shape[:-2] + (vh.shape[-1], vh.shape[-1]), vh.dtype)
    for i in np.ndindex(s.shape[:-1]):
        y[i] = gram_along(u[i], s[i], vh[i], e[i], g[i], g1[i], g2[i], tol, kinds[i])
    return y


def grams_back(u: Any, s: Any, vh: Any, e: Any, g: Any, g1: Any, g2: Any, tol: Any, kinds: Any) -> Any:
    y = np.empty(u.shape[:-1] + (vh.shape[-1],), vh.dtype)
    for i in np.ndindex(s.shape[:-1]):
        y[i] = gram_back(u[i], s[i], vh[i], e[i], g[i], g1[i], g2[i], tol, kinds[i])
    return y


# fmt: off
def frechets_of_singular(u: Any, s: Any, vh: Any, e: Any, g: Any, g1: Any, g2: Any, tol: Any, kinds: Any) -> Any:
    y = np.empty_like(e)
    for i in np.ndindex(s.shape[:-1]):
        y[i] = frechet_of_singular(u[i], s[i], vh[i], e[i], g[i], g1[i], g2[i], tol, kinds[i])
    return y
# fmt: on


# fmt: off
def svds_twice(u: Any, s: Any, vh: Any, e: Any, d: Any, g: Any, g1: Any, g2: Any, g3: Any, tol: Any, kinds: Any) -> Any:
    y = np.empty_like(e)
    for i in np.ndindex(s.shape[:-1]):
        y[i] = svd_twice(u[i], s[i], vh[i], e[i], d[i], g[i], g1[i], g2[i], g3[i], tol, kinds[i])
    return y
# fmt: on


def gaps(w: Any, d: Any) -> Any:
    """w[j] - w[i], to divide by: infinite for i = j. At equal w infinite where the columns i and j of d are 0, else nan."""
    h = w[..., None, :] - w[..., None]
    still = np.sum(np.abs(d), axis=-2) == 0.0
    quiet = still[..., None, :] & still[..., None]
    own = np.eye(w.shape[-1]) == 1.0
    return np.where(h != 0.0, h, np.where(quiet | own, np.inf, np.nan).astype(h.dtype))


def divisors(s: Any, u: Any, d: Any) -> Any:
    """s to divide what lies beside the columns of u by; where it is 0 infinite if nothing does or d is 0 there, else nan."""
    quiet = np.sum(np.abs(d), axis=-2) == 0.0
    nothing = u.shape[-2] == u.shape[-1]
    return np.where(s != 0.0, s, np.where(quiet | nothing, np.inf, np.nan).astype(s.dtype))


def _like_v(attrs: Attrs, w: Operand, v: Operand, *rest: Operand) -> Type:
    return v.type


def _square_of(attrs: Attrs, w: Operand, d: Operand) -> Type:
    dims = dims_of(w)
    return Array(dtype_of(w), len(dims) + 1, (*dims, dims[-1]))


array_rule(
    "gaps", "y = gaps(w, d)", gaps, _square_of, lambda b, env: b.expand(
        "dy[..., None, :] - dy[..., None]", {"dy": env["dy"]}, "numpy.linalg"), helper=source(gaps),
    dw=lambda b, env: b.expand("sum(dy, axis=-2) - sum(dy, axis=-1)", {"dy": env["dy"]}, "numpy.linalg"), dd=ZERO,
)  # fmt: skip
array_rule(
    "divisors", "y = divisors(s, u, d)", divisors, lambda attrs, s, u, d: s.type, lambda b, env: env["dy"],
    helper=source(divisors), ds="dy", du=ZERO, dd=ZERO,
)  # fmt: skip
_fn: Any
_needs: tuple[str, ...]
for _fn in (divided_differences, second_differences, higher_differences):
    array_rule(_fn.__name__, "y = f(*xs)", _fn, _like_v, helper=source(_fn), dxs=ZERO)
OF_SINGULAR = "u, s, vh, e, g, g1, g2, tol, kinds"
TWICE_SINGULAR = "u, s, vh, e, d, g, g1, g2, g3, tol, kinds"
EMBEDDING = ("both_vectors", "symmetric_embedding", "mirrored")
TWICE = ("divided_differences", "second_differences", "frechet_twice")


def _like_e(attrs: Attrs, u: Operand, s: Operand, vh: Operand, e: Operand, *rest: Operand) -> Type:
    return e.type


def _right_square(attrs: Attrs, u: Operand, s: Operand, vh: Operand, *rest: Operand) -> Type:
    dims = dims_of(vh)
    return Array(dtype_of(vh), len(dims), (*dims[:-2], dims[-1], dims[-1]))


def _whole(attrs: Attrs, u: Operand, s: Operand, vh: Operand, *rest: Operand) -> Type:
    return Array(dtype_of(vh), len(dims_of(vh)), (*dims_of(u)[:-1], dims_of(vh)[-1]))


FRECHET = "w, v, s, g, g1, g2, tol, kinds"
AGAIN = "w, v, matrices, jets, tol, kinds"
SECOND = "w, v, s, r, g, g1, g2, g3, tol, kinds"
for _fn, _form, _needs in (
    (frechet, FRECHET, ("divided_differences",)),
    (frechet_twice, SECOND, ("divided_differences", "second_differences")),
    (frechets, FRECHET, ("divided_differences", "frechet")),
    (frechets_twice, SECOND, ("divided_differences", "second_differences", "frechet_twice")),
    (frechet_again, AGAIN, ("divided_differences", "second_differences", "higher_differences")),
    (
        frechets_again,
        AGAIN,
        ("divided_differences", "second_differences", "higher_differences", "frechet_again"),
    ),
):
    array_rule(
        _fn.__name__,
        f"y = f({_form})",
        _fn,
        _like_v,
        effect="raises",
        cost=300,
        helper=source(_fn),
        needs=_needs,
    )
for _fn, _form, _needs in (
    (frechet_of_singular, OF_SINGULAR, ("divided_differences",)),
    (svd_twice, TWICE_SINGULAR, (*TWICE, *EMBEDDING)),
    (frechets_of_singular, OF_SINGULAR, ("divided_differences", "frechet_of_singular")),
    (svds_twice, TWICE_SINGULAR, (*TWICE, *EMBEDDING, "svd_twice")),
):
    array_rule(
        _fn.__name__,
        f"y = f({_form})",
        _fn,
        _like_e,
        effect="raises",
        cost=300,
        helper=source(_fn),
        needs=_needs,
    )
GRAM = ("divided_differences", "gram_factors")
array_rule("gram_factors", "y = f(*xs)", gram_factors, _like_v, helper=source(gram_factors), dxs=ZERO)
_infer: Any
for _fn, _infer, _needs in (
    (gram_along, _right_square, GRAM),
    (gram_back, _whole, GRAM),
    (grams_along, _right_square, (*GRAM, "gram_along")),
    (grams_back, _whole, (*GRAM, "gram_back")),
):
    array_rule(
        _fn.__name__, f"y = f({OF_SINGULAR})", _fn, _infer, effect="raises", cost=300, helper=source(_fn), needs=_needs
    )  # fmt: skip
