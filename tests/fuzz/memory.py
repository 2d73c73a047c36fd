"""Random statements on 1-D arrays: stores, accumulation, allocation, copies, swaps, aliases and merges.

Invariant: every array has the program's one length, so any array may stand for any other.
"""

from __future__ import annotations

from tests.fuzz.expressions import Scope
from tests.fuzz.lists import Lists
from tests.fuzz.statements import indent


class Memory(Lists):
    """Array statements."""

    def array(self, scope: Scope) -> str:
        """Some array in scope."""
        return self.rng.choice(scope.arrays)

    def other(self, scope: Scope, not_this: str) -> str:
        """Another array name, if there is one."""
        return self.rng.choice([name for name in scope.arrays if name != not_this] or [not_this])

    def store(self, scope: Scope) -> list[str]:
        """u[i] = expression, sometimes of the cell itself."""
        self.use("array-store")
        name, index = self.array(scope), self.index(scope)
        if self.chance(0.4):
            return [f"{name}[{index}] = {name}[{index}] * {self.tame(scope, 1)} + {self.expr(scope, 1)}"]
        return [f"{name}[{index}] = {self.expr(scope, 2)}"]

    def accumulate(self, scope: Scope) -> list[str]:
        """u[i] op= expression."""
        self.use("array-accumulate")
        kind = self.rng.choice(["+=", "+=", "-=", "*="])
        value = self.tame(scope, 1) if kind == "*=" else self.expr(scope, 2)
        return [f"{self.array(scope)}[{self.index(scope)}] {kind} {value}"]

    def load_statement(self, scope: Scope) -> list[str]:
        """name = u[i]."""
        value = self.load(scope)
        name = self.target(scope)
        scope.bind(name)
        return [f"{name} = {value}"]

    def allocate(self, scope: Scope) -> list[str]:
        """A new array: zeros, empty and filled, zeros_like, or a copy."""
        kind = self.rng.choice(["zeros", "empty", "zeros-like", "copy", "copy"])
        self.use(f"array-{kind}")
        name, source = self.fresh("g"), self.array(scope)
        lines = {
            "zeros": [f"{name} = np.zeros({self.rng.choice([str(self.length), f'len({source})'])})"],
            "empty": [f"{name} = np.empty({self.length})"],
            "zeros-like": [f"{name} = np.zeros_like({source})"],
            "copy": [f"{name} = {source}.copy()"],
        }[kind]
        if kind == "empty":
            lines += self.fill(scope, name, whole=True)
        scope.arrays.append(name)
        return lines + (self.fill(scope, name) if kind == "zeros" and self.chance(0.5) else [])

    def fill(self, scope: Scope, name: str, whole: bool = False) -> list[str]:
        """A loop that stores every cell of the array, or where not `whole` perhaps only some."""
        variable = self.fresh("i")
        inner = scope.inner(loops=1)
        inner.ints[variable] = (0, self.length - 1)
        body = self.block(inner, 1) if not whole and self.chance(0.3) else []
        return [
            f"for {variable} in range({self.length}):",
            *indent([*body, f"{name}[{variable}] = {self.expr(inner, 2)}"]),
        ]

    def array_swap(self, scope: Scope) -> list[str]:
        """u, v = v, u on array names."""
        if len(scope.arrays) < 2:
            return self.allocate(scope)
        self.use("array-swap")
        first, second = self.rng.sample(scope.arrays, 2)
        return [f"{first}, {second} = {second}, {first}"]

    def element_swap(self, scope: Scope) -> list[str]:
        """u[i], u[j] = u[j], u[i]."""
        self.use("element-swap")
        name, i, j = self.array(scope), self.index(scope), self.index(scope)
        return [f"{name}[{i}], {name}[{j}] = {name}[{j}], {name}[{i}]"]

    def alias(self, scope: Scope) -> list[str]:
        """A second name for an array, then a store through it."""
        self.use("array-alias")
        name, source = self.fresh("g"), self.array(scope)
        scope.arrays.append(name)
        return [f"{name} = {source}", f"{name}[{self.index(scope)}] = {self.expr(scope, 2)}"]

    def merge(self, scope: Scope) -> list[str]:
        """u = v on names there are, then a store: references merge where this is in a branch or a loop."""
        if len(scope.arrays) < 2:
            return self.alias(scope)
        self.use("array-merge")
        first, second = self.rng.sample(scope.arrays, 2)
        store = f"{first}[{self.index(scope)}] {self.rng.choice(['=', '+='])} {self.expr(scope, 2)}"
        if scope.depth == 0 and self.chance(0.7):
            return [f"if {self.condition(scope)}:", f"    {first} = {second}", store]
        return [f"{first} = {second}", store]

    def conditional_reference(self, scope: Scope) -> list[str]:
        """w = u if c else v, then a store through w."""
        if len(scope.arrays) < 2:
            return self.alias(scope)
        self.use("array-conditional-reference")
        name, (first, second) = self.fresh("g"), self.rng.sample(scope.arrays, 2)
        line = f"{name} = {first} if {self.condition(scope)} else {second}"
        scope.arrays.append(name)
        return [line, f"{name}[{self.index(scope)}] {self.rng.choice(['=', '+='])} {self.expr(scope, 2)}"]

    def double_buffer(self, scope: Scope) -> list[str]:
        """A sweep from one buffer into the other, then a swap, several times."""
        if len(scope.arrays) < 2:
            return self.allocate(scope) + self.store(scope)
        self.use("double-buffer")
        first, second = self.rng.sample(scope.arrays, 2)
        step, variable = self.fresh("k"), self.fresh("i")
        outer = scope.inner(loops=1)
        outer.ints[step] = (0, 2)
        inner = outer.inner(loops=1)
        inner.ints[variable] = (0, self.length - 1)
        bent = f"0.3 * {first}[{variable} - 1] * {self.tame(inner, 1)}"
        sweep = f"{second}[{variable}] = 0.6 * {first}[{variable}] + {bent}"
        extra = self.block(outer, 1) if self.chance(0.4) else []
        return [
            f"for {step} in range({self.rng.choice(['2', '3', 'n'] if 'n' in scope.ints else ['2', '3'])}):",
            *indent(
                [
                    f"for {variable} in range({self.length}):",
                    f"    {sweep}",
                    *extra,
                    f"{first}, {second} = {second}, {first}",
                ]
            ),
        ]
