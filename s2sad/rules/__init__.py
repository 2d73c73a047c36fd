"""The rule table; importing the package loads all of it."""

from s2sad.rules import array_helpers, arrays, complexes, mathematics, memory, operators, special, ufuncs  # noqa: F401
