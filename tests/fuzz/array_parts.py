"""Random parts and rearrangements of arrays: slices, rows, reductions, products, joins, in every shape.

Invariant: what is made has exactly the shape that is asked for, and there is a way to make each shape.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.array_expressions import ArrayExpressions
from tests.fuzz.array_scope import ArrayScope, Shape

Maker = Callable[[], str]


class ArrayParts(ArrayExpressions):
    """Arrays of a shape with little arithmetic of their own."""

    def part(self, scope: ArrayScope, shape: Shape) -> str:
        """An array of this shape with little arithmetic of its own: a name, a part of one, a rearrangement."""
        names = scope.of_shape(shape)
        if names and self.chance(0.62):
            return self.rng.choice(names)
        makers = {1: self.vectors, 2: self.matrices}.get(len(shape), self.stacks)(scope, shape)
        for name, (length, each) in scope.rows.items():
            if each == shape:
                makers.append(lambda name=name, length=length: f"{name}[{self.index_of(scope, length)}]")
        return self.rng.choice(makers)()

    def vectors(self, scope: ArrayScope, shape: Shape) -> list[Maker]:
        """Ways to make a 1-D array of this length."""
        (k,) = shape
        makers: list[Maker] = [
            lambda: f"np.full({k}, {self.leaf(scope)})",
            lambda: f"(np.ones({k}) * {self.leaf(scope)})",
            lambda: f"np.linspace(0.1, {self.positive()}, {k})",
            lambda: f"({self.constant()} * np.arange({k}))",
        ]
        if 0 < k < 5:
            makers.append(lambda: f"np.array([{', '.join(self.leaf(scope) for _ in range(k))}])")
        makers += [self.joined_vectors(scope, k)] * 2 if k > 1 else []
        for name in scope.arrays:
            sizes = scope.known[name].shape
            if len(sizes) == 1:
                makers += self.parts_of_vector(scope, name, sizes[0], k)
            elif len(sizes) == 2:
                makers += self.parts_of_matrix(scope, name, sizes, k)
        for name, length in scope.converted.items():
            if length == k:
                makers += [lambda name=name: f"({name} * np.ones({k}))"] * 3
        for name, length in scope.masks.items():
            if length == k:
                makers.append(lambda name=name: f"({name} * {self.leaf(scope)})")
        return makers

    def joined_vectors(self, scope: ArrayScope, k: int) -> Maker:
        """A vector put together of two."""
        cut = self.rng.randrange(1, k)

        def make() -> str:
            self.use("joined")
            first, second = self.whole(scope, (cut,), 1), self.whole(scope, (k - cut,), 1)
            return f"np.{self.rng.choice(['concatenate', 'hstack'])}(({first}, {second}))"

        return make

    def parts_of_vector(self, scope: ArrayScope, name: str, size: int, k: int) -> list[Maker]:
        """Vectors of length k from one of another length."""
        makers: list[Maker] = []

        def made(construct: str, *texts: str) -> None:
            def make() -> str:
                self.use(construct)
                return self.rng.choice(texts)

            makers.append(make)

        if size == k:
            made(
                "rearranged",
                f"{name}[::-1]",
                f"np.roll({name}, 1)",
                f"np.flip({name})",
                f"{name}.copy()",
                f"np.sort({name})",
            )
            made("cumsum-diff", f"np.cumsum({name})", f"{name}.cumsum()", f"(0.5 * np.cumsum({name}[::-1]))")
        if size > k >= 0:
            start = self.rng.randint(0, size - k)
            made("slice-load", f"{name}[{start}:{start + k}]", f"{name}[:{k}]", f"{name}[{size - k}:]")
        if size == k + 1:
            made("cumsum-diff", f"np.diff({name})")
            made("slice-load", f"{name}[1:]", f"{name}[:-1]")
        if size in (2 * k, 2 * k - 1) and k:
            made("strided", f"{name}[::2]", f"{name}[::-2]" if size % 2 else f"{name}[1::2]")
        for index, (limit, length) in scope.indices.items():
            if limit == size and length == k:
                made("gather", f"{name}[{index}]")
        if 0 < k <= 4:
            picks = [self.rng.randrange(-size, size) for _ in range(k)]
            made("gather", f"{name}[{picks}]")
        return makers

    def parts_of_matrix(self, scope: ArrayScope, name: str, sizes: Shape, k: int) -> list[Maker]:
        """Vectors of length k from a matrix."""
        makers: list[Maker] = []
        p, q = sizes

        def row() -> str:
            self.use("row-load")
            i = self.index_of(scope, p)
            return self.rng.choice([f"{name}[{i}]", f"{name}[{i}, :]", f"{name}.T[:, {i}]"])

        def column() -> str:
            self.use("row-load")
            return f"{name}[:, {self.index_of(scope, q)}]"

        def along(axis: int) -> Maker:
            def make() -> str:
                self.use("reduction-axis")
                kind = self.rng.choice(["np.sum", "np.mean", "np.max", "np.sum"])
                return self.rng.choice([f"{kind}({name}, axis={axis})", f"{name}.sum(axis={axis - 2})"])

            return make

        def product(first: bool) -> Maker:
            def make() -> str:
                self.use("matmul")
                vector = self.part(scope, (q,) if first else (p,))
                shown = [f"({name} @ {vector})", f"np.dot({name}, {vector})"]
                return self.rng.choice(shown if first else [f"({vector} @ {name})", f"({name}.T @ {vector})"])

            return make

        if q == k:
            makers += [row, row, along(0), product(False)]
        if p == k:
            makers += [column, column, along(1), product(True)]
        return makers

    def matrices(self, scope: ArrayScope, shape: Shape) -> list[Maker]:
        """Ways to make a matrix of this shape."""
        p, q = shape
        dims = self.rng.choice([(p, self.length), (p, self.other)])
        makers: list[Maker] = [
            lambda: self.note("outer", f"np.outer({self.part(scope, (p,))}, {self.part(scope, (q,))})"),
            lambda: self.note("newaxis", f"({self.part(scope, (p,))}[:, None] * {self.part(scope, (q,))})"),
            lambda: self.note(
                "newaxis", f"({self.part(scope, (p,))}[:, None] - {self.part(scope, (q,))}[None, :])"
            ),
            lambda: f"np.full(({p}, {q}), {self.leaf(scope)})",
            lambda: self.note("matmul", f"({self.part(scope, dims)} @ {self.part(scope, (dims[1], q))})"),
            lambda: self.note("reshaped", f"{self.whole(scope, (p * q,), 1)}.copy().reshape({p}, {q})"),
        ]
        if 0 < p < 5:
            makers.append(
                lambda: self.note(
                    "stacked", f"np.stack([{', '.join(self.whole(scope, (q,), 1) for _ in range(p))}])"
                )
            )
            makers.append(
                lambda: self.note(
                    "stacked", f"np.vstack(({''.join(self.part(scope, (q,)) + ', ' for _ in range(p))}))"
                )
            )
        for name in scope.arrays:
            sizes = scope.known[name].shape
            if sizes == (q, p):
                makers += [lambda name=name: self.note("transposed", f"{name}.T")] * 2
            if sizes == shape:
                makers.append(
                    lambda name=name: self.note(
                        "rearranged", self.rng.choice([f"{name}[::-1]", f"{name}[:, ::-1]"])
                    )
                )
                makers.append(
                    lambda name=name: self.note(
                        "cumsum-diff", f"np.cumsum({name}, axis={self.rng.choice([0, 1])})"
                    )
                )
            if len(sizes) == 3 and sizes[1:] == shape:
                makers += [
                    lambda name=name: f"{name}[{self.index_of(scope, scope.known[name].shape[0])}]"
                ] * 2
                makers.append(lambda name=name: self.note("reduction-axis", f"{name}.mean(axis=0)"))
            for index, (limit, length) in scope.indices.items():
                if len(sizes) == 2 and (limit, length) == (sizes[0], p) and sizes[1] == q:
                    makers.append(lambda name=name, index=index: self.note("gather", f"{name}[{index}]"))
        return makers

    def stacks(self, scope: ArrayScope, shape: Shape) -> list[Maker]:
        """Ways to make an array of three axes."""
        k, p, q = shape
        return [
            lambda: self.note("stacked", f"np.stack([{', '.join(self.part(scope, (p, q)) for _ in range(k))}])"),
            lambda: self.note("newaxis", f"({self.part(scope, (k, p))}[:, :, None] + {self.part(scope, (q,))})"),
        ]  # fmt: skip
