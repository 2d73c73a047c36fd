"""What each call of the catalogue gives: memory of its own, its argument, or a view of it.

The result of each call is written, and read beside its arguments; then an argument is written, and the result read. Where a
copy is taken for the array itself, or the array for a copy, the value, the gradient or the caller's data are wrong.
A refusal passes.
"""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest

from s2sad.errors import S2sadError, VerifierError
from tests.array_checks import Case, check, function_of
from tests.array_table import MODULES, TABLE
from tests.catalogue_table import ARRAYS

RESULT = """\
def f({params}):
    {before}
    y = {result}
    y[{cell}] = 5.0 * a[{first}]
    return np.sum(np.sin(a)) + np.sum(a * a) + np.sum(y * y)
"""
ARGUMENT = """\
def f({params}):
    {before}
    y = {result}
    a[{first}] = 2.0 * a[{last}]
    return np.sum(np.sin(y)) + np.sum(a * a)
"""
ROWS = [row for rows in TABLE.values() for row in rows] + ARRAYS
EXTRA = [
    (text, np.array(values))
    for values in ([0.3, -0.7, 1.2, 0.4], [[0.3, -0.7], [1.2, 0.4]])
    for text in (
        "sum([a])", "sum((a,), 0.0)", "np.dot(a, 1.0)", "np.dot(2, a)", "np.inner(a, 1.0)", "np.inner(1, a)", "np.kron(1.0, a)", "np.kron(a, 1)",
        "math.prod([a])", "math.prod([a], start=1.0)", "np.block([a])", "np.block([[a]])", "a * 1", "1.0 * a", "a / 1.0", "a + 0", "0.0 + a",
        "a - 0.0", "a ** 1", "a ** 1.0", "+a", "--a", "abs(a)", "np.positive(a)", "np.conj(a)", "a.conj()", "a.conjugate()", "np.real(a)", "a.real",
        "np.atleast_1d(a)", "np.atleast_2d(a)", "np.atleast_3d(a)", "np.asarray(a)", "np.array(a)", "np.array(a, copy=False)" if False else "np.asarray(a, dtype=float)",
        "a.astype(float)", "a.astype(float, copy=False)", "np.ascontiguousarray(a)", "np.diff(a, n=0)", "np.concatenate([a])", "np.stack([a])", "np.vstack([a])",
        "np.hstack([a])", "np.column_stack([a])", "np.tile(a, 1)", "np.repeat(a, 1)", "np.roll(a, 0)", "np.pad(a, 0)", "np.squeeze(a)", "np.sum(a, axis=())", "np.rot90(a[None] if a.ndim == 1 else a, 0)",
        "np.rot90(a[None] if a.ndim == 1 else a, 4)", "np.broadcast_to(a, a.shape)", "np.broadcast_arrays(a, a)[0]", "np.split(a, 1)[0]", "np.array_split(a, 1)[0]", "np.trim_zeros(a.reshape(-1))",
        "np.einsum('...->...', a)", "np.transpose(a)", "a.T.T", "a[...]", "a[:]", "a.copy()", "np.copy(a)", "a.flatten()", "a.ravel()", "a.reshape(-1)", "a.reshape(2, 2)", "np.round(a, 3)",
        "np.nan_to_num(a)", "np.nan_to_num(a, copy=True)", "np.clip(a, None, 9.0)", "np.where(True, a, 0.0)", "np.minimum(a, 9.0)", "np.real_if_close(a)", "np.flip(a)", "np.expand_dims(a, 0)",
        "np.linalg.multi_dot([a, np.eye(len(a))])", "np.take(a, np.arange(len(a)), axis=0)", "np.compress([True] * len(a), a, axis=0)", "np.delete(a, [], axis=0)", "np.insert(a, 0, a[0], axis=0)",
        "np.append(a, [])", "np.resize(a, a.shape)", "np.triu(a)", "np.tril(a, 9)", "np.meshgrid(a)[0]", "np.meshgrid(a, a, copy=False)[0]", "np.swapaxes(a, 0, 0)", "np.moveaxis(a, 0, 0)", "np.sort(a)", "np.cumsum(a, axis=0)",
        "np.float64(a)", "np.fft.fftshift(a)", "np.unwrap(a)", "np.gradient(a)[0]", "np.require(a)", "np.lib.stride_tricks.sliding_window_view(a, 1, axis=0)", "np.apply_along_axis(lambda t: t, 0, a)",
        "functools.reduce(lambda p, q: p + q, [a])", "max([a], key=lambda t: t[0])" if False else "next(iter([a]))", "(lambda t: t)(a)", "np.vectorize(lambda t: t)(a)", "np.maximum.reduce([a])",
        "np.add.reduce([a])", "np.sum([a], axis=0)", "np.mean([a], axis=0)", "np.array([a])", "np.asarray([a])", "np.vstack((a, a))[:2]", "np.dstack([a])", "np.outer(1.0, a)", "np.multiply.outer(1.0, a)", "np.tensordot(1.0, a, axes=0)",
        "np.einsum('i...->i...', a)", "np.einsum(',...->...', 1.0, a)", "np.select([True], [a])", "np.choose(0, [a])", "np.ediff1d(a)", "np.interp(a, [-9.0, 9.0], [-9.0, 9.0])", "np.array_split(a, 2)[1]", "np.subtract(a, 0.0)", "np.convolve(a.reshape(-1), [1.0])",
    )
] + [
    ("np.linalg.matrix_power(a, 1)", np.array([[0.3, -0.7], [1.2, 0.4]])), ("np.diagonal(a)", np.array([[0.3, -0.7], [1.2, 0.4]])), ("a.diagonal().copy()", np.array([[0.3, -0.7], [1.2, 0.4]])),
    ("np.einsum('ii->i', a)", np.array([[0.3, -0.7], [1.2, 0.4]])), ("np.einsum('ij->ji', a)", np.array([[0.3, -0.7], [1.2, 0.4]])), ("np.einsum('ij->ij', a)", np.array([[0.3, -0.7], [1.2, 0.4]])), ("np.diag(a)", np.array([[0.3, -0.7], [1.2, 0.4]])),
    ("np.linalg.diagonal(a)", np.array([[0.3, -0.7], [1.2, 0.4]])), ("np.linalg.matrix_power(a, n)", np.array([[0.3, -0.7], [1.2, 0.4]]), 1), ("np.diff(a, n=b)", np.array([0.3, -0.7, 1.2, 0.4]), 0), ("np.rot90(a, b)", np.array([[0.3, -0.7], [1.2, 0.4]]), 0),
    ("np.triu(a, -5)", np.array([[0.3, -0.7], [1.2, 0.4]])), ("np.linalg.multi_dot([a, a])", np.array([[0.3, -0.7], [1.2, 0.4]])),
]  # fmt: skip


