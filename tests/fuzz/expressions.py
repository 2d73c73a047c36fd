"""Random expressions and conditions: in-domain mathematics over the names in scope, each construct recorded.

Invariant: an expression may be evaluated anywhere its scope's names are bound, stays finite for moderate
operands, and binary expressions carry their own parentheses.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace


@dataclass
class Scope:
    """The names definitely bound here; `ints` have inclusive bounds, arrays and lists the program's length.

    `stored` are the lists whose elements may be assigned, `locked` the floats that must not be.
    """

    floats: list[str]
    arrays: list[str] = field(default_factory=list)
    ints: dict[str, tuple[int, int]] = field(default_factory=dict)
    lists: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    locked: set[str] = field(default_factory=set)
    loops: int = 0
    depth: int = 0
    can_return: bool = True
    level: int = 0

    def inner(self, loops: int = 0) -> Scope:
        """The scope of a block one level deeper; what is bound there does not leak."""
        return replace(
            self,
            floats=list(self.floats),
            arrays=list(self.arrays),
            ints=dict(self.ints),
            lists=list(self.lists),
            stored=list(self.stored),
            locked=set(self.locked),
            loops=self.loops + loops,
            depth=self.depth + 1,
        )

    def bind(self, name: str) -> None:
        """A float name is bound from here on."""
        if name not in self.floats:
            self.floats.append(name)


class Expressions:
    """Expression half of the generator; the statements are in `statements`."""

    def __init__(self, seed: int) -> None:
        """All choices come from the one seeded generator."""
        self.rng = random.Random(seed)
        self.used: Counter[str] = Counter()
        self.length = self.rng.randint(3, 5)
        self.serial: Counter[str] = Counter()
        self.functions: dict[str, tuple[str, ...]] = {}
        self.building: set[str] = set()

    def use(self, construct: str) -> None:
        """Record a construct."""
        self.used[construct] += 1

    def chance(self, probability: float) -> bool:
        """A biased coin."""
        return self.rng.random() < probability

    def fresh(self, prefix: str) -> str:
        """A new name."""
        self.serial[prefix] += 1
        return f"{prefix}{self.serial[prefix]}"

    def constant(self) -> str:
        """A literal away from zero, one and round numbers."""
        return repr(round(self.rng.choice([-1, 1]) * self.rng.uniform(0.2, 1.4), 3))

    def positive(self) -> str:
        """A positive literal."""
        return repr(round(self.rng.uniform(0.2, 1.4), 3))

    def index(self, scope: Scope) -> str:
        """An index that is valid for every array of the program."""
        n = self.length
        choices = [str(self.rng.randrange(n)), str(self.rng.randrange(-n, 0))]
        for name, (low, high) in scope.ints.items():
            if 0 <= low and high < n:
                choices += [name, name, f"{name} - 1", f"{n - 1} - {name}"]
            choices.append(f"({self.rng.choice([f'{name} + 2', f'2 * {name} + 1', name])}) % {n}")
        return self.rng.choice(choices)

    def load(self, scope: Scope) -> str:
        """An element of an array in scope."""
        self.use("array-load")
        return f"{self.rng.choice(scope.arrays)}[{self.index(scope)}]"

    def leaf(self, scope: Scope) -> str:
        """A name, an element or a literal."""
        roll = self.rng.random()
        if scope.arrays and roll < 0.25:
            return self.load(scope)
        if scope.lists and roll < 0.33:
            self.use("list-index")
            return f"{self.rng.choice(scope.lists)}[{self.index(scope)}]"
        if scope.ints and roll < 0.42:
            self.use("int-in-float")
            return self.integer_leaf(scope)
        if roll < 0.5:
            return self.constant()
        if roll < 0.54 and "SCALE" in self.functions:
            self.use("global")
            return "SCALE"
        return self.rng.choice(scope.floats)

    def integer_leaf(self, scope: Scope) -> str:
        """An int in a float expression."""
        name = self.rng.choice(list(scope.ints))
        return self.rng.choice(
            [f"0.3 * {name}", f"float({name})", f"{name} / 4", f"({name} % 3)", f"0.5 * ({name} // 2)"]
        )

    def expr(self, scope: Scope, depth: int = 2) -> str:
        """A random float expression."""
        if depth <= 0 or self.chance(0.12):
            return self.leaf(scope)
        maker = self.rng.choices(
            [
                self.arithmetic,
                self.function,
                self.power,
                self.selection,
                self.conditional,
                self.logical,
                self.call_expr,
            ],
            [10, 7, 2, 3, 1.5, 1, 2.5],
        )[0]
        return maker(scope, depth - 1)

    def tame(self, scope: Scope, depth: int) -> str:
        """A bounded expression."""
        inner = self.expr(scope, depth)
        return self.rng.choice(
            [f"math.sin({inner})", f"math.tanh({inner})", f"math.cos({inner})", self.constant()]
        )

    def arithmetic(self, scope: Scope, depth: int) -> str:
        """A sum, difference, product, quotient or negation."""
        a = self.expr(scope, depth)
        kind = self.rng.choice(["+", "-", "*", "*raw", "/", "neg"])
        if kind == "*raw" and scope.loops == 0 and scope.level == 0:
            return f"({a} * {self.expr(scope, depth)})"
        if kind in ("*", "*raw"):
            return f"({a} * {self.tame(scope, depth)})"
        if kind == "/":
            b = self.expr(scope, depth - 1)
            return f"({a} / (1.5 + {b} * {b}))" if b.isidentifier() else f"({a} / (1.6 + math.sin({b})))"
        if kind == "neg":
            return f"(-{a})"
        return f"({a} {kind} {self.expr(scope, depth)})"

    def function(self, scope: Scope, depth: int) -> str:
        """A function of `math` or NumPy inside its domain."""
        self.use("math-function")
        e = self.expr(scope, depth)
        forms = [
            f"math.sin({e})",
            f"math.cos({e})",
            f"math.tanh({e})",
            f"math.atan({e})",
            f"math.erf({e})",
            f"math.exp(0.4 * math.sin({e}))",
            f"math.sqrt(1.0 + ({e}) ** 2)",
            f"math.log(1.5 + ({e}) ** 2)",
            f"math.asin(0.7 * math.sin({e}))",
            f"math.atan2({e}, 2.0 + math.cos({self.leaf(scope)}))",
            f"math.hypot({e}, 1.3)",
            f"1.0 / (1.0 + math.exp(-math.tanh({e})))",
        ]
        if self.chance(0.15):
            self.use("numpy-scalar-function")
            return f"np.{self.rng.choice(['sin', 'cos', 'tanh', 'arctan'])}({e})"
        choice = self.rng.choice(forms)
        return f"({choice})" if choice.startswith("1.0 /") else choice

    def power(self, scope: Scope, depth: int) -> str:
        """A power with a constant or an active exponent."""
        self.use("power")
        base = self.tame(scope, depth)
        positive = f"(1.4 + math.sin({self.expr(scope, depth)}))"
        return self.rng.choice(
            [
                f"(({base}) ** 2)",
                f"(({base}) ** 3)",
                f"({positive} ** 1.5)",
                f"({positive} ** -1)",
                f"({positive} ** math.tanh({self.leaf(scope)}))",
            ]
        )

    def selection(self, scope: Scope, depth: int) -> str:
        """abs, min, max, sum of a tuple."""
        a, b = self.expr(scope, depth), self.expr(scope, depth)
        kind = self.rng.choice(["abs", "min", "max", "sum"])
        self.use(kind)
        if kind == "abs":
            return f"abs({a} - {self.constant()})"
        if kind == "sum":
            return f"sum(({a}, {b}, {self.leaf(scope)}))"
        if self.chance(0.3):
            return f"{kind}({a}, {b} + {self.positive()}, {self.constant()})"
        return f"{kind}({a}, {b} + {self.positive()})"

    def conditional(self, scope: Scope, depth: int) -> str:
        """A conditional expression."""
        self.use("conditional-expression")
        return f"({self.expr(scope, depth)} if {self.condition(scope)} else {self.expr(scope, depth)})"

    def logical(self, scope: Scope, depth: int) -> str:
        """`and` and `or` as values."""
        self.use("and-or-value")
        a, b = self.expr(scope, depth), self.expr(scope, depth)
        if self.chance(0.2):
            return f"({a} and {b} or {self.leaf(scope)})"
        return f"({a} {self.rng.choice(['and', 'or'])} {b})"

    def call_expr(self, scope: Scope, depth: int) -> str:
        """A call of a helper already in the module, or arithmetic where there is none."""
        callable_names = [name for name, kinds in self.functions.items() if kinds and kinds[0] == "scalar"]
        if not callable_names or scope.loops > 1:
            return self.arithmetic(scope, depth)
        name = self.rng.choice(callable_names)
        return self.call_scalar(name, scope, depth)

    def call_scalar(self, name: str, scope: Scope, depth: int) -> str:
        """A call of a scalar helper with positional, keyword or default arguments."""
        _, *params = self.functions[name]
        required = [param for param in params if "=" not in param]
        defaults = [param.split("=")[0] for param in params if "=" in param]
        arguments = [self.expr(scope, depth) for _ in required]
        if defaults and self.chance(0.4):
            self.use("call-default")
        elif defaults:
            self.use("call-keyword")
            arguments += [f"{param}={self.leaf(scope)}" for param in defaults]
        elif required and self.chance(0.3):
            self.use("call-keyword")
            arguments[-1] = f"{required[-1]}={arguments[-1]}"
        else:
            self.use("call-positional")
        return f"{name}({', '.join(arguments)})"

    def condition(self, scope: Scope, depth: int = 1) -> str:
        """A test that a small change of the inputs rarely flips."""
        roll = self.rng.random()
        a = self.leaf(scope) if self.chance(0.6) else self.expr(scope, 1)
        if depth and roll < 0.12:
            self.use("and-or-test")
            return f"{self.condition(scope, 0)} {self.rng.choice(['and', 'or'])} {self.condition(scope, 0)}"
        if roll < 0.2:
            self.use("not")
            return f"not {a} > {self.constant()}"
        if roll < 0.32:
            self.use("chained-comparison")
            return f"-{self.positive()} < {a} <= {self.positive()}"
        if scope.ints and roll < 0.5:
            self.use("int-test")
            name = self.rng.choice(list(scope.ints))
            return self.rng.choice(
                [f"{name} % 2 == {self.rng.randrange(2)}", f"{name} > {self.rng.randrange(3)}"]
            )
        if roll < 0.75:
            return f"{a} {self.rng.choice(['<', '>'])} {self.constant()}"
        return f"{a} {self.rng.choice(['<', '>', '<=', '>='])} {self.leaf(scope)} + {self.constant()}"
