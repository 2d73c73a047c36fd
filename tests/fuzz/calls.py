"""Random helpers and their calls: module functions, nested functions, lambdas, recursion, array arguments.

Invariant: helpers are written before their first caller and call only earlier helpers, so calls end.
"""

from __future__ import annotations

from tests.fuzz.expressions import Scope
from tests.fuzz.memory import Memory
from tests.fuzz.statements import indent


class Calls(Memory):
    """Statements that define helpers and call them."""

    def __init__(self, seed: int) -> None:
        """Module-level helpers are collected as text."""
        super().__init__(seed)
        self.module: list[str] = []

    def define(self, header: str, body: list[str]) -> None:
        """Add a function to the module, which may be called from here on."""
        self.building.discard(header.removeprefix("def ").split("(")[0])
        self.module += [header, *indent(body), "", ""]

    def missing(self, name: str) -> bool:
        """Whether the helper is to be written now; until it is defined, nothing may call it."""
        if name in self.functions:
            return False
        self.functions[name] = ()
        self.building.add(name)
        return True

    def bind_result(self, scope: Scope, value: str) -> list[str]:
        """Assign an expression to a float name."""
        name = self.target(scope)
        scope.bind(name)
        return [f"{name} = {value}"]

    def scalar_helper(self, scope: Scope) -> list[str]:
        """A helper of one to three floats, some with defaults; called at once and later in expressions."""
        if len(self.functions) < 4 and scope.level == 0:
            params = ["x", "y"][: self.rng.randint(1, 2)]
            name = self.fresh("helper")
            inner = Scope(list(params), level=1, depth=1)
            if self.chance(0.5):
                params.append(f"z={self.positive()}")
                inner.bind("z")
            body = self.block(inner, self.rng.randint(1, 2))
            body.append(f"return {self.expr(inner, 2)} + 0.3 * {self.rng.choice(inner.floats)}")
            self.define(f"def {name}({', '.join(params)}):", body)
            self.functions[name] = ("scalar", *params)
        names = [name for name, kinds in self.functions.items() if kinds and kinds[0] == "scalar"]
        if not names:
            return self.assign(scope)
        return self.bind_result(scope, self.call_scalar(self.rng.choice(names), scope, 1))

    def star_helper(self, scope: Scope) -> list[str]:
        """A helper with *args."""
        if "total" in self.building:
            return self.assign(scope)
        self.use("call-star")
        if self.missing("total"):
            body = ["s = 0.0", "for term in terms:", "    s = s * 0.9 + math.sin(term) * term", "return s"]
            self.define("def total(*terms):", body)
        if self.chance(0.35):
            self.use("call-unpack")
            name = self.fresh("pack")
            pack = [f"{name} = ({self.expr(scope, 1)}, {self.expr(scope, 1)})"]
            call = f"total({self.leaf(scope)}, *{name})"
            return [*pack, *self.bind_result(scope, f"{call} * {name}[1]")]
        arguments = [self.expr(scope, 1) for _ in range(self.rng.randint(0, 3))]
        return self.bind_result(scope, f"total({', '.join(arguments)}) + {self.leaf(scope)}")

    def tuple_helper(self, scope: Scope) -> list[str]:
        """A helper that returns two values."""
        if "both" in self.building:
            return self.assign(scope)
        self.use("tuple-result")
        if self.missing("both"):
            inner = Scope(["x", "y"], level=1, depth=1, can_return=False)
            body = self.block(inner, 1)
            self.define("def both(x, y):", [*body, f"return {self.expr(inner, 2)}, {self.expr(inner, 2)}"])
        call = f"both({self.expr(scope, 1)}, {self.expr(scope, 1)})"
        first, second = self.fresh("p"), self.fresh("q")
        scope.bind(first)
        scope.bind(second)
        if self.chance(0.3):
            pair = self.fresh("pair")
            return [f"{pair} = {call}", f"{first} = {pair}[0]", f"{second} = {pair}[1] * {first}"]
        return [f"{first}, {second} = {call}"]

    def recursion(self, scope: Scope) -> list[str]:
        """A recursive helper of small depth."""
        if "descend" in self.building:
            return self.assign(scope)
        self.use("recursion")
        if self.missing("descend"):
            inner = Scope(["x", "y"], ints={"n": (0, 3)}, level=1, depth=2, can_return=False)
            base, body = self.expr(inner, 2), self.block(inner, 1)
            again = f"descend({self.tame(inner, 1)}, {self.leaf(inner)}, n - 1)"
            result = self.rng.choice([again, f"{again} * {self.tame(inner, 1)} + x", f"y - 0.5 * {again}"])
            self.define(
                "def descend(x, y, n):", ["if n <= 0:", f"    return {base}", *body, f"return {result}"]
            )
        depth = self.rng.choice(["0", "1", "2", "3", *(["n"] if "n" in scope.ints else [])])
        return self.bind_result(scope, f"descend({self.expr(scope, 1)}, {self.leaf(scope)}, {depth})")

    def nested_function(self, scope: Scope) -> list[str]:
        """A nested def that reads the enclosing names as they are when it is called."""
        if scope.depth > 1 or scope.level or (scope.depth and self.chance(0.5)):
            return self.scalar_helper(scope)
        self.use("nested-def-in-block" if scope.depth else "nested-def")
        name, param = self.fresh("local"), self.fresh("t")
        inner = Scope([*scope.floats, param], [], dict(scope.ints), list(scope.lists), level=1, depth=1)
        inner.locked = set(scope.floats)
        header, last = param, "{}"
        if self.chance(0.6):
            kind = self.rng.choice(["default", "default", "keyword-only"])
            self.use("nested-default")
            if kind == "keyword-only":
                self.use("call-keyword")
            star, keyword = ("*, ", "w=") if kind == "keyword-only" else ("", self.rng.choice(["", "w="]))
            header = f"{param}, {star}w={self.leaf(scope)}"
            last = "{}, " + keyword + self.leaf(scope)
            inner.bind("w")
        body = self.block(inner, 1) if self.chance(0.6) else []
        body.append(f"return {self.expr(inner, 2)} + {param} * {self.rng.choice(inner.floats)}")
        lines = [f"def {name}({header}):", *indent(body), ""]
        self.use("closure")
        lines += self.bind_result(scope, f"{name}({self.expr(scope, 1)})")
        if self.chance(0.5):
            self.use("closure-reads-rebound")
            lines += self.augmented(scope)
        if self.chance(0.6):
            lines += self.bind_result(scope, f"{name}({last.format(self.leaf(scope))}) * {self.constant()}")
        return lines

    def nested_store(self, scope: Scope) -> list[str]:
        """A nested def that stores into an array of the enclosing function."""
        if scope.depth or scope.level or not scope.arrays:
            return self.scalar_helper(scope)
        self.use("closure-stores")
        name, array = self.fresh("put"), self.array(scope)
        inner = Scope(["t"], [array], {"j": (0, self.length - 1)}, level=1, depth=1)
        body = [f"{array}[j] = {array}[j] * {self.tame(inner, 1)} + {self.expr(inner, 1)}"]
        calls = [f"{name}({self.expr(scope, 1)}, {self.rng.randrange(self.length)})" for _ in range(2)]
        return [f"def {name}(t, j):", *indent(body), "", *calls]

    def lambda_function(self, scope: Scope) -> list[str]:
        """A lambda, called here or handed to a helper that applies it."""
        self.use("lambda")
        inner = Scope(["t", *scope.floats], level=1, loops=scope.loops, depth=scope.depth)
        text = f"lambda t: {self.expr(inner, 2)} + 0.4 * t"
        if self.chance(0.5):
            self.use("function-as-argument")
            if self.missing("twice"):
                self.define("def twice(fn, x):", ["return fn(fn(x) * 0.7)"])
            return self.bind_result(scope, f"twice({text}, {self.expr(scope, 1)})")
        name = self.fresh("fn")
        return [
            f"{name} = {text}",
            *self.bind_result(scope, f"{name}({self.expr(scope, 1)}) - {name}({self.constant()})"),
        ]

    def array_helper(self, scope: Scope) -> list[str]:
        """A helper that changes its array argument."""
        if "deposit" in self.building:
            return self.assign(scope)
        self.use("helper-mutates-array")
        if self.missing("deposit"):
            inner = Scope(["x"], ["a"], {"k": (0, self.length - 1)}, level=1, depth=1, can_return=False)
            body = self.block(inner, 1)
            self.define(
                "def deposit(a, k, x):", [*body, f"a[k] {self.rng.choice(['=', '+='])} {self.expr(inner, 2)}"]
            )
        return [f"deposit({self.array(scope)}, {self.rng.randrange(self.length)}, {self.expr(scope, 1)})"]

    def array_result(self, scope: Scope) -> list[str]:
        """A helper that returns an array: a new one, or by a branch the one it got."""
        if "derive" in self.building:
            return self.assign(scope)
        self.use("helper-returns-array")
        if self.missing("derive"):
            inner = Scope(["x"], ["a"], level=1, depth=1, can_return=False)
            loop = inner.inner(loops=1)
            loop.ints["i"] = (0, self.length - 1)
            body = [
                "b = np.zeros(len(a))",
                "for i in range(len(a)):",
                f"    b[i] = {self.expr(loop, 2)} + a[i] * x",
            ]
            if self.chance(0.45):
                self.use("helper-may-return-argument")
                body = [f"if {self.condition(Scope(['x']))}:", "    return a", *body]
            self.define("def derive(a, x):", [*body, "return b"])
        source, name = self.array(scope), self.fresh("g")
        value = self.expr(scope, 1)
        scope.arrays.append(name)
        return [f"{name} = derive({source}, {value})"]
