"""Copies of whole arrays in place of the elements that a nest of loops reads of them.

Where an array is written between the turns of an outer loop and read element by element within one, as positions are
in a simulation, one copy a turn is there for all that the elements go into: the loops store nothing of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s2sad.ir.core import Op, Value

if TYPE_CHECKING:
    from s2sad.transform.reverse.core import Reverse


def copied_load(r: Reverse, op: Op) -> Op | None:
    """A load of an element that changes later as one of a copy, taken before the loops that read all of the array."""
    nest = r.final_reads.nest_that_reads(op)
    a = op.operands[0]
    if nest is None or not isinstance(a, Value) or r.aliases.find(a) in r.shared:
        return None
    key = (a, nest)
    copy = r.copies.get(key)
    if copy is None:
        copy = r.copies[key] = Value(a.hint, a.type)
        r.home[copy] = r.home_of(nest)
        r.waiting[copy] = (nest, Op("copy", (a,), (copy,), nest.loc))
    return Op("load", (copy, *op.operands[1:]), op.results, op.loc)


def take(r: Reverse, copy: Value) -> None:
    """The copy is asked for: the forward sweep makes it."""
    nest, op = r.waiting.pop(copy)
    r.extras.before[nest].append(op)
    r.sites[copy] = r.extras.before[nest]
