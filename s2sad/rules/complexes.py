"""Complex numbers.

The cotangent of a complex z is ∂L/∂Re z - i ∂L/∂Im z of a real L, as in JAX, so that dL = Re(cotangent · dz): products need no
conjugates, a partial of a holomorphic function is the same text as for reals, and where a real value meets a complex one the
transforms take the real part (`projected`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s2sad.ir.types import Array, Scalar, Type
from s2sad.rules.registry import Emit, numpy_float, rule, source


def is_complex(t: Type) -> bool:
    return (
        t.dtype.startswith("complex")
        if isinstance(t, Array)
        else isinstance(t, Scalar) and t.kind == "complex"
    )


def projected(b: Any, term: Any, target: Type) -> Any:
    """A contribution to the adjoint or tangent of a real value: its real part."""
    return b.emit("numpy.real", term) if is_complex(term.type) and not is_complex(target) else term


def real_type(x: Type) -> Type:
    """The type of a real part, or of an absolute value."""
    t = numpy_float(x)
    assert isinstance(t, Scalar) and t.dtype is not None
    return Scalar("float", {"complex64": "float32", "complex128": "float64"}.get(t.dtype, t.dtype))


def inverse(r: Any) -> Any:
    """1 / r, 0 at 0."""
    return (r != 0.0) / np.where(r != 0.0, r, 1.0)


def complex_only(text: str) -> Emit:
    """A partial that is zero by real operands."""
    return lambda b, env: b.expand(text, env, "numpy") if is_complex(env["x"].type) else None


_OPTIONS: dict[str, Any] = {"effect": "none", "cost": 1, "broadcasts": True}
rule(np.real, "y = real(x)", name="numpy.real", infer=real_type, dx="dy", **_OPTIONS)
rule(np.imag, "y = imag(x)", name="numpy.imag", infer=real_type, dx=complex_only("dy / 1j"), **_OPTIONS)
rule(np.conj, "y = conj(x)", name="numpy.conj", infer=numpy_float, dx="conj(dy)", **_OPTIONS)
rule(
    np.angle,
    "y = angle(x)",
    name="numpy.angle",
    infer=real_type,
    dx=complex_only("dy * inverse(1j * x)"),
    **_OPTIONS,
)
rule(
    inverse,
    "y = inverse(r)",
    name="s2sad.inverse",
    infer=numpy_float,
    helper=source(inverse),
    dr="-y * y * dy",
    **_OPTIONS,
)


def absolute_partial(b: Any, env: Any) -> Any:
    """sign(x), or of complex numbers the conjugate of x / |x|; 0 at 0."""
    text = "inverse(y) * dy * conj(x)" if is_complex(env["x"].type) else "sign(x) * dy"
    return b.expand(text, env, "numpy")
