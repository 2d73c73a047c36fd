"""The rule table; importing the package loads all of it."""

from s2sad.rules import (  # noqa: F401
    array_helpers,
    array_tails,
    arrays,
    complexes,
    custom,
    mathematics,
    memory,
    operators,
    special,
    ufuncs,
)
