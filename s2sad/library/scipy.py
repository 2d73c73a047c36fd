"""Functions of scipy.special that are made of others."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.library.operation import Operation, refuse

log_sum_exp, weighted = Operation("scipy.special.logsumexp"), Operation("weighted_logsumexp")


def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: Any = False, return_sign: Any = False
) -> Any:
    if return_sign:
        refuse(
            "scipy.special.logsumexp() with return_sign=True is not supported",
            "take the sum's logarithm itself",
        )
    if b is None:
        return log_sum_exp(a, axis=axis, keepdims=keepdims)
    a, b = np.broadcast_arrays(a, b)
    return weighted(a, b, axis=axis, keepdims=keepdims)


NAMED: list[tuple[Any, str]] = [(logsumexp, "scipy.special.logsumexp")]
