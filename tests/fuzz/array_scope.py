"""What an array program has in scope: arrays with their sizes, index arrays, masks, lists of arrays.

Invariant: the sizes are those the program runs with, so that every subscript the generator writes is valid;
what it says of layout holds whichever of its references a name was joined with.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.fuzz.expressions import Scope

Shape = tuple[int, ...]


@dataclass
class Array:
    """What is known of a name: its sizes, whether it surely is contiguous, and whether it may be written."""

    shape: Shape
    contiguous: bool = True
    writable: bool = True


@dataclass
class ArrayScope(Scope):
    """The names bound here; `arrays` are those with elements, `known` all of them.

    `indices` are integer arrays with the size they index and their length, `masks` boolean arrays with their
    length, `converted` vectors of other dtypes with theirs, `rows` lists of arrays with their least length and the shape of each element.
    """

    known: dict[str, Array] = field(default_factory=dict)
    indices: dict[str, tuple[int, int]] = field(default_factory=dict)
    masks: dict[str, int] = field(default_factory=dict)
    converted: dict[str, int] = field(default_factory=dict)
    rows: dict[str, tuple[int, Shape]] = field(default_factory=dict)

    def inner(self, loops: int = 0) -> ArrayScope:
        """The scope of a block one level deeper."""
        found = super().inner(loops)
        assert isinstance(found, ArrayScope)
        found.known, found.indices = dict(self.known), dict(self.indices)
        found.masks, found.rows = dict(self.masks), dict(self.rows)
        return found

    def hold(self, name: str, shape: Shape, *, contiguous: bool = True, writable: bool = True) -> None:
        """An array name is bound from here on."""
        self.known[name] = Array(shape, contiguous, writable)
        if 0 not in shape and name not in self.arrays:
            self.arrays.append(name)

    def of_shape(self, shape: Shape, *, written: bool = False) -> list[str]:
        """The names of arrays of this shape."""
        return [
            name
            for name, array in self.known.items()
            if array.shape == shape and (array.writable or not written)
        ]

    def writable(self, *ndims: int) -> list[str]:
        """The names of arrays with elements that may be written, of these numbers of axes or any."""
        return [
            name
            for name in self.arrays
            if self.known[name].writable and (not ndims or len(self.known[name].shape) in ndims)
        ]

    def join(self, name: str, *others: str) -> None:
        """A name may stand for what others stand for: what is known of it holds for all."""
        array = self.known[name]
        for other in others:
            array.contiguous &= self.known[other].contiguous
            array.writable &= self.known[other].writable
