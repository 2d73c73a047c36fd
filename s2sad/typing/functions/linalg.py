"""numpy.linalg on abstract values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from s2sad.ir.core import Operand
from s2sad.rules import arrays as a_
from s2sad.rules.arrays.products import transposed
from s2sad.typing.abstract import AV, StaticAV, TupleAV
from s2sad.typing.arrays import arguments, array, static
from s2sad.typing.functions.core import Handler, numpy_function


def matrix(s: Any, found: dict[str, AV], name: str, function: str) -> Operand:
    """An argument that is a matrix or a stack of them."""
    a = array(s, found.pop(name))
    if len(a_.dims_of(a)) < 2:
        raise s.error(f"numpy.linalg.{function}() of {a.type}", "pass a matrix")
    return a


def linear_algebra(name: str, params: str) -> Handler:
    """A function of matrices that is one operation; arguments beyond them must have their default."""

    def apply(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        found = arguments(s, f"numpy.linalg.{name}", params, args, kwargs)
        operands = [matrix(s, found, "a", name)]
        if "b" in found:
            operands.append(array(s, found.pop("b")))
        left_at_default(s, found, f"numpy.linalg.{name}")
        return a_.emit(s.builder, f"numpy.linalg.{name}", *operands, hint=hint)

    return apply


def left_at_default(s: Any, found: dict[str, AV], name: str) -> None:
    for parameter in list(found):
        if static(s, found, parameter) not in (None, False, np._NoValue):
            raise s.error(f"{name}() with {parameter}= is not supported yet", "leave it out")


for _name, _params in (
    ("solve", "a b"), ("inv", "a"), ("det", "a"), ("pinv", "a rcond hermitian rtol"),
    ("matrix_rank", "a tol hermitian rtol"),
):  # fmt: skip
    numpy_function(getattr(np.linalg, _name))(linear_algebra(_name, _params))


def named_results(fn: Callable[[Any], Any], items: tuple[AV, ...]) -> TupleAV:
    """The named tuple that a function of numpy.linalg returns."""
    cls = type(fn(np.eye(1)))
    return TupleAV(items, cls, tuple(getattr(cls, "_fields", ())))


@numpy_function(np.linalg.slogdet)
def _slogdet(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.linalg.slogdet", "a", args, kwargs)
    results = a_.emit_several(s.builder, "numpy.linalg.slogdet", matrix(s, found, "a", "slogdet"))
    return named_results(np.linalg.slogdet, results)


@numpy_function(np.linalg.cholesky)
def _cholesky(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.linalg.cholesky", "a upper", args, kwargs)
    a = matrix(s, found, "a", "cholesky")
    if not static(s, found, "upper", False):
        return a_.emit(s.builder, "numpy.linalg.cholesky", a, hint=hint)
    lower = a_.emit(s.builder, "numpy.linalg.cholesky", transposed(s.builder, a))
    return transposed(s.builder, lower)


@numpy_function(np.linalg.qr)
def _qr(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.linalg.qr", "a mode", args, kwargs)
    a = matrix(s, found, "a", "qr")
    mode = static(s, found, "mode", "reduced")
    if mode not in ("reduced", "r"):
        raise s.error(f"np.linalg.qr() with mode={mode!r} has no derivative", "use mode='reduced'")
    results = a_.emit_several(s.builder, "numpy.linalg.qr", a)
    return results[1] if mode == "r" else named_results(np.linalg.qr, results)


def _symmetric(s: Any, args: list[AV], kwargs: dict[str, AV], name: str) -> tuple[Operand, ...]:
    """Eigenvalues and eigenvectors from the lower triangle, or the upper one."""
    found = arguments(s, f"numpy.linalg.{name}", "a UPLO", args, kwargs)
    a = matrix(s, found, "a", name)
    if str(static(s, found, "UPLO", "L")).upper() == "U":
        a = transposed(s.builder, a)
    return a_.emit_several(s.builder, "numpy.linalg.eigh", a)


@numpy_function(np.linalg.eigh)
def _eigh(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return named_results(np.linalg.eigh, _symmetric(s, args, kwargs, "eigh"))


@numpy_function(np.linalg.eigvalsh)
def _eigvalsh(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return s.builder.rename(_symmetric(s, args, kwargs, "eigvalsh")[0], hint)  # type: ignore[no-any-return]


@numpy_function(np.linalg.eig)
def _eig(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.linalg.eig", "a", args, kwargs)
    return named_results(np.linalg.eig, a_.emit_several(s.builder, "real_eig", matrix(s, found, "a", "eig")))


@numpy_function(np.linalg.eigvals)
def _eigvals(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.linalg.eigvals", "a", args, kwargs)
    results = a_.emit_several(s.builder, "real_eig", matrix(s, found, "a", "eigvals"))
    return s.builder.rename(results[0], hint)  # type: ignore[no-any-return]


@numpy_function(np.linalg.svd)
def _svd(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.linalg.svd", "a full_matrices compute_uv hermitian", args, kwargs)
    a = matrix(s, found, "a", "svd")
    vectors = bool(static(s, found, "compute_uv", True))
    full = bool(static(s, found, "full_matrices", True)) and vectors
    left_at_default(s, found, "numpy.linalg.svd")
    results = a_.emit_several(s.builder, "numpy.linalg.svd", a, full_matrices=full)
    if not vectors:
        return s.builder.rename(results[1], hint)  # type: ignore[no-any-return]
    return named_results(np.linalg.svd, results)


def _svdvals(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.linalg.svdvals", "x", args, kwargs)
    a = matrix(s, found, "x", "svdvals")
    results = a_.emit_several(s.builder, "numpy.linalg.svd", a, full_matrices=False)
    return s.builder.rename(results[1], hint)  # type: ignore[no-any-return]


if hasattr(np.linalg, "svdvals"):
    numpy_function(np.linalg.svdvals)(_svdvals)


class OtherResultsOfLstsq:
    """Stands for the residuals, the rank and the singular values."""

    __name__ = "what numpy.linalg.lstsq() gives beside the solution"


@numpy_function(np.linalg.lstsq)
def _lstsq(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    found = arguments(s, "numpy.linalg.lstsq", "a b rcond", args, kwargs)
    a, b = matrix(s, found, "a", "lstsq"), array(s, found.pop("b"))
    left_at_default(s, found, "numpy.linalg.lstsq")
    solution = a_.emit(s.builder, "numpy.linalg.lstsq", a, b)
    return TupleAV((solution, *(StaticAV(OtherResultsOfLstsq()) for _ in range(3))))


for _fn in (np.tril, np.triu):

    def _triangle(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str, name: str = _fn.__name__) -> AV:
        found = arguments(s, f"numpy.{name}", "m k", args, kwargs)
        m = array(s, found.pop("m"))
        if len(a_.dims_of(m)) == 1:  # each row of a square one
            (n,) = a_.shape(s.builder, m)
            m = a_.emit(s.builder, "numpy.broadcast_to", m, n, n)
        return a_.emit(s.builder, f"numpy.{name}", m, hint=hint, k=static(s, found, "k", 0))

    numpy_function(_fn)(_triangle)
