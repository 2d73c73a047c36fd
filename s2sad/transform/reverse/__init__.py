"""Reverse mode: one module a construct."""

from s2sad.transform.reverse import branches, loops, memory  # noqa: F401
from s2sad.transform.reverse.core import Reverse, Sweeps

__all__ = ["Reverse", "Sweeps"]
