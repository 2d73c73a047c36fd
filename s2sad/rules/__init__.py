"""The rule table; importing the package loads all of it."""

from s2sad.rules import array_helpers, arrays, custom, mathematics, memory, operators, ufuncs  # noqa: F401
