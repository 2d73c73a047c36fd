"""NumPy products on abstract values."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.rules import arrays as a_
from s2sad.typing.abstract import AV
from s2sad.typing.arrays import array
from s2sad.typing.functions.core import numpy_function


@numpy_function(np.matmul)
def _matmul(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    return a_.emit(s.builder, "matmul", array(s, args[0]), array(s, args[1]), hint=hint)


@numpy_function(np.dot, method="dot")
def _dot(s: Any, args: list[AV], kwargs: dict[str, AV], hint: str) -> AV:
    a, b = array(s, args[0]), array(s, args[1])
    x, y = a_.dims_of(a), a_.dims_of(b)
    if not x or not y:
        return s.builder.emit("mul", a, b, hint=hint)  # type: ignore[no-any-return]
    if len(y) <= 2:
        return a_.emit(s.builder, "matmul", a, b, hint=hint)
    raise s.error(
        "np.dot() with an array of more than two axes is not supported yet", "use np.einsum or np.tensordot"
    )
