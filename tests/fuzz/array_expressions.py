"""Random expressions of whole arrays: arithmetic, broadcasting, selections, reductions, products, joins.

Invariant: `whole(scope, shape)` has exactly that shape, is an atom or carries its own parentheses, and stays
moderate for moderate operands.
"""

from __future__ import annotations

from tests.fuzz.array_scope import ArrayScope, Shape
from tests.fuzz.expressions import Scope
from tests.fuzz.statements import Statements


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
        """An array of this shape with little arithmetic of its own; defined by what knows the ways to make one."""
        raise NotImplementedError

    def note(self, construct: str, text: str) -> str:
        """The text, its construct recorded."""
        self.use(construct)
        return text
