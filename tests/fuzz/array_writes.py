"""Random writes to arrays: elements, slices, masks, index arrays, whole arrays, results of functions.

Invariant: a write keeps the sizes of what it writes to, and all values moderate.
"""

from __future__ import annotations

import re

from tests.fuzz.array_parts import ArrayParts
from tests.fuzz.array_scope import ArrayScope, Shape


def assigned(cells: str, value: str) -> str:
    """An assignment; of a view with other steps, a copy: NumPy reads what it has just written there."""
    view = re.fullmatch(r"\(*\w+(\[[^\]]*\])+\)*", value)
    named = re.fullmatch(r"\(*w\d+(\[[^\]]*\])*\)*", value)  # a view, whose steps the text does not tell
    return f"{cells} = {value}" + (".copy()" if named or (view and "::" in cells + value) else "")


class ArrayWrites(ArrayParts):
    """Statements that write arrays in place."""

    def target_array(self, scope: ArrayScope, *ndims: int) -> str:
        """An array that may be written; where none has these numbers of axes, the empty text."""
        names = scope.writable(*ndims)
        return self.rng.choice(names) if names else ""

    # ------------------------------------------------------------ elements

    def element_store(self, scope: ArrayScope) -> list[str]:
        """a[i] = …, sometimes of the element itself."""
        name = self.target_array(scope)
        self.use("element-store")
        cell = f"{name}[{self.at(scope, name)}]"
        if self.chance(0.4):
            return [f"{cell} = {cell} * {self.tame(scope, 1)} + {self.expr(scope, 1)}"]
        return [f"{cell} = {self.expr(scope, 2)}"]

    def element_augmented(self, scope: ArrayScope) -> list[str]:
        """a[i] op= …"""
        name = self.target_array(scope)
        self.use("element-augmented")
        kind = self.rng.choice(["+=", "+=", "-=", "*="])
        value = self.tame(scope, 1) if kind == "*=" else self.expr(scope, 2)
        return [f"{name}[{self.at(scope, name)}] {kind} {value}"]

    def element_swapped(self, scope: ArrayScope) -> list[str]:
        """a[i], a[j] = a[j], a[i]; or two rows, by index arrays or copies."""
        matrix = self.target_array(scope, 2)
        self.use("element-swap")
        if matrix and self.chance(0.6):
            size = scope.known[matrix].shape[0]
            i, j = self.index_of(scope, size), self.index_of(scope, size)
            return [
                self.rng.choice(
                    [
                        f"{matrix}[[{i}, {j}]] = {matrix}[[{j}, {i}]]",
                        f"{matrix}[{i}], {matrix}[{j}] = {matrix}[{j}].copy(), {matrix}[{i}].copy()",
                    ]
                )
            ]
        name = self.target_array(scope)
        i, j = self.at(scope, name), self.at(scope, name)
        return [f"{name}[{i}], {name}[{j}] = {name}[{j}], {name}[{i}]"]

    # ------------------------------------------------------------ slices

    def span(self, size: int) -> tuple[str, int]:
        """A slice of an axis and its length."""
        kind = self.rng.choice(["from", "to", "both", "step", "back", "inner", "last", "all"])
        if size < 2:
            return ":", size
        start = self.rng.randrange(1, size)
        if kind == "from":
            return f"{start}:", size - start
        if kind == "to":
            return self.rng.choice([f":{start}", f":{start - size}"]), start
        if kind == "both":
            stop = self.rng.randint(start, size)
            return f"{start}:{stop}", stop - start
        if kind == "step":
            return self.rng.choice([("::2", (size + 1) // 2), ("1::2", size // 2)])
        if kind == "back":
            return self.rng.choice(
                [("::-1", size), (f"{start}::-1", start + 1), (f":{start - 1 - size}:-1", size - start)]
            )
        if kind == "inner":
            return "1:-1", size - 2
        return (":", size) if kind == "all" else (f"-{start}:", start)

    def region(self, scope: ArrayScope, name: str) -> tuple[str, Shape]:
        """A subscript that leaves an array, and its shape."""
        shape = scope.known[name].shape
        if len(shape) == 1:
            text, length = self.span(shape[0])
            return f"{name}[{text}]", (length,)
        if len(shape) == 3:
            k, p, q = shape
            i, j = self.index_of(scope, k), self.index_of(scope, q)
            return self.rng.choice(
                [(f"{name}[{i}]", (p, q)), (f"{name}[..., {j}]", (k, p)), (f"{name}[:, 0]", (k, q))]
            )
        p, q = shape
        rows, columns = self.span(p), self.span(q)
        if self.chance(0.35):
            return f"{name}[{rows[0]}, {columns[0]}]", (rows[1], columns[1])
        if self.chance(0.5):
            self.use("row-store")
            i = self.index_of(scope, p)
            if self.chance(0.5):
                return f"{name}[{i}, {columns[0]}]", (columns[1],)
            return self.rng.choice([f"{name}[{i}]", f"{name}[{i}, :]"]), (q,)
        self.use("column-store")
        return f"{name}[{rows[0]}, {self.index_of(scope, q)}]", (rows[1],)

    def slice_store(self, scope: ArrayScope) -> list[str]:
        """a[slice] = …, of the same shape, broadcast, or a number."""
        self.use("slice-store")
        cells, shape = self.region(scope, self.target_array(scope))
        roll = self.rng.random()
        if roll < 0.25:
            return [f"{cells} = {self.expr(scope, 2)}"]
        if roll < 0.4 and len(shape) > 1:
            self.use("broadcast")
            return [assigned(cells, self.narrower(scope, shape))]
        return [assigned(cells, self.whole(scope, shape))]

    def slice_augmented(self, scope: ArrayScope) -> list[str]:
        """a[slice] op= …"""
        self.use("slice-augmented")
        cells, shape = self.region(scope, self.target_array(scope))
        return [f"{cells} {self.operation(scope, shape)}"]

    def operation(self, scope: ArrayScope, shape: Shape) -> str:
        """op= and its right side."""
        kind = self.rng.choice(["+=", "+=", "-=", "*=", "/="])
        if kind == "*=":
            return f"*= {self.bounded(scope, shape)}"
        if kind == "/=":
            return f"/= 1.6 + np.sin({self.whole(scope, shape, 1)})"
        value = self.narrower(scope, shape) if self.chance(0.2) else self.whole(scope, shape, 2)
        return f"{kind} {value}"

    def overlap(self, scope: ArrayScope) -> list[str]:
        """a[1:] op= a[:-1]: what is read overlaps what is written."""
        name = self.target_array(scope, 1, 2)
        self.use("overlap")
        size = scope.known[name].shape[0]
        if size < 2:
            return self.whole_augmented(scope)
        k = self.rng.randint(1, size - 1)
        there, here = self.rng.choice(
            [(f"{k}:", f":{-k}"), (f":{-k}", f"{k}:"), ("::-1", ":"), (":", "::-1")]
        )
        source = f"{name}[{here}]"
        if self.chance(0.3):
            return [f"{name}[{there}] = {source}"]
        kind = self.rng.choice(["=", "+=", "-=", "*="])
        value = (
            f"np.sin({source})" if kind == "*=" else f"{self.constant()} * {source} * {self.tame(scope, 1)}"
        )
        return [f"{name}[{there}] {kind} {value}"]

    def running_slice(self, scope: ArrayScope) -> list[str]:
        """Slices whose bounds are a loop's variable, as in elimination or prefix sums."""
        name = self.target_array(scope, 1)
        if not name or scope.loops > 1:
            return self.slice_augmented(scope)
        self.use("running-slice")
        size, i = scope.known[name].shape[0], self.fresh("i")
        inner = scope.inner(loops=1)
        inner.ints[i] = (0, size - 1)
        other = self.rng.choice(scope.of_shape((size,)))
        forms = [
            f"{name}[{i}:] += {self.constant()} * {other}[{i}:] * {self.tame(inner, 1)}",
            f"{name}[:{i}] -= 0.3 * {other}[{i}] * {name}[:{i}]",
            f"{name}[{i}] += {self.constant()} * np.sum({other}[:{i}])",
            f"{name}[{i}] = 0.4 * {other}[{i}] + 0.2 * ({other}[: {i} + 1] @ {name}[: {i} + 1])",
            f"{name}[{i}:] = {self.rng.choice(scope.floats)} * np.sin({other}[: {size} - {i}])",
        ]
        return [f"for {i} in range({size}):", f"    {self.rng.choice(forms)}"]

    # ------------------------------------------------------------ masks and index arrays

    def masked(self, scope: ArrayScope) -> list[str]:
        """a[mask] = …, op=, with a mask computed here or an argument."""
        name = self.target_array(scope, 1, 2)
        self.use("mask-write")
        shape = scope.known[name].shape
        masks = [m for m, length in scope.masks.items() if length == shape[0]]
        lines: list[str] = []
        if masks and self.chance(0.6):
            mask = self.rng.choice(masks)
        elif self.chance(0.5):
            mask = self.fresh("m")
            test = f"{self.part(scope, shape)} {self.rng.choice('<>')} {self.constant()}"
            lines = [f"{mask} = {test}"]
            if len(shape) == 1:
                scope.masks[mask] = shape[0]
        else:
            mask = f"{name} > {self.constant()}"
        source = self.rng.choice(scope.of_shape(shape))
        here = f"{source}[{mask}]"
        forms = [
            f"{name}[{mask}] = {self.expr(scope, 1)}",
            f"{name}[{mask}] = np.sin({here}) * {self.leaf(scope)}",
            f"{name}[{mask}] += {self.constant()} * {here}",
            f"{name}[{mask}] *= {self.constant()}",
        ]
        return [*lines, self.rng.choice(forms)]

    def positions(self, scope: ArrayScope, size: int) -> tuple[str, int]:
        """An index array for an axis of this size, often with repeats, and its length."""
        known = [(name, length) for name, (limit, length) in scope.indices.items() if limit == size]
        if known and self.chance(0.7):
            return self.rng.choice(known)
        picks = [self.rng.randrange(-size, size) for _ in range(self.rng.randint(1, 4))]
        if self.chance(0.4):
            picks.append(picks[0])
        return self.rng.choice([f"{picks}", f"np.array({picks})"]), len(picks)

    def position_changed(self, scope: ArrayScope) -> list[str]:
        """An index array or a mask that was used, and may be used again, is written."""
        self.use("index-changed")
        lines: list[str] = []
        if scope.masks and self.chance(0.4):
            mask = self.rng.choice(sorted(scope.masks))
            i = self.rng.randrange(-scope.masks[mask], scope.masks[mask])
            return [
                self.rng.choice(
                    [
                        f"{mask}[{i}] = not {mask}[{i}]",
                        f"{mask}[:] = ~{mask}",
                        f"{mask}[{i}] = {self.expr(scope, 1)} > 0.3",
                    ]
                )
            ]
        if not scope.indices or self.chance(0.5):
            name = self.target_array(scope, 1, 2)
            size, *rest = scope.known[name].shape
            index = self.fresh("p")
            picks = [self.rng.randrange(size) for _ in range(self.rng.randint(1, 4))]
            scope.indices[index] = (size, len(picks))
            lines = [
                f"{index} = np.array({picks})",
                f"{name}[{index}] {self.operation(scope, (len(picks), *rest))}",
            ]
        else:
            index = self.rng.choice(sorted(scope.indices))
        size, length = scope.indices[index]
        i = self.rng.randrange(-length, length)
        form = self.rng.choice(
            [f"{index}[{i}] = {self.rng.randrange(size)}", f"{index}[{i}] = ({index}[{i}] + 1) % {size}",
             f"{index}[:] = ({index} + 1) % {size}", f"{index}[:] = {index}[::-1]"]
        )  # fmt: skip
        return [*lines, form]

    def scattered(self, scope: ArrayScope) -> list[str]:
        """a[idx] = …, a[idx] op= …: of repeated positions the last wins."""
        name = self.target_array(scope, 1, 2)
        self.use("index-write")
        size, *rest = scope.known[name].shape
        index, length = self.positions(scope, size)
        shape = (length, *rest)
        if rest and self.chance(0.4):
            columns, _ = [self.rng.randrange(rest[0]) for _ in range(length)], 0
            index, shape = f"{index}, {columns}", (length,)
        if self.chance(0.4):
            return [f"{name}[{index}] = {self.whole(scope, shape, 1)}"]
        return [f"{name}[{index}] {self.operation(scope, shape)}"]

    def added_at(self, scope: ArrayScope) -> list[str]:
        """np.add.at, which adds at every repeat."""
        name = self.target_array(scope, 1, 2)
        self.use("add-at")
        size, *rest = scope.known[name].shape
        index, length = self.positions(scope, size)
        shape = (length, *rest)
        if rest and self.chance(0.4):
            columns = [self.rng.randrange(rest[0]) for _ in range(length)]
            index, shape = f"({index}, {columns})", (length,)
        kind = self.rng.choice(["add", "add", "subtract"])
        value = self.whole(scope, shape, 1) if self.chance(0.8) else self.expr(scope, 1)
        return [f"np.{kind}.at({name}, {index}, {value})"]

    # ------------------------------------------------------------ whole arrays

    def whole_augmented(self, scope: ArrayScope) -> list[str]:
        """a op= …: in place."""
        self.use("whole-augmented")
        name = self.target_array(scope)
        return [f"{name} {self.operation(scope, scope.known[name].shape)}"]

    def replaced(self, scope: ArrayScope) -> list[str]:
        """a[:] = …, a.fill(…), np.copyto(a, …)."""
        name = self.target_array(scope)
        shape = scope.known[name].shape
        kind = self.rng.choice(["all", "fill", "copyto"])
        self.use(f"replaced-{kind}")
        if kind == "fill":
            return [f"{name}.fill({self.expr(scope, 1)})"]
        if kind == "copyto":
            source = self.narrower(scope, shape) if self.chance(0.25) else self.whole(scope, shape)
            return [f"np.copyto({name}, {source})"]
        return [f"{name}[{self.rng.choice([':', '...'])}] = {self.whole(scope, shape)}"]

    def out_argument(self, scope: ArrayScope) -> list[str]:
        """np.multiply(a, b, out=c)."""
        self.use("out-argument")
        name = self.target_array(scope)
        shape = scope.known[name].shape
        a, b = self.part(scope, shape), self.rng.choice([self.part(scope, shape), self.constant()])
        forms = [
            f"np.multiply({a}, np.cos({self.part(scope, shape)}), out={name})",
            f"np.add({a}, {b}, out={name})",
            f"np.subtract({b}, {a}, out={name})",
            f"np.sin({a}, out={name})",
            f"np.tanh({self.whole(scope, shape, 1)}, out={name})",
            f"np.maximum({a}, {self.constant()}, out={name})",
        ]
        return [self.rng.choice(forms)]
