"""Random expressions of whole arrays: arithmetic, broadcasting, selections, reductions, products, joins.

Invariant: `whole(scope, shape)` has exactly that shape, is an atom or carries its own parentheses, and stays
moderate for moderate operands.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.array_scope import ArrayScope, Shape
from tests.fuzz.expressions import Scope
from tests.fuzz.statements import Statements

Maker = Callable[[], str]


class ArrayExpressions(Statements):
    """Expression half of the array generator."""

    def __init__(self, seed: int) -> None:
        """The program has two sizes, of which `length` is the one its ranges run over."""
        super().__init__(seed)
        self.other = self.rng.choice([n for n in (2, 3, 4) if n != self.length])
        self.module: list[str] = []

    # ------------------------------------------------------------ numbers

    def index_of(self, scope: Scope, size: int) -> str:
        """An index that is valid for an axis of this size."""
        choices = [str(self.rng.randrange(size)), str(self.rng.randrange(-size, 0))]
        for name, (low, high) in scope.ints.items():
            if 0 <= low and high < size:
                choices += [name, name, name, f"{name} - 1", f"{size - 1} - {name}"]
            else:
                choices.append(f"{name} % {size}")
        return self.rng.choice(choices)

    def at(self, scope: ArrayScope, name: str) -> str:
        """The subscript of one element."""
        return ", ".join(self.index_of(scope, size) for size in scope.known[name].shape)

    def load(self, scope: Scope) -> str:
        """An element of an array in scope."""
        assert isinstance(scope, ArrayScope)
        self.use("element-load")
        name = self.rng.choice(scope.arrays)
        return f"{name}[{self.at(scope, name)}]"

    def leaf(self, scope: Scope) -> str:
        """A number: now and then one reduced from an array."""
        if isinstance(scope, ArrayScope) and scope.arrays and self.chance(0.12):
            return self.reduced(scope)
        return super().leaf(scope)

    def reduced(self, scope: ArrayScope) -> str:
        """A number that a whole array, or two, give."""
        name = self.rng.choice(scope.arrays)
        shape = scope.known[name].shape
        if len(shape) == 1 and self.chance(0.3):
            self.use("dot")
            other = self.part(scope, shape)
            return self.rng.choice([f"({name} @ {other})", f"np.dot({name}, {other})"])
        self.use("reduction")
        kinds = ["np.sum({})", "{}.sum()", "{}.mean()", "np.mean({})", "np.max({})", "{}.min()", "np.std({})"]
        kind = self.rng.choice([k for k in kinds if "std" not in k or len(shape) < 3])
        if "std" in kind:
            return f"np.sqrt(0.5 + np.var({name}))"
        return kind.format(self.rng.choice([name, self.part(scope, shape)]))

    # ------------------------------------------------------------ whole arrays

    def whole(self, scope: ArrayScope, shape: Shape, depth: int = 2) -> str:
        """A random array of this shape."""
        if depth <= 0 or self.chance(0.12):
            return self.part(scope, shape)
        maker = self.rng.choices([self.elementwise, self.binary, self.selected], [4, 6, 2])[0]
        return maker(scope, shape, depth - 1)

    def bounded(self, scope: ArrayScope, shape: Shape, depth: int = 1) -> str:
        """A random array of this shape, or a number, with values of at most about one."""
        e = self.whole(scope, shape, depth)
        return self.rng.choice([f"np.sin({e})", f"np.tanh({e})", f"np.cos({e})", self.constant()])

    def elementwise(self, scope: ArrayScope, shape: Shape, depth: int) -> str:
        """A function of each element."""
        self.use("elementwise")
        e = self.whole(scope, shape, depth)
        forms = [
            f"np.sin({e})",
            f"np.tanh({e})",
            f"np.exp(0.4 * np.sin({e}))",
            f"np.sqrt(1.0 + {e} ** 2)",
            f"np.log1p({e} ** 2)",
            f"np.arctan({e})",
            f"np.abs({e} - {self.constant()})",
            f"np.square(np.cos({e}))",
            f"(np.tanh({e}) ** 3)",
            f"(1.0 / (1.0 + np.exp(-np.tanh({e}))))",
            f"(-{e})",
            f"np.log(1.5 + np.cos({e}))",
        ]
        return self.rng.choice(forms)

    def binary(self, scope: ArrayScope, shape: Shape, depth: int) -> str:
        """Arithmetic of two arrays, or of an array and something that is broadcast to it."""
        a = self.whole(scope, shape, depth)
        if self.chance(0.3):
            self.use("scalar-operand")
            b, tame = self.leaf(scope), self.tame(scope, 1)
        elif self.chance(0.35) and shape:
            self.use("broadcast")
            b = self.narrower(scope, shape)
            tame = f"np.cos({b})"
        else:
            b = self.whole(scope, shape, depth)
            tame = f"np.sin({b})"
        forms = [f"({a} + {b})", f"({a} - {b})", f"({a} * {tame})", f"({a} / (1.6 + {tame}))"]
        if self.chance(0.3):
            return self.rng.choice(
                [f"({b} - {a})", f"np.multiply({tame}, {a})", f"np.arctan2({a}, 2.0 + {tame})"]
            )
        return self.rng.choice(forms)

    def selected(self, scope: ArrayScope, shape: Shape, depth: int) -> str:
        """where, maximum, minimum, clip."""
        a, b = self.whole(scope, shape, depth), self.whole(scope, shape, depth)
        kind = self.rng.choice(["where", "where", "maximum", "minimum", "clip"])
        self.use(kind if kind == "where" else "maximum-clip")
        if kind == "where":
            b = self.rng.choice([b, b, self.leaf(scope)])
            return f"np.where({self.part(scope, shape)} > {self.constant()}, {a}, {b})"
        if kind == "clip":
            return f"np.clip({a}, -{self.positive()}, {self.positive()})"
        return f"np.{kind}({a}, {self.rng.choice([b, self.constant()])})"

    def narrower(self, scope: ArrayScope, shape: Shape) -> str:
        """An array that is broadcast to this shape: with fewer axes, or with axes of size 1."""
        if len(shape) == 1:
            known = scope.of_shape((1,))
            if known and self.chance(0.6):
                self.use("size-1")
                return self.rng.choice(known)
            return self.rng.choice([f"{self.part(scope, shape)}[:1]", self.leaf(scope)])
        if len(shape) > 2 or self.chance(0.4):
            return self.part(scope, shape[1:])
        p, q = shape
        ones = scope.of_shape((p, 1)) + scope.of_shape((1, q))
        if ones and self.chance(0.5):
            self.use("size-1")
            return self.rng.choice(ones)
        if self.chance(0.4):
            self.use("keepdims")
            return f"np.sum({self.part(scope, shape)}, axis={self.rng.choice([0, 1, -1])}, keepdims=True)"
        self.use("newaxis")
        return f"{self.part(scope, (p,))}[:, {self.rng.choice(['None', 'np.newaxis'])}]"

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

    def note(self, construct: str, text: str) -> str:
        """The text, its construct recorded."""
        self.use(construct)
        return text
