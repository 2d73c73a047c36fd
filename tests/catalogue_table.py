"""A call of each function of the catalogue that `tests.array_table` has none of: its name, a text of code, its arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.array_table import ABOVE, INTS, POSITIVE, UNIT, V, W, X, Y, normal

REGULAR = normal(3, 3) + 3.0 * np.eye(3)
DEFINITE = REGULAR @ REGULAR.T
B = normal(3)
FRACTIONS = np.abs(UNIT) * 0.9 + 0.05
TALL = normal(4, 3)
A2, A3 = normal(2), normal(2, 3)

# operators and functions of numbers: the text, the operands
NUMBERS: dict[str, tuple[Any, ...]] = {
    "a + b": (0.4, 1.3), "a - b": (0.4, 1.3), "a * b": (0.4, 1.3), "a / b": (0.4, 1.3), "a // b * a": (4.4, 1.3), "a % b": (4.4, 1.3),
    "a**b": (0.4, 1.3), "-a": (0.4,), "+a * a": (0.4,), "(a < b) * a": (0.4, 1.3), "(a <= b) * a": (0.4, 1.3), "(a > b) * a": (1.4, 1.3),
    "(a >= b) * a": (1.4, 1.3), "(a == b) * a": (1.3, 1.3), "(a != b) * a": (0.4, 1.3), "a if b is None else a * b": (0.4, 1.3),
    "a if b is not None else a * b": (0.4, 1.3), "a if not b else a * b": (0.4, 1.3), "a * (b & 6)": (0.4, 3), "a * (b | 6)": (0.4, 3),
    "a * (b ^ 6)": (0.4, 3), "a * (b << 2)": (0.4, 3), "a * (b >> 1)": (0.4, 3), "a * ~b": (0.4, 3),
    "float(a) * a": (0.4,), "int(a) * a": (3.4,), "bool(a) * a": (0.4,), "round(a, 1) + a": (0.44,), "abs(a)": (-0.4,), "complex(a, 1.0).real": (0.4,),
    "max(a, b)": (0.4, 1.3), "min(a, b)": (0.4, 1.3), "pow(a, b)": (0.4, 1.3), "p, q = divmod(a, b); p * a + q": (4.4, 1.3),
    **{f"math.{f}(a)": (0.4,) for f in "exp exp2 expm1 log1p log2 log10 log sqrt cbrt sin cos tan asin acos atan sinh cosh tanh asinh atanh degrees radians fabs gamma lgamma erf erfc".split()},
    **{f"math.{f}(a) + a * a": (1.4,) for f in "floor ceil trunc isfinite isinf isnan ulp".split()}, "math.acosh(a)": (1.4,),
    **{f"math.{f}(a, b)": (4.4, 1.3) for f in "pow atan2 hypot copysign fmod remainder log".split()}, "math.nextafter(a, 1.0)": (0.4,),
    "math.isclose(a, b) + a * b": (0.4, 1.3), "math.ldexp(a, 3)": (0.4,), **{f"a * math.{f}(b)": (0.4, 5) for f in "factorial isqrt".split()},
    **{f"a * math.{f}(b, 2)": (0.4, 6) for f in "gcd lcm comb perm".split()}, "math.fsum([a, b, a * b])": (0.4, 1.3), "math.prod([a, b, a])": (0.4, 1.3),
    "s = sorted([a, b, a * b]); s[0] * s[1]": (0.4, 1.3), "math.dist((a, b), (1.0, a))": (0.4, 1.3), "p, q = math.modf(a); p * q": (2.4,), "m, e = math.frexp(a); m * e": (2.4,), "all((a > 0, b > 0)) * a": (0.4, 1.3),
    "any((a > 0, b > 2)) * a": (0.4, 1.3), "sum((a, b, a * b))": (0.4, 1.3), "sum(map(math.sin, (a, b)))": (0.4, 1.3), "sum(filter(lambda p: p > 0.5, (a, b, a * b)))": (0.4, 1.3),
    **{f"s = a; s = sum([p * q for p, q in {t}]); s": (0.4, 1.3) for t in ("zip((a, b), (b, a))", "enumerate((a, b))")},
    "s = [a, b, a * b]; s[len(s) - 1]": (0.4, 1.3), "s = 0.0\nfor p in reversed((a, b)):\n    s = s * p + p\ns": (0.4, 1.3), "s = 0.0\nfor k in range(3):\n    s = s * a + k\ns": (0.4,),
    "s = list((a, b)); s[0] * s[1]": (0.4, 1.3), "s = tuple([a, b]); s[0] * s[1]": (0.4, 1.3), "s = dict(p=a, q=b); s['p'] * s['q']": (0.4, 1.3),
    "a if isinstance(a, float) else 0.0": (0.4,), "a if not callable(a) else 0.0": (0.4,),
    **{f"operator.{f}(a, b) * a": (4.4, 1.3) for f in "add eq floordiv ge gt le lt mod mul ne pow sub truediv".split()}, "operator.neg(a)": (0.4,), "operator.pos(a) * a": (0.4,),
    "print(); a * a": (0.4,), "a * len(str(3))": (0.4,), "a * len(repr(3))": (0.4,), "a * len(ascii(3))": (0.4,), "a * len(format(3, 'd'))": (0.4,), "s = [a, a * a]; s[slice(0, 1)][0]": (0.4,),
}  # fmt: skip

ARRAYS: list[tuple[Any, ...]] = [
    ("np.dot(a, b)", X, V), ("np.inner(a, b)", X, V), ("np.outer(a, b)", V, B), ("np.vdot(a, b)", V, V[::-1].copy()), ("np.matmul(a, b)", X, V), ("np.kron(a, b)", B, A2),
    ("np.tensordot(a, b, axes=([1], [1]))", X, Y), ("np.einsum('ij,kj->ik', a, b)", X, Y), ("np.trace(a)", REGULAR), ("np.cross(a, b)", B, B[::-1].copy()), ("np.convolve(a, b)", V, B),
    ("np.correlate(a, b)", V, B), ("np.vecdot(a, b)", X, Y), ("np.tril(a)", X), ("np.triu(a, 1)", X), ("np.tri(3) @ a", REGULAR), ("a.trace()", REGULAR), ("np.logical_and.reduce(a > 0) + a", V),
    ("np.logical_or.reduce(a > 0) + a", V), ("a * np.gcd(b, 2)", V, INTS), ("a * np.lcm(b, 2)", V, INTS), ("np.polyval(a, b)", B, V), ("np.polyfit(a, b, 2)", V, X[0, :1] * V**2 + 0.3 * V[::-1]), ("np.polyder(a, 2)", V), ("np.polyint(a)", V), ("np.polymul(a, b)", V, B), ("np.array_equiv(a, b) + a * b", V, V.copy()),
    ("a * np.greater_equal(a, b)", V, V[::-1].copy()), ("a * np.less(a, b)", V, V[::-1].copy()), *((f"a * np.{t}(b)", 0.4, 3) for t in "bool_ float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()),
    ("np.histogram_bin_edges(a, 3)", V), ("np.row_stack([a, b])", V, V.copy()), ("a[np.tril_indices_from(a)]", REGULAR), ("p, q = np.unstack(np.stack([a, a * a])); p * q", X), ("(a > 0).all() + a", V), ("(a > 0).any() + a", V),
    ("a.argpartition(2) * a", V), ("a.conjugate() * a", V), ("s = [a, a * a]; r = s.copy(); r[1] * s[0]", 0.4), ("s = [a]; s.extend([a * a]); s[1]", 0.4),
    ("s = 0.0\nfor i, j in np.ndindex(3, 4):\n    s = s + a[i, j] * i\ns", X), ("s = 0.0\nfor (i, j), v in np.ndenumerate(a):\n    s = s + v * i\ns", X), ("a.searchsorted(0.5) + a", np.sort(V)),
    ("np.isneginf(a) + a", V), ("np.isposinf(a) + a", V), ("np.iscomplexobj(a) + a", V), ("np.isrealobj(a) + a", V), ("y = a * 1; y.partition(2); y[2]", W), ("np.unique_values(a)", V),
    *((f"np.linalg.{f}(a)", REGULAR) for f in "inv det pinv norm cond svdvals".split()), ("np.linalg.solve(a, b)", REGULAR, B), ("np.linalg.lstsq(a, b)[0]", TALL, V),
    ("np.linalg.cholesky(a @ a.T)", REGULAR), ("s, d = np.linalg.slogdet(a); s * d", REGULAR), ("np.linalg.matrix_rank(a) * a", REGULAR), ("q, r = np.linalg.qr(a); np.sum(q) + r", REGULAR),
    ("w, v = np.linalg.eigh(a + a.T); w + v * v", REGULAR), ("np.linalg.eigvalsh(a + a.T)", REGULAR), ("np.linalg.eigvals(a)", DEFINITE), ("w, v = np.linalg.eig(a); w * 2.0", DEFINITE), ("u, s, v = np.linalg.svd(a, full_matrices=False); s + u * u", REGULAR),
    ("np.linalg.multi_dot([a, b, c])", REGULAR, REGULAR.T.copy(), B), ("np.linalg.matrix_power(a, 3) / 30.0", REGULAR), ("np.linalg.tensorinv(a, ind=1)", REGULAR), ("np.linalg.tensorsolve(a, b)", REGULAR, B),
    ("np.linalg.matrix_norm(a)", REGULAR), ("np.linalg.vector_norm(a, axis=0)", REGULAR), ("np.linalg.vecdot(a, b)", X, Y), ("np.linalg.diagonal(a)", REGULAR), ("np.linalg.cross(a, b)", B, B[::-1].copy()), ("np.linalg.matrix_transpose(a)", X),
    *((f"np.abs(np.fft.{f}(a))", W) for f in "fft ifft rfft fftshift ifftshift".split()), ("np.fft.irfft(a, 6)", V), *((f"np.abs(np.fft.{f}(a))", X) for f in "fft2 ifft2 fftn ifftn".split()),
    *((f"np.abs(np.fft.{f}(a))", X) for f in "rfft2 rfftn ihfft".split()), *((f"np.fft.{f}(a)", X) for f in "irfft2 irfftn hfft".split()), ("np.fft.irfft2(a, (2, 6), norm='ortho')", X),
    ("np.abs(np.fft.rfftn(a, (2, 6), axes=(0, 1)))", X), *((f"np.abs(np.fft.{f}2(a, s=(4, 3)))", X) for f in ("fft", "ifft")),
    *((f"y = a.copy(); np.{f}.at(y, [0, 2, 0], b); y", POSITIVE, ABOVE[:3]) for f in "multiply divide power maximum minimum".split()),
    ("y = a.copy(); np.multiply.at(y, ([0, 1, 0], [1, 1, 1]), b); y", X, B),
    ("y = a.copy(); np.maximum.at(y, (slice(None), 1), 0.3); y", X),
    ("np.fft.fftfreq(4) * a", V), ("np.fft.rfftfreq(6) * a", V),
    *((f"scipy.special.{f}(a)", V) for f in "erf erfc erfi erfcx dawsn ndtr log_ndtr expit log_expit exp2 exp10 expm1 cosm1 exprel cbrt j0 j1 i0 i1 i0e i1e softmax log_softmax logsumexp".split()),
    *((f"scipy.special.{f}(a)", FRACTIONS) for f in "erfinv erfcinv ndtri logit ellipk ellipe log1p entr".split()),
    *((f"scipy.special.{f}(a)", ABOVE) for f in "gamma rgamma gammaln loggamma digamma psi y0 y1 k0 k1 k0e k1e".split()), ("scipy.special.lambertw(a).real", POSITIVE),
    *((f"scipy.special.{f}(a, b)", POSITIVE, ABOVE) for f in "beta betaln xlogy xlog1py rel_entr kl_div".split()), *((f"scipy.special.{f}(2.5, a)", ABOVE) for f in "jv yv iv ive kv kve gammainc gammaincc zeta".split()),
    *((f"scipy.special.{f}(2, a)", ABOVE) for f in "jn yn kn polygamma".split()), ("scipy.special.betainc(2.0, 3.5, a)", FRACTIONS), ("scipy.special.hyp1f1(1.5, 2.5, a)", V),
    ("scipy.special.elliprd(0.5, 1.0, 2.0) * a", V), *((f"scipy.linalg.{f}(a)", REGULAR) for f in "inv det pinv norm expm".split()), ("scipy.linalg.solve(a, b)", REGULAR, B), ("scipy.linalg.solve_triangular(a, b)", REGULAR, B),
    ("scipy.linalg.cholesky(a @ a.T)", REGULAR), ("scipy.linalg.cho_solve(scipy.linalg.cho_factor(a @ a.T), b)", REGULAR, B), ("w, v = scipy.linalg.eigh(a + a.T); w + v * v", REGULAR), ("scipy.linalg.eigvalsh(a + a.T)", REGULAR),
    *((f"scipy.stats.norm.{f}(a, 0.2, 1.3)", V) for f in "pdf logpdf cdf logcdf sf logsf".split()), *((f"scipy.stats.expon.{f}(a, scale=1.3)", POSITIVE) for f in "pdf logpdf cdf logcdf sf logsf".split()),
    *((f"scipy.stats.gamma.{f}(a, 2.0, scale=1.3)", POSITIVE) for f in "pdf logpdf cdf logcdf sf logsf".split()), *((f"scipy.stats.beta.{f}(a, 2.0, 3.0)", FRACTIONS) for f in "pdf logpdf cdf logcdf sf logsf".split()), *((f"scipy.stats.t.{f}(a, 3.0)", V) for f in "pdf logpdf cdf logcdf sf logsf".split()),
    *((f"scipy.stats.poisson.{f}(3, a)", POSITIVE) for f in "pmf logpmf cdf logcdf sf logsf".split()), ("scipy.special.stdtr(2.5, a)", V), *((f"scipy.stats.multivariate_normal.{f}(a, b, c)", A2, np.zeros(2), np.eye(2) * 1.5) for f in "pdf logpdf cdf logcdf".split()),
]  # fmt: skip

# operators as they stand in a text above, where not as the catalogue has them
TURNED = {
    "a is b": "b is None", "a is not b": "b is not None", "not a": "not b", "a & b": "b & 6", "a | b": "b | 6", "a ^ b": "b ^ 6", "a << b": "b << 2",
    "a >> b": "b >> 1", "~a": "~b",
}  # fmt: skip
