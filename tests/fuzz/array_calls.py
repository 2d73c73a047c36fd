"""Random helpers of arrays: some write their argument, some return a view, or the one or other argument.

Invariant: helpers are written before their first caller, are called with arrays of the sizes they were written
for, and call no helper that is not finished.
"""

from __future__ import annotations

from tests.fuzz.array_loops import ArrayLoops
from tests.fuzz.array_scope import ArrayScope, Shape
from tests.fuzz.statements import indent


class ArrayCalls(ArrayLoops):
    """Statements that define helpers and call them."""

    def helper(self, name: str, arrays: dict[str, Shape]) -> ArrayScope | None:
        """The scope of a helper that is to be written now, or None where it is there or being written."""
        if name in self.functions:
            return None
        self.functions[name] = ()
        self.building.add(name)
        scope = ArrayScope([], level=1, depth=1, can_return=False)
        for array, shape in arrays.items():
            scope.hold(array, shape, contiguous=False)
        return scope

    def finish(self, header: str, body: list[str]) -> None:
        """Add a helper to the module."""
        self.building.discard(header.removeprefix("def ").split("(")[0])
        self.module += [header, *indent(body), "", ""]

    def vector(self, scope: ArrayScope, written: bool = True) -> str:
        """A vector of the program's length, made if there is none."""
        names = scope.of_shape((self.length,), written=written)
        return self.rng.choice(names) if names else ""

    def writing_helper(self, scope: ArrayScope) -> list[str]:
        """A helper that writes its argument, once at an index it gets."""
        name = self.vector(scope)
        if not name or "deposit" in self.building:
            return self.element_store(scope)
        self.use("helper-writes")
        inner = self.helper("deposit", {"a": (self.length,)})
        if inner is not None:
            inner.bind("x")
            inner.ints["k"] = (0, self.length - 1)
            body = self.block(inner, 1) if self.chance(0.5) else []
            body += [
                *self.write_through(inner, "a"),
                f"a[k] {self.rng.choice(['=', '+='])} {self.expr(inner, 2)}",
            ]
            self.finish("def deposit(a, k, x):", body)
        return [f"deposit({name}, {self.rng.randrange(self.length)}, {self.expr(scope, 1)})"]

    def viewing_helper(self, scope: ArrayScope) -> list[str]:
        """A helper that returns a view of its argument, which is then written."""
        name = self.vector(scope)
        if not name or self.length < 3:
            return self.slice_store(scope)
        self.use("helper-returns-view")
        if self.helper("part", {}) is not None:
            self.finish("def part(a, k):", [f"return a[{self.rng.choice(['k:', ':k', '1:k', '::-1'])}]"])
        text = self.module[self.module.index("def part(a, k):") + 1]
        k, n = self.rng.randint(1, self.length - 1), self.length
        length = {"k:": n - k, ":k": k, "1:k": k - 1, "::-1": n}[text.split("[")[1].rstrip("]")]
        view = self.fresh("w")
        scope.hold(view, (length,), contiguous=False)
        if not length:
            return [f"{view} = part({name}, {k})"]
        return [f"{view} = part({name}, {k})", f"{view} {self.operation(scope, (length,))}"]

    def choosing_helper(self, scope: ArrayScope) -> list[str]:
        """A helper that returns one or the other argument, which is then written."""
        pair = self.pair(scope)
        if pair is None or "choose" in self.building:
            return self.aliased(scope)
        self.use("helper-chooses")
        first, second = pair
        if self.helper("choose", {}) is not None:
            test = f"np.sum(a) > {self.constant()}"
            bodies = [
                [f"if {test}:", "    return a", "return b"],
                [f"return a if {test} else b"],
                [f"if {test}:", "    b *= 0.7", "    return b", "a += b", "return a"],
            ]
            self.finish("def choose(a, b):", self.rng.choice(bodies))
        name = self.fresh("z")
        scope.hold(name, scope.known[first].shape, contiguous=False)
        return [f"{name} = choose({first}, {second})", *self.write_through(scope, name)]

    def computing_helper(self, scope: ArrayScope) -> list[str]:
        """A helper that returns a new array, early in some cases."""
        name = self.vector(scope, written=False)
        if not name or "derive" in self.building:
            return self.computed(scope)
        self.use("helper-returns-array")
        shape = (self.length,)
        inner = self.helper("derive", {"a": shape})
        if inner is not None:
            inner.bind("x")
            body = [f"b = {self.rng.choice(['np.zeros(len(a))', 'a.copy()', 'np.zeros_like(a)'])}"]
            inner.hold("b", shape)
            inner.known["a"].writable = False
            body += self.block(inner, 1) + self.write_through(inner, "b")
            if self.chance(0.5):
                body.insert(1, f"if x > {self.constant()}:")
                body.insert(2, f"    return {self.rng.choice(['a * x', 'np.sin(a)', 'b'])}")
            self.finish("def derive(a, x):", [*body, "return b"])
        new = self.fresh("a")
        call = f"derive({name}, {self.expr(scope, 1)})"
        scope.hold(new, shape)
        return [f"{new} = {call}"]

    def nested_writer(self, scope: ArrayScope) -> list[str]:
        """A nested function that writes an array of the enclosing one."""
        if scope.depth or scope.level:
            return self.writing_helper(scope)
        self.use("closure-writes")
        target, name, t = self.target_array(scope), self.fresh("put"), self.fresh("t")
        inner = scope.inner()
        inner.level, inner.floats = 1, [t]
        body = self.write_through(inner, target, rebinds=False)
        return [
            f"def {name}({t}):",
            *indent(body),
            "",
            f"{name}({self.expr(scope, 1)})",
            f"{name}({self.constant()})",
        ]
