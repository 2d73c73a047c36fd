"""Python's functions of sequences that compare their elements."""

from __future__ import annotations

from typing import Any

import numpy as np


def sorted_numbers(a: Any, reverse: Any) -> Any:
    found = np.sort(np.asarray(a))  # of equal numbers it does not matter which is which
    return list(found[::-1]) if reverse else list(found)


def order_by(a: Any, key: Any, reverse: Any) -> Any:
    """The numbers of the elements in the order of their keys; of equal ones, the first is first, downwards too."""
    n = len(a)
    keys = np.array([key(a[i]) for i in range(n)])
    if reverse:
        return n - 1 - np.argsort(keys[::-1], kind="stable")[::-1]
    return np.argsort(keys, kind="stable")


def greatest_by(a: Any, key: Any) -> Any:
    """The first of the elements whose key is greatest."""
    best = a[0]
    most = key(best)
    for i in range(1, len(a)):
        found = key(a[i])
        if found > most:
            best = a[i]
            most = found
    return best


def least_by(a: Any, key: Any) -> Any:
    """The first of the elements whose key is least."""
    best = a[0]
    least = key(best)
    for i in range(1, len(a)):
        found = key(a[i])
        if found < least:
            best = a[i]
            least = found
    return best


def holds(a: Any, value: Any) -> Any:
    for e in a:
        if e == value:
            return True
    return False
