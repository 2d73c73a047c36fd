"""s2sad: source-to-source automatic differentiation of Python functions."""

from typing import TYPE_CHECKING, Any

from s2sad.api import grad, hessian, hvp, jacfwd, jacobian, jacrev, value_and_grad
from s2sad.errors import (
    CheckError,
    JitError,
    MissingRuleError,
    NotDifferentiableError,
    S2sadError,
    SignatureError,
    SourceError,
    UnsupportedSyntaxError,
)
from s2sad.markers import stop_gradient

if TYPE_CHECKING:
    from s2sad.custom import custom_rule
    from s2sad.derivative import Derivative
    from s2sad.modes import jvp, vjp
    from s2sad.testing import check_grad

__version__ = "0.1.0"
__all__ = [
    "CheckError",
    "Derivative",
    "JitError",
    "MissingRuleError",
    "NotDifferentiableError",
    "S2sadError",
    "SignatureError",
    "SourceError",
    "UnsupportedSyntaxError",
    "check_grad",
    "custom_rule",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]


# what needs the compiler, which takes longer to load than NumPy: loaded when it is first named
_LATER = {
    "Derivative": "derivative",
    "check_grad": "testing",
    "custom_rule": "custom",
    "jvp": "modes",
    "vjp": "modes",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, getattr(import_module(f"{__name__}.{_LATER[name]}"), name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
