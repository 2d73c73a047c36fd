"""s2sad: source-to-source automatic differentiation of Python functions."""

import s2sad.rules  # noqa: F401  (loads the rule table)
from s2sad.api import grad, hessian, hvp, jacfwd, jacobian, jacrev, stop_gradient, value_and_grad
from s2sad.custom import custom_rule
from s2sad.derivative import Derivative
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
