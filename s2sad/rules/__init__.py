"""The rule table; importing the package loads all of it."""

from s2sad.rules import mathematics, memory, operators, ufuncs  # noqa: F401
