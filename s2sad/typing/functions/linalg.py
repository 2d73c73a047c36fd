"""numpy.linalg on abstract values."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.rules import arrays as a_
from s2sad.typing.abstract import AV, TupleAV
from s2sad.typing.arrays import arguments, array, static
from s2sad.typing.functions.core import Handler, numpy_function


def linear_algebra(name: str) -> Handler:
    def apply(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
        if kwargs:
            raise s.error(f"numpy.linalg.{name}() with keywords is not supported yet", "leave them out")
        return a_.emit(s.builder, f"numpy.linalg.{name}", *(array(s, a) for a in args), hint=hint)

    return apply


for _name in ("solve", "inv", "det", "cholesky"):
    numpy_function(getattr(np.linalg, _name))(linear_algebra(_name))


@numpy_function(np.linalg.slogdet)
def _slogdet(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a = array(s, args[0])
    return TupleAV((a_.emit(s.builder, "sign_det", a), a_.emit(s.builder, "log_abs_det", a)))


for _fn in (np.tril, np.triu):

    def _triangle(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str, name: str = _fn.__name__) -> AV:
        found = arguments(s, f"numpy.{name}", "m k", args, kwargs)
        return a_.emit(
            s.builder, f"numpy.{name}", array(s, found.pop("m")), hint=hint, k=static(s, found, "k", 0)
        )

    numpy_function(_fn)(_triangle)
