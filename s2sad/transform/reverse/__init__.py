"""Reverse mode: one module a construct."""

from s2sad.transform.reverse import arrays, branches, calls, loops, memory  # noqa: F401
from s2sad.transform.reverse.calls import Callees
from s2sad.transform.reverse.core import Reverse, Sweeps, ready

__all__ = ["Callees", "Reverse", "Sweeps", "ready"]
