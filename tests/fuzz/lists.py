"""Random statements on lists and integers: literals, appending, stores, comprehensions, counting, rebinding.

Invariant: every list in scope has at least the program's one length, as every array has.
"""

from __future__ import annotations

from tests.fuzz.expressions import Scope
from tests.fuzz.statements import Statements, indent


class Lists(Statements):
    """List and integer statements."""

    def list_literal(self, scope: Scope) -> list[str]:
        """A list display, or a number repeated, whose elements may be stored to."""
        kind = self.rng.choice(["list-literal", "list-literal", "list-repeat"])
        self.use(kind)
        name = self.fresh("h")
        values = [self.expr(scope, 1) for _ in range(self.length)]
        value = f"[{', '.join(values)}]" if kind == "list-literal" else f"[{values[0]}] * {self.length}"
        scope.lists.append(name)
        scope.stored.append(name)
        return [f"{name} = {value}", *(self.list_store(scope) if self.chance(0.6) else [])]

    def list_store(self, scope: Scope) -> list[str]:
        """h[i] = expression, or op=."""
        if not scope.stored:
            return self.list_literal(scope)
        self.use("list-store")
        name, kind = self.rng.choice(scope.stored), self.rng.choice(["=", "=", "+=", "-="])
        return [f"{name}[{self.index(scope)}] {kind} {self.expr(scope, 2)}"]

    def list_append(self, scope: Scope) -> list[str]:
        """A history that grows in a loop and reads its own last element."""
        self.use("list-append")
        name, variable = self.fresh("h"), self.fresh("i")
        inner = scope.inner(loops=1)
        inner.ints[variable] = (0, self.length - 1)
        last = f"{name}[-1] * {self.tame(inner, 1)} + {self.expr(inner, 2)}"
        body = self.block(inner, 1) if self.chance(0.3) else []
        lines = [f"{name} = [{self.expr(scope, 2)}]", f"for {variable} in range({self.length - 1}):"]
        scope.lists.append(name)
        scope.stored.append(name)
        return [*lines, *indent([*body, f"{name}.append({last})"])]

    def comprehension(self, scope: Scope) -> list[str]:
        """A sum over a generator, or a list comprehension whose elements are read."""
        kind = self.rng.choice(["generator-sum", "comprehension"])
        self.use(kind)
        item = self.fresh("e")
        inner = scope.inner(loops=1)
        sequences = [*scope.lists, *scope.arrays]
        if sequences and self.chance(0.7):
            inner.bind(item)
            source = self.rng.choice(sequences)
        else:
            inner.ints[item] = (0, self.length - 1)
            source = f"range({self.length})"
        each = f"{self.tame(inner, 1)} * {self.leaf(inner)} for {item} in {source}"
        if kind == "comprehension":
            name = self.fresh("h")
            scope.lists.append(name)
            scope.stored.append(name)
            return [f"{name} = [{each}]"]
        name = self.target(scope)
        scope.bind(name)
        return [f"{name} = sum({each})"]

    def reversed_loop(self, scope: Scope) -> list[str]:
        """A loop over reversed(…) of a range, a list or an array."""
        self.use("reversed")
        inner, name = scope.inner(loops=1), self.target(scope)
        start = [] if name in scope.floats else [f"{name} = {self.constant()}"]
        scope.bind(name)
        inner.bind(name)
        sequences = [*scope.lists, *scope.arrays]
        if sequences and self.chance(0.5):
            item = self.fresh("e")
            inner.bind(item)
            header = f"for {item} in reversed({self.rng.choice(sequences)}):"
        else:
            item = self.fresh("i")
            inner.ints[item] = (0, self.length - 1)
            header = f"for {item} in reversed(range({self.length})):"
        use = f"{name} = {name} * 0.7 + math.cos({item}) * {self.leaf(inner)}"
        return [*start, header, *indent([use, *self.loop_body(inner)]), *self.loop_else(scope)]

    def integer(self, scope: Scope) -> list[str]:
        """Integer arithmetic, whose result is an index or a bound later; sometimes from a float."""
        self.use("int-arithmetic")
        name, n = self.fresh("m"), self.length
        known = self.rng.choice([*scope.ints, "3"])
        start = f"{known} * {self.rng.randint(1, 3)} + {self.rng.randint(0, 5)}"
        if self.chance(0.25):
            self.use("int-of-float")
            start = f"int(3.0 * {self.tame(scope, 1)}) + {known}"
        step = self.rng.choice([f"{name} += 2", f"{name} = {name} - 1", f"{name} //= 2", f"{name} *= 3"])
        scope.ints[name] = (0, n - 1)
        return [f"{name} = {start}", step, f"{name} = {name} % {n}"]

    def rebound(self, scope: Scope) -> list[str]:
        """A name that stands for an array (or nothing, or an int) and then for a float."""
        self.use("rebinding")
        name, other = self.fresh("r"), self.target(scope)
        inner = self.expr(scope, 1)
        kind = self.rng.choice(["array", "int", "none"] if scope.arrays else ["int", "none"])
        if kind == "array":
            first = self.rng.choice(scope.arrays)
            lines = [f"{name} = {first}", f"{other} = {name}[{self.index(scope)}] + {inner}"]
        elif kind == "int":
            lines = [f"{name} = {self.rng.randint(1, 3)}", f"{other} = {name} * {inner}"]
        else:
            lines = [f"{name} = None", f"{other} = 0.5 if {name} is None else {name}"]
        scope.bind(other)
        lines.append(f"{name} = {other} * {self.tame(scope, 1)}")
        scope.bind(name)
        return lines

    def chained_assign(self, scope: Scope) -> list[str]:
        """a = b = expression."""
        self.use("chained-assign")
        value, first, second = self.expr(scope, 2), self.target(scope), self.fresh("q")
        scope.bind(first)
        scope.bind(second)
        return [f"{first} = {second} = {value}"]

    def best_so_far(self, scope: Scope) -> list[str]:
        """A name that is None before the loop and a float after it."""
        sequences = [*scope.lists, *scope.arrays]
        if not sequences:
            return self.chained_assign(scope)
        self.use("none-start")
        name, item = self.fresh("b"), self.fresh("e")
        inner = scope.inner(loops=1)
        inner.bind(item)
        lines = [
            f"{name} = None",
            f"for {item} in {self.rng.choice(sequences)}:",
            f"    if {name} is None or {item} > {name}:",
            f"        {name} = {item} * {self.tame(inner, 1)}",
        ]
        scope.bind(name)
        return lines
