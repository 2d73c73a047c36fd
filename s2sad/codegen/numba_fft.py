"""Discrete Fourier transforms for Numba, which has none: of vectors, and along the axes of arrays.

Powers of 2: Cooley & Tukey (1965), "An algorithm for the machine calculation of complex Fourier series"; other lengths:
Bluestein (1970), "A linear filtering approach to the computation of discrete Fourier transform".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s2sad.codegen import loop_nests as nests
from s2sad.codegen.numba_arrays import form, helper, operands, rank
from s2sad.codegen.numba_rearranging import moved
from s2sad.ir.core import Op
from s2sad.rules.arrays.core import dtype_of

if TYPE_CHECKING:
    from s2sad.codegen.expressions import Expressions

POWER = '''def dft_of_power(x, sign):
    """The transform of a vector whose length is a power of 2."""
    y = x.copy()
    n, j = len(y), 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j |= bit
        if i < j:
            y[i], y[j] = y[j], y[i]
    half = 1
    while half < n:
        for k in range(half):
            angle = sign * np.pi * k / half
            w = complex(np.cos(angle), np.sin(angle))
            for i in range(k, n, 2 * half):
                t = w * y[i + half]
                y[i + half] = y[i] - t
                y[i] += t
        half *= 2
    return y
'''
DFT = '''def dft(x, sign):
    """The sums of x[k] * exp(sign * 2j * pi * j * k / n)."""
    n = len(x)
    if n & (n - 1) == 0:
        return dft_of_power(x, sign)
    m = 1
    while m < 2 * n - 1:
        m *= 2
    turned = np.empty(n, np.complex128)
    for k in range(n):
        angle = sign * np.pi * (k * k % (2 * n)) / n
        turned[k] = complex(np.cos(angle), np.sin(angle))
    u, v = np.zeros(m, np.complex128), np.zeros(m, np.complex128)
    u[:n] = x * turned
    v[:n] = np.conj(turned)
    for k in range(1, n):
        v[m - k] = v[k]
    w = dft_of_power(dft_of_power(u, -1.0) * dft_of_power(v, -1.0), 1.0)
    return turned * w[:n] / m
'''
SCALES = {
    None: ("1.0", "1.0 / n"),
    "backward": ("1.0", "1.0 / n"),
    "forward": ("1.0 / n", "1.0"),
    "ortho": ("1.0 / np.sqrt(n)",) * 2,
}


def needed(e: Expressions) -> None:
    helper(e, ("dft_of_power", POWER))
    helper(e, ("dft", DFT))


def transform(name: str, ndim: int, axis: int, norm: str | None, dtype: str, sized: bool) -> nests.Helper:
    """np.fft.fft() and its like along an axis; `n` is how many elements the transform has."""
    i = nests.indices(ndim)
    row = nests.at("a", [":m" if k == axis else x for k, x in enumerate(i)])
    result = nests.at("y", [":" if k == axis else x for k, x in enumerate(i)])
    length = f"a.shape[{axis}]"
    inverse = name in ("ifft", "irfft")
    size = "n // 2 + 1" if name == "rfft" else "n"
    body = [] if sized else [f"n = 2 * ({length} - 1)" if name == "irfft" else f"n = {length}"]
    body += [
        f"m = min({'n // 2 + 1' if name == 'irfft' else 'n'}, {length})",
        f"scale = {SCALES[norm][inverse]}",
    ]
    shape = nests.tuple_text([size if k == axis else f"a.shape[{k}]" for k in range(ndim)])
    body += [f"y = np.empty({shape}, {nests.dtype_text(dtype)})"]
    inner = ["x = np.zeros(n, np.complex128)", f"x[:m] = {row}"]
    if name == "irfft":
        inner += ["x[0] = x[0].real", "for k in range(1, (n + 1) // 2):", "    x[n - k] = np.conj(x[k])"]
        inner += ["if n % 2 == 0 and m > n // 2:", "    x[n // 2] = x[n // 2].real"]
    found = f"dft(x, {'1.0' if inverse else '-1.0'})"
    found = {"irfft": f"{found}.real", "rfft": f"{found}[: n // 2 + 1]"}.get(name, found)
    inner.append(f"{result} = {found} * scale")
    body += [*nests.nest([(x, f"a.shape[{k}]") for k, x in enumerate(i) if k != axis], inner), "return y"]
    label = "_".join(
        [
            name,
            f"{ndim}d",
            str(axis),
            *([norm] if norm not in (None, "backward") else []),
            *(["sized"] if sized else []),
        ]
    )
    label += "" if dtype in ("complex128", "float64") else f"_{dtype}"
    return nests.function(label, "a, n" if sized else "a", f"np.fft.{name}(a, axis={axis})", body)


@form("numpy.fft.fft", "numpy.fft.ifft", "numpy.fft.rfft", "numpy.fft.irfft")
def one_axis(e: Expressions, op: Op) -> Any:
    needed(e)
    a, *n = op.operands
    name = op.prim.rpartition(".")[2]
    made = transform(name, rank(a), op.attr("axis"), op.attr("norm"), dtype_of(op.result), bool(n))
    return helper(e, made, *operands(e, op))


@form("numpy.fft.fftn", "numpy.fft.ifftn")
def several_axes(e: Expressions, op: Op) -> Any:
    """One axis after another."""
    needed(e)
    node = e.operand(op.operands[0])
    n = rank(op.operands[0])
    axes = op.attr("axes")
    for axis in range(n) if axes is None else axes:
        made = transform(
            op.prim.rpartition(".")[2][:-1], n, axis % n, op.attr("norm"), dtype_of(op.result), False
        )
        node = helper(e, made, node)
    return node


@form("numpy.fft.fftshift", "numpy.fft.ifftshift")
def shift(e: Expressions, op: Op) -> Any:
    n, axes = rank(op.operands[0]), op.attr("axes")
    axes = tuple(range(n)) if axes is None else (axes,) if isinstance(axes, int) else axes
    name = op.prim.rpartition(".")[2]
    by = "// 2" if name == "ifftshift" else "// 2 + a.shape[{0}] % 2"
    at = {k % n: f"(i{k % n} + a.shape[{k % n}] {by.format(k % n)}) % a.shape[{k % n}]" for k in axes}
    label = "_".join([name, f"{n}d", *(str(k) for k in sorted(at))])
    return helper(e, moved(label, "a", f"np.fft.{name}(a, axes)", n, {}, at), *operands(e, op))


@form("numpy.fft.fftfreq", "numpy.fft.rfftfreq")
def frequencies(e: Expressions, op: Op) -> Any:
    name = op.prim.rpartition(".")[2]
    given = len(op.operands) > 1
    scale = "(n * d)" if given else "n"
    value = "k" if name == "rfftfreq" else "(k if k < (n + 1) // 2 else k - n)"
    size = "n // 2 + 1" if name == "rfftfreq" else "n"
    body = [f"y = np.empty({size})", f"for k in range({size}):", f"    y[k] = {value} / {scale}", "return y"]
    made = nests.function(
        name + ("_of_step" if given else ""), "n, d" if given else "n", f"np.fft.{name}(n)", body
    )
    return helper(e, made, *operands(e, op))