def program(form: str, text: str, args: tuple[object, ...]):
    """A program that writes one and reads the other; None where NumPy cannot run it."""
    import functools
    import math

    *before, result = text.replace("; ", "\n").split("\n")
    a = args[0]
    if not isinstance(a, np.ndarray) or a.dtype != np.float64 or a.size < 2:
        return None
    names = {"np": np, "math": math, "functools": functools, "operator": __import__("operator"), **MODULES}
    params = ", ".join("abcd"[: len(args)])
    try:
        y = function_of(
            f"def f({params}):\n    " + "\n    ".join([*before, f"return {result}"]) + "\n", names
        )(*copy.deepcopy(args))
    except Exception:
        return None
    if not (isinstance(y, np.ndarray) and y.size and y.dtype == np.float64 and y.ndim):
        return None
    source = form.format(
        params=params, before="\n    ".join(before), result=result, cell=", ".join(["0"] * y.ndim),
        first=", ".join(["0"] * a.ndim), last=", ".join(["-1"] * a.ndim),
    )  # fmt: skip
    source = "".join(line for line in source.splitlines(True) if line.strip())
    f = function_of(source, names)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return f if np.isfinite(f(*copy.deepcopy(args))) else None
    except Exception:
        return None


CASES = [
    (kind, row[0], f, row[1:])
    for row in [*EXTRA, *ROWS]
    for kind, form in (("result", RESULT), ("argument", ARGUMENT))
    if "array_equiv" not in row[0]  # which differences change
    and (f := program(form, row[0], tuple(row[1:]))) is not None
]
SAMPLED = 2 * len(EXTRA)
PARAMETERS = [
    pytest.param(
        case, id=f"{case[0]} written: {case[1]}", marks=() if k < SAMPLED or k % 4 == 0 else pytest.mark.slow
    )
    for k, case in enumerate(CASES)
]


@pytest.mark.parametrize("case", PARAMETERS)
def test_written(case):
    _, _, f, args = case
    try:
        check(Case(f, tuple(args), rtol=5e-5, atol=1e-5), levels=(2,))
    except VerifierError:  # an error of ours is no refusal
        raise
    except S2sadError as refusal:
        pytest.skip(str(refusal).splitlines()[0])
