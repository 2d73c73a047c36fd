"""What an expert's Numba code is written with: reassociable addition, indices known not to be negative, selects.

`fast` compiles an adjoint, `inlined` a helper of one. Everything else is strict arithmetic, as in generated code.
"""

from __future__ import annotations

from typing import Any

from numba import njit, types
from numba.extending import intrinsic

fast = njit(error_model="numpy")
inlined = njit(error_model="numpy", forceinline=True)


@njit(forceinline=True, fastmath={"reassoc", "nsz", "contract"})
def radd(a: float, b: float) -> float:
    """a + b in a sum whose order is ours to choose, so that its loop vectorises."""
    return a + b


@intrinsic
def uidx(context: Any, index: Any) -> Any:
    """An index that is not negative: Numba leaves out the wraparound, which would keep loops scalar."""

    def generated(_: Any, builder: Any, signature: Any, args: Any) -> Any:
        return args[0]

    return types.uint64(types.int64), generated
