"""Random references: new arrays, aliases, joins, views that are written, swapped buffers, lists of arrays.

Invariant: what a name may stand for is joined in the scope, so that no later statement asks more of it than
holds for each.
"""

from __future__ import annotations

from tests.fuzz.array_scope import ArrayScope, Shape
from tests.fuzz.array_writes import ArrayWrites, assigned
from tests.fuzz.statements import indent


class ArrayReferences(ArrayWrites):
    """Statements that make and exchange references."""

    def some_shape(self) -> Shape:
        """A shape of the program."""
        n, m = self.length, self.other
        return self.rng.choice([(n,), (n,), (n,), (m,), (n, m), (n, m), (n, n)])

    def computed(self, scope: ArrayScope) -> list[str]:
        """A new array, or a new value for a name of one."""
        shape = self.some_shape()
        self.use("computed")
        names = scope.of_shape(shape, written=True)
        if names and self.chance(0.3):
            name = self.rng.choice(names)
            self.use("rebound")
            value = (
                f"np.sin({self.whole(scope, shape, 1)})"
                if scope.loops
                else f"({self.whole(scope, shape)} * 1.1)"
            )
            scope.known[name].contiguous &= len(shape) == 1
            return [f"{name} = {value}"]
        name = self.fresh("a" if len(shape) == 1 else "M")
        value = self.rng.choice([f"({self.whole(scope, shape)} * 0.9)", self.elementwise(scope, shape, 1)])
        scope.hold(name, shape, contiguous=len(shape) == 1)
        return [
            f"{name} = {value.removeprefix('(').removesuffix(')') if value.endswith('* 0.9)') else value}"
        ]

    def allocated(self, scope: ArrayScope) -> list[str]:
        """zeros, ones, full, empty, zeros_like, copy; most then filled in a loop."""
        shape = self.some_shape()
        known = scope.of_shape(shape)
        kind = self.rng.choice(
            ["zeros", "ones", "full", "empty", "like", "copy"] if known else ["zeros", "ones", "full"]
        )
        self.use("copy" if kind == "copy" else "allocated")
        name = self.fresh("g" if len(shape) == 1 else "G")
        sizes = str(shape[0]) if len(shape) == 1 else str(shape)
        source = self.rng.choice(known or [""])
        if len(shape) == 1 and known and self.chance(0.5):
            sizes = f"len({source})"
        text = {
            "zeros": f"np.zeros({sizes})",
            "ones": f"np.ones({sizes})",
            "full": f"np.full({sizes}, {self.leaf(scope)})",
            "empty": f"np.empty({sizes})",
            "like": f"np.{self.rng.choice(['zeros', 'ones'])}_like({source})",
            "copy": self.rng.choice([f"{source}.copy()", f"np.array({source})"]),
        }[kind]
        lines = [f"{name} = {text}"]
        filled = self.filled(scope, name, shape) if kind != "copy" else []
        scope.hold(name, shape, contiguous=not text.startswith("np.array(") and kind != "like")
        return lines + (filled if kind == "empty" or self.chance(0.5) else [])

    def filled(self, scope: ArrayScope, name: str, shape: Shape) -> list[str]:
        """Loops that store every element, or row."""
        i = self.fresh("i")
        inner = scope.inner(loops=1)
        inner.ints[i] = (0, shape[0] - 1)
        self.use("fill-loop")
        head = f"for {i} in range({self.rng.choice([str(shape[0]), f'{name}.shape[0]'])}):"
        if len(shape) == 1 or self.chance(0.4):
            value = self.expr(inner, 2) if len(shape) == 1 else self.whole(inner, shape[1:], 2)
            return [head, f"    {name}[{i}] = {value}"]
        j = self.fresh("j")
        inner.ints[j] = (0, shape[1] - 1)
        body = [f"for {j} in range({shape[1]}):", f"    {name}[{i}, {j}] = {self.expr(inner, 2)}"]
        return [head, *indent(body)]

    # ------------------------------------------------------------ aliases and joins

    def write_through(self, scope: ArrayScope, name: str, *, rebinds: bool = True) -> list[str]:
        """Writes through this name; `name op= …` only where it `rebinds` a local name."""
        cells, shape = self.region(scope, name)
        shape_of = scope.known[name].shape
        forms = [
            f"{name}[{self.at(scope, name)}] = {self.expr(scope, 2)}",
            f"{name}[{self.at(scope, name)}] += {self.expr(scope, 1)}",
            f"{name} {self.operation(scope, shape_of)}",
            assigned(cells, self.whole(scope, shape, 1)),
            f"{cells} {self.operation(scope, shape)}",
        ]
        return self.rng.sample(
            [form for form in forms if rebinds or "[" in form.split("=")[0]], self.rng.choice([1, 1, 2])
        )

    def aliased(self, scope: ArrayScope) -> list[str]:
        """z = y, then writes through one or both."""
        self.use("alias")
        source, name = self.target_array(scope), self.fresh("z")
        array = scope.known[source]
        scope.hold(name, array.shape, contiguous=array.contiguous)
        lines = [f"{name} = {source}", *self.write_through(scope, name)]
        return lines + (self.write_through(scope, source)[:1] if self.chance(0.4) else [])

    def pair(self, scope: ArrayScope) -> tuple[str, str] | None:
        """Two names of arrays of the same shape that may be written."""
        names = scope.writable()
        self.rng.shuffle(names)
        for i, first in enumerate(names):
            for second in names[i + 1 :]:
                if scope.known[first].shape == scope.known[second].shape:
                    return first, second
        return None

    def joined(self, scope: ArrayScope) -> list[str]:
        """z = a if c else b, or by branches; then a write through z."""
        pair = self.pair(scope)
        if pair is None:
            return self.aliased(scope)
        self.use("join")
        first, second = pair
        name = self.fresh("z")
        both, test = (scope.known[first], scope.known[second]), self.condition(scope)
        scope.hold(name, both[0].shape, contiguous=both[0].contiguous and both[1].contiguous)
        if self.chance(0.3):
            fresh = self.rng.choice([second, f"np.sin({second})"])
            lines = [f"if {test}:", f"    {name} = {first}", "else:", f"    {name} = {fresh}"]
            scope.known[name].contiguous &= len(both[0].shape) == 1
        else:
            lines = [f"{name} = {first} if {test} else {second}"]
        return lines + self.write_through(scope, name)

    def merged(self, scope: ArrayScope) -> list[str]:
        """u = v on names there are, in a branch or a loop as it comes, then a write."""
        pair = self.pair(scope)
        if pair is None:
            return self.aliased(scope)
        self.use("merge")
        first, second = pair
        scope.join(first, second)
        write = self.write_through(scope, first)
        if not scope.depth and self.chance(0.5):
            k = self.fresh("k")
            inner = scope.inner(loops=1)
            inner.ints[k] = (0, 2)
            before = self.write_through(inner, first)[:1]
            return [
                f"for {k} in range({self.rng.randint(2, 3)}):",
                *indent([*before, f"{first} = {second}"]),
                *write,
            ]
        if self.chance(0.5):
            return [f"if {self.condition(scope)}:", f"    {first} = {second}", *write]
        return [f"{first} = {second}", *write]

    def exchanged(self, scope: ArrayScope) -> list[str]:
        """u, v = v, u as a statement."""
        pair = self.pair(scope)
        if pair is None:
            return self.aliased(scope)
        self.use("swap-names")
        first, second = pair
        scope.join(first, second)
        scope.join(second, first)
        return [f"{first}, {second} = {second}, {first}", *self.write_through(scope, first)]

    # ------------------------------------------------------------ views

    def viewed(self, scope: ArrayScope) -> list[str]:
        """A view with a name: a slice, a row, a column, a transpose; written through either name."""
        source = self.target_array(scope)
        shape = scope.known[source].shape
        name = self.fresh("w")
        if len(shape) == 2 and self.chance(0.35):
            self.use("view-transposed")
            text, of = f"{source}.T", shape[::-1]
        elif self.chance(0.15):
            self.use("view-newaxis")
            text, of = f"{source}[None]", (1, *shape)
            if len(of) > 3:
                return self.slice_store(scope)
        else:
            self.use("view-slice" if len(shape) == 1 else "view-row")
            text, of = self.region(scope, source)
            if len(shape) == 2 and self.chance(0.5):
                text, of = f"{source}[{self.index_of(scope, shape[0])}]", shape[1:]
        scope.hold(name, of, contiguous=False)
        if 0 in of:
            return [f"{name} = {text}", f"{name} += {self.expr(scope, 1)}"]
        lines = [f"{name} = {text}", *self.write_through(scope, name)]
        return lines + (self.write_through(scope, source)[:1] if self.chance(0.5) else [])

    def reshaped(self, scope: ArrayScope) -> list[str]:
        """A copy, reshaped or ravelled, then written."""
        self.use("reshaped-written")
        n, m = self.length, self.other
        name = self.fresh("w")
        source = self.rng.choice([(n, m), (n, n)])
        flat = self.rng.choice(
            [
                f"{name} = {self.whole(scope, source, 1)}.copy().{{}}",
                f"{name} = (1.2 * {self.part(scope, source)}).{{}}",
            ]
        )
        size = source[0] * source[1]
        if self.chance(0.5):
            shape: Shape = (size,)
            text = self.rng.choice(["ravel()", "reshape(-1)", f"reshape({size})", "flatten()"])
        else:
            shape = source[::-1]
            text = self.rng.choice(
                [f"reshape({shape[0]}, {shape[1]})", f"reshape({shape})", f"reshape({shape[0]}, -1)"]
            )
        scope.hold(name, shape, contiguous=False)
        return [flat.format(text), *self.write_through(scope, name)]

    def single_precision(self, scope: ArrayScope) -> list[str]:
        """A float32 array computed, written in place, and summed into a number."""
        self.use("float32-written")
        source, size, name = "s", scope.converted["s"], self.fresh("t")
        i, total = self.rng.randrange(size), self.target(scope)
        value = self.rng.choice(
            [f"np.sin({source}) * {self.constant()}", f"{source}.copy()", f"{source} * {source}"]
        )
        writes = [
            f"{name}[1:] += {self.constant()} * {source}[:-1]",
            f"{name}[{i}] = {self.expr(scope, 1)}",
            f"{name} *= {self.constant()}",
            f"{name}[:] = {self.whole(scope, (size,), 1)}",
        ]
        scope.bind(total)
        result = f"{total} = float(np.sum({name} * {source})) * {self.constant()}"
        return [f"{name} = {value}", *self.rng.sample(writes, 2), result]

    # ------------------------------------------------------------ lists of arrays

    def list_of_arrays(self, scope: ArrayScope) -> list[str]:
        """A list of arrays, whose elements are references; indexed, iterated, written through."""
        self.use("list-of-arrays")
        shape = (self.length,)
        name = self.fresh("rows")
        held = [
            self.rng.choice(scope.of_shape(shape, written=True) or [self.whole(scope, shape, 1)])
            for _ in range(2)
        ]
        if self.chance(0.5):
            held[1] = self.whole(scope, shape, 1)
        lines = [f"{name} = [{', '.join(held)}]"]
        count = 2
        if self.chance(0.6):
            self.use("list-append")
            k, inner = self.fresh("k"), scope.inner(loops=1)
            inner.ints[k] = (0, 1)
            inner.rows[name] = (2, shape)
            last = f"{name}[-1]"
            value = self.rng.choice(
                [f"np.sin({last}) + {self.whole(inner, shape, 1)}", f"{last} * {self.tame(inner, 1)}"]
            )
            lines += [f"for {k} in range(2):", f"    {name}.append({value})"]
            count = 4
        scope.rows[name] = (count, shape)
        i = self.index_of(scope, count)
        if self.chance(0.6):
            self.use("list-element-written")
            lines += [
                self.rng.choice(
                    [
                        f"{name}[{i}][{self.rng.randrange(self.length)}] = {self.expr(scope, 1)}",
                        f"{name}[{i}][1:] *= {self.tame(scope, 1)}",
                        f"{name}[{i}] = {self.whole(scope, shape, 1)}",
                    ]
                )
            ]
        if self.chance(0.5):
            self.use("list-iterated")
            each, total = self.fresh("r"), self.target(scope)
            start = [] if total in scope.floats else [f"{total} = 0.0"]
            scope.bind(total)
            body = [f"{total} = 0.7 * {total} + np.sum({each} * {self.part(scope, shape)})"]
            if self.chance(0.4):
                body.append(f"{each}[{self.rng.randrange(self.length)}] = {total}")
            lines += [*start, f"for {each} in {name}:", *indent(body)]
        elif self.chance(0.7):
            self.use("list-stacked")
            new = self.fresh("M")
            lines.append(f"{new} = np.stack({name})")
            scope.hold(new, (count, *shape))
        return lines
