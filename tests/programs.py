"""The shared corpus: `PROGRAMS`, small ordinary functions with sample arguments, collected from tests/corpus.

Invariant: importing this module imports every topic once, in a fixed order, and nothing of s2sad.
"""

from tests.corpus import (
    arrays,
    branches,
    builtin_calls,
    calls,
    finance,
    found,
    loops,
    nests,
    science,
    straight,
)
from tests.corpus.registry import PROGRAMS, Program, program

TOPICS = (straight, branches, loops, nests, calls, builtin_calls, arrays, finance, science, found)

__all__ = ["PROGRAMS", "TOPICS", "Program", "program"]
