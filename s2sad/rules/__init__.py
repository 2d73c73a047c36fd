"""The rule table; importing the package loads all of it."""

from s2sad.rules import memory, operators  # noqa: F401
